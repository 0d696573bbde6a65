/* SPDX-License-Identifier: MIT */
/*
 * Hardware queues: streams of commands that the GPU schedules itself, each with a fence of its own.
 */
#ifndef D3DKMT_WDDM_HWQUEUE_H
#define D3DKMT_WDDM_HWQUEUE_H

#include "scalars.h"
#include "sync.h"

#include "begin.h"

typedef struct _D3DDDI_CREATEHWQUEUEFLAGS {
    union {
        struct {
            UINT DisableGpuTimeout : 1; /* do not reset the engine for work that takes long */
            UINT NoBroadcastSignal : 1; /* never named in a broadcast signal */
            UINT NoBroadcastWait : 1;   /* never named in a broadcast wait */
            UINT NoKmdAccess : 1;       /* the kernel-mode driver does not look into the commands */
            UINT Reserved : 28;
        };
        UINT Value;
    };
} D3DDDI_CREATEHWQUEUEFLAGS;

/* Argument of D3DKMTCreateHwQueue(). */
typedef struct _D3DKMT_CREATEHWQUEUE {
    D3DKMT_HANDLE hHwContext;               /* in: a context made with HwQueueSupported */
    D3DDDI_CREATEHWQUEUEFLAGS Flags;        /* in */
    UINT PrivateDriverDataSize;             /* in: bytes, at most 131072; up to 130985 fit */
    D3DKMT_PTR(VOID *, pPrivateDriverData); /* in, out: the driver's own bytes */
    D3DKMT_HANDLE hHwQueue;                 /* out */
    /* out: may be waited on by the GPU, not destroyed or shared */
    D3DKMT_HANDLE hHwQueueProgressFence;
    /* out: points to the fence's 64-bit value, for reading */
    D3DKMT_PTR(VOID *, HwQueueProgressFenceCPUVirtualAddress);
    D3DGPU_VIRTUAL_ADDRESS HwQueueProgressFenceGPUVirtualAddress; /* out */
} D3DKMT_CREATEHWQUEUE;

/*
 * Makes a hardware queue in a context. Its progress fence rises to the HwQueueProgressFenceId of
 * each submission as that is completed. The fence's page stays mapped until the queue is destroyed.
 */
NTSTATUS APIENTRY D3DKMTCreateHwQueue(D3DKMT_CREATEHWQUEUE *args);

/* Argument of D3DKMTDestroyHwQueue(). */
typedef struct _D3DKMT_DESTROYHWQUEUE {
    D3DKMT_HANDLE hHwQueue; /* in */
} D3DKMT_DESTROYHWQUEUE;

/*
 * Destroys a hardware queue and its progress fence; the fence's CPU address is invalid afterwards.
 * The handle is gone in any case; a failure status is the host's comment on it.
 */
NTSTATUS APIENTRY D3DKMTDestroyHwQueue(const D3DKMT_DESTROYHWQUEUE *args);

/* Argument of D3DKMTSubmitCommandToHwQueue(). */
typedef struct _D3DKMT_SUBMITCOMMANDTOHWQUEUE {
    D3DKMT_HANDLE hHwQueue; /* in */
    /* in: the progress fence's value when this is done; rises from call to call */
    UINT64 HwQueueProgressFenceId;
    D3DGPU_VIRTUAL_ADDRESS CommandBuffer; /* in: where the command buffer starts */
    UINT CommandLength;                   /* in: bytes */
    UINT PrivateDriverDataSize; /* in: bytes; with 4 for each primary at most 130976 fit */
    D3DKMT_PTR(VOID *, pPrivateDriverData); /* in: the driver's submission header */
    UINT NumPrimaries;                      /* in */
    /* in: primary surfaces that the commands write */
    D3DKMT_PTR(const D3DKMT_HANDLE *, WrittenPrimaries);
} D3DKMT_SUBMITCOMMANDTOHWQUEUE;

/* Queues a command buffer on a hardware queue. Otherwise as D3DKMTSubmitCommand(). */
NTSTATUS APIENTRY D3DKMTSubmitCommandToHwQueue(const D3DKMT_SUBMITCOMMANDTOHWQUEUE *args);

/* Argument of D3DKMTSubmitSignalSyncObjectsToHwQueue(). */
typedef struct _D3DKMT_SUBMITSIGNALSYNCOBJECTSTOHWQUEUE {
    D3DDDICB_SIGNALFLAGS Flags;  /* in */
    ULONG BroadcastHwQueueCount; /* in: 1 to D3DDDI_MAX_BROADCAST_CONTEXT */
    D3DKMT_PTR(const D3DKMT_HANDLE *, BroadcastHwQueueArray); /* in: the first decides the device */
    UINT ObjectCount;                                     /* in: 1 to D3DDDI_MAX_OBJECT_SIGNALED */
    D3DKMT_PTR(const D3DKMT_HANDLE *, ObjectHandleArray); /* in */
    D3DKMT_PTR(const UINT64 *, FenceValueArray);          /* in: one value for each object */
} D3DKMT_SUBMITSIGNALSYNCOBJECTSTOHWQUEUE;

/*
 * Queues signals behind the commands of each named queue: when all before them is done, each object
 * gets its value.
 */
NTSTATUS APIENTRY
D3DKMTSubmitSignalSyncObjectsToHwQueue(const D3DKMT_SUBMITSIGNALSYNCOBJECTSTOHWQUEUE *args);

/* Argument of D3DKMTSubmitWaitForSyncObjectsToHwQueue(). */
typedef struct _D3DKMT_SUBMITWAITFORSYNCOBJECTSTOHWQUEUE {
    D3DKMT_HANDLE hHwQueue;                               /* in */
    UINT ObjectCount;                                     /* in: 1 to D3DDDI_MAX_OBJECT_WAITED_ON */
    D3DKMT_PTR(const D3DKMT_HANDLE *, ObjectHandleArray); /* in */
    D3DKMT_PTR(const UINT64 *, FenceValueArray);          /* in: one value for each object */
} D3DKMT_SUBMITWAITFORSYNCOBJECTSTOHWQUEUE;

/*
 * Queues a wait: what is submitted to the queue later starts when every object has reached its
 * value. Returns at once.
 */
NTSTATUS APIENTRY
D3DKMTSubmitWaitForSyncObjectsToHwQueue(const D3DKMT_SUBMITWAITFORSYNCOBJECTSTOHWQUEUE *args);

typedef struct _D3DDDI_CREATEHWCONTEXTFLAGS {
    union {
        struct {
            UINT Reserved : 32;
        };
        UINT Value;
    };
} D3DDDI_CREATEHWCONTEXTFLAGS;

/* Argument of D3DKMTCreateHwContext(). */
typedef struct _D3DKMT_CREATEHWCONTEXT {
    D3DKMT_HANDLE hDevice;
    UINT NodeOrdinal;
    UINT EngineAffinity;
    D3DDDI_CREATEHWCONTEXTFLAGS Flags;
    UINT PrivateDriverDataSize;
    D3DKMT_PTR(VOID *, pPrivateDriverData);
    D3DKMT_HANDLE hHwContext; /* out */
} D3DKMT_CREATEHWCONTEXT;

/*
 * Makes an owner of hardware queues. Kernels of 5.15 and later do not have it; use
 * D3DKMTCreateContextVirtual() with HwQueueSupported.
 *
 * Statuses: STATUS_NOT_SUPPORTED, or STATUS_UNSUCCESSFUL from a kernel that lacks it.
 */
NTSTATUS APIENTRY D3DKMTCreateHwContext(D3DKMT_CREATEHWCONTEXT *args);

/* Argument of D3DKMTDestroyHwContext(). */
typedef struct _D3DKMT_DESTROYHWCONTEXT {
    D3DKMT_HANDLE hHwContext; /* in */
} D3DKMT_DESTROYHWCONTEXT;

/* The counterpart of D3DKMTCreateHwContext(), and as absent. */
NTSTATUS APIENTRY D3DKMTDestroyHwContext(const D3DKMT_DESTROYHWCONTEXT *args);

#include "end.h"

#endif
