/* SPDX-License-Identifier: MIT */
/* The backends that are linked into libd3dkmt, in the order of the automatic choice; decorators. */
#include "backend-vmbus-uio/backend.h"
#include "decorators/faults.h"

#include <d3dkmt/backend.h>

#if defined(WITH_DXG)
#include "backend-dxg/backend.h"
#endif

extern const struct d3dkmt_backend *const builtin_backends[];

const struct d3dkmt_backend *const builtin_backends[] = {
#if defined(WITH_DXG)
    &dxg_backend,
#endif
    &vmbus_backend,
    NULL,
};

extern NTSTATUS (*const builtin_decorators[])(void);

NTSTATUS (*const builtin_decorators[])(void) = {faults_read_environment, NULL};
