/* SPDX-License-Identifier: MIT */
/* Paging queues and residency. */
#include "conformance/conformance.h"

static NTSTATUS create_queue(const struct world *world, D3DKMT_CREATEPAGINGQUEUE *args)
{
    args->hDevice = HANDLE_OF(world, DEVICE);
    return D3DKMTCreatePagingQueue(args);
}

static D3DKMT_ALLOCATIONRESIDENCYSTATUS residency(const struct world *world,
                                                  D3DKMT_HANDLE allocation)
{
    D3DKMT_ALLOCATIONRESIDENCYSTATUS status = (D3DKMT_ALLOCATIONRESIDENCYSTATUS)0;
    ARGS(D3DKMT_QUERYALLOCATIONRESIDENCY, query);

    query.hDevice = HANDLE_OF(world, DEVICE);
    query.phAllocationList = &allocation;
    query.AllocationCount = 1;
    query.pResidencyStatus = &status;
    assert_success(D3DKMTQueryAllocationResidency(&query));
    return status;
}

/* Waits for the fence if the call says that it is not done yet. */
static NTSTATUS make_resident(const struct world *world, D3DKMT_HANDLE allocation)
{
    ARGS(D3DDDI_MAKERESIDENT, args);

    args.hPagingQueue = HANDLE_OF(world, PAGING_QUEUE);
    args.NumAllocations = 1;
    args.AllocationList = &allocation;
    NTSTATUS status = D3DKMTMakeResident(&args);
    return status == STATUS_PENDING
               ? client_wait(HANDLE_OF(world, DEVICE), HANDLE_OF(world, PAGING_FENCE),
                             args.PagingFenceValue, 0)
               : status;
}

static NTSTATUS evict(const struct world *world, D3DKMT_HANDLE allocation)
{
    ARGS(D3DKMT_EVICT, args);

    args.hDevice = HANDLE_OF(world, DEVICE);
    args.NumAllocations = 1;
    args.AllocationList = &allocation;
    return D3DKMTEvict(&args);
}

/* ---- CreatePagingQueue, DestroyPagingQueue */

CONFORMANCE(CreatePagingQueue, gives_a_queue_and_its_fence)
{
    ARGS(D3DKMT_CREATEPAGINGQUEUE, queue);

    assert_success(create_queue(world, &queue));
    assert_int_not_equal(queue.hPagingQueue, 0);
    assert_int_not_equal(queue.hSyncObject, 0);
    assert_int_not_equal(queue.hPagingQueue, queue.hSyncObject);
    assert_non_null(queue.FenceValueCPUVirtualAddress);
    assert_int_equal(*(const volatile uint64_t *)queue.FenceValueCPUVirtualAddress, 0);
}

CONFORMANCE(CreatePagingQueue, every_priority_will_do)
{
    for (int priority = -1; priority <= 1; priority++) {
        ARGS(D3DKMT_CREATEPAGINGQUEUE, queue);
        queue.Priority = (D3DDDI_PAGINGQUEUE_PRIORITY)priority;
        assert_success(create_queue(world, &queue));
    }
}

CONFORMANCE(CreatePagingQueue, the_fence_is_not_an_object_of_the_program)
{
    D3DKMT_DESTROYSYNCHRONIZATIONOBJECT destroy = {HANDLE_OF(world, PAGING_FENCE)};

    assert_fails(D3DKMTDestroySynchronizationObject(&destroy), STATUS_INVALID_PARAMETER);
}

CONFORMANCE(DestroyPagingQueue, ends_the_handle_and_its_fence)
{
    D3DDDI_DESTROYPAGINGQUEUE destroy = {HANDLE_OF(world, PAGING_QUEUE)};

    assert_success(D3DKMTDestroyPagingQueue(&destroy));
    assert_fails(D3DKMTDestroyPagingQueue(&destroy), STATUS_INVALID_PARAMETER);
    assert_false(
        NT_SUCCESS(client_wait(HANDLE_OF(world, DEVICE), HANDLE_OF(world, PAGING_FENCE), 0, 0)));
}

CONFORMANCE(DestroyPagingQueue, leaves_other_queues_alone)
{
    ARGS(D3DKMT_CREATEPAGINGQUEUE, other);

    assert_success(create_queue(world, &other));
    D3DDDI_DESTROYPAGINGQUEUE destroy = {other.hPagingQueue};
    assert_success(D3DKMTDestroyPagingQueue(&destroy));
    assert_success(make_resident(world, HANDLE_OF(world, PART)));
}

/* ---- MakeResident, Evict, QueryAllocationResidency */

CONFORMANCE_GPU(QueryAllocationResidency, a_new_allocation_is_not_resident)
{
    assert_int_equal(residency(world, conformance_allocate(HANDLE_OF(world, DEVICE), 65536)),
                     D3DKMT_ALLOCATIONRESIDENCYSTATUS_NOTRESIDENT);
}

CONFORMANCE(QueryAllocationResidency, either_a_resource_or_a_list)
{
    D3DKMT_ALLOCATIONRESIDENCYSTATUS status;
    D3DKMT_HANDLE allocation = HANDLE_OF(world, ALLOCATION);
    ARGS(D3DKMT_QUERYALLOCATIONRESIDENCY, query);

    query.hDevice = HANDLE_OF(world, DEVICE);
    query.pResidencyStatus = &status;
    assert_fails(D3DKMTQueryAllocationResidency(&query), STATUS_INVALID_PARAMETER);
    query.hResource = HANDLE_OF(world, RESOURCE);
    query.phAllocationList = &allocation;
    query.AllocationCount = 1;
    assert_fails(D3DKMTQueryAllocationResidency(&query), STATUS_INVALID_PARAMETER);
}

CONFORMANCE_GPU(QueryAllocationResidency, tells_each_of_a_list)
{
    D3DKMT_HANDLE list[] = {conformance_allocate(HANDLE_OF(world, DEVICE), 4096),
                            HANDLE_OF(world, ALLOCATION)};
    D3DKMT_ALLOCATIONRESIDENCYSTATUS status[2];
    ARGS(D3DKMT_QUERYALLOCATIONRESIDENCY, query);

    query.hDevice = HANDLE_OF(world, DEVICE);
    query.phAllocationList = list;
    query.AllocationCount = 2;
    query.pResidencyStatus = status;
    assert_success(D3DKMTQueryAllocationResidency(&query));
    assert_int_equal(status[0], D3DKMT_ALLOCATIONRESIDENCYSTATUS_NOTRESIDENT);
    assert_int_equal(status[1], D3DKMT_ALLOCATIONRESIDENCYSTATUS_RESIDENTINGPUMEMORY);
}

CONFORMANCE_GPU(MakeResident, makes_it_so)
{
    D3DKMT_HANDLE allocation = conformance_allocate(HANDLE_OF(world, DEVICE), 65536);

    assert_success(make_resident(world, allocation));
    assert_int_equal(residency(world, allocation),
                     D3DKMT_ALLOCATIONRESIDENCYSTATUS_RESIDENTINGPUMEMORY);
}

CONFORMANCE_GPU(MakeResident, holds_are_counted)
{
    D3DKMT_HANDLE allocation = conformance_allocate(HANDLE_OF(world, DEVICE), 65536);

    assert_success(make_resident(world, allocation));
    assert_success(make_resident(world, allocation));
    assert_success(evict(world, allocation));
    assert_int_equal(residency(world, allocation),
                     D3DKMT_ALLOCATIONRESIDENCYSTATUS_RESIDENTINGPUMEMORY);
    assert_success(evict(world, allocation));
    assert_int_equal(residency(world, allocation), D3DKMT_ALLOCATIONRESIDENCYSTATUS_NOTRESIDENT);
}

CONFORMANCE_GPU(MakeResident, fence_values_rise)
{
    UINT64 last = 0;

    for (unsigned i = 0; i < 8; i++) {
        D3DKMT_HANDLE allocation = conformance_allocate(HANDLE_OF(world, DEVICE), 4096);
        ARGS(D3DDDI_MAKERESIDENT, args);

        args.hPagingQueue = HANDLE_OF(world, PAGING_QUEUE);
        args.NumAllocations = 1;
        args.AllocationList = &allocation;
        assert_success(D3DKMTMakeResident(&args));
        assert_true(args.PagingFenceValue >= last);
        last = args.PagingFenceValue;
        assert_success(
            client_wait(HANDLE_OF(world, DEVICE), HANDLE_OF(world, PAGING_FENCE), last, 0));
    }
}

CONFORMANCE_GPU(MakeResident, what_exceeds_all_memory_is_refused_with_the_bytes_to_trim)
{
    ARGS(D3DKMT_QUERYVIDEOMEMORYINFO, memory);
    ARGS(D3DDDI_MAKERESIDENT, args);
    D3DKMT_HANDLE list[3];

    memory.hAdapter = HANDLE_OF(world, ADAPTER);
    assert_success(D3DKMTQueryVideoMemoryInfo(&memory));
    for (unsigned i = 0; i < 3; i++)
        list[i] = conformance_allocate(HANDLE_OF(world, DEVICE), memory.Budget / 2 & ~(UINT64)4095);
    args.hPagingQueue = HANDLE_OF(world, PAGING_QUEUE);
    args.NumAllocations = 3;
    args.AllocationList = list;
    assert_false(NT_SUCCESS(D3DKMTMakeResident(&args)));
    assert_true(args.NumBytesToTrim > 0);
    for (unsigned i = 0; i < 3; i++)
        assert_int_equal(residency(world, list[i]), D3DKMT_ALLOCATIONRESIDENCYSTATUS_NOTRESIDENT);
}

CONFORMANCE_GPU(Evict, content_is_preserved)
{
    struct client_gpu gpu;
    struct umd_buffer buffer;
    struct softgpu_writer writer;

    conformance_gpu(world, &gpu);
    assert_success(umd_buffer_create(&gpu.umd, 65536, 0, &buffer));
    softgpu_writer_init(&writer, gpu.commands.cpu, gpu.commands.size);
    softgpu_fill(&writer, buffer.address, 0x77777777, 65536);
    assert_success(conformance_submit(&gpu, &writer));
    conformance_finish(&gpu);
    assert_success(evict(world, buffer.allocation));
    assert_success(make_resident(world, buffer.allocation));
    softgpu_writer_init(&writer, gpu.commands.cpu, gpu.commands.size);
    softgpu_copy(&writer, gpu.target.address, buffer.address + 65536 - 4, 4);
    assert_success(conformance_submit(&gpu, &writer));
    conformance_finish(&gpu);
    assert_int_equal(conformance_target(&gpu), 0x77777777);
}

CONFORMANCE_GPU(Evict, lets_the_memory_go)
{
    ARGS(D3DKMT_QUERYVIDEOMEMORYINFO, before);
    D3DKMT_HANDLE allocation = conformance_allocate(HANDLE_OF(world, DEVICE), 1 << 20);

    before.hAdapter = HANDLE_OF(world, ADAPTER);
    assert_success(make_resident(world, allocation));
    D3DKMT_QUERYVIDEOMEMORYINFO after = before;
    assert_success(D3DKMTQueryVideoMemoryInfo(&before));
    assert_success(evict(world, allocation));
    assert_success(D3DKMTQueryVideoMemoryInfo(&after));
    assert_int_equal(before.CurrentUsage - after.CurrentUsage, 1 << 20);
}

/* They allow the host to be lazy, and ask for nothing. */
CONFORMANCE_GPU(Evict, flags_change_nothing_that_a_program_may_rely_on)
{
    for (unsigned flags = 0; flags < 4; flags++) {
        D3DKMT_HANDLE allocation = conformance_allocate(HANDLE_OF(world, DEVICE), 65536);
        ARGS(D3DKMT_EVICT, args);

        assert_success(make_resident(world, allocation));
        args.hDevice = HANDLE_OF(world, DEVICE);
        args.NumAllocations = 1;
        args.AllocationList = &allocation;
        args.Flags.Value = flags;
        assert_success(D3DKMTEvict(&args));
        assert_success(make_resident(world, allocation));
        assert_int_equal(residency(world, allocation),
                         D3DKMT_ALLOCATIONRESIDENCYSTATUS_RESIDENTINGPUMEMORY);
    }
}

CONFORMANCE_GPU(Evict, a_refusal_says_that_the_host_tells_no_reason)
{
    assert_false(NT_SUCCESS(evict(world, 0x7fffffc0)));
    assert_non_null(strstr(d3dkmt_last_error(), "EVICT"));
    assert_non_null(strstr(d3dkmt_last_error(), "no status"));
}

CONFORMANCE_GPU(Evict, what_nobody_holds_may_be_evicted)
{
    assert_success(evict(world, conformance_allocate(HANDLE_OF(world, DEVICE), 4096)));
}
CONFORMANCE(QueryAllocationResidency, a_resource_has_one_status)
{
    D3DKMT_ALLOCATIONRESIDENCYSTATUS status[2] = {(D3DKMT_ALLOCATIONRESIDENCYSTATUS)0,
                                                  (D3DKMT_ALLOCATIONRESIDENCYSTATUS)77};
    ARGS(D3DKMT_QUERYALLOCATIONRESIDENCY, query);

    query.hDevice = HANDLE_OF(world, DEVICE);
    query.hResource = HANDLE_OF(world, RESOURCE);
    query.pResidencyStatus = status;
    assert_success(D3DKMTQueryAllocationResidency(&query));
    assert_in_range(status[0], D3DKMT_ALLOCATIONRESIDENCYSTATUS_RESIDENTINGPUMEMORY,
                    D3DKMT_ALLOCATIONRESIDENCYSTATUS_NOTRESIDENT);
    assert_int_equal(status[1], 77);
}
