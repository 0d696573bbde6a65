/* SPDX-License-Identifier: MIT */
#include "core/plugin.h"

#include "core/environment.h"

#include <ctype.h>
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PATH_MAX_LENGTH = 4096 };

bool d3dkmti_plugin_name_is_valid(const char *name, size_t limit)
{
    size_t length = strlen(name);

    for (size_t i = 0; i < length; i++) {
        if (!isalnum((unsigned char)name[i]) && name[i] != '-')
            return false;
    }
    return length > 0 && length < limit;
}

/* The folder of the file that holds this code, with a slash at its end; "" when unknown. The
 * library may have been loaded by another name: its file's own folder counts, not that of a link.
 */
static void own_folder(char *folder, size_t size)
{
    static const char here;
    Dl_info info;
    const char *slash;

    folder[0] = '\0';
    if (!dladdr(&here, &info) || !info.dli_fname)
        return;
    char *path = realpath(info.dli_fname, NULL);
    if (path && (slash = strrchr(path, '/')) != NULL)
        snprintf(folder, size, "%.*s/", (int)(slash - path), path);
    free(path);
}

/* A plug-in stays loaded: its threads and callbacks may outlive any use of it. */
static void *load(const char *folder, const char *name)
{
    char path[PATH_MAX_LENGTH];
    const char *slash = *folder && folder[strlen(folder) - 1] != '/' ? "/" : "";

    if ((size_t)snprintf(path, sizeof(path), "%s%slibd3dkmt-%s.so", folder, slash, name) >=
        sizeof(path))
        return NULL;
    return dlopen(path, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
}

void *d3dkmti_plugin_load(const char *name)
{
    char folder[PATH_MAX_LENGTH];
    const char *configured = environment_get("D3DKMT_PLUGIN_PATH");
    void *library = configured ? load(configured, name) : NULL;

    if (!library) {
        own_folder(folder, sizeof(folder));
        library = *folder ? load(folder, name) : NULL;
    }
    return library ? library : load("", name);
}
