/* SPDX-License-Identifier: MIT */
/* Nodes and how their workers take turns over queues. Inside of the folder. */
#ifndef BACKEND_LOOPBACK_GPU_ENGINE_H
#define BACKEND_LOOPBACK_GPU_ENGINE_H

#include "backend-loopback/gpu/objects.h"
#include "backend-loopback/gpu/packets.h"
#include "backend-loopback/gpu/queue.h"
#include "backend-loopback/gpu/waiter.h"

#define GPU_PRIORITY_LIMIT 7
#define GPU_PRIORITIES     (2 * GPU_PRIORITY_LIMIT + 1)

enum gpu_queue_state {
    GPU_QUEUE_IDLE,    /* no packets */
    GPU_QUEUE_READY,   /* in a ready list of its node */
    GPU_QUEUE_RUNNING, /* owned by its engine, or by a thread that is purging it */
    GPU_QUEUE_BLOCKED, /* its waiter is armed */
    GPU_QUEUE_POLLING, /* in the node's list of pollers */
    GPU_QUEUE_DEAD,    /* stopped and purged; nobody but its owner has it any more */
};

struct gpu_fence_value {
    struct gpu_fence *fence; /* a reference, in a packet */
    uint64_t value;
};

struct gpu_queue {
    gpu_references references;
    struct gpu_device *device; /* a reference */
    struct gpu_node *node;
    void *driver_context;
    struct gpu_fence *progress; /* a reference, or NULL */

    struct gpu_queue *next_of_device; /* guarded by the device's lock */
    struct gpu_queue **link_of_device;
    uint64_t round; /* the device's walk that has seen this queue */

    struct gpu_claim *claims; /* claims.c; guarded by the machine's wait_lock */

    _Atomic bool stop; /* set with the node's lock, for ever: no more work */

    /* Guarded by the node's lock. */
    enum gpu_queue_state state;
    _Atomic int32_t priority; /* read without the lock by the running command buffer */
    int32_t in_process_priority;
    uint64_t serial; /* tells it from all others of its node */
    struct gpu_packets packets;
    struct gpu_queue *next; /* ready list or pollers */
    uint64_t poll_at;       /* by the node's poll clock */
    bool wait_done;

    /* Of the thread that owns the queue while it runs. */
    bool in_submission;
    bool wait_armed;
    bool awaits_memory; /* may have a claim to it: see trim.h */
    uint64_t poll_interval;
    uint64_t seen_changes; /* poll clock when its turn began */
    struct kmd_submission submission;
    struct gpu_waiter waiter;
    struct gpu_waiter_entry entries[GPU_QUEUE_MAX_FENCES];
};

struct gpu_ready_list {
    struct gpu_queue *first;
    struct gpu_queue **tail;
};

struct gpu_node {
    struct gpu_adapter *adapter;
    uint32_t index;
    struct gpu_worker worker;

    /* Priority of the best queue that could run now, -GPU_PRIORITY_LIMIT - 1 if there is none. Read
     * without the lock. */
    _Atomic int32_t best_ready;

    pthread_mutex_t lock;
    pthread_cond_t idle;       /* those who wait for a queue to change its state */
    struct gpu_queue *hanging; /* running; nothing else does until it is stopped or timed out */
    uint64_t hang_until;
    struct gpu_ready_list ready[GPU_PRIORITIES];
    struct gpu_queue *pollers;
    struct gpu_engine_figures figures;
    uint64_t last_serial; /* given to a queue */
    uint64_t last_run;    /* serial of the queue that the last command buffer was of */
};

NTSTATUS gpu_node_create(struct gpu_adapter *adapter, uint32_t index, struct gpu_node **node);
/* All its queues must be gone. */
void gpu_node_destroy(struct gpu_node *node);

/* Puts a queue with packets in line and wakes the engine. Node lock held. */
void gpu_node_make_ready(struct gpu_queue *queue);
/* The same for a caller who wakes the worker when it has let go of the lock. */
void gpu_node_line_up(struct gpu_queue *queue);
/* Takes a ready or polling queue out of its list. Node lock held. */
void gpu_node_unlink(struct gpu_queue *queue);

/* What a turn of a queue came to. */
enum gpu_turn {
    GPU_TURN_DONE,    /* its first packet is finished */
    GPU_TURN_BLOCKED, /* on its waiter */
    GPU_TURN_YIELD,
    GPU_TURN_POLL,
    GPU_TURN_HANG,
};

/* queue.c */
NTSTATUS gpu_queue_create(struct gpu_device *device, uint32_t node, void *driver_context,
                          struct gpu_fence *progress, struct gpu_queue **queue);
void gpu_queue_release(struct gpu_queue *queue);
/* For a new one on the same node. */
void gpu_queue_inherit_priorities(struct gpu_queue *queue, const struct gpu_queue *from);
/* No more work: discards what waits. With `wait` the queue is dead on return, without it its engine
 * may still have to notice. */
void gpu_queue_stop(struct gpu_queue *queue, bool wait);
/* Stops, takes out of the device, gives the reference back. */
void gpu_queue_destroy(struct gpu_queue *queue);
/* Lets go of all packets of a stopped queue that the calling thread owns. No lock held. */
void gpu_queue_purge(struct gpu_queue *queue);
/* One turn for the first packet. No lock held. */
enum gpu_turn gpu_queue_run(struct gpu_queue *queue, struct gpu_packet *packet);
/* Returns when the queue is neither ready nor running. */
void gpu_queue_flush(struct gpu_queue *queue);

/* claims.c. Objects other than mutexes are passed over. Add, before a wait is queued, and take,
 * before a signal is: STATUS_INVALID_PARAMETER when the queue has the mutex already, or has it not.
 */
struct gpu_claim;
NTSTATUS gpu_claims_add(struct gpu_queue *queue, struct gpu_fence *mutex);
NTSTATUS gpu_claims_take(struct gpu_queue *queue, uint32_t count, struct gpu_fence *const *fences,
                         struct gpu_claim **taken);
/* After a successful take: whether the signal was queued. */
void gpu_claims_end(struct gpu_queue *queue, uint32_t count, struct gpu_fence *const *fences,
                    struct gpu_claim *taken, bool queued);
/* Ends the claim to one mutex, whose wait was not queued, or (NULL) to all, of a queue that ends:
 * what it owns is given back. */
void gpu_claims_drop(struct gpu_queue *queue, const struct gpu_fence *mutex);

/* execution.c */
struct kmd_execution {
    struct gpu_queue *queue;
    uint64_t started;
    bool wrote;
    struct gpu_page_fault fault;
};
extern const struct kmd_services gpu_services;

#endif
