/* SPDX-License-Identifier: MIT */
/*
 * Handle tables in dxgkrnl's bit layout: instance (bits 0-5), index (6-29), unique (30-31).
 *
 * Lookups take no lock and scale with threads; changes take the table's mutex. A lookup compares
 * index, unique and type and ignores the instance bits, as the kernel does. Beside the two visible
 * bits every entry keeps a long private generation, so that a reader never mistakes the next
 * life of an entry for the one that it saw.
 */
#ifndef CORE_HANDLE_TABLE_H
#define CORE_HANDLE_TABLE_H

#include <d3dkmt/d3dkmthk.h>

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/* Numbers as in dxgkrnl's handle manager. */
enum handle_type {
    HANDLE_TYPE_FREE = 0,
    HANDLE_TYPE_ADAPTER = 1,
    HANDLE_TYPE_DEVICE = 3,
    HANDLE_TYPE_RESOURCE = 4,
    HANDLE_TYPE_ALLOCATION = 5,
    HANDLE_TYPE_CONTEXT = 7,
    HANDLE_TYPE_SYNC_OBJECT = 8,
    HANDLE_TYPE_PAGING_QUEUE = 10,
    HANDLE_TYPE_HW_QUEUE = 15,
    HANDLE_TYPE_QUEUE_FENCE = 32, /* fence of a paging or hardware queue: no object behind it */
};

/* "an adapter"; NULL for HANDLE_TYPE_FREE. */
const char *handle_type_name(enum handle_type type);

enum {
    HANDLE_INDEX_SHIFT = 6,
    HANDLE_INDEX_LIMIT = 0xffffff, /* first index that no entry can have */
    HANDLE_UNIQUE_SHIFT = 30,
    HANDLE_CHUNK_ENTRIES = 1024,
    HANDLE_CHUNKS = (HANDLE_INDEX_LIMIT + HANDLE_CHUNK_ENTRIES) / HANDLE_CHUNK_ENTRIES,
    HANDLE_MIN_FREE = 128, /* free entries that allocation keeps in reserve: the reuse distance */
};

/*
 * First member of everything that handle_table_acquire may return. The memory behind it must stay
 * readable as a reference until the table is destroyed (see pool.h): a lookup may touch the
 * count of an object that was freed a moment ago.
 */
struct reference {
    atomic_uint count;
    /* Called by whoever drops the last reference. */
    void (*destroy)(struct reference *reference);
};

static inline void reference_init(struct reference *reference,
                                  void (*destroy)(struct reference *reference))
{
    reference->destroy = destroy;
    atomic_store_explicit(&reference->count, 1, memory_order_release);
}

/* Takes a reference unless the count has reached zero. */
static inline bool reference_try_acquire(struct reference *reference)
{
    unsigned count = atomic_load_explicit(&reference->count, memory_order_relaxed);

    while (count != 0) {
        if (atomic_compare_exchange_weak_explicit(&reference->count, &count, count + 1,
                                                  memory_order_acquire, memory_order_relaxed))
            return true;
    }
    return false;
}

/* Takes a further reference; the caller holds one. */
static inline void reference_acquire(struct reference *reference)
{
    atomic_fetch_add_explicit(&reference->count, 1, memory_order_relaxed);
}

static inline void reference_release(struct reference *reference)
{
    if (atomic_fetch_sub_explicit(&reference->count, 1, memory_order_acq_rel) == 1)
        reference->destroy(reference);
}

struct handle_entry {
    /* private generation << 9 | unique << 7 | live << 6 | type */
    _Atomic uint64_t state;
    _Atomic(void *) object;
};

struct handle_table {
    _Atomic(struct handle_entry *) *chunks; /* HANDLE_CHUNKS pointers, filled as indices appear */
    pthread_mutex_t mutex;                  /* guards changes, and everything below */
    uint32_t size;                          /* entries that handle_table_allocate may use */
    uint32_t *free_indices;                 /* circular: freed indices wait behind all others */
    uint32_t free_first, free_count;
};

/* What is to be entered in one step. A table holds host-chosen handles or its own, never both. */
struct handle_insertion {
    D3DKMT_HANDLE handle;
    enum handle_type type;
    void *object;
};

#define HANDLE_STATE_LIVE    ((uint64_t)1 << 6)
#define HANDLE_STATE_VISIBLE ((uint64_t)0x1ff)

static inline uint64_t handle_state(D3DKMT_HANDLE handle, enum handle_type type)
{
    return (uint64_t)(handle >> HANDLE_UNIQUE_SHIFT) << 7 | HANDLE_STATE_LIVE | (uint64_t)type;
}

static inline struct handle_entry *handle_entry_at(const struct handle_table *table,
                                                   D3DKMT_HANDLE handle)
{
    uint32_t index = handle >> HANDLE_INDEX_SHIFT & 0xffffff;
    struct handle_entry *chunk =
        atomic_load_explicit(&table->chunks[index / HANDLE_CHUNK_ENTRIES], memory_order_acquire);

    return chunk ? &chunk[index % HANDLE_CHUNK_ENTRIES] : NULL;
}

/* The object of a handle of this type, or NULL. Without reference: for callers that hold one. */
static inline void *handle_table_lookup(const struct handle_table *table, D3DKMT_HANDLE handle,
                                        enum handle_type type)
{
    struct handle_entry *entry = handle_entry_at(table, handle);

    if (!entry)
        return NULL;
    uint64_t state = atomic_load_explicit(&entry->state, memory_order_acquire);
    if ((state & HANDLE_STATE_VISIBLE) != handle_state(handle, type))
        return NULL;
    void *object = atomic_load_explicit(&entry->object, memory_order_acquire);
    /* The object belongs to the state only if no other life of the entry began in between. */
    return atomic_load_explicit(&entry->state, memory_order_relaxed) == state ? object : NULL;
}

/* As handle_table_lookup, with a reference taken; the object begins with a struct reference. */
static inline void *handle_table_acquire(const struct handle_table *table, D3DKMT_HANDLE handle,
                                         enum handle_type type)
{
    struct reference *object = (struct reference *)handle_table_lookup(table, handle, type);

    if (!object || !reference_try_acquire(object))
        return NULL;
    /* The reference may be one of the memory's next life: then the handle is another's by now. */
    if (handle_table_lookup(table, handle, type) == object)
        return object;
    reference_release(object);
    return NULL;
}

/* The type of a live handle, HANDLE_TYPE_FREE for any other value. */
enum handle_type handle_table_type(const struct handle_table *table, D3DKMT_HANDLE handle);

/* Whether the value is that of a handle whose life is over and whose place nobody has taken since.
 */
bool handle_table_was_live(const struct handle_table *table, D3DKMT_HANDLE handle);

/* STATUS_NO_MEMORY or STATUS_SUCCESS. */
NTSTATUS handle_table_init(struct handle_table *table);

/* Frees the table's memory; the objects are the caller's business. */
void handle_table_destroy(struct handle_table *table);

/*
 * Enters handles that the host chose, all or none. STATUS_INVALID_PARAMETER when an index is out of
 * range or taken (also twice in the list) or a handle is 0; STATUS_NO_MEMORY.
 */
NTSTATUS handle_table_insert(struct handle_table *table, const struct handle_insertion *insertions,
                             size_t count);

/*
 * Enters an object under a handle that the table chooses: the first is 0x40000000, then steps of
 * 0x40; freed indices come back last, at least HANDLE_MIN_FREE allocations later, with the next
 * unique. Returns 0 when there is no memory or no index left.
 */
D3DKMT_HANDLE handle_table_allocate(struct handle_table *table, enum handle_type type,
                                    void *object);

/* Frees a handle and returns its object; false when it is not live or of another type. */
bool handle_table_remove(struct handle_table *table, D3DKMT_HANDLE handle, enum handle_type type,
                         void **object);

/* Calls visit for each live handle, under the table's mutex: visit must not call the table. */
void handle_table_visit(struct handle_table *table,
                        void (*visit)(void *context, D3DKMT_HANDLE handle, enum handle_type type,
                                      void *object),
                        void *context);

#endif
