/* SPDX-License-Identifier: MIT */
/*
 * What D3DKMTQueryAdapterInfo() tells about an adapter's abilities. The WDDM_x_CAPS from 1.3 on and
 * a few others are packed to bytes.
 */
#ifndef D3DKMT_WDDM_CAPABILITIES_H
#define D3DKMT_WDDM_CAPABILITIES_H

#include "adapterinfo.h"
#include "scalars.h"

#include "begin.h"

#define DXGK_FEATURE_SUPPORT_ALWAYS_OFF   0 /* Values of the SupportState fields below. */
#define DXGK_FEATURE_SUPPORT_EXPERIMENTAL 1
#define DXGK_FEATURE_SUPPORT_STABLE       2
#define DXGK_FEATURE_SUPPORT_ALWAYS_ON    3

/* Where the GPU can leave graphics work for more urgent work. */
typedef enum _D3DKMDT_GRAPHICS_PREEMPTION_GRANULARITY {
    D3DKMDT_GRAPHICS_PREEMPTION_NONE = 0,
    D3DKMDT_GRAPHICS_PREEMPTION_DMA_BUFFER_BOUNDARY = 100,
    D3DKMDT_GRAPHICS_PREEMPTION_PRIMITIVE_BOUNDARY = 200,
    D3DKMDT_GRAPHICS_PREEMPTION_TRIANGLE_BOUNDARY = 300,
    D3DKMDT_GRAPHICS_PREEMPTION_PIXEL_BOUNDARY = 400,
    D3DKMDT_GRAPHICS_PREEMPTION_SHADER_BOUNDARY = 500
} D3DKMDT_GRAPHICS_PREEMPTION_GRANULARITY;

/* Where the GPU can leave compute work for more urgent work. */
typedef enum _D3DKMDT_COMPUTE_PREEMPTION_GRANULARITY {
    D3DKMDT_COMPUTE_PREEMPTION_NONE = 0,
    D3DKMDT_COMPUTE_PREEMPTION_DMA_BUFFER_BOUNDARY = 100,
    D3DKMDT_COMPUTE_PREEMPTION_DISPATCH_BOUNDARY = 200,
    D3DKMDT_COMPUTE_PREEMPTION_THREAD_GROUP_BOUNDARY = 300,
    D3DKMDT_COMPUTE_PREEMPTION_THREAD_BOUNDARY = 400,
    D3DKMDT_COMPUTE_PREEMPTION_SHADER_BOUNDARY = 500
} D3DKMDT_COMPUTE_PREEMPTION_GRANULARITY;

typedef struct _D3DKMDT_PREEMPTION_CAPS {
    D3DKMDT_GRAPHICS_PREEMPTION_GRANULARITY GraphicsPreemptionGranularity;
    D3DKMDT_COMPUTE_PREEMPTION_GRANULARITY ComputePreemptionGranularity;
} D3DKMDT_PREEMPTION_CAPS;

typedef struct _D3DKMT_WDDM_1_2_CAPS {
    D3DKMDT_PREEMPTION_CAPS PreemptionCaps;
    union {
        struct {
            UINT SupportNonVGA : 1;
            UINT SupportSmoothRotation : 1;
            UINT SupportPerEngineTDR : 1; /* a hung engine is reset alone */
            UINT SupportKernelModeCommandBuffer : 1;
            UINT SupportCCD : 1;
            UINT SupportSoftwareDeviceBitmaps : 1;
            UINT SupportGammaRamp : 1;
            UINT SupportHWCursor : 1;
            UINT SupportHWVSync : 1;
            UINT SupportSurpriseRemovalInHibernation : 1;
            UINT Reserved : 22;
        };
        UINT Value;
    };
} D3DKMT_WDDM_1_2_CAPS;

#pragma pack(push, 1)
typedef struct _D3DKMT_WDDM_1_3_CAPS {
    union {
        struct {
            UINT SupportMiracast : 1;
            UINT IsHybridIntegratedGPU : 1;
            UINT IsHybridDiscreteGPU : 1;
            UINT SupportPowerManagementPStates : 1;
            UINT SupportVirtualModes : 1;
            UINT SupportCrossAdapterResource : 1; /* shares linear memory with other adapters */
            UINT Reserved : 26;
        };
        UINT Value;
    };
} D3DKMT_WDDM_1_3_CAPS;
#pragma pack(pop)

#pragma pack(push, 1)
typedef struct _D3DKMT_WDDM_2_0_CAPS {
    union {
        struct {
            UINT Support64BitAtomics : 1;
            UINT GpuMmuSupported : 1; /* processes have GPU address spaces of their own */
            UINT IoMmuSupported : 1;  /* the GPU uses the CPU's addresses */
            UINT FlipOverwriteSupported : 1;
            UINT SupportContextlessPresent : 1;
            UINT SupportSurpriseRemoval : 1;
            UINT Reserved : 26;
        };
        UINT Value;
    };
} D3DKMT_WDDM_2_0_CAPS;
#pragma pack(pop)

#pragma pack(push, 1)
/* Hardware scheduling: the GPU schedules hardware queues by itself. */
typedef struct _D3DKMT_WDDM_2_7_CAPS {
    union {
        struct {
            UINT HwSchSupported : 1;
            UINT HwSchEnabled : 1; /* contexts are made with HwQueueSupported */
            UINT HwSchEnabledByDefault : 1;
            UINT IndependentVidPnVSyncControl : 1;
            UINT Reserved : 28;
        };
        UINT Value;
    };
} D3DKMT_WDDM_2_7_CAPS;
#pragma pack(pop)

#pragma pack(push, 1)
typedef struct _D3DKMT_WDDM_2_9_CAPS {
    union {
        struct {
            UINT HwSchSupportState : 2; /* DXGK_FEATURE_SUPPORT_* */
            UINT HwSchEnabled : 1;
            UINT SelfRefreshMemorySupported : 1;
            UINT Reserved : 28;
        };
        UINT Value;
    };
} D3DKMT_WDDM_2_9_CAPS;
#pragma pack(pop)

#pragma pack(push, 1)
typedef struct _D3DKMT_WDDM_3_0_CAPS {
    union {
        struct {
            UINT HwFlipQueueSupportState : 2; /* DXGK_FEATURE_SUPPORT_* */
            UINT HwFlipQueueEnabled : 1;
            UINT DisplayableSupported : 1;
            UINT Reserved : 28;
        };
        UINT Value;
    };
} D3DKMT_WDDM_3_0_CAPS;
#pragma pack(pop)

typedef struct _D3DKMT_VIRTUALADDRESSFLAGS {
    UINT VirtualAddressSupported : 1;
    UINT Reserved : 31;
} D3DKMT_VIRTUALADDRESSFLAGS;

typedef struct _D3DKMT_VIRTUALADDRESSINFO {
    D3DKMT_VIRTUALADDRESSFLAGS VirtualAddressFlags;
} D3DKMT_VIRTUALADDRESSINFO;

/* What the GPU's page tables can do. */
typedef struct _D3DKMT_GPUMMU_CAPS {
    union {
        struct {
            UINT ReadOnlyMemorySupported : 1;
            UINT NoExecuteMemorySupported : 1;
            UINT CacheCoherentMemorySupported : 1; /* snoops the CPU's caches */
            UINT Reserved : 29;
        };
        UINT Value;
    } Flags;
    UINT VirtualAddressBitCount; /* width of a GPU virtual address */
} D3DKMT_GPUMMU_CAPS;

typedef struct _D3DKMT_QUERY_GPUMMU_CAPS {
    UINT PhysicalAdapterIndex; /* in */
    D3DKMT_GPUMMU_CAPS Caps;   /* out */
} D3DKMT_QUERY_GPUMMU_CAPS;

typedef struct _D3DKMT_PARAVIRTUALIZATION {
    /* the VM must not see what could identify the host or reach its memory */
    BOOLEAN SecureContainer;
} D3DKMT_PARAVIRTUALIZATION;

/* What memory shared with other adapters may be used for. */
typedef enum _D3DKMT_CROSSADAPTERRESOURCE_SUPPORT_TIER {
    D3DKMT_CROSSADAPTERRESOURCE_SUPPORT_TIER_NONE = 0,
    D3DKMT_CROSSADAPTERRESOURCE_SUPPORT_TIER_COPY = 1,
    D3DKMT_CROSSADAPTERRESOURCE_SUPPORT_TIER_TEXTURE = 2,
    D3DKMT_CROSSADAPTERRESOURCE_SUPPORT_TIER_SCANOUT = 3
} D3DKMT_CROSSADAPTERRESOURCE_SUPPORT_TIER;

#pragma pack(push, 1)
typedef struct _D3DKMT_TRACKEDWORKLOAD_SUPPORT {
    UINT PhysicalAdapterIndex;   /* in */
    DXGK_ENGINE_TYPE EngineType; /* in */
    BOOL Support;                /* out */
} D3DKMT_TRACKEDWORKLOAD_SUPPORT;
#pragma pack(pop)

#pragma pack(push, 1)
/* Display only. */
typedef struct _D3DKMT_DRIVERCAPS_EXT {
    union {
        struct {
            UINT VirtualModeSupport : 1;
            UINT Usb4MonitorSupport : 1;
            UINT Reserved : 30;
        };
        UINT Value;
    };
} D3DKMT_DRIVERCAPS_EXT;
#pragma pack(pop)

#pragma pack(push, 1)
/* Display only. */
typedef struct _D3DKMT_DISPLAY_CAPS {
    union {
        struct {
            UINT64 PreferPhysicallyContiguous : 1;
            UINT64 Reserved : 63;
        };
        UINT64 Value;
    };
} D3DKMT_DISPLAY_CAPS;
#pragma pack(pop)

typedef enum _D3DKMT_MIRACAST_DRIVER_TYPE {
    D3DKMT_MIRACAST_DRIVER_NOT_SUPPORTED = 0,
    D3DKMT_MIRACAST_DRIVER_IHV = 1,
    D3DKMT_MIRACAST_DRIVER_MS = 2
} D3DKMT_MIRACAST_DRIVER_TYPE;

/* Display only. */
typedef struct _D3DKMT_QUERY_MIRACAST_DRIVER_TYPE {
    D3DKMT_MIRACAST_DRIVER_TYPE MiracastDriverType;
} D3DKMT_QUERY_MIRACAST_DRIVER_TYPE;

/* Display only. */
typedef struct _D3DKMT_QUERY_SCANOUT_CAPS {
    D3DDDI_VIDEO_PRESENT_SOURCE_ID VidPnSourceId; /* in */
    UINT Caps;                                    /* out */
} D3DKMT_QUERY_SCANOUT_CAPS;

/* Display only, as are the structs that follow with a single answer. */
typedef struct _D3DKMT_DIRECTFLIP_SUPPORT {
    BOOL Supported;
} D3DKMT_DIRECTFLIP_SUPPORT;

typedef struct _D3DKMT_CROSSADAPTERRESOURCE_SUPPORT {
    D3DKMT_CROSSADAPTERRESOURCE_SUPPORT_TIER SupportTier;
} D3DKMT_CROSSADAPTERRESOURCE_SUPPORT;

typedef struct _D3DKMT_HWDRM_SUPPORT {
    BOOLEAN Supported;
} D3DKMT_HWDRM_SUPPORT;

typedef struct _D3DKMT_HYBRID_DLIST_DLL_SUPPORT {
    BOOL Supported;
} D3DKMT_HYBRID_DLIST_DLL_SUPPORT;

typedef struct _D3DKMT_INDEPENDENTFLIP_SECONDARY_SUPPORT {
    BOOL Supported;
} D3DKMT_INDEPENDENTFLIP_SECONDARY_SUPPORT;

typedef struct _D3DKMT_INDEPENDENTFLIP_SUPPORT {
    BOOL Supported;
} D3DKMT_INDEPENDENTFLIP_SUPPORT;

typedef struct _D3DKMT_ISBADDRIVERFORHWPROTECTIONDISABLED {
    BOOL Disabled;
} D3DKMT_ISBADDRIVERFORHWPROTECTIONDISABLED;

typedef struct _D3DKMT_MPO3DDI_SUPPORT {
    BOOL Supported;
} D3DKMT_MPO3DDI_SUPPORT;

typedef struct _D3DKMT_MPOKERNELCAPS_SUPPORT {
    BOOL Supported;
} D3DKMT_MPOKERNELCAPS_SUPPORT;

typedef struct _D3DKMT_MULTIPLANEOVERLAY_DECODE_SUPPORT {
    BOOL Supported;
} D3DKMT_MULTIPLANEOVERLAY_DECODE_SUPPORT;

typedef struct _D3DKMT_MULTIPLANEOVERLAY_HUD_SUPPORT {
    UINT VidPnSourceId;
    BOOL Update;
    BOOL KernelSupported;
    BOOL HudSupported;
} D3DKMT_MULTIPLANEOVERLAY_HUD_SUPPORT;

typedef struct _D3DKMT_MULTIPLANEOVERLAY_SECONDARY_SUPPORT {
    BOOL Supported;
} D3DKMT_MULTIPLANEOVERLAY_SECONDARY_SUPPORT;

typedef struct _D3DKMT_MULTIPLANEOVERLAY_STRETCH_SUPPORT {
    UINT VidPnSourceId;
    BOOL Update;
    BOOL Supported;
} D3DKMT_MULTIPLANEOVERLAY_STRETCH_SUPPORT;

typedef struct _D3DKMT_MULTIPLANEOVERLAY_SUPPORT {
    BOOL Supported;
} D3DKMT_MULTIPLANEOVERLAY_SUPPORT;

typedef struct _D3DKMT_PANELFITTER_SUPPORT {
    BOOL Supported;
} D3DKMT_PANELFITTER_SUPPORT;

typedef struct _D3DKMT_XBOX {
    BOOL IsXBOX;
} D3DKMT_XBOX;

#include "end.h"

#endif
