/* SPDX-License-Identifier: MIT */
/* Processes of the guest, and the IO space region that it announces. */
#include <stdlib.h>

#include "backend-loopback/host/command.h"

enum { FIRST_OBJECT_INDEX = 512 };

static void destroy_process(struct host_object *object)
{
    struct host_process *process = (struct host_process *)(void *)object;
    atomic_fetch_sub(&process->guest->host->process_count, 1);
    for (uint32_t i = 0; i < HOST_MAX_ADAPTERS; i++)
        gpu_process_destroy(process->gpu[i]);
    host_table_destroy(&process->table);
    pthread_mutex_destroy(&process->lock);
}

/* Its objects go with it. */
static void retire_process(struct host_object *object)
{
    host_objects_release(host_table_collect(&((struct host_process *)(void *)object)->table, NULL));
}

static NTSTATUS new_process(struct host_guest *guest, struct host_process **result)
{
    struct host *host = guest->host;
    struct host_process *process =
        host_object_create(sizeof(*process), HOST_KIND_PROCESS, &guest->object, NULL);
    if (!process)
        return STATUS_NO_MEMORY;
    process->guest = guest;
    if (atomic_fetch_add(&host->process_count, 1) >= host->config.max_processes) {
        atomic_fetch_sub(&host->process_count, 1);
        host_object_release(&process->object);
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    pthread_mutex_init(&process->lock, NULL);
    NTSTATUS status =
        host_table_init(&process->table, FIRST_OBJECT_INDEX, host->config.max_objects, 0);
    if (!NT_SUCCESS(status)) {
        pthread_mutex_destroy(&process->lock);
        atomic_fetch_sub(&host->process_count, 1);
        host_object_release(&process->object);
        return status;
    }
    process->object.retire = retire_process;
    process->object.destroy = destroy_process;
    *result = process;
    return STATUS_SUCCESS;
}

NTSTATUS host_create_process(struct host_call *call, const void *command, void *reply)
{
    const struct wire_createprocess *create = command;
    struct wire_createprocess_reply *result = reply;
    struct host_process *process;
    NTSTATUS status = new_process(call->guest, &process);
    if (!NT_SUCCESS(status))
        return status;
    /* The guest's cookie and pid are of no use here. */
    host_utf8(process->name, sizeof(process->name), create->process_name,
              sizeof(create->process_name) / sizeof(create->process_name[0]));
    struct host_object *object = &process->object;
    status = host_table_insert(&call->host->globals, &object, 1);
    result->hprocess = NT_SUCCESS(status) ? object->handle : 0;
    host_object_release(object);
    return status;
}

NTSTATUS host_destroy_process(struct host_call *call, const void *command, void *reply)
{
    struct host_process *process = call->process;
    (void)command;
    (void)reply;
    struct host_object *self = host_table_collect(&call->host->globals, &process->object);
    if (!self)
        return STATUS_INVALID_PARAMETER; /* somebody else was faster */
    host_objects_release(self);
    return STATUS_SUCCESS;
}

NTSTATUS host_process_gpu(struct host_process *process, struct host_adapter *adapter,
                          struct gpu_process **gpu)
{
    NTSTATUS status = STATUS_SUCCESS;
    pthread_mutex_lock(&process->lock);
    struct gpu_process **slot = &process->gpu[adapter->index];
    if (!*slot) {
        status = gpu_process_create(adapter->gpu, process->name, slot);
        if (!NT_SUCCESS(status))
            *slot = NULL;
    }
    *gpu = *slot;
    pthread_mutex_unlock(&process->lock);
    return status;
}

/* The region must hold the storage as a whole: where in it a page lies is the host's choice. */
NTSTATUS host_set_io_space_region(struct host_call *call, const void *command, void *reply)
{
    const struct wire_setiospaceregion *region = command;
    struct host_guest *guest = call->guest;
    (void)reply;
    if (!region->start || region->start % GPU_PAGE_SIZE || region->length % GPU_PAGE_SIZE ||
        region->length < host_io_space_size(call->host) ||
        region->start > UINT64_MAX - region->length)
        return STATUS_INVALID_PARAMETER;
    pthread_mutex_lock(&guest->lock);
    guest->io_space_start = region->start;
    guest->io_space_length = region->length;
    pthread_mutex_unlock(&guest->lock);
    return STATUS_SUCCESS;
}
