/* SPDX-License-Identifier: MIT */
/* Adapters: opening, what the guest driver must know, memory figures, clocks, standard
 * allocations. */
#include <stdlib.h>

#include "backend-loopback/host/command.h"

enum {
    DRIVER_DDI_VERSION = 0x8001, /* of the display driver interface; guests pass it on */
    NANOSECONDS = 1000000000,
};

/* ---- open and close */

/* The adapter gets a new handle each time; one that was still open is closed by it. */
NTSTATUS host_open_adapter(struct host_call *call, const void *command, void *reply)
{
    const struct wire_openadapter *open = command;
    struct wire_openadapter_reply *result = reply;
    struct host_guest *guest = call->guest;
    struct host_opened_adapter *opened = &guest->opened[call->adapter->index];
    if (open->vmbus_interface_version < WIRE_VERSION_LAST_COMPATIBLE ||
        open->vmbus_last_compatible_interface_version > call->host->config.interface_version)
        return STATUS_REVISION_MISMATCH;
    struct host_object *object =
        host_object_create(sizeof(*object), HOST_KIND_ADAPTER, &guest->object, NULL);
    if (!object)
        return STATUS_NO_MEMORY;
    NTSTATUS status = host_table_insert(&call->host->globals, &object, 1);
    if (!NT_SUCCESS(status)) {
        host_object_release(object);
        return status;
    }
    result->host_adapter_handle = object->handle;
    result->vmbus_interface_version = call->request->interface_version;
    result->vmbus_last_compatible_interface_version = WIRE_VERSION_LAST_COMPATIBLE;
    pthread_mutex_lock(&guest->lock);
    struct host_object *old = opened->object;
    opened->object = object;
    atomic_store(&opened->handle, object->handle);
    pthread_mutex_unlock(&guest->lock);
    if (old) {
        host_objects_release(host_table_collect(&call->host->globals, old));
        host_object_release(old);
    }
    return STATUS_SUCCESS;
}

NTSTATUS host_close_adapter(struct host_call *call, const void *command, void *reply)
{
    const struct wire_closeadapter *close = command;
    struct host_guest *guest = call->guest;
    struct host_opened_adapter *opened = &guest->opened[call->adapter->index];
    struct host_object *object = NULL;
    (void)reply;
    pthread_mutex_lock(&guest->lock);
    if (opened->object && opened->object->handle == close->host_handle) {
        object = opened->object;
        opened->object = NULL;
        atomic_store(&opened->handle, 0);
    }
    pthread_mutex_unlock(&guest->lock);
    if (!object)
        return STATUS_INVALID_PARAMETER;
    host_objects_release(host_table_collect(&call->host->globals, object));
    host_object_release(object);
    return STATUS_SUCCESS;
}

bool host_is_adapter_handle(const struct host_call *call, uint32_t handle)
{
    return handle != 0 && handle == atomic_load(&call->guest->opened[call->adapter->index].handle);
}

/* ---- description */

/*
 * Up to version 39 the structure ends before the vGPU's LUID; the layouts are the same until there.
 */
NTSTATUS host_get_internal_adapter_info(struct host_call *call, const void *command, void *reply)
{
    struct wire_getinternaladapterinfo_reply_before_40 *info = reply;
    const struct host_adapter_config *config = &call->adapter->config;
    bool new = call->request->interface_version >= WIRE_VERSION;
    (void)command;
    info->device_types = WIRE_DEVICE_TYPE_VIRTUAL_RENDER_DEVICE;
    info->driver_ddi_version = DRIVER_DDI_VERSION;
    if (config->hw_scheduling)
        info->bits |= WIRE_ADAPTER_HW_SCH_ENABLED | WIRE_ADAPTER_HW_SCH_CAPABLE;
    if (call->host->config.secure)
        info->bits |= WIRE_ADAPTER_SECURE_VIRTUAL_MACHINE;
    if (new && call->host->config.async_messages)
        info->bits |= WIRE_ADAPTER_ASYNC_MSG_ENABLED;
    info->host_adapter_luid.a = (uint32_t)config->host_luid.LowPart;
    info->host_adapter_luid.b = (uint32_t)config->host_luid.HighPart;
    host_utf16(info->device_description, sizeof(info->device_description) / 2, config->name);
    host_utf16(info->device_instance_id, sizeof(info->device_instance_id) / 2,
               "ROOT\\LIBD3DKMT\\LOOPBACK");
    if (new) {
        struct wire_getinternaladapterinfo_reply *whole = reply;
        whole->host_vgpu_luid.a = (uint32_t)config->vgpu_luid.LowPart;
        whole->host_vgpu_luid.b = (uint32_t)config->vgpu_luid.HighPart;
    }
    return STATUS_SUCCESS;
}

/* The configured features, else hardware scheduling alone. */
static bool find_feature(const struct host_adapter_config *config, uint32_t id,
                         struct host_feature *feature)
{
    const struct host_adapter_answers *answers = config->answers;
    for (uint32_t i = 0; answers && answers->features && i < answers->feature_count; i++) {
        *feature = answers->features[i];
        if (feature->id == id)
            return true;
    }
    if (id != DXGK_FEATURE_HWSCH || (answers && answers->features))
        return false;
    feature->version = 1;
    feature->result = WIRE_FEATURE_RESULT_KNOWN_FEATURE | WIRE_FEATURE_RESULT_SUPPORTED_BY_DRIVER |
                      WIRE_FEATURE_RESULT_SUPPORTED_ON_CONFIG;
    if (config->hw_scheduling)
        feature->result |= WIRE_FEATURE_RESULT_ENABLED;
    return true;
}

NTSTATUS host_is_feature_enabled(struct host_call *call, const void *command, void *reply)
{
    const struct wire_isfeatureenabled *query = command;
    struct wire_isfeatureenabled_reply *result = reply;
    struct host_feature feature;
    if (!find_feature(&call->adapter->config, query->feature_id, &feature))
        return STATUS_NOT_SUPPORTED;
    result->descriptor.min_supported_version = 1;
    result->descriptor.max_supported_version = feature.version;
    result->descriptor.bits = WIRE_FEATURE_SUPPORTED;
    result->result.version = feature.version;
    result->result.value = feature.result;
    return STATUS_SUCCESS;
}

/* ---- memory */

NTSTATUS host_query_video_memory_info(struct host_call *call, const void *command, void *reply)
{
    const struct wire_queryvideomemoryinfo *query = command;
    struct wire_queryvideomemoryinfo_reply *result = reply;
    struct gpu_process *process;
    struct gpu_memory_info info;
    if (!host_is_adapter_handle(call, query->adapter) ||
        query->memory_segment_group >= KMD_SEGMENT_GROUPS || query->physical_adapter_index != 0)
        return STATUS_INVALID_PARAMETER;
    NTSTATUS status = host_process_gpu(call->process, call->adapter, &process);
    if (!NT_SUCCESS(status))
        return status;
    gpu_process_memory_info(process, (enum kmd_segment_group)query->memory_segment_group, &info);
    result->budget = info.budget;
    result->current_usage = info.usage;
    result->current_reservation = info.reservation;
    result->available_for_reservation = info.available_for_reservation;
    return STATUS_SUCCESS;
}

/* The guest leaves the adapter and process fields 0: the channel and the header tell them. */
NTSTATUS host_change_video_memory_reservation(struct host_call *call, const void *command,
                                              void *reply)
{
    const struct wire_changevideomemoryreservation *change = command;
    struct gpu_process *process;
    (void)reply;
    if (change->args.memory_segment_group >= KMD_SEGMENT_GROUPS ||
        change->args.physical_adapter_index != 0)
        return STATUS_INVALID_PARAMETER;
    NTSTATUS status = host_process_gpu(call->process, call->adapter, &process);
    if (!NT_SUCCESS(status))
        return status;
    return gpu_process_set_reservation(process,
                                       (enum kmd_segment_group)change->args.memory_segment_group,
                                       change->args.reservation);
}

/* ---- clocks */

/* One clock drives both counters; the CPU's counts nanoseconds. */
NTSTATUS host_query_clock_calibration(struct host_call *call, const void *command, void *reply)
{
    const struct wire_queryclockcalibration *query = command;
    struct wire_queryclockcalibration_reply *result = reply;
    const struct kmd_adapter_info *info = gpu_adapter_info(call->adapter->gpu);
    const struct gpu_clock *clock = gpu_machine_clock(call->host->machine);
    if (!host_is_adapter_handle(call, query->args.adapter) ||
        query->args.node_ordinal >= info->node_count || query->args.physical_adapter_index != 0)
        return STATUS_INVALID_PARAMETER;
    uint64_t now = clock->now(clock);
    uint64_t frequency = info->timestamp_frequency;
    result->clock_data.gpu_frequency = frequency;
    result->clock_data.gpu_clock_counter =
        now / NANOSECONDS * frequency + now % NANOSECONDS * frequency / NANOSECONDS;
    result->clock_data.cpu_clock_counter = now;
    return STATUS_SUCCESS;
}

/* ---- standard allocations */

/* The size in bytes where the description tells it: a GDI surface of height 1 is a run of bytes. */
static uint64_t described_size(const struct wire_ddigetstandardallocationdriverdata *request)
{
    if (request->alloc_type != KMD_STANDARD_ALLOCATION_GDI)
        return 0;
    uint64_t height = request->gdi_surface.height ? request->gdi_surface.height : 1;
    uint64_t row =
        request->gdi_surface.pitch ? request->gdi_surface.pitch : request->gdi_surface.width;
    return row * height;
}

static NTSTATUS standard_data(struct host_call *call,
                              const struct wire_ddigetstandardallocationdriverdata *request,
                              struct wire_ddigetstandardallocationdriverdata_reply *result,
                              void *allocation_data, void *resource_data)
{
    struct kmd_standard_allocation standard = {
        .type = (enum kmd_standard_allocation_type)request->alloc_type,
        .standard_size = described_size(request),
        .allocation_data = allocation_data,
        .allocation_data_size = request->priv_driver_data_size,
        .resource_data = resource_data,
        .resource_data_size = request->priv_driver_resource_size,
    };
    NTSTATUS status = gpu_adapter_standard_allocation(call->adapter->gpu, &standard);
    if (!NT_SUCCESS(status))
        return status;
    result->priv_driver_data_size = standard.allocation_data_size;
    result->priv_driver_resource_size = standard.resource_data_size;
    result->gdi_surface = request->gdi_surface;
    wire_append(&call->out, allocation_data, request->priv_driver_data_size);
    wire_append(&call->out, resource_data, request->priv_driver_resource_size);
    return STATUS_SUCCESS;
}

/* Asked twice: with sizes 0 for the sizes, then for the data. */
NTSTATUS host_get_standard_allocation_driver_data(struct host_call *call, const void *command,
                                                  void *reply)
{
    const struct wire_ddigetstandardallocationdriverdata *request = command;
    uint32_t allocation_size = request->priv_driver_data_size;
    uint32_t resource_size = request->priv_driver_resource_size;
    if (request->alloc_type < KMD_STANDARD_ALLOCATION_SHARED_PRIMARY ||
        request->alloc_type > KMD_STANDARD_ALLOCATION_VIRTUAL_GPU ||
        request->physical_adapter_index != 0)
        return STATUS_INVALID_PARAMETER;
    /* The sizes are below the reply's limit, which was checked before. */
    void *allocation_data = allocation_size ? calloc(1, allocation_size) : NULL;
    void *resource_data = resource_size ? calloc(1, resource_size) : NULL;
    NTSTATUS status = STATUS_NO_MEMORY;
    if ((allocation_data || !allocation_size) && (resource_data || !resource_size))
        status = standard_data(call, request, reply, allocation_data, resource_data);
    free(resource_data);
    free(allocation_data);
    return status;
}
