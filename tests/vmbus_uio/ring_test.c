/* SPDX-License-Identifier: MIT */
/* One ring, both ends in one thread: what goes in comes out, and what a hostile peer may do. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "ring_memory.h"

enum { SIZE = 16384, LARGEST = SIZE - 32 };

static struct ring_memory memory;
static struct vmbus_sender sender;
static struct vmbus_receiver receiver;
static unsigned char buffer[SIZE];

/* *state: whether the data area is mapped twice. */
static int set_up(void **state)
{
    ring_memory_create(&memory, SIZE, *state != NULL);
    if (vmbus_sender_init(&sender, &memory.ring) != VMBUS_RING_OK)
        return -1;
    return vmbus_receiver_init(&receiver, &memory.ring) == VMBUS_RING_OK ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    ring_memory_destroy(&memory);
    return 0;
}

static enum vmbus_ring_status put(uint64_t transaction, const void *bytes, uint32_t size)
{
    const struct vmbus_packet packet = {transaction, size, VMBUS_PACKET_DATA, true};

    return vmbus_sender_put(&sender, &packet, bytes);
}

static enum vmbus_ring_status take(struct vmbus_packet *packet)
{
    return vmbus_receiver_take(&receiver, packet, buffer, sizeof(buffer));
}

/* ---- what goes in comes out */

static void every_size_at_every_place(void **state)
{
    unsigned char bytes[SIZE];
    struct vmbus_packet packet;
    uint64_t transaction = 0;

    (void)state;
    for (size_t i = 0; i < sizeof(bytes); i++)
        bytes[i] = (unsigned char)(i * 7 + 1);
    for (size_t size = 0; size <= LARGEST; size += size < 600 ? 1 : 97) {
        assert_int_equal(put(++transaction, bytes + size % 64, size), VMBUS_RING_OK);
        vmbus_sender_publish(&sender);
        assert_int_equal(take(&packet), VMBUS_RING_OK);
        assert_int_equal(packet.type, VMBUS_PACKET_DATA);
        assert_true(packet.completion_requested);
        assert_int_equal(packet.transaction, transaction);
        assert_int_equal(packet.size, (size + 7) / 8 * 8);
        assert_memory_equal(buffer, bytes + size % 64, size);
        for (size_t pad = size; pad < packet.size; pad++)
            assert_int_equal(buffer[pad], 0);
        vmbus_receiver_commit(&receiver);
        assert_int_equal(take(&packet), VMBUS_RING_EMPTY);
    }
}

static void a_completion_asks_for_none(void **state)
{
    const struct vmbus_packet sent = {77, 8, VMBUS_PACKET_COMPLETION, false};
    struct vmbus_packet packet;

    (void)state;
    assert_int_equal(vmbus_sender_put(&sender, &sent, "abcdefgh"), VMBUS_RING_OK);
    vmbus_sender_publish(&sender);
    assert_int_equal(take(&packet), VMBUS_RING_OK);
    assert_int_equal(packet.type, VMBUS_PACKET_COMPLETION);
    assert_int_equal(packet.transaction, 77);
    assert_false(packet.completion_requested);
    assert_int_equal(packet.size, 8);
    assert_memory_equal(buffer, "abcdefgh", 8);
}

/* A payload may be copied in parts, repeatedly, or not at all, until its room is given back. */
static void a_payload_waits_for_the_commit(void **state)
{
    struct vmbus_packet packet;

    (void)state;
    assert_int_equal(put(1, "ignored!", 8), VMBUS_RING_OK);
    assert_int_equal(put(2, "abcdefgh", 8), VMBUS_RING_OK);
    vmbus_sender_publish(&sender);
    assert_int_equal(vmbus_receiver_next(&receiver, &packet, 8), VMBUS_RING_OK);
    assert_int_equal(vmbus_receiver_next(&receiver, &packet, 8), VMBUS_RING_OK);
    assert_int_equal(packet.transaction, 2);
    memset(buffer, 'x', 16);
    vmbus_receiver_copy(&receiver, buffer, 3);
    assert_memory_equal(buffer, "abcx", 4);
    vmbus_receiver_copy(&receiver, buffer, sizeof(buffer));
    assert_memory_equal(buffer, "abcdefghx", 9);
    assert_int_equal(memory.ring.control->read_index, 0);
    vmbus_receiver_commit(&receiver);
    assert_int_equal(memory.ring.control->read_index, 64);
}

static void nothing_is_seen_before_it_is_published(void **state)
{
    struct vmbus_packet packet;

    (void)state;
    assert_int_equal(put(1, "12345678", 8), VMBUS_RING_OK);
    assert_int_equal(take(&packet), VMBUS_RING_EMPTY);
    vmbus_sender_publish(&sender);
    assert_int_equal(take(&packet), VMBUS_RING_OK);
}

static void a_full_ring_takes_nothing_and_goes_on(void **state)
{
    struct vmbus_packet packet;
    uint64_t sent = 0, received = 0;

    (void)state;
    for (unsigned round = 0; round < 100; round++) {
        while (put(sent + 1, "0123456789abcdef", 16) == VMBUS_RING_OK)
            sent++;
        vmbus_sender_publish(&sender);
        assert_int_equal(put(0, "x", 1), VMBUS_RING_FULL);
        for (unsigned i = 0; i < 7; i++) {
            assert_int_equal(take(&packet), VMBUS_RING_OK);
            assert_int_equal(packet.transaction, ++received);
        }
        vmbus_receiver_commit(&receiver);
    }
    assert_true(sent > received);
}

static void what_never_fits_is_told_apart(void **state)
{
    (void)state;
    assert_int_equal(sender.largest, LARGEST);
    assert_int_equal(put(1, buffer, LARGEST + 1), VMBUS_RING_TOO_LARGE);
    assert_int_equal(put(1, buffer, UINT32_MAX), VMBUS_RING_TOO_LARGE);
    assert_int_equal(put(1, buffer, LARGEST), VMBUS_RING_OK);
}

static void the_layout_is_the_wires(void **state)
{
    const unsigned char expected[] = {6,    0,    2,    0,    3, 0,   1,   0, 0xef, 0xcd, 0xab,
                                      0x89, 0x67, 0x45, 0x23, 1, 'h', 'i', 0, 0,    0,    0,
                                      0,    0,    0,    0,    0, 0,   0,   0, 0,    0};

    (void)state;
    assert_int_equal(put(0x123456789abcdef, "hi", 2), VMBUS_RING_OK);
    vmbus_sender_publish(&sender);
    assert_memory_equal(memory.ring.data, expected, sizeof(expected));
    assert_int_equal(memory.ring.control->write_index, 32);
    assert_int_equal(put(1, "", 0), VMBUS_RING_OK);
    uint32_t trailer[2];
    memcpy(trailer, memory.ring.data + 32 + 16, sizeof(trailer));
    assert_int_equal(trailer[0], 0);
    assert_int_equal(trailer[1], 32); /* where the packet begins */
}

/* ---- signals */

static void only_an_empty_ring_wants_a_signal(void **state)
{
    struct vmbus_packet packet;

    (void)state;
    assert_false(vmbus_sender_publish(&sender)); /* nothing was put */
    assert_int_equal(put(1, "a", 1), VMBUS_RING_OK);
    assert_true(vmbus_sender_publish(&sender));
    assert_int_equal(put(2, "b", 1), VMBUS_RING_OK);
    assert_false(vmbus_sender_publish(&sender));
    assert_int_equal(take(&packet), VMBUS_RING_OK);
    assert_int_equal(take(&packet), VMBUS_RING_OK);
    vmbus_receiver_commit(&receiver);
    vmbus_receiver_mask(&receiver);
    assert_int_equal(put(3, "c", 1), VMBUS_RING_OK);
    assert_false(vmbus_sender_publish(&sender));   /* masked */
    assert_true(vmbus_receiver_unmask(&receiver)); /* it has come meanwhile */
}

static void who_waits_for_room_is_told_when_there_is(void **state)
{
    struct vmbus_packet packet;
    bool signalled = false;
    unsigned taken = 0;

    (void)state;
    memory.ring.control->feature_bits = VMBUS_RING_FEATURE_FLOW_CONTROL;
    while (put(1, buffer, 1000) == VMBUS_RING_OK)
        vmbus_sender_publish(&sender);
    assert_false(vmbus_sender_await_space(&sender, 1000));
    while (!signalled) {
        assert_int_equal(take(&packet), VMBUS_RING_OK);
        signalled = vmbus_receiver_commit(&receiver);
        taken++;
    }
    assert_in_range(taken, 2, 5); /* a quarter of the ring */
    vmbus_sender_space_found(&sender);
    assert_int_equal(memory.ring.control->pending_send_size, 0);
    assert_int_equal(put(1, buffer, 1000), VMBUS_RING_OK);
    assert_true(vmbus_sender_await_space(&sender, 1000)); /* there is still room */
}

static void a_quarter_of_the_ring_is_committed_soon(void **state)
{
    struct vmbus_packet packet;

    (void)state;
    for (unsigned i = 0; i < 5; i++)
        assert_int_equal(put(1, buffer, 1000), VMBUS_RING_OK);
    vmbus_sender_publish(&sender);
    for (unsigned i = 0; i < 4; i++) {
        assert_false(vmbus_receiver_owes_commit(&receiver));
        assert_int_equal(take(&packet), VMBUS_RING_OK);
    }
    assert_int_equal(take(&packet), VMBUS_RING_OK);
    assert_true(vmbus_receiver_owes_commit(&receiver));
    vmbus_receiver_commit(&receiver);
    assert_false(vmbus_receiver_owes_commit(&receiver));
}

/* ---- hostile senders */

/* Publishes a packet of 64 bytes with this descriptor, and so many bytes. */
static enum vmbus_ring_status take_forged(uint16_t type, uint16_t offset8, uint16_t length8,
                                          uint16_t flags, uint32_t published)
{
    const uint16_t words[] = {type, offset8, length8, flags, 1, 0, 0, 0};
    struct vmbus_packet packet;

    memcpy(memory.ring.data, words, sizeof(words));
    memory.ring.control->write_index = published;
    return take(&packet);
}

static void assert_dead(enum vmbus_ring_status fault)
{
    struct vmbus_packet packet;

    memory.ring.control->write_index = 0;
    assert_true(vmbus_ring_is_fault(fault));
    assert_int_equal(take(&packet), fault);
    assert_false(vmbus_receiver_commit(&receiver));
    assert_true(vmbus_receiver_unmask(&receiver)); /* nobody shall sleep on it */
}

#define FORGED_TEST(name, fault, ...)                                                              \
    static void name(void **state)                                                                 \
    {                                                                                              \
        (void)state;                                                                               \
        assert_int_equal(take_forged(__VA_ARGS__), fault);                                         \
        assert_dead(fault);                                                                        \
    }

FORGED_TEST(an_index_outside, VMBUS_RING_FAULT_INDEX, 6, 2, 3, 0, SIZE)
FORGED_TEST(an_index_far_outside, VMBUS_RING_FAULT_INDEX, 6, 2, 3, 0, 0xfffffff8)
FORGED_TEST(an_index_between, VMBUS_RING_FAULT_INDEX_ALIGNMENT, 6, 2, 3, 0, 36)
FORGED_TEST(half_a_packet, VMBUS_RING_FAULT_PACKET_CUT, 6, 2, 2, 0, 16)
FORGED_TEST(more_than_published, VMBUS_RING_FAULT_PACKET_BEYOND, 6, 2, 4, 0, 32)
FORGED_TEST(the_longest_length, VMBUS_RING_FAULT_PACKET_BEYOND, 6, 2, 0xffff, 0, SIZE - 8)
FORGED_TEST(no_room_for_the_trailer, VMBUS_RING_FAULT_PACKET_BEYOND, 6, 2, 4, 0, 32)
FORGED_TEST(a_payload_in_the_descriptor, VMBUS_RING_FAULT_PAYLOAD_OFFSET, 6, 1, 3, 0, 32)
FORGED_TEST(no_length_at_all, VMBUS_RING_FAULT_PAYLOAD_OFFSET, 6, 0, 0, 0, 32)
FORGED_TEST(a_payload_behind_the_packet, VMBUS_RING_FAULT_PAYLOAD_BEYOND, 6, 4, 3, 0, 32)
FORGED_TEST(the_largest_offset, VMBUS_RING_FAULT_PAYLOAD_BEYOND, 6, 0xffff, 3, 0, 32)
FORGED_TEST(no_type, VMBUS_RING_FAULT_PACKET_TYPE, 0, 2, 3, 0, 32)
FORGED_TEST(pages_instead_of_data, VMBUS_RING_FAULT_PACKET_TYPE, 9, 2, 3, 0, 32)
FORGED_TEST(an_unknown_type, VMBUS_RING_FAULT_PACKET_TYPE, 0xffff, 2, 3, 0, 32)
FORGED_TEST(unknown_flags, VMBUS_RING_FAULT_PACKET_FLAGS, 6, 2, 3, 2, 32)

static void more_than_the_receiver_takes(void **state)
{
    struct vmbus_packet packet;

    (void)state;
    memset(buffer, 0x5a, sizeof(buffer));
    assert_int_equal(put(1, "0123456789abcdef", 16), VMBUS_RING_OK);
    vmbus_sender_publish(&sender);
    assert_int_equal(vmbus_receiver_take(&receiver, &packet, buffer, 15),
                     VMBUS_RING_FAULT_PACKET_TOO_LARGE);
    assert_int_equal(buffer[0], 0x5a);
    assert_dead(VMBUS_RING_FAULT_PACKET_TOO_LARGE);
}

static void an_extension_is_skipped(void **state)
{
    (void)state;
    memcpy(memory.ring.data + 24, "payload!", 8);
    assert_int_equal(take_forged(6, 3, 4, 0, 40), VMBUS_RING_OK);
    assert_memory_equal(buffer, "payload!", 8);
}

/* Over packets that were taken and not given back yet. */
static void a_sender_that_overwrites(void **state)
{
    struct vmbus_packet packet;

    (void)state;
    for (unsigned i = 0; i < 4; i++)
        assert_int_equal(put(1, buffer, 1000), VMBUS_RING_OK);
    vmbus_sender_publish(&sender);
    for (unsigned i = 0; i < 4; i++)
        assert_int_equal(take(&packet), VMBUS_RING_OK);
    memory.ring.control->write_index = 1024; /* one of them again */
    assert_int_equal(take(&packet), VMBUS_RING_FAULT_INDEX_BACKWARDS);
    assert_dead(VMBUS_RING_FAULT_INDEX_BACKWARDS);
}

/* ---- hostile receivers */

static void assert_receiver_is_refused(uint32_t read_index, enum vmbus_ring_status fault)
{
    while (put(1, buffer, 1000) == VMBUS_RING_OK)
        vmbus_sender_publish(&sender);
    memory.ring.control->read_index = read_index;
    assert_int_equal(put(1, buffer, 1000), fault);
    memory.ring.control->read_index = 0;
    assert_int_equal(put(1, buffer, 8), fault);
    assert_false(vmbus_sender_publish(&sender));
    assert_true(vmbus_sender_await_space(&sender, 8)); /* nobody shall sleep on it */
}

static void a_read_index_outside(void **state)
{
    (void)state;
    assert_receiver_is_refused(SIZE, VMBUS_RING_FAULT_INDEX);
}

static void a_read_index_between(void **state)
{
    (void)state;
    assert_receiver_is_refused(1025, VMBUS_RING_FAULT_INDEX_ALIGNMENT);
}

static void a_read_index_ahead_of_what_is_written(void **state)
{
    (void)state;
    assert_receiver_is_refused(SIZE - 8, VMBUS_RING_FAULT_INDEX_BACKWARDS);
}

static void a_read_index_that_moves_back(void **state)
{
    struct vmbus_packet packet;

    (void)state;
    while (put(1, buffer, 1000) == VMBUS_RING_OK)
        vmbus_sender_publish(&sender);
    for (unsigned i = 0; i < 2; i++)
        assert_int_equal(take(&packet), VMBUS_RING_OK);
    vmbus_receiver_commit(&receiver);
    assert_int_equal(put(1, buffer, 1000), VMBUS_RING_OK); /* it has seen where the peer is */
    assert_receiver_is_refused(1536, VMBUS_RING_FAULT_INDEX_BACKWARDS);
}

/* What an end owns it does not read back. */
static void own_indices_are_not_read_back(void **state)
{
    struct vmbus_packet packet;

    (void)state;
    assert_int_equal(put(1, "first", 5), VMBUS_RING_OK);
    vmbus_sender_publish(&sender);
    memory.ring.control->write_index = 0xdeadbeef; /* scribbled by the peer */
    assert_int_equal(put(2, "second", 6), VMBUS_RING_OK);
    vmbus_sender_publish(&sender);
    assert_int_equal(memory.ring.control->write_index, 64);
    assert_int_equal(take(&packet), VMBUS_RING_OK);
    vmbus_receiver_commit(&receiver);
    memory.ring.control->read_index = 0xdeadbeef;
    assert_int_equal(take(&packet), VMBUS_RING_OK);
    assert_int_equal(packet.transaction, 2);
    vmbus_receiver_commit(&receiver);
    assert_int_equal(memory.ring.control->read_index, 64);
}

static void what_is_no_ring_is_refused(void **state)
{
    struct vmbus_ring_memory bad[5] = {memory.ring, memory.ring, memory.ring, memory.ring,
                                       memory.ring};
    struct vmbus_packet packet;

    (void)state;
    bad[0].control = NULL;
    bad[1].data = NULL;
    bad[2].size = VMBUS_RING_MINIMUM - 8;
    bad[3].size = SIZE + 4;
    bad[4].size = 0x80000000;
    for (unsigned i = 0; i < 5; i++) {
        assert_int_equal(vmbus_sender_init(&sender, &bad[i]), VMBUS_RING_FAULT_MEMORY);
        assert_int_equal(vmbus_receiver_init(&receiver, &bad[i]), VMBUS_RING_FAULT_MEMORY);
        assert_int_equal(put(1, "", 0), VMBUS_RING_FAULT_MEMORY);
        assert_int_equal(put(1, "12345678", 8), VMBUS_RING_FAULT_MEMORY);
        assert_false(vmbus_sender_publish(&sender));
        assert_int_equal(take(&packet), VMBUS_RING_FAULT_MEMORY);
    }
}

static void every_status_has_words(void **state)
{
    (void)state;
    for (int status = 0; status < VMBUS_RING_STATUS_COUNT; status++)
        assert_non_null(vmbus_ring_status_text((enum vmbus_ring_status)status));
    assert_non_null(vmbus_ring_status_text(VMBUS_RING_STATUS_COUNT));
}

int main(void)
{
    static char twice;
#define TEST(name)                                                                                 \
    cmocka_unit_test_setup_teardown(name, set_up, tear_down),                                      \
    {                                                                                              \
#name " (mapped twice)", name, set_up, tear_down, &twice                                   \
    }
    const struct CMUnitTest tests[] = {
        TEST(every_size_at_every_place),
        TEST(a_completion_asks_for_none),
        TEST(a_payload_waits_for_the_commit),
        TEST(nothing_is_seen_before_it_is_published),
        TEST(a_full_ring_takes_nothing_and_goes_on),
        TEST(what_never_fits_is_told_apart),
        TEST(the_layout_is_the_wires),
        TEST(only_an_empty_ring_wants_a_signal),
        TEST(who_waits_for_room_is_told_when_there_is),
        TEST(a_quarter_of_the_ring_is_committed_soon),
        TEST(an_index_outside),
        TEST(an_index_far_outside),
        TEST(an_index_between),
        TEST(half_a_packet),
        TEST(more_than_published),
        TEST(the_longest_length),
        TEST(no_room_for_the_trailer),
        TEST(a_payload_in_the_descriptor),
        TEST(no_length_at_all),
        TEST(a_payload_behind_the_packet),
        TEST(the_largest_offset),
        TEST(no_type),
        TEST(pages_instead_of_data),
        TEST(an_unknown_type),
        TEST(unknown_flags),
        TEST(more_than_the_receiver_takes),
        TEST(an_extension_is_skipped),
        TEST(a_sender_that_overwrites),
        TEST(a_read_index_outside),
        TEST(a_read_index_between),
        TEST(a_read_index_ahead_of_what_is_written),
        TEST(a_read_index_that_moves_back),
        TEST(own_indices_are_not_read_back),
        TEST(what_is_no_ring_is_refused),
        TEST(every_status_has_words),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
