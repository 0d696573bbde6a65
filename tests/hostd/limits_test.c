/* SPDX-License-Identifier: MIT */
/* Who may connect, how many, and what a client may ask for at once. */
#include "client/client.h"
#include "client/gpu.h"
#include "hostd/host_process.h"

#include <pthread.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static struct host_process host;

static bool is_refused(int connection)
{
    char byte;
    ssize_t size = recv(connection, &byte, 1, 0);

    close(connection);
    return size <= 0;
}

static void more_clients_than_allowed_are_refused(void **state)
{
    char *options[] = {(char *)"--max-clients", (char *)"2", NULL};
    (void)state;

    host_process_start_with(&host, options);
    int first = host_process_join(&host);
    int second = host_process_join(&host);
    assert_true(is_refused(host_process_connect(&host)));
    assert_false(NT_SUCCESS(d3dkmt_open(host.backend)));
    assert_non_null(strstr(d3dkmt_last_error(), "too many"));
    /* A place that is left is free again. */
    close(second);
    host_process_until_alone(first);
    second = host_process_join(&host);
    assert_int_equal(host_process_count(second).guests, 2);
    close(first);
    close(second);
    assert_int_equal(host_process_stop(&host), 0);
}

/* As another user, where this one may become one; 0 when it was as expected. */
static int connect_as_nobody(void *expected)
{
    /* The plug-in may lie where only this user may read. */
    CHILD_EXPECT(NT_SUCCESS(d3dkmt_open("loopback")));
    D3DKMTCloseDxCoreDevice();
    CHILD_EXPECT(setgid(65534) == 0 && setuid(65534) == 0);
    CHILD_EXPECT(NT_SUCCESS(d3dkmt_open(host.backend)) == *(const bool *)expected);
    return 0;
}

static void run_as_nobody(bool any_user)
{
    char *options[] = {any_user ? (char *)"--any-user" : NULL, NULL};

    host_process_start_with(&host, options);
    assert_int_equal(client_in_child(connect_as_nobody, &any_user), 0);
    assert_int_equal(host_process_stop(&host), 0);
}

static void other_users_are_refused_unless_they_are_allowed(void **state)
{
    (void)state;
    if (geteuid() != 0)
        skip();
    run_as_nobody(false);
    run_as_nobody(true);
}

static void the_socket_is_its_users_alone(void **state)
{
    struct stat status;
    (void)state;

    host_process_start(&host, NULL, NULL);
    assert_int_equal(stat(host.path, &status), 0);
    assert_int_equal(status.st_mode & 07777, 0600);
    assert_int_equal(host_process_stop(&host), 0);
}

/* ---- no descriptors */

static void let_it_have(rlim_t descriptors)
{
    struct rlimit limit;

    assert_int_equal(prlimit(host.pid, RLIMIT_NOFILE, NULL, &limit), 0);
    limit.rlim_cur = descriptors;
    assert_int_equal(prlimit(host.pid, RLIMIT_NOFILE, &limit, NULL), 0);
}

static uint64_t processor_ns(void)
{
    struct timespec used;
    clockid_t clock;

    assert_int_equal(clock_getcpuclockid(host.pid, &clock), 0);
    assert_int_equal(clock_gettime(clock, &used), 0);
    return (uint64_t)used.tv_sec * 1000000000 + (uint64_t)used.tv_nsec;
}

/* Who cannot be accepted waits, and the host does not turn in circles meanwhile. */
static void a_host_without_descriptors_sleeps_until_it_has_some(void **state)
{
    (void)state;

    host_process_start(&host, NULL, NULL);
    unsigned descriptors = host_process_descriptors(&host);
    let_it_have(3);
    int connection = host_process_connect(&host);
    usleep(50000);
    uint64_t before = processor_ns();
    usleep(400000);
    assert_in_range(processor_ns() - before, 0, 100000000);
    assert_int_equal(host_process_descriptors(&host), descriptors);
    let_it_have(64);
    while (host_process_descriptors(&host) == descriptors)
        usleep(10000);
    close(connection);
    close(host_process_join(&host));
    assert_int_equal(host_process_stop(&host), 0);
}

/* ---- threads */

enum { MANY_THREADS = 3 * REMOTE_SLOTS / 2, CALLS = 40 };

static struct client_gpu gpu;

static void *ask_often(void *unused)
{
    NTSTATUS status = STATUS_SUCCESS;
    (void)unused;

    for (unsigned i = 0; i < CALLS && NT_SUCCESS(status); i++)
        status = client_ask(gpu.umd.device);
    return (void *)(intptr_t)status;
}

static void more_threads_than_slots_wait_for_one(void **state)
{
    pthread_t threads[MANY_THREADS];
    void *status;
    (void)state;

    host_process_start(&host, NULL, NULL);
    assert_success(d3dkmt_open(host.backend));
    assert_success(client_gpu_open(&gpu));
    for (unsigned i = 0; i < MANY_THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, ask_often, NULL), 0);
    for (unsigned i = 0; i < MANY_THREADS; i++) {
        assert_int_equal(pthread_join(threads[i], &status), 0);
        assert_int_equal((NTSTATUS)(intptr_t)status, STATUS_SUCCESS);
    }
    client_gpu_close(&gpu);
    D3DKMTCloseDxCoreDevice();
    assert_int_equal(host_process_stop(&host), 0);
}

/* ---- what a host in another process does not do */

static void the_callers_memory_is_refused_with_a_reason(void **state)
{
    static _Alignas(4096) char memory[4096];
    struct umd_buffer buffer;
    (void)state;

    host_process_start(&host, NULL, NULL);
    assert_success(d3dkmt_open(host.backend));
    assert_success(client_gpu_open(&gpu));
    assert_int_equal(umd_buffer_wrap(&gpu.umd, memory, sizeof(memory), &buffer),
                     STATUS_NOT_SUPPORTED);
    assert_non_null(strstr(d3dkmt_last_error(), "pSystemMem"));
    assert_success(client_gpu_run(&gpu, 7));
    client_gpu_close(&gpu);
    D3DKMTCloseDxCoreDevice();
    assert_int_equal(host_process_stop(&host), 0);
}

static void options_of_the_host_are_refused_here(void **state)
{
    (void)state;
    assert_int_equal(d3dkmt_open("loopback:host=/tmp/x,adapters=2"), STATUS_INVALID_PARAMETER);
    assert_non_null(strstr(d3dkmt_last_error(), "d3dkmt-hostd"));
    assert_int_equal(d3dkmt_open("loopback:host="), STATUS_INVALID_PARAMETER);
    assert_int_equal(d3dkmt_open("loopback:host=/tmp/d3dkmt-there-is-none"), STATUS_UNSUCCESSFUL);
    assert_non_null(strstr(d3dkmt_last_error(), "No such file"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(more_clients_than_allowed_are_refused),
        cmocka_unit_test(other_users_are_refused_unless_they_are_allowed),
        cmocka_unit_test(the_socket_is_its_users_alone),
        cmocka_unit_test(a_host_without_descriptors_sleeps_until_it_has_some),
        cmocka_unit_test(more_threads_than_slots_wait_for_one),
        cmocka_unit_test(the_callers_memory_is_refused_with_a_reason),
        cmocka_unit_test(options_of_the_host_are_refused_here),
    };

    return cmocka_run_group_tests_name("limits of hostd", tests, NULL, NULL);
}
