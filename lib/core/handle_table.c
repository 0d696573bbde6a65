/* SPDX-License-Identifier: MIT */
#include "core/handle_table.h"

#include "core/memory.h"

#include <stdlib.h>
#include <string.h>

#define STATE_GENERATION_ONE ((uint64_t)1 << 9)

const char *handle_type_name(enum handle_type type)
{
    static const char *const names[] = {
        [HANDLE_TYPE_ADAPTER] = "an adapter",
        [HANDLE_TYPE_DEVICE] = "a device",
        [HANDLE_TYPE_RESOURCE] = "a resource",
        [HANDLE_TYPE_ALLOCATION] = "an allocation",
        [HANDLE_TYPE_CONTEXT] = "a context",
        [HANDLE_TYPE_SYNC_OBJECT] = "a synchronization object",
        [HANDLE_TYPE_PAGING_QUEUE] = "a paging queue",
        [HANDLE_TYPE_HW_QUEUE] = "a hardware queue",
        [HANDLE_TYPE_QUEUE_FENCE] = "a queue's fence",
    };

    return names[type];
}

static uint32_t handle_index(D3DKMT_HANDLE handle)
{
    return handle >> HANDLE_INDEX_SHIFT & 0xffffff;
}

enum handle_type handle_table_type(const struct handle_table *table, D3DKMT_HANDLE handle)
{
    struct handle_entry *entry = handle_entry_at(table, handle);

    if (!entry)
        return HANDLE_TYPE_FREE;
    uint64_t state = atomic_load_explicit(&entry->state, memory_order_acquire);
    bool ours = (state & HANDLE_STATE_LIVE) && (state >> 7 & 3) == handle >> HANDLE_UNIQUE_SHIFT;
    return ours ? (enum handle_type)(state & 0x3f) : HANDLE_TYPE_FREE;
}

bool handle_table_was_live(const struct handle_table *table, D3DKMT_HANDLE handle)
{
    struct handle_entry *entry = handle_entry_at(table, handle);
    uint64_t state = entry ? atomic_load_explicit(&entry->state, memory_order_acquire) : 0;

    return state >= STATE_GENERATION_ONE && !(state & HANDLE_STATE_LIVE) &&
           (state >> 7 & 3) == handle >> HANDLE_UNIQUE_SHIFT;
}

NTSTATUS handle_table_init(struct handle_table *table)
{
    memset(table, 0, sizeof(*table));
    table->chunks = d3dkmti_calloc(HANDLE_CHUNKS, sizeof(*table->chunks));
    if (!table->chunks)
        return STATUS_NO_MEMORY;
    pthread_mutex_init(&table->mutex, NULL);
    return STATUS_SUCCESS;
}

void handle_table_destroy(struct handle_table *table)
{
    if (!table->chunks)
        return;
    for (size_t i = 0; i < HANDLE_CHUNKS; i++)
        free(atomic_load_explicit(&table->chunks[i], memory_order_relaxed));
    free((void *)table->chunks);
    free(table->free_indices);
    pthread_mutex_destroy(&table->mutex);
    table->chunks = NULL;
}

/* The entry of an index, whose chunk is made when it is missing. NULL: no memory. */
static struct handle_entry *make_entry(struct handle_table *table, uint32_t index)
{
    _Atomic(struct handle_entry *) *slot = &table->chunks[index / HANDLE_CHUNK_ENTRIES];
    struct handle_entry *chunk = atomic_load_explicit(slot, memory_order_relaxed);

    if (!chunk) {
        chunk = d3dkmti_calloc(HANDLE_CHUNK_ENTRIES, sizeof(*chunk));
        if (!chunk)
            return NULL;
        atomic_store_explicit(slot, chunk, memory_order_release);
    }
    return &chunk[index % HANDLE_CHUNK_ENTRIES];
}

/* Begins a life of a free entry. */
static void entry_fill(struct handle_entry *entry, D3DKMT_HANDLE handle, enum handle_type type,
                       void *object)
{
    uint64_t state = atomic_load_explicit(&entry->state, memory_order_relaxed);

    /* Readers see the object before the state, and the end of the last life before both. */
    atomic_store_explicit(&entry->object, object, memory_order_release);
    atomic_store_explicit(&entry->state,
                          (state & ~HANDLE_STATE_VISIBLE) | handle_state(handle, type),
                          memory_order_release);
}

/* Ends a life. The unique stays readable for the allocator. */
static void entry_clear(struct handle_entry *entry)
{
    uint64_t state = atomic_load_explicit(&entry->state, memory_order_relaxed);

    atomic_store_explicit(&entry->state,
                          (state & ~(HANDLE_STATE_LIVE | 0x3f)) + STATE_GENERATION_ONE,
                          memory_order_release);
}

static bool entry_is_live(const struct handle_entry *entry)
{
    return atomic_load_explicit(&entry->state, memory_order_relaxed) & HANDLE_STATE_LIVE;
}

static NTSTATUS insert_one(struct handle_table *table, const struct handle_insertion *insertion)
{
    uint32_t index = handle_index(insertion->handle);

    if (insertion->handle == 0 || index >= HANDLE_INDEX_LIMIT)
        return STATUS_INVALID_PARAMETER;
    struct handle_entry *entry = make_entry(table, index);
    if (!entry)
        return STATUS_NO_MEMORY;
    if (entry_is_live(entry))
        return STATUS_INVALID_PARAMETER;
    entry_fill(entry, insertion->handle, insertion->type, insertion->object);
    return STATUS_SUCCESS;
}

NTSTATUS handle_table_insert(struct handle_table *table, const struct handle_insertion *insertions,
                             size_t count)
{
    NTSTATUS status = STATUS_SUCCESS;
    size_t done = 0;

    pthread_mutex_lock(&table->mutex);
    while (done < count && status == STATUS_SUCCESS) {
        status = insert_one(table, &insertions[done]);
        done += status == STATUS_SUCCESS;
    }
    if (status != STATUS_SUCCESS) {
        while (done-- > 0)
            entry_clear(handle_entry_at(table, insertions[done].handle));
    }
    pthread_mutex_unlock(&table->mutex);
    return status;
}

/* Adds a chunk's worth of indices to the end of the queue of free ones. */
static bool grow(struct handle_table *table)
{
    uint32_t size = table->size + HANDLE_CHUNK_ENTRIES;

    if (size > HANDLE_INDEX_LIMIT || !make_entry(table, table->size))
        return false;
    uint32_t *indices = d3dkmti_malloc(size * sizeof(*indices));
    if (!indices)
        return false;
    for (uint32_t i = 0; i < table->free_count; i++)
        indices[i] = table->free_indices[(table->free_first + i) % table->size];
    for (uint32_t index = table->size; index < size; index++)
        indices[table->free_count++] = index;
    free(table->free_indices);
    table->free_indices = indices;
    table->free_first = 0;
    table->size = size;
    return true;
}

D3DKMT_HANDLE handle_table_allocate(struct handle_table *table, enum handle_type type, void *object)
{
    D3DKMT_HANDLE handle = 0;

    pthread_mutex_lock(&table->mutex);
    if (table->free_count <= HANDLE_MIN_FREE && !grow(table))
        goto out;
    /* NOLINTNEXTLINE(clang-analyzer-*): free_count entries are filled in */
    uint32_t index = table->free_indices[table->free_first];
    struct handle_entry *entry = make_entry(table, index);
    uint32_t unique = atomic_load_explicit(&entry->state, memory_order_relaxed) >> 7 & 3;

    table->free_first = (table->free_first + 1) % table->size;
    table->free_count--;
    unique = unique % 3 + 1;
    handle = unique << HANDLE_UNIQUE_SHIFT | index << HANDLE_INDEX_SHIFT;
    entry_fill(entry, handle, type, object);
out:
    pthread_mutex_unlock(&table->mutex);
    return handle;
}

bool handle_table_remove(struct handle_table *table, D3DKMT_HANDLE handle, enum handle_type type,
                         void **object)
{
    bool found = false;

    pthread_mutex_lock(&table->mutex);
    struct handle_entry *entry = handle_entry_at(table, handle);
    if (entry &&
        (atomic_load(&entry->state) & HANDLE_STATE_VISIBLE) == handle_state(handle, type)) {
        if (object)
            *object = atomic_load_explicit(&entry->object, memory_order_relaxed);
        entry_clear(entry);
        uint32_t index = handle_index(handle);
        if (index < table->size)
            table->free_indices[(table->free_first + table->free_count++) % table->size] = index;
        found = true;
    }
    pthread_mutex_unlock(&table->mutex);
    return found;
}

void handle_table_visit(struct handle_table *table,
                        void (*visit)(void *context, D3DKMT_HANDLE handle, enum handle_type type,
                                      void *object),
                        void *context)
{
    pthread_mutex_lock(&table->mutex);
    for (uint32_t i = 0; i < HANDLE_CHUNKS; i++) {
        struct handle_entry *chunk = atomic_load_explicit(&table->chunks[i], memory_order_relaxed);

        for (uint32_t j = 0; chunk && j < HANDLE_CHUNK_ENTRIES; j++) {
            uint64_t state = atomic_load_explicit(&chunk[j].state, memory_order_relaxed);
            uint32_t index = i * HANDLE_CHUNK_ENTRIES + j;

            if (state & HANDLE_STATE_LIVE)
                visit(context,
                      (D3DKMT_HANDLE)(state >> 7 & 3) << HANDLE_UNIQUE_SHIFT |
                          index << HANDLE_INDEX_SHIFT,
                      (enum handle_type)(state & 0x3f),
                      atomic_load_explicit(&chunk[j].object, memory_order_relaxed));
        }
    }
    pthread_mutex_unlock(&table->mutex);
}
