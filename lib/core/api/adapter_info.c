/* SPDX-License-Identifier: MIT */
#include "core/dispatch.h"

D3DKMT_API NTSTATUS APIENTRY D3DKMTQueryAdapterInfo(const D3DKMT_QUERYADAPTERINFO *args)
{
    return dispatch(D3DKMT_OP_QueryAdapterInfo, (void *)args);
}
