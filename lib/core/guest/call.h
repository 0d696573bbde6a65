/* SPDX-License-Identifier: MIT */
/* From an operation to its handler, and the caller's memory. */
#ifndef CORE_GUEST_CALL_H
#define CORE_GUEST_CALL_H

#include "core/guest/message.h"
#include "core/guest/process.h"

/*
 * Carries out one operation. args: the engine's private copy of the argument struct; caller: the
 * struct itself, to write outputs to with GUEST_WRITE.
 */
#define GUEST_HANDLER(name, type)                                                                  \
    NTSTATUS guest_##name(struct guest_process *process, const type *args, type *caller)

/*
 * Copies from and to the caller's memory. A pointer that leads nowhere gives STATUS_UNSUCCESSFUL,
 * explained with what it was; how far that is looked at depends on the process's check_pointers.
 */
NTSTATUS guest_read(struct guest_process *process, void *to, const void *from, size_t size,
                    const char *what);
NTSTATUS guest_write(struct guest_process *process, void *to, const void *from, size_t size,
                     const char *what);

/* The driver's bound on private data of any kind; what fits a message is a little less. */
enum { GUEST_PRIVATE_DATA_MAX = 131072 };

/* The same for an array behind a command: appended to a message whose room was asked for, ... */
NTSTATUS guest_read_tail(struct guest_process *process, struct guest_message *message,
                         const void *from, size_t size, const char *what);
/* ... or taken from a reply. */
NTSTATUS guest_write_tail(struct guest_process *process, const struct wire_span *tail, void *to,
                          const char *what);

/* Writes one member of the caller's argument struct. */
#define GUEST_WRITE(process, member, value)                                                        \
    guest_write((process), &(member), &(value), sizeof(member), #member)

/* STATUS_INVALID_PARAMETER, explained, unless minimum <= count <= maximum. */
NTSTATUS guest_check_count(const char *name, uint64_t count, uint64_t minimum, uint64_t maximum);

/* STATUS_INVALID_PARAMETER, explained, unless exactly one of hResource and AllocationCount is set.
 */
NTSTATUS guest_check_resource_or_list(D3DKMT_HANDLE resource, UINT count);

/* X(operation, handler, argument struct): what the engine can do. */
#define GUEST_HANDLERS(X)                                                                          \
    X(OpenAdapterFromLuid, open_adapter_from_luid, D3DKMT_OPENADAPTERFROMLUID)                     \
    X(EnumAdapters2, enum_adapters2, D3DKMT_ENUMADAPTERS2)                                         \
    X(EnumAdapters3, enum_adapters3, D3DKMT_ENUMADAPTERS3)                                         \
    X(CloseAdapter, close_adapter, D3DKMT_CLOSEADAPTER)                                            \
    X(QueryAdapterInfo, query_adapter_info, D3DKMT_QUERYADAPTERINFO)                               \
    X(QueryVideoMemoryInfo, query_video_memory_info, D3DKMT_QUERYVIDEOMEMORYINFO)                  \
    X(Escape, escape, D3DKMT_ESCAPE)                                                               \
    X(CreateDevice, create_device, D3DKMT_CREATEDEVICE)                                            \
    X(DestroyDevice, destroy_device, D3DKMT_DESTROYDEVICE)                                         \
    X(GetDeviceState, get_device_state, D3DKMT_GETDEVICESTATE)                                     \
    X(MarkDeviceAsError, mark_device_as_error, D3DKMT_MARKDEVICEASERROR)                           \
    X(CreateContextVirtual, create_context_virtual, D3DKMT_CREATECONTEXTVIRTUAL)                   \
    X(DestroyContext, destroy_context, D3DKMT_DESTROYCONTEXT)                                      \
    X(CreateHwQueue, create_hw_queue, D3DKMT_CREATEHWQUEUE)                                        \
    X(DestroyHwQueue, destroy_hw_queue, D3DKMT_DESTROYHWQUEUE)                                     \
    X(CreatePagingQueue, create_paging_queue, D3DKMT_CREATEPAGINGQUEUE)                            \
    X(DestroyPagingQueue, destroy_paging_queue, D3DDDI_DESTROYPAGINGQUEUE)                         \
    X(CreateAllocation2, create_allocation, D3DKMT_CREATEALLOCATION)                               \
    X(DestroyAllocation2, destroy_allocation, D3DKMT_DESTROYALLOCATION2)                           \
    X(Lock2, lock, D3DKMT_LOCK2)                                                                   \
    X(Unlock2, unlock, D3DKMT_UNLOCK2)                                                             \
    X(MakeResident, make_resident, D3DDDI_MAKERESIDENT)                                            \
    X(Evict, evict, D3DKMT_EVICT)                                                                  \
    X(ReserveGpuVirtualAddress, reserve_gpu_virtual_address, D3DDDI_RESERVEGPUVIRTUALADDRESS)      \
    X(FreeGpuVirtualAddress, free_gpu_virtual_address, D3DKMT_FREEGPUVIRTUALADDRESS)               \
    X(MapGpuVirtualAddress, map_gpu_virtual_address, D3DDDI_MAPGPUVIRTUALADDRESS)                  \
    X(UpdateGpuVirtualAddress, update_gpu_virtual_address, D3DKMT_UPDATEGPUVIRTUALADDRESS)         \
    X(SubmitCommand, submit_command, D3DKMT_SUBMITCOMMAND)                                         \
    X(SubmitCommandToHwQueue, submit_command_to_hw_queue, D3DKMT_SUBMITCOMMANDTOHWQUEUE)           \
    X(CreateSynchronizationObject2, create_sync_object, D3DKMT_CREATESYNCHRONIZATIONOBJECT2)       \
    X(DestroySynchronizationObject, destroy_sync_object, D3DKMT_DESTROYSYNCHRONIZATIONOBJECT)      \
    X(SignalSynchronizationObject2, signal, D3DKMT_SIGNALSYNCHRONIZATIONOBJECT2)                   \
    X(SignalSynchronizationObjectFromCpu, signal_from_cpu,                                         \
      D3DKMT_SIGNALSYNCHRONIZATIONOBJECTFROMCPU)                                                   \
    X(SignalSynchronizationObjectFromGpu, signal_from_gpu,                                         \
      D3DKMT_SIGNALSYNCHRONIZATIONOBJECTFROMGPU)                                                   \
    X(SignalSynchronizationObjectFromGpu2, signal_from_gpu2,                                       \
      D3DKMT_SIGNALSYNCHRONIZATIONOBJECTFROMGPU2)                                                  \
    X(SubmitSignalSyncObjectsToHwQueue, signal_to_hw_queue,                                        \
      D3DKMT_SUBMITSIGNALSYNCOBJECTSTOHWQUEUE)                                                     \
    X(WaitForSynchronizationObject2, wait, D3DKMT_WAITFORSYNCHRONIZATIONOBJECT2)                   \
    X(WaitForSynchronizationObjectFromCpu, wait_from_cpu,                                          \
      D3DKMT_WAITFORSYNCHRONIZATIONOBJECTFROMCPU)                                                  \
    X(WaitForSynchronizationObjectFromGpu, wait_from_gpu,                                          \
      D3DKMT_WAITFORSYNCHRONIZATIONOBJECTFROMGPU)                                                  \
    X(SubmitWaitForSyncObjectsToHwQueue, wait_to_hw_queue,                                         \
      D3DKMT_SUBMITWAITFORSYNCOBJECTSTOHWQUEUE)                                                    \
    X(SetAllocationPriority, set_allocation_priority, D3DKMT_SETALLOCATIONPRIORITY)                \
    X(GetAllocationPriority, get_allocation_priority, D3DKMT_GETALLOCATIONPRIORITY)                \
    X(SetContextSchedulingPriority, set_context_priority, D3DKMT_SETCONTEXTSCHEDULINGPRIORITY)     \
    X(SetContextInProcessSchedulingPriority, set_context_in_process_priority,                      \
      D3DKMT_SETCONTEXTINPROCESSSCHEDULINGPRIORITY)                                                \
    X(GetContextSchedulingPriority, get_context_priority, D3DKMT_GETCONTEXTSCHEDULINGPRIORITY)     \
    X(GetContextInProcessSchedulingPriority, get_context_in_process_priority,                      \
      D3DKMT_GETCONTEXTINPROCESSSCHEDULINGPRIORITY)                                                \
    X(OfferAllocations, offer_allocations, D3DKMT_OFFERALLOCATIONS)                                \
    X(ReclaimAllocations2, reclaim_allocations, D3DKMT_RECLAIMALLOCATIONS2)                        \
    X(QueryAllocationResidency, query_allocation_residency, D3DKMT_QUERYALLOCATIONRESIDENCY)       \
    X(UpdateAllocationProperty, update_allocation_property, D3DDDI_UPDATEALLOCPROPERTY)            \
    X(InvalidateCache, invalidate_cache, D3DKMT_INVALIDATECACHE)                                   \
    X(ChangeVideoMemoryReservation, change_video_memory_reservation,                               \
      D3DKMT_CHANGEVIDEOMEMORYRESERVATION)                                                         \
    X(QueryClockCalibration, query_clock_calibration, D3DKMT_QUERYCLOCKCALIBRATION)                \
    X(FlushHeapTransitions, flush_heap_transitions, D3DKMT_FLUSHHEAPTRANSITIONS)                   \
    X(IsFeatureEnabled, is_feature_enabled, D3DKMT_ISFEATUREENABLED)                               \
    X(QueryStatistics, query_statistics, D3DKMT_QUERYSTATISTICS)                                   \
    X(EnumProcesses, enum_processes, D3DKMT_ENUMPROCESSES)                                         \
    X(ShareObjects, share_objects, D3DKMT_SHAREOBJECTS)                                            \
    X(ShareObjectWithHost, share_object_with_host, D3DKMT_SHAREOBJECTWITHHOST)                     \
    X(OpenSyncObjectFromNtHandle2, open_sync_object, D3DKMT_OPENSYNCOBJECTFROMNTHANDLE2)           \
    X(QueryResourceInfoFromNtHandle, query_resource_info, D3DKMT_QUERYRESOURCEINFOFROMNTHANDLE)    \
    X(OpenResourceFromNtHandle, open_resource, D3DKMT_OPENRESOURCEFROMNTHANDLE)                    \
    X(OpenSynchronizationObject, open_sync_object_by_global_handle,                                \
      D3DKMT_OPENSYNCHRONIZATIONOBJECT)                                                            \
    X(GetSharedResourceAdapterLuid, get_shared_resource_adapter_luid,                              \
      D3DKMT_GETSHAREDRESOURCEADAPTERLUID)                                                         \
    X(CreateSyncFile, create_sync_file, D3DKMT_CREATESYNCFILE)                                     \
    X(WaitSyncFile, wait_sync_file, D3DKMT_WAITSYNCFILE)                                           \
    X(OpenSyncObjectFromSyncFile, open_sync_object_from_sync_file,                                 \
      D3DKMT_OPENSYNCOBJECTFROMSYNCFILE)

#define GUEST_DECLARE(op, name, type) GUEST_HANDLER(name, type);
GUEST_HANDLERS(GUEST_DECLARE)
#undef GUEST_DECLARE

#endif
