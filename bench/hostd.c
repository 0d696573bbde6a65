/* SPDX-License-Identifier: MIT */
/*
 * The round trip to a simulated host in another process, beside what two processes need to wake
 * each other: an eventfd each way.
 */
#include "bench.h"
#include "bench_check.h"
#include "hostd/host_process.h"

#include <umd/umd.h>

#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/wait.h>
#include <unistd.h>

static struct umd umd;

/* Asked of the host each time. */
static void get_reset_state(void *unused, uint64_t count)
{
    D3DKMT_GETDEVICESTATE state;

    (void)unused;
    memset(&state, 0, sizeof(state));
    state.hDevice = umd.device;
    state.StateType = D3DKMT_DEVICESTATE_RESET;
    for (uint64_t i = 0; i < count; i++)
        bench_check(D3DKMTGetDeviceState(&state));
}

/* ---- the baseline */

static int there, back;
static pid_t echo;

static void start_echo(void)
{
    uint64_t number;

    there = eventfd(0, 0);
    back = eventfd(0, 0);
    if (there < 0 || back < 0 || (echo = fork()) < 0)
        bench_fail("no eventfd, or no process");
    while (echo == 0)
        if (read(there, &number, sizeof(number)) != (ssize_t)sizeof(number) ||
            write(back, &number, sizeof(number)) != (ssize_t)sizeof(number))
            _exit(1);
}

static void ping_pong(void *unused, uint64_t count)
{
    uint64_t number = 1;

    (void)unused;
    for (uint64_t i = 0; i < count; i++)
        if (write(there, &number, sizeof(number)) != (ssize_t)sizeof(number) ||
            read(back, &number, sizeof(number)) != (ssize_t)sizeof(number))
            bench_fail("the ping-pong broke off");
}

/* The second processor of those that we may use; children inherit it. */
static void leave_first_processor(void)
{
    cpu_set_t allowed;
    int number = 0;

    bench_place(BENCH_ANY_PROCESSOR);
    if (sched_getaffinity(0, sizeof(allowed), &allowed) != 0 || CPU_COUNT(&allowed) < 2)
        return;
    while (!CPU_ISSET(number, &allowed))
        number++;
    CPU_CLR(number, &allowed);
    sched_setaffinity(0, sizeof(allowed), &allowed);
}

/* Who spins needs a processor for itself; who sleeps shares one, as the baseline does. */
static void measure(bool vmbus, const char *spin_us, const struct bench_row *rows, size_t count)
{
    char *options[] = {(char *)"--vmbus", (char *)"--spin-us", (char *)spin_us, NULL};
    struct host_process host;

    if (strcmp(spin_us, "0") != 0)
        leave_first_processor();
    if (vmbus) {
        host_process_start_with(&host, options);
        snprintf(host.backend, sizeof(host.backend), "vmbus-uio:root=%s,spin-us=%s", host.path,
                 spin_us);
    } else {
        host_process_start(&host, NULL, spin_us);
    }
    bench_check(d3dkmt_open(host.backend));
    bench_check(umd_open(&umd, 0));
    for (size_t i = 0; i < count; i++) {
        bench_place(rows[i].subject.threads > 1 ? BENCH_ANY_PROCESSOR : BENCH_ONE_PROCESSOR);
        bench_measure(&rows[i]);
    }
    umd_close(&umd);
    D3DKMTCloseDxCoreDevice();
    if (host_process_stop(&host) != 0)
        bench_fail("d3dkmt-hostd did not end in order");
}

int main(int argc, char **argv)
{
    const struct bench_subject baseline = {"eventfd ping-pong of two processes", ping_pong, NULL,
                                           1};
    const struct bench_row sleeping = {
        {"hostd, sleeping: GetDeviceState(RESET)", get_reset_state, NULL, 1},
        baseline,
        BENCH_RATIO_AT_MOST,
        1.15,
        0};
    const struct bench_row spinning = {
        {"hostd, spinning: GetDeviceState(RESET)", get_reset_state, NULL, 1},
        baseline,
        BENCH_AT_MOST,
        1000,
        0};

    /* No target: a simulated device is a socket, which wakes more slowly than any eventfd. */
    const struct bench_row ring_sleeping = {
        {"simulated UIO, sleeping: GetDeviceState(RESET)", get_reset_state, NULL, 1},
        baseline,
        BENCH_NO_TARGET,
        0,
        0};
    const struct bench_row ring_spinning = {
        {"simulated UIO, spinning: GetDeviceState(RESET)", get_reset_state, NULL, 1},
        baseline,
        BENCH_AT_MOST,
        1000,
        0};
    const struct bench_subject alone = {"one thread", get_reset_state, NULL, 1};
    const struct bench_row ring_threads[] = {
        {{"simulated UIO, 2 threads, each", get_reset_state, NULL, 2}, alone, 0, 0, 0},
        {{"simulated UIO, 4 threads, each", get_reset_state, NULL, 4}, alone, 0, 0, 0},
        {{"simulated UIO, 8 threads, each", get_reset_state, NULL, 8}, alone, 0, 0, 0},
    };

    bench_place(BENCH_ONE_PROCESSOR);
    start_echo();
    bench_begin(argc, argv, "a host in another process");
    measure(false, "0", &sleeping, 1);
    measure(false, "1000", &spinning, 1);
    measure(true, "0", &ring_sleeping, 1);
    measure(true, "1000", &ring_spinning, 1);
    measure(true, "20", ring_threads, sizeof(ring_threads) / sizeof(ring_threads[0]));
    kill(echo, SIGKILL);
    waitpid(echo, NULL, 0);
    return bench_end();
}
