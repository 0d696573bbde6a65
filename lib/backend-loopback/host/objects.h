/* SPDX-License-Identifier: MIT */
/*
 * The host's records. Lifetime: an object is in a handle table (one reference) until its destroy
 * command, and each command in progress holds a reference to what it looked up. The last reference
 * runs the class's destroy, which takes the simulated hardware's object apart. An object keeps a
 * reference to its owner, so children always go first:
 *
 *   guest -> process -> device -> context -> hardware queue -> its progress fence
 *                              -> paging queue -> its fence
 *                              -> resource -> allocation
 *                              -> allocation, monitored fence
 *                    -> sync object of the adapter
 *         -> opened adapter, shared object
 *
 * Locks: a table's lock guards the table, in_table and closed of its objects; host_process.lock
 * guards gpu[]; host_guest.lock guards its GPADLs, its IO space and its opened adapters. None is
 * taken while holding another, and none is held across a call to the guest's link. Calls into gpu
 * are made without a lock, but for those that call nothing back: making a gpu_process (the
 * miniport's CreateProcess waits for nothing), lending pages and taking them away. host.presence
 * comes before all of them: a command holds it for reading from beginning to end.
 */
#ifndef BACKEND_LOOPBACK_HOST_OBJECTS_H
#define BACKEND_LOOPBACK_HOST_OBJECTS_H

#include <pthread.h>
#include <stdatomic.h>

#include "backend-loopback/gpu/gpu.h"
#include "backend-loopback/host/host.h"
#include "core/wire/wire.h"

/* The numbers of the guest's handle manager where it has one. */
enum host_kind {
    HOST_KIND_ADAPTER = 1,
    HOST_KIND_DEVICE = 3,
    HOST_KIND_RESOURCE = 4,
    HOST_KIND_ALLOCATION = 5,
    HOST_KIND_CONTEXT = 7,
    HOST_KIND_SYNC = 8,
    HOST_KIND_PAGING_QUEUE = 10,
    HOST_KIND_PROCESS = 12,
    HOST_KIND_HW_QUEUE = 15,
    HOST_KIND_SHARED_SYNC = 32,   /* global handle of a shared sync object */
    HOST_KIND_SHARED_OBJECT = 33, /* what a guest's NT handle stands for */
    HOST_KIND_GUEST = 34,         /* a guest's connection; has no handle */
    HOST_KIND_WORKER_OBJECT = 35, /* what a handle of the VM's worker process stands for */
};

struct host_process;

struct host_object {
    _Atomic uint32_t references;
    enum host_kind kind;
    uint32_t handle; /* set when it is inserted, then constant */
    bool in_table;
    bool closed;                  /* being destroyed: nothing may be created inside any more */
    struct host_object *owner;    /* a reference, or NULL */
    struct host_process *process; /* kept alive by the owners; NULL for global objects */
    void (*retire)(struct host_object *object);  /* optional: right after it left the table, while
                                                    others may  still use it */
    void (*destroy)(struct host_object *object); /* frees everything but the record itself */
    struct host_object *next;                    /* of host_table_collect */
};

/*
 * A record of size bytes (struct host_object first), zeroed, with one reference. NULL: no memory.
 */
void *host_object_create(size_t size, enum host_kind kind, struct host_object *owner,
                         void (*destroy)(struct host_object *object));
void host_object_reference(struct host_object *object);
void host_object_release(struct host_object *object); /* NULL is fine */

/* ---- handle tables (table.c) */

struct host_table_entry {
    struct host_object *object; /* NULL: free */
    uint32_t next_free;
    uint8_t unique;
};

struct host_table {
    pthread_rwlock_t lock;
    struct host_table_entry *entries;
    uint32_t size; /* entries */
    uint32_t live;
    uint32_t limit;
    uint32_t first_index; /* of entries[0] in handles */
    uint32_t instance;    /* low bits of every handle */
    uint32_t free_head;
    uint32_t free_tail;
    uint32_t free_count;
    bool closed;
};

NTSTATUS host_table_init(struct host_table *table, uint32_t first_index, uint32_t limit,
                         uint32_t instance);
void host_table_destroy(struct host_table *table);

/* Gives each object a handle and takes a reference; all or none. STATUS_NO_MEMORY, or
 * STATUS_INVALID_PARAMETER when an owner, or the table, is being closed. */
NTSTATUS host_table_insert(struct host_table *table, struct host_object *const *objects,
                           uint32_t count);

/*
 * The live object of that kind, with a reference, or NULL. Instance bits are ignored, as guests do.
 */
struct host_object *host_table_find(struct host_table *table, uint32_t handle, enum host_kind kind);

/* All or none; false when one is missing. */
bool host_table_find_all(struct host_table *table, const struct wire_span *handles,
                         enum host_kind kind, struct host_object **objects);

/*
 * References to the live objects of a kind directly owned by owner (NULL: by anybody), in a list
 * from malloc; NULL when there are none or no memory is left.
 */
struct host_object **host_table_owned(struct host_table *table, const struct host_object *owner,
                                      enum host_kind kind, uint32_t *count);

/* Takes root and everything inside it (NULL: everything, and closes the table) out of the table, as
 * a list through next. The caller releases each: the references are the table's. NULL if root is
 * out already. A root that is a guest is in no table: what is inside it goes, and nothing new comes
 * in. */
struct host_object *host_table_collect(struct host_table *table, struct host_object *root);

/* Takes an object in the table away from its owner; false when it is out, or another's. */
bool host_table_disown(struct host_table *table, struct host_object *object,
                       struct host_object *owner);

/* The same, and the handles are never used again: for objects that go without the guest's doing,
 * which goes on knowing them by these handles. */
struct host_object *host_table_collect_for_good(struct host_table *table, struct host_object *root);

/* Retires and releases a list from host_table_collect. */
void host_objects_release(struct host_object *list);

/* ---- records */

struct host_adapter {
    struct host *host;
    uint32_t index;
    struct host_adapter_config config; /* texts are the host's copies */
    _Atomic bool present;              /* commands are for adapters that are */
    bool removed;                      /* its place is free once nothing keeps its memory */
    struct gpu_adapter *gpu;           /* NULL: the place is free */
};

struct host_process {
    struct host_object object;
    struct host_guest *guest; /* the owner */
    char name[64];            /* UTF-8, as the guest says */
    struct host_table table;
    pthread_mutex_t lock;
    struct gpu_process *gpu[HOST_MAX_ADAPTERS]; /* made on first use */
};

struct host_device {
    struct host_object object;
    struct host_adapter *adapter;
    struct gpu_device *gpu;
    uint64_t cookie; /* the guest's name for it */
};

struct host_context {
    struct host_object object;
    struct host_device *device; /* the owner */
    struct gpu_context *gpu;
    bool null_rendering;
    bool for_hw_queues; /* takes no command buffers itself */
};

struct host_hw_queue {
    struct host_object object;
    struct host_context *context; /* the owner */
    struct gpu_hw_queue *gpu;
};

struct host_paging_queue {
    struct host_object object;
    struct host_device *device; /* the owner */
    struct gpu_paging_queue *gpu;
};

struct host_resource {
    struct host_object object;
    struct host_device *device; /* the owner */
    bool shared;
    _Atomic bool sealed; /* has been shared, or was opened: nothing is added any more */
};

struct host_allocation {
    struct host_object object;
    struct host_device *device;
    struct host_resource *resource; /* the owner, or NULL when the device is */
    struct gpu_allocation *gpu;
    uint32_t order; /* among those made with it */
    bool system_memory;
    bool read_only;
    bool opened; /* of a shared resource: another object lends the memory */
    _Atomic uint32_t locks;
};

struct host_sync {
    struct host_object object;
    uint32_t type;             /* enum gpu_fence_type */
    uint32_t flags;            /* WIRE_SYNC_* of its creation or opening */
    bool implicit;             /* of a paging or hardware queue: goes with it */
    struct gpu_fence *fence;   /* a reference; NULL for CPU notifications */
    uint64_t event;            /* CPU notification: what a signal sends */
    struct gpu_process *space; /* where the fence is mapped, NULL: nowhere */
    uint64_t gpu_address;
    struct host_shared_sync *shared; /* a reference, or NULL */
};

/* What a global sync handle stands for; goes when the last sync object of it goes. */
struct host_shared_sync {
    struct host_object object; /* in host.globals */
    struct host *host;
    uint32_t type;
    struct gpu_fence *fence;    /* a reference */
    _Atomic uint32_t instances; /* sync objects and shared objects */
    _Atomic uint32_t openers;   /* who can signal it: with the last one the CPU waits end */
};

/* A shared object: an NT handle of a guest, or a handle of the worker process. */
struct host_shared_object {
    struct host_object object;     /* in host.globals, or in host.worker */
    struct host_shared_sync *sync; /* a reference and an instance, or NULL */
    struct host_adapter *adapter;  /* of a resource */
    uint32_t count;                /* of a resource's allocations */
    bool system_memory;
    bool read_only;
    struct gpu_allocation *allocations[]; /* references, in the order of their creation */
};

struct host_gpadl {
    uint32_t id;
    bool writable;
    struct gpu_allocation *user; /* a reference: who has been lent the pages */
    struct host_gpadl *next;
    size_t page_count;
    void *pages[];
};

/* A CPU wait on its way; recycled, so that waiting allocates nothing in steady state. */
struct host_wait {
    struct host_guest *guest; /* whose wait it is; outlives it */
    uint64_t event;
    struct host_wait *next;
};

/* What all guests have in common. */
struct host {
    struct host_config config;
    struct gpu_machine *machine;
    /* Held for reading while a command runs, for writing while adapters come and go; before every
     * other lock. */
    pthread_rwlock_t presence;
    _Atomic bool told;              /* that a deterministic run has become none */
    _Atomic uint32_t adapter_count; /* places that have ever been taken */
    uint32_t adapters_started;      /* in all, for names that were never used before */
    struct host_adapter adapters[HOST_MAX_ADAPTERS];
    struct host_table globals;
    struct host_table worker; /* handles of the VM's worker process */
    _Atomic uint32_t process_count;

    pthread_mutex_t waits_lock;
    struct host_wait *free_waits;
};

/* An adapter that a guest has opened. */
struct host_opened_adapter {
    struct host_object *object; /* a reference; in host.globals */
    _Atomic uint32_t handle;    /* of object, 0 when closed */
};

/* One guest's connection. Everything that it makes belongs to it and goes with it. */
struct host_guest {
    struct host_object object; /* in no table */
    struct host *host;
    struct host_guest_link link;
    struct gpu_wait_group *waits;
    _Atomic uint32_t version; /* what the guest chose, 0: nothing yet */

    pthread_mutex_t lock;
    uint32_t caps;
    uint64_t io_space_start; /* 0: not announced */
    uint64_t io_space_length;
    struct host_gpadl *gpadls;
    struct host_opened_adapter opened[HOST_MAX_ADAPTERS];
};

/* Starts an adapter in a free place. presence held for writing, or nobody else has the host. */
NTSTATUS host_adapter_start(struct host *host, uint32_t index,
                            const struct host_adapter_config *config);
void host_adapter_stop(struct host_adapter *adapter);

/* memory.c: takes the pages of GPADLs from allocations of an adapter. */
void host_gpadls_leave(struct host_guest *guest, const struct host_adapter *adapter);

/* ---- services */

void host_log(struct host_guest *guest, enum host_log_level level, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Interface version in force between this guest and the host. */
uint32_t host_interface_version(const struct host_guest *guest);

/* SIGNALGUESTEVENT, SETGUESTDATA. Call without locks. */
void host_send_event(struct host_guest *guest, uint64_t event);
void host_send_device_state(struct host_guest *guest, uint64_t cookie);

/*
 * Guest physical address of a place in the storage; false when the IO space does not reach there.
 */
bool host_io_space_address(struct host_guest *guest, uint64_t offset, uint64_t size,
                           uint64_t *address);

/* The process's share of an adapter, made on first use. */
NTSTATUS host_process_gpu(struct host_process *process, struct host_adapter *adapter,
                          struct gpu_process **gpu);

/* One more or one fewer object that stands for the shared fence; the last one takes the handle. */
void host_shared_sync_take(struct host_shared_sync *shared);
void host_shared_sync_drop(struct host_shared_sync *shared);

/* Gives back what an allocation, made or opened, has locked, and its memory. */
void host_allocation_destroy(struct host_object *object);

/* The same for those who can signal it: the last one ends the CPU waits. */
void host_shared_sync_open(struct host_shared_sync *shared);
void host_shared_sync_close(struct host_shared_sync *shared);

/* A sync object around a reference to fence, which it takes over even on failure. Not in a table
 * yet. */
struct host_sync *host_sync_create(struct host_object *owner, uint32_t type,
                                   struct gpu_fence *fence);

/* UTF-16, up to a terminator or units, to terminated UTF-8 in size bytes; what does not fit is left
 * out. */
void host_utf8(char *to, size_t size, const uint16_t *text, size_t units);

/* Calls host_send_event(event) when all fences have reached their values, or one of them goes. The
 * wait is the guest's: it goes on without the process that began it. */
NTSTATUS host_event_when(struct host_guest *guest, uint32_t count, struct gpu_fence *const *fences,
                         const uint64_t *values, bool any, uint64_t event);

#endif
