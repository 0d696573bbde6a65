/* SPDX-License-Identifier: MIT */
/*
 * Presentation: showing surfaces on displays. A paravirtual adapter has no display, so no function
 * of this header works on Linux; types and names are here for sources that share code with Windows.
 */
#ifndef D3DKMT_WDDM_PRESENT_H
#define D3DKMT_WDDM_PRESENT_H

#include "format.h"
#include "scalars.h"

#include "begin.h"

#define D3DDDI_MAX_MPO_PRESENT_DIRTY_RECTS                  4095
#define D3DKMT_MAX_PRESENT_HISTORY_RECTS                    16
#define D3DKMT_MAX_PRESENT_HISTORY_SCATTERBLTS              12
#define D3DKMT_MAX_MULTIPLANE_OVERLAY_PLANES                8
#define D3DKMT_MAX_MULTIPLANE_OVERLAY_ALLOCATIONS_PER_PLANE 256
#define D3DKMT_GETPRESENTHISTORY_MAXTOKENS                  2048
#define D3DKMT_MAX_WAITFORVERTICALBLANK_OBJECTS             8

typedef ULONGLONG D3DKMT_VISTABLTMODEL_PRESENTHISTORYTOKEN;

/* How a surface comes to the screen. */
typedef enum _D3DKMT_PRESENT_MODEL {
    D3DKMT_PM_UNINITIALIZED = 0,
    D3DKMT_PM_REDIRECTED_GDI = 1,
    D3DKMT_PM_REDIRECTED_FLIP = 2,
    D3DKMT_PM_REDIRECTED_BLT = 3,
    D3DKMT_PM_REDIRECTED_VISTABLT = 4,
    D3DKMT_PM_SCREENCAPTUREFENCE = 5,
    D3DKMT_PM_REDIRECTED_GDI_SYSMEM = 6,
    D3DKMT_PM_REDIRECTED_COMPOSITION = 7,
    D3DKMT_PM_SURFACECOMPLETE = 8,
    D3DKMT_PM_FLIPMANAGER = 9
} D3DKMT_PRESENT_MODEL;

typedef enum _D3DKMT_FLIPMODEL_INDEPENDENT_FLIP_STAGE {
    D3DKMT_FLIPMODEL_INDEPENDENT_FLIP_STAGE_FLIP_SUBMITTED = 0,
    D3DKMT_FLIPMODEL_INDEPENDENT_FLIP_STAGE_FLIP_COMPLETE = 1
} D3DKMT_FLIPMODEL_INDEPENDENT_FLIP_STAGE;

typedef struct _D3DKMT_FLIPMODEL_PRESENTHISTORYTOKENFLAGS {
    union {
        struct {
            UINT Video : 1;
            UINT RestrictedContent : 1;
            UINT ClipToView : 1;
            UINT StereoPreferRight : 1;
            UINT TemporaryMono : 1;
            UINT FlipRestart : 1;
            UINT HDRMetaDataChanged : 1;
            UINT AlphaMode : 2;
            UINT SignalLimitOnTokenCompletion : 1;
            UINT YCbCrFlags : 3;
            UINT IndependentFlip : 1;
            D3DKMT_FLIPMODEL_INDEPENDENT_FLIP_STAGE IndependentFlipStage : 2;
            UINT IndependentFlipReleaseCount : 2;
            UINT IndependentFlipForceNotifyDwm : 1;
            UINT UseCustomDuration : 1;
            UINT IndependentFlipRequestDwmConfirm : 1;
            UINT IndependentFlipCandidate : 1;
            UINT IndependentFlipCheckNeeded : 1;
            UINT IndependentFlipTrueImmediate : 1;
            UINT IndependentFlipRequestDwmExit : 1;
            UINT CompSurfaceNotifiedEarly : 1;
            UINT IndependentFlipDoNotFlip : 1;
            UINT RequirePairedToken : 1;
            UINT VariableRefreshOverrideEligible : 1;
            UINT Reserved : 3;
        };
        UINT Value;
    };
} D3DKMT_FLIPMODEL_PRESENTHISTORYTOKENFLAGS;

typedef struct _D3DKMT_SCATTERBLT {
    ULONG64 hLogicalSurfaceDestination;
    LONG64 hDestinationCompSurfDWM;
    UINT64 DestinationCompositionBindingId;
    RECT SourceRect;
    POINT DestinationOffset;
} D3DKMT_SCATTERBLT;

typedef struct _D3DKMT_SCATTERBLTS {
    UINT NumBlts;
    D3DKMT_SCATTERBLT Blts[D3DKMT_MAX_PRESENT_HISTORY_SCATTERBLTS];
} D3DKMT_SCATTERBLTS;

typedef struct _D3DKMT_DIRTYREGIONS {
    UINT NumRects;
    RECT Rects[D3DKMT_MAX_PRESENT_HISTORY_RECTS];
} D3DKMT_DIRTYREGIONS;

typedef struct _D3DKMT_FLIPMODEL_PRESENTHISTORYTOKEN {
    UINT64 FenceValue;
    ULONG64 hLogicalSurface;
    D3DKMT_UINT_PTR dxgContext;
    D3DDDI_VIDEO_PRESENT_SOURCE_ID VidPnSourceId;
    UINT SwapChainIndex;
    UINT64 PresentLimitSemaphoreId;
    D3DDDI_FLIPINTERVAL_TYPE FlipInterval;
    D3DKMT_FLIPMODEL_PRESENTHISTORYTOKENFLAGS Flags;
    LONG64 hCompSurf;
    LUID compSurfLuid;
    UINT64 confirmationCookie;
    UINT64 CompositionSyncKey;
    UINT RemainingTokens;
    RECT ScrollRect;
    POINT ScrollOffset;
    UINT PresentCount;
    FLOAT RevealColor[4];
    D3DDDI_ROTATION Rotation;
    union {
        D3DKMT_SCATTERBLTS ScatterBlts;
        struct {
            HANDLE hSyncObject;
            D3DDDI_HDR_METADATA_TYPE HDRMetaDataType;
            union {
                D3DDDI_HDR_METADATA_HDR10 HDRMetaDataHDR10;
                D3DDDI_HDR_METADATA_HDR10PLUS HDRMetaDataHDR10Plus;
            };
        };
    };
    UINT InkCookie;
    RECT SourceRect;
    UINT DestWidth;
    UINT DestHeight;
    RECT TargetRect;
    FLOAT Transform[6];
    UINT CustomDuration;
    D3DDDI_FLIPINTERVAL_TYPE CustomDurationFlipInterval;
    UINT PlaneIndex;
    D3DDDI_COLOR_SPACE_TYPE ColorSpace;
    D3DKMT_DIRTYREGIONS DirtyRegions;
} D3DKMT_FLIPMODEL_PRESENTHISTORYTOKEN;

typedef struct _D3DKMT_BLTMODEL_PRESENTHISTORYTOKEN {
    ULONG64 hLogicalSurface;
    ULONG64 hPhysicalSurface;
    ULONG64 EventId;
    D3DKMT_DIRTYREGIONS DirtyRegions;
} D3DKMT_BLTMODEL_PRESENTHISTORYTOKEN;

typedef struct _D3DKMT_GDIMODEL_PRESENTHISTORYTOKEN {
    ULONG64 hLogicalSurface;
    ULONG64 hPhysicalSurface;
    RECT ScrollRect;
    POINT ScrollOffset;
    D3DKMT_DIRTYREGIONS DirtyRegions;
} D3DKMT_GDIMODEL_PRESENTHISTORYTOKEN;

typedef struct _D3DKMT_FENCE_PRESENTHISTORYTOKEN {
    UINT64 Key;
} D3DKMT_FENCE_PRESENTHISTORYTOKEN;

typedef struct _D3DKMT_GDIMODEL_SYSMEM_PRESENTHISTORYTOKEN {
    ULONG64 hlsurf;
    DWORD dwDirtyFlags;
    UINT64 uiCookie;
} D3DKMT_GDIMODEL_SYSMEM_PRESENTHISTORYTOKEN;

typedef struct _D3DKMT_COMPOSITION_PRESENTHISTORYTOKEN {
    ULONG64 hPrivateData;
} D3DKMT_COMPOSITION_PRESENTHISTORYTOKEN;

typedef struct _D3DKMT_FLIPMANAGER_PRESENTHISTORYTOKEN {
    ULONG64 hPrivateData;
    ULONGLONG PresentAtQpc;
    union {
        struct {
            UINT Discard : 1;
            UINT PresentAt : 1;
            UINT hPrivateDataIsPointer : 1;
            UINT Reserved : 29;
        };
        UINT Value;
    } Flags;
} D3DKMT_FLIPMANAGER_PRESENTHISTORYTOKEN;

typedef struct _D3DKMT_SURFACECOMPLETE_PRESENTHISTORYTOKEN {
    ULONG64 hLogicalSurface;
} D3DKMT_SURFACECOMPLETE_PRESENTHISTORYTOKEN;

/* What one present tells the compositor, by model. */
typedef struct _D3DKMT_PRESENTHISTORYTOKEN {
    D3DKMT_PRESENT_MODEL Model;
    UINT TokenSize; /* bytes of this token that are used */
    UINT64 CompositionBindingId;
    union {
        D3DKMT_FLIPMODEL_PRESENTHISTORYTOKEN Flip;
        D3DKMT_BLTMODEL_PRESENTHISTORYTOKEN Blt;
        D3DKMT_VISTABLTMODEL_PRESENTHISTORYTOKEN VistaBlt;
        D3DKMT_GDIMODEL_PRESENTHISTORYTOKEN Gdi;
        D3DKMT_FENCE_PRESENTHISTORYTOKEN Fence;
        D3DKMT_GDIMODEL_SYSMEM_PRESENTHISTORYTOKEN GdiSysMem;
        D3DKMT_COMPOSITION_PRESENTHISTORYTOKEN Composition;
        D3DKMT_FLIPMANAGER_PRESENTHISTORYTOKEN FlipManager;
        D3DKMT_SURFACECOMPLETE_PRESENTHISTORYTOKEN SurfaceComplete;
    } Token;
} D3DKMT_PRESENTHISTORYTOKEN;

typedef struct _D3DKMT_PRESENTFLAGS {
    union {
        struct {
            UINT Blt : 1;
            UINT ColorFill : 1;
            UINT Flip : 1;
            UINT FlipDoNotFlip : 1;
            UINT FlipDoNotWait : 1;
            UINT FlipRestart : 1;
            UINT DstRectValid : 1;
            UINT SrcRectValid : 1;
            UINT RestrictVidPnSource : 1;
            UINT SrcColorKey : 1;
            UINT DstColorKey : 1;
            UINT LinearToSrgb : 1;
            UINT PresentCountValid : 1;
            UINT Rotate : 1;
            UINT PresentToBitmap : 1;
            UINT RedirectedFlip : 1;
            UINT RedirectedBlt : 1;
            UINT FlipStereo : 1;
            UINT FlipStereoTemporaryMono : 1;
            UINT FlipStereoPreferRight : 1;
            UINT BltStereoUseRight : 1;
            UINT PresentHistoryTokenOnly : 1;
            UINT PresentRegionsValid : 1;
            UINT PresentDDA : 1;
            UINT ProtectedContentBlankedOut : 1;
            UINT RemoteSession : 1;
            UINT CrossAdapter : 1;
            UINT DurationValid : 1;
            UINT PresentIndirect : 1;
            UINT PresentHMD : 1;
            UINT Reserved : 2;
        };
        UINT Value;
    };
} D3DKMT_PRESENTFLAGS;

typedef struct _D3DKMT_MOVE_RECT {
    POINT SourcePoint;
    RECT DestRect;
} D3DKMT_MOVE_RECT;

typedef struct _D3DKMT_PRESENT_RGNS {
    UINT DirtyRectCount;
    D3DKMT_PTR(const RECT *, pDirtyRects);
    UINT MoveRectCount;
    D3DKMT_PTR(const D3DKMT_MOVE_RECT *, pMoveRects);
} D3DKMT_PRESENT_RGNS;

/* Argument of D3DKMTPresent(). The window is a number of 4 bytes in a space of 8. */
typedef struct _D3DKMT_PRESENT {
    union {
        D3DKMT_HANDLE hDevice;
        D3DKMT_HANDLE hContext;
    };
    D3DKMT_PTR(HWND, hWindow);
    D3DDDI_VIDEO_PRESENT_SOURCE_ID VidPnSourceId;
    D3DKMT_HANDLE hSource;
    D3DKMT_HANDLE hDestination;
    UINT Color;
    RECT DstRect;
    RECT SrcRect;
    UINT SubRectCnt;
    D3DKMT_PTR(const RECT *, pSrcSubRects);
    UINT PresentCount;
    D3DDDI_FLIPINTERVAL_TYPE FlipInterval;
    D3DKMT_PRESENTFLAGS Flags;
    ULONG BroadcastContextCount;
    D3DKMT_HANDLE BroadcastContext[D3DDDI_MAX_BROADCAST_CONTEXT];
    HANDLE PresentLimitSemaphore;
    D3DKMT_PRESENTHISTORYTOKEN PresentHistoryToken;
    D3DKMT_PRESENT_RGNS *pPresentRegions;
    union {
        D3DKMT_HANDLE hAdapter;
        D3DKMT_HANDLE hIndirectContext;
    };
    UINT Duration;
    D3DKMT_PTR(D3DKMT_HANDLE *, BroadcastSrcAllocation);
    D3DKMT_PTR(D3DKMT_HANDLE *, BroadcastDstAllocation);
    UINT PrivateDriverDataSize;
    D3DKMT_PTR(PVOID, pPrivateDriverData);
    BOOLEAN bOptimizeForComposition;
} D3DKMT_PRESENT;

/* Would show a surface. Status: STATUS_NOT_SUPPORTED. */
NTSTATUS APIENTRY D3DKMTPresent(D3DKMT_PRESENT *args);

/* Argument of D3DKMTSubmitPresentToHwQueue(). */
typedef struct _D3DKMT_SUBMITPRESENTTOHWQUEUE {
    D3DKMT_PTR(D3DKMT_HANDLE *, hHwQueues);
    D3DKMT_PRESENT PrivatePresentData;
} D3DKMT_SUBMITPRESENTTOHWQUEUE;

/* Would queue a present on hardware queues. Status: STATUS_NOT_SUPPORTED. */
NTSTATUS APIENTRY D3DKMTSubmitPresentToHwQueue(D3DKMT_SUBMITPRESENTTOHWQUEUE *args);

typedef enum _D3DKMT_QUEUEDLIMIT_TYPE {
    D3DKMT_SET_QUEUEDLIMIT_PRESENT = 1,
    D3DKMT_GET_QUEUEDLIMIT_PRESENT = 2
} D3DKMT_QUEUEDLIMIT_TYPE;

/* Argument of D3DKMTSetQueuedLimit(). */
typedef struct _D3DKMT_SETQUEUEDLIMIT {
    D3DKMT_HANDLE hDevice;
    D3DKMT_QUEUEDLIMIT_TYPE Type;
    union {
        UINT QueuedPresentLimit;
        struct {
            D3DDDI_VIDEO_PRESENT_SOURCE_ID VidPnSourceId;
            UINT QueuedPendingFlipLimit;
        };
    };
} D3DKMT_SETQUEUEDLIMIT;

/* Would bound how many presents may be queued. Status: STATUS_NOT_SUPPORTED. */
NTSTATUS APIENTRY D3DKMTSetQueuedLimit(const D3DKMT_SETQUEUEDLIMIT *args);

/* Argument of D3DKMTSetDisplayPrivateDriverFormat(). */
typedef struct _D3DKMT_SETDISPLAYPRIVATEDRIVERFORMAT {
    D3DKMT_HANDLE hDevice;
    D3DDDI_VIDEO_PRESENT_SOURCE_ID VidPnSourceId;
    UINT PrivateDriverFormatAttribute;
} D3DKMT_SETDISPLAYPRIVATEDRIVERFORMAT;

/* Would change a display's private format. Status: STATUS_NOT_SUPPORTED. */
NTSTATUS APIENTRY
D3DKMTSetDisplayPrivateDriverFormat(const D3DKMT_SETDISPLAYPRIVATEDRIVERFORMAT *args);

typedef struct _D3DKMT_MULTISAMPLEMETHOD {
    UINT NumSamples;
    UINT NumQualityLevels;
    UINT Reserved;
} D3DKMT_MULTISAMPLEMETHOD;

/* Argument of D3DKMTGetMultisampleMethodList(). */
typedef struct _D3DKMT_GETMULTISAMPLEMETHODLIST {
    D3DKMT_HANDLE hAdapter;
    D3DDDI_VIDEO_PRESENT_SOURCE_ID VidPnSourceId;
    UINT Width;
    UINT Height;
    D3DDDIFORMAT Format;
    D3DKMT_PTR(D3DKMT_MULTISAMPLEMETHOD *, pMethodList);
    UINT MethodCount;
} D3DKMT_GETMULTISAMPLEMETHODLIST;

/* Would list ways of multisampling. Status: STATUS_NOT_SUPPORTED. */
NTSTATUS APIENTRY D3DKMTGetMultisampleMethodList(D3DKMT_GETMULTISAMPLEMETHODLIST *args);

typedef union _D3DKMT_PINRESOURCEFLAGS {
    struct {
        UINT DirectFlipResources : 1;
        UINT Reserved : 31;
    };
    UINT Value;
} D3DKMT_PINRESOURCEFLAGS;

/* Argument of D3DKMTPinResources(). */
typedef struct _D3DKMT_PINRESOURCES {
    D3DKMT_HANDLE hDevice;
    UINT ResourceCount;
    D3DKMT_PTR(D3DKMT_HANDLE *, pResourceList);
    D3DKMT_PINRESOURCEFLAGS Flags;
    D3DKMT_HANDLE hPagingQueue;
    UINT64 PagingFence;
} D3DKMT_PINRESOURCES;

/* Would keep displayed resources in place. Status: STATUS_NOT_SUPPORTED. */
NTSTATUS APIENTRY D3DKMTPinResources(D3DKMT_PINRESOURCES *args);

/* Argument of D3DKMTUnpinResources(). */
typedef struct _D3DKMT_UNPINRESOURCES {
    D3DKMT_HANDLE hDevice;
    UINT ResourceCount;
    D3DKMT_PTR(D3DKMT_HANDLE *, pResourceList);
    UINT Reserved;
} D3DKMT_UNPINRESOURCES;

/* The counterpart of D3DKMTPinResources(). Status: STATUS_NOT_SUPPORTED. */
NTSTATUS APIENTRY D3DKMTUnpinResources(const D3DKMT_UNPINRESOURCES *args);

#include "end.h"

#endif
