/* SPDX-License-Identifier: MIT */
/* Loading plug-ins: backends, and miniports of the simulated host. */
#ifndef CORE_PLUGIN_H
#define CORE_PLUGIN_H

#include <d3dkmt/d3dkmt.h>

#include <stdbool.h>
#include <stddef.h>

/* Letters, digits and hyphens; shorter than limit. */
D3DKMT_API bool d3dkmti_plugin_name_is_valid(const char *name, size_t limit);

/*
 * Loads libd3dkmt-NAME.so from the folder D3DKMT_PLUGIN_PATH (not in set-user-id programs), else
 * from the library's own folder, or, for a program that holds this code, from the libraries' folder
 * beside its own, else from where the system looks for libraries. It stays loaded.
 * The handle of dlopen; NULL: dlerror() may say why.
 */
D3DKMT_API void *d3dkmti_plugin_load(const char *name);

#endif
