/* SPDX-License-Identifier: MIT */
/*
 * The first versions of the sync object calls, on their successors. As in libdxg, they serve
 * mutexes and semaphores: the kinds that existed when these calls were designed.
 */
#include "core/dispatch.h"
#include "core/last_error.h"

#include <string.h>

static NTSTATUS refuse(const char *function, NTSTATUS status)
{
    last_error_report(function, NULL, status);
    return status;
}

static NTSTATUS refuse_null(const char *function)
{
    d3dkmti_fail(STATUS_INVALID_PARAMETER, "the pointer to the arguments is NULL");
    return refuse(function, STATUS_INVALID_PARAMETER);
}

D3DKMT_API NTSTATUS APIENTRY
D3DKMTCreateSynchronizationObject(D3DKMT_CREATESYNCHRONIZATIONOBJECT *args)
{
    D3DKMT_CREATESYNCHRONIZATIONOBJECT2 successor;

    if (!args)
        return refuse_null(__func__);
    memset(&successor, 0, sizeof(successor));
    successor.hDevice = args->hDevice;
    successor.Info.Type = args->Info.Type;
    switch (args->Info.Type) {
    case D3DDDI_SYNCHRONIZATION_MUTEX:
        successor.Info.SynchronizationMutex.InitialState =
            args->Info.SynchronizationMutex.InitialState;
        break;
    case D3DDDI_SEMAPHORE:
        successor.Info.Semaphore.MaxCount = args->Info.Semaphore.MaxCount;
        successor.Info.Semaphore.InitialCount = args->Info.Semaphore.InitialCount;
        break;
    default:
        d3dkmti_fail(STATUS_INVALID_PARAMETER,
                     "Info.Type %d is neither a mutex nor a semaphore; "
                     "D3DKMTCreateSynchronizationObject2 makes the other types",
                     (int)args->Info.Type);
        return refuse(__func__, STATUS_INVALID_PARAMETER);
    }
    NTSTATUS status = dispatch(D3DKMT_OP_CreateSynchronizationObject2, &successor);
    if (NT_SUCCESS(status))
        args->hSyncObject = successor.hSyncObject;
    return status;
}

D3DKMT_API NTSTATUS APIENTRY
D3DKMTSignalSynchronizationObject(const D3DKMT_SIGNALSYNCHRONIZATIONOBJECT *args)
{
    D3DKMT_SIGNALSYNCHRONIZATIONOBJECT2 successor;

    if (!args)
        return refuse_null(__func__);
    memset(&successor, 0, sizeof(successor));
    successor.hContext = args->hContext;
    successor.ObjectCount = args->ObjectCount;
    memcpy(successor.ObjectHandleArray, args->ObjectHandleArray,
           sizeof(successor.ObjectHandleArray));
    successor.Flags = args->Flags;
    return dispatch(D3DKMT_OP_SignalSynchronizationObject2, &successor);
}

D3DKMT_API NTSTATUS APIENTRY
D3DKMTWaitForSynchronizationObject(const D3DKMT_WAITFORSYNCHRONIZATIONOBJECT *args)
{
    D3DKMT_WAITFORSYNCHRONIZATIONOBJECT2 successor;

    if (!args)
        return refuse_null(__func__);
    memset(&successor, 0, sizeof(successor));
    successor.hContext = args->hContext;
    successor.ObjectCount = args->ObjectCount;
    memcpy(successor.ObjectHandleArray, args->ObjectHandleArray,
           sizeof(successor.ObjectHandleArray));
    return dispatch(D3DKMT_OP_WaitForSynchronizationObject2, &successor);
}
