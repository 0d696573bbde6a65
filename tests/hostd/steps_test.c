/* SPDX-License-Identifier: MIT */
/* The steps of adapters that come and go, as a guest sees them that knows the protocol alone. */
#include "client/client.h"
#include "hostd/host_process.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { PATIENCE_MS = 20000, TIMES = 3000 };

static struct host_process host;

/* One connection, with what it has heard. */
struct guest {
    int connection;
    bool knows[REMOTE_MAX_ADAPTERS];
    unsigned owed;               /* answers */
    struct remote_answer answer; /* the last one */
};

static int start_host(void **state)
{
    (void)state;
    host_process_start(&host, "adapters=1", NULL);
    return 0;
}

static int stop_host(void **state)
{
    (void)state;
    return host_process_stop(&host);
}

static struct guest join(bool knows_the_first)
{
    return (struct guest){.connection = host_process_join(&host), .knows = {knows_the_first}};
}

static void send_to_host(struct guest *guest, enum remote_packet_type type, const void *body,
                         size_t size)
{
    const struct remote_outgoing packet = {.type = type, .body = body, .body_size = size};

    assert_int_equal(remote_send(guest->connection, &packet, true), REMOTE_OK);
    guest->owed++;
}

static void send_number(struct guest *guest, enum remote_packet_type type, uint32_t adapter)
{
    const struct remote_number body = {adapter};

    send_to_host(guest, type, &body, sizeof(body));
}

static void send_add(struct guest *guest)
{
    const struct remote_add body = {0, 0, 0};

    send_to_host(guest, REMOTE_ADD, &body, sizeof(body));
}

/* Takes what the host says next, which must fit to what it has said before; its type. */
static enum remote_packet_type hear(struct guest *guest, uint32_t *adapter)
{
    struct pollfd polled = {.fd = guest->connection, .events = POLLIN};
    struct remote_received *received = malloc(sizeof(*received));
    struct remote_packet packet;

    assert_non_null(received);
    assert_int_equal(poll(&polled, 1, PATIENCE_MS), 1);
    assert_int_equal(remote_receive(guest->connection, received), REMOTE_OK);
    assert_null(remote_packet_decode(received->bytes, received->size, received->file_count, false,
                                     &packet));
    if (packet.type == REMOTE_ANSWER) {
        memcpy(&guest->answer, packet.body, sizeof(guest->answer));
        guest->owed--;
    } else {
        memcpy(adapter, packet.body, sizeof(*adapter));
        assert_in_range(*adapter, 0, REMOTE_MAX_ADAPTERS - 1);
        assert_int_equal(guest->knows[*adapter], packet.type != REMOTE_ARRIVED);
        guest->knows[*adapter] = packet.type != REMOTE_REMOVED;
    }
    free(received);
    return packet.type;
}

static void expect(struct guest *guest, enum remote_packet_type type, uint32_t adapter)
{
    uint32_t heard;

    assert_int_equal(hear(guest, &heard), type);
    if (type == REMOTE_ANSWER)
        assert_success(guest->answer.status);
    else
        assert_int_equal(heard, adapter);
}

/* ---- */

/* One that others have to let go of yet has its place, even if nothing of it is in use. */
static void what_comes_takes_no_place_of_what_goes(void **state)
{
    struct guest guest = join(true), other = join(true);
    (void)state;

    send_number(&guest, REMOTE_REMOVE, 0);
    expect(&guest, REMOTE_LEAVING, 0);
    expect(&guest, REMOTE_ANSWER, 0);
    expect(&other, REMOTE_LEAVING, 0);
    send_number(&guest, REMOTE_QUIET, 0);
    expect(&guest, REMOTE_ANSWER, 0);
    send_number(&other, REMOTE_QUIET, 0);
    expect(&other, REMOTE_LOST, 0);
    expect(&other, REMOTE_ANSWER, 0);
    expect(&guest, REMOTE_LOST, 0);
    send_add(&guest);
    expect(&guest, REMOTE_ARRIVED, 1);
    expect(&guest, REMOTE_ANSWER, 0);
    assert_int_equal(guest.answer.value, 1);
    expect(&other, REMOTE_ARRIVED, 1);
    send_number(&guest, REMOTE_LEFT, 0);
    expect(&guest, REMOTE_ANSWER, 0);
    send_number(&other, REMOTE_LEFT, 0);
    expect(&other, REMOTE_REMOVED, 0);
    expect(&other, REMOTE_ANSWER, 0);
    expect(&guest, REMOTE_REMOVED, 0);
    send_add(&other);
    expect(&other, REMOTE_ARRIVED, 0);
    expect(&other, REMOTE_ANSWER, 0);
    close(guest.connection);
    close(other.connection);
}

/* Does what the host asks for. */
static void follow(struct guest *guest)
{
    uint32_t adapter;
    enum remote_packet_type type = hear(guest, &adapter);

    if (type == REMOTE_LEAVING)
        send_number(guest, REMOTE_QUIET, adapter);
    else if (type == REMOTE_LOST)
        send_number(guest, REMOTE_LEFT, adapter);
}

/* Two ask at once for opposite things: guests hear of each adapter before they hear that it goes,
 * and of each that is there. */
static void all_hear_of_all_that_comes_and_goes(void **state)
{
    struct guest adds = join(true), removes = join(true);
    struct pollfd polled[] = {{.fd = adds.connection, .events = POLLIN},
                              {.fd = removes.connection, .events = POLLIN}};
    unsigned added = 0, removed = 0;
    (void)state;

    adds.knows[1] = removes.knows[1] = true; /* of the test before */
    for (unsigned i = 0; i < TIMES; i++) {
        if (adds.owed == 0) {
            added += i > 0 && NT_SUCCESS(adds.answer.status);
            send_add(&adds);
        }
        if (removes.owed == 0) {
            removed += i > 0 && NT_SUCCESS(removes.answer.status);
            send_number(&removes, REMOTE_REMOVE, i % 2);
        }
        assert_in_range(poll(polled, 2, PATIENCE_MS), 1, 2);
        if (polled[0].revents)
            follow(&adds);
        if (polled[1].revents)
            follow(&removes);
    }
    assert_in_range(added, 1, TIMES);
    assert_in_range(removed, 1, TIMES);
    close(adds.connection);
    close(removes.connection);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_comes_takes_no_place_of_what_goes),
        cmocka_unit_test(all_hear_of_all_that_comes_and_goes),
    };

    return cmocka_run_group_tests_name("steps of hot-plug", tests, start_host, stop_host);
}
