/* SPDX-License-Identifier: MIT */
/* The op table's rows, and the ioctl words that follow from them. */
#include <d3dkmt/d3dkmt.h>

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

static const struct d3dkmt_op op_table[D3DKMT_OP_COUNT] = {D3DKMT_OPS(ROW)};

const struct d3dkmt_op *d3dkmt_find_op(enum d3dkmt_op_id id)
{
    return (unsigned)id < D3DKMT_OP_COUNT ? &op_table[id] : NULL;
}
