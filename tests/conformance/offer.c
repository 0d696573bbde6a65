/* SPDX-License-Identifier: MIT */
/* Memory that is given up and taken back, and allocation priorities. */
#include "conformance/conformance.h"

enum { SIZE = 65536 };

static struct umd umd;

/* A buffer with content that the CPU wrote, unlocked again. */
static struct umd_buffer new_buffer(const struct world *world)
{
    struct umd_buffer buffer;

    umd = conformance_umd(world);
    assert_success(umd_buffer_create(&umd, SIZE, SOFTGPU_ALLOCATION_CPU_VISIBLE, &buffer));
    memset(buffer.cpu, 0x5c, SIZE);
    const D3DKMT_UNLOCK2 unlock = {umd.device, buffer.allocation};
    assert_success(D3DKMTUnlock2(&unlock));
    return buffer;
}

static NTSTATUS lock(D3DKMT_HANDLE allocation, const unsigned char **data)
{
    ARGS(D3DKMT_LOCK2, args);

    args.hDevice = umd.device;
    args.hAllocation = allocation;
    NTSTATUS status = D3DKMTLock2(&args);
    *data = args.pData;
    return status;
}

static NTSTATUS offer(D3DKMT_HANDLE allocation, D3DKMT_OFFER_PRIORITY priority)
{
    ARGS(D3DKMT_OFFERALLOCATIONS, args);

    args.hDevice = umd.device;
    args.HandleList = &allocation;
    args.NumAllocations = 1;
    args.Priority = priority;
    return D3DKMTOfferAllocations(&args);
}

/* Waits for the paging fence, too. */
static NTSTATUS reclaim(D3DKMT_HANDLE allocation, D3DDDI_RECLAIM_RESULT *result)
{
    ARGS(D3DKMT_RECLAIMALLOCATIONS2, args);

    args.hPagingQueue = umd.paging_queue;
    args.HandleList = &allocation;
    args.NumAllocations = 1;
    args.pResults = result;
    NTSTATUS status = D3DKMTReclaimAllocations2(&args);
    if (NT_SUCCESS(status))
        status = client_wait(umd.device, umd.paging_fence, args.PagingFenceValue, 0);
    return status;
}

/* ---- OfferAllocations, ReclaimAllocations2 */

CONFORMANCE_GPU(OfferAllocations, what_is_offered_may_not_be_locked)
{
    struct umd_buffer buffer = new_buffer(world);
    const unsigned char *data;

    assert_success(offer(buffer.allocation, D3DKMT_OFFER_PRIORITY_NORMAL));
    assert_false(NT_SUCCESS(lock(buffer.allocation, &data)));
}

CONFORMANCE_GPU(OfferAllocations, what_is_locked_may_not_be_offered)
{
    struct umd_buffer buffer = new_buffer(world);
    const unsigned char *data;

    assert_success(lock(buffer.allocation, &data));
    assert_false(NT_SUCCESS(offer(buffer.allocation, D3DKMT_OFFER_PRIORITY_NORMAL)));
}

CONFORMANCE_GPU(OfferAllocations, the_gpu_may_not_use_it)
{
    struct umd_buffer buffer = new_buffer(world);
    struct client_gpu gpu;
    struct softgpu_writer writer;
    ARGS(D3DKMT_GETDEVICESTATE, state);

    conformance_gpu(world, &gpu);
    assert_success(offer(buffer.allocation, D3DKMT_OFFER_PRIORITY_NORMAL));
    softgpu_writer_init(&writer, gpu.commands.cpu, gpu.commands.size);
    softgpu_write32(&writer, buffer.address, 1);
    (void)conformance_submit(&gpu, &writer);
    (void)umd_signal(gpu.context, &gpu.fence, 1);
    (void)umd_wait_on_cpu(&gpu.umd, &gpu.fence, 1);
    state.hDevice = umd.device;
    state.StateType = D3DKMT_DEVICESTATE_EXECUTION;
    assert_success(D3DKMTGetDeviceState(&state));
    assert_int_not_equal(state.ExecutionState, D3DKMT_DEVICEEXECUTION_ACTIVE);
}

CONFORMANCE(OfferAllocations, either_resources_or_allocations)
{
    D3DKMT_HANDLE allocation = HANDLE_OF(world, PART), resource = HANDLE_OF(world, RESOURCE);
    ARGS(D3DKMT_OFFERALLOCATIONS, args);

    args.hDevice = HANDLE_OF(world, DEVICE);
    args.NumAllocations = 1;
    args.Priority = D3DKMT_OFFER_PRIORITY_LOW;
    assert_fails(D3DKMTOfferAllocations(&args), STATUS_INVALID_PARAMETER);
    args.HandleList = &allocation;
    args.pResources = &resource;
    assert_fails(D3DKMTOfferAllocations(&args), STATUS_INVALID_PARAMETER);
}

CONFORMANCE_GPU(OfferAllocations, an_unknown_priority_is_refused)
{
    struct umd_buffer buffer = new_buffer(world);

    assert_false(NT_SUCCESS(offer(buffer.allocation, (D3DKMT_OFFER_PRIORITY)99)));
}

CONFORMANCE_GPU(ReclaimAllocations2, nobody_needed_it_and_everything_is_there)
{
    struct umd_buffer buffer = new_buffer(world);
    D3DDDI_RECLAIM_RESULT result = D3DDDI_RECLAIM_RESULT_NOT_COMMITTED;
    const unsigned char *data;

    assert_success(offer(buffer.allocation, D3DKMT_OFFER_PRIORITY_HIGH));
    assert_success(reclaim(buffer.allocation, &result));
    assert_int_equal(result, D3DDDI_RECLAIM_RESULT_OK);
    assert_success(lock(buffer.allocation, &data));
    for (unsigned i = 0; i < SIZE; i++)
        assert_int_equal(data[i], 0x5c);
}

CONFORMANCE_GPU(ReclaimAllocations2, results_are_optional)
{
    struct umd_buffer buffer = new_buffer(world);
    const unsigned char *data;

    assert_success(offer(buffer.allocation, D3DKMT_OFFER_PRIORITY_LOW));
    assert_success(reclaim(buffer.allocation, NULL));
    assert_success(lock(buffer.allocation, &data));
}

CONFORMANCE(ReclaimAllocations2, either_resources_or_allocations)
{
    ARGS(D3DKMT_RECLAIMALLOCATIONS2, args);

    args.hPagingQueue = HANDLE_OF(world, PAGING_QUEUE);
    args.NumAllocations = 1;
    assert_fails(D3DKMTReclaimAllocations2(&args), STATUS_INVALID_PARAMETER);
}

/* ---- SetAllocationPriority, GetAllocationPriority */

static NTSTATUS set_priority(const struct world *world, D3DKMT_HANDLE resource,
                             const D3DKMT_HANDLE *list, UINT count, const UINT *priorities)
{
    ARGS(D3DKMT_SETALLOCATIONPRIORITY, args);

    args.hDevice = HANDLE_OF(world, DEVICE);
    args.hResource = resource;
    args.phAllocationList = list;
    args.AllocationCount = count;
    args.pPriorities = priorities;
    return D3DKMTSetAllocationPriority(&args);
}

static NTSTATUS get_priority(const struct world *world, D3DKMT_HANDLE resource,
                             const D3DKMT_HANDLE *list, UINT count, UINT *priorities)
{
    ARGS(D3DKMT_GETALLOCATIONPRIORITY, args);

    args.hDevice = HANDLE_OF(world, DEVICE);
    args.hResource = resource;
    args.phAllocationList = list;
    args.AllocationCount = count;
    args.pPriorities = priorities;
    return D3DKMTGetAllocationPriority(&args);
}

CONFORMANCE(GetAllocationPriority, a_new_allocation_is_normal)
{
    D3DKMT_HANDLE allocation = HANDLE_OF(world, ALLOCATION);
    UINT priority = 0;

    assert_success(get_priority(world, 0, &allocation, 1, &priority));
    assert_int_equal(priority, D3DDDI_ALLOCATIONPRIORITY_NORMAL);
}

CONFORMANCE(GetAllocationPriority, tells_each_what_was_set)
{
    const D3DKMT_HANDLE list[] = {HANDLE_OF(world, ALLOCATION), HANDLE_OF(world, MEMORY)};
    const UINT set[] = {D3DDDI_ALLOCATIONPRIORITY_LOW, D3DDDI_ALLOCATIONPRIORITY_MAXIMUM};
    UINT found[2] = {0, 0};

    assert_success(set_priority(world, 0, list, 2, set));
    assert_success(get_priority(world, 0, list, 2, found));
    assert_memory_equal(found, set, sizeof(set));
}

CONFORMANCE(SetAllocationPriority, of_a_resource_for_all_of_it)
{
    const D3DKMT_HANDLE part = HANDLE_OF(world, PART);
    const UINT high = D3DDDI_ALLOCATIONPRIORITY_HIGH;
    UINT found = 0;

    assert_success(set_priority(world, HANDLE_OF(world, RESOURCE), NULL, 0, &high));
    assert_success(get_priority(world, 0, &part, 1, &found));
    assert_int_equal(found, high);
    found = 0;
    assert_success(get_priority(world, HANDLE_OF(world, RESOURCE), NULL, 0, &found));
    assert_int_equal(found, high);
}

CONFORMANCE(SetAllocationPriority, either_a_resource_or_a_list)
{
    const D3DKMT_HANDLE allocation = HANDLE_OF(world, ALLOCATION);
    UINT priority = D3DDDI_ALLOCATIONPRIORITY_LOW;

    assert_fails(set_priority(world, 0, NULL, 0, &priority), STATUS_INVALID_PARAMETER);
    assert_fails(set_priority(world, HANDLE_OF(world, RESOURCE), &allocation, 1, &priority),
                 STATUS_INVALID_PARAMETER);
}

CONFORMANCE(GetAllocationPriority, either_a_resource_or_a_list)
{
    const D3DKMT_HANDLE allocation = HANDLE_OF(world, ALLOCATION);
    UINT priority;

    assert_fails(get_priority(world, 0, NULL, 0, &priority), STATUS_INVALID_PARAMETER);
    assert_fails(get_priority(world, HANDLE_OF(world, RESOURCE), &allocation, 1, &priority),
                 STATUS_INVALID_PARAMETER);
}
