/* SPDX-License-Identifier: MIT */
/* Offering memory and taking it back. Who takes offered memory is in trim.c. */
#include "backend-loopback/gpu/offer.h"

#include "backend-loopback/gpu/allocation.h"
#include "backend-loopback/gpu/mapping.h"
#include "backend-loopback/gpu/paging.h"
#include "backend-loopback/gpu/residency.h"
#include "backend-loopback/gpu/trim.h"

static enum gpu_offer_priority resolve(const struct gpu_allocation *allocation,
                                       enum gpu_offer_priority priority)
{
    if (priority != GPU_OFFER_AUTO)
        return priority;
    if (allocation->priority >= D3DDDI_ALLOCATIONPRIORITY_HIGH)
        return GPU_OFFER_HIGH;
    return allocation->priority >= D3DDDI_ALLOCATIONPRIORITY_NORMAL ? GPU_OFFER_NORMAL
                                                                    : GPU_OFFER_LOW;
}

static void offer(struct gpu_allocation *allocation, enum gpu_offer_priority priority,
                  bool may_decommit)
{
    gpu_residency_count(allocation, false);
    allocation->offered = true;
    allocation->offer_priority = resolve(allocation, priority);
    allocation->offer_order = ++allocation->adapter->offers;
    allocation->may_decommit = may_decommit;
    gpu_residency_count(allocation, true);
    (void)gpu_residency_refresh(allocation, NULL); /* invalidating needs no memory */
}

NTSTATUS gpu_device_offer(struct gpu_device *device, uint32_t count,
                          struct gpu_allocation *const *allocations,
                          enum gpu_offer_priority priority, bool may_decommit)
{
    struct gpu_process *process = device->process;
    NTSTATUS status = STATUS_SUCCESS;

    if (count == 0 || priority < GPU_OFFER_LOW || priority > GPU_OFFER_AUTO)
        return STATUS_INVALID_PARAMETER;
    pthread_mutex_lock(&process->adapter->memory_lock);
    for (uint32_t i = 0; i < count; i++) {
        if (allocations[i]->adapter != process->adapter || allocations[i]->system_memory ||
            allocations[i]->locks > 0)
            status = STATUS_INVALID_PARAMETER;
    }
    for (uint32_t i = 0; i < count && NT_SUCCESS(status); i++)
        offer(allocations[i], priority, may_decommit);
    gpu_trim_offered_to_budget(process);
    pthread_mutex_unlock(&process->adapter->memory_lock);
    return status;
}

/* Would every process that holds it still find room for all that it holds? */
static bool fits(const struct gpu_allocation *allocation)
{
    unsigned group = allocation->segment;

    for (const struct gpu_resident *resident = allocation->residents; resident;
         resident = resident->next) {
        const struct gpu_process *process = resident->device->process;

        if (process->held[group] + allocation->pages * GPU_PAGE_SIZE >
            gpu_residency_limit(process, group, true))
            return false;
    }
    return true;
}

uint32_t gpu_offer_take_back(struct gpu_allocation *allocation, const struct gpu_process *process)
{
    bool discarded = allocation->discarded;

    if (!allocation->offered)
        return GPU_RECLAIM_OK;
    if (!fits(allocation) ||
        (allocation->decommitted && !NT_SUCCESS(gpu_allocation_get_storage(allocation))))
        return GPU_RECLAIM_NOT_COMMITTED;
    gpu_residency_count(allocation, false);
    allocation->offered = false;
    allocation->discarded = false;
    allocation->decommitted = false;
    allocation->out = allocation->residents && (discarded || allocation->out);
    gpu_residency_count(allocation, true);
    (void)gpu_trim_bring_in(allocation, process); /* else before the next run */
    return discarded ? GPU_RECLAIM_DISCARDED : GPU_RECLAIM_OK;
}
