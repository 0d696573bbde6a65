/* SPDX-License-Identifier: MIT */
/*
 * Calls of the first drivers that kernels dropped, as far as they can be answered. Objects without
 * NtSecuritySharing cannot be made, so a resource has no global handle by which it could be opened;
 * a shared synchronization object has one, which the host chose.
 */
#include "core/guest/call.h"
#include "core/guest/sharing.h"
#include "core/guest/sync_object.h"
#include "core/last_error.h"

/* ---- OpenSynchronizationObject */

static struct guest_shared *record_of(struct guest_object *object, uint32_t global_handle)
{
    struct guest_shared *shared = object->type == HANDLE_TYPE_SYNC_OBJECT
                                      ? ((struct guest_sync_object *)object)->shared
                                      : NULL;

    return shared && shared->global_handle == global_handle ? shared : NULL;
}

static struct guest_shared *find_in_list(const struct guest_object_list *list,
                                         uint32_t global_handle)
{
    struct guest_shared *shared = NULL;

    for (struct guest_object *object = list->first; object && !shared; object = object->next)
        shared = record_of(object, global_handle);
    return shared;
}

/* The record among the objects of the process, and a device to open it under, which the call does
 * not name: the one that has it, or else any. Under the process's mutexes. */
static struct guest_shared *find_record(const struct guest_process *process, uint32_t global_handle,
                                        struct guest_device **device)
{
    struct guest_shared *found = find_in_list(&process->sync_objects, global_handle);

    *device = NULL;
    for (const struct guest_open_adapter *open = process->open_adapters; open; open = open->next) {
        for (struct guest_object *each = open->devices.first; each; each = each->next) {
            struct guest_device *candidate = (struct guest_device *)each;
            struct guest_shared *shared = find_in_list(&candidate->children, global_handle);

            if (shared || !*device)
                *device = candidate;
            if (shared)
                return shared;
        }
    }
    return found;
}

/* Both are referenced. */
static struct guest_shared *acquire_record(struct guest_process *process, uint32_t global_handle,
                                           struct guest_device **device)
{
    pthread_mutex_lock(&process->adapter_mutex);
    pthread_mutex_lock(&process->mutex);
    struct guest_shared *shared = find_record(process, global_handle, device);
    if (shared && *device && !reference_try_acquire(&(*device)->object.reference))
        *device = NULL;
    if (shared && *device)
        reference_acquire(&shared->reference);
    pthread_mutex_unlock(&process->mutex);
    pthread_mutex_unlock(&process->adapter_mutex);
    return *device ? shared : NULL;
}

static NTSTATUS open_under(struct guest_device *device, struct guest_shared *shared,
                           const D3DKMT_OPENSYNCHRONIZATIONOBJECT *args,
                           D3DKMT_OPENSYNCHRONIZATIONOBJECT *caller)
{
    const D3DDDI_SYNCHRONIZATIONOBJECT_FLAGS flags = {.Shared = 1, .NtSecuritySharing = 1};
    D3DKMT_OPENSYNCHRONIZATIONOBJECT result = *args;
    struct guest_sync_object *opened = NULL;
    uint64_t fence_gpu_address;
    NTSTATUS status = guest_device_check_active(device);

    if (NT_SUCCESS(status))
        status = guest_sync_object_open(device, device->object.handle, shared, flags.Value, 0,
                                        &opened, &fence_gpu_address);
    if (!NT_SUCCESS(status))
        return status;
    result.hSyncObject = opened->object.handle;
    status = GUEST_WRITE(device->object.process, *caller, result);
    return guest_sync_object_publish_or_undo(opened, status);
}

NTSTATUS guest_open_sync_object_by_global_handle(struct guest_process *process,
                                                 const D3DKMT_OPENSYNCHRONIZATIONOBJECT *args,
                                                 D3DKMT_OPENSYNCHRONIZATIONOBJECT *caller)
{
    struct guest_device *device;
    struct guest_shared *shared = NULL;

    if (args->hSharedHandle != 0)
        shared = acquire_record(process, args->hSharedHandle, &device);
    if (!shared)
        return d3dkmti_fail(
            STATUS_INVALID_PARAMETER,
            "hSharedHandle 0x%08x is not the SharedHandle of a synchronization object of this "
            "process; between processes use D3DKMTShareObjects and "
            "D3DKMTOpenSyncObjectFromNtHandle2",
            args->hSharedHandle);
    NTSTATUS status = open_under(device, shared, args, caller);
    reference_release(&shared->reference);
    guest_object_release(device);
    return status;
}

/* ---- GetSharedResourceAdapterLuid */

NTSTATUS guest_get_shared_resource_adapter_luid(struct guest_process *process,
                                                const D3DKMT_GETSHAREDRESOURCEADAPTERLUID *args,
                                                D3DKMT_GETSHAREDRESOURCEADAPTERLUID *caller)
{
    if (args->hGlobalShare != 0)
        return d3dkmti_fail(STATUS_INVALID_PARAMETER,
                            "hGlobalShare is 0x%08x, but resources have no global handles: pass 0 "
                            "and a descriptor of D3DKMTShareObjects as hNtHandle",
                            args->hGlobalShare);
    struct guest_shared *shared;
    NTSTATUS status = guest_descriptor_find(process->vm, (int)(intptr_t)args->hNtHandle,
                                            GUEST_SHARED_RESOURCE, "hNtHandle", &shared);
    if (!NT_SUCCESS(status))
        return status;
    status = GUEST_WRITE(process, caller->AdapterLuid, shared->adapter_luid);
    reference_release(&shared->reference);
    return status;
}
