/* SPDX-License-Identifier: MIT */
/* Devices that are lost: by an engine that hangs and is reset, by page faults, by being given up.
 */
#include "client.h"
#include "gpu.h"
#include "sharing.h"

#include <pthread.h>
#include <stdatomic.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { UNMAPPED = 0x7654000 };

static struct client_gpu gpu, other; /* two devices with contexts on one engine */
static bool asynchronous;

static int set_up(void **state)
{
    asynchronous = *state && strstr(*state, "async");
    return NT_SUCCESS(d3dkmt_open(*state)) && NT_SUCCESS(client_gpu_open(&gpu)) &&
                   NT_SUCCESS(client_gpu_open(&other))
               ? 0
               : -1;
}

static int tear_down(void **state)
{
    (void)state;
    client_gpu_close(&gpu);
    client_gpu_close(&other);
    D3DKMTCloseDxCoreDevice();
    return 0;
}

static D3DKMT_GETDEVICESTATE ask(const struct client_gpu *of, D3DKMT_DEVICESTATE_TYPE type)
{
    D3DKMT_GETDEVICESTATE state;

    memset(&state, 0xcc, sizeof(state));
    state.hDevice = of->umd.device;
    state.StateType = type;
    assert_success(D3DKMTGetDeviceState(&state));
    return state;
}

static D3DKMT_DEVICEEXECUTION_STATE execution_state(const struct client_gpu *of)
{
    return ask(of, D3DKMT_DEVICESTATE_EXECUTION).ExecutionState;
}

/* Runs commands that lose the device, and returns when it is lost. */
static void lose(const struct softgpu_writer *writer)
{
    assert_success(umd_submit(gpu.context, gpu.commands.address, softgpu_writer_size(writer)));
    assert_success(umd_wait_on_cpu(&gpu.umd, &gpu.fence, 1)); /* which nobody signals */
    assert_true(umd_fence_value(&gpu.fence) == UINT64_MAX);
}

static void hang(void)
{
    struct softgpu_writer writer;

    softgpu_writer_init(&writer, gpu.commands.cpu, gpu.commands.size);
    softgpu_hang(&writer);
    lose(&writer);
}

static void assert_refused(NTSTATUS status)
{
    if (asynchronous)
        assert_success(status); /* the message has no answer */
    else
        assert_fails(status, STATUS_DEVICE_REMOVED);
}

/* ---- hangs */

static void a_hang_is_told_as_such(void **state)
{
    (void)state;
    assert_int_equal(execution_state(&gpu), D3DKMT_DEVICEEXECUTION_ACTIVE);
    hang();
    assert_int_equal(execution_state(&gpu), D3DKMT_DEVICEEXECUTION_HUNG);
    assert_int_equal(ask(&gpu, D3DKMT_DEVICESTATE_RESET).ResetState.Value, 0);
    D3DKMT_DEVICEPAGEFAULT_STATE fault = ask(&gpu, D3DKMT_DEVICESTATE_PAGE_FAULT).PageFaultState;
    assert_int_equal(fault.PageFaultFlags, 0);
    assert_int_equal(fault.FaultedVirtualAddress, 0);
    /* It stays with the first reason. */
    D3DKMT_MARKDEVICEASERROR mark = {gpu.umd.device, D3DKMT_DEVICE_ERROR_REASON_GENERIC};
    assert_success(D3DKMTMarkDeviceAsError(&mark));
    assert_int_equal(ask(&gpu, D3DKMT_DEVICESTATE_PAGE_FAULT).PageFaultState.PageFaultFlags, 0);
}

static void a_lost_device_takes_no_work(void **state)
{
    D3DKMT_HANDLE context;
    struct umd_fence late;

    (void)state;
    hang();
    assert_refused(umd_submit(gpu.context, gpu.commands.address, 8));
    assert_refused(umd_signal(gpu.context, &gpu.fence, 3));
    assert_refused(umd_wait(gpu.context, &gpu.fence, 3));
    assert_false(NT_SUCCESS(umd_context_create(&gpu.umd, 0, &context)));
    assert_false(NT_SUCCESS(umd_fence_create(&gpu.umd, 0, &late)));
    assert_true(umd_fence_value(&gpu.fence) == UINT64_MAX);
    /* What needs no engine goes on: memory can be read, and everything destroyed. */
    *(uint32_t *)gpu.target.cpu = 5;
    assert_int_equal(*(uint32_t *)gpu.target.cpu, 5);
    assert_success(umd_buffer_destroy(&gpu.umd, &gpu.target));
}

static void others_on_the_engine_go_on(void **state)
{
    struct softgpu_writer writer;

    (void)state;
    /* Queued behind the hang, before the engine is reset. */
    softgpu_writer_init(&writer, gpu.commands.cpu, gpu.commands.size);
    softgpu_hang(&writer);
    assert_success(umd_submit(gpu.context, gpu.commands.address, softgpu_writer_size(&writer)));
    assert_success(client_gpu_run(&other, 0x1234));
    assert_true(umd_fence_value(&gpu.fence) == UINT64_MAX);
    assert_int_equal(execution_state(&gpu), D3DKMT_DEVICEEXECUTION_HUNG);
    assert_int_equal(execution_state(&other), D3DKMT_DEVICEEXECUTION_ACTIVE);
    assert_success(client_gpu_run(&other, 0x5678));
}

static void a_new_device_works_where_one_was_lost(void **state)
{
    (void)state;
    hang();
    client_gpu_close(&gpu);
    assert_success(client_gpu_open(&gpu));
    assert_int_equal(execution_state(&gpu), D3DKMT_DEVICEEXECUTION_ACTIVE);
    assert_success(client_gpu_run(&gpu, 9));
}

/* ---- fences */

static NTSTATUS create_fence(bool keep_value, bool shared, struct umd_fence *fence)
{
    D3DKMT_CREATESYNCHRONIZATIONOBJECT2 create;

    memset(&create, 0, sizeof(create));
    create.hDevice = gpu.umd.device;
    create.Info.Type = D3DDDI_MONITORED_FENCE;
    create.Info.Flags.NoSignalMaxValueOnTdr = keep_value;
    create.Info.Flags.Shared = create.Info.Flags.NtSecuritySharing = shared;
    create.Info.MonitoredFence.InitialFenceValue = 7;
    NTSTATUS status = D3DKMTCreateSynchronizationObject2(&create);
    fence->object = create.hSyncObject;
    fence->cpu = create.Info.MonitoredFence.FenceValueCPUVirtualAddress;
    fence->address = create.Info.MonitoredFence.FenceValueGPUVirtualAddress;
    return status;
}

static void a_fence_may_keep_its_value(void **state)
{
    struct umd_fence fence;

    (void)state;
    assert_success(create_fence(true, false, &fence));
    hang();
    assert_int_equal(umd_fence_value(&fence), 7);
}

static void all_of_the_devices_fences_become_all_ones(void **state)
{
    D3DKMT_CREATEHWQUEUE create = {0};
    struct umd_fence fence;

    (void)state;
    assert_success(create_fence(false, false, &fence));
    assert_success(client_hw_context_create(&gpu.umd, 0, &create.hHwContext));
    assert_success(D3DKMTCreateHwQueue(&create));
    const uint64_t *progress = create.HwQueueProgressFenceCPUVirtualAddress;
    hang();
    assert_success(umd_wait_on_cpu(&gpu.umd, &fence, UINT64_MAX));
    assert_true(umd_fence_value(&fence) == UINT64_MAX);
    assert_success(client_wait(gpu.umd.device, create.hHwQueueProgressFence, UINT64_MAX, 0));
    assert_true(__atomic_load_n(progress, __ATOMIC_ACQUIRE) == UINT64_MAX);
}

static void engines_of_others_do_not_wait_for_a_lost_device(void **state)
{
    struct umd_fence fence, opened;
    int descriptor;

    (void)state;
    assert_success(create_fence(false, true, &fence));
    assert_success(client_share(fence.object, &descriptor));
    assert_success(client_fence_open(other.umd.device, descriptor, &opened));
    close(descriptor);
    assert_success(umd_wait(other.context, &opened, 100));
    assert_success(umd_signal(other.context, &other.fence, 1));
    client_until_all_asleep();
    assert_int_equal(umd_fence_value(&other.fence), 0);
    hang();
    assert_success(umd_wait_on_cpu(&other.umd, &other.fence, 1));
    assert_int_equal(umd_fence_value(&other.fence), 1);
    assert_int_equal(execution_state(&other), D3DKMT_DEVICEEXECUTION_ACTIVE);
}

/* ---- faults */

static D3DKMT_DEVICEPAGEFAULT_STATE fault_of(const struct softgpu_writer *writer)
{
    lose(writer);
    assert_int_equal(execution_state(&gpu), D3DKMT_DEVICEEXECUTION_ERROR_DMAPAGEFAULT);
    D3DKMT_DEVICEPAGEFAULT_STATE fault = ask(&gpu, D3DKMT_DEVICESTATE_PAGE_FAULT).PageFaultState;
    assert_int_equal(fault.FaultErrorCode.IsDeviceSpecificCode, 0);
    assert_int_equal(fault.FaultErrorCode.GeneralErrorCode, DXGK_GENERAL_ERROR_PAGE_FAULT);
    assert_int_equal(fault.FaultedPipelineStage, DXGK_RENDER_PIPELINE_STAGE_UNKNOWN);
    assert_int_equal(fault.FaultedBindTableEntry, DXGK_BIND_TABLE_ENTRY_UNKNOWN);
    assert_int_equal(fault.FaultedPrimitiveAPISequenceNumber, 0);
    return fault;
}

static void a_write_fault_tells_address_and_kind(void **state)
{
    struct softgpu_writer writer;

    (void)state;
    softgpu_writer_init(&writer, gpu.commands.cpu, gpu.commands.size);
    softgpu_write32(&writer, UNMAPPED, 1);
    D3DKMT_DEVICEPAGEFAULT_STATE fault = fault_of(&writer);
    assert_int_equal(fault.PageFaultFlags, DXGK_PAGE_FAULT_WRITE);
    assert_int_equal(fault.FaultedVirtualAddress, UNMAPPED);
    assert_success(client_gpu_run(&other, 1));
}

static void a_read_fault_tells_address_and_kind(void **state)
{
    struct softgpu_writer writer;

    (void)state;
    softgpu_writer_init(&writer, gpu.commands.cpu, gpu.commands.size);
    softgpu_copy(&writer, gpu.target.address, UNMAPPED, 64);
    D3DKMT_DEVICEPAGEFAULT_STATE fault = fault_of(&writer);
    assert_int_equal(fault.PageFaultFlags, 0);
    assert_int_equal(fault.FaultedVirtualAddress, UNMAPPED);
}

/* The first page that is missing, not where the access began. */
static void a_fault_in_the_middle_tells_where(void **state)
{
    struct softgpu_writer writer;

    (void)state;
    softgpu_writer_init(&writer, gpu.commands.cpu, gpu.commands.size);
    softgpu_fill(&writer, gpu.target.address, 0, gpu.target.size + 0x1000000);
    D3DKMT_DEVICEPAGEFAULT_STATE fault = fault_of(&writer);
    assert_int_equal(fault.PageFaultFlags, DXGK_PAGE_FAULT_WRITE);
    assert_true(fault.FaultedVirtualAddress >= gpu.target.address + gpu.target.size);
    assert_true(fault.FaultedVirtualAddress < gpu.target.address + gpu.target.size + 0x1000000);
    assert_int_equal(fault.FaultedVirtualAddress % 4096, 0);
}

static void commands_that_are_none_are_no_page_fault(void **state)
{
    struct softgpu_writer writer;

    (void)state;
    softgpu_writer_init(&writer, gpu.commands.cpu, gpu.commands.size);
    softgpu_nop(&writer, 16);
    memset(gpu.commands.cpu, 0xff, 64);
    lose(&writer);
    assert_int_equal(execution_state(&gpu), D3DKMT_DEVICEEXECUTION_ERROR_DMAFAULT);
    assert_int_equal(ask(&gpu, D3DKMT_DEVICESTATE_PAGE_FAULT).PageFaultState.FaultedVirtualAddress,
                     0);
}

static void a_device_can_be_given_up(void **state)
{
    D3DKMT_MARKDEVICEASERROR mark = {gpu.umd.device, D3DKMT_DEVICE_ERROR_REASON_DRIVER_ERROR};

    (void)state;
    assert_success(D3DKMTMarkDeviceAsError(&mark));
    assert_int_equal(execution_state(&gpu), D3DKMT_DEVICEEXECUTION_RESET);
    assert_true(umd_fence_value(&gpu.fence) == UINT64_MAX);
    assert_refused(umd_submit(gpu.context, gpu.commands.address, 8));
    assert_success(client_gpu_run(&other, 4));
}

/* ---- waits */

struct waiter {
    pthread_t thread;
    _Atomic pid_t id;
    NTSTATUS status;
};

static void *wait_for_five(void *argument)
{
    struct waiter *waiter = argument;

    atomic_store(&waiter->id, (pid_t)syscall(SYS_gettid));
    waiter->status = client_wait(gpu.umd.device, gpu.fence.object, 5, 0);
    return NULL;
}

/* The fence has the value, as all others: the caller learns of the loss from the device's state. */
static void waits_in_progress_end(void **state)
{
    struct waiter waiter = {0};

    (void)state;
    assert_int_equal(pthread_create(&waiter.thread, NULL, wait_for_five, &waiter), 0);
    while (atomic_load(&waiter.id) == 0)
        ;
    client_until_asleep(atomic_load(&waiter.id));
    hang();
    pthread_join(waiter.thread, NULL);
    assert_int_equal(waiter.status, STATUS_SUCCESS);
    assert_int_equal(execution_state(&gpu), D3DKMT_DEVICEEXECUTION_HUNG);
}

int main(void)
{
    static char plain[] = "loopback:hang-timeout-ms=20",
                async[] = "loopback:async,hang-timeout-ms=20";
#define TEST(name)                                                                                 \
    {#name, name, set_up, tear_down, plain},                                                       \
    {                                                                                              \
#name " (async)", name, set_up, tear_down, async                                           \
    }
    const struct CMUnitTest tests[] = {
        TEST(a_hang_is_told_as_such),
        TEST(a_lost_device_takes_no_work),
        TEST(others_on_the_engine_go_on),
        TEST(a_new_device_works_where_one_was_lost),
        TEST(a_fence_may_keep_its_value),
        TEST(all_of_the_devices_fences_become_all_ones),
        TEST(engines_of_others_do_not_wait_for_a_lost_device),
        TEST(a_write_fault_tells_address_and_kind),
        TEST(a_read_fault_tells_address_and_kind),
        TEST(a_fault_in_the_middle_tells_where),
        TEST(commands_that_are_none_are_no_page_fault),
        TEST(a_device_can_be_given_up),
        TEST(waits_in_progress_end),
    };
#undef TEST

    return cmocka_run_group_tests(tests, NULL, NULL);
}
