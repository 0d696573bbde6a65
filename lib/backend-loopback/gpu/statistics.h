/* SPDX-License-Identifier: MIT */
/* What was done and what is held: figures for D3DKMTQueryStatistics. They only grow, but for those
 * that say what is so now. */
#ifndef BACKEND_LOOPBACK_GPU_STATISTICS_H
#define BACKEND_LOOPBACK_GPU_STATISTICS_H

#include <stdbool.h>
#include <stdint.h>

#include <d3dkmt/kmd.h>

struct gpu_adapter;
struct gpu_process;

#define GPU_PACKET_TYPES     4u /* enum gpu_packet_type */
#define GPU_PRIORITY_CLASSES 5u /* from D3DDDI_ALLOCATIONPRIORITY_MINIMUM to MAXIMUM */
#define GPU_PREFERENCES      5u

/* Of an engine, or of a process on it. */
struct gpu_engine_figures {
    uint64_t running_ns; /* in command buffers */
    uint32_t switches;   /* times that another queue's command buffer began or went on */
    uint32_t queued[GPU_PACKET_TYPES];
    uint32_t finished[GPU_PACKET_TYPES];
    uint32_t started; /* command buffers: on the engine for the first time */
    uint32_t completed;
    uint32_t preempted; /* gave the engine away before their end */
    uint32_t faulted;   /* ended with an error, or a reset */
};

/* `process` NULL: of all. False: no such node. */
bool gpu_adapter_engine_figures(struct gpu_adapter *adapter, const struct gpu_process *process,
                                uint32_t node, struct gpu_engine_figures *figures);

struct gpu_count {
    uint32_t count;
    uint64_t bytes;
};

/* Of an adapter since its start. */
struct gpu_adapter_figures {
    uint32_t resets; /* of engines that hung */
    uint32_t locks;
    uint64_t bytes_discarded; /* of offers */
    struct gpu_count created; /* allocations */
    struct gpu_count destroyed;
    struct gpu_count evicted; /* moved out for others */
};
void gpu_adapter_figures(struct gpu_adapter *adapter, struct gpu_adapter_figures *figures);

/* Of a segment now, or of a process in it. Allocations belong to the process that made them,
 * residency to those that hold it. */
struct gpu_segment_figures {
    uint64_t size; /* of a process: its budget */
    struct gpu_count committed;
    struct gpu_count resident;
    uint64_t held; /* of a process: resident, or moved out for others; not offered */
    uint64_t reserved;
    uint64_t out_by_priority[GPU_PRIORITY_CLASSES];          /* moved out now */
    struct gpu_count resident_in_preferred[GPU_PREFERENCES]; /* as the how manieth preference */
    struct gpu_count resident_elsewhere;
    uint64_t evicted_by_priority[GPU_PRIORITY_CLASSES]; /* since the start */
};
void gpu_adapter_segment_figures(struct gpu_adapter *adapter, const struct gpu_process *process,
                                 enum kmd_segment_group group, struct gpu_segment_figures *figures);

#endif
