/* SPDX-License-Identifier: MIT */
/* The least that a backend can be: it opens, and refuses every operation. */
#include <d3dkmt/backend.h>

static NTSTATUS smallest_open(const struct d3dkmt_backend_services *services, const char *options,
                              void **instance)
{
    *instance = NULL;
    if (*options)
        return services->fail_with(STATUS_INVALID_PARAMETER, "there are no options");
    services->log(D3DKMT_LOG_INFO, "smallest", "hello");
    return STATUS_SUCCESS;
}

static NTSTATUS smallest_call(void *instance, const struct d3dkmt_op *op, void *args)
{
    (void)instance, (void)op, (void)args;
    return STATUS_NOT_SUPPORTED;
}

static bool smallest_supports(void *instance, const struct d3dkmt_op *op)
{
    (void)instance, (void)op;
    return false;
}

static void smallest_close(void *instance)
{
    (void)instance;
}

D3DKMT_API const struct d3dkmt_backend d3dkmt_backend_plugin = {
    .abi_version = D3DKMT_BACKEND_ABI_VERSION,
    .size = sizeof(struct d3dkmt_backend),
    .name = "smallest",
    .description = "refuses everything",
    .open = smallest_open,
    .call = smallest_call,
    .supports = smallest_supports,
    .close = smallest_close,
};
