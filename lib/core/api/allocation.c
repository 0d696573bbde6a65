/* SPDX-License-Identifier: MIT */
/* Allocation calls that exist in an older form too. */
#include "core/dispatch.h"
#include "core/last_error.h"
#include "core/memory.h"

#include <stdlib.h>
#include <string.h>

/* As many as D3DKMTCreateAllocation2 can make at once, so no resource has more. */
enum { OPEN_ALLOCATIONS_MAX = 1024 };

D3DKMT_API NTSTATUS APIENTRY D3DKMTDestroyAllocation(const D3DKMT_DESTROYALLOCATION *args)
{
    D3DKMT_DESTROYALLOCATION2 successor;

    if (!args) {
        d3dkmti_fail(STATUS_INVALID_PARAMETER, "the pointer to the arguments is NULL");
        last_error_report(__func__, NULL, STATUS_INVALID_PARAMETER);
        return STATUS_INVALID_PARAMETER;
    }
    memset(&successor, 0, sizeof(successor));
    successor.hDevice = args->hDevice;
    successor.hResource = args->hResource;
    successor.phAllocationList = args->phAllocationList;
    successor.AllocationCount = args->AllocationCount;
    return dispatch(D3DKMT_OP_DestroyAllocation2, &successor);
}

static void widen(D3DDDI_OPENALLOCATIONINFO2 *wide, const D3DDDI_OPENALLOCATIONINFO *narrow,
                  UINT count)
{
    for (UINT i = 0; i < count; i++) {
        wide[i].hAllocation = narrow[i].hAllocation;
        wide[i].pPrivateDriverData = narrow[i].pPrivateDriverData;
        wide[i].PrivateDriverDataSize = narrow[i].PrivateDriverDataSize;
    }
}

static void narrow_back(D3DDDI_OPENALLOCATIONINFO *narrow, const D3DDDI_OPENALLOCATIONINFO2 *wide,
                        UINT count)
{
    for (UINT i = 0; i < count; i++) {
        narrow[i].hAllocation = wide[i].hAllocation;
        narrow[i].pPrivateDriverData = wide[i].pPrivateDriverData;
        narrow[i].PrivateDriverDataSize = wide[i].PrivateDriverDataSize;
    }
}

/* Backends know D3DDDI_OPENALLOCATIONINFO2 alone; the caller's array is of the first form. */
D3DKMT_API NTSTATUS APIENTRY D3DKMTOpenResource(D3DKMT_OPENRESOURCE *args)
{
    if (!args || args->NumAllocations == 0)
        return dispatch(D3DKMT_OP_OpenResource, args);
    if (args->NumAllocations > OPEN_ALLOCATIONS_MAX || !args->pOpenAllocationInfo) {
        d3dkmti_fail(STATUS_INVALID_PARAMETER,
                     "NumAllocations is %u (at most %d) and pOpenAllocationInfo is %p",
                     args->NumAllocations, OPEN_ALLOCATIONS_MAX, (void *)args->pOpenAllocationInfo);
        return dispatch_refuse(D3DKMT_OP_OpenResource, STATUS_INVALID_PARAMETER);
    }
    D3DKMT_OPENRESOURCE successor = *args;
    UINT count = args->NumAllocations;
    successor.pOpenAllocationInfo2 = d3dkmti_calloc(count, sizeof(*successor.pOpenAllocationInfo2));
    if (!successor.pOpenAllocationInfo2) {
        d3dkmti_fail(STATUS_NO_MEMORY, "no memory for %u allocations", count);
        return dispatch_refuse(D3DKMT_OP_OpenResource, STATUS_NO_MEMORY);
    }
    widen(successor.pOpenAllocationInfo2, args->pOpenAllocationInfo, count);
    NTSTATUS status = dispatch(D3DKMT_OP_OpenResource, &successor);
    if (NT_SUCCESS(status)) {
        narrow_back(args->pOpenAllocationInfo, successor.pOpenAllocationInfo2, count);
        args->ResourcePrivateDriverDataSize = successor.ResourcePrivateDriverDataSize;
        args->TotalPrivateDriverDataBufferSize = successor.TotalPrivateDriverDataBufferSize;
        args->hResource = successor.hResource;
    }
    free(successor.pOpenAllocationInfo2);
    return status;
}
