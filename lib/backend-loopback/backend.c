/* SPDX-License-Identifier: MIT */
/* The loopback backend: a simulated host, here or in another process, one guest engine, one
 * process.
 */
#include "backend-loopback/backend.h"

#include "backend-loopback/gpu/adapter.h"
#include "backend-loopback/kmd/softgpu.h"
#include "backend-loopback/options.h"
#include "backend-loopback/remote_transport.h"
#include "backend-loopback/transport.h"
#include "core/memory.h"

#include <d3dkmt/backend.h>
#include <d3dkmt/loopback.h>

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct loopback {
    struct host_adapter_config adapter; /* as the options describe the first of the adapters */
    char miniport_options[LOOPBACK_OPTIONS_MAX];
    struct profile *profile;             /* NULL: none */
    struct loopback_transport transport; /* when the host is here */
    struct remote_transport *remote;     /* when it is elsewhere, else NULL */
    struct guest_process *process;
};

/* For d3dkmt_loopback_set_function; the library opens one instance at a time. */
static _Atomic(struct loopback *) open_instance;

/* ---- backend contract */

static NTSTATUS open_transport(struct loopback *loopback, const struct loopback_options *options,
                               const struct d3dkmt_backend_services *services)
{
    if (options->host_path[0])
        return remote_transport_open(options->host_path, options->spin_us * 1000, services,
                                     &loopback->remote);
    return loopback_transport_open(&loopback->transport, &options->host, services);
}

static void close_transport(struct loopback *loopback)
{
    if (loopback->remote)
        remote_transport_close(loopback->remote);
    else
        loopback_transport_close(&loopback->transport);
}

static struct guest_vm *vm_of(struct loopback *loopback)
{
    return loopback->remote ? remote_transport_vm(loopback->remote) : loopback->transport.vm;
}

static NTSTATUS loopback_open(const struct d3dkmt_backend_services *services, const char *text,
                              void **instance)
{
    struct loopback *loopback = d3dkmti_calloc(1, sizeof(*loopback));
    struct loopback_options *options = d3dkmti_calloc(1, sizeof(*options));
    NTSTATUS status = STATUS_NO_MEMORY;

    if (!loopback || !options)
        goto fail;
    status = loopback_options_read(options, text);
    if (!NT_SUCCESS(status))
        goto fail;
    status = open_transport(loopback, options, services);
    if (!NT_SUCCESS(status))
        goto fail;
    struct guest_process_options process = {
        .check_pointers = options->check_pointers,
        .interruptible = options->interruptible,
    };
    status = d3dkmti_guest_process_open(vm_of(loopback), &process, &loopback->process);
    if (!NT_SUCCESS(status)) {
        close_transport(loopback);
        goto fail;
    }
    loopback->adapter = options->host.adapters[0];
    /* A profile's live with the profile. */
    if (loopback->adapter.miniport_options == options->miniport_options)
        loopback->adapter.miniport_options =
            memcpy(loopback->miniport_options, options->miniport_options,
                   sizeof(loopback->miniport_options));
    loopback->profile = options->profile;
    free(options);
    atomic_store(&open_instance, loopback);
    *instance = loopback;
    return STATUS_SUCCESS;

fail:
    if (options)
        profile_free(options->profile);
    free(options);
    free(loopback);
    return status;
}

static NTSTATUS loopback_call(void *instance, const struct d3dkmt_op *op, void *args)
{
    struct loopback *loopback = instance;

    return d3dkmti_guest_call(loopback->process, op, args);
}

/* The simulated host refuses nothing that the guest engine has. */
static bool loopback_supports(void *instance, const struct d3dkmt_op *op)
{
    (void)instance;
    return d3dkmti_guest_supports(op);
}

static void loopback_interrupt(void *instance)
{
    struct loopback *loopback = instance;

    d3dkmti_guest_process_interrupt(loopback->process);
}

static void loopback_close(void *instance)
{
    struct loopback *loopback = instance;

    atomic_store(&open_instance, NULL);
    d3dkmti_guest_process_close(loopback->process);
    close_transport(loopback);
    profile_free(loopback->profile);
    free(loopback);
}

/* The child has neither the host's threads nor a use for its memory; mappings stay, as with
 * dxgkrnl. */
static void loopback_after_fork(void *instance)
{
    struct loopback *loopback = instance;

    if (loopback->remote)
        remote_transport_after_fork(loopback->remote);
    else
        close(host_io_space_fd(loopback->transport.host));
    atomic_store(&open_instance, NULL);
}

const struct d3dkmt_backend d3dkmt_loopback_backend = {
    .abi_version = D3DKMT_BACKEND_ABI_VERSION,
    .size = sizeof(struct d3dkmt_backend),
    .name = "loopback",
    .description = "simulated Windows host, in this process or in d3dkmt-hostd",
    .open = loopback_open,
    .call = loopback_call,
    .supports = loopback_supports,
    .interrupt = loopback_interrupt,
    .close = loopback_close,
    .after_fork = loopback_after_fork,
};

/* The name under which the library looks for it in a plug-in. */
extern const struct d3dkmt_backend d3dkmt_backend_plugin
    __attribute__((weak, alias("d3dkmt_loopback_backend"), visibility("default")));

/* ---- steering */

NTSTATUS d3dkmt_loopback_set_function(uint32_t adapter, uint32_t number, softgpu_function function,
                                      void *context)
{
    struct loopback *loopback = atomic_load(&open_instance);

    if (!loopback)
        return STATUS_DEVICE_REMOVED;
    if (loopback->remote)
        return STATUS_NOT_SUPPORTED;
    if (!host_adapter_is_present(loopback->transport.host, adapter))
        return STATUS_INVALID_PARAMETER;
    if (loopback->adapter.miniport != &kmd_softgpu)
        return STATUS_NOT_SUPPORTED;
    struct gpu_adapter *gpu = host_gpu_adapter(loopback->transport.host, adapter);
    return kmd_softgpu_set_function(gpu_adapter_miniport_adapter(gpu), number, function, context);
}

NTSTATUS d3dkmt_loopback_add_adapter(const struct d3dkmt_loopback_adapter *wanted,
                                     uint32_t *adapter)
{
    struct loopback *loopback = atomic_load(&open_instance);

    const LUID luid = wanted ? wanted->luid : (LUID){0};
    const bool compute_only = wanted && wanted->compute_only;

    if (!loopback)
        return STATUS_DEVICE_REMOVED;
    if (loopback->remote)
        return remote_transport_add(loopback->remote, luid, compute_only, adapter);
    struct host_adapter_config config = loopback->adapter;
    config.compute_only = compute_only;
    config.luid = luid;
    return loopback_transport_add(&loopback->transport, &config, adapter);
}

NTSTATUS d3dkmt_loopback_remove_adapter(uint32_t adapter)
{
    struct loopback *loopback = atomic_load(&open_instance);

    if (!loopback)
        return STATUS_DEVICE_REMOVED;
    if (loopback->remote)
        return remote_transport_remove(loopback->remote, adapter);
    return loopback_transport_remove(&loopback->transport, adapter);
}

struct host *loopback_host(void)
{
    struct loopback *loopback = atomic_load(&open_instance);

    return loopback ? loopback->transport.host : NULL;
}
