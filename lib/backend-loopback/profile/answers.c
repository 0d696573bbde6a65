/* SPDX-License-Identifier: MIT */
/* What an adapter of a profile means to the host: its configuration, and answers to questions. */
#include "backend-loopback/profile/raw_adapter.h"

#include "core/last_error.h"

#include <string.h>

enum { PATHS = 2 }; /* registry values beside the list */

struct builder {
    const struct reader *reader;
    struct profile_adapter *adapter;
    bool failed; /* no memory */
};

/* data is copied. Types that come twice, as with a namesake for the render side, share it. */
static void answer(struct builder *builder, KMTQUERYADAPTERINFOTYPE type,
                   KMTQUERYADAPTERINFOTYPE render_type, const void *data, size_t size)
{
    struct host_adapter_answers *answers = &builder->adapter->answers;
    void *copy = profile_keep(builder->reader->profile, size);

    if (!copy) {
        builder->failed = true;
        return;
    }
    memcpy(copy, data, size);
    struct host_answer *place = builder->adapter->list + answers->count;
    *place = (struct host_answer){.type = type, .size = (uint32_t)size, .data = copy};
    answers->count++;
    if (render_type != type) {
        place[1] = *place;
        place[1].type = render_type;
        answers->count++;
    }
}

static void answer_registry_texts(struct builder *builder, const struct raw_adapter *raw)
{
    uint16_t texts[PROFILE_REGISTRY_TEXTS][PROFILE_SHORT_TEXT] = {{0}};
    bool given = false;

    for (unsigned i = 0; i < PROFILE_REGISTRY_TEXTS; i++) {
        given = given || raw->registry_texts[i];
        if (raw->registry_texts[i])
            host_utf16(texts[i], PROFILE_SHORT_TEXT, raw->registry_texts[i]);
    }
    if (given)
        answer(builder, KMTQAITYPE_ADAPTERREGISTRYINFO, KMTQAITYPE_ADAPTERREGISTRYINFO_RENDER,
               texts, sizeof(texts));
}

static void answer_capabilities(struct builder *builder, const struct raw_adapter *raw)
{
    D3DKMT_WDDM_2_7_CAPS caps_2_7 = {.Value = 0};
    D3DKMT_WDDM_2_9_CAPS caps_2_9 = {.Value = 0};

    caps_2_7.HwSchSupported = raw->hw_supported;
    caps_2_7.HwSchEnabled = raw->hw_enabled;
    caps_2_7.HwSchEnabledByDefault = raw->hw_default;
    answer(builder, KMTQAITYPE_WDDM_2_7_CAPS, KMTQAITYPE_WDDM_2_7_CAPS, &caps_2_7,
           sizeof(caps_2_7));
    caps_2_9.HwSchSupportState = raw->hw_support.state & 3;
    caps_2_9.HwSchEnabled = raw->hw_enabled;
    if (raw->hw_support.given)
        answer(builder, KMTQAITYPE_WDDM_2_9_CAPS, KMTQAITYPE_WDDM_2_9_CAPS, &caps_2_9,
               sizeof(caps_2_9));
}

static void answer_queries(struct builder *builder, const struct raw_queries *queries)
{
    if (queries->umd_private.given)
        answer(builder, KMTQAITYPE_UMDRIVERPRIVATE, KMTQAITYPE_UMDRIVERPRIVATE,
               queries->umd_private.bytes, queries->umd_private.size);
#define ANSWER(name, size)                                                                         \
    if (queries->name.given)                                                                       \
        answer(builder, KMTQAITYPE_##name, KMTQAITYPE_##name, queries->name.bytes, size);
    PROFILE_QUERIES(ANSWER)
#undef ANSWER
}

static void answer_numbers(struct builder *builder, const struct raw_adapter *raw)
{
    uint32_t model = (uint32_t)raw->wddm;

    if (raw->type.given)
        answer(builder, KMTQAITYPE_ADAPTERTYPE, KMTQAITYPE_ADAPTERTYPE_RENDER, &raw->type.bits,
               sizeof(raw->type.bits));
    if (model)
        answer(builder, KMTQAITYPE_DRIVERVERSION, KMTQAITYPE_DRIVERVERSION_RENDER, &model,
               sizeof(model));
    if (raw->kmd_version)
        answer(builder, KMTQAITYPE_KMD_DRIVER_VERSION, KMTQAITYPE_KMD_DRIVER_VERSION,
               &raw->kmd_version, sizeof(raw->kmd_version));
    if (raw->address.given)
        answer(builder, KMTQAITYPE_ADAPTERADDRESS, KMTQAITYPE_ADAPTERADDRESS_RENDER,
               &raw->address.value, sizeof(raw->address.value));
}

/* The list with the paths behind it. */
static void build_registry(struct builder *builder, const struct raw_adapter *raw)
{
    const char *const paths[PATHS] = {raw->store, raw->image};
    static const uint32_t keys[PATHS] = {D3DDDI_QUERYREGISTRY_DRIVERSTOREPATH,
                                         D3DDDI_QUERYREGISTRY_DRIVERIMAGEPATH};
    struct host_adapter_answers *answers = &builder->adapter->answers;
    struct host_registry_value *values =
        profile_keep(builder->reader->profile, (raw->registry_count + PATHS) * sizeof(*values));

    if (!values) {
        builder->failed = true;
        return;
    }
    if (raw->registry_count)
        memcpy(values, raw->registry, raw->registry_count * sizeof(*values));
    answers->registry = values;
    answers->registry_count = raw->registry_count;
    for (unsigned i = 0; i < PATHS; i++) {
        struct host_registry_value *value = values + answers->registry_count;

        if (!paths[i])
            continue;
        value->key = keys[i];
        if (!profile_registry_text(builder->reader, paths[i], value))
            builder->failed = true;
        answers->registry_count++;
    }
}

static uint64_t figure(uint64_t value, bool given)
{
    return given && value == 0 ? HOST_NOTHING : value;
}

static void build_config(struct host_adapter_config *config, const struct raw_adapter *raw)
{
    config->luid = raw->luid;
    config->compute_only = raw->type.bits.ComputeOnly;
    config->hw_scheduling = raw->hw_enabled;
    config->name = raw->description;
    config->umd_version = raw->version;
    config->device_ids = (D3DKMT_DEVICE_IDS){
        .VendorID = (UINT)raw->vendor,
        .DeviceID = (UINT)raw->device,
        .SubVendorID = (UINT)raw->subsystem_vendor,
        .SubSystemID = (UINT)raw->subsystem,
        .RevisionID = (UINT)raw->revision,
        .BusType = (UINT)raw->bus_type,
    };
    for (unsigned group = 0; group < KMD_SEGMENT_GROUPS; group++) {
        config->segment_size[group] =
            figure(raw->groups[group].size, raw->groups[group].size_given);
        config->budget[group] = raw->groups[group].budget;
    }
    config->node_count = raw->node_count;
    config->nodes = raw->nodes;
}

NTSTATUS profile_adapter_build(const struct reader *reader, const struct raw_adapter *raw,
                               struct profile_adapter *adapter)
{
    struct builder builder = {.reader = reader, .adapter = adapter};

    adapter->miniport = raw->miniport;
    build_config(&adapter->config, raw);
    answer_numbers(&builder, raw);
    answer_registry_texts(&builder, raw);
    if (raw->capabilities_given)
        answer_capabilities(&builder, raw);
    answer_queries(&builder, &raw->queries);
    build_registry(&builder, raw);
    adapter->answers.answers = adapter->list;
    adapter->answers.feature_count = raw->feature_count;
    adapter->answers.features = raw->features;
    if (builder.failed)
        return d3dkmti_fail(STATUS_NO_MEMORY, "no memory for the adapter profile");
    return STATUS_SUCCESS;
}
