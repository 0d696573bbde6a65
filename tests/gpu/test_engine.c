/* SPDX-License-Identifier: MIT */
/* Queues and engines: order, blocking, priorities, hardware queues, hangs, failure. */
#include "fixture.h"

#include <sched.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

struct setting {
    struct rig rig;
    struct gpu_context *context;
    struct gpu_context *copy;
    struct gpu_queue *queue;
    struct commands commands;
    struct buffer memory;
};

static int set_up_with(void **state, uint64_t hang_timeout_ns)
{
    static struct setting setting;
    struct gpu_adapter_config config = rig_adapter_config();

    config.hang_timeout_ns = hang_timeout_ns;
    rig_open(&setting.rig, NULL, &config);
    setting.context = rig_new_context(&setting.rig, NODE_3D);
    setting.copy = rig_new_context(&setting.rig, NODE_COPY);
    setting.queue = gpu_context_queue(setting.context);
    setting.commands = commands_create(&setting.rig);
    setting.memory = buffer_create(&setting.rig, 64 * PAGE);
    *state = &setting;
    return 0;
}

static int set_up(void **state)
{
    return set_up_with(state, 0);
}

static int set_up_impatient(void **state)
{
    return set_up_with(state, 20000000);
}

static int tear_down(void **state)
{
    struct setting *setting = *state;

    buffer_destroy(&setting->rig, &setting->memory);
    commands_destroy(&setting->rig, &setting->commands);
    gpu_context_destroy(setting->copy);
    gpu_context_destroy(setting->context);
    rig_close(&setting->rig);
    return 0;
}

static void submit_words(struct setting *setting, struct gpu_queue *queue, size_t first)
{
    size_t words = setting->commands.writer.used - first;

    assert_int_equal(gpu_queue_submit(queue, setting->commands.buffer.address + first * 4,
                                      (uint32_t)words * 4, NULL, 0),
                     STATUS_SUCCESS);
}

static void submissions_of_a_queue_run_in_order(void **state)
{
    struct setting *setting = *state;
    uint64_t address = setting->memory.address;
    uint32_t *words = setting->memory.data;

    /* Each submission appends its number: the list is in order only if the submissions were. */
    for (uint32_t i = 0; i < 200; i++) {
        size_t first = setting->commands.writer.used;

        softgpu_write32(&setting->commands.writer, address + 4 * i, i + 1);
        softgpu_copy(&setting->commands.writer, address + 4096, address, 4 * (i + 1));
        submit_words(setting, setting->queue, first);
    }
    commands_restart(&setting->commands);
    assert_int_equal(commands_run(&setting->rig, &setting->commands, setting->queue),
                     GPU_DEVICE_ACTIVE);
    for (uint32_t i = 0; i < 200; i++)
        assert_int_equal(words[1024 + i], i + 1);
}

static void waits_block_their_queue_only(void **state)
{
    struct setting *setting = *state;
    struct gpu_context *other = rig_new_context(&setting->rig, NODE_3D);
    struct gpu_fence *fence = rig_new_fence(&setting->rig, 0);
    uint64_t value = 7;
    uint32_t *words = setting->memory.data;

    assert_int_equal(gpu_queue_wait(setting->queue, 1, &fence, &value), STATUS_SUCCESS);
    softgpu_atomic(&setting->commands.writer, 4, SOFTGPU_ATOMIC_ADD, setting->memory.address, 1, 0,
                   0);
    commands_submit(&setting->commands, setting->queue);
    assert_int_equal(commands_run(&setting->rig, &setting->commands, gpu_context_queue(other)),
                     GPU_DEVICE_ACTIVE);
    assert_int_equal(words[0], 1);
    gpu_device_flush(setting->rig.device); /* does not wait for the blocked one */
    gpu_fence_signal(fence, 7);
    gpu_device_flush(setting->rig.device);
    assert_int_equal(words[0], 2);
    gpu_context_destroy(other);
    gpu_fence_release(fence);
}

/* Two engines hand a value to and fro, each waiting for the other. */
static void two_engines_wait_for_each_other(void **state)
{
    struct setting *setting = *state;
    struct gpu_queue *queues[] = {setting->queue, gpu_context_queue(setting->copy)};
    struct gpu_fence *fences[] = {rig_new_fence(&setting->rig, 0), rig_new_fence(&setting->rig, 0)};
    uint32_t *words = setting->memory.data;

    softgpu_atomic(&setting->commands.writer, 4, SOFTGPU_ATOMIC_MAX, setting->memory.address + 4, 0,
                   0, 0);
    softgpu_copy(&setting->commands.writer, setting->memory.address + 4, setting->memory.address,
                 4);
    softgpu_atomic(&setting->commands.writer, 4, SOFTGPU_ATOMIC_ADD, setting->memory.address, 1, 0,
                   0);
    for (uint64_t round = 1; round <= 500; round++) {
        for (unsigned side = 0; side < 2; side++) {
            uint64_t before = round - (side == 0);

            assert_int_equal(gpu_queue_wait(queues[side], 1, &fences[!side], &before),
                             STATUS_SUCCESS);
            commands_submit(&setting->commands, queues[side]);
            assert_int_equal(gpu_queue_signal(queues[side], 1, &fences[side], &round),
                             STATUS_SUCCESS);
        }
    }
    assert_int_equal(rig_wait(&setting->rig, fences[1], 500), GPU_WAIT_SATISFIED);
    assert_int_equal(words[0], 1000);
    assert_int_equal(words[1], 999);
    gpu_fence_release(fences[0]);
    gpu_fence_release(fences[1]);
}

static void queued_waits_outlive_the_fences_owner(void **state)
{
    struct setting *setting = *state;
    struct gpu_fence *fence = rig_new_fence(&setting->rig, 0);
    uint64_t address;
    uint64_t one = 1;

    assert_int_equal(gpu_address_map_fence(setting->rig.process, fence, true, &address),
                     STATUS_SUCCESS);
    assert_int_equal(gpu_queue_wait(setting->queue, 1, &fence, &one), STATUS_SUCCESS);
    gpu_fence_release(fence);
    softgpu_signal(&setting->commands.writer, address, 1);
    commands_submit(&setting->commands, gpu_context_queue(setting->copy));
    commands_restart(&setting->commands);
    assert_int_equal(commands_run(&setting->rig, &setting->commands, setting->queue),
                     GPU_DEVICE_ACTIVE);
    assert_int_equal(gpu_address_free(setting->rig.process, address, PAGE), STATUS_SUCCESS);
}

static void hardware_queues_report_progress(void **state)
{
    struct setting *setting = *state;
    struct gpu_hw_queue *queue;
    struct gpu_fence *progress;

    assert_int_equal(gpu_hw_queue_create(setting->context, NULL, 0, &queue), STATUS_SUCCESS);
    progress = gpu_hw_queue_progress_fence(queue);
    assert_int_equal(gpu_fence_value(progress), 0);
    assert_int_not_equal(gpu_hw_queue_progress_address(queue), 0);
    for (uint64_t value = 1; value <= 10; value++) {
        commands_restart(&setting->commands);
        softgpu_write64(&setting->commands.writer, setting->memory.address, value);
        assert_int_equal(
            gpu_queue_submit_progress(gpu_hw_queue_queue(queue), setting->commands.buffer.address,
                                      (uint32_t)softgpu_writer_size(&setting->commands.writer),
                                      NULL, 0, value),
            STATUS_SUCCESS);
        assert_int_equal(rig_wait(&setting->rig, progress, value), GPU_WAIT_SATISFIED);
        assert_int_equal(gpu_fence_value(progress), value);
        assert_int_equal(*(uint64_t *)setting->memory.data, value);
    }
    assert_int_equal(gpu_queue_submit_progress(setting->queue, 0, 0, NULL, 0, 1),
                     STATUS_INVALID_PARAMETER);
    gpu_hw_queue_destroy(queue);
}

/* All become ready while the engine works on something else; then it must take them by priority. */
static void urgent_queues_come_first(void **state)
{
    struct setting *setting = *state;
    struct gpu_context *contexts[3];
    struct gpu_fence *gate = rig_new_fence(&setting->rig, 0);
    uint32_t *words = setting->memory.data;
    uint64_t one = 1;
    size_t start;

    for (int i = 0; i < 3; i++) {
        contexts[i] = rig_new_context(&setting->rig, NODE_3D);
        assert_int_equal(gpu_queue_set_priority(gpu_context_queue(contexts[i]), i * 7 - 7),
                         STATUS_SUCCESS);
    }
    assert_int_equal(gpu_queue_set_priority(setting->queue, 8), STATUS_INVALID_PARAMETER);
    /* A busy engine: it polls a word that the CPU sets, in a queue of the highest priority, and
     * never blocks on it. */
    for (int i = 0; i < 3; i++) {
        assert_int_equal(gpu_queue_wait(gpu_context_queue(contexts[i]), 1, &gate, &one),
                         STATUS_SUCCESS);
        start = setting->commands.writer.used;
        softgpu_atomic(&setting->commands.writer, 4, SOFTGPU_ATOMIC_ADD, setting->memory.address, 1,
                       0, setting->memory.address + 4 + 4 * (uint64_t)i);
        submit_words(setting, gpu_context_queue(contexts[i]), start);
    }
    gpu_device_flush(setting->rig.device);
    /* The engine itself signals, so it finds all three ready at its next choice. */
    assert_int_equal(gpu_queue_set_priority(setting->queue, 7), STATUS_SUCCESS);
    assert_int_equal(gpu_queue_signal(setting->queue, 1, &gate, &one), STATUS_SUCCESS);
    gpu_device_flush(setting->rig.device);
    for (int i = 0; i < 3; i++)
        gpu_device_flush(setting->rig.device);
    assert_int_equal(words[0], 3);
    assert_int_equal(words[3], 0); /* priority 7 ran first */
    assert_int_equal(words[2], 1);
    assert_int_equal(words[1], 2);
    for (int i = 0; i < 3; i++)
        gpu_context_destroy(contexts[i]);
    gpu_fence_release(gate);
}

/* What queues append to a list on the GPU, made ready one after the other while the engine is
 * busy; order[i] is the place of queue i. All use the memory of the setting's process. */
static void expect_turns(struct setting *setting, unsigned count, struct gpu_queue *const *queues,
                         const uint32_t *order)
{
    struct commands busy = commands_create(&setting->rig);
    struct gate gate;
    uint32_t *words = setting->memory.data;

    memset(words, 0, PAGE);
    gate_close(&gate, &setting->rig, &busy);
    commands_submit(&busy, setting->queue);
    gate_until_entered(&gate);
    for (unsigned i = 0; i < count; i++) {
        size_t start = setting->commands.writer.used;

        softgpu_atomic(&setting->commands.writer, 4, SOFTGPU_ATOMIC_ADD, setting->memory.address, 1,
                       0, setting->memory.address + 4 + 4 * (uint64_t)i);
        submit_words(setting, queues[i], start);
    }
    gate_open(&gate);
    gpu_device_flush(setting->rig.device);
    assert_int_equal(words[0], count);
    for (unsigned i = 0; i < count; i++)
        assert_int_equal(words[1 + i], order[i]);
    commands_destroy(&setting->rig, &busy);
}

static void the_priority_within_the_process_decides_among_equals(void **state)
{
    struct setting *setting = *state;
    struct gpu_context *contexts[4];
    struct gpu_queue *queues[4];
    static const int32_t priorities[] = {-3, 0, 5, 0};
    static const uint32_t order[] = {3, 1, 0, 2}, first_come[] = {0, 1, 2, 3};

    for (int i = 0; i < 4; i++) {
        contexts[i] = rig_new_context(&setting->rig, NODE_3D);
        queues[i] = gpu_context_queue(contexts[i]);
    }
    expect_turns(setting, 4, queues, first_come);
    for (int i = 0; i < 4; i++) {
        assert_int_equal(gpu_queue_set_in_process_priority(queues[i], priorities[i]),
                         STATUS_SUCCESS);
        assert_int_equal(gpu_queue_get_in_process_priority(queues[i]), priorities[i]);
    }
    expect_turns(setting, 4, queues, order);
    /* The other priority goes first, whatever this one says. */
    assert_int_equal(gpu_queue_set_priority(queues[0], 1), STATUS_SUCCESS);
    static const uint32_t raised[] = {0, 2, 1, 3};
    expect_turns(setting, 4, queues, raised);
    assert_int_equal(gpu_queue_set_in_process_priority(queues[0], 8), STATUS_INVALID_PARAMETER);
    assert_int_equal(gpu_queue_set_in_process_priority(queues[0], -8), STATUS_INVALID_PARAMETER);
    for (int i = 0; i < 4; i++)
        gpu_context_destroy(contexts[i]);
}

/* A process that prefers one of its queues gets no more turns than before. Both processes count in
 * a page that they share. */
static void the_priority_within_a_process_does_not_concern_others(void **state)
{
    struct setting *setting = *state;
    struct rig other;
    rig_open_process(&other, &setting->rig);
    struct rig *rigs[] = {&setting->rig, &other, &setting->rig};
    struct gpu_fence *page = rig_new_fence(&setting->rig, 0);
    const uint32_t *words =
        gpu_machine_storage_pointer(setting->rig.machine, gpu_fence_offset(page));
    struct commands busy = commands_create(&setting->rig);
    struct gpu_context *contexts[3];
    struct commands commands[3];
    struct gate gate;
    static const uint32_t order[] = {2, 1, 0};

    for (unsigned i = 0; i < 3; i++) {
        uint64_t address;

        contexts[i] = rig_new_context(rigs[i], NODE_3D);
        commands[i] = commands_create(rigs[i]);
        assert_int_equal(gpu_address_map_fence(rigs[i]->process, page, true, &address),
                         STATUS_SUCCESS);
        softgpu_atomic(&commands[i].writer, 4, SOFTGPU_ATOMIC_ADD, address, 1, 0,
                       address + 4 + 4 * (uint64_t)i);
    }
    assert_int_equal(gpu_queue_set_in_process_priority(gpu_context_queue(contexts[2]), 7),
                     STATUS_SUCCESS);
    gate_close(&gate, &setting->rig, &busy);
    commands_submit(&busy, setting->queue);
    gate_until_entered(&gate);
    for (unsigned i = 0; i < 3; i++)
        commands_submit(&commands[i], gpu_context_queue(contexts[i]));
    gate_open(&gate);
    gpu_device_flush(setting->rig.device);
    gpu_device_flush(other.device);
    assert_int_equal(words[0], 3);
    for (unsigned i = 0; i < 3; i++)
        assert_int_equal(words[1 + i], order[i]);
    for (unsigned i = 0; i < 3; i++) {
        gpu_context_destroy(contexts[i]);
        commands_destroy(rigs[i], &commands[i]);
    }
    commands_destroy(&setting->rig, &busy);
    gpu_fence_release(page);
    rig_close_process(&other);
}

static void updates_are_ordered_with_submissions(void **state)
{
    struct setting *setting = *state;
    struct gpu_placement anywhere = {0};
    struct gpu_update map = {
        .type = GPU_UPDATE_MAP, .size = PAGE, .allocation = setting->memory.allocation};
    uint32_t *words = setting->memory.data;
    uint64_t base;
    size_t start = 0;

    assert_int_equal(gpu_address_reserve(setting->rig.process, &anywhere, PAGE, &base),
                     STATUS_SUCCESS);
    map.base = base;
    for (uint32_t page = 0; page < 8; page++) {
        map.allocation_offset = page * PAGE;
        assert_int_equal(gpu_queue_update(setting->queue, 1, &map), STATUS_SUCCESS);
        start = setting->commands.writer.used;
        softgpu_write32(&setting->commands.writer, base, page + 100);
        submit_words(setting, setting->queue, start);
    }
    gpu_device_flush(setting->rig.device);
    for (uint32_t page = 0; page < 8; page++)
        assert_int_equal(words[page * 1024], page + 100);
    map.base = base + PAGE;
    assert_int_equal(gpu_queue_update(setting->queue, 1, &map), STATUS_SUCCESS);
    rig_wait_for_error(&setting->rig);
    assert_int_equal(setting->rig.error_state, GPU_DEVICE_DMA_FAULT);
}

static void queues_are_bounded(void **state)
{
    struct setting *setting = *state;
    struct gpu_fence *fence = rig_new_fence(&setting->rig, 0);
    static const uint8_t data[100000];
    uint64_t one = 1;
    unsigned queued = 0;

    assert_int_equal(gpu_queue_wait(setting->queue, 1, &fence, &one), STATUS_SUCCESS);
    while (queued < 1000 && gpu_queue_submit(setting->queue, setting->commands.buffer.address, 0,
                                             data, sizeof(data)) == STATUS_SUCCESS)
        queued++;
    assert_in_range(queued, 30, 50);
    gpu_fence_signal(fence, 1);
    gpu_device_flush(setting->rig.device);
    assert_int_equal(
        gpu_queue_submit(setting->queue, setting->commands.buffer.address, 0, data, sizeof(data)),
        STATUS_SUCCESS);
    gpu_fence_release(fence);
}

static void impossible_packets_are_refused(void **state)
{
    struct setting *setting = *state;
    struct gpu_fence *fences[GPU_QUEUE_MAX_FENCES + 1];
    uint64_t values[GPU_QUEUE_MAX_FENCES + 1] = {0};
    struct gpu_context *context;

    for (unsigned i = 0; i <= GPU_QUEUE_MAX_FENCES; i++)
        fences[i] = rig_new_fence(&setting->rig, 0);
    assert_int_equal(gpu_queue_wait(setting->queue, 0, fences, values), STATUS_INVALID_PARAMETER);
    assert_int_equal(gpu_queue_signal(setting->queue, GPU_QUEUE_MAX_FENCES + 1, fences, values),
                     STATUS_INVALID_PARAMETER);
    assert_int_equal(gpu_queue_wait(setting->queue, GPU_QUEUE_MAX_FENCES, fences, values),
                     STATUS_SUCCESS);
    assert_int_equal(gpu_queue_update(setting->queue, 0, NULL), STATUS_INVALID_PARAMETER);
    assert_int_equal(gpu_context_create(setting->rig.device, 2, NULL, 0, &context),
                     STATUS_INVALID_PARAMETER);
    for (unsigned i = 0; i <= GPU_QUEUE_MAX_FENCES; i++)
        gpu_fence_release(fences[i]);
}

/* ---- Failure */

static void failed_devices_refuse_and_wake(void **state)
{
    struct setting *setting = *state;
    struct gpu_fence_config config = {
        .type = GPU_FENCE_MONITORED, .device = setting->rig.device, .no_max_value_on_error = true};
    struct gpu_fence *fence = rig_new_fence(&setting->rig, 3);
    struct gpu_fence *quiet;
    struct gpu_context *context;

    assert_int_equal(gpu_fence_create(setting->rig.machine, &config, &quiet), STATUS_SUCCESS);
    softgpu_write32(&setting->commands.writer, UINT64_C(0x7ffffffff000), 1);
    commands_submit(&setting->commands, setting->queue);
    /* More work, which must not be done. */
    commands_restart(&setting->commands);
    assert_int_equal(rig_wait(&setting->rig, fence, UINT64_MAX), GPU_WAIT_SATISFIED);
    assert_int_equal(gpu_fence_value(quiet), 0);
    assert_int_equal(gpu_device_get_state(setting->rig.device), GPU_DEVICE_DMA_PAGE_FAULT);
    assert_int_equal(setting->rig.error_calls, 1);
    assert_int_equal(gpu_queue_submit(setting->queue, 0, 0, NULL, 0), STATUS_DEVICE_REMOVED);
    assert_int_equal(gpu_queue_submit(gpu_context_queue(setting->copy), 0, 0, NULL, 0),
                     STATUS_DEVICE_REMOVED);
    assert_int_equal(gpu_context_create(setting->rig.device, 0, NULL, 0, &context),
                     STATUS_DEVICE_REMOVED);
    gpu_device_mark_error(setting->rig.device,
                          GPU_DEVICE_HUNG); /* it stays with the first reason */
    assert_int_equal(gpu_device_get_state(setting->rig.device), GPU_DEVICE_DMA_PAGE_FAULT);
    assert_int_equal(setting->rig.error_calls, 1);
    gpu_fence_release(fence);
    gpu_fence_release(quiet);
}

static void work_behind_a_fault_is_discarded(void **state)
{
    struct setting *setting = *state;
    struct gpu_fence *gate = rig_new_fence(&setting->rig, 0);
    uint32_t *words = setting->memory.data;
    uint64_t one = 1;
    size_t start;

    assert_int_equal(gpu_queue_wait(setting->queue, 1, &gate, &one), STATUS_SUCCESS);
    softgpu_write32(&setting->commands.writer, setting->memory.address, 1);
    softgpu_write32(&setting->commands.writer, UINT64_C(0x7ffffffff000), 1);
    softgpu_write32(&setting->commands.writer, setting->memory.address + 4, 1);
    submit_words(setting, setting->queue, 0);
    start = setting->commands.writer.used;
    softgpu_write32(&setting->commands.writer, setting->memory.address + 8, 1);
    submit_words(setting, setting->queue, start);
    gpu_fence_signal(gate, 1);
    rig_wait_for_error(&setting->rig);
    gpu_context_destroy(setting->context); /* returns when the engine has left it */
    setting->context = NULL;
    assert_int_equal(words[0], 1);
    assert_int_equal(words[1], 0);
    assert_int_equal(words[2], 0);
    gpu_fence_release(gate);
}

static void other_devices_go_on(void **state)
{
    struct setting *setting = *state;
    struct rig other = setting->rig;
    struct gpu_context *context;

    other.device = rig_new_device(&other);
    context = rig_new_context(&other, NODE_3D);
    gpu_device_mark_error(setting->rig.device, GPU_DEVICE_RESET);
    assert_int_equal(setting->rig.error_state, GPU_DEVICE_RESET);
    softgpu_write32(&setting->commands.writer, setting->memory.address, 1);
    assert_int_equal(commands_run(&other, &setting->commands, gpu_context_queue(context)),
                     GPU_DEVICE_ACTIVE);
    gpu_context_destroy(context);
    gpu_device_destroy(other.device);
}

static void hanging_engines_are_reset(void **state)
{
    struct setting *setting = *state;
    struct rig other = setting->rig;
    struct gpu_context *context;

    other.device = rig_new_device(&other);
    context = rig_new_context(&other, NODE_3D);
    softgpu_hang(&setting->commands.writer);
    commands_submit(&setting->commands, setting->queue);
    /* Work of another device on the same engine comes through after the reset. */
    commands_restart(&setting->commands);
    assert_int_equal(commands_run(&other, &setting->commands, gpu_context_queue(context)),
                     GPU_DEVICE_ACTIVE);
    rig_wait_for_error(&setting->rig);
    assert_int_equal(setting->rig.error_state, GPU_DEVICE_HUNG);
    gpu_context_destroy(context);
    gpu_device_destroy(other.device);
}

/* ---- Idle costs nothing */

static void idle_engines_use_no_cpu(void **state)
{
    struct setting *setting = *state;
    struct gpu_fence *fence = rig_new_fence(&setting->rig, 0);
    struct timespec pause = {.tv_nsec = 100000000};
    struct rusage before;
    struct rusage after;
    uint64_t one = 1;

    /* Blocked on a fence is idle, too. */
    assert_int_equal(gpu_queue_wait(setting->queue, 1, &fence, &one), STATUS_SUCCESS);
    gpu_device_flush(setting->rig.device);
    getrusage(RUSAGE_SELF, &before);
    nanosleep(&pause, NULL);
    getrusage(RUSAGE_SELF, &after);
    /* Sleeping threads are not switched to; a polling one would be, a thousand times a second. */
    assert_in_range(after.ru_nvcsw - before.ru_nvcsw, 0, 20);
    gpu_fence_release(fence);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(submissions_of_a_queue_run_in_order),
        TEST(waits_block_their_queue_only),
        TEST(two_engines_wait_for_each_other),
        TEST(queued_waits_outlive_the_fences_owner),
        TEST(hardware_queues_report_progress),
        TEST(urgent_queues_come_first),
        TEST(the_priority_within_the_process_decides_among_equals),
        TEST(the_priority_within_a_process_does_not_concern_others),
        TEST(updates_are_ordered_with_submissions),
        TEST(queues_are_bounded),
        TEST(impossible_packets_are_refused),
        TEST(failed_devices_refuse_and_wake),
        TEST(work_behind_a_fault_is_discarded),
        TEST(other_devices_go_on),
        cmocka_unit_test_setup_teardown(hanging_engines_are_reset, set_up_impatient, tear_down),
        TEST(idle_engines_use_no_cpu),
    };

    return cmocka_run_group_tests_name("gpu-engine", tests, NULL, NULL);
}
