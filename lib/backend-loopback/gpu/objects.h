/* SPDX-License-Identifier: MIT */
/* The records of this folder's objects, for its own files only, and which lock guards what. */
#ifndef BACKEND_LOOPBACK_GPU_OBJECTS_H
#define BACKEND_LOOPBACK_GPU_OBJECTS_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include <d3dkmt/kmd.h>

#include "backend-loopback/gpu/allocation.h"
#include "backend-loopback/gpu/device.h"
#include "backend-loopback/gpu/fence.h"
#include "backend-loopback/gpu/machine.h"
#include "backend-loopback/gpu/page_table.h"
#include "backend-loopback/gpu/range_tree.h"
#include "backend-loopback/gpu/records.h"
#include "backend-loopback/gpu/statistics.h"
#include "backend-loopback/gpu/storage.h"
#include "backend-loopback/gpu/worker.h"

struct gpu_node;
struct gpu_paging_job;
struct gpu_queue;
struct gpu_turns;
struct gpu_waiter_entry;

typedef _Atomic uint32_t gpu_references;

static inline void gpu_references_take(gpu_references *references)
{
    atomic_fetch_add_explicit(references, 1, memory_order_relaxed);
}

/* True for the last one. */
static inline bool gpu_references_drop(gpu_references *references)
{
    return atomic_fetch_sub_explicit(references, 1, memory_order_acq_rel) == 1;
}

/* For weak pointers: false when the object is on its way out already. */
static inline bool gpu_references_try_take(gpu_references *references)
{
    uint32_t count = atomic_load_explicit(references, memory_order_relaxed);

    while (count > 0) {
        if (atomic_compare_exchange_weak_explicit(references, &count, count + 1,
                                                  memory_order_acquire, memory_order_relaxed))
            return true;
    }
    return false;
}

/* What moves periodic fences: a worker that the first of them starts. */
struct gpu_display {
    pthread_mutex_t lock; /* guards the rest */
    struct gpu_worker worker;
    bool started;
    struct gpu_fence *fences; /* weak */
};

struct gpu_machine {
    struct gpu_storage storage;
    const struct gpu_clock *clock;
    struct gpu_turns *turns;   /* NULL: workers have threads */
    pthread_mutex_t wait_lock; /* guards all waiters, wait groups, the lists of fences of devices,
                                  units of mutexes and semaphores, and queues' claims */
    uint32_t open_waits;       /* of CPUs; the same lock */
    struct gpu_display display;
};

/* A range of addresses that the process has: made by reserve or map. */
struct gpu_region {
    struct gpu_range range; /* first member */
};

/* What is behind addresses. An allocation, a fence or (neither) the zero page. */
struct gpu_mapping {
    struct gpu_range range; /* first member */
    struct gpu_process *process;
    struct gpu_allocation *allocation; /* weak: an allocation's end takes its mappings along */
    struct gpu_fence *fence;           /* a reference */
    uint64_t page;                     /* of the allocation, at range.start */
    bool writable;
    struct gpu_mapping *next; /* of the same allocation */
    struct gpu_mapping **link;
};

struct gpu_process {
    gpu_references references;
    struct gpu_adapter *adapter;
    void *driver_process;

    /* Guarded by the adapter's memory_lock; changed only with the write lock of table_lock as well,
     * so that either lock is enough to read. Engines hold table_lock for reading while they touch
     * memory. */
    pthread_rwlock_t table_lock;
    struct gpu_page_table table;
    struct gpu_range_tree mappings;

    /* Guarded by the adapter's memory_lock. */
    struct gpu_process *next; /* of the adapter */
    struct gpu_process **link;
    struct gpu_range_tree regions;
    uint32_t records; /* regions and mappings */
    bool destroyed;
    uint64_t held[KMD_SEGMENT_GROUPS];    /* made resident, not offered */
    uint64_t usage[KMD_SEGMENT_GROUPS];   /* of that, what lies in the segment now */
    uint64_t offered[KMD_SEGMENT_GROUPS]; /* offered, and in the segment still */
    uint64_t reservation[KMD_SEGMENT_GROUPS];
    uint64_t evicted[KMD_SEGMENT_GROUPS][GPU_PRIORITY_CLASSES]; /* moved out for others */

    struct gpu_engine_figures engines[KMD_MAX_NODES]; /* each guarded by its node's lock */

    /* Allocations that it holds and that were moved out. An engine announces a run and then looks
     * here; who moves memory out counts here and then looks for runs (trim.c). */
    _Atomic uint32_t absent;
    _Atomic uint32_t running;  /* command buffers that an engine executes this moment */
    _Atomic uint64_t last_use; /* when one began, in the adapter's count of them */
};

/* How often a device has made an allocation resident. */
struct gpu_resident {
    struct gpu_device *device; /* weak: a device's end takes its residency along */
    uint64_t count;
    struct gpu_resident *next;
};

struct gpu_allocation {
    gpu_references references;
    struct gpu_adapter *adapter;
    struct gpu_process *owner; /* a reference, or NULL: whose statistics it counts in */
    uint64_t pages;
    uint32_t flags;
    bool system_memory;
    void *driver_allocation;

    /* Guarded by the adapter's memory_lock. What counts for segments and processes follows from
     * residents, segment, out, offered and discarded: see gpu_residency_count. */
    uint64_t storage_offset;
    enum kmd_segment_group segment;
    struct gpu_segments segments;
    uint32_t priority; /* the higher, the later it is moved out */
    bool out;          /* resident, but moved out until a process that holds it runs again */
    bool offered;
    bool discarded; /* while offered: the content is lost */
    bool may_decommit;
    bool decommitted; /* discarded, and the storage given back */
    uint32_t offer_priority;
    uint64_t offer_order;
    uint32_t locks; /* of CPUs */
    void **frames;  /* system memory: one per page, NULL until lent */
    uint64_t frames_lent;
    bool read_only;
    bool revoked;
    struct gpu_mapping *mappings;
    struct gpu_resident *residents;
    struct gpu_allocation *next; /* of the adapter */
    struct gpu_allocation **link;
};

struct gpu_adapter {
    struct gpu_machine *machine;
    const struct kmd_interface *miniport;
    void *miniport_adapter;
    void *driver_worker; /* the miniport's worker process of the VM */
    struct kmd_adapter_info info;
    uint64_t budget[KMD_SEGMENT_GROUPS];
    uint64_t hang_timeout_ns;
    uint32_t max_page_tables;
    uint32_t max_queue_bytes;
    struct gpu_node *nodes[KMD_MAX_NODES];

    struct gpu_records records;
    pthread_mutex_t memory_lock;
    uint64_t segment_used[KMD_SEGMENT_GROUPS];
    struct gpu_allocation *allocations;
    struct gpu_process *processes;
    struct gpu_adapter_figures figures; /* without resets */
    uint64_t evicted[KMD_SEGMENT_GROUPS][GPU_PRIORITY_CLASSES];
    _Atomic uint32_t resets;
    uint64_t offers;                        /* counts them */
    _Atomic uint64_t uses;                  /* counts command buffers */
    _Atomic(struct gpu_process *) claimant; /* waits for room; others let it go first */

    _Atomic bool asynchronous_paging;
    bool paging_started;
    pthread_mutex_t paging_lock; /* guards what follows and the paging queues' counters */
    struct gpu_worker paging;
    pthread_cond_t paging_done; /* jobs_done has grown */
    uint64_t jobs_queued;
    uint64_t jobs_done;
    struct gpu_paging_job *paging_head;
    struct gpu_paging_job **paging_tail;
};

struct gpu_fence {
    gpu_references references;
    struct gpu_machine *machine;
    enum gpu_fence_type type;
    uint64_t offset;
    _Atomic uint64_t *value;
    _Atomic uint64_t own_value; /* where `value` points without a page */
    uint64_t maximum;           /* units of a mutex or semaphore; 0: it is a fence */
    _Atomic uint32_t
        waiters; /* entries in the list; lets a signal that nobody waits for skip the lock */

    /* Guarded by the machine's wait_lock. */
    struct gpu_waiter_entry *entries;
    struct gpu_fence *next; /* of the same device */
    struct gpu_fence **link;
    const struct gpu_queue *owner; /* of a mutex that is taken; NULL: it was made so */

    /* Periodic; the list is guarded by the display's lock. */
    uint64_t blank_offset_ns;
    uint64_t first_blank; /* number, since the clock's zero, of the one that made it 0 */
    struct gpu_fence *next_periodic;
    struct gpu_fence **link_periodic;
};

struct gpu_device {
    gpu_references references;
    struct gpu_process *process;
    void *driver_device;
    struct gpu_fence *fences; /* weak; guarded by the machine's wait_lock */
    _Atomic uint32_t state;   /* enum gpu_device_state */

    pthread_mutex_t lock; /* guards what follows */
    pthread_cond_t callback_done;
    gpu_device_state_callback callback;
    void *callback_context;
    uint32_t callbacks_running;
    bool destroyed;
    struct gpu_page_fault fault;
    struct gpu_queue *queues;
    uint64_t round; /* counts walks over the queues */

    bool residency_ended; /* guarded by the adapter's memory_lock */
};

/* machine.c, for deterministic machines: see turns.h. */
void gpu_machine_note_progress(struct gpu_machine *machine);
void gpu_machine_note_change(struct gpu_machine *machine);

/* statistics.c */
unsigned gpu_statistics_priority_class(uint32_t priority);
void gpu_statistics_count(struct gpu_count *count, uint64_t bytes);

/* For children that outlive their owner's reference. */
void gpu_process_release(struct gpu_process *process);
void gpu_device_release(struct gpu_device *device);

/* device.c: puts an active device into an error state. `fault` may be NULL. */
void gpu_device_fail(struct gpu_device *device, enum gpu_device_state state,
                     const struct gpu_page_fault *fault);

/* allocation.c: storage for a new or a decommitted allocation; offered ones that may be decommitted
 * give theirs. With the adapter's memory_lock held. STATUS_GRAPHICS_NO_VIDEO_MEMORY. */
NTSTATUS gpu_allocation_get_storage(struct gpu_allocation *allocation);

/* fence.c: as gpu_fence_signal, but the value never goes down. */
void gpu_fence_advance(struct gpu_fence *fence, uint64_t value);

/* fence.c: gives a unit of a mutex or semaphore back, to whoever has waited longest if anybody has.
 * False: all units are there, or the mutex is another queue's. */
bool gpu_fence_give(struct gpu_fence *fence, const struct gpu_queue *giver);

/* display.c. Init and add: STATUS_NO_MEMORY (no thread). */
NTSTATUS gpu_display_init(struct gpu_machine *machine);
void gpu_display_destroy(struct gpu_display *display);
NTSTATUS gpu_display_add(struct gpu_fence *fence);
void gpu_display_remove(struct gpu_fence *fence);

/* Ends the tie of the device's fences to it; `to_maximum` sets each to all ones. Calls callbacks of
 * CPU waits. (fence.c) */
void gpu_device_untie_fences(struct gpu_device *device, bool to_maximum);

#endif
