/* SPDX-License-Identifier: MIT */
/* Every change happens in the same order: whatever can fail, then records and page table entries
 * together. */
#include "backend-loopback/gpu/mapping.h"

#include <stdlib.h>

#include "backend-loopback/gpu/fence.h"

#define MAX_RECORDS 262144u

bool gpu_process_charge_records(struct gpu_process *process, uint32_t count)
{
    if (process->destroyed || count > MAX_RECORDS - process->records)
        return false;
    process->records += count;
    return true;
}

void gpu_mapping_free_dead(struct gpu_mapping *dead)
{
    while (dead) {
        struct gpu_mapping *next = dead->next;

        gpu_fence_release(dead->fence);
        gpu_record_put(&dead->process->adapter->records, dead, sizeof(*dead));
        dead = next;
    }
}

static uint64_t pages_of(const struct gpu_range *range)
{
    return (range->end - range->start) / GPU_PAGE_SIZE;
}

static void enter(struct gpu_mapping *mapping)
{
    gpu_range_insert(&mapping->process->mappings, &mapping->range);
    if (!mapping->allocation)
        return;
    mapping->next = mapping->allocation->mappings;
    mapping->link = &mapping->allocation->mappings;
    if (mapping->next)
        mapping->next->link = &mapping->next;
    mapping->allocation->mappings = mapping;
}

static void leave(struct gpu_mapping *mapping)
{
    gpu_range_remove(&mapping->process->mappings, &mapping->range);
    if (!mapping->allocation)
        return;
    *mapping->link = mapping->next;
    if (mapping->next)
        mapping->next->link = mapping->link;
}

static void bury(struct gpu_mapping *mapping, struct gpu_mapping **dead)
{
    mapping->process->records--;
    mapping->next = *dead;
    *dead = mapping;
}

/* Cuts [start, end) out of one mapping that has left the tree. What remains goes back; `tail` is
 * used when both sides do. */
static struct gpu_mapping *cut(struct gpu_mapping *mapping, uint64_t start, uint64_t end,
                               struct gpu_mapping *tail, struct gpu_mapping **dead)
{
    bool keeps_head = mapping->range.start < start;
    bool keeps_tail = mapping->range.end > end;

    if (!keeps_head && !keeps_tail) {
        bury(mapping, dead);
        return tail;
    }
    if (keeps_tail) {
        struct gpu_mapping *piece = keeps_head ? tail : mapping;
        uint64_t skipped = (end - mapping->range.start) / GPU_PAGE_SIZE;

        /* NOLINTNEXTLINE(clang-analyzer-*): a cut in the middle comes with a tail */
        *piece = *mapping;
        piece->page = mapping->page + skipped;
        piece->range.start = end;
        enter(piece);
        if (!keeps_head)
            return tail;
        tail = NULL;
    }
    mapping->range.end = start;
    enter(mapping);
    return tail;
}

/* Needs the write lock. Returns the tail if it was not needed. */
static struct gpu_mapping *carve(struct gpu_process *process, uint64_t start, uint64_t end,
                                 struct gpu_mapping *tail, struct gpu_mapping **dead)
{
    struct gpu_range *range;

    while ((range = gpu_range_overlap(&process->mappings, start, end)) != NULL) {
        struct gpu_mapping *mapping = (struct gpu_mapping *)(void *)range;

        leave(mapping);
        tail = cut(mapping, start, end, tail, dead);
    }
    return tail;
}

static struct gpu_frames frames_of(const struct gpu_mapping *mapping)
{
    struct gpu_storage *storage = &mapping->process->adapter->machine->storage;
    const struct gpu_allocation *allocation = mapping->allocation;
    struct gpu_frames frames = {NULL, NULL};

    if (mapping->fence)
        frames.base = storage->base + mapping->fence->offset;
    else if (allocation->system_memory)
        frames.pages = allocation->frames + mapping->page;
    else
        frames.base = storage->base + allocation->storage_offset + mapping->page * GPU_PAGE_SIZE;
    return frames;
}

static bool is_present(const struct gpu_mapping *mapping)
{
    const struct gpu_allocation *allocation = mapping->allocation;

    return mapping->fence || (!allocation->offered && !allocation->out &&
                              gpu_allocation_resident_in(allocation, mapping->process));
}

static bool is_writable(const struct gpu_mapping *mapping)
{
    return mapping->writable && !(mapping->allocation && mapping->allocation->read_only);
}

static void set_entries(struct gpu_mapping *mapping)
{
    struct gpu_frames frames = frames_of(mapping);

    gpu_page_table_set(&mapping->process->table, mapping->range.start, pages_of(&mapping->range),
                       &frames, is_writable(mapping));
}

/* Needs the write lock. */
static NTSTATUS agree(struct gpu_mapping *mapping)
{
    struct gpu_page_table *table = &mapping->process->table;
    uint64_t start = mapping->range.start;
    uint64_t pages = pages_of(&mapping->range);
    NTSTATUS status;

    if (!mapping->allocation)
        return STATUS_SUCCESS;
    if (!is_present(mapping)) {
        gpu_page_table_clear(table, start, pages);
        return STATUS_SUCCESS;
    }
    status = gpu_page_table_prepare(table, start, pages);
    if (NT_SUCCESS(status))
        set_entries(mapping);
    return status;
}

static struct gpu_mapping *new_mapping(struct gpu_process *process, uint64_t start, uint64_t end,
                                       const struct gpu_backing *backing)
{
    struct gpu_mapping *mapping = gpu_record_get(&process->adapter->records, sizeof(*mapping));

    if (!mapping)
        return NULL;
    mapping->range.start = start;
    mapping->range.end = end;
    mapping->process = process;
    mapping->allocation = backing->allocation;
    mapping->fence = backing->fence ? gpu_fence_reference(backing->fence) : NULL;
    mapping->page = backing->page;
    mapping->writable = backing->writable;
    return mapping;
}

/* Needs the write lock. */
static NTSTATUS replace(struct gpu_process *process, uint64_t start, uint64_t end,
                        struct gpu_mapping *mapping, bool deferred, struct gpu_mapping **tail,
                        struct gpu_mapping **dead)
{
    uint64_t pages = (end - start) / GPU_PAGE_SIZE;
    bool zero = mapping && !mapping->allocation && !mapping->fence;
    bool present = mapping && !zero && !deferred && is_present(mapping);
    NTSTATUS status = gpu_page_table_split(&process->table, start, pages);

    if (NT_SUCCESS(status) && present)
        status = gpu_page_table_prepare(&process->table, start, pages);
    if (!NT_SUCCESS(status))
        return status;
    *tail = carve(process, start, end, *tail, dead);
    if (zero)
        status = gpu_page_table_set_zero(&process->table, start, pages);
    if (!NT_SUCCESS(status) || (!zero && !present))
        gpu_page_table_clear(&process->table, start, pages);
    if (!NT_SUCCESS(status))
        return status;
    if (mapping)
        enter(mapping);
    if (present)
        set_entries(mapping);
    return STATUS_SUCCESS;
}

NTSTATUS gpu_mapping_install(struct gpu_process *process, uint64_t start, uint64_t end,
                             const struct gpu_backing *backing, bool deferred,
                             struct gpu_mapping **dead)
{
    struct gpu_backing nothing = {.none = true};
    struct gpu_mapping *mapping = NULL;
    struct gpu_mapping *tail;
    bool has_tail;
    NTSTATUS status = STATUS_NO_MEMORY;

    if (!gpu_process_charge_records(process, 2))
        return STATUS_NO_MEMORY;
    tail = new_mapping(process, start, end, &nothing);
    has_tail = tail;
    if (!backing->none)
        mapping = new_mapping(process, start, end, backing);
    if (tail && (mapping || backing->none)) {
        pthread_rwlock_wrlock(&process->table_lock);
        status = replace(process, start, end, mapping, deferred, &tail, dead);
        pthread_rwlock_unlock(&process->table_lock);
    }
    if (mapping && !NT_SUCCESS(status))
        bury(mapping, dead);
    else if (!mapping)
        process->records--;
    if (tail)
        bury(tail, dead);
    else if (!has_tail)
        process->records--;
    return status;
}

void gpu_mapping_remove(struct gpu_process *process, uint64_t start, uint64_t end,
                        struct gpu_mapping **dead)
{
    pthread_rwlock_wrlock(&process->table_lock);
    (void)carve(process, start, end, NULL, dead);
    gpu_page_table_clear(&process->table, start, (end - start) / GPU_PAGE_SIZE);
    pthread_rwlock_unlock(&process->table_lock);
}

NTSTATUS gpu_mapping_commit(struct gpu_process *process, uint64_t start, uint64_t end)
{
    NTSTATUS status = STATUS_SUCCESS;
    struct gpu_range *range;

    pthread_rwlock_wrlock(&process->table_lock);
    range = gpu_range_overlap(&process->mappings, start, end);
    while (range && NT_SUCCESS(status)) {
        status = agree((struct gpu_mapping *)(void *)range);
        range = range->end < end ? gpu_range_overlap(&process->mappings, range->end, end) : NULL;
    }
    pthread_rwlock_unlock(&process->table_lock);
    return status;
}

NTSTATUS gpu_mapping_refresh(struct gpu_process *process, struct gpu_allocation *allocation)
{
    NTSTATUS status = STATUS_SUCCESS;

    pthread_rwlock_wrlock(&process->table_lock);
    for (struct gpu_mapping *mapping = allocation->mappings; mapping && NT_SUCCESS(status);
         mapping = mapping->next) {
        if (mapping->process == process)
            status = agree(mapping);
    }
    pthread_rwlock_unlock(&process->table_lock);
    return status;
}

void gpu_mapping_remove_allocation(struct gpu_allocation *allocation, struct gpu_mapping **dead)
{
    while (allocation->mappings) {
        struct gpu_mapping *mapping = allocation->mappings;

        gpu_mapping_remove(mapping->process, mapping->range.start, mapping->range.end, dead);
    }
}
