/* SPDX-License-Identifier: MIT */
/* Replies: round trips of every command, short replies, and how each command reports failure. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "wire/builders.h"

enum { FAILURE = (int32_t)0xc0000017 };

static struct test_buffer request_buffer;
static struct test_buffer reply_buffer;
static unsigned replies;

static const struct wire_reply_layout *layout_of(const struct wire_request *request)
{
    return &request->command->reply[request->interface_version >= WIRE_VERSION];
}

static void build_request(struct wire_request *request, const struct wire_command *command,
                          uint32_t version)
{
    struct wire_request_builder builder;
    uint32_t counts[WIRE_MAX_TAILS];
    test_counts(command, counts);
    assert_true(test_request_build(&builder, command, version, false, counts, &request_buffer) > 0);
    *request = builder.request;
}

/* Decodes an exact copy, so that AddressSanitizer sees any read behind the reply. */
static enum wire_error decode_copy(const struct wire_request *request, size_t size,
                                   struct wire_reply *reply, unsigned char **copy)
{
    *copy = test_malloc(size ? size : 1);
    memcpy(*copy, reply_buffer.bytes, size);
    return wire_reply_decode(request, *copy, size, reply);
}

static void check_round_trip(const struct wire_command *command, uint32_t version)
{
    struct wire_request request;
    struct wire_reply reply;
    struct wire_builder builder;
    unsigned char *copy;
    build_request(&request, command, version);
    const struct wire_reply_layout *layout = layout_of(&request);
    memset(reply_buffer.bytes, 0xee, sizeof(reply_buffer.bytes));
    unsigned char *fixed =
        wire_reply_begin(&builder, &request, reply_buffer.bytes, TEST_BUFFER_SIZE);
    if (layout->status_offset != WIRE_NO_STATUS)
        wire_store_u32(fixed + layout->status_offset, 0x103);
    size_t size = wire_reply_finish(&builder, &request);
    assert_int_equal(builder.error, WIRE_OK);
    assert_int_equal(size, wire_reply_expected(&request));
    assert_int_equal(reply_buffer.bytes[size], 0xee);

    assert_int_equal(decode_copy(&request, size, &reply, &copy), WIRE_OK);
    assert_int_equal(reply.has_status, layout->status_offset != WIRE_NO_STATUS);
    assert_int_equal(reply.status, reply.has_status ? 0x103 : 0);
    for (unsigned i = 0; i < reply.tail_count; i++)
        assert_true(reply.tails[i].data + wire_span_bytes(&reply.tails[i]) <= copy + size);
    test_free(copy);
    for (size_t cut = 0; cut < size; cut++) {
        assert_int_equal(decode_copy(&request, cut, &reply, &copy), WIRE_ERROR_SHORT_REPLY);
        test_free(copy);
    }
    replies++;
}

static void every_reply_round_trips_and_no_short_one_passes(void **state)
{
    (void)state;
    test_for_each_command(check_round_trip);
    printf("%u replies\n", replies);
    assert_int_equal(replies, 2 * 60);
}

/* A failed command must look failed to the guest, whatever its reply can say. */
static void check_failure(const struct wire_command *command, uint32_t version)
{
    struct wire_request request;
    struct wire_reply reply;
    build_request(&request, command, version);
    const struct wire_reply_layout *layout = layout_of(&request);
    size_t size = wire_reply_fail(&request, FAILURE, reply_buffer.bytes, TEST_BUFFER_SIZE);
    size_t expected = wire_reply_expected(&request);
    size_t rounded = (size + 7) & ~(size_t)7; /* VMBus pads with zeros */
    memset(reply_buffer.bytes + size, 0, rounded - size);
    enum wire_error error = wire_reply_decode(&request, reply_buffer.bytes, rounded, &reply);
    if (layout->kind == WIRE_REPLY_COMPLETION)
        assert_int_equal(size, 0);
    else if (layout->status_offset != WIRE_NO_STATUS) {
        assert_int_equal(error, WIRE_OK);
        assert_int_equal(reply.status, FAILURE);
        assert_int_equal(size, expected);
    } else if (layout->kind == WIRE_REPLY_ECHO) {
        assert_int_equal(error, WIRE_OK);
        assert_int_equal(
            ((const struct wire_createcontextvirtual *)(const void *)reply.bytes)->context, 0);
    } else if (layout->kind == WIRE_REPLY_STRUCT && expected == 4) {
        assert_int_equal(error, WIRE_OK);
        assert_int_equal(wire_load_u32(reply.bytes), 0);
    } else {
        assert_int_equal(error, WIRE_ERROR_SHORT_REPLY);
        assert_int_equal(reply.short_status, size ? FAILURE : 0);
    }
}

static void every_failure_is_visible(void **state)
{
    (void)state;
    test_for_each_command(check_failure);
}

static void failure_of_an_undecoded_command_keeps_its_form(void **state)
{
    (void)state;
    struct wire_request request;
    struct wire_header header = {.channel = WIRE_VGPU, .command_type = WIRE_VGPU_CREATEDEVICE};
    assert_int_equal(wire_request_decode(&header, sizeof(header), WIRE_VERSION_OLD, &request),
                     WIRE_ERROR_SHORT_FIXED_PART);
    assert_int_equal(wire_reply_fail(&request, FAILURE, reply_buffer.bytes, TEST_BUFFER_SIZE), 4);
    assert_int_equal(wire_load_u32(reply_buffer.bytes),
                     0); /* no handle, not a status taken for one */

    header.command_type = WIRE_VGPU_LOCK2;
    assert_int_equal(wire_request_decode(&header, sizeof(header), WIRE_VERSION_OLD, &request),
                     WIRE_ERROR_SHORT_FIXED_PART);
    assert_int_equal(wire_reply_fail(&request, FAILURE, reply_buffer.bytes, TEST_BUFFER_SIZE), 16);

    header.command_type = WIRE_VGPU_ESCAPE;
    assert_int_equal(wire_request_decode(&header, sizeof(header), WIRE_VERSION_OLD, &request),
                     WIRE_ERROR_SHORT_FIXED_PART);
    assert_int_equal(wire_reply_fail(&request, FAILURE, reply_buffer.bytes, TEST_BUFFER_SIZE), 0);

    header.command_type = WIRE_VGPU_BLT;
    assert_int_equal(wire_request_decode(&header, sizeof(header), WIRE_VERSION_OLD, &request),
                     WIRE_ERROR_UNKNOWN_LAYOUT);
    assert_int_equal(wire_reply_fail(&request, FAILURE, reply_buffer.bytes, TEST_BUFFER_SIZE), 4);
    assert_int_equal((int32_t)wire_load_u32(reply_buffer.bytes), FAILURE);
}

static void echo_counts_come_from_the_request(void **state)
{
    (void)state;
    struct wire_request request;
    struct wire_reply reply;
    struct wire_builder builder;
    build_request(&request, wire_command_find(WIRE_VGPU, WIRE_VGPU_CREATECONTEXTVIRTUAL),
                  WIRE_VERSION);
    struct wire_createcontextvirtual *echo =
        wire_reply_begin(&builder, &request, reply_buffer.bytes, TEST_BUFFER_SIZE);
    echo->context = 0x40000200;
    echo->priv_drv_data_size = UINT32_MAX;
    size_t size = wire_reply_finish(&builder, &request);
    assert_int_equal(size, request.size);
    assert_int_equal(wire_reply_decode(&request, reply_buffer.bytes, size, &reply), WIRE_OK);
    assert_int_equal(reply.tails[0].count, 3);
    assert_memory_equal(reply.tails[0].data, request.tails[0].data, 3);
}

static void allocation_results_must_not_outgrow_the_request(void **state)
{
    (void)state;
    struct wire_request request;
    struct wire_reply reply;
    struct wire_builder builder;
    build_request(&request, wire_command_find(WIRE_VGPU, WIRE_VGPU_CREATEALLOCATION), WIRE_VERSION);
    wire_reply_begin(&builder, &request, reply_buffer.bytes, TEST_BUFFER_SIZE);
    struct wire_allocation_result *results = wire_append(&builder, NULL, 3 * sizeof(*results));
    results[0].priv_drv_data_size = 6; /* what the request's first element offers */
    size_t size = wire_reply_finish(&builder, &request);
    assert_int_equal(wire_reply_decode(&request, reply_buffer.bytes, size, &reply), WIRE_OK);
    results[0].priv_drv_data_size = 7;
    assert_int_equal(wire_reply_decode(&request, reply_buffer.bytes, size, &reply),
                     WIRE_ERROR_RESULT_SIZE);
    results[0].priv_drv_data_size = 0;
    results[2].priv_drv_data_size = 1;
    assert_int_equal(wire_reply_decode(&request, reply_buffer.bytes, size, &reply),
                     WIRE_ERROR_RESULT_SIZE);
}

/* OPENRESOURCE's count bounds nothing in the request: the reply's size must not wrap. */
static void huge_reply_counts_do_not_fit(void **state)
{
    (void)state;
    struct wire_request_builder builder;
    struct wire_reply reply;
    struct wire_builder out;
    struct wire_envelope envelope = {WIRE_VERSION, test_luid, 0x40000080, false};
    struct wire_openresource *open =
        wire_request_begin(&builder, WIRE_VGPU, WIRE_VGPU_OPENRESOURCE, &envelope,
                           request_buffer.bytes, TEST_BUFFER_SIZE);
    open->allocation_count = UINT32_MAX;
    assert_int_equal(wire_request_finish(&builder), 64);
    assert_true(wire_reply_expected(&builder.request) == 8 + 4 * (uint64_t)UINT32_MAX);
    assert_int_equal(wire_reply_decode(&builder.request, reply_buffer.bytes, 64, &reply),
                     WIRE_ERROR_SHORT_REPLY);
    assert_non_null(wire_reply_begin(&out, &builder.request, reply_buffer.bytes, TEST_BUFFER_SIZE));
    assert_int_equal(wire_reply_finish(&out, &builder.request), 0);
    assert_int_equal(
        wire_reply_fail(&builder.request, FAILURE, reply_buffer.bytes, TEST_BUFFER_SIZE), 4);
}

/* The packets that an old host would have to send above the channel's limit are never made. */
static void replies_stay_below_the_completion_limit(void **state)
{
    (void)state;
    struct wire_request_builder builder;
    struct wire_builder out;
    const struct wire_command *command =
        wire_command_find(WIRE_VGPU, WIRE_VGPU_CREATECONTEXTVIRTUAL);
    const uint32_t most[WIRE_MAX_TAILS] = {WIRE_MESSAGE_LIMIT - 55};
    assert_int_equal(
        test_request_build(&builder, command, WIRE_VERSION_OLD, false, most, &request_buffer),
        WIRE_MESSAGE_LIMIT);
    assert_null(wire_reply_begin(&out, &builder.request, reply_buffer.bytes, TEST_BUFFER_SIZE));
    assert_int_equal(out.error, WIRE_ERROR_CAPACITY);
}

static void misaligned_reply(void **state)
{
    (void)state;
    struct wire_request request;
    struct wire_reply reply;
    build_request(&request, wire_command_find(WIRE_VGPU, WIRE_VGPU_LOCK2), WIRE_VERSION);
    assert_int_equal(wire_reply_decode(&request, reply_buffer.bytes + 4, 64, &reply),
                     WIRE_ERROR_MISALIGNED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_reply_round_trips_and_no_short_one_passes),
        cmocka_unit_test(every_failure_is_visible),
        cmocka_unit_test(failure_of_an_undecoded_command_keeps_its_form),
        cmocka_unit_test(echo_counts_come_from_the_request),
        cmocka_unit_test(allocation_results_must_not_outgrow_the_request),
        cmocka_unit_test(huge_reply_counts_do_not_fit),
        cmocka_unit_test(replies_stay_below_the_completion_limit),
        cmocka_unit_test(misaligned_reply),
    };
    return cmocka_run_group_tests_name("wire reply", tests, NULL, NULL);
}
