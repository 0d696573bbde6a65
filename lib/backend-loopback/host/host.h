/* SPDX-License-Identifier: MIT */
/*
 * The simulated Windows host: a message server. A guest's bytes go in, the bytes of replies and of
 * the host's own messages come out; guest and host share nothing else but the IO space and lent
 * guest pages.
 *
 * A guest is a connection. Several guests of one host are processes of one VM: they have shared
 * objects and the IO space in common, and everything else for themselves. What a guest has made
 * goes with its connection.
 *
 * Threads: every function may be called from any thread, commands of many threads run at once.
 * host_guest_disconnect must be the last call for a guest, host_destroy for the host. The order of
 * asynchronous commands is the order of the calls: a transport hands the commands of one channel
 * over one after another wherever order matters.
 */
#ifndef BACKEND_LOOPBACK_HOST_HOST_H
#define BACKEND_LOOPBACK_HOST_HOST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <d3dkmt/kmd.h>

struct gpu_adapter;
struct gpu_clock;
struct gpu_machine;
struct host;
struct host_guest;

#define HOST_MAX_ADAPTERS   16u
#define HOST_GLOBAL_CHANNEL (-1) /* of host_command; a vGPU channel is the adapter's index */

#define HOST_CAPS_MAP_GUEST_MEMORY 0x1u /* the guest may send page numbers instead of a GPADL */

/* PCI config words; every access is 32 bits wide. */
enum host_config_word {
    HOST_CONFIG_CHANNEL_ID = 0xc0, /* read, 16 bytes: instance GUID of the vGPU channel */
    HOST_CONFIG_VERSION = 0xd0,    /* read: what the host offers; write: what the guest chose */
    HOST_CONFIG_GUEST_CAPS = 0xd4, /* write */
    HOST_CONFIG_VGPU_LUID = 0xd4,  /* read, 8 bytes */
    HOST_CONFIG_HOST_CAPS = 0xdc,  /* read */
};

/* What an adapter answers in place of what the host would say; nothing here is copied. */
struct host_answer {
    uint32_t type; /* KMTQUERYADAPTERINFOTYPE */
    uint32_t size; /* what a question must have room for at least; zeros fill the rest */
    const void *data;
};

struct host_registry_value {
    uint32_t key;     /* D3DDDI_QUERYREGISTRY_TYPE */
    uint32_t type;    /* REG_SZ and so on; 0 for the paths, which have no name either */
    const char *name; /* UTF-8; letters of ASCII are compared without their case */
    uint32_t size;
    const void *data; /* as it goes over the wire, text in 2-byte characters */
};

struct host_feature {
    uint32_t id;
    uint16_t version;
    uint16_t result; /* WIRE_FEATURE_RESULT_* */
};

struct host_adapter_answers {
    uint32_t count;
    const struct host_answer *answers;
    uint32_t registry_count;
    const struct host_registry_value *registry; /* beside the miniport's driver store */
    uint32_t feature_count;
    const struct host_feature *features; /* NULL: hardware scheduling, as it is configured */
};

#define HOST_NOTHING UINT64_MAX /* of sizes: 0 bytes, where 0 means the default */

/* Zero or NULL means the default everywhere. Texts are UTF-8 and copied. */
struct host_adapter_config {
    const struct kmd_interface *miniport; /* required; must outlive the host */
    const char *miniport_options;
    bool compute_only;        /* PCI 1414:008A instead of 1414:008E */
    bool asynchronous_paging; /* paging operations answer STATUS_PENDING and finish later */
    bool hw_scheduling;       /* reported as enabled; hardware queues work either way */
    const char *name;         /* adapter description; default "Software GPU" with the index */
    LUID luid;      /* that guest programs see; default: made from the index, as the next two */
    LUID vgpu_luid; /* routes messages in version 40 */
    LUID host_luid; /* of the adapter on the host */
    D3DKMT_DEVICE_IDS device_ids; /* VendorID 0: a default */
    uint64_t umd_version;         /* four 16-bit fields; default 1.0.0.0 */
    uint64_t segment_size[KMD_SEGMENT_GROUPS];
    uint64_t budget[KMD_SEGMENT_GROUPS];
    uint64_t hang_timeout_ns;
    uint32_t node_count; /* nodes that the miniport must have; 0: as it likes */
    const struct kmd_node *nodes;
    const struct host_adapter_answers *answers; /* must outlive the host, as the nodes */
};

struct host_config {
    uint32_t interface_version;    /* offered; default 40 */
    bool async_messages;           /* announced in the adapter info; from version 40 on only */
    bool secure;                   /* a secure VM: only escapes that the host knows are answered */
    uint8_t virtual_machine[16];   /* GUID, for miniports; default: one that is always the same */
    uint32_t caps;                 /* HOST_CAPS_* */
    uint64_t io_space_size;        /* bytes; default 4 GiB; a guest sees it in MiB */
    void *io_space;                /* that memory, which outlives the host; NULL: a memfd */
    const struct gpu_clock *clock; /* NULL: the system's */
    bool deterministic;            /* as in gpu/machine.h, whose clock comes before the above */
    uint64_t seed;
    uint32_t max_processes; /* default 1024 */
    uint32_t max_objects;   /* of one process; default 1 << 20 */
    uint32_t adapter_count; /* 1..HOST_MAX_ADAPTERS */
    struct host_adapter_config adapters[HOST_MAX_ADAPTERS];
};

enum host_log_level {
    HOST_LOG_ERROR,   /* the host cannot do what it must */
    HOST_LOG_WARNING, /* the guest did something that no driver should */
    HOST_LOG_DEBUG,   /* a command failed */
};

/* How the host reaches the guest. Functions other than message may be NULL. */
struct host_guest_link {
    void *context;

    /* A message of the host on the global channel. Called on any thread (engines, paging, or a
     * command's own) without any lock of the host; may come before the reply to the command that
     * caused it. It must not call into the host and must not block on a guest thread that does. */
    void (*message)(void *context, const void *bytes, size_t size);

    /* The host's view of size bytes of guest memory at a guest physical address (both multiples of
     * 4096), or NULL. It stays valid until the allocation that it is lent to is destroyed. NULL
     * function: no page lists. */
    void *(*map_pages)(void *context, uint64_t guest_physical, size_t size, bool writable);

    /* text is one line without its end. */
    void (*log)(void *context, enum host_log_level level, const char *text);
};

/* STATUS_INVALID_PARAMETER, STATUS_NO_MEMORY, or what a miniport's start said. config is copied. */
NTSTATUS host_create(const struct host_config *config, struct host **host);

/* Stops the engines and frees everything. All guests are disconnected before. NULL is fine. */
void host_destroy(struct host *host);

/* STATUS_INVALID_PARAMETER (no link, or one without message), STATUS_NO_MEMORY. link is copied. */
NTSTATUS host_guest_connect(struct host *host, const struct host_guest_link *link,
                            struct host_guest **guest);

/* The guest has left a channel, on which its last commands are in progress: what its devices on
 * that adapter (HOST_GLOBAL_CHANNEL: on all) run is given up, so that no command waits for it. */
void host_guest_stop(struct host_guest *guest, int channel);

/* Ends the guest: its processes and everything in them, its GPADLs, its shared objects. None of its
 * commands is in progress; when this returns the link is not used any more. NULL is fine. */
void host_guest_disconnect(struct host_guest *guest);

/*
 * Adapters come and go, in two steps. Lose: the hardware is gone. Its devices are in error and
 * their fences all ones, no engine runs for them, commands are answered STATUS_DEVICE_REMOVED; but
 * memory that guests have mapped still is what it was. Remove: what any guest had on it is
 * destroyed, and the place is free for another adapter. Remove loses it first if need be. One
 * thread at a time; never from a link's function, except that lose may be called there.
 *
 * Neither returns before command buffers have stopped; a function of softgpu.h's CALL that does not
 * return holds it up. STATUS_INVALID_PARAMETER: there is no such adapter.
 */
NTSTATUS host_adapter_lose(struct host *host, uint32_t adapter);
NTSTATUS host_adapter_remove(struct host *host, uint32_t adapter);

/* *adapter: the place that it got. STATUS_INSUFFICIENT_RESOURCES: HOST_MAX_ADAPTERS are there;
 * STATUS_INVALID_PARAMETER, STATUS_NO_MEMORY, or what a miniport's start said. */
NTSTATUS host_adapter_add(struct host *host, const struct host_adapter_config *config,
                          uint32_t *adapter);

/* ---- what the guest's bus shows */

/* Places for adapters that have been in use; a place may be empty now. */
uint32_t host_adapter_count(const struct host *host);
bool host_adapter_is_compute_only(const struct host *host, uint32_t adapter);
bool host_adapter_is_present(const struct host *host, uint32_t adapter);
LUID host_adapter_luid(const struct host *host, uint32_t adapter);

/* Config words of the PCI function; anything else reads as 0 and ignores writes. */
uint32_t host_config_read(struct host_guest *guest, uint32_t adapter, uint32_t offset);
void host_config_write(struct host_guest *guest, uint32_t adapter, uint32_t offset, uint32_t value);

/* Instance GUIDs of the VMBus channels as they lie in memory. */
void host_vgpu_instance(const struct host *host, uint32_t adapter, uint8_t guid[16]);
void host_global_instance(const struct host *host, uint8_t guid[16]);
/* Such a GUID as text. */
void host_guid_text(const uint8_t guid[16], char text[37]);

/* The memory behind the IO space: a sealed memfd that the host owns (-1: it was given), to be
 * mapped MAP_SHARED at the place that the guest announces with SETIOSPACEREGION (byte 0 of the
 * descriptor is the region's start). */
int host_io_space_fd(const struct host *host);
uint64_t host_io_space_size(const struct host *host);

/* ---- messages */

/*
 * Runs one command and returns its reply's exact size, at most capacity. bytes are the payload of
 * the packet; the host copies them before it looks. channel: HOST_GLOBAL_CHANNEL or an adapter's
 * index. 0 when no reply is wanted, the command is asynchronous, or its reply is empty (a
 * completion without payload). Nothing is written behind capacity; a reply that does not fit is cut
 * to a bare status. Replies are never larger than 131056 bytes.
 */
size_t host_command(struct host_guest *guest, int channel, const void *bytes, size_t size,
                    bool reply_wanted, void *reply, size_t capacity);

/* ---- guest memory */

struct host_memory {
    void *pointer; /* in this process, aligned to 4096 */
    size_t size;   /* a multiple of 4096 */
};

/*
 * A GPADL that the guest made on the global channel. The memory must stay valid until teardown has
 * returned: it takes the pages from an allocation that still uses them. STATUS_INVALID_PARAMETER,
 * STATUS_OBJECT_NAME_COLLISION (the id is in use), STATUS_NO_MEMORY. Teardown of an unknown id does
 * nothing.
 */
NTSTATUS host_gpadl_create(struct host_guest *guest, uint32_t id, const struct host_memory *ranges,
                           size_t count, bool writable);
void host_gpadl_teardown(struct host_guest *guest, uint32_t id);

/* ---- what outlives its guest: for a keeper of shared objects */

/*
 * Takes an NT object of CREATENTSHAREDOBJECT away from its guest: it stays, also without the guest,
 * until host_shared_drop. STATUS_INVALID_PARAMETER when it is not the guest's.
 */
NTSTATUS host_shared_adopt(struct host_guest *guest, uint32_t nt_handle);
void host_shared_drop(struct host *host, uint32_t nt_handle);

struct host_fence_wait;

/*
 * A wait that belongs to no guest. done is called once, on any thread, possibly before this
 * returns: when the fence has reached the value, when the last object of the fence is gone, or when
 * the wait is ended. STATUS_INVALID_PARAMETER when process is none of the guest's or fence none of
 * the process's; STATUS_NO_MEMORY.
 */
NTSTATUS host_fence_wait_begin(struct host_guest *guest, uint32_t process, uint32_t fence,
                               uint64_t value, void (*done)(void *context), void *context,
                               struct host_fence_wait **wait);

/* When this returns done has been called. Not from within done. */
void host_fence_wait_end(struct host_fence_wait *wait);

/* ---- steering, for tests and tools */

/* The simulated hardware behind an adapter. Owned by the host. */
struct gpu_machine *host_machine(const struct host *host);
struct gpu_adapter *host_gpu_adapter(const struct host *host, uint32_t adapter);

/*
 * The VM's worker process on the host: its handles are those that guests get from
 * D3DKMTShareObjectWithHost. A handle lives, and keeps the fence or the memory alive, until the
 * worker closes it or the host ends; nothing that a guest does takes it away.
 * STATUS_INVALID_PARAMETER from all: no such handle, or the wrong kind of object.
 */
uint32_t host_worker_handle_count(struct host *host);

/* The value of a fence, and a signal as a program on the host would give it (monitored fences). */
NTSTATUS host_worker_fence_value(struct host *host, uint64_t handle, uint64_t *value);
NTSTATUS host_worker_signal(struct host *host, uint64_t handle, uint64_t value);

/* The memory of a resource's allocation, by its number in order of creation; STATUS_NOT_SUPPORTED
 * where it is the guest's, STATUS_ACCESS_DENIED where no CPU sees it. Valid until the handle is
 * closed. */
NTSTATUS host_worker_memory(struct host *host, uint64_t handle, uint32_t allocation,
                            struct host_memory *memory);

NTSTATUS host_worker_close(struct host *host, uint64_t handle);

/* Live objects of all processes; for tests that look for leaks. */
uint32_t host_object_count(struct host *host);

/* UTF-8 to zero-terminated UTF-16 of at most units units; returns the units needed with the
 * terminator. to may be NULL when units is 0. */
size_t host_utf16(uint16_t *to, size_t units, const char *text);

#endif
