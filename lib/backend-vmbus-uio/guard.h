/* SPDX-License-Identifier: MIT */
/*
 * Ring memory that the kernel takes away. When a device is rescinded the kernel unmaps what was
 * mapped from the device's ring file, before it frees the pages: no thread can harm foreign memory,
 * but the next access is a SIGBUS. A guard answers that with empty memory in the ring's place, so
 * that the access comes to its end and the channel's death is noticed as any other.
 *
 * The handler is installed with the first guard, stays, and passes all other faults on to the
 * handler that it found. A program that handles SIGBUS itself should do the same.
 */
#ifndef BACKEND_VMBUS_UIO_GUARD_H
#define BACKEND_VMBUS_UIO_GUARD_H

#include <stdbool.h>
#include <stddef.h>

/* Whole pages. False: too many are guarded, or no handler can be installed. */
bool vmbus_guard_add(void *start, size_t size);

/* Before the memory is unmapped. One that was not added is fine. */
void vmbus_guard_remove(const void *start);

#endif
