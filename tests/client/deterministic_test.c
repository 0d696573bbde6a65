/* SPDX-License-Identifier: MIT */
/* The deterministic mode: the seed says what happens, the clock is moved by those who wait. */
#include "client.h"
#include "gpu.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#define SECOND UINT64_C(1000000000)

enum {
    CONTEXTS = 4,
    SUBMISSIONS = 6,
    STEPS = 5, /* of one command buffer */
    EVENTS = CONTEXTS * SUBMISSIONS * STEPS,
    STREAM_BYTES = 512,
};

/* What the GPU writes down: who came when. */
struct trace {
    uint64_t count;
    struct {
        uint64_t order, time;
    } events[EVENTS];
};

struct run {
    struct client_gpu gpu;
    struct umd_buffer streams, trace;
    D3DKMT_HANDLE contexts[CONTEXTS];
    struct umd_fence fences[CONTEXTS];
};

static char log_text[1024];

static void keep_log(void *context, enum d3dkmt_log_level level, const char *module,
                     const char *text)
{
    (void)context;
    (void)level;
    (void)module;
    snprintf(log_text, sizeof(log_text), "%s", text);
}

static void open_run(struct run *run, const char *backend)
{
    log_text[0] = '\0';
    d3dkmt_set_log(D3DKMT_LOG_WARNING, keep_log, NULL);
    assert_success(d3dkmt_open(backend));
    assert_success(client_gpu_open(&run->gpu));
}

static void close_run(struct run *run)
{
    client_gpu_close(&run->gpu);
    D3DKMTCloseDxCoreDevice();
}

static void prepare(struct run *run)
{
    struct umd *umd = &run->gpu.umd;
    const uint32_t flags = SOFTGPU_ALLOCATION_CPU_VISIBLE;

    assert_success(
        umd_buffer_create(umd, CONTEXTS * SUBMISSIONS * STREAM_BYTES, flags, &run->streams));
    assert_success(umd_buffer_create(umd, sizeof(struct trace), flags, &run->trace));
    for (unsigned i = 0; i < CONTEXTS; i++) {
        assert_success(umd_context_create(umd, i % 2, &run->contexts[i]));
        assert_success(umd_fence_create(umd, 0, &run->fences[i]));
    }
}

/* Each step takes a number and the time. */
static size_t write_stream(struct run *run, unsigned number)
{
    struct softgpu_writer writer;
    char *stream = (char *)run->streams.cpu + (size_t)number * STREAM_BYTES;

    softgpu_writer_init(&writer, stream, STREAM_BYTES);
    for (unsigned i = 0; i < STEPS; i++) {
        uint64_t event = run->trace.address + offsetof(struct trace, events) +
                         (uint64_t)(number * STEPS + i) * 2 * sizeof(uint64_t);

        softgpu_atomic(&writer, 8, SOFTGPU_ATOMIC_ADD, run->trace.address, 1, 0, event);
        softgpu_timestamp(&writer, event + sizeof(uint64_t));
    }
    return softgpu_writer_size(&writer);
}

/* Several queues on two engines work while the program goes on calling. */
static struct trace trace_of(const char *backend)
{
    struct run run;
    struct trace trace;

    memset(&run, 0, sizeof(run));
    open_run(&run, backend);
    prepare(&run);
    for (unsigned i = 0; i < CONTEXTS * SUBMISSIONS; i++) {
        unsigned to = i % CONTEXTS;
        size_t size = write_stream(&run, i);

        assert_success(
            umd_submit(run.contexts[to], run.streams.address + (uint64_t)i * STREAM_BYTES, size));
        assert_success(umd_signal(run.contexts[to], &run.fences[to], i / CONTEXTS + 1));
        assert_success(client_ask(run.gpu.umd.device));
    }
    for (unsigned i = 0; i < CONTEXTS; i++)
        assert_success(umd_wait_on_cpu(&run.gpu.umd, &run.fences[i], SUBMISSIONS));
    memcpy(&trace, run.trace.cpu, sizeof(trace));
    assert_int_equal(trace.count, EVENTS);
    close_run(&run);
    return trace;
}

/* On a machine that is so busy that the program made no call for long, the library says that the
 * run is none of the seed's. */
static struct trace trace_of_seed(unsigned seed)
{
    char backend[64];
    struct trace trace;

    snprintf(backend, sizeof(backend), "loopback:deterministic,seed=%u", seed);
    for (unsigned i = 0; i < 20; i++) {
        trace = trace_of(backend);
        if (log_text[0] == '\0')
            return trace;
        assert_non_null(strstr(log_text, "depends on time"));
    }
    fail_msg("%s", log_text);
    return trace;
}

static void a_seed_gives_the_same_run_each_time(void **state)
{
    (void)state;
    for (unsigned seed = 0; seed < 5; seed++) {
        struct trace first = trace_of_seed(seed);
        struct trace second = trace_of_seed(seed);

        assert_memory_equal(&first, &second, sizeof(first));
    }
}

/* Addresses of the process and names of its threads have no influence. */
static void a_seed_says_the_same_in_each_process(void **state)
{
    struct trace traces[2];

    (void)state;
    for (unsigned i = 0; i < 2; i++) {
        FILE *program = popen("exec /proc/$PPID/exe 42", "r");

        assert_non_null(program);
        assert_int_equal(fread(&traces[i], sizeof(traces[i]), 1, program), 1);
        assert_int_equal(pclose(program), 0);
    }
    assert_memory_equal(&traces[0], &traces[1], sizeof(traces[0]));
}

static void seeds_give_different_runs(void **state)
{
    enum { SEEDS = 8 };
    static struct trace traces[SEEDS];

    (void)state;
    for (unsigned i = 0; i < SEEDS; i++) {
        traces[i] = trace_of_seed(100 + i);
        for (unsigned j = 0; j < i; j++)
            assert_memory_not_equal(&traces[i], &traces[j], sizeof(traces[0]));
    }
}

/* Command buffers of the same priority on one engine are interleaved, too. */
static void command_buffers_give_way_in_the_middle(void **state)
{
    struct trace trace = trace_of_seed(7);
    unsigned torn = 0;

    (void)state;
    for (unsigned i = 0; i < EVENTS; i += STEPS)
        torn += trace.events[i + STEPS - 1].order - trace.events[i].order > STEPS - 1;
    assert_true(torn > 0);
}

static void a_run_without_a_seed_tells_how_to_repeat_it(void **state)
{
    static const char words[] = "to repeat this run: ";
    char backend[sizeof(log_text)];

    (void)state;
    struct trace first = trace_of("loopback:deterministic,pending");
    assert_memory_equal(log_text, words, sizeof(words) - 1);
    snprintf(backend, sizeof(backend), "%s", log_text + sizeof(words) - 1);
    struct trace second = trace_of(backend);
    assert_memory_equal(&first, &second, sizeof(first));
}

static void a_seed_alone_is_refused(void **state)
{
    (void)state;
    assert_fails(d3dkmt_open("loopback:seed=1"), STATUS_INVALID_PARAMETER);
    assert_non_null(strstr(d3dkmt_last_error(), "deterministic"));
}

/* ---- time */

static uint64_t gpu_time(const struct run *run)
{
    D3DKMT_QUERYCLOCKCALIBRATION query = {.hAdapter = run->gpu.umd.adapter};

    assert_success(D3DKMTQueryClockCalibration(&query));
    assert_int_equal(query.ClockData.GpuFrequency, SECOND);
    return query.ClockData.GpuClockCounter;
}

static void an_hour_of_hanging_passes_at_once(void **state)
{
    struct softgpu_writer writer;
    struct run run;

    (void)state;
    open_run(&run, "loopback:deterministic,seed=3,hang-timeout-ms=3600000");
    uint64_t before = gpu_time(&run);
    softgpu_writer_init(&writer, run.gpu.commands.cpu, run.gpu.commands.size);
    softgpu_hang(&writer);
    assert_success(
        umd_submit(run.gpu.context, run.gpu.commands.address, softgpu_writer_size(&writer)));
    for (unsigned i = 0; i < 100; i++)
        assert_success(client_ask(run.gpu.umd.device));
    assert_in_range(gpu_time(&run) - before, 0, SECOND); /* nobody waits for it yet */
    assert_success(umd_wait_on_cpu(&run.gpu.umd, &run.gpu.fence, 1));
    assert_true(umd_fence_value(&run.gpu.fence) == UINT64_MAX);
    assert_in_range(gpu_time(&run) - before, 3600 * SECOND, 3601 * SECOND);
    assert_string_equal(log_text, "");
    close_run(&run);
}

static D3DKMT_HANDLE periodic_fence(const struct run *run)
{
    D3DKMT_CREATESYNCHRONIZATIONOBJECT2 create;

    memset(&create, 0, sizeof(create));
    create.hDevice = run->gpu.umd.device;
    create.Info.Type = D3DDDI_PERIODIC_MONITORED_FENCE;
    create.Info.PeriodicMonitoredFence.hAdapter = run->gpu.umd.adapter;
    assert_success(D3DKMTCreateSynchronizationObject2(&create));
    return create.hSyncObject;
}

static void a_wait_for_a_blank_brings_it(void **state)
{
    struct run run;

    (void)state;
    open_run(&run, "loopback:deterministic,seed=3");
    D3DKMT_HANDLE fence = periodic_fence(&run);
    uint64_t before = gpu_time(&run);
    assert_success(client_wait(run.gpu.umd.device, fence, 6000, 0));
    assert_in_range(gpu_time(&run) - before, 99 * SECOND, 101 * SECOND); /* 60 in a second */
    close_run(&run);
}

/* ---- memory */

static void submit(struct run *run, unsigned context, const struct softgpu_writer *writer,
                   size_t offset)
{
    assert_success(umd_submit(run->contexts[context], run->streams.address + offset,
                              softgpu_writer_size(writer)));
    assert_success(umd_signal(run->contexts[context], &run->fences[context], 1));
}

/* Each polls what the other writes, a hundred times in turn. */
static void engines_that_poll_each_other_get_on(void **state)
{
    struct run run;
    struct softgpu_writer writers[2];

    (void)state;
    memset(&run, 0, sizeof(run));
    open_run(&run, "loopback:deterministic,seed=5");
    prepare(&run);
    uint64_t ball = run.trace.address;
    for (unsigned side = 0; side < 2; side++) {
        size_t half = run.streams.size / 2;

        softgpu_writer_init(&writers[side], (char *)run.streams.cpu + side * half, half);
        for (unsigned i = side; i < 200; i += 2) {
            softgpu_wait(&writers[side], SOFTGPU_EQUAL, ball, i);
            softgpu_write64(&writers[side], ball, i + 1);
        }
        submit(&run, side, &writers[side], side * half);
    }
    assert_success(umd_wait_on_cpu(&run.gpu.umd, &run.fences[0], 1));
    assert_success(umd_wait_on_cpu(&run.gpu.umd, &run.fences[1], 1));
    assert_int_equal(*(uint64_t *)run.trace.cpu, 200);
    assert_string_equal(log_text, "");
    close_run(&run);
}

/* A command buffer waits until the program writes 1 to the trace's first word. */
static void await_the_program(struct run *run)
{
    struct softgpu_writer writer;

    memset(run, 0, sizeof(*run));
    open_run(run, "loopback:deterministic,seed=5");
    prepare(run);
    softgpu_writer_init(&writer, run->streams.cpu, run->streams.size);
    softgpu_wait(&writer, SOFTGPU_EQUAL, run->trace.address, 1);
    submit(run, 0, &writer, 0);
}

static void write_the_word(const struct run *run)
{
    __atomic_store_n((uint64_t *)run->trace.cpu, 1, __ATOMIC_RELEASE);
}

static void the_gpu_sees_what_a_program_wrote_before_it_called(void **state)
{
    struct run run;

    (void)state;
    await_the_program(&run);
    for (unsigned i = 0; i < 20; i++)
        assert_success(client_ask(run.gpu.umd.device));
    assert_int_equal(umd_fence_value(&run.fences[0]), 0);
    write_the_word(&run);
    assert_success(umd_wait_on_cpu(&run.gpu.umd, &run.fences[0], 1));
    assert_string_equal(log_text, "");
    close_run(&run);
}

/* It is served, and told that the run is no longer what the seed says. */
static void a_program_that_looks_without_calling_is_served_and_told(void **state)
{
    struct run run;

    (void)state;
    await_the_program(&run);
    write_the_word(&run);
    while (umd_fence_value(&run.fences[0]) != 1)
        sched_yield();
    assert_success(client_ask(run.gpu.umd.device));
    assert_non_null(strstr(log_text, "depends on time"));
    close_run(&run);
}

/* ---- threads */

static void *run_often(void *argument)
{
    struct client_gpu *gpu = argument;

    for (uint32_t i = 0; i < 200; i++) {
        if (!NT_SUCCESS(client_gpu_run(gpu, i)))
            return "a run failed";
    }
    return NULL;
}

/* Their order is the system's, but nothing is lost. */
static void threads_share_the_turns(void **state)
{
    enum { THREADS = 4 };
    struct client_gpu gpus[THREADS];
    pthread_t threads[THREADS];

    (void)state;
    assert_success(d3dkmt_open("loopback:deterministic,seed=9,pending"));
    for (unsigned i = 0; i < THREADS; i++) {
        assert_success(client_gpu_open(&gpus[i]));
        assert_int_equal(pthread_create(&threads[i], NULL, run_often, &gpus[i]), 0);
    }
    for (unsigned i = 0; i < THREADS; i++) {
        void *complaint;

        assert_int_equal(pthread_join(threads[i], &complaint), 0);
        assert_null(complaint);
        client_gpu_close(&gpus[i]);
    }
    D3DKMTCloseDxCoreDevice();
}

/* With a seed as its argument it writes that run's trace to standard output. */
int main(int argc, char **argv)
{
    if (argc == 2) {
        struct trace trace = trace_of_seed((unsigned)strtoul(argv[1], NULL, 10));

        return fwrite(&trace, sizeof(trace), 1, stdout) == 1 ? 0 : 1;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_seed_gives_the_same_run_each_time),
        cmocka_unit_test(a_seed_says_the_same_in_each_process),
        cmocka_unit_test(seeds_give_different_runs),
        cmocka_unit_test(command_buffers_give_way_in_the_middle),
        cmocka_unit_test(a_run_without_a_seed_tells_how_to_repeat_it),
        cmocka_unit_test(a_seed_alone_is_refused),
        cmocka_unit_test(an_hour_of_hanging_passes_at_once),
        cmocka_unit_test(a_wait_for_a_blank_brings_it),
        cmocka_unit_test(engines_that_poll_each_other_get_on),
        cmocka_unit_test(the_gpu_sees_what_a_program_wrote_before_it_called),
        cmocka_unit_test(a_program_that_looks_without_calling_is_served_and_told),
        cmocka_unit_test(threads_share_the_turns),
    };

    return cmocka_run_group_tests_name("deterministic", tests, NULL, NULL);
}
