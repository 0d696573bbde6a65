/* SPDX-License-Identifier: MIT */
/* Commands: round trips of every command, and every malformation by itself. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "wire/builders.h"

static struct test_buffer buffer;

/* ---- round trips */

static unsigned round_trips;

static void check_tail(const struct wire_request *request, unsigned index, uint32_t count)
{
    const struct wire_span *span = &request->tails[index];
    const struct wire_tail *tail = &request->command->tails[index];
    assert_int_equal(span->count, count);
    assert_int_equal(span->element_size, tail->element_size);
    for (size_t i = 0; i < wire_span_bytes(span); i++) {
        bool is_summed = request->command->number == WIRE_VGPU_CREATEALLOCATION && index == 0 &&
                         i % 12 >= 4 && i % 12 < 8;
        if (!is_summed)
            assert_int_equal(span->data[i], test_pattern(index, i));
    }
}

static void check_round_trip(const struct wire_command *command, uint32_t version)
{
    struct wire_request_builder builder;
    struct wire_request request;
    uint32_t counts[WIRE_MAX_TAILS];
    test_counts(command, counts);
    for (int async = 0; async <= command->async_capable; async++) {
        size_t size = test_request_build(&builder, command, version, async, counts, &buffer);
        assert_true(size > 0);
        assert_int_equal(wire_request_decode(buffer.bytes, size, version, &request), WIRE_OK);
        assert_ptr_equal(request.command, command);
        assert_int_equal(request.process, 0x40000080);
        assert_int_equal(request.async, async);
        assert_int_equal(request.vgpu_luid.a, version >= WIRE_VERSION ? test_luid.a : 0);
        assert_int_equal(request.content_size, builder.request.content_size);
        assert_int_equal(request.tail_count, command->tail_count);
        for (unsigned i = 0; i < command->tail_count; i++)
            check_tail(&request, i, counts[i]);
        /* Padding is zero, nothing is written behind the message, and VMBus's rounding changes
         * nothing. */
        for (size_t i = request.content_size; i < request.size; i++)
            assert_int_equal(request.bytes[i], 0);
        assert_int_equal(buffer.bytes[size], 0xee);
        size_t content = request.content_size;
        assert_int_equal(
            wire_request_decode(buffer.bytes, (size + 7) & ~(size_t)7, version, &request), WIRE_OK);
        assert_int_equal(request.content_size, content);
        round_trips++;
    }
}

static void every_command_round_trips(void **state)
{
    (void)state;
    test_for_each_command(check_round_trip);
    printf("%u round trips\n", round_trips);
    assert_int_equal(round_trips, 2 * (60 + 4));
}

static void check_truncations(const struct wire_command *command, uint32_t version)
{
    struct wire_request_builder builder;
    struct wire_request request;
    uint32_t counts[WIRE_MAX_TAILS];
    test_counts(command, counts);
    size_t size = test_request_build(&builder, command, version, false, counts, &buffer);
    size_t ext = version >= WIRE_VERSION ? WIRE_EXT_HEADER_SIZE : 0;
    size_t content = ext + builder.request.content_size;
    bool optional_tail = command == wire_command_find(WIRE_VGPU, WIRE_VGPU_SIGNALSYNCOBJECT);
    for (size_t cut = 0; cut < content && cut < size; cut++) {
        enum wire_error error = wire_request_decode(buffer.bytes, cut, version, &request);
        if (optional_tail && error == WIRE_OK) /* without the values it is another valid message */
            assert_int_equal(request.tails[WIRE_TAIL_SIGNALSYNCOBJECT_FENCE_VALUES].count, 0);
        else if (cut < ext)
            assert_int_equal(error, WIRE_ERROR_SHORT_EXT_HEADER);
        else if (cut < ext + WIRE_HEADER_SIZE)
            assert_int_equal(error, WIRE_ERROR_SHORT_HEADER);
        else if (cut < ext + command->fixed_size)
            assert_int_equal(error, WIRE_ERROR_SHORT_FIXED_PART);
        else
            assert_int_equal(error, WIRE_ERROR_SHORT_TAIL);
    }
}

static void every_truncation_is_refused(void **state)
{
    (void)state;
    test_for_each_command(check_truncations);
}

/* ---- malformations */

static size_t build(uint32_t number, uint32_t version)
{
    struct wire_request_builder builder;
    uint32_t counts[WIRE_MAX_TAILS];
    const struct wire_command *command = wire_command_find(WIRE_VGPU, number);
    test_counts(command, counts);
    return test_request_build(&builder, command, version, false, counts, &buffer);
}

static struct wire_header *header_at(size_t offset)
{
    return (struct wire_header *)(void *)(buffer.bytes + offset);
}

static enum wire_error decode(size_t size, uint32_t version)
{
    struct wire_request request;
    return wire_request_decode(buffer.bytes, size, version, &request);
}

static void misaligned_buffer(void **state)
{
    (void)state;
    struct wire_request request;
    size_t size = build(WIRE_VGPU_DESTROYDEVICE, WIRE_VERSION);
    assert_int_equal(wire_request_decode(buffer.bytes + 4, size - 4, WIRE_VERSION, &request),
                     WIRE_ERROR_MISALIGNED);
}

static void too_large_message(void **state)
{
    (void)state;
    build(WIRE_VGPU_DESTROYDEVICE, WIRE_VERSION);
    assert_int_equal(decode(WIRE_MESSAGE_LIMIT, WIRE_VERSION), WIRE_OK);
    assert_int_equal(decode(WIRE_MESSAGE_LIMIT + 1, WIRE_VERSION), WIRE_ERROR_TOO_LARGE);
}

static void command_offset_outside_of_the_message(void **state)
{
    (void)state;
    static const uint32_t bad[] = {0, 8, 15, 17, 20, 64, 0x7ffffff8, 0xfffffff8, UINT32_MAX};
    size_t size = build(WIRE_VGPU_DESTROYDEVICE, WIRE_VERSION);
    for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        wire_store_u32(buffer.bytes, bad[i]);
        assert_int_equal(decode(size, WIRE_VERSION), WIRE_ERROR_COMMAND_OFFSET);
    }
    wire_store_u32(buffer.bytes, 40);
    assert_int_equal(decode(size, WIRE_VERSION), WIRE_ERROR_SHORT_HEADER);
}

static void command_is_found_at_the_command_offset(void **state)
{
    (void)state;
    struct wire_request request;
    size_t size = build(WIRE_VGPU_DESTROYDEVICE, WIRE_VERSION);
    memmove(buffer.bytes + 32, buffer.bytes + WIRE_EXT_HEADER_SIZE, size - WIRE_EXT_HEADER_SIZE);
    wire_store_u32(buffer.bytes, 32);
    assert_int_equal(wire_request_decode(buffer.bytes, size + 16, WIRE_VERSION, &request), WIRE_OK);
    assert_ptr_equal(request.bytes, buffer.bytes + 32);
    assert_int_equal(request.command->number, WIRE_VGPU_DESTROYDEVICE);
}

static void wrong_channel_types(void **state)
{
    (void)state;
    size_t size = build(WIRE_VGPU_DESTROYDEVICE, WIRE_VERSION_OLD);
    for (uint32_t type = 2; type < 256; type++) {
        header_at(0)->channel = type;
        assert_int_equal(decode(size, WIRE_VERSION_OLD), WIRE_ERROR_CHANNEL_TYPE);
    }
    header_at(0)->channel = WIRE_GLOBAL; /* number 1 is no global command */
    assert_int_equal(decode(size, WIRE_VERSION_OLD), WIRE_ERROR_COMMAND_NUMBER);
}

static void unassigned_number(void **state)
{
    (void)state;
    static const uint32_t bad[] = {63, 69, 1000, UINT32_MAX};
    size_t size = build(WIRE_VGPU_DESTROYDEVICE, WIRE_VERSION);
    for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        header_at(16)->command_type = bad[i];
        assert_int_equal(decode(size, WIRE_VERSION), WIRE_ERROR_COMMAND_NUMBER);
    }
}

static void number_without_a_known_layout_is_named(void **state)
{
    (void)state;
    struct wire_request request;
    size_t size = build(WIRE_VGPU_DESTROYDEVICE, WIRE_VERSION);
    header_at(16)->command_type = WIRE_VGPU_BLT;
    assert_int_equal(wire_request_decode(buffer.bytes, size, WIRE_VERSION, &request),
                     WIRE_ERROR_UNKNOWN_LAYOUT);
    assert_string_equal(request.command->name, "BLT");
}

static void async_bit_on_a_synchronous_command(void **state)
{
    (void)state;
    size_t size = build(WIRE_VGPU_DESTROYDEVICE, WIRE_VERSION);
    header_at(16)->channel |= WIRE_CHANNEL_ASYNC_MSG;
    assert_int_equal(decode(size, WIRE_VERSION), WIRE_ERROR_NOT_ASYNC);
}

static void counts_behind_the_message(void **state)
{
    (void)state;
    static const uint32_t bad[] = {5, 0x10000, 0x40000000, 0x80000001, UINT32_MAX};
    size_t size =
        build(WIRE_VGPU_EVICT, WIRE_VERSION); /* 3 handles and 4 bytes of padding at most */
    struct wire_evict *evict = (struct wire_evict *)(void *)(buffer.bytes + WIRE_EXT_HEADER_SIZE);
    for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        evict->alloc_count = bad[i];
        assert_int_equal(decode((size + 7) & ~(size_t)7, WIRE_VERSION), WIRE_ERROR_SHORT_TAIL);
    }
}

static void sums_that_overflow_32_bits(void **state)
{
    (void)state;
    size_t size = build(WIRE_VGPU_CREATEALLOCATION, WIRE_VERSION);
    unsigned char *infos =
        buffer.bytes + WIRE_EXT_HEADER_SIZE + sizeof(struct wire_createallocation);
    /* 2^31 + 2^31 + 6 is 6 in 32 bits, which would fit. */
    wire_store_u32(infos + 4, 0x80000000);
    wire_store_u32(infos + 12 + 4, 0x80000000);
    wire_store_u32(infos + 24 + 4, 6);
    assert_int_equal(decode(size, WIRE_VERSION), WIRE_ERROR_SHORT_TAIL);
}

static void fence_values_are_absent_with_an_event(void **state)
{
    (void)state;
    struct wire_request request;
    size_t size = build(WIRE_VGPU_SIGNALSYNCOBJECT, WIRE_VERSION);
    struct wire_signalsyncobject *signal = (void *)(buffer.bytes + WIRE_EXT_HEADER_SIZE);
    signal->flags = WIRE_SIGNAL_ENQUEUE_CPU_EVENT;
    assert_int_equal(wire_request_decode(buffer.bytes, size, WIRE_VERSION, &request), WIRE_OK);
    assert_int_equal(request.tails[WIRE_TAIL_SIGNALSYNCOBJECT_FENCE_VALUES].count, 0);
}

static void fence_values_may_be_unaligned(void **state)
{
    (void)state;
    struct wire_request_builder builder;
    struct wire_request request;
    const uint32_t handle = 0x40000240;
    const uint64_t value = 0x1122334455667788;
    struct wire_envelope envelope = {WIRE_VERSION, test_luid, 0x40000080, false};
    struct wire_waitforsyncobjectfromcpu *wait =
        wire_request_begin(&builder, WIRE_VGPU, WIRE_VGPU_WAITFORSYNCOBJECTFROMCPU, &envelope,
                           buffer.bytes, sizeof(buffer.bytes));
    wait->object_count = 1;
    wire_append(&builder.out, &handle, sizeof(handle));
    wire_append(&builder.out, &value, sizeof(value));
    size_t size = wire_request_finish(&builder);
    assert_int_equal(size, 16 + 68);
    assert_int_equal(wire_request_decode(buffer.bytes, size, WIRE_VERSION, &request), WIRE_OK);
    const struct wire_span *values =
        &request.tails[WIRE_TAIL_WAITFORSYNCOBJECTFROMCPU_FENCE_VALUES];
    assert_int_equal((uintptr_t)values->data % 8, 4);
    assert_true(wire_span_u64(values, 0) == value);
}

/* ---- encoder */

static void *begin(struct wire_request_builder *builder, uint32_t number, bool async,
                   size_t capacity)
{
    struct wire_envelope envelope = {WIRE_VERSION, test_luid, 0, async};
    return wire_request_begin(builder, WIRE_VGPU, number, &envelope, buffer.bytes, capacity);
}

static void encoder_refuses_what_cannot_be_sent(void **state)
{
    (void)state;
    struct wire_request_builder builder;
    assert_null(begin(&builder, 63, false, 4096));
    assert_int_equal(builder.out.error, WIRE_ERROR_COMMAND_NUMBER);
    assert_null(begin(&builder, WIRE_VGPU_BLT, false, 4096));
    assert_int_equal(builder.out.error, WIRE_ERROR_UNKNOWN_LAYOUT);
    assert_null(begin(&builder, WIRE_VGPU_LOCK2, true, 4096));
    assert_int_equal(builder.out.error, WIRE_ERROR_NOT_ASYNC);
    assert_null(begin(&builder, WIRE_VGPU_LOCK2, false, 79));
    assert_int_equal(builder.out.error, WIRE_ERROR_CAPACITY);
    assert_int_equal(wire_request_finish(&builder), 0);
    struct wire_envelope envelope = {WIRE_VERSION, test_luid, 0, false};
    assert_null(wire_request_begin(&builder, WIRE_VGPU, WIRE_VGPU_LOCK2, &envelope,
                                   buffer.bytes + 1, 4096));
    assert_int_equal(builder.out.error, WIRE_ERROR_MISALIGNED);
}

static void encoder_refuses_tails_that_differ_from_their_counts(void **state)
{
    (void)state;
    static const uint32_t handles[3] = {0};
    for (uint32_t appended = 0; appended <= 3; appended++) {
        struct wire_request_builder builder;
        struct wire_evict *evict = begin(&builder, WIRE_VGPU_EVICT, false, 4096);
        evict->alloc_count = 2;
        wire_append(&builder.out, handles, appended * sizeof(handles[0]));
        size_t size = wire_request_finish(&builder);
        assert_int_equal(size, appended == 2 ? 16 + 36 + 8 : 0);
        assert_int_equal(builder.out.error, appended == 2 ? WIRE_OK : WIRE_ERROR_TAIL_MISMATCH);
    }
}

static void encoder_stops_at_the_capacity(void **state)
{
    (void)state;
    struct wire_request_builder builder;
    struct wire_escape *escape = begin(&builder, WIRE_VGPU_ESCAPE, false, 16 + 48 + 100 + 6);
    escape->priv_drv_data_size = 100;
    assert_non_null(wire_append(&builder.out, NULL, 100));
    assert_int_equal(wire_request_finish(&builder), 0); /* 7 trailing bytes, room for 6 */
    assert_int_equal(builder.out.error, WIRE_ERROR_CAPACITY);
    begin(&builder, WIRE_VGPU_ESCAPE, false, SIZE_MAX);
    assert_null(wire_append(&builder.out, NULL, WIRE_MESSAGE_LIMIT));
    assert_null(wire_append(&builder.out, NULL, SIZE_MAX));
    assert_null(wire_append(&builder.out, NULL, 1)); /* the first error stays */
}

static void every_error_has_a_text(void **state)
{
    (void)state;
    for (unsigned i = 0; i <= WIRE_ERROR_COUNT; i++)
        assert_true(strlen(wire_error_text((enum wire_error)i)) > 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_command_round_trips),
        cmocka_unit_test(every_truncation_is_refused),
        cmocka_unit_test(misaligned_buffer),
        cmocka_unit_test(too_large_message),
        cmocka_unit_test(command_offset_outside_of_the_message),
        cmocka_unit_test(command_is_found_at_the_command_offset),
        cmocka_unit_test(wrong_channel_types),
        cmocka_unit_test(unassigned_number),
        cmocka_unit_test(number_without_a_known_layout_is_named),
        cmocka_unit_test(async_bit_on_a_synchronous_command),
        cmocka_unit_test(counts_behind_the_message),
        cmocka_unit_test(sums_that_overflow_32_bits),
        cmocka_unit_test(fence_values_are_absent_with_an_event),
        cmocka_unit_test(fence_values_may_be_unaligned),
        cmocka_unit_test(encoder_refuses_what_cannot_be_sent),
        cmocka_unit_test(encoder_refuses_tails_that_differ_from_their_counts),
        cmocka_unit_test(encoder_stops_at_the_capacity),
        cmocka_unit_test(every_error_has_a_text),
    };
    return cmocka_run_group_tests_name("wire request", tests, NULL, NULL);
}
