/* SPDX-License-Identifier: MIT */
/*
 * VMBus rings: packets through memory that is shared with a peer who may do anything to it.
 *
 * A channel has two rings, one in each direction. A ring is a control page (struct
 * vmbus_ring_control) and a data area; its sender owns write_index and pending_send_size, its
 * receiver read_index and interrupt_mask. What an end owns it keeps a private copy of and never
 * reads back; what the peer owns is read once, checked, and only then used. A broken rule ends the
 * use of the ring: every later call returns the same fault.
 *
 * One thread at a time may use a sender, and one a receiver. Nothing here sleeps, signals,
 * allocates or knows of devices: publish and commit say when the peer must be signalled.
 *
 * The format is that of Linux' include/linux/hyperv.h and of OpenVMM's ring buffers.
 */
#ifndef BACKEND_VMBUS_UIO_RING_H
#define BACKEND_VMBUS_UIO_RING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    VMBUS_RING_CONTROL_SIZE = 4096, /* bytes before the data area */
    VMBUS_RING_MINIMUM = 4096,      /* bytes of the smallest data area that is taken */
    VMBUS_PACKET_OVERHEAD = 24,     /* descriptor and trailer */
    VMBUS_PACKET_ALIGNMENT = 8,     /* payloads are padded to it with zeros */
};

/* The first words of a ring, as they are shared. */
struct vmbus_ring_control {
    uint32_t write_index;       /* bytes into the data area; the sender's */
    uint32_t read_index;        /* the receiver's */
    uint32_t interrupt_mask;    /* not 0: the receiver wants no signals */
    uint32_t pending_send_size; /* bytes that the sender waits for, 0: it does not wait */
    uint32_t reserved[12];
    uint32_t feature_bits; /* VMBUS_RING_FEATURE_* */
};

/* The sender uses pending_send_size, and looks at that of the ring in the other direction. */
#define VMBUS_RING_FEATURE_FLOW_CONTROL 1u

enum vmbus_packet_type {
    VMBUS_PACKET_DATA = 6, /* in-band: the payload is in the packet */
    VMBUS_PACKET_COMPLETION = 11,
};

/* What a packet says beside its payload. */
struct vmbus_packet {
    uint64_t transaction; /* 0: no reply is expected */
    uint32_t size;        /* bytes of payload; of a received one a multiple of 8 */
    enum vmbus_packet_type type;
    bool completion_requested;
};

enum vmbus_ring_status {
    VMBUS_RING_OK,
    VMBUS_RING_EMPTY,     /* nothing to receive */
    VMBUS_RING_FULL,      /* no room now; wait for space */
    VMBUS_RING_TOO_LARGE, /* never fits this ring, see the sender's largest */
    /* Faults: the peer broke the rules, or the memory is not a ring. */
    VMBUS_RING_FAULT_MEMORY,           /* no data area of a usable size */
    VMBUS_RING_FAULT_INDEX,            /* an index outside of the data area */
    VMBUS_RING_FAULT_INDEX_ALIGNMENT,  /* an index that is no multiple of 8 */
    VMBUS_RING_FAULT_INDEX_BACKWARDS,  /* an index that moved back */
    VMBUS_RING_FAULT_PACKET_CUT,       /* less published than the smallest packet */
    VMBUS_RING_FAULT_PACKET_BEYOND,    /* a packet longer than what is published */
    VMBUS_RING_FAULT_PAYLOAD_OFFSET,   /* a payload that begins in the descriptor */
    VMBUS_RING_FAULT_PAYLOAD_BEYOND,   /* a payload that begins behind the packet */
    VMBUS_RING_FAULT_PACKET_TYPE,      /* neither data nor a completion */
    VMBUS_RING_FAULT_PACKET_FLAGS,     /* a flag that nobody defined */
    VMBUS_RING_FAULT_PACKET_TOO_LARGE, /* more payload than the receiver takes */
    VMBUS_RING_STATUS_COUNT
};

/* In words, for errors and logs. */
const char *vmbus_ring_status_text(enum vmbus_ring_status status);

static inline bool vmbus_ring_is_fault(enum vmbus_ring_status status)
{
    return status >= VMBUS_RING_FAULT_MEMORY;
}

/* Where a ring lies. */
struct vmbus_ring_memory {
    struct vmbus_ring_control *control;
    unsigned char *data;
    uint32_t size;     /* bytes of the data area, a multiple of 8 */
    bool mapped_twice; /* the data area follows a second time, right behind itself */
};

/* ---- sending */

struct vmbus_sender {
    struct vmbus_ring_memory ring;
    uint32_t write;     /* behind the last packet put */
    uint32_t published; /* behind the last packet that the peer knows of */
    uint32_t free;      /* bytes that the peer is known to have read, and that were never used */
    uint32_t largest;   /* bytes of payload that fit an empty ring */
    enum vmbus_ring_status fault;
};

/* Begins with an empty ring: both indices 0, as the kernel leaves them when a channel opens. */
enum vmbus_ring_status vmbus_sender_init(struct vmbus_sender *sender,
                                         const struct vmbus_ring_memory *ring);

/*
 * Puts a packet behind the last one; the peer does not see it before the next publish.
 *
 * VMBUS_RING_OK; VMBUS_RING_FULL or VMBUS_RING_TOO_LARGE, and the ring is as it was; or a fault.
 */
enum vmbus_ring_status vmbus_sender_put(struct vmbus_sender *sender,
                                        const struct vmbus_packet *packet, const void *payload);

/* Lets the peer see what was put since the last time. True: it must be signalled. */
bool vmbus_sender_publish(struct vmbus_sender *sender);

/*
 * Asks the peer to signal when a packet with so much payload fits (and, so that the two do not take
 * turns, not before a quarter of the ring is free). Everything must be published. True: there is
 * room already, or a fault, and nothing was asked. Otherwise withdraw the wish with space_found
 * before the next put.
 */
bool vmbus_sender_await_space(struct vmbus_sender *sender, size_t payload);
void vmbus_sender_space_found(struct vmbus_sender *sender);

/* ---- receiving */

struct vmbus_receiver {
    struct vmbus_ring_memory ring;
    uint32_t read;        /* behind the last packet stepped to */
    uint32_t payload;     /* where that packet's payload begins */
    uint32_t size;        /* bytes of it */
    uint32_t uncommitted; /* bytes read that the peer does not know of */
    uint32_t unread;      /* bytes behind read that the peer is known to have written */
    enum vmbus_ring_status fault;
};

enum vmbus_ring_status vmbus_receiver_init(struct vmbus_receiver *receiver,
                                           const struct vmbus_ring_memory *ring);

/*
 * Steps to the next packet. What was stepped over stays where it is until the next commit, so that
 * the payload can be copied right to where it belongs.
 *
 * VMBUS_RING_OK, VMBUS_RING_EMPTY, or a fault. Payloads above limit are a fault: limit must be the
 * most that the protocol above allows.
 */
enum vmbus_ring_status vmbus_receiver_next(struct vmbus_receiver *receiver,
                                           struct vmbus_packet *packet, size_t limit);

/*
 * Copies the first size bytes of the payload of the packet stepped to (or fewer, if it has not so
 * many); before the next commit.
 */
void vmbus_receiver_copy(const struct vmbus_receiver *receiver, void *buffer, size_t size);

/* Both at once: the whole payload, of packet->size bytes, for which buffer has capacity. */
static inline enum vmbus_ring_status vmbus_receiver_take(struct vmbus_receiver *receiver,
                                                         struct vmbus_packet *packet, void *buffer,
                                                         size_t capacity)
{
    enum vmbus_ring_status status = vmbus_receiver_next(receiver, packet, capacity);

    if (status == VMBUS_RING_OK)
        vmbus_receiver_copy(receiver, buffer, packet->size);
    return status;
}

/* Whether so much was taken that a commit is due although more packets are there. */
static inline bool vmbus_receiver_owes_commit(const struct vmbus_receiver *receiver)
{
    return receiver->uncommitted >= receiver->ring.size / 4;
}

/* Gives the room of the packets taken back. True: the sender waits for it and must be signalled. */
bool vmbus_receiver_commit(struct vmbus_receiver *receiver);

/*
 * Tells the sender that signals are not wanted (while busy), and that they are (before sleeping).
 * commit must come before unmask. unmask: true if packets came meanwhile, whose signal may be
 * lost: go on receiving instead of sleeping.
 */
void vmbus_receiver_mask(struct vmbus_receiver *receiver);
bool vmbus_receiver_unmask(struct vmbus_receiver *receiver);

#endif
