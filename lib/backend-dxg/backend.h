/* SPDX-License-Identifier: MIT */
/* The dxg backend: dxgkrnl's ioctls on /dev/dxg. */
#ifndef BACKEND_DXG_BACKEND_H
#define BACKEND_DXG_BACKEND_H

#include <d3dkmt/backend.h>

/*
 * Options: device=PATH (default /dev/dxg). It calls libc's open() and ioctl(), so that tracing
 * tools and interposers see it.
 */
extern const struct d3dkmt_backend dxg_backend;

#endif
