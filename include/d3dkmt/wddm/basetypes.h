/* SPDX-License-Identifier: MIT */
/*
 * The Windows base types that WDDM's headers are written in.
 *
 * Programs that also use Direct3D or DXCore on Linux have these types from DirectX-Headers'
 * wsl/winadapter.h. C allows a second typedef of the same type but not a second struct of the same
 * tag, and winadapter.h has no include guard that could be set from outside. So where winadapter.h
 * can be included at all, it is the one source of the types, whichever header a program names
 * first; everywhere else they are declared here, with the same sizes and names. A program that
 * keeps winadapter.h in an unusual place includes it before this header, or defines
 * D3DKMT_NO_WINADAPTER if it wants the types below although winadapter.h is at hand.
 */
#ifndef D3DKMT_WDDM_BASETYPES_H
#define D3DKMT_WDDM_BASETYPES_H

#include <stddef.h>
#include <stdint.h>

#if defined(MIDL_INTERFACE) && defined(DECLSPEC_NOVTABLE)
#define D3DKMT_HAVE_WINADAPTER 1
#elif !defined(D3DKMT_NO_WINADAPTER) && defined(__has_include)
/* winadapter.h includes the other two: without them it is not for use here. */
#if __has_include(<unknwn.h>) && __has_include(<rpcndr.h>)
#ifdef __cplusplus
/* winadapter.h holds templates, and this header may be included inside of extern "C". */
extern "C++" {
#endif
/* A copy that is on the include path by itself is one that the program brought along. */
#if __has_include(<winadapter.h>)
#include <winadapter.h>
#define D3DKMT_HAVE_WINADAPTER 1
#elif __has_include(<wsl/winadapter.h>)
#include <wsl/winadapter.h>
#define D3DKMT_HAVE_WINADAPTER 1
#endif
#ifdef __cplusplus
}
#endif
#endif
#endif

#ifndef D3DKMT_HAVE_WINADAPTER

typedef void VOID;
typedef void *PVOID, *LPVOID, *HANDLE;
typedef char CHAR;
typedef char BOOLEAN;
typedef wchar_t WCHAR;
typedef unsigned char BYTE;
typedef float FLOAT;

typedef int8_t INT8;
typedef int16_t INT16;
typedef int32_t INT, INT32, LONG;
typedef int64_t INT64, LONG64, LONGLONG, LONG_PTR, INT_PTR;
typedef uint8_t UINT8, UCHAR;
typedef uint16_t UINT16, USHORT, WORD;
typedef uint32_t UINT, UINT32, ULONG, DWORD, BOOL;
typedef uint64_t UINT64, ULONG64, ULONGLONG, ULONG_PTR, UINT_PTR;
typedef size_t SIZE_T;

/* There are no windows on Linux; the sizes are part of the layouts that contain them. */
typedef int HWND;
typedef int HDC;
typedef int PALETTEENTRY;

typedef struct _GUID {
    uint32_t Data1;
    uint16_t Data2;
    uint16_t Data3;
    uint8_t Data4[8];
} GUID;

typedef GUID IID;
typedef GUID UUID;
typedef GUID CLSID;

/* A locally unique identifier. An adapter keeps its own for as long as it is there. */
typedef struct _LUID {
    ULONG LowPart;
    LONG HighPart;
} LUID;

/* Other than on Windows both halves are unsigned, and they have no second name outside of u. */
typedef union _LARGE_INTEGER {
    struct {
        uint32_t LowPart;
        uint32_t HighPart;
    } u;
    int64_t QuadPart;
} LARGE_INTEGER;
typedef LARGE_INTEGER *PLARGE_INTEGER;

typedef struct tagPOINT {
    int x;
    int y;
} POINT;

typedef struct _RECT {
    int left;
    int top;
    int right;
    int bottom;
} RECT;

#ifndef TRUE
#define TRUE 1u
#endif
#ifndef FALSE
#define FALSE 0u
#endif
#ifndef CONST
#define CONST const
#endif
#ifndef IN
#define IN
#endif
#ifndef OUT
#define OUT
#endif
#ifndef APIENTRY
#define APIENTRY
#endif
#ifndef WINAPI
#define WINAPI
#endif
#ifndef MAX_PATH
#define MAX_PATH 260
#endif

#endif /* D3DKMT_HAVE_WINADAPTER */

typedef LONG NTSTATUS;
typedef LARGE_INTEGER PHYSICAL_ADDRESS;

/* Names and access rights of a shared object. Opaque: only NULL means something on Linux. */
typedef struct _OBJECT_ATTRIBUTES OBJECT_ATTRIBUTES;
typedef OBJECT_ATTRIBUTES *POBJECT_ATTRIBUTES;

#endif
