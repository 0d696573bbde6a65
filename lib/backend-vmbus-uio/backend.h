/* SPDX-License-Identifier: MIT */
/* The backend for GPU-PV guests without dxgkrnl. */
#ifndef BACKEND_VMBUS_UIO_BACKEND_H
#define BACKEND_VMBUS_UIO_BACKEND_H

#include <d3dkmt/backend.h>

/*
 * Options: root=FOLDER (in place of "/": sys, dev, proc and etc are looked for below it),
 * mmio=BASE+SIZE (the IO space), spin-us=N, check-pointers; docs/vmbus-uio.md explains them. Those
 * of the file etc/d3dkmt/vmbus-uio.conf come first.
 */
extern const struct d3dkmt_backend vmbus_backend;

#endif
