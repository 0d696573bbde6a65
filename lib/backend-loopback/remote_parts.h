/* SPDX-License-Identifier: MIT */
/* Inside the remote transport: its connection, and the adapters behind it. */
#ifndef BACKEND_LOOPBACK_REMOTE_PARTS_H
#define BACKEND_LOOPBACK_REMOTE_PARTS_H

#include "backend-loopback/remote/frame.h"
#include "backend-loopback/remote_transport.h"

#include <pthread.h>
#include <semaphore.h>

/*
 * The adapters of the host. What the host says of them is noted by the receiver and done by a
 * thread of its own: it asks the host back, and the receiver has to take the answers in.
 */
struct remote_adapters {
    pthread_t thread;
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    bool gone; /* the host is: all go, and the thread ends */
    struct remote_known_adapter {
        struct remote_adapter adapter; /* of one that arrives, or is here */
        enum remote_place {
            REMOTE_ABSENT,
            REMOTE_ARRIVING,
            REMOTE_HERE,
            REMOTE_FADING, /* the engine is told that it goes */
            REMOTE_OUT,    /* forgotten here; the host still has it */
        } place;
        bool leaving;    /* the host has said so */
        bool lost;       /* the host has set its fences to all ones */
        NTSTATUS status; /* of its last arrival */
        uint64_t removals;
    } known[REMOTE_MAX_ADAPTERS];
};

struct remote_transport {
    struct guest_vm *vm;
    const struct d3dkmt_backend_services *services;
    uint64_t spin_ns;
    int socket, io_space;
    uint64_t io_space_size;
    struct remote_slot *slots;
    atomic_bool channel_open[REMOTE_MAX_ADAPTERS + 1];

    sem_t free_slots;
    _Atomic uint64_t used_slots;    /* a bit each; REMOTE_SLOTS of them */
    bool slot_opened[REMOTE_SLOTS]; /* each belongs to the slot's user */
    atomic_bool gone;               /* the host is */

    pthread_t receiver;
    pthread_mutex_t request_mutex; /* one request at a time */
    pthread_mutex_t answer_mutex;
    pthread_cond_t answered;
    enum remote_answer_state {
        REMOTE_ANSWER_UNASKED,
        REMOTE_ANSWER_AWAITED,
        REMOTE_ANSWER_THERE,
    } answer_state;
    struct remote_received *answer;   /* of the request, when it is there */
    struct remote_received *incoming; /* the receiver's */

    struct remote_adapters adapters;
};

/* Sends a request and waits for its answer, which stays in transport->answer until the mutex is
 * released; with the request's mutex held. False: the host is gone. */
bool remote_ask(struct remote_transport *transport, const struct remote_outgoing *request,
                struct remote_packet *answer);

/* A request whose answer is a status and a word. STATUS_DEVICE_REMOVED: the host is gone. */
NTSTATUS remote_request(struct remote_transport *transport, enum remote_packet_type type,
                        const void *body, size_t size, uint32_t *value);

/* A thread that takes no signals: those are the program's. False: there is none to be had. */
bool remote_thread_start(pthread_t *thread, void *(*run)(void *context), void *context);

/* ---- remote_kept.c: the transport's operations of these names */
NTSTATUS remote_keep(void *transport, const struct guest_kept *object, int *descriptor);
NTSTATUS remote_look_up(void *transport, int descriptor, struct guest_kept *kept);

/* ---- remote_adapters.c */

/* What the welcome tells. */
void remote_adapters_init(struct remote_adapters *adapters, const struct remote_adapter *found);
void remote_adapters_destroy(struct remote_adapters *adapters);

/* Lets those that are there arrive; STATUS_NO_MEMORY when there was none for one of them. */
NTSTATUS remote_adapters_arrive(struct remote_transport *transport);
/* Starts the thread. False: there is none. */
bool remote_adapters_start(struct remote_transport *transport);

/* A packet of the host's about an adapter, or the end of the connection. From the receiver. */
void remote_adapters_hear(struct remote_transport *transport, const struct remote_packet *packet);
void remote_adapters_end(struct remote_transport *transport);

/* The engine has ended its waits for one that goes: waits until the host has let it go. */
void remote_adapters_let_go(struct remote_transport *transport, uint32_t number);

#endif
