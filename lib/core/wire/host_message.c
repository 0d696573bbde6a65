/* SPDX-License-Identifier: MIT */
/* Messages that the host sends on its own: encoder and decoder. */
#include "core/wire/host_message.h"

#include "core/wire/tail.h"

void wire_host_message_signal(struct wire_signalguestevent *message, uint64_t event, bool passive)
{
    memset(message, 0, sizeof(*message));
    message->header.channel = WIRE_HOST;
    message->header.command_type =
        passive ? WIRE_HOST_SIGNALGUESTEVENTPASSIVE : WIRE_HOST_SIGNALGUESTEVENT;
    message->event = event;
}

void wire_host_message_set_data(struct wire_setguestdata *message, uint64_t cookie, uint32_t value)
{
    memset(message, 0, sizeof(*message));
    message->header.channel = WIRE_HOST;
    message->header.command_type = WIRE_HOST_SETGUESTDATA;
    message->guest_pointer = cookie;
    message->data32 = value;
}

enum wire_error wire_host_message_decode(const void *bytes, size_t size,
                                         struct wire_host_message *message)
{
    struct wire_header header;
    memset(message, 0, sizeof(*message));
    if (!wire_is_aligned(bytes))
        return WIRE_ERROR_MISALIGNED;
    if (size < sizeof(header))
        return WIRE_ERROR_SHORT_HEADER;
    memcpy(&header, bytes, sizeof(header));
    if ((header.channel & WIRE_CHANNEL_CHANNEL_TYPE) != WIRE_HOST)
        return WIRE_ERROR_CHANNEL_TYPE;
    if (header.command_type >= WIRE_HOST_MESSAGE_LIMIT)
        return WIRE_ERROR_COMMAND_NUMBER;
    message->number = header.command_type;
    switch (header.command_type) {
    case WIRE_HOST_SIGNALGUESTEVENT:
    case WIRE_HOST_SIGNALGUESTEVENTPASSIVE:
        message->signal = bytes;
        break;
    case WIRE_HOST_SETGUESTDATA:
        message->data = bytes;
        break;
    default:
        return WIRE_ERROR_UNKNOWN_LAYOUT;
    }
    return size < WIRE_HOST_MESSAGE_SIZE ? WIRE_ERROR_SHORT_FIXED_PART : WIRE_OK;
}
