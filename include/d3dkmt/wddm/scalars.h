/* SPDX-License-Identifier: MIT */
/*
 * The scalar types of the WDDM headers, the limits that several families share, and the way in
 * which pointers stand in structs.
 */
#ifndef D3DKMT_WDDM_SCALARS_H
#define D3DKMT_WDDM_SCALARS_H

#include "basetypes.h"

#include "begin.h"

/* Primary surfaces that one submission may name as written. */
#define D3DDDI_MAX_WRITTEN_PRIMARIES 16
/* No display source: what render-only allocations give as their VidPnSourceId. */
#define D3DDDI_ID_UNINITIALIZED     ((UINT)0xFFFFFFFF)
#define D3DDDI_ID_NOTAPPLICABLE     0
#define D3DDDI_ID_ANY               ((UINT)0xFFFFFFFE)
#define D3DDDI_ID_ALL               ((UINT)0xFFFFFFFD)
#define D3DDDI_MAX_OBJECT_WAITED_ON 32 /* Objects that one wait may name. */
#define D3DDDI_MAX_OBJECT_SIGNALED  32 /* Objects that one signal may name. */
/* Access rights of a shared sync object. Nothing on Linux checks them. */
#define D3DDDI_SYNC_OBJECT_WAIT   1
#define D3DDDI_SYNC_OBJECT_SIGNAL 2
/* Contexts or queues that one submission or signal may be broadcast to. */
#define D3DDDI_MAX_BROADCAST_CONTEXT 64

/*
 * Names an object of this process: adapter, device, context, queue, allocation, resource or sync
 * object. Handles are numbers of the host's choosing, valid in one process; 0 is never one.
 */
typedef UINT D3DKMT_HANDLE;

/* An address, or a number of bytes or pages, in a process' GPU address space. */
typedef ULONGLONG D3DGPU_VIRTUAL_ADDRESS;
typedef ULONGLONG D3DGPU_SIZE_T;

/* Indices of a display adapter's outputs. */
typedef UINT D3DDDI_VIDEO_PRESENT_SOURCE_ID;
typedef UINT D3DDDI_VIDEO_PRESENT_TARGET_ID;

/* Sizes and addresses as wide as Windows' 64-bit kernels have them, whatever the client's width. */
typedef UINT64 D3DKMT_SIZE_T;
typedef UINT64 D3DKMT_UINT_PTR;
typedef UINT64 D3DKMT_ULONG_PTR;

#ifdef __cplusplus
#define D3DKMT_ALIGN64 alignas(8)
#else
#define D3DKMT_ALIGN64 _Alignas(8)
#endif

/*
 * A pointer member takes 8 bytes whatever the width of a pointer. The integer comes first, so that
 * braces set all of it: write D3DKMT_PTR_INIT(pointer) there, or assign to the member by its name.
 */
#define D3DKMT_PTR(type, name)                                                                     \
    union {                                                                                        \
        D3DKMT_ALIGN64 UINT64 name##_Align;                                                        \
        type name;                                                                                 \
    }
#define D3DKMT_PTR_INIT(pointer)                                                                   \
    {                                                                                              \
        (UINT64)(SIZE_T)(pointer)                                                                  \
    }

#include "end.h"

#endif
