/* SPDX-License-Identifier: MIT */
/* The worker that does an adapter's asynchronous paging operations. Inside of the folder. */
#ifndef BACKEND_LOOPBACK_GPU_PAGING_WORKER_H
#define BACKEND_LOOPBACK_GPU_PAGING_WORKER_H

#include "backend-loopback/gpu/objects.h"

/* paging_lock and paging_done have been initialised. */
NTSTATUS gpu_paging_start(struct gpu_adapter *adapter);
/* Does what is queued first. */
void gpu_paging_stop(struct gpu_adapter *adapter);

#endif
