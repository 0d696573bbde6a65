/* SPDX-License-Identifier: MIT */
/* Loading libraries by their path under /usr/lib/wsl/lib. */
#include "compat/preload/next.h"
#include "compat/preload/paths.h"

#include <dlfcn.h>

/* Bound to its own needs first (RTLD_DEEPBIND, as Intel's driver loads it) a library would find the
 * C library's functions before the shim's. */
static __attribute__((noinline)) void *load_mapped(const char *path, int mode)
{
    char buffer[PATH_MAX];

    return next()->dlopen(paths_map_slowly(path, buffer), mode & ~RTLD_DEEPBIND);
}

/*
 * The dynamic loader looks where it was called from, for that library's own search path and
 * namespace: what is not ours must be passed on by a jump, and no frame of the shim be in between.
 */
#if defined(__clang__)
#define JUMPING
#define JUMP __attribute__((musttail))
#else
#define JUMPING __attribute__((optimize("O2")))
#define JUMP
#endif

PRELOAD_API JUMPING void *dlopen(const char *path, int mode)
{
    if (path && strncmp(path, PATHS_WSL_FOLDER "/", sizeof(PATHS_WSL_FOLDER)) == 0)
        return load_mapped(path, mode);
    JUMP return next()->dlopen(path, mode);
}
