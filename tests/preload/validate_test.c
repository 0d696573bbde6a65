/* SPDX-License-Identifier: MIT */
/* The validating mode of the backend dxg: what it says of handles that the kernel refuses. */
#include "client/client.h"

#include <d3dkmt/d3dkmt.h>

static struct umd umd;

static int set_up(void **state)
{
    (void)state;
    return NT_SUCCESS(d3dkmt_open("dxg:validate")) && NT_SUCCESS(umd_open(&umd, 0)) ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    D3DKMTCloseDxCoreDevice();
    return 0;
}

static void expect_of_context(D3DKMT_HANDLE handle, const char *sentence)
{
    D3DKMT_DESTROYCONTEXT args = {handle};

    assert_fails(D3DKMTDestroyContext(&args), STATUS_INVALID_PARAMETER);
    if (!strstr(d3dkmt_last_error(), sentence))
        fail_msg("\"%s\" is not in: %s", sentence, d3dkmt_last_error());
}

static void other_types_are_named(void **state)
{
    (void)state;
    expect_of_context(umd.device, "is a device; a context is needed");
    expect_of_context(umd.paging_queue, "is a paging queue; a context is needed");
    expect_of_context(umd.paging_fence, "is a queue's fence; a context is needed");
    expect_of_context(umd.adapter, "is an adapter; a context is needed");
    expect_of_context(0, "is no handle; a context is needed");
}

static void foreign_handles_are_named(void **state)
{
    (void)state;
    expect_of_context(0x7fffffc0, "is foreign");
}

static void stale_handles_are_named(void **state)
{
    D3DKMT_HANDLE context;

    (void)state;
    assert_success(umd_context_create(&umd, 0, &context));
    D3DKMT_DESTROYCONTEXT destroy = {context};
    assert_success(D3DKMTDestroyContext(&destroy));
    expect_of_context(context, "is stale");
}

/* What the kernel ends with a device is stale too. */
static void children_end_with_their_device(void **state)
{
    D3DKMT_HANDLE context;
    struct umd_fence fence;

    (void)state;
    assert_success(umd_context_create(&umd, 0, &context));
    assert_success(umd_fence_create(&umd, 0, &fence));
    D3DKMT_DESTROYDEVICE destroy = {umd.device};
    assert_success(D3DKMTDestroyDevice(&destroy));
    expect_of_context(context, "is stale");
    expect_of_context(umd.device, "is stale");
    expect_of_context(umd.paging_queue, "is stale");
    expect_of_context(fence.object, "is stale");
}

/* So are the devices of an adapter whose last handle is closed, and not before. */
static void devices_end_with_the_last_handle_of_their_adapter(void **state)
{
    D3DKMT_OPENADAPTERFROMLUID again = {.AdapterLuid = umd.luid};
    D3DKMT_CLOSEADAPTER close_adapter = {umd.adapter};

    (void)state;
    assert_success(D3DKMTOpenAdapterFromLuid(&again));
    assert_success(D3DKMTCloseAdapter(&close_adapter));
    expect_of_context(umd.device, "is a device");
    close_adapter.hAdapter = again.hAdapter;
    assert_success(D3DKMTCloseAdapter(&close_adapter));
    expect_of_context(umd.device, "is stale");
}

/* Each of a list is looked at. */
static void the_place_in_a_list_is_told(void **state)
{
    struct umd_fence fence;
    UINT64 values[2] = {0, 0};

    (void)state;
    assert_success(umd_fence_create(&umd, 0, &fence));
    D3DKMT_HANDLE objects[2] = {fence.object, umd.device};
    D3DKMT_SIGNALSYNCHRONIZATIONOBJECTFROMCPU signal = {.hDevice = umd.device,
                                                        .ObjectCount = 2,
                                                        .ObjectHandleArray = objects,
                                                        .FenceValueArray = values};
    assert_false(NT_SUCCESS(D3DKMTSignalSynchronizationObjectFromCpu(&signal)));
    assert_non_null(strstr(d3dkmt_last_error(), "ObjectHandleArray[1]"));
    assert_non_null(strstr(d3dkmt_last_error(), "is a device"));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(other_types_are_named),
        TEST(foreign_handles_are_named),
        TEST(stale_handles_are_named),
        TEST(children_end_with_their_device),
        TEST(devices_end_with_the_last_handle_of_their_adapter),
        TEST(the_place_in_a_list_is_told),
    };
#undef TEST

    return cmocka_run_group_tests(tests, NULL, NULL);
}
