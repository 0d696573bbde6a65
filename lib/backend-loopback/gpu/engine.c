/* SPDX-License-Identifier: MIT */
/* The engine: picks the queue whose turn it is, gives it a turn, sees what came of it. */
#include "backend-loopback/gpu/engine.h"

#include <stdlib.h>

#include "backend-loopback/gpu/clock.h"
#include "backend-loopback/gpu/turns.h"

#define NO_PRIORITY     (-GPU_PRIORITY_LIMIT - 1)
#define POLL_MINIMUM_NS UINT64_C(10000)
#define POLL_MAXIMUM_NS UINT64_C(1000000)

static uint64_t now(const struct gpu_node *node)
{
    const struct gpu_clock *clock = node->adapter->machine->clock;

    return clock->now(clock);
}

static void publish_best(struct gpu_node *node)
{
    int32_t best = NO_PRIORITY;

    for (int32_t i = GPU_PRIORITIES - 1; i >= 0 && best == NO_PRIORITY; i--) {
        if (node->ready[i].first)
            best = i - GPU_PRIORITY_LIMIT;
    }
    atomic_store_explicit(&node->best_ready, best, memory_order_relaxed);
}

void gpu_node_line_up(struct gpu_queue *queue)
{
    struct gpu_node *node = queue->node;
    struct gpu_ready_list *list = &node->ready[queue->priority + GPU_PRIORITY_LIMIT];

    queue->state = GPU_QUEUE_READY;
    queue->next = NULL;
    *list->tail = queue;
    list->tail = &queue->next;
    if (queue->priority > atomic_load_explicit(&node->best_ready, memory_order_relaxed))
        atomic_store_explicit(&node->best_ready, queue->priority, memory_order_relaxed);
}

void gpu_node_make_ready(struct gpu_queue *queue)
{
    gpu_node_line_up(queue);
    gpu_worker_wake(&queue->node->worker);
}

/*
 * The turn belongs to the process of the first queue in line; which of its queues gets it is a
 * matter of their in-process priorities. That one changes places with the first, so that the
 * process does not get more turns than others.
 */
static void prefer_within_process(struct gpu_ready_list *list)
{
    struct gpu_queue *first = list->first;
    struct gpu_queue **best = &list->first;
    struct gpu_queue *chosen;

    for (struct gpu_queue **link = &first->next; *link; link = &(*link)->next) {
        if ((*link)->device->process == first->device->process &&
            (*link)->in_process_priority > (*best)->in_process_priority)
            best = link;
    }
    chosen = *best;
    if (chosen == first)
        return;
    *best = chosen->next;
    if (list->tail == &chosen->next)
        list->tail = best;
    chosen->next = first->next;
    list->first = chosen;
    /* The first in line goes where the chosen one was. */
    if (best == &first->next)
        best = &chosen->next;
    first->next = *best;
    *best = first;
    if (list->tail == best)
        list->tail = &first->next;
}

static struct gpu_queue *take_ready(struct gpu_node *node)
{
    int32_t best = atomic_load_explicit(&node->best_ready, memory_order_relaxed);
    struct gpu_ready_list *list;
    struct gpu_queue *queue;

    if (best == NO_PRIORITY)
        return NULL;
    list = &node->ready[best + GPU_PRIORITY_LIMIT];
    prefer_within_process(list);
    queue = list->first;
    list->first = queue->next;
    if (!list->first) {
        list->tail = &list->first;
        publish_best(node);
    }
    return queue;
}

void gpu_node_unlink(struct gpu_queue *queue)
{
    struct gpu_node *node = queue->node;
    struct gpu_ready_list *list = &node->ready[queue->priority + GPU_PRIORITY_LIMIT];
    struct gpu_queue **link = queue->state == GPU_QUEUE_POLLING ? &node->pollers : &list->first;

    if (queue->state != GPU_QUEUE_POLLING && queue->state != GPU_QUEUE_READY)
        return;
    while (*link != queue)
        link = &(*link)->next;
    *link = queue->next;
    if (queue->state == GPU_QUEUE_READY) {
        if (list->tail == &queue->next)
            list->tail = link;
        publish_best(node);
    }
}

/* What polls are repeated by: time, or that something has happened. */
static uint64_t poll_clock(const struct gpu_node *node)
{
    struct gpu_turns *turns = node->adapter->machine->turns;

    return turns ? gpu_turns_changes(turns) : now(node);
}

/* Moves pollers whose time has come to the ready lists; returns when the next one is due. */
static uint64_t wake_pollers(struct gpu_node *node)
{
    struct gpu_queue **link = &node->pollers;
    uint64_t next = UINT64_MAX;
    uint64_t time;

    if (!node->pollers)
        return next;
    time = poll_clock(node);
    while (*link) {
        struct gpu_queue *queue = *link;

        if (queue->poll_at <= time) {
            *link = queue->next;
            gpu_node_make_ready(queue);
            continue;
        }
        if (queue->poll_at < next)
            next = queue->poll_at;
        link = &queue->next;
    }
    return node->adapter->machine->turns ? UINT64_MAX : next;
}

static void poll_later(struct gpu_queue *queue)
{
    struct gpu_node *node = queue->node;

    queue->poll_interval *= 2;
    if (queue->poll_interval < POLL_MINIMUM_NS)
        queue->poll_interval = POLL_MINIMUM_NS;
    if (queue->poll_interval > POLL_MAXIMUM_NS)
        queue->poll_interval = POLL_MAXIMUM_NS;
    queue->poll_at =
        node->adapter->machine->turns ? queue->seen_changes + 1 : now(node) + queue->poll_interval;
    queue->state = GPU_QUEUE_POLLING;
    queue->next = node->pollers;
    node->pollers = queue;
}

/* The engine does nothing else until it is reset, or the hanging queue goes away. */
static void begin_hang(struct gpu_node *node, struct gpu_queue *queue)
{
    node->hanging = queue;
    node->hang_until = now(node) + node->adapter->hang_timeout_ns;
}

/* After a turn, with the lock. A queue that has been stopped meanwhile is purged here and not
 * touched again. */
static void settle(struct gpu_node *node, struct gpu_queue *queue, enum gpu_turn turn)
{
    if (turn == GPU_TURN_DONE) {
        uint32_t type = gpu_packets_first(&queue->packets)->type;

        node->figures.finished[type]++;
        queue->device->process->engines[node->index].finished[type]++;
        gpu_packets_remove_first(&queue->packets);
    }
    if (atomic_load(&queue->stop)) {
        pthread_mutex_unlock(&node->lock);
        gpu_queue_purge(queue);
        pthread_mutex_lock(&node->lock);
        queue->state = GPU_QUEUE_DEAD;
    } else if (turn == GPU_TURN_POLL) {
        poll_later(queue);
    } else if (turn == GPU_TURN_BLOCKED && !queue->wait_done) {
        queue->state = GPU_QUEUE_BLOCKED;
    } else if (gpu_packets_first(&queue->packets)) {
        gpu_node_make_ready(queue);
    } else {
        queue->state = GPU_QUEUE_IDLE;
    }
    pthread_cond_broadcast(&node->idle);
}

/* True: it is over. */
static bool end_hang(struct gpu_node *node, uint64_t *next)
{
    struct gpu_queue *queue = node->hanging;
    bool stopped = atomic_load(&queue->stop);

    if (!stopped && now(node) < node->hang_until) {
        *next = node->hang_until;
        return false;
    }
    node->hanging = NULL;
    if (!stopped) {
        pthread_mutex_unlock(&node->lock);
        atomic_fetch_add(&node->adapter->resets, 1);
        gpu_device_fail(queue->device, GPU_DEVICE_HUNG, NULL);
        pthread_mutex_lock(&node->lock);
    }
    settle(node, queue, GPU_TURN_DONE);
    return true;
}

static void give_turn(struct gpu_node *node, struct gpu_queue *queue)
{
    struct gpu_packet *packet = gpu_packets_first(&queue->packets);
    enum gpu_turn turn;

    queue->state = GPU_QUEUE_RUNNING;
    queue->seen_changes = poll_clock(node);
    pthread_mutex_unlock(&node->lock);
    turn = gpu_queue_run(queue, packet);
    if (turn != GPU_TURN_POLL)
        gpu_machine_note_progress(node->adapter->machine);
    pthread_mutex_lock(&node->lock);
    if (turn == GPU_TURN_HANG)
        begin_hang(node, queue);
    else
        settle(node, queue, turn);
}

static bool engine_step(struct gpu_worker *worker, uint64_t *next)
{
    struct gpu_node *node =
        (struct gpu_node *)(void *)((char *)worker - offsetof(struct gpu_node, worker));
    struct gpu_queue *queue;

    if (node->hanging)
        return end_hang(node, next);
    *next = wake_pollers(node);
    queue = take_ready(node);
    if (queue)
        give_turn(node, queue);
    return queue;
}

NTSTATUS gpu_node_create(struct gpu_adapter *adapter, uint32_t index, struct gpu_node **node)
{
    struct gpu_node *created = calloc(1, sizeof(*created));

    if (!created)
        return STATUS_NO_MEMORY;
    created->adapter = adapter;
    created->index = index;
    for (unsigned i = 0; i < GPU_PRIORITIES; i++)
        created->ready[i].tail = &created->ready[i].first;
    atomic_init(&created->best_ready, NO_PRIORITY);
    pthread_mutex_init(&created->lock, NULL);
    pthread_cond_init(&created->idle, NULL);
    created->worker.step = engine_step;
    created->worker.lock = &created->lock;
    if (gpu_worker_start(adapter->machine, &created->worker, adapter->info.nodes[index].name) !=
        0) {
        pthread_cond_destroy(&created->idle);
        pthread_mutex_destroy(&created->lock);
        free(created);
        return STATUS_NO_MEMORY;
    }
    *node = created;
    return STATUS_SUCCESS;
}

void gpu_node_destroy(struct gpu_node *node)
{
    if (!node)
        return;
    gpu_worker_stop(&node->worker);
    pthread_cond_destroy(&node->idle);
    pthread_mutex_destroy(&node->lock);
    free(node);
}
