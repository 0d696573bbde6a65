/* SPDX-License-Identifier: MIT */
/* Hardware queues: life, progress fences, and what is submitted to them. */
#include "conformance/conformance.h"

static void create(const struct world *world, D3DKMT_CREATEHWQUEUE *args)
{
    memset(args, 0, sizeof(*args));
    args->hHwContext = HANDLE_OF(world, HW_CONTEXT);
    assert_success(D3DKMTCreateHwQueue(args));
}

static uint64_t progress_of(const D3DKMT_CREATEHWQUEUE *queue)
{
    return __atomic_load_n((const uint64_t *)queue->HwQueueProgressFenceCPUVirtualAddress,
                           __ATOMIC_ACQUIRE);
}

static NTSTATUS submit(D3DKMT_HANDLE queue, uint64_t commands, uint32_t size, uint64_t progress)
{
    ARGS(D3DKMT_SUBMITCOMMANDTOHWQUEUE, args);

    args.hHwQueue = queue;
    args.CommandBuffer = commands;
    args.CommandLength = size;
    args.HwQueueProgressFenceId = progress;
    return D3DKMTSubmitCommandToHwQueue(&args);
}

static NTSTATUS signal_fence(D3DKMT_HANDLE queue, D3DKMT_HANDLE fence, uint64_t value)
{
    ARGS(D3DKMT_SUBMITSIGNALSYNCOBJECTSTOHWQUEUE, args);

    args.BroadcastHwQueueCount = 1;
    args.BroadcastHwQueueArray = &queue;
    args.ObjectCount = 1;
    args.ObjectHandleArray = &fence;
    args.FenceValueArray = &value;
    return D3DKMTSubmitSignalSyncObjectsToHwQueue(&args);
}

static NTSTATUS wait_for_fence(D3DKMT_HANDLE queue, D3DKMT_HANDLE fence, uint64_t value)
{
    ARGS(D3DKMT_SUBMITWAITFORSYNCOBJECTSTOHWQUEUE, args);

    args.hHwQueue = queue;
    args.ObjectCount = 1;
    args.ObjectHandleArray = &fence;
    args.FenceValueArray = &value;
    return D3DKMTSubmitWaitForSyncObjectsToHwQueue(&args);
}

static NTSTATUS wait_on_cpu(const struct world *world, D3DKMT_HANDLE fence, uint64_t value)
{
    return client_wait(HANDLE_OF(world, DEVICE), fence, value, 0);
}

/* ---- CreateHwQueue */

CONFORMANCE(CreateHwQueue, gives_a_queue_and_a_progress_fence)
{
    D3DKMT_CREATEHWQUEUE queue;

    create(world, &queue);
    assert_int_not_equal(queue.hHwQueue, 0);
    assert_int_not_equal(queue.hHwQueueProgressFence, 0);
    assert_int_not_equal(queue.hHwQueue, queue.hHwQueueProgressFence);
    assert_non_null(queue.HwQueueProgressFenceCPUVirtualAddress);
    assert_int_not_equal(queue.HwQueueProgressFenceGPUVirtualAddress, 0);
    assert_int_equal(progress_of(&queue), 0);
}

CONFORMANCE(CreateHwQueue, queues_have_fences_of_their_own)
{
    D3DKMT_CREATEHWQUEUE first, second;

    create(world, &first);
    create(world, &second);
    assert_int_not_equal(first.hHwQueue, second.hHwQueue);
    assert_int_not_equal(first.hHwQueueProgressFence, second.hHwQueueProgressFence);
    assert_ptr_not_equal(first.HwQueueProgressFenceCPUVirtualAddress,
                         second.HwQueueProgressFenceCPUVirtualAddress);
}

CONFORMANCE_LARGE(CreateHwQueue, the_largest_private_data_fits)
{
    ARGS(D3DKMT_CREATEHWQUEUE, args);

    args.hHwContext = HANDLE_OF(world, HW_CONTEXT);
    args.pPrivateDriverData = world->scratch;
    args.PrivateDriverDataSize = 130985;
    assert_success(D3DKMTCreateHwQueue(&args));
    args.PrivateDriverDataSize = 131072;
    assert_fails(D3DKMTCreateHwQueue(&args), STATUS_INVALID_PARAMETER);
}

CONFORMANCE(CreateHwQueue, the_progress_fence_is_not_an_object_of_the_program)
{
    D3DKMT_DESTROYSYNCHRONIZATIONOBJECT destroy = {HANDLE_OF(world, PROGRESS_FENCE)};
    D3DKMT_CREATESYNCFILE file = {HANDLE_OF(world, DEVICE), HANDLE_OF(world, PROGRESS_FENCE), 1, 0};
    D3DKMT_HANDLE fence = HANDLE_OF(world, PROGRESS_FENCE);
    HANDLE nt_handle = NULL;

    assert_fails(D3DKMTDestroySynchronizationObject(&destroy), STATUS_INVALID_PARAMETER);
    assert_fails(D3DKMTCreateSyncFile(&file), STATUS_INVALID_PARAMETER);
    assert_fails(D3DKMTShareObjects(1, &fence, NULL, 0, &nt_handle), STATUS_INVALID_PARAMETER);
}

CONFORMANCE_GPU(CreateHwQueue, the_gpu_does_not_write_to_the_progress_fence)
{
    D3DKMT_CREATEHWQUEUE queue;
    struct client_gpu gpu;
    struct softgpu_writer writer;
    ARGS(D3DKMT_GETDEVICESTATE, state);

    conformance_gpu(world, &gpu);
    create(world, &queue);
    softgpu_writer_init(&writer, gpu.commands.cpu, gpu.commands.size);
    softgpu_copy(&writer, gpu.target.address, queue.HwQueueProgressFenceGPUVirtualAddress, 4);
    assert_success(conformance_submit(&gpu, &writer));
    conformance_finish(&gpu); /* it may read it */
    softgpu_writer_init(&writer, gpu.commands.cpu, gpu.commands.size);
    softgpu_write32(&writer, queue.HwQueueProgressFenceGPUVirtualAddress, 77);
    assert_success(conformance_submit(&gpu, &writer));
    (void)umd_signal(gpu.context, &gpu.fence, ++gpu.last_value);
    (void)umd_wait_on_cpu(&gpu.umd, &gpu.fence, gpu.last_value);
    assert_int_not_equal(progress_of(&queue), 77);
    state.hDevice = gpu.umd.device;
    state.StateType = D3DKMT_DEVICESTATE_EXECUTION;
    assert_success(D3DKMTGetDeviceState(&state));
    assert_int_not_equal(state.ExecutionState, D3DKMT_DEVICEEXECUTION_ACTIVE);
}

/* ---- DestroyHwQueue */

CONFORMANCE(DestroyHwQueue, ends_the_handle_and_its_fence)
{
    D3DKMT_DESTROYHWQUEUE destroy = {HANDLE_OF(world, HW_QUEUE)};

    assert_success(D3DKMTDestroyHwQueue(&destroy));
    assert_fails(D3DKMTDestroyHwQueue(&destroy), STATUS_INVALID_PARAMETER);
    assert_false(NT_SUCCESS(wait_on_cpu(world, HANDLE_OF(world, PROGRESS_FENCE), 0)));
}

CONFORMANCE_GPU(DestroyHwQueue, does_not_wait_for_a_fence_that_never_comes)
{
    D3DKMT_DESTROYHWQUEUE destroy = {HANDLE_OF(world, HW_QUEUE)};

    assert_success(wait_for_fence(HANDLE_OF(world, HW_QUEUE), HANDLE_OF(world, FENCE), 1000));
    assert_success(submit(HANDLE_OF(world, HW_QUEUE), world->address, world->command_size, 1));
    assert_success(D3DKMTDestroyHwQueue(&destroy));
}

/* ---- SubmitCommandToHwQueue */

CONFORMANCE_GPU(SubmitCommandToHwQueue, the_gpu_executes_it_and_the_fence_advances)
{
    D3DKMT_CREATEHWQUEUE queue;
    struct client_gpu gpu;
    struct softgpu_writer writer;

    conformance_gpu(world, &gpu);
    create(world, &queue);
    softgpu_writer_init(&writer, gpu.commands.cpu, gpu.commands.size);
    softgpu_write32(&writer, gpu.target.address, 0xabcd);
    assert_success(
        submit(queue.hHwQueue, gpu.commands.address, (uint32_t)softgpu_writer_size(&writer), 1));
    assert_success(wait_on_cpu(world, queue.hHwQueueProgressFence, 1));
    assert_int_equal(progress_of(&queue), 1);
    assert_int_equal(conformance_target(&gpu), 0xabcd);
}

CONFORMANCE_GPU(SubmitCommandToHwQueue, buffers_run_in_order)
{
    enum { BUFFERS = 32 };
    D3DKMT_CREATEHWQUEUE queue;
    struct client_gpu gpu;
    struct softgpu_writer writer;

    conformance_gpu(world, &gpu);
    create(world, &queue);
    for (unsigned i = 0; i < BUFFERS; i++) {
        softgpu_writer_init(&writer, (char *)gpu.commands.cpu + i * 64, 64);
        softgpu_atomic(&writer, 4, SOFTGPU_ATOMIC_COMPARE_EXCHANGE, gpu.target.address, i + 1, i,
                       0);
        assert_success(submit(queue.hHwQueue, gpu.commands.address + i * 64,
                              (uint32_t)softgpu_writer_size(&writer), i + 1));
    }
    assert_success(wait_on_cpu(world, queue.hHwQueueProgressFence, BUFFERS));
    assert_int_equal(conformance_target(&gpu), BUFFERS);
}

CONFORMANCE(SubmitCommandToHwQueue, private_data_that_fit_no_message_are_refused)
{
    ARGS(D3DKMT_SUBMITCOMMANDTOHWQUEUE, args);

    args.hHwQueue = HANDLE_OF(world, HW_QUEUE);
    args.CommandBuffer = world->address;
    args.CommandLength = world->command_size;
    args.pPrivateDriverData = world->scratch;
    args.PrivateDriverDataSize = 131072;
    args.HwQueueProgressFenceId = 1;
    assert_fails(D3DKMTSubmitCommandToHwQueue(&args), STATUS_INVALID_PARAMETER);
}

/* ---- SubmitSignalSyncObjectsToHwQueue, SubmitWaitForSyncObjectsToHwQueue */

CONFORMANCE_GPU(SubmitSignalSyncObjectsToHwQueue, comes_after_the_work_before_it)
{
    struct client_gpu gpu;
    struct softgpu_writer writer;
    D3DKMT_HANDLE queue = HANDLE_OF(world, HW_QUEUE);

    conformance_gpu(world, &gpu);
    softgpu_writer_init(&writer, gpu.commands.cpu, gpu.commands.size);
    softgpu_write32(&writer, gpu.target.address, 3);
    assert_success(submit(queue, gpu.commands.address, (uint32_t)softgpu_writer_size(&writer), 1));
    assert_success(signal_fence(queue, gpu.fence.object, 9));
    assert_success(umd_wait_on_cpu(&gpu.umd, &gpu.fence, 9));
    assert_int_equal(conformance_target(&gpu), 3);
}

CONFORMANCE_GPU(SubmitSignalSyncObjectsToHwQueue, every_object_gets_its_value)
{
    enum { OBJECTS = 8 };
    struct umd umd = conformance_umd(world);
    struct umd_fence fences[OBJECTS];
    D3DKMT_HANDLE handles[OBJECTS], queue = HANDLE_OF(world, HW_QUEUE);
    UINT64 values[OBJECTS];
    ARGS(D3DKMT_SUBMITSIGNALSYNCOBJECTSTOHWQUEUE, args);

    for (unsigned i = 0; i < OBJECTS; i++) {
        assert_success(umd_fence_create(&umd, 0, &fences[i]));
        handles[i] = fences[i].object;
        values[i] = 100 + i;
    }
    args.BroadcastHwQueueCount = 1;
    args.BroadcastHwQueueArray = &queue;
    args.ObjectCount = OBJECTS;
    args.ObjectHandleArray = handles;
    args.FenceValueArray = values;
    assert_success(D3DKMTSubmitSignalSyncObjectsToHwQueue(&args));
    for (unsigned i = 0; i < OBJECTS; i++) {
        assert_success(umd_wait_on_cpu(&umd, &fences[i], values[i]));
        assert_int_equal(umd_fence_value(&fences[i]), values[i]);
    }
}

CONFORMANCE_GPU(SubmitWaitForSyncObjectsToHwQueue, holds_what_comes_behind_it)
{
    D3DKMT_CREATEHWQUEUE queue;
    struct client_gpu gpu;
    struct softgpu_writer writer;

    conformance_gpu(world, &gpu);
    create(world, &queue);
    softgpu_writer_init(&writer, gpu.commands.cpu, gpu.commands.size);
    softgpu_write32(&writer, gpu.target.address, 4);
    assert_success(wait_for_fence(queue.hHwQueue, gpu.fence.object, 1));
    assert_success(
        submit(queue.hHwQueue, gpu.commands.address, (uint32_t)softgpu_writer_size(&writer), 1));
    assert_int_equal(progress_of(&queue), 0);
    assert_int_equal(conformance_target(&gpu), 0);
    assert_success(client_signal(gpu.umd.device, gpu.fence.object, 1));
    assert_success(wait_on_cpu(world, queue.hHwQueueProgressFence, 1));
    assert_int_equal(conformance_target(&gpu), 4);
}

CONFORMANCE_GPU(SubmitWaitForSyncObjectsToHwQueue, one_queue_waits_for_another)
{
    D3DKMT_CREATEHWQUEUE first, second;
    struct client_gpu gpu;
    struct softgpu_writer writer;

    conformance_gpu(world, &gpu);
    create(world, &first);
    create(world, &second);
    softgpu_writer_init(&writer, gpu.commands.cpu, gpu.commands.size);
    softgpu_write32(&writer, gpu.target.address, 1);
    uint32_t size = (uint32_t)softgpu_writer_size(&writer);
    softgpu_write32(&writer, gpu.target.address, 2); /* as long as the first */
    assert_success(wait_for_fence(second.hHwQueue, first.hHwQueueProgressFence, 1));
    assert_success(submit(second.hHwQueue, gpu.commands.address + size, size, 1));
    assert_success(submit(first.hHwQueue, gpu.commands.address, size, 1));
    assert_success(wait_on_cpu(world, second.hHwQueueProgressFence, 1));
    assert_int_equal(conformance_target(&gpu), 2);
}
CONFORMANCE(CreateHwQueue, a_context_that_was_not_made_for_it_is_refused)
{
    ARGS(D3DKMT_CREATEHWQUEUE, args);

    args.hHwContext = HANDLE_OF(world, CONTEXT);
    assert_false(NT_SUCCESS(D3DKMTCreateHwQueue(&args)));
    assert_int_equal(args.hHwQueue, 0);
}
