/* SPDX-License-Identifier: MIT */
/* The copy engine's throughput beside memcpy on the same pages. */
#include "bench.h"
#include "bench_check.h"

#include <umd/umd.h>

#include <stdio.h>
#include <string.h>

enum { SMALLEST = 4096, LARGEST = 16 << 20, COPY_NODE = 1 };

/* One command buffer of so many copies: the way to the engine and back hardly counts. */
#define BYTES_PER_BUFFER ((uint64_t)64 << 20)

struct job {
    uint64_t size, copies, command_size;
    char name[40];
};

static struct umd umd;
static struct umd_buffer from, to, commands;
static struct umd_fence fence;
static D3DKMT_HANDLE context;
static uint64_t last_value;

static void open_gpu(void)
{
    bench_check(d3dkmt_open("loopback"));
    bench_check(umd_open(&umd, 0));
    bench_check(umd_context_create(&umd, COPY_NODE, &context));
    bench_check(umd_fence_create(&umd, 0, &fence));
    bench_check(umd_buffer_create(&umd, LARGEST, SOFTGPU_ALLOCATION_CPU_VISIBLE, &from));
    bench_check(umd_buffer_create(&umd, LARGEST, SOFTGPU_ALLOCATION_CPU_VISIBLE, &to));
    bench_check(umd_buffer_create(&umd, 1 << 20, SOFTGPU_ALLOCATION_CPU_VISIBLE, &commands));
    memset(from.cpu, 0x5a, LARGEST);
    memset(to.cpu, 0, LARGEST);
}

static void write_commands(struct job *job)
{
    struct softgpu_writer writer;

    softgpu_writer_init(&writer, commands.cpu, commands.size);
    for (uint64_t i = 0; i < job->copies; i++)
        softgpu_copy(&writer, to.address, from.address, job->size);
    job->command_size = softgpu_writer_size(&writer);
    if (job->command_size == 0)
        bench_fail("the command buffer is too small");
}

/* A step is one command buffer. */
static void copy_by_gpu(void *argument, uint64_t count)
{
    const struct job *job = argument;

    for (uint64_t i = 0; i < count; i++) {
        bench_check(umd_submit(context, commands.address, job->command_size));
        bench_check(umd_signal(context, &fence, ++last_value));
    }
    bench_check(umd_wait_on_cpu(&umd, &fence, last_value));
}

static void copy_by_cpu(void *argument, uint64_t count)
{
    const struct job *job = argument;

    for (uint64_t i = 0; i < count * job->copies; i++) {
        memcpy(to.cpu, from.cpu, job->size);
        bench_use((uintptr_t)to.cpu);
    }
}

static void verify(struct job *job)
{
    memset(to.cpu, 0, job->size);
    copy_by_gpu(job, 1);
    if (memcmp(to.cpu, from.cpu, job->size) != 0)
        bench_fail("a copy of %llu bytes did not arrive", (unsigned long long)job->size);
}

static void measure(uint64_t size)
{
    uint64_t in_all = bench_is_quick() ? LARGEST : BYTES_PER_BUFFER;
    struct job job = {.size = size, .copies = in_all / size};

    snprintf(job.name, sizeof(job.name), "copy engine, %llu KiB", (unsigned long long)(size >> 10));
    write_commands(&job);
    verify(&job);
    struct bench_row row = {
        .subject = {job.name, copy_by_gpu, &job, 1},
        .baseline = {"memcpy", copy_by_cpu, &job, 1},
        .target = size >= 65536 ? BENCH_THROUGHPUT_AT_LEAST : BENCH_NO_TARGET,
        .limit = 0.9,
        .bytes = job.copies * job.size,
    };
    bench_measure(&row);
}

int main(int argc, char **argv)
{
    bench_begin(argc, argv, "copy engine");
    bench_place(BENCH_ONE_PROCESSOR);
    open_gpu();
    for (uint64_t size = SMALLEST; size <= LARGEST; size *= 4)
        measure(size);
    umd_close(&umd);
    D3DKMTCloseDxCoreDevice();
    return bench_end();
}
