/* SPDX-License-Identifier: MIT */
/* Many threads on one machine. What they compute is checked; what they race for is
 * ThreadSanitizer's to find. */
#include "fixture.h"

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#define THREADS 4u
#define ROUNDS  60u

struct worker {
    pthread_t thread;
    struct rig rig;
    uint32_t number;
    _Atomic uint32_t *failures;
};

static void run_workers(struct rig *rig, void *(*work)(void *worker))
{
    struct worker workers[THREADS];
    _Atomic uint32_t failures = 0;

    for (unsigned i = 0; i < THREADS; i++) {
        workers[i].rig = *rig;
        workers[i].number = i;
        workers[i].failures = &failures;
        pthread_create(&workers[i].thread, NULL, work, &workers[i]);
    }
    for (unsigned i = 0; i < THREADS; i++)
        pthread_join(workers[i].thread, NULL);
    assert_int_equal(failures, 0);
}

/* A device's whole life with work in it, again and again, in one shared address space. */
static void *live(void *argument)
{
    struct worker *worker = argument;
    struct rig *rig = &worker->rig;

    for (uint32_t round = 0; round < ROUNDS; round++) {
        struct gpu_context *context;
        struct buffer buffer;
        struct commands commands;

        rig->device = rig_new_device(rig);
        gpu_paging_queue_create(rig->device, &rig->paging);
        context = rig_new_context(rig, (worker->number + round) % 2);
        buffer = buffer_create(rig, 32 * PAGE);
        commands = commands_create(rig);
        softgpu_fill(&commands.writer, buffer.address, round, 16 * PAGE);
        softgpu_copy(&commands.writer, buffer.address + 16 * PAGE, buffer.address, 16 * PAGE);
        if (commands_run(rig, &commands, gpu_context_queue(context)) != GPU_DEVICE_ACTIVE ||
            ((uint32_t *)buffer.data)[32 * 1024 - 1] != round)
            atomic_fetch_add(worker->failures, 1);
        if (round % 2)
            gpu_context_destroy(context);
        commands_destroy(rig, &commands);
        buffer_destroy(rig, &buffer);
        gpu_paging_queue_destroy(rig->paging);
        gpu_device_destroy(rig->device);
        if (round % 2 == 0)
            gpu_context_destroy(context);
    }
    return NULL;
}

static void devices_live_side_by_side(void **state)
{
    run_workers(*state, live);
}

static void devices_live_side_by_side_with_asynchronous_paging(void **state)
{
    struct rig *rig = *state;

    gpu_adapter_set_asynchronous_paging(rig->adapter, true);
    run_workers(rig, live);
}

/* Devices that fail while others are busy, and while they are being destroyed. */
static void *break_down(void *argument)
{
    struct worker *worker = argument;
    struct rig *rig = &worker->rig;

    for (uint32_t round = 0; round < ROUNDS; round++) {
        struct gpu_context *contexts[2];
        struct gpu_fence *fence;
        uint64_t one = 1;

        rig->device = rig_new_device(rig);
        fence = rig_new_fence(rig, 0);
        for (unsigned i = 0; i < 2; i++) {
            contexts[i] = rig_new_context(rig, i);
            (void)gpu_queue_wait(gpu_context_queue(contexts[i]), 1, &fence, &one);
            (void)gpu_queue_submit(gpu_context_queue(contexts[i]), UINT64_C(0x600000000000), 64,
                                   NULL, 0);
            (void)gpu_queue_signal(gpu_context_queue(contexts[i]), 1, &fence, &one);
        }
        gpu_fence_signal(fence, 1);
        if (round % 3 == 0)
            gpu_device_mark_error(rig->device, GPU_DEVICE_RESET);
        if (round % 3 == 1 && rig_wait(rig, fence, UINT64_MAX) != GPU_WAIT_SATISFIED)
            atomic_fetch_add(worker->failures, 1);
        gpu_context_destroy(contexts[round % 2]);
        gpu_device_destroy(rig->device);
        gpu_context_destroy(contexts[!(round % 2)]);
        gpu_fence_release(fence);
    }
    return NULL;
}

static void failing_devices_harm_nobody(void **state)
{
    run_workers(*state, break_down);
}

/* Threads submit to the same queues; the GPU counts. */
struct shared_work {
    struct gpu_context *contexts[2];
    struct commands commands;
};

static struct shared_work shared;

static void *count(void *argument)
{
    struct worker *worker = argument;

    for (uint32_t round = 0; round < 500; round++) {
        struct gpu_queue *queue = gpu_context_queue(shared.contexts[(worker->number + round) % 2]);

        if (gpu_queue_submit(queue, shared.commands.buffer.address,
                             (uint32_t)softgpu_writer_size(&shared.commands.writer), NULL,
                             0) != STATUS_SUCCESS)
            atomic_fetch_add(worker->failures, 1);
    }
    return NULL;
}

static void submissions_from_many_threads_all_run(void **state)
{
    struct rig *rig = *state;
    struct buffer buffer = buffer_create(rig, PAGE);

    shared.contexts[0] = rig_new_context(rig, NODE_3D);
    shared.contexts[1] = rig_new_context(rig, NODE_COPY);
    shared.commands = commands_create(rig);
    softgpu_atomic(&shared.commands.writer, 4, SOFTGPU_ATOMIC_ADD, buffer.address, 1, 0, 0);
    run_workers(rig, count);
    gpu_device_flush(rig->device);
    assert_int_equal(((_Atomic uint32_t *)buffer.data)[0], THREADS * 500);
    gpu_context_destroy(shared.contexts[0]);
    gpu_context_destroy(shared.contexts[1]);
    commands_destroy(rig, &shared.commands);
    buffer_destroy(rig, &buffer);
}

/* Map, touch, evict and unmap one allocation while others do the same to it: it either works or
 * faults, never more. */
static struct gpu_allocation *contended;

static void *contend(void *argument)
{
    struct worker *worker = argument;
    struct rig *rig = &worker->rig;
    uint64_t ignored;

    for (uint32_t round = 0; round < ROUNDS; round++) {
        struct gpu_context *context;
        struct commands commands;
        uint64_t address;

        rig->device = rig_new_device(rig);
        gpu_paging_queue_create(rig->device, &rig->paging);
        context = rig_new_context(rig, worker->number % 2);
        commands = commands_create(rig);
        rig_make_resident(rig, contended);
        address = rig_map(rig, contended, GPU_PROTECTION_WRITE);
        softgpu_fill(&commands.writer, address + worker->number * 4 * PAGE, round, 4 * PAGE);
        commands_submit(&commands, gpu_context_queue(context));
        gpu_device_evict(rig->device, 1, &contended, &ignored);
        gpu_address_free(rig->process, address, 16 * PAGE);
        gpu_context_destroy(context);
        commands_destroy(rig, &commands);
        gpu_paging_queue_destroy(rig->paging);
        gpu_device_destroy(rig->device);
    }
    return NULL;
}

static void contended_memory_works_or_faults(void **state)
{
    struct rig *rig = *state;

    contended = rig_allocate(rig, 16 * PAGE, 0);
    run_workers(rig, contend);
    gpu_allocation_release(contended);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, rig_set_up, rig_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(devices_live_side_by_side),
        TEST(devices_live_side_by_side_with_asynchronous_paging),
        TEST(failing_devices_harm_nobody),
        TEST(submissions_from_many_threads_all_run),
        TEST(contended_memory_works_or_faults),
    };

    return cmocka_run_group_tests_name("gpu-storm", tests, NULL, NULL);
}
