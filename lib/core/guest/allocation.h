/* SPDX-License-Identifier: MIT */
/* What the files about allocations share. */
#ifndef CORE_GUEST_ALLOCATION_H
#define CORE_GUEST_ALLOCATION_H

#include "core/guest/process.h"

#define GUEST_PAGE_SIZE ((uint64_t)4096)

/* An allocation without handle yet; NULL, explained, without memory. */
struct guest_allocation *guest_allocation_create(struct guest_device *device,
                                                 struct guest_resource *resource);
struct guest_resource *guest_resource_create(struct guest_device *device);

/*
 * Pins the caller's memory behind an allocation and tells the host its pages. STATUS_NO_MEMORY,
 * explained, when the range cannot be pinned, or the host's refusal.
 */
NTSTATUS guest_allocation_attach_memory(struct guest_allocation *allocation, const void *memory,
                                        bool writable);

/* Ends the pin, after the host was told that the allocation goes. */
void guest_allocation_detach_memory(struct guest_allocation *allocation);

/*
 * Sends DESTROYALLOCATION for a resource (then count is 0) or for allocations. device_handle: as
 * the caller spelt it, or the device's own.
 */
NTSTATUS guest_allocation_send_destroy(struct guest_device *device, D3DKMT_HANDLE device_handle,
                                       D3DKMT_HANDLE resource, const D3DKMT_HANDLE *allocations,
                                       uint32_t count, uint32_t flags);

/*
 * Checks the description of a standard allocation and asks the host for its driver data.
 * description: filled in from the caller's memory.
 */
NTSTATUS guest_standard_allocation_check(struct guest_process *process,
                                         const D3DKMT_CREATEALLOCATION *args,
                                         const D3DDDI_ALLOCATIONINFO2 *first,
                                         D3DKMT_CREATESTANDARDALLOCATION *description);
/* What the host's driver says of a standard allocation; free both with free. */
struct guest_standard_data {
    void *allocation_data, *resource_data;
    uint32_t allocation_size, resource_size;
};

NTSTATUS guest_standard_allocation_query(struct guest_device *device,
                                         const D3DKMT_CREATESTANDARDALLOCATION *description,
                                         struct guest_standard_data *data);

#endif
