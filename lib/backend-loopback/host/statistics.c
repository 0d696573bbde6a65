/* SPDX-License-Identifier: MIT */
/*
 * QueryStatistics. What has no counterpart in the simulation (display, paging buffers, renaming,
 * swizzling, sensors) is 0, or refused where nothing else is asked for. The header names the
 * process that is asked about.
 */
#include "backend-loopback/host/command.h"

enum { NANOSECONDS_PER_TICK = 100 };

/* D3DKMT_QUERYSTATISTICS_QUEUE_PACKET_TYPE and _DMA_PACKET_TYPE. */
enum {
    QUEUE_PACKET_RENDER = 0,
    QUEUE_PACKET_WAIT = 4,
    QUEUE_PACKET_SIGNAL = 5,
    QUEUE_PACKET_DEVICE = 6,
    DMA_PACKET_CLIENT_RENDER = 0,
};

/* By enum gpu_packet_type: submissions, waits, signals, address changes. */
static const unsigned queue_packet_types[GPU_PACKET_TYPES] = {
    QUEUE_PACKET_RENDER, QUEUE_PACKET_WAIT, QUEUE_PACKET_SIGNAL, QUEUE_PACKET_DEVICE};

struct question {
    struct gpu_adapter *adapter;
    struct gpu_process *process;
    uint32_t selector; /* segment, node or group */
    D3DKMT_QUERYSTATISTICS_RESULT *result;
};

static void set_counter(D3DKMT_QUERYSTATISTICS_COUNTER *counter, const struct gpu_count *count)
{
    counter->Count = count->count;
    counter->Bytes = count->bytes;
}

/* ---- adapter and process */

static NTSTATUS ask_adapter(const struct question *question)
{
    D3DKMT_QUERYSTATISTICS_ADAPTER_INFORMATION *info = &question->result->AdapterInformation;
    struct gpu_adapter_figures figures;
    gpu_adapter_figures(question->adapter, &figures);
    info->NbSegments = KMD_SEGMENT_GROUPS;
    info->NodeCount = gpu_adapter_info(question->adapter)->node_count;
    info->TdrDetectedCount = figures.resets;
    set_counter(&info->PagingFault.Evictions, &figures.evicted);
    set_counter(&info->PagingFault.EvictionsDueToPreparation, &figures.evicted);
    info->PagingTransfer.BytesDiscarded = figures.bytes_discarded;
    info->Locks.NbLocks = figures.locks;
    set_counter(&info->Allocations.Created, &figures.created);
    set_counter(&info->Allocations.Destroyed, &figures.destroyed);
    info->Flags.NumberOfMemoryGroups = KMD_SEGMENT_GROUPS;
    return STATUS_SUCCESS;
}

/* The simulated machine's memory is behind both segments; system memory is the second. */
static NTSTATUS ask_process(const struct question *question)
{
    D3DKMT_QUERYSTATISTICS_PROCESS_INFORMATION *info = &question->result->ProcessInformation;
    struct gpu_segment_figures figures;
    gpu_adapter_segment_figures(question->adapter, question->process, KMD_SEGMENT_NON_LOCAL,
                                &figures);
    info->NodeCount = gpu_adapter_info(question->adapter)->node_count;
    info->SystemMemory.BytesAllocated = figures.committed.bytes;
    return STATUS_SUCCESS;
}

static NTSTATUS ask_process_adapter(const struct question *question)
{
    D3DKMT_QUERYSTATISTICS_PROCESS_ADAPTER_INFORMATION *info =
        &question->result->ProcessAdapterInformation;
    struct gpu_segment_figures figures;
    info->NbSegments = KMD_SEGMENT_GROUPS;
    info->NodeCount = gpu_adapter_info(question->adapter)->node_count;
    for (unsigned group = 0; group < KMD_SEGMENT_GROUPS; group++) {
        gpu_adapter_segment_figures(question->adapter, question->process,
                                    (enum kmd_segment_group)group, &figures);
        for (unsigned i = 0; i < GPU_PRIORITY_CLASSES; i++)
            info->CommitmentData.TotalBytesEvictedFromProcess += figures.evicted_by_priority[i];
        for (unsigned i = 0; i < GPU_PREFERENCES; i++)
            info->CommitmentData.BytesBySegmentPreference[i] +=
                figures.resident_in_preferred[i].bytes;
    }
    return STATUS_SUCCESS;
}

/* ---- segments */

static NTSTATUS ask_segment(const struct question *question)
{
    D3DKMT_QUERYSTATISTICS_SEGMENT_INFORMATION *info = &question->result->SegmentInformation;
    struct gpu_segment_figures figures;
    if (question->selector >= KMD_SEGMENT_GROUPS)
        return STATUS_INVALID_PARAMETER;
    gpu_adapter_segment_figures(question->adapter, NULL, (enum kmd_segment_group)question->selector,
                                &figures);
    info->CommitLimit = figures.size;
    info->BytesCommitted = figures.committed.bytes;
    info->BytesResident = figures.resident.bytes;
    info->Memory.AllocsCommitted = figures.committed.count;
    info->Memory.AllocsResident = figures.resident.count;
    for (unsigned i = 0; i < GPU_PRIORITY_CLASSES; i++) {
        info->Memory.TotalBytesEvicted += figures.evicted_by_priority[i];
        info->TotalBytesEvictedByPriority[i] = figures.evicted_by_priority[i];
    }
    info->Aperture = question->selector == KMD_SEGMENT_NON_LOCAL;
    info->SegmentProperties.SystemMemory = question->selector == KMD_SEGMENT_NON_LOCAL;
    return STATUS_SUCCESS;
}

static NTSTATUS ask_process_segment(const struct question *question)
{
    D3DKMT_QUERYSTATISTICS_PROCESS_SEGMENT_INFORMATION *info =
        &question->result->ProcessSegmentInformation;
    struct gpu_segment_figures figures;
    if (question->selector >= KMD_SEGMENT_GROUPS)
        return STATUS_INVALID_PARAMETER;
    gpu_adapter_segment_figures(question->adapter, question->process,
                                (enum kmd_segment_group)question->selector, &figures);
    info->BytesCommitted = figures.committed.bytes;
    info->MaximumWorkingSet = figures.size;
    info->MinimumWorkingSet = figures.reserved;
    info->VideoMemory.AllocsCommitted = figures.committed.count;
    for (unsigned i = 0; i < GPU_PREFERENCES; i++)
        set_counter(&info->VideoMemory.AllocsResidentInP[i], &figures.resident_in_preferred[i]);
    set_counter(&info->VideoMemory.AllocsResidentInNonPreferred, &figures.resident_elsewhere);
    for (unsigned i = 0; i < GPU_PRIORITY_CLASSES; i++)
        info->VideoMemory.TotalBytesEvictedDueToPreparation += figures.evicted_by_priority[i];
    return STATUS_SUCCESS;
}

static NTSTATUS ask_process_segment_group(const struct question *question)
{
    D3DKMT_QUERYSTATISTICS_PROCESS_SEGMENT_GROUP_INFORMATION *info =
        &question->result->ProcessSegmentGroupInformation;
    struct gpu_segment_figures figures;
    struct gpu_memory_info memory;
    if (question->selector >= KMD_SEGMENT_GROUPS)
        return STATUS_INVALID_PARAMETER;
    enum kmd_segment_group group = (enum kmd_segment_group)question->selector;
    gpu_adapter_segment_figures(question->adapter, question->process, group, &figures);
    gpu_process_memory_info(question->process, group, &memory);
    info->Budget = memory.budget;
    info->Requested = figures.held;
    info->Usage = memory.usage;
    memcpy(info->Demoted, figures.out_by_priority, sizeof(info->Demoted));
    return STATUS_SUCCESS;
}

/* ---- nodes */

static void fill_node(D3DKMT_QUERYSTATISTICS_PROCESS_NODE_INFORMATION *info,
                      const struct gpu_engine_figures *figures)
{
    info->RunningTime.QuadPart = (LONGLONG)(figures->running_ns / NANOSECONDS_PER_TICK);
    info->ContextSwitch = figures->switches;
    for (unsigned i = 0; i < GPU_PACKET_TYPES; i++) {
        D3DKMT_QUERYSTATISTICS_QUEUE_PACKET_TYPE_INFORMATION *packets =
            &info->PacketStatistics.QueuePacket[queue_packet_types[i]];
        packets->PacketSubmited = figures->queued[i];
        packets->PacketCompleted = figures->finished[i];
    }
    D3DKMT_QUERYSTATISTICS_DMA_PACKET_TYPE_INFORMATION *runs =
        &info->PacketStatistics.DmaPacket[DMA_PACKET_CLIENT_RENDER];
    runs->PacketSubmited = figures->started;
    runs->PacketCompleted = figures->completed;
    runs->PacketPreempted = figures->preempted;
    runs->PacketFaulted = figures->faulted;
}

static NTSTATUS ask_node(const struct question *question)
{
    struct gpu_engine_figures figures;
    if (!gpu_adapter_engine_figures(question->adapter, NULL, question->selector, &figures))
        return STATUS_INVALID_PARAMETER;
    fill_node(&question->result->NodeInformation.GlobalInformation, &figures);
    return STATUS_SUCCESS;
}

static NTSTATUS ask_process_node(const struct question *question)
{
    struct gpu_engine_figures figures;
    if (!gpu_adapter_engine_figures(question->adapter, question->process, question->selector,
                                    &figures))
        return STATUS_INVALID_PARAMETER;
    fill_node(&question->result->ProcessNodeInformation, &figures);
    return STATUS_SUCCESS;
}

static NTSTATUS (*const answers[])(const struct question *question) = {
    [D3DKMT_QUERYSTATISTICS_ADAPTER] = ask_adapter,
    [D3DKMT_QUERYSTATISTICS_PROCESS] = ask_process,
    [D3DKMT_QUERYSTATISTICS_PROCESS_ADAPTER] = ask_process_adapter,
    [D3DKMT_QUERYSTATISTICS_SEGMENT] = ask_segment,
    [D3DKMT_QUERYSTATISTICS_PROCESS_SEGMENT] = ask_process_segment,
    [D3DKMT_QUERYSTATISTICS_NODE] = ask_node,
    [D3DKMT_QUERYSTATISTICS_PROCESS_NODE] = ask_process_node,
    [D3DKMT_QUERYSTATISTICS_PROCESS_SEGMENT_GROUP] = ask_process_segment_group,
};

NTSTATUS host_query_statistics(struct host_call *call, const void *command, void *reply)
{
    const struct wire_querystatistics_args *args =
        &((const struct wire_querystatistics *)command)->args;
    struct wire_querystatistics_reply *answer = reply;
    const LUID *luid = &call->adapter->config.host_luid;
    D3DKMT_QUERYSTATISTICS_RESULT result;
    struct question question = {.adapter = call->adapter->gpu, .result = &result};
    _Static_assert(sizeof(result) == sizeof(answer->result), "one member for each type");
    if (args->adapter_luid.a != (uint32_t)luid->LowPart ||
        args->adapter_luid.b != (uint32_t)luid->HighPart)
        return STATUS_INVALID_PARAMETER;
    if (args->type >= sizeof(answers) / sizeof(answers[0]) || !answers[args->type])
        return STATUS_NOT_SUPPORTED;
    NTSTATUS status = host_process_gpu(call->process, call->adapter, &question.process);
    if (!NT_SUCCESS(status))
        return status;
    memcpy(&question.selector, args->reserved, sizeof(question.selector));
    memset(&result, 0, sizeof(result));
    status = answers[args->type](&question);
    if (NT_SUCCESS(status))
        memcpy(answer->result, &result, sizeof(result));
    return status;
}
