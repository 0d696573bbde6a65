/* SPDX-License-Identifier: MIT */
#include "miniports/intel/tokens.h"

#include <string.h>

enum {
    UNIT = 4,
    HEADER = UNIT,
    VARIABLE_HEADER = 4 * UNIT, /* header, index, bytes, units */
    FLAG_VALUE = 0x1,
    FLAG_VARIABLE = 0x10,
};

/* ---- writing */

static void put_bytes(struct token_writer *writer, const void *bytes, size_t size)
{
    if (writer->overflow || size > writer->size - writer->used) {
        writer->overflow = true;
        return;
    }
    memcpy(writer->data + writer->used, bytes, size);
    writer->used += size;
}

static void put_header(struct token_writer *writer, enum token id, unsigned units, unsigned flags)
{
    const unsigned char header[HEADER] = {id & 0xff, (unsigned)id >> 8 & 0xff, (unsigned char)units,
                                          (unsigned char)flags};

    put_bytes(writer, header, sizeof(header));
}

static void store_u32(unsigned char *to, uint32_t value)
{
    for (unsigned i = 0; i < UNIT; i++)
        to[i] = (unsigned char)(value >> 8 * i);
}

static void put_u32(struct token_writer *writer, uint32_t value)
{
    unsigned char bytes[UNIT];

    store_u32(bytes, value);
    put_bytes(writer, bytes, sizeof(bytes));
}

void tokens_bool(struct token_writer *writer, enum token id, bool value)
{
    put_header(writer, id, 0, value ? FLAG_VALUE : 0);
}

void tokens_u32(struct token_writer *writer, enum token id, uint32_t value)
{
    put_header(writer, id, 1, 0);
    put_u32(writer, value);
}

void tokens_u64(struct token_writer *writer, enum token id, uint64_t value)
{
    put_header(writer, id, 2, 0);
    put_u32(writer, (uint32_t)value);
    put_u32(writer, (uint32_t)(value >> 32));
}

size_t tokens_begin(struct token_writer *writer, enum token id, uint32_t index)
{
    put_header(writer, id, 0, FLAG_VARIABLE);
    put_u32(writer, index);
    put_u32(writer, 0);
    put_u32(writer, 0);
    return writer->used;
}

void tokens_end(struct token_writer *writer, size_t begin)
{
    if (writer->overflow)
        return;
    size_t size = writer->used - begin;
    store_u32(writer->data + begin - 2 * UNIT, (uint32_t)size);
    store_u32(writer->data + begin - UNIT, (uint32_t)(size / UNIT));
}

/* ---- reading */

static uint32_t load_u32(const unsigned char *from)
{
    return from[0] | (uint32_t)from[1] << 8 | (uint32_t)from[2] << 16 | (uint32_t)from[3] << 24;
}

struct entry {
    unsigned id;
    bool variable;
    struct token_span value;
};

/* Takes the first entry off the stream. False at its end, and where an entry does not fit in it. */
static bool next(struct token_span *stream, struct entry *entry)
{
    if (stream->size < HEADER)
        return false;
    const unsigned char *at = stream->data;
    size_t head = HEADER, room = (size_t)at[2] * UNIT, used = room;
    entry->id = at[0] | (unsigned)at[1] << 8;
    entry->variable = at[3] & FLAG_VARIABLE;
    if (entry->variable) {
        if (stream->size < VARIABLE_HEADER)
            return false;
        head = VARIABLE_HEADER;
        used = load_u32(at + 2 * UNIT);
        room = (size_t)load_u32(at + 3 * UNIT) * UNIT;
    }
    if (room > stream->size - head || used > room)
        return false;
    entry->value = (struct token_span){at + head, used};
    stream->data += head + room;
    stream->size -= head + room;
    return true;
}

bool tokens_structure(struct token_span stream, enum token id, struct token_span *entries)
{
    struct entry entry;

    while (next(&stream, &entry)) {
        if (entry.id == id && entry.variable) {
            *entries = entry.value;
            return true;
        }
    }
    return false;
}

bool tokens_number(struct token_span stream, enum token id, uint64_t *value)
{
    struct entry entry;

    while (next(&stream, &entry)) {
        if (entry.id != id || entry.variable || entry.value.size < UNIT)
            continue;
        *value = load_u32(entry.value.data);
        if (entry.value.size >= 2 * UNIT)
            *value |= (uint64_t)load_u32(entry.value.data + UNIT) << 32;
        return true;
    }
    return false;
}
