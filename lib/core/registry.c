/* SPDX-License-Identifier: MIT */
#include "core/registry.h"

#include "core/last_error.h"
#include "core/log.h"
#include "core/plugin.h"

#include <string.h>

enum { REGISTRY_MAX = 8 };

/*
 * The backends that are linked in, in the order of the automatic choice, NULL at the end. Whoever
 * puts a library together defines it; the core alone has none.
 */
extern const struct d3dkmt_backend *const builtin_backends[] __attribute__((weak));

/* Those that were registered. */
static const struct d3dkmt_backend *backends[REGISTRY_MAX];
static size_t backend_count;

static const struct d3dkmt_backend *builtin(size_t index)
{
    return builtin_backends ? builtin_backends[index] : NULL;
}

const struct d3dkmt_backend_services backend_services = {
    .fail_with = d3dkmti_fail,
    .log = d3dkmti_log,
};

NTSTATUS d3dkmt_register_backend(const struct d3dkmt_backend *backend)
{
    if (backend_count == REGISTRY_MAX)
        return d3dkmti_fail(STATUS_NO_MEMORY, "%d backends are known already", REGISTRY_MAX);
    backends[backend_count++] = backend;
    return STATUS_SUCCESS;
}

static NTSTATUS find_plugin(const char *name, const struct d3dkmt_backend **backend)
{
    const void *symbol;
    NTSTATUS status =
        d3dkmti_plugin_find("backend", "", name, D3DKMT_BACKEND_PLUGIN_SYMBOL, &symbol);

    if (!NT_SUCCESS(status))
        return status;
    const struct d3dkmt_backend *found = symbol;
    if (found->abi_version != D3DKMT_BACKEND_ABI_VERSION || found->size < sizeof(*found))
        return d3dkmti_fail(STATUS_NOT_SUPPORTED,
                            "libd3dkmt-%s.so has backend ABI %u of %u bytes, this library needs %u "
                            "of %zu; rebuild the plug-in",
                            name, found->abi_version, found->size, D3DKMT_BACKEND_ABI_VERSION,
                            sizeof(*found));
    *backend = found;
    return STATUS_SUCCESS;
}

NTSTATUS registry_find(const char *name, const struct d3dkmt_backend **backend)
{
    if (!d3dkmti_plugin_name_is_valid(name, BACKEND_NAME_MAX))
        return d3dkmti_fail(STATUS_INVALID_PARAMETER,
                            "\"%.80s\" is not a backend's name (letters, digits and hyphens)",
                            name);
    for (size_t i = 0; i < backend_count; i++) {
        if (strcmp(backends[i]->name, name) == 0) {
            *backend = backends[i];
            return STATUS_SUCCESS;
        }
    }
    for (size_t i = 0; builtin(i); i++) {
        if (strcmp(builtin(i)->name, name) == 0) {
            *backend = builtin(i);
            return STATUS_SUCCESS;
        }
    }
    return find_plugin(name, backend);
}

static bool finds_something(const struct d3dkmt_backend *backend)
{
    return backend->probe && NT_SUCCESS(backend->probe(&backend_services));
}

NTSTATUS registry_probe(const struct d3dkmt_backend **backend)
{
    for (size_t i = 0; i < backend_count; i++) {
        if (finds_something(backends[i])) {
            *backend = backends[i];
            return STATUS_SUCCESS;
        }
    }
    for (size_t i = 0; builtin(i); i++) {
        if (finds_something(builtin(i))) {
            *backend = builtin(i);
            return STATUS_SUCCESS;
        }
    }
    return d3dkmti_fail(STATUS_DEVICE_REMOVED,
                        "no GPU was found on this machine; set D3DKMT_BACKEND=loopback to use the "
                        "simulated host");
}
