/* SPDX-License-Identifier: MIT */
/* Residency of allocations: making and ending it, and where they are. */
#include <stdlib.h>

#include "backend-loopback/host/command.h"

enum { MAX_RESIDENCY = 10240, INLINE_ALLOCATIONS = 64 };

/* The allocations of a tail, as the simulated hardware knows them. */
struct allocation_list {
    struct host_objects objects;
    struct gpu_allocation **list;
    struct gpu_allocation *inline_list[INLINE_ALLOCATIONS];
};

static void drop_allocations(struct allocation_list *allocations)
{
    host_objects_drop(&allocations->objects);
    if (allocations->list != allocations->inline_list)
        free(allocations->list);
}

/* All must be the device's. Release with drop_allocations in any case. */
static NTSTATUS find_allocations(const struct host_call *call, const struct host_device *device,
                                 const struct wire_span *handles,
                                 struct allocation_list *allocations)
{
    allocations->list = allocations->inline_list;
    allocations->objects.count = 0;
    allocations->objects.list = allocations->objects.inline_list;
    if (handles->count < 1 || handles->count > MAX_RESIDENCY)
        return STATUS_INVALID_PARAMETER;
    if (handles->count > INLINE_ALLOCATIONS)
        allocations->list = malloc(handles->count * sizeof(struct gpu_allocation *));
    if (!allocations->list)
        return STATUS_NO_MEMORY;
    NTSTATUS status = host_objects_find(call, handles, HOST_KIND_ALLOCATION, &allocations->objects);
    for (uint32_t i = 0; i < allocations->objects.count; i++) {
        struct host_allocation *allocation =
            (struct host_allocation *)(void *)allocations->objects.list[i];
        if (allocation->device != device)
            status = STATUS_INVALID_PARAMETER;
        allocations->list[i] = allocation->gpu;
    }
    return status;
}

NTSTATUS host_make_resident(struct host_call *call, const void *command, void *reply)
{
    const struct wire_makeresident *make = command;
    struct wire_makeresident_reply *result = reply;
    struct allocation_list allocations;
    struct host_paging_queue *queue = host_find_paging_queue(call, make->paging_queue);
    if (!queue)
        return STATUS_INVALID_PARAMETER;
    NTSTATUS status =
        find_allocations(call, queue->device,
                         &call->request->tails[WIRE_TAIL_MAKERESIDENT_ALLOCATIONS], &allocations);
    uint64_t fence_value = 0;
    uint64_t bytes_to_trim = 0;
    if (NT_SUCCESS(status))
        status =
            gpu_paging_queue_make_resident(queue->gpu, allocations.objects.count, allocations.list,
                                           make->flags, &fence_value, &bytes_to_trim);
    result->paging_fence_value = fence_value;
    result->num_bytes_to_trim = bytes_to_trim;
    drop_allocations(&allocations);
    host_object_release(&queue->object);
    return status;
}

/* The flags: EvictOnlyIfNecessary allows to wait until others need the room, NotWrittenTo not to
 * save what has not changed. Here everything is let go at once, and nothing need be saved. */
NTSTATUS host_evict(struct host_call *call, const void *command, void *reply)
{
    const struct wire_evict *evict = command;
    struct wire_evict_reply *result = reply;
    struct allocation_list allocations;
    uint64_t bytes_to_trim = 0;
    struct host_device *device = host_find_device(call, evict->device);
    if (!device)
        return STATUS_INVALID_PARAMETER;
    NTSTATUS status = find_allocations(
        call, device, &call->request->tails[WIRE_TAIL_EVICT_ALLOCATIONS], &allocations);
    if (NT_SUCCESS(status))
        status = gpu_device_evict(device->gpu, allocations.objects.count, allocations.list,
                                  &bytes_to_trim);
    result->num_bytes_to_trim = bytes_to_trim;
    drop_allocations(&allocations);
    host_object_release(&device->object);
    return status;
}

static uint32_t residency_of(struct gpu_allocation *allocation)
{
    if (!gpu_allocation_is_resident(allocation))
        return D3DKMT_ALLOCATIONRESIDENCYSTATUS_NOTRESIDENT;
    return gpu_allocation_segment(allocation) == KMD_SEGMENT_LOCAL
               ? D3DKMT_ALLOCATIONRESIDENCYSTATUS_RESIDENTINGPUMEMORY
               : D3DKMT_ALLOCATIONRESIDENCYSTATUS_RESIDENTINSHAREDMEMORY;
}

/* The numbers rise from the best to the worst: a resource is where the worst of its parts is. */
static NTSTATUS residency_of_resource(struct host_call *call, const struct host_device *device,
                                      uint32_t handle)
{
    struct host_resource *resource =
        (void *)host_table_find(&call->process->table, handle, HOST_KIND_RESOURCE);
    uint32_t count = 0, worst = D3DKMT_ALLOCATIONRESIDENCYSTATUS_RESIDENTINGPUMEMORY;
    NTSTATUS status =
        resource && resource->device == device ? STATUS_SUCCESS : STATUS_INVALID_PARAMETER;
    struct host_object **parts = NULL;
    if (NT_SUCCESS(status)) {
        parts = host_table_owned(&call->process->table, &resource->object, HOST_KIND_ALLOCATION,
                                 &count);
        if (!parts)
            status = STATUS_INVALID_PARAMETER; /* it is empty, or there is no memory to look */
        for (uint32_t i = 0; parts && i < count; i++) {
            uint32_t residency =
                residency_of(((const struct host_allocation *)(void *)parts[i])->gpu);
            if (residency > worst)
                worst = residency;
            host_object_release(parts[i]);
        }
        if (parts)
            wire_append(&call->out, &worst, sizeof(worst));
    }
    free(parts);
    host_object_release(resource ? &resource->object : NULL);
    return status;
}

NTSTATUS host_query_residency(struct host_call *call, const void *command, void *reply)
{
    const struct wire_queryallocationresidency *query = command;
    const struct wire_span *handles =
        &call->request->tails[WIRE_TAIL_QUERYALLOCATIONRESIDENCY_ALLOCATIONS];
    struct allocation_list allocations;
    (void)reply;
    struct host_device *device = host_find_device(call, query->args.device);
    if (!device)
        return STATUS_INVALID_PARAMETER;
    if (query->args.resource) {
        NTSTATUS status = residency_of_resource(call, device, query->args.resource);
        host_object_release(&device->object);
        return status;
    }
    NTSTATUS status = find_allocations(call, device, handles, &allocations);
    for (uint32_t i = 0; i < allocations.objects.count && NT_SUCCESS(status); i++) {
        uint32_t residency = residency_of(allocations.list[i]);
        wire_append(&call->out, &residency, sizeof(residency));
    }
    drop_allocations(&allocations);
    host_object_release(&device->object);
    return status;
}

/* ---- where allocations live */

/* Segment ids count from 1 and are the groups' here; 0 ends the list. Which end of a segment is
 * filled from makes no difference. */
static NTSTATUS read_preference(uint32_t word, struct gpu_segments *segments)
{
    for (uint32_t i = 0; i < GPU_MAX_PREFERENCES; i++) {
        uint32_t id = word >> i * WIRE_SEGMENT_PREFERENCE_SEGMENT_ID1_SHIFT &
                      WIRE_SEGMENT_PREFERENCE_SEGMENT_ID0;
        if (id == 0)
            break;
        if (id > KMD_SEGMENT_GROUPS)
            return STATUS_INVALID_PARAMETER;
        segments->preferred[segments->preferred_count++] = (enum kmd_segment_group)(id - 1);
    }
    return segments->preferred_count ? STATUS_SUCCESS : STATUS_INVALID_PARAMETER;
}

static NTSTATUS read_properties(const struct wire_updateallocationproperty_args *args,
                                struct gpu_segments *segments)
{
    const uint32_t known =
        WIRE_PROPERTY_MASK_SET_SUPPORTED_SEGMENTSET | WIRE_PROPERTY_MASK_SET_PREFERRED_SEGMENT;
    *segments = (struct gpu_segments){0};
    if (args->property_mask & ~known)
        return STATUS_NOT_SUPPORTED; /* nothing here is accessed physically, or could not move */
    if (!args->property_mask)
        return STATUS_INVALID_PARAMETER;
    if (args->property_mask & WIRE_PROPERTY_MASK_SET_SUPPORTED_SEGMENTSET) {
        segments->supported = args->supported_segment_set;
        if (!segments->supported)
            return STATUS_INVALID_PARAMETER;
    }
    if (args->property_mask & WIRE_PROPERTY_MASK_SET_PREFERRED_SEGMENT)
        return read_preference(args->preferred_segment, segments);
    return STATUS_SUCCESS;
}

NTSTATUS host_update_allocation_property(struct host_call *call, const void *command, void *reply)
{
    const struct wire_updateallocationproperty_args *args =
        &((const struct wire_updateallocationproperty *)command)->args;
    struct wire_updateallocationproperty_reply *result = reply;
    struct gpu_segments segments;
    uint64_t fence_value = 0;
    struct host_paging_queue *queue = host_find_paging_queue(call, args->paging_queue);
    struct host_allocation *allocation = host_find_allocation(call, args->allocation);
    NTSTATUS status = STATUS_INVALID_PARAMETER;
    if (queue && allocation && allocation->device == queue->device)
        status = read_properties(args, &segments);
    if (NT_SUCCESS(status))
        status = gpu_paging_queue_place(queue->gpu, allocation->gpu, &segments, &fence_value);
    result->paging_fence_value = fence_value;
    host_object_release(allocation ? &allocation->object : NULL);
    host_object_release(queue ? &queue->object : NULL);
    return status;
}

/* Memory is handed over by paging operations, and by nothing else. */
NTSTATUS host_flush_heap_transitions(struct host_call *call, const void *command, void *reply)
{
    (void)command;
    (void)reply;
    gpu_adapter_flush_paging(call->adapter->gpu);
    return STATUS_SUCCESS;
}
