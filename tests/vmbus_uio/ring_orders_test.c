/* SPDX-License-Identifier: MIT */
/*
 * Every order in which the accesses of a sender and a receiver can meet, on a machine with store
 * buffers: no wake-up is lost, no packet either. And without fences, or without the promise of flow
 * control, the same search finds the sleep that nobody ends.
 */
#include "interleave.h"

#include "backend-vmbus-uio/ring.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { SIZE = VMBUS_RING_MINIMUM };

static struct {
    struct vmbus_ring_control control;
    unsigned char data[SIZE];
} shared;

static struct vmbus_sender sender;
static struct vmbus_receiver receiver;
static unsigned packets, payload; /* to send, and bytes of each */
static bool flow_control;
static bool wrong; /* something else arrived than was sent */

static void reset(void)
{
    const struct vmbus_ring_memory ring = {&shared.control, shared.data, SIZE, false};

    memset(&shared.control, 0, sizeof(shared.control));
    shared.control.feature_bits = flow_control ? VMBUS_RING_FEATURE_FLOW_CONTROL : 0;
    vmbus_sender_init(&sender, &ring);
    vmbus_receiver_init(&receiver, &ring);
}

static void send_all(void)
{
    static unsigned char bytes[SIZE];
    for (uint64_t number = 1; number <= packets; number++) {
        const struct vmbus_packet packet = {number, payload, VMBUS_PACKET_DATA, false};

        while (vmbus_sender_put(&sender, &packet, bytes) == VMBUS_RING_FULL) {
            if (vmbus_sender_await_space(&sender, payload))
                continue;
            interleave_sleep();
            vmbus_sender_space_found(&sender);
        }
        if (vmbus_sender_publish(&sender))
            interleave_wake_other();
    }
}

static void receive_all(void)
{
    static unsigned char bytes[SIZE];
    struct vmbus_packet packet;
    uint64_t received = 0;

    for (;;) {
        vmbus_receiver_mask(&receiver);
        while (vmbus_receiver_take(&receiver, &packet, bytes, sizeof(bytes)) == VMBUS_RING_OK) {
            wrong |= packet.transaction != ++received;
            if (vmbus_receiver_commit(&receiver))
                interleave_wake_other();
        }
        if (received == packets)
            return;
        if (!vmbus_receiver_unmask(&receiver))
            interleave_sleep();
    }
}

static struct interleave_result explore(unsigned count, unsigned size, bool with_flow_control,
                                        bool without_fences)
{
    const struct interleave machine = {
        .reset = reset,
        .run = {send_all, receive_all},
        .memory = (const uint32_t *)&shared.control,
        .words = 4,
        .without_fences = without_fences,
    };

    packets = count;
    payload = size;
    flow_control = with_flow_control;
    wrong = false;
    struct interleave_result result = interleave_explore(&machine);
    assert_false(wrong);
    return result;
}

static void assert_sound(struct interleave_result result)
{
    print_message("%lu states\n", result.states);
    assert_false(result.deadlock);
    assert_true(result.complete);
    assert_true(result.states > 100);
}

static void no_wake_up_is_lost(void **state)
{
    (void)state;
    assert_sound(explore(1, 8, true, false));
    assert_sound(explore(2, 8, true, false));
    assert_sound(explore(3, 8, true, false));
}

/* Two of these fill the ring: the third waits for room. */
static void no_room_is_lost(void **state)
{
    (void)state;
    assert_sound(explore(3, 2000, true, false));
}

static void without_fences_a_wake_up_is_lost(void **state)
{
    (void)state;
    assert_true(explore(2, 8, true, true).deadlock);
}

static void without_flow_control_nobody_tells_of_room(void **state)
{
    (void)state;
    assert_true(explore(3, 2000, false, false).deadlock);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_wake_up_is_lost),
        cmocka_unit_test(no_room_is_lost),
        cmocka_unit_test(without_fences_a_wake_up_is_lost),
        cmocka_unit_test(without_flow_control_nobody_tells_of_room),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
