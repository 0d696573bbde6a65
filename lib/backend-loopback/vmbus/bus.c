/* SPDX-License-Identifier: MIT */
/* The bus: guests open nodes, ask for configuration words, and devices come and go. */
#include "backend-loopback/vmbus/parts.h"

#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

enum { FIRST_RELID = 1, CONFIG_SIZE = 256 };

void bus_log(struct bus *bus, enum host_log_level level, const char *format, ...)
{
    char text[256];
    va_list arguments;

    if (!bus->config.log)
        return;
    va_start(arguments, format);
    vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    bus->config.log(bus->config.log_context, level, text);
}

/* ---- the guest: there is one from its first question until all of its channels are closed */

static void write_log(void *context, enum host_log_level level, const char *text)
{
    bus_log(context, level, "%s", text);
}

/* Before the global channel is open, and after, the host's messages go nowhere. */
static void send_message(void *context, const void *bytes, size_t size)
{
    struct bus *bus = context;

    pthread_mutex_lock(&bus->mutex);
    if (bus->global && !bus->losing)
        bus_channel_message(bus->global, bytes, size);
    pthread_mutex_unlock(&bus->mutex);
}

static bool have_guest(struct bus *bus)
{
    const struct host_guest_link link = {.context = bus, .message = send_message, .log = write_log};

    return bus->guest || NT_SUCCESS(host_guest_connect(bus->host, &link, &bus->guest));
}

static void end_guest_if_closed(struct bus *bus)
{
    for (unsigned i = 0; i < BUS_DEVICES; i++)
        if (bus->devices[i].channel)
            return;
    host_guest_disconnect(bus->guest);
    bus->guest = NULL;
}

/* ---- devices */

static void set_global(struct bus *bus, struct bus_channel *channel)
{
    pthread_mutex_lock(&bus->mutex);
    bus->global = channel;
    pthread_mutex_unlock(&bus->mutex);
}

/* The guest has let go of a device that was rescinded: its adapter's memory may go. */
static void release(struct bus_device *device)
{
    if (device->leaving && device->number > 0)
        (void)host_adapter_remove(device->bus->host, device->number - 1);
    device->leaving = false;
}

static void close_device(struct bus_device *device)
{
    struct bus *bus = device->bus;

    if (device->number == 0)
        set_global(bus, NULL);
    bus_channel_close(device->channel);
    device->channel = NULL;
    release(device);
    end_guest_if_closed(bus);
}

/* What a guest has closed is closed before anything that it asks for afterwards is looked at. */
static void close_what_has_ended(struct bus *bus)
{
    for (unsigned i = 0; i < BUS_DEVICES; i++) {
        struct bus_device *device = &bus->devices[i];

        if (device->channel && bus_channel_has_ended(device->channel))
            close_device(device);
    }
}

static bool offer(struct bus *bus, unsigned number)
{
    struct bus_device *device = &bus->devices[number];

    device->relid = ++bus->last_relid;
    device->offered = bus_tree_add(bus, device);
    if (!device->offered)
        bus_tree_remove(bus, device);
    return device->offered;
}

static void set_losing(struct bus *bus, bool losing)
{
    pthread_mutex_lock(&bus->mutex);
    bus->losing = losing;
    pthread_mutex_unlock(&bus->mutex);
}

static void rescind(struct bus_device *device)
{
    struct bus *bus = device->bus;

    device->offered = false;
    device->leaving = true;
    bus_tree_remove(bus, device);
    set_losing(bus, true);
    if (device->number > 0)
        (void)host_adapter_lose(bus->host, device->number - 1);
    if (device->channel)
        bus_channel_rescind(device->channel);
    else
        release(device);
    set_losing(bus, false);
}

static void accept_device(struct bus_device *device)
{
    struct bus *bus = device->bus;
    int accepted = accept4(device->node, NULL, NULL, SOCK_CLOEXEC);

    if (accepted < 0)
        return;
    close_what_has_ended(bus);
    int error = device->channel ? EBUSY : have_guest(bus) ? 0 : ENOMEM;
    if (error) {
        const struct bus_greeting greeting = {.kind = BUS_NODE_DEVICE, .error = error};

        (void)bus_greet(accepted, &greeting);
        close(accepted);
        return;
    }
    device->channel = bus_channel_open(device, accepted);
    if (!device->channel) {
        bus_log(bus, HOST_LOG_ERROR, "device %u: no resources to open it", device->number);
        end_guest_if_closed(bus);
    } else if (device->number == 0) {
        set_global(bus, device->channel);
    }
}

static void accept_memory(struct bus *bus)
{
    int file = host_io_space_fd(bus->host);
    const struct bus_greeting greeting = {
        .kind = BUS_NODE_MEMORY,
        .base = BUS_IO_START,
        .size = host_io_space_size(bus->host),
        .files = &file,
        .file_count = 1,
    };
    int accepted = accept4(bus->memory, NULL, NULL, SOCK_CLOEXEC);

    if (accepted < 0)
        return;
    (void)bus_greet(accepted, &greeting);
    close(accepted);
}

/* ---- configuration words */

struct config_request {
    uint32_t offset, write, value, error;
};

static void serve_config(struct bus *bus, struct bus_connection *connection)
{
    struct config_request request;
    uint32_t adapter = connection->device->number - 1;
    ssize_t size = recv(connection->socket, &request, sizeof(request), MSG_DONTWAIT);

    close_what_has_ended(bus);
    if (size != sizeof(request)) {
        close(connection->socket);
        connection->socket = -1;
        return;
    }
    bool valid = request.offset % 4 == 0 && request.offset < CONFIG_SIZE;
    request.error = !valid                         ? EINVAL
                    : !connection->device->offered ? ENODEV
                    : have_guest(bus)              ? 0
                                                   : ENOMEM;
    if (!request.error && request.write)
        host_config_write(bus->guest, adapter, request.offset, request.value);
    else if (!request.error)
        request.value = host_config_read(bus->guest, adapter, request.offset);
    (void)send(connection->socket, &request, sizeof(request), MSG_NOSIGNAL | MSG_DONTWAIT);
}

/* ---- steering */

struct order {
    const char *name;
    /* NULL when done, else why not. */
    const char *(*carry_out)(struct bus_device *device);
};

static const char *order_rescind(struct bus_device *device)
{
    if (!device->offered)
        return "it is not offered";
    rescind(device);
    return NULL;
}

static const char *order_offer(struct bus_device *device)
{
    struct bus *bus = device->bus;
    uint32_t adapter;

    if (device->offered)
        return "it is offered already";
    if (device->leaving)
        return "the guest has not let go of it yet";
    if (device->number > 0 &&
        (!NT_SUCCESS(host_adapter_add(bus->host, &bus->config.host.adapters[device->number - 1],
                                      &adapter)) ||
         adapter != device->number - 1))
        return "the host cannot have the adapter";
    return offer(bus, device->number) ? NULL : strerror(errno);
}

static const char *order_pause(struct bus_device *device)
{
    if (!device->channel)
        return "no guest has it open";
    bus_channel_pause(device->channel, true);
    return NULL;
}

static const char *order_resume(struct bus_device *device)
{
    if (!device->channel)
        return "no guest has it open";
    bus_channel_pause(device->channel, false);
    return NULL;
}

static const char *obey(struct bus *bus, const char *text)
{
    static const struct order orders[] = {
        {"rescind", order_rescind},
        {"offer", order_offer},
        {"pause", order_pause},
        {"resume", order_resume},
    };
    char name[16];
    unsigned number;

    close_what_has_ended(bus);
    if (sscanf(text, "%15s %u", name, &number) != 2 || number > bus->config.host.adapter_count)
        return "an order is rescind, offer, pause or resume, and a device's number";
    for (size_t i = 0; i < sizeof(orders) / sizeof(orders[0]); i++)
        if (strcmp(orders[i].name, name) == 0)
            return orders[i].carry_out(&bus->devices[number]);
    return "there is no such order";
}

static void serve_control(struct bus *bus, struct bus_connection *connection)
{
    char text[64];
    ssize_t size = recv(connection->socket, text, sizeof(text) - 1, MSG_DONTWAIT);

    if (size <= 0) {
        close(connection->socket);
        connection->socket = -1;
        return;
    }
    text[size] = '\0';
    const char *wrong = obey(bus, text);
    (void)send(connection->socket, wrong ? wrong : "done", strlen(wrong ? wrong : "done"),
               MSG_NOSIGNAL | MSG_DONTWAIT);
}

/* ---- the loop */

/* A connection that asks; device NULL: one that steers. */
static void accept_connection(struct bus *bus, int listener, struct bus_device *device)
{
    const struct bus_greeting greeting = {.kind = BUS_NODE_CONFIG};
    int accepted = accept4(listener, NULL, NULL, SOCK_CLOEXEC);

    if (accepted < 0)
        return;
    for (unsigned i = 0; i < BUS_CONNECTIONS; i++) {
        if (bus->connections[i].socket >= 0)
            continue;
        if (device && !bus_greet(accepted, &greeting))
            break;
        bus->connections[i] = (struct bus_connection){accepted, device};
        return;
    }
    close(accepted);
}

enum {
    STOP,
    WAKE,
    CONTROL,
    MEMORY,
    NODES,
    CONFIGS = NODES + BUS_DEVICES,
    CONNECTIONS = CONFIGS + BUS_DEVICES,
    POLLED = CONNECTIONS + BUS_CONNECTIONS
};

static void prepare(struct bus *bus, int stop, struct pollfd polled[POLLED])
{
    polled[STOP].fd = stop;
    polled[WAKE].fd = bus->wake;
    polled[CONTROL].fd = bus->control;
    polled[MEMORY].fd = bus->memory;
    for (unsigned i = 0; i < BUS_DEVICES; i++) {
        polled[NODES + i].fd = bus->devices[i].node;
        polled[CONFIGS + i].fd = bus->devices[i].config;
    }
    for (unsigned i = 0; i < BUS_CONNECTIONS; i++)
        polled[CONNECTIONS + i].fd = bus->connections[i].socket;
    for (unsigned i = 0; i < POLLED; i++) {
        polled[i].events = POLLIN;
        polled[i].revents = 0;
    }
}

static void serve(struct bus *bus, const struct pollfd polled[POLLED])
{
    uint64_t count;

    if (polled[WAKE].revents)
        (void)!read(bus->wake, &count, sizeof(count));
    close_what_has_ended(bus);
    if (polled[CONTROL].revents)
        accept_connection(bus, bus->control, NULL);
    if (polled[MEMORY].revents)
        accept_memory(bus);
    for (unsigned i = 0; i < BUS_DEVICES; i++) {
        struct bus_device *device = &bus->devices[i];

        if (polled[NODES + i].revents && device->node == polled[NODES + i].fd)
            accept_device(device);
        if (polled[CONFIGS + i].revents && device->config == polled[CONFIGS + i].fd)
            accept_connection(bus, device->config, device);
    }
    for (unsigned i = 0; i < BUS_CONNECTIONS; i++) {
        struct bus_connection *connection = &bus->connections[i];

        if (!polled[CONNECTIONS + i].revents || connection->socket < 0)
            continue;
        if (connection->device)
            serve_config(bus, connection);
        else
            serve_control(bus, connection);
    }
}

void bus_run(struct bus *bus, int stop)
{
    struct pollfd polled[POLLED];

    for (;;) {
        prepare(bus, stop, polled);
        if (poll(polled, POLLED, -1) < 0)
            continue;
        if (polled[STOP].revents)
            return;
        serve(bus, polled);
    }
}

/* ---- life */

static void name_devices(struct bus *bus)
{
    uint8_t guid[16];

    for (unsigned i = 0; i < BUS_DEVICES; i++) {
        struct bus_device *device = &bus->devices[i];

        device->bus = bus;
        device->number = i;
        device->node = device->config = -1;
        if (i > bus->config.host.adapter_count)
            continue;
        if (i == 0)
            host_global_instance(bus->host, guid);
        else
            host_vgpu_instance(bus->host, i - 1, guid);
        if (i > 0) /* when it comes again it is the same one */
            bus->config.host.adapters[i - 1].luid = host_adapter_luid(bus->host, i - 1);
        host_guid_text(guid, device->guid);
    }
}

static bool fill(struct bus *bus)
{
    bool done = bus_tree_begin(bus);

    for (unsigned i = 0; done && i <= bus->config.host.adapter_count; i++)
        done = offer(bus, i);
    return done;
}

static NTSTATUS check(const struct bus_config *config, char *why)
{
    uint32_t ring = config->ring_size;

    if (!config->folder || config->folder[0] != '/' || strlen(config->folder) > BUS_PATH_MAX / 2) {
        snprintf(why, BUS_WHY_SIZE, "the folder must be an absolute path of at most %d bytes",
                 BUS_PATH_MAX / 2);
        return STATUS_INVALID_PARAMETER;
    }
    if (ring && (ring % 4096 || ring < BUS_LEAST_RING || ring > BUS_MOST_RING)) {
        snprintf(why, BUS_WHY_SIZE, "a ring has whole pages from %d to %d bytes", BUS_LEAST_RING,
                 BUS_MOST_RING);
        return STATUS_INVALID_PARAMETER;
    }
    return STATUS_SUCCESS;
}

NTSTATUS bus_create(const struct bus_config *config, struct bus **result, char *why)
{
    NTSTATUS status = check(config, why);

    if (!NT_SUCCESS(status))
        return status;
    struct bus *bus = calloc(1, sizeof(*bus));
    snprintf(why, BUS_WHY_SIZE, "no memory");
    if (!bus)
        return STATUS_NO_MEMORY;
    bus->config = *config;
    if (!bus->config.ring_size)
        bus->config.ring_size = BUS_DEFAULT_RING;
    bus->last_relid = FIRST_RELID;
    bus->control = bus->memory = -1;
    for (unsigned i = 0; i < BUS_CONNECTIONS; i++)
        bus->connections[i].socket = -1;
    pthread_mutex_init(&bus->mutex, NULL);
    bus->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    status = bus->wake < 0 ? STATUS_NO_MEMORY : host_create(&config->host, &bus->host);
    if (NT_SUCCESS(status)) {
        name_devices(bus);
        if (!fill(bus)) {
            snprintf(why, BUS_WHY_SIZE, "%.180s: %s", config->folder, strerror(errno));
            status = STATUS_UNSUCCESSFUL;
        }
    } else {
        snprintf(why, BUS_WHY_SIZE, "the simulated host could not be started (0x%08x)",
                 (unsigned)status);
    }
    if (!NT_SUCCESS(status)) {
        bus_destroy(bus);
        return status;
    }
    *result = bus;
    return STATUS_SUCCESS;
}

void bus_destroy(struct bus *bus)
{
    for (unsigned i = 0; i < BUS_CONNECTIONS; i++)
        if (bus->connections[i].socket >= 0)
            close(bus->connections[i].socket);
    for (unsigned i = 0; bus->host && i < BUS_DEVICES; i++) {
        struct bus_device *device = &bus->devices[i];

        if (device->channel)
            close_device(device);
        if (device->offered)
            bus_tree_remove(bus, device);
    }
    bus_tree_end(bus);
    if (bus->guest)
        host_guest_disconnect(bus->guest);
    host_destroy(bus->host);
    if (bus->wake >= 0)
        close(bus->wake);
    pthread_mutex_destroy(&bus->mutex);
    free(bus);
}
