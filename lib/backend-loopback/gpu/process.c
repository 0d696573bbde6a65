/* SPDX-License-Identifier: MIT */
/* Processes: an empty address space in the beginning, its budgets, and its end. */
#include "backend-loopback/gpu/process.h"

#include <stdlib.h>
#include <string.h>

#include "backend-loopback/gpu/address.h"
#include "backend-loopback/gpu/mapping.h"

/* glibc's default lets a stream of readers, two busy engines, keep a writer out for ever. */
static int init_table_lock(pthread_rwlock_t *lock)
{
    pthread_rwlockattr_t attributes;
    int error = pthread_rwlockattr_init(&attributes);

    if (error)
        return error;
    pthread_rwlockattr_setkind_np(&attributes, PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP);
    error = pthread_rwlock_init(lock, &attributes);
    pthread_rwlockattr_destroy(&attributes);
    return error;
}

static NTSTATUS tell_miniport(struct gpu_process *process, const char *name)
{
    const struct gpu_adapter *adapter = process->adapter;
    struct kmd_process_info info = {
        .flags = KMD_PROCESS_VIRTUAL_MACHINE, .name = name, .worker = adapter->driver_worker};

    return adapter->miniport->CreateProcess
               ? adapter->miniport->CreateProcess(adapter->miniport_adapter, &info,
                                                  &process->driver_process)
               : STATUS_SUCCESS;
}

NTSTATUS gpu_process_create(struct gpu_adapter *adapter, const char *name,
                            struct gpu_process **process)
{
    struct gpu_process *created = calloc(1, sizeof(*created));
    NTSTATUS status = STATUS_NO_MEMORY;

    if (!created)
        return STATUS_NO_MEMORY;
    created->adapter = adapter;
    atomic_init(&created->references, 1);
    gpu_range_tree_init(&created->mappings);
    gpu_range_tree_init(&created->regions);
    if (!NT_SUCCESS(gpu_page_table_init(&created->table, adapter->max_page_tables)))
        goto fail_table;
    if (init_table_lock(&created->table_lock) != 0)
        goto fail_lock;
    status = tell_miniport(created, name);
    if (!NT_SUCCESS(status))
        goto fail_miniport;
    pthread_mutex_lock(&adapter->memory_lock);
    created->next = adapter->processes;
    created->link = &adapter->processes;
    if (created->next)
        created->next->link = &created->next;
    adapter->processes = created;
    pthread_mutex_unlock(&adapter->memory_lock);
    *process = created;
    return STATUS_SUCCESS;

fail_miniport:
    pthread_rwlock_destroy(&created->table_lock);
fail_lock:
    gpu_page_table_destroy(&created->table);
fail_table:
    free(created);
    return status;
}

void gpu_process_release(struct gpu_process *process)
{
    if (!gpu_references_drop(&process->references))
        return;
    pthread_mutex_lock(&process->adapter->memory_lock);
    *process->link = process->next;
    if (process->next)
        process->next->link = process->link;
    pthread_mutex_unlock(&process->adapter->memory_lock);
    if (process->adapter->miniport->DestroyProcess)
        process->adapter->miniport->DestroyProcess(process->adapter->miniport_adapter,
                                                   process->driver_process);
    gpu_page_table_destroy(&process->table);
    pthread_rwlock_destroy(&process->table_lock);
    free(process);
}

void gpu_process_destroy(struct gpu_process *process)
{
    struct gpu_mapping *dead = NULL;
    struct gpu_range *region;

    if (!process)
        return;
    pthread_mutex_lock(&process->adapter->memory_lock);
    process->destroyed = true;
    memset(process->reservation, 0, sizeof(process->reservation));
    gpu_mapping_remove(process, 0, GPU_ADDRESS_LIMIT, &dead);
    while ((region = gpu_range_from(&process->regions, 0)) != NULL) {
        gpu_range_remove(&process->regions, region);
        free(region);
    }
    pthread_mutex_unlock(&process->adapter->memory_lock);
    gpu_mapping_free_dead(dead);
    gpu_process_release(process);
}

struct gpu_adapter *gpu_process_adapter(const struct gpu_process *process)
{
    return process->adapter;
}
