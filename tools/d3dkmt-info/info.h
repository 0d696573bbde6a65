/* SPDX-License-Identifier: MIT */
/* d3dkmt-info: everything is collected into one JSON tree, which the three outputs show. */
#ifndef TOOLS_D3DKMT_INFO_INFO_H
#define TOOLS_D3DKMT_INFO_INFO_H

#include <jansson.h>

#include <d3dkmt/d3dkmt.h>

/* Version of the tree that --json writes; raised when members change meaning. */
enum { INFO_FORMAT_VERSION = 1 };

/* "backend", "library" and "operations" of the tree, the adapters left empty. New reference. */
json_t *info_collect_library(void);

/*
 * Adds "adapters". STATUS_SUCCESS, also when there is none; a failure of the enumeration is in
 * d3dkmt_last_error().
 */
NTSTATUS info_collect_adapters(json_t *info);

/* One adapter. handle: open. New reference. */
json_t *info_collect_adapter(const D3DKMT_ADAPTERINFO *adapter);

/* Asks a query type with fixed-size answer; false when the adapter does not answer it. */
bool info_query(D3DKMT_HANDLE adapter, KMTQUERYADAPTERINFOTYPE type, void *answer, size_t size);

/* Texts of the API as JSON; a printed text as JSON. New references. */
json_t *info_text(const wchar_t *text);
json_t *info_format(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* The driver's folders: D3DDDI_QUERYREGISTRY_DRIVERSTOREPATH or DRIVERIMAGEPATH; NULL when it has
 * none. New reference. */
json_t *info_driver_path(D3DKMT_HANDLE adapter, D3DDDI_QUERYREGISTRY_TYPE type);

/* "queries", "registry" and "features" of an adapter: what only a profile shows. New references. */
json_t *info_collect_queries(D3DKMT_HANDLE adapter);
json_t *info_collect_registry(D3DKMT_HANDLE adapter);
json_t *info_collect_features(D3DKMT_HANDLE adapter);

void info_print_text(const json_t *info);

/* A profile of each adapter: what a simulated host needs to answer in its place. New reference. */
json_t *info_make_profile(const json_t *info);

#endif
