/* SPDX-License-Identifier: MIT */
/* The thread's last error: a note of the layer that knows the reason, framed by the call's name. */
#include "core/last_error.h"

#include "core/log.h"

#include <stdarg.h>
#include <stdio.h>

/* Plain thread-local storage without destructors: clients call while a thread or the process ends.
 */
static _Thread_local struct {
    char reason[400];
    NTSTATUS reason_status;
    bool reason_is_new;
    bool undoing;
    NTSTATUS status;
    char text[640];
} last_error;

NTSTATUS d3dkmti_fail(NTSTATUS status, const char *format, ...)
{
    va_list arguments;

    if (last_error.undoing)
        return status;
    va_start(arguments, format);
    vsnprintf(last_error.reason, sizeof(last_error.reason), format, arguments);
    va_end(arguments);
    last_error.reason_status = status;
    last_error.reason_is_new = true;
    return status;
}

void d3dkmti_undo_begin(void)
{
    last_error.undoing = true;
}

void d3dkmti_undo_end(void)
{
    last_error.undoing = false;
}

const char *d3dkmti_fail_reason(void)
{
    return last_error.reason;
}

NTSTATUS d3dkmti_fail_as(NTSTATUS status)
{
    last_error.reason_status = status;
    return status;
}

void last_error_report(const char *function, const char *backend, NTSTATUS status)
{
    /* A note of another status is left over from a failure that was recovered from. */
    bool has_reason = last_error.reason_is_new && last_error.reason_status == status;

    snprintf(last_error.text, sizeof(last_error.text), "%s%s%s%s: %s; %s (0x%08X)", function,
             backend ? " (" : "", backend ? backend : "", backend ? ")" : "",
             has_reason ? last_error.reason : d3dkmt_status_description(status),
             d3dkmt_status_name(status), (unsigned)status);
    last_error.status = status;
    last_error.reason_is_new = false;
    d3dkmti_log(D3DKMT_LOG_DEBUG, "call", "%s", last_error.text);
}

const char *d3dkmt_last_error(void)
{
    return last_error.text;
}

NTSTATUS d3dkmt_last_error_status(void)
{
    return last_error.status;
}
