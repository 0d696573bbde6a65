/* SPDX-License-Identifier: MIT */
/*
 * Trim notifications: callbacks by which Windows asks a process to give memory back. No function on
 * Linux registers them (clients look the functions up and do without); the types are here for
 * sources that share code with Windows. The budget is to be had from D3DKMTQueryVideoMemoryInfo().
 */
#ifndef D3DKMT_WDDM_TRIMNOTIFICATION_H
#define D3DKMT_WDDM_TRIMNOTIFICATION_H

#include "scalars.h"

#include "begin.h"

typedef struct D3DDDI_TRIMRESIDENCYSET_FLAGS {
    union {
        struct {
            UINT PeriodicTrim : 1;        /* give back what was not used since the last time */
            UINT RestartPeriodicTrim : 1; /* count from now on */
            UINT TrimToBudget : 1;        /* give back NumBytesToTrim */
            UINT Reserved : 29;
        };
        UINT Value;
    };
} D3DDDI_TRIMRESIDENCYSET_FLAGS;

typedef struct _D3DKMT_TRIMNOTIFICATION {
    D3DKMT_PTR(VOID *, Context); /* the one given at registration */
    D3DDDI_TRIMRESIDENCYSET_FLAGS Flags;
    D3DKMT_ALIGN64 UINT64 NumBytesToTrim; /* with TrimToBudget */
} D3DKMT_TRIMNOTIFICATION;

typedef VOID(APIENTRY *PFND3DKMT_TRIMNOTIFICATIONCALLBACK)(D3DKMT_TRIMNOTIFICATION *);

typedef struct _D3DKMT_REGISTERTRIMNOTIFICATION {
    LUID AdapterLuid;                            /* in */
    D3DKMT_HANDLE hDevice;                       /* in */
    PFND3DKMT_TRIMNOTIFICATIONCALLBACK Callback; /* in */
    D3DKMT_PTR(VOID *, Context);                 /* in: for the callback */
    D3DKMT_PTR(VOID *, Handle);                  /* out: names the registration */
} D3DKMT_REGISTERTRIMNOTIFICATION;

typedef struct _D3DKMT_UNREGISTERTRIMNOTIFICATION {
    D3DKMT_PTR(VOID *, Handle); /* in: NULL ends all registrations of Callback */
    D3DKMT_PTR(PFND3DKMT_TRIMNOTIFICATIONCALLBACK, Callback);
} D3DKMT_UNREGISTERTRIMNOTIFICATION;

typedef NTSTATUS(APIENTRY *PFND3DKMT_REGISTERTRIMNOTIFICATION)(D3DKMT_REGISTERTRIMNOTIFICATION *);
typedef NTSTATUS(APIENTRY *PFND3DKMT_UNREGISTERTRIMNOTIFICATION)(
    D3DKMT_UNREGISTERTRIMNOTIFICATION *);

#include "end.h"

#endif
