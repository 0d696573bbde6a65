/* SPDX-License-Identifier: MIT */
/* A simulated host in another process as a transport of the guest engine. */
#ifndef BACKEND_LOOPBACK_REMOTE_TRANSPORT_H
#define BACKEND_LOOPBACK_REMOTE_TRANSPORT_H

#include "core/guest/guest.h"

#include <d3dkmt/backend.h>

struct remote_transport;

/*
 * Connects to the d3dkmt-hostd that listens on the path, makes a VM on it and lets the host's
 * adapters arrive. spin_ns: how long a reply is looked for before the thread sleeps. Explained on
 * failure: STATUS_UNSUCCESSFUL (nobody listens, or no host of this protocol), STATUS_NO_MEMORY.
 */
NTSTATUS remote_transport_open(const char *path, uint64_t spin_ns,
                               const struct d3dkmt_backend_services *services,
                               struct remote_transport **transport);

struct guest_vm *remote_transport_vm(struct remote_transport *transport);

/*
 * Hot-plug, for all guests of the host. They return when this one has taken part. As
 * d3dkmt_loopback_add_adapter and d3dkmt_loopback_remove_adapter say.
 */
NTSTATUS remote_transport_add(struct remote_transport *transport, LUID luid, bool compute_only,
                              uint32_t *number);
NTSTATUS remote_transport_remove(struct remote_transport *transport, uint32_t number);

/* Takes VM and connection down; processes on the VM are closed before. */
void remote_transport_close(struct remote_transport *transport);

/* In a forked child: lets go of the connection, which is the parent's. */
void remote_transport_after_fork(struct remote_transport *transport);

#endif
