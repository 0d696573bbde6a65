/* SPDX-License-Identifier: MIT */
/*
 * An open VMBus channel: requests of many threads at once, replies by transaction, the host's own
 * messages, and its end.
 *
 * No thread exists for reading. Whoever waits for a reply reads for all (the reader), hands replies
 * to those who wait for them, and passes the reading on when its own has come; the rest sleep. When
 * nobody waits, the channel's owner is to call vmbus_channel_serve after an interrupt.
 */
#ifndef BACKEND_VMBUS_UIO_CHANNEL_H
#define BACKEND_VMBUS_UIO_CHANNEL_H

#include "backend-vmbus-uio/rings.h"
#include "core/rundown.h"

#include <pthread.h>
#include <stdatomic.h>

/* What a channel tells its owner, on any thread. */
struct vmbus_channel_owner {
    void *context;
    /* A message of the host, in order, with no lock held; NULL: there are none to come. */
    void (*message)(void *context, const void *bytes, size_t size);
    /* The channel is dead, or packets are left that nobody reads: the owner is to serve it soon.
     * May be called with locks held, and must not call back. */
    void (*attend)(void *context);
};

struct vmbus_request;

struct vmbus_channel {
    struct rundown users; /* closed while the channel is */
    struct vmbus_node node;
    struct vmbus_rings rings;
    void *monitor_page; /* NULL: the host is signalled through the node */
    uint32_t monitor;
    int kick; /* an eventfd that wakes the reader when the channel dies */
    struct vmbus_channel_owner owner;
    atomic_bool dead;

    pthread_mutex_t send_mutex;
    struct vmbus_sender sender;
    uint64_t last_transaction; /* never repeats: a late reply finds nobody */
    uint64_t full_since;       /* when the ring first had no room; 0: it had for the last packet */

    pthread_mutex_t mutex; /* guards what follows; may be taken under send_mutex */
    pthread_cond_t space;
    bool space_wanted;              /* somebody waits for space */
    atomic_bool reading;            /* somebody is the reader; set and cleared with the mutex */
    bool missed;                    /* an interrupt came meanwhile */
    struct vmbus_request *requests; /* that wait for replies */

    struct vmbus_receiver receiver; /* the reader's, as what follows */
    uint64_t spin_ns, most_spin_ns;
};

/* Prepares a channel that is not open, and takes it down. */
void vmbus_channel_init(struct vmbus_channel *channel);
void vmbus_channel_destroy(struct vmbus_channel *channel);

/*
 * Opens the device's channel; it must not be open. most_spin_ns: how long replies are looked for at
 * most before the thread sleeps. Explained: STATUS_ACCESS_DENIED, STATUS_DEVICE_REMOVED,
 * STATUS_UNSUCCESSFUL (in use, or what is there is no channel), STATUS_NO_MEMORY.
 */
NTSTATUS vmbus_channel_open(struct vmbus_channel *channel, const char *root,
                            const struct vmbus_device *device, uint64_t most_spin_ns,
                            const struct vmbus_channel_owner *owner);

/* Ends all calls in progress with STATUS_DEVICE_REMOVED, and closes. One that is not open is fine.
 */
void vmbus_channel_close(struct vmbus_channel *channel);

/* The most payload that one packet can have, in the ring that is the smaller one. */
size_t vmbus_channel_largest(struct vmbus_channel *channel);

/*
 * As the members of struct transport_ops. A message that is larger than the ring is
 * STATUS_INVALID_PARAMETER; one that finds no room for VMBUS_SEND_LIMIT_MS, in which no other was
 * sent either, is STATUS_INSUFFICIENT_RESOURCES.
 */
enum { VMBUS_SEND_LIMIT_MS = 5000 };

NTSTATUS vmbus_channel_exchange(struct vmbus_channel *channel, const void *message, size_t size,
                                void *reply, size_t capacity, size_t *reply_size);
NTSTATUS vmbus_channel_post(struct vmbus_channel *channel, const void *message, size_t size);

/* Reads what is there unless somebody else does. False: the channel is dead, or not open. */
bool vmbus_channel_serve(struct vmbus_channel *channel);

/* In a forked child: lets go of the parent's channel. */
void vmbus_channel_after_fork(struct vmbus_channel *channel);

#endif
