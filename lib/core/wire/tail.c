/* SPDX-License-Identifier: MIT */
/* Counting and bounding the arrays behind a message's fixed part. */
#include "core/wire/tail.h"

static uint64_t sum_of_members(const struct wire_span *span, uint16_t member_offset)
{
    /* At most 2^32 elements of at most 2^32: no overflow. */
    uint64_t sum = 0;
    for (uint32_t i = 0; i < span->count; i++)
        sum += wire_load_u32(span->data + (size_t)i * span->element_size + member_offset);
    return sum;
}

/*
 * SIGNALSYNCOBJECT has no count for its fence values: they are there if the message is long enough
 * and no event is asked for. Rounding to 8 adds fewer bytes than one value has, so more bytes than
 * that, but not enough for all, is a cut message rather than an absent tail.
 */
static uint64_t count_if_present(const struct wire_tail *tail, const unsigned char *fixed,
                                 size_t remaining)
{
    uint64_t count = wire_load_u32(fixed + tail->count_offset);
    uint32_t flags = wire_load_u32(fixed + tail->condition_offset);
    if (flags & WIRE_SIGNAL_ENQUEUE_CPU_EVENT || remaining < tail->element_size)
        return 0;
    return count;
}

uint64_t wire_tail_count(const struct wire_tail *tail, const struct wire_request *request,
                         size_t remaining)
{
    const unsigned char *fixed = request->bytes;
    switch ((enum wire_count_source)tail->source) {
    case WIRE_COUNT_FIELD:
        return wire_load_u32(fixed + tail->count_offset);
    case WIRE_COUNT_ONE_IF:
        return wire_load_u32(fixed + tail->condition_offset)
                   ? 1
                   : wire_load_u32(fixed + tail->count_offset);
    case WIRE_COUNT_ONE_UNLESS:
        return fixed[tail->condition_offset] ? wire_load_u32(fixed + tail->count_offset) : 1;
    case WIRE_COUNT_AT_LEAST_ONE: {
        uint32_t count = wire_load_u32(fixed + tail->count_offset);
        return count ? count : 1;
    }
    case WIRE_COUNT_IF_PRESENT:
        return count_if_present(tail, fixed, remaining);
    case WIRE_COUNT_SUM:
        return sum_of_members(&request->tails[tail->count_offset], tail->condition_offset);
    case WIRE_COUNT_REQUEST_TAIL:
        return request->tails[tail->count_offset].count;
    }
    return 0;
}

enum wire_error wire_tail_walk(const struct wire_tail *tails, unsigned count,
                               const struct wire_request *request, const unsigned char *bytes,
                               size_t size, size_t offset, struct wire_span *spans, size_t *end)
{
    for (unsigned i = 0; i < count; i++) {
        size_t remaining = size - offset;
        uint64_t elements = wire_tail_count(&tails[i], request, remaining);
        if (elements > remaining / tails[i].element_size)
            return WIRE_ERROR_SHORT_TAIL;
        spans[i] = (struct wire_span){bytes + offset, (uint32_t)elements, tails[i].element_size};
        offset += (size_t)elements * tails[i].element_size;
    }
    *end = offset;
    return WIRE_OK;
}
