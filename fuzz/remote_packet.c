/* SPDX-License-Identifier: MIT */
/*
 * Packets between a guest and d3dkmt-hostd. Input: one byte (bit 0: a guest's, bits 1-2: number of
 * descriptors) and a packet.
 */
#include "backend-loopback/remote/frame.h"
#include "fuzz_input.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct remote_packet packet;

    if (size < 1)
        return 0;
    unsigned char *bytes = fuzz_copy(data + 1, size - 1);
    const char *wrong =
        remote_packet_decode(bytes, size - 1, data[0] >> 1 & 3, (data[0] & 1) != 0, &packet);
    if (!wrong) {
        const unsigned char *body = packet.body;
        fuzz_touch(body, (size_t)(packet.tail - body));
        fuzz_touch(packet.tail, packet.tail_size);
        if (packet.tail + packet.tail_size != bytes + size - 1)
            abort();
    }
    free(bytes);
    return 0;
}
