/* SPDX-License-Identifier: MIT */
/* Commands from shared memory: one thread for each slot that a guest uses. */
#include "backend-loopback/hostd/hostd.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

enum { JOIN_AGAIN_NS = 10000000 };

/* What the guest wrote, copied once. */
struct order {
    uint32_t channel, size, capacity;
};

static bool take_order(struct remote_slot *slot, struct order *order)
{
    order->channel = *(volatile uint32_t *)&slot->channel;
    order->size = *(volatile uint32_t *)&slot->size;
    order->capacity = *(volatile uint32_t *)&slot->capacity;
    return order->channel <= REMOTE_MAX_ADAPTERS && order->size <= REMOTE_MESSAGE_LIMIT &&
           order->capacity <= REMOTE_MESSAGE_LIMIT;
}

/* The reply is built in private memory: what stands in the slot may change under the host's hand.
 */
static bool carry_out(struct hostd_guest *guest, struct remote_slot *slot, unsigned char *reply)
{
    struct order order;

    if (!take_order(slot, &order))
        return false;
    int channel = order.channel == 0 ? HOST_GLOBAL_CHANNEL : (int)order.channel - 1;
    size_t size = host_command(guest->guest, channel, slot->command, order.size, order.capacity > 0,
                               reply, order.capacity);
    if (size > 0)
        memcpy(slot->reply, reply, size);
    slot->reply_size = (uint32_t)size;
    return true;
}

static void *serve(void *context)
{
    struct hostd_slot_thread *own = context;
    struct hostd_guest *guest = own->guest;
    unsigned char *reply = aligned_alloc(8, REMOTE_MESSAGE_LIMIT);
    uint32_t state = REMOTE_SLOT_IDLE;

    while (reply && !atomic_load(&guest->closing)) {
        state = remote_slot_wait(own->slot, REMOTE_SLOT_IDLE, guest->hostd->config.spin_ns);
        if (state == REMOTE_SLOT_IDLE)
            continue;
        if (state != REMOTE_SLOT_COMMAND || !carry_out(guest, own->slot, reply))
            break;
        remote_slot_set(own->slot, REMOTE_SLOT_IDLE);
    }
    if (!atomic_load(&guest->closing) && state != REMOTE_SLOT_CLOSED) {
        hostd_log(guest->hostd, HOST_LOG_WARNING, "guest %llu: %s",
                  (unsigned long long)guest->number,
                  reply ? "a slot holds what is no command" : "no memory for a reply");
        hostd_guest_interrupt(guest);
    }
    free(reply);
    return NULL;
}

bool hostd_slot_open(struct hostd_guest *guest, uint32_t slot)
{
    if (slot >= REMOTE_SLOTS || guest->threads[slot].started)
        return false;
    struct hostd_slot_thread *own = &guest->threads[slot];
    own->guest = guest;
    own->slot = &guest->slots[slot];
    own->started = pthread_create(&own->thread, NULL, serve, own) == 0;
    return own->started;
}

/* A guest that still writes could let a thread sleep again: it is woken until it has ended. */
static void join(struct hostd_slot_thread *own)
{
    struct timespec until;

    do {
        remote_slot_close(own->slot);
        clock_gettime(CLOCK_REALTIME, &until);
        until.tv_nsec += JOIN_AGAIN_NS;
        if (until.tv_nsec >= 1000000000) {
            until.tv_nsec -= 1000000000;
            until.tv_sec++;
        }
    } while (pthread_timedjoin_np(own->thread, NULL, &until) == ETIMEDOUT);
}

void hostd_slots_close(struct hostd_guest *guest)
{
    atomic_store(&guest->closing, true);
    for (uint32_t i = 0; i < REMOTE_SLOTS; i++)
        if (guest->threads[i].started)
            remote_slot_close(&guest->slots[i]);
    host_guest_stop(guest->guest, HOST_GLOBAL_CHANNEL);
    for (uint32_t i = 0; i < REMOTE_SLOTS; i++)
        if (guest->threads[i].started)
            join(&guest->threads[i]);
}
