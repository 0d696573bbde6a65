/* SPDX-License-Identifier: MIT */
/* Devices: what a process owns on an adapter, and what became of it. */
#ifndef D3DKMT_WDDM_DEVICE_H
#define D3DKMT_WDDM_DEVICE_H

#include "context.h"
#include "scalars.h"

#include "begin.h"

/* The faulting access did not come through a binding. */
#define DXGK_BIND_TABLE_ENTRY_UNKNOWN ((UINT)0xFFFFFFFF)

typedef struct _D3DKMT_CREATEDEVICEFLAGS {
    UINT LegacyMode : 1;        /* for runtimes of the display model */
    UINT RequestVSync : 1;      /* for runtimes of the display model */
    UINT DisableGpuTimeout : 1; /* do not reset the engine for work that takes long */
    UINT Reserved : 29;
} D3DKMT_CREATEDEVICEFLAGS;

/*
 * Argument of D3DKMTCreateDevice(). The buffers and lists belong to the legacy submission model,
 * which paravirtual adapters do not have; they come back as they were.
 */
typedef struct _D3DKMT_CREATEDEVICE {
    union {
        D3DKMT_HANDLE hAdapter; /* in */
        VOID *pAdapter;
        D3DKMT_ALIGN64 UINT64 pAdapter_Align;
    };
    D3DKMT_CREATEDEVICEFLAGS Flags; /* in */
    D3DKMT_HANDLE hDevice;          /* out */
    D3DKMT_PTR(VOID *, pCommandBuffer);
    UINT CommandBufferSize;
    D3DKMT_PTR(D3DDDI_ALLOCATIONLIST *, pAllocationList);
    UINT AllocationListSize;
    D3DKMT_PTR(D3DDDI_PATCHLOCATIONLIST *, pPatchLocationList);
    UINT PatchLocationListSize;
} D3DKMT_CREATEDEVICE;

/*
 * Makes a device: the owner of contexts, paging queues, allocations and monitored fences of this
 * process on the adapter. It belongs to the process and the adapter, not to the handle that it was
 * made through.
 */
NTSTATUS APIENTRY D3DKMTCreateDevice(D3DKMT_CREATEDEVICE *args);

/* Argument of D3DKMTDestroyDevice(). */
typedef struct _D3DKMT_DESTROYDEVICE {
    D3DKMT_HANDLE hDevice; /* in */
} D3DKMT_DESTROYDEVICE;

/*
 * Destroys a device with everything in it. Succeeds whenever the handle was valid, on a removed
 * adapter too.
 */
NTSTATUS APIENTRY D3DKMTDestroyDevice(const D3DKMT_DESTROYDEVICE *args);

/* What D3DKMTGetDeviceState() tells. */
typedef enum _D3DKMT_DEVICESTATE_TYPE {
    D3DKMT_DEVICESTATE_EXECUTION = 1,    /* ExecutionState */
    D3DKMT_DEVICESTATE_PRESENT = 2,      /* PresentState */
    D3DKMT_DEVICESTATE_RESET = 3,        /* ResetState */
    D3DKMT_DEVICESTATE_PRESENT_DWM = 4,  /* PresentStateDWM */
    D3DKMT_DEVICESTATE_PAGE_FAULT = 5,   /* PageFaultState */
    D3DKMT_DEVICESTATE_PRESENT_QUEUE = 6 /* PresentQueueState */
} D3DKMT_DEVICESTATE_TYPE;

/* Whether the device still executes commands. Every state but the first is final. */
typedef enum _D3DKMT_DEVICEEXECUTION_STATE {
    D3DKMT_DEVICEEXECUTION_ACTIVE = 1,
    D3DKMT_DEVICEEXECUTION_RESET = 2,             /* reset under it, or marked as in error */
    D3DKMT_DEVICEEXECUTION_HUNG = 3,              /* its commands did not end in time */
    D3DKMT_DEVICEEXECUTION_STOPPED = 4,           /* the adapter was stopped or removed */
    D3DKMT_DEVICEEXECUTION_ERROR_OUTOFMEMORY = 5, /* no memory for what its commands use */
    D3DKMT_DEVICEEXECUTION_ERROR_DMAFAULT = 6,    /* the GPU refused its commands */
    D3DKMT_DEVICEEXECUTION_ERROR_DMAPAGEFAULT = 7 /* its commands used a bad address */
} D3DKMT_DEVICEEXECUTION_STATE;

typedef enum _DXGK_PAGE_FAULT_FLAGS {
    DXGK_PAGE_FAULT_WRITE = 0x1, /* the access was a write */
    DXGK_PAGE_FAULT_FENCE_INVALID = 0x2,
    DXGK_PAGE_FAULT_ADAPTER_RESET_REQUIRED = 0x4,
    DXGK_PAGE_FAULT_ENGINE_RESET_REQUIRED = 0x8,
    DXGK_PAGE_FAULT_FATAL_HARDWARE_ERROR = 0x10,
    DXGK_PAGE_FAULT_IOMMU = 0x20,
    DXGK_PAGE_FAULT_HW_CONTEXT_VALID = 0x40,
    DXGK_PAGE_FAULT_PROCESS_HANDLE_VALID = 0x80
} DXGK_PAGE_FAULT_FLAGS;

typedef enum _DXGK_GENERAL_ERROR_CODE {
    DXGK_GENERAL_ERROR_PAGE_FAULT = 0,
    DXGK_GENERAL_ERROR_INVALID_INSTRUCTION = 1
} DXGK_GENERAL_ERROR_CODE;

#pragma pack(push, 1)
/* The reason of a fault: a general code or, if the first bit is set, one of the GPU's own. */
typedef struct _DXGK_FAULT_ERROR_CODE {
    union {
        struct {
            UINT IsDeviceSpecificCode : 1;
            DXGK_GENERAL_ERROR_CODE GeneralErrorCode : 31;
        };
        struct {
            UINT IsDeviceSpecificCodeReservedBit : 1;
            UINT DeviceSpecificCode : 31;
        };
    };
} DXGK_FAULT_ERROR_CODE;
#pragma pack(pop)

typedef enum _DXGK_RENDER_PIPELINE_STAGE {
    DXGK_RENDER_PIPELINE_STAGE_UNKNOWN = 0,
    DXGK_RENDER_PIPELINE_STAGE_INPUT_ASSEMBLER = 1,
    DXGK_RENDER_PIPELINE_STAGE_VERTEX_SHADER = 2,
    DXGK_RENDER_PIPELINE_STAGE_GEOMETRY_SHADER = 3,
    DXGK_RENDER_PIPELINE_STAGE_STREAM_OUTPUT = 4,
    DXGK_RENDER_PIPELINE_STAGE_RASTERIZER = 5,
    DXGK_RENDER_PIPELINE_STAGE_PIXEL_SHADER = 6,
    DXGK_RENDER_PIPELINE_STAGE_OUTPUT_MERGER = 7
} DXGK_RENDER_PIPELINE_STAGE;

/* The fault that ended the device. */
typedef struct _D3DKMT_DEVICEPAGEFAULT_STATE {
    /* the draw or dispatch, counted from the context's start; 0 if unknown */
    UINT64 FaultedPrimitiveAPISequenceNumber;
    DXGK_RENDER_PIPELINE_STAGE FaultedPipelineStage;
    UINT FaultedBindTableEntry; /* or DXGK_BIND_TABLE_ENTRY_UNKNOWN */
    DXGK_PAGE_FAULT_FLAGS PageFaultFlags;
    DXGK_FAULT_ERROR_CODE FaultErrorCode;
    D3DGPU_VIRTUAL_ADDRESS FaultedVirtualAddress; /* rounded down as far as the hardware does */
} D3DKMT_DEVICEPAGEFAULT_STATE;

/* Counters of presented frames; times in ticks of the host's performance counter. */
typedef struct _D3DKMT_PRESENT_STATS {
    UINT PresentCount;
    UINT PresentRefreshCount;
    UINT SyncRefreshCount;
    LARGE_INTEGER SyncQPCTime;
    LARGE_INTEGER SyncGPUTime;
} D3DKMT_PRESENT_STATS;

typedef struct _D3DKMT_DEVICERESET_STATE {
    union {
        struct {
            UINT DesktopSwitched : 1; /* the session's desktop changed */
            UINT Reserved : 31;
        };
        UINT Value;
    };
} D3DKMT_DEVICERESET_STATE;

typedef struct _D3DKMT_DEVICEPRESENT_STATE {
    D3DDDI_VIDEO_PRESENT_SOURCE_ID VidPnSourceId;
    D3DKMT_PRESENT_STATS PresentStats;
} D3DKMT_DEVICEPRESENT_STATE;

typedef struct _D3DKMT_PRESENT_STATS_DWM {
    UINT PresentCount;
    UINT PresentRefreshCount;
    LARGE_INTEGER PresentQPCTime;
    UINT SyncRefreshCount;
    LARGE_INTEGER SyncQPCTime;
    UINT CustomPresentDuration;
} D3DKMT_PRESENT_STATS_DWM;

typedef struct _D3DKMT_DEVICEPRESENT_STATE_DWM {
    D3DDDI_VIDEO_PRESENT_SOURCE_ID VidPnSourceId;
    D3DKMT_PRESENT_STATS_DWM PresentStatsDWM;
} D3DKMT_DEVICEPRESENT_STATE_DWM;

typedef struct _D3DKMT_DEVICEPRESENT_QUEUE_STATE {
    D3DDDI_VIDEO_PRESENT_SOURCE_ID VidPnSourceId;
    BOOLEAN bQueuedPresentLimitReached;
} D3DKMT_DEVICEPRESENT_QUEUE_STATE;

/* Argument of D3DKMTGetDeviceState(). */
typedef struct _D3DKMT_GETDEVICESTATE {
    D3DKMT_HANDLE hDevice;             /* in */
    D3DKMT_DEVICESTATE_TYPE StateType; /* in: which member of the union is wanted */
    union {
        D3DKMT_DEVICEEXECUTION_STATE ExecutionState;
        D3DKMT_DEVICEPRESENT_STATE PresentState;
        D3DKMT_DEVICERESET_STATE ResetState;
        D3DKMT_DEVICEPRESENT_STATE_DWM PresentStateDWM;
        D3DKMT_DEVICEPAGEFAULT_STATE PageFaultState;
        D3DKMT_DEVICEPRESENT_QUEUE_STATE PresentQueueState;
    };
} D3DKMT_GETDEVICESTATE;

/*
 * Tells the state of a device. The execution state is cheap to ask for repeatedly: it is answered
 * from memory until the host announces a change. The other kinds are asked of the host each time.
 */
NTSTATUS APIENTRY D3DKMTGetDeviceState(D3DKMT_GETDEVICESTATE *args);

typedef enum _D3DKMT_DEVICE_ERROR_REASON {
    D3DKMT_DEVICE_ERROR_REASON_GENERIC = 0x80000000,     /* the client has given the device up */
    D3DKMT_DEVICE_ERROR_REASON_DRIVER_ERROR = 0x80000006 /* the user-mode driver found an error */
} D3DKMT_DEVICE_ERROR_REASON;

/* Argument of D3DKMTMarkDeviceAsError(). */
typedef struct _D3DKMT_MARKDEVICEASERROR {
    D3DKMT_HANDLE hDevice;             /* in */
    D3DKMT_DEVICE_ERROR_REASON Reason; /* in */
} D3DKMT_MARKDEVICEASERROR;

/* Puts the device into the reset state, as if the GPU had faulted: further submissions fail. */
NTSTATUS APIENTRY D3DKMTMarkDeviceAsError(D3DKMT_MARKDEVICEASERROR *args);

#include "end.h"

#endif
