/* SPDX-License-Identifier: MIT */
/* A miniport whose struct ends before the last function. */
#include <d3dkmt/kmd.h>

const struct kmd_interface d3dkmt_miniport_plugin = {
    .size = sizeof(struct kmd_interface) - 1,
    .version = KMD_INTERFACE_VERSION,
    .name = "short",
};
