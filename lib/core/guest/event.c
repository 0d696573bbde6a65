/* SPDX-License-Identifier: MIT */
#include "core/guest/event.h"

#include "core/clock.h"
#include "core/last_error.h"
#include "core/log.h"
#include "core/memory.h"
#include "core/sync_pair.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void guest_events_init(struct guest_events *events)
{
    memset(events, 0, sizeof(*events));
    pthread_mutex_init(&events->mutex, NULL);
    events->last_id = 1; /* the first id that the driver hands out is 2 */
}

static void free_list(struct guest_event *event)
{
    while (event) {
        struct guest_event *next = event->next;

        if (event->descriptor >= 0 && event->kind != GUEST_EVENT_SYNC_FILE)
            close(event->descriptor);
        free(event);
        event = next;
    }
}

void guest_events_destroy(struct guest_events *events)
{
    for (int i = 0; i < GUEST_EVENT_BUCKETS; i++)
        free_list(events->buckets[i]);
    free_list(events->unused);
    pthread_mutex_destroy(&events->mutex);
}

static struct guest_event **bucket_of(struct guest_events *events, uint64_t id)
{
    return &events->buckets[id % GUEST_EVENT_BUCKETS];
}

static void enter(struct guest_events *events, struct guest_event *event)
{
    event->id = ++events->last_id;
    struct guest_event **bucket = bucket_of(events, event->id);
    event->next = *bucket;
    *bucket = event;
}

/* Unlinks and returns the event of this id, or NULL. */
static struct guest_event *take_out(struct guest_events *events, uint64_t id)
{
    struct guest_event **link = bucket_of(events, id);

    while (*link && (*link)->id != id)
        link = &(*link)->next;
    struct guest_event *event = *link;
    if (event)
        *link = event->next;
    return event;
}

/* ---- threads that wait */

void guest_event_begin_wait(struct guest_events *events, struct guest_event *event,
                            const void *process, const void *device, const void *adapter)
{
    *event = (struct guest_event){
        .kind = GUEST_EVENT_THREAD,
        .descriptor = -1,
        .result = STATUS_PENDING,
        .owners = {process, device, adapter},
    };
    sem_init(&event->over, 0, 0);
    pthread_mutex_lock(&events->mutex);
    enter(events, event);
    pthread_mutex_unlock(&events->mutex);
}

void guest_event_end_wait(struct guest_events *events, struct guest_event *event)
{
    pthread_mutex_lock(&events->mutex);
    take_out(events, event->id);
    pthread_mutex_unlock(&events->mutex);
    sem_destroy(&event->over);
}

/*
 * A semaphore's wait without a time limit is what a wait inside the kernel is: a handler with
 * SA_RESTART lets it go on, any other ends it.
 */
NTSTATUS guest_event_wait(struct guest_events *events, struct guest_event *event,
                          bool interruptible)
{
    while (sem_wait(&event->over) != 0 && !interruptible)
        continue;
    /* Whoever ends it does so under the mutex, and looks at it no more afterwards. */
    guest_event_end_wait(events, event);
    return event->result == STATUS_PENDING ? STATUS_CANCELLED : event->result;
}

static void finish_wait(struct guest_event *event, NTSTATUS result)
{
    if (event->result == STATUS_PENDING) {
        event->result = result;
        sem_post(&event->over);
    }
}

/* ---- eventfds */

static bool is_eventfd(int descriptor)
{
    char path[40], target[40];

    snprintf(path, sizeof(path), "/proc/self/fd/%d", descriptor);
    ssize_t length = readlink(path, target, sizeof(target) - 1);
    if (length < 0)
        return false;
    target[length] = '\0';
    return strcmp(target, "anon_inode:[eventfd]") == 0;
}

/* An event to fill in, from those that were used before. */
static struct guest_event *get_unused(struct guest_events *events)
{
    pthread_mutex_lock(&events->mutex);
    struct guest_event *event = events->unused;
    if (event)
        events->unused = event->next;
    pthread_mutex_unlock(&events->mutex);
    return event ? event : d3dkmti_malloc(sizeof(*event));
}

/* Keeps an event that was taken out for the next one; under the mutex. */
static void put_unused(struct guest_events *events, struct guest_event *event)
{
    if (event->kind != GUEST_EVENT_SYNC_FILE)
        close(event->descriptor);
    event->descriptor = -1;
    event->next = events->unused;
    events->unused = event;
}

static NTSTATUS enter_new(struct guest_events *events, int descriptor, enum guest_event_kind kind,
                          const void *process, const void *adapter, uint64_t *id)
{
    struct guest_event *event = get_unused(events);

    if (!event)
        return d3dkmti_fail(STATUS_NO_MEMORY, "no memory for an event");
    *event =
        (struct guest_event){.kind = kind, .descriptor = descriptor, .owners = {process, adapter}};
    pthread_mutex_lock(&events->mutex);
    enter(events, event);
    *id = event->id;
    pthread_mutex_unlock(&events->mutex);
    return STATUS_SUCCESS;
}

NTSTATUS guest_event_create(struct guest_events *events, int descriptor, enum guest_event_kind kind,
                            const void *process, const char *argument, uint64_t *id)
{
    /* The duplicate is tested, not the caller's number: another thread may reuse that at any time.
     */
    int own = fcntl(descriptor, F_DUPFD_CLOEXEC, 0);

    if (own < 0 && errno == EMFILE)
        return d3dkmti_fail(STATUS_INSUFFICIENT_RESOURCES,
                            "%s needs one more descriptor than the process may have open; raise "
                            "its limit (RLIMIT_NOFILE)",
                            argument);
    if (own < 0 || !is_eventfd(own)) {
        if (own >= 0)
            close(own);
        return d3dkmti_fail(STATUS_INVALID_PARAMETER,
                            "%s is %d, which is not %s; pass a descriptor of eventfd()", argument,
                            descriptor, own < 0 ? "an open descriptor" : "an eventfd");
    }
    NTSTATUS status = enter_new(events, own, kind, process, NULL, id);
    if (!NT_SUCCESS(status))
        close(own);
    return status;
}

NTSTATUS guest_event_create_for_sync_file(struct guest_events *events, int own_end,
                                          const void *process, const void *adapter, uint64_t *id)
{
    return enter_new(events, own_end, GUEST_EVENT_SYNC_FILE, process, adapter, id);
}

void guest_event_remove(struct guest_events *events, uint64_t id)
{
    pthread_mutex_lock(&events->mutex);
    struct guest_event *event = take_out(events, id);
    if (event)
        put_unused(events, event);
    pthread_mutex_unlock(&events->mutex);
}

/* ---- signals */

/* A counter that is full is left alone: writing would block, and it is readable anyway. */
static void count_up(int descriptor)
{
    const uint64_t one = 1;
    struct pollfd ready = {.fd = descriptor, .events = POLLOUT};

    if (poll(&ready, 1, 0) == 1 && write(descriptor, &one, sizeof(one)) < 0)
        d3dkmti_log(D3DKMT_LOG_WARNING, "guest", "an eventfd could not be signalled");
}

void guest_event_signal(struct guest_events *events, uint64_t id)
{
    pthread_mutex_lock(&events->mutex);
    struct guest_event *event = *bucket_of(events, id);
    while (event && event->id != id)
        event = event->next;
    if (event && event->kind == GUEST_EVENT_THREAD) {
        finish_wait(event, STATUS_SUCCESS);
    } else if (event && event->kind == GUEST_EVENT_SYNC_FILE) {
        sync_pair_signal(event->descriptor, STATUS_SUCCESS, now_ns());
        put_unused(events, take_out(events, id));
    } else if (event) {
        count_up(event->descriptor);
        if (event->kind == GUEST_EVENT_ONE_SHOT)
            put_unused(events, take_out(events, id));
    }
    pthread_mutex_unlock(&events->mutex);
}

void guest_events_cancel(struct guest_events *events, const void *owner, NTSTATUS status,
                         bool release_descriptors)
{
    pthread_mutex_lock(&events->mutex);
    for (int i = 0; i < GUEST_EVENT_BUCKETS; i++) {
        struct guest_event **link = &events->buckets[i];

        while (*link) {
            struct guest_event *event = *link;
            bool owned =
                event->owners[0] == owner || event->owners[1] == owner || event->owners[2] == owner;

            if (owned && event->kind == GUEST_EVENT_THREAD)
                finish_wait(event, status);
            if (owned && event->kind == GUEST_EVENT_SYNC_FILE)
                sync_pair_signal(event->descriptor, status, now_ns());
            if (owned && (event->kind == GUEST_EVENT_SYNC_FILE ||
                          (event->kind != GUEST_EVENT_THREAD && release_descriptors))) {
                *link = event->next;
                put_unused(events, event);
            } else {
                link = &event->next;
            }
        }
    }
    pthread_mutex_unlock(&events->mutex);
}
