/* SPDX-License-Identifier: MIT */
/* One request of /dev/dxg. */
#ifndef COMPAT_DXGKRNL_IOCTL_H
#define COMPAT_DXGKRNL_IOCTL_H

#include <d3dkmt/ops.h>

#include <stdint.h>

/* As struct dxgkrnl's ioctl. process: of the loopback backend. */
int ioctl_handle(void *process, uint32_t request, void *argument);

/* What dxgkrnl's ioctl returns for a status of the engine. argument: the caller's struct. */
int ioctl_result(const struct d3dkmt_op *op, NTSTATUS status, const void *argument);

#endif
