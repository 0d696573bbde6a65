/* SPDX-License-Identifier: MIT */
/* Who keeps what resident, and what it is charged for. Inside of the folder; all with the adapter's
 * memory_lock held. */
#ifndef BACKEND_LOOPBACK_GPU_RESIDENCY_H
#define BACKEND_LOOPBACK_GPU_RESIDENCY_H

#include "backend-loopback/gpu/objects.h"

/* Counts and charges all or none; page table entries are left alone. As
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

#endif
