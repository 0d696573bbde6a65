/* SPDX-License-Identifier: MIT */
/* A device: the unit of failure. What goes wrong in one of its queues stops all of them and nothing
 * else. */
#ifndef BACKEND_LOOPBACK_GPU_DEVICE_H
#define BACKEND_LOOPBACK_GPU_DEVICE_H

#include <stdbool.h>
#include <stdint.h>

#include <d3dkmt/d3dkmthk.h>

struct gpu_device;
struct gpu_process;

/* The numbers of D3DKMT_DEVICEEXECUTION_STATE. */
enum gpu_device_state {
    GPU_DEVICE_ACTIVE = 1,
    GPU_DEVICE_RESET = 2,
    GPU_DEVICE_HUNG = 3,
    GPU_DEVICE_STOPPED = 4,
    GPU_DEVICE_OUT_OF_MEMORY = 5,
    GPU_DEVICE_DMA_FAULT = 6,
    GPU_DEVICE_DMA_PAGE_FAULT = 7,
};

/* The first page fault, for D3DKMT_DEVICESTATE_PAGE_FAULT. */
struct gpu_page_fault {
    bool valid;
    bool write;
    uint64_t address;
};

/* Called once when the device leaves GPU_DEVICE_ACTIVE; never after gpu_device_destroy. */
typedef void (*gpu_device_state_callback)(void *context, enum gpu_device_state state);

/* `callback` may be NULL. STATUS_NO_MEMORY or the miniport's status. */
NTSTATUS gpu_device_create(struct gpu_process *process, gpu_device_state_callback callback,
                           void *context, struct gpu_device **device);

/* Discards the work of all its queues, drops its residency and ends its tie to fences. Queues that
 * still exist refuse work (STATUS_DEVICE_REMOVED) until they are destroyed. Waits for a state
 * callback in progress, so neither from a callback nor with a lock held that the callback takes.
 * NULL is fine. */
void gpu_device_destroy(struct gpu_device *device);

struct gpu_process *gpu_device_process(const struct gpu_device *device);
enum gpu_device_state gpu_device_get_state(const struct gpu_device *device);
void gpu_device_get_page_fault(struct gpu_device *device, struct gpu_page_fault *fault);

/* Puts an active device into an error state, as a fault would: queued work is discarded, later work
 * refused, its fences become all ones. A device that is in error already stays as it is. */
void gpu_device_mark_error(struct gpu_device *device, enum gpu_device_state state);

/* Waits until each of its queues is empty or blocked on a fence or on memory. */
void gpu_device_flush(struct gpu_device *device);

/* Discards the work of all its queues, as the beginning of its end: a flush that waits returns. */
void gpu_device_stop(struct gpu_device *device);

/* D3DKMT_ESCAPE_DRIVERPRIVATE, to the miniport. */
NTSTATUS gpu_device_escape(struct gpu_device *device, void *data, uint32_t size);

#endif
