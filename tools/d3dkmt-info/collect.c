/* SPDX-License-Identifier: MIT */
#include "info.h"

#include "backend-loopback/profile/names.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

enum { ADAPTERS_MAX = 64, NODES_MAX = 64, TEXT_MAX = 512 };

/* UTF-8 of a text of the API; what is no character becomes a question mark. */
json_t *info_text(const wchar_t *text)
{
    char utf8[TEXT_MAX * 4];
    size_t used = 0;

    for (size_t i = 0; i < TEXT_MAX && text[i]; i++) {
        uint32_t code = (uint32_t)text[i];

        if (code < 0x80) {
            utf8[used++] = (char)code;
        } else if (code < 0x800) {
            utf8[used++] = (char)(0xc0 | code >> 6);
            utf8[used++] = (char)(0x80 | (code & 0x3f));
        } else if (code < 0x10000) {
            utf8[used++] = (char)(0xe0 | code >> 12);
            utf8[used++] = (char)(0x80 | (code >> 6 & 0x3f));
            utf8[used++] = (char)(0x80 | (code & 0x3f));
        } else if (code < 0x110000) {
            utf8[used++] = (char)(0xf0 | code >> 18);
            utf8[used++] = (char)(0x80 | (code >> 12 & 0x3f));
            utf8[used++] = (char)(0x80 | (code >> 6 & 0x3f));
            utf8[used++] = (char)(0x80 | (code & 0x3f));
        } else {
            utf8[used++] = '?';
        }
    }
    return json_stringn_nocheck(utf8, used);
}

json_t *info_format(const char *format, ...)
{
    char text[TEXT_MAX];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    return json_string(text);
}

bool info_query(D3DKMT_HANDLE adapter, KMTQUERYADAPTERINFOTYPE type, void *answer, size_t size)
{
    D3DKMT_QUERYADAPTERINFO query;

    memset(&query, 0, sizeof(query));
    query.hAdapter = adapter;
    query.Type = type;
    query.pPrivateDriverData = answer;
    query.PrivateDriverDataSize = (UINT)size;
    return NT_SUCCESS(D3DKMTQueryAdapterInfo(&query));
}

/* ---- the adapter's parts */

static json_t *collect_type(D3DKMT_HANDLE adapter)
{
    D3DKMT_ADAPTERTYPE type = {{{0}}};
    json_t *object = json_object();

    if (!info_query(adapter, KMTQAITYPE_ADAPTERTYPE, &type, sizeof(type)))
        return object;
#define BIT(name, bit) json_object_set_new(object, #name, json_boolean(type.bit));
    PROFILE_TYPE_BITS(BIT)
#undef BIT
    json_object_set_new(object, "compute_only", json_boolean(type.ComputeOnly));
    json_object_set_new(object, "paravirtualized", json_boolean(type.Paravirtualized));
    return object;
}

static void add_registry_texts(D3DKMT_HANDLE adapter, json_t *driver)
{
    static D3DKMT_ADAPTERREGISTRYINFO registry;

    if (!info_query(adapter, KMTQAITYPE_ADAPTERREGISTRYINFO, &registry, sizeof(registry)))
        return;
    json_object_set_new(driver, "adapter_string", info_text(registry.AdapterString));
    json_object_set_new(driver, "bios_string", info_text(registry.BiosString));
    json_object_set_new(driver, "dac_type", info_text(registry.DacType));
    json_object_set_new(driver, "chip_type", info_text(registry.ChipType));
}

static void add_version(D3DKMT_HANDLE adapter, json_t *driver, const char *member,
                        KMTQUERYADAPTERINFOTYPE type)
{
    LARGE_INTEGER version;

    if (!info_query(adapter, type, &version, sizeof(version)))
        return;
    uint64_t parts = (uint64_t)version.QuadPart;
    json_object_set_new(driver, member,
                        info_format("%u.%u.%u.%u", (unsigned)(parts >> 48),
                                    (unsigned)(parts >> 32 & 0xffff),
                                    (unsigned)(parts >> 16 & 0xffff), (unsigned)(parts & 0xffff)));
}

static void add_path(D3DKMT_HANDLE adapter, json_t *driver, const char *member,
                     D3DDDI_QUERYREGISTRY_TYPE type)
{
    json_t *path = info_driver_path(adapter, type);

    if (path)
        json_object_set_new(driver, member, path);
}

static json_t *collect_driver(D3DKMT_HANDLE adapter)
{
    static D3DKMT_DRIVER_DESCRIPTION description;
    D3DKMT_DRIVERVERSION model;
    json_t *driver = json_object();

    if (info_query(adapter, KMTQAITYPE_DRIVER_DESCRIPTION, &description, sizeof(description)))
        json_object_set_new(driver, "description", info_text(description.DriverDescription));
    add_version(adapter, driver, "version", KMTQAITYPE_UMD_DRIVER_VERSION);
    add_version(adapter, driver, "kmd_version", KMTQAITYPE_KMD_DRIVER_VERSION);
    if (info_query(adapter, KMTQAITYPE_DRIVERVERSION, &model, sizeof(model)))
        json_object_set_new(
            driver, "wddm",
            info_format("%u.%u", (unsigned)model / 1000, (unsigned)model % 1000 / 100));
    add_registry_texts(adapter, driver);
    add_path(adapter, driver, "store", D3DDDI_QUERYREGISTRY_DRIVERSTOREPATH);
    add_path(adapter, driver, "image", D3DDDI_QUERYREGISTRY_DRIVERIMAGEPATH);
    return driver;
}

static json_t *collect_pci(D3DKMT_HANDLE adapter)
{
    D3DKMT_QUERY_DEVICE_IDS ids;
    D3DKMT_ADAPTERADDRESS address;
    json_t *pci = json_object();

    memset(&ids, 0, sizeof(ids));
    if (info_query(adapter, KMTQAITYPE_PHYSICALADAPTERDEVICEIDS, &ids, sizeof(ids))) {
        json_object_set_new(pci, "vendor", info_format("0x%04x", ids.DeviceIds.VendorID));
        json_object_set_new(pci, "device", info_format("0x%04x", ids.DeviceIds.DeviceID));
        json_object_set_new(pci, "subsystem_vendor",
                            info_format("0x%04x", ids.DeviceIds.SubVendorID));
        json_object_set_new(pci, "subsystem", info_format("0x%04x", ids.DeviceIds.SubSystemID));
        json_object_set_new(pci, "revision", info_format("0x%02x", ids.DeviceIds.RevisionID));
        json_object_set_new(pci, "bus_type", json_integer(ids.DeviceIds.BusType));
    }
    if (info_query(adapter, KMTQAITYPE_ADAPTERADDRESS, &address, sizeof(address)))
        json_object_set_new(pci, "address",
                            info_format("%02x:%02x.%x", address.BusNumber, address.DeviceNumber,
                                        address.FunctionNumber));
    return pci;
}

static json_t *collect_capabilities(D3DKMT_HANDLE adapter)
{
    D3DKMT_WDDM_2_7_CAPS caps_2_7 = {{{0}}};
    D3DKMT_WDDM_2_9_CAPS caps_2_9 = {{{0}}};
    json_t *caps = json_object();

    if (info_query(adapter, KMTQAITYPE_WDDM_2_7_CAPS, &caps_2_7, sizeof(caps_2_7))) {
        json_object_set_new(caps, "hw_scheduling_supported", json_boolean(caps_2_7.HwSchSupported));
        json_object_set_new(caps, "hw_scheduling_enabled", json_boolean(caps_2_7.HwSchEnabled));
        json_object_set_new(caps, "hw_scheduling_enabled_by_default",
                            json_boolean(caps_2_7.HwSchEnabledByDefault));
    }
    if (info_query(adapter, KMTQAITYPE_WDDM_2_9_CAPS, &caps_2_9, sizeof(caps_2_9)))
        json_object_set_new(caps, "hw_scheduling_support_state",
                            json_integer(caps_2_9.HwSchSupportState));
    return caps;
}

static const char *engine_name(DXGK_ENGINE_TYPE type)
{
#define NAME(name, number) [DXGK_ENGINE_TYPE_##number] = name,
    static const char *const names[] = {PROFILE_ENGINES(NAME)};
#undef NAME

    return (unsigned)type < DXGK_ENGINE_TYPE_MAX ? names[type] : "unknown";
}

/* Nodes are numbered without gaps: the first that does not answer ends the walk. */
static json_t *collect_nodes(D3DKMT_HANDLE adapter)
{
    json_t *nodes = json_array();

    for (unsigned ordinal = 0; ordinal < NODES_MAX; ordinal++) {
        D3DKMT_NODEMETADATA node;

        memset(&node, 0, sizeof(node));
        node.NodeOrdinalAndAdapterIndex = ordinal;
        if (!info_query(adapter, KMTQAITYPE_NODEMETADATA, &node, sizeof(node)))
            break;
        wchar_t name[DXGK_MAX_METADATA_NAME_LENGTH + 1] = {0};
        memcpy(name, node.NodeData.FriendlyName, sizeof(node.NodeData.FriendlyName));
        json_t *object = json_object();
        json_object_set_new(object, "ordinal", json_integer(ordinal));
        json_object_set_new(object, "engine", json_string(engine_name(node.NodeData.EngineType)));
        json_object_set_new(object, "engine_type", json_integer(node.NodeData.EngineType));
        json_object_set_new(object, "name", info_text(name));
        json_object_set_new(object, "gpu_mmu", json_boolean(node.NodeData.GpuMmuSupported));
        json_array_append_new(nodes, object);
    }
    return nodes;
}

/* size: NULL when it is not known */
static json_t *collect_group(D3DKMT_HANDLE adapter, D3DKMT_MEMORY_SEGMENT_GROUP group,
                             const ULONGLONG *size)
{
    D3DKMT_QUERYVIDEOMEMORYINFO memory;
    json_t *object = json_object();

    if (size)
        json_object_set_new(object, "size", json_integer((json_int_t)*size));
    memset(&memory, 0, sizeof(memory));
    memory.hAdapter = adapter;
    memory.MemorySegmentGroup = group;
    if (NT_SUCCESS(D3DKMTQueryVideoMemoryInfo(&memory))) {
        json_object_set_new(object, "budget", json_integer((json_int_t)memory.Budget));
        json_object_set_new(object, "usage", json_integer((json_int_t)memory.CurrentUsage));
        json_object_set_new(object, "reservation",
                            json_integer((json_int_t)memory.CurrentReservation));
        json_object_set_new(object, "available_for_reservation",
                            json_integer((json_int_t)memory.AvailableForReservation));
    }
    return object;
}

static json_t *collect_memory(D3DKMT_HANDLE adapter)
{
    D3DKMT_SEGMENTGROUPSIZEINFO sizes;
    json_t *memory = json_object();

    memset(&sizes, 0, sizeof(sizes));
    bool known = info_query(adapter, KMTQAITYPE_GETSEGMENTGROUPSIZE, &sizes, sizeof(sizes));
    json_object_set_new(memory, "local",
                        collect_group(adapter, D3DKMT_MEMORY_SEGMENT_GROUP_LOCAL,
                                      known ? &sizes.LocalMemory : NULL));
    json_object_set_new(memory, "non_local",
                        collect_group(adapter, D3DKMT_MEMORY_SEGMENT_GROUP_NON_LOCAL,
                                      known ? &sizes.NonLocalMemory : NULL));
    return memory;
}

json_t *info_collect_adapter(const D3DKMT_ADAPTERINFO *adapter)
{
    json_t *object = json_object();

    json_object_set_new(object, "luid",
                        info_format("%08x:%08x", (unsigned)adapter->AdapterLuid.HighPart,
                                    (unsigned)adapter->AdapterLuid.LowPart));
    json_object_set_new(object, "type", collect_type(adapter->hAdapter));
    json_object_set_new(object, "driver", collect_driver(adapter->hAdapter));
    json_object_set_new(object, "pci", collect_pci(adapter->hAdapter));
    json_object_set_new(object, "capabilities", collect_capabilities(adapter->hAdapter));
    json_object_set_new(object, "nodes", collect_nodes(adapter->hAdapter));
    json_object_set_new(object, "memory", collect_memory(adapter->hAdapter));
    json_object_set_new(object, "queries", info_collect_queries(adapter->hAdapter));
    json_object_set_new(object, "registry", info_collect_registry(adapter->hAdapter));
    json_object_set_new(object, "features", info_collect_features(adapter->hAdapter));
    return object;
}

/* ---- the whole */

json_t *info_collect_library(void)
{
    struct d3dkmt_backend_info backend;
    json_t *info = json_object();
    json_t *supported = json_array(), *not_supported = json_array();

    json_object_set_new(info, "format", json_integer(INFO_FORMAT_VERSION));
    json_object_set_new(info, "library", json_string(d3dkmt_version()));
    if (NT_SUCCESS(d3dkmt_describe_backend(&backend))) {
        json_t *object = json_object();

        json_object_set_new(object, "name", json_string(backend.name));
        json_object_set_new(object, "description", json_string(backend.description));
        json_object_set_new(object, "specification", json_string(backend.specification));
        json_object_set_new(info, "backend", object);
    }
    for (int id = 0; id < D3DKMT_OP_COUNT; id++) {
        const struct d3dkmt_op *op = d3dkmt_find_op((enum d3dkmt_op_id)id);
        json_t *list = d3dkmt_op_supported((enum d3dkmt_op_id)id) ? supported : not_supported;

        json_array_append_new(list, json_string(op->name));
    }
    json_t *operations = json_object();
    json_object_set_new(operations, "supported", supported);
    json_object_set_new(operations, "not_supported", not_supported);
    json_object_set_new(info, "operations", operations);
    return info;
}

NTSTATUS info_collect_adapters(json_t *info)
{
    static D3DKMT_ADAPTERINFO adapters[ADAPTERS_MAX];
    D3DKMT_ENUMADAPTERS3 list;
    json_t *array = json_array();

    json_object_set_new(info, "adapters", array);
    memset(&list, 0, sizeof(list));
    list.Filter.IncludeComputeOnly = 1;
    list.NumAdapters = ADAPTERS_MAX;
    list.pAdapters = adapters;
    NTSTATUS status = D3DKMTEnumAdapters3(&list);
    if (!NT_SUCCESS(status))
        return status;
    for (ULONG i = 0; i < list.NumAdapters; i++) {
        D3DKMT_CLOSEADAPTER close = {adapters[i].hAdapter};

        json_array_append_new(array, info_collect_adapter(&adapters[i]));
        D3DKMTCloseAdapter(&close);
    }
    return STATUS_SUCCESS;
}
