/* SPDX-License-Identifier: MIT */
/* Commands from the guest to the host: encoder and decoder. */
#include "core/wire/request.h"

#include "core/wire/reply.h"
#include "core/wire/tail.h"

/* ---- encoder */

static enum wire_error check_begin(const struct wire_command *command,
                                   const struct wire_envelope *envelope, const void *buffer)
{
    if (!command)
        return WIRE_ERROR_COMMAND_NUMBER;
    if (!command->layout_known)
        return WIRE_ERROR_UNKNOWN_LAYOUT;
    if (envelope->async && !command->async_capable)
        return WIRE_ERROR_NOT_ASYNC;
    return wire_is_aligned(buffer) ? WIRE_OK : WIRE_ERROR_MISALIGNED;
}

void *wire_request_begin(struct wire_request_builder *builder, enum wire_channel channel,
                         uint32_t number, const struct wire_envelope *envelope, void *buffer,
                         size_t capacity)
{
    const struct wire_command *command = wire_command_find(channel, number);
    if (capacity > WIRE_MESSAGE_LIMIT)
        capacity = WIRE_MESSAGE_LIMIT;
    builder->out = (struct wire_builder){.buffer = buffer, .capacity = capacity};
    builder->request.command = command;
    builder->request.interface_version = envelope->interface_version;
    builder->out.error = check_begin(command, envelope, buffer);
    if (builder->out.error)
        return NULL;

    if (envelope->interface_version >= WIRE_VERSION) {
        struct wire_ext_header *ext = wire_append(&builder->out, NULL, sizeof(*ext));
        if (!ext)
            return NULL;
        ext->command_offset = WIRE_EXT_HEADER_SIZE;
        ext->vgpu_luid = envelope->vgpu_luid;
    }
    struct wire_header *header = wire_append(&builder->out, NULL, command->fixed_size);
    if (!header)
        return NULL;
    header->process = envelope->process;
    header->channel = (uint32_t)channel | (envelope->async ? WIRE_CHANNEL_ASYNC_MSG : 0);
    header->command_type = number;
    builder->sent_limit = SIZE_MAX;
    builder->request.vgpu_luid = envelope->vgpu_luid;
    builder->request.process = envelope->process;
    builder->request.async = envelope->async;
    builder->request.bytes = (unsigned char *)header;
    return header;
}

size_t wire_request_sent_size(const struct wire_request *request)
{
    size_t size = request->content_size + request->command->sent_extra;
    if (request->command->sent_with_reply)
        size += wire_round_up_8(wire_reply_expected(request));
    return size < request->command->sent_minimum ? request->command->sent_minimum : size;
}

size_t wire_request_finish(struct wire_request_builder *builder)
{
    struct wire_request *request = &builder->request;
    struct wire_builder *out = &builder->out;
    if (out->error)
        return 0;
    const struct wire_command *command = request->command;
    size_t written = out->size - (size_t)(request->bytes - out->buffer);
    request->tail_count = command->tail_count;
    out->error =
        wire_tail_walk(command->tails, command->tail_count, request, request->bytes, written,
                       command->fixed_size, request->tails, &request->content_size);
    if (!out->error && request->content_size != written)
        out->error = WIRE_ERROR_TAIL_MISMATCH;
    if (out->error) {
        out->error = WIRE_ERROR_TAIL_MISMATCH;
        return 0;
    }
    request->size = wire_request_sent_size(request);
    if (request->size > written && out->size + (request->size - written) > builder->sent_limit)
        request->size = written;
    wire_append(out, NULL, request->size - written);
    return out->error ? 0 : out->size;
}

/* ---- decoder */

/* Finds the command behind the ext header. On success *offset is aligned to 8 and leaves room for a
 * header. */
static enum wire_error find_command(const unsigned char *bytes, size_t size,
                                    struct wire_request *request, size_t *offset)
{
    *offset = 0;
    if (request->interface_version >= WIRE_VERSION) {
        struct wire_ext_header ext;
        if (size < sizeof(ext))
            return WIRE_ERROR_SHORT_EXT_HEADER;
        memcpy(&ext, bytes, sizeof(ext));
        if (ext.command_offset < WIRE_EXT_HEADER_SIZE || ext.command_offset % 8 ||
            ext.command_offset > size)
            return WIRE_ERROR_COMMAND_OFFSET;
        request->vgpu_luid = ext.vgpu_luid;
        *offset = ext.command_offset;
    }
    return size - *offset < WIRE_HEADER_SIZE ? WIRE_ERROR_SHORT_HEADER : WIRE_OK;
}

static enum wire_error read_header(struct wire_request *request)
{
    struct wire_header header;
    memcpy(&header, request->bytes, sizeof(header));
    uint32_t channel = header.channel & WIRE_CHANNEL_CHANNEL_TYPE;
    if (channel != WIRE_VGPU && channel != WIRE_GLOBAL)
        return WIRE_ERROR_CHANNEL_TYPE;
    request->process = header.process;
    request->async = (header.channel & WIRE_CHANNEL_ASYNC_MSG) != 0;
    request->command = wire_command_find(channel, header.command_type);
    if (!request->command)
        return WIRE_ERROR_COMMAND_NUMBER;
    if (!request->command->layout_known)
        return WIRE_ERROR_UNKNOWN_LAYOUT;
    if (request->async && !request->command->async_capable)
        return WIRE_ERROR_NOT_ASYNC;
    return WIRE_OK;
}

enum wire_error wire_request_decode(const void *bytes, size_t size, uint32_t interface_version,
                                    struct wire_request *request)
{
    size_t offset;
    memset(request, 0, sizeof(*request));
    request->interface_version = interface_version;
    if (!wire_is_aligned(bytes))
        return WIRE_ERROR_MISALIGNED;
    if (size > WIRE_MESSAGE_LIMIT)
        return WIRE_ERROR_TOO_LARGE;
    enum wire_error error = find_command(bytes, size, request, &offset);
    if (error)
        return error;
    request->bytes = (const unsigned char *)bytes + offset;
    request->size = size - offset;
    error = read_header(request);
    if (error)
        return error;
    const struct wire_command *command = request->command;
    if (request->size < command->fixed_size)
        return WIRE_ERROR_SHORT_FIXED_PART;
    request->tail_count = command->tail_count;
    return wire_tail_walk(command->tails, command->tail_count, request, request->bytes,
                          request->size, command->fixed_size, request->tails,
                          &request->content_size);
}
