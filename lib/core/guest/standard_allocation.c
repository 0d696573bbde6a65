/* SPDX-License-Identifier: MIT */
/* Standard allocations: described by the caller in WDDM's terms instead of the driver's. */
#include "core/guest/allocation.h"
#include "core/guest/call.h"
#include "core/guest/message.h"
#include "core/last_error.h"
#include "core/memory.h"

#include <stdlib.h>
#include <string.h>

/* Values on the wire; the driver uses only these. */
enum {
    STANDARD_DRIVER_TYPE_GDI_SURFACE = 4,
    GDI_SURFACE_TEXTURE_CROSSADAPTER = 7,
    /* The kernel's meaning of the number that libdxg's headers call INTERNALBACKINGSTORE. */
    STANDARD_TYPE_CROSS_ADAPTER = 2,
};

static NTSTATUS check_memory(const D3DKMT_CREATEALLOCATION *args,
                             const D3DDDI_ALLOCATIONINFO2 *first, unsigned type)
{
    uintptr_t memory = (uintptr_t)first->pSystemMem;

    switch (type) {
    case D3DKMT_STANDARDALLOCATIONTYPE_EXISTINGHEAP:
        if (memory && memory % GUEST_PAGE_SIZE == 0 && args->Flags.ExistingSysMem)
            return STATUS_SUCCESS;
        return d3dkmti_fail(STATUS_INVALID_PARAMETER,
                            "an existing heap needs a page-aligned pSystemMem (it is %p) and the "
                            "flag ExistingSysMem",
                            first->pSystemMem);
    case STANDARD_TYPE_CROSS_ADAPTER:
        if (!memory && !args->Flags.ExistingSysMem)
            return STATUS_SUCCESS;
        return d3dkmti_fail(
            STATUS_INVALID_PARAMETER,
            "a cross-adapter allocation takes neither pSystemMem nor ExistingSysMem");
    default:
        return d3dkmti_fail(
            STATUS_INVALID_PARAMETER,
            "pStandardAllocation->Type is %u; 1 (existing heap) and 2 (cross adapter) "
            "can be made",
            type);
    }
}

NTSTATUS guest_standard_allocation_check(struct guest_process *process,
                                         const D3DKMT_CREATEALLOCATION *args,
                                         const D3DDDI_ALLOCATIONINFO2 *first,
                                         D3DKMT_CREATESTANDARDALLOCATION *description)
{
    if (!args->pStandardAllocation)
        return d3dkmti_fail(STATUS_INVALID_PARAMETER,
                            "pStandardAllocation is NULL with the flag StandardAllocation");
    NTSTATUS status = guest_read(process, description, args->pStandardAllocation,
                                 sizeof(*description), "pStandardAllocation");
    if (NT_SUCCESS(status))
        status = check_memory(args, first, description->Type);
    if (!NT_SUCCESS(status))
        return status;
    uint64_t size = description->ExistingHeapData.Size;
    if (args->PrivateDriverDataSize != 0 || args->NumAllocations != 1 || size == 0 ||
        size % GUEST_PAGE_SIZE != 0)
        return d3dkmti_fail(STATUS_INVALID_PARAMETER,
                            "a standard allocation has no private data (%u bytes), is one (%u) and "
                            "whole pages in size (%llu)",
                            args->PrivateDriverDataSize, args->NumAllocations,
                            (unsigned long long)size);
    return STATUS_SUCCESS;
}

/* Copies what a tail of the answer holds. */
static NTSTATUS keep(void **copy, const struct wire_span *span)
{
    size_t size = wire_span_bytes(span);

    if (size == 0)
        return STATUS_SUCCESS;
    *copy = d3dkmti_malloc(size);
    if (!*copy)
        return d3dkmti_fail(STATUS_NO_MEMORY, "no memory for %zu bytes of driver data", size);
    memcpy(*copy, span->data, size);
    return STATUS_SUCCESS;
}

/* Uses an answer: the first one tells sizes, the second one, asked with them, has the data. */
static NTSTATUS use_answer(const struct guest_message *message, bool with_data,
                           struct guest_standard_data *data)
{
    const struct wire_ddigetstandardallocationdriverdata_reply *answer =
        (const void *)message->reply.bytes;
    const struct wire_span *tails = message->reply.tails;

    data->allocation_size = answer->priv_driver_data_size;
    data->resource_size = answer->priv_driver_resource_size;
    if (data->allocation_size == 0)
        return d3dkmti_fail(STATUS_INVALID_PARAMETER,
                            "the host's driver has no data for this standard allocation");
    if (!with_data)
        return STATUS_SUCCESS;
    const struct wire_span *allocation_data =
        &tails[WIRE_REPLY_TAIL_DDIGETSTANDARDALLOCATIONDRIVERDATA_ALLOC_PRIV_DATA];
    const struct wire_span *resource_data =
        &tails[WIRE_REPLY_TAIL_DDIGETSTANDARDALLOCATIONDRIVERDATA_RESOURCE_PRIV_DATA];
    /* What counts is what came, not what the host says about it the second time. */
    data->allocation_size = (uint32_t)wire_span_bytes(allocation_data);
    data->resource_size = (uint32_t)wire_span_bytes(resource_data);
    NTSTATUS status = keep(&data->allocation_data, allocation_data);
    return NT_SUCCESS(status) ? keep(&data->resource_data, resource_data) : status;
}

static NTSTATUS query(struct guest_device *device, uint32_t width, bool with_data,
                      struct guest_standard_data *data)
{
    struct guest_process *process = device->object.process;
    struct guest_message message;
    struct wire_ddigetstandardallocationdriverdata *command =
        guest_message_begin(&message, process->vm, guest_device_adapter(device),
                            process->host_handle, WIRE_VGPU_DDIGETSTANDARDALLOCATIONDRIVERDATA, 0);

    if (!command)
        return STATUS_NO_MEMORY;
    command->alloc_type = STANDARD_DRIVER_TYPE_GDI_SURFACE;
    command->priv_driver_data_size = data->allocation_size;
    command->priv_driver_resource_size = data->resource_size;
    command->gdi_surface.type = GDI_SURFACE_TEXTURE_CROSSADAPTER;
    command->gdi_surface.width = width;
    command->gdi_surface.height = 1;
    NTSTATUS status = guest_message_exchange(&message);
    if (NT_SUCCESS(status))
        status = use_answer(&message, with_data, data);
    guest_message_end(&message);
    return status;
}

NTSTATUS guest_standard_allocation_query(struct guest_device *device,
                                         const D3DKMT_CREATESTANDARDALLOCATION *description,
                                         struct guest_standard_data *data)
{
    uint32_t width = (uint32_t)description->ExistingHeapData.Size;
    NTSTATUS status = query(device, width, false, data);

    /* The data itself is what those who open the resource later are told. */
    return NT_SUCCESS(status) ? query(device, width, true, data) : status;
}
