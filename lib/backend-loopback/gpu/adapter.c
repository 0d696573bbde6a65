/* SPDX-License-Identifier: MIT */
/* Adapters: the miniport is asked what it is, the configuration may overrule, then the engines
 * start. */
#include "backend-loopback/gpu/adapter.h"
#include "backend-loopback/gpu/clock.h"

#include <stdlib.h>
#include <string.h>

#include "backend-loopback/gpu/engine.h"
#include "backend-loopback/gpu/paging_worker.h"

#define DEFAULT_HANG_TIMEOUT_NS UINT64_C(2000000000)
#define DEFAULT_PAGE_TABLES     65536u
#define DEFAULT_QUEUE_BYTES     (4u << 20)

static bool is_usable(const struct kmd_interface *miniport)
{
    return miniport && miniport->version == KMD_INTERFACE_VERSION &&
           miniport->size >= sizeof(*miniport) && miniport->StartDevice && miniport->StopDevice &&
           miniport->CreateAllocation && miniport->SubmitCommand &&
           !miniport->CreateProcess == !miniport->DestroyProcess &&
           !miniport->CreateDevice == !miniport->DestroyDevice &&
           !miniport->CreateContext == !miniport->DestroyContext;
}

static uint64_t figure_or(uint64_t given, uint64_t otherwise)
{
    return given == GPU_NOTHING ? 0 : given ? given : otherwise;
}

static bool has_nodes(const struct kmd_adapter_info *info, const struct gpu_adapter_config *config)
{
    if (info->node_count != config->node_count)
        return false;
    for (uint32_t i = 0; i < info->node_count; i++) {
        if (info->nodes[i].type != config->nodes[i].type ||
            strcmp(info->nodes[i].name, config->nodes[i].name) != 0)
            return false;
    }
    return true;
}

/* What the miniport says, as far as it can be believed. */
static NTSTATUS check_info(const struct kmd_adapter_info *info,
                           const struct gpu_adapter_config *config)
{
    if (info->node_count == 0 || info->node_count > KMD_MAX_NODES)
        return STATUS_INVALID_PARAMETER;
    uint32_t needed = KMD_CAPABILITY_PARAVIRTUALIZATION;

    if (config->secure_virtual_machine && config->compute_only)
        needed |= KMD_CAPABILITY_IOMMU_SECURE_MODE;
    if ((info->capabilities & needed) != needed)
        return STATUS_NOT_SUPPORTED;
    return config->node_count == 0 || has_nodes(info, config) ? STATUS_SUCCESS
                                                              : STATUS_NOT_SUPPORTED;
}

/* Tells the miniport of the VM that it is for. */
static NTSTATUS introduce_vm(struct gpu_adapter *adapter, const struct gpu_adapter_config *config)
{
    const struct kmd_interface *miniport = adapter->miniport;
    struct kmd_process_info info = {.flags = KMD_PROCESS_VIRTUAL_MACHINE_WORKER,
                                    .name = "vmwp.exe"};
    struct kmd_virtual_machine data = {.guid = config->virtual_machine,
                                       .secure = config->secure_virtual_machine};
    NTSTATUS status = STATUS_SUCCESS;

    if (miniport->CreateProcess)
        status = miniport->CreateProcess(adapter->miniport_adapter, &info, &adapter->driver_worker);
    if (!NT_SUCCESS(status))
        return status;
    data.worker = adapter->driver_worker;
    if (miniport->SetVirtualMachineData)
        status = miniport->SetVirtualMachineData(adapter->miniport_adapter, &data);
    if (!NT_SUCCESS(status) && miniport->DestroyProcess)
        miniport->DestroyProcess(adapter->miniport_adapter, adapter->driver_worker);
    return status;
}

static void stop_miniport(struct gpu_adapter *adapter)
{
    if (adapter->miniport->DestroyProcess)
        adapter->miniport->DestroyProcess(adapter->miniport_adapter, adapter->driver_worker);
    adapter->miniport->StopDevice(adapter->miniport_adapter);
}

static uint64_t now(const void *clock)
{
    return ((const struct gpu_clock *)clock)->now(clock);
}

static NTSTATUS start_miniport(struct gpu_adapter *adapter, const struct gpu_adapter_config *config)
{
    struct kmd_start_info start = {
        .size = sizeof(start),
        .compute_only = config->compute_only,
        .options = config->miniport_options,
        .services = &gpu_services,
        .node_count = config->node_count,
        .nodes = config->nodes,
        .Now = now,
        .clock = adapter->machine->clock,
    };
    NTSTATUS status;

    adapter->info.size = sizeof(adapter->info);
    status = adapter->miniport->StartDevice(&start, &adapter->info, &adapter->miniport_adapter);
    if (!NT_SUCCESS(status))
        return status;
    for (unsigned group = 0; group < KMD_SEGMENT_GROUPS; group++) {
        uint64_t *size = &adapter->info.segment_size[group];

        *size = figure_or(config->segment_size[group], *size);
        adapter->budget[group] = figure_or(config->budget[group], *size);
    }
    for (unsigned node = 0; node < KMD_MAX_NODES; node++)
        adapter->info.nodes[node].name[KMD_MAX_NODE_NAME - 1] = '\0';
    status = check_info(&adapter->info, config);
    if (NT_SUCCESS(status))
        status = introduce_vm(adapter, config);
    if (!NT_SUCCESS(status))
        adapter->miniport->StopDevice(adapter->miniport_adapter);
    return status;
}

static NTSTATUS start_workers(struct gpu_adapter *adapter)
{
    NTSTATUS status = gpu_paging_start(adapter);

    for (uint32_t i = 0; i < adapter->info.node_count && NT_SUCCESS(status); i++)
        status = gpu_node_create(adapter, i, &adapter->nodes[i]);
    return status;
}

static void stop_workers(struct gpu_adapter *adapter)
{
    gpu_paging_stop(adapter);
    for (uint32_t i = 0; i < KMD_MAX_NODES; i++)
        gpu_node_destroy(adapter->nodes[i]);
}

static void free_adapter(struct gpu_adapter *adapter)
{
    pthread_cond_destroy(&adapter->paging_done);
    pthread_mutex_destroy(&adapter->paging_lock);
    pthread_mutex_destroy(&adapter->memory_lock);
    gpu_records_destroy(&adapter->records);
    free(adapter);
}

NTSTATUS gpu_adapter_create(struct gpu_machine *machine, const struct gpu_adapter_config *config,
                            struct gpu_adapter **adapter)
{
    struct gpu_adapter *created;
    NTSTATUS status;

    if (!is_usable(config->miniport) || config->node_count > KMD_MAX_NODES)
        return STATUS_INVALID_PARAMETER;
    created = calloc(1, sizeof(*created));
    if (!created)
        return STATUS_NO_MEMORY;
    created->machine = machine;
    created->miniport = config->miniport;
    created->hang_timeout_ns =
        config->hang_timeout_ns ? config->hang_timeout_ns : DEFAULT_HANG_TIMEOUT_NS;
    created->max_page_tables =
        config->max_page_tables ? config->max_page_tables : DEFAULT_PAGE_TABLES;
    created->max_queue_bytes =
        config->max_queue_bytes ? config->max_queue_bytes : DEFAULT_QUEUE_BYTES;
    atomic_init(&created->asynchronous_paging, config->asynchronous_paging);
    gpu_records_init(&created->records);
    pthread_mutex_init(&created->memory_lock, NULL);
    pthread_mutex_init(&created->paging_lock, NULL);
    pthread_cond_init(&created->paging_done, NULL);
    status = start_miniport(created, config);
    if (!NT_SUCCESS(status))
        goto fail_miniport;
    status = start_workers(created);
    if (!NT_SUCCESS(status))
        goto fail_workers;
    *adapter = created;
    return STATUS_SUCCESS;

fail_workers:
    stop_workers(created);
    stop_miniport(created);
fail_miniport:
    free_adapter(created);
    return status;
}

void gpu_adapter_destroy(struct gpu_adapter *adapter)
{
    if (!adapter)
        return;
    stop_workers(adapter);
    stop_miniport(adapter);
    free_adapter(adapter);
}

bool gpu_adapter_wind_up(struct gpu_adapter *adapter)
{
    bool empty;

    gpu_paging_stop(adapter);
    pthread_mutex_lock(&adapter->memory_lock);
    empty = !adapter->allocations && !adapter->processes;
    pthread_mutex_unlock(&adapter->memory_lock);
    return empty;
}

const struct kmd_adapter_info *gpu_adapter_info(const struct gpu_adapter *adapter)
{
    return &adapter->info;
}

struct gpu_machine *gpu_adapter_machine(const struct gpu_adapter *adapter)
{
    return adapter->machine;
}

uint64_t gpu_adapter_segment_size(const struct gpu_adapter *adapter, enum kmd_segment_group group)
{
    return adapter->info.segment_size[group];
}

uint64_t gpu_adapter_segment_used(struct gpu_adapter *adapter, enum kmd_segment_group group)
{
    uint64_t used;

    pthread_mutex_lock(&adapter->memory_lock);
    used = adapter->segment_used[group];
    pthread_mutex_unlock(&adapter->memory_lock);
    return used;
}

void gpu_adapter_set_asynchronous_paging(struct gpu_adapter *adapter, bool asynchronous)
{
    atomic_store(&adapter->asynchronous_paging, asynchronous);
}

void *gpu_adapter_miniport_adapter(const struct gpu_adapter *adapter)
{
    return adapter->miniport_adapter;
}

NTSTATUS gpu_adapter_query_info(struct gpu_adapter *adapter, uint32_t type, void *data,
                                uint32_t size)
{
    if (!adapter->miniport->QueryAdapterInfo)
        return STATUS_NOT_SUPPORTED;
    return adapter->miniport->QueryAdapterInfo(adapter->miniport_adapter, type, data, size);
}

NTSTATUS gpu_adapter_standard_allocation(struct gpu_adapter *adapter,
                                         struct kmd_standard_allocation *request)
{
    if (!adapter->miniport->GetStandardAllocationDriverData)
        return STATUS_NOT_SUPPORTED;
    return adapter->miniport->GetStandardAllocationDriverData(adapter->miniport_adapter, request);
}

const char *gpu_adapter_driver_store_path(struct gpu_adapter *adapter)
{
    return adapter->miniport->DriverStorePath
               ? adapter->miniport->DriverStorePath(adapter->miniport_adapter)
               : NULL;
}
