/* SPDX-License-Identifier: MIT */
/* The op table's rows, and the ioctl words that follow from them. */
#include "core/op_table.h"

#include <linux/ioctl.h>

#define DXG_IOCTL_TYPE 0x47

/* dxgkrnl encodes every ioctl as read-write with the argument struct's size. */
#define ROW(op_name, type, qualifier, number, op_family, form, op_flags)                           \
    [D3DKMT_OP_##op_name] = {                                                                      \
        .name = "D3DKMT" #op_name,                                                                 \
        .id = D3DKMT_OP_##op_name,                                                                 \
        .args_size = sizeof(type),                                                                 \
        .ioctl_number = (number),                                                                  \
        .family = D3DKMT_FAMILY_##op_family,                                                       \
        .flags = (op_flags),                                                                       \
        .ioctl_request = (number) ? _IOWR(DXG_IOCTL_TYPE, (number), type) : 0,                     \
    },

const struct d3dkmt_op op_table[D3DKMT_OP_COUNT] = {D3DKMT_OPS(ROW)};

const struct d3dkmt_op *d3dkmt_find_op(enum d3dkmt_op_id id)
{
    return (unsigned)id < D3DKMT_OP_COUNT ? &op_table[id] : NULL;
}

/* What took the place of operations that the first drivers had. */
static const struct {
    enum d3dkmt_op_id op;
    const char *instead;
} successors[] = {
    {D3DKMT_OP_CreateContext, "contexts that patch addresses are gone; use "
                              "D3DKMTCreateContextVirtual, and D3DKMTSubmitCommand to submit"},
    {D3DKMT_OP_Render, "use D3DKMTSubmitCommand on a context of D3DKMTCreateContextVirtual"},
    {D3DKMT_OP_CreateHwContext, "use D3DKMTCreateContextVirtual, and D3DKMTCreateHwQueue on it"},
    {D3DKMT_OP_DestroyHwContext, "contexts of hardware queues come from "
                                 "D3DKMTCreateContextVirtual; use D3DKMTDestroyContext"},
    {D3DKMT_OP_OpenResource, "resources have no global handles; use D3DKMTShareObjects and "
                             "D3DKMTOpenResourceFromNtHandle"},
    {D3DKMT_OP_QueryResourceInfo, "resources have no global handles; use D3DKMTShareObjects and "
                                  "D3DKMTQueryResourceInfoFromNtHandle"},
};

const char *d3dkmti_op_successor(const struct d3dkmt_op *op)
{
    for (size_t i = 0; i < sizeof(successors) / sizeof(successors[0]); i++) {
        if (successors[i].op == op->id)
            return successors[i].instead;
    }
    return NULL;
}
