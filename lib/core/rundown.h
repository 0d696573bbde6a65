/* SPDX-License-Identifier: MIT */
/*
 * Rundown protection: lets many threads use something without a lock, and one thread wait until
 * none does any more.
 *
 * Users are counted in stripes, so that threads on different cores seldom share a cache line.
 */
#ifndef CORE_RUNDOWN_H
#define CORE_RUNDOWN_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

enum { RUNDOWN_STRIPE_BITS = 5, RUNDOWN_STRIPES = 1 << RUNDOWN_STRIPE_BITS };

/* In a stripe, beside the count: the rundown has begun. */
#define RUNDOWN_CLOSED 0x80000000u

struct rundown {
    struct {
        _Alignas(64) atomic_uint users;
    } stripes[RUNDOWN_STRIPES];
};

/*
 * A stripe for the calling thread, by where its stack lies: cheaper to learn than a thread-local
 * variable of a shared library. Which one it is does not matter; rundown_leave must get the same.
 */
static inline unsigned rundown_stripe(void)
{
    const uint32_t golden = 2654435769; /* 2^32 over the golden ratio spreads even distances */
    char here;

    return (uint32_t)((uintptr_t)&here >> 16) * golden >> (32 - RUNDOWN_STRIPE_BITS);
}

/* Enters; false when the rundown has begun, and then there is nothing to leave. */
static inline bool rundown_enter(struct rundown *rundown, unsigned stripe)
{
    atomic_uint *users = &rundown->stripes[stripe].users;

    if (!(atomic_fetch_add_explicit(users, 1, memory_order_acquire) & RUNDOWN_CLOSED))
        return true;
    atomic_fetch_sub_explicit(users, 1, memory_order_relaxed);
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
