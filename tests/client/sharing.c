/* SPDX-License-Identifier: MIT */
#include "sharing.h"

#include <string.h>

NTSTATUS client_share(D3DKMT_HANDLE object, int *descriptor)
{
    HANDLE nt_handle = NULL;
    NTSTATUS status = D3DKMTShareObjects(1, &object, NULL, 0, &nt_handle);

    *descriptor = (int)(intptr_t)nt_handle;
    return status;
}

NTSTATUS client_fence_create(D3DKMT_HANDLE device, bool shared, D3DKMT_HANDLE *fence)
{
    D3DKMT_CREATESYNCHRONIZATIONOBJECT2 create;

    memset(&create, 0, sizeof(create));
    create.hDevice = device;
    create.Info.Type = D3DDDI_MONITORED_FENCE;
    create.Info.Flags.Shared = shared;
    create.Info.Flags.NtSecuritySharing = shared;
    NTSTATUS status = D3DKMTCreateSynchronizationObject2(&create);
    *fence = create.hSyncObject;
    return status;
}

NTSTATUS client_fence_open(D3DKMT_HANDLE device, int descriptor, struct umd_fence *fence)
{
    D3DKMT_OPENSYNCOBJECTFROMNTHANDLE2 open;

    memset(&open, 0, sizeof(open));
    open.hNtHandle = (HANDLE)(intptr_t)descriptor;
    open.hDevice = device;
    NTSTATUS status = D3DKMTOpenSyncObjectFromNtHandle2(&open);
    fence->object = open.hSyncObject;
    fence->cpu = open.MonitoredFence.FenceValueCPUVirtualAddress;
    fence->address = open.MonitoredFence.FenceValueGPUVirtualAddress;
    return status;
}

NTSTATUS client_resource_create(D3DKMT_HANDLE device, uint32_t size, const void *runtime_data,
                                uint32_t runtime_size, struct umd_buffer *buffer,
                                D3DKMT_HANDLE *resource)
{
    struct softgpu_allocation data = softgpu_allocation_data(size, 0);
    D3DDDI_ALLOCATIONINFO2 info;
    D3DKMT_CREATEALLOCATION create;

    memset(&info, 0, sizeof(info));
    info.pPrivateDriverData = &data;
    info.PrivateDriverDataSize = sizeof(data);
    memset(&create, 0, sizeof(create));
    create.hDevice = device;
    create.NumAllocations = 1;
    create.pAllocationInfo2 = &info;
    create.pPrivateRuntimeData = runtime_data;
    create.PrivateRuntimeDataSize = runtime_size;
    create.Flags.CreateResource = 1;
    create.Flags.CreateShared = 1;
    create.Flags.NtSecuritySharing = 1;
    NTSTATUS status = D3DKMTCreateAllocation2(&create);
    memset(buffer, 0, sizeof(*buffer));
    buffer->allocation = info.hAllocation;
    buffer->size = size;
    *resource = create.hResource;
    return status;
}
