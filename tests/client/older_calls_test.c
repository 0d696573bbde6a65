/* SPDX-License-Identifier: MIT */
/* Calls of the first drivers: those that are served still, and what the others say. */
#include "client.h"
#include "gpu.h"

#include <stdio.h>
#include <unistd.h>

static struct client_gpu gpu;

static int set_up(void **state)
{
    if (!NT_SUCCESS(d3dkmt_open(*state ? *state : "loopback")))
        return -1;
    return NT_SUCCESS(client_gpu_open(&gpu)) ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    client_gpu_close(&gpu);
    D3DKMTCloseDxCoreDevice();
    return 0;
}

/* ---- OpenSynchronizationObject */

static D3DKMT_CREATESYNCHRONIZATIONOBJECT2 create_shared(D3DDDI_SYNCHRONIZATIONOBJECT_TYPE type)
{
    D3DKMT_CREATESYNCHRONIZATIONOBJECT2 create;

    memset(&create, 0, sizeof(create));
    create.hDevice = gpu.umd.device;
    create.Info.Type = type;
    create.Info.Flags.Shared = create.Info.Flags.NtSecuritySharing = 1;
    assert_success(D3DKMTCreateSynchronizationObject2(&create));
    assert_int_not_equal(create.Info.SharedHandle, 0);
    return create;
}

static NTSTATUS destroy(D3DKMT_HANDLE object)
{
    const D3DKMT_DESTROYSYNCHRONIZATIONOBJECT args = {object};

    return D3DKMTDestroySynchronizationObject(&args);
}

static void a_fence_is_opened_by_its_global_handle(void **state)
{
    D3DKMT_CREATESYNCHRONIZATIONOBJECT2 create = create_shared(D3DDDI_MONITORED_FENCE);
    D3DKMT_OPENSYNCHRONIZATIONOBJECT open = {.hSharedHandle = create.Info.SharedHandle};
    const uint64_t *value = create.Info.MonitoredFence.FenceValueCPUVirtualAddress;

    (void)state;
    assert_success(D3DKMTOpenSynchronizationObject(&open));
    assert_int_not_equal(open.hSyncObject, 0);
    assert_int_not_equal(open.hSyncObject, create.hSyncObject);
    assert_success(client_signal(gpu.umd.device, open.hSyncObject, 17));
    assert_int_equal(__atomic_load_n(value, __ATOMIC_ACQUIRE), 17);
    /* It goes on without the first handle, and can be opened by the second's. */
    assert_success(destroy(create.hSyncObject));
    assert_success(client_wait(gpu.umd.device, open.hSyncObject, 17, 0));
    D3DKMT_HANDLE second = open.hSyncObject;
    assert_success(D3DKMTOpenSynchronizationObject(&open));
    assert_success(destroy(second));
    assert_success(destroy(open.hSyncObject));
    assert_fails(D3DKMTOpenSynchronizationObject(&open), STATUS_INVALID_PARAMETER);
}

static void a_mutex_is_opened_by_its_global_handle(void **state)
{
    D3DKMT_CREATESYNCHRONIZATIONOBJECT2 create = create_shared(D3DDDI_SYNCHRONIZATION_MUTEX);
    D3DKMT_OPENSYNCHRONIZATIONOBJECT open = {.hSharedHandle = create.Info.SharedHandle};
    D3DKMT_WAITFORSYNCHRONIZATIONOBJECT wait = {.hContext = gpu.context, .ObjectCount = 1};
    D3DKMT_SIGNALSYNCHRONIZATIONOBJECT signal = {.hContext = gpu.context, .ObjectCount = 1};

    (void)state;
    assert_success(D3DKMTOpenSynchronizationObject(&open));
    /* Taken by one name, given back by the other. */
    wait.ObjectHandleArray[0] = create.hSyncObject;
    assert_success(D3DKMTWaitForSynchronizationObject(&wait));
    signal.ObjectHandleArray[0] = open.hSyncObject;
    assert_success(D3DKMTSignalSynchronizationObject(&signal));
    assert_success(client_gpu_run(&gpu, 1));
    assert_success(destroy(create.hSyncObject));
    assert_success(destroy(open.hSyncObject));
}

static void other_handles_open_nothing(void **state)
{
    D3DKMT_OPENSYNCHRONIZATIONOBJECT open = {.hSharedHandle = 0};

    (void)state;
    assert_fails(D3DKMTOpenSynchronizationObject(&open), STATUS_INVALID_PARAMETER);
    open.hSharedHandle = gpu.fence.object; /* a local handle, of a fence that is not shared */
    assert_fails(D3DKMTOpenSynchronizationObject(&open), STATUS_INVALID_PARAMETER);
    open.hSharedHandle = 0xdeadbeef;
    assert_fails(D3DKMTOpenSynchronizationObject(&open), STATUS_INVALID_PARAMETER);
    assert_non_null(strstr(d3dkmt_last_error(), "D3DKMTOpenSyncObjectFromNtHandle2"));
    assert_int_equal(open.hSyncObject, 0);
}

/* ---- resources */

static D3DKMT_CREATEALLOCATION create_resource(D3DDDI_ALLOCATIONINFO2 *info, bool shared)
{
    static struct softgpu_allocation data;
    D3DKMT_CREATEALLOCATION create;

    memset(info, 0, sizeof(*info));
    data = softgpu_allocation_data(4096, SOFTGPU_ALLOCATION_CPU_VISIBLE);
    info->pPrivateDriverData = &data;
    info->PrivateDriverDataSize = sizeof(data);
    memset(&create, 0, sizeof(create));
    create.hDevice = gpu.umd.device;
    create.NumAllocations = 1;
    create.pAllocationInfo2 = info;
    create.Flags.CreateResource = 1;
    create.Flags.CreateShared = create.Flags.NtSecuritySharing = shared;
    assert_success(D3DKMTCreateAllocation2(&create));
    return create;
}

static int share(D3DKMT_HANDLE object)
{
    HANDLE nt_handle = NULL;
    D3DKMT_SHAREOBJECTS args = {
        .ObjectCount = 1, .ObjectHandleArray = &object, .pSharedNtHandle = &nt_handle};

    assert_success(D3DKMTShareObjectsInternal(&args));
    return (int)(intptr_t)nt_handle;
}

static void a_descriptor_tells_its_adapter(void **state)
{
    D3DDDI_ALLOCATIONINFO2 info;
    int resource = share(create_resource(&info, true).hResource);
    int fence = share(create_shared(D3DDDI_MONITORED_FENCE).hSyncObject);
    D3DKMT_GETSHAREDRESOURCEADAPTERLUID get = {.hNtHandle = (HANDLE)(intptr_t)resource};

    (void)state;
    assert_success(D3DKMTGetSharedResourceAdapterLuid(&get));
    assert_int_equal(get.AdapterLuid.LowPart, gpu.umd.luid.LowPart);
    assert_int_equal(get.AdapterLuid.HighPart, gpu.umd.luid.HighPart);
    get.hGlobalShare = 0x40000002;
    assert_fails(D3DKMTGetSharedResourceAdapterLuid(&get), STATUS_INVALID_PARAMETER);
    get.hGlobalShare = 0;
    get.hNtHandle = (HANDLE)(intptr_t)fence;
    assert_fails(D3DKMTGetSharedResourceAdapterLuid(&get), STATUS_INVALID_PARAMETER);
    get.hNtHandle = (HANDLE)(intptr_t)-1;
    assert_fails(D3DKMTGetSharedResourceAdapterLuid(&get), STATUS_INVALID_PARAMETER);
    close(fence);
    close(resource);
}

static void the_first_destroy_allocation_destroys(void **state)
{
    D3DDDI_ALLOCATIONINFO2 info;
    D3DKMT_CREATEALLOCATION create = create_resource(&info, false);
    D3DKMT_DESTROYALLOCATION args = {.hDevice = gpu.umd.device, .hResource = create.hResource};
    D3DKMT_LOCK2 lock = {.hDevice = gpu.umd.device, .hAllocation = info.hAllocation};

    (void)state;
    assert_success(D3DKMTLock2(&lock));
    assert_success(D3DKMTDestroyAllocation(&args));
    assert_fails(D3DKMTDestroyAllocation(&args), STATUS_INVALID_PARAMETER);
    assert_fails(D3DKMTLock2(&lock), STATUS_INVALID_PARAMETER);
    /* And a list of allocations. */
    create_resource(&info, false);
    args = (D3DKMT_DESTROYALLOCATION){
        .hDevice = gpu.umd.device, .phAllocationList = &info.hAllocation, .AllocationCount = 1};
    assert_success(D3DKMTDestroyAllocation(&args));
    lock.hAllocation = info.hAllocation;
    assert_fails(D3DKMTLock2(&lock), STATUS_INVALID_PARAMETER);
}

/* ---- what is gone */

#define ASSERT_GONE(function, type, instead)                                                       \
    do {                                                                                           \
        type args_;                                                                                \
        memset(&args_, 0, sizeof(args_));                                                          \
        assert_fails(function(&args_), STATUS_NOT_SUPPORTED);                                      \
        assert_non_null(strstr(d3dkmt_last_error(), instead));                                     \
    } while (0)

static void what_is_gone_says_what_to_call(void **state)
{
    (void)state;
    ASSERT_GONE(D3DKMTCreateContext, D3DKMT_CREATECONTEXT, "D3DKMTCreateContextVirtual");
    ASSERT_GONE(D3DKMTCreateHwContext, D3DKMT_CREATEHWCONTEXT, "D3DKMTCreateHwQueue");
    ASSERT_GONE(D3DKMTDestroyHwContext, D3DKMT_DESTROYHWCONTEXT, "D3DKMTDestroyContext");
    ASSERT_GONE(D3DKMTRender, D3DKMT_RENDER, "D3DKMTSubmitCommand");
    ASSERT_GONE(D3DKMTOpenResource, D3DKMT_OPENRESOURCE, "D3DKMTOpenResourceFromNtHandle");
    ASSERT_GONE(D3DKMTQueryResourceInfo, D3DKMT_QUERYRESOURCEINFO,
                "D3DKMTQueryResourceInfoFromNtHandle");
    assert_false(d3dkmt_op_supported(D3DKMT_OP_Render));
    assert_true(d3dkmt_op_supported(D3DKMT_OP_OpenSynchronizationObject));
}

int main(void)
{
    static char async[] = "loopback:async";
#define TEST(name)                                                                                 \
    cmocka_unit_test_setup_teardown(name, set_up, tear_down),                                      \
    {                                                                                              \
#name " (async)", name, set_up, tear_down, async                                           \
    }
    const struct CMUnitTest tests[] = {
        TEST(a_fence_is_opened_by_its_global_handle),
        TEST(a_mutex_is_opened_by_its_global_handle),
        TEST(other_handles_open_nothing),
        TEST(a_descriptor_tells_its_adapter),
        TEST(the_first_destroy_allocation_destroys),
        TEST(what_is_gone_says_what_to_call),
    };
#undef TEST

    return cmocka_run_group_tests(tests, NULL, NULL);
}
