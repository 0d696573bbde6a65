/* SPDX-License-Identifier: MIT */
/* Submission, signal and wait: the way to the engine's thread and back, beside an eventfd's. */
#include "bench.h"
#include "bench_check.h"

#include <umd/umd.h>

#include <pthread.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

static struct umd umd;
static struct umd_buffer commands, target;
static struct umd_fence fence;
static D3DKMT_HANDLE context;
static uint64_t last_value;
static int to_peer, from_peer, event;

static void open_gpu(const char *specification)
{
    struct softgpu_writer writer;

    bench_check(d3dkmt_open(specification));
    bench_check(umd_open(&umd, 0));
    bench_check(umd_context_create(&umd, 0, &context));
    bench_check(umd_fence_create(&umd, 0, &fence));
    bench_check(umd_buffer_create(&umd, 4096, SOFTGPU_ALLOCATION_CPU_VISIBLE, &commands));
    bench_check(umd_buffer_create(&umd, 4096, SOFTGPU_ALLOCATION_CPU_VISIBLE, &target));
    softgpu_writer_init(&writer, commands.cpu, commands.size);
    softgpu_write32(&writer, target.address, 0x600d);
    commands.size = softgpu_writer_size(&writer);
    last_value = 0;
}

static void close_gpu(void)
{
    if (*(const uint32_t *)target.cpu != 0x600d)
        bench_fail("the engine did not execute the command buffer");
    umd_close(&umd);
    D3DKMTCloseDxCoreDevice();
}

static void submit_signal_and_wait(void *unused, uint64_t count)
{
    (void)unused;
    for (uint64_t i = 0; i < count; i++) {
        bench_check(umd_submit(context, commands.address, commands.size));
        bench_check(umd_signal(context, &fence, ++last_value));
        bench_check(umd_wait_on_cpu(&umd, &fence, last_value));
    }
}

/* Many submissions in flight and one wait: what a submission costs when nobody sleeps for it. */
static void submit_and_signal(void *unused, uint64_t count)
{
    (void)unused;
    for (uint64_t i = 0; i < count; i++) {
        bench_check(umd_submit(context, commands.address, commands.size));
        bench_check(umd_signal(context, &fence, ++last_value));
        if (i % 64 == 63)
            bench_check(umd_wait_on_cpu(&umd, &fence, last_value));
    }
    bench_check(umd_wait_on_cpu(&umd, &fence, last_value));
}

static void wait_with_eventfd(void *unused, uint64_t count)
{
    D3DKMT_WAITFORSYNCHRONIZATIONOBJECTFROMCPU wait;
    uint64_t counted;

    (void)unused;
    memset(&wait, 0, sizeof(wait));
    wait.hDevice = umd.device;
    wait.ObjectCount = 1;
    wait.ObjectHandleArray = &fence.object;
    wait.FenceValueArray = &last_value;
    wait.hAsyncEvent = (HANDLE)(intptr_t)event;
    for (uint64_t i = 0; i < count; i++) {
        bench_check(umd_submit(context, commands.address, commands.size));
        bench_check(umd_signal(context, &fence, ++last_value));
        bench_check(D3DKMTWaitForSynchronizationObjectFromCpu(&wait));
        if (read(event, &counted, sizeof(counted)) != sizeof(counted))
            bench_fail("the eventfd could not be read");
    }
}

/* ---- the baseline */

static void *answer(void *unused)
{
    uint64_t value;

    while (read(to_peer, &value, sizeof(value)) == sizeof(value) && value == 1) {
        if (write(from_peer, &value, sizeof(value)) != sizeof(value))
            break;
    }
    return unused;
}

static void ping_pong(void *unused, uint64_t count)
{
    uint64_t value = 1;

    (void)unused;
    for (uint64_t i = 0; i < count; i++) {
        if (write(to_peer, &value, sizeof(value)) != sizeof(value) ||
            read(from_peer, &value, sizeof(value)) != sizeof(value))
            bench_fail("the eventfd could not be used");
    }
}

/* ---- with all threads on one processor, and wherever the system puts them ---------------------
 */

static void measure(const char *specification, const char *name, bench_function *run,
                    enum bench_placement placement)
{
    const uint64_t stop = 2;
    struct bench_row row = {
        .subject = {name, run, NULL, 1},
        .baseline = {"eventfd ping-pong", ping_pong, NULL, 1},
    };
    pthread_t peer;

    bench_place(placement);
    if (pthread_create(&peer, NULL, answer, NULL) != 0)
        bench_fail("no thread could be started");
    open_gpu(specification);
    bench_measure(&row);
    close_gpu();
    if (write(to_peer, &stop, sizeof(stop)) != sizeof(stop))
        bench_fail("the eventfd could not be used");
    pthread_join(peer, NULL);
}

int main(int argc, char **argv)
{
    static const struct {
        const char *specification, *name;
        bench_function *run;
        enum bench_placement placement;
    } cases[] = {
        {"loopback", "submit, signal, wait; one CPU", submit_signal_and_wait, BENCH_ONE_PROCESSOR},
        {"loopback:async", "submit, signal, wait; async, one CPU", submit_signal_and_wait,
         BENCH_ONE_PROCESSOR},
        {"loopback", "submit, signal, eventfd; one CPU", wait_with_eventfd, BENCH_ONE_PROCESSOR},
        {"loopback", "submit, signal, wait; any CPU", submit_signal_and_wait, BENCH_ANY_PROCESSOR},
        {"loopback:async", "submit, signal, wait; async, any CPU", submit_signal_and_wait,
         BENCH_ANY_PROCESSOR},
        {"loopback", "submit, signal; 64 in flight", submit_and_signal, BENCH_ANY_PROCESSOR},
        {"loopback:async", "submit, signal; 64 in flight, async", submit_and_signal,
         BENCH_ANY_PROCESSOR},
    };

    to_peer = eventfd(0, EFD_CLOEXEC);
    from_peer = eventfd(0, EFD_CLOEXEC);
    event = eventfd(0, EFD_CLOEXEC);
    if (to_peer < 0 || from_peer < 0 || event < 0)
        bench_fail("there is no eventfd");
    bench_begin(argc, argv, "submission");
    for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        measure(cases[i].specification, cases[i].name, cases[i].run, cases[i].placement);
    return bench_end();
}
