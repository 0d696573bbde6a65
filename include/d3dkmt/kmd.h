/* SPDX-License-Identifier: MIT */
/*
 * The miniport contract of the simulated host: what a GPU vendor's kernel-mode driver supplies,
 * after the DxgkDdi names. The host owns handles, memory, address spaces, queues and fences; a
 * miniport says what its private driver data mean and executes command buffers.
 */
#ifndef D3DKMT_KMD_H
#define D3DKMT_KMD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "d3dkmthk.h"

#ifdef __cplusplus
extern "C" {
#endif

#define KMD_INTERFACE_VERSION 2u
#define KMD_SERVICES_VERSION  1u

#define KMD_MAX_NODES     32u /* engines of one adapter */
#define KMD_MAX_NODE_NAME 32u /* bytes, with the terminating zero */

/* What a node can do; the numbers are those of WDDM's DXGK_ENGINE_TYPE. */
enum kmd_engine_type {
    KMD_ENGINE_OTHER = 0,
    KMD_ENGINE_3D = 1,
    KMD_ENGINE_VIDEO_DECODE = 2,
    KMD_ENGINE_VIDEO_ENCODE = 3,
    KMD_ENGINE_VIDEO_PROCESSING = 4,
    KMD_ENGINE_SCENE_ASSEMBLY = 5,
    KMD_ENGINE_COPY = 6,
    KMD_ENGINE_OVERLAY = 7,
    KMD_ENGINE_CRYPTO = 8,
};

/* WDDM's memory segment groups; the numbers are those of D3DKMT_MEMORY_SEGMENT_GROUP. */
enum kmd_segment_group {
    KMD_SEGMENT_LOCAL = 0,     /* video memory */
    KMD_SEGMENT_NON_LOCAL = 1, /* system memory behind an aperture */
};
#define KMD_SEGMENT_GROUPS 2u

struct kmd_node {
    enum kmd_engine_type type;
    char name[KMD_MAX_NODE_NAME];
};

/*
 * A miniport as a plug-in: libd3dkmt-miniport-NAME.so in the folder of plug-ins, which exports its
 * struct kmd_interface (declared below) under this name.
 * D3DKMT_BACKEND=loopback:miniport=NAME:OPTIONS chooses it; OPTIONS, which must not hold a comma,
 * are kmd_start_info.options. It stays loaded.
 */
#define KMD_MINIPORT_PLUGIN_SYMBOL "d3dkmt_miniport_plugin"

/* ---- Services: what the host does for a miniport */

/* One run of one command buffer on one engine. Valid during the SubmitCommand call that received
 * it, on that thread. */
struct kmd_execution;

enum kmd_atomic {
    KMD_ATOMIC_LOAD,  /* acquire */
    KMD_ATOMIC_STORE, /* release */
    KMD_ATOMIC_ADD,   /* the read-modify-write ones: acquire and release */
    KMD_ATOMIC_AND,
    KMD_ATOMIC_OR,
    KMD_ATOMIC_XOR,
    KMD_ATOMIC_MIN, /* unsigned */
    KMD_ATOMIC_MAX, /* unsigned */
    KMD_ATOMIC_EXCHANGE,
    KMD_ATOMIC_COMPARE_EXCHANGE, /* stores operand if the old value equals compare */
    KMD_ATOMIC_COUNT,
};

/*
 * Memory services take GPU virtual addresses of the execution's process and translate them page by
 * page. `false` means that the GPU faulted (unmapped, not resident, or a write to read-only pages):
 * everything before the faulting page has been done, the fault is recorded, and SubmitCommand must
 * return KMD_FAULT without using the memory services again. The caller must not hold a lock that
 * another call into the miniport needs.
 */
struct kmd_services {
    uint32_t size;    /* sizeof(struct kmd_services) of the host */
    uint32_t version; /* KMD_SERVICES_VERSION of the host */

    bool (*ReadMemory)(struct kmd_execution *execution, uint64_t address, void *data, size_t size);
    bool (*WriteMemory)(struct kmd_execution *execution, uint64_t address, const void *data,
                        size_t size);

    /* Overlapping ranges give unspecified content of the destination, nothing worse. */
    bool (*CopyMemory)(struct kmd_execution *execution, uint64_t destination, uint64_t source,
                       uint64_t size);

    /* `size` must be a multiple of 4. The pattern starts at `address`, whatever its alignment. */
    bool (*FillMemory)(struct kmd_execution *execution, uint64_t address, uint32_t pattern,
                       uint64_t size);

    /* `width` is 4 or 8 and `address` a multiple of it, else it is a fault. `old` may be NULL. */
    bool (*AtomicMemory)(struct kmd_execution *execution, uint64_t address, uint32_t width,
                         enum kmd_atomic operation, uint64_t operand, uint64_t compare,
                         uint64_t *old);

    /* Stores `value` into the fence mapped at `address` and wakes whoever waits for it. Memory that
     * is no fence is just written. */
    bool (*SignalFence)(struct kmd_execution *execution, uint64_t address, uint64_t value);

    /* Nanoseconds of the host's clock. */
    uint64_t (*Timestamp)(struct kmd_execution *execution);

    /* True when the command buffer should return KMD_YIELD at its next command boundary: its device
     * is going away, or other work of the same engine has waited long enough. */
    bool (*ShouldYield)(struct kmd_execution *execution);
};

/* ---- The miniport */

struct kmd_start_info {
    uint32_t size;
    bool compute_only;                   /* the adapter has no graphics part (PCI 1414:008A) */
    const char *options;                 /* the miniport's own configuration text, or NULL */
    const struct kmd_services *services; /* stays valid until StopDevice has returned */

    /* The nodes that the adapter must have (an adapter profile lists them); 0: as the miniport
     * likes. A miniport that cannot have them fails with STATUS_NOT_SUPPORTED; the host looks. */
    uint32_t node_count;
    const struct kmd_node *nodes;

    /* services->Timestamp for calls that come with no execution, as Now(clock), on any thread until
     * StopDevice has returned. Hosts whose start info is shorter have no such thing. */
    uint64_t (*Now)(const void *clock);
    const void *clock;
};

/* What an adapter can do; WDDM's names in DXGK_VIDMMCAPS behind them. */
#define KMD_CAPABILITY_PARAVIRTUALIZATION 0x1u /* ParavirtualizationSupported: VMs may have it */
#define KMD_CAPABILITY_IOMMU_SECURE_MODE                                                           \
    0x2u /* IoMmuSecureModeSupported: it reaches nothing but                                       \
            what its VM was given; compute-only adapters of                                        \
            secure VMs must have it */

/* Filled in by StartDevice; preset to zero. The host's configuration may override sizes. */
struct kmd_adapter_info {
    uint32_t size;
    uint32_t node_count; /* 1..KMD_MAX_NODES */
    struct kmd_node nodes[KMD_MAX_NODES];
    uint64_t segment_size[KMD_SEGMENT_GROUPS]; /* bytes */
    uint64_t timestamp_frequency;              /* Hz */
    uint32_t capabilities; /* KMD_CAPABILITY_*; without PARAVIRTUALIZATION the host refuses the
                              adapter: it has VMs only */
};

#define KMD_PROCESS_VIRTUAL_MACHINE_WORKER 0x1u /* the host's process that stands for the VM */
#define KMD_PROCESS_VIRTUAL_MACHINE        0x2u /* a process inside the VM */

/* WDDM's DXGKARG_CREATEPROCESS. */
struct kmd_process_info {
    uint32_t flags;   /* KMD_PROCESS_*, exactly one */
    const char *name; /* UTF-8, as the guest says; valid during the call */
    void *worker;     /* of a process in the VM: the miniport's worker process */
};

/* WDDM's DXGKARG_SETVIRTUALMACHINEDATA. */
struct kmd_virtual_machine {
    const uint8_t *guid; /* 16 bytes; valid during the call */
    void *worker;        /* from CreateProcess, or NULL without it */
    bool secure;         /* its guests use only escapes that the host knows */
};

#define KMD_ALLOCATION_CPU_VISIBLE 0x1u /* Lock2 may map it */
#define KMD_ALLOCATION_CACHED      0x2u /* the CPU's mapping is write-back, else write-combining */

struct kmd_allocation {
    void *private_data; /* the allocation's; may be rewritten in place, the caller gets it back */
    uint32_t private_data_size;
    const void *resource_data; /* the call's private data, common to its allocations */
    uint32_t resource_data_size;
    bool system_memory;     /* backed by the caller's pages (existing system memory) */
    uint64_t standard_size; /* bytes, from a standard allocation's description; 0 for any other
                               allocation */

    /* Results; preset to zero. */
    uint64_t size;  /* bytes, not zero; the host rounds up to 4 KiB */
    uint32_t flags; /* KMD_ALLOCATION_* */
    enum kmd_segment_group
        segment; /* where it becomes resident; existing system memory is always non-local */
    void *driver_allocation; /* the miniport's own; handed to DestroyAllocation */
};

/* WDDM's D3DKMDT_STANDARDALLOCATION_TYPE as far as Linux guests use it. */
enum kmd_standard_allocation_type {
    KMD_STANDARD_ALLOCATION_SHARED_PRIMARY = 1,
    KMD_STANDARD_ALLOCATION_SHADOW = 2,
    KMD_STANDARD_ALLOCATION_STAGING = 3,
    KMD_STANDARD_ALLOCATION_GDI = 4,
    KMD_STANDARD_ALLOCATION_VIRTUAL_GPU = 5,
};

/* Both sizes are in/out. A NULL buffer asks for the size; one that is too small gives
 * STATUS_BUFFER_TOO_SMALL. */
struct kmd_standard_allocation {
    enum kmd_standard_allocation_type type;
    uint64_t
        standard_size; /* bytes of memory that is described, 0 where the request does not tell */
    void *allocation_data;
    uint32_t allocation_data_size;
    void *resource_data;
    uint32_t resource_data_size;
};

struct kmd_context_info {
    uint32_t node;
    bool hw_queue;      /* a hardware queue of a context rather than the context itself */
    void *private_data; /* the caller's; may be rewritten in place */
    uint32_t private_data_size;
};

enum kmd_result {
    KMD_DONE,            /* the command buffer is finished */
    KMD_YIELD,           /* call again with the same submission as soon as the engine has time */
    KMD_POLL,            /* the same, but memory must change first: the engine may sleep for up to a
                            millisecond */
    KMD_HANG,            /* the engine is stuck in this command buffer until it is reset */
    KMD_FAULT,           /* a memory service said so */
    KMD_INVALID_COMMAND, /* the command buffer is malformed */
};

struct kmd_submission {
    uint64_t command_address; /* GPU virtual address */
    uint32_t command_size;    /* bytes */
    uint32_t node;
    const void *private_data; /* a copy that cannot change */
    uint32_t private_data_size;
    void *driver_context; /* from CreateContext */
    uint64_t state[4]; /* the miniport's; zero at the first call, kept between KMD_YIELD or KMD_POLL
                          and the next call */
};

/*
 * One per miniport, const, valid for ever. Functions may be called from any thread and for
 * different objects at once; SubmitCommand is called by the engine's thread, never twice at a time
 * for one context. CreateProcess and SetVirtualMachineData must not wait for another call into the
 * miniport. A host looks at `size` and never calls behind it. Members marked optional may be
 * NULL; the host then does what their comment says.
 */
struct kmd_interface {
    uint32_t size;    /* sizeof(struct kmd_interface) of the miniport */
    uint32_t version; /* KMD_INTERFACE_VERSION */
    const char *name;

    /* Before anything else. `*adapter` is handed to every other call. On failure StopDevice is not
     * called. */
    NTSTATUS(*StartDevice)
    (const struct kmd_start_info *start, struct kmd_adapter_info *info, void **adapter);
    /* After every object is destroyed and every engine has stopped. */
    void (*StopDevice)(void *adapter);

    /* Query types that only the driver knows (KMTQAITYPE_UMDRIVERPRIVATE above all). `data` holds
     * the caller's bytes and receives the answer. Optional: STATUS_NOT_SUPPORTED. */
    NTSTATUS (*QueryAdapterInfo)(void *adapter, uint32_t type, void *data, uint32_t size);

    /* Optional, both or none. First the worker process of the VM, right after StartDevice, then
     * each of the VM's processes when it first uses the adapter; a process outlives its devices and
     * the worker outlives all processes. */
    NTSTATUS(*CreateProcess)
    (void *adapter, const struct kmd_process_info *info, void **driver_process);
    void (*DestroyProcess)(void *adapter, void *driver_process);

    /* Once, before any process of the VM. A failure keeps the adapter from the VM. Optional. */
    NTSTATUS (*SetVirtualMachineData)(void *adapter, const struct kmd_virtual_machine *data);

    /* `driver_process` is NULL without CreateProcess. Optional, both or none. */
    NTSTATUS (*CreateDevice)(void *adapter, void *driver_process, void **driver_device);
    void (*DestroyDevice)(void *adapter, void *driver_device);

    /* Also for hardware queues. `driver_device` is NULL without CreateDevice. Optional, both or
     * none. */
    NTSTATUS(*CreateContext)
    (void *adapter, void *driver_device, struct kmd_context_info *info, void **driver_context);
    void (*DestroyContext)(void *adapter, void *driver_context);

    /* STATUS_INVALID_PARAMETER when the private data tell no size. */
    NTSTATUS (*CreateAllocation)(void *adapter, struct kmd_allocation *allocation);
    /* Optional, when CreateAllocation never sets driver_allocation. */
    void (*DestroyAllocation)(void *adapter, void *driver_allocation);

    /* Optional: STATUS_NOT_SUPPORTED. */
    NTSTATUS(*GetStandardAllocationDriverData)
    (void *adapter, struct kmd_standard_allocation *request);

    /* Executes the command buffer, or the next part of it, using the services. Must return within
     * milliseconds. */
    enum kmd_result (*SubmitCommand)(void *adapter, struct kmd_execution *execution,
                                     struct kmd_submission *submission);

    /* D3DKMT_ESCAPE_DRIVERPRIVATE; `data` is changed in place. `driver_device` may be NULL. Escapes
     * that translate handles do not come here, nor any that a secure VM may not send. Optional:
     * STATUS_NOT_SUPPORTED. */
    NTSTATUS (*Escape)(void *adapter, void *driver_device, void *data, uint32_t size);

    /* A directory with the driver's user-mode files, or NULL when there is none. The text lives
     * until StopDevice. Optional. */
    const char *(*DriverStorePath)(void *adapter);
};

/* A plug-in defines it; the host looks for it by its name, nothing is linked with it. */
extern const struct kmd_interface d3dkmt_miniport_plugin __attribute__((visibility("default")));

#ifdef __cplusplus
}
#endif

#endif
