/* SPDX-License-Identifier: MIT */
/* The C library's functions behind those that the shim defines. */
#ifndef COMPAT_PRELOAD_NEXT_H
#define COMPAT_PRELOAD_NEXT_H

#include <fcntl.h>
#include <spawn.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>
#include <sys/types.h>

/* Marks what is defined in front of the C library; nothing else of the shim is visible. */
#define PRELOAD_API __attribute__((visibility("default")))

/* X(return type, name, parameters) */
#define NEXT_FUNCTIONS(X)                                                                          \
    X(int, open, (const char *, int, ...))                                                         \
    X(int, open64, (const char *, int, ...))                                                       \
    X(int, openat, (int, const char *, int, ...))                                                  \
    X(int, openat64, (int, const char *, int, ...))                                                \
    X(int, creat, (const char *, mode_t))                                                          \
    X(int, creat64, (const char *, mode_t))                                                        \
    X(int, close, (int))                                                                           \
    X(int, close_range, (unsigned, unsigned, int))                                                 \
    X(void, closefrom, (int))                                                                      \
    X(int, dup, (int))                                                                             \
    X(int, dup2, (int, int))                                                                       \
    X(int, dup3, (int, int, int))                                                                  \
    X(int, fcntl, (int, int, ...))                                                                 \
    X(int, fcntl64, (int, int, ...))                                                               \
    X(int, ioctl, (int, unsigned long, ...))                                                       \
    X(ssize_t, read, (int, void *, size_t))                                                        \
    X(ssize_t, write, (int, const void *, size_t))                                                 \
    X(ssize_t, pread, (int, void *, size_t, off_t))                                                \
    X(void *, mmap, (void *, size_t, int, int, int, off_t))                                        \
    X(void *, mmap64, (void *, size_t, int, int, int, off64_t))                                    \
    X(int, stat, (const char *, struct stat *))                                                    \
    X(int, stat64, (const char *, struct stat64 *))                                                \
    X(int, lstat, (const char *, struct stat *))                                                   \
    X(int, lstat64, (const char *, struct stat64 *))                                               \
    X(int, fstat, (int, struct stat *))                                                            \
    X(int, fstat64, (int, struct stat64 *))                                                        \
    X(int, fstatat, (int, const char *, struct stat *, int))                                       \
    X(int, fstatat64, (int, const char *, struct stat64 *, int))                                   \
    X(int, statx, (int, const char *, int, unsigned, struct statx *))                              \
    X(int, __xstat, (int, const char *, struct stat *))                                            \
    X(int, __xstat64, (int, const char *, struct stat64 *))                                        \
    X(int, __lxstat, (int, const char *, struct stat *))                                           \
    X(int, __lxstat64, (int, const char *, struct stat64 *))                                       \
    X(int, __fxstat, (int, int, struct stat *))                                                    \
    X(int, __fxstat64, (int, int, struct stat64 *))                                                \
    X(int, __fxstatat, (int, int, const char *, struct stat *, int))                               \
    X(int, __fxstatat64, (int, int, const char *, struct stat64 *, int))                           \
    X(int, access, (const char *, int))                                                            \
    X(int, euidaccess, (const char *, int))                                                        \
    X(int, faccessat, (int, const char *, int, int))                                               \
    X(ssize_t, readlink, (const char *, char *, size_t))                                           \
    X(ssize_t, readlinkat, (int, const char *, char *, size_t))                                    \
    X(ssize_t, getxattr, (const char *, const char *, void *, size_t))                             \
    X(ssize_t, lgetxattr, (const char *, const char *, void *, size_t))                            \
    X(ssize_t, listxattr, (const char *, char *, size_t))                                          \
    X(ssize_t, llistxattr, (const char *, char *, size_t))                                         \
    X(void *, dlopen, (const char *, int))                                                         \
    X(int, execve, (const char *, char *const *, char *const *))                                   \
    X(int, execvpe, (const char *, char *const *, char *const *))                                  \
    X(int, fexecve, (int, char *const *, char *const *))                                           \
    X(int, execveat, (int, const char *, char *const *, char *const *, int))                       \
    X(int, posix_spawn,                                                                            \
      (pid_t *, const char *, const posix_spawn_file_actions_t *, const posix_spawnattr_t *,       \
       char *const *, char *const *))                                                              \
    X(int, posix_spawnp,                                                                           \
      (pid_t *, const char *, const posix_spawn_file_actions_t *, const posix_spawnattr_t *,       \
       char *const *, char *const *))

struct next_functions {
#define MEMBER(type, name, parameters) type(*name) parameters;
    NEXT_FUNCTIONS(MEMBER)
#undef MEMBER
};

/* Not to be touched but by next(). */
extern struct next_functions next_functions;
extern atomic_bool next_is_resolved;
void next_resolve(void);

/*
 * Programs and other libraries' constructors call before any constructor of the shim has run: the
 * first call resolves. A function that this C library lacks is NULL, and nobody can call it.
 */
static inline const struct next_functions *next(void)
{
    if (__builtin_expect(!atomic_load_explicit(&next_is_resolved, memory_order_acquire), 0))
        next_resolve();
    return &next_functions;
}

#endif
