/* SPDX-License-Identifier: MIT */
/*
 * The simulated display, which is nothing but its blanks: they move periodic monitored fences.
 * A fence is late, and then makes up for all that passed, when its worker gets no processor.
 */
#include "backend-loopback/gpu/clock.h"
#include "backend-loopback/gpu/objects.h"
#include "backend-loopback/gpu/waiter.h"

void gpu_display_destroy(struct gpu_display *display)
{
    if (display->started)
        gpu_worker_stop(&display->worker);
    pthread_mutex_destroy(&display->lock);
}

#define NEVER_MOMENT (UINT64_MAX / GPU_BLANK_PERIOD_NS / 2)

static uint64_t now(const struct gpu_machine *machine)
{
    return machine->clock->now(machine->clock);
}

/* How many of the fence's moments have passed since the clock's zero, the first at its offset. */
static uint64_t moments(const struct gpu_fence *fence, uint64_t time)
{
    return time < fence->blank_offset_ns
               ? 0
               : (time - fence->blank_offset_ns) / GPU_BLANK_PERIOD_NS + 1;
}

/* The time of a fence's moment, or never. */
static uint64_t time_of(const struct gpu_fence *fence, uint64_t moment)
{
    return moment >= NEVER_MOMENT ? UINT64_MAX
                                  : moment * GPU_BLANK_PERIOD_NS + fence->blank_offset_ns;
}

/* When somebody who waits for the fence will have waited long enough. On a deterministic machine
 * other blanks are no reason to move the clock, or it would never stand. */
static uint64_t next_wanted(struct gpu_fence *fence)
{
    uint64_t wanted = UINT64_MAX;

    pthread_mutex_lock(&fence->machine->wait_lock);
    for (const struct gpu_waiter_entry *entry = fence->entries; entry; entry = entry->next)
        if (entry->value < wanted)
            wanted = entry->value;
    pthread_mutex_unlock(&fence->machine->wait_lock);
    if (wanted == 0 || wanted >= NEVER_MOMENT - fence->first_blank)
        return UINT64_MAX;
    return time_of(fence, fence->first_blank + wanted - 1);
}

/* A fence that is due, referenced, and its value; NULL: none, and when the next one will be. */
static struct gpu_fence *find_due(struct gpu_machine *machine, uint64_t *value, uint64_t *next)
{
    uint64_t time = now(machine);

    *next = UINT64_MAX;
    for (struct gpu_fence *fence = machine->display.fences; fence; fence = fence->next_periodic) {
        uint64_t passed = moments(fence, time);
        uint64_t due;

        *value = passed - fence->first_blank;
        if (gpu_fence_value(fence) < *value && gpu_references_try_take(&fence->references))
            return fence;
        due = machine->turns ? next_wanted(fence) : time_of(fence, passed);
        if (due < *next)
            *next = due;
    }
    return NULL;
}

static bool display_step(struct gpu_worker *worker, uint64_t *next)
{
    struct gpu_machine *machine = worker->machine;
    uint64_t value;
    struct gpu_fence *fence = find_due(machine, &value, next);

    if (!fence)
        return false;
    pthread_mutex_unlock(worker->lock);
    gpu_fence_advance(fence, value);
    gpu_fence_release(fence);
    gpu_machine_note_progress(machine);
    pthread_mutex_lock(worker->lock);
    return true;
}

static NTSTATUS start_worker(struct gpu_machine *machine)
{
    struct gpu_display *display = &machine->display;

    if (display->started)
        return STATUS_SUCCESS;
    display->worker.step = display_step;
    display->worker.lock = &display->lock;
    if (gpu_worker_start(machine, &display->worker, "display") != 0)
        return STATUS_NO_MEMORY;
    display->started = true;
    return STATUS_SUCCESS;
}

/* The first periodic fence costs a thread; a worker that takes turns costs nothing, and may not
 * be begun under a lock. */
NTSTATUS gpu_display_init(struct gpu_machine *machine)
{
    NTSTATUS status;

    pthread_mutex_init(&machine->display.lock, NULL);
    if (!machine->turns)
        return STATUS_SUCCESS;
    status = start_worker(machine);
    if (!NT_SUCCESS(status))
        pthread_mutex_destroy(&machine->display.lock);
    return status;
}

NTSTATUS gpu_display_add(struct gpu_fence *fence)
{
    struct gpu_display *display = &fence->machine->display;

    pthread_mutex_lock(&display->lock);
    NTSTATUS status = start_worker(fence->machine);
    if (NT_SUCCESS(status)) {
        fence->first_blank = moments(fence, now(fence->machine));
        fence->next_periodic = display->fences;
        fence->link_periodic = &display->fences;
        if (fence->next_periodic)
            fence->next_periodic->link_periodic = &fence->next_periodic;
        display->fences = fence;
        gpu_worker_wake(&display->worker);
    }
    pthread_mutex_unlock(&display->lock);
    return status;
}

void gpu_display_remove(struct gpu_fence *fence)
{
    struct gpu_display *display = &fence->machine->display;

    if (fence->type != GPU_FENCE_PERIODIC_MONITORED)
        return;
    pthread_mutex_lock(&display->lock);
    if (fence->link_periodic) {
        *fence->link_periodic = fence->next_periodic;
        if (fence->next_periodic)
            fence->next_periodic->link_periodic = fence->link_periodic;
    }
    pthread_mutex_unlock(&display->lock);
}
