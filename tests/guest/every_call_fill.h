/* SPDX-License-Identifier: MIT */
/* What the files share that fill arguments in. */
#ifndef TESTS_GUEST_EVERY_CALL_FILL_H
#define TESTS_GUEST_EVERY_CALL_FILL_H

#include "guest/world.h"

#define HANDLE_AT(world, object) ((world)->handles[WORLD_##object])

/* An operation's function, for the table: FILL(CreateDevice, D3DKMT_CREATEDEVICE) { args->... } */
#define FILL(name, type)                                                                           \
    static void fill_##name(struct world *world, type *args);                                      \
    void world_fill_##name(struct world *world, void *args);                                       \
    void world_fill_##name(struct world *world, void *args)                                        \
    {                                                                                              \
        fill_##name(world, args);                                                                  \
    }                                                                                              \
    static void fill_##name(struct world *world, type *args)

/* ---- arguments in the scratch memory */

enum { WORLD_PLACES = 8, PLACE = WORLD_SCRATCH / WORLD_PLACES & ~63 }; /* large ones begin at 0 */

static inline void *place(struct world *world, unsigned number)
{
    return world->scratch + (size_t)number * PLACE;
}

static inline D3DKMT_HANDLE *one_handle(struct world *world, unsigned number,
                                        enum world_object object)
{
    D3DKMT_HANDLE *handle = place(world, number);

    *handle = world->handles[object];
    return handle;
}

static inline uint64_t *one_value(struct world *world, unsigned number, uint64_t value)
{
    uint64_t *room = place(world, number);

    *room = value;
    return room;
}

#endif
