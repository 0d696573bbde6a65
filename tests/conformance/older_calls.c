/* SPDX-License-Identifier: MIT */
/* Calls of the first drivers: those that are served still, and what the others say. */
#include "client/sharing.h"
#include "conformance/conformance.h"

#include <unistd.h>

static struct client_gpu gpu;

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

CONFORMANCE_GPU(OpenSynchronizationObject, a_fence_is_opened_by_its_global_handle)
{
    conformance_gpu(world, &gpu);
    D3DKMT_CREATESYNCHRONIZATIONOBJECT2 create = create_shared(D3DDDI_MONITORED_FENCE);
    D3DKMT_OPENSYNCHRONIZATIONOBJECT open = {.hSharedHandle = create.Info.SharedHandle};
    const uint64_t *value = create.Info.MonitoredFence.FenceValueCPUVirtualAddress;

    assert_success(D3DKMTOpenSynchronizationObject(&open));
    assert_int_not_equal(open.hSyncObject, 0);
    assert_int_not_equal(open.hSyncObject, create.hSyncObject);
    assert_success(client_signal(gpu.umd.device, open.hSyncObject, 17));
    conformance_await_host(world);
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

CONFORMANCE_GPU(OpenSynchronizationObject, a_mutex_is_opened_by_its_global_handle)
{
    conformance_gpu(world, &gpu);
    D3DKMT_CREATESYNCHRONIZATIONOBJECT2 create = create_shared(D3DDDI_SYNCHRONIZATION_MUTEX);
    D3DKMT_OPENSYNCHRONIZATIONOBJECT open = {.hSharedHandle = create.Info.SharedHandle};
    D3DKMT_WAITFORSYNCHRONIZATIONOBJECT wait = {.hContext = gpu.context, .ObjectCount = 1};
    D3DKMT_SIGNALSYNCHRONIZATIONOBJECT signal = {.hContext = gpu.context, .ObjectCount = 1};

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

CONFORMANCE_GPU(OpenSynchronizationObject, other_handles_open_nothing)
{
    conformance_gpu(world, &gpu);
    D3DKMT_OPENSYNCHRONIZATIONOBJECT open = {.hSharedHandle = 0};

    assert_fails(D3DKMTOpenSynchronizationObject(&open), STATUS_INVALID_PARAMETER);
    open.hSharedHandle = gpu.fence.object; /* a local handle, of a fence that is not shared */
    assert_fails(D3DKMTOpenSynchronizationObject(&open), STATUS_INVALID_PARAMETER);
    open.hSharedHandle = 0xdeadbeef;
    assert_fails(D3DKMTOpenSynchronizationObject(&open), STATUS_INVALID_PARAMETER);
    assert_non_null(strstr(d3dkmt_last_error(), "D3DKMTOpenSyncObjectFromNtHandle2"));
    assert_int_equal(open.hSyncObject, 0);
}

/* ---- resources */

CONFORMANCE_GPU(GetSharedResourceAdapterLuid, a_descriptor_tells_its_adapter)
{
    conformance_gpu(world, &gpu);
    D3DKMT_GETSHAREDRESOURCEADAPTERLUID get = {0};
    struct umd_buffer buffer;
    D3DKMT_HANDLE shared;
    int resource, fence;

    assert_success(client_resource_create(gpu.umd.device, 4096, NULL, 0, &buffer, &shared));
    assert_success(client_share(shared, &resource));
    assert_success(client_share(create_shared(D3DDDI_MONITORED_FENCE).hSyncObject, &fence));
    get.hNtHandle = (HANDLE)(intptr_t)resource;
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

/* ---- what is gone */

/* How each says it, whatever the arguments are, and what it names instead. */
#define GONE(function, type, instead)                                                              \
    CONFORMANCE(function, is_gone_and_names_its_successor)                                         \
    {                                                                                              \
        ARGS(type, args);                                                                          \
                                                                                                   \
        (void)world;                                                                               \
        assert_fails(D3DKMT##function(&args), STATUS_NOT_SUPPORTED);                               \
        assert_non_null(strstr(d3dkmt_last_error(), #instead));                                    \
        assert_false(d3dkmt_op_supported(D3DKMT_OP_##function));                                   \
    }

GONE(CreateContext, D3DKMT_CREATECONTEXT, D3DKMTCreateContextVirtual)
GONE(CreateHwContext, D3DKMT_CREATEHWCONTEXT, D3DKMTCreateHwQueue)
GONE(DestroyHwContext, D3DKMT_DESTROYHWCONTEXT, D3DKMTDestroyContext)
GONE(Render, D3DKMT_RENDER, D3DKMTSubmitCommand)
GONE(OpenResource, D3DKMT_OPENRESOURCE, D3DKMTOpenResourceFromNtHandle)
GONE(QueryResourceInfo, D3DKMT_QUERYRESOURCEINFO, D3DKMTQueryResourceInfoFromNtHandle)
