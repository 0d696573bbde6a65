/* SPDX-License-Identifier: MIT */
/* Protected sessions: a scope for protected content. Nothing on Linux offers them. */
#ifndef D3DKMT_WDDM_PROTECTEDSESSION_H
#define D3DKMT_WDDM_PROTECTEDSESSION_H

#include "scalars.h"

#include "begin.h"

typedef struct _D3DKMT_CREATEPROTECTEDSESSION {
    D3DKMT_HANDLE hDevice;
    D3DKMT_HANDLE hSyncObject;
    D3DKMT_PTR(const VOID *, pPrivateDriverData);
    UINT PrivateDriverDataSize;
    D3DKMT_PTR(const VOID *, pPrivateRuntimeData);
    UINT PrivateRuntimeDataSize;
    D3DKMT_HANDLE hHandle;
} D3DKMT_CREATEPROTECTEDSESSION;

/* Would begin a session. Status: STATUS_NOT_SUPPORTED. */
NTSTATUS APIENTRY D3DKMTCreateProtectedSession(D3DKMT_CREATEPROTECTEDSESSION *args);

typedef struct _D3DKMT_OPENPROTECTEDSESSIONFROMNTHANDLE {
    D3DKMT_PTR(HANDLE, hNtHandle);
    D3DKMT_HANDLE hHandle;
} D3DKMT_OPENPROTECTEDSESSIONFROMNTHANDLE;

/* Would open a shared one. Status: STATUS_NOT_SUPPORTED. */
NTSTATUS APIENTRY
D3DKMTOpenProtectedSessionFromNtHandle(D3DKMT_OPENPROTECTEDSESSIONFROMNTHANDLE *args);

typedef struct _D3DKMT_QUERYPROTECTEDSESSIONINFOFROMNTHANDLE {
    D3DKMT_PTR(HANDLE, hNtHandle);
    D3DKMT_PTR(const VOID *, pPrivateDriverData);
    UINT PrivateDriverDataSize;
    D3DKMT_PTR(const VOID *, pPrivateRuntimeData);
    UINT PrivateRuntimeDataSize;
} D3DKMT_QUERYPROTECTEDSESSIONINFOFROMNTHANDLE;

/* Would tell a session's private data. Status: STATUS_NOT_SUPPORTED. */
NTSTATUS APIENTRY
D3DKMTQueryProtectedSessionInfoFromNtHandle(D3DKMT_QUERYPROTECTEDSESSIONINFOFROMNTHANDLE *args);

typedef enum _D3DKMT_PROTECTED_SESSION_STATUS {
    D3DKMT_PROTECTED_SESSION_STATUS_OK = 0,
    D3DKMT_PROTECTED_SESSION_STATUS_INVALID = 1
} D3DKMT_PROTECTED_SESSION_STATUS;

typedef struct _D3DKMT_QUERYPROTECTEDSESSIONSTATUS {
    D3DKMT_HANDLE hHandle;
    D3DKMT_PROTECTED_SESSION_STATUS Status;
} D3DKMT_QUERYPROTECTEDSESSIONSTATUS;

/* Would tell whether a session is still valid. Status: STATUS_NOT_SUPPORTED. */
NTSTATUS APIENTRY D3DKMTQueryProtectedSessionStatus(D3DKMT_QUERYPROTECTEDSESSIONSTATUS *args);

typedef struct _D3DKMT_DESTROYPROTECTEDSESSION {
    D3DKMT_HANDLE hHandle;
} D3DKMT_DESTROYPROTECTEDSESSION;

/* Would end a session. Status: STATUS_NOT_SUPPORTED. */
NTSTATUS APIENTRY D3DKMTDestroyProtectedSession(D3DKMT_DESTROYPROTECTEDSESSION *args);

#include "end.h"

#endif
