/* SPDX-License-Identifier: MIT */
#include "conformance/conformance.h"

#include "guest/held.h"
#include "hostd/host_process.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#define IN_PROCESS                                                                                 \
    (CONFORMANCE_SOFTGPU | CONFORMANCE_CALLER_MEMORY | CONFORMANCE_LARGEST | CONFORMANCE_CHILDREN)
#define REMOTE                                                                                     \
    (CONFORMANCE_SOFTGPU | CONFORMANCE_PROCESSES | CONFORMANCE_LARGEST | CONFORMANCE_CHILDREN)
#define SMALL_RING (CONFORMANCE_SOFTGPU)
#define VM         (CONFORMANCE_SOFTGPU | CONFORMANCE_CALLER_MEMORY)
#define NO_SOFTGPU (CONFORMANCE_LARGEST | CONFORMANCE_CHILDREN)

const struct conformance_path conformance_paths[] = {
    {"loopback", "", IN_PROCESS, HOST_HERE, false},
    {"loopback-async", "async", IN_PROCESS, HOST_HERE, true},
    {"loopback-pending", "pending", IN_PROCESS, HOST_HERE, false},
    {"loopback-version-39", "version=39", IN_PROCESS, HOST_HERE, false},
    {"loopback-version-27", "version=27", IN_PROCESS, HOST_HERE, false},
    {"loopback-deterministic", "deterministic,seed=1", IN_PROCESS, HOST_HERE, false},
    {"hostd", "", REMOTE, HOST_HOSTD, false},
    {"hostd-async", "async", REMOTE, HOST_HOSTD, true},
    {"hostd-version-39", "version=39", REMOTE, HOST_HOSTD, false},
    {"hostd-deterministic", "deterministic,seed=1", REMOTE, HOST_HOSTD, false},
    {"vmbus-uio", "", SMALL_RING, HOST_VMBUS, false},
    {"vmbus-uio-async", "async", SMALL_RING, HOST_VMBUS, true},
    {"vmbus-uio-version-39", "version=39", SMALL_RING, HOST_VMBUS, false},
    {"dxg", "", IN_PROCESS, HOST_SHIM, false},
    {"dxg-async", "async", IN_PROCESS, HOST_SHIM, true},
    {"dxg-validate", "", IN_PROCESS, HOST_SHIM, false},
    {"dxg-hostd", "", REMOTE, HOST_SHIM, false},
    {"dxg-kernel", "", NO_SOFTGPU, HOST_REAL, false},
    {"vm", "page-lists", VM, HOST_GIVEN, false},
    {"vm-async", "page-lists,async", VM, HOST_GIVEN, true},
    {"vm-version-39", "version=39", SMALL_RING, HOST_GIVEN, false},
};
const size_t conformance_path_count = COUNT(conformance_paths);
const struct conformance_path *conformance_path = &conformance_paths[0];
const struct conformance_test *conformance_current;

static struct host_process host; /* of remote paths */
static struct world world;
static unsigned descriptors_before;

bool conformance_has_kernel(void)
{
    return conformance_path->host == HOST_SHIM || conformance_path->host == HOST_REAL;
}

bool conformance_names_handles(void)
{
    return !conformance_has_kernel() || strcmp(conformance_path->name, "dxg-validate") == 0;
}

const char *conformance_absence(void)
{
    static char reason[256];

    if (conformance_path->host != HOST_REAL)
        return NULL;
    if (access("/dev/dxg", F_OK) != 0)
        return "this machine has no /dev/dxg";
    /* Objects are described in the built-in miniport's language: another driver refuses them. */
    setenv("D3DKMT_BACKEND", "dxg", 1);
    world_create(&world, world_public_call, NULL);
    if (world.failures)
        snprintf(reason, sizeof(reason), "the driver of its GPU refuses the tests' objects (%s)",
                 world.first_failure);
    world_abandon(&world);
    D3DKMTCloseDxCoreDevice();
    return *reason ? reason : NULL;
}

int conformance_open_path(void **state)
{
    const char *options = conformance_path->options;
    char backend[64];

    (void)state;
    /* The first call opens what the environment names, as in any program. */
    if (conformance_path->host == HOST_GIVEN)
        return getenv("D3DKMT_BACKEND") ? 0 : -1;
    if (conformance_has_kernel())
        return setenv("D3DKMT_BACKEND", conformance_names_handles() ? "dxg:validate" : "dxg", 1);
    if (conformance_path->host == HOST_HERE) {
        snprintf(backend, sizeof(backend), "loopback:%s", options);
        return setenv("D3DKMT_BACKEND", backend, 1);
    }
    if (conformance_path->host == HOST_VMBUS)
        host_process_start_vmbus(&host, options, NULL, NULL);
    else
        host_process_start(&host, options, NULL);
    return setenv("D3DKMT_BACKEND", host.backend, 1);
}

int conformance_close_path(void **state)
{
    (void)state;
    return host.pid ? host_process_stop(&host) : 0;
}

int conformance_set_up(void **state)
{
    conformance_current = *state;
    descriptors_before = held_descriptors();
    world_create(&world, world_public_call, NULL);
    if (world.failures)
        print_error("%s: %s\n", world.first_failure, d3dkmt_last_error());
    return world.failures ? -1 : 0;
}

/* Threads of the library that follow descriptors notice a moment later that they were closed. */
static int descriptors_left(void)
{
    const struct timespec moment = {.tv_nsec = 1000000};
    int left = 0;

    for (unsigned i = 0; i < 10000; i++) {
        left = (int)(held_descriptors() - descriptors_before);
        if (left <= 0)
            return left;
        nanosleep(&moment, NULL);
    }
    return left;
}

void conformance_expect_descriptor(void)
{
    descriptors_before++;
}

int conformance_tear_down(void **state)
{
    (void)state;
    if (conformance_current->intact)
        world_destroy(&world);
    else
        world_abandon(&world);
    D3DKMTCloseDxCoreDevice();
    int left = descriptors_left();
    if (left != 0)
        print_error("%d descriptors are left\n", left);
    if (world.failures)
        print_error("%s: afterwards %s fails\n", conformance_current->name, world.first_failure);
    return left == 0 && world.failures == 0 ? 0 : -1;
}

static const struct conformance_difference *find_difference(const struct conformance_test *test)
{
    for (size_t i = 0; i < conformance_difference_count; i++) {
        const struct conformance_difference *difference = &conformance_differences[i];

        if (strcmp(difference->function, test->function) == 0 &&
            (!difference->name || strcmp(difference->name, test->name) == 0))
            return difference;
    }
    return NULL;
}

void conformance_run(void **state)
{
    const struct conformance_difference *difference =
        conformance_has_kernel() ? find_difference(conformance_current) : NULL;

    (void)state;
    (difference ? difference->run : conformance_current->run)(&world);
}

struct umd conformance_umd(const struct world *of)
{
    return (struct umd){
        .adapter = of->handles[WORLD_ADAPTER],
        .luid = of->luid,
        .device = of->handles[WORLD_DEVICE],
        .paging_queue = of->handles[WORLD_PAGING_QUEUE],
        .paging_fence = of->handles[WORLD_PAGING_FENCE],
    };
}

void conformance_gpu(const struct world *of, struct client_gpu *gpu)
{
    const struct umd umd = conformance_umd(of);

    assert_success(client_gpu_prepare(gpu, &umd));
}

NTSTATUS conformance_ask_adapter(const struct world *of, KMTQUERYADAPTERINFOTYPE type, void *data,
                                 UINT size)
{
    ARGS(D3DKMT_QUERYADAPTERINFO, query);

    query.hAdapter = HANDLE_OF(of, ADAPTER);
    query.Type = type;
    query.pPrivateDriverData = data;
    query.PrivateDriverDataSize = size;
    return D3DKMTQueryAdapterInfo(&query);
}

D3DKMT_HANDLE conformance_allocate(D3DKMT_HANDLE device, uint64_t size)
{
    struct softgpu_allocation data = softgpu_allocation_data(size, 0);
    D3DDDI_ALLOCATIONINFO2 info;
    ARGS(D3DKMT_CREATEALLOCATION, create);

    memset(&info, 0, sizeof(info));
    info.pPrivateDriverData = &data;
    info.PrivateDriverDataSize = sizeof(data);
    create.hDevice = device;
    create.NumAllocations = 1;
    create.pAllocationInfo2 = &info;
    assert_success(D3DKMTCreateAllocation2(&create));
    return info.hAllocation;
}

NTSTATUS conformance_submit(struct client_gpu *gpu, const struct softgpu_writer *writer)
{
    return umd_submit(gpu->context, gpu->commands.address, softgpu_writer_size(writer));
}

void conformance_finish(struct client_gpu *gpu)
{
    assert_success(umd_signal(gpu->context, &gpu->fence, ++gpu->last_value));
    assert_success(umd_wait_on_cpu(&gpu->umd, &gpu->fence, gpu->last_value));
}

void conformance_await_host(const struct world *of)
{
    assert_success(client_ask(of->handles[WORLD_DEVICE]));
}

uint32_t conformance_target(const struct client_gpu *gpu)
{
    return __atomic_load_n((const uint32_t *)gpu->target.cpu, __ATOMIC_ACQUIRE);
}
