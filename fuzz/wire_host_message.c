/* SPDX-License-Identifier: MIT */
/* Input: a message that a host sends on its own. */
#include "core/wire/host_message.h"
#include "fuzz_input.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct wire_host_message message;
    unsigned char *bytes = fuzz_copy(data, size);
    if (wire_host_message_decode(bytes, size, &message) == WIRE_OK)
        fuzz_touch((const unsigned char *)message.signal, WIRE_HOST_MESSAGE_SIZE);
    free(bytes);
    return 0;
}
