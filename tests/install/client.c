/* SPDX-License-Identifier: MIT */
/* A client of an installed libd3dkmt: opens a device of the simulated host. */
#include <d3dkmthk.h>

#include <d3dkmt/backend.h>
#include <d3dkmt/d3dkmt.h>
#include <d3dkmt/d3dkmthk.h>
#include <d3dkmt/kmd.h>
#include <d3dkmt/loopback.h>
#include <d3dkmt/softgpu.h>

#include <stdio.h>
#include <string.h>

static int fail(const char *what)
{
    fprintf(stderr, "%s: %s\n", what, d3dkmt_last_error());
    return 1;
}

int main(void)
{
    D3DKMT_ADAPTERINFO adapter;
    D3DKMT_ENUMADAPTERS2 list;
    D3DKMT_CREATEDEVICE create;
    struct d3dkmt_backend_info backend;

#ifdef CLIENT_REGISTERS
    if (!NT_SUCCESS(d3dkmt_register_backend(&d3dkmt_loopback_backend)))
        return fail("register");
#endif
    memset(&list, 0, sizeof(list));
    list.NumAdapters = 1;
    list.pAdapters = &adapter;
    if (!NT_SUCCESS(D3DKMTEnumAdapters2(&list)) || list.NumAdapters != 1)
        return fail("adapters");
    memset(&create, 0, sizeof(create));
    create.hAdapter = adapter.hAdapter;
    if (!NT_SUCCESS(D3DKMTCreateDevice(&create)))
        return fail("device");
    if (!NT_SUCCESS(d3dkmt_describe_backend(&backend)) || strcmp(backend.name, "loopback") != 0)
        return fail("backend");
#ifdef CLIENT_STEERS
    if (!NT_SUCCESS(d3dkmt_loopback_set_function(0, 0, NULL, NULL)))
        return fail("steering");
#endif
    printf("libd3dkmt %s on %s: device 0x%x\n", d3dkmt_version(), backend.name, create.hDevice);
    D3DKMTCloseDxCoreDevice();
    return 0;
}
