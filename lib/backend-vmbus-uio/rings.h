/* SPDX-License-Identifier: MIT */
/* The two rings of an open channel in this process's memory. */
#ifndef BACKEND_VMBUS_UIO_RINGS_H
#define BACKEND_VMBUS_UIO_RINGS_H

#include "backend-vmbus-uio/devices.h"
#include "backend-vmbus-uio/node.h"
#include "backend-vmbus-uio/ring.h"

struct vmbus_rings {
    void *mapping; /* of everything; NULL: not mapped */
    size_t size;
    struct vmbus_ring_memory to_host, from_host;
};

/*
 * Maps them, each data area twice in a row where the kernel allows it, which needs the device's
 * ring file; the kernel takes that mapping away when the device goes (guard.h). Otherwise once,
 * through the device: that mapping stays when the kernel has freed the pages. 0 or errno.
 */
int vmbus_rings_map(struct vmbus_rings *rings, const char *root, const struct vmbus_device *device,
                    const struct vmbus_node *node);
void vmbus_rings_unmap(struct vmbus_rings *rings);

#endif
