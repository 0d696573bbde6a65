/* SPDX-License-Identifier: MIT */
/* Registry values of a profile: {"key": "adapter", "name": ..., "type": "REG_SZ", "value": ...}. */
#include "backend-loopback/profile/adapter.h"
#include "backend-loopback/profile/names.h"
#include "core/last_error.h"

#include <string.h>

enum { NAME_MAX_BYTES = 255, TEXT_MAX_BYTES = 32767 };

struct choice {
    const char *name;
    uint32_t value;
};

#define KEY(text, number)  {text, D3DDDI_QUERYREGISTRY_##number},
#define TYPE(text, number) {text, number},
static const struct choice keys[] = {PROFILE_REGISTRY_KEYS(KEY)};
static const struct choice types[] = {PROFILE_REGISTRY_TYPES(TYPE)};
#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

static NTSTATUS choose(const struct reader *reader, const struct place *place,
                       const struct choice *choices, size_t count, uint32_t *value)
{
    for (size_t i = 0; i < count; i++) {
        if (json_is_string(place->value) &&
            strcmp(json_string_value(place->value), choices[i].name) == 0) {
            *value = choices[i].value;
            return STATUS_SUCCESS;
        }
    }
    return reader_fail(reader, place, "one of \"%s\" to \"%s\" is needed here; see the schema",
                       choices[0].name, choices[count - 1].name);
}

static NTSTATUS read_key(const struct reader *reader, const struct place *place,
                         const struct reader_member *member, void *target)
{
    (void)member;
    return choose(reader, place, keys, COUNT(keys), target);
}

static NTSTATUS read_type(const struct reader *reader, const struct place *place,
                          const struct reader_member *member, void *target)
{
    (void)member;
    return choose(reader, place, types, COUNT(types), target);
}

/* Read when the type is known. */
static NTSTATUS read_later(const struct reader *reader, const struct place *place,
                           const struct reader_member *member, void *target)
{
    (void)reader;
    (void)member;
    *(json_t **)target = place->value;
    return STATUS_SUCCESS;
}

struct raw {
    uint32_t key, type;
    const char *name;
    json_t *value;
};

static const struct reader_member members[] = {
    {"key", read_key, offsetof(struct raw, key), 0, 0, true},
    {"name", reader_text, offsetof(struct raw, name), 1, NAME_MAX_BYTES, true},
    {"type", read_type, offsetof(struct raw, type), 0, 0, true},
    {"value", read_later, offsetof(struct raw, value), 0, 0, true},
};

/* ---- values */

bool profile_registry_text(const struct reader *reader, const char *text,
                           struct host_registry_value *value)
{
    size_t units = host_utf16(NULL, 0, text);
    uint16_t *wide = profile_keep(reader->profile, units * sizeof(*wide));

    if (!wide)
        return false;
    host_utf16(wide, units, text);
    value->data = wide;
    value->size = (uint32_t)(units * sizeof(*wide));
    return true;
}

typedef NTSTATUS value_function(const struct reader *reader, const struct place *place,
                                struct host_registry_value *value);

static NTSTATUS no_memory(void)
{
    return d3dkmti_fail(STATUS_NO_MEMORY, "no memory for a registry value of the profile");
}

static NTSTATUS text_value(const struct reader *reader, const struct place *place,
                           struct host_registry_value *value)
{
    static const struct reader_member limits = {.maximum = TEXT_MAX_BYTES};
    const char *text;
    NTSTATUS status = reader_text(reader, place, &limits, &text);

    if (!NT_SUCCESS(status))
        return status;
    return profile_registry_text(reader, text, value) ? STATUS_SUCCESS : no_memory();
}

static NTSTATUS bytes_value(const struct reader *reader, const struct place *place,
                            struct host_registry_value *value)
{
    static const struct reader_member limits = {.maximum = TEXT_MAX_BYTES};
    struct reader_data data;
    NTSTATUS status = reader_hex_bytes(reader, place, &limits, &data);

    if (!NT_SUCCESS(status))
        return status;
    value->data = data.bytes;
    value->size = data.size;
    return STATUS_SUCCESS;
}

/* Little-endian, as everything on the wire. */
static NTSTATUS number_value(const struct reader *reader, const struct place *place,
                             struct host_registry_value *value, uint32_t size)
{
    const struct reader_member limits = {.maximum = size == 4 ? UINT32_MAX : UINT64_MAX};
    uint64_t number;
    NTSTATUS status = reader_hex(reader, place, &limits, &number);

    if (!NT_SUCCESS(status))
        return status;
    unsigned char *bytes = profile_keep(reader->profile, size);
    if (!bytes)
        return no_memory();
    for (uint32_t i = 0; i < size; i++)
        bytes[i] = (unsigned char)(number >> 8 * i);
    value->data = bytes;
    value->size = size;
    return STATUS_SUCCESS;
}

static NTSTATUS dword_value(const struct reader *reader, const struct place *place,
                            struct host_registry_value *value)
{
    return number_value(reader, place, value, 4);
}

static NTSTATUS qword_value(const struct reader *reader, const struct place *place,
                            struct host_registry_value *value)
{
    return number_value(reader, place, value, 8);
}

/* By Windows' numbers. */
static value_function *const value_functions[] = {
    [1] = text_value, [3] = bytes_value, [4] = dword_value, [11] = qword_value};

NTSTATUS profile_registry_read(const struct reader *reader, const struct place *place,
                               const struct reader_member *member, void *target)
{
    struct host_registry_value *value = target;
    struct raw raw = {0};
    NTSTATUS status = reader_object(reader, place, members, COUNT(members), &raw);

    (void)member;
    if (!NT_SUCCESS(status))
        return status;
    struct place inner = {.outer = place, .member = "value", .value = raw.value};
    value->key = raw.key;
    value->type = raw.type;
    value->name = raw.name;
    return value_functions[raw.type](reader, &inner, value);
}
