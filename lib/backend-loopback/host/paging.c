/* SPDX-License-Identifier: MIT */
/* Paging queues and GPU virtual addresses. */
#include <stdlib.h>

#include "backend-loopback/host/command.h"

enum { MAX_UPDATES = 2048 };

/* ---- paging queues */

static void destroy_paging_queue(struct host_object *object)
{
    gpu_paging_queue_destroy(((struct host_paging_queue *)(void *)object)->gpu);
}

static NTSTATUS new_paging_queue(struct host_device *device, struct host_paging_queue **result,
                                 struct host_sync **fence)
{
    struct host_paging_queue *queue =
        host_object_create(sizeof(*queue), HOST_KIND_PAGING_QUEUE, &device->object, NULL);
    if (!queue)
        return STATUS_NO_MEMORY;
    queue->device = device;
    NTSTATUS status = gpu_paging_queue_create(device->gpu, &queue->gpu);
    if (NT_SUCCESS(status)) {
        queue->object.destroy = destroy_paging_queue;
        *fence = host_sync_create(&queue->object, GPU_FENCE_MONITORED,
                                  gpu_fence_reference(gpu_paging_queue_fence(queue->gpu)));
        if (!*fence)
            status = STATUS_NO_MEMORY;
    }
    if (!NT_SUCCESS(status)) {
        host_object_release(&queue->object);
        return status;
    }
    (*fence)->implicit = true;
    *result = queue;
    return STATUS_SUCCESS;
}

NTSTATUS host_create_paging_queue(struct host_call *call, const void *command, void *reply)
{
    const struct wire_createpagingqueue *create = command;
    struct wire_createpagingqueue_reply *result = reply;
    struct host_paging_queue *queue;
    struct host_sync *fence;
    struct host_device *device = host_find_device(call, create->args.device);
    if (!device)
        return STATUS_INVALID_PARAMETER;
    NTSTATUS status = new_paging_queue(device, &queue, &fence);
    host_object_release(&device->object);
    if (!NT_SUCCESS(status))
        return status;
    struct host_object *objects[] = {&queue->object, &fence->object};
    if (!host_io_space_address(call->guest, gpu_fence_offset(fence->fence), GPU_PAGE_SIZE,
                               &result->fence_storage_physical_address))
        status = STATUS_NO_MEMORY;
    if (NT_SUCCESS(status))
        status = host_table_insert(&call->process->table, objects, 2);
    result->paging_queue = queue->object.handle;
    result->sync_object = fence->object.handle;
    host_object_release(&fence->object);
    host_object_release(&queue->object);
    return status;
}

NTSTATUS host_destroy_paging_queue(struct host_call *call, const void *command, void *reply)
{
    const struct wire_destroypagingqueue *destroy = command;
    (void)reply;
    struct host_paging_queue *queue = host_find_paging_queue(call, destroy->paging_queue);
    if (!queue)
        return STATUS_INVALID_PARAMETER;
    host_objects_release(host_table_collect(&call->process->table, &queue->object));
    host_object_release(&queue->object);
    return STATUS_SUCCESS;
}

/* ---- virtual addresses */

NTSTATUS host_map_address(struct host_call *call, const void *command, void *reply)
{
    const struct wire_mapgpuvirtualaddress_args *args =
        &((const struct wire_mapgpuvirtualaddress *)command)->args;
    struct wire_mapgpuvirtualaddress_reply *result = reply;
    struct host_allocation *allocation = NULL;
    NTSTATUS status = STATUS_INVALID_PARAMETER;
    struct host_paging_queue *queue = host_find_paging_queue(call, args->paging_queue);
    if (args->allocation)
        allocation = host_find_allocation(call, args->allocation);
    /* The queue decides the device, and allocations are a device's, as for MakeResident: that the
     * address space is the whole process's makes another device's allocation no less foreign. */
    bool fits = allocation ? queue && allocation->device == queue->device : !args->allocation;
    if (queue && fits) {
        struct gpu_map map = {
            .placement = {args->base_address, args->minimum_address, args->maximum_address},
            .allocation = allocation ? allocation->gpu : NULL,
            .offset_in_pages = args->offset_in_pages,
            .size_in_pages = args->size_in_pages,
            .protection = args->protection,
        };
        uint64_t address = 0;
        uint64_t fence_value = 0;
        status = gpu_paging_queue_map(queue->gpu, &map, &address, &fence_value);
        result->virtual_address = address;
        result->paging_fence_value = fence_value;
    }
    host_object_release(allocation ? &allocation->object : NULL);
    host_object_release(queue ? &queue->object : NULL);
    return status;
}

/* The field of the request holds either the adapter or one of the process's paging queues. */
static bool names_address_space(const struct host_call *call, uint32_t handle)
{
    if (host_is_adapter_handle(call, handle))
        return true;
    struct host_paging_queue *queue = host_find_paging_queue(call, handle);
    host_object_release(queue ? &queue->object : NULL);
    return queue != NULL;
}

static NTSTATUS reserve(struct gpu_process *process,
                        const struct wire_reservegpuvirtualaddress_args *args, uint64_t *address)
{
    struct gpu_placement placement = {args->base_address, args->minimum_address,
                                      args->maximum_address};
    NTSTATUS status = gpu_address_reserve(process, &placement, args->size, address);
    if (!NT_SUCCESS(status) || args->reservation_type != D3DDDIGPUVIRTUALADDRESS_RESERVE_ZERO)
        return status;
    struct gpu_map zero = {
        .placement = {.base = *address},
        .size_in_pages = args->size >> GPU_PAGE_SHIFT,
        .protection = GPU_PROTECTION_ZERO,
    };
    status = gpu_address_map(process, &zero, address);
    if (!NT_SUCCESS(status))
        gpu_address_free(process, *address, args->size);
    return status;
}

NTSTATUS host_reserve_address(struct host_call *call, const void *command, void *reply)
{
    const struct wire_reservegpuvirtualaddress *request = command;
    struct wire_reservegpuvirtualaddress_reply *result = reply;
    struct gpu_process *process;
    uint64_t address = 0;
    if (!names_address_space(call, request->args.adapter) ||
        request->args.reservation_type > D3DDDIGPUVIRTUALADDRESS_RESERVE_NO_COMMIT)
        return STATUS_INVALID_PARAMETER;
    NTSTATUS status = host_process_gpu(call->process, call->adapter, &process);
    if (NT_SUCCESS(status))
        status = reserve(process, &request->args, &address);
    result->virtual_address = address;
    return status;
}

NTSTATUS host_free_address(struct host_call *call, const void *command, void *reply)
{
    const struct wire_freegpuvirtualaddress *request = command;
    struct gpu_process *process;
    (void)reply;
    if (!host_is_adapter_handle(call, request->args.adapter))
        return STATUS_INVALID_PARAMETER;
    NTSTATUS status = host_process_gpu(call->process, call->adapter, &process);
    if (NT_SUCCESS(status))
        status = gpu_address_free(process, request->args.base_address, request->args.size);
    return status;
}

/* Fills in one operation; *allocation receives a reference where it names one of the device's. */
static NTSTATUS convert_update(const struct host_call *call, uint32_t device,
                               const struct wire_gpuva_operation *operation,
                               struct gpu_update *update, struct host_allocation **allocation)
{
    /* map and map_protect, as well as the first two members of unmap, share their offsets. */
    const struct wire_gpuva_map_protect *map = &operation->map_protect;
    *update = (struct gpu_update){.type = (enum gpu_update_type)operation->operation};
    switch (operation->operation) {
    case GPU_UPDATE_MAP_PROTECT:
        update->protection = map->protection;
        /* fallthrough */
    case GPU_UPDATE_MAP:
        update->base = map->base_address;
        update->size = map->size;
        update->allocation_offset = map->allocation_offset;
        update->allocation_size = map->allocation_size;
        if (!map->allocation)
            return STATUS_SUCCESS;
        *allocation = host_find_allocation(call, map->allocation);
        if (!*allocation || (*allocation)->device->object.handle != device)
            return STATUS_INVALID_PARAMETER;
        update->allocation = (*allocation)->gpu;
        return STATUS_SUCCESS;
    case GPU_UPDATE_UNMAP:
        update->base = operation->unmap.base_address;
        update->size = operation->unmap.size;
        update->protection = operation->unmap.protection;
        return STATUS_SUCCESS;
    case GPU_UPDATE_COPY:
        update->base = operation->copy.dest_address;
        update->size = operation->copy.size;
        update->source = operation->copy.source_address;
        return STATUS_SUCCESS;
    default:
        return STATUS_INVALID_PARAMETER;
    }
}

/* WDDM's order: wait until the fence has the value, update, signal the next value. */
static NTSTATUS enqueue_updates(struct host_call *call,
                                const struct wire_updategpuvirtualaddress *request,
                                const struct gpu_update *updates, uint32_t count)
{
    NTSTATUS status = STATUS_INVALID_PARAMETER;
    uint64_t value = request->fence_value;
    uint64_t next = value + 1;
    struct host_context *context = host_find_context(call, request->context);
    struct host_sync *fence =
        (void *)host_table_find(&call->process->table, request->fence_object, HOST_KIND_SYNC);
    if (context && context->device->object.handle == request->device && fence && fence->fence &&
        !fence->implicit && gpu_fence_get_type(fence->fence) == GPU_FENCE_MONITORED) {
        struct gpu_queue *queue = gpu_context_queue(context->gpu);
        status = STATUS_SUCCESS;
        if (!(request->flags & WIRE_UPDATE_GPUVA_DO_NOT_WAIT))
            status = gpu_queue_wait(queue, 1, &fence->fence, &value);
        if (NT_SUCCESS(status))
            status = gpu_queue_update(queue, count, updates);
        if (NT_SUCCESS(status))
            status = gpu_queue_signal(queue, 1, &fence->fence, &next);
    }
    host_object_release(fence ? &fence->object : NULL);
    host_object_release(context ? &context->object : NULL);
    return status;
}

NTSTATUS host_update_address(struct host_call *call, const void *command, void *reply)
{
    const struct wire_updategpuvirtualaddress *request = command;
    const struct wire_span *operations =
        &call->request->tails[WIRE_TAIL_UPDATEGPUVIRTUALADDRESS_OPERATIONS];
    uint32_t count = operations->count;
    uint32_t converted = 0;
    NTSTATUS status = STATUS_SUCCESS;
    (void)reply;
    if (count < 1 || count > MAX_UPDATES)
        return STATUS_INVALID_PARAMETER;
    struct gpu_update *updates = calloc(count, sizeof(*updates));
    struct host_allocation **holders = calloc(count, sizeof(struct host_allocation *));
    if (!updates || !holders)
        status = STATUS_NO_MEMORY;
    for (; converted < count && NT_SUCCESS(status); converted++) {
        struct wire_gpuva_operation operation;
        memcpy(&operation, wire_span_at(operations, converted), sizeof(operation));
        status = convert_update(call, request->device, &operation, &updates[converted],
                                &holders[converted]);
    }
    if (NT_SUCCESS(status))
        status = enqueue_updates(call, request, updates, count);
    for (uint32_t i = 0; holders && i < converted; i++)
        host_object_release(holders[i] ? &holders[i]->object : NULL);
    free(holders);
    free(updates);
    return status;
}
