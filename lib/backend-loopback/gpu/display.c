/* SPDX-License-Identifier: MIT */
/*
 * The simulated display, which is nothing but its blanks: they move periodic monitored fences.
 * A fence is late, and then makes up for all that passed, when its thread gets no processor.
 */
#include "backend-loopback/gpu/clock.h"
#include "backend-loopback/gpu/objects.h"
#include "backend-loopback/gpu/thread.h"

void gpu_display_init(struct gpu_display *display)
{
    pthread_mutex_init(&display->lock, NULL);
}

void gpu_display_destroy(struct gpu_display *display)
{
    pthread_mutex_lock(&display->lock);
    display->stop = true;
    if (display->started)
        pthread_cond_signal(&display->changed);
    pthread_mutex_unlock(&display->lock);
    if (display->started) {
        pthread_join(display->thread, NULL);
        pthread_cond_destroy(&display->changed);
    }
    pthread_mutex_destroy(&display->lock);
}

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

/* A fence that is due, referenced, and its value; NULL: none, and when the next one will be. */
static struct gpu_fence *find_due(const struct gpu_machine *machine, uint64_t *value,
                                  uint64_t *next)
{
    uint64_t time = now(machine);

    *next = UINT64_MAX;
    for (struct gpu_fence *fence = machine->display.fences; fence; fence = fence->next_periodic) {
        uint64_t passed = moments(fence, time);
        uint64_t due = passed * GPU_BLANK_PERIOD_NS + fence->blank_offset_ns;

        *value = passed - fence->first_blank;
        if (gpu_fence_value(fence) < *value && gpu_references_try_take(&fence->references))
            return fence;
        if (due < *next)
            *next = due;
    }
    return NULL;
}

static void *display_main(void *argument)
{
    struct gpu_machine *machine = argument;
    struct gpu_display *display = &machine->display;
    uint64_t value, next;

    pthread_mutex_lock(&display->lock);
    while (!display->stop) {
        struct gpu_fence *fence = find_due(machine, &value, &next);

        if (fence) {
            pthread_mutex_unlock(&display->lock);
            gpu_fence_advance(fence, value);
            gpu_fence_release(fence);
            pthread_mutex_lock(&display->lock);
        } else if (next == UINT64_MAX) {
            pthread_cond_wait(&display->changed, &display->lock);
        } else {
            (void)machine->clock->wait_until(machine->clock, &display->changed, &display->lock,
                                             next);
        }
    }
    pthread_mutex_unlock(&display->lock);
    return NULL;
}

static NTSTATUS start_thread(struct gpu_machine *machine)
{
    struct gpu_display *display = &machine->display;

    if (display->started)
        return STATUS_SUCCESS;
    if (gpu_clock_condition_init(&display->changed) != 0)
        return STATUS_NO_MEMORY;
    if (gpu_thread_start(&display->thread, "display", display_main, machine) != 0) {
        pthread_cond_destroy(&display->changed);
        return STATUS_NO_MEMORY;
    }
    display->started = true;
    return STATUS_SUCCESS;
}

NTSTATUS gpu_display_add(struct gpu_fence *fence)
{
    struct gpu_display *display = &fence->machine->display;

    pthread_mutex_lock(&display->lock);
    NTSTATUS status = start_thread(fence->machine);
    if (NT_SUCCESS(status)) {
        fence->first_blank = moments(fence, now(fence->machine));
        fence->next_periodic = display->fences;
        fence->link_periodic = &display->fences;
        if (fence->next_periodic)
            fence->next_periodic->link_periodic = &fence->next_periodic;
        display->fences = fence;
        pthread_cond_signal(&display->changed);
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
