/* SPDX-License-Identifier: MIT */
/* Something to link with under the name libdxg.so.1. A program that finds this one at run time, in
 * place of ours, fails. */
#include <d3dkmt/d3dkmt.h>

D3DKMT_API NTSTATUS APIENTRY D3DKMTEnumAdapters2(CONST D3DKMT_ENUMADAPTERS2 *args)
{
    (void)args;
    return STATUS_NOT_IMPLEMENTED;
}
