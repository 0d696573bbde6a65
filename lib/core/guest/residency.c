/* SPDX-License-Identifier: MIT */
/* MakeResident, Evict, and questions and wishes about residency. */
#include "core/guest/call.h"
#include "core/guest/message.h"
#include "core/guest/target.h"
#include "core/last_error.h"

#include <string.h>

enum { RESIDENCY_MAX = 10240, RESIDENCY_QUERY_MAX = 131072 };

static NTSTATUS make_resident(struct guest_process *process, struct guest_adapter *adapter,
                              const D3DDDI_MAKERESIDENT *args, D3DDDI_MAKERESIDENT *caller)
{
    struct guest_message message;
    struct wire_makeresident *command =
        guest_message_begin(&message, process->vm, adapter, process->host_handle,
                            WIRE_VGPU_MAKERESIDENT, args->NumAllocations * sizeof(D3DKMT_HANDLE));

    if (!command)
        return STATUS_NO_MEMORY;
    command->paging_queue = args->hPagingQueue;
    command->flags = args->Flags.Value;
    command->alloc_count = args->NumAllocations;
    NTSTATUS status =
        guest_read_tail(process, &message, args->AllocationList,
                        args->NumAllocations * sizeof(*args->AllocationList), "AllocationList");
    if (NT_SUCCESS(status))
        status = guest_message_exchange(&message);
    /* A program that ran out of memory must learn how much to trim. */
    if (message.answered &&
        (status == STATUS_SUCCESS || status == STATUS_PENDING || status == STATUS_NO_MEMORY)) {
        const struct wire_makeresident_reply *answer = (const void *)message.reply.bytes;
        NTSTATUS written = STATUS_SUCCESS;

        if (NT_SUCCESS(status))
            written = GUEST_WRITE(process, caller->PagingFenceValue, answer->paging_fence_value);
        if (NT_SUCCESS(written))
            written = GUEST_WRITE(process, caller->NumBytesToTrim, answer->num_bytes_to_trim);
        if (!NT_SUCCESS(written))
            status = written;
        else if (!NT_SUCCESS(status))
            d3dkmti_fail(status,
                         "the process may keep that much resident only after %llu bytes are "
                         "trimmed; evict allocations and try again",
                         (unsigned long long)answer->num_bytes_to_trim);
    }
    guest_message_end(&message);
    return status;
}

NTSTATUS guest_make_resident(struct guest_process *process, const D3DDDI_MAKERESIDENT *args,
                             D3DDDI_MAKERESIDENT *caller)
{
    NTSTATUS status = guest_check_count("NumAllocations", args->NumAllocations, 1, RESIDENCY_MAX);

    if (!NT_SUCCESS(status))
        return status;
    struct guest_target target;
    status = guest_target_child(process, args->hPagingQueue, HANDLE_TYPE_PAGING_QUEUE,
                                "hPagingQueue", &target);
    if (NT_SUCCESS(status))
        status = make_resident(process, target.adapter, args, caller);
    guest_target_release(&target);
    return status;
}

static NTSTATUS evict(struct guest_process *process, struct guest_adapter *adapter,
                      const D3DKMT_EVICT *args, D3DKMT_EVICT *caller)
{
    struct guest_message message;
    struct wire_evict *command =
        guest_message_begin(&message, process->vm, adapter, process->host_handle, WIRE_VGPU_EVICT,
                            args->NumAllocations * sizeof(D3DKMT_HANDLE));

    if (!command)
        return STATUS_NO_MEMORY;
    command->device = args->hDevice;
    command->flags = args->Flags.Value;
    command->alloc_count = args->NumAllocations;
    NTSTATUS status =
        guest_read_tail(process, &message, args->AllocationList,
                        args->NumAllocations * sizeof(*args->AllocationList), "AllocationList");
    if (NT_SUCCESS(status))
        status = guest_message_exchange(&message);
    if (NT_SUCCESS(status)) {
        const struct wire_evict_reply *answer = (const void *)message.reply.bytes;

        status = GUEST_WRITE(process, caller->NumBytesToTrim, answer->num_bytes_to_trim);
    }
    guest_message_end(&message);
    return status;
}

NTSTATUS guest_evict(struct guest_process *process, const D3DKMT_EVICT *args, D3DKMT_EVICT *caller)
{
    NTSTATUS status = guest_check_count("NumAllocations", args->NumAllocations, 1, RESIDENCY_MAX);

    if (!NT_SUCCESS(status))
        return status;
    struct guest_target target;
    status = guest_target_device(process, args->hDevice, "hDevice", &target);
    if (NT_SUCCESS(status))
        status = evict(process, target.adapter, args, caller);
    guest_target_release(&target);
    return status;
}

/* ---- what is where, and where it had better be */

static NTSTATUS query_residency(struct guest_process *process, struct guest_adapter *adapter,
                                const D3DKMT_QUERYALLOCATIONRESIDENCY *args)
{
    size_t handles_size = args->AllocationCount * sizeof(D3DKMT_HANDLE);
    struct guest_message message;
    struct wire_queryallocationresidency *command =
        guest_message_begin(&message, process->vm, adapter, process->host_handle,
                            WIRE_VGPU_QUERYALLOCATIONRESIDENCY, handles_size);

    if (!command)
        return STATUS_NO_MEMORY;
    memcpy(&command->args, args, sizeof(command->args));
    NTSTATUS status = guest_read_tail(process, &message, args->phAllocationList, handles_size,
                                      "phAllocationList");
    if (NT_SUCCESS(status))
        status = guest_message_exchange(&message);
    if (NT_SUCCESS(status)) {
        status = guest_write_tail(
            process,
            &message.reply.tails[WIRE_REPLY_TAIL_QUERYALLOCATIONRESIDENCY_RESIDENCY_STATUS],
            args->pResidencyStatus, "pResidencyStatus");
    }
    guest_message_end(&message);
    return status;
}

NTSTATUS guest_query_allocation_residency(struct guest_process *process,
                                          const D3DKMT_QUERYALLOCATIONRESIDENCY *args,
                                          D3DKMT_QUERYALLOCATIONRESIDENCY *caller)
{
    (void)caller;
    NTSTATUS status = guest_check_resource_or_list(args->hResource, args->AllocationCount);
    if (!NT_SUCCESS(status))
        return status;
    struct guest_target target;
    status = guest_target_device(process, args->hDevice, "hDevice", &target);
    if (NT_SUCCESS(status))
        status =
            guest_check_count("AllocationCount", args->AllocationCount, 0, RESIDENCY_QUERY_MAX);
    if (NT_SUCCESS(status))
        status = query_residency(process, target.adapter, args);
    guest_target_release(&target);
    return status;
}

static NTSTATUS update_property(struct guest_process *process, struct guest_adapter *adapter,
                                const D3DDDI_UPDATEALLOCPROPERTY *args,
                                D3DDDI_UPDATEALLOCPROPERTY *caller)
{
    struct guest_message message;
    struct wire_updateallocationproperty *command =
        guest_message_begin(&message, process->vm, adapter, process->host_handle,
                            WIRE_VGPU_UPDATEALLOCATIONPROPERTY, 0);

    if (!command)
        return STATUS_NO_MEMORY;
    memcpy(&command->args, args, sizeof(command->args));
    NTSTATUS status = guest_message_exchange(&message);
    if (status == STATUS_PENDING) {
        const struct wire_updateallocationproperty_reply *answer =
            (const void *)message.reply.bytes;
        NTSTATUS written =
            GUEST_WRITE(process, caller->PagingFenceValue, answer->paging_fence_value);

        status = NT_SUCCESS(written) ? status : written;
    }
    guest_message_end(&message);
    return status;
}

NTSTATUS guest_update_allocation_property(struct guest_process *process,
                                          const D3DDDI_UPDATEALLOCPROPERTY *args,
                                          D3DDDI_UPDATEALLOCPROPERTY *caller)
{
    struct guest_target target;
    NTSTATUS status = guest_target_child(process, args->hPagingQueue, HANDLE_TYPE_PAGING_QUEUE,
                                         "hPagingQueue", &target);
    if (NT_SUCCESS(status))
        status = update_property(process, target.adapter, args, caller);
    guest_target_release(&target);
    return status;
}
