/* SPDX-License-Identifier: MIT */
#include "umd.h"

#include <string.h>

enum { PAGE_SIZE = 4096, ADAPTERS_MAX = 16 };

/* ---- adapter and device */

static NTSTATUS open_adapter(struct umd *umd, unsigned index)
{
    D3DKMT_ADAPTERINFO adapters[ADAPTERS_MAX];
    D3DKMT_ENUMADAPTERS3 list;

    memset(&list, 0, sizeof(list));
    list.Filter.IncludeComputeOnly = 1;
    list.NumAdapters = ADAPTERS_MAX;
    list.pAdapters = adapters;
    NTSTATUS status = D3DKMTEnumAdapters3(&list);
    if (!NT_SUCCESS(status))
        return status;
    for (unsigned i = 0; i < list.NumAdapters; i++) {
        D3DKMT_CLOSEADAPTER close = {adapters[i].hAdapter};

        if (i != index) {
            D3DKMTCloseAdapter(&close);
            continue;
        }
        umd->adapter = adapters[i].hAdapter;
        umd->luid = adapters[i].AdapterLuid;
    }
    return umd->adapter ? STATUS_SUCCESS : STATUS_DEVICE_REMOVED;
}

NTSTATUS umd_open(struct umd *umd, unsigned index)
{
    D3DKMT_CREATEDEVICE device;
    D3DKMT_CREATEPAGINGQUEUE queue;

    memset(umd, 0, sizeof(*umd));
    NTSTATUS status = open_adapter(umd, index);
    if (!NT_SUCCESS(status))
        return status;
    memset(&device, 0, sizeof(device));
    device.hAdapter = umd->adapter;
    status = D3DKMTCreateDevice(&device);
    if (!NT_SUCCESS(status))
        return status;
    umd->device = device.hDevice;
    memset(&queue, 0, sizeof(queue));
    queue.hDevice = umd->device;
    queue.Priority = D3DDDI_PAGINGQUEUE_PRIORITY_NORMAL;
    status = D3DKMTCreatePagingQueue(&queue);
    umd->paging_queue = queue.hPagingQueue;
    umd->paging_fence = queue.hSyncObject;
    return status;
}

void umd_close(struct umd *umd)
{
    /* The device takes contexts, queues, fences and allocations with it. */
    if (umd->device) {
        D3DKMT_DESTROYDEVICE destroy = {umd->device};

        D3DKMTDestroyDevice(&destroy);
    }
    if (umd->adapter) {
        D3DKMT_CLOSEADAPTER close = {umd->adapter};

        D3DKMTCloseAdapter(&close);
    }
    memset(umd, 0, sizeof(*umd));
}

/* ---- memory */

static NTSTATUS wait_for_paging(struct umd *umd, UINT64 value)
{
    D3DKMT_WAITFORSYNCHRONIZATIONOBJECTFROMCPU wait;

    memset(&wait, 0, sizeof(wait));
    wait.hDevice = umd->device;
    wait.ObjectCount = 1;
    wait.ObjectHandleArray = &umd->paging_fence;
    wait.FenceValueArray = &value;
    return D3DKMTWaitForSynchronizationObjectFromCpu(&wait);
}

static NTSTATUS map_to_gpu(struct umd *umd, struct umd_buffer *buffer)
{
    D3DDDI_MAPGPUVIRTUALADDRESS map;

    memset(&map, 0, sizeof(map));
    map.hPagingQueue = umd->paging_queue;
    map.hAllocation = buffer->allocation;
    map.SizeInPages = buffer->size / PAGE_SIZE;
    map.Protection.Write = 1;
    NTSTATUS status = D3DKMTMapGpuVirtualAddress(&map);
    if (status == STATUS_PENDING)
        status = wait_for_paging(umd, map.PagingFenceValue);
    buffer->address = map.VirtualAddress;
    return status;
}

static NTSTATUS make_resident(struct umd *umd, struct umd_buffer *buffer)
{
    D3DDDI_MAKERESIDENT resident;

    memset(&resident, 0, sizeof(resident));
    resident.hPagingQueue = umd->paging_queue;
    resident.NumAllocations = 1;
    resident.AllocationList = &buffer->allocation;
    NTSTATUS status = D3DKMTMakeResident(&resident);
    return status == STATUS_PENDING ? wait_for_paging(umd, resident.PagingFenceValue) : status;
}

static NTSTATUS lock(struct umd *umd, struct umd_buffer *buffer)
{
    D3DKMT_LOCK2 lock;

    memset(&lock, 0, sizeof(lock));
    lock.hDevice = umd->device;
    lock.hAllocation = buffer->allocation;
    NTSTATUS status = D3DKMTLock2(&lock);
    buffer->cpu = lock.pData;
    return status;
}

static NTSTATUS create_allocation(struct umd *umd, D3DDDI_ALLOCATIONINFO2 *info,
                                  struct umd_buffer *buffer)
{
    D3DKMT_CREATEALLOCATION create;

    memset(&create, 0, sizeof(create));
    create.hDevice = umd->device;
    create.NumAllocations = 1;
    create.pAllocationInfo2 = info;
    NTSTATUS status = D3DKMTCreateAllocation2(&create);
    buffer->allocation = info->hAllocation;
    return status;
}

NTSTATUS umd_buffer_map(struct umd *umd, struct umd_buffer *buffer)
{
    NTSTATUS status = map_to_gpu(umd, buffer);

    return NT_SUCCESS(status) ? make_resident(umd, buffer) : status;
}

static NTSTATUS finish_buffer(struct umd *umd, bool cpu_visible, struct umd_buffer *buffer)
{
    NTSTATUS status = umd_buffer_map(umd, buffer);

    if (NT_SUCCESS(status) && cpu_visible)
        status = lock(umd, buffer);
    return status;
}

NTSTATUS umd_buffer_create(struct umd *umd, size_t size, uint32_t flags, struct umd_buffer *buffer)
{
    struct softgpu_allocation data = softgpu_allocation_data(size, flags);
    D3DDDI_ALLOCATIONINFO2 info;

    memset(buffer, 0, sizeof(*buffer));
    memset(&info, 0, sizeof(info));
    info.pPrivateDriverData = &data;
    info.PrivateDriverDataSize = sizeof(data);
    NTSTATUS status = create_allocation(umd, &info, buffer);
    if (!NT_SUCCESS(status))
        return status;
    buffer->size = data.size; /* the driver's word */
    return finish_buffer(umd, flags & SOFTGPU_ALLOCATION_CPU_VISIBLE, buffer);
}

NTSTATUS umd_buffer_wrap(struct umd *umd, void *memory, size_t size, struct umd_buffer *buffer)
{
    struct softgpu_allocation data = softgpu_allocation_data(
        size, SOFTGPU_ALLOCATION_CPU_VISIBLE | SOFTGPU_ALLOCATION_NON_LOCAL);
    D3DDDI_ALLOCATIONINFO2 info;

    memset(buffer, 0, sizeof(*buffer));
    memset(&info, 0, sizeof(info));
    info.pSystemMem = memory;
    info.pPrivateDriverData = &data;
    info.PrivateDriverDataSize = sizeof(data);
    NTSTATUS status = create_allocation(umd, &info, buffer);
    if (!NT_SUCCESS(status))
        return status;
    buffer->size = data.size;
    buffer->cpu = memory;
    return finish_buffer(umd, false, buffer);
}

NTSTATUS umd_buffer_destroy(struct umd *umd, struct umd_buffer *buffer)
{
    D3DKMT_FREEGPUVIRTUALADDRESS unmap;
    D3DKMT_DESTROYALLOCATION2 destroy;

    memset(&unmap, 0, sizeof(unmap));
    unmap.hAdapter = umd->adapter;
    unmap.BaseAddress = buffer->address;
    unmap.Size = buffer->size;
    NTSTATUS status = D3DKMTFreeGpuVirtualAddress(&unmap);
    memset(&destroy, 0, sizeof(destroy));
    destroy.hDevice = umd->device;
    destroy.phAllocationList = &buffer->allocation;
    destroy.AllocationCount = 1;
    NTSTATUS destroyed = D3DKMTDestroyAllocation2(&destroy);
    memset(buffer, 0, sizeof(*buffer));
    return NT_SUCCESS(status) ? destroyed : status;
}

/* ---- contexts, fences, submission */

NTSTATUS umd_context_create(struct umd *umd, unsigned node, D3DKMT_HANDLE *context)
{
    D3DKMT_CREATECONTEXTVIRTUAL create;

    memset(&create, 0, sizeof(create));
    create.hDevice = umd->device;
    create.NodeOrdinal = node;
    create.EngineAffinity = 1;
    NTSTATUS status = D3DKMTCreateContextVirtual(&create);
    *context = create.hContext;
    return status;
}

NTSTATUS umd_fence_create(struct umd *umd, uint64_t value, struct umd_fence *fence)
{
    D3DKMT_CREATESYNCHRONIZATIONOBJECT2 create;

    memset(&create, 0, sizeof(create));
    create.hDevice = umd->device;
    create.Info.Type = D3DDDI_MONITORED_FENCE;
    create.Info.MonitoredFence.InitialFenceValue = value;
    NTSTATUS status = D3DKMTCreateSynchronizationObject2(&create);
    fence->object = create.hSyncObject;
    fence->cpu = create.Info.MonitoredFence.FenceValueCPUVirtualAddress;
    fence->address = create.Info.MonitoredFence.FenceValueGPUVirtualAddress;
    return status;
}

uint64_t umd_fence_value(const struct umd_fence *fence)
{
    return __atomic_load_n((const uint64_t *)fence->cpu, __ATOMIC_ACQUIRE);
}

NTSTATUS umd_submit(D3DKMT_HANDLE context, uint64_t commands, size_t size)
{
    D3DKMT_SUBMITCOMMAND submit;

    memset(&submit, 0, sizeof(submit));
    submit.Commands = commands;
    submit.CommandLength = (UINT)size;
    submit.BroadcastContextCount = 1;
    submit.BroadcastContext[0] = context;
    return D3DKMTSubmitCommand(&submit);
}

NTSTATUS umd_signal(D3DKMT_HANDLE context, const struct umd_fence *fence, uint64_t value)
{
    D3DKMT_SIGNALSYNCHRONIZATIONOBJECTFROMGPU signal;

    memset(&signal, 0, sizeof(signal));
    signal.hContext = context;
    signal.ObjectCount = 1;
    signal.ObjectHandleArray = &fence->object;
    signal.MonitoredFenceValueArray = &value;
    return D3DKMTSignalSynchronizationObjectFromGpu(&signal);
}

NTSTATUS umd_wait(D3DKMT_HANDLE context, const struct umd_fence *fence, uint64_t value)
{
    D3DKMT_WAITFORSYNCHRONIZATIONOBJECTFROMGPU wait;

    memset(&wait, 0, sizeof(wait));
    wait.hContext = context;
    wait.ObjectCount = 1;
    wait.ObjectHandleArray = &fence->object;
    wait.MonitoredFenceValueArray = &value;
    return D3DKMTWaitForSynchronizationObjectFromGpu(&wait);
}

NTSTATUS umd_wait_on_cpu(struct umd *umd, const struct umd_fence *fence, uint64_t value)
{
    D3DKMT_WAITFORSYNCHRONIZATIONOBJECTFROMCPU wait;

    memset(&wait, 0, sizeof(wait));
    wait.hDevice = umd->device;
    wait.ObjectCount = 1;
    wait.ObjectHandleArray = &fence->object;
    wait.FenceValueArray = &value;
    return D3DKMTWaitForSynchronizationObjectFromCpu(&wait);
}
