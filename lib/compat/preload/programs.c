/* SPDX-License-Identifier: MIT */
/*
 * Executing other programs: they have the device too, whatever environment they are given.
 *
 * Nothing here allocates: it runs in children that share their parent's memory.
 */
#include "compat/preload/next.h"
#include "compat/preload/paths.h"

#include <alloca.h>
#include <dlfcn.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { KEPT = 3, TEXT_MAX = 2 * PATH_MAX };

static const char *const names[KEPT] = {"LD_PRELOAD", "D3DKMT_RUN_OPTIONS", "D3DKMT_RUN_LIBRARIES"};

/* The assignments that this process was started with; "" for what it did not have. */
static char kept[KEPT][TEXT_MAX];
static char own_path[PATH_MAX];

__attribute__((constructor)) static void keep(void)
{
    Dl_info own;

    if (dladdr(kept, &own))
        snprintf(own_path, sizeof(own_path), "%s", own.dli_fname);
    for (int i = 0; i < KEPT; i++) {
        const char *value = secure_getenv(names[i]);

        if (value)
            snprintf(kept[i], sizeof(kept[i]), "%s=%s", names[i], value);
    }
}

static const char *find(char *const *environment, const char *name)
{
    size_t length = strlen(name);

    for (; environment && *environment; environment++) {
        if (strncmp(*environment, name, length) == 0 && (*environment)[length] == '=')
            return *environment + length + 1;
    }
    return NULL;
}

static bool is_complete(char *const *environment)
{
    const char *preload = find(environment, names[0]);

    return !kept[0][0] || (preload && strstr(preload, own_path));
}

static size_t count(char *const *environment)
{
    size_t entries = 0;

    while (environment && environment[entries])
        entries++;
    return entries;
}

/* Room for complete(): entries, and the text of LD_PRELOAD. */
static size_t preload_size(char *const *environment)
{
    const char *before = find(environment, names[0]);

    return strlen(kept[0]) + (before ? strlen(before) : 0) + 2;
}

/* Fills an environment with what is missing. */
static char **complete(char *const *environment, char **entries, char *preload)
{
    const char *before = find(environment, names[0]);
    size_t used = 0;

    sprintf(preload, "%s%s%s", kept[0], before && *before ? ":" : "", before ? before : "");
    entries[used++] = preload;
    for (int i = 1; i < KEPT; i++) {
        if (kept[i][0] && !find(environment, names[i]))
            entries[used++] = kept[i];
    }
    for (; environment && *environment; environment++) {
        if (strncmp(*environment, "LD_PRELOAD=", 11) != 0)
            entries[used++] = *environment;
    }
    entries[used] = NULL;
    return entries;
}

/* Completes the variable in the caller's frame, where all must last until the call. */
#define COMPLETE(environment)                                                                      \
    if (!is_complete(environment)) {                                                               \
        char **entries_ = alloca((count(environment) + KEPT + 1) * sizeof(*entries_));             \
        char *preload_ = alloca(preload_size(environment));                                        \
                                                                                                   \
        (environment) = complete((environment), entries_, preload_);                               \
    }

PRELOAD_API int execve(const char *path, char *const *arguments, char *const *environment)
{
    COMPLETE(environment)
    return next()->execve(path, arguments, environment);
}

PRELOAD_API int execv(const char *path, char *const *arguments)
{
    return execve(path, arguments, environ);
}

PRELOAD_API int execvpe(const char *file, char *const *arguments, char *const *environment)
{
    COMPLETE(environment)
    return next()->execvpe(file, arguments, environment);
}

PRELOAD_API int execvp(const char *file, char *const *arguments)
{
    return execvpe(file, arguments, environ);
}

PRELOAD_API int fexecve(int file, char *const *arguments, char *const *environment)
{
    COMPLETE(environment)
    return next()->fexecve(file, arguments, environment);
}

PRELOAD_API int execveat(int folder, const char *path, char *const *arguments,
                         char *const *environment, int flags)
{
    COMPLETE(environment)
    return next()->execveat(folder, path, arguments, environment, flags);
}

/* ---- arguments in a list */

static size_t count_list(va_list arguments)
{
    size_t entries = 1;

    while (va_arg(arguments, char *))
        entries++;
    return entries;
}

/* Collects the list behind the first argument; the environment may follow it. */
#define COLLECT(first, vector)                                                                     \
    va_list list;                                                                                  \
    va_start(list, first);                                                                         \
    size_t entries = count_list(list);                                                             \
    va_end(list);                                                                                  \
    char **vector = alloca((entries + 1) * sizeof(*vector));                                       \
    va_start(list, first);                                                                         \
    vector[0] = (char *)(uintptr_t)(first);                                                        \
    for (size_t i = 1; i <= entries; i++)                                                          \
        vector[i] = va_arg(list, char *);

PRELOAD_API int execl(const char *path, const char *argument, ...)
{
    COLLECT(argument, arguments)
    va_end(list);
    return execve(path, arguments, environ);
}

PRELOAD_API int execlp(const char *file, const char *argument, ...)
{
    COLLECT(argument, arguments)
    va_end(list);
    return execvpe(file, arguments, environ);
}

PRELOAD_API int execle(const char *path, const char *argument, ...)
{
    COLLECT(argument, arguments)
    char *const *environment = va_arg(list, char *const *);
    va_end(list);
    return execve(path, arguments, environment);
}

/* ---- spawning */

PRELOAD_API int posix_spawn(pid_t *child, const char *path,
                            const posix_spawn_file_actions_t *actions,
                            const posix_spawnattr_t *attributes, char *const *arguments,
                            char *const *environment)
{
    COMPLETE(environment)
    return next()->posix_spawn(child, path, actions, attributes, arguments, environment);
}

PRELOAD_API int posix_spawnp(pid_t *child, const char *file,
                             const posix_spawn_file_actions_t *actions,
                             const posix_spawnattr_t *attributes, char *const *arguments,
                             char *const *environment)
{
    COMPLETE(environment)
    return next()->posix_spawnp(child, file, actions, attributes, arguments, environment);
}
