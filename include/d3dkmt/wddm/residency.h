/* SPDX-License-Identifier: MIT */
/*
 * Residency: what lies in memory that the GPU can reach, within a budget, and the paging queues
 * that move it.
 */
#ifndef D3DKMT_WDDM_RESIDENCY_H
#define D3DKMT_WDDM_RESIDENCY_H

#include "scalars.h"

#include "begin.h"

/* How a queue's requests compete with those of other queues. */
typedef enum D3DDDI_PAGINGQUEUE_PRIORITY {
    D3DDDI_PAGINGQUEUE_PRIORITY_BELOW_NORMAL = -1,
    D3DDDI_PAGINGQUEUE_PRIORITY_NORMAL = 0,
    D3DDDI_PAGINGQUEUE_PRIORITY_ABOVE_NORMAL = 1
} D3DDDI_PAGINGQUEUE_PRIORITY;

/* Argument of D3DKMTCreatePagingQueue(). */
typedef struct _D3DKMT_CREATEPAGINGQUEUE {
    D3DKMT_HANDLE hDevice;                /* in */
    D3DDDI_PAGINGQUEUE_PRIORITY Priority; /* in */
    D3DKMT_HANDLE hPagingQueue;           /* out */
    D3DKMT_HANDLE hSyncObject; /* out: the queue's fence; may be waited on, dies with the queue */
    /* out: points to the fence's 64-bit value, for reading */
    D3DKMT_PTR(VOID *, FenceValueCPUVirtualAddress);
    UINT PhysicalAdapterIndex; /* in: 0 unless GPUs are linked */
} D3DKMT_CREATEPAGINGQUEUE;

/*
 * Makes a queue for requests that move memory or change mappings. Requests run in their order, each
 * with the next value of the queue's fence. Wait for a value by reading it, by
 * D3DKMTWaitForSynchronizationObjectFromCpu(), or on a context by
 * D3DKMTWaitForSynchronizationObjectFromGpu().
 */
NTSTATUS APIENTRY D3DKMTCreatePagingQueue(D3DKMT_CREATEPAGINGQUEUE *args);

/* Argument of D3DKMTDestroyPagingQueue(). */
typedef struct D3DDDI_DESTROYPAGINGQUEUE {
    D3DKMT_HANDLE hPagingQueue; /* in */
} D3DDDI_DESTROYPAGINGQUEUE;

/* Destroys a paging queue and its fence; the fence's CPU address is invalid afterwards. */
NTSTATUS APIENTRY D3DKMTDestroyPagingQueue(D3DDDI_DESTROYPAGINGQUEUE *args);

typedef struct D3DDDI_MAKERESIDENT_FLAGS {
    union {
        struct {
            UINT CantTrimFurther : 1; /* the client has nothing left to evict */
            UINT MustSucceed : 1;     /* go over the budget rather than fail */
            UINT Reserved : 30;
        };
        UINT Value;
    };
} D3DDDI_MAKERESIDENT_FLAGS;

/* Argument of D3DKMTMakeResident(). */
typedef struct D3DDDI_MAKERESIDENT {
    D3DKMT_HANDLE hPagingQueue;                        /* in */
    UINT NumAllocations;                               /* in: 1 to 10240 */
    D3DKMT_PTR(const D3DKMT_HANDLE *, AllocationList); /* in */
    D3DKMT_PTR(const UINT *, PriorityList);            /* in: ignored; may be NULL */
    D3DDDI_MAKERESIDENT_FLAGS Flags;                   /* in */
    UINT64 PagingFenceValue; /* out: the paging queue's fence reaches it when the memory is there */
    /* out: bytes to evict before trying again; kernels leave it as it was on failure */
    UINT64 NumBytesToTrim;
} D3DDDI_MAKERESIDENT;

/*
 * Takes one more hold on each allocation's residency; D3DKMTEvict() lets go of one. While held, the
 * memory stays where the GPU can reach it, if need be by moving others out.
 *
 * Statuses: STATUS_PENDING, a success: wait for PagingFenceValue before use. STATUS_NO_MEMORY or
 * STATUS_GRAPHICS_NO_VIDEO_MEMORY beyond the budget: evict NumBytesToTrim and try again.
 * STATUS_INVALID_PARAMETER also for what is offered, and for allocations of another device.
 */
NTSTATUS APIENTRY D3DKMTMakeResident(D3DDDI_MAKERESIDENT *args);

typedef struct D3DDDI_EVICT_FLAGS {
    union {
        struct {
            UINT EvictOnlyIfNecessary : 1; /* the host need not move it before others need room */
            /* contents have not changed since the last time: nothing to save */
            UINT NotWrittenTo : 1;
            UINT Reserved : 30;
        };
        UINT Value;
    };
} D3DDDI_EVICT_FLAGS;

/* Argument of D3DKMTEvict(). */
typedef struct _D3DKMT_EVICT {
    D3DKMT_HANDLE hDevice;                             /* in */
    UINT NumAllocations;                               /* in: 1 to 10240 */
    D3DKMT_PTR(const D3DKMT_HANDLE *, AllocationList); /* in */
    D3DDDI_EVICT_FLAGS Flags;                          /* in */
    UINT64 NumBytesToTrim; /* out: bytes that the process is over its budget */
} D3DKMT_EVICT;

/*
 * Lets go of one hold on each allocation's residency. Contents are preserved. Allocations of
 * another device are refused.
 */
NTSTATUS APIENTRY D3DKMTEvict(D3DKMT_EVICT *args);

/* Who loses its contents first. */
typedef enum _D3DKMT_OFFER_PRIORITY {
    D3DKMT_OFFER_PRIORITY_LOW = 1,
    D3DKMT_OFFER_PRIORITY_NORMAL = 2,
    D3DKMT_OFFER_PRIORITY_HIGH = 3,
    D3DKMT_OFFER_PRIORITY_AUTO = 4 /* as the allocation's own priority says */
} D3DKMT_OFFER_PRIORITY;

typedef struct _D3DKMT_OFFER_FLAGS {
    union {
        struct {
            UINT OfferImmediately : 1;
            UINT AllowDecommit : 1;
            UINT Reserved : 30;
        };
        UINT Value;
    };
} D3DKMT_OFFER_FLAGS;

/* Argument of D3DKMTOfferAllocations(). */
typedef struct _D3DKMT_OFFERALLOCATIONS {
    D3DKMT_HANDLE hDevice;                   /* in */
    D3DKMT_PTR(D3DKMT_HANDLE *, pResources); /* in: resources, or NULL */
    /* in: allocations, or NULL; exactly one of both is given */
    D3DKMT_PTR(const D3DKMT_HANDLE *, HandleList);
    UINT NumAllocations;            /* in: 1 to 10240 */
    D3DKMT_OFFER_PRIORITY Priority; /* in */
    D3DKMT_OFFER_FLAGS Flags;       /* in */
} D3DKMT_OFFERALLOCATIONS;

/*
 * Gives memory up for others to take: contents may be lost until the allocation is reclaimed. The
 * GPU must be done with it: until then it faults on it. All or none are offered; what is offered
 * already gets the new priority.
 *
 * Statuses: STATUS_INVALID_PARAMETER also for what is locked or lies on the caller's memory, and
 * for handles of another device; STATUS_NOT_SUPPORTED for shared resources in the simulation.
 */
NTSTATUS APIENTRY D3DKMTOfferAllocations(const D3DKMT_OFFERALLOCATIONS *args);

/* What became of an offered allocation. */
typedef enum _D3DDDI_RECLAIM_RESULT {
    D3DDDI_RECLAIM_RESULT_OK = 0,
    D3DDDI_RECLAIM_RESULT_DISCARDED = 1,    /* the contents are lost */
    D3DDDI_RECLAIM_RESULT_NOT_COMMITTED = 2 /* the memory is gone and could not be had again */
} D3DDDI_RECLAIM_RESULT;

/* Argument of D3DKMTReclaimAllocations2(). */
typedef struct _D3DKMT_RECLAIMALLOCATIONS2 {
    D3DKMT_HANDLE hPagingQueue;              /* in */
    UINT NumAllocations;                     /* in: 1 to 10240 */
    D3DKMT_PTR(D3DKMT_HANDLE *, pResources); /* in: resources, or NULL */
    /* in: allocations, or NULL; exactly one of both is given */
    D3DKMT_PTR(const D3DKMT_HANDLE *, HandleList);
    union {
        BOOL *pDiscarded;                /* out: the older form of pResults */
        D3DDDI_RECLAIM_RESULT *pResults; /* out: one for each; may be NULL */
        D3DKMT_ALIGN64 UINT64 AlignUnionTo64;
    };
    UINT64 PagingFenceValue; /* out: the paging queue's fence reaches it when the memory is there */
} D3DKMT_RECLAIMALLOCATIONS2;

/*
 * Takes offered memory back and tells what is left of it. Residency is as it was before the offer;
 * what was not offered stays as it is. What is not committed stays offered: try again.
 *
 * Statuses: STATUS_PENDING, a success: wait for PagingFenceValue. Kernels lose that status if
 * results are asked for: wait whenever the value is ahead of the fence. STATUS_NO_MEMORY, where no
 * results are asked for: something is not committed.
 */
NTSTATUS APIENTRY D3DKMTReclaimAllocations2(D3DKMT_RECLAIMALLOCATIONS2 *args);

typedef enum _D3DKMT_ALLOCATIONRESIDENCYSTATUS {
    D3DKMT_ALLOCATIONRESIDENCYSTATUS_RESIDENTINGPUMEMORY = 1,
    D3DKMT_ALLOCATIONRESIDENCYSTATUS_RESIDENTINSHAREDMEMORY = 2,
    D3DKMT_ALLOCATIONRESIDENCYSTATUS_NOTRESIDENT = 3
} D3DKMT_ALLOCATIONRESIDENCYSTATUS;

/* Argument of D3DKMTQueryAllocationResidency(). */
typedef struct _D3DKMT_QUERYALLOCATIONRESIDENCY {
    D3DKMT_HANDLE hDevice;                               /* in */
    D3DKMT_HANDLE hResource;                             /* in: instead of a list */
    D3DKMT_PTR(const D3DKMT_HANDLE *, phAllocationList); /* in */
    UINT AllocationCount; /* in: at most 32750 fit; 0 with a resource */
    /* out: one for each allocation, or one for the resource */
    D3DKMT_PTR(D3DKMT_ALLOCATIONRESIDENCYSTATUS *, pResidencyStatus);
} D3DKMT_QUERYALLOCATIONRESIDENCY;

/*
 * Tells where allocations are now; nothing keeps them there.
 *
 * Statuses: STATUS_INVALID_PARAMETER also for both or neither of resource and list.
 */
NTSTATUS APIENTRY D3DKMTQueryAllocationResidency(const D3DKMT_QUERYALLOCATIONRESIDENCY *args);

/*
 * Segments that an allocation prefers, best first, each with the end to fill from. 0 ends the list.
 */
typedef struct _D3DDDI_SEGMENTPREFERENCE {
    union {
        struct {
            UINT SegmentId0 : 5;
            UINT Direction0 : 1;
            UINT SegmentId1 : 5;
            UINT Direction1 : 1;
            UINT SegmentId2 : 5;
            UINT Direction2 : 1;
            UINT SegmentId3 : 5;
            UINT Direction3 : 1;
            UINT SegmentId4 : 5;
            UINT Direction4 : 1;
            UINT Reserved : 2;
        };
        UINT Value;
    };
} D3DDDI_SEGMENTPREFERENCE;

typedef struct D3DDDI_UPDATEALLOCPROPERTY_FLAGS {
    union {
        struct {
            UINT AccessedPhysically : 1;
            UINT Unmoveable : 1;
            UINT Reserved : 30;
        };
        UINT Value;
    };
} D3DDDI_UPDATEALLOCPROPERTY_FLAGS;

/* Argument of D3DKMTUpdateAllocationProperty(). The mask says which properties change. */
typedef struct D3DDDI_UPDATEALLOCPROPERTY {
    D3DKMT_HANDLE hPagingQueue;                /* in */
    D3DKMT_HANDLE hAllocation;                 /* in */
    UINT SupportedSegmentSet;                  /* in: bit n allows segment n + 1 */
    D3DDDI_SEGMENTPREFERENCE PreferredSegment; /* in */
    D3DDDI_UPDATEALLOCPROPERTY_FLAGS Flags;    /* in */
    UINT64 PagingFenceValue; /* out: the paging queue's fence reaches it when the change is made */
    union {
        struct {
            UINT SetAccessedPhysically : 1;
            UINT SetSupportedSegmentSet : 1;
            UINT SetPreferredSegment : 1;
            UINT SetUnmoveable : 1;
            UINT Reserved : 28;
        };
        UINT PropertyMaskValue;
    };
} D3DDDI_UPDATEALLOCPROPERTY;

/*
 * Changes where an allocation may live; what is resident moves. The first preferred segment that is
 * supported is taken.
 *
 * Statuses: STATUS_PENDING, a success: PagingFenceValue has been written, wait for it.
 * STATUS_INVALID_PARAMETER also for segments that the adapter has not, and where no preferred
 * segment is supported; STATUS_NO_MEMORY: no room there, nothing has changed. The simulation
 * answers STATUS_NOT_SUPPORTED to the other properties; its segments are 1, video memory, and 2,
 * system memory.
 */
NTSTATUS APIENTRY D3DKMTUpdateAllocationProperty(D3DDDI_UPDATEALLOCPROPERTY *args);

/* Memory of the GPU, or of the machine. */
typedef enum _D3DKMT_MEMORY_SEGMENT_GROUP {
    D3DKMT_MEMORY_SEGMENT_GROUP_LOCAL = 0,
    D3DKMT_MEMORY_SEGMENT_GROUP_NON_LOCAL = 1
} D3DKMT_MEMORY_SEGMENT_GROUP;

/* Argument of D3DKMTQueryVideoMemoryInfo(). All amounts are bytes. */
typedef struct _D3DKMT_QUERYVIDEOMEMORYINFO {
    D3DKMT_PTR(HANDLE, hProcess);                   /* in: 0, the caller; others are refused */
    D3DKMT_HANDLE hAdapter;                         /* in */
    D3DKMT_MEMORY_SEGMENT_GROUP MemorySegmentGroup; /* in */
    UINT64 Budget;                  /* out: how much the process may keep resident */
    UINT64 CurrentUsage;            /* out: how much it does */
    UINT64 CurrentReservation;      /* out: how much it has announced to need */
    UINT64 AvailableForReservation; /* out: how much it may announce */
    UINT PhysicalAdapterIndex;      /* in: 0 unless GPUs are linked */
} D3DKMT_QUERYVIDEOMEMORYINFO;

/* Tells the budget of the process and what it uses. The budget changes with what others do. */
NTSTATUS APIENTRY D3DKMTQueryVideoMemoryInfo(D3DKMT_QUERYVIDEOMEMORYINFO *args);

/* Argument of D3DKMTChangeVideoMemoryReservation(). The tag is spelt as WDDM spells it. */
typedef struct _D3DKMT_CHANGEVIDEOMMEMORYRESERVATION {
    D3DKMT_PTR(HANDLE, hProcess);                   /* in: 0, the caller; others are refused */
    D3DKMT_HANDLE hAdapter;                         /* in */
    D3DKMT_MEMORY_SEGMENT_GROUP MemorySegmentGroup; /* in */
    UINT64 Reservation;                             /* in: bytes, at most AvailableForReservation */
    UINT PhysicalAdapterIndex;                      /* in: 0 unless GPUs are linked */
} D3DKMT_CHANGEVIDEOMEMORYRESERVATION;

/* Announces the least memory that the process needs; the budget does not go below it. */
NTSTATUS APIENTRY
D3DKMTChangeVideoMemoryReservation(const D3DKMT_CHANGEVIDEOMEMORYRESERVATION *args);

/* Argument of D3DKMTFlushHeapTransitions(). */
typedef struct _D3DKMT_FLUSHHEAPTRANSITIONS {
    D3DKMT_HANDLE hAdapter; /* in; kernels write their own number over it: set it for each call */
} D3DKMT_FLUSHHEAPTRANSITIONS;

/* Waits for memory that is being handed over between heaps. */
NTSTATUS APIENTRY D3DKMTFlushHeapTransitions(D3DKMT_FLUSHHEAPTRANSITIONS *args);

#include "end.h"

#endif
