/* SPDX-License-Identifier: MIT */
/* GPU virtual addresses: reserving, mapping, freeing. */
#include "conformance/conformance.h"

enum { SIZE = WORLD_BUFFER };

static NTSTATUS reserve(const struct world *world, D3DDDI_RESERVEGPUVIRTUALADDRESS *args)
{
    args->hAdapter = HANDLE_OF(world, ADAPTER);
    if (args->Size == 0)
        args->Size = SIZE;
    return D3DKMTReserveGpuVirtualAddress(args);
}

static NTSTATUS unmap(const struct world *world, uint64_t address, uint64_t size)
{
    ARGS(D3DKMT_FREEGPUVIRTUALADDRESS, args);

    args.hAdapter = HANDLE_OF(world, ADAPTER);
    args.BaseAddress = address;
    args.Size = size;
    return D3DKMTFreeGpuVirtualAddress(&args);
}

/* Maps the world's allocation as args says, and waits for it. */
static NTSTATUS map(const struct world *world, D3DDDI_MAPGPUVIRTUALADDRESS *args)
{
    args->hPagingQueue = HANDLE_OF(world, PAGING_QUEUE);
    args->hAllocation = HANDLE_OF(world, ALLOCATION);
    if (args->SizeInPages == 0)
        args->SizeInPages = SIZE / 4096;
    NTSTATUS status = D3DKMTMapGpuVirtualAddress(args);
    return status == STATUS_PENDING
               ? client_wait(HANDLE_OF(world, DEVICE), HANDLE_OF(world, PAGING_FENCE),
                             args->PagingFenceValue, 0)
               : status;
}

/* Lets the GPU write to an address: whether the device survives it. */
static bool gpu_writes(struct client_gpu *gpu, uint64_t address, uint32_t word)
{
    struct softgpu_writer writer;
    ARGS(D3DKMT_GETDEVICESTATE, state);

    softgpu_writer_init(&writer, gpu->commands.cpu, gpu->commands.size);
    softgpu_write32(&writer, address, word);
    if (!NT_SUCCESS(conformance_submit(gpu, &writer)))
        return false;
    (void)umd_signal(gpu->context, &gpu->fence, ++gpu->last_value);
    (void)umd_wait_on_cpu(&gpu->umd, &gpu->fence, gpu->last_value);
    state.hDevice = gpu->umd.device;
    state.StateType = D3DKMT_DEVICESTATE_EXECUTION;
    assert_success(D3DKMTGetDeviceState(&state));
    return state.ExecutionState == D3DKMT_DEVICEEXECUTION_ACTIVE;
}

/* ---- ReserveGpuVirtualAddress */

CONFORMANCE(ReserveGpuVirtualAddress, gives_an_address)
{
    ARGS(D3DDDI_RESERVEGPUVIRTUALADDRESS, args);

    assert_success(reserve(world, &args));
    assert_int_not_equal(args.VirtualAddress, 0);
    assert_int_equal(args.VirtualAddress % 4096, 0);
}

CONFORMANCE(ReserveGpuVirtualAddress, ranges_do_not_overlap)
{
    enum { RANGES = 32 };
    uint64_t addresses[RANGES];

    for (unsigned i = 0; i < RANGES; i++) {
        ARGS(D3DDDI_RESERVEGPUVIRTUALADDRESS, args);

        assert_success(reserve(world, &args));
        addresses[i] = args.VirtualAddress;
        for (unsigned before = 0; before < i; before++)
            assert_true(addresses[i] >= addresses[before] + SIZE ||
                        addresses[before] >= addresses[i] + SIZE);
    }
}

CONFORMANCE(ReserveGpuVirtualAddress, takes_a_paging_queue_too)
{
    ARGS(D3DDDI_RESERVEGPUVIRTUALADDRESS, args);

    args.hPagingQueue = HANDLE_OF(world, PAGING_QUEUE);
    args.Size = SIZE;
    assert_success(D3DKMTReserveGpuVirtualAddress(&args));
    assert_int_not_equal(args.VirtualAddress, 0);
}

CONFORMANCE(ReserveGpuVirtualAddress, a_wish_is_granted)
{
    ARGS(D3DDDI_RESERVEGPUVIRTUALADDRESS, any);
    ARGS(D3DDDI_RESERVEGPUVIRTUALADDRESS, args);

    assert_success(reserve(world, &any));
    assert_success(unmap(world, any.VirtualAddress, SIZE));
    args.BaseAddress = any.VirtualAddress;
    assert_success(reserve(world, &args));
    assert_int_equal(args.VirtualAddress, any.VirtualAddress);
}

CONFORMANCE(ReserveGpuVirtualAddress, limits_are_kept)
{
    ARGS(D3DDDI_RESERVEGPUVIRTUALADDRESS, args);

    args.MinimumAddress = (uint64_t)1 << 36;
    args.MaximumAddress = (uint64_t)1 << 37;
    assert_success(reserve(world, &args));
    assert_true(args.VirtualAddress >= args.MinimumAddress);
    assert_true(args.VirtualAddress + SIZE <= args.MaximumAddress);
}

CONFORMANCE(ReserveGpuVirtualAddress, no_bytes_or_too_many_are_refused)
{
    ARGS(D3DDDI_RESERVEGPUVIRTUALADDRESS, args);

    args.hAdapter = HANDLE_OF(world, ADAPTER);
    assert_false(NT_SUCCESS(D3DKMTReserveGpuVirtualAddress(&args)));
    args.Size = ~(uint64_t)4095;
    assert_false(NT_SUCCESS(D3DKMTReserveGpuVirtualAddress(&args)));
}

/* ---- MapGpuVirtualAddress */

CONFORMANCE_GPU(MapGpuVirtualAddress, the_gpu_reaches_the_memory)
{
    struct client_gpu gpu;
    ARGS(D3DDDI_MAPGPUVIRTUALADDRESS, args);
    ARGS(D3DKMT_LOCK2, lock);

    conformance_gpu(world, &gpu);
    args.Protection.Write = 1;
    assert_success(map(world, &args));
    assert_true(gpu_writes(&gpu, args.VirtualAddress + 128, 0x4242));
    lock.hDevice = HANDLE_OF(world, DEVICE);
    lock.hAllocation = HANDLE_OF(world, ALLOCATION);
    assert_success(D3DKMTLock2(&lock));
    assert_int_equal(((const volatile uint32_t *)lock.pData)[32], 0x4242);
}

CONFORMANCE_GPU(MapGpuVirtualAddress, one_memory_at_two_addresses)
{
    struct client_gpu gpu;
    ARGS(D3DDDI_MAPGPUVIRTUALADDRESS, args);
    struct softgpu_writer writer;

    conformance_gpu(world, &gpu);
    args.Protection.Write = 1;
    assert_success(map(world, &args));
    assert_int_not_equal(args.VirtualAddress, world->address);
    softgpu_writer_init(&writer, gpu.commands.cpu, gpu.commands.size);
    softgpu_write32(&writer, args.VirtualAddress + 8192, 0x9999);
    softgpu_copy(&writer, gpu.target.address, world->address + 8192, 4);
    assert_success(conformance_submit(&gpu, &writer));
    conformance_finish(&gpu);
    assert_int_equal(conformance_target(&gpu), 0x9999);
}

CONFORMANCE_GPU(MapGpuVirtualAddress, read_only_means_it)
{
    struct client_gpu gpu;
    ARGS(D3DDDI_MAPGPUVIRTUALADDRESS, args);

    conformance_gpu(world, &gpu);
    assert_success(map(world, &args));
    assert_false(gpu_writes(&gpu, args.VirtualAddress, 1));
}

CONFORMANCE_GPU(MapGpuVirtualAddress, a_part_begins_at_its_offset)
{
    struct client_gpu gpu;
    ARGS(D3DDDI_MAPGPUVIRTUALADDRESS, args);
    struct softgpu_writer writer;

    conformance_gpu(world, &gpu);
    args.Protection.Write = 1;
    args.OffsetInPages = 2;
    args.SizeInPages = 1;
    assert_success(map(world, &args));
    softgpu_writer_init(&writer, gpu.commands.cpu, gpu.commands.size);
    softgpu_write32(&writer, args.VirtualAddress, 0x1357);
    softgpu_copy(&writer, gpu.target.address, world->address + 8192, 4);
    assert_success(conformance_submit(&gpu, &writer));
    conformance_finish(&gpu);
    assert_int_equal(conformance_target(&gpu), 0x1357);
}

CONFORMANCE(MapGpuVirtualAddress, maps_into_what_was_reserved)
{
    ARGS(D3DDDI_MAPGPUVIRTUALADDRESS, args);

    args.BaseAddress = world->reserved;
    args.Protection.Write = 1;
    assert_success(map(world, &args));
    assert_int_equal(args.VirtualAddress, world->reserved);
}

CONFORMANCE(MapGpuVirtualAddress, behind_the_end_is_refused)
{
    ARGS(D3DDDI_MAPGPUVIRTUALADDRESS, args);

    args.OffsetInPages = SIZE / 4096;
    args.SizeInPages = 1;
    assert_false(NT_SUCCESS(map(world, &args)));
    memset(&args, 0, sizeof(args));
    args.OffsetInPages = ~(uint64_t)0;
    args.SizeInPages = 2;
    assert_false(NT_SUCCESS(map(world, &args)));
}

/* A device of its own, and what maps for it. */
static void open_other_device(const struct world *world, D3DKMT_HANDLE *queue,
                              D3DKMT_HANDLE *allocation)
{
    ARGS(D3DKMT_CREATEPAGINGQUEUE, paging);

    *allocation = conformance_allocate(HANDLE_OF(world, OTHER_DEVICE), SIZE);
    paging.hDevice = HANDLE_OF(world, OTHER_DEVICE);
    assert_success(D3DKMTCreatePagingQueue(&paging));
    *queue = paging.hPagingQueue;
}

CONFORMANCE(MapGpuVirtualAddress, another_devices_allocation_is_refused)
{
    D3DKMT_HANDLE queue, allocation;
    ARGS(D3DDDI_MAPGPUVIRTUALADDRESS, args);

    open_other_device(world, &queue, &allocation);
    args.hPagingQueue = queue;
    args.hAllocation = HANDLE_OF(world, ALLOCATION);
    args.SizeInPages = SIZE / 4096;
    assert_fails(D3DKMTMapGpuVirtualAddress(&args), STATUS_INVALID_PARAMETER);
    args.hPagingQueue = HANDLE_OF(world, PAGING_QUEUE);
    args.hAllocation = allocation;
    assert_fails(D3DKMTMapGpuVirtualAddress(&args), STATUS_INVALID_PARAMETER);
    args.hPagingQueue = queue;
    assert_success(D3DKMTMapGpuVirtualAddress(&args));
}

/* ---- FreeGpuVirtualAddress */

CONFORMANCE_GPU(FreeGpuVirtualAddress, the_gpu_reaches_it_no_more)
{
    struct client_gpu gpu;
    ARGS(D3DDDI_MAPGPUVIRTUALADDRESS, args);

    conformance_gpu(world, &gpu);
    args.Protection.Write = 1;
    assert_success(map(world, &args));
    assert_true(gpu_writes(&gpu, args.VirtualAddress, 1));
    assert_success(unmap(world, args.VirtualAddress, SIZE));
    assert_false(gpu_writes(&gpu, args.VirtualAddress, 2));
}

CONFORMANCE(FreeGpuVirtualAddress, what_is_free_already_is_refused)
{
    assert_success(unmap(world, world->reserved, SIZE));
    assert_false(NT_SUCCESS(unmap(world, world->reserved, SIZE)));
}

/* ---- UpdateGpuVirtualAddress */

CONFORMANCE_GPU(UpdateGpuVirtualAddress, maps_in_order_with_the_contexts_work)
{
    struct client_gpu gpu;
    D3DDDI_UPDATEGPUVIRTUALADDRESS_OPERATION operation;
    struct softgpu_writer writer;
    ARGS(D3DKMT_UPDATEGPUVIRTUALADDRESS, args);

    conformance_gpu(world, &gpu);
    memset(&operation, 0, sizeof(operation));
    operation.OperationType = D3DDDI_UPDATEGPUVIRTUALADDRESS_MAP;
    operation.Map.BaseAddress = world->reserved;
    operation.Map.SizeInBytes = SIZE;
    operation.Map.hAllocation = HANDLE_OF(world, ALLOCATION);
    operation.Map.AllocationSizeInBytes = SIZE;
    args.hDevice = gpu.umd.device;
    args.hContext = gpu.context;
    args.hFenceObject = gpu.fence.object;
    args.NumOperations = 1;
    args.Operations = &operation;
    args.FenceValue = 0; /* waits for 0, and then signals 1 */
    gpu.last_value = 1;
    assert_success(D3DKMTUpdateGpuVirtualAddress(&args));
    assert_success(umd_wait_on_cpu(&gpu.umd, &gpu.fence, 1));
    softgpu_writer_init(&writer, gpu.commands.cpu, gpu.commands.size);
    softgpu_copy(&writer, gpu.target.address, world->reserved, 4);
    assert_success(conformance_submit(&gpu, &writer));
    conformance_finish(&gpu);
    /* The first word of the allocation is the world's command. */
    assert_int_equal(conformance_target(&gpu), softgpu_header(SOFTGPU_WRITE32, 4));
}

CONFORMANCE(UpdateGpuVirtualAddress, another_devices_allocation_is_refused)
{
    D3DKMT_HANDLE queue, allocation;
    D3DDDI_UPDATEGPUVIRTUALADDRESS_OPERATION operation;
    ARGS(D3DKMT_UPDATEGPUVIRTUALADDRESS, args);

    open_other_device(world, &queue, &allocation);
    memset(&operation, 0, sizeof(operation));
    operation.OperationType = D3DDDI_UPDATEGPUVIRTUALADDRESS_MAP;
    operation.Map.BaseAddress = world->reserved;
    operation.Map.SizeInBytes = SIZE;
    operation.Map.hAllocation = allocation;
    operation.Map.AllocationSizeInBytes = SIZE;
    args.hDevice = HANDLE_OF(world, DEVICE);
    args.hContext = HANDLE_OF(world, CONTEXT);
    args.hFenceObject = HANDLE_OF(world, FENCE);
    args.NumOperations = 1;
    args.Operations = &operation;
    assert_fails(D3DKMTUpdateGpuVirtualAddress(&args), STATUS_INVALID_PARAMETER);
    operation.Map.hAllocation = HANDLE_OF(world, ALLOCATION);
    assert_success(D3DKMTUpdateGpuVirtualAddress(&args));
}
