/* SPDX-License-Identifier: MIT */
/* Submit, signal and wait allocate nothing once everything has been used before. The linker hands
 * us every allocation. */
#include "fixture.h"

#include <stdatomic.h>

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_aligned_alloc(size_t alignment, size_t size);
int __real_posix_memalign(void **memory, size_t alignment, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_aligned_alloc(size_t alignment, size_t size);
int __wrap_posix_memalign(void **memory, size_t alignment, size_t size);

static _Atomic uint32_t allocations;

void *__wrap_malloc(size_t size)
{
    atomic_fetch_add(&allocations, 1);
    return __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
    atomic_fetch_add(&allocations, 1);
    return __real_calloc(count, size);
}

void *__wrap_aligned_alloc(size_t alignment, size_t size)
{
    atomic_fetch_add(&allocations, 1);
    return __real_aligned_alloc(alignment, size);
}

int __wrap_posix_memalign(void **memory, size_t alignment, size_t size)
{
    atomic_fetch_add(&allocations, 1);
    return __real_posix_memalign(memory, alignment, size);
}

static void work(struct rig *rig, struct commands *commands, struct gpu_queue *queue,
                 struct gpu_fence *fence)
{
    for (unsigned burst = 0; burst < 50; burst++) {
        uint64_t value = gpu_fence_value(fence);

        for (unsigned i = 0; i < 100; i++) {
            commands_submit(commands, queue);
            value++;
            assert_int_equal(gpu_queue_signal(queue, 1, &fence, &value), STATUS_SUCCESS);
            assert_int_equal(gpu_queue_wait(queue, 1, &fence, &value), STATUS_SUCCESS);
        }
        assert_int_equal(rig_wait(rig, fence, value), GPU_WAIT_SATISFIED);
    }
}

/*
 * Of several rounds: pools grow to the most that was ever in flight at once, which the scheduling
 * of threads may raise by one at any time; what allocates in every round never comes to 0.
 */
static uint32_t fewest_allocations(struct rig *rig, struct commands *commands,
                                   struct gpu_queue *queue, struct gpu_fence *fence)
{
    uint32_t fewest = UINT32_MAX;

    for (int round = 0; round < 10 && fewest > 0; round++) {
        atomic_store(&allocations, 0);
        work(rig, commands, queue, fence);
        if (atomic_load(&allocations) < fewest)
            fewest = atomic_load(&allocations);
    }
    return fewest;
}

static void steady_state_allocates_nothing(void **state)
{
    struct rig rig;
    struct commands commands;
    struct gpu_context *context;
    struct gpu_fence *fence;
    struct gpu_fence *gate;
    uint64_t one = 1;

    (void)state;
    rig_open(&rig, NULL, NULL);
    context = rig_new_context(&rig, NODE_3D);
    commands = commands_create(&rig);
    fence = rig_new_fence(&rig, 0);
    gate = rig_new_fence(&rig, 0);
    softgpu_write32(&commands.writer, commands.buffer.address + 4096, 1);
    /* As deep as the queue will ever be. */
    assert_int_equal(gpu_queue_wait(gpu_context_queue(context), 1, &gate, &one), STATUS_SUCCESS);
    for (unsigned i = 0; i < 400; i++)
        commands_submit(&commands, gpu_context_queue(context));
    gpu_fence_signal(gate, 1);
    work(&rig, &commands, gpu_context_queue(context), fence);
    assert_int_not_equal(allocations, 0); /* the counter does count */
    assert_int_equal(fewest_allocations(&rig, &commands, gpu_context_queue(context), fence), 0);
    atomic_store(&allocations, 0);
    gpu_fence_release(fence);
    gpu_fence_release(gate);
    gpu_context_destroy(context);
    assert_int_equal(allocations, 0);
    commands_destroy(&rig, &commands);
    rig_close(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(steady_state_allocates_nothing),
    };

    return cmocka_run_group_tests_name("gpu-steady", tests, NULL, NULL);
}
