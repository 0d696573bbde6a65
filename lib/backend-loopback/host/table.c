/* SPDX-License-Identifier: MIT */
/* Objects and handle tables: dense indices, a generation in the two top bits, first freed first
 * reused. */
#include <stdlib.h>

#include "backend-loopback/host/objects.h"

#define NO_ENTRY UINT32_MAX

enum {
    GROWTH = 256,
    /* A freed index rests until so many others are free, so that a stale handle is noticed. */
    MINIMUM_FREE = 128,
};

/* ---- objects */

void *host_object_create(size_t size, enum host_kind kind, struct host_object *owner,
                         void (*destroy)(struct host_object *object))
{
    struct host_object *object = calloc(1, size);
    if (!object)
        return NULL;
    atomic_init(&object->references, 1);
    object->kind = kind;
    object->destroy = destroy;
    object->owner = owner;
    if (owner) {
        host_object_reference(owner);
        object->process = owner->kind == HOST_KIND_PROCESS ? (struct host_process *)(void *)owner
                                                           : owner->process;
    }
    return object;
}

void host_object_reference(struct host_object *object)
{
    atomic_fetch_add_explicit(&object->references, 1, memory_order_relaxed);
}

void host_object_release(struct host_object *object)
{
    while (object && atomic_fetch_sub_explicit(&object->references, 1, memory_order_acq_rel) == 1) {
        struct host_object *owner = object->owner;
        if (object->destroy)
            object->destroy(object);
        free(object);
        object = owner;
    }
}

void host_objects_release(struct host_object *list)
{
    while (list) {
        struct host_object *next = list->next;
        if (list->retire)
            list->retire(list);
        host_object_release(list);
        list = next;
    }
}

static bool is_inside(const struct host_object *object, const struct host_object *root)
{
    while (object && object != root)
        object = object->owner;
    return object != NULL;
}

/* ---- tables */

NTSTATUS host_table_init(struct host_table *table, uint32_t first_index, uint32_t limit,
                         uint32_t instance)
{
    *table = (struct host_table){
        .limit = limit,
        .first_index = first_index,
        .instance = instance,
        .free_head = NO_ENTRY,
        .free_tail = NO_ENTRY,
    };
    return pthread_rwlock_init(&table->lock, NULL) == 0 ? STATUS_SUCCESS : STATUS_NO_MEMORY;
}

void host_table_destroy(struct host_table *table)
{
    free(table->entries);
    pthread_rwlock_destroy(&table->lock);
}

static void append_free(struct host_table *table, uint32_t slot)
{
    table->entries[slot].next_free = NO_ENTRY;
    if (table->free_tail == NO_ENTRY)
        table->free_head = slot;
    else
        table->entries[table->free_tail].next_free = slot;
    table->free_tail = slot;
    table->free_count++;
}

static bool grow(struct host_table *table)
{
    uint64_t size = (uint64_t)table->size + table->size / 2 + GROWTH;
    if (size > (uint64_t)table->limit + MINIMUM_FREE)
        size = (uint64_t)table->limit + MINIMUM_FREE;
    if (size <= table->size)
        return false;
    struct host_table_entry *entries = realloc(table->entries, (size_t)size * sizeof(*entries));
    if (!entries)
        return false;
    table->entries = entries;
    for (uint32_t slot = table->size; slot < size; slot++) {
        entries[slot] = (struct host_table_entry){.unique = 1};
        append_free(table, slot);
    }
    table->size = (uint32_t)size;
    return true;
}

static void insert_one(struct host_table *table, struct host_object *object)
{
    uint32_t slot = table->free_head;
    struct host_table_entry *entry = &table->entries[slot];
    table->free_head = entry->next_free;
    if (table->free_head == NO_ENTRY)
        table->free_tail = NO_ENTRY;
    table->free_count--;
    table->live++;
    entry->object = object;
    object->handle = (uint32_t)entry->unique << WIRE_HANDLE_UNIQUE_SHIFT |
                     (table->first_index + slot) << WIRE_HANDLE_INDEX_SHIFT | table->instance;
    object->in_table = true;
    host_object_reference(object);
}

/* Out of the table: the table's reference passes to the caller. */
static void remove_one(struct host_table *table, struct host_object *object, bool reuse)
{
    uint32_t index = (object->handle & WIRE_HANDLE_INDEX) >> WIRE_HANDLE_INDEX_SHIFT;
    uint32_t slot = index - table->first_index;
    struct host_table_entry *entry = &table->entries[slot];
    entry->object = NULL;
    entry->unique = entry->unique == 3 ? 1 : (uint8_t)(entry->unique + 1);
    object->closed = true;
    object->in_table = false;
    table->live--;
    if (reuse)
        append_free(table, slot);
}

/* A process as owner is in another table: there the table's own closed says that it is going. */
static bool is_closed_owner(const struct host_object *owner)
{
    return owner && owner->kind != HOST_KIND_PROCESS && owner->closed;
}

NTSTATUS host_table_insert(struct host_table *table, struct host_object *const *objects,
                           uint32_t count)
{
    NTSTATUS status = STATUS_SUCCESS;
    pthread_rwlock_wrlock(&table->lock);
    for (uint32_t i = 0; i < count && NT_SUCCESS(status); i++)
        if (is_closed_owner(objects[i]->owner))
            status = STATUS_INVALID_PARAMETER;
    if (table->closed)
        status = STATUS_INVALID_PARAMETER;
    if (count > table->limit - table->live)
        status = STATUS_NO_MEMORY;
    while (NT_SUCCESS(status) && table->free_count < count + MINIMUM_FREE && grow(table))
        continue;
    if (NT_SUCCESS(status) && table->free_count < count)
        status = STATUS_NO_MEMORY;
    for (uint32_t i = 0; i < count && NT_SUCCESS(status); i++)
        insert_one(table, objects[i]);
    pthread_rwlock_unlock(&table->lock);
    return status;
}

static struct host_object *find_locked(struct host_table *table, uint32_t handle,
                                       enum host_kind kind)
{
    uint32_t slot = ((handle & WIRE_HANDLE_INDEX) >> WIRE_HANDLE_INDEX_SHIFT) - table->first_index;
    if (slot >= table->size) /* an index below the first wraps to a huge slot */
        return NULL;
    const struct host_table_entry *entry = &table->entries[slot];
    if (!entry->object || entry->unique != handle >> WIRE_HANDLE_UNIQUE_SHIFT ||
        entry->object->kind != kind)
        return NULL;
    host_object_reference(entry->object);
    return entry->object;
}

struct host_object *host_table_find(struct host_table *table, uint32_t handle, enum host_kind kind)
{
    pthread_rwlock_rdlock(&table->lock);
    struct host_object *object = find_locked(table, handle, kind);
    pthread_rwlock_unlock(&table->lock);
    return object;
}

bool host_table_find_all(struct host_table *table, const struct wire_span *handles,
                         enum host_kind kind, struct host_object **objects)
{
    uint32_t found = 0;
    pthread_rwlock_rdlock(&table->lock);
    for (; found < handles->count; found++) {
        objects[found] = find_locked(table, wire_span_u32(handles, found), kind);
        if (!objects[found])
            break;
    }
    pthread_rwlock_unlock(&table->lock);
    if (found == handles->count)
        return true;
    while (found > 0)
        host_object_release(objects[--found]);
    return false;
}

struct host_object **host_table_owned(struct host_table *table, const struct host_object *owner,
                                      enum host_kind kind, uint32_t *count)
{
    *count = 0;
    pthread_rwlock_rdlock(&table->lock);
    struct host_object **list = malloc((table->live + 1) * sizeof(*list));
    for (uint32_t slot = 0; list && slot < table->size; slot++) {
        struct host_object *object = table->entries[slot].object;
        if (!object || (owner && object->owner != owner) || object->kind != kind)
            continue;
        host_object_reference(object);
        list[(*count)++] = object;
    }
    pthread_rwlock_unlock(&table->lock);
    if (*count > 0)
        return list;
    free(list);
    return NULL;
}

static struct host_object *collect(struct host_table *table, struct host_object *root, bool reuse)
{
    struct host_object *list = NULL;
    pthread_rwlock_wrlock(&table->lock);
    bool guest = root && root->kind == HOST_KIND_GUEST;
    if (!root)
        table->closed = true;
    if (guest)
        root->closed = true;
    /*
     * A leaf is taken out without looking at its neighbours: those are what a busy guest destroys.
     */
    bool leaf =
        root && (root->kind == HOST_KIND_ALLOCATION || root->kind == HOST_KIND_SYNC ||
                 root->kind == HOST_KIND_SHARED_SYNC || root->kind == HOST_KIND_SHARED_OBJECT ||
                 root->kind == HOST_KIND_WORKER_OBJECT || root->kind == HOST_KIND_ADAPTER);
    if (leaf && root->in_table) {
        remove_one(table, root, reuse);
        root->next = NULL;
        list = root;
    }
    for (uint32_t slot = 0; !leaf && (!root || guest || root->in_table) && slot < table->size;
         slot++) {
        struct host_object *object = table->entries[slot].object;
        if (!object || (root && object != root && !is_inside(object, root)))
            continue;
        if (object == root)
            continue; /* last, so that the loop's condition holds until then */
        remove_one(table, object, reuse);
        object->next = list;
        list = object;
    }
    if (!leaf && root && root->in_table) {
        remove_one(table, root, reuse);
        root->next = list;
        list = root;
    }
    pthread_rwlock_unlock(&table->lock);
    return list;
}

struct host_object *host_table_collect(struct host_table *table, struct host_object *root)
{
    return collect(table, root, true);
}

struct host_object *host_table_collect_for_good(struct host_table *table, struct host_object *root)
{
    return collect(table, root, false);
}

bool host_table_disown(struct host_table *table, struct host_object *object,
                       struct host_object *owner)
{
    pthread_rwlock_wrlock(&table->lock);
    bool own = object->in_table && object->owner == owner;
    if (own)
        object->owner = NULL;
    pthread_rwlock_unlock(&table->lock);
    if (own)
        host_object_release(owner);
    return own;
}
