/* SPDX-License-Identifier: MIT */
/* A host that breaks the protocol: the client refuses it with a reason, and nothing else happens.
 */
#include "client/client.h"
#include "client/gpu.h"
#include "hostd/host_process.h"

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum { PATIENCE_MS = 20000 };

static struct host_process host; /* a good one, behind a relay that spoils what it says */
static char backend[160];
static struct sockaddr_un address = {.sun_family = AF_UNIX};
static int listener;

static int listen_before_it(void **state)
{
    (void)state;
    host_process_start(&host, NULL, NULL);
    snprintf(address.sun_path, sizeof(address.sun_path), "%s/relay", host.folder);
    snprintf(backend, sizeof(backend), "loopback:host=%s/relay", host.folder);
    listener = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(listener, (const struct sockaddr *)&address, sizeof(address)), 0);
    return listen(listener, 1);
}

static int stop_both(void **state)
{
    (void)state;
    close(listener);
    return host_process_stop(&host);
}

/* ---- the relay */

enum spoiled { NOTHING, MAY_SHRINK, TOO_SHORT, PIPE };

struct greeting {
    const char *name;
    enum spoiled files[2]; /* IO space, slots */
    unsigned word;         /* of the welcome, from 1 on; 0: none is spoiled */
    uint32_t value;
};

struct relay {
    const struct greeting *greeting;
    pthread_t thread;
    int client, host;
};

static int spoil(int file, enum spoiled how)
{
    struct stat status;
    int made[2];

    if (how == NOTHING)
        return file;
    assert_int_equal(fstat(file, &status), 0);
    close(file);
    if (how == PIPE) {
        assert_int_equal(pipe(made), 0);
        close(made[1]);
        return made[0];
    }
    made[0] = memfd_create("test", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    assert_int_equal(ftruncate(made[0], status.st_size - (how == TOO_SHORT ? 4096 : 0)), 0);
    if (how != MAY_SHRINK)
        assert_int_equal(fcntl(made[0], F_ADD_SEALS, F_SEAL_SHRINK), 0);
    return made[0];
}

static void spoil_welcome(struct remote_received *received, const struct greeting *greeting)
{
    uint32_t *words = (void *)(received->bytes + sizeof(struct remote_header));

    for (unsigned i = 0; i < received->file_count; i++)
        received->files[i] = spoil(received->files[i], greeting->files[i]);
    if (greeting->word > 0)
        words[greeting->word - 1] = greeting->value;
}

/* False when the sender has gone. */
static bool pass_on(int from, int to, const struct greeting *greeting)
{
    struct remote_received *received = malloc(sizeof(*received));
    bool there = received && remote_receive(from, received) == REMOTE_OK;

    if (there) {
        const struct remote_header *header = (const void *)received->bytes;
        const struct remote_outgoing packet = {.type = header->type,
                                               .body = header + 1,
                                               .body_size = received->size - sizeof(*header),
                                               .files = received->files,
                                               .file_count = received->file_count};

        if (header->type == REMOTE_WELCOME)
            spoil_welcome(received, greeting);
        (void)remote_send(to, &packet, true); /* who has gone is seen the next time */
        remote_received_drop(received);
    }
    free(received);
    return there;
}

static void *run(void *context)
{
    struct relay *relay = context;
    struct pollfd polled[] = {{.events = POLLIN}, {.events = POLLIN}};
    bool there = true;

    polled[0].fd = relay->client = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
    polled[1].fd = relay->host = host_process_connect(&host);
    while (there && poll(polled, 2, PATIENCE_MS) > 0)
        there = (!polled[0].revents || pass_on(relay->client, relay->host, relay->greeting)) &&
                (!polled[1].revents || pass_on(relay->host, relay->client, relay->greeting));
    close(relay->host);
    return (void *)(intptr_t)!there;
}

static NTSTATUS open_through(struct relay *relay, const struct greeting *greeting)
{
    relay->greeting = greeting;
    assert_int_equal(pthread_create(&relay->thread, NULL, run, relay), 0);
    return d3dkmt_open(backend);
}

/* The client has hung up, without being asked to. */
static void expect_end(struct relay *relay)
{
    void *ended;

    assert_int_equal(pthread_join(relay->thread, &ended), 0);
    close(relay->client);
    assert_non_null(ended);
}

/* ---- greetings */

static const struct greeting greetings[] = {
    {.name = "as it should be"},
    {.name = "IO space that may shrink", .files = {MAY_SHRINK, NOTHING}},
    {.name = "IO space that is too short", .files = {TOO_SHORT, NOTHING}},
    {.name = "IO space that is a pipe", .files = {PIPE, NOTHING}},
    {.name = "slots that may shrink", .files = {NOTHING, MAY_SHRINK}},
    {.name = "slots that are too short", .files = {NOTHING, TOO_SHORT}},
    {.name = "slots that are a pipe", .files = {NOTHING, PIPE}},
    {.name = "another magic", .word = 1, .value = 1},
    {.name = "another version", .word = 2, .value = REMOTE_VERSION + 1},
    {.name = "fewer slots", .word = 3, .value = REMOTE_SLOTS - 1},
    {.name = "slots of another size", .word = 4, .value = 4096},
    {.name = "part of a page", .word = 5, .value = 4097},
    {.name = "no end of IO space", .word = 6, .value = UINT32_MAX},
};

static void only_a_good_greeting_is_taken(void **state)
{
    const struct greeting *greeting = *state;
    struct relay relay;
    NTSTATUS status = open_through(&relay, greeting);

    assert_int_equal(NT_SUCCESS(status), greeting == &greetings[0]);
    if (NT_SUCCESS(status))
        D3DKMTCloseDxCoreDevice();
    else
        assert_non_null(strstr(d3dkmt_last_error(), "host"));
    expect_end(&relay);
}

/* ---- packets */

struct bad_packet {
    const char *name;
    enum remote_packet_type type;
    size_t size;
    unsigned files;
};

static const struct bad_packet packets[] = {
    {"an answer to nothing", REMOTE_ANSWER, sizeof(struct remote_answer), 0},
    {"an answer to nothing, with a descriptor", REMOTE_ANSWER, sizeof(struct remote_answer), 1},
    {"a second welcome", REMOTE_WELCOME, sizeof(struct remote_welcome), 2},
    {"a guest's packet", REMOTE_COUNT, 0, 0},
    {"a short answer", REMOTE_ANSWER, 4, 0},
    {"a long arrival", REMOTE_ARRIVED, sizeof(struct remote_arrived) + 4, 0},
    {"a message with a descriptor", REMOTE_MESSAGE, 16, 1},
};

static void a_bad_packet_ends_the_connection(void **state)
{
    static const unsigned char zeros[1024];
    const struct bad_packet *bad = *state;
    const int files[] = {STDERR_FILENO, STDERR_FILENO};
    const struct remote_outgoing packet = {.type = bad->type,
                                           .body = zeros,
                                           .body_size = bad->size,
                                           .files = files,
                                           .file_count = bad->files};
    struct relay relay;

    assert_success(open_through(&relay, &greetings[0]));
    assert_int_equal(remote_send(relay.client, &packet, true), REMOTE_OK);
    expect_end(&relay);
    D3DKMTCloseDxCoreDevice();
}

/* ---- slots */

static void *wait_for_an_end(void *slot)
{
    while (remote_slot_wait(slot, REMOTE_SLOT_COMMAND, 0) == REMOTE_SLOT_COMMAND)
        continue;
    return NULL;
}

/* One of the two sleeps there to be woken in the other's place. */
static void a_closed_slot_wakes_all_that_sleep_over_it(void **state)
{
    struct remote_slot *slot = calloc(1, sizeof(*slot));
    pthread_t threads[2];
    (void)state;

    assert_non_null(slot);
    remote_slot_set(slot, REMOTE_SLOT_COMMAND);
    for (unsigned i = 0; i < COUNT(threads); i++)
        assert_int_equal(pthread_create(&threads[i], NULL, wait_for_an_end, slot), 0);
    client_until_all_asleep();
    alarm(60); /* a hang ends the program */
    remote_slot_close(slot);
    for (unsigned i = 0; i < COUNT(threads); i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    alarm(0);
    free(slot);
}

int main(void)
{
    struct CMUnitTest tests[COUNT(greetings) + COUNT(packets) + 1];
    size_t count = 0;

    for (size_t i = 0; i < COUNT(greetings); i++)
        tests[count++] = (struct CMUnitTest){greetings[i].name, only_a_good_greeting_is_taken, NULL,
                                             NULL, (void *)&greetings[i]};
    for (size_t i = 0; i < COUNT(packets); i++)
        tests[count++] = (struct CMUnitTest){packets[i].name, a_bad_packet_ends_the_connection,
                                             NULL, NULL, (void *)&packets[i]};
    tests[count] = (struct CMUnitTest)cmocka_unit_test(a_closed_slot_wakes_all_that_sleep_over_it);
    return cmocka_run_group_tests_name("a hostile host", tests, listen_before_it, stop_both);
}
