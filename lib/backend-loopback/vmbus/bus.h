/* SPDX-License-Identifier: MIT */
/*
 * A VM's VMBus in a folder: what a guest without dxgkrnl finds in /sys, /dev and /etc, with sockets
 * in place of device nodes, shared memory in place of the kernel's mappings, and the simulated host
 * behind all of it. docs/vmbus-uio.md describes the folder.
 */
#ifndef BACKEND_LOOPBACK_VMBUS_BUS_H
#define BACKEND_LOOPBACK_VMBUS_BUS_H

#include "backend-loopback/host/host.h"

struct bus;

/* Which of the kernel's drivers is played: they differ in who masks interrupts, and in signals. */
enum bus_kernel {
    BUS_KERNEL_C,  /* current: leaves the mask alone; a write unmasks and signals the host */
    BUS_KERNEL_B,  /* from about 6.10: masks at each interrupt and at open */
    BUS_KERNEL_A,  /* before: so too, and a write signals nobody: channels have a monitor */
    BUS_KERNEL_A2, /* Debian's 6.1: channels have a monitor, the mask is left alone */
    BUS_KERNEL_COUNT
};

enum { BUS_DEFAULT_RING = 65536, BUS_LEAST_RING = 4096, BUS_MOST_RING = 4 << 20 };

struct bus_config {
    const char *folder; /* absolute; it is made, or is empty, or was left by a host that is dead */
    struct host_config host;
    enum bus_kernel kernel;
    uint32_t ring_size; /* bytes of data each way; whole pages; 0: BUS_DEFAULT_RING */
    uint64_t spin_ns;   /* how long a channel's thread looks for a packet before sleeping */
    /* One line without its end; any thread. */
    void (*log)(void *context, enum host_log_level level, const char *text);
    void *log_context;
};

enum { BUS_WHY_SIZE = 256 };

/*
 * Starts the host and fills the folder. On failure why (BUS_WHY_SIZE bytes) says why:
 * STATUS_INVALID_PARAMETER, STATUS_UNSUCCESSFUL for what the system refuses, or what host_create
 * says.
 */
NTSTATUS bus_create(const struct bus_config *config, struct bus **bus, char *why);

/* Plays the VMBus until the descriptor stop is readable. */
void bus_run(struct bus *bus, int stop);

/* Takes all devices away, frees the host and empties the folder. */
void bus_destroy(struct bus *bus);

#endif
