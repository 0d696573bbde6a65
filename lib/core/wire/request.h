/* SPDX-License-Identifier: MIT */
/*
 * Commands from the guest to the host.
 *
 * Guest end:
 *     struct wire_request_builder builder;
 *     struct wire_evict *evict = wire_request_begin(&builder, WIRE_VGPU, WIRE_VGPU_EVICT,
 * &envelope, buffer, capacity); if (evict) { evict->device = ...; evict->alloc_count = n; }
 *     wire_append(&builder.out, handles, n * sizeof(*handles));
 *     size_t size = wire_request_finish(&builder);      0: builder.out.error says why
 * Keep the buffer and builder.request until the reply is decoded: its counts say what the reply
 * must hold.
 *
 * Host end: copy the packet once into private memory, wire_request_decode, then use only the
 * decoded request: its spans carry the counts that were checked.
 */
#ifndef D3DKMT_CORE_WIRE_REQUEST_H
#define D3DKMT_CORE_WIRE_REQUEST_H

#include "core/wire/wire.h"

/* A checked command. Points into the bytes that it was made from. */
struct wire_request {
    const struct wire_command
        *command; /* NULL until the number is known, then set even on errors */
    const unsigned char
        *bytes;          /* the fixed part, from the command header on: cast to struct wire_* */
    size_t size;         /* from the command header to the end of the message, padding included */
    size_t content_size; /* from the command header to the end of the last tail */
    struct wire_luid vgpu_luid; /* of the ext header, 0 before version 40 */
    uint32_t interface_version;
    uint32_t process; /* host process handle or 0 */
    bool async;       /* no reply is wanted */
    uint8_t tail_count;
    struct wire_span tails[WIRE_MAX_TAILS]; /* index: enum WIRE_TAIL_<COMMAND>_<TAIL> */
};

/* What is the same for every command of a caller. */
struct wire_envelope {
    uint32_t interface_version; /* from 40 on messages carry an ext header */
    struct wire_luid vgpu_luid; /* 0 for global commands */
    uint32_t process;           /* host process handle or 0 */
    bool async;                 /* ask for no reply; only for commands that are async_capable */
};

struct wire_request_builder {
    struct wire_builder out;     /* whole message, ext header included */
    struct wire_request request; /* valid after wire_request_finish */
    size_t sent_limit;           /* padding that would exceed so many bytes is left out */
};

/*
 * Starts a command in buffer (aligned to 8 bytes) and returns its zeroed fixed part with the header
 * filled in: a struct wire_<command>. NULL if the buffer is too small, misaligned, the number has
 * no layout, or async is asked of a command that is always synchronous.
 */
void *wire_request_begin(struct wire_request_builder *builder, enum wire_channel channel,
                         uint32_t number, const struct wire_envelope *envelope, void *buffer,
                         size_t capacity);

/*
 * Adds the trailing bytes that the command is sent with and returns the size to send, 0 on error.
 * The appended bytes must be exactly what the counts in the fixed part say.
 */
size_t wire_request_finish(struct wire_request_builder *builder);

/*
 * The size to send for a command whose fixed part and content size are known (without ext header);
 * what finish pads to.
 */
size_t wire_request_sent_size(const struct wire_request *request);

/*
 * Checks a message of size bytes (VMBus rounds sizes up to 8; any longer message is accepted) and
 * describes it in request. bytes must be private to the caller and aligned to 8 bytes. On errors
 * request->command is set as soon as the number was readable, so that the host can answer in the
 * command's reply form.
 */
enum wire_error wire_request_decode(const void *bytes, size_t size, uint32_t interface_version,
                                    struct wire_request *request);

#endif
