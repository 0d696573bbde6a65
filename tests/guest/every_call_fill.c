/* SPDX-License-Identifier: MIT */
/* Right arguments of every operation, which lie in the scratch memory where they are arrays. */
#include "guest/every_call_fill.h"

#include <d3dkmt/softgpu.h>

#include <string.h>

/* ---- adapters */

FILL(OpenAdapterFromLuid, D3DKMT_OPENADAPTERFROMLUID)
{
    args->AdapterLuid = world->luid;
}

FILL(EnumAdapters2, D3DKMT_ENUMADAPTERS2)
{
    args->NumAdapters = 4;
    args->pAdapters = place(world, 0);
}

FILL(EnumAdapters3, D3DKMT_ENUMADAPTERS3)
{
    args->NumAdapters = 4;
    args->pAdapters = place(world, 0);
}

FILL(CloseAdapter, D3DKMT_CLOSEADAPTER)
{
    args->hAdapter = HANDLE_AT(world, ADAPTER);
}

FILL(QueryAdapterInfo, D3DKMT_QUERYADAPTERINFO)
{
    args->hAdapter = HANDLE_AT(world, ADAPTER);
    args->Type = KMTQAITYPE_UMDRIVERPRIVATE;
    args->pPrivateDriverData = place(world, 0);
    args->PrivateDriverDataSize = sizeof(struct softgpu_adapter);
}

FILL(QueryVideoMemoryInfo, D3DKMT_QUERYVIDEOMEMORYINFO)
{
    args->hAdapter = HANDLE_AT(world, ADAPTER);
}

FILL(ChangeVideoMemoryReservation, D3DKMT_CHANGEVIDEOMEMORYRESERVATION)
{
    args->hAdapter = HANDLE_AT(world, ADAPTER);
}

FILL(Escape, D3DKMT_ESCAPE)
{
    struct softgpu_escape *escape = place(world, 0);

    *escape = (struct softgpu_escape){SOFTGPU_ESCAPE_MAGIC, SOFTGPU_ESCAPE_ECHO, 7, 0};
    args->hAdapter = HANDLE_AT(world, ADAPTER);
    args->hDevice = HANDLE_AT(world, DEVICE);
    args->Type = D3DKMT_ESCAPE_DRIVERPRIVATE;
    args->pPrivateDriverData = escape;
    args->PrivateDriverDataSize = sizeof(*escape);
}

FILL(QueryClockCalibration, D3DKMT_QUERYCLOCKCALIBRATION)
{
    args->hAdapter = HANDLE_AT(world, ADAPTER);
}

FILL(FlushHeapTransitions, D3DKMT_FLUSHHEAPTRANSITIONS)
{
    args->hAdapter = HANDLE_AT(world, ADAPTER);
}

FILL(IsFeatureEnabled, D3DKMT_ISFEATUREENABLED)
{
    args->hAdapter = HANDLE_AT(world, ADAPTER);
}

FILL(QueryStatistics, D3DKMT_QUERYSTATISTICS)
{
    args->AdapterLuid = world->luid;
}

FILL(EnumProcesses, D3DKMT_ENUMPROCESSES)
{
    args->AdapterLuid = world->luid;
    args->Buffer = place(world, 0);
    args->BufferCount = 16;
}

/* ---- devices, contexts, queues */

FILL(CreateDevice, D3DKMT_CREATEDEVICE)
{
    args->hAdapter = HANDLE_AT(world, ADAPTER);
}

FILL(DestroyDevice, D3DKMT_DESTROYDEVICE)
{
    args->hDevice = HANDLE_AT(world, OTHER_DEVICE);
}

FILL(GetDeviceState, D3DKMT_GETDEVICESTATE)
{
    args->hDevice = HANDLE_AT(world, DEVICE);
    args->StateType = D3DKMT_DEVICESTATE_PAGE_FAULT;
}

FILL(MarkDeviceAsError, D3DKMT_MARKDEVICEASERROR)
{
    args->hDevice = HANDLE_AT(world, OTHER_DEVICE);
}

FILL(CreateContextVirtual, D3DKMT_CREATECONTEXTVIRTUAL)
{
    args->hDevice = HANDLE_AT(world, DEVICE);
    args->EngineAffinity = 1;
    args->pPrivateDriverData = place(world, 0);
    args->PrivateDriverDataSize = 16;
}

FILL(DestroyContext, D3DKMT_DESTROYCONTEXT)
{
    args->hContext = HANDLE_AT(world, CONTEXT);
}

FILL(CreateHwQueue, D3DKMT_CREATEHWQUEUE)
{
    args->hHwContext = HANDLE_AT(world, HW_CONTEXT);
    args->pPrivateDriverData = place(world, 0);
    args->PrivateDriverDataSize = 16;
}

FILL(DestroyHwQueue, D3DKMT_DESTROYHWQUEUE)
{
    args->hHwQueue = HANDLE_AT(world, HW_QUEUE);
}

FILL(CreatePagingQueue, D3DKMT_CREATEPAGINGQUEUE)
{
    args->hDevice = HANDLE_AT(world, DEVICE);
    args->Priority = D3DDDI_PAGINGQUEUE_PRIORITY_NORMAL;
}

FILL(DestroyPagingQueue, D3DDDI_DESTROYPAGINGQUEUE)
{
    args->hPagingQueue = HANDLE_AT(world, PAGING_QUEUE);
}

FILL(SetContextSchedulingPriority, D3DKMT_SETCONTEXTSCHEDULINGPRIORITY)
{
    args->hContext = HANDLE_AT(world, CONTEXT);
}

FILL(SetContextInProcessSchedulingPriority, D3DKMT_SETCONTEXTINPROCESSSCHEDULINGPRIORITY)
{
    args->hContext = HANDLE_AT(world, CONTEXT);
}

FILL(GetContextSchedulingPriority, D3DKMT_GETCONTEXTSCHEDULINGPRIORITY)
{
    args->hContext = HANDLE_AT(world, CONTEXT);
}

FILL(GetContextInProcessSchedulingPriority, D3DKMT_GETCONTEXTINPROCESSSCHEDULINGPRIORITY)
{
    args->hContext = HANDLE_AT(world, CONTEXT);
}

/* ---- allocations */

FILL(CreateAllocation2, D3DKMT_CREATEALLOCATION)
{
    D3DDDI_ALLOCATIONINFO2 *info = place(world, 0);
    struct softgpu_allocation *data = place(world, 1);

    *data = softgpu_allocation_data(WORLD_PAGE, SOFTGPU_ALLOCATION_CPU_VISIBLE);
    info->pPrivateDriverData = data;
    info->PrivateDriverDataSize = sizeof(*data);
    args->hDevice = HANDLE_AT(world, DEVICE);
    args->hResource = HANDLE_AT(world, RESOURCE);
    args->pPrivateRuntimeData = place(world, 2);
    args->PrivateRuntimeDataSize = 8;
    args->NumAllocations = 1;
    args->pAllocationInfo2 = info;
}

FILL(DestroyAllocation2, D3DKMT_DESTROYALLOCATION2)
{
    args->hDevice = HANDLE_AT(world, DEVICE);
    args->phAllocationList = one_handle(world, 0, WORLD_MEMORY);
    args->AllocationCount = 1;
}

FILL(Lock2, D3DKMT_LOCK2)
{
    args->hDevice = HANDLE_AT(world, DEVICE);
    args->hAllocation = HANDLE_AT(world, ALLOCATION);
}

FILL(Unlock2, D3DKMT_UNLOCK2)
{
    args->hDevice = HANDLE_AT(world, DEVICE);
    args->hAllocation = HANDLE_AT(world, ALLOCATION);
}

FILL(InvalidateCache, D3DKMT_INVALIDATECACHE)
{
    args->hDevice = HANDLE_AT(world, DEVICE);
    args->hAllocation = HANDLE_AT(world, ALLOCATION);
    args->Length = WORLD_PAGE;
}

FILL(MakeResident, D3DDDI_MAKERESIDENT)
{
    args->hPagingQueue = HANDLE_AT(world, PAGING_QUEUE);
    args->NumAllocations = 1;
    args->AllocationList = one_handle(world, 0, WORLD_PART); /* commands run from the other */
}

FILL(Evict, D3DKMT_EVICT)
{
    args->hDevice = HANDLE_AT(world, DEVICE);
    args->NumAllocations = 1;
    args->AllocationList = one_handle(world, 0, WORLD_PART); /* commands run from the other */
}

FILL(OfferAllocations, D3DKMT_OFFERALLOCATIONS)
{
    args->hDevice = HANDLE_AT(world, DEVICE);
    args->NumAllocations = 1;
    args->Priority = D3DKMT_OFFER_PRIORITY_NORMAL;
    args->HandleList = one_handle(world, 0, WORLD_PART); /* the other is locked */
}

FILL(ReclaimAllocations2, D3DKMT_RECLAIMALLOCATIONS2)
{
    args->hPagingQueue = HANDLE_AT(world, PAGING_QUEUE);
    args->NumAllocations = 1;
    args->HandleList = one_handle(world, 0, WORLD_PART);
    args->pResults = place(world, 1);
}

FILL(QueryAllocationResidency, D3DKMT_QUERYALLOCATIONRESIDENCY)
{
    args->hDevice = HANDLE_AT(world, DEVICE);
    args->phAllocationList = one_handle(world, 0, WORLD_ALLOCATION);
    args->AllocationCount = 1;
    args->pResidencyStatus = place(world, 1);
}

FILL(UpdateAllocationProperty, D3DDDI_UPDATEALLOCPROPERTY)
{
    args->hPagingQueue = HANDLE_AT(world, PAGING_QUEUE);
    args->hAllocation = HANDLE_AT(world, ALLOCATION);
    args->SetPreferredSegment = 1;
    args->PreferredSegment.SegmentId0 = 1;
}

FILL(SetAllocationPriority, D3DKMT_SETALLOCATIONPRIORITY)
{
    args->hDevice = HANDLE_AT(world, DEVICE);
    args->phAllocationList = one_handle(world, 0, WORLD_ALLOCATION);
    args->AllocationCount = 1;
    args->pPriorities = place(world, 1);
}

FILL(GetAllocationPriority, D3DKMT_GETALLOCATIONPRIORITY)
{
    args->hDevice = HANDLE_AT(world, DEVICE);
    args->phAllocationList = one_handle(world, 0, WORLD_ALLOCATION);
    args->AllocationCount = 1;
    args->pPriorities = place(world, 1);
}

/* ---- GPU addresses, submission */

FILL(ReserveGpuVirtualAddress, D3DDDI_RESERVEGPUVIRTUALADDRESS)
{
    args->hAdapter = HANDLE_AT(world, ADAPTER);
    args->Size = WORLD_BUFFER;
}

FILL(FreeGpuVirtualAddress, D3DKMT_FREEGPUVIRTUALADDRESS)
{
    args->hAdapter = HANDLE_AT(world, ADAPTER);
    args->BaseAddress = world->reserved;
    args->Size = WORLD_BUFFER;
}

FILL(MapGpuVirtualAddress, D3DDDI_MAPGPUVIRTUALADDRESS)
{
    args->hPagingQueue = HANDLE_AT(world, PAGING_QUEUE);
    args->hAllocation = HANDLE_AT(world, ALLOCATION);
    args->SizeInPages = WORLD_BUFFER / WORLD_PAGE;
}

FILL(UpdateGpuVirtualAddress, D3DKMT_UPDATEGPUVIRTUALADDRESS)
{
    D3DDDI_UPDATEGPUVIRTUALADDRESS_OPERATION *operation = place(world, 0);

    operation->OperationType = D3DDDI_UPDATEGPUVIRTUALADDRESS_MAP;
    operation->Map.BaseAddress = world->reserved;
    operation->Map.SizeInBytes = WORLD_BUFFER;
    operation->Map.hAllocation = HANDLE_AT(world, ALLOCATION);
    operation->Map.AllocationSizeInBytes = WORLD_BUFFER;
    args->hDevice = HANDLE_AT(world, DEVICE);
    args->hContext = HANDLE_AT(world, CONTEXT);
    args->hFenceObject = HANDLE_AT(world, FENCE);
    args->NumOperations = 1;
    args->Operations = operation;
    args->FenceValue = ++world->next_value;
}

FILL(SubmitCommand, D3DKMT_SUBMITCOMMAND)
{
    args->Commands = world->address;
    args->CommandLength = world->command_size;
    args->BroadcastContextCount = 1;
    args->BroadcastContext[0] = HANDLE_AT(world, CONTEXT);
}

FILL(SubmitCommandToHwQueue, D3DKMT_SUBMITCOMMANDTOHWQUEUE)
{
    args->hHwQueue = HANDLE_AT(world, HW_QUEUE);
    args->HwQueueProgressFenceId = ++world->next_value;
    args->CommandBuffer = world->address;
    args->CommandLength = world->command_size;
}

/* ---- synchronization */

FILL(CreateSynchronizationObject2, D3DKMT_CREATESYNCHRONIZATIONOBJECT2)
{
    args->hDevice = HANDLE_AT(world, DEVICE);
    args->Info.Type = D3DDDI_CPU_NOTIFICATION;
    args->Info.CPUNotification.Event = (HANDLE)(intptr_t)world->event;
}

FILL(DestroySynchronizationObject, D3DKMT_DESTROYSYNCHRONIZATIONOBJECT)
{
    args->hSyncObject = HANDLE_AT(world, NOTIFICATION);
}

FILL(SignalSynchronizationObject2, D3DKMT_SIGNALSYNCHRONIZATIONOBJECT2)
{
    args->hContext = HANDLE_AT(world, CONTEXT);
    args->ObjectCount = 0;
    args->Flags.EnqueueCpuEvent = 1;
    args->CpuEventHandle = (HANDLE)(intptr_t)world->event;
}

FILL(SignalSynchronizationObjectFromCpu, D3DKMT_SIGNALSYNCHRONIZATIONOBJECTFROMCPU)
{
    args->hDevice = HANDLE_AT(world, DEVICE);
    args->ObjectCount = 1;
    args->ObjectHandleArray = one_handle(world, 0, WORLD_FENCE);
    args->FenceValueArray = one_value(world, 1, ++world->next_value);
}

FILL(SignalSynchronizationObjectFromGpu, D3DKMT_SIGNALSYNCHRONIZATIONOBJECTFROMGPU)
{
    args->hContext = HANDLE_AT(world, CONTEXT);
    args->ObjectCount = 1;
    args->ObjectHandleArray = one_handle(world, 0, WORLD_FENCE);
    args->MonitoredFenceValueArray = one_value(world, 1, ++world->next_value);
}

FILL(SignalSynchronizationObjectFromGpu2, D3DKMT_SIGNALSYNCHRONIZATIONOBJECTFROMGPU2)
{
    args->BroadcastContextCount = 1;
    args->BroadcastContextArray = one_handle(world, 0, WORLD_CONTEXT);
    args->ObjectCount = 1;
    args->ObjectHandleArray = one_handle(world, 1, WORLD_FENCE);
    args->MonitoredFenceValueArray = one_value(world, 2, ++world->next_value);
}

FILL(SubmitSignalSyncObjectsToHwQueue, D3DKMT_SUBMITSIGNALSYNCOBJECTSTOHWQUEUE)
{
    args->BroadcastHwQueueCount = 1;
    args->BroadcastHwQueueArray = one_handle(world, 0, WORLD_HW_QUEUE);
    args->ObjectCount = 1;
    args->ObjectHandleArray = one_handle(world, 1, WORLD_FENCE);
    args->FenceValueArray = one_value(world, 2, ++world->next_value);
}

FILL(WaitForSynchronizationObject2, D3DKMT_WAITFORSYNCHRONIZATIONOBJECT2)
{
    args->hContext = HANDLE_AT(world, CONTEXT);
    args->ObjectCount = 1;
    args->ObjectHandleArray[0] = HANDLE_AT(world, LEGACY_FENCE);
}

FILL(WaitForSynchronizationObjectFromCpu, D3DKMT_WAITFORSYNCHRONIZATIONOBJECTFROMCPU)
{
    args->hDevice = HANDLE_AT(world, DEVICE);
    args->ObjectCount = 1;
    args->ObjectHandleArray = one_handle(world, 0, WORLD_FENCE);
    args->FenceValueArray = one_value(world, 1, 0);
    args->hAsyncEvent = (HANDLE)(intptr_t)world->event;
}

FILL(WaitForSynchronizationObjectFromGpu, D3DKMT_WAITFORSYNCHRONIZATIONOBJECTFROMGPU)
{
    args->hContext = HANDLE_AT(world, CONTEXT);
    args->ObjectCount = 1;
    args->ObjectHandleArray = one_handle(world, 0, WORLD_FENCE);
    args->MonitoredFenceValueArray = one_value(world, 1, 0);
}

FILL(SubmitWaitForSyncObjectsToHwQueue, D3DKMT_SUBMITWAITFORSYNCOBJECTSTOHWQUEUE)
{
    args->hHwQueue = HANDLE_AT(world, HW_QUEUE);
    args->ObjectCount = 1;
    args->ObjectHandleArray = one_handle(world, 0, WORLD_FENCE);
    args->FenceValueArray = one_value(world, 1, 0);
}

/* ---- sharing */

#define DESCRIPTOR_AT(world, name) ((world)->descriptors[WORLD_##name])

FILL(ShareObjects, D3DKMT_SHAREOBJECTS)
{
    args->ObjectCount = 1;
    args->ObjectHandleArray = one_handle(world, 0, WORLD_SHARED_FENCE);
    args->pSharedNtHandle = place(world, 1);
}

FILL(ShareObjectWithHost, D3DKMT_SHAREOBJECTWITHHOST)
{
    args->hDevice = HANDLE_AT(world, DEVICE);
    args->hObject = HANDLE_AT(world, SHARED_FENCE);
}

FILL(OpenSyncObjectFromNtHandle2, D3DKMT_OPENSYNCOBJECTFROMNTHANDLE2)
{
    args->hNtHandle = (HANDLE)(intptr_t)DESCRIPTOR_AT(world, FENCE_DESCRIPTOR);
    args->hDevice = HANDLE_AT(world, DEVICE);
}

FILL(QueryResourceInfoFromNtHandle, D3DKMT_QUERYRESOURCEINFOFROMNTHANDLE)
{
    args->hDevice = HANDLE_AT(world, DEVICE);
    args->hNtHandle = (HANDLE)(intptr_t)DESCRIPTOR_AT(world, RESOURCE_DESCRIPTOR);
}

FILL(OpenResourceFromNtHandle, D3DKMT_OPENRESOURCEFROMNTHANDLE)
{
    args->hDevice = HANDLE_AT(world, DEVICE);
    args->hNtHandle = (HANDLE)(intptr_t)DESCRIPTOR_AT(world, RESOURCE_DESCRIPTOR);
    args->NumAllocations = 1;
    args->pOpenAllocationInfo2 = place(world, 0);
    args->pPrivateRuntimeData = place(world, 1);
    args->PrivateRuntimeDataSize = WORLD_RUNTIME_DATA;
    args->pTotalPrivateDriverDataBuffer = place(world, 2);
    args->TotalPrivateDriverDataBufferSize = sizeof(struct softgpu_allocation);
}

FILL(OpenSynchronizationObject, D3DKMT_OPENSYNCHRONIZATIONOBJECT)
{
    args->hSharedHandle = HANDLE_AT(world, GLOBAL_FENCE);
}

FILL(GetSharedResourceAdapterLuid, D3DKMT_GETSHAREDRESOURCEADAPTERLUID)
{
    args->hNtHandle = (HANDLE)(intptr_t)DESCRIPTOR_AT(world, RESOURCE_DESCRIPTOR);
}

/* ---- sync files */

FILL(CreateSyncFile, D3DKMT_CREATESYNCFILE)
{
    args->hDevice = HANDLE_AT(world, DEVICE);
    args->hMonitoredFence = HANDLE_AT(world, FENCE);
    args->FenceValue = 1;
}

FILL(WaitSyncFile, D3DKMT_WAITSYNCFILE)
{
    args->hSyncFile = (UINT64)DESCRIPTOR_AT(world, SYNC_FILE);
    args->hContext = HANDLE_AT(world, CONTEXT);
}

FILL(OpenSyncObjectFromSyncFile, D3DKMT_OPENSYNCOBJECTFROMSYNCFILE)
{
    args->hSyncFile = (UINT64)DESCRIPTOR_AT(world, SYNC_FILE);
    args->hDevice = HANDLE_AT(world, DEVICE);
}
