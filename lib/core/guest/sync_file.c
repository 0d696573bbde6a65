/* SPDX-License-Identifier: MIT */
/*
 * Sync files: a monitored fence's value as a descriptor.
 *
 * A sync file is a pair of sockets (core/sync_pair.h) with a host event that signals it. It belongs
 * to no process: it outlives the fence's handle and device, and ends with its last duplicate.
 */
#include "core/guest/call.h"
#include "core/guest/sharing.h"
#include "core/guest/sync_object.h"
#include "core/guest/wait.h"
#include "core/last_error.h"
#include "core/sync_merge.h"

#include <stdio.h>
#include <unistd.h>

/* How fences of sync files are opened again: to be waited for, not to be signalled. */
static uint32_t open_flags(void)
{
    D3DDDI_SYNCHRONIZATIONOBJECT_FLAGS flags = {
        .Shared = 1,
        .NtSecuritySharing = 1,
        .NoSignal = 1,
    };

    return flags.Value;
}

/* ---- create */

/* Like the kernel's: driver, timeline and its number, value. */
static void make_name(uint64_t value, char name[D3DKMT_SYNC_FILE_NAME_SIZE])
{
    static atomic_uint last_number;

    snprintf(name, D3DKMT_SYNC_FILE_NAME_SIZE, SYNC_DRIVER "-" SYNC_TIMELINE_FENCE "%u-%llu",
             atomic_fetch_add(&last_number, 1) % 1000000, (unsigned long long)value);
}

/* Only what has a value can reach one. The driver takes any object for a fence. */
static struct guest_sync_object *acquire_fence(struct guest_process *process, D3DKMT_HANDLE handle)
{
    struct guest_sync_object *fence =
        guest_child_acquire(process, handle, HANDLE_TYPE_SYNC_OBJECT, "hMonitoredFence");

    if (fence && !fence->monitored) {
        d3dkmti_fail(STATUS_INVALID_PARAMETER, "hMonitoredFence 0x%08x is not a monitored fence",
                     handle);
        guest_object_release(fence);
        fence = NULL;
    }
    return fence;
}

/* Asks the host for the signal of a pair that is entered; the caller closes it on failure. */
static NTSTATUS arm(struct guest_device *device, struct guest_sync_object *fence,
                    const D3DKMT_CREATESYNCFILE *args, int descriptor, uint64_t event)
{
    struct guest_process *process = device->object.process;
    D3DKMT_WAITFORSYNCHRONIZATIONOBJECTFROMCPU wait = {
        .hDevice = args->hDevice,
        .ObjectCount = 1,
        .ObjectHandleArray = &args->hMonitoredFence,
        .FenceValueArray = &args->FenceValue,
    };
    NTSTATUS status = STATUS_SUCCESS;

    if (fence->shared) {
        status = guest_shared_get_nt(fence->shared, process, args->hMonitoredFence);
        if (NT_SUCCESS(status))
            guest_descriptor_count(process->vm, descriptor);
    }
    /* This looks at the adapter again: one that stopped before the event was entered ends nothing.
     */
    if (NT_SUCCESS(status))
        status = guest_wait_arm(process, device, &wait, event);
    return status;
}

static NTSTATUS create_on_device(struct guest_device *device, const D3DKMT_CREATESYNCFILE *args,
                                 D3DKMT_CREATESYNCFILE *caller, int ends[2])
{
    struct guest_process *process = device->object.process;
    struct guest_sync_object *fence = acquire_fence(process, args->hMonitoredFence);
    uint64_t descriptor = (uint64_t)ends[0], event;

    if (!fence)
        return STATUS_INVALID_PARAMETER;
    NTSTATUS status = guest_descriptor_enter_sync_file(
        process->vm, ends, fence->shared, args->FenceValue, process, fence->adapter, &event);
    if (NT_SUCCESS(status)) {
        ends[1] = -1; /* the watch's */
        status = arm(device, fence, args, ends[0], event);
    }
    if (NT_SUCCESS(status))
        status = GUEST_WRITE(process, caller->hSyncFile, descriptor);
    guest_object_release(fence);
    return NT_SUCCESS(status) ? STATUS_SUCCESS : status;
}

/* In order of the driver: the descriptor comes before all arguments. */
static NTSTATUS create_here(struct guest_process *process, const D3DKMT_CREATESYNCFILE *args,
                            D3DKMT_CREATESYNCFILE *caller)
{
    char name[D3DKMT_SYNC_FILE_NAME_SIZE];
    int ends[2];

    make_name(args->FenceValue, name);
    NTSTATUS status = sync_pair_create(SYNC_TIMELINE_FENCE, name, ends, NULL);
    if (!NT_SUCCESS(status))
        return status;
    struct guest_device *device = guest_device_acquire(process, args->hDevice, "hDevice");
    status = device ? guest_device_check_active(device) : STATUS_INVALID_PARAMETER;
    if (NT_SUCCESS(status))
        status = create_on_device(device, args, caller, ends);
    if (!NT_SUCCESS(status)) {
        /* Once it is entered, the watch over it sees this and does the rest. */
        close(ends[0]);
        if (ends[1] >= 0)
            close(ends[1]);
    }
    guest_object_release(device);
    return status;
}

/* The host signals it, also when this process is gone. */
static NTSTATUS keep_on_host(struct guest_process *process, struct guest_sync_object *fence,
                             const D3DKMT_CREATESYNCFILE *args, D3DKMT_CREATESYNCFILE *caller)
{
    char name[D3DKMT_SYNC_FILE_NAME_SIZE];
    struct guest_kept sync_file = {
        .is_sync_file = true,
        .value = args->FenceValue,
        .name = name,
        .process = process->host_handle,
        .fence = args->hMonitoredFence,
    };
    int descriptor;

    make_name(args->FenceValue, name);
    NTSTATUS status =
        guest_kept_create(process, fence->shared, args->hMonitoredFence, &sync_file, &descriptor);
    if (!NT_SUCCESS(status))
        return status;
    uint64_t result = (uint64_t)descriptor;
    status = GUEST_WRITE(process, caller->hSyncFile, result);
    if (!NT_SUCCESS(status))
        close(descriptor);
    return NT_SUCCESS(status) ? STATUS_SUCCESS : status;
}

static NTSTATUS create_on_host(struct guest_process *process, const D3DKMT_CREATESYNCFILE *args,
                               D3DKMT_CREATESYNCFILE *caller)
{
    struct guest_device *device = guest_device_acquire(process, args->hDevice, "hDevice");
    NTSTATUS status = device ? guest_device_check_active(device) : STATUS_INVALID_PARAMETER;

    if (NT_SUCCESS(status)) {
        struct guest_sync_object *fence = acquire_fence(process, args->hMonitoredFence);

        status = fence ? keep_on_host(process, fence, args, caller) : STATUS_INVALID_PARAMETER;
        guest_object_release(fence);
    }
    guest_object_release(device);
    return status;
}

NTSTATUS guest_create_sync_file(struct guest_process *process, const D3DKMT_CREATESYNCFILE *args,
                                D3DKMT_CREATESYNCFILE *caller)
{
    return process->vm->ops->keep ? create_on_host(process, args, caller)
                                  : create_here(process, args, caller);
}

/* ---- wait */

/* The handle that the wait names lives only as long as it takes to queue it. */
static NTSTATUS wait_on_context(struct guest_object *context, D3DKMT_HANDLE handle,
                                struct guest_shared *shared, uint64_t value)
{
    struct guest_device *device = context->device;
    struct guest_sync_object *opened = NULL;
    NTSTATUS status = guest_sync_object_open(device, device->object.handle, shared, open_flags(), 0,
                                             &opened, NULL);

    if (!NT_SUCCESS(status))
        return status;
    status = guest_wait_queue(device->object.process, guest_device_adapter(device), handle,
                              &opened->object.handle, &value, 1, false);
    if (NT_SUCCESS(status)) {
        status = guest_sync_object_send_destroy(opened, opened->object.handle);
    } else {
        d3dkmti_undo_begin();
        (void)guest_sync_object_send_destroy(opened, opened->object.handle);
        d3dkmti_undo_end();
    }
    guest_object_release(opened);
    return status;
}

static NTSTATUS wait_for_file(struct guest_process *process, int descriptor,
                              const D3DKMT_WAITSYNCFILE *args)
{
    uint64_t value = 0;
    struct guest_shared *shared;
    NTSTATUS status = guest_descriptor_find_sync_file(process->vm, descriptor, &shared, &value);

    if (!NT_SUCCESS(status))
        return status;
    struct guest_object *context =
        guest_child_acquire(process, args->hContext, HANDLE_TYPE_CONTEXT, "hContext");
    status = context ? guest_device_check_active(context->device) : STATUS_INVALID_PARAMETER;
    if (NT_SUCCESS(status))
        status = wait_on_context(context, args->hContext, shared, value);
    guest_object_release(context);
    reference_release(&shared->reference);
    return status;
}

/* Of merged files those fences that are pending; the others have nothing to wait for. */
static NTSTATUS wait_for_merged(struct guest_process *process, const struct sync_fence_list *list,
                                const D3DKMT_WAITSYNCFILE *args)
{
    struct guest_object *context =
        guest_child_acquire(process, args->hContext, HANDLE_TYPE_CONTEXT, "hContext");
    NTSTATUS status = context ? STATUS_SUCCESS : STATUS_INVALID_PARAMETER;

    guest_object_release(context); /* looked at even if there is nothing to wait for */
    for (size_t i = 0; i < list->count && NT_SUCCESS(status); i++) {
        if (list->fences[i].descriptor >= 0)
            status = wait_for_file(process, list->fences[i].descriptor, args);
    }
    return status;
}

NTSTATUS guest_wait_sync_file(struct guest_process *process, const D3DKMT_WAITSYNCFILE *args,
                              D3DKMT_WAITSYNCFILE *caller)
{
    (void)caller;
    int descriptor = (int)args->hSyncFile;
    struct sync_fence_list list = {0};
    struct sync_pair_state state;
    bool is_merged = false;
    NTSTATUS status = STATUS_SUCCESS;

    if (sync_pair_look(descriptor, &state))
        status = sync_merge_get_fences(state.id, &list, &is_merged);
    if (NT_SUCCESS(status))
        status = is_merged ? wait_for_merged(process, &list, args)
                           : wait_for_file(process, descriptor, args);
    sync_fence_list_clear(&list);
    return status;
}

/* ---- open */

static NTSTATUS open_on_device(struct guest_device *device, struct guest_shared *shared,
                               uint64_t value, const D3DKMT_OPENSYNCOBJECTFROMSYNCFILE *args,
                               D3DKMT_OPENSYNCOBJECTFROMSYNCFILE *caller)
{
    struct guest_sync_object *opened = NULL;
    D3DKMT_OPENSYNCOBJECTFROMSYNCFILE result = *args;
    uint64_t fence_gpu_address = 0;
    NTSTATUS status = guest_sync_object_open(device, device->object.handle, shared, open_flags(), 0,
                                             &opened, &fence_gpu_address);

    if (!NT_SUCCESS(status))
        return status;
    result.hSyncObject = opened->object.handle;
    result.FenceValue = value;
    result.FenceValueCPUVirtualAddress = opened->fence_mapping;
    result.FenceValueGPUVirtualAddress = fence_gpu_address;
    status = GUEST_WRITE(device->object.process, *caller, result);
    return guest_sync_object_publish_or_undo(opened, status);
}

NTSTATUS guest_open_sync_object_from_sync_file(struct guest_process *process,
                                               const D3DKMT_OPENSYNCOBJECTFROMSYNCFILE *args,
                                               D3DKMT_OPENSYNCOBJECTFROMSYNCFILE *caller)
{
    uint64_t value = 0;
    struct guest_shared *shared;
    NTSTATUS status =
        guest_descriptor_find_sync_file(process->vm, (int)args->hSyncFile, &shared, &value);

    if (!NT_SUCCESS(status))
        return status;
    struct guest_device *device = guest_device_acquire(process, args->hDevice, "hDevice");
    status = device ? guest_device_check_active(device) : STATUS_INVALID_PARAMETER;
    if (NT_SUCCESS(status))
        status = open_on_device(device, shared, value, args, caller);
    guest_object_release(device);
    reference_release(&shared->reference);
    return status;
}
