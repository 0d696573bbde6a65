/* SPDX-License-Identifier: MIT */
#include "core/guest/target.h"

NTSTATUS guest_target_adapter(struct guest_process *process, D3DKMT_HANDLE handle,
                              const char *argument, struct guest_target *target)
{
    struct guest_open_adapter *open_adapter = guest_adapter_acquire(process, handle, argument);

    *target = (struct guest_target){.holder = open_adapter};
    if (!open_adapter)
        return STATUS_INVALID_PARAMETER;
    target->adapter = open_adapter->adapter;
    return guest_adapter_check_active(target->adapter);
}

NTSTATUS guest_target_device(struct guest_process *process, D3DKMT_HANDLE handle,
                             const char *argument, struct guest_target *target)
{
    struct guest_device *device = guest_device_acquire(process, handle, argument);

    *target = (struct guest_target){.device = device, .holder = device};
    if (!device)
        return STATUS_INVALID_PARAMETER;
    target->adapter = guest_device_adapter(device);
    return guest_adapter_check_active(target->adapter);
}

NTSTATUS guest_target_child(struct guest_process *process, D3DKMT_HANDLE handle,
                            enum handle_type type, const char *argument,
                            struct guest_target *target)
{
    struct guest_object *child = guest_child_acquire(process, handle, type, argument);

    *target = (struct guest_target){.holder = child};
    if (!child)
        return STATUS_INVALID_PARAMETER;
    target->device = child->device;
    target->adapter = guest_device_adapter(child->device);
    return guest_adapter_check_active(target->adapter);
}
