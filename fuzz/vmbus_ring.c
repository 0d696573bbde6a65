/* SPDX-License-Identifier: MIT */
/*
 * Input: what a hostile peer does to a ring, byte by byte. Each byte is an action: its low bits
 * choose, what follows are the words or the data that it writes. In between both ends are used as
 * a backend would.
 */
#include "backend-vmbus-uio/ring.h"
#include "fuzz_input.h"

#include <string.h>

enum { SIZE = VMBUS_RING_MINIMUM };

static void use_receiver(struct vmbus_receiver *receiver)
{
    struct vmbus_packet packet;
    /* Of its exact size, so that a byte too many is noticed. */
    unsigned char *buffer = malloc(SIZE);

    while (buffer && vmbus_receiver_take(receiver, &packet, buffer, SIZE) == VMBUS_RING_OK) {
        if (packet.size > SIZE)
            abort();
        fuzz_touch(buffer, packet.size);
        if (vmbus_receiver_owes_commit(receiver))
            vmbus_receiver_commit(receiver);
    }
    free(buffer);
    vmbus_receiver_commit(receiver);
    vmbus_receiver_unmask(receiver);
}

static void use_sender(struct vmbus_sender *sender, uint32_t size)
{
    static unsigned char bytes[SIZE];
    const struct vmbus_packet packet = {size, size % SIZE, VMBUS_PACKET_DATA, true};

    if (vmbus_sender_put(sender, &packet, bytes) == VMBUS_RING_FULL &&
        !vmbus_sender_await_space(sender, packet.size))
        vmbus_sender_space_found(sender);
    vmbus_sender_publish(sender);
}

static void scribble(struct fuzz_input *input, struct vmbus_ring_control *control,
                     unsigned char *data)
{
    uint32_t action = fuzz_next(input, 1);

    switch (action % 6) {
    case 0:
        control->write_index = fuzz_next(input, action & 8 ? 4 : 2) << (action & 16 ? 3 : 0);
        break;
    case 1:
        control->read_index = fuzz_next(input, action & 8 ? 4 : 2) << (action & 16 ? 3 : 0);
        break;
    case 2:
        control->pending_send_size = fuzz_next(input, 4);
        break;
    case 3:
        control->interrupt_mask = fuzz_next(input, 1);
        control->feature_bits = action;
        break;
    default:
        /* A descriptor, where one may begin. */
        for (uint32_t at = fuzz_next(input, 2) % (SIZE / 8) * 8, i = 0; i < 8; i++)
            data[(at + i) % SIZE] = (unsigned char)fuzz_next(input, 1);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct fuzz_input input = {bytes, size};
    struct vmbus_ring_control *control = calloc(1, sizeof(*control));
    unsigned char *data = calloc(1, SIZE);
    const struct vmbus_ring_memory ring = {control, data, SIZE, false};
    struct vmbus_sender sender;
    struct vmbus_receiver receiver;

    if (control && data) {
        vmbus_sender_init(&sender, &ring);
        vmbus_receiver_init(&receiver, &ring);
        while (input.left) {
            scribble(&input, control, data);
            use_sender(&sender, fuzz_next(&input, 2));
            use_receiver(&receiver);
        }
    }
    free(control);
    free(data);
    return 0;
}
