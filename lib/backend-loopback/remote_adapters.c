/* SPDX-License-Identifier: MIT */
/* Adapters of a host in another process: how they come, and how they go in step with all guests. */
#include "backend-loopback/remote_parts.h"

#include <string.h>

/* ---- what is known; it changes with the mutex */

void remote_adapters_init(struct remote_adapters *adapters, const struct remote_adapter *found)
{
    for (uint32_t i = 0; i < REMOTE_MAX_ADAPTERS; i++) {
        adapters->known[i].adapter = found[i];
        adapters->known[i].place = found[i].present ? REMOTE_ARRIVING : REMOTE_ABSENT;
    }
}

void remote_adapters_destroy(struct remote_adapters *adapters)
{
    pthread_cond_destroy(&adapters->changed);
    pthread_mutex_destroy(&adapters->mutex);
}

static void move(struct remote_adapters *adapters, struct remote_known_adapter *known,
                 enum remote_place place)
{
    pthread_mutex_lock(&adapters->mutex);
    known->place = place;
    if (place == REMOTE_FADING)
        known->leaving = known->lost = false;
    pthread_cond_broadcast(&adapters->changed);
    pthread_mutex_unlock(&adapters->mutex);
}

/* ---- the engine's side */

static uint32_t number_of(const struct remote_adapters *adapters,
                          const struct remote_known_adapter *known)
{
    return (uint32_t)(known - adapters->known);
}

/* Channels are numbered from 1, functions from 0. */
static void arrive(struct remote_transport *transport, struct remote_known_adapter *known)
{
    uint32_t number = number_of(&transport->adapters, known);
    LUID luid;

    memcpy(&luid, known->adapter.instance, sizeof(luid));
    known->status = d3dkmti_guest_vm_channel_offered(transport->vm, number + 1, luid);
    if (NT_SUCCESS(known->status))
        known->status =
            d3dkmti_guest_vm_pci_added(transport->vm, number, known->adapter.compute_only != 0);
    move(&transport->adapters, known, REMOTE_HERE);
}

static void depart(struct remote_transport *transport, struct remote_known_adapter *known)
{
    struct remote_number body = {number_of(&transport->adapters, known)};

    move(&transport->adapters, known, REMOTE_FADING);
    d3dkmti_guest_vm_channel_rescinded(transport->vm, body.adapter + 1);
    /* One that the engine did not start has nothing to await. */
    remote_adapters_let_go(transport, body.adapter);
    d3dkmti_guest_vm_pci_removed(transport->vm, body.adapter);
    move(&transport->adapters, known, REMOTE_OUT);
    (void)remote_request(transport, REMOTE_LEFT, &body, sizeof(body), NULL);
}

void remote_adapters_let_go(struct remote_transport *transport, uint32_t number)
{
    struct remote_adapters *adapters = &transport->adapters;
    struct remote_known_adapter *known = &adapters->known[number];
    struct remote_number body = {number};

    pthread_mutex_lock(&adapters->mutex);
    bool due = known->place == REMOTE_FADING && !known->lost && !adapters->gone;
    pthread_mutex_unlock(&adapters->mutex);
    if (!due || !NT_SUCCESS(remote_request(transport, REMOTE_QUIET, &body, sizeof(body), NULL)))
        return;
    pthread_mutex_lock(&adapters->mutex);
    while (!known->lost && !adapters->gone)
        pthread_cond_wait(&adapters->changed, &adapters->mutex);
    pthread_mutex_unlock(&adapters->mutex);
}

/* ---- the thread */

/* One for which there is something to do. */
static struct remote_known_adapter *find_work(struct remote_adapters *adapters)
{
    for (uint32_t i = 0; i < REMOTE_MAX_ADAPTERS; i++) {
        struct remote_known_adapter *known = &adapters->known[i];

        if (known->place == REMOTE_ARRIVING || (known->place == REMOTE_HERE && known->leaving))
            return known;
    }
    return NULL;
}

static void end_all(struct remote_transport *transport)
{
    for (uint32_t i = 0; i < REMOTE_MAX_ADAPTERS; i++) {
        d3dkmti_guest_vm_channel_rescinded(transport->vm, i + 1);
        d3dkmti_guest_vm_pci_removed(transport->vm, i);
    }
    d3dkmti_guest_vm_global_rescinded(transport->vm);
}

static void *follow(void *context)
{
    struct remote_transport *transport = context;
    struct remote_adapters *adapters = &transport->adapters;

    pthread_mutex_lock(&adapters->mutex);
    while (!adapters->gone) {
        struct remote_known_adapter *known = find_work(adapters);

        if (!known) {
            pthread_cond_wait(&adapters->changed, &adapters->mutex);
            continue;
        }
        pthread_mutex_unlock(&adapters->mutex);
        if (known->place == REMOTE_ARRIVING)
            arrive(transport, known);
        else
            depart(transport, known);
        pthread_mutex_lock(&adapters->mutex);
    }
    pthread_mutex_unlock(&adapters->mutex);
    end_all(transport);
    return NULL;
}

bool remote_adapters_start(struct remote_transport *transport)
{
    return remote_thread_start(&transport->adapters.thread, follow, transport);
}

NTSTATUS remote_adapters_arrive(struct remote_transport *transport)
{
    struct remote_adapters *adapters = &transport->adapters;
    struct remote_known_adapter *known;

    (void)d3dkmti_guest_vm_global_offered(transport->vm); /* nothing starts yet */
    for (uint32_t i = 0; i < REMOTE_MAX_ADAPTERS; i++) {
        pthread_mutex_lock(&adapters->mutex);
        known = adapters->known[i].place == REMOTE_ARRIVING ? &adapters->known[i] : NULL;
        pthread_mutex_unlock(&adapters->mutex);
        if (known)
            arrive(transport, known);
        /* One that the host refuses stays away; one without memory must not be missed. */
        if (known && known->status == STATUS_NO_MEMORY)
            return STATUS_NO_MEMORY;
    }
    return STATUS_SUCCESS;
}

/* ---- what the host says */

static void note_arrival(struct remote_adapters *adapters, const struct remote_arrived *arrived)
{
    struct remote_known_adapter *known =
        arrived->number < REMOTE_MAX_ADAPTERS ? &adapters->known[arrived->number] : NULL;

    /* It may have been in the welcome already. */
    if (!known || known->place != REMOTE_ABSENT)
        return;
    known->adapter = arrived->adapter;
    known->place = REMOTE_ARRIVING;
}

static void note_step(struct remote_adapters *adapters, uint32_t number,
                      enum remote_packet_type step)
{
    struct remote_known_adapter *known =
        number < REMOTE_MAX_ADAPTERS ? &adapters->known[number] : NULL;

    if (!known)
        return;
    if (step == REMOTE_LEAVING) {
        known->leaving = known->place == REMOTE_ARRIVING || known->place == REMOTE_HERE;
    } else if (step == REMOTE_LOST && known->place == REMOTE_FADING) {
        known->lost = true;
    } else if (step == REMOTE_REMOVED && known->place == REMOTE_OUT) {
        known->place = REMOTE_ABSENT;
        known->removals++;
    }
}

void remote_adapters_hear(struct remote_transport *transport, const struct remote_packet *packet)
{
    struct remote_adapters *adapters = &transport->adapters;

    pthread_mutex_lock(&adapters->mutex);
    if (packet->type == REMOTE_ARRIVED)
        note_arrival(adapters, packet->body);
    else
        note_step(adapters, ((const struct remote_number *)packet->body)->adapter, packet->type);
    pthread_cond_broadcast(&adapters->changed);
    pthread_mutex_unlock(&adapters->mutex);
}

void remote_adapters_end(struct remote_transport *transport)
{
    struct remote_adapters *adapters = &transport->adapters;

    pthread_mutex_lock(&adapters->mutex);
    adapters->gone = true;
    pthread_cond_broadcast(&adapters->changed);
    pthread_mutex_unlock(&adapters->mutex);
}

/* ---- hot-plug */

NTSTATUS remote_transport_add(struct remote_transport *transport, LUID luid, bool compute_only,
                              uint32_t *number)
{
    struct remote_adapters *adapters = &transport->adapters;
    struct remote_add body = {luid.LowPart, luid.HighPart, compute_only};
    NTSTATUS status = remote_request(transport, REMOTE_ADD, &body, sizeof(body), number);

    if (!NT_SUCCESS(status))
        return status;
    if (*number >= REMOTE_MAX_ADAPTERS)
        return STATUS_INVALID_PARAMETER;
    /* The host has told of it before it answered. */
    pthread_mutex_lock(&adapters->mutex);
    while (adapters->known[*number].place == REMOTE_ARRIVING && !adapters->gone)
        pthread_cond_wait(&adapters->changed, &adapters->mutex);
    status = adapters->gone ? STATUS_DEVICE_REMOVED : adapters->known[*number].status;
    pthread_mutex_unlock(&adapters->mutex);
    return status;
}

NTSTATUS remote_transport_remove(struct remote_transport *transport, uint32_t number)
{
    struct remote_adapters *adapters = &transport->adapters;
    struct remote_number body = {number};

    if (number >= REMOTE_MAX_ADAPTERS)
        return STATUS_INVALID_PARAMETER;
    struct remote_known_adapter *known = &adapters->known[number];
    pthread_mutex_lock(&adapters->mutex);
    uint64_t removals = known->removals;
    pthread_mutex_unlock(&adapters->mutex);
    NTSTATUS status = remote_request(transport, REMOTE_REMOVE, &body, sizeof(body), NULL);
    if (!NT_SUCCESS(status))
        return status;
    pthread_mutex_lock(&adapters->mutex);
    while (known->removals == removals && !adapters->gone)
        pthread_cond_wait(&adapters->changed, &adapters->mutex);
    status = adapters->gone ? STATUS_DEVICE_REMOVED : STATUS_SUCCESS;
    pthread_mutex_unlock(&adapters->mutex);
    return status;
}
