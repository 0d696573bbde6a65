/* SPDX-License-Identifier: MIT */
#include "core/plugin.h"

#include "core/environment.h"
#include "core/last_error.h"

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

/* Where plug-ins lie, seen from the folder of the file that holds this code: beside the library,
 * and beside the folder of a program that holds it (d3dkmt-hostd), as built and as installed. */
static const char *const places[] = {"", "../lib/", "../" PLUGIN_INSTALLED_FOLDER "/"};

/* That folder, with a slash at its end; "" when unknown. The library may have been loaded by
 * another name: its file's own folder counts, not that of a link. Programs may be known by a name
 * only. */
static void own_folder(char *folder, size_t size)
{
    static const char here;
    Dl_info info;
    const char *slash;

    folder[0] = '\0';
    if (!dladdr(&here, &info) || !info.dli_fname)
        return;
    char *path = realpath(info.dli_fname, NULL);
    if (!path)
        path = realpath("/proc/self/exe", NULL);
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

/* From the places that belong to this code. */
static void *load_own(const char *name)
{
    char folder[PATH_MAX_LENGTH], place[PATH_MAX_LENGTH + sizeof(PLUGIN_INSTALLED_FOLDER) + 8];
    void *library = NULL;

    own_folder(folder, sizeof(folder));
    for (size_t i = 0; *folder && !library && i < sizeof(places) / sizeof(places[0]); i++) {
        snprintf(place, sizeof(place), "%s%s", folder, places[i]);
        library = load(place, name);
    }
    return library;
}

static void *load_from_anywhere(const char *name)
{
    const char *configured = environment_get("D3DKMT_PLUGIN_PATH");
    void *library = configured ? load(configured, name) : NULL;

    if (!library)
        library = load_own(name);
    return library ? library : load("", name);
}

NTSTATUS d3dkmti_plugin_find(const char *noun, const char *prefix, const char *name,
                             const char *symbol, const void **found)
{
    char library_name[PATH_MAX_LENGTH];

    snprintf(library_name, sizeof(library_name), "%s%s", prefix, name);
    void *library = load_from_anywhere(library_name);
    if (!library) {
        const char *reason = dlerror();

        return d3dkmti_fail(STATUS_OBJECT_NAME_NOT_FOUND,
                            "there is no %s \"%s\": %s (D3DKMT_PLUGIN_PATH names the folder of "
                            "plug-ins)",
                            noun, name, reason ? reason : "the plug-in was not found");
    }
    *found = dlsym(library, symbol);
    return *found ? STATUS_SUCCESS
                  : d3dkmti_fail(STATUS_OBJECT_NAME_NOT_FOUND, "libd3dkmt-%s.so does not define %s",
                                 library_name, symbol);
}
