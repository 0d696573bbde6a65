/* SPDX-License-Identifier: MIT */
/* Queues: putting packets in, giving the first packet its turn, and getting rid of all of them. */
#include "backend-loopback/gpu/queue.h"

#include <stdlib.h>
#include <string.h>

#include "backend-loopback/gpu/address.h"
#include "backend-loopback/gpu/allocation.h"
#include "backend-loopback/gpu/clock.h"
#include "backend-loopback/gpu/engine.h"
#include "backend-loopback/gpu/fence.h"
#include "backend-loopback/gpu/trim.h"

#define MAX_UPDATES 4096u /* of one packet */

/* ---- Creation */

static void wait_is_done(struct gpu_waiter *waiter, enum gpu_wait_result result)
{
    struct gpu_queue *queue =
        (struct gpu_queue *)(void *)((char *)waiter - offsetof(struct gpu_queue, waiter));
    struct gpu_node *node = queue->node;

    (void)result; /* the packet's references keep its fences alive: never cancelled */
    pthread_mutex_lock(&node->lock);
    queue->wait_done = true;
    if (queue->state == GPU_QUEUE_BLOCKED)
        gpu_node_make_ready(queue);
    pthread_cond_broadcast(&node->idle);
    pthread_mutex_unlock(&node->lock);
}

NTSTATUS gpu_queue_create(struct gpu_device *device, uint32_t node, void *driver_context,
                          struct gpu_fence *progress, struct gpu_queue **queue)
{
    struct gpu_adapter *adapter = device->process->adapter;
    struct gpu_queue *created = calloc(1, sizeof(*created));
    bool active;

    if (!created)
        return STATUS_NO_MEMORY;
    atomic_init(&created->references, 1);
    created->device = device;
    created->node = adapter->nodes[node];
    created->driver_context = driver_context;
    created->progress = progress;
    created->waiter.done = wait_is_done;
    created->waiter.entries = created->entries;
    created->waiter.queue = created;
    gpu_packets_init(&created->packets, adapter->max_queue_bytes);
    pthread_mutex_lock(&created->node->lock);
    created->serial = ++created->node->last_serial;
    pthread_mutex_unlock(&created->node->lock);

    pthread_mutex_lock(&device->lock);
    active = atomic_load(&device->state) == GPU_DEVICE_ACTIVE;
    if (active) {
        created->round = device->round;
        created->next_of_device = device->queues;
        created->link_of_device = &device->queues;
        if (created->next_of_device)
            created->next_of_device->link_of_device = &created->next_of_device;
        device->queues = created;
    }
    pthread_mutex_unlock(&device->lock);
    if (!active) {
        free(created);
        return STATUS_DEVICE_REMOVED;
    }
    gpu_references_take(&device->references);
    *queue = created;
    return STATUS_SUCCESS;
}

void gpu_queue_release(struct gpu_queue *queue)
{
    if (!gpu_references_drop(&queue->references))
        return;
    gpu_packets_destroy(&queue->packets);
    gpu_fence_release(queue->progress);
    gpu_device_release(queue->device);
    free(queue);
}

/* ---- Packets in */

static struct gpu_engine_figures *engine_of_process(const struct gpu_queue *queue)
{
    return &queue->device->process->engines[queue->node->index];
}

/* A packet to fill in, with the node's lock held, or a status without it. */
static NTSTATUS begin(struct gpu_queue *queue, enum gpu_packet_type type, uint32_t count,
                      size_t payload, struct gpu_packet **packet)
{
    NTSTATUS status = STATUS_DEVICE_REMOVED;

    pthread_mutex_lock(&queue->node->lock);
    if (!atomic_load_explicit(&queue->stop, memory_order_relaxed)) {
        *packet = gpu_packets_append(&queue->packets, payload);
        status = *packet ? STATUS_SUCCESS : STATUS_NO_MEMORY;
    }
    if (!NT_SUCCESS(status)) {
        pthread_mutex_unlock(&queue->node->lock);
        return status;
    }
    (*packet)->type = type;
    (*packet)->count = count;
    queue->node->figures.queued[type]++;
    engine_of_process(queue)->queued[type]++;
    return STATUS_SUCCESS;
}

static NTSTATUS finish(struct gpu_queue *queue)
{
    struct gpu_node *node = queue->node;
    bool wake = queue->state == GPU_QUEUE_IDLE;

    if (wake)
        gpu_node_line_up(queue);
    pthread_mutex_unlock(&node->lock);
    /* Without the lock, or the engine would wake only to sleep on it. */
    if (wake)
        gpu_worker_wake(&node->worker);
    return STATUS_SUCCESS;
}

static NTSTATUS submit(struct gpu_queue *queue, uint64_t address, uint32_t size,
                       const void *private_data, uint32_t private_data_size,
                       const uint64_t *progress)
{
    struct gpu_packet *packet;
    NTSTATUS status =
        begin(queue, GPU_PACKET_SUBMIT, private_data_size, private_data_size, &packet);

    if (!NT_SUCCESS(status))
        return status;
    packet->command_address = address;
    packet->command_size = size;
    packet->has_progress = progress;
    packet->progress = progress ? *progress : 0;
    if (private_data_size)
        memcpy(gpu_packet_payload(packet), private_data, private_data_size);
    return finish(queue);
}

NTSTATUS gpu_queue_submit(struct gpu_queue *queue, uint64_t address, uint32_t size,
                          const void *private_data, uint32_t private_data_size)
{
    return submit(queue, address, size, private_data, private_data_size, NULL);
}

NTSTATUS gpu_queue_submit_progress(struct gpu_queue *queue, uint64_t address, uint32_t size,
                                   const void *private_data, uint32_t private_data_size,
                                   uint64_t progress)
{
    if (!queue->progress)
        return STATUS_INVALID_PARAMETER;
    return submit(queue, address, size, private_data, private_data_size, &progress);
}

static NTSTATUS append_fences(struct gpu_queue *queue, enum gpu_packet_type type, uint32_t count,
                              struct gpu_fence *const *fences, const uint64_t *values)
{
    struct gpu_fence_value *list;
    struct gpu_packet *packet;
    NTSTATUS status;

    if (count == 0 || count > GPU_QUEUE_MAX_FENCES)
        return STATUS_INVALID_PARAMETER;
    status = begin(queue, type, count, count * sizeof(*list), &packet);
    if (!NT_SUCCESS(status))
        return status;
    list = gpu_packet_payload(packet);
    for (uint32_t i = 0; i < count; i++) {
        list[i].fence = gpu_fence_reference(fences[i]);
        list[i].value = fences[i]->maximum ? 1 : values[i];
    }
    return finish(queue);
}

NTSTATUS gpu_queue_wait(struct gpu_queue *queue, uint32_t count, struct gpu_fence *const *fences,
                        const uint64_t *values)
{
    NTSTATUS status;

    for (uint32_t i = 0; count > 1 && i < count; i++) {
        if (fences[i]->maximum)
            return STATUS_INVALID_PARAMETER;
    }
    status = count ? gpu_claims_add(queue, fences[0]) : STATUS_INVALID_PARAMETER;
    if (!NT_SUCCESS(status))
        return status;
    status = append_fences(queue, GPU_PACKET_WAIT, count, fences, values);
    if (!NT_SUCCESS(status))
        gpu_claims_drop(queue, fences[0]);
    return status;
}

static bool has_periodic(uint32_t count, struct gpu_fence *const *fences)
{
    for (uint32_t i = 0; i < count; i++) {
        if (fences[i]->type == GPU_FENCE_PERIODIC_MONITORED)
            return true;
    }
    return false;
}

NTSTATUS gpu_queue_signal(struct gpu_queue *queue, uint32_t count, struct gpu_fence *const *fences,
                          const uint64_t *values)
{
    struct gpu_claim *taken;
    NTSTATUS status = STATUS_INVALID_PARAMETER;

    if (!has_periodic(count, fences))
        status = gpu_claims_take(queue, count, fences, &taken);
    if (!NT_SUCCESS(status))
        return status;
    status = append_fences(queue, GPU_PACKET_SIGNAL, count, fences, values);
    gpu_claims_end(queue, count, fences, taken, NT_SUCCESS(status));
    return status;
}

/* False: a mutex that is not the queue's, a semaphore that has all its units. */
static bool deliver(const struct gpu_queue *queue, struct gpu_fence *fence, uint64_t value)
{
    if (fence->maximum)
        return gpu_fence_give(fence, queue);
    gpu_fence_signal(fence, value);
    return true;
}

NTSTATUS gpu_queue_signal_now(struct gpu_queue *queue, uint32_t count,
                              struct gpu_fence *const *fences, const uint64_t *values)
{
    struct gpu_claim *taken;
    NTSTATUS status = has_periodic(count, fences) ? STATUS_INVALID_PARAMETER : STATUS_SUCCESS;

    for (uint32_t i = 0; i < count && NT_SUCCESS(status); i++) {
        status = gpu_claims_take(queue, 1, &fences[i], &taken);
        if (!NT_SUCCESS(status))
            break;
        /* A wait for the mutex may still be ahead in the queue. */
        bool delivered = deliver(queue, fences[i], values[i]);
        gpu_claims_end(queue, 1, &fences[i], taken, delivered);
        status = delivered ? STATUS_SUCCESS : STATUS_INVALID_PARAMETER;
    }
    return status;
}

NTSTATUS gpu_queue_update(struct gpu_queue *queue, uint32_t count, const struct gpu_update *updates)
{
    struct gpu_packet *packet;
    NTSTATUS status;

    if (count == 0 || count > MAX_UPDATES)
        return STATUS_INVALID_PARAMETER;
    status = begin(queue, GPU_PACKET_UPDATE, count, count * sizeof(*updates), &packet);
    if (!NT_SUCCESS(status))
        return status;
    memcpy(gpu_packet_payload(packet), updates, count * sizeof(*updates));
    for (uint32_t i = 0; i < count; i++) {
        if (updates[i].allocation)
            gpu_allocation_reference(updates[i].allocation);
    }
    return finish(queue);
}

NTSTATUS gpu_queue_set_priority(struct gpu_queue *queue, int32_t priority)
{
    bool ready;

    if (priority < -GPU_PRIORITY_LIMIT || priority > GPU_PRIORITY_LIMIT)
        return STATUS_INVALID_PARAMETER;
    pthread_mutex_lock(&queue->node->lock);
    ready = queue->state == GPU_QUEUE_READY;
    if (ready)
        gpu_node_unlink(queue);
    queue->priority = priority;
    if (ready)
        gpu_node_make_ready(queue);
    pthread_mutex_unlock(&queue->node->lock);
    return STATUS_SUCCESS;
}

int32_t gpu_queue_get_priority(struct gpu_queue *queue)
{
    int32_t priority;

    pthread_mutex_lock(&queue->node->lock);
    priority = queue->priority;
    pthread_mutex_unlock(&queue->node->lock);
    return priority;
}

void gpu_queue_inherit_priorities(struct gpu_queue *queue, const struct gpu_queue *from)
{
    pthread_mutex_lock(&queue->node->lock);
    queue->priority = from->priority;
    queue->in_process_priority = from->in_process_priority;
    pthread_mutex_unlock(&queue->node->lock);
}

NTSTATUS gpu_queue_set_in_process_priority(struct gpu_queue *queue, int32_t priority)
{
    if (priority < -GPU_PRIORITY_LIMIT || priority > GPU_PRIORITY_LIMIT)
        return STATUS_INVALID_PARAMETER;
    pthread_mutex_lock(&queue->node->lock);
    queue->in_process_priority = priority;
    pthread_mutex_unlock(&queue->node->lock);
    return STATUS_SUCCESS;
}

int32_t gpu_queue_get_in_process_priority(struct gpu_queue *queue)
{
    int32_t priority;

    pthread_mutex_lock(&queue->node->lock);
    priority = queue->in_process_priority;
    pthread_mutex_unlock(&queue->node->lock);
    return priority;
}

/* ---- Turns */

static void release_fences(struct gpu_packet *packet)
{
    struct gpu_fence_value *list = gpu_packet_payload(packet);

    for (uint32_t i = 0; i < packet->count; i++)
        gpu_fence_release(list[i].fence);
}

static void release_updates(struct gpu_packet *packet)
{
    struct gpu_update *updates = gpu_packet_payload(packet);

    for (uint32_t i = 0; i < packet->count; i++)
        gpu_allocation_release(updates[i].allocation);
}

static void start_submission(struct gpu_queue *queue, struct gpu_packet *packet)
{
    memset(&queue->submission, 0, sizeof(queue->submission));
    queue->submission.command_address = packet->command_address;
    queue->submission.command_size = packet->command_size;
    queue->submission.node = queue->node->index;
    queue->submission.private_data = packet->count ? gpu_packet_payload(packet) : NULL;
    queue->submission.private_data_size = packet->count;
    queue->submission.driver_context = queue->driver_context;
    queue->in_submission = true;
    queue->poll_interval = 0;
}

static void count_run(struct gpu_engine_figures *figures, bool first, bool another,
                      enum kmd_result result, uint64_t ns)
{
    figures->running_ns += ns;
    figures->started += first;
    figures->switches += another;
    if (result == KMD_YIELD || result == KMD_POLL)
        figures->preempted++;
    else if (result == KMD_DONE)
        figures->completed++;
    else
        figures->faulted++;
}

/* Before anybody can learn that the run is over. */
static void note_run(struct gpu_queue *queue, bool first, enum kmd_result result, uint64_t ns)
{
    struct gpu_node *node = queue->node;
    bool another;

    pthread_mutex_lock(&node->lock);
    another = node->last_run != queue->serial;
    node->last_run = queue->serial;
    count_run(&node->figures, first, another, result, ns);
    count_run(engine_of_process(queue), first, another, result, ns);
    pthread_mutex_unlock(&node->lock);
}

static enum kmd_result execute(struct gpu_queue *queue, struct kmd_execution *execution, bool first)
{
    struct gpu_adapter *adapter = queue->node->adapter;
    const struct gpu_clock *clock = adapter->machine->clock;
    enum kmd_result result;

    execution->started = clock->now(clock);
    result =
        adapter->miniport->SubmitCommand(adapter->miniport_adapter, execution, &queue->submission);
    gpu_trim_leave_run(queue->device->process);
    note_run(queue, first, result, clock->now(clock) - execution->started);
    return result;
}

static enum gpu_turn run_submission(struct gpu_queue *queue, struct gpu_packet *packet)
{
    struct kmd_execution execution = {.queue = queue};
    NTSTATUS status = gpu_trim_enter_run(queue->device->process);
    bool first = !queue->in_submission;
    enum kmd_result result;

    queue->awaits_memory = status == STATUS_GRAPHICS_TRY_AGAIN_LATER;
    if (queue->awaits_memory)
        return GPU_TURN_POLL;
    if (!NT_SUCCESS(status)) {
        gpu_device_fail(queue->device, GPU_DEVICE_OUT_OF_MEMORY, NULL);
        return GPU_TURN_DONE;
    }
    if (first)
        start_submission(queue, packet);
    result = execute(queue, &execution, first);
    if (result == KMD_YIELD) {
        queue->poll_interval = 0;
        return GPU_TURN_YIELD;
    }
    if (result == KMD_POLL) {
        if (execution.wrote)
            gpu_machine_note_change(queue->node->adapter->machine);
        return GPU_TURN_POLL;
    }
    queue->in_submission = false;
    if (result == KMD_DONE) {
        if (packet->has_progress)
            gpu_fence_signal(queue->progress, packet->progress);
    } else if (result == KMD_HANG) {
        return GPU_TURN_HANG;
    } else if (result == KMD_FAULT && execution.fault.valid) {
        gpu_device_fail(queue->device, GPU_DEVICE_DMA_PAGE_FAULT, &execution.fault);
    } else {
        gpu_device_fail(queue->device, GPU_DEVICE_DMA_FAULT, NULL);
    }
    return GPU_TURN_DONE;
}

static enum gpu_turn run_wait(struct gpu_queue *queue, struct gpu_packet *packet)
{
    struct gpu_fence_value *list = gpu_packet_payload(packet);

    if (!queue->wait_armed) {
        queue->waiter.count = packet->count;
        queue->waiter.any = false;
        for (uint32_t i = 0; i < packet->count; i++) {
            queue->entries[i].fence = list[i].fence;
            queue->entries[i].value = list[i].value;
        }
        pthread_mutex_lock(&queue->node->lock);
        queue->wait_done = false;
        pthread_mutex_unlock(&queue->node->lock);
        queue->wait_armed = true;
        if (!gpu_waiter_start(queue->node->adapter->machine, &queue->waiter))
            return GPU_TURN_BLOCKED;
    }
    queue->wait_armed = false;
    release_fences(packet);
    return GPU_TURN_DONE;
}

static enum gpu_turn run_signal(struct gpu_queue *queue, struct gpu_packet *packet)
{
    struct gpu_fence_value *list = gpu_packet_payload(packet);
    bool good = true;

    for (uint32_t i = 0; i < packet->count && good; i++)
        good = deliver(queue, list[i].fence, list[i].value);
    release_fences(packet);
    if (!good)
        gpu_device_fail(queue->device, GPU_DEVICE_DMA_FAULT, NULL);
    return GPU_TURN_DONE;
}

static enum gpu_turn run_update(struct gpu_queue *queue, struct gpu_packet *packet)
{
    NTSTATUS status =
        gpu_address_update(queue->device->process, gpu_packet_payload(packet), packet->count);

    release_updates(packet);
    if (!NT_SUCCESS(status))
        gpu_device_fail(queue->device, GPU_DEVICE_DMA_FAULT, NULL);
    return GPU_TURN_DONE;
}

enum gpu_turn gpu_queue_run(struct gpu_queue *queue, struct gpu_packet *packet)
{
    static enum gpu_turn (*const run[])(struct gpu_queue *, struct gpu_packet *) = {
        [GPU_PACKET_SUBMIT] = run_submission,
        [GPU_PACKET_WAIT] = run_wait,
        [GPU_PACKET_SIGNAL] = run_signal,
        [GPU_PACKET_UPDATE] = run_update,
    };

    return run[packet->type](queue, packet);
}

/* ---- The end */

/* Afterwards the waiter is in no list and its callback is over. */
static void disarm(struct gpu_queue *queue)
{
    struct gpu_node *node = queue->node;

    if (!queue->wait_armed)
        return;
    if (!gpu_waiter_cancel(node->adapter->machine, &queue->waiter)) {
        pthread_mutex_lock(&node->lock);
        while (!queue->wait_done)
            pthread_cond_wait(&node->idle, &node->lock);
        pthread_mutex_unlock(&node->lock);
    }
    queue->wait_armed = false;
}

/* Those that the queue owns: nobody else can, and the signal that would have is dropped. */
static void give_mutexes_back(struct gpu_queue *queue, struct gpu_packet *packet)
{
    struct gpu_fence_value *list = gpu_packet_payload(packet);

    for (uint32_t i = 0; i < packet->count; i++) {
        if (list[i].fence->type == GPU_FENCE_MUTEX)
            (void)gpu_fence_give(list[i].fence, queue);
    }
}

void gpu_queue_purge(struct gpu_queue *queue)
{
    struct gpu_packet *packet;

    disarm(queue);
    gpu_claims_drop(queue, NULL);
    if (queue->awaits_memory)
        gpu_trim_withdraw(queue->device->process);
    while ((packet = gpu_packets_first(&queue->packets)) != NULL) {
        if (packet->type == GPU_PACKET_SIGNAL)
            give_mutexes_back(queue, packet);
        if (packet->type == GPU_PACKET_WAIT || packet->type == GPU_PACKET_SIGNAL)
            release_fences(packet);
        else if (packet->type == GPU_PACKET_UPDATE)
            release_updates(packet);
        gpu_packets_remove_first(&queue->packets);
    }
}

void gpu_queue_stop(struct gpu_queue *queue, bool wait)
{
    struct gpu_node *node = queue->node;

    pthread_mutex_lock(&node->lock);
    atomic_store(&queue->stop, true);
    if (queue->state != GPU_QUEUE_RUNNING && queue->state != GPU_QUEUE_DEAD) {
        gpu_node_unlink(queue);
        queue->state = GPU_QUEUE_RUNNING;
        pthread_mutex_unlock(&node->lock);
        gpu_queue_purge(queue);
        pthread_mutex_lock(&node->lock);
        queue->state = GPU_QUEUE_DEAD;
        pthread_cond_broadcast(&node->idle);
    }
    gpu_worker_wake(&node->worker); /* it may be hanging */
    while (wait && queue->state != GPU_QUEUE_DEAD)
        gpu_worker_wait(&node->worker, &node->idle);
    pthread_mutex_unlock(&node->lock);
}

void gpu_queue_destroy(struct gpu_queue *queue)
{
    struct gpu_device *device = queue->device;

    gpu_queue_stop(queue, true);
    pthread_mutex_lock(&device->lock);
    *queue->link_of_device = queue->next_of_device;
    if (queue->next_of_device)
        queue->next_of_device->link_of_device = queue->link_of_device;
    pthread_mutex_unlock(&device->lock);
    gpu_queue_release(queue);
}

void gpu_queue_flush(struct gpu_queue *queue)
{
    struct gpu_node *node = queue->node;

    pthread_mutex_lock(&node->lock);
    while (queue->state == GPU_QUEUE_READY || queue->state == GPU_QUEUE_RUNNING)
        gpu_worker_wait(&node->worker, &node->idle);
    pthread_mutex_unlock(&node->lock);
}
