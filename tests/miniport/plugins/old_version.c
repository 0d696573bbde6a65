/* SPDX-License-Identifier: MIT */
/* A miniport that was compiled against another version of the contract. */
#include <d3dkmt/kmd.h>

const struct kmd_interface d3dkmt_miniport_plugin = {
    .size = sizeof(struct kmd_interface),
    .version = KMD_INTERFACE_VERSION - 1,
    .name = "old-version",
};
