/* SPDX-License-Identifier: MIT */
/*
 * What a public call costs: the way to a backend that does nothing, and the round trip to
 * the simulated host in the caller's thread.
 */
#include "bench.h"
#include "bench_check.h"

#include <umd/umd.h>

#include <d3dkmt/backend.h>

#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

/* ---- a backend that does nothing */

static NTSTATUS idle_open(const struct d3dkmt_backend_services *services, const char *options,
                          void **instance)
{
    (void)services, (void)options;
    *instance = NULL;
    return STATUS_SUCCESS;
}

static NTSTATUS idle_call(void *instance, const struct d3dkmt_op *op, void *args)
{
    (void)instance, (void)op, (void)args;
    return STATUS_SUCCESS;
}

static bool idle_supports(void *instance, const struct d3dkmt_op *op)
{
    (void)instance, (void)op;
    return true;
}

static void idle_close(void *instance)
{
    (void)instance;
}

static const struct d3dkmt_backend idle_backend = {
    .abi_version = D3DKMT_BACKEND_ABI_VERSION,
    .size = sizeof(idle_backend),
    .name = "idle",
    .description = "does nothing",
    .open = idle_open,
    .call = idle_call,
    .supports = idle_supports,
    .close = idle_close,
};

/* ---- what is measured */

static struct umd umd;

static void call_evict(void *unused, uint64_t count)
{
    D3DKMT_EVICT evict;

    (void)unused;
    memset(&evict, 0, sizeof(evict));
    for (uint64_t i = 0; i < count; i++)
        bench_use((uintptr_t)D3DKMTEvict(&evict));
}

/* The same function of the backend, through its pointer. */
static void call_directly(void *unused, uint64_t count)
{
    const struct d3dkmt_backend *volatile backend = &idle_backend;
    const struct d3dkmt_op *op = d3dkmt_find_op(D3DKMT_OP_Evict);
    D3DKMT_EVICT evict;

    (void)unused;
    memset(&evict, 0, sizeof(evict));
    for (uint64_t i = 0; i < count; i++)
        bench_use((uintptr_t)backend->call(NULL, op, &evict));
}

static void query_video_memory(void *unused, uint64_t count)
{
    D3DKMT_QUERYVIDEOMEMORYINFO query;

    (void)unused;
    memset(&query, 0, sizeof(query));
    query.hAdapter = umd.adapter;
    query.MemorySegmentGroup = D3DKMT_MEMORY_SEGMENT_GROUP_LOCAL;
    for (uint64_t i = 0; i < count; i++)
        bench_check(D3DKMTQueryVideoMemoryInfo(&query));
}

/* type: one that is asked of the host, or the one that is answered from memory. */
static void get_device_state(D3DKMT_DEVICESTATE_TYPE type, uint64_t count)
{
    D3DKMT_GETDEVICESTATE state;

    memset(&state, 0, sizeof(state));
    state.hDevice = umd.device;
    state.StateType = type;
    for (uint64_t i = 0; i < count; i++)
        bench_check(D3DKMTGetDeviceState(&state));
}

static void get_reset_state(void *unused, uint64_t count)
{
    (void)unused;
    get_device_state(D3DKMT_DEVICESTATE_RESET, count);
}

static void get_execution_state(void *unused, uint64_t count)
{
    (void)unused;
    get_device_state(D3DKMT_DEVICESTATE_EXECUTION, count);
}

static void call_system(void *unused, uint64_t count)
{
    (void)unused;
    for (uint64_t i = 0; i < count; i++)
        bench_use((uintptr_t)syscall(SYS_getppid));
}

static void open_loopback(void)
{
    D3DKMTCloseDxCoreDevice();
    bench_check(d3dkmt_open("loopback"));
    bench_check(umd_open(&umd, 0));
}

int main(int argc, char **argv)
{
    const struct bench_subject direct = {"direct call", call_directly, NULL, 1};
    const struct bench_subject system_call = {"getppid system call", call_system, NULL, 1};
    const struct bench_row dispatch = {
        {"public call to an idle backend", call_evict, NULL, 1}, direct, BENCH_AT_MOST_MORE, 20, 0};
    const struct bench_row rows[] = {
        {{"loopback: QueryVideoMemoryInfo", query_video_memory, NULL, 1},
         direct,
         BENCH_AT_MOST,
         250,
         0},
        {{"loopback: GetDeviceState(RESET)", get_reset_state, NULL, 1},
         direct,
         BENCH_AT_MOST,
         250,
         0},
        {{"loopback: GetDeviceState(RESET)", get_reset_state, NULL, 1},
         system_call,
         BENCH_NO_TARGET,
         0,
         0},
        {{"loopback: GetDeviceState(EXECUTION), known", get_execution_state, NULL, 1},
         system_call,
         BENCH_NO_TARGET,
         0,
         0},
    };

    bench_check(d3dkmt_register_backend(&idle_backend));
    bench_check(d3dkmt_open("idle"));
    bench_begin(argc, argv, "public calls");
    bench_measure(&dispatch);
    open_loopback();
    for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        bench_measure(&rows[i]);
    umd_close(&umd);
    D3DKMTCloseDxCoreDevice();
    return bench_end();
}
