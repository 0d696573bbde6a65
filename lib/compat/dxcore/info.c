/* SPDX-License-Identifier: MIT */
/* What DXCore tells about an adapter, from the adapter's own answers. */
#include "compat/dxcore/dxcore.h"

#include <stdlib.h>
#include <string.h>

enum { ENGINES_MAX = 64 }; /* of one physical adapter: an end for a host that never says no */

NTSTATUS dxcore_query(D3DKMT_HANDLE adapter, KMTQUERYADAPTERINFOTYPE type, void *data, size_t size)
{
    D3DKMT_QUERYADAPTERINFO query;

    memset(&query, 0, sizeof(query));
    query.hAdapter = adapter;
    query.Type = type;
    query.pPrivateDriverData = data;
    query.PrivateDriverDataSize = (UINT)size;
    return D3DKMTQueryAdapterInfo(&query);
}

static void answered(struct dxcore_info *info, enum dxcore_property property)
{
    info->properties |= 1u << property;
}

/* ---- engines */

NTSTATUS dxcore_query_engine(D3DKMT_HANDLE adapter, uint32_t physical_adapter, uint32_t engine,
                             DXGK_NODEMETADATA *data)
{
    D3DKMT_NODEMETADATA query;

    memset(&query, 0, sizeof(query));
    query.NodeOrdinalAndAdapterIndex = physical_adapter << 16 | engine;
    NTSTATUS status = dxcore_query(adapter, KMTQAITYPE_NODEMETADATA, &query, sizeof(query));
    *data = query.NodeData;
    return status;
}

uint32_t dxcore_count_engines(D3DKMT_HANDLE adapter, uint32_t physical_adapter)
{
    DXGK_NODEMETADATA data;
    uint32_t count = 0;

    while (count < ENGINES_MAX &&
           NT_SUCCESS(dxcore_query_engine(adapter, physical_adapter, count, &data)))
        count++;
    return count;
}

static bool has_video_engine(D3DKMT_HANDLE adapter)
{
    DXGK_NODEMETADATA data;

    for (uint32_t i = 0; i < ENGINES_MAX && NT_SUCCESS(dxcore_query_engine(adapter, 0, i, &data));
         i++)
        if (data.EngineType == DXGK_ENGINE_TYPE_VIDEO_DECODE ||
            data.EngineType == DXGK_ENGINE_TYPE_VIDEO_ENCODE)
            return true;
    return false;
}

/* ---- memory and kind */

static void read_memory(D3DKMT_HANDLE adapter, struct dxcore_info *info)
{
    D3DKMT_SEGMENTSIZEINFO sizes;

    memset(&sizes, 0, sizeof(sizes));
    if (!NT_SUCCESS(dxcore_query(adapter, KMTQAITYPE_GETSEGMENTSIZE, &sizes, sizeof(sizes))))
        return;
    info->dedicated_memory = sizes.DedicatedVideoMemorySize;
    info->dedicated_system_memory = sizes.DedicatedSystemMemorySize;
    info->shared_system_memory = sizes.SharedSystemMemorySize;
    answered(info, DXCORE_DEDICATED_ADAPTER_MEMORY);
    answered(info, DXCORE_DEDICATED_SYSTEM_MEMORY);
    answered(info, DXCORE_SHARED_SYSTEM_MEMORY);
}

/* An adapter that shares the CPU's memory has all of it in one segment group. The adapter type
 * tells it only for the halves of a hybrid pair. */
static bool has_one_memory(D3DKMT_HANDLE adapter)
{
    D3DKMT_SEGMENTGROUPSIZEINFO groups;

    memset(&groups, 0, sizeof(groups));
    return NT_SUCCESS(
               dxcore_query(adapter, KMTQAITYPE_GETSEGMENTGROUPSIZE, &groups, sizeof(groups))) &&
           (groups.LocalMemory == 0 || groups.NonLocalMemory == 0);
}

/* Direct3D 11 does not exist on Linux, so no adapter has it. */
static NTSTATUS read_type(D3DKMT_HANDLE adapter, struct dxcore_info *info)
{
    D3DKMT_ADAPTERTYPE type;

    memset(&type, 0, sizeof(type));
    NTSTATUS status = dxcore_query(adapter, KMTQAITYPE_ADAPTERTYPE, &type, sizeof(type));
    if (!NT_SUCCESS(status))
        return status;
    info->is_hardware = !type.SoftwareDevice;
    info->is_detachable = type.Detachable;
    info->acg_compatible = type.ACGSupported;
    info->is_integrated =
        type.HybridIntegrated || (!type.HybridDiscrete && has_one_memory(adapter));
    answered(info, DXCORE_IS_HARDWARE);
    answered(info, DXCORE_IS_DETACHABLE);
    answered(info, DXCORE_ACG_COMPATIBLE);
    answered(info, DXCORE_IS_INTEGRATED);
    if (type.RenderSupported)
        info->attributes |= DXCORE_HAS_CORE_COMPUTE;
    if (type.RenderSupported && !type.ComputeOnly)
        info->attributes |= DXCORE_HAS_GRAPHICS;
    info->attributes |= type.ComputeOnly ? DXCORE_IS_ACCELERATOR : DXCORE_IS_GPU;
    if (has_video_engine(adapter))
        info->attributes |= DXCORE_HAS_VIDEO;
    return STATUS_SUCCESS;
}

/* ---- identity */

static void read_device_ids(D3DKMT_HANDLE adapter, struct dxcore_info *info)
{
    D3DKMT_QUERY_DEVICE_IDS query;

    memset(&query, 0, sizeof(query));
    if (!NT_SUCCESS(
            dxcore_query(adapter, KMTQAITYPE_PHYSICALADAPTERDEVICEIDS, &query, sizeof(query))))
        return;
    const D3DKMT_DEVICE_IDS *ids = &query.DeviceIds;
    info->hardware_id = (struct dxcore_hardware_id){
        .vendor = ids->VendorID,
        .device = ids->DeviceID,
        .subsystem = ids->SubSystemID << 16 | (ids->SubVendorID & 0xffff),
        .revision = ids->RevisionID,
    };
    info->hardware_id_parts = (struct dxcore_hardware_id_parts){
        .vendor = ids->VendorID,
        .device = ids->DeviceID,
        .subsystem = ids->SubSystemID,
        .subsystem_vendor = ids->SubVendorID,
        .revision = ids->RevisionID,
    };
    answered(info, DXCORE_HARDWARE_ID);
    answered(info, DXCORE_HARDWARE_ID_PARTS);
}

static void read_versions(D3DKMT_HANDLE adapter, struct dxcore_info *info)
{
    D3DKMT_UMD_DRIVER_VERSION driver;
    D3DKMT_DRIVERVERSION model;
    UINT physical = 0;

    memset(&driver, 0, sizeof(driver));
    if (NT_SUCCESS(dxcore_query(adapter, KMTQAITYPE_UMD_DRIVER_VERSION, &driver, sizeof(driver)))) {
        info->driver_version = (uint64_t)driver.DriverVersion.QuadPart;
        answered(info, DXCORE_DRIVER_VERSION);
    }
    if (NT_SUCCESS(dxcore_query(adapter, KMTQAITYPE_DRIVERVERSION, &model, sizeof(model)))) {
        info->model_version = (uint32_t)model;
        answered(info, DXCORE_KMD_MODEL_VERSION);
    }
    if (NT_SUCCESS(
            dxcore_query(adapter, KMTQAITYPE_PHYSICALADAPTERCOUNT, &physical, sizeof(physical)))) {
        info->physical_adapters = physical;
        answered(info, DXCORE_PHYSICAL_ADAPTER_COUNT);
    }
}

static void read_preemption(D3DKMT_HANDLE adapter, struct dxcore_info *info)
{
    D3DKMT_WDDM_1_2_CAPS caps;

    memset(&caps, 0, sizeof(caps));
    if (!NT_SUCCESS(dxcore_query(adapter, KMTQAITYPE_WDDM_1_2_CAPS, &caps, sizeof(caps))))
        return;
    info->compute_preemption = (uint16_t)caps.PreemptionCaps.ComputePreemptionGranularity;
    info->graphics_preemption = (uint16_t)caps.PreemptionCaps.GraphicsPreemptionGranularity;
    answered(info, DXCORE_COMPUTE_PREEMPTION_GRANULARITY);
    answered(info, DXCORE_GRAPHICS_PREEMPTION_GRANULARITY);
}

/* Returns the bytes written, at most 4. What is not a character becomes U+FFFD. */
static size_t to_utf8(uint32_t c, char *out)
{
    if (c >= 0x110000 || (c >= 0xd800 && c < 0xe000))
        c = 0xfffd;
    if (c < 0x80) {
        out[0] = (char)c;
        return 1;
    }
    size_t size = c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
    out[0] = (char)(0xf00 >> size | c >> 6 * (size - 1));
    for (size_t i = 1; i < size; i++)
        out[i] = (char)(0x80 | (c >> 6 * (size - 1 - i) & 0x3f));
    return size;
}

static NTSTATUS keep_description(const D3DKMT_DRIVER_DESCRIPTION *text, struct dxcore_info *info)
{
    enum { UNITS = sizeof(text->DriverDescription) / sizeof(text->DriverDescription[0]) };
    char unit[4];
    size_t size = 1, length = 0;

    while (length < UNITS && text->DriverDescription[length])
        size += to_utf8((uint32_t)text->DriverDescription[length++], unit);
    char *description = malloc(size), *end = description;
    if (!description)
        return STATUS_NO_MEMORY;
    for (size_t i = 0; i < length; i++)
        end += to_utf8((uint32_t)text->DriverDescription[i], end);
    *end = '\0';
    info->description = description;
    info->description_size = size;
    answered(info, DXCORE_DRIVER_DESCRIPTION);
    return STATUS_SUCCESS;
}

static NTSTATUS read_description(D3DKMT_HANDLE adapter, struct dxcore_info *info)
{
    D3DKMT_DRIVER_DESCRIPTION *text = calloc(1, sizeof(*text));

    if (!text)
        return STATUS_NO_MEMORY;
    NTSTATUS status = dxcore_query(adapter, KMTQAITYPE_DRIVER_DESCRIPTION, text, sizeof(*text));
    status = NT_SUCCESS(status) ? keep_description(text, info) : STATUS_SUCCESS;
    free(text);
    return status;
}

/* ---- states */

static void find_states(D3DKMT_HANDLE adapter, struct dxcore_info *info)
{
    D3DKMT_QUERYVIDEOMEMORYINFO memory;
    BOOL replaced;

    memset(&memory, 0, sizeof(memory));
    memory.hAdapter = adapter;
    if (NT_SUCCESS(D3DKMTQueryVideoMemoryInfo(&memory)))
        info->states |= 1u << DXCORE_ADAPTER_MEMORY_BUDGET;
    if (NT_SUCCESS(
            dxcore_query(adapter, KMTQAITYPE_CHECKDRIVERUPDATESTATUS, &replaced, sizeof(replaced))))
        info->states |= 1u << DXCORE_IS_DRIVER_UPDATE_IN_PROGRESS;
}

NTSTATUS dxcore_info_read(D3DKMT_HANDLE adapter, LUID luid, struct dxcore_info *info)
{
    memset(info, 0, sizeof(*info));
    info->luid = luid;
    answered(info, DXCORE_INSTANCE_LUID);
    NTSTATUS status = read_type(adapter, info);
    if (NT_SUCCESS(status))
        status = read_description(adapter, info);
    if (!NT_SUCCESS(status))
        return status;
    read_device_ids(adapter, info);
    read_versions(adapter, info);
    read_preemption(adapter, info);
    read_memory(adapter, info);
    if (dxcore_count_engines(adapter, 0)) {
        answered(info, DXCORE_ADAPTER_ENGINE_COUNT);
        answered(info, DXCORE_ADAPTER_ENGINE_NAME);
    }
    find_states(adapter, info);
    return STATUS_SUCCESS;
}

void dxcore_info_free(struct dxcore_info *info)
{
    free(info->description);
}
