/* SPDX-License-Identifier: MIT */
/* Devices and their state. */
#include "backend-loopback/host/command.h"

/* Runs when the simulated device leaves the active state; the guest learns that it should ask
 * again. */
static void state_changed(void *context, enum gpu_device_state state)
{
    struct host_device *device = context;
    (void)state;
    host_send_device_state(device->object.process->guest, device->cookie);
}

static void destroy_device(struct host_object *object)
{
    gpu_device_destroy(((struct host_device *)(void *)object)->gpu);
}

NTSTATUS host_create_device(struct host_call *call, const void *command, void *reply)
{
    const struct wire_createdevice *create = command;
    struct wire_createdevice_reply *result = reply;
    struct gpu_process *process;
    NTSTATUS status = host_process_gpu(call->process, call->adapter, &process);
    if (!NT_SUCCESS(status))
        return status;
    struct host_device *device =
        host_object_create(sizeof(*device), HOST_KIND_DEVICE, &call->process->object, NULL);
    if (!device)
        return STATUS_NO_MEMORY;
    device->adapter = call->adapter;
    device->cookie = create->error_code;
    status = gpu_device_create(process, state_changed, device, &device->gpu);
    if (!NT_SUCCESS(status)) {
        host_object_release(&device->object);
        return status;
    }
    device->object.destroy = destroy_device;
    return host_publish(call, &device->object, &result->device);
}

NTSTATUS host_destroy_device(struct host_call *call, const void *command, void *reply)
{
    const struct wire_destroydevice *destroy = command;
    (void)reply;
    struct host_device *device = host_find_device(call, destroy->device);
    if (!device)
        return STATUS_INVALID_PARAMETER;
    host_objects_release(host_table_collect(&call->process->table, &device->object));
    host_object_release(&device->object);
    return STATUS_SUCCESS;
}

NTSTATUS host_flush_device(struct host_call *call, const void *command, void *reply)
{
    const struct wire_flushdevice *flush = command;
    (void)reply;
    struct host_device *device = host_find_device(call, flush->device);
    if (!device)
        return STATUS_INVALID_PARAMETER;
    gpu_device_flush(device->gpu);
    host_object_release(&device->object);
    return STATUS_SUCCESS;
}

static void fill_page_fault(struct gpu_device *device, struct wire_page_fault_state *state)
{
    struct gpu_page_fault fault;
    gpu_device_get_page_fault(device, &fault);
    if (!fault.valid)
        return;
    state->faulted_virtual_address = fault.address;
    state->page_fault_flags = fault.write ? DXGK_PAGE_FAULT_WRITE : 0;
    /* The rest is about draws and shaders, which this GPU has none of. */
    state->faulted_bind_table_entry = DXGK_BIND_TABLE_ENTRY_UNKNOWN;
}

NTSTATUS host_get_device_state(struct host_call *call, const void *command, void *reply)
{
    const struct wire_getdevicestate *get = command;
    struct wire_getdevicestate_reply *result = reply;
    struct host_device *device = host_find_device(call, get->args.device);
    NTSTATUS status = STATUS_SUCCESS;
    if (!device)
        return STATUS_INVALID_PARAMETER;
    result->args.device = get->args.device;
    result->args.state_type = get->args.state_type;
    switch (get->args.state_type) {
    case D3DKMT_DEVICESTATE_EXECUTION:
        result->args.execution_state = gpu_device_get_state(device->gpu);
        break;
    case D3DKMT_DEVICESTATE_PAGE_FAULT:
        fill_page_fault(device->gpu, &result->args.page_fault_state);
        break;
    case D3DKMT_DEVICESTATE_PRESENT: /* no displays: nothing was ever presented, all counters are 0
                                      */
    case D3DKMT_DEVICESTATE_RESET:   /* no desktop to switch */
        break;
    default:
        status = STATUS_INVALID_PARAMETER;
    }
    host_object_release(&device->object);
    return status;
}

NTSTATUS host_mark_device_as_error(struct host_call *call, const void *command, void *reply)
{
    const struct wire_markdeviceaserror *mark = command;
    (void)reply;
    struct host_device *device = host_find_device(call, mark->args.device);
    if (!device)
        return STATUS_INVALID_PARAMETER;
    gpu_device_mark_error(device->gpu, GPU_DEVICE_RESET);
    host_object_release(&device->object);
    return STATUS_SUCCESS;
}
