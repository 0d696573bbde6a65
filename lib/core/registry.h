/* SPDX-License-Identifier: MIT */
/* Finding backends by name, and choosing one when nobody named any. */
#ifndef CORE_REGISTRY_H
#define CORE_REGISTRY_H

#include <d3dkmt/backend.h>

/* Longest backend name, its terminator included. */
enum { BACKEND_NAME_MAX = 64 };

/*
 * The backend of this name: a built-in one, else the plug-in libd3dkmt-NAME.so, which stays loaded.
 * STATUS_OBJECT_NAME_NOT_FOUND or STATUS_NOT_SUPPORTED (another ABI), explained.
 */
NTSTATUS registry_find(const char *name, const struct d3dkmt_backend **backend);

/*
 * The first built-in backend that finds something to talk to; never a plug-in.
 * STATUS_DEVICE_REMOVED, explained, when none does.
 */
NTSTATUS registry_probe(const struct d3dkmt_backend **backend);

/* What backends get to call. */
extern const struct d3dkmt_backend_services backend_services;

#endif
