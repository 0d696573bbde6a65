/* SPDX-License-Identifier: MIT */
/*
 * Monitored fences: a 64-bit value at the start of a storage page of its own, seen by CPU and GPU.
 * The value is stored with release and loaded with acquire order; it may go down as well as up,
 * waiters look at the value of the moment.
 */
#ifndef BACKEND_LOOPBACK_GPU_FENCE_H
#define BACKEND_LOOPBACK_GPU_FENCE_H

#include <stdbool.h>
#include <stdint.h>

#include <d3dkmt/d3dkmthk.h>

struct gpu_device;
struct gpu_fence;
struct gpu_machine;

/* The numbers of D3DDDI_SYNCHRONIZATIONOBJECT_TYPE. Only monitored fences are simulated, the rest
 * is STATUS_NOT_SUPPORTED. */
enum gpu_fence_type {
    GPU_FENCE_MUTEX = 1,
    GPU_FENCE_SEMAPHORE = 2,
    GPU_FENCE_LEGACY = 3,
    GPU_FENCE_CPU_NOTIFICATION = 4,
    GPU_FENCE_MONITORED = 5,
    GPU_FENCE_PERIODIC_MONITORED = 6,
};

struct gpu_fence_config {
    enum gpu_fence_type type;
    uint64_t initial_value;
    /* When this device gets into an error state the value becomes all ones, so that nobody waits
     * for ever. NULL: never. No reference is kept: the tie ends with gpu_device_destroy. */
    struct gpu_device *device;
    bool no_max_value_on_error; /* D3DDDI_SYNCHRONIZATIONOBJECT_FLAGS.NoSignalMaxValueOnTdr */
};

/* STATUS_NOT_SUPPORTED, STATUS_INVALID_PARAMETER (type), STATUS_GRAPHICS_NO_VIDEO_MEMORY (no page),
 * STATUS_NO_MEMORY. */
NTSTATUS gpu_fence_create(struct gpu_machine *machine, const struct gpu_fence_config *config,
                          struct gpu_fence **fence);

struct gpu_fence *gpu_fence_reference(struct gpu_fence *fence);

/* With the last reference the CPU waits for it are cancelled (wait.h). Queued GPU waits and signals
 * and mappings keep references of their own. NULL is fine. */
void gpu_fence_release(struct gpu_fence *fence);

uint64_t gpu_fence_value(const struct gpu_fence *fence);

/* Offset of its page in the machine's storage. */
uint64_t gpu_fence_offset(const struct gpu_fence *fence);

/* Sets the value and completes every wait that this satisfies; callbacks of CPU waits run before it
 * returns. */
void gpu_fence_signal(struct gpu_fence *fence, uint64_t value);

#endif
