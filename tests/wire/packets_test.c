/* SPDX-License-Identifier: MIT */
/* Whole messages byte for byte as they travel (payload of the VMBus packet), and messages of the
 * host. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/wire/host_message.h"
#include "core/wire/reply.h"

_Alignas(8) static unsigned char buffer[4096];

static const unsigned char set_io_space[] = {
    0x10, 0, 0, 0,    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, /* ext header */
    0,    0, 0, 0,    0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, /* id, process, channel type */
    0xf2, 3, 0, 0,    0, 0, 0, 0, 0, 0, 0, 0, 8, 0, 0, 0, /* 1010, padding, start */
    0,    0, 0, 0x20, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, /* length, gpadl, padding */
};

static const unsigned char open_adapter[] = {
    0x10, 0, 0,    0, 0, 0, 0,    0, 0x44, 0x33, 0x22, 0x11, 0, 0,    0, 0, 0, 0, 0,
    0,    0, 0,    0, 0, 0, 0,    0, 0,    0,    0,    0,    0, 0x0e, 0, 0, 0, 0, 0,
    0,    0, 0x28, 0, 0, 0, 0x10, 0, 0,    0,    0,    0,    0, 0,    0, 0, 0, 0,
};

static const unsigned char open_adapter_reply[] = {
    0x40, 0, 0, 0x40, 0, 0, 0, 0, 0x28, 0, 0, 0, 0x10, 0, 0, 0,
};

static const unsigned char async_gpu_wait[] = {
    0x10, 0, 0, 0,    0, 0, 0, 0, 0x44, 0x33, 0x22, 0x11, 0, 0, 0, 0, 0,    0, 0, 0,    0, 0, 0, 0,
    0x80, 0, 0, 0x40, 0, 1, 0, 0, 0x19, 0,    0,    0,    0, 0, 0, 0, 0,    2, 0, 0x40, 1, 0, 0, 0,
    0,    0, 0, 0,    0, 0, 0, 0, 7,    0,    0,    0,    0, 0, 0, 0, 0x40, 2, 0, 0x40,
};

static const unsigned char signal_guest_event[] = {
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
    2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
};

static void set_io_space_region(void **state)
{
    (void)state;
    struct wire_request_builder builder;
    struct wire_envelope envelope = {.interface_version = WIRE_VERSION};
    struct wire_setiospaceregion *region = wire_request_begin(
        &builder, WIRE_GLOBAL, WIRE_GLOBAL_SETIOSPACEREGION, &envelope, buffer, sizeof(buffer));
    region->start = 0x800000000;
    region->length = 512u << 20;
    assert_int_equal(wire_request_finish(&builder), sizeof(set_io_space));
    assert_memory_equal(buffer, set_io_space, sizeof(set_io_space));
}

static void open_adapter_and_its_reply(void **state)
{
    (void)state;
    struct wire_request_builder builder;
    struct wire_request request;
    struct wire_builder out;
    struct wire_envelope envelope = {.interface_version = WIRE_VERSION,
                                     .vgpu_luid = {0x11223344, 0}};
    struct wire_openadapter *open = wire_request_begin(&builder, WIRE_VGPU, WIRE_VGPU_OPENADAPTER,
                                                       &envelope, buffer, sizeof(buffer));
    open->vmbus_interface_version = WIRE_VERSION;
    open->vmbus_last_compatible_interface_version = WIRE_VERSION_LAST_COMPATIBLE;
    assert_int_equal(wire_request_finish(&builder), sizeof(open_adapter));
    assert_memory_equal(buffer, open_adapter, sizeof(open_adapter));

    assert_int_equal(wire_request_decode(buffer, sizeof(open_adapter), WIRE_VERSION, &request),
                     WIRE_OK);
    _Alignas(8) unsigned char bytes[64];
    struct wire_openadapter_reply *reply = wire_reply_begin(&out, &request, bytes, sizeof(bytes));
    reply->host_adapter_handle = 0x40000040;
    reply->vmbus_interface_version = WIRE_VERSION;
    reply->vmbus_last_compatible_interface_version = WIRE_VERSION_LAST_COMPATIBLE;
    assert_int_equal(wire_reply_finish(&out, &request), sizeof(open_adapter_reply));
    assert_memory_equal(bytes, open_adapter_reply, sizeof(open_adapter_reply));
}

static void asynchronous_gpu_wait(void **state)
{
    (void)state;
    const uint64_t value = 7;
    const uint32_t fence = 0x40000240;
    struct wire_request_builder builder;
    struct wire_request request;
    struct wire_envelope envelope = {WIRE_VERSION, {0x11223344, 0}, 0x40000080, true};
    struct wire_waitforsyncobjectfromgpu *wait = wire_request_begin(
        &builder, WIRE_VGPU, WIRE_VGPU_WAITFORSYNCOBJECTFROMGPU, &envelope, buffer, sizeof(buffer));
    wait->context = 0x40000200;
    wait->object_count = 1;
    wire_append(&builder.out, &value, sizeof(value));
    wire_append(&builder.out, &fence, sizeof(fence));
    assert_int_equal(wire_request_finish(&builder), sizeof(async_gpu_wait));
    assert_memory_equal(buffer, async_gpu_wait, sizeof(async_gpu_wait));

    assert_int_equal(wire_request_decode(buffer, sizeof(async_gpu_wait), WIRE_VERSION, &request),
                     WIRE_OK);
    assert_true(request.async);
    assert_int_equal(request.process, 0x40000080);
    assert_true(wire_span_u64(&request.tails[WIRE_TAIL_WAITFORSYNCOBJECTFROMGPU_FENCE_VALUES], 0) ==
                7);
    assert_int_equal(wire_span_u32(&request.tails[WIRE_TAIL_WAITFORSYNCOBJECTFROMGPU_OBJECTS], 0),
                     fence);
}

static void guest_event(void **state)
{
    (void)state;
    struct wire_signalguestevent signal;
    struct wire_host_message message;
    wire_host_message_signal(&signal, 2, false);
    assert_int_equal(sizeof(signal), sizeof(signal_guest_event));
    assert_memory_equal(&signal, signal_guest_event, sizeof(signal));
    assert_int_equal(wire_host_message_decode(&signal, sizeof(signal), &message), WIRE_OK);
    assert_int_equal(message.number, WIRE_HOST_SIGNALGUESTEVENT);
    assert_int_equal(message.signal->event, 2);
    wire_host_message_signal(&signal, 3, true);
    assert_int_equal(wire_host_message_decode(&signal, sizeof(signal), &message), WIRE_OK);
    assert_int_equal(message.number, WIRE_HOST_SIGNALGUESTEVENTPASSIVE);
}

static void guest_data(void **state)
{
    (void)state;
    struct wire_setguestdata data;
    struct wire_host_message message;
    wire_host_message_set_data(&data, 0xfedcba9876543210, 1);
    assert_int_equal(sizeof(data), WIRE_HOST_MESSAGE_SIZE);
    assert_int_equal(wire_host_message_decode(&data, sizeof(data), &message), WIRE_OK);
    assert_int_equal(message.number, WIRE_HOST_SETGUESTDATA);
    assert_true(message.data->guest_pointer == 0xfedcba9876543210);
    assert_int_equal(message.data->data32, 1);
    assert_int_equal(message.data->bits & WIRE_GUEST_DATA_DATA_TYPE, 0);
}

static void malformed_host_messages(void **state)
{
    (void)state;
    union {
        struct wire_setguestdata data;
        unsigned char bytes[WIRE_HOST_MESSAGE_SIZE];
    } whole;
    struct wire_host_message message;
    wire_host_message_set_data(&whole.data, 1, 1);
    for (size_t cut = 0; cut < sizeof(whole); cut++)
        assert_int_equal(wire_host_message_decode(&whole, cut, &message),
                         cut < WIRE_HEADER_SIZE ? WIRE_ERROR_SHORT_HEADER
                                                : WIRE_ERROR_SHORT_FIXED_PART);
    assert_int_equal(wire_host_message_decode(whole.bytes + 4, 40, &message),
                     WIRE_ERROR_MISALIGNED);
    whole.data.header.command_type = WIRE_HOST_MESSAGE_LIMIT;
    assert_int_equal(wire_host_message_decode(&whole, sizeof(whole), &message),
                     WIRE_ERROR_COMMAND_NUMBER);
    whole.data.header.command_type = WIRE_HOST_SENDWNFNOTIFICATION;
    assert_int_equal(wire_host_message_decode(&whole, sizeof(whole), &message),
                     WIRE_ERROR_UNKNOWN_LAYOUT);
    assert_int_equal(message.number, WIRE_HOST_SENDWNFNOTIFICATION);
    whole.data.header.channel = WIRE_GLOBAL;
    assert_int_equal(wire_host_message_decode(&whole, sizeof(whole), &message),
                     WIRE_ERROR_CHANNEL_TYPE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(set_io_space_region),
        cmocka_unit_test(open_adapter_and_its_reply),
        cmocka_unit_test(asynchronous_gpu_wait),
        cmocka_unit_test(guest_event),
        cmocka_unit_test(guest_data),
        cmocka_unit_test(malformed_host_messages),
    };
    return cmocka_run_group_tests_name("wire packets", tests, NULL, NULL);
}
