/* SPDX-License-Identifier: MIT */
/*
 * Inside the transport: its units, and the thread that watches them.
 *
 * A unit is the global device, or a vGPU's device with its PCI function. The engine knows a unit by
 * a number, which is never used again, so that what it still sends to a unit that is gone goes
 * nowhere.
 */
#ifndef BACKEND_VMBUS_UIO_UNIT_H
#define BACKEND_VMBUS_UIO_UNIT_H

#include "backend-vmbus-uio/channel.h"
#include "backend-vmbus-uio/pci.h"
#include "backend-vmbus-uio/transport.h"

/* Unit 0 is the global one; others' numbers are their index plus a multiple of this. */
enum { VMBUS_UNITS = VMBUS_MOST_DEVICES };

struct vmbus_unit {
    struct vmbus_channel channel;
    atomic_uint number; /* of the channel and of the PCI function; 0: absent, but for the global */
    /* The watcher's, or the opening thread's: */
    bool present;
    bool retry; /* it could not be opened, and that may change */
    struct vmbus_device device;
    struct vmbus_pci_function function;
};

struct vmbus_transport {
    struct vmbus_unit units[VMBUS_UNITS];
    struct vmbus_options options;
    struct guest_vm *vm;
    struct vmbus_io_space io_space;
    uint32_t generation; /* of the last number given */

    pthread_t watcher;
    bool watching;
    atomic_bool stopping;
    int epoll; /* of all open channels, and attention */
    int attention;
};

/* The unit of a number, which may be gone meanwhile; NULL: it was never given. */
struct vmbus_unit *vmbus_unit_find(struct vmbus_transport *transport, uint32_t number);

/*
 * Looks at what is there: units that are gone depart, others arrive. The first failure of one that
 * could not be used is left as the thread's reason and returned; STATUS_SUCCESS says no more than
 * that there was none.
 */
NTSTATUS vmbus_units_scan(struct vmbus_transport *transport);

/* Lets all depart. */
void vmbus_units_depart(struct vmbus_transport *transport);

/* The thread that serves channels while no call does, and scans. STATUS_NO_MEMORY, explained. */
NTSTATUS vmbus_watch_start(struct vmbus_transport *transport);
void vmbus_watch_stop(struct vmbus_transport *transport);

/* For the watcher: an open channel, and one that is about to be closed. */
NTSTATUS vmbus_watch_add(struct vmbus_transport *transport, struct vmbus_unit *unit);
void vmbus_watch_attend(void *transport);

#endif
