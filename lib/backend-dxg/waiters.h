/* SPDX-License-Identifier: MIT */
/*
 * Threads that are inside of an ioctl that waits for the GPU.
 *
 * The kernel ends such a wait for nothing but a signal: closing the backend sends one to each of
 * these threads, and only then is a handler installed for it.
 */
#ifndef BACKEND_DXG_WAITERS_H
#define BACKEND_DXG_WAITERS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/* More threads than this that wait at once: those beyond are not interrupted. */
enum { WAITERS_MAX = 256 };

struct waiters {
    _Atomic uintptr_t threads[WAITERS_MAX]; /* pthread_t; bit 0: a signal is being sent to it */
    atomic_bool closing;
};

/* Enters the calling thread; the place goes to waiters_leave. -1: there is no room. */
int waiters_enter(struct waiters *waiters);
void waiters_leave(struct waiters *waiters, int place);

/*
 * Makes all waits end with EINTR, from now on until the last has left: waiters->closing tells those
 * that are interrupted why. A thread that blocks every real-time signal leaves when its wait is
 * over, and not before.
 */
void waiters_interrupt(struct waiters *waiters);

#endif
