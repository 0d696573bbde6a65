/* SPDX-License-Identifier: MIT */
/* Sync files: made from a fence, waited for by a context, opened as a fence again. */
#include "client/sharing.h"
#include "conformance/conformance.h"

#include <d3dkmt/syncfile.h>

#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

static struct client_gpu gpu;
static D3DKMT_HANDLE fence;

static D3DKMT_HANDLE new_fence(bool shared)
{
    D3DKMT_HANDLE created;

    assert_success(client_fence_create(gpu.umd.device, shared, &created));
    return created;
}

static void open_gpu(const struct world *world)
{
    conformance_gpu(world, &gpu);
    fence = new_fence(true);
}

static int create_file(D3DKMT_HANDLE object, UINT64 value)
{
    D3DKMT_CREATESYNCFILE create = {gpu.umd.device, object, value, 0};

    assert_success(D3DKMTCreateSyncFile(&create));
    return (int)create.hSyncFile;
}

static bool is_readable(int file, int milliseconds)
{
    struct pollfd polled = {.fd = file, .events = POLLIN};

    return poll(&polled, 1, milliseconds) == 1 && polled.revents & POLLIN;
}

static NTSTATUS wait_on_gpu(int file)
{
    D3DKMT_WAITSYNCFILE wait = {(UINT64)file, gpu.context, 0};

    return D3DKMTWaitSyncFile(&wait);
}

static NTSTATUS open_file(int file, D3DKMT_OPENSYNCOBJECTFROMSYNCFILE *open)
{
    memset(open, 0, sizeof(*open));
    open->hSyncFile = (UINT64)file;
    open->hDevice = gpu.umd.device;
    return D3DKMTOpenSyncObjectFromSyncFile(open);
}

/* ---- CreateSyncFile */

CONFORMANCE_GPU(CreateSyncFile, readable_from_its_value_on)
{
    open_gpu(world);
    int file = create_file(fence, 10);
    assert_false(is_readable(file, 0));
    assert_success(client_signal(gpu.umd.device, fence, 9));
    assert_false(is_readable(file, 0));
    assert_success(client_signal(gpu.umd.device, fence, 10));
    assert_true(is_readable(file, 30000));
    close(file);
}

CONFORMANCE_GPU(CreateSyncFile, of_a_reached_value_readable_soon)
{
    open_gpu(world);
    assert_success(client_signal(gpu.umd.device, fence, 3));
    int file = create_file(fence, 3);
    assert_true(is_readable(file, 30000));
    close(file);
}

CONFORMANCE_GPU(CreateSyncFile, does_not_survive_exec)
{
    open_gpu(world);
    int file = create_file(fence, 1);
    assert_int_equal(fcntl(file, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
    close(file);
}

CONFORMANCE_GPU(CreateSyncFile, works_for_a_fence_that_is_not_shared)
{
    open_gpu(world);
    D3DKMT_HANDLE own = new_fence(false);
    int file = create_file(own, 2);
    assert_success(client_signal(gpu.umd.device, own, 2));
    assert_true(is_readable(file, 30000));
    close(file);
}

CONFORMANCE_GPU(CreateSyncFile, ends_with_its_fence)
{
    D3DKMT_DESTROYSYNCHRONIZATIONOBJECT destroy;

    open_gpu(world);
    int file = create_file(fence, 2);
    destroy.hSyncObject = fence;
    assert_success(D3DKMTDestroySynchronizationObject(&destroy));
    assert_true(is_readable(file, 30000));
    close(file);
}

CONFORMANCE(CreateSyncFile, only_monitored_fences)
{
    static const enum world_object wrong[] = {
        WORLD_NOTHING,      WORLD_DEVICE,         WORLD_CONTEXT,     WORLD_ALLOCATION,
        WORLD_PAGING_FENCE, WORLD_PROGRESS_FENCE, WORLD_NOTIFICATION};

    for (unsigned i = 0; i < COUNT(wrong); i++) {
        D3DKMT_CREATESYNCFILE create = {HANDLE_OF(world, DEVICE), world->handles[wrong[i]], 1, 0};

        assert_fails(D3DKMTCreateSyncFile(&create), STATUS_INVALID_PARAMETER);
        assert_int_equal(create.hSyncFile, 0);
    }
}

CONFORMANCE(CreateSyncFile, a_wrong_device_is_refused)
{
    D3DKMT_CREATESYNCFILE create = {HANDLE_OF(world, CONTEXT), HANDLE_OF(world, FENCE), 1, 0};

    assert_fails(D3DKMTCreateSyncFile(&create), STATUS_INVALID_PARAMETER);
    assert_fails(D3DKMTCreateSyncFile(NULL), STATUS_INVALID_PARAMETER);
}

/* ---- WaitSyncFile */

CONFORMANCE_GPU(WaitSyncFile, the_context_goes_on_when_it_is_signalled)
{
    struct softgpu_writer writer;

    open_gpu(world);
    int file = create_file(fence, 1);
    assert_success(wait_on_gpu(file));
    close(file); /* the wait has been queued */
    softgpu_writer_init(&writer, gpu.commands.cpu, gpu.commands.size);
    softgpu_write32(&writer, gpu.target.address, 31);
    assert_success(conformance_submit(&gpu, &writer));
    assert_int_equal(conformance_target(&gpu), 0);
    assert_success(client_signal(gpu.umd.device, fence, 1));
    conformance_finish(&gpu);
    assert_int_equal(conformance_target(&gpu), 31);
}

CONFORMANCE_GPU(WaitSyncFile, what_is_signalled_already_holds_nothing_up)
{
    open_gpu(world);
    assert_success(client_signal(gpu.umd.device, fence, 5));
    int file = create_file(fence, 5);
    assert_true(is_readable(file, 30000));
    assert_success(wait_on_gpu(file));
    conformance_finish(&gpu);
    close(file);
}

CONFORMANCE_GPU(WaitSyncFile, a_merged_file_waits_for_both)
{
    int merged;

    open_gpu(world);
    conformance_expect_descriptor(); /* of the thread that merges, which this starts */
    int first = create_file(fence, 1), second = create_file(fence, 2);
    assert_success(d3dkmt_sync_file_merge("both", first, second, &merged));
    assert_success(wait_on_gpu(merged));
    assert_success(umd_signal(gpu.context, &gpu.fence, 1));
    assert_success(client_signal(gpu.umd.device, fence, 1));
    assert_int_equal(umd_fence_value(&gpu.fence), 0);
    assert_success(client_signal(gpu.umd.device, fence, 2));
    assert_success(umd_wait_on_cpu(&gpu.umd, &gpu.fence, 1));
    close(first);
    close(second);
    close(merged);
}

CONFORMANCE_GPU(WaitSyncFile, other_descriptors_are_refused)
{
    open_gpu(world);
    int event = eventfd(0, EFD_CLOEXEC);
    assert_fails(wait_on_gpu(event), STATUS_INVALID_PARAMETER);
    assert_fails(wait_on_gpu(-1), STATUS_INVALID_PARAMETER);
    assert_fails(wait_on_gpu(100000), STATUS_INVALID_PARAMETER);
    close(event);
    assert_fails(D3DKMTWaitSyncFile(NULL), STATUS_INVALID_PARAMETER);
}

CONFORMANCE_GPU(WaitSyncFile, a_wrong_context_is_refused)
{
    open_gpu(world);
    int file = create_file(fence, 1);
    D3DKMT_WAITSYNCFILE wait = {(UINT64)file, gpu.umd.device, 0};
    assert_fails(D3DKMTWaitSyncFile(&wait), STATUS_INVALID_PARAMETER);
    close(file);
}

CONFORMANCE_GPU(WaitSyncFile, a_fence_that_is_not_shared_is_refused)
{
    open_gpu(world);
    int file = create_file(new_fence(false), 1);
    assert_fails(wait_on_gpu(file), STATUS_INVALID_PARAMETER);
    close(file);
}

/* ---- OpenSyncObjectFromSyncFile */

CONFORMANCE_GPU(OpenSyncObjectFromSyncFile, gives_the_fence_and_its_value)
{
    D3DKMT_OPENSYNCOBJECTFROMSYNCFILE open;

    open_gpu(world);
    int file = create_file(fence, 12);
    assert_success(open_file(file, &open));
    close(file);
    assert_int_not_equal(open.hSyncObject, 0);
    assert_int_not_equal(open.hSyncObject, fence);
    assert_int_equal(open.FenceValue, 12);
    assert_non_null(open.FenceValueCPUVirtualAddress);
    assert_success(client_signal(gpu.umd.device, fence, 12));
    assert_success(client_wait(gpu.umd.device, open.hSyncObject, 12, 0));
    assert_int_equal(*(const volatile uint64_t *)open.FenceValueCPUVirtualAddress, 12);
}

CONFORMANCE_GPU(OpenSyncObjectFromSyncFile, it_is_for_waiting_only)
{
    D3DKMT_OPENSYNCOBJECTFROMSYNCFILE open;

    open_gpu(world);
    int file = create_file(fence, 1);
    assert_success(open_file(file, &open));
    close(file);
    assert_verdict(client_signal(gpu.umd.device, open.hSyncObject, 1), STATUS_ACCESS_DENIED);
    assert_success(client_signal(gpu.umd.device, fence, 1));
}

CONFORMANCE_GPU(OpenSyncObjectFromSyncFile, other_descriptors_are_refused)
{
    D3DKMT_OPENSYNCOBJECTFROMSYNCFILE open;

    open_gpu(world);
    int event = eventfd(0, EFD_CLOEXEC);
    assert_fails(open_file(event, &open), STATUS_INVALID_PARAMETER);
    assert_fails(open_file(-1, &open), STATUS_INVALID_PARAMETER);
    assert_int_equal(open.hSyncObject, 0);
    close(event);
    assert_fails(D3DKMTOpenSyncObjectFromSyncFile(NULL), STATUS_INVALID_PARAMETER);
}

CONFORMANCE_GPU(OpenSyncObjectFromSyncFile, a_fence_that_is_not_shared_is_refused)
{
    D3DKMT_OPENSYNCOBJECTFROMSYNCFILE open;

    open_gpu(world);
    int file = create_file(new_fence(false), 1);
    assert_fails(open_file(file, &open), STATUS_INVALID_PARAMETER);
    close(file);
}

CONFORMANCE_GPU(OpenSyncObjectFromSyncFile, a_wrong_device_is_refused)
{
    ARGS(D3DKMT_OPENSYNCOBJECTFROMSYNCFILE, open);

    open_gpu(world);
    int file = create_file(fence, 1);
    open.hSyncFile = (UINT64)file;
    open.hDevice = gpu.context;
    assert_fails(D3DKMTOpenSyncObjectFromSyncFile(&open), STATUS_INVALID_PARAMETER);
    close(file);
}
