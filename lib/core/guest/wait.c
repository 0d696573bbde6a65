/* SPDX-License-Identifier: MIT */
/* Waiting: on the GPU (queued, returns at once) and on the CPU (blocking, or into an eventfd). */
#include "core/guest/wait.h"
#include "core/guest/call.h"
#include "core/guest/message.h"
#include "core/last_error.h"

enum { WAIT_MAX = 131072 };

/* ---- on the GPU */

/* Decides by the first object whether the wait has a value per object. */
static NTSTATUS is_legacy(struct guest_process *process, D3DKMT_HANDLE handle, bool *legacy)
{
    *legacy = false;
    if (handle_table_type(&process->handles, handle) == HANDLE_TYPE_QUEUE_FENCE)
        return STATUS_SUCCESS;
    struct guest_sync_object *first =
        guest_child_acquire(process, handle, HANDLE_TYPE_SYNC_OBJECT, "ObjectHandleArray[0]");
    if (!first)
        return STATUS_INVALID_PARAMETER;
    *legacy = !first->monitored;
    guest_object_release(first);
    return STATUS_SUCCESS;
}

static NTSTATUS check_legacy_count(UINT count)
{
    if (count == 1)
        return STATUS_SUCCESS;
    return d3dkmti_fail(
        STATUS_INVALID_PARAMETER,
        "ObjectCount is %u: a wait for other objects than monitored fences takes one", count);
}

NTSTATUS guest_wait_queue(struct guest_process *process, struct guest_adapter *adapter,
                          D3DKMT_HANDLE queue, const D3DKMT_HANDLE *handles, const uint64_t *values,
                          UINT count, bool legacy)
{
    struct guest_message message;
    NTSTATUS status = guest_adapter_check_active(adapter);

    if (!NT_SUCCESS(status))
        return status;
    struct wire_waitforsyncobjectfromgpu *command = guest_message_begin(
        &message, process->vm, adapter, process->host_handle, WIRE_VGPU_WAITFORSYNCOBJECTFROMGPU,
        count * (sizeof(*handles) + sizeof(*values)));
    if (!command)
        return STATUS_NO_MEMORY;
    command->context = queue;
    command->object_count = count;
    command->legacy_fence_object = legacy;
    guest_message_append(&message, values, count * sizeof(*values));
    guest_message_append(&message, handles, count * sizeof(*handles));
    status = guest_message_submit(&message);
    guest_message_end(&message);
    return status;
}

static NTSTATUS wait_on_queue(struct guest_process *process, D3DKMT_HANDLE queue_handle,
                              enum handle_type type, const char *argument,
                              const D3DKMT_HANDLE *handles, const uint64_t *values, UINT count,
                              bool legacy)
{
    struct guest_object *queue = guest_child_acquire(process, queue_handle, type, argument);

    if (!queue)
        return STATUS_INVALID_PARAMETER;
    NTSTATUS status = guest_wait_queue(process, guest_device_adapter(queue->device), queue_handle,
                                       handles, values, count, legacy);
    guest_object_release(queue);
    return status;
}

NTSTATUS guest_wait(struct guest_process *process, const D3DKMT_WAITFORSYNCHRONIZATIONOBJECT2 *args,
                    D3DKMT_WAITFORSYNCHRONIZATIONOBJECT2 *caller)
{
    (void)caller;
    uint64_t value = args->Fence.FenceValue;
    NTSTATUS status =
        guest_check_count("ObjectCount", args->ObjectCount, 1, D3DDDI_MAX_OBJECT_WAITED_ON);

    if (NT_SUCCESS(status))
        status = check_legacy_count(args->ObjectCount);
    if (NT_SUCCESS(status))
        status = wait_on_queue(process, args->hContext, HANDLE_TYPE_CONTEXT, "hContext",
                               args->ObjectHandleArray, &value, 1, true);
    return status;
}

/* In the order of dxgkrnl: the first object, the values, then device and adapter of the context. */
static NTSTATUS wait_on_context(struct guest_process *process, struct guest_object *context,
                                const D3DKMT_WAITFORSYNCHRONIZATIONOBJECTFROMGPU *args,
                                const D3DKMT_HANDLE *handles)
{
    uint64_t values[D3DDDI_MAX_OBJECT_WAITED_ON] = {0};
    UINT count = args->ObjectCount;
    bool legacy;
    NTSTATUS status = is_legacy(process, handles[0], &legacy);

    if (!NT_SUCCESS(status))
        return status;
    if (legacy) {
        values[0] = args->FenceValue;
        status = check_legacy_count(count);
    } else {
        status = guest_read(process, values, args->MonitoredFenceValueArray,
                            count * sizeof(*values), "MonitoredFenceValueArray");
    }
    if (NT_SUCCESS(status))
        status = guest_wait_queue(process, guest_device_adapter(context->device), args->hContext,
                                  handles, values, count, legacy);
    return status;
}

NTSTATUS guest_wait_from_gpu(struct guest_process *process,
                             const D3DKMT_WAITFORSYNCHRONIZATIONOBJECTFROMGPU *args,
                             D3DKMT_WAITFORSYNCHRONIZATIONOBJECTFROMGPU *caller)
{
    (void)caller;
    D3DKMT_HANDLE handles[D3DDDI_MAX_OBJECT_WAITED_ON];
    UINT count = args->ObjectCount;
    NTSTATUS status = guest_check_count("ObjectCount", count, 1, D3DDDI_MAX_OBJECT_WAITED_ON);

    if (NT_SUCCESS(status))
        status = guest_read(process, handles, args->ObjectHandleArray, count * sizeof(*handles),
                            "ObjectHandleArray");
    if (!NT_SUCCESS(status))
        return status;
    struct guest_object *context =
        guest_child_acquire(process, args->hContext, HANDLE_TYPE_CONTEXT, "hContext");
    if (!context)
        return STATUS_INVALID_PARAMETER;
    status = wait_on_context(process, context, args, handles);
    guest_object_release(context);
    return status;
}

NTSTATUS guest_wait_to_hw_queue(struct guest_process *process,
                                const D3DKMT_SUBMITWAITFORSYNCOBJECTSTOHWQUEUE *args,
                                D3DKMT_SUBMITWAITFORSYNCOBJECTSTOHWQUEUE *caller)
{
    (void)caller;
    D3DKMT_HANDLE handles[D3DDDI_MAX_OBJECT_WAITED_ON];
    uint64_t values[D3DDDI_MAX_OBJECT_WAITED_ON];
    UINT count = args->ObjectCount;
    NTSTATUS status = guest_check_count("ObjectCount", count, 1, D3DDDI_MAX_OBJECT_WAITED_ON);

    if (NT_SUCCESS(status))
        status = guest_read(process, handles, args->ObjectHandleArray, count * sizeof(*handles),
                            "ObjectHandleArray");
    if (NT_SUCCESS(status))
        status = guest_read(process, values, args->FenceValueArray, count * sizeof(*values),
                            "FenceValueArray");
    if (NT_SUCCESS(status))
        status = wait_on_queue(process, args->hHwQueue, HANDLE_TYPE_HW_QUEUE, "hHwQueue", handles,
                               values, count, false);
    return status;
}

/* ---- on the CPU */

static NTSTATUS send_cpu_wait(struct guest_process *process, struct guest_device *device,
                              const D3DKMT_WAITFORSYNCHRONIZATIONOBJECTFROMCPU *args,
                              uint64_t event)
{
    UINT count = args->ObjectCount;
    size_t handles_size = count * sizeof(D3DKMT_HANDLE), values_size = count * sizeof(UINT64);
    struct guest_message message;

    /* Looked at after the event is entered, for it is the global channel that brings the signal. */
    if (process->vm->global != GUEST_GLOBAL_OPEN)
        return d3dkmti_fail(STATUS_DEVICE_REMOVED, "the global channel to the host is gone");
    struct wire_waitforsyncobjectfromcpu *command = guest_message_begin(
        &message, process->vm, guest_device_adapter(device), process->host_handle,
        WIRE_VGPU_WAITFORSYNCOBJECTFROMCPU, handles_size + values_size);

    if (!command)
        return STATUS_NO_MEMORY;
    command->device = args->hDevice;
    command->object_count = count;
    command->flags = args->Flags.Value;
    command->guest_event_pointer = event;
    NTSTATUS status = guest_read_tail(process, &message, args->ObjectHandleArray, handles_size,
                                      "ObjectHandleArray");
    if (NT_SUCCESS(status))
        status = guest_read_tail(process, &message, args->FenceValueArray, values_size,
                                 "FenceValueArray");
    if (NT_SUCCESS(status))
        status = guest_message_exchange(&message);
    guest_message_end(&message);
    return status;
}

NTSTATUS guest_wait_arm(struct guest_process *process, struct guest_device *device,
                        const D3DKMT_WAITFORSYNCHRONIZATIONOBJECTFROMCPU *args, uint64_t event)
{
    NTSTATUS status = guest_adapter_check_active(guest_device_adapter(device));

    if (NT_SUCCESS(status))
        status = send_cpu_wait(process, device, args, event);
    return status;
}

/* Blocks until the fences are reached, or the device, adapter or process goes. */
static NTSTATUS wait_blocking(struct guest_process *process, struct guest_device *device,
                              const D3DKMT_WAITFORSYNCHRONIZATIONOBJECTFROMCPU *args)
{
    struct guest_events *events = &process->vm->events;
    struct guest_adapter *adapter = guest_device_adapter(device);
    struct guest_event event;

    guest_event_begin_wait(events, &event, process, device, adapter);
    /* Looked at after the event is entered: whoever ends it later finds it. */
    NTSTATUS status = guest_device_check_active(device);
    if (NT_SUCCESS(status) && process->interrupted)
        status = d3dkmti_fail(STATUS_DEVICE_REMOVED, "the library is being closed");
    if (NT_SUCCESS(status))
        status = send_cpu_wait(process, device, args, event.id);
    if (!NT_SUCCESS(status)) {
        guest_event_end_wait(events, &event);
        return status;
    }
    NTSTATUS result = guest_event_wait(events, &event, process->interruptible);
    if (result == STATUS_CANCELLED)
        return d3dkmti_fail(result, "a signal handler ran while the call waited");
    if (!NT_SUCCESS(result))
        return d3dkmti_fail(result, "the device or its adapter went while the call waited");
    /* Whatever success the host answered with before the wait: now the fences are reached. */
    return STATUS_SUCCESS;
}

NTSTATUS guest_wait_from_cpu(struct guest_process *process,
                             const D3DKMT_WAITFORSYNCHRONIZATIONOBJECTFROMCPU *args,
                             D3DKMT_WAITFORSYNCHRONIZATIONOBJECTFROMCPU *caller)
{
    (void)caller;
    uint64_t event = 0;
    NTSTATUS status = guest_check_count("ObjectCount", args->ObjectCount, 1, WAIT_MAX);

    if (NT_SUCCESS(status) && args->hAsyncEvent)
        status = guest_event_create(&process->vm->events, (int)(intptr_t)args->hAsyncEvent,
                                    GUEST_EVENT_ONE_SHOT, process, "hAsyncEvent", &event);
    if (!NT_SUCCESS(status))
        return status;
    struct guest_device *device = guest_device_acquire(process, args->hDevice, "hDevice");
    if (!device)
        status = STATUS_INVALID_PARAMETER;
    else if (event)
        status = guest_wait_arm(process, device, args, event);
    else
        status = wait_blocking(process, device, args);
    if (!NT_SUCCESS(status) && event)
        guest_event_remove(&process->vm->events, event);
    guest_object_release(device);
    return status;
}
