/* SPDX-License-Identifier: MIT */
/* Defects of dxgkrnl that need several objects, threads or much memory to show: here they do not.
 */
#include "client.h"
#include "gpu.h"

#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>

static struct umd first, second;

static int set_up(void **state)
{
    return NT_SUCCESS(d3dkmt_open(*state)) && NT_SUCCESS(umd_open(&first, 0)) &&
                   NT_SUCCESS(umd_open(&second, 1))
               ? 0
               : -1;
}

static int tear_down(void **state)
{
    (void)state;
    umd_close(&first);
    umd_close(&second);
    D3DKMTCloseDxCoreDevice();
    return 0;
}

/* dxgkrnl takes the number of a paging queue for an adapter's handle if there is such a one. */
static void a_paging_queue_is_not_taken_for_an_adapter(void **state)
{
    struct umd_buffer buffer = {.size = 65536};
    const struct softgpu_allocation data = softgpu_allocation_data(65536, 0);
    D3DDDI_ALLOCATIONINFO2 info = {.pPrivateDriverData = (void *)(uintptr_t)&data,
                                   .PrivateDriverDataSize = sizeof(data)};
    D3DKMT_CREATEALLOCATION create = {
        .hDevice = second.device, .NumAllocations = 1, .pAllocationInfo2 = &info};
    D3DDDI_RESERVEGPUVIRTUALADDRESS reserve = {.hPagingQueue = second.paging_queue,
                                               .MinimumAddress = 0x10000,
                                               .MaximumAddress = UINT64_C(1) << 40,
                                               .Size = 65536};
    D3DDDI_MAPGPUVIRTUALADDRESS map = {.SizeInPages = 16, .Protection.Write = 1};
    D3DKMT_FREEGPUVIRTUALADDRESS unmap = {.hAdapter = first.adapter, .Size = 65536};

    (void)state;
    assert_success(D3DKMTCreateAllocation2(&create));
    buffer.allocation = info.hAllocation;
    assert_success(D3DKMTReserveGpuVirtualAddress(&reserve));
    assert_int_not_equal(reserve.VirtualAddress, 0);
    /* The first adapter has reserved nothing; the second has. */
    unmap.BaseAddress = reserve.VirtualAddress;
    assert_false(NT_SUCCESS(D3DKMTFreeGpuVirtualAddress(&unmap)));
    map.hPagingQueue = second.paging_queue;
    map.hAllocation = buffer.allocation;
    map.BaseAddress = reserve.VirtualAddress;
    assert_success(D3DKMTMapGpuVirtualAddress(&map));
    assert_int_equal(map.VirtualAddress, reserve.VirtualAddress);
    unmap.hAdapter = second.adapter;
    assert_success(D3DKMTFreeGpuVirtualAddress(&unmap));
}

/* dxgkrnl counts the bytes of a mapping in 32 bits. */
static void sizes_beyond_32_bits_are_mapped_whole(void **state)
{
    static const uint64_t sizes[] = {UINT64_C(4) << 30, (UINT64_C(4) << 30) + 65536};

    (void)state;
    for (size_t i = 0; i < COUNT(sizes); i++) {
        const struct softgpu_allocation data =
            softgpu_allocation_data(sizes[i], SOFTGPU_ALLOCATION_CPU_VISIBLE);
        D3DDDI_ALLOCATIONINFO2 info = {.pPrivateDriverData = (void *)(uintptr_t)&data,
                                       .PrivateDriverDataSize = sizeof(data)};
        D3DKMT_CREATEALLOCATION create = {
            .hDevice = first.device, .NumAllocations = 1, .pAllocationInfo2 = &info};
        D3DKMT_LOCK2 lock = {.hDevice = first.device};

        assert_success(D3DKMTCreateAllocation2(&create));
        lock.hAllocation = info.hAllocation;
        assert_success(D3DKMTLock2(&lock));
        volatile unsigned char *bytes = lock.pData;
        bytes[0] = 1;
        bytes[sizes[i] - 1] = 2;
        assert_int_equal(bytes[0], 1);
        assert_int_equal(bytes[sizes[i] - 1], 2);
        D3DKMT_UNLOCK2 unlock = {first.device, info.hAllocation};
        assert_success(D3DKMTUnlock2(&unlock));
        D3DKMT_DESTROYALLOCATION2 destroy = {
            .hDevice = first.device, .phAllocationList = &info.hAllocation, .AllocationCount = 1};
        assert_success(D3DKMTDestroyAllocation2(&destroy));
    }
}

/* dxgkrnl frees the handles of a context's queues after the host may have given them away. */
static atomic_uint failures;

static void *make_contexts_with_queues(void *unused)
{
    (void)unused;
    for (unsigned i = 0; i < 300; i++) {
        D3DKMT_CREATEHWQUEUE queue = {0};

        if (!NT_SUCCESS(client_hw_context_create(&first, i % 2, &queue.hHwContext))) {
            atomic_fetch_add(&failures, 1);
            continue;
        }
        if (!NT_SUCCESS(D3DKMTCreateHwQueue(&queue)))
            atomic_fetch_add(&failures, 1);
        const D3DKMT_DESTROYCONTEXT destroy = {queue.hHwContext};
        if (!NT_SUCCESS(D3DKMTDestroyContext(&destroy)))
            atomic_fetch_add(&failures, 1);
    }
    return NULL;
}

static void handles_are_free_before_the_host_reuses_them(void **state)
{
    pthread_t threads[3];

    (void)state;
    atomic_store(&failures, 0);
    for (size_t i = 0; i < COUNT(threads); i++)
        assert_int_equal(pthread_create(&threads[i], NULL, make_contexts_with_queues, NULL), 0);
    for (size_t i = 0; i < COUNT(threads); i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(atomic_load(&failures), 0);
}

/* dxgkrnl keeps no private data of what is added, and crashes when the resource is sealed. */
static void what_is_added_to_a_shared_resource_is_shared_with_it(void **state)
{
    struct softgpu_allocation data = softgpu_allocation_data(4096, SOFTGPU_ALLOCATION_CPU_VISIBLE),
                              opened_data[2] = {0};
    D3DDDI_ALLOCATIONINFO2 info = {.pPrivateDriverData = &data,
                                   .PrivateDriverDataSize = sizeof(data)};
    D3DKMT_CREATEALLOCATION create = {
        .hDevice = first.device, .NumAllocations = 1, .pAllocationInfo2 = &info};
    HANDLE nt_handle = NULL;

    (void)state;
    create.Flags.CreateResource = create.Flags.CreateShared = create.Flags.NtSecuritySharing = 1;
    assert_success(D3DKMTCreateAllocation2(&create));
    data = softgpu_allocation_data(8192, SOFTGPU_ALLOCATION_CPU_VISIBLE);
    info = (D3DDDI_ALLOCATIONINFO2){.pPrivateDriverData = &data,
                                    .PrivateDriverDataSize = sizeof(data)};
    memset(&create.Flags, 0, sizeof(create.Flags));
    assert_success(D3DKMTCreateAllocation2(&create));
    assert_success(D3DKMTShareObjects(1, &create.hResource, NULL, 0, &nt_handle));

    D3DDDI_OPENALLOCATIONINFO2 infos[2] = {0};
    D3DKMT_OPENRESOURCEFROMNTHANDLE open = {.hDevice = first.device,
                                            .hNtHandle = nt_handle,
                                            .NumAllocations = 2,
                                            .pOpenAllocationInfo2 = infos,
                                            .pTotalPrivateDriverDataBuffer = opened_data,
                                            .TotalPrivateDriverDataBufferSize =
                                                sizeof(opened_data)};
    assert_success(D3DKMTOpenResourceFromNtHandle(&open));
    assert_int_equal(opened_data[0].size, 4096);
    assert_int_equal(opened_data[1].size, 8192);
    D3DKMT_LOCK2 lock = {.hDevice = first.device, .hAllocation = infos[1].hAllocation};
    assert_success(D3DKMTLock2(&lock));
    memset(lock.pData, 0x3c, 8192); /* all of it is there */
    close((int)(intptr_t)nt_handle);
}

/* dxgkrnl fills in more than there is room for, and leaves the handles open. */
static void too_small_an_array_is_left_alone(void **state)
{
    D3DKMT_ADAPTERINFO adapters[2], before[2];
    D3DKMT_ENUMADAPTERS3 list = {.NumAdapters = 1, .pAdapters = adapters};

    (void)state;
    memset(adapters, 0x5a, sizeof(adapters));
    memcpy(before, adapters, sizeof(before));
    assert_fails(D3DKMTEnumAdapters3(&list), STATUS_BUFFER_TOO_SMALL);
    assert_int_equal(list.NumAdapters, 2);
    assert_memory_equal(adapters, before, sizeof(before));
}

/* dxgkrnl counts a descriptor that it has not yet made, and later lets the host's object go early.
 */
static void sharing_works_after_it_has_failed(void **state)
{
    D3DKMT_CREATESYNCHRONIZATIONOBJECT2 create = {.hDevice = first.device};
    D3DKMT_OPENSYNCOBJECTFROMNTHANDLE2 open = {.hDevice = first.device};
    HANDLE handles[2] = {NULL, NULL};

    (void)state;
    create.Info.Type = D3DDDI_MONITORED_FENCE;
    create.Info.Flags.Shared = create.Info.Flags.NtSecuritySharing = 1;
    assert_success(D3DKMTCreateSynchronizationObject2(&create));
    assert_success(
        d3dkmt_set_faults("message=CREATENTSHAREDOBJECT,times=1,status=STATUS_ACCESS_DENIED"));
    assert_fails(D3DKMTShareObjects(1, &create.hSyncObject, NULL, 0, &handles[0]),
                 STATUS_ACCESS_DENIED);
    assert_int_equal(d3dkmt_faults_struck(), 1);
    assert_success(d3dkmt_set_faults(NULL));
    assert_null(handles[0]);
    for (unsigned i = 0; i < COUNT(handles); i++)
        assert_success(D3DKMTShareObjects(1, &create.hSyncObject, NULL, 0, &handles[i]));
    /* One of two goes: the other still stands for the fence. */
    close((int)(intptr_t)handles[0]);
    open.hNtHandle = handles[1];
    assert_success(D3DKMTOpenSyncObjectFromNtHandle2(&open));
    close((int)(intptr_t)handles[1]);
}

/* dxgkrnl knows a process by the thread that opened the device first. */
static void *open_and_list(void *backend)
{
    UINT processes[16];
    D3DKMT_ENUMPROCESSES list = {.Buffer = processes, .BufferCount = COUNT(processes)};
    struct umd own;

    D3DKMTCloseDxCoreDevice();
    if (!NT_SUCCESS(d3dkmt_open(backend)) || !NT_SUCCESS(umd_open(&own, 0)))
        return "no adapter";
    list.AdapterLuid = own.luid;
    NTSTATUS status = D3DKMTEnumProcesses(&list);
    umd_close(&own);
    if (!NT_SUCCESS(status) || list.BufferCount != 1)
        return "no list of one";
    return processes[0] == (UINT)getpid() ? NULL : "another process";
}

static void a_process_is_known_by_its_own_number(void **state)
{
    pthread_t thread;
    void *complaint;

    assert_int_equal(pthread_create(&thread, NULL, open_and_list, *state), 0);
    pthread_join(thread, &complaint);
    assert_null(complaint);
    assert_success(umd_open(&first, 0));
    assert_success(umd_open(&second, 1));
}

int main(void)
{
    static char options[] = "loopback:adapters=2,io-space=16G,local-memory=16G";
#define TEST(name)                                                                                 \
    {                                                                                              \
#name, name, set_up, tear_down, options                                                    \
    }
    const struct CMUnitTest tests[] = {
        TEST(too_small_an_array_is_left_alone),
        TEST(a_paging_queue_is_not_taken_for_an_adapter),
        TEST(sizes_beyond_32_bits_are_mapped_whole),
        TEST(handles_are_free_before_the_host_reuses_them),
        TEST(what_is_added_to_a_shared_resource_is_shared_with_it),
        TEST(sharing_works_after_it_has_failed),
        TEST(a_process_is_known_by_its_own_number),
    };
#undef TEST

    return cmocka_run_group_tests(tests, NULL, NULL);
}
