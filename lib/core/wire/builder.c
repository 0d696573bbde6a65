/* SPDX-License-Identifier: MIT */
/* Bounds-checked writing, common to requests and replies. */
#include "core/wire/wire.h"

void *wire_append(struct wire_builder *builder, const void *data, size_t count)
{
    builder->needed += count;
    if (builder->error)
        return NULL;
    if (count > builder->capacity - builder->size) {
        builder->error = WIRE_ERROR_CAPACITY;
        return NULL;
    }
    unsigned char *to = builder->buffer + builder->size;
    if (!data)
        memset(to, 0, count);
    else if (count)
        memcpy(to, data, count);
    builder->size += count;
    return to;
}
