/* SPDX-License-Identifier: MIT */
#include "compat/preload/paths.h"

#include "compat/preload/next.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* A name that the folder does not have stays where it is: there may be a real one. */
const char *paths_map_slowly(const char *path, char buffer[PATH_MAX])
{
    const char *folder = secure_getenv("D3DKMT_RUN_LIBRARIES");
    const char *name = path + sizeof(PATHS_WSL_FOLDER) - 1;
    int saved = errno;

    if (!folder || (*name != '\0' && *name != '/'))
        return path;
    if (snprintf(buffer, PATH_MAX, "%s%s", folder, name) >= PATH_MAX ||
        next()->access(buffer, F_OK) != 0)
        buffer = NULL;
    errno = saved;
    return buffer ? buffer : path;
}
