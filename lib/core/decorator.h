/* SPDX-License-Identifier: MIT */
/*
 * Where a decorator stands: around the backend's operations and around the guest engine's messages.
 * While there is none, each costs one load and one branch.
 */
#ifndef CORE_DECORATOR_H
#define CORE_DECORATOR_H

#include <d3dkmt/backend.h>

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A message on its way to the host; lives as long as the sending of it. */
struct decorated_message {
    const void *command; /* the descriptor of core/wire */
    bool wants_reply;
    size_t reply_size; /* what arrived, once send has returned; a decorator may make it smaller */
    /* Hands it to the transport and waits for the reply, if it wants one. */
    NTSTATUS (*send)(struct decorated_message *message);
    /*
     * Lets the channel, by the two values beside it, go as if the host had rescinded it. Takes the
     * engine's locks: only after the operation that the message is part of.
     */
    void (*depart)(void *vm, uint32_t channel, bool global);
    void *vm;
    uint32_t channel;
    bool global;
};

struct decorator {
    /* In place of the backend's call: any thread, the backend stays open until it returns. */
    NTSTATUS(*call)
    (const struct d3dkmt_backend *backend, void *instance, const struct d3dkmt_op *op, void *args);
    /* In place of message->send. A failure must be explained (d3dkmti_fail). */
    NTSTATUS (*message)(struct decorated_message *message);
};

extern _Atomic(const struct decorator *) decorator_in_use;

/* The decorator in use, or NULL. */
static inline const struct decorator *decorator_get(void)
{
    return atomic_load_explicit(&decorator_in_use, memory_order_relaxed);
}

#endif
