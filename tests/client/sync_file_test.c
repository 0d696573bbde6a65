/* SPDX-License-Identifier: MIT */
/* Sync files on the simulated host: readable once, merged, waited for by GPU and CPU, outlived. */
#include "client.h"
#include "gpu.h"
#include "guest/held.h"

#include <d3dkmt/syncfile.h>

#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

static struct client_gpu gpu;
static D3DKMT_HANDLE fence;
static int cpu_event = -1; /* of CPU notification objects */

static D3DKMT_HANDLE create_object(D3DDDI_SYNCHRONIZATIONOBJECT_TYPE type, bool shared)
{
    D3DKMT_CREATESYNCHRONIZATIONOBJECT2 create;

    memset(&create, 0, sizeof(create));
    create.hDevice = gpu.umd.device;
    create.Info.Type = type;
    create.Info.Flags.Shared = shared;
    create.Info.Flags.NtSecuritySharing = shared;
    if (type == D3DDDI_CPU_NOTIFICATION)
        create.Info.CPUNotification.Event = (HANDLE)(intptr_t)cpu_event;
    assert_success(D3DKMTCreateSynchronizationObject2(&create));
    return create.hSyncObject;
}

static int set_up(void **state)
{
    const char *specification = *state ? *state : "loopback";

    if (!NT_SUCCESS(d3dkmt_open(specification)) || !NT_SUCCESS(client_gpu_open(&gpu)))
        return -1;
    fence = create_object(D3DDDI_MONITORED_FENCE, true);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    client_gpu_close(&gpu);
    D3DKMTCloseDxCoreDevice();
    return 0;
}

static NTSTATUS try_to_create(D3DKMT_HANDLE object, UINT64 value, int *file)
{
    D3DKMT_CREATESYNCFILE create = {gpu.umd.device, object, value, 0};
    NTSTATUS status = D3DKMTCreateSyncFile(&create);

    *file = NT_SUCCESS(status) ? (int)create.hSyncFile : -1;
    return status;
}

static int create_file(UINT64 value)
{
    int file;

    assert_success(try_to_create(fence, value, &file));
    return file;
}

static void signal_fence(UINT64 value)
{
    assert_success(client_signal(gpu.umd.device, fence, value));
}

static int poll_now(int file)
{
    struct pollfd polled = {.fd = file, .events = POLLIN};

    return poll(&polled, 1, 0) == 1 ? polled.revents : 0;
}

static void assert_pending(int file)
{
    assert_int_equal(poll_now(file), 0);
    assert_int_equal(d3dkmt_sync_file_wait(file, 0), STATUS_TIMEOUT);
}

/* Waits, since the host's signals come in a thread of theirs. */
static void assert_signalled(int file)
{
    assert_int_equal(d3dkmt_sync_file_wait(file, -1), STATUS_SUCCESS);
    assert_int_equal(d3dkmt_sync_file_wait(file, 0), STATUS_SUCCESS);
    assert_int_equal(poll_now(file) & POLLIN, POLLIN);
}

static void assert_info(int file, NTSTATUS expected, uint32_t count)
{
    struct d3dkmt_sync_file_info *info;

    assert_success(d3dkmt_sync_file_info(file, &info));
    assert_int_equal(info->status, expected);
    assert_int_equal(info->fence_count, count);
    for (uint32_t i = 0; i < count; i++) {
        assert_string_not_equal(info->fences[i].timeline, "");
        assert_string_not_equal(info->fences[i].driver, "");
        assert_int_equal(info->fences[i].timestamp != 0, info->fences[i].status != STATUS_PENDING);
    }
    d3dkmt_sync_file_info_free(info);
}

/* ---- one file */

static void a_file_is_readable_from_its_value_on(void **state)
{
    int at_10 = create_file(10), at_20 = create_file(20);

    (void)state;
    assert_pending(at_10);
    signal_fence(9);
    assert_pending(at_10);
    signal_fence(10);
    assert_signalled(at_10);
    assert_pending(at_20);
    signal_fence(21);
    assert_signalled(at_20);
    close(at_10);
    close(at_20);
}

static void a_value_that_is_reached_signals_soon(void **state)
{
    const UINT64 large = UINT64_C(0x100000000);

    (void)state;
    signal_fence(large - 1);
    int reached = create_file(large - 1), not_yet = create_file(large);
    assert_signalled(reached);
    assert_pending(not_yet);
    signal_fence(large);
    assert_signalled(not_yet);
    close(reached);
    close(not_yet);
}

static void reading_does_not_take_the_signal_away(void **state)
{
    int file = create_file(1);
    char bytes[64];

    (void)state;
    assert_int_equal(send(file, "x", 1, MSG_DONTWAIT | MSG_NOSIGNAL), 1); /* is of no interest */
    assert_pending(file);
    signal_fence(1);
    assert_signalled(file);
    while (recv(file, bytes, sizeof(bytes), MSG_DONTWAIT) > 0)
        ;
    assert_int_equal(d3dkmt_sync_file_wait(file, 0), STATUS_SUCCESS);
    assert_int_equal(poll_now(file), POLLIN);
    close(file);
}

static void info_tells_state_and_time(void **state)
{
    int file = create_file(7);
    struct d3dkmt_sync_file_info *before, *after;

    (void)state;
    assert_success(d3dkmt_sync_file_info(file, &before));
    assert_int_equal(before->status, STATUS_PENDING);
    assert_int_equal(before->fence_count, 1);
    assert_int_equal(before->fences[0].status, STATUS_PENDING);
    assert_int_equal(before->fences[0].timestamp, 0);
    assert_string_equal(before->fences[0].driver, "libd3dkmt");
    assert_string_equal(strrchr(before->name, '-'), "-7");
    signal_fence(7);
    assert_signalled(file);
    assert_success(d3dkmt_sync_file_info(file, &after));
    assert_int_equal(after->status, STATUS_SUCCESS);
    assert_int_equal(after->fences[0].status, STATUS_SUCCESS);
    assert_true(after->fences[0].timestamp != 0);
    assert_string_equal(after->name, before->name);
    d3dkmt_sync_file_info_free(before);
    d3dkmt_sync_file_info_free(after);
    d3dkmt_sync_file_info_free(NULL);
    close(file);
}

static void *signal_later(void *value)
{
    signal_fence(*(UINT64 *)value);
    return NULL;
}

static void a_waiting_thread_is_woken(void **state)
{
    UINT64 value = 5;
    int file = create_file(value);
    pthread_t thread;

    (void)state;
    assert_int_equal(d3dkmt_sync_file_wait(file, 1), STATUS_TIMEOUT);
    assert_int_equal(pthread_create(&thread, NULL, signal_later, &value), 0);
    assert_int_equal(d3dkmt_sync_file_wait(file, 60000), STATUS_SUCCESS);
    pthread_join(thread, NULL);
    close(file);
}

/* ---- refusals */

static void only_monitored_fences_make_sync_files(void **state)
{
    cpu_event = eventfd(0, EFD_CLOEXEC);
    const D3DKMT_HANDLE wrong[] = {
        0,
        gpu.umd.device,
        gpu.context,
        gpu.target.allocation,
        gpu.umd.adapter,
        0x7fffffc0,
        create_object(D3DDDI_CPU_NOTIFICATION, false),
    };
    D3DKMT_CREATESYNCFILE no_device = {gpu.context, fence, 1, 0};
    unsigned before = held_descriptors();
    int file;

    (void)state;
    for (size_t i = 0; i < COUNT(wrong); i++)
        assert_fails(try_to_create(wrong[i], 1, &file), STATUS_INVALID_PARAMETER);
    assert_fails(D3DKMTCreateSyncFile(&no_device), STATUS_INVALID_PARAMETER);
    assert_int_equal(held_descriptors(), before);
    close(cpu_event);
}

static NTSTATUS wait_on_gpu(int file, D3DKMT_HANDLE context)
{
    D3DKMT_WAITSYNCFILE wait = {(UINT64)file, context, 0};

    return D3DKMTWaitSyncFile(&wait);
}

static NTSTATUS open_file(int file, D3DKMT_OPENSYNCOBJECTFROMSYNCFILE *open)
{
    memset(open, 0, sizeof(*open));
    open->hSyncFile = (UINT64)file;
    open->hDevice = gpu.umd.device;
    return D3DKMTOpenSyncObjectFromSyncFile(open);
}

static void what_is_no_sync_file_is_refused(void **state)
{
    HANDLE nt_handle = NULL;
    assert_success(D3DKMTShareObjects(1, &fence, NULL, 0, &nt_handle));
    int shared = (int)(intptr_t)nt_handle, file = create_file(1), event = eventfd(0, 0), merged = 0;
    const int wrong[] = {shared, event};
    struct d3dkmt_sync_file_info *info;
    D3DKMT_OPENSYNCOBJECTFROMSYNCFILE open;

    (void)state;
    for (size_t i = 0; i < COUNT(wrong); i++) {
        assert_fails(d3dkmt_sync_file_wait(wrong[i], 0), STATUS_OBJECT_TYPE_MISMATCH);
        assert_fails(d3dkmt_sync_file_info(wrong[i], &info), STATUS_OBJECT_TYPE_MISMATCH);
        assert_null(info);
        assert_fails(d3dkmt_sync_file_merge("m", file, wrong[i], &merged),
                     STATUS_OBJECT_TYPE_MISMATCH);
        assert_fails(d3dkmt_sync_file_merge("m", wrong[i], file, &merged),
                     STATUS_OBJECT_TYPE_MISMATCH);
        assert_int_equal(merged, -1);
        assert_fails(wait_on_gpu(wrong[i], gpu.context), STATUS_INVALID_PARAMETER);
        assert_fails(open_file(wrong[i], &open), STATUS_INVALID_PARAMETER);
    }
    assert_fails(d3dkmt_sync_file_wait(-1, 0), STATUS_INVALID_PARAMETER);
    assert_fails(d3dkmt_sync_file_info(-1, &info), STATUS_INVALID_PARAMETER);
    assert_fails(d3dkmt_sync_file_info(file, NULL), STATUS_INVALID_PARAMETER);
    assert_fails(d3dkmt_sync_file_merge("m", file, -1, &merged), STATUS_INVALID_PARAMETER);
    assert_fails(d3dkmt_sync_file_merge(NULL, file, file, &merged), STATUS_INVALID_PARAMETER);
    assert_fails(d3dkmt_sync_file_merge("m", file, file, NULL), STATUS_INVALID_PARAMETER);
    close(shared);
    close(event);
    close(file);
}

static void a_sync_file_is_no_shared_object(void **state)
{
    int file = create_file(1);
    D3DKMT_OPENSYNCOBJECTFROMNTHANDLE2 open;

    (void)state;
    memset(&open, 0, sizeof(open));
    open.hNtHandle = (HANDLE)(intptr_t)file;
    open.hDevice = gpu.umd.device;
    assert_fails(D3DKMTOpenSyncObjectFromNtHandle2(&open), STATUS_INVALID_PARAMETER);
    close(file);
}

static void a_fence_that_is_not_shared_can_only_be_polled(void **state)
{
    D3DKMT_HANDLE own = create_object(D3DDDI_MONITORED_FENCE, false);
    D3DKMT_OPENSYNCOBJECTFROMSYNCFILE open;
    int file;

    (void)state;
    assert_success(try_to_create(own, 3, &file));
    assert_fails(wait_on_gpu(file, gpu.context), STATUS_INVALID_PARAMETER);
    assert_fails(open_file(file, &open), STATUS_INVALID_PARAMETER);
    assert_success(client_signal(gpu.umd.device, own, 3));
    assert_signalled(file);
    close(file);
}

static void without_descriptors_nothing_is_left_behind(void **state)
{
    struct rlimit old, low;
    unsigned before = held_descriptors();
    int file;

    (void)state;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &old), 0);
    low = old;
    low.rlim_cur = 4;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &low), 0);
    NTSTATUS status = try_to_create(fence, 1, &file);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &old), 0);
    assert_int_equal(status, STATUS_UNSUCCESSFUL);
    assert_int_equal(held_descriptors(), before);
}

/* ---- the GPU */

/* The context writes only behind the wait: the target shows whether it went on. */
static void a_context_waits_for_a_file(void **state)
{
    int file = create_file(4);

    (void)state;
    assert_success(wait_on_gpu(file, gpu.context));
    assert_success(umd_signal(gpu.context, &gpu.fence, 1));
    close(file); /* the wait is queued by value */
    usleep(1000);
    assert_int_equal(umd_fence_value(&gpu.fence), 0);
    signal_fence(4);
    assert_success(umd_wait_on_cpu(&gpu.umd, &gpu.fence, 1));
}

static void a_signalled_file_stands_for_the_same_value(void **state)
{
    D3DKMT_OPENSYNCOBJECTFROMSYNCFILE open;
    int file = create_file(6);

    (void)state;
    signal_fence(6);
    assert_signalled(file);
    assert_success(wait_on_gpu(file, gpu.context)); /* and not for one more */
    assert_success(umd_signal(gpu.context, &gpu.fence, 1));
    assert_success(umd_wait_on_cpu(&gpu.umd, &gpu.fence, 1));
    assert_success(open_file(file, &open));
    assert_int_equal(open.FenceValue, 6);
    assert_int_equal(*(const volatile UINT64 *)open.FenceValueCPUVirtualAddress, 6);
    assert_success(client_wait(gpu.umd.device, open.hSyncObject, open.FenceValue, 0));
    close(file);
}

static void an_opened_fence_can_be_destroyed_again_and_again(void **state)
{
    int file = create_file(1);

    (void)state;
    for (int i = 0; i < 1000; i++) {
        D3DKMT_OPENSYNCOBJECTFROMSYNCFILE open;

        assert_success(open_file(file, &open));
        D3DKMT_DESTROYSYNCHRONIZATIONOBJECT destroy = {open.hSyncObject};
        assert_success(D3DKMTDestroySynchronizationObject(&destroy));
    }
    close(file);
}

static void a_context_waits_for_all_of_a_merged_file(void **state)
{
    int first = create_file(2), second = create_file(4), merged;

    (void)state;
    assert_success(d3dkmt_sync_file_merge("both", first, second, &merged));
    assert_success(wait_on_gpu(merged, gpu.context));
    assert_fails(wait_on_gpu(merged, fence), STATUS_INVALID_PARAMETER);
    assert_success(umd_signal(gpu.context, &gpu.fence, 1));
    signal_fence(2);
    assert_signalled(first);
    assert_int_equal(umd_fence_value(&gpu.fence), 0);
    signal_fence(4);
    assert_success(umd_wait_on_cpu(&gpu.umd, &gpu.fence, 1));
    close(first);
    close(second);
    close(merged);
}

/* ---- merging */

static void a_merged_file_waits_for_both(void **state)
{
    int first = create_file(1), second = create_file(2), merged;

    (void)state;
    assert_success(d3dkmt_sync_file_merge("both", first, second, &merged));
    close(first);
    close(second);
    assert_info(merged, STATUS_PENDING, 2);
    signal_fence(1);
    assert_pending(merged);
    signal_fence(2);
    assert_signalled(merged);
    assert_info(merged, STATUS_SUCCESS, 2);
    close(merged);
}

static void what_is_signalled_is_left_out(void **state)
{
    static const char long_name[] = "a name with more characters than there is room for";
    int first = create_file(1), second = create_file(2), merged;
    struct d3dkmt_sync_file_info *info;

    (void)state;
    signal_fence(1);
    assert_signalled(first);
    assert_success(d3dkmt_sync_file_merge(long_name, first, second, &merged));
    assert_success(d3dkmt_sync_file_info(merged, &info));
    assert_int_equal(info->fence_count, 1);
    assert_int_equal(strlen(info->name), D3DKMT_SYNC_FILE_NAME_SIZE - 1);
    assert_memory_equal(info->name, long_name, strlen(info->name));
    d3dkmt_sync_file_info_free(info);
    close(merged);
    signal_fence(2);
    assert_signalled(second);
    assert_success(d3dkmt_sync_file_merge("none", first, second, &merged));
    assert_signalled(merged);
    assert_info(merged, STATUS_SUCCESS, 1);
    close(merged);
    close(first);
    close(second);
}

static void merged_files_can_be_merged(void **state)
{
    int files[4] = {create_file(1), create_file(2), create_file(3), create_file(3)};
    int pair, all, again;

    (void)state;
    assert_success(d3dkmt_sync_file_merge("pair", files[0], files[1], &pair));
    assert_success(d3dkmt_sync_file_merge("all", pair, files[2], &all));
    assert_info(all, STATUS_PENDING, 3);
    assert_success(d3dkmt_sync_file_merge("again", all, pair, &again));
    assert_info(again, STATUS_PENDING, 3); /* each once */
    close(all);
    close(pair);
    signal_fence(2);
    assert_signalled(files[1]);
    assert_pending(again);
    signal_fence(3);
    assert_signalled(again);
    for (size_t i = 0; i < COUNT(files); i++)
        close(files[i]);
    close(again);
}

/* Signals and merges at once: none may be missed, whichever comes first. */
static void no_signal_is_missed(void **state)
{
    (void)state;
    for (UINT64 value = 1; value <= 200; value++) {
        int first = create_file(value), second = create_file(value), merged;
        pthread_t thread;

        assert_int_equal(pthread_create(&thread, NULL, signal_later, &value), 0);
        assert_success(d3dkmt_sync_file_merge("race", first, second, &merged));
        close(first);
        assert_int_equal(d3dkmt_sync_file_wait(merged, 60000), STATUS_SUCCESS);
        pthread_join(thread, NULL);
        close(second);
        close(merged);
    }
}

/* ---- outliving */

/* Everything that the library keeps for a file goes with its last duplicate, in its own time. */
static void await_descriptors(unsigned count)
{
    for (int i = 0; i < 10000 && held_descriptors() != count; i++)
        usleep(1000);
    assert_int_equal(held_descriptors(), count);
}

static void a_closed_file_leaves_nothing(void **state)
{
    int first = create_file(1), merged;

    (void)state;
    /* With the first ones the threads begin that serve all, and keep descriptors of their own. */
    signal_fence(1);
    assert_signalled(first);
    assert_success(d3dkmt_sync_file_merge("nothing", first, first, &merged));
    unsigned before = held_descriptors() - 4; /* without the ends of these two */
    close(merged);
    for (int i = 0; i < 20; i++) {
        int file = create_file(100), other = create_file(200), duplicate = dup(file);

        assert_success(d3dkmt_sync_file_merge("never", file, other, &merged));
        close(file);
        close(other);
        assert_pending(duplicate);
        close(duplicate);
        close(merged);
    }
    close(first);
    await_descriptors(before);
    signal_fence(300); /* for events that are gone */
}

static void destroy(D3DKMT_HANDLE object)
{
    D3DKMT_DESTROYSYNCHRONIZATIONOBJECT args = {object};

    assert_success(D3DKMTDestroySynchronizationObject(&args));
}

/* The last handle of the fence is the end of its signals; with another one they may still come. */
static void the_last_handle_of_a_fence_signals_its_files(void **state)
{
    int file = create_file(1), other_file = create_file(7);
    D3DKMT_OPENSYNCOBJECTFROMSYNCFILE open;

    (void)state;
    assert_success(open_file(file, &open));
    destroy(fence);
    assert_pending(file);
    assert_pending(other_file);
    destroy(open.hSyncObject);
    assert_signalled(file);
    assert_signalled(other_file);
    assert_info(file, STATUS_SUCCESS, 1);
    close(file);
    close(other_file);
}

static void a_file_of_a_destroyed_fence_can_still_be_opened(void **state)
{
    int file = create_file(1);
    D3DKMT_OPENSYNCOBJECTFROMSYNCFILE open;

    (void)state;
    destroy(fence);
    assert_signalled(file);
    assert_success(open_file(file, &open));
    HANDLE nt_handle = NULL;
    assert_success(D3DKMTShareObjects(1, &open.hSyncObject, NULL, 0, &nt_handle));
    close((int)(intptr_t)nt_handle);
    close(file);
}

/* The fence goes on in another device, and with it the file. */
static void a_file_outlives_its_device(void **state)
{
    HANDLE nt_handle = NULL;
    D3DKMT_OPENSYNCOBJECTFROMNTHANDLE2 open;
    int file = create_file(1);
    struct umd other;

    (void)state;
    assert_success(umd_open(&other, 0));
    assert_success(D3DKMTShareObjects(1, &fence, NULL, 0, &nt_handle));
    memset(&open, 0, sizeof(open));
    open.hNtHandle = nt_handle;
    open.hDevice = other.device;
    assert_success(D3DKMTOpenSyncObjectFromNtHandle2(&open));
    close((int)(intptr_t)nt_handle);
    client_gpu_close(&gpu);
    assert_success(client_signal(other.device, open.hSyncObject, 1));
    assert_signalled(file);
    close(file);
    umd_close(&other);
}

static void closing_the_library_signals_with_an_error(void **state)
{
    int reached = create_file(1), file = create_file(2), merged;

    (void)state;
    signal_fence(1);
    assert_signalled(reached);
    assert_success(d3dkmt_sync_file_merge("merged", file, reached, &merged));
    D3DKMTCloseDxCoreDevice();
    assert_signalled(merged);
    assert_signalled(file);
    assert_info(reached, STATUS_SUCCESS, 1);
    assert_info(file, STATUS_DEVICE_REMOVED, 1);
    assert_info(merged, STATUS_DEVICE_REMOVED, 1);
    close(reached);
    close(file);
    close(merged);
}

/* ---- other processes */

struct expectation {
    int file;
    NTSTATUS status;
};

static int look_from_child(void *context)
{
    const struct expectation *expected = context;
    struct d3dkmt_sync_file_info *info;
    bool pending = expected->status == STATUS_PENDING;

    CHILD_EXPECT(d3dkmt_sync_file_wait(expected->file, 0) ==
                 (pending ? STATUS_TIMEOUT : STATUS_SUCCESS));
    CHILD_EXPECT(NT_SUCCESS(d3dkmt_sync_file_info(expected->file, &info)));
    CHILD_EXPECT(info->status == expected->status);
    CHILD_EXPECT(info->fence_count == 1);
    CHILD_EXPECT((info->fences[0].timestamp == 0) == pending);
    d3dkmt_sync_file_info_free(info);
    return 0;
}

static void another_process_sees_the_same(void **state)
{
    int file = create_file(1), other = create_file(2), merged;

    (void)state;
    assert_success(d3dkmt_sync_file_merge("both", file, other, &merged));
    struct expectation expected = {file, STATUS_PENDING};
    assert_int_equal(client_in_child(look_from_child, &expected), 0);
    expected.file = merged;
    assert_int_equal(client_in_child(look_from_child, &expected), 0);
    signal_fence(2);
    assert_signalled(merged);
    assert_signalled(file);
    expected.status = STATUS_SUCCESS;
    assert_int_equal(client_in_child(look_from_child, &expected), 0);
    expected.file = file;
    assert_int_equal(client_in_child(look_from_child, &expected), 0);
    close(file);
    close(other);
    close(merged);
}

int main(void)
{
    static char async[] = "loopback:async";
#define TEST(name)                                                                                 \
    cmocka_unit_test_setup_teardown(name, set_up, tear_down),                                      \
    {                                                                                              \
#name " (async)", name, set_up, tear_down, async                                           \
    }
    const struct CMUnitTest tests[] = {
        TEST(a_file_is_readable_from_its_value_on),
        TEST(a_value_that_is_reached_signals_soon),
        TEST(reading_does_not_take_the_signal_away),
        TEST(info_tells_state_and_time),
        TEST(a_waiting_thread_is_woken),
        TEST(only_monitored_fences_make_sync_files),
        TEST(what_is_no_sync_file_is_refused),
        TEST(a_sync_file_is_no_shared_object),
        TEST(a_fence_that_is_not_shared_can_only_be_polled),
        TEST(without_descriptors_nothing_is_left_behind),
        TEST(a_context_waits_for_a_file),
        TEST(a_signalled_file_stands_for_the_same_value),
        TEST(an_opened_fence_can_be_destroyed_again_and_again),
        TEST(a_context_waits_for_all_of_a_merged_file),
        TEST(a_merged_file_waits_for_both),
        TEST(what_is_signalled_is_left_out),
        TEST(merged_files_can_be_merged),
        TEST(no_signal_is_missed),
        TEST(a_closed_file_leaves_nothing),
        TEST(the_last_handle_of_a_fence_signals_its_files),
        TEST(a_file_of_a_destroyed_fence_can_still_be_opened),
        TEST(a_file_outlives_its_device),
        TEST(closing_the_library_signals_with_an_error),
        TEST(another_process_sees_the_same),
    };
#undef TEST

    return cmocka_run_group_tests(tests, NULL, NULL);
}
