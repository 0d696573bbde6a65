/* SPDX-License-Identifier: MIT */
/* From an entry point to the backend in use. */
#ifndef CORE_DISPATCH_H
#define CORE_DISPATCH_H

#include <d3dkmt/backend.h>

/*
 * Carries out an operation on the backend in use, opening one first if there is none. args: the
 * operation's argument struct or NULL, which is STATUS_INVALID_PARAMETER.
 */
NTSTATUS dispatch(enum d3dkmt_op_id id, void *args);

/*
 * For entry points that convert: refuses before the backend is reached, with the reason noted
 * by d3dkmti_fail.
 */
NTSTATUS dispatch_refuse(enum d3dkmt_op_id id, NTSTATUS status);

/* Closes the backend in use, if any; the next operation opens one again. */
void dispatch_close(void);

#endif
