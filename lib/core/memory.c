/* SPDX-License-Identifier: MIT */
#include "core/memory.h"

#include <stdlib.h>

/* Allocations of this thread until the one that fails, it included; 0: none does. */
static _Thread_local unsigned countdown;
static _Thread_local bool has_failed;

static bool fails(void)
{
    if (countdown == 0)
        return false;
    has_failed = --countdown == 0;
    return has_failed;
}

void *d3dkmti_malloc(size_t size)
{
    return fails() ? NULL : malloc(size);
}

void *d3dkmti_calloc(size_t count, size_t size)
{
    return fails() ? NULL : calloc(count, size);
}

void *d3dkmti_reallocarray(void *memory, size_t count, size_t size)
{
    return fails() ? NULL : reallocarray(memory, count, size);
}

void memory_fail_at(unsigned number)
{
    countdown = number;
    has_failed = false;
}

bool memory_has_failed(void)
{
    countdown = 0;
    return has_failed;
}
