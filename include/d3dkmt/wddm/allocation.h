/* SPDX-License-Identifier: MIT */
/*
 * Allocations: the GPU's memory objects, alone or as parts of a resource, and the CPU's access to
 * them.
 */
#ifndef D3DKMT_WDDM_ALLOCATION_H
#define D3DKMT_WDDM_ALLOCATION_H

#include "scalars.h"

#include "begin.h"

/* How reluctantly an allocation is evicted; any value in between will do. */
#define D3DDDI_ALLOCATIONPRIORITY_MINIMUM 0x28000000
#define D3DDDI_ALLOCATIONPRIORITY_LOW     0x50000000
#define D3DDDI_ALLOCATIONPRIORITY_NORMAL  0x78000000
#define D3DDDI_ALLOCATIONPRIORITY_HIGH    0xA0000000
#define D3DDDI_ALLOCATIONPRIORITY_MAXIMUM 0xC8000000
/* Bytes that a row of a resource shared between adapters is padded to. */
#define D3DKMT_CROSS_ADAPTER_RESOURCE_PITCH_ALIGNMENT  128
#define D3DKMT_CROSS_ADAPTER_RESOURCE_HEIGHT_ALIGNMENT 4 /* Rows that its height is padded to. */

/* Legacy form of D3DDDI_ALLOCATIONINFO2; the calls that Linux has take the newer one. */
typedef struct _D3DDDI_ALLOCATIONINFO {
    D3DKMT_HANDLE hAllocation;
    D3DKMT_PTR(const VOID *, pSystemMem);
    D3DKMT_PTR(VOID *, pPrivateDriverData);
    UINT PrivateDriverDataSize;
    D3DDDI_VIDEO_PRESENT_SOURCE_ID VidPnSourceId;
    union {
        struct {
            UINT Primary : 1;
            UINT Stereo : 1;
            UINT Reserved : 30;
        };
        UINT Value;
    } Flags;
} D3DDDI_ALLOCATIONINFO;

/* One allocation to create. */
typedef struct _D3DDDI_ALLOCATIONINFO2 {
    D3DKMT_HANDLE hAllocation; /* out */
    union {
        D3DKMT_ALIGN64 UINT64 pSystemMem_hSection_Align;
        HANDLE hSection; /* not on Linux */
        /*
         * in: page-aligned memory of the caller to use, or NULL; must stay as long as the
         * allocation
         */
        const VOID *pSystemMem;
    };
    /* in, out: what the driver must know; its size of the memory is in there */
    D3DKMT_PTR(VOID *, pPrivateDriverData);
    UINT PrivateDriverDataSize;                   /* in: bytes, below 131072 */
    D3DDDI_VIDEO_PRESENT_SOURCE_ID VidPnSourceId; /* in: D3DDDI_ID_UNINITIALIZED unless displayed */
    union {
        struct {
            UINT Primary : 1; /* displayed */
            UINT Stereo : 1;
            UINT OverridePriority : 1; /* Priority below is set */
            UINT Reserved : 29;
        };
        UINT Value;
    } Flags;
    /* out: address given at creation, if the host does so; else 0 */
    D3DGPU_VIRTUAL_ADDRESS GpuVirtualAddress;
    union {
        UINT Priority; /* in: D3DDDI_ALLOCATIONPRIORITY_* */
        ULONG_PTR Unused;
    };
    ULONG_PTR Reserved[5];
} D3DDDI_ALLOCATIONINFO2;

/* Allocations that every driver can describe without private data. */
typedef enum _D3DKMT_STANDARDALLOCATIONTYPE {
    D3DKMT_STANDARDALLOCATIONTYPE_EXISTINGHEAP = 1, /* memory of the caller */
    /* Linux kernels take 2 as "between adapters" */
    D3DKMT_STANDARDALLOCATIONTYPE_INTERNALBACKINGSTORE = 2,
    D3DKMT_STANDARDALLOCATIONTYPE_MAX = 3
} D3DKMT_STANDARDALLOCATIONTYPE;

typedef struct _D3DKMT_STANDARDALLOCATION_EXISTINGHEAP {
    D3DKMT_SIZE_T Size; /* in: bytes, whole pages */
} D3DKMT_STANDARDALLOCATION_EXISTINGHEAP;

typedef struct _D3DKMT_CREATESTANDARDALLOCATIONFLAGS {
    union {
        struct {
            UINT Reserved : 32;
        };
        UINT Value;
    };
} D3DKMT_CREATESTANDARDALLOCATIONFLAGS;

/* A driver-independent description, in place of private data. */
typedef struct _D3DKMT_CREATESTANDARDALLOCATION {
    D3DKMT_STANDARDALLOCATIONTYPE Type; /* in */
    union {
        D3DKMT_STANDARDALLOCATION_EXISTINGHEAP ExistingHeapData;
    };
    D3DKMT_CREATESTANDARDALLOCATIONFLAGS Flags; /* in */
} D3DKMT_CREATESTANDARDALLOCATION;

typedef struct _D3DKMT_CREATEALLOCATIONFLAGS {
    UINT CreateResource : 1; /* make a resource that owns the allocations */
    /* the resource may be shared; needs CreateResource and NtSecuritySharing */
    UINT CreateShared : 1;
    UINT NonSecure : 1;
    UINT CreateProtected : 1; /* refused */
    UINT RestrictSharedAccess : 1;
    UINT ExistingSysMem : 1;    /* the memory is the caller's; implied by any pSystemMem */
    UINT NtSecuritySharing : 1; /* share by descriptors, the only way on Linux */
    UINT ReadOnly : 1;          /* the GPU only reads the caller's memory */
    UINT CreateWriteCombined : 1;
    UINT CreateCached : 1;
    UINT SwapChainBackBuffer : 1;
    UINT CrossAdapter : 1;
    UINT OpenCrossAdapter : 1;
    UINT PartialSharedCreation : 1;
    UINT Zeroed : 1;
    UINT WriteWatch : 1;
    UINT StandardAllocation : 1; /* pStandardAllocation says what to make */
    UINT ExistingSection : 1;    /* refused */
    UINT AllowNotZeroed : 1;     /* the contents may be anything */
    UINT PhysicallyContiguous : 1;
    UINT NoKmdAccess : 1;
    UINT SharedDisplayable : 1;
    UINT Reserved : 10;
} D3DKMT_CREATEALLOCATIONFLAGS;

/* Argument of D3DKMTCreateAllocation2(). */
typedef struct _D3DKMT_CREATEALLOCATION {
    D3DKMT_HANDLE hDevice; /* in */
    /* in: resource to add to, or 0. out: the new resource, with CreateResource */
    D3DKMT_HANDLE hResource;
    D3DKMT_HANDLE hGlobalShare; /* legacy sharing: comes back as it was */
    /* in: kept with a shared resource for those who open it */
    D3DKMT_PTR(const VOID *, pPrivateRuntimeData);
    UINT PrivateRuntimeDataSize; /* in: bytes */
    union {
        D3DKMT_CREATESTANDARDALLOCATION *pStandardAllocation; /* in: with StandardAllocation */
        const VOID *pPrivateDriverData; /* in: of the resource as a whole, otherwise */
        D3DKMT_ALIGN64 UINT64 AlignUnionTo64_1;
    };
    UINT PrivateDriverDataSize; /* in: bytes */
    UINT NumAllocations;        /* in: 1 to 1024 */
    union {
        D3DDDI_ALLOCATIONINFO *pAllocationInfo;
        D3DDDI_ALLOCATIONINFO2 *pAllocationInfo2; /* in, out: the allocations */
        D3DKMT_ALIGN64 UINT64 AlignUnionTo64_2;
    };
    D3DKMT_CREATEALLOCATIONFLAGS Flags;                /* in */
    D3DKMT_PTR(HANDLE, hPrivateRuntimeResourceHandle); /* in: the client's own mark */
} D3DKMT_CREATEALLOCATION;

/*
 * Makes allocations in a device. Memory is committed but not resident and has no GPU address yet:
 * map it (gpuva.h) and make it resident (residency.h) before use, or lock it at once for the CPU.
 *
 * Either all allocations give system memory or none does. Private data must fit one message: 64
 * bytes, 12 for each allocation and all data together at most 131056 bytes. On failure nothing
 * stays, although handles may have been written to the array.
 *
 * Statuses: STATUS_INVALID_PARAMETER also for the combinations that the flags forbid, unaligned
 * memory, a sealed or foreign resource, and standard allocations that are more than one, not whole
 * pages or with private data; STATUS_BUFFER_TOO_SMALL for data that does not fit, and from kernels
 * also where the host refuses (they cannot tell); STATUS_NO_MEMORY if the caller's memory cannot be
 * pinned; STATUS_GRAPHICS_NO_VIDEO_MEMORY where the backend hears of it.
 */
NTSTATUS APIENTRY D3DKMTCreateAllocation2(D3DKMT_CREATEALLOCATION *args);

typedef struct _D3DDDICB_DESTROYALLOCATION2FLAGS {
    union {
        struct {
            UINT AssumeNotInUse : 1; /* do not wait for the GPU: the client knows that it is done */
            UINT SynchronousDestroy : 1; /* return when the memory has been freed */
            UINT Reserved : 29;
            UINT SystemUseOnly : 1; /* leave 0 */
        };
        UINT Value;
    };
} D3DDDICB_DESTROYALLOCATION2FLAGS;

/* Argument of D3DKMTDestroyAllocation2(): a resource or a list, not both. */
typedef struct _D3DKMT_DESTROYALLOCATION2 {
    D3DKMT_HANDLE hDevice;   /* in */
    D3DKMT_HANDLE hResource; /* in: destroy it with all its allocations; or 0 */
    /* in: allocations, all of one resource or all of none */
    D3DKMT_PTR(const D3DKMT_HANDLE *, phAllocationList);
    UINT AllocationCount;                   /* in: at most 1024; 0 with a resource */
    D3DDDICB_DESTROYALLOCATION2FLAGS Flags; /* in */
} D3DKMT_DESTROYALLOCATION2;

/*
 * Destroys allocations or a whole resource. Locked memory is unmapped. Without AssumeNotInUse
 * memory that the GPU still uses is freed when it is done. Allocations of a shared resource go with
 * the resource only.
 *
 * Statuses: STATUS_INVALID_PARAMETER also for both or neither of resource and list, and for handles
 * of other devices; then nothing has been destroyed. STATUS_GRAPHICS_ALLOCATION_BUSY is the host's
 * comment: the handles are gone.
 */
NTSTATUS APIENTRY D3DKMTDestroyAllocation2(const D3DKMT_DESTROYALLOCATION2 *args);

/* Argument of D3DKMTDestroyAllocation(). */
typedef struct _D3DKMT_DESTROYALLOCATION {
    D3DKMT_HANDLE hDevice;                               /* in */
    D3DKMT_HANDLE hResource;                             /* in */
    D3DKMT_PTR(const D3DKMT_HANDLE *, phAllocationList); /* in */
    UINT AllocationCount;                                /* in */
} D3DKMT_DESTROYALLOCATION;

/* The older form of D3DKMTDestroyAllocation2(), without flags. */
NTSTATUS APIENTRY D3DKMTDestroyAllocation(const D3DKMT_DESTROYALLOCATION *args);

typedef struct _D3DDDICB_LOCK2FLAGS {
    union {
        struct {
            UINT Reserved : 32;
        };
        UINT Value;
    };
} D3DDDICB_LOCK2FLAGS;

/* Argument of D3DKMTLock2(). */
typedef struct _D3DKMT_LOCK2 {
    D3DKMT_HANDLE hDevice;     /* in */
    D3DKMT_HANDLE hAllocation; /* in */
    D3DDDICB_LOCK2FLAGS Flags; /* in: 0 */
    D3DKMT_PTR(PVOID, pData);  /* out: the CPU's address of the whole allocation */
} D3DKMT_LOCK2;

/*
 * Maps an allocation for the CPU. All lockers of the process get the same address; locks count. It
 * stays valid until the last unlock or the destruction of the allocation. Memory that the caller
 * provided is at its own address. Uncached allocations are mapped write-combined: slow to read.
 *
 * Does not wait for the GPU: order accesses with fences.
 *
 * Statuses: STATUS_NO_MEMORY if it cannot be mapped.
 */
NTSTATUS APIENTRY D3DKMTLock2(D3DKMT_LOCK2 *args);

/* Argument of D3DKMTUnlock2(). */
typedef struct _D3DKMT_UNLOCK2 {
    D3DKMT_HANDLE hDevice;     /* in */
    D3DKMT_HANDLE hAllocation; /* in */
} D3DKMT_UNLOCK2;

/*
 * Ends one lock; the last one unmaps. Need not be called before destruction.
 *
 * Statuses: STATUS_INVALID_PARAMETER also if the allocation is not locked.
 */
NTSTATUS APIENTRY D3DKMTUnlock2(const D3DKMT_UNLOCK2 *args);

/* Argument of D3DKMTInvalidateCache(). */
typedef struct _D3DKMT_INVALIDATECACHE {
    D3DKMT_HANDLE hDevice;     /* in */
    D3DKMT_HANDLE hAllocation; /* in */
    D3DKMT_SIZE_T Offset;      /* in: bytes from the start of the allocation */
    D3DKMT_SIZE_T Length;      /* in: bytes */
} D3DKMT_INVALIDATECACHE;

/*
 * Makes what the GPU wrote visible to CPU reads of a cached allocation, on adapters that do not
 * snoop.
 */
NTSTATUS APIENTRY D3DKMTInvalidateCache(const D3DKMT_INVALIDATECACHE *args);

/* Argument of D3DKMTSetAllocationPriority(). */
typedef struct _D3DKMT_SETALLOCATIONPRIORITY {
    D3DKMT_HANDLE hDevice;                               /* in */
    D3DKMT_HANDLE hResource;                             /* in: instead of a list */
    D3DKMT_PTR(const D3DKMT_HANDLE *, phAllocationList); /* in */
    UINT AllocationCount; /* in: at most 16377 fit; 0 with a resource */
    /* in: one for each allocation, or one for the resource */
    D3DKMT_PTR(const UINT *, pPriorities);
} D3DKMT_SETALLOCATIONPRIORITY;

/*
 * Sets how reluctantly allocations are evicted when others need the room. Allocations begin with
 * the normal priority.
 *
 * Statuses: STATUS_INVALID_PARAMETER also for both or neither of resource and list.
 */
NTSTATUS APIENTRY D3DKMTSetAllocationPriority(const D3DKMT_SETALLOCATIONPRIORITY *args);

/* Argument of D3DKMTGetAllocationPriority(). */
typedef struct _D3DKMT_GETALLOCATIONPRIORITY {
    D3DKMT_HANDLE hDevice;                               /* in */
    D3DKMT_HANDLE hResource;                             /* in: instead of a list */
    D3DKMT_PTR(const D3DKMT_HANDLE *, phAllocationList); /* in */
    UINT AllocationCount;                                /* in: 0 with a resource */
    D3DKMT_PTR(UINT *, pPriorities); /* out: one for each allocation, or one for the resource */
} D3DKMT_GETALLOCATIONPRIORITY;

/*
 * Tells what D3DKMTSetAllocationPriority() set; of a resource whose allocations differ the lowest.
 * Statuses as there.
 */
NTSTATUS APIENTRY D3DKMTGetAllocationPriority(const D3DKMT_GETALLOCATIONPRIORITY *args);

typedef struct _D3DDDICB_LOCKFLAGS {
    union {
        struct {
            UINT ReadOnly : 1;
            UINT WriteOnly : 1;
            UINT DonotWait : 1;
            UINT IgnoreSync : 1;
            UINT LockEntire : 1;
            UINT DonotEvict : 1;
            UINT AcquireAperture : 1;
            UINT Discard : 1;
            UINT NoExistingReference : 1;
            UINT UseAlternateVA : 1;
            UINT IgnoreReadSync : 1;
            UINT Reserved : 21;
        };
        UINT Value;
    };
} D3DDDICB_LOCKFLAGS;

/* Argument of D3DKMTLock(). */
typedef struct _D3DKMT_LOCK {
    D3DKMT_HANDLE hDevice;
    D3DKMT_HANDLE hAllocation;
    UINT PrivateDriverData;
    UINT NumPages;
    D3DKMT_PTR(const UINT *, pPages);
    D3DKMT_PTR(VOID *, pData);
    D3DDDICB_LOCKFLAGS Flags;
    D3DGPU_VIRTUAL_ADDRESS GpuVirtualAddress;
} D3DKMT_LOCK;

/*
 * The legacy lock, for swizzled and renamed allocations. Status: STATUS_NOT_SUPPORTED; use
 * D3DKMTLock2().
 */
NTSTATUS APIENTRY D3DKMTLock(D3DKMT_LOCK *args);

/* Argument of D3DKMTUnlock(). */
typedef struct _D3DKMT_UNLOCK {
    D3DKMT_HANDLE hDevice;
    UINT NumAllocations;
    D3DKMT_PTR(const D3DKMT_HANDLE *, phAllocations);
} D3DKMT_UNLOCK;

/* The counterpart of D3DKMTLock(). Status: STATUS_NOT_SUPPORTED; use D3DKMTUnlock2(). */
NTSTATUS APIENTRY D3DKMTUnlock(const D3DKMT_UNLOCK *args);

#include "end.h"

#endif
