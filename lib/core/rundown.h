/* SPDX-License-Identifier: MIT */
/*
 * Rundown protection: lets many threads use something without a lock, and one thread wait until
 * none does any more.
 *
 * Users are counted in stripes, so that threads on different cores do not share a cache line.
 */
#ifndef CORE_RUNDOWN_H
#define CORE_RUNDOWN_H

#include <stdatomic.h>
#include <stdbool.h>

enum { RUNDOWN_STRIPES = 16 };

struct rundown {
    struct {
        _Alignas(64) atomic_uint users;
    } stripes[RUNDOWN_STRIPES];
    atomic_bool closed;
};

/* The calling thread's stripe; any thread keeps its own for life. */
unsigned rundown_stripe(void);

/* Enters; false when the rundown has begun, and then there is nothing to leave. */
static inline bool rundown_enter(struct rundown *rundown, unsigned stripe)
{
    /* Sequentially consistent against the store and loads of rundown_close. */
    atomic_fetch_add(&rundown->stripes[stripe].users, 1);
    if (!atomic_load(&rundown->closed))
        return true;
    atomic_fetch_sub(&rundown->stripes[stripe].users, 1);
    return false;
}

static inline void rundown_leave(struct rundown *rundown, unsigned stripe)
{
    atomic_fetch_sub_explicit(&rundown->stripes[stripe].users, 1, memory_order_release);
}

/* Refuses new users from now on. */
void rundown_close(struct rundown *rundown);

/* Waits until the last user has left. */
void rundown_wait(struct rundown *rundown);

/* Makes a closed rundown usable again; nobody may be inside. */
void rundown_reopen(struct rundown *rundown);

#endif
