/* SPDX-License-Identifier: MIT */
/*
 * What the host tells a guest without being asked, on its way. Engines send messages and must not
 * wait for a guest that does not read, so packets wait in its place, up to a number that no honest
 * guest reaches.
 */
#include "backend-loopback/hostd/hostd.h"

#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum { MOST_WAITING = 1 << 17 };

struct hostd_waiting {
    struct hostd_waiting *next;
    enum remote_packet_type type;
    size_t size;
    unsigned char bytes[];
};

static enum remote_result send_now(struct hostd_guest *guest, enum remote_packet_type type,
                                   const void *bytes, size_t size)
{
    struct remote_outgoing packet = {.type = type, .tail = bytes, .tail_size = size};

    return remote_send(guest->socket, &packet, false);
}

/* Under the mutex. False: too many wait, or there is no memory. */
static bool append(struct hostd_guest *guest, enum remote_packet_type type, const void *bytes,
                   size_t size)
{
    struct hostd_waiting *made =
        guest->waiting_count < MOST_WAITING ? malloc(sizeof(*made) + size) : NULL;
    const uint64_t one = 1;

    if (!made)
        return false;
    made->next = NULL;
    made->type = type;
    made->size = size;
    memcpy(made->bytes, bytes, size);
    if (guest->last)
        guest->last->next = made;
    else
        guest->first = made;
    guest->last = made;
    if (guest->waiting_count++ == 0)
        (void)!write(guest->wake, &one, sizeof(one)); /* the counter is far from full */
    return true;
}

void hostd_guest_tell(struct hostd_guest *guest, enum remote_packet_type type, const void *bytes,
                      size_t size)
{
    enum remote_result result = REMOTE_FULL;
    bool lost = false;

    pthread_mutex_lock(&guest->mutex);
    if (!guest->first)
        result = send_now(guest, type, bytes, size);
    if (result == REMOTE_FULL)
        lost = !append(guest, type, bytes, size);
    pthread_mutex_unlock(&guest->mutex);
    if (lost) {
        hostd_log(guest->hostd, HOST_LOG_WARNING, "guest %llu does not read its messages",
                  (unsigned long long)guest->number);
        hostd_guest_interrupt(guest);
    }
}

void hostd_guest_send_message(void *context, const void *bytes, size_t size)
{
    hostd_guest_tell(context, REMOTE_MESSAGE, bytes, size);
}

bool hostd_guest_send_waiting(struct hostd_guest *guest)
{
    pthread_mutex_lock(&guest->mutex);
    while (guest->first && send_now(guest, guest->first->type, guest->first->bytes,
                                    guest->first->size) == REMOTE_OK) {
        struct hostd_waiting *sent = guest->first;

        guest->first = sent->next;
        if (!guest->first)
            guest->last = NULL;
        guest->waiting_count--;
        free(sent);
    }
    bool more = guest->first != NULL;
    pthread_mutex_unlock(&guest->mutex);
    return more;
}

void hostd_guest_drop_waiting(struct hostd_guest *guest)
{
    while (guest->first) {
        struct hostd_waiting *next = guest->first->next;

        free(guest->first);
        guest->first = next;
    }
}
