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

/* The first ones are lists, separated by colons, of which one entry is ours. */
enum { PRELOAD, LIBRARY_PATH, LISTS, OPTIONS = LISTS, LIBRARIES, KEPT };

enum { TEXT_MAX = 2 * PATH_MAX };

static const char *const names[KEPT] = {
    [PRELOAD] = "LD_PRELOAD",
    [LIBRARY_PATH] = "LD_LIBRARY_PATH",
    [OPTIONS] = "D3DKMT_RUN_OPTIONS",
    [LIBRARIES] = "D3DKMT_RUN_LIBRARIES",
};

/* The assignments that every program is to have, as this process was started; "" for what it did
 * not have. */
static char kept[KEPT][TEXT_MAX];
static char own_entry[LISTS][PATH_MAX];

__attribute__((constructor)) static void keep(void)
{
    const char *values[KEPT];
    Dl_info own;

    for (int i = 0; i < KEPT; i++)
        values[i] = secure_getenv(names[i]);
    values[LIBRARY_PATH] = values[LIBRARIES]; /* what else is in the path is the program's affair */
    if (dladdr(kept, &own))
        snprintf(own_entry[PRELOAD], PATH_MAX, "%s", own.dli_fname);
    if (values[LIBRARIES])
        snprintf(own_entry[LIBRARY_PATH], PATH_MAX, "%s", values[LIBRARIES]);
    for (int i = 0; i < KEPT; i++) {
        if (values[i])
            snprintf(kept[i], sizeof(kept[i]), "%s=%s", names[i], values[i]);
    }
}

/* Whether an entry of an environment assigns to a variable. */
static bool assigns(const char *entry, int variable)
{
    size_t length = strlen(names[variable]);

    return strncmp(entry, names[variable], length) == 0 && entry[length] == '=';
}

static const char *find(char *const *environment, int variable)
{
    for (; environment && *environment; environment++) {
        if (assigns(*environment, variable))
            return *environment + strlen(names[variable]) + 1;
    }
    return NULL;
}

static bool lacks(char *const *environment, int variable)
{
    if (!kept[variable][0])
        return false;
    const char *value = find(environment, variable);
    return !value || (variable < LISTS && !strstr(value, own_entry[variable]));
}

static bool is_complete(char *const *environment)
{
    for (int i = 0; i < KEPT; i++) {
        if (lacks(environment, i))
            return false;
    }
    return true;
}

static size_t count(char *const *environment)
{
    size_t entries = 0;

    while (environment && environment[entries])
        entries++;
    return entries;
}

/* Room for complete(): the text of lists. */
static size_t lists_size(char *const *environment)
{
    size_t size = 0;

    for (int i = 0; i < LISTS; i++) {
        const char *before = find(environment, i);

        size += strlen(kept[i]) + (before ? strlen(before) : 0) + 2;
    }
    return size;
}

/* Fills an environment with what is missing. */
static char **complete(char *const *environment, char **entries, char *text)
{
    bool replaced[KEPT] = {false};
    size_t used = 0;

    for (int i = 0; i < KEPT; i++) {
        if (!lacks(environment, i))
            continue;
        const char *before = i < LISTS ? find(environment, i) : NULL;
        bool joined = before && *before;
        entries[used++] = i < LISTS ? text : kept[i];
        if (i < LISTS)
            text += sprintf(text, "%s%s%s", kept[i], joined ? ":" : "", joined ? before : "") + 1;
        replaced[i] = true;
    }
    for (; environment && *environment; environment++) {
        bool is_old = false;

        for (int i = 0; i < KEPT; i++)
            is_old = is_old || (replaced[i] && assigns(*environment, i));
        if (!is_old)
            entries[used++] = *environment;
    }
    entries[used] = NULL;
    return entries;
}

/* Completes the variable in the caller's frame, where all must last until the call. */
#define COMPLETE(environment)                                                                      \
    if (!is_complete(environment)) {                                                               \
        char **entries_ = alloca((count(environment) + KEPT + 1) * sizeof(*entries_));             \
        char *text_ = alloca(lists_size(environment));                                             \
                                                                                                   \
        (environment) = complete((environment), entries_, text_);                                  \
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
