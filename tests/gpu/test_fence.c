/* SPDX-License-Identifier: MIT */
/* Fences and the CPU's waits for them. */
#include "fixture.h"

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

/* What a wait's callback has seen. */
struct seen {
    _Atomic uint32_t calls;
    _Atomic uint32_t result;
};

static void on_wait(void *context, enum gpu_wait_result result)
{
    struct seen *seen = context;

    atomic_store(&seen->result, (uint32_t)result);
    atomic_fetch_add(&seen->calls, 1);
}

static NTSTATUS wait_for(struct rig *rig, struct gpu_fence *fence, uint64_t value,
                         struct seen *seen)
{
    return gpu_wait_register(rig->waits, 1, &fence, &value, false, on_wait, seen);
}

static void value_lies_at_the_start_of_its_page(void **state)
{
    struct rig *rig = *state;
    struct gpu_fence *fence = rig_new_fence(rig, UINT64_C(0x123456789abcdef0));
    uint64_t offset = gpu_fence_offset(fence);
    uint64_t *memory = gpu_machine_storage_pointer(rig->machine, offset);

    assert_int_equal(offset % PAGE, 0);
    assert_int_not_equal(offset, 0);
    assert_int_equal(*memory, UINT64_C(0x123456789abcdef0));
    gpu_fence_signal(fence, UINT64_MAX);
    assert_int_equal(*memory, UINT64_MAX);
    gpu_fence_release(fence);
}

static void unusable_configurations_are_refused(void **state)
{
    static const struct {
        struct gpu_fence_config config;
        NTSTATUS status;
    } cases[] = {
        {{.type = (enum gpu_fence_type)0}, STATUS_INVALID_PARAMETER},
        {{.type = (enum gpu_fence_type)7}, STATUS_INVALID_PARAMETER},
        {{.type = GPU_FENCE_CPU_NOTIFICATION}, STATUS_NOT_SUPPORTED},
        {{.type = GPU_FENCE_MUTEX, .initial_value = 2}, STATUS_INVALID_PARAMETER},
        {{.type = GPU_FENCE_SEMAPHORE}, STATUS_INVALID_PARAMETER},
        {{.type = GPU_FENCE_SEMAPHORE, .initial_value = 3, .maximum = 2}, STATUS_INVALID_PARAMETER},
        {{.type = GPU_FENCE_PERIODIC_MONITORED, .blank_offset_ns = GPU_BLANK_PERIOD_NS},
         STATUS_INVALID_PARAMETER},
    };
    struct rig *rig = *state;
    struct gpu_fence *fence;

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        assert_int_equal(gpu_fence_create(rig->machine, &cases[i].config, &fence), cases[i].status);
}

static void reached_values_call_back_at_once(void **state)
{
    struct rig *rig = *state;
    struct gpu_fence *fence = rig_new_fence(rig, 5);
    struct seen seen = {0};

    assert_int_equal(wait_for(rig, fence, 0, &seen), STATUS_SUCCESS);
    assert_int_equal(wait_for(rig, fence, 5, &seen), STATUS_SUCCESS);
    assert_int_equal(seen.calls, 2);
    assert_int_equal(seen.result, GPU_WAIT_SATISFIED);
    gpu_fence_release(fence);
}

static void waits_call_back_once(void **state)
{
    struct rig *rig = *state;
    struct gpu_fence *fence = rig_new_fence(rig, 5);
    struct seen seen = {0};

    assert_int_equal(wait_for(rig, fence, UINT64_MAX, &seen), STATUS_SUCCESS);
    gpu_fence_signal(fence, UINT64_MAX - 1);
    assert_int_equal(seen.calls, 0);
    gpu_fence_signal(fence, UINT64_MAX);
    gpu_fence_signal(fence, UINT64_MAX);
    assert_int_equal(seen.calls, 1);
    gpu_fence_release(fence);
    assert_int_equal(seen.calls, 1);
}

static void waits_for_all_need_all(void **state)
{
    struct rig *rig = *state;
    struct gpu_fence *fences[3];
    uint64_t values[] = {1, 2, 3};
    struct seen seen = {0};

    for (unsigned i = 0; i < 3; i++)
        fences[i] = rig_new_fence(rig, i == 1 ? 2 : 0);
    assert_int_equal(gpu_wait_register(rig->waits, 3, fences, values, false, on_wait, &seen),
                     STATUS_SUCCESS);
    gpu_fence_signal(fences[2], 3);
    assert_int_equal(seen.calls, 0);
    gpu_fence_signal(fences[2], 0); /* it has been there: that counts */
    gpu_fence_signal(fences[0], 1);
    assert_int_equal(seen.calls, 1);
    assert_int_equal(seen.result, GPU_WAIT_SATISFIED);
    for (unsigned i = 0; i < 3; i++)
        gpu_fence_release(fences[i]);
    assert_int_equal(seen.calls, 1);
}

static void waits_for_any_need_one(void **state)
{
    struct rig *rig = *state;
    struct gpu_fence *fences[2] = {rig_new_fence(rig, 0), rig_new_fence(rig, 0)};
    uint64_t values[] = {1, 1};
    struct seen seen = {0};

    assert_int_equal(gpu_wait_register(rig->waits, 2, fences, values, true, on_wait, &seen),
                     STATUS_SUCCESS);
    gpu_fence_signal(fences[1], 1);
    assert_int_equal(seen.calls, 1);
    gpu_fence_signal(fences[0], 1);
    assert_int_equal(seen.calls, 1);
    gpu_fence_release(fences[0]);
    gpu_fence_release(fences[1]);
}

static void one_fence_may_stand_twice(void **state)
{
    struct rig *rig = *state;
    struct gpu_fence *fence = rig_new_fence(rig, 0);
    struct gpu_fence *fences[] = {fence, fence, fence};
    uint64_t values[] = {1, 3, 1};
    uint64_t any_values[] = {1, 1, 3};
    struct seen all = {0};
    struct seen any = {0};

    assert_int_equal(gpu_wait_register(rig->waits, 3, fences, values, false, on_wait, &all),
                     STATUS_SUCCESS);
    assert_int_equal(gpu_wait_register(rig->waits, 3, fences, any_values, true, on_wait, &any),
                     STATUS_SUCCESS);
    gpu_fence_signal(fence, 2);
    assert_int_equal(all.calls, 0);
    assert_int_equal(any.calls, 1);
    gpu_fence_signal(fence, 3);
    assert_int_equal(all.calls, 1);
    assert_int_equal(any.calls, 1);
    gpu_fence_release(fence);
}

static void waits_for_dead_fences_are_cancelled(void **state)
{
    struct rig *rig = *state;
    struct gpu_fence *fences[2] = {rig_new_fence(rig, 0), rig_new_fence(rig, 0)};
    uint64_t values[] = {1, 1};
    struct seen seen = {0};

    assert_int_equal(gpu_wait_register(rig->waits, 2, fences, values, true, on_wait, &seen),
                     STATUS_SUCCESS);
    gpu_fence_release(gpu_fence_reference(fences[0]));
    assert_int_equal(seen.calls, 0);
    gpu_fence_release(fences[0]);
    assert_int_equal(seen.calls, 1);
    assert_int_equal(seen.result, GPU_WAIT_CANCELLED);
    gpu_fence_signal(fences[1], 1);
    gpu_fence_release(fences[1]);
    assert_int_equal(seen.calls, 1);
}

static void waits_of_the_cpu_end_before_those_of_queues(void **state)
{
    struct rig *rig = *state;
    struct gpu_context *context = rig_new_context(rig, NODE_COPY);
    struct gpu_queue *queue = gpu_context_queue(context);
    struct gpu_fence *fence = rig_new_fence(rig, 0), *after = rig_new_fence(rig, 0);
    uint64_t one = 1;
    struct seen seen = {0}, also = {0};

    assert_int_equal(gpu_queue_wait(queue, 1, &fence, &one), STATUS_SUCCESS);
    assert_int_equal(gpu_queue_signal(queue, 1, &after, &one), STATUS_SUCCESS);
    gpu_device_flush(rig->device);
    assert_int_equal(wait_for(rig, fence, 1, &seen), STATUS_SUCCESS);
    assert_int_equal(wait_for(rig, fence, 2, &also), STATUS_SUCCESS);
    gpu_fence_cancel_cpu_waits(fence);
    assert_int_equal(seen.calls, 1);
    assert_int_equal(seen.result, GPU_WAIT_CANCELLED);
    assert_int_equal(also.calls, 1);
    assert_int_equal(gpu_fence_value(after), 0);
    gpu_fence_signal(fence, 1);
    assert_int_equal(rig_wait(rig, after, 1), GPU_WAIT_SATISFIED);
    assert_int_equal(seen.calls, 1);
    gpu_context_destroy(context);
    gpu_fence_release(after);
    gpu_fence_release(fence);
}

static void groups_take_their_waits_along(void **state)
{
    struct rig *rig = *state;
    struct gpu_fence *fence = rig_new_fence(rig, 0);
    struct gpu_wait_group *group;
    struct seen doomed = {0};
    struct seen other = {0};
    uint64_t one = 1;

    assert_int_equal(gpu_wait_group_create(rig->machine, 0, &group), STATUS_SUCCESS);
    for (unsigned i = 0; i < 100; i++)
        assert_int_equal(gpu_wait_register(group, 1, &fence, &one, false, on_wait, &doomed),
                         STATUS_SUCCESS);
    assert_int_equal(wait_for(rig, fence, 1, &other), STATUS_SUCCESS);
    gpu_wait_group_destroy(group);
    assert_int_equal(doomed.calls, 100);
    assert_int_equal(doomed.result, GPU_WAIT_CANCELLED);
    assert_int_equal(other.calls, 0);
    gpu_fence_signal(fence, 1);
    assert_int_equal(other.calls, 1);
    gpu_fence_release(fence);
}

static void open_waits_are_bounded(void **state)
{
    struct rig *rig = *state;
    struct gpu_fence *fence = rig_new_fence(rig, 0);
    struct gpu_fence *many[GPU_WAIT_MAX_FENCES + 1];
    uint64_t values[GPU_WAIT_MAX_FENCES + 1] = {0};
    struct gpu_wait_group *group;
    struct seen seen = {0};
    uint64_t one = 1;

    assert_int_equal(gpu_wait_group_create(rig->machine, 2, &group), STATUS_SUCCESS);
    assert_int_equal(gpu_wait_register(group, 1, &fence, &one, false, on_wait, &seen),
                     STATUS_SUCCESS);
    assert_int_equal(gpu_wait_register(group, 1, &fence, &one, false, on_wait, &seen),
                     STATUS_SUCCESS);
    assert_int_equal(gpu_wait_register(group, 1, &fence, &one, false, on_wait, &seen),
                     STATUS_NO_MEMORY);
    gpu_fence_signal(fence, 1);
    assert_int_equal(seen.calls, 2);
    assert_int_equal(gpu_wait_register(group, 1, &fence, &one, false, on_wait, &seen),
                     STATUS_SUCCESS);
    for (unsigned i = 0; i <= GPU_WAIT_MAX_FENCES; i++)
        many[i] = fence;
    assert_int_equal(
        gpu_wait_register(group, GPU_WAIT_MAX_FENCES + 1, many, values, false, on_wait, &seen),
        STATUS_INVALID_PARAMETER);
    assert_int_equal(gpu_wait_register(group, 0, many, values, false, on_wait, &seen),
                     STATUS_INVALID_PARAMETER);
    assert_int_equal(
        gpu_wait_register(group, GPU_WAIT_MAX_FENCES, many, values, false, on_wait, &seen),
        STATUS_SUCCESS);
    assert_int_equal(seen.calls, 4);
    gpu_wait_group_destroy(group);
    gpu_fence_release(fence);
}

struct chain {
    struct rig *rig;
    struct gpu_fence *fence;
    uint32_t steps;
};

static void on_step(void *context, enum gpu_wait_result result)
{
    struct chain *chain = context;
    uint64_t next = ++chain->steps + 1;

    assert_int_equal(result, GPU_WAIT_SATISFIED);
    if (chain->steps == 20)
        return;
    assert_int_equal(
        gpu_wait_register(chain->rig->waits, 1, &chain->fence, &next, false, on_step, chain),
        STATUS_SUCCESS);
    gpu_fence_signal(chain->fence, next);
}

static void callbacks_may_wait_and_signal_again(void **state)
{
    struct rig *rig = *state;
    struct chain chain = {rig, rig_new_fence(rig, 0), 0};
    uint64_t one = 1;

    assert_int_equal(gpu_wait_register(rig->waits, 1, &chain.fence, &one, false, on_step, &chain),
                     STATUS_SUCCESS);
    gpu_fence_signal(chain.fence, 1);
    assert_int_equal(chain.steps, 20);
    gpu_fence_release(chain.fence);
}

#define THREADS 4u
#define ROUNDS  3000u

struct signaller {
    pthread_t thread;
    struct rig *rig;
    struct gpu_fence *fence;
    _Atomic uint64_t *next;
    struct seen seen;
};

static void *signal_and_wait(void *argument)
{
    struct signaller *own = argument;

    for (unsigned i = 0; i < ROUNDS; i++) {
        uint64_t value = atomic_fetch_add(own->next, 1) + 1;

        if (wait_for(own->rig, own->fence, value, &own->seen) == STATUS_SUCCESS)
            gpu_fence_signal(own->fence, value);
    }
    return NULL;
}

/* No wait is lost and none answered twice, whoever signals while whoever waits. */
static void storms_of_signals_and_waits_add_up(void **state)
{
    struct rig *rig = *state;
    struct gpu_fence *fence = rig_new_fence(rig, 0);
    struct signaller signallers[THREADS];
    _Atomic uint64_t next = 0;
    uint32_t calls = 0;

    memset(signallers, 0, sizeof(signallers));
    for (unsigned i = 0; i < THREADS; i++) {
        signallers[i].rig = rig;
        signallers[i].fence = fence;
        signallers[i].next = &next;
        pthread_create(&signallers[i].thread, NULL, signal_and_wait, &signallers[i]);
    }
    for (unsigned i = 0; i < THREADS; i++)
        pthread_join(signallers[i].thread, NULL);
    for (unsigned i = 0; i < THREADS; i++)
        calls += signallers[i].seen.calls;
    assert_int_equal(calls, THREADS * ROUNDS);
    gpu_fence_release(fence);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, rig_set_up, rig_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(value_lies_at_the_start_of_its_page),
        TEST(unusable_configurations_are_refused),
        TEST(reached_values_call_back_at_once),
        TEST(waits_call_back_once),
        TEST(waits_for_all_need_all),
        TEST(waits_for_any_need_one),
        TEST(one_fence_may_stand_twice),
        TEST(waits_for_dead_fences_are_cancelled),
        TEST(waits_of_the_cpu_end_before_those_of_queues),
        TEST(groups_take_their_waits_along),
        TEST(open_waits_are_bounded),
        TEST(callbacks_may_wait_and_signal_again),
        TEST(storms_of_signals_and_waits_add_up),
    };

    return cmocka_run_group_tests_name("gpu-fence", tests, NULL, NULL);
}
