/* SPDX-License-Identifier: MIT */
#include "core/dispatch.h"

D3DKMT_API NTSTATUS APIENTRY D3DKMTQueryStatistics(const D3DKMT_QUERYSTATISTICS *args)
{
    return dispatch(D3DKMT_OP_QueryStatistics, (void *)args);
}
