/* SPDX-License-Identifier: MIT */
/* Arrivals and departures: from PCI functions and channel offers to adapters that admit calls. */
#include "core/guest/vm.h"

#include "core/guest/message.h"
#include "core/guest/process.h"
#include "core/guest/sharing.h"
#include "core/last_error.h"
#include "core/log.h"
#include "core/memory.h"
#include "core/wire/host_message.h"

#include <stdlib.h>
#include <string.h>

/* Words of a vGPU's PCI configuration space. */
enum {
    CONFIG_CHANNEL_GUID = 0xc0,
    CONFIG_VERSION = 0xd0,
    CONFIG_GUEST_CAPS = 0xd4, /* written */
    CONFIG_VGPU_LUID = 0xd4,  /* read */
    CONFIG_HOST_CAPS = 0xdc,
    GUEST_CAPS_WSL2 = 1,
    HOST_CAPS_MAP_PAGE_LISTS = 1,
};

/* ---- the VM */

NTSTATUS d3dkmti_guest_vm_create(const struct transport_ops *ops, void *transport,
                                 struct guest_vm **vm)
{
    struct guest_vm *created = d3dkmti_calloc(1, sizeof(*created));

    if (!created)
        return d3dkmti_fail(STATUS_NO_MEMORY, "no memory for the guest engine");
    created->ops = ops;
    created->transport = transport;
    created->interface_version = WIRE_VERSION_OLD;
    pthread_mutex_init(&created->mutex, NULL);
    pthread_mutex_init(&created->buffer_mutex, NULL);
    guest_events_init(&created->events);
    /* Cookies are numbers, not addresses: the host has no business with our memory. */
    created->device_state_cookie = 1;
    atomic_store(&created->next_cookie, 2);
    *vm = created;
    return STATUS_SUCCESS;
}

static void free_adapter(struct reference *reference)
{
    free((struct guest_adapter *)reference);
}

/* In this order: no new calls, no waiting ones, no exchanges. True when devices remain to be
 * stopped, which is last: calls could hold them. */
static bool begin_stop(struct guest_adapter *adapter)
{
    bool was_active = adapter->state == GUEST_ADAPTER_ACTIVE;

    adapter->state = GUEST_ADAPTER_STOPPED;
    guest_events_cancel(&adapter->vm->events, adapter, STATUS_DEVICE_REMOVED, false);
    if (adapter->channel_open)
        adapter->vm->ops->close_channel(adapter->vm->transport, adapter->channel);
    adapter->channel_open = false;
    return was_active;
}

static void stop(struct guest_adapter *adapter)
{
    if (begin_stop(adapter))
        guest_adapter_stop_devices(adapter);
}

void d3dkmti_guest_vm_stop(struct guest_vm *vm)
{
    pthread_mutex_lock(&vm->mutex);
    while (vm->adapters) {
        struct guest_adapter *adapter = vm->adapters;

        if (adapter->state == GUEST_ADAPTER_ACTIVE)
            guest_adapter_send_close(adapter);
        stop(adapter);
        vm->adapters = adapter->next;
        reference_release(&adapter->reference);
    }
    pthread_mutex_unlock(&vm->mutex);
    guest_descriptors_stop(vm);
    d3dkmti_guest_vm_global_rescinded(vm);
}

void d3dkmti_guest_vm_destroy(struct guest_vm *vm)
{
    guest_buffers_free(vm);
    guest_events_destroy(&vm->events);
    pthread_mutex_destroy(&vm->buffer_mutex);
    pthread_mutex_destroy(&vm->mutex);
    free(vm);
}

struct guest_adapter *guest_vm_find_adapter(struct guest_vm *vm, LUID luid)
{
    struct guest_adapter *adapter;

    pthread_mutex_lock(&vm->mutex);
    for (adapter = vm->adapters; adapter; adapter = adapter->next) {
        if (adapter->luid.LowPart == luid.LowPart && adapter->luid.HighPart == luid.HighPart) {
            reference_acquire(&adapter->reference);
            break;
        }
    }
    pthread_mutex_unlock(&vm->mutex);
    return adapter;
}

size_t guest_vm_list_adapters(struct guest_vm *vm, struct guest_adapter **adapters, size_t capacity)
{
    size_t count = 0;

    pthread_mutex_lock(&vm->mutex);
    for (struct guest_adapter *adapter = vm->adapters; adapter; adapter = adapter->next) {
        /* Only a vGPU whose PCI function was seen is known; a lone channel is not. */
        if (!adapter->has_pci_function)
            continue;
        if (count < capacity) {
            reference_acquire(&adapter->reference);
            adapters[count] = adapter;
        }
        count++;
    }
    pthread_mutex_unlock(&vm->mutex);
    return count;
}

/* ---- version and PCI words */

static uint32_t config_read_or(struct guest_vm *vm, guest_pci_function function, unsigned offset,
                               uint32_t fallback)
{
    uint32_t value;

    return NT_SUCCESS(vm->ops->config_read(vm->transport, function, offset, &value)) ? value
                                                                                     : fallback;
}

/* Once per VM, on its first PCI function: agree on a version, learn what the host can do. */
static void negotiate_version(struct guest_vm *vm, guest_pci_function function)
{
    vm->ops->config_write(vm->transport, function, CONFIG_GUEST_CAPS, GUEST_CAPS_WSL2);
    uint32_t offered = config_read_or(vm, function, CONFIG_VERSION, 0);

    if (offered == 0)
        offered = WIRE_VERSION_OLD;
    if (offered >= WIRE_VERSION) {
        offered = WIRE_VERSION;
        vm->ops->config_write(vm->transport, function, CONFIG_VERSION, offered);
        vm->host_maps_page_lists =
            config_read_or(vm, function, CONFIG_HOST_CAPS, 0) & HOST_CAPS_MAP_PAGE_LISTS;
    }
    vm->interface_version = offered;
    vm->version_is_known = true;
}

static LUID read_luid(struct guest_vm *vm, guest_pci_function function, unsigned offset)
{
    LUID luid;

    luid.LowPart = config_read_or(vm, function, offset, 0);
    luid.HighPart = (LONG)config_read_or(vm, function, offset + 4, 0);
    return luid;
}

/* ---- start */

static NTSTATUS announce_io_space(struct guest_vm *vm)
{
    struct guest_message message;
    struct wire_setiospaceregion *command =
        guest_message_begin(&message, vm, NULL, 0, WIRE_GLOBAL_SETIOSPACEREGION, 0);

    if (!command)
        return STATUS_NO_MEMORY;
    command->start = vm->io_start;
    command->length = vm->io_size;
    return guest_message_finish(&message);
}

/* The global channel opens with the first adapter; if the host refuses it stays closed. */
static NTSTATUS open_global_channel(struct guest_vm *vm)
{
    NTSTATUS status = vm->ops->open_channel(vm->transport, GUEST_CHANNEL_GLOBAL);

    if (!NT_SUCCESS(status))
        return status;
    status = vm->ops->reserve_io_space(vm->transport, &vm->io_start, &vm->io_size);
    if (!NT_SUCCESS(status))
        goto close_channel;
    status = announce_io_space(vm);
    if (!NT_SUCCESS(status))
        goto release_io_space;
    vm->global = GUEST_GLOBAL_OPEN;
    return STATUS_SUCCESS;

release_io_space:
    vm->ops->release_io_space(vm->transport);
close_channel:
    vm->ops->close_channel(vm->transport, GUEST_CHANNEL_GLOBAL);
    return status;
}

/* Starts whatever has become complete; under the VM's mutex. The last failure, or success. */
static NTSTATUS start_what_is_complete(struct guest_vm *vm)
{
    NTSTATUS status = STATUS_SUCCESS;

    for (struct guest_adapter *adapter = vm->adapters; adapter; adapter = adapter->next) {
        if (adapter->state != GUEST_ADAPTER_WAITING || !adapter->has_pci_function ||
            !adapter->has_channel || vm->global == GUEST_GLOBAL_ABSENT)
            continue;
        NTSTATUS opened =
            vm->global == GUEST_GLOBAL_OPEN ? STATUS_SUCCESS : open_global_channel(vm);
        if (!NT_SUCCESS(opened)) {
            d3dkmti_log(D3DKMT_LOG_ERROR, "guest", "the global channel could not be opened");
            vm->global =
                GUEST_GLOBAL_ABSENT; /* as a host refused it: only a new offer changes it */
            return opened;
        }
        NTSTATUS started = guest_adapter_start(adapter);
        if (!NT_SUCCESS(started)) {
            /* The channel stays open until the adapter goes, as the host knows it from the driver.
             */
            adapter->state = GUEST_ADAPTER_STOPPED;
            d3dkmti_log(D3DKMT_LOG_ERROR, "guest", "adapter %x:%x did not start: %s",
                        (unsigned)adapter->luid.HighPart, (unsigned)adapter->luid.LowPart,
                        d3dkmt_status_name(started));
            status = started;
        }
    }
    return status;
}

/* The adapter of this LUID that still lacks something, else a new one at the end of the list. */
static struct guest_adapter *find_or_add(struct guest_vm *vm, LUID luid, bool for_channel)
{
    struct guest_adapter **link = &vm->adapters;

    for (; *link; link = &(*link)->next) {
        struct guest_adapter *adapter = *link;
        bool lacks = for_channel ? !adapter->has_channel : !adapter->has_pci_function;

        if (adapter->state == GUEST_ADAPTER_WAITING && lacks &&
            adapter->luid.LowPart == luid.LowPart && adapter->luid.HighPart == luid.HighPart)
            return adapter;
    }
    struct guest_adapter *adapter = d3dkmti_calloc(1, sizeof(*adapter));
    if (!adapter)
        return NULL;
    reference_init(&adapter->reference, free_adapter);
    adapter->vm = vm;
    adapter->luid = luid;
    adapter->state = GUEST_ADAPTER_WAITING;
    *link = adapter;
    return adapter;
}

NTSTATUS d3dkmti_guest_vm_global_offered(struct guest_vm *vm)
{
    pthread_mutex_lock(&vm->mutex);
    if (vm->global == GUEST_GLOBAL_ABSENT)
        vm->global = GUEST_GLOBAL_OFFERED;
    NTSTATUS status = start_what_is_complete(vm);
    pthread_mutex_unlock(&vm->mutex);
    return status;
}

static NTSTATUS no_memory_for_adapter(void)
{
    return d3dkmti_fail(STATUS_NO_MEMORY, "no memory for an adapter that arrives");
}

NTSTATUS d3dkmti_guest_vm_pci_added(struct guest_vm *vm, guest_pci_function function,
                                    bool compute_only)
{
    NTSTATUS status;

    pthread_mutex_lock(&vm->mutex);
    if (!vm->version_is_known)
        negotiate_version(vm, function);
    struct guest_adapter *adapter =
        find_or_add(vm, read_luid(vm, function, CONFIG_CHANNEL_GUID), false);
    if (adapter) {
        adapter->has_pci_function = true;
        adapter->pci_function = function;
        adapter->compute_only = compute_only;
        if (vm->interface_version >= WIRE_VERSION)
            adapter->host_vgpu_luid = read_luid(vm, function, CONFIG_VGPU_LUID);
        status = start_what_is_complete(vm);
    } else {
        status = no_memory_for_adapter();
    }
    pthread_mutex_unlock(&vm->mutex);
    return status;
}

NTSTATUS d3dkmti_guest_vm_channel_offered(struct guest_vm *vm, guest_channel channel, LUID luid)
{
    NTSTATUS status;

    pthread_mutex_lock(&vm->mutex);
    struct guest_adapter *adapter = find_or_add(vm, luid, true);
    if (adapter) {
        adapter->has_channel = true;
        adapter->channel = channel;
        status = start_what_is_complete(vm);
    } else {
        status = no_memory_for_adapter();
    }
    pthread_mutex_unlock(&vm->mutex);
    return status;
}

/* ---- departure */

/* The function is gone: the host is told, and the adapter is not known any more. */
void d3dkmti_guest_vm_pci_removed(struct guest_vm *vm, guest_pci_function function)
{
    pthread_mutex_lock(&vm->mutex);
    for (struct guest_adapter **link = &vm->adapters; *link; link = &(*link)->next) {
        struct guest_adapter *adapter = *link;

        if (!adapter->has_pci_function || adapter->pci_function != function)
            continue;
        if (adapter->state == GUEST_ADAPTER_ACTIVE)
            guest_adapter_send_close(adapter);
        stop(adapter);
        *link = adapter->next;
        reference_release(&adapter->reference);
        break;
    }
    pthread_mutex_unlock(&vm->mutex);
}

/* Begins to stop all of the channel. An adapter, referenced, whose devices remain; NULL: no more.
 */
static struct guest_adapter *begin_stop_of_channel(struct guest_vm *vm, guest_channel channel)
{
    struct guest_adapter *adapter;

    pthread_mutex_lock(&vm->mutex);
    for (adapter = vm->adapters; adapter; adapter = adapter->next) {
        if (adapter->has_channel && adapter->channel == channel && begin_stop(adapter)) {
            reference_acquire(&adapter->reference);
            break;
        }
    }
    pthread_mutex_unlock(&vm->mutex);
    return adapter;
}

void d3dkmti_guest_vm_channel_rescinded(struct guest_vm *vm, guest_channel channel)
{
    struct guest_adapter *adapter;

    while ((adapter = begin_stop_of_channel(vm, channel)) != NULL) {
        /* Without the mutex: calls about other adapters go on meanwhile. */
        if (vm->ops->await_closed)
            vm->ops->await_closed(vm->transport, channel);
        pthread_mutex_lock(&vm->mutex);
        guest_adapter_stop_devices(adapter);
        pthread_mutex_unlock(&vm->mutex);
        reference_release(&adapter->reference);
    }
}

void d3dkmti_guest_vm_global_rescinded(struct guest_vm *vm)
{
    pthread_mutex_lock(&vm->mutex);
    bool was_open = vm->global == GUEST_GLOBAL_OPEN;
    /* Signals come over this channel: those that wait for one would wait for ever. */
    vm->global = GUEST_GLOBAL_ABSENT;
    /* The next one may be another host's, or the same one's after it has forgotten this guest. */
    vm->version_is_known = false;
    for (struct guest_adapter *adapter = vm->adapters; adapter; adapter = adapter->next)
        guest_events_cancel(&vm->events, adapter, STATUS_DEVICE_REMOVED, false);
    if (was_open) {
        vm->ops->release_io_space(vm->transport);
        vm->ops->close_channel(vm->transport, GUEST_CHANNEL_GLOBAL);
    }
    pthread_mutex_unlock(&vm->mutex);
}

/* ---- messages of the host */

void d3dkmti_guest_vm_host_message(struct guest_vm *vm, const void *bytes, size_t size)
{
    _Alignas(8) unsigned char copy[WIRE_HOST_MESSAGE_SIZE];
    struct wire_host_message message;
    size_t copied = size < sizeof(copy) ? size : sizeof(copy);

    memcpy(copy, bytes, copied);
    enum wire_error error = wire_host_message_decode(copy, copied, &message);
    if (error == WIRE_ERROR_UNKNOWN_LAYOUT)
        return; /* notifications that a Linux guest has no use for */
    if (error != WIRE_OK) {
        d3dkmti_log(D3DKMT_LOG_WARNING, "guest", "a message of the host is malformed: %s",
                    wire_error_text(error));
        return;
    }
    if (message.number == WIRE_HOST_SETGUESTDATA) {
        if ((message.data->bits & WIRE_GUEST_DATA_DATA_TYPE) == 0 &&
            message.data->guest_pointer == vm->device_state_cookie && message.data->data32 != 0)
            atomic_fetch_add(&vm->device_state_counter, 1);
    } else {
        guest_event_signal(&vm->events, message.signal->event);
    }
}

/* ---- IO space */

NTSTATUS guest_vm_map_io(struct guest_vm *vm, uint64_t address, uint64_t size, bool writable,
                         bool cached, void **mapping)
{
    /* As the driver: a mapping may not even touch the end of the region. */
    bool inside = size > 0 && size <= vm->io_size && address >= vm->io_start &&
                  address - vm->io_start < vm->io_size - size;

    if (!inside)
        return d3dkmti_fail(STATUS_NO_MEMORY,
                            "the host named %llu bytes at 0x%llx, outside of the IO space",
                            (unsigned long long)size, (unsigned long long)address);
    NTSTATUS status =
        vm->ops->map_io(vm->transport, address & ~(uint64_t)4095, size, writable, cached, mapping);
    if (!NT_SUCCESS(status))
        return d3dkmti_fail(STATUS_NO_MEMORY, "%llu bytes of the IO space could not be mapped",
                            (unsigned long long)size);
    return STATUS_SUCCESS;
}

void guest_vm_unmap_io(struct guest_vm *vm, void *mapping, uint64_t size)
{
    if (mapping)
        vm->ops->unmap_io(vm->transport, mapping, size);
}

void guest_vm_detach_io(struct guest_vm *vm, void *mapping, uint64_t size, bool writable)
{
    if (mapping && vm->ops->detach_io)
        vm->ops->detach_io(vm->transport, mapping, size, writable);
}
