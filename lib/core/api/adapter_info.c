/* SPDX-License-Identifier: MIT */
/* D3DKMTQueryAdapterInfo: converts the text in what is asked and answered. */
#include "core/api/text_layout.h"
#include "core/dispatch.h"
#include "core/last_error.h"
#include "core/memory.h"
#include "core/unicode.h"
#include "core/utf16_layouts.h"

#include <stdlib.h>
#include <string.h>

/* Largest payload that dxgkrnl takes; larger ones are left to the backend to refuse. */
enum { PAYLOAD_MAX = 131072 };

static NTSTATUS refuse_size(const D3DKMT_QUERYADAPTERINFO *args, size_t size, const char *how)
{
    d3dkmti_fail(STATUS_INVALID_PARAMETER,
                 "PrivateDriverDataSize is %u, query type %d needs %s%zu bytes (text has 4-byte "
                 "characters)",
                 args->PrivateDriverDataSize, (int)args->Type, how, size);
    return dispatch_refuse(D3DKMT_OP_QueryAdapterInfo, STATUS_INVALID_PARAMETER);
}

static NTSTATUS refuse_memory(void)
{
    d3dkmti_fail(STATUS_NO_MEMORY, "no memory to convert the text");
    return dispatch_refuse(D3DKMT_OP_QueryAdapterInfo, STATUS_NO_MEMORY);
}

/* Hands the query on with another payload. */
static NTSTATUS query(const D3DKMT_QUERYADAPTERINFO *args, void *payload, size_t size)
{
    D3DKMT_QUERYADAPTERINFO narrow = *args;

    narrow.pPrivateDriverData = payload;
    narrow.PrivateDriverDataSize = (UINT)size;
    return dispatch(D3DKMT_OP_QueryAdapterInfo, &narrow);
}

/* ---- texts at fixed places */

static NTSTATUS query_fixed(const D3DKMT_QUERYADAPTERINFO *args, const struct text_layout *layout)
{
    unsigned char narrow[sizeof(D3DKMT_DRIVER_DESCRIPTION_UTF16)];
    size_t size = text_layout_wide_size(layout);

    if (args->PrivateDriverDataSize != size)
        return refuse_size(args, size, "");
    text_layout_narrow(layout, args->pPrivateDriverData, narrow);
    NTSTATUS status = query(args, narrow, text_layout_narrow_size(layout));
    if (NT_SUCCESS(status))
        text_layout_widen(layout, narrow, args->pPrivateDriverData);
    return status;
}

/* ---- registry values */

#define REGISTRY_WIDE_HEAD   offsetof(D3DDDI_QUERYREGISTRY_INFO, OutputString)
#define REGISTRY_NARROW_HEAD offsetof(D3DDDI_QUERYREGISTRY_INFO_UTF16, OutputString)

/* Types of registry values: REG_SZ, REG_EXPAND_SZ, REG_MULTI_SZ. */
static bool value_is_text(const D3DDDI_QUERYREGISTRY_INFO *info)
{
    bool is_path = info->QueryType == D3DDDI_QUERYREGISTRY_DRIVERSTOREPATH ||
                   info->QueryType == D3DDDI_QUERYREGISTRY_DRIVERIMAGEPATH;

    return is_path || info->ValueType == 1 || info->ValueType == 2 || info->ValueType == 7;
}

static void narrow_registry(const D3DDDI_QUERYREGISTRY_INFO *wide,
                            D3DDDI_QUERYREGISTRY_INFO_UTF16 *narrow)
{
    narrow->QueryType = wide->QueryType;
    narrow->QueryFlags = wide->QueryFlags;
    unicode_narrow(wide->ValueName, MAX_PATH, (uint16_t *)narrow->ValueName, MAX_PATH);
    narrow->ValueType = wide->ValueType;
    narrow->PhysicalAdapterIndex = wide->PhysicalAdapterIndex;
    narrow->OutputValueSize = wide->OutputValueSize;
}

/* A value of several texts has terminators inside: each part is converted for itself. */
static void widen_parts(const uint16_t *from, size_t from_units, wchar_t *to, size_t to_units)
{
    size_t read = 0, written = 0;

    while (read < from_units && written < to_units) {
        size_t length = 0;

        while (read + length < from_units && from[read + length] != 0)
            length++;
        written += unicode_widen(from + read, length, to + written, to_units - written) + 1;
        read += length + 1;
    }
}

static void widen_registry(const D3DDDI_QUERYREGISTRY_INFO_UTF16 *narrow, size_t narrow_size,
                           D3DDDI_QUERYREGISTRY_INFO *wide, size_t wide_size)
{
    const unsigned char *value = (const unsigned char *)narrow + REGISTRY_NARROW_HEAD;
    size_t room = narrow_size - REGISTRY_NARROW_HEAD;
    size_t used = narrow->OutputValueSize < room ? narrow->OutputValueSize : room;
    bool text = value_is_text(wide);

    wide->ValueType = narrow->ValueType;
    wide->Status = narrow->Status;
    wide->OutputValueSize = text ? narrow->OutputValueSize * 2 : narrow->OutputValueSize;
    if (narrow->Status != D3DDDI_QUERYREGISTRY_STATUS_SUCCESS)
        return;
    if (text) {
        size_t units = (wide_size - REGISTRY_WIDE_HEAD) / sizeof(wchar_t);

        widen_parts((const uint16_t *)(const void *)value, used / sizeof(uint16_t),
                    wide->OutputString, units);
        text_path_to_linux(wide->OutputString, units);
    } else {
        memcpy((unsigned char *)wide + REGISTRY_WIDE_HEAD, value, used);
    }
}

static NTSTATUS query_registry(const D3DKMT_QUERYADAPTERINFO *args)
{
    size_t wide_size = args->PrivateDriverDataSize;
    D3DDDI_QUERYREGISTRY_INFO *wide = args->pPrivateDriverData;

    if (wide_size < sizeof(*wide))
        return refuse_size(args, sizeof(*wide), "at least ");
    size_t tail = wide_size - sizeof(*wide);
    size_t narrow_size =
        sizeof(D3DDDI_QUERYREGISTRY_INFO_UTF16) + (value_is_text(wide) ? tail / 2 : tail);
    D3DDDI_QUERYREGISTRY_INFO_UTF16 *narrow = d3dkmti_calloc(1, narrow_size);
    if (!narrow)
        return refuse_memory();
    narrow_registry(wide, narrow);
    NTSTATUS status = query(args, narrow, narrow_size);
    if (NT_SUCCESS(status))
        widen_registry(narrow, narrow_size, wide, wide_size);
    free(narrow);
    return status;
}

/* ---- block lists */

#define BLOCKLIST_HEAD offsetof(D3DKMT_BLOCKLIST_INFO, BlockList)

static NTSTATUS query_block_list(const D3DKMT_QUERYADAPTERINFO *args)
{
    D3DKMT_BLOCKLIST_INFO *wide = args->pPrivateDriverData;

    if (args->PrivateDriverDataSize < sizeof(*wide))
        return refuse_size(args, sizeof(*wide), "at least ");
    size_t units = (args->PrivateDriverDataSize - BLOCKLIST_HEAD) / sizeof(wchar_t);
    size_t narrow_size = BLOCKLIST_HEAD + units * sizeof(uint16_t);
    D3DKMT_BLOCKLIST_INFO_UTF16 *narrow = d3dkmti_calloc(1, narrow_size);
    if (!narrow)
        return refuse_memory();
    narrow->Size = (UINT)narrow_size;
    NTSTATUS status = query(args, narrow, narrow_size);
    if (NT_SUCCESS(status)) {
        widen_parts(
            (const uint16_t *)(const void *)((const unsigned char *)narrow + BLOCKLIST_HEAD), units,
            wide->BlockList, units);
        wide->Size = narrow->Size > BLOCKLIST_HEAD
                         ? (UINT)(BLOCKLIST_HEAD + (narrow->Size - BLOCKLIST_HEAD) * 2)
                         : narrow->Size;
    }
    free(narrow);
    return status;
}

D3DKMT_API NTSTATUS APIENTRY D3DKMTQueryAdapterInfo(const D3DKMT_QUERYADAPTERINFO *args)
{
    /* Without a payload of sensible size there is nothing to convert: the backend refuses it. */
    if (!args || !args->pPrivateDriverData || args->PrivateDriverDataSize == 0 ||
        args->PrivateDriverDataSize > PAYLOAD_MAX)
        return dispatch(D3DKMT_OP_QueryAdapterInfo, (void *)args);
    const struct text_layout *layout = text_layout_find(args->Type);
    if (layout)
        return query_fixed(args, layout);
    if (args->Type == KMTQAITYPE_QUERYREGISTRY)
        return query_registry(args);
    if (args->Type == KMTQAITYPE_BLOCKLIST_KERNEL || args->Type == KMTQAITYPE_BLOCKLIST_RUNTIME)
        return query_block_list(args);
    return dispatch(D3DKMT_OP_QueryAdapterInfo, (void *)args);
}
