/* SPDX-License-Identifier: MIT */
/* Adapters: finding, opening and closing them, and asking what they are. */
#ifndef D3DKMT_WDDM_ADAPTER_H
#define D3DKMT_WDDM_ADAPTER_H

#include "scalars.h"

#include "begin.h"

/* Entries that are always enough for D3DKMTEnumAdapters2 on Windows; a VM may have more. */
#define MAX_ENUM_ADAPTERS 16

/* One adapter of an enumeration. */
typedef struct _D3DKMT_ADAPTERINFO {
    D3DKMT_HANDLE hAdapter;               /* out: a new handle; the caller closes it */
    LUID AdapterLuid;                     /* out: names the adapter in this boot of the machine */
    ULONG NumOfSources;                   /* out: display sources; 0 on paravirtual adapters */
    BOOL bPrecisePresentRegionsPreferred; /* out */
} D3DKMT_ADAPTERINFO;

/* Argument of D3DKMTEnumAdapters2(). */
typedef struct _D3DKMT_ENUMADAPTERS2 {
    /* in: entries in pAdapters. out: entries filled, or adapters known if there is no array */
    ULONG NumAdapters;
    /* out: caller's array; NULL asks for the number alone */
    D3DKMT_PTR(D3DKMT_ADAPTERINFO *, pAdapters);
} D3DKMT_ENUMADAPTERS2;

/*
 * Opens every graphics adapter and lists the handles.
 *
 * Adapters that only compute are left out of the list but counted in the number, and adapters that
 * are not ready are skipped: the number filled may be smaller than the number asked for. Each
 * entry's handle is new and must be closed with D3DKMTCloseAdapter(), the unused ones too.
 *
 * Statuses: STATUS_BUFFER_TOO_SMALL if NumAdapters is below the number of adapters; then no handle
 * has been opened.
 */
NTSTATUS APIENTRY D3DKMTEnumAdapters2(const D3DKMT_ENUMADAPTERS2 *args);

/* Which kinds of adapter D3DKMTEnumAdapters3() lists. */
typedef union _D3DKMT_ENUMADAPTERS_FILTER {
    struct {
        ULONGLONG IncludeComputeOnly : 1; /* also those without a graphics engine */
        ULONGLONG IncludeDisplayOnly : 1; /* ignored: a VM sees none */
        ULONGLONG Reserved : 62;
    };
    ULONGLONG Value;
} D3DKMT_ENUMADAPTERS_FILTER;

/* Argument of D3DKMTEnumAdapters3(). */
typedef struct _D3DKMT_ENUMADAPTERS3 {
    D3DKMT_ENUMADAPTERS_FILTER Filter; /* in */
    /* in: entries in pAdapters. out: entries filled, or adapters known if there is no array */
    ULONG NumAdapters;
    /* out: caller's array; NULL asks for the number alone */
    D3DKMT_PTR(D3DKMT_ADAPTERINFO *, pAdapters);
} D3DKMT_ENUMADAPTERS3;

/*
 * As D3DKMTEnumAdapters2(), with a filter.
 *
 * Statuses: STATUS_BUFFER_TOO_SMALL if the array is too short; NumAdapters then tells what is
 * needed and no handle has been opened.
 */
NTSTATUS APIENTRY D3DKMTEnumAdapters3(D3DKMT_ENUMADAPTERS3 *args);

/* Argument of D3DKMTOpenAdapterFromLuid(). */
typedef struct _D3DKMT_OPENADAPTERFROMLUID {
    LUID AdapterLuid;       /* in */
    D3DKMT_HANDLE hAdapter; /* out */
} D3DKMT_OPENADAPTERFROMLUID;

/*
 * Opens the adapter with this LUID. Each call makes a new handle, also for an adapter that the
 * process has open; hAdapter is written although the argument is declared const.
 *
 * Statuses: STATUS_INVALID_PARAMETER if there is no such adapter.
 */
NTSTATUS APIENTRY D3DKMTOpenAdapterFromLuid(const D3DKMT_OPENADAPTERFROMLUID *args);

/* Opening by a display's device context: Windows only, here for sources that share code with it. */
typedef struct _D3DKMT_OPENADAPTERFROMHDC {
    D3DKMT_PTR(HDC, hDc);
    D3DKMT_HANDLE hAdapter;
    LUID AdapterLuid;
    D3DDDI_VIDEO_PRESENT_SOURCE_ID VidPnSourceId;
} D3DKMT_OPENADAPTERFROMHDC;

/* Argument of D3DKMTCloseAdapter(). */
typedef struct _D3DKMT_CLOSEADAPTER {
    D3DKMT_HANDLE hAdapter; /* in */
} D3DKMT_CLOSEADAPTER;

/*
 * Closes one handle of an adapter. With the last one of the process go all its devices on that
 * adapter and everything that they hold, even while other threads use them. Handle 0 is accepted
 * and does nothing.
 */
NTSTATUS APIENTRY D3DKMTCloseAdapter(const D3DKMT_CLOSEADAPTER *args);

/*
 * Closes what the library holds open on behalf of the process: every handle becomes invalid. A
 * later call opens anew. Programs need not call it; it is there for loaders that unload libraries.
 */
VOID APIENTRY D3DKMTCloseDxCoreDevice(void);

/*
 * What D3DKMTQueryAdapterInfo() asks for; the comment names the payload. Types that end in _RENDER
 * ask the render side of an adapter that has display and render sides, and give what their namesake
 * gives.
 */
typedef enum _KMTQUERYADAPTERINFOTYPE {
    KMTQAITYPE_UMDRIVERPRIVATE = 0,            /* the driver's own bytes */
    KMTQAITYPE_UMDRIVERNAME = 1,               /* D3DKMT_UMDFILENAMEINFO */
    KMTQAITYPE_UMOPENGLINFO = 2,               /* D3DKMT_OPENGLINFO */
    KMTQAITYPE_GETSEGMENTSIZE = 3,             /* D3DKMT_SEGMENTSIZEINFO */
    KMTQAITYPE_ADAPTERGUID = 4,                /* GUID */
    KMTQAITYPE_FLIPQUEUEINFO = 5,              /* D3DKMT_FLIPQUEUEINFO */
    KMTQAITYPE_ADAPTERADDRESS = 6,             /* D3DKMT_ADAPTERADDRESS */
    KMTQAITYPE_SETWORKINGSETINFO = 7,          /* D3DKMT_WORKINGSETINFO */
    KMTQAITYPE_ADAPTERREGISTRYINFO = 8,        /* D3DKMT_ADAPTERREGISTRYINFO */
    KMTQAITYPE_CURRENTDISPLAYMODE = 9,         /* D3DKMT_CURRENTDISPLAYMODE */
    KMTQAITYPE_MODELIST = 10,                  /* array of D3DKMT_DISPLAYMODE */
    KMTQAITYPE_CHECKDRIVERUPDATESTATUS = 11,   /* BOOL: an update has replaced the loaded driver */
    KMTQAITYPE_VIRTUALADDRESSINFO = 12,        /* D3DKMT_VIRTUALADDRESSINFO */
    KMTQAITYPE_DRIVERVERSION = 13,             /* D3DKMT_DRIVERVERSION */
    KMTQAITYPE_ADAPTERTYPE = 15,               /* D3DKMT_ADAPTERTYPE */
    KMTQAITYPE_OUTPUTDUPLCONTEXTSCOUNT = 16,   /* D3DKMT_OUTPUTDUPLCONTEXTSCOUNT */
    KMTQAITYPE_WDDM_1_2_CAPS = 17,             /* D3DKMT_WDDM_1_2_CAPS */
    KMTQAITYPE_UMD_DRIVER_VERSION = 18,        /* D3DKMT_UMD_DRIVER_VERSION */
    KMTQAITYPE_DIRECTFLIP_SUPPORT = 19,        /* D3DKMT_DIRECTFLIP_SUPPORT */
    KMTQAITYPE_MULTIPLANEOVERLAY_SUPPORT = 20, /* D3DKMT_MULTIPLANEOVERLAY_SUPPORT */
    KMTQAITYPE_DLIST_DRIVER_NAME = 21,         /* D3DKMT_DLIST_DRIVER_NAME */
    KMTQAITYPE_WDDM_1_3_CAPS = 22,             /* D3DKMT_WDDM_1_3_CAPS */
    KMTQAITYPE_MULTIPLANEOVERLAY_HUD_SUPPORT = 23, /* D3DKMT_MULTIPLANEOVERLAY_HUD_SUPPORT */
    KMTQAITYPE_WDDM_2_0_CAPS = 24,                 /* D3DKMT_WDDM_2_0_CAPS */
    KMTQAITYPE_NODEMETADATA = 25,                  /* D3DKMT_NODEMETADATA */
    KMTQAITYPE_CPDRIVERNAME = 26,                  /* D3DKMT_CPDRIVERNAME */
    KMTQAITYPE_XBOX = 27,                          /* D3DKMT_XBOX */
    KMTQAITYPE_INDEPENDENTFLIP_SUPPORT = 28,       /* D3DKMT_INDEPENDENTFLIP_SUPPORT */
    KMTQAITYPE_MIRACASTCOMPANIONDRIVERNAME = 29,   /* D3DKMT_MIRACASTCOMPANIONDRIVERNAME */
    KMTQAITYPE_PHYSICALADAPTERCOUNT = 30,          /* D3DKMT_PHYSICAL_ADAPTER_COUNT */
    KMTQAITYPE_PHYSICALADAPTERDEVICEIDS = 31,      /* D3DKMT_QUERY_DEVICE_IDS */
    KMTQAITYPE_DRIVERCAPS_EXT = 32,                /* D3DKMT_DRIVERCAPS_EXT */
    KMTQAITYPE_QUERY_MIRACAST_DRIVER_TYPE = 33,    /* D3DKMT_QUERY_MIRACAST_DRIVER_TYPE */
    KMTQAITYPE_QUERY_GPUMMU_CAPS = 34,             /* D3DKMT_QUERY_GPUMMU_CAPS */
    /* D3DKMT_MULTIPLANEOVERLAY_DECODE_SUPPORT */
    KMTQAITYPE_QUERY_MULTIPLANEOVERLAY_DECODE_SUPPORT = 35,
    KMTQAITYPE_QUERY_HW_PROTECTION_TEARDOWN_COUNT = 36, /* UINT32 */
    /* D3DKMT_ISBADDRIVERFORHWPROTECTIONDISABLED */
    KMTQAITYPE_QUERY_ISBADDRIVERFORHWPROTECTIONDISABLED = 37,
    /* D3DKMT_MULTIPLANEOVERLAY_SECONDARY_SUPPORT */
    KMTQAITYPE_MULTIPLANEOVERLAY_SECONDARY_SUPPORT = 38,
    /* D3DKMT_INDEPENDENTFLIP_SECONDARY_SUPPORT */
    KMTQAITYPE_INDEPENDENTFLIP_SECONDARY_SUPPORT = 39,
    KMTQAITYPE_PANELFITTER_SUPPORT = 40,   /* D3DKMT_PANELFITTER_SUPPORT */
    KMTQAITYPE_PHYSICALADAPTERPNPKEY = 41, /* D3DKMT_QUERY_PHYSICAL_ADAPTER_PNP_KEY */
    KMTQAITYPE_GETSEGMENTGROUPSIZE = 42,   /* D3DKMT_SEGMENTGROUPSIZEINFO */
    KMTQAITYPE_MPO3DDI_SUPPORT = 43,       /* D3DKMT_MPO3DDI_SUPPORT */
    KMTQAITYPE_HWDRM_SUPPORT = 44,         /* D3DKMT_HWDRM_SUPPORT */
    KMTQAITYPE_MPOKERNELCAPS_SUPPORT = 45, /* D3DKMT_MPOKERNELCAPS_SUPPORT */
    /* D3DKMT_MULTIPLANEOVERLAY_STRETCH_SUPPORT */
    KMTQAITYPE_MULTIPLANEOVERLAY_STRETCH_SUPPORT = 46,
    KMTQAITYPE_GET_DEVICE_VIDPN_OWNERSHIP_INFO = 47, /* D3DKMT_GET_DEVICE_VIDPN_OWNERSHIP_INFO */
    KMTQAITYPE_QUERYREGISTRY = 48,                   /* D3DDDI_QUERYREGISTRY_INFO */
    KMTQAITYPE_KMD_DRIVER_VERSION = 49,              /* D3DKMT_KMD_DRIVER_VERSION */
    KMTQAITYPE_BLOCKLIST_KERNEL = 50,                /* D3DKMT_BLOCKLIST_INFO */
    KMTQAITYPE_BLOCKLIST_RUNTIME = 51,               /* D3DKMT_BLOCKLIST_INFO */
    KMTQAITYPE_ADAPTERGUID_RENDER = 52,
    KMTQAITYPE_ADAPTERADDRESS_RENDER = 53,
    KMTQAITYPE_ADAPTERREGISTRYINFO_RENDER = 54,
    KMTQAITYPE_CHECKDRIVERUPDATESTATUS_RENDER = 55,
    KMTQAITYPE_DRIVERVERSION_RENDER = 56,
    KMTQAITYPE_ADAPTERTYPE_RENDER = 57,
    KMTQAITYPE_WDDM_1_2_CAPS_RENDER = 58,
    KMTQAITYPE_WDDM_1_3_CAPS_RENDER = 59,
    KMTQAITYPE_QUERY_ADAPTER_UNIQUE_GUID = 60, /* D3DKMT_QUERY_ADAPTER_UNIQUE_GUID */
    KMTQAITYPE_NODEPERFDATA = 61,              /* D3DKMT_NODE_PERFDATA */
    KMTQAITYPE_ADAPTERPERFDATA = 62,           /* D3DKMT_ADAPTER_PERFDATA */
    KMTQAITYPE_ADAPTERPERFDATA_CAPS = 63,      /* D3DKMT_ADAPTER_PERFDATACAPS */
    KMTQUITYPE_GPUVERSION = 64,                /* D3DKMT_GPUVERSION; the spelling is WDDM's */
    KMTQAITYPE_DRIVER_DESCRIPTION = 65,        /* D3DKMT_DRIVER_DESCRIPTION */
    KMTQAITYPE_DRIVER_DESCRIPTION_RENDER = 66,
    KMTQAITYPE_SCANOUT_CAPS = 67,                 /* D3DKMT_QUERY_SCANOUT_CAPS */
    KMTQAITYPE_DISPLAY_UMDRIVERNAME = 71,         /* D3DKMT_DISPLAY_UMD_FILENAMEINFO */
    KMTQAITYPE_PARAVIRTUALIZATION_RENDER = 68,    /* D3DKMT_PARAVIRTUALIZATION */
    KMTQAITYPE_SERVICENAME = 69,                  /* text */
    KMTQAITYPE_WDDM_2_7_CAPS = 70,                /* D3DKMT_WDDM_2_7_CAPS */
    KMTQAITYPE_TRACKEDWORKLOAD_SUPPORT = 72,      /* D3DKMT_TRACKEDWORKLOAD_SUPPORT */
    KMTQAITYPE_HYBRID_DLIST_DLL_SUPPORT = 73,     /* D3DKMT_HYBRID_DLIST_DLL_SUPPORT */
    KMTQAITYPE_DISPLAY_CAPS = 74,                 /* D3DKMT_DISPLAY_CAPS */
    KMTQAITYPE_WDDM_2_9_CAPS = 75,                /* D3DKMT_WDDM_2_9_CAPS */
    KMTQAITYPE_CROSSADAPTERRESOURCE_SUPPORT = 76, /* D3DKMT_CROSSADAPTERRESOURCE_SUPPORT */
    KMTQAITYPE_WDDM_3_0_CAPS = 77                 /* D3DKMT_WDDM_3_0_CAPS */
} KMTQUERYADAPTERINFOTYPE;

/* Argument of D3DKMTQueryAdapterInfo(). */
typedef struct _D3DKMT_QUERYADAPTERINFO {
    D3DKMT_HANDLE hAdapter;       /* in */
    KMTQUERYADAPTERINFOTYPE Type; /* in */
    /* in, out: the payload; the driver may read what it holds */
    D3DKMT_PTR(VOID *, pPrivateDriverData);
    UINT PrivateDriverDataSize; /* in: bytes, 1 to 131072; hosts answer up to 131017 */
} D3DKMT_QUERYADAPTERINFO;

/*
 * Asks the adapter for one kind of information. The payload goes to the host as it is and comes
 * back whole on success; on failure it is unchanged. Some payloads take an index from the caller
 * (node, physical adapter, source).
 *
 * Text is in wchar_t here although hosts write UTF-16; the library converts. A payload with text
 * must have exactly its struct's size, D3DDDI_QUERYREGISTRY_INFO at least that.
 *
 * Statuses: STATUS_INVALID_PARAMETER also for a size of 0 or out of range and for types that the
 * host does not know; further failures are the driver's.
 */
NTSTATUS APIENTRY D3DKMTQueryAdapterInfo(const D3DKMT_QUERYADAPTERINFO *args);

/* The driver model that the adapter's kernel-mode driver was written for. */
typedef enum _QAI_DRIVERVERSION {
    KMT_DRIVERVERSION_WDDM_1_0 = 1000,
    KMT_DRIVERVERSION_WDDM_1_1_PRERELEASE = 1102,
    KMT_DRIVERVERSION_WDDM_1_1 = 1105,
    KMT_DRIVERVERSION_WDDM_1_2 = 1200,
    KMT_DRIVERVERSION_WDDM_1_3 = 1300,
    KMT_DRIVERVERSION_WDDM_2_0 = 2000,
    KMT_DRIVERVERSION_WDDM_2_1 = 2100,
    KMT_DRIVERVERSION_WDDM_2_2 = 2200,
    KMT_DRIVERVERSION_WDDM_2_3 = 2300,
    KMT_DRIVERVERSION_WDDM_2_4 = 2400,
    KMT_DRIVERVERSION_WDDM_2_5 = 2500,
    KMT_DRIVERVERSION_WDDM_2_6 = 2600,
    KMT_DRIVERVERSION_WDDM_2_7 = 2700,
    KMT_DRIVERVERSION_WDDM_2_8 = 2800,
    KMT_DRIVERVERSION_WDDM_2_9 = 2900,
    KMT_DRIVERVERSION_WDDM_3_0 = 3000
} D3DKMT_DRIVERVERSION;

/* What kind of adapter it is. */
typedef struct _D3DKMT_ADAPTERTYPE {
    union {
        struct {
            UINT RenderSupported : 1;       /* executes commands */
            UINT DisplaySupported : 1;      /* drives displays; cleared in a VM */
            UINT SoftwareDevice : 1;        /* there is no hardware behind it */
            UINT PostDevice : 1;            /* the firmware's display; cleared in a VM */
            UINT HybridDiscrete : 1;        /* the discrete half of a hybrid pair */
            UINT HybridIntegrated : 1;      /* the integrated half of a hybrid pair */
            UINT IndirectDisplayDevice : 1; /* displays elsewhere; cleared in a VM */
            UINT Paravirtualized : 1;       /* reached through a host; always set in a VM */
            /* works in processes that may not make code at run time; cleared in a VM */
            UINT ACGSupported : 1;
            UINT SupportSetTimingsFromVidPn : 1; /* cleared in a VM */
            UINT Detachable : 1;                 /* may be unplugged */
            UINT ComputeOnly : 1;                /* has no graphics engine */
            UINT Prototype : 1;                  /* not a finished driver */
            UINT RuntimePowerManagement : 1;     /* powers down when idle */
            UINT Reserved : 18;
        };
        UINT Value;
    };
} D3DKMT_ADAPTERTYPE;

/* Where the adapter sits on its bus. */
typedef struct _D3DKMT_ADAPTERADDRESS {
    UINT BusNumber;
    UINT DeviceNumber;
    UINT FunctionNumber;
} D3DKMT_ADAPTERADDRESS;

typedef struct _D3DKMT_PHYSICAL_ADAPTER_COUNT {
    UINT Count; /* GPUs that are linked into this adapter, at least 1 */
} D3DKMT_PHYSICAL_ADAPTER_COUNT;

/* PCI identity of a physical adapter. */
typedef struct _D3DKMT_DEVICE_IDS {
    UINT VendorID;
    UINT DeviceID;
    UINT SubVendorID;
    UINT SubSystemID;
    UINT RevisionID;
    UINT BusType; /* as in Windows' INTERFACE_TYPE; 5 is PCI */
} D3DKMT_DEVICE_IDS;

typedef struct _D3DKMT_QUERY_DEVICE_IDS {
    UINT PhysicalAdapterIndex;   /* in */
    D3DKMT_DEVICE_IDS DeviceIds; /* out */
} D3DKMT_QUERY_DEVICE_IDS;

/* Features that D3DKMTIsFeatureEnabled() can be asked about. */
typedef enum _DXGK_FEATURE_ID {
    DXGK_FEATURE_HWSCH = 0,
    DXGK_FEATURE_HWFLIPQUEUE = 1,
    DXGK_FEATURE_LDA_GPUPV = 2,
    DXGK_FEATURE_KMD_SIGNAL_CPU_EVENT = 3,
    DXGK_FEATURE_USER_MODE_SUBMISSION = 4,
    DXGK_FEATURE_SHARE_BACKING_STORE_WITH_KMD = 5,
    DXGK_FEATURE_SAMPLE = 31,
    DXGK_FEATURE_PAGE_BASED_MEMORY_MANAGER = 32,
    DXGK_FEATURE_KERNEL_MODE_TESTING = 33,
    DXGK_FEATURE_64K_PT_DEMOTION_FIX = 34,
    DXGK_FEATURE_GPUPV_PRESENT_HWQUEUE = 35,
    DXGK_FEATURE_GPUVAIOMMU = 36,
    DXGK_FEATURE_NATIVE_FENCE = 37,
    DXGK_FEATURE_QUERYSTATISTICS_EXTENSIONS = 0x10000000
} DXGK_FEATURE_ID;

typedef struct _DXGK_ISFEATUREENABLED_RESULT {
    UINT16 Version; /* version of the feature's interface */
    union {
        struct {
            UINT16 Enabled : 1;                  /* usable now */
            UINT16 KnownFeature : 1;             /* the host knows this number */
            UINT16 SupportedByDriver : 1;        /* the driver has it */
            UINT16 SupportedOnCurrentConfig : 1; /* hardware and settings allow it */
            UINT16 Reserved : 12;
        };
        UINT16 Value;
    };
} DXGK_ISFEATUREENABLED_RESULT;

/* Argument of D3DKMTIsFeatureEnabled(). */
typedef struct _D3DKMT_ISFEATUREENABLED {
    D3DKMT_HANDLE hAdapter;    /* in: never 0, although Windows takes that for global features */
    DXGK_FEATURE_ID FeatureId; /* in */
    DXGK_ISFEATUREENABLED_RESULT Result; /* out */
} D3DKMT_ISFEATUREENABLED;

/*
 * Tells whether a feature of the adapter is there and switched on. Result is written on
 * STATUS_SUCCESS only. Kernels before 2023 do not have the call.
 */
NTSTATUS APIENTRY D3DKMTIsFeatureEnabled(D3DKMT_ISFEATUREENABLED *args);

/* Argument of D3DKMTEnumProcesses(). */
typedef struct _D3DKMT_ENUMPROCESSES {
    LUID AdapterLuid; /* in */
    /* out: caller's array of process ids; NULL asks for the number alone */
    D3DKMT_PTR(UINT *, Buffer);
    UINT64 BufferCount; /* in: entries in Buffer. out: entries filled, or needed */
} D3DKMT_ENUMPROCESSES;

/*
 * Lists the processes that have the adapter open, as far as they live in the caller's PID
 * namespace.
 *
 * Statuses: STATUS_BUFFER_TOO_SMALL if Buffer is NULL or too short, with the number needed in
 * BufferCount, even if that is 0; STATUS_INVALID_PARAMETER if there is no such adapter.
 */
NTSTATUS APIENTRY D3DKMTEnumProcesses(D3DKMT_ENUMPROCESSES *args);

/* Argument of D3DKMTSetStablePowerState(). */
typedef struct _D3DKMT_SETSTABLEPOWERSTATE {
    D3DKMT_HANDLE hAdapter; /* in */
    BOOL Enabled;           /* in */
} D3DKMT_SETSTABLEPOWERSTATE;

/*
 * Would hold the clocks steady for measurements. Does nothing and succeeds: a guest has no power
 * over its host's clocks.
 */
NTSTATUS APIENTRY D3DKMTSetStablePowerState(const D3DKMT_SETSTABLEPOWERSTATE *args);

#include "end.h"

#endif
