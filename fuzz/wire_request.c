/* SPDX-License-Identifier: MIT */
/* Input: one byte for the interface version, then a message from a guest. */
#include "core/wire/reply.h"
#include "fuzz_input.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct wire_request request;
    _Alignas(8) static unsigned char reply[WIRE_MESSAGE_LIMIT];
    if (size < 1)
        return 0;
    uint32_t version = data[0] & 1 ? WIRE_VERSION : WIRE_VERSION_OLD;
    unsigned char *message = fuzz_copy(data + 1, size - 1);
    enum wire_error error = wire_request_decode(message, size - 1, version, &request);
    if (error == WIRE_OK) {
        fuzz_touch(request.bytes, request.command->fixed_size);
        for (unsigned i = 0; i < request.tail_count; i++)
            fuzz_touch(request.tails[i].data, wire_span_bytes(&request.tails[i]));
        if (request.content_size > request.size)
            abort();
    }
    if (request.command)
        wire_reply_fail(&request, INT32_MIN, reply, sizeof(reply));
    free(message);
    return 0;
}
