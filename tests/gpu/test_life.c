/* SPDX-License-Identifier: MIT */
/* Objects that go away under a busy engine, in every order. */
#include "fixture.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <string.h>

struct function_calls {
    _Atomic uint32_t started;
    _Atomic uint32_t go_on;
};

/* Keeps the engine inside of a command buffer until the test lets it go. */
static bool linger(void *context, const struct softgpu_call *call)
{
    struct function_calls *calls = context;

    (void)call;
    atomic_fetch_add(&calls->started, 1);
    while (!atomic_load(&calls->go_on))
        sched_yield();
    return true;
}

static void wait_until_started(struct function_calls *calls)
{
    while (atomic_load(&calls->started) == 0)
        sched_yield();
}

static void context_waiting_for_memory_can_be_destroyed(void **state)
{
    struct rig *rig = *state;
    struct gpu_context *context = rig_new_context(rig, NODE_3D);
    struct commands commands = commands_create(rig);

    softgpu_wait(&commands.writer, SOFTGPU_EQUAL, commands.buffer.address + 4096, 1);
    commands_submit(&commands, gpu_context_queue(context));
    gpu_device_flush(rig->device);
    gpu_context_destroy(context);
    assert_int_equal(gpu_device_get_state(rig->device), GPU_DEVICE_ACTIVE);
    commands_destroy(rig, &commands);
}

static void context_waiting_for_a_fence_can_be_destroyed(void **state)
{
    struct rig *rig = *state;
    struct gpu_context *context = rig_new_context(rig, NODE_3D);
    struct gpu_fence *fence = rig_new_fence(rig, 0);
    uint64_t one = 1;

    assert_int_equal(gpu_queue_wait(gpu_context_queue(context), 1, &fence, &one), STATUS_SUCCESS);
    assert_int_equal(gpu_queue_signal(gpu_context_queue(context), 1, &fence, &one), STATUS_SUCCESS);
    gpu_device_flush(rig->device);
    gpu_context_destroy(context);
    assert_int_equal(gpu_fence_value(fence), 0);
    gpu_fence_signal(fence, 1);
    gpu_fence_release(fence);
}

static void hanging_context_can_be_destroyed(void **state)
{
    struct rig *rig = *state;
    struct gpu_context *context = rig_new_context(rig, NODE_3D);
    struct commands commands = commands_create(rig);

    softgpu_write32(&commands.writer, commands.buffer.address + 4096, 1);
    softgpu_hang(&commands.writer);
    commands_submit(&commands, gpu_context_queue(context));
    while (!((_Atomic uint32_t *)commands.buffer.data)[1024])
        sched_yield();
    gpu_context_destroy(context); /* long before the time-out */
    assert_int_equal(gpu_device_get_state(rig->device), GPU_DEVICE_ACTIVE);
    commands_destroy(rig, &commands);
}

static void *destroy_context(void *context)
{
    gpu_context_destroy(context);
    return NULL;
}

static void running_context_is_left_before_it_dies(void **state)
{
    struct rig *rig = *state;
    struct gpu_context *context = rig_new_context(rig, NODE_3D);
    struct commands commands = commands_create(rig);
    struct function_calls calls = {0};
    pthread_t thread;

    assert_int_equal(
        kmd_softgpu_set_function(gpu_adapter_miniport_adapter(rig->adapter), 1, linger, &calls),
        STATUS_SUCCESS);
    softgpu_call_function(&commands.writer, 1, NULL, 0);
    for (unsigned i = 0; i < 100; i++)
        commands_submit(&commands, gpu_context_queue(context));
    wait_until_started(&calls);
    pthread_create(&thread, NULL, destroy_context, context);
    sched_yield();
    atomic_store(&calls.go_on, 1);
    pthread_join(thread, NULL);
    /* The rest has been discarded, unless it ran before the other thread had begun. */
    assert_in_range(calls.started, 1, 100);
    commands_destroy(rig, &commands);
}

static void memory_can_go_while_it_is_copied(void **state)
{
    struct rig *rig = *state;
    uint64_t size = UINT64_C(8) << 20;

    for (unsigned round = 0; round < 10; round++) {
        struct gpu_device *device = rig_new_device(rig);
        struct rig own = *rig;
        struct gpu_context *context;
        struct buffer source = buffer_create(rig, size);
        struct buffer destination = buffer_create(rig, size);
        struct commands commands = commands_create(rig);

        own.device = device;
        context = rig_new_context(&own, NODE_COPY);
        for (unsigned i = 0; i < 4; i++)
            softgpu_copy(&commands.writer, destination.address, source.address, size);
        commands_submit(&commands, gpu_context_queue(context));
        buffer_destroy(rig, &destination);
        buffer_destroy(rig, &source);
        gpu_context_destroy(context);
        gpu_device_destroy(device);
        commands_destroy(rig, &commands);
    }
}

static void parents_may_go_first(void **state)
{
    struct rig *rig = *state;
    struct rig own = *rig;
    struct gpu_context *context;
    struct gpu_hw_queue *queue;
    struct gpu_fence *fence;
    struct gpu_allocation *allocation;
    struct commands commands;

    assert_int_equal(gpu_process_create(rig->adapter, "test", &own.process), STATUS_SUCCESS);
    own.device = rig_new_device(&own);
    assert_int_equal(gpu_paging_queue_create(own.device, &own.paging), STATUS_SUCCESS);
    context = rig_new_context(&own, NODE_3D);
    assert_int_equal(gpu_hw_queue_create(context, NULL, 0, &queue), STATUS_SUCCESS);
    fence = rig_new_fence(&own, 0);
    allocation = rig_allocate(&own, PAGE, 0);
    rig_make_resident(&own, allocation);
    rig_map(&own, allocation, GPU_PROTECTION_WRITE);
    commands = commands_create(&own);
    softgpu_wait(&commands.writer, SOFTGPU_EQUAL, commands.buffer.address + 4096, 1);
    commands_submit(&commands, gpu_context_queue(context));
    commands_submit(&commands, gpu_hw_queue_queue(queue));

    gpu_device_destroy(own.device);
    gpu_process_destroy(own.process);
    assert_int_equal(gpu_queue_submit(gpu_context_queue(context), 0, 0, NULL, 0),
                     STATUS_DEVICE_REMOVED);
    gpu_context_destroy(context);
    gpu_hw_queue_destroy(queue);
    gpu_paging_queue_destroy(own.paging);
    gpu_allocation_release(allocation);
    gpu_allocation_release(commands.buffer.allocation);
    assert_int_equal(gpu_fence_value(fence), 0); /* a device that was destroyed has not failed */
    gpu_fence_release(fence);
    assert_int_equal(gpu_adapter_segment_used(rig->adapter, KMD_SEGMENT_LOCAL), 0);
}

static void process_can_go_while_its_work_runs(void **state)
{
    struct rig *rig = *state;
    struct rig own = *rig;
    struct gpu_context *context;
    struct commands commands;
    struct function_calls calls = {0};

    assert_int_equal(
        kmd_softgpu_set_function(gpu_adapter_miniport_adapter(rig->adapter), 1, linger, &calls),
        STATUS_SUCCESS);
    assert_int_equal(gpu_process_create(rig->adapter, "test", &own.process), STATUS_SUCCESS);
    own.device = rig_new_device(&own);
    assert_int_equal(gpu_paging_queue_create(own.device, &own.paging), STATUS_SUCCESS);
    context = rig_new_context(&own, NODE_3D);
    commands = commands_create(&own);
    softgpu_call_function(&commands.writer, 1, NULL, 0);
    softgpu_write32(&commands.writer, commands.buffer.address + 4096, 1);
    commands_submit(&commands, gpu_context_queue(context));
    wait_until_started(&calls);
    gpu_process_destroy(own.process);
    atomic_store(&calls.go_on, 1);
    gpu_device_flush(own.device);
    assert_int_equal(gpu_device_get_state(own.device), GPU_DEVICE_DMA_PAGE_FAULT);
    assert_int_equal(((uint32_t *)commands.buffer.data)[1024], 0);
    gpu_context_destroy(context);
    gpu_paging_queue_destroy(own.paging);
    gpu_device_destroy(own.device);
    gpu_allocation_release(commands.buffer.allocation);
}

static void on_state_release(void *context, enum gpu_device_state state)
{
    struct gpu_fence **fence = context;

    /* What a host does here: look, signal, let go. */
    assert_int_equal(state, GPU_DEVICE_DMA_FAULT);
    gpu_fence_signal(*fence, 5);
    gpu_fence_release(*fence);
}

static void state_callbacks_may_use_the_machine(void **state)
{
    struct rig *rig = *state;
    struct rig own = *rig;
    struct gpu_fence *fence = rig_new_fence(rig, 0);
    struct gpu_context *context;

    assert_int_equal(gpu_device_create(rig->process, on_state_release, &fence, &own.device),
                     STATUS_SUCCESS);
    context = rig_new_context(&own, NODE_3D);
    gpu_fence_reference(fence);
    assert_int_equal(gpu_queue_submit(gpu_context_queue(context), 0x10000, 3, NULL, 0),
                     STATUS_SUCCESS);
    assert_int_equal(rig_wait(rig, fence, 5), GPU_WAIT_SATISFIED);
    gpu_fence_release(fence);
    gpu_context_destroy(context);
    gpu_device_destroy(own.device);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, rig_set_up, rig_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(context_waiting_for_memory_can_be_destroyed),
        TEST(context_waiting_for_a_fence_can_be_destroyed),
        TEST(hanging_context_can_be_destroyed),
        TEST(running_context_is_left_before_it_dies),
        TEST(memory_can_go_while_it_is_copied),
        TEST(parents_may_go_first),
        TEST(process_can_go_while_its_work_runs),
        TEST(state_callbacks_may_use_the_machine),
    };

    return cmocka_run_group_tests_name("gpu-life", tests, NULL, NULL);
}
