/* SPDX-License-Identifier: MIT */
/*
 * The op table: every D3DKMT operation, once.
 *
 * Entry points, ioctl numbers, the list of supported calls and the tests of the ABI are made from
 * it. Functions that are only another form of an operation (D3DKMTDestroyAllocation of
 * DestroyAllocation2, the first versions of the sync object calls, D3DKMTShareObjectsInternal) and
 * the two that reach no backend (D3DKMTCloseDxCoreDevice, D3DKMTSetStablePowerState) have no row.
 */
#ifndef D3DKMT_OPS_H
#define D3DKMT_OPS_H

#include "d3dkmthk.h"

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Properties of an operation. */
enum d3dkmt_op_flags {
    D3DKMT_OP_HOT = 1 << 0,      /* on a driver's hot path: allocates nothing in steady state */
    D3DKMT_OP_BLOCKING = 1 << 1, /* may wait for the GPU without a time limit */
    D3DKMT_OP_CREATES = 1 << 2,  /* gives a handle or a descriptor that the caller owns */
    D3DKMT_OP_REMOVED = 1 << 3,  /* an ioctl of 2020's driver that kernels from 5.15 on lack */
    D3DKMT_OP_DESTROYS = 1 << 4  /* gives an object back, also one of an adapter that has gone */
};

enum d3dkmt_op_family {
    D3DKMT_FAMILY_ADAPTER,
    D3DKMT_FAMILY_DEVICE,
    D3DKMT_FAMILY_CONTEXT,
    D3DKMT_FAMILY_HWQUEUE,
    D3DKMT_FAMILY_PAGING,
    D3DKMT_FAMILY_ALLOCATION,
    D3DKMT_FAMILY_RESIDENCY,
    D3DKMT_FAMILY_GPUVA,
    D3DKMT_FAMILY_SYNC,
    D3DKMT_FAMILY_SHARING,
    D3DKMT_FAMILY_SYNC_FILE,
    D3DKMT_FAMILY_INFO,
    D3DKMT_FAMILY_NOT_SUPPORTED /* declared for source compatibility; no Linux host offers it */
};

/*
 * X(name, argument struct, const or nothing, ioctl number or 0, family, form, flags)
 *
 * The API function is D3DKMT followed by the name. Form: DIRECT when the entry point hands its
 * argument on as it is, ADAPTED when it converts something first. Ioctl numbers are those of
 * dxgkrnl's include/uapi/misc/d3dkmthk.h (6.1 to 6.18; removed ones: the 5.10 era).
 */
#define D3DKMT_OPS(X)                                                                              \
    X(OpenAdapterFromLuid, D3DKMT_OPENADAPTERFROMLUID, const, 0x01, ADAPTER, DIRECT,               \
      D3DKMT_OP_CREATES)                                                                           \
    X(CreateDevice, D3DKMT_CREATEDEVICE, , 0x02, DEVICE, DIRECT, D3DKMT_OP_CREATES)                \
    X(CreateContext, D3DKMT_CREATECONTEXT, , 0x03, CONTEXT, DIRECT,                                \
      D3DKMT_OP_CREATES | D3DKMT_OP_REMOVED)                                                       \
    X(CreateContextVirtual, D3DKMT_CREATECONTEXTVIRTUAL, , 0x04, CONTEXT, DIRECT,                  \
      D3DKMT_OP_CREATES)                                                                           \
    X(DestroyContext, D3DKMT_DESTROYCONTEXT, const, 0x05, CONTEXT, DIRECT, D3DKMT_OP_DESTROYS)     \
    X(CreateAllocation2, D3DKMT_CREATEALLOCATION, , 0x06, ALLOCATION, DIRECT, D3DKMT_OP_CREATES)   \
    X(CreatePagingQueue, D3DKMT_CREATEPAGINGQUEUE, , 0x07, PAGING, DIRECT, D3DKMT_OP_CREATES)      \
    X(ReserveGpuVirtualAddress, D3DDDI_RESERVEGPUVIRTUALADDRESS, , 0x08, GPUVA, DIRECT, 0)         \
    X(QueryAdapterInfo, D3DKMT_QUERYADAPTERINFO, const, 0x09, INFO, ADAPTED, 0)                    \
    X(QueryVideoMemoryInfo, D3DKMT_QUERYVIDEOMEMORYINFO, , 0x0a, INFO, DIRECT, 0)                  \
    X(MakeResident, D3DDDI_MAKERESIDENT, , 0x0b, RESIDENCY, DIRECT, D3DKMT_OP_HOT)                 \
    X(MapGpuVirtualAddress, D3DDDI_MAPGPUVIRTUALADDRESS, , 0x0c, GPUVA, DIRECT, D3DKMT_OP_HOT)     \
    X(Escape, D3DKMT_ESCAPE, const, 0x0d, ADAPTER, DIRECT, 0)                                      \
    X(GetDeviceState, D3DKMT_GETDEVICESTATE, , 0x0e, DEVICE, DIRECT, 0)                            \
    X(SubmitCommand, D3DKMT_SUBMITCOMMAND, const, 0x0f, CONTEXT, DIRECT, D3DKMT_OP_HOT)            \
    X(CreateSynchronizationObject2, D3DKMT_CREATESYNCHRONIZATIONOBJECT2, , 0x10, SYNC, DIRECT,     \
      D3DKMT_OP_CREATES)                                                                           \
    X(SignalSynchronizationObject2, D3DKMT_SIGNALSYNCHRONIZATIONOBJECT2, const, 0x11, SYNC,        \
      DIRECT, 0)                                                                                   \
    X(WaitForSynchronizationObject2, D3DKMT_WAITFORSYNCHRONIZATIONOBJECT2, const, 0x12, SYNC,      \
      DIRECT, 0)                                                                                   \
    X(DestroyAllocation2, D3DKMT_DESTROYALLOCATION2, const, 0x13, ALLOCATION, DIRECT,              \
      D3DKMT_OP_DESTROYS)                                                                          \
    X(EnumAdapters2, D3DKMT_ENUMADAPTERS2, const, 0x14, ADAPTER, DIRECT, D3DKMT_OP_CREATES)        \
    X(CloseAdapter, D3DKMT_CLOSEADAPTER, const, 0x15, ADAPTER, DIRECT, D3DKMT_OP_DESTROYS)         \
    X(ChangeVideoMemoryReservation, D3DKMT_CHANGEVIDEOMEMORYRESERVATION, const, 0x16, RESIDENCY,   \
      DIRECT, 0)                                                                                   \
    X(CreateHwContext, D3DKMT_CREATEHWCONTEXT, , 0x17, HWQUEUE, DIRECT,                            \
      D3DKMT_OP_CREATES | D3DKMT_OP_REMOVED)                                                       \
    X(CreateHwQueue, D3DKMT_CREATEHWQUEUE, , 0x18, HWQUEUE, DIRECT, D3DKMT_OP_CREATES)             \
    X(DestroyDevice, D3DKMT_DESTROYDEVICE, const, 0x19, DEVICE, DIRECT, D3DKMT_OP_DESTROYS)        \
    X(DestroyHwContext, D3DKMT_DESTROYHWCONTEXT, const, 0x1a, HWQUEUE, DIRECT,                     \
      D3DKMT_OP_REMOVED | D3DKMT_OP_DESTROYS)                                                      \
    X(DestroyHwQueue, D3DKMT_DESTROYHWQUEUE, const, 0x1b, HWQUEUE, DIRECT, D3DKMT_OP_DESTROYS)     \
    X(DestroyPagingQueue, D3DDDI_DESTROYPAGINGQUEUE, , 0x1c, PAGING, DIRECT, D3DKMT_OP_DESTROYS)   \
    X(DestroySynchronizationObject, D3DKMT_DESTROYSYNCHRONIZATIONOBJECT, const, 0x1d, SYNC,        \
      DIRECT, D3DKMT_OP_DESTROYS)                                                                  \
    X(Evict, D3DKMT_EVICT, , 0x1e, RESIDENCY, DIRECT, D3DKMT_OP_HOT)                               \
    X(FlushHeapTransitions, D3DKMT_FLUSHHEAPTRANSITIONS, , 0x1f, RESIDENCY, DIRECT, 0)             \
    X(FreeGpuVirtualAddress, D3DKMT_FREEGPUVIRTUALADDRESS, const, 0x20, GPUVA, DIRECT, 0)          \
    X(GetContextInProcessSchedulingPriority, D3DKMT_GETCONTEXTINPROCESSSCHEDULINGPRIORITY, , 0x21, \
      CONTEXT, DIRECT, 0)                                                                          \
    X(GetContextSchedulingPriority, D3DKMT_GETCONTEXTSCHEDULINGPRIORITY, , 0x22, CONTEXT, DIRECT,  \
      0)                                                                                           \
    X(GetSharedResourceAdapterLuid, D3DKMT_GETSHAREDRESOURCEADAPTERLUID, , 0x23, SHARING, DIRECT,  \
      D3DKMT_OP_REMOVED)                                                                           \
    X(InvalidateCache, D3DKMT_INVALIDATECACHE, const, 0x24, ALLOCATION, DIRECT, 0)                 \
    X(Lock2, D3DKMT_LOCK2, , 0x25, ALLOCATION, DIRECT, D3DKMT_OP_HOT)                              \
    X(MarkDeviceAsError, D3DKMT_MARKDEVICEASERROR, , 0x26, DEVICE, DIRECT, 0)                      \
    X(OfferAllocations, D3DKMT_OFFERALLOCATIONS, const, 0x27, RESIDENCY, DIRECT, 0)                \
    X(OpenResource, D3DKMT_OPENRESOURCE, , 0x28, SHARING, ADAPTED,                                 \
      D3DKMT_OP_CREATES | D3DKMT_OP_REMOVED)                                                       \
    X(OpenSynchronizationObject, D3DKMT_OPENSYNCHRONIZATIONOBJECT, , 0x29, SHARING, DIRECT,        \
      D3DKMT_OP_CREATES | D3DKMT_OP_REMOVED)                                                       \
    X(QueryAllocationResidency, D3DKMT_QUERYALLOCATIONRESIDENCY, const, 0x2a, RESIDENCY, DIRECT,   \
      0)                                                                                           \
    X(QueryResourceInfo, D3DKMT_QUERYRESOURCEINFO, , 0x2b, SHARING, DIRECT, D3DKMT_OP_REMOVED)     \
    X(ReclaimAllocations2, D3DKMT_RECLAIMALLOCATIONS2, , 0x2c, RESIDENCY, DIRECT, 0)               \
    X(Render, D3DKMT_RENDER, , 0x2d, CONTEXT, DIRECT, D3DKMT_OP_REMOVED)                           \
    X(SetAllocationPriority, D3DKMT_SETALLOCATIONPRIORITY, const, 0x2e, ALLOCATION, DIRECT, 0)     \
    X(SetContextInProcessSchedulingPriority, D3DKMT_SETCONTEXTINPROCESSSCHEDULINGPRIORITY, const,  \
      0x2f, CONTEXT, DIRECT, 0)                                                                    \
    X(SetContextSchedulingPriority, D3DKMT_SETCONTEXTSCHEDULINGPRIORITY, const, 0x30, CONTEXT,     \
      DIRECT, 0)                                                                                   \
    X(SignalSynchronizationObjectFromCpu, D3DKMT_SIGNALSYNCHRONIZATIONOBJECTFROMCPU, const, 0x31,  \
      SYNC, DIRECT, D3DKMT_OP_HOT)                                                                 \
    X(SignalSynchronizationObjectFromGpu, D3DKMT_SIGNALSYNCHRONIZATIONOBJECTFROMGPU, const, 0x32,  \
      SYNC, DIRECT, D3DKMT_OP_HOT)                                                                 \
    X(SignalSynchronizationObjectFromGpu2, D3DKMT_SIGNALSYNCHRONIZATIONOBJECTFROMGPU2, const,      \
      0x33, SYNC, DIRECT, D3DKMT_OP_HOT)                                                           \
    X(SubmitCommandToHwQueue, D3DKMT_SUBMITCOMMANDTOHWQUEUE, const, 0x34, HWQUEUE, DIRECT,         \
      D3DKMT_OP_HOT)                                                                               \
    X(SubmitSignalSyncObjectsToHwQueue, D3DKMT_SUBMITSIGNALSYNCOBJECTSTOHWQUEUE, const, 0x35,      \
      HWQUEUE, DIRECT, D3DKMT_OP_HOT)                                                              \
    X(SubmitWaitForSyncObjectsToHwQueue, D3DKMT_SUBMITWAITFORSYNCOBJECTSTOHWQUEUE, const, 0x36,    \
      HWQUEUE, DIRECT, D3DKMT_OP_HOT)                                                              \
    X(Unlock2, D3DKMT_UNLOCK2, const, 0x37, ALLOCATION, DIRECT, D3DKMT_OP_HOT)                     \
    X(UpdateAllocationProperty, D3DDDI_UPDATEALLOCPROPERTY, , 0x38, ALLOCATION, DIRECT, 0)         \
    X(UpdateGpuVirtualAddress, D3DKMT_UPDATEGPUVIRTUALADDRESS, const, 0x39, GPUVA, DIRECT, 0)      \
    X(WaitForSynchronizationObjectFromCpu, D3DKMT_WAITFORSYNCHRONIZATIONOBJECTFROMCPU, const,      \
      0x3a, SYNC, DIRECT, D3DKMT_OP_HOT | D3DKMT_OP_BLOCKING)                                      \
    X(WaitForSynchronizationObjectFromGpu, D3DKMT_WAITFORSYNCHRONIZATIONOBJECTFROMGPU, const,      \
      0x3b, SYNC, DIRECT, D3DKMT_OP_HOT)                                                           \
    X(GetAllocationPriority, D3DKMT_GETALLOCATIONPRIORITY, const, 0x3c, ALLOCATION, DIRECT, 0)     \
    X(QueryClockCalibration, D3DKMT_QUERYCLOCKCALIBRATION, , 0x3d, INFO, DIRECT, 0)                \
    X(EnumAdapters3, D3DKMT_ENUMADAPTERS3, , 0x3e, ADAPTER, DIRECT, D3DKMT_OP_CREATES)             \
    X(ShareObjects, D3DKMT_SHAREOBJECTS, const, 0x3f, SHARING, ADAPTED, D3DKMT_OP_CREATES)         \
    X(OpenSyncObjectFromNtHandle2, D3DKMT_OPENSYNCOBJECTFROMNTHANDLE2, , 0x40, SHARING, DIRECT,    \
      D3DKMT_OP_CREATES)                                                                           \
    X(QueryResourceInfoFromNtHandle, D3DKMT_QUERYRESOURCEINFOFROMNTHANDLE, , 0x41, SHARING,        \
      DIRECT, 0)                                                                                   \
    X(OpenResourceFromNtHandle, D3DKMT_OPENRESOURCEFROMNTHANDLE, , 0x42, SHARING, DIRECT,          \
      D3DKMT_OP_CREATES)                                                                           \
    X(QueryStatistics, D3DKMT_QUERYSTATISTICS, const, 0x43, INFO, ADAPTED, 0)                      \
    X(ShareObjectWithHost, D3DKMT_SHAREOBJECTWITHHOST, , 0x44, SHARING, DIRECT, 0)                 \
    X(CreateSyncFile, D3DKMT_CREATESYNCFILE, , 0x45, SYNC_FILE, DIRECT, D3DKMT_OP_CREATES)         \
    X(WaitSyncFile, D3DKMT_WAITSYNCFILE, const, 0x46, SYNC_FILE, DIRECT, 0)                        \
    X(OpenSyncObjectFromSyncFile, D3DKMT_OPENSYNCOBJECTFROMSYNCFILE, , 0x47, SYNC_FILE, DIRECT,    \
      D3DKMT_OP_CREATES)                                                                           \
    X(EnumProcesses, D3DKMT_ENUMPROCESSES, , 0x48, ADAPTER, DIRECT, 0)                             \
    X(IsFeatureEnabled, D3DKMT_ISFEATUREENABLED, , 0x49, INFO, DIRECT, 0)                          \
    X(AcquireKeyedMutex2, D3DKMT_ACQUIREKEYEDMUTEX2, , 0x00, NOT_SUPPORTED, DIRECT, 0)             \
    X(CreateKeyedMutex2, D3DKMT_CREATEKEYEDMUTEX2, , 0x00, NOT_SUPPORTED, DIRECT, 0)               \
    X(CreateProtectedSession, D3DKMT_CREATEPROTECTEDSESSION, , 0x00, NOT_SUPPORTED, DIRECT, 0)     \
    X(CreateTrackedWorkload, D3DKMT_CREATETRACKEDWORKLOAD, , 0x00, NOT_SUPPORTED, DIRECT, 0)       \
    X(DestroyKeyedMutex, D3DKMT_DESTROYKEYEDMUTEX, const, 0x00, NOT_SUPPORTED, DIRECT, 0)          \
    X(DestroyProtectedSession, D3DKMT_DESTROYPROTECTEDSESSION, , 0x00, NOT_SUPPORTED, DIRECT, 0)   \
    X(DestroyTrackedWorkload, D3DKMT_DESTROYTRACKEDWORKLOAD, , 0x00, NOT_SUPPORTED, DIRECT, 0)     \
    X(GetAvailableTrackedWorkloadIndex, D3DKMT_GETAVAILABLETRACKEDWORKLOADINDEX, , 0x00,           \
      NOT_SUPPORTED, DIRECT, 0)                                                                    \
    X(GetMultisampleMethodList, D3DKMT_GETMULTISAMPLEMETHODLIST, , 0x00, NOT_SUPPORTED, DIRECT, 0) \
    X(GetTrackedWorkloadStatistics, D3DKMT_GETTRACKEDWORKLOADSTATISTICS, , 0x00, NOT_SUPPORTED,    \
      DIRECT, 0)                                                                                   \
    X(Lock, D3DKMT_LOCK, , 0x00, NOT_SUPPORTED, DIRECT, 0)                                         \
    X(OpenKeyedMutex2, D3DKMT_OPENKEYEDMUTEX2, , 0x00, NOT_SUPPORTED, DIRECT, 0)                   \
    X(OpenNtHandleFromName, D3DKMT_OPENNTHANDLEFROMNAME, , 0x00, NOT_SUPPORTED, DIRECT, 0)         \
    X(OpenProtectedSessionFromNtHandle, D3DKMT_OPENPROTECTEDSESSIONFROMNTHANDLE, , 0x00,           \
      NOT_SUPPORTED, DIRECT, 0)                                                                    \
    X(OpenSyncObjectNtHandleFromName, D3DKMT_OPENSYNCOBJECTNTHANDLEFROMNAME, , 0x00,               \
      NOT_SUPPORTED, DIRECT, 0)                                                                    \
    X(PinResources, D3DKMT_PINRESOURCES, , 0x00, NOT_SUPPORTED, DIRECT, 0)                         \
    X(Present, D3DKMT_PRESENT, , 0x00, NOT_SUPPORTED, DIRECT, 0)                                   \
    X(QueryProtectedSessionInfoFromNtHandle, D3DKMT_QUERYPROTECTEDSESSIONINFOFROMNTHANDLE, , 0x00, \
      NOT_SUPPORTED, DIRECT, 0)                                                                    \
    X(QueryProtectedSessionStatus, D3DKMT_QUERYPROTECTEDSESSIONSTATUS, , 0x00, NOT_SUPPORTED,      \
      DIRECT, 0)                                                                                   \
    X(ReleaseKeyedMutex2, D3DKMT_RELEASEKEYEDMUTEX2, , 0x00, NOT_SUPPORTED, DIRECT, 0)             \
    X(ResetTrackedWorkloadStatistics, D3DKMT_RESETTRACKEDWORKLOADSTATISTICS, const, 0x00,          \
      NOT_SUPPORTED, DIRECT, 0)                                                                    \
    X(SetDisplayPrivateDriverFormat, D3DKMT_SETDISPLAYPRIVATEDRIVERFORMAT, const, 0x00,            \
      NOT_SUPPORTED, DIRECT, 0)                                                                    \
    X(SetQueuedLimit, D3DKMT_SETQUEUEDLIMIT, const, 0x00, NOT_SUPPORTED, DIRECT, 0)                \
    X(SubmitPresentToHwQueue, D3DKMT_SUBMITPRESENTTOHWQUEUE, , 0x00, NOT_SUPPORTED, DIRECT, 0)     \
    X(Unlock, D3DKMT_UNLOCK, const, 0x00, NOT_SUPPORTED, DIRECT, 0)                                \
    X(UnpinResources, D3DKMT_UNPINRESOURCES, const, 0x00, NOT_SUPPORTED, DIRECT, 0)                \
    X(UpdateTrackedWorkload, D3DKMT_UPDATETRACKEDWORKLOAD, , 0x00, NOT_SUPPORTED, DIRECT, 0)

/* The index of an operation in the op table; D3DKMT_OP_CreateDevice and so on. */
enum d3dkmt_op_id {
#define D3DKMT_OP_ID(name, type, qualifier, number, family, form, flags) D3DKMT_OP_##name,
    D3DKMT_OPS(D3DKMT_OP_ID)
#undef D3DKMT_OP_ID
        D3DKMT_OP_COUNT
};

/* One row of the op table. */
struct d3dkmt_op {
    const char *name;       /* the API function's name, as in "D3DKMTCreateDevice" */
    uint16_t id;            /* enum d3dkmt_op_id */
    uint16_t args_size;     /* bytes of the argument struct, the same in kernel and API */
    uint8_t ioctl_number;   /* 0: dxgkrnl never had an ioctl for it */
    uint8_t family;         /* enum d3dkmt_op_family */
    uint16_t flags;         /* enum d3dkmt_op_flags */
    uint32_t ioctl_request; /* the whole ioctl word, 0 without a number */
};

#ifdef __cplusplus
}
#endif

#endif
