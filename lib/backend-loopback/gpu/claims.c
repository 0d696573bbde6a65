/* SPDX-License-Identifier: MIT */
/*
 * Which queues have mutexes, as far as their packets go. A queue works in order: once a wait for a
 * mutex is in it, everything behind owns the mutex, up to the signal that gives it back. So a
 * signal without a wait before it, and a second wait, which would wait for itself, are known to be
 * wrong when they are queued.
 */
#include <stdlib.h>

#include "backend-loopback/gpu/engine.h"

/* All lists are guarded by the machine's wait_lock. */
struct gpu_claim {
    struct gpu_fence *mutex; /* a reference */
    struct gpu_claim *next;
};

static pthread_mutex_t *lock_of(struct gpu_queue *queue)
{
    return &queue->node->adapter->machine->wait_lock;
}

static struct gpu_claim **find(struct gpu_queue *queue, const struct gpu_fence *mutex)
{
    struct gpu_claim **link = &queue->claims;

    while (*link && (*link)->mutex != mutex)
        link = &(*link)->next;
    return link;
}

static void free_claims(struct gpu_claim *claims)
{
    while (claims) {
        struct gpu_claim *next = claims->next;

        gpu_fence_release(claims->mutex);
        free(claims);
        claims = next;
    }
}

static struct gpu_claim *new_claim(struct gpu_fence *mutex)
{
    struct gpu_claim *claim = calloc(1, sizeof(*claim));

    if (claim)
        claim->mutex = gpu_fence_reference(mutex);
    return claim;
}

NTSTATUS gpu_claims_add(struct gpu_queue *queue, struct gpu_fence *mutex)
{
    struct gpu_claim *claim;
    struct gpu_claim **link;

    if (mutex->type != GPU_FENCE_MUTEX)
        return STATUS_SUCCESS;
    claim = new_claim(mutex);
    if (!claim)
        return STATUS_NO_MEMORY;
    pthread_mutex_lock(lock_of(queue));
    link = find(queue, mutex);
    if (!*link) {
        *link = claim;
        claim = NULL;
    }
    pthread_mutex_unlock(lock_of(queue));
    free_claims(claim);
    return claim ? STATUS_INVALID_PARAMETER : STATUS_SUCCESS;
}

/* The claim moves to `taken`. A mutex that was made owned has no claim: the first who gives it back
 * becomes its owner. */
static bool take_one(struct gpu_queue *queue, struct gpu_fence *mutex, struct gpu_claim **taken)
{
    struct gpu_claim **link = find(queue, mutex);
    struct gpu_claim *claim = *link;

    if (claim) {
        *link = claim->next;
        claim->next = *taken;
        *taken = claim;
        return true;
    }
    if (atomic_load(mutex->value) != 0 || mutex->owner)
        return false;
    mutex->owner = queue;
    return true;
}

/* Undoes take_one for the first `count` of the list. */
static void put_back(struct gpu_queue *queue, uint32_t count, struct gpu_fence *const *fences,
                     struct gpu_claim *taken)
{
    for (uint32_t i = 0; i < count; i++) {
        struct gpu_claim *claim = taken;

        while (claim && claim->mutex != fences[i])
            claim = claim->next;
        if (fences[i]->type == GPU_FENCE_MUTEX && !claim)
            fences[i]->owner = NULL;
    }
    while (taken) {
        struct gpu_claim *next = taken->next;

        taken->next = queue->claims;
        queue->claims = taken;
        taken = next;
    }
}

NTSTATUS gpu_claims_take(struct gpu_queue *queue, uint32_t count, struct gpu_fence *const *fences,
                         struct gpu_claim **taken)
{
    uint32_t done = 0;

    *taken = NULL;
    pthread_mutex_lock(lock_of(queue));
    while (done < count &&
           (fences[done]->type != GPU_FENCE_MUTEX || take_one(queue, fences[done], taken)))
        done++;
    if (done < count) {
        put_back(queue, done, fences, *taken);
        *taken = NULL;
    }
    pthread_mutex_unlock(lock_of(queue));
    return done < count ? STATUS_INVALID_PARAMETER : STATUS_SUCCESS;
}

void gpu_claims_end(struct gpu_queue *queue, uint32_t count, struct gpu_fence *const *fences,
                    struct gpu_claim *taken, bool queued)
{
    if (queued) {
        free_claims(taken);
        return;
    }
    pthread_mutex_lock(lock_of(queue));
    put_back(queue, count, fences, taken);
    pthread_mutex_unlock(lock_of(queue));
}

void gpu_claims_drop(struct gpu_queue *queue, const struct gpu_fence *mutex)
{
    struct gpu_claim *dropped = NULL;
    struct gpu_claim **link;

    pthread_mutex_lock(lock_of(queue));
    link = mutex ? find(queue, mutex) : &queue->claims;
    dropped = *link;
    if (dropped && mutex) {
        *link = dropped->next;
        dropped->next = NULL;
    } else {
        *link = NULL;
    }
    pthread_mutex_unlock(lock_of(queue));
    /* What a dying queue has taken already goes to those who wait: it will never be given back. */
    for (struct gpu_claim *claim = mutex ? NULL : dropped; claim; claim = claim->next)
        (void)gpu_fence_give(claim->mutex, queue);
    free_claims(dropped);
}
