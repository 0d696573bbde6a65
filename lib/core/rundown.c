/* SPDX-License-Identifier: MIT */
#include "core/rundown.h"

#include <time.h>

void rundown_close(struct rundown *rundown)
{
    for (int i = 0; i < RUNDOWN_STRIPES; i++)
        atomic_fetch_or(&rundown->stripes[i].users, RUNDOWN_CLOSED);
}

void rundown_wait(struct rundown *rundown)
{
    /* Closing is rare and not on anyone's path, so users pay nothing for waking the waiter. */
    const struct timespec pause = {.tv_nsec = 100000};

    for (int i = 0; i < RUNDOWN_STRIPES; i++) {
        while (atomic_load(&rundown->stripes[i].users) != RUNDOWN_CLOSED)
            nanosleep(&pause, NULL);
    }
}

void rundown_reopen(struct rundown *rundown)
{
    for (int i = 0; i < RUNDOWN_STRIPES; i++)
        atomic_fetch_and(&rundown->stripes[i].users, ~RUNDOWN_CLOSED);
}
