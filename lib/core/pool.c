/* SPDX-License-Identifier: MIT */
#include "core/pool.h"

#include "core/memory.h"

#include <stdlib.h>
#include <string.h>

enum { OBJECTS_PER_SLAB = 32 };

/* The link of a free object stands behind its reference, which late lookups still read. */
struct pool_object {
    struct reference reference;
    struct pool_object *next;
};

struct pool_slab {
    struct pool_slab *next;
    _Alignas(max_align_t) unsigned char objects[];
};

void pool_init(struct pool *pool, size_t object_size)
{
    size_t alignment = _Alignof(max_align_t);

    memset(pool, 0, sizeof(*pool));
    pthread_mutex_init(&pool->mutex, NULL);
    if (object_size < sizeof(struct pool_object))
        object_size = sizeof(struct pool_object);
    pool->object_size = (object_size + alignment - 1) / alignment * alignment;
}

void pool_destroy(struct pool *pool)
{
    while (pool->slabs) {
        struct pool_slab *next = pool->slabs->next;

        free(pool->slabs);
        pool->slabs = next;
    }
    pthread_mutex_destroy(&pool->mutex);
}

static bool add_slab(struct pool *pool)
{
    struct pool_slab *slab =
        d3dkmti_calloc(1, sizeof(*slab) + OBJECTS_PER_SLAB * pool->object_size);

    if (!slab)
        return false;
    slab->next = pool->slabs;
    pool->slabs = slab;
    for (int i = OBJECTS_PER_SLAB - 1; i >= 0; i--) {
        struct pool_object *object =
            (struct pool_object *)(void *)(slab->objects + (size_t)i * pool->object_size);

        object->next = pool->free_objects;
        pool->free_objects = object;
    }
    return true;
}

void *pool_get(struct pool *pool)
{
    struct pool_object *object = NULL;

    pthread_mutex_lock(&pool->mutex);
    if (pool->free_objects || add_slab(pool)) {
        object = pool->free_objects;
        pool->free_objects = object->next;
    }
    pthread_mutex_unlock(&pool->mutex);
    if (object)
        memset((unsigned char *)object + sizeof(object->reference), 0,
               pool->object_size - sizeof(object->reference));
    return object;
}

void pool_put(struct pool *pool, void *memory)
{
    struct pool_object *object = memory;

    pthread_mutex_lock(&pool->mutex);
    object->next = pool->free_objects;
    pool->free_objects = object;
    pthread_mutex_unlock(&pool->mutex);
}
