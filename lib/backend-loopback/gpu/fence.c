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

/* What being satisfied does to the object. */
static void take_unit(const struct gpu_waiter *waiter, struct gpu_fence *fence)
{
    if (fence->maximum == 0)
        return;
    atomic_fetch_sub(fence->value, 1);
    fence->owner = waiter->queue;
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

        if (atomic_load(entry->fence->value) < entry->value)
            continue;
        take_unit(waiter, entry->fence);
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

/* The entry that has waited longest: new ones go to the front. */
static struct gpu_waiter_entry *oldest_entry(const struct gpu_fence *fence)
{
    struct gpu_waiter_entry *entry = fence->entries;

    while (entry && entry->next)
        entry = entry->next;
    return entry;
}

bool gpu_fence_give(struct gpu_fence *fence, const struct gpu_queue *giver)
{
    struct gpu_waiter *fired = NULL;
    struct gpu_waiter_entry *entry;
    bool allowed;

    pthread_mutex_lock(&fence->machine->wait_lock);
    allowed = atomic_load(fence->value) < fence->maximum &&
              (fence->type != GPU_FENCE_MUTEX || fence->owner == giver);
    if (allowed) {
        fence->owner = NULL;
        atomic_fetch_add(fence->value, 1);
        entry = oldest_entry(fence);
        if (entry) {
            fired = entry->waiter;
            take_unit(fired, fence);
            (void)satisfy(fired, entry); /* a wait for units has one entry */
            fired->result = GPU_WAIT_SATISFIED;
            fired->next_fired = NULL;
        }
    }
    pthread_mutex_unlock(&fence->machine->wait_lock);
    gpu_waiter_fire(fired);
    return allowed;
}

enum gpu_fence_type gpu_fence_get_type(const struct gpu_fence *fence)
{
    return fence->type;
}

bool gpu_fence_has_page(const struct gpu_fence *fence)
{
    return fence->offset != 0;
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

static NTSTATUS check_config(const struct gpu_fence_config *config)
{
    uint64_t maximum = config->type == GPU_FENCE_MUTEX ? 1 : config->maximum;

    if (config->type < GPU_FENCE_MUTEX || config->type > GPU_FENCE_PERIODIC_MONITORED)
        return STATUS_INVALID_PARAMETER;
    if (config->type == GPU_FENCE_CPU_NOTIFICATION)
        return STATUS_NOT_SUPPORTED;
    if (config->type <= GPU_FENCE_SEMAPHORE && (maximum < 1 || config->initial_value > maximum))
        return STATUS_INVALID_PARAMETER;
    if (config->type == GPU_FENCE_PERIODIC_MONITORED &&
        config->blank_offset_ns >= GPU_BLANK_PERIOD_NS)
        return STATUS_INVALID_PARAMETER;
    return STATUS_SUCCESS;
}

/* Where the value is, and what it is in the beginning. */
static NTSTATUS place_value(struct gpu_fence *fence, const struct gpu_fence_config *config)
{
    uint64_t value = config->initial_value;
    NTSTATUS status = STATUS_SUCCESS;

    fence->value = &fence->own_value;
    if (config->type == GPU_FENCE_MUTEX) {
        fence->maximum = 1;
        value = !config->initial_value;
    } else if (config->type == GPU_FENCE_SEMAPHORE) {
        fence->maximum = config->maximum;
    } else if (config->type >= GPU_FENCE_MONITORED) {
        struct gpu_storage *storage = &fence->machine->storage;

        status = gpu_storage_allocate(storage, 1, &fence->offset);
        if (!NT_SUCCESS(status))
            return status;
        fence->value = (_Atomic uint64_t *)(void *)(storage->base + fence->offset);
    }
    atomic_store(fence->value, config->type == GPU_FENCE_PERIODIC_MONITORED ? 0 : value);
    return status;
}

static void free_fence(struct gpu_fence *fence)
{
    if (fence->offset)
        gpu_storage_free(&fence->machine->storage, fence->offset, 1);
    free(fence);
}

NTSTATUS gpu_fence_create(struct gpu_machine *machine, const struct gpu_fence_config *config,
                          struct gpu_fence **fence)
{
    struct gpu_fence *created;
    NTSTATUS status = check_config(config);

    if (!NT_SUCCESS(status))
        return status;
    created = calloc(1, sizeof(*created));
    if (!created)
        return STATUS_NO_MEMORY;
    created->machine = machine;
    created->type = config->type;
    created->blank_offset_ns = config->blank_offset_ns;
    atomic_init(&created->references, 1);
    status = place_value(created, config);
    if (!NT_SUCCESS(status)) {
        free(created);
        return status;
    }
    if (config->device && !config->no_max_value_on_error)
        status = tie_to_device(created, config->device);
    if (NT_SUCCESS(status) && config->type == GPU_FENCE_PERIODIC_MONITORED)
        status = gpu_display_add(created);
    if (!NT_SUCCESS(status)) {
        gpu_fence_release(created);
        return status;
    }
    *fence = created;
    return STATUS_SUCCESS;
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

/* With wait_lock held: ends the waits of the CPU. */
static void cancel_cpu_waits(struct gpu_fence *fence, struct gpu_waiter **cancelled)
{
    struct gpu_waiter_entry *entry = fence->entries;

    while (entry) {
        struct gpu_waiter *waiter = entry->waiter;

        /* Disarming unlinks all entries of the waiter, and the next may be one of them. */
        do
            entry = entry->next;
        while (entry && entry->waiter == waiter);
        if (!waiter->queue)
            gpu_waiter_disarm(waiter, GPU_WAIT_CANCELLED, cancelled);
    }
}

void gpu_fence_cancel_cpu_waits(struct gpu_fence *fence)
{
    struct gpu_waiter *cancelled = NULL;

    pthread_mutex_lock(&fence->machine->wait_lock);
    cancel_cpu_waits(fence, &cancelled);
    pthread_mutex_unlock(&fence->machine->wait_lock);
    gpu_waiter_fire(cancelled);
}

void gpu_fence_release(struct gpu_fence *fence)
{
    struct gpu_waiter *cancelled = NULL;

    if (!fence || !gpu_references_drop(&fence->references))
        return;
    gpu_display_remove(fence);
    pthread_mutex_lock(&fence->machine->wait_lock);
    untie(fence);
    cancel_cpu_waits(fence, &cancelled); /* there are no others: queues hold references */
    pthread_mutex_unlock(&fence->machine->wait_lock);
    gpu_waiter_fire(cancelled);
    free_fence(fence);
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
