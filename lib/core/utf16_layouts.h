/* SPDX-License-Identifier: MIT */
/*
 * The string-bearing query results as the kernel and the host lay them out.
 *
 * Clients of the API see wchar_t, which has four bytes on Linux; hosts read and write UTF-16. These
 * are the 2-byte forms of the structs with text, each named like its public counterpart with
 * _UTF16 behind, members included. Whether text is terminated is the host's word: never trust it.
 */
#ifndef D3DKMT_CORE_UTF16_LAYOUTS_H
#define D3DKMT_CORE_UTF16_LAYOUTS_H

#include <d3dkmt/d3dkmthk.h>

#include <d3dkmt/wddm/begin.h>

/* KMTQAITYPE_QUERYREGISTRY. The value runs on behind the struct, from OutputString on. */
typedef struct _D3DDDI_QUERYREGISTRY_INFO_UTF16 {
    D3DDDI_QUERYREGISTRY_TYPE QueryType;
    D3DDDI_QUERYREGISTRY_FLAGS QueryFlags;
    UINT16 ValueName[MAX_PATH];
    ULONG ValueType;
    ULONG PhysicalAdapterIndex;
    ULONG OutputValueSize;
    D3DDDI_QUERYREGISTRY_STATUS Status;
    union {
        DWORD OutputDword;
        UINT64 OutputQword;
        UINT16 OutputString[1];
        BYTE OutputBinary[1];
    };
} D3DDDI_QUERYREGISTRY_INFO_UTF16;

typedef struct _D3DKMT_ADAPTERREGISTRYINFO_UTF16 {
    UINT16 AdapterString[MAX_PATH];
    UINT16 BiosString[MAX_PATH];
    UINT16 DacType[MAX_PATH];
    UINT16 ChipType[MAX_PATH];
} D3DKMT_ADAPTERREGISTRYINFO_UTF16;

/* KMTQAITYPE_BLOCKLIST_KERNEL and _RUNTIME. The text runs on behind the struct; Size is in bytes.
 */
typedef struct _D3DKMT_BLOCKLIST_INFO_UTF16 {
    UINT Size;
    UINT16 BlockList[1];
} D3DKMT_BLOCKLIST_INFO_UTF16;

typedef struct _D3DKMT_CPDRIVERNAME_UTF16 {
    UINT16 ContentProtectionFileName[MAX_PATH];
} D3DKMT_CPDRIVERNAME_UTF16;

typedef struct _D3DKMT_DISPLAY_UMD_FILENAMEINFO_UTF16 {
    KMT_DISPLAY_UMD_VERSION Version;
    UINT16 UmdFileName[MAX_PATH];
} D3DKMT_DISPLAY_UMD_FILENAMEINFO_UTF16;

typedef struct _D3DKMT_DLIST_DRIVER_NAME_UTF16 {
    UINT16 DListFileName[MAX_PATH];
} D3DKMT_DLIST_DRIVER_NAME_UTF16;

typedef struct _D3DKMT_DRIVER_DESCRIPTION_UTF16 {
    UINT16 DriverDescription[4096];
} D3DKMT_DRIVER_DESCRIPTION_UTF16;

typedef struct _D3DKMT_GPUVERSION_UTF16 {
    UINT32 PhysicalAdapterIndex;
    UINT16 BiosVersion[DXGK_MAX_GPUVERSION_NAME_LENGTH];
    UINT16 GpuArchitecture[DXGK_MAX_GPUVERSION_NAME_LENGTH];
} D3DKMT_GPUVERSION_UTF16;

typedef struct _D3DKMT_MIRACASTCOMPANIONDRIVERNAME_UTF16 {
    UINT16 MiracastCompanionDriverName[MAX_PATH];
} D3DKMT_MIRACASTCOMPANIONDRIVERNAME_UTF16;

/* Packed to bytes, like their counterparts with wide characters. */
#pragma pack(push, 1)
typedef struct _DXGK_NODEMETADATA_UTF16 {
    DXGK_ENGINE_TYPE EngineType;
    UINT16 FriendlyName[DXGK_MAX_METADATA_NAME_LENGTH];
    DXGK_NODEMETADATA_FLAGS Flags;
    BOOLEAN GpuMmuSupported;
    BOOLEAN IoMmuSupported;
} DXGK_NODEMETADATA_UTF16;

typedef struct _D3DKMT_NODEMETADATA_UTF16 {
    UINT NodeOrdinalAndAdapterIndex;
    DXGK_NODEMETADATA_UTF16 NodeData;
} D3DKMT_NODEMETADATA_UTF16;
#pragma pack(pop)

typedef struct _D3DKMT_OPENGLINFO_UTF16 {
    UINT16 UmdOpenGlIcdFileName[MAX_PATH];
    ULONG Version;
    ULONG Flags;
} D3DKMT_OPENGLINFO_UTF16;

typedef struct _D3DKMT_QUERYSTATISTICS_PHYSICAL_ADAPTER_INFORMATION_UTF16 {
    D3DKMT_ADAPTER_PERFDATA AdapterPerfData;
    D3DKMT_ADAPTER_PERFDATACAPS AdapterPerfDataCaps;
    D3DKMT_GPUVERSION_UTF16 GpuVersion;
} D3DKMT_QUERYSTATISTICS_PHYSICAL_ADAPTER_INFORMATION_UTF16;

/*
 * The size is that of the wide form: the one result that holds text is not the largest. So
 * D3DKMT_QUERYSTATISTICS has one size in both forms and only the text moves.
 */
typedef union _D3DKMT_QUERYSTATISTICS_RESULT_UTF16 {
    D3DKMT_QUERYSTATISTICS_ADAPTER_INFORMATION AdapterInformation;
    D3DKMT_QUERYSTATISTICS_PHYSICAL_ADAPTER_INFORMATION_UTF16 PhysAdapterInformation;
    D3DKMT_QUERYSTATISTICS_SEGMENT_INFORMATION SegmentInformation;
    D3DKMT_QUERYSTATISTICS_NODE_INFORMATION NodeInformation;
    D3DKMT_QUERYSTATISTICS_VIDPNSOURCE_INFORMATION VidPnSourceInformation;
    D3DKMT_QUERYSTATISTICS_PROCESS_INFORMATION ProcessInformation;
    D3DKMT_QUERYSTATISTICS_PROCESS_ADAPTER_INFORMATION ProcessAdapterInformation;
    D3DKMT_QUERYSTATISTICS_PROCESS_SEGMENT_INFORMATION ProcessSegmentInformation;
    D3DKMT_QUERYSTATISTICS_PROCESS_NODE_INFORMATION ProcessNodeInformation;
    D3DKMT_QUERYSTATISTICS_PROCESS_VIDPNSOURCE_INFORMATION ProcessVidPnSourceInformation;
    D3DKMT_QUERYSTATISTICS_PROCESS_SEGMENT_GROUP_INFORMATION ProcessSegmentGroupInformation;
} D3DKMT_QUERYSTATISTICS_RESULT_UTF16;

typedef struct _D3DKMT_QUERY_ADAPTER_UNIQUE_GUID_UTF16 {
    UINT16 AdapterUniqueGUID[40];
} D3DKMT_QUERY_ADAPTER_UNIQUE_GUID_UTF16;

typedef struct _D3DKMT_UMDFILENAMEINFO_UTF16 {
    KMTUMDVERSION Version;
    UINT16 UmdFileName[MAX_PATH];
} D3DKMT_UMDFILENAMEINFO_UTF16;

#include <d3dkmt/wddm/end.h>

#endif
