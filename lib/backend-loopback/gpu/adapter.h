/* SPDX-License-Identifier: MIT */
/* An adapter: memory segments, engines (nodes) and the miniport that knows the private data. */
#ifndef BACKEND_LOOPBACK_GPU_ADAPTER_H
#define BACKEND_LOOPBACK_GPU_ADAPTER_H

#include <stdbool.h>
#include <stdint.h>

#include <d3dkmt/kmd.h>

struct gpu_adapter;
struct gpu_machine;

#define GPU_NOTHING UINT64_MAX /* of sizes: 0 bytes, where 0 means the default */

/* Zero means the default everywhere. */
struct gpu_adapter_config {
    const struct kmd_interface *miniport; /* required; must outlive the adapter */
    const char *miniport_options;         /* handed to the miniport */
    bool compute_only;
    bool secure_virtual_machine;
    uint8_t virtual_machine[16]; /* GUID, for the miniport */
    uint32_t node_count;         /* nodes that the miniport must have; 0: as it likes */
    const struct kmd_node *nodes;
    bool asynchronous_paging; /* start in the mode of gpu_adapter_set_asynchronous_paging */
    /* Bytes, in place of the miniport's. What would lie in a segment of no size is in the other. */
    uint64_t segment_size[KMD_SEGMENT_GROUPS];
    uint64_t budget[KMD_SEGMENT_GROUPS]; /* bytes that one process may keep resident; default: the
                                            segment */
    uint64_t hang_timeout_ns;            /* engine reset after this time; default 2 s, as Windows */
    uint32_t max_page_tables; /* 4 KiB pages of page tables of one process; default 65536 */
    uint32_t max_queue_bytes; /* packets waiting in one queue; default 4 MiB */
};

/* Starts the miniport and one thread per node. STATUS_INVALID_PARAMETER (no miniport, its version
 * or answers are unusable), STATUS_NO_MEMORY, STATUS_NOT_SUPPORTED (it
 * has other nodes than those of the configuration, or lacks a capability), or the miniport's own
 * status. */
NTSTATUS gpu_adapter_create(struct gpu_machine *machine, const struct gpu_adapter_config *config,
                            struct gpu_adapter **adapter);

/* Stops the engines, then the miniport. Every process of the adapter must be gone. NULL is fine. */
void gpu_adapter_destroy(struct gpu_adapter *adapter);

/* For an adapter that is used no more: finishes the paging operations that are on their way. True
 * when every process and allocation is gone then, so that it may be destroyed. */
bool gpu_adapter_wind_up(struct gpu_adapter *adapter);

const struct kmd_adapter_info *gpu_adapter_info(const struct gpu_adapter *adapter);
struct gpu_machine *gpu_adapter_machine(const struct gpu_adapter *adapter);

/* Size of the segment, and the bytes resident in it now, of all processes. */
uint64_t gpu_adapter_segment_size(const struct gpu_adapter *adapter, enum kmd_segment_group group);
uint64_t gpu_adapter_segment_used(struct gpu_adapter *adapter, enum kmd_segment_group group);

/*
 * Off: paging operations are finished when the call returns, STATUS_SUCCESS. On: a paging thread
 * does them, the call returns STATUS_PENDING and the GPU faults if it touches the memory before the
 * paging fence has reached the value.
 */
void gpu_adapter_set_asynchronous_paging(struct gpu_adapter *adapter, bool asynchronous);

/* Waits until the paging operations that are queued now are done. */
void gpu_adapter_flush_paging(struct gpu_adapter *adapter);

/* The miniport's part of the adapter, as its StartDevice returned it. For miniports that offer
 * functions of their own. */
void *gpu_adapter_miniport_adapter(const struct gpu_adapter *adapter);

/* Straight to the miniport; STATUS_NOT_SUPPORTED where it has no such function. `data` may be NULL
 * when `size` is 0. */
NTSTATUS gpu_adapter_query_info(struct gpu_adapter *adapter, uint32_t type, void *data,
                                uint32_t size);
NTSTATUS gpu_adapter_standard_allocation(struct gpu_adapter *adapter,
                                         struct kmd_standard_allocation *request);
const char *gpu_adapter_driver_store_path(struct gpu_adapter *adapter);

#endif
