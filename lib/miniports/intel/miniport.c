/* SPDX-License-Identifier: MIT */
/*
 * libd3dkmt-miniport-intel.so: an integrated GPU of Intel's for the simulated host, as far as its
 * user-mode driver for OpenCL and Level Zero asks. Batches are executed (batch.h), programs for
 * execution units are not.
 *
 *   D3DKMT_BACKEND=loopback:miniport=intel
 */
#include "miniports/intel/adapter_info.h"
#include "miniports/intel/batch.h"
#include "miniports/intel/tokens.h"

#include <dlfcn.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DRIVER_STORE "d3dkmt/driver-store/intel" /* beside this file */

struct adapter {
    const struct kmd_services *services;
    uint64_t (*now)(const void *clock); /* NULL: the host is too old to tell */
    const void *clock;
    size_t info_size;
    unsigned char info[ADAPTER_INFO_MAX];
    char driver_store[PATH_MAX];
};

/* ---- the adapter's life */

static bool find_driver_store(char path[PATH_MAX])
{
    Dl_info info;

    if (!dladdr(&d3dkmt_miniport_plugin, &info) || !info.dli_fname)
        return false;
    char *file = realpath(info.dli_fname, NULL);
    const char *slash = file ? strrchr(file, '/') : NULL;
    int length =
        slash ? snprintf(path, PATH_MAX, "%.*s/" DRIVER_STORE, (int)(slash - file), file) : -1;
    free(file);
    return length > 0 && length < PATH_MAX;
}

static void describe(const struct kmd_start_info *start, struct kmd_adapter_info *info)
{
    static const struct kmd_node render = {KMD_ENGINE_3D, ""};

    /* All of its engines know the commands of batch.h, whatever else they are for. */
    info->node_count = start->node_count ? start->node_count : 1;
    memcpy(info->nodes, start->node_count ? start->nodes : &render,
           info->node_count * sizeof(render));
    info->segment_size[KMD_SEGMENT_LOCAL] = ADAPTER_INFO_DEDICATED_MEMORY;
    info->segment_size[KMD_SEGMENT_NON_LOCAL] = ADAPTER_INFO_SHARED_MEMORY;
    info->timestamp_frequency = ADAPTER_INFO_TIMESTAMP_HZ;
    info->capabilities = KMD_CAPABILITY_PARAVIRTUALIZATION;
}

static NTSTATUS start_device(const struct kmd_start_info *start, struct kmd_adapter_info *info,
                             void **adapter)
{
    if (start->options && *start->options)
        return STATUS_INVALID_PARAMETER; /* it knows none */
    if (start->node_count > KMD_MAX_NODES)
        return STATUS_NOT_SUPPORTED;
    struct adapter *created = calloc(1, sizeof(*created));
    if (!created)
        return STATUS_NO_MEMORY;
    created->info_size = adapter_info_write(created->info, sizeof(created->info));
    if (created->info_size == 0 || !find_driver_store(created->driver_store)) {
        free(created);
        return STATUS_UNSUCCESSFUL;
    }
    created->services = start->services;
    if (start->size >= sizeof(*start)) {
        created->now = start->Now;
        created->clock = start->clock;
    }
    describe(start, info);
    *adapter = created;
    return STATUS_SUCCESS;
}

static void stop_device(void *adapter)
{
    free(adapter);
}

static NTSTATUS query_adapter_info(void *context, uint32_t type, void *data, uint32_t size)
{
    const struct adapter *adapter = context;

    if (type != KMTQAITYPE_UMDRIVERPRIVATE)
        return STATUS_NOT_SUPPORTED;
    if (size < adapter->info_size)
        return STATUS_BUFFER_TOO_SMALL;
    memset(data, 0, size);
    memcpy(data, adapter->info, adapter->info_size);
    return STATUS_SUCCESS;
}

static const char *driver_store_path(void *adapter)
{
    return ((struct adapter *)adapter)->driver_store;
}

/* ---- contexts, whose registers outlive a batch */

static NTSTATUS create_context(void *adapter, void *device, struct kmd_context_info *info,
                               void **context)
{
    (void)adapter;
    (void)device;
    (void)info;
    *context = calloc(1, sizeof(struct registers));
    return *context ? STATUS_SUCCESS : STATUS_NO_MEMORY;
}

static void destroy_context(void *adapter, void *context)
{
    (void)adapter;
    free(context);
}

/* ---- allocations */

/* The driver's description of a surface holds its size, also of one in memory of the program's. */
static bool read_size(const struct kmd_allocation *allocation, uint64_t *size)
{
    struct token_span data = {allocation->private_data, allocation->private_data_size};

    return tokens_structure(data, TOKEN_SURFACE, &data) &&
           tokens_structure(data, TOKEN_SURFACE_RESOURCE, &data) &&
           tokens_structure(data, TOKEN_RESOURCE_TEXTURE, &data) &&
           tokens_number(data, TOKEN_TEXTURE_SIZE, size) && *size != 0;
}

static NTSTATUS create_allocation(void *adapter, struct kmd_allocation *allocation)
{
    (void)adapter;
    if (allocation->standard_size)
        allocation->size = allocation->standard_size;
    else if (!read_size(allocation, &allocation->size))
        return STATUS_INVALID_PARAMETER;
    allocation->segment = KMD_SEGMENT_NON_LOCAL;
    allocation->flags = KMD_ALLOCATION_CPU_VISIBLE | KMD_ALLOCATION_CACHED;
    return STATUS_SUCCESS;
}

/* ---- execution */

/* The fence that the submit header names; hardware queues have one that the host signals. */
static enum kmd_result signal_fence(const struct adapter *adapter, struct kmd_execution *execution,
                                    struct token_span header)
{
    uint64_t address = 0, value = 0;

    if (!tokens_number(header, TOKEN_SUBMIT_FENCE_ADDRESS, &address) || address == 0)
        return KMD_DONE;
    if (!tokens_number(header, TOKEN_SUBMIT_FENCE_VALUE, &value))
        return KMD_INVALID_COMMAND;
    return adapter->services->SignalFence(execution, address, value) ? KMD_DONE : KMD_FAULT;
}

static enum kmd_result submit_command(void *context, struct kmd_execution *execution,
                                      struct kmd_submission *submission)
{
    const struct adapter *adapter = context;
    struct token_span header = {submission->private_data, submission->private_data_size};

    if (!tokens_structure(header, TOKEN_SUBMIT_HEADER, &header))
        return KMD_INVALID_COMMAND;
    enum kmd_result result =
        batch_execute(adapter->services, execution, submission, submission->driver_context);
    return result == KMD_DONE ? signal_fence(adapter, execution, header) : result;
}

/* ---- escapes: of the instrumentation's, the one that asks for the clocks of GPU and CPU */

struct clocks_escape {
    uint32_t size, checksum, code, reserved;
    union {
        uint32_t function; /* in */
        struct {
            uint32_t result; /* 0: success */
            uint64_t gpu_ticks, cpu_ticks, gpu_hz, cpu_hz;
        } out;
    };
};

static NTSTATUS escape(void *context, void *device, void *data, uint32_t size)
{
    enum { INSTRUMENTATION = 12, GET_CLOCKS = 25, CPU_HZ = 1000000000 };
    const struct adapter *adapter = context;
    struct clocks_escape call;

    (void)device;
    if (size < sizeof(call) || !adapter->now)
        return STATUS_NOT_SUPPORTED;
    memcpy(&call, data, sizeof(call));
    if (call.code != INSTRUMENTATION || call.function != GET_CLOCKS)
        return STATUS_NOT_SUPPORTED;
    uint64_t now = adapter->now(adapter->clock);
    call.out.result = 0;
    call.out.gpu_ticks = adapter_info_ticks(now);
    call.out.cpu_ticks = now;
    call.out.gpu_hz = ADAPTER_INFO_TIMESTAMP_HZ;
    call.out.cpu_hz = CPU_HZ;
    memcpy(data, &call, sizeof(call));
    return STATUS_SUCCESS;
}

const struct kmd_interface d3dkmt_miniport_plugin = {
    .size = sizeof(struct kmd_interface),
    .version = KMD_INTERFACE_VERSION,
    .name = "intel",
    .StartDevice = start_device,
    .StopDevice = stop_device,
    .QueryAdapterInfo = query_adapter_info,
    .CreateContext = create_context,
    .DestroyContext = destroy_context,
    .CreateAllocation = create_allocation,
    .SubmitCommand = submit_command,
    .Escape = escape,
    .DriverStorePath = driver_store_path,
};
