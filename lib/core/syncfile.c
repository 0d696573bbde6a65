/* SPDX-License-Identifier: MIT */
/* The calls of <d3dkmt/syncfile.h>: kernel sync_files by their ioctls, our own by their sockets. */
#include "core/sync_merge.h"

#include "core/clock.h"
#include "core/last_error.h"
#include "core/memory.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/sync_file.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

static_assert(sizeof(((struct sync_file_info *)0)->name) == D3DKMT_SYNC_FILE_NAME_SIZE,
              "names of the kernel fit");

/* A kernel with more fences in one file than this is not believed. */
enum { KERNEL_FENCES_MAX = 65536 };

static NTSTATUS report(const char *function, NTSTATUS status)
{
    if (!NT_SUCCESS(status))
        last_error_report(function, NULL, status);
    return status;
}

static NTSTATUS refuse(const char *argument, int descriptor)
{
    if (fcntl(descriptor, F_GETFD) < 0)
        return d3dkmti_fail(STATUS_INVALID_PARAMETER, "%s is %d, which is not an open descriptor",
                            argument, descriptor);
    return d3dkmti_fail(STATUS_OBJECT_TYPE_MISMATCH, "%s: descriptor %d is no sync file", argument,
                        descriptor);
}

/* ---- kernel sync_files */

static NTSTATUS kernel_status(int32_t status)
{
    if (status == 0)
        return STATUS_PENDING;
    if (status > 0)
        return STATUS_SUCCESS;
    return status == -ENODEV ? STATUS_DEVICE_REMOVED : STATUS_UNSUCCESSFUL;
}

static int kernel_ioctl(int descriptor, unsigned long request, void *argument)
{
    int result;

    do
        result = ioctl(descriptor, request, argument);
    while (result < 0 && (errno == EINTR || errno == EAGAIN));
    return result;
}

/* Without fences: whether it is a kernel sync_file at all. */
static bool kernel_ask(int descriptor, struct sync_file_info *info)
{
    memset(info, 0, sizeof(*info));
    if (kernel_ioctl(descriptor, SYNC_IOC_FILE_INFO, info) != 0)
        return false;
    info->name[sizeof(info->name) - 1] = '\0';
    return true;
}

static void copy_kernel_fence(const struct sync_fence_info *from, struct d3dkmt_sync_fence_info *to)
{
    snprintf(to->timeline, sizeof(to->timeline), "%.*s", (int)sizeof(from->obj_name) - 1,
             from->obj_name);
    snprintf(to->driver, sizeof(to->driver), "%.*s", (int)sizeof(from->driver_name) - 1,
             from->driver_name);
    to->status = kernel_status(from->status);
    to->timestamp = from->timestamp_ns;
}

/* All fences, at least one, in an array that the caller frees. asked: of kernel_ask. Explained. */
static NTSTATUS kernel_fences(int descriptor, struct sync_file_info *asked,
                              struct sync_fence_info **fences)
{
    uint32_t count = asked->num_fences;

    *fences = NULL;
    if (count > 0 && count <= KERNEL_FENCES_MAX)
        *fences = d3dkmti_calloc(count, sizeof(**fences));
    if (!*fences)
        return d3dkmti_fail(STATUS_NO_MEMORY, "no memory for %u fences of a sync file", count);
    asked->sync_fence_info = (uintptr_t)*fences;
    asked->flags = 0;
    asked->pad = 0;
    if (kernel_ioctl(descriptor, SYNC_IOC_FILE_INFO, asked) != 0 || asked->num_fences == 0) {
        free(*fences);
        *fences = NULL;
        return d3dkmti_fail(STATUS_UNSUCCESSFUL,
                            "the kernel does not describe the fences of descriptor %d", descriptor);
    }
    asked->name[sizeof(asked->name) - 1] = '\0';
    if (asked->num_fences > count)
        asked->num_fences = count;
    return STATUS_SUCCESS;
}

/* ---- as one fence */

static bool kernel_look(int descriptor, struct d3dkmt_sync_fence_info *info)
{
    struct sync_file_info asked;

    if (!kernel_ask(descriptor, &asked))
        return false;
    struct sync_fence_info *fences;
    memset(info, 0, sizeof(*info));
    /* Without memory the status is known even so. */
    (void)kernel_fences(descriptor, &asked, &fences);
    if (fences)
        copy_kernel_fence(&fences[0], info);
    for (uint32_t i = 0; fences && i < asked.num_fences; i++) {
        if (fences[i].timestamp_ns > info->timestamp)
            info->timestamp = fences[i].timestamp_ns;
    }
    /* Of several fences the file's own status is what counts. */
    info->status = kernel_status(asked.status);
    free(fences);
    return true;
}

bool sync_file_look(int descriptor, struct d3dkmt_sync_fence_info *info)
{
    struct sync_pair_state state;

    if (sync_pair_look(descriptor, &state)) {
        *info = state.fence;
        return true;
    }
    return kernel_look(descriptor, info);
}

/* ---- wait */

/* Milliseconds until the end, rounded up: poll must not return early and be called in a circle. */
static int remaining(uint64_t end)
{
    uint64_t now = now_ns();

    return now >= end ? 0 : (int)((end - now + 999999) / 1000000);
}

static NTSTATUS wait_readable(int fd, int timeout_ms)
{
    struct pollfd polled = {.fd = fd, .events = POLLIN};
    uint64_t end = timeout_ms > 0 ? now_ns() + (uint64_t)timeout_ms * 1000000 : 0;
    int left = timeout_ms;
    int result;

    while ((result = poll(&polled, 1, left)) < 0 && (errno == EINTR || errno == EAGAIN)) {
        if (timeout_ms > 0)
            left = remaining(end);
    }
    if (result == 0)
        return STATUS_TIMEOUT;
    if (result < 0 || (polled.revents & (POLLERR | POLLNVAL)))
        return d3dkmti_fail(STATUS_INVALID_PARAMETER, "fd: descriptor %d cannot be waited for", fd);
    return STATUS_SUCCESS;
}

D3DKMT_API NTSTATUS d3dkmt_sync_file_wait(int fd, int timeout_ms)
{
    struct sync_pair_state state;
    struct sync_file_info asked;
    NTSTATUS status;

    if (sync_pair_look(fd, &state) || kernel_ask(fd, &asked))
        status = wait_readable(fd, timeout_ms);
    else
        status = refuse("fd", fd);
    return report(__func__, status);
}

/* ---- fences of a file */

/* As the file's one fence; the list gets a duplicate while it is pending. */
static NTSTATUS add_single(int descriptor, uint64_t id, const struct d3dkmt_sync_fence_info *info,
                           struct sync_fence_list *list)
{
    struct sync_fence fence = {.descriptor = -1, .id = id, .info = *info};

    if (info->status == STATUS_PENDING) {
        fence.descriptor = fcntl(descriptor, F_DUPFD_CLOEXEC, 0);
        if (fence.descriptor < 0)
            return d3dkmti_fail(STATUS_UNSUCCESSFUL,
                                "no descriptor can be had to keep a fence; look at RLIMIT_NOFILE");
    }
    return sync_fence_list_add(list, &fence) ? STATUS_SUCCESS : STATUS_NO_MEMORY;
}

/* Appends a file's fences. name: the file's name, of D3DKMT_SYNC_FILE_NAME_SIZE, or NULL. */
static NTSTATUS add_fences(int fd, const char *argument, struct sync_fence_list *list, char *name)
{
    struct d3dkmt_sync_fence_info info;
    struct sync_pair_state state;
    bool found = false;

    if (sync_pair_look(fd, &state)) {
        NTSTATUS status = sync_merge_get_fences(state.id, list, &found);

        if (name)
            memcpy(name, state.name, sizeof(state.name));
        return found ? status : add_single(fd, state.id, &state.fence, list);
    }
    if (!kernel_look(fd, &info))
        return refuse(argument, fd);
    return add_single(fd, 0, &info, list);
}

/* ---- info */

static struct d3dkmt_sync_file_info *make_info(const char *name, size_t count)
{
    struct d3dkmt_sync_file_info *made = d3dkmti_calloc(1, sizeof(*made));

    if (made)
        made->fences = d3dkmti_calloc(count + 1, sizeof(*made->fences)); /* not empty */
    if (!made || !made->fences) {
        free(made);
        d3dkmti_fail(STATUS_NO_MEMORY, "no memory for the description of %zu fences", count);
        return NULL;
    }
    snprintf(made->name, sizeof(made->name), "%s", name);
    made->fence_count = (uint32_t)count;
    return made;
}

static NTSTATUS describe_kernel(int fd, struct sync_file_info *asked,
                                struct d3dkmt_sync_file_info **info)
{
    struct sync_fence_info *fences;
    NTSTATUS status = kernel_fences(fd, asked, &fences);

    if (!fences)
        return status;
    *info = make_info(asked->name, asked->num_fences);
    if (*info) {
        (*info)->status = kernel_status(asked->status);
        for (uint32_t i = 0; i < asked->num_fences; i++)
            copy_kernel_fence(&fences[i], &(*info)->fences[i]);
    }
    free(fences);
    return *info ? STATUS_SUCCESS : STATUS_NO_MEMORY;
}

/* An error weighs more than a fence that is pending, and that more than one that is not. */
static NTSTATUS combine(NTSTATUS a, NTSTATUS b)
{
    if (!NT_SUCCESS(a))
        return a;
    return b != STATUS_SUCCESS ? b : a;
}

static NTSTATUS describe_own(int fd, struct d3dkmt_sync_file_info **info)
{
    struct sync_fence_list list = {0};
    char name[D3DKMT_SYNC_FILE_NAME_SIZE] = "";
    NTSTATUS status = add_fences(fd, "fd", &list, name);

    if (NT_SUCCESS(status)) {
        *info = make_info(name, list.count);
        status = *info ? STATUS_SUCCESS : STATUS_NO_MEMORY;
    }
    for (size_t i = 0; NT_SUCCESS(status) && i < list.count; i++) {
        (*info)->fences[i] = list.fences[i].info;
        (*info)->status = combine((*info)->status, list.fences[i].info.status);
    }
    sync_fence_list_clear(&list);
    return status;
}

D3DKMT_API NTSTATUS d3dkmt_sync_file_info(int fd, struct d3dkmt_sync_file_info **info)
{
    struct sync_pair_state state;
    struct sync_file_info asked;
    NTSTATUS status;

    if (!info)
        return report(__func__, d3dkmti_fail(STATUS_INVALID_PARAMETER, "info is NULL"));
    *info = NULL;
    if (sync_pair_look(fd, &state))
        status = describe_own(fd, info);
    else if (kernel_ask(fd, &asked))
        status = describe_kernel(fd, &asked, info);
    else
        status = refuse("fd", fd);
    return report(__func__, status);
}

D3DKMT_API void d3dkmt_sync_file_info_free(struct d3dkmt_sync_file_info *info)
{
    if (!info)
        return;
    free(info->fences);
    free(info);
}

/* ---- merge */

static bool same_fence(const struct sync_fence *a, const struct sync_fence *b)
{
    return a->id != 0 && a->id == b->id;
}

/* Drops what is signalled without an error, and what stands there twice. */
static void reduce(struct sync_fence_list *list)
{
    size_t kept = 0;

    for (size_t i = 0; i < list->count; i++) {
        struct sync_fence *fence = &list->fences[i];
        bool drop = fence->info.status == STATUS_SUCCESS;

        for (size_t k = 0; k < kept && !drop; k++)
            drop = same_fence(&list->fences[k], fence);
        if (!drop)
            list->fences[kept++] = *fence;
        else if (fence->descriptor >= 0)
            close(fence->descriptor);
    }
    list->count = kept;
}

static NTSTATUS add_stub(struct sync_fence_list *list)
{
    struct sync_fence stub = {
        .descriptor = -1,
        .info = {"stub", "stub", STATUS_SUCCESS, now_ns()},
    };

    return sync_fence_list_add(list, &stub) ? STATUS_SUCCESS : STATUS_NO_MEMORY;
}

static NTSTATUS merge_own(const char *name, int fd1, int fd2, int *merged)
{
    struct sync_fence_list list = {0};
    NTSTATUS status = add_fences(fd1, "fd1", &list, NULL);

    if (NT_SUCCESS(status))
        status = add_fences(fd2, "fd2", &list, NULL);
    if (NT_SUCCESS(status)) {
        reduce(&list);
        if (list.count == 0)
            status = add_stub(&list);
    }
    if (NT_SUCCESS(status))
        return sync_merge_create(name, &list, merged);
    sync_fence_list_clear(&list);
    return status;
}

static NTSTATUS merge_kernel(const char *name, int fd1, int fd2, int *merged)
{
    struct sync_merge_data data = {.fd2 = fd2, .fence = -1};

    snprintf(data.name, sizeof(data.name), "%s", name);
    if (kernel_ioctl(fd1, SYNC_IOC_MERGE, &data) != 0)
        return d3dkmti_fail(errno == ENOMEM ? STATUS_NO_MEMORY : STATUS_UNSUCCESSFUL,
                            "the kernel does not merge the sync files %d and %d (errno %d)", fd1,
                            fd2, errno);
    *merged = data.fence;
    return STATUS_SUCCESS;
}

D3DKMT_API NTSTATUS d3dkmt_sync_file_merge(const char *name, int fd1, int fd2, int *merged)
{
    struct sync_file_info asked;
    NTSTATUS status;

    if (!name || !merged)
        return report(__func__, d3dkmti_fail(STATUS_INVALID_PARAMETER, "%s is NULL",
                                             name ? "merged" : "name"));
    *merged = -1;
    if (kernel_ask(fd1, &asked) && kernel_ask(fd2, &asked))
        status = merge_kernel(name, fd1, fd2, merged);
    else
        status = merge_own(name, fd1, fd2, merged);
    return report(__func__, status);
}
