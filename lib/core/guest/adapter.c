/* SPDX-License-Identifier: MIT */
/* Adapters: how one starts with the host, and how processes enumerate, open and close it. */
#include "core/guest/call.h"
#include "core/guest/message.h"
#include "core/last_error.h"
#include "core/memory.h"

#include <stdlib.h>
#include <string.h>

/* As dxgkrnl's limits for the arrays of the two enumeration calls. */
enum { ENUM_ADAPTERS2_MAX = 64, ENUM_ADAPTERS3_MAX = 65535 };

/* ---- with the host */

static NTSTATUS send_open(struct guest_adapter *adapter)
{
    struct guest_message message;
    struct wire_openadapter *command =
        guest_message_begin(&message, adapter->vm, adapter, 0, WIRE_VGPU_OPENADAPTER, 0);

    if (!command)
        return STATUS_NO_MEMORY;
    command->vmbus_interface_version = adapter->vm->interface_version;
    command->vmbus_last_compatible_interface_version = WIRE_VERSION_LAST_COMPATIBLE;
    NTSTATUS status = guest_message_exchange(&message);
    if (NT_SUCCESS(status))
        adapter->host_handle =
            ((const struct wire_openadapter_reply *)message.reply.bytes)->host_adapter_handle;
    guest_message_end(&message);
    return status;
}

static NTSTATUS learn(struct guest_adapter *adapter)
{
    struct guest_vm *vm = adapter->vm;
    struct guest_message message;

    if (!guest_message_begin(&message, vm, adapter, 0, WIRE_VGPU_GETINTERNALADAPTERINFO, 0))
        return STATUS_NO_MEMORY;
    NTSTATUS status = guest_message_exchange(&message);
    if (NT_SUCCESS(status)) {
        /* The reply before version 40 is the beginning of the later one. */
        const struct wire_getinternaladapterinfo_reply *info = (const void *)message.reply.bytes;

        adapter->host_adapter_luid.LowPart = info->host_adapter_luid.a;
        adapter->host_adapter_luid.HighPart = (LONG)info->host_adapter_luid.b;
        if (vm->interface_version >= WIRE_VERSION) {
            adapter->host_vgpu_luid.LowPart = info->host_vgpu_luid.a;
            adapter->host_vgpu_luid.HighPart = (LONG)info->host_vgpu_luid.b;
        }
        atomic_store(&vm->async_messages, (info->bits & WIRE_ADAPTER_ASYNC_MSG_ENABLED) != 0);
    }
    guest_message_end(&message);
    return status;
}

NTSTATUS guest_adapter_start(struct guest_adapter *adapter)
{
    struct guest_vm *vm = adapter->vm;
    NTSTATUS status = vm->ops->open_channel(vm->transport, adapter->channel);

    if (!NT_SUCCESS(status))
        return status;
    adapter->channel_open = true;
    status = send_open(adapter);
    if (NT_SUCCESS(status))
        status = learn(adapter);
    if (NT_SUCCESS(status))
        adapter->state = GUEST_ADAPTER_ACTIVE;
    return status;
}

void guest_adapter_send_close(struct guest_adapter *adapter)
{
    /* Any answer will do: the adapter goes in any case. */
    (void)guest_message_send_handle(adapter->vm, adapter, 0, WIRE_VGPU_CLOSEADAPTER,
                                    adapter->host_handle);
}

NTSTATUS guest_adapter_check_active(const struct guest_adapter *adapter)
{
    if (adapter->state == GUEST_ADAPTER_ACTIVE)
        return STATUS_SUCCESS;
    return d3dkmti_fail(STATUS_DEVICE_REMOVED,
                        "adapter %x:%x was removed or stopped; enumerate again",
                        (unsigned)adapter->luid.HighPart, (unsigned)adapter->luid.LowPart);
}

/* ---- open adapters of a process */

static void free_open_adapter(struct reference *reference)
{
    struct guest_open_adapter *open_adapter = (struct guest_open_adapter *)reference;

    reference_release(&open_adapter->adapter->reference);
    pool_put(&open_adapter->process->open_adapter_pool, open_adapter);
}

/* The process's record of the adapter, made when it is missing; under the adapter mutex. */
static struct guest_open_adapter *find_or_make(struct guest_process *process,
                                               struct guest_adapter *adapter)
{
    struct guest_open_adapter **link = &process->open_adapters;

    for (; *link; link = &(*link)->next) {
        if ((*link)->adapter == adapter) {
            reference_acquire(&(*link)->reference);
            return *link;
        }
    }
    struct guest_open_adapter *made = pool_get(&process->open_adapter_pool);
    if (!made)
        return NULL;
    reference_init(&made->reference, free_open_adapter);
    reference_acquire(&adapter->reference);
    made->adapter = adapter;
    made->process = process;
    *link = made;
    return made;
}

static void unlink_open_adapter(struct guest_open_adapter *open_adapter)
{
    struct guest_open_adapter **link = &open_adapter->process->open_adapters;

    while (*link != open_adapter)
        link = &(*link)->next;
    *link = open_adapter->next;
}

/* A new handle of the adapter for the process; 0, explained, when there is no memory. */
static D3DKMT_HANDLE open_handle(struct guest_process *process, struct guest_adapter *adapter)
{
    D3DKMT_HANDLE handle = 0;

    pthread_mutex_lock(&process->adapter_mutex);
    struct guest_open_adapter *open_adapter = find_or_make(process, adapter);
    if (open_adapter) {
        handle =
            handle_table_allocate(&process->adapter_handles, HANDLE_TYPE_ADAPTER, open_adapter);
        if (handle) {
            open_adapter->open_count++;
        } else {
            if (open_adapter->open_count == 0)
                unlink_open_adapter(open_adapter);
            reference_release(&open_adapter->reference);
        }
    }
    pthread_mutex_unlock(&process->adapter_mutex);
    if (!handle)
        d3dkmti_fail(STATUS_NO_MEMORY, "no memory for another adapter handle");
    return handle;
}

/* Destroys the devices of an adapter whose last handle is gone; under the adapter mutex. */
static void destroy_devices(struct guest_open_adapter *open_adapter)
{
    struct guest_process *process = open_adapter->process;

    for (;;) {
        void *device = NULL;

        pthread_mutex_lock(&process->mutex);
        struct guest_object *first = open_adapter->devices.first;
        D3DKMT_HANDLE handle = first ? first->handle : 0;
        if (first)
            guest_list_remove(first);
        pthread_mutex_unlock(&process->mutex);
        if (!first)
            return;
        /* Whoever takes the handle out destroys: a DestroyDevice may be at it as well. */
        if (handle_table_remove(&process->handles, handle, HANDLE_TYPE_DEVICE, &device)) {
            guest_device_teardown(device, true);
            guest_object_release(device);
        }
    }
}

/* False when the handle is not an open adapter of the process. */
static bool close_handle(struct guest_process *process, D3DKMT_HANDLE handle)
{
    void *object;

    pthread_mutex_lock(&process->adapter_mutex);
    bool found =
        handle_table_remove(&process->adapter_handles, handle, HANDLE_TYPE_ADAPTER, &object);
    if (found) {
        struct guest_open_adapter *open_adapter = object;

        if (--open_adapter->open_count == 0) {
            unlink_open_adapter(open_adapter);
            destroy_devices(open_adapter);
        }
        reference_release(&open_adapter->reference);
    }
    pthread_mutex_unlock(&process->adapter_mutex);
    return found;
}

void guest_open_adapter_close_all(struct guest_open_adapter *open_adapter)
{
    pthread_mutex_lock(&open_adapter->process->adapter_mutex);
    unlink_open_adapter(open_adapter);
    destroy_devices(open_adapter);
    pthread_mutex_unlock(&open_adapter->process->adapter_mutex);
}

struct guest_open_adapter *guest_adapter_acquire(struct guest_process *process,
                                                 D3DKMT_HANDLE handle, const char *argument)
{
    struct guest_open_adapter *open_adapter =
        handle_table_acquire(&process->adapter_handles, handle, HANDLE_TYPE_ADAPTER);

    if (!open_adapter)
        d3dkmti_fail(
            STATUS_INVALID_PARAMETER,
            "%s 0x%08x is not an open adapter of this process (D3DKMTOpenAdapterFromLuid or "
            "D3DKMTEnumAdapters2 opens one)",
            argument, handle);
    return open_adapter;
}

/* ---- calls */

NTSTATUS guest_open_adapter_from_luid(struct guest_process *process,
                                      const D3DKMT_OPENADAPTERFROMLUID *args,
                                      D3DKMT_OPENADAPTERFROMLUID *caller)
{
    struct guest_adapter *adapter = guest_vm_find_adapter(process->vm, args->AdapterLuid);
    D3DKMT_HANDLE handle = 0;
    NTSTATUS status;

    if (!adapter || adapter->state != GUEST_ADAPTER_ACTIVE) {
        /* No stale handle may look like an answer. */
        (void)GUEST_WRITE(process, caller->hAdapter, handle);
        status =
            d3dkmti_fail(STATUS_INVALID_PARAMETER,
                         "AdapterLuid %x:%x names no adapter that is there; "
                         "D3DKMTEnumAdapters2 lists them",
                         (unsigned)args->AdapterLuid.HighPart, (unsigned)args->AdapterLuid.LowPart);
        goto out;
    }
    handle = open_handle(process, adapter);
    if (!handle) {
        status = STATUS_NO_MEMORY;
        goto out;
    }
    status = GUEST_WRITE(process, caller->hAdapter, handle);
    if (!NT_SUCCESS(status))
        close_handle(process, handle);
out:
    if (adapter)
        reference_release(&adapter->reference);
    return status;
}

static void close_all(struct guest_process *process, const D3DKMT_ADAPTERINFO *infos, UINT count)
{
    for (UINT i = 0; i < count; i++)
        close_handle(process, infos[i].hAdapter);
}

/* Adapters known when an enumeration began, all referenced. */
struct adapter_list {
    struct guest_adapter **adapters;
    size_t count;
};

static NTSTATUS list_adapters(struct guest_vm *vm, struct adapter_list *list)
{
    /* One may arrive between counting and listing; then the list is made anew. */
    for (;;) {
        size_t capacity = guest_vm_list_adapters(vm, NULL, 0);

        list->adapters = d3dkmti_calloc(capacity + 1, sizeof(*list->adapters));
        if (!list->adapters)
            return d3dkmti_fail(STATUS_NO_MEMORY, "no memory for a list of %zu adapters", capacity);
        list->count = guest_vm_list_adapters(vm, list->adapters, capacity);
        if (list->count <= capacity)
            return STATUS_SUCCESS;
        for (size_t i = 0; i < capacity; i++)
            reference_release(&list->adapters[i]->reference);
        free(list->adapters);
    }
}

static void release_adapters(struct adapter_list *list)
{
    for (size_t i = 0; i < list->count; i++)
        reference_release(&list->adapters[i]->reference);
    free(list->adapters);
}

static bool is_enumerated(const struct guest_adapter *adapter, bool compute_only_too)
{
    return adapter->state == GUEST_ADAPTER_ACTIVE && (compute_only_too || !adapter->compute_only);
}

/* Opens the adapters of a list that are to be enumerated, and describes them in infos: all, or
 * without memory for one of them none. */
static NTSTATUS open_listed(struct guest_process *process, const struct adapter_list *list,
                            bool compute_only_too, D3DKMT_ADAPTERINFO *infos, ULONG *count)
{
    UINT filled = 0;

    for (size_t i = 0; i < list->count; i++) {
        if (!is_enumerated(list->adapters[i], compute_only_too))
            continue;
        D3DKMT_HANDLE handle = open_handle(process, list->adapters[i]);
        if (!handle) {
            close_all(process, infos, filled);
            return STATUS_NO_MEMORY;
        }
        infos[filled].hAdapter = handle;
        infos[filled].AdapterLuid = list->adapters[i]->luid;
        filled++;
    }
    *count = filled;
    return STATUS_SUCCESS;
}

/* The common part of both enumerations: opens, and writes number and entries to the caller. */
static NTSTATUS enumerate(struct guest_process *process, const struct adapter_list *list,
                          bool compute_only_too, ULONG *caller_count,
                          D3DKMT_ADAPTERINFO *caller_infos)
{
    D3DKMT_ADAPTERINFO *infos = d3dkmti_calloc(list->count + 1, sizeof(*infos));

    if (!infos)
        return d3dkmti_fail(STATUS_NO_MEMORY, "no memory for %zu adapters", list->count);
    ULONG filled = 0;
    NTSTATUS status = open_listed(process, list, compute_only_too, infos, &filled);
    if (NT_SUCCESS(status))
        status = GUEST_WRITE(process, *caller_count, filled);
    if (NT_SUCCESS(status))
        status = guest_write(process, caller_infos, infos, filled * sizeof(*infos), "pAdapters");
    if (!NT_SUCCESS(status))
        close_all(process, infos, filled);
    free(infos);
    return status;
}

NTSTATUS guest_enum_adapters2(struct guest_process *process, const D3DKMT_ENUMADAPTERS2 *args,
                              D3DKMT_ENUMADAPTERS2 *caller)
{
    struct adapter_list list = {NULL, 0};
    NTSTATUS status = list_adapters(process->vm, &list);

    if (!NT_SUCCESS(status))
        return status;
    ULONG known = (ULONG)list.count;
    if (!args->pAdapters)
        status = GUEST_WRITE(process, caller->NumAdapters, known);
    else if (args->NumAdapters < known)
        status = d3dkmti_fail(STATUS_BUFFER_TOO_SMALL,
                              "NumAdapters is %u, but %u adapters are known; a NULL pAdapters asks "
                              "for the number",
                              args->NumAdapters, known);
    else
        status = guest_check_count("NumAdapters", args->NumAdapters, 0, ENUM_ADAPTERS2_MAX);
    if (NT_SUCCESS(status) && args->pAdapters)
        status = enumerate(process, &list, false, &caller->NumAdapters, args->pAdapters);
    release_adapters(&list);
    return status;
}

NTSTATUS guest_enum_adapters3(struct guest_process *process, const D3DKMT_ENUMADAPTERS3 *args,
                              D3DKMT_ENUMADAPTERS3 *caller)
{
    bool compute_only_too = args->Filter.IncludeComputeOnly;
    struct adapter_list list = {NULL, 0};
    NTSTATUS status = list_adapters(process->vm, &list);

    if (!NT_SUCCESS(status))
        return status;
    ULONG known = (ULONG)list.count, needed = 0;
    for (size_t i = 0; i < list.count; i++)
        needed += is_enumerated(list.adapters[i], compute_only_too);
    if (!args->pAdapters || args->NumAdapters == 0) {
        status = GUEST_WRITE(process, caller->NumAdapters, known);
        goto out;
    }
    status = guest_check_count("NumAdapters", args->NumAdapters, 0, ENUM_ADAPTERS3_MAX);
    if (!NT_SUCCESS(status))
        goto out;
    if (args->NumAdapters < needed) {
        status = GUEST_WRITE(process, caller->NumAdapters, known);
        if (NT_SUCCESS(status))
            status = d3dkmti_fail(STATUS_BUFFER_TOO_SMALL, "NumAdapters is %u, but %u are there",
                                  args->NumAdapters, needed);
        goto out;
    }
    status = enumerate(process, &list, compute_only_too, &caller->NumAdapters, args->pAdapters);
out:
    release_adapters(&list);
    return status;
}

NTSTATUS guest_close_adapter(struct guest_process *process, const D3DKMT_CLOSEADAPTER *args,
                             D3DKMT_CLOSEADAPTER *caller)
{
    (void)caller;
    if (args->hAdapter == 0 || close_handle(process, args->hAdapter))
        return STATUS_SUCCESS;
    return d3dkmti_fail(STATUS_INVALID_PARAMETER,
                        "hAdapter 0x%08x is not an open adapter of this process", args->hAdapter);
}
