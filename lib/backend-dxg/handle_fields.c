/* SPDX-License-Identifier: MIT */
#include "backend-dxg/handle_fields.h"

#include <stddef.h>

#define ADAPTER    HANDLE_BIT(ADAPTER)
#define DEVICE     HANDLE_BIT(DEVICE)
#define CONTEXT    HANDLE_BIT(CONTEXT)
#define HW_QUEUE   HANDLE_BIT(HW_QUEUE)
#define PAGING     HANDLE_BIT(PAGING_QUEUE)
#define RESOURCE   HANDLE_BIT(RESOURCE)
#define ALLOCATION HANDLE_BIT(ALLOCATION)
#define SYNC       HANDLE_BIT(SYNC_OBJECT)
#define ANY_FENCE  (SYNC | HANDLE_BIT(QUEUE_FENCE))

#define FIELD(role, type, member, count, types)                                                    \
    {                                                                                              \
        role, #member, offsetof(type, member), offsetof(type, count), types                        \
    }
#define ONE(type, member, types)           FIELD(FIELD_ONE, type, member, member, types)
#define OPTIONAL(type, member, types)      FIELD(FIELD_OPTIONAL, type, member, member, types)
#define END(type, member, types)           FIELD(FIELD_END, type, member, member, types)
#define NEW(type, member, types)           FIELD(FIELD_NEW, type, member, member, types)
#define FENCE(type, member)                FIELD(FIELD_FENCE, type, member, member, HANDLE_BIT(QUEUE_FENCE))
#define MANY(type, member, count, types)   FIELD(FIELD_MANY, type, member, count, types)
#define INLINE(type, member, count, types) FIELD(FIELD_INLINE, type, member, count, types)
#define ROW(op, ...)                                                                               \
    {                                                                                              \
        D3DKMT_OP_##op,                                                                            \
        {                                                                                          \
            __VA_ARGS__                                                                            \
        }                                                                                          \
    }

/* Lists that calls make, and what DestroyAllocation2 ends, are handles.c's affair. */
const struct op_handles op_handles[] = {
    ROW(OpenAdapterFromLuid, NEW(D3DKMT_OPENADAPTERFROMLUID, hAdapter, ADAPTER)),
    ROW(CloseAdapter, END(D3DKMT_CLOSEADAPTER, hAdapter, ADAPTER)),
    ROW(QueryAdapterInfo, ONE(D3DKMT_QUERYADAPTERINFO, hAdapter, ADAPTER)),
    ROW(QueryVideoMemoryInfo, ONE(D3DKMT_QUERYVIDEOMEMORYINFO, hAdapter, ADAPTER)),
    ROW(ChangeVideoMemoryReservation, ONE(D3DKMT_CHANGEVIDEOMEMORYRESERVATION, hAdapter, ADAPTER)),
    ROW(QueryClockCalibration, ONE(D3DKMT_QUERYCLOCKCALIBRATION, hAdapter, ADAPTER)),
    ROW(FlushHeapTransitions, ONE(D3DKMT_FLUSHHEAPTRANSITIONS, hAdapter, ADAPTER)),
    ROW(IsFeatureEnabled, ONE(D3DKMT_ISFEATUREENABLED, hAdapter, ADAPTER)),
    ROW(Escape, ONE(D3DKMT_ESCAPE, hAdapter, ADAPTER), OPTIONAL(D3DKMT_ESCAPE, hDevice, DEVICE),
        OPTIONAL(D3DKMT_ESCAPE, hContext, CONTEXT)),
    ROW(CreateDevice, ONE(D3DKMT_CREATEDEVICE, hAdapter, ADAPTER),
        NEW(D3DKMT_CREATEDEVICE, hDevice, DEVICE)),
    ROW(DestroyDevice, END(D3DKMT_DESTROYDEVICE, hDevice, DEVICE)),
    ROW(GetDeviceState, ONE(D3DKMT_GETDEVICESTATE, hDevice, DEVICE)),
    ROW(MarkDeviceAsError, ONE(D3DKMT_MARKDEVICEASERROR, hDevice, DEVICE)),
    ROW(CreateContextVirtual, ONE(D3DKMT_CREATECONTEXTVIRTUAL, hDevice, DEVICE),
        NEW(D3DKMT_CREATECONTEXTVIRTUAL, hContext, CONTEXT)),
    ROW(DestroyContext, END(D3DKMT_DESTROYCONTEXT, hContext, CONTEXT)),
    ROW(CreateHwQueue, ONE(D3DKMT_CREATEHWQUEUE, hHwContext, CONTEXT),
        NEW(D3DKMT_CREATEHWQUEUE, hHwQueue, HW_QUEUE),
        FENCE(D3DKMT_CREATEHWQUEUE, hHwQueueProgressFence)),
    ROW(DestroyHwQueue, END(D3DKMT_DESTROYHWQUEUE, hHwQueue, HW_QUEUE)),
    ROW(CreatePagingQueue, ONE(D3DKMT_CREATEPAGINGQUEUE, hDevice, DEVICE),
        NEW(D3DKMT_CREATEPAGINGQUEUE, hPagingQueue, PAGING),
        FENCE(D3DKMT_CREATEPAGINGQUEUE, hSyncObject)),
    ROW(DestroyPagingQueue, END(D3DDDI_DESTROYPAGINGQUEUE, hPagingQueue, PAGING)),
    ROW(SetContextSchedulingPriority, ONE(D3DKMT_SETCONTEXTSCHEDULINGPRIORITY, hContext, CONTEXT)),
    ROW(SetContextInProcessSchedulingPriority,
        ONE(D3DKMT_SETCONTEXTINPROCESSSCHEDULINGPRIORITY, hContext, CONTEXT)),
    ROW(GetContextSchedulingPriority, ONE(D3DKMT_GETCONTEXTSCHEDULINGPRIORITY, hContext, CONTEXT)),
    ROW(GetContextInProcessSchedulingPriority,
        ONE(D3DKMT_GETCONTEXTINPROCESSSCHEDULINGPRIORITY, hContext, CONTEXT)),
    ROW(CreateAllocation2, ONE(D3DKMT_CREATEALLOCATION, hDevice, DEVICE),
        OPTIONAL(D3DKMT_CREATEALLOCATION, hResource, RESOURCE)),
    ROW(DestroyAllocation2, ONE(D3DKMT_DESTROYALLOCATION2, hDevice, DEVICE),
        OPTIONAL(D3DKMT_DESTROYALLOCATION2, hResource, RESOURCE),
        MANY(D3DKMT_DESTROYALLOCATION2, phAllocationList, AllocationCount, ALLOCATION)),
    ROW(Lock2, ONE(D3DKMT_LOCK2, hAllocation, ALLOCATION), ONE(D3DKMT_LOCK2, hDevice, DEVICE)),
    ROW(Unlock2, ONE(D3DKMT_UNLOCK2, hAllocation, ALLOCATION),
        ONE(D3DKMT_UNLOCK2, hDevice, DEVICE)),
    ROW(InvalidateCache, ONE(D3DKMT_INVALIDATECACHE, hDevice, DEVICE),
        ONE(D3DKMT_INVALIDATECACHE, hAllocation, ALLOCATION)),
    ROW(MakeResident, ONE(D3DDDI_MAKERESIDENT, hPagingQueue, PAGING),
        MANY(D3DDDI_MAKERESIDENT, AllocationList, NumAllocations, ALLOCATION)),
    ROW(Evict, ONE(D3DKMT_EVICT, hDevice, DEVICE),
        MANY(D3DKMT_EVICT, AllocationList, NumAllocations, ALLOCATION)),
    ROW(OfferAllocations, ONE(D3DKMT_OFFERALLOCATIONS, hDevice, DEVICE),
        MANY(D3DKMT_OFFERALLOCATIONS, pResources, NumAllocations, RESOURCE),
        MANY(D3DKMT_OFFERALLOCATIONS, HandleList, NumAllocations, ALLOCATION)),
    ROW(ReclaimAllocations2, ONE(D3DKMT_RECLAIMALLOCATIONS2, hPagingQueue, PAGING),
        MANY(D3DKMT_RECLAIMALLOCATIONS2, pResources, NumAllocations, RESOURCE),
        MANY(D3DKMT_RECLAIMALLOCATIONS2, HandleList, NumAllocations, ALLOCATION)),
    ROW(QueryAllocationResidency, ONE(D3DKMT_QUERYALLOCATIONRESIDENCY, hDevice, DEVICE),
        OPTIONAL(D3DKMT_QUERYALLOCATIONRESIDENCY, hResource, RESOURCE),
        MANY(D3DKMT_QUERYALLOCATIONRESIDENCY, phAllocationList, AllocationCount, ALLOCATION)),
    ROW(UpdateAllocationProperty, ONE(D3DDDI_UPDATEALLOCPROPERTY, hPagingQueue, PAGING),
        ONE(D3DDDI_UPDATEALLOCPROPERTY, hAllocation, ALLOCATION)),
    ROW(SetAllocationPriority, ONE(D3DKMT_SETALLOCATIONPRIORITY, hDevice, DEVICE),
        OPTIONAL(D3DKMT_SETALLOCATIONPRIORITY, hResource, RESOURCE),
        MANY(D3DKMT_SETALLOCATIONPRIORITY, phAllocationList, AllocationCount, ALLOCATION)),
    ROW(GetAllocationPriority, ONE(D3DKMT_GETALLOCATIONPRIORITY, hDevice, DEVICE),
        OPTIONAL(D3DKMT_GETALLOCATIONPRIORITY, hResource, RESOURCE),
        MANY(D3DKMT_GETALLOCATIONPRIORITY, phAllocationList, AllocationCount, ALLOCATION)),
    ROW(ReserveGpuVirtualAddress, ONE(D3DDDI_RESERVEGPUVIRTUALADDRESS, hAdapter, ADAPTER | PAGING)),
    ROW(FreeGpuVirtualAddress, ONE(D3DKMT_FREEGPUVIRTUALADDRESS, hAdapter, ADAPTER)),
    ROW(MapGpuVirtualAddress, ONE(D3DDDI_MAPGPUVIRTUALADDRESS, hPagingQueue, PAGING),
        OPTIONAL(D3DDDI_MAPGPUVIRTUALADDRESS, hAllocation, ALLOCATION)),
    ROW(UpdateGpuVirtualAddress, ONE(D3DKMT_UPDATEGPUVIRTUALADDRESS, hDevice, DEVICE),
        ONE(D3DKMT_UPDATEGPUVIRTUALADDRESS, hContext, CONTEXT),
        ONE(D3DKMT_UPDATEGPUVIRTUALADDRESS, hFenceObject, ANY_FENCE)),
    ROW(SubmitCommand,
        INLINE(D3DKMT_SUBMITCOMMAND, BroadcastContext, BroadcastContextCount, CONTEXT)),
    ROW(SubmitCommandToHwQueue, ONE(D3DKMT_SUBMITCOMMANDTOHWQUEUE, hHwQueue, HW_QUEUE)),
    ROW(CreateSynchronizationObject2, ONE(D3DKMT_CREATESYNCHRONIZATIONOBJECT2, hDevice, DEVICE),
        NEW(D3DKMT_CREATESYNCHRONIZATIONOBJECT2, hSyncObject, SYNC)),
    ROW(DestroySynchronizationObject, END(D3DKMT_DESTROYSYNCHRONIZATIONOBJECT, hSyncObject, SYNC)),
    ROW(SignalSynchronizationObject2, ONE(D3DKMT_SIGNALSYNCHRONIZATIONOBJECT2, hContext, CONTEXT),
        INLINE(D3DKMT_SIGNALSYNCHRONIZATIONOBJECT2, ObjectHandleArray, ObjectCount, ANY_FENCE)),
    ROW(SignalSynchronizationObjectFromCpu,
        ONE(D3DKMT_SIGNALSYNCHRONIZATIONOBJECTFROMCPU, hDevice, DEVICE),
        MANY(D3DKMT_SIGNALSYNCHRONIZATIONOBJECTFROMCPU, ObjectHandleArray, ObjectCount, ANY_FENCE)),
    ROW(SignalSynchronizationObjectFromGpu,
        ONE(D3DKMT_SIGNALSYNCHRONIZATIONOBJECTFROMGPU, hContext, CONTEXT),
        MANY(D3DKMT_SIGNALSYNCHRONIZATIONOBJECTFROMGPU, ObjectHandleArray, ObjectCount, ANY_FENCE)),
    ROW(SignalSynchronizationObjectFromGpu2,
        MANY(D3DKMT_SIGNALSYNCHRONIZATIONOBJECTFROMGPU2, BroadcastContextArray,
             BroadcastContextCount, CONTEXT),
        MANY(D3DKMT_SIGNALSYNCHRONIZATIONOBJECTFROMGPU2, ObjectHandleArray, ObjectCount,
             ANY_FENCE)),
    ROW(SubmitSignalSyncObjectsToHwQueue,
        MANY(D3DKMT_SUBMITSIGNALSYNCOBJECTSTOHWQUEUE, BroadcastHwQueueArray, BroadcastHwQueueCount,
             HW_QUEUE),
        MANY(D3DKMT_SUBMITSIGNALSYNCOBJECTSTOHWQUEUE, ObjectHandleArray, ObjectCount, ANY_FENCE)),
    ROW(WaitForSynchronizationObject2, ONE(D3DKMT_WAITFORSYNCHRONIZATIONOBJECT2, hContext, CONTEXT),
        INLINE(D3DKMT_WAITFORSYNCHRONIZATIONOBJECT2, ObjectHandleArray, ObjectCount, ANY_FENCE)),
    ROW(WaitForSynchronizationObjectFromCpu,
        ONE(D3DKMT_WAITFORSYNCHRONIZATIONOBJECTFROMCPU, hDevice, DEVICE),
        MANY(D3DKMT_WAITFORSYNCHRONIZATIONOBJECTFROMCPU, ObjectHandleArray, ObjectCount,
             ANY_FENCE)),
    ROW(WaitForSynchronizationObjectFromGpu,
        ONE(D3DKMT_WAITFORSYNCHRONIZATIONOBJECTFROMGPU, hContext, CONTEXT),
        MANY(D3DKMT_WAITFORSYNCHRONIZATIONOBJECTFROMGPU, ObjectHandleArray, ObjectCount,
             ANY_FENCE)),
    ROW(SubmitWaitForSyncObjectsToHwQueue,
        ONE(D3DKMT_SUBMITWAITFORSYNCOBJECTSTOHWQUEUE, hHwQueue, HW_QUEUE),
        MANY(D3DKMT_SUBMITWAITFORSYNCOBJECTSTOHWQUEUE, ObjectHandleArray, ObjectCount, ANY_FENCE)),
    ROW(ShareObjects, MANY(D3DKMT_SHAREOBJECTS, ObjectHandleArray, ObjectCount,
                           SYNC | RESOURCE | HANDLE_BIT_SHAREABLE)),
    ROW(ShareObjectWithHost, ONE(D3DKMT_SHAREOBJECTWITHHOST, hDevice, DEVICE),
        ONE(D3DKMT_SHAREOBJECTWITHHOST, hObject, SYNC | RESOURCE)),
    ROW(OpenSyncObjectFromNtHandle2, ONE(D3DKMT_OPENSYNCOBJECTFROMNTHANDLE2, hDevice, DEVICE),
        NEW(D3DKMT_OPENSYNCOBJECTFROMNTHANDLE2, hSyncObject, SYNC)),
    ROW(QueryResourceInfoFromNtHandle, ONE(D3DKMT_QUERYRESOURCEINFOFROMNTHANDLE, hDevice, DEVICE)),
    ROW(OpenResourceFromNtHandle, ONE(D3DKMT_OPENRESOURCEFROMNTHANDLE, hDevice, DEVICE),
        NEW(D3DKMT_OPENRESOURCEFROMNTHANDLE, hResource, RESOURCE)),
    ROW(CreateSyncFile, ONE(D3DKMT_CREATESYNCFILE, hDevice, DEVICE),
        ONE(D3DKMT_CREATESYNCFILE, hMonitoredFence, SYNC | HANDLE_BIT_MONITORED)),
    ROW(WaitSyncFile, ONE(D3DKMT_WAITSYNCFILE, hContext, CONTEXT)),
    ROW(OpenSyncObjectFromSyncFile, ONE(D3DKMT_OPENSYNCOBJECTFROMSYNCFILE, hDevice, DEVICE),
        NEW(D3DKMT_OPENSYNCOBJECTFROMSYNCFILE, hSyncObject, SYNC)),
};
const size_t op_handles_count = sizeof(op_handles) / sizeof(op_handles[0]);
