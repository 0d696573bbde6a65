/* SPDX-License-Identifier: MIT */
/* WDDM: scalars. */
#ifndef D3DKMT_WDDM_SCALARS_H
#define D3DKMT_WDDM_SCALARS_H

#include "basetypes.h"

#include "begin.h"

#define D3DDDI_MAX_WRITTEN_PRIMARIES 16
#define D3DDDI_ID_UNINITIALIZED ((UINT)0xFFFFFFFF)
#define D3DDDI_ID_NOTAPPLICABLE 0
#define D3DDDI_ID_ANY ((UINT)0xFFFFFFFE)
#define D3DDDI_ID_ALL ((UINT)0xFFFFFFFD)
#define D3DDDI_MAX_OBJECT_WAITED_ON 32
#define D3DDDI_MAX_OBJECT_SIGNALED 32
#define D3DDDI_SYNC_OBJECT_WAIT 1
#define D3DDDI_SYNC_OBJECT_SIGNAL 2
#define D3DDDI_MAX_BROADCAST_CONTEXT 64

typedef UINT D3DKMT_HANDLE;
typedef ULONGLONG D3DGPU_VIRTUAL_ADDRESS;
typedef ULONGLONG D3DGPU_SIZE_T;
typedef UINT D3DDDI_VIDEO_PRESENT_SOURCE_ID;
typedef UINT D3DDDI_VIDEO_PRESENT_TARGET_ID;
typedef UINT64 D3DKMT_SIZE_T;
typedef UINT64 D3DKMT_UINT_PTR;
typedef UINT64 D3DKMT_ULONG_PTR;

#ifdef __cplusplus
#define D3DKMT_ALIGN64 alignas(8)
#else
#define D3DKMT_ALIGN64 _Alignas(8)
#endif

#define D3DKMT_PTR(type, name)                                                                     \
    union {                                                                                        \
        D3DKMT_ALIGN64 UINT64 name##_Align;                                                        \
        type name;                                                                                 \
    }
#define D3DKMT_PTR_INIT(pointer) {(UINT64)(SIZE_T)(pointer)}

#include "end.h"

#endif
