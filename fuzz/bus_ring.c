/* SPDX-License-Identifier: MIT */
/*
 * The host's end of a ring with a hostile guest. Input: actions, a byte each: a word of a control
 * page, or a stretch of the data, is overwritten with what follows, and in between packets are
 * taken and put.
 */
#include "backend-loopback/vmbus/ring.h"
#include "fuzz_input.h"

enum { DATA = 4096, WORDS = 5 };

static void take_all(struct bus_ring *ring)
{
    /* Of its exact size, so that a byte too many is noticed. */
    unsigned char *payload = malloc(DATA);
    struct bus_packet packet;
    bool signal;

    while (payload && bus_ring_take(ring, &packet, payload, DATA, &signal) == BUS_RING_DONE) {
        if (packet.size > DATA)
            abort();
        fuzz_touch(payload, packet.size);
    }
    free(payload);
    (void)bus_ring_unmask(ring);
}

static void put(struct bus_ring *ring, uint32_t size)
{
    static unsigned char payload[2 * DATA];
    const struct bus_packet packet = {.type = BUS_PACKET_COMPLETION,
                                      .size = size % sizeof(payload)};
    bool signal;

    bus_ring_want(ring, packet.size);
    (void)bus_ring_put(ring, &packet, payload, &signal);
}

static void scribble(struct fuzz_input *input, unsigned char *memory)
{
    static const uint16_t words[WORDS] = {0, 4, 8, 12, 64};
    uint32_t action = fuzz_next(input, 1);

    if (action % 2) {
        uint32_t word = fuzz_next(input, 4);

        memcpy(memory + words[action / 2 % WORDS], &word, sizeof(word));
        return;
    }
    uint32_t at = fuzz_next(input, 2) % DATA, size = fuzz_next(input, 1);
    for (uint32_t i = 0; i < size && at + i < DATA; i++)
        memory[BUS_RING_HEAD + at + i] = (unsigned char)fuzz_next(input, 1);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input input = {data, size};
    unsigned char *memory = aligned_alloc(4096, 2 * (BUS_RING_HEAD + DATA));
    struct bus_ring from_guest, to_guest;

    if (!memory)
        abort();
    memset(memory, 0, 2 * (BUS_RING_HEAD + DATA));
    bus_ring_init(&from_guest, memory, BUS_RING_HEAD + DATA);
    bus_ring_init(&to_guest, memory + BUS_RING_HEAD + DATA, BUS_RING_HEAD + DATA);
    while (input.left) {
        uint32_t choice = fuzz_next(&input, 1);

        scribble(&input, choice % 2 ? memory : memory + BUS_RING_HEAD + DATA);
        take_all(&from_guest);
        if (choice % 4 == 0)
            put(&to_guest, fuzz_next(&input, 2));
    }
    free(memory);
    return 0;
}
