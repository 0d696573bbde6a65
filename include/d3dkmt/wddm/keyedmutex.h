/* SPDX-License-Identifier: MIT */
/*
 * Keyed mutexes: ownership of a shared surface, handed on by key. Nothing on Linux offers them;
 * share a monitored fence instead.
 */
#ifndef D3DKMT_WDDM_KEYEDMUTEX_H
#define D3DKMT_WDDM_KEYEDMUTEX_H

#include "scalars.h"

#include "begin.h"

typedef struct _D3DKMT_CREATEKEYEDMUTEX2_FLAGS {
    union {
        struct {
            UINT NtSecuritySharing : 1;
            UINT Reserved : 31;
        };
        UINT Value;
    };
} D3DKMT_CREATEKEYEDMUTEX2_FLAGS;

typedef struct _D3DKMT_CREATEKEYEDMUTEX2 {
    UINT64 InitialValue;
    D3DKMT_HANDLE hSharedHandle;
    D3DKMT_HANDLE hKeyedMutex;
    D3DKMT_PTR(VOID *, pPrivateRuntimeData);
    UINT PrivateRuntimeDataSize;
    D3DKMT_CREATEKEYEDMUTEX2_FLAGS Flags;
} D3DKMT_CREATEKEYEDMUTEX2;

/* Would make a keyed mutex. Status: STATUS_NOT_SUPPORTED. */
NTSTATUS APIENTRY D3DKMTCreateKeyedMutex2(D3DKMT_CREATEKEYEDMUTEX2 *args);

typedef struct _D3DKMT_OPENKEYEDMUTEX2 {
    D3DKMT_HANDLE hSharedHandle;
    D3DKMT_HANDLE hKeyedMutex;
    D3DKMT_PTR(VOID *, pPrivateRuntimeData);
    UINT PrivateRuntimeDataSize;
} D3DKMT_OPENKEYEDMUTEX2;

/* Would open a shared one. Status: STATUS_NOT_SUPPORTED. */
NTSTATUS APIENTRY D3DKMTOpenKeyedMutex2(D3DKMT_OPENKEYEDMUTEX2 *args);

typedef struct _D3DKMT_ACQUIREKEYEDMUTEX2 {
    D3DKMT_HANDLE hKeyedMutex;
    UINT64 Key;
    D3DKMT_PTR(PLARGE_INTEGER, pTimeout);
    UINT64 FenceValue;
    D3DKMT_PTR(VOID *, pPrivateRuntimeData);
    UINT PrivateRuntimeDataSize;
} D3DKMT_ACQUIREKEYEDMUTEX2;

/* Would wait until the mutex is released with a key. Status: STATUS_NOT_SUPPORTED. */
NTSTATUS APIENTRY D3DKMTAcquireKeyedMutex2(D3DKMT_ACQUIREKEYEDMUTEX2 *args);

typedef struct _D3DKMT_RELEASEKEYEDMUTEX2 {
    D3DKMT_HANDLE hKeyedMutex;
    UINT64 Key;
    UINT64 FenceValue;
    D3DKMT_PTR(VOID *, pPrivateRuntimeData);
    UINT PrivateRuntimeDataSize;
} D3DKMT_RELEASEKEYEDMUTEX2;

/* Would release the mutex with a key. Status: STATUS_NOT_SUPPORTED. */
NTSTATUS APIENTRY D3DKMTReleaseKeyedMutex2(D3DKMT_RELEASEKEYEDMUTEX2 *args);

typedef struct _D3DKMT_DESTROYKEYEDMUTEX {
    D3DKMT_HANDLE hKeyedMutex;
} D3DKMT_DESTROYKEYEDMUTEX;

/* Would destroy the handle. Status: STATUS_NOT_SUPPORTED. */
NTSTATUS APIENTRY D3DKMTDestroyKeyedMutex(const D3DKMT_DESTROYKEYEDMUTEX *args);

#include "end.h"

#endif
