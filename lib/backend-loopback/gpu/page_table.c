/* SPDX-License-Identifier: MIT */
/* An entry is the host address of a frame or of the next table, with flags in the low 12 bits. */
#include "backend-loopback/gpu/page_table.h"

#include <stdlib.h>
#include <string.h>

#include "backend-loopback/gpu/machine.h"

#define LEVELS     4u
#define LEVEL_BITS 9u
#define ENTRIES    512u

#define ENTRY_VALID UINT64_C(0x1)
#define ENTRY_WRITE UINT64_C(0x2)
#define ENTRY_ZERO  UINT64_C(0x4) /* the zero page over the entry's whole span; at any level */
#define ENTRY_FLAGS UINT64_C(0xfff)

/* Bytes that one entry of a table of this level spans; level 0 is the leaf. */
static uint64_t span(unsigned level)
{
    return UINT64_C(1) << (GPU_PAGE_SHIFT + LEVEL_BITS * level);
}

static unsigned index_of(uint64_t address, unsigned level)
{
    return address >> (GPU_PAGE_SHIFT + LEVEL_BITS * level) & (ENTRIES - 1);
}

static uint64_t *child_of(uint64_t entry)
{
    return (uint64_t *)(uintptr_t)(entry & ~ENTRY_FLAGS);
}

static uint64_t *new_table(struct gpu_page_table *table)
{
    void *memory;

    if (table->tables >= table->max_tables ||
        posix_memalign(&memory, GPU_PAGE_SIZE, GPU_PAGE_SIZE) != 0)
        return NULL;
    memset(memory, 0, GPU_PAGE_SIZE);
    table->tables++;
    return memory;
}

static void free_tables(struct gpu_page_table *table, uint64_t *entries, unsigned level)
{
    for (unsigned i = 0; level > 0 && i < ENTRIES; i++) {
        if (entries[i] & ENTRY_VALID && !(entries[i] & ENTRY_ZERO))
            free_tables(table, child_of(entries[i]), level - 1);
    }
    free(entries);
    table->tables--;
}

NTSTATUS gpu_page_table_init(struct gpu_page_table *table, uint32_t max_tables)
{
    table->tables = 0;
    table->max_tables = max_tables;
    table->root = new_table(table);
    return table->root ? STATUS_SUCCESS : STATUS_NO_MEMORY;
}

void gpu_page_table_destroy(struct gpu_page_table *table)
{
    if (table->root)
        free_tables(table, table->root, LEVELS - 1);
    table->root = NULL;
}

/* The table below an entry, made if it is missing. A large zero entry becomes a table of zero
 * entries: same meaning. */
static uint64_t *descend(struct gpu_page_table *table, uint64_t *entry)
{
    uint64_t *child;

    if (*entry & ENTRY_VALID && !(*entry & ENTRY_ZERO))
        return child_of(*entry);
    child = new_table(table);
    if (!child)
        return NULL;
    if (*entry & ENTRY_ZERO) {
        for (unsigned i = 0; i < ENTRIES; i++)
            child[i] = ENTRY_VALID | ENTRY_ZERO;
    }
    *entry = (uint64_t)(uintptr_t)child | ENTRY_VALID;
    return child;
}

static uint64_t *leaf_table(struct gpu_page_table *table, uint64_t address)
{
    uint64_t *entries = table->root;

    for (unsigned level = LEVELS - 1; entries && level > 0; level--)
        entries = descend(table, &entries[index_of(address, level)]);
    return entries;
}

NTSTATUS gpu_page_table_prepare(struct gpu_page_table *table, uint64_t address, uint64_t pages)
{
    uint64_t end = address + pages * GPU_PAGE_SIZE;

    for (uint64_t at = address; at < end; at = (at & ~(span(1) - 1)) + span(1)) {
        if (!leaf_table(table, at))
            return STATUS_NO_MEMORY;
    }
    return STATUS_SUCCESS;
}

static uint64_t frame(const struct gpu_frames *frames, uint64_t page)
{
    const void *memory = frames->base ? frames->base + page * GPU_PAGE_SIZE : frames->pages[page];

    return (uint64_t)(uintptr_t)memory;
}

void gpu_page_table_set(struct gpu_page_table *table, uint64_t address, uint64_t pages,
                        const struct gpu_frames *frames, bool writable)
{
    uint64_t flags = ENTRY_VALID | (writable ? ENTRY_WRITE : 0);
    uint64_t *entries = NULL;

    for (uint64_t page = 0; page < pages; page++, address += GPU_PAGE_SIZE) {
        unsigned index = index_of(address, 0);

        if (!entries || index == 0)
            entries = leaf_table(table, address);
        entries[index] = frame(frames, page) | flags;
    }
}

/* Breaks up whatever large entry has `address` inside rather than at its start. */
static NTSTATUS split_at(struct gpu_page_table *table, uint64_t address)
{
    uint64_t *entries = table->root;

    for (unsigned level = LEVELS - 1; level > 0; level--) {
        uint64_t *entry = &entries[index_of(address, level)];

        if (!(*entry & ENTRY_VALID) || (*entry & ENTRY_ZERO && address % span(level) == 0))
            return STATUS_SUCCESS;
        entries = descend(table, entry);
        if (!entries)
            return STATUS_NO_MEMORY;
    }
    return STATUS_SUCCESS;
}

NTSTATUS gpu_page_table_split(struct gpu_page_table *table, uint64_t address, uint64_t pages)
{
    uint64_t end = address + pages * GPU_PAGE_SIZE;
    NTSTATUS status = split_at(table, address);

    if (NT_SUCCESS(status) && end < span(LEVELS))
        status = split_at(table, end);
    return status;
}

static bool is_empty(const uint64_t *entries)
{
    for (unsigned i = 0; i < ENTRIES; i++) {
        if (entries[i])
            return false;
    }
    return true;
}

static void clear_level(struct gpu_page_table *table, uint64_t *entries, unsigned level,
                        uint64_t address, uint64_t end)
{
    while (address < end) {
        uint64_t *entry = &entries[index_of(address, level)];
        uint64_t next = (address & ~(span(level) - 1)) + span(level);
        uint64_t stop = next < end ? next : end;

        if (level > 0 && *entry & ENTRY_VALID && !(*entry & ENTRY_ZERO)) {
            uint64_t *child = child_of(*entry);

            if (stop - address < span(level))
                clear_level(table, child, level - 1, address, stop);
            if (stop - address == span(level) || is_empty(child)) {
                free_tables(table, child, level - 1);
                *entry = 0;
            }
        } else {
            *entry = 0;
        }
        address = stop;
    }
}

void gpu_page_table_clear(struct gpu_page_table *table, uint64_t address, uint64_t pages)
{
    clear_level(table, table->root, LEVELS - 1, address, address + pages * GPU_PAGE_SIZE);
}

static NTSTATUS zero_level(struct gpu_page_table *table, uint64_t *entries, unsigned level,
                           uint64_t address, uint64_t end)
{
    while (address < end) {
        uint64_t *entry = &entries[index_of(address, level)];
        uint64_t next = (address & ~(span(level) - 1)) + span(level);
        uint64_t stop = next < end ? next : end;

        if (stop - address == span(level)) {
            if (level > 0 && *entry & ENTRY_VALID && !(*entry & ENTRY_ZERO))
                free_tables(table, child_of(*entry), level - 1);
            *entry = ENTRY_VALID | ENTRY_ZERO;
        } else {
            uint64_t *child = descend(table, entry);
            NTSTATUS status =
                child ? zero_level(table, child, level - 1, address, stop) : STATUS_NO_MEMORY;

            if (!NT_SUCCESS(status))
                return status;
        }
        address = stop;
    }
    return STATUS_SUCCESS;
}

NTSTATUS gpu_page_table_set_zero(struct gpu_page_table *table, uint64_t address, uint64_t pages)
{
    return zero_level(table, table->root, LEVELS - 1, address, address + pages * GPU_PAGE_SIZE);
}

static bool translate_zero(unsigned level, uint64_t address, uint64_t size,
                           struct gpu_translation *translation)
{
    uint64_t room = span(level) - (address & (span(level) - 1));

    translation->memory = NULL;
    translation->size = size < room ? size : room;
    translation->writable = true;
    return true;
}

bool gpu_page_table_translate(const struct gpu_page_table *table, uint64_t address, uint64_t size,
                              struct gpu_translation *translation)
{
    const uint64_t *entries = table->root;
    uint64_t entry;
    unsigned index;

    if (address >= span(LEVELS))
        return false;
    for (unsigned level = LEVELS - 1; level > 0; level--) {
        entry = entries[index_of(address, level)];
        if (!(entry & ENTRY_VALID))
            return false;
        if (entry & ENTRY_ZERO)
            return translate_zero(level, address, size, translation);
        entries = child_of(entry);
    }
    index = index_of(address, 0);
    entry = entries[index];
    if (!(entry & ENTRY_VALID))
        return false;
    if (entry & ENTRY_ZERO)
        return translate_zero(0, address, size, translation);

    translation->memory = (uint8_t *)child_of(entry) + address % GPU_PAGE_SIZE;
    translation->size = GPU_PAGE_SIZE - address % GPU_PAGE_SIZE;
    translation->writable = entry & ENTRY_WRITE;
    /* Neighbours whose frames are neighbours too make one long copy of many short ones. */
    while (translation->size < size && ++index < ENTRIES &&
           entries[index] == entry + GPU_PAGE_SIZE) {
        entry = entries[index];
        translation->size += GPU_PAGE_SIZE;
    }
    if (translation->size > size)
        translation->size = size;
    return true;
}
