/* SPDX-License-Identifier: MIT */
/*
 * Adapters that come and go while guests use them. An adapter goes in three steps, each of which
 * all guests take before the next begins: their waits end; the host lets its devices fail, which
 * sets fences to all ones; they forget it and keep copies of its memory. Then the host removes it.
 * A guest that does not take its step in time is ended.
 */
#include "backend-loopback/hostd/hostd.h"
#include "core/clock.h"

#include <string.h>
#include <unistd.h>

#define PATIENCE_NS UINT64_C(5000000000) /* for each step */

/* ---- with the server's mutex */

static void tell_all(struct hostd *hostd, enum remote_packet_type type, const void *body,
                     size_t size)
{
    for (struct hostd_guest *guest = hostd->guests; guest; guest = guest->next)
        if (guest->welcomed)
            hostd_guest_tell(guest, type, body, size);
}

static bool is_owed(const struct hostd *hostd, uint32_t number, enum remote_packet_type type)
{
    for (const struct hostd_guest *guest = hostd->guests; guest; guest = guest->next)
        if (guest->owes[number] == type)
            return true;
    return false;
}

/* Every guest that had to send `from` now owes `to`. */
static void demand(struct hostd *hostd, uint32_t number, enum remote_packet_type telling,
                   enum remote_packet_type from, enum remote_packet_type to)
{
    const struct remote_number body = {number};

    for (struct hostd_guest *guest = hostd->guests; guest; guest = guest->next) {
        if (!guest->welcomed || guest->owes[number] != from)
            continue;
        guest->owes[number] = to;
        hostd_guest_tell(guest, telling, &body, sizeof(body));
    }
    hostd->departures[number].patience_until = now_ns() + PATIENCE_NS;
}

/* What comes next, if nobody has to be waited for. Lets go of the mutex meanwhile; the phase says
 * that somebody is at it. */
static void advance(struct hostd *hostd, uint32_t number)
{
    struct hostd_departure *departure = &hostd->departures[number];
    const struct remote_number body = {number};

    if (departure->phase == HOSTD_QUIETING && !is_owed(hostd, number, REMOTE_QUIET)) {
        departure->phase = HOSTD_LOSING;
        pthread_mutex_unlock(&hostd->mutex);
        (void)host_adapter_lose(hostd->host, number);
        pthread_mutex_lock(&hostd->mutex);
        departure->phase = HOSTD_LEAVING;
        demand(hostd, number, REMOTE_LOST, REMOTE_LOST, REMOTE_LEFT);
    }
    if (departure->phase == HOSTD_LEAVING && !is_owed(hostd, number, REMOTE_LEFT)) {
        departure->phase = HOSTD_REMOVING;
        pthread_mutex_unlock(&hostd->mutex);
        (void)host_adapter_remove(hostd->host, number);
        pthread_mutex_lock(&hostd->mutex);
        departure->phase = HOSTD_ABSENT;
        tell_all(hostd, REMOTE_REMOVED, &body, sizeof(body));
        pthread_cond_broadcast(&hostd->changed);
    }
}

static struct remote_adapter describe(struct hostd *hostd, uint32_t number)
{
    struct remote_adapter adapter = {.present = hostd->departures[number].phase == HOSTD_STAYS &&
                                                host_adapter_is_present(hostd->host, number)};

    if (adapter.present) {
        host_vgpu_instance(hostd->host, number, adapter.instance);
        adapter.compute_only = host_adapter_is_compute_only(hostd->host, number);
    }
    return adapter;
}

void hostd_adapters_describe(struct hostd *hostd, struct remote_adapter *adapters)
{
    for (uint32_t i = 0; i < REMOTE_MAX_ADAPTERS; i++)
        adapters[i] = describe(hostd, i);
}

/* ---- without it */

NTSTATUS hostd_adapter_add(struct hostd *hostd, const struct remote_add *wanted, uint32_t *number)
{
    struct host_adapter_config config = hostd->config.host.adapters[0];
    struct remote_arrived arrived;

    config.luid = (LUID){wanted->luid_low, wanted->luid_high};
    config.compute_only = wanted->compute_only != 0;
    NTSTATUS status = host_adapter_add(hostd->host, &config, number);
    if (!NT_SUCCESS(status))
        return status;
    pthread_mutex_lock(&hostd->mutex);
    /* Its place is free as soon as the host lets go of the one before; then guests are told. */
    while (hostd->departures[*number].phase != HOSTD_ABSENT)
        pthread_cond_wait(&hostd->changed, &hostd->mutex);
    hostd->departures[*number].phase = HOSTD_STAYS;
    arrived = (struct remote_arrived){*number, describe(hostd, *number)};
    tell_all(hostd, REMOTE_ARRIVED, &arrived, sizeof(arrived));
    pthread_mutex_unlock(&hostd->mutex);
    return STATUS_SUCCESS;
}

NTSTATUS hostd_adapter_remove(struct hostd *hostd, uint32_t number)
{
    const uint64_t one = 1;
    NTSTATUS status = STATUS_INVALID_PARAMETER;

    if (number >= REMOTE_MAX_ADAPTERS)
        return status;
    pthread_mutex_lock(&hostd->mutex);
    if (describe(hostd, number).present) {
        hostd->departures[number].phase = HOSTD_QUIETING;
        demand(hostd, number, REMOTE_LEAVING, 0, REMOTE_QUIET);
        (void)!write(hostd->wake, &one, sizeof(one)); /* the counter is far from full */
        advance(hostd, number);
        status = STATUS_SUCCESS;
    }
    pthread_mutex_unlock(&hostd->mutex);
    return status;
}

bool hostd_adapter_step(struct hostd_guest *guest, uint32_t number, enum remote_packet_type done)
{
    struct hostd *hostd = guest->hostd;
    bool due = false;

    if (number >= REMOTE_MAX_ADAPTERS)
        return false;
    pthread_mutex_lock(&hostd->mutex);
    due = guest->owes[number] == done;
    if (due) {
        guest->owes[number] = done == REMOTE_QUIET ? REMOTE_LOST : 0;
        advance(hostd, number);
    }
    pthread_mutex_unlock(&hostd->mutex);
    return due;
}

void hostd_adapters_forget(struct hostd *hostd, struct hostd_guest *guest)
{
    pthread_mutex_lock(&hostd->mutex);
    guest->welcomed = false; /* it takes part in nothing that begins now */
    memset(guest->owes, 0, sizeof(guest->owes));
    for (uint32_t i = 0; i < REMOTE_MAX_ADAPTERS; i++)
        advance(hostd, i);
    pthread_mutex_unlock(&hostd->mutex);
}

bool hostd_adapters_hurry(struct hostd *hostd)
{
    bool any = false;

    pthread_mutex_lock(&hostd->mutex);
    for (uint32_t i = 0; i < REMOTE_MAX_ADAPTERS; i++) {
        const struct hostd_departure *departure = &hostd->departures[i];
        bool going = departure->phase != HOSTD_STAYS && departure->phase != HOSTD_ABSENT;
        bool late = going && now_ns() > departure->patience_until;

        any |= going;
        for (struct hostd_guest *guest = hostd->guests; late && guest; guest = guest->next) {
            if (guest->owes[i] != REMOTE_QUIET && guest->owes[i] != REMOTE_LEFT)
                continue;
            hostd_log(hostd, HOST_LOG_WARNING, "guest %llu does not let go of adapter %u",
                      (unsigned long long)guest->number, i);
            hostd_guest_interrupt(guest);
        }
    }
    pthread_mutex_unlock(&hostd->mutex);
    return any;
}
