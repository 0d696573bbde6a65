/* SPDX-License-Identifier: MIT */
/* From bytes to a handler and back: copy, decode, route, look up the process, run, encode. */
#include "backend-loopback/host/command.h"

#include <stdlib.h>

enum {
    PRIVATE_COPY = 2048, /* commands up to this size are copied to the stack */
    SCRATCH_REPLY = 256,
};

struct command_entry {
    host_handler *run;
    bool without_process;
};

#define GLOBAL(name) [WIRE_GLOBAL_##name - WIRE_GLOBAL_COMMAND_FIRST]
#define VGPU(name)   [WIRE_VGPU_##name]

static const struct command_entry
    global_handlers[WIRE_GLOBAL_COMMAND_LIMIT - WIRE_GLOBAL_COMMAND_FIRST] = {
        GLOBAL(CREATEPROCESS) = {host_create_process, true},
        GLOBAL(DESTROYPROCESS) = {host_destroy_process, false},
        GLOBAL(SETIOSPACEREGION) = {host_set_io_space_region, true},
        GLOBAL(OPENSYNCOBJECT) = {host_open_sync, false},
        GLOBAL(DESTROYSYNCOBJECT) = {host_destroy_sync, false},
        GLOBAL(CREATENTSHAREDOBJECT) = {host_create_shared_object, false},
        GLOBAL(SHAREOBJECTWITHHOST) = {host_share_with_host, false},
        GLOBAL(DESTROYNTSHAREDOBJECT) = {host_destroy_shared_object, true},
};

static const struct command_entry vgpu_handlers[WIRE_VGPU_COMMAND_LIMIT] = {
    VGPU(OPENADAPTER) = {host_open_adapter, true},
    VGPU(CLOSEADAPTER) = {host_close_adapter, true},
    VGPU(GETINTERNALADAPTERINFO) = {host_get_internal_adapter_info, true},
    VGPU(ISFEATUREENABLED) = {host_is_feature_enabled, true},
    VGPU(QUERYADAPTERINFO) = {host_query_adapter_info, false},
    VGPU(QUERYVIDEOMEMORYINFO) = {host_query_video_memory_info, false},
    VGPU(CHANGEVIDEOMEMORYRESERVATION) = {host_change_video_memory_reservation, false},
    VGPU(QUERYCLOCKCALIBRATION) = {host_query_clock_calibration, false},
    VGPU(QUERYSTATISTICS) = {host_query_statistics, false},
    VGPU(ESCAPE) = {host_escape, false},
    VGPU(DDIGETSTANDARDALLOCATIONDRIVERDATA) = {host_get_standard_allocation_driver_data, false},

    VGPU(CREATEDEVICE) = {host_create_device, false},
    VGPU(DESTROYDEVICE) = {host_destroy_device, false},
    VGPU(FLUSHDEVICE) = {host_flush_device, false},
    VGPU(GETDEVICESTATE) = {host_get_device_state, false},
    VGPU(MARKDEVICEASERROR) = {host_mark_device_as_error, false},

    VGPU(CREATECONTEXTVIRTUAL) = {host_create_context, false},
    VGPU(DESTROYCONTEXT) = {host_destroy_context, false},
    VGPU(CREATEHWQUEUE) = {host_create_hw_queue, false},
    VGPU(DESTROYHWQUEUE) = {host_destroy_hw_queue, false},
    VGPU(SETCONTEXTSCHEDULINGPRIORITY) = {host_set_context_priority, false},
    VGPU(GETCONTEXTSCHEDULINGPRIORITY) = {host_get_context_priority, false},
    VGPU(SUBMITCOMMAND) = {host_submit_command, false},
    VGPU(SUBMITCOMMANDTOHWQUEUE) = {host_submit_command_to_hw_queue, false},

    VGPU(CREATEPAGINGQUEUE) = {host_create_paging_queue, false},
    VGPU(DESTROYPAGINGQUEUE) = {host_destroy_paging_queue, false},
    VGPU(MAKERESIDENT) = {host_make_resident, false},
    VGPU(EVICT) = {host_evict, false},
    VGPU(QUERYALLOCATIONRESIDENCY) = {host_query_residency, false},
    VGPU(UPDATEALLOCATIONPROPERTY) = {host_update_allocation_property, false},
    VGPU(FLUSHHEAPTRANSITIONS) = {host_flush_heap_transitions, false},
    VGPU(OFFERALLOCATIONS) = {host_offer_allocations, false},
    VGPU(RECLAIMALLOCATIONS) = {host_reclaim_allocations, false},
    VGPU(SETALLOCATIONPRIORITY) = {host_set_allocation_priority, false},
    VGPU(GETALLOCATIONPRIORITY) = {host_get_allocation_priority, false},
    VGPU(MAPGPUVIRTUALADDRESS) = {host_map_address, false},
    VGPU(RESERVEGPUVIRTUALADDRESS) = {host_reserve_address, false},
    VGPU(FREEGPUVIRTUALADDRESS) = {host_free_address, false},
    VGPU(UPDATEGPUVIRTUALADDRESS) = {host_update_address, false},

    VGPU(CREATEALLOCATION) = {host_create_allocation, false},
    VGPU(DESTROYALLOCATION) = {host_destroy_allocation, false},
    VGPU(OPENRESOURCE) = {host_open_resource, false},
    VGPU(SETEXISTINGSYSMEMSTORE) = {host_set_existing_store, false},
    VGPU(SETEXISTINGSYSMEMPAGES) = {host_set_existing_pages, false},
    VGPU(LOCK2) = {host_lock2, false},
    VGPU(UNLOCK2) = {host_unlock2, false},
    VGPU(INVALIDATECACHE) = {host_invalidate_cache, false},

    VGPU(CREATESYNCOBJECT) = {host_create_sync, false},
    VGPU(SIGNALSYNCOBJECT) = {host_signal_sync, false},
    VGPU(WAITFORSYNCOBJECTFROMCPU) = {host_wait_from_cpu, false},
    VGPU(WAITFORSYNCOBJECTFROMGPU) = {host_wait_from_gpu, false},
};

static const struct command_entry *entry_of(const struct wire_command *command)
{
    return command->channel == WIRE_GLOBAL
               ? &global_handlers[command->number - WIRE_GLOBAL_COMMAND_FIRST]
               : &vgpu_handlers[command->number];
}

/* ---- routing */

static struct host_adapter *adapter_by_luid(struct host *host, const struct wire_luid *luid)
{
    for (uint32_t i = 0; i < host->adapter_count; i++) {
        const LUID *own = &host->adapters[i].config.vgpu_luid;
        if (atomic_load(&host->adapters[i].present) && luid->a == (uint32_t)own->LowPart &&
            luid->b == (uint32_t)own->HighPart)
            return &host->adapters[i];
    }
    return NULL;
}

/* Global commands come on the global channel. vGPU commands come on their channel, or on the global
 * one, where from version 40 on the LUID of the ext header says which adapter is meant. */
static NTSTATUS route(struct host_call *call, int channel)
{
    const struct wire_request *request = call->request;
    if (request->command->channel == WIRE_GLOBAL)
        return channel == HOST_GLOBAL_CHANNEL ? STATUS_SUCCESS : STATUS_INVALID_PARAMETER;
    if (channel == HOST_GLOBAL_CHANNEL) {
        if (request->interface_version >= WIRE_VERSION)
            call->adapter = adapter_by_luid(call->host, &request->vgpu_luid);
    } else if (channel >= 0 && (uint32_t)channel < call->host->adapter_count) {
        call->adapter = &call->host->adapters[channel];
    }
    if (!call->adapter)
        return STATUS_INVALID_PARAMETER;
    return atomic_load(&call->adapter->present) ? STATUS_SUCCESS : STATUS_DEVICE_REMOVED;
}

/* Another guest's process is as good as not there. */
static NTSTATUS prepare(struct host_call *call, int channel, const struct command_entry *entry)
{
    if (!entry->run)
        return STATUS_NOT_SUPPORTED;
    NTSTATUS status = route(call, channel);
    if (!NT_SUCCESS(status))
        return status;
    if (entry->without_process)
        return STATUS_SUCCESS;
    struct host_object *process =
        host_table_find(&call->host->globals, call->request->process, HOST_KIND_PROCESS);
    if (process && process->owner == &call->guest->object) {
        call->process = (struct host_process *)(void *)process;
        return STATUS_SUCCESS;
    }
    host_object_release(process);
    return STATUS_INVALID_PARAMETER;
}

/* ---- reply */

/*
 * A reply with a status field is given whole even on failure: MAKERESIDENT, for one, says how much
 * to trim. Whatever was appended is dropped.
 */
static size_t fail(struct host_call *call, const struct wire_reply_layout *layout, NTSTATUS status,
                   void *buffer, size_t capacity)
{
    struct wire_builder *out = &call->out;
    if (layout->kind != WIRE_REPLY_STRUCT || layout->status_offset == WIRE_NO_STATUS)
        return wire_reply_fail(call->request, status, buffer, capacity);
    out->error = WIRE_OK;
    out->size = layout->fixed_size;
    memcpy(out->buffer + layout->status_offset, &status, sizeof(status));
    return wire_reply_finish(out, call->request);
}

/* Runs the handler with its reply in buffer (aligned, large enough). Returns the reply's size. */
static size_t run(struct host_call *call, const struct command_entry *entry, void *buffer,
                  size_t capacity, NTSTATUS *status)
{
    const struct wire_request *request = call->request;
    const struct wire_reply_layout *layout =
        &request->command->reply[request->interface_version >= WIRE_VERSION];
    unsigned char *reply = wire_reply_begin(&call->out, request, buffer, capacity);
    if (call->out.error) {
        *status = STATUS_BUFFER_TOO_SMALL;
        return wire_reply_fail(request, *status, buffer, capacity);
    }
    *status = entry->run(call, request->bytes, reply);
    if (NT_SUCCESS(*status) && call->out.error)
        *status = STATUS_INTERNAL_ERROR;
    if (!NT_SUCCESS(*status))
        return fail(call, layout, *status, buffer, capacity);
    if (layout->status_offset != WIRE_NO_STATUS)
        memcpy(reply + layout->status_offset, status, sizeof(*status));
    return wire_reply_finish(&call->out, request);
}

/* Builds the reply in private memory when the caller wants none or gave a buffer that cannot be
 * used in place. */
static size_t run_with_scratch(struct host_call *call, const struct command_entry *entry,
                               size_t expected, void *reply, size_t capacity, NTSTATUS *status)
{
    _Alignas(8) unsigned char small[SCRATCH_REPLY];
    unsigned char *scratch = small;
    if (expected > sizeof(small))
        scratch = aligned_alloc(8, (expected + 7) & ~(size_t)7);
    if (!scratch) {
        *status = STATUS_NO_MEMORY;
        return wire_reply_fail(call->request, *status, reply, capacity);
    }
    size_t size =
        run(call, entry, scratch, expected > sizeof(small) ? expected : sizeof(small), status);
    if (size > capacity)
        size = 0;
    if (size)
        memcpy(reply, scratch, size);
    if (scratch != small)
        free(scratch);
    return size;
}

static size_t execute(struct host_call *call, int channel, void *reply, size_t capacity,
                      NTSTATUS *status)
{
    const struct command_entry *entry = entry_of(call->request->command);
    size_t expected = wire_reply_expected(call->request);
    size_t size;
    bool wanted = capacity > 0;
    *status = prepare(call, channel, entry);
    /* Before anything is made: a reply that cannot be given would leave the guest without the
     * handles in it. */
    if (NT_SUCCESS(*status) && (expected > WIRE_REPLY_LIMIT || (wanted && expected > capacity)))
        *status = STATUS_BUFFER_TOO_SMALL;
    if (!NT_SUCCESS(*status))
        size = wanted ? wire_reply_fail(call->request, *status, reply, capacity) : 0;
    else if (wanted && ((uintptr_t)reply & 7) == 0)
        size = run(call, entry, reply, capacity, status);
    else
        size = run_with_scratch(call, entry, expected, reply, capacity, status);
    if (call->process)
        host_object_release(&call->process->object);
    return size;
}

/* ---- entry */

/* In the command's form as far as it is known, else a bare status. */
static size_t refuse(const struct wire_request *request, enum wire_error error, void *reply,
                     size_t capacity)
{
    NTSTATUS status =
        error == WIRE_ERROR_UNKNOWN_LAYOUT ? STATUS_NOT_SUPPORTED : STATUS_INVALID_PARAMETER;
    if (capacity == 0)
        return 0;
    if (request->command)
        return wire_reply_fail(request, status, reply, capacity);
    if (capacity < sizeof(status))
        return 0;
    memcpy(reply, &status, sizeof(status));
    return sizeof(status);
}

static size_t decode_and_execute(struct host_guest *guest, int channel, const void *bytes,
                                 size_t size, void *reply, size_t capacity)
{
    struct wire_request request;
    NTSTATUS status;
    enum wire_error error =
        wire_request_decode(bytes, size, host_interface_version(guest), &request);
    if (error == WIRE_OK && request.async) {
        if (!guest->host->config.async_messages || channel != HOST_GLOBAL_CHANNEL)
            error = WIRE_ERROR_NOT_ASYNC;
        capacity = 0;
    }
    if (error || !request.command) {
        host_log(guest, HOST_LOG_WARNING, "malformed %s (%zu bytes): %s",
                 request.command ? request.command->name : "command", size, wire_error_text(error));
        return refuse(&request, error, reply, capacity);
    }
    struct host_call call = {.host = guest->host, .guest = guest, .request = &request};
    size_t reply_size = execute(&call, channel, reply, capacity, &status);
    if (!NT_SUCCESS(status))
        host_log(guest, HOST_LOG_DEBUG, "%s failed with 0x%08x", request.command->name,
                 (unsigned)status);
    return reply_size;
}

static void tell_if_strayed(struct host_guest *guest)
{
    if (gpu_machine_strayed(guest->host->machine) && !atomic_exchange(&guest->host->told, true))
        host_log(guest, HOST_LOG_WARNING,
                 "deterministic: no call came for 100 ms while the GPU had work; it went on, and "
                 "from there on the run depends on time");
}

size_t host_command(struct host_guest *guest, int channel, const void *bytes, size_t size,
                    bool reply_wanted, void *reply, size_t capacity)
{
    _Alignas(8) unsigned char small[PRIVATE_COPY];
    unsigned char *copy = small;
    if (!reply_wanted || !reply)
        capacity = 0;
    if (size > WIRE_MESSAGE_LIMIT)
        size = WIRE_MESSAGE_LIMIT; /* larger packets cannot come; whatever this is, it fails to
                                      decode */
    if (size > sizeof(small)) {
        copy = malloc(size);
        if (!copy) {
            host_log(guest, HOST_LOG_ERROR, "no memory for a command of %zu bytes", size);
            return 0;
        }
    }
    if (size)
        memcpy(copy, bytes, size);
    pthread_rwlock_rdlock(&guest->host->presence);
    size_t reply_size = decode_and_execute(guest, channel, copy, size, reply, capacity);
    pthread_rwlock_unlock(&guest->host->presence);
    if (copy != small)
        free(copy);
    gpu_machine_after_call(guest->host->machine);
    tell_if_strayed(guest);
    return reply_size;
}

/* ---- look-ups */

static struct host_object *find(const struct host_call *call, uint32_t handle, enum host_kind kind)
{
    return host_table_find(&call->process->table, handle, kind);
}

/* Objects of another adapter are as good as not there. */
static void *checked(const struct host_call *call, struct host_object *object,
                     const struct host_device *device)
{
    if (device->adapter == call->adapter)
        return object;
    host_object_release(object);
    return NULL;
}

struct host_device *host_find_device(const struct host_call *call, uint32_t handle)
{
    struct host_device *device = (void *)find(call, handle, HOST_KIND_DEVICE);
    return device ? checked(call, &device->object, device) : NULL;
}

struct host_device *host_find_any_device(const struct host_call *call, uint32_t handle)
{
    return (void *)find(call, handle, HOST_KIND_DEVICE);
}

struct host_context *host_find_context(const struct host_call *call, uint32_t handle)
{
    struct host_context *context = (void *)find(call, handle, HOST_KIND_CONTEXT);
    return context ? checked(call, &context->object, context->device) : NULL;
}

struct host_paging_queue *host_find_paging_queue(const struct host_call *call, uint32_t handle)
{
    struct host_paging_queue *queue = (void *)find(call, handle, HOST_KIND_PAGING_QUEUE);
    return queue ? checked(call, &queue->object, queue->device) : NULL;
}

struct host_allocation *host_find_allocation(const struct host_call *call, uint32_t handle)
{
    struct host_allocation *allocation = (void *)find(call, handle, HOST_KIND_ALLOCATION);
    return allocation ? checked(call, &allocation->object, allocation->device) : NULL;
}

struct host_hw_queue *host_find_hw_queue(const struct host_call *call, uint32_t handle)
{
    struct host_hw_queue *queue = (void *)find(call, handle, HOST_KIND_HW_QUEUE);
    return queue ? checked(call, &queue->object, queue->context->device) : NULL;
}

struct gpu_queue *host_find_queue(const struct host_call *call, uint32_t handle,
                                  struct host_object **holder, struct host_device **device)
{
    struct host_context *context = host_find_context(call, handle);
    if (context) {
        *holder = &context->object;
        *device = context->device;
        return gpu_context_queue(context->gpu);
    }
    struct host_hw_queue *queue = host_find_hw_queue(call, handle);
    if (!queue)
        return NULL;
    *holder = &queue->object;
    *device = queue->context->device;
    return gpu_hw_queue_queue(queue->gpu);
}

NTSTATUS host_queues_find(const struct host_call *call, const struct wire_span *handles,
                          struct host_queues *queues)
{
    struct host_device *device;
    queues->count = 0;
    queues->device = NULL;
    if (handles->count < 1 || handles->count > HOST_MAX_QUEUES)
        return STATUS_INVALID_PARAMETER;
    for (uint32_t i = 0; i < handles->count; i++) {
        queues->list[i] =
            host_find_queue(call, wire_span_u32(handles, i), &queues->holders[i], &device);
        if (!queues->list[i])
            return STATUS_INVALID_PARAMETER;
        queues->count++;
        if (i == 0)
            queues->device = device;
    }
    return STATUS_SUCCESS;
}

void host_queues_drop(struct host_queues *queues)
{
    for (uint32_t i = 0; i < queues->count; i++)
        host_object_release(queues->holders[i]);
}

void host_async_failure(const struct host_call *call, struct host_device *device, NTSTATUS status)
{
    if (!call->request->async || !device)
        return;
    gpu_device_mark_error(device->gpu, status == STATUS_NO_MEMORY ? GPU_DEVICE_OUT_OF_MEMORY
                                                                  : GPU_DEVICE_DMA_FAULT);
}

void *host_copy_span(const struct wire_span *span, bool *failed)
{
    size_t size = wire_span_bytes(span);
    if (size == 0)
        return NULL;
    void *copy = malloc(size);
    if (copy)
        memcpy(copy, span->data, size);
    else
        *failed = true;
    return copy;
}

NTSTATUS host_publish(struct host_call *call, struct host_object *object, uint32_t *handle)
{
    NTSTATUS status = host_table_insert(&call->process->table, &object, 1);
    *handle = NT_SUCCESS(status) ? object->handle : 0;
    host_object_release(object);
    return status;
}

NTSTATUS host_objects_find(const struct host_call *call, const struct wire_span *handles,
                           enum host_kind kind, struct host_objects *objects)
{
    objects->count = 0;
    objects->list = objects->inline_list;
    if (handles->count > HOST_INLINE_OBJECTS)
        objects->list = malloc(handles->count * sizeof(*objects->list));
    if (!objects->list)
        return STATUS_NO_MEMORY;
    if (!host_table_find_all(&call->process->table, handles, kind, objects->list))
        return STATUS_INVALID_PARAMETER;
    objects->count = handles->count;
    return STATUS_SUCCESS;
}

void host_objects_drop(struct host_objects *objects)
{
    for (uint32_t i = 0; i < objects->count; i++)
        host_object_release(objects->list[i]);
    if (objects->list != objects->inline_list)
        free(objects->list);
}
