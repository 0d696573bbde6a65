/* SPDX-License-Identifier: MIT */
/* Opening shared resources from a descriptor. */
#include "core/guest/allocation.h"
#include "core/guest/call.h"
#include "core/guest/message.h"
#include "core/guest/sharing.h"
#include "core/last_error.h"
#include "core/memory.h"

#include <stdlib.h>
#include <string.h>

/* ---- QueryResourceInfoFromNtHandle */

static NTSTATUS query(struct guest_process *process,
                      const D3DKMT_QUERYRESOURCEINFOFROMNTHANDLE *args,
                      const struct guest_shared *shared,
                      D3DKMT_QUERYRESOURCEINFOFROMNTHANDLE *caller)
{
    D3DKMT_QUERYRESOURCEINFOFROMNTHANDLE result = *args;
    struct guest_device *device = guest_device_acquire(process, args->hDevice, "hDevice");

    if (!device)
        return STATUS_INVALID_PARAMETER;
    /* Answered from the record, also when the adapter has gone. */
    bool destroyed = device->destroyed;
    guest_object_release(device);
    if (destroyed)
        return d3dkmti_fail(STATUS_DEVICE_REMOVED, "hDevice 0x%08x is being destroyed",
                            args->hDevice);
    result.PrivateRuntimeDataSize = shared->runtime_size;
    result.ResourcePrivateDriverDataSize = shared->resource_size;
    result.TotalPrivateDriverDataSize = shared->private_size;
    result.NumAllocations = shared->allocation_count;
    return GUEST_WRITE(process, *caller, result);
}

NTSTATUS guest_query_resource_info(struct guest_process *process,
                                   const D3DKMT_QUERYRESOURCEINFOFROMNTHANDLE *args,
                                   D3DKMT_QUERYRESOURCEINFOFROMNTHANDLE *caller)
{
    struct guest_shared *shared;
    NTSTATUS status = guest_descriptor_find(process->vm, (int)(intptr_t)args->hNtHandle,
                                            GUEST_SHARED_RESOURCE, "hNtHandle", &shared);

    if (!NT_SUCCESS(status))
        return status;
    status = query(process, args, shared, caller);
    reference_release(&shared->reference);
    return status;
}

/* ---- OpenResourceFromNtHandle */

/* The state of one call. */
struct opening {
    struct guest_device *device;
    struct guest_shared *shared;
    const D3DKMT_OPENRESOURCEFROMNTHANDLE *args;
    D3DKMT_OPENRESOURCEFROMNTHANDLE *caller;
    struct guest_resource *resource;
    struct guest_allocation **allocations;
    struct handle_insertion *insertions; /* the resource's last */
    uint32_t count;
};

/* A record is only reached through a descriptor, and a descriptor only made of sealed ones. */
static NTSTATUS check_sizes(const struct opening *opening)
{
    const D3DKMT_OPENRESOURCEFROMNTHANDLE *args = opening->args;
    const struct guest_shared *shared = opening->shared;

    if (args->NumAllocations == shared->allocation_count &&
        args->PrivateRuntimeDataSize >= shared->runtime_size &&
        args->ResourcePrivateDriverDataSize >= shared->resource_size &&
        args->TotalPrivateDriverDataBufferSize >= shared->private_size)
        return STATUS_SUCCESS;
    return d3dkmti_fail(
        STATUS_INVALID_PARAMETER,
        "the resource has %u allocations (NumAllocations is %u), %u bytes of runtime "
        "data (%u), %u of resource data (%u), %u of allocation data (%u)",
        shared->allocation_count, args->NumAllocations, shared->runtime_size,
        args->PrivateRuntimeDataSize, shared->resource_size, args->ResourcePrivateDriverDataSize,
        shared->private_size, args->TotalPrivateDriverDataBufferSize);
}

static NTSTATUS make_objects(struct opening *opening, const struct guest_message *message)
{
    const struct wire_openresource_reply *answer = (const void *)message->reply.bytes;
    const struct wire_span *handles =
        &message->reply.tails[WIRE_REPLY_TAIL_OPENRESOURCE_ALLOCATIONS];

    opening->resource = guest_resource_create(opening->device);
    if (!opening->resource)
        return STATUS_NO_MEMORY;
    opening->resource->object.handle = answer->resource;
    reference_acquire(&opening->shared->reference);
    opening->resource->shared = opening->shared;
    for (uint32_t i = 0; i < opening->count; i++) {
        struct guest_allocation *allocation =
            guest_allocation_create(opening->device, opening->resource);

        if (!allocation)
            return STATUS_NO_MEMORY;
        allocation->object.handle = wire_span_u32(handles, i);
        allocation->page_count = opening->shared->allocations[i].page_count;
        allocation->cached = opening->shared->allocations[i].cached;
        opening->allocations[i] = allocation;
        opening->insertions[i] = (struct handle_insertion){allocation->object.handle,
                                                           HANDLE_TYPE_ALLOCATION, allocation};
    }
    opening->insertions[opening->count] =
        (struct handle_insertion){answer->resource, HANDLE_TYPE_RESOURCE, opening->resource};
    return STATUS_SUCCESS;
}

/* One entry per allocation, which points into the caller's own buffer for the private data. */
static NTSTATUS write_infos(const struct opening *opening)
{
    unsigned char *data = opening->args->pTotalPrivateDriverDataBuffer;
    NTSTATUS status = STATUS_SUCCESS;

    for (uint32_t i = 0; i < opening->count && NT_SUCCESS(status); i++) {
        D3DDDI_OPENALLOCATIONINFO2 info;

        memset(&info, 0, sizeof(info));
        info.hAllocation = opening->allocations[i]->object.handle;
        info.PrivateDriverDataSize = opening->shared->allocations[i].private_size;
        info.pPrivateDriverData = info.PrivateDriverDataSize ? data : NULL;
        data += info.PrivateDriverDataSize;
        status =
            guest_write(opening->device->object.process, &opening->args->pOpenAllocationInfo2[i],
                        &info, sizeof(info), "pOpenAllocationInfo2");
    }
    return status;
}

static NTSTATUS write_outputs(const struct opening *opening)
{
    struct guest_process *process = opening->device->object.process;
    const struct guest_shared *shared = opening->shared;
    const D3DKMT_OPENRESOURCEFROMNTHANDLE *args = opening->args;
    NTSTATUS status = guest_write(process, args->pPrivateRuntimeData, shared->runtime_data,
                                  shared->runtime_size, "pPrivateRuntimeData");

    if (NT_SUCCESS(status))
        status = guest_write(process, args->pResourcePrivateDriverData, shared->resource_data,
                             shared->resource_size, "pResourcePrivateDriverData");
    if (NT_SUCCESS(status))
        status = guest_write(process, args->pTotalPrivateDriverDataBuffer, shared->private_data,
                             shared->private_size, "pTotalPrivateDriverDataBuffer");
    if (NT_SUCCESS(status))
        status = write_infos(opening);
    if (NT_SUCCESS(status))
        status = GUEST_WRITE(process, opening->caller->hResource, opening->resource->object.handle);
    if (NT_SUCCESS(status))
        status = GUEST_WRITE(process, opening->caller->TotalPrivateDriverDataBufferSize,
                             shared->private_size);
    return status;
}

/* Handles become valid, all at once. */
static NTSTATUS publish(struct opening *opening)
{
    struct guest_process *process = opening->device->object.process;
    NTSTATUS status;

    pthread_mutex_lock(&process->mutex);
    if (opening->device->destroyed)
        status = d3dkmti_fail(STATUS_INVALID_PARAMETER, "the device was destroyed meanwhile");
    else
        status = guest_handles_insert(process, opening->insertions, opening->count + 1);
    if (NT_SUCCESS(status)) {
        for (uint32_t i = 0; i < opening->count; i++)
            guest_list_append(&opening->resource->allocations, &opening->allocations[i]->object);
        guest_list_append(&opening->device->children, &opening->resource->object);
    }
    pthread_mutex_unlock(&process->mutex);
    return status;
}

/* The host opened what nobody will use. */
static void undo(struct opening *opening, D3DKMT_HANDLE resource)
{
    d3dkmti_undo_begin();
    if (resource != 0)
        (void)guest_allocation_send_destroy(opening->device, opening->args->hDevice, resource, NULL,
                                            0, WIRE_DESTROY_ALLOCATION_ASSUME_NOT_IN_USE);
    d3dkmti_undo_end();
    for (uint32_t i = 0; i < opening->count; i++)
        guest_object_release(opening->allocations[i]);
    guest_object_release(opening->resource);
}

static NTSTATUS send(struct opening *opening)
{
    struct guest_process *process = opening->device->object.process;
    struct guest_message message;
    struct wire_openresource *command =
        guest_message_begin(&message, process->vm, guest_device_adapter(opening->device),
                            process->host_handle, WIRE_VGPU_OPENRESOURCE, 0);

    if (!command)
        return STATUS_NO_MEMORY;
    command->device = opening->args->hDevice;
    command->nt_security_sharing = 1;
    command->allocation_count = opening->count;
    command->total_priv_drv_data_size = opening->args->TotalPrivateDriverDataBufferSize;
    /* The descriptor may be closed meanwhile, which ends the host's object. */
    pthread_mutex_lock(&opening->shared->mutex);
    command->global_share = opening->shared->nt_handle;
    NTSTATUS status = guest_message_exchange(&message);
    pthread_mutex_unlock(&opening->shared->mutex);
    if (NT_SUCCESS(status)) {
        D3DKMT_HANDLE resource =
            ((const struct wire_openresource_reply *)message.reply.bytes)->resource;

        status = make_objects(opening, &message);
        if (NT_SUCCESS(status))
            status = write_outputs(opening);
        if (NT_SUCCESS(status))
            status = publish(opening);
        if (!NT_SUCCESS(status))
            undo(opening, resource);
    }
    guest_message_end(&message);
    return NT_SUCCESS(status) ? STATUS_SUCCESS : status;
}

static NTSTATUS open_on_device(struct opening *opening)
{
    NTSTATUS status = guest_device_check_active(opening->device);

    if (NT_SUCCESS(status))
        status = check_sizes(opening);
    if (!NT_SUCCESS(status))
        return status;
    opening->count = opening->shared->allocation_count;
    opening->allocations = d3dkmti_calloc(opening->count + 1, sizeof(struct guest_allocation *));
    opening->insertions = d3dkmti_calloc(opening->count + 1, sizeof(*opening->insertions));
    if (opening->allocations && opening->insertions)
        status = send(opening);
    else
        status = d3dkmti_fail(STATUS_NO_MEMORY, "no memory for %u allocations", opening->count);
    free(opening->insertions);
    free((void *)opening->allocations);
    return status;
}

NTSTATUS guest_open_resource(struct guest_process *process,
                             const D3DKMT_OPENRESOURCEFROMNTHANDLE *args,
                             D3DKMT_OPENRESOURCEFROMNTHANDLE *caller)
{
    struct opening opening = {.args = args, .caller = caller};
    NTSTATUS status = guest_descriptor_find(process->vm, (int)(intptr_t)args->hNtHandle,
                                            GUEST_SHARED_RESOURCE, "hNtHandle", &opening.shared);

    if (!NT_SUCCESS(status))
        return status;
    opening.device = guest_device_acquire(process, args->hDevice, "hDevice");
    status = opening.device ? open_on_device(&opening) : STATUS_INVALID_PARAMETER;
    guest_object_release(opening.device);
    reference_release(&opening.shared->reference);
    return status;
}
