/* SPDX-License-Identifier: MIT */
/*
 * VMBus rings beside the memcpy of what goes through them, in one thread and to another. Receivers
 * give room back as the backend does: when it is a quarter of the ring.
 */
#include "ring_ends.h"

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

_Thread_local unsigned char ring_room[RING_DATA];
unsigned char ring_payload[RING_DATA];

/* ---- one thread */

struct alone {
    struct ring_memory memory;
    struct vmbus_sender sender;
    struct vmbus_receiver receiver;
    size_t size, batch;
};

static void write_and_read(void *context, uint64_t count)
{
    struct alone *alone = context;

    for (uint64_t i = 0; i < count; i += alone->batch) {
        for (size_t k = 0; k < alone->batch; k++)
            ring_put(&alone->sender, alone->size, i + 1);
        bench_use(vmbus_sender_publish(&alone->sender));
        for (size_t k = 0; k < alone->batch; k++)
            ring_take(&alone->receiver);
        if (vmbus_receiver_owes_commit(&alone->receiver))
            bench_use(vmbus_receiver_commit(&alone->receiver));
    }
}

static void copy_twice(void *context, uint64_t count)
{
    const struct alone *alone = context;

    for (uint64_t i = 0; i < count; i++) {
        memcpy(alone->memory.ring.data, ring_payload, alone->size);
        bench_use((uintptr_t)alone->memory.ring.data);
        memcpy(ring_room, alone->memory.ring.data, alone->size);
        bench_use((uintptr_t)ring_room);
    }
}

static void measure_alone(const char *name, size_t size, size_t batch, double limit_ns)
{
    struct alone alone = {.size = size, .batch = batch};

    ring_memory_create(&alone.memory, RING_DATA, true);
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
        while (vmbus_receiver_take(&receiver, &packet, ring_room, sizeof(ring_room)) ==
               VMBUS_RING_OK)
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
        while (vmbus_sender_put(&stream->sender, &packet, ring_payload) == VMBUS_RING_FULL)
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
        memcpy(ring_room, ring_payload, stream->size);
        bench_use((uintptr_t)ring_room);
    }
}

static void measure_stream(const char *name, size_t size, size_t batch, double limit_ns)
{
    struct stream stream = {.size = size, .batch = batch};

    ring_memory_create(&stream.memory, RING_DATA, true);
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
    measure_alone("64 B, a full ring at a time", 64, RING_DATA / 88 - 1, 0);
    measure_alone("4 KiB written and read", 4096, 1, 120);
    measure_alone("4 KiB, a full ring at a time", 4096, RING_DATA / 4120, 0);
    measure_alone("the largest packet", RING_LARGEST, 1, 0);
    measure_stream("64 B to another thread", 64, 1, 0);
    measure_stream("64 B to another thread, 16 at a time", 64, 16, 40); /* 25 million a second */
    measure_stream("64 B to another thread, a full ring", 64, 0, 0);
    measure_stream("4 KiB to another thread", 4096, 1, 0);
    measure_stream("4 KiB to another thread, a full ring", 4096, 0, 0);
    measure_stream("the largest packet to another thread", RING_LARGEST, 1, 0);
    ring_trips_measure();
    return bench_end();
}
