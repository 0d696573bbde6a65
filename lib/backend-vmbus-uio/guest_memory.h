/* SPDX-License-Identifier: MIT */
/* Pages of this process that the host shall reach: kept in place, and known by number. */
#ifndef BACKEND_VMBUS_UIO_GUEST_MEMORY_H
#define BACKEND_VMBUS_UIO_GUEST_MEMORY_H

#include "core/guest/transport.h"

/*
 * Pins as transport_ops' pin does. Pages are kept in place by an io_uring that has them as a fixed
 * buffer, which is the one long-term pin that the kernel gives to a program without a driver.
 * STATUS_NOT_SUPPORTED, explained, where there is none or page numbers are not shown.
 */
NTSTATUS vmbus_guest_memory_pin(const char *root, struct guest_pin *pin);
void vmbus_guest_memory_unpin(struct guest_pin *pin);

NTSTATUS vmbus_guest_memory_frames(const char *root, const struct guest_pin *pin,
                                   uint64_t first_page, uint32_t count, uint64_t *frames);

#endif
