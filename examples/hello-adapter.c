/* SPDX-License-Identifier: MIT */
/* Lists the adapters with their names and local video memory. */
#include <d3dkmt/d3dkmt.h>

#include <stdio.h>
#include <string.h>

static void print_adapter(const D3DKMT_ADAPTERINFO *adapter)
{
    static D3DKMT_DRIVER_DESCRIPTION description;
    D3DKMT_QUERYADAPTERINFO query;
    D3DKMT_QUERYVIDEOMEMORYINFO memory;

    memset(&query, 0, sizeof(query));
    query.hAdapter = adapter->hAdapter;
    query.Type = KMTQAITYPE_DRIVER_DESCRIPTION;
    query.pPrivateDriverData = &description;
    query.PrivateDriverDataSize = sizeof(description);
    if (!NT_SUCCESS(D3DKMTQueryAdapterInfo(&query)))
        fprintf(stderr, "%s\n", d3dkmt_last_error());

    memset(&memory, 0, sizeof(memory));
    memory.hAdapter = adapter->hAdapter;
    memory.MemorySegmentGroup = D3DKMT_MEMORY_SEGMENT_GROUP_LOCAL;
    if (!NT_SUCCESS(D3DKMTQueryVideoMemoryInfo(&memory)))
        fprintf(stderr, "%s\n", d3dkmt_last_error());

    printf("%08x:%08x  %ls, %llu MiB of video memory may be used\n",
           (unsigned)adapter->AdapterLuid.HighPart, (unsigned)adapter->AdapterLuid.LowPart,
           description.DriverDescription, (unsigned long long)memory.Budget >> 20);
}

int main(void)
{
    D3DKMT_ADAPTERINFO adapters[16];
    D3DKMT_ENUMADAPTERS2 list;

    memset(&list, 0, sizeof(list));
    list.NumAdapters = 16;
    list.pAdapters = adapters;
    if (!NT_SUCCESS(D3DKMTEnumAdapters2(&list))) {
        fprintf(stderr, "%s\n", d3dkmt_last_error());
        return 1;
    }
    for (ULONG i = 0; i < list.NumAdapters; i++) {
        D3DKMT_CLOSEADAPTER close = {adapters[i].hAdapter};

        print_adapter(&adapters[i]);
        D3DKMTCloseAdapter(&close);
    }
    return 0;
}
