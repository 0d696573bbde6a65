/* SPDX-License-Identifier: MIT */
#include "backend-vmbus-uio/channel.h"

#include "backend-vmbus-uio/files.h"
#include "core/clock.h"
#include "core/last_error.h"
#include "core/log.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

enum {
    PAGE_SIZE = 4096,
    MOST_REPLY = 131072 + 64, /* the protocol's largest, and what VMBus rounds up */
    MESSAGE_SIZE = 64,        /* of the host's messages nobody looks at more */
    PACKETS_AT_ONCE = 256,    /* then a reader looks after its own affairs */
    WATCH_MS = 100,           /* a host need not interrupt as it should */
    SPACE_MS = 10,            /* nor tell that it has made room */
    FIRST_SPIN_NS = 20000,
    LEAST_SPIN_NS = 1000,
};

/* The monitor page's bits for signals to the host: groups of 32, 8 bytes apart. */
enum { MONITOR_TRIGGERS = 8, MONITOR_GROUP = 8, MONITOR_GROUP_BITS = 32 };

/* A thread that waits for a reply; lies on its stack. */
struct vmbus_request {
    struct vmbus_request *next;
    uint64_t transaction;
    void *reply;
    size_t capacity, size;
    atomic_bool answered;
    pthread_cond_t *condition;
};

/* One per thread, for ever. */
static _Thread_local pthread_cond_t own_condition = PTHREAD_COND_INITIALIZER;

static void relax(void)
{
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#endif
}

/* ---- death */

static void wake_all(struct vmbus_channel *channel)
{
    for (struct vmbus_request *request = channel->requests; request; request = request->next)
        pthread_cond_signal(request->condition);
    pthread_cond_broadcast(&channel->space);
}

/* reason NULL: the owner knows. Ends all waits; the memory stays until the channel is closed. */
static void die(struct vmbus_channel *channel, const char *reason)
{
    const uint64_t one = 1;

    if (atomic_exchange(&channel->dead, true))
        return;
    if (reason)
        d3dkmti_log(D3DKMT_LOG_ERROR, "vmbus-uio", "a channel to the host ends: %s", reason);
    pthread_mutex_lock(&channel->mutex);
    wake_all(channel);
    pthread_mutex_unlock(&channel->mutex);
    (void)!write(channel->kick, &one, sizeof(one));
    channel->owner.attend(channel->owner.context);
}

/* ---- signals */

static void signal_host(struct vmbus_channel *channel)
{
    if (channel->monitor_page) {
        unsigned char *group = (unsigned char *)channel->monitor_page + MONITOR_TRIGGERS +
                               channel->monitor / MONITOR_GROUP_BITS * MONITOR_GROUP;

        __atomic_fetch_or((uint32_t *)(void *)group,
                          UINT32_C(1) << channel->monitor % MONITOR_GROUP_BITS, __ATOMIC_SEQ_CST);
    } else if (!vmbus_node_signal(&channel->node)) {
        die(channel, NULL);
    }
}

/* ---- reading: by one thread at a time */

/* Gives a reply to who waits for it; one that nobody waits for is dropped. */
static void take_reply(struct vmbus_channel *channel, const struct vmbus_packet *packet)
{
    pthread_mutex_lock(&channel->mutex);
    struct vmbus_request **link = &channel->requests;
    while (*link && (*link)->transaction != packet->transaction)
        link = &(*link)->next;
    struct vmbus_request *request = *link;
    if (request) {
        *link = request->next;
        vmbus_receiver_copy(&channel->receiver, request->reply, request->capacity);
        request->size = packet->size < request->capacity ? packet->size : request->capacity;
        /* Its thread may be gone as soon as it sees this, but for the mutex. */
        atomic_store_explicit(&request->answered, true, memory_order_release);
        pthread_cond_signal(request->condition);
    }
    pthread_mutex_unlock(&channel->mutex);
}

static void take_message(struct vmbus_channel *channel, const struct vmbus_packet *packet)
{
    _Alignas(8) unsigned char bytes[MESSAGE_SIZE];
    size_t size = packet->size < sizeof(bytes) ? packet->size : sizeof(bytes);

    vmbus_receiver_copy(&channel->receiver, bytes, size);
    if (channel->owner.message)
        channel->owner.message(channel->owner.context, bytes, size);
}

/* Takes what is there, up to a number of packets, and gives its room back. */
static void drain(struct vmbus_channel *channel)
{
    struct vmbus_receiver *receiver = &channel->receiver;
    enum vmbus_ring_status status = VMBUS_RING_OK;
    struct vmbus_packet packet;

    for (int i = 0; i < PACKETS_AT_ONCE; i++) {
        status = vmbus_receiver_next(receiver, &packet, MOST_REPLY);
        if (status != VMBUS_RING_OK)
            break;
        if (packet.type == VMBUS_PACKET_COMPLETION)
            take_reply(channel, &packet);
        else
            take_message(channel, &packet);
        if (vmbus_receiver_owes_commit(receiver) && vmbus_receiver_commit(receiver))
            signal_host(channel);
    }
    if (vmbus_receiver_commit(receiver))
        signal_host(channel);
    if (vmbus_ring_is_fault(status))
        die(channel, vmbus_ring_status_text(status));
}

/* Sleeps until an interrupt, a kick, or a while has passed. */
static void sleep_as_reader(struct vmbus_channel *channel, int milliseconds)
{
    struct pollfd polled[] = {{.fd = channel->node.file, .events = POLLIN},
                              {.fd = channel->kick, .events = POLLIN}};

    if (poll(polled, 2, milliseconds) <= 0)
        return;
    if ((polled[0].revents & (POLLERR | POLLNVAL)) ||
        (polled[0].revents && !vmbus_node_take_interrupt(&channel->node)))
        die(channel, NULL);
}

static bool begin_reading(struct vmbus_channel *channel)
{
    return !atomic_exchange_explicit(&channel->reading, true, memory_order_relaxed);
}

/* Under the mutex, when nobody reads: the next one that waits does, for a reply or for space. */
static void pass_reading_on(struct vmbus_channel *channel)
{
    if (channel->requests)
        pthread_cond_signal(channel->requests->condition);
    if (channel->space_wanted)
        pthread_cond_broadcast(&channel->space);
}

/*
 * Gives the reading up, with the mutex taken. The next packet will interrupt; what came before that
 * was sure is read first. False: there is no end to it, and the owner is asked to go on.
 */
static void end_reading(struct vmbus_channel *channel)
{
    bool more = true;

    for (int i = 0; more && i < PACKETS_AT_ONCE && !atomic_load(&channel->dead); i++) {
        more = vmbus_receiver_unmask(&channel->receiver);
        if (more)
            drain(channel);
        pthread_mutex_lock(&channel->mutex);
        more = more || channel->missed;
        channel->missed = false;
        if (!more)
            break; /* with the mutex: whoever is interrupted from now on finds no reader */
        pthread_mutex_unlock(&channel->mutex);
    }
    if (more) {
        pthread_mutex_lock(&channel->mutex);
        if (!channel->requests && !atomic_load(&channel->dead))
            channel->owner.attend(channel->owner.context);
    }
    atomic_store_explicit(&channel->reading, false, memory_order_relaxed);
    pass_reading_on(channel);
}

/* How long is looked before sleeping: more after a look that was worth it, less after others. */
static void learn_spin(struct vmbus_channel *channel, bool worth_it)
{
    uint64_t spin = worth_it ? channel->spin_ns * 2 : channel->spin_ns / 2;

    if (spin < LEAST_SPIN_NS)
        spin = LEAST_SPIN_NS;
    channel->spin_ns = spin < channel->most_spin_ns ? spin : channel->most_spin_ns;
}

static bool looks_in_vain(struct vmbus_channel *channel, const struct vmbus_request *request)
{
    uint64_t end = now_ns() + channel->spin_ns;

    if (channel->most_spin_ns == 0)
        return true;
    do {
        drain(channel);
        if (atomic_load_explicit(&request->answered, memory_order_acquire) ||
            atomic_load_explicit(&channel->dead, memory_order_relaxed)) {
            learn_spin(channel, true);
            return false;
        }
        relax();
    } while (now_ns() < end);
    learn_spin(channel, false);
    return true;
}

/* Reads for all until the request has its reply. */
static void read_until_answered(struct vmbus_channel *channel, const struct vmbus_request *request)
{
    /* Interrupts are not wanted while somebody looks. */
    vmbus_receiver_mask(&channel->receiver);
    bool sleeping = looks_in_vain(channel, request);
    while (sleeping && !atomic_load_explicit(&request->answered, memory_order_acquire) &&
           !atomic_load(&channel->dead)) {
        drain(channel);
        if (atomic_load_explicit(&request->answered, memory_order_acquire))
            break;
        /* Anew before each sleep: kernels mask as they like. */
        if (!vmbus_receiver_unmask(&channel->receiver))
            sleep_as_reader(channel, WATCH_MS);
        pthread_mutex_lock(&channel->mutex);
        if (channel->space_wanted)
            pthread_cond_broadcast(&channel->space);
        pthread_mutex_unlock(&channel->mutex);
    }
}

bool vmbus_channel_serve(struct vmbus_channel *channel)
{
    unsigned stripe = rundown_stripe();

    if (!rundown_enter(&channel->users, stripe))
        return false;
    pthread_mutex_lock(&channel->mutex);
    bool ours = !atomic_load(&channel->dead) && begin_reading(channel);
    channel->missed = channel->missed || !ours;
    pthread_mutex_unlock(&channel->mutex);
    if (ours) {
        sleep_as_reader(channel, 0);
        drain(channel);
        end_reading(channel);
        pthread_mutex_unlock(&channel->mutex);
    }
    bool alive = !atomic_load(&channel->dead);
    rundown_leave(&channel->users, stripe);
    return alive;
}

/* ---- waiting for a reply */

static void enter_request(struct vmbus_channel *channel, struct vmbus_request *request)
{
    pthread_mutex_lock(&channel->mutex);
    request->next = channel->requests;
    channel->requests = request;
    pthread_mutex_unlock(&channel->mutex);
}

/*
 * Under the mutex; one that was answered is not in the list any more. The reading may have been
 * passed to its thread, which has no use for it.
 */
static void leave_request(struct vmbus_channel *channel, const struct vmbus_request *request)
{
    struct vmbus_request **link = &channel->requests;

    while (*link && *link != request)
        link = &(*link)->next;
    if (*link)
        *link = request->next;
    if (!atomic_load_explicit(&channel->reading, memory_order_relaxed))
        pass_reading_on(channel);
}

/*
 * While another thread reads, the reply may come as fast as it would to the reader. When that one
 * has its own and stops, this one must not look on while nobody reads.
 */
static void look_as_follower(struct vmbus_channel *channel, const struct vmbus_request *request)
{
    uint64_t end = now_ns() + channel->most_spin_ns;

    while (channel->most_spin_ns && now_ns() < end &&
           atomic_load_explicit(&channel->reading, memory_order_relaxed) &&
           !atomic_load_explicit(&request->answered, memory_order_acquire) &&
           !atomic_load_explicit(&channel->dead, memory_order_relaxed))
        relax();
}

static NTSTATUS await_reply(struct vmbus_channel *channel, struct vmbus_request *request)
{
    bool looked = false;

    pthread_mutex_lock(&channel->mutex);
    while (!atomic_load_explicit(&request->answered, memory_order_relaxed) &&
           !atomic_load(&channel->dead)) {
        if (begin_reading(channel)) {
            pthread_mutex_unlock(&channel->mutex);
            read_until_answered(channel, request);
            end_reading(channel);
        } else if (!looked) {
            pthread_mutex_unlock(&channel->mutex);
            look_as_follower(channel, request);
            looked = true;
            pthread_mutex_lock(&channel->mutex);
        } else {
            pthread_cond_wait(request->condition, &channel->mutex);
        }
    }
    leave_request(channel, request);
    bool answered = atomic_load_explicit(&request->answered, memory_order_relaxed);
    pthread_mutex_unlock(&channel->mutex);
    return answered ? STATUS_SUCCESS : STATUS_DEVICE_REMOVED;
}

/* ---- sending */

/* With send_mutex: for a moment, until the host has made room. Reads meanwhile, or lets read: the
 * host may wait for room as well. */
static void await_space(struct vmbus_channel *channel)
{
    struct timespec until;

    pthread_mutex_lock(&channel->mutex);
    if (begin_reading(channel)) {
        pthread_mutex_unlock(&channel->mutex);
        if (!vmbus_receiver_unmask(&channel->receiver))
            sleep_as_reader(channel, SPACE_MS);
        drain(channel);
        end_reading(channel);
    } else {
        clock_gettime(CLOCK_REALTIME, &until);
        until.tv_nsec += SPACE_MS * 1000000;
        until.tv_sec += until.tv_nsec / 1000000000;
        until.tv_nsec %= 1000000000;
        channel->space_wanted = true;
        pthread_cond_timedwait(&channel->space, &channel->mutex, &until);
        channel->space_wanted = false;
    }
    pthread_mutex_unlock(&channel->mutex);
}

/* With send_mutex. since: when the call began, 0: now. */
static NTSTATUS put(struct vmbus_channel *channel, const struct vmbus_packet *packet,
                    const void *message, uint64_t since)
{
    enum vmbus_ring_status status;

    while ((status = vmbus_sender_put(&channel->sender, packet, message)) == VMBUS_RING_FULL) {
        if (channel->full_since == 0)
            channel->full_since = now_ns();
        if (since == 0)
            since = now_ns();
        if (since < channel->full_since)
            since = channel->full_since;
        if (vmbus_sender_await_space(&channel->sender, packet->size))
            continue;
        await_space(channel);
        vmbus_sender_space_found(&channel->sender);
        if (atomic_load(&channel->dead))
            return STATUS_DEVICE_REMOVED;
        if (now_ns() - since > (uint64_t)VMBUS_SEND_LIMIT_MS * 1000000)
            return STATUS_INSUFFICIENT_RESOURCES;
    }
    if (status == VMBUS_RING_OK) {
        channel->full_since = 0;
        return STATUS_SUCCESS;
    }
    if (status == VMBUS_RING_TOO_LARGE)
        return STATUS_INVALID_PARAMETER;
    die(channel, vmbus_ring_status_text(status));
    return STATUS_DEVICE_REMOVED;
}

/* request NULL: no reply is wanted. Who waits is known before the host can answer. */
static NTSTATUS send_packet(struct vmbus_channel *channel, const void *message, size_t size,
                            struct vmbus_request *request)
{
    struct vmbus_packet packet = {
        .size = (uint32_t)size, .type = VMBUS_PACKET_DATA, .completion_requested = request};
    uint64_t since = 0;
    bool signal = false;

    if (size > UINT32_MAX)
        return STATUS_INVALID_PARAMETER;
    if (pthread_mutex_trylock(&channel->send_mutex) != 0) {
        since = now_ns();
        pthread_mutex_lock(&channel->send_mutex);
    }
    if (request) {
        packet.transaction = request->transaction = ++channel->last_transaction;
        enter_request(channel, request);
    }
    NTSTATUS status =
        atomic_load(&channel->dead) ? STATUS_DEVICE_REMOVED : put(channel, &packet, message, since);
    if (NT_SUCCESS(status))
        signal = vmbus_sender_publish(&channel->sender);
    pthread_mutex_unlock(&channel->send_mutex);
    if (signal)
        signal_host(channel);
    if (!NT_SUCCESS(status) && request) {
        pthread_mutex_lock(&channel->mutex);
        leave_request(channel, request);
        pthread_mutex_unlock(&channel->mutex);
    }
    return status;
}

NTSTATUS vmbus_channel_exchange(struct vmbus_channel *channel, const void *message, size_t size,
                                void *reply, size_t capacity, size_t *reply_size)
{
    struct vmbus_request request = {
        .reply = reply, .capacity = capacity, .condition = &own_condition};
    unsigned stripe = rundown_stripe();

    if (!rundown_enter(&channel->users, stripe))
        return STATUS_DEVICE_REMOVED;
    NTSTATUS status = send_packet(channel, message, size, &request);
    if (NT_SUCCESS(status))
        status = await_reply(channel, &request);
    rundown_leave(&channel->users, stripe);
    *reply_size = request.size;
    return status;
}

NTSTATUS vmbus_channel_post(struct vmbus_channel *channel, const void *message, size_t size)
{
    unsigned stripe = rundown_stripe();

    if (!rundown_enter(&channel->users, stripe))
        return STATUS_DEVICE_REMOVED;
    NTSTATUS status = send_packet(channel, message, size, NULL);
    rundown_leave(&channel->users, stripe);
    return status;
}

size_t vmbus_channel_largest(struct vmbus_channel *channel)
{
    unsigned stripe = rundown_stripe();
    size_t largest = SIZE_MAX; /* of a channel that is gone: it says so itself */

    if (!rundown_enter(&channel->users, stripe))
        return largest;
    largest = channel->sender.largest;
    rundown_leave(&channel->users, stripe);
    return largest;
}

/* ---- life */

void vmbus_channel_init(struct vmbus_channel *channel)
{
    memset(channel, 0, sizeof(*channel));
    pthread_mutex_init(&channel->send_mutex, NULL);
    pthread_mutex_init(&channel->mutex, NULL);
    pthread_cond_init(&channel->space, NULL);
    channel->node.file = channel->node.files[0] = channel->node.files[1] = -1;
    channel->kick = -1;
    rundown_close(&channel->users);
}

void vmbus_channel_destroy(struct vmbus_channel *channel)
{
    pthread_cond_destroy(&channel->space);
    pthread_mutex_destroy(&channel->mutex);
    pthread_mutex_destroy(&channel->send_mutex);
}

static NTSTATUS explain_open(int error, const char *path)
{
    switch (error) {
    case EACCES:
    case EPERM:
        return d3dkmti_fail(STATUS_ACCESS_DENIED,
                            "%s may not be opened by user %d: it belongs to root and the group "
                            "d3dkmt; join that group (see docs/vmbus-uio.md), or run as root",
                            path, (int)geteuid());
    case EBUSY:
        return d3dkmti_fail(STATUS_UNSUCCESSFUL,
                            "%s is in use by another process: one process at a time can drive a "
                            "vGPU through UIO",
                            path);
    case EINVAL:
        return d3dkmti_fail(STATUS_UNSUCCESSFUL,
                            "%s: the channel is still open since its driver was unbound while a "
                            "process had it open; only a reboot, or the host, can mend that",
                            path);
    case ENOENT:
        return d3dkmti_fail(STATUS_DEVICE_REMOVED,
                            "%s does not exist: the device is gone, or udev made no node for it",
                            path);
    case ENODEV:
    case ENXIO:
    case EIO:
        return d3dkmti_fail(STATUS_DEVICE_REMOVED, "%s: the device is gone", path);
    case EPROTO:
        return d3dkmti_fail(STATUS_UNSUCCESSFUL, "%s: what is there is no UIO device", path);
    case ENOMEM:
        return d3dkmti_fail(STATUS_NO_MEMORY, "%s: the kernel has no memory for the rings", path);
    default:
        return d3dkmti_fail(STATUS_UNSUCCESSFUL, "%s cannot be opened: %s", path, strerror(error));
    }
}

static int set_up(struct vmbus_channel *channel, const char *root,
                  const struct vmbus_device *device)
{
    int error = vmbus_rings_map(&channel->rings, root, device, &channel->node);

    channel->monitor = device->monitor;
    channel->monitor_page = NULL;
    if (!error && device->monitor != VMBUS_NO_MONITOR)
        error = vmbus_node_map(&channel->node, 2, PAGE_SIZE, &channel->monitor_page);
    /* At once: after a rescind the first touch would be the last. */
    if (!error && channel->monitor_page)
        (void)*(volatile unsigned char *)channel->monitor_page;
    if (error)
        return error;
    channel->kick = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (channel->kick < 0)
        return errno;
    if (vmbus_sender_init(&channel->sender, &channel->rings.to_host) != VMBUS_RING_OK ||
        vmbus_receiver_init(&channel->receiver, &channel->rings.from_host) != VMBUS_RING_OK)
        return EPROTO;
    return 0;
}

static void tear_down(struct vmbus_channel *channel)
{
    vmbus_rings_unmap(&channel->rings);
    if (channel->monitor_page)
        munmap(channel->monitor_page, PAGE_SIZE);
    channel->monitor_page = NULL;
    if (channel->kick >= 0)
        close(channel->kick);
    channel->kick = -1;
    vmbus_node_close(&channel->node);
}

NTSTATUS vmbus_channel_open(struct vmbus_channel *channel, const char *root,
                            const struct vmbus_device *device, uint64_t most_spin_ns,
                            const struct vmbus_channel_owner *owner)
{
    char path[VMBUS_PATH_MAX];

    if (!vmbus_path(path, root, "/dev/uio%u", device->uio))
        return d3dkmti_fail(STATUS_INVALID_PARAMETER, "root=%.40s...: the path is too long", root);
    int error = vmbus_node_open(path, VMBUS_NODE_DEVICE, &channel->node);
    if (!error) {
        error = set_up(channel, root, device);
        if (error)
            tear_down(channel);
    }
    if (error)
        return explain_open(error, path);
    channel->owner = *owner;
    channel->most_spin_ns = sysconf(_SC_NPROCESSORS_ONLN) > 1 ? most_spin_ns : 0;
    channel->spin_ns = most_spin_ns < FIRST_SPIN_NS ? most_spin_ns : FIRST_SPIN_NS;
    channel->requests = NULL;
    channel->full_since = 0;
    channel->reading = channel->missed = channel->space_wanted = false;
    atomic_store(&channel->dead, false);
    rundown_reopen(&channel->users);
    return STATUS_SUCCESS;
}

void vmbus_channel_close(struct vmbus_channel *channel)
{
    if (channel->node.file < 0)
        return;
    die(channel, NULL);
    rundown_close(&channel->users);
    rundown_wait(&channel->users);
    vmbus_receiver_mask(&channel->receiver);
    tear_down(channel);
}

void vmbus_channel_after_fork(struct vmbus_channel *channel)
{
    tear_down(channel);
}
