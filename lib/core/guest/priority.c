/* SPDX-License-Identifier: MIT */
/* Priorities: of allocations in the competition for memory, of contexts in that for engines. */
#include "core/guest/call.h"
#include "core/guest/message.h"
#include "core/guest/target.h"

enum { PRIORITY_HANDLES_MAX = 131072 };

/* ---- allocations */

/* A list of allocations or a resource, which then stands for one entry. */
static NTSTATUS check_targets(UINT count, D3DKMT_HANDLE resource)
{
    NTSTATUS status = guest_check_count("AllocationCount", count, 0, PRIORITY_HANDLES_MAX);

    if (NT_SUCCESS(status))
        status = guest_check_resource_or_list(resource, count);
    return status;
}

static NTSTATUS set_priorities(struct guest_process *process, struct guest_device *device,
                               const D3DKMT_SETALLOCATIONPRIORITY *args)
{
    UINT entries = args->hResource ? 1 : args->AllocationCount;
    size_t handles_size = args->AllocationCount * sizeof(*args->phAllocationList);
    size_t priorities_size = entries * sizeof(*args->pPriorities);
    struct guest_message message;
    struct wire_setallocationpriority *command = guest_message_begin(
        &message, process->vm, guest_device_adapter(device), process->host_handle,
        WIRE_VGPU_SETALLOCATIONPRIORITY, handles_size + priorities_size);

    if (!command)
        return STATUS_NO_MEMORY;
    command->device = args->hDevice;
    command->resource = args->hResource;
    command->allocation_count = args->AllocationCount;
    NTSTATUS status = guest_read_tail(process, &message, args->phAllocationList, handles_size,
                                      "phAllocationList");
    if (NT_SUCCESS(status))
        status =
            guest_read_tail(process, &message, args->pPriorities, priorities_size, "pPriorities");
    if (NT_SUCCESS(status))
        status = guest_message_exchange(&message);
    guest_message_end(&message);
    return status;
}

NTSTATUS guest_set_allocation_priority(struct guest_process *process,
                                       const D3DKMT_SETALLOCATIONPRIORITY *args,
                                       D3DKMT_SETALLOCATIONPRIORITY *caller)
{
    (void)caller;
    struct guest_target target;
    NTSTATUS status = guest_target_device(process, args->hDevice, "hDevice", &target);
    if (NT_SUCCESS(status))
        status = check_targets(args->AllocationCount, args->hResource);
    if (NT_SUCCESS(status))
        status = set_priorities(process, target.device, args);
    guest_target_release(&target);
    return status;
}

static NTSTATUS get_priorities(struct guest_process *process, struct guest_device *device,
                               const D3DKMT_GETALLOCATIONPRIORITY *args)
{
    size_t handles_size = args->AllocationCount * sizeof(*args->phAllocationList);
    struct guest_message message;
    struct wire_getallocationpriority *command =
        guest_message_begin(&message, process->vm, guest_device_adapter(device),
                            process->host_handle, WIRE_VGPU_GETALLOCATIONPRIORITY, handles_size);

    if (!command)
        return STATUS_NO_MEMORY;
    command->device = args->hDevice;
    command->resource = args->hResource;
    command->allocation_count = args->AllocationCount;
    NTSTATUS status = guest_read_tail(process, &message, args->phAllocationList, handles_size,
                                      "phAllocationList");
    if (NT_SUCCESS(status))
        status = guest_message_exchange(&message);
    if (NT_SUCCESS(status)) {
        status = guest_write_tail(
            process, &message.reply.tails[WIRE_REPLY_TAIL_GETALLOCATIONPRIORITY_PRIORITIES],
            args->pPriorities, "pPriorities");
    }
    guest_message_end(&message);
    return status;
}

NTSTATUS guest_get_allocation_priority(struct guest_process *process,
                                       const D3DKMT_GETALLOCATIONPRIORITY *args,
                                       D3DKMT_GETALLOCATIONPRIORITY *caller)
{
    (void)caller;
    struct guest_target target;
    NTSTATUS status = guest_target_device(process, args->hDevice, "hDevice", &target);
    if (NT_SUCCESS(status))
        status = check_targets(args->AllocationCount, args->hResource);
    if (NT_SUCCESS(status))
        status = get_priorities(process, target.device, args);
    guest_target_release(&target);
    return status;
}

/* ---- contexts */

static NTSTATUS send_context_priority(struct guest_process *process, struct guest_adapter *adapter,
                                      D3DKMT_HANDLE context, INT priority, bool in_process)
{
    struct guest_message message;
    struct wire_setcontextschedulingpriority *command =
        guest_message_begin(&message, process->vm, adapter, process->host_handle,
                            WIRE_VGPU_SETCONTEXTSCHEDULINGPRIORITY, 0);

    if (!command)
        return STATUS_NO_MEMORY;
    command->context = context;
    command->priority = priority;
    command->in_process = in_process;
    return guest_message_finish(&message);
}

static NTSTATUS set_context_priority(struct guest_process *process, D3DKMT_HANDLE context,
                                     INT priority, bool in_process)
{
    struct guest_target target;
    NTSTATUS status =
        guest_target_child(process, context, HANDLE_TYPE_CONTEXT, "hContext", &target);

    if (NT_SUCCESS(status))
        status = send_context_priority(process, target.adapter, context, priority, in_process);
    guest_target_release(&target);
    return status;
}

/* caller_priority: where the answer goes. */
static NTSTATUS ask_context_priority(struct guest_process *process, struct guest_adapter *adapter,
                                     D3DKMT_HANDLE context, INT *caller_priority, bool in_process)
{
    struct guest_message message;
    struct wire_getcontextschedulingpriority *command =
        guest_message_begin(&message, process->vm, adapter, process->host_handle,
                            WIRE_VGPU_GETCONTEXTSCHEDULINGPRIORITY, 0);

    if (!command)
        return STATUS_NO_MEMORY;
    command->context = context;
    command->in_process = in_process;
    NTSTATUS status = guest_message_exchange(&message);
    if (NT_SUCCESS(status)) {
        const struct wire_getcontextschedulingpriority_reply *answer =
            (const void *)message.reply.bytes;

        status = GUEST_WRITE(process, *caller_priority, answer->priority);
    }
    guest_message_end(&message);
    return status;
}

static NTSTATUS get_context_priority(struct guest_process *process, D3DKMT_HANDLE context,
                                     INT *caller_priority, bool in_process)
{
    struct guest_target target;
    NTSTATUS status =
        guest_target_child(process, context, HANDLE_TYPE_CONTEXT, "hContext", &target);

    if (NT_SUCCESS(status))
        status =
            ask_context_priority(process, target.adapter, context, caller_priority, in_process);
    guest_target_release(&target);
    return status;
}

NTSTATUS guest_set_context_priority(struct guest_process *process,
                                    const D3DKMT_SETCONTEXTSCHEDULINGPRIORITY *args,
                                    D3DKMT_SETCONTEXTSCHEDULINGPRIORITY *caller)
{
    (void)caller;
    return set_context_priority(process, args->hContext, args->Priority, false);
}

NTSTATUS
guest_set_context_in_process_priority(struct guest_process *process,
                                      const D3DKMT_SETCONTEXTINPROCESSSCHEDULINGPRIORITY *args,
                                      D3DKMT_SETCONTEXTINPROCESSSCHEDULINGPRIORITY *caller)
{
    (void)caller;
    return set_context_priority(process, args->hContext, args->Priority, true);
}

NTSTATUS guest_get_context_priority(struct guest_process *process,
                                    const D3DKMT_GETCONTEXTSCHEDULINGPRIORITY *args,
                                    D3DKMT_GETCONTEXTSCHEDULINGPRIORITY *caller)
{
    return get_context_priority(process, args->hContext, &caller->Priority, false);
}

NTSTATUS
guest_get_context_in_process_priority(struct guest_process *process,
                                      const D3DKMT_GETCONTEXTINPROCESSSCHEDULINGPRIORITY *args,
                                      D3DKMT_GETCONTEXTINPROCESSSCHEDULINGPRIORITY *caller)
{
    return get_context_priority(process, args->hContext, &caller->Priority, true);
}
