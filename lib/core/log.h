/* SPDX-License-Identifier: MIT */
/* The library's log: one callback, one level; costs one load where a line is not wanted. */
#ifndef CORE_LOG_H
#define CORE_LOG_H

#include <d3dkmt/d3dkmt.h>

#include <stdarg.h>

/* Writes a line of the log, without newline. module: the part of the library that speaks. */
D3DKMT_API void d3dkmti_log(enum d3dkmt_log_level level, const char *module, const char *format,
                            ...) __attribute__((format(printf, 3, 4)));

/* Takes the level from D3DKMT_LOG, unless d3dkmt_set_log was called before. */
void log_read_environment(void);

#endif
