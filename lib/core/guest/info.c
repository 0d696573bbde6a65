/* SPDX-License-Identifier: MIT */
/* Questions to an adapter, and small calls on it. */
#include "core/guest/call.h"
#include "core/guest/message.h"
#include "core/guest/target.h"
#include "core/last_error.h"

#include <string.h>

/* ---- QueryAdapterInfo */

/*
 * A vGPU drives no display, and only the guest knows from PCI whether it is compute-only. Of a
 * buffer that is smaller than the flags, those that it holds are set.
 */
static void patch_adapter_type(const struct guest_adapter *adapter, void *data, size_t size)
{
    D3DKMT_ADAPTERTYPE type = {.Value = 0};

    if (size > sizeof(type))
        size = sizeof(type);
    memcpy(&type, data, size);
    type.Paravirtualized = 1;
    type.DisplaySupported = 0;
    type.PostDevice = 0;
    type.IndirectDisplayDevice = 0;
    type.ACGSupported = 0;
    type.SupportSetTimingsFromVidPn = 0;
    type.ComputeOnly = adapter->compute_only;
    memcpy(data, &type, size);
}

static NTSTATUS ask_adapter(struct guest_process *process, struct guest_adapter *adapter,
                            const D3DKMT_QUERYADAPTERINFO *args)
{
    UINT size = args->PrivateDriverDataSize;
    struct guest_message message;
    struct wire_queryadapterinfo *command = guest_message_begin(
        &message, process->vm, adapter, process->host_handle, WIRE_VGPU_QUERYADAPTERINFO, size);

    if (!command)
        return STATUS_NO_MEMORY;
    command->query_type = args->Type;
    command->private_data_size = size;
    void *data = guest_message_reserve(&message, size);
    NTSTATUS status =
        guest_read(process, data, args->pPrivateDriverData, size, "pPrivateDriverData");
    if (NT_SUCCESS(status))
        status = guest_message_exchange(&message);
    if (NT_SUCCESS(status)) {
        const struct wire_span *answer =
            &message.reply.tails[WIRE_REPLY_TAIL_QUERYADAPTERINFO_PRIVATE_DATA];

        memcpy(data, answer->data, size);
        if (args->Type == KMTQAITYPE_ADAPTERTYPE || args->Type == KMTQAITYPE_ADAPTERTYPE_RENDER)
            patch_adapter_type(adapter, data, size);
        status = guest_write(process, args->pPrivateDriverData, data, size, "pPrivateDriverData");
    }
    guest_message_end(&message);
    return status;
}

NTSTATUS guest_query_adapter_info(struct guest_process *process,
                                  const D3DKMT_QUERYADAPTERINFO *args,
                                  D3DKMT_QUERYADAPTERINFO *caller)
{
    (void)caller;
    NTSTATUS status = guest_check_count("PrivateDriverDataSize", args->PrivateDriverDataSize, 1,
                                        GUEST_PRIVATE_DATA_MAX);
    if (!NT_SUCCESS(status))
        return status;
    struct guest_target target;
    status = guest_target_adapter(process, args->hAdapter, "hAdapter", &target);
    if (NT_SUCCESS(status))
        status = ask_adapter(process, target.adapter, args);
    guest_target_release(&target);
    return status;
}

/* ---- QueryVideoMemoryInfo */

static NTSTATUS ask_video_memory(struct guest_process *process, struct guest_adapter *adapter,
                                 const D3DKMT_QUERYVIDEOMEMORYINFO *args,
                                 D3DKMT_QUERYVIDEOMEMORYINFO *caller)
{
    struct guest_message message;
    struct wire_queryvideomemoryinfo *command = guest_message_begin(
        &message, process->vm, adapter, process->host_handle, WIRE_VGPU_QUERYVIDEOMEMORYINFO, 0);

    if (!command)
        return STATUS_NO_MEMORY;
    command->adapter = adapter->host_handle;
    command->memory_segment_group = args->MemorySegmentGroup;
    command->physical_adapter_index = args->PhysicalAdapterIndex;
    NTSTATUS status = guest_message_exchange(&message);
    if (NT_SUCCESS(status)) {
        const struct wire_queryvideomemoryinfo_reply *answer = (const void *)message.reply.bytes;

        status = GUEST_WRITE(process, caller->Budget, answer->budget);
        if (NT_SUCCESS(status))
            status = GUEST_WRITE(process, caller->CurrentUsage, answer->current_usage);
        if (NT_SUCCESS(status))
            status = GUEST_WRITE(process, caller->CurrentReservation, answer->current_reservation);
        if (NT_SUCCESS(status))
            status = GUEST_WRITE(process, caller->AvailableForReservation,
                                 answer->available_for_reservation);
    }
    guest_message_end(&message);
    return status;
}

NTSTATUS guest_query_video_memory_info(struct guest_process *process,
                                       const D3DKMT_QUERYVIDEOMEMORYINFO *args,
                                       D3DKMT_QUERYVIDEOMEMORYINFO *caller)
{
    if (args->hProcess)
        return d3dkmti_fail(STATUS_INVALID_PARAMETER,
                            "hProcess must be NULL: only the calling process can be asked about");
    struct guest_target target;
    NTSTATUS status = guest_target_adapter(process, args->hAdapter, "hAdapter", &target);
    if (NT_SUCCESS(status))
        status = ask_video_memory(process, target.adapter, args, caller);
    guest_target_release(&target);
    return status;
}

/* ---- small calls on an adapter */

static NTSTATUS change_reservation(struct guest_process *process, struct guest_adapter *adapter,
                                   const D3DKMT_CHANGEVIDEOMEMORYRESERVATION *args)
{
    struct guest_message message;
    struct wire_changevideomemoryreservation *command =
        guest_message_begin(&message, process->vm, adapter, process->host_handle,
                            WIRE_VGPU_CHANGEVIDEOMEMORYRESERVATION, 0);

    if (!command)
        return STATUS_NO_MEMORY;
    memcpy(&command->args, args, sizeof(command->args));
    command->args.adapter = 0; /* the channel or the LUID says which */
    return guest_message_finish(&message);
}

NTSTATUS guest_change_video_memory_reservation(struct guest_process *process,
                                               const D3DKMT_CHANGEVIDEOMEMORYRESERVATION *args,
                                               D3DKMT_CHANGEVIDEOMEMORYRESERVATION *caller)
{
    (void)caller;
    if (args->hProcess)
        return d3dkmti_fail(STATUS_INVALID_PARAMETER,
                            "hProcess must be NULL: only the calling process can reserve");
    struct guest_target target;
    NTSTATUS status = guest_target_adapter(process, args->hAdapter, "hAdapter", &target);
    if (NT_SUCCESS(status))
        status = change_reservation(process, target.adapter, args);
    guest_target_release(&target);
    return status;
}

static NTSTATUS calibrate(struct guest_process *process, struct guest_adapter *adapter,
                          const D3DKMT_QUERYCLOCKCALIBRATION *args,
                          D3DKMT_QUERYCLOCKCALIBRATION *caller)
{
    struct guest_message message;
    struct wire_queryclockcalibration *command = guest_message_begin(
        &message, process->vm, adapter, process->host_handle, WIRE_VGPU_QUERYCLOCKCALIBRATION, 0);

    if (!command)
        return STATUS_NO_MEMORY;
    memcpy(&command->args, args, sizeof(command->args));
    command->args.adapter = adapter->host_handle;
    NTSTATUS status = guest_message_exchange(&message);
    if (message.answered) {
        const struct wire_queryclockcalibration_reply *answer = (const void *)message.reply.bytes;
        NTSTATUS written = GUEST_WRITE(process, caller->ClockData, answer->clock_data);

        status = NT_SUCCESS(written) ? status : written;
    }
    guest_message_end(&message);
    return status;
}

NTSTATUS guest_query_clock_calibration(struct guest_process *process,
                                       const D3DKMT_QUERYCLOCKCALIBRATION *args,
                                       D3DKMT_QUERYCLOCKCALIBRATION *caller)
{
    struct guest_target target;
    NTSTATUS status = guest_target_adapter(process, args->hAdapter, "hAdapter", &target);

    if (NT_SUCCESS(status))
        status = calibrate(process, target.adapter, args, caller);
    guest_target_release(&target);
    return status;
}

static NTSTATUS flush(struct guest_process *process, struct guest_adapter *adapter)
{
    struct guest_message message;

    if (!guest_message_begin(&message, process->vm, adapter, process->host_handle,
                             WIRE_VGPU_FLUSHHEAPTRANSITIONS, 0))
        return STATUS_NO_MEMORY;
    NTSTATUS status = guest_message_exchange(&message);
    guest_message_end(&message);
    return NT_SUCCESS(status) ? STATUS_SUCCESS : status;
}

NTSTATUS guest_flush_heap_transitions(struct guest_process *process,
                                      const D3DKMT_FLUSHHEAPTRANSITIONS *args,
                                      D3DKMT_FLUSHHEAPTRANSITIONS *caller)
{
    (void)caller;
    struct guest_target target;
    NTSTATUS status = guest_target_adapter(process, args->hAdapter, "hAdapter", &target);

    if (NT_SUCCESS(status))
        status = flush(process, target.adapter);
    guest_target_release(&target);
    return status;
}

/* The driver knows a form for the whole VM too; with an adapter it is the adapter's. */
static NTSTATUS ask_feature(struct guest_process *process, struct guest_adapter *adapter,
                            const D3DKMT_ISFEATUREENABLED *args, D3DKMT_ISFEATUREENABLED *caller)
{
    struct guest_message message;
    struct wire_isfeatureenabled *command =
        guest_message_begin(&message, process->vm, adapter, 0, WIRE_VGPU_ISFEATUREENABLED, 0);

    if (!command)
        return STATUS_NO_MEMORY;
    command->feature_id = args->FeatureId;
    NTSTATUS status = guest_message_exchange(&message);
    if (status == STATUS_SUCCESS) {
        const struct wire_isfeatureenabled_reply *answer = (const void *)message.reply.bytes;

        status = GUEST_WRITE(process, caller->Result, answer->result);
    }
    guest_message_end(&message);
    return status;
}

NTSTATUS guest_is_feature_enabled(struct guest_process *process,
                                  const D3DKMT_ISFEATUREENABLED *args,
                                  D3DKMT_ISFEATUREENABLED *caller)
{
    struct guest_target target;
    NTSTATUS status = guest_target_adapter(process, args->hAdapter, "hAdapter", &target);

    if (NT_SUCCESS(status))
        status = ask_feature(process, target.adapter, args, caller);
    guest_target_release(&target);
    return status;
}
