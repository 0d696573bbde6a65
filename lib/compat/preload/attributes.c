/* SPDX-License-Identifier: MIT */
/* What stat() and its relatives say of the device: a character device, wherever it is asked for. */
#include "compat/preload/next.h"
#include "compat/preload/node.h"
#include "compat/preload/paths.h"

#include <errno.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

/* An inode number that devtmpfs does not give out: it counts from 1. */
enum { NODE_INODE = 0x64786700 };

#define IS_FILE_OF_NODE(buffer)                                                                    \
    (S_ISREG((buffer)->st_mode) && (buffer)->st_nlink == 0 && (buffer)->st_size == NODE_SIZE)

/* As another device node, for what all of them have in common. */
#define DESCRIBE(buffer, base)                                                                     \
    do {                                                                                           \
        int described_ = (base);                                                                   \
        if (described_ != 0)                                                                       \
            return described_;                                                                     \
        (buffer)->st_mode = S_IFCHR | NODE_MODE;                                                   \
        (buffer)->st_ino = NODE_INODE;                                                             \
        (buffer)->st_nlink = 1;                                                                    \
        (buffer)->st_size = 0;                                                                     \
        (buffer)->st_rdev = makedev(NODE_MAJOR, NODE_MINOR);                                       \
        return 0;                                                                                  \
    } while (0)

static int describe(struct stat *buffer)
{
    DESCRIBE(buffer, next()->stat("/dev/null", buffer));
}

static int describe64(struct stat64 *buffer)
{
    DESCRIBE(buffer, next()->stat64("/dev/null", buffer));
}

static int describe_if_node(int descriptor, int result, struct stat *buffer)
{
    struct node_record record;

    if (result == 0 && __builtin_expect(IS_FILE_OF_NODE(buffer), 0) &&
        node_read(descriptor, &record))
        return describe(buffer);
    return result;
}

static int describe_if_node64(int descriptor, int result, struct stat64 *buffer)
{
    struct node_record record;

    if (result == 0 && __builtin_expect(IS_FILE_OF_NODE(buffer), 0) &&
        node_read(descriptor, &record))
        return describe64(buffer);
    return result;
}

/* ---- by path */

#define BY_PATH(name, type, describe_)                                                             \
    PRELOAD_API int name(const char *path, struct type *buffer)                                    \
    {                                                                                              \
        char mapped[PATH_MAX];                                                                     \
        if (node_is_path(AT_FDCWD, path))                                                          \
            return describe_(buffer);                                                              \
        return next()->name(paths_map(path, mapped), buffer);                                      \
    }

BY_PATH(stat, stat, describe)
BY_PATH(stat64, stat64, describe64)
BY_PATH(lstat, stat, describe)
BY_PATH(lstat64, stat64, describe64)

/* The same for programs that were linked with a C library before 2.33. */
#define BY_PATH_OLD(name, type, describe_)                                                         \
    PRELOAD_API int name(int version, const char *path, struct type *buffer);                      \
    int name(int version, const char *path, struct type *buffer)                                   \
    {                                                                                              \
        char mapped[PATH_MAX];                                                                     \
        if (node_is_path(AT_FDCWD, path))                                                          \
            return describe_(buffer);                                                              \
        return next()->name(version, paths_map(path, mapped), buffer);                             \
    }

BY_PATH_OLD(__xstat, stat, describe)
BY_PATH_OLD(__xstat64, stat64, describe64)
BY_PATH_OLD(__lxstat, stat, describe)
BY_PATH_OLD(__lxstat64, stat64, describe64)

/* ---- by descriptor */

PRELOAD_API int fstat(int descriptor, struct stat *buffer)
{
    return describe_if_node(descriptor, next()->fstat(descriptor, buffer), buffer);
}

PRELOAD_API int fstat64(int descriptor, struct stat64 *buffer)
{
    return describe_if_node64(descriptor, next()->fstat64(descriptor, buffer), buffer);
}

PRELOAD_API int __fxstat(int version, int descriptor, struct stat *buffer);
PRELOAD_API int __fxstat64(int version, int descriptor, struct stat64 *buffer);

int __fxstat(int version, int descriptor, struct stat *buffer)
{
    return describe_if_node(descriptor, next()->__fxstat(version, descriptor, buffer), buffer);
}

int __fxstat64(int version, int descriptor, struct stat64 *buffer)
{
    return describe_if_node64(descriptor, next()->__fxstat64(version, descriptor, buffer), buffer);
}

/* ---- by folder and path, or by descriptor without a path */

#define AT_FOLDER(describe_, describe_if_node_, call)                                              \
    char mapped[PATH_MAX];                                                                         \
    if (node_is_path(folder, path))                                                                \
        return describe_(buffer);                                                                  \
    path = paths_map(path, mapped);                                                                \
    int result = (call);                                                                           \
    return (flags & AT_EMPTY_PATH) ? describe_if_node_(folder, result, buffer) : result;

PRELOAD_API int fstatat(int folder, const char *path, struct stat *buffer, int flags){
    AT_FOLDER(describe, describe_if_node, next()->fstatat(folder, path, buffer, flags))}

PRELOAD_API int fstatat64(int folder, const char *path, struct stat64 *buffer, int flags){
    AT_FOLDER(describe64, describe_if_node64, next()->fstatat64(folder, path, buffer, flags))}

PRELOAD_API
    int __fxstatat(int version, int folder, const char *path, struct stat *buffer, int flags);
PRELOAD_API int __fxstatat64(int version, int folder, const char *path, struct stat64 *buffer,
                             int flags);

int __fxstatat(int version, int folder, const char *path, struct stat *buffer, int flags)
{
    AT_FOLDER(describe, describe_if_node, next()->__fxstatat(version, folder, path, buffer, flags))
}

int __fxstatat64(int version, int folder, const char *path, struct stat64 *buffer, int flags)
{
    AT_FOLDER(describe64, describe_if_node64,
              next()->__fxstatat64(version, folder, path, buffer, flags))
}

static int describe_statx(int flags, unsigned mask, struct statx *buffer)
{
    int result = next()->statx(AT_FDCWD, "/dev/null", flags & ~AT_EMPTY_PATH, mask, buffer);

    if (result != 0)
        return result;
    buffer->stx_mode = S_IFCHR | NODE_MODE;
    buffer->stx_ino = NODE_INODE;
    buffer->stx_nlink = 1;
    buffer->stx_size = 0;
    buffer->stx_rdev_major = NODE_MAJOR;
    buffer->stx_rdev_minor = NODE_MINOR;
    return 0;
}

PRELOAD_API int statx(int folder, const char *path, int flags, unsigned mask, struct statx *buffer)
{
    char mapped[PATH_MAX];
    struct node_record record;

    if (node_is_path(folder, path))
        return describe_statx(flags, mask, buffer);
    int result = next()->statx(folder, paths_map(path, mapped), flags, mask, buffer);
    if (result == 0 && (flags & AT_EMPTY_PATH) && S_ISREG(buffer->stx_mode) &&
        buffer->stx_nlink == 0 && buffer->stx_size == NODE_SIZE && node_read(folder, &record))
        return describe_statx(flags, mask, buffer);
    return result;
}

/* ---- access */

/* Everybody may read and write the device, and nobody execute it. */
static int node_access(int mode)
{
    if (!(mode & X_OK))
        return 0;
    errno = EACCES;
    return -1;
}

/* Of what is not the device. */
#define MAPPED_ACCESS(call)                                                                        \
    char buffer[PATH_MAX];                                                                         \
    const char *mapped = paths_map(path, buffer);                                                  \
    if ((mode & W_OK) && paths_refuse_writing(path, mapped))                                       \
        return -1;                                                                                 \
    return (call);

PRELOAD_API int access(const char *path, int mode)
{
    if (node_is_path(AT_FDCWD, path))
        return node_access(mode);
    MAPPED_ACCESS(next()->access(mapped, mode))
}

PRELOAD_API int euidaccess(const char *path, int mode)
{
    if (node_is_path(AT_FDCWD, path))
        return node_access(mode);
    MAPPED_ACCESS(next()->euidaccess(mapped, mode))
}

PRELOAD_API int eaccess(const char *path, int mode)
{
    return euidaccess(path, mode);
}

PRELOAD_API int faccessat(int folder, const char *path, int mode, int flags)
{
    if (node_is_path(folder, path))
        return node_access(mode);
    MAPPED_ACCESS(next()->faccessat(folder, mapped, mode, flags))
}

/* ---- links and extended attributes, of which it has none */

static ssize_t refuse(int error)
{
    errno = error;
    return -1;
}

PRELOAD_API ssize_t readlink(const char *path, char *buffer, size_t size)
{
    if (node_is_path(AT_FDCWD, path))
        return refuse(EINVAL);
    return next()->readlink(path, buffer, size);
}

PRELOAD_API ssize_t readlinkat(int folder, const char *path, char *buffer, size_t size)
{
    if (node_is_path(folder, path))
        return refuse(EINVAL);
    return next()->readlinkat(folder, path, buffer, size);
}

#define GET_ATTRIBUTE(name)                                                                        \
    PRELOAD_API ssize_t name(const char *path, const char *attribute, void *value, size_t size)    \
    {                                                                                              \
        if (node_is_path(AT_FDCWD, path))                                                          \
            return refuse(ENODATA);                                                                \
        return next()->name(path, attribute, value, size);                                         \
    }

GET_ATTRIBUTE(getxattr)
GET_ATTRIBUTE(lgetxattr)

#define LIST_ATTRIBUTES(name)                                                                      \
    PRELOAD_API ssize_t name(const char *path, char *list, size_t size)                            \
    {                                                                                              \
        if (node_is_path(AT_FDCWD, path))                                                          \
            return 0;                                                                              \
        return next()->name(path, list, size);                                                     \
    }

LIST_ATTRIBUTES(listxattr)
LIST_ATTRIBUTES(llistxattr)
