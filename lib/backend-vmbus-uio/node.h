/* SPDX-License-Identifier: MIT */
/*
 * Device nodes: the kernel's, or sockets in their place.
 *
 * A simulation puts a Unix socket (SOCK_SEQPACKET) where a node belongs. Whoever connects gets a
 * packet, struct vmbus_node_greeting, with descriptors, and from then on the connection stands for
 * the node: docs/vmbus-uio.md has the protocol. This file is all that knows the difference.
 */
#ifndef BACKEND_VMBUS_UIO_NODE_H
#define BACKEND_VMBUS_UIO_NODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum vmbus_node_kind {
    VMBUS_NODE_DEVICE =
        1, /* /dev/uioN; a socket's descriptors: rings, interrupt and monitor page */
    VMBUS_NODE_CONFIG = 2, /* a PCI function's configuration space; none */
    VMBUS_NODE_MEMORY = 3, /* /dev/mem; the memory that begins at base */
};

enum { VMBUS_NODE_MOST_FILES = 2 };

#define VMBUS_NODE_MAGIC UINT32_C(0x44334b55)

/* The first packet that a socket sends. */
struct vmbus_node_greeting {
    uint32_t magic;
    uint32_t kind;  /* enum vmbus_node_kind */
    uint32_t error; /* errno with which opening the node fails, or 0 */
    uint32_t reserved;
    uint64_t base; /* guest-physical address of the memory */
    uint64_t size;
};

/* A request to a VMBUS_NODE_CONFIG socket; the answer is the same with value filled in. */
struct vmbus_node_config {
    uint32_t offset;
    uint32_t write;
    uint32_t value;
    uint32_t error; /* of the answer: errno or 0 */
};

struct vmbus_node {
    int file;
    bool simulated;
    int files[VMBUS_NODE_MOST_FILES]; /* of a device's socket, else -1 */
    uint64_t base, size;              /* of memory behind a socket; of its rings, the size */
};

/* Opens for reading and writing. 0, or errno: EBUSY when another process has the device, EPROTO for
 * a socket of something else. */
int vmbus_node_open(const char *path, enum vmbus_node_kind kind, struct vmbus_node *node);
void vmbus_node_close(struct vmbus_node *node);

/* ---- of a UIO device */

/* Maps the first size bytes of one of its maps. 0 or errno. */
int vmbus_node_map(const struct vmbus_node *node, unsigned map, size_t size, void **mapping);

/* Signals the host, on kernels that do so for a channel without a monitor. False: it is gone. */
bool vmbus_node_signal(const struct vmbus_node *node);

/* Takes an interrupt that came, if any, and those that the kernel counts with it; never waits.
 * False: the device is gone. */
bool vmbus_node_take_interrupt(const struct vmbus_node *node);

/* ---- of a PCI function: one aligned 32-bit access each. 0 or errno; ENODATA when there is nothing
 * at the offset for this process. */

int vmbus_node_config_read(const struct vmbus_node *node, unsigned offset, uint32_t *value);
int vmbus_node_config_write(const struct vmbus_node *node, unsigned offset, uint32_t value);

/* ---- of memory */

/* Maps guest-physical addresses. 0 or errno. */
int vmbus_node_map_memory(const struct vmbus_node *node, uint64_t address, size_t size,
                          bool writable, void **mapping);

#endif
