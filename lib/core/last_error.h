/* SPDX-License-Identifier: MIT */
/* Why the last call of a thread failed, in words. */
#ifndef CORE_LAST_ERROR_H
#define CORE_LAST_ERROR_H

#include <d3dkmt/d3dkmt.h>

/*
 * Notes the reason of a failure on this thread and returns status. The note becomes the thread's
 * last error when the call that is in progress returns the same status.
 */
D3DKMT_API NTSTATUS d3dkmti_fail(NTSTATUS status, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Between these two, d3dkmti_fail keeps the reason noted before: for undoing what has failed. */
D3DKMT_API void d3dkmti_undo_begin(void);
D3DKMT_API void d3dkmti_undo_end(void);

/* The reason that this thread noted last, for those who keep it for others. */
const char *d3dkmti_fail_reason(void);

/* Returns status with the reason that was noted last, for a failure that callers see as another. */
D3DKMT_API NTSTATUS d3dkmti_fail_as(NTSTATUS status);

/*
 * Makes a failing call the thread's last error. function: the API function's name; backend: the
 * backend's name, or NULL when the call did not get that far.
 */
void last_error_report(const char *function, const char *backend, NTSTATUS status);

#endif
