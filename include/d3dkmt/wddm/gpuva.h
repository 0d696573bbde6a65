/* SPDX-License-Identifier: MIT */
/*
 * GPU virtual addresses: reserving, mapping and freeing ranges of a process' GPU address space.
 * Pages have 4096 bytes.
 */
#ifndef D3DKMT_WDDM_GPUVA_H
#define D3DKMT_WDDM_GPUVA_H

#include "scalars.h"

#include "begin.h"

/* A bit of DriverProtection; what it means is between driver and host. */
#define D3DGPU_UNIQUE_DRIVER_PROTECTION 0x8000000000000000ULL
#define DXGK_MAX_PAGE_TABLE_LEVEL_COUNT 6 /* Levels that a GPU's page table may have. */
#define DXGK_MIN_PAGE_TABLE_LEVEL_COUNT 2
#define D3DGPU_NULL                     0 /* No address. */

/* What accesses to a reserved, unmapped range do. */
typedef enum _D3DDDIGPUVIRTUALADDRESS_RESERVATION_TYPE {
    D3DDDIGPUVIRTUALADDRESS_RESERVE_NO_ACCESS = 0, /* they fault */
    D3DDDIGPUVIRTUALADDRESS_RESERVE_ZERO = 1,      /* reads give 0, writes vanish */
    D3DDDIGPUVIRTUALADDRESS_RESERVE_NO_COMMIT = 2  /* no page tables are committed */
} D3DDDIGPUVIRTUALADDRESS_RESERVATION_TYPE;

/* Argument of D3DKMTReserveGpuVirtualAddress(). */
typedef struct D3DDDI_RESERVEGPUVIRTUALADDRESS {
    union {
        D3DKMT_HANDLE hPagingQueue; /* in: a paging queue or */
        D3DKMT_HANDLE hAdapter;     /* in: an adapter */
    };
    D3DGPU_VIRTUAL_ADDRESS BaseAddress;    /* in: the very address, or 0 to leave it open */
    D3DGPU_VIRTUAL_ADDRESS MinimumAddress; /* in: without BaseAddress, where to look from */
    D3DGPU_VIRTUAL_ADDRESS MaximumAddress; /* in: and up to where; 0: no limit */
    D3DGPU_SIZE_T Size;                    /* in: bytes, whole pages */
    union {
        D3DDDIGPUVIRTUALADDRESS_RESERVATION_TYPE ReservationType; /* in */
        UINT Reserved0;
    };
    union {
        UINT64 DriverProtection; /* in: for RESERVE_NO_ACCESS and _ZERO */
        UINT64 Reserved1;
    };
    D3DGPU_VIRTUAL_ADDRESS VirtualAddress; /* out */
    union {
        UINT64 PagingFenceValue; /* out where the backend knows it; kernels leave it as it was */
        UINT64 Reserved2;
    };
} D3DDDI_RESERVEGPUVIRTUALADDRESS;

/*
 * Reserves a range of GPU addresses for later mapping; costs no memory however large. Reservations
 * belong to the process.
 *
 * Statuses: STATUS_INVALID_PARAMETER also if the range is taken; kernels may report failure by
 * address 0.
 */
NTSTATUS APIENTRY D3DKMTReserveGpuVirtualAddress(D3DDDI_RESERVEGPUVIRTUALADDRESS *args);

/* Argument of D3DKMTFreeGpuVirtualAddress(). */
typedef struct _D3DKMT_FREEGPUVIRTUALADDRESS {
    D3DKMT_HANDLE hAdapter;             /* in: an adapter, not a paging queue */
    D3DGPU_VIRTUAL_ADDRESS BaseAddress; /* in */
    D3DGPU_SIZE_T Size;                 /* in: bytes, whole pages */
} D3DKMT_FREEGPUVIRTUALADDRESS;

/* Frees a range that was reserved or that a mapping allocated, with the mappings in it. */
NTSTATUS APIENTRY D3DKMTFreeGpuVirtualAddress(const D3DKMT_FREEGPUVIRTUALADDRESS *args);

/* What the GPU may do in a range. Reading goes without saying. */
typedef struct _D3DDDIGPUVIRTUALADDRESS_PROTECTION_TYPE {
    union {
        struct {
            UINT64 Write : 1;
            UINT64 Execute : 1;
            UINT64 Zero : 1;          /* reads give 0; needs no allocation */
            UINT64 NoAccess : 1;      /* every access faults: this is how to unmap */
            UINT64 SystemUseOnly : 1; /* leave 0 */
            UINT64 Reserved : 59;
        };
        UINT64 Value;
    };
} D3DDDIGPUVIRTUALADDRESS_PROTECTION_TYPE;

/* Argument of D3DKMTMapGpuVirtualAddress(). */
typedef struct D3DDDI_MAPGPUVIRTUALADDRESS {
    D3DKMT_HANDLE hPagingQueue; /* in: orders the change, and decides the device */
    /* in: the very address, or 0 to leave it open; may lie in a reservation of the process */
    D3DGPU_VIRTUAL_ADDRESS BaseAddress;
    D3DGPU_VIRTUAL_ADDRESS MinimumAddress; /* in: without BaseAddress, where to look from */
    D3DGPU_VIRTUAL_ADDRESS MaximumAddress; /* in: and up to where; 0: no limit */
    D3DKMT_HANDLE hAllocation;             /* in: of the queue's device; 0 with Zero or NoAccess */
    D3DGPU_SIZE_T OffsetInPages;           /* in: from the start of the allocation */
    D3DGPU_SIZE_T SizeInPages;             /* in: pages to map */
    D3DDDIGPUVIRTUALADDRESS_PROTECTION_TYPE Protection; /* in */
    UINT64 DriverProtection;                            /* in: passed to the driver's page tables */
    UINT Reserved0;
    UINT64 Reserved1;
    D3DGPU_VIRTUAL_ADDRESS VirtualAddress; /* out */
    /* out: the paging queue's fence reaches it when the mapping can be used */
    UINT64 PagingFenceValue;
} D3DDDI_MAPGPUVIRTUALADDRESS;

/*
 * Maps an allocation, or nothing, into the GPU address space of the process. A range that was
 * mapped before is mapped anew.
 *
 * Statuses: STATUS_PENDING, a success: wait for PagingFenceValue on the paging queue's fence before
 * use. STATUS_INVALID_PARAMETER also if the range is taken or outside of the window.
 */
NTSTATUS APIENTRY D3DKMTMapGpuVirtualAddress(D3DDDI_MAPGPUVIRTUALADDRESS *args);

typedef enum _D3DDDI_UPDATEGPUVIRTUALADDRESS_OPERATION_TYPE {
    D3DDDI_UPDATEGPUVIRTUALADDRESS_MAP = 0,
    D3DDDI_UPDATEGPUVIRTUALADDRESS_UNMAP = 1,
    D3DDDI_UPDATEGPUVIRTUALADDRESS_COPY = 2,
    D3DDDI_UPDATEGPUVIRTUALADDRESS_MAP_PROTECT = 3
} D3DDDI_UPDATEGPUVIRTUALADDRESS_OPERATION_TYPE;

/* One step of D3DKMTUpdateGpuVirtualAddress(). All sizes are bytes, whole pages. */
typedef struct _D3DDDI_UPDATEGPUVIRTUALADDRESS_OPERATION {
    /* in: which member of the union is meant */
    D3DDDI_UPDATEGPUVIRTUALADDRESS_OPERATION_TYPE OperationType;
    union {
        struct {
            D3DGPU_VIRTUAL_ADDRESS BaseAddress;
            D3DGPU_SIZE_T SizeInBytes;
            D3DKMT_HANDLE hAllocation;
            D3DGPU_SIZE_T AllocationOffsetInBytes;
            D3DGPU_SIZE_T AllocationSizeInBytes;
        } Map;
        struct {
            D3DGPU_VIRTUAL_ADDRESS BaseAddress;
            D3DGPU_SIZE_T SizeInBytes;
            D3DKMT_HANDLE hAllocation;
            D3DGPU_SIZE_T AllocationOffsetInBytes;
            D3DGPU_SIZE_T AllocationSizeInBytes;
            D3DDDIGPUVIRTUALADDRESS_PROTECTION_TYPE Protection;
            UINT64 DriverProtection;
        } MapProtect;
        struct {
            D3DGPU_VIRTUAL_ADDRESS BaseAddress;
            D3DGPU_SIZE_T SizeInBytes;
            D3DDDIGPUVIRTUALADDRESS_PROTECTION_TYPE Protection;
        } Unmap;
        struct {
            D3DGPU_VIRTUAL_ADDRESS SourceAddress;
            D3DGPU_SIZE_T SizeInBytes;
            D3DGPU_VIRTUAL_ADDRESS DestAddress;
        } Copy;
    };
} D3DDDI_UPDATEGPUVIRTUALADDRESS_OPERATION;

/* Argument of D3DKMTUpdateGpuVirtualAddress(). */
typedef struct _D3DKMT_UPDATEGPUVIRTUALADDRESS {
    D3DKMT_HANDLE hDevice;      /* in */
    D3DKMT_HANDLE hContext;     /* in: context whose stream of commands orders the change */
    D3DKMT_HANDLE hFenceObject; /* in: monitored fence that orders the change among contexts */
    UINT NumOperations;         /* in: at most 2048; 2046 fit */
    D3DKMT_PTR(D3DDDI_UPDATEGPUVIRTUALADDRESS_OPERATION *, Operations); /* in */
    D3DKMT_SIZE_T Reserved0;
    UINT64 Reserved1;
    UINT64 FenceValue; /* in: value of that fence; comes back as it was */
    union {
        struct {
            UINT DoNotWait : 1; /* do not wait for the fence */
            UINT Reserved : 31;
        };
        UINT Value;
    } Flags;
} D3DKMT_UPDATEGPUVIRTUALADDRESS;

/*
 * Queues changes of mappings in a reserved range, in the order of a context's commands: tiled and
 * sparse resources.
 */
NTSTATUS APIENTRY D3DKMTUpdateGpuVirtualAddress(const D3DKMT_UPDATEGPUVIRTUALADDRESS *args);

#include "end.h"

#endif
