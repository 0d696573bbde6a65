// SPDX-License-Identifier: MIT
// A program for Microsoft's libdxg and DirectX-Headers, which is told of ours by pkg-config alone.
#include <wsl/winadapter.h>

#include <d3dkmthk.h>
#include <dxg/d3dkmthk.h>

#include <cstdio>
#include <dlfcn.h>

int main()
{
    D3DKMT_ADAPTERINFO adapter = {};
    D3DKMT_ENUMADAPTERS2 list = {};

    list.NumAdapters = 1;
    list.pAdapters = &adapter;
    if (D3DKMTEnumAdapters2(&list) != STATUS_SUCCESS || list.NumAdapters != 1)
        return 1;
    const D3DKMT_CLOSEADAPTER close = {adapter.hAdapter};
    if (D3DKMTCloseAdapter(&close) != STATUS_SUCCESS)
        return 2;
    void *dxcore = dlopen("libdxcore.so", RTLD_LAZY);
    if (!dxcore || dlsym(dxcore, "D3DKMTEnumAdapters2") != dlsym(RTLD_DEFAULT, "D3DKMTEnumAdapters2"))
        return 3;
    std::puts("libdxg's client: one adapter, one instance");
    return 0;
}
