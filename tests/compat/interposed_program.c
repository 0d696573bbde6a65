/* SPDX-License-Identifier: MIT */
/* A client of the backend dxg: everything that it does goes by the tracer. */
#include "interposer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int main(void)
{
    struct interposer_counts counts = interposer_counts();
    D3DKMT_CREATEDEVICE create;
    D3DKMT_ENUMADAPTERS2 list;
    D3DKMT_ADAPTERINFO adapter;

    memset(&list, 0, sizeof(list));
    list.NumAdapters = 1;
    list.pAdapters = &adapter;
    memset(&create, 0, sizeof(create));
    NTSTATUS status = d3dkmt_open("dxg");
    if (NT_SUCCESS(status))
        status = D3DKMTEnumAdapters2(&list);
    create.hAdapter = adapter.hAdapter;
    if (NT_SUCCESS(status))
        status = D3DKMTCreateDevice(&create);
    if (!NT_SUCCESS(status)) {
        fprintf(stderr, "%s\n", d3dkmt_last_error());
        return 1;
    }
    const D3DKMT_DESTROYDEVICE destroy = {create.hDevice};
    D3DKMTDestroyDevice(&destroy);
    struct interposer_counts now = interposer_counts();
    printf("seen: %u opens, %u requests, %u devices\n", now.opens - counts.opens,
           now.ioctls - counts.ioctls, now.devices - counts.devices);
    return now.opens == counts.opens || now.ioctls < counts.ioctls + 3 || now.devices != 1;
}
