/* SPDX-License-Identifier: MIT */
#include "guest/world.h"

#include <d3dkmt/softgpu.h>

#include <dirent.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

const char *const world_names[WORLD_OBJECTS] = {
    [WORLD_NOTHING] = "0",
    [WORLD_ADAPTER] = "an adapter",
    [WORLD_DEVICE] = "a device",
    [WORLD_CONTEXT] = "a context",
    [WORLD_HW_CONTEXT] = "a context for hardware queues",
    [WORLD_HW_QUEUE] = "a hardware queue",
    [WORLD_PROGRESS_FENCE] = "a progress fence",
    [WORLD_PAGING_QUEUE] = "a paging queue",
    [WORLD_PAGING_FENCE] = "a paging fence",
    [WORLD_FENCE] = "a monitored fence",
    [WORLD_NOTIFICATION] = "a CPU notification",
    [WORLD_LEGACY_FENCE] = "a legacy fence",
    [WORLD_SHARED_FENCE] = "a shared fence",
    [WORLD_GLOBAL_FENCE] = "a shared fence's global handle",
    [WORLD_ALLOCATION] = "an allocation",
    [WORLD_MEMORY] = "an allocation on the caller's memory",
    [WORLD_RESOURCE] = "a resource",
    [WORLD_PART] = "an allocation of a resource",
    [WORLD_SHARED_RESOURCE] = "a shared resource",
    [WORLD_SHARED_PART] = "an allocation of a shared resource",
    [WORLD_OTHER_DEVICE] = "another device",
};

const char *const world_descriptor_names[WORLD_DESCRIPTORS] = {
    [WORLD_FENCE_DESCRIPTOR] = "a shared fence's descriptor",
    [WORLD_RESOURCE_DESCRIPTOR] = "a shared resource's descriptor",
    [WORLD_SYNC_FILE] = "a sync file",
};

static NTSTATUS note(struct world *world, enum d3dkmt_op_id op, NTSTATUS status)
{
    if (!NT_SUCCESS(status)) {
        if (world->failures++ == 0) {
            world->first_failure = d3dkmt_find_op(op)->name;
            world->first_status = status;
        }
    }
    return status;
}

static NTSTATUS make(struct world *world, enum d3dkmt_op_id op, void *args)
{
    return note(world, op, world->call(world->context, op, args));
}

#define MAKE(world, op, args) make((world), D3DKMT_OP_##op, (args))

/* ---- create */

static void open_adapter(struct world *world)
{
    D3DKMT_ADAPTERINFO infos[16];
    D3DKMT_ENUMADAPTERS3 list;

    memset(infos, 0, sizeof(infos));
    memset(&list, 0, sizeof(list));
    list.Filter.IncludeComputeOnly = 1;
    list.NumAdapters = 16;
    list.pAdapters = infos;
    MAKE(world, EnumAdapters3, &list);
    world->handles[WORLD_ADAPTER] = infos[0].hAdapter;
    world->luid = infos[0].AdapterLuid;
}

static D3DKMT_HANDLE make_device(struct world *world)
{
    D3DKMT_CREATEDEVICE device;

    memset(&device, 0, sizeof(device));
    device.hAdapter = world->handles[WORLD_ADAPTER];
    MAKE(world, CreateDevice, &device);
    return device.hDevice;
}

static void make_paging_queue(struct world *world)
{
    D3DKMT_CREATEPAGINGQUEUE queue;

    memset(&queue, 0, sizeof(queue));
    queue.hDevice = world->handles[WORLD_DEVICE];
    queue.Priority = D3DDDI_PAGINGQUEUE_PRIORITY_NORMAL;
    if (NT_SUCCESS(MAKE(world, CreatePagingQueue, &queue))) {
        world->handles[WORLD_PAGING_QUEUE] = queue.hPagingQueue;
        world->handles[WORLD_PAGING_FENCE] = queue.hSyncObject;
    }
}

static D3DKMT_HANDLE make_context(struct world *world, bool for_hw_queues)
{
    D3DKMT_CREATECONTEXTVIRTUAL context;

    memset(&context, 0, sizeof(context));
    context.hDevice = world->handles[WORLD_DEVICE];
    context.EngineAffinity = 1;
    context.Flags.HwQueueSupported = for_hw_queues;
    MAKE(world, CreateContextVirtual, &context);
    return context.hContext;
}

static void make_hw_queue(struct world *world)
{
    D3DKMT_CREATEHWQUEUE queue;

    memset(&queue, 0, sizeof(queue));
    queue.hHwContext = world->handles[WORLD_HW_CONTEXT];
    if (NT_SUCCESS(MAKE(world, CreateHwQueue, &queue))) {
        world->handles[WORLD_HW_QUEUE] = queue.hHwQueue;
        world->handles[WORLD_PROGRESS_FENCE] = queue.hHwQueueProgressFence;
    }
}

static void make_fences(struct world *world)
{
    D3DKMT_CREATESYNCHRONIZATIONOBJECT2 create;

    memset(&create, 0, sizeof(create));
    create.hDevice = world->handles[WORLD_DEVICE];
    create.Info.Type = D3DDDI_MONITORED_FENCE;
    if (NT_SUCCESS(MAKE(world, CreateSynchronizationObject2, &create))) {
        world->handles[WORLD_FENCE] = create.hSyncObject;
        world->fence_value = create.Info.MonitoredFence.FenceValueCPUVirtualAddress;
    }
    memset(&create, 0, sizeof(create));
    create.hDevice = world->handles[WORLD_DEVICE];
    create.Info.Type = D3DDDI_CPU_NOTIFICATION;
    create.Info.CPUNotification.Event = (HANDLE)(intptr_t)world->event;
    if (NT_SUCCESS(MAKE(world, CreateSynchronizationObject2, &create)))
        world->handles[WORLD_NOTIFICATION] = create.hSyncObject;
    memset(&create, 0, sizeof(create));
    create.hDevice = world->handles[WORLD_DEVICE];
    create.Info.Type = D3DDDI_FENCE;
    if (NT_SUCCESS(MAKE(world, CreateSynchronizationObject2, &create)))
        world->handles[WORLD_LEGACY_FENCE] = create.hSyncObject;
}

static D3DKMT_HANDLE make_allocation(struct world *world, void *memory, bool in_resource)
{
    struct softgpu_allocation data = softgpu_allocation_data(
        WORLD_BUFFER, SOFTGPU_ALLOCATION_CPU_VISIBLE | SOFTGPU_ALLOCATION_CACHED |
                          (memory ? SOFTGPU_ALLOCATION_NON_LOCAL : 0));
    D3DDDI_ALLOCATIONINFO2 info;
    D3DKMT_CREATEALLOCATION create;

    memset(&info, 0, sizeof(info));
    info.pSystemMem = memory;
    info.pPrivateDriverData = &data;
    info.PrivateDriverDataSize = sizeof(data);
    memset(&create, 0, sizeof(create));
    create.hDevice = world->handles[WORLD_DEVICE];
    create.NumAllocations = 1;
    create.pAllocationInfo2 = &info;
    create.Flags.CreateResource = in_resource;
    NTSTATUS status = world->call(world->context, D3DKMT_OP_CreateAllocation2, &create);
    /* Not every host reaches the caller's memory. */
    if (memory && status == STATUS_NOT_SUPPORTED) {
        world->memory_refused = true;
        return make_allocation(world, NULL, in_resource);
    }
    if (!NT_SUCCESS(note(world, D3DKMT_OP_CreateAllocation2, status)))
        return 0;
    if (in_resource)
        world->handles[WORLD_RESOURCE] = create.hResource;
    return info.hAllocation;
}

/* ---- sharing */

static void make_shared_fence(struct world *world)
{
    D3DKMT_CREATESYNCHRONIZATIONOBJECT2 create;

    memset(&create, 0, sizeof(create));
    create.hDevice = world->handles[WORLD_DEVICE];
    create.Info.Type = D3DDDI_MONITORED_FENCE;
    create.Info.Flags.Shared = 1;
    create.Info.Flags.NtSecuritySharing = 1;
    create.Info.MonitoredFence.InitialFenceValue = 1;
    if (NT_SUCCESS(MAKE(world, CreateSynchronizationObject2, &create))) {
        world->handles[WORLD_SHARED_FENCE] = create.hSyncObject;
        world->handles[WORLD_GLOBAL_FENCE] = create.Info.SharedHandle;
    }
}

static void make_shared_resource(struct world *world)
{
    static const unsigned char runtime_data[WORLD_RUNTIME_DATA] = {1, 2, 3, 4, 5, 6, 7, 8};
    struct softgpu_allocation data = softgpu_allocation_data(WORLD_PAGE, 0);
    D3DDDI_ALLOCATIONINFO2 info;
    D3DKMT_CREATEALLOCATION create;

    memset(&info, 0, sizeof(info));
    info.pPrivateDriverData = &data;
    info.PrivateDriverDataSize = sizeof(data);
    memset(&create, 0, sizeof(create));
    create.hDevice = world->handles[WORLD_DEVICE];
    create.pPrivateRuntimeData = runtime_data;
    create.PrivateRuntimeDataSize = sizeof(runtime_data);
    create.NumAllocations = 1;
    create.pAllocationInfo2 = &info;
    create.Flags.CreateResource = 1;
    create.Flags.CreateShared = 1;
    create.Flags.NtSecuritySharing = 1;
    if (NT_SUCCESS(MAKE(world, CreateAllocation2, &create))) {
        world->handles[WORLD_SHARED_RESOURCE] = create.hResource;
        world->handles[WORLD_SHARED_PART] = info.hAllocation;
    }
}

static int share_object(struct world *world, enum world_object object)
{
    D3DKMT_SHAREOBJECTS share;
    HANDLE descriptor = NULL;

    memset(&share, 0, sizeof(share));
    share.ObjectCount = 1;
    share.ObjectHandleArray = &world->handles[object];
    share.pSharedNtHandle = &descriptor;
    return NT_SUCCESS(MAKE(world, ShareObjects, &share)) ? (int)(intptr_t)descriptor : -1;
}

static int make_sync_file(struct world *world)
{
    D3DKMT_CREATESYNCFILE create = {world->handles[WORLD_DEVICE],
                                    world->handles[WORLD_SHARED_FENCE], 1, 0};

    return NT_SUCCESS(MAKE(world, CreateSyncFile, &create)) ? (int)create.hSyncFile : -1;
}

static void share_everything(struct world *world)
{
    make_shared_fence(world);
    make_shared_resource(world);
    world->descriptors[WORLD_FENCE_DESCRIPTOR] = share_object(world, WORLD_SHARED_FENCE);
    world->descriptors[WORLD_RESOURCE_DESCRIPTOR] = share_object(world, WORLD_SHARED_RESOURCE);
    world->descriptors[WORLD_SYNC_FILE] = make_sync_file(world);
}

/* ---- paging and commands */

/* `value` is where the call of `status` has left it. */
static void wait_for_paging(struct world *world, NTSTATUS status, const UINT64 *value)
{
    D3DKMT_WAITFORSYNCHRONIZATIONOBJECTFROMCPU wait;

    if (status != STATUS_PENDING)
        return;
    memset(&wait, 0, sizeof(wait));
    wait.hDevice = world->handles[WORLD_DEVICE];
    wait.ObjectCount = 1;
    wait.ObjectHandleArray = &world->handles[WORLD_PAGING_FENCE];
    wait.FenceValueArray = value;
    MAKE(world, WaitForSynchronizationObjectFromCpu, &wait);
}

static void map_and_make_resident(struct world *world)
{
    D3DDDI_MAPGPUVIRTUALADDRESS map;
    D3DDDI_MAKERESIDENT resident;
    D3DDDI_RESERVEGPUVIRTUALADDRESS reserve;

    memset(&map, 0, sizeof(map));
    map.hPagingQueue = world->handles[WORLD_PAGING_QUEUE];
    map.hAllocation = world->handles[WORLD_ALLOCATION];
    map.SizeInPages = WORLD_BUFFER / WORLD_PAGE;
    map.Protection.Write = 1;
    wait_for_paging(world, MAKE(world, MapGpuVirtualAddress, &map), &map.PagingFenceValue);
    world->address = map.VirtualAddress;
    memset(&resident, 0, sizeof(resident));
    resident.hPagingQueue = world->handles[WORLD_PAGING_QUEUE];
    resident.NumAllocations = 1;
    resident.AllocationList = &world->handles[WORLD_ALLOCATION];
    wait_for_paging(world, MAKE(world, MakeResident, &resident), &resident.PagingFenceValue);
    memset(&reserve, 0, sizeof(reserve));
    reserve.hAdapter = world->handles[WORLD_ADAPTER];
    reserve.Size = WORLD_BUFFER;
    if (NT_SUCCESS(MAKE(world, ReserveGpuVirtualAddress, &reserve)))
        world->reserved = reserve.VirtualAddress;
}

static void write_commands(struct world *world)
{
    D3DKMT_LOCK2 lock;
    D3DKMT_UNLOCK2 unlock = {world->handles[WORLD_DEVICE], world->handles[WORLD_ALLOCATION]};
    struct softgpu_writer writer;

    memset(&lock, 0, sizeof(lock));
    lock.hDevice = world->handles[WORLD_DEVICE];
    lock.hAllocation = world->handles[WORLD_ALLOCATION];
    if (!NT_SUCCESS(MAKE(world, Lock2, &lock)))
        return;
    softgpu_writer_init(&writer, lock.pData, WORLD_PAGE);
    softgpu_write32(&writer, world->address + WORLD_BUFFER - 4, 0x600d);
    world->command_size = (uint32_t)softgpu_writer_size(&writer);
    /* It stays locked, so that there is something to unlock. */
    MAKE(world, Unlock2, &unlock);
    MAKE(world, Lock2, &lock);
}

void world_create(struct world *world, world_call *call, void *context)
{
    memset(world, 0, sizeof(*world));
    world->call = call;
    world->context = context;
    world->scratch = calloc(1, WORLD_SCRATCH);
    world->memory = aligned_alloc(WORLD_PAGE, WORLD_BUFFER);
    world->event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (!world->scratch || !world->memory || world->event < 0) {
        fprintf(stderr, "no memory for the test\n");
        abort();
    }
    memset(world->memory, 0, WORLD_BUFFER);
    open_adapter(world);
    world->handles[WORLD_DEVICE] = make_device(world);
    world->handles[WORLD_OTHER_DEVICE] = make_device(world);
    make_paging_queue(world);
    world->handles[WORLD_CONTEXT] = make_context(world, false);
    world->handles[WORLD_HW_CONTEXT] = make_context(world, true);
    make_hw_queue(world);
    make_fences(world);
    world->handles[WORLD_ALLOCATION] = make_allocation(world, NULL, false);
    world->handles[WORLD_MEMORY] = make_allocation(world, world->memory, false);
    world->handles[WORLD_PART] = make_allocation(world, NULL, true);
    map_and_make_resident(world);
    write_commands(world);
    share_everything(world);
}

/* ---- destroy */

static void destroy_allocations(struct world *world)
{
    D3DKMT_DESTROYALLOCATION2 destroy;

    memset(&destroy, 0, sizeof(destroy));
    destroy.hDevice = world->handles[WORLD_DEVICE];
    destroy.phAllocationList = &world->handles[WORLD_MEMORY];
    destroy.AllocationCount = 1;
    MAKE(world, DestroyAllocation2, &destroy);
    destroy.phAllocationList = &world->handles[WORLD_ALLOCATION];
    MAKE(world, DestroyAllocation2, &destroy);
    destroy.hResource = world->handles[WORLD_RESOURCE];
    destroy.phAllocationList = NULL;
    destroy.AllocationCount = 0;
    MAKE(world, DestroyAllocation2, &destroy);
    destroy.hResource = world->handles[WORLD_SHARED_RESOURCE];
    MAKE(world, DestroyAllocation2, &destroy);
}

/* One end of a pair whose other end is closed everywhere. */
static bool is_hung_up(int descriptor)
{
    struct pollfd poll_for = {.fd = descriptor};
    int type = 0;
    socklen_t size = sizeof(type);

    return getsockopt(descriptor, SOL_SOCKET, SO_TYPE, &type, &size) == 0 &&
           type == SOCK_SEQPACKET && poll(&poll_for, 1, 0) == 1 && poll_for.revents & POLLHUP;
}

static bool has_hung_up_descriptors(void)
{
    DIR *folder = opendir("/proc/self/fd");
    bool found = false;

    for (const struct dirent *entry; folder && !found && (entry = readdir(folder)) != NULL;)
        found = entry->d_name[0] != '.' && is_hung_up(atoi(entry->d_name));
    if (folder)
        closedir(folder);
    return found;
}

void world_settle(void)
{
    for (unsigned i = 0; i < 100000 && has_hung_up_descriptors(); i++)
        usleep(100);
}

void world_abandon(struct world *world)
{
    for (unsigned i = 0; i < WORLD_DESCRIPTORS; i++) {
        if (world->descriptors[i] >= 0)
            close(world->descriptors[i]);
    }
    world_settle();
    close(world->event);
    free(world->memory);
    free(world->scratch);
}

void world_destroy(struct world *world)
{
    static const struct {
        enum d3dkmt_op_id op;
        enum world_object object;
    } order[] = {
        {D3DKMT_OP_DestroyHwQueue, WORLD_HW_QUEUE},
        {D3DKMT_OP_DestroyContext, WORLD_HW_CONTEXT},
        {D3DKMT_OP_DestroyContext, WORLD_CONTEXT},
        {D3DKMT_OP_DestroySynchronizationObject, WORLD_FENCE},
        {D3DKMT_OP_DestroySynchronizationObject, WORLD_NOTIFICATION},
        {D3DKMT_OP_DestroySynchronizationObject, WORLD_LEGACY_FENCE},
        {D3DKMT_OP_DestroySynchronizationObject, WORLD_SHARED_FENCE},
        {D3DKMT_OP_DestroyDevice, WORLD_OTHER_DEVICE},
        {D3DKMT_OP_DestroyDevice, WORLD_DEVICE},
        {D3DKMT_OP_CloseAdapter, WORLD_ADAPTER},
    };
    D3DKMT_FREEGPUVIRTUALADDRESS unmap;
    D3DDDI_DESTROYPAGINGQUEUE queue = {world->handles[WORLD_PAGING_QUEUE]};

    memset(&unmap, 0, sizeof(unmap));
    unmap.hAdapter = world->handles[WORLD_ADAPTER];
    unmap.BaseAddress = world->address;
    unmap.Size = WORLD_BUFFER;
    MAKE(world, FreeGpuVirtualAddress, &unmap);
    destroy_allocations(world);
    MAKE(world, DestroyPagingQueue, &queue);
    for (size_t i = 0; i < sizeof(order) / sizeof(order[0]); i++) {
        D3DKMT_HANDLE handle = world->handles[order[i].object];

        /* Every one of these structs begins with its only handle. */
        make(world, order[i].op, &handle);
    }
    world_abandon(world);
}
