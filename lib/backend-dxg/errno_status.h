/* SPDX-License-Identifier: MIT */
/* What a failing ioctl of /dev/dxg means. */
#ifndef BACKEND_DXG_ERRNO_STATUS_H
#define BACKEND_DXG_ERRNO_STATUS_H

#include <d3dkmt/d3dkmthk.h>

/*
 * The status for an errno of dxgkrnl, as libdxg maps it, but for two: a full message queue (EAGAIN)
 * is STATUS_INSUFFICIENT_RESOURCES and not the success code STATUS_TIMEOUT, and an operation that
 * the kernel does not have (ENOTTY) is STATUS_NOT_SUPPORTED. *meaning: why, in words.
 */
NTSTATUS dxg_errno_status(int error, const char **meaning);

#endif
