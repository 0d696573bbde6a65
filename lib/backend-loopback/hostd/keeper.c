/* SPDX-License-Identifier: MIT */
#include "backend-loopback/hostd/keeper.h"

#include "core/clock.h"
#include "core/sync_pair.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MOST_KEPT = 1 << 16, MOST_BYTES = 256 << 20 };

struct kept {
    struct kept *next;
    dev_t device;
    ino_t inode; /* of the end that was given away */
    int own_end;
    struct host_fence_wait *wait; /* of a sync file */
    struct remote_kept what;
    size_t record_size;
    unsigned char record[];
};

struct keeper {
    struct host *host;
    pthread_mutex_t mutex;
    struct kept *list;
    uint32_t count;
    size_t bytes; /* of all records */
    int poll, stop;
    pthread_t watcher;
};

/* ---- watching */

static struct kept *take(struct keeper *keeper, int own_end)
{
    pthread_mutex_lock(&keeper->mutex);
    struct kept **link = &keeper->list;
    while (*link && (*link)->own_end != own_end)
        link = &(*link)->next;
    struct kept *found = *link;
    if (found) {
        *link = found->next;
        keeper->count--;
        keeper->bytes -= found->record_size;
    }
    pthread_mutex_unlock(&keeper->mutex);
    return found;
}

static void let_go(struct keeper *keeper, struct kept *kept)
{
    host_fence_wait_end(kept->wait);
    close(kept->own_end);
    if (kept->what.nt_handle)
        host_shared_drop(keeper->host, kept->what.nt_handle);
    free(kept);
}

static void *watch(void *context)
{
    struct keeper *keeper = context;
    struct epoll_event event;

    for (;;) {
        if (epoll_wait(keeper->poll, &event, 1, -1) != 1)
            continue;
        if (event.data.fd == keeper->stop)
            return NULL;
        if (!(event.events & (EPOLLHUP | EPOLLERR)))
            continue;
        struct kept *gone = take(keeper, event.data.fd);
        if (gone)
            let_go(keeper, gone);
    }
}

static bool watch_end(struct keeper *keeper, int end, uint32_t events)
{
    struct epoll_event event = {.events = events, .data.fd = end};

    return epoll_ctl(keeper->poll, EPOLL_CTL_ADD, end, &event) == 0;
}

struct keeper *keeper_create(struct host *host)
{
    struct keeper *keeper = calloc(1, sizeof(*keeper));

    if (!keeper)
        return NULL;
    keeper->host = host;
    keeper->poll = epoll_create1(EPOLL_CLOEXEC);
    keeper->stop = eventfd(0, EFD_CLOEXEC);
    pthread_mutex_init(&keeper->mutex, NULL);
    if (keeper->poll >= 0 && keeper->stop >= 0 && watch_end(keeper, keeper->stop, EPOLLIN) &&
        pthread_create(&keeper->watcher, NULL, watch, keeper) == 0)
        return keeper;
    if (keeper->poll >= 0)
        close(keeper->poll);
    if (keeper->stop >= 0)
        close(keeper->stop);
    pthread_mutex_destroy(&keeper->mutex);
    free(keeper);
    return NULL;
}

void keeper_destroy(struct keeper *keeper)
{
    const uint64_t one = 1;

    if (!keeper)
        return;
    /* The counter is far from full: the write cannot fail. */
    if (write(keeper->stop, &one, sizeof(one)) == (ssize_t)sizeof(one))
        pthread_join(keeper->watcher, NULL);
    while (keeper->list)
        let_go(keeper, take(keeper, keeper->list->own_end));
    close(keeper->poll);
    close(keeper->stop);
    pthread_mutex_destroy(&keeper->mutex);
    free(keeper);
}

/* ---- keeping */

static bool is_name(const char *name)
{
    size_t length = strnlen(name, REMOTE_NAME_SIZE);

    for (size_t i = 0; i < length; i++)
        if (name[i] <= ' ' || name[i] > '~' || name[i] == '/')
            return false;
    return length > 0 && length < REMOTE_NAME_SIZE;
}

static NTSTATUS make_pair(const struct remote_keep *wanted, int ends[2])
{
    if (wanted->kind == REMOTE_KEPT_SYNC_FILE)
        return is_name(wanted->name)
                   ? sync_pair_create(SYNC_TIMELINE_FENCE, wanted->name, ends, NULL)
                   : STATUS_INVALID_PARAMETER;
    if (wanted->kind != REMOTE_KEPT_OBJECT || !wanted->nt_handle)
        return STATUS_INVALID_PARAMETER;
    return socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) == 0
               ? STATUS_SUCCESS
               : STATUS_INSUFFICIENT_RESOURCES;
}

/* Takes the NT object over, which cannot be undone and so comes last; under the mutex. */
static NTSTATUS take_over(struct keeper *keeper, struct host_guest *guest, uint32_t nt_handle,
                          struct kept *kept)
{
    if (keeper->count >= MOST_KEPT || kept->record_size > MOST_BYTES - keeper->bytes ||
        !watch_end(keeper, kept->own_end, 0))
        return STATUS_INSUFFICIENT_RESOURCES;
    NTSTATUS status = nt_handle ? host_shared_adopt(guest, nt_handle) : STATUS_SUCCESS;
    if (!NT_SUCCESS(status))
        return status; /* closing the end ends the watch */
    kept->what.nt_handle = nt_handle;
    kept->next = keeper->list;
    keeper->list = kept;
    keeper->count++;
    keeper->bytes += kept->record_size;
    return STATUS_SUCCESS;
}

static void fence_is_done(void *context)
{
    const struct kept *kept = context;

    sync_pair_signal(kept->own_end, STATUS_SUCCESS, now_ns());
}

/* On failure all is as before, but for a wait that has begun. */
static NTSTATUS enter(struct keeper *keeper, struct host_guest *guest,
                      const struct remote_keep *wanted, struct kept *kept)
{
    NTSTATUS status = STATUS_SUCCESS;

    if (wanted->kind == REMOTE_KEPT_SYNC_FILE)
        status = host_fence_wait_begin(guest, wanted->process, wanted->fence, wanted->value,
                                       fence_is_done, kept, &kept->wait);
    if (!NT_SUCCESS(status))
        return status;
    pthread_mutex_lock(&keeper->mutex);
    status = take_over(keeper, guest, wanted->nt_handle, kept);
    pthread_mutex_unlock(&keeper->mutex);
    return status;
}

NTSTATUS keeper_keep(struct keeper *keeper, struct host_guest *guest,
                     const struct remote_keep *wanted, const void *record, size_t record_size,
                     int *descriptor)
{
    struct kept *kept = calloc(1, sizeof(*kept) + record_size);
    struct stat status_of_end;
    int ends[2] = {-1, -1};

    if (!kept)
        return STATUS_NO_MEMORY;
    NTSTATUS status = make_pair(wanted, ends);
    if (NT_SUCCESS(status) && fstat(ends[0], &status_of_end) != 0)
        status = STATUS_INSUFFICIENT_RESOURCES;
    if (NT_SUCCESS(status)) {
        kept->device = status_of_end.st_dev;
        kept->inode = status_of_end.st_ino;
        kept->own_end = ends[1];
        kept->what.kind = wanted->kind;
        kept->what.value = wanted->value;
        kept->record_size = record_size;
        memcpy(kept->record, record, record_size);
        status = enter(keeper, guest, wanted, kept);
    }
    if (NT_SUCCESS(status)) {
        *descriptor = ends[0];
        return STATUS_SUCCESS;
    }
    host_fence_wait_end(kept->wait);
    if (ends[0] >= 0) {
        close(ends[1]); /* first: the watcher must not see it hang up */
        close(ends[0]);
    }
    free(kept);
    return status;
}

/* ---- looking up */

NTSTATUS keeper_look_up(struct keeper *keeper, int descriptor, void **result, size_t *size)
{
    NTSTATUS status = STATUS_INVALID_PARAMETER;
    struct stat identity;

    if (fstat(descriptor, &identity) != 0)
        return status;
    pthread_mutex_lock(&keeper->mutex);
    const struct kept *known = keeper->list;
    while (known && (known->inode != identity.st_ino || known->device != identity.st_dev))
        known = known->next;
    if (known) {
        *size = sizeof(known->what) + known->record_size;
        unsigned char *copy = malloc(*size);
        status = copy ? STATUS_SUCCESS : STATUS_NO_MEMORY;
        if (copy) {
            memcpy(copy, &known->what, sizeof(known->what));
            memcpy(copy + sizeof(known->what), known->record, known->record_size);
        }
        *result = copy;
    }
    pthread_mutex_unlock(&keeper->mutex);
    return status;
}

uint32_t keeper_count(struct keeper *keeper)
{
    pthread_mutex_lock(&keeper->mutex);
    uint32_t count = keeper->count;
    pthread_mutex_unlock(&keeper->mutex);
    return count;
}
