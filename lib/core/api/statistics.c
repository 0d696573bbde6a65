/* SPDX-License-Identifier: MIT */
/* D3DKMTQueryStatistics: one of its results has text. */
#include "core/dispatch.h"
#include "core/unicode.h"
#include "core/utf16_layouts.h"

#include <string.h>

/* The host fills the result with 2-byte characters; from the version's text on places differ. */
static void widen_physical_adapter(D3DKMT_QUERYSTATISTICS_RESULT *result)
{
    D3DKMT_QUERYSTATISTICS_PHYSICAL_ADAPTER_INFORMATION_UTF16 narrow;
    D3DKMT_GPUVERSION *wide = &result->PhysAdapterInformation.GpuVersion;

    memcpy(&narrow, &result->PhysAdapterInformation, sizeof(narrow));
    wide->PhysicalAdapterIndex = narrow.GpuVersion.PhysicalAdapterIndex;
    unicode_widen((const uint16_t *)narrow.GpuVersion.BiosVersion,
                  sizeof(narrow.GpuVersion.BiosVersion) / sizeof(uint16_t), wide->BiosVersion,
                  sizeof(wide->BiosVersion) / sizeof(wchar_t));
    unicode_widen((const uint16_t *)narrow.GpuVersion.GpuArchitecture,
                  sizeof(narrow.GpuVersion.GpuArchitecture) / sizeof(uint16_t),
                  wide->GpuArchitecture, sizeof(wide->GpuArchitecture) / sizeof(wchar_t));
}

D3DKMT_API NTSTATUS APIENTRY D3DKMTQueryStatistics(const D3DKMT_QUERYSTATISTICS *args)
{
    /* Declared const for a reason unknown; the result is written into the struct. */
    D3DKMT_QUERYSTATISTICS *writable = (D3DKMT_QUERYSTATISTICS *)args;
    NTSTATUS status = dispatch(D3DKMT_OP_QueryStatistics, writable);

    if (NT_SUCCESS(status) && args->Type == D3DKMT_QUERYSTATISTICS_PHYSICAL_ADAPTER)
        widen_physical_adapter(&writable->QueryResult);
    return status;
}
