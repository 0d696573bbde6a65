/* SPDX-License-Identifier: MIT */
/* Contexts (virtual: they submit GPU virtual addresses) and hardware queues. */
#ifndef BACKEND_LOOPBACK_GPU_CONTEXT_H
#define BACKEND_LOOPBACK_GPU_CONTEXT_H

#include <stdint.h>

#include <d3dkmt/d3dkmthk.h>

struct gpu_context;
struct gpu_device;
struct gpu_fence;
struct gpu_hw_queue;
struct gpu_queue;

/* The miniport may rewrite `private_data` in place. STATUS_INVALID_PARAMETER (node),
 * STATUS_DEVICE_REMOVED, STATUS_NO_MEMORY or the miniport's status. */
NTSTATUS gpu_context_create(struct gpu_device *device, uint32_t node, void *private_data,
                            uint32_t private_data_size, struct gpu_context **context);

/* Discards what is queued; a command buffer in execution stops at its next command. Hardware queues
 * live on. Not from a callback. NULL is fine. */
void gpu_context_destroy(struct gpu_context *context);

struct gpu_queue *gpu_context_queue(struct gpu_context *context);
struct gpu_device *gpu_context_device(const struct gpu_context *context);
uint32_t gpu_context_node(const struct gpu_context *context);

/* A hardware queue on the context's node, with its priorities and with its progress fence mapped
 * into the process. As gpu_context_create. */
NTSTATUS gpu_hw_queue_create(struct gpu_context *context, void *private_data,
                             uint32_t private_data_size, struct gpu_hw_queue **queue);

/* As gpu_context_destroy. */
void gpu_hw_queue_destroy(struct gpu_hw_queue *queue);

struct gpu_queue *gpu_hw_queue_queue(struct gpu_hw_queue *queue);
/* The queue's own reference, not the caller's. */
struct gpu_fence *gpu_hw_queue_progress_fence(struct gpu_hw_queue *queue);
uint64_t gpu_hw_queue_progress_address(const struct gpu_hw_queue *queue);

#endif
