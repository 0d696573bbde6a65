/* SPDX-License-Identifier: MIT */
/* Frames that are none: each ends its own connection, and nothing else. */
#include "client/client.h"
#include "hostd/host_process.h"

#include <errno.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

static struct host_process host;
static int observer;

static int start_host(void **state)
{
    (void)state;
    host_process_start(&host, NULL, NULL);
    observer = host_process_join(&host);
    host_process_count(observer); /* now the host is through with the welcome */
    return 0;
}

static int stop_host(void **state)
{
    (void)state;
    close(observer);
    return host_process_stop(&host);
}

/* The connection ends, and the host goes on serving others. */
static void expect_end(int connection)
{
    char rest[256];
    ssize_t size;

    do
        size = recv(connection, rest, sizeof(rest), 0);
    while (size > 0);
    assert_true(size == 0 || errno == ECONNRESET);
    close(connection);
    host_process_until_alone(observer);
    assert_int_equal(host_process_count(observer).objects, 0);
}

/* ---- packets */

struct malformed {
    const char *name;
    bool joined; /* after hello and welcome */
    uint32_t words[8];
    size_t size;
    unsigned files;
};

static const struct malformed packets[] = {
    {"nothing at all", false, {0}, 0, 0},
    {"nothing but a descriptor", false, {0}, 0, 1},
    {"nothing but two descriptors", true, {0}, 0, 2},
    {"nothing but too many descriptors", true, {0}, 0, 9},
    {"shorter than a header", false, {REMOTE_HELLO}, 4, 0},
    {"type 0", false, {0}, 8, 0},
    {"unknown type", false, {1000}, 8, 0},
    {"type between the sides", false, {20}, 8, 0},
    {"type of the host", true, {REMOTE_ANSWER, 0, 0, 0}, 16, 0},
    {"reserved word set", false, {REMOTE_HELLO, 1, REMOTE_MAGIC, REMOTE_VERSION}, 16, 0},
    {"hello too short", false, {REMOTE_HELLO, 0, REMOTE_MAGIC}, 12, 0},
    {"hello too long", false, {REMOTE_HELLO, 0, REMOTE_MAGIC, REMOTE_VERSION, 0}, 20, 0},
    {"hello of another magic", false, {REMOTE_HELLO, 0, 7, REMOTE_VERSION}, 16, 0},
    {"hello of another version", false, {REMOTE_HELLO, 0, REMOTE_MAGIC, 99}, 16, 0},
    {"hello with a descriptor", false, {REMOTE_HELLO, 0, REMOTE_MAGIC, REMOTE_VERSION}, 16, 1},
    {"second hello", true, {REMOTE_HELLO, 0, REMOTE_MAGIC, REMOTE_VERSION}, 16, 0},
    {"no hello first", false, {REMOTE_COUNT}, 8, 0},
    {"config read too short", true, {REMOTE_CONFIG_READ}, 8, 0},
    {"config write too long", true, {REMOTE_CONFIG_WRITE}, 24, 0},
    {"slot without a number", true, {REMOTE_OPEN_SLOT}, 8, 0},
    {"look-up without a descriptor", true, {REMOTE_LOOK_UP}, 8, 0},
    {"look-up with two descriptors", true, {REMOTE_LOOK_UP}, 8, 2},
    {"count with a body", true, {REMOTE_COUNT, 0, 1}, 12, 0},
    {"add too short", true, {REMOTE_ADD, 0, 0, 0}, 16, 0},
    {"remove without a number", true, {REMOTE_REMOVE, 0}, 8, 0},
    {"quiet about an adapter that stays", true, {REMOTE_QUIET, 0, 0}, 12, 0},
    {"left an adapter that stays", true, {REMOTE_LEFT, 0, 0}, 12, 0},
    {"left an adapter beyond all", true, {REMOTE_LEFT, 0, UINT32_MAX}, 12, 0},
    {"a host's packet: removed", true, {REMOTE_REMOVED, 0, 0}, 12, 0},
    {"more descriptors than any packet has", true, {REMOTE_COUNT}, 8, 9},
};

static void send_malformed(int connection, const struct malformed *malformed)
{
    union {
        struct cmsghdr header;
        char bytes[CMSG_SPACE(sizeof(int) * 16)];
    } control = {0};
    struct iovec piece = {(void *)malformed->words, malformed->size};
    struct msghdr message = {.msg_iov = &piece, .msg_iovlen = 1};
    int files[16] = {0};

    if (malformed->files > 0) {
        message.msg_control = &control;
        message.msg_controllen = CMSG_SPACE(sizeof(int) * malformed->files);
        struct cmsghdr *part = CMSG_FIRSTHDR(&message);
        part->cmsg_level = SOL_SOCKET;
        part->cmsg_type = SCM_RIGHTS;
        part->cmsg_len = CMSG_LEN(sizeof(int) * malformed->files);
        memcpy(CMSG_DATA(part), files, sizeof(int) * malformed->files);
    }
    assert_int_equal(sendmsg(connection, &message, MSG_NOSIGNAL), malformed->size);
}

static void a_malformed_packet_ends_its_connection(void **state)
{
    const struct malformed *malformed = *state;
    unsigned descriptors = host_process_descriptors(&host);
    int connection = malformed->joined ? host_process_join(&host) : host_process_connect(&host);

    send_malformed(connection, malformed);
    expect_end(connection);
    assert_int_equal(host_process_descriptors(&host), descriptors);
}

static void a_packet_beyond_the_limit_ends_its_connection(void **state)
{
    unsigned char *bytes = calloc(1, REMOTE_PACKET_LIMIT + 8);
    int connection = host_process_join(&host);
    (void)state;

    assert_non_null(bytes);
    bytes[0] = REMOTE_KEEP;
    assert_int_equal(send(connection, bytes, REMOTE_PACKET_LIMIT + 8, MSG_NOSIGNAL),
                     REMOTE_PACKET_LIMIT + 8);
    expect_end(connection);
    free(bytes);
}

static void a_connection_may_end_at_once(void **state)
{
    int connection = host_process_connect(&host);
    (void)state;

    shutdown(connection, SHUT_WR);
    expect_end(connection);
}

/* ---- slots */

struct bad_order {
    const char *name;
    uint32_t state, channel, size, capacity;
};

static const struct bad_order orders[] = {
    {"unknown state", 77, 0, 0, 0},
    {"unknown channel", REMOTE_SLOT_COMMAND, REMOTE_MAX_ADAPTERS + 1, 8, 8},
    {"command beyond the limit", REMOTE_SLOT_COMMAND, 0, REMOTE_MESSAGE_LIMIT + 1, 8},
    {"capacity beyond the limit", REMOTE_SLOT_COMMAND, 0, 8, UINT32_MAX},
};

static void open_slot(int connection, uint32_t number, NTSTATUS expected)
{
    struct remote_open_slot open = {number};
    struct remote_outgoing request = {
        .type = REMOTE_OPEN_SLOT, .body = &open, .body_size = sizeof(open)};

    assert_int_equal(host_process_ask(connection, &request), expected);
}

static void a_slot_that_holds_no_command_ends_its_connection(void **state)
{
    const struct bad_order *order = *state;
    struct remote_slot *slots;
    int connection = host_process_join_with_slots(&host, &slots);

    open_slot(connection, 3, STATUS_SUCCESS);
    slots[3].channel = order->channel;
    slots[3].size = order->size;
    slots[3].capacity = order->capacity;
    remote_slot_set(&slots[3], order->state);
    expect_end(connection);
    munmap(slots, REMOTE_SLOTS * sizeof(*slots));
}

/* As a client does that is killed between the two halves of handing a command over. */
static void a_slot_handed_over_without_waking_ends_with_its_connection(void **state)
{
    struct remote_slot *slots;
    int connection = host_process_join_with_slots(&host, &slots);
    (void)state;

    open_slot(connection, 4, STATUS_SUCCESS);
    while (atomic_load(&slots[4].state) != (REMOTE_SLOT_IDLE | REMOTE_SLOT_ASLEEP))
        sched_yield();
    usleep(10000); /* until its thread does sleep; if that takes longer, less is tested */
    atomic_store(&slots[4].state, REMOTE_SLOT_COMMAND);
    munmap(slots, REMOTE_SLOTS * sizeof(*slots));
    close(connection);
    host_process_until_alone(observer);
}

static void a_slot_is_opened_once(void **state)
{
    int connection = host_process_join(&host);
    (void)state;

    open_slot(connection, 5, STATUS_SUCCESS);
    open_slot(connection, 5, STATUS_INSUFFICIENT_RESOURCES);
    open_slot(connection, REMOTE_SLOTS, STATUS_INSUFFICIENT_RESOURCES);
    close(connection);
    host_process_until_alone(observer);
}

/* Bytes that are no message are the host's to refuse: the connection goes on. */
static void a_command_that_is_none_is_answered(void **state)
{
    struct remote_slot *slots;
    int connection = host_process_join_with_slots(&host, &slots);
    (void)state;

    open_slot(connection, 0, STATUS_SUCCESS);
    memset(slots[0].command, 0xff, 64);
    slots[0].size = 64;
    slots[0].capacity = 64;
    remote_slot_set(&slots[0], REMOTE_SLOT_COMMAND);
    while (remote_slot_wait(&slots[0], REMOTE_SLOT_COMMAND, 0) == REMOTE_SLOT_COMMAND)
        continue;
    assert_true(slots[0].reply_size >= sizeof(NTSTATUS));
    assert_int_equal(host_process_count(connection).guests, 2);
    munmap(slots, REMOTE_SLOTS * sizeof(*slots));
    close(connection);
    host_process_until_alone(observer);
}

/* ---- what cannot be kept: the host says so, and the connection goes on */

struct unkept {
    const char *name;
    struct remote_keep keep;
};

static const struct unkept unkept[] = {
    {"keep of an unknown kind", {.kind = 2, .nt_handle = 1}},
    {"keep of an object without an NT object", {.kind = REMOTE_KEPT_OBJECT}},
    {"keep of an NT object that is none", {.kind = REMOTE_KEPT_OBJECT, .nt_handle = 0x40008002}},
    {"sync file without a name", {.kind = REMOTE_KEPT_SYNC_FILE}},
    {"sync file with a slash in its name", {.kind = REMOTE_KEPT_SYNC_FILE, .name = "a/b"}},
    {"sync file with a control character", {.kind = REMOTE_KEPT_SYNC_FILE, .name = "a\nb"}},
    {"sync file whose name does not end",
     {.kind = REMOTE_KEPT_SYNC_FILE, .name = "0123456789abcdef0123456789abcde-"}},
    {"sync file of a fence that is none",
     {.kind = REMOTE_KEPT_SYNC_FILE, .process = 0x40008002, .fence = 0x40008000, .name = "name"}},
};

static void what_cannot_be_kept_is_refused(void **state)
{
    const struct unkept *what = *state;
    struct remote_outgoing request = {
        .type = REMOTE_KEEP, .body = &what->keep, .body_size = sizeof(what->keep)};
    unsigned descriptors = host_process_descriptors(&host);

    assert_int_equal(host_process_ask(observer, &request), STATUS_INVALID_PARAMETER);
    assert_int_equal(host_process_count(observer).kept, 0);
    assert_int_equal(host_process_descriptors(&host), descriptors);
}

static void a_descriptor_that_is_none_of_the_hosts_is_refused(void **state)
{
    int file = STDERR_FILENO;
    struct remote_outgoing request = {.type = REMOTE_LOOK_UP, .files = &file, .file_count = 1};
    (void)state;

    assert_int_equal(host_process_ask(observer, &request), STATUS_INVALID_PARAMETER);
    file = observer;
    assert_int_equal(host_process_ask(observer, &request), STATUS_INVALID_PARAMETER);
}

int main(void)
{
    static const struct CMUnitTest others[] = {
        cmocka_unit_test(a_descriptor_that_is_none_of_the_hosts_is_refused),
        cmocka_unit_test(a_packet_beyond_the_limit_ends_its_connection),
        cmocka_unit_test(a_connection_may_end_at_once),
        cmocka_unit_test(a_slot_handed_over_without_waking_ends_with_its_connection),
        cmocka_unit_test(a_slot_is_opened_once),
        cmocka_unit_test(a_command_that_is_none_is_answered),
    };
    struct CMUnitTest tests[COUNT(packets) + COUNT(orders) + COUNT(unkept) + COUNT(others)];
    size_t count = 0;

    for (size_t i = 0; i < COUNT(packets); i++)
        tests[count++] =
            (struct CMUnitTest){packets[i].name, a_malformed_packet_ends_its_connection, NULL, NULL,
                                (void *)&packets[i]};
    for (size_t i = 0; i < COUNT(orders); i++)
        tests[count++] =
            (struct CMUnitTest){orders[i].name, a_slot_that_holds_no_command_ends_its_connection,
                                NULL, NULL, (void *)&orders[i]};
    for (size_t i = 0; i < COUNT(unkept); i++)
        tests[count++] = (struct CMUnitTest){unkept[i].name, what_cannot_be_kept_is_refused, NULL,
                                             NULL, (void *)&unkept[i]};
    memcpy(&tests[count], others, sizeof(others));
    return cmocka_run_group_tests_name("frames that are none", tests, start_host, stop_host);
}
