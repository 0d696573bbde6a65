/* SPDX-License-Identifier: MIT */
/* Taking one offered allocation back. Inside of the folder; the rest is in paging.h. */
#ifndef BACKEND_LOOPBACK_GPU_OFFER_H
#define BACKEND_LOOPBACK_GPU_OFFER_H

#include "backend-loopback/gpu/objects.h"

/* With the adapter's memory_lock held; page table entries of the process are left alone. An enum
 * gpu_reclaim_result. What was not offered is as it was. */
uint32_t gpu_offer_take_back(struct gpu_allocation *allocation, const struct gpu_process *process);

#endif
