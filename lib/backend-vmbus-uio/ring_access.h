/* SPDX-License-Identifier: MIT */
/*
 * How rings touch shared memory: the only places where they do. A test that explores the orders in
 * which two ends' accesses can meet puts its own functions here.
 */
#ifndef BACKEND_VMBUS_UIO_RING_ACCESS_H
#define BACKEND_VMBUS_UIO_RING_ACCESS_H

#ifdef VMBUS_RING_ACCESS
#include VMBUS_RING_ACCESS
#else

#include <stdint.h>
#include <string.h>

/* The peer may change a word at any time: each function reads or writes it exactly once. */
static inline uint32_t ring_load(const uint32_t *word)
{
    return __atomic_load_n(word, __ATOMIC_RELAXED);
}

static inline uint32_t ring_load_acquire(const uint32_t *word)
{
    return __atomic_load_n(word, __ATOMIC_ACQUIRE);
}

static inline void ring_store(uint32_t *word, uint32_t value)
{
    __atomic_store_n(word, value, __ATOMIC_RELAXED);
}

static inline void ring_store_release(uint32_t *word, uint32_t value)
{
    __atomic_store_n(word, value, __ATOMIC_RELEASE);
}

static inline void ring_fence(void)
{
#if defined(__x86_64__)
    /* What GCC makes of the fence below; clang makes an mfence, which takes three times as long. */
    __asm__ volatile("lock orl $0, -4(%%rsp)" ::: "memory", "cc");
#else
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
#endif
}

static inline void ring_memory_write(unsigned char *shared, const void *bytes, uint32_t size)
{
    memcpy(shared, bytes, size);
}

static inline void ring_memory_read(void *bytes, const unsigned char *shared, uint32_t size)
{
    memcpy(bytes, shared, size);
}

#endif

#endif
