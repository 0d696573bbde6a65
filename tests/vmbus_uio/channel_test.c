/* SPDX-License-Identifier: MIT */
/*
 * An open channel with a host that does what it likes. The host's end is the test's own hand on the
 * shared memory, with the ring of the simulated VMBus where the host is honest.
 */
#include "backend-loopback/vmbus/parts.h"
#include "backend-vmbus-uio/channel.h"
#include "core/test.h"
#include "fake_root.h"
#include "guest/held.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

enum { RING = 4096 + 8192, THREADS = 4, PATIENCE_S = 60 };

static const char *root;
static int listener, connection;
static size_t missing;        /* bytes that the device's files lack */
static bool speechless;       /* the device's files come without a word */
static unsigned char *memory; /* both rings */
static struct bus_ring from_guest, to_guest;
static struct vmbus_channel channel;
static atomic_uint attended, messages;
static uint64_t last_message;

/* ---- the host's end */

static int make_memory(size_t size, unsigned char **mapping)
{
    int file = memfd_create("rings", MFD_CLOEXEC | MFD_ALLOW_SEALING);

    assert_int_equal(ftruncate(file, (off_t)(size - missing)), 0);
    assert_int_equal(fcntl(file, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW), 0);
    *mapping = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    assert_ptr_not_equal(*mapping, MAP_FAILED);
    return file;
}

static void send_files_alone(const int files[2])
{
    union {
        struct cmsghdr header;
        char bytes[CMSG_SPACE(2 * sizeof(int))];
    } control = {.header = {.cmsg_len = CMSG_LEN(2 * sizeof(int)),
                            .cmsg_level = SOL_SOCKET,
                            .cmsg_type = SCM_RIGHTS}};
    const struct msghdr message = {.msg_control = &control, .msg_controllen = sizeof(control)};

    memcpy(CMSG_DATA(&control.header), files, 2 * sizeof(int));
    assert_int_equal(sendmsg(connection, &message, MSG_NOSIGNAL), 0);
}

static void *accept_guest(void *context)
{
    unsigned char *pages;
    int files[2] = {make_memory(2 * RING, &memory), make_memory(8192, &pages)};
    const struct bus_greeting greeting = {.kind = BUS_NODE_DEVICE, .files = files, .file_count = 2};

    (void)context;
    connection = accept(listener, NULL, NULL);
    bus_ring_init(&from_guest, memory, RING);
    bus_ring_init(&to_guest, memory + RING, RING);
    if (speechless)
        send_files_alone(files);
    else
        bus_greet(connection, &greeting);
    close(files[0]);
    close(files[1]);
    munmap(pages, 8192);
    return NULL;
}

static void interrupt(void)
{
    static int32_t count;

    count++;
    (void)!send(connection, &count, sizeof(count), MSG_NOSIGNAL | MSG_DONTWAIT);
}

/* Waits for the guest's next packet. */
static struct bus_packet take(void *payload, uint32_t capacity)
{
    time_t end = time(NULL) + PATIENCE_S;
    struct bus_packet packet = {0};
    bool signal;

    while (bus_ring_take(&from_guest, &packet, payload, capacity, &signal) == BUS_RING_NOTHING) {
        assert_true(time(NULL) < end);
        usleep(100);
    }
    if (signal)
        interrupt();
    return packet;
}

/* Without an interrupt if quiet. */
static void put(uint16_t type, uint64_t transaction, const void *payload, uint32_t size, bool quiet)
{
    const struct bus_packet packet = {.type = type, .transaction = transaction, .size = size};
    bool signal;

    assert_int_equal(bus_ring_put(&to_guest, &packet, payload, &signal), BUS_RING_DONE);
    if (!quiet && signal)
        interrupt();
}

static void reply(uint64_t transaction, const void *payload, uint32_t size)
{
    put(BUS_PACKET_COMPLETION, transaction, payload, size, false);
}

/* A word of a control page, by its byte offset; ring 0 is the one to the host. */
static void set_word(unsigned ring, size_t offset, uint32_t value)
{
    __atomic_store_n((uint32_t *)(void *)(memory + ring * RING + offset), value, __ATOMIC_SEQ_CST);
}

/* ---- the guest's end */

static void receive_message(void *context, const void *bytes, size_t size)
{
    uint64_t value = 0;

    (void)context;
    memcpy(&value, bytes, size < sizeof(value) ? size : sizeof(value));
    /* In order, and none twice. */
    if (value == last_message + 1)
        last_message = value;
    atomic_fetch_add(&messages, 1);
}

static void attend(void *context)
{
    (void)context;
    atomic_fetch_add(&attended, 1);
}

static const struct vmbus_channel_owner owner = {.message = receive_message, .attend = attend};

static NTSTATUS try_to_open(uint64_t spin_ns)
{
    struct vmbus_device device = {.monitor = VMBUS_NO_MONITOR, .map_size = {2 * RING, 4096, 4096}};
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    pthread_t thread;

    root = fake_root_make();
    assert_int_equal(mkdir(fake_root_path("dev"), 0755), 0);
    snprintf(address.sun_path, sizeof(address.sun_path), "%s", fake_root_path("dev/uio0"));
    listener = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(listener, (struct sockaddr *)&address, sizeof(address)), 0);
    assert_int_equal(listen(listener, 1), 0);
    assert_int_equal(pthread_create(&thread, NULL, accept_guest, NULL), 0);
    vmbus_channel_init(&channel);
    atomic_store(&attended, 0);
    atomic_store(&messages, 0);
    last_message = 0;
    NTSTATUS status = vmbus_channel_open(&channel, root, &device, spin_ns, &owner);
    pthread_join(thread, NULL);
    return status;
}

static void open_with_spin(uint64_t spin_ns)
{
    assert_int_equal(try_to_open(spin_ns), STATUS_SUCCESS);
}

static int set_up(void **state)
{
    (void)state;
    open_with_spin(0);
    alarm(PATIENCE_S * 2); /* a hang ends the program */
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    vmbus_channel_close(&channel);
    vmbus_channel_destroy(&channel);
    munmap(memory, 2 * RING);
    close(connection);
    close(listener);
    fake_root_remove();
    alarm(0);
    return 0;
}

/* A thread that asks once. */
struct asker {
    pthread_t thread;
    uint64_t question, answer[4];
    size_t capacity, size;
    NTSTATUS status;
};

static void *ask(void *context)
{
    struct asker *asker = context;

    asker->status = vmbus_channel_exchange(&channel, &asker->question, sizeof(asker->question),
                                           asker->answer, asker->capacity, &asker->size);
    return NULL;
}

static void start(struct asker *asker, uint64_t question)
{
    *asker = (struct asker){.question = question, .capacity = sizeof(asker->answer)};
    assert_int_equal(pthread_create(&asker->thread, NULL, ask, asker), 0);
}

static void finish(struct asker *asker, NTSTATUS status)
{
    pthread_join(asker->thread, NULL);
    assert_int_equal(asker->status, status);
}

/* ---- replies */

static void replies_find_who_asked_in_any_order(void **state)
{
    struct asker askers[THREADS];
    uint64_t questions[THREADS], transactions[THREADS];
    (void)state;

    for (int round = 0; round < 50; round++) {
        for (unsigned i = 0; i < THREADS; i++)
            start(&askers[i], 100 + i);
        for (unsigned i = 0; i < THREADS; i++)
            transactions[i] = take(&questions[i], sizeof(questions[i])).transaction;
        for (unsigned i = THREADS; i-- > 0;) {
            uint64_t answer = questions[i] * 2;

            reply(transactions[i], &answer, sizeof(answer));
        }
        for (unsigned i = 0; i < THREADS; i++) {
            finish(&askers[i], STATUS_SUCCESS);
            assert_int_equal(askers[i].answer[0], askers[i].question * 2);
            assert_int_equal(askers[i].size, sizeof(uint64_t));
        }
    }
}

static void replies_that_nobody_waits_for_are_dropped(void **state)
{
    struct asker asker;
    uint64_t question, answer = 7;
    (void)state;

    for (int round = 0; round < 3; round++) {
        start(&asker, 1);
        struct bus_packet packet = take(&question, sizeof(question));
        reply(packet.transaction + 1000, &question, sizeof(question)); /* of nobody */
        reply(0, &question, sizeof(question));
        reply(packet.transaction, &answer, sizeof(answer));
        reply(packet.transaction, &question, sizeof(question)); /* a second time */
        finish(&asker, STATUS_SUCCESS);
        assert_int_equal(asker.answer[0], 7);
    }
}

static void a_transaction_is_never_used_twice(void **state)
{
    uint64_t question, last = 0;
    struct asker asker;
    (void)state;

    for (int round = 0; round < 20; round++) {
        start(&asker, 1);
        struct bus_packet packet = take(&question, sizeof(question));
        assert_true(packet.wants_completion);
        assert_true(packet.transaction > last);
        last = packet.transaction;
        reply(last, &question, sizeof(question));
        finish(&asker, STATUS_SUCCESS);
    }
}

static void a_reply_is_cut_to_the_room_that_there_is(void **state)
{
    uint64_t question, answer[4] = {1, 2, 3, 4};
    struct asker asker = {.question = 1, .capacity = 16};
    (void)state;

    asker.answer[2] = 99;
    assert_int_equal(pthread_create(&asker.thread, NULL, ask, &asker), 0);
    reply(take(&question, sizeof(question)).transaction, answer, sizeof(answer));
    finish(&asker, STATUS_SUCCESS);
    assert_int_equal(asker.size, 16);
    assert_int_equal(asker.answer[1], 2);
    assert_int_equal(asker.answer[2], 99);
    start(&asker, 1);
    reply(take(&question, sizeof(question)).transaction, NULL, 0);
    finish(&asker, STATUS_SUCCESS);
    assert_int_equal(asker.size, 0);
}

static void a_reply_without_an_interrupt_is_found_all_the_same(void **state)
{
    uint64_t question;
    struct asker asker;
    (void)state;

    start(&asker, 5);
    struct bus_packet packet = take(&question, sizeof(question));
    set_word(1, 8, 1); /* the host says that the guest wants no interrupts */
    put(BUS_PACKET_COMPLETION, packet.transaction, &question, sizeof(question), true);
    finish(&asker, STATUS_SUCCESS);
    assert_int_equal(asker.answer[0], 5);
}

static void interrupts_for_nothing_do_no_harm(void **state)
{
    uint64_t question;
    struct asker asker;
    (void)state;

    start(&asker, 5);
    struct bus_packet packet = take(&question, sizeof(question));
    for (int i = 0; i < 1000; i++)
        interrupt();
    reply(packet.transaction, &question, sizeof(question));
    finish(&asker, STATUS_SUCCESS);
}

static void the_hosts_hand_on_the_guests_own_words_changes_nothing(void **state)
{
    uint64_t question;
    struct asker asker;
    (void)state;

    for (int round = 0; round < 3; round++) {
        set_word(0, 0, 0x1238); /* the write index to the host */
        set_word(1, 4, 0x1238); /* the read index from it */
        start(&asker, 5);
        while (__atomic_load_n((uint32_t *)(void *)memory, __ATOMIC_ACQUIRE) == 0x1238)
            usleep(100);
        reply(take(&question, sizeof(question)).transaction, &question, sizeof(question));
        finish(&asker, STATUS_SUCCESS);
        from_guest.own = __atomic_load_n((uint32_t *)(void *)memory, __ATOMIC_ACQUIRE);
    }
}

/* ---- the host's messages */

static void messages_come_in_order_while_somebody_waits_and_while_nobody_does(void **state)
{
    uint64_t question, value = 0;
    struct asker asker;
    (void)state;

    start(&asker, 5);
    struct bus_packet packet = take(&question, sizeof(question));
    for (int i = 0; i < 20; i++) {
        value++;
        put(BUS_PACKET_DATA, 0, &value, sizeof(value), false);
    }
    reply(packet.transaction, &question, sizeof(question));
    finish(&asker, STATUS_SUCCESS);
    for (int i = 0; i < 20; i++) {
        value++;
        put(BUS_PACKET_DATA, 0, &value, sizeof(value), false);
        assert_true(vmbus_channel_serve(&channel));
    }
    assert_int_equal(atomic_load(&messages), 40);
    assert_int_equal(last_message, 40);
}

static void a_stream_without_an_end_does_not_keep_a_caller(void **state)
{
    uint64_t question, value = 0;
    struct asker asker;
    (void)state;

    start(&asker, 5);
    struct bus_packet packet = take(&question, sizeof(question));
    reply(packet.transaction, &question, sizeof(question));
    /* As fast as it can, until the caller is gone. */
    for (int i = 0; i < 200000; i++) {
        const struct bus_packet next = {.type = BUS_PACKET_DATA, .size = sizeof(value)};
        bool signal;

        value++;
        if (bus_ring_put(&to_guest, &next, &value, &signal) != BUS_RING_DONE)
            value--;
        else if (signal)
            interrupt();
    }
    finish(&asker, STATUS_SUCCESS);
    while (atomic_load(&messages) < value)
        assert_true(vmbus_channel_serve(&channel));
    assert_int_equal(last_message, value);
}

/* ---- rules that the host breaks */

static void write_packet(uint16_t type, uint16_t offset8, uint16_t length8, uint16_t flags)
{
    const uint16_t fields[4] = {type, offset8, length8, flags};

    memcpy(memory + RING + 4096, fields, sizeof(fields));
    set_word(1, 0, 64);
}

static void index_beyond(void)
{
    set_word(1, 0, 8192);
}

static void index_unaligned(void)
{
    set_word(1, 0, 12);
}

static void less_than_a_packet(void)
{
    set_word(1, 0, 8);
}

static void longer_than_published(void)
{
    write_packet(BUS_PACKET_COMPLETION, 2, 100, 0);
}

static void payload_in_the_descriptor(void)
{
    write_packet(BUS_PACKET_COMPLETION, 1, 4, 0);
}

static void payload_behind_the_packet(void)
{
    write_packet(BUS_PACKET_COMPLETION, 5, 4, 0);
}

static void of_another_type(void)
{
    write_packet(9, 2, 4, 0);
}

static void with_another_flag(void)
{
    write_packet(BUS_PACKET_COMPLETION, 2, 4, 2);
}

static void of_length_0(void)
{
    write_packet(BUS_PACKET_COMPLETION, 0, 0, 0);
}

static void every_broken_rule_ends_the_channel(void **state)
{
    static void (*const break_rule[])(void) = {
        index_beyond,          index_unaligned,           less_than_a_packet,
        longer_than_published, payload_in_the_descriptor, payload_behind_the_packet,
        of_another_type,       with_another_flag,         of_length_0,
    };
    struct asker askers[2];
    uint64_t question;

    for (size_t i = 0; i < COUNT(break_rule); i++) {
        if (i > 0)
            set_up(state);
        start(&askers[0], 1);
        start(&askers[1], 2);
        take(&question, sizeof(question));
        take(&question, sizeof(question));
        break_rule[i]();
        interrupt();
        finish(&askers[0], STATUS_DEVICE_REMOVED);
        finish(&askers[1], STATUS_DEVICE_REMOVED);
        assert_true(atomic_load(&attended) > 0);
        assert_false(vmbus_channel_serve(&channel));
        start(&askers[0], 1);
        finish(&askers[0], STATUS_DEVICE_REMOVED);
        assert_int_equal(vmbus_channel_post(&channel, &question, 8), STATUS_DEVICE_REMOVED);
        if (i + 1 < COUNT(break_rule))
            tear_down(state);
    }
}

static void a_read_index_that_cannot_be_ends_the_channel(void **state)
{
    static unsigned char large[4000];
    NTSTATUS status = STATUS_SUCCESS;
    (void)state;

    set_word(0, 4, 8192);
    for (int i = 0; i < 4 && NT_SUCCESS(status); i++)
        status = vmbus_channel_post(&channel, large, sizeof(large));
    assert_int_equal(status, STATUS_DEVICE_REMOVED);
}

/* ---- the end */

/* All threads wait for replies while the channel ends. */
static void ends_all_calls(void (*end)(void))
{
    struct asker askers[THREADS];
    uint64_t question;

    for (unsigned i = 0; i < THREADS; i++)
        start(&askers[i], i);
    for (unsigned i = 0; i < THREADS; i++)
        take(&question, sizeof(question));
    end();
    for (unsigned i = 0; i < THREADS; i++)
        finish(&askers[i], STATUS_DEVICE_REMOVED);
}

static void rescind(void)
{
    shutdown(connection, SHUT_WR);
}

static void a_rescind_ends_all_calls(void **state)
{
    (void)state;
    ends_all_calls(rescind);
}

static void close_channel(void)
{
    vmbus_channel_close(&channel);
}

static void a_close_ends_all_calls(void **state)
{
    struct asker asker;
    (void)state;

    ends_all_calls(close_channel);
    start(&asker, 1);
    finish(&asker, STATUS_DEVICE_REMOVED);
}

static void what_exceeds_the_ring_is_refused_at_once(void **state)
{
    static unsigned char large[8192];
    (void)state;

    assert_int_equal(vmbus_channel_largest(&channel), 8192 - 32);
    assert_int_equal(vmbus_channel_post(&channel, large, 8192 - 31), STATUS_INVALID_PARAMETER);
    assert_int_equal(vmbus_channel_post(&channel, large, 8192 - 32), STATUS_SUCCESS);
}

static time_t seconds(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec;
}

/* Nobody's patience begins when another's has ended; but who comes later is as patient. */
static void a_ring_that_stays_full_keeps_everybody_for_one_time_limit(void **state)
{
    static unsigned char large[8192 - 32];
    struct asker askers[THREADS];
    uint64_t question;
    (void)state;

    assert_int_equal(vmbus_channel_post(&channel, large, sizeof(large)), STATUS_SUCCESS);
    time_t before = seconds();
    for (unsigned i = 0; i < THREADS; i++)
        start(&askers[i], i);
    for (unsigned i = 0; i < THREADS; i++)
        finish(&askers[i], STATUS_INSUFFICIENT_RESOURCES);
    assert_in_range(seconds() - before, VMBUS_SEND_LIMIT_MS / 1000 - 1,
                    2 * VMBUS_SEND_LIMIT_MS / 1000);
    start(&askers[0], 0);
    sleep(1);
    take(large, sizeof(large));
    reply(take(&question, sizeof(question)).transaction, &question, sizeof(question));
    finish(&askers[0], STATUS_SUCCESS);
}

/* The reading is offered to who waits for room, and it has no use for it. */
static void who_gives_up_for_want_of_room_leaves_the_reading_to_the_others(void **state)
{
    static unsigned char large[8192 - 32];
    struct asker first, second, third;
    uint64_t question;
    (void)state;

    start(&first, 1);
    struct bus_packet asked_first = take(&question, sizeof(question));
    start(&second, 2);
    struct bus_packet asked_second = take(&question, sizeof(question));
    assert_int_equal(vmbus_channel_post(&channel, large, sizeof(large)), STATUS_SUCCESS);
    start(&third, 3);
    usleep(50000); /* it waits for room, which it does for long */
    reply(asked_first.transaction, &question, sizeof(question));
    finish(&first, STATUS_SUCCESS);
    finish(&third, STATUS_INSUFFICIENT_RESOURCES);
    reply(asked_second.transaction, &question, sizeof(question));
    finish(&second, STATUS_SUCCESS);
}

static void looking_before_sleeping_finds_replies_too(void **state)
{
    uint64_t question;
    struct asker asker;

    tear_down(state);
    open_with_spin(2000000);
    for (int round = 0; round < 50; round++) {
        start(&asker, 5);
        reply(take(&question, sizeof(question)).transaction, &question, sizeof(question));
        finish(&asker, STATUS_SUCCESS);
    }
}

/* The next access would be a fault. */
static void rings_that_are_smaller_than_sysfs_says_are_no_channel(void **state)
{
    tear_down(state);
    missing = 4096;
    NTSTATUS status = try_to_open(0);
    missing = 0;
    assert_int_equal(status, STATUS_UNSUCCESSFUL);
}

static void files_without_a_greeting_are_closed(void **state)
{
    tear_down(state);
    unsigned before = held_descriptors();
    speechless = true;
    NTSTATUS status = try_to_open(0);
    speechless = false;
    assert_int_equal(status, STATUS_DEVICE_REMOVED);
    assert_int_equal(held_descriptors(), before + 2); /* listener and connection */
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(replies_find_who_asked_in_any_order),
        TEST(replies_that_nobody_waits_for_are_dropped),
        TEST(a_transaction_is_never_used_twice),
        TEST(a_reply_is_cut_to_the_room_that_there_is),
        TEST(a_reply_without_an_interrupt_is_found_all_the_same),
        TEST(interrupts_for_nothing_do_no_harm),
        TEST(the_hosts_hand_on_the_guests_own_words_changes_nothing),
        TEST(messages_come_in_order_while_somebody_waits_and_while_nobody_does),
        TEST(a_stream_without_an_end_does_not_keep_a_caller),
        TEST(every_broken_rule_ends_the_channel),
        TEST(a_read_index_that_cannot_be_ends_the_channel),
        TEST(a_rescind_ends_all_calls),
        TEST(a_close_ends_all_calls),
        TEST(what_exceeds_the_ring_is_refused_at_once),
        TEST(a_ring_that_stays_full_keeps_everybody_for_one_time_limit),
        TEST(who_gives_up_for_want_of_room_leaves_the_reading_to_the_others),
        TEST(looking_before_sleeping_finds_replies_too),
        TEST(rings_that_are_smaller_than_sysfs_says_are_no_channel),
        TEST(files_without_a_greeting_are_closed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
