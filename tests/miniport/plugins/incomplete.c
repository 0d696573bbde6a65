/* SPDX-License-Identifier: MIT */
/* A miniport without the functions that every miniport must have. */
#include <d3dkmt/kmd.h>

const struct kmd_interface d3dkmt_miniport_plugin = {
    .size = sizeof(struct kmd_interface),
    .version = KMD_INTERFACE_VERSION,
    .name = "incomplete",
};
