/* SPDX-License-Identifier: MIT */
/* The IO space: a range of guest-physical addresses behind which the host puts memory. */
#ifndef BACKEND_VMBUS_UIO_IO_SPACE_H
#define BACKEND_VMBUS_UIO_IO_SPACE_H

#include "backend-vmbus-uio/node.h"

#include <d3dkmt/d3dkmt.h>

struct vmbus_io_range {
    uint64_t start, size; /* size 0: not known */
};

/* Reads BASE+SIZE, as 0xfe0000000+512M; start at 64 KiB, size whole MiB up to 1 TiB.
 * STATUS_INVALID_PARAMETER, explained. */
NTSTATUS vmbus_io_range_read(const char *text, struct vmbus_io_range *range);

struct vmbus_io_space {
    struct vmbus_node memory; /* file -1: not open */
    struct vmbus_io_range range;
};

/*
 * Opens what the range is mapped through, after a look whether something else lies there.
 * Explained: STATUS_NOT_FOUND when the range is not known or there is no way to map it,
 * STATUS_INVALID_PARAMETER when something else lies there,
 * STATUS_ACCESS_DENIED, STATUS_UNSUCCESSFUL.
 */
NTSTATUS vmbus_io_space_open(struct vmbus_io_space *space, const char *root,
                             const struct vmbus_io_range *range);
void vmbus_io_space_close(struct vmbus_io_space *space);

/* A part of the range, write-back. STATUS_ACCESS_DENIED, STATUS_NO_MEMORY; explained. */
NTSTATUS vmbus_io_space_map(const struct vmbus_io_space *space, uint64_t address, size_t size,
                            bool writable, void **mapping);

#endif
