/* SPDX-License-Identifier: MIT */
/* The entry points that hand their argument on as it is: the DIRECT rows of the op table. */
#include "core/dispatch.h"

#define DIRECT(name, type, qualifier)                                                              \
    D3DKMT_API NTSTATUS APIENTRY D3DKMT##name(qualifier type *args)                                \
    {                                                                                              \
        return dispatch(D3DKMT_OP_##name, (void *)args);                                           \
    }
#define ADAPTED(name, type, qualifier)
#define ENTRY_POINT(name, type, qualifier, number, family, form, flags) form(name, type, qualifier)

D3DKMT_OPS(ENTRY_POINT)
