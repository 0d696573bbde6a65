/* SPDX-License-Identifier: MIT */
/* Where the files lie that the runner needs. */
#include "run.h"

#include "compat/dxgkrnl/dxgkrnl.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Relative to the folder of the program: in the build tree, and installed. */
static const struct {
    const char *libraries, *profiles;
} places[] = {
    {"../lib", RUN_SOURCE_PROFILES},
    {"../" RUN_INSTALLED_LIBRARIES, "../" RUN_INSTALLED_PROFILES},
};

static bool own_folder(char folder[PATH_MAX])
{
    ssize_t length = readlink("/proc/self/exe", folder, PATH_MAX - 1);

    if (length <= 0)
        return false;
    folder[length] = '\0';
    *strrchr(folder, '/') = '\0';
    return true;
}

static bool join(char to[PATH_MAX], const char *folder, const char *name, const char *file)
{
    if (*name == '/')
        return snprintf(to, PATH_MAX, "%s%s", name, file) < PATH_MAX;
    return snprintf(to, PATH_MAX, "%s/%s%s", folder, name, file) < PATH_MAX;
}

/* The dynamic loader takes these for the end of a path, and this one for a variable. */
static bool can_be_preloaded(const char *path)
{
    if (!strpbrk(path, " \t\n:$"))
        return true;
    fprintf(stderr,
            "d3dkmt-run: LD_PRELOAD cannot hold %s: install it in a folder without blanks, colons "
            "and dollar signs in its name\n",
            path);
    return false;
}

bool run_files_find(struct run_files *files)
{
    char folder[PATH_MAX];

    for (size_t i = 0; own_folder(folder) && i < sizeof(places) / sizeof(places[0]); i++) {
        if (join(files->preload, folder, places[i].libraries, "/d3dkmt-preload.so") &&
            access(files->preload, R_OK) == 0 &&
            join(files->dxgkrnl, folder, places[i].libraries, "/" DXGKRNL_FILE) &&
            join(files->libraries, folder, places[i].libraries, "/d3dkmt") &&
            join(files->profiles, folder, places[i].profiles, "") &&
            join(files->hostd, folder, ".", "/d3dkmt-hostd"))
            return can_be_preloaded(files->preload);
    }
    fprintf(stderr, "d3dkmt-run: d3dkmt-preload.so is neither beside this program nor where it was "
                    "to be installed\n");
    return false;
}
