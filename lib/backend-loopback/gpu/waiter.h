/* SPDX-License-Identifier: MIT */
/*
 * A waiter: one condition over the values of several fences. Queues embed one for their GPU waits,
 * CPU waits are made of them. All lists are guarded by the machine's wait_lock, which is never held
 * during `done`.
 */
#ifndef BACKEND_LOOPBACK_GPU_WAITER_H
#define BACKEND_LOOPBACK_GPU_WAITER_H

#include <stdbool.h>
#include <stdint.h>

#include "backend-loopback/gpu/wait.h"

struct gpu_fence;
struct gpu_machine;
struct gpu_queue;
struct gpu_waiter;

struct gpu_waiter_entry {
    struct gpu_waiter *waiter;
    struct gpu_fence *fence; /* not referenced here; NULL when not in the fence's list */
    uint64_t value;
    struct gpu_waiter_entry *next;
    struct gpu_waiter_entry **link;
};

struct gpu_waiter {
    /* Set by the user before gpu_waiter_start. `done` may free or start the waiter again. */
    void (*done)(struct gpu_waiter *waiter, enum gpu_wait_result result);
    struct gpu_waiter_entry *entries; /* fence and value filled in */
    uint32_t count; /* 1 for mutexes and semaphores: being satisfied takes a unit */
    bool any;
    const struct gpu_queue *queue; /* whose wait it is; NULL: the CPU's */

    bool armed; /* linked, `done` is still to come */
    uint32_t remaining;
    enum gpu_wait_result result;
    struct gpu_waiter *next_fired;
};

/* True: satisfied already, `done` is not called. False: `done` will be called, possibly before this
 * returns. */
bool gpu_waiter_start(struct gpu_machine *machine, struct gpu_waiter *waiter);

/* True: disarmed, `done` will not be called. False: it was called, is running or is about to. */
bool gpu_waiter_cancel(struct gpu_machine *machine, struct gpu_waiter *waiter);

/* For owners of many waiters, with wait_lock held: moves the waiter to `fired` if it is armed.
 * gpu_waiter_fire then calls each one's `done` without the lock. */
void gpu_waiter_disarm(struct gpu_waiter *waiter, enum gpu_wait_result result,
                       struct gpu_waiter **fired);
void gpu_waiter_fire(struct gpu_waiter *fired);

#endif
