/* SPDX-License-Identifier: MIT */
/* Messages that the host sends on the global channel. They have no ext header and are never
 * answered. */
#ifndef D3DKMT_CORE_WIRE_HOST_MESSAGE_H
#define D3DKMT_CORE_WIRE_HOST_MESSAGE_H

#include "core/wire/wire.h"

enum { WIRE_HOST_MESSAGE_SIZE = 48 }; /* of every message with a known layout */

struct wire_host_message {
    uint32_t number; /* WIRE_HOST_* */
    union {
        const struct wire_signalguestevent *signal; /* SIGNALGUESTEVENT, SIGNALGUESTEVENTPASSIVE */
        const struct wire_setguestdata *data;       /* SETGUESTDATA */
    };
};

/* Event of the guest; passive chooses SIGNALGUESTEVENTPASSIVE. */
void wire_host_message_signal(struct wire_signalguestevent *message, uint64_t event, bool passive);

/*
 * The 32-bit form, which is the one that guests act upon. cookie: the guest's, from CREATEDEVICE.
 */
void wire_host_message_set_data(struct wire_setguestdata *message, uint64_t cookie, uint32_t value);

/*
 * Checks a message (bytes private to the caller, aligned to 8 bytes). WIRE_ERROR_UNKNOWN_LAYOUT: an
 * assigned number that guests ignore; message->number is set.
 */
enum wire_error wire_host_message_decode(const void *bytes, size_t size,
                                         struct wire_host_message *message);

#endif
