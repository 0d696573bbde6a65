/* SPDX-License-Identifier: MIT */
/* Allocations and resources: life, and the CPU's access to them. */
#include "conformance/conformance.h"

#include <sys/mman.h>

enum { SIZE = 65536 };

/* The arguments for a number of allocations of SIZE bytes on the world's device. */
struct creation {
    D3DKMT_CREATEALLOCATION args;
    D3DDDI_ALLOCATIONINFO2 infos[16];
    struct softgpu_allocation data[16];
};

static D3DKMT_CREATEALLOCATION *prepare(const struct world *world, struct creation *creation,
                                        UINT count)
{
    memset(creation, 0, sizeof(*creation));
    for (UINT i = 0; i < COUNT(creation->infos); i++) {
        creation->data[i] = softgpu_allocation_data(SIZE, SOFTGPU_ALLOCATION_CPU_VISIBLE);
        creation->infos[i].pPrivateDriverData = &creation->data[i];
        creation->infos[i].PrivateDriverDataSize = sizeof(creation->data[i]);
    }
    creation->args.hDevice = HANDLE_OF(world, DEVICE);
    creation->args.NumAllocations = count;
    creation->args.pAllocationInfo2 = creation->infos;
    return &creation->args;
}

static NTSTATUS destroy_list(D3DKMT_HANDLE device, const D3DKMT_HANDLE *list, UINT count)
{
    ARGS(D3DKMT_DESTROYALLOCATION2, destroy);

    destroy.hDevice = device;
    destroy.phAllocationList = list;
    destroy.AllocationCount = count;
    return D3DKMTDestroyAllocation2(&destroy);
}

static NTSTATUS destroy_resource(D3DKMT_HANDLE device, D3DKMT_HANDLE resource)
{
    ARGS(D3DKMT_DESTROYALLOCATION2, destroy);

    destroy.hDevice = device;
    destroy.hResource = resource;
    return D3DKMTDestroyAllocation2(&destroy);
}

static NTSTATUS lock(const struct world *world, D3DKMT_HANDLE allocation, void **data)
{
    ARGS(D3DKMT_LOCK2, args);

    args.hDevice = HANDLE_OF(world, DEVICE);
    args.hAllocation = allocation;
    NTSTATUS status = D3DKMTLock2(&args);
    *data = args.pData;
    return status;
}

static NTSTATUS unlock(const struct world *world, D3DKMT_HANDLE allocation)
{
    D3DKMT_UNLOCK2 args = {HANDLE_OF(world, DEVICE), allocation};

    return D3DKMTUnlock2(&args);
}

/* ---- CreateAllocation2 */

CONFORMANCE_GPU(CreateAllocation2, every_allocation_gets_a_handle)
{
    struct creation creation;

    assert_success(D3DKMTCreateAllocation2(prepare(world, &creation, 16)));
    for (UINT i = 0; i < 16; i++) {
        assert_int_not_equal(creation.infos[i].hAllocation, 0);
        for (UINT before = 0; before < i; before++)
            assert_int_not_equal(creation.infos[i].hAllocation, creation.infos[before].hAllocation);
    }
}

CONFORMANCE_GPU(CreateAllocation2, without_a_resource_there_is_none)
{
    struct creation creation;

    assert_success(D3DKMTCreateAllocation2(prepare(world, &creation, 1)));
    assert_int_equal(creation.args.hResource, 0);
}

CONFORMANCE_GPU(CreateAllocation2, a_resource_owns_its_allocations)
{
    struct creation creation;
    void *data;

    prepare(world, &creation, 4)->Flags.CreateResource = 1;
    assert_success(D3DKMTCreateAllocation2(&creation.args));
    assert_int_not_equal(creation.args.hResource, 0);
    assert_success(destroy_resource(creation.args.hDevice, creation.args.hResource));
    for (UINT i = 0; i < 4; i++)
        assert_fails(lock(world, creation.infos[i].hAllocation, &data), STATUS_INVALID_PARAMETER);
}

CONFORMANCE_GPU(CreateAllocation2, a_resource_can_grow)
{
    struct creation first, second;
    void *data;

    prepare(world, &first, 1)->Flags.CreateResource = 1;
    assert_success(D3DKMTCreateAllocation2(&first.args));
    prepare(world, &second, 1)->hResource = first.args.hResource;
    assert_success(D3DKMTCreateAllocation2(&second.args));
    assert_success(destroy_resource(first.args.hDevice, first.args.hResource));
    assert_fails(lock(world, second.infos[0].hAllocation, &data), STATUS_INVALID_PARAMETER);
}

CONFORMANCE_GPU(CreateAllocation2, the_driver_writes_private_data_back)
{
    struct creation creation;

    prepare(world, &creation, 1);
    creation.data[0].size = SIZE - 100;
    assert_success(D3DKMTCreateAllocation2(&creation.args));
    assert_int_equal(creation.data[0].size, SIZE); /* whole pages */
}

CONFORMANCE_GPU(CreateAllocation2, one_bad_description_spoils_all)
{
    struct creation creation;

    prepare(world, &creation, 4);
    creation.data[2].magic ^= 1;
    assert_false(NT_SUCCESS(D3DKMTCreateAllocation2(&creation.args)));
    for (UINT i = 0; i < 4; i++)
        assert_int_equal(creation.infos[i].hAllocation, 0);
}

CONFORMANCE(CreateAllocation2, what_flags_exclude_is_refused)
{
    struct creation creation;

    prepare(world, &creation, 1)->Flags.CreateShared = 1;
    assert_fails(D3DKMTCreateAllocation2(&creation.args), STATUS_INVALID_PARAMETER);
    prepare(world, &creation, 1)->Flags.CreateShared = 1;
    creation.args.Flags.CreateResource = 1; /* still without NtSecuritySharing */
    assert_fails(D3DKMTCreateAllocation2(&creation.args), STATUS_INVALID_PARAMETER);
    prepare(world, &creation, 1)->Flags.ExistingSection = 1;
    assert_fails(D3DKMTCreateAllocation2(&creation.args), STATUS_INVALID_PARAMETER);
    prepare(world, &creation, 1)->Flags.CreateProtected = 1;
    assert_fails(D3DKMTCreateAllocation2(&creation.args), STATUS_INVALID_PARAMETER);
}

CONFORMANCE(CreateAllocation2, private_data_of_an_allocation_are_limited)
{
    struct creation creation;

    prepare(world, &creation, 1);
    creation.infos[0].pPrivateDriverData = world->scratch;
    creation.infos[0].PrivateDriverDataSize = 131072;
    assert_fails(D3DKMTCreateAllocation2(&creation.args), STATUS_INVALID_PARAMETER);
}

CONFORMANCE(CreateAllocation2, private_data_of_a_resource_are_limited)
{
    struct creation creation;

    prepare(world, &creation, 1)->Flags.CreateResource = 1;
    creation.args.pPrivateDriverData = world->scratch;
    creation.args.PrivateDriverDataSize = 131073;
    assert_fails(D3DKMTCreateAllocation2(&creation.args), STATUS_BUFFER_TOO_SMALL);
}

CONFORMANCE(CreateAllocation2, a_resource_of_another_device_is_refused)
{
    struct creation creation;

    prepare(world, &creation, 1)->hDevice = HANDLE_OF(world, OTHER_DEVICE);
    creation.args.hResource = HANDLE_OF(world, RESOURCE);
    assert_fails(D3DKMTCreateAllocation2(&creation.args), STATUS_INVALID_PARAMETER);
}

/* ---- memory of the caller's */

static void *memory_of_my_own(size_t size)
{
    void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    assert_true(memory != MAP_FAILED);
    return memory;
}

CONFORMANCE_MEMORY(CreateAllocation2, the_gpu_works_on_the_callers_memory)
{
    struct client_gpu gpu;
    struct umd_buffer buffer;
    struct softgpu_writer writer;
    uint32_t *memory = memory_of_my_own(SIZE);

    conformance_gpu(world, &gpu);
    memory[0] = 0x1111;
    assert_success(umd_buffer_wrap(&gpu.umd, memory, SIZE, &buffer));
    softgpu_writer_init(&writer, gpu.commands.cpu, gpu.commands.size);
    softgpu_copy(&writer, gpu.target.address, buffer.address, 4);
    softgpu_write32(&writer, buffer.address + SIZE - 4, 0x2222);
    assert_success(conformance_submit(&gpu, &writer));
    conformance_finish(&gpu);
    assert_int_equal(conformance_target(&gpu), 0x1111);
    assert_int_equal(__atomic_load_n(&memory[SIZE / 4 - 1], __ATOMIC_ACQUIRE), 0x2222);
    assert_success(umd_buffer_destroy(&gpu.umd, &buffer));
    munmap(memory, SIZE);
}

CONFORMANCE_GPU(CreateAllocation2, memory_must_begin_at_a_page)
{
    struct creation creation;
    char *memory = memory_of_my_own(2 * SIZE);

    prepare(world, &creation, 1);
    creation.infos[0].pSystemMem = memory + 64;
    assert_fails(D3DKMTCreateAllocation2(&creation.args), STATUS_INVALID_PARAMETER);
    munmap(memory, 2 * SIZE);
}

CONFORMANCE_GPU(CreateAllocation2, either_all_allocations_bring_memory_or_none)
{
    struct creation creation;
    char *memory = memory_of_my_own(SIZE);

    prepare(world, &creation, 2);
    creation.infos[1].pSystemMem = memory;
    assert_fails(D3DKMTCreateAllocation2(&creation.args), STATUS_INVALID_PARAMETER);
    munmap(memory, SIZE);
}

CONFORMANCE_MEMORY(CreateAllocation2, memory_must_be_there_to_the_last_page)
{
    struct creation creation;
    char *memory = memory_of_my_own(SIZE);

    munmap(memory + SIZE - 4096, 4096);
    prepare(world, &creation, 1);
    creation.data[0].flags |= SOFTGPU_ALLOCATION_NON_LOCAL;
    creation.infos[0].pSystemMem = memory;
    assert_false(NT_SUCCESS(D3DKMTCreateAllocation2(&creation.args)));
    munmap(memory, SIZE - 4096);
}

static D3DKMT_CREATEALLOCATION *prepare_standard(const struct world *world,
                                                 struct creation *creation,
                                                 D3DKMT_CREATESTANDARDALLOCATION *standard,
                                                 void *memory)
{
    memset(standard, 0, sizeof(*standard));
    standard->Type = D3DKMT_STANDARDALLOCATIONTYPE_EXISTINGHEAP;
    standard->ExistingHeapData.Size = SIZE;
    prepare(world, creation, 1);
    creation->infos[0].pPrivateDriverData = NULL;
    creation->infos[0].PrivateDriverDataSize = 0;
    creation->infos[0].pSystemMem = memory;
    creation->args.pStandardAllocation = standard;
    creation->args.Flags.StandardAllocation = 1;
    creation->args.Flags.ExistingSysMem = 1;
    creation->args.Flags.CreateResource = 1;
    return &creation->args;
}

CONFORMANCE_MEMORY(CreateAllocation2, a_standard_allocation_needs_no_private_data)
{
    D3DKMT_CREATESTANDARDALLOCATION standard;
    struct creation creation;
    void *memory = memory_of_my_own(SIZE), *data;

    assert_success(D3DKMTCreateAllocation2(prepare_standard(world, &creation, &standard, memory)));
    assert_success(lock(world, creation.infos[0].hAllocation, &data));
    assert_ptr_equal(data, memory);
    assert_success(unlock(world, creation.infos[0].hAllocation));
    assert_success(destroy_resource(creation.args.hDevice, creation.args.hResource));
    munmap(memory, SIZE);
}

CONFORMANCE_GPU(CreateAllocation2, standard_allocations_are_checked)
{
    D3DKMT_CREATESTANDARDALLOCATION standard;
    struct creation creation;
    char *memory = memory_of_my_own(SIZE);

    prepare_standard(world, &creation, &standard, memory);
    standard.ExistingHeapData.Size = SIZE - 1;
    assert_fails(D3DKMTCreateAllocation2(&creation.args), STATUS_INVALID_PARAMETER);
    prepare_standard(world, &creation, &standard, memory);
    standard.ExistingHeapData.Size = 0;
    assert_fails(D3DKMTCreateAllocation2(&creation.args), STATUS_INVALID_PARAMETER);
    prepare_standard(world, &creation, &standard, memory + 1);
    assert_fails(D3DKMTCreateAllocation2(&creation.args), STATUS_INVALID_PARAMETER);
    prepare_standard(world, &creation, &standard, NULL);
    assert_fails(D3DKMTCreateAllocation2(&creation.args), STATUS_INVALID_PARAMETER);
    prepare_standard(world, &creation, &standard, memory)->Flags.ExistingSysMem = 0;
    assert_fails(D3DKMTCreateAllocation2(&creation.args), STATUS_INVALID_PARAMETER);
    prepare_standard(world, &creation, &standard, memory)->NumAllocations = 2;
    assert_fails(D3DKMTCreateAllocation2(&creation.args), STATUS_INVALID_PARAMETER);
    prepare_standard(world, &creation, &standard, memory);
    standard.Type = D3DKMT_STANDARDALLOCATIONTYPE_MAX;
    assert_fails(D3DKMTCreateAllocation2(&creation.args), STATUS_INVALID_PARAMETER);
    munmap(memory, SIZE);
}

/* ---- DestroyAllocation2 */

CONFORMANCE_GPU(DestroyAllocation2, ends_the_handle)
{
    struct creation creation;
    void *data;

    assert_success(D3DKMTCreateAllocation2(prepare(world, &creation, 1)));
    D3DKMT_HANDLE allocation = creation.infos[0].hAllocation;
    assert_success(destroy_list(creation.args.hDevice, &allocation, 1));
    assert_fails(lock(world, allocation, &data), STATUS_INVALID_PARAMETER);
    assert_fails(destroy_list(creation.args.hDevice, &allocation, 1), STATUS_INVALID_PARAMETER);
}

CONFORMANCE(DestroyAllocation2, either_a_resource_or_a_list)
{
    D3DKMT_HANDLE allocation = HANDLE_OF(world, ALLOCATION);
    ARGS(D3DKMT_DESTROYALLOCATION2, destroy);
    void *data;

    destroy.hDevice = HANDLE_OF(world, DEVICE);
    assert_fails(D3DKMTDestroyAllocation2(&destroy), STATUS_INVALID_PARAMETER);
    destroy.hResource = HANDLE_OF(world, RESOURCE);
    destroy.phAllocationList = &allocation;
    destroy.AllocationCount = 1;
    assert_fails(D3DKMTDestroyAllocation2(&destroy), STATUS_INVALID_PARAMETER);
    assert_success(lock(world, allocation, &data));
}

CONFORMANCE(DestroyAllocation2, one_wrong_handle_spares_all)
{
    D3DKMT_HANDLE list[] = {HANDLE_OF(world, ALLOCATION), HANDLE_OF(world, MEMORY), 0x7fffffc0};
    void *data;

    assert_fails(destroy_list(HANDLE_OF(world, DEVICE), list, 3), STATUS_INVALID_PARAMETER);
    assert_success(lock(world, list[0], &data));
    assert_success(lock(world, list[1], &data));
}

CONFORMANCE(DestroyAllocation2, a_handle_twice_spares_it)
{
    D3DKMT_HANDLE list[] = {HANDLE_OF(world, MEMORY), HANDLE_OF(world, MEMORY)};
    void *data;

    assert_fails(destroy_list(HANDLE_OF(world, DEVICE), list, 2), STATUS_INVALID_PARAMETER);
    assert_success(lock(world, list[0], &data));
}

CONFORMANCE(DestroyAllocation2, allocations_of_different_parents_are_refused)
{
    D3DKMT_HANDLE list[] = {HANDLE_OF(world, ALLOCATION), HANDLE_OF(world, PART)};

    assert_fails(destroy_list(HANDLE_OF(world, DEVICE), list, 2), STATUS_INVALID_PARAMETER);
}

CONFORMANCE(DestroyAllocation2, those_of_another_device_are_refused)
{
    D3DKMT_HANDLE allocation = HANDLE_OF(world, ALLOCATION);
    void *data;

    assert_fails(destroy_list(HANDLE_OF(world, OTHER_DEVICE), &allocation, 1),
                 STATUS_INVALID_PARAMETER);
    assert_success(lock(world, allocation, &data));
}

CONFORMANCE_GPU(DestroyAllocation2, memory_is_given_back)
{
    struct umd umd = conformance_umd(world);
    struct umd_buffer buffer;

    /* Many times what the adapter has. */
    for (unsigned i = 0; i < 64; i++) {
        assert_success(umd_buffer_create(&umd, (size_t)64 << 20, 0, &buffer));
        assert_success(umd_buffer_destroy(&umd, &buffer));
    }
}

/* ---- DestroyAllocation */

CONFORMANCE_GPU(DestroyAllocation, is_the_older_form)
{
    struct creation creation;
    void *data;
    ARGS(D3DKMT_DESTROYALLOCATION, destroy);

    assert_success(D3DKMTCreateAllocation2(prepare(world, &creation, 1)));
    destroy.hDevice = creation.args.hDevice;
    destroy.phAllocationList = &creation.infos[0].hAllocation;
    destroy.AllocationCount = 1;
    assert_success(D3DKMTDestroyAllocation(&destroy));
    assert_fails(lock(world, creation.infos[0].hAllocation, &data), STATUS_INVALID_PARAMETER);
}

CONFORMANCE(DestroyAllocation, takes_a_resource)
{
    ARGS(D3DKMT_DESTROYALLOCATION, destroy);
    void *data;

    destroy.hDevice = HANDLE_OF(world, DEVICE);
    destroy.hResource = HANDLE_OF(world, RESOURCE);
    assert_success(D3DKMTDestroyAllocation(&destroy));
    assert_fails(lock(world, HANDLE_OF(world, PART), &data), STATUS_INVALID_PARAMETER);
}

CONFORMANCE(DestroyAllocation, no_arguments)
{
    (void)world;
    assert_fails(D3DKMTDestroyAllocation(NULL), STATUS_INVALID_PARAMETER);
}

/* ---- Lock2, Unlock2 */

CONFORMANCE_GPU(Lock2, new_memory_is_zero)
{
    struct creation creation;
    void *data;

    assert_success(D3DKMTCreateAllocation2(prepare(world, &creation, 1)));
    assert_success(lock(world, creation.infos[0].hAllocation, &data));
    for (unsigned i = 0; i < SIZE; i++)
        assert_int_equal(((const unsigned char *)data)[i], 0);
}

CONFORMANCE_GPU(Lock2, every_locker_gets_the_same_address)
{
    struct creation creation;
    void *first, *second;

    assert_success(D3DKMTCreateAllocation2(prepare(world, &creation, 1)));
    assert_success(lock(world, creation.infos[0].hAllocation, &first));
    assert_success(lock(world, creation.infos[0].hAllocation, &second));
    assert_ptr_equal(first, second);
    memset(first, 0x5a, SIZE);
}

CONFORMANCE_MEMORY(Lock2, memory_of_the_caller_lies_where_it_lies)
{
    void *data;

    assert_success(lock(world, HANDLE_OF(world, MEMORY), &data));
    assert_ptr_equal(data, world->memory);
}

CONFORMANCE_GPU(Lock2, another_device_is_refused)
{
    struct creation creation;
    ARGS(D3DKMT_LOCK2, args);

    assert_success(D3DKMTCreateAllocation2(prepare(world, &creation, 1)));
    args.hDevice = HANDLE_OF(world, OTHER_DEVICE);
    args.hAllocation = creation.infos[0].hAllocation;
    assert_fails(D3DKMTLock2(&args), STATUS_INVALID_PARAMETER);
    assert_null(args.pData);
}

CONFORMANCE_GPU(Lock2, what_the_cpu_may_not_see_is_refused)
{
    struct creation creation;
    void *data;

    prepare(world, &creation, 1);
    creation.data[0] = softgpu_allocation_data(SIZE, 0);
    assert_success(D3DKMTCreateAllocation2(&creation.args));
    assert_false(NT_SUCCESS(lock(world, creation.infos[0].hAllocation, &data)));
}

CONFORMANCE_GPU(Unlock2, content_stays)
{
    struct creation creation;
    void *data;

    assert_success(D3DKMTCreateAllocation2(prepare(world, &creation, 1)));
    D3DKMT_HANDLE allocation = creation.infos[0].hAllocation;
    assert_success(lock(world, allocation, &data));
    memset(data, 0x3c, SIZE);
    assert_success(unlock(world, allocation));
    assert_success(lock(world, allocation, &data));
    for (unsigned i = 0; i < SIZE; i++)
        assert_int_equal(((const unsigned char *)data)[i], 0x3c);
}

CONFORMANCE_GPU(Unlock2, only_what_is_locked)
{
    struct creation creation;
    void *data;

    assert_success(D3DKMTCreateAllocation2(prepare(world, &creation, 1)));
    D3DKMT_HANDLE allocation = creation.infos[0].hAllocation;
    assert_fails(unlock(world, allocation), STATUS_INVALID_PARAMETER);
    assert_success(lock(world, allocation, &data));
    assert_success(lock(world, allocation, &data));
    assert_success(unlock(world, allocation));
    *(volatile char *)data = 1; /* one lock is left */
    assert_success(unlock(world, allocation));
    assert_fails(unlock(world, allocation), STATUS_INVALID_PARAMETER);
}

CONFORMANCE(Unlock2, a_wrong_device_leaves_it_locked)
{
    D3DKMT_UNLOCK2 wrong = {HANDLE_OF(world, CONTEXT), HANDLE_OF(world, ALLOCATION)};

    assert_fails(D3DKMTUnlock2(&wrong), STATUS_INVALID_PARAMETER);
    assert_success(unlock(world, HANDLE_OF(world, ALLOCATION)));
}

/* ---- InvalidateCache */

CONFORMANCE(InvalidateCache, outside_of_the_allocation_is_refused)
{
    ARGS(D3DKMT_INVALIDATECACHE, args);

    args.hDevice = HANDLE_OF(world, DEVICE);
    args.hAllocation = HANDLE_OF(world, ALLOCATION);
    args.Offset = WORLD_BUFFER;
    args.Length = 1;
    assert_false(NT_SUCCESS(D3DKMTInvalidateCache(&args)));
    args.Offset = 1;
    args.Length = ~(D3DKMT_SIZE_T)0;
    assert_false(NT_SUCCESS(D3DKMTInvalidateCache(&args)));
}

CONFORMANCE(InvalidateCache, the_whole_allocation_is_fine)
{
    ARGS(D3DKMT_INVALIDATECACHE, args);

    args.hDevice = HANDLE_OF(world, DEVICE);
    args.hAllocation = HANDLE_OF(world, ALLOCATION);
    args.Length = WORLD_BUFFER;
    assert_success(D3DKMTInvalidateCache(&args));
}
