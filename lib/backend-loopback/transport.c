/* SPDX-License-Identifier: MIT */
#include "backend-loopback/transport.h"

#include "core/guest/memory.h"
#include "core/memory.h"

#include <stdlib.h>
#include <string.h>

#define PAGE_SIZE ((size_t)4096)

/* vGPU channels and PCI functions are numbered by adapter; the global channel is 0. */
static guest_channel channel_of(uint32_t adapter)
{
    return adapter + 1;
}

static uint32_t adapter_of(guest_channel channel)
{
    return channel - 1;
}

/* ---- channels */

static atomic_bool *channel_flag(struct loopback_transport *transport, guest_channel channel)
{
    return channel == GUEST_CHANNEL_GLOBAL ? &transport->global_open
                                           : &transport->vgpu_open[adapter_of(channel)];
}

static NTSTATUS open_channel(void *context, guest_channel channel)
{
    atomic_store(channel_flag(context, channel), true);
    return STATUS_SUCCESS;
}

/* The engine has ended the waits for an adapter that leaves, and has not yet looked at its memory:
 * now is when its fences become all ones. */
static void close_channel(void *context, guest_channel channel)
{
    struct loopback_transport *transport = context;

    atomic_store(channel_flag(context, channel), false);
    if (channel != GUEST_CHANNEL_GLOBAL && atomic_load(&transport->leaving[adapter_of(channel)]))
        (void)host_adapter_lose(transport->host, adapter_of(channel));
}

static int host_channel(guest_channel channel)
{
    return channel == GUEST_CHANNEL_GLOBAL ? HOST_GLOBAL_CHANNEL : (int)adapter_of(channel);
}

static NTSTATUS exchange(void *context, guest_channel channel, const void *message, size_t size,
                         void *reply, size_t capacity, size_t *reply_size)
{
    struct loopback_transport *transport = context;

    if (!atomic_load_explicit(channel_flag(transport, channel), memory_order_relaxed))
        return STATUS_DEVICE_REMOVED;
    size_t exact =
        host_command(transport->guest, host_channel(channel), message, size, true, reply, capacity);
    /* A VMBus packet has whole words of 8 bytes; what is behind the reply is zero. */
    size_t rounded = (exact + 7) & ~(size_t)7;
    if (rounded > capacity)
        rounded = capacity;
    memset((unsigned char *)reply + exact, 0, rounded - exact);
    *reply_size = rounded;
    return STATUS_SUCCESS;
}

static NTSTATUS post(void *context, guest_channel channel, const void *message, size_t size)
{
    struct loopback_transport *transport = context;

    if (!atomic_load_explicit(channel_flag(transport, channel), memory_order_relaxed))
        return STATUS_DEVICE_REMOVED;
    host_command(transport->guest, host_channel(channel), message, size, false, NULL, 0);
    return STATUS_SUCCESS;
}

/* ---- PCI words and IO space */

static NTSTATUS config_read(void *context, guest_pci_function function, unsigned offset,
                            uint32_t *value)
{
    struct loopback_transport *transport = context;

    *value = host_config_read(transport->guest, function, offset);
    return STATUS_SUCCESS;
}

static NTSTATUS config_write(void *context, guest_pci_function function, unsigned offset,
                             uint32_t value)
{
    struct loopback_transport *transport = context;

    host_config_write(transport->guest, function, offset, value);
    return STATUS_SUCCESS;
}

static NTSTATUS reserve_io_space(void *context, uint64_t *start, uint64_t *size)
{
    struct loopback_transport *transport = context;

    *start = LOOPBACK_IO_START;
    *size = host_io_space_size(transport->host);
    return STATUS_SUCCESS;
}

static NTSTATUS map_io(void *context, uint64_t address, size_t size, bool writable, bool cached,
                       void **mapping)
{
    struct loopback_transport *transport = context;

    (void)cached; /* the memory is ordinary memory */
    return loopback_io_map(host_io_space_fd(transport->host), address, size, writable, mapping);
}

/* ---- the caller's memory */

/* A range that the host may reach by page number: numbers are those of virtual pages. */
struct loopback_pin {
    uintptr_t start, end;
    bool writable;
    struct loopback_pin *next;
};

static NTSTATUS pin(void *context, struct guest_pin *wanted)
{
    struct loopback_transport *transport = context;

    if (!d3dkmti_guest_populate(wanted->address, wanted->size, wanted->writable))
        return STATUS_INVALID_PARAMETER;
    struct loopback_pin *made = d3dkmti_malloc(sizeof(*made));
    if (!made)
        return STATUS_NO_MEMORY;
    *made = (struct loopback_pin){
        .start = (uintptr_t)wanted->address,
        .end = (uintptr_t)wanted->address + wanted->size,
        .writable = wanted->writable,
    };
    pthread_mutex_lock(&transport->pin_mutex);
    made->next = transport->pins;
    transport->pins = made;
    pthread_mutex_unlock(&transport->pin_mutex);
    wanted->token = made;
    return STATUS_SUCCESS;
}

static void unpin(void *context, struct guest_pin *wanted)
{
    struct loopback_transport *transport = context;

    pthread_mutex_lock(&transport->pin_mutex);
    struct loopback_pin **link = &transport->pins;
    while (*link != wanted->token)
        link = &(*link)->next;
    *link = (*link)->next;
    pthread_mutex_unlock(&transport->pin_mutex);
    free(wanted->token);
}

static NTSTATUS page_frames(void *context, const struct guest_pin *wanted, uint64_t first_page,
                            uint32_t count, uint64_t *frames)
{
    (void)context;
    for (uint32_t i = 0; i < count; i++)
        frames[i] = (uintptr_t)wanted->address / PAGE_SIZE + first_page + i;
    return STATUS_SUCCESS;
}

static NTSTATUS gpadl_create(void *context, struct guest_pin *wanted, uint32_t *gpadl)
{
    struct loopback_transport *transport = context;
    struct host_memory range = {.pointer = (void *)wanted->address, .size = wanted->size};

    *gpadl = atomic_fetch_add(&transport->next_gpadl, 1);
    return host_gpadl_create(transport->guest, *gpadl, &range, 1, wanted->writable);
}

static void gpadl_teardown(void *context, uint32_t gpadl)
{
    struct loopback_transport *transport = context;

    host_gpadl_teardown(transport->guest, gpadl);
}

const struct transport_ops loopback_transport_ops = {
    .open_channel = open_channel,
    .close_channel = close_channel,
    .exchange = exchange,
    .post = post,
    .config_read = config_read,
    .config_write = config_write,
    .reserve_io_space = reserve_io_space,
    .release_io_space = loopback_io_release,
    .map_io = map_io,
    .unmap_io = loopback_io_unmap,
    .detach_io = d3dkmti_guest_detach_io,
    .pin = pin,
    .unpin = unpin,
    .page_frames = page_frames,
    .gpadl_create = gpadl_create,
    .gpadl_teardown = gpadl_teardown,
};

/* ---- the host's side */

static void receive_message(void *context, const void *bytes, size_t size)
{
    struct loopback_transport *transport = context;

    d3dkmti_guest_vm_host_message(transport->vm, bytes, size);
}

/* Only pages that are pinned right now: a guest that names others gets nothing. */
static void *map_pages(void *context, uint64_t guest_physical, size_t size, bool writable)
{
    struct loopback_transport *transport = context;
    bool allowed = false;

    pthread_mutex_lock(&transport->pin_mutex);
    for (struct loopback_pin *known = transport->pins; known && !allowed; known = known->next)
        allowed = guest_physical >= known->start && guest_physical < known->end &&
                  size <= known->end - guest_physical && (known->writable || !writable);
    pthread_mutex_unlock(&transport->pin_mutex);
    return allowed ? (void *)(uintptr_t)guest_physical : NULL;
}

static void write_log(void *context, enum host_log_level level, const char *text)
{
    static const enum d3dkmt_log_level levels[] = {
        [HOST_LOG_ERROR] = D3DKMT_LOG_ERROR,
        [HOST_LOG_WARNING] = D3DKMT_LOG_WARNING,
        [HOST_LOG_DEBUG] = D3DKMT_LOG_DEBUG,
    };
    struct loopback_transport *transport = context;

    transport->services->log(levels[level], "host", "%s", text);
}

/* ---- open and close */

/*
 * An adapter that the host refuses to start stays away, as with the driver; one for which there was
 * no memory must not be missed without a word: STATUS_NO_MEMORY.
 */
static NTSTATUS let_adapter_arrive(struct loopback_transport *transport, uint32_t adapter)
{
    uint8_t instance[16];
    LUID luid;

    host_vgpu_instance(transport->host, adapter, instance);
    memcpy(&luid, instance, sizeof(luid));
    NTSTATUS status = d3dkmti_guest_vm_channel_offered(transport->vm, channel_of(adapter), luid);
    if (NT_SUCCESS(status))
        status = d3dkmti_guest_vm_pci_added(transport->vm, adapter,
                                            host_adapter_is_compute_only(transport->host, adapter));
    return status == STATUS_NO_MEMORY ? status : STATUS_SUCCESS;
}

static NTSTATUS remove_adapter(struct loopback_transport *transport, uint32_t adapter)
{
    if (!host_adapter_is_present(transport->host, adapter))
        return STATUS_INVALID_PARAMETER;
    atomic_store(&transport->leaving[adapter], true);
    d3dkmti_guest_vm_channel_rescinded(transport->vm, channel_of(adapter));
    d3dkmti_guest_vm_pci_removed(transport->vm, adapter);
    atomic_store(&transport->leaving[adapter], false);
    return host_adapter_remove(transport->host, adapter);
}

NTSTATUS loopback_transport_add(struct loopback_transport *transport,
                                const struct host_adapter_config *config, uint32_t *adapter)
{
    pthread_mutex_lock(&transport->hotplug_mutex);
    NTSTATUS status = host_adapter_add(transport->host, config, adapter);
    if (NT_SUCCESS(status)) {
        status = let_adapter_arrive(transport, *adapter);
        if (!NT_SUCCESS(status))
            (void)remove_adapter(transport, *adapter);
    }
    pthread_mutex_unlock(&transport->hotplug_mutex);
    return status;
}

NTSTATUS loopback_transport_remove(struct loopback_transport *transport, uint32_t adapter)
{
    pthread_mutex_lock(&transport->hotplug_mutex);
    NTSTATUS status = remove_adapter(transport, adapter);
    pthread_mutex_unlock(&transport->hotplug_mutex);
    return status;
}

NTSTATUS loopback_transport_open(struct loopback_transport *transport,
                                 const struct host_config *config,
                                 const struct d3dkmt_backend_services *services)
{
    struct host_guest_link link = {
        .context = transport,
        .message = receive_message,
        .map_pages = map_pages,
        .log = write_log,
    };

    memset(transport, 0, sizeof(*transport));
    transport->services = services;
    atomic_store(&transport->next_gpadl, 1);
    pthread_mutex_init(&transport->pin_mutex, NULL);
    pthread_mutex_init(&transport->hotplug_mutex, NULL);
    NTSTATUS status = d3dkmti_guest_vm_create(&loopback_transport_ops, transport, &transport->vm);
    if (!NT_SUCCESS(status))
        goto destroy_mutex;
    status = host_create(config, &transport->host);
    if (NT_SUCCESS(status))
        status = host_guest_connect(transport->host, &link, &transport->guest);
    if (!NT_SUCCESS(status)) {
        services->fail_with(status,
                            "the simulated host could not be started with the miniport \"%s\"",
                            config->adapters[0].miniport->name);
        goto destroy_vm;
    }
    (void)d3dkmti_guest_vm_global_offered(transport->vm); /* nothing starts yet */
    for (uint32_t i = 0; i < host_adapter_count(transport->host) && NT_SUCCESS(status); i++)
        status = let_adapter_arrive(transport, i);
    if (!NT_SUCCESS(status))
        loopback_transport_close(transport);
    return status;

destroy_vm:
    host_destroy(transport->host);
    d3dkmti_guest_vm_destroy(transport->vm);
destroy_mutex:
    pthread_mutex_destroy(&transport->hotplug_mutex);
    pthread_mutex_destroy(&transport->pin_mutex);
    return status;
}

void loopback_transport_close(struct loopback_transport *transport)
{
    /* The host's threads may deliver messages to the VM until they are gone. */
    d3dkmti_guest_vm_stop(transport->vm);
    host_guest_disconnect(transport->guest);
    host_destroy(transport->host);
    d3dkmti_guest_vm_destroy(transport->vm);
    pthread_mutex_destroy(&transport->hotplug_mutex);
    pthread_mutex_destroy(&transport->pin_mutex);
}
