/* SPDX-License-Identifier: MIT */
/*
 * Synchronization objects, all of which are a 64-bit value that is waited for:
 *
 *   monitored           at the start of a storage page of its own, seen by CPU and GPU
 *   periodic monitored  the same, but the machine's clock alone moves it: by 1 at each blank
 *   legacy fence        without a page: only queues signal it and wait for it
 *   semaphore           the free units: a wait takes one, a signal gives one back
 *   mutex               a semaphore of one unit that the queue which took it gives back
 *
 * The value is stored with release and loaded with acquire order; that of fences may go down as
 * well as up, waiters look at the value of the moment.
 */
#ifndef BACKEND_LOOPBACK_GPU_FENCE_H
#define BACKEND_LOOPBACK_GPU_FENCE_H

#include <stdbool.h>
#include <stdint.h>

#include <d3dkmt/d3dkmthk.h>

struct gpu_device;
struct gpu_fence;
struct gpu_machine;

/* The numbers of D3DDDI_SYNCHRONIZATIONOBJECT_TYPE. A CPU notification is an event and no object of
 * the GPU: STATUS_NOT_SUPPORTED. */
enum gpu_fence_type {
    GPU_FENCE_MUTEX = 1,
    GPU_FENCE_SEMAPHORE = 2,
    GPU_FENCE_LEGACY = 3,
    GPU_FENCE_CPU_NOTIFICATION = 4,
    GPU_FENCE_MONITORED = 5,
    GPU_FENCE_PERIODIC_MONITORED = 6,
};

/* The simulated display blanks so often, in phase with the clock's zero. */
#define GPU_BLANK_PERIOD_NS UINT64_C(16666667)

struct gpu_fence_config {
    enum gpu_fence_type type;
    /* Fences: the value; semaphores: free units; mutexes: 0 free, 1 owned, by nobody's queue: the
     * first signal frees it. Periodic fences start with 0. */
    uint64_t initial_value;
    uint64_t maximum;         /* semaphores: units, at least 1 */
    uint64_t blank_offset_ns; /* periodic: after the blank, less than the period */
    /* When this device gets into an error state the value becomes all ones, so that nobody waits
     * for ever. NULL: never. No reference is kept: the tie ends with gpu_device_destroy. */
    struct gpu_device *device;
    bool no_max_value_on_error; /* D3DDDI_SYNCHRONIZATIONOBJECT_FLAGS.NoSignalMaxValueOnTdr */
};

/* STATUS_NOT_SUPPORTED, STATUS_INVALID_PARAMETER (type, initial value, maximum, offset),
 * STATUS_GRAPHICS_NO_VIDEO_MEMORY (no page), STATUS_NO_MEMORY. */
NTSTATUS gpu_fence_create(struct gpu_machine *machine, const struct gpu_fence_config *config,
                          struct gpu_fence **fence);

struct gpu_fence *gpu_fence_reference(struct gpu_fence *fence);

/* With the last reference the CPU waits for it are cancelled (wait.h). Queued GPU waits and signals
 * and mappings keep references of their own. NULL is fine. */
void gpu_fence_release(struct gpu_fence *fence);

/* Ends the CPU waits for it as the last reference would, while queues and mappings still hold it:
 * for an object whose last handle is gone. */
void gpu_fence_cancel_cpu_waits(struct gpu_fence *fence);

enum gpu_fence_type gpu_fence_get_type(const struct gpu_fence *fence);

/* Monitored fences of both kinds have a page; the others are for queues alone. */
bool gpu_fence_has_page(const struct gpu_fence *fence);

uint64_t gpu_fence_value(const struct gpu_fence *fence);

/* Offset of its page in the machine's storage; 0 without one. */
uint64_t gpu_fence_offset(const struct gpu_fence *fence);

/* Monitored and legacy fences: sets the value and completes every wait that this satisfies;
 * callbacks of CPU waits run before it returns. */
void gpu_fence_signal(struct gpu_fence *fence, uint64_t value);

#endif
