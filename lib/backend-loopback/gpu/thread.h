/* SPDX-License-Identifier: MIT */
/* How this folder starts threads. */
#ifndef BACKEND_LOOPBACK_GPU_THREAD_H
#define BACKEND_LOOPBACK_GPU_THREAD_H

#include <pthread.h>

/* All signals are blocked in it: handlers of the program that we live in run on the program's own
 * threads. The name is cut to the system's 15 characters. Returns 0 or an errno value. */
int gpu_thread_start(pthread_t *thread, const char *name, void *(*run)(void *argument),
                     void *argument);

#endif
