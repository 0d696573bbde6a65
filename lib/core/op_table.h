/* SPDX-License-Identifier: MIT */
/* What the op table knows beside d3dkmt_find_op(). */
#ifndef CORE_OP_TABLE_H
#define CORE_OP_TABLE_H

#include <d3dkmt/d3dkmt.h>

/* Its rows, in the order of their ids; d3dkmt_find_op() is for ids that may be none. */
extern const struct d3dkmt_op op_table[D3DKMT_OP_COUNT];

/* What took the place of an operation that only the first drivers had, in words; NULL for others.
 */
D3DKMT_API const char *d3dkmti_op_successor(const struct d3dkmt_op *op);

#endif
