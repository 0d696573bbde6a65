/* SPDX-License-Identifier: MIT */
/*
 * The device as a process has it open: descriptors, and the process object that they share.
 *
 * dxgkrnl has one process object for all descriptors of a process; the last close destroys it, when
 * the requests that are in progress have returned.
 */
#ifndef COMPAT_PRELOAD_DEVICE_H
#define COMPAT_PRELOAD_DEVICE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct device;

/* Descriptors from here on are refused. */
enum { DEVICE_DESCRIPTORS_MAX = 1 << 20 };

/* By descriptor; NULL until the device is opened for the first time. Only for device_at(). */
extern _Atomic(_Atomic(struct device *) *) device_table;

/* The device behind a descriptor, as far as the shim saw how it came to be one. */
static inline struct device *device_at(int descriptor)
{
    _Atomic(struct device *) *table = atomic_load_explicit(&device_table, memory_order_acquire);

    if (__builtin_expect(!table, 1) || (unsigned)descriptor >= DEVICE_DESCRIPTORS_MAX)
        return NULL;
    return atomic_load_explicit(&table[descriptor], memory_order_acquire);
}

/* open(): a descriptor, or -1 with errno. */
int device_open(int flags);

/* ioctl() of one of the device's requests: false when the descriptor is none of the device. */
bool device_ioctl(int descriptor, uint32_t request, void *argument, int *result);

/* A descriptor became a duplicate of another. */
void device_duplicated(int from, int to);

/*
 * A descriptor is about to be closed: takes it out of the table. When it has been closed, what was
 * taken goes to device_closed, or back with device_put_back if it could not be. NULL is fine.
 */
struct device *device_take(int descriptor);
void device_closed(struct device *device);
void device_put_back(struct device *device, int descriptor);

/* For ranges: the lowest descriptor of the device from first to last, or -1. */
int device_next(unsigned first, unsigned last);

#endif
