/* SPDX-License-Identifier: MIT */
/*
 * IDXCoreAdapter and IDXCoreAdapter1. An adapter holds no handle: what can change is asked through
 * one that is opened for the question, so that an object neither keeps a removed adapter nor cares
 * about fork or D3DKMTCloseDxCoreDevice.
 */
#include "compat/dxcore/dxcore.h"

#include <stdlib.h>
#include <string.h>
#include <wchar.h>

static const GUID iid_adapter = {
    0xf0db4c7f, 0xfe5a, 0x42a2, {0xbd, 0x62, 0xf2, 0xa6, 0xcf, 0x6f, 0xc8, 0x3e}};
static const GUID iid_adapter1 = {
    0xa0783366, 0xcfa3, 0x43be, {0x9d, 0x79, 0x55, 0xb2, 0xda, 0x97, 0xc6, 0x3c}};

#define METHOD(name) "IDXCoreAdapter::" name

static const struct dxcore_info *info_of(void *self)
{
    return &((struct dxcore_adapter *)self)->info;
}

/* ---- attributes */

static const struct {
    GUID guid;
    uint32_t attribute;
} attributes[] = {
    /* D3D12_GRAPHICS, D3D12_CORE_COMPUTE, HARDWARE_TYPE GPU and COMPUTE_ACCELERATOR */
    {{0x0c9ece4d, 0x2f6e, 0x4f01, {0x8c, 0x96, 0xe8, 0x9e, 0x33, 0x1b, 0x47, 0xb1}},
     DXCORE_HAS_GRAPHICS},
    {{0x248e2800, 0xa793, 0x4724, {0xab, 0xaa, 0x23, 0xa6, 0xde, 0x1b, 0xe0, 0x90}},
     DXCORE_HAS_CORE_COMPUTE},
    {{0xb69eb219, 0x3ded, 0x4464, {0x97, 0x9f, 0xa0, 0x0b, 0xd4, 0x68, 0x70, 0x06}}, DXCORE_IS_GPU},
    {{0xe0b195da, 0x58ef, 0x4a22, {0x90, 0xf1, 0x1f, 0x28, 0x16, 0x9c, 0xab, 0x8d}},
     DXCORE_IS_ACCELERATOR},
};

uint32_t dxcore_attribute(const GUID *guid)
{
    for (size_t i = 0; i < sizeof(attributes) / sizeof(attributes[0]); i++)
        if (memcmp(guid, &attributes[i].guid, sizeof(*guid)) == 0)
            return attributes[i].attribute;
    return 0;
}

static bool is_attribute_supported(void *self, const GUID *guid)
{
    return guid && (info_of(self)->attributes & dxcore_attribute(guid)) != 0;
}

/* ---- properties */

#define MEMBER(member)                                                                             \
    {                                                                                              \
        offsetof(struct dxcore_info, member), sizeof(((struct dxcore_info *)NULL)->member)         \
    }

/* Size 0: asked with input, or of a size of its own. */
static const struct {
    size_t offset, size;
} properties[DXCORE_PROPERTY_COUNT] = {
    [DXCORE_INSTANCE_LUID] = MEMBER(luid),
    [DXCORE_DRIVER_VERSION] = MEMBER(driver_version),
    [DXCORE_HARDWARE_ID] = MEMBER(hardware_id),
    [DXCORE_KMD_MODEL_VERSION] = MEMBER(model_version),
    [DXCORE_COMPUTE_PREEMPTION_GRANULARITY] = MEMBER(compute_preemption),
    [DXCORE_GRAPHICS_PREEMPTION_GRANULARITY] = MEMBER(graphics_preemption),
    [DXCORE_DEDICATED_ADAPTER_MEMORY] = MEMBER(dedicated_memory),
    [DXCORE_DEDICATED_SYSTEM_MEMORY] = MEMBER(dedicated_system_memory),
    [DXCORE_SHARED_SYSTEM_MEMORY] = MEMBER(shared_system_memory),
    [DXCORE_ACG_COMPATIBLE] = MEMBER(acg_compatible),
    [DXCORE_IS_HARDWARE] = MEMBER(is_hardware),
    [DXCORE_IS_INTEGRATED] = MEMBER(is_integrated),
    [DXCORE_IS_DETACHABLE] = MEMBER(is_detachable),
    [DXCORE_HARDWARE_ID_PARTS] = MEMBER(hardware_id_parts),
    [DXCORE_PHYSICAL_ADAPTER_COUNT] = MEMBER(physical_adapters),
};

static bool is_property_supported(void *self, uint32_t property)
{
    return property < DXCORE_PROPERTY_COUNT && (info_of(self)->properties >> property & 1);
}

/* Where a property lies and how large it is; NULL: *result says why it cannot be had. */
static const void *find_property(void *self, const char *method, uint32_t property, size_t *size,
                                 dxcore_result *result)
{
    const struct dxcore_info *info = info_of(self);

    *size = 0;
    *result = DXCORE_OK;
    if (property >= DXCORE_PROPERTY_COUNT)
        *result = dxcore_refuse(method, DXCORE_INVALID_CALL, "there is no property of this number");
    else if (!is_property_supported(self, property))
        *result = dxcore_refuse(method, DXCORE_UNSUPPORTED,
                                "the adapter does not answer the query behind this property");
    else if (property == DXCORE_DRIVER_DESCRIPTION)
        *size = info->description_size;
    else if (properties[property].size == 0)
        *result = dxcore_refuse(method, DXCORE_INVALID_ARG,
                                "this property is asked with GetPropertyWithInput");
    else
        *size = properties[property].size;
    if (*result != DXCORE_OK)
        return NULL;
    return property == DXCORE_DRIVER_DESCRIPTION ? info->description
                                                 : (const char *)info + properties[property].offset;
}

/* A buffer may be larger than the property: existing clients use ones of fixed sizes. */
static dxcore_result get_property(void *self, uint32_t property, size_t size, void *data)
{
    static const char method[] = METHOD("GetProperty");
    dxcore_result result;
    size_t needed;

    if (!data)
        return dxcore_refuse(method, DXCORE_POINTER, "propertyData is NULL");
    const void *value = find_property(self, method, property, &needed, &result);
    if (!value)
        return result;
    if (size < needed)
        return dxcore_refuse(method, DXCORE_INVALID_ARG,
                             "bufferSize is below the property's size (GetPropertySize)");
    memcpy(data, value, needed);
    return DXCORE_OK;
}

static dxcore_result get_property_size(void *self, uint32_t property, size_t *size)
{
    static const char method[] = METHOD("GetPropertySize");
    dxcore_result result;

    if (!size)
        return dxcore_refuse(method, DXCORE_POINTER, "bufferSize is NULL");
    if (property == DXCORE_ADAPTER_ENGINE_COUNT || property == DXCORE_ADAPTER_ENGINE_NAME) {
        *size = sizeof(uint32_t);
        return DXCORE_OK;
    }
    (void)find_property(self, method, property, size, &result);
    return result;
}

/* ---- questions to the adapter of today */

static NTSTATUS open_adapter(void *self, D3DKMT_HANDLE *adapter)
{
    D3DKMT_OPENADAPTERFROMLUID open;

    memset(&open, 0, sizeof(open));
    open.AdapterLuid = info_of(self)->luid;
    NTSTATUS status = D3DKMTOpenAdapterFromLuid(&open);
    *adapter = open.hAdapter;
    return status;
}

static void close_adapter(D3DKMT_HANDLE adapter)
{
    const D3DKMT_CLOSEADAPTER close = {adapter};

    (void)D3DKMTCloseAdapter(&close);
}

static bool is_valid(void *self)
{
    D3DKMT_HANDLE adapter;

    if (!NT_SUCCESS(open_adapter(self, &adapter)))
        return false;
    close_adapter(adapter);
    return true;
}

/* A question whose answer may change, or needs input. Both sizes have been checked. */
struct question {
    size_t input_size, output_size;
    dxcore_result (*ask)(D3DKMT_HANDLE adapter, const void *input, void *output);
};

static dxcore_result ask(void *self, const char *method, const struct question *question,
                         size_t input_size, const void *input, size_t output_size, void *output)
{
    D3DKMT_HANDLE adapter;

    if (!output || (!input && question->input_size))
        return dxcore_refuse(method, DXCORE_POINTER,
                             "the output, or input that is needed, is NULL");
    if (input_size < question->input_size || output_size < question->output_size)
        return dxcore_refuse(method, DXCORE_INVALID_ARG,
                             "the size of the input or of the output is too small");
    if (!NT_SUCCESS(open_adapter(self, &adapter)))
        return dxcore_refuse(method, DXCORE_DEVICE_REMOVED,
                             "the adapter is gone: make a new list of adapters");
    dxcore_result result = question->ask(adapter, input, output);
    close_adapter(adapter);
    return result;
}

static dxcore_result ask_engine_count(D3DKMT_HANDLE adapter, const void *input, void *output)
{
    uint32_t physical_adapter, count;

    memcpy(&physical_adapter, input, sizeof(physical_adapter));
    count = physical_adapter <= UINT16_MAX ? dxcore_count_engines(adapter, physical_adapter) : 0;
    if (count == 0)
        return dxcore_refuse(METHOD("GetPropertyWithInput"), DXCORE_INVALID_ARG,
                             "there is no physical adapter of this index");
    memcpy(output, &count, sizeof(count));
    return DXCORE_OK;
}

/* The driver names engines of its own kinds; the others are called what they are. name holds
 * DXGK_MAX_METADATA_NAME_LENGTH units. */
static void name_engine(const DXGK_NODEMETADATA *data, wchar_t *name)
{
    static const wchar_t *const names[] = {
        [DXGK_ENGINE_TYPE_OTHER] = L"Other",
        [DXGK_ENGINE_TYPE_3D] = L"3D",
        [DXGK_ENGINE_TYPE_VIDEO_DECODE] = L"Video Decode",
        [DXGK_ENGINE_TYPE_VIDEO_ENCODE] = L"Video Encode",
        [DXGK_ENGINE_TYPE_VIDEO_PROCESSING] = L"Video Processing",
        [DXGK_ENGINE_TYPE_SCENE_ASSEMBLY] = L"Scene Assembly",
        [DXGK_ENGINE_TYPE_COPY] = L"Copy",
        [DXGK_ENGINE_TYPE_OVERLAY] = L"Overlay",
        [DXGK_ENGINE_TYPE_CRYPTO] = L"Crypto",
    };
    size_t type = (size_t)data->EngineType;

    memcpy(name, data->FriendlyName, sizeof(data->FriendlyName));
    name[DXGK_MAX_METADATA_NAME_LENGTH - 1] = L'\0';
    if (!name[0] && type < sizeof(names) / sizeof(names[0]))
        wcscpy(name, names[type]);
}

static dxcore_result ask_engine_name(D3DKMT_HANDLE adapter, const void *input, void *output)
{
    static const char method[] = METHOD("GetPropertyWithInput");
    struct dxcore_engine_name wanted;
    DXGK_NODEMETADATA data;

    memcpy(&wanted, input, sizeof(wanted));
    if (wanted.engine > UINT16_MAX || wanted.physical_adapter > UINT16_MAX ||
        !NT_SUCCESS(dxcore_query_engine(adapter, wanted.physical_adapter, wanted.engine, &data)))
        return dxcore_refuse(method, DXCORE_INVALID_ARG, "there is no engine of this index");
    wchar_t name[DXGK_MAX_METADATA_NAME_LENGTH];
    name_engine(&data, name);
    uint32_t length = (uint32_t)wcslen(name) + 1;
    if (wanted.name && wanted.length) {
        uint32_t copied = length < wanted.length ? length : wanted.length;
        wmemcpy(wanted.name, name, copied);
        wanted.name[copied - 1] = L'\0';
    }
    memcpy(output, &length, sizeof(length));
    return DXCORE_OK;
}

static dxcore_result get_property_with_input(void *self, uint32_t property, size_t input_size,
                                             const void *input, size_t output_size, void *output)
{
    static const char method[] = METHOD("GetPropertyWithInput");
    static const struct question count = {sizeof(uint32_t), sizeof(uint32_t), ask_engine_count};
    static const struct question name = {sizeof(struct dxcore_engine_name), sizeof(uint32_t),
                                         ask_engine_name};

    if (property == DXCORE_ADAPTER_ENGINE_COUNT)
        return ask(self, method, &count, input_size, input, output_size, output);
    if (property == DXCORE_ADAPTER_ENGINE_NAME)
        return ask(self, method, &name, input_size, input, output_size, output);
    return get_property(self, property, output_size, output);
}

/* ---- states */

static dxcore_result ask_driver_update(D3DKMT_HANDLE adapter, const void *input, void *output)
{
    BOOL replaced = FALSE;
    NTSTATUS status =
        dxcore_query(adapter, KMTQAITYPE_CHECKDRIVERUPDATESTATUS, &replaced, sizeof(replaced));

    (void)input;
    if (!NT_SUCCESS(status))
        return dxcore_result_of(status);
    *(bool *)output = replaced != FALSE;
    return DXCORE_OK;
}

static dxcore_result ask_budget(D3DKMT_HANDLE adapter, const void *input, void *output)
{
    struct dxcore_budget_input wanted;
    D3DKMT_QUERYVIDEOMEMORYINFO query;

    memcpy(&wanted, input, sizeof(wanted));
    memset(&query, 0, sizeof(query));
    query.hAdapter = adapter;
    query.PhysicalAdapterIndex = wanted.node;
    query.MemorySegmentGroup = (D3DKMT_MEMORY_SEGMENT_GROUP)wanted.group;
    NTSTATUS status = D3DKMTQueryVideoMemoryInfo(&query);
    if (!NT_SUCCESS(status))
        return dxcore_result_of(status);
    const struct dxcore_budget budget = {
        .budget = query.Budget,
        .usage = query.CurrentUsage,
        .available_for_reservation = query.AvailableForReservation,
        .reservation = query.CurrentReservation,
    };
    memcpy(output, &budget, sizeof(budget));
    return DXCORE_OK;
}

static bool is_query_state_supported(void *self, uint32_t state)
{
    return state < DXCORE_STATE_COUNT && (info_of(self)->states >> state & 1);
}

static dxcore_result query_state(void *self, uint32_t state, size_t input_size, const void *input,
                                 size_t output_size, void *output)
{
    static const char method[] = METHOD("QueryState");
    static const struct question states[DXCORE_STATE_COUNT] = {
        [DXCORE_IS_DRIVER_UPDATE_IN_PROGRESS] = {0, sizeof(bool), ask_driver_update},
        [DXCORE_ADAPTER_MEMORY_BUDGET] = {sizeof(struct dxcore_budget_input),
                                          sizeof(struct dxcore_budget), ask_budget},
    };

    if (state > DXCORE_STATE_LAST_KNOWN)
        return dxcore_refuse(method, DXCORE_INVALID_CALL, "there is no state of this number");
    if (!is_query_state_supported(self, state))
        return dxcore_refuse(method, DXCORE_UNSUPPORTED,
                             "the adapter does not answer the query behind this state");
    return ask(self, method, &states[state], input_size, input, output_size, output);
}

static bool is_set_state_supported(void *self, uint32_t state)
{
    (void)self;
    (void)state;
    return false;
}

static dxcore_result set_state(void *self, uint32_t state, size_t input_size, const void *input,
                               size_t data_size, const void *data)
{
    (void)self;
    (void)input_size;
    (void)input;
    (void)data_size;
    (void)data;
    return dxcore_refuse(METHOD("SetState"),
                         state > DXCORE_STATE_LAST_KNOWN ? DXCORE_INVALID_CALL : DXCORE_UNSUPPORTED,
                         "no state of an adapter can be set");
}

static dxcore_result get_factory(void *self, const GUID *iid, void **factory)
{
    (void)self;
    return dxcore_factory_get(METHOD("GetFactory"), iid, factory);
}

/* ---- life */

static const struct dxcore_adapter_methods methods = {
    .QueryInterface = dxcore_object_query,
    .AddRef = dxcore_object_add_reference,
    .Release = dxcore_object_release,
    .IsValid = is_valid,
    .IsAttributeSupported = is_attribute_supported,
    .IsPropertySupported = is_property_supported,
    .GetProperty = get_property,
    .GetPropertySize = get_property_size,
    .IsQueryStateSupported = is_query_state_supported,
    .QueryState = query_state,
    .IsSetStateSupported = is_set_state_supported,
    .SetState = set_state,
    .GetFactory = get_factory,
    .GetPropertyWithInput = get_property_with_input,
};

static void destroy(void *self)
{
    struct dxcore_adapter *adapter = self;

    dxcore_info_free(&adapter->info);
    free(adapter);
}

NTSTATUS dxcore_adapter_create(D3DKMT_HANDLE handle, LUID luid, struct dxcore_adapter **created)
{
    struct dxcore_adapter *adapter = calloc(1, sizeof(*adapter));

    if (!adapter)
        return STATUS_NO_MEMORY;
    NTSTATUS status = dxcore_info_read(handle, luid, &adapter->info);
    if (!NT_SUCCESS(status)) {
        free(adapter);
        return status;
    }
    adapter->object.methods = &methods;
    adapter->object.interfaces[0] = &iid_adapter;
    adapter->object.interfaces[1] = &iid_adapter1;
    adapter->object.destroy = destroy;
    atomic_init(&adapter->object.references, 1);
    *created = adapter;
    return STATUS_SUCCESS;
}
