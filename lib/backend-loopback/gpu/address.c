/* SPDX-License-Identifier: MIT */
/* The operations on a process's GPU addresses: arguments in, ranges and mappings out. */
#include "backend-loopback/gpu/address.h"

#include <stdlib.h>

#include "backend-loopback/gpu/fence.h"
#include "backend-loopback/gpu/mapping.h"

#define MAX_REPEATS 65536u /* of a piece of an allocation in one update */

static bool is_page_aligned(uint64_t value)
{
    return value % GPU_PAGE_SIZE == 0;
}

/* [start, start + size) lies in the usable part of the address space and is not empty. */
static bool is_valid_range(uint64_t start, uint64_t size)
{
    return size > 0 && is_page_aligned(start) && is_page_aligned(size) &&
           start >= GPU_ADDRESS_FIRST && start < GPU_ADDRESS_LIMIT &&
           size <= GPU_ADDRESS_LIMIT - start;
}

/* The one region that holds the whole range, or NULL. */
static struct gpu_region *region_around(const struct gpu_process *process, uint64_t start,
                                        uint64_t end)
{
    struct gpu_range *range = gpu_range_from(&process->regions, start);

    return range && range->start <= start && range->end >= end ? (struct gpu_region *)(void *)range
                                                               : NULL;
}

static NTSTATUS choose(const struct gpu_process *process, const struct gpu_placement *placement,
                       uint64_t size, uint64_t *address)
{
    uint64_t minimum =
        placement->minimum > GPU_ADDRESS_FIRST ? placement->minimum : GPU_ADDRESS_FIRST;
    uint64_t maximum = placement->maximum;

    /* Some callers name the last byte, some the end; no range ends in the last byte of a page. */
    if (maximum % GPU_PAGE_SIZE == GPU_PAGE_SIZE - 1)
        maximum++;
    if (maximum == 0 || maximum > GPU_ADDRESS_LIMIT)
        maximum = GPU_ADDRESS_LIMIT;
    if (!is_page_aligned(size) || size == 0)
        return STATUS_INVALID_PARAMETER;
    if (!gpu_range_find_gap(&process->regions, minimum, maximum, size, GPU_ADDRESS_ALIGNMENT,
                            address))
        return STATUS_NO_MEMORY;
    return STATUS_SUCCESS;
}

static NTSTATUS make_region(struct gpu_process *process, uint64_t start, uint64_t size)
{
    struct gpu_region *region;

    if (!gpu_process_charge_records(process, 1))
        return STATUS_NO_MEMORY;
    region = gpu_record_get(&process->adapter->records, sizeof(*region));
    if (!region) {
        process->records--;
        return STATUS_NO_MEMORY;
    }
    region->range.start = start;
    region->range.end = start + size;
    gpu_range_insert(&process->regions, &region->range);
    return STATUS_SUCCESS;
}

static void drop_region(struct gpu_process *process, struct gpu_region *region)
{
    gpu_range_remove(&process->regions, &region->range);
    gpu_record_put(&process->adapter->records, region, sizeof(*region));
    process->records--;
}

NTSTATUS gpu_address_reserve(struct gpu_process *process, const struct gpu_placement *placement,
                             uint64_t size, uint64_t *address)
{
    pthread_mutex_t *lock = &process->adapter->memory_lock;
    uint64_t start = placement->base;
    NTSTATUS status = STATUS_SUCCESS;

    if (start != 0 && !is_valid_range(start, size))
        return STATUS_INVALID_PARAMETER;
    pthread_mutex_lock(lock);
    if (start == 0)
        status = choose(process, placement, size, &start);
    else if (gpu_range_overlap(&process->regions, start, start + size))
        status = STATUS_NO_MEMORY;
    if (NT_SUCCESS(status))
        status = make_region(process, start, size);
    pthread_mutex_unlock(lock);
    if (NT_SUCCESS(status))
        *address = start;
    return status;
}

NTSTATUS gpu_address_free(struct gpu_process *process, uint64_t address, uint64_t size)
{
    pthread_mutex_t *lock = &process->adapter->memory_lock;
    struct gpu_mapping *dead = NULL;
    struct gpu_region *region;
    NTSTATUS status = STATUS_INVALID_PARAMETER;

    if (!is_valid_range(address, size))
        return STATUS_INVALID_PARAMETER;
    pthread_mutex_lock(lock);
    region = region_around(process, address, address + size);
    if (region && region->range.start == address && region->range.end == address + size) {
        gpu_mapping_remove(process, address, address + size, &dead);
        drop_region(process, region);
        status = STATUS_SUCCESS;
    }
    pthread_mutex_unlock(lock);
    gpu_mapping_free_dead(dead);
    return status;
}

/* Puts backing behind a range of the process's, making it the process's where it is free. */
static NTSTATUS place(struct gpu_process *process, const struct gpu_placement *placement,
                      uint64_t size, const struct gpu_backing *backing, bool deferred,
                      uint64_t *address)
{
    uint64_t start = placement->base;
    struct gpu_mapping *dead = NULL;
    struct gpu_region *made = NULL;
    NTSTATUS status = STATUS_SUCCESS;

    if (start != 0 && !is_valid_range(start, size))
        return STATUS_INVALID_PARAMETER;
    pthread_mutex_lock(&process->adapter->memory_lock);
    if (start == 0)
        status = choose(process, placement, size, &start);
    if (NT_SUCCESS(status) && !region_around(process, start, start + size)) {
        if (gpu_range_overlap(&process->regions, start, start + size))
            status = STATUS_INVALID_PARAMETER;
        else
            status = make_region(process, start, size);
        if (NT_SUCCESS(status))
            made = region_around(process, start, start + size);
    }
    if (NT_SUCCESS(status)) {
        if (backing->allocation && backing->allocation->revoked)
            status = STATUS_INVALID_PARAMETER;
        else
            status = gpu_mapping_install(process, start, start + size, backing, deferred, &dead);
        if (!NT_SUCCESS(status) && made)
            drop_region(process, made);
    }
    pthread_mutex_unlock(&process->adapter->memory_lock);
    gpu_mapping_free_dead(dead);
    if (NT_SUCCESS(status))
        *address = start;
    return status;
}

static NTSTATUS check_map(const struct gpu_process *process, const struct gpu_map *map,
                          struct gpu_backing *backing, uint64_t *pages)
{
    const struct gpu_allocation *allocation = map->allocation;
    bool bare = map->protection & (GPU_PROTECTION_ZERO | GPU_PROTECTION_NO_ACCESS);

    *pages = map->size_in_pages;
    backing->none = map->protection & GPU_PROTECTION_NO_ACCESS;
    if (*pages > GPU_ADDRESS_LIMIT / GPU_PAGE_SIZE || (bare && *pages == 0))
        return STATUS_INVALID_PARAMETER;
    if (bare)
        return STATUS_SUCCESS;
    if (!allocation || allocation->adapter != process->adapter ||
        map->offset_in_pages >= allocation->pages)
        return STATUS_INVALID_PARAMETER;
    if (*pages == 0)
        *pages = allocation->pages - map->offset_in_pages;
    if (*pages > allocation->pages - map->offset_in_pages)
        return STATUS_INVALID_PARAMETER;
    backing->allocation = map->allocation;
    backing->page = map->offset_in_pages;
    backing->writable = map->protection & GPU_PROTECTION_WRITE;
    return STATUS_SUCCESS;
}

static NTSTATUS map_range(struct gpu_process *process, const struct gpu_map *map, bool deferred,
                          uint64_t *address, uint64_t *size)
{
    struct gpu_backing backing = {0};
    uint64_t pages;
    NTSTATUS status = check_map(process, map, &backing, &pages);

    if (!NT_SUCCESS(status))
        return status;
    *size = pages * GPU_PAGE_SIZE;
    return place(process, &map->placement, *size, &backing, deferred, address);
}

NTSTATUS gpu_address_map(struct gpu_process *process, const struct gpu_map *map, uint64_t *address)
{
    uint64_t size;

    return map_range(process, map, false, address, &size);
}

NTSTATUS gpu_address_map_deferred(struct gpu_process *process, const struct gpu_map *map,
                                  uint64_t *address, uint64_t *size)
{
    return map_range(process, map, true, address, size);
}

NTSTATUS gpu_address_map_fence(struct gpu_process *process, struct gpu_fence *fence, bool writable,
                               uint64_t *address)
{
    struct gpu_backing backing = {.fence = fence, .writable = writable};
    struct gpu_placement anywhere = {0};

    return place(process, &anywhere, GPU_PAGE_SIZE, &backing, false, address);
}

/* ---- Updates; memory_lock is held */

static NTSTATUS update_map(struct gpu_process *process, const struct gpu_update *update,
                           uint64_t protection, struct gpu_mapping **dead)
{
    struct gpu_allocation *allocation = update->allocation;
    uint64_t piece = update->allocation_size ? update->allocation_size : update->size;
    uint64_t end = update->base + update->size;
    struct gpu_backing backing = {.allocation = allocation,
                                  .page = update->allocation_offset / GPU_PAGE_SIZE,
                                  .writable = protection & GPU_PROTECTION_WRITE};
    NTSTATUS status = STATUS_SUCCESS;
    uint64_t limit;

    if (!allocation || allocation->adapter != process->adapter || allocation->revoked)
        return STATUS_INVALID_PARAMETER;
    limit = allocation->pages * GPU_PAGE_SIZE;
    if (!is_page_aligned(piece) || !is_page_aligned(update->allocation_offset) ||
        update->allocation_offset >= limit || piece > limit - update->allocation_offset ||
        update->size / piece > MAX_REPEATS)
        return STATUS_INVALID_PARAMETER;
    for (uint64_t at = update->base; at < end && NT_SUCCESS(status); at += piece) {
        uint64_t stop = end - at < piece ? end : at + piece;

        status = gpu_mapping_install(process, at, stop, &backing, false, dead);
    }
    return status;
}

static NTSTATUS update_protect(struct gpu_process *process, const struct gpu_update *update,
                               struct gpu_mapping **dead)
{
    struct gpu_backing bare = {.none = update->protection & GPU_PROTECTION_NO_ACCESS};

    if (update->protection & (GPU_PROTECTION_ZERO | GPU_PROTECTION_NO_ACCESS))
        return gpu_mapping_install(process, update->base, update->base + update->size, &bare, false,
                                   dead);
    return update_map(process, update, update->protection, dead);
}

static NTSTATUS update_unmap(struct gpu_process *process, const struct gpu_update *update,
                             struct gpu_mapping **dead)
{
    struct gpu_backing none = {.none = true};

    return gpu_mapping_install(process, update->base, update->base + update->size, &none, false,
                               dead);
}

struct copied_piece {
    uint64_t start; /* relative to the copied range */
    uint64_t end;
    struct gpu_backing backing;
};

/* What lies behind [start, end), clipped to it. Fences are not for moving about:
 * STATUS_INVALID_PARAMETER. */
static NTSTATUS collect(const struct gpu_process *process, uint64_t start, uint64_t end,
                        struct copied_piece **pieces, size_t *count)
{
    struct gpu_range *range = gpu_range_overlap(&process->mappings, start, end);
    size_t found = 0;

    for (; range;
         range = range->end < end ? gpu_range_overlap(&process->mappings, range->end, end) : NULL)
        found++;
    *count = found;
    *pieces = calloc(found ? found : 1, sizeof(**pieces));
    if (!*pieces)
        return STATUS_NO_MEMORY;
    range = gpu_range_overlap(&process->mappings, start, end);
    for (size_t i = 0; i < found; i++) {
        const struct gpu_mapping *mapping = (const struct gpu_mapping *)(const void *)range;
        uint64_t from = range->start > start ? range->start : start;
        uint64_t to = range->end < end ? range->end : end;

        if (mapping->fence)
            return STATUS_INVALID_PARAMETER;
        (*pieces)[i].start = from - start;
        (*pieces)[i].end = to - start;
        (*pieces)[i].backing.allocation = mapping->allocation;
        (*pieces)[i].backing.page = mapping->page + (from - range->start) / GPU_PAGE_SIZE;
        (*pieces)[i].backing.writable = mapping->writable;
        range = gpu_range_from(&process->mappings, range->end);
    }
    return STATUS_SUCCESS;
}

static NTSTATUS update_copy(struct gpu_process *process, const struct gpu_update *update,
                            struct gpu_mapping **dead)
{
    struct copied_piece *pieces = NULL;
    size_t count = 0;
    NTSTATUS status;

    if (!region_around(process, update->source, update->source + update->size))
        return STATUS_INVALID_PARAMETER;
    status = collect(process, update->source, update->source + update->size, &pieces, &count);
    if (NT_SUCCESS(status))
        status = update_unmap(process, update, dead);
    for (size_t i = 0; i < count && NT_SUCCESS(status); i++)
        status = gpu_mapping_install(process, update->base + pieces[i].start,
                                     update->base + pieces[i].end, &pieces[i].backing, false, dead);
    free(pieces);
    return status;
}

static NTSTATUS update_one(struct gpu_process *process, const struct gpu_update *update,
                           struct gpu_mapping **dead)
{
    if (!is_valid_range(update->base, update->size) ||
        !region_around(process, update->base, update->base + update->size))
        return STATUS_INVALID_PARAMETER;
    switch (update->type) {
    case GPU_UPDATE_MAP:
        return update_map(process, update, GPU_PROTECTION_WRITE, dead);
    case GPU_UPDATE_UNMAP:
        return update_unmap(process, update, dead);
    case GPU_UPDATE_COPY:
        if (!is_valid_range(update->source, update->size))
            return STATUS_INVALID_PARAMETER;
        return update_copy(process, update, dead);
    case GPU_UPDATE_MAP_PROTECT:
        return update_protect(process, update, dead);
    }
    return STATUS_INVALID_PARAMETER;
}

NTSTATUS gpu_address_update(struct gpu_process *process, const struct gpu_update *updates,
                            uint32_t count)
{
    struct gpu_mapping *dead = NULL;
    NTSTATUS status = STATUS_SUCCESS;

    pthread_mutex_lock(&process->adapter->memory_lock);
    for (uint32_t i = 0; i < count && NT_SUCCESS(status); i++)
        status = update_one(process, &updates[i], &dead);
    pthread_mutex_unlock(&process->adapter->memory_lock);
    gpu_mapping_free_dead(dead);
    return status;
}
