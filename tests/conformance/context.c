/* SPDX-License-Identifier: MIT */
/* Contexts: life, priorities, and what is submitted to them. */
#include "conformance/conformance.h"

static NTSTATUS create(const struct world *world, D3DKMT_CREATECONTEXTVIRTUAL *args)
{
    args->hDevice = HANDLE_OF(world, DEVICE);
    args->EngineAffinity = 1;
    return D3DKMTCreateContextVirtual(args);
}

static NTSTATUS destroy(D3DKMT_HANDLE context)
{
    D3DKMT_DESTROYCONTEXT args = {context};

    return D3DKMTDestroyContext(&args);
}

/* ---- CreateContextVirtual */

CONFORMANCE(CreateContextVirtual, gives_a_handle_of_its_own)
{
    ARGS(D3DKMT_CREATECONTEXTVIRTUAL, first);
    ARGS(D3DKMT_CREATECONTEXTVIRTUAL, second);

    assert_success(create(world, &first));
    assert_success(create(world, &second));
    assert_int_not_equal(first.hContext, 0);
    assert_int_not_equal(first.hContext, second.hContext);
}

CONFORMANCE(CreateContextVirtual, no_engine_affinity_means_the_first)
{
    ARGS(D3DKMT_CREATECONTEXTVIRTUAL, args);

    args.hDevice = HANDLE_OF(world, DEVICE);
    assert_success(D3DKMTCreateContextVirtual(&args));
    assert_success(umd_submit(args.hContext, world->address, world->command_size));
}

CONFORMANCE(CreateContextVirtual, a_node_that_does_not_exist_is_refused)
{
    ARGS(D3DKMT_CREATECONTEXTVIRTUAL, args);

    args.NodeOrdinal = 1000;
    assert_false(NT_SUCCESS(create(world, &args)));
    assert_int_equal(args.hContext, 0);
}

CONFORMANCE(CreateContextVirtual, private_data_goes_to_the_driver_and_back)
{
    ARGS(D3DKMT_CREATECONTEXTVIRTUAL, args);
    unsigned char data[256], before[256];

    for (unsigned i = 0; i < sizeof(data); i++)
        data[i] = (unsigned char)i;
    memcpy(before, data, sizeof(data));
    args.pPrivateDriverData = data;
    args.PrivateDriverDataSize = sizeof(data);
    assert_success(create(world, &args));
    assert_ptr_equal(args.pPrivateDriverData, data);
    assert_memory_equal(data, before, sizeof(data)); /* this driver has nothing to say */
}

CONFORMANCE(CreateContextVirtual, a_failure_leaves_the_handle_alone)
{
    ARGS(D3DKMT_CREATECONTEXTVIRTUAL, args);

    (void)world;
    args.hDevice = 0x7fffffc0;
    args.hContext = 0x12345678;
    assert_fails(D3DKMTCreateContextVirtual(&args), STATUS_INVALID_PARAMETER);
    assert_int_equal(args.hContext, 0x12345678);
}

CONFORMANCE_LARGE(CreateContextVirtual, the_largest_private_data_fits)
{
    ARGS(D3DKMT_CREATECONTEXTVIRTUAL, args);

    args.pPrivateDriverData = world->scratch;
    args.PrivateDriverDataSize = 131001;
    assert_success(create(world, &args));
    args.PrivateDriverDataSize = 131072;
    assert_fails(create(world, &args), STATUS_INVALID_PARAMETER);
}

/* ---- DestroyContext */

CONFORMANCE(DestroyContext, ends_the_handle)
{
    assert_success(destroy(HANDLE_OF(world, CONTEXT)));
    assert_fails(umd_submit(HANDLE_OF(world, CONTEXT), world->address, world->command_size),
                 STATUS_INVALID_PARAMETER);
    assert_fails(destroy(HANDLE_OF(world, CONTEXT)), STATUS_INVALID_PARAMETER);
}

CONFORMANCE(DestroyContext, takes_its_hardware_queues_along)
{
    D3DKMT_DESTROYHWQUEUE queue = {HANDLE_OF(world, HW_QUEUE)};

    assert_success(destroy(HANDLE_OF(world, HW_CONTEXT)));
    assert_fails(D3DKMTDestroyHwQueue(&queue), STATUS_INVALID_PARAMETER);
}

CONFORMANCE(DestroyContext, leaves_other_contexts_alone)
{
    ARGS(D3DKMT_CREATECONTEXTVIRTUAL, other);

    assert_success(create(world, &other));
    assert_success(destroy(other.hContext));
    assert_success(umd_submit(HANDLE_OF(world, CONTEXT), world->address, world->command_size));
}

CONFORMANCE_GPU(DestroyContext, does_not_wait_for_a_fence_that_never_comes)
{
    struct client_gpu gpu;

    conformance_gpu(world, &gpu);
    assert_success(umd_wait(gpu.context, &gpu.fence, 1));
    assert_success(umd_submit(gpu.context, world->address, world->command_size));
    assert_success(destroy(gpu.context));
}

/* ---- SubmitCommand */

CONFORMANCE_GPU(SubmitCommand, the_gpu_executes_it)
{
    struct client_gpu gpu;

    conformance_gpu(world, &gpu);
    assert_success(client_gpu_run(&gpu, 0x600dcafe));
}

CONFORMANCE_GPU(SubmitCommand, buffers_of_one_context_run_in_order)
{
    enum { BUFFERS = 64 };
    struct client_gpu gpu;
    struct softgpu_writer writer;

    conformance_gpu(world, &gpu);
    for (unsigned i = 0; i < BUFFERS; i++) {
        /* Each writes i + 1 if it finds i. */
        softgpu_writer_init(&writer, (char *)gpu.commands.cpu + i * 64, 64);
        softgpu_atomic(&writer, 4, SOFTGPU_ATOMIC_COMPARE_EXCHANGE, gpu.target.address, i + 1, i,
                       0);
        assert_success(
            umd_submit(gpu.context, gpu.commands.address + i * 64, softgpu_writer_size(&writer)));
    }
    conformance_finish(&gpu);
    assert_int_equal(conformance_target(&gpu), BUFFERS);
}

CONFORMANCE_GPU(SubmitCommand, returns_before_the_gpu_is_done)
{
    struct client_gpu gpu;
    struct softgpu_writer writer;

    conformance_gpu(world, &gpu);
    softgpu_writer_init(&writer, gpu.commands.cpu, gpu.commands.size);
    softgpu_write32(&writer, gpu.target.address, 5);
    assert_success(umd_wait(gpu.context, &gpu.fence, 1));
    assert_success(conformance_submit(&gpu, &writer));
    assert_int_equal(conformance_target(&gpu), 0);
    gpu.last_value = 1;
    assert_success(client_signal(gpu.umd.device, gpu.fence.object, 1));
    conformance_finish(&gpu);
    assert_int_equal(conformance_target(&gpu), 5);
}

CONFORMANCE_GPU(SubmitCommand, private_data_names_the_fence_to_signal)
{
    struct client_gpu gpu;
    struct softgpu_writer writer;
    ARGS(D3DKMT_SUBMITCOMMAND, submit);

    conformance_gpu(world, &gpu);
    struct softgpu_submit data = softgpu_submit_data(gpu.fence.address, 77);
    softgpu_writer_init(&writer, gpu.commands.cpu, gpu.commands.size);
    softgpu_write32(&writer, gpu.target.address, 6);
    submit.Commands = gpu.commands.address;
    submit.CommandLength = (UINT)softgpu_writer_size(&writer);
    submit.BroadcastContextCount = 1;
    submit.BroadcastContext[0] = gpu.context;
    submit.pPrivateDriverData = &data;
    submit.PrivateDriverDataSize = sizeof(data);
    assert_success(D3DKMTSubmitCommand(&submit));
    assert_success(umd_wait_on_cpu(&gpu.umd, &gpu.fence, 77));
    assert_int_equal(conformance_target(&gpu), 6);
}

CONFORMANCE_GPU(SubmitCommand, a_context_that_renders_nothing_executes_nothing)
{
    struct client_gpu gpu;
    struct softgpu_writer writer;
    ARGS(D3DKMT_CREATECONTEXTVIRTUAL, null_context);

    conformance_gpu(world, &gpu);
    null_context.Flags.NullRendering = 1;
    assert_success(create(world, &null_context));
    softgpu_writer_init(&writer, gpu.commands.cpu, gpu.commands.size);
    softgpu_write32(&writer, gpu.target.address, 7);
    assert_success(
        umd_submit(null_context.hContext, gpu.commands.address, softgpu_writer_size(&writer)));
    gpu.context = null_context.hContext;
    conformance_finish(&gpu);
    assert_int_equal(conformance_target(&gpu), 0);
}

CONFORMANCE_GPU(SubmitCommand, two_engines_work_on_one_memory)
{
    enum { ROUNDS = 100 };
    struct client_gpu gpu;
    struct softgpu_writer writer;
    D3DKMT_HANDLE contexts[2];

    conformance_gpu(world, &gpu);
    contexts[0] = gpu.context;
    assert_success(umd_context_create(&gpu.umd, 1, &contexts[1]));
    softgpu_writer_init(&writer, gpu.commands.cpu, gpu.commands.size);
    softgpu_atomic(&writer, 4, SOFTGPU_ATOMIC_ADD, gpu.target.address, 1, 0, 0);
    for (unsigned i = 0; i < ROUNDS; i++) {
        for (unsigned engine = 0; engine < 2; engine++)
            assert_success(
                umd_submit(contexts[engine], gpu.commands.address, softgpu_writer_size(&writer)));
    }
    for (unsigned engine = 0; engine < 2; engine++) {
        gpu.context = contexts[engine];
        conformance_finish(&gpu);
    }
    assert_int_equal(conformance_target(&gpu), 2 * ROUNDS);
}

CONFORMANCE(SubmitCommand, more_primaries_than_the_array_holds_are_refused)
{
    ARGS(D3DKMT_SUBMITCOMMAND, submit);

    submit.Commands = world->address;
    submit.CommandLength = world->command_size;
    submit.BroadcastContextCount = 1;
    submit.BroadcastContext[0] = HANDLE_OF(world, CONTEXT);
    submit.NumPrimaries = D3DDDI_MAX_WRITTEN_PRIMARIES + 1;
    assert_fails(D3DKMTSubmitCommand(&submit), STATUS_INVALID_PARAMETER);
}

CONFORMANCE(SubmitCommand, a_lost_device_refuses)
{
    ARGS(D3DKMT_MARKDEVICEASERROR, mark);

    mark.hDevice = HANDLE_OF(world, DEVICE);
    mark.Reason = D3DKMT_DEVICE_ERROR_REASON_GENERIC;
    assert_success(D3DKMTMarkDeviceAsError(&mark));
    NTSTATUS status = umd_submit(HANDLE_OF(world, CONTEXT), world->address, world->command_size);
    assert_true(conformance_path->async || !NT_SUCCESS(status));
}

/* ---- priorities */

static NTSTATUS set_priority(D3DKMT_HANDLE context, INT priority)
{
    D3DKMT_SETCONTEXTSCHEDULINGPRIORITY args = {context, priority};

    return D3DKMTSetContextSchedulingPriority(&args);
}

static INT get_priority(D3DKMT_HANDLE context)
{
    D3DKMT_GETCONTEXTSCHEDULINGPRIORITY args = {context, 1000};

    assert_success(D3DKMTGetContextSchedulingPriority(&args));
    return args.Priority;
}

static NTSTATUS set_in_process(D3DKMT_HANDLE context, INT priority)
{
    D3DKMT_SETCONTEXTINPROCESSSCHEDULINGPRIORITY args = {context, priority};

    return D3DKMTSetContextInProcessSchedulingPriority(&args);
}

static INT get_in_process(D3DKMT_HANDLE context)
{
    D3DKMT_GETCONTEXTINPROCESSSCHEDULINGPRIORITY args = {context, 1000};

    assert_success(D3DKMTGetContextInProcessSchedulingPriority(&args));
    return args.Priority;
}

/* The same rules for both kinds, by their setter and getter. */
typedef NTSTATUS set_function(D3DKMT_HANDLE context, INT priority);
typedef INT get_function(D3DKMT_HANDLE context);

static void check_range(const struct world *world, set_function *set, get_function *get)
{
    for (INT priority = -7; priority <= 7; priority++) {
        assert_success(set(HANDLE_OF(world, CONTEXT), priority));
        assert_int_equal(get(HANDLE_OF(world, CONTEXT)), priority);
    }
}

static void check_outside(const struct world *world, set_function *set, get_function *get)
{
    static const INT wrong[] = {-8, 8, 1000, -1000};

    for (unsigned i = 0; i < COUNT(wrong); i++)
        assert_false(NT_SUCCESS(set(HANDLE_OF(world, CONTEXT), wrong[i])));
    assert_int_equal(get(HANDLE_OF(world, CONTEXT)), 0);
}

CONFORMANCE(GetContextSchedulingPriority, a_new_context_has_0)
{
    assert_int_equal(get_priority(HANDLE_OF(world, CONTEXT)), 0);
}

CONFORMANCE(GetContextSchedulingPriority, tells_what_was_set)
{
    check_range(world, set_priority, get_priority);
}

CONFORMANCE(SetContextSchedulingPriority, concerns_one_context)
{
    assert_success(set_priority(HANDLE_OF(world, CONTEXT), 5));
    assert_int_equal(get_priority(HANDLE_OF(world, HW_CONTEXT)), 0);
}

CONFORMANCE(SetContextSchedulingPriority, outside_of_the_range_is_refused)
{
    check_outside(world, set_priority, get_priority);
}

CONFORMANCE(GetContextInProcessSchedulingPriority, a_new_context_has_0)
{
    assert_int_equal(get_in_process(HANDLE_OF(world, CONTEXT)), 0);
}

CONFORMANCE(GetContextInProcessSchedulingPriority, tells_what_was_set)
{
    check_range(world, set_in_process, get_in_process);
}

CONFORMANCE(SetContextInProcessSchedulingPriority, is_apart_from_the_other_priority)
{
    assert_success(set_in_process(HANDLE_OF(world, CONTEXT), 3));
    assert_int_equal(get_priority(HANDLE_OF(world, CONTEXT)), 0);
    assert_int_equal(get_in_process(HANDLE_OF(world, HW_CONTEXT)), 0);
}

CONFORMANCE(SetContextInProcessSchedulingPriority, outside_of_the_range_is_refused)
{
    check_outside(world, set_in_process, get_in_process);
}
