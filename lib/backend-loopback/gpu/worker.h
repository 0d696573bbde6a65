/* SPDX-License-Identifier: MIT */
/*
 * Workers: what goes on beside the callers of this folder. An engine is one, an adapter's paging is
 * one, and the display. Each does one step at a time: in a thread of its own or, on a deterministic
 * machine, when it is given a turn (turns.h). Inside of the folder.
 */
#ifndef BACKEND_LOOPBACK_GPU_WORKER_H
#define BACKEND_LOOPBACK_GPU_WORKER_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

struct gpu_machine;

struct gpu_worker {
    /* Set by the owner. `lock` is held when `step` is called, which may let go of it meanwhile.
     * True: it did something. False: there was nothing to do, and, in *next, when there will be
     * even if nobody wakes it (UINT64_MAX, as it is when step is called: never). */
    bool (*step)(struct gpu_worker *worker, uint64_t *next);
    pthread_mutex_t *lock;

    struct gpu_machine *machine;
    pthread_cond_t work;
    pthread_t thread;
    bool stop; /* guarded by `lock` */
    struct gpu_worker *next;
    struct gpu_worker **link;
};

/* Returns 0 or an errno value. The name is its thread's. */
int gpu_worker_start(struct gpu_machine *machine, struct gpu_worker *worker, const char *name);
/* After its step, if it is in one. The lock is not held. */
void gpu_worker_stop(struct gpu_worker *worker);

/* There is something to do. The lock need not be held. */
static inline void gpu_worker_wake(struct gpu_worker *worker)
{
    pthread_cond_signal(&worker->work);
}

/* For who waits, with a worker's lock, until its steps have made something true that `changed` is
 * signalled for: returns sooner or later, to look again. */
void gpu_worker_wait(struct gpu_worker *worker, pthread_cond_t *changed);

#endif
