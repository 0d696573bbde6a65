/* SPDX-License-Identifier: MIT */
/*
 * Shared resources whose allocations have no private data, or not all of them: their sizes are
 * known to the vendor's model alone. dxgkrnl keeps none for whoever opens them, and refuses to seal
 * a resource without any such data for the first time but not for the second.
 */
#include "plugins/model.h"
#include "umd/umd.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

enum { ALLOCATIONS = 3 };

static struct umd first, second;

static int set_up(void **state)
{
    char backend[64];

    snprintf(backend, sizeof(backend), "loopback:miniport=model%s", (const char *)*state);
    return d3dkmt_open(backend) == STATUS_SUCCESS && umd_open(&first, 0) == STATUS_SUCCESS &&
                   umd_open(&second, 0) == STATUS_SUCCESS
               ? 0
               : -1;
}

static int tear_down(void **state)
{
    (void)state;
    umd_close(&first);
    umd_close(&second);
    D3DKMTCloseDxCoreDevice();
    return 0;
}

static void *lock(const struct umd *umd, D3DKMT_HANDLE allocation)
{
    D3DKMT_LOCK2 call = {.hDevice = umd->device, .hAllocation = allocation};

    assert_int_equal(D3DKMTLock2(&call), STATUS_SUCCESS);
    assert_non_null(call.pData);
    return call.pData;
}

static D3DKMT_HANDLE share(const UINT *sizes, D3DKMT_HANDLE *allocations)
{
    static unsigned char data[ALLOCATIONS][MODEL_DATA_BYTES];
    D3DDDI_ALLOCATIONINFO2 infos[ALLOCATIONS] = {{0}};
    D3DKMT_CREATEALLOCATION create = {
        .hDevice = first.device, .NumAllocations = ALLOCATIONS, .pAllocationInfo2 = infos};

    create.Flags.CreateResource = create.Flags.CreateShared = create.Flags.NtSecuritySharing = 1;
    for (unsigned i = 0; i < ALLOCATIONS; i++) {
        memset(data[i], (int)i + 1, sizeof(data[i]));
        infos[i].pPrivateDriverData = sizes[i] ? data[i] : NULL;
        infos[i].PrivateDriverDataSize = sizes[i];
    }
    assert_int_equal(D3DKMTCreateAllocation2(&create), STATUS_SUCCESS);
    for (unsigned i = 0; i < ALLOCATIONS; i++)
        allocations[i] = infos[i].hAllocation;
    return create.hResource;
}

/* Returns how many bytes of private data it came with. */
static UINT open_shared(HANDLE nt_handle, D3DDDI_OPENALLOCATIONINFO2 *infos)
{
    static unsigned char data[ALLOCATIONS * MODEL_DATA_BYTES];
    D3DKMT_QUERYRESOURCEINFOFROMNTHANDLE query = {.hDevice = second.device, .hNtHandle = nt_handle};

    assert_int_equal(D3DKMTQueryResourceInfoFromNtHandle(&query), STATUS_SUCCESS);
    assert_int_equal(query.NumAllocations, ALLOCATIONS);
    assert_in_range(query.TotalPrivateDriverDataSize, 0, sizeof(data));
    D3DKMT_OPENRESOURCEFROMNTHANDLE open = {
        .hDevice = second.device,
        .hNtHandle = nt_handle,
        .NumAllocations = ALLOCATIONS,
        .pOpenAllocationInfo2 = infos,
        .pTotalPrivateDriverDataBuffer = data,
        .TotalPrivateDriverDataBufferSize = query.TotalPrivateDriverDataSize,
    };
    assert_int_equal(D3DKMTOpenResourceFromNtHandle(&open), STATUS_SUCCESS);
    return query.TotalPrivateDriverDataSize;
}

/* Whoever opened them sees all bytes of all allocations. */
static void assert_same_memory(const D3DKMT_HANDLE *made, const D3DDDI_OPENALLOCATIONINFO2 *opened)
{
    for (unsigned i = 0; i < ALLOCATIONS; i++)
        memset(lock(&first, made[i]), (int)(0x40 + i), MODEL_BYTES);
    for (unsigned i = 0; i < ALLOCATIONS; i++) {
        const unsigned char *bytes = lock(&second, opened[i].hAllocation);

        for (unsigned at = 0; at < MODEL_BYTES; at++)
            assert_int_equal(bytes[at], 0x40 + i);
    }
}

static void all_can_be_locked_if_some_have_no_data(void **state)
{
    static const UINT sizes[ALLOCATIONS] = {MODEL_DATA_BYTES, 0, MODEL_DATA_BYTES};
    D3DDDI_OPENALLOCATIONINFO2 opened[ALLOCATIONS] = {{0}};
    D3DKMT_HANDLE made[ALLOCATIONS];
    HANDLE nt_handle = NULL;

    (void)state;
    D3DKMT_HANDLE resource = share(sizes, made);
    assert_int_equal(D3DKMTShareObjects(1, &resource, NULL, 0, &nt_handle), STATUS_SUCCESS);
    assert_int_equal(open_shared(nt_handle, opened), 2 * MODEL_DATA_BYTES);
    for (unsigned i = 0; i < ALLOCATIONS; i++) {
        assert_int_equal(opened[i].PrivateDriverDataSize, sizes[i]);
        if (sizes[i])
            assert_int_equal(*(const unsigned char *)opened[i].pPrivateDriverData, i + 1);
    }
    assert_same_memory(made, opened);
    close((int)(intptr_t)nt_handle);
}

static void without_any_data_it_is_shared_each_time(void **state)
{
    static const UINT sizes[ALLOCATIONS];
    D3DKMT_HANDLE made[ALLOCATIONS];

    (void)state;
    D3DKMT_HANDLE resource = share(sizes, made);
    for (unsigned time = 0; time < 2; time++) {
        D3DDDI_OPENALLOCATIONINFO2 opened[ALLOCATIONS] = {{0}};
        HANDLE nt_handle = NULL;

        assert_int_equal(D3DKMTShareObjects(1, &resource, NULL, 0, &nt_handle), STATUS_SUCCESS);
        assert_int_equal(open_shared(nt_handle, opened), 0);
        assert_same_memory(made, opened);
        close((int)(intptr_t)nt_handle);
    }
}

int main(int count, char **arguments)
{
    static char sync[] = "", async[] = ",async", old[] = ",version=27";
#define TESTS(mode)                                                                                \
    {"some have no data " #mode, all_can_be_locked_if_some_have_no_data, set_up, tear_down, mode}, \
    {                                                                                              \
        "none has data " #mode, without_any_data_it_is_shared_each_time, set_up, tear_down, mode   \
    }
    const struct CMUnitTest tests[] = {TESTS(sync), TESTS(async), TESTS(old)};
#undef TESTS

    if (count != 2)
        return 2;
    setenv("D3DKMT_PLUGIN_PATH", arguments[1], 1);
    return cmocka_run_group_tests_name("miniport-shared_sizes", tests, NULL, NULL);
}
