/* SPDX-License-Identifier: MIT */
/* Hardware queues and their progress fences. */
#include "core/guest/call.h"
#include "core/guest/message.h"
#include "core/last_error.h"

#include <string.h>

enum { FENCE_PAGE_SIZE = 4096 };

static void free_hw_queue(struct reference *reference)
{
    struct guest_hw_queue *queue = (struct guest_hw_queue *)reference;
    struct guest_context *context = queue->context;

    guest_vm_unmap_io(queue->object.process->vm, queue->fence_mapping, FENCE_PAGE_SIZE);
    guest_object_free(&queue->object, &queue->object.process->hw_queue_pool);
    guest_object_release(context);
}

/* handle: as the caller spelt it; the instance bits are the host's business. */
static NTSTATUS send_destroy(struct guest_hw_queue *queue, D3DKMT_HANDLE handle)
{
    struct guest_process *process = queue->object.process;

    return guest_message_send_handle(process->vm, guest_device_adapter(queue->object.device),
                                     process->host_handle, WIRE_VGPU_DESTROYHWQUEUE, handle);
}

static void undo_create(struct guest_hw_queue *queue)
{
    d3dkmti_undo_begin();
    if (queue->object.handle != 0)
        (void)send_destroy(queue, queue->object.handle);
    d3dkmti_undo_end();
}

/* ---- create */

/* Outputs in dxgkrnl's order: handles and addresses, then the private data. */
static NTSTATUS write_outputs(struct guest_hw_queue *queue, const struct guest_message *message,
                              const D3DKMT_CREATEHWQUEUE *args, D3DKMT_CREATEHWQUEUE *caller)
{
    struct guest_process *process = queue->object.process;
    const struct wire_createhwqueue *answer = (const void *)message->reply.bytes;
    NTSTATUS status = GUEST_WRITE(process, caller->hHwQueue, queue->object.handle);

    if (NT_SUCCESS(status))
        status = GUEST_WRITE(process, caller->hHwQueueProgressFence, queue->progress_fence);
    if (NT_SUCCESS(status))
        status = GUEST_WRITE(process, caller->HwQueueProgressFenceCPUVirtualAddress,
                             queue->fence_mapping);
    if (NT_SUCCESS(status))
        status = GUEST_WRITE(process, caller->HwQueueProgressFenceGPUVirtualAddress,
                             answer->hwqueue_progress_fence_gpuva);
    /* As in the driver, the queue does not fail for private data that cannot be given back. */
    if (NT_SUCCESS(status))
        (void)guest_write(process, args->pPrivateDriverData,
                          message->reply.tails[WIRE_TAIL_CREATEHWQUEUE_PRIV_DRV_DATA].data,
                          args->PrivateDriverDataSize, "pPrivateDriverData");
    return status;
}

static NTSTATUS publish(struct guest_hw_queue *queue)
{
    struct handle_insertion insertions[] = {
        {queue->object.handle, HANDLE_TYPE_HW_QUEUE, queue},
        {queue->progress_fence, HANDLE_TYPE_QUEUE_FENCE, NULL},
    };

    return guest_child_publish(&queue->object, insertions, 2);
}

static NTSTATUS create(struct guest_hw_queue *queue, const D3DKMT_CREATEHWQUEUE *args,
                       D3DKMT_CREATEHWQUEUE *caller)
{
    struct guest_process *process = queue->object.process;
    UINT size = args->PrivateDriverDataSize;
    struct guest_message message;
    struct wire_createhwqueue *command =
        guest_message_begin(&message, process->vm, guest_device_adapter(queue->object.device),
                            process->host_handle, WIRE_VGPU_CREATEHWQUEUE, size);

    if (!command)
        return STATUS_NO_MEMORY;
    command->context = args->hHwContext;
    command->flags = args->Flags.Value;
    command->priv_drv_data_size = size;
    NTSTATUS status =
        guest_read_tail(process, &message, args->pPrivateDriverData, size, "pPrivateDriverData");
    if (NT_SUCCESS(status))
        status = guest_message_exchange(&message);
    if (message.answered) {
        const struct wire_createhwqueue *answer = (const void *)message.reply.bytes;

        queue->object.handle = answer->hwqueue;
        queue->progress_fence = answer->hwqueue_progress_fence;
        if (NT_SUCCESS(status))
            status = guest_vm_map_io(process->vm, answer->hwqueue_progress_fence_cpuva,
                                     FENCE_PAGE_SIZE, false, true, &queue->fence_mapping);
        if (NT_SUCCESS(status))
            status = write_outputs(queue, &message, args, caller);
        if (NT_SUCCESS(status))
            status = publish(queue);
        if (!NT_SUCCESS(status))
            undo_create(queue);
    }
    guest_message_end(&message);
    return NT_SUCCESS(status) ? STATUS_SUCCESS : status;
}

NTSTATUS guest_create_hw_queue(struct guest_process *process, const D3DKMT_CREATEHWQUEUE *args,
                               D3DKMT_CREATEHWQUEUE *caller)
{
    struct guest_context *context =
        guest_child_acquire(process, args->hHwContext, HANDLE_TYPE_CONTEXT, "hHwContext");

    if (!context)
        return STATUS_INVALID_PARAMETER;
    struct guest_hw_queue *queue = NULL;
    NTSTATUS status = guest_device_check_active(context->object.device);
    if (NT_SUCCESS(status))
        status = guest_check_count("PrivateDriverDataSize", args->PrivateDriverDataSize, 0,
                                   GUEST_PRIVATE_DATA_MAX);
    if (!NT_SUCCESS(status))
        goto out;
    queue = guest_object_create(process, &process->hw_queue_pool, HANDLE_TYPE_HW_QUEUE,
                                context->object.device, free_hw_queue);
    status = STATUS_NO_MEMORY;
    if (queue) {
        reference_acquire(&context->object.reference);
        queue->context = context;
        status = create(queue, args, caller);
        if (!NT_SUCCESS(status))
            guest_object_release(queue);
    }
out:
    guest_object_release(context);
    return status;
}

/* ---- destroy */

/* Takes the queue and its fence out of the table; false when somebody else did. */
static bool withdraw(struct guest_hw_queue *queue)
{
    if (!guest_child_withdraw(&queue->object))
        return false;
    handle_table_remove(&queue->object.process->handles, queue->progress_fence,
                        HANDLE_TYPE_QUEUE_FENCE, NULL);
    return true;
}

void guest_hw_queue_drop(struct guest_hw_queue *queue)
{
    if (withdraw(queue))
        guest_object_release(queue);
}

NTSTATUS guest_destroy_hw_queue(struct guest_process *process, const D3DKMT_DESTROYHWQUEUE *args,
                                D3DKMT_DESTROYHWQUEUE *caller)
{
    (void)caller;
    struct guest_hw_queue *queue =
        guest_child_acquire(process, args->hHwQueue, HANDLE_TYPE_HW_QUEUE, "hHwQueue");
    NTSTATUS status = STATUS_INVALID_PARAMETER;

    if (!queue)
        return status;
    if (withdraw(queue)) {
        status = guest_adapter_check_active(guest_device_adapter(queue->object.device));
        if (NT_SUCCESS(status))
            status = send_destroy(queue, args->hHwQueue);
        guest_object_release(queue); /* the table's reference */
    }
    guest_object_release(queue);
    return status;
}
