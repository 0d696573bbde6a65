/* SPDX-License-Identifier: MIT */
/* CPU waits: waiters from the pool of their group. */
#include "backend-loopback/gpu/wait.h"

#include <stdlib.h>

#include "backend-loopback/gpu/objects.h"
#include "backend-loopback/gpu/waiter.h"

#define DEFAULT_LIMIT 65536u
#define POOLED        64u /* waits that a group keeps for the next ones */
#define FEW_FENCES    4u  /* of a wait from the pool; larger ones are rare */

struct cpu_wait {
    struct gpu_waiter waiter; /* first member */
    struct gpu_wait_group *group;
    gpu_wait_callback callback;
    void *context;
    struct cpu_wait *next; /* open waits or the pool */
    struct cpu_wait *previous;
    uint32_t capacity;
    struct gpu_waiter_entry entries[];
};

/* All guarded by the machine's wait_lock. */
struct gpu_wait_group {
    struct gpu_machine *machine;
    pthread_cond_t drained;
    uint32_t limit;
    uint32_t open;
    struct cpu_wait *waits;
    struct cpu_wait *pool;
    uint32_t pooled;
    bool dying;
};

NTSTATUS gpu_wait_group_create(struct gpu_machine *machine, uint32_t limit,
                               struct gpu_wait_group **group)
{
    struct gpu_wait_group *created = calloc(1, sizeof(*created));

    if (!created)
        return STATUS_NO_MEMORY;
    created->machine = machine;
    created->limit = limit ? limit : DEFAULT_LIMIT;
    pthread_cond_init(&created->drained, NULL);
    *group = created;
    return STATUS_SUCCESS;
}

static void free_pool(struct gpu_wait_group *group)
{
    while (group->pool) {
        struct cpu_wait *wait = group->pool;

        group->pool = wait->next;
        free(wait);
    }
}

void gpu_wait_group_destroy(struct gpu_wait_group *group)
{
    struct gpu_waiter *cancelled = NULL;

    if (!group)
        return;
    pthread_mutex_lock(&group->machine->wait_lock);
    group->dying = true;
    for (struct cpu_wait *wait = group->waits; wait; wait = wait->next)
        gpu_waiter_disarm(&wait->waiter, GPU_WAIT_CANCELLED, &cancelled);
    pthread_mutex_unlock(&group->machine->wait_lock);
    gpu_waiter_fire(cancelled);

    pthread_mutex_lock(&group->machine->wait_lock);
    while (group->open > 0)
        pthread_cond_wait(&group->drained, &group->machine->wait_lock);
    pthread_mutex_unlock(&group->machine->wait_lock);
    free_pool(group);
    pthread_cond_destroy(&group->drained);
    free(group);
}

/* A wait on the group's list of open ones, or NULL. The pool spares the steady state malloc. */
static struct cpu_wait *open_wait(struct gpu_wait_group *group, uint32_t count)
{
    uint32_t capacity = count > FEW_FENCES ? count : FEW_FENCES;
    struct cpu_wait *wait = NULL;

    pthread_mutex_lock(&group->machine->wait_lock);
    if (!group->dying && group->open < group->limit) {
        if (group->pool && capacity == FEW_FENCES) {
            wait = group->pool;
            group->pool = wait->next;
            group->pooled--;
        } else {
            wait = malloc(sizeof(*wait) + capacity * sizeof(wait->entries[0]));
        }
    }
    if (wait) {
        wait->group = group;
        wait->capacity = capacity;
        wait->waiter.armed = false;
        wait->previous = NULL;
        wait->next = group->waits;
        if (wait->next)
            wait->next->previous = wait;
        group->waits = wait;
        group->open++;
        group->machine->open_waits++;
    }
    pthread_mutex_unlock(&group->machine->wait_lock);
    return wait;
}

/* The group may be gone when this returns. */
static void close_wait(struct cpu_wait *wait)
{
    struct gpu_wait_group *group = wait->group;
    struct gpu_machine *machine = group->machine;

    pthread_mutex_lock(&machine->wait_lock);
    if (wait->previous)
        wait->previous->next = wait->next;
    else
        group->waits = wait->next;
    if (wait->next)
        wait->next->previous = wait->previous;
    if (wait->capacity == FEW_FENCES && group->pooled < POOLED) {
        wait->next = group->pool;
        group->pool = wait;
        group->pooled++;
        wait = NULL;
    }
    machine->open_waits--;
    if (--group->open == 0)
        pthread_cond_broadcast(&group->drained);
    pthread_mutex_unlock(&machine->wait_lock);
    free(wait);
}

static void cpu_wait_done(struct gpu_waiter *waiter, enum gpu_wait_result result)
{
    struct cpu_wait *wait = (struct cpu_wait *)(void *)waiter;

    wait->callback(wait->context, result);
    close_wait(wait);
}

NTSTATUS gpu_wait_register(struct gpu_wait_group *group, uint32_t count,
                           struct gpu_fence *const *fences, const uint64_t *values, bool any,
                           gpu_wait_callback callback, void *context)
{
    struct cpu_wait *wait;

    if (count == 0 || count > GPU_WAIT_MAX_FENCES)
        return STATUS_INVALID_PARAMETER;
    for (uint32_t i = 0; i < count; i++)
        if (!gpu_fence_has_page(fences[i]))
            return STATUS_INVALID_PARAMETER;
    wait = open_wait(group, count);
    if (!wait)
        return STATUS_NO_MEMORY;
    wait->callback = callback;
    wait->context = context;
    wait->waiter.done = cpu_wait_done;
    wait->waiter.entries = wait->entries;
    wait->waiter.count = count;
    wait->waiter.any = any;
    wait->waiter.queue = NULL;
    for (uint32_t i = 0; i < count; i++) {
        wait->entries[i].fence = fences[i];
        wait->entries[i].value = values[i];
    }
    if (gpu_waiter_start(group->machine, &wait->waiter))
        cpu_wait_done(&wait->waiter, GPU_WAIT_SATISFIED);
    return STATUS_SUCCESS;
}
