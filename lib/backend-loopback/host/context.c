/* SPDX-License-Identifier: MIT */
/* Contexts, hardware queues and submissions. */
#include <stdlib.h>

#include "backend-loopback/host/command.h"

/* ---- contexts */

static void destroy_context(struct host_object *object)
{
    gpu_context_destroy(((struct host_context *)(void *)object)->gpu);
}

static NTSTATUS new_context(struct host_call *call, struct host_device *device,
                            const struct wire_createcontextvirtual *create, void *private_data,
                            uint32_t private_data_size, uint32_t *handle)
{
    struct host_context *context =
        host_object_create(sizeof(*context), HOST_KIND_CONTEXT, &device->object, NULL);
    if (!context)
        return STATUS_NO_MEMORY;
    context->device = device;
    context->null_rendering = (create->flags & WIRE_CONTEXT_NULL_RENDERING) != 0;
    context->for_hw_queues = (create->flags & WIRE_CONTEXT_HW_QUEUE_SUPPORTED) != 0;
    NTSTATUS status = gpu_context_create(device->gpu, create->node_ordinal, private_data,
                                         private_data_size, &context->gpu);
    if (!NT_SUCCESS(status)) {
        host_object_release(&context->object);
        return status;
    }
    context->object.destroy = destroy_context;
    return host_publish(call, &context->object, handle);
}

NTSTATUS host_create_context(struct host_call *call, const void *command, void *reply)
{
    const struct wire_createcontextvirtual *create = command;
    struct wire_createcontextvirtual *echo = reply;
    const struct wire_span *tail =
        &call->request->tails[WIRE_TAIL_CREATECONTEXTVIRTUAL_PRIV_DRV_DATA];
    bool failed = false;
    uint32_t handle;
    struct host_device *device = host_find_device(call, create->device);
    if (!device)
        return STATUS_INVALID_PARAMETER;
    void *private_data = host_copy_span(tail, &failed);
    NTSTATUS status = failed
                          ? STATUS_NO_MEMORY
                          : new_context(call, device, create, private_data, tail->count, &handle);
    if (NT_SUCCESS(status)) {
        echo->context = handle;
        if (tail->count)
            memcpy((unsigned char *)reply + sizeof(*echo), private_data, tail->count);
    }
    free(private_data);
    host_object_release(&device->object);
    return status;
}

NTSTATUS host_destroy_context(struct host_call *call, const void *command, void *reply)
{
    const struct wire_destroycontext *destroy = command;
    (void)reply;
    struct host_context *context = host_find_context(call, destroy->context);
    if (!context)
        return STATUS_INVALID_PARAMETER;
    host_objects_release(host_table_collect(&call->process->table, &context->object));
    host_object_release(&context->object);
    return STATUS_SUCCESS;
}

typedef NTSTATUS set_priority(struct gpu_queue *queue, int32_t priority);

/* The context's hardware queues follow it. */
static void set_hw_queues(struct host_call *call, const struct host_context *context,
                          set_priority *set, int32_t priority)
{
    uint32_t count;
    struct host_object **owned =
        host_table_owned(&call->process->table, &context->object, HOST_KIND_HW_QUEUE, &count);
    for (uint32_t i = 0; owned && i < count; i++) {
        set(gpu_hw_queue_queue(((struct host_hw_queue *)(void *)owned[i])->gpu), priority);
        host_object_release(owned[i]);
    }
    free(owned);
}

NTSTATUS host_set_context_priority(struct host_call *call, const void *command, void *reply)
{
    const struct wire_setcontextschedulingpriority *set = command;
    (void)reply;
    struct host_context *context = host_find_context(call, set->context);
    if (!context)
        return STATUS_INVALID_PARAMETER;
    set_priority *apply =
        set->in_process ? gpu_queue_set_in_process_priority : gpu_queue_set_priority;
    NTSTATUS status = apply(gpu_context_queue(context->gpu), set->priority);
    if (NT_SUCCESS(status))
        set_hw_queues(call, context, apply, set->priority);
    host_object_release(&context->object);
    return status;
}

NTSTATUS host_get_context_priority(struct host_call *call, const void *command, void *reply)
{
    const struct wire_getcontextschedulingpriority *get = command;
    struct wire_getcontextschedulingpriority_reply *result = reply;
    struct host_context *context = host_find_context(call, get->context);
    if (!context)
        return STATUS_INVALID_PARAMETER;
    struct gpu_queue *queue = gpu_context_queue(context->gpu);
    result->priority =
        get->in_process ? gpu_queue_get_in_process_priority(queue) : gpu_queue_get_priority(queue);
    host_object_release(&context->object);
    return STATUS_SUCCESS;
}

/* ---- hardware queues */

static void destroy_hw_queue(struct host_object *object)
{
    gpu_hw_queue_destroy(((struct host_hw_queue *)(void *)object)->gpu);
}

/* Makes the queue and the record of its progress fence; both have one reference. */
static NTSTATUS new_hw_queue(struct host_context *context, void *private_data,
                             uint32_t private_data_size, struct host_hw_queue **result,
                             struct host_sync **progress)
{
    struct host_hw_queue *queue =
        host_object_create(sizeof(*queue), HOST_KIND_HW_QUEUE, &context->object, NULL);
    if (!queue)
        return STATUS_NO_MEMORY;
    queue->context = context;
    NTSTATUS status =
        gpu_hw_queue_create(context->gpu, private_data, private_data_size, &queue->gpu);
    if (NT_SUCCESS(status)) {
        queue->object.destroy = destroy_hw_queue;
        struct gpu_fence *fence = gpu_hw_queue_progress_fence(queue->gpu);
        *progress =
            host_sync_create(&queue->object, GPU_FENCE_MONITORED, gpu_fence_reference(fence));
        if (!*progress)
            status = STATUS_NO_MEMORY;
    }
    if (!NT_SUCCESS(status)) {
        host_object_release(&queue->object);
        return status;
    }
    (*progress)->implicit = true;
    *result = queue;
    return STATUS_SUCCESS;
}

static NTSTATUS publish_hw_queue(struct host_call *call, struct host_hw_queue *queue,
                                 struct host_sync *progress, struct wire_createhwqueue *echo)
{
    struct host_object *objects[] = {&queue->object, &progress->object};
    uint64_t address;
    if (!host_io_space_address(call->guest, gpu_fence_offset(progress->fence), GPU_PAGE_SIZE,
                               &address))
        return STATUS_NO_MEMORY;
    uint64_t gpu_address = gpu_hw_queue_progress_address(queue->gpu);
    NTSTATUS status = host_table_insert(&call->process->table, objects, 2);
    if (!NT_SUCCESS(status))
        return status;
    echo->hwqueue = queue->object.handle;
    echo->hwqueue_progress_fence = progress->object.handle;
    echo->hwqueue_progress_fence_cpuva = address;
    echo->hwqueue_progress_fence_gpuva = gpu_address;
    return STATUS_SUCCESS;
}

NTSTATUS host_create_hw_queue(struct host_call *call, const void *command, void *reply)
{
    const struct wire_createhwqueue *create = command;
    struct wire_createhwqueue *echo = reply;
    const struct wire_span *tail = &call->request->tails[WIRE_TAIL_CREATEHWQUEUE_PRIV_DRV_DATA];
    struct host_hw_queue *queue;
    struct host_sync *progress;
    bool failed = false;
    struct host_context *context = host_find_context(call, create->context);
    if (!context)
        return STATUS_INVALID_PARAMETER;
    if (!context->for_hw_queues) {
        host_object_release(&context->object);
        return STATUS_INVALID_PARAMETER;
    }
    void *private_data = host_copy_span(tail, &failed);
    NTSTATUS status = failed ? STATUS_NO_MEMORY
                             : new_hw_queue(context, private_data, tail->count, &queue, &progress);
    if (NT_SUCCESS(status)) {
        status = publish_hw_queue(call, queue, progress, echo);
        if (tail->count)
            memcpy((unsigned char *)reply + sizeof(*echo), private_data, tail->count);
        host_object_release(&progress->object);
        host_object_release(&queue->object);
    }
    free(private_data);
    host_object_release(&context->object);
    return status;
}

NTSTATUS host_destroy_hw_queue(struct host_call *call, const void *command, void *reply)
{
    const struct wire_destroyhwqueue *destroy = command;
    (void)reply;
    struct host_hw_queue *queue = host_find_hw_queue(call, destroy->hwqueue);
    if (!queue)
        return STATUS_INVALID_PARAMETER;
    host_objects_release(host_table_collect(&call->process->table, &queue->object));
    host_object_release(&queue->object);
    return STATUS_SUCCESS;
}

/* ---- submissions */

static const struct host_context *context_of(const struct host_object *holder)
{
    return (const struct host_context *)(const void *)holder;
}

/* Hardware queues have a command of their own, which says where their progress is told. */
static bool take_command_buffers(const struct host_queues *queues)
{
    for (uint32_t i = 0; i < queues->count; i++)
        if (queues->holders[i]->kind != HOST_KIND_CONTEXT ||
            context_of(queues->holders[i])->for_hw_queues)
            return false;
    return true;
}

/* History buffers and primaries concern presentation, which there is none of. */
NTSTATUS host_submit_command(struct host_call *call, const void *command, void *reply)
{
    const struct wire_submitcommand_args *args =
        &((const struct wire_submitcommand *)command)->args;
    const struct wire_span *private_data =
        &call->request->tails[WIRE_TAIL_SUBMITCOMMAND_PRIV_DRV_DATA];
    struct wire_span contexts = {(const unsigned char *)args->broadcast_context,
                                 args->broadcast_context_count, 4};
    struct host_queues queues;
    (void)reply;
    NTSTATUS status = host_queues_find(call, &contexts, &queues);
    if (NT_SUCCESS(status) && !take_command_buffers(&queues))
        status = STATUS_INVALID_PARAMETER;
    for (uint32_t i = 0; i < queues.count && NT_SUCCESS(status); i++) {
        if (args->flags & WIRE_SUBMIT_NULL_RENDERING ||
            context_of(queues.holders[i])->null_rendering)
            continue;
        status = gpu_queue_submit(queues.list[i], args->command_buffer, args->command_length,
                                  private_data->data, private_data->count);
    }
    if (!NT_SUCCESS(status))
        host_async_failure(call, queues.device, status);
    host_queues_drop(&queues);
    return status;
}

NTSTATUS host_submit_command_to_hw_queue(struct host_call *call, const void *command, void *reply)
{
    const struct wire_submitcommandtohwqueue_args *args =
        &((const struct wire_submitcommandtohwqueue *)command)->args;
    const struct wire_span *private_data =
        &call->request->tails[WIRE_TAIL_SUBMITCOMMANDTOHWQUEUE_PRIV_DRV_DATA];
    (void)reply;
    struct host_hw_queue *queue = host_find_hw_queue(call, args->hwqueue);
    if (!queue)
        return STATUS_INVALID_PARAMETER;
    NTSTATUS status = gpu_queue_submit_progress(
        gpu_hw_queue_queue(queue->gpu), args->command_buffer, args->command_length,
        private_data->data, private_data->count, args->hwqueue_progress_fence_id);
    if (!NT_SUCCESS(status))
        host_async_failure(call, queue->context->device, status);
    host_object_release(&queue->object);
    return status;
}
