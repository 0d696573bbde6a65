/* SPDX-License-Identifier: MIT */
/* OfferAllocations and ReclaimAllocations2. */
#include "core/guest/call.h"
#include "core/guest/message.h"
#include "core/guest/target.h"
#include "core/last_error.h"

#include <string.h>

enum { OFFER_MAX = 10240 };

static NTSTATUS check_lists(UINT count, const void *resources, const void *allocations)
{
    NTSTATUS status = guest_check_count("NumAllocations", count, 1, OFFER_MAX);

    if (NT_SUCCESS(status) && (resources != NULL) == (allocations != NULL))
        status = d3dkmti_fail(STATUS_INVALID_PARAMETER,
                              "give exactly one of pResources (%p) and HandleList (%p)", resources,
                              allocations);
    return status;
}

/* Appends the one list that was given. */
static NTSTATUS append_list(struct guest_process *process, struct guest_message *message,
                            const D3DKMT_HANDLE *resources, const D3DKMT_HANDLE *allocations,
                            UINT count)
{
    size_t size = count * sizeof(*resources);

    return guest_read_tail(process, message, resources ? resources : allocations, size,
                           resources ? "pResources" : "HandleList");
}

static NTSTATUS offer(struct guest_process *process, struct guest_adapter *adapter,
                      const D3DKMT_OFFERALLOCATIONS *args)
{
    struct guest_message message;
    struct wire_offerallocations *command = guest_message_begin(
        &message, process->vm, adapter, process->host_handle, WIRE_VGPU_OFFERALLOCATIONS,
        args->NumAllocations * sizeof(D3DKMT_HANDLE));

    if (!command)
        return STATUS_NO_MEMORY;
    command->device = args->hDevice;
    command->allocation_count = args->NumAllocations;
    command->priority = args->Priority;
    memcpy(&command->flags, &args->Flags, sizeof(command->flags));
    command->resources = args->pResources != NULL;
    NTSTATUS status =
        append_list(process, &message, args->pResources, args->HandleList, args->NumAllocations);
    if (NT_SUCCESS(status))
        status = guest_message_exchange(&message);
    guest_message_end(&message);
    return status;
}

NTSTATUS guest_offer_allocations(struct guest_process *process, const D3DKMT_OFFERALLOCATIONS *args,
                                 D3DKMT_OFFERALLOCATIONS *caller)
{
    (void)caller;
    NTSTATUS status = check_lists(args->NumAllocations, args->pResources, args->HandleList);

    if (!NT_SUCCESS(status))
        return status;
    struct guest_target target;
    status = guest_target_device(process, args->hDevice, "hDevice", &target);
    if (NT_SUCCESS(status))
        status = offer(process, target.adapter, args);
    guest_target_release(&target);
    return status;
}

/* The fence's value counts whatever the status; results only when the host did it. */
static NTSTATUS return_reclaimed(struct guest_process *process, const struct guest_message *message,
                                 NTSTATUS status, const D3DKMT_RECLAIMALLOCATIONS2 *args,
                                 D3DKMT_RECLAIMALLOCATIONS2 *caller)
{
    const struct wire_reclaimallocations_reply *answer = (const void *)message->reply.bytes;
    uint64_t fence_value = answer->paging_fence_value;
    NTSTATUS written = GUEST_WRITE(process, caller->PagingFenceValue, fence_value);

    if (NT_SUCCESS(written) && NT_SUCCESS(status) && args->pResults) {
        written = guest_write_tail(
            process, &message->reply.tails[WIRE_REPLY_TAIL_RECLAIMALLOCATIONS_DISCARDED],
            args->pResults, "pResults");
    }
    return NT_SUCCESS(written) ? status : written;
}

static NTSTATUS reclaim(struct guest_process *process, const struct guest_target *queue,
                        const D3DKMT_RECLAIMALLOCATIONS2 *args, D3DKMT_RECLAIMALLOCATIONS2 *caller)
{
    struct guest_message message;
    struct wire_reclaimallocations *command = guest_message_begin(
        &message, process->vm, queue->adapter, process->host_handle, WIRE_VGPU_RECLAIMALLOCATIONS,
        args->NumAllocations * sizeof(D3DKMT_HANDLE));

    if (!command)
        return STATUS_NO_MEMORY;
    command->device = queue->device->object.handle;
    command->paging_queue = args->hPagingQueue;
    command->allocation_count = args->NumAllocations;
    command->resources = args->pResources != NULL;
    command->write_results = args->pResults != NULL;
    NTSTATUS status =
        append_list(process, &message, args->pResources, args->HandleList, args->NumAllocations);
    if (NT_SUCCESS(status))
        status = guest_message_exchange(&message);
    if (message.answered)
        status = return_reclaimed(process, &message, status, args, caller);
    guest_message_end(&message);
    return status;
}

NTSTATUS guest_reclaim_allocations(struct guest_process *process,
                                   const D3DKMT_RECLAIMALLOCATIONS2 *args,
                                   D3DKMT_RECLAIMALLOCATIONS2 *caller)
{
    NTSTATUS status = check_lists(args->NumAllocations, args->pResources, args->HandleList);

    if (!NT_SUCCESS(status))
        return status;
    struct guest_target queue;
    status = guest_target_child(process, args->hPagingQueue, HANDLE_TYPE_PAGING_QUEUE,
                                "hPagingQueue", &queue);
    if (NT_SUCCESS(status))
        status = reclaim(process, &queue, args, caller);
    guest_target_release(&queue);
    return status;
}
