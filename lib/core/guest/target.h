/* SPDX-License-Identifier: MIT */
/* What most calls begin with: a handle, and the adapter behind it, which must be active. */
#ifndef CORE_GUEST_TARGET_H
#define CORE_GUEST_TARGET_H

#include "core/guest/process.h"

struct guest_target {
    struct guest_adapter *adapter;
    struct guest_device *device; /* NULL for an adapter's handle */
    void *holder;                /* the referenced object that keeps both */
};

/*
 * Look the handle up and the adapter's state. STATUS_INVALID_PARAMETER or STATUS_DEVICE_REMOVED,
 * explained with the argument's name. guest_target_release follows in any case.
 */
NTSTATUS guest_target_adapter(struct guest_process *process, D3DKMT_HANDLE handle,
                              const char *argument, struct guest_target *target);
NTSTATUS guest_target_device(struct guest_process *process, D3DKMT_HANDLE handle,
                             const char *argument, struct guest_target *target);
NTSTATUS guest_target_child(struct guest_process *process, D3DKMT_HANDLE handle,
                            enum handle_type type, const char *argument,
                            struct guest_target *target);

static inline void guest_target_release(struct guest_target *target)
{
    guest_object_release(target->holder);
}

#endif
