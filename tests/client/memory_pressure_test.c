/* SPDX-License-Identifier: MIT */
/* Memory that is short, through the public interface: offers, reclaims, priorities, figures. */
#include "client.h"

#define MIB ((size_t)1 << 20)

static struct umd umd;

static int open_small(void **state)
{
    (void)state;
    assert_success(d3dkmt_open("loopback:local-memory=8M,local-budget=4M"));
    assert_success(umd_open(&umd, 0));
    return 0;
}

static int close_small(void **state)
{
    (void)state;
    umd_close(&umd);
    D3DKMTCloseDxCoreDevice();
    return 0;
}

static struct umd_buffer buffer_of(size_t size)
{
    struct umd_buffer buffer;

    assert_success(umd_buffer_create(&umd, size, SOFTGPU_ALLOCATION_CPU_VISIBLE, &buffer));
    memset(buffer.cpu, 0x77, size);
    return buffer;
}

static void unlock(const struct umd_buffer *buffer)
{
    const D3DKMT_UNLOCK2 unlock = {umd.device, buffer->allocation};

    assert_success(D3DKMTUnlock2(&unlock));
}

static const unsigned char *lock(const struct umd_buffer *buffer)
{
    D3DKMT_LOCK2 lock;

    memset(&lock, 0, sizeof(lock));
    lock.hDevice = umd.device;
    lock.hAllocation = buffer->allocation;
    assert_success(D3DKMTLock2(&lock));
    return lock.pData;
}

static NTSTATUS offer(const struct umd_buffer *buffer, D3DKMT_OFFER_PRIORITY priority)
{
    D3DKMT_OFFERALLOCATIONS args;

    memset(&args, 0, sizeof(args));
    args.hDevice = umd.device;
    args.HandleList = &buffer->allocation;
    args.NumAllocations = 1;
    args.Priority = priority;
    return D3DKMTOfferAllocations(&args);
}

static D3DDDI_RECLAIM_RESULT reclaim(const struct umd_buffer *buffer)
{
    D3DDDI_RECLAIM_RESULT result = D3DDDI_RECLAIM_RESULT_NOT_COMMITTED;
    D3DKMT_RECLAIMALLOCATIONS2 args;

    memset(&args, 0, sizeof(args));
    args.hPagingQueue = umd.paging_queue;
    args.HandleList = &buffer->allocation;
    args.NumAllocations = 1;
    args.pResults = &result;
    assert_success(D3DKMTReclaimAllocations2(&args));
    assert_int_not_equal(args.PagingFenceValue, 0);
    return result;
}

static uint64_t usage(void)
{
    D3DKMT_QUERYVIDEOMEMORYINFO query;

    memset(&query, 0, sizeof(query));
    query.hAdapter = umd.adapter;
    query.MemorySegmentGroup = D3DKMT_MEMORY_SEGMENT_GROUP_LOCAL;
    assert_success(D3DKMTQueryVideoMemoryInfo(&query));
    assert_true(query.CurrentUsage <= query.Budget);
    return query.CurrentUsage;
}

static void offers_make_room_and_tell_what_was_lost(void **state)
{
    struct umd_buffer kept = buffer_of(MIB);
    struct umd_buffer lost = buffer_of(MIB);

    (void)state;
    assert_fails(offer(&lost, D3DKMT_OFFER_PRIORITY_LOW), STATUS_INVALID_PARAMETER); /* locked */
    unlock(&kept);
    unlock(&lost);
    assert_success(offer(&kept, D3DKMT_OFFER_PRIORITY_HIGH));
    assert_success(offer(&lost, D3DKMT_OFFER_PRIORITY_LOW));
    assert_int_equal(usage(), 0);
    struct umd_buffer large = buffer_of(3 * MIB);
    assert_int_equal(usage(), 3 * MIB);
    assert_int_equal(reclaim(&kept), D3DDDI_RECLAIM_RESULT_OK);
    assert_int_equal(lock(&kept)[MIB - 1], 0x77);
    assert_success(umd_buffer_destroy(&umd, &large));
    assert_int_equal(reclaim(&lost), D3DDDI_RECLAIM_RESULT_DISCARDED);
    assert_int_equal(lock(&lost)[MIB - 1], 0);
    assert_int_equal(usage(), 2 * MIB);
    assert_success(umd_buffer_destroy(&umd, &kept));
    assert_success(umd_buffer_destroy(&umd, &lost));
}

static void priorities_are_kept(void **state)
{
    const UINT priorities[] = {D3DDDI_ALLOCATIONPRIORITY_LOW, D3DDDI_ALLOCATIONPRIORITY_MAXIMUM};
    struct umd_buffer buffers[] = {buffer_of(4096), buffer_of(4096)};
    const D3DKMT_HANDLE handles[] = {buffers[0].allocation, buffers[1].allocation};
    D3DKMT_SETALLOCATIONPRIORITY set;
    D3DKMT_GETALLOCATIONPRIORITY get;
    UINT found[2] = {0, 0};

    (void)state;
    memset(&set, 0, sizeof(set));
    set.hDevice = umd.device;
    set.phAllocationList = handles;
    set.AllocationCount = 2;
    set.pPriorities = priorities;
    assert_success(D3DKMTSetAllocationPriority(&set));
    memset(&get, 0, sizeof(get));
    get.hDevice = umd.device;
    get.phAllocationList = handles;
    get.AllocationCount = 2;
    get.pPriorities = found;
    assert_success(D3DKMTGetAllocationPriority(&get));
    assert_memory_equal(found, priorities, sizeof(found));
}

static D3DKMT_QUERYSTATISTICS ask(D3DKMT_QUERYSTATISTICS_TYPE type, ULONG selector)
{
    D3DKMT_QUERYSTATISTICS query;

    memset(&query, 0, sizeof(query));
    query.Type = type;
    query.AdapterLuid = umd.luid;
    query.QuerySegment.SegmentId = selector;
    assert_success(D3DKMTQueryStatistics(&query));
    return query;
}

/* As system monitors do: counts first, then every segment and node. */
static void statistics_agree_with_what_is_there(void **state)
{
    struct umd_buffer buffer = buffer_of(2 * MIB);
    D3DKMT_QUERYSTATISTICS adapter = ask(D3DKMT_QUERYSTATISTICS_ADAPTER, 0);
    uint64_t resident = 0;

    (void)state;
    assert_int_equal(adapter.QueryResult.AdapterInformation.NbSegments, 2);
    for (ULONG i = 0; i < adapter.QueryResult.AdapterInformation.NbSegments; i++)
        resident +=
            ask(D3DKMT_QUERYSTATISTICS_SEGMENT, i).QueryResult.SegmentInformation.BytesResident;
    assert_true(resident == usage());
    for (ULONG i = 0; i < adapter.QueryResult.AdapterInformation.NodeCount; i++)
        assert_int_equal(ask(D3DKMT_QUERYSTATISTICS_NODE, i)
                             .QueryResult.NodeInformation.GlobalInformation.RunningTime.QuadPart,
                         0);
    D3DKMT_QUERYSTATISTICS wrong = {.Type = D3DKMT_QUERYSTATISTICS_PHYSICAL_ADAPTER,
                                    .AdapterLuid = umd.luid};
    assert_fails(D3DKMTQueryStatistics(&wrong), STATUS_NOT_SUPPORTED);
    assert_success(umd_buffer_destroy(&umd, &buffer));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_small, close_small)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(offers_make_room_and_tell_what_was_lost),
        TEST(priorities_are_kept),
        TEST(statistics_agree_with_what_is_there),
    };

    return cmocka_run_group_tests_name("client-memory_pressure", tests, NULL, NULL);
}
