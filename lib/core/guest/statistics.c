/* SPDX-License-Identifier: MIT */
/* QueryStatistics and EnumProcesses, which look beyond the calling process. */
#include "core/guest/call.h"
#include "core/guest/message.h"
#include "core/last_error.h"
#include "core/memory.h"

#include <stdlib.h>
#include <string.h>

/* The host's handle of a process of this VM by its id; 0, explained, when there is none. */
static uint32_t find_process(struct guest_process *caller, uint64_t process_id)
{
    struct guest_vm *vm = caller->vm;
    uint32_t handle = 0;

    if (process_id == 0)
        return caller->host_handle;
    pthread_mutex_lock(&vm->mutex);
    for (struct guest_process *process = vm->processes; process && !handle;
         process = process->next) {
        if (process->process_id == process_id)
            handle = process->host_handle;
    }
    pthread_mutex_unlock(&vm->mutex);
    if (!handle)
        d3dkmti_fail(STATUS_INVALID_PARAMETER, "hProcess %llu is no process that uses a GPU",
                     (unsigned long long)process_id);
    return handle;
}

static NTSTATUS query(struct guest_process *process, struct guest_adapter *adapter,
                      uint32_t subject, const D3DKMT_QUERYSTATISTICS *args,
                      D3DKMT_QUERYSTATISTICS *caller)
{
    struct guest_message message;
    struct wire_querystatistics *command =
        guest_message_begin(&message, process->vm, adapter, subject, WIRE_VGPU_QUERYSTATISTICS, 0);

    if (!command)
        return STATUS_NO_MEMORY;
    memcpy(&command->args, args, sizeof(command->args));
    command->args.process = 0;
    command->args.adapter_luid.a = adapter->host_adapter_luid.LowPart;
    command->args.adapter_luid.b = (uint32_t)adapter->host_adapter_luid.HighPart;
    NTSTATUS status = guest_message_exchange(&message);
    if (NT_SUCCESS(status)) {
        const struct wire_querystatistics_reply *answer = (const void *)message.reply.bytes;
        D3DKMT_QUERYSTATISTICS result = *args;

        /* As the driver, whose struct for the host names no process. */
        result.hProcess = NULL;
        memcpy(&result.QueryResult, answer->result, sizeof(answer->result));
        status = GUEST_WRITE(process, *caller, result);
    }
    guest_message_end(&message);
    return status;
}

NTSTATUS guest_query_statistics(struct guest_process *process, const D3DKMT_QUERYSTATISTICS *args,
                                D3DKMT_QUERYSTATISTICS *caller)
{
    uint32_t subject = find_process(process, (uint64_t)(uintptr_t)args->hProcess);

    if (!subject)
        return STATUS_INVALID_PARAMETER;
    struct guest_adapter *adapter = guest_vm_find_adapter(process->vm, args->AdapterLuid);
    NTSTATUS status;
    if (adapter && adapter->state == GUEST_ADAPTER_ACTIVE)
        status = query(process, adapter, subject, args, caller);
    else
        status = d3dkmti_fail(
            STATUS_INVALID_PARAMETER, "AdapterLuid %x:%x names no adapter that is there",
            (unsigned)args->AdapterLuid.HighPart, (unsigned)args->AdapterLuid.LowPart);
    if (adapter)
        reference_release(&adapter->reference);
    return status;
}

/* ---- EnumProcesses */

static bool has_open(struct guest_process *process, const struct guest_adapter *adapter)
{
    pthread_mutex_lock(&process->adapter_mutex);
    struct guest_open_adapter *open = process->open_adapters;
    while (open && open->adapter != adapter)
        open = open->next;
    pthread_mutex_unlock(&process->adapter_mutex);
    return open != NULL;
}

/* Ids of the processes that have the adapter open, in order of their opening; under no lock. */
static NTSTATUS list_processes(struct guest_vm *vm, const struct guest_adapter *adapter, UINT **ids,
                               UINT *count)
{
    UINT known = 0;

    *count = 0;
    pthread_mutex_lock(&vm->mutex);
    for (struct guest_process *process = vm->processes; process; process = process->next)
        known++;
    *ids = d3dkmti_calloc(known + 1, sizeof(**ids));
    for (struct guest_process *process = vm->processes; process && *ids; process = process->next) {
        if (has_open(process, adapter))
            (*ids)[(*count)++] = (UINT)process->process_id;
    }
    pthread_mutex_unlock(&vm->mutex);
    return *ids ? STATUS_SUCCESS
                : d3dkmti_fail(STATUS_NO_MEMORY, "no memory for a list of processes");
}

NTSTATUS guest_enum_processes(struct guest_process *process, const D3DKMT_ENUMPROCESSES *args,
                              D3DKMT_ENUMPROCESSES *caller)
{
    struct guest_adapter *adapter = guest_vm_find_adapter(process->vm, args->AdapterLuid);
    /* As the driver, which stores the low half of the count only. */
    UINT *caller_count = (UINT *)(void *)&caller->BufferCount;
    UINT count = 0, *ids = NULL;
    NTSTATUS status;

    if (!adapter) {
        (void)GUEST_WRITE(process, *caller_count, count);
        return d3dkmti_fail(STATUS_INVALID_PARAMETER, "AdapterLuid %x:%x names no known adapter",
                            (unsigned)args->AdapterLuid.HighPart,
                            (unsigned)args->AdapterLuid.LowPart);
    }
    status = list_processes(process->vm, adapter, &ids, &count);
    reference_release(&adapter->reference);
    if (!NT_SUCCESS(status))
        return status;
    status = GUEST_WRITE(process, *caller_count, count);
    if (NT_SUCCESS(status) && (count > args->BufferCount || !args->Buffer))
        status = d3dkmti_fail(STATUS_BUFFER_TOO_SMALL,
                              "%u processes use the adapter, BufferCount is %llu at Buffer %p",
                              count, (unsigned long long)args->BufferCount, (void *)args->Buffer);
    else if (NT_SUCCESS(status))
        status = guest_write(process, args->Buffer, ids, count * sizeof(*ids), "Buffer");
    free(ids);
    return status;
}
