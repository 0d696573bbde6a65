/* SPDX-License-Identifier: MIT */
/*
 * QUERYADAPTERINFO. Payloads have 2-byte characters on the wire, so structures with text are filled
 * in by offset. Types that are not in the table are the miniport's; it says STATUS_NOT_SUPPORTED to
 * what it does not know.
 */
#include <stdio.h>
#include <stdlib.h>

#include "backend-loopback/host/command.h"

/* data: the guest's bytes in, the answer out; aligned, size is at least the type's. */
typedef NTSTATUS fill_function(struct host_adapter *adapter, unsigned char *data, uint32_t size);

/* ---- figures */

static NTSTATUS segment_size(struct host_adapter *adapter, unsigned char *data, uint32_t size)
{
    D3DKMT_SEGMENTSIZEINFO info = {
        .DedicatedVideoMemorySize = gpu_adapter_segment_size(adapter->gpu, KMD_SEGMENT_LOCAL),
        .SharedSystemMemorySize = gpu_adapter_segment_size(adapter->gpu, KMD_SEGMENT_NON_LOCAL),
    };
    (void)size;
    memcpy(data, &info, sizeof(info));
    return STATUS_SUCCESS;
}

static NTSTATUS segment_group_size(struct host_adapter *adapter, unsigned char *data, uint32_t size)
{
    D3DKMT_SEGMENTGROUPSIZEINFO info;
    memcpy(&info, data, sizeof(info));
    if (info.PhysicalAdapterIndex != 0)
        return STATUS_INVALID_PARAMETER;
    segment_size(adapter, (unsigned char *)&info.LegacyInfo, size);
    info.LocalMemory = gpu_adapter_segment_size(adapter->gpu, KMD_SEGMENT_LOCAL);
    info.NonLocalMemory = gpu_adapter_segment_size(adapter->gpu, KMD_SEGMENT_NON_LOCAL);
    info.NonBudgetMemory = 0;
    memcpy(data, &info, sizeof(info));
    return STATUS_SUCCESS;
}

static NTSTATUS adapter_address(struct host_adapter *adapter, unsigned char *data, uint32_t size)
{
    D3DKMT_ADAPTERADDRESS address = {
        .BusNumber = 0, .DeviceNumber = adapter->index, .FunctionNumber = 0};
    (void)size;
    memcpy(data, &address, sizeof(address));
    return STATUS_SUCCESS;
}

static NTSTATUS driver_model(struct host_adapter *adapter, unsigned char *data, uint32_t size)
{
    (void)adapter;
    (void)size;
    wire_store_u32(data, KMT_DRIVERVERSION_WDDM_3_0);
    return STATUS_SUCCESS;
}

/* The guest overrides what a paravirtual adapter cannot have. */
static NTSTATUS adapter_type(struct host_adapter *adapter, unsigned char *data, uint32_t size)
{
    uint32_t type = WIRE_ADAPTER_TYPE_RENDER_SUPPORTED | WIRE_ADAPTER_TYPE_PARAVIRTUALIZED;
    (void)size;
    if (adapter->config.compute_only)
        type |= WIRE_ADAPTER_TYPE_COMPUTE_ONLY;
    wire_store_u32(data, type);
    return STATUS_SUCCESS;
}

static NTSTATUS driver_version(struct host_adapter *adapter, unsigned char *data, uint32_t size)
{
    (void)size;
    wire_store_u64(data, adapter->config.umd_version);
    return STATUS_SUCCESS;
}

static NTSTATUS physical_adapter_count(struct host_adapter *adapter, unsigned char *data,
                                       uint32_t size)
{
    (void)adapter;
    (void)size;
    wire_store_u32(data, 1);
    return STATUS_SUCCESS;
}

static NTSTATUS device_ids(struct host_adapter *adapter, unsigned char *data, uint32_t size)
{
    D3DKMT_QUERY_DEVICE_IDS ids;
    (void)size;
    memcpy(&ids, data, sizeof(ids));
    if (ids.PhysicalAdapterIndex != 0)
        return STATUS_INVALID_PARAMETER;
    ids.DeviceIds = adapter->config.device_ids;
    memcpy(data, &ids, sizeof(ids));
    return STATUS_SUCCESS;
}

static NTSTATUS paravirtualization(struct host_adapter *adapter, unsigned char *data, uint32_t size)
{
    D3DKMT_PARAVIRTUALIZATION info = {.SecureContainer = adapter->host->config.secure};
    (void)size;
    memcpy(data, &info, sizeof(info));
    return STATUS_SUCCESS;
}

static NTSTATUS wddm_2_7_caps(struct host_adapter *adapter, unsigned char *data, uint32_t size)
{
    D3DKMT_WDDM_2_7_CAPS caps = {.Value = 0};
    (void)size;
    caps.HwSchSupported = adapter->config.hw_scheduling;
    caps.HwSchEnabled = adapter->config.hw_scheduling;
    caps.HwSchEnabledByDefault = adapter->config.hw_scheduling;
    memcpy(data, &caps, sizeof(caps));
    return STATUS_SUCCESS;
}

/* ---- text */

/* Text at the start of the payload, the rest zero. */
static void fill_text(unsigned char *data, uint32_t size, const char *text)
{
    memset(data, 0, size);
    host_utf16((uint16_t *)(void *)data, size / 2, text);
}

enum {
    REGISTRY_STRINGS = 4,
    REGISTRY_STRING_SIZE = 520,
    DESCRIPTION_SIZE = 8192,
    UNIQUE_GUID_SIZE = 80
};

/* AdapterString, BiosString, DacType, ChipType. */
static NTSTATUS adapter_registry_info(struct host_adapter *adapter, unsigned char *data,
                                      uint32_t size)
{
    const char *const texts[REGISTRY_STRINGS] = {adapter->config.name, "libd3dkmt", "",
                                                 adapter->config.name};
    (void)size;
    for (unsigned i = 0; i < REGISTRY_STRINGS; i++)
        fill_text(data + i * REGISTRY_STRING_SIZE, REGISTRY_STRING_SIZE, texts[i]);
    return STATUS_SUCCESS;
}

static NTSTATUS driver_description(struct host_adapter *adapter, unsigned char *data, uint32_t size)
{
    (void)size;
    fill_text(data, DESCRIPTION_SIZE, adapter->config.name);
    return STATUS_SUCCESS;
}

static NTSTATUS unique_guid(struct host_adapter *adapter, unsigned char *data, uint32_t size)
{
    uint8_t g[16];
    char text[UNIQUE_GUID_SIZE / 2];
    (void)size;
    host_vgpu_instance(adapter->host, adapter->index, g);
    snprintf(text, sizeof(text),
             "{%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x}", g[3], g[2],
             g[1], g[0], g[5], g[4], g[7], g[6], g[8], g[9], g[10], g[11], g[12], g[13], g[14],
             g[15]);
    fill_text(data, UNIQUE_GUID_SIZE, text);
    return STATUS_SUCCESS;
}

/* D3DKMT_NODEMETADATA with 2-byte characters, packed. */
enum {
    NODE_SIZE = 78,
    NODE_TYPE = 4,
    NODE_NAME = 8,
    NODE_NAME_SIZE = 64,
    NODE_GPU_MMU = 76,
};

/* The first word is input: node in the low half, physical adapter in the high one. */
static NTSTATUS node_metadata(struct host_adapter *adapter, unsigned char *data, uint32_t size)
{
    const struct kmd_adapter_info *info = gpu_adapter_info(adapter->gpu);
    uint32_t node = wire_load_u32(data);
    (void)size;
    if (node >= info->node_count) /* of another physical adapter as well */
        return STATUS_INVALID_PARAMETER;
    memset(data + NODE_TYPE, 0, NODE_SIZE - NODE_TYPE);
    wire_store_u32(data + NODE_TYPE, info->nodes[node].type);
    host_utf16((uint16_t *)(void *)(data + NODE_NAME), NODE_NAME_SIZE / 2, info->nodes[node].name);
    data[NODE_GPU_MMU] = 1;
    return STATUS_SUCCESS;
}

/* D3DDDI_QUERYREGISTRY_INFO with 2-byte characters. */
enum {
    REGISTRY_SIZE = 552,
    REGISTRY_KEY = 0,
    REGISTRY_NAME = 8,
    REGISTRY_NAME_UNITS = 260,
    REGISTRY_TYPE = 528,
    REGISTRY_PHYSICAL_ADAPTER = 532,
    REGISTRY_OUTPUT_SIZE = 536,
    REGISTRY_STATUS = 540,
    REGISTRY_OUTPUT = 544,
};

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
}

/* text: UTF-8; name: as it stands in the payload. */
static bool is_named(const uint16_t *name, const char *text)
{
    uint16_t units[REGISTRY_NAME_UNITS];
    size_t count = host_utf16(units, REGISTRY_NAME_UNITS, text);
    if (count > REGISTRY_NAME_UNITS)
        return false;
    for (size_t i = 0; i < count; i++) {
        bool ascii = name[i] < 0x80 && units[i] < 0x80;
        if (ascii ? lower((char)name[i]) != lower((char)units[i]) : name[i] != units[i])
            return false;
    }
    return true;
}

static const struct host_registry_value *find_value(const struct host_adapter *adapter,
                                                    const unsigned char *data)
{
    const struct host_adapter_answers *answers = adapter->config.answers;
    uint32_t key = wire_load_u32(data + REGISTRY_KEY);
    bool is_path =
        key == D3DDDI_QUERYREGISTRY_DRIVERSTOREPATH || key == D3DDDI_QUERYREGISTRY_DRIVERIMAGEPATH;
    uint16_t name[REGISTRY_NAME_UNITS];
    memcpy(name, data + REGISTRY_NAME, sizeof(name));
    for (uint32_t i = 0; answers && i < answers->registry_count; i++) {
        const struct host_registry_value *value = &answers->registry[i];
        if (value->key == key && (is_path || (value->type == wire_load_u32(data + REGISTRY_TYPE) &&
                                              is_named(name, value->name))))
            return value;
    }
    return NULL;
}

/*
 * Two steps: a payload without room for the value gets its size and BUFFER_OVERFLOW, then one with
 * room gets the value. The call itself succeeds both times.
 */
static NTSTATUS give_value(unsigned char *data, uint32_t size, const void *value, size_t needed)
{
    uint32_t room = size - REGISTRY_OUTPUT;
    wire_store_u32(data + REGISTRY_OUTPUT_SIZE, (uint32_t)needed);
    if (needed > room) {
        wire_store_u32(data + REGISTRY_STATUS, D3DDDI_QUERYREGISTRY_STATUS_BUFFER_OVERFLOW);
        return STATUS_SUCCESS;
    }
    memset(data + REGISTRY_OUTPUT, 0, room);
    memcpy(data + REGISTRY_OUTPUT, value, needed);
    wire_store_u32(data + REGISTRY_STATUS, D3DDDI_QUERYREGISTRY_STATUS_SUCCESS);
    return STATUS_SUCCESS;
}

static NTSTATUS give_path(unsigned char *data, uint32_t size, const char *path)
{
    size_t units = host_utf16(NULL, 0, path);
    uint16_t *text = malloc(units * sizeof(*text));
    if (!text)
        return STATUS_NO_MEMORY;
    host_utf16(text, units, path);
    NTSTATUS status = give_value(data, size, text, units * sizeof(*text));
    free(text);
    return status;
}

/* Values of the configuration, and the miniport's driver store; others are not found. */
static NTSTATUS query_registry(struct host_adapter *adapter, unsigned char *data, uint32_t size)
{
    if (wire_load_u32(data + REGISTRY_PHYSICAL_ADAPTER) != 0)
        return STATUS_INVALID_PARAMETER;
    const struct host_registry_value *value = find_value(adapter, data);
    if (value)
        return give_value(data, size, value->data, value->size);
    const char *path = wire_load_u32(data + REGISTRY_KEY) == D3DDDI_QUERYREGISTRY_DRIVERSTOREPATH
                           ? gpu_adapter_driver_store_path(adapter->gpu)
                           : NULL;
    if (path)
        return give_path(data, size, path);
    wire_store_u32(data + REGISTRY_OUTPUT_SIZE, 0);
    wire_store_u32(data + REGISTRY_STATUS, D3DDDI_QUERYREGISTRY_STATUS_FAIL);
    return STATUS_SUCCESS;
}

/* ---- dispatch */

static const struct {
    fill_function *fill;
    uint32_t size;
} types[] = {
    [KMTQAITYPE_GETSEGMENTSIZE] = {segment_size, sizeof(D3DKMT_SEGMENTSIZEINFO)},
    [KMTQAITYPE_ADAPTERADDRESS] = {adapter_address, sizeof(D3DKMT_ADAPTERADDRESS)},
    [KMTQAITYPE_ADAPTERADDRESS_RENDER] = {adapter_address, sizeof(D3DKMT_ADAPTERADDRESS)},
    [KMTQAITYPE_ADAPTERREGISTRYINFO] = {adapter_registry_info,
                                        REGISTRY_STRINGS *REGISTRY_STRING_SIZE},
    [KMTQAITYPE_ADAPTERREGISTRYINFO_RENDER] = {adapter_registry_info,
                                               REGISTRY_STRINGS *REGISTRY_STRING_SIZE},
    [KMTQAITYPE_DRIVERVERSION] = {driver_model, 4},
    [KMTQAITYPE_DRIVERVERSION_RENDER] = {driver_model, 4},
    [KMTQAITYPE_ADAPTERTYPE] = {adapter_type, 4},
    [KMTQAITYPE_ADAPTERTYPE_RENDER] = {adapter_type, 4},
    [KMTQAITYPE_UMD_DRIVER_VERSION] = {driver_version, 8},
    [KMTQAITYPE_KMD_DRIVER_VERSION] = {driver_version, 8},
    [KMTQAITYPE_NODEMETADATA] = {node_metadata, NODE_SIZE},
    [KMTQAITYPE_PHYSICALADAPTERCOUNT] = {physical_adapter_count, 4},
    [KMTQAITYPE_PHYSICALADAPTERDEVICEIDS] = {device_ids, sizeof(D3DKMT_QUERY_DEVICE_IDS)},
    [KMTQAITYPE_GETSEGMENTGROUPSIZE] = {segment_group_size, sizeof(D3DKMT_SEGMENTGROUPSIZEINFO)},
    [KMTQAITYPE_QUERYREGISTRY] = {query_registry, REGISTRY_SIZE},
    [KMTQAITYPE_QUERY_ADAPTER_UNIQUE_GUID] = {unique_guid, UNIQUE_GUID_SIZE},
    [KMTQAITYPE_DRIVER_DESCRIPTION] = {driver_description, DESCRIPTION_SIZE},
    [KMTQAITYPE_DRIVER_DESCRIPTION_RENDER] = {driver_description, DESCRIPTION_SIZE},
    [KMTQAITYPE_PARAVIRTUALIZATION_RENDER] = {paravirtualization,
                                              sizeof(D3DKMT_PARAVIRTUALIZATION)},
    [KMTQAITYPE_WDDM_2_7_CAPS] = {wddm_2_7_caps, 4},
};

static const struct host_answer *find_answer(const struct host_adapter *adapter, uint32_t type)
{
    const struct host_adapter_answers *answers = adapter->config.answers;
    for (uint32_t i = 0; answers && i < answers->count; i++)
        if (answers->answers[i].type == type)
            return &answers->answers[i];
    return NULL;
}

static NTSTATUS give_answer(const struct host_answer *answer, unsigned char *data, uint32_t size)
{
    if (size < answer->size)
        return STATUS_BUFFER_TOO_SMALL;
    memset(data, 0, size);
    memcpy(data, answer->data, answer->size);
    return STATUS_SUCCESS;
}

static NTSTATUS fill(struct host_adapter *adapter, uint32_t type, unsigned char *data,
                     uint32_t size)
{
    const struct host_answer *answer = find_answer(adapter, type);
    if (answer)
        return give_answer(answer, data, size);
    if (type >= sizeof(types) / sizeof(types[0]) || !types[type].fill)
        return gpu_adapter_query_info(adapter->gpu, type, data, size);
    if (size < types[type].size)
        return STATUS_INVALID_PARAMETER;
    return types[type].fill(adapter, data, size);
}

NTSTATUS host_query_adapter_info(struct host_call *call, const void *command, void *reply)
{
    const struct wire_queryadapterinfo *query = command;
    const struct wire_span *tail = &call->request->tails[WIRE_TAIL_QUERYADAPTERINFO_PRIVATE_DATA];
    bool failed = false;
    (void)reply;
    if (tail->count == 0)
        return STATUS_INVALID_PARAMETER;
    unsigned char *data = host_copy_span(tail, &failed);
    if (failed)
        return STATUS_NO_MEMORY;
    NTSTATUS status = fill(call->adapter, query->query_type, data, tail->count);
    if (NT_SUCCESS(status))
        wire_append(&call->out, data, tail->count);
    free(data);
    return status;
}
