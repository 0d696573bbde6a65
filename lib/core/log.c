/* SPDX-License-Identifier: MIT */
#include "core/log.h"

#include "core/environment.h"

#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

static void write_to_stderr(void *context, enum d3dkmt_log_level level, const char *module,
                            const char *text);

static _Atomic enum d3dkmt_log_level log_level = D3DKMT_LOG_WARNING;
static atomic_bool log_level_was_set;
static d3dkmt_log_callback *log_callback = write_to_stderr;
static void *log_context;

static const char *const level_names[] = {
    [D3DKMT_LOG_NONE] = "none", [D3DKMT_LOG_ERROR] = "error", [D3DKMT_LOG_WARNING] = "warning",
    [D3DKMT_LOG_INFO] = "info", [D3DKMT_LOG_DEBUG] = "debug",
};
enum { LEVEL_COUNT = sizeof(level_names) / sizeof(level_names[0]) };

static void write_to_stderr(void *context, enum d3dkmt_log_level level, const char *module,
                            const char *text)
{
    (void)context;
    fprintf(stderr, "libd3dkmt %s [%s] %s\n", level_names[level], module, text);
}

void d3dkmti_log(enum d3dkmt_log_level level, const char *module, const char *format, ...)
{
    char text[1024];
    va_list arguments;

    if (level > atomic_load_explicit(&log_level, memory_order_relaxed) || level == D3DKMT_LOG_NONE)
        return;
    va_start(arguments, format);
    vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    log_callback(log_context, level, module, text);
}

void d3dkmt_set_log(enum d3dkmt_log_level level, d3dkmt_log_callback *callback, void *context)
{
    log_callback = callback ? callback : write_to_stderr;
    log_context = callback ? context : NULL;
    atomic_store(&log_level_was_set, true);
    atomic_store(&log_level, (int)level < LEVEL_COUNT ? level : D3DKMT_LOG_DEBUG);
}

void log_read_environment(void)
{
    const char *wanted = environment_get("D3DKMT_LOG");

    if (!wanted || atomic_load(&log_level_was_set))
        return;
    for (int level = 0; level < LEVEL_COUNT; level++) {
        if (strcmp(wanted, level_names[level]) == 0) {
            atomic_store(&log_level, level);
            return;
        }
    }
    d3dkmti_log(D3DKMT_LOG_WARNING, "log",
                "D3DKMT_LOG=%.40s is not a level; use none, error, warning, info or debug", wanted);
}
