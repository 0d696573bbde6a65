/* SPDX-License-Identifier: MIT */
/*
 * The simulated host in a VM whose kernel sees a real VMBus: this program is at its other end, by
 * way of the VM's library for hosts (hvsim-host.h). Usage: host OPTIONS CONTROL [monitor], with
 * options as behind D3DKMT_BACKEND=loopback:; monitor: channels are signalled through the monitor
 * page. CONTROL: a socket that takes the orders rescind N and offer N, as docs/vmbus-uio.md has
 * them. Prints "ready" when the devices are offered, and runs until it is killed.
 */
#include "backend-loopback/options.h"
#include "core/last_error.h"

#include <hvsim-host.h>

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { LARGEST_REPLY = 131056, VENDOR = 0x1414, RENDER = 0x8e, COMPUTE = 0x8a };

/* A message of the host's for the guest, until this program's thread sends it. */
struct waiting {
    struct waiting *next;
    size_t size;
    unsigned char bytes[];
};

struct device {
    int number;               /* HOST_GLOBAL_CHANNEL, or the adapter's */
    struct hvh_chan *channel; /* NULL: it is rescinded, and the VM has let go of it */
    bool open, leaving;
};

static struct hvh *bus;
static struct host *host;
static struct host_guest *guest; /* while the VM's process has something open */
static struct device global = {.number = HOST_GLOBAL_CHANNEL}, vgpus[HOST_MAX_ADAPTERS];
static uint32_t functions[HOST_MAX_ADAPTERS], adapter_count;
static struct host_config machine; /* as it was started */
static bool monitors;
static atomic_bool
    losing; /* what a loss signals goes nowhere: the VM learns of it by the rescind */
static unsigned char reply[LARGEST_REPLY + 64] __attribute__((aligned(8)));

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static struct waiting *first, **last = &first;
static int wake;

static _Noreturn void give_up(const char *what)
{
    fprintf(stderr, "host: %s\n", what);
    exit(1);
}

/* ---- the host's messages */

static void send_message(void *context, const void *bytes, size_t size)
{
    struct waiting *made = losing ? NULL : malloc(sizeof(*made) + size);
    const uint64_t one = 1;

    (void)context;
    if (losing)
        return;
    if (!made)
        give_up("no memory");
    made->next = NULL;
    made->size = size;
    memcpy(made->bytes, bytes, size);
    pthread_mutex_lock(&mutex);
    *last = made;
    last = &made->next;
    pthread_mutex_unlock(&mutex);
    (void)!write(wake, &one, sizeof(one));
}

static void send_waiting(struct hvh *h, int file, void *context)
{
    uint64_t count;

    (void)h, (void)context;
    (void)!read(file, &count, sizeof(count));
    pthread_mutex_lock(&mutex);
    struct waiting *list = first;
    first = NULL;
    last = &first;
    pthread_mutex_unlock(&mutex);
    while (list) {
        struct waiting *next = list->next;

        if (global.open)
            hvh_send(global.channel, HVH_PKT_INBAND, 0, 0, list->bytes, list->size);
        free(list);
        list = next;
    }
}

/* ---- the guest */

static void *map_pages(void *context, uint64_t address, size_t size, bool writable)
{
    (void)context, (void)writable;
    return hvh_map_gpa(bus, address, size);
}

static void write_log(void *context, enum host_log_level level, const char *text)
{
    (void)context;
    if (level == HOST_LOG_ERROR)
        fprintf(stderr, "host: %s\n", text);
}

static void have_guest(void)
{
    const struct host_guest_link link = {
        .message = send_message, .map_pages = map_pages, .log = write_log};

    if (!guest && !NT_SUCCESS(host_guest_connect(host, &link, &guest)))
        give_up("no guest");
}

static void end_guest_if_closed(void)
{
    bool open = global.open;

    for (uint32_t i = 0; i < adapter_count; i++)
        open = open || vgpus[i].open;
    if (open)
        return;
    host_guest_disconnect(guest);
    guest = NULL;
}

static void on_open(struct hvh_chan *channel, const struct hvsim_event *event)
{
    struct device *device = hvh_priv(channel);

    (void)event;
    have_guest();
    device->open = true;
}

static void on_close(struct hvh_chan *channel)
{
    struct device *device = hvh_priv(channel);

    device->open = false;
    end_guest_if_closed();
}

/* The VM has let go of a device that was rescinded: its adapter's memory may go. */
static void on_released(struct hvh_chan *channel)
{
    struct device *device = hvh_priv(channel);

    device->channel = NULL;
    if (device->open)
        on_close(channel);
    if (device->leaving && device != &global)
        (void)host_adapter_remove(host, (uint32_t)device->number);
    device->leaving = false;
}

static void on_packet(struct hvh_chan *channel, const struct hvh_packet *packet)
{
    struct device *device = hvh_priv(channel);
    bool wanted = (packet->flags & HVH_FLAG_COMPLETION_REQUESTED) && packet->trans_id;
    size_t size = host_command(guest, device->number, packet->data, packet->len, wanted, reply,
                               LARGEST_REPLY);

    if (wanted && hvh_complete(channel, packet->trans_id, reply, size) < 0)
        give_up("a reply does not fit the ring");
}

static void on_bad_ring(struct hvh_chan *channel, const char *why)
{
    (void)channel;
    give_up(why);
}

static const struct hvh_ops operations = {
    .open = on_open,
    .close = on_close,
    .packet = on_packet,
    .bad_ring = on_bad_ring,
    .released = on_released,
};

/* What the guest writes into a function's words: the kernel has answered, this is for the host. */
static void on_event(struct hvh *h, const struct hvsim_event *event, void *context)
{
    (void)h, (void)context;
    if (event->type != HVSIM_EV_PCI_WRITE)
        return;
    have_guest();
    for (uint32_t i = 0; i < adapter_count; i++)
        if (functions[i] == event->u.pci.id)
            host_config_write(guest, i, event->u.pci.offset, event->u.pci.value);
}

/* ---- devices */

static void offer(struct device *device, const char *class_guid, const uint8_t instance[16],
                  bool monitor)
{
    char text[37];
    const struct hvh_offer offer = {
        .class_guid = class_guid,
        .instance_guid = text,
        .mmio_megabytes =
            device == &global ? (uint16_t)(host_io_space_size(host) >> 20) : (uint16_t)0,
        .flags = monitor ? HVSIM_OFFER_MONITOR : 0,
        .ops = &operations,
        .priv = device,
    };

    host_guid_text(instance, text);
    device->channel = hvh_offer(bus, &offer);
    if (!device->channel)
        give_up("a device is not offered");
}

static void add_function(uint32_t adapter)
{
    struct hvsim_pci function = {.cookie = adapter};
    uint16_t vendor = VENDOR, id = host_adapter_is_compute_only(host, adapter) ? COMPUTE : RENDER;

    memcpy(function.cfg, &vendor, 2);
    memcpy(function.cfg + 2, &id, 2);
    function.cfg[0x0a] = 0x02; /* a 3D controller */
    function.cfg[0x0b] = 0x03;
    for (unsigned at = HOST_CONFIG_CHANNEL_ID; at <= HOST_CONFIG_HOST_CAPS; at += 4) {
        uint32_t word = host_config_read(guest, adapter, at);

        memcpy(function.cfg + at, &word, sizeof(word));
    }
    if (hvh_pci_add(bus, &function) != 0)
        give_up("a PCI function is not added");
    functions[adapter] = function.id;
}

static void offer_vgpu(uint32_t adapter)
{
    uint8_t instance[16];

    have_guest();
    vgpus[adapter].number = (int)adapter;
    host_vgpu_instance(host, adapter, instance);
    offer(&vgpus[adapter], "6e382d18-3336-4f4b-acc4-2b7703d4df4a", instance, monitors);
    add_function(adapter);
    end_guest_if_closed();
}

static void offer_all(void)
{
    uint8_t instance[16];

    host_global_instance(host, instance);
    offer(&global, "dde9cbc0-5060-4436-9448-ea1254a5d177", instance, monitors);
    for (uint32_t i = 0; i < adapter_count; i++) {
        machine.adapters[i].luid = host_adapter_luid(host, i);
        offer_vgpu(i);
    }
}

/* ---- orders: for vGPUs, which are numbered from 1 on */

/* Without a warning, as hardware is pulled out. */
static const char *rescind(uint32_t adapter)
{
    struct device *device = &vgpus[adapter];

    if (!device->channel || device->leaving)
        return "it is not offered";
    device->leaving = true;
    losing = true;
    (void)host_adapter_lose(host, adapter);
    losing = false;
    if (hvh_rescind(device->channel) != 0 || hvh_pci_remove(bus, functions[adapter]) != 0)
        give_up("a device is not rescinded");
    return NULL;
}

static const char *offer_again(uint32_t adapter)
{
    uint32_t number;

    if (vgpus[adapter].channel || vgpus[adapter].leaving)
        return "the guest has not let go of it yet";
    if (!NT_SUCCESS(host_adapter_add(host, &machine.adapters[adapter], &number)) ||
        number != adapter)
        give_up("an adapter does not come again");
    offer_vgpu(adapter);
    return NULL;
}

static void obey(struct hvh *h, int listener, void *context)
{
    char text[64] = "", name[16] = "";
    unsigned number = 0;
    const char *wrong = "an order is rescind or offer, and an adapter's number from 1 on";
    int connection = accept(listener, NULL, NULL);

    (void)h, (void)context;
    if (recv(connection, text, sizeof(text) - 1, 0) > 0 &&
        sscanf(text, "%15s %u", name, &number) == 2 && number >= 1 && number <= adapter_count)
        wrong = strcmp(name, "rescind") == 0 ? rescind(number - 1)
                : strcmp(name, "offer") == 0 ? offer_again(number - 1)
                                             : wrong;
    (void)!send(connection, wrong ? wrong : "done", strlen(wrong ? wrong : "done"), MSG_NOSIGNAL);
    close(connection);
}

static void listen_for_orders(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int listener = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

    snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
    if (listener < 0 || bind(listener, (struct sockaddr *)&address, sizeof(address)) != 0 ||
        listen(listener, 8) != 0 || hvh_watch(bus, listener, obey, NULL) != 0)
        give_up("no socket for orders");
}

int main(int argc, char **argv)
{
    static struct loopback_options options;

    if (argc < 3)
        give_up("usage: host OPTIONS CONTROL [monitor]");
    if (!NT_SUCCESS(loopback_options_read(&options, argv[1])))
        give_up("the options are wrong");
    bus = hvh_new();
    if (!bus)
        give_up("there is no bus");
    const struct hvsim_info *info = hvh_info(bus);
    options.host.io_space = hvh_map_mmio(bus, 0, info->mmio_size);
    options.host.io_space_size = info->mmio_size;
    if (!options.host.io_space || !NT_SUCCESS(host_create(&options.host, &host)))
        give_up("the host does not start");
    machine = options.host;
    adapter_count = machine.adapter_count;
    monitors = argc > 3 && strcmp(argv[3], "monitor") == 0;
    wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (wake < 0 || hvh_watch(bus, wake, send_waiting, NULL) != 0)
        give_up("no eventfd");
    hvh_on_event(bus, on_event, NULL);
    offer_all();
    listen_for_orders(argv[2]);
    printf("ready mmio=0x%llx+0x%llx\n", (unsigned long long)info->mmio_base,
           (unsigned long long)info->mmio_size);
    fflush(stdout);
    return hvh_run(bus) == 0 ? 0 : 1;
}
