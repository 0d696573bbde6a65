/* SPDX-License-Identifier: MIT */
/* Which segment an allocation is charged to. Inside of the folder; gpu_paging_queue_place is its
 * face. */
#ifndef BACKEND_LOOPBACK_GPU_PLACEMENT_H
#define BACKEND_LOOPBACK_GPU_PLACEMENT_H

#include "backend-loopback/gpu/objects.h"

/* With the adapter's memory_lock held. Statuses as gpu_paging_queue_place. */
NTSTATUS gpu_placement_change(struct gpu_allocation *allocation, const struct gpu_process *process,
                              const struct gpu_segments *segments);

#endif
