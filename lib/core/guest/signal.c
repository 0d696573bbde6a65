/* SPDX-License-Identifier: MIT */
/* The five ways to signal, which are one message. */
#include "core/guest/call.h"
#include "core/guest/message.h"
#include "core/last_error.h"

#include <string.h>

enum { GPU_SIGNAL_MAX = 131072 };

/* What the message carries. Arrays are the caller's, unless first_context leads the contexts. */
struct signal {
    uint32_t flags;
    uint32_t object_count;
    const D3DKMT_HANDLE *objects;
    bool has_first_context;
    D3DKMT_HANDLE first_context;
    uint32_t context_count; /* without the first */
    const D3DKMT_HANDLE *contexts;
    const UINT64 *values; /* one for each object; NULL: none are sent, as the driver does */
    const char *contexts_name, *values_name; /* of the arguments */
    uint64_t fence_value;                    /* the single value of the legacy call */
    D3DKMT_HANDLE device;                    /* of a signal from the CPU */
    bool has_event;                          /* the flag EnqueueCpuEvent */
    uint64_t event;                          /* the event's id then */
};

static NTSTATUS append_arrays(struct guest_process *process, struct guest_message *message,
                              const struct signal *signal)
{
    NTSTATUS status =
        guest_read_tail(process, message, signal->objects,
                        signal->object_count * sizeof(*signal->objects), "ObjectHandleArray");

    if (NT_SUCCESS(status) && signal->has_first_context)
        guest_message_append(message, &signal->first_context, sizeof(signal->first_context));
    if (NT_SUCCESS(status))
        status = guest_read_tail(process, message, signal->contexts,
                                 signal->context_count * sizeof(*signal->contexts),
                                 signal->contexts_name);
    if (NT_SUCCESS(status) && signal->values)
        status =
            guest_read_tail(process, message, signal->values,
                            signal->object_count * sizeof(*signal->values), signal->values_name);
    return status;
}

static NTSTATUS send(struct guest_process *process, struct guest_adapter *adapter,
                     const struct signal *signal)
{
    size_t tail_size = signal->object_count * (sizeof(*signal->objects) + sizeof(*signal->values)) +
                       (signal->context_count + 1) * sizeof(*signal->contexts);
    struct guest_message message;
    struct wire_signalsyncobject *command =
        guest_message_begin(&message, process->vm, adapter, process->host_handle,
                            WIRE_VGPU_SIGNALSYNCOBJECT, tail_size);

    if (!command)
        return STATUS_NO_MEMORY;
    command->object_count = signal->object_count;
    command->flags = signal->flags;
    command->context_count = signal->context_count + signal->has_first_context;
    command->fence_value = signal->fence_value;
    if (signal->has_event)
        command->cpu_event_handle = signal->event;
    else
        command->device = signal->device;
    NTSTATUS status = append_arrays(process, &message, signal);
    if (NT_SUCCESS(status))
        status = guest_message_submit(&message);
    guest_message_end(&message);
    return status;
}

static NTSTATUS signal_adapter(struct guest_process *process, struct guest_adapter *adapter,
                               const struct signal *signal)
{
    NTSTATUS status = guest_adapter_check_active(adapter);

    return NT_SUCCESS(status) ? send(process, adapter, signal) : status;
}

/* On behalf of a context or hardware queue. */
static NTSTATUS signal_queue(struct guest_process *process, D3DKMT_HANDLE handle,
                             enum handle_type type, const char *argument,
                             const struct signal *signal)
{
    struct guest_object *queue = guest_child_acquire(process, handle, type, argument);

    if (!queue)
        return STATUS_INVALID_PARAMETER;
    NTSTATUS status = signal_adapter(process, guest_device_adapter(queue->device), signal);
    guest_object_release(queue);
    return status;
}

/*
 * On behalf of a context, with the caller's eventfd if there is to be an event. It is registered
 * first: a wrong one is refused before the context is looked at, and the host may raise it early.
 */
static NTSTATUS signal_context(struct guest_process *process, D3DKMT_HANDLE handle,
                               const char *argument, struct signal *signal, HANDLE event)
{
    struct guest_events *events = &process->vm->events;
    NTSTATUS status = STATUS_SUCCESS;

    if (signal->has_event)
        status = guest_event_create(events, (int)(intptr_t)event, GUEST_EVENT_ONE_SHOT, process,
                                    "CpuEventHandle", &signal->event);
    if (!NT_SUCCESS(status))
        return status;
    status = signal_queue(process, handle, HANDLE_TYPE_CONTEXT, argument, signal);
    if (!NT_SUCCESS(status) && signal->has_event)
        guest_event_remove(events, signal->event);
    return status;
}

NTSTATUS guest_signal(struct guest_process *process,
                      const D3DKMT_SIGNALSYNCHRONIZATIONOBJECT2 *args,
                      D3DKMT_SIGNALSYNCHRONIZATIONOBJECT2 *caller)
{
    (void)caller;
    NTSTATUS status = guest_check_count("BroadcastContextCount", args->BroadcastContextCount, 0,
                                        D3DDDI_MAX_BROADCAST_CONTEXT - 1);
    if (NT_SUCCESS(status))
        status = guest_check_count("ObjectCount", args->ObjectCount, 0, D3DDDI_MAX_OBJECT_SIGNALED);
    if (!NT_SUCCESS(status))
        return status;
    struct signal signal = {
        .flags = args->Flags.Value,
        .object_count = args->ObjectCount,
        .objects = caller->ObjectHandleArray,
        .has_first_context = true,
        .first_context = args->hContext,
        .context_count = args->BroadcastContextCount,
        .contexts = caller->BroadcastContext,
        .contexts_name = "BroadcastContext",
        .fence_value = args->Fence.FenceValue,
        .has_event = args->Flags.EnqueueCpuEvent,
    };
    return signal_context(process, args->hContext, "hContext", &signal, args->CpuEventHandle);
}

NTSTATUS guest_signal_from_cpu(struct guest_process *process,
                               const D3DKMT_SIGNALSYNCHRONIZATIONOBJECTFROMCPU *args,
                               D3DKMT_SIGNALSYNCHRONIZATIONOBJECTFROMCPU *caller)
{
    (void)caller;
    NTSTATUS status =
        guest_check_count("ObjectCount", args->ObjectCount, 1, D3DDDI_MAX_OBJECT_SIGNALED);
    if (!NT_SUCCESS(status))
        return status;
    struct guest_device *device = guest_device_acquire(process, args->hDevice, "hDevice");
    if (!device)
        return STATUS_INVALID_PARAMETER;
    struct signal signal = {
        .flags = args->Flags.Value,
        .object_count = args->ObjectCount,
        .objects = args->ObjectHandleArray,
        .values = args->FenceValueArray,
        .values_name = "FenceValueArray",
        .device = args->hDevice,
    };
    status = signal_adapter(process, guest_device_adapter(device), &signal);
    guest_object_release(device);
    return status;
}

NTSTATUS guest_signal_from_gpu(struct guest_process *process,
                               const D3DKMT_SIGNALSYNCHRONIZATIONOBJECTFROMGPU *args,
                               D3DKMT_SIGNALSYNCHRONIZATIONOBJECTFROMGPU *caller)
{
    (void)caller;
    NTSTATUS status = guest_check_count("ObjectCount", args->ObjectCount, 1, GPU_SIGNAL_MAX);
    if (!NT_SUCCESS(status))
        return status;
    struct signal signal = {
        .object_count = args->ObjectCount,
        .objects = args->ObjectHandleArray,
        .has_first_context = true,
        .first_context = args->hContext,
        .values = args->MonitoredFenceValueArray,
        .values_name = "MonitoredFenceValueArray",
    };
    return signal_queue(process, args->hContext, HANDLE_TYPE_CONTEXT, "hContext", &signal);
}

static NTSTATUS check_signal_from_gpu2(const D3DKMT_SIGNALSYNCHRONIZATIONOBJECTFROMGPU2 *args)
{
    if (args->Flags.EnqueueCpuEvent && (args->ObjectCount != 0 || !args->CpuEventHandle))
        return d3dkmti_fail(
            STATUS_INVALID_PARAMETER,
            "EnqueueCpuEvent takes no objects (%u) and a CpuEventHandle other than 0",
            args->ObjectCount);
    if (!args->Flags.EnqueueCpuEvent) {
        NTSTATUS status = guest_check_count("ObjectCount", args->ObjectCount, 1, GPU_SIGNAL_MAX);

        if (!NT_SUCCESS(status))
            return status;
    }
    return guest_check_count("BroadcastContextCount", args->BroadcastContextCount, 1,
                             GPU_SIGNAL_MAX);
}

NTSTATUS guest_signal_from_gpu2(struct guest_process *process,
                                const D3DKMT_SIGNALSYNCHRONIZATIONOBJECTFROMGPU2 *args,
                                D3DKMT_SIGNALSYNCHRONIZATIONOBJECTFROMGPU2 *caller)
{
    (void)caller;
    bool has_event = args->Flags.EnqueueCpuEvent;
    D3DKMT_HANDLE first = 0;
    NTSTATUS status = check_signal_from_gpu2(args);

    if (NT_SUCCESS(status))
        status = guest_read(process, &first, args->BroadcastContextArray, sizeof(first),
                            "BroadcastContextArray");
    if (!NT_SUCCESS(status))
        return status;
    struct signal signal = {
        .flags = args->Flags.Value,
        .object_count = args->ObjectCount,
        .objects = args->ObjectHandleArray,
        .has_first_context = true,
        .first_context = first,
        .context_count = args->BroadcastContextCount - 1,
        .contexts = args->BroadcastContextArray + 1,
        .contexts_name = "BroadcastContextArray",
        .values = has_event ? NULL : args->MonitoredFenceValueArray,
        .values_name = "MonitoredFenceValueArray",
        .has_event = has_event,
    };
    return signal_context(process, first, "BroadcastContextArray[0]", &signal,
                          args->CpuEventHandle);
}

NTSTATUS guest_signal_to_hw_queue(struct guest_process *process,
                                  const D3DKMT_SUBMITSIGNALSYNCOBJECTSTOHWQUEUE *args,
                                  D3DKMT_SUBMITSIGNALSYNCOBJECTSTOHWQUEUE *caller)
{
    (void)caller;
    D3DKMT_HANDLE first = 0;
    NTSTATUS status = guest_check_count("BroadcastHwQueueCount", args->BroadcastHwQueueCount, 1,
                                        D3DDDI_MAX_BROADCAST_CONTEXT);
    if (NT_SUCCESS(status))
        status = guest_check_count("ObjectCount", args->ObjectCount, 1, D3DDDI_MAX_OBJECT_SIGNALED);
    if (NT_SUCCESS(status))
        status = guest_read(process, &first, args->BroadcastHwQueueArray, sizeof(first),
                            "BroadcastHwQueueArray");
    if (!NT_SUCCESS(status))
        return status;
    struct signal signal = {
        .flags = args->Flags.Value,
        .object_count = args->ObjectCount,
        .objects = args->ObjectHandleArray,
        .has_first_context = true,
        .first_context = first,
        .context_count = args->BroadcastHwQueueCount - 1,
        .contexts = args->BroadcastHwQueueArray + 1,
        .contexts_name = "BroadcastHwQueueArray",
        .values = args->FenceValueArray,
        .values_name = "FenceValueArray",
    };
    return signal_queue(process, first, HANDLE_TYPE_HW_QUEUE, "BroadcastHwQueueArray[0]", &signal);
}
