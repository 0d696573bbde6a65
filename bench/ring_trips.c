/* SPDX-License-Identifier: MIT */
/*
 * Packets there and back between two threads, beside a cache line that goes to and fro while both
 * spin, and an eventfd each way while both sleep. One thread answers packets and baseline alike, so
 * that no idle thread takes a processor away from either.
 */
#include "ring_ends.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

enum { SAMPLES = 100000, SAMPLES_QUICK = 1000, DEPTH_MOST = 64 };

struct half {
    struct ring_memory memory;
    int event;
};

struct link {
    struct half there, back;
    struct vmbus_sender sender;     /* of this thread */
    struct vmbus_receiver receiver; /* of this thread */
    bool spins;
    size_t size, answer_size;
    uint64_t messages; /* of both directions */
    _Atomic uint64_t signals, calls;
    pthread_t echo;
    _Atomic int ending, bare;           /* bare: what wakes the echo is no packet */
    _Alignas(64) _Atomic uint64_t line; /* odd: the echo's turn */
};

static void wake(int event)
{
    const uint64_t one = 1;

    if (write(event, &one, sizeof(one)) != sizeof(one))
        bench_fail("write to an eventfd");
}

static void wait_for(int event)
{
    uint64_t count;

    if (read(event, &count, sizeof(count)) != sizeof(count))
        bench_fail("read from an eventfd");
}

/* ---- packets */

static void send_one(struct link *link, struct vmbus_sender *sender, const struct half *half,
                     size_t size, uint64_t transaction)
{
    ring_put(sender, size, transaction);
    if (!vmbus_sender_publish(sender) || link->spins)
        return;
    link->signals++;
    link->calls++;
    wake(half->event);
}

/* Whether one was there. Three quarters of the ring are room enough for all that is sent here. */
static bool take_one(struct vmbus_receiver *receiver, uint64_t *transaction)
{
    struct vmbus_packet packet;
    enum vmbus_ring_status status =
        vmbus_receiver_take(receiver, &packet, ring_room, sizeof(ring_room));

    if (status == VMBUS_RING_EMPTY)
        return false;
    if (status != VMBUS_RING_OK)
        bench_fail("%s", vmbus_ring_status_text(status));
    *transaction = packet.transaction;
    if (vmbus_receiver_owes_commit(receiver))
        bench_use(vmbus_receiver_commit(receiver));
    return true;
}

static uint64_t receive_one(struct link *link)
{
    uint64_t transaction;

    while (!take_one(&link->receiver, &transaction)) {
        if (link->spins)
            continue;
        bench_use(vmbus_receiver_commit(&link->receiver));
        if (vmbus_receiver_unmask(&link->receiver))
            continue;
        link->calls++;
        wait_for(link->back.event);
    }
    return transaction;
}

static void round_trips(void *context, uint64_t count)
{
    struct link *link = context;

    link->messages += 2 * count;
    for (uint64_t i = 1; i <= count; i++) {
        send_one(link, &link->sender, &link->there, link->size, i);
        if (receive_one(link) != i)
            bench_fail("another packet came back");
    }
}

/* ---- what they are measured beside */

static void event_trips(void *context, uint64_t count)
{
    struct link *link = context;

    link->bare = 1;
    for (uint64_t i = 0; i < count; i++) {
        wake(link->there.event);
        wait_for(link->back.event);
    }
    link->bare = 0;
}

static void line_trips(void *context, uint64_t count)
{
    struct link *link = context;

    for (uint64_t i = 0; i < count; i++) {
        uint64_t value = atomic_load_explicit(&link->line, memory_order_relaxed);
        atomic_store_explicit(&link->line, value + 1, memory_order_release);
        while (atomic_load_explicit(&link->line, memory_order_acquire) != value + 2)
            ;
    }
}

/* ---- the other thread */

static void answer_line(struct link *link)
{
    uint64_t value = atomic_load_explicit(&link->line, memory_order_acquire);

    if (value & 1)
        atomic_store_explicit(&link->line, value + 1, memory_order_release);
}

static bool answer_packet(struct link *link, struct vmbus_sender *sender,
                          struct vmbus_receiver *receiver)
{
    uint64_t transaction;

    if (!take_one(receiver, &transaction))
        return false;
    send_one(link, sender, &link->back, link->answer_size, transaction);
    return true;
}

static void sleep_until_woken(struct link *link, struct vmbus_receiver *receiver)
{
    bench_use(vmbus_receiver_commit(receiver));
    if (vmbus_receiver_unmask(receiver))
        return;
    wait_for(link->there.event);
    if (link->bare)
        wake(link->back.event);
    else
        link->calls++;
}

static void *echo(void *context)
{
    struct link *link = context;
    struct vmbus_sender sender;
    struct vmbus_receiver receiver;

    vmbus_sender_init(&sender, &link->back.memory.ring);
    vmbus_receiver_init(&receiver, &link->there.memory.ring);
    if (link->spins)
        vmbus_receiver_mask(&receiver);
    while (!link->ending) {
        if (answer_packet(link, &sender, &receiver))
            continue;
        if (link->spins)
            answer_line(link);
        else
            sleep_until_woken(link, &receiver);
    }
    return NULL;
}

static void begin(struct link *link)
{
    link->there.event = eventfd(0, EFD_CLOEXEC);
    link->back.event = eventfd(0, EFD_CLOEXEC);
    ring_memory_create(&link->there.memory, RING_DATA, true);
    ring_memory_create(&link->back.memory, RING_DATA, true);
    vmbus_sender_init(&link->sender, &link->there.memory.ring);
    vmbus_receiver_init(&link->receiver, &link->back.memory.ring);
    if (link->spins)
        vmbus_receiver_mask(&link->receiver);
    if (pthread_create(&link->echo, NULL, echo, link) != 0)
        bench_fail("no thread");
}

static void end(struct link *link)
{
    link->ending = 1;
    wake(link->there.event);
    pthread_join(link->echo, NULL);
    close(link->there.event);
    close(link->back.event);
    ring_memory_destroy(&link->there.memory);
    ring_memory_destroy(&link->back.memory);
}

/* ---- rows */

static void report_calls(struct link *link, const char *how)
{
    char name[64];

    snprintf(name, sizeof(name), "signals, both %s", how);
    bench_report_count(name, (double)link->signals / (double)link->messages, "a message",
                       link->spins ? 0 : 1);
    snprintf(name, sizeof(name), "system calls, both %s", how);
    bench_report_count(name, (double)link->calls / (double)link->messages, "a message",
                       link->spins ? 0 : 2);
}

static void measure_round_trip(const char *name, size_t size, bool spins, double limit)
{
    struct link link = {.spins = spins, .size = size, .answer_size = size};
    const struct bench_row row = {
        .subject = {name, round_trips, &link, 0},
        .baseline = {spins ? "a cache line there and back" : "an eventfd there and back",
                     spins ? line_trips : event_trips, &link, 0},
        .target = limit > 0 ? BENCH_RATIO_AT_MOST : BENCH_NO_TARGET,
        .limit = limit,
    };

    begin(&link);
    bench_measure(&row);
    if (limit > 0)
        report_calls(&link, spins ? "spinning" : "sleeping");
    end(&link);
}

static double now(void)
{
    struct timespec time;

    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec * 1e9 + (double)time.tv_nsec;
}

/* Each request is answered by a completion of 8 bytes; so many are under way at a time. */
static void measure_latencies(const char *name, size_t size, unsigned depth, bool spins)
{
    static double samples[SAMPLES];
    struct link link = {.spins = spins, .size = size, .answer_size = 8};
    const unsigned count = bench_is_quick() ? SAMPLES_QUICK : spins ? SAMPLES : SAMPLES / 10;
    double sent[DEPTH_MOST];

    begin(&link);
    for (unsigned i = 0; i < count + depth; i++) {
        if (i >= depth) {
            uint64_t answered = receive_one(&link);

            samples[answered] = now() - sent[answered % DEPTH_MOST];
        }
        if (i < count) {
            sent[i % DEPTH_MOST] = now();
            send_one(&link, &link.sender, &link.there, size, i);
        }
    }
    end(&link);
    bench_report_latencies(name, samples, count);
}

void ring_trips_measure(void)
{
    measure_round_trip("64 B there and back, spinning", 64, true, 4);
    measure_round_trip("4 KiB there and back, spinning", 4096, true, 0);
    measure_latencies("64 B completed, 1 at a time", 64, 1, true);
    measure_latencies("64 B completed, 8 at a time", 64, 8, true);
    measure_latencies("64 B completed, 64 at a time", 64, 64, true);
    measure_latencies("4 KiB completed, 1 at a time", 4096, 1, true);
    measure_latencies("4 KiB completed, 8 at a time", 4096, 8, true);
    bench_place(BENCH_ONE_PROCESSOR);
    measure_round_trip("64 B there and back, sleeping", 64, false, 1.15);
    measure_round_trip("4 KiB there and back, sleeping", 4096, false, 0);
    measure_latencies("64 B completed, sleeping", 64, 1, false);
}
