/* SPDX-License-Identifier: MIT */
/* Input: one byte for the interface version, 16 bits for the request's size, the request, then the
 * host's reply. */
#include "core/wire/reply.h"
#include "fuzz_input.h"

static void check_reply(const struct wire_request *request, const unsigned char *bytes, size_t size)
{
    struct wire_reply reply;
    if (wire_reply_decode(request, bytes, size, &reply) != WIRE_OK)
        return;
    fuzz_touch(reply.bytes, wire_reply_expected(request));
    for (unsigned i = 0; i < reply.tail_count; i++)
        fuzz_touch(reply.tails[i].data, wire_span_bytes(&reply.tails[i]));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct wire_request request;
    if (size < 3)
        return 0;
    size_t request_size = (size_t)data[1] | (size_t)data[2] << 8;
    if (request_size > size - 3)
        request_size = size - 3;
    unsigned char *message = fuzz_copy(data + 3, request_size);
    unsigned char *reply = fuzz_copy(data + 3 + request_size, size - 3 - request_size);
    uint32_t version = data[0] & 1 ? WIRE_VERSION : WIRE_VERSION_OLD;
    if (wire_request_decode(message, request_size, version, &request) == WIRE_OK)
        check_reply(&request, reply, size - 3 - request_size);
    free(message);
    free(reply);
    return 0;
}
