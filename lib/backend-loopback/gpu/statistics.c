/* SPDX-License-Identifier: MIT */
/* Reading the figures. What is so now is counted when somebody asks. */
#include "backend-loopback/gpu/statistics.h"

#include <string.h>

#include "backend-loopback/gpu/engine.h"
#include "backend-loopback/gpu/mapping.h"
#include "backend-loopback/gpu/residency.h"

bool gpu_adapter_engine_figures(struct gpu_adapter *adapter, const struct gpu_process *process,
                                uint32_t node, struct gpu_engine_figures *figures)
{
    struct gpu_node *engine;

    if (node >= adapter->info.node_count)
        return false;
    engine = adapter->nodes[node];
    pthread_mutex_lock(&engine->lock);
    *figures = process ? process->engines[node] : engine->figures;
    pthread_mutex_unlock(&engine->lock);
    return true;
}

void gpu_adapter_figures(struct gpu_adapter *adapter, struct gpu_adapter_figures *figures)
{
    pthread_mutex_lock(&adapter->memory_lock);
    *figures = adapter->figures;
    pthread_mutex_unlock(&adapter->memory_lock);
    figures->resets = atomic_load(&adapter->resets);
}

unsigned gpu_statistics_priority_class(uint32_t priority)
{
    static const uint32_t classes[GPU_PRIORITY_CLASSES - 1] = {
        D3DDDI_ALLOCATIONPRIORITY_LOW, D3DDDI_ALLOCATIONPRIORITY_NORMAL,
        D3DDDI_ALLOCATIONPRIORITY_HIGH, D3DDDI_ALLOCATIONPRIORITY_MAXIMUM};
    unsigned class = 0;

    while (class < GPU_PRIORITY_CLASSES - 1 && priority >= classes[class])
        class ++;
    return class;
}

void gpu_statistics_count(struct gpu_count *count, uint64_t bytes)
{
    count->count++;
    count->bytes += bytes;
}

static void count_placement(const struct gpu_allocation *allocation,
                            struct gpu_segment_figures *figures, uint64_t bytes)
{
    const struct gpu_segments *segments = &allocation->segments;
    uint32_t place = 0;

    while (place < segments->preferred_count && segments->preferred[place] != allocation->segment)
        place++;
    /* Without a preference every segment is as good as the first. */
    if (place < segments->preferred_count || segments->preferred_count == 0)
        gpu_statistics_count(&figures->resident_in_preferred[place], bytes);
    else
        gpu_statistics_count(&figures->resident_elsewhere, bytes);
}

static void count_allocation(const struct gpu_allocation *allocation,
                             const struct gpu_process *process, struct gpu_segment_figures *figures)
{
    uint64_t bytes = allocation->pages * GPU_PAGE_SIZE;
    bool held =
        process ? gpu_allocation_resident_in(allocation, process) : allocation->residents != NULL;

    if (!allocation->decommitted && (!process || allocation->owner == process))
        gpu_statistics_count(&figures->committed, bytes);
    if (!held)
        return;
    if (gpu_residency_in_segment(allocation)) {
        gpu_statistics_count(&figures->resident, bytes);
        count_placement(allocation, figures, bytes);
    }
    if (allocation->offered)
        return;
    figures->held += bytes;
    if (allocation->out)
        figures->out_by_priority[gpu_statistics_priority_class(allocation->priority)] += bytes;
}

void gpu_adapter_segment_figures(struct gpu_adapter *adapter, const struct gpu_process *process,
                                 enum kmd_segment_group group, struct gpu_segment_figures *figures)
{
    memset(figures, 0, sizeof(*figures));
    pthread_mutex_lock(&adapter->memory_lock);
    for (const struct gpu_allocation *one = adapter->allocations; one; one = one->next) {
        if (one->segment == group)
            count_allocation(one, process, figures);
    }
    figures->size =
        process ? gpu_residency_limit(process, group, false) : adapter->info.segment_size[group];
    figures->reserved = process ? process->reservation[group] : 0;
    memcpy(figures->evicted_by_priority,
           process ? process->evicted[group] : adapter->evicted[group],
           sizeof(figures->evicted_by_priority));
    pthread_mutex_unlock(&adapter->memory_lock);
}
