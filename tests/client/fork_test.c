/* SPDX-License-Identifier: MIT */
/*
 * fork() with everything open: the child starts afresh, the parent is undisturbed, and what they
 * share as memory stays readable.
 */
#include "client.h"
#include "gpu.h"
#include "guest/held.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

/* ThreadSanitizer refuses threads in a child of a process with threads unless it is told. */
const char *__tsan_default_options(void);
const char *__tsan_default_options(void)
{
    return "die_after_fork=0";
}

static struct client_gpu gpu;

static int set_up(void **state)
{
    /* Not d3dkmt_open: the child opens its backend by the same words. */
    setenv("D3DKMT_BACKEND", *state ? *state : "loopback", 1);
    return NT_SUCCESS(client_gpu_open(&gpu)) ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    client_gpu_close(&gpu);
    D3DKMTCloseDxCoreDevice();
    return 0;
}

/* ---- handles --------------------------------------------------------------------------------- */

static int use_inherited_handles(void *unused)
{
    D3DKMT_CLOSEADAPTER close_adapter = {gpu.umd.adapter};
    D3DKMT_DESTROYDEVICE destroy_device = {gpu.umd.device};
    D3DKMT_UNLOCK2 unlock = {gpu.umd.device, gpu.target.allocation};

    (void)unused;
    CHILD_EXPECT(client_ask(gpu.umd.device) == STATUS_INVALID_PARAMETER);
    CHILD_EXPECT(umd_submit(gpu.context, gpu.commands.address, 4) == STATUS_INVALID_PARAMETER);
    CHILD_EXPECT(umd_signal(gpu.context, &gpu.fence, 7) == STATUS_INVALID_PARAMETER);
    CHILD_EXPECT(client_wait(gpu.umd.device, gpu.fence.object, 0, 0) == STATUS_INVALID_PARAMETER);
    CHILD_EXPECT(D3DKMTUnlock2(&unlock) == STATUS_INVALID_PARAMETER);
    CHILD_EXPECT(D3DKMTDestroyDevice(&destroy_device) == STATUS_INVALID_PARAMETER);
    CHILD_EXPECT(D3DKMTCloseAdapter(&close_adapter) == STATUS_INVALID_PARAMETER);
    return 0;
}

static void inherited_handles_are_refused(void **state)
{
    (void)state;
    assert_int_equal(client_in_child(use_inherited_handles, NULL), 0);
    assert_success(client_gpu_run(&gpu, 0x1001));
}

static int live_a_life(void *unused)
{
    struct client_gpu own;

    (void)unused;
    CHILD_EXPECT(NT_SUCCESS(client_gpu_open(&own)));
    for (uint32_t word = 1; word <= 20; word++)
        CHILD_EXPECT(NT_SUCCESS(client_gpu_run(&own, word)));
    client_gpu_close(&own);
    D3DKMTCloseDxCoreDevice();
    return 0;
}

static void a_child_opens_and_runs_its_own(void **state)
{
    (void)state;
    assert_int_equal(client_in_child(live_a_life, NULL), 0);
    assert_success(client_gpu_run(&gpu, 0x1002));
}

static int close_at_once(void *unused)
{
    (void)unused;
    D3DKMTCloseDxCoreDevice();
    return live_a_life(NULL);
}

static void closing_in_the_child_leaves_the_parent_alone(void **state)
{
    unsigned descriptors = held_descriptors();

    (void)state;
    for (uint32_t round = 0; round < 5; round++) {
        assert_int_equal(client_in_child(close_at_once, NULL), 0);
        assert_success(client_gpu_run(&gpu, 0x2000 + round));
    }
    assert_int_equal(held_descriptors(), descriptors);
}

/* dxgkrnl unmaps a dead parent's fences and locked memory in whatever address space closes last. */
static int map_in_their_place(void *unused)
{
    uintptr_t places[] = {(uintptr_t)gpu.fence.cpu & ~(uintptr_t)4095, (uintptr_t)gpu.target.cpu};

    (void)unused;
    for (size_t i = 0; i < COUNT(places); i++) {
        void *own = mmap((void *)places[i], 4096, PROT_READ | PROT_WRITE,
                         MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);

        CHILD_EXPECT(own == (void *)places[i]);
        memset(own, 0x17 + (int)i, 4096);
    }
    CHILD_EXPECT(use_inherited_handles(NULL) == 0);
    D3DKMTCloseDxCoreDevice();
    CHILD_EXPECT(live_a_life(NULL) == 0);
    for (size_t i = 0; i < COUNT(places); i++)
        for (unsigned at = 0; at < 4096; at++)
            CHILD_EXPECT(((const unsigned char *)places[i])[at] == 0x17 + i);
    return 0;
}

static void what_a_child_maps_in_their_place_is_its_own(void **state)
{
    (void)state;
    assert_int_equal(client_in_child(map_in_their_place, NULL), 0);
    assert_success(client_gpu_run(&gpu, 0x2100));
}

static int have_a_child(void *unused)
{
    struct client_gpu own;

    (void)unused;
    CHILD_EXPECT(NT_SUCCESS(client_gpu_open(&own)));
    CHILD_EXPECT(client_in_child(live_a_life, NULL) == 0);
    CHILD_EXPECT(NT_SUCCESS(client_gpu_run(&own, 0x3001)));
    return 0;
}

static void grandchildren_live_too(void **state)
{
    (void)state;
    assert_int_equal(client_in_child(have_a_child, NULL), 0);
    assert_success(client_gpu_run(&gpu, 0x3002));
}

/* ---- a busy parent --------------------------------------------------------------------------- */

static atomic_bool stop;

static void *run_until_stopped(void *context)
{
    struct client_gpu own;

    if (!NT_SUCCESS(client_gpu_open(&own)))
        return "a thread could not open its GPU";
    for (uint32_t word = 1; !atomic_load(&stop); word++) {
        if (!NT_SUCCESS(client_gpu_run(&own, word)))
            return "a submission failed";
    }
    client_gpu_close(&own);
    return context;
}

static void forking_while_threads_are_in_calls_is_safe(void **state)
{
    pthread_t threads[3];
    void *complaint;

    (void)state;
#ifdef CLIENT_ADDRESS_SANITIZER
    skip(); /* the sanitizer's allocator keeps locks of other threads held in the child */
#endif
    atomic_store(&stop, false);
    for (size_t i = 0; i < COUNT(threads); i++)
        assert_int_equal(pthread_create(&threads[i], NULL, run_until_stopped, NULL), 0);
    for (int i = 0; i < 20; i++)
        assert_int_equal(client_in_child(live_a_life, NULL), 0);
    atomic_store(&stop, true);
    for (size_t i = 0; i < COUNT(threads); i++) {
        pthread_join(threads[i], &complaint);
        assert_null(complaint);
    }
}

/* ---- shared memory --------------------------------------------------------------------------- */

static int watch_fence(void *unused)
{
    (void)unused;
    while (umd_fence_value(&gpu.fence) < 1000)
        usleep(100);
    return 0;
}

static void *signal_up_to_1000(void *unused)
{
    while (gpu.last_value < 1000) {
        if (!NT_SUCCESS(umd_signal(gpu.context, &gpu.fence, ++gpu.last_value)))
            return "a signal failed";
    }
    return unused;
}

static void a_fence_page_stays_live_in_the_child(void **state)
{
    pthread_t thread;
    void *complaint;

    (void)state;
#ifdef CLIENT_ADDRESS_SANITIZER
    skip(); /* as above */
#endif
    assert_success(client_gpu_run(&gpu, 1));
    assert_int_equal(pthread_create(&thread, NULL, signal_up_to_1000, NULL), 0);
    int result = client_in_child(watch_fence, NULL);
    pthread_join(thread, &complaint);
    assert_null(complaint);
    assert_int_equal(result, 0);
}

struct orphan {
    int ended[2];  /* a pipe that the parent's end closes */
    int report[2]; /* what the orphan says */
};

static int live_as_an_orphan(const struct orphan *orphan)
{
    char byte;

    close(orphan->ended[1]);
    CHILD_EXPECT(read(orphan->ended[0], &byte, 1) == 0);
    CHILD_EXPECT(umd_fence_value(&gpu.fence) == 5);
    CHILD_EXPECT(*(const uint32_t *)gpu.target.cpu == 0x4005);
    CHILD_EXPECT(live_a_life(NULL) == 0);
    CHILD_EXPECT(write(orphan->report[1], "+", 1) == 1);
    return 0;
}

static int leave_an_orphan(void *context)
{
    const struct orphan *orphan = context;

    CHILD_EXPECT(NT_SUCCESS(client_gpu_open(&gpu)));
    for (uint32_t word = 0x4001; word <= 0x4005; word++)
        CHILD_EXPECT(NT_SUCCESS(client_gpu_run(&gpu, word)));
#ifdef CLIENT_ADDRESS_SANITIZER
    client_until_all_asleep();
#endif
    pid_t child = fork();
    CHILD_EXPECT(child >= 0);
    if (child == 0) {
        alarm(30);
        _exit(live_as_an_orphan(orphan));
    }
    return 0;
}

static void a_parent_may_exit_first(void **state)
{
    struct orphan orphan;
    char byte = '-';

    (void)state;
    assert_int_equal(pipe(orphan.ended), 0);
    assert_int_equal(pipe(orphan.report), 0);
    assert_int_equal(client_in_child(leave_an_orphan, &orphan), 0);
    close(orphan.ended[0]);
    close(orphan.ended[1]);
    close(orphan.report[1]);
    assert_int_equal(read(orphan.report[0], &byte, 1), 1);
    assert_int_equal(byte, '+');
    close(orphan.report[0]);
}

/* ---- the caller's memory as an allocation ---------------------------------------------------- */

enum { WRAPPED_SIZE = 65536 };

static uint32_t *wrapped_memory;

/* Copies words between an allocation and the target, on the GPU. */
static NTSTATUS copy(uint64_t to, uint64_t from)
{
    struct softgpu_writer writer;

    softgpu_writer_init(&writer, gpu.commands.cpu, gpu.commands.size);
    softgpu_copy(&writer, to, from, 4);
    NTSTATUS status = umd_submit(gpu.context, gpu.commands.address, softgpu_writer_size(&writer));
    if (NT_SUCCESS(status))
        status = umd_signal(gpu.context, &gpu.fence, ++gpu.last_value);
    if (NT_SUCCESS(status))
        status = umd_wait_on_cpu(&gpu.umd, &gpu.fence, gpu.last_value);
    return status;
}

static int keep_pages_shared(int *released)
{
    char byte;

    close(released[1]);
    CHILD_EXPECT(read(released[0], &byte, 1) == 0);
    /* What parent and GPU wrote meanwhile is theirs. */
    CHILD_EXPECT(wrapped_memory[0] == 0x51 && wrapped_memory[1024] == 0x52);
    wrapped_memory[0] = 0xbad;
    wrapped_memory[1024] = 0xbad;
    return 0;
}

static void the_gpu_sees_what_the_parent_writes_after_a_fork(void **state)
{
    struct umd_buffer wrapped;
    uint32_t *target = gpu.target.cpu;
    int released[2], status;

    (void)state;
    wrapped_memory =
        mmap(NULL, WRAPPED_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_ptr_not_equal(wrapped_memory, MAP_FAILED);
    assert_success(umd_buffer_wrap(&gpu.umd, wrapped_memory, WRAPPED_SIZE, &wrapped));
    wrapped_memory[0] = 0x51;
    wrapped_memory[1024] = 0x52;
    assert_int_equal(pipe(released), 0);
#ifdef CLIENT_ADDRESS_SANITIZER
    client_until_all_asleep();
#endif
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        alarm(30);
        _exit(keep_pages_shared(released));
    }
    /* The first write after the fork moves the parent to another page. */
    wrapped_memory[0] = 0x61;
    assert_success(copy(gpu.target.address, wrapped.address));
    assert_int_equal(target[0], 0x61);
    target[0] = 0x62;
    assert_success(copy(wrapped.address + 4096, gpu.target.address));
    assert_int_equal(wrapped_memory[1024], 0x62);
    close(released[0]);
    close(released[1]);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    assert_int_equal(wrapped_memory[0], 0x61);
    assert_int_equal(wrapped_memory[1024], 0x62);
    assert_success(umd_buffer_destroy(&gpu.umd, &wrapped));
    munmap(wrapped_memory, WRAPPED_SIZE);
}

int main(void)
{
    static char async[] = "loopback:async";
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
#define TEST_ASYNC(name)                                                                           \
    {                                                                                              \
#name " (async)", name, set_up, tear_down, async                                           \
    }
    const struct CMUnitTest tests[] = {
        TEST(inherited_handles_are_refused),
        TEST(a_child_opens_and_runs_its_own),
        TEST(closing_in_the_child_leaves_the_parent_alone),
        TEST(what_a_child_maps_in_their_place_is_its_own),
        TEST(grandchildren_live_too),
        TEST(forking_while_threads_are_in_calls_is_safe),
        TEST(a_fence_page_stays_live_in_the_child),
        cmocka_unit_test(a_parent_may_exit_first),
        TEST(the_gpu_sees_what_the_parent_writes_after_a_fork),
        TEST_ASYNC(a_child_opens_and_runs_its_own),
        TEST_ASYNC(forking_while_threads_are_in_calls_is_safe),
        TEST_ASYNC(a_fence_page_stays_live_in_the_child),
    };
#undef TEST

    return cmocka_run_group_tests(tests, NULL, NULL);
}
