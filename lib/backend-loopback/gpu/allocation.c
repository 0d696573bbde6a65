/* SPDX-License-Identifier: MIT */
/* Allocations: storage or lent pages, and the miniport's opinion of them. */
#include "backend-loopback/gpu/allocation.h"

#include <stdlib.h>

#include "backend-loopback/gpu/mapping.h"
#include "backend-loopback/gpu/residency.h"
#include "backend-loopback/gpu/trim.h"

/* The caller's own memory is behind the aperture; where the adapter has one segment, all is there.
 */
static void choose_segment(struct gpu_allocation *allocation, enum kmd_segment_group wanted)
{
    const uint64_t *sizes = allocation->adapter->info.segment_size;

    if (allocation->system_memory)
        wanted = KMD_SEGMENT_NON_LOCAL;
    if ((unsigned)wanted < KMD_SEGMENT_GROUPS && sizes[wanted] == 0)
        wanted = wanted == KMD_SEGMENT_LOCAL ? KMD_SEGMENT_NON_LOCAL : KMD_SEGMENT_LOCAL;
    allocation->segment = wanted;
    allocation->segments.supported = 0;
    for (unsigned group = 0; group < KMD_SEGMENT_GROUPS; group++) {
        if (sizes[group] > 0 && (!allocation->system_memory || group == (unsigned)wanted))
            allocation->segments.supported |= 1u << group;
    }
}

static NTSTATUS ask_miniport(struct gpu_allocation *allocation,
                             const struct gpu_allocation_config *config)
{
    struct gpu_adapter *adapter = allocation->adapter;
    struct kmd_allocation request = {
        .private_data = config->private_data,
        .private_data_size = config->private_data_size,
        .resource_data = config->resource_data,
        .resource_data_size = config->resource_data_size,
        .system_memory = config->system_memory,
        .standard_size = config->standard_size,
    };
    NTSTATUS status = adapter->miniport->CreateAllocation(adapter->miniport_adapter, &request);

    if (!NT_SUCCESS(status))
        return status;
    allocation->driver_allocation = request.driver_allocation;
    allocation->flags = request.flags;
    allocation->system_memory = config->system_memory;
    choose_segment(allocation, request.segment);
    allocation->pages = request.size / GPU_PAGE_SIZE + (request.size % GPU_PAGE_SIZE != 0);
    if (allocation->pages == 0 || (unsigned)allocation->segment >= KMD_SEGMENT_GROUPS)
        return STATUS_INVALID_PARAMETER;
    /* A size comes from a guest in the end: it bounds what we allocate for page numbers. */
    if (config->system_memory &&
        allocation->pages > adapter->info.segment_size[allocation->segment] / GPU_PAGE_SIZE)
        return STATUS_INVALID_PARAMETER;
    if (!config->system_memory && allocation->pages > adapter->machine->storage.pages)
        return STATUS_INVALID_PARAMETER;
    return STATUS_SUCCESS;
}

static void tell_miniport(struct gpu_allocation *allocation)
{
    const struct kmd_interface *miniport = allocation->adapter->miniport;

    if (allocation->driver_allocation && miniport->DestroyAllocation)
        miniport->DestroyAllocation(allocation->adapter->miniport_adapter,
                                    allocation->driver_allocation);
}

NTSTATUS gpu_allocation_get_storage(struct gpu_allocation *allocation)
{
    struct gpu_storage *storage = &allocation->adapter->machine->storage;
    NTSTATUS status;

    do {
        status = gpu_storage_allocate(storage, allocation->pages, &allocation->storage_offset);
    } while (!NT_SUCCESS(status) && gpu_trim_decommit_one(allocation->adapter));
    return status;
}

static NTSTATUS get_memory(struct gpu_allocation *allocation)
{
    NTSTATUS status;

    if (!allocation->system_memory) {
        pthread_mutex_lock(&allocation->adapter->memory_lock);
        status = gpu_allocation_get_storage(allocation);
        pthread_mutex_unlock(&allocation->adapter->memory_lock);
        return status;
    }
    allocation->frames = calloc(allocation->pages, sizeof(*allocation->frames));
    return allocation->frames ? STATUS_SUCCESS : STATUS_NO_MEMORY;
}

NTSTATUS gpu_allocation_create(struct gpu_adapter *adapter,
                               const struct gpu_allocation_config *config,
                               struct gpu_allocation **allocation)
{
    struct gpu_allocation *created = calloc(1, sizeof(*created));
    NTSTATUS status;

    if (!created)
        return STATUS_NO_MEMORY;
    created->adapter = adapter;
    created->priority = D3DDDI_ALLOCATIONPRIORITY_NORMAL;
    atomic_init(&created->references, 1);
    status = ask_miniport(created, config);
    if (NT_SUCCESS(status))
        status = get_memory(created);
    if (!NT_SUCCESS(status)) {
        tell_miniport(created);
        free(created);
        return status;
    }
    created->owner = config->owner;
    if (created->owner)
        gpu_references_take(&created->owner->references);
    pthread_mutex_lock(&adapter->memory_lock);
    created->next = adapter->allocations;
    created->link = &adapter->allocations;
    if (created->next)
        created->next->link = &created->next;
    adapter->allocations = created;
    gpu_statistics_count(&adapter->figures.created, gpu_allocation_size(created));
    pthread_mutex_unlock(&adapter->memory_lock);
    *allocation = created;
    return STATUS_SUCCESS;
}

struct gpu_allocation *gpu_allocation_reference(struct gpu_allocation *allocation)
{
    gpu_references_take(&allocation->references);
    return allocation;
}

void gpu_allocation_revoke(struct gpu_allocation *allocation)
{
    struct gpu_mapping *dead = NULL;

    pthread_mutex_lock(&allocation->adapter->memory_lock);
    allocation->revoked = true;
    gpu_mapping_remove_allocation(allocation, &dead);
    gpu_residency_remove_allocation(allocation);
    pthread_mutex_unlock(&allocation->adapter->memory_lock);
    gpu_mapping_free_dead(dead);
}

void gpu_allocation_release(struct gpu_allocation *allocation)
{
    struct gpu_adapter *adapter;

    if (!allocation || !gpu_references_drop(&allocation->references))
        return;
    adapter = allocation->adapter;
    gpu_allocation_revoke(allocation);
    pthread_mutex_lock(&adapter->memory_lock);
    *allocation->link = allocation->next;
    if (allocation->next)
        allocation->next->link = allocation->link;
    gpu_statistics_count(&adapter->figures.destroyed, gpu_allocation_size(allocation));
    pthread_mutex_unlock(&adapter->memory_lock);
    tell_miniport(allocation);
    if (!allocation->system_memory && !allocation->decommitted)
        gpu_storage_free(&adapter->machine->storage, allocation->storage_offset, allocation->pages);
    if (allocation->owner)
        gpu_process_release(allocation->owner);
    free(allocation->frames);
    free(allocation);
}

struct gpu_adapter *gpu_allocation_adapter(const struct gpu_allocation *allocation)
{
    return allocation->adapter;
}

uint64_t gpu_allocation_size(const struct gpu_allocation *allocation)
{
    return allocation->pages * GPU_PAGE_SIZE;
}

uint32_t gpu_allocation_flags(const struct gpu_allocation *allocation)
{
    return allocation->flags;
}

bool gpu_allocation_is_system_memory(const struct gpu_allocation *allocation)
{
    return allocation->system_memory;
}

enum kmd_segment_group gpu_allocation_segment(struct gpu_allocation *allocation)
{
    enum kmd_segment_group segment;

    pthread_mutex_lock(&allocation->adapter->memory_lock);
    segment = allocation->segment;
    pthread_mutex_unlock(&allocation->adapter->memory_lock);
    return segment;
}

void gpu_allocation_set_priority(struct gpu_allocation *allocation, uint32_t priority)
{
    pthread_mutex_lock(&allocation->adapter->memory_lock);
    allocation->priority = priority;
    pthread_mutex_unlock(&allocation->adapter->memory_lock);
}

uint32_t gpu_allocation_get_priority(struct gpu_allocation *allocation)
{
    uint32_t priority;

    pthread_mutex_lock(&allocation->adapter->memory_lock);
    priority = allocation->priority;
    pthread_mutex_unlock(&allocation->adapter->memory_lock);
    return priority;
}

NTSTATUS gpu_allocation_lock(struct gpu_allocation *allocation, uint64_t *offset)
{
    NTSTATUS status;

    pthread_mutex_lock(&allocation->adapter->memory_lock);
    status = gpu_allocation_cpu_offset(allocation, offset);
    if (NT_SUCCESS(status) && allocation->offered)
        status = STATUS_INVALID_PARAMETER;
    if (NT_SUCCESS(status)) {
        allocation->locks++;
        allocation->adapter->figures.locks++;
    }
    pthread_mutex_unlock(&allocation->adapter->memory_lock);
    return status;
}

void gpu_allocation_unlock(struct gpu_allocation *allocation, uint32_t count)
{
    pthread_mutex_lock(&allocation->adapter->memory_lock);
    allocation->locks -= count;
    pthread_mutex_unlock(&allocation->adapter->memory_lock);
}

NTSTATUS gpu_allocation_cpu_offset(const struct gpu_allocation *allocation, uint64_t *offset)
{
    if (allocation->system_memory)
        return STATUS_NOT_SUPPORTED;
    if (!(allocation->flags & KMD_ALLOCATION_CPU_VISIBLE))
        return STATUS_ACCESS_DENIED;
    *offset = allocation->storage_offset;
    return STATUS_SUCCESS;
}

static bool can_lend(const struct gpu_allocation *allocation, uint64_t first, uint64_t count,
                     void *const *pages)
{
    for (uint64_t i = 0; i < count; i++) {
        if (allocation->frames[first + i] || !pages[i] || (uintptr_t)pages[i] % GPU_PAGE_SIZE != 0)
            return false;
    }
    return !allocation->revoked;
}

NTSTATUS gpu_allocation_set_pages(struct gpu_allocation *allocation, uint64_t first, uint64_t count,
                                  void *const *pages, bool read_only)
{
    NTSTATUS status = STATUS_INVALID_PARAMETER;

    if (!allocation->system_memory || first > allocation->pages ||
        count > allocation->pages - first)
        return STATUS_INVALID_PARAMETER;
    pthread_mutex_lock(&allocation->adapter->memory_lock);
    if (can_lend(allocation, first, count, pages)) {
        for (uint64_t i = 0; i < count; i++)
            allocation->frames[first + i] = pages[i];
        allocation->frames_lent += count;
        allocation->read_only |= read_only;
        status = STATUS_SUCCESS;
    }
    pthread_mutex_unlock(&allocation->adapter->memory_lock);
    return status;
}

bool gpu_allocation_is_resident(struct gpu_allocation *allocation)
{
    bool resident;

    pthread_mutex_lock(&allocation->adapter->memory_lock);
    resident = gpu_residency_in_segment(allocation) && !allocation->offered;
    pthread_mutex_unlock(&allocation->adapter->memory_lock);
    return resident;
}
