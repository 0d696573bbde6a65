/* SPDX-License-Identifier: MIT */
/*
 * A program's life, from opening the library to closing it, with every operation in it: every
 * request for memory, a thread, a mapping or a descriptor that library and simulated host make
 * in it fails once. The call that it befalls fails with the right status, or does without; it
 * changes nothing, and the same call works afterwards; at the end nothing is left.
 */
#include "client/bad_input.h"
#include "client/failing_resources.h"
#include "guest/held.h"

#include "backend-loopback/backend.h"
#include "backend-loopback/host/host.h"
#include "compat/dxcore/dxcore.h"

#include <d3dkmt/loopback.h>
#include <d3dkmt/syncfile.h>

#include <unistd.h>

enum { ARGS_MAX = CALL_ARGS_MAX, REQUESTS_MAX = 20000 };

static unsigned complaints;
static const char *doing; /* for complaints */
static bool is_async;
static D3DKMT_HANDLE device;

static void complain(NTSTATUS status, const char *how)
{
    complaints++;
    print_error("%s, %s fails: %s (%s). %s\n", doing, resources_failure(), how,
                d3dkmt_status_name(status), d3dkmt_last_error());
}

/*
 * Replies without a status say by a handle of 0 that the host has failed, and no more; the calls
 * have a status of their own for that, as dxgkrnl.
 */
static const struct {
    const char *call;
    NTSTATUS status;
} unexplained[] = {
    {"d3dkmt_open", STATUS_INVALID_HANDLE},
    {"D3DKMTCreateDevice", STATUS_INVALID_PARAMETER},
    {"D3DKMTCreateContextVirtual", STATUS_INVALID_PARAMETER},
    {"D3DKMTShareObjects", STATUS_UNSUCCESSFUL},
    {"D3DKMTCreateSyncFile", STATUS_UNSUCCESSFUL},
    {"CreateAdapterList", STATUS_BUFFER_TOO_SMALL}, /* by the adapter's type */
};

static bool is_right(NTSTATUS status)
{
    const char *reason = d3dkmt_last_error();

    if (status == STATUS_NO_MEMORY || status == STATUS_INSUFFICIENT_RESOURCES)
        return true;
    for (size_t i = 0; i < sizeof(unexplained) / sizeof(unexplained[0]); i++) {
        if (strcmp(unexplained[i].call, doing) == 0 && unexplained[i].status == status &&
            (strstr(reason, "the host made no ") || strstr(reason, "the host gave no answer") ||
             strstr(reason, "the host answered ")))
            return true;
    }
    /* Descriptors and threads are no memory; the kernel says no more either. */
    return status == STATUS_UNSUCCESSFUL && !strstr(resources_failure(), "alloc") &&
           !strstr(resources_failure(), "mmap");
}

/* As world_public_call, with what is to fail. */
static NTSTATUS try_call(void *context, enum d3dkmt_op_id op, void *args)
{
    unsigned char before[ARGS_MAX];
    const struct d3dkmt_op *row = d3dkmt_find_op(op);
    bool had_failed = resources_have_failed();

    (void)context;
    doing = row->name;
    memcpy(before, args, row->args_size);
    resources_watch(true);
    NTSTATUS status = world_public_call(NULL, op, args);
    resources_watch(false);
    if (NT_SUCCESS(status) || had_failed || !resources_have_failed())
        return status;
    if (!is_right(status))
        complain(status, "wrong status");
    if (memcmp(before, args, row->args_size) != 0)
        complain(status, "the arguments were changed");
    memcpy(args, before, row->args_size);
    return world_public_call(NULL, op, args);
}

static NTSTATUS try_open(const char *specification)
{
    doing = "d3dkmt_open";
    resources_watch(true);
    NTSTATUS status = d3dkmt_open(specification);
    resources_watch(false);
    if (NT_SUCCESS(status) || !resources_have_failed())
        return status;
    if (!is_right(status))
        complain(status, "wrong status");
    return d3dkmt_open(specification);
}

/* A host that has no memory for what came without a reply can only put the device in error. */
static bool device_is_in_error(void)
{
    D3DKMT_GETDEVICESTATE get;

    memset(&get, 0, sizeof(get));
    get.hDevice = device;
    get.StateType = D3DKMT_DEVICESTATE_EXECUTION;
    return NT_SUCCESS(D3DKMTGetDeviceState(&get)) &&
           get.ExecutionState != D3DKMT_DEVICEEXECUTION_ACTIVE;
}

static bool works(struct world *world, const struct every_call *one, void *args)
{
    NTSTATUS status = world->call(world->context, one->op, args);

    if (status == STATUS_DEVICE_REMOVED && is_async && device_is_in_error())
        return false;
    if (!NT_SUCCESS(status))
        complain(status, "the call does not work afterwards");
    return NT_SUCCESS(status);
}

/* ---- DXCore, whose results are HRESULTs */

static int32_t try_dxcore(void **list)
{
    static const GUID compute = {
        0x248e2800, 0xa793, 0x4724, {0xab, 0xaa, 0x23, 0xa6, 0xde, 0x1b, 0xe0, 0x90}};
    static const GUID iid_list = {
        0x526c7776, 0x40e9, 0x459b, {0xb7, 0x11, 0xf3, 0x2a, 0xd7, 0x6d, 0xfc, 0x28}};
    void *factory = NULL;

    *list = NULL;
    int32_t result = dxcore_factory_get("test", &dxcore_iid_unknown, &factory);
    if (result != DXCORE_OK)
        return result;
    const struct dxcore_factory_methods *methods = *(void **)factory;
    return methods->CreateAdapterList(factory, 1, &compute, &iid_list, list);
}

/* A list has all adapters, or there is none. */
static void enumerate(void)
{
    void *list;

    doing = "CreateAdapterList";
    bool had_failed = resources_have_failed();
    resources_watch(true);
    int32_t result = try_dxcore(&list);
    resources_watch(false);
    if (result != DXCORE_OK && !had_failed && resources_have_failed()) {
        if (!is_right(d3dkmt_last_error_status()) && result != DXCORE_OUT_OF_MEMORY)
            complain(result, "wrong result");
        result = try_dxcore(&list);
    }
    if (result != DXCORE_OK || !list) {
        complain(result, "the call does not work afterwards");
        return;
    }
    const struct dxcore_list_methods *methods = *(void **)list;
    if (methods->GetAdapterCount(list) != 1)
        complain(STATUS_UNSUCCESSFUL, "the list lacks an adapter");
    methods->Release(list);
}

static void live(const char *specification)
{
    struct world world;

    NTSTATUS status = try_open(specification);
    if (!NT_SUCCESS(status)) {
        complain(status, "opening does not work afterwards");
        return;
    }
    world_create(&world, try_call, NULL);
    if (world.failures)
        complain(world.first_status, world.first_failure);
    world.failures = 0;
    device = world.handles[WORLD_DEVICE];
    every_call_visit(&world, works);
    enumerate();
    world_destroy(&world);
    if (world.failures)
        complain(world.first_status, world.first_failure);
    doing = "D3DKMTCloseDxCoreDevice";
    resources_watch(true);
    D3DKMTCloseDxCoreDevice();
    resources_watch(false);
}

static void everything_fails_once(void **state)
{
    const char *specification = *state;
    unsigned number = 0;

    complaints = 0;
    is_async = strstr(specification, "async") != NULL;
    resources_fail_at(UINT32_MAX);
    live(specification);
    long blocks = resources_blocks();
    unsigned descriptors = held_descriptors(), mappings = held_mappings();
    do {
        unsigned complaints_before = complaints;

        resources_fail_at(number++);
        live(specification);
        if (resources_blocks() != blocks) {
            print_error("request %u, %s: %ld blocks are left\n", number - 1, resources_failure(),
                        resources_blocks() - blocks);
            blocks = resources_blocks();
            complaints++;
        }
        if (held_descriptors() != descriptors || held_mappings() != mappings) {
            print_error("request %u, %s: descriptors or mappings are left\n", number - 1,
                        resources_failure());
            descriptors = held_descriptors();
            mappings = held_mappings();
            complaints++;
        }
        if (complaints != complaints_before)
            print_error("that was request %u\n", number - 1);
        assert_true(number < REQUESTS_MAX);
    } while (resources_have_failed());
    print_message("%u requests failed, one at a time\n", number - 1);
    assert_true(number > 150);
    assert_int_equal(complaints, 0);
}

int main(void)
{
#define TEST(how)                                                                                  \
    {                                                                                              \
        "everything fails once (" how ")", everything_fails_once, NULL, NULL,                      \
            (char *)(uintptr_t)how                                                                 \
    }
    const struct CMUnitTest tests[] = {
        TEST("loopback"),
        TEST("loopback:async"),
        TEST("loopback:version=39,pending"),
    };
#undef TEST

    d3dkmt_set_log(D3DKMT_LOG_NONE, NULL, NULL);
    if (!NT_SUCCESS(d3dkmt_register_backend(&d3dkmt_loopback_backend)))
        return 1;
    return cmocka_run_group_tests_name("no memory", tests, NULL, NULL);
}
