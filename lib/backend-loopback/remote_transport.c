/* SPDX-License-Identifier: MIT */
/* The guest's end of a connection to d3dkmt-hostd. */
#include "backend-loopback/remote_transport.h"

#include "backend-loopback/io_space.h"
#include "backend-loopback/remote_parts.h"
#include "core/guest/memory.h"
#include "core/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum { PAGE_SIZE = 4096 };

/* ---- requests on the socket */

static void set_answer_state(struct remote_transport *transport, enum remote_answer_state state)
{
    pthread_mutex_lock(&transport->answer_mutex);
    transport->answer_state = state;
    pthread_mutex_unlock(&transport->answer_mutex);
}

bool remote_ask(struct remote_transport *transport, const struct remote_outgoing *request,
                struct remote_packet *answer)
{
    if (atomic_load(&transport->gone))
        return false;
    set_answer_state(transport, REMOTE_ANSWER_AWAITED);
    if (remote_send(transport->socket, request, true) != REMOTE_OK) {
        set_answer_state(transport, REMOTE_ANSWER_UNASKED);
        return false;
    }
    pthread_mutex_lock(&transport->answer_mutex);
    while (transport->answer_state != REMOTE_ANSWER_THERE && !atomic_load(&transport->gone))
        pthread_cond_wait(&transport->answered, &transport->answer_mutex);
    bool there = transport->answer_state == REMOTE_ANSWER_THERE;
    transport->answer_state = REMOTE_ANSWER_UNASKED;
    pthread_mutex_unlock(&transport->answer_mutex);
    /* The receiver has decoded it before. */
    return there && !remote_packet_decode(transport->answer->bytes, transport->answer->size,
                                          transport->answer->file_count, false, answer);
}

NTSTATUS remote_request(struct remote_transport *transport, enum remote_packet_type type,
                        const void *body, size_t size, uint32_t *value)
{
    struct remote_outgoing out = {.type = type, .body = body, .body_size = size};
    struct remote_packet packet;
    NTSTATUS status = STATUS_DEVICE_REMOVED;

    pthread_mutex_lock(&transport->request_mutex);
    if (remote_ask(transport, &out, &packet)) {
        const struct remote_answer *answer = packet.body;

        status = answer->status;
        if (value)
            *value = answer->value;
        remote_received_drop(transport->answer);
    }
    pthread_mutex_unlock(&transport->request_mutex);
    return status;
}

/* ---- commands */

static NTSTATUS open_channel(void *context, guest_channel channel)
{
    struct remote_transport *transport = context;

    atomic_store(&transport->channel_open[channel], true);
    return STATUS_SUCCESS;
}

static void close_channel(void *context, guest_channel channel)
{
    struct remote_transport *transport = context;

    atomic_store(&transport->channel_open[channel], false);
}

static void await_closed(void *context, guest_channel channel)
{
    remote_adapters_let_go(context, channel - 1);
}

/* The lowest free slot: as few threads of the host as there are threads here that call at once. */
static unsigned take_slot(struct remote_transport *transport)
{
    while (sem_wait(&transport->free_slots) != 0)
        continue;
    uint64_t used = atomic_load_explicit(&transport->used_slots, memory_order_relaxed);
    unsigned slot;
    do
        slot = (unsigned)__builtin_ctzll(~used);
    while (!atomic_compare_exchange_weak_explicit(&transport->used_slots, &used,
                                                  used | UINT64_C(1) << slot, memory_order_acquire,
                                                  memory_order_relaxed));
    return slot;
}

static void put_slot(struct remote_transport *transport, unsigned slot)
{
    atomic_fetch_and_explicit(&transport->used_slots, ~(UINT64_C(1) << slot), memory_order_release);
    sem_post(&transport->free_slots);
}

static NTSTATUS open_slot(struct remote_transport *transport, unsigned number)
{
    struct remote_open_slot open = {.slot = number};

    if (transport->slot_opened[number])
        return STATUS_SUCCESS;
    NTSTATUS status = remote_request(transport, REMOTE_OPEN_SLOT, &open, sizeof(open), NULL);
    transport->slot_opened[number] = NT_SUCCESS(status);
    return status;
}

/* Hands the command over and waits until the slot is back. */
static NTSTATUS run_slot(struct remote_transport *transport, struct remote_slot *slot)
{
    uint32_t state;

    remote_slot_set(slot, REMOTE_SLOT_COMMAND);
    do {
        /* The receiver first says that the host is gone, and then closes the slots. */
        if (atomic_load(&transport->gone))
            return STATUS_DEVICE_REMOVED;
        state = remote_slot_wait(slot, REMOTE_SLOT_COMMAND, transport->spin_ns);
    } while (state == REMOTE_SLOT_COMMAND);
    return state == REMOTE_SLOT_IDLE ? STATUS_SUCCESS : STATUS_DEVICE_REMOVED;
}

static size_t take_reply(const struct remote_slot *slot, void *reply, size_t capacity)
{
    size_t exact = *(const volatile uint32_t *)&slot->reply_size;

    if (exact > capacity)
        exact = capacity;
    memcpy(reply, slot->reply, exact);
    /* A VMBus packet has whole words of 8 bytes; what is behind the reply is zero. */
    size_t rounded = (exact + 7) & ~(size_t)7;
    if (rounded > capacity)
        rounded = capacity;
    memset((unsigned char *)reply + exact, 0, rounded - exact);
    return rounded;
}

static NTSTATUS command(struct remote_transport *transport, guest_channel channel,
                        const void *message, size_t size, void *reply, size_t capacity,
                        size_t *reply_size)
{
    if (!atomic_load_explicit(&transport->channel_open[channel], memory_order_relaxed))
        return STATUS_DEVICE_REMOVED;
    if (size > REMOTE_MESSAGE_LIMIT)
        return STATUS_INVALID_PARAMETER;
    if (capacity > REMOTE_MESSAGE_LIMIT)
        capacity = REMOTE_MESSAGE_LIMIT;
    unsigned number = take_slot(transport);
    struct remote_slot *slot = &transport->slots[number];
    NTSTATUS status = open_slot(transport, number);
    if (NT_SUCCESS(status)) {
        slot->channel = channel;
        slot->size = (uint32_t)size;
        slot->capacity = (uint32_t)capacity;
        memcpy(slot->command, message, size);
        status = run_slot(transport, slot);
    }
    if (NT_SUCCESS(status) && reply_size)
        *reply_size = take_reply(slot, reply, capacity);
    put_slot(transport, number);
    return status;
}

static NTSTATUS exchange(void *context, guest_channel channel, const void *message, size_t size,
                         void *reply, size_t capacity, size_t *reply_size)
{
    return command(context, channel, message, size, reply, capacity, reply_size);
}

/* Waits until the host has taken the message, which keeps the order among all threads. */
static NTSTATUS post(void *context, guest_channel channel, const void *message, size_t size)
{
    return command(context, channel, message, size, NULL, 0, NULL);
}

/* ---- PCI words and IO space */

static NTSTATUS config_read(void *context, guest_pci_function function, unsigned offset,
                            uint32_t *value)
{
    struct remote_config config = {.adapter = function, .offset = offset};

    return remote_request(context, REMOTE_CONFIG_READ, &config, sizeof(config), value);
}

static NTSTATUS config_write(void *context, guest_pci_function function, unsigned offset,
                             uint32_t value)
{
    struct remote_config config = {.adapter = function, .offset = offset, .value = value};

    return remote_request(context, REMOTE_CONFIG_WRITE, &config, sizeof(config), NULL);
}

static NTSTATUS reserve_io_space(void *context, uint64_t *start, uint64_t *size)
{
    struct remote_transport *transport = context;

    *start = LOOPBACK_IO_START;
    *size = transport->io_space_size;
    return STATUS_SUCCESS;
}

static NTSTATUS map_io(void *context, uint64_t address, size_t size, bool writable, bool cached,
                       void **mapping)
{
    struct remote_transport *transport = context;

    (void)cached; /* the memory is ordinary memory */
    return loopback_io_map(transport->io_space, address, size, writable, mapping);
}

/* No pin: the host is another process, which could only copy the memory, and a copy is not it. */
static const struct transport_ops remote_transport_ops = {
    .open_channel = open_channel,
    .close_channel = close_channel,
    .await_closed = await_closed,
    .exchange = exchange,
    .post = post,
    .config_read = config_read,
    .config_write = config_write,
    .reserve_io_space = reserve_io_space,
    .release_io_space = loopback_io_release,
    .map_io = map_io,
    .unmap_io = loopback_io_unmap,
    .detach_io = d3dkmti_guest_detach_io,
    .keep = remote_keep,
    .look_up = remote_look_up,
};

/* ---- the receiver */

/* An answer goes to the request that waits; the buffers change hands. False: none waits, but one
 * may still be looking at the answer before. */
static bool take_answer(struct remote_transport *transport)
{
    pthread_mutex_lock(&transport->answer_mutex);
    bool awaited = transport->answer_state == REMOTE_ANSWER_AWAITED;
    if (awaited) {
        struct remote_received *received = transport->incoming;

        transport->incoming = transport->answer;
        transport->answer = received;
        transport->answer_state = REMOTE_ANSWER_THERE;
        pthread_cond_signal(&transport->answered);
    }
    pthread_mutex_unlock(&transport->answer_mutex);
    return awaited;
}

/* False when the connection is at its end. */
static bool receive_one(struct remote_transport *transport)
{
    struct remote_received *received = transport->incoming;
    struct remote_packet packet;

    if (remote_receive(transport->socket, received) != REMOTE_OK)
        return false;
    const char *wrong =
        remote_packet_decode(received->bytes, received->size, received->file_count, false, &packet);
    if (!wrong && packet.type == REMOTE_ANSWER) {
        if (take_answer(transport))
            return true;
        wrong = "an answer to nothing";
    }
    remote_received_drop(received);
    if (!wrong && packet.type == REMOTE_MESSAGE) {
        d3dkmti_guest_vm_host_message(transport->vm, packet.tail, packet.tail_size);
        return true;
    }
    if (!wrong && packet.type != REMOTE_WELCOME) {
        remote_adapters_hear(transport, &packet);
        return true;
    }
    transport->services->log(D3DKMT_LOG_ERROR, "hostd", "the host sent what cannot be: %s",
                             wrong ? wrong : "a second welcome");
    return false;
}

/* Whoever waits for the host learns that nothing will come any more; and the host, should it still
 * be there, that nobody takes part in what it does. */
static void say_gone(struct remote_transport *transport)
{
    shutdown(transport->socket, SHUT_RDWR);
    pthread_mutex_lock(&transport->answer_mutex);
    atomic_store(&transport->gone, true);
    pthread_cond_broadcast(&transport->answered);
    pthread_mutex_unlock(&transport->answer_mutex);
    for (unsigned i = 0; i < REMOTE_SLOTS; i++)
        remote_slot_close(&transport->slots[i]);
    remote_adapters_end(transport);
}

static void *receive(void *context)
{
    struct remote_transport *transport = context;

    while (receive_one(transport))
        continue;
    say_gone(transport);
    return NULL;
}

bool remote_thread_start(pthread_t *thread, void *(*run)(void *context), void *context)
{
    sigset_t all, old;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    bool started = pthread_create(thread, NULL, run, context) == 0;
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    return started;
}

/* ---- open */

static NTSTATUS connect_to(struct remote_transport *transport, const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};

    if (!*path || strlen(path) >= sizeof(address.sun_path))
        return transport->services->fail_with(STATUS_INVALID_PARAMETER,
                                              "host=PATH: a socket's path has 1 to %zu characters",
                                              sizeof(address.sun_path) - 1);
    memcpy(address.sun_path, path, strlen(path) + 1);
    transport->socket = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    if (transport->socket >= 0 &&
        connect(transport->socket, (const struct sockaddr *)&address, sizeof(address)) == 0)
        return STATUS_SUCCESS;
    return transport->services->fail_with(
        STATUS_UNSUCCESSFUL, "no d3dkmt-hostd can be reached at %s: %s", path, strerror(errno));
}

/* A memory file of at least that size that its owner cannot make shorter. */
static bool is_sealed(int file, uint64_t size)
{
    struct stat status;
    int seals = fcntl(file, F_GET_SEALS);

    return seals >= 0 && (seals & F_SEAL_SHRINK) && fstat(file, &status) == 0 &&
           (uint64_t)status.st_size >= size;
}

static bool is_welcome(const struct remote_welcome *welcome)
{
    return welcome->magic == REMOTE_MAGIC && welcome->version == REMOTE_VERSION &&
           welcome->slot_count == REMOTE_SLOTS &&
           welcome->slot_size == sizeof(struct remote_slot) &&
           welcome->io_space_size >= PAGE_SIZE && welcome->io_space_size % PAGE_SIZE == 0 &&
           welcome->io_space_size <= (uint64_t)1 << 46;
}

/* Takes the descriptors of the welcome over. */
static NTSTATUS use_welcome(struct remote_transport *transport,
                            const struct remote_welcome *welcome, struct remote_received *received)
{
    size_t size = REMOTE_SLOTS * sizeof(struct remote_slot);

    transport->io_space = remote_received_take(received);
    int slots = remote_received_take(received);
    if (is_sealed(slots, size) && is_sealed(transport->io_space, welcome->io_space_size)) {
        void *mapped = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, slots, 0);
        transport->slots = mapped == MAP_FAILED ? NULL : mapped;
    }
    close(slots);
    transport->io_space_size = welcome->io_space_size;
    remote_adapters_init(&transport->adapters, welcome->adapters);
    return transport->slots
               ? STATUS_SUCCESS
               : transport->services->fail_with(
                     STATUS_UNSUCCESSFUL, "the host's shared memory cannot be mapped, or the host "
                                          "could make it shorter");
}

static NTSTATUS greet(struct remote_transport *transport)
{
    struct remote_hello hello = {.magic = REMOTE_MAGIC, .version = REMOTE_VERSION};
    struct remote_outgoing out = {.type = REMOTE_HELLO, .body = &hello, .body_size = sizeof(hello)};
    struct remote_received *received = transport->incoming;
    struct remote_packet packet;

    if (remote_send(transport->socket, &out, true) != REMOTE_OK ||
        remote_receive(transport->socket, received) != REMOTE_OK)
        return transport->services->fail_with(
            STATUS_UNSUCCESSFUL,
            "the host closed the connection: another version, another user, or too many guests");
    if (remote_packet_decode(received->bytes, received->size, received->file_count, false,
                             &packet) ||
        packet.type != REMOTE_WELCOME || !is_welcome(packet.body)) {
        remote_received_drop(received);
        return transport->services->fail_with(STATUS_UNSUCCESSFUL,
                                              "what listens there is no d3dkmt-hostd of version %u",
                                              REMOTE_VERSION);
    }
    return use_welcome(transport, packet.body, received);
}

static void free_transport(struct remote_transport *transport)
{
    if (transport->vm)
        d3dkmti_guest_vm_destroy(transport->vm);
    if (transport->slots)
        munmap(transport->slots, REMOTE_SLOTS * sizeof(struct remote_slot));
    if (transport->io_space >= 0)
        close(transport->io_space);
    if (transport->socket >= 0)
        close(transport->socket);
    remote_adapters_destroy(&transport->adapters);
    pthread_cond_destroy(&transport->answered);
    pthread_mutex_destroy(&transport->answer_mutex);
    pthread_mutex_destroy(&transport->request_mutex);
    sem_destroy(&transport->free_slots);
    free(transport->answer);
    free(transport->incoming);
    free(transport);
}

/* Before the adapters' thread, or after it. */
static void disconnect(struct remote_transport *transport)
{
    d3dkmti_guest_vm_stop(transport->vm);
    shutdown(transport->socket, SHUT_RDWR);
    pthread_join(transport->receiver, NULL);
    free_transport(transport);
}

NTSTATUS remote_transport_open(const char *path, uint64_t spin_ns,
                               const struct d3dkmt_backend_services *services,
                               struct remote_transport **result)
{
    struct remote_transport *transport = d3dkmti_calloc(1, sizeof(*transport));
    NTSTATUS status = STATUS_NO_MEMORY;

    if (!transport)
        return STATUS_NO_MEMORY;
    transport->services = services;
    transport->spin_ns = spin_ns;
    transport->socket = transport->io_space = -1;
    sem_init(&transport->free_slots, 0, REMOTE_SLOTS);
    pthread_mutex_init(&transport->request_mutex, NULL);
    pthread_mutex_init(&transport->answer_mutex, NULL);
    pthread_cond_init(&transport->answered, NULL);
    pthread_mutex_init(&transport->adapters.mutex, NULL);
    pthread_cond_init(&transport->adapters.changed, NULL);
    transport->answer = d3dkmti_malloc(sizeof(*transport->answer));
    transport->incoming = d3dkmti_malloc(sizeof(*transport->incoming));
    if (transport->answer && transport->incoming)
        status = connect_to(transport, path);
    if (NT_SUCCESS(status))
        status = greet(transport);
    if (NT_SUCCESS(status))
        status = d3dkmti_guest_vm_create(&remote_transport_ops, transport, &transport->vm);
    if (NT_SUCCESS(status) && !remote_thread_start(&transport->receiver, receive, transport))
        status = services->fail_with(STATUS_NO_MEMORY, "no thread for the host's messages");
    if (!NT_SUCCESS(status)) {
        free_transport(transport);
        return status;
    }
    status = remote_adapters_arrive(transport);
    if (NT_SUCCESS(status) && !remote_adapters_start(transport))
        status = services->fail_with(STATUS_NO_MEMORY, "no thread for adapters that come and go");
    if (NT_SUCCESS(status))
        *result = transport;
    else
        disconnect(transport);
    return status;
}

struct guest_vm *remote_transport_vm(struct remote_transport *transport)
{
    return transport->vm;
}

/* ---- close */

void remote_transport_close(struct remote_transport *transport)
{
    d3dkmti_guest_vm_stop(transport->vm);
    shutdown(transport->socket, SHUT_RDWR);
    pthread_join(transport->adapters.thread, NULL); /* told by the receiver */
    disconnect(transport);
}

void remote_transport_after_fork(struct remote_transport *transport)
{
    munmap(transport->slots, REMOTE_SLOTS * sizeof(struct remote_slot));
    close(transport->io_space);
    close(transport->socket);
}
