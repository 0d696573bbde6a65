/* SPDX-License-Identifier: MIT */
/* Paging queues and their fences. */
#include "core/guest/call.h"
#include "core/guest/message.h"
#include "core/last_error.h"

#include <string.h>

enum { FENCE_PAGE_SIZE = 4096 };

static void free_paging_queue(struct reference *reference)
{
    struct guest_paging_queue *queue = (struct guest_paging_queue *)reference;

    guest_vm_unmap_io(queue->object.process->vm, queue->fence_mapping, FENCE_PAGE_SIZE);
    guest_object_free(&queue->object, &queue->object.process->paging_queue_pool);
}

/* handle: as the caller spelt it; the instance bits are the host's business. */
static NTSTATUS send_destroy(struct guest_paging_queue *queue, D3DKMT_HANDLE handle)
{
    struct guest_process *process = queue->object.process;

    return guest_message_send_handle(process->vm, guest_device_adapter(queue->object.device),
                                     process->host_handle, WIRE_VGPU_DESTROYPAGINGQUEUE, handle);
}

/* Maps the fence, fills the caller's struct in and makes the queue known. */
static NTSTATUS finish_create(struct guest_paging_queue *queue, uint64_t fence_address,
                              const D3DKMT_CREATEPAGINGQUEUE *args,
                              D3DKMT_CREATEPAGINGQUEUE *caller)
{
    struct guest_process *process = queue->object.process;
    struct handle_insertion insertions[] = {
        {queue->object.handle, HANDLE_TYPE_PAGING_QUEUE, queue},
        {queue->fence, HANDLE_TYPE_QUEUE_FENCE, NULL},
    };
    D3DKMT_CREATEPAGINGQUEUE result = *args;
    NTSTATUS status = guest_vm_map_io(process->vm, fence_address, FENCE_PAGE_SIZE, false, true,
                                      &queue->fence_mapping);

    if (!NT_SUCCESS(status))
        return status;
    result.hPagingQueue = queue->object.handle;
    result.hSyncObject = queue->fence;
    result.FenceValueCPUVirtualAddress = queue->fence_mapping;
    status = GUEST_WRITE(process, *caller, result);
    if (NT_SUCCESS(status))
        status = guest_child_publish(&queue->object, insertions, 2);
    return status;
}

static NTSTATUS create(struct guest_paging_queue *queue, const D3DKMT_CREATEPAGINGQUEUE *args,
                       D3DKMT_CREATEPAGINGQUEUE *caller)
{
    struct guest_process *process = queue->object.process;
    struct guest_message message;
    struct wire_createpagingqueue *command =
        guest_message_begin(&message, process->vm, guest_device_adapter(queue->object.device),
                            process->host_handle, WIRE_VGPU_CREATEPAGINGQUEUE, 0);

    if (!command)
        return STATUS_NO_MEMORY;
    memcpy(&command->args, args, sizeof(command->args));
    NTSTATUS status = guest_message_exchange(&message);
    if (NT_SUCCESS(status)) {
        const struct wire_createpagingqueue_reply *answer = (const void *)message.reply.bytes;

        queue->object.handle = answer->paging_queue;
        queue->fence = answer->sync_object;
        status = finish_create(queue, answer->fence_storage_physical_address, args, caller);
        if (!NT_SUCCESS(status) && queue->object.handle != 0) {
            d3dkmti_undo_begin();
            (void)send_destroy(queue, queue->object.handle);
            d3dkmti_undo_end();
        }
    }
    guest_message_end(&message);
    return status;
}

NTSTATUS guest_create_paging_queue(struct guest_process *process,
                                   const D3DKMT_CREATEPAGINGQUEUE *args,
                                   D3DKMT_CREATEPAGINGQUEUE *caller)
{
    struct guest_device *device = guest_device_acquire(process, args->hDevice, "hDevice");

    if (!device)
        return STATUS_INVALID_PARAMETER;
    NTSTATUS status = guest_device_check_active(device);
    if (NT_SUCCESS(status)) {
        struct guest_paging_queue *queue =
            guest_object_create(process, &process->paging_queue_pool, HANDLE_TYPE_PAGING_QUEUE,
                                device, free_paging_queue);

        status = queue ? create(queue, args, caller) : STATUS_NO_MEMORY;
        if (!NT_SUCCESS(status))
            guest_object_release(queue);
    }
    guest_object_release(device);
    return status;
}

/* Takes the queue and its fence out of the table; false when somebody else did. */
static bool withdraw(struct guest_paging_queue *queue)
{
    if (!guest_child_withdraw(&queue->object))
        return false;
    handle_table_remove(&queue->object.process->handles, queue->fence, HANDLE_TYPE_QUEUE_FENCE,
                        NULL);
    return true;
}

void guest_paging_queue_drop(struct guest_paging_queue *queue)
{
    if (withdraw(queue))
        guest_object_release(queue);
}

NTSTATUS guest_destroy_paging_queue(struct guest_process *process,
                                    const D3DDDI_DESTROYPAGINGQUEUE *args,
                                    D3DDDI_DESTROYPAGINGQUEUE *caller)
{
    (void)caller;
    struct guest_paging_queue *queue =
        guest_child_acquire(process, args->hPagingQueue, HANDLE_TYPE_PAGING_QUEUE, "hPagingQueue");
    NTSTATUS status = STATUS_INVALID_PARAMETER;

    if (!queue)
        return status;
    if (withdraw(queue)) {
        status = guest_device_check_active(queue->object.device);
        if (NT_SUCCESS(status))
            status = send_destroy(queue, args->hPagingQueue);
        guest_object_release(queue); /* the table's reference */
    }
    guest_object_release(queue);
    return status;
}
