/* SPDX-License-Identifier: MIT */
/* The dxg backend: dxgkrnl's ioctls on /dev/dxg. */
#ifndef BACKEND_DXG_BACKEND_H
#define BACKEND_DXG_BACKEND_H

#include <d3dkmt/backend.h>

/*
 * Options: device=PATH (default /dev/dxg); access=read-only (the driver does not look at it, but
 * the node's permissions may); close-on-exec=off (dxgkrnl lets a descriptor, and the handles, live
 * on in the program that the process executes); validate (follows handles, and names those that a
 * call was refused for: stale, foreign or of another type; for looking for errors, as it costs a
 * lock and some memory per handle). It calls libc's open() and ioctl(), so that tracing tools and
 * interposers see it.
 */
extern const struct d3dkmt_backend dxg_backend;

#endif
