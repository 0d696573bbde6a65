/* SPDX-License-Identifier: MIT */
/* Sharing of resources and sync objects between processes and with the host. */
#ifndef D3DKMT_WDDM_SHARING_H
#define D3DKMT_WDDM_SHARING_H

#include "scalars.h"
#include "sync.h"

#include "begin.h"

/* Objects that one shared handle may hold on Windows; Linux takes one. */
#define D3DKMT_MAX_OBJECTS_PER_HANDLE        3
#define D3DKMT_MAX_BUNDLE_OBJECTS_PER_HANDLE 16
/* Low bits that tell a global handle of the legacy kind. */
#define D3DKMT_GDI_STYLE_HANDLE_DECORATION 2

/* The arguments of D3DKMTShareObjects() as one struct. */
typedef struct _D3DKMT_SHAREOBJECTS {
    UINT ObjectCount;                                     /* in: 1 */
    D3DKMT_PTR(const D3DKMT_HANDLE *, ObjectHandleArray); /* in */
    D3DKMT_PTR(PVOID, pObjectAttributes);                 /* in: ignored */
    DWORD DesiredAccess;                                  /* in: ignored */
    D3DKMT_PTR(HANDLE *, pSharedNtHandle); /* out: a descriptor in the low half, zeros above */
} D3DKMT_SHAREOBJECTS;

/*
 * Makes a file descriptor that stands for a resource or sync object, for other processes to open.
 * It is written to *phSharedNtHandle as a number; the caller closes it with close(). It is closed
 * on exec and can be inherited by fork or passed over a socket; who has it may open the object,
 * attributes and access are not looked at. The object lives on while a descriptor of it is open,
 * whatever becomes of the handle or the process.
 *
 * A resource is sealed by its first sharing: no allocations can be added.
 *
 * Statuses: STATUS_INVALID_PARAMETER also if cObjects is not 1 or the object was not created with
 * Shared (CreateShared) and NtSecuritySharing; STATUS_UNSUCCESSFUL if the process has no descriptor
 * left.
 */
NTSTATUS APIENTRY D3DKMTShareObjects(UINT cObjects, const D3DKMT_HANDLE *hObjects,
                                     POBJECT_ATTRIBUTES pObjectAttributes, DWORD dwDesiredAccess,
                                     HANDLE *phSharedNtHandle);

/* As D3DKMTShareObjects(), with the arguments in a struct. */
NTSTATUS APIENTRY D3DKMTShareObjectsInternal(D3DKMT_SHAREOBJECTS *args);

/* Argument of D3DKMTQueryResourceInfoFromNtHandle(). Sizes are bytes. */
typedef struct _D3DKMT_QUERYRESOURCEINFOFROMNTHANDLE {
    D3DKMT_HANDLE hDevice;         /* in: any device of the caller */
    D3DKMT_PTR(HANDLE, hNtHandle); /* in: a descriptor of a resource; the caller keeps it */
    D3DKMT_PTR(VOID *, pPrivateRuntimeData); /* ignored */
    UINT PrivateRuntimeDataSize;             /* out */
    UINT TotalPrivateDriverDataSize;         /* out: of all allocations together */
    UINT ResourcePrivateDriverDataSize;      /* out */
    UINT NumAllocations;                     /* out */
} D3DKMT_QUERYRESOURCEINFOFROMNTHANDLE;

/*
 * Tells the sizes that D3DKMTOpenResourceFromNtHandle() needs.
 *
 * Statuses: STATUS_INVALID_PARAMETER also for any other descriptor.
 */
NTSTATUS APIENTRY D3DKMTQueryResourceInfoFromNtHandle(D3DKMT_QUERYRESOURCEINFOFROMNTHANDLE *args);

/* One allocation of an opened resource. */
typedef struct _D3DDDI_OPENALLOCATIONINFO2 {
    D3DKMT_HANDLE hAllocation;                    /* out */
    D3DKMT_PTR(const VOID *, pPrivateDriverData); /* out: into pTotalPrivateDriverDataBuffer */
    UINT PrivateDriverDataSize;                   /* out: bytes */
    D3DGPU_VIRTUAL_ADDRESS GpuVirtualAddress;     /* out: 0 unless the host mapped it */
    ULONG_PTR Reserved[6];
} D3DDDI_OPENALLOCATIONINFO2;

/* Argument of D3DKMTOpenResourceFromNtHandle(). Sizes are bytes. */
typedef struct _D3DKMT_OPENRESOURCEFROMNTHANDLE {
    D3DKMT_HANDLE hDevice;         /* in */
    D3DKMT_PTR(HANDLE, hNtHandle); /* in: a descriptor of a resource; the caller keeps it */
    UINT NumAllocations;           /* in: exactly as queried */
    /* out: the allocations, in their creator's order */
    D3DKMT_PTR(D3DDDI_OPENALLOCATIONINFO2 *, pOpenAllocationInfo2);
    UINT PrivateRuntimeDataSize;             /* in: at least as queried, as are the other sizes */
    D3DKMT_PTR(VOID *, pPrivateRuntimeData); /* out: what the creator gave */
    UINT ResourcePrivateDriverDataSize;      /* in */
    D3DKMT_PTR(VOID *, pResourcePrivateDriverData); /* out */
    UINT TotalPrivateDriverDataBufferSize;          /* in: size of the buffer. out: bytes used */
    /* out: the allocations' data, one behind the other */
    D3DKMT_PTR(VOID *, pTotalPrivateDriverDataBuffer);
    D3DKMT_HANDLE hResource; /* out: the caller destroys it */
    D3DKMT_HANDLE hKeyedMutex;
    D3DKMT_PTR(VOID *, pKeyedMutexPrivateRuntimeData);
    UINT KeyedMutexPrivateRuntimeDataSize;
    D3DKMT_HANDLE hSyncObject;
} D3DKMT_OPENRESOURCEFROMNTHANDLE;

/*
 * Opens a shared resource in a device. Private data are the bytes that the creator passed in.
 * Destroying the resource ends this view of it only.
 *
 * Statuses: STATUS_INVALID_PARAMETER also for any other descriptor, another count or too small a
 * size.
 */
NTSTATUS APIENTRY D3DKMTOpenResourceFromNtHandle(D3DKMT_OPENRESOURCEFROMNTHANDLE *args);

/* Argument of D3DKMTOpenSyncObjectFromNtHandle2(). */
typedef struct _D3DKMT_OPENSYNCOBJECTFROMNTHANDLE2 {
    D3DKMT_PTR(HANDLE, hNtHandle); /* in: a descriptor of a sync object; the caller keeps it */
    D3DKMT_HANDLE hDevice;         /* in */
    /* in: NoSignal and NoWait narrow what may be done here */
    D3DDDI_SYNCHRONIZATIONOBJECT_FLAGS Flags;
    D3DKMT_HANDLE hSyncObject; /* out: the caller destroys it */
    union {
        struct {
            D3DKMT_PTR(VOID *, FenceValueCPUVirtualAddress);    /* out: points to the value */
            D3DGPU_VIRTUAL_ADDRESS FenceValueGPUVirtualAddress; /* out */
            UINT EngineAffinity;                                /* in */
        } MonitoredFence;
        UINT64 Reserved[8];
    };
} D3DKMT_OPENSYNCOBJECTFROMNTHANDLE2;

/*
 * Opens a shared sync object. Monitored fences join the device and go with it.
 *
 * Statuses: STATUS_INVALID_PARAMETER also for any other descriptor.
 */
NTSTATUS APIENTRY D3DKMTOpenSyncObjectFromNtHandle2(D3DKMT_OPENSYNCOBJECTFROMNTHANDLE2 *args);

/* Argument of D3DKMTShareObjectWithHost(). */
typedef struct _D3DKMT_SHAREOBJECTWITHHOST {
    D3DKMT_HANDLE hDevice; /* in */
    D3DKMT_HANDLE hObject; /* in */
    UINT64 Reserved;
    /* out: a handle in the host's process for this VM; no descriptor */
    UINT64 hVailProcessNtHandle;
} D3DKMT_SHAREOBJECTWITHHOST;

/*
 * Gives an object to programs on the host, which find it by the value returned. There is no call
 * that takes it back.
 */
NTSTATUS APIENTRY D3DKMTShareObjectWithHost(D3DKMT_SHAREOBJECTWITHHOST *args);

/* The legacy form of D3DDDI_OPENALLOCATIONINFO2. */
typedef struct _D3DDDI_OPENALLOCATIONINFO {
    D3DKMT_HANDLE hAllocation;
    D3DKMT_PTR(const VOID *, pPrivateDriverData);
    UINT PrivateDriverDataSize;
} D3DDDI_OPENALLOCATIONINFO;

/* Argument of D3DKMTOpenResource(). */
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

/*
 * Opens a resource by the global handle of legacy sharing, which no resource has on Linux 5.15 and
 * later, nor on the other backends; use D3DKMTOpenResourceFromNtHandle().
 *
 * Statuses: STATUS_NOT_SUPPORTED, or STATUS_UNSUCCESSFUL from a kernel that lacks it.
 */
NTSTATUS APIENTRY D3DKMTOpenResource(D3DKMT_OPENRESOURCE *args);

/* Argument of D3DKMTQueryResourceInfo(). */
typedef struct _D3DKMT_QUERYRESOURCEINFO {
    D3DKMT_HANDLE hDevice;
    D3DKMT_HANDLE hGlobalShare;
    D3DKMT_PTR(VOID *, pPrivateRuntimeData);
    UINT PrivateRuntimeDataSize;
    UINT TotalPrivateDriverDataSize;
    UINT ResourcePrivateDriverDataSize;
    UINT NumAllocations;
} D3DKMT_QUERYRESOURCEINFO;

/* Tells the sizes that D3DKMTOpenResource() needs, and is as absent. Statuses as there. */
NTSTATUS APIENTRY D3DKMTQueryResourceInfo(D3DKMT_QUERYRESOURCEINFO *args);

/* Argument of D3DKMTOpenSynchronizationObject(). */
typedef struct _D3DKMT_OPENSYNCHRONIZATIONOBJECT {
    D3DKMT_HANDLE hSharedHandle; /* in: Info.SharedHandle of D3DKMTCreateSynchronizationObject2() */
    D3DKMT_HANDLE hSyncObject;   /* out: the caller destroys it */
    UINT64 Reserved[8];
} D3DKMT_OPENSYNCHRONIZATIONOBJECT;

/*
 * Opens a shared sync object of the calling process once more, by its global handle; for other
 * processes' use D3DKMTOpenSyncObjectFromNtHandle2(). A monitored fence opened so belongs to the
 * device that has it, and has no CPU address.
 *
 * Statuses: STATUS_INVALID_PARAMETER also for a handle that is no such object's. Kernels of 5.15
 * and later lack the call: STATUS_NOT_SUPPORTED or STATUS_UNSUCCESSFUL from the backend dxg.
 */
NTSTATUS APIENTRY D3DKMTOpenSynchronizationObject(D3DKMT_OPENSYNCHRONIZATIONOBJECT *args);

/* Argument of D3DKMTGetSharedResourceAdapterLuid(). */
typedef struct _D3DKMT_GETSHAREDRESOURCEADAPTERLUID {
    D3DKMT_HANDLE hGlobalShare;    /* in: 0, for resources have none */
    D3DKMT_PTR(HANDLE, hNtHandle); /* in: a descriptor of a resource; the caller keeps it */
    LUID AdapterLuid;              /* out */
} D3DKMT_GETSHAREDRESOURCEADAPTERLUID;

/*
 * Tells the adapter of a shared resource.
 *
 * Statuses: STATUS_INVALID_PARAMETER also for a global handle and for any other descriptor. Absent
 * from kernels as D3DKMTOpenSynchronizationObject().
 */
NTSTATUS APIENTRY D3DKMTGetSharedResourceAdapterLuid(D3DKMT_GETSHAREDRESOURCEADAPTERLUID *args);

/* Argument of D3DKMTOpenNtHandleFromName(). */
typedef struct _D3DKMT_OPENNTHANDLEFROMNAME {
    DWORD dwDesiredAccess;
    D3DKMT_PTR(OBJECT_ATTRIBUTES *, pObjAttrib);
    D3DKMT_PTR(HANDLE, hNtHandle);
} D3DKMT_OPENNTHANDLEFROMNAME;

/*
 * Opens a shared resource by name. Shared objects have no names on Linux. Status:
 * STATUS_NOT_SUPPORTED.
 */
NTSTATUS APIENTRY D3DKMTOpenNtHandleFromName(D3DKMT_OPENNTHANDLEFROMNAME *args);

/* Argument of D3DKMTOpenSyncObjectNtHandleFromName(). */
typedef struct _D3DKMT_OPENSYNCOBJECTNTHANDLEFROMNAME {
    DWORD dwDesiredAccess;
    D3DKMT_PTR(OBJECT_ATTRIBUTES *, pObjAttrib);
    D3DKMT_PTR(HANDLE, hNtHandle);
} D3DKMT_OPENSYNCOBJECTNTHANDLEFROMNAME;

/* Opens a shared sync object by name. Status: STATUS_NOT_SUPPORTED. */
NTSTATUS APIENTRY D3DKMTOpenSyncObjectNtHandleFromName(D3DKMT_OPENSYNCOBJECTNTHANDLEFROMNAME *args);

#include "end.h"

#endif
