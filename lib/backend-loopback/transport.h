/* SPDX-License-Identifier: MIT */
/* The simulated host as a transport of the guest engine: bytes over a function call. */
#ifndef BACKEND_LOOPBACK_TRANSPORT_H
#define BACKEND_LOOPBACK_TRANSPORT_H

#include "backend-loopback/host/host.h"
#include "backend-loopback/io_space.h"
#include "core/guest/guest.h"

#include <d3dkmt/backend.h>

#include <pthread.h>
#include <stdatomic.h>

struct loopback_pin;

struct loopback_transport {
    struct host *host;
    struct host_guest *guest; /* the one connection */
    struct guest_vm *vm;
    const struct d3dkmt_backend_services *services;
    atomic_bool global_open;
    atomic_bool vgpu_open[HOST_MAX_ADAPTERS];
    pthread_mutex_t hotplug_mutex; /* one arrival or departure at a time; before all others */
    atomic_bool leaving[HOST_MAX_ADAPTERS];
    pthread_mutex_t pin_mutex;
    struct loopback_pin *pins; /* ranges that the host may reach */
    atomic_uint next_gpadl;
};

extern const struct transport_ops loopback_transport_ops;

/* Makes host and VM, connects them and lets every adapter of the host arrive. */
NTSTATUS loopback_transport_open(struct loopback_transport *transport,
                                 const struct host_config *config,
                                 const struct d3dkmt_backend_services *services);

/* Lets an adapter arrive; *adapter is the host's number for it. As host_adapter_add. */
NTSTATUS loopback_transport_add(struct loopback_transport *transport,
                                const struct host_adapter_config *config, uint32_t *adapter);

/* Pulls an adapter out, without a warning. As host_adapter_remove. */
NTSTATUS loopback_transport_remove(struct loopback_transport *transport, uint32_t adapter);

/* Takes VM and host down; processes on the VM are closed before. */
void loopback_transport_close(struct loopback_transport *transport);

#endif
