/* SPDX-License-Identifier: MIT */
/*
 * Escapes: bytes for the miniport. The known ones begin with a number that the graphics kernel
 * understands; in a secure VM no others are answered.
 */
#include <stdlib.h>

#include "backend-loopback/host/command.h"

/*
 * With a device the simulated device passes it on; without one it goes to the miniport's adapter.
 */
static NTSTATUS pass_on(struct host_call *call, uint32_t device_handle, void *data, uint32_t size)
{
    const struct kmd_interface *miniport = call->adapter->config.miniport;
    if (!device_handle) {
        if (!miniport->Escape)
            return STATUS_NOT_SUPPORTED;
        return miniport->Escape(gpu_adapter_miniport_adapter(call->adapter->gpu), NULL, data, size);
    }
    struct host_device *device = host_find_device(call, device_handle);
    if (!device)
        return STATUS_INVALID_PARAMETER;
    NTSTATUS status = gpu_device_escape(device->gpu, data, size);
    host_object_release(&device->object);
    return status;
}

/* ---- known escapes */

/*
 * A translation leaves the handle as it is, since the host's handles are the guest's, but only for
 * what the process has on this adapter. Guests that know this do not ask.
 */
static NTSTATUS translate(struct host_call *call, const void *data, uint32_t size,
                          enum host_kind kind)
{
    struct wire_translate_allocation_handle request; /* a resource's has the same form */
    if (size < sizeof(request))
        return STATUS_INVALID_PARAMETER;
    memcpy(&request, data, sizeof(request));
    struct host_object *object = host_table_find(&call->process->table, request.allocation, kind);
    if (!object)
        return STATUS_INVALID_PARAMETER;
    const struct host_device *device = kind == HOST_KIND_RESOURCE
                                           ? ((struct host_resource *)(void *)object)->device
                                           : ((struct host_allocation *)(void *)object)->device;
    bool ours = device->adapter == call->adapter;
    host_object_release(object);
    return ours ? STATUS_SUCCESS : STATUS_INVALID_PARAMETER;
}

static NTSTATUS known_escape(struct host_call *call, uint32_t device, void *data, uint32_t size)
{
    if (size < sizeof(uint32_t))
        return STATUS_INVALID_PARAMETER;
    uint32_t kind = wire_load_u32(data);
    if (kind == D3DDDI_DRIVERESCAPETYPE_TRANSLATEALLOCATIONHANDLE)
        return translate(call, data, size, HOST_KIND_ALLOCATION);
    if (kind == D3DDDI_DRIVERESCAPETYPE_TRANSLATERESOURCEHANDLE)
        return translate(call, data, size, HOST_KIND_RESOURCE);
    /* The number of test commands is the last one that any kernel knows. */
    if (kind > D3DDDI_DRIVERESCAPETYPE_MAX)
        return STATUS_INVALID_PARAMETER;
    return pass_on(call, device, data, size);
}

NTSTATUS host_escape(struct host_call *call, const void *command, void *reply)
{
    const struct wire_escape *escape = command;
    const struct wire_span *tail = &call->request->tails[WIRE_TAIL_ESCAPE_PRIV_DRV_DATA];
    bool known = escape->flags & WIRE_ESCAPE_DRIVER_KNOWN_ESCAPE;
    bool failed = false;
    (void)reply;
    if (!host_is_adapter_handle(call, escape->adapter))
        return STATUS_INVALID_PARAMETER;
    if (escape->type != D3DKMT_ESCAPE_DRIVERPRIVATE)
        return STATUS_NOT_SUPPORTED;
    if (call->host->config.secure && !known)
        return STATUS_ACCESS_DENIED;
    void *data = host_copy_span(tail, &failed);
    NTSTATUS status = failed  ? STATUS_NO_MEMORY
                      : known ? known_escape(call, escape->device, data, tail->count)
                              : pass_on(call, escape->device, data, tail->count);
    if (NT_SUCCESS(status))
        wire_append(&call->out, data, tail->count);
    free(data);
    return status;
}
