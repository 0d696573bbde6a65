/* SPDX-License-Identifier: MIT */
/* What came back from a call, compared with what the ioctl gave. */
#include "calls.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- status and errno */

/* How the driver turns a host's failure into an errno; what is not here becomes EINVAL. */
static const struct {
    NTSTATUS status;
    const char *error;
} errors[] = {
    {STATUS_OBJECT_NAME_COLLISION, "EEXIST"},
    {STATUS_NO_MEMORY, "ENOMEM"},
    {STATUS_INVALID_PARAMETER, "EINVAL"},
    {STATUS_OBJECT_NAME_INVALID, "ENOENT"},
    {STATUS_OBJECT_NAME_NOT_FOUND, "ENOENT"},
    {STATUS_BUFFER_TOO_SMALL, "EOVERFLOW"},
    {STATUS_DEVICE_REMOVED, "ENODEV"},
    {STATUS_ACCESS_DENIED, "EACCES"},
    {STATUS_NOT_SUPPORTED, "EPERM"},
    {STATUS_NOT_IMPLEMENTED, "EPERM"},
    {STATUS_ILLEGAL_INSTRUCTION, "EOPNOTSUPP"},
    {STATUS_INVALID_HANDLE, "EBADF"},
    {STATUS_GRAPHICS_ALLOCATION_BUSY, "EINPROGRESS"},
    {STATUS_OBJECT_TYPE_MISMATCH, "EPROTOTYPE"},
    /* Made by Linux itself: a bad pointer, no descriptor. */
    {STATUS_UNSUCCESSFUL, "EFAULT"},
    {STATUS_UNSUCCESSFUL, "ENOTRECOVERABLE"},
    {STATUS_UNSUCCESSFUL, "EMFILE"},
};

enum { ERROR_COUNT = sizeof(errors) / sizeof(errors[0]) };

struct call_result call_result_of(NTSTATUS status)
{
    if (status >= 0)
        return (struct call_result){.value = status};
    for (int i = 0; i < ERROR_COUNT; i++) {
        if (errors[i].status == status)
            return (struct call_result){-1, errors[i].error};
    }
    return (struct call_result){-1, "EINVAL"};
}

bool call_status_matches(NTSTATUS status, const char *error)
{
    bool known = false;

    if (status >= 0)
        return false;
    for (int i = 0; i < ERROR_COUNT; i++) {
        if (errors[i].status != status)
            continue;
        known = true;
        if (strcmp(errors[i].error, error) == 0)
            return true;
    }
    return !known && strcmp(error, "EINVAL") == 0;
}

/* Whether a reply of the host carries this status, at any place. */
static bool reply_carries(const json_t *reply, NTSTATUS status)
{
    struct blob blob;
    bool found = false;

    if (!json_object_get(reply, "hex"))
        return false;
    blob_parse(&blob, reply);
    for (size_t i = 0; i + sizeof(status) <= blob.size && !found; i += sizeof(status))
        found = memcmp(blob.bytes + i, &status, sizeof(status)) == 0;
    blob_free(&blob);
    return found;
}

/*
 * The driver knows only some of the host's failures, and loses all of those that come in place of a
 * longer answer: its callers see EINVAL or EOVERFLOW. The engine hands on the host's own
 * status, so exactly that one is right, too.
 */
static bool is_status_of_host(const json_t *step, const char *error, NTSTATUS status)
{
    const json_t *entry;
    size_t i;

    if (status >= 0 || (strcmp(error, "EINVAL") != 0 && strcmp(error, "EOVERFLOW") != 0))
        return false;
    json_array_foreach(json_object_get(step, "msgs"), i, entry)
    {
        const char *type = member_text(entry, "t");
        bool is_reply = type && strcmp(type, "reply") == 0;

        if (reply_carries(is_reply ? entry : json_object_get(entry, "reply"), status))
            return true;
    }
    return false;
}

/* ---- comparing */

static void describe(const char *error, int64_t value, char text[48])
{
    if (error)
        snprintf(text, 48, "%s", error);
    else
        snprintf(text, 48, "%lld (0x%llx)", (long long)value, (unsigned long long)(uint32_t)value);
}

static void check_result(struct call *call, const json_t *outcome)
{
    struct report *report = call->clients->host->report;
    const char *error = member_text(outcome, "errno");
    int64_t value = member_number(outcome, "ret", 0);
    struct call_result result = call->file_error ? (struct call_result){-1, call->file_error}
                                                 : call_result_of(call->status);
    char was[48], is[48];
    bool equal;

    if (call->file_error)
        equal = error && strcmp(error, call->file_error) == 0;
    else if (error)
        equal = call_status_matches(call->status, error) ||
                is_status_of_host(call->step, error, call->status);
    else /* a value, or an NTSTATUS that the driver returns as it is */
        equal = call->status == (NTSTATUS)value;
    if (equal)
        return;
    describe(error, value, was);
    describe(result.error, result.value, is);
    report_difference(report, "result: recorded %s, now %s (%s)%s%s", was, is,
                      call->file_error ? "the file layer" : d3dkmt_status_name(call->status),
                      call->explanation[0] ? ": " : "", call->explanation);
}

/* Memory that must be as recorded after the call, or as before it. */
static void check_memory(struct call *call, const json_t *before, const json_t *after,
                         const void *address, const char *what)
{
    struct host *host = call->clients->host;
    struct blob blob;

    if (!after)
        after = before;
    if (!json_object_get(after, "hex"))
        return; /* recorded as unreadable */
    blob_parse(&blob, after);
    blob_compare(&blob, host->symbols, call->client->name, address, blob.size, 0, host->report,
                 what);
    blob_free(&blob);
}

static const json_t *find_buffer(const json_t *buffers, const char *name)
{
    const json_t *buffer;
    size_t i;

    json_array_foreach((json_t *)buffers, i, buffer)
    {
        const char *other = member_text(buffer, "name");

        if (other && strcmp(other, name) == 0)
            return buffer;
    }
    return NULL;
}

static void check_buffers(struct call *call, const json_t *outcome, struct memories *memories)
{
    const json_t *buffer, *results = json_object_get(outcome, "bufs");
    char symbol[64], what[80];
    size_t i;

    json_array_foreach(json_object_get(call->step, "bufs"), i, buffer)
    {
        const char *name = member_text(buffer, "name");
        const json_t *result = find_buffer(results, name);
        size_t size = (size_t)member_number(buffer, "size", 0);

        snprintf(symbol, sizeof(symbol), "p:%s", name);
        snprintf(what, sizeof(what), "buffer %s", name);
        check_memory(call, json_object_get(buffer, "before"), json_object_get(result, "after"),
                     memories_get(memories, symbol, size), what);
    }
}

/* Descriptors that the engine made belong to the client from now on: its exit closes them. */
static void adopt_descriptors(struct call *call, const json_t *after)
{
    const json_t *symbol;
    uint64_t number;
    size_t i;

    json_array_foreach(json_object_get(after, "sym"), i, symbol)
    {
        const char *name = json_string_value(json_array_get(symbol, 2));

        if (name && strncmp(name, "fd:", 3) == 0 && !client_find(call->client, name) &&
            symbols_get(call->clients->host->symbols, call->client->name, name, &number))
            client_add_shared(call->clients, call->client, name, (int)number);
    }
}

static void adopt_all(struct call *call, const json_t *outcome)
{
    const json_t *buffer;
    size_t i;

    adopt_descriptors(call, json_object_get(outcome, "after"));
    json_array_foreach(json_object_get(outcome, "bufs"), i, buffer)
        adopt_descriptors(call, json_object_get(buffer, "after"));
}

void call_check(struct call *call, const json_t *outcome, struct memories *memories)
{
    const json_t *before = json_object_get(call->step, "before");

    check_result(call, outcome);
    if (before)
        check_memory(call, before, json_object_get(outcome, "after"), call->arguments,
                     "argument struct");
    check_buffers(call, outcome, memories);
    if (!report_has_failed(call->clients->host->report))
        adopt_all(call, outcome);
}
