/* SPDX-License-Identifier: MIT */
/* What only a profile shows: answers as bytes, registry values, features. */
#include "info.h"

#include "backend-loopback/profile/names.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { VALUE_MAX = 131072 };

static json_t *hex_text(const unsigned char *bytes, size_t size)
{
    char *text = malloc(2 * size + 1);
    json_t *result;

    if (!text)
        return NULL;
    for (size_t i = 0; i < size; i++)
        snprintf(text + 2 * i, 3, "%02x", bytes[i]);
    result = json_stringn(text, 2 * size);
    free(text);
    return result;
}

/* ---- queries */

/* The driver alone knows how much it answers: it gets more room than it can need, or the most that
 * it takes, and zeros at the end are not kept. */
static json_t *collect_private(D3DKMT_HANDLE adapter)
{
    unsigned char *bytes = calloc(1, PROFILE_PRIVATE_MAX);
    size_t size = bytes ? PROFILE_PRIVATE_MAX : 0;
    json_t *text = NULL;

    while (size > 0 && !info_query(adapter, KMTQAITYPE_UMDRIVERPRIVATE, bytes, size))
        size /= 2;
    while (size > 0 && bytes[size - 1] == 0)
        size--;
    if (size > 0)
        text = hex_text(bytes, size);
    free(bytes);
    return text;
}

json_t *info_collect_queries(D3DKMT_HANDLE adapter)
{
    static const struct {
        const char *name;
        KMTQUERYADAPTERINFOTYPE type;
        size_t size;
    } queries[] = {
#define ROW(name, size) {#name, KMTQAITYPE_##name, size},
        PROFILE_QUERIES(ROW)
#undef ROW
    };
    json_t *object = json_object(), *private_data = collect_private(adapter);

    if (private_data)
        json_object_set_new(object, "UMDRIVERPRIVATE", private_data);
    for (size_t i = 0; i < sizeof(queries) / sizeof(queries[0]); i++) {
        unsigned char bytes[64] = {0};

        if (queries[i].size <= sizeof(bytes) &&
            info_query(adapter, queries[i].type, bytes, queries[i].size))
            json_object_set_new(object, queries[i].name, hex_text(bytes, queries[i].size));
    }
    return object;
}

/* ---- registry */

/* Two steps, as every client does it: the size first, then the value. NULL when there is none; free
 * it. */
static D3DDDI_QUERYREGISTRY_INFO *query_value(D3DKMT_HANDLE adapter,
                                              const D3DDDI_QUERYREGISTRY_INFO *question)
{
    D3DDDI_QUERYREGISTRY_INFO head = *question;

    if (!info_query(adapter, KMTQAITYPE_QUERYREGISTRY, &head, sizeof(head)) ||
        head.Status == D3DDDI_QUERYREGISTRY_STATUS_FAIL || head.OutputValueSize > VALUE_MAX)
        return NULL;
    size_t size = sizeof(head) + head.OutputValueSize;
    D3DDDI_QUERYREGISTRY_INFO *whole = calloc(1, size);
    if (!whole)
        return NULL;
    *whole = *question;
    if (info_query(adapter, KMTQAITYPE_QUERYREGISTRY, whole, size) &&
        whole->Status == D3DDDI_QUERYREGISTRY_STATUS_SUCCESS &&
        whole->OutputValueSize <= head.OutputValueSize)
        return whole;
    free(whole);
    return NULL;
}

json_t *info_driver_path(D3DKMT_HANDLE adapter, D3DDDI_QUERYREGISTRY_TYPE type)
{
    D3DDDI_QUERYREGISTRY_INFO question;

    memset(&question, 0, sizeof(question));
    question.QueryType = type;
    D3DDDI_QUERYREGISTRY_INFO *value = query_value(adapter, &question);
    json_t *path = value ? info_text(value->OutputString) : NULL;
    free(value);
    return path;
}

static json_t *value_text(const D3DDDI_QUERYREGISTRY_INFO *value, const char *type)
{
    const unsigned char *bytes = value->OutputBinary;
    uint64_t number = 0;

    if (strcmp(type, "REG_SZ") == 0)
        return info_text(value->OutputString);
    if (strcmp(type, "REG_BINARY") == 0)
        return hex_text(bytes, value->OutputValueSize);
    memcpy(&number, bytes, value->OutputValueSize < 8 ? value->OutputValueSize : 8);
    return info_format("0x%0*llx", strcmp(type, "REG_QWORD") == 0 ? 16 : 8,
                       (unsigned long long)number);
}

/* What drivers of all vendors, or Windows for them, write and clients may look at. */
static const struct {
    const char *key, *name, *type;
    D3DDDI_QUERYREGISTRY_TYPE key_number;
    unsigned type_number;
} known_values[] = {
    {"adapter", "DriverDesc", "REG_SZ", D3DDDI_QUERYREGISTRY_ADAPTERKEY, 1},
    {"adapter", "DriverVersion", "REG_SZ", D3DDDI_QUERYREGISTRY_ADAPTERKEY, 1},
    {"adapter", "DriverDate", "REG_SZ", D3DDDI_QUERYREGISTRY_ADAPTERKEY, 1},
    {"adapter", "ProviderName", "REG_SZ", D3DDDI_QUERYREGISTRY_ADAPTERKEY, 1},
    {"adapter", "MatchingDeviceId", "REG_SZ", D3DDDI_QUERYREGISTRY_ADAPTERKEY, 1},
    {"adapter", "HardwareInformation.MemorySize", "REG_DWORD", D3DDDI_QUERYREGISTRY_ADAPTERKEY, 4},
    {"adapter", "HardwareInformation.qwMemorySize", "REG_QWORD", D3DDDI_QUERYREGISTRY_ADAPTERKEY,
     11},
    {"adapter", "HardwareInformation.MemorySize", "REG_BINARY", D3DDDI_QUERYREGISTRY_ADAPTERKEY, 3},
    {"service", "ImagePath", "REG_SZ", D3DDDI_QUERYREGISTRY_SERVICEKEY, 1},
};

json_t *info_collect_registry(D3DKMT_HANDLE adapter)
{
    json_t *list = json_array();

    for (size_t i = 0; i < sizeof(known_values) / sizeof(known_values[0]); i++) {
        D3DDDI_QUERYREGISTRY_INFO question;

        memset(&question, 0, sizeof(question));
        question.QueryType = known_values[i].key_number;
        question.ValueType = known_values[i].type_number;
        for (size_t c = 0; known_values[i].name[c]; c++)
            question.ValueName[c] = (WCHAR)known_values[i].name[c];
        D3DDDI_QUERYREGISTRY_INFO *value = query_value(adapter, &question);
        if (!value)
            continue;
        json_t *object = json_object();
        json_object_set_new(object, "key", json_string(known_values[i].key));
        json_object_set_new(object, "name", json_string(known_values[i].name));
        json_object_set_new(object, "type", json_string(known_values[i].type));
        json_object_set_new(object, "value", value_text(value, known_values[i].type));
        json_array_append_new(list, object);
        free(value);
    }
    return list;
}

/* ---- features */

json_t *info_collect_features(D3DKMT_HANDLE adapter)
{
    static const unsigned beyond[] = {DXGK_FEATURE_QUERYSTATISTICS_EXTENSIONS};
    enum { NUMBERED = 64 };
    json_t *list = json_array();

    for (unsigned i = 0; i < NUMBERED + sizeof(beyond) / sizeof(beyond[0]); i++) {
        D3DKMT_ISFEATUREENABLED query;

        memset(&query, 0, sizeof(query));
        query.hAdapter = adapter;
        query.FeatureId = (DXGK_FEATURE_ID)(i < NUMBERED ? i : beyond[i - NUMBERED]);
        if (!NT_SUCCESS(D3DKMTIsFeatureEnabled(&query)))
            continue;
        json_t *object = json_object();
        json_object_set_new(object, "id", json_integer(query.FeatureId));
        json_object_set_new(object, "version", json_integer(query.Result.Version));
#define BIT(name, bit) json_object_set_new(object, #name, json_boolean(query.Result.bit));
        PROFILE_FEATURE_BITS(BIT)
#undef BIT
        json_array_append_new(list, object);
    }
    return list;
}
