/* SPDX-License-Identifier: MIT */
/* Makes a valid request or reply of any command from its descriptor; shared by the wire tests. */
#ifndef D3DKMT_TESTS_WIRE_BUILDERS_H
#define D3DKMT_TESTS_WIRE_BUILDERS_H

#include "core/wire/reply.h"

enum { TEST_BUFFER_SIZE = WIRE_MESSAGE_LIMIT + 64 };

struct test_buffer {
    _Alignas(8) unsigned char bytes[TEST_BUFFER_SIZE];
};

extern const struct wire_luid test_luid;

/*
 * Writes the counts into the fixed part where the command's descriptor says, then tails of pattern
 * bytes. Tails that are summed up get their sum through the first element. Returns
 * wire_request_finish's result.
 */
size_t test_request_build(struct wire_request_builder *builder, const struct wire_command *command,
                          uint32_t version, bool async, const uint32_t *counts,
                          struct test_buffer *buffer);

/* Small counts that differ from tail to tail and obey the command's rules. */
void test_counts(const struct wire_command *command, uint32_t *counts);

/* The byte that stands at position of tail. */
unsigned char test_pattern(unsigned tail, size_t position);

/* Calls check for every command with a known layout. */
void test_for_each_command(void (*check)(const struct wire_command *command, uint32_t version));

#endif
