/* SPDX-License-Identifier: MIT */
/*
 * libd3dkmt's own interface: version, choice of backend, errors in words, log, list of operations.
 *
 * The WDDM calls themselves are declared in d3dkmthk.h. Every function here may be called from any
 * thread at any time, unless its comment says otherwise.
 */
#ifndef D3DKMT_D3DKMT_H
#define D3DKMT_D3DKMT_H

#include "d3dkmthk.h"
#include "ops.h"

#include <stdbool.h>
#include <stddef.h>

#if defined(__GNUC__)
#define D3DKMT_API __attribute__((visibility("default")))
#else
#define D3DKMT_API
#endif

#ifdef __cplusplus
extern "C" {
#endif

#define D3DKMT_VERSION_MAJOR 0
#define D3DKMT_VERSION_MINOR 1
#define D3DKMT_VERSION_PATCH 0

/* The version of the library that is loaded, as "0.1.0". Static storage. */
D3DKMT_API const char *d3dkmt_version(void);

/* ---- choice of backend */

/*
 * Chooses the backend for this process and opens it.
 *
 * specification: "NAME" or "NAME:OPTION,OPTION=VALUE,...", the same text that the environment
 * variable D3DKMT_BACKEND may hold, for example "loopback:adapters=2,async". NULL: the environment
 * variable, else the automatic choice (the simulated host is never chosen automatically). NAME is
 * a built-in backend or that of a plug-in libd3dkmt-NAME.so; plug-ins are looked for in the folder
 * named by D3DKMT_PLUGIN_PATH, beside libd3dkmt.so and by the dynamic loader, in this order.
 *
 * Programs that do not call this get the same with NULL at their first D3DKMT call.
 *
 * Returns STATUS_SUCCESS; STATUS_INVALID_PARAMETER for a malformed specification or an unknown
 * option; STATUS_OBJECT_NAME_NOT_FOUND when no such backend or plug-in exists;
 * STATUS_OBJECT_NAME_COLLISION when a backend is open already (close it with
 * D3DKMTCloseDxCoreDevice first); or what the backend's own open returned. d3dkmt_last_error()
 * tells why.
 */
D3DKMT_API NTSTATUS d3dkmt_open(const char *specification);

/*
 * What is known about the backend in use. Strings have static storage or live as long as the
 * backend is open.
 */
struct d3dkmt_backend_info {
    const char *name;          /* "dxg", "vmbus-uio", "loopback" or a plug-in's name */
    const char *description;   /* one line for people */
    const char *specification; /* what it was opened with, "" when chosen automatically */
};

/*
 * Describes the backend in use, and opens one as the first D3DKMT call would if none is.
 * Returns STATUS_SUCCESS, or the reason why there is none (see d3dkmt_open), with *info zeroed.
 */
D3DKMT_API NTSTATUS d3dkmt_describe_backend(struct d3dkmt_backend_info *info);

/* ---- operations */

/* The row of the op table with this id; NULL for an id outside of it. Static storage. */
D3DKMT_API const struct d3dkmt_op *d3dkmt_find_op(enum d3dkmt_op_id id);

/*
 * Whether the backend in use serves an operation: false when it would answer
 * STATUS_NOT_SUPPORTED whatever the arguments, or when there is no backend.
 */
D3DKMT_API bool d3dkmt_op_supported(enum d3dkmt_op_id id);

/* ---- faults on purpose */

/*
 * Lets operations and messages of the host fail as the plan says, for tests of error paths: with a
 * status, late, with a short or a lost reply, without adapter, without memory. docs/faults.md has
 * the language, for example "op=CreateDevice,after=2,status=STATUS_NO_MEMORY;
 * message=LOCK2,short=8". The plan takes the place of the one before and counts from 0; NULL or "":
 * nothing fails. The environment variable D3DKMT_FAULTS holds the plan of programs that do not call
 * this.
 *
 * The text is copied. Calls in progress may still see the plan before. Operations of every backend
 * can be named; messages are those of backends on the guest engine (loopback).
 *
 * Returns STATUS_SUCCESS, or STATUS_INVALID_PARAMETER for a plan that is not right, with the
 * character and the reason in d3dkmt_last_error(); then the plan before stays.
 */
D3DKMT_API NTSTATUS d3dkmt_set_faults(const char *plan);

/* How many faults of the plan have struck since it was set. */
D3DKMT_API uint64_t d3dkmt_faults_struck(void);

/* ---- errors in words */

/*
 * A status's name as in "STATUS_INVALID_PARAMETER", or "NTSTATUS 0xC0001234" for one without a
 * known name. The text of an unknown one lives in the calling thread until its next call here.
 */
D3DKMT_API const char *d3dkmt_status_name(NTSTATUS status);

/* What a status means in this field, in a sentence; "" for one that is not known. */
D3DKMT_API const char *d3dkmt_status_description(NTSTATUS status);

/*
 * Why the last failing call of this thread failed: the call, the backend, the argument, the limit
 * and what to do, for example
 *   "D3DKMTCreateDevice (loopback): hAdapter 0x40000040 is not an open adapter of this process;
 *    STATUS_INVALID_PARAMETER (0xC000000D)".
 * "" if none failed yet. Successful calls leave it alone. The text lives in the calling thread
 * until its next failing call.
 */
D3DKMT_API const char *d3dkmt_last_error(void);

/* The status that belongs to d3dkmt_last_error(); STATUS_SUCCESS if no call failed yet. */
D3DKMT_API NTSTATUS d3dkmt_last_error_status(void);

/* ---- log */

enum d3dkmt_log_level {
    D3DKMT_LOG_NONE,
    D3DKMT_LOG_ERROR,   /* something is broken: a host that breaks the protocol, lost memory */
    D3DKMT_LOG_WARNING, /* worth a look: a removed adapter, an option that has no effect */
    D3DKMT_LOG_INFO,    /* what was opened and chosen */
    D3DKMT_LOG_DEBUG    /* every failing call with its reason, host refusals, unknown queries */
};

/*
 * Receives a line of the log, without a newline. module: the part of the library that speaks, as
 * in "guest". Called on whichever thread has something to say, possibly with locks of the library
 * held: it must not call D3DKMT functions.
 */
typedef void d3dkmt_log_callback(void *context, enum d3dkmt_log_level level, const char *module,
                                 const char *text);

/*
 * Sets where the log goes (NULL: stderr again) and the most detailed level that is passed on.
 * The environment variable D3DKMT_LOG (none, error, warning, info, debug) sets the level at the
 * first use; the default is warning. Not to be called while other threads are in calls that log.
 */
D3DKMT_API void d3dkmt_set_log(enum d3dkmt_log_level level, d3dkmt_log_callback *callback,
                               void *context);

#ifdef __cplusplus
}
#endif

#endif
