/* SPDX-License-Identifier: MIT */
/* What a program on the host does with the objects that guests have shared with it. */
#include "backend-loopback/host/objects.h"

static struct host_shared_object *find(struct host *host, uint64_t handle)
{
    if (handle > UINT32_MAX)
        return NULL;
    return (void *)host_table_find(&host->worker, (uint32_t)handle, HOST_KIND_WORKER_OBJECT);
}

uint32_t host_worker_handle_count(struct host *host)
{
    pthread_rwlock_rdlock(&host->worker.lock);
    uint32_t count = host->worker.live;
    pthread_rwlock_unlock(&host->worker.lock);
    return count;
}

NTSTATUS host_worker_fence_value(struct host *host, uint64_t handle, uint64_t *value)
{
    NTSTATUS status = STATUS_INVALID_PARAMETER;
    struct host_shared_object *shared = find(host, handle);
    if (!shared)
        return status;
    if (shared->sync) {
        *value = gpu_fence_value(shared->sync->fence);
        status = STATUS_SUCCESS;
    }
    host_object_release(&shared->object);
    return status;
}

NTSTATUS host_worker_signal(struct host *host, uint64_t handle, uint64_t value)
{
    NTSTATUS status = STATUS_INVALID_PARAMETER;
    struct host_shared_object *shared = find(host, handle);
    if (!shared)
        return status;
    if (shared->sync && shared->sync->type == GPU_FENCE_MONITORED) {
        gpu_fence_signal(shared->sync->fence, value);
        status = STATUS_SUCCESS;
    }
    host_object_release(&shared->object);
    return status;
}

NTSTATUS host_worker_memory(struct host *host, uint64_t handle, uint32_t allocation,
                            struct host_memory *memory)
{
    NTSTATUS status = STATUS_INVALID_PARAMETER;
    uint64_t offset;
    struct host_shared_object *shared = find(host, handle);
    if (!shared)
        return status;
    if (allocation < shared->count)
        status = gpu_allocation_cpu_offset(shared->allocations[allocation], &offset);
    if (NT_SUCCESS(status)) {
        memory->pointer = gpu_machine_storage_pointer(host->machine, offset);
        memory->size = gpu_allocation_size(shared->allocations[allocation]);
    }
    host_object_release(&shared->object);
    return status;
}

NTSTATUS host_worker_close(struct host *host, uint64_t handle)
{
    struct host_shared_object *shared = find(host, handle);
    if (!shared)
        return STATUS_INVALID_PARAMETER;
    host_objects_release(host_table_collect(&host->worker, &shared->object));
    host_object_release(&shared->object);
    return STATUS_SUCCESS;
}
