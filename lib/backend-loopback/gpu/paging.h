/* SPDX-License-Identifier: MIT */
/*
 * Paging queues and residency. An operation either is finished when its call returns
 * (STATUS_SUCCESS) or is queued (STATUS_PENDING); either way `fence_value` is the value of the
 * paging fence that says it is done. Budgets are charged when the call is made.
 */
#ifndef BACKEND_LOOPBACK_GPU_PAGING_H
#define BACKEND_LOOPBACK_GPU_PAGING_H

#include <stdbool.h>
#include <stdint.h>

#include <d3dkmt/d3dkmthk.h>

struct gpu_allocation;
struct gpu_device;
struct gpu_fence;
struct gpu_map;
struct gpu_paging_queue;
struct gpu_segments;

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
 * in `bytes_to_trim`, and nothing is changed. Room that other processes take is got from them
 * (trim.h). STATUS_INVALID_PARAMETER: an allocation without all its pages, offered, or of another
 * adapter.
 */
NTSTATUS gpu_paging_queue_make_resident(struct gpu_paging_queue *queue, uint32_t count,
                                        struct gpu_allocation *const *allocations, uint32_t flags,
                                        uint64_t *fence_value, uint64_t *bytes_to_trim);

/* D3DKMT_OFFER_PRIORITY and D3DDDI_RECLAIM_RESULT. */
enum gpu_offer_priority {
    GPU_OFFER_LOW = 1,
    GPU_OFFER_NORMAL = 2,
    GPU_OFFER_HIGH = 3,
    GPU_OFFER_AUTO = 4, /* as the allocation's own priority says */
};
enum gpu_reclaim_result {
    GPU_RECLAIM_OK = 0,
    GPU_RECLAIM_DISCARDED = 1,
    GPU_RECLAIM_NOT_COMMITTED = 2,
};

/*
 * Gives memory up until it is reclaimed: the GPU faults on it when this returns, CPUs may not lock
 * it, the process is not charged for it. Its content stays until somebody needs the room, the
 * process itself within its budget or anybody in a full segment: then the lowest priority goes
 * first, the oldest offer among equals. With `may_decommit` the storage goes too, also to
 * allocations that find none. All or none: STATUS_INVALID_PARAMETER for lent pages, what is locked,
 * or a priority that is none. What is offered already gets the new priority.
 */
NTSTATUS gpu_device_offer(struct gpu_device *device, uint32_t count,
                          struct gpu_allocation *const *allocations,
                          enum gpu_offer_priority priority, bool may_decommit);

/*
 * Takes offered memory back, as a paging operation; residency is as it was before. Not held back
 * by the budget. `results` (enum gpu_reclaim_result, one each) tells what became of the content;
 * what is not committed (no storage, or the segment is reserved by others) stays offered.
 */
NTSTATUS gpu_paging_queue_reclaim(struct gpu_paging_queue *queue, uint32_t count,
                                  struct gpu_allocation *const *allocations, uint32_t *results,
                                  uint64_t *fence_value);

/*
 * Changes where an allocation may live, as a paging operation; what is resident moves at once.
 * STATUS_INVALID_PARAMETER: no such segment, none of the preferred ones is supported, or the
 * allocation is offered or its pages are lent and would have to move. STATUS_NO_MEMORY: the
 * processes that hold it have no budget, or there is no room, where it would go; nothing changes.
 */
NTSTATUS gpu_paging_queue_place(struct gpu_paging_queue *queue, struct gpu_allocation *allocation,
                                const struct gpu_segments *segments, uint64_t *fence_value);

/* gpu_address_map (address.h), as a paging operation. */
NTSTATUS gpu_paging_queue_map(struct gpu_paging_queue *queue, const struct gpu_map *map,
                              uint64_t *address, uint64_t *fence_value);

/* Takes back one residency of each; at zero the memory is uncharged and the GPU faults on it when
 * this returns. Allocations that the device does not keep resident are skipped. `bytes_to_trim`: by
 * how much the process is still over its budget. */
NTSTATUS gpu_device_evict(struct gpu_device *device, uint32_t count,
                          struct gpu_allocation *const *allocations, uint64_t *bytes_to_trim);

#endif
