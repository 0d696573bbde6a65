/* SPDX-License-Identifier: MIT */
#include "backend-vmbus-uio/ring.h"

#include "backend-vmbus-uio/ring_access.h"

#include <string.h>

/*
 * A packet begins with a word of 16 bits each for type, offset8, length8 and flags, and one for the
 * transaction; behind the payload it ends with a third. Words are read and written as such, for a
 * processor forwards whole stores only.
 */

/* Offset of the payload, and length of descriptor, payload and padding, are in units of 8 bytes. */
enum { OFFSET8_SHIFT = 16, LENGTH8_SHIFT = 32, FLAGS_SHIFT = 48 };

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

static uint32_t put_word(const struct vmbus_ring_memory *ring, uint32_t at, uint64_t word)
{
    ring_memory_write(ring->data + at, &word, sizeof(word));
    return advance(ring, at, sizeof(word));
}

static uint64_t get_word(const struct vmbus_ring_memory *ring, uint32_t at)
{
    uint64_t word;

    ring_memory_read(&word, ring->data + at, sizeof(word));
    return word;
}

/* ---- bytes, in one piece where the data area is mapped twice */

static uint32_t copy_in(const struct vmbus_ring_memory *ring, uint32_t at, const void *bytes,
                        uint32_t size)
{
    uint32_t first = ring->size - at;

    if (size == 0)
        return at;
    if (ring->mapped_twice || size <= first) {
        ring_memory_write(ring->data + at, bytes, size);
    } else {
        ring_memory_write(ring->data + at, bytes, first);
        ring_memory_write(ring->data, (const unsigned char *)bytes + first, size - first);
    }
    return advance(ring, at, size);
}

static void copy_out(const struct vmbus_ring_memory *ring, uint32_t at, void *bytes, uint32_t size)
{
    uint32_t first = ring->size - at;

    if (size == 0)
        return;
    if (ring->mapped_twice || size <= first) {
        ring_memory_read(bytes, ring->data + at, size);
    } else {
        ring_memory_read(bytes, ring->data + at, first);
        ring_memory_read((unsigned char *)bytes + first, ring->data, size - first);
    }
}

/* ---- sending */

enum vmbus_ring_status vmbus_sender_init(struct vmbus_sender *sender,
                                         const struct vmbus_ring_memory *ring)
{
    memset(sender, 0, sizeof(*sender));
    sender->ring = *ring;
    sender->fault = check_memory(ring);
    return sender->fault;
}

uint32_t vmbus_sender_largest(const struct vmbus_sender *sender)
{
    /* 8 bytes always stay free. */
    uint32_t by_ring = sender->ring.size - VMBUS_PACKET_OVERHEAD - VMBUS_PACKET_ALIGNMENT;
    uint32_t by_length = UINT16_MAX * VMBUS_PACKET_ALIGNMENT - DESCRIPTOR_SIZE;

    return by_ring < by_length ? by_ring : by_length;
}

/* Bytes of a packet in the ring, 0 if it can never fit. */
static uint32_t bytes_needed(const struct vmbus_sender *sender, size_t payload)
{
    if (payload > vmbus_sender_largest(sender))
        return 0;
    uint32_t padded =
        ((uint32_t)payload + VMBUS_PACKET_ALIGNMENT - 1) & ~(uint32_t)(VMBUS_PACKET_ALIGNMENT - 1);
    return DESCRIPTOR_SIZE + padded + TRAILER_SIZE;
}

/* What the peer has read, looked up anew only when the last look is not enough. */
static enum vmbus_ring_status find_room(struct vmbus_sender *sender, uint32_t needed)
{
    const struct vmbus_ring_memory *ring = &sender->ring;

    if (free_bytes(ring, sender->read, sender->write) > needed)
        return VMBUS_RING_OK;
    uint32_t read = ring_load_acquire(&ring->control->read_index);
    sender->fault = check_progress(ring, sender->read, read, sender->published);
    if (sender->fault != VMBUS_RING_OK)
        return sender->fault;
    sender->read = read;
    return free_bytes(ring, read, sender->write) > needed ? VMBUS_RING_OK : VMBUS_RING_FULL;
}

static bool total_size(const struct iovec *pieces, size_t count, size_t *total)
{
    *total = 0;
    for (size_t i = 0; i < count; i++)
        if (__builtin_add_overflow(*total, pieces[i].iov_len, total))
            return false;
    return true;
}

enum vmbus_ring_status vmbus_sender_put(struct vmbus_sender *sender,
                                        const struct vmbus_packet *packet,
                                        const struct iovec *pieces, size_t count)
{
    const struct vmbus_ring_memory *ring = &sender->ring;
    size_t payload;

    if (sender->fault != VMBUS_RING_OK)
        return sender->fault;
    uint32_t needed = total_size(pieces, count, &payload) ? bytes_needed(sender, payload) : 0;
    if (needed == 0)
        return VMBUS_RING_TOO_LARGE;
    enum vmbus_ring_status status = find_room(sender, needed);
    if (status != VMBUS_RING_OK)
        return status;
    const uint64_t head =
        (uint64_t)(uint16_t)packet->type |
        (uint64_t)(DESCRIPTOR_SIZE / VMBUS_PACKET_ALIGNMENT) << OFFSET8_SHIFT |
        (uint64_t)((needed - TRAILER_SIZE) / VMBUS_PACKET_ALIGNMENT) << LENGTH8_SHIFT |
        (uint64_t)(packet->completion_requested ? FLAG_COMPLETION_REQUESTED : 0) << FLAGS_SHIFT;
    uint32_t at = put_word(ring, sender->write, head);
    uint32_t end = advance(ring, sender->write, needed - TRAILER_SIZE);
    at = put_word(ring, at, packet->transaction);
    /* The last word first, which the payload may not fill. */
    if (payload % VMBUS_PACKET_ALIGNMENT)
        (void)put_word(ring, (end ? end : ring->size) - VMBUS_PACKET_ALIGNMENT, 0);
    for (size_t i = 0; i < count; i++)
        at = copy_in(ring, at, pieces[i].iov_base, (uint32_t)pieces[i].iov_len);
    sender->write = put_word(ring, end, (uint64_t)sender->write << 32);
    return VMBUS_RING_OK;
}

bool vmbus_sender_publish(struct vmbus_sender *sender)
{
    struct vmbus_ring_control *control = sender->ring.control;
    uint32_t before = sender->published;

    if (sender->fault != VMBUS_RING_OK || sender->write == before)
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
    uint32_t needed = sender->fault == VMBUS_RING_OK ? bytes_needed(sender, payload) : 0;
    uint32_t quarter = sender->ring.size / 4 & ~(uint32_t)(VMBUS_PACKET_ALIGNMENT - 1);

    if (needed == 0)
        return true; /* there is nothing to wait for */
    ring_store(&control->pending_send_size, needed > quarter ? needed : quarter);
    /* As in publish: the peer frees, fences, and looks at the wish. */
    ring_fence();
    if (find_room(sender, needed) == VMBUS_RING_FULL)
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

/* Whether there is something to read; looks at the peer's index only when all known is read. */
static enum vmbus_ring_status find_packet(struct vmbus_receiver *receiver)
{
    const struct vmbus_ring_memory *ring = &receiver->ring;

    if (receiver->write != receiver->read)
        return VMBUS_RING_OK;
    uint32_t write = ring_load_acquire(&ring->control->write_index);
    enum vmbus_ring_status status = check_index(ring, write);
    if (status != VMBUS_RING_OK)
        return receiver->fault = status;
    /* What is not committed yet must not have been written over. */
    if (bytes_between(ring, receiver->read, write) >=
        free_bytes(ring, receiver->committed, receiver->read))
        return receiver->fault = VMBUS_RING_FAULT_INDEX_BACKWARDS;
    receiver->write = write;
    return write == receiver->read ? VMBUS_RING_EMPTY : VMBUS_RING_OK;
}

/* A packet's first word, in bytes. */
struct shape {
    uint32_t type, offset, length, flags;
};

static struct shape decode(uint64_t head)
{
    return (struct shape){
        .type = (uint16_t)head,
        .offset = (uint32_t)(uint16_t)(head >> OFFSET8_SHIFT) * VMBUS_PACKET_ALIGNMENT,
        .length = (uint32_t)(uint16_t)(head >> LENGTH8_SHIFT) * VMBUS_PACKET_ALIGNMENT,
        .flags = (uint16_t)(head >> FLAGS_SHIFT),
    };
}

static enum vmbus_ring_status check_shape(const struct shape *shape, uint32_t used, size_t capacity)
{
    if (shape->length + TRAILER_SIZE > used)
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

__attribute__((always_inline)) static inline enum vmbus_ring_status
look(struct vmbus_receiver *receiver, struct vmbus_packet *packet, size_t limit)
{
    const struct vmbus_ring_memory *ring = &receiver->ring;

    if (receiver->fault != VMBUS_RING_OK)
        return receiver->fault;
    enum vmbus_ring_status status = find_packet(receiver);
    if (status != VMBUS_RING_OK)
        return status;
    uint32_t used = bytes_between(ring, receiver->read, receiver->write);
    if (used < VMBUS_PACKET_OVERHEAD)
        return receiver->fault = VMBUS_RING_FAULT_PACKET_CUT;
    const struct shape shape = decode(get_word(ring, receiver->read));
    status = check_shape(&shape, used, limit);
    if (status != VMBUS_RING_OK)
        return receiver->fault = status;
    *packet = (struct vmbus_packet){
        .type = (enum vmbus_packet_type)shape.type,
        .completion_requested = shape.flags & FLAG_COMPLETION_REQUESTED,
        .transaction = get_word(ring, advance(ring, receiver->read, sizeof(uint64_t))),
        .size = shape.length - shape.offset,
    };
    receiver->payload = advance(ring, receiver->read, shape.offset);
    receiver->end = advance(ring, receiver->read, shape.length + TRAILER_SIZE);
    receiver->size = packet->size;
    return VMBUS_RING_OK;
}

enum vmbus_ring_status vmbus_receiver_look(struct vmbus_receiver *receiver,
                                           struct vmbus_packet *packet, size_t limit)
{
    return look(receiver, packet, limit);
}

void vmbus_receiver_copy(struct vmbus_receiver *receiver, void *buffer, size_t size)
{
    copy_out(&receiver->ring, receiver->payload, buffer,
             size < receiver->size ? (uint32_t)size : receiver->size);
    receiver->read = receiver->end;
}

enum vmbus_ring_status vmbus_receiver_take(struct vmbus_receiver *receiver,
                                           struct vmbus_packet *packet, void *buffer,
                                           size_t capacity)
{
    enum vmbus_ring_status status = look(receiver, packet, capacity);

    if (status != VMBUS_RING_OK)
        return status;
    copy_out(&receiver->ring, receiver->payload, buffer, packet->size);
    receiver->read = receiver->end;
    return VMBUS_RING_OK;
}

bool vmbus_receiver_owes_commit(const struct vmbus_receiver *receiver)
{
    const struct vmbus_ring_memory *ring = &receiver->ring;

    return bytes_between(ring, receiver->committed, receiver->read) >= ring->size / 4;
}

bool vmbus_receiver_commit(struct vmbus_receiver *receiver)
{
    const struct vmbus_ring_memory *ring = &receiver->ring;
    uint32_t freed = bytes_between(ring, receiver->committed, receiver->read);

    if (receiver->fault != VMBUS_RING_OK || freed == 0)
        return false;
    receiver->committed = receiver->read;
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
