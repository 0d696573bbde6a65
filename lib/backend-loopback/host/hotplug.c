/* SPDX-License-Identifier: MIT */
/* Adapters and guests that come and go while others use the host. */
#include <stdlib.h>

#include "backend-loopback/host/objects.h"

/* Calls visit for each device of the adapter (NULL: of all), in every process of the guest (NULL:
 * of all). */
static void for_each_device(struct host *host, const struct host_guest *guest,
                            const struct host_adapter *adapter,
                            void (*visit)(struct host_process *process, struct host_device *device))
{
    uint32_t processes, devices;
    struct host_object **list = host_table_owned(&host->globals, guest ? &guest->object : NULL,
                                                 HOST_KIND_PROCESS, &processes);
    for (uint32_t i = 0; i < processes; i++) {
        struct host_process *process = (struct host_process *)(void *)list[i];
        struct host_object **own =
            host_table_owned(&process->table, NULL, HOST_KIND_DEVICE, &devices);
        for (uint32_t k = 0; k < devices; k++) {
            struct host_device *device = (struct host_device *)(void *)own[k];
            if (!adapter || device->adapter == adapter)
                visit(process, device);
            host_object_release(own[k]);
        }
        free(own);
        host_object_release(list[i]);
    }
    free(list);
}

static void fail_device(struct host_process *process, struct host_device *device)
{
    (void)process;
    gpu_device_mark_error(device->gpu, GPU_DEVICE_STOPPED);
    gpu_device_flush(device->gpu);
}

/* Twice: a command that was on its way may have made a device since the first time, and one that
 * waits for a device ends only when that has failed. */
static void lose(struct host *host, struct host_adapter *adapter)
{
    atomic_store(&adapter->present, false);
    for_each_device(host, NULL, adapter, fail_device);
    pthread_rwlock_wrlock(&host->presence);
    pthread_rwlock_unlock(&host->presence);
    for_each_device(host, NULL, adapter, fail_device);
}

NTSTATUS host_adapter_lose(struct host *host, uint32_t adapter)
{
    if (!host_adapter_is_present(host, adapter))
        return STATUS_INVALID_PARAMETER;
    lose(host, &host->adapters[adapter]);
    return STATUS_SUCCESS;
}

/* ---- a guest that goes */

static void stop_device(struct host_process *process, struct host_device *device)
{
    (void)process;
    gpu_device_stop(device->gpu);
}

void host_guest_stop(struct host_guest *guest, int channel)
{
    const struct host_adapter *adapter =
        channel == HOST_GLOBAL_CHANNEL ? NULL : &guest->host->adapters[channel];
    for_each_device(guest->host, guest, adapter, stop_device);
}

/* ---- what is left on an adapter */

static void destroy_device(struct host_process *process, struct host_device *device)
{
    host_objects_release(host_table_collect_for_good(&process->table, &device->object));
}

/* Shared resources of the adapter, in a table of handles of that kind. */
static void destroy_shared(struct host_table *table, enum host_kind kind,
                           const struct host_adapter *adapter)
{
    uint32_t count;
    struct host_object **list = host_table_owned(table, NULL, kind, &count);
    for (uint32_t i = 0; i < count; i++) {
        if (((struct host_shared_object *)(void *)list[i])->adapter == adapter)
            host_objects_release(host_table_collect_for_good(table, list[i]));
        host_object_release(list[i]);
    }
    free(list);
}

static void close_opened(struct host_guest *guest, uint32_t index)
{
    struct host_opened_adapter *opened = &guest->opened[index];
    pthread_mutex_lock(&guest->lock);
    struct host_object *object = opened->object;
    opened->object = NULL;
    atomic_store(&opened->handle, 0);
    pthread_mutex_unlock(&guest->lock);
    if (!object)
        return;
    host_objects_release(host_table_collect(&guest->host->globals, object));
    host_object_release(object);
}

static void leave_process(struct host_process *process, const struct host_adapter *adapter)
{
    pthread_mutex_lock(&process->lock);
    struct gpu_process *gpu = process->gpu[adapter->index];
    process->gpu[adapter->index] = NULL;
    pthread_mutex_unlock(&process->lock);
    host_gpadls_leave(process->guest, adapter);
    close_opened(process->guest, adapter->index);
    gpu_process_destroy(gpu);
}

static void destroy_everything(struct host *host, struct host_adapter *adapter)
{
    uint32_t count;
    for_each_device(host, NULL, adapter, destroy_device);
    destroy_shared(&host->globals, HOST_KIND_SHARED_OBJECT, adapter);
    destroy_shared(&host->worker, HOST_KIND_WORKER_OBJECT, adapter);
    struct host_object **list = host_table_owned(&host->globals, NULL, HOST_KIND_PROCESS, &count);
    for (uint32_t i = 0; i < count; i++) {
        leave_process((struct host_process *)(void *)list[i], adapter);
        host_object_release(list[i]);
    }
    free(list);
}

/* Something may still keep memory of an adapter that went, such as a GPADL of a guest without a
 * process; then the place stays taken until a later look. */
static void stop_if_unused(struct host_adapter *adapter)
{
    if (adapter->gpu && adapter->removed && gpu_adapter_wind_up(adapter->gpu))
        host_adapter_stop(adapter);
}

NTSTATUS host_adapter_remove(struct host *host, uint32_t index)
{
    if (index >= host->adapter_count || !host->adapters[index].gpu)
        return STATUS_INVALID_PARAMETER;
    struct host_adapter *adapter = &host->adapters[index];
    lose(host, adapter);
    pthread_rwlock_wrlock(&host->presence);
    destroy_everything(host, adapter);
    adapter->removed = true;
    stop_if_unused(adapter);
    pthread_rwlock_unlock(&host->presence);
    return STATUS_SUCCESS;
}

static bool has_luid(struct host *host, LUID luid)
{
    for (uint32_t i = 0; i < host->adapter_count; i++) {
        const LUID *own = &host->adapters[i].config.luid;
        if (host_adapter_is_present(host, i) && own->LowPart == luid.LowPart &&
            own->HighPart == luid.HighPart)
            return true;
    }
    return false;
}

NTSTATUS host_adapter_add(struct host *host, const struct host_adapter_config *config,
                          uint32_t *index)
{
    NTSTATUS status = STATUS_INSUFFICIENT_RESOURCES;
    if (!config || !config->miniport)
        return STATUS_INVALID_PARAMETER;
    pthread_rwlock_wrlock(&host->presence);
    for (uint32_t i = 0; i < host->adapter_count; i++)
        stop_if_unused(&host->adapters[i]);
    for (*index = 0; *index < HOST_MAX_ADAPTERS && host->adapters[*index].gpu; ++*index)
        ;
    if (has_luid(host, config->luid))
        status = STATUS_OBJECT_NAME_COLLISION;
    else if (*index < HOST_MAX_ADAPTERS)
        status = host_adapter_start(host, *index, config);
    pthread_rwlock_unlock(&host->presence);
    return status;
}
