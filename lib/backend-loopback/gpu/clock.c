/* SPDX-License-Identifier: MIT */
/* The real clock: CLOCK_MONOTONIC for time stamps and for every timed sleep. */
#include "backend-loopback/gpu/clock.h"

#include <time.h>

#define NANOSECONDS UINT64_C(1000000000)

static uint64_t monotonic_now(const struct gpu_clock *clock)
{
    struct timespec now;

    (void)clock;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * NANOSECONDS + (uint64_t)now.tv_nsec;
}

static bool monotonic_wait_until(const struct gpu_clock *clock, pthread_cond_t *condition,
                                 pthread_mutex_t *mutex, uint64_t deadline)
{
    struct timespec until = {.tv_sec = (time_t)(deadline / NANOSECONDS),
                             .tv_nsec = (long)(deadline % NANOSECONDS)};

    (void)clock;
    return pthread_cond_timedwait(condition, mutex, &until) == 0;
}

const struct gpu_clock gpu_clock_monotonic = {
    .now = monotonic_now,
    .wait_until = monotonic_wait_until,
};

int gpu_clock_condition_init(pthread_cond_t *condition)
{
    pthread_condattr_t attributes;
    int error = pthread_condattr_init(&attributes);

    if (error)
        return error;
    error = pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    if (!error)
        error = pthread_cond_init(condition, &attributes);
    pthread_condattr_destroy(&attributes);
    return error;
}
