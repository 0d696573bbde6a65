/* SPDX-License-Identifier: MIT */
/*
 * Shared objects: what a guest hands out as NT handles. A shared object keeps the memory or the
 * fence alive by itself, so that processes can open it after the one that made it has closed its
 * own.
 */
#include <stdlib.h>

#include "backend-loopback/host/command.h"

static void drop_allocations(const struct host_shared_object *shared)
{
    for (uint32_t i = 0; i < shared->count; i++)
        gpu_allocation_release(shared->allocations[i]);
}

static void destroy_shared_object(struct host_object *object)
{
    struct host_shared_object *shared = (struct host_shared_object *)(void *)object;
    drop_allocations(shared);
    if (shared->sync)
        host_shared_sync_drop(shared->sync);
}

/* Unlike an NT handle of a guest, the worker's is an opened object. */
static void destroy_worker_object(struct host_object *object)
{
    struct host_shared_object *shared = (struct host_shared_object *)(void *)object;
    drop_allocations(shared);
    if (shared->sync)
        host_shared_sync_close(shared->sync);
}

/* owner NULL: for the worker process. */
static struct host_shared_object *new_shared_object(struct host_object *owner, uint32_t count)
{
    return host_object_create(sizeof(struct host_shared_object) +
                                  count * sizeof(struct gpu_allocation *),
                              owner ? HOST_KIND_SHARED_OBJECT : HOST_KIND_WORKER_OBJECT, owner,
                              owner ? destroy_shared_object : destroy_worker_object);
}

static NTSTATUS share_sync(struct host_object *owner, struct host_sync *sync,
                           struct host_shared_object **result)
{
    if (!sync->shared)
        return STATUS_INVALID_PARAMETER;
    struct host_shared_object *shared = new_shared_object(owner, 0);
    if (!shared)
        return STATUS_NO_MEMORY;
    if (owner)
        host_shared_sync_take(sync->shared);
    else
        host_shared_sync_open(sync->shared);
    shared->sync = sync->shared;
    *result = shared;
    return STATUS_SUCCESS;
}

static int by_order(const void *left, const void *right)
{
    const struct host_allocation *const *a = left;
    const struct host_allocation *const *b = right;
    return ((*a)->order > (*b)->order) - ((*a)->order < (*b)->order);
}

static NTSTATUS share_resource(struct host_call *call, struct host_object *owner,
                               struct host_resource *resource, struct host_shared_object **result)
{
    uint32_t count;
    if (!resource->shared)
        return STATUS_INVALID_PARAMETER;
    atomic_store(&resource->sealed, true);
    struct host_object **owned =
        host_table_owned(&call->process->table, &resource->object, HOST_KIND_ALLOCATION, &count);
    if (!owned)
        return STATUS_NO_MEMORY;
    qsort(owned, count, sizeof(*owned), by_order);
    struct host_shared_object *shared = new_shared_object(owner, count);
    for (uint32_t i = 0; i < count; i++) {
        struct host_allocation *allocation = (struct host_allocation *)(void *)owned[i];
        if (shared) {
            shared->allocations[shared->count++] = gpu_allocation_reference(allocation->gpu);
            shared->system_memory = allocation->system_memory;
            shared->read_only = allocation->read_only;
        }
        host_object_release(owned[i]);
    }
    free(owned);
    if (!shared)
        return STATUS_NO_MEMORY;
    shared->adapter = resource->device->adapter;
    *result = shared;
    return STATUS_SUCCESS;
}

/* Makes a shared object of a process's object and gives it a handle in the table. */
static NTSTATUS share(struct host_call *call, struct host_object *owner, uint32_t handle,
                      struct host_table *table, uint32_t *shared_handle)
{
    struct host_shared_object *shared = NULL;
    NTSTATUS status = STATUS_INVALID_PARAMETER;
    struct host_table *own = &call->process->table;
    struct host_object *sync = host_table_find(own, handle, HOST_KIND_SYNC);
    struct host_object *resource = host_table_find(own, handle, HOST_KIND_RESOURCE);
    if (sync)
        status = share_sync(owner, (struct host_sync *)(void *)sync, &shared);
    else if (resource)
        status = share_resource(call, owner, (struct host_resource *)(void *)resource, &shared);
    if (NT_SUCCESS(status)) {
        struct host_object *object = &shared->object;
        status = host_table_insert(table, &object, 1);
        *shared_handle = NT_SUCCESS(status) ? object->handle : 0;
        host_object_release(object);
    }
    host_object_release(resource);
    host_object_release(sync);
    return status;
}

NTSTATUS host_create_shared_object(struct host_call *call, const void *command, void *reply)
{
    const struct wire_createntsharedobject *create = command;
    struct wire_createntsharedobject_reply *result = reply;
    return share(call, &call->guest->object, create->object, &call->host->globals,
                 &result->shared_handle);
}

/* The device says nothing but that the caller has one: objects know their adapter. */
NTSTATUS host_share_with_host(struct host_call *call, const void *command, void *reply)
{
    const struct wire_shareobjectwithhost *share_command = command;
    struct wire_shareobjectwithhost_reply *result = reply;
    uint32_t handle = 0;
    struct host_device *device = host_find_any_device(call, share_command->device_handle);
    if (!device)
        return STATUS_INVALID_PARAMETER;
    NTSTATUS status = share(call, NULL, share_command->object_handle, &call->host->worker, &handle);
    result->vail_nt_handle = handle;
    host_object_release(&device->object);
    return status;
}

NTSTATUS host_destroy_shared_object(struct host_call *call, const void *command, void *reply)
{
    const struct wire_destroyntsharedobject *destroy = command;
    (void)reply;
    struct host_object *object =
        host_table_find(&call->host->globals, destroy->shared_handle, HOST_KIND_SHARED_OBJECT);
    if (!object)
        return STATUS_INVALID_PARAMETER;
    bool own = host_table_disown(&call->host->globals, object, &call->guest->object);
    if (own)
        host_objects_release(host_table_collect(&call->host->globals, object));
    host_object_release(object);
    return own ? STATUS_SUCCESS : STATUS_INVALID_PARAMETER;
}

/* ---- open */

static struct host_object *open_allocation(struct host_resource *resource,
                                           const struct host_shared_object *shared, uint32_t index)
{
    struct host_allocation *allocation = host_object_create(
        sizeof(*allocation), HOST_KIND_ALLOCATION, &resource->object, host_allocation_destroy);
    if (!allocation)
        return NULL;
    allocation->device = resource->device;
    allocation->resource = resource;
    allocation->order = index;
    allocation->system_memory = shared->system_memory;
    allocation->read_only = shared->read_only;
    allocation->opened = true;
    allocation->gpu = gpu_allocation_reference(shared->allocations[index]);
    return &allocation->object;
}

/* objects has room for the resource and all allocations; *made receives how many there are. */
static NTSTATUS open_all(struct host_device *device, const struct host_shared_object *shared,
                         struct host_object **objects, uint32_t *made)
{
    struct host_resource *resource =
        host_object_create(sizeof(*resource), HOST_KIND_RESOURCE, &device->object, NULL);
    if (!resource)
        return STATUS_NO_MEMORY;
    resource->device = device;
    resource->shared = true;
    atomic_store(&resource->sealed, true);
    objects[(*made)++] = &resource->object;
    for (uint32_t i = 0; i < shared->count; i++) {
        objects[*made] = open_allocation(resource, shared, i);
        if (!objects[*made])
            return STATUS_NO_MEMORY;
        (*made)++;
    }
    return STATUS_SUCCESS;
}

static NTSTATUS open_shared(struct host_call *call, struct host_device *device,
                            const struct host_shared_object *shared,
                            struct wire_openresource_reply *result)
{
    uint32_t made = 0;
    struct host_object **objects = calloc((size_t)shared->count + 1, sizeof(*objects));
    if (!objects)
        return STATUS_NO_MEMORY;
    NTSTATUS status = open_all(device, shared, objects, &made);
    if (NT_SUCCESS(status))
        status = host_table_insert(&call->process->table, objects, made);
    if (NT_SUCCESS(status)) {
        result->resource = objects[0]->handle;
        for (uint32_t i = 1; i < made; i++)
            wire_append(&call->out, &objects[i]->handle, sizeof(objects[i]->handle));
    }
    while (made > 0)
        host_object_release(objects[--made]);
    free(objects);
    return status;
}

NTSTATUS host_open_resource(struct host_call *call, const void *command, void *reply)
{
    const struct wire_openresource *open = command;
    NTSTATUS status = STATUS_INVALID_PARAMETER;
    struct host_device *device = host_find_device(call, open->device);
    struct host_shared_object *shared =
        (void *)host_table_find(&call->host->globals, open->global_share, HOST_KIND_SHARED_OBJECT);
    if (device && shared && open->nt_security_sharing && shared->adapter == call->adapter &&
        shared->count == open->allocation_count)
        status = open_shared(call, device, shared, reply);
    host_object_release(shared ? &shared->object : NULL);
    host_object_release(device ? &device->object : NULL);
    return status;
}
