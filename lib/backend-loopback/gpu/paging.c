/* SPDX-License-Identifier: MIT */
/*
 * Paging operations. Counting and records are done in the call; the page table entries follow, in
 * the call or by the adapter's paging worker, and then the fence. Jobs make entries agree with the
 * records of the moment, so nothing that changes meanwhile can make them wrong.
 */
#include "backend-loopback/gpu/paging.h"

#include <stdlib.h>

#include "backend-loopback/gpu/adapter.h"
#include "backend-loopback/gpu/address.h"
#include "backend-loopback/gpu/allocation.h"
#include "backend-loopback/gpu/fence.h"
#include "backend-loopback/gpu/mapping.h"
#include "backend-loopback/gpu/offer.h"
#include "backend-loopback/gpu/paging_worker.h"
#include "backend-loopback/gpu/placement.h"
#include "backend-loopback/gpu/residency.h"
#include "backend-loopback/gpu/trim.h"

struct gpu_paging_queue {
    gpu_references references;
    struct gpu_device *device; /* a reference */
    struct gpu_fence *fence;   /* a reference */

    /* Guarded by the adapter's paging_lock. */
    uint64_t last_value;
    uint32_t pending;
};

struct gpu_paging_job {
    struct gpu_paging_job *next;
    struct gpu_paging_queue *queue; /* a reference */
    uint64_t value;
    uint64_t start; /* a range to commit, empty if end is 0 */
    uint64_t end;
    uint32_t count;
    struct gpu_allocation *allocations[]; /* references; to refresh */
};

NTSTATUS gpu_paging_queue_create(struct gpu_device *device, struct gpu_paging_queue **queue)
{
    struct gpu_fence_config config = {.type = GPU_FENCE_MONITORED, .device = device};
    struct gpu_paging_queue *created = calloc(1, sizeof(*created));
    NTSTATUS status;

    if (!created)
        return STATUS_NO_MEMORY;
    status = gpu_fence_create(device->process->adapter->machine, &config, &created->fence);
    if (!NT_SUCCESS(status)) {
        free(created);
        return status;
    }
    atomic_init(&created->references, 1);
    created->device = device;
    gpu_references_take(&device->references);
    *queue = created;
    return STATUS_SUCCESS;
}

static void release_queue(struct gpu_paging_queue *queue)
{
    if (!gpu_references_drop(&queue->references))
        return;
    gpu_fence_release(queue->fence);
    gpu_device_release(queue->device);
    free(queue);
}

void gpu_paging_queue_destroy(struct gpu_paging_queue *queue)
{
    if (queue)
        release_queue(queue);
}

struct gpu_device *gpu_paging_queue_device(const struct gpu_paging_queue *queue)
{
    return queue->device;
}

struct gpu_fence *gpu_paging_queue_fence(struct gpu_paging_queue *queue)
{
    return queue->fence;
}

/* ---- Jobs */

static size_t job_size(uint32_t count)
{
    return sizeof(struct gpu_paging_job) + count * sizeof(struct gpu_allocation *);
}

static struct gpu_paging_job *new_job(struct gpu_paging_queue *queue, uint32_t count,
                                      struct gpu_allocation *const *allocations)
{
    struct gpu_records *records = &queue->device->process->adapter->records;
    struct gpu_paging_job *job = gpu_record_get(records, job_size(count));

    if (!job)
        return NULL;
    gpu_references_take(&queue->references);
    job->queue = queue;
    job->count = count;
    for (uint32_t i = 0; i < count; i++)
        job->allocations[i] = gpu_allocation_reference(allocations[i]);
    return job;
}

static void free_job(struct gpu_paging_job *job)
{
    /* The adapter outlives its processes, but the queue may go with this job. */
    struct gpu_records *records = &job->queue->device->process->adapter->records;

    for (uint32_t i = 0; i < job->count; i++)
        gpu_allocation_release(job->allocations[i]);
    release_queue(job->queue);
    gpu_record_put(records, job, job_size(job->count));
}

static NTSTATUS run_job(struct gpu_paging_job *job)
{
    struct gpu_process *process = job->queue->device->process;
    NTSTATUS status = STATUS_SUCCESS;

    pthread_mutex_lock(&process->adapter->memory_lock);
    for (uint32_t i = 0; i < job->count && NT_SUCCESS(status); i++)
        status = gpu_mapping_refresh(process, job->allocations[i]);
    if (job->end && NT_SUCCESS(status))
        status = gpu_mapping_commit(process, job->start, job->end);
    pthread_mutex_unlock(&process->adapter->memory_lock);
    return status;
}

/* Gives the job its fence value and, if it is not to be done at once, to the worker, which
 * may end it at any time: true. One lock for both keeps the order of values the order of jobs. */
static bool queue_job(struct gpu_paging_job *job, uint64_t *fence_value)
{
    struct gpu_paging_queue *queue = job->queue;
    struct gpu_adapter *adapter = queue->device->process->adapter;
    bool queued;

    pthread_mutex_lock(&adapter->paging_lock);
    job->value = ++queue->last_value;
    *fence_value = job->value;
    queued = atomic_load(&adapter->asynchronous_paging) || queue->pending > 0;
    if (queued) {
        queue->pending++;
        adapter->jobs_queued++;
        *adapter->paging_tail = job;
        adapter->paging_tail = &job->next;
        gpu_worker_wake(&adapter->paging);
    }
    pthread_mutex_unlock(&adapter->paging_lock);
    return queued;
}

/* STATUS_PENDING, or what came of it. The job is gone afterwards. */
static NTSTATUS do_job(struct gpu_paging_job *job, uint64_t *fence_value)
{
    struct gpu_paging_queue *queue = job->queue;
    NTSTATUS status;

    if (atomic_load(&queue->device->state) != GPU_DEVICE_ACTIVE) {
        free_job(job);
        return STATUS_DEVICE_REMOVED;
    }
    if (queue_job(job, fence_value))
        return STATUS_PENDING;
    status = run_job(job);
    gpu_fence_advance(queue->fence, job->value);
    free_job(job);
    return status;
}

static bool paging_step(struct gpu_worker *worker, uint64_t *next)
{
    struct gpu_adapter *adapter =
        (struct gpu_adapter *)(void *)((char *)worker - offsetof(struct gpu_adapter, paging));
    struct gpu_paging_job *job = adapter->paging_head;

    (void)next; /* nothing to do but what somebody queues */
    if (!job)
        return false;
    adapter->paging_head = job->next;
    if (!adapter->paging_head)
        adapter->paging_tail = &adapter->paging_head;
    pthread_mutex_unlock(&adapter->paging_lock);
    if (!NT_SUCCESS(run_job(job)))
        gpu_device_fail(job->queue->device, GPU_DEVICE_OUT_OF_MEMORY, NULL);
    gpu_fence_advance(job->queue->fence, job->value);
    pthread_mutex_lock(&adapter->paging_lock);
    job->queue->pending--;
    adapter->jobs_done++;
    pthread_cond_broadcast(&adapter->paging_done);
    pthread_mutex_unlock(&adapter->paging_lock);
    free_job(job);
    gpu_machine_note_progress(adapter->machine);
    pthread_mutex_lock(&adapter->paging_lock);
    return true;
}

void gpu_adapter_flush_paging(struct gpu_adapter *adapter)
{
    uint64_t last;

    pthread_mutex_lock(&adapter->paging_lock);
    last = adapter->jobs_queued;
    while (adapter->jobs_done < last)
        gpu_worker_wait(&adapter->paging, &adapter->paging_done);
    pthread_mutex_unlock(&adapter->paging_lock);
}

NTSTATUS gpu_paging_start(struct gpu_adapter *adapter)
{
    adapter->paging_tail = &adapter->paging_head;
    adapter->paging.step = paging_step;
    adapter->paging.lock = &adapter->paging_lock;
    if (gpu_worker_start(adapter->machine, &adapter->paging, "gpu-paging") != 0)
        return STATUS_NO_MEMORY;
    adapter->paging_started = true;
    return STATUS_SUCCESS;
}

void gpu_paging_stop(struct gpu_adapter *adapter)
{
    if (!adapter->paging_started)
        return;
    gpu_adapter_flush_paging(adapter);
    gpu_worker_stop(&adapter->paging);
    adapter->paging_started = false;
}

/* ---- Operations */

static void take_back(struct gpu_device *device, uint32_t count,
                      struct gpu_allocation *const *allocations)
{
    pthread_mutex_lock(&device->process->adapter->memory_lock);
    gpu_residency_remove(device, count, allocations);
    pthread_mutex_unlock(&device->process->adapter->memory_lock);
}

NTSTATUS gpu_paging_queue_make_resident(struct gpu_paging_queue *queue, uint32_t count,
                                        struct gpu_allocation *const *allocations, uint32_t flags,
                                        uint64_t *fence_value, uint64_t *bytes_to_trim)
{
    struct gpu_device *device = queue->device;
    struct gpu_adapter *adapter = device->process->adapter;
    bool over_budget = flags & (GPU_RESIDENT_CANT_TRIM_FURTHER | GPU_RESIDENT_MUST_SUCCEED);
    struct gpu_paging_job *job;
    NTSTATUS status;

    *bytes_to_trim = 0;
    *fence_value = 0;
    if (count == 0)
        return STATUS_INVALID_PARAMETER;
    job = new_job(queue, count, allocations);
    if (!job)
        return STATUS_NO_MEMORY;
    pthread_mutex_lock(&adapter->memory_lock);
    status = gpu_residency_add(device, count, allocations, over_budget, bytes_to_trim);
    pthread_mutex_unlock(&adapter->memory_lock);
    if (NT_SUCCESS(status)) {
        status = do_job(job, fence_value);
        if (!NT_SUCCESS(status))
            take_back(device, count, allocations);
    } else {
        free_job(job);
    }
    if (!NT_SUCCESS(status) && flags & GPU_RESIDENT_MUST_SUCCEED)
        gpu_device_fail(device, GPU_DEVICE_OUT_OF_MEMORY, NULL);
    return status;
}

NTSTATUS gpu_paging_queue_reclaim(struct gpu_paging_queue *queue, uint32_t count,
                                  struct gpu_allocation *const *allocations, uint32_t *results,
                                  uint64_t *fence_value)
{
    struct gpu_adapter *adapter = queue->device->process->adapter;
    struct gpu_paging_job *job;

    *fence_value = 0;
    if (count == 0)
        return STATUS_INVALID_PARAMETER;
    if (atomic_load(&queue->device->state) != GPU_DEVICE_ACTIVE)
        return STATUS_DEVICE_REMOVED;
    job = new_job(queue, count, allocations);
    if (!job)
        return STATUS_NO_MEMORY;
    pthread_mutex_lock(&adapter->memory_lock);
    for (uint32_t i = 0; i < count; i++)
        results[i] = gpu_offer_take_back(allocations[i], queue->device->process);
    gpu_trim_offered_to_budget(queue->device->process);
    pthread_mutex_unlock(&adapter->memory_lock);
    return do_job(job, fence_value);
}

NTSTATUS gpu_paging_queue_place(struct gpu_paging_queue *queue, struct gpu_allocation *allocation,
                                const struct gpu_segments *segments, uint64_t *fence_value)
{
    struct gpu_adapter *adapter = queue->device->process->adapter;
    struct gpu_paging_job *job;
    NTSTATUS status;

    *fence_value = 0;
    if (atomic_load(&queue->device->state) != GPU_DEVICE_ACTIVE)
        return STATUS_DEVICE_REMOVED;
    job = new_job(queue, 1, &allocation);
    if (!job)
        return STATUS_NO_MEMORY;
    pthread_mutex_lock(&adapter->memory_lock);
    status = gpu_placement_change(allocation, queue->device->process, segments);
    pthread_mutex_unlock(&adapter->memory_lock);
    if (NT_SUCCESS(status))
        return do_job(job, fence_value);
    free_job(job);
    return status;
}

/* The range's page tables could not be had: nothing may be half mapped. */
static void undo_map(struct gpu_process *process, const struct gpu_map *map, uint64_t address,
                     uint64_t size)
{
    struct gpu_map nothing = {.placement.base = address,
                              .size_in_pages = size / GPU_PAGE_SIZE,
                              .protection = GPU_PROTECTION_NO_ACCESS};

    if (map->placement.base == 0)
        (void)gpu_address_free(process, address, size);
    else
        (void)gpu_address_map(process, &nothing, &address);
}

NTSTATUS gpu_paging_queue_map(struct gpu_paging_queue *queue, const struct gpu_map *map,
                              uint64_t *address, uint64_t *fence_value)
{
    struct gpu_process *process = queue->device->process;
    struct gpu_paging_job *job = new_job(queue, 0, NULL);
    uint64_t start;
    uint64_t size;
    NTSTATUS status;

    *fence_value = 0;
    if (!job)
        return STATUS_NO_MEMORY;
    status = gpu_address_map_deferred(process, map, &start, &size);
    if (!NT_SUCCESS(status)) {
        free_job(job);
        return status;
    }
    job->start = start;
    job->end = start + size;
    status = do_job(job, fence_value);
    if (!NT_SUCCESS(status)) {
        undo_map(process, map, start, size);
        return status;
    }
    *address = start;
    return status;
}
