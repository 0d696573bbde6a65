/* SPDX-License-Identifier: MIT */
/* The thread that does an adapter's asynchronous paging operations. Inside of the folder. */
#ifndef BACKEND_LOOPBACK_GPU_PAGING_THREAD_H
#define BACKEND_LOOPBACK_GPU_PAGING_THREAD_H

#include "backend-loopback/gpu/objects.h"

/* paging_lock and paging_work have been initialised. */
NTSTATUS gpu_paging_thread_start(struct gpu_adapter *adapter);
/* Does what is queued first. */
void gpu_paging_thread_stop(struct gpu_adapter *adapter);

#endif
