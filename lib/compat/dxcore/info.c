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

/*
 * What is being read. A query that the adapter refuses is a property that it does not have; one
 * that failed for want of memory, or since the adapter has gone, says nothing about it. (Hosts
 * before interface version 40 tell no reason: what they have no memory for, they seem to refuse.)
 */
struct reading {
    D3DKMT_HANDLE adapter;
    struct dxcore_info *info;
    NTSTATUS failure;
};

static bool succeeded(struct reading *reading, NTSTATUS status)
{
    if (status == STATUS_NO_MEMORY || status == STATUS_DEVICE_REMOVED)
        reading->failure = status;
    return NT_SUCCESS(status);
}

static bool ask(struct reading *reading, KMTQUERYADAPTERINFOTYPE type, void *data, size_t size)
{
    return succeeded(reading, dxcore_query(reading->adapter, type, data, size));
}

static void answered(struct reading *reading, enum dxcore_property property)
{
    reading->info->properties |= 1u << property;
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

static void read_engines(struct reading *reading)
{
    DXGK_NODEMETADATA data;
    uint32_t count = 0;

    for (; count < ENGINES_MAX &&
           succeeded(reading, dxcore_query_engine(reading->adapter, 0, count, &data));
         count++)
        if (data.EngineType == DXGK_ENGINE_TYPE_VIDEO_DECODE ||
            data.EngineType == DXGK_ENGINE_TYPE_VIDEO_ENCODE)
            reading->info->attributes |= DXCORE_HAS_VIDEO;
    if (count) {
        answered(reading, DXCORE_ADAPTER_ENGINE_COUNT);
        answered(reading, DXCORE_ADAPTER_ENGINE_NAME);
    }
}

/* ---- memory and kind */

static void read_memory(struct reading *reading)
{
    struct dxcore_info *info = reading->info;
    D3DKMT_SEGMENTSIZEINFO sizes;

    memset(&sizes, 0, sizeof(sizes));
    if (!ask(reading, KMTQAITYPE_GETSEGMENTSIZE, &sizes, sizeof(sizes)))
        return;
    info->dedicated_memory = sizes.DedicatedVideoMemorySize;
    info->dedicated_system_memory = sizes.DedicatedSystemMemorySize;
    info->shared_system_memory = sizes.SharedSystemMemorySize;
    answered(reading, DXCORE_DEDICATED_ADAPTER_MEMORY);
    answered(reading, DXCORE_DEDICATED_SYSTEM_MEMORY);
    answered(reading, DXCORE_SHARED_SYSTEM_MEMORY);
}

/* An adapter that shares the CPU's memory has all of it in one segment group. The adapter type
 * tells it only for the halves of a hybrid pair. */
static bool has_one_memory(struct reading *reading)
{
    D3DKMT_SEGMENTGROUPSIZEINFO groups;

    memset(&groups, 0, sizeof(groups));
    return ask(reading, KMTQAITYPE_GETSEGMENTGROUPSIZE, &groups, sizeof(groups)) &&
           (groups.LocalMemory == 0 || groups.NonLocalMemory == 0);
}

/* Direct3D 11 does not exist on Linux, so no adapter has it. */
static void read_type(struct reading *reading)
{
    struct dxcore_info *info = reading->info;
    D3DKMT_ADAPTERTYPE type;

    memset(&type, 0, sizeof(type));
    /* Without it nobody knows what the adapter is: any failure is one of the whole. */
    reading->failure = dxcore_query(reading->adapter, KMTQAITYPE_ADAPTERTYPE, &type, sizeof(type));
    if (!NT_SUCCESS(reading->failure))
        return;
    info->is_hardware = !type.SoftwareDevice;
    info->is_detachable = type.Detachable;
    info->acg_compatible = type.ACGSupported;
    info->is_integrated =
        type.HybridIntegrated || (!type.HybridDiscrete && has_one_memory(reading));
    answered(reading, DXCORE_IS_HARDWARE);
    answered(reading, DXCORE_IS_DETACHABLE);
    answered(reading, DXCORE_ACG_COMPATIBLE);
    answered(reading, DXCORE_IS_INTEGRATED);
    if (type.RenderSupported)
        info->attributes |= DXCORE_HAS_CORE_COMPUTE;
    if (type.RenderSupported && !type.ComputeOnly)
        info->attributes |= DXCORE_HAS_GRAPHICS;
    info->attributes |= type.ComputeOnly ? DXCORE_IS_ACCELERATOR : DXCORE_IS_GPU;
}

/* ---- identity */

static void read_device_ids(struct reading *reading)
{
    struct dxcore_info *info = reading->info;
    D3DKMT_QUERY_DEVICE_IDS query;

    memset(&query, 0, sizeof(query));
    if (!ask(reading, KMTQAITYPE_PHYSICALADAPTERDEVICEIDS, &query, sizeof(query)))
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
    answered(reading, DXCORE_HARDWARE_ID);
    answered(reading, DXCORE_HARDWARE_ID_PARTS);
}

static void read_versions(struct reading *reading)
{
    struct dxcore_info *info = reading->info;
    D3DKMT_UMD_DRIVER_VERSION driver;
    D3DKMT_DRIVERVERSION model;
    UINT physical = 0;

    memset(&driver, 0, sizeof(driver));
    if (ask(reading, KMTQAITYPE_UMD_DRIVER_VERSION, &driver, sizeof(driver))) {
        info->driver_version = (uint64_t)driver.DriverVersion.QuadPart;
        answered(reading, DXCORE_DRIVER_VERSION);
    }
    if (ask(reading, KMTQAITYPE_DRIVERVERSION, &model, sizeof(model))) {
        info->model_version = (uint32_t)model;
        answered(reading, DXCORE_KMD_MODEL_VERSION);
    }
    if (ask(reading, KMTQAITYPE_PHYSICALADAPTERCOUNT, &physical, sizeof(physical))) {
        info->physical_adapters = physical;
        answered(reading, DXCORE_PHYSICAL_ADAPTER_COUNT);
    }
}

static void read_preemption(struct reading *reading)
{
    D3DKMT_WDDM_1_2_CAPS caps;

    memset(&caps, 0, sizeof(caps));
    if (!ask(reading, KMTQAITYPE_WDDM_1_2_CAPS, &caps, sizeof(caps)))
        return;
    reading->info->compute_preemption = (uint16_t)caps.PreemptionCaps.ComputePreemptionGranularity;
    reading->info->graphics_preemption =
        (uint16_t)caps.PreemptionCaps.GraphicsPreemptionGranularity;
    answered(reading, DXCORE_COMPUTE_PREEMPTION_GRANULARITY);
    answered(reading, DXCORE_GRAPHICS_PREEMPTION_GRANULARITY);
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

static void keep_description(struct reading *reading, const D3DKMT_DRIVER_DESCRIPTION *text)
{
    enum { UNITS = sizeof(text->DriverDescription) / sizeof(text->DriverDescription[0]) };
    char unit[4];
    size_t size = 1, length = 0;

    while (length < UNITS && text->DriverDescription[length])
        size += to_utf8((uint32_t)text->DriverDescription[length++], unit);
    char *description = malloc(size), *end = description;
    if (!succeeded(reading, description ? STATUS_SUCCESS : STATUS_NO_MEMORY))
        return;
    for (size_t i = 0; i < length; i++)
        end += to_utf8((uint32_t)text->DriverDescription[i], end);
    *end = '\0';
    reading->info->description = description;
    reading->info->description_size = size;
    answered(reading, DXCORE_DRIVER_DESCRIPTION);
}

static void read_description(struct reading *reading)
{
    D3DKMT_DRIVER_DESCRIPTION *text = calloc(1, sizeof(*text));

    if (!succeeded(reading, text ? STATUS_SUCCESS : STATUS_NO_MEMORY))
        return;
    if (ask(reading, KMTQAITYPE_DRIVER_DESCRIPTION, text, sizeof(*text)))
        keep_description(reading, text);
    free(text);
}

/* ---- states */

static void find_states(struct reading *reading)
{
    D3DKMT_QUERYVIDEOMEMORYINFO memory;
    BOOL replaced;

    memset(&memory, 0, sizeof(memory));
    memory.hAdapter = reading->adapter;
    if (succeeded(reading, D3DKMTQueryVideoMemoryInfo(&memory)))
        reading->info->states |= 1u << DXCORE_ADAPTER_MEMORY_BUDGET;
    if (ask(reading, KMTQAITYPE_CHECKDRIVERUPDATESTATUS, &replaced, sizeof(replaced)))
        reading->info->states |= 1u << DXCORE_IS_DRIVER_UPDATE_IN_PROGRESS;
}

NTSTATUS dxcore_info_read(D3DKMT_HANDLE adapter, LUID luid, struct dxcore_info *info)
{
    static void (*const parts[])(struct reading *) = {
        read_type,       read_description, read_device_ids, read_versions,
        read_preemption, read_memory,      read_engines,    find_states,
    };
    struct reading reading = {adapter, info, STATUS_SUCCESS};

    memset(info, 0, sizeof(*info));
    info->luid = luid;
    answered(&reading, DXCORE_INSTANCE_LUID);
    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]) && NT_SUCCESS(reading.failure); i++)
        parts[i](&reading);
    if (!NT_SUCCESS(reading.failure))
        dxcore_info_free(info);
    return reading.failure;
}

void dxcore_info_free(struct dxcore_info *info)
{
    free(info->description);
}
