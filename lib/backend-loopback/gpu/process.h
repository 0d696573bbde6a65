/* SPDX-License-Identifier: MIT */
/* A process on one adapter: one GPU address space (address.h) and the process's share of the memory
 * segments. */
#ifndef BACKEND_LOOPBACK_GPU_PROCESS_H
#define BACKEND_LOOPBACK_GPU_PROCESS_H

#include <stdint.h>

#include <d3dkmt/kmd.h>

struct gpu_adapter;
struct gpu_process;

/* name: UTF-8, for the miniport. STATUS_NO_MEMORY, or what the miniport says. */
NTSTATUS gpu_process_create(struct gpu_adapter *adapter, const char *name,
                            struct gpu_process **process);

/* Empties the address space at once: engines that still run its work fault. Devices, allocations
 * and fences that outlive it only keep the memory of the record. NULL is fine. */
void gpu_process_destroy(struct gpu_process *process);

struct gpu_adapter *gpu_process_adapter(const struct gpu_process *process);

/* D3DKMTQueryVideoMemoryInfo, in bytes. */
struct gpu_memory_info {
    uint64_t budget; /* the adapter's, less where other processes have reserved the rest */
    uint64_t usage;  /* in the segment now: neither moved out nor offered */
    uint64_t reservation;
    uint64_t available_for_reservation;
};
void gpu_process_memory_info(struct gpu_process *process, enum kmd_segment_group group,
                             struct gpu_memory_info *info);

/* Memory up to the reservation is not moved out for others, and the budget of others ends before
 * it. STATUS_INVALID_PARAMETER when more than available_for_reservation is asked for. */
NTSTATUS gpu_process_set_reservation(struct gpu_process *process, enum kmd_segment_group group,
                                     uint64_t bytes);

#endif
