/* SPDX-License-Identifier: MIT */
/*
 * The hot path allocates nothing in steady state: submit, signal, wait, map, make-resident, evict,
 * lock. Every allocation of the process is counted, on all threads.
 */
#include "client.h"
#include "count_allocations.h"

#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum { BATCHES = 20, ROUNDS = 1000 };

static struct umd umd;
static struct umd_buffer commands, target;
static struct umd_fence fence;
static D3DKMT_HANDLE context;
static uint64_t next_value;
static int event;

static int set_up(void **state)
{
    struct softgpu_writer writer;

    if (!NT_SUCCESS(d3dkmt_open(*state ? *state : "loopback")) || !NT_SUCCESS(umd_open(&umd, 0)) ||
        !NT_SUCCESS(umd_context_create(&umd, 0, &context)) ||
        !NT_SUCCESS(umd_fence_create(&umd, 0, &fence)) ||
        !NT_SUCCESS(umd_buffer_create(&umd, 4096, SOFTGPU_ALLOCATION_CPU_VISIBLE, &commands)) ||
        !NT_SUCCESS(umd_buffer_create(&umd, 65536, SOFTGPU_ALLOCATION_CPU_VISIBLE, &target)))
        return -1;
    softgpu_writer_init(&writer, commands.cpu, commands.size);
    softgpu_write32(&writer, target.address, 0x600d);
    commands.size = softgpu_writer_size(&writer);
    next_value = 0;
    event = eventfd(0, EFD_CLOEXEC);
    return event < 0 ? -1 : 0;
}

static int tear_down(void **state)
{
    (void)state;
    close(event);
    umd_close(&umd);
    D3DKMTCloseDxCoreDevice();
    return 0;
}

/*
 * The fewest allocations that many rounds in a row needed. Pools grow to the largest number of
 * things that were ever in flight at once, which the scheduling of threads may raise by one late in
 * the day; what allocates in every round never comes to 0.
 */
static unsigned allocations_of(void (*round)(void))
{
    unsigned fewest = UINT32_MAX;

    for (int batch = 0; batch < BATCHES && fewest > 0; batch++) {
        unsigned before = allocations_counted();

        for (int i = 0; i < ROUNDS; i++)
            round();
        unsigned needed = allocations_counted() - before;
        if (needed < fewest)
            fewest = needed;
    }
    return fewest;
}

static void submit_signal_and_wait(void)
{
    uint64_t value = ++next_value;

    assert_success(umd_submit(context, commands.address, commands.size));
    assert_success(umd_signal(context, &fence, value));
    assert_success(umd_wait_on_cpu(&umd, &fence, value));
}

static void submission_allocates_nothing(void **state)
{
    (void)state;
    assert_int_equal(allocations_of(submit_signal_and_wait), 0);
}

static void wait_on_gpu_and_signal_from_cpu(void)
{
    D3DKMT_SIGNALSYNCHRONIZATIONOBJECTFROMCPU signal;
    uint64_t value = next_value + 1;

    assert_success(umd_wait(context, &fence, value));
    assert_success(umd_submit(context, commands.address, commands.size));
    assert_success(umd_signal(context, &fence, value + 1));
    memset(&signal, 0, sizeof(signal));
    signal.hDevice = umd.device;
    signal.ObjectCount = 1;
    signal.ObjectHandleArray = &fence.object;
    signal.FenceValueArray = &value;
    assert_success(D3DKMTSignalSynchronizationObjectFromCpu(&signal));
    next_value = value + 1;
    assert_success(umd_wait_on_cpu(&umd, &fence, next_value));
}

static void gpu_waits_allocate_nothing(void **state)
{
    (void)state;
    assert_int_equal(allocations_of(wait_on_gpu_and_signal_from_cpu), 0);
}

static void wait_with_an_event(void)
{
    D3DKMT_WAITFORSYNCHRONIZATIONOBJECTFROMCPU wait;
    uint64_t value = ++next_value, count;

    memset(&wait, 0, sizeof(wait));
    wait.hDevice = umd.device;
    wait.ObjectCount = 1;
    wait.ObjectHandleArray = &fence.object;
    wait.FenceValueArray = &value;
    wait.hAsyncEvent = (HANDLE)(intptr_t)event;
    assert_success(D3DKMTWaitForSynchronizationObjectFromCpu(&wait));
    assert_success(umd_signal(context, &fence, value));
    assert_int_equal(read(event, &count, sizeof(count)), sizeof(count));
    assert_int_equal(count, 1);
}

static void event_waits_allocate_nothing(void **state)
{
    (void)state;
    assert_int_equal(allocations_of(wait_with_an_event), 0);
}

static void map_and_free(void)
{
    D3DDDI_MAPGPUVIRTUALADDRESS map;
    D3DKMT_FREEGPUVIRTUALADDRESS unmap;

    memset(&map, 0, sizeof(map));
    map.hPagingQueue = umd.paging_queue;
    map.hAllocation = target.allocation;
    map.SizeInPages = 16;
    map.Protection.Write = 1;
    assert_success(D3DKMTMapGpuVirtualAddress(&map));
    memset(&unmap, 0, sizeof(unmap));
    unmap.hAdapter = umd.adapter;
    unmap.BaseAddress = map.VirtualAddress;
    unmap.Size = 65536;
    assert_success(D3DKMTFreeGpuVirtualAddress(&unmap));
}

static void mapping_allocates_nothing(void **state)
{
    (void)state;
    assert_int_equal(allocations_of(map_and_free), 0);
}

static void make_resident_and_evict(void)
{
    D3DDDI_MAKERESIDENT resident;
    D3DKMT_EVICT evict;

    memset(&resident, 0, sizeof(resident));
    resident.hPagingQueue = umd.paging_queue;
    resident.NumAllocations = 1;
    resident.AllocationList = &target.allocation;
    assert_success(D3DKMTMakeResident(&resident));
    memset(&evict, 0, sizeof(evict));
    evict.hDevice = umd.device;
    evict.NumAllocations = 1;
    evict.AllocationList = &target.allocation;
    assert_success(D3DKMTEvict(&evict));
}

static void residency_allocates_nothing(void **state)
{
    (void)state;
    assert_int_equal(allocations_of(make_resident_and_evict), 0);
}

static void lock_and_unlock(void)
{
    D3DKMT_LOCK2 lock;
    D3DKMT_UNLOCK2 unlock = {umd.device, target.allocation};

    memset(&lock, 0, sizeof(lock));
    lock.hDevice = umd.device;
    lock.hAllocation = target.allocation;
    assert_success(D3DKMTLock2(&lock));
    assert_success(D3DKMTUnlock2(&unlock));
}

static void locking_allocates_nothing(void **state)
{
    (void)state;
    assert_int_equal(allocations_of(lock_and_unlock), 0);
}

static void allocate_something(void)
{
    D3DKMTCloseDxCoreDevice(); /* the library's own allocations are what matters */
    assert_success(d3dkmt_open("loopback"));
}

static void the_counters_see_the_library(void **state)
{
    unsigned before = allocations_counted();

    (void)state;
    allocate_something();
    assert_true(allocations_counted() > before);
}

int main(void)
{
    static char async[] = "loopback:async";
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
#define TEST_ASYNC(name)                                                                           \
    {                                                                                              \
#name " (async)", name, set_up, tear_down, async                                           \
    }
    const struct CMUnitTest tests[] = {
        TEST(the_counters_see_the_library),     TEST(submission_allocates_nothing),
        TEST(gpu_waits_allocate_nothing),       TEST(event_waits_allocate_nothing),
        TEST(mapping_allocates_nothing),        TEST(residency_allocates_nothing),
        TEST(locking_allocates_nothing),        TEST_ASYNC(submission_allocates_nothing),
        TEST_ASYNC(gpu_waits_allocate_nothing),
    };
#undef TEST

    return cmocka_run_group_tests(tests, NULL, NULL);
}
