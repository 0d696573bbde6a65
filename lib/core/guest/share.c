/* SPDX-License-Identifier: MIT */
/* Sharing synchronization objects, and handing objects out as descriptors. */
#include "core/guest/call.h"
#include "core/guest/message.h"
#include "core/guest/sharing.h"
#include "core/guest/sync_object.h"
#include "core/last_error.h"

#include <string.h>
#include <unistd.h>

/* ---- ShareObjects */

/* The record of a shared object, sealed if it is a resource; referenced. */
static NTSTATUS find_record(struct guest_process *process, D3DKMT_HANDLE handle,
                            struct guest_shared **shared)
{
    enum handle_type type = handle_table_type(&process->handles, handle);
    struct guest_object *object = NULL;
    NTSTATUS status = STATUS_SUCCESS;

    *shared = NULL;
    if (type == HANDLE_TYPE_SYNC_OBJECT || type == HANDLE_TYPE_RESOURCE)
        object = guest_child_acquire(process, handle, type, "ObjectHandleArray[0]");
    else
        d3dkmti_fail(
            STATUS_INVALID_PARAMETER,
            "ObjectHandleArray[0] 0x%08x is neither a resource nor a synchronization object",
            handle);
    if (!object)
        return STATUS_INVALID_PARAMETER;
    *shared = type == HANDLE_TYPE_RESOURCE ? ((struct guest_resource *)object)->shared
                                           : ((struct guest_sync_object *)object)->shared;
    if (!*shared)
        status = d3dkmti_fail(STATUS_INVALID_PARAMETER,
                              "ObjectHandleArray[0] 0x%08x was not created to be shared "
                              "(CreateShared or Shared, with "
                              "NtSecuritySharing)",
                              handle);
    else
        reference_acquire(&(*shared)->reference);
    guest_object_release(object);
    return status;
}

static NTSTATUS seal_if_resource(struct guest_process *process, D3DKMT_HANDLE handle,
                                 struct guest_shared *shared)
{
    if (shared->kind != GUEST_SHARED_RESOURCE)
        return STATUS_SUCCESS;
    struct guest_resource *resource =
        guest_child_acquire(process, handle, HANDLE_TYPE_RESOURCE, "ObjectHandleArray[0]");
    if (!resource)
        return STATUS_INVALID_PARAMETER;
    NTSTATUS status = guest_resource_seal(resource);
    guest_object_release(resource);
    return status;
}

/* The descriptor comes first: without one the host need not hear of it. */
static NTSTATUS share_here(struct guest_process *process, D3DKMT_HANDLE handle,
                           struct guest_shared *shared, int *descriptor)
{
    struct guest_vm *vm = process->vm;
    NTSTATUS status = guest_descriptor_create(vm, shared, descriptor);

    if (!NT_SUCCESS(status))
        return status;
    status = guest_shared_get_nt(shared, process, handle);
    if (NT_SUCCESS(status)) {
        guest_descriptor_count(vm, *descriptor);
        status = seal_if_resource(process, handle, shared);
    }
    return status;
}

/* Sealed first: what the host keeps does not change any more. */
static NTSTATUS share_on_host(struct guest_process *process, D3DKMT_HANDLE handle,
                              struct guest_shared *shared, int *descriptor)
{
    NTSTATUS status = seal_if_resource(process, handle, shared);

    return NT_SUCCESS(status) ? guest_kept_create(process, shared, handle, NULL, descriptor)
                              : status;
}

static NTSTATUS share(struct guest_process *process, D3DKMT_HANDLE handle,
                      struct guest_shared *shared, const D3DKMT_SHAREOBJECTS *args)
{
    int descriptor = -1;
    NTSTATUS status = process->vm->ops->keep ? share_on_host(process, handle, shared, &descriptor)
                                             : share_here(process, handle, shared, &descriptor);

    if (NT_SUCCESS(status)) {
        uint64_t nt_handle = (uint64_t)descriptor;

        status = guest_write(process, args->pSharedNtHandle, &nt_handle, sizeof(nt_handle),
                             "pSharedNtHandle");
    }
    if (!NT_SUCCESS(status) && descriptor >= 0)
        close(descriptor); /* the watch over it does the rest */
    return status;
}

NTSTATUS guest_share_objects(struct guest_process *process, const D3DKMT_SHAREOBJECTS *args,
                             D3DKMT_SHAREOBJECTS *caller)
{
    (void)caller;
    D3DKMT_HANDLE handle = 0;
    struct guest_shared *shared = NULL;
    NTSTATUS status = guest_check_count("ObjectCount", args->ObjectCount, 1, 1);

    if (NT_SUCCESS(status))
        status = guest_read(process, &handle, args->ObjectHandleArray, sizeof(handle),
                            "ObjectHandleArray");
    if (NT_SUCCESS(status))
        status = find_record(process, handle, &shared);
    if (NT_SUCCESS(status))
        status = share(process, handle, shared, args);
    if (shared)
        reference_release(&shared->reference);
    return status;
}

NTSTATUS guest_share_object_with_host(struct guest_process *process,
                                      const D3DKMT_SHAREOBJECTWITHHOST *args,
                                      D3DKMT_SHAREOBJECTWITHHOST *caller)
{
    struct guest_message message;

    if (process->vm->global != GUEST_GLOBAL_OPEN)
        return d3dkmti_fail(STATUS_DEVICE_REMOVED, "the global channel to the host is gone");
    struct wire_shareobjectwithhost *command = guest_message_begin(
        &message, process->vm, NULL, process->host_handle, WIRE_GLOBAL_SHAREOBJECTWITHHOST, 0);
    if (!command)
        return STATUS_NO_MEMORY;
    command->device_handle = args->hDevice;
    command->object_handle = args->hObject;
    NTSTATUS status = guest_message_exchange(&message);
    if (NT_SUCCESS(status)) {
        const struct wire_shareobjectwithhost_reply *answer = (const void *)message.reply.bytes;
        D3DKMT_SHAREOBJECTWITHHOST result = *args;

        result.hVailProcessNtHandle = answer->vail_nt_handle;
        status = GUEST_WRITE(process, *caller, result);
    }
    guest_message_end(&message);
    return NT_SUCCESS(status) ? STATUS_SUCCESS : status;
}

/* ---- opening synchronization objects */

static NTSTATUS use_open_answer(struct guest_sync_object *sync_object,
                                const struct wire_opensyncobject_reply *answer,
                                uint64_t *fence_gpu_address)
{
    NTSTATUS status = STATUS_SUCCESS;

    sync_object->object.handle = answer->sync_object;
    if (answer->sync_object == 0)
        return d3dkmti_fail(STATUS_INVALID_PARAMETER, "the host opened nothing");
    if (fence_gpu_address)
        *fence_gpu_address = answer->gpu_virtual_address;
    if (fence_gpu_address && sync_object->monitored)
        status =
            guest_vm_map_io(sync_object->object.process->vm, answer->guest_cpu_physical_address,
                            GUEST_FENCE_PAGE_SIZE, false, true, &sync_object->fence_mapping);
    if (!NT_SUCCESS(status)) {
        d3dkmti_undo_begin();
        (void)guest_sync_object_send_destroy(sync_object, sync_object->object.handle);
        d3dkmti_undo_end();
    }
    return status;
}

NTSTATUS guest_sync_object_open(struct guest_device *device, D3DKMT_HANDLE device_handle,
                                struct guest_shared *shared, uint32_t flags,
                                uint32_t engine_affinity, struct guest_sync_object **opened,
                                uint64_t *fence_gpu_address)
{
    struct guest_process *process = device->object.process;
    struct guest_message message;

    if (process->vm->global != GUEST_GLOBAL_OPEN)
        return d3dkmti_fail(STATUS_DEVICE_REMOVED, "the global channel to the host is gone");
    struct guest_sync_object *made = guest_sync_object_make(device, shared->sync_type, shared);
    struct wire_opensyncobject *command =
        made ? guest_message_begin(&message, process->vm, NULL, process->host_handle,
                                   WIRE_GLOBAL_OPENSYNCOBJECT, 0)
             : NULL;
    if (!command) {
        guest_object_release(made);
        return STATUS_NO_MEMORY;
    }
    command->device = device_handle;
    command->global_sync_object = shared->global_handle;
    command->flags = flags;
    if (made->monitored)
        command->engine_affinity = engine_affinity;
    NTSTATUS status = guest_message_exchange(&message);
    if (NT_SUCCESS(status))
        status = use_open_answer(made, (const void *)message.reply.bytes, fence_gpu_address);
    guest_message_end(&message);
    if (!NT_SUCCESS(status)) {
        guest_object_release(made);
        return status;
    }
    *opened = made;
    return STATUS_SUCCESS;
}

static NTSTATUS open_on_device(struct guest_device *device,
                               const D3DKMT_OPENSYNCOBJECTFROMNTHANDLE2 *args,
                               D3DKMT_OPENSYNCOBJECTFROMNTHANDLE2 *caller)
{
    struct guest_process *process = device->object.process;
    struct guest_sync_object *opened = NULL;
    uint64_t fence_gpu_address = 0;
    struct guest_shared *shared;
    NTSTATUS status = guest_descriptor_find(process->vm, (int)(intptr_t)args->hNtHandle,
                                            GUEST_SHARED_SYNC_OBJECT, "hNtHandle", &shared);

    if (!NT_SUCCESS(status))
        return status;
    status =
        guest_sync_object_open(device, args->hDevice, shared, args->Flags.Value,
                               args->MonitoredFence.EngineAffinity, &opened, &fence_gpu_address);
    reference_release(&shared->reference);
    if (!opened)
        return status;
    D3DKMT_OPENSYNCOBJECTFROMNTHANDLE2 result = *args;
    result.hSyncObject = opened->object.handle;
    if (opened->monitored) {
        result.MonitoredFence.FenceValueCPUVirtualAddress = opened->fence_mapping;
        result.MonitoredFence.FenceValueGPUVirtualAddress = fence_gpu_address;
    }
    status = GUEST_WRITE(process, *caller, result);
    return guest_sync_object_publish_or_undo(opened, status);
}

NTSTATUS guest_open_sync_object(struct guest_process *process,
                                const D3DKMT_OPENSYNCOBJECTFROMNTHANDLE2 *args,
                                D3DKMT_OPENSYNCOBJECTFROMNTHANDLE2 *caller)
{
    struct guest_device *device = guest_device_acquire(process, args->hDevice, "hDevice");

    if (!device)
        return STATUS_INVALID_PARAMETER;
    NTSTATUS status = guest_device_check_active(device);
    if (NT_SUCCESS(status))
        status = open_on_device(device, args, caller);
    guest_object_release(device);
    return status;
}
