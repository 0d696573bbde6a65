/* SPDX-License-Identifier: MIT */
/* Devices: life, what they take along, and their state. */
#include "conformance/conformance.h"

static D3DKMT_HANDLE create_device(const struct world *world)
{
    ARGS(D3DKMT_CREATEDEVICE, create);

    create.hAdapter = HANDLE_OF(world, ADAPTER);
    assert_success(D3DKMTCreateDevice(&create));
    return create.hDevice;
}

static NTSTATUS destroy_device(D3DKMT_HANDLE device)
{
    D3DKMT_DESTROYDEVICE destroy = {device};

    return D3DKMTDestroyDevice(&destroy);
}

static NTSTATUS mark_as_error(D3DKMT_HANDLE device)
{
    ARGS(D3DKMT_MARKDEVICEASERROR, mark);

    mark.hDevice = device;
    mark.Reason = D3DKMT_DEVICE_ERROR_REASON_GENERIC;
    return D3DKMTMarkDeviceAsError(&mark);
}

static D3DKMT_DEVICEEXECUTION_STATE execution_state(D3DKMT_HANDLE device)
{
    ARGS(D3DKMT_GETDEVICESTATE, query);

    query.hDevice = device;
    query.StateType = D3DKMT_DEVICESTATE_EXECUTION;
    assert_success(D3DKMTGetDeviceState(&query));
    return query.ExecutionState;
}

/* ---- CreateDevice */

CONFORMANCE(CreateDevice, gives_a_handle_of_its_own)
{
    D3DKMT_HANDLE first = create_device(world), second = create_device(world);

    assert_int_not_equal(first, 0);
    assert_int_not_equal(first, second);
    assert_success(client_ask(first));
    assert_success(client_ask(second));
}

CONFORMANCE(CreateDevice, a_new_device_is_active)
{
    assert_int_equal(execution_state(create_device(world)), D3DKMT_DEVICEEXECUTION_ACTIVE);
}

CONFORMANCE(CreateDevice, a_failure_leaves_the_handle_alone)
{
    ARGS(D3DKMT_CREATEDEVICE, create);

    (void)world;
    create.hAdapter = 0x7fffffc0;
    create.hDevice = 0x12345678;
    assert_fails(D3DKMTCreateDevice(&create), STATUS_INVALID_PARAMETER);
    assert_int_equal(create.hDevice, 0x12345678);
}

CONFORMANCE(CreateDevice, many_devices_have_different_handles)
{
    enum { DEVICES = 300 };
    D3DKMT_HANDLE devices[DEVICES];

    for (unsigned i = 0; i < DEVICES; i++) {
        devices[i] = create_device(world);
        for (unsigned before = 0; before < i; before++)
            assert_int_not_equal(devices[i], devices[before]);
    }
    for (unsigned i = 0; i < DEVICES; i++)
        assert_success(destroy_device(devices[i]));
}

CONFORMANCE(CreateDevice, belongs_to_the_process_not_to_the_adapter_handle)
{
    ARGS(D3DKMT_OPENADAPTERFROMLUID, open);
    ARGS(D3DKMT_CREATEDEVICE, create);

    open.AdapterLuid = world->luid;
    assert_success(D3DKMTOpenAdapterFromLuid(&open));
    create.hAdapter = open.hAdapter;
    assert_success(D3DKMTCreateDevice(&create));
    D3DKMT_CLOSEADAPTER close = {open.hAdapter};
    assert_success(D3DKMTCloseAdapter(&close));
    assert_success(client_ask(create.hDevice));
}

/* ---- DestroyDevice */

CONFORMANCE(DestroyDevice, ends_the_handle)
{
    D3DKMT_HANDLE device = create_device(world);

    assert_success(destroy_device(device));
    assert_fails(client_ask(device), STATUS_INVALID_PARAMETER);
    assert_fails(destroy_device(device), STATUS_INVALID_PARAMETER);
}

CONFORMANCE(DestroyDevice, takes_its_children_along)
{
    D3DDDI_DESTROYPAGINGQUEUE queue = {HANDLE_OF(world, PAGING_QUEUE)};
    D3DKMT_DESTROYCONTEXT context = {HANDLE_OF(world, CONTEXT)};
    D3DKMT_DESTROYHWQUEUE hw_queue = {HANDLE_OF(world, HW_QUEUE)};
    D3DKMT_DESTROYSYNCHRONIZATIONOBJECT fence = {HANDLE_OF(world, FENCE)};
    ARGS(D3DKMT_LOCK2, lock);

    lock.hDevice = HANDLE_OF(world, OTHER_DEVICE);
    lock.hAllocation = HANDLE_OF(world, ALLOCATION);
    assert_success(destroy_device(HANDLE_OF(world, DEVICE)));
    assert_fails(D3DKMTDestroyPagingQueue(&queue), STATUS_INVALID_PARAMETER);
    assert_fails(D3DKMTDestroyContext(&context), STATUS_INVALID_PARAMETER);
    assert_fails(D3DKMTDestroyHwQueue(&hw_queue), STATUS_INVALID_PARAMETER);
    assert_fails(D3DKMTDestroySynchronizationObject(&fence), STATUS_INVALID_PARAMETER);
    assert_fails(D3DKMTLock2(&lock), STATUS_INVALID_PARAMETER);
}

CONFORMANCE(DestroyDevice, a_cpu_notification_outlives_its_device)
{
    D3DKMT_DESTROYSYNCHRONIZATIONOBJECT destroy = {HANDLE_OF(world, NOTIFICATION)};

    assert_success(destroy_device(HANDLE_OF(world, DEVICE)));
    assert_success(D3DKMTDestroySynchronizationObject(&destroy));
}

CONFORMANCE(DestroyDevice, leaves_other_devices_alone)
{
    assert_success(destroy_device(HANDLE_OF(world, OTHER_DEVICE)));
    assert_success(client_ask(HANDLE_OF(world, DEVICE)));
    assert_success(umd_submit(HANDLE_OF(world, CONTEXT), world->address, world->command_size));
}

CONFORMANCE_GPU(DestroyDevice, does_not_wait_for_the_gpu)
{
    struct umd umd = conformance_umd(world);
    struct umd_fence never;

    assert_success(umd_fence_create(&umd, 0, &never));
    assert_success(umd_wait(HANDLE_OF(world, CONTEXT), &never, 1));
    assert_success(umd_submit(HANDLE_OF(world, CONTEXT), world->address, world->command_size));
    assert_success(destroy_device(HANDLE_OF(world, DEVICE)));
}

/* ---- GetDeviceState */

CONFORMANCE(GetDeviceState, execution_is_active)
{
    assert_int_equal(execution_state(HANDLE_OF(world, DEVICE)), D3DKMT_DEVICEEXECUTION_ACTIVE);
}

CONFORMANCE(GetDeviceState, nothing_was_reset)
{
    ARGS(D3DKMT_GETDEVICESTATE, query);

    query.hDevice = HANDLE_OF(world, DEVICE);
    query.StateType = D3DKMT_DEVICESTATE_RESET;
    assert_success(D3DKMTGetDeviceState(&query));
    assert_int_equal(query.ResetState.Value, 0);
}

CONFORMANCE(GetDeviceState, there_was_no_page_fault)
{
    ARGS(D3DKMT_GETDEVICESTATE, query);

    query.hDevice = HANDLE_OF(world, DEVICE);
    query.StateType = D3DKMT_DEVICESTATE_PAGE_FAULT;
    assert_success(D3DKMTGetDeviceState(&query));
    assert_int_equal(query.PageFaultState.FaultedVirtualAddress, 0);
}

CONFORMANCE(GetDeviceState, an_unknown_state_is_refused)
{
    ARGS(D3DKMT_GETDEVICESTATE, query);

    query.hDevice = HANDLE_OF(world, DEVICE);
    query.StateType = (D3DKMT_DEVICESTATE_TYPE)1000;
    assert_false(NT_SUCCESS(D3DKMTGetDeviceState(&query)));
}

CONFORMANCE_GPU(GetDeviceState, a_page_fault_tells_the_address)
{
    struct umd umd = conformance_umd(world);
    struct umd_buffer commands;
    struct umd_fence fence;
    struct softgpu_writer writer;
    const uint64_t nowhere = (uint64_t)0x7ead0 << 16;
    ARGS(D3DKMT_GETDEVICESTATE, query);

    assert_success(umd_buffer_create(&umd, 4096, SOFTGPU_ALLOCATION_CPU_VISIBLE, &commands));
    assert_success(umd_fence_create(&umd, 0, &fence));
    softgpu_writer_init(&writer, commands.cpu, commands.size);
    softgpu_write32(&writer, nowhere, 1);
    assert_success(
        umd_submit(HANDLE_OF(world, CONTEXT), commands.address, softgpu_writer_size(&writer)));
    (void)umd_signal(HANDLE_OF(world, CONTEXT), &fence, 1);
    (void)umd_wait_on_cpu(&umd, &fence, 1);
    query.hDevice = umd.device;
    query.StateType = D3DKMT_DEVICESTATE_PAGE_FAULT;
    assert_success(D3DKMTGetDeviceState(&query));
    assert_int_equal(query.PageFaultState.FaultedVirtualAddress & ~(uint64_t)4095, nowhere);
    assert_int_not_equal(execution_state(umd.device), D3DKMT_DEVICEEXECUTION_ACTIVE);
}

/* ---- MarkDeviceAsError */

CONFORMANCE(MarkDeviceAsError, the_device_is_lost)
{
    assert_success(mark_as_error(HANDLE_OF(world, DEVICE)));
    assert_int_not_equal(execution_state(HANDLE_OF(world, DEVICE)), D3DKMT_DEVICEEXECUTION_ACTIVE);
}

CONFORMANCE(MarkDeviceAsError, other_devices_are_not)
{
    assert_success(mark_as_error(HANDLE_OF(world, OTHER_DEVICE)));
    assert_int_equal(execution_state(HANDLE_OF(world, DEVICE)), D3DKMT_DEVICEEXECUTION_ACTIVE);
    assert_success(umd_submit(HANDLE_OF(world, CONTEXT), world->address, world->command_size));
}

CONFORMANCE(MarkDeviceAsError, a_lost_device_can_be_destroyed)
{
    assert_success(mark_as_error(HANDLE_OF(world, DEVICE)));
    assert_success(destroy_device(HANDLE_OF(world, DEVICE)));
}

CONFORMANCE_GPU(MarkDeviceAsError, waiting_work_is_dropped)
{
    struct umd umd = conformance_umd(world);
    struct umd_fence never;

    assert_success(umd_fence_create(&umd, 0, &never));
    assert_success(umd_wait(HANDLE_OF(world, CONTEXT), &never, 1));
    assert_success(umd_submit(HANDLE_OF(world, CONTEXT), world->address, world->command_size));
    assert_success(mark_as_error(HANDLE_OF(world, DEVICE)));
    assert_success(destroy_device(HANDLE_OF(world, DEVICE)));
}
