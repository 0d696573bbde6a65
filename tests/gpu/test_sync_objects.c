/* SPDX-License-Identifier: MIT */
/* Mutexes, semaphores, legacy and periodic fences: what makes queues wait, and what is wrong use.
 */
#include "fixture.h"

#include <stdatomic.h>
#include <string.h>

enum { QUEUES = 3 };

struct world {
    struct rig rig;
    struct gpu_context *contexts[QUEUES];
    struct gpu_queue *queues[QUEUES];
    struct gpu_fence *reached[QUEUES]; /* rises with what each queue has done */
    uint64_t signalled[QUEUES];
};

static const uint64_t no_value;

static void open_world(struct world *world, const struct gpu_machine_config *config)
{
    memset(world, 0, sizeof(*world));
    rig_open(&world->rig, config, NULL);
    for (unsigned i = 0; i < QUEUES; i++) {
        world->contexts[i] = rig_new_context(&world->rig, i % 2 ? NODE_COPY : NODE_3D);
        world->queues[i] = gpu_context_queue(world->contexts[i]);
        world->reached[i] = rig_new_fence(&world->rig, 0);
    }
}

static int set_up(void **state)
{
    static struct world world;

    open_world(&world, NULL);
    *state = &world;
    return 0;
}

static void destroy_queue(struct world *world, unsigned index)
{
    gpu_context_destroy(world->contexts[index]);
    world->contexts[index] = NULL;
}

static int tear_down(void **state)
{
    struct world *world = *state;

    for (unsigned i = 0; i < QUEUES; i++) {
        destroy_queue(world, i);
        gpu_fence_release(world->reached[i]);
    }
    rig_close(&world->rig);
    return 0;
}

static struct gpu_fence *create(struct world *world, enum gpu_fence_type type, uint64_t initial,
                                uint64_t maximum)
{
    struct gpu_fence_config config = {.type = type, .initial_value = initial, .maximum = maximum};
    struct gpu_fence *fence;

    assert_int_equal(gpu_fence_create(world->rig.machine, &config, &fence), STATUS_SUCCESS);
    assert_int_equal(gpu_fence_offset(fence), 0);
    assert_int_equal(gpu_fence_get_type(fence), type);
    return fence;
}

static NTSTATUS acquire(struct world *world, unsigned queue, struct gpu_fence *object)
{
    return gpu_queue_wait(world->queues[queue], 1, &object, &no_value);
}

static NTSTATUS release(struct world *world, unsigned queue, struct gpu_fence *object)
{
    return gpu_queue_signal(world->queues[queue], 1, &object, &no_value);
}

/* Puts a mark into the queue; has_reached tells whether it has come so far. */
static void mark(struct world *world, unsigned queue)
{
    uint64_t value = ++world->signalled[queue];

    assert_int_equal(gpu_queue_signal(world->queues[queue], 1, &world->reached[queue], &value),
                     STATUS_SUCCESS);
}

static void wait_for_mark(struct world *world, unsigned queue)
{
    assert_int_equal(rig_wait(&world->rig, world->reached[queue], world->signalled[queue]),
                     GPU_WAIT_SATISFIED);
}

static bool has_reached_mark(struct world *world, unsigned queue)
{
    gpu_device_flush(world->rig.device); /* until each queue is empty or blocked */
    return gpu_fence_value(world->reached[queue]) == world->signalled[queue];
}

/* ---- mutexes */

static void a_mutex_is_one_queues_at_a_time(void **state)
{
    struct world *world = *state;
    struct gpu_fence *mutex = create(world, GPU_FENCE_MUTEX, 0, 0);

    assert_int_equal(gpu_fence_value(mutex), 1);
    assert_int_equal(acquire(world, 0, mutex), STATUS_SUCCESS);
    mark(world, 0);
    wait_for_mark(world, 0);
    assert_int_equal(gpu_fence_value(mutex), 0);
    assert_int_equal(acquire(world, 1, mutex), STATUS_SUCCESS);
    mark(world, 1);
    assert_false(has_reached_mark(world, 1));
    assert_int_equal(acquire(world, 2, mutex), STATUS_SUCCESS);
    mark(world, 2);
    assert_false(has_reached_mark(world, 2));
    /* It goes to who has waited longest, and to nobody else. */
    assert_int_equal(release(world, 0, mutex), STATUS_SUCCESS);
    wait_for_mark(world, 1);
    assert_false(has_reached_mark(world, 2));
    assert_int_equal(release(world, 1, mutex), STATUS_SUCCESS);
    wait_for_mark(world, 2);
    assert_int_equal(release(world, 2, mutex), STATUS_SUCCESS);
    gpu_device_flush(world->rig.device);
    assert_int_equal(gpu_fence_value(mutex), 1);
    assert_int_equal(gpu_device_get_state(world->rig.device), GPU_DEVICE_ACTIVE);
    gpu_fence_release(mutex);
}

static void wrong_uses_of_a_mutex_are_refused(void **state)
{
    struct world *world = *state;
    struct gpu_fence *mutex = create(world, GPU_FENCE_MUTEX, 0, 0);
    struct gpu_fence *both[] = {mutex, mutex};
    const uint64_t values[2] = {0};

    assert_int_equal(release(world, 0, mutex), STATUS_INVALID_PARAMETER);
    assert_int_equal(acquire(world, 0, mutex), STATUS_SUCCESS);
    assert_int_equal(acquire(world, 0, mutex), STATUS_INVALID_PARAMETER);
    assert_int_equal(release(world, 1, mutex), STATUS_INVALID_PARAMETER);
    assert_int_equal(gpu_queue_signal(world->queues[0], 2, both, values), STATUS_INVALID_PARAMETER);
    assert_int_equal(gpu_queue_wait(world->queues[1], 2, both, values), STATUS_INVALID_PARAMETER);
    /* What was refused has changed nothing. */
    assert_int_equal(release(world, 0, mutex), STATUS_SUCCESS);
    assert_int_equal(release(world, 0, mutex), STATUS_INVALID_PARAMETER);
    assert_int_equal(acquire(world, 1, mutex), STATUS_SUCCESS);
    mark(world, 1);
    wait_for_mark(world, 1);
    assert_int_equal(gpu_device_get_state(world->rig.device), GPU_DEVICE_ACTIVE);
    gpu_fence_release(mutex);
}

static void a_mutex_made_owned_waits_for_its_first_signal(void **state)
{
    struct world *world = *state;
    struct gpu_fence *mutex = create(world, GPU_FENCE_MUTEX, 1, 0);

    assert_int_equal(acquire(world, 0, mutex), STATUS_SUCCESS);
    mark(world, 0);
    assert_false(has_reached_mark(world, 0));
    assert_int_equal(release(world, 1, mutex), STATUS_SUCCESS);
    wait_for_mark(world, 0);
    assert_int_equal(release(world, 1, mutex), STATUS_INVALID_PARAMETER);
    gpu_fence_release(mutex);
}

static void a_queue_that_ends_gives_its_mutexes_back(void **state)
{
    struct world *world = *state;
    struct gpu_fence *mutex = create(world, GPU_FENCE_MUTEX, 0, 0);
    struct gpu_fence *never = rig_new_fence(&world->rig, 0);
    uint64_t one = 1;

    /* Owned, with the signal behind a wait that does not end. */
    assert_int_equal(acquire(world, 0, mutex), STATUS_SUCCESS);
    mark(world, 0);
    wait_for_mark(world, 0);
    assert_int_equal(gpu_queue_wait(world->queues[0], 1, &never, &one), STATUS_SUCCESS);
    assert_int_equal(release(world, 0, mutex), STATUS_SUCCESS);
    assert_int_equal(acquire(world, 1, mutex), STATUS_SUCCESS);
    mark(world, 1);
    assert_false(has_reached_mark(world, 1));
    destroy_queue(world, 0);
    wait_for_mark(world, 1);
    /* Owned, with no signal at all; and one that waits and ends gets nothing. */
    assert_int_equal(acquire(world, 2, mutex), STATUS_SUCCESS);
    gpu_device_flush(world->rig.device);
    destroy_queue(world, 2);
    assert_int_equal(gpu_fence_value(mutex), 0);
    destroy_queue(world, 1);
    assert_int_equal(gpu_fence_value(mutex), 1);
    gpu_fence_release(never);
    gpu_fence_release(mutex);
}

static void immediate_signals_look_at_the_owner_of_the_moment(void **state)
{
    struct world *world = *state;
    struct gpu_fence *mutex = create(world, GPU_FENCE_MUTEX, 0, 0);
    struct gpu_fence *later = rig_new_fence(&world->rig, 0);
    uint64_t one = 1;

    assert_int_equal(gpu_queue_wait(world->queues[0], 1, &later, &one), STATUS_SUCCESS);
    assert_int_equal(acquire(world, 0, mutex), STATUS_SUCCESS);
    /* The wait is still to come. */
    assert_int_equal(gpu_queue_signal_now(world->queues[0], 1, &mutex, &no_value),
                     STATUS_INVALID_PARAMETER);
    mark(world, 0);
    gpu_fence_signal(later, 1);
    wait_for_mark(world, 0);
    assert_int_equal(gpu_queue_signal_now(world->queues[1], 1, &mutex, &no_value),
                     STATUS_INVALID_PARAMETER);
    assert_int_equal(gpu_queue_signal_now(world->queues[0], 1, &mutex, &no_value), STATUS_SUCCESS);
    assert_int_equal(gpu_fence_value(mutex), 1);
    gpu_fence_release(later);
    gpu_fence_release(mutex);
}

/* ---- semaphores */

static void a_semaphore_counts_to_its_maximum(void **state)
{
    struct world *world = *state;
    struct gpu_fence *semaphore = create(world, GPU_FENCE_SEMAPHORE, 2, 2);

    for (unsigned i = 0; i < QUEUES; i++) {
        assert_int_equal(acquire(world, i, semaphore), STATUS_SUCCESS);
        mark(world, i);
        gpu_device_flush(world->rig.device);
    }
    assert_true(has_reached_mark(world, 0));
    assert_true(has_reached_mark(world, 1));
    assert_false(has_reached_mark(world, 2));
    /* Any queue may give a unit back. */
    assert_int_equal(release(world, 1, semaphore), STATUS_SUCCESS);
    wait_for_mark(world, 2);
    assert_int_equal(gpu_fence_value(semaphore), 0);
    assert_int_equal(release(world, 0, semaphore), STATUS_SUCCESS);
    assert_int_equal(release(world, 0, semaphore), STATUS_SUCCESS);
    gpu_device_flush(world->rig.device);
    assert_int_equal(gpu_fence_value(semaphore), 2);
    assert_int_equal(gpu_queue_signal_now(world->queues[0], 1, &semaphore, &no_value),
                     STATUS_INVALID_PARAMETER);
    assert_int_equal(gpu_device_get_state(world->rig.device), GPU_DEVICE_ACTIVE);
    gpu_fence_release(semaphore);
}

static void a_queued_unit_too_many_is_an_error_of_the_device(void **state)
{
    struct world *world = *state;
    struct gpu_fence *semaphore = create(world, GPU_FENCE_SEMAPHORE, 1, 1);

    assert_int_equal(release(world, 0, semaphore), STATUS_SUCCESS);
    rig_wait_for_error(&world->rig);
    assert_int_equal(gpu_device_get_state(world->rig.device), GPU_DEVICE_DMA_FAULT);
    assert_int_equal(gpu_fence_value(semaphore), 1);
    gpu_fence_release(semaphore);
}

/* ---- legacy fences */

static void a_legacy_fence_waits_for_its_value(void **state)
{
    struct world *world = *state;
    struct gpu_fence *fence = create(world, GPU_FENCE_LEGACY, 4, 0);
    uint64_t four = 4, six = 6;

    assert_int_equal(gpu_queue_wait(world->queues[0], 1, &fence, &four), STATUS_SUCCESS);
    mark(world, 0);
    wait_for_mark(world, 0);
    assert_int_equal(gpu_queue_wait(world->queues[0], 1, &fence, &six), STATUS_SUCCESS);
    mark(world, 0);
    assert_false(has_reached_mark(world, 0));
    assert_int_equal(gpu_queue_signal(world->queues[1], 1, &fence, &six), STATUS_SUCCESS);
    wait_for_mark(world, 0);
    gpu_fence_release(fence);
}

static void on_wait(void *context, enum gpu_wait_result result)
{
    (void)context;
    (void)result;
}

static void the_cpu_waits_for_none_of_these(void **state)
{
    struct world *world = *state;
    const enum gpu_fence_type types[] = {GPU_FENCE_MUTEX, GPU_FENCE_SEMAPHORE, GPU_FENCE_LEGACY};

    for (unsigned i = 0; i < 3; i++) {
        struct gpu_fence *object = create(world, types[i], 0, 1);

        assert_int_equal(
            gpu_wait_register(world->rig.waits, 1, &object, &no_value, false, on_wait, NULL),
            STATUS_INVALID_PARAMETER);
        gpu_fence_release(object);
    }
}

/* ---- periodic fences */

static _Atomic uint64_t manual_time;

static uint64_t manual_now(const struct gpu_clock *clock)
{
    (void)clock;
    return atomic_load(&manual_time);
}

/* Looks again every millisecond of real time: the test moves the clock without telling. */
static bool manual_wait_until(const struct gpu_clock *clock, pthread_cond_t *condition,
                              pthread_mutex_t *mutex, uint64_t deadline)
{
    uint64_t soon = gpu_clock_monotonic.now(&gpu_clock_monotonic) + 1000000;

    (void)gpu_clock_monotonic.wait_until(&gpu_clock_monotonic, condition, mutex, soon);
    return manual_now(clock) < deadline;
}

static const struct gpu_clock manual_clock = {manual_now, manual_wait_until};

static struct gpu_fence *create_periodic(struct world *world, uint64_t offset)
{
    struct gpu_fence_config config = {.type = GPU_FENCE_PERIODIC_MONITORED,
                                      .blank_offset_ns = offset,
                                      .device = world->rig.device};
    struct gpu_fence *fence;

    assert_int_equal(gpu_fence_create(world->rig.machine, &config, &fence), STATUS_SUCCESS);
    assert_int_equal(gpu_fence_value(fence), 0);
    return fence;
}

static int set_up_clock(void **state)
{
    static struct world world;
    const struct gpu_machine_config config = {.storage_size = UINT64_C(256) << 20,
                                              .clock = &manual_clock};

    atomic_store(&manual_time, 10 * GPU_BLANK_PERIOD_NS + 5);
    open_world(&world, &config);
    *state = &world;
    return 0;
}

static void a_periodic_fence_rises_with_the_clock(void **state)
{
    struct world *world = *state;
    struct gpu_fence *at_blank = create_periodic(world, 0);
    struct gpu_fence *later = create_periodic(world, 1000000);

    atomic_store(&manual_time, 10 * GPU_BLANK_PERIOD_NS + 1000000);
    assert_int_equal(rig_wait(&world->rig, later, 1), GPU_WAIT_SATISFIED);
    assert_int_equal(gpu_fence_value(at_blank), 0);
    atomic_store(&manual_time, 11 * GPU_BLANK_PERIOD_NS);
    assert_int_equal(rig_wait(&world->rig, at_blank, 1), GPU_WAIT_SATISFIED);
    assert_int_equal(gpu_fence_value(later), 1);
    atomic_store(&manual_time, 15 * GPU_BLANK_PERIOD_NS);
    assert_int_equal(rig_wait(&world->rig, at_blank, 5), GPU_WAIT_SATISFIED);
    assert_int_equal(rig_wait(&world->rig, later, 5), GPU_WAIT_SATISFIED);
    assert_int_equal(gpu_fence_value(at_blank), 5);
    gpu_fence_release(later);
    gpu_fence_release(at_blank);
}

static void queues_wait_for_a_periodic_fence_and_may_not_signal_it(void **state)
{
    struct world *world = *state;
    struct gpu_fence *fence = create_periodic(world, 0);
    uint64_t one = 1;

    assert_int_equal(gpu_queue_signal(world->queues[0], 1, &fence, &one), STATUS_INVALID_PARAMETER);
    assert_int_equal(gpu_queue_signal_now(world->queues[0], 1, &fence, &one),
                     STATUS_INVALID_PARAMETER);
    assert_int_equal(gpu_queue_wait(world->queues[0], 1, &fence, &one), STATUS_SUCCESS);
    mark(world, 0);
    assert_false(has_reached_mark(world, 0));
    atomic_fetch_add(&manual_time, GPU_BLANK_PERIOD_NS);
    wait_for_mark(world, 0);
    gpu_fence_release(fence);
}

static void a_lost_device_ends_the_waits_for_its_periodic_fences(void **state)
{
    struct world *world = *state;
    struct gpu_fence *fence = create_periodic(world, 0);

    gpu_device_mark_error(world->rig.device, GPU_DEVICE_RESET);
    assert_int_equal(rig_wait(&world->rig, fence, UINT64_MAX), GPU_WAIT_SATISFIED);
    atomic_fetch_add(&manual_time, 3 * GPU_BLANK_PERIOD_NS);
    assert_true(gpu_fence_value(fence) == UINT64_MAX);
    gpu_fence_release(fence);
}

int main(void)
{
#define TEST(name)       cmocka_unit_test_setup_teardown(name, set_up, tear_down)
#define CLOCK_TEST(name) cmocka_unit_test_setup_teardown(name, set_up_clock, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(a_mutex_is_one_queues_at_a_time),
        TEST(wrong_uses_of_a_mutex_are_refused),
        TEST(a_mutex_made_owned_waits_for_its_first_signal),
        TEST(a_queue_that_ends_gives_its_mutexes_back),
        TEST(immediate_signals_look_at_the_owner_of_the_moment),
        TEST(a_semaphore_counts_to_its_maximum),
        TEST(a_queued_unit_too_many_is_an_error_of_the_device),
        TEST(a_legacy_fence_waits_for_its_value),
        TEST(the_cpu_waits_for_none_of_these),
        CLOCK_TEST(a_periodic_fence_rises_with_the_clock),
        CLOCK_TEST(queues_wait_for_a_periodic_fence_and_may_not_signal_it),
        CLOCK_TEST(a_lost_device_ends_the_waits_for_its_periodic_fences),
    };

    return cmocka_run_group_tests_name("gpu-sync-objects", tests, NULL, NULL);
}
