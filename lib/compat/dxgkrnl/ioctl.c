/* SPDX-License-Identifier: MIT */
/* From a request to its operation: dxgkrnl's dispatcher. */
#include "compat/dxgkrnl/ioctl.h"

#include <d3dkmt/loopback.h>

#include <errno.h>
#include <pthread.h>
#include <stddef.h>

/* Of the driver of kernels 6.1 to 6.18. */
enum { LAST_NUMBER = 0x49 };

static const struct d3dkmt_op *operations[LAST_NUMBER + 1];
static pthread_once_t once = PTHREAD_ONCE_INIT;

/* Numbers that were removed have no handler any more. */
static void index_operations(void)
{
    for (unsigned id = 0; id < D3DKMT_OP_COUNT; id++) {
        const struct d3dkmt_op *op = d3dkmt_find_op((enum d3dkmt_op_id)id);

        if (op->ioctl_number != 0 && !(op->flags & D3DKMT_OP_REMOVED))
            operations[op->ioctl_number] = op;
    }
}

int ioctl_handle(void *process, uint32_t request, void *argument)
{
    unsigned number = request & 0xff;

    pthread_once(&once, index_operations);
    const struct d3dkmt_op *op = number <= LAST_NUMBER ? operations[number] : NULL;
    /* The whole word must match: direction, size and type. */
    if (!op || request != op->ioctl_request)
        return -ENOTTY;
    return ioctl_result(op, d3dkmt_loopback_backend.call(process, op, argument), argument);
}
