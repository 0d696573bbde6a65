/* SPDX-License-Identifier: MIT */
/* The libraries that programs look for under /usr/lib/wsl/lib, by name. */
#ifndef COMPAT_PRELOAD_PATHS_H
#define COMPAT_PRELOAD_PATHS_H

#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <string.h>

#define PATHS_WSL_FOLDER "/usr/lib/wsl/lib"

/* The path itself, or what stands for it, in the buffer. */
const char *paths_map_slowly(const char *path, char buffer[PATH_MAX]);

/* The same, for any path: NULL stays NULL. The buffer may be left as it is. */
static inline const char *paths_map(const char *path, char buffer[PATH_MAX])
{
    if (!path || strncmp(path, PATHS_WSL_FOLDER, sizeof(PATHS_WSL_FOLDER) - 1) != 0)
        return path;
    return paths_map_slowly(path, buffer);
}

/* WSL's folder is read-only, and what stands for it is not to be changed by that path. Sets errno.
 */
static inline bool paths_refuse_writing(const char *path, const char *mapped)
{
    if (mapped == path)
        return false;
    errno = EROFS;
    return true;
}

#endif
