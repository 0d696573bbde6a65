/* SPDX-License-Identifier: MIT */
/* The software GPU as a miniport: its description, its private data, its escapes. */
#include "backend-loopback/kmd/softgpu.h"

#include <stdlib.h>
#include <string.h>

#include "backend-loopback/kmd/softgpu_adapter.h"

#define PAGE_SIZE           UINT64_C(4096)
#define LOCAL_MEMORY        (UINT64_C(1) << 30)
#define NON_LOCAL_MEMORY    (UINT64_C(4) << 30)
#define TIMESTAMP_FREQUENCY UINT64_C(1000000000) /* the host's clock counts nanoseconds */
#define UMD_DRIVER_PRIVATE  0u                   /* KMTQAITYPE_UMDRIVERPRIVATE */
#define STORE_OPTION        "driver-store="

static const struct kmd_node graphics_nodes[] = {{KMD_ENGINE_3D, "3D"}, {KMD_ENGINE_COPY, "Copy"}};
static const struct kmd_node compute_nodes[] = {{KMD_ENGINE_OTHER, "Compute"},
                                                {KMD_ENGINE_COPY, "Copy"}};
#define NODE_COUNT 2u

/* Every engine executes every command, so that any nodes will do. */
static uint32_t choose_nodes(const struct kmd_start_info *start, struct kmd_node *nodes)
{
    const struct kmd_node *chosen = start->compute_only ? compute_nodes : graphics_nodes;
    uint32_t count = NODE_COUNT;

    if (start->node_count) {
        chosen = start->nodes;
        count = start->node_count;
    }
    memcpy(nodes, chosen, count * sizeof(*nodes));
    return count;
}

static NTSTATUS read_options(struct kmd_softgpu_adapter *adapter, const char *options)
{
    size_t length = strlen(STORE_OPTION);

    if (!options || !*options)
        return STATUS_SUCCESS;
    if (strncmp(options, STORE_OPTION, length) != 0 || !options[length])
        return STATUS_INVALID_PARAMETER;
    adapter->driver_store = strdup(options + length);
    return adapter->driver_store ? STATUS_SUCCESS : STATUS_NO_MEMORY;
}

static NTSTATUS start_device(const struct kmd_start_info *start, struct kmd_adapter_info *info,
                             void **adapter)
{
    struct kmd_softgpu_adapter *created = calloc(1, sizeof(*created));
    NTSTATUS status;

    if (!created)
        return STATUS_NO_MEMORY;
    status = read_options(created, start->options);
    if (!NT_SUCCESS(status)) {
        free(created);
        return status;
    }
    info->node_count = choose_nodes(start, info->nodes);
    info->segment_size[KMD_SEGMENT_LOCAL] = LOCAL_MEMORY;
    info->segment_size[KMD_SEGMENT_NON_LOCAL] = NON_LOCAL_MEMORY;
    info->timestamp_frequency = TIMESTAMP_FREQUENCY;
    info->capabilities = KMD_CAPABILITY_PARAVIRTUALIZATION | KMD_CAPABILITY_IOMMU_SECURE_MODE;

    created->services = start->services;
    created->description.magic = SOFTGPU_ADAPTER_MAGIC;
    created->description.version = SOFTGPU_VERSION;
    created->description.node_count = info->node_count;
    created->description.compute_only = start->compute_only;
    created->description.local_memory = LOCAL_MEMORY;
    created->description.non_local_memory = NON_LOCAL_MEMORY;
    created->description.timestamp_frequency = TIMESTAMP_FREQUENCY;
    pthread_mutex_init(&created->lock, NULL);
    *adapter = created;
    return STATUS_SUCCESS;
}

static void stop_device(void *adapter)
{
    struct kmd_softgpu_adapter *softgpu = adapter;

    pthread_mutex_destroy(&softgpu->lock);
    free(softgpu->driver_store);
    free(softgpu);
}

static NTSTATUS query_adapter_info(void *adapter, uint32_t type, void *data, uint32_t size)
{
    struct kmd_softgpu_adapter *softgpu = adapter;

    if (type != UMD_DRIVER_PRIVATE)
        return STATUS_NOT_SUPPORTED;
    if (size < sizeof(softgpu->description))
        return STATUS_BUFFER_TOO_SMALL;
    memcpy(data, &softgpu->description, sizeof(softgpu->description));
    return STATUS_SUCCESS;
}

/* ---- Allocations */

static NTSTATUS create_standard(struct kmd_allocation *allocation)
{
    if (allocation->standard_size == 0)
        return STATUS_INVALID_PARAMETER;
    allocation->size = allocation->standard_size;
    allocation->flags = KMD_ALLOCATION_CPU_VISIBLE | KMD_ALLOCATION_CACHED;
    allocation->segment = KMD_SEGMENT_NON_LOCAL;
    return STATUS_SUCCESS;
}

static NTSTATUS create_allocation(void *adapter, struct kmd_allocation *allocation)
{
    struct softgpu_allocation data;

    (void)adapter;
    if (allocation->private_data_size == 0)
        return create_standard(allocation);
    if (allocation->private_data_size < sizeof(data))
        return STATUS_INVALID_PARAMETER;
    memcpy(&data, allocation->private_data, sizeof(data));
    if (data.magic != SOFTGPU_ALLOCATION_MAGIC || data.version != SOFTGPU_VERSION ||
        data.reserved != 0 || data.flags & ~SOFTGPU_ALLOCATION_FLAGS || data.size == 0 ||
        data.size > UINT64_MAX - (PAGE_SIZE - 1))
        return STATUS_INVALID_PARAMETER;
    data.size = (data.size + PAGE_SIZE - 1) / PAGE_SIZE * PAGE_SIZE;
    memcpy(allocation->private_data, &data, sizeof(data));

    allocation->size = data.size;
    allocation->flags |=
        data.flags & SOFTGPU_ALLOCATION_CPU_VISIBLE ? KMD_ALLOCATION_CPU_VISIBLE : 0;
    allocation->flags |= data.flags & SOFTGPU_ALLOCATION_CACHED ? KMD_ALLOCATION_CACHED : 0;
    allocation->segment =
        data.flags & SOFTGPU_ALLOCATION_NON_LOCAL ? KMD_SEGMENT_NON_LOCAL : KMD_SEGMENT_LOCAL;
    return STATUS_SUCCESS;
}

/* A NULL buffer asks for the size. */
static NTSTATUS hand_out(void *buffer, uint32_t *size, const void *data, uint32_t needed)
{
    uint32_t given = *size;

    *size = needed;
    if (!buffer)
        return STATUS_SUCCESS;
    if (given < needed)
        return STATUS_BUFFER_TOO_SMALL;
    memcpy(buffer, data, needed);
    return STATUS_SUCCESS;
}

static NTSTATUS standard_allocation_data(void *adapter, struct kmd_standard_allocation *request)
{
    struct softgpu_allocation allocation = softgpu_allocation_data(
        request->standard_size,
        SOFTGPU_ALLOCATION_CPU_VISIBLE | SOFTGPU_ALLOCATION_CACHED | SOFTGPU_ALLOCATION_NON_LOCAL);
    struct softgpu_resource resource = {SOFTGPU_RESOURCE_MAGIC, SOFTGPU_VERSION,
                                        (uint32_t)request->type, 0};
    NTSTATUS status;

    (void)adapter;
    if (request->type < KMD_STANDARD_ALLOCATION_SHARED_PRIMARY ||
        request->type > KMD_STANDARD_ALLOCATION_VIRTUAL_GPU)
        return STATUS_INVALID_PARAMETER;
    status = hand_out(request->allocation_data, &request->allocation_data_size, &allocation,
                      sizeof(allocation));
    if (!NT_SUCCESS(status))
        return status;
    return hand_out(request->resource_data, &request->resource_data_size, &resource,
                    sizeof(resource));
}

/* ---- Escapes, functions */

static NTSTATUS escape(void *adapter, void *driver_device, void *data, uint32_t size)
{
    struct kmd_softgpu_adapter *softgpu = adapter;
    struct softgpu_escape request;

    (void)driver_device;
    if (size < sizeof(request))
        return STATUS_BUFFER_TOO_SMALL;
    memcpy(&request, data, sizeof(request));
    if (request.magic != SOFTGPU_ESCAPE_MAGIC)
        return STATUS_INVALID_PARAMETER;
    if (request.operation == SOFTGPU_ESCAPE_ECHO)
        request.result = ~request.argument;
    else if (request.operation == SOFTGPU_ESCAPE_COMMANDS)
        request.result = atomic_load(&softgpu->finished);
    else
        return STATUS_NOT_SUPPORTED;
    memcpy(data, &request, sizeof(request));
    return STATUS_SUCCESS;
}

static const char *driver_store_path(void *adapter)
{
    struct kmd_softgpu_adapter *softgpu = adapter;

    return softgpu->driver_store;
}

NTSTATUS kmd_softgpu_set_function(void *adapter, uint32_t number, softgpu_function function,
                                  void *context)
{
    struct kmd_softgpu_adapter *softgpu = adapter;

    if (number >= SOFTGPU_MAX_FUNCTIONS)
        return STATUS_INVALID_PARAMETER;
    pthread_mutex_lock(&softgpu->lock);
    softgpu->functions[number].function = function;
    softgpu->functions[number].context = context;
    pthread_mutex_unlock(&softgpu->lock);
    return STATUS_SUCCESS;
}

const struct kmd_interface kmd_softgpu = {
    .size = sizeof(struct kmd_interface),
    .version = KMD_INTERFACE_VERSION,
    .name = "softgpu",
    .StartDevice = start_device,
    .StopDevice = stop_device,
    .QueryAdapterInfo = query_adapter_info,
    .CreateAllocation = create_allocation,
    .GetStandardAllocationDriverData = standard_allocation_data,
    .SubmitCommand = kmd_softgpu_execute,
    .Escape = escape,
    .DriverStorePath = driver_store_path,
};
