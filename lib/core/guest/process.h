/* SPDX-License-Identifier: MIT */
/* What the engine keeps per client process: handle tables, open adapters, devices, their objects.
 */
#ifndef CORE_GUEST_PROCESS_H
#define CORE_GUEST_PROCESS_H

#include "core/guest/vm.h"
#include "core/pool.h"

struct guest_object_list {
    struct guest_object *first, *last;
};

/*
 * Any object with a handle that the host chose. The handle table holds one reference; calls in
 * progress hold others. A child holds a reference on its device, so that a call needs
 * only the child's lookup; whether the device is still there is a flag of the device.
 */
struct guest_object {
    struct reference reference;
    struct guest_process *process;
    struct guest_device *device; /* NULL for a device, and for sync objects of an adapter */
    enum handle_type type;
    D3DKMT_HANDLE handle;
    /* The list of its owner, in order of creation; under the process's mutex. */
    struct guest_object_list *list;
    struct guest_object *next, *previous;
};

/*
 * One adapter in one process, however many handles are open. Each handle in the local table and
 * each device hold a reference; the last handle that is closed destroys the devices.
 */
struct guest_open_adapter {
    struct reference reference;
    struct guest_process *process;
    struct guest_adapter *adapter;
    struct guest_open_adapter *next; /* in the process's list while open_count > 0 */
    unsigned open_count;             /* under the process's adapter mutex */
    struct guest_object_list devices;
};

struct guest_device {
    struct guest_object object;
    struct guest_open_adapter *open_adapter;
    atomic_bool destroyed; /* its handle is gone; children refuse calls */
    /* Execution state as last told by the host, valid while the VM's counter is the same. */
    _Atomic uint64_t known_state; /* counter << 32 | state */
    struct guest_object_list children;
};

struct guest_context {
    struct guest_object object;
};

struct guest_hw_queue {
    struct guest_object object;
    struct guest_context *context; /* referenced */
    D3DKMT_HANDLE progress_fence;
    void *fence_mapping;
};

struct guest_paging_queue {
    struct guest_object object;
    D3DKMT_HANDLE fence;
    void *fence_mapping;
};

struct guest_shared;

struct guest_resource {
    struct guest_object object;
    struct guest_shared *shared; /* referenced, or NULL */
    struct guest_object_list allocations;
};

struct guest_allocation {
    struct guest_object object;
    struct guest_resource *resource; /* referenced, or NULL */
    uint64_t page_count;             /* of 4096 bytes, as the host said */
    bool cached;
    bool pinned;    /* the memory is the caller's */
    bool has_gpadl; /* the host reaches it by gpadl, else by page numbers */
    uint32_t gpadl;
    struct guest_pin pin;
    /* Private data as it was given, for those who open a shared resource; until it is sealed. */
    void *kept_data;
    uint32_t kept_size;
    /* Under the process's lock_mutex: */
    void *
        cpu_address; /* what Lock2 answers: the mapping, or the caller's memory; NULL: not locked */
    unsigned lock_count; /* of the mapping */
    void *mapping; /* outlives cpu_address when the adapter goes: the program may still look */
};

struct guest_sync_object {
    struct guest_object object;
    struct guest_adapter *adapter; /* referenced */
    D3DDDI_SYNCHRONIZATIONOBJECT_TYPE sync_type;
    bool monitored;              /* a device sync object with a fence page */
    struct guest_shared *shared; /* referenced, or NULL */
    void *fence_mapping;
    uint64_t event; /* CPU notification: the event's id, or 0 */
};

struct guest_process {
    struct guest_vm *vm;
    struct guest_process *next; /* in the VM's list */
    uint32_t host_handle;
    uint64_t process_id;
    bool check_pointers, interruptible;
    atomic_bool interrupted;
    struct handle_table adapter_handles; /* chosen here */
    struct handle_table handles;         /* chosen by the host */
    pthread_mutex_t adapter_mutex;       /* orders CreateDevice and CloseAdapter, guards the list */
    struct guest_open_adapter *open_adapters;
    pthread_mutex_t mutex;                 /* guards all object lists */
    pthread_mutex_t lock_mutex;            /* orders Lock2 and Unlock2 */
    struct guest_object_list sync_objects; /* those that belong to an adapter */
    struct pool open_adapter_pool, device_pool, context_pool, hw_queue_pool, paging_queue_pool,
        resource_pool, allocation_pool, sync_object_pool;
};

/* ---- lookups */

/*
 * Each returns a referenced object, or NULL with the failure explained; the status is then
 * STATUS_INVALID_PARAMETER. argument: the argument's name. Release with guest_object_release.
 */
struct guest_open_adapter *guest_adapter_acquire(struct guest_process *process,
                                                 D3DKMT_HANDLE handle, const char *argument);
struct guest_device *guest_device_acquire(struct guest_process *process, D3DKMT_HANDLE handle,
                                          const char *argument);
/* An object of any other type; its device exists as well. */
void *guest_child_acquire(struct guest_process *process, D3DKMT_HANDLE handle,
                          enum handle_type type, const char *argument);

static inline void guest_object_release(void *object)
{
    if (object)
        reference_release((struct reference *)object);
}

/* STATUS_DEVICE_REMOVED, explained, unless the device and its adapter admit calls. */
NTSTATUS guest_device_check_active(const struct guest_device *device);

static inline struct guest_adapter *guest_device_adapter(const struct guest_device *device)
{
    return device->open_adapter->adapter;
}

/* ---- objects */

/*
 * A new object from its pool, with one reference (the future table's) and, for children, one on the
 * device. NULL, explained, without memory. Give it to guest_object_insert or guest_object_release.
 */
void *guest_object_create(struct guest_process *process, struct pool *pool, enum handle_type type,
                          struct guest_device *device, void (*destroy)(struct reference *));

/* Ends a guest_object_create'd object: drops the device and gives the memory back. */
void guest_object_free(struct guest_object *object, struct pool *pool);

void guest_list_append(struct guest_object_list *list, struct guest_object *object);
/* Takes an object out of its list, if it is in one. */
void guest_list_remove(struct guest_object *object);

/* Enters handles into the process's table, all or none. Explained on failure. */
NTSTATUS guest_handles_insert(struct guest_process *process,
                              const struct handle_insertion *insertions, size_t count);

/*
 * Enters the handles of a child and puts it into its device's list in one step. Fails, explained,
 * also when the device is being destroyed.
 */
NTSTATUS guest_child_publish(struct guest_object *child, const struct handle_insertion *insertions,
                             size_t count);

/*
 * Takes a child's handle out; false when somebody else did so before. The winner owns the table's
 * reference and goes on destroying.
 */
bool guest_child_withdraw(struct guest_object *child);

/* ---- tearing down (each file of a type defines its own) */

/*
 * Destroys a device whose handle is gone already: children, then the host's device.
 * terminate: the process or its last adapter handle goes, which is announced by FLUSHDEVICE.
 */
void guest_device_teardown(struct guest_device *device, bool terminate);

/* What a dying device does to its children: handles out, mappings away, messages where needed. */
void guest_sync_object_drop(struct guest_sync_object *sync_object);
void guest_context_drop(struct guest_context *context);
void guest_hw_queue_drop(struct guest_hw_queue *queue);
void guest_paging_queue_drop(struct guest_paging_queue *queue);
void guest_allocation_drop(struct guest_allocation *allocation);
void guest_resource_drop(struct guest_resource *resource);

/* Takes back the mappings of the CPU that an adapter's removal ends: locks and pinned pages. */
void guest_adapter_stop_devices(struct guest_adapter *adapter);

/* Closes every handle of the process on this adapter at once. */
void guest_open_adapter_close_all(struct guest_open_adapter *open_adapter);

#endif
