/* SPDX-License-Identifier: MIT */
/* The one place that turns counts into spans; shared by requests and replies. Private to wire. */
#ifndef D3DKMT_CORE_WIRE_TAIL_H
#define D3DKMT_CORE_WIRE_TAIL_H

#include "core/wire/request.h"

/*
 * The number of elements of tail, read once from the request's fixed part. remaining: bytes of the
 * message behind the tails so far (only WIRE_COUNT_IF_PRESENT asks). UINT64_MAX: the message says
 * neither yes nor no.
 */
uint64_t wire_tail_count(const struct wire_tail *tail, const struct wire_request *request,
                         size_t remaining);

/*
 * Describes count tails that start at offset of size bytes in spans; returns WIRE_ERROR_SHORT_TAIL
 * if they do not fit. *end receives the end of the last one.
 */
enum wire_error wire_tail_walk(const struct wire_tail *tails, unsigned count,
                               const struct wire_request *request, const unsigned char *bytes,
                               size_t size, size_t offset, struct wire_span *spans, size_t *end);

static inline const struct wire_reply_layout *wire_reply_layout(const struct wire_request *request)
{
    return &request->command->reply[request->interface_version >= WIRE_VERSION];
}

static inline bool wire_is_aligned(const void *pointer)
{
    return ((uintptr_t)pointer & 7) == 0;
}

static inline uint64_t wire_round_up_8(uint64_t size)
{
    return (size + 7) & ~(uint64_t)7;
}

#endif
