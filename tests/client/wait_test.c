/* SPDX-License-Identifier: MIT */
/* Waits on the CPU under signals and without descriptors, and on the GPU in both orders. */
#include "client.h"
#include "gpu.h"
#include "guest/held.h"

#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static struct client_gpu gpu;

static int set_up(void **state)
{
    if (!NT_SUCCESS(d3dkmt_open(*state ? *state : "loopback")))
        return -1;
    return NT_SUCCESS(client_gpu_open(&gpu)) ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    client_gpu_close(&gpu);
    D3DKMTCloseDxCoreDevice();
    return 0;
}

/* ---- signals --------------------------------------------------------------------------------- */

static atomic_uint signals;
static pthread_t waiting_thread;
static atomic_bool handled_elsewhere;

static void count_signal(int number)
{
    (void)number;
    atomic_fetch_add(&signals, 1);
    if (!pthread_equal(pthread_self(), waiting_thread))
        atomic_store(&handled_elsewhere, true);
}

static void set_timer(suseconds_t microseconds)
{
    const struct itimerval timer = {{0, microseconds}, {0, microseconds}};

    setitimer(ITIMER_REAL, &timer, NULL);
}

static void *signal_after_a_second(void *unused)
{
    const struct timespec second = {.tv_sec = 1};

    nanosleep(&second, NULL);
    return NT_SUCCESS(umd_signal(gpu.context, &gpu.fence, 1)) ? unused : "the signal failed";
}

/* flags: of sigaction. */
static void wait_under_signals(int flags)
{
    struct sigaction action = {.sa_handler = count_signal, .sa_flags = flags}, old_action;
    sigset_t alarm_only, old_mask;
    pthread_t thread;
    void *complaint;

    sigemptyset(&alarm_only);
    sigaddset(&alarm_only, SIGALRM);
    atomic_store(&signals, 0);
    atomic_store(&handled_elsewhere, false);
    waiting_thread = pthread_self();
    sigaction(SIGALRM, &action, &old_action);
    /* The helping thread takes no signals, nor may any thread of the library. */
    pthread_sigmask(SIG_BLOCK, &alarm_only, &old_mask);
    assert_int_equal(pthread_create(&thread, NULL, signal_after_a_second, NULL), 0);
    pthread_sigmask(SIG_SETMASK, &old_mask, NULL);
    set_timer(1000);
    NTSTATUS status = umd_wait_on_cpu(&gpu.umd, &gpu.fence, 1);
    uint64_t reached = umd_fence_value(&gpu.fence);
    set_timer(0);
    sigaction(SIGALRM, &old_action, NULL);
    pthread_join(thread, &complaint);
    assert_success(status);
    assert_int_equal(reached, 1);
    assert_null(complaint);
    assert_true(atomic_load(&signals) > 10);
    assert_false(atomic_load(&handled_elsewhere));
}

static void restarting_signals_do_not_end_a_wait(void **state)
{
    (void)state;
    wait_under_signals(SA_RESTART);
}

static void interrupting_signals_do_not_end_a_wait(void **state)
{
    (void)state;
    wait_under_signals(0);
}

/* ---- eventfds -------------------------------------------------------------------------------- */

static bool is_readable(int descriptor, int timeout_ms)
{
    struct pollfd readable = {.fd = descriptor, .events = POLLIN};

    return poll(&readable, 1, timeout_ms) == 1;
}

static void an_eventfd_may_be_closed_after_the_call(void **state)
{
    int event = eventfd(0, EFD_CLOEXEC), watched = dup(event);

    (void)state;
    assert_success(client_wait(gpu.umd.device, gpu.fence.object, 1, event));
    close(event);
    /* The number is another's now, which must hear nothing. */
    int other = eventfd(0, EFD_CLOEXEC);
    assert_int_equal(other, event);
    assert_success(umd_signal(gpu.context, &gpu.fence, 1));
    assert_true(is_readable(watched, 10000));
    assert_false(is_readable(other, 20));
    close(other);
    close(watched);
}

static void descriptors_are_given_back(void **state)
{
    unsigned before = held_descriptors();
    int event = eventfd(0, EFD_CLOEXEC);
    uint64_t count;

    (void)state;
    for (uint64_t value = 1; value <= 100; value++) {
        assert_success(client_wait(gpu.umd.device, gpu.fence.object, value, event));
        assert_success(client_signal(gpu.umd.device, gpu.fence.object, value));
        assert_int_equal(read(event, &count, sizeof(count)), sizeof(count));
    }
    close(event);
    /* The last one is closed after its count went up. */
    for (int i = 0; i < 1000 && held_descriptors() != before; i++)
        usleep(1000);
    assert_int_equal(held_descriptors(), before);
}

/* Lets the process open no further descriptor; returns the limit to go back to. */
static struct rlimit exhaust_descriptors(void)
{
    struct rlimit old, none;
    int next = dup(0);

    close(next);
    getrlimit(RLIMIT_NOFILE, &old);
    none = old;
    none.rlim_cur = (rlim_t)next;
    setrlimit(RLIMIT_NOFILE, &none);
    return old;
}

static void a_wait_without_a_free_descriptor_says_so(void **state)
{
    int event = eventfd(0, EFD_CLOEXEC);
    unsigned before = held_descriptors();

    (void)state;
    struct rlimit old = exhaust_descriptors();
    NTSTATUS status = client_wait(gpu.umd.device, gpu.fence.object, 1, event);
    NTSTATUS blocking = client_gpu_run(&gpu, 0x77);
    setrlimit(RLIMIT_NOFILE, &old);
    assert_int_equal(status, STATUS_INSUFFICIENT_RESOURCES);
    assert_non_null(strstr(d3dkmt_last_error(), "descriptor"));
    assert_success(blocking);
    assert_int_equal(held_descriptors(), before);
    /* And works again as soon as there is one. */
    assert_success(client_wait(gpu.umd.device, gpu.fence.object, 1, event));
    assert_true(is_readable(event, 10000));
    close(event);
}

static void opening_without_a_free_descriptor_says_so(void **state)
{
    unsigned before = held_descriptors();

    (void)state;
    struct rlimit old = exhaust_descriptors();
    NTSTATUS status = d3dkmt_open("loopback");
    setrlimit(RLIMIT_NOFILE, &old);
    assert_true(status == STATUS_INSUFFICIENT_RESOURCES || status == STATUS_NO_MEMORY);
    assert_int_equal(d3dkmt_last_error_status(), status);
    assert_string_not_equal(d3dkmt_last_error(), "");
    assert_int_equal(held_descriptors(), before);
    assert_success(d3dkmt_open("loopback"));
    D3DKMTCloseDxCoreDevice();
}

/* ---- two engines ----------------------------------------------------------------------------- */

/*
 * 31 rounds in which engine 0 sets the lowest bit and engine 1 doubles: only the right order of all
 * of them gives ones down to the last bit.
 */
static void engines_wait_for_each_other(bool wait_first)
{
    struct umd_buffer commands[2];
    struct softgpu_writer writer;
    D3DKMT_HANDLE contexts[2];

    for (unsigned node = 0; node < 2; node++) {
        assert_success(umd_context_create(&gpu.umd, node, &contexts[node]));
        assert_success(
            umd_buffer_create(&gpu.umd, 4096, SOFTGPU_ALLOCATION_CPU_VISIBLE, &commands[node]));
        softgpu_writer_init(&writer, commands[node].cpu, commands[node].size);
        if (node == 0)
            softgpu_atomic(&writer, 4, SOFTGPU_ATOMIC_OR, gpu.target.address, 1, 0, 0);
        else
            softgpu_arithmetic(&writer, SOFTGPU_ADD, SOFTGPU_U32, gpu.target.address,
                               gpu.target.address, gpu.target.address, 1);
        commands[node].size = softgpu_writer_size(&writer);
    }
    *(uint32_t *)gpu.target.cpu = 0;
    for (uint64_t round = 0; round < 31; round++) {
        /* Each engine waits for the other's last value and sets the next; either half is given
         * to the library first. */
        for (unsigned half = 0; half < 2; half++) {
            unsigned node = wait_first ? 1 - half : half;
            uint64_t value = 2 * round + node;

            assert_success(umd_wait(contexts[node], &gpu.fence, value));
            assert_success(umd_submit(contexts[node], commands[node].address, commands[node].size));
            assert_success(umd_signal(contexts[node], &gpu.fence, value + 1));
        }
    }
    assert_success(umd_wait_on_cpu(&gpu.umd, &gpu.fence, 62));
    assert_int_equal(*(const uint32_t *)gpu.target.cpu, 0xfffffffe);
}

static void an_engine_waits_for_a_signal_to_come(void **state)
{
    (void)state;
    engines_wait_for_each_other(true);
}

static void an_engine_waits_for_a_signal_on_its_way(void **state)
{
    (void)state;
    engines_wait_for_each_other(false);
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
        TEST(restarting_signals_do_not_end_a_wait),
        TEST(interrupting_signals_do_not_end_a_wait),
        TEST_ASYNC(interrupting_signals_do_not_end_a_wait),
        TEST(an_eventfd_may_be_closed_after_the_call),
        TEST(descriptors_are_given_back),
        TEST(a_wait_without_a_free_descriptor_says_so),
        cmocka_unit_test(opening_without_a_free_descriptor_says_so),
        TEST(an_engine_waits_for_a_signal_to_come),
        TEST(an_engine_waits_for_a_signal_on_its_way),
        TEST_ASYNC(an_eventfd_may_be_closed_after_the_call),
        TEST_ASYNC(an_engine_waits_for_a_signal_to_come),
        TEST_ASYNC(an_engine_waits_for_a_signal_on_its_way),
    };
#undef TEST

    return cmocka_run_group_tests(tests, NULL, NULL);
}
