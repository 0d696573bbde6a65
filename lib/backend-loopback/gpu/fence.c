/* SPDX-License-Identifier: MIT */
/* Fences and those who wait for them. */
#include "backend-loopback/gpu/fence.h"

#include <stdlib.h>

#include "backend-loopback/gpu/objects.h"
#include "backend-loopback/gpu/waiter.h"

static void link_entry(struct gpu_waiter *waiter, struct gpu_waiter_entry *entry)
{
    struct gpu_fence *fence = entry->fence;

    entry->waiter = waiter;
    entry->next = fence->entries;
    entry->link = &fence->entries;
    if (entry->next)
        entry->next->link = &entry->next;
    fence->entries = entry;
    /* Sequentially consistent, as is the signal's store of the value before it looks here: one of
     * the two sides sees the other. */
    atomic_fetch_add(&fence->waiters, 1);
}

static void unlink_entry(struct gpu_waiter_entry *entry)
{
    if (!entry->fence)
        return;
    *entry->link = entry->next;
    if (entry->next)
        entry->next->link = entry->link;
    atomic_fetch_sub(&entry->fence->waiters, 1);
    entry->fence = NULL;
}

static void unlink_all(struct gpu_waiter *waiter)
{
    for (uint32_t i = 0; i < waiter->count; i++)
        unlink_entry(&waiter->entries[i]);
    waiter->armed = false;
}

/* One more entry is satisfied. True: the waiter as a whole. */
static bool satisfy(struct gpu_waiter *waiter, struct gpu_waiter_entry *entry)
{
    unlink_entry(entry);
    waiter->remaining--;
    if (!waiter->any && waiter->remaining > 0)
        return false;
    unlink_all(waiter);
    return true;
}

bool gpu_waiter_start(struct gpu_machine *machine, struct gpu_waiter *waiter)
{
    bool satisfied = false;

    pthread_mutex_lock(&machine->wait_lock);
    waiter->armed = true;
    waiter->remaining = waiter->count;
    for (uint32_t i = 0; i < waiter->count; i++)
        link_entry(waiter, &waiter->entries[i]);
    for (uint32_t i = 0; i < waiter->count && !satisfied; i++) {
        struct gpu_waiter_entry *entry = &waiter->entries[i];

        if (atomic_load(entry->fence->value) >= entry->value)
            satisfied = satisfy(waiter, entry);
    }
    pthread_mutex_unlock(&machine->wait_lock);
    return satisfied;
}

bool gpu_waiter_cancel(struct gpu_machine *machine, struct gpu_waiter *waiter)
{
    bool armed;

    pthread_mutex_lock(&machine->wait_lock);
    armed = waiter->armed;
    if (armed)
        unlink_all(waiter);
    pthread_mutex_unlock(&machine->wait_lock);
    return armed;
}

void gpu_waiter_disarm(struct gpu_waiter *waiter, enum gpu_wait_result result,
                       struct gpu_waiter **fired)
{
    if (!waiter->armed)
        return;
    unlink_all(waiter);
    waiter->result = result;
    waiter->next_fired = *fired;
    *fired = waiter;
}

void gpu_waiter_fire(struct gpu_waiter *fired)
{
    /* `done` gives the waiter away, so what is needed is read before. */
    while (fired) {
        struct gpu_waiter *next = fired->next_fired;

        fired->done(fired, fired->result);
        fired = next;
    }
}

/* Satisfies what `value` satisfies, in the order in which the waits were made. The value is the
 * signal's own, not the memory's: a fence that is set to 5 and at once back to 3 has passed 5 for
 * whoever waited for it. */
static void wake(struct gpu_fence *fence, uint64_t value)
{
    struct gpu_waiter *fired = NULL;
    struct gpu_waiter_entry *entry;

    pthread_mutex_lock(&fence->machine->wait_lock);
    entry = fence->entries;
    while (entry) {
        struct gpu_waiter *waiter = entry->waiter;
        struct gpu_waiter_entry *next = entry->next;
        struct gpu_waiter_entry *other = next;

        /* Completing a waiter unlinks all of its entries; a fence may be in it twice. */
        while (other && other->waiter == waiter)
            other = other->next;
        if (value >= entry->value && satisfy(waiter, entry)) {
            waiter->result = GPU_WAIT_SATISFIED;
            waiter->next_fired = fired;
            fired = waiter;
            next = other;
        }
        entry = next;
    }
    pthread_mutex_unlock(&fence->machine->wait_lock);
    gpu_waiter_fire(fired);
}

void gpu_fence_signal(struct gpu_fence *fence, uint64_t value)
{
    atomic_store(fence->value, value);
    if (atomic_load(&fence->waiters) > 0)
        wake(fence, value);
}

void gpu_fence_advance(struct gpu_fence *fence, uint64_t value)
{
    uint64_t old = atomic_load(fence->value);

    while (old < value && !atomic_compare_exchange_weak(fence->value, &old, value))
        ;
    /* Also when the memory said so before: its owner may have written there without telling
     * anybody. */
    if (atomic_load(&fence->waiters) > 0)
        wake(fence, value);
}

uint64_t gpu_fence_value(const struct gpu_fence *fence)
{
    return atomic_load_explicit(fence->value, memory_order_acquire);
}

uint64_t gpu_fence_offset(const struct gpu_fence *fence)
{
    return fence->offset;
}

struct gpu_fence *gpu_fence_reference(struct gpu_fence *fence)
{
    gpu_references_take(&fence->references);
    return fence;
}

static NTSTATUS tie_to_device(struct gpu_fence *fence, struct gpu_device *device)
{
    NTSTATUS status = STATUS_SUCCESS;

    pthread_mutex_lock(&fence->machine->wait_lock);
    /* The device's failure changes the state first and walks the list after, so that this sees
     * either. */
    if (atomic_load(&device->state) == GPU_DEVICE_ACTIVE) {
        fence->next = device->fences;
        fence->link = &device->fences;
        if (fence->next)
            fence->next->link = &fence->next;
        device->fences = fence;
    } else {
        status = STATUS_DEVICE_REMOVED;
    }
    pthread_mutex_unlock(&fence->machine->wait_lock);
    return status;
}

NTSTATUS gpu_fence_create(struct gpu_machine *machine, const struct gpu_fence_config *config,
                          struct gpu_fence **fence)
{
    struct gpu_fence *created;
    NTSTATUS status;

    if (config->type < GPU_FENCE_MUTEX || config->type > GPU_FENCE_PERIODIC_MONITORED)
        return STATUS_INVALID_PARAMETER;
    if (config->type != GPU_FENCE_MONITORED)
        return STATUS_NOT_SUPPORTED;
    created = calloc(1, sizeof(*created));
    if (!created)
        return STATUS_NO_MEMORY;
    created->machine = machine;
    atomic_init(&created->references, 1);
    status = gpu_storage_allocate(&machine->storage, 1, &created->offset);
    if (!NT_SUCCESS(status))
        goto fail_storage;
    created->value = (_Atomic uint64_t *)(void *)(machine->storage.base + created->offset);
    atomic_store(created->value, config->initial_value);
    if (config->device && !config->no_max_value_on_error) {
        status = tie_to_device(created, config->device);
        if (!NT_SUCCESS(status))
            goto fail_device;
    }
    *fence = created;
    return STATUS_SUCCESS;

fail_device:
    gpu_storage_free(&machine->storage, created->offset, 1);
fail_storage:
    free(created);
    return status;
}

static void untie(struct gpu_fence *fence)
{
    if (!fence->link)
        return;
    *fence->link = fence->next;
    if (fence->next)
        fence->next->link = fence->link;
    fence->link = NULL;
}

void gpu_fence_release(struct gpu_fence *fence)
{
    struct gpu_waiter *cancelled = NULL;

    if (!fence || !gpu_references_drop(&fence->references))
        return;
    pthread_mutex_lock(&fence->machine->wait_lock);
    untie(fence);
    while (fence->entries)
        gpu_waiter_disarm(fence->entries->waiter, GPU_WAIT_CANCELLED, &cancelled);
    pthread_mutex_unlock(&fence->machine->wait_lock);
    gpu_waiter_fire(cancelled);
    gpu_storage_free(&fence->machine->storage, fence->offset, 1);
    free(fence);
}

void gpu_device_untie_fences(struct gpu_device *device, bool to_maximum)
{
    struct gpu_machine *machine = device->process->adapter->machine;

    for (;;) {
        struct gpu_fence *fence;
        bool alive = false;

        pthread_mutex_lock(&machine->wait_lock);
        fence = device->fences;
        if (fence) {
            /* NOLINTNEXTLINE(clang-analyzer-*): a freed fence has left the list */
            untie(fence);
            alive = to_maximum && gpu_references_try_take(&fence->references);
        }
        pthread_mutex_unlock(&machine->wait_lock);
        if (!fence)
            return;
        if (alive) {
            gpu_fence_signal(fence, UINT64_MAX);
            gpu_fence_release(fence);
        }
    }
}
