/* SPDX-License-Identifier: MIT */
/* Allocations and resources: making and destroying them. */
#include <stdlib.h>

#include "backend-loopback/host/command.h"

enum { MAX_ALLOCATIONS = 1024 };

/* Guest pages go away right after the reply: no engine may touch them any more, whoever still holds
 * a reference. */
static void retire_allocation(struct host_object *object)
{
    struct host_allocation *allocation = (struct host_allocation *)(void *)object;
    if (allocation->system_memory && !allocation->opened)
        gpu_allocation_revoke(allocation->gpu);
}

/* ---- create */

/* One CREATEALLOCATION in progress. */
struct creation {
    struct host_call *call;
    const struct wire_createallocation *request;
    struct host_device *device;
    struct host_resource *resource; /* new or named; NULL: none */
    uint64_t standard_size;
    void *resource_data;
    uint32_t resource_data_size;
    const unsigned char *private_data; /* of the next allocation */
    struct wire_allocation_result *results;
    uint32_t made; /* of objects, the new resource included */
    struct host_object *objects[MAX_ALLOCATIONS + 1];
};

static NTSTATUS check_request(const struct wire_createallocation *request)
{
    uint32_t flags = request->flags;
    bool create_resource = (flags & WIRE_CREATE_ALLOCATION_CREATE_RESOURCE) != 0;
    if (request->alloc_count < 1 || request->alloc_count > MAX_ALLOCATIONS)
        return STATUS_INVALID_PARAMETER;
    if (create_resource && request->resource)
        return STATUS_INVALID_PARAMETER;
    if (flags & WIRE_CREATE_ALLOCATION_CREATE_SHARED &&
        !(create_resource && flags & WIRE_CREATE_ALLOCATION_NT_SECURITY_SHARING))
        return STATUS_INVALID_PARAMETER;
    return STATUS_SUCCESS;
}

/* The 24 bytes of a standard allocation come in place of the driver's data. */
static NTSTATUS read_standard(struct creation *creation, const struct wire_span *driver_data)
{
    struct wire_standard_allocation standard;
    if (!(creation->request->flags & WIRE_CREATE_ALLOCATION_STANDARD_ALLOCATION))
        return STATUS_SUCCESS;
    if (creation->request->alloc_count != 1 || driver_data->count < sizeof(standard))
        return STATUS_INVALID_PARAMETER;
    memcpy(&standard, driver_data->data, sizeof(standard));
    creation->standard_size = standard.existing_heap_data.size;
    if (!creation->standard_size || creation->standard_size % GPU_PAGE_SIZE)
        return STATUS_INVALID_PARAMETER;
    return STATUS_SUCCESS;
}

static NTSTATUS find_resource(struct creation *creation)
{
    const struct wire_createallocation *request = creation->request;
    if (request->flags & WIRE_CREATE_ALLOCATION_CREATE_RESOURCE) {
        struct host_resource *resource = host_object_create(sizeof(*resource), HOST_KIND_RESOURCE,
                                                            &creation->device->object, NULL);
        if (!resource)
            return STATUS_NO_MEMORY;
        resource->device = creation->device;
        resource->shared = (request->flags & WIRE_CREATE_ALLOCATION_CREATE_SHARED) != 0;
        creation->resource = resource;
        creation->objects[creation->made++] = &resource->object;
        host_object_reference(&resource->object);
        return STATUS_SUCCESS;
    }
    if (!request->resource)
        return STATUS_SUCCESS;
    creation->resource = (void *)host_table_find(&creation->call->process->table, request->resource,
                                                 HOST_KIND_RESOURCE);
    if (!creation->resource || creation->resource->device != creation->device ||
        atomic_load(&creation->resource->sealed))
        return STATUS_INVALID_PARAMETER;
    return STATUS_SUCCESS;
}

static void fill_result(struct wire_allocation_result *result,
                        const struct gpu_allocation *allocation, uint32_t private_data_size)
{
    result->priv_drv_data_size = private_data_size;
    if (gpu_allocation_is_system_memory(allocation))
        result->allocation_flags |= WIRE_ALLOCATION_EXISTING_SYSMEM;
    if (gpu_allocation_flags(allocation) & KMD_ALLOCATION_CACHED)
        result->allocation_flags |= WIRE_ALLOCATION_CACHED;
    result->allocation_size = gpu_allocation_size(allocation);
}

static NTSTATUS create_one(struct creation *creation, uint32_t private_data_size,
                           struct wire_allocation_result *result)
{
    uint32_t flags = creation->request->flags;
    struct host_object *owner =
        creation->resource ? &creation->resource->object : &creation->device->object;
    struct wire_span private_span = {creation->private_data, private_data_size, 1};
    bool failed = false;
    struct host_allocation *allocation =
        host_object_create(sizeof(*allocation), HOST_KIND_ALLOCATION, owner, NULL);
    void *private_data = host_copy_span(&private_span, &failed);
    NTSTATUS status = allocation && !failed ? STATUS_SUCCESS : STATUS_NO_MEMORY;
    if (NT_SUCCESS(status)) {
        struct gpu_allocation_config config = {
            .private_data = private_data,
            .private_data_size = private_data_size,
            .resource_data = creation->resource_data,
            .resource_data_size = creation->resource_data_size,
            .system_memory = (flags & WIRE_CREATE_ALLOCATION_EXISTING_SYSMEM) != 0,
            .standard_size = creation->standard_size,
            .owner = gpu_device_process(creation->device->gpu),
        };
        allocation->device = creation->device;
        allocation->resource = creation->resource;
        allocation->order = creation->made;
        allocation->system_memory = config.system_memory;
        allocation->read_only = (flags & WIRE_CREATE_ALLOCATION_READ_ONLY) != 0;
        status = gpu_allocation_create(creation->device->adapter->gpu, &config, &allocation->gpu);
    }
    if (NT_SUCCESS(status)) {
        allocation->object.destroy = host_allocation_destroy;
        allocation->object.retire = retire_allocation;
        creation->objects[creation->made++] = &allocation->object;
        fill_result(result, allocation->gpu, private_data_size);
        wire_append(&creation->call->out, private_data, private_data_size);
    } else {
        host_object_release(allocation ? &allocation->object : NULL);
    }
    free(private_data);
    return status;
}

static NTSTATUS create_all(struct creation *creation)
{
    const struct wire_span *infos =
        &creation->call->request->tails[WIRE_TAIL_CREATEALLOCATION_ALLOC_INFO];
    creation->results =
        wire_append(&creation->call->out, NULL, infos->count * sizeof(*creation->results));
    if (!creation->results)
        return STATUS_INVALID_PARAMETER;
    for (uint32_t i = 0; i < infos->count; i++) {
        struct wire_allocation_info info;
        memcpy(&info, wire_span_at(infos, i), sizeof(info));
        NTSTATUS status = create_one(creation, info.priv_drv_data_size, &creation->results[i]);
        if (!NT_SUCCESS(status))
            return status;
        creation->private_data += info.priv_drv_data_size;
    }
    return STATUS_SUCCESS;
}

/* Handles appear all at once, so that no other thread sees a part of a resource. */
static NTSTATUS publish(struct creation *creation, struct wire_createallocation_reply *reply)
{
    NTSTATUS status =
        host_table_insert(&creation->call->process->table, creation->objects, creation->made);
    if (!NT_SUCCESS(status))
        return status;
    uint32_t first = creation->made - creation->request->alloc_count;
    for (uint32_t i = first; i < creation->made; i++)
        creation->results[i - first].allocation = creation->objects[i]->handle;
    reply->flags = creation->request->flags;
    reply->resource = creation->resource ? creation->resource->object.handle : 0;
    return STATUS_SUCCESS;
}

static NTSTATUS create_with_device(struct creation *creation,
                                   struct wire_createallocation_reply *reply)
{
    const struct wire_span *tails = creation->call->request->tails;
    const struct wire_span *driver_data = &tails[WIRE_TAIL_CREATEALLOCATION_PRIV_DRV_DATA];
    bool failed = false;
    creation->private_data = tails[WIRE_TAIL_CREATEALLOCATION_ALLOC_PRIV_DRV_DATA].data;
    NTSTATUS status = read_standard(creation, driver_data);
    if (NT_SUCCESS(status))
        status = find_resource(creation);
    if (NT_SUCCESS(status)) {
        creation->resource_data = host_copy_span(driver_data, &failed);
        creation->resource_data_size = driver_data->count;
        status = failed ? STATUS_NO_MEMORY : create_all(creation);
    }
    if (NT_SUCCESS(status))
        status = publish(creation, reply);
    free(creation->resource_data);
    return status;
}

NTSTATUS host_create_allocation(struct host_call *call, const void *command, void *reply)
{
    const struct wire_createallocation *request = command;
    NTSTATUS status = check_request(request);
    if (!NT_SUCCESS(status))
        return status;
    struct creation *creation = calloc(1, sizeof(*creation));
    if (!creation)
        return STATUS_NO_MEMORY;
    creation->call = call;
    creation->request = request;
    creation->device = host_find_device(call, request->device);
    status = creation->device ? create_with_device(creation, reply) : STATUS_INVALID_PARAMETER;
    while (creation->made > 0)
        host_object_release(creation->objects[--creation->made]);
    host_object_release(creation->resource ? &creation->resource->object : NULL);
    host_object_release(creation->device ? &creation->device->object : NULL);
    free(creation);
    return status;
}

/* ---- destroy */

static NTSTATUS destroy_resource(struct host_call *call, const struct host_device *device,
                                 uint32_t handle)
{
    struct host_resource *resource =
        (void *)host_table_find(&call->process->table, handle, HOST_KIND_RESOURCE);
    if (!resource)
        return STATUS_INVALID_PARAMETER;
    NTSTATUS status = resource->device == device ? STATUS_SUCCESS : STATUS_INVALID_PARAMETER;
    if (NT_SUCCESS(status))
        host_objects_release(host_table_collect(&call->process->table, &resource->object));
    host_object_release(&resource->object);
    return status;
}

/* All are checked before any goes. A handle that is listed twice is destroyed once. */
static NTSTATUS destroy_list(struct host_call *call, const struct host_device *device,
                             const struct wire_span *handles)
{
    struct host_objects objects;
    NTSTATUS status = host_objects_find(call, handles, HOST_KIND_ALLOCATION, &objects);
    for (uint32_t i = 0; i < objects.count; i++) {
        const struct host_allocation *allocation =
            (const struct host_allocation *)(void *)objects.list[i];
        if (allocation->device != device || (allocation->resource && allocation->resource->shared))
            status = STATUS_INVALID_PARAMETER;
    }
    for (uint32_t i = 0; i < objects.count && NT_SUCCESS(status); i++)
        host_objects_release(host_table_collect(&call->process->table, objects.list[i]));
    host_objects_drop(&objects);
    return status;
}

NTSTATUS host_destroy_allocation(struct host_call *call, const void *command, void *reply)
{
    const struct wire_destroyallocation *request = command;
    const struct wire_span *handles =
        &call->request->tails[WIRE_TAIL_DESTROYALLOCATION_ALLOCATIONS];
    NTSTATUS status = STATUS_INVALID_PARAMETER;
    (void)reply;
    struct host_device *device = host_find_device(call, request->device);
    if (!device)
        return status;
    if (request->resource && handles->count == 0)
        status = destroy_resource(call, device, request->resource);
    else if (!request->resource && handles->count <= MAX_ALLOCATIONS)
        status = destroy_list(call, device, handles);
    host_object_release(&device->object);
    return status;
}
