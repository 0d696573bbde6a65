/* SPDX-License-Identifier: MIT */
/* Sync files: monitored fences as file descriptors, in the manner of Linux's sync_file. */
#ifndef D3DKMT_WDDM_SYNCFILE_H
#define D3DKMT_WDDM_SYNCFILE_H

#include "scalars.h"

#include "begin.h"

/* Argument of D3DKMTCreateSyncFile(). */
typedef struct _D3DKMT_CREATESYNCFILE {
    D3DKMT_HANDLE hDevice;         /* in */
    D3DKMT_HANDLE hMonitoredFence; /* in */
    UINT64 FenceValue;             /* in */
    UINT64 hSyncFile;              /* out: a descriptor; the caller closes it */
} D3DKMT_CREATESYNCFILE;

/*
 * Makes a descriptor that becomes readable, for poll(), when the fence has reached the value, and
 * stays so. It is closed on exec, may be passed to other processes, and outlives the fence, whose
 * end makes it readable too. On kernels with dxgkrnl it is a kernel sync_file that other drivers
 * accept; <d3dkmt/syncfile.h> has calls that work on both kinds.
 *
 * Statuses: STATUS_INVALID_PARAMETER also for anything but a monitored fence; STATUS_UNSUCCESSFUL
 * if the process has no descriptor left.
 */
NTSTATUS APIENTRY D3DKMTCreateSyncFile(D3DKMT_CREATESYNCFILE *args);

/* Argument of D3DKMTWaitSyncFile(). */
typedef struct _D3DKMT_WAITSYNCFILE {
    UINT64 hSyncFile;       /* in: a descriptor; the caller keeps it */
    D3DKMT_HANDLE hContext; /* in */
    UINT Reserved;
} D3DKMT_WAITSYNCFILE;

/*
 * Queues a wait on a context: what is submitted to it later starts when the sync file's value is
 * reached. The fence must have been created shared. Returns at once.
 *
 * Statuses: STATUS_INVALID_PARAMETER also for a descriptor that is no sync file of this library's
 * or driver's making. Some kernels succeed without waiting if the fence is not shared.
 */
NTSTATUS APIENTRY D3DKMTWaitSyncFile(const D3DKMT_WAITSYNCFILE *args);

/* Argument of D3DKMTOpenSyncObjectFromSyncFile(). */
typedef struct _D3DKMT_OPENSYNCOBJECTFROMSYNCFILE {
    UINT64 hSyncFile;          /* in: a descriptor; the caller keeps it */
    D3DKMT_HANDLE hDevice;     /* in */
    D3DKMT_HANDLE hSyncObject; /* out: the caller destroys it */
    UINT64 FenceValue;         /* out: the value that the sync file stands for */
    /* out: points to the fence's value, for reading */
    D3DKMT_PTR(VOID *, FenceValueCPUVirtualAddress);
    D3DGPU_VIRTUAL_ADDRESS FenceValueGPUVirtualAddress; /* out */
} D3DKMT_OPENSYNCOBJECTFROMSYNCFILE;

/*
 * Opens the monitored fence behind a sync file for waiting, in this or another process. The fence
 * must have been created shared. Statuses as for D3DKMTWaitSyncFile().
 */
NTSTATUS APIENTRY D3DKMTOpenSyncObjectFromSyncFile(D3DKMT_OPENSYNCOBJECTFROMSYNCFILE *args);

#include "end.h"

#endif
