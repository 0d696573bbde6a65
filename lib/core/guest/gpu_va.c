/* SPDX-License-Identifier: MIT */
/* GPU virtual addresses: reserve, free, map, update. */
#include "core/guest/call.h"
#include "core/guest/message.h"
#include "core/guest/target.h"
#include "core/last_error.h"

#include <string.h>

enum { UPDATE_OPERATIONS_MAX = 2048 };

/* ---- reserve */

static NTSTATUS reserve(struct guest_process *process, struct guest_adapter *adapter,
                        const D3DDDI_RESERVEGPUVIRTUALADDRESS *args, uint32_t host_target,
                        D3DDDI_RESERVEGPUVIRTUALADDRESS *caller)
{
    struct guest_message message;
    NTSTATUS status = guest_adapter_check_active(adapter);

    if (!NT_SUCCESS(status))
        return status;
    struct wire_reservegpuvirtualaddress *command =
        guest_message_begin(&message, process->vm, adapter, process->host_handle,
                            WIRE_VGPU_RESERVEGPUVIRTUALADDRESS, 0);
    if (!command)
        return STATUS_NO_MEMORY;
    memcpy(&command->args, args, sizeof(command->args));
    command->args.adapter = host_target;
    status = guest_message_exchange(&message);
    if (NT_SUCCESS(status)) {
        const struct wire_reservegpuvirtualaddress_reply *answer =
            (const void *)message.reply.bytes;

        status = GUEST_WRITE(process, caller->VirtualAddress, answer->virtual_address);
    }
    guest_message_end(&message);
    return status;
}

/* The handle is an adapter's or, in the same field, a paging queue's. */
NTSTATUS guest_reserve_gpu_virtual_address(struct guest_process *process,
                                           const D3DDDI_RESERVEGPUVIRTUALADDRESS *args,
                                           D3DDDI_RESERVEGPUVIRTUALADDRESS *caller)
{
    struct guest_open_adapter *open_adapter =
        handle_table_acquire(&process->adapter_handles, args->hAdapter, HANDLE_TYPE_ADAPTER);
    NTSTATUS status;

    if (open_adapter) {
        status = reserve(process, open_adapter->adapter, args, open_adapter->adapter->host_handle,
                         caller);
        guest_object_release(open_adapter);
        return status;
    }
    struct guest_object *queue = guest_child_acquire(
        process, args->hPagingQueue, HANDLE_TYPE_PAGING_QUEUE, "hAdapter or hPagingQueue");
    if (!queue)
        return STATUS_INVALID_PARAMETER;
    status =
        reserve(process, guest_device_adapter(queue->device), args, args->hPagingQueue, caller);
    guest_object_release(queue);
    return status;
}

/* ---- free */

static NTSTATUS free_range(struct guest_process *process, struct guest_adapter *adapter,
                           const D3DKMT_FREEGPUVIRTUALADDRESS *args)
{
    struct guest_message message;
    struct wire_freegpuvirtualaddress *command = guest_message_begin(
        &message, process->vm, adapter, process->host_handle, WIRE_VGPU_FREEGPUVIRTUALADDRESS, 0);

    if (!command)
        return STATUS_NO_MEMORY;
    memcpy(&command->args, args, sizeof(command->args));
    command->args.adapter = adapter->host_handle;
    return guest_message_finish(&message);
}

NTSTATUS guest_free_gpu_virtual_address(struct guest_process *process,
                                        const D3DKMT_FREEGPUVIRTUALADDRESS *args,
                                        D3DKMT_FREEGPUVIRTUALADDRESS *caller)
{
    (void)caller;
    struct guest_target target;
    NTSTATUS status = guest_target_adapter(process, args->hAdapter, "hAdapter", &target);
    if (NT_SUCCESS(status))
        status = free_range(process, target.adapter, args);
    guest_target_release(&target);
    return status;
}

/* ---- map */

static NTSTATUS map(struct guest_process *process, struct guest_adapter *adapter,
                    const D3DDDI_MAPGPUVIRTUALADDRESS *args, D3DDDI_MAPGPUVIRTUALADDRESS *caller)
{
    struct guest_message message;
    struct wire_mapgpuvirtualaddress *command = guest_message_begin(
        &message, process->vm, adapter, process->host_handle, WIRE_VGPU_MAPGPUVIRTUALADDRESS, 0);

    if (!command)
        return STATUS_NO_MEMORY;
    memcpy(&command->args, args, sizeof(command->args));
    NTSTATUS status = guest_message_exchange(&message);
    if (status == STATUS_SUCCESS || status == STATUS_PENDING) {
        const struct wire_mapgpuvirtualaddress_reply *answer = (const void *)message.reply.bytes;
        NTSTATUS written =
            GUEST_WRITE(process, caller->PagingFenceValue, answer->paging_fence_value);

        if (NT_SUCCESS(written))
            written = GUEST_WRITE(process, caller->VirtualAddress, answer->virtual_address);
        if (!NT_SUCCESS(written))
            status = written;
    }
    guest_message_end(&message);
    return status;
}

NTSTATUS guest_map_gpu_virtual_address(struct guest_process *process,
                                       const D3DDDI_MAPGPUVIRTUALADDRESS *args,
                                       D3DDDI_MAPGPUVIRTUALADDRESS *caller)
{
    struct guest_target target;
    NTSTATUS status = guest_target_child(process, args->hPagingQueue, HANDLE_TYPE_PAGING_QUEUE,
                                         "hPagingQueue", &target);
    if (NT_SUCCESS(status))
        status = map(process, target.adapter, args, caller);
    guest_target_release(&target);
    return status;
}

/* ---- update */

static NTSTATUS update(struct guest_process *process, struct guest_adapter *adapter,
                       const D3DKMT_UPDATEGPUVIRTUALADDRESS *args,
                       D3DKMT_UPDATEGPUVIRTUALADDRESS *caller)
{
    size_t size = args->NumOperations * sizeof(*args->Operations);
    struct guest_message message;
    struct wire_updategpuvirtualaddress *command =
        guest_message_begin(&message, process->vm, adapter, process->host_handle,
                            WIRE_VGPU_UPDATEGPUVIRTUALADDRESS, size);

    if (!command)
        return STATUS_NO_MEMORY;
    command->fence_value = args->FenceValue;
    command->device = args->hDevice;
    command->context = args->hContext;
    command->fence_object = args->hFenceObject;
    command->num_operations = args->NumOperations;
    command->flags = args->Flags.Value;
    NTSTATUS status = guest_read_tail(process, &message, args->Operations, size, "Operations");
    if (NT_SUCCESS(status))
        status = guest_message_exchange(&message);
    if (NT_SUCCESS(status))
        status = GUEST_WRITE(process, caller->FenceValue, args->FenceValue);
    guest_message_end(&message);
    return status;
}

NTSTATUS guest_update_gpu_virtual_address(struct guest_process *process,
                                          const D3DKMT_UPDATEGPUVIRTUALADDRESS *args,
                                          D3DKMT_UPDATEGPUVIRTUALADDRESS *caller)
{
    struct guest_target target;
    NTSTATUS status = guest_target_device(process, args->hDevice, "hDevice", &target);
    if (NT_SUCCESS(status))
        status = guest_check_count("NumOperations", args->NumOperations, 1, UPDATE_OPERATIONS_MAX);
    if (NT_SUCCESS(status))
        status = update(process, target.adapter, args, caller);
    guest_target_release(&target);
    return status;
}
