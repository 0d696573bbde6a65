/* SPDX-License-Identifier: MIT */
/* One guest's connection: its socket, its requests, its end. */
#include "backend-loopback/hostd/hostd.h"
#include "backend-loopback/hostd/keeper.h"

#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

/* ---- answers */

static bool send_packet(struct hostd_guest *guest, const struct remote_outgoing *packet)
{
    return remote_send(guest->socket, packet, true) == REMOTE_OK;
}

static bool answer(struct hostd_guest *guest, NTSTATUS status, uint32_t value)
{
    struct remote_answer body = {.status = status, .value = value};
    struct remote_outgoing packet = {
        .type = REMOTE_ANSWER, .body = &body, .body_size = sizeof(body)};

    return send_packet(guest, &packet);
}

static bool answer_with_bytes(struct hostd_guest *guest, const void *bytes, size_t size)
{
    struct remote_answer body = {.status = STATUS_SUCCESS};
    struct remote_outgoing packet = {.type = REMOTE_ANSWER,
                                     .body = &body,
                                     .body_size = sizeof(body),
                                     .tail = bytes,
                                     .tail_size = size};

    return send_packet(guest, &packet);
}

static bool answer_with_descriptor(struct hostd_guest *guest, int descriptor)
{
    struct remote_answer body = {.status = STATUS_SUCCESS};
    struct remote_outgoing packet = {.type = REMOTE_ANSWER,
                                     .body = &body,
                                     .body_size = sizeof(body),
                                     .files = &descriptor,
                                     .file_count = 1};

    return send_packet(guest, &packet);
}

/* ---- the greeting */

/* The slots: a memory file that nobody can make shorter under the other's feet. */
static int make_slots(struct hostd_guest *guest)
{
    size_t size = REMOTE_SLOTS * sizeof(struct remote_slot);
    int file = memfd_create("d3dkmt-hostd-slots", MFD_CLOEXEC | MFD_ALLOW_SEALING);

    if (file < 0)
        return -1;
    if (ftruncate(file, (off_t)size) != 0 ||
        fcntl(file, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) != 0)
        goto fail;
    void *mapped = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    if (mapped == MAP_FAILED)
        goto fail;
    guest->slots = mapped;
    return file;

fail:
    close(file);
    return -1;
}

static void describe(struct host *host, struct remote_welcome *welcome)
{
    *welcome = (struct remote_welcome){
        .magic = REMOTE_MAGIC,
        .version = REMOTE_VERSION,
        .slot_count = REMOTE_SLOTS,
        .slot_size = sizeof(struct remote_slot),
        .io_space_size = host_io_space_size(host),
    };
}

static const char *say_hello(struct hostd_guest *guest, const struct remote_packet *packet)
{
    const struct remote_hello *hello = packet->body;
    struct remote_welcome welcome;

    if (guest->welcomed)
        return "a second hello";
    if (hello->magic != REMOTE_MAGIC || hello->version != REMOTE_VERSION)
        return "the hello is not of this protocol and version";
    int slots = make_slots(guest);
    if (slots < 0)
        return "no memory for its slots";
    int files[2] = {host_io_space_fd(guest->hostd->host), slots};
    struct remote_outgoing out = {
        .type = REMOTE_WELCOME,
        .body = &welcome,
        .body_size = sizeof(welcome),
        .files = files,
        .file_count = 2,
    };
    describe(guest->hostd->host, &welcome);
    pthread_mutex_lock(&guest->hostd->mutex);
    hostd_adapters_describe(guest->hostd, welcome.adapters);
    guest->welcomed = remote_send(guest->socket, &out, false) == REMOTE_OK; /* it has room */
    pthread_mutex_unlock(&guest->hostd->mutex);
    close(slots);
    return guest->welcomed ? NULL : "the welcome could not be sent";
}

/* ---- requests: each returns what is wrong with the guest, or NULL */

static const char *answered(bool sent)
{
    return sent ? NULL : "it is gone";
}

static const char *config_read(struct hostd_guest *guest, const struct remote_packet *packet)
{
    const struct remote_config *config = packet->body;

    return answered(answer(guest, STATUS_SUCCESS,
                           host_config_read(guest->guest, config->adapter, config->offset)));
}

static const char *config_write(struct hostd_guest *guest, const struct remote_packet *packet)
{
    const struct remote_config *config = packet->body;

    host_config_write(guest->guest, config->adapter, config->offset, config->value);
    return answered(answer(guest, STATUS_SUCCESS, 0));
}

static const char *open_slot(struct hostd_guest *guest, const struct remote_packet *packet)
{
    const struct remote_open_slot *open = packet->body;
    bool opened = hostd_slot_open(guest, open->slot);

    return answered(answer(guest, opened ? STATUS_SUCCESS : STATUS_INSUFFICIENT_RESOURCES, 0));
}

static const char *keep(struct hostd_guest *guest, const struct remote_packet *packet)
{
    int descriptor = -1;
    NTSTATUS status = keeper_keep(guest->hostd->keeper, guest->guest, packet->body, packet->tail,
                                  packet->tail_size, &descriptor);

    if (!NT_SUCCESS(status))
        return answered(answer(guest, status, 0));
    bool sent = answer_with_descriptor(guest, descriptor);
    close(descriptor);
    return answered(sent);
}

static const char *look_up(struct hostd_guest *guest, const struct remote_packet *packet)
{
    void *kept = NULL;
    size_t size = 0;
    NTSTATUS status = keeper_look_up(guest->hostd->keeper, guest->received->files[0], &kept, &size);

    (void)packet;
    if (!NT_SUCCESS(status))
        return answered(answer(guest, status, 0));
    bool sent = answer_with_bytes(guest, kept, size);
    free(kept);
    return answered(sent);
}

static const char *count(struct hostd_guest *guest, const struct remote_packet *packet)
{
    struct hostd *hostd = guest->hostd;
    struct remote_counts counts = {
        .objects = host_object_count(hostd->host),
        .kept = keeper_count(hostd->keeper),
    };

    (void)packet;
    pthread_mutex_lock(&hostd->mutex);
    counts.guests = hostd->guest_count;
    pthread_mutex_unlock(&hostd->mutex);
    return answered(answer_with_bytes(guest, &counts, sizeof(counts)));
}

static const char *add_adapter(struct hostd_guest *guest, const struct remote_packet *packet)
{
    uint32_t number = 0;
    NTSTATUS status = hostd_adapter_add(guest->hostd, packet->body, &number);

    return answered(answer(guest, status, number));
}

static const char *remove_adapter(struct hostd_guest *guest, const struct remote_packet *packet)
{
    const struct remote_number *number = packet->body;

    return answered(answer(guest, hostd_adapter_remove(guest->hostd, number->adapter), 0));
}

static const char *take_step(struct hostd_guest *guest, const struct remote_packet *packet)
{
    const struct remote_number *number = packet->body;

    if (!hostd_adapter_step(guest, number->adapter, packet->type))
        return "it goes along with an adapter that does not go";
    return answered(answer(guest, STATUS_SUCCESS, 0));
}

typedef const char *request_handler(struct hostd_guest *guest, const struct remote_packet *packet);

static request_handler *const handlers[REMOTE_WELCOME] = {
    [REMOTE_HELLO] = say_hello,
    [REMOTE_CONFIG_READ] = config_read,
    [REMOTE_CONFIG_WRITE] = config_write,
    [REMOTE_OPEN_SLOT] = open_slot,
    [REMOTE_KEEP] = keep,
    [REMOTE_LOOK_UP] = look_up,
    [REMOTE_COUNT] = count,
    [REMOTE_ADD] = add_adapter,
    [REMOTE_REMOVE] = remove_adapter,
    [REMOTE_QUIET] = take_step,
    [REMOTE_LEFT] = take_step,
};

/* One packet. NULL, or why the connection ends. */
static const char *serve_packet(struct hostd_guest *guest)
{
    struct remote_received *received = guest->received;
    struct remote_packet packet;
    enum remote_result result = remote_receive(guest->socket, received);

    if (result == REMOTE_GONE)
        return "it has gone";
    if (result == REMOTE_MALFORMED)
        return "a packet is too long or has too many descriptors";
    if (received->files_lost)
        return answered(answer(guest, STATUS_INSUFFICIENT_RESOURCES, 0));
    const char *wrong =
        remote_packet_decode(received->bytes, received->size, received->file_count, true, &packet);
    if (!wrong && !guest->welcomed && packet.type != REMOTE_HELLO)
        wrong = "the first packet is no hello";
    if (!wrong)
        wrong = handlers[packet.type](guest, &packet);
    remote_received_drop(received);
    return wrong;
}

static const char *serve_until_gone(struct hostd_guest *guest)
{
    struct pollfd polled[] = {{.fd = guest->socket}, {.fd = guest->wake, .events = POLLIN}};
    const char *wrong = NULL;
    bool waiting = false;
    uint64_t count_up;

    while (!wrong) {
        polled[0].events = (short)(waiting ? POLLIN | POLLOUT : POLLIN);
        if (poll(polled, 2, -1) < 0)
            continue;
        if (polled[1].revents & POLLIN)
            (void)!read(guest->wake, &count_up, sizeof(count_up));
        waiting = hostd_guest_send_waiting(guest);
        if (polled[0].revents & (POLLIN | POLLHUP | POLLERR))
            wrong = serve_packet(guest);
    }
    return wrong;
}

/* ---- life */

static void free_guest(struct hostd_guest *guest)
{
    hostd_guest_drop_waiting(guest);
    if (guest->slots)
        munmap(guest->slots, REMOTE_SLOTS * sizeof(struct remote_slot));
    if (guest->wake >= 0)
        close(guest->wake);
    close(guest->socket);
    pthread_mutex_destroy(&guest->mutex);
    free(guest->received);
    free(guest);
}

static void leave(struct hostd *hostd, struct hostd_guest *guest)
{
    hostd_adapters_forget(hostd, guest);
    pthread_mutex_lock(&hostd->mutex);
    struct hostd_guest **link = &hostd->guests;
    while (*link != guest)
        link = &(*link)->next;
    *link = guest->next;
    hostd->guest_count--;
    /* The last use of the server: after this it may be destroyed. */
    free_guest(guest);
    pthread_cond_broadcast(&hostd->changed);
    pthread_mutex_unlock(&hostd->mutex);
}

static void *live(void *context)
{
    struct hostd_guest *guest = context;
    struct hostd *hostd = guest->hostd;
    const char *end = serve_until_gone(guest);

    hostd_slots_close(guest);
    host_guest_disconnect(guest->guest);
    hostd_log(hostd, HOST_LOG_DEBUG, "guest %llu (process %ld) ended: %s",
              (unsigned long long)guest->number, (long)guest->process, end);
    leave(hostd, guest);
    return NULL;
}

static void write_log(void *context, enum host_log_level level, const char *text)
{
    struct hostd_guest *guest = context;

    hostd_log(guest->hostd, level, "guest %llu: %s", (unsigned long long)guest->number, text);
}

/* The caller has counted the guest. */
static void enter(struct hostd *hostd, struct hostd_guest *guest)
{
    pthread_mutex_lock(&hostd->mutex);
    guest->number = ++hostd->next_number;
    guest->next = hostd->guests;
    hostd->guests = guest;
    hostd->guest_count++;
    pthread_mutex_unlock(&hostd->mutex);
}

bool hostd_guest_start(struct hostd *hostd, int socket, pid_t process)
{
    struct hostd_guest *guest = calloc(1, sizeof(*guest));
    struct host_guest_link link = {
        .context = guest, .message = hostd_guest_send_message, .log = write_log};
    pthread_t thread;

    if (!guest) {
        close(socket);
        return false;
    }
    guest->hostd = hostd;
    guest->socket = socket;
    guest->process = process;
    guest->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    guest->received = malloc(sizeof(*guest->received));
    pthread_mutex_init(&guest->mutex, NULL);
    if (guest->wake < 0 || !guest->received ||
        !NT_SUCCESS(host_guest_connect(hostd->host, &link, &guest->guest))) {
        free_guest(guest);
        return false;
    }
    enter(hostd, guest);
    hostd_log(hostd, HOST_LOG_DEBUG, "guest %llu (process %ld) connected",
              (unsigned long long)guest->number, (long)process);
    if (pthread_create(&thread, NULL, live, guest) != 0) {
        host_guest_disconnect(guest->guest);
        leave(hostd, guest);
        return false;
    }
    pthread_detach(thread);
    return true;
}

void hostd_guest_interrupt(struct hostd_guest *guest)
{
    shutdown(guest->socket, SHUT_RDWR);
}
