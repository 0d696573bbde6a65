/* SPDX-License-Identifier: MIT */
/* The two calls that are about the library itself. */
#include "core/dispatch.h"

D3DKMT_API VOID APIENTRY D3DKMTCloseDxCoreDevice(void)
{
    dispatch_close();
}

/* Clocks of a virtual GPU are the host's business: libdxg answers success as well. */
D3DKMT_API NTSTATUS APIENTRY D3DKMTSetStablePowerState(const D3DKMT_SETSTABLEPOWERSTATE *args)
{
    (void)args;
    return STATUS_SUCCESS;
}
