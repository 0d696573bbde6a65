/* SPDX-License-Identifier: MIT */
/*
 * Ends without a farewell: clients that are killed at any moment, and a host that is. Usage:
 * test-hostd-kill [CLIENTS], how many are killed (default 60).
 */
#include "client/client.h"
#include "client/gpu.h"
#include "client/other_process.h"
#include "guest/world.h"
#include "hostd/host_process.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
    WARM_UP = 10,            /* clients before the host's figures are taken */
    MOST_DELAY_NS = 6000000, /* a client needs about this long until it works in full */
    LEAST_LEAK_KIB = 8 * 1024,
    THREADS = 8,
};

static unsigned long clients_to_kill = 60;
static struct host_process host;

static int start_host(void **state)
{
    (void)state;
    host_process_start(&host, NULL, NULL);
    return 0;
}

static uint64_t next_random(uint64_t *seed)
{
    *seed = *seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return *seed >> 33;
}

/* ---- clients */

/* Works until it is killed: devices, memory, fences, waits; begins anew now and then. */
static _Noreturn void work_until_killed(void)
{
    struct client_gpu gpu;

    for (;;) {
        if (!NT_SUCCESS(d3dkmt_open(host.backend)) || !NT_SUCCESS(client_gpu_open(&gpu)))
            _exit(3);
        for (uint32_t word = 1; word < 20; word++)
            if (!NT_SUCCESS(client_gpu_run(&gpu, word)))
                _exit(4);
        client_gpu_close(&gpu);
        D3DKMTCloseDxCoreDevice();
    }
}

/* The moments are spread by a seed; what the client is doing then is up to the machine. */
static void kill_one(uint64_t *seed)
{
    const struct timespec delay = {.tv_nsec = (long)(next_random(seed) % MOST_DELAY_NS)};
    int status;
    pid_t child = fork();

    assert_true(child >= 0);
    if (child == 0)
        work_until_killed();
    nanosleep(&delay, NULL);
    kill(child, SIGKILL);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status));
}

struct figures {
    unsigned descriptors, threads;
    unsigned long memory;
    uint32_t objects;
};

static struct figures take_figures(int observer)
{
    host_process_until_alone_with(observer, 2);
    return (struct figures){
        .descriptors = host_process_descriptors(&host),
        .threads = host_process_threads(&host),
        .memory = host_process_memory(&host),
        .objects = host_process_count(observer).objects,
    };
}

/* The last threads and descriptors of a connection go a moment after it is no longer counted. */
static struct figures await_figures(int observer, const struct figures *expected)
{
    const struct timespec moment = {.tv_nsec = 10000000};
    struct figures found = take_figures(observer);

    for (unsigned i = 0; i < 3000 && (found.threads > expected->threads ||
                                      found.descriptors > expected->descriptors);
         i++) {
        nanosleep(&moment, NULL);
        found = take_figures(observer);
    }
    return found;
}

static void a_killed_client_leaves_nothing_behind(void **state)
{
    uint64_t seed = 20260621;
    struct figures before = {0};
    struct client_gpu gpu;
    (void)state;

    assert_success(d3dkmt_open(host.backend));
    assert_success(client_gpu_open(&gpu));
    int observer = host_process_join(&host);
    for (unsigned long i = 0; i < WARM_UP + clients_to_kill; i++) {
        if (i == WARM_UP)
            before = take_figures(observer);
        kill_one(&seed);
        /* To the other nothing happens. */
        assert_success(client_gpu_run(&gpu, (uint32_t)i));
    }
    struct figures after = await_figures(observer, &before);
    print_message(
        "%lu clients killed: %u objects, %u descriptors, %u threads, %lu KiB; now %u, %u, "
        "%u, %lu\n",
        clients_to_kill, before.objects, before.descriptors, before.threads, before.memory,
        after.objects, after.descriptors, after.threads, after.memory);
    assert_int_equal(after.objects, before.objects);
    /* The last client of the warm-up may still have been on its way out. */
    assert_in_range(after.descriptors, 1, before.descriptors);
    assert_in_range(after.threads, 1, before.threads);
#if !defined(CLIENT_ADDRESS_SANITIZER) && !defined(CLIENT_THREAD_SANITIZER)
    assert_true(after.memory < before.memory + LEAST_LEAK_KIB);
#endif
    close(observer);
    client_gpu_close(&gpu);
    D3DKMTCloseDxCoreDevice();
    assert_int_equal(host_process_stop(&host), 0);
}

/* ---- a client that waits for its GPU */

static int wait_for_the_gpu(int channel, void *unused)
{
    struct softgpu_writer writer;
    struct client_gpu gpu;

    (void)unused;
    CHILD_EXPECT(NT_SUCCESS(d3dkmt_open(host.backend)));
    CHILD_EXPECT(NT_SUCCESS(client_gpu_open(&gpu)));
    softgpu_writer_init(&writer, gpu.commands.cpu, gpu.commands.size);
    softgpu_hang(&writer);
    CHILD_EXPECT(
        NT_SUCCESS(umd_submit(gpu.context, gpu.commands.address, softgpu_writer_size(&writer))));
    CHILD_EXPECT(other_process_say(channel));
    /* With its last handle go the devices, which waits for what they run. */
    D3DKMT_CLOSEADAPTER close_adapter = {gpu.umd.adapter};
    (void)D3DKMTCloseAdapter(&close_adapter);
    return 2;
}

/* The host need not wait as long as the client would have, nor need others. */
static void what_a_killed_client_waited_for_is_given_up(void **state)
{
    (void)state;
    host_process_start(&host, "adapters=2,hang-timeout-ms=3600000", NULL);
    int observer = host_process_join(&host);
    struct other_process other = other_process_start(wait_for_the_gpu, NULL);
    assert_true(other_process_hear(other.channel));
    usleep(50000); /* until it waits; if that takes longer, less is tested */
    other_process_kill(&other);
    host_process_until_alone(observer);
    assert_int_equal(host_process_count(observer).objects, 0);
    close(observer);
    assert_int_equal(host_process_stop(&host), 0);
}

static void the_next_one_finds_the_bus_as_it_was(void **state)
{
    struct client_gpu gpu;
    (void)state;

    host_process_start_vmbus(&host, "hang-timeout-ms=3600000", NULL, NULL);
    struct other_process other = other_process_start(wait_for_the_gpu, NULL);
    assert_true(other_process_hear(other.channel));
    usleep(50000); /* until it waits; if that takes longer, less is tested */
    other_process_kill(&other);
    alarm(60); /* a hang ends the program */
    assert_success(d3dkmt_open(host.backend));
    assert_success(client_gpu_open(&gpu));
    assert_success(client_gpu_run(&gpu, 9));
    client_gpu_close(&gpu);
    D3DKMTCloseDxCoreDevice();
    alarm(0);
    assert_int_equal(host_process_stop(&host), 0);
}

/* ---- the host */

static atomic_uint calling;
static struct client_gpu shared_gpu;

/* Even threads wait for what never comes, odd ones ask again and again. */
static void *call_until_removed(void *number)
{
    NTSTATUS status;

    atomic_fetch_add(&calling, 1);
    if ((uintptr_t)number % 2 == 0)
        status = client_wait(shared_gpu.umd.device, shared_gpu.fence.object, 1000, 0);
    else
        do
            status = client_ask(shared_gpu.umd.device);
        while (NT_SUCCESS(status));
    return (void *)(intptr_t)status;
}

static void a_killed_host_ends_every_call(void **state)
{
    pthread_t threads[THREADS];
    void *status;
    (void)state;

    assert_success(d3dkmt_open(host.backend));
    assert_success(client_gpu_open(&shared_gpu));
    for (uintptr_t i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, call_until_removed, (void *)i), 0);
    while (atomic_load(&calling) < THREADS)
        sched_yield();
    alarm(60); /* a hang ends the program */
    host_process_kill(&host);
    for (unsigned i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_join(threads[i], &status), 0);
        assert_int_equal((NTSTATUS)(intptr_t)status, STATUS_DEVICE_REMOVED);
    }
    /* Later calls say the same, with a reason, and closing is no different. */
    assert_int_equal(client_ask(shared_gpu.umd.device), STATUS_DEVICE_REMOVED);
    assert_non_null(strstr(d3dkmt_last_error(), "STATUS_DEVICE_REMOVED"));
    client_gpu_close(&shared_gpu);
    D3DKMTCloseDxCoreDevice();
    alarm(0);
    assert_false(NT_SUCCESS(d3dkmt_open(host.backend)) && NT_SUCCESS(client_gpu_open(&shared_gpu)));
    D3DKMTCloseDxCoreDevice();
}

/* Calls that begin with a descriptor, which only the host could tell anything about. */
static void a_killed_host_leaves_descriptors_without_meaning(void **state)
{
    static const enum d3dkmt_op_id with_descriptors[] = {
        D3DKMT_OP_OpenSyncObjectFromNtHandle2,
        D3DKMT_OP_QueryResourceInfoFromNtHandle,
        D3DKMT_OP_OpenResourceFromNtHandle,
        D3DKMT_OP_GetSharedResourceAdapterLuid,
        D3DKMT_OP_WaitSyncFile,
        D3DKMT_OP_OpenSyncObjectFromSyncFile,
        D3DKMT_OP_ShareObjects,
        D3DKMT_OP_CreateSyncFile,
    };
    _Alignas(8) unsigned char args[CALL_ARGS_MAX];
    unsigned tried = 0;
    struct world world;
    (void)state;

    assert_success(d3dkmt_open(host.backend));
    world_create(&world, world_public_call, NULL);
    assert_int_equal(world.failures, 0);
    host_process_kill(&host);
    for (size_t i = 0; i < every_call_count; i++) {
        for (size_t k = 0; k < COUNT(with_descriptors); k++) {
            if (every_call[i].op != with_descriptors[k])
                continue;
            every_call_fill(&every_call[i], &world, args);
            assert_fails(world_public_call(NULL, every_call[i].op, args), STATUS_DEVICE_REMOVED);
            tried++;
        }
    }
    assert_int_equal(tried, COUNT(with_descriptors));
    D3DKMTCloseDxCoreDevice(); /* or its connection would count among what has hung up */
    world_abandon(&world);
}

static void a_host_that_ends_takes_its_socket_along(void **state)
{
    struct client_gpu gpu;
    (void)state;

    assert_success(d3dkmt_open(host.backend));
    assert_success(client_gpu_open(&gpu));
    assert_int_equal(access(host.path, F_OK), 0);
    assert_int_equal(host_process_stop(&host), 0);
    assert_int_not_equal(access(host.path, F_OK), 0);
    client_gpu_close(&gpu);
    D3DKMTCloseDxCoreDevice();
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_killed_client_leaves_nothing_behind, start_host),
        cmocka_unit_test(what_a_killed_client_waited_for_is_given_up),
        cmocka_unit_test(the_next_one_finds_the_bus_as_it_was),
        cmocka_unit_test_setup(a_killed_host_ends_every_call, start_host),
        cmocka_unit_test_setup(a_killed_host_leaves_descriptors_without_meaning, start_host),
        cmocka_unit_test_setup(a_host_that_ends_takes_its_socket_along, start_host),
    };
    if (argc > 1)
        clients_to_kill = strtoul(argv[1], NULL, 10);
    return cmocka_run_group_tests_name("sudden ends", tests, NULL, NULL);
}
