/* SPDX-License-Identifier: MIT */
/* A device that a guest has open: its rings, its interrupts, and the thread that serves it. */
#include "backend-loopback/vmbus/parts.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum {
    PAGE_SIZE = 4096,
    LARGEST = 131072 + 64, /* of a message, and of a reply as VMBus rounds it up */
    LARGEST_REPLY = 131056,
    MOST_WAITING = 1 << 17, /* packets for a guest that does not read; no honest one lets so many */
    MONITOR_NS = 100000,    /* how often the hypervisor looks at the monitor page */
    ROOM_NS = 1000000,      /* how often for room, should the guest not tell */
    MONITOR_TRIGGERS = 8,
};

/* A packet that the guest's ring had no room for. */
struct waiting {
    struct waiting *next;
    struct bus_packet packet;
    unsigned char payload[];
};

struct bus_channel {
    struct bus_device *device;
    struct bus *bus;
    struct host_guest *guest;
    int socket, wake;
    pthread_t thread;
    atomic_bool ended, stopping, paused, resumed, rescinded;
    unsigned char *memory; /* both rings */
    size_t memory_size;
    unsigned char *pages; /* interrupt page, monitor page */
    struct bus_ring from_guest;
    unsigned char *message, *reply;

    pthread_mutex_t mutex; /* guards what follows: packets for the guest come from any thread */
    struct bus_ring to_guest;
    int32_t interrupts;
    struct waiting *first, **last;
    uint32_t waiting_count;
};

static bool kernel_has_monitor(const struct bus *bus)
{
    return bus->config.kernel == BUS_KERNEL_A || bus->config.kernel == BUS_KERNEL_A2;
}

static bool kernel_masks(const struct bus *bus)
{
    return bus->config.kernel == BUS_KERNEL_A || bus->config.kernel == BUS_KERNEL_B;
}

/* ---- to the guest; with the mutex */

/* A guest that does not read its interrupts has enough of them. */
static void interrupt(struct bus_channel *channel)
{
    int32_t count = ++channel->interrupts;

    if (kernel_masks(channel->bus))
        bus_ring_set_mask(&channel->to_guest, 1);
    if (!atomic_load(&channel->rescinded))
        (void)send(channel->socket, &count, sizeof(count), MSG_NOSIGNAL | MSG_DONTWAIT);
}

static void give_up(struct bus_channel *channel, const char *why)
{
    bus_log(channel->bus, HOST_LOG_WARNING, "channel %u: %s", channel->device->number, why);
    shutdown(channel->socket, SHUT_RDWR);
}

static enum bus_ring_result put(struct bus_channel *channel, const struct bus_packet *packet,
                                const void *payload)
{
    bool signal;
    enum bus_ring_result result = bus_ring_put(&channel->to_guest, packet, payload, &signal);

    if (signal)
        interrupt(channel);
    if (result == BUS_RING_BROKEN)
        give_up(channel, "its read index is impossible");
    return result;
}

static bool append(struct bus_channel *channel, const struct bus_packet *packet,
                   const void *payload)
{
    struct waiting *made =
        channel->waiting_count < MOST_WAITING ? malloc(sizeof(*made) + packet->size) : NULL;

    if (!made)
        return false;
    made->next = NULL;
    made->packet = *packet;
    memcpy(made->payload, payload, packet->size);
    *channel->last = made;
    channel->last = &made->next;
    channel->waiting_count++;
    return true;
}

/* Sends what waits, in order. True while something still does. */
static bool flush(struct bus_channel *channel)
{
    while (channel->first) {
        struct waiting *waiting = channel->first;

        bus_ring_want(&channel->to_guest, waiting->packet.size);
        if (put(channel, &waiting->packet, waiting->payload) != BUS_RING_DONE)
            return true;
        channel->first = waiting->next;
        if (!channel->first)
            channel->last = &channel->first;
        channel->waiting_count--;
        free(waiting);
        if (!channel->first)
            bus_ring_want(&channel->to_guest, 0);
    }
    return false;
}

static void send_packet(struct bus_channel *channel, const struct bus_packet *packet,
                        const void *payload)
{
    const uint64_t one = 1;

    pthread_mutex_lock(&channel->mutex);
    if (channel->first || put(channel, packet, payload) == BUS_RING_NOTHING) {
        if (!append(channel, packet, payload))
            give_up(channel, "the guest does not read its packets");
        (void)!write(channel->wake, &one, sizeof(one));
    }
    pthread_mutex_unlock(&channel->mutex);
}

void bus_channel_message(struct bus_channel *channel, const void *bytes, size_t size)
{
    const struct bus_packet packet = {.type = BUS_PACKET_DATA, .size = (uint32_t)size};

    send_packet(channel, &packet, bytes);
}

/* ---- from the guest */

static void carry_out(struct bus_channel *channel, const struct bus_packet *packet)
{
    int adapter =
        channel->device->number == 0 ? HOST_GLOBAL_CHANNEL : (int)channel->device->number - 1;
    uint32_t room = bus_ring_largest(&channel->to_guest);
    bool wanted = packet->wants_completion && packet->transaction != 0;
    struct bus_packet completion = {.type = BUS_PACKET_COMPLETION,
                                    .transaction = packet->transaction};

    completion.size =
        (uint32_t)host_command(channel->guest, adapter, channel->message, packet->size, wanted,
                               channel->reply, room < LARGEST_REPLY ? room : LARGEST_REPLY);
    if (wanted)
        send_packet(channel, &completion, channel->reply);
}

static uint64_t now_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

/* The next packet; looks for a while if there is none, as long as this keeps the guest waiting. */
static enum bus_ring_result take(struct bus_channel *channel, struct bus_packet *packet,
                                 bool *signal)
{
    uint64_t spin = channel->bus->config.spin_ns, end = spin ? now_ns() + spin : 0;
    enum bus_ring_result result;

    do
        result = bus_ring_take(&channel->from_guest, packet, channel->message, LARGEST, signal);
    while (result == BUS_RING_NOTHING && spin && !atomic_load(&channel->stopping) &&
           now_ns() < end);
    return result;
}

/* Takes all that is there. False: the guest broke the rules. */
static bool read_ring(struct bus_channel *channel)
{
    enum bus_ring_result result;
    struct bus_packet packet;
    bool signal;

    if (atomic_load(&channel->paused) || atomic_load(&channel->rescinded))
        return true;
    bus_ring_mask(&channel->from_guest);
    do {
        while ((result = take(channel, &packet, &signal)) == BUS_RING_DONE) {
            carry_out(channel, &packet);
            if (signal) {
                pthread_mutex_lock(&channel->mutex);
                interrupt(channel);
                pthread_mutex_unlock(&channel->mutex);
            }
            if (atomic_load(&channel->paused) || atomic_load(&channel->stopping))
                return true;
        }
        if (result == BUS_RING_BROKEN)
            return false;
    } while (bus_ring_unmask(&channel->from_guest));
    return true;
}

/* What the guest writes to its UIO device: 0 masks, anything else unmasks. False: it has closed it.
 */
static bool take_write(struct bus_channel *channel)
{
    int32_t value;
    ssize_t size = recv(channel->socket, &value, sizeof(value), MSG_DONTWAIT);

    if (size != sizeof(value))
        return size < 0 && (errno == EAGAIN || errno == EINTR);
    pthread_mutex_lock(&channel->mutex);
    bus_ring_set_mask(&channel->to_guest, value == 0);
    pthread_mutex_unlock(&channel->mutex);
    return true;
}

/* The hypervisor's part: takes the channel's bit out. */
static bool take_monitor(struct bus_channel *channel)
{
    uint32_t *group = (uint32_t *)(void *)(channel->pages + PAGE_SIZE + MONITOR_TRIGGERS);
    uint32_t bit = UINT32_C(1) << channel->device->number;

    return kernel_has_monitor(channel->bus) &&
           (__atomic_fetch_and(group, ~bit, __ATOMIC_SEQ_CST) & bit);
}

/* Waits for something to do. False: the guest has closed the device. */
static bool wait_for_guest(struct bus_channel *channel, bool waiting)
{
    struct pollfd polled[] = {{.fd = channel->socket, .events = POLLIN},
                              {.fd = channel->wake, .events = POLLIN}};
    struct timespec soon = {.tv_nsec = kernel_has_monitor(channel->bus) ? MONITOR_NS : ROOM_NS};
    uint64_t count;

    if (ppoll(polled, 2, waiting || kernel_has_monitor(channel->bus) ? &soon : NULL, NULL) < 0)
        return true;
    if (polled[1].revents)
        (void)!read(channel->wake, &count, sizeof(count));
    return !polled[0].revents || take_write(channel);
}

static void *serve(void *context)
{
    struct bus_channel *channel = context;
    const uint64_t one = 1;
    bool open = true, honest = true;
    bool signalled = true; /* what came before this thread is looked at too */

    while (open && !atomic_load(&channel->stopping)) {
        if (honest && signalled) {
            honest = read_ring(channel);
            if (!honest)
                give_up(channel, "the guest broke the rules of its ring");
        }
        pthread_mutex_lock(&channel->mutex);
        bool waiting = flush(channel);
        pthread_mutex_unlock(&channel->mutex);
        open = wait_for_guest(channel, waiting);
        signalled = !kernel_has_monitor(channel->bus) || take_monitor(channel) ||
                    atomic_exchange(&channel->resumed, false);
    }
    atomic_store(&channel->ended, true);
    (void)!write(channel->bus->wake, &one, sizeof(one));
    return NULL;
}

/* ---- life */

/* Memory that neither end can make shorter under the other. */
static int make_memory(const char *name, size_t size, unsigned char **mapping)
{
    int file = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);

    if (file < 0)
        return -1;
    if (ftruncate(file, (off_t)size) == 0 &&
        fcntl(file, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) == 0) {
        void *mapped = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);

        if (mapped != MAP_FAILED) {
            *mapping = mapped;
            return file;
        }
    }
    close(file);
    return -1;
}

static bool set_up(struct bus_channel *channel)
{
    uint32_t ring = channel->bus->config.ring_size + BUS_RING_HEAD;
    int files[2];
    bool done = false;

    channel->memory_size = 2 * (size_t)ring;
    files[0] = make_memory("vmbus-rings", channel->memory_size, &channel->memory);
    files[1] = make_memory("vmbus-pages", 2 * PAGE_SIZE, &channel->pages);
    channel->message = aligned_alloc(8, LARGEST);
    channel->reply = aligned_alloc(8, LARGEST);
    channel->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (files[0] >= 0 && files[1] >= 0 && channel->message && channel->reply &&
        channel->wake >= 0) {
        const struct bus_greeting greeting = {
            .kind = BUS_NODE_DEVICE, .files = files, .file_count = 2};

        bus_ring_init(&channel->from_guest, channel->memory, ring);
        bus_ring_init(&channel->to_guest, channel->memory + ring, ring);
        if (kernel_masks(channel->bus))
            bus_ring_set_mask(&channel->to_guest, 1);
        done = bus_greet(channel->socket, &greeting);
    }
    for (int i = 0; i < 2; i++)
        if (files[i] >= 0)
            close(files[i]);
    return done;
}

static void free_channel(struct bus_channel *channel)
{
    while (channel->first) {
        struct waiting *next = channel->first->next;

        free(channel->first);
        channel->first = next;
    }
    if (channel->memory)
        munmap(channel->memory, channel->memory_size);
    if (channel->pages)
        munmap(channel->pages, 2 * PAGE_SIZE);
    if (channel->wake >= 0)
        close(channel->wake);
    close(channel->socket);
    free(channel->message);
    free(channel->reply);
    pthread_mutex_destroy(&channel->mutex);
    free(channel);
}

struct bus_channel *bus_channel_open(struct bus_device *device, int socket)
{
    struct bus_channel *channel = calloc(1, sizeof(*channel));

    if (!channel) {
        close(socket);
        return NULL;
    }
    channel->device = device;
    channel->bus = device->bus;
    channel->guest = device->bus->guest;
    channel->socket = socket;
    channel->wake = -1;
    channel->last = &channel->first;
    pthread_mutex_init(&channel->mutex, NULL);
    if (!set_up(channel) || pthread_create(&channel->thread, NULL, serve, channel) != 0) {
        free_channel(channel);
        return NULL;
    }
    return channel;
}

bool bus_channel_has_ended(const struct bus_channel *channel)
{
    struct pollfd polled = {.fd = channel->socket, .events = POLLRDHUP};

    /* The guest's close is seen here before anything that it does afterwards. */
    return atomic_load(&channel->ended) ||
           (poll(&polled, 1, 0) > 0 && (polled.revents & (POLLRDHUP | POLLHUP)));
}

void bus_channel_rescind(struct bus_channel *channel)
{
    atomic_store(&channel->rescinded, true);
    shutdown(channel->socket, SHUT_WR);
}

void bus_channel_pause(struct bus_channel *channel, bool paused)
{
    const uint64_t one = 1;

    atomic_store(&channel->paused, paused);
    atomic_store(&channel->resumed, !paused);
    (void)!write(channel->wake, &one, sizeof(one));
}

void bus_channel_close(struct bus_channel *channel)
{
    const uint64_t one = 1;

    atomic_store(&channel->stopping, true);
    (void)!write(channel->wake, &one, sizeof(one));
    if (channel->device->number > 0) /* commands on the global one wait for nothing */
        host_guest_stop(channel->guest, (int)channel->device->number - 1);
    pthread_join(channel->thread, NULL);
    free_channel(channel);
}
