/* SPDX-License-Identifier: MIT */
/*
 * What is different on the kernel's interface. Each test that cannot hold there has one in its
 * place, and the reason; docs/dxg-differences.md is made from this table.
 */
#include "conformance/conformance.h"

#include <d3dkmt/syncfile.h>

#include <unistd.h>

/* ---- operations that kernels have not had since 5.15 */

static void is_gone(enum d3dkmt_op_id op, void *args)
{
    assert_fails(world_public_call(NULL, op, args), STATUS_NOT_SUPPORTED);
    assert_non_null(strstr(d3dkmt_last_error(), "this kernel's dxgkrnl does not have"));
    assert_false(d3dkmt_op_supported(op));
}

static void open_sync_object_is_gone(struct world *world)
{
    ARGS(D3DKMT_OPENSYNCHRONIZATIONOBJECT, args);

    (void)world;
    is_gone(D3DKMT_OP_OpenSynchronizationObject, &args);
}

static void get_luid_is_gone(struct world *world)
{
    ARGS(D3DKMT_GETSHAREDRESOURCEADAPTERLUID, args);

    (void)world;
    is_gone(D3DKMT_OP_GetSharedResourceAdapterLuid, &args);
}

/* ---- sentences */

static void evict_says_the_errno(struct world *world)
{
    D3DKMT_HANDLE allocation = 0x7fffffc0;
    ARGS(D3DKMT_EVICT, args);

    args.hDevice = HANDLE_OF(world, DEVICE);
    args.NumAllocations = 1;
    args.AllocationList = &allocation;
    assert_false(NT_SUCCESS(D3DKMTEvict(&args)));
    assert_non_null(
        strstr(d3dkmt_last_error(), conformance_names_handles()
                                        ? "AllocationList[0] 0x7fffffc0 is foreign"
                                        : "the host answered with less than was expected"));
}

/* ---- merged sync files */

static void a_merged_file_is_refused(struct world *world)
{
    D3DKMT_CREATESYNCFILE files[2];
    int merged;

    conformance_expect_descriptor(); /* of the thread that merges, which this starts */
    memset(files, 0, sizeof(files));
    for (int i = 0; i < 2; i++) {
        files[i].hDevice = HANDLE_OF(world, DEVICE);
        files[i].hMonitoredFence = HANDLE_OF(world, FENCE);
        files[i].FenceValue = UINT64_MAX - (uint64_t)i;
        assert_success(D3DKMTCreateSyncFile(&files[i]));
    }
    assert_success(
        d3dkmt_sync_file_merge("both", (int)files[0].hSyncFile, (int)files[1].hSyncFile, &merged));
    D3DKMT_WAITSYNCFILE wait = {.hSyncFile = (UINT64)merged, .hContext = HANDLE_OF(world, CONTEXT)};
    assert_fails(D3DKMTWaitSyncFile(&wait), STATUS_INVALID_PARAMETER);
    close(merged);
    close((int)files[0].hSyncFile);
    close((int)files[1].hSyncFile);
}

#define GONE "refused: STATUS_NOT_SUPPORTED", "no request: it left dxgkrnl with the kernel 5.15"

const struct conformance_difference conformance_differences[] = {
    {"D3DKMTOpenSynchronizationObject", NULL, open_sync_object_is_gone, GONE},
    {"D3DKMTGetSharedResourceAdapterLuid", NULL, get_luid_is_gone, GONE},
    {"D3DKMTEvict", "a_refusal_says_that_the_host_tells_no_reason", evict_says_the_errno,
     "the sentence tells what EOVERFLOW may mean",
     "the kernel gives an errno, and no message's name"},
    {"D3DKMTWaitSyncFile", "a_merged_file_waits_for_both", a_merged_file_is_refused,
     "refused: STATUS_INVALID_PARAMETER",
     "the kernel knows its own sync files; what the library merged is not among them"},
};
const size_t conformance_difference_count = COUNT(conformance_differences);
