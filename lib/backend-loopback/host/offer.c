/* SPDX-License-Identifier: MIT */
/* Offers and priorities, of allocations or of all that belong to a resource. */
#include <stdlib.h>

#include "backend-loopback/host/command.h"

enum {
    MAX_OFFER = 10240,
    MAX_PRIORITIES = 131072,
    MAX_PARTS = 1 << 20, /* allocations behind the handles of one message */
};

/* The allocations behind a list of handles. A resource stands for all of its allocations. */
struct parts {
    uint32_t count;
    uint32_t capacity;
    struct host_allocation **objects; /* references */
    struct gpu_allocation **list;
    uint32_t *entries; /* which handle of the list each belongs to */
    uint32_t *results; /* for the user: one each */
};

static void drop_parts(struct parts *parts)
{
    for (uint32_t i = 0; i < parts->count; i++)
        host_object_release(&parts->objects[i]->object);
    free(parts->objects);
    free(parts->list);
    free(parts->entries);
    free(parts->results);
}

static bool resize(void *array, size_t size, uint32_t count)
{
    void **place = array;
    void *grown = realloc(*place, size * count);
    if (grown)
        *place = grown;
    return grown;
}

static bool reserve_parts(struct parts *parts, uint32_t more)
{
    uint32_t needed = parts->count + more;
    if (needed <= parts->capacity)
        return true;
    uint32_t capacity = parts->capacity * 2 > needed ? parts->capacity * 2 : needed;
    if (!resize(&parts->objects, sizeof(*parts->objects), capacity) ||
        !resize(&parts->list, sizeof(*parts->list), capacity) ||
        !resize(&parts->entries, sizeof(*parts->entries), capacity) ||
        !resize(&parts->results, sizeof(*parts->results), capacity))
        return false;
    parts->capacity = capacity;
    return true;
}

/* Takes over the reference; there is room. */
static void add_part(struct parts *parts, struct host_object *object, uint32_t entry)
{
    struct host_allocation *allocation = (struct host_allocation *)(void *)object;
    parts->objects[parts->count] = allocation;
    parts->list[parts->count] = allocation->gpu;
    parts->entries[parts->count] = entry;
    parts->results[parts->count++] = 0;
}

static NTSTATUS add_allocation(const struct host_call *call, const struct host_device *device,
                               uint32_t handle, uint32_t entry, struct parts *parts)
{
    struct host_allocation *allocation = host_find_allocation(call, handle);
    NTSTATUS status = STATUS_INVALID_PARAMETER;
    if (allocation && allocation->device == device)
        status = reserve_parts(parts, 1) ? STATUS_SUCCESS : STATUS_NO_MEMORY;
    if (NT_SUCCESS(status))
        add_part(parts, &allocation->object, entry);
    else
        host_object_release(allocation ? &allocation->object : NULL);
    return status;
}

static NTSTATUS add_owned(const struct host_call *call, const struct host_resource *resource,
                          uint32_t entry, struct parts *parts)
{
    uint32_t count;
    NTSTATUS status = STATUS_SUCCESS;
    struct host_object **owned =
        host_table_owned(&call->process->table, &resource->object, HOST_KIND_ALLOCATION, &count);
    if (!owned)
        return STATUS_INVALID_PARAMETER;
    if (count > MAX_PARTS - parts->count)
        status = STATUS_INVALID_PARAMETER;
    else if (!reserve_parts(parts, count))
        status = STATUS_NO_MEMORY;
    for (uint32_t i = 0; i < count; i++) {
        if (NT_SUCCESS(status))
            add_part(parts, owned[i], entry);
        else
            host_object_release(owned[i]);
    }
    free(owned);
    return status;
}

static NTSTATUS add_resource(const struct host_call *call, const struct host_device *device,
                             uint32_t handle, uint32_t entry, struct parts *parts)
{
    struct host_resource *resource =
        (void *)host_table_find(&call->process->table, handle, HOST_KIND_RESOURCE);
    if (!resource)
        return STATUS_INVALID_PARAMETER;
    NTSTATUS status = resource->device == device ? add_owned(call, resource, entry, parts)
                                                 : STATUS_INVALID_PARAMETER;
    host_object_release(&resource->object);
    return status;
}

/* Everything must be the device's. Release with drop_parts in any case. */
static NTSTATUS find_parts(const struct host_call *call, const struct host_device *device,
                           const struct wire_span *handles, bool resources, uint32_t limit,
                           struct parts *parts)
{
    NTSTATUS status = STATUS_SUCCESS;
    *parts = (struct parts){0};
    if (handles->count < 1 || handles->count > limit)
        return STATUS_INVALID_PARAMETER;
    for (uint32_t i = 0; i < handles->count && NT_SUCCESS(status); i++) {
        uint32_t handle = wire_span_u32(handles, i);
        status = resources ? add_resource(call, device, handle, i, parts)
                           : add_allocation(call, device, handle, i, parts);
    }
    return status;
}

/* ---- offers */

/* With a shared resource all who opened it would have to offer. */
static NTSTATUS check_unshared(const struct parts *parts)
{
    for (uint32_t i = 0; i < parts->count; i++) {
        const struct host_allocation *allocation = parts->objects[i];
        if (allocation->opened || (allocation->resource && allocation->resource->shared))
            return STATUS_NOT_SUPPORTED;
    }
    return STATUS_SUCCESS;
}

/* Offers take effect at once, so there is nothing that OfferImmediately could hasten. */
NTSTATUS host_offer_allocations(struct host_call *call, const void *command, void *reply)
{
    const struct wire_offerallocations *offer = command;
    struct parts parts;
    (void)reply;
    if (offer->flags & ~(WIRE_OFFER_OFFER_IMMEDIATELY | WIRE_OFFER_ALLOW_DECOMMIT))
        return STATUS_INVALID_PARAMETER;
    struct host_device *device = host_find_device(call, offer->device);
    if (!device)
        return STATUS_INVALID_PARAMETER;
    NTSTATUS status =
        find_parts(call, device, &call->request->tails[WIRE_TAIL_OFFERALLOCATIONS_ALLOCATIONS],
                   offer->resources, MAX_OFFER, &parts);
    if (NT_SUCCESS(status))
        status = check_unshared(&parts);
    if (NT_SUCCESS(status))
        status = gpu_device_offer(device->gpu, parts.count, parts.list,
                                  (enum gpu_offer_priority)offer->priority,
                                  (offer->flags & WIRE_OFFER_ALLOW_DECOMMIT) != 0);
    drop_parts(&parts);
    host_object_release(&device->object);
    return status;
}

/* The worst of each entry's parts; the numbers grow with the loss. */
static void append_results(struct host_call *call, const struct parts *parts, uint32_t entries)
{
    uint32_t part = 0;
    for (uint32_t entry = 0; entry < entries; entry++) {
        uint32_t worst = GPU_RECLAIM_OK;
        for (; part < parts->count && parts->entries[part] == entry; part++)
            worst = parts->results[part] > worst ? parts->results[part] : worst;
        wire_append(&call->out, &worst, sizeof(worst));
    }
}

static bool is_all_committed(const struct parts *parts)
{
    uint32_t i = 0;
    while (i < parts->count && parts->results[i] != GPU_RECLAIM_NOT_COMMITTED)
        i++;
    return i == parts->count;
}

static NTSTATUS reclaim(struct host_call *call, const struct wire_reclaimallocations *request,
                        struct host_paging_queue *queue,
                        struct wire_reclaimallocations_reply *result)
{
    const struct wire_span *handles =
        &call->request->tails[WIRE_TAIL_RECLAIMALLOCATIONS_ALLOCATIONS];
    uint64_t fence_value = 0;
    struct parts parts;
    NTSTATUS status =
        find_parts(call, queue->device, handles, request->resources, MAX_OFFER, &parts);
    if (NT_SUCCESS(status))
        status = gpu_paging_queue_reclaim(queue->gpu, parts.count, parts.list, parts.results,
                                          &fence_value);
    result->paging_fence_value = fence_value;
    /* Who does not ask for results must learn it from the status. */
    if (NT_SUCCESS(status) && !request->write_results && !is_all_committed(&parts))
        status = STATUS_NO_MEMORY;
    if (NT_SUCCESS(status))
        append_results(call, &parts, request->write_results ? handles->count : 1);
    drop_parts(&parts);
    return status;
}

NTSTATUS host_reclaim_allocations(struct host_call *call, const void *command, void *reply)
{
    const struct wire_reclaimallocations *request = command;
    struct host_paging_queue *queue = host_find_paging_queue(call, request->paging_queue);
    if (!queue)
        return STATUS_INVALID_PARAMETER;
    NTSTATUS status = STATUS_INVALID_PARAMETER;
    if (queue->device->object.handle == request->device)
        status = reclaim(call, request, queue, reply);
    host_object_release(&queue->object);
    return status;
}

/* ---- priorities */

/* Either a resource or a list. */
static NTSTATUS find_prioritised(struct host_call *call, uint32_t device_handle, uint32_t resource,
                                 const struct wire_span *handles, struct parts *parts)
{
    struct wire_span one = {(const unsigned char *)&resource, 1, sizeof(resource)};
    *parts = (struct parts){0};
    struct host_device *device = host_find_device(call, device_handle);
    if (!device)
        return STATUS_INVALID_PARAMETER;
    NTSTATUS status = STATUS_INVALID_PARAMETER;
    if (!resource || handles->count == 0)
        status = find_parts(call, device, resource ? &one : handles, resource != 0, MAX_PRIORITIES,
                            parts);
    host_object_release(&device->object);
    return status;
}

NTSTATUS host_set_allocation_priority(struct host_call *call, const void *command, void *reply)
{
    const struct wire_setallocationpriority *set = command;
    const struct wire_span *tails = call->request->tails;
    const struct wire_span *priorities = &tails[WIRE_TAIL_SETALLOCATIONPRIORITY_PRIORITIES];
    struct parts parts;
    (void)reply;
    NTSTATUS status = find_prioritised(call, set->device, set->resource,
                                       &tails[WIRE_TAIL_SETALLOCATIONPRIORITY_ALLOCATIONS], &parts);
    for (uint32_t i = 0; i < parts.count && NT_SUCCESS(status); i++)
        gpu_allocation_set_priority(parts.list[i], wire_span_u32(priorities, parts.entries[i]));
    drop_parts(&parts);
    return status;
}

/* Of a resource the lowest, which is where it begins to lose memory. */
NTSTATUS host_get_allocation_priority(struct host_call *call, const void *command, void *reply)
{
    const struct wire_getallocationpriority *get = command;
    struct parts parts;
    uint32_t priority = UINT32_MAX;
    (void)reply;
    NTSTATUS status = find_prioritised(
        call, get->device, get->resource,
        &call->request->tails[WIRE_TAIL_GETALLOCATIONPRIORITY_ALLOCATIONS], &parts);
    for (uint32_t i = 0; i < parts.count && NT_SUCCESS(status); i++) {
        uint32_t own = gpu_allocation_get_priority(parts.list[i]);
        priority = !get->resource || own < priority ? own : priority;
        if (!get->resource || i + 1 == parts.count)
            wire_append(&call->out, &priority, sizeof(priority));
    }
    drop_parts(&parts);
    return status;
}
