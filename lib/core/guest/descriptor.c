/* SPDX-License-Identifier: MIT */
/*
 * NT handles and sync files as descriptors.
 *
 * A program gets one end of a socket pair and may duplicate it, inherit it and pass it on; the
 * engine keeps the other end, which hangs up when the last duplicate is closed, in whatever
 * process. The inode tells whose end it is.
 */
#include "core/guest/sharing.h"
#include "core/last_error.h"
#include "core/memory.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

struct descriptor {
    struct descriptor *next;
    dev_t device;
    ino_t inode; /* of the program's end */
    int own_end;
    bool counted; /* its end ends a guest_shared_get_nt */
    bool is_sync_file;
    struct guest_shared
        *shared; /* referenced; NULL for a sync file of a fence that is not shared */
    /* Of a sync file: */
    struct guest_events *events;
    uint64_t event, value;
};

struct guest_descriptors {
    pthread_mutex_t mutex;
    struct descriptor *list;
    pthread_t watcher;
    int poll, stop;
};

/* ---- watching */

static struct descriptor *take(struct guest_descriptors *descriptors, int own_end)
{
    pthread_mutex_lock(&descriptors->mutex);
    struct descriptor **link = &descriptors->list;
    while (*link && (*link)->own_end != own_end)
        link = &(*link)->next;
    struct descriptor *found = *link;
    if (found)
        *link = found->next;
    pthread_mutex_unlock(&descriptors->mutex);
    return found;
}

static void end(struct descriptor *descriptor)
{
    /* The event uses the end; the host's signal finds nothing from now on. */
    if (descriptor->is_sync_file)
        guest_event_remove(descriptor->events, descriptor->event);
    if (descriptor->counted)
        guest_shared_put_nt(descriptor->shared);
    if (descriptor->shared)
        reference_release(&descriptor->shared->reference);
    close(descriptor->own_end); /* last, so that whoever counts descriptors sees that all is done */
    free(descriptor);
}

static void *watch(void *context)
{
    struct guest_descriptors *descriptors = context;
    struct epoll_event event;

    for (;;) {
        if (epoll_wait(descriptors->poll, &event, 1, -1) != 1)
            continue;
        if (event.data.fd == descriptors->stop)
            return NULL;
        /* What a program writes into its end is of no interest; that it closed it is. */
        if (!(event.events & (EPOLLHUP | EPOLLERR)))
            continue;
        struct descriptor *gone = take(descriptors, event.data.fd);
        if (gone)
            end(gone);
    }
}

static bool watch_end(struct guest_descriptors *descriptors, int end_to_watch, uint32_t events)
{
    struct epoll_event event = {.events = events, .data.fd = end_to_watch};

    return epoll_ctl(descriptors->poll, EPOLL_CTL_ADD, end_to_watch, &event) == 0;
}

/* The watcher takes no signals: those are the program's. */
static bool start_watcher(struct guest_descriptors *descriptors)
{
    sigset_t all, old;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    bool started = pthread_create(&descriptors->watcher, NULL, watch, descriptors) == 0;
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    return started;
}

/* NULL, with *status, without memory, descriptors or a thread. */
static struct guest_descriptors *make(NTSTATUS *status)
{
    struct guest_descriptors *made = d3dkmti_calloc(1, sizeof(*made));

    if (!made) {
        *status = STATUS_NO_MEMORY;
        return NULL;
    }
    pthread_mutex_init(&made->mutex, NULL);
    made->poll = epoll_create1(EPOLL_CLOEXEC);
    made->stop = eventfd(0, EFD_CLOEXEC);
    if (made->poll >= 0 && made->stop >= 0 && watch_end(made, made->stop, EPOLLIN) &&
        start_watcher(made))
        return made;
    *status = STATUS_UNSUCCESSFUL;
    if (made->poll >= 0)
        close(made->poll);
    if (made->stop >= 0)
        close(made->stop);
    pthread_mutex_destroy(&made->mutex);
    free(made);
    return NULL;
}

/* The VM's, made with the first descriptor. */
static struct guest_descriptors *get(struct guest_vm *vm, NTSTATUS *status)
{
    pthread_mutex_lock(&vm->mutex);
    if (!vm->descriptors)
        vm->descriptors = make(status);
    struct guest_descriptors *descriptors = vm->descriptors;
    pthread_mutex_unlock(&vm->mutex);
    return descriptors;
}

void guest_descriptors_stop(struct guest_vm *vm)
{
    struct guest_descriptors *descriptors = vm->descriptors;
    const uint64_t one = 1;

    if (!descriptors)
        return;
    /* The counter is far from full: the write cannot fail. */
    if (write(descriptors->stop, &one, sizeof(one)) == (ssize_t)sizeof(one))
        pthread_join(descriptors->watcher, NULL);
    while (descriptors->list) {
        struct descriptor *next = descriptors->list->next;

        end(descriptors->list);
        descriptors->list = next;
    }
    close(descriptors->poll);
    close(descriptors->stop);
    pthread_mutex_destroy(&descriptors->mutex);
    free(descriptors);
    vm->descriptors = NULL;
}

/* ---- making and finding */

/* Enters made, with the two ends of its pair, and watches over it. On failure nothing has changed.
 */
static bool enter(struct guest_descriptors *descriptors, struct descriptor *made, const int ends[2])
{
    struct stat status;

    if (fstat(ends[0], &status) != 0)
        return false;
    made->device = status.st_dev;
    made->inode = status.st_ino;
    made->own_end = ends[1];
    pthread_mutex_lock(&descriptors->mutex);
    made->next = descriptors->list;
    descriptors->list = made;
    pthread_mutex_unlock(&descriptors->mutex);
    if (watch_end(descriptors, ends[1], 0))
        return true;
    take(descriptors, ends[1]);
    return false;
}

NTSTATUS guest_descriptor_create(struct guest_vm *vm, struct guest_shared *shared, int *descriptor)
{
    NTSTATUS status = STATUS_UNSUCCESSFUL;
    struct guest_descriptors *descriptors = get(vm, &status);
    struct descriptor *made = d3dkmti_calloc(1, sizeof(*made));
    int ends[2] = {-1, -1};

    if (!made)
        status = STATUS_NO_MEMORY;
    if (!descriptors || !made || socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0)
        goto fail;
    made->shared = shared;
    reference_acquire(&shared->reference);
    if (!enter(descriptors, made, ends)) {
        reference_release(&shared->reference);
        goto fail;
    }
    *descriptor = ends[0];
    return STATUS_SUCCESS;

fail:
    if (ends[0] >= 0) {
        close(ends[0]);
        close(ends[1]);
    }
    free(made);
    if (status == STATUS_NO_MEMORY)
        return d3dkmti_fail(status, "no memory for a shared object's descriptor");
    return d3dkmti_fail(status,
                        "no descriptor can be had for a shared object; look at RLIMIT_NOFILE");
}

NTSTATUS guest_descriptor_enter_sync_file(struct guest_vm *vm, const int ends[2],
                                          struct guest_shared *shared, uint64_t value,
                                          const void *process, const void *adapter, uint64_t *event)
{
    NTSTATUS status = STATUS_NO_MEMORY;
    struct guest_descriptors *descriptors = get(vm, &status);
    struct descriptor *made = descriptors ? d3dkmti_calloc(1, sizeof(*made)) : NULL;

    if (!made)
        return d3dkmti_fail(status, "a sync file cannot be watched over");
    status = guest_event_create_for_sync_file(&vm->events, ends[1], process, adapter, &made->event);
    if (!NT_SUCCESS(status)) {
        free(made);
        return status;
    }
    made->is_sync_file = true;
    made->events = &vm->events;
    made->value = value;
    made->shared = shared;
    if (shared)
        reference_acquire(&shared->reference);
    *event = made->event;
    if (enter(descriptors, made, ends))
        return STATUS_SUCCESS;
    guest_event_remove(&vm->events, made->event);
    if (shared)
        reference_release(&shared->reference);
    free(made);
    return d3dkmti_fail(STATUS_UNSUCCESSFUL, "a sync file cannot be watched over");
}

/* The entry of a program's descriptor, or NULL; under the mutex. */
static struct descriptor *find(struct guest_descriptors *descriptors, int descriptor)
{
    struct descriptor *known = descriptors->list;
    struct stat status;

    if (fstat(descriptor, &status) != 0)
        return NULL;
    while (known && (known->inode != status.st_ino || known->device != status.st_dev))
        known = known->next;
    return known;
}

void guest_descriptor_count(struct guest_vm *vm, int descriptor)
{
    pthread_mutex_lock(&vm->descriptors->mutex);
    struct descriptor *known = find(vm->descriptors, descriptor);
    if (known)
        known->counted = true;
    pthread_mutex_unlock(&vm->descriptors->mutex);
}

/*
 * The record behind a descriptor in this engine's own list, referenced, or NULL: it is not *found,
 * or a sync file of a fence that is not shared. value: of a sync file; NULL if nobody asks.
 */
static struct guest_shared *find_own(struct guest_vm *vm, int descriptor, bool sync_file,
                                     bool *found, uint64_t *value)
{
    NTSTATUS status;
    struct guest_descriptors *descriptors = get(vm, &status);
    struct guest_shared *shared = NULL;

    *found = false;
    if (!descriptors)
        return NULL;
    pthread_mutex_lock(&descriptors->mutex);
    const struct descriptor *known = find(descriptors, descriptor);
    *found = known && known->is_sync_file == sync_file;
    if (*found && known->shared) {
        shared = known->shared;
        reference_acquire(&shared->reference);
        if (value)
            *value = known->value;
    }
    pthread_mutex_unlock(&descriptors->mutex);
    return shared;
}

NTSTATUS guest_descriptor_find(struct guest_vm *vm, int descriptor, enum guest_shared_kind kind,
                               const char *argument, struct guest_shared **result)
{
    NTSTATUS status = STATUS_SUCCESS;
    bool found;

    *result = NULL;
    if (vm->ops->look_up)
        status = guest_kept_find(vm, descriptor, false, &found, result, NULL);
    else
        *result = find_own(vm, descriptor, false, &found, NULL);
    if (!NT_SUCCESS(status) || (*result && (*result)->kind == kind))
        return status;
    if (*result)
        reference_release(&(*result)->reference);
    *result = NULL;
    return d3dkmti_fail(STATUS_INVALID_PARAMETER,
                        "%s: descriptor %d does not stand for a shared %s of this host", argument,
                        descriptor,
                        kind == GUEST_SHARED_RESOURCE ? "resource" : "synchronization object");
}

NTSTATUS guest_descriptor_find_sync_file(struct guest_vm *vm, int descriptor,
                                         struct guest_shared **result, uint64_t *value)
{
    NTSTATUS status = STATUS_SUCCESS;
    bool found;

    if (vm->ops->look_up)
        status = guest_kept_find(vm, descriptor, true, &found, result, value);
    else
        *result = find_own(vm, descriptor, true, &found, value);
    if (!NT_SUCCESS(status) || *result)
        return status;
    if (!found)
        return d3dkmti_fail(STATUS_INVALID_PARAMETER,
                            "hSyncFile: descriptor %d is no sync file of a fence of this host",
                            descriptor);
    return d3dkmti_fail(STATUS_INVALID_PARAMETER,
                        "hSyncFile: the fence of sync file %d was not created shared (flags Shared "
                        "and NtSecuritySharing)",
                        descriptor);
}
