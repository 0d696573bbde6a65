/* SPDX-License-Identifier: MIT */
#include "backend-vmbus-uio/ring.h"

#include "backend-vmbus-uio/ring_access.h"

#include <string.h>

/*
 * A packet begins with a word of 16 bits each for type, offset8, length8 and flags, and one for the
 * transaction; behind the payload it ends with a third. Words are read and written as such, for a
 * processor forwards whole stores only.
 */

/*
 * Offset of the payload, and length of descriptor, payload and padding, are in units of 8 bytes.
 * Bytes that are multiples of 8 are shifted by 3 bits less.
 */
enum { OFFSET_SHIFT = 16 - 3, LENGTH_SHIFT = 32 - 3, FLAGS_SHIFT = 48, BYTES_MASK = 0xffff << 3 };

enum {
    DESCRIPTOR_SIZE = 16,
    TRAILER_SIZE = 8,
    FLAG_COMPLETION_REQUESTED = 1,
};

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "the wire's byte order");
_Static_assert(offsetof(struct vmbus_ring_control, feature_bits) == 64, "the shared layout");

const char *vmbus_ring_status_text(enum vmbus_ring_status status)
{
    static const char *const texts[VMBUS_RING_STATUS_COUNT] = {
        [VMBUS_RING_OK] = "done",
        [VMBUS_RING_EMPTY] = "the ring is empty",
        [VMBUS_RING_FULL] = "the ring is full",
        [VMBUS_RING_TOO_LARGE] = "the packet is larger than the ring",
        [VMBUS_RING_FAULT_MEMORY] = "the memory is not a ring",
        [VMBUS_RING_FAULT_INDEX] = "the peer's index lies outside of the ring",
        [VMBUS_RING_FAULT_INDEX_ALIGNMENT] = "the peer's index is not a multiple of 8",
        [VMBUS_RING_FAULT_INDEX_BACKWARDS] = "the peer's index moved backwards",
        [VMBUS_RING_FAULT_PACKET_CUT] = "the peer published less than a packet",
        [VMBUS_RING_FAULT_PACKET_BEYOND] = "a packet is longer than what the peer published",
        [VMBUS_RING_FAULT_PAYLOAD_OFFSET] = "a payload begins inside of its descriptor",
        [VMBUS_RING_FAULT_PAYLOAD_BEYOND] = "a payload begins behind its packet",
        [VMBUS_RING_FAULT_PACKET_TYPE] = "a packet is neither data nor a completion",
        [VMBUS_RING_FAULT_PACKET_FLAGS] = "a packet has flags that nobody defined",
        [VMBUS_RING_FAULT_PACKET_TOO_LARGE] = "a packet is larger than its protocol allows",
    };

    return status < VMBUS_RING_STATUS_COUNT ? texts[status] : "no status of a ring";
}

/* ---- arithmetic of the data area */

/* All values stay below twice the size, which fits by check_memory. */
static uint32_t advance(const struct vmbus_ring_memory *ring, uint32_t index, uint32_t bytes)
{
    uint32_t sum = index + bytes;

    return sum >= ring->size ? sum - ring->size : sum;
}

static uint32_t bytes_between(const struct vmbus_ring_memory *ring, uint32_t from, uint32_t to)
{
    return to >= from ? to - from : ring->size - from + to;
}

/* 8 bytes always stay free, so that full and empty differ: free must exceed what is needed. */
static uint32_t free_bytes(const struct vmbus_ring_memory *ring, uint32_t read, uint32_t write)
{
    return ring->size - bytes_between(ring, read, write);
}

static enum vmbus_ring_status check_memory(const struct vmbus_ring_memory *ring)
{
    bool usable = ring->control && ring->data && ring->size >= VMBUS_RING_MINIMUM &&
                  ring->size <= INT32_MAX && ring->size % VMBUS_PACKET_ALIGNMENT == 0;

    return usable ? VMBUS_RING_OK : VMBUS_RING_FAULT_MEMORY;
}

/* An index that the peer gave. */
static enum vmbus_ring_status check_index(const struct vmbus_ring_memory *ring, uint32_t index)
{
    if (index >= ring->size)
        return VMBUS_RING_FAULT_INDEX;
    return index % VMBUS_PACKET_ALIGNMENT == 0 ? VMBUS_RING_OK : VMBUS_RING_FAULT_INDEX_ALIGNMENT;
}

/* The peer's index may only run from `seen` up to `limit`, which this end has set. */
static enum vmbus_ring_status check_progress(const struct vmbus_ring_memory *ring, uint32_t seen,
                                             uint32_t index, uint32_t limit)
{
    enum vmbus_ring_status status = check_index(ring, index);

    if (status == VMBUS_RING_OK &&
        bytes_between(ring, seen, index) > bytes_between(ring, seen, limit))
        status = VMBUS_RING_FAULT_INDEX_BACKWARDS;
    return status;
}

/* ---- words, which never wrap: indices and sizes are multiples of 8 */

static void put_word(unsigned char *at, uint64_t word)
{
    ring_memory_write(at, &word, sizeof(word));
}

static uint64_t get_word(const unsigned char *at)
{
    uint64_t word;

    ring_memory_read(&word, at, sizeof(word));
    return word;
}

/* ---- bytes, in one piece or split at the end of a data area that is mapped once */

static bool in_one_piece(const struct vmbus_ring_memory *ring, uint32_t at, uint32_t size)
{
    return ring->mapped_twice || size <= ring->size - at;
}

/* A position behind another; bytes in one piece may go on behind the first mapping's end. */
static inline unsigned char *behind(const struct vmbus_ring_memory *ring, uint32_t at,
                                    uint32_t bytes, bool one_piece)
{
    return ring->data + (one_piece ? at + bytes : advance(ring, at, bytes));
}

static __attribute__((noinline)) void copy_out_split(const struct vmbus_ring_memory *ring,
                                                     uint32_t at, void *bytes, uint32_t size)
{
    uint32_t first = ring->size - at;

    ring_memory_read(bytes, ring->data + at, first);
    ring_memory_read((unsigned char *)bytes + first, ring->data, size - first);
}

/* ---- sending */

enum vmbus_ring_status vmbus_sender_init(struct vmbus_sender *sender,
                                         const struct vmbus_ring_memory *ring)
{
    memset(sender, 0, sizeof(*sender));
    sender->ring = *ring;
    sender->fault = check_memory(ring);
    if (sender->fault == VMBUS_RING_OK) {
        /* 8 bytes always stay free. */
        uint32_t by_ring = ring->size - VMBUS_PACKET_OVERHEAD - VMBUS_PACKET_ALIGNMENT;
        uint32_t by_length = UINT16_MAX * VMBUS_PACKET_ALIGNMENT - DESCRIPTOR_SIZE;

        sender->free = ring->size;
        sender->largest = by_ring < by_length ? by_ring : by_length;
    }
    return sender->fault;
}

/* Bytes in the ring of a packet that is not too large for it. */
static uint32_t bytes_needed(uint32_t payload)
{
    uint32_t padded = (payload + VMBUS_PACKET_ALIGNMENT - 1) & ~(VMBUS_PACKET_ALIGNMENT - 1u);

    return padded + VMBUS_PACKET_OVERHEAD;
}

/* Nothing more can be put or published, which spares the common path a look at the fault. */
static enum vmbus_ring_status sender_fault(struct vmbus_sender *sender,
                                           enum vmbus_ring_status fault)
{
    sender->free = 0;
    sender->write = sender->published;
    sender->fault = fault;
    return fault;
}

/* Learns what the peer has read meanwhile. */
static __attribute__((noinline)) enum vmbus_ring_status look_for_room(struct vmbus_sender *sender,
                                                                      uint32_t needed)
{
    const struct vmbus_ring_memory *ring = &sender->ring;

    if (sender->fault != VMBUS_RING_OK)
        return sender->fault;
    uint32_t seen = advance(ring, sender->write, sender->free);
    uint32_t read = ring_load_acquire(&ring->control->read_index);
    enum vmbus_ring_status status = check_progress(ring, seen, read, sender->published);
    if (status != VMBUS_RING_OK)
        return sender_fault(sender, status);
    sender->free = free_bytes(ring, read, sender->write);
    return sender->free > needed ? VMBUS_RING_OK : VMBUS_RING_FULL;
}

static uint64_t head_word(const struct vmbus_packet *packet, uint32_t needed)
{
    return (uint64_t)(uint16_t)packet->type | (uint64_t)DESCRIPTOR_SIZE << OFFSET_SHIFT |
           (uint64_t)(needed - TRAILER_SIZE) << LENGTH_SHIFT |
           (uint64_t)(packet->completion_requested ? FLAG_COMPLETION_REQUESTED : 0) << FLAGS_SHIFT;
}

/* Everything but the payload. Compiled twice, for a packet in one piece wants no arithmetic. */
__attribute__((always_inline)) static inline void put_words(const struct vmbus_ring_memory *ring,
                                                            uint32_t at, uint32_t needed,
                                                            const struct vmbus_packet *packet,
                                                            bool one_piece)
{
    const uint32_t end = needed - TRAILER_SIZE;

    put_word(ring->data + at, head_word(packet, needed));
    put_word(behind(ring, at, sizeof(uint64_t), one_piece), packet->transaction);
    /* The last word of the payload, which the payload may not fill. */
    if (packet->size % VMBUS_PACKET_ALIGNMENT)
        put_word(behind(ring, at, end - VMBUS_PACKET_ALIGNMENT, one_piece), 0);
    put_word(behind(ring, at, end, one_piece), (uint64_t)at << 32);
}

static __attribute__((noinline)) void put_split(const struct vmbus_ring_memory *ring, uint32_t at,
                                                uint32_t needed, const struct vmbus_packet *packet,
                                                const void *payload)
{
    uint32_t place = advance(ring, at, DESCRIPTOR_SIZE), first = ring->size - place;

    put_words(ring, at, needed, packet, false);
    if (packet->size == 0)
        return;
    if (packet->size < first)
        first = packet->size;
    ring_memory_write(ring->data + place, payload, first);
    ring_memory_write(ring->data, (const unsigned char *)payload + first, packet->size - first);
}

/* There is room for it. */
static inline enum vmbus_ring_status put_packet(struct vmbus_sender *sender, uint32_t needed,
                                                const struct vmbus_packet *packet,
                                                const void *payload)
{
    const struct vmbus_ring_memory *ring = &sender->ring;
    const uint32_t at = sender->write, size = packet->size;
    unsigned char *place = ring->data + at + DESCRIPTOR_SIZE;

    sender->write = advance(ring, at, needed);
    sender->free -= needed;
    if (!in_one_piece(ring, at, needed)) {
        put_split(ring, at, needed, packet, payload);
    } else {
        put_words(ring, at, needed, packet, true);
        if (size)
            ring_memory_write(place, payload, size);
    }
    return VMBUS_RING_OK;
}

/* Apart from vmbus_sender_put, which then has no call but the last and saves no registers. */
static __attribute__((noinline)) enum vmbus_ring_status
look_and_put(struct vmbus_sender *sender, uint32_t needed, const struct vmbus_packet *packet,
             const void *payload)
{
    enum vmbus_ring_status status = look_for_room(sender, needed);

    return status == VMBUS_RING_OK ? put_packet(sender, needed, packet, payload) : status;
}

enum vmbus_ring_status vmbus_sender_put(struct vmbus_sender *sender,
                                        const struct vmbus_packet *packet, const void *payload)
{
    uint32_t needed = bytes_needed(packet->size);

    if (packet->size > sender->largest)
        return sender->fault != VMBUS_RING_OK ? sender->fault : VMBUS_RING_TOO_LARGE;
    if (sender->free <= needed)
        return look_and_put(sender, needed, packet, payload);
    return put_packet(sender, needed, packet, payload);
}

bool vmbus_sender_publish(struct vmbus_sender *sender)
{
    struct vmbus_ring_control *control = sender->ring.control;
    uint32_t before = sender->published;

    if (sender->write == before)
        return false;
    sender->published = sender->write;
    ring_store_release(&control->write_index, sender->write);
    /* Between the peer's unmasking and its last look at write_index stands a fence like this: one
     * of the two sees the other. */
    ring_fence();
    /* Only a ring that was empty has a receiver that sleeps; hosts punish other signals. */
    return ring_load(&control->interrupt_mask) == 0 && ring_load(&control->read_index) == before;
}

bool vmbus_sender_await_space(struct vmbus_sender *sender, size_t payload)
{
    struct vmbus_ring_control *control = sender->ring.control;
    uint32_t needed = bytes_needed((uint32_t)payload);
    uint32_t quarter = sender->ring.size / 4 & ~(uint32_t)(VMBUS_PACKET_ALIGNMENT - 1);

    if (sender->fault != VMBUS_RING_OK || payload > sender->largest)
        return true; /* there is nothing to wait for */
    ring_store(&control->pending_send_size, needed > quarter ? needed : quarter);
    /* As in publish: the peer frees, fences, and looks at the wish. */
    ring_fence();
    if (look_for_room(sender, needed) == VMBUS_RING_FULL)
        return false;
    vmbus_sender_space_found(sender);
    return true;
}

void vmbus_sender_space_found(struct vmbus_sender *sender)
{
    ring_store(&sender->ring.control->pending_send_size, 0);
}

/* ---- receiving */

enum vmbus_ring_status vmbus_receiver_init(struct vmbus_receiver *receiver,
                                           const struct vmbus_ring_memory *ring)
{
    memset(receiver, 0, sizeof(*receiver));
    receiver->ring = *ring;
    receiver->fault = check_memory(ring);
    return receiver->fault;
}

/* Nothing more can be read, which spares the common path a look at the fault. */
static __attribute__((noinline)) enum vmbus_ring_status
receiver_fault(struct vmbus_receiver *receiver, enum vmbus_ring_status fault)
{
    receiver->unread = 0;
    receiver->fault = fault;
    return fault;
}

/* Less is known than any packet has: learns what the peer has written meanwhile. */
static __attribute__((noinline)) enum vmbus_ring_status
look_for_packet(struct vmbus_receiver *receiver)
{
    const struct vmbus_ring_memory *ring = &receiver->ring;

    if (receiver->fault != VMBUS_RING_OK)
        return receiver->fault;
    if (receiver->unread != 0)
        return receiver_fault(receiver, VMBUS_RING_FAULT_PACKET_CUT);
    uint32_t write = ring_load_acquire(&ring->control->write_index);
    enum vmbus_ring_status status = check_index(ring, write);
    if (status != VMBUS_RING_OK)
        return receiver_fault(receiver, status);
    uint32_t unread = bytes_between(ring, receiver->read, write);
    /* What is not committed yet must not have been written over. */
    if (unread >= ring->size - receiver->uncommitted)
        return receiver_fault(receiver, VMBUS_RING_FAULT_INDEX_BACKWARDS);
    if (unread == 0)
        return VMBUS_RING_EMPTY;
    if (unread < VMBUS_PACKET_OVERHEAD)
        return receiver_fault(receiver, VMBUS_RING_FAULT_PACKET_CUT);
    receiver->unread = unread;
    return VMBUS_RING_OK;
}

/* A packet's first word, in bytes. */
struct shape {
    uint32_t type, offset, length, flags;
};

static struct shape decode(uint64_t head)
{
    return (struct shape){
        .type = (uint16_t)head,
        .offset = (uint32_t)(head >> OFFSET_SHIFT) & BYTES_MASK,
        .length = (uint32_t)(head >> LENGTH_SHIFT) & BYTES_MASK,
        .flags = (uint16_t)(head >> FLAGS_SHIFT),
    };
}

static enum vmbus_ring_status check_shape(const struct shape *shape, uint32_t unread,
                                          size_t capacity)
{
    if (shape->length + TRAILER_SIZE > unread)
        return VMBUS_RING_FAULT_PACKET_BEYOND;
    if (shape->offset < DESCRIPTOR_SIZE)
        return VMBUS_RING_FAULT_PAYLOAD_OFFSET;
    if (shape->offset > shape->length)
        return VMBUS_RING_FAULT_PAYLOAD_BEYOND;
    if (shape->type != VMBUS_PACKET_DATA && shape->type != VMBUS_PACKET_COMPLETION)
        return VMBUS_RING_FAULT_PACKET_TYPE;
    if (shape->flags & ~(uint32_t)FLAG_COMPLETION_REQUESTED)
        return VMBUS_RING_FAULT_PACKET_FLAGS;
    return shape->length - shape->offset > capacity ? VMBUS_RING_FAULT_PACKET_TOO_LARGE
                                                    : VMBUS_RING_OK;
}

enum vmbus_ring_status vmbus_receiver_next(struct vmbus_receiver *receiver,
                                           struct vmbus_packet *packet, size_t limit)
{
    const struct vmbus_ring_memory *ring = &receiver->ring;
    const uint32_t at = receiver->read;

    if (receiver->unread < VMBUS_PACKET_OVERHEAD) {
        enum vmbus_ring_status status = look_for_packet(receiver);

        if (status != VMBUS_RING_OK)
            return status;
    }
    const struct shape shape = decode(get_word(ring->data + at));
    enum vmbus_ring_status status = check_shape(&shape, receiver->unread, limit);
    if (status != VMBUS_RING_OK)
        return receiver_fault(receiver, status);
    const uint32_t bytes = shape.length + TRAILER_SIZE;

    packet->type = (enum vmbus_packet_type)shape.type;
    packet->completion_requested = shape.flags != 0;
    packet->size = receiver->size = shape.length - shape.offset;
    receiver->unread -= bytes;
    receiver->uncommitted += bytes;
    receiver->payload = advance(ring, at, shape.offset);
    receiver->read = advance(ring, at, bytes);
    packet->transaction = get_word(ring->data + advance(ring, at, sizeof(uint64_t)));
    return VMBUS_RING_OK;
}

void vmbus_receiver_copy(const struct vmbus_receiver *receiver, void *buffer, size_t size)
{
    const struct vmbus_ring_memory *ring = &receiver->ring;

    if (size > receiver->size)
        size = receiver->size;
    if (!in_one_piece(ring, receiver->payload, (uint32_t)size))
        copy_out_split(ring, receiver->payload, buffer, (uint32_t)size);
    else if (size)
        ring_memory_read(buffer, ring->data + receiver->payload, (uint32_t)size);
}

bool vmbus_receiver_commit(struct vmbus_receiver *receiver)
{
    const struct vmbus_ring_memory *ring = &receiver->ring;
    uint32_t freed = receiver->uncommitted;

    if (receiver->fault != VMBUS_RING_OK || freed == 0)
        return false;
    receiver->uncommitted = 0;
    ring_store_release(&ring->control->read_index, receiver->read);
    if (!(ring_load(&ring->control->feature_bits) & VMBUS_RING_FEATURE_FLOW_CONTROL))
        return false;
    ring_fence();
    uint32_t wanted = ring_load(&ring->control->pending_send_size);
    if (wanted == 0)
        return false;
    uint32_t write = ring_load(&ring->control->write_index);
    if (check_index(ring, write) != VMBUS_RING_OK)
        return false; /* the next take says so */
    uint32_t now = free_bytes(ring, receiver->read, write);
    uint32_t before = now > freed ? now - freed : 0;
    return before <= wanted && now > wanted;
}

void vmbus_receiver_mask(struct vmbus_receiver *receiver)
{
    ring_store(&receiver->ring.control->interrupt_mask, 1);
}

bool vmbus_receiver_unmask(struct vmbus_receiver *receiver)
{
    struct vmbus_ring_control *control = receiver->ring.control;

    ring_store(&control->interrupt_mask, 0);
    ring_fence();
    return receiver->fault != VMBUS_RING_OK ||
           ring_load_acquire(&control->write_index) != receiver->read;
}
