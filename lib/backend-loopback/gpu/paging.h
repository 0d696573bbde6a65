/* SPDX-License-Identifier: MIT */
/*
 * Paging queues and residency. An operation either is finished when its call returns
 * (STATUS_SUCCESS) or is queued (STATUS_PENDING); either way `fence_value` is the value of the
 * paging fence that says it is done. Budgets are charged when the call is made.
 */
#ifndef BACKEND_LOOPBACK_GPU_PAGING_H
#define BACKEND_LOOPBACK_GPU_PAGING_H

#include <stdint.h>

#include <d3dkmt/d3dkmthk.h>

struct gpu_allocation;
struct gpu_device;
struct gpu_fence;
struct gpu_map;
struct gpu_paging_queue;

NTSTATUS gpu_paging_queue_create(struct gpu_device *device, struct gpu_paging_queue **queue);

/* What is queued is still done. NULL is fine. */
void gpu_paging_queue_destroy(struct gpu_paging_queue *queue);

struct gpu_device *gpu_paging_queue_device(const struct gpu_paging_queue *queue);
/* The queue's own reference, not the caller's. */
struct gpu_fence *gpu_paging_queue_fence(struct gpu_paging_queue *queue);

/* The bits of D3DDDI_MAKERESIDENT_FLAGS. */
#define GPU_RESIDENT_CANT_TRIM_FURTHER 0x1u /* the budget may be exceeded, the segment may not */
#define GPU_RESIDENT_MUST_SUCCEED                                                                  \
    0x2u /* the same, and failure puts the device into the error state */

/*
 * Counts one residency of each allocation for the queue's device. All or nothing: when the
 * process's budget or the segment does not suffice, STATUS_NO_MEMORY with the bytes to evict first
 * in `bytes_to_trim`, and nothing is changed. STATUS_INVALID_PARAMETER: an allocation without all
 * its pages or of another adapter.
 */
NTSTATUS gpu_paging_queue_make_resident(struct gpu_paging_queue *queue, uint32_t count,
                                        struct gpu_allocation *const *allocations, uint32_t flags,
                                        uint64_t *fence_value, uint64_t *bytes_to_trim);

/* gpu_address_map (address.h), as a paging operation. */
NTSTATUS gpu_paging_queue_map(struct gpu_paging_queue *queue, const struct gpu_map *map,
                              uint64_t *address, uint64_t *fence_value);

/* Takes back one residency of each; at zero the memory is uncharged and the GPU faults on it when
 * this returns. Allocations that the device does not keep resident are skipped. `bytes_to_trim`: by
 * how much the process is still over its budget. */
NTSTATUS gpu_device_evict(struct gpu_device *device, uint32_t count,
                          struct gpu_allocation *const *allocations, uint64_t *bytes_to_trim);

#endif
