/* SPDX-License-Identifier: MIT */
#include "backend-vmbus-uio/transport.h"

#include "backend-vmbus-uio/guest_memory.h"
#include "backend-vmbus-uio/unit.h"
#include "core/guest/memory.h"
#include "core/last_error.h"
#include "core/log.h"
#include "core/memory.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

/* ---- channels */

static void receive_message(void *context, const void *bytes, size_t size)
{
    struct vmbus_transport *transport = context;

    d3dkmti_guest_vm_host_message(transport->vm, bytes, size);
}

static NTSTATUS open_channel(void *context, guest_channel number)
{
    struct vmbus_transport *transport = context;
    struct vmbus_unit *unit = vmbus_unit_find(transport, number);
    struct vmbus_channel_owner owner = {
        .context = transport,
        .message = number == GUEST_CHANNEL_GLOBAL ? receive_message : NULL,
        .attend = vmbus_watch_attend,
    };

    if (!unit || !unit->present)
        return STATUS_DEVICE_REMOVED;
    NTSTATUS status = vmbus_channel_open(&unit->channel, transport->options.root, &unit->device,
                                         transport->options.spin_us * 1000, &owner);
    if (!NT_SUCCESS(status))
        return status;
    status = vmbus_watch_add(transport, unit);
    if (!NT_SUCCESS(status)) {
        vmbus_channel_close(&unit->channel);
        return status;
    }
    /* What the host sent while the channel opened may have come without an interrupt. */
    (void)vmbus_channel_serve(&unit->channel);
    return STATUS_SUCCESS;
}

static void close_channel(void *context, guest_channel number)
{
    struct vmbus_unit *unit = vmbus_unit_find(context, number);

    if (unit)
        vmbus_channel_close(&unit->channel);
}

static NTSTATUS exchange(void *context, guest_channel number, const void *message, size_t size,
                         void *reply, size_t capacity, size_t *reply_size)
{
    struct vmbus_unit *unit = vmbus_unit_find(context, number);

    return unit ? vmbus_channel_exchange(&unit->channel, message, size, reply, capacity, reply_size)
                : STATUS_DEVICE_REMOVED;
}

static NTSTATUS post(void *context, guest_channel number, const void *message, size_t size)
{
    struct vmbus_unit *unit = vmbus_unit_find(context, number);

    return unit ? vmbus_channel_post(&unit->channel, message, size) : STATUS_DEVICE_REMOVED;
}

static size_t message_limit(void *context, guest_channel number)
{
    struct vmbus_unit *unit = vmbus_unit_find(context, number);

    return unit ? vmbus_channel_largest(&unit->channel) : SIZE_MAX;
}

/* ---- PCI words */

static NTSTATUS config_read(void *context, guest_pci_function number, unsigned offset,
                            uint32_t *value)
{
    struct vmbus_transport *transport = context;
    struct vmbus_unit *unit = vmbus_unit_find(transport, number);

    if (!unit)
        return STATUS_DEVICE_REMOVED;
    NTSTATUS status = vmbus_pci_read(transport->options.root, unit->function.name, offset, value);
    if (!NT_SUCCESS(status))
        d3dkmti_log(D3DKMT_LOG_ERROR, "vmbus-uio", "%s", d3dkmti_fail_reason());
    return status;
}

static NTSTATUS config_write(void *context, guest_pci_function number, unsigned offset,
                             uint32_t value)
{
    struct vmbus_transport *transport = context;
    struct vmbus_unit *unit = vmbus_unit_find(transport, number);

    if (!unit)
        return STATUS_DEVICE_REMOVED;
    NTSTATUS status = vmbus_pci_write(transport->options.root, unit->function.name, offset, value);
    if (!NT_SUCCESS(status)) /* without it the host does not know what this guest speaks */
        d3dkmti_log(D3DKMT_LOG_ERROR, "vmbus-uio", "%s", d3dkmti_fail_reason());
    return status;
}

/* ---- IO space */

static NTSTATUS reserve_io_space(void *context, uint64_t *start, uint64_t *size)
{
    struct vmbus_transport *transport = context;

    *start = transport->options.mmio.start;
    *size = transport->options.mmio.size;
    return vmbus_io_space_open(&transport->io_space, transport->options.root,
                               &transport->options.mmio);
}

static void release_io_space(void *context)
{
    struct vmbus_transport *transport = context;

    vmbus_io_space_close(&transport->io_space);
}

static NTSTATUS map_io(void *context, uint64_t address, size_t size, bool writable, bool cached,
                       void **mapping)
{
    struct vmbus_transport *transport = context;

    (void)cached; /* /dev/mem gives write-back, and all mappings of a range have to agree */
    return vmbus_io_space_map(&transport->io_space, address, size, writable, mapping);
}

static void unmap_io(void *context, void *mapping, size_t size)
{
    (void)context;
    munmap(mapping, size);
}

/* ---- the caller's memory */

static NTSTATUS pin(void *context, struct guest_pin *wanted)
{
    struct vmbus_transport *transport = context;

    return vmbus_guest_memory_pin(transport->options.root, wanted);
}

static void unpin(void *context, struct guest_pin *wanted)
{
    (void)context;
    vmbus_guest_memory_unpin(wanted);
}

static NTSTATUS page_frames(void *context, const struct guest_pin *wanted, uint64_t first_page,
                            uint32_t count, uint64_t *frames)
{
    struct vmbus_transport *transport = context;

    return vmbus_guest_memory_frames(transport->options.root, wanted, first_page, count, frames);
}

/* No GPADL: the kernel's driver makes them for its rings alone. */
static const struct transport_ops vmbus_transport_ops = {
    .open_channel = open_channel,
    .close_channel = close_channel,
    .exchange = exchange,
    .post = post,
    .message_limit = message_limit,
    .config_read = config_read,
    .config_write = config_write,
    .reserve_io_space = reserve_io_space,
    .release_io_space = release_io_space,
    .map_io = map_io,
    .unmap_io = unmap_io,
    .detach_io = d3dkmti_guest_detach_io,
    .pin = pin,
    .unpin = unpin,
    .page_frames = page_frames,
};

/* ---- open and close */

static void free_transport(struct vmbus_transport *transport)
{
    if (transport->vm)
        d3dkmti_guest_vm_destroy(transport->vm);
    vmbus_io_space_close(&transport->io_space);
    for (int i = 0; i < VMBUS_UNITS; i++)
        vmbus_channel_destroy(&transport->units[i].channel);
    if (transport->attention >= 0)
        close(transport->attention);
    if (transport->epoll >= 0)
        close(transport->epoll);
    free(transport);
}

static NTSTATUS make_watch(struct vmbus_transport *transport)
{
    struct epoll_event event = {.events = EPOLLIN, .data.u32 = VMBUS_UNITS};

    transport->epoll = epoll_create1(EPOLL_CLOEXEC);
    transport->attention = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (transport->epoll >= 0 && transport->attention >= 0 &&
        epoll_ctl(transport->epoll, EPOLL_CTL_ADD, transport->attention, &event) == 0)
        return STATUS_SUCCESS;
    return d3dkmti_fail(STATUS_NO_MEMORY, "no descriptors for interrupts: %s", strerror(errno));
}

static struct vmbus_transport *make(const struct vmbus_options *options)
{
    struct vmbus_transport *transport = d3dkmti_calloc(1, sizeof(*transport));

    if (!transport)
        return NULL;
    transport->options = *options;
    transport->epoll = transport->attention = -1;
    transport->io_space.memory = (struct vmbus_node){.file = -1, .files = {-1, -1}};
    for (int i = 0; i < VMBUS_UNITS; i++)
        vmbus_channel_init(&transport->units[i].channel);
    return transport;
}

/* An adapter that the host refuses stays away, as with the driver; none at all is a failure. */
static bool is_open(const struct vmbus_transport *transport)
{
    return transport->units[0].channel.node.file >= 0;
}

NTSTATUS vmbus_transport_open(const struct vmbus_options *options, struct vmbus_transport **result)
{
    struct vmbus_transport *transport = make(options);

    if (!transport)
        return d3dkmti_fail(STATUS_NO_MEMORY, "no memory for the transport");
    NTSTATUS status = make_watch(transport);
    if (NT_SUCCESS(status))
        status = d3dkmti_guest_vm_create(&vmbus_transport_ops, transport, &transport->vm);
    if (!NT_SUCCESS(status)) {
        free_transport(transport);
        return status;
    }
    status = vmbus_units_scan(transport);
    if (is_open(transport) && !NT_SUCCESS(status)) /* of several, one may have started */
        d3dkmti_log(D3DKMT_LOG_WARNING, "vmbus-uio", "%s", d3dkmti_fail_reason());
    if (is_open(transport) && status != STATUS_NO_MEMORY)
        status = vmbus_watch_start(transport);
    else if (NT_SUCCESS(status))
        status = d3dkmti_fail(STATUS_DEVICE_REMOVED, "no adapter has started");
    if (!NT_SUCCESS(status)) {
        d3dkmti_undo_begin();
        vmbus_transport_close(transport);
        d3dkmti_undo_end();
        return status;
    }
    *result = transport;
    return STATUS_SUCCESS;
}

struct guest_vm *vmbus_transport_vm(struct vmbus_transport *transport)
{
    return transport->vm;
}

void vmbus_transport_close(struct vmbus_transport *transport)
{
    vmbus_watch_stop(transport);
    d3dkmti_guest_vm_stop(transport->vm);
    for (int i = 0; i < VMBUS_UNITS; i++)
        vmbus_channel_close(&transport->units[i].channel);
    free_transport(transport);
}

/* The parent's threads are not here, and its locks may be held: nothing is freed. */
void vmbus_transport_after_fork(struct vmbus_transport *transport)
{
    for (int i = 0; i < VMBUS_UNITS; i++)
        vmbus_channel_after_fork(&transport->units[i].channel);
    vmbus_io_space_close(&transport->io_space);
    close(transport->attention);
    close(transport->epoll);
}
