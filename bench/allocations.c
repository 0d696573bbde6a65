/* SPDX-License-Identifier: MIT */
/* Allocations of the whole process per operation in steady state. */
#include "bench.h"
#include "bench_check.h"
#include "count_allocations.h"

#include <umd/umd.h>

#include <stdlib.h>
#include <string.h>

enum { WARM_UP = 500, MEASURED = 10000, MEASURED_QUICK = 500 };

static struct umd umd;
static struct umd_buffer commands;
static struct umd_fence fence;
static D3DKMT_HANDLE context;
static uint64_t last_value;

static void submit_signal_and_wait(void)
{
    bench_check(umd_submit(context, commands.address, commands.size));
    bench_check(umd_signal(context, &fence, ++last_value));
    bench_check(umd_wait_on_cpu(&umd, &fence, last_value));
}

static void make_resident_and_evict(void)
{
    D3DDDI_MAKERESIDENT resident;
    D3DKMT_EVICT evict;

    memset(&resident, 0, sizeof(resident));
    resident.hPagingQueue = umd.paging_queue;
    resident.NumAllocations = 1;
    resident.AllocationList = &commands.allocation;
    bench_check(D3DKMTMakeResident(&resident));
    memset(&evict, 0, sizeof(evict));
    evict.hDevice = umd.device;
    evict.NumAllocations = 1;
    evict.AllocationList = &commands.allocation;
    bench_check(D3DKMTEvict(&evict));
}

static void report(const char *name, void (*round)(void))
{
    unsigned rounds = bench_is_quick() ? MEASURED_QUICK : MEASURED;

    for (unsigned i = 0; i < WARM_UP; i++)
        round();
    unsigned before = allocations_counted();
    for (unsigned i = 0; i < rounds; i++)
        round();
    bench_report_count(name, (double)(allocations_counted() - before) / rounds, "allocations", 0);
}

int main(int argc, char **argv)
{
    struct softgpu_writer writer;

    /* The counters see the library's allocations only if its calls resolve to them. */
    bench_check(d3dkmt_open("loopback"));
    if (allocations_counted() == 0)
        bench_fail("the library's allocations are not seen");
    bench_check(umd_open(&umd, 0));
    bench_check(umd_context_create(&umd, 0, &context));
    bench_check(umd_fence_create(&umd, 0, &fence));
    bench_check(umd_buffer_create(&umd, 4096, SOFTGPU_ALLOCATION_CPU_VISIBLE, &commands));
    softgpu_writer_init(&writer, commands.cpu, commands.size);
    softgpu_nop(&writer, 1);
    commands.size = softgpu_writer_size(&writer);
    bench_begin(argc, argv, "allocations per operation");
    report("submit, signal, wait", submit_signal_and_wait);
    report("make resident, evict", make_resident_and_evict);
    umd_close(&umd);
    D3DKMTCloseDxCoreDevice();
    return bench_end();
}
