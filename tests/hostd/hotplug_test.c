/* SPDX-License-Identifier: MIT */
/* Adapters that come and go under several processes: all take each step before the next begins. */
#include "client/client.h"
#include "client/gpu.h"
#include "client/other_process.h"
#include "hostd/host_process.h"

#include <d3dkmt/loopback.h>

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

static struct host_process host;
static int observer;
static struct client_gpu gpu;

static int set_up(void **state)
{
    host_process_start(&host, *state, NULL);
    observer = host_process_join(&host);
    return NT_SUCCESS(d3dkmt_open(host.backend)) ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    D3DKMTCloseDxCoreDevice();
    host_process_until_alone(observer);
    assert_int_equal(host_process_count(observer).objects, 0);
    close(observer);
    return host_process_stop(&host);
}

static unsigned enumerate(void)
{
    D3DKMT_ADAPTERINFO adapters[16];
    D3DKMT_ENUMADAPTERS2 list = {.NumAdapters = COUNT(adapters), .pAdapters = adapters};

    if (!NT_SUCCESS(D3DKMTEnumAdapters2(&list)))
        return 0;
    for (UINT i = 0; i < list.NumAdapters; i++) {
        const D3DKMT_CLOSEADAPTER close_adapter = {adapters[i].hAdapter};

        (void)D3DKMTCloseAdapter(&close_adapter);
    }
    return list.NumAdapters;
}

/* An observer that knows the protocol takes part as well. */
static void let_the_observer_go(void)
{
    close(observer);
    observer = -1;
}

/* ---- the other process */

static int lose_the_adapter(int channel, void *unused)
{
    (void)unused;
    CHILD_EXPECT(NT_SUCCESS(d3dkmt_open(host.backend)));
    CHILD_EXPECT(NT_SUCCESS(client_gpu_open(&gpu)));
    CHILD_EXPECT(NT_SUCCESS(client_gpu_run(&gpu, 0x55)));
    CHILD_EXPECT(other_process_say(channel));
    CHILD_EXPECT(client_wait(gpu.umd.device, gpu.fence.object, 100, 0) == STATUS_DEVICE_REMOVED);
    CHILD_EXPECT(other_process_hear(channel)); /* it is gone everywhere */
    CHILD_EXPECT(umd_fence_value(&gpu.fence) == UINT64_MAX);
    CHILD_EXPECT(*(const uint32_t *)gpu.target.cpu == 0x55);
    CHILD_EXPECT(client_ask(gpu.umd.device) == STATUS_DEVICE_REMOVED);
    CHILD_EXPECT(enumerate() == 1);
    client_gpu_close(&gpu);
    D3DKMTCloseDxCoreDevice();
    return 0;
}

static void an_adapter_goes_from_all_processes(void **state)
{
    (void)state;
    let_the_observer_go();
    struct other_process other = other_process_start(lose_the_adapter, NULL);
    assert_success(client_gpu_open(&gpu));
    assert_true(other_process_hear(other.channel));
    assert_success(d3dkmt_loopback_remove_adapter(0));
    assert_true(other_process_say(other.channel));
    assert_true(umd_fence_value(&gpu.fence) == UINT64_MAX);
    assert_int_equal(client_ask(gpu.umd.device), STATUS_DEVICE_REMOVED);
    assert_int_equal(enumerate(), 1);
    other_process_end(&other);
    client_gpu_close(&gpu);
    observer = host_process_join(&host);
}

static int find_the_adapter(int channel, void *unused)
{
    (void)unused;
    CHILD_EXPECT(NT_SUCCESS(d3dkmt_open(host.backend)));
    CHILD_EXPECT(enumerate() == 2);
    CHILD_EXPECT(other_process_say(channel) && other_process_hear(channel));
    /* It was told; when this process gets to it is its own affair. */
    while (enumerate() != 3)
        sched_yield();
    struct umd umd;
    CHILD_EXPECT(NT_SUCCESS(umd_open(&umd, 2)));
    CHILD_EXPECT(NT_SUCCESS(client_gpu_prepare(&gpu, &umd)));
    CHILD_EXPECT(NT_SUCCESS(client_gpu_run(&gpu, 0x66)));
    umd_close(&umd);
    D3DKMTCloseDxCoreDevice();
    return 0;
}

static void an_adapter_comes_to_all_processes(void **state)
{
    uint32_t number = UINT32_MAX;

    (void)state;
    struct other_process other = other_process_start(find_the_adapter, NULL);
    assert_int_equal(enumerate(), 2);
    assert_true(other_process_hear(other.channel));
    assert_success(d3dkmt_loopback_add_adapter(NULL, &number));
    assert_int_equal(number, 2);
    assert_int_equal(enumerate(), 3);
    assert_true(other_process_say(other.channel));
    other_process_end(&other);
}

static int use_what_is_there(int channel, void *unused)
{
    (void)unused;
    CHILD_EXPECT(NT_SUCCESS(d3dkmt_open(host.backend)));
    CHILD_EXPECT(other_process_say(channel));
    for (unsigned i = 0; i < 200; i++) {
        if (NT_SUCCESS(client_gpu_open(&gpu)))
            (void)client_gpu_run(&gpu, i);
        client_gpu_close(&gpu);
    }
    D3DKMTCloseDxCoreDevice();
    return 0;
}

/* Calls fail and succeed; nothing hangs and nothing is left. */
static void again_and_again_under_load(void **state)
{
    struct other_process others[2];

    (void)state;
    let_the_observer_go();
    for (unsigned i = 0; i < COUNT(others); i++) {
        others[i] = other_process_start(use_what_is_there, NULL);
        assert_true(other_process_hear(others[i].channel));
    }
    for (unsigned i = 0; i < 20; i++) {
        uint32_t number;

        assert_success(d3dkmt_loopback_remove_adapter(0));
        assert_success(d3dkmt_loopback_add_adapter(NULL, &number));
        assert_int_equal(number, 0);
    }
    for (unsigned i = 0; i < COUNT(others); i++)
        other_process_end(&others[i]);
    assert_int_equal(enumerate(), 2);
    observer = host_process_join(&host);
}

static void what_is_not_there_cannot_go(void **state)
{
    (void)state;
    assert_int_equal(d3dkmt_loopback_remove_adapter(7), STATUS_INVALID_PARAMETER);
    assert_int_equal(d3dkmt_loopback_remove_adapter(UINT32_MAX), STATUS_INVALID_PARAMETER);
    const struct d3dkmt_loopback_adapter taken = {.luid = {0x10000, 1}};
    uint32_t number;
    assert_int_equal(d3dkmt_loopback_add_adapter(&taken, &number), STATUS_OBJECT_NAME_COLLISION);
}

static int sleep_on(int channel, void *unused)
{
    (void)unused;
    CHILD_EXPECT(NT_SUCCESS(d3dkmt_open(host.backend)));
    CHILD_EXPECT(NT_SUCCESS(client_gpu_open(&gpu)));
    CHILD_EXPECT(other_process_say(channel));
    pause();
    return 1;
}

static void *remove_it(void *status)
{
    *(NTSTATUS *)status = d3dkmt_loopback_remove_adapter(0);
    return NULL;
}

static uint64_t now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* A process that is stopped keeps nobody waiting for long: the host ends its connection. Until then
 * others go on with what they have. */
static void a_process_that_does_not_answer_is_left_behind(void **state)
{
    NTSTATUS status = STATUS_UNSUCCESSFUL;
    pthread_t thread;
    struct umd umd;

    (void)state;
    let_the_observer_go();
    struct other_process other = other_process_start(sleep_on, NULL);
    assert_true(other_process_hear(other.channel));
    assert_success(client_gpu_open(&gpu));
    kill(other.pid, SIGSTOP);
    uint64_t start = now_ms();
    assert_int_equal(pthread_create(&thread, NULL, remove_it, &status), 0);
    assert_int_equal(client_wait(gpu.umd.device, gpu.fence.object, 100, 0), STATUS_DEVICE_REMOVED);
    assert_int_equal(enumerate(), 1);
    assert_success(umd_open(&umd, 0));
    umd_close(&umd);
    assert_in_range(now_ms() - start, 0, 4000); /* the host's patience is 5 s */
    pthread_join(thread, NULL);
    assert_success(status);
    assert_int_equal(enumerate(), 1);
    client_gpu_close(&gpu);
    other_process_kill(&other);
    observer = host_process_join(&host);
}

static void a_process_that_is_killed_meanwhile_costs_nothing(void **state)
{
    (void)state;
    let_the_observer_go();
    for (unsigned i = 0; i < 5; i++) {
        struct other_process other = other_process_start(sleep_on, NULL);
        uint32_t number;

        assert_true(other_process_hear(other.channel));
        kill(other.pid, SIGKILL); /* and no waiting */
        assert_success(d3dkmt_loopback_remove_adapter(0));
        other_process_kill(&other);
        assert_success(d3dkmt_loopback_add_adapter(NULL, &number));
    }
    observer = host_process_join(&host);
}

/* ---- the host goes in the middle */

static void a_host_that_dies_meanwhile_ends_the_wait(void **state)
{
    NTSTATUS status = STATUS_SUCCESS;
    pthread_t thread;

    (void)state;
    assert_success(client_gpu_open(&gpu));
    /* The observer never answers, so the departure stays under way. */
    assert_int_equal(pthread_create(&thread, NULL, remove_it, &status), 0);
    assert_int_equal(client_wait(gpu.umd.device, gpu.fence.object, 100, 0), STATUS_DEVICE_REMOVED);
    host_process_kill(&host);
    pthread_join(thread, NULL);
    assert_int_equal(status, STATUS_DEVICE_REMOVED);
    client_gpu_close(&gpu);
    close(observer);
}

static int tear_down_killed(void **state)
{
    (void)state;
    D3DKMTCloseDxCoreDevice();
    return 0;
}

int main(void)
{
    static char options[] = "adapters=2", async[] = "adapters=2,async",
                deterministic[] = "adapters=2,deterministic,seed=1";
#define TEST(name, mode)                                                                           \
    {                                                                                              \
#name " (" #mode ")", name, set_up, tear_down, mode                                        \
    }
    const struct CMUnitTest tests[] = {
        TEST(an_adapter_goes_from_all_processes, options),
        TEST(an_adapter_goes_from_all_processes, async),
        TEST(an_adapter_goes_from_all_processes, deterministic),
        TEST(an_adapter_comes_to_all_processes, options),
        TEST(again_and_again_under_load, options),
        TEST(again_and_again_under_load, async),
        TEST(again_and_again_under_load, deterministic),
        TEST(what_is_not_there_cannot_go, options),
        TEST(a_process_that_does_not_answer_is_left_behind, options),
        TEST(a_process_that_is_killed_meanwhile_costs_nothing, options),
        {"a_host_that_dies_meanwhile_ends_the_wait", a_host_that_dies_meanwhile_ends_the_wait,
         set_up, tear_down_killed, options},
    };
#undef TEST

    return cmocka_run_group_tests_name("hostd-hotplug", tests, NULL, NULL);
}
