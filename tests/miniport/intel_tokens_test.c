/* SPDX-License-Identifier: MIT */
/* Intel's tagged streams: what is written is read again, and broken ones end where they break. */
#include "miniports/intel/tokens.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static struct token_span span(const struct token_writer *writer)
{
    return (struct token_span){writer->data, writer->used};
}

static void values_come_back_from_their_structures(void **state)
{
    unsigned char data[256];
    struct token_writer writer = {.data = data, .size = sizeof(data)};
    struct token_span inner;
    uint64_t value = 0;

    (void)state;
    size_t outer = tokens_begin(&writer, TOKEN_SURFACE, 0);
    tokens_u32(&writer, TOKEN_HEAP_BASE, 1);
    size_t nested = tokens_begin(&writer, TOKEN_SURFACE_RESOURCE, 3);
    tokens_bool(&writer, TOKEN_SLICE_ENABLED, true);
    tokens_u64(&writer, TOKEN_TEXTURE_SIZE, 0x123456789a);
    tokens_u32(&writer, TOKEN_TEXTURE_SIZE, 7); /* the first one counts */
    tokens_end(&writer, nested);
    tokens_end(&writer, outer);
    assert_false(writer.overflow);
    assert_int_equal(writer.used, 16 + 8 + 16 + 4 + 12 + 8);
    /* header 7 with the flag of variable length, index 0, 48 bytes, 12 units */
    assert_memory_equal(data, "\x07\0\0\x10\0\0\0\0\x30\0\0\0\x0c\0\0\0", 16);
    assert_true(tokens_structure(span(&writer), TOKEN_SURFACE, &inner));
    assert_true(tokens_number(inner, TOKEN_HEAP_BASE, &value));
    assert_int_equal(value, 1);
    assert_false(tokens_number(inner, TOKEN_TEXTURE_SIZE, &value)); /* deeper */
    assert_true(tokens_structure(inner, TOKEN_SURFACE_RESOURCE, &inner));
    assert_true(tokens_number(inner, TOKEN_TEXTURE_SIZE, &value));
    assert_int_equal(value, 0x123456789a);
    assert_false(tokens_number(inner, TOKEN_SLICE_ENABLED, &value)); /* a bool has no value */
    assert_false(tokens_structure(inner, TOKEN_TEXTURE_SIZE, &inner));
}

static void zeros_are_skipped(void **state)
{
    unsigned char data[64] = {0};
    struct token_writer writer = {.data = data, .size = sizeof(data), .used = 12};
    uint64_t value = 0;

    (void)state;
    tokens_u32(&writer, TOKEN_TEXTURE_SIZE, 5);
    assert_true(tokens_number((struct token_span){data, sizeof(data)}, TOKEN_TEXTURE_SIZE, &value));
    assert_int_equal(value, 5);
}

static void what_does_not_fit_is_told(void **state)
{
    unsigned char data[31];
    struct token_writer writer = {.data = data, .size = sizeof(data)};

    (void)state;
    size_t begin = tokens_begin(&writer, TOKEN_SURFACE, 0);
    tokens_u64(&writer, TOKEN_TEXTURE_SIZE, 1);
    tokens_u32(&writer, TOKEN_TEXTURE_SIZE, 1);
    tokens_end(&writer, begin);
    assert_true(writer.overflow);
    assert_true(writer.used <= sizeof(data));
}

/* Each is a stream that ends before the value, at its break. */
static void broken_streams_have_no_values(void **state)
{
    static const struct {
        const char *what, *bytes;
        size_t size;
    } cases[] = {
        {"nothing", "", 0},
        {"half a header", "\x4f\x0f\x01", 3},
        {"a value behind the end", "\x4f\x0f\x01\0\1\0\0", 7},
        {"more units than there are", "\x01\0\xff\0\1\0\0\0\x4f\x0f\x01\0\1\0\0\0", 16},
        {"half a variable header", "\x07\0\0\x10\0\0\0\0\4\0\0\0", 12},
        {"a structure behind the end", "\x07\0\0\x10\0\0\0\0\4\0\0\0\1\0\0\0", 16},
        {"bytes above the units",
         "\x07\0\0\x10\0\0\0\0\5\0\0\0\1\0\0\0\0\0\0\0\x4f\x0f\x01\0\1\0\0\0", 28},
        {"units that overflow",
         "\x07\0\0\x10\0\0\0\0\0\0\0\0\xff\xff\xff\xff\x4f\x0f\x01\0\1\0\0\0", 24},
        {"bytes that overflow",
         "\x07\0\0\x10\0\0\0\0\xff\xff\xff\xff\0\0\0\0\x4f\x0f\x01\0\1\0\0\0", 24},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct token_span stream = {(const unsigned char *)cases[i].bytes, cases[i].size}, inner;
        uint64_t value;

        if (tokens_number(stream, TOKEN_TEXTURE_SIZE, &value) ||
            tokens_structure(stream, TOKEN_SURFACE_RESOURCE, &inner))
            fail_msg("%s", cases[i].what);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_come_back_from_their_structures),
        cmocka_unit_test(zeros_are_skipped),
        cmocka_unit_test(what_does_not_fit_is_told),
        cmocka_unit_test(broken_streams_have_no_values),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
