/* SPDX-License-Identifier: MIT */
/*
 * Synchronisation objects: fences, mutexes, semaphores and events, with the signals and waits of
 * CPU and GPU.
 */
#ifndef D3DKMT_WDDM_SYNC_H
#define D3DKMT_WDDM_SYNC_H

#include "scalars.h"

#include "begin.h"

typedef enum _D3DDDI_SYNCHRONIZATIONOBJECT_TYPE {
    D3DDDI_SYNCHRONIZATION_MUTEX = 1, /* a wait takes it, a signal of the same context frees it */
    D3DDDI_SEMAPHORE = 2,             /* a wait takes a unit, a signal gives one back */
    D3DDDI_FENCE = 3,                 /* legacy: a value that the GPU signals in order */
    D3DDDI_CPU_NOTIFICATION = 4,      /* an eventfd that the GPU's signals raise */
    /* a 64-bit value in memory that CPU and GPU see, signal and wait for */
    D3DDDI_MONITORED_FENCE = 5,
    D3DDDI_PERIODIC_MONITORED_FENCE = 6,  /* rises with a display's blanking */
    D3DDDI_SYNCHRONIZATION_TYPE_LIMIT = 7 /* not a type: one above the last */
} D3DDDI_SYNCHRONIZATIONOBJECT_TYPE;

typedef struct _D3DDDI_SYNCHRONIZATIONOBJECT_FLAGS {
    union {
        struct {
            UINT Shared : 1;            /* needs NtSecuritySharing */
            UINT NtSecuritySharing : 1; /* may be shared by descriptors, the only way on Linux */
            UINT CrossAdapter : 1;
            UINT TopOfPipeline : 1;
            UINT NoSignal : 1; /* opened for waiting only */
            UINT NoWait : 1;   /* opened for signalling only */
            /* keep the value when a device is lost, instead of the highest one */
            UINT NoSignalMaxValueOnTdr : 1;
            UINT NoGPUAccess : 1; /* for the CPU only */
            UINT SignalByKmd : 1; /* the kernel-mode driver signals it */
            UINT Reserved : 22;
            UINT Reserved0 : 1;
        };
        UINT Value;
    };
} D3DDDI_SYNCHRONIZATIONOBJECT_FLAGS;

/* What object to create. */
typedef struct _D3DDDI_SYNCHRONIZATIONOBJECTINFO2 {
    D3DDDI_SYNCHRONIZATIONOBJECT_TYPE Type;   /* in */
    D3DDDI_SYNCHRONIZATIONOBJECT_FLAGS Flags; /* in */
    union {
        /* D3DDDI_SYNCHRONIZATION_MUTEX */
        struct {
            BOOL InitialState; /* in: TRUE: owned */
        } SynchronizationMutex;
        /* D3DDDI_SEMAPHORE */
        struct {
            UINT MaxCount;     /* in */
            UINT InitialCount; /* in */
        } Semaphore;
        /* D3DDDI_FENCE */
        struct {
            UINT64 FenceValue; /* in: initial value */
        } Fence;
        /* D3DDDI_CPU_NOTIFICATION */
        struct {
            /* in: an eventfd's number; the object keeps it open, the caller may close its own */
            D3DKMT_PTR(HANDLE, Event);
        } CPUNotification;
        /* D3DDDI_MONITORED_FENCE */
        struct {
            UINT64 InitialFenceValue; /* in */
            /* out: points to the value; all ones: the device is lost */
            D3DKMT_PTR(VOID *, FenceValueCPUVirtualAddress);
            D3DGPU_VIRTUAL_ADDRESS FenceValueGPUVirtualAddress; /* out */
            UINT EngineAffinity; /* in: bit n: linked GPU n has the address; 0: all */
            UINT Padding;
        } MonitoredFence;
        /* D3DDDI_PERIODIC_MONITORED_FENCE */
        struct {
            D3DKMT_HANDLE hAdapter;
            D3DDDI_VIDEO_PRESENT_TARGET_ID VidPnTargetId;
            UINT64 Time; /* in: 100 ns after the blank */
            D3DKMT_PTR(VOID *, FenceValueCPUVirtualAddress);
            D3DGPU_VIRTUAL_ADDRESS FenceValueGPUVirtualAddress;
            UINT EngineAffinity;
            UINT Padding;
        } PeriodicMonitoredFence;
        struct {
            UINT64 Reserved[8];
        } Reserved;
    };
    D3DKMT_HANDLE SharedHandle; /* out: legacy sharing */
} D3DDDI_SYNCHRONIZATIONOBJECTINFO2;

/* Argument of D3DKMTCreateSynchronizationObject2(). */
typedef struct _D3DKMT_CREATESYNCHRONIZATIONOBJECT2 {
    D3DKMT_HANDLE hDevice;                  /* in */
    D3DDDI_SYNCHRONIZATIONOBJECTINFO2 Info; /* in, out */
    D3DKMT_HANDLE hSyncObject;              /* out */
} D3DKMT_CREATESYNCHRONIZATIONOBJECT2;

/*
 * Makes a sync object. Monitored fences belong to the device and go with it; the other kinds belong
 * to the process and outlive the device.
 *
 * Statuses: STATUS_INVALID_PARAMETER also for Shared without NtSecuritySharing and for an Event
 * that is not an eventfd; STATUS_BUFFER_TOO_SMALL from kernels where the host refuses (they cannot
 * tell).
 */
NTSTATUS APIENTRY D3DKMTCreateSynchronizationObject2(D3DKMT_CREATESYNCHRONIZATIONOBJECT2 *args);

typedef struct _D3DDDI_SYNCHRONIZATIONOBJECTINFO {
    D3DDDI_SYNCHRONIZATIONOBJECT_TYPE Type;
    union {
        struct {
            BOOL InitialState;
        } SynchronizationMutex;
        struct {
            UINT MaxCount;
            UINT InitialCount;
        } Semaphore;
        struct {
            UINT Reserved[16];
        } Reserved;
    };
} D3DDDI_SYNCHRONIZATIONOBJECTINFO;

/* Argument of D3DKMTCreateSynchronizationObject(). */
typedef struct _D3DKMT_CREATESYNCHRONIZATIONOBJECT {
    D3DKMT_HANDLE hDevice;
    D3DDDI_SYNCHRONIZATIONOBJECTINFO Info;
    D3DKMT_HANDLE hSyncObject;
} D3DKMT_CREATESYNCHRONIZATIONOBJECT;

/*
 * The older form of D3DKMTCreateSynchronizationObject2(), for mutexes and semaphores only.
 *
 * Statuses: STATUS_INVALID_PARAMETER also for any other type.
 */
NTSTATUS APIENTRY D3DKMTCreateSynchronizationObject(D3DKMT_CREATESYNCHRONIZATIONOBJECT *args);

/* Argument of D3DKMTDestroySynchronizationObject(). */
typedef struct _D3DKMT_DESTROYSYNCHRONIZATIONOBJECT {
    D3DKMT_HANDLE hSyncObject; /* in: not the fence of a queue: that goes with its queue */
} D3DKMT_DESTROYSYNCHRONIZATIONOBJECT;

/*
 * Destroys a sync object; its CPU address is invalid afterwards. CPU waits for it end, as do sync
 * files of it. The handle is gone in any case; a failure status is the host's comment on it.
 */
NTSTATUS APIENTRY
D3DKMTDestroySynchronizationObject(const D3DKMT_DESTROYSYNCHRONIZATIONOBJECT *args);

typedef struct _D3DDDICB_SIGNALFLAGS {
    union {
        struct {
            /* when the signal is submitted, without waiting for commands before it */
            UINT SignalAtSubmission : 1;
            UINT EnqueueCpuEvent : 1;  /* raise CpuEventHandle instead of objects */
            UINT AllowFenceRewind : 1; /* a monitored fence may go back */
            UINT Reserved : 28;
            UINT DXGK_SIGNAL_FLAG_INTERNAL0 : 1;
        };
        UINT Value;
    };
} D3DDDICB_SIGNALFLAGS;

/* Argument of D3DKMTSignalSynchronizationObjectFromCpu(). */
typedef struct _D3DKMT_SIGNALSYNCHRONIZATIONOBJECTFROMCPU {
    D3DKMT_HANDLE hDevice;                                /* in */
    UINT ObjectCount;                                     /* in: 1 to D3DDDI_MAX_OBJECT_SIGNALED */
    D3DKMT_PTR(const D3DKMT_HANDLE *, ObjectHandleArray); /* in: monitored fences */
    D3DKMT_PTR(const UINT64 *, FenceValueArray);          /* in: one value for each object */
    D3DDDICB_SIGNALFLAGS Flags;                           /* in */
} D3DKMT_SIGNALSYNCHRONIZATIONOBJECTFROMCPU;

/* Sets monitored fences now, and wakes who waits for the values. */
NTSTATUS APIENTRY
D3DKMTSignalSynchronizationObjectFromCpu(const D3DKMT_SIGNALSYNCHRONIZATIONOBJECTFROMCPU *args);

/* Argument of D3DKMTSignalSynchronizationObjectFromGpu(). */
typedef struct _D3DKMT_SIGNALSYNCHRONIZATIONOBJECTFROMGPU {
    D3DKMT_HANDLE hContext;                               /* in */
    UINT ObjectCount;                                     /* in: at least 1 */
    D3DKMT_PTR(const D3DKMT_HANDLE *, ObjectHandleArray); /* in: monitored fences */
    union {
        const UINT64 *MonitoredFenceValueArray; /* in: one value for each object */
        UINT64 Reserved[8];
    };
} D3DKMT_SIGNALSYNCHRONIZATIONOBJECTFROMGPU;

/* Queues signals on a context: when all commands before it are done, each fence gets its value. */
NTSTATUS APIENTRY
D3DKMTSignalSynchronizationObjectFromGpu(const D3DKMT_SIGNALSYNCHRONIZATIONOBJECTFROMGPU *args);

/* Argument of D3DKMTSignalSynchronizationObjectFromGpu2(). */
typedef struct _D3DKMT_SIGNALSYNCHRONIZATIONOBJECTFROMGPU2 {
    UINT ObjectCount; /* in: at least 1; 0 with EnqueueCpuEvent */
    D3DKMT_PTR(const D3DKMT_HANDLE *, ObjectHandleArray);     /* in */
    D3DDDICB_SIGNALFLAGS Flags;                               /* in */
    ULONG BroadcastContextCount;                              /* in: at least 1 */
    D3DKMT_PTR(const D3DKMT_HANDLE *, BroadcastContextArray); /* in: the first decides the device */
    union {
        UINT64 FenceValue;     /* in: for legacy fences */
        HANDLE CpuEventHandle; /* in: an eventfd's number, not 0, with EnqueueCpuEvent */
        const UINT64 *MonitoredFenceValueArray; /* in: one value for each object */
        UINT64 Reserved[8];
    };
} D3DKMT_SIGNALSYNCHRONIZATIONOBJECTFROMGPU2;

/*
 * Queues signals on several contexts, or has an eventfd raised once when the first of them gets
 * there. The caller may close the eventfd after the call.
 *
 * Statuses: STATUS_INVALID_PARAMETER also for an event that is not an eventfd;
 * STATUS_INSUFFICIENT_RESOURCES when the process may not open one more descriptor.
 */
NTSTATUS APIENTRY
D3DKMTSignalSynchronizationObjectFromGpu2(const D3DKMT_SIGNALSYNCHRONIZATIONOBJECTFROMGPU2 *args);

/* Argument of D3DKMTSignalSynchronizationObject2(). */
typedef struct _D3DKMT_SIGNALSYNCHRONIZATIONOBJECT2 {
    D3DKMT_HANDLE hContext; /* in */
    UINT ObjectCount;       /* in: 0 to D3DDDI_MAX_OBJECT_SIGNALED */
    D3DKMT_HANDLE ObjectHandleArray[D3DDDI_MAX_OBJECT_SIGNALED]; /* in */
    D3DDDICB_SIGNALFLAGS Flags;                                  /* in */
    /* in: contexts beside hContext, fewer than D3DDDI_MAX_BROADCAST_CONTEXT */
    ULONG BroadcastContextCount;
    D3DKMT_HANDLE BroadcastContext[D3DDDI_MAX_BROADCAST_CONTEXT]; /* in */
    union {
        struct {
            UINT64 FenceValue; /* in: one value for all fences */
        } Fence;
        HANDLE CpuEventHandle; /* in: an eventfd's number, with EnqueueCpuEvent */
        UINT64 Reserved[8];
    };
} D3DKMT_SIGNALSYNCHRONIZATIONOBJECT2;

/* The form of D3DKMTSignalSynchronizationObjectFromGpu2() for objects of the legacy kinds. */
NTSTATUS APIENTRY
D3DKMTSignalSynchronizationObject2(const D3DKMT_SIGNALSYNCHRONIZATIONOBJECT2 *args);

/* Argument of D3DKMTSignalSynchronizationObject(). */
typedef struct _D3DKMT_SIGNALSYNCHRONIZATIONOBJECT {
    D3DKMT_HANDLE hContext;                                      /* in */
    UINT ObjectCount;                                            /* in */
    D3DKMT_HANDLE ObjectHandleArray[D3DDDI_MAX_OBJECT_SIGNALED]; /* in: mutexes and semaphores */
    D3DDDICB_SIGNALFLAGS Flags;                                  /* in */
} D3DKMT_SIGNALSYNCHRONIZATIONOBJECT;

/* The older form of D3DKMTSignalSynchronizationObject2(), without fences. */
NTSTATUS APIENTRY D3DKMTSignalSynchronizationObject(const D3DKMT_SIGNALSYNCHRONIZATIONOBJECT *args);

typedef struct _D3DDDI_WAITFORSYNCHRONIZATIONOBJECTFROMCPU_FLAGS {
    union {
        struct {
            UINT WaitAny : 1; /* one object is enough */
            UINT Reserved : 31;
        };
        UINT Value;
    };
} D3DDDI_WAITFORSYNCHRONIZATIONOBJECTFROMCPU_FLAGS;

/* Argument of D3DKMTWaitForSynchronizationObjectFromCpu(). */
typedef struct _D3DKMT_WAITFORSYNCHRONIZATIONOBJECTFROMCPU {
    D3DKMT_HANDLE hDevice; /* in */
    UINT ObjectCount;      /* in: at least 1; up to 10916 fit */
    /* in: monitored fences and queues' fences */
    D3DKMT_PTR(const D3DKMT_HANDLE *, ObjectHandleArray);
    D3DKMT_PTR(const UINT64 *, FenceValueArray); /* in: one value for each object */
    D3DKMT_PTR(HANDLE, hAsyncEvent); /* in: an eventfd's number, not 0; or NULL: block */
    D3DDDI_WAITFORSYNCHRONIZATIONOBJECTFROMCPU_FLAGS Flags; /* in */
} D3DKMT_WAITFORSYNCHRONIZATIONOBJECTFROMCPU;

/*
 * Waits until every fence, or any with WaitAny, has reached its value: at once if it has already.
 * The only call that blocks for as long as the GPU takes; there is no time limit.
 *
 * With an event it returns at once and the eventfd is raised by 1, once, when the condition holds.
 * The caller may close its descriptor then; a wait that has been begun cannot be withdrawn.
 *
 * Statuses: STATUS_INVALID_PARAMETER also for an event that is not an eventfd;
 * STATUS_INSUFFICIENT_RESOURCES when the process may not open one more descriptor.
 */
NTSTATUS APIENTRY
D3DKMTWaitForSynchronizationObjectFromCpu(const D3DKMT_WAITFORSYNCHRONIZATIONOBJECTFROMCPU *args);

/* Argument of D3DKMTWaitForSynchronizationObjectFromGpu(). */
typedef struct _D3DKMT_WAITFORSYNCHRONIZATIONOBJECTFROMGPU {
    D3DKMT_HANDLE hContext; /* in */
    UINT ObjectCount;       /* in: 1 to D3DDDI_MAX_OBJECT_WAITED_ON */
    /* in: the first decides: all with values, or all legacy */
    D3DKMT_PTR(const D3DKMT_HANDLE *, ObjectHandleArray);
    union {
        /* in: one value for each monitored or queue's fence */
        const UINT64 *MonitoredFenceValueArray;
        UINT64 FenceValue; /* in: for legacy fences */
        UINT64 Reserved[8];
    };
} D3DKMT_WAITFORSYNCHRONIZATIONOBJECTFROMGPU;

/*
 * Queues a wait on a context: what is submitted to it later starts when every object has reached
 * its value. Returns at once.
 */
NTSTATUS APIENTRY
D3DKMTWaitForSynchronizationObjectFromGpu(const D3DKMT_WAITFORSYNCHRONIZATIONOBJECTFROMGPU *args);

/* Argument of D3DKMTWaitForSynchronizationObject2(). */
typedef struct _D3DKMT_WAITFORSYNCHRONIZATIONOBJECT2 {
    D3DKMT_HANDLE hContext; /* in */
    UINT ObjectCount;       /* in: 1; hosts take no more, although the array has room */
    D3DKMT_HANDLE ObjectHandleArray[D3DDDI_MAX_OBJECT_WAITED_ON]; /* in */
    union {
        struct {
            UINT64 FenceValue; /* in */
        } Fence;
        UINT64 Reserved[8];
    };
} D3DKMT_WAITFORSYNCHRONIZATIONOBJECT2;

/* The form of D3DKMTWaitForSynchronizationObjectFromGpu() for an object of the legacy kinds. */
NTSTATUS APIENTRY
D3DKMTWaitForSynchronizationObject2(const D3DKMT_WAITFORSYNCHRONIZATIONOBJECT2 *args);

/* Argument of D3DKMTWaitForSynchronizationObject(). */
typedef struct _D3DKMT_WAITFORSYNCHRONIZATIONOBJECT {
    D3DKMT_HANDLE hContext;                                       /* in */
    UINT ObjectCount;                                             /* in */
    D3DKMT_HANDLE ObjectHandleArray[D3DDDI_MAX_OBJECT_WAITED_ON]; /* in: mutexes and semaphores */
} D3DKMT_WAITFORSYNCHRONIZATIONOBJECT;

/* The older form of D3DKMTWaitForSynchronizationObject2(), without fences. */
NTSTATUS APIENTRY
D3DKMTWaitForSynchronizationObject(const D3DKMT_WAITFORSYNCHRONIZATIONOBJECT *args);

#include "end.h"

#endif
