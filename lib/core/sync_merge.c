/* SPDX-License-Identifier: MIT */
#include "core/sync_merge.h"

#include "core/clock.h"
#include "core/last_error.h"
#include "core/memory.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

struct merged;

/* What the thread waits for: the end of a merged file, or one of its fences. */
struct watch {
    struct merged *merged;
    struct sync_fence *fence; /* NULL: the end */
};

struct merged {
    struct merged *next;
    uint64_t id;
    int own_end;
    size_t pending; /* fences */
    struct sync_fence_list list;
    struct watch *watches; /* the end's, then the fences' */
};

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER; /* guards all of this */
static struct merged *all;
static int poll_descriptor = -1;
static pthread_once_t once = PTHREAD_ONCE_INIT;

/* ---- lists of fences */

bool sync_fence_list_add(struct sync_fence_list *list, const struct sync_fence *fence)
{
    if (list->count == list->room) {
        size_t room = list->room ? list->room * 2 : 4;
        struct sync_fence *grown = d3dkmti_reallocarray(list->fences, room, sizeof(*grown));

        if (!grown) {
            if (fence->descriptor >= 0)
                close(fence->descriptor);
            d3dkmti_fail(STATUS_NO_MEMORY, "no memory for %zu fences of a sync file", room);
            return false;
        }
        list->fences = grown;
        list->room = room;
    }
    list->fences[list->count++] = *fence;
    return true;
}

void sync_fence_list_clear(struct sync_fence_list *list)
{
    for (size_t i = 0; i < list->count; i++) {
        if (list->fences[i].descriptor >= 0)
            close(list->fences[i].descriptor);
    }
    free(list->fences);
    *list = (struct sync_fence_list){0};
}

/* ---- fork */

static void lock_before_fork(void)
{
    pthread_mutex_lock(&mutex);
}

static void unlock_in_parent(void)
{
    pthread_mutex_unlock(&mutex);
}

/*
 * The parent's thread goes on serving what there is. The child must not keep ends and fences open:
 * nobody would learn any more that they were closed.
 */
static void forget_in_child(void)
{
    while (all) {
        struct merged *merged = all;

        all = merged->next;
        close(merged->own_end);
        sync_fence_list_clear(&merged->list);
        free(merged->watches);
        free(merged);
    }
    if (poll_descriptor >= 0)
        close(poll_descriptor);
    poll_descriptor = -1;
    pthread_mutex_init(&mutex, NULL);
}

static void prepare_once(void)
{
    pthread_atfork(lock_before_fork, unlock_in_parent, forget_in_child);
}

/* ---- the thread; under the mutex unless it says otherwise */

static bool start_watch(int descriptor, uint32_t events, struct watch *watch)
{
    struct epoll_event event = {.events = events, .data.ptr = watch};

    return epoll_ctl(poll_descriptor, EPOLL_CTL_ADD, descriptor, &event) == 0;
}

/* Closing alone would not do: others may have duplicates, and epoll goes by the open file. */
static void end_watch(int *descriptor)
{
    if (*descriptor < 0)
        return;
    epoll_ctl(poll_descriptor, EPOLL_CTL_DEL, *descriptor, NULL);
    close(*descriptor);
    *descriptor = -1;
}

static void free_merged(struct merged *merged)
{
    for (size_t i = 0; i < merged->list.count; i++)
        end_watch(&merged->list.fences[i].descriptor);
    end_watch(&merged->own_end);
    sync_fence_list_clear(&merged->list);
    free(merged->watches);
    free(merged);
}

static void signal_merged(struct merged *merged)
{
    NTSTATUS status = STATUS_SUCCESS;
    uint64_t latest = 0;

    for (size_t i = 0; i < merged->list.count; i++) {
        const struct d3dkmt_sync_fence_info *info = &merged->list.fences[i].info;

        if (NT_SUCCESS(status))
            status = info->status;
        if (info->timestamp > latest)
            latest = info->timestamp;
    }
    sync_pair_signal(merged->own_end, status, latest ? latest : now_ns());
}

static void finish_fence(struct merged *merged, struct sync_fence *fence)
{
    struct d3dkmt_sync_fence_info info;

    /* Readable, yet no sync file any more, or pending: whatever it is, nothing more will come. */
    if (sync_file_look(fence->descriptor, &info) && info.status != STATUS_PENDING) {
        fence->info.status = info.status;
        fence->info.timestamp = info.timestamp;
    } else {
        fence->info.status = STATUS_UNSUCCESSFUL;
    }
    end_watch(&fence->descriptor);
    if (--merged->pending == 0)
        signal_merged(merged);
}

static void unlink_merged(struct merged *merged)
{
    struct merged **link = &all;

    while (*link != merged)
        link = &(*link)->next;
    *link = merged->next;
}

/* One event at a time: what it points to lives, since only this thread ends watches. */
static void *serve(void *context)
{
    int own_poll = *(int *)context;
    struct epoll_event event;

    free(context);
    for (;;) {
        if (epoll_wait(own_poll, &event, 1, -1) != 1)
            continue;
        struct watch *watch = event.data.ptr;
        pthread_mutex_lock(&mutex);
        if (watch->fence) {
            finish_fence(watch->merged, watch->fence);
        } else if (event.events & (EPOLLHUP | EPOLLERR)) {
            unlink_merged(watch->merged);
            free_merged(watch->merged);
        }
        pthread_mutex_unlock(&mutex);
    }
    return NULL;
}

/* It takes no signals: those are the program's. It ends with the process. */
static bool start_thread(void)
{
    int *own_poll = d3dkmti_malloc(sizeof(*own_poll));
    sigset_t every, old;
    pthread_t thread;

    if (!own_poll)
        return false;
    *own_poll = poll_descriptor;
    sigfillset(&every);
    pthread_sigmask(SIG_SETMASK, &every, &old);
    bool started = pthread_create(&thread, NULL, serve, own_poll) == 0;
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    if (started)
        pthread_detach(thread);
    else
        free(own_poll);
    return started;
}

static NTSTATUS start_serving(void)
{
    if (poll_descriptor >= 0)
        return STATUS_SUCCESS;
    poll_descriptor = epoll_create1(EPOLL_CLOEXEC);
    if (poll_descriptor >= 0 && start_thread())
        return STATUS_SUCCESS;
    if (poll_descriptor >= 0)
        close(poll_descriptor);
    poll_descriptor = -1;
    return d3dkmti_fail(STATUS_UNSUCCESSFUL,
                        "no descriptor or thread can be had to wait for merged sync files");
}

/* ---- making */

/* A merged file that owns the list; NULL, explained, without memory. */
static struct merged *make(struct sync_fence_list *list)
{
    struct merged *made = d3dkmti_calloc(1, sizeof(*made));
    struct watch *watches = d3dkmti_calloc(list->count + 1, sizeof(*watches));

    if (!made || !watches) {
        free(made);
        free(watches);
        d3dkmti_fail(STATUS_NO_MEMORY, "no memory for a merged sync file");
        return NULL;
    }
    made->list = *list;
    *list = (struct sync_fence_list){0};
    made->own_end = -1;
    made->watches = watches;
    watches[0].merged = made;
    for (size_t i = 0; i < made->list.count; i++) {
        watches[i + 1] = (struct watch){made, &made->list.fences[i]};
        if (made->list.fences[i].descriptor >= 0)
            made->pending++;
    }
    return made;
}

static bool watch_fences(struct merged *merged)
{
    for (size_t i = 0; i < merged->list.count; i++) {
        int descriptor = merged->list.fences[i].descriptor;

        if (descriptor >= 0 && !start_watch(descriptor, EPOLLIN, &merged->watches[i + 1]))
            return false;
    }
    return true;
}

/* Under the mutex, so that the thread sees the file as a whole. Takes it over in any case. */
static NTSTATUS publish(struct merged *made, const char *name, int *merged)
{
    int ends[2];
    NTSTATUS status = start_serving();

    if (NT_SUCCESS(status))
        status = sync_pair_create(SYNC_TIMELINE_MERGED, name, ends, &made->id);
    if (!NT_SUCCESS(status)) {
        free_merged(made);
        return status;
    }
    made->own_end = ends[1];
    if (!start_watch(made->own_end, 0, &made->watches[0])) {
        close(ends[0]);
        free_merged(made);
        return d3dkmti_fail(STATUS_UNSUCCESSFUL, "a merged sync file cannot be watched");
    }
    made->next = all;
    all = made;
    if (!watch_fences(made)) {
        /* The thread may hold an event of it already: it frees it when it sees the close. */
        close(ends[0]);
        return d3dkmti_fail(STATUS_UNSUCCESSFUL, "a sync file cannot be waited for");
    }
    if (made->pending == 0)
        signal_merged(made);
    *merged = ends[0];
    return STATUS_SUCCESS;
}

NTSTATUS sync_merge_create(const char *name, struct sync_fence_list *list, int *merged)
{
    pthread_once(&once, prepare_once);
    struct merged *made = make(list);
    if (!made) {
        sync_fence_list_clear(list);
        return STATUS_NO_MEMORY;
    }
    pthread_mutex_lock(&mutex);
    NTSTATUS status = publish(made, name, merged);
    pthread_mutex_unlock(&mutex);
    return status;
}

/* ---- looking */

static NTSTATUS copy_fence(const struct sync_fence *fence, struct sync_fence_list *list)
{
    struct sync_fence copy = *fence;

    if (fence->descriptor >= 0) {
        struct d3dkmt_sync_fence_info info;

        copy.descriptor = fcntl(fence->descriptor, F_DUPFD_CLOEXEC, 0);
        if (copy.descriptor < 0)
            return d3dkmti_fail(STATUS_UNSUCCESSFUL,
                                "no descriptor can be had for a fence of a merged sync file; look "
                                "at RLIMIT_NOFILE");
        /* The thread may not have seen the signal yet. */
        if (sync_file_look(copy.descriptor, &info)) {
            copy.info.status = info.status;
            copy.info.timestamp = info.timestamp;
        }
    }
    return sync_fence_list_add(list, &copy) ? STATUS_SUCCESS : STATUS_NO_MEMORY;
}

NTSTATUS sync_merge_get_fences(uint64_t id, struct sync_fence_list *list, bool *found)
{
    NTSTATUS status = STATUS_SUCCESS;

    pthread_mutex_lock(&mutex);
    const struct merged *merged = all;
    while (merged && merged->id != id)
        merged = merged->next;
    *found = merged != NULL;
    for (size_t i = 0; merged && i < merged->list.count && NT_SUCCESS(status); i++)
        status = copy_fence(&merged->list.fences[i], list);
    pthread_mutex_unlock(&mutex);
    return status;
}
