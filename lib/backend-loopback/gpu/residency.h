/* SPDX-License-Identifier: MIT */
/* Who keeps what resident, and what it is charged for. Inside of the folder; all with the adapter's
 * memory_lock held. */
#ifndef BACKEND_LOOPBACK_GPU_RESIDENCY_H
#define BACKEND_LOOPBACK_GPU_RESIDENCY_H

#include "backend-loopback/gpu/objects.h"

/* Counts and charges all or none; page table entries of the device's process are left alone. As
 * gpu_paging_queue_make_resident. */
NTSTATUS gpu_residency_add(struct gpu_device *device, uint32_t count,
                           struct gpu_allocation *const *allocations, bool over_budget,
                           uint64_t *bytes_to_trim);

/* Takes back one residency of each that has one. */
void gpu_residency_remove(struct gpu_device *device, uint32_t count,
                          struct gpu_allocation *const *allocations);

/* Takes back everything of a device, or of an allocation. */
void gpu_residency_remove_device(struct gpu_device *device);
void gpu_residency_remove_allocation(struct gpu_allocation *allocation);

/* Adds what the allocation costs in its present state to the figures of its segment and of the
 * processes that hold it, or takes it off. Whoever changes the state takes it off before and adds
 * it afterwards. */
void gpu_residency_count(struct gpu_allocation *allocation, bool add);

/* Does it take room in its segment now? */
bool gpu_residency_in_segment(const struct gpu_allocation *allocation);

/* What the process may hold at most: what is left of the segment beside the reservations of others;
 * unless it may go over it, its budget. */
uint64_t gpu_residency_limit(const struct gpu_process *process, unsigned group, bool over_budget);

/* Makes page table entries agree in every process that holds the allocation, but for one (NULL:
 * none). */
NTSTATUS gpu_residency_refresh(struct gpu_allocation *allocation, const struct gpu_process *except);

#endif
