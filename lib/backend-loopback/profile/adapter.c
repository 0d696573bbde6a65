/* SPDX-License-Identifier: MIT */
/* Reads an adapter of a profile. */
#include "backend-loopback/profile/raw_adapter.h"

#include <stdio.h>
#include <string.h>

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

enum {
    FEATURES_MAX = 256,
    REGISTRY_MAX = 256,
    LONG_TEXT = 4096,
    MINIPORT_TEXT = 256,
    WDDM_MAJOR = 1000,
    WDDM_MINOR = 100,
};

#define TIB ((uint64_t)1 << 40)

#define RAW(member) offsetof(struct raw_adapter, member)

/* ---- texts with a form of their own: what is read must be what would be written */

static NTSTATUS read_luid(const struct reader *reader, const struct place *place,
                          const struct reader_member *member, void *target)
{
    const char *text = json_string_value(place->value);
    unsigned high = 0, low = 0;
    char again[24];

    (void)member;
    if (text)
        (void)sscanf(text, "%8x:%8x", &high, &low);
    snprintf(again, sizeof(again), "%08x:%08x", high, low);
    if (!text || strcmp(text, again) != 0 || (!high && !low))
        return reader_fail(reader, place, "a text like \"00000001:0001abcd\" is needed here");
    *(LUID *)target = (LUID){.LowPart = low, .HighPart = (LONG)high};
    return STATUS_SUCCESS;
}

static NTSTATUS read_version(const struct reader *reader, const struct place *place,
                             const struct reader_member *member, void *target)
{
    const char *text = json_string_value(place->value);
    unsigned parts[4] = {0};
    uint64_t version = 0;
    char again[48];

    (void)member;
    if (text)
        (void)sscanf(text, "%5u.%5u.%5u.%5u", &parts[0], &parts[1], &parts[2], &parts[3]);
    for (unsigned i = 0; i < 4; i++)
        version = version << 16 | (parts[i] & 0xffff);
    snprintf(again, sizeof(again), "%u.%u.%u.%u", (unsigned)(version >> 48),
             (unsigned)(version >> 32 & 0xffff), (unsigned)(version >> 16 & 0xffff),
             (unsigned)(version & 0xffff));
    if (!text || strcmp(text, again) != 0 || version == 0)
        return reader_fail(reader, place, "a text like \"31.0.101.4146\" is needed here");
    *(uint64_t *)target = version;
    return STATUS_SUCCESS;
}

static NTSTATUS read_wddm(const struct reader *reader, const struct place *place,
                          const struct reader_member *member, void *target)
{
    const char *text = json_string_value(place->value);
    unsigned major = 0, minor = 0;
    char again[16];

    (void)member;
    if (text)
        (void)sscanf(text, "%1u.%1u", &major, &minor);
    snprintf(again, sizeof(again), "%u.%u", major % 10, minor % 10);
    if (!text || strcmp(text, again) != 0 || major == 0)
        return reader_fail(reader, place, "a text like \"3.0\" is needed here");
    *(uint64_t *)target = (uint64_t)major * WDDM_MAJOR + minor * WDDM_MINOR;
    return STATUS_SUCCESS;
}

static NTSTATUS read_address(const struct reader *reader, const struct place *place,
                             const struct reader_member *member, void *target)
{
    struct raw_adapter *raw = (void *)((char *)target - RAW(address));
    const char *text = json_string_value(place->value);
    D3DKMT_ADAPTERADDRESS value = {0};
    char again[40];

    (void)member;
    if (text)
        (void)sscanf(text, "%8x:%8x.%8x", &value.BusNumber, &value.DeviceNumber,
                     &value.FunctionNumber);
    snprintf(again, sizeof(again), "%02x:%02x.%x", value.BusNumber, value.DeviceNumber,
             value.FunctionNumber);
    if (!text || strcmp(text, again) != 0)
        return reader_fail(reader, place, "a text like \"00:02.0\" is needed here");
    raw->address.value = value;
    raw->address.given = true;
    return STATUS_SUCCESS;
}

/* Limits are UTF-16 units, with the terminator. */
static NTSTATUS read_wide_text(const struct reader *reader, const struct place *place,
                               const struct reader_member *member, void *target)
{
    struct reader_member bytes = {.maximum = member->maximum * 3};
    NTSTATUS status = reader_text(reader, place, &bytes, target);

    if (NT_SUCCESS(status) && host_utf16(NULL, 0, *(const char **)target) > member->maximum)
        return reader_fail(reader, place, "the text has more than %u UTF-16 units",
                           (unsigned)member->maximum - 1);
    return status;
}

/* ---- objects */

struct raw_type {
#define FIELD(name, bit) bool name;
    PROFILE_TYPE_BITS(FIELD)
#undef FIELD
    bool compute_only, paravirtualized;
};

static NTSTATUS read_type(const struct reader *reader, const struct place *place,
                          const struct reader_member *member, void *target)
{
    static const struct reader_member members[] = {
#define ROW(name, bit) {#name, reader_boolean, offsetof(struct raw_type, name), 0, 0, false},
        PROFILE_TYPE_BITS(ROW)
#undef ROW
            {"compute_only", reader_boolean, offsetof(struct raw_type, compute_only), 0, 0, false},
        {"paravirtualized", reader_boolean, offsetof(struct raw_type, paravirtualized), 0, 0,
         false},
    };
    struct raw_adapter *raw = (void *)((char *)target - RAW(type));
    struct raw_type type = {.paravirtualized = true};
    NTSTATUS status = reader_object(reader, place, members, COUNT(members), &type);

    (void)member;
    if (!NT_SUCCESS(status))
        return status;
    struct place inner = {.outer = place, .member = "paravirtualized"};
    if (!type.paravirtualized)
        return reader_fail(reader, &inner, "simulated adapters are always paravirtualized");
#define BIT(name, bit) raw->type.bits.bit = type.name;
    PROFILE_TYPE_BITS(BIT)
#undef BIT
    raw->type.bits.ComputeOnly = type.compute_only;
    raw->type.bits.Paravirtualized = 1;
    raw->type.given = true;
    return STATUS_SUCCESS;
}

static NTSTATUS read_driver(const struct reader *reader, const struct place *place,
                            const struct reader_member *member, void *target)
{
    static const struct reader_member members[] = {
        {"description", read_wide_text, RAW(description), 0, LONG_TEXT, false},
        {"version", read_version, RAW(version), 0, 0, false},
        {"kmd_version", read_version, RAW(kmd_version), 0, 0, false},
        {"wddm", read_wddm, RAW(wddm), 0, 0, false},
        {"adapter_string", read_wide_text, RAW(registry_texts[0]), 0, PROFILE_SHORT_TEXT, false},
        {"bios_string", read_wide_text, RAW(registry_texts[1]), 0, PROFILE_SHORT_TEXT, false},
        {"dac_type", read_wide_text, RAW(registry_texts[2]), 0, PROFILE_SHORT_TEXT, false},
        {"chip_type", read_wide_text, RAW(registry_texts[3]), 0, PROFILE_SHORT_TEXT, false},
        {"store", reader_text, RAW(store), 1, LONG_TEXT, false},
        {"image", reader_text, RAW(image), 1, LONG_TEXT, false},
    };

    (void)member;
    return reader_object(reader, place, members, COUNT(members), target);
}

static NTSTATUS read_pci(const struct reader *reader, const struct place *place,
                         const struct reader_member *member, void *target)
{
    static const struct reader_member members[] = {
        {"vendor", reader_hex, RAW(vendor), 1, 0xffff, true},
        {"device", reader_hex, RAW(device), 0, 0xffff, true},
        {"subsystem_vendor", reader_hex, RAW(subsystem_vendor), 0, 0xffff, false},
        {"subsystem", reader_hex, RAW(subsystem), 0, 0xffff, false},
        {"revision", reader_hex, RAW(revision), 0, 0xff, false},
        {"bus_type", reader_number, RAW(bus_type), 0, UINT32_MAX, false},
        {"address", read_address, RAW(address), 0, 0, false},
    };

    (void)member;
    return reader_object(reader, place, members, COUNT(members), target);
}

static NTSTATUS read_support_state(const struct reader *reader, const struct place *place,
                                   const struct reader_member *member, void *target)
{
    struct raw_adapter *raw = (void *)((char *)target - RAW(hw_support));

    raw->hw_support.given = true;
    return reader_number(reader, place, member, &raw->hw_support.state);
}

static NTSTATUS read_capabilities(const struct reader *reader, const struct place *place,
                                  const struct reader_member *member, void *target)
{
    static const struct reader_member members[] = {
        {"hw_scheduling_supported", reader_boolean, RAW(hw_supported), 0, 0, false},
        {"hw_scheduling_enabled", reader_boolean, RAW(hw_enabled), 0, 0, false},
        {"hw_scheduling_enabled_by_default", reader_boolean, RAW(hw_default), 0, 0, false},
        {"hw_scheduling_support_state", read_support_state, RAW(hw_support), 0, 3, false},
    };

    (void)member;
    return reader_object(reader, place, members, COUNT(members), target);
}

struct raw_node {
    uint64_t ordinal, type;
    const char *engine, *name;
    bool gpu_mmu;
};

static NTSTATUS read_node(const struct reader *reader, const struct place *place,
                          const struct reader_member *member, void *target)
{
    static const struct reader_member members[] = {
        {"ordinal", reader_number, offsetof(struct raw_node, ordinal), 0, KMD_MAX_NODES, true},
        {"engine", reader_text, offsetof(struct raw_node, engine), 1, 32, false},
        {"engine_type", reader_number, offsetof(struct raw_node, type), 0, DXGK_ENGINE_TYPE_MAX - 1,
         true},
        {"name", reader_text, offsetof(struct raw_node, name), 0, KMD_MAX_NODE_NAME - 1, true},
        {"gpu_mmu", reader_boolean, offsetof(struct raw_node, gpu_mmu), 0, 0, false},
    };
#define NAME(name, number) [DXGK_ENGINE_TYPE_##number] = name,
    static const char *const engines[] = {PROFILE_ENGINES(NAME)};
#undef NAME
    struct kmd_node *node = target;
    struct raw_node raw = {.gpu_mmu = true};
    NTSTATUS status = reader_object(reader, place, members, COUNT(members), &raw);

    (void)member;
    if (!NT_SUCCESS(status))
        return status;
    struct place inner = {.outer = place, .member = "ordinal"};
    if (raw.ordinal != place->index)
        return reader_fail(reader, &inner, "nodes are numbered from 0 on; this is %zu",
                           place->index);
    inner.member = "engine";
    if (raw.engine && strcmp(raw.engine, engines[raw.type]) != 0)
        return reader_fail(reader, &inner, "engine_type %u is \"%s\"", (unsigned)raw.type,
                           engines[raw.type]);
    inner.member = "gpu_mmu";
    if (!raw.gpu_mmu)
        return reader_fail(reader, &inner, "simulated engines always have a GPU MMU");
    node->type = (enum kmd_engine_type)raw.type;
    snprintf(node->name, sizeof(node->name), "%s", raw.name);
    return STATUS_SUCCESS;
}

static NTSTATUS read_nodes(const struct reader *reader, const struct place *place,
                           const struct reader_member *member, void *target)
{
    struct raw_adapter *raw = (void *)((char *)target - RAW(nodes));

    (void)member;
    if (json_array_size(place->value) == 0 && json_is_array(place->value))
        return reader_fail(reader, place, "an adapter has at least one node");
    return reader_array(reader, place, KMD_MAX_NODES, sizeof(struct kmd_node), read_node,
                        &raw->nodes, &raw->node_count);
}

static NTSTATUS read_group_size(const struct reader *reader, const struct place *place,
                                const struct reader_member *member, void *target)
{
    struct raw_group *group = target;

    group->size_given = true;
    return reader_number(reader, place, member, &group->size);
}

static NTSTATUS read_group(const struct reader *reader, const struct place *place,
                           const struct reader_member *member, void *target)
{
    static const struct reader_member members[] = {
        {"size", read_group_size, 0, 0, TIB, false},
        {"budget", reader_number, offsetof(struct raw_group, budget), 0, TIB, false},
    };

    (void)member;
    return reader_object(reader, place, members, COUNT(members), target);
}

static NTSTATUS read_memory(const struct reader *reader, const struct place *place,
                            const struct reader_member *member, void *target)
{
    static const struct reader_member members[] = {
        {"local", read_group, RAW(groups[KMD_SEGMENT_LOCAL]), 0, 0, false},
        {"non_local", read_group, RAW(groups[KMD_SEGMENT_NON_LOCAL]), 0, 0, false},
    };
    const struct raw_adapter *raw = target;
    NTSTATUS status = reader_object(reader, place, members, COUNT(members), target);

    (void)member;
    if (NT_SUCCESS(status) && raw->groups[0].size_given && raw->groups[1].size_given &&
        raw->groups[0].size == 0 && raw->groups[1].size == 0)
        return reader_fail(reader, place, "an adapter without any memory cannot be simulated");
    return status;
}

#define QUERY(name) RAW(queries) + offsetof(struct raw_queries, name)

static NTSTATUS read_queries(const struct reader *reader, const struct place *place,
                             const struct reader_member *member, void *target)
{
    static const struct reader_member members[] = {
        {"UMDRIVERPRIVATE", reader_hex_bytes, QUERY(umd_private), 1, PROFILE_PRIVATE_MAX, false},
#define ROW(name, size) {#name, reader_hex_bytes, QUERY(name), size, size, false},
        PROFILE_QUERIES(ROW)
#undef ROW
    };

    (void)member;
    return reader_object(reader, place, members, COUNT(members), target);
}

static NTSTATUS read_registry(const struct reader *reader, const struct place *place,
                              const struct reader_member *member, void *target)
{
    struct raw_adapter *raw = (void *)((char *)target - RAW(registry));

    (void)member;
    return reader_array(reader, place, REGISTRY_MAX, sizeof(struct host_registry_value),
                        profile_registry_read, &raw->registry, &raw->registry_count);
}

struct raw_feature {
    uint64_t id, version;
#define FIELD(name, bit) bool name;
    PROFILE_FEATURE_BITS(FIELD)
#undef FIELD
};

static NTSTATUS read_feature(const struct reader *reader, const struct place *place,
                             const struct reader_member *member, void *target)
{
    static const struct reader_member members[] = {
        {"id", reader_number, offsetof(struct raw_feature, id), 0, UINT32_MAX, true},
        {"version", reader_number, offsetof(struct raw_feature, version), 0, UINT16_MAX, true},
#define ROW(name, bit) {#name, reader_boolean, offsetof(struct raw_feature, name), 0, 0, false},
        PROFILE_FEATURE_BITS(ROW)
#undef ROW
    };
    struct host_feature *feature = target;
    struct raw_feature raw = {0};
    DXGK_ISFEATUREENABLED_RESULT result = {0};
    NTSTATUS status = reader_object(reader, place, members, COUNT(members), &raw);

    (void)member;
#define BIT(name, bit) result.bit = raw.name;
    PROFILE_FEATURE_BITS(BIT)
#undef BIT
    feature->id = (uint32_t)raw.id;
    feature->version = (uint16_t)raw.version;
    feature->result = result.Value;
    return status;
}

static NTSTATUS read_features(const struct reader *reader, const struct place *place,
                              const struct reader_member *member, void *target)
{
    struct raw_adapter *raw = (void *)((char *)target - RAW(features));

    (void)member;
    return reader_array(reader, place, FEATURES_MAX, sizeof(struct host_feature), read_feature,
                        &raw->features, &raw->feature_count);
}

/* Those of offset 0 read into several members of the whole. */
static const struct reader_member adapter_members[] = {
    {"luid", read_luid, RAW(luid), 0, 0, false},
    {"miniport", reader_text, RAW(miniport), 1, MINIPORT_TEXT, false},
    {"type", read_type, RAW(type), 0, 0, false},
    {"driver", read_driver, 0, 0, 0, false},
    {"pci", read_pci, 0, 0, 0, false},
    {"capabilities", read_capabilities, 0, 0, 0, false},
    {"nodes", read_nodes, RAW(nodes), 0, 0, false},
    {"memory", read_memory, 0, 0, 0, false},
    {"queries", read_queries, 0, 0, 0, false},
    {"registry", read_registry, RAW(registry), 0, 0, false},
    {"features", read_features, RAW(features), 0, 0, false},
};

NTSTATUS profile_adapter_read(const struct reader *reader, const struct place *place,
                              const struct reader_member *member, void *target)
{
    struct raw_adapter raw = {.bus_type = 5};
    NTSTATUS status = reader_object(reader, place, adapter_members, COUNT(adapter_members), &raw);

    (void)member;
    raw.capabilities_given = json_object_get(place->value, "capabilities") != NULL;
    return NT_SUCCESS(status) ? profile_adapter_build(reader, &raw, target) : status;
}
