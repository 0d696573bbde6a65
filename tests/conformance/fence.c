/* SPDX-License-Identifier: MIT */
/* Monitored fences and CPU notifications: life, signals and waits of CPU and GPU. */
#include "conformance/conformance.h"

#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <unistd.h>

static struct client_gpu gpu;

static NTSTATUS create(const struct world *world, D3DDDI_SYNCHRONIZATIONOBJECT_TYPE type,
                       D3DKMT_CREATESYNCHRONIZATIONOBJECT2 *args)
{
    args->hDevice = HANDLE_OF(world, DEVICE);
    args->Info.Type = type;
    return D3DKMTCreateSynchronizationObject2(args);
}

static NTSTATUS destroy(D3DKMT_HANDLE object)
{
    D3DKMT_DESTROYSYNCHRONIZATIONOBJECT args = {object};

    return D3DKMTDestroySynchronizationObject(&args);
}

static struct umd_fence new_fence(const struct world *world, uint64_t value)
{
    struct umd umd = conformance_umd(world);
    struct umd_fence fence;

    assert_success(umd_fence_create(&umd, value, &fence));
    return fence;
}

/* Whether an eventfd has been raised within half a minute, and how often. */
static uint64_t raised(int event)
{
    struct pollfd polled = {.fd = event, .events = POLLIN};
    uint64_t count = 0;

    if (poll(&polled, 1, 30000) == 1)
        assert_int_equal(read(event, &count, sizeof(count)), sizeof(count));
    return count;
}

static bool is_raised(int event)
{
    struct pollfd polled = {.fd = event, .events = POLLIN};

    return poll(&polled, 1, 0) == 1;
}

/* ---- CreateSynchronizationObject2, DestroySynchronizationObject */

CONFORMANCE(CreateSynchronizationObject2, a_fence_begins_with_its_value)
{
    static const uint64_t values[] = {0, 1, UINT64_C(0x123456789abcdef0)};

    for (unsigned i = 0; i < COUNT(values); i++) {
        struct umd_fence fence = new_fence(world, values[i]);

        assert_int_equal(umd_fence_value(&fence), values[i]);
        assert_int_not_equal(fence.address, 0);
        assert_success(client_wait(HANDLE_OF(world, DEVICE), fence.object, values[i], 0));
    }
}

CONFORMANCE(CreateSynchronizationObject2, sharing_needs_nt_security)
{
    ARGS(D3DKMT_CREATESYNCHRONIZATIONOBJECT2, args);

    args.Info.Flags.Shared = 1;
    assert_fails(create(world, D3DDDI_MONITORED_FENCE, &args), STATUS_INVALID_PARAMETER);
    assert_int_equal(args.hSyncObject, 0);
}

CONFORMANCE(CreateSynchronizationObject2, an_unknown_type_is_refused)
{
    static const int types[] = {0, D3DDDI_SYNCHRONIZATION_TYPE_LIMIT, 1000, -1};

    for (unsigned i = 0; i < COUNT(types); i++) {
        ARGS(D3DKMT_CREATESYNCHRONIZATIONOBJECT2, args);
        assert_false(NT_SUCCESS(create(world, (D3DDDI_SYNCHRONIZATIONOBJECT_TYPE)types[i], &args)));
        assert_int_equal(args.hSyncObject, 0);
    }
}

CONFORMANCE(CreateSynchronizationObject2, a_failure_destroys_nothing)
{
    ARGS(D3DKMT_CREATESYNCHRONIZATIONOBJECT2, args);

    args.hSyncObject = HANDLE_OF(world, FENCE);
    args.Info.CPUNotification.Event = (HANDLE)(intptr_t)-1;
    assert_fails(create(world, D3DDDI_CPU_NOTIFICATION, &args), STATUS_INVALID_PARAMETER);
    assert_success(client_signal(HANDLE_OF(world, DEVICE), HANDLE_OF(world, FENCE), 1));
}

CONFORMANCE(CreateSynchronizationObject2, the_eventfd_may_be_closed_at_once)
{
    ARGS(D3DKMT_CREATESYNCHRONIZATIONOBJECT2, args);
    int event = eventfd(0, EFD_CLOEXEC), mine = dup(event);

    args.Info.CPUNotification.Event = (HANDLE)(intptr_t)event;
    assert_success(create(world, D3DDDI_CPU_NOTIFICATION, &args));
    close(event);
    struct umd_fence notification = {.object = args.hSyncObject};
    assert_success(umd_signal(HANDLE_OF(world, CONTEXT), &notification, 0));
    assert_int_equal(raised(mine), 1);
    assert_success(destroy(args.hSyncObject));
    close(mine);
}

CONFORMANCE(DestroySynchronizationObject, ends_the_handle)
{
    struct umd_fence fence = new_fence(world, 0);

    assert_success(destroy(fence.object));
    assert_fails(destroy(fence.object), STATUS_INVALID_PARAMETER);
    assert_false(NT_SUCCESS(client_wait(HANDLE_OF(world, DEVICE), fence.object, 0, 0)));
}

/* ---- SignalSynchronizationObjectFromCpu */

CONFORMANCE(SignalSynchronizationObjectFromCpu, the_value_is_there_when_the_host_was_told)
{
    struct umd_fence fence = new_fence(world, 0);

    assert_success(client_signal(HANDLE_OF(world, DEVICE), fence.object, 42));
    conformance_await_host(world);
    assert_int_equal(umd_fence_value(&fence), 42);
}

CONFORMANCE(SignalSynchronizationObjectFromCpu, every_object_gets_its_value)
{
    D3DKMT_HANDLE handles[D3DDDI_MAX_OBJECT_SIGNALED];
    struct umd_fence fences[D3DDDI_MAX_OBJECT_SIGNALED];
    UINT64 values[D3DDDI_MAX_OBJECT_SIGNALED];
    ARGS(D3DKMT_SIGNALSYNCHRONIZATIONOBJECTFROMCPU, args);

    for (unsigned i = 0; i < COUNT(handles); i++) {
        fences[i] = new_fence(world, 0);
        handles[i] = fences[i].object;
        values[i] = 1000 + i;
    }
    args.hDevice = HANDLE_OF(world, DEVICE);
    args.ObjectCount = COUNT(handles);
    args.ObjectHandleArray = handles;
    args.FenceValueArray = values;
    assert_success(D3DKMTSignalSynchronizationObjectFromCpu(&args));
    conformance_await_host(world);
    for (unsigned i = 0; i < COUNT(handles); i++)
        assert_int_equal(umd_fence_value(&fences[i]), values[i]);
}

CONFORMANCE(SignalSynchronizationObjectFromCpu, a_fence_goes_back_only_if_told_so)
{
    struct umd_fence fence = new_fence(world, 100);
    UINT64 value = 50;
    ARGS(D3DKMT_SIGNALSYNCHRONIZATIONOBJECTFROMCPU, args);

    assert_success(client_signal(HANDLE_OF(world, DEVICE), fence.object, value));
    conformance_await_host(world);
    assert_int_equal(umd_fence_value(&fence), 100);
    args.hDevice = HANDLE_OF(world, DEVICE);
    args.ObjectCount = 1;
    args.ObjectHandleArray = &fence.object;
    args.FenceValueArray = &value;
    args.Flags.AllowFenceRewind = 1;
    assert_success(D3DKMTSignalSynchronizationObjectFromCpu(&args));
    conformance_await_host(world);
    assert_int_equal(umd_fence_value(&fence), 50);
}

CONFORMANCE(SignalSynchronizationObjectFromCpu, queues_fences_are_not_the_programs)
{
    assert_verdict(client_signal(HANDLE_OF(world, DEVICE), HANDLE_OF(world, PAGING_FENCE), 1000),
                   STATUS_INVALID_PARAMETER);
}

/* ---- SignalSynchronizationObjectFromGpu, FromGpu2, 2 */

CONFORMANCE_GPU(SignalSynchronizationObjectFromGpu, comes_after_the_work_before_it)
{
    struct softgpu_writer writer;

    conformance_gpu(world, &gpu);
    softgpu_writer_init(&writer, gpu.commands.cpu, gpu.commands.size);
    softgpu_write32(&writer, gpu.target.address, 8);
    assert_success(conformance_submit(&gpu, &writer));
    assert_success(umd_signal(gpu.context, &gpu.fence, 5));
    assert_success(umd_wait_on_cpu(&gpu.umd, &gpu.fence, 5));
    assert_int_equal(conformance_target(&gpu), 8);
}

CONFORMANCE_GPU(SignalSynchronizationObjectFromGpu, signals_of_one_context_keep_their_order)
{
    conformance_gpu(world, &gpu);
    for (uint64_t value = 1; value <= 100; value++)
        assert_success(umd_signal(gpu.context, &gpu.fence, value));
    assert_success(umd_wait_on_cpu(&gpu.umd, &gpu.fence, 100));
    assert_int_equal(umd_fence_value(&gpu.fence), 100);
}

CONFORMANCE_GPU(SignalSynchronizationObjectFromGpu2, an_event_is_raised_when_the_context_gets_there)
{
    int event = eventfd(0, EFD_CLOEXEC);
    ARGS(D3DKMT_SIGNALSYNCHRONIZATIONOBJECTFROMGPU2, args);

    conformance_gpu(world, &gpu);
    assert_success(umd_wait(gpu.context, &gpu.fence, 1));
    args.Flags.EnqueueCpuEvent = 1;
    args.BroadcastContextCount = 1;
    args.BroadcastContextArray = &gpu.context;
    args.CpuEventHandle = (HANDLE)(intptr_t)event;
    assert_success(D3DKMTSignalSynchronizationObjectFromGpu2(&args));
    assert_false(is_raised(event));
    assert_success(client_signal(gpu.umd.device, gpu.fence.object, 1));
    assert_int_equal(raised(event), 1);
    close(event);
}

CONFORMANCE(SignalSynchronizationObjectFromGpu2, an_event_excludes_objects)
{
    D3DKMT_HANDLE context = HANDLE_OF(world, CONTEXT), fence = HANDLE_OF(world, FENCE);
    ARGS(D3DKMT_SIGNALSYNCHRONIZATIONOBJECTFROMGPU2, args);

    args.Flags.EnqueueCpuEvent = 1;
    args.BroadcastContextCount = 1;
    args.BroadcastContextArray = &context;
    args.ObjectCount = 1;
    args.ObjectHandleArray = &fence;
    args.CpuEventHandle = (HANDLE)(intptr_t)world->event;
    assert_fails(D3DKMTSignalSynchronizationObjectFromGpu2(&args), STATUS_INVALID_PARAMETER);
}

CONFORMANCE(SignalSynchronizationObjectFromGpu2, with_an_event_contexts_are_counted_too)
{
    D3DKMT_HANDLE context = HANDLE_OF(world, CONTEXT);
    ARGS(D3DKMT_SIGNALSYNCHRONIZATIONOBJECTFROMGPU2, args);

    args.Flags.EnqueueCpuEvent = 1;
    args.BroadcastContextCount = 0x40000001;
    args.BroadcastContextArray = &context;
    args.CpuEventHandle = (HANDLE)(intptr_t)world->event;
    assert_fails(D3DKMTSignalSynchronizationObjectFromGpu2(&args), STATUS_INVALID_PARAMETER);
}

CONFORMANCE_GPU(SignalSynchronizationObject2, one_value_for_all_objects)
{
    struct umd_fence fences[4];
    ARGS(D3DKMT_SIGNALSYNCHRONIZATIONOBJECT2, args);

    conformance_gpu(world, &gpu);
    args.hContext = gpu.context;
    args.ObjectCount = COUNT(fences);
    args.Fence.FenceValue = 17;
    for (unsigned i = 0; i < COUNT(fences); i++) {
        fences[i] = new_fence(world, 0);
        args.ObjectHandleArray[i] = fences[i].object;
    }
    assert_success(D3DKMTSignalSynchronizationObject2(&args));
    for (unsigned i = 0; i < COUNT(fences); i++)
        assert_success(umd_wait_on_cpu(&gpu.umd, &fences[i], 17));
}

/* ---- WaitForSynchronizationObjectFromGpu */

CONFORMANCE_GPU(WaitForSynchronizationObjectFromGpu, holds_what_comes_behind_it)
{
    struct softgpu_writer writer;
    struct umd_fence gate = new_fence(world, 0);

    conformance_gpu(world, &gpu);
    softgpu_writer_init(&writer, gpu.commands.cpu, gpu.commands.size);
    softgpu_write32(&writer, gpu.target.address, 9);
    assert_success(umd_wait(gpu.context, &gate, 10));
    assert_success(conformance_submit(&gpu, &writer));
    assert_success(client_signal(gpu.umd.device, gate.object, 9));
    assert_int_equal(conformance_target(&gpu), 0);
    assert_success(client_signal(gpu.umd.device, gate.object, 10));
    conformance_finish(&gpu);
    assert_int_equal(conformance_target(&gpu), 9);
}

CONFORMANCE_GPU(WaitForSynchronizationObjectFromGpu, one_context_waits_for_another)
{
    D3DKMT_HANDLE other;
    struct softgpu_writer writer;

    conformance_gpu(world, &gpu);
    assert_success(umd_context_create(&gpu.umd, 1, &other));
    assert_success(umd_wait(other, &gpu.fence, 1));
    softgpu_writer_init(&writer, gpu.commands.cpu, 64);
    softgpu_atomic(&writer, 4, SOFTGPU_ATOMIC_COMPARE_EXCHANGE, gpu.target.address, 2, 1, 0);
    assert_success(umd_submit(other, gpu.commands.address, softgpu_writer_size(&writer)));
    softgpu_writer_init(&writer, (char *)gpu.commands.cpu + 64, 64);
    softgpu_write32(&writer, gpu.target.address, 1);
    assert_success(
        umd_submit(gpu.context, gpu.commands.address + 64, softgpu_writer_size(&writer)));
    assert_success(umd_signal(gpu.context, &gpu.fence, 1));
    assert_success(umd_signal(other, &gpu.fence, 2));
    assert_success(umd_wait_on_cpu(&gpu.umd, &gpu.fence, 2));
    assert_int_equal(conformance_target(&gpu), 2);
}

CONFORMANCE_GPU(WaitForSynchronizationObjectFromGpu, waits_for_all_of_several)
{
    struct umd_fence gates[3];
    D3DKMT_HANDLE handles[3];
    UINT64 values[3] = {1, 2, 3};
    ARGS(D3DKMT_WAITFORSYNCHRONIZATIONOBJECTFROMGPU, wait);

    conformance_gpu(world, &gpu);
    for (unsigned i = 0; i < 3; i++) {
        gates[i] = new_fence(world, 0);
        handles[i] = gates[i].object;
    }
    wait.hContext = gpu.context;
    wait.ObjectCount = 3;
    wait.ObjectHandleArray = handles;
    wait.MonitoredFenceValueArray = values;
    assert_success(D3DKMTWaitForSynchronizationObjectFromGpu(&wait));
    assert_success(umd_signal(gpu.context, &gpu.fence, 1));
    for (unsigned i = 0; i < 3; i++) {
        assert_int_equal(umd_fence_value(&gpu.fence), 0);
        assert_success(client_signal(gpu.umd.device, handles[i], values[i]));
    }
    assert_success(umd_wait_on_cpu(&gpu.umd, &gpu.fence, 1));
}

/* ---- WaitForSynchronizationObjectFromCpu */

CONFORMANCE(WaitForSynchronizationObjectFromCpu, a_reached_value_does_not_block)
{
    struct umd_fence fence = new_fence(world, 5);

    for (uint64_t value = 0; value <= 5; value++)
        assert_success(client_wait(HANDLE_OF(world, DEVICE), fence.object, value, 0));
}

struct sleeper {
    const struct world *world;
    struct umd_fence fence;
    _Atomic int thread;
    NTSTATUS status;
};

static void *sleep_for_1(void *context)
{
    struct sleeper *sleeper = context;

    sleeper->thread = gettid();
    sleeper->status = client_wait(HANDLE_OF(sleeper->world, DEVICE), sleeper->fence.object, 1, 0);
    return NULL;
}

static pthread_t start_sleeper(const struct world *world, struct sleeper *sleeper)
{
    pthread_t thread;

    *sleeper = (struct sleeper){.world = world, .fence = new_fence(world, 0), .status = 1};
    assert_int_equal(pthread_create(&thread, NULL, sleep_for_1, sleeper), 0);
    while (!sleeper->thread)
        sched_yield();
    client_until_asleep(sleeper->thread);
    return thread;
}

CONFORMANCE(WaitForSynchronizationObjectFromCpu, blocks_until_the_signal)
{
    struct sleeper sleeper;
    pthread_t thread = start_sleeper(world, &sleeper);

    assert_int_equal(sleeper.status, 1);
    assert_success(client_signal(HANDLE_OF(world, DEVICE), sleeper.fence.object, 1));
    pthread_join(thread, NULL);
    assert_success(sleeper.status);
}

CONFORMANCE(WaitForSynchronizationObjectFromCpu, ends_when_its_device_goes)
{
    struct sleeper sleeper;
    pthread_t thread = start_sleeper(world, &sleeper);
    D3DKMT_DESTROYDEVICE end = {HANDLE_OF(world, DEVICE)};

    assert_success(D3DKMTDestroyDevice(&end));
    pthread_join(thread, NULL);
    assert_int_equal(sleeper.status, STATUS_DEVICE_REMOVED);
}

CONFORMANCE(WaitForSynchronizationObjectFromCpu, ends_when_the_last_adapter_handle_goes)
{
    struct sleeper sleeper;
    pthread_t thread = start_sleeper(world, &sleeper);
    D3DKMT_CLOSEADAPTER end = {HANDLE_OF(world, ADAPTER)};

    assert_success(D3DKMTCloseAdapter(&end));
    pthread_join(thread, NULL);
    assert_int_equal(sleeper.status, STATUS_DEVICE_REMOVED);
}

CONFORMANCE(WaitForSynchronizationObjectFromCpu, ends_when_the_fence_goes)
{
    struct sleeper sleeper;
    pthread_t thread = start_sleeper(world, &sleeper);

    assert_success(destroy(sleeper.fence.object));
    pthread_join(thread, NULL);
    assert_int_equal(sleeper.status, STATUS_SUCCESS);
}

CONFORMANCE(WaitForSynchronizationObjectFromCpu, an_event_is_raised_once)
{
    struct umd_fence fence = new_fence(world, 0);
    int event = eventfd(0, EFD_CLOEXEC);

    assert_success(client_wait(HANDLE_OF(world, DEVICE), fence.object, 3, event));
    assert_false(is_raised(event));
    assert_success(client_signal(HANDLE_OF(world, DEVICE), fence.object, 2));
    assert_false(is_raised(event));
    assert_success(client_signal(HANDLE_OF(world, DEVICE), fence.object, 3));
    assert_int_equal(raised(event), 1);
    assert_success(client_signal(HANDLE_OF(world, DEVICE), fence.object, 4));
    assert_success(client_wait(HANDLE_OF(world, DEVICE), fence.object, 4, 0));
    assert_false(is_raised(event));
    close(event);
}

CONFORMANCE(WaitForSynchronizationObjectFromCpu, an_event_for_a_reached_value_is_raised)
{
    struct umd_fence fence = new_fence(world, 9);
    int event = eventfd(0, EFD_CLOEXEC);

    assert_success(client_wait(HANDLE_OF(world, DEVICE), fence.object, 9, event));
    assert_int_equal(raised(event), 1);
    close(event);
}

CONFORMANCE(WaitForSynchronizationObjectFromCpu, the_event_may_be_closed_at_once)
{
    struct umd_fence fence = new_fence(world, 0);
    int event = eventfd(0, EFD_CLOEXEC), mine = dup(event);

    assert_success(client_wait(HANDLE_OF(world, DEVICE), fence.object, 1, event));
    close(event);
    assert_success(client_signal(HANDLE_OF(world, DEVICE), fence.object, 1));
    assert_int_equal(raised(mine), 1);
    close(mine);
}

static NTSTATUS wait_for_two(const struct world *world, const struct umd_fence fences[2], bool any,
                             int event)
{
    D3DKMT_HANDLE handles[2] = {fences[0].object, fences[1].object};
    UINT64 values[2] = {1, 1};
    ARGS(D3DKMT_WAITFORSYNCHRONIZATIONOBJECTFROMCPU, wait);

    wait.hDevice = HANDLE_OF(world, DEVICE);
    wait.ObjectCount = 2;
    wait.ObjectHandleArray = handles;
    wait.FenceValueArray = values;
    wait.Flags.WaitAny = any;
    wait.hAsyncEvent = (HANDLE)(intptr_t)event;
    return D3DKMTWaitForSynchronizationObjectFromCpu(&wait);
}

CONFORMANCE(WaitForSynchronizationObjectFromCpu, of_several_all_or_any)
{
    struct umd_fence fences[2] = {new_fence(world, 0), new_fence(world, 0)};
    int all = eventfd(0, EFD_CLOEXEC), any = eventfd(0, EFD_CLOEXEC);

    assert_success(wait_for_two(world, fences, false, all));
    assert_success(wait_for_two(world, fences, true, any));
    assert_success(client_signal(HANDLE_OF(world, DEVICE), fences[1].object, 1));
    assert_int_equal(raised(any), 1);
    assert_false(is_raised(all));
    assert_success(client_signal(HANDLE_OF(world, DEVICE), fences[0].object, 1));
    assert_int_equal(raised(all), 1);
    close(all);
    close(any);
}

CONFORMANCE(WaitForSynchronizationObjectFromCpu, a_notification_has_no_value)
{
    assert_fails(client_wait(HANDLE_OF(world, DEVICE), HANDLE_OF(world, NOTIFICATION), 0, 0),
                 STATUS_INVALID_PARAMETER);
}
