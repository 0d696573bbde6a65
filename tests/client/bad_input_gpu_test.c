/* SPDX-License-Identifier: MIT */
/*
 * What only the GPU finds out: garbage commands, addresses that lead nowhere, memory that is not
 * resident; and private data that the driver refuses. The device of the culprit falls, nobody
 * else's, and nothing stays.
 */
#include "client/bad_input.h"

#include <d3dkmt/softgpu.h>

#include <umd/umd.h>

static struct umd umd;
static struct umd_buffer commands, target;
static struct umd_fence fence;
static D3DKMT_HANDLE context;

static void open_gpu(void)
{
    assert_int_equal(umd_open(&umd, 0), STATUS_SUCCESS);
    assert_int_equal(umd_context_create(&umd, 0, &context), STATUS_SUCCESS);
    assert_int_equal(umd_fence_create(&umd, 0, &fence), STATUS_SUCCESS);
    assert_true(
        NT_SUCCESS(umd_buffer_create(&umd, 65536, SOFTGPU_ALLOCATION_CPU_VISIBLE, &commands)));
    assert_true(
        NT_SUCCESS(umd_buffer_create(&umd, 65536, SOFTGPU_ALLOCATION_CPU_VISIBLE, &target)));
}

static D3DKMT_DEVICEEXECUTION_STATE state_of(D3DKMT_HANDLE device)
{
    D3DKMT_GETDEVICESTATE query;

    memset(&query, 0, sizeof(query));
    query.hDevice = device;
    query.StateType = D3DKMT_DEVICESTATE_EXECUTION;
    assert_int_equal(D3DKMTGetDeviceState(&query), STATUS_SUCCESS);
    return query.ExecutionState;
}

/* Submits what must bring the device down, and waits until it is: its fences end the wait. */
static void assert_falls(uint64_t address, size_t size, const char *what)
{
    if (!NT_SUCCESS(umd_submit(context, address, size))) {
        /* Refused at once is as good. */
        umd_close(&umd);
        return;
    }
    umd_signal(context, &fence, 1);
    (void)umd_wait_on_cpu(&umd, &fence, 1);
    if (state_of(umd.device) == D3DKMT_DEVICEEXECUTION_ACTIVE)
        fail_msg("%s: the device is still active", what);
    assert_int_equal(state_of(bad_world.handles[WORLD_DEVICE]), D3DKMT_DEVICEEXECUTION_ACTIVE);
    umd_close(&umd);
}

static void garbage_commands(void **state)
{
    static const uint32_t garbage[][4] = {
        {0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff},
        {0x00010001, 0, 0, 0},          /* FILL without operands */
        {SOFTGPU_WRITE32, 0, 0, 0},     /* no length */
        {0x0001ffff, 0, 0, 0},          /* no such command */
        {0xffff0000 | SOFTGPU_COPY, 0}, /* longer than the buffer */
    };

    (void)state;
    for (size_t i = 0; i < sizeof(garbage) / sizeof(garbage[0]); i++) {
        open_gpu();
        memcpy(commands.cpu, garbage[i], sizeof(garbage[i]));
        assert_falls(commands.address, sizeof(garbage[i]), "garbage commands");
    }
}

static void addresses_that_lead_nowhere(void **state)
{
    const uint64_t addresses[] = {0, 4, 0xdeadbeef000, UINT64_MAX - 3, (uint64_t)1 << 63};

    (void)state;
    for (size_t i = 0; i < sizeof(addresses) / sizeof(addresses[0]); i++) {
        struct softgpu_writer writer;

        open_gpu();
        softgpu_writer_init(&writer, commands.cpu, commands.size);
        softgpu_write32(&writer, addresses[i], 1);
        assert_falls(commands.address, softgpu_writer_size(&writer), "a write to nowhere");
        open_gpu();
        assert_falls(addresses[i], 64, "commands from nowhere");
    }
}

static void memory_that_is_not_resident(void **state)
{
    struct softgpu_writer writer;
    D3DKMT_EVICT evict;

    (void)state;
    open_gpu();
    softgpu_writer_init(&writer, commands.cpu, commands.size);
    softgpu_write32(&writer, target.address, 1);
    memset(&evict, 0, sizeof(evict));
    evict.hDevice = umd.device;
    evict.NumAllocations = 1;
    evict.AllocationList = &target.allocation;
    assert_int_equal(D3DKMTEvict(&evict), STATUS_SUCCESS);
    assert_falls(commands.address, softgpu_writer_size(&writer), "a write to evicted memory");
}

/* Private data of allocations: every way to get it wrong is refused, and makes nothing. */
static void garbage_private_data(void **state)
{
    const struct softgpu_allocation good = softgpu_allocation_data(WORLD_PAGE, 0);
    const struct every_call *call = every_call;

    (void)state;
    while (call->op != D3DKMT_OP_CreateAllocation2)
        call++;
    for (unsigned way = 0; way < 7; way++) {
        D3DKMT_CREATEALLOCATION *args = bad_input_fill(call);
        struct softgpu_allocation *data = args->pAllocationInfo2->pPrivateDriverData;
        struct bad_case expected = {call,           NULL,  "garbage in the private data",
                                    STATUS_SUCCESS, false, false};

        *data = good;
        data->magic ^= way == 0;
        data->version += way == 1;
        data->size = way == 2 ? 0 : way == 3 ? UINT64_MAX : way == 4 ? (uint64_t)1 << 50 : 4096;
        data->flags = way == 5 ? ~SOFTGPU_ALLOCATION_FLAGS : 0;
        if (way == 6)
            args->pAllocationInfo2->PrivateDriverDataSize = 3;
        bad_input_expect(&expected, args);
    }
    bad_input_assert_all();
}

/* GPU addresses that are not the caller's, or no ranges at all. */
static void garbage_gpu_addresses(void **state)
{
    static const struct {
        uint64_t base, size;
    } ranges[] = {{0, 0},
                  {0, UINT64_MAX},
                  {UINT64_MAX, 1},
                  {UINT64_MAX - 4095, 8192},
                  {0xdead0000, 65536},
                  {1, 4096},
                  {(uint64_t)1 << 63, (uint64_t)1 << 63}};

    (void)state;
    for (size_t i = 0; i < sizeof(ranges) / sizeof(ranges[0]); i++) {
        D3DKMT_FREEGPUVIRTUALADDRESS unmap;
        D3DDDI_MAPGPUVIRTUALADDRESS map;

        memset(&unmap, 0, sizeof(unmap));
        unmap.hAdapter = bad_world.handles[WORLD_ADAPTER];
        unmap.BaseAddress = ranges[i].base;
        unmap.Size = ranges[i].size;
        assert_false(NT_SUCCESS(D3DKMTFreeGpuVirtualAddress(&unmap)));
        assert_non_null(strstr(d3dkmt_last_error(), "D3DKMTFreeGpuVirtualAddress"));
        memset(&map, 0, sizeof(map));
        map.hPagingQueue = bad_world.handles[WORLD_PAGING_QUEUE];
        map.hAllocation = bad_world.handles[WORLD_ALLOCATION];
        map.BaseAddress = ranges[i].base | 1; /* 0 would leave the choice to the host */
        map.SizeInPages = ranges[i].size / WORLD_PAGE + 1;
        map.OffsetInPages = ranges[i].size;
        assert_false(NT_SUCCESS(D3DKMTMapGpuVirtualAddress(&map)));
        assert_int_equal(map.VirtualAddress, 0);
        assert_non_null(strstr(d3dkmt_last_error(), "D3DKMTMapGpuVirtualAddress"));
    }
}

int main(void)
{
#define BOTH(name) BAD_INPUT_TEST(name, "loopback"), BAD_INPUT_TEST(name, "loopback:async")
    const struct CMUnitTest tests[] = {
        BOTH(garbage_commands),      BOTH(addresses_that_lead_nowhere),
        BOTH(garbage_private_data),  BOTH(memory_that_is_not_resident),
        BOTH(garbage_gpu_addresses),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
