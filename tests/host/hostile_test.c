/* SPDX-License-Identifier: MIT */
/* Guests that send what no driver sends. The host must refuse it in the command's form and stay as
 * it was. */
#include "host/guest.h"

#include <stdlib.h>

#include "wire/builders.h"

static const struct guest_mode *mode;

struct rig {
    struct guest_vm vm;
    struct guest *guest;
    struct guest *other;     /* another process */
    struct guest *elsewhere; /* the first process's twin on adapter 1 */
    uint32_t device;
    uint32_t context;
    uint32_t other_device;
    uint32_t objects;
};

static int open_rig(void **state)
{
    struct rig *rig = calloc(1, sizeof(*rig));
    assert_non_null(rig);
    guest_vm_open(&rig->vm, mode, NULL);
    rig->guest = guest_open(&rig->vm, 0);
    rig->other = guest_open(&rig->vm, 0);
    rig->elsewhere = guest_open(&rig->vm, 1);
    rig->device = guest_create_device(rig->guest);
    rig->context = guest_create_context(rig->guest, rig->device);
    rig->other_device = guest_create_device(rig->other);
    /* Uneven counts, so that handles of the processes differ. */
    for (unsigned i = 0; i < 3; i++)
        rig->other_device = guest_create_device(rig->other);
    rig->objects = host_object_count(rig->vm.host);
    *state = rig;
    return 0;
}

static int close_rig(void **state)
{
    struct rig *rig = *state;
    guest_close(rig->guest);
    guest_close(rig->other);
    guest_close(rig->elsewhere);
    assert_int_equal(host_object_count(rig->vm.host), 0);
    guest_vm_close(&rig->vm);
    free(rig);
    return 0;
}

static void assert_unchanged(struct rig *rig)
{
    assert_int_equal(host_object_count(rig->vm.host), rig->objects);
    assert_int_equal(guest_device_state(rig->guest, rig->device), 1);
}

/* Exact copies on the heap, so that any access behind a message or reply is seen by a sanitizer. */
static size_t command(struct rig *rig, int channel, const void *bytes, size_t size, void *reply,
                      size_t capacity)
{
    unsigned char *message = malloc(size ? size : 1);
    unsigned char *answer = malloc(capacity ? capacity : 1);
    assert_non_null(message);
    assert_non_null(answer);
    if (size)
        memcpy(message, bytes, size);
    size_t result =
        host_command(rig->vm.connection, channel, message, size, capacity > 0, answer, capacity);
    assert_true(result <= capacity);
    if (result)
        memcpy(reply, answer, result);
    free(answer);
    free(message);
    return result;
}

static struct test_buffer message_buffer;
static struct test_buffer reply_buffer;
static struct rig *current;

static size_t build(const struct wire_command *which, uint32_t version,
                    struct wire_request_builder *builder)
{
    uint32_t counts[WIRE_MAX_TAILS];
    test_counts(which, counts);
    return test_request_build(builder, which, version, false, counts, &message_buffer);
}

static int channel_of(const struct wire_command *which)
{
    return which->channel == WIRE_GLOBAL || mode->async ? HOST_GLOBAL_CHANNEL : 0;
}

/* Puts the guest's process and the adapter's LUID where the builder put arbitrary ones. */
static void address_to_guest(const struct wire_command *which, struct wire_request_builder *builder)
{
    struct wire_header *header = (struct wire_header *)(uintptr_t)builder->request.bytes;
    header->process = which == wire_command_find(WIRE_GLOBAL, WIRE_GLOBAL_DESTROYPROCESS)
                          ? 0x12345678
                          : current->guest->process;
    if (mode->version >= WIRE_VERSION) {
        wire_store_u32(message_buffer.bytes + 8,
                       host_config_read(current->vm.connection, 0, HOST_CONFIG_VGPU_LUID));
        wire_store_u32(message_buffer.bytes + 12,
                       host_config_read(current->vm.connection, 0, HOST_CONFIG_VGPU_LUID + 4));
    }
}

/* ---- malformed */

static void check_truncated(const struct wire_command *which, uint32_t version)
{
    struct wire_request_builder builder;
    if (version != mode->version)
        return;
    build(which, version, &builder);
    address_to_guest(which, &builder);
    size_t content =
        (size_t)(builder.request.bytes - message_buffer.bytes) + builder.request.content_size;
    /* Without its optional values a signal is whole; everything else shorter than its content is
     * not. */
    bool optional = which == wire_command_find(WIRE_VGPU, WIRE_VGPU_SIGNALSYNCOBJECT);
    for (size_t cut = 0; cut < content; cut += cut < 96 ? 1 : 31) {
        size_t size = command(current, channel_of(which), message_buffer.bytes, cut,
                              reply_buffer.bytes, 4096);
        if (!optional && size >= 4 && which->reply[1].kind == WIRE_REPLY_NTSTATUS)
            assert_true((int32_t)wire_load_u32(reply_buffer.bytes) < 0);
    }
}

static void truncated_commands(void **state)
{
    current = *state;
    test_for_each_command(check_truncated);
    assert_unchanged(current);
}

static bool needs_no_handle(const struct wire_command *which)
{
    static const struct {
        enum wire_channel channel;
        uint32_t number;
    } list[] = {
        {WIRE_GLOBAL, WIRE_GLOBAL_CREATEPROCESS},
        {WIRE_GLOBAL, WIRE_GLOBAL_SETIOSPACEREGION},
        {WIRE_VGPU, WIRE_VGPU_GETINTERNALADAPTERINFO},
        {WIRE_VGPU, WIRE_VGPU_CREATEDEVICE},
        {WIRE_VGPU, WIRE_VGPU_OPENADAPTER},
        {WIRE_VGPU, WIRE_VGPU_ISFEATUREENABLED},
        {WIRE_VGPU, WIRE_VGPU_CHANGEVIDEOMEMORYRESERVATION},
        {WIRE_VGPU, WIRE_VGPU_FLUSHHEAPTRANSITIONS},
    };
    for (unsigned i = 0; i < sizeof(list) / sizeof(list[0]); i++)
        if (which == wire_command_find(list[i].channel, list[i].number))
            return true;
    return false;
}

/* Handles that name nothing: every command must fail visibly. */
static void check_nonsense(const struct wire_command *which, uint32_t version)
{
    struct wire_request_builder builder;
    struct wire_reply reply;
    if (version != mode->version || needs_no_handle(which))
        return;
    size_t size = build(which, version, &builder);
    address_to_guest(which, &builder);
    size_t answer = command(current, channel_of(which), message_buffer.bytes, size,
                            reply_buffer.bytes, TEST_BUFFER_SIZE);
    enum wire_error error = wire_reply_decode(&builder.request, reply_buffer.bytes, answer, &reply);
    const struct wire_reply_layout *layout = &which->reply[version >= WIRE_VERSION];
    if (layout->kind == WIRE_REPLY_COMPLETION)
        return;
    if (error == WIRE_ERROR_SHORT_REPLY)
        return;
    assert_int_equal(error, WIRE_OK);
    if (reply.has_status)
        assert_true(reply.status < 0);
    else if (layout->kind == WIRE_REPLY_ECHO)
        assert_int_equal(wire_load_u32(reply.bytes + WIRE_HEADER_SIZE), 0);
    else
        assert_int_equal(wire_load_u32(reply.bytes), 0);
}

static void handles_that_name_nothing(void **state)
{
    current = *state;
    test_for_each_command(check_nonsense);
    assert_unchanged(current);
}

/* Deterministic noise over valid commands. A crash or a hang is the failure. */
static uint32_t next_random(uint32_t *seed)
{
    *seed = *seed * 1664525 + 1013904223;
    return *seed >> 8;
}

static void check_mutated(const struct wire_command *which, uint32_t version)
{
    struct wire_request_builder builder;
    uint32_t seed = 0x1234 + which->number;
    if (version != mode->version || which->number == WIRE_GLOBAL_DESTROYPROCESS)
        return;
    for (unsigned round = 0; round < 60; round++) {
        size_t size = build(which, version, &builder);
        address_to_guest(which, &builder);
        size_t header = (size_t)(builder.request.bytes - message_buffer.bytes) + WIRE_HEADER_SIZE;
        for (unsigned flips = 0; flips < 4 && size > header; flips++) {
            size_t at = header + next_random(&seed) % (size - header);
            static const unsigned char values[] = {0, 1, 0x40, 0x7f, 0x80, 0xff};
            message_buffer.bytes[at] = values[next_random(&seed) % sizeof(values)];
        }
        if (next_random(&seed) & 1 && size >= header + 4)
            wire_store_u32(message_buffer.bytes + header, current->device);
        if (size > 4096)
            size = 4096;
        command(current, channel_of(which), message_buffer.bytes, size, reply_buffer.bytes, 8192);
    }
}

static void mutated_commands(void **state)
{
    current = *state;
    test_for_each_command(check_mutated);
}

/* ---- wrong owners */

static void handles_of_other_processes(void **state)
{
    struct rig *rig = *state;
    assert_int_equal(
        guest_destroy(rig->guest, WIRE_VGPU, WIRE_VGPU_DESTROYDEVICE, rig->other_device),
        STATUS_INVALID_PARAMETER);
    struct guest_fence fence = guest_create_fence(rig->other, rig->other_device, 0, 0);
    assert_int_equal(
        guest_destroy(rig->guest, WIRE_GLOBAL, WIRE_GLOBAL_DESTROYSYNCOBJECT, fence.handle),
        STATUS_INVALID_PARAMETER);
    assert_int_equal(guest_device_state(rig->other, rig->other_device), 1);
}

static void handles_of_other_adapters(void **state)
{
    struct rig *rig = *state;
    uint32_t process = rig->elsewhere->process;
    rig->elsewhere->process = rig->guest->process;
    assert_int_equal(guest_destroy(rig->elsewhere, WIRE_VGPU, WIRE_VGPU_DESTROYDEVICE, rig->device),
                     STATUS_INVALID_PARAMETER);
    assert_int_equal(
        guest_destroy(rig->elsewhere, WIRE_VGPU, WIRE_VGPU_DESTROYCONTEXT, rig->context),
        STATUS_INVALID_PARAMETER);
    rig->elsewhere->process = process;
    assert_unchanged(rig);
}

static void handles_of_other_kinds(void **state)
{
    struct rig *rig = *state;
    assert_int_equal(guest_destroy(rig->guest, WIRE_VGPU, WIRE_VGPU_DESTROYDEVICE, rig->context),
                     STATUS_INVALID_PARAMETER);
    assert_int_equal(guest_destroy(rig->guest, WIRE_VGPU, WIRE_VGPU_DESTROYCONTEXT, rig->device),
                     STATUS_INVALID_PARAMETER);
    assert_int_equal(guest_destroy_allocation(rig->guest, rig->device, 0, &rig->context, 1),
                     STATUS_INVALID_PARAMETER);
    assert_unchanged(rig);
}

static void processes_that_do_not_exist(void **state)
{
    struct rig *rig = *state;
    uint32_t process = rig->guest->process;
    static const uint32_t wrong[] = {0, 1, 0xffffffff};
    for (unsigned i = 0; i < 3; i++) {
        rig->guest->process = wrong[i];
        assert_int_equal(guest_destroy(rig->guest, WIRE_VGPU, WIRE_VGPU_DESTROYDEVICE, rig->device),
                         STATUS_INVALID_PARAMETER);
    }
    rig->guest->process = rig->vm.adapter_handles[0]; /* a global handle, but of an adapter */
    assert_int_equal(guest_destroy(rig->guest, WIRE_VGPU, WIRE_VGPU_DESTROYDEVICE, rig->device),
                     STATUS_INVALID_PARAMETER);
    rig->guest->process = process;
    assert_unchanged(rig);
}

/* ---- routing */

static void commands_without_a_handler(void **state)
{
    struct rig *rig = *state;
    guest_begin(rig->guest, WIRE_VGPU, WIRE_VGPU_FLUSHHEAPTRANSITIONS);
    struct wire_header *header = (struct wire_header *)(uintptr_t)rig->guest->builder.request.bytes;
    header->command_type = WIRE_VGPU_BLT; /* a number without a published layout */
    assert_int_equal(guest_send(rig->guest), STATUS_NOT_SUPPORTED);
}

static void commands_on_the_wrong_channel(void **state)
{
    struct rig *rig = *state;
    struct guest *guest = rig->guest;
    size_t size;
    guest_begin(guest, WIRE_GLOBAL, WIRE_GLOBAL_CREATEPROCESS);
    size = wire_request_finish(&guest->builder);
    static const int channels[] = {0, 1, 2, 1000, -2, INT32_MIN};
    for (unsigned i = 0; i < sizeof(channels) / sizeof(channels[0]); i++) {
        assert_int_equal(
            command(rig, channels[i], guest->request_bytes, size, reply_buffer.bytes, 64), 4);
        assert_int_equal(wire_load_u32(reply_buffer.bytes), 0);
    }
    guest_begin(guest, WIRE_VGPU, WIRE_VGPU_CREATEDEVICE);
    size = wire_request_finish(&guest->builder);
    if (mode->version >= WIRE_VERSION)
        wire_store_u32(guest->request_bytes + 8, 0x99999999); /* a LUID that is no adapter's */
    assert_int_equal(
        command(rig, HOST_GLOBAL_CHANNEL, guest->request_bytes, size, reply_buffer.bytes, 64), 4);
    assert_int_equal(wire_load_u32(reply_buffer.bytes), 0);
    assert_unchanged(rig);
}

static void asynchronous_messages_that_were_not_announced(void **state)
{
    struct rig *rig = *state;
    struct guest *guest = rig->guest;
    struct guest_fence fence = guest_create_fence(guest, rig->device, 0, 0);
    const uint64_t value = 1;
    struct wire_signalsyncobject *signal =
        guest_begin(guest, WIRE_VGPU, WIRE_VGPU_SIGNALSYNCOBJECT);
    signal->header.channel |= WIRE_CHANNEL_ASYNC_MSG;
    signal->object_count = 1;
    guest_append(guest, &fence.handle, sizeof(fence.handle));
    guest_append(guest, &value, sizeof(value));
    size_t size = wire_request_finish(&guest->builder);
    /* Never answered, on a vGPU channel never obeyed. */
    assert_int_equal(command(rig, 0, guest->request_bytes, size, reply_buffer.bytes, 64), 0);
    assert_true(*fence.value == 0);
}

/* ---- replies */

static void replies_that_do_not_fit(void **state)
{
    struct rig *rig = *state;
    struct guest *guest = rig->guest;
    struct wire_createpagingqueue *create =
        guest_begin(guest, WIRE_VGPU, WIRE_VGPU_CREATEPAGINGQUEUE);
    create->args.device = rig->device;
    size_t size = wire_request_finish(&guest->builder);
    int channel = mode->async ? HOST_GLOBAL_CHANNEL : 0;
    for (size_t capacity = 1; capacity < 24; capacity++)
        assert_true(
            command(rig, channel, guest->request_bytes, size, reply_buffer.bytes, capacity) <= 4);
    /* Nothing was made whose handles the guest would not know. */
    assert_int_equal(host_object_count(rig->vm.host), rig->objects);
    /* A misaligned buffer is filled all the same. */
    size_t answer = host_command(rig->vm.connection, channel, guest->request_bytes, size, true,
                                 reply_buffer.bytes + 1, 64);
    assert_int_equal(answer, 24);
    assert_int_not_equal(wire_load_u32(reply_buffer.bytes + 1), 0);
}

static void reply_counts_that_bound_nothing(void **state)
{
    struct rig *rig = *state;
    struct wire_openresource *open = guest_begin(rig->guest, WIRE_VGPU, WIRE_VGPU_OPENRESOURCE);
    open->allocation_count = UINT32_MAX;
    assert_int_equal(guest_send(rig->guest), STATUS_BUFFER_TOO_SMALL);
    struct wire_ddigetstandardallocationdriverdata *get =
        guest_begin(rig->guest, WIRE_VGPU, WIRE_VGPU_DDIGETSTANDARDALLOCATIONDRIVERDATA);
    get->alloc_type = 4;
    get->priv_driver_data_size = UINT32_MAX;
    get->priv_driver_resource_size = UINT32_MAX;
    assert_int_equal(guest_send(rig->guest), STATUS_BUFFER_TOO_SMALL);
}

/* ---- counts */

static void impossible_counts(void **state)
{
    struct rig *rig = *state;
    static const uint32_t zeros[1025 * 3];
    struct wire_createallocation *create =
        guest_begin(rig->guest, WIRE_VGPU, WIRE_VGPU_CREATEALLOCATION);
    create->device = rig->device;
    create->alloc_count = 1025;
    guest_append(rig->guest, zeros, 1025 * 12);
    assert_int_equal(guest_send(rig->guest), STATUS_BUFFER_TOO_SMALL);
    create = guest_begin(rig->guest, WIRE_VGPU, WIRE_VGPU_CREATEALLOCATION);
    create->device = rig->device;
    assert_int_equal(guest_send(rig->guest), STATUS_BUFFER_TOO_SMALL);

    static const uint32_t counts[] = {0, 65, UINT32_MAX};
    for (unsigned i = 0; i < 3; i++) {
        struct wire_submitcommand *submit =
            guest_begin(rig->guest, WIRE_VGPU, WIRE_VGPU_SUBMITCOMMAND);
        submit->args.broadcast_context_count = counts[i];
        submit->args.broadcast_context[0] = rig->context;
        assert_int_equal(guest_send(rig->guest), STATUS_INVALID_PARAMETER);
    }
    struct wire_waitforsyncobjectfromcpu *wait =
        guest_begin(rig->guest, WIRE_VGPU, WIRE_VGPU_WAITFORSYNCOBJECTFROMCPU);
    wait->guest_event_pointer = 5;
    assert_int_equal(guest_send(rig->guest), STATUS_INVALID_PARAMETER);
    assert_unchanged(rig);
}

static void a_process_has_a_limit(void **state)
{
    struct rig *rig = *state;
    struct guest_vm vm;
    struct host_config config = {.adapter_count = 1, .max_objects = 8, .max_processes = 2};
    (void)rig;
    guest_vm_open(&vm, mode, &config);
    struct guest *guest = guest_open(&vm, 0);
    struct guest *second = guest_open(&vm, 0);
    guest_begin(second, WIRE_GLOBAL, WIRE_GLOBAL_CREATEPROCESS);
    assert_int_equal(guest_send(second), STATUS_SUCCESS);
    assert_int_equal(guest_reply(second, createprocess)->hprocess, 0);
    for (unsigned i = 0; i < 8; i++)
        guest_create_device(guest);
    guest_begin(guest, WIRE_VGPU, WIRE_VGPU_CREATEDEVICE);
    assert_int_equal(guest_send(guest), STATUS_SUCCESS);
    assert_int_equal(guest_reply(guest, createdevice)->device, 0);
    guest_close(second);
    guest_close(guest_open(&vm, 0));
    guest_close(guest);
    guest_vm_close(&vm);
}

static void regions_that_cannot_be(void **state)
{
    struct rig *rig = *state;
    static const uint64_t regions[][2] = {
        {0, IO_SPACE_SIZE},
        {IO_SPACE_START + 1, IO_SPACE_SIZE},
        {IO_SPACE_START, IO_SPACE_SIZE - PAGE},
        {IO_SPACE_START, 0},
        {UINT64_MAX - PAGE + 1, IO_SPACE_SIZE},
        {IO_SPACE_START, UINT64_MAX - PAGE + 1},
    };
    for (unsigned i = 0; i < sizeof(regions) / sizeof(regions[0]); i++) {
        struct wire_setiospaceregion *set =
            guest_begin(rig->guest, WIRE_GLOBAL, WIRE_GLOBAL_SETIOSPACEREGION);
        set->start = regions[i][0];
        set->length = regions[i][1];
        assert_int_equal(guest_send(rig->guest), STATUS_INVALID_PARAMETER);
    }
}

#define RIG_TEST(function) cmocka_unit_test_setup_teardown(function, open_rig, close_rig)

int main(void)
{
    const struct CMUnitTest tests[] = {
        RIG_TEST(truncated_commands),
        RIG_TEST(handles_that_name_nothing),
        RIG_TEST(mutated_commands),
        RIG_TEST(handles_of_other_processes),
        RIG_TEST(handles_of_other_adapters),
        RIG_TEST(handles_of_other_kinds),
        RIG_TEST(processes_that_do_not_exist),
        RIG_TEST(commands_without_a_handler),
        RIG_TEST(commands_on_the_wrong_channel),
        RIG_TEST(asynchronous_messages_that_were_not_announced),
        RIG_TEST(replies_that_do_not_fit),
        RIG_TEST(reply_counts_that_bound_nothing),
        RIG_TEST(impossible_counts),
        RIG_TEST(a_process_has_a_limit),
        RIG_TEST(regions_that_cannot_be),
    };
    return guest_run_in_each_mode(&mode, tests, sizeof(tests) / sizeof(tests[0]));
}
