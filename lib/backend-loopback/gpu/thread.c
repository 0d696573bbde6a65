/* SPDX-License-Identifier: MIT */
/* Threads that stay out of their program's way. */
#include "backend-loopback/gpu/thread.h"

#include <signal.h>
#include <stdio.h>

#define NAME_BYTES 16

int gpu_thread_start(pthread_t *thread, const char *name, void *(*run)(void *argument),
                     void *argument)
{
    char short_name[NAME_BYTES];
    sigset_t all;
    sigset_t before;
    int error;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    error = pthread_create(thread, NULL, run, argument);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (error)
        return error;
    snprintf(short_name, sizeof(short_name), "%.15s", name);
    pthread_setname_np(*thread, short_name);
    return 0;
}
