/* SPDX-License-Identifier: MIT */
/* Replies: what a completion must hold, encoder and decoder. */
#include "core/wire/reply.h"

#include "core/wire/tail.h"

size_t wire_reply_expected(const struct wire_request *request)
{
    const struct wire_reply_layout *layout = wire_reply_layout(request);
    if (layout->kind == WIRE_REPLY_ECHO)
        return request->size;
    /* The counts were bounded by the request's size or, for counts of the reply alone, by 2^32
     * elements of 4 bytes. */
    uint64_t size = layout->fixed_size;
    for (unsigned i = 0; i < layout->tail_count; i++)
        size += wire_tail_count(&layout->tails[i], request, 0) * layout->tails[i].element_size;
    return (size_t)size;
}

/* ---- decoder */

/* A guest splits the private data by the sizes in the reply: they must stay inside what it asked
 * for. */
static enum wire_error check_allocation_results(const struct wire_request *request,
                                                const struct wire_reply *reply)
{
    const struct wire_span *asked = &request->tails[WIRE_TAIL_CREATEALLOCATION_ALLOC_INFO];
    const struct wire_span *got = &reply->tails[WIRE_REPLY_TAIL_CREATEALLOCATION_ALLOCATION_INFO];
    for (uint32_t i = 0; i < got->count; i++) {
        uint32_t limit = wire_load_u32((const unsigned char *)wire_span_at(asked, i) +
                                       offsetof(struct wire_allocation_info, priv_drv_data_size));
        uint32_t size = wire_load_u32((const unsigned char *)wire_span_at(got, i) +
                                      offsetof(struct wire_allocation_result, priv_drv_data_size));
        if (size > limit)
            return WIRE_ERROR_RESULT_SIZE;
    }
    return WIRE_OK;
}

static enum wire_error describe_echo(const struct wire_request *request, struct wire_reply *reply)
{
    /* Counts come from the request that was sent, not from the echo: the host may have changed
     * them. */
    reply->tail_count = request->tail_count;
    for (unsigned i = 0; i < request->tail_count; i++) {
        reply->tails[i] = request->tails[i];
        reply->tails[i].data = reply->bytes + (request->tails[i].data - request->bytes);
    }
    return WIRE_OK;
}

enum wire_error wire_reply_decode(const struct wire_request *request, const void *bytes,
                                  size_t size, struct wire_reply *reply)
{
    const struct wire_reply_layout *layout = wire_reply_layout(request);
    size_t end;
    memset(reply, 0, sizeof(*reply));
    reply->bytes = bytes;
    reply->size = size;
    if (!wire_is_aligned(bytes))
        return WIRE_ERROR_MISALIGNED;
    if (size < wire_reply_expected(request)) {
        if (size >= sizeof(reply->short_status))
            memcpy(&reply->short_status, bytes, sizeof(reply->short_status));
        return WIRE_ERROR_SHORT_REPLY;
    }
    if (layout->status_offset != WIRE_NO_STATUS) {
        reply->has_status = true;
        memcpy(&reply->status, reply->bytes + layout->status_offset, sizeof(reply->status));
    }
    if (layout->kind == WIRE_REPLY_ECHO)
        return describe_echo(request, reply);
    reply->tail_count = layout->tail_count;
    enum wire_error error = wire_tail_walk(layout->tails, layout->tail_count, request, reply->bytes,
                                           size, layout->fixed_size, reply->tails, &end);
    if (!error && request->command == &wire_vgpu_commands[WIRE_VGPU_CREATEALLOCATION])
        error = check_allocation_results(request, reply);
    return error == WIRE_ERROR_SHORT_TAIL ? WIRE_ERROR_SHORT_REPLY : error;
}

/* ---- encoder */

void *wire_reply_begin(struct wire_builder *builder, const struct wire_request *request,
                       void *buffer, size_t capacity)
{
    const struct wire_reply_layout *layout = wire_reply_layout(request);
    if (capacity > WIRE_REPLY_LIMIT)
        capacity = WIRE_REPLY_LIMIT;
    *builder = (struct wire_builder){.buffer = buffer, .capacity = capacity};
    if (!wire_is_aligned(buffer)) {
        builder->error = WIRE_ERROR_MISALIGNED;
        return NULL;
    }
    if (layout->kind == WIRE_REPLY_ECHO)
        return wire_append(builder, request->bytes, request->size);
    return layout->fixed_size ? wire_append(builder, NULL, layout->fixed_size) : NULL;
}

size_t wire_reply_finish(struct wire_builder *builder, const struct wire_request *request)
{
    size_t expected = wire_reply_expected(request);
    if (!builder->error && builder->size < expected)
        wire_append(builder, NULL, expected - builder->size);
    return builder->error ? 0 : builder->size;
}

static size_t bare_status(int32_t status, void *buffer, size_t capacity)
{
    if (capacity < sizeof(status))
        return 0;
    memcpy(buffer, &status, sizeof(status));
    return sizeof(status);
}

/* The reply in its full form, with the status or a zero handle in it; 0 if it does not fit. */
static size_t full_failure(const struct wire_request *request,
                           const struct wire_reply_layout *layout, int32_t status, void *buffer,
                           size_t capacity)
{
    struct wire_builder builder;
    unsigned char *fixed = wire_reply_begin(&builder, request, buffer, capacity);
    if (!fixed)
        return 0;
    if (layout->status_offset != WIRE_NO_STATUS)
        memcpy(fixed + layout->status_offset, &status, sizeof(status));
    else if (layout->kind == WIRE_REPLY_ECHO)
        wire_store_u32(fixed + offsetof(struct wire_createcontextvirtual, context), 0);
    return request->content_size ? wire_reply_finish(&builder, request) : builder.size;
}

size_t wire_reply_fail(const struct wire_request *request, int32_t status, void *buffer,
                       size_t capacity)
{
    const struct wire_reply_layout *layout = wire_reply_layout(request);
    bool decoded = request->content_size != 0;
    bool size_known = decoded || (layout->tail_count == 0 && layout->kind != WIRE_REPLY_ECHO);
    size_t expected = decoded ? wire_reply_expected(request) : layout->fixed_size;
    bool has_form = layout->status_offset != WIRE_NO_STATUS || layout->kind == WIRE_REPLY_ECHO ||
                    expected == sizeof(uint32_t);

    if (!request->command->layout_known)
        return bare_status(status, buffer, capacity);
    if (layout->kind == WIRE_REPLY_COMPLETION)
        return 0;
    if (size_known && has_form && layout->kind != WIRE_REPLY_RAW) {
        size_t size = full_failure(request, layout, status, buffer, capacity);
        if (size)
            return size;
        /* The full form is larger than the buffer or the limit: too short a reply is a failure as
         * well. */
    }
    if (layout->kind == WIRE_REPLY_RAW && !decoded)
        return 0;
    return size_known && expected <= 8 ? 0 : bare_status(status, buffer, capacity);
}
