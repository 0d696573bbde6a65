/* SPDX-License-Identifier: MIT */
/* Makes a valid request of any command from its descriptor. */
#include "wire/builders.h"

const struct wire_luid test_luid = {0x11223344, 0x55667788};

unsigned char test_pattern(unsigned tail, size_t position)
{
    return (unsigned char)(0x40 * tail + position % 63 + 1);
}

void test_counts(const struct wire_command *command, uint32_t *counts)
{
    for (unsigned i = 0; i < command->tail_count; i++) {
        const struct wire_tail *tail = &command->tails[i];
        counts[i] = 3 + i;
        for (unsigned j = 0; j < i; j++)
            if (tail->source != WIRE_COUNT_SUM &&
                command->tails[j].count_offset == tail->count_offset)
                counts[i] = counts[j];
    }
}

static void store_count(unsigned char *fixed, const struct wire_tail *tail, uint32_t count)
{
    if (tail->source == WIRE_COUNT_FIELD)
        wire_store_u32(fixed + tail->count_offset, count);
    else if (tail->source == WIRE_COUNT_ONE_IF &&
             wire_load_u32(fixed + tail->count_offset) != count)
        wire_store_u32(fixed + tail->condition_offset, 0x40000040);
}

static void append_tail(struct wire_builder *out, const struct wire_command *command,
                        unsigned index, const uint32_t *counts)
{
    const struct wire_tail *tail = &command->tails[index];
    size_t size = (size_t)counts[index] * tail->element_size;
    unsigned char *bytes = wire_append(out, NULL, size);
    if (!bytes)
        return;
    for (size_t i = 0; i < size; i++)
        bytes[i] = test_pattern(index, i);
    for (unsigned later = index + 1; later < command->tail_count; later++) {
        const struct wire_tail *sum = &command->tails[later];
        if (sum->source != WIRE_COUNT_SUM || sum->count_offset != index)
            continue;
        for (uint32_t i = 0; i < counts[index]; i++)
            wire_store_u32(bytes + (size_t)i * tail->element_size + sum->condition_offset,
                           i == 0 ? counts[later] : 0);
    }
}

size_t test_request_build(struct wire_request_builder *builder, const struct wire_command *command,
                          uint32_t version, bool async, const uint32_t *counts,
                          struct test_buffer *buffer)
{
    struct wire_envelope envelope = {version, test_luid, 0x40000080, async};
    memset(buffer->bytes, 0xee, sizeof(buffer->bytes));
    unsigned char *fixed = wire_request_begin(builder, command->channel, command->number, &envelope,
                                              buffer->bytes, WIRE_MESSAGE_LIMIT);
    if (!fixed)
        return 0;
    for (unsigned i = 0; i < command->tail_count; i++)
        store_count(fixed, &command->tails[i], counts[i]);
    for (unsigned i = 0; i < command->tail_count; i++)
        append_tail(&builder->out, command, i, counts);
    return wire_request_finish(builder);
}

void test_for_each_command(void (*check)(const struct wire_command *command, uint32_t version))
{
    static const uint32_t versions[] = {WIRE_VERSION_OLD, WIRE_VERSION};
    for (unsigned v = 0; v < 2; v++) {
        for (uint32_t i = 0; i < WIRE_GLOBAL_COMMAND_LIMIT; i++) {
            enum wire_channel channel = i < WIRE_GLOBAL_COMMAND_FIRST ? WIRE_VGPU : WIRE_GLOBAL;
            const struct wire_command *command = wire_command_find(channel, i);
            if (command && command->layout_known)
                check(command, versions[v]);
        }
    }
}
