/* SPDX-License-Identifier: MIT */
/* Every operation that the guest engine has, with right arguments and what may be wrong in them. */
#include "guest/world.h"

#include <d3dkmt/softgpu.h>

#include <string.h>

#define BIT(object)    ((uint64_t)1 << WORLD_##object)
#define ANY_ALLOCATION (BIT(ALLOCATION) | BIT(MEMORY) | BIT(PART))
#define ANY_DEVICE     (BIT(DEVICE) | BIT(OTHER_DEVICE))
#define ANY_CONTEXT    (BIT(CONTEXT) | BIT(HW_CONTEXT))
/* Hosts let programs signal whatever has a value, also the fences of queues. */
#define ANY_FENCE                (BIT(FENCE) | BIT(NOTIFICATION) | BIT(PAGING_FENCE) | BIT(PROGRESS_FENCE))
#define HANDLE_AT(world, object) ((world)->handles[WORLD_##object])

/* ---- arguments in the scratch memory */

enum { PLACE = WORLD_SCRATCH / 8 & ~63 }; /* eight arrays at most, large ones begin at 0 */

static void *place(struct world *world, unsigned number)
{
    return world->scratch + (size_t)number * PLACE;
}

static D3DKMT_HANDLE *one_handle(struct world *world, unsigned number, enum world_object object)
{
    D3DKMT_HANDLE *handle = place(world, number);

    *handle = world->handles[object];
    return handle;
}

static uint64_t *one_value(struct world *world, unsigned number, uint64_t value)
{
    uint64_t *room = place(world, number);

    *room = value;
    return room;
}

#define FILL(name, type) static void fill_##name(struct world *world, type *args)

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
    args->ObjectHandleArray[0] = HANDLE_AT(world, NOTIFICATION);
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
#define RESULT(type, member)                                                                       \
    {                                                                                              \
        FIELD_RESULT, #member, AT(type, member), 0, 0, 0                                           \
    }

/* The fill functions under one type. */
#define FORWARD(op, type)                                                                          \
    static void forward_##op(struct world *world, void *args)                                      \
    {                                                                                              \
        fill_##op(world, args);                                                                    \
    }
#define CALL(op, type, flags, ...)                                                                 \
    {D3DKMT_OP_##op, #op, flags, sizeof(type), forward_##op, {__VA_ARGS__}},

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
      HANDLE(D3DKMT_CREATEALLOCATION, hResource, BIT(RESOURCE) | BIT(NOTHING)),                    \
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
      HANDLE(D3DKMT_DESTROYSYNCHRONIZATIONOBJECT, hSyncObject, BIT(FENCE) | BIT(NOTIFICATION)))    \
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
    X(WaitForSynchronizationObject2, D3DKMT_WAITFORSYNCHRONIZATIONOBJECT2,                         \
      CALL_UNANSWERED | CALL_HOST_LACKS,                                                           \
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
      COUNT(D3DKMT_SUBMITWAITFORSYNCOBJECTSTOHWQUEUE, ObjectCount, 1, 32))

#define FORWARD_CALL(op, type, flags, ...) FORWARD(op, type)

CALLS(FORWARD_CALL)

const struct every_call every_call[] = {CALLS(CALL)};
const size_t every_call_count = sizeof(every_call) / sizeof(every_call[0]);

void every_call_fill(const struct every_call *call, struct world *world, void *args)
{
    memset(args, 0, CALL_ARGS_MAX);
    for (unsigned i = 0; i < 8; i++)
        memset(place(world, i), 0, 4096);
    call->fill(world, args);
}
