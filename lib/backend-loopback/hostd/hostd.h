/* SPDX-License-Identifier: MIT */
/* Inside the server: the server itself, its guests, their threads. */
#ifndef BACKEND_LOOPBACK_HOSTD_HOSTD_H
#define BACKEND_LOOPBACK_HOSTD_HOSTD_H

#include "backend-loopback/hostd/server.h"
#include "backend-loopback/remote/frame.h"

#include <pthread.h>

/* The way of an adapter out of a host that has guests, and what guests know of it. */
struct hostd_departure {
    enum hostd_phase {
        HOSTD_ABSENT, /* no guest has been told of one */
        HOSTD_STAYS,
        HOSTD_QUIETING, /* until no guest waits for it any more */
        HOSTD_LOSING,   /* the host lets its devices fail */
        HOSTD_LEAVING,  /* until no guest knows it any more */
        HOSTD_REMOVING, /* the host lets go of it */
    } phase;
    uint64_t patience_until; /* CLOCK_MONOTONIC, in ns */
};

struct hostd {
    struct hostd_config config;
    struct host *host;
    struct keeper *keeper;
    int listener;
    int wake;            /* an eventfd: departures have begun */
    dev_t socket_device; /* the socket that was made, and no other, is removed */
    ino_t socket_inode;
    pthread_mutex_t mutex; /* guards what follows, and the guests' parts in departures */
    pthread_cond_t changed;
    struct hostd_departure departures[REMOTE_MAX_ADAPTERS];
    struct hostd_guest *guests;
    uint32_t guest_count;
    uint64_t next_number;
};

/* A message of the host that the guest has not taken yet. */
struct hostd_waiting;

struct hostd_slot_thread {
    struct hostd_guest *guest;
    struct remote_slot *slot;
    pthread_t thread;
    bool started;
};

/* One connection: a thread for its socket, and one for every slot that it uses. */
struct hostd_guest {
    struct hostd *hostd;
    struct hostd_guest *next;
    uint64_t number; /* for the log */
    pid_t process;
    int socket;
    struct host_guest *guest;
    struct remote_slot *slots; /* shared with the guest: hostile */
    bool welcomed;
    /* What comes next between this guest and a departure: REMOTE_QUIET or REMOTE_LEFT of the guest,
     * REMOTE_LOST of the host; 0: it takes no part. */
    enum remote_packet_type owes[REMOTE_MAX_ADAPTERS];
    atomic_bool closing;
    struct hostd_slot_thread threads[REMOTE_SLOTS];
    struct remote_received *received;

    pthread_mutex_t mutex; /* orders the host's messages */
    int wake;              /* an eventfd: messages have begun to wait */
    struct hostd_waiting *first, *last;
    uint32_t waiting_count;
};

/* Takes the socket over and serves it with threads of its own. False: no resources; it is closed.
 */
bool hostd_guest_start(struct hostd *hostd, int socket, pid_t process);

/* Makes a guest's threads end, from any thread. */
void hostd_guest_interrupt(struct hostd_guest *guest);

/* ---- messages.c: the host's messages on their way to a guest */

/* struct host_guest_link's message. */
void hostd_guest_send_message(void *context, const void *bytes, size_t size);

/* The same for any packet of the host's that is no answer. From any thread, never waits. */
void hostd_guest_tell(struct hostd_guest *guest, enum remote_packet_type type, const void *bytes,
                      size_t size);

/* Sends what waits; true while something still does. */
bool hostd_guest_send_waiting(struct hostd_guest *guest);
void hostd_guest_drop_waiting(struct hostd_guest *guest);

/* ---- slots.c */

/* Serves a slot from now on; false when it is served already, or there is no thread to be had. */
bool hostd_slot_open(struct hostd_guest *guest, uint32_t slot);

/* Ends the threads of all slots, whatever the guest writes into them. */
void hostd_slots_close(struct hostd_guest *guest);

/* ---- adapters.c: adapters that come and go */

/* What a new guest finds. With the server's mutex, so that it misses nothing that follows. */
void hostd_adapters_describe(struct hostd *hostd, struct remote_adapter *adapters);

NTSTATUS hostd_adapter_add(struct hostd *hostd, const struct remote_add *wanted, uint32_t *number);
/* Begins; guests hear of the end. STATUS_INVALID_PARAMETER: it is not there, or going already. */
NTSTATUS hostd_adapter_remove(struct hostd *hostd, uint32_t number);

/* The guest has done what a departure waits for. False: nothing of that kind was asked. */
bool hostd_adapter_step(struct hostd_guest *guest, uint32_t number, enum remote_packet_type done);

/* The guest has gone: nobody waits for it. */
void hostd_adapters_forget(struct hostd *hostd, struct hostd_guest *guest);

/* Ends guests that departures have waited for too long. True while there are departures. */
bool hostd_adapters_hurry(struct hostd *hostd);

/* ---- */

void hostd_log(struct hostd *hostd, enum host_log_level level, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
