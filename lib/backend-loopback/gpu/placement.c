/* SPDX-License-Identifier: MIT */
/* Moving an allocation between segments: storage stays, what it costs moves. */
#include "backend-loopback/gpu/placement.h"

#include <string.h>

#include "backend-loopback/gpu/residency.h"
#include "backend-loopback/gpu/trim.h"

static bool is_supported(const struct gpu_segments *segments, unsigned group)
{
    return segments->supported >> group & 1;
}

/* The first of the preferred segments, else the present one, else the first of all. */
static bool choose(const struct gpu_allocation *allocation, const struct gpu_segments *segments,
                   enum kmd_segment_group *target)
{
    for (uint32_t i = 0; i < segments->preferred_count; i++) {
        *target = segments->preferred[i];
        if (is_supported(segments, *target))
            return true;
    }
    *target = allocation->segment;
    while (!is_supported(segments, *target))
        *target = (enum kmd_segment_group)((*target + 1) % KMD_SEGMENT_GROUPS);
    return segments->preferred_count == 0;
}

/* Would every process that holds it stay within its budget there? */
static bool fits(const struct gpu_allocation *allocation, unsigned group)
{
    for (const struct gpu_resident *resident = allocation->residents; resident;
         resident = resident->next) {
        const struct gpu_process *process = resident->device->process;

        if (process->held[group] + allocation->pages * GPU_PAGE_SIZE >
            gpu_residency_limit(process, group, false))
            return false;
    }
    return true;
}

static NTSTATUS move(struct gpu_allocation *allocation, const struct gpu_process *process,
                     enum kmd_segment_group target)
{
    if (!fits(allocation, target) ||
        (gpu_residency_in_segment(allocation) && !gpu_trim_make_room(allocation, target, process)))
        return STATUS_NO_MEMORY;
    gpu_residency_count(allocation, false);
    allocation->segment = target;
    gpu_residency_count(allocation, true);
    return STATUS_SUCCESS;
}

NTSTATUS gpu_placement_change(struct gpu_allocation *allocation, const struct gpu_process *process,
                              const struct gpu_segments *segments)
{
    struct gpu_segments wished = allocation->segments;
    enum kmd_segment_group target;
    NTSTATUS status = STATUS_SUCCESS;

    if (segments->supported)
        wished.supported = segments->supported;
    if (segments->preferred_count) {
        wished.preferred_count = segments->preferred_count;
        memcpy(wished.preferred, segments->preferred, sizeof(wished.preferred));
    }
    if (allocation->offered || wished.supported >> KMD_SEGMENT_GROUPS ||
        (allocation->system_memory && wished.supported != 1u << KMD_SEGMENT_NON_LOCAL) ||
        !choose(allocation, &wished, &target))
        return STATUS_INVALID_PARAMETER;
    if (target != allocation->segment)
        status = move(allocation, process, target);
    if (NT_SUCCESS(status))
        allocation->segments = wished;
    return status;
}
