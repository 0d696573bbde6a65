/* SPDX-License-Identifier: MIT */
/* Worlds of objects that several threads create, use and destroy behind one another's backs. */
#ifndef TESTS_CLIENT_STORM_H
#define TESTS_CLIENT_STORM_H

#include <umd/umd.h>

enum storm_kind {
    STORM_ADAPTER,
    STORM_DEVICE,
    STORM_CONTEXT,
    STORM_HW_CONTEXT,
    STORM_HW_QUEUE,
    STORM_PAGING_QUEUE,
    STORM_COMMANDS, /* an allocation on the program's own memory, full of commands */
    STORM_ALLOCATION,
    STORM_RESOURCE,
    STORM_FENCE,
    STORM_SEMAPHORE,
    STORM_NOTIFICATION,
    STORM_KIND_COUNT
};

/* A thread's source of chance; the same seed gives the same choices. */
struct storm_chance {
    uint64_t state;
};

uint64_t storm_random(struct storm_chance *chance);

/* Opens the first objects; luid: the adapter's; event: an eventfd for notifications. */
void storm_begin(LUID luid, int event);

/* Carries out one step; false, after a word on stderr, when a call gave a status that it must not.
 */
bool storm_step(struct storm_chance *chance);

/* The name of a step that has not succeeded once so far, or NULL. */
const char *storm_fruitless_step(void);

/* Destroys all devices, which ends every wait. */
void storm_destroy_devices(void);

#endif
