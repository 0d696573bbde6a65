/* SPDX-License-Identifier: MIT */
/*
 * Residency is counted per device, as in WDDM. A process pays for an allocation while any device of
 * it keeps the allocation, a segment while anybody does.
 */
#include "backend-loopback/gpu/residency.h"

#include <stdlib.h>

#include "backend-loopback/gpu/mapping.h"
#include "backend-loopback/gpu/paging.h"

static uint64_t bytes_of(const struct gpu_allocation *allocation)
{
    return allocation->pages * GPU_PAGE_SIZE;
}

static struct gpu_resident *find(const struct gpu_allocation *allocation,
                                 const struct gpu_device *device)
{
    struct gpu_resident *resident = allocation->residents;

    while (resident && resident->device != device)
        resident = resident->next;
    return resident;
}

bool gpu_allocation_resident_in(const struct gpu_allocation *allocation,
                                const struct gpu_process *process)
{
    const struct gpu_resident *resident = allocation->residents;

    while (resident && resident->device->process != process)
        resident = resident->next;
    return resident;
}

static bool add_one(struct gpu_device *device, struct gpu_allocation *allocation)
{
    struct gpu_resident *resident = find(allocation, device);

    if (!resident) {
        resident = gpu_record_get(&allocation->adapter->records, sizeof(*resident));
        if (!resident)
            return false;
        if (!gpu_allocation_resident_in(allocation, device->process))
            device->process->usage[allocation->segment] += bytes_of(allocation);
        if (!allocation->residents)
            allocation->adapter->segment_used[allocation->segment] += bytes_of(allocation);
        resident->device = device;
        resident->next = allocation->residents;
        allocation->residents = resident;
    }
    resident->count++;
    return true;
}

/* The device keeps the allocation no longer. */
static void drop(struct gpu_allocation *allocation, struct gpu_resident *resident)
{
    struct gpu_process *process = resident->device->process;
    struct gpu_resident **link = &allocation->residents;

    while (*link != resident)
        link = &(*link)->next;
    *link = resident->next;
    gpu_record_put(&allocation->adapter->records, resident, sizeof(*resident));
    if (!allocation->residents)
        allocation->adapter->segment_used[allocation->segment] -= bytes_of(allocation);
    if (!gpu_allocation_resident_in(allocation, process)) {
        process->usage[allocation->segment] -= bytes_of(allocation);
        (void)gpu_mapping_refresh(process, allocation); /* invalidating needs no memory */
    }
}

static void remove_one(struct gpu_device *device, struct gpu_allocation *allocation)
{
    struct gpu_resident *resident = find(allocation, device);

    if (resident && --resident->count == 0)
        drop(allocation, resident);
}

void gpu_residency_remove(struct gpu_device *device, uint32_t count,
                          struct gpu_allocation *const *allocations)
{
    for (uint32_t i = 0; i < count; i++)
        remove_one(device, allocations[i]);
}

static bool is_complete(const struct gpu_allocation *allocation)
{
    return !allocation->revoked &&
           (!allocation->system_memory || allocation->frames_lent == allocation->pages);
}

/* Bytes above the segment or, unless that is allowed, the budget. */
static uint64_t excess(const struct gpu_process *process, bool over_budget)
{
    const struct gpu_adapter *adapter = process->adapter;
    uint64_t worst = 0;

    for (unsigned group = 0; group < KMD_SEGMENT_GROUPS; group++) {
        uint64_t size = adapter->info.segment_size[group];
        uint64_t beyond = 0;

        if (adapter->segment_used[group] > size)
            beyond = adapter->segment_used[group] - size;
        if (!over_budget && process->usage[group] > adapter->budget[group] &&
            process->usage[group] - adapter->budget[group] > beyond)
            beyond = process->usage[group] - adapter->budget[group];
        if (beyond > worst)
            worst = beyond;
    }
    return worst;
}

NTSTATUS gpu_residency_add(struct gpu_device *device, uint32_t count,
                           struct gpu_allocation *const *allocations, bool over_budget,
                           uint64_t *bytes_to_trim)
{
    uint64_t before = excess(device->process, over_budget);
    uint32_t done = 0;

    *bytes_to_trim = 0;
    if (device->residency_ended)
        return STATUS_DEVICE_REMOVED;
    for (uint32_t i = 0; i < count; i++) {
        if (allocations[i]->adapter != device->process->adapter || !is_complete(allocations[i]))
            return STATUS_INVALID_PARAMETER;
    }
    while (done < count && add_one(device, allocations[done]))
        done++;
    if (done == count) {
        uint64_t after = excess(device->process, over_budget);

        /* One more count of what is resident anyway is free, also for a process that is over its
         * budget. */
        if (after <= before)
            return STATUS_SUCCESS;
        *bytes_to_trim = after;
    }
    gpu_residency_remove(device, done, allocations);
    return STATUS_NO_MEMORY;
}

void gpu_residency_remove_device(struct gpu_device *device)
{
    struct gpu_allocation *allocation = device->process->adapter->allocations;

    device->residency_ended = true;
    for (; allocation; allocation = allocation->next) {
        struct gpu_resident *resident = find(allocation, device);

        if (resident)
            drop(allocation, resident);
    }
}

void gpu_residency_remove_allocation(struct gpu_allocation *allocation)
{
    while (allocation->residents)
        drop(allocation, allocation->residents);
}

NTSTATUS gpu_device_evict(struct gpu_device *device, uint32_t count,
                          struct gpu_allocation *const *allocations, uint64_t *bytes_to_trim)
{
    struct gpu_process *process = device->process;

    pthread_mutex_lock(&process->adapter->memory_lock);
    gpu_residency_remove(device, count, allocations);
    *bytes_to_trim = excess(process, false);
    pthread_mutex_unlock(&process->adapter->memory_lock);
    return STATUS_SUCCESS;
}
