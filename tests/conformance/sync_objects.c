/* SPDX-License-Identifier: MIT */
/*
 * Mutexes, semaphores, legacy and periodic fences, through the calls that programs have, the first
 * versions of these calls included.
 */
#include "conformance/conformance.h"

#include <unistd.h>

static struct client_gpu gpu;
static D3DKMT_HANDLE second; /* a context on the other engine */

static void open_gpu(const struct world *world)
{
    conformance_gpu(world, &gpu);
    assert_success(umd_context_create(&gpu.umd, 1, &second));
}

/* ---- calls */

static D3DKMT_HANDLE create_mutex(BOOL owned)
{
    D3DKMT_CREATESYNCHRONIZATIONOBJECT create;

    memset(&create, 0, sizeof(create));
    create.hDevice = gpu.umd.device;
    create.Info.Type = D3DDDI_SYNCHRONIZATION_MUTEX;
    create.Info.SynchronizationMutex.InitialState = owned;
    assert_success(D3DKMTCreateSynchronizationObject(&create));
    assert_int_not_equal(create.hSyncObject, 0);
    return create.hSyncObject;
}

static NTSTATUS try_semaphore(UINT initial, UINT maximum, D3DKMT_HANDLE *semaphore)
{
    D3DKMT_CREATESYNCHRONIZATIONOBJECT create;

    memset(&create, 0, sizeof(create));
    create.hDevice = gpu.umd.device;
    create.Info.Type = D3DDDI_SEMAPHORE;
    create.Info.Semaphore.InitialCount = initial;
    create.Info.Semaphore.MaxCount = maximum;
    NTSTATUS status = D3DKMTCreateSynchronizationObject(&create);
    *semaphore = create.hSyncObject;
    return status;
}

static NTSTATUS create2(D3DKMT_CREATESYNCHRONIZATIONOBJECT2 *create,
                        D3DDDI_SYNCHRONIZATIONOBJECT_TYPE type)
{
    create->hDevice = gpu.umd.device;
    create->Info.Type = type;
    return D3DKMTCreateSynchronizationObject2(create);
}

/* The first versions, without a value. */
static NTSTATUS acquire(D3DKMT_HANDLE context, D3DKMT_HANDLE object)
{
    D3DKMT_WAITFORSYNCHRONIZATIONOBJECT wait;

    memset(&wait, 0, sizeof(wait));
    wait.hContext = context;
    wait.ObjectCount = 1;
    wait.ObjectHandleArray[0] = object;
    return D3DKMTWaitForSynchronizationObject(&wait);
}

static NTSTATUS release(D3DKMT_HANDLE context, D3DKMT_HANDLE object)
{
    D3DKMT_SIGNALSYNCHRONIZATIONOBJECT signal;

    memset(&signal, 0, sizeof(signal));
    signal.hContext = context;
    signal.ObjectCount = 1;
    signal.ObjectHandleArray[0] = object;
    return D3DKMTSignalSynchronizationObject(&signal);
}

static NTSTATUS wait2(D3DKMT_HANDLE context, D3DKMT_HANDLE object, UINT64 value)
{
    D3DKMT_WAITFORSYNCHRONIZATIONOBJECT2 wait;

    memset(&wait, 0, sizeof(wait));
    wait.hContext = context;
    wait.ObjectCount = 1;
    wait.ObjectHandleArray[0] = object;
    wait.Fence.FenceValue = value;
    return D3DKMTWaitForSynchronizationObject2(&wait);
}

static NTSTATUS signal2(D3DKMT_HANDLE context, D3DKMT_HANDLE object, UINT64 value,
                        bool at_submission)
{
    D3DKMT_SIGNALSYNCHRONIZATIONOBJECT2 signal;

    memset(&signal, 0, sizeof(signal));
    signal.hContext = context;
    signal.ObjectCount = 1;
    signal.ObjectHandleArray[0] = object;
    signal.Flags.SignalAtSubmission = at_submission;
    signal.Fence.FenceValue = value;
    return D3DKMTSignalSynchronizationObject2(&signal);
}

/* Puts a mark into a context; the value that the fence then gets. */
static uint64_t mark(D3DKMT_HANDLE context)
{
    assert_success(umd_signal(context, &gpu.fence, ++gpu.last_value));
    return gpu.last_value;
}

static void wait_for_mark(uint64_t value)
{
    assert_success(umd_wait_on_cpu(&gpu.umd, &gpu.fence, value));
}

/* The engines have done all that they can, and it was not enough. */
static void assert_blocked_before(uint64_t value)
{
    client_until_all_asleep();
    assert_true(umd_fence_value(&gpu.fence) < value);
}

static void destroy_object(D3DKMT_HANDLE object)
{
    const D3DKMT_DESTROYSYNCHRONIZATIONOBJECT args = {object};

    assert_success(D3DKMTDestroySynchronizationObject(&args));
}

/*
 * Submissions have no answer where messages are asynchronous: there a wrong one loses the device,
 * which the host tells when it gets to it.
 */
static void assert_refused(NTSTATUS status)
{
    D3DKMT_GETDEVICESTATE state;

    if (!conformance_path->async) {
        assert_fails(status, STATUS_INVALID_PARAMETER);
        return;
    }
    assert_success(status);
    memset(&state, 0, sizeof(state));
    state.hDevice = gpu.umd.device;
    state.StateType = D3DKMT_DEVICESTATE_EXECUTION;
    do
        assert_success(D3DKMTGetDeviceState(&state));
    while (state.ExecutionState == D3DKMT_DEVICEEXECUTION_ACTIVE);
}

/* ---- tests */

CONFORMANCE_GPU(WaitForSynchronizationObject, contexts_take_turns_with_a_mutex)
{
    open_gpu(world);
    D3DKMT_HANDLE mutex = create_mutex(FALSE);
    assert_success(acquire(gpu.context, mutex));
    wait_for_mark(mark(gpu.context));
    assert_success(acquire(second, mutex));
    uint64_t later = mark(second);
    assert_blocked_before(later);
    assert_success(release(gpu.context, mutex));
    wait_for_mark(later);
    assert_success(release(second, mutex));
    wait_for_mark(mark(second));
    destroy_object(mutex);
}

CONFORMANCE_GPU(CreateSynchronizationObject, a_mutex_may_be_made_owned)
{
    open_gpu(world);
    D3DKMT_HANDLE mutex = create_mutex(TRUE);
    assert_success(acquire(second, mutex));
    uint64_t later = mark(second);
    assert_blocked_before(later);
    assert_success(release(gpu.context, mutex));
    wait_for_mark(later);
    destroy_object(mutex);
}

CONFORMANCE_GPU(SignalSynchronizationObject, a_mutex_of_another_context_is_not_given_back)
{
    open_gpu(world);
    D3DKMT_HANDLE mutex = create_mutex(FALSE);
    assert_success(acquire(gpu.context, mutex));
    assert_refused(release(second, mutex));
    destroy_object(mutex);
}

CONFORMANCE_GPU(WaitForSynchronizationObject, a_mutex_is_not_waited_for_twice)
{
    open_gpu(world);
    D3DKMT_HANDLE mutex = create_mutex(FALSE);
    assert_success(acquire(gpu.context, mutex));
    assert_refused(acquire(gpu.context, mutex));
    destroy_object(mutex);
}

CONFORMANCE_GPU(DestroyContext, a_destroyed_context_gives_its_mutex_back)
{
    open_gpu(world);
    D3DKMT_HANDLE mutex = create_mutex(FALSE);
    const D3DKMT_DESTROYCONTEXT end = {gpu.context};
    assert_success(acquire(gpu.context, mutex));
    wait_for_mark(mark(gpu.context));
    assert_success(acquire(second, mutex));
    uint64_t later = mark(second);
    assert_blocked_before(later);
    assert_success(D3DKMTDestroyContext(&end));
    wait_for_mark(later);
    destroy_object(mutex);
}

CONFORMANCE_GPU(WaitForSynchronizationObject, a_semaphore_lets_as_many_through_as_it_counts)
{
    D3DKMT_HANDLE semaphore;

    open_gpu(world);
    assert_success(try_semaphore(1, 2, &semaphore));
    assert_success(acquire(gpu.context, semaphore));
    wait_for_mark(mark(gpu.context));
    assert_success(acquire(second, semaphore));
    uint64_t later = mark(second);
    assert_blocked_before(later);
    assert_success(release(gpu.context, semaphore));
    wait_for_mark(later);
    destroy_object(semaphore);
}

CONFORMANCE_GPU(CreateSynchronizationObject, semaphores_have_limits)
{
    D3DKMT_HANDLE semaphore;

    open_gpu(world);
    NTSTATUS refused = try_semaphore(3, 2, &semaphore);
    /* The answer to a creation has no room for the status. */
    assert_true(refused == STATUS_INVALID_PARAMETER || refused == STATUS_BUFFER_TOO_SMALL);
    assert_false(NT_SUCCESS(try_semaphore(0, 0, &semaphore)));
    assert_success(try_semaphore(2, 2, &semaphore));
    assert_refused(signal2(gpu.context, semaphore, 0, true));
    destroy_object(semaphore);
}

CONFORMANCE_GPU(SignalSynchronizationObject, a_semaphore_given_back_too_often_loses_the_device)
{
    D3DKMT_HANDLE semaphore;
    D3DKMT_GETDEVICESTATE device;

    open_gpu(world);
    assert_success(try_semaphore(2, 2, &semaphore));
    assert_success(release(gpu.context, semaphore));
    /* All ones, whatever was asked for: the device is lost. */
    assert_success(umd_wait_on_cpu(&gpu.umd, &gpu.fence, UINT64_MAX));
    memset(&device, 0, sizeof(device));
    device.hDevice = gpu.umd.device;
    device.StateType = D3DKMT_DEVICESTATE_EXECUTION;
    assert_success(D3DKMTGetDeviceState(&device));
    assert_int_equal(device.ExecutionState, D3DKMT_DEVICEEXECUTION_ERROR_DMAFAULT);
    destroy_object(semaphore);
}

CONFORMANCE_GPU(WaitForSynchronizationObject2, a_legacy_fence_is_waited_for_by_value)
{
    D3DKMT_CREATESYNCHRONIZATIONOBJECT2 create = {0};

    open_gpu(world);
    create.Info.Fence.FenceValue = 5;
    assert_success(create2(&create, D3DDDI_FENCE));
    assert_success(wait2(gpu.context, create.hSyncObject, 5));
    wait_for_mark(mark(gpu.context));
    assert_success(wait2(gpu.context, create.hSyncObject, 6));
    uint64_t later = mark(gpu.context);
    assert_blocked_before(later);
    assert_success(signal2(second, create.hSyncObject, 6, false));
    wait_for_mark(later);
    destroy_object(create.hSyncObject);
}

CONFORMANCE_GPU(WaitForSynchronizationObjectFromCpu, legacy_objects_are_not_the_cpus)
{
    open_gpu(world);
    D3DKMT_HANDLE mutex = create_mutex(FALSE);
    assert_fails(client_wait(gpu.umd.device, mutex, 0, 0), STATUS_INVALID_PARAMETER);
    assert_refused(client_signal(gpu.umd.device, mutex, 1));
    destroy_object(mutex);
}

/* Opened by another device, it is the same mutex; and it outlives the device that made it. */
CONFORMANCE_GPU(OpenSyncObjectFromNtHandle2, a_mutex_can_be_shared)
{
    D3DKMT_CREATESYNCHRONIZATIONOBJECT2 create = {0};
    D3DKMT_OPENSYNCOBJECTFROMNTHANDLE2 open;
    HANDLE nt_handle = NULL;
    struct client_gpu other;

    open_gpu(world);
    create.Info.Flags.Shared = 1;
    create.Info.Flags.NtSecuritySharing = 1;
    assert_success(create2(&create, D3DDDI_SYNCHRONIZATION_MUTEX));
    assert_success(D3DKMTShareObjects(1, &create.hSyncObject, NULL, 0, &nt_handle));
    assert_success(client_gpu_open(&other));
    memset(&open, 0, sizeof(open));
    open.hNtHandle = nt_handle;
    open.hDevice = other.umd.device;
    assert_success(D3DKMTOpenSyncObjectFromNtHandle2(&open));
    close((int)(intptr_t)nt_handle);
    assert_success(acquire(gpu.context, create.hSyncObject));
    wait_for_mark(mark(gpu.context));
    assert_success(acquire(other.context, open.hSyncObject));
    assert_success(umd_signal(other.context, &other.fence, 1));
    client_until_all_asleep();
    assert_int_equal(umd_fence_value(&other.fence), 0);
    const D3DKMT_DESTROYDEVICE end = {gpu.umd.device};
    assert_success(D3DKMTDestroyDevice(&end)); /* with the context that owns it */
    assert_success(umd_wait_on_cpu(&other.umd, &other.fence, 1));
    assert_success(release(other.context, open.hSyncObject));
    client_gpu_close(&other);
    destroy_object(open.hSyncObject);
}

/* ---- periodic fences */

CONFORMANCE_GPU(CreateSynchronizationObject2, a_periodic_fence_rises_by_itself)
{
    D3DKMT_CREATESYNCHRONIZATIONOBJECT2 create = {0};

    open_gpu(world);
    create.Info.PeriodicMonitoredFence.hAdapter = gpu.umd.adapter;
    create.Info.PeriodicMonitoredFence.Time = 10000; /* a millisecond after each blank */
    assert_success(create2(&create, D3DDDI_PERIODIC_MONITORED_FENCE));
    const uint64_t *value = create.Info.PeriodicMonitoredFence.FenceValueCPUVirtualAddress;
    assert_non_null(value);
    assert_int_not_equal(create.Info.PeriodicMonitoredFence.FenceValueGPUVirtualAddress, 0);
    assert_success(client_wait(gpu.umd.device, create.hSyncObject, 3, 0));
    uint64_t seen = __atomic_load_n(value, __ATOMIC_ACQUIRE);
    assert_true(seen >= 3);
    assert_success(client_wait(gpu.umd.device, create.hSyncObject, seen + 1, 0));
    assert_true(__atomic_load_n(value, __ATOMIC_ACQUIRE) > seen);
    /* Queues wait for it too. */
    const struct umd_fence periodic = {.object = create.hSyncObject};
    assert_success(umd_wait(gpu.context, &periodic, seen + 3));
    wait_for_mark(mark(gpu.context));
    assert_true(__atomic_load_n(value, __ATOMIC_ACQUIRE) >= seen + 3);
    destroy_object(create.hSyncObject);
}

CONFORMANCE_GPU(SignalSynchronizationObjectFromCpu, only_the_clock_signals_a_periodic_fence)
{
    D3DKMT_CREATESYNCHRONIZATIONOBJECT2 create = {0};

    open_gpu(world);
    assert_success(create2(&create, D3DDDI_PERIODIC_MONITORED_FENCE));
    assert_refused(client_signal(gpu.umd.device, create.hSyncObject, UINT64_C(1) << 60));
    const uint64_t *value = create.Info.PeriodicMonitoredFence.FenceValueCPUVirtualAddress;
    if (!conformance_path->async)
        assert_true(__atomic_load_n(value, __ATOMIC_ACQUIRE) < UINT64_C(1) << 60);
    destroy_object(create.hSyncObject);
}

CONFORMANCE_GPU(CreateSynchronizationObject2, the_gpu_cannot_write_a_periodic_fence)
{
    D3DKMT_CREATESYNCHRONIZATIONOBJECT2 create = {0};
    struct softgpu_writer writer;

    open_gpu(world);
    assert_success(create2(&create, D3DDDI_PERIODIC_MONITORED_FENCE));
    softgpu_writer_init(&writer, gpu.commands.cpu, gpu.commands.size);
    softgpu_write32(&writer, create.Info.PeriodicMonitoredFence.FenceValueGPUVirtualAddress, 1);
    assert_success(umd_submit(gpu.context, gpu.commands.address, softgpu_writer_size(&writer)));
    assert_success(umd_wait_on_cpu(&gpu.umd, &gpu.fence, UINT64_MAX)); /* the device is lost */
}

CONFORMANCE_GPU(CreateSynchronizationObject2, a_display_that_is_not_there_makes_no_fence)
{
    D3DKMT_CREATESYNCHRONIZATIONOBJECT2 create = {0};

    open_gpu(world);
    create.Info.PeriodicMonitoredFence.VidPnTargetId = 1;
    assert_false(NT_SUCCESS(create2(&create, D3DDDI_PERIODIC_MONITORED_FENCE)));
    create.Info.PeriodicMonitoredFence.VidPnTargetId = 0;
    create.Info.PeriodicMonitoredFence.Time = UINT64_MAX;
    assert_false(NT_SUCCESS(create2(&create, D3DDDI_PERIODIC_MONITORED_FENCE)));
}

CONFORMANCE(CreateSynchronizationObject, only_for_mutexes_and_semaphores)
{
    for (int type = D3DDDI_FENCE; type <= D3DDDI_SYNCHRONIZATION_TYPE_LIMIT; type++) {
        ARGS(D3DKMT_CREATESYNCHRONIZATIONOBJECT, create);

        create.hDevice = HANDLE_OF(world, DEVICE);
        create.Info.Type = (D3DDDI_SYNCHRONIZATIONOBJECT_TYPE)type;
        assert_fails(D3DKMTCreateSynchronizationObject(&create), STATUS_INVALID_PARAMETER);
        assert_int_equal(create.hSyncObject, 0);
    }
}

CONFORMANCE(CreateSynchronizationObject, no_arguments)
{
    (void)world;
    assert_fails(D3DKMTCreateSynchronizationObject(NULL), STATUS_INVALID_PARAMETER);
}

CONFORMANCE(SignalSynchronizationObject, no_arguments)
{
    (void)world;
    assert_fails(D3DKMTSignalSynchronizationObject(NULL), STATUS_INVALID_PARAMETER);
}

CONFORMANCE(WaitForSynchronizationObject, no_arguments)
{
    (void)world;
    assert_fails(D3DKMTWaitForSynchronizationObject(NULL), STATUS_INVALID_PARAMETER);
}

CONFORMANCE_GPU(WaitForSynchronizationObject2, one_legacy_object_at_a_time)
{
    ARGS(D3DKMT_WAITFORSYNCHRONIZATIONOBJECT2, wait);

    open_gpu(world);
    D3DKMT_HANDLE mutex = create_mutex(FALSE);
    wait.hContext = gpu.context;
    wait.ObjectCount = 2;
    wait.ObjectHandleArray[0] = wait.ObjectHandleArray[1] = mutex;
    assert_fails(D3DKMTWaitForSynchronizationObject2(&wait), STATUS_INVALID_PARAMETER);
    destroy_object(mutex);
}
