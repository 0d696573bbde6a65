/* SPDX-License-Identifier: MIT */
/*
 * Kernel sync_files in <d3dkmt/syncfile.h>, and merging them with our own.
 *
 * Without a driver that makes pending ones the kernel's part is played here: pipes stand for
 * sync_files, and this program's ioctl, which the library finds first, answers for them as
 * drivers/dma-buf does.
 */
#include "client.h"
#include "gpu.h"

#include <d3dkmt/syncfile.h>

#include <errno.h>
#include <fcntl.h>
#include <linux/sync_file.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { FILES_MAX = 16, FENCES_MAX = 4 };

/* ---- the kernel's part */

static struct kernel_file {
    int end, writer;
    ino_t inode;
    char name[32];
    uint32_t count;
    _Atomic int32_t statuses[FENCES_MAX]; /* the library looks from a thread of its own, too */
} files[FILES_MAX];

static unsigned file_count, interruptions;

static ino_t inode_of(int descriptor)
{
    struct stat status;

    return fstat(descriptor, &status) == 0 ? status.st_ino : 0;
}

static struct kernel_file *find_file(int descriptor)
{
    ino_t inode = inode_of(descriptor);

    for (unsigned i = 0; i < file_count && inode; i++) {
        if (files[i].inode == inode)
            return &files[i];
    }
    return NULL;
}

static struct kernel_file *make_file(const char *name, uint32_t count)
{
    struct kernel_file *file = &files[file_count];
    int ends[2];

    if (file_count == FILES_MAX || pipe2(ends, O_CLOEXEC) != 0)
        return NULL;
    memset(file, 0, sizeof(*file));
    snprintf(file->name, sizeof(file->name), "%.31s", name);
    file->end = ends[0];
    file->writer = ends[1];
    file->inode = inode_of(ends[0]);
    file->count = count;
    file_count++;
    return file;
}

static int file_status(const struct kernel_file *file)
{
    int status = 1;

    for (uint32_t i = 0; i < file->count; i++) {
        if (file->statuses[i] < status)
            status = file->statuses[i];
    }
    return status;
}

static int answer_info(const struct kernel_file *file, struct sync_file_info *info)
{
    struct sync_fence_info *fences = (struct sync_fence_info *)(uintptr_t)info->sync_fence_info;

    if (info->flags || info->pad || (info->num_fences && info->num_fences < file->count)) {
        errno = EINVAL;
        return -1;
    }
    for (uint32_t i = 0; info->num_fences && i < file->count; i++) {
        memset(&fences[i], 0, sizeof(fences[i]));
        memset(fences[i].obj_name, 't', sizeof(fences[i].obj_name)); /* no terminator */
        snprintf(fences[i].driver_name, sizeof(fences[i].driver_name), "driver%u", i);
        fences[i].status = file->statuses[i];
        fences[i].timestamp_ns = file->statuses[i] ? 1000 + i : 0;
    }
    memcpy(info->name, file->name, sizeof(info->name));
    info->status = file_status(file);
    info->num_fences = file->count;
    return 0;
}

static int answer_merge(const struct kernel_file *file, struct sync_merge_data *data)
{
    const struct kernel_file *other = find_file(data->fd2);

    if (data->flags || data->pad || !other) {
        errno = other ? EINVAL : ENOENT;
        return -1;
    }
    struct kernel_file *made = make_file(data->name, file->count + other->count);
    data->fence = made ? made->end : -1;
    return made ? 0 : -1;
}

/* Visible, or the library would find the C library's. */
__attribute__((visibility("default"))) int ioctl(int descriptor, unsigned long request, ...)
{
    const struct kernel_file *file = find_file(descriptor);
    va_list list;

    va_start(list, request);
    void *argument = va_arg(list, void *);
    va_end(list);
    if (!file)
        return (int)syscall(SYS_ioctl, descriptor, request, argument);
    if (interruptions > 0) {
        interruptions--;
        errno = EINTR;
        return -1;
    }
    if (request == SYNC_IOC_FILE_INFO)
        return answer_info(file, argument);
    if (request == SYNC_IOC_MERGE)
        return answer_merge(file, argument);
    errno = ENOTTY;
    return -1;
}

/* Makes it readable, as a sync_file is from its signal on. */
static void signal_file(struct kernel_file *file, int32_t status)
{
    for (uint32_t i = 0; i < file->count; i++)
        file->statuses[i] = status;
    assert_int_equal(write(file->writer, "", 1), 1);
}

static int set_up(void **state)
{
    (void)state;
    file_count = 0;
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    for (unsigned i = 0; i < file_count; i++) {
        close(files[i].end);
        close(files[i].writer);
    }
    return 0;
}

/* ---- tests */

static void a_kernel_file_is_waited_for(void **state)
{
    struct kernel_file *file = make_file("kernel", 1);

    (void)state;
    interruptions = 2;
    assert_int_equal(d3dkmt_sync_file_wait(file->end, 0), STATUS_TIMEOUT);
    assert_int_equal(interruptions, 0);
    signal_file(file, 1);
    assert_int_equal(d3dkmt_sync_file_wait(file->end, -1), STATUS_SUCCESS);
}

static void a_kernel_file_is_described(void **state)
{
    static const struct {
        int32_t kernel;
        NTSTATUS expected;
    } statuses[] = {
        {0, STATUS_PENDING},
        {1, STATUS_SUCCESS},
        {-ENODEV, STATUS_DEVICE_REMOVED},
        {-EIO, STATUS_UNSUCCESSFUL},
    };
    struct kernel_file *file = make_file("kernel-timeline1-2", 3);
    struct d3dkmt_sync_file_info *info;

    (void)state;
    memset(file->name, 'n', sizeof(file->name)); /* no terminator */
    for (size_t i = 0; i < COUNT(statuses); i++) {
        for (uint32_t k = 0; k < file->count; k++)
            file->statuses[k] = k == 1 ? statuses[i].kernel : 1;
        assert_success(d3dkmt_sync_file_info(file->end, &info));
        assert_int_equal(info->fence_count, 3);
        assert_int_equal(info->status, statuses[i].expected);
        assert_int_equal(info->fences[1].status, statuses[i].expected);
        assert_int_equal(info->fences[2].status, STATUS_SUCCESS);
        assert_string_equal(info->fences[2].driver, "driver2");
        assert_int_equal(info->fences[2].timestamp, 1002);
        assert_int_equal(strlen(info->name), D3DKMT_SYNC_FILE_NAME_SIZE - 1);
        assert_int_equal(strlen(info->fences[0].timeline), D3DKMT_SYNC_FILE_NAME_SIZE - 1);
        d3dkmt_sync_file_info_free(info);
    }
}

static void two_kernel_files_give_a_kernel_file(void **state)
{
    struct kernel_file *first = make_file("first", 1), *second = make_file("second", 2);
    struct d3dkmt_sync_file_info *info;
    int merged;

    (void)state;
    assert_success(d3dkmt_sync_file_merge("both", first->end, second->end, &merged));
    assert_ptr_equal(find_file(merged), &files[2]);
    assert_success(d3dkmt_sync_file_info(merged, &info));
    assert_string_equal(info->name, "both");
    assert_int_equal(info->fence_count, 3);
    d3dkmt_sync_file_info_free(info);
}

static void kernel_and_own_files_are_merged(void **state)
{
    struct kernel_file *file = make_file("kernel", 2);
    struct d3dkmt_sync_file_info *info;
    struct client_gpu gpu;
    int merged;

    (void)state;
    assert_success(d3dkmt_open("loopback"));
    assert_success(client_gpu_open(&gpu));
    D3DKMT_CREATESYNCFILE create = {gpu.umd.device, gpu.fence.object, 5, 0};
    assert_success(D3DKMTCreateSyncFile(&create));
    int own = (int)create.hSyncFile;
    assert_success(d3dkmt_sync_file_merge("mixed", file->end, own, &merged));
    assert_success(client_signal(gpu.umd.device, gpu.fence.object, 5));
    assert_int_equal(d3dkmt_sync_file_wait(own, -1), STATUS_SUCCESS);
    assert_int_equal(d3dkmt_sync_file_wait(merged, 0), STATUS_TIMEOUT);
    signal_file(file, -ENODEV);
    assert_int_equal(d3dkmt_sync_file_wait(merged, -1), STATUS_SUCCESS);
    assert_success(d3dkmt_sync_file_info(merged, &info));
    assert_int_equal(info->fence_count, 2);
    assert_int_equal(info->status, STATUS_DEVICE_REMOVED);
    assert_string_equal(info->fences[0].driver, "driver0");
    assert_string_equal(info->fences[1].driver, "libd3dkmt");
    d3dkmt_sync_file_info_free(info);
    close(merged);
    close(own);
    client_gpu_close(&gpu);
    D3DKMTCloseDxCoreDevice();
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(a_kernel_file_is_waited_for),
        TEST(a_kernel_file_is_described),
        TEST(two_kernel_files_give_a_kernel_file),
        TEST(kernel_and_own_files_are_merged),
    };
#undef TEST

    return cmocka_run_group_tests(tests, NULL, NULL);
}
