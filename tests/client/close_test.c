/* SPDX-License-Identifier: MIT */
/* Closing the library, an adapter or a device under threads that are in calls and in waits. */
#include "client.h"
#include "gpu.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum { WAITERS = 4, NEVER = 1000000 };

static struct client_gpu gpu;

static int set_up(void **state)
{
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

/* ---- threads that wait for ever -------------------------------------------------------------- */

struct waiter {
    pthread_t thread;
    _Atomic pid_t id;
    NTSTATUS status, told;
    bool explained;
};

static void *wait_for_ever(void *context)
{
    struct waiter *waiter = context;

    atomic_store(&waiter->id, (pid_t)syscall(SYS_gettid));
    waiter->status = client_wait(gpu.umd.device, gpu.fence.object, NEVER, 0);
    waiter->told = d3dkmt_last_error_status();
    waiter->explained = *d3dkmt_last_error() != '\0';
    return NULL;
}

/* Returns when all of them block. */
static void start_waiters(struct waiter *waiters)
{
    for (int i = 0; i < WAITERS; i++) {
        atomic_store(&waiters[i].id, 0);
        assert_int_equal(pthread_create(&waiters[i].thread, NULL, wait_for_ever, &waiters[i]), 0);
    }
    for (int i = 0; i < WAITERS; i++) {
        while (atomic_load(&waiters[i].id) == 0)
            usleep(100);
        client_until_asleep(atomic_load(&waiters[i].id));
    }
}

/* The waits end, all with the same failure, explained; a second is what a client may have to wait,
 * and generous limits are for machines that are busy otherwise. */
static void join_waiters(struct waiter *waiters)
{
    struct timespec limit;

    clock_gettime(CLOCK_REALTIME, &limit);
    limit.tv_sec += 20;
    for (int i = 0; i < WAITERS; i++) {
        assert_int_equal(pthread_timedjoin_np(waiters[i].thread, NULL, &limit), 0);
        assert_int_equal(waiters[i].status, STATUS_DEVICE_REMOVED);
        assert_int_equal(waiters[i].told, STATUS_DEVICE_REMOVED);
        assert_true(waiters[i].explained);
    }
}

static void closing_the_library_ends_waits(void **state)
{
    struct waiter waiters[WAITERS];

    (void)state;
    start_waiters(waiters);
    D3DKMTCloseDxCoreDevice();
    join_waiters(waiters);
    /* The next use starts afresh. */
    assert_success(client_gpu_open(&gpu));
    assert_success(client_gpu_run(&gpu, 0x5001));
}

static void destroying_the_device_ends_waits(void **state)
{
    struct waiter waiters[WAITERS];
    D3DKMT_DESTROYDEVICE destroy = {gpu.umd.device};

    (void)state;
    start_waiters(waiters);
    assert_success(D3DKMTDestroyDevice(&destroy));
    join_waiters(waiters);
    gpu.umd.device = 0;
}

static void closing_the_last_adapter_handle_ends_waits(void **state)
{
    struct waiter waiters[WAITERS];
    D3DKMT_CLOSEADAPTER close_adapter = {gpu.umd.adapter};

    (void)state;
    start_waiters(waiters);
    assert_success(D3DKMTCloseAdapter(&close_adapter));
    join_waiters(waiters);
    assert_fails(client_ask(gpu.umd.device), STATUS_INVALID_PARAMETER);
    gpu.umd.device = 0;
    gpu.umd.adapter = 0;
}

static void another_adapter_handle_keeps_devices(void **state)
{
    D3DKMT_OPENADAPTERFROMLUID open;
    D3DKMT_CLOSEADAPTER close_adapter = {gpu.umd.adapter};

    (void)state;
    memset(&open, 0, sizeof(open));
    open.AdapterLuid = gpu.umd.luid;
    assert_success(D3DKMTOpenAdapterFromLuid(&open));
    assert_success(D3DKMTCloseAdapter(&close_adapter));
    assert_success(client_gpu_run(&gpu, 0x5002));
    gpu.umd.adapter = open.hAdapter;
}

/* ---- threads in calls ------------------------------------------------------------------------ */

static atomic_bool stop;

/* STATUS_NO_MEMORY is what the kernel says of an adapter that was closed since the call began. */
static bool is_expected(NTSTATUS status)
{
    return NT_SUCCESS(status) || status == STATUS_DEVICE_REMOVED ||
           status == STATUS_INVALID_PARAMETER || status == STATUS_NO_MEMORY;
}

/* A device of its own again and again, on whatever backend is open at the time. */
static void *live_until_stopped(void *context)
{
    while (!atomic_load(&stop)) {
        struct client_gpu own;
        NTSTATUS status = client_gpu_open(&own);

        for (uint32_t word = 1; word <= 5 && NT_SUCCESS(status); word++) {
            D3DKMT_HANDLE device = own.umd.device;

            /* Not through the mapped command buffer: that memory goes when the library is closed.
             */
            status = umd_signal(own.context, &own.fence, word);
            if (NT_SUCCESS(status))
                status = umd_wait_on_cpu(&own.umd, &own.fence, word);
            if (NT_SUCCESS(status))
                status = client_ask(device);
        }
        if (!is_expected(status)) {
            fprintf(stderr, "unexpected: %s\n", d3dkmt_last_error());
            return context;
        }
        client_gpu_close(&own);
    }
    return NULL;
}

static void closing_the_library_is_safe_under_load(void **state)
{
    pthread_t threads[WAITERS];
    void *complaint;

    (void)state;
    atomic_store(&stop, false);
    for (int i = 0; i < WAITERS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, live_until_stopped, &stop), 0);
    for (int i = 0; i < 100; i++) {
        usleep(3000);
        D3DKMTCloseDxCoreDevice();
    }
    atomic_store(&stop, true);
    for (int i = 0; i < WAITERS; i++) {
        pthread_join(threads[i], &complaint);
        assert_null(complaint);
    }
    assert_success(client_gpu_open(&gpu));
    assert_success(client_gpu_run(&gpu, 0x5003));
}

/* Submits, signals and waits on what the other thread closes. */
static void *use_until_refused(void *context)
{
    NTSTATUS status = STATUS_SUCCESS;

    for (uint64_t value = 1; NT_SUCCESS(status); value++) {
        status = umd_submit(gpu.context, gpu.commands.address, gpu.commands.size);
        if (NT_SUCCESS(status))
            status = umd_signal(gpu.context, &gpu.fence, value);
        if (NT_SUCCESS(status))
            status = umd_wait_on_cpu(&gpu.umd, &gpu.fence, value);
    }
    if (is_expected(status))
        return NULL;
    fprintf(stderr, "unexpected: %s\n", d3dkmt_last_error());
    return context;
}

static void prepare_commands(void)
{
    struct softgpu_writer writer;

    softgpu_writer_init(&writer, gpu.commands.cpu, gpu.commands.size);
    softgpu_write32(&writer, gpu.target.address, 1);
    gpu.commands.size = softgpu_writer_size(&writer);
}

static void closing_the_last_adapter_handle_is_safe_under_load(void **state)
{
    (void)state;
    for (unsigned round = 0; round < 30; round++) {
        D3DKMT_CLOSEADAPTER close_adapter = {gpu.umd.adapter};
        pthread_t threads[2];
        void *complaint;

        prepare_commands();
        for (int i = 0; i < 2; i++)
            assert_int_equal(pthread_create(&threads[i], NULL, use_until_refused, &gpu), 0);
        usleep(round * 100);
        assert_success(D3DKMTCloseAdapter(&close_adapter));
        for (int i = 0; i < 2; i++) {
            pthread_join(threads[i], &complaint);
            assert_null(complaint);
        }
        assert_success(client_gpu_open(&gpu));
    }
}

static void destroying_the_device_is_safe_under_load(void **state)
{
    (void)state;
    for (unsigned round = 0; round < 30; round++) {
        pthread_t threads[2];
        void *complaint;

        prepare_commands();
        for (int i = 0; i < 2; i++)
            assert_int_equal(pthread_create(&threads[i], NULL, use_until_refused, &gpu), 0);
        usleep(round * 100);
        client_gpu_close(&(struct client_gpu){.umd = gpu.umd});
        for (int i = 0; i < 2; i++) {
            pthread_join(threads[i], &complaint);
            assert_null(complaint);
        }
        assert_success(client_gpu_open(&gpu));
    }
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
        TEST(closing_the_library_ends_waits),
        TEST(destroying_the_device_ends_waits),
        TEST(closing_the_last_adapter_handle_ends_waits),
        TEST(another_adapter_handle_keeps_devices),
        TEST(closing_the_library_is_safe_under_load),
        TEST(closing_the_last_adapter_handle_is_safe_under_load),
        TEST(destroying_the_device_is_safe_under_load),
        TEST_ASYNC(closing_the_library_ends_waits),
        TEST_ASYNC(destroying_the_device_ends_waits),
        TEST_ASYNC(closing_the_last_adapter_handle_ends_waits),
        TEST_ASYNC(closing_the_library_is_safe_under_load),
        TEST_ASYNC(closing_the_last_adapter_handle_is_safe_under_load),
        TEST_ASYNC(destroying_the_device_is_safe_under_load),
    };
#undef TEST

    return cmocka_run_group_tests(tests, NULL, NULL);
}
