/* SPDX-License-Identifier: MIT */
/* WDDM: sharing. */
#ifndef D3DKMT_WDDM_SHARING_H
#define D3DKMT_WDDM_SHARING_H

#include "scalars.h"
#include "sync.h"

#include "begin.h"

#define D3DKMT_MAX_OBJECTS_PER_HANDLE 3
#define D3DKMT_MAX_BUNDLE_OBJECTS_PER_HANDLE 16
#define D3DKMT_GDI_STYLE_HANDLE_DECORATION 2

typedef struct _D3DDDI_OPENALLOCATIONINFO {
    D3DKMT_HANDLE hAllocation;
    D3DKMT_PTR(const VOID *, pPrivateDriverData);
    UINT PrivateDriverDataSize;
} D3DDDI_OPENALLOCATIONINFO;

typedef struct _D3DDDI_OPENALLOCATIONINFO2 {
    D3DKMT_HANDLE hAllocation;
    D3DKMT_PTR(const VOID *, pPrivateDriverData);
    UINT PrivateDriverDataSize;
    D3DGPU_VIRTUAL_ADDRESS GpuVirtualAddress;
    ULONG_PTR Reserved[6];
} D3DDDI_OPENALLOCATIONINFO2;

typedef struct _D3DKMT_GETSHAREDRESOURCEADAPTERLUID {
    D3DKMT_HANDLE hGlobalShare;
    D3DKMT_PTR(HANDLE, hNtHandle);
    LUID AdapterLuid;
} D3DKMT_GETSHAREDRESOURCEADAPTERLUID;

typedef struct _D3DKMT_OPENNTHANDLEFROMNAME {
    DWORD dwDesiredAccess;
    D3DKMT_PTR(OBJECT_ATTRIBUTES *, pObjAttrib);
    D3DKMT_PTR(HANDLE, hNtHandle);
} D3DKMT_OPENNTHANDLEFROMNAME;

typedef struct _D3DKMT_OPENRESOURCE {
    D3DKMT_HANDLE hDevice;
    D3DKMT_HANDLE hGlobalShare;
    UINT NumAllocations;
    union {
        D3DDDI_OPENALLOCATIONINFO *pOpenAllocationInfo;
        D3DDDI_OPENALLOCATIONINFO2 *pOpenAllocationInfo2;
        D3DKMT_ALIGN64 UINT64 AlignUnionTo64;
    };
    D3DKMT_PTR(VOID *, pPrivateRuntimeData);
    UINT PrivateRuntimeDataSize;
    D3DKMT_PTR(VOID *, pResourcePrivateDriverData);
    UINT ResourcePrivateDriverDataSize;
    D3DKMT_PTR(VOID *, pTotalPrivateDriverDataBuffer);
    UINT TotalPrivateDriverDataBufferSize;
    D3DKMT_HANDLE hResource;
} D3DKMT_OPENRESOURCE;

typedef struct _D3DKMT_OPENRESOURCEFROMNTHANDLE {
    D3DKMT_HANDLE hDevice;
    D3DKMT_PTR(HANDLE, hNtHandle);
    UINT NumAllocations;
    D3DKMT_PTR(D3DDDI_OPENALLOCATIONINFO2 *, pOpenAllocationInfo2);
    UINT PrivateRuntimeDataSize;
    D3DKMT_PTR(VOID *, pPrivateRuntimeData);
    UINT ResourcePrivateDriverDataSize;
    D3DKMT_PTR(VOID *, pResourcePrivateDriverData);
    UINT TotalPrivateDriverDataBufferSize;
    D3DKMT_PTR(VOID *, pTotalPrivateDriverDataBuffer);
    D3DKMT_HANDLE hResource;
    D3DKMT_HANDLE hKeyedMutex;
    D3DKMT_PTR(VOID *, pKeyedMutexPrivateRuntimeData);
    UINT KeyedMutexPrivateRuntimeDataSize;
    D3DKMT_HANDLE hSyncObject;
} D3DKMT_OPENRESOURCEFROMNTHANDLE;

typedef struct _D3DKMT_OPENSYNCHRONIZATIONOBJECT {
    D3DKMT_HANDLE hSharedHandle;
    D3DKMT_HANDLE hSyncObject;
    UINT64 Reserved[8];
} D3DKMT_OPENSYNCHRONIZATIONOBJECT;

typedef struct _D3DKMT_OPENSYNCOBJECTFROMNTHANDLE2 {
    D3DKMT_PTR(HANDLE, hNtHandle);
    D3DKMT_HANDLE hDevice;
    D3DDDI_SYNCHRONIZATIONOBJECT_FLAGS Flags;
    D3DKMT_HANDLE hSyncObject;
    union {
        struct {
            D3DKMT_PTR(VOID *, FenceValueCPUVirtualAddress);
            D3DGPU_VIRTUAL_ADDRESS FenceValueGPUVirtualAddress;
            UINT EngineAffinity;
        } MonitoredFence;
        UINT64 Reserved[8];
    };
} D3DKMT_OPENSYNCOBJECTFROMNTHANDLE2;

typedef struct _D3DKMT_OPENSYNCOBJECTNTHANDLEFROMNAME {
    DWORD dwDesiredAccess;
    D3DKMT_PTR(OBJECT_ATTRIBUTES *, pObjAttrib);
    D3DKMT_PTR(HANDLE, hNtHandle);
} D3DKMT_OPENSYNCOBJECTNTHANDLEFROMNAME;

typedef struct _D3DKMT_QUERYRESOURCEINFO {
    D3DKMT_HANDLE hDevice;
    D3DKMT_HANDLE hGlobalShare;
    D3DKMT_PTR(VOID *, pPrivateRuntimeData);
    UINT PrivateRuntimeDataSize;
    UINT TotalPrivateDriverDataSize;
    UINT ResourcePrivateDriverDataSize;
    UINT NumAllocations;
} D3DKMT_QUERYRESOURCEINFO;

typedef struct _D3DKMT_QUERYRESOURCEINFOFROMNTHANDLE {
    D3DKMT_HANDLE hDevice;
    D3DKMT_PTR(HANDLE, hNtHandle);
    D3DKMT_PTR(VOID *, pPrivateRuntimeData);
    UINT PrivateRuntimeDataSize;
    UINT TotalPrivateDriverDataSize;
    UINT ResourcePrivateDriverDataSize;
    UINT NumAllocations;
} D3DKMT_QUERYRESOURCEINFOFROMNTHANDLE;

typedef struct _D3DKMT_SHAREOBJECTS {
    UINT ObjectCount;
    D3DKMT_PTR(const D3DKMT_HANDLE *, ObjectHandleArray);
    D3DKMT_PTR(PVOID, pObjectAttributes);
    DWORD DesiredAccess;
    D3DKMT_PTR(HANDLE *, pSharedNtHandle);
} D3DKMT_SHAREOBJECTS;

typedef struct _D3DKMT_SHAREOBJECTWITHHOST {
    D3DKMT_HANDLE hDevice;
    D3DKMT_HANDLE hObject;
    UINT64 Reserved;
    UINT64 hVailProcessNtHandle;
} D3DKMT_SHAREOBJECTWITHHOST;

NTSTATUS APIENTRY D3DKMTGetSharedResourceAdapterLuid(D3DKMT_GETSHAREDRESOURCEADAPTERLUID *args);

NTSTATUS APIENTRY D3DKMTOpenNtHandleFromName(D3DKMT_OPENNTHANDLEFROMNAME *args);

NTSTATUS APIENTRY D3DKMTOpenResource(D3DKMT_OPENRESOURCE *args);

NTSTATUS APIENTRY D3DKMTOpenResourceFromNtHandle(D3DKMT_OPENRESOURCEFROMNTHANDLE *args);

NTSTATUS APIENTRY D3DKMTOpenSyncObjectFromNtHandle2(D3DKMT_OPENSYNCOBJECTFROMNTHANDLE2 *args);

NTSTATUS APIENTRY D3DKMTOpenSyncObjectNtHandleFromName(D3DKMT_OPENSYNCOBJECTNTHANDLEFROMNAME *args);

NTSTATUS APIENTRY D3DKMTOpenSynchronizationObject(D3DKMT_OPENSYNCHRONIZATIONOBJECT *args);

NTSTATUS APIENTRY D3DKMTQueryResourceInfo(D3DKMT_QUERYRESOURCEINFO *args);

NTSTATUS APIENTRY D3DKMTQueryResourceInfoFromNtHandle(D3DKMT_QUERYRESOURCEINFOFROMNTHANDLE *args);

NTSTATUS APIENTRY D3DKMTShareObjectWithHost(D3DKMT_SHAREOBJECTWITHHOST *args);

NTSTATUS APIENTRY D3DKMTShareObjects(UINT cObjects, const D3DKMT_HANDLE *hObjects, POBJECT_ATTRIBUTES pObjectAttributes,
                            DWORD dwDesiredAccess, HANDLE *phSharedNtHandle);

NTSTATUS APIENTRY D3DKMTShareObjectsInternal(D3DKMT_SHAREOBJECTS *args);

#include "end.h"

#endif
