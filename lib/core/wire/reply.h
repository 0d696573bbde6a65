/* SPDX-License-Identifier: MIT */
/*
 * Replies: the payload of the completion packet, without any header.
 *
 * Guest end: give the transport a buffer of wire_reply_expected(&builder.request) bytes or more,
 * then wire_reply_decode. Host end: wire_reply_begin, fill in, wire_append the tails,
 * wire_reply_finish; or wire_reply_fail. The request is the one that wire_request_finish or
 * wire_request_decode produced.
 */
#ifndef D3DKMT_CORE_WIRE_REPLY_H
#define D3DKMT_CORE_WIRE_REPLY_H

#include "core/wire/request.h"

struct wire_reply {
    const unsigned char
        *bytes; /* cast to struct wire_<command>_reply; an echo: struct wire_<command> */
    size_t size;
    bool has_status;
    int32_t status; /* NTSTATUS; 0 when the reply has none */
    /* First 4 bytes of a reply that is too short, else 0. Hosts that fail a command whose reply has
     * no status answer with a bare NTSTATUS, so this is the best available reason. */
    int32_t short_status;
    uint8_t tail_count;
    struct wire_span
        tails[WIRE_MAX_TAILS]; /* WIRE_REPLY_TAIL_<COMMAND>_<TAIL>; an echo: the request's tails */
};

/*
 * Bytes that the reply must have at least, by the counts of the request. 0: any completion will do.
 */
size_t wire_reply_expected(const struct wire_request *request);

/*
 * Checks a reply against its request. bytes: private to the caller, aligned to 8 bytes. A status
 * that is an error is no wire error: look at reply->status. When the host answered
 * CREATEALLOCATION, each element's private data size has been checked against the request's.
 */
enum wire_error wire_reply_decode(const struct wire_request *request, const void *bytes,
                                  size_t size, struct wire_reply *reply);

/*
 * Starts the reply to request in buffer (aligned to 8 bytes) and returns its zeroed fixed part; for
 * an echo the copy of the command; for private data NULL without an error (append it). NULL with
 * builder->error on errors.
 */
void *wire_reply_begin(struct wire_builder *builder, const struct wire_request *request,
                       void *buffer, size_t capacity);

/* Pads the reply to its expected size and returns it; 0 with builder->error on errors or for an
 * empty reply. */
size_t wire_reply_finish(struct wire_builder *builder, const struct wire_request *request);

/*
 * Writes the reply that says that the command failed with status, in the form the command has for
 * it: a reply with a status field   the zeroed structure, full size, with the status one that is a
 * handle          the handle 0 CREATECONTEXTVIRTUAL          the echo with context 0 longer than 8
 * bytes           the bare NTSTATUS: too short, which a guest reports as an overflow others nothing
 * at all, too short as well (4 bytes would be rounded up to 8 on the way) Returns its size; 0 also
 * when the buffer is too small. Works on requests that failed to decode, as long as
 * request->command is set.
 */
size_t wire_reply_fail(const struct wire_request *request, int32_t status, void *buffer,
                       size_t capacity);

#endif
