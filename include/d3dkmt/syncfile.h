/* SPDX-License-Identifier: MIT */
/*
 * Sync files: waiting for, asking about and merging what D3DKMTCreateSyncFile makes.
 *
 * There are two kinds, and these calls take both:
 *
 * - Kernel sync_files, from the backend dxg or from any other Linux graphics driver.
 * - The library's own, from the other backends: sockets that become readable when their fence has
 *   reached its value, and stay so. Other drivers do not accept them. The process that made one
 *   must live until it is signalled; its death, or D3DKMTCloseDxCoreDevice, signals it with an
 *   error. (A child that it forked and that did not execute another program keeps such a file
 *   pending.)
 *
 * Descriptors may be duplicated, inherited and sent to other processes. poll() for POLLIN works on
 * both kinds; do not read from them. Every call works in any process that has the descriptor, with
 * one limit: which fences a merged file of the own kind consists of is known only to the process
 * that merged it; elsewhere it looks like one fence.
 *
 * Any thread may call these functions, with or without an open backend. Failures leave their
 * reason for d3dkmt_last_error(). A descriptor that is not open gives STATUS_INVALID_PARAMETER,
 * one that is no sync file STATUS_OBJECT_TYPE_MISMATCH.
 */
#ifndef D3DKMT_SYNCFILE_H
#define D3DKMT_SYNCFILE_H

#include "d3dkmt.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Room for a name, with its terminator; longer ones are cut. */
#define D3DKMT_SYNC_FILE_NAME_SIZE 32

/*
 * Waits until a sync file is signalled. timeout_ms: milliseconds; 0 only looks, a negative number
 * waits without limit. Signals to the thread do not end the wait.
 *
 * Returns STATUS_SUCCESS when it is signalled, be it with an error (d3dkmt_sync_file_info tells);
 * STATUS_TIMEOUT, for which NT_SUCCESS() is true, when the time has passed; or a failure.
 */
D3DKMT_API NTSTATUS d3dkmt_sync_file_wait(int fd, int timeout_ms);

/* One fence of a sync file. */
struct d3dkmt_sync_fence_info {
    char timeline[D3DKMT_SYNC_FILE_NAME_SIZE];
    char driver[D3DKMT_SYNC_FILE_NAME_SIZE]; /* "libd3dkmt" for the own kind */
    NTSTATUS status;    /* STATUS_PENDING, STATUS_SUCCESS, or the error it is signalled with */
    uint64_t timestamp; /* of the signal: nanoseconds of CLOCK_MONOTONIC; 0: none, or not known */
};

struct d3dkmt_sync_file_info {
    char name[D3DKMT_SYNC_FILE_NAME_SIZE];
    NTSTATUS status;      /* an error if a fence has one, else STATUS_PENDING if one is pending */
    uint32_t fence_count; /* at least 1 */
    struct d3dkmt_sync_fence_info *fences;
};

/*
 * Describes a sync file. *info is the caller's: give it to d3dkmt_sync_file_info_free.
 *
 * Errors of fences: STATUS_DEVICE_REMOVED when the adapter, or the process that made the file, is
 * gone; STATUS_UNSUCCESSFUL for errors of other drivers.
 *
 * Returns STATUS_SUCCESS, with *info set; or STATUS_NO_MEMORY or another failure, with *info NULL.
 */
D3DKMT_API NTSTATUS d3dkmt_sync_file_info(int fd, struct d3dkmt_sync_file_info **info);

/* Frees what d3dkmt_sync_file_info gave; NULL is allowed. */
D3DKMT_API void d3dkmt_sync_file_info_free(struct d3dkmt_sync_file_info *info);

/*
 * Makes a sync file that is signalled when both others are. The two descriptors stay the caller's,
 * and may be closed at once; so may be the new one, at any time. name: at most 31 characters are
 * kept. What is signalled without an error already is left out; if that is all, the result is
 * signalled. Two kernel sync_files give a kernel sync_file, any other two one of the own kind, of
 * which the calling process takes care.
 *
 * Returns STATUS_SUCCESS, with *merged a new descriptor (closed on exec); STATUS_UNSUCCESSFUL when
 * no descriptor is to be had; or STATUS_NO_MEMORY or another failure, with *merged -1.
 */
D3DKMT_API NTSTATUS d3dkmt_sync_file_merge(const char *name, int fd1, int fd2, int *merged);

#ifdef __cplusplus
}
#endif

#endif
