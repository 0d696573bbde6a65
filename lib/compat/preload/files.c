/* SPDX-License-Identifier: MIT */
/* Opening files by path. */
#include "compat/preload/device.h"
#include "compat/preload/next.h"
#include "compat/preload/node.h"
#include "compat/preload/paths.h"

#include <stdarg.h>

/* The mode that stands behind the flags, for those that make files. */
#define OPEN_MODE(flags)                                                                           \
    mode_t mode = 0;                                                                               \
    if (((flags)&O_CREAT) || ((flags)&O_TMPFILE) == O_TMPFILE) {                                   \
        va_list arguments;                                                                         \
        va_start(arguments, flags);                                                                \
        mode = va_arg(arguments, mode_t);                                                          \
        va_end(arguments);                                                                         \
    }

/* A path descriptor is none of the driver's: it finds no node, as where there is none. */
static bool is_device(int folder, const char *path, int flags)
{
    return !(flags & O_PATH) && node_is_path(folder, path);
}

static bool is_for_writing(int flags)
{
    return (flags & O_ACCMODE) != O_RDONLY || (flags & (O_CREAT | O_TRUNC));
}

/* What is neither the device nor refused. */
#define OPEN_MAPPED(call)                                                                          \
    char buffer[PATH_MAX];                                                                         \
    const char *mapped = paths_map(path, buffer);                                                  \
    if (is_for_writing(flags) && paths_refuse_writing(path, mapped))                               \
        return -1;                                                                                 \
    return (call);

PRELOAD_API int open(const char *path, int flags, ...)
{
    OPEN_MODE(flags)
    if (is_device(AT_FDCWD, path, flags))
        return device_open(flags);
    OPEN_MAPPED(next()->open(mapped, flags, mode))
}

PRELOAD_API int open64(const char *path, int flags, ...)
{
    OPEN_MODE(flags)
    if (is_device(AT_FDCWD, path, flags))
        return device_open(flags);
    OPEN_MAPPED(next()->open64(mapped, flags, mode))
}

PRELOAD_API int openat(int folder, const char *path, int flags, ...)
{
    OPEN_MODE(flags)
    if (is_device(folder, path, flags))
        return device_open(flags);
    OPEN_MAPPED(next()->openat(folder, mapped, flags, mode))
}

PRELOAD_API int openat64(int folder, const char *path, int flags, ...)
{
    OPEN_MODE(flags)
    if (is_device(folder, path, flags))
        return device_open(flags);
    OPEN_MAPPED(next()->openat64(folder, mapped, flags, mode))
}

PRELOAD_API int creat(const char *path, mode_t mode)
{
    if (node_is_path(AT_FDCWD, path))
        return device_open(O_WRONLY);
    return next()->creat(path, mode);
}

PRELOAD_API int creat64(const char *path, mode_t mode)
{
    if (node_is_path(AT_FDCWD, path))
        return device_open(O_WRONLY);
    return next()->creat64(path, mode);
}

/* What programs call that were compiled with _FORTIFY_SOURCE; the C library does not declare it. */
PRELOAD_API int __open_2(const char *path, int flags);
PRELOAD_API int __open64_2(const char *path, int flags);
PRELOAD_API int __openat_2(int folder, const char *path, int flags);
PRELOAD_API int __openat64_2(int folder, const char *path, int flags);

int __open_2(const char *path, int flags)
{
    return open(path, flags, 0);
}

int __open64_2(const char *path, int flags)
{
    return open64(path, flags, 0);
}

int __openat_2(int folder, const char *path, int flags)
{
    return openat(folder, path, flags, 0);
}

int __openat64_2(int folder, const char *path, int flags)
{
    return openat64(folder, path, flags, 0);
}
