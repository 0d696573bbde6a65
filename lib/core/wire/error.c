/* SPDX-License-Identifier: MIT */
/* The wire errors in words. */
#include "core/wire/wire.h"

static const char *const texts[WIRE_ERROR_COUNT] = {
    [WIRE_OK] = "no error",
    [WIRE_ERROR_MISALIGNED] = "the buffer is not aligned to 8 bytes",
    [WIRE_ERROR_TOO_LARGE] = "the message is larger than the protocol's limit of 128 KiB",
    [WIRE_ERROR_SHORT_EXT_HEADER] = "the message ends inside its ext header",
    [WIRE_ERROR_COMMAND_OFFSET] = "the ext header's command offset does not point at a command",
    [WIRE_ERROR_SHORT_HEADER] = "the message ends inside its command header",
    [WIRE_ERROR_CHANNEL_TYPE] = "the channel type does not belong to this direction",
    [WIRE_ERROR_COMMAND_NUMBER] = "the command number is not assigned",
    [WIRE_ERROR_UNKNOWN_LAYOUT] = "the command's layout is not known",
    [WIRE_ERROR_NOT_ASYNC] = "the command cannot be sent asynchronously",
    [WIRE_ERROR_SHORT_FIXED_PART] = "the message ends inside the command's fixed part",
    [WIRE_ERROR_SHORT_TAIL] = "a count is larger than what the message holds",
    [WIRE_ERROR_CAPACITY] = "the buffer is too small for the message",
    [WIRE_ERROR_TAIL_MISMATCH] = "the appended bytes differ from what the counts say",
    [WIRE_ERROR_SHORT_REPLY] = "the reply is shorter than the command's reply structure",
    [WIRE_ERROR_RESULT_SIZE] = "the reply claims more private data than the request offered",
};

const char *wire_error_text(enum wire_error error)
{
    if ((unsigned)error >= WIRE_ERROR_COUNT)
        return "unknown wire error";
    return texts[error];
}
