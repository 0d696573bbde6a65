/* SPDX-License-Identifier: MIT */
/* What the measurements of rings share. */
#ifndef BENCH_RING_ENDS_H
#define BENCH_RING_ENDS_H

#include "bench.h"
#include "ring_memory.h"

enum { RING_DATA = 65536, RING_LARGEST = RING_DATA - 32 };

extern unsigned char ring_payload[RING_DATA];            /* what is sent */
extern _Thread_local unsigned char ring_room[RING_DATA]; /* of who receives */

static inline void ring_put(struct vmbus_sender *sender, size_t size, uint64_t transaction)
{
    const struct vmbus_packet packet = {transaction, (uint32_t)size, VMBUS_PACKET_DATA, true};

    if (vmbus_sender_put(sender, &packet, ring_payload) != VMBUS_RING_OK)
        bench_fail("a packet of %zu bytes does not fit", size);
}

static inline void ring_take(struct vmbus_receiver *receiver)
{
    struct vmbus_packet packet;

    if (vmbus_receiver_take(receiver, &packet, ring_room, sizeof(ring_room)) != VMBUS_RING_OK)
        bench_fail("a packet did not arrive");
}

/* Round trips between two threads (ring_trips.c). */
void ring_trips_measure(void);

#endif
