/* SPDX-License-Identifier: MIT */
/* Contexts and hardware queues: a queue each, and the miniport's part of it. */
#include "backend-loopback/gpu/context.h"

#include <stdlib.h>

#include "backend-loopback/gpu/address.h"
#include "backend-loopback/gpu/engine.h"
#include "backend-loopback/gpu/fence.h"

struct gpu_context {
    struct gpu_device *device; /* a reference */
    uint32_t node;
    void *driver_context;
    struct gpu_queue *queue;
};

struct gpu_hw_queue {
    struct gpu_device *device; /* a reference */
    void *driver_context;
    struct gpu_queue *queue;
    uint64_t progress_address;
};

static NTSTATUS ask_miniport(struct gpu_device *device, struct kmd_context_info *info,
                             void **driver_context)
{
    struct gpu_adapter *adapter = device->process->adapter;

    *driver_context = NULL;
    if (!adapter->miniport->CreateContext)
        return STATUS_SUCCESS;
    return adapter->miniport->CreateContext(adapter->miniport_adapter, device->driver_device, info,
                                            driver_context);
}

static void tell_miniport(struct gpu_device *device, void *driver_context)
{
    struct gpu_adapter *adapter = device->process->adapter;

    if (adapter->miniport->DestroyContext)
        adapter->miniport->DestroyContext(adapter->miniport_adapter, driver_context);
}

NTSTATUS gpu_context_create(struct gpu_device *device, uint32_t node, void *private_data,
                            uint32_t private_data_size, struct gpu_context **context)
{
    struct kmd_context_info info = {node, false, private_data, private_data_size};
    struct gpu_context *created;
    NTSTATUS status;

    if (node >= device->process->adapter->info.node_count)
        return STATUS_INVALID_PARAMETER;
    created = calloc(1, sizeof(*created));
    if (!created)
        return STATUS_NO_MEMORY;
    created->device = device;
    created->node = node;
    status = ask_miniport(device, &info, &created->driver_context);
    if (!NT_SUCCESS(status))
        goto fail_miniport;
    status = gpu_queue_create(device, node, created->driver_context, NULL, &created->queue);
    if (!NT_SUCCESS(status))
        goto fail_queue;
    gpu_references_take(&device->references);
    *context = created;
    return STATUS_SUCCESS;

fail_queue:
    tell_miniport(device, created->driver_context);
fail_miniport:
    free(created);
    return status;
}

void gpu_context_destroy(struct gpu_context *context)
{
    if (!context)
        return;
    gpu_queue_destroy(context->queue);
    tell_miniport(context->device, context->driver_context);
    gpu_device_release(context->device);
    free(context);
}

struct gpu_queue *gpu_context_queue(struct gpu_context *context)
{
    return context->queue;
}

struct gpu_device *gpu_context_device(const struct gpu_context *context)
{
    return context->device;
}

uint32_t gpu_context_node(const struct gpu_context *context)
{
    return context->node;
}

/* ---- Hardware queues */

static void drop_progress(struct gpu_hw_queue *queue)
{
    /* The process may have ended before and have unmapped it: then there is nothing to free. */
    (void)gpu_address_free(queue->device->process, queue->progress_address, GPU_PAGE_SIZE);
}

NTSTATUS gpu_hw_queue_create(struct gpu_context *context, void *private_data,
                             uint32_t private_data_size, struct gpu_hw_queue **queue)
{
    struct gpu_device *device = context->device;
    struct kmd_context_info info = {context->node, true, private_data, private_data_size};
    struct gpu_fence_config config = {.type = GPU_FENCE_MONITORED, .device = device};
    struct gpu_hw_queue *created = calloc(1, sizeof(*created));
    struct gpu_fence *progress;
    NTSTATUS status;

    if (!created)
        return STATUS_NO_MEMORY;
    created->device = device;
    status = gpu_fence_create(device->process->adapter->machine, &config, &progress);
    if (!NT_SUCCESS(status))
        goto fail_fence;
    status = gpu_address_map_fence(device->process, progress, false, &created->progress_address);
    if (!NT_SUCCESS(status))
        goto fail_map;
    status = ask_miniport(device, &info, &created->driver_context);
    if (!NT_SUCCESS(status))
        goto fail_miniport;
    /* The queue takes over the reference to the fence. */
    status =
        gpu_queue_create(device, context->node, created->driver_context, progress, &created->queue);
    if (!NT_SUCCESS(status))
        goto fail_queue;
    gpu_queue_inherit_priorities(created->queue, context->queue);
    gpu_references_take(&device->references);
    *queue = created;
    return STATUS_SUCCESS;

fail_queue:
    tell_miniport(device, created->driver_context);
fail_miniport:
    drop_progress(created);
fail_map:
    gpu_fence_release(progress);
fail_fence:
    free(created);
    return status;
}

void gpu_hw_queue_destroy(struct gpu_hw_queue *queue)
{
    if (!queue)
        return;
    drop_progress(queue);
    gpu_queue_destroy(queue->queue);
    tell_miniport(queue->device, queue->driver_context);
    gpu_device_release(queue->device);
    free(queue);
}

struct gpu_queue *gpu_hw_queue_queue(struct gpu_hw_queue *queue)
{
    return queue->queue;
}

struct gpu_fence *gpu_hw_queue_progress_fence(struct gpu_hw_queue *queue)
{
    return queue->queue->progress;
}

uint64_t gpu_hw_queue_progress_address(const struct gpu_hw_queue *queue)
{
    return queue->progress_address;
}
