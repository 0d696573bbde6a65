/* SPDX-License-Identifier: MIT */
/* Synchronization objects: monitored fences with a page for the CPU, CPU notification, the rest. */
#include "core/guest/sync_object.h"
#include "core/guest/call.h"
#include "core/guest/message.h"
#include "core/guest/sharing.h"
#include "core/last_error.h"

#include <string.h>

enum { CLIENT_HINT_UMD = 1 };

static void free_sync_object(struct reference *reference)
{
    struct guest_sync_object *sync_object = (struct guest_sync_object *)reference;
    struct guest_process *process = sync_object->object.process;
    struct guest_adapter *adapter = sync_object->adapter;

    if (sync_object->shared)
        reference_release(&sync_object->shared->reference);
    guest_vm_unmap_io(process->vm, sync_object->fence_mapping, GUEST_FENCE_PAGE_SIZE);
    if (sync_object->event)
        guest_event_remove(&process->vm->events, sync_object->event);
    guest_object_free(&sync_object->object, &process->sync_object_pool);
    reference_release(&adapter->reference);
}

/* handle: as the caller spelt it; the instance bits are the host's business. */
NTSTATUS guest_sync_object_send_destroy(struct guest_sync_object *sync_object, D3DKMT_HANDLE handle)
{
    struct guest_process *process = sync_object->object.process;

    if (process->vm->global != GUEST_GLOBAL_OPEN)
        return d3dkmti_fail(STATUS_DEVICE_REMOVED, "the global channel to the host is gone");
    return guest_message_send_handle(process->vm, NULL, process->host_handle,
                                     WIRE_GLOBAL_DESTROYSYNCOBJECT, handle);
}

/* ---- create */

/* Fence addresses stand at different places for the two kinds of monitored fences. */
static void fill_in_fence(D3DDDI_SYNCHRONIZATIONOBJECTINFO2 *info, void *cpu_address,
                          D3DGPU_VIRTUAL_ADDRESS gpu_address)
{
    if (info->Type == D3DDDI_MONITORED_FENCE) {
        info->MonitoredFence.FenceValueCPUVirtualAddress = cpu_address;
        info->MonitoredFence.FenceValueGPUVirtualAddress = gpu_address;
    } else {
        info->PeriodicMonitoredFence.FenceValueCPUVirtualAddress = cpu_address;
        info->PeriodicMonitoredFence.FenceValueGPUVirtualAddress = gpu_address;
    }
}

static NTSTATUS publish(struct guest_sync_object *sync_object)
{
    struct guest_process *process = sync_object->object.process;
    struct handle_insertion insertion = {sync_object->object.handle, HANDLE_TYPE_SYNC_OBJECT,
                                         sync_object};

    if (sync_object->monitored)
        return guest_child_publish(&sync_object->object, &insertion, 1);
    pthread_mutex_lock(&process->mutex);
    NTSTATUS status = guest_handles_insert(process, &insertion, 1);
    if (NT_SUCCESS(status))
        guest_list_append(&process->sync_objects, &sync_object->object);
    pthread_mutex_unlock(&process->mutex);
    return status;
}

NTSTATUS guest_sync_object_publish_or_undo(struct guest_sync_object *opened, NTSTATUS status)
{
    if (NT_SUCCESS(status))
        status = publish(opened);
    if (!NT_SUCCESS(status)) {
        d3dkmti_undo_begin();
        (void)guest_sync_object_send_destroy(opened, opened->object.handle);
        d3dkmti_undo_end();
        guest_object_release(opened);
    }
    return status;
}

static NTSTATUS use_answer(struct guest_sync_object *sync_object,
                           const struct wire_createsyncobject_reply *answer,
                           D3DKMT_CREATESYNCHRONIZATIONOBJECT2 *result,
                           D3DKMT_CREATESYNCHRONIZATIONOBJECT2 *caller)
{
    struct guest_process *process = sync_object->object.process;
    NTSTATUS status = STATUS_SUCCESS;

    result->hSyncObject = answer->sync_object;
    if (sync_object->shared) {
        if (answer->global_sync_object == 0)
            return d3dkmti_fail(STATUS_INVALID_PARAMETER, "the host made no shared object");
        sync_object->shared->global_handle = answer->global_sync_object;
        result->Info.SharedHandle = answer->global_sync_object;
    }
    if (sync_object->monitored) {
        status = guest_vm_map_io(process->vm, answer->fence_storage_address, GUEST_FENCE_PAGE_SIZE,
                                 false, true, &sync_object->fence_mapping);
        fill_in_fence(&result->Info, sync_object->fence_mapping, answer->fence_gpu_va);
    }
    if (NT_SUCCESS(status))
        status = GUEST_WRITE(process, *caller, *result);
    if (NT_SUCCESS(status))
        status = publish(sync_object);
    return status;
}

static NTSTATUS send_create(struct guest_sync_object *sync_object, struct guest_adapter *adapter,
                            D3DKMT_CREATESYNCHRONIZATIONOBJECT2 *args,
                            D3DKMT_CREATESYNCHRONIZATIONOBJECT2 *caller)
{
    struct guest_process *process = sync_object->object.process;
    struct guest_message message;
    struct wire_createsyncobject *command = guest_message_begin(
        &message, process->vm, adapter, process->host_handle, WIRE_VGPU_CREATESYNCOBJECT, 0);

    if (!command)
        return STATUS_NO_MEMORY;
    memcpy(&command->args, args, sizeof(command->args));
    command->client_hint = CLIENT_HINT_UMD;
    NTSTATUS status = guest_message_exchange(&message);
    if (message.answered) {
        const struct wire_createsyncobject_reply *answer = (const void *)message.reply.bytes;

        sync_object->object.handle = answer->sync_object;
        status = use_answer(sync_object, answer, args, caller);
        if (!NT_SUCCESS(status) && answer->sync_object != 0) {
            d3dkmti_undo_begin();
            (void)guest_sync_object_send_destroy(sync_object, sync_object->object.handle);
            d3dkmti_undo_end();
        }
    }
    guest_message_end(&message);
    return status;
}

struct guest_sync_object *guest_sync_object_make(struct guest_device *device,
                                                 D3DDDI_SYNCHRONIZATIONOBJECT_TYPE type,
                                                 struct guest_shared *shared)
{
    struct guest_process *process = device->object.process;
    bool monitored = type == D3DDDI_MONITORED_FENCE || type == D3DDDI_PERIODIC_MONITORED_FENCE;
    struct guest_sync_object *sync_object =
        guest_object_create(process, &process->sync_object_pool, HANDLE_TYPE_SYNC_OBJECT,
                            monitored ? device : NULL, free_sync_object);

    if (!sync_object)
        return NULL;
    sync_object->monitored = monitored;
    sync_object->sync_type = type;
    sync_object->shared = shared;
    if (shared)
        reference_acquire(&shared->reference);
    sync_object->adapter = guest_device_adapter(device);
    reference_acquire(&sync_object->adapter->reference);
    return sync_object;
}

/* As above, with a new record if the object is to be shared. */
static struct guest_sync_object *make(struct guest_device *device,
                                      const D3DKMT_CREATESYNCHRONIZATIONOBJECT2 *args)
{
    struct guest_shared *shared = NULL;

    if (args->Info.Flags.Shared) {
        shared = guest_shared_create(device->object.process->vm, GUEST_SHARED_SYNC_OBJECT);
        if (!shared)
            return NULL;
        shared->sync_type = args->Info.Type;
    }
    struct guest_sync_object *made = guest_sync_object_make(device, args->Info.Type, shared);
    if (shared)
        reference_release(&shared->reference);
    return made;
}

static NTSTATUS create(struct guest_device *device, const D3DKMT_CREATESYNCHRONIZATIONOBJECT2 *args,
                       D3DKMT_CREATESYNCHRONIZATIONOBJECT2 *caller)
{
    struct guest_process *process = device->object.process;
    D3DKMT_CREATESYNCHRONIZATIONOBJECT2 sent = *args;
    NTSTATUS status = STATUS_SUCCESS;

    if (args->Info.Flags.Shared && !args->Info.Flags.NtSecuritySharing)
        return d3dkmti_fail(
            STATUS_INVALID_PARAMETER,
            "the flag Shared needs NtSecuritySharing: objects are shared by descriptors");
    struct guest_sync_object *sync_object = make(device, args);
    if (!sync_object)
        return STATUS_NO_MEMORY;
    if (args->Info.Type == D3DDDI_CPU_NOTIFICATION) {
        status = guest_event_create(
            &process->vm->events, (int)(intptr_t)args->Info.CPUNotification.Event,
            GUEST_EVENT_PERSISTENT, process, "Info.CPUNotification.Event", &sync_object->event);
        sent.Info.CPUNotification.Event_Align = sync_object->event;
    }
    if (NT_SUCCESS(status))
        status = send_create(sync_object, guest_device_adapter(device), &sent, caller);
    if (!NT_SUCCESS(status))
        guest_object_release(sync_object);
    return status;
}

NTSTATUS guest_create_sync_object(struct guest_process *process,
                                  const D3DKMT_CREATESYNCHRONIZATIONOBJECT2 *args,
                                  D3DKMT_CREATESYNCHRONIZATIONOBJECT2 *caller)
{
    struct guest_device *device = guest_device_acquire(process, args->hDevice, "hDevice");

    if (!device)
        return STATUS_INVALID_PARAMETER;
    NTSTATUS status = guest_device_check_active(device);
    if (NT_SUCCESS(status))
        status = create(device, args, caller);
    guest_object_release(device);
    return status;
}

/* ---- destroy */

/* With its device or process: the host drops it by itself. */
void guest_sync_object_drop(struct guest_sync_object *sync_object)
{
    if (guest_child_withdraw(&sync_object->object))
        guest_object_release(sync_object);
}

NTSTATUS guest_destroy_sync_object(struct guest_process *process,
                                   const D3DKMT_DESTROYSYNCHRONIZATIONOBJECT *args,
                                   D3DKMT_DESTROYSYNCHRONIZATIONOBJECT *caller)
{
    (void)caller;
    struct guest_sync_object *sync_object =
        handle_table_acquire(&process->handles, args->hSyncObject, HANDLE_TYPE_SYNC_OBJECT);
    NTSTATUS status = STATUS_INVALID_PARAMETER;

    if (!sync_object)
        return d3dkmti_fail(
            status,
            "hSyncObject 0x%08x is not a synchronization object (fences of queues go "
            "with their queue)",
            args->hSyncObject);
    if (guest_child_withdraw(&sync_object->object)) {
        status = guest_sync_object_send_destroy(sync_object, args->hSyncObject);
        guest_object_release(sync_object); /* the table's reference */
    }
    guest_object_release(sync_object);
    return status;
}
