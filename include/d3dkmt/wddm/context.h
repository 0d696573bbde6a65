/* SPDX-License-Identifier: MIT */
/* Contexts: streams of commands for an engine, and submission to them. */
#ifndef D3DKMT_WDDM_CONTEXT_H
#define D3DKMT_WDDM_CONTEXT_H

#include "scalars.h"

#include "begin.h"

/* Priority bit: not relative to the process' priority. */
#define D3DKMT_SETCONTEXTSCHEDULINGPRIORITY_ABSOLUTE 0x40000000

/* Which interface the client implements; hosts show it and may schedule by it. */
typedef enum _D3DKMT_CLIENTHINT {
    D3DKMT_CLIENTHINT_UNKNOWN = 0,
    D3DKMT_CLIENTHINT_OPENGL = 1,
    D3DKMT_CLIENTHINT_CDD = 2,
    D3DKMT_CLIENTHINT_OPENCL = 3,
    D3DKMT_CLIENTHINT_VULKAN = 4,
    D3DKMT_CLIENTHINT_CUDA = 5,
    D3DKMT_CLIENTHINT_RESERVED = 6,
    D3DKMT_CLIENTHINT_DX7 = 7,
    D3DKMT_CLIENTHINT_DX8 = 8,
    D3DKMT_CLIENTHINT_DX9 = 9,
    D3DKMT_CLIENTHINT_DX10 = 10,
    D3DKMT_CLIENTHINT_DX11 = 11,
    D3DKMT_CLIENTHINT_DX12 = 12,
    D3DKMT_CLIENTHINT_9ON12 = 13,
    D3DKMT_CLIENTHINT_11ON12 = 14,
    D3DKMT_CLIENTHINT_MFT_ENCODE = 15,
    D3DKMT_CLIENTHINT_GLON12 = 16,
    D3DKMT_CLIENTHINT_CLON12 = 17,
    D3DKMT_CLIENTHINT_DML_TENSORFLOW = 18,
    D3DKMT_CLIENTHINT_ONEAPI_LEVEL0 = 19,
    D3DKMT_CLIENTHINT_MAX = 20
} D3DKMT_CLIENTHINT;

typedef struct _D3DDDI_CREATECONTEXTFLAGS {
    union {
        struct {
            UINT NullRendering : 1;       /* submissions are accepted and not executed */
            UINT InitialData : 1;         /* the context is for uploads before the first use */
            UINT DisableGpuTimeout : 1;   /* do not reset the engine for work that takes long */
            UINT SynchronizationOnly : 1; /* carries waits and signals only */
            UINT HwQueueSupported : 1;    /* will own hardware queues */
            UINT NoKmdAccess : 1; /* the kernel-mode driver does not look into the commands */
            UINT Reserved : 26;
        };
        UINT Value;
    };
} D3DDDI_CREATECONTEXTFLAGS;

/* Argument of D3DKMTCreateContextVirtual(). */
typedef struct _D3DKMT_CREATECONTEXTVIRTUAL {
    D3DKMT_HANDLE hDevice; /* in */
    UINT NodeOrdinal;      /* in: which engine, counted from 0 */
    /* in: bit n allows engine n of the node in linked adapters; 0 and 1 both mean the first */
    UINT EngineAffinity;
    D3DDDI_CREATECONTEXTFLAGS Flags;        /* in */
    D3DKMT_PTR(VOID *, pPrivateDriverData); /* in, out: the driver's own bytes */
    UINT PrivateDriverDataSize;             /* in: bytes, at most 131072; up to 131001 fit */
    D3DKMT_CLIENTHINT ClientHint;           /* in */
    D3DKMT_HANDLE hContext;                 /* out */
} D3DKMT_CREATECONTEXTVIRTUAL;

/*
 * Makes a context whose commands use GPU virtual addresses. It dies with its device. A context with
 * HwQueueSupported takes no commands itself but owns hardware queues (hwqueue.h).
 *
 * Statuses: the common ones; kernels say STATUS_INVALID_PARAMETER for whatever goes wrong.
 */
NTSTATUS APIENTRY D3DKMTCreateContextVirtual(D3DKMT_CREATECONTEXTVIRTUAL *args);

/* Argument of D3DKMTDestroyContext(). */
typedef struct _D3DKMT_DESTROYCONTEXT {
    D3DKMT_HANDLE hContext; /* in */
} D3DKMT_DESTROYCONTEXT;

/*
 * Destroys a context with its hardware queues. Commands that are queued complete or are dropped as
 * the host decides. The handle is gone in any case; a failure status is the host's comment on it.
 */
NTSTATUS APIENTRY D3DKMTDestroyContext(const D3DKMT_DESTROYCONTEXT *args);

/* Legacy submission: an allocation that the commands use. */
typedef struct _D3DDDI_ALLOCATIONLIST {
    D3DKMT_HANDLE hAllocation;
    union {
        struct {
            UINT WriteOperation : 1;
            UINT DoNotRetireInstance : 1;
            UINT OfferPriority : 3;
            UINT Reserved : 27;
        };
        UINT Value;
    };
} D3DDDI_ALLOCATIONLIST;

/* Legacy submission: where the kernel writes an allocation's address into the commands. */
typedef struct _D3DDDI_PATCHLOCATIONLIST {
    UINT AllocationIndex;
    union {
        struct {
            UINT SlotId : 24;
            UINT Reserved : 8;
        };
        UINT Value;
    };
    UINT DriverId;
    UINT AllocationOffset; /* bytes from the allocation's start */
    UINT PatchOffset;      /* bytes from the command buffer's start */
    UINT SplitOffset;
} D3DDDI_PATCHLOCATIONLIST;

/*
 * Argument of D3DKMTCreateContext(). What the kernel would hand out for the legacy submission model
 * stands behind hContext.
 */
typedef struct _D3DKMT_CREATECONTEXT {
    D3DKMT_HANDLE hDevice;
    UINT NodeOrdinal;
    UINT EngineAffinity;
    D3DDDI_CREATECONTEXTFLAGS Flags;
    D3DKMT_PTR(VOID *, pPrivateDriverData);
    UINT PrivateDriverDataSize;
    D3DKMT_CLIENTHINT ClientHint;
    D3DKMT_HANDLE hContext;
    D3DKMT_PTR(VOID *, pCommandBuffer);
    UINT CommandBufferSize;
    D3DKMT_PTR(D3DDDI_ALLOCATIONLIST *, pAllocationList);
    UINT AllocationListSize;
    D3DKMT_PTR(D3DDDI_PATCHLOCATIONLIST *, pPatchLocationList);
    UINT PatchLocationListSize;
    D3DGPU_VIRTUAL_ADDRESS CommandBuffer;
} D3DKMT_CREATECONTEXT;

/*
 * Makes a context of the legacy submission model. Kernels of 5.15 and later do not have it; use
 * D3DKMTCreateContextVirtual().
 *
 * Statuses: STATUS_NOT_SUPPORTED, or STATUS_UNSUCCESSFUL from a kernel that lacks it.
 */
NTSTATUS APIENTRY D3DKMTCreateContext(D3DKMT_CREATECONTEXT *args);

typedef struct _D3DKMT_SUBMITCOMMANDFLAGS {
    UINT NullRendering : 1;     /* do not execute */
    UINT PresentRedirected : 1; /* display only */
    UINT NoKmdAccess : 1;       /* the kernel-mode driver does not look into the commands */
    UINT Reserved : 29;
} D3DKMT_SUBMITCOMMANDFLAGS;

/* Argument of D3DKMTSubmitCommand(). */
typedef struct _D3DKMT_SUBMITCOMMAND {
    D3DGPU_VIRTUAL_ADDRESS Commands; /* in: where the command buffer starts */
    UINT CommandLength;              /* in: bytes */
    D3DKMT_SUBMITCOMMANDFLAGS Flags; /* in */
    ULONGLONG PresentHistoryToken;   /* display only */
    UINT BroadcastContextCount;      /* in: 1 to D3DDDI_MAX_BROADCAST_CONTEXT */
    /* in: the first decides the device */
    D3DKMT_HANDLE BroadcastContext[D3DDDI_MAX_BROADCAST_CONTEXT];
    D3DKMT_PTR(VOID *, pPrivateDriverData); /* in: the driver's submission header */
    UINT PrivateDriverDataSize; /* in: bytes; with 4 for each history buffer at most 130648 fit */
    UINT NumPrimaries;          /* in: at most D3DDDI_MAX_WRITTEN_PRIMARIES */
    D3DKMT_HANDLE WrittenPrimaries[D3DDDI_MAX_WRITTEN_PRIMARIES]; /* in */
    UINT NumHistoryBuffers;                                       /* in: at most 1024 */
    D3DKMT_PTR(D3DKMT_HANDLE *, HistoryBufferArray);              /* in */
} D3DKMT_SUBMITCOMMAND;

/*
 * Queues a command buffer on one or more contexts of a device. Everything that it uses must be
 * resident when it runs. Returns when it is queued, not when it has been executed: completion shows
 * in a monitored fence that the commands write or that D3DKMTSignalSynchronizationObjectFromGpu()
 * queues behind them.
 *
 * Statuses: STATUS_INVALID_PARAMETER also for counts and sizes out of range. With most hosts
 * success means only that the request is on its way; bad commands put the device into an error
 * state.
 */
NTSTATUS APIENTRY D3DKMTSubmitCommand(const D3DKMT_SUBMITCOMMAND *args);

typedef struct _D3DKMT_RENDERFLAGS {
    UINT ResizeCommandBuffer : 1;
    UINT ResizeAllocationList : 1;
    UINT ResizePatchLocationList : 1;
    UINT NullRendering : 1;
    UINT PresentRedirected : 1;
    UINT RenderKm : 1;
    UINT RenderKmReadback : 1;
    UINT Reserved : 25;
} D3DKMT_RENDERFLAGS;

/* Argument of D3DKMTRender(). */
typedef struct _D3DKMT_RENDER {
    union {
        D3DKMT_HANDLE hDevice;
        D3DKMT_HANDLE hContext;
    };
    UINT CommandOffset;
    UINT CommandLength;
    UINT AllocationCount;
    UINT PatchLocationCount;
    D3DKMT_PTR(VOID *, pNewCommandBuffer);
    UINT NewCommandBufferSize;
    D3DKMT_PTR(D3DDDI_ALLOCATIONLIST *, pNewAllocationList);
    UINT NewAllocationListSize;
    D3DKMT_PTR(D3DDDI_PATCHLOCATIONLIST *, pNewPatchLocationList);
    UINT NewPatchLocationListSize;
    D3DKMT_RENDERFLAGS Flags;
    ULONGLONG PresentHistoryToken;
    ULONG BroadcastContextCount;
    D3DKMT_HANDLE BroadcastContext[D3DDDI_MAX_BROADCAST_CONTEXT];
    ULONG QueuedBufferCount;
    D3DGPU_VIRTUAL_ADDRESS NewCommandBuffer;
    D3DKMT_PTR(VOID *, pPrivateDriverData);
    UINT PrivateDriverDataSize;
} D3DKMT_RENDER;

/*
 * Submits in the legacy model. Kernels of 5.15 and later do not have it; use D3DKMTSubmitCommand().
 *
 * Statuses: STATUS_NOT_SUPPORTED, or STATUS_UNSUCCESSFUL from a kernel that lacks it.
 */
NTSTATUS APIENTRY D3DKMTRender(D3DKMT_RENDER *args);

/* Argument of D3DKMTSetContextSchedulingPriority(). */
typedef struct _D3DKMT_SETCONTEXTSCHEDULINGPRIORITY {
    D3DKMT_HANDLE hContext; /* in */
    /* in: -7 (lowest) to 7, 0 is normal; may carry D3DKMT_SETCONTEXTSCHEDULINGPRIORITY_ABSOLUTE */
    INT Priority;
} D3DKMT_SETCONTEXTSCHEDULINGPRIORITY;

/* Sets how a context competes with those of other processes. */
NTSTATUS APIENTRY
D3DKMTSetContextSchedulingPriority(const D3DKMT_SETCONTEXTSCHEDULINGPRIORITY *args);

/* Argument of D3DKMTGetContextSchedulingPriority(). */
typedef struct _D3DKMT_GETCONTEXTSCHEDULINGPRIORITY {
    D3DKMT_HANDLE hContext; /* in */
    INT Priority;           /* out */
} D3DKMT_GETCONTEXTSCHEDULINGPRIORITY;

/* Tells what D3DKMTSetContextSchedulingPriority() set. */
NTSTATUS APIENTRY D3DKMTGetContextSchedulingPriority(D3DKMT_GETCONTEXTSCHEDULINGPRIORITY *args);

/* Argument of D3DKMTSetContextInProcessSchedulingPriority(). */
typedef struct _D3DKMT_SETCONTEXTINPROCESSSCHEDULINGPRIORITY {
    D3DKMT_HANDLE hContext; /* in */
    INT Priority;           /* in: -7 (lowest) to 7, 0 is normal */
} D3DKMT_SETCONTEXTINPROCESSSCHEDULINGPRIORITY;

/* Sets how a context competes with the others of its process. */
NTSTATUS APIENTRY D3DKMTSetContextInProcessSchedulingPriority(
    const D3DKMT_SETCONTEXTINPROCESSSCHEDULINGPRIORITY *args);

/* Argument of D3DKMTGetContextInProcessSchedulingPriority(). */
typedef struct _D3DKMT_GETCONTEXTINPROCESSSCHEDULINGPRIORITY {
    D3DKMT_HANDLE hContext; /* in */
    INT Priority;           /* out */
} D3DKMT_GETCONTEXTINPROCESSSCHEDULINGPRIORITY;

/* Tells what D3DKMTSetContextInProcessSchedulingPriority() set. */
NTSTATUS APIENTRY
D3DKMTGetContextInProcessSchedulingPriority(D3DKMT_GETCONTEXTINPROCESSSCHEDULINGPRIORITY *args);

#include "end.h"

#endif
