/* SPDX-License-Identifier: MIT */
/*
 * Host events: what a SIGNALGUESTEVENT message means to the guest.
 *
 * The host names an event by a number that was never used before in this VM. An event counts into
 * an eventfd, signals a sync file, or wakes a waiting thread.
 */
#ifndef CORE_GUEST_EVENT_H
#define CORE_GUEST_EVENT_H

#include <d3dkmt/d3dkmthk.h>

#include <pthread.h>
#include <semaphore.h>
#include <stdbool.h>
#include <stdint.h>

enum { GUEST_EVENT_BUCKETS = 256 };

enum guest_event_kind {
    GUEST_EVENT_THREAD,     /* wakes the thread in guest_event_wait; lives on its stack */
    GUEST_EVENT_ONE_SHOT,   /* eventfd + 1, then the event is gone */
    GUEST_EVENT_PERSISTENT, /* eventfd + 1 at each signal, until removed */
    GUEST_EVENT_SYNC_FILE,  /* signals the sync file, then the event is gone */
};

struct guest_event {
    uint64_t id;
    enum guest_event_kind kind;
    int descriptor;        /* the event's own duplicate of the caller's eventfd, or -1;
                              GUEST_EVENT_SYNC_FILE: the engine's end, which is not its own */
    NTSTATUS result;       /* GUEST_EVENT_THREAD: STATUS_PENDING until it is over */
    sem_t over;            /* of the same kind: posted when it is */
    const void *owners[3]; /* on whose behalf guest_events_cancel ends it */
    struct guest_event *next;
};

struct guest_events {
    pthread_mutex_t mutex; /* a leaf: nothing else is locked while it is held */
    uint64_t last_id;
    struct guest_event *buckets[GUEST_EVENT_BUCKETS];
    struct guest_event *unused; /* events for reuse, so that waiting allocates nothing */
};

void guest_events_init(struct guest_events *events);
void guest_events_destroy(struct guest_events *events);

/*
 * Registers an event of the caller's storage that guest_event_wait waits for; sets event->id.
 * process, device, adapter: those whose end ends the wait.
 */
void guest_event_begin_wait(struct guest_events *events, struct guest_event *event,
                            const void *process, const void *device, const void *adapter);

/*
 * Waits for the host's signal and takes the event out again. STATUS_SUCCESS, or the status that
 * guest_events_cancel gave. A signal handler that runs on the thread ends the wait, with
 * STATUS_CANCELLED, if the wait is interruptible and the handler is without SA_RESTART.
 */
NTSTATUS guest_event_wait(struct guest_events *events, struct guest_event *event,
                          bool interruptible);

/* Takes out an event that begin_wait entered and nobody waits for. */
void guest_event_end_wait(struct guest_events *events, struct guest_event *event);

/*
 * Makes an event for a caller's eventfd, which is duplicated. STATUS_INVALID_PARAMETER, explained
 * with the argument's name, when the descriptor is not an eventfd; STATUS_NO_MEMORY.
 */
NTSTATUS guest_event_create(struct guest_events *events, int descriptor, enum guest_event_kind kind,
                            const void *process, const char *argument, uint64_t *id);

/*
 * Makes an event for a sync file; own_end must stay open until the event is removed. process,
 * adapter: those whose end signals it with an error. STATUS_NO_MEMORY, explained.
 */
NTSTATUS guest_event_create_for_sync_file(struct guest_events *events, int own_end,
                                          const void *process, const void *adapter, uint64_t *id);

/* Takes out an event of guest_event_create*; an id that is not there any more is no error. */
void guest_event_remove(struct guest_events *events, uint64_t id);

/* The host's signal. Unknown ids are ignored: the event was cancelled, or the host invents. */
void guest_event_signal(struct guest_events *events, uint64_t id);

/*
 * Ends what belongs to an owner: waiting threads and sync files get the status, eventfds of a
 * process that goes are released.
 */
void guest_events_cancel(struct guest_events *events, const void *owner, NTSTATUS status,
                         bool release_descriptors);

#endif
