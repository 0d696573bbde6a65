/* SPDX-License-Identifier: MIT */
/* Inside the server: the server itself, its guests, their threads. */
#ifndef BACKEND_LOOPBACK_HOSTD_HOSTD_H
#define BACKEND_LOOPBACK_HOSTD_HOSTD_H

#include "backend-loopback/hostd/server.h"
#include "backend-loopback/remote/frame.h"

#include <pthread.h>

struct hostd {
    struct hostd_config config;
    struct host *host;
    struct keeper *keeper;
    int listener;
    dev_t socket_device; /* the socket that was made, and no other, is removed */
    ino_t socket_inode;
    pthread_mutex_t mutex; /* guards the guests' list */
    pthread_cond_t changed;
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

/* Sends what waits; true while something still does. */
bool hostd_guest_send_waiting(struct hostd_guest *guest);
void hostd_guest_drop_waiting(struct hostd_guest *guest);

/* ---- slots.c */

/* Serves a slot from now on; false when it is served already, or there is no thread to be had. */
bool hostd_slot_open(struct hostd_guest *guest, uint32_t slot);

/* Ends the threads of all slots, whatever the guest writes into them. */
void hostd_slots_close(struct hostd_guest *guest);

/* ---- */

void hostd_log(struct hostd *hostd, enum host_log_level level, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
