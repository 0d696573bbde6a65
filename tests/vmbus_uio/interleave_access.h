/* SPDX-License-Identifier: MIT */
/* The ring's accesses to shared memory, as steps of interleave.c's machine. */
#ifndef TESTS_VMBUS_UIO_INTERLEAVE_ACCESS_H
#define TESTS_VMBUS_UIO_INTERLEAVE_ACCESS_H

#include <stdint.h>
#include <string.h>

uint32_t interleave_load(const uint32_t *word);
void interleave_store(uint32_t *word, uint32_t value);
void interleave_fence(void);

/* On this machine loads and stores of one processor keep their order, but for a store that is
 * overtaken by later loads. */
#define ring_load          interleave_load
#define ring_load_acquire  interleave_load
#define ring_store         interleave_store
#define ring_store_release interleave_store
#define ring_fence         interleave_fence

/* Data is read behind the index that covers it, and overwritten behind the index that frees it:
 * its order is the indices'. */
static inline void ring_memory_write(unsigned char *shared, const void *bytes, uint32_t size)
{
    memcpy(shared, bytes, size);
}

static inline void ring_memory_read(void *bytes, const unsigned char *shared, uint32_t size)
{
    memcpy(bytes, shared, size);
}

#endif
