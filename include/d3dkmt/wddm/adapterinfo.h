/* SPDX-License-Identifier: MIT */
/*
 * What D3DKMTQueryAdapterInfo() tells about an adapter's driver, memory, engines and sensors. Text
 * is in wchar_t and may fill its array without a terminator.
 */
#ifndef D3DKMT_WDDM_ADAPTERINFO_H
#define D3DKMT_WDDM_ADAPTERINFO_H

#include "format.h"
#include "scalars.h"

#include "begin.h"

#define DXGK_MAX_METADATA_NAME_LENGTH   32 /* Characters of an engine's name. */
#define DXGK_MAX_GPUVERSION_NAME_LENGTH 32 /* Characters of a version's name. */
/* Starts a driver's file name that is a registry value's name in truth. */
#define D3DKMT_COMPONENTIZED_INDICATOR L'#'

/* Which Direct3D runtime a user-mode driver serves. */
typedef enum _KMTUMDVERSION {
    KMTUMDVERSION_DX9 = 0,
    KMTUMDVERSION_DX10 = 1,
    KMTUMDVERSION_DX11 = 2,
    KMTUMDVERSION_DX12 = 3,
    NUM_KMTUMDVERSIONS = 4 /* not a version: their number */
} KMTUMDVERSION;

typedef struct _D3DKMT_UMDFILENAMEINFO {
    KMTUMDVERSION Version;       /* in: driver for which runtime */
    WCHAR UmdFileName[MAX_PATH]; /* out: file name of the user-mode driver */
} D3DKMT_UMDFILENAMEINFO;

typedef enum _KMT_DISPLAY_UMD_VERSION {
    KMT_DISPLAY_UMDVERSION_1 = 0,
    NUM_KMT_DISPLAY_UMDVERSIONS = 1
} KMT_DISPLAY_UMD_VERSION;

typedef struct _D3DKMT_DISPLAY_UMD_FILENAMEINFO {
    KMT_DISPLAY_UMD_VERSION Version; /* in */
    WCHAR UmdFileName[MAX_PATH];     /* out */
} D3DKMT_DISPLAY_UMD_FILENAMEINFO;

/* The adapter's OpenGL driver on the host. */
typedef struct _D3DKMT_OPENGLINFO {
    WCHAR UmdOpenGlIcdFileName[MAX_PATH];
    ULONG Version;
    ULONG Flags;
} D3DKMT_OPENGLINFO;

/* The content protection driver's file. */
typedef struct _D3DKMT_CPDRIVERNAME {
    WCHAR ContentProtectionFileName[MAX_PATH];
} D3DKMT_CPDRIVERNAME;

/* The file that lists programs for hybrid graphics. */
typedef struct _D3DKMT_DLIST_DRIVER_NAME {
    WCHAR DListFileName[MAX_PATH];
} D3DKMT_DLIST_DRIVER_NAME;

typedef struct _D3DKMT_MIRACASTCOMPANIONDRIVERNAME {
    WCHAR MiracastCompanionDriverName[MAX_PATH];
} D3DKMT_MIRACASTCOMPANIONDRIVERNAME;

/* What the driver's installation recorded about the adapter. */
typedef struct _D3DKMT_ADAPTERREGISTRYINFO {
    WCHAR AdapterString[MAX_PATH]; /* name of the adapter */
    WCHAR BiosString[MAX_PATH];
    WCHAR DacType[MAX_PATH];
    WCHAR ChipType[MAX_PATH];
} D3DKMT_ADAPTERREGISTRYINFO;

typedef struct _D3DKMT_DRIVER_DESCRIPTION {
    WCHAR DriverDescription[4096]; /* name of the adapter, for people */
} D3DKMT_DRIVER_DESCRIPTION;

typedef struct _D3DKMT_QUERY_ADAPTER_UNIQUE_GUID {
    WCHAR AdapterUniqueGUID[40]; /* a GUID as text, with braces */
} D3DKMT_QUERY_ADAPTER_UNIQUE_GUID;

typedef struct _D3DKMT_UMD_DRIVER_VERSION {
    LARGE_INTEGER DriverVersion; /* four 16-bit parts, the first in the highest bits */
} D3DKMT_UMD_DRIVER_VERSION;

typedef struct _D3DKMT_KMD_DRIVER_VERSION {
    LARGE_INTEGER DriverVersion; /* four 16-bit parts, the first in the highest bits */
} D3DKMT_KMD_DRIVER_VERSION;

/* A text of unknown length, in the manner of a flexible array. */
typedef struct _D3DKMT_BLOCKLIST_INFO {
    UINT Size; /* bytes of the whole */
    WCHAR BlockList[1];
} D3DKMT_BLOCKLIST_INFO;

/* What D3DDDI_QUERYREGISTRY_INFO asks for. */
typedef enum _D3DDDI_QUERYREGISTRY_TYPE {
    D3DDDI_QUERYREGISTRY_SERVICEKEY = 0,      /* a value of the driver's service */
    D3DDDI_QUERYREGISTRY_ADAPTERKEY = 1,      /* a value of the adapter */
    D3DDDI_QUERYREGISTRY_DRIVERSTOREPATH = 2, /* folder of the driver's files */
    D3DDDI_QUERYREGISTRY_DRIVERIMAGEPATH = 3, /* folder of the kernel-mode driver */
    D3DDDI_QUERYREGISTRY_MAX = 4
} D3DDDI_QUERYREGISTRY_TYPE;

typedef enum _D3DDDI_QUERYREGISTRY_STATUS {
    D3DDDI_QUERYREGISTRY_STATUS_SUCCESS = 0,
    /* OutputValueSize tells the bytes that are needed */
    D3DDDI_QUERYREGISTRY_STATUS_BUFFER_OVERFLOW = 1,
    D3DDDI_QUERYREGISTRY_STATUS_FAIL = 2,
    D3DDDI_QUERYREGISTRY_STATUS_MAX = 3
} D3DDDI_QUERYREGISTRY_STATUS;

typedef struct _D3DDDI_QUERYREGISTRY_FLAGS {
    union {
        struct {
            UINT TranslatePath : 1; /* turn a path into one that the caller can open */
            UINT MutableValue : 1;  /* the value may change while the driver runs */
            UINT Reserved : 30;
        };
        UINT Value;
    };
} D3DDDI_QUERYREGISTRY_FLAGS;

/*
 * Asks for a value of the registry or a path of the driver. The value follows the fixed part from
 * OutputString on, so the payload is this struct or longer. Ask twice: the first answer's
 * OutputValueSize is what the second payload must have beyond the struct's size.
 *
 * The call itself succeeds also if the value is missing or too long: see Status. Paths are of this
 * machine, not the host's.
 */
typedef struct _D3DDDI_QUERYREGISTRY_INFO {
    D3DDDI_QUERYREGISTRY_TYPE QueryType;   /* in */
    D3DDDI_QUERYREGISTRY_FLAGS QueryFlags; /* in */
    WCHAR ValueName[MAX_PATH];             /* in: for the two kinds of key */
    /* in: as in Windows' registry: 1 text, 3 binary, 4 DWORD, 7 texts, 11 QWORD; 0 for paths */
    ULONG ValueType;
    ULONG PhysicalAdapterIndex;         /* in: 0 unless GPUs are linked */
    ULONG OutputValueSize;              /* out: bytes of the value, terminator included */
    D3DDDI_QUERYREGISTRY_STATUS Status; /* out: what became of the query */
    union {
        DWORD OutputDword;
        UINT64 OutputQword;
        WCHAR OutputString[1]; /* out */
        BYTE OutputBinary[1];
    };
} D3DDDI_QUERYREGISTRY_INFO;

typedef enum _D3DKMT_PNP_KEY_TYPE {
    D3DKMT_PNP_KEY_HARDWARE = 1,
    D3DKMT_PNP_KEY_SOFTWARE = 2
} D3DKMT_PNP_KEY_TYPE;

/* The registry path of an adapter, on Windows. */
typedef struct _D3DKMT_QUERY_PHYSICAL_ADAPTER_PNP_KEY {
    UINT PhysicalAdapterIndex;      /* in */
    D3DKMT_PNP_KEY_TYPE PnPKeyType; /* in */
    D3DKMT_PTR(WCHAR *, pDest);     /* out: caller's buffer */
    D3DKMT_PTR(UINT *, pCchDest);   /* in, out: characters in it */
} D3DKMT_QUERY_PHYSICAL_ADAPTER_PNP_KEY;

/* The adapter's memory, in bytes. */
typedef struct _D3DKMT_SEGMENTSIZEINFO {
    ULONGLONG DedicatedVideoMemorySize;  /* the GPU's own */
    ULONGLONG DedicatedSystemMemorySize; /* the machine's, set aside for the GPU */
    ULONGLONG SharedSystemMemorySize;    /* the machine's, as far as the GPU may use it */
} D3DKMT_SEGMENTSIZEINFO;

/* The adapter's memory by group, in bytes. */
typedef struct _D3DKMT_SEGMENTGROUPSIZEINFO {
    UINT32 PhysicalAdapterIndex;       /* in */
    D3DKMT_SEGMENTSIZEINFO LegacyInfo; /* out */
    ULONGLONG LocalMemory;             /* out */
    ULONGLONG NonLocalMemory;          /* out */
    ULONGLONG NonBudgetMemory;         /* out: not managed by budgets */
} D3DKMT_SEGMENTGROUPSIZEINFO;

typedef struct _D3DKMT_WORKINGSETFLAGS {
    UINT UseDefault : 1;
    UINT Reserved : 31;
} D3DKMT_WORKINGSETFLAGS;

/* Percentages of memory that a process may hold. Display model only. */
typedef struct _D3DKMT_WORKINGSETINFO {
    D3DKMT_WORKINGSETFLAGS Flags;
    ULONG MinimumWorkingSetPercentile;
    ULONG MaximumWorkingSetPercentile;
} D3DKMT_WORKINGSETINFO;

/* What a node's engine is made for. */
typedef enum {
    DXGK_ENGINE_TYPE_OTHER = 0,
    DXGK_ENGINE_TYPE_3D = 1,
    DXGK_ENGINE_TYPE_VIDEO_DECODE = 2,
    DXGK_ENGINE_TYPE_VIDEO_ENCODE = 3,
    DXGK_ENGINE_TYPE_VIDEO_PROCESSING = 4,
    DXGK_ENGINE_TYPE_SCENE_ASSEMBLY = 5,
    DXGK_ENGINE_TYPE_COPY = 6,
    DXGK_ENGINE_TYPE_OVERLAY = 7,
    DXGK_ENGINE_TYPE_CRYPTO = 8,
    DXGK_ENGINE_TYPE_MAX = 9 /* not a type: their number */
} DXGK_ENGINE_TYPE;

#pragma pack(push, 1)
typedef struct _DXGK_NODEMETADATA_FLAGS {
    union {
        struct {
            UINT ContextSchedulingSupported : 1;
            UINT RingBufferFenceRelease : 1;
            UINT SupportTrackedWorkload : 1;
            UINT Reserved : 13;
            UINT MaxInFlightHwQueueBuffers : 16; /* submissions that a hardware queue takes ahead */
        };
        UINT32 Value;
    };
} DXGK_NODEMETADATA_FLAGS;
#pragma pack(pop)

#pragma pack(push, 1)
/* What a node is. Packed to bytes. */
typedef struct _DXGK_NODEMETADATA {
    DXGK_ENGINE_TYPE EngineType;
    WCHAR FriendlyName[DXGK_MAX_METADATA_NAME_LENGTH]; /* for engines of type OTHER */
    DXGK_NODEMETADATA_FLAGS Flags;
    BOOLEAN GpuMmuSupported; /* its addresses are GPU virtual addresses */
    BOOLEAN IoMmuSupported;  /* it shares the CPU's addresses */
} DXGK_NODEMETADATA, DXGKARG_GETNODEMETADATA;
#pragma pack(pop)

#pragma pack(push, 1)
/* Packed to bytes. */
typedef struct _D3DKMT_NODEMETADATA {
    UINT NodeOrdinalAndAdapterIndex; /* in: the node; the physical adapter in the high half */
    DXGK_NODEMETADATA NodeData;      /* out */
} D3DKMT_NODEMETADATA;
#pragma pack(pop)

/* A node's clocks. Frequencies are hertz, voltages millivolts. */
typedef struct _D3DKMT_NODE_PERFDATA {
    UINT32 NodeOrdinal;          /* in */
    UINT32 PhysicalAdapterIndex; /* in */
    ULONGLONG Frequency;
    ULONGLONG MaxFrequency;   /* without overclocking */
    ULONGLONG MaxFrequencyOC; /* with it */
    ULONG Voltage;
    ULONG VoltageMax;
    ULONG VoltageMaxOC;
    ULONGLONG MaxTransitionLatency; /* 100 ns */
} D3DKMT_NODE_PERFDATA;

/* An adapter's sensors. */
typedef struct _D3DKMT_ADAPTER_PERFDATA {
    UINT32 PhysicalAdapterIndex;    /* in */
    ULONGLONG MemoryFrequency;      /* hertz */
    ULONGLONG MaxMemoryFrequency;   /* without overclocking */
    ULONGLONG MaxMemoryFrequencyOC; /* with it */
    ULONGLONG MemoryBandwidth;      /* bytes transferred */
    ULONGLONG PCIEBandwidth;        /* bytes transferred */
    ULONG FanRPM;                   /* rounds a minute */
    ULONG Power;                    /* tenths of a percent of the limit */
    ULONG Temperature;              /* tenths of a degree Celsius */
    UCHAR PowerStateOverride;
} D3DKMT_ADAPTER_PERFDATA;

/* The ranges of the sensors. */
typedef struct _D3DKMT_ADAPTER_PERFDATACAPS {
    UINT32 PhysicalAdapterIndex;  /* in */
    ULONGLONG MaxMemoryBandwidth; /* bytes a second */
    ULONGLONG MaxPCIEBandwidth;   /* bytes a second */
    ULONG MaxFanRPM;
    ULONG TemperatureMax;     /* tenths of a degree Celsius; beyond it the GPU is damaged */
    ULONG TemperatureWarning; /* tenths of a degree Celsius; beyond it the GPU slows down */
} D3DKMT_ADAPTER_PERFDATACAPS;

typedef struct _D3DKMT_GPUVERSION {
    UINT32 PhysicalAdapterIndex; /* in */
    WCHAR BiosVersion[DXGK_MAX_GPUVERSION_NAME_LENGTH];
    WCHAR GpuArchitecture[DXGK_MAX_GPUVERSION_NAME_LENGTH];
} D3DKMT_GPUVERSION;

typedef struct _D3DKMT_FLIPINFOFLAGS {
    UINT FlipInterval : 1;
    UINT Reserved : 31;
} D3DKMT_FLIPINFOFLAGS;

/* Display only. */
typedef struct _D3DKMT_FLIPQUEUEINFO {
    UINT MaxHardwareFlipQueueLength;
    UINT MaxSoftwareFlipQueueLength;
    D3DKMT_FLIPINFOFLAGS FlipFlags;
} D3DKMT_FLIPQUEUEINFO;

/* Display only. */
typedef struct _D3DKMT_CURRENTDISPLAYMODE {
    D3DDDI_VIDEO_PRESENT_SOURCE_ID VidPnSourceId; /* in */
    D3DKMT_DISPLAYMODE DisplayMode;               /* out */
} D3DKMT_CURRENTDISPLAYMODE;

/* Display only. */
typedef struct _D3DKMT_OUTPUTDUPLCONTEXTSCOUNT {
    D3DDDI_VIDEO_PRESENT_SOURCE_ID VidPnSourceId; /* in */
    UINT OutputDuplicationCount;                  /* out */
} D3DKMT_OUTPUTDUPLCONTEXTSCOUNT;

/* Display only. */
typedef struct _D3DKMT_GET_DEVICE_VIDPN_OWNERSHIP_INFO {
    D3DKMT_HANDLE hDevice;          /* in */
    BOOLEAN bFailedDwmAcquireVidPn; /* out */
} D3DKMT_GET_DEVICE_VIDPN_OWNERSHIP_INFO;

#include "end.h"

#endif
