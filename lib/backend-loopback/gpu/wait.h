/* SPDX-License-Identifier: MIT */
/* CPU waits for fence values. A group is the waits of one owner, a process, and dies with it. */
#ifndef BACKEND_LOOPBACK_GPU_WAIT_H
#define BACKEND_LOOPBACK_GPU_WAIT_H

#include <stdbool.h>
#include <stdint.h>

#include <d3dkmt/d3dkmthk.h>

struct gpu_fence;
struct gpu_machine;
struct gpu_wait_group;

#define GPU_WAIT_MAX_FENCES 64u /* of one CPU wait */

enum gpu_wait_result {
    GPU_WAIT_SATISFIED,
    GPU_WAIT_CANCELLED, /* a fence or the group went away */
};

/* Called exactly once per wait that was registered, on the thread of whoever caused it. */
typedef void (*gpu_wait_callback)(void *context, enum gpu_wait_result result);

/* `limit` bounds the waits that are open at a time; 0: 65536. */
NTSTATUS gpu_wait_group_create(struct gpu_machine *machine, uint32_t limit,
                               struct gpu_wait_group **group);

/* Cancels what is open; when it returns no callback of the group runs or will run. Not to be called
 * from one of them. */
void gpu_wait_group_destroy(struct gpu_wait_group *group);

/*
 * Waits until fences[i] >= values[i] for all i, or for any i. When that is so already the callback
 * runs inside this call. References to the fences are not kept. On failure the callback is not
 * called: STATUS_INVALID_PARAMETER (count 0 or above GPU_WAIT_MAX_FENCES, an object that queues
 * alone wait for), STATUS_NO_MEMORY (too many open waits).
 */
NTSTATUS gpu_wait_register(struct gpu_wait_group *group, uint32_t count,
                           struct gpu_fence *const *fences, const uint64_t *values, bool any,
                           gpu_wait_callback callback, void *context);

#endif
