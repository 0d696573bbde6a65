/* SPDX-License-Identifier: MIT */
/* CreateAllocation2: checks in dxgkrnl's order, one message, then the local part or its undoing. */
#include "core/guest/allocation.h"
#include "core/guest/call.h"
#include "core/guest/message.h"
#include "core/guest/sharing.h"
#include "core/last_error.h"
#include "core/memory.h"

#include <stdlib.h>
#include <string.h>

enum { CREATE_MAX = 1024 };

/* The state of one call. */
struct creation {
    struct guest_process *process;
    struct guest_device *device;
    const D3DKMT_CREATEALLOCATION *args;
    D3DKMT_CREATEALLOCATION *caller;
    UINT count;
    D3DDDI_ALLOCATIONINFO2 *infos; /* private copy of the caller's array */
    D3DKMT_CREATESTANDARDALLOCATION standard;
    struct guest_standard_data standard_data;
    uint64_t private_total;          /* bytes of all allocations' private data */
    struct guest_resource *resource; /* new or existing, referenced; or NULL */
    bool has_memory;                 /* the caller's memory lies behind the allocations */
    D3DKMT_HANDLE new_resource_handle;
    struct guest_allocation **allocations;
    struct handle_insertion *insertions; /* the resource's last */
};

/* ---- checks before anything is touched */

static NTSTATUS check_info(const struct creation *creation, UINT index)
{
    UINT size = creation->infos[index].PrivateDriverDataSize;

    if (size >= GUEST_PRIVATE_DATA_MAX || (creation->args->Flags.StandardAllocation && size != 0))
        return d3dkmti_fail(
            STATUS_INVALID_PARAMETER,
            "pAllocationInfo2[%u].PrivateDriverDataSize is %u, %u at most", index, size,
            creation->args->Flags.StandardAllocation ? 0u : GUEST_PRIVATE_DATA_MAX - 1u);
    return STATUS_SUCCESS;
}

static NTSTATUS check_flags(const D3DKMT_CREATEALLOCATIONFLAGS *flags)
{
    if (flags->ExistingSection || flags->CreateProtected)
        return d3dkmti_fail(
            STATUS_INVALID_PARAMETER,
            "the flags ExistingSection and CreateProtected have no meaning on Linux");
    return STATUS_SUCCESS;
}

static NTSTATUS read_and_check(struct creation *creation)
{
    const D3DKMT_CREATEALLOCATION *args = creation->args;
    NTSTATUS status = guest_read(creation->process, creation->infos, args->pAllocationInfo2,
                                 creation->count * sizeof(*creation->infos), "pAllocationInfo2");

    for (UINT i = 0; i < creation->count && NT_SUCCESS(status); i++)
        status = check_info(creation, i);
    if (NT_SUCCESS(status))
        status = check_flags(&args->Flags);
    if (NT_SUCCESS(status) && args->Flags.StandardAllocation)
        status = guest_standard_allocation_check(creation->process, args, &creation->infos[0],
                                                 &creation->standard);
    if (NT_SUCCESS(status) && args->Flags.CreateShared && !args->Flags.CreateResource)
        status =
            d3dkmti_fail(STATUS_INVALID_PARAMETER, "the flag CreateShared needs CreateResource");
    return status;
}

/* ---- resource and memory */

static NTSTATUS find_resource(struct creation *creation)
{
    D3DKMT_HANDLE handle = creation->args->hResource;

    creation->resource =
        guest_child_acquire(creation->process, handle, HANDLE_TYPE_RESOURCE, "hResource");
    if (!creation->resource)
        return STATUS_INVALID_PARAMETER;
    if (creation->resource->object.device != creation->device)
        return d3dkmti_fail(STATUS_INVALID_PARAMETER, "hResource 0x%08x belongs to another device",
                            handle);
    if (creation->resource->shared && creation->resource->shared->sealed)
        return d3dkmti_fail(STATUS_INVALID_PARAMETER,
                            "hResource 0x%08x was shared: nothing can be added to it any more",
                            handle);
    return STATUS_SUCCESS;
}

static NTSTATUS prepare_resource(struct creation *creation)
{
    const D3DKMT_CREATEALLOCATIONFLAGS *flags = &creation->args->Flags;

    if (!flags->CreateResource)
        return creation->args->hResource ? find_resource(creation) : STATUS_SUCCESS;
    if (flags->CreateShared && !flags->NtSecuritySharing)
        return d3dkmti_fail(
            STATUS_INVALID_PARAMETER,
            "the flag CreateShared needs NtSecuritySharing: resources are shared by "
            "descriptors");
    creation->resource = guest_resource_create(creation->device);
    if (!creation->resource)
        return STATUS_NO_MEMORY;
    if (flags->CreateShared) {
        creation->resource->shared =
            guest_shared_create(creation->process->vm, GUEST_SHARED_RESOURCE);
        if (!creation->resource->shared)
            return STATUS_NO_MEMORY;
        creation->resource->shared->adapter_luid = guest_device_adapter(creation->device)->luid;
    }
    return STATUS_SUCCESS;
}

static NTSTATUS check_memory(struct creation *creation)
{
    const D3DDDI_ALLOCATIONINFO2 *infos = creation->infos;

    creation->has_memory = infos[0].pSystemMem != NULL;
    for (UINT i = 0; i < creation->count; i++) {
        if (!creation->args->Flags.StandardAllocation &&
            (uintptr_t)infos[i].pSystemMem % GUEST_PAGE_SIZE != 0)
            return d3dkmti_fail(STATUS_INVALID_PARAMETER,
                                "pAllocationInfo2[%u].pSystemMem %p is not aligned to %llu bytes",
                                i, infos[i].pSystemMem, (unsigned long long)GUEST_PAGE_SIZE);
        if ((infos[i].pSystemMem != NULL) != creation->has_memory)
            return d3dkmti_fail(STATUS_INVALID_PARAMETER,
                                "pSystemMem must be set for all allocations or for none (see [%u])",
                                i);
    }
    return STATUS_SUCCESS;
}

/* ---- the message */

/* Bytes of the call-level private data as the host gets them. */
static UINT resource_data_size(const struct creation *creation)
{
    return creation->args->Flags.StandardAllocation ? (UINT)sizeof(creation->standard)
                                                    : creation->args->PrivateDriverDataSize;
}

static NTSTATUS check_sizes(struct creation *creation, size_t *tail_size)
{
    const D3DKMT_CREATEALLOCATION *args = creation->args;

    creation->private_total = 0;
    for (UINT i = 0; i < creation->count; i++)
        creation->private_total += creation->infos[i].PrivateDriverDataSize;
    *tail_size = creation->count * sizeof(struct wire_allocation_info) +
                 (size_t)args->PrivateRuntimeDataSize + resource_data_size(creation) +
                 creation->private_total;
    if (args->PrivateRuntimeDataSize >= GUEST_PRIVATE_DATA_MAX ||
        args->PrivateDriverDataSize >= GUEST_PRIVATE_DATA_MAX ||
        creation->private_total >= GUEST_PRIVATE_DATA_MAX ||
        sizeof(struct wire_createallocation) + *tail_size > WIRE_MESSAGE_LIMIT)
        return d3dkmti_fail(
            STATUS_BUFFER_TOO_SMALL,
            "private data: %u bytes for the runtime, %u for the resource, %llu for the "
            "allocations; together they must fit into one message of %d bytes",
            args->PrivateRuntimeDataSize, args->PrivateDriverDataSize,
            (unsigned long long)creation->private_total, WIRE_MESSAGE_LIMIT);
    return STATUS_SUCCESS;
}

static NTSTATUS append_tails(struct creation *creation, struct guest_message *message)
{
    const D3DKMT_CREATEALLOCATION *args = creation->args;
    NTSTATUS status;

    for (UINT i = 0; i < creation->count; i++) {
        const D3DDDI_ALLOCATIONINFO2 *info = &creation->infos[i];
        struct wire_allocation_info element = {
            .flags = info->Flags.Value,
            .priv_drv_data_size = info->PrivateDriverDataSize,
            .vidpn_source_id = info->VidPnSourceId,
        };

        guest_message_append(message, &element, sizeof(element));
    }
    status = guest_read_tail(creation->process, message, args->pPrivateRuntimeData,
                             args->PrivateRuntimeDataSize, "pPrivateRuntimeData");
    if (NT_SUCCESS(status) && args->Flags.StandardAllocation)
        guest_message_append(message, &creation->standard, sizeof(creation->standard));
    else if (NT_SUCCESS(status))
        status = guest_read_tail(creation->process, message, args->pPrivateDriverData,
                                 args->PrivateDriverDataSize, "pPrivateDriverData");
    for (UINT i = 0; i < creation->count && NT_SUCCESS(status); i++)
        status = guest_read_tail(creation->process, message, creation->infos[i].pPrivateDriverData,
                                 creation->infos[i].PrivateDriverDataSize,
                                 "pAllocationInfo2[].pPrivateDriverData");
    return status;
}

static uint32_t wire_flags(const struct creation *creation)
{
    uint32_t flags;

    memcpy(&flags, &creation->args->Flags, sizeof(flags));
    return creation->has_memory ? flags | WIRE_CREATE_ALLOCATION_EXISTING_SYSMEM : flags;
}

/* ---- the local part, and undoing */

static const struct wire_allocation_result *
result_of(const struct guest_message *message, UINT index, struct wire_allocation_result *copy)
{
    const struct wire_span *results =
        &message->reply.tails[WIRE_REPLY_TAIL_CREATEALLOCATION_ALLOCATION_INFO];

    memcpy(copy, wire_span_at(results, index), sizeof(*copy));
    return copy;
}

/* A copy of some of the request's bytes, which are the caller's as they were read; NULL for none.
 */
static NTSTATUS keep(void **copy, const void *bytes, size_t size)
{
    if (size == 0)
        return STATUS_SUCCESS;
    *copy = d3dkmti_malloc(size);
    if (!*copy)
        return d3dkmti_fail(STATUS_NO_MEMORY, "no memory to keep %zu bytes of private data", size);
    memcpy(*copy, bytes, size);
    return STATUS_SUCCESS;
}

/* Openers of a shared resource get what was given here, not what the host makes of it. */
static NTSTATUS keep_allocation_data(struct creation *creation, const struct guest_message *message,
                                     UINT index, struct guest_allocation *allocation)
{
    const unsigned char *data =
        message->builder.request.tails[WIRE_TAIL_CREATEALLOCATION_ALLOC_PRIV_DRV_DATA].data;

    if (creation->args->Flags.StandardAllocation) {
        allocation->kept_size = creation->standard_data.allocation_size;
        return keep(&allocation->kept_data, creation->standard_data.allocation_data,
                    allocation->kept_size);
    }
    for (UINT i = 0; i < index; i++)
        data += creation->infos[i].PrivateDriverDataSize;
    allocation->kept_size = creation->infos[index].PrivateDriverDataSize;
    return keep(&allocation->kept_data, data, allocation->kept_size);
}

static NTSTATUS keep_resource_data(struct creation *creation, const struct guest_message *message)
{
    const struct wire_span *tails = message->builder.request.tails;
    const struct wire_span *runtime = &tails[WIRE_TAIL_CREATEALLOCATION_PRIVATE_RUNTIME_DATA];
    const struct wire_span *data = &tails[WIRE_TAIL_CREATEALLOCATION_PRIV_DRV_DATA];
    struct guest_shared *shared = creation->resource->shared;
    NTSTATUS status = keep(&shared->runtime_data, runtime->data, wire_span_bytes(runtime));

    shared->runtime_size = (uint32_t)wire_span_bytes(runtime);
    if (!NT_SUCCESS(status))
        return status;
    if (creation->args->Flags.StandardAllocation) {
        shared->resource_size = creation->standard_data.resource_size;
        return keep(&shared->resource_data, creation->standard_data.resource_data,
                    shared->resource_size);
    }
    shared->resource_size = (uint32_t)wire_span_bytes(data);
    return keep(&shared->resource_data, data->data, shared->resource_size);
}

/* Makes the object for one allocation of the answer. */
static NTSTATUS make_allocation(struct creation *creation, const struct guest_message *message,
                                UINT index)
{
    struct wire_allocation_result copy;
    const struct wire_allocation_result *result = result_of(message, index, &copy);
    struct guest_allocation *allocation =
        guest_allocation_create(creation->device, creation->resource);

    if (!allocation)
        return STATUS_NO_MEMORY;
    allocation->object.handle = result->allocation;
    allocation->page_count = result->allocation_size / GUEST_PAGE_SIZE;
    allocation->cached = (result->allocation_flags & WIRE_ALLOCATION_CACHED) != 0;
    creation->allocations[index] = allocation;
    creation->insertions[index] =
        (struct handle_insertion){result->allocation, HANDLE_TYPE_ALLOCATION, allocation};
    if (creation->resource && creation->resource->shared)
        return keep_allocation_data(creation, message, index, allocation);
    return STATUS_SUCCESS;
}

/* Attaches memory and writes the outputs of one allocation; *offset walks through the private data.
 */
static NTSTATUS finish_allocation(struct creation *creation, const struct guest_message *message,
                                  UINT index, size_t *offset)
{
    const struct wire_span *data =
        &message->reply.tails[WIRE_REPLY_TAIL_CREATEALLOCATION_ALLOC_PRIV_DRV_DATA];
    const D3DDDI_ALLOCATIONINFO2 *info = &creation->infos[index];
    struct guest_allocation *allocation = creation->allocations[index];
    struct wire_allocation_result copy;
    uint32_t size = result_of(message, index, &copy)->priv_drv_data_size;
    NTSTATUS status = STATUS_SUCCESS;

    if (creation->has_memory)
        status = guest_allocation_attach_memory(allocation, info->pSystemMem,
                                                !creation->args->Flags.ReadOnly);
    if (NT_SUCCESS(status))
        status = guest_write(creation->process, info->pPrivateDriverData, data->data + *offset,
                             size, "pAllocationInfo2[].pPrivateDriverData");
    *offset += size;
    if (NT_SUCCESS(status))
        status = GUEST_WRITE(creation->process, creation->args->pAllocationInfo2[index].hAllocation,
                             allocation->object.handle);
    return status;
}

/* Handles become valid, all at once, and the objects join their owner. */
static NTSTATUS publish(struct creation *creation)
{
    struct guest_process *process = creation->process;
    struct guest_device *device = creation->device;
    bool new_resource = creation->args->Flags.CreateResource;
    UINT count = creation->count + new_resource;
    NTSTATUS status;

    if (new_resource)
        creation->insertions[creation->count] = (struct handle_insertion){
            creation->new_resource_handle, HANDLE_TYPE_RESOURCE, creation->resource};
    pthread_mutex_lock(&process->mutex);
    if (device->destroyed ||
        (creation->resource && !new_resource && !creation->resource->object.list))
        status = d3dkmti_fail(STATUS_INVALID_PARAMETER, "the owner was destroyed meanwhile");
    else
        status = guest_handles_insert(process, creation->insertions, count);
    if (NT_SUCCESS(status)) {
        struct guest_object_list *list =
            creation->resource ? &creation->resource->allocations : &device->children;

        for (UINT i = 0; i < creation->count; i++)
            guest_list_append(list, &creation->allocations[i]->object);
        if (new_resource) {
            reference_acquire(&creation->resource->object.reference); /* the table's */
            /* NOLINTNEXTLINE(clang-analyzer-core.NullDereference): made by prepare_resource */
            creation->resource->object.handle = creation->new_resource_handle;
            guest_list_append(&device->children, &creation->resource->object);
        }
    }
    pthread_mutex_unlock(&process->mutex);
    return status;
}

static NTSTATUS use_answer(struct creation *creation, const struct guest_message *message)
{
    const struct wire_createallocation_reply *answer = (const void *)message->reply.bytes;
    size_t offset = 0;
    NTSTATUS status = STATUS_SUCCESS;

    creation->new_resource_handle = answer->resource;
    for (UINT i = 0; i < creation->count && NT_SUCCESS(status); i++)
        status = make_allocation(creation, message, i);
    if (NT_SUCCESS(status) && creation->args->Flags.CreateShared)
        status = keep_resource_data(creation, message);
    if (NT_SUCCESS(status) && creation->args->Flags.CreateResource)
        status = GUEST_WRITE(creation->process, creation->caller->hResource, answer->resource);
    for (UINT i = 0; i < creation->count && NT_SUCCESS(status); i++)
        status = finish_allocation(creation, message, i, &offset);
    if (NT_SUCCESS(status))
        status = GUEST_WRITE(creation->process, creation->caller->hGlobalShare,
                             creation->args->hGlobalShare);
    if (NT_SUCCESS(status))
        status = publish(creation);
    return status;
}

/* The host made allocations that will not be used: it is told so before memory is unpinned. */
static void undo(struct creation *creation, const struct guest_message *message)
{
    const struct wire_span *results =
        &message->reply.tails[WIRE_REPLY_TAIL_CREATEALLOCATION_ALLOCATION_INFO];
    D3DKMT_HANDLE handles[CREATE_MAX];
    UINT count = 0;

    for (UINT i = 0; i < results->count; i++) {
        struct wire_allocation_result copy;
        D3DKMT_HANDLE handle = result_of(message, i, &copy)->allocation;

        if (handle != 0)
            handles[count++] = handle;
    }
    d3dkmti_undo_begin();
    (void)guest_allocation_send_destroy(
        creation->device, creation->args->hDevice,
        creation->args->Flags.CreateResource ? creation->new_resource_handle : 0, handles, count,
        WIRE_DESTROY_ALLOCATION_ASSUME_NOT_IN_USE);
    d3dkmti_undo_end();
    for (UINT i = 0; i < creation->count; i++)
        guest_object_release(creation->allocations[i]);
}

static NTSTATUS send(struct creation *creation)
{
    const D3DKMT_CREATEALLOCATION *args = creation->args;
    size_t tail_size = 0;
    NTSTATUS status = check_sizes(creation, &tail_size);

    if (!NT_SUCCESS(status))
        return status;
    struct guest_message message;
    struct wire_createallocation *command =
        guest_message_begin(&message, creation->process->vm, guest_device_adapter(creation->device),
                            creation->process->host_handle, WIRE_VGPU_CREATEALLOCATION, tail_size);
    if (!command)
        return STATUS_NO_MEMORY;
    command->device = args->hDevice;
    command->resource = args->hResource; /* with CreateResource, too: the host ignores it then */
    command->private_runtime_data_size = args->PrivateRuntimeDataSize;
    command->priv_drv_data_size = resource_data_size(creation);
    command->alloc_count = creation->count;
    command->flags = wire_flags(creation);
    command->private_runtime_resource_handle = args->hPrivateRuntimeResourceHandle_Align;
    status = append_tails(creation, &message);
    if (NT_SUCCESS(status))
        status = guest_message_exchange(&message);
    if (message.answered) {
        status = use_answer(creation, &message);
        if (!NT_SUCCESS(status))
            undo(creation, &message);
    }
    guest_message_end(&message);
    return status;
}

/* ---- the call */

static NTSTATUS create_on_device(struct creation *creation)
{
    NTSTATUS status = guest_device_check_active(creation->device);

    if (NT_SUCCESS(status) && creation->args->Flags.StandardAllocation)
        status = guest_standard_allocation_query(creation->device, &creation->standard,
                                                 &creation->standard_data);
    if (NT_SUCCESS(status))
        status = prepare_resource(creation);
    if (NT_SUCCESS(status))
        status = check_memory(creation);
    if (NT_SUCCESS(status))
        status = send(creation);
    return status;
}

static NTSTATUS create(struct creation *creation)
{
    NTSTATUS status = read_and_check(creation);

    if (!NT_SUCCESS(status))
        return status;
    creation->device = guest_device_acquire(creation->process, creation->args->hDevice, "hDevice");
    if (!creation->device)
        return STATUS_INVALID_PARAMETER;
    status = create_on_device(creation);
    free(creation->standard_data.allocation_data);
    free(creation->standard_data.resource_data);
    /* A new resource that was not published goes with this reference. */
    guest_object_release(creation->resource);
    guest_object_release(creation->device);
    return status;
}

NTSTATUS guest_create_allocation(struct guest_process *process, const D3DKMT_CREATEALLOCATION *args,
                                 D3DKMT_CREATEALLOCATION *caller)
{
    struct creation creation = {
        .process = process, .args = args, .caller = caller, .count = args->NumAllocations};
    NTSTATUS status = guest_check_count("NumAllocations", creation.count, 1, CREATE_MAX);

    if (!NT_SUCCESS(status))
        return status;
    creation.infos = d3dkmti_calloc(creation.count, sizeof(*creation.infos));
    creation.allocations = d3dkmti_calloc(creation.count, sizeof(*creation.allocations));
    creation.insertions = d3dkmti_calloc(creation.count + 1, sizeof(*creation.insertions));
    if (creation.infos && creation.allocations && creation.insertions)
        status = create(&creation);
    else
        status = d3dkmti_fail(STATUS_NO_MEMORY, "no memory for %u allocations", creation.count);
    free(creation.insertions);
    free(creation.allocations);
    free(creation.infos);
    return status;
}
