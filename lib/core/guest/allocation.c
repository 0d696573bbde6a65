/* SPDX-License-Identifier: MIT */
/* Allocations and resources: objects, the caller's memory behind them, destruction. */
#include "core/guest/allocation.h"

#include "core/guest/call.h"
#include "core/guest/message.h"
#include "core/guest/sharing.h"
#include "core/last_error.h"

#include <stdlib.h>
#include <string.h>

enum { DESTROY_MAX = 1024 };

/* ---- objects */

static void free_allocation(struct reference *reference)
{
    struct guest_allocation *allocation = (struct guest_allocation *)reference;
    struct guest_resource *resource = allocation->resource;

    guest_vm_unmap_io(allocation->object.process->vm, allocation->mapping,
                      allocation->page_count * GUEST_PAGE_SIZE);
    guest_allocation_detach_memory(allocation);
    free(allocation->kept_data);
    guest_object_free(&allocation->object, &allocation->object.process->allocation_pool);
    guest_object_release(resource);
}

static void free_resource(struct reference *reference)
{
    struct guest_resource *resource = (struct guest_resource *)reference;

    if (resource->shared)
        reference_release(&resource->shared->reference);
    guest_object_free(&resource->object, &resource->object.process->resource_pool);
}

struct guest_allocation *guest_allocation_create(struct guest_device *device,
                                                 struct guest_resource *resource)
{
    struct guest_process *process = device->object.process;
    struct guest_allocation *allocation = guest_object_create(
        process, &process->allocation_pool, HANDLE_TYPE_ALLOCATION, device, free_allocation);

    if (allocation && resource) {
        reference_acquire(&resource->object.reference);
        allocation->resource = resource;
    }
    return allocation;
}

struct guest_resource *guest_resource_create(struct guest_device *device)
{
    struct guest_process *process = device->object.process;

    return guest_object_create(process, &process->resource_pool, HANDLE_TYPE_RESOURCE, device,
                               free_resource);
}

/* ---- the caller's memory */

static NTSTATUS out_of_reach(const char *reason)
{
    return d3dkmti_fail(STATUS_NOT_SUPPORTED,
                        "pSystemMem: %s; leave it NULL and lock the allocation", reason);
}

static NTSTATUS send_gpadl(struct guest_allocation *allocation)
{
    struct guest_process *process = allocation->object.process;
    struct guest_vm *vm = process->vm;

    if (!vm->ops->gpadl_create)
        return out_of_reach("this host takes no page lists but a GPADL, which cannot be made here");
    NTSTATUS status = vm->ops->gpadl_create(vm->transport, &allocation->pin, &allocation->gpadl);
    if (status == STATUS_NOT_SUPPORTED)
        return status;
    if (!NT_SUCCESS(status))
        return d3dkmti_fail(STATUS_NO_MEMORY, "no GPADL could be made over %zu bytes at %p",
                            allocation->pin.size, allocation->pin.address);
    allocation->has_gpadl = true;
    struct guest_message message;
    struct wire_setexistingsysmemstore *command =
        guest_message_begin(&message, vm, guest_device_adapter(allocation->object.device),
                            process->host_handle, WIRE_VGPU_SETEXISTINGSYSMEMSTORE, 0);
    if (!command)
        return STATUS_NO_MEMORY;
    command->device = allocation->object.device->object.handle;
    command->allocation = allocation->object.handle;
    command->gpadl = allocation->gpadl;
    status = guest_message_exchange(&message);
    guest_message_end(&message);
    return status;
}

static NTSTATUS send_page_numbers(struct guest_allocation *allocation, uint32_t first,
                                  uint32_t count)
{
    struct guest_process *process = allocation->object.process;
    struct guest_vm *vm = process->vm;
    struct guest_message message;
    struct wire_setexistingsysmempages *command = guest_message_begin(
        &message, vm, guest_device_adapter(allocation->object.device), process->host_handle,
        WIRE_VGPU_SETEXISTINGSYSMEMPAGES, count * sizeof(uint64_t));

    if (!command)
        return STATUS_NO_MEMORY;
    command->device = allocation->object.device->object.handle;
    command->allocation = allocation->object.handle;
    command->num_pages = count;
    command->alloc_offset_in_pages = first;
    NTSTATUS status =
        vm->ops->page_frames(vm->transport, &allocation->pin, first, count,
                             guest_message_reserve(&message, count * sizeof(uint64_t)));
    if (NT_SUCCESS(status))
        status = guest_message_exchange(&message);
    else if (status != STATUS_NOT_SUPPORTED)
        status = d3dkmti_fail(STATUS_NO_MEMORY, "the page numbers of %p could not be had",
                              allocation->pin.address);
    guest_message_end(&message);
    return status;
}

/* As many as the protocol allows, or the channel. */
static uint32_t most_page_numbers(const struct guest_allocation *allocation)
{
    const struct guest_vm *vm = allocation->object.process->vm;
    guest_channel channel = atomic_load(&vm->async_messages)
                                ? GUEST_CHANNEL_GLOBAL
                                : guest_device_adapter(allocation->object.device)->channel;
    size_t overhead = WIRE_EXT_HEADER_SIZE + sizeof(struct wire_setexistingsysmempages);
    size_t limit = guest_message_limit(vm, channel);
    size_t most = limit > overhead ? (limit - overhead) / sizeof(uint64_t) : 1;

    return most < WIRE_EXISTING_PAGES_PER_MESSAGE ? (uint32_t)most
                                                  : WIRE_EXISTING_PAGES_PER_MESSAGE;
}

static NTSTATUS send_all_page_numbers(struct guest_allocation *allocation)
{
    uint32_t most = most_page_numbers(allocation);
    NTSTATUS status = STATUS_SUCCESS;

    for (uint64_t first = 0; first < allocation->page_count && NT_SUCCESS(status); first += most) {
        uint64_t left = allocation->page_count - first;

        status =
            send_page_numbers(allocation, (uint32_t)first, left < most ? (uint32_t)left : most);
    }
    return status;
}

NTSTATUS guest_allocation_attach_memory(struct guest_allocation *allocation, const void *memory,
                                        bool writable)
{
    struct guest_vm *vm = allocation->object.process->vm;
    size_t size = allocation->page_count * GUEST_PAGE_SIZE;
    uintptr_t end;

    if (size == 0 || allocation->page_count > UINT32_MAX ||
        __builtin_add_overflow((uintptr_t)memory, size, &end))
        return d3dkmti_fail(STATUS_NO_MEMORY, "the host gave the allocation %llu pages",
                            (unsigned long long)allocation->page_count);
    if (!vm->ops->pin)
        return out_of_reach("the host does not reach this process's memory");
    allocation->pin = (struct guest_pin){.address = memory, .size = size, .writable = writable};
    NTSTATUS status = vm->ops->pin(vm->transport, &allocation->pin);
    if (status == STATUS_NOT_SUPPORTED)
        return status;
    if (!NT_SUCCESS(status))
        return d3dkmti_fail(STATUS_NO_MEMORY,
                            "pSystemMem %p: its %zu bytes are not all mapped%s, which is the size "
                            "that the private driver data ask for",
                            memory, size, writable ? " for writing" : "");
    allocation->pinned = true;
    allocation->cpu_address = (void *)memory;
    return vm->host_maps_page_lists ? send_all_page_numbers(allocation) : send_gpadl(allocation);
}

void guest_allocation_detach_memory(struct guest_allocation *allocation)
{
    struct guest_vm *vm = allocation->object.process->vm;

    if (allocation->has_gpadl)
        vm->ops->gpadl_teardown(vm->transport, allocation->gpadl);
    if (allocation->pinned)
        vm->ops->unpin(vm->transport, &allocation->pin);
    allocation->has_gpadl = false;
    allocation->pinned = false;
    allocation->cpu_address = NULL;
}

/* ---- destroy */

NTSTATUS guest_allocation_send_destroy(struct guest_device *device, D3DKMT_HANDLE device_handle,
                                       D3DKMT_HANDLE resource, const D3DKMT_HANDLE *allocations,
                                       uint32_t count, uint32_t flags)
{
    struct guest_process *process = device->object.process;
    size_t list_size = count * sizeof(*allocations);
    struct guest_message message;
    struct wire_destroyallocation *command =
        guest_message_begin(&message, process->vm, guest_device_adapter(device),
                            process->host_handle, WIRE_VGPU_DESTROYALLOCATION, list_size);

    if (!command)
        return STATUS_NO_MEMORY;
    command->device = device_handle;
    command->resource = resource;
    command->alloc_count = count;
    command->flags = flags;
    guest_message_append(&message, allocations, list_size);
    return guest_message_finish(&message);
}

void guest_allocation_drop(struct guest_allocation *allocation)
{
    struct guest_device *device = allocation->object.device;

    if (!guest_child_withdraw(&allocation->object))
        return;
    if (guest_device_adapter(device)->state == GUEST_ADAPTER_ACTIVE)
        (void)guest_allocation_send_destroy(device, device->object.handle, 0,
                                            &allocation->object.handle, 1, 0);
    guest_object_release(allocation);
}

/* Takes the allocations of a resource out of the table, as one list without handles. */
static void withdraw_allocations(struct guest_resource *resource, struct guest_object_list *gone)
{
    struct guest_process *process = resource->object.process;

    pthread_mutex_lock(&process->mutex);
    while (resource->allocations.first) {
        struct guest_object *allocation = resource->allocations.first;

        guest_list_remove(allocation);
        handle_table_remove(&process->handles, allocation->handle, HANDLE_TYPE_ALLOCATION, NULL);
        guest_list_append(gone, allocation);
    }
    pthread_mutex_unlock(&process->mutex);
}

static void release_list(struct guest_object_list *gone)
{
    while (gone->first) {
        struct guest_object *object = gone->first;

        guest_list_remove(object);
        guest_object_release(object);
    }
}

/* Destroys a resource with its allocations; the caller won its handle. */
static NTSTATUS destroy_resource(struct guest_resource *resource, D3DKMT_HANDLE device_handle,
                                 D3DKMT_HANDLE handle, uint32_t flags)
{
    struct guest_device *device = resource->object.device;
    struct guest_object_list gone = {NULL, NULL};
    NTSTATUS status = STATUS_SUCCESS;

    withdraw_allocations(resource, &gone);
    if (guest_device_adapter(device)->state == GUEST_ADAPTER_ACTIVE)
        status = guest_allocation_send_destroy(device, device_handle, handle, NULL, 0, flags);
    release_list(&gone);
    guest_object_release(resource);
    return status;
}

void guest_resource_drop(struct guest_resource *resource)
{
    if (guest_child_withdraw(&resource->object))
        (void)destroy_resource(resource, resource->object.device->object.handle,
                               resource->object.handle, 0);
}

/* ---- DestroyAllocation2 */

static NTSTATUS destroy_one_resource(struct guest_device *device,
                                     const D3DKMT_DESTROYALLOCATION2 *args)
{
    struct guest_resource *resource = guest_child_acquire(device->object.process, args->hResource,
                                                          HANDLE_TYPE_RESOURCE, "hResource");
    NTSTATUS status = STATUS_INVALID_PARAMETER;

    if (!resource)
        return status;
    if (resource->object.device != device)
        d3dkmti_fail(status, "hResource 0x%08x belongs to another device", args->hResource);
    else if (guest_child_withdraw(&resource->object))
        status = destroy_resource(resource, args->hDevice, args->hResource, args->Flags.Value);
    guest_object_release(resource);
    return status;
}

static bool is_listed_before(const D3DKMT_HANDLE *handles, UINT index)
{
    for (UINT i = 0; i < index; i++) {
        if ((handles[i] ^ handles[index]) >> HANDLE_INDEX_SHIFT == 0) /* any instance bits */
            return true;
    }
    return false;
}

/* An allocation that may be destroyed together with the first of the list; under the mutex. */
static NTSTATUS check_one(struct guest_device *device, const D3DKMT_HANDLE *handles, UINT index,
                          struct guest_resource **parent, struct guest_allocation **allocation)
{
    *allocation = handle_table_lookup(&device->object.process->handles, handles[index],
                                      HANDLE_TYPE_ALLOCATION);
    if (!*allocation || (*allocation)->object.device != device)
        return d3dkmti_fail(STATUS_INVALID_PARAMETER,
                            "phAllocationList[%u] 0x%08x is not an allocation of the device", index,
                            handles[index]);
    if (index == 0)
        *parent = (*allocation)->resource;
    if ((*allocation)->resource != *parent)
        return d3dkmti_fail(STATUS_INVALID_PARAMETER,
                            "phAllocationList[%u] 0x%08x is of another resource than the first",
                            index, handles[index]);
    if (*parent && (*parent)->shared)
        return d3dkmti_fail(
            STATUS_INVALID_PARAMETER,
            "phAllocationList[%u] 0x%08x is of a shared resource, which can only be "
            "destroyed as a whole",
            index, handles[index]);
    if (is_listed_before(handles, index))
        return d3dkmti_fail(STATUS_INVALID_PARAMETER, "phAllocationList[%u] 0x%08x is listed twice",
                            index, handles[index]);
    return STATUS_SUCCESS;
}

/* Checks the whole list and then takes it out of the table, or leaves all as it is. */
static NTSTATUS withdraw_list(struct guest_device *device, const D3DKMT_HANDLE *handles, UINT count,
                              struct guest_object_list *gone)
{
    struct guest_process *process = device->object.process;
    struct guest_resource *parent = NULL;
    struct guest_allocation *allocation;
    NTSTATUS status = STATUS_SUCCESS;

    pthread_mutex_lock(&process->mutex);
    for (UINT i = 0; i < count && NT_SUCCESS(status); i++)
        status = check_one(device, handles, i, &parent, &allocation);
    for (UINT i = 0; i < count && NT_SUCCESS(status); i++) {
        void *object;

        handle_table_remove(&process->handles, handles[i], HANDLE_TYPE_ALLOCATION, &object);
        guest_list_remove(object);
        guest_list_append(gone, object);
    }
    pthread_mutex_unlock(&process->mutex);
    return status;
}

static NTSTATUS destroy_list(struct guest_device *device, const D3DKMT_DESTROYALLOCATION2 *args,
                             const D3DKMT_HANDLE *handles)
{
    struct guest_object_list gone = {NULL, NULL};
    NTSTATUS status = withdraw_list(device, handles, args->AllocationCount, &gone);

    if (!NT_SUCCESS(status))
        return status;
    status = guest_allocation_send_destroy(device, args->hDevice, 0, handles, args->AllocationCount,
                                           args->Flags.Value);
    release_list(&gone);
    return status;
}

NTSTATUS guest_destroy_allocation(struct guest_process *process,
                                  const D3DKMT_DESTROYALLOCATION2 *args,
                                  D3DKMT_DESTROYALLOCATION2 *caller)
{
    (void)caller;
    UINT count = args->AllocationCount;
    D3DKMT_HANDLE handles[DESTROY_MAX];

    NTSTATUS status = guest_check_count("AllocationCount", count, 0, DESTROY_MAX);
    if (NT_SUCCESS(status))
        status = guest_check_resource_or_list(args->hResource, count);
    if (NT_SUCCESS(status))
        status = guest_read(process, handles, args->phAllocationList, count * sizeof(handles[0]),
                            "phAllocationList");
    if (!NT_SUCCESS(status))
        return status;
    struct guest_device *device = guest_device_acquire(process, args->hDevice, "hDevice");
    if (!device)
        return STATUS_INVALID_PARAMETER;
    status = guest_device_check_active(device);
    if (NT_SUCCESS(status))
        status = count ? destroy_list(device, args, handles) : destroy_one_resource(device, args);
    guest_object_release(device);
    return status;
}
