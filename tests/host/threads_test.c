/* SPDX-License-Identifier: MIT */
/* Many threads in one process and many processes at once: nothing is lost, leaked or mixed up. */
#include "host/guest.h"

#include <stdlib.h>

enum { THREADS = 4, ROUNDS = 40 };

static struct guest_vm vm;

struct worker {
    struct guest *guest; /* own buffers, possibly a shared process */
    pthread_t thread;
};

static struct guest *twin(const struct guest *guest)
{
    struct guest *copy = calloc(1, sizeof(*copy));
    assert_non_null(copy);
    copy->vm = guest->vm;
    copy->adapter = guest->adapter;
    copy->process = guest->process;
    return copy;
}

/* One device's life with a little work in it. */
static void one_life(struct guest *guest, uint32_t pattern)
{
    uint32_t device = guest_create_device(guest);
    uint32_t context = guest_create_context(guest, device);
    struct guest_queue paging = guest_create_paging_queue(guest, device);
    struct guest_fence fence = guest_create_fence(guest, device, 0, 0);
    struct guest_memory memory = guest_create_memory(guest, device, paging.handle, 2 * PAGE);
    struct softgpu_writer writer;
    softgpu_writer_init(&writer, memory.cpu, PAGE);
    softgpu_fill(&writer, memory.gpu + PAGE, pattern, PAGE);
    assert_int_equal(guest_submit(guest, context, memory.gpu, softgpu_writer_size(&writer)),
                     STATUS_SUCCESS);
    assert_int_equal(guest_signal_from_gpu(guest, context, fence.handle, 1), STATUS_SUCCESS);
    guest_wait(guest, device, fence.handle, 1);
    assert_int_equal(wire_load_u32(memory.cpu + PAGE), pattern);
    assert_int_equal(guest_destroy(guest, WIRE_VGPU, WIRE_VGPU_DESTROYDEVICE, device),
                     STATUS_SUCCESS);
}

static void *live(void *argument)
{
    struct worker *worker = argument;
    for (uint32_t round = 0; round < ROUNDS; round++)
        one_life(worker->guest, (uint32_t)(uintptr_t)worker->guest ^ round);
    return NULL;
}

static void run(struct worker *workers, void *(*body)(void *))
{
    for (unsigned i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&workers[i].thread, NULL, body, &workers[i]), 0);
    for (unsigned i = 0; i < THREADS; i++)
        pthread_join(workers[i].thread, NULL);
}

static void threads_of_one_process(void **state)
{
    (void)state;
    struct worker workers[THREADS];
    struct guest *guest = guest_open(&vm, 0);
    for (unsigned i = 0; i < THREADS; i++)
        workers[i].guest = twin(guest);
    run(workers, live);
    assert_int_equal(host_object_count(vm.host), 0);
    for (unsigned i = 0; i < THREADS; i++)
        free(workers[i].guest);
    guest_close(guest);
}

static void processes_side_by_side(void **state)
{
    (void)state;
    struct worker workers[THREADS];
    for (unsigned i = 0; i < THREADS; i++)
        workers[i].guest = guest_open(&vm, i % 2);
    run(workers, live);
    for (unsigned i = 0; i < THREADS; i++)
        guest_close(workers[i].guest);
}

/* All threads use and destroy the same objects, whose handles they guess. Most commands fail; none
 * may do harm. */
static void *fight(void *argument)
{
    struct worker *worker = argument;
    struct guest *guest = worker->guest;
    for (uint32_t round = 0; round < 10 * ROUNDS; round++) {
        uint32_t handle = 0x40000000 + ((512 + round % 16) << 6);
        switch (round % 5) {
        case 0:
            guest_begin(guest, WIRE_VGPU, WIRE_VGPU_CREATEDEVICE);
            guest_send(guest);
            break;
        case 1:
            guest_destroy(guest, WIRE_VGPU, WIRE_VGPU_DESTROYDEVICE, handle);
            break;
        case 2: {
            struct wire_createcontextvirtual *create =
                guest_begin(guest, WIRE_VGPU, WIRE_VGPU_CREATECONTEXTVIRTUAL);
            create->device = handle;
            guest_send(guest);
            break;
        }
        case 3:
            guest_destroy(guest, WIRE_VGPU, WIRE_VGPU_DESTROYCONTEXT, handle);
            break;
        default: {
            struct wire_createsyncobject *create =
                guest_begin(guest, WIRE_VGPU, WIRE_VGPU_CREATESYNCOBJECT);
            create->args.device = handle;
            create->args.info.type = 5;
            guest_send(guest);
        }
        }
    }
    return NULL;
}

static void threads_that_fight_over_handles(void **state)
{
    (void)state;
    struct worker workers[THREADS];
    struct guest *guest = guest_open(&vm, 0);
    for (unsigned i = 0; i < THREADS; i++)
        workers[i].guest = twin(guest);
    run(workers, fight);
    for (unsigned i = 0; i < THREADS; i++)
        free(workers[i].guest);
    guest_close(guest);
    assert_int_equal(host_object_count(vm.host), 0);
}

/* The process goes while others still work in it. */
static void *work_until_refused(void *argument)
{
    struct worker *worker = argument;
    uint32_t device;
    do {
        guest_begin(worker->guest, WIRE_VGPU, WIRE_VGPU_CREATEDEVICE);
        guest_send(worker->guest);
        device = guest_reply(worker->guest, createdevice)->device;
    } while (device);
    return NULL;
}

static void processes_that_go_while_they_work(void **state)
{
    (void)state;
    for (unsigned round = 0; round < 10; round++) {
        struct worker workers[THREADS];
        struct guest *guest = guest_open(&vm, 0);
        for (unsigned i = 0; i < THREADS; i++) {
            workers[i].guest = twin(guest);
            assert_int_equal(
                pthread_create(&workers[i].thread, NULL, work_until_refused, &workers[i]), 0);
        }
        guest_close(guest);
        for (unsigned i = 0; i < THREADS; i++) {
            pthread_join(workers[i].thread, NULL);
            free(workers[i].guest);
        }
    }
    assert_int_equal(host_object_count(vm.host), 0);
}

static int open_vm(void **state)
{
    (void)state;
    guest_vm_open(&vm, &guest_modes[1], NULL);
    return 0;
}

static int close_vm(void **state)
{
    (void)state;
    guest_vm_close(&vm);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(threads_of_one_process, open_vm, close_vm),
        cmocka_unit_test_setup_teardown(processes_side_by_side, open_vm, close_vm),
        cmocka_unit_test_setup_teardown(threads_that_fight_over_handles, open_vm, close_vm),
        cmocka_unit_test_setup_teardown(processes_that_go_while_they_work, open_vm, close_vm),
    };
    return cmocka_run_group_tests_name("host threads", tests, NULL, NULL);
}
