/* SPDX-License-Identifier: MIT */
#include "guest/world.h"

/* ADAPTED functions have signatures of their own; those that tests need are added by hand. */
#define DIRECT_CALLER(op, type)                                                                    \
    static NTSTATUS call_##op(void *args)                                                          \
    {                                                                                              \
        return D3DKMT##op((type *)args);                                                           \
    }
#define DIRECT_ENTRY(op) [D3DKMT_OP_##op] = call_##op,
#define ADAPTED_CALLER(op, type)
#define ADAPTED_ENTRY(op)
#define CALLER(op, type, qualifier, number, family, form, flags) form##_CALLER(op, type)
#define ENTRY(op, type, qualifier, number, family, form, flags)  form##_ENTRY(op)

D3DKMT_OPS(CALLER)
DIRECT_CALLER(QueryAdapterInfo, D3DKMT_QUERYADAPTERINFO)
DIRECT_CALLER(QueryStatistics, D3DKMT_QUERYSTATISTICS)
DIRECT_CALLER(OpenResource, D3DKMT_OPENRESOURCE)

static NTSTATUS call_ShareObjects(void *args)
{
    return D3DKMTShareObjectsInternal(args);
}

static NTSTATUS (*const functions[D3DKMT_OP_COUNT])(void *args) = {
    D3DKMT_OPS(ENTRY) DIRECT_ENTRY(QueryAdapterInfo) DIRECT_ENTRY(QueryStatistics)
        DIRECT_ENTRY(OpenResource) DIRECT_ENTRY(ShareObjects)};

NTSTATUS world_public_call(void *context, enum d3dkmt_op_id op, void *args)
{
    (void)context;
    return functions[op](args);
}
