/* SPDX-License-Identifier: MIT */
/* Devices: create, destroy with all that belongs to them, execution state. */
#include "core/guest/call.h"
#include "core/guest/message.h"
#include "core/last_error.h"

#include <string.h>

static void free_device(struct reference *reference)
{
    struct guest_device *device = (struct guest_device *)reference;
    struct guest_open_adapter *open_adapter = device->open_adapter;

    guest_object_free(&device->object, &device->object.process->device_pool);
    guest_object_release(open_adapter);
}

/* ---- create */

static NTSTATUS send_create(struct guest_process *process, struct guest_adapter *adapter,
                            const D3DKMT_CREATEDEVICE *args, D3DKMT_HANDLE *handle)
{
    struct guest_message message;
    struct wire_createdevice *command = guest_message_begin(
        &message, process->vm, adapter, process->host_handle, WIRE_VGPU_CREATEDEVICE, 0);

    if (!command)
        return STATUS_NO_MEMORY;
    memcpy(&command->flags, &args->Flags, sizeof(command->flags));
    command->error_code = process->vm->device_state_cookie;
    NTSTATUS status = guest_message_exchange(&message);
    if (NT_SUCCESS(status)) {
        *handle = ((const struct wire_createdevice_reply *)message.reply.bytes)->device;
        if (*handle == 0)
            status = d3dkmti_fail(STATUS_INVALID_PARAMETER, "the host made no device");
    }
    guest_message_end(&message);
    return status;
}

static void send_destroy(struct guest_device *device)
{
    struct guest_adapter *adapter = guest_device_adapter(device);
    struct guest_process *process = device->object.process;

    if (adapter->state == GUEST_ADAPTER_ACTIVE)
        (void)guest_message_send_handle(process->vm, adapter, process->host_handle,
                                        WIRE_VGPU_DESTROYDEVICE, device->object.handle);
}

/* Makes the device known; under the adapter mutex. On failure the host's device goes again. */
static NTSTATUS publish(struct guest_process *process, struct guest_device *device,
                        const D3DKMT_CREATEDEVICE *args, D3DKMT_CREATEDEVICE *caller)
{
    struct handle_insertion insertion = {device->object.handle, HANDLE_TYPE_DEVICE, device};
    NTSTATUS status = GUEST_WRITE(process, caller->hDevice, device->object.handle);

    if (NT_SUCCESS(status)) {
        /* In one step: whoever guesses the handle and destroys the device finds it in the list. */
        pthread_mutex_lock(&process->mutex);
        status = guest_handles_insert(process, &insertion, 1);
        if (NT_SUCCESS(status))
            guest_list_append(&device->open_adapter->devices, &device->object);
        pthread_mutex_unlock(&process->mutex);
        /* A handle that the host should not have named stays there, as from the kernel. */
        if (status == STATUS_NO_MEMORY)
            (void)GUEST_WRITE(process, caller->hDevice, args->hDevice);
    }
    if (!NT_SUCCESS(status))
        send_destroy(device);
    return status;
}

static NTSTATUS create(struct guest_process *process, struct guest_open_adapter *open_adapter,
                       const D3DKMT_CREATEDEVICE *args, D3DKMT_CREATEDEVICE *caller)
{
    /* The last handle of the adapter may have been closed since the lookup. */
    if (open_adapter->open_count == 0)
        return d3dkmti_fail(STATUS_NO_MEMORY, "hAdapter 0x%08x was closed meanwhile",
                            args->hAdapter);
    struct guest_device *device =
        guest_object_create(process, &process->device_pool, HANDLE_TYPE_DEVICE, NULL, free_device);
    if (!device)
        return STATUS_NO_MEMORY;
    reference_acquire(&open_adapter->reference);
    device->open_adapter = open_adapter;
    atomic_store(&device->known_state, D3DKMT_DEVICEEXECUTION_ACTIVE);
    NTSTATUS status = guest_adapter_check_active(open_adapter->adapter);
    if (NT_SUCCESS(status))
        status = send_create(process, open_adapter->adapter, args, &device->object.handle);
    if (NT_SUCCESS(status))
        status = publish(process, device, args, caller);
    if (!NT_SUCCESS(status))
        guest_object_release(device);
    return status;
}

NTSTATUS guest_create_device(struct guest_process *process, const D3DKMT_CREATEDEVICE *args,
                             D3DKMT_CREATEDEVICE *caller)
{
    struct guest_open_adapter *open_adapter =
        guest_adapter_acquire(process, args->hAdapter, "hAdapter");

    if (!open_adapter)
        return STATUS_INVALID_PARAMETER;
    pthread_mutex_lock(&process->adapter_mutex);
    NTSTATUS status = create(process, open_adapter, args, caller);
    pthread_mutex_unlock(&process->adapter_mutex);
    guest_object_release(open_adapter);
    return status;
}

/* ---- destroy */

/* Takes the first child of a type out of the device's list; NULL when there is none. */
static struct guest_object *take_child(struct guest_device *device, enum handle_type type)
{
    struct guest_process *process = device->object.process;

    pthread_mutex_lock(&process->mutex);
    struct guest_object *child = device->children.first;
    while (child && child->type != type)
        child = child->next;
    if (child) {
        guest_list_remove(child);
        reference_acquire(&child->reference);
    }
    pthread_mutex_unlock(&process->mutex);
    return child;
}

static void send_flush(struct guest_device *device)
{
    struct guest_adapter *adapter = guest_device_adapter(device);
    struct guest_process *process = device->object.process;
    struct guest_message message;
    struct wire_flushdevice *command = guest_message_begin(
        &message, process->vm, adapter, process->host_handle, WIRE_VGPU_FLUSHDEVICE, 0);

    if (!command)
        return;
    command->device = device->object.handle;
    command->reason = 4; /* the device terminates */
    (void)guest_message_exchange(&message);
    guest_message_end(&message);
}

void guest_device_teardown(struct guest_device *device, bool terminate)
{
    struct guest_vm *vm = device->object.process->vm;
    struct guest_object *child;

    atomic_store(&device->destroyed, true);
    guest_events_cancel(&vm->events, device, STATUS_DEVICE_REMOVED, false);
    if (terminate && guest_device_adapter(device)->state == GUEST_ADAPTER_ACTIVE)
        send_flush(device);
    while ((child = take_child(device, HANDLE_TYPE_SYNC_OBJECT)) != NULL) {
        guest_sync_object_drop((struct guest_sync_object *)child);
        guest_object_release(child);
    }
    while ((child = take_child(device, HANDLE_TYPE_ALLOCATION)) != NULL) {
        guest_allocation_drop((struct guest_allocation *)child);
        guest_object_release(child);
    }
    while ((child = take_child(device, HANDLE_TYPE_RESOURCE)) != NULL) {
        guest_resource_drop((struct guest_resource *)child);
        guest_object_release(child);
    }
    while ((child = take_child(device, HANDLE_TYPE_HW_QUEUE)) != NULL) {
        guest_hw_queue_drop((struct guest_hw_queue *)child);
        guest_object_release(child);
    }
    while ((child = take_child(device, HANDLE_TYPE_CONTEXT)) != NULL) {
        guest_context_drop((struct guest_context *)child);
        guest_object_release(child);
    }
    while ((child = take_child(device, HANDLE_TYPE_PAGING_QUEUE)) != NULL) {
        guest_paging_queue_drop((struct guest_paging_queue *)child);
        guest_object_release(child);
    }
    send_destroy(device);
}

NTSTATUS guest_destroy_device(struct guest_process *process, const D3DKMT_DESTROYDEVICE *args,
                              D3DKMT_DESTROYDEVICE *caller)
{
    (void)caller;
    struct guest_device *device = guest_device_acquire(process, args->hDevice, "hDevice");

    if (!device)
        return STATUS_INVALID_PARAMETER;
    NTSTATUS status = STATUS_SUCCESS;
    if (handle_table_remove(&process->handles, args->hDevice, HANDLE_TYPE_DEVICE, NULL)) {
        pthread_mutex_lock(&process->mutex);
        guest_list_remove(&device->object);
        pthread_mutex_unlock(&process->mutex);
        guest_device_teardown(device, false);
        guest_object_release(device); /* the table's reference */
    } else {
        status = d3dkmti_fail(STATUS_INVALID_PARAMETER, "hDevice 0x%08x was destroyed meanwhile",
                              args->hDevice);
    }
    guest_object_release(device);
    return status;
}

/* ---- state */

static uint64_t state_word(uint32_t counter, uint32_t state)
{
    return (uint64_t)counter << 32 | state;
}

static NTSTATUS ask_state(struct guest_process *process, struct guest_device *device,
                          const D3DKMT_GETDEVICESTATE *args, D3DKMT_GETDEVICESTATE *caller)
{
    /* Read before the host is asked: a change in between makes the answer stale at once. */
    uint32_t counter = atomic_load(&process->vm->device_state_counter);
    struct guest_message message;
    struct wire_getdevicestate *command =
        guest_message_begin(&message, process->vm, guest_device_adapter(device),
                            process->host_handle, WIRE_VGPU_GETDEVICESTATE, 0);

    if (!command)
        return STATUS_NO_MEMORY;
    memcpy(&command->args, args, sizeof(command->args));
    NTSTATUS status = guest_message_exchange(&message);
    if (NT_SUCCESS(status)) {
        D3DKMT_GETDEVICESTATE answer;

        memcpy(&answer, message.reply.bytes, sizeof(answer));
        status = GUEST_WRITE(process, *caller, answer);
        if (NT_SUCCESS(status) && args->StateType == D3DKMT_DEVICESTATE_EXECUTION)
            atomic_store(&device->known_state, state_word(counter, answer.ExecutionState));
    }
    guest_message_end(&message);
    return status;
}

NTSTATUS guest_get_device_state(struct guest_process *process, const D3DKMT_GETDEVICESTATE *args,
                                D3DKMT_GETDEVICESTATE *caller)
{
    struct guest_device *device = guest_device_acquire(process, args->hDevice, "hDevice");

    if (!device)
        return STATUS_INVALID_PARAMETER;
    NTSTATUS status = guest_adapter_check_active(guest_device_adapter(device));
    if (!NT_SUCCESS(status))
        goto out;
    uint64_t known = atomic_load(&device->known_state);
    if (args->StateType == D3DKMT_DEVICESTATE_EXECUTION &&
        known >> 32 == atomic_load(&process->vm->device_state_counter)) {
        D3DKMT_DEVICEEXECUTION_STATE state = (D3DKMT_DEVICEEXECUTION_STATE)(uint32_t)known;

        status = GUEST_WRITE(process, caller->ExecutionState, state);
    } else {
        status = ask_state(process, device, args, caller);
    }
out:
    guest_object_release(device);
    return status;
}

NTSTATUS guest_mark_device_as_error(struct guest_process *process,
                                    const D3DKMT_MARKDEVICEASERROR *args,
                                    D3DKMT_MARKDEVICEASERROR *caller)
{
    (void)caller;
    struct guest_device *device = guest_device_acquire(process, args->hDevice, "hDevice");

    if (!device)
        return STATUS_INVALID_PARAMETER;
    struct guest_message message;
    struct wire_markdeviceaserror *command = NULL;
    NTSTATUS status = guest_adapter_check_active(guest_device_adapter(device));
    if (!NT_SUCCESS(status))
        goto out;
    /* Read before, as when the host is asked for the state. */
    uint32_t counter = atomic_load(&process->vm->device_state_counter);
    command = guest_message_begin(&message, process->vm, guest_device_adapter(device),
                                  process->host_handle, WIRE_VGPU_MARKDEVICEASERROR, 0);
    if (!command) {
        status = STATUS_NO_MEMORY;
        goto out;
    }
    memcpy(&command->args, args, sizeof(command->args));
    status = guest_message_exchange(&message);
    if (NT_SUCCESS(status))
        atomic_store(&device->known_state, state_word(counter, D3DKMT_DEVICEEXECUTION_RESET));
    guest_message_end(&message);
out:
    guest_object_release(device);
    return status;
}
