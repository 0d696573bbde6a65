/* SPDX-License-Identifier: MIT */
/* The example's driver refuses what is not its own, through the public interface. */
#include "miniport/zephyr.h"
#include "umd/umd.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static char specification[1024];

static struct zephyr_header good_header(void)
{
    struct zephyr_header header = {ZEPHYR_MAGIC, ZEPHYR_VERSION};

    return header;
}

static int open_umd(void **state)
{
    static struct umd umd;

    assert_int_equal(d3dkmt_open(specification), STATUS_SUCCESS);
    assert_int_equal(umd_open(&umd, 0), STATUS_SUCCESS);
    *state = &umd;
    return 0;
}

static int close_umd(void **state)
{
    umd_close(*state);
    D3DKMTCloseDxCoreDevice();
    return 0;
}

/* ---- private data */

static NTSTATUS allocate(struct umd *umd, void *data, UINT size, D3DKMT_HANDLE *handle)
{
    D3DKMT_CREATEALLOCATION create;
    D3DDDI_ALLOCATIONINFO2 info;

    memset(&info, 0, sizeof(info));
    info.pPrivateDriverData = data;
    info.PrivateDriverDataSize = size;
    memset(&create, 0, sizeof(create));
    create.hDevice = umd->device;
    create.NumAllocations = 1;
    create.pAllocationInfo2 = &info;
    NTSTATUS status = D3DKMTCreateAllocation2(&create);
    *handle = info.hAllocation;
    return status;
}

static void surfaces_have_pitch_and_limits(void **state)
{
    struct zephyr_surface good = {.header = good_header(), .width = 65, .height = 3}, data = good;
    D3DKMT_HANDLE handle;

    assert_int_equal(allocate(*state, &data, sizeof(data), &handle), STATUS_SUCCESS);
    assert_int_equal(data.pitch, 512);
    assert_false(NT_SUCCESS(allocate(*state, &data, sizeof(data) - 1, &handle)));
    data = good;
    data.header.version++;
    assert_false(NT_SUCCESS(allocate(*state, &data, sizeof(data), &handle)));
    data = good;
    data.width = 0;
    assert_false(NT_SUCCESS(allocate(*state, &data, sizeof(data), &handle)));
    data = good;
    data.height = 16385;
    assert_false(NT_SUCCESS(allocate(*state, &data, sizeof(data), &handle)));
    assert_false(NT_SUCCESS(allocate(*state, NULL, 0, &handle)));
}

static NTSTATUS create_context(struct umd *umd, void *data, UINT size, D3DKMT_HANDLE *handle)
{
    D3DKMT_CREATECONTEXTVIRTUAL create;

    memset(&create, 0, sizeof(create));
    create.hDevice = umd->device;
    create.EngineAffinity = 1;
    create.pPrivateDriverData = data;
    create.PrivateDriverDataSize = size;
    NTSTATUS status = D3DKMTCreateContextVirtual(&create);
    *handle = create.hContext;
    return status;
}

static void contexts_need_private_data(void **state)
{
    struct zephyr_context data = {.header = good_header()};
    D3DKMT_HANDLE handle;

    assert_false(NT_SUCCESS(create_context(*state, NULL, 0, &handle)));
    assert_false(NT_SUCCESS(create_context(*state, &data, sizeof(data) - 1, &handle)));
    assert_int_equal(create_context(*state, &data, sizeof(data), &handle), STATUS_SUCCESS);
    assert_int_equal(data.number, 1);
    data.header.magic = 0;
    assert_false(NT_SUCCESS(create_context(*state, &data, sizeof(data), &handle)));
}

static void escapes_of_others_are_refused(void **state)
{
    struct umd *umd = *state;
    struct zephyr_statistics data = {.header = good_header()};
    D3DKMT_ESCAPE escape;

    memset(&escape, 0, sizeof(escape));
    escape.hAdapter = umd->adapter;
    escape.pPrivateDriverData = &data;
    escape.PrivateDriverDataSize = sizeof(data);
    assert_int_equal(D3DKMTEscape(&escape), STATUS_SUCCESS);
    assert_int_equal(data.devices, 0); /* none was named */
    escape.hDevice = umd->device;
    assert_int_equal(D3DKMTEscape(&escape), STATUS_SUCCESS);
    assert_int_equal(data.devices, 1);
    data.header.magic++;
    assert_false(NT_SUCCESS(D3DKMTEscape(&escape)));
}

/* ---- submissions */

struct work {
    struct umd *umd;
    D3DKMT_HANDLE context;
    struct umd_buffer memory; /* commands, and what they work on */
    struct umd_fence fence;
};

static void prepare(struct work *work, struct umd *umd)
{
    struct zephyr_surface surface = {.header = good_header(), .width = 1024, .height = 16};
    struct zephyr_context context = {.header = good_header()};
    D3DKMT_LOCK2 lock;

    memset(work, 0, sizeof(*work));
    work->umd = umd;
    assert_int_equal(create_context(umd, &context, sizeof(context), &work->context), 0);
    assert_int_equal(allocate(umd, &surface, sizeof(surface), &work->memory.allocation), 0);
    work->memory.size = (size_t)surface.pitch * surface.height;
    assert_int_equal(umd_buffer_map(umd, &work->memory), STATUS_SUCCESS);
    memset(&lock, 0, sizeof(lock));
    lock.hDevice = umd->device;
    lock.hAllocation = work->memory.allocation;
    assert_int_equal(D3DKMTLock2(&lock), STATUS_SUCCESS);
    work->memory.cpu = lock.pData;
    assert_int_equal(umd_fence_create(umd, 0, &work->fence), STATUS_SUCCESS);
}

/* A command that is right: it clears the second row. */
static struct zephyr_command clear(const struct work *work)
{
    return (struct zephyr_command){.operation = ZEPHYR_CLEAR,
                                   .color = 0x01020304,
                                   .destination = work->memory.address + 4096,
                                   .width = 1024,
                                   .height = 1,
                                   .pitch = 4096};
}

static NTSTATUS submit(struct work *work, const struct zephyr_command *command, UINT size,
                       void *data, UINT data_size)
{
    D3DKMT_SUBMITCOMMAND submit;

    memcpy(work->memory.cpu, command, sizeof(*command));
    memset(&submit, 0, sizeof(submit));
    submit.Commands = work->memory.address;
    submit.CommandLength = size;
    submit.BroadcastContextCount = 1;
    submit.BroadcastContext[0] = work->context;
    submit.pPrivateDriverData = data;
    submit.PrivateDriverDataSize = data_size;
    return D3DKMTSubmitCommand(&submit);
}

static D3DKMT_DEVICEEXECUTION_STATE device_state(struct umd *umd)
{
    D3DKMT_GETDEVICESTATE get;

    memset(&get, 0, sizeof(get));
    get.hDevice = umd->device;
    get.StateType = D3DKMT_DEVICESTATE_EXECUTION;
    assert_int_equal(D3DKMTGetDeviceState(&get), STATUS_SUCCESS);
    return get.ExecutionState;
}

/* The device's failure ends the wait for what will never be signalled. */
static void expect_failure(struct work *work, const struct zephyr_command *command, UINT size,
                           struct zephyr_submit *data, UINT data_size,
                           D3DKMT_DEVICEEXECUTION_STATE state)
{
    (void)submit(work, command, size, data, data_size);
    while (device_state(work->umd) == D3DKMT_DEVICEEXECUTION_ACTIVE)
        ;
    assert_int_equal(device_state(work->umd), state);
    assert_true(umd_fence_value(&work->fence) != 5);
}

static struct zephyr_submit good_submit(const struct work *work)
{
    struct zephyr_submit data = {
        .header = good_header(), .fence_address = work->fence.address, .fence_value = 5};

    return data;
}

static void the_submit_headers_fence_is_signalled(void **state)
{
    struct work work;
    prepare(&work, *state);
    struct zephyr_command command = clear(&work);
    struct zephyr_submit data = good_submit(&work);

    assert_int_equal(submit(&work, &command, sizeof(command), &data, sizeof(data)), STATUS_SUCCESS);
    assert_int_equal(umd_wait_on_cpu(work.umd, &work.fence, 5), STATUS_SUCCESS);
    assert_int_equal(((const uint32_t *)work.memory.cpu)[1024], 0x01020304);
    assert_int_equal(((const uint32_t *)work.memory.cpu)[2047], 0x01020304);
    assert_int_equal(((const uint32_t *)work.memory.cpu)[2048], 0);
}

static void submissions_without_a_header_fail(void **state)
{
    struct work work;
    prepare(&work, *state);
    struct zephyr_command command = clear(&work);

    expect_failure(&work, &command, sizeof(command), NULL, 0,
                   D3DKMT_DEVICEEXECUTION_ERROR_DMAFAULT);
}

static void unknown_commands_fail(void **state)
{
    struct work work;
    prepare(&work, *state);
    struct zephyr_command command = clear(&work);
    struct zephyr_submit data = good_submit(&work);

    command.operation = 3;
    expect_failure(&work, &command, sizeof(command), &data, sizeof(data),
                   D3DKMT_DEVICEEXECUTION_ERROR_DMAFAULT);
}

static void rows_beyond_the_pitch_fail(void **state)
{
    struct work work;
    prepare(&work, *state);
    struct zephyr_command command = clear(&work);
    struct zephyr_submit data = good_submit(&work);

    command.width = 1025;
    expect_failure(&work, &command, sizeof(command), &data, sizeof(data),
                   D3DKMT_DEVICEEXECUTION_ERROR_DMAFAULT);
}

static void cut_commands_fail(void **state)
{
    struct work work;
    prepare(&work, *state);
    struct zephyr_command command = clear(&work);
    struct zephyr_submit data = good_submit(&work);

    expect_failure(&work, &command, sizeof(command) - 4, &data, sizeof(data),
                   D3DKMT_DEVICEEXECUTION_ERROR_DMAFAULT);
}

static void unmapped_surfaces_are_page_faults(void **state)
{
    struct work work;
    prepare(&work, *state);
    struct zephyr_command command = clear(&work);
    struct zephyr_submit data = good_submit(&work);

    command.destination = UINT64_C(0x7000000000);
    expect_failure(&work, &command, sizeof(command), &data, sizeof(data),
                   D3DKMT_DEVICEEXECUTION_ERROR_DMAPAGEFAULT);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, open_umd, close_umd)

int main(int count, char **arguments)
{
    const struct CMUnitTest tests[] = {
        TEST(surfaces_have_pitch_and_limits),    TEST(contexts_need_private_data),
        TEST(escapes_of_others_are_refused),     TEST(the_submit_headers_fence_is_signalled),
        TEST(submissions_without_a_header_fail), TEST(unknown_commands_fail),
        TEST(rows_beyond_the_pitch_fail),        TEST(cut_commands_fail),
        TEST(unmapped_surfaces_are_page_faults),
    };

    if (count != 2)
        return 2;
    snprintf(specification, sizeof(specification), "%s", arguments[1]);
    return cmocka_run_group_tests_name("miniport-zephyr", tests, NULL, NULL);
}
