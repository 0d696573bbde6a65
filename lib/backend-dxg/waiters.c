/* SPDX-License-Identifier: MIT */
#include "backend-dxg/waiters.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <time.h>

_Static_assert(sizeof(pthread_t) == sizeof(uintptr_t),
               "a thread is named by the address of its block");

#define SENDING ((uintptr_t)1)

int waiters_enter(struct waiters *waiters)
{
    uintptr_t self = (uintptr_t)pthread_self();
    /* Blocks of threads lie pages apart: their number spreads threads over the places. */
    unsigned start = (unsigned)(self >> 12);

    for (unsigned i = 0; i < WAITERS_MAX; i++) {
        uintptr_t nobody = 0;
        int place = (int)((start + i) % WAITERS_MAX);

        if (atomic_compare_exchange_strong(&waiters->threads[place], &nobody, self))
            return place;
    }
    return -1;
}

/* The thread must not end while a signal is sent to it. */
void waiters_leave(struct waiters *waiters, int place)
{
    uintptr_t self = (uintptr_t)pthread_self();

    if (place < 0)
        return;
    while (!atomic_compare_exchange_weak(&waiters->threads[place], &self, 0)) {
        self &= ~SENDING;
        sched_yield();
    }
}

static void do_nothing(int number)
{
    (void)number;
}

/* A real-time signal that nobody uses, from the last one down; it then has a handler. */
static int take_signal(struct sigaction *before)
{
    struct sigaction action = {.sa_handler = do_nothing}; /* without SA_RESTART */

    for (int number = SIGRTMAX; number >= SIGRTMIN; number--) {
        if (sigaction(number, NULL, before) == 0 && before->sa_handler == SIG_DFL &&
            sigaction(number, &action, NULL) == 0)
            return number;
    }
    return 0;
}

/* False when there was nobody. */
static bool send_to_all(struct waiters *waiters, int number)
{
    bool anybody = false;

    for (unsigned i = 0; i < WAITERS_MAX; i++) {
        uintptr_t thread = atomic_load(&waiters->threads[i]);

        if (thread == 0 ||
            !atomic_compare_exchange_strong(&waiters->threads[i], &thread, thread | SENDING))
            continue;
        pthread_kill((pthread_t)thread, number);
        atomic_store(&waiters->threads[i], thread);
        anybody = true;
    }
    return anybody;
}

void waiters_interrupt(struct waiters *waiters)
{
    const struct timespec moment = {.tv_nsec = 1000000};
    struct sigaction before;

    atomic_store(&waiters->closing, true);
    int number = take_signal(&before);
    /* Again and again: a signal that comes a moment before the ioctl interrupts nothing. */
    while (number != 0 && send_to_all(waiters, number))
        nanosleep(&moment, NULL);
    if (number != 0)
        sigaction(number, &before, NULL);
}
