/* SPDX-License-Identifier: MIT */
/* A plug-in that was compiled against another version of the backend contract. */
#include <d3dkmt/backend.h>

D3DKMT_API const struct d3dkmt_backend d3dkmt_backend_plugin = {
    .abi_version = D3DKMT_BACKEND_ABI_VERSION + 1,
    .size = sizeof(struct d3dkmt_backend),
    .name = "old-abi",
};
