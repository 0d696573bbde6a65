/* SPDX-License-Identifier: MIT */
/*
 * What unmodified drivers do and rely on, beyond what a call's own tests say: docs/clients.md names
 * who.
 */
#include "conformance/conformance.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

enum { PAGE = 4096, SIZE = WORLD_BUFFER };

/* ---- addresses */

static NTSTATUS reserve_at(D3DKMT_HANDLE adapter, uint64_t base, uint64_t size)
{
    ARGS(D3DDDI_RESERVEGPUVIRTUALADDRESS, args);

    args.hAdapter = adapter;
    args.BaseAddress = base;
    args.Size = size;
    NTSTATUS status = D3DKMTReserveGpuVirtualAddress(&args);
    if (NT_SUCCESS(status))
        assert_int_equal(args.VirtualAddress, base);
    return status;
}

static long resident_pages(void)
{
    long total = 0, resident = 0;
    FILE *file = fopen("/proc/self/statm", "re");

    assert_non_null(file);
    assert_int_equal(fscanf(file, "%ld %ld", &total, &resident), 2);
    fclose(file);
    return resident;
}

/* Intel's driver takes the CPU's whole half of the addresses for shared virtual memory. */
#define SVM_BASE 0x200000u
#define SVM_SIZE 0x7fffffe00000u

/* The world's own mappings lie in that half, which no driver's have done at this point: an adapter
 * handle of a process that has just begun. */
static int reserve_everything(void *context)
{
    enum { NOTICEABLE = 16 << 20 };
    struct umd umd;

    (void)context;
    D3DKMTCloseDxCoreDevice();
    CHILD_EXPECT(NT_SUCCESS(umd_open(&umd, 0)));
    long before = resident_pages();
    NTSTATUS first = reserve_at(umd.adapter, SVM_BASE, SVM_SIZE);
    CHILD_EXPECT(NT_SUCCESS(first));
    CHILD_EXPECT((resident_pages() - before) * PAGE < NOTICEABLE);
    /* Through a second handle of the same adapter: it is taken, to the last page. */
    ARGS(D3DKMT_OPENADAPTERFROMLUID, again);
    again.AdapterLuid = umd.luid;
    CHILD_EXPECT(NT_SUCCESS(D3DKMTOpenAdapterFromLuid(&again)));
    CHILD_EXPECT(!NT_SUCCESS(reserve_at(again.hAdapter, SVM_BASE, SVM_SIZE)));
    CHILD_EXPECT(!NT_SUCCESS(reserve_at(again.hAdapter, SVM_BASE + 16 * PAGE, 16 * PAGE)));
    umd_close(&umd);
    return 0;
}

CONFORMANCE_CHILD(ReserveGpuVirtualAddress, half_of_all_addresses_cost_no_memory)
{
    (void)world;
    assert_int_equal(client_in_child(reserve_everything, NULL), 0);
}

/* Maps an allocation, and waits until it is done. */
static NTSTATUS map(const struct world *world, D3DKMT_HANDLE allocation,
                    D3DDDI_MAPGPUVIRTUALADDRESS *args)
{
    args->hPagingQueue = HANDLE_OF(world, PAGING_QUEUE);
    args->hAllocation = allocation;
    args->SizeInPages = SIZE / PAGE;
    NTSTATUS status = D3DKMTMapGpuVirtualAddress(args);
    return status == STATUS_PENDING
               ? client_wait(HANDLE_OF(world, DEVICE), HANDLE_OF(world, PAGING_FENCE),
                             args->PagingFenceValue, 0)
               : status;
}

CONFORMANCE(MapGpuVirtualAddress, without_a_base_it_lies_between_the_limits)
{
    const uint64_t minimum = 0x800100100000, maximum = 0x8001ffffffff;
    ARGS(D3DDDI_MAPGPUVIRTUALADDRESS, args);

    args.MinimumAddress = minimum;
    args.MaximumAddress = maximum;
    args.Protection.Write = 1;
    assert_success(map(world, HANDLE_OF(world, ALLOCATION), &args));
    assert_true(args.VirtualAddress >= minimum);
    assert_true(args.VirtualAddress + SIZE - 1 <= maximum);
}

static void *lock(const struct world *world, D3DKMT_HANDLE allocation)
{
    ARGS(D3DKMT_LOCK2, args);

    args.hDevice = HANDLE_OF(world, DEVICE);
    args.hAllocation = allocation;
    assert_success(D3DKMTLock2(&args));
    assert_non_null(args.pData);
    return args.pData;
}

/* Shared virtual memory: locked before it is mapped, then mapped where the CPU sees it. */
CONFORMANCE_GPU(MapGpuVirtualAddress, the_cpus_address_may_be_the_gpus)
{
    struct softgpu_writer writer;
    struct umd_buffer buffer = {.size = SIZE};
    struct client_gpu gpu;
    ARGS(D3DDDI_MAPGPUVIRTUALADDRESS, args);

    conformance_gpu(world, &gpu);
    assert_success(umd_buffer_create(&gpu.umd, SIZE, SOFTGPU_ALLOCATION_CPU_VISIBLE, &buffer));
    uint32_t *cpu = lock(world, buffer.allocation);
    args.BaseAddress = (uint64_t)(uintptr_t)cpu;
    args.MaximumAddress = 0x7fffffffffff;
    args.Protection.Write = 1;
    assert_success(map(world, buffer.allocation, &args));
    assert_int_equal(args.VirtualAddress, (uintptr_t)cpu);
    softgpu_writer_init(&writer, gpu.commands.cpu, gpu.commands.size);
    softgpu_write32(&writer, (uint64_t)(uintptr_t)(cpu + 5), 0xbeef);
    assert_success(conformance_submit(&gpu, &writer));
    conformance_finish(&gpu);
    assert_int_equal(__atomic_load_n(&cpu[5], __ATOMIC_ACQUIRE), 0xbeef);
    assert_ptr_equal(lock(world, buffer.allocation), cpu);
}

/* AMD's way to take a mapping away: the same place again, without access, with the allocation or
 * without. */
CONFORMANCE_GPU(MapGpuVirtualAddress, no_access_takes_a_mapping_away)
{
    for (int with_allocation = 0; with_allocation < 2; with_allocation++) {
        struct softgpu_writer writer;
        struct client_gpu gpu;
        struct umd umd;
        ARGS(D3DDDI_MAPGPUVIRTUALADDRESS, args);
        ARGS(D3DKMT_GETDEVICESTATE, state);

        (void)world;
        assert_success(umd_open(&umd, 0));
        assert_success(client_gpu_prepare(&gpu, &umd));
        assert_success(client_gpu_run(&gpu, 1));
        args.hPagingQueue = umd.paging_queue;
        args.hAllocation = with_allocation ? gpu.target.allocation : 0;
        args.BaseAddress = gpu.target.address;
        args.SizeInPages = (gpu.target.size + PAGE - 1) / PAGE;
        args.Protection.NoAccess = 1;
        NTSTATUS status = D3DKMTMapGpuVirtualAddress(&args);
        assert_success(status);
        if (status == STATUS_PENDING)
            assert_success(client_wait(umd.device, umd.paging_fence, args.PagingFenceValue, 0));
        softgpu_writer_init(&writer, gpu.commands.cpu, gpu.commands.size);
        softgpu_write32(&writer, gpu.target.address, 2);
        assert_success(conformance_submit(&gpu, &writer));
        (void)umd_signal(gpu.context, &gpu.fence, ++gpu.last_value);
        (void)umd_wait_on_cpu(&gpu.umd, &gpu.fence, gpu.last_value);
        state.hDevice = umd.device;
        state.StateType = D3DKMT_DEVICESTATE_EXECUTION;
        assert_success(D3DKMTGetDeviceState(&state));
        assert_int_not_equal(state.ExecutionState, D3DKMT_DEVICEEXECUTION_ACTIVE);
        umd_close(&umd);
    }
}

/* ---- allocations */

/* Of the driver's private data there are those of the resource's program, of the call and of each
 * allocation. */
CONFORMANCE_GPU(CreateAllocation2, private_data_come_at_three_levels)
{
    static const char runtime[] = "for whoever opens the resource";
    struct softgpu_allocation parts[2] = {softgpu_allocation_data(SIZE, 0),
                                          softgpu_allocation_data(2 * SIZE, 0)};
    D3DDDI_ALLOCATIONINFO2 infos[2];
    char call_data[16] = "of the call";
    HANDLE shared = NULL;
    ARGS(D3DKMT_CREATEALLOCATION, create);
    ARGS(D3DKMT_QUERYRESOURCEINFOFROMNTHANDLE, query);
    ARGS(D3DKMT_OPENRESOURCEFROMNTHANDLE, open);
    D3DDDI_OPENALLOCATIONINFO2 opened[2];
    char kept[sizeof(runtime)] = "";

    memset(infos, 0, sizeof(infos));
    for (unsigned i = 0; i < 2; i++) {
        infos[i].pPrivateDriverData = &parts[i];
        infos[i].PrivateDriverDataSize = sizeof(parts[i]);
        infos[i].VidPnSourceId = D3DDDI_ID_UNINITIALIZED;
    }
    create.hDevice = HANDLE_OF(world, DEVICE);
    create.Flags.CreateResource = 1;
    create.Flags.CreateShared = 1;
    create.Flags.NtSecuritySharing = 1;
    create.pPrivateRuntimeData = runtime;
    create.PrivateRuntimeDataSize = sizeof(runtime);
    create.pPrivateDriverData = call_data;
    create.PrivateDriverDataSize = sizeof(call_data);
    create.NumAllocations = 2;
    create.pAllocationInfo2 = infos;
    assert_success(D3DKMTCreateAllocation2(&create));
    assert_success(D3DKMTShareObjects(1, &create.hResource, NULL, 0, &shared));
    query.hDevice = HANDLE_OF(world, OTHER_DEVICE);
    query.hNtHandle = shared;
    assert_success(D3DKMTQueryResourceInfoFromNtHandle(&query));
    assert_int_equal(query.PrivateRuntimeDataSize, sizeof(runtime));
    assert_int_equal(query.ResourcePrivateDriverDataSize, sizeof(call_data));
    assert_int_equal(query.TotalPrivateDriverDataSize, sizeof(parts));
    assert_int_equal(query.NumAllocations, 2);
    open.hDevice = HANDLE_OF(world, OTHER_DEVICE);
    open.hNtHandle = shared;
    open.NumAllocations = 2;
    open.pOpenAllocationInfo2 = opened;
    open.pPrivateRuntimeData = kept;
    open.PrivateRuntimeDataSize = sizeof(kept);
    open.pResourcePrivateDriverData = call_data;
    open.ResourcePrivateDriverDataSize = sizeof(call_data);
    open.pTotalPrivateDriverDataBuffer = world->scratch;
    open.TotalPrivateDriverDataBufferSize = sizeof(parts);
    memset(call_data, 0, sizeof(call_data));
    assert_success(D3DKMTOpenResourceFromNtHandle(&open));
    assert_string_equal(kept, runtime);
    assert_string_equal(call_data, "of the call");
    assert_memory_equal(world->scratch, parts, sizeof(parts));
    close((int)(intptr_t)shared);
}

/* A pointer to the program's memory, without the flag ExistingSysMem. */
CONFORMANCE_MEMORY(CreateAllocation2, a_pointer_alone_means_the_callers_memory)
{
    struct softgpu_allocation data = softgpu_allocation_data(SIZE, 0);
    D3DDDI_ALLOCATIONINFO2 info;
    ARGS(D3DKMT_CREATEALLOCATION, create);
    ARGS(D3DKMT_LOCK2, args);
    char *memory = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    assert_true(memory != MAP_FAILED);
    memset(&info, 0, sizeof(info));
    info.pSystemMem = memory;
    info.pPrivateDriverData = &data;
    info.PrivateDriverDataSize = sizeof(data);
    create.hDevice = HANDLE_OF(world, DEVICE);
    create.NumAllocations = 1;
    create.pAllocationInfo2 = &info;
    assert_success(D3DKMTCreateAllocation2(&create));
    args.hDevice = create.hDevice;
    args.hAllocation = info.hAllocation;
    assert_success(D3DKMTLock2(&args));
    assert_ptr_equal(args.pData, memory);
    ARGS(D3DKMT_DESTROYALLOCATION2, destroy); /* locked as it is */
    destroy.hDevice = create.hDevice;
    destroy.AllocationCount = 1;
    destroy.phAllocationList = &info.hAllocation;
    assert_success(D3DKMTDestroyAllocation2(&destroy));
    munmap(memory, SIZE);
}

/* Drivers lock for the life of an allocation, several times, and unlock nothing. */
CONFORMANCE_GPU(Lock2, what_is_never_unlocked_can_be_destroyed)
{
    struct umd umd = conformance_umd(world);
    struct umd_buffer buffer;

    assert_success(umd_buffer_create(&umd, SIZE, SOFTGPU_ALLOCATION_CPU_VISIBLE, &buffer));
    for (int i = 0; i < 3; i++)
        assert_ptr_equal(lock(world, buffer.allocation), buffer.cpu);
    assert_success(umd_buffer_destroy(&umd, &buffer));
}

/* ---- queues and fences */

CONFORMANCE(CreateHwQueue, belongs_to_a_virtual_context)
{
    ARGS(D3DKMT_CREATECONTEXTVIRTUAL, context);
    ARGS(D3DKMT_CREATEHWQUEUE, queue);

    context.hDevice = HANDLE_OF(world, DEVICE);
    context.EngineAffinity = 1;
    context.Flags.HwQueueSupported = 1;
    context.Flags.DisableGpuTimeout = 1;
    context.ClientHint = D3DKMT_CLIENTHINT_OPENCL;
    assert_success(D3DKMTCreateContextVirtual(&context));
    queue.hHwContext = context.hContext;
    assert_success(D3DKMTCreateHwQueue(&queue));
    assert_int_not_equal(queue.hHwQueueProgressFence, 0);
    assert_non_null(queue.HwQueueProgressFenceCPUVirtualAddress);
}

/* A paging fence is read, waited for by the CPU, also for 0, and waited for by a context. */
CONFORMANCE_GPU(CreatePagingQueue, its_fence_is_waited_for_everywhere)
{
    struct client_gpu gpu;
    ARGS(D3DKMT_CREATEPAGINGQUEUE, paging);
    ARGS(D3DDDI_MAKERESIDENT, resident);
    ARGS(D3DKMT_WAITFORSYNCHRONIZATIONOBJECTFROMGPU, wait);
    struct umd_buffer buffer;

    conformance_gpu(world, &gpu);
    paging.hDevice = gpu.umd.device;
    assert_success(D3DKMTCreatePagingQueue(&paging));
    assert_success(client_wait(gpu.umd.device, paging.hSyncObject, 0, 0));
    assert_success(umd_buffer_create(&gpu.umd, SIZE, 0, &buffer));
    resident.hPagingQueue = paging.hPagingQueue;
    resident.NumAllocations = 1;
    resident.AllocationList = &buffer.allocation;
    assert_success(D3DKMTMakeResident(&resident));
    wait.hContext = gpu.context;
    wait.ObjectCount = 1;
    wait.ObjectHandleArray = &paging.hSyncObject;
    wait.MonitoredFenceValueArray = &resident.PagingFenceValue;
    assert_success(D3DKMTWaitForSynchronizationObjectFromGpu(&wait));
    assert_success(client_gpu_run(&gpu, 3)); /* behind the wait */
    assert_success(client_wait(gpu.umd.device, paging.hSyncObject, resident.PagingFenceValue, 0));
    assert_true(__atomic_load_n((uint64_t *)paging.FenceValueCPUVirtualAddress, __ATOMIC_ACQUIRE) >=
                resident.PagingFenceValue);
}

/* ---- descriptors */

/* AMD's runtime takes the low half of a variable that it has not initialised. */
CONFORMANCE_GPU(ShareObjects, a_descriptor_fills_all_of_its_handle)
{
    HANDLE handle = (HANDLE)(uintptr_t)-1;

    assert_success(D3DKMTShareObjects(1, &world->handles[WORLD_SHARED_RESOURCE], NULL, 1, &handle));
    assert_int_equal((uint64_t)(uintptr_t)handle >> 32, 0);
    assert_true(dup2((int)(uintptr_t)handle, (int)(uintptr_t)handle) >= 0);
    close((int)(uintptr_t)handle);
}

/* ---- statuses */

/* Microsoft's own test compares with 0. */
CONFORMANCE(QueryAdapterInfo, type_and_description_are_exactly_successful)
{
    static D3DKMT_DRIVER_DESCRIPTION description;
    D3DKMT_ADAPTERTYPE type;

    assert_int_equal(
        conformance_ask_adapter(world, KMTQAITYPE_ADAPTERTYPE_RENDER, &type, sizeof(type)), 0);
    assert_true(type.RenderSupported);
    assert_int_equal(conformance_ask_adapter(world, KMTQAITYPE_DRIVER_DESCRIPTION, &description,
                                             sizeof(description)),
                     0);
}

/* Intel's driver asks at exit, and cleans nothing up when there is no answer. */
CONFORMANCE(GetDeviceState, presentation_is_answered_without_a_display)
{
    ARGS(D3DKMT_GETDEVICESTATE, args);

    args.hDevice = HANDLE_OF(world, DEVICE);
    args.StateType = D3DKMT_DEVICESTATE_PRESENT;
    assert_success(D3DKMTGetDeviceState(&args));
}

/* ---- what is left behind */

/* Programs end with live objects of every kind, as the world has them. */
CONFORMANCE_GPU(CloseDxCoreDevice, what_was_left_alive_is_gone)
{
    const D3DKMT_DESTROYDEVICE destroy = {HANDLE_OF(world, DEVICE)};
    ARGS(D3DKMT_QUERYVIDEOMEMORYINFO, memory);
    struct umd umd;

    memory.hAdapter = HANDLE_OF(world, ADAPTER);
    assert_success(D3DKMTQueryVideoMemoryInfo(&memory));
    assert_true(memory.CurrentUsage > 0);
    D3DKMTCloseDxCoreDevice();
    assert_success(umd_open(&umd, 0));
    memory.hAdapter = umd.adapter;
    assert_success(D3DKMTQueryVideoMemoryInfo(&memory));
    assert_int_equal(memory.CurrentUsage, 0);
    umd_close(&umd);
    assert_fails(D3DKMTDestroyDevice(&destroy), STATUS_INVALID_PARAMETER);
}
