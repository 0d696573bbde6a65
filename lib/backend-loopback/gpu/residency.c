/* SPDX-License-Identifier: MIT */
/*
 * Residency is counted per device, as in WDDM. A process pays for an allocation while any device of
 * it keeps the allocation, a segment while the allocation is kept and lies there: what was moved
 * out or discarded takes no room.
 */
#include "backend-loopback/gpu/residency.h"

#include <stdlib.h>

#include "backend-loopback/gpu/mapping.h"
#include "backend-loopback/gpu/paging.h"
#include "backend-loopback/gpu/process.h"
#include "backend-loopback/gpu/trim.h"

static uint64_t bytes_of(const struct gpu_allocation *allocation)
{
    return allocation->pages * GPU_PAGE_SIZE;
}

/* ---- What counts */

static void change(uint64_t *figure, uint64_t bytes, bool add)
{
    *figure = add ? *figure + bytes : *figure - bytes;
}

bool gpu_residency_in_segment(const struct gpu_allocation *allocation)
{
    return allocation->residents && !allocation->out && !allocation->discarded;
}

static void count_in_process(const struct gpu_allocation *allocation, struct gpu_process *process,
                             bool add)
{
    uint64_t bytes = bytes_of(allocation);
    unsigned group = allocation->segment;

    if (allocation->offered) {
        if (gpu_residency_in_segment(allocation))
            change(&process->offered[group], bytes, add);
        return;
    }
    change(&process->held[group], bytes, add);
    if (!allocation->out)
        change(&process->usage[group], bytes, add);
    else if (add)
        atomic_fetch_add(&process->absent, 1);
    else
        atomic_fetch_sub(&process->absent, 1);
}

/* Is there an earlier one of the same process in the list? */
static bool is_repeated(const struct gpu_allocation *allocation,
                        const struct gpu_resident *resident)
{
    const struct gpu_resident *earlier = allocation->residents;

    while (earlier->device->process != resident->device->process)
        earlier = earlier->next;
    return earlier != resident;
}

void gpu_residency_count(struct gpu_allocation *allocation, bool add)
{
    if (gpu_residency_in_segment(allocation))
        change(&allocation->adapter->segment_used[allocation->segment], bytes_of(allocation), add);
    for (struct gpu_resident *resident = allocation->residents; resident;
         resident = resident->next) {
        if (!is_repeated(allocation, resident))
            count_in_process(allocation, resident->device->process, add);
    }
}

NTSTATUS gpu_residency_refresh(struct gpu_allocation *allocation, const struct gpu_process *except)
{
    NTSTATUS status = STATUS_SUCCESS;

    for (struct gpu_resident *resident = allocation->residents; resident && NT_SUCCESS(status);
         resident = resident->next) {
        if (resident->device->process != except && !is_repeated(allocation, resident))
            status = gpu_mapping_refresh(resident->device->process, allocation);
    }
    return status;
}

/* ---- Holding */

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

/* Room for a new one is found later: until then it is out. */
static bool add_one(struct gpu_device *device, struct gpu_allocation *allocation)
{
    struct gpu_resident *resident = find(allocation, device);

    if (!resident) {
        resident = gpu_record_get(&allocation->adapter->records, sizeof(*resident));
        if (!resident)
            return false;
        gpu_residency_count(allocation, false);
        allocation->out |= !allocation->residents;
        resident->device = device;
        resident->next = allocation->residents;
        allocation->residents = resident;
        gpu_residency_count(allocation, true);
    }
    resident->count++;
    return true;
}

/* The device keeps the allocation no longer. */
static void drop(struct gpu_allocation *allocation, struct gpu_resident *resident)
{
    struct gpu_process *process = resident->device->process;
    struct gpu_resident **link = &allocation->residents;

    gpu_residency_count(allocation, false);
    while (*link && *link != resident)
        link = &(*link)->next;
    *link = resident->next;
    allocation->out &= allocation->residents != NULL;
    gpu_residency_count(allocation, true);
    gpu_record_put(&allocation->adapter->records, resident, sizeof(*resident));
    if (!gpu_allocation_resident_in(allocation, process))
        (void)gpu_mapping_refresh(process, allocation); /* invalidating needs no memory */
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

/* ---- Limits */

/* What processes other than this one have reserved. */
static uint64_t reserved_by_others(const struct gpu_process *process, unsigned group)
{
    uint64_t bytes = 0;

    for (const struct gpu_process *other = process->adapter->processes; other; other = other->next)
        bytes += other == process ? 0 : other->reservation[group];
    return bytes;
}

uint64_t gpu_residency_limit(const struct gpu_process *process, unsigned group, bool over_budget)
{
    const struct gpu_adapter *adapter = process->adapter;
    uint64_t left = adapter->info.segment_size[group] - reserved_by_others(process, group);

    return over_budget || left < adapter->budget[group] ? left : adapter->budget[group];
}

/* Bytes beyond the limit in the worst group. */
static uint64_t excess(const struct gpu_process *process, bool over_budget)
{
    uint64_t worst = 0;

    for (unsigned group = 0; group < KMD_SEGMENT_GROUPS; group++) {
        uint64_t limit = gpu_residency_limit(process, group, over_budget);

        if (process->held[group] > limit && process->held[group] - limit > worst)
            worst = process->held[group] - limit;
    }
    return worst;
}

/* So much that every other process can still have all that it holds in the segment when it runs,
 * but not less than there is already. */
static uint64_t reservable(const struct gpu_process *process, unsigned group)
{
    const struct gpu_adapter *adapter = process->adapter;
    uint64_t bytes = adapter->budget[group] / 2;
    uint64_t own = process->reservation[group];

    for (const struct gpu_process *other = adapter->processes; other; other = other->next) {
        uint64_t limit = gpu_residency_limit(other, group, true);
        uint64_t room = limit > other->held[group] ? limit - other->held[group] : 0;

        if (other != process && room + own < bytes)
            bytes = room + own;
    }
    return bytes > own ? bytes : own;
}

void gpu_process_memory_info(struct gpu_process *process, enum kmd_segment_group group,
                             struct gpu_memory_info *info)
{
    pthread_mutex_lock(&process->adapter->memory_lock);
    info->budget = gpu_residency_limit(process, group, false);
    info->usage = process->usage[group];
    info->reservation = process->reservation[group];
    info->available_for_reservation = reservable(process, group);
    pthread_mutex_unlock(&process->adapter->memory_lock);
}

NTSTATUS gpu_process_set_reservation(struct gpu_process *process, enum kmd_segment_group group,
                                     uint64_t bytes)
{
    NTSTATUS status = STATUS_INVALID_PARAMETER;

    pthread_mutex_lock(&process->adapter->memory_lock);
    if (bytes <= reservable(process, group) && !process->destroyed) {
        process->reservation[group] = bytes;
        status = STATUS_SUCCESS;
    }
    pthread_mutex_unlock(&process->adapter->memory_lock);
    return status;
}

/* ---- Operations */

static bool can_be_resident(const struct gpu_allocation *allocation)
{
    return !allocation->revoked && !allocation->offered &&
           (!allocation->system_memory || allocation->frames_lent == allocation->pages);
}

NTSTATUS gpu_residency_add(struct gpu_device *device, uint32_t count,
                           struct gpu_allocation *const *allocations, bool over_budget,
                           uint64_t *bytes_to_trim)
{
    uint64_t before = excess(device->process, over_budget);
    uint64_t after;
    uint32_t done = 0;

    *bytes_to_trim = 0;
    if (device->residency_ended)
        return STATUS_DEVICE_REMOVED;
    for (uint32_t i = 0; i < count; i++) {
        if (allocations[i]->adapter != device->process->adapter || !can_be_resident(allocations[i]))
            return STATUS_INVALID_PARAMETER;
    }
    while (done < count && add_one(device, allocations[done]))
        done++;
    after = excess(device->process, over_budget);
    /* One more count of what is resident anyway is free, also for a process that is over its
     * budget. */
    if (done < count || after > before) {
        *bytes_to_trim = done < count ? 0 : after;
        gpu_residency_remove(device, done, allocations);
        return STATUS_NO_MEMORY;
    }
    for (uint32_t i = 0; i < count; i++)
        (void)gpu_trim_bring_in(allocations[i], device->process); /* else before the next run */
    gpu_trim_offered_to_budget(device->process);
    return STATUS_SUCCESS;
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
