/* SPDX-License-Identifier: MIT */
/* Devices: their life, their failure and their end. */
#include "backend-loopback/gpu/device.h"

#include <stdlib.h>

#include "backend-loopback/gpu/engine.h"
#include "backend-loopback/gpu/residency.h"

NTSTATUS gpu_device_create(struct gpu_process *process, gpu_device_state_callback callback,
                           void *context, struct gpu_device **device)
{
    const struct kmd_interface *miniport = process->adapter->miniport;
    struct gpu_device *created = calloc(1, sizeof(*created));
    NTSTATUS status = STATUS_SUCCESS;

    if (!created)
        return STATUS_NO_MEMORY;
    if (miniport->CreateDevice)
        status = miniport->CreateDevice(process->adapter->miniport_adapter, process->driver_process,
                                        &created->driver_device);
    if (!NT_SUCCESS(status)) {
        free(created);
        return status;
    }
    atomic_init(&created->references, 1);
    atomic_init(&created->state, GPU_DEVICE_ACTIVE);
    created->process = process;
    created->callback = callback;
    created->callback_context = context;
    pthread_mutex_init(&created->lock, NULL);
    pthread_cond_init(&created->callback_done, NULL);
    gpu_references_take(&process->references);
    *device = created;
    return STATUS_SUCCESS;
}

void gpu_device_release(struct gpu_device *device)
{
    const struct gpu_adapter *adapter = device->process->adapter;

    if (!gpu_references_drop(&device->references))
        return;
    /* Not before the last context is gone, whatever the order in which the owner destroys. */
    if (adapter->miniport->DestroyDevice)
        adapter->miniport->DestroyDevice(adapter->miniport_adapter, device->driver_device);
    pthread_cond_destroy(&device->callback_done);
    pthread_mutex_destroy(&device->lock);
    gpu_process_release(device->process);
    free(device);
}

/* Calls `visit` once for every queue that the device has now, without its lock. Queues may come and
 * go meanwhile. */
static void for_each_queue(struct gpu_device *device, void (*visit)(struct gpu_queue *queue))
{
    struct gpu_queue *queue;
    uint64_t round;

    pthread_mutex_lock(&device->lock);
    round = ++device->round;
    for (;;) {
        queue = device->queues;
        while (queue && queue->round >= round)
            queue = queue->next_of_device;
        if (!queue)
            break;
        queue->round = round;
        gpu_references_take(&queue->references);
        pthread_mutex_unlock(&device->lock);
        visit(queue);
        gpu_queue_release(queue);
        pthread_mutex_lock(&device->lock);
    }
    pthread_mutex_unlock(&device->lock);
}

static void stop_queue(struct gpu_queue *queue)
{
    gpu_queue_stop(queue, false);
}

static void stop_queue_and_wait(struct gpu_queue *queue)
{
    gpu_queue_stop(queue, true);
}

void gpu_device_fail(struct gpu_device *device, enum gpu_device_state state,
                     const struct gpu_page_fault *fault)
{
    gpu_device_state_callback callback = NULL;
    bool first;

    pthread_mutex_lock(&device->lock);
    first = atomic_load(&device->state) == GPU_DEVICE_ACTIVE;
    if (first) {
        atomic_store(&device->state, state);
        if (fault)
            device->fault = *fault;
        if (!device->destroyed)
            callback = device->callback;
        device->callbacks_running += callback ? 1 : 0;
    }
    pthread_mutex_unlock(&device->lock);
    if (!first)
        return;

    for_each_queue(device, stop_queue);
    /* The owner hears of the state before anybody is woken by a fence and asks for it. */
    if (callback)
        callback(device->callback_context, state);
    gpu_device_untie_fences(device, true);
    if (callback) {
        pthread_mutex_lock(&device->lock);
        device->callbacks_running--;
        pthread_cond_broadcast(&device->callback_done);
        pthread_mutex_unlock(&device->lock);
    }
}

void gpu_device_destroy(struct gpu_device *device)
{
    struct gpu_adapter *adapter;

    if (!device)
        return;
    adapter = device->process->adapter;
    pthread_mutex_lock(&device->lock);
    device->destroyed = true;
    if (atomic_load(&device->state) == GPU_DEVICE_ACTIVE)
        atomic_store(&device->state, GPU_DEVICE_STOPPED);
    while (device->callbacks_running > 0)
        pthread_cond_wait(&device->callback_done, &device->lock);
    pthread_mutex_unlock(&device->lock);

    for_each_queue(device, stop_queue);
    for_each_queue(device, stop_queue_and_wait);
    gpu_device_untie_fences(device, false);
    pthread_mutex_lock(&adapter->memory_lock);
    gpu_residency_remove_device(device);
    pthread_mutex_unlock(&adapter->memory_lock);
    gpu_device_release(device);
}

struct gpu_process *gpu_device_process(const struct gpu_device *device)
{
    return device->process;
}

enum gpu_device_state gpu_device_get_state(const struct gpu_device *device)
{
    return (enum gpu_device_state)atomic_load(&device->state);
}

void gpu_device_get_page_fault(struct gpu_device *device, struct gpu_page_fault *fault)
{
    pthread_mutex_lock(&device->lock);
    *fault = device->fault;
    pthread_mutex_unlock(&device->lock);
}

void gpu_device_mark_error(struct gpu_device *device, enum gpu_device_state state)
{
    if (state > GPU_DEVICE_ACTIVE && state <= GPU_DEVICE_DMA_PAGE_FAULT)
        gpu_device_fail(device, state, NULL);
}

void gpu_device_flush(struct gpu_device *device)
{
    for_each_queue(device, gpu_queue_flush);
}

void gpu_device_stop(struct gpu_device *device)
{
    for_each_queue(device, stop_queue);
}

NTSTATUS gpu_device_escape(struct gpu_device *device, void *data, uint32_t size)
{
    struct gpu_adapter *adapter = device->process->adapter;

    if (!adapter->miniport->Escape)
        return STATUS_NOT_SUPPORTED;
    return adapter->miniport->Escape(adapter->miniport_adapter, device->driver_device, data, size);
}
