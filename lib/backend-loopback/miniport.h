/* SPDX-License-Identifier: MIT */
/* Finding a miniport by its name: the built-in one, or a plug-in. */
#ifndef BACKEND_LOOPBACK_MINIPORT_H
#define BACKEND_LOOPBACK_MINIPORT_H

#include <d3dkmt/kmd.h>

enum { LOOPBACK_MINIPORT_NAME_MAX = 48 };

/* Explained on failure: STATUS_INVALID_PARAMETER (no name), STATUS_OBJECT_NAME_NOT_FOUND (no file,
 * or none with a miniport in it), STATUS_NOT_SUPPORTED (of another version). */
NTSTATUS loopback_miniport_find(const char *name, const struct kmd_interface **miniport);

#endif
