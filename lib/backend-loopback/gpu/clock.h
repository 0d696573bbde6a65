/* SPDX-License-Identifier: MIT */
/* The simulated machine's time: whatever sleeps or takes a time stamp asks the clock. */
#ifndef BACKEND_LOOPBACK_GPU_CLOCK_H
#define BACKEND_LOOPBACK_GPU_CLOCK_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

struct gpu_clock {
    /* Nanoseconds since an arbitrary start; never goes backwards. Any thread. */
    uint64_t (*now)(const struct gpu_clock *clock);

    /* Like pthread_cond_timedwait until `deadline` of this clock: called with `mutex` held, may
     * return early, false when the deadline has passed. `condition` comes from
     * gpu_clock_condition_init. */
    bool (*wait_until)(const struct gpu_clock *clock, pthread_cond_t *condition,
                       pthread_mutex_t *mutex, uint64_t deadline);
};

/* CLOCK_MONOTONIC. */
extern const struct gpu_clock gpu_clock_monotonic;

/* A condition variable that every clock can wait on. Returns 0 or an errno value. */
int gpu_clock_condition_init(pthread_cond_t *condition);

#endif
