/* SPDX-License-Identifier: MIT */
#include "recorded.h"

#include "blob.h"

#include <stdlib.h>
#include <string.h>

uint32_t recorded_request(const json_t *step)
{
    const char *request = member_text(step, "request");

    return request ? (uint32_t)strtoul(request, NULL, 0) : 0;
}

bool recorded_success(const json_t *step)
{
    return !member_text(step, "errno") && member_number(step, "ret", -1) >= 0;
}

bool recorded_failure(const json_t *step, const char *error)
{
    const char *recorded = member_text(step, "errno");

    return recorded && strcmp(recorded, error) == 0;
}

void recorded_set_error(json_t *step, const char *error)
{
    json_object_set_new(step, "ret", json_integer(-1));
    json_object_set_new(step, "errno", json_string(error));
}

bool recorded_is_message(const json_t *entry, const char *command)
{
    const char *name = member_text(entry, "cmd");

    return name && strcmp(name, command) == 0;
}

json_t *recorded_message(const json_t *step, const char *command)
{
    json_t *entry;
    size_t i;

    json_array_foreach(json_object_get(step, "msgs"), i, entry)
    {
        if (recorded_is_message(entry, command))
            return entry;
    }
    return NULL;
}

bool recorded_remove_messages(json_t *step, const char *command)
{
    json_t *messages = json_object_get(step, "msgs");
    bool removed = false;

    for (size_t i = json_array_size(messages); i-- > 0;) {
        if (recorded_is_message(json_array_get(messages, i), command)) {
            json_array_remove(messages, i);
            removed = true;
        }
    }
    return removed;
}

void recorded_set_after(json_t *step, size_t offset, const void *bytes, size_t size)
{
    json_t *after = json_deep_copy(json_object_get(step, "before"));
    json_t *symbols = json_object_get(after, "sym");
    struct blob blob;

    blob_parse(&blob, after);
    if (offset + size > blob.size)
        report_die("a defect's field lies outside of its struct");
    memcpy(blob.bytes + offset, bytes, size);
    char *text = blob_encode_hex(blob.bytes, blob.size);
    json_object_set_new(after, "hex", json_string(text));
    for (size_t i = json_array_size(symbols); i-- > 0;) {
        if (blob.symbols[i].offset >= offset && blob.symbols[i].offset < offset + size)
            json_array_remove(symbols, i);
    }
    json_object_set_new(step, "after", after);
    free(text);
    blob_free(&blob);
}

void recorded_append_message(json_t *step, const json_t *like, const char *command, uint32_t number,
                             const unsigned char *body, size_t size, json_t *symbols)
{
    json_t *message = json_deep_copy(like), *reply = json_object();
    unsigned char bytes[64];
    struct blob blob;

    blob_parse(&blob, like);
    if (blob.size < 24 || size > sizeof(bytes) - 24)
        report_die("a message is too short to be undone");
    memcpy(bytes, blob.bytes, 24);
    memcpy(bytes + 16, &number, sizeof(number));
    memcpy(bytes + 24, body, size);
    blob_free(&blob);
    char *text = blob_encode_hex(bytes, 24 + size);
    json_object_set_new(message, "hex", json_string(text));
    free(text);
    json_object_set_new(message, "sym", symbols);
    json_object_set_new(message, "cmd", json_string(command));
    json_object_set_new(
        message, "len",
        json_integer((json_int_t)(24 + size + (json_object_get(like, "ext") ? 16 : 0))));
    json_object_set_new(reply, "hex", json_string("00000000"));
    json_object_set_new(reply, "len", json_integer(4));
    json_object_set_new(message, "reply", reply);
    json_object_del(message, "writes");
    json_array_append_new(json_object_get(step, "msgs"), message);
}

json_t *recorded_symbols_before(const json_t *message, size_t end)
{
    json_t *symbols = json_array(), *symbol;
    size_t i;

    json_array_foreach(json_object_get(message, "sym"), i, symbol)
    {
        if (json_integer_value(json_array_get(symbol, 0)) < (json_int_t)end)
            json_array_append(symbols, symbol);
    }
    return symbols;
}
