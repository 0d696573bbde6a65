/* SPDX-License-Identifier: MIT */
/* VMBus channels through UIO as a transport of the guest engine. */
#ifndef BACKEND_VMBUS_UIO_TRANSPORT_H
#define BACKEND_VMBUS_UIO_TRANSPORT_H

#include "backend-vmbus-uio/io_space.h"
#include "core/guest/guest.h"

enum { VMBUS_ROOT_MAX = 256 };

struct vmbus_options {
    char root[VMBUS_ROOT_MAX]; /* "": the machine's own */
    struct vmbus_io_range mmio;
    uint64_t spin_us; /* how long a reply is looked for at most before the thread sleeps */
    bool check_pointers;
};

struct vmbus_transport;

/*
 * Opens the channels of all devices that can be used and lets their adapters arrive; devices that
 * come later arrive when they do. Explained on failure: STATUS_DEVICE_REMOVED (there is nothing to
 * use), STATUS_ACCESS_DENIED, STATUS_NO_MEMORY, and what the transport's parts say.
 */
NTSTATUS vmbus_transport_open(const struct vmbus_options *options,
                              struct vmbus_transport **transport);

struct guest_vm *vmbus_transport_vm(struct vmbus_transport *transport);

/* Takes VM and channels down; processes on the VM are closed before. */
void vmbus_transport_close(struct vmbus_transport *transport);

/* In a forked child: lets go of the channels, which are the parent's. */
void vmbus_transport_after_fork(struct vmbus_transport *transport);

/* Whether a global device and one of a vGPU can be used. Explained, as of open. */
NTSTATUS vmbus_transport_probe(const char *root);

#endif
