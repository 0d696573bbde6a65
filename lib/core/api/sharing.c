/* SPDX-License-Identifier: MIT */
/* D3DKMTShareObjects, whose five arguments become one struct. */
#include "core/dispatch.h"

#include <string.h>

D3DKMT_API NTSTATUS APIENTRY D3DKMTShareObjectsInternal(D3DKMT_SHAREOBJECTS *args)
{
    return dispatch(D3DKMT_OP_ShareObjects, args);
}

D3DKMT_API NTSTATUS APIENTRY D3DKMTShareObjects(UINT object_count, const D3DKMT_HANDLE *objects,
                                                POBJECT_ATTRIBUTES attributes, DWORD access,
                                                HANDLE *shared_nt_handle)
{
    D3DKMT_SHAREOBJECTS args;

    memset(&args, 0, sizeof(args));
    args.ObjectCount = object_count;
    args.ObjectHandleArray = objects;
    args.pObjectAttributes = attributes;
    args.DesiredAccess = access;
    args.pSharedNtHandle = shared_nt_handle;
    return dispatch(D3DKMT_OP_ShareObjects, &args);
}
