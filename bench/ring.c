/* SPDX-License-Identifier: MIT */
/*
 * VMBus rings beside what they are made of: memcpy for the bytes, a cache line that goes to and fro
 * for the indices, an eventfd each way for the sleeping. Receivers give room back as the backend
 * does: when it is a quarter of the ring, and before they sleep.
 */
#include "bench.h"
#include "ring_memory.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum { DATA = 65536, LARGEST = DATA - 32 };

static unsigned char payload[DATA];
static _Thread_local unsigned char room[DATA]; /* of who receives */

/* ---- one thread */

struct alone {
    struct ring_memory memory;
    struct vmbus_sender sender;
    struct vmbus_receiver receiver;
    size_t size, batch;
};

static void put(struct vmbus_sender *sender, size_t size, uint64_t transaction)
{
    const struct vmbus_packet packet = {transaction, (uint32_t)size, VMBUS_PACKET_DATA, true};

    if (vmbus_sender_put(sender, &packet, payload) != VMBUS_RING_OK)
        bench_fail("a packet of %zu bytes does not fit", size);
}

static void take(struct vmbus_receiver *receiver)
{
    struct vmbus_packet packet;

    if (vmbus_receiver_take(receiver, &packet, room, sizeof(room)) != VMBUS_RING_OK)
        bench_fail("a packet did not arrive");
}

static void write_and_read(void *context, uint64_t count)
{
    struct alone *alone = context;

    for (uint64_t i = 0; i < count; i += alone->batch) {
        for (size_t k = 0; k < alone->batch; k++)
            put(&alone->sender, alone->size, i + 1);
        bench_use(vmbus_sender_publish(&alone->sender));
        for (size_t k = 0; k < alone->batch; k++)
            take(&alone->receiver);
        if (vmbus_receiver_owes_commit(&alone->receiver))
            bench_use(vmbus_receiver_commit(&alone->receiver));
    }
}

static void copy_twice(void *context, uint64_t count)
{
    const struct alone *alone = context;

    for (uint64_t i = 0; i < count; i++) {
        memcpy(alone->memory.ring.data, payload, alone->size);
        bench_use((uintptr_t)alone->memory.ring.data);
        memcpy(room, alone->memory.ring.data, alone->size);
        bench_use((uintptr_t)room);
    }
}

static void measure_alone(const char *name, size_t size, size_t batch, double limit_ns)
{
    struct alone alone = {.size = size, .batch = batch};

    ring_memory_create(&alone.memory, DATA, true);
    vmbus_sender_init(&alone.sender, &alone.memory.ring);
    vmbus_receiver_init(&alone.receiver, &alone.memory.ring);
    const struct bench_row row = {
        .subject = {name, write_and_read, &alone, 0},
        .baseline = {"memcpy in and out", copy_twice, &alone, 0},
        .target = limit_ns > 0 ? BENCH_AT_MOST : BENCH_NO_TARGET,
        .limit = limit_ns,
    };
    bench_measure(&row);
    ring_memory_destroy(&alone.memory);
}

/* ---- two threads: one echoes what the other sends */

struct half {
    struct ring_memory memory;
    int event;
};

struct link {
    struct half there, back;
    struct vmbus_sender sender;     /* of this thread */
    struct vmbus_receiver receiver; /* of this thread */
    bool spins;
    size_t size;
    uint64_t messages; /* of both directions */
    _Atomic uint64_t signals, calls;
    pthread_t echo;
    _Alignas(64) _Atomic uint64_t line; /* of the baseline */
    _Atomic int ending;
};

/* Three quarters of the ring are room enough for any packet that is sent here. */
static void give_room_back(struct vmbus_receiver *receiver)
{
    if (vmbus_receiver_owes_commit(receiver))
        bench_use(vmbus_receiver_commit(receiver));
}

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

static void send_one(struct link *link, struct vmbus_sender *sender, const struct half *half,
                     uint64_t transaction)
{
    put(sender, link->size, transaction);
    if (!vmbus_sender_publish(sender) || link->spins)
        return;
    link->signals++;
    link->calls++;
    wake(half->event);
}

static uint64_t receive_one(struct link *link, struct vmbus_receiver *receiver,
                            const struct half *half)
{
    struct vmbus_packet packet;
    enum vmbus_ring_status status;

    while ((status = vmbus_receiver_take(receiver, &packet, room, sizeof(room))) ==
           VMBUS_RING_EMPTY) {
        if (link->spins)
            continue;
        bench_use(vmbus_receiver_commit(receiver));
        if (vmbus_receiver_unmask(receiver))
            continue;
        link->calls++;
        wait_for(half->event);
    }
    if (status != VMBUS_RING_OK)
        bench_fail("%s", vmbus_ring_status_text(status));
    give_room_back(receiver);
    return packet.transaction;
}

static void *echo(void *context)
{
    struct link *link = context;
    struct vmbus_sender sender;
    struct vmbus_receiver receiver;
    uint64_t transaction;

    vmbus_sender_init(&sender, &link->back.memory.ring);
    vmbus_receiver_init(&receiver, &link->there.memory.ring);
    if (link->spins)
        vmbus_receiver_mask(&receiver);
    do {
        transaction = receive_one(link, &receiver, &link->there);
        send_one(link, &sender, &link->back, transaction);
    } while (transaction != UINT64_MAX);
    return NULL;
}

static void round_trips(void *context, uint64_t count)
{
    struct link *link = context;

    link->messages += 2 * count;
    for (uint64_t i = 1; i <= count; i++) {
        send_one(link, &link->sender, &link->there, i);
        if (receive_one(link, &link->receiver, &link->back) != i)
            bench_fail("another packet came back");
    }
}

static void *echo_events(void *context)
{
    struct link *link = context;

    for (;;) {
        wait_for(link->there.event);
        if (link->ending)
            return NULL;
        wake(link->back.event);
    }
}

static void event_trips(void *context, uint64_t count)
{
    struct link *link = context;

    for (uint64_t i = 0; i < count; i++) {
        wake(link->there.event);
        wait_for(link->back.event);
    }
}

/* Odd values are this thread's turn to answer. */
static void *echo_line(void *context)
{
    struct link *link = context;

    while (!link->ending) {
        uint64_t value = atomic_load_explicit(&link->line, memory_order_acquire);
        if (value & 1)
            atomic_store_explicit(&link->line, value + 1, memory_order_release);
    }
    return NULL;
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

static void start(pthread_t *thread, void *(*run)(void *), struct link *link)
{
    if (pthread_create(thread, NULL, run, link) != 0)
        bench_fail("no thread");
}

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
    struct link link = {.spins = spins, .size = size}, bare = {.spins = spins};
    pthread_t bare_echo;

    for (unsigned i = 0; i < 2; i++) {
        struct link *each = i ? &bare : &link;
        each->there.event = eventfd(0, EFD_CLOEXEC);
        each->back.event = eventfd(0, EFD_CLOEXEC);
    }
    ring_memory_create(&link.there.memory, DATA, true);
    ring_memory_create(&link.back.memory, DATA, true);
    vmbus_sender_init(&link.sender, &link.there.memory.ring);
    vmbus_receiver_init(&link.receiver, &link.back.memory.ring);
    if (spins)
        vmbus_receiver_mask(&link.receiver);
    start(&link.echo, echo, &link);
    start(&bare_echo, spins ? echo_line : echo_events, &bare);
    const struct bench_row row = {
        .subject = {name, round_trips, &link, 0},
        .baseline = {spins ? "a cache line there and back" : "an eventfd there and back",
                     spins ? line_trips : event_trips, &bare, 0},
        .target = limit > 0 ? BENCH_RATIO_AT_MOST : BENCH_NO_TARGET,
        .limit = limit,
    };
    bench_measure(&row);
    if (limit > 0)
        report_calls(&link, spins ? "spinning" : "sleeping");
    send_one(&link, &link.sender, &link.there, UINT64_MAX);
    pthread_join(link.echo, NULL);
    bare.ending = 1;
    wake(bare.there.event);
    pthread_join(bare_echo, NULL);
    ring_memory_destroy(&link.there.memory);
    ring_memory_destroy(&link.back.memory);
}

/* ---- a stream */

struct stream {
    struct ring_memory memory;
    struct vmbus_sender sender;
    size_t size, batch; /* 0: as much as fits */
    pthread_t drain;
    _Atomic int ending;
};

static void *drain(void *context)
{
    struct stream *stream = context;
    struct vmbus_receiver receiver;
    struct vmbus_packet packet;

    vmbus_receiver_init(&receiver, &stream->memory.ring);
    vmbus_receiver_mask(&receiver);
    while (!stream->ending) {
        while (vmbus_receiver_take(&receiver, &packet, room, sizeof(room)) == VMBUS_RING_OK)
            if (vmbus_receiver_owes_commit(&receiver))
                vmbus_receiver_commit(&receiver);
        vmbus_receiver_commit(&receiver);
    }
    return NULL;
}

static void send_stream(void *context, uint64_t count)
{
    struct stream *stream = context;
    const struct vmbus_packet packet = {1, (uint32_t)stream->size, VMBUS_PACKET_DATA, false};

    for (uint64_t i = 0; i < count; i++) {
        while (vmbus_sender_put(&stream->sender, &packet, payload) == VMBUS_RING_FULL)
            vmbus_sender_publish(&stream->sender);
        if (stream->batch && i % stream->batch == stream->batch - 1)
            vmbus_sender_publish(&stream->sender);
    }
    vmbus_sender_publish(&stream->sender);
}

static void copy_stream(void *context, uint64_t count)
{
    const struct stream *stream = context;

    for (uint64_t i = 0; i < count; i++) {
        memcpy(room, payload, stream->size);
        bench_use((uintptr_t)room);
    }
}

static void measure_stream(const char *name, size_t size, size_t batch, double limit_ns)
{
    struct stream stream = {.size = size, .batch = batch};

    ring_memory_create(&stream.memory, DATA, true);
    vmbus_sender_init(&stream.sender, &stream.memory.ring);
    if (pthread_create(&stream.drain, NULL, drain, &stream) != 0)
        bench_fail("no thread");
    const struct bench_row row = {
        .subject = {name, send_stream, &stream, 0},
        .baseline = {"memcpy", copy_stream, &stream, 0},
        .target = limit_ns > 0 ? BENCH_AT_MOST : BENCH_NO_TARGET,
        .limit = limit_ns,
    };
    bench_measure(&row);
    stream.ending = 1;
    pthread_join(stream.drain, NULL);
    ring_memory_destroy(&stream.memory);
}

int main(int argc, char **argv)
{
    bench_begin(argc, argv, "VMBus rings of 64 KiB");
    measure_alone("64 B written and read", 64, 1, 15);
    measure_alone("64 B, 16 at a time", 64, 16, 0);
    measure_alone("64 B, a full ring at a time", 64, DATA / 88 - 1, 0);
    measure_alone("4 KiB written and read", 4096, 1, 120);
    measure_alone("4 KiB, a full ring at a time", 4096, DATA / 4120, 0);
    measure_alone("the largest packet", LARGEST, 1, 0);
    measure_stream("64 B to another thread", 64, 1, 0);
    measure_stream("64 B to another thread, 16 at a time", 64, 16, 40); /* 25 million a second */
    measure_stream("64 B to another thread, a full ring", 64, 0, 0);
    measure_stream("4 KiB to another thread", 4096, 1, 0);
    measure_stream("4 KiB to another thread, a full ring", 4096, 0, 0);
    measure_stream("the largest packet to another thread", LARGEST, 1, 0);
    measure_round_trip("64 B there and back, spinning", 64, true, 4);
    measure_round_trip("4 KiB there and back, spinning", 4096, true, 0);
    bench_place(BENCH_ONE_PROCESSOR);
    measure_round_trip("64 B there and back, sleeping", 64, false, 1.15);
    measure_round_trip("4 KiB there and back, sleeping", 4096, false, 0);
    return bench_end();
}
