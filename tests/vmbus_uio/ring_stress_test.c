/* SPDX-License-Identifier: MIT */
/*
 * Packets of random sizes through two threads, and through two processes, that sleep whenever they
 * may: none is lost, doubled, reordered or changed. usage: [PACKETS [RING_BYTES]]
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "ring_memory.h"

#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <sys/wait.h>
#include <unistd.h>

enum { LARGEST = 2048 };

static uint64_t packets = 200000;
static uint32_t ring_bytes = 16384;

static struct ring_memory memory;
static int to_sender = -1, to_receiver = -1; /* eventfds in place of interrupts */
static uint64_t batch;                       /* packets that are published together */

static void wake(int event)
{
    const uint64_t one = 1;

    if (write(event, &one, sizeof(one)) != sizeof(one))
        abort();
}

/* A wake-up that is lost ends the test here, not its time limit. */
static void sleep_until_woken(int event)
{
    struct pollfd polled = {.fd = event, .events = POLLIN};
    uint64_t count;

    if (poll(&polled, 1, 60000) != 1 || read(event, &count, sizeof(count)) != sizeof(count))
        abort();
}

/* The same sequence at both ends. */
static uint64_t next_random(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

static uint32_t random_payload(uint64_t *state, uint64_t *words)
{
    uint32_t size = (uint32_t)(next_random(state) % 8 ? next_random(state) % 128
                                                      : next_random(state) % LARGEST);

    for (size_t i = 0; i < (size + 7) / 8; i++)
        words[i] = next_random(state);
    return size;
}

static void publish(struct vmbus_sender *sender)
{
    if (vmbus_sender_publish(sender))
        wake(to_receiver);
}

static void *send_all(void *unused)
{
    struct vmbus_sender sender;
    uint64_t words[LARGEST / 8], random = 88172645463325252;

    vmbus_sender_init(&sender, &memory.ring);
    for (uint64_t number = 1; number <= packets; number++) {
        const struct vmbus_packet packet = {number, random_payload(&random, words),
                                            VMBUS_PACKET_DATA, false};
        enum vmbus_ring_status status;

        while ((status = vmbus_sender_put(&sender, &packet, words)) == VMBUS_RING_FULL) {
            publish(&sender);
            if (vmbus_sender_await_space(&sender, packet.size))
                continue;
            sleep_until_woken(to_sender);
            vmbus_sender_space_found(&sender);
        }
        if (status != VMBUS_RING_OK)
            abort();
        if (number % batch == 0)
            publish(&sender);
    }
    publish(&sender);
    return unused;
}

/* Whether the packet is the one that comes next. */
static bool is_right(const struct vmbus_packet *packet, const uint64_t *got, uint64_t number,
                     uint64_t *random)
{
    uint64_t words[LARGEST / 8];
    size_t size = random_payload(random, words);

    return packet->transaction == number && packet->size == (size + 7) / 8 * 8 &&
           memcmp(got, words, size) == 0;
}

/* How many came as they were sent. */
static uint64_t receive_all(void)
{
    struct vmbus_receiver receiver;
    struct vmbus_packet packet;
    uint64_t words[LARGEST / 8], random = 88172645463325252, number = 0;

    vmbus_receiver_init(&receiver, &memory.ring);
    while (number < packets) {
        enum vmbus_ring_status status;

        vmbus_receiver_mask(&receiver);
        while ((status = vmbus_receiver_take(&receiver, &packet, words, sizeof(words))) ==
               VMBUS_RING_OK) {
            if (!is_right(&packet, words, ++number, &random))
                return number - 1;
            if (vmbus_receiver_owes_commit(&receiver) && vmbus_receiver_commit(&receiver))
                wake(to_sender);
        }
        if (status != VMBUS_RING_EMPTY)
            return number;
        if (vmbus_receiver_commit(&receiver))
            wake(to_sender);
        if (number < packets && !vmbus_receiver_unmask(&receiver))
            sleep_until_woken(to_receiver);
    }
    return number;
}

/* ---- tests; *state is the number of packets that are published together */

static int set_up(void **state)
{
    batch = (uint64_t)(uintptr_t)*state;
    to_sender = eventfd(0, EFD_CLOEXEC);
    to_receiver = eventfd(0, EFD_CLOEXEC);
    ring_memory_create(&memory, ring_bytes, batch == 16);
    memory.ring.control->feature_bits = VMBUS_RING_FEATURE_FLOW_CONTROL;
    return to_sender >= 0 && to_receiver >= 0 ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    ring_memory_destroy(&memory);
    close(to_sender);
    close(to_receiver);
    return 0;
}

static void through_two_threads(void **state)
{
    pthread_t thread;

    (void)state;
    assert_int_equal(pthread_create(&thread, NULL, send_all, NULL), 0);
    assert_int_equal(receive_all(), packets);
    assert_int_equal(pthread_join(thread, NULL), 0);
}

static void through_two_processes(void **state)
{
    int status = -1;

    (void)state;
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        send_all(NULL);
        _exit(0);
    }
    assert_int_equal(receive_all(), packets);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
}

int main(int count, char **arguments)
{
#define TEST(name, together)                                                                       \
    {                                                                                              \
#name " (" #together " at a time)", name, set_up, tear_down, (void *)(uintptr_t)together   \
    }
    const struct CMUnitTest tests[] = {
        TEST(through_two_threads, 1),
        TEST(through_two_threads, 16),
        TEST(through_two_processes, 1),
        TEST(through_two_processes, 16),
    };

    if (count > 1)
        packets = strtoull(arguments[1], NULL, 0);
    if (count > 2)
        ring_bytes = (uint32_t)strtoul(arguments[2], NULL, 0);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
