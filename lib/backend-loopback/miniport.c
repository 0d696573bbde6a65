/* SPDX-License-Identifier: MIT */
#include "backend-loopback/miniport.h"

#include "backend-loopback/kmd/softgpu.h"
#include "core/last_error.h"
#include "core/plugin.h"

#include <string.h>

/* Beyond size and version nothing of a foreign struct is looked at here; the adapter's start sees
 * to the functions. */
static NTSTATUS find_plugin(const char *name, const struct kmd_interface **miniport)
{
    const void *symbol;
    NTSTATUS status =
        d3dkmti_plugin_find("miniport", "miniport-", name, KMD_MINIPORT_PLUGIN_SYMBOL, &symbol);

    if (!NT_SUCCESS(status))
        return status;
    const struct kmd_interface *found = symbol;
    if (found->version != KMD_INTERFACE_VERSION || found->size < sizeof(*found))
        return d3dkmti_fail(STATUS_NOT_SUPPORTED,
                            "libd3dkmt-miniport-%s.so has miniport interface %u of %u bytes, this "
                            "host needs %u of %zu; rebuild the plug-in",
                            name, (unsigned)found->version, (unsigned)found->size,
                            KMD_INTERFACE_VERSION, sizeof(*found));
    *miniport = found;
    return STATUS_SUCCESS;
}

NTSTATUS loopback_miniport_find(const char *name, const struct kmd_interface **miniport)
{
    if (!d3dkmti_plugin_name_is_valid(name, LOOPBACK_MINIPORT_NAME_MAX))
        return d3dkmti_fail(STATUS_INVALID_PARAMETER,
                            "\"%.80s\" is not a miniport's name (letters, digits and hyphens)",
                            name);
    if (strcmp(name, kmd_softgpu.name) == 0) {
        *miniport = &kmd_softgpu;
        return STATUS_SUCCESS;
    }
    return find_plugin(name, miniport);
}
