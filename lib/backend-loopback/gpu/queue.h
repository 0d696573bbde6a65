/* SPDX-License-Identifier: MIT */
/*
 * A queue: packets that one engine takes strictly in order. Contexts and hardware queues have one
 * each (context.h). A wait blocks its queue, never the engine. Nothing here allocates once a queue
 * has grown to the depth that its user keeps.
 */
#ifndef BACKEND_LOOPBACK_GPU_QUEUE_H
#define BACKEND_LOOPBACK_GPU_QUEUE_H

#include <stdbool.h>
#include <stdint.h>

#include <d3dkmt/d3dkmthk.h>

struct gpu_fence;
struct gpu_queue;
struct gpu_update;

#define GPU_QUEUE_MAX_FENCES 32u /* of one packet, as D3DDDI_MAX_OBJECT_WAITED_ON and _SIGNALED */

/*
 * Statuses of all: STATUS_DEVICE_REMOVED (the device is in error or going away), STATUS_NO_MEMORY
 * (the queue is full), STATUS_INVALID_PARAMETER (count 0 or too large, sizes).
 */

/* Executes `size` bytes of commands at a GPU virtual address. The private data are copied. */
NTSTATUS gpu_queue_submit(struct gpu_queue *queue, uint64_t address, uint32_t size,
                          const void *private_data, uint32_t private_data_size);

/* The same, then signals the progress fence. STATUS_INVALID_PARAMETER: no hardware queue. */
NTSTATUS gpu_queue_submit_progress(struct gpu_queue *queue, uint64_t address, uint32_t size,
                                   const void *private_data, uint32_t private_data_size,
                                   uint64_t progress);

/*
 * Later packets start when every fence has reached its value. A mutex or semaphore is waited for
 * alone, without a value: later packets start when this queue has got one of its units.
 * STATUS_INVALID_PARAMETER also for a mutex that the queue has already, by what is in it.
 */
NTSTATUS gpu_queue_wait(struct gpu_queue *queue, uint32_t count, struct gpu_fence *const *fences,
                        const uint64_t *values);

/*
 * Signals when all earlier packets are finished; mutexes and semaphores get a unit back, without a
 * value. STATUS_INVALID_PARAMETER also for a mutex that the queue has not, by what is in it, and
 * for periodic fences. A semaphore that has all its units by then puts the device into the error
 * state.
 */
NTSTATUS gpu_queue_signal(struct gpu_queue *queue, uint32_t count, struct gpu_fence *const *fences,
                          const uint64_t *values);

/* Signals at once, whatever is queued. STATUS_INVALID_PARAMETER: a mutex that this queue has not
 * got, a semaphore that has all its units, a periodic fence; those before it are signalled. */
NTSTATUS gpu_queue_signal_now(struct gpu_queue *queue, uint32_t count,
                              struct gpu_fence *const *fences, const uint64_t *values);

/* Changes the address space when all earlier packets are finished. An operation that fails puts the
 * device into the error state. References to allocations are kept until then. */
NTSTATUS gpu_queue_update(struct gpu_queue *queue, uint32_t count,
                          const struct gpu_update *updates);

/* -7..7 as D3DKMTSetContextSchedulingPriority; among equals engines go round. */
NTSTATUS gpu_queue_set_priority(struct gpu_queue *queue, int32_t priority);
int32_t gpu_queue_get_priority(struct gpu_queue *queue);

/* -7..7 as D3DKMTSetContextInProcessSchedulingPriority: which of the ready queues of one process
 * and one priority gets the process's turn. */
NTSTATUS gpu_queue_set_in_process_priority(struct gpu_queue *queue, int32_t priority);
int32_t gpu_queue_get_in_process_priority(struct gpu_queue *queue);

#endif
