/* SPDX-License-Identifier: MIT */
/*
 * Lock2 and Unlock2. An allocation is mapped once for the whole process and counted; the host hears
 * of the first lock and of the last unlock. Both calls check everything before they change
 * anything.
 */
#include "core/guest/allocation.h"
#include "core/guest/call.h"
#include "core/guest/message.h"
#include "core/guest/sync_object.h"
#include "core/last_error.h"

#include <string.h>

/* The handles go to the host as the caller spelt them. */
static NTSTATUS send_unlock(struct guest_allocation *allocation, D3DKMT_HANDLE device_handle,
                            D3DKMT_HANDLE handle)
{
    struct guest_process *process = allocation->object.process;
    struct guest_message message;
    struct wire_unlock2 *command =
        guest_message_begin(&message, process->vm, guest_device_adapter(allocation->object.device),
                            process->host_handle, WIRE_VGPU_UNLOCK2, 0);

    if (!command)
        return STATUS_NO_MEMORY;
    command->args.device = device_handle;
    command->args.allocation = handle;
    return guest_message_finish(&message);
}

static void undo_lock(struct guest_allocation *allocation, const D3DKMT_LOCK2 *args)
{
    d3dkmti_undo_begin();
    (void)send_unlock(allocation, args->hDevice, args->hAllocation);
    d3dkmti_undo_end();
}

static void unmap(struct guest_allocation *allocation)
{
    guest_vm_unmap_io(allocation->object.process->vm, allocation->mapping,
                      allocation->page_count * GUEST_PAGE_SIZE);
    allocation->mapping = NULL;
    allocation->cpu_address = NULL;
}

/* The first lock: asks the host where the allocation lies, and maps it. */
static NTSTATUS map(struct guest_allocation *allocation, const D3DKMT_LOCK2 *args)
{
    struct guest_process *process = allocation->object.process;
    struct guest_message message;
    struct wire_lock2 *command =
        guest_message_begin(&message, process->vm, guest_device_adapter(allocation->object.device),
                            process->host_handle, WIRE_VGPU_LOCK2, 0);

    if (!command)
        return STATUS_NO_MEMORY;
    memcpy(&command->args, args, sizeof(command->args));
    NTSTATUS status = guest_message_exchange(&message);
    if (NT_SUCCESS(status)) {
        const struct wire_lock2_reply *answer = (const void *)message.reply.bytes;

        status = guest_vm_map_io(process->vm, answer->cpu_visible_buffer_offset,
                                 allocation->page_count * GUEST_PAGE_SIZE, true, allocation->cached,
                                 &allocation->mapping);
        if (NT_SUCCESS(status))
            allocation->cpu_address = allocation->mapping;
        else
            undo_lock(allocation, args);
    }
    guest_message_end(&message);
    return NT_SUCCESS(status) ? STATUS_SUCCESS : status;
}

static NTSTATUS lock(struct guest_allocation *allocation, const D3DKMT_LOCK2 *args,
                     D3DKMT_LOCK2 *caller)
{
    bool first = allocation->cpu_address == NULL;
    NTSTATUS status = first ? map(allocation, args) : STATUS_SUCCESS;

    if (!NT_SUCCESS(status))
        return status;
    status = GUEST_WRITE(allocation->object.process, caller->pData, allocation->cpu_address);
    if (NT_SUCCESS(status)) {
        allocation->lock_count += !allocation->pinned;
    } else if (first) {
        unmap(allocation);
        undo_lock(allocation, args);
    }
    return status;
}

NTSTATUS guest_lock(struct guest_process *process, const D3DKMT_LOCK2 *args, D3DKMT_LOCK2 *caller)
{
    struct guest_allocation *allocation =
        guest_child_acquire(process, args->hAllocation, HANDLE_TYPE_ALLOCATION, "hAllocation");

    if (!allocation)
        return STATUS_INVALID_PARAMETER;
    struct guest_device *device = guest_device_acquire(process, args->hDevice, "hDevice");
    NTSTATUS status = STATUS_INVALID_PARAMETER;
    if (!device)
        goto out;
    status = guest_adapter_check_active(guest_device_adapter(device));
    if (NT_SUCCESS(status)) {
        pthread_mutex_lock(&process->lock_mutex);
        status = lock(allocation, args, caller);
        pthread_mutex_unlock(&process->lock_mutex);
    }
    guest_object_release(device);
out:
    guest_object_release(allocation);
    return status;
}

static NTSTATUS unlock(struct guest_allocation *allocation, const D3DKMT_UNLOCK2 *args)
{
    /* The caller's own memory is not counted: the host hears of every unlock. */
    if (!allocation->pinned) {
        if (--allocation->lock_count > 0)
            return STATUS_SUCCESS;
        unmap(allocation);
    }
    return send_unlock(allocation, args->hDevice, args->hAllocation);
}

NTSTATUS guest_unlock(struct guest_process *process, const D3DKMT_UNLOCK2 *args,
                      D3DKMT_UNLOCK2 *caller)
{
    (void)caller;
    struct guest_allocation *allocation =
        guest_child_acquire(process, args->hAllocation, HANDLE_TYPE_ALLOCATION, "hAllocation");
    struct guest_device *device = NULL;
    NTSTATUS status = STATUS_INVALID_PARAMETER;

    if (!allocation)
        return status;
    pthread_mutex_lock(&process->lock_mutex);
    if (!allocation->cpu_address) {
        d3dkmti_fail(status, "hAllocation 0x%08x is not locked", args->hAllocation);
        goto out;
    }
    device = guest_device_acquire(process, args->hDevice, "hDevice");
    if (!device)
        goto out;
    status = guest_adapter_check_active(guest_device_adapter(device));
    if (NT_SUCCESS(status))
        status = unlock(allocation, args);
out:
    pthread_mutex_unlock(&process->lock_mutex);
    guest_object_release(device);
    guest_object_release(allocation);
    return status;
}

/* ---- an adapter that goes */

static void forget_address(struct guest_object *object)
{
    struct guest_allocation *allocation = (struct guest_allocation *)object;

    guest_vm_detach_io(object->process->vm, allocation->mapping,
                       allocation->page_count * GUEST_PAGE_SIZE, true);
    allocation->cpu_address = NULL;
    allocation->lock_count = 0;
}

/* The page of a fence, or NULL. */
static void *fence_page(const struct guest_object *object)
{
    switch (object->type) {
    case HANDLE_TYPE_SYNC_OBJECT:
        return ((const struct guest_sync_object *)object)->fence_mapping;
    case HANDLE_TYPE_HW_QUEUE:
        return ((const struct guest_hw_queue *)object)->fence_mapping;
    case HANDLE_TYPE_PAGING_QUEUE:
        return ((const struct guest_paging_queue *)object)->fence_mapping;
    default:
        return NULL;
    }
}

/* Under the process's mutexes. */
static void stop_device(struct guest_device *device)
{
    for (struct guest_object *child = device->children.first; child; child = child->next) {
        guest_vm_detach_io(child->process->vm, fence_page(child), GUEST_FENCE_PAGE_SIZE, false);
        if (child->type == HANDLE_TYPE_ALLOCATION)
            forget_address(child);
        if (child->type != HANDLE_TYPE_RESOURCE)
            continue;
        for (struct guest_object *part = ((struct guest_resource *)child)->allocations.first; part;
             part = part->next)
            forget_address(part);
    }
}

/* Under the VM's mutex. Calls in progress have failed by now: the channel is closed. */
void guest_adapter_stop_devices(struct guest_adapter *adapter)
{
    for (struct guest_process *process = adapter->vm->processes; process; process = process->next) {
        pthread_mutex_lock(&process->adapter_mutex);
        pthread_mutex_lock(&process->lock_mutex);
        pthread_mutex_lock(&process->mutex);
        for (struct guest_open_adapter *open = process->open_adapters; open; open = open->next) {
            if (open->adapter != adapter)
                continue;
            for (struct guest_object *device = open->devices.first; device; device = device->next)
                stop_device((struct guest_device *)device);
        }
        pthread_mutex_unlock(&process->mutex);
        pthread_mutex_unlock(&process->lock_mutex);
        pthread_mutex_unlock(&process->adapter_mutex);
    }
}

/* ---- caches */

NTSTATUS guest_invalidate_cache(struct guest_process *process, const D3DKMT_INVALIDATECACHE *args,
                                D3DKMT_INVALIDATECACHE *caller)
{
    (void)caller;
    struct guest_device *device = guest_device_acquire(process, args->hDevice, "hDevice");

    if (!device)
        return STATUS_INVALID_PARAMETER;
    struct guest_message message;
    struct wire_invalidatecache *command = NULL;
    NTSTATUS status = guest_device_check_active(device);
    if (!NT_SUCCESS(status))
        goto out;
    command = guest_message_begin(&message, process->vm, guest_device_adapter(device),
                                  process->host_handle, WIRE_VGPU_INVALIDATECACHE, 0);
    status = STATUS_NO_MEMORY;
    if (!command)
        goto out;
    command->device = args->hDevice;
    command->allocation = args->hAllocation;
    command->offset = args->Offset;
    command->length = args->Length;
    status = guest_message_exchange(&message);
    guest_message_end(&message);
out:
    guest_object_release(device);
    return status;
}
