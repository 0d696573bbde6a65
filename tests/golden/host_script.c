/* SPDX-License-Identifier: MIT */
/* The host's thread: plays what the host did during a step. */
#include "host.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

/* Nothing here depends on timing; this only ends a replay in which the engine hangs. */
enum { PATIENCE_SECONDS = 5 };

/* ---- a message of the engine */

static void complete(struct host *host, struct host_message *message, NTSTATUS status)
{
    message->status = status;
    message->done = true;
    pthread_cond_broadcast(&host->changed);
}

/* Answers with a recorded reply, rounded up to 8 bytes as VMBus does. */
static void answer(struct host *host, struct host_message *message, const json_t *reply)
{
    struct blob blob;

    blob_parse(&blob, reply);
    size_t length = (size_t)member_number(reply, "len", (int64_t)blob.size);
    size_t rounded = (length + 7) & ~(size_t)7;
    size_t room = rounded > blob.size ? rounded : blob.size;
    unsigned char *bytes = must_allocate(room);

    blob_fill_reply(&blob, host->symbols, bytes);
    message->reply_size = rounded < message->capacity ? rounded : message->capacity;
    memcpy(message->reply, bytes, message->reply_size);
    free(bytes);
    blob_free(&blob);
    complete(host, message, STATUS_SUCCESS);
}

static guest_channel channel_of(const json_t *entry)
{
    const char *name = member_text(entry, "chan");

    if (name && strcmp(name, "global") == 0)
        return GUEST_CHANNEL_GLOBAL;
    if (!name || strncmp(name, "vgpu", 4) != 0)
        report_die("a message has no channel");
    return (guest_channel)atoi(name + 4) + 1;
}

static void channel_name(char text[16], guest_channel channel)
{
    if (channel == GUEST_CHANNEL_GLOBAL)
        snprintf(text, 16, "global");
    else
        snprintf(text, 16, "vgpu%u", channel - 1);
}

/* Compares the header in front of the command, which begins with version 40. */
static size_t compare_ext(struct host *host, const struct host_message *message,
                          const json_t *entry, const char *what)
{
    const char *hex = member_text(entry, "ext");
    size_t size = 0;

    if (!hex)
        return 0;
    unsigned char *ext = blob_decode_hex(hex, &size);
    if (message->size < size || memcmp(message->bytes, ext, size) != 0)
        report_difference(host->report, "%s: the extended header differs from %s", what, hex);
    free(ext);
    return size < message->size ? size : message->size;
}

static void compare_message(struct host *host, const struct host_message *message,
                            const json_t *entry)
{
    const char *command = member_text(entry, "cmd");
    char what[96], channel[16];
    struct blob blob;

    snprintf(what, sizeof(what), "message %s", command ? command : "?");
    if (message->channel != channel_of(entry)) {
        channel_name(channel, message->channel);
        report_difference(host->report, "%s: recorded on %s, now on %s", what,
                          member_text(entry, "chan"), channel);
    }
    if (message->posted == (member_number(entry, "reply_wanted", 1) != 0))
        report_difference(host->report, "%s: now sent %s reply", what,
                          message->posted ? "without" : "with");
    size_t ext = compare_ext(host, message, entry, what);
    size_t length = (size_t)member_number(entry, "len", 0);
    /* Of long page lists the driver sends its whole buffer; only the valid pages are recorded. */
    size_t buffer = (size_t)member_number(entry, "wire_len", 0);
    blob_parse(&blob, entry);
    size_t size = message->size - ext;
    if (buffer && size > blob.size)
        size = blob.size;
    if (blob_compare(&blob, host->symbols, NULL, message->bytes + ext, size, 7, host->report,
                     what) &&
        ((message->size + 7) & ~(size_t)7) != (buffer ? ext + buffer : length))
        report_difference(host->report, "%s: recorded with %zu bytes, now %zu", what, length,
                          message->size);
    blob_free(&blob);
}

/* Writes of the host into the IO space. */
static void write_io(struct host *host, const char *at, const char *hex)
{
    size_t size;
    unsigned char *bytes = blob_decode_hex(hex, &size);
    uint64_t offset = strncmp(at, "io:", 3) == 0 ? strtoull(at + 3, NULL, 0) : UINT64_MAX;

    if (offset > HOST_IO_SIZE || size > HOST_IO_SIZE - offset)
        report_die("the host writes outside of the IO space: %s", at);
    if (pwrite(host->io_memory, bytes, size, (off_t)offset) != (ssize_t)size)
        report_die("the IO space cannot be written");
    free(bytes);
}

static void take_message(struct host *host, const json_t *entry)
{
    struct host_message *message = host->arrived;
    const json_t *reply = json_object_get(entry, "reply"), *write;
    size_t i;

    host->arrived = message->next;
    if (!host->arrived)
        host->arrived_end = &host->arrived;
    compare_message(host, message, entry);
    json_array_foreach(json_object_get(entry, "writes"), i, write)
    {
        write_io(host, json_string_value(json_array_get(write, 0)),
                 json_string_value(json_array_get(write, 1)));
    }
    if (message->posted) {
        free(message);
    } else if (reply) {
        answer(host, message, reply);
    } else {
        const char *id = member_text(entry, "id");

        message->id = must_copy(id ? id : "");
        message->next = host->held;
        host->held = message;
    }
}

/* ---- what the host does by itself */

static void play_reply(struct host *host, const json_t *entry)
{
    const char *id = member_text(entry, "to");
    struct host_message **link = &host->held;

    while (*link && strcmp((*link)->id, id ? id : "") != 0)
        link = &(*link)->next;
    /* Nobody waits any more if the caller was killed meanwhile. */
    struct host_message *message = *link;
    if (message) {
        *link = message->next;
        answer(host, message, entry);
    }
}

/* Delivered without the mutex: the engine may do anything in a thread that is no caller. */
static void play_event(struct host *host, const json_t *entry)
{
    struct blob blob;

    blob_parse(&blob, entry);
    unsigned char *bytes = must_allocate(blob.size);
    blob_fill(&blob, host->symbols, NULL, bytes);
    host->playing = true;
    pthread_mutex_unlock(&host->mutex);
    d3dkmti_guest_vm_host_message(host->vm, bytes, blob.size);
    pthread_mutex_lock(&host->mutex);
    host->playing = false;
    free(bytes);
    blob_free(&blob);
}

static void play_io_write(struct host *host, const json_t *entry)
{
    const char *at = member_text(entry, "at"), *bytes = member_text(entry, "bytes");

    if (!at || !bytes)
        report_die("an io_write lacks its address or its bytes");
    write_io(host, at, bytes);
}

static void play_entry(struct host *host, const json_t *entry)
{
    const char *type = member_text(entry, "t");

    if (strcmp(type, "reply") == 0)
        play_reply(host, entry);
    else if (strcmp(type, "event") == 0)
        play_event(host, entry);
    else if (strcmp(type, "io_write") == 0)
        play_io_write(host, entry);
    /* The rest (held, dropped, gpadl, channel, pci) is no act, or is compared at the end. */
}

/* ---- the thread */

static const json_t *next_entry(const struct host *host)
{
    return json_array_get(host->script, host->position);
}

static bool is_message(const json_t *entry)
{
    const char *type = member_text(entry, "t");

    if (!type)
        report_die("an entry of a step's messages has no type");
    return strcmp(type, "msg") == 0;
}

static void refuse(struct host *host)
{
    struct host_message *message = host->arrived;

    host->arrived = message->next;
    if (!host->arrived)
        host->arrived_end = &host->arrived;
    if (message->posted)
        free(message);
    else
        complete(host, message, STATUS_DEVICE_REMOVED);
}

/* The command's number, behind the header's process and channel words. */
static void report_unexpected(struct host *host)
{
    const struct host_message *message = host->arrived;
    size_t header = host->version_register >= 40 ? 16 : 0;
    uint32_t number = 0;
    char channel[16];

    if (message->size >= header + 20)
        memcpy(&number, message->bytes + header + 16, 4);
    channel_name(channel, message->channel);
    report_difference(host->report, "message %u on %s was not sent when this was recorded", number,
                      channel);
}

void *host_play(void *opaque)
{
    struct host *host = opaque;

    pthread_mutex_lock(&host->mutex);
    while (!host->quitting) {
        const json_t *entry = next_entry(host);

        if (host->drained && host->arrived) {
            refuse(host);
        } else if (!host->drained && entry && !is_message(entry)) {
            play_entry(host, entry);
            host->position++;
            pthread_cond_broadcast(&host->changed);
        } else if (entry && host->arrived) {
            take_message(host, entry);
            host->position++;
            pthread_cond_broadcast(&host->changed);
        } else if (host->arrived) {
            report_unexpected(host);
            refuse(host);
        } else {
            pthread_cond_wait(&host->changed, &host->mutex);
        }
    }
    pthread_mutex_unlock(&host->mutex);
    return NULL;
}

/* ---- steps */

void host_begin(struct host *host, const json_t *messages)
{
    pthread_mutex_lock(&host->mutex);
    host->script = messages;
    host->position = 0;
    host->notes.count = 0;
    pthread_cond_broadcast(&host->changed);
    pthread_mutex_unlock(&host->mutex);
}

static bool opens_or_closes_channel(const json_t *messages, const char *channel)
{
    const json_t *entry;
    size_t i;

    json_array_foreach((json_t *)messages, i, entry)
    {
        const char *type = member_text(entry, "t"), *what = member_text(entry, "what");

        if (type && what && strcmp(type, "channel") == 0 &&
            strncmp(what, channel, strlen(channel)) == 0)
            return true;
    }
    return false;
}

/* The recorded events beside the messages that an engine on a transport can show. */
static void expected_notes(const json_t *messages, struct host_notes *notes)
{
    const json_t *entry;
    size_t i;

    notes->count = 0;
    json_array_foreach((json_t *)messages, i, entry)
    {
        const char *type = member_text(entry, "t"), *what = member_text(entry, "what");
        const char *channel = member_text(entry, "chan");

        if (strcmp(type, "channel") == 0 && what && !strstr(what, "released"))
            host_note(notes, "channel %s", what);
        /* Words below 64 are the PCI core's own. */
        if (strcmp(type, "pci_write") == 0 && member_number(entry, "offset", 0) >= 64)
            host_note(notes, "pci_write %d %d", (int)member_number(entry, "offset", 0),
                      (int)member_number(entry, "value", 0));
        /* The rings of a channel that opens or closes are the bus driver's. */
        if (strcmp(type, "gpadl") != 0 || !what || !channel || strcmp(channel, "global") != 0 ||
            opens_or_closes_channel(messages, "global"))
            continue;
        if (strcmp(what, "create") == 0)
            host_note(notes, "gpadl create %d", (int)member_number(entry, "bytes", 0));
        else
            host_note(notes, "gpadl down");
    }
}

static int compare_notes(const void *a, const void *b)
{
    return strcmp(a, b);
}

static void check_notes(struct host *host)
{
    struct host_notes *expected = must_allocate(sizeof(*expected));
    struct host_notes *seen = &host->notes;

    expected_notes(host->script, expected);
    qsort(expected->text, expected->count, HOST_NOTE_SIZE, compare_notes);
    qsort(seen->text, seen->count, HOST_NOTE_SIZE, compare_notes);
    for (unsigned i = 0; i < expected->count || i < seen->count; i++) {
        const char *was = i < expected->count ? expected->text[i] : "nothing";
        const char *is = i < seen->count ? seen->text[i] : "nothing";

        if (strcmp(was, is) != 0) {
            report_difference(host->report, "beside the messages: recorded %s, now %s", was, is);
            break;
        }
    }
    free(expected);
}

static struct timespec end_of_patience(void)
{
    struct timespec end;

    clock_gettime(CLOCK_REALTIME, &end);
    end.tv_sec += PATIENCE_SECONDS;
    return end;
}

void host_await(struct host *host, const char *command)
{
    struct timespec end = end_of_patience();
    int result = 0;

    pthread_mutex_lock(&host->mutex);
    while (!host->drained && !report_has_failed(host->report) && result != ETIMEDOUT) {
        const json_t *entry = next_entry(host);
        const char *next = entry ? member_text(entry, "cmd") : NULL;

        if (!next || strcmp(next, command) != 0)
            break;
        result = pthread_cond_timedwait(&host->changed, &host->mutex, &end);
    }
    pthread_mutex_unlock(&host->mutex);
}

/* Until all is played; what is missing when the calls are over will not come any more. */
static void await_end(struct host *host)
{
    struct timespec end = end_of_patience();
    int result = 0;

    while (!host->drained && !report_has_failed(host->report) && result != ETIMEDOUT &&
           (next_entry(host) || host->arrived || host->playing))
        result = pthread_cond_timedwait(&host->changed, &host->mutex, &end);
}

void host_finish(struct host *host)
{
    pthread_mutex_lock(&host->mutex);
    await_end(host);
    const json_t *entry = next_entry(host);
    if (entry && !host->drained)
        report_difference(host->report, "%s %s was recorded, but did not happen now",
                          member_text(entry, "t"),
                          member_text(entry, "cmd") ? member_text(entry, "cmd") : "");
    if (!host->drained && !report_has_failed(host->report))
        check_notes(host);
    host->script = NULL;
    host->position = 0;
    pthread_mutex_unlock(&host->mutex);
}

static void fail_held(struct host *host)
{
    while (host->held) {
        struct host_message *message = host->held;

        host->held = message->next;
        complete(host, message, STATUS_DEVICE_REMOVED);
    }
}

void host_drain(struct host *host)
{
    pthread_mutex_lock(&host->mutex);
    host->drained = true;
    host->script = NULL;
    fail_held(host);
    pthread_cond_broadcast(&host->changed);
    pthread_mutex_unlock(&host->mutex);
}

void host_abandon(struct host *host)
{
    pthread_mutex_lock(&host->mutex);
    fail_held(host);
    pthread_mutex_unlock(&host->mutex);
}
