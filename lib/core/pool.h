/* SPDX-License-Identifier: MIT */
/*
 * Pools of equal objects whose memory stays what it is: an object that was given back is only
 * ever reused for an object of the same pool, until the pool is destroyed.
 *
 * That lets handle_table_acquire touch the reference of an object that another thread has just
 * destroyed, and spares hot paths the allocator.
 */
#ifndef CORE_POOL_H
#define CORE_POOL_H

#include "core/handle_table.h"

struct pool {
    pthread_mutex_t mutex;
    size_t object_size;
    struct pool_slab *slabs;
    struct pool_object *free_objects;
};

/* object_size: of a struct that begins with a struct reference. */
void pool_init(struct pool *pool, size_t object_size);

/* Every object must have been given back. */
void pool_destroy(struct pool *pool);

/* An object, zeroed behind its struct reference, or NULL. Objects are aligned as by malloc. */
void *pool_get(struct pool *pool);

/* Takes back an object whose reference count is zero. */
void pool_put(struct pool *pool, void *object);

#endif
