/* SPDX-License-Identifier: MIT */
/* The loopback backend: options, one simulated host, one guest engine, one process. */
#include "backend-loopback/backend.h"

#include "backend-loopback/gpu/adapter.h"
#include "backend-loopback/kmd/softgpu.h"
#include "backend-loopback/transport.h"
#include "core/options.h"

#include <d3dkmt/backend.h>
#include <d3dkmt/loopback.h>

#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

struct loopback {
    struct loopback_transport transport;
    struct guest_process *process;
};

/* For d3dkmt_loopback_set_function; the library opens one instance at a time. */
static _Atomic(struct loopback *) open_instance;

/* ---- options */

struct loopback_options {
    const struct d3dkmt_backend_services *services;
    struct host_config host;
    uint64_t adapters, compute_only_adapters, version;
    uint64_t local_memory, non_local_memory, local_budget, hang_timeout_ms;
    bool async, page_lists, pending, check_pointers, hw_scheduling;
};

#define MIB ((uint64_t)1 << 20)
#define TIB ((uint64_t)1 << 40)

static const struct number_option {
    const char *name;
    size_t offset;
    uint64_t minimum, maximum;
} number_options[] = {
    {"adapters", offsetof(struct loopback_options, adapters), 1, HOST_MAX_ADAPTERS},
    {"compute-only", offsetof(struct loopback_options, compute_only_adapters), 0,
     HOST_MAX_ADAPTERS},
    {"version", offsetof(struct loopback_options, version), 16, 255},
    {"io-space", offsetof(struct loopback_options, host.io_space_size), 16 * MIB, TIB},
    {"local-memory", offsetof(struct loopback_options, local_memory), MIB, TIB},
    {"non-local-memory", offsetof(struct loopback_options, non_local_memory), MIB, TIB},
    {"local-budget", offsetof(struct loopback_options, local_budget), MIB, TIB},
    {"hang-timeout-ms", offsetof(struct loopback_options, hang_timeout_ms), 1, 3600000},
};

static const struct switch_option {
    const char *name;
    size_t offset;
} switch_options[] = {
    {"async", offsetof(struct loopback_options, async)},
    {"page-lists", offsetof(struct loopback_options, page_lists)},
    {"pending", offsetof(struct loopback_options, pending)},
    {"hw-scheduling", offsetof(struct loopback_options, hw_scheduling)},
    {"check-pointers", offsetof(struct loopback_options, check_pointers)},
};

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

static NTSTATUS read_option(void *context, const struct option *option)
{
    struct loopback_options *options = context;
    char *base = context;

    for (size_t i = 0; i < COUNT(number_options); i++) {
        const struct number_option *known = &number_options[i];

        if (strcmp(option->name, known->name) == 0)
            return d3dkmti_option_number(option, known->minimum, known->maximum,
                                         (uint64_t *)(void *)(base + known->offset));
    }
    for (size_t i = 0; i < COUNT(switch_options); i++) {
        if (strcmp(option->name, switch_options[i].name) == 0)
            return d3dkmti_option_switch(option, (bool *)(base + switch_options[i].offset));
    }
    return options->services->fail_with(
        STATUS_INVALID_PARAMETER, "\"%s\" is not an option of the simulated host; see loopback.h",
        option->name);
}

/* The last ones of the adapters are the compute-only ones. */
static void configure_adapters(struct loopback_options *options)
{
    struct host_config *host = &options->host;

    host->adapter_count = (uint32_t)options->adapters;
    for (uint32_t i = 0; i < host->adapter_count; i++) {
        struct host_adapter_config *adapter = &host->adapters[i];

        adapter->miniport = &kmd_softgpu;
        adapter->compute_only = i >= host->adapter_count - options->compute_only_adapters;
        adapter->asynchronous_paging = options->pending;
        adapter->hw_scheduling = options->hw_scheduling;
        adapter->segment_size[KMD_SEGMENT_LOCAL] = options->local_memory;
        adapter->segment_size[KMD_SEGMENT_NON_LOCAL] = options->non_local_memory;
        adapter->budget[KMD_SEGMENT_LOCAL] = options->local_budget;
        adapter->hang_timeout_ns = options->hang_timeout_ms * 1000000;
    }
}

static NTSTATUS read_options(struct loopback_options *options, const char *text)
{
    options->adapters = 1;
    NTSTATUS status = d3dkmti_options_visit(text, read_option, options);

    if (!NT_SUCCESS(status))
        return status;
    if (options->compute_only_adapters > options->adapters)
        return options->services->fail_with(
            STATUS_INVALID_PARAMETER, "compute-only=%u of adapters=%u",
            (unsigned)options->compute_only_adapters, (unsigned)options->adapters);
    options->host.interface_version = (uint32_t)options->version;
    options->host.async_messages = options->async;
    options->host.caps = options->page_lists ? HOST_CAPS_MAP_GUEST_MEMORY : 0;
    configure_adapters(options);
    return STATUS_SUCCESS;
}

/* ---- backend contract */

static NTSTATUS loopback_open(const struct d3dkmt_backend_services *services, const char *text,
                              void **instance)
{
    struct loopback *loopback = calloc(1, sizeof(*loopback));
    struct loopback_options *options = calloc(1, sizeof(*options));
    char task_name[16] = "";
    NTSTATUS status = STATUS_NO_MEMORY;

    if (!loopback || !options)
        goto fail;
    options->services = services;
    status = read_options(options, text);
    if (!NT_SUCCESS(status))
        goto fail;
    status = loopback_transport_open(&loopback->transport, &options->host, services);
    if (!NT_SUCCESS(status))
        goto fail;
    prctl(PR_GET_NAME, task_name);
    struct guest_process_options process = {
        .process_id = (uint64_t)getpid(),
        .name = task_name,
        .check_pointers = options->check_pointers,
    };
    status = d3dkmti_guest_process_open(loopback->transport.vm, &process, &loopback->process);
    if (!NT_SUCCESS(status)) {
        loopback_transport_close(&loopback->transport);
        goto fail;
    }
    free(options);
    atomic_store(&open_instance, loopback);
    *instance = loopback;
    return STATUS_SUCCESS;

fail:
    free(options);
    free(loopback);
    return status;
}

static NTSTATUS loopback_call(void *instance, const struct d3dkmt_op *op, void *args)
{
    struct loopback *loopback = instance;

    return d3dkmti_guest_call(loopback->process, op, args);
}

/* What the guest engine has and the simulated host refuses. */
static const enum d3dkmt_op_id host_lacks[] = {
    D3DKMT_OP_OfferAllocations,
    D3DKMT_OP_ReclaimAllocations2,
    D3DKMT_OP_SetAllocationPriority,
    D3DKMT_OP_GetAllocationPriority,
    D3DKMT_OP_UpdateAllocationProperty,
    D3DKMT_OP_QueryStatistics,
    D3DKMT_OP_FlushHeapTransitions,
    D3DKMT_OP_SetContextInProcessSchedulingPriority,
    D3DKMT_OP_GetContextInProcessSchedulingPriority,
    D3DKMT_OP_ShareObjectWithHost,
};

static bool loopback_supports(void *instance, const struct d3dkmt_op *op)
{
    (void)instance;
    for (size_t i = 0; i < COUNT(host_lacks); i++) {
        if (host_lacks[i] == op->id)
            return false;
    }
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
    loopback_transport_close(&loopback->transport);
    free(loopback);
}

/* The child has neither the host's threads nor a use for its memory; mappings stay, as with
 * dxgkrnl. */
static void loopback_after_fork(void *instance)
{
    struct loopback *loopback = instance;

    close(host_io_space_fd(loopback->transport.host));
    atomic_store(&open_instance, NULL);
}

const struct d3dkmt_backend d3dkmt_loopback_backend = {
    .abi_version = D3DKMT_BACKEND_ABI_VERSION,
    .size = sizeof(struct d3dkmt_backend),
    .name = "loopback",
    .description = "simulated Windows host in this process",
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
    if (adapter >= host_adapter_count(loopback->transport.host))
        return STATUS_INVALID_PARAMETER;
    struct gpu_adapter *gpu = host_gpu_adapter(loopback->transport.host, adapter);
    return kmd_softgpu_set_function(gpu_adapter_miniport_adapter(gpu), number, function, context);
}

struct host *loopback_host(void)
{
    struct loopback *loopback = atomic_load(&open_instance);

    return loopback ? loopback->transport.host : NULL;
}
