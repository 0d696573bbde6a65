/* SPDX-License-Identifier: MIT */
#include "backend-loopback/miniport.h"

#include "backend-loopback/kmd/softgpu.h"
#include "core/last_error.h"
#include "core/plugin.h"

#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

/* Beyond size and version nothing of a foreign struct is looked at here; the adapter's start sees
 * to the functions. */
static NTSTATUS check(const char *name, const struct kmd_interface *found)
{
    if (found->version == KMD_INTERFACE_VERSION && found->size >= sizeof(*found))
        return STATUS_SUCCESS;
    return d3dkmti_fail(STATUS_NOT_SUPPORTED,
                        "libd3dkmt-miniport-%s.so has miniport interface %u of %u bytes, this host "
                        "needs %u of %zu; rebuild the plug-in",
                        name, (unsigned)found->version, (unsigned)found->size,
                        KMD_INTERFACE_VERSION, sizeof(*found));
}

static NTSTATUS find_plugin(const char *name, const struct kmd_interface **miniport)
{
    char library_name[LOOPBACK_MINIPORT_NAME_MAX + sizeof("miniport-")];

    snprintf(library_name, sizeof(library_name), "miniport-%s", name);
    void *library = d3dkmti_plugin_load(library_name);
    if (!library) {
        const char *reason = dlerror();

        return d3dkmti_fail(STATUS_OBJECT_NAME_NOT_FOUND,
                            "there is no miniport \"%s\": %s (D3DKMT_PLUGIN_PATH names the folder "
                            "of plug-ins)",
                            name, reason ? reason : "the plug-in was not found");
    }
    const struct kmd_interface *found = dlsym(library, KMD_MINIPORT_PLUGIN_SYMBOL);
    if (!found)
        return d3dkmti_fail(STATUS_OBJECT_NAME_NOT_FOUND,
                            "libd3dkmt-miniport-%s.so does not define " KMD_MINIPORT_PLUGIN_SYMBOL,
                            name);
    *miniport = found;
    return check(name, found);
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
