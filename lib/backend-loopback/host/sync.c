/* SPDX-License-Identifier: MIT */
/* Synchronization objects of all kinds, signals and waits. */
#include <stdlib.h>

#include "backend-loopback/host/command.h"

enum { NANOSECONDS_PER_TIME = 100 }; /* of a periodic fence's time after the blank */

/* ---- events */

static struct host_wait *take_wait(struct host *host)
{
    pthread_mutex_lock(&host->waits_lock);
    struct host_wait *wait = host->free_waits;
    if (wait)
        host->free_waits = wait->next;
    pthread_mutex_unlock(&host->waits_lock);
    return wait ? wait : malloc(sizeof(*wait));
}

static void put_wait(struct host *host, struct host_wait *wait)
{
    pthread_mutex_lock(&host->waits_lock);
    wait->next = host->free_waits;
    host->free_waits = wait;
    pthread_mutex_unlock(&host->waits_lock);
}

static void wait_done(void *context, enum gpu_wait_result result)
{
    struct host_wait *wait = context;
    struct host_guest *guest = wait->guest;
    uint64_t event = wait->event;
    (void)result; /* an object that goes ends the wait as a signal does: nobody is to wait on */
    put_wait(guest->host, wait);
    host_send_event(guest, event);
}

NTSTATUS host_event_when(struct host_guest *guest, uint32_t count, struct gpu_fence *const *fences,
                         const uint64_t *values, bool any, uint64_t event)
{
    struct host_wait *wait = take_wait(guest->host);
    if (!wait)
        return STATUS_NO_MEMORY;
    wait->guest = guest;
    wait->event = event;
    NTSTATUS status = gpu_wait_register(guest->waits, count, fences, values, any, wait_done, wait);
    if (!NT_SUCCESS(status))
        put_wait(guest->host, wait);
    return status;
}

/* Sends event when every queue has finished what is in it now. The fences live as long as the
 * queues' packets. */
static NTSTATUS event_after_queues(struct host_call *call, const struct host_queues *queues,
                                   uint64_t event)
{
    static const struct gpu_fence_config config = {.type = GPU_FENCE_MONITORED};
    struct gpu_fence *fences[HOST_MAX_QUEUES] = {NULL};
    uint64_t ones[HOST_MAX_QUEUES] = {0};
    uint32_t made = 0;
    NTSTATUS status = STATUS_SUCCESS;
    for (; made < queues->count; made++) {
        ones[made] = 1;
        status = gpu_fence_create(call->host->machine, &config, &fences[made]);
        if (!NT_SUCCESS(status))
            break;
    }
    for (uint32_t i = 0; i < queues->count && NT_SUCCESS(status); i++)
        status = gpu_queue_signal(queues->list[i], 1, &fences[i], ones);
    /* Last, for a wait whose signals are not all queued would end with an event. */
    if (NT_SUCCESS(status))
        status = host_event_when(call->guest, made, fences, ones, false, event);
    while (made > 0)
        gpu_fence_release(fences[--made]);
    return status;
}

/* ---- objects */

void host_shared_sync_take(struct host_shared_sync *shared)
{
    atomic_fetch_add(&shared->instances, 1);
    host_object_reference(&shared->object);
}

void host_shared_sync_drop(struct host_shared_sync *shared)
{
    if (atomic_fetch_sub(&shared->instances, 1) == 1)
        host_objects_release(host_table_collect(&shared->host->globals, &shared->object));
    host_object_release(&shared->object);
}

void host_shared_sync_open(struct host_shared_sync *shared)
{
    atomic_fetch_add(&shared->openers, 1);
    host_shared_sync_take(shared);
}

void host_shared_sync_close(struct host_shared_sync *shared)
{
    if (atomic_fetch_sub(&shared->openers, 1) == 1)
        gpu_fence_cancel_cpu_waits(shared->fence);
    host_shared_sync_drop(shared);
}

/* The last object of a fence ends the CPU waits for it, sync files included, although queues, and
 * what can be opened again, may keep the fence. */
static void destroy_sync(struct host_object *object)
{
    struct host_sync *sync = (struct host_sync *)(void *)object;
    if (sync->fence && !sync->shared)
        gpu_fence_cancel_cpu_waits(sync->fence);
    if (sync->space)
        gpu_address_free(sync->space, sync->gpu_address, GPU_PAGE_SIZE);
    gpu_fence_release(sync->fence);
    if (sync->shared)
        host_shared_sync_close(sync->shared);
}

struct host_sync *host_sync_create(struct host_object *owner, uint32_t type,
                                   struct gpu_fence *fence)
{
    struct host_sync *sync = host_object_create(sizeof(*sync), HOST_KIND_SYNC, owner, destroy_sync);
    if (!sync) {
        gpu_fence_release(fence);
        return NULL;
    }
    sync->type = type;
    sync->fence = fence;
    return sync;
}

static void destroy_shared(struct host_object *object)
{
    gpu_fence_release(((struct host_shared_sync *)(void *)object)->fence);
}

/* Gives a new sync object a global handle. */
static NTSTATUS share(struct host_call *call, struct host_sync *sync)
{
    struct host_shared_sync *shared =
        host_object_create(sizeof(*shared), HOST_KIND_SHARED_SYNC, NULL, destroy_shared);
    if (!shared)
        return STATUS_NO_MEMORY;
    shared->host = call->host;
    shared->type = sync->type;
    shared->fence = gpu_fence_reference(sync->fence);
    struct host_object *object = &shared->object;
    NTSTATUS status = host_table_insert(&call->host->globals, &object, 1);
    if (!NT_SUCCESS(status)) {
        host_object_release(object);
        return status;
    }
    atomic_store(&shared->instances, 1);
    atomic_store(&shared->openers, 1);
    sync->shared = shared; /* with the creator's reference */
    return STATUS_SUCCESS;
}

/* Where CPU and GPU of the guest find the fence's value, if it has a page. */
static NTSTATUS map_fence(struct host_call *call, struct host_device *device,
                          struct host_sync *sync, uint32_t flags, uint64_t *cpu_address)
{
    struct gpu_process *space;
    bool writable = sync->type == GPU_FENCE_MONITORED && !(flags & WIRE_SYNC_NO_SIGNAL);
    if (!gpu_fence_has_page(sync->fence))
        return STATUS_SUCCESS;
    if (!host_io_space_address(call->guest, gpu_fence_offset(sync->fence), GPU_PAGE_SIZE,
                               cpu_address))
        return STATUS_NO_MEMORY;
    if (flags & WIRE_SYNC_NO_GPU_ACCESS)
        return STATUS_SUCCESS;
    NTSTATUS status = host_process_gpu(call->process, device->adapter, &space);
    if (NT_SUCCESS(status))
        status = gpu_address_map_fence(space, sync->fence, writable, &sync->gpu_address);
    if (NT_SUCCESS(status))
        sync->space = space;
    return status;
}

/* What the message says about a fence, mutex or semaphore. Periodic fences: there is one display,
 * target 0; the adapter is the one that the command is for. */
static NTSTATUS read_sync_info(const struct wire_sync_info *info, struct gpu_fence_config *config)
{
    config->type = (enum gpu_fence_type)info->type;
    switch (config->type) {
    case GPU_FENCE_MUTEX:
        config->initial_value = info->synchronization_mutex.initial_state != 0;
        break;
    case GPU_FENCE_SEMAPHORE:
        config->initial_value = info->semaphore.initial_count;
        config->maximum = info->semaphore.max_count;
        break;
    case GPU_FENCE_LEGACY:
        config->initial_value = info->fence.fence_value;
        break;
    case GPU_FENCE_MONITORED:
        config->initial_value = info->monitored_fence.initial_fence_value;
        break;
    case GPU_FENCE_PERIODIC_MONITORED:
        if (info->periodic_monitored_fence.vidpn_target_id != 0 ||
            info->periodic_monitored_fence.time > GPU_BLANK_PERIOD_NS / NANOSECONDS_PER_TIME)
            return STATUS_INVALID_PARAMETER;
        config->blank_offset_ns = info->periodic_monitored_fence.time * NANOSECONDS_PER_TIME;
        break;
    default:
        return STATUS_INVALID_PARAMETER;
    }
    return STATUS_SUCCESS;
}

/* Makes the object and its record; those with a page belong to the device. */
static NTSTATUS new_fence(struct host_call *call, struct host_device *device,
                          const struct wire_sync_info *info, struct host_sync **result)
{
    struct gpu_fence_config config = {0};
    struct gpu_fence *fence;
    bool of_device = info->type >= GPU_FENCE_MONITORED;
    NTSTATUS status = read_sync_info(info, &config);
    if (!NT_SUCCESS(status))
        return status;
    config.device = of_device ? device->gpu : NULL;
    config.no_max_value_on_error = (info->flags & WIRE_SYNC_NO_SIGNAL_MAX_VALUE_ON_TDR) != 0;
    status = gpu_fence_create(call->host->machine, &config, &fence);
    if (!NT_SUCCESS(status))
        return status;
    *result =
        host_sync_create(of_device ? &device->object : &call->process->object, info->type, fence);
    return *result ? STATUS_SUCCESS : STATUS_NO_MEMORY;
}

static NTSTATUS create_fence(struct host_call *call, const struct wire_createsyncobject_args *args,
                             struct wire_createsyncobject_reply *result)
{
    const struct wire_sync_info *info = &args->info;
    struct host_sync *sync = NULL;
    struct host_device *device = host_find_device(call, args->device);
    if (!device)
        return STATUS_INVALID_PARAMETER;
    NTSTATUS status = new_fence(call, device, info, &sync);
    if (NT_SUCCESS(status))
        sync->flags = info->flags;
    if (NT_SUCCESS(status))
        status = map_fence(call, device, sync, info->flags, &result->fence_storage_address);
    if (NT_SUCCESS(status) && info->flags & WIRE_SYNC_SHARED)
        status = share(call, sync);
    if (NT_SUCCESS(status)) {
        result->fence_gpu_va = sync->gpu_address;
        result->global_sync_object = sync->shared ? sync->shared->object.handle : 0;
        host_object_reference(&sync->object);
        status = host_publish(call, &sync->object, &result->sync_object);
    }
    if (sync)
        host_object_release(&sync->object);
    host_object_release(&device->object);
    return status;
}

static NTSTATUS create_cpu_notification(struct host_call *call,
                                        const struct wire_createsyncobject_args *args,
                                        struct wire_createsyncobject_reply *result)
{
    if (!args->info.cpu_notification.event || args->info.flags & WIRE_SYNC_SHARED)
        return STATUS_INVALID_PARAMETER;
    struct host_sync *sync =
        host_sync_create(&call->process->object, GPU_FENCE_CPU_NOTIFICATION, NULL);
    if (!sync)
        return STATUS_NO_MEMORY;
    sync->event = args->info.cpu_notification.event;
    return host_publish(call, &sync->object, &result->sync_object);
}

NTSTATUS host_create_sync(struct host_call *call, const void *command, void *reply)
{
    const struct wire_createsyncobject *create = command;
    const struct wire_sync_info *info = &create->args.info;
    if (info->flags & WIRE_SYNC_SHARED && !(info->flags & WIRE_SYNC_NT_SECURITY_SHARING))
        return STATUS_INVALID_PARAMETER;
    if (info->type == GPU_FENCE_CPU_NOTIFICATION)
        return create_cpu_notification(call, &create->args, reply);
    return create_fence(call, &create->args, reply);
}

NTSTATUS host_open_sync(struct host_call *call, const void *command, void *reply)
{
    const struct wire_opensyncobject *open = command;
    struct wire_opensyncobject_reply *result = reply;
    struct host_device *device = host_find_any_device(call, open->device);
    struct host_shared_sync *shared = (void *)host_table_find(
        &call->host->globals, open->global_sync_object, HOST_KIND_SHARED_SYNC);
    NTSTATUS status = device && shared ? STATUS_SUCCESS : STATUS_INVALID_PARAMETER;
    if (NT_SUCCESS(status)) {
        bool of_device = gpu_fence_has_page(shared->fence);
        struct host_sync *sync =
            host_sync_create(of_device ? &device->object : &call->process->object, shared->type,
                             gpu_fence_reference(shared->fence));
        status = sync ? STATUS_SUCCESS : STATUS_NO_MEMORY;
        if (NT_SUCCESS(status)) {
            host_shared_sync_open(shared);
            sync->shared = shared;
            sync->flags = open->flags;
            status =
                map_fence(call, device, sync, open->flags, &result->guest_cpu_physical_address);
            result->gpu_virtual_address = sync->gpu_address;
            if (NT_SUCCESS(status))
                status = host_publish(call, &sync->object, &result->sync_object);
            else
                host_object_release(&sync->object);
        }
    }
    host_object_release(shared ? &shared->object : NULL);
    host_object_release(device ? &device->object : NULL);
    return status;
}

NTSTATUS host_destroy_sync(struct host_call *call, const void *command, void *reply)
{
    const struct wire_destroysyncobject *destroy = command;
    NTSTATUS status = STATUS_INVALID_PARAMETER;
    (void)reply;
    struct host_sync *sync =
        (void *)host_table_find(&call->process->table, destroy->sync_object, HOST_KIND_SYNC);
    if (!sync)
        return status;
    if (!sync->implicit) {
        host_objects_release(host_table_collect(&call->process->table, &sync->object));
        status = STATUS_SUCCESS;
    }
    host_object_release(&sync->object);
    return status;
}

/* ---- signals and waits */

/*
 * The fences and values of a message, side by side; notifications among the objects have no fence.
 */
struct fence_list {
    struct host_objects objects;
    uint32_t count;
    uint32_t notifications;
    struct gpu_fence *fences[GPU_WAIT_MAX_FENCES];
    uint64_t values[GPU_WAIT_MAX_FENCES];
};

static NTSTATUS find_fences(const struct host_call *call, const struct wire_span *handles,
                            const struct wire_span *values, uint64_t default_value, uint32_t limit,
                            struct fence_list *list)
{
    list->count = 0;
    list->notifications = 0;
    list->objects.count = 0;
    list->objects.list = list->objects.inline_list;
    if (handles->count < 1 || handles->count > limit)
        return STATUS_INVALID_PARAMETER;
    NTSTATUS status = host_objects_find(call, handles, HOST_KIND_SYNC, &list->objects);
    for (uint32_t i = 0; i < list->objects.count; i++) {
        struct host_sync *sync = (struct host_sync *)(void *)list->objects.list[i];
        if (!sync->fence) {
            list->notifications++;
            continue;
        }
        list->fences[list->count] = sync->fence;
        list->values[list->count++] = i < values->count ? wire_span_u64(values, i) : default_value;
    }
    return status;
}

/* forbids: what an object may have been opened without, WIRE_SYNC_NO_SIGNAL or _NO_WAIT. */
static NTSTATUS check_use(const struct fence_list *list, uint32_t forbids)
{
    for (uint32_t i = 0; i < list->objects.count; i++)
        if (((const struct host_sync *)(void *)list->objects.list[i])->flags & forbids)
            return STATUS_ACCESS_DENIED;
    return STATUS_SUCCESS;
}

/* From the CPU, without queues: monitored fences alone. */
static bool may_signal_from_cpu(const struct fence_list *list)
{
    for (uint32_t i = 0; i < list->count; i++)
        if (gpu_fence_get_type(list->fences[i]) != GPU_FENCE_MONITORED)
            return false;
    return true;
}

static void signal_notifications(struct host_call *call, const struct fence_list *list)
{
    for (uint32_t i = 0; list->notifications && i < list->objects.count; i++) {
        const struct host_sync *sync = (const struct host_sync *)(void *)list->objects.list[i];
        if (!sync->fence)
            host_send_event(call->guest, sync->event);
    }
}

/* Each object is signalled on behalf of the first queue: only mutexes care. */
static NTSTATUS signal_now(struct host_call *call, const struct fence_list *list,
                           const struct host_queues *queues, bool allow_rewind)
{
    struct gpu_queue *first = queues->count ? queues->list[0] : NULL;
    NTSTATUS status =
        first || may_signal_from_cpu(list) ? STATUS_SUCCESS : STATUS_INVALID_PARAMETER;
    for (uint32_t i = 0; i < list->count && NT_SUCCESS(status); i++) {
        bool value_only = gpu_fence_get_type(list->fences[i]) == GPU_FENCE_MONITORED;
        if (!value_only && first)
            status = gpu_queue_signal_now(first, 1, &list->fences[i], &list->values[i]);
        else if (allow_rewind || list->values[i] > gpu_fence_value(list->fences[i]))
            gpu_fence_signal(list->fences[i], list->values[i]);
    }
    if (NT_SUCCESS(status))
        signal_notifications(call, list);
    return status;
}

static NTSTATUS signal_from_queues(struct host_call *call, const struct fence_list *list,
                                   const struct host_queues *queues)
{
    NTSTATUS status = STATUS_SUCCESS;
    for (uint32_t i = 0; list->count && i < queues->count && NT_SUCCESS(status); i++)
        status = gpu_queue_signal(queues->list[i], list->count, list->fences, list->values);
    for (uint32_t i = 0; list->notifications && i < list->objects.count && NT_SUCCESS(status);
         i++) {
        const struct host_sync *sync = (const struct host_sync *)(void *)list->objects.list[i];
        if (!sync->fence)
            status = event_after_queues(call, queues, sync->event);
    }
    return status;
}

/* Fences of paging and hardware queues are the host's to signal: they say what it has done. */
static bool may_be_signalled(const struct fence_list *list)
{
    for (uint32_t i = 0; i < list->objects.count; i++)
        if (((const struct host_sync *)(void *)list->objects.list[i])->implicit)
            return false;
    return true;
}

static NTSTATUS signal_objects(struct host_call *call, const struct wire_signalsyncobject *signal,
                               const struct host_queues *queues)
{
    const struct wire_span *tails = call->request->tails;
    struct fence_list list;
    NTSTATUS status = find_fences(call, &tails[WIRE_TAIL_SIGNALSYNCOBJECT_OBJECTS],
                                  &tails[WIRE_TAIL_SIGNALSYNCOBJECT_FENCE_VALUES],
                                  signal->fence_value, GPU_QUEUE_MAX_FENCES, &list);
    if (NT_SUCCESS(status) && !may_be_signalled(&list))
        status = STATUS_INVALID_PARAMETER;
    if (NT_SUCCESS(status))
        status = check_use(&list, WIRE_SYNC_NO_SIGNAL);
    bool at_once = queues->count == 0 || signal->flags & WIRE_SIGNAL_SIGNAL_AT_SUBMISSION;
    if (NT_SUCCESS(status) && at_once)
        status =
            signal_now(call, &list, queues, (signal->flags & WIRE_SIGNAL_ALLOW_FENCE_REWIND) != 0);
    else if (NT_SUCCESS(status))
        status = signal_from_queues(call, &list, queues);
    host_objects_drop(&list.objects);
    return status;
}

NTSTATUS host_signal_sync(struct host_call *call, const void *command, void *reply)
{
    const struct wire_signalsyncobject *signal = command;
    const struct wire_span *contexts = &call->request->tails[WIRE_TAIL_SIGNALSYNCOBJECT_CONTEXTS];
    struct host_queues queues;
    NTSTATUS status = STATUS_SUCCESS;
    (void)reply;
    struct host_device *device = NULL; /* of a signal from the CPU */
    queues.count = 0;
    queues.device = NULL;
    if (contexts->count)
        status = host_queues_find(call, contexts, &queues);
    else if (!(device = host_find_device(call, signal->device)))
        status = STATUS_INVALID_PARAMETER;
    if (!NT_SUCCESS(status))
        ;
    else if (!(signal->flags & WIRE_SIGNAL_ENQUEUE_CPU_EVENT))
        status = signal_objects(call, signal, &queues);
    else if (!queues.count || !signal->cpu_event_handle)
        status = STATUS_INVALID_PARAMETER;
    else
        status = event_after_queues(call, &queues, signal->cpu_event_handle);
    if (!NT_SUCCESS(status))
        host_async_failure(call, device ? device : queues.device, status);
    host_queues_drop(&queues);
    host_object_release(device ? &device->object : NULL);
    return status;
}

NTSTATUS host_wait_from_cpu(struct host_call *call, const void *command, void *reply)
{
    const struct wire_waitforsyncobjectfromcpu *wait = command;
    const struct wire_span *tails = call->request->tails;
    struct fence_list list;
    (void)reply;
    if (!wait->guest_event_pointer)
        return STATUS_INVALID_PARAMETER;
    NTSTATUS status = find_fences(call, &tails[WIRE_TAIL_WAITFORSYNCOBJECTFROMCPU_OBJECTS],
                                  &tails[WIRE_TAIL_WAITFORSYNCOBJECTFROMCPU_FENCE_VALUES], 0,
                                  GPU_WAIT_MAX_FENCES, &list);
    if (NT_SUCCESS(status) && list.notifications)
        status = STATUS_INVALID_PARAMETER;
    if (NT_SUCCESS(status))
        status = check_use(&list, WIRE_SYNC_NO_WAIT);
    if (NT_SUCCESS(status))
        status =
            host_event_when(call->guest, list.count, list.fences, list.values,
                            (wait->flags & WIRE_WAIT_WAIT_ANY) != 0, wait->guest_event_pointer);
    host_objects_drop(&list.objects);
    return status;
}

/* A legacy wait has one object and one value; all others are for monitored fences. */
static bool is_legal_wait(const struct wire_waitforsyncobjectfromgpu *wait,
                          const struct fence_list *list)
{
    if (wait->legacy_fence_object)
        return list->count == 1;
    for (uint32_t i = 0; i < list->count; i++)
        if (!gpu_fence_has_page(list->fences[i]))
            return false;
    return true;
}

NTSTATUS host_wait_from_gpu(struct host_call *call, const void *command, void *reply)
{
    const struct wire_waitforsyncobjectfromgpu *wait = command;
    const struct wire_span *tails = call->request->tails;
    struct host_object *holder;
    struct host_device *device;
    struct fence_list list;
    (void)reply;
    struct gpu_queue *queue = host_find_queue(call, wait->context, &holder, &device);
    if (!queue)
        return STATUS_INVALID_PARAMETER;
    NTSTATUS status = find_fences(call, &tails[WIRE_TAIL_WAITFORSYNCOBJECTFROMGPU_OBJECTS],
                                  &tails[WIRE_TAIL_WAITFORSYNCOBJECTFROMGPU_FENCE_VALUES], 0,
                                  GPU_QUEUE_MAX_FENCES, &list);
    if (NT_SUCCESS(status) && (list.notifications || !is_legal_wait(wait, &list)))
        status = STATUS_INVALID_PARAMETER;
    if (NT_SUCCESS(status))
        status = check_use(&list, WIRE_SYNC_NO_WAIT);
    if (NT_SUCCESS(status))
        status = gpu_queue_wait(queue, list.count, list.fences, list.values);
    host_objects_drop(&list.objects);
    if (!NT_SUCCESS(status))
        host_async_failure(call, device, status);
    host_object_release(holder);
    return status;
}
