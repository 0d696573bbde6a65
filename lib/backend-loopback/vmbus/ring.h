/* SPDX-License-Identifier: MIT */
/*
 * The host's end of a VMBus ring, written from the format alone: the guest's end is another's, and
 * each is a test of the other. The guest is hostile: an index or a length that cannot be is the end
 * of the channel.
 */
#ifndef BACKEND_LOOPBACK_VMBUS_RING_H
#define BACKEND_LOOPBACK_VMBUS_RING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { BUS_RING_HEAD = 4096 }; /* bytes in front of the data */

struct bus_ring {
    unsigned char *head; /* the control page */
    unsigned char *data;
    uint32_t size; /* of the data */
    uint32_t own;  /* this end's index: what the guest makes of the shared one is its own affair */
};

enum { BUS_PACKET_DATA = 6, BUS_PACKET_COMPLETION = 11 };

struct bus_packet {
    uint16_t type;
    bool wants_completion;
    uint64_t transaction;
    uint32_t size; /* of the payload */
};

enum bus_ring_result { BUS_RING_DONE, BUS_RING_NOTHING, BUS_RING_BROKEN };

/* ring: a control page and data of so many bytes together; sets it up as for an opening. */
void bus_ring_init(struct bus_ring *ring, void *memory, uint32_t bytes);

/* The most payload of a packet. */
uint32_t bus_ring_largest(const struct bus_ring *ring);

/* Takes a packet of the guest's. *signal: the guest waits for the room. */
enum bus_ring_result bus_ring_take(struct bus_ring *ring, struct bus_packet *packet, void *payload,
                                   uint32_t capacity, bool *signal);

/* Puts a packet for the guest. BUS_RING_NOTHING: no room. *signal: the guest is to be interrupted.
 */
enum bus_ring_result bus_ring_put(struct bus_ring *ring, const struct bus_packet *packet,
                                  const void *payload, bool *signal);

/* Asks the guest to signal when so much payload fits; 0: takes the wish back. */
void bus_ring_want(struct bus_ring *ring, uint32_t payload);

/* Signals of the guest are not wanted, or are again; then true when packets came meanwhile. */
void bus_ring_mask(struct bus_ring *ring);
bool bus_ring_unmask(struct bus_ring *ring);

/* As a kernel does with the guest's own mask when it interrupts, or is told to. */
void bus_ring_set_mask(struct bus_ring *ring, uint32_t mask);

#endif
