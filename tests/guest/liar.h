/* SPDX-License-Identifier: MIT */
/*
 * A host that lies: a transport of the guest engine around the simulated host. Every exchange is
 * carried out honestly and then shown to a hook, which may change the reply in any way. Nothing of
 * the engine runs inside a hook; what needs the engine is handed to a thread of the liar's own.
 */
#ifndef TESTS_GUEST_LIAR_H
#define TESTS_GUEST_LIAR_H

#include "backend-loopback/transport.h"
#include "core/wire/request.h"

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct liar;

/* An exchange after the honest host has answered. */
struct liar_exchange {
    const struct wire_request *request;
    guest_channel channel;
    unsigned number; /* counts from 0 since liar_listen */
    unsigned char *reply;
    size_t capacity; /* bytes behind size are 0xa5 */
    size_t size;     /* of the reply; the hook may change it, up to capacity */
    NTSTATUS status; /* of the transport; likewise */
};

typedef void liar_hook(struct liar *liar, struct liar_exchange *exchange, void *context);

enum { LIAR_MESSAGE_MAX = 64, LIAR_QUEUE = 256 };

/* What the liar's thread does next: a host message, or a function. */
struct liar_job {
    void (*run)(struct liar *liar); /* NULL: the message */
    unsigned char bytes[LIAR_MESSAGE_MAX];
    size_t size;
};

struct liar {
    struct loopback_transport real;
    struct host_config config;
    liar_hook *hook;
    void *hook_context;
    uint32_t offered_version, host_caps; /* in place of the host's when not 0 */
    NTSTATUS refuse_open, refuse_io_space, refuse_map, refuse_pin, refuse_gpadl; /* failures */
    pthread_mutex_t mutex;
    pthread_cond_t condition; /* a job came or is done, a channel was closed */
    pthread_t thread;
    bool quit;
    unsigned exchanges, closings;
    size_t first_job, job_count;
    struct liar_job jobs[LIAR_QUEUE];
};

/* Starts host, VM and thread. config: what differs from one adapter with defaults; may be NULL. */
struct liar *liar_open(const struct host_config *config);
/* Starts host and VM, but no adapter arrives yet. */
struct liar *liar_open_empty(const struct host_config *config);
void liar_close(struct liar *liar);

/* Sets the hook (NULL: honest) and counts exchanges from 0. */
void liar_listen(struct liar *liar, liar_hook *hook, void *context);

/* Adapter 0 arrives; or goes by its PCI function, which the engine announces to the host. */
void liar_arrive(struct liar *liar);
void liar_remove(struct liar *liar);

/* Has the liar's thread do something; false when its queue is full. */
bool liar_send(struct liar *liar, const void *bytes, size_t size);
bool liar_run(struct liar *liar, void (*run)(struct liar *liar));
/* Waits until the thread has done all. */
void liar_settle(struct liar *liar);

/* Inside a hook: waits until a channel was closed since the exchange began with this count. */
void liar_await_closing(struct liar *liar, unsigned closings);

/* A process on the VM; aborts on failure unless status is given. */
struct guest_process *liar_process(struct liar *liar, bool check_pointers);

#endif
