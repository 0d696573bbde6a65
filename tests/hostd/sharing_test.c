/* SPDX-License-Identifier: MIT */
/*
 * Processes of one VM: what one shares the others use, also when it is gone. Usage:
 * test-hostd-sharing [ROUNDS], of producing and consuming (default 1000).
 */
#include "client/client.h"
#include "client/gpu.h"
#include "client/sharing.h"
#include "hostd/host_process.h"

#include <d3dkmt/syncfile.h>

#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum { BUFFER_SIZE = 65536 };

static const char runtime_data[] = "what the runtime wants to know";
static unsigned long rounds = 1000;
static struct host_process host;
static int observer;
static int to_child, to_parent; /* one pair of sockets */
static pid_t child;

static int set_up(void **state)
{
    int ends[2];
    (void)state;

    host_process_start(&host, NULL, NULL);
    observer = host_process_join(&host);
    child = -1;
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0)
        return -1;
    to_child = ends[0];
    to_parent = ends[1];
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    D3DKMTCloseDxCoreDevice();
    close(to_child);
    close(to_parent);
    host_process_until_alone(observer);
    close(observer);
    return host_process_stop(&host);
}

/* ---- the other process */

/* Runs body with to_parent in a process of its own, which ends with what it returns. */
static void start_child(int (*body)(void))
{
    child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        alarm(120);
        _exit(body());
    }
}

static void expect_child_ends_well(void)
{
    int status;

    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
}

static void kill_child(void)
{
    int status;

    kill(child, SIGKILL);
    assert_int_equal(waitpid(child, &status, 0), child);
    host_process_until_alone_with(observer, 2);
}

static bool send_files(int channel, const int *files, unsigned count)
{
    struct remote_outgoing packet = {.type = REMOTE_ANSWER, .files = files, .file_count = count};

    return remote_send(channel, &packet, true) == REMOTE_OK;
}

static bool receive_files(int channel, int *files, unsigned count)
{
    static struct remote_received received;

    if (remote_receive(channel, &received) != REMOTE_OK || received.file_count != count)
        return false;
    memcpy(files, received.files, count * sizeof(int));
    return true;
}

static bool say(int channel)
{
    return send(channel, "!", 1, MSG_NOSIGNAL) == 1;
}

static bool hear(int channel)
{
    char byte;

    return recv(channel, &byte, 1, 0) == 1;
}

/* ---- a client */

static struct client_gpu gpu;

static bool open_client(void)
{
    return NT_SUCCESS(d3dkmt_open(host.backend)) && NT_SUCCESS(client_gpu_open(&gpu));
}

static NTSTATUS create_fence(bool shared, D3DKMT_HANDLE *fence)
{
    return client_fence_create(gpu.umd.device, shared, fence);
}

static NTSTATUS open_fence(int descriptor, struct umd_fence *fence)
{
    return client_fence_open(gpu.umd.device, descriptor, fence);
}

static NTSTATUS create_resource(uint32_t runtime_size, struct umd_buffer *buffer,
                                D3DKMT_HANDLE *resource)
{
    char *runtime = calloc(1, runtime_size);

    memcpy(runtime, runtime_data, sizeof(runtime_data));
    NTSTATUS status = client_resource_create(gpu.umd.device, BUFFER_SIZE, runtime, runtime_size,
                                             buffer, resource);
    free(runtime);
    return status;
}

/* As a program would that knows the descriptor only. */
static NTSTATUS open_resource(int descriptor, struct umd_buffer *buffer)
{
    char runtime[64] = "", resource_data[64];
    D3DKMT_QUERYRESOURCEINFOFROMNTHANDLE query;
    D3DKMT_OPENRESOURCEFROMNTHANDLE open;
    D3DDDI_OPENALLOCATIONINFO2 info;
    struct softgpu_allocation data;

    memset(&query, 0, sizeof(query));
    query.hDevice = gpu.umd.device;
    query.hNtHandle = (HANDLE)(intptr_t)descriptor;
    NTSTATUS status = D3DKMTQueryResourceInfoFromNtHandle(&query);
    if (!NT_SUCCESS(status))
        return status;
    memset(&open, 0, sizeof(open));
    open.hDevice = gpu.umd.device;
    open.hNtHandle = (HANDLE)(intptr_t)descriptor;
    open.NumAllocations = query.NumAllocations;
    open.pOpenAllocationInfo2 = &info;
    open.pPrivateRuntimeData = runtime;
    open.PrivateRuntimeDataSize = sizeof(runtime);
    open.pResourcePrivateDriverData = resource_data;
    open.ResourcePrivateDriverDataSize = sizeof(resource_data);
    open.pTotalPrivateDriverDataBuffer = &data;
    open.TotalPrivateDriverDataBufferSize = sizeof(data);
    status = D3DKMTOpenResourceFromNtHandle(&open);
    if (!NT_SUCCESS(status))
        return status;
    memset(buffer, 0, sizeof(*buffer));
    buffer->allocation = info.hAllocation;
    buffer->size = BUFFER_SIZE;
    return query.NumAllocations == 1 && strcmp(runtime, runtime_data) == 0 &&
                   query.PrivateRuntimeDataSize == sizeof(runtime_data) &&
                   data.magic == SOFTGPU_ALLOCATION_MAGIC && data.size == BUFFER_SIZE
               ? umd_buffer_map(&gpu.umd, buffer)
               : STATUS_UNSUCCESSFUL;
}

/* ---- producing and consuming: values 2i+1 say that round i is produced, 2i+2 that it is consumed
 */

static NTSTATUS produce(const struct umd_buffer *buffer, const struct umd_fence *fence, uint64_t i)
{
    struct softgpu_writer writer;
    NTSTATUS status = umd_wait(gpu.context, fence, 2 * i);

    /* The command buffer is free when the round before is consumed. */
    if (NT_SUCCESS(status))
        status = umd_wait_on_cpu(&gpu.umd, fence, 2 * i);
    softgpu_writer_init(&writer, gpu.commands.cpu, gpu.commands.size);
    softgpu_fill(&writer, buffer->address, (uint32_t)i, BUFFER_SIZE);
    if (NT_SUCCESS(status))
        status = umd_submit(gpu.context, gpu.commands.address, softgpu_writer_size(&writer));
    if (NT_SUCCESS(status))
        status = umd_signal(gpu.context, fence, 2 * i + 1);
    return status;
}

/* In a child: a mapped buffer and a fence, and their descriptors. */
static int share_two(struct umd_buffer *buffer, struct umd_fence *fence, int files[2])
{
    D3DKMT_HANDLE resource, fence_handle;

    CHILD_EXPECT(open_client());
    CHILD_EXPECT(NT_SUCCESS(create_resource(sizeof(runtime_data), buffer, &resource)));
    CHILD_EXPECT(NT_SUCCESS(umd_buffer_map(&gpu.umd, buffer)));
    CHILD_EXPECT(NT_SUCCESS(create_fence(true, &fence_handle)));
    CHILD_EXPECT(NT_SUCCESS(client_share(resource, &files[0])));
    CHILD_EXPECT(NT_SUCCESS(client_share(fence_handle, &files[1])));
    CHILD_EXPECT(NT_SUCCESS(open_fence(files[1], fence)));
    return 0;
}

static int producer(void)
{
    struct umd_buffer buffer;
    struct umd_fence fence;
    int files[2];

    CHILD_EXPECT(share_two(&buffer, &fence, files) == 0);
    CHILD_EXPECT(send_files(to_parent, files, 2));
    for (unsigned long i = 0; i < rounds; i++)
        CHILD_EXPECT(NT_SUCCESS(produce(&buffer, &fence, i)));
    CHILD_EXPECT(NT_SUCCESS(umd_wait_on_cpu(&gpu.umd, &fence, 2 * rounds)));
    return 0;
}

static void one_produces_and_the_other_consumes_on_the_gpu(void **state)
{
    struct umd_buffer buffer, copy;
    struct softgpu_writer writer;
    struct umd_fence fence;
    int files[2];
    (void)state;

    start_child(producer);
    assert_true(open_client());
    assert_true(receive_files(to_child, files, 2));
    assert_success(open_resource(files[0], &buffer));
    assert_success(open_fence(files[1], &fence));
    assert_success(umd_buffer_create(&gpu.umd, BUFFER_SIZE, SOFTGPU_ALLOCATION_CPU_VISIBLE, &copy));
    softgpu_writer_init(&writer, gpu.commands.cpu, gpu.commands.size);
    softgpu_copy(&writer, copy.address, buffer.address, BUFFER_SIZE);
    for (uint32_t i = 0; i < rounds; i++) {
        assert_success(umd_wait(gpu.context, &fence, 2 * (uint64_t)i + 1));
        assert_success(umd_submit(gpu.context, gpu.commands.address, softgpu_writer_size(&writer)));
        assert_success(umd_signal(gpu.context, &gpu.fence, i + 1));
        assert_success(umd_wait_on_cpu(&gpu.umd, &gpu.fence, i + 1));
        assert_int_equal(((const uint32_t *)copy.cpu)[0], i);
        assert_int_equal(((const uint32_t *)copy.cpu)[BUFFER_SIZE / 4 - 1], i);
        assert_success(umd_signal(gpu.context, &fence, 2 * (uint64_t)i + 2));
    }
    expect_child_ends_well();
    print_message("%lu rounds\n", rounds);
    close(files[0]);
    close(files[1]);
    client_gpu_close(&gpu);
}

/* ---- the creator is killed */

/* A filled buffer and a fence at 1; then it waits for its end. */
static int creator(void)
{
    struct umd_buffer buffer;
    struct umd_fence fence;
    int files[2];

    CHILD_EXPECT(share_two(&buffer, &fence, files) == 0);
    CHILD_EXPECT(NT_SUCCESS(produce(&buffer, &fence, 0)));
    CHILD_EXPECT(NT_SUCCESS(umd_wait_on_cpu(&gpu.umd, &fence, 1)));
    CHILD_EXPECT(send_files(to_parent, files, 2));
    close(files[0]);
    close(files[1]);
    pause();
    return 1;
}

static void objects_outlive_their_killed_creator(void **state)
{
    struct umd_buffer buffer;
    struct softgpu_writer writer;
    struct umd_fence fence;
    int files[2];
    (void)state;

    start_child(creator);
    assert_true(open_client());
    assert_true(receive_files(to_child, files, 2));
    kill_child();
    assert_int_equal(host_process_count(observer).kept, 2);
    assert_success(open_fence(files[1], &fence));
    assert_int_equal(umd_fence_value(&fence), 1);
    assert_success(client_signal(gpu.umd.device, fence.object, 5));
    assert_int_equal(umd_fence_value(&fence), 5);
    assert_success(open_resource(files[0], &buffer));
    /* Round 0 was filled with zeros: the GPU adds what shows that it is reached. */
    softgpu_writer_init(&writer, gpu.commands.cpu, gpu.commands.size);
    softgpu_write32(&writer, buffer.address + 64, 0xabcd);
    softgpu_copy(&writer, gpu.target.address, buffer.address, 4096);
    assert_success(umd_submit(gpu.context, gpu.commands.address, softgpu_writer_size(&writer)));
    assert_success(umd_signal(gpu.context, &gpu.fence, 1));
    assert_success(umd_wait_on_cpu(&gpu.umd, &gpu.fence, 1));
    assert_int_equal(((const uint32_t *)gpu.target.cpu)[16], 0xabcd);
    assert_int_equal(((const uint32_t *)gpu.target.cpu)[17], 0);
    close(files[0]);
    close(files[1]);
    client_gpu_close(&gpu);
}

static void the_last_close_frees_what_a_killed_creator_shared(void **state)
{
    int files[2];
    (void)state;

    assert_true(open_client());
    uint32_t objects = host_process_count(observer).objects;
    unsigned descriptors = host_process_descriptors(&host);
    start_child(creator);
    assert_true(receive_files(to_child, files, 2));
    kill_child();
    assert_int_equal(host_process_count(observer).kept, 2);
    assert_int_equal(host_process_count(observer).objects, objects);
    int duplicate = dup(files[0]);
    close(files[0]);
    close(files[1]);
    close(duplicate);
    while (host_process_count(observer).kept > 0)
        sched_yield(); /* ends with the test's time limit if it never comes */
    assert_int_equal(host_process_descriptors(&host), descriptors);
    client_gpu_close(&gpu);
}

/* ---- sync files */

static NTSTATUS create_sync_file(D3DKMT_HANDLE fence, UINT64 value, int *file)
{
    D3DKMT_CREATESYNCFILE create = {gpu.umd.device, fence, value, 0};
    NTSTATUS status = D3DKMTCreateSyncFile(&create);

    *file = NT_SUCCESS(status) ? (int)create.hSyncFile : -1;
    return status;
}

static bool is_pending(int file)
{
    struct pollfd polled = {.fd = file, .events = POLLIN};

    return poll(&polled, 1, 0) == 0;
}

/* A shared fence, and a sync file for its value 7. */
static int sync_file_creator(void)
{
    D3DKMT_HANDLE fence;
    int files[2];

    CHILD_EXPECT(open_client());
    CHILD_EXPECT(NT_SUCCESS(create_fence(true, &fence)));
    CHILD_EXPECT(NT_SUCCESS(client_share(fence, &files[0])));
    CHILD_EXPECT(NT_SUCCESS(create_sync_file(fence, 7, &files[1])));
    CHILD_EXPECT(send_files(to_parent, files, 2));
    CHILD_EXPECT(hear(to_parent)); /* or is killed */
    CHILD_EXPECT(NT_SUCCESS(client_signal(gpu.umd.device, fence, 7)));
    return 0;
}

static void a_sync_file_is_signalled_in_another_process(void **state)
{
    int files[2];
    (void)state;

    start_child(sync_file_creator);
    assert_true(receive_files(to_child, files, 2));
    assert_true(is_pending(files[1]));
    assert_true(say(to_child));
    assert_int_equal(d3dkmt_sync_file_wait(files[1], -1), STATUS_SUCCESS);
    expect_child_ends_well();
    close(files[0]);
    close(files[1]);
}

static void a_sync_file_is_signalled_without_its_killed_creator(void **state)
{
    struct d3dkmt_sync_file_info *info;
    struct umd_fence fence;
    int files[2];
    (void)state;

    start_child(sync_file_creator);
    assert_true(open_client());
    assert_true(receive_files(to_child, files, 2));
    assert_success(open_fence(files[0], &fence));
    kill_child();
    assert_true(is_pending(files[1]));
    assert_success(client_signal(gpu.umd.device, fence.object, 6));
    assert_true(is_pending(files[1]));
    assert_success(client_signal(gpu.umd.device, fence.object, 7));
    assert_int_equal(d3dkmt_sync_file_wait(files[1], -1), STATUS_SUCCESS);
    assert_success(d3dkmt_sync_file_info(files[1], &info));
    assert_int_equal(info->status, STATUS_SUCCESS);
    assert_true(info->fences[0].timestamp > 0);
    d3dkmt_sync_file_info_free(info);
    close(files[0]);
    close(files[1]);
    client_gpu_close(&gpu);
}

/* Nobody has the fence open any more: nobody is to wait on. */
static void a_sync_file_ends_with_the_last_object_of_its_fence(void **state)
{
    int files[2];
    (void)state;

    start_child(sync_file_creator);
    assert_true(open_client());
    assert_true(receive_files(to_child, files, 2));
    assert_true(is_pending(files[1]));
    kill_child();
    assert_int_equal(d3dkmt_sync_file_wait(files[1], -1), STATUS_SUCCESS);
    close(files[0]);
    close(files[1]);
    client_gpu_close(&gpu);
}

static void a_sync_file_of_another_process_is_waited_for_and_opened(void **state)
{
    D3DKMT_OPENSYNCOBJECTFROMSYNCFILE open;
    D3DKMT_WAITSYNCFILE wait;
    int files[2];
    (void)state;

    start_child(sync_file_creator);
    assert_true(open_client());
    assert_true(receive_files(to_child, files, 2));
    memset(&wait, 0, sizeof(wait));
    wait.hSyncFile = (UINT64)files[1];
    wait.hContext = gpu.context;
    assert_success(D3DKMTWaitSyncFile(&wait));
    assert_success(umd_signal(gpu.context, &gpu.fence, 1));
    memset(&open, 0, sizeof(open));
    open.hSyncFile = (UINT64)files[1];
    open.hDevice = gpu.umd.device;
    assert_success(D3DKMTOpenSyncObjectFromSyncFile(&open));
    assert_int_equal(open.FenceValue, 7);
    assert_int_equal(umd_fence_value(&gpu.fence), 0);
    assert_true(say(to_child));
    assert_success(umd_wait_on_cpu(&gpu.umd, &gpu.fence, 1));
    assert_int_equal(*(const uint64_t *)open.FenceValueCPUVirtualAddress, 7);
    expect_child_ends_well();
    close(files[0]);
    close(files[1]);
    client_gpu_close(&gpu);
}

static void a_sync_file_of_a_fence_that_is_not_shared_is_signalled_all_the_same(void **state)
{
    D3DKMT_WAITSYNCFILE wait;
    D3DKMT_HANDLE fence;
    int file;
    (void)state;

    assert_true(open_client());
    assert_success(create_fence(false, &fence));
    assert_success(create_sync_file(fence, 3, &file));
    assert_true(is_pending(file));
    memset(&wait, 0, sizeof(wait));
    wait.hSyncFile = (UINT64)file;
    wait.hContext = gpu.context;
    assert_fails(D3DKMTWaitSyncFile(&wait), STATUS_INVALID_PARAMETER);
    assert_success(client_signal(gpu.umd.device, fence, 3));
    assert_int_equal(d3dkmt_sync_file_wait(file, -1), STATUS_SUCCESS);
    close(file);
    client_gpu_close(&gpu);
}

/* ---- forks, and what is refused */

static int inherited;

static int open_inherited(void)
{
    struct umd_fence fence;

    CHILD_EXPECT(open_client());
    CHILD_EXPECT(NT_SUCCESS(open_fence(inherited, &fence)));
    CHILD_EXPECT(NT_SUCCESS(client_signal(gpu.umd.device, fence.object, 11)));
    return 0;
}

static void a_forked_child_uses_inherited_descriptors(void **state)
{
    D3DKMT_HANDLE fence_handle;
    struct umd_fence fence;
    (void)state;

    assert_true(open_client());
    assert_success(create_fence(true, &fence_handle));
    assert_success(client_share(fence_handle, &inherited));
    assert_success(open_fence(inherited, &fence));
    start_child(open_inherited);
    expect_child_ends_well();
    assert_int_equal(umd_fence_value(&fence), 11);
    close(inherited);
    client_gpu_close(&gpu);
}

static void other_descriptors_are_refused(void **state)
{
    D3DKMT_HANDLE fence_handle, resource;
    struct umd_buffer buffer;
    struct umd_fence fence;
    int file, descriptor, event = eventfd(0, EFD_CLOEXEC);
    (void)state;

    assert_true(open_client());
    assert_fails(open_fence(event, &fence), STATUS_INVALID_PARAMETER);
    assert_fails(open_fence(-1, &fence), STATUS_INVALID_PARAMETER);
    assert_fails(open_fence(to_child, &fence), STATUS_INVALID_PARAMETER);
    assert_success(create_fence(true, &fence_handle));
    assert_success(create_sync_file(fence_handle, 1, &file));
    assert_fails(open_fence(file, &fence), STATUS_INVALID_PARAMETER);
    assert_success(create_resource(sizeof(runtime_data), &buffer, &resource));
    assert_success(client_share(resource, &descriptor));
    assert_fails(open_fence(descriptor, &fence), STATUS_INVALID_PARAMETER);
    close(descriptor);
    close(file);
    close(event);
    client_gpu_close(&gpu);
}

/* A message's limit is the host's as well. */
static void what_is_shared_may_have_much_data(void **state)
{
    D3DKMT_HANDLE resource;
    struct umd_buffer buffer;
    int descriptor;
    (void)state;

    assert_true(open_client());
    assert_success(create_resource(100 * 1024, &buffer, &resource));
    assert_success(client_share(resource, &descriptor));
    close(descriptor);
    client_gpu_close(&gpu);
}

int main(int argc, char **argv)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(one_produces_and_the_other_consumes_on_the_gpu),
        TEST(objects_outlive_their_killed_creator),
        TEST(the_last_close_frees_what_a_killed_creator_shared),
        TEST(a_sync_file_is_signalled_in_another_process),
        TEST(a_sync_file_is_signalled_without_its_killed_creator),
        TEST(a_sync_file_ends_with_the_last_object_of_its_fence),
        TEST(a_sync_file_of_another_process_is_waited_for_and_opened),
        TEST(a_sync_file_of_a_fence_that_is_not_shared_is_signalled_all_the_same),
        TEST(a_forked_child_uses_inherited_descriptors),
        TEST(other_descriptors_are_refused),
        TEST(what_is_shared_may_have_much_data),
    };
#undef TEST

    if (argc > 1)
        rounds = strtoul(argv[1], NULL, 10);
    return cmocka_run_group_tests_name("processes of one VM", tests, NULL, NULL);
}
