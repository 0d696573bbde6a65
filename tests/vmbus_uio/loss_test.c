/* SPDX-License-Identifier: MIT */
/*
 * Devices that go, come again, hang or are another's, on simulated UIO devices of every kernel.
 * With an argument, the folder of a control socket, what a machine with real ones can show.
 */
#include "client/client.h"
#include "client/gpu.h"
#include "guest/held.h"
#include "hostd/host_process.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { THREADS = 8, PATIENCE_S = 60 };

static struct host_process host;
static struct client_gpu gpu;
static atomic_uint calling;
static unsigned descriptors;

static const char *given; /* the folder, when the host is not this program's */

static void start(const char *options, const char *kernel, const char *ring_kib)
{
    if (given) {
        snprintf(host.path, sizeof(host.path), "%s", given);
        snprintf(host.backend, sizeof(host.backend), "vmbus-uio");
    } else {
        host_process_start_vmbus(&host, options, kernel, ring_kib);
    }
    descriptors = held_descriptors();
    assert_success(d3dkmt_open(host.backend));
    alarm(PATIENCE_S * 2); /* a hang ends the program */
}

static int stop(void **state)
{
    (void)state;
    D3DKMTCloseDxCoreDevice();
    alarm(0);
    return host.pid ? host_process_stop(&host) : 0;
}

static void pause_shortly(void)
{
    const struct timespec moment = {.tv_nsec = 5000000};

    nanosleep(&moment, NULL);
}

static uint64_t now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* ---- calls in progress */

/* Even threads wait for what never comes, odd ones ask again and again. */
static void *call_until_removed(void *number)
{
    NTSTATUS status;

    atomic_fetch_add(&calling, 1);
    if ((uintptr_t)number % 2 == 0)
        status = client_wait(gpu.umd.device, gpu.fence.object, 1000, 0);
    else
        do
            status = client_ask(gpu.umd.device);
        while (NT_SUCCESS(status));
    return (void *)(intptr_t)status;
}

static void all_calls_end(void (*take_away)(void))
{
    pthread_t threads[THREADS];
    void *status;

    assert_success(client_gpu_open(&gpu));
    assert_success(client_gpu_run(&gpu, 1));
    atomic_store(&calling, 0);
    for (uintptr_t i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, call_until_removed, (void *)i), 0);
    while (atomic_load(&calling) < THREADS)
        pause_shortly();
    pause_shortly();
    uint64_t before = now_ms();
    take_away();
    for (unsigned i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_join(threads[i], &status), 0);
        assert_int_equal((NTSTATUS)(intptr_t)status, STATUS_DEVICE_REMOVED);
    }
    print_message("all calls had ended after %llu ms\n", (unsigned long long)(now_ms() - before));
    /* Later calls say the same, with a reason. */
    assert_fails(client_ask(gpu.umd.device), STATUS_DEVICE_REMOVED);
}

static void rescind_vgpu(void)
{
    assert_string_equal(host_process_order(&host, "rescind 1"), "done");
}

static void rescind_global(void)
{
    assert_string_equal(host_process_order(&host, "rescind 0"), "done");
}

static void kill_host(void)
{
    host_process_kill(&host);
    host.pid = 0;
}

/* The bus may still be waiting for the guest to let go of it. */
static void offer_again(const char *order)
{
    time_t end = time(NULL) + PATIENCE_S;

    while (strcmp(host_process_order(&host, order), "done") != 0) {
        assert_true(time(NULL) < end);
        pause_shortly();
    }
}

static void until_there_is_an_adapter(void)
{
    time_t end = time(NULL) + PATIENCE_S;
    D3DKMT_ADAPTERINFO adapters[4];
    D3DKMT_ENUMADAPTERS2 list;

    do {
        assert_true(time(NULL) < end);
        pause_shortly();
        memset(&list, 0, sizeof(list));
        list.NumAdapters = COUNT(adapters);
        list.pAdapters = adapters;
    } while (!NT_SUCCESS(D3DKMTEnumAdapters2(&list)) || list.NumAdapters == 0 ||
             !NT_SUCCESS(client_gpu_open(&gpu)));
}

static void works(void)
{
    for (uint32_t word = 1; word < 20; word++)
        assert_success(client_gpu_run(&gpu, word));
}

static void leaves_nothing(void)
{
    D3DKMTCloseDxCoreDevice();
    assert_int_equal(held_descriptors(), descriptors);
}

static void a_vgpu_goes_and_comes_again(void **state)
{
    start(NULL, *state, NULL);
    for (int round = 0; round < 3; round++) {
        all_calls_end(rescind_vgpu);
        client_gpu_close(&gpu);
        offer_again("offer 1");
        /* Without opening anew: the VM's global channel has stayed. */
        until_there_is_an_adapter();
        works();
        client_gpu_close(&gpu);
    }
    leaves_nothing();
}

static void without_the_global_channel_all_is_gone_until_it_comes_again(void **state)
{
    start(NULL, *state, NULL);
    all_calls_end(rescind_global);
    client_gpu_close(&gpu);
    offer_again("offer 0");
    D3DKMTCloseDxCoreDevice();
    assert_success(d3dkmt_open(host.backend));
    until_there_is_an_adapter();
    works();
    client_gpu_close(&gpu);
    leaves_nothing();
}

/* As when the bus' driver goes before anybody has looked: nothing can be listed any more. */
static void take_bus_away(void)
{
    char from[192], to[192];

    snprintf(from, sizeof(from), "%s/sys/bus/vmbus", host.path);
    snprintf(to, sizeof(to), "%s/sys/bus/gone", host.path);
    assert_int_equal(rename(from, to), 0);
    usleep(1200000); /* until it has been looked for: what lives goes on */
    assert_success(client_gpu_run(&gpu, 2));
    kill_host();
}

static void a_bus_that_cannot_be_listed_ends_every_call(void **state)
{
    start(NULL, *state, NULL);
    all_calls_end(take_bus_away);
    client_gpu_close(&gpu);
    leaves_nothing();
}

static void a_killed_host_ends_every_call(void **state)
{
    char left[160];

    start(NULL, *state, NULL);
    all_calls_end(kill_host);
    client_gpu_close(&gpu);
    leaves_nothing();
    /* What it left is no obstacle to the next one. */
    snprintf(left, sizeof(left), "rm -rf %s", host.path);
    assert_int_equal(system(left), 0);
}

/* Neither all nor some of what is looked at in sysfs can be opened for a while. */
static void a_process_without_descriptors_keeps_its_adapters(void **state)
{
    const struct timespec two_scans = {.tv_sec = 2, .tv_nsec = 500000000};
    struct rlimit before, none;

    start(NULL, *state, NULL);
    assert_success(client_gpu_open(&gpu));
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    int lowest = dup(STDERR_FILENO);
    assert_true(lowest >= 0);
    close(lowest);
    for (unsigned left = 0; left < 2; left++) {
        none = before;
        none.rlim_cur = (rlim_t)lowest + left;
        assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
        nanosleep(&two_scans, NULL);
        assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
        works();
    }
    client_gpu_close(&gpu);
    leaves_nothing();
}

/* ---- every kernel */

static void work_on_many_threads_goes_on(void **state)
{
    start("async", *state, NULL);
    assert_success(client_gpu_open(&gpu));
    works();
    client_gpu_close(&gpu);
    leaves_nothing();
}

static void *ask_often(void *context)
{
    (void)context;
    for (int i = 0; i < 200; i++)
        if (!NT_SUCCESS(client_ask(gpu.umd.device)))
            return (void *)1;
    return NULL;
}

static void requests_of_many_threads_get_their_own_replies(void **state)
{
    pthread_t threads[THREADS];
    void *failed;

    start(NULL, *state, NULL);
    assert_success(client_gpu_open(&gpu));
    for (unsigned i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, ask_often, NULL), 0);
    for (unsigned i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_join(threads[i], &failed), 0);
        assert_null(failed);
    }
    works();
    client_gpu_close(&gpu);
    leaves_nothing();
}

/* ---- rings */

static NTSTATUS create_context(UINT private_size)
{
    static unsigned char data[131072];
    D3DKMT_CREATECONTEXTVIRTUAL args;

    memset(&args, 0, sizeof(args));
    args.hDevice = gpu.umd.device;
    args.pPrivateDriverData = data;
    args.PrivateDriverDataSize = private_size;
    args.ClientHint = D3DKMT_CLIENTHINT_UNKNOWN;
    return D3DKMTCreateContextVirtual(&args);
}

static void what_exceeds_the_ring_is_refused_with_size_and_limit(void **state)
{
    start(NULL, *state, NULL);
    assert_success(client_gpu_open(&gpu));
    /* 16 of the ext header, 52 of the command, 3 of padding that may be left out: 65504 is the
     * most.
     */
    assert_success(create_context(65504 - 16 - 52));
    assert_fails(create_context(65504), STATUS_INVALID_PARAMETER);
    assert_non_null(strstr(d3dkmt_last_error(), "65572 bytes, 65504 at most"));
    assert_non_null(strstr(d3dkmt_last_error(), "ring"));
    works();
    client_gpu_close(&gpu);
    leaves_nothing();
}

static void a_larger_ring_takes_the_largest_message(void **state)
{
    start(NULL, *state, "256");
    assert_success(client_gpu_open(&gpu));
    assert_success(create_context(131001));
    client_gpu_close(&gpu);
    leaves_nothing();
}

static void the_smallest_ring_is_enough_to_work(void **state)
{
    start(NULL, *state, "4");
    assert_success(client_gpu_open(&gpu));
    works();
    client_gpu_close(&gpu);
    leaves_nothing();
}

static void a_host_that_stops_reading_fills_the_ring_until_a_time_limit(void **state)
{
    NTSTATUS status;

    start("async", *state, "8");
    assert_success(client_gpu_open(&gpu));
    works();
    assert_string_equal(host_process_order(&host, "pause 0"), "done");
    do
        status = client_signal(gpu.umd.device, gpu.fence.object, 1);
    while (NT_SUCCESS(status));
    assert_int_equal(status, STATUS_INSUFFICIENT_RESOURCES);
    assert_non_null(strstr(d3dkmt_last_error(), "stayed full"));
    /* What was sent is carried out when it reads on. */
    assert_string_equal(host_process_order(&host, "resume 0"), "done");
    works();
    client_gpu_close(&gpu);
    leaves_nothing();
}

/* ---- others */

static void another_process_is_told_that_the_device_is_in_use(void **state)
{
    int status = 0;

    start(NULL, *state, NULL);
    assert_success(client_gpu_open(&gpu));
    pid_t child = fork();
    if (child == 0) {
        struct client_gpu own;
        bool refused = !NT_SUCCESS(d3dkmt_open(host.backend)) || !NT_SUCCESS(client_gpu_open(&own));

        _exit(refused && strstr(d3dkmt_last_error(), "in use by another process") ? 0 : 1);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    works(); /* the child's attempt and its end have changed nothing */
    client_gpu_close(&gpu);
    leaves_nothing();
}

int main(int argc, char **argv)
{
#define TEST(name, kernel)                                                                         \
    {                                                                                              \
#name " (" kernel ")", name, NULL, stop, (void *)(uintptr_t)kernel                         \
    }
#define EVERY_KERNEL(name) TEST(name, "a"), TEST(name, "a2"), TEST(name, "b"), TEST(name, "c")
    const struct CMUnitTest tests[] = {
        EVERY_KERNEL(a_vgpu_goes_and_comes_again),
        EVERY_KERNEL(work_on_many_threads_goes_on),
        EVERY_KERNEL(requests_of_many_threads_get_their_own_replies),
        TEST(without_the_global_channel_all_is_gone_until_it_comes_again, "c"),
        TEST(a_killed_host_ends_every_call, "c"),
        TEST(a_bus_that_cannot_be_listed_ends_every_call, "c"),
        TEST(a_process_without_descriptors_keeps_its_adapters, "c"),
        TEST(what_exceeds_the_ring_is_refused_with_size_and_limit, "c"),
        TEST(a_larger_ring_takes_the_largest_message, "c"),
        TEST(the_smallest_ring_is_enough_to_work, "c"),
        TEST(a_host_that_stops_reading_fills_the_ring_until_a_time_limit, "c"),
        TEST(another_process_is_told_that_the_device_is_in_use, "c"),
    };

    const struct CMUnitTest real[] = {
        TEST(a_vgpu_goes_and_comes_again, "real"),
        TEST(work_on_many_threads_goes_on, "real"),
        TEST(requests_of_many_threads_get_their_own_replies, "real"),
        TEST(what_exceeds_the_ring_is_refused_with_size_and_limit, "real"),
        TEST(another_process_is_told_that_the_device_is_in_use, "real"),
    };

    if (argc > 1) {
        given = argv[1];
        return cmocka_run_group_tests(real, NULL, NULL);
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
