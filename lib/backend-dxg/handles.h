/* SPDX-License-Identifier: MIT */
/*
 * The validating mode: follows which handles the kernel gave this process, to say more of a call
 * that it refused than an errno does. The kernel stays the judge; nothing is refused here.
 */
#ifndef BACKEND_DXG_HANDLES_H
#define BACKEND_DXG_HANDLES_H

#include <d3dkmt/ops.h>

#include <stdbool.h>
#include <stddef.h>

struct handles;

/* NULL without memory. */
struct handles *handles_create(void);
void handles_destroy(struct handles *handles); /* NULL is fine */

/* After a call: what it made, and what it ended. Any thread. Without memory less is known. */
void handles_learn(struct handles *handles, const struct d3dkmt_op *op, const void *args);

/* After a call that was refused: names the first handle that is wrong, or false. Any thread. */
bool handles_explain(struct handles *handles, const struct d3dkmt_op *op, const void *args,
                     char *text, size_t size);

#endif
