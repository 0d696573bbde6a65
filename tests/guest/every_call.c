/* SPDX-License-Identifier: MIT */
/* Every operation that the guest engine has, with right arguments and what may be wrong in them. */
#include "guest/every_call_fill.h"

#include <string.h>
#include <unistd.h>

#define BIT(object)    ((uint64_t)1 << WORLD_##object)
#define ANY_ALLOCATION (BIT(ALLOCATION) | BIT(MEMORY) | BIT(PART) | BIT(SHARED_PART))
#define ANY_DEVICE     (BIT(DEVICE) | BIT(OTHER_DEVICE))
#define ANY_CONTEXT    (BIT(CONTEXT) | BIT(HW_CONTEXT))
/* Hosts let programs signal whatever has a value, also the fences of queues. */
#define ANY_FENCE                                                                                  \
    (BIT(FENCE) | BIT(SHARED_FENCE) | BIT(LEGACY_FENCE) | BIT(NOTIFICATION) | BIT(PAGING_FENCE) |  \
     BIT(PROGRESS_FENCE))
#define ANY_OWN_FENCE (BIT(FENCE) | BIT(SHARED_FENCE) | BIT(LEGACY_FENCE) | BIT(NOTIFICATION))
#define ANY_SHARED    (BIT(SHARED_FENCE) | BIT(SHARED_RESOURCE))

/* ---- the table */

#define AT(type, member) (uint16_t) offsetof(type, member), (uint16_t)sizeof(((type *)0)->member)
#define HANDLE(type, member, accepts)                                                              \
    {                                                                                              \
        FIELD_HANDLE, #member, AT(type, member), accepts, 0, 0                                     \
    }
#define HANDLE_FOR_HOST(type, member, accepts)                                                     \
    {                                                                                              \
        FIELD_HANDLE_FOR_HOST, #member, AT(type, member), accepts, 0, 0                            \
    }
#define LIST(type, member, accepts)                                                                \
    {                                                                                              \
        FIELD_LIST, #member, AT(type, member), accepts, 0, 0                                       \
    }
#define LIST_FOR_HOST(type, member, accepts)                                                       \
    {                                                                                              \
        FIELD_LIST_FOR_HOST, #member, AT(type, member), accepts, 0, 0                              \
    }
#define READS(type, member)                                                                        \
    {                                                                                              \
        FIELD_IN, #member, AT(type, member), 0, 0, 0                                               \
    }
#define WRITES(type, member)                                                                       \
    {                                                                                              \
        FIELD_OUT, #member, AT(type, member), 0, 0, 0                                              \
    }
#define COUNT(type, member, from, to)                                                              \
    {                                                                                              \
        FIELD_COUNT, #member, AT(type, member), 0, from, to                                        \
    }
#define EVENT(type, member)                                                                        \
    {                                                                                              \
        FIELD_EVENT, #member, AT(type, member), 0, 0, 0                                            \
    }
#define DESCRIPTOR(type, member, accepts)                                                          \
    {                                                                                              \
        FIELD_DESCRIPTOR, #member, AT(type, member), (uint64_t)1 << (accepts), 0, 0                \
    }
#define RESULT(type, member)                                                                       \
    {                                                                                              \
        FIELD_RESULT, #member, AT(type, member), 0, 0, 0                                           \
    }

#define CALL(op, type, flags, ...)                                                                 \
    {D3DKMT_OP_##op, #op, flags, sizeof(type), world_fill_##op, {__VA_ARGS__}},

/* X(operation, argument struct, flags, arguments...) */
#define CALLS(X)                                                                                   \
    X(OpenAdapterFromLuid, D3DKMT_OPENADAPTERFROMLUID, CALL_CREATES,                               \
      RESULT(D3DKMT_OPENADAPTERFROMLUID, hAdapter))                                                \
    X(EnumAdapters2, D3DKMT_ENUMADAPTERS2, CALL_CREATES, WRITES(D3DKMT_ENUMADAPTERS2, pAdapters),  \
      COUNT(D3DKMT_ENUMADAPTERS2, NumAdapters, 1, 64))                                             \
    X(EnumAdapters3, D3DKMT_ENUMADAPTERS3, CALL_CREATES, WRITES(D3DKMT_ENUMADAPTERS3, pAdapters),  \
      COUNT(D3DKMT_ENUMADAPTERS3, NumAdapters, 0, 65535))                                          \
    X(CloseAdapter, D3DKMT_CLOSEADAPTER, CALL_DESTROYS,                                            \
      HANDLE(D3DKMT_CLOSEADAPTER, hAdapter, BIT(ADAPTER) | BIT(NOTHING)))                          \
    X(QueryAdapterInfo, D3DKMT_QUERYADAPTERINFO, 0,                                                \
      HANDLE(D3DKMT_QUERYADAPTERINFO, hAdapter, BIT(ADAPTER)),                                     \
      WRITES(D3DKMT_QUERYADAPTERINFO, pPrivateDriverData),                                         \
      COUNT(D3DKMT_QUERYADAPTERINFO, PrivateDriverDataSize, 1, 131072))                            \
    X(QueryVideoMemoryInfo, D3DKMT_QUERYVIDEOMEMORYINFO, 0,                                        \
      HANDLE(D3DKMT_QUERYVIDEOMEMORYINFO, hAdapter, BIT(ADAPTER)),                                 \
      RESULT(D3DKMT_QUERYVIDEOMEMORYINFO, Budget))                                                 \
    X(ChangeVideoMemoryReservation, D3DKMT_CHANGEVIDEOMEMORYRESERVATION, 0,                        \
      HANDLE(D3DKMT_CHANGEVIDEOMEMORYRESERVATION, hAdapter, BIT(ADAPTER)))                         \
    X(Escape, D3DKMT_ESCAPE, 0, HANDLE(D3DKMT_ESCAPE, hAdapter, BIT(ADAPTER)),                     \
      HANDLE_FOR_HOST(D3DKMT_ESCAPE, hDevice, ANY_DEVICE | BIT(NOTHING)),                          \
      WRITES(D3DKMT_ESCAPE, pPrivateDriverData),                                                   \
      COUNT(D3DKMT_ESCAPE, PrivateDriverDataSize, 0, 131072))                                      \
    X(QueryClockCalibration, D3DKMT_QUERYCLOCKCALIBRATION, 0,                                      \
      HANDLE(D3DKMT_QUERYCLOCKCALIBRATION, hAdapter, BIT(ADAPTER)),                                \
      RESULT(D3DKMT_QUERYCLOCKCALIBRATION, ClockData))                                             \
    X(FlushHeapTransitions, D3DKMT_FLUSHHEAPTRANSITIONS, 0,                                        \
      HANDLE(D3DKMT_FLUSHHEAPTRANSITIONS, hAdapter, BIT(ADAPTER)))                                 \
    X(IsFeatureEnabled, D3DKMT_ISFEATUREENABLED, 0,                                                \
      HANDLE(D3DKMT_ISFEATUREENABLED, hAdapter, BIT(ADAPTER)),                                     \
      RESULT(D3DKMT_ISFEATUREENABLED, Result))                                                     \
    X(QueryStatistics, D3DKMT_QUERYSTATISTICS, 0, {FIELD_END, NULL, 0, 0, 0, 0, 0})                \
    X(EnumProcesses, D3DKMT_ENUMPROCESSES, 0, RESULT(D3DKMT_ENUMPROCESSES, BufferCount))           \
    X(CreateDevice, D3DKMT_CREATEDEVICE, CALL_CREATES,                                             \
      HANDLE(D3DKMT_CREATEDEVICE, hAdapter, BIT(ADAPTER)), RESULT(D3DKMT_CREATEDEVICE, hDevice))   \
    X(DestroyDevice, D3DKMT_DESTROYDEVICE, CALL_DESTROYS,                                          \
      HANDLE(D3DKMT_DESTROYDEVICE, hDevice, ANY_DEVICE))                                           \
    X(GetDeviceState, D3DKMT_GETDEVICESTATE, 0,                                                    \
      HANDLE(D3DKMT_GETDEVICESTATE, hDevice, ANY_DEVICE))                                          \
    X(MarkDeviceAsError, D3DKMT_MARKDEVICEASERROR, CALL_DESTROYS,                                  \
      HANDLE(D3DKMT_MARKDEVICEASERROR, hDevice, ANY_DEVICE))                                       \
    X(CreateContextVirtual, D3DKMT_CREATECONTEXTVIRTUAL, CALL_CREATES,                             \
      HANDLE(D3DKMT_CREATECONTEXTVIRTUAL, hDevice, ANY_DEVICE),                                    \
      WRITES(D3DKMT_CREATECONTEXTVIRTUAL, pPrivateDriverData),                                     \
      COUNT(D3DKMT_CREATECONTEXTVIRTUAL, PrivateDriverDataSize, 0, 131072),                        \
      RESULT(D3DKMT_CREATECONTEXTVIRTUAL, hContext))                                               \
    X(DestroyContext, D3DKMT_DESTROYCONTEXT, CALL_DESTROYS,                                        \
      HANDLE(D3DKMT_DESTROYCONTEXT, hContext, ANY_CONTEXT))                                        \
    X(CreateHwQueue, D3DKMT_CREATEHWQUEUE, CALL_CREATES,                                           \
      HANDLE(D3DKMT_CREATEHWQUEUE, hHwContext, BIT(CONTEXT) | BIT(HW_CONTEXT)),                    \
      WRITES(D3DKMT_CREATEHWQUEUE, pPrivateDriverData),                                            \
      COUNT(D3DKMT_CREATEHWQUEUE, PrivateDriverDataSize, 0, 131072),                               \
      RESULT(D3DKMT_CREATEHWQUEUE, hHwQueue))                                                      \
    X(DestroyHwQueue, D3DKMT_DESTROYHWQUEUE, CALL_DESTROYS,                                        \
      HANDLE(D3DKMT_DESTROYHWQUEUE, hHwQueue, BIT(HW_QUEUE)))                                      \
    X(CreatePagingQueue, D3DKMT_CREATEPAGINGQUEUE, CALL_CREATES,                                   \
      HANDLE(D3DKMT_CREATEPAGINGQUEUE, hDevice, ANY_DEVICE),                                       \
      RESULT(D3DKMT_CREATEPAGINGQUEUE, hPagingQueue))                                              \
    X(DestroyPagingQueue, D3DDDI_DESTROYPAGINGQUEUE, CALL_DESTROYS,                                \
      HANDLE(D3DDDI_DESTROYPAGINGQUEUE, hPagingQueue, BIT(PAGING_QUEUE)))                          \
    X(SetContextSchedulingPriority, D3DKMT_SETCONTEXTSCHEDULINGPRIORITY, 0,                        \
      HANDLE(D3DKMT_SETCONTEXTSCHEDULINGPRIORITY, hContext, ANY_CONTEXT))                          \
    X(SetContextInProcessSchedulingPriority, D3DKMT_SETCONTEXTINPROCESSSCHEDULINGPRIORITY, 0,      \
      HANDLE(D3DKMT_SETCONTEXTINPROCESSSCHEDULINGPRIORITY, hContext, ANY_CONTEXT))                 \
    X(GetContextSchedulingPriority, D3DKMT_GETCONTEXTSCHEDULINGPRIORITY, 0,                        \
      HANDLE(D3DKMT_GETCONTEXTSCHEDULINGPRIORITY, hContext, ANY_CONTEXT),                          \
      RESULT(D3DKMT_GETCONTEXTSCHEDULINGPRIORITY, Priority))                                       \
    X(GetContextInProcessSchedulingPriority, D3DKMT_GETCONTEXTINPROCESSSCHEDULINGPRIORITY, 0,      \
      HANDLE(D3DKMT_GETCONTEXTINPROCESSSCHEDULINGPRIORITY, hContext, ANY_CONTEXT))                 \
    X(CreateAllocation2, D3DKMT_CREATEALLOCATION, CALL_CREATES,                                    \
      HANDLE(D3DKMT_CREATEALLOCATION, hDevice, ANY_DEVICE),                                        \
      HANDLE(D3DKMT_CREATEALLOCATION, hResource,                                                   \
             BIT(RESOURCE) | BIT(SHARED_RESOURCE) | BIT(NOTHING)),                                 \
      READS(D3DKMT_CREATEALLOCATION, pPrivateRuntimeData),                                         \
      WRITES(D3DKMT_CREATEALLOCATION, pAllocationInfo2),                                           \
      COUNT(D3DKMT_CREATEALLOCATION, NumAllocations, 1, 1024))                                     \
    X(DestroyAllocation2, D3DKMT_DESTROYALLOCATION2, CALL_DESTROYS,                                \
      HANDLE(D3DKMT_DESTROYALLOCATION2, hDevice, ANY_DEVICE),                                      \
      LIST(D3DKMT_DESTROYALLOCATION2, phAllocationList, ANY_ALLOCATION),                           \
      COUNT(D3DKMT_DESTROYALLOCATION2, AllocationCount, 0, 1024))                                  \
    X(Lock2, D3DKMT_LOCK2, 0, HANDLE(D3DKMT_LOCK2, hAllocation, ANY_ALLOCATION),                   \
      HANDLE(D3DKMT_LOCK2, hDevice, ANY_DEVICE), RESULT(D3DKMT_LOCK2, pData))                      \
    X(Unlock2, D3DKMT_UNLOCK2, 0, HANDLE(D3DKMT_UNLOCK2, hAllocation, ANY_ALLOCATION),             \
      HANDLE(D3DKMT_UNLOCK2, hDevice, ANY_DEVICE))                                                 \
    X(InvalidateCache, D3DKMT_INVALIDATECACHE, 0,                                                  \
      HANDLE(D3DKMT_INVALIDATECACHE, hDevice, ANY_DEVICE),                                         \
      HANDLE_FOR_HOST(D3DKMT_INVALIDATECACHE, hAllocation, ANY_ALLOCATION))                        \
    X(MakeResident, D3DDDI_MAKERESIDENT, 0,                                                        \
      HANDLE(D3DDDI_MAKERESIDENT, hPagingQueue, BIT(PAGING_QUEUE)),                                \
      LIST_FOR_HOST(D3DDDI_MAKERESIDENT, AllocationList, ANY_ALLOCATION),                          \
      COUNT(D3DDDI_MAKERESIDENT, NumAllocations, 1, 10240))                                        \
    X(Evict, D3DKMT_EVICT, 0, HANDLE(D3DKMT_EVICT, hDevice, ANY_DEVICE),                           \
      LIST_FOR_HOST(D3DKMT_EVICT, AllocationList, ANY_ALLOCATION),                                 \
      COUNT(D3DKMT_EVICT, NumAllocations, 1, 10240))                                               \
    X(OfferAllocations, D3DKMT_OFFERALLOCATIONS, 0,                                                \
      HANDLE(D3DKMT_OFFERALLOCATIONS, hDevice, ANY_DEVICE),                                        \
      COUNT(D3DKMT_OFFERALLOCATIONS, NumAllocations, 1, 10240))                                    \
    X(ReclaimAllocations2, D3DKMT_RECLAIMALLOCATIONS2, 0,                                          \
      HANDLE(D3DKMT_RECLAIMALLOCATIONS2, hPagingQueue, BIT(PAGING_QUEUE)),                         \
      COUNT(D3DKMT_RECLAIMALLOCATIONS2, NumAllocations, 1, 10240))                                 \
    X(QueryAllocationResidency, D3DKMT_QUERYALLOCATIONRESIDENCY, 0,                                \
      HANDLE(D3DKMT_QUERYALLOCATIONRESIDENCY, hDevice, ANY_DEVICE),                                \
      LIST_FOR_HOST(D3DKMT_QUERYALLOCATIONRESIDENCY, phAllocationList, ANY_ALLOCATION),            \
      WRITES(D3DKMT_QUERYALLOCATIONRESIDENCY, pResidencyStatus),                                   \
      COUNT(D3DKMT_QUERYALLOCATIONRESIDENCY, AllocationCount, 1, 131072))                          \
    X(UpdateAllocationProperty, D3DDDI_UPDATEALLOCPROPERTY, 0,                                     \
      HANDLE(D3DDDI_UPDATEALLOCPROPERTY, hPagingQueue, BIT(PAGING_QUEUE)))                         \
    X(SetAllocationPriority, D3DKMT_SETALLOCATIONPRIORITY, 0,                                      \
      HANDLE(D3DKMT_SETALLOCATIONPRIORITY, hDevice, ANY_DEVICE),                                   \
      READS(D3DKMT_SETALLOCATIONPRIORITY, phAllocationList),                                       \
      READS(D3DKMT_SETALLOCATIONPRIORITY, pPriorities),                                            \
      COUNT(D3DKMT_SETALLOCATIONPRIORITY, AllocationCount, 0, 131072))                             \
    X(GetAllocationPriority, D3DKMT_GETALLOCATIONPRIORITY, 0,                                      \
      HANDLE(D3DKMT_GETALLOCATIONPRIORITY, hDevice, ANY_DEVICE),                                   \
      READS(D3DKMT_GETALLOCATIONPRIORITY, phAllocationList),                                       \
      COUNT(D3DKMT_GETALLOCATIONPRIORITY, AllocationCount, 0, 131072))                             \
    X(ReserveGpuVirtualAddress, D3DDDI_RESERVEGPUVIRTUALADDRESS, CALL_CREATES,                     \
      HANDLE(D3DDDI_RESERVEGPUVIRTUALADDRESS, hAdapter, BIT(ADAPTER) | BIT(PAGING_QUEUE)),         \
      RESULT(D3DDDI_RESERVEGPUVIRTUALADDRESS, VirtualAddress))                                     \
    X(UpdateGpuVirtualAddress, D3DKMT_UPDATEGPUVIRTUALADDRESS, 0,                                  \
      HANDLE(D3DKMT_UPDATEGPUVIRTUALADDRESS, hDevice, ANY_DEVICE),                                 \
      HANDLE_FOR_HOST(D3DKMT_UPDATEGPUVIRTUALADDRESS, hContext, ANY_CONTEXT),                      \
      HANDLE_FOR_HOST(D3DKMT_UPDATEGPUVIRTUALADDRESS, hFenceObject, ANY_FENCE),                    \
      READS(D3DKMT_UPDATEGPUVIRTUALADDRESS, Operations),                                           \
      COUNT(D3DKMT_UPDATEGPUVIRTUALADDRESS, NumOperations, 1, 2048))                               \
    X(MapGpuVirtualAddress, D3DDDI_MAPGPUVIRTUALADDRESS, CALL_CREATES,                             \
      HANDLE(D3DDDI_MAPGPUVIRTUALADDRESS, hPagingQueue, BIT(PAGING_QUEUE)),                        \
      HANDLE_FOR_HOST(D3DDDI_MAPGPUVIRTUALADDRESS, hAllocation, ANY_ALLOCATION),                   \
      RESULT(D3DDDI_MAPGPUVIRTUALADDRESS, VirtualAddress))                                         \
    X(FreeGpuVirtualAddress, D3DKMT_FREEGPUVIRTUALADDRESS, CALL_DESTROYS,                          \
      HANDLE(D3DKMT_FREEGPUVIRTUALADDRESS, hAdapter, BIT(ADAPTER)))                                \
    X(SubmitCommand, D3DKMT_SUBMITCOMMAND, CALL_UNANSWERED,                                        \
      HANDLE(D3DKMT_SUBMITCOMMAND, BroadcastContext[0], ANY_CONTEXT),                              \
      COUNT(D3DKMT_SUBMITCOMMAND, BroadcastContextCount, 1, 64),                                   \
      COUNT(D3DKMT_SUBMITCOMMAND, PrivateDriverDataSize, 0, 131072),                               \
      COUNT(D3DKMT_SUBMITCOMMAND, NumHistoryBuffers, 0, 1024),                                     \
      COUNT(D3DKMT_SUBMITCOMMAND, NumPrimaries, 0, 16))                                            \
    X(SubmitCommandToHwQueue, D3DKMT_SUBMITCOMMANDTOHWQUEUE, CALL_UNANSWERED,                      \
      HANDLE(D3DKMT_SUBMITCOMMANDTOHWQUEUE, hHwQueue, BIT(HW_QUEUE)),                              \
      COUNT(D3DKMT_SUBMITCOMMANDTOHWQUEUE, PrivateDriverDataSize, 0, 131072),                      \
      COUNT(D3DKMT_SUBMITCOMMANDTOHWQUEUE, NumPrimaries, 0, 131072))                               \
    X(CreateSynchronizationObject2, D3DKMT_CREATESYNCHRONIZATIONOBJECT2, CALL_CREATES,             \
      HANDLE(D3DKMT_CREATESYNCHRONIZATIONOBJECT2, hDevice, ANY_DEVICE),                            \
      EVENT(D3DKMT_CREATESYNCHRONIZATIONOBJECT2, Info.CPUNotification.Event),                      \
      RESULT(D3DKMT_CREATESYNCHRONIZATIONOBJECT2, hSyncObject))                                    \
    X(DestroySynchronizationObject, D3DKMT_DESTROYSYNCHRONIZATIONOBJECT, CALL_DESTROYS,            \
      HANDLE(D3DKMT_DESTROYSYNCHRONIZATIONOBJECT, hSyncObject, ANY_OWN_FENCE))                     \
    X(SignalSynchronizationObject2, D3DKMT_SIGNALSYNCHRONIZATIONOBJECT2, CALL_UNANSWERED,          \
      HANDLE(D3DKMT_SIGNALSYNCHRONIZATIONOBJECT2, hContext, ANY_CONTEXT),                          \
      EVENT(D3DKMT_SIGNALSYNCHRONIZATIONOBJECT2, CpuEventHandle),                                  \
      COUNT(D3DKMT_SIGNALSYNCHRONIZATIONOBJECT2, ObjectCount, 0, 32),                              \
      COUNT(D3DKMT_SIGNALSYNCHRONIZATIONOBJECT2, BroadcastContextCount, 0, 63))                    \
    X(SignalSynchronizationObjectFromCpu, D3DKMT_SIGNALSYNCHRONIZATIONOBJECTFROMCPU,               \
      CALL_UNANSWERED, HANDLE(D3DKMT_SIGNALSYNCHRONIZATIONOBJECTFROMCPU, hDevice, ANY_DEVICE),     \
      LIST_FOR_HOST(D3DKMT_SIGNALSYNCHRONIZATIONOBJECTFROMCPU, ObjectHandleArray, ANY_FENCE),      \
      COUNT(D3DKMT_SIGNALSYNCHRONIZATIONOBJECTFROMCPU, ObjectCount, 1, 32))                        \
    X(SignalSynchronizationObjectFromGpu, D3DKMT_SIGNALSYNCHRONIZATIONOBJECTFROMGPU,               \
      CALL_UNANSWERED, HANDLE(D3DKMT_SIGNALSYNCHRONIZATIONOBJECTFROMGPU, hContext, ANY_CONTEXT),   \
      LIST_FOR_HOST(D3DKMT_SIGNALSYNCHRONIZATIONOBJECTFROMGPU, ObjectHandleArray, ANY_FENCE),      \
      COUNT(D3DKMT_SIGNALSYNCHRONIZATIONOBJECTFROMGPU, ObjectCount, 1, 131072))                    \
    X(SignalSynchronizationObjectFromGpu2, D3DKMT_SIGNALSYNCHRONIZATIONOBJECTFROMGPU2,             \
      CALL_UNANSWERED,                                                                             \
      LIST(D3DKMT_SIGNALSYNCHRONIZATIONOBJECTFROMGPU2, BroadcastContextArray, ANY_CONTEXT),        \
      LIST_FOR_HOST(D3DKMT_SIGNALSYNCHRONIZATIONOBJECTFROMGPU2, ObjectHandleArray, ANY_FENCE),     \
      COUNT(D3DKMT_SIGNALSYNCHRONIZATIONOBJECTFROMGPU2, ObjectCount, 1, 131072),                   \
      COUNT(D3DKMT_SIGNALSYNCHRONIZATIONOBJECTFROMGPU2, BroadcastContextCount, 1, 131072))         \
    X(SubmitSignalSyncObjectsToHwQueue, D3DKMT_SUBMITSIGNALSYNCOBJECTSTOHWQUEUE, CALL_UNANSWERED,  \
      LIST(D3DKMT_SUBMITSIGNALSYNCOBJECTSTOHWQUEUE, BroadcastHwQueueArray, BIT(HW_QUEUE)),         \
      LIST_FOR_HOST(D3DKMT_SUBMITSIGNALSYNCOBJECTSTOHWQUEUE, ObjectHandleArray, ANY_FENCE),        \
      COUNT(D3DKMT_SUBMITSIGNALSYNCOBJECTSTOHWQUEUE, ObjectCount, 1, 32),                          \
      COUNT(D3DKMT_SUBMITSIGNALSYNCOBJECTSTOHWQUEUE, BroadcastHwQueueCount, 1, 64))                \
    X(WaitForSynchronizationObject2, D3DKMT_WAITFORSYNCHRONIZATIONOBJECT2, CALL_UNANSWERED,        \
      HANDLE(D3DKMT_WAITFORSYNCHRONIZATIONOBJECT2, hContext, ANY_CONTEXT),                         \
      COUNT(D3DKMT_WAITFORSYNCHRONIZATIONOBJECT2, ObjectCount, 1, 1))                              \
    X(WaitForSynchronizationObjectFromCpu, D3DKMT_WAITFORSYNCHRONIZATIONOBJECTFROMCPU, 0,          \
      HANDLE(D3DKMT_WAITFORSYNCHRONIZATIONOBJECTFROMCPU, hDevice, ANY_DEVICE),                     \
      LIST_FOR_HOST(D3DKMT_WAITFORSYNCHRONIZATIONOBJECTFROMCPU, ObjectHandleArray, ANY_FENCE),     \
      READS(D3DKMT_WAITFORSYNCHRONIZATIONOBJECTFROMCPU, FenceValueArray),                          \
      EVENT(D3DKMT_WAITFORSYNCHRONIZATIONOBJECTFROMCPU, hAsyncEvent),                              \
      COUNT(D3DKMT_WAITFORSYNCHRONIZATIONOBJECTFROMCPU, ObjectCount, 1, 131072))                   \
    X(WaitForSynchronizationObjectFromGpu, D3DKMT_WAITFORSYNCHRONIZATIONOBJECTFROMGPU,             \
      CALL_UNANSWERED, HANDLE(D3DKMT_WAITFORSYNCHRONIZATIONOBJECTFROMGPU, hContext, ANY_CONTEXT),  \
      LIST(D3DKMT_WAITFORSYNCHRONIZATIONOBJECTFROMGPU, ObjectHandleArray, ANY_FENCE),              \
      READS(D3DKMT_WAITFORSYNCHRONIZATIONOBJECTFROMGPU, MonitoredFenceValueArray),                 \
      COUNT(D3DKMT_WAITFORSYNCHRONIZATIONOBJECTFROMGPU, ObjectCount, 1, 32))                       \
    X(SubmitWaitForSyncObjectsToHwQueue, D3DKMT_SUBMITWAITFORSYNCOBJECTSTOHWQUEUE,                 \
      CALL_UNANSWERED, HANDLE(D3DKMT_SUBMITWAITFORSYNCOBJECTSTOHWQUEUE, hHwQueue, BIT(HW_QUEUE)),  \
      LIST_FOR_HOST(D3DKMT_SUBMITWAITFORSYNCOBJECTSTOHWQUEUE, ObjectHandleArray, ANY_FENCE),       \
      READS(D3DKMT_SUBMITWAITFORSYNCOBJECTSTOHWQUEUE, FenceValueArray),                            \
      COUNT(D3DKMT_SUBMITWAITFORSYNCOBJECTSTOHWQUEUE, ObjectCount, 1, 32))                         \
    X(ShareObjects, D3DKMT_SHAREOBJECTS, CALL_CREATES,                                             \
      LIST(D3DKMT_SHAREOBJECTS, ObjectHandleArray, ANY_SHARED),                                    \
      WRITES(D3DKMT_SHAREOBJECTS, pSharedNtHandle), COUNT(D3DKMT_SHAREOBJECTS, ObjectCount, 1, 1)) \
    X(ShareObjectWithHost, D3DKMT_SHAREOBJECTWITHHOST, CALL_CREATES,                               \
      HANDLE_FOR_HOST(D3DKMT_SHAREOBJECTWITHHOST, hDevice, ANY_DEVICE),                            \
      HANDLE_FOR_HOST(D3DKMT_SHAREOBJECTWITHHOST, hObject, ANY_SHARED),                            \
      RESULT(D3DKMT_SHAREOBJECTWITHHOST, hVailProcessNtHandle))                                    \
    X(OpenSyncObjectFromNtHandle2, D3DKMT_OPENSYNCOBJECTFROMNTHANDLE2, CALL_CREATES,               \
      HANDLE(D3DKMT_OPENSYNCOBJECTFROMNTHANDLE2, hDevice, ANY_DEVICE),                             \
      DESCRIPTOR(D3DKMT_OPENSYNCOBJECTFROMNTHANDLE2, hNtHandle, WORLD_FENCE_DESCRIPTOR),           \
      RESULT(D3DKMT_OPENSYNCOBJECTFROMNTHANDLE2, hSyncObject))                                     \
    X(QueryResourceInfoFromNtHandle, D3DKMT_QUERYRESOURCEINFOFROMNTHANDLE, 0,                      \
      HANDLE(D3DKMT_QUERYRESOURCEINFOFROMNTHANDLE, hDevice, ANY_DEVICE),                           \
      DESCRIPTOR(D3DKMT_QUERYRESOURCEINFOFROMNTHANDLE, hNtHandle, WORLD_RESOURCE_DESCRIPTOR),      \
      RESULT(D3DKMT_QUERYRESOURCEINFOFROMNTHANDLE, NumAllocations))                                \
    X(OpenResourceFromNtHandle, D3DKMT_OPENRESOURCEFROMNTHANDLE, CALL_CREATES,                     \
      HANDLE(D3DKMT_OPENRESOURCEFROMNTHANDLE, hDevice, ANY_DEVICE),                                \
      DESCRIPTOR(D3DKMT_OPENRESOURCEFROMNTHANDLE, hNtHandle, WORLD_RESOURCE_DESCRIPTOR),           \
      WRITES(D3DKMT_OPENRESOURCEFROMNTHANDLE, pOpenAllocationInfo2),                               \
      WRITES(D3DKMT_OPENRESOURCEFROMNTHANDLE, pPrivateRuntimeData),                                \
      WRITES(D3DKMT_OPENRESOURCEFROMNTHANDLE, pTotalPrivateDriverDataBuffer),                      \
      COUNT(D3DKMT_OPENRESOURCEFROMNTHANDLE, NumAllocations, 1, 1),                                \
      RESULT(D3DKMT_OPENRESOURCEFROMNTHANDLE, hResource))                                          \
    X(OpenSynchronizationObject, D3DKMT_OPENSYNCHRONIZATIONOBJECT, CALL_CREATES,                   \
      HANDLE(D3DKMT_OPENSYNCHRONIZATIONOBJECT, hSharedHandle, BIT(GLOBAL_FENCE)),                  \
      RESULT(D3DKMT_OPENSYNCHRONIZATIONOBJECT, hSyncObject))                                       \
    X(GetSharedResourceAdapterLuid, D3DKMT_GETSHAREDRESOURCEADAPTERLUID, 0,                        \
      HANDLE(D3DKMT_GETSHAREDRESOURCEADAPTERLUID, hGlobalShare, BIT(NOTHING)),                     \
      DESCRIPTOR(D3DKMT_GETSHAREDRESOURCEADAPTERLUID, hNtHandle, WORLD_RESOURCE_DESCRIPTOR),       \
      RESULT(D3DKMT_GETSHAREDRESOURCEADAPTERLUID, AdapterLuid))                                    \
    X(CreateSyncFile, D3DKMT_CREATESYNCFILE, CALL_CREATES,                                         \
      HANDLE(D3DKMT_CREATESYNCFILE, hDevice, ANY_DEVICE),                                          \
      HANDLE(D3DKMT_CREATESYNCFILE, hMonitoredFence, BIT(FENCE) | BIT(SHARED_FENCE)),              \
      RESULT(D3DKMT_CREATESYNCFILE, hSyncFile))                                                    \
    X(WaitSyncFile, D3DKMT_WAITSYNCFILE, CALL_UNANSWERED,                                          \
      DESCRIPTOR(D3DKMT_WAITSYNCFILE, hSyncFile, WORLD_SYNC_FILE),                                 \
      HANDLE(D3DKMT_WAITSYNCFILE, hContext, ANY_CONTEXT))                                          \
    X(OpenSyncObjectFromSyncFile, D3DKMT_OPENSYNCOBJECTFROMSYNCFILE, CALL_CREATES,                 \
      DESCRIPTOR(D3DKMT_OPENSYNCOBJECTFROMSYNCFILE, hSyncFile, WORLD_SYNC_FILE),                   \
      HANDLE(D3DKMT_OPENSYNCOBJECTFROMSYNCFILE, hDevice, ANY_DEVICE),                              \
      RESULT(D3DKMT_OPENSYNCOBJECTFROMSYNCFILE, hSyncObject))

#define DECLARE_FILL(op, type, flags, ...) void world_fill_##op(struct world *world, void *args);

CALLS(DECLARE_FILL)

const struct every_call every_call[] = {CALLS(CALL)};
const size_t every_call_count = sizeof(every_call) / sizeof(every_call[0]);

void every_call_fill(const struct every_call *call, struct world *world, void *args)
{
    memset(args, 0, CALL_ARGS_MAX);
    for (unsigned i = 0; i < WORLD_PLACES; i++)
        memset(place(world, i), 0, 4096);
    call->fill(world, args);
}

void every_call_close(const struct every_call *call, const void *args)
{
    const D3DKMT_SHAREOBJECTS *share = args;
    const D3DKMT_CREATESYNCFILE *create = args;

    if (call->op == D3DKMT_OP_ShareObjects)
        close((int)(intptr_t)*share->pSharedNtHandle);
    else if (call->op == D3DKMT_OP_CreateSyncFile)
        close((int)create->hSyncFile);
    else
        return;
    world_settle();
}

void every_call_visit(struct world *world,
                      bool (*make)(struct world *world, const struct every_call *call, void *args))
{
    _Alignas(8) unsigned char args[CALL_ARGS_MAX];

    for (size_t i = 0; i < every_call_count; i++) {
        const struct every_call *one = &every_call[i];

        if (one->flags & CALL_DESTROYS)
            continue;
        every_call_fill(one, world, args);
        if (make(world, one, args))
            every_call_close(one, args);
    }
}
