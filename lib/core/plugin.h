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
 * Loads libd3dkmt-PREFIXNAME.so and looks up a symbol of it. The library comes from the folder
 * D3DKMT_PLUGIN_PATH (not in set-user-id programs), else from the library's own folder, or, for a
 * program that holds this code, from the libraries' folder beside its own, else from where the
 * system looks for libraries. It stays loaded. noun: what the plug-in is, for messages.
 * STATUS_OBJECT_NAME_NOT_FOUND, explained, without library or symbol.
 */
D3DKMT_API NTSTATUS d3dkmti_plugin_find(const char *noun, const char *prefix, const char *name,
                                        const char *symbol, const void **found);

#endif
