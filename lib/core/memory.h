/* SPDX-License-Identifier: MIT */
/*
 * The library's allocations of its own, each of which a fault plan can let fail. What they return
 * goes to free().
 */
#ifndef CORE_MEMORY_H
#define CORE_MEMORY_H

#include <d3dkmt/d3dkmt.h>

#include <stdbool.h>
#include <stddef.h>

/* As malloc, calloc and reallocarray. */
D3DKMT_API void *d3dkmti_malloc(size_t size) __attribute__((malloc));
D3DKMT_API void *d3dkmti_calloc(size_t count, size_t size) __attribute__((malloc));
D3DKMT_API void *d3dkmti_reallocarray(void *memory, size_t count, size_t size);

/* Lets the number-th allocation of this thread from here on fail, and no other; 0: none. */
void memory_fail_at(unsigned number);

/* Ends that, and tells whether it has failed. */
bool memory_has_failed(void);

#endif
