/* SPDX-License-Identifier: MIT */
/* SubmitCommand and SubmitCommandToHwQueue. */
#include "core/guest/call.h"
#include "core/guest/message.h"
#include "core/guest/target.h"
#include "core/last_error.h"

#include <string.h>

enum { HISTORY_BUFFERS_MAX = 1024, HW_QUEUE_PRIMARIES_MAX = 131072 };

static NTSTATUS submit(struct guest_process *process, struct guest_adapter *adapter,
                       const D3DKMT_SUBMITCOMMAND *args)
{
    size_t history_size = args->NumHistoryBuffers * sizeof(*args->HistoryBufferArray);
    struct guest_message message;
    struct wire_submitcommand *command =
        guest_message_begin(&message, process->vm, adapter, process->host_handle,
                            WIRE_VGPU_SUBMITCOMMAND, history_size + args->PrivateDriverDataSize);

    if (!command)
        return STATUS_NO_MEMORY;
    memcpy(&command->args, args, sizeof(command->args));
    NTSTATUS status = guest_read_tail(process, &message, args->HistoryBufferArray, history_size,
                                      "HistoryBufferArray");
    if (NT_SUCCESS(status))
        status = guest_read_tail(process, &message, args->pPrivateDriverData,
                                 args->PrivateDriverDataSize, "pPrivateDriverData");
    if (NT_SUCCESS(status))
        status = guest_message_submit(&message);
    guest_message_end(&message);
    return status;
}

NTSTATUS guest_submit_command(struct guest_process *process, const D3DKMT_SUBMITCOMMAND *args,
                              D3DKMT_SUBMITCOMMAND *caller)
{
    (void)caller;
    NTSTATUS status = guest_check_count("BroadcastContextCount", args->BroadcastContextCount, 1,
                                        D3DDDI_MAX_BROADCAST_CONTEXT);
    if (NT_SUCCESS(status))
        status = guest_check_count("PrivateDriverDataSize", args->PrivateDriverDataSize, 0,
                                   GUEST_PRIVATE_DATA_MAX);
    if (NT_SUCCESS(status))
        status =
            guest_check_count("NumHistoryBuffers", args->NumHistoryBuffers, 0, HISTORY_BUFFERS_MAX);
    if (NT_SUCCESS(status))
        status =
            guest_check_count("NumPrimaries", args->NumPrimaries, 0, D3DDDI_MAX_WRITTEN_PRIMARIES);
    if (!NT_SUCCESS(status))
        return status;
    struct guest_target target;
    status = guest_target_child(process, args->BroadcastContext[0], HANDLE_TYPE_CONTEXT,
                                "BroadcastContext[0]", &target);
    if (NT_SUCCESS(status))
        status = submit(process, target.adapter, args);
    guest_target_release(&target);
    return status;
}

static NTSTATUS submit_to_hw_queue(struct guest_process *process, struct guest_adapter *adapter,
                                   const D3DKMT_SUBMITCOMMANDTOHWQUEUE *args)
{
    size_t primaries_size = args->NumPrimaries * sizeof(*args->WrittenPrimaries);
    struct guest_message message;
    struct wire_submitcommandtohwqueue *command = guest_message_begin(
        &message, process->vm, adapter, process->host_handle, WIRE_VGPU_SUBMITCOMMANDTOHWQUEUE,
        primaries_size + args->PrivateDriverDataSize);

    if (!command)
        return STATUS_NO_MEMORY;
    memcpy(&command->args, args, sizeof(command->args));
    NTSTATUS status = guest_read_tail(process, &message, args->WrittenPrimaries, primaries_size,
                                      "WrittenPrimaries");
    if (NT_SUCCESS(status))
        status = guest_read_tail(process, &message, args->pPrivateDriverData,
                                 args->PrivateDriverDataSize, "pPrivateDriverData");
    if (NT_SUCCESS(status))
        status = guest_message_submit(&message);
    guest_message_end(&message);
    return status;
}

NTSTATUS guest_submit_command_to_hw_queue(struct guest_process *process,
                                          const D3DKMT_SUBMITCOMMANDTOHWQUEUE *args,
                                          D3DKMT_SUBMITCOMMANDTOHWQUEUE *caller)
{
    (void)caller;
    NTSTATUS status = guest_check_count("PrivateDriverDataSize", args->PrivateDriverDataSize, 0,
                                        GUEST_PRIVATE_DATA_MAX);
    if (NT_SUCCESS(status))
        status = guest_check_count("NumPrimaries", args->NumPrimaries, 0, HW_QUEUE_PRIMARIES_MAX);
    if (!NT_SUCCESS(status))
        return status;
    struct guest_target target;
    status = guest_target_child(process, args->hHwQueue, HANDLE_TYPE_HW_QUEUE, "hHwQueue", &target);
    if (NT_SUCCESS(status))
        status = submit_to_hw_queue(process, target.adapter, args);
    guest_target_release(&target);
    return status;
}
