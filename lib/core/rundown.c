/* SPDX-License-Identifier: MIT */
#include "core/rundown.h"

#include <time.h>

static atomic_uint next_stripe;
static _Thread_local unsigned own_stripe;

unsigned rundown_stripe(void)
{
    if (own_stripe == 0)
        own_stripe = 1 + atomic_fetch_add(&next_stripe, 1) % RUNDOWN_STRIPES;
    return own_stripe - 1;
}

void rundown_close(struct rundown *rundown)
{
    atomic_store(&rundown->closed, true);
}

void rundown_wait(struct rundown *rundown)
{
    /* Closing is rare and not on anyone's path, so users pay nothing for waking the waiter. */
    const struct timespec pause = {.tv_nsec = 100000};

    for (int i = 0; i < RUNDOWN_STRIPES; i++) {
        while (atomic_load(&rundown->stripes[i].users) != 0)
            nanosleep(&pause, NULL);
    }
}

void rundown_reopen(struct rundown *rundown)
{
    atomic_store(&rundown->closed, false);
}
