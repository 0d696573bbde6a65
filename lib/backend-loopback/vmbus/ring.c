/* SPDX-License-Identifier: MIT */
#include "backend-loopback/vmbus/ring.h"

#include <string.h>

/* Words of the control page, by their byte offset. */
enum word { WRITE = 0, READ = 4, MASK = 8, WANTED = 12, FEATURES = 64 };

enum { FEATURE_WANTED = 1, HEADER = 16, TRAILER = 8 };

static uint32_t load(const struct bus_ring *ring, enum word word)
{
    return __atomic_load_n((const uint32_t *)(const void *)(ring->head + word), __ATOMIC_ACQUIRE);
}

static void store(struct bus_ring *ring, enum word word, uint32_t value)
{
    __atomic_store_n((uint32_t *)(void *)(ring->head + word), value, __ATOMIC_RELEASE);
}

/* Between a store and a look at what the guest has stored meanwhile. */
static void settle(void)
{
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
}

static bool is_index(const struct bus_ring *ring, uint32_t index)
{
    return index < ring->size && index % 8 == 0;
}

static uint32_t distance(const struct bus_ring *ring, uint32_t from, uint32_t to)
{
    return (uint32_t)(((uint64_t)to + ring->size - from) % ring->size);
}

/* Returns the index behind. */
static uint32_t write_bytes(struct bus_ring *ring, uint32_t at, const void *bytes, uint32_t size)
{
    for (uint32_t done = 0; done < size;) {
        uint32_t part = ring->size - at < size - done ? ring->size - at : size - done;

        memcpy(ring->data + at, (const unsigned char *)bytes + done, part);
        at = (at + part) % ring->size;
        done += part;
    }
    return at;
}

static void read_bytes(const struct bus_ring *ring, uint32_t at, void *bytes, uint32_t size)
{
    for (uint32_t done = 0; done < size;) {
        uint32_t part = ring->size - at < size - done ? ring->size - at : size - done;

        memcpy((unsigned char *)bytes + done, ring->data + at, part);
        at = (at + part) % ring->size;
        done += part;
    }
}

void bus_ring_init(struct bus_ring *ring, void *memory, uint32_t bytes)
{
    *ring = (struct bus_ring){
        .head = memory,
        .data = (unsigned char *)memory + BUS_RING_HEAD,
        .size = bytes - BUS_RING_HEAD,
    };
    store(ring, WRITE, 0);
    store(ring, READ, 0);
    store(ring, WANTED, 0);
    store(ring, MASK, 0);
    store(ring, FEATURES, FEATURE_WANTED);
}

uint32_t bus_ring_largest(const struct bus_ring *ring)
{
    uint32_t most = UINT16_MAX * 8 - HEADER;
    uint32_t fits = ring->size - HEADER - TRAILER - 8;

    return fits < most ? fits : most;
}

enum bus_ring_result bus_ring_take(struct bus_ring *ring, struct bus_packet *packet, void *payload,
                                   uint32_t capacity, bool *signal)
{
    uint16_t fields[4]; /* type, offset, length, flags; offset and length in units of 8 bytes */
    uint32_t write = load(ring, WRITE);

    *signal = false;
    if (!is_index(ring, write))
        return BUS_RING_BROKEN;
    uint32_t used = distance(ring, ring->own, write);
    if (used == 0)
        return BUS_RING_NOTHING;
    if (used < HEADER + TRAILER)
        return BUS_RING_BROKEN;
    read_bytes(ring, ring->own, fields, sizeof(fields));
    read_bytes(ring, (ring->own + 8) % ring->size, &packet->transaction, 8);
    uint32_t offset = fields[1] * 8u, length = fields[2] * 8u;
    if (fields[0] != BUS_PACKET_DATA || offset < HEADER || offset > length ||
        length + TRAILER > used || (fields[3] & ~1u) || length - offset > capacity)
        return BUS_RING_BROKEN;
    packet->type = fields[0];
    packet->wants_completion = fields[3] & 1;
    packet->size = length - offset;
    read_bytes(ring, (ring->own + offset) % ring->size, payload, packet->size);
    uint32_t free_before = ring->size - used, freed = length + TRAILER;
    ring->own = (ring->own + freed) % ring->size;
    store(ring, READ, ring->own);
    settle();
    uint32_t wanted = load(ring, WANTED);
    *signal = wanted && (load(ring, FEATURES) & FEATURE_WANTED) && free_before <= wanted &&
              free_before + freed > wanted;
    return BUS_RING_DONE;
}

enum bus_ring_result bus_ring_put(struct bus_ring *ring, const struct bus_packet *packet,
                                  const void *payload, bool *signal)
{
    static const unsigned char zeros[8];
    uint32_t padded = (packet->size + 7) & ~7u, before = ring->own;
    uint32_t needed = HEADER + padded + TRAILER, read = load(ring, READ);
    const uint16_t fields[4] = {packet->type, HEADER / 8, (uint16_t)((HEADER + padded) / 8),
                                packet->wants_completion};
    const uint64_t trailer = (uint64_t)before << 32;

    *signal = false;
    if (!is_index(ring, read) || packet->size > bus_ring_largest(ring))
        return BUS_RING_BROKEN;
    if (ring->size - distance(ring, read, before) <= needed)
        return BUS_RING_NOTHING;
    uint32_t at = write_bytes(ring, before, fields, sizeof(fields));
    at = write_bytes(ring, at, &packet->transaction, 8);
    at = write_bytes(ring, at, payload, packet->size);
    at = write_bytes(ring, at, zeros, padded - packet->size);
    ring->own = write_bytes(ring, at, &trailer, sizeof(trailer));
    store(ring, WRITE, ring->own);
    settle();
    *signal = load(ring, MASK) == 0 && load(ring, READ) == before;
    return BUS_RING_DONE;
}

void bus_ring_want(struct bus_ring *ring, uint32_t payload)
{
    store(ring, WANTED, payload ? HEADER + ((payload + 7) & ~7u) + TRAILER : 0);
    settle();
}

void bus_ring_mask(struct bus_ring *ring)
{
    store(ring, MASK, 1);
}

bool bus_ring_unmask(struct bus_ring *ring)
{
    store(ring, MASK, 0);
    settle();
    return load(ring, WRITE) != ring->own;
}

void bus_ring_set_mask(struct bus_ring *ring, uint32_t mask)
{
    store(ring, MASK, mask);
}
