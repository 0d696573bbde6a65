/* SPDX-License-Identifier: MIT */
/* WDDM: syncfile. */
#ifndef D3DKMT_WDDM_SYNCFILE_H
#define D3DKMT_WDDM_SYNCFILE_H

#include "scalars.h"

#include "begin.h"

typedef struct _D3DKMT_CREATESYNCFILE {
    D3DKMT_HANDLE hDevice;
    D3DKMT_HANDLE hMonitoredFence;
    UINT64 FenceValue;
    UINT64 hSyncFile;
} D3DKMT_CREATESYNCFILE;

typedef struct _D3DKMT_WAITSYNCFILE {
    UINT64 hSyncFile;
    D3DKMT_HANDLE hContext;
    UINT Reserved;
} D3DKMT_WAITSYNCFILE;

typedef struct _D3DKMT_OPENSYNCOBJECTFROMSYNCFILE {
    UINT64 hSyncFile;
    D3DKMT_HANDLE hDevice;
    D3DKMT_HANDLE hSyncObject;
    UINT64 FenceValue;
    D3DKMT_PTR(VOID *, FenceValueCPUVirtualAddress);
    D3DGPU_VIRTUAL_ADDRESS FenceValueGPUVirtualAddress;
} D3DKMT_OPENSYNCOBJECTFROMSYNCFILE;

NTSTATUS APIENTRY D3DKMTCreateSyncFile(D3DKMT_CREATESYNCFILE *args);

NTSTATUS APIENTRY D3DKMTWaitSyncFile(const D3DKMT_WAITSYNCFILE *args);

NTSTATUS APIENTRY D3DKMTOpenSyncObjectFromSyncFile(D3DKMT_OPENSYNCOBJECTFROMSYNCFILE *args);

#include "end.h"

#endif
