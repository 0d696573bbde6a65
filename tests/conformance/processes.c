/* SPDX-License-Identifier: MIT */
/*
 * Several processes of one VM. The other one is a forked child, which begins with a library of its
 * own and inherits descriptors alone; what it opens goes with it.
 */
#include "conformance/conformance.h"

#include "client/other_process.h"
#include "client/sharing.h"

#include <unistd.h>

#define CONFORMANCE_PROCESS(function, name)                                                        \
    CONFORMANCE_NEEDING(CONFORMANCE_SOFTGPU | CONFORMANCE_PROCESSES, function, name)

enum { PATTERN = 0x7e57ab1e };

/* ---- the other process */

struct other {
    const struct world *parents; /* as it was at the fork */
    int channel;                 /* to the parent, in the child */
    struct client_gpu gpu;
};

struct life {
    const struct world *parents;
    int (*body)(struct other *other);
};

static int live(int channel, void *context)
{
    const struct life *life = context;
    static struct other other;

    other.parents = life->parents;
    other.channel = channel;
    CHILD_EXPECT(NT_SUCCESS(client_gpu_open(&other.gpu)));
    return life->body(&other);
}

static struct other_process start_other(const struct world *world, int (*body)(struct other *other))
{
    struct life life = {world, body};

    return other_process_start(live, &life);
}

/* ---- what it does with descriptors */

/* The one allocation of the world's shared resource, mapped to the GPU. */
static NTSTATUS open_resource(struct umd *umd, int descriptor, struct umd_buffer *buffer)
{
    struct softgpu_allocation data;
    D3DDDI_OPENALLOCATIONINFO2 info = {0};
    char runtime_data[WORLD_RUNTIME_DATA];
    D3DKMT_OPENRESOURCEFROMNTHANDLE open = {
        .hDevice = umd->device,
        .hNtHandle = (HANDLE)(intptr_t)descriptor,
        .NumAllocations = 1,
        .pOpenAllocationInfo2 = &info,
        .pPrivateRuntimeData = runtime_data,
        .PrivateRuntimeDataSize = sizeof(runtime_data),
        .pTotalPrivateDriverDataBuffer = &data,
        .TotalPrivateDriverDataBufferSize = sizeof(data),
    };
    NTSTATUS status = D3DKMTOpenResourceFromNtHandle(&open);

    *buffer = (struct umd_buffer){.allocation = info.hAllocation, .size = data.size};
    return NT_SUCCESS(status) ? umd_buffer_map(umd, buffer) : status;
}

/* The GPU copies words from one address to another. */
static NTSTATUS copy(struct client_gpu *gpu, uint64_t to, uint64_t from)
{
    struct softgpu_writer writer;

    softgpu_writer_init(&writer, gpu->commands.cpu, gpu->commands.size);
    softgpu_copy(&writer, to, from, sizeof(uint32_t));
    NTSTATUS status = umd_submit(gpu->context, gpu->commands.address, softgpu_writer_size(&writer));
    if (NT_SUCCESS(status))
        status = umd_signal(gpu->context, &gpu->fence, ++gpu->last_value);
    if (NT_SUCCESS(status))
        status = umd_wait_on_cpu(&gpu->umd, &gpu->fence, gpu->last_value);
    return status;
}

static NTSTATUS read_word(struct client_gpu *gpu, const struct umd_buffer *buffer, uint32_t *word)
{
    NTSTATUS status = copy(gpu, gpu->target.address, buffer->address);

    *word = *(const uint32_t *)gpu->target.cpu;
    return status;
}

static NTSTATUS write_word(struct client_gpu *gpu, const struct umd_buffer *buffer, uint32_t word)
{
    *(uint32_t *)gpu->target.cpu = word;
    return copy(gpu, buffer->address, gpu->target.address);
}

/* ---- fences */

static int signal_shared_fence(struct other *other)
{
    struct umd_fence fence;

    CHILD_EXPECT(NT_SUCCESS(client_fence_open(
        other->gpu.umd.device, other->parents->descriptors[WORLD_FENCE_DESCRIPTOR], &fence)));
    CHILD_EXPECT(umd_fence_value(&fence) == 1);
    CHILD_EXPECT(other_process_hear(other->channel));
    CHILD_EXPECT(NT_SUCCESS(client_signal(other->gpu.umd.device, fence.object, 5)));
    return 0;
}

CONFORMANCE_PROCESS(WaitForSynchronizationObjectFromCpu, ends_when_another_process_signals)
{
    struct other_process other = start_other(world, signal_shared_fence);

    assert_true(other_process_say(other.channel));
    assert_success(client_wait(HANDLE_OF(world, DEVICE), HANDLE_OF(world, SHARED_FENCE), 5, 0));
    other_process_end(&other);
}

CONFORMANCE_PROCESS(WaitForSynchronizationObjectFromGpu, ends_when_another_process_signals)
{
    struct other_process other = start_other(world, signal_shared_fence);
    struct umd_fence shared = {.object = HANDLE_OF(world, SHARED_FENCE)};
    struct client_gpu gpu;

    conformance_gpu(world, &gpu);
    assert_success(umd_wait(gpu.context, &shared, 5));
    assert_true(other_process_say(other.channel));
    conformance_finish(&gpu);
    other_process_end(&other);
}

static int signal_from_its_gpu(struct other *other)
{
    struct umd_fence fence;

    CHILD_EXPECT(NT_SUCCESS(client_fence_open(
        other->gpu.umd.device, other->parents->descriptors[WORLD_FENCE_DESCRIPTOR], &fence)));
    CHILD_EXPECT(NT_SUCCESS(umd_signal(other->gpu.context, &fence, 6)));
    CHILD_EXPECT(NT_SUCCESS(umd_wait_on_cpu(&other->gpu.umd, &fence, 6)));
    return 0;
}

CONFORMANCE_PROCESS(SignalSynchronizationObjectFromGpu, is_seen_in_another_process)
{
    struct other_process other = start_other(world, signal_from_its_gpu);

    assert_success(client_wait(HANDLE_OF(world, DEVICE), HANDLE_OF(world, SHARED_FENCE), 6, 0));
    other_process_end(&other);
}

/* ---- resources */

static int read_and_write(struct other *other)
{
    struct umd_buffer shared;
    uint32_t word;

    CHILD_EXPECT(NT_SUCCESS(open_resource(
        &other->gpu.umd, other->parents->descriptors[WORLD_RESOURCE_DESCRIPTOR], &shared)));
    CHILD_EXPECT(other_process_say(other->channel) && other_process_hear(other->channel));
    CHILD_EXPECT(NT_SUCCESS(read_word(&other->gpu, &shared, &word)) && word == PATTERN);
    CHILD_EXPECT(NT_SUCCESS(write_word(&other->gpu, &shared, ~(uint32_t)PATTERN)));
    return 0;
}

CONFORMANCE_PROCESS(OpenResourceFromNtHandle, processes_see_each_others_memory)
{
    struct other_process other = start_other(world, read_and_write);
    struct umd umd = conformance_umd(world);
    struct umd_buffer shared;
    struct client_gpu gpu;
    uint32_t word;

    conformance_gpu(world, &gpu);
    assert_success(open_resource(&umd, world->descriptors[WORLD_RESOURCE_DESCRIPTOR], &shared));
    assert_true(other_process_hear(other.channel));
    assert_success(write_word(&gpu, &shared, PATTERN));
    assert_true(other_process_say(other.channel));
    other_process_end(&other);
    assert_success(read_word(&gpu, &shared, &word));
    assert_int_equal(word, ~(uint32_t)PATTERN);
}

static int query(struct other *other)
{
    ARGS(D3DKMT_QUERYRESOURCEINFOFROMNTHANDLE, args);

    args.hDevice = other->gpu.umd.device;
    args.hNtHandle = (HANDLE)(intptr_t)other->parents->descriptors[WORLD_RESOURCE_DESCRIPTOR];
    CHILD_EXPECT(NT_SUCCESS(D3DKMTQueryResourceInfoFromNtHandle(&args)));
    CHILD_EXPECT(args.NumAllocations == 1);
    CHILD_EXPECT(args.TotalPrivateDriverDataSize == sizeof(struct softgpu_allocation));
    CHILD_EXPECT(args.PrivateRuntimeDataSize == WORLD_RUNTIME_DATA);
    return 0;
}

CONFORMANCE_PROCESS(QueryResourceInfoFromNtHandle, tells_another_process_the_same)
{
    struct other_process other = start_other(world, query);

    other_process_end(&other);
}

/* ---- makers that go */

static int share_and_stay(struct other *other)
{
    char runtime_data[WORLD_RUNTIME_DATA] = "";
    struct umd_buffer buffer;
    D3DKMT_HANDLE resource;
    int descriptor;

    CHILD_EXPECT(
        NT_SUCCESS(client_resource_create(other->gpu.umd.device, WORLD_BUFFER, runtime_data,
                                          sizeof(runtime_data), &buffer, &resource)));
    CHILD_EXPECT(NT_SUCCESS(umd_buffer_map(&other->gpu.umd, &buffer)));
    CHILD_EXPECT(NT_SUCCESS(write_word(&other->gpu, &buffer, PATTERN)));
    CHILD_EXPECT(NT_SUCCESS(client_share(resource, &descriptor)));
    CHILD_EXPECT(other_process_send_descriptor(other->channel, descriptor));
    return other_process_hear(other->channel) ? 0 : 1;
}

static void expect_the_word(const struct world *world, int descriptor)
{
    struct umd umd = conformance_umd(world);
    struct umd_buffer shared;
    struct client_gpu gpu;
    uint32_t word;

    conformance_gpu(world, &gpu);
    assert_success(open_resource(&umd, descriptor, &shared));
    assert_int_equal(close(descriptor), 0);
    assert_success(read_word(&gpu, &shared, &word));
    assert_int_equal(word, PATTERN);
}

CONFORMANCE_PROCESS(ShareObjects, what_is_shared_outlives_its_maker)
{
    struct other_process other = start_other(world, share_and_stay);
    int descriptor = other_process_receive_descriptor(other.channel);

    assert_true(other_process_say(other.channel));
    other_process_end(&other);
    expect_the_word(world, descriptor);
}

CONFORMANCE_PROCESS(ShareObjects, what_is_shared_outlives_a_killed_maker)
{
    struct other_process other = start_other(world, share_and_stay);
    int descriptor = other_process_receive_descriptor(other.channel);

    other_process_kill(&other);
    expect_the_word(world, descriptor);
}

/* ---- sync files */

static int wait_for_sync_file(struct other *other)
{
    int file = other->parents->descriptors[WORLD_SYNC_FILE];
    ARGS(D3DKMT_WAITSYNCFILE, wait);
    ARGS(D3DKMT_OPENSYNCOBJECTFROMSYNCFILE, open);

    wait.hContext = other->gpu.context;
    wait.hSyncFile = (UINT64)file;
    CHILD_EXPECT(NT_SUCCESS(D3DKMTWaitSyncFile(&wait)));
    CHILD_EXPECT(NT_SUCCESS(client_gpu_run(&other->gpu, PATTERN)));
    open.hDevice = other->gpu.umd.device;
    open.hSyncFile = (UINT64)file;
    CHILD_EXPECT(NT_SUCCESS(D3DKMTOpenSyncObjectFromSyncFile(&open)));
    CHILD_EXPECT(open.FenceValue == 1);
    CHILD_EXPECT(NT_SUCCESS(client_wait(open.hDevice, open.hSyncObject, open.FenceValue, 0)));
    return 0;
}

CONFORMANCE_PROCESS(WaitSyncFile, another_process_can)
{
    struct other_process other = start_other(world, wait_for_sync_file);

    other_process_end(&other);
}

CONFORMANCE_PROCESS(OpenSyncObjectFromSyncFile, another_process_can)
{
    struct other_process other = start_other(world, wait_for_sync_file);

    other_process_end(&other);
}

/* ---- processes */

static int stay(struct other *other)
{
    CHILD_EXPECT(other_process_say(other->channel));
    return other_process_hear(other->channel) ? 0 : 1;
}

static bool is_listed(const struct world *world, pid_t pid)
{
    UINT list[64];
    D3DKMT_ENUMPROCESSES args = {
        .AdapterLuid = world->luid, .Buffer = list, .BufferCount = COUNT(list)};
    bool found = false;

    assert_success(D3DKMTEnumProcesses(&args));
    assert_in_range(args.BufferCount, 1, COUNT(list));
    for (UINT64 i = 0; i < args.BufferCount; i++)
        found |= list[i] == (UINT)pid;
    return found;
}

/* Each engine knows the processes of its own; a kernel knows all. */
CONFORMANCE_PROCESS(EnumProcesses, lists_the_caller_while_there_are_others)
{
    struct other_process other = start_other(world, stay);

    assert_true(other_process_hear(other.channel));
    assert_true(is_listed(world, getpid()));
    assert_true(other_process_say(other.channel));
    other_process_end(&other);
    assert_true(is_listed(world, getpid()));
    assert_false(is_listed(world, other.pid));
}

static int use_the_parents_handles(struct other *other)
{
    D3DKMT_DESTROYDEVICE destroy = {other->parents->handles[WORLD_DEVICE]};

    /* Numbers may be in use in both; a device that was made second here was not the first there. */
    for (unsigned i = 0; i < 3; i++) {
        D3DKMT_CREATEDEVICE create = {.hAdapter = other->gpu.umd.adapter};
        CHILD_EXPECT(NT_SUCCESS(D3DKMTCreateDevice(&create)));
        destroy.hDevice = create.hDevice;
        CHILD_EXPECT(NT_SUCCESS(D3DKMTDestroyDevice(&destroy)));
    }
    destroy.hDevice = other->parents->handles[WORLD_OTHER_DEVICE];
    (void)D3DKMTDestroyDevice(&destroy); /* at most one of its own */
    return 0;
}

CONFORMANCE_PROCESS(DestroyDevice, never_destroys_that_of_another_process)
{
    struct other_process other = start_other(world, use_the_parents_handles);

    other_process_end(&other);
    assert_success(client_ask(HANDLE_OF(world, DEVICE)));
    assert_success(client_ask(HANDLE_OF(world, OTHER_DEVICE)));
}

static int lose_its_device(struct other *other)
{
    D3DKMT_MARKDEVICEASERROR mark = {other->gpu.umd.device, D3DKMT_DEVICE_ERROR_REASON_GENERIC};

    CHILD_EXPECT(NT_SUCCESS(D3DKMTMarkDeviceAsError(&mark)));
    CHILD_EXPECT(!NT_SUCCESS(client_gpu_run(&other->gpu, PATTERN)));
    return 0;
}

CONFORMANCE_PROCESS(MarkDeviceAsError, is_nothing_to_other_processes)
{
    struct other_process other = start_other(world, lose_its_device);
    struct client_gpu gpu;

    other_process_end(&other);
    conformance_gpu(world, &gpu);
    assert_success(client_gpu_run(&gpu, PATTERN));
}
