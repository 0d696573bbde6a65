/* SPDX-License-Identifier: MIT */
#include "backend-loopback/profile/reader.h"

#include "backend-loopback/profile/position.h"
#include "core/last_error.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { PATH_TEXT = 160 };

/* ---- explanations */

/* adapters[0].pci.vendor; cut where it is too long. */
static size_t path_text(const struct place *place, char *text, size_t size)
{
    if (!place->outer)
        return 0;
    size_t used = path_text(place->outer, text, size);
    if (used >= size - 1)
        return used;
    int more = place->member
                   ? snprintf(text + used, size - used, "%s%.40s", used ? "." : "", place->member)
                   : snprintf(text + used, size - used, "[%zu]", place->index);
    used += (size_t)more;
    return used < size ? used : size - 1;
}

NTSTATUS reader_fail(const struct reader *reader, const struct place *place, const char *format,
                     ...)
{
    struct position position = profile_position(reader->text, reader->size, place);
    char path[PATH_TEXT] = "", reason[PATH_TEXT];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(reason, sizeof(reason), format, arguments);
    va_end(arguments);
    path_text(place, path, sizeof(path));
    return d3dkmti_fail(STATUS_INVALID_PARAMETER, "%s:%u:%u: %s%s%s", reader->name, position.line,
                        position.column, path, *path ? ": " : "", reason);
}

static NTSTATUS no_memory(void)
{
    return d3dkmti_fail(STATUS_NO_MEMORY, "no memory for the adapter profile");
}

/* ---- objects and arrays */

static const struct reader_member *find_member(const struct reader_member *members, size_t count,
                                               const char *name)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(members[i].name, name) == 0)
            return &members[i];
    return NULL;
}

NTSTATUS reader_object(const struct reader *reader, const struct place *place,
                       const struct reader_member *members, size_t count, void *object)
{
    const char *name;
    json_t *value;

    if (!json_is_object(place->value))
        return reader_fail(reader, place, "an object is needed here");
    json_object_foreach(place->value, name, value)
    {
        const struct reader_member *member = find_member(members, count, name);
        struct place inner = {.outer = place, .member = name, .value = value};

        if (!member)
            return reader_fail(reader, &inner, "a profile has no such member");
        NTSTATUS status = member->read(reader, &inner, member, (char *)object + member->offset);
        if (!NT_SUCCESS(status))
            return status;
    }
    for (size_t i = 0; i < count; i++)
        if (members[i].required && !json_object_get(place->value, members[i].name))
            return reader_fail(reader, place, "the member \"%s\" is missing", members[i].name);
    return STATUS_SUCCESS;
}

NTSTATUS reader_array(const struct reader *reader, const struct place *place, size_t maximum,
                      size_t size, reader_function *read, void **elements, uint32_t *count)
{
    size_t length = json_array_size(place->value);

    if (!json_is_array(place->value))
        return reader_fail(reader, place, "an array is needed here");
    if (length > maximum)
        return reader_fail(reader, place, "%zu elements; there may be %zu", length, maximum);
    /* One more, so that an empty list is not a missing one. */
    char *list = profile_keep(reader->profile, (length + 1) * size);
    if (!list)
        return no_memory();
    for (size_t i = 0; i < length; i++) {
        struct place inner = {.outer = place, .index = i, .value = json_array_get(place->value, i)};
        NTSTATUS status = read(reader, &inner, NULL, list + i * size);

        if (!NT_SUCCESS(status))
            return status;
    }
    *elements = list;
    *count = (uint32_t)length;
    return STATUS_SUCCESS;
}

/* ---- values */

NTSTATUS reader_boolean(const struct reader *reader, const struct place *place,
                        const struct reader_member *member, void *target)
{
    (void)member;
    if (!json_is_boolean(place->value))
        return reader_fail(reader, place, "true or false is needed here");
    *(bool *)target = json_is_true(place->value);
    return STATUS_SUCCESS;
}

static NTSTATUS store_number(const struct reader *reader, const struct place *place,
                             const struct reader_member *member, uint64_t number, void *target)
{
    if (number < member->minimum || number > member->maximum)
        return reader_fail(reader, place, "%llu is outside of %llu to %llu",
                           (unsigned long long)number, (unsigned long long)member->minimum,
                           (unsigned long long)member->maximum);
    *(uint64_t *)target = number;
    return STATUS_SUCCESS;
}

NTSTATUS reader_number(const struct reader *reader, const struct place *place,
                       const struct reader_member *member, void *target)
{
    json_int_t number = json_integer_value(place->value);

    if (!json_is_integer(place->value) || number < 0)
        return reader_fail(reader, place, "a whole number that is not negative is needed here");
    return store_number(reader, place, member, (uint64_t)number, target);
}

static int digit_value(char digit)
{
    if (digit >= '0' && digit <= '9')
        return digit - '0';
    char lower = (char)tolower((unsigned char)digit);
    return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

NTSTATUS reader_hex(const struct reader *reader, const struct place *place,
                    const struct reader_member *member, void *target)
{
    const char *text = json_string_value(place->value);
    size_t length = text && strncmp(text, "0x", 2) == 0 ? strlen(text + 2) : 0;
    uint64_t number = 0;
    bool good = length >= 1 && length <= 16;

    for (size_t i = 0; good && i < length; i++) {
        int value = digit_value(text[2 + i]);

        good = value >= 0;
        number = number << 4 | (unsigned)value;
    }
    if (!good)
        return reader_fail(reader, place, "a text like \"0x1414\" is needed here");
    return store_number(reader, place, member, number, target);
}

NTSTATUS reader_text(const struct reader *reader, const struct place *place,
                     const struct reader_member *member, void *target)
{
    size_t length = json_string_length(place->value);

    if (!json_is_string(place->value))
        return reader_fail(reader, place, "a text is needed here");
    if (length < member->minimum || length > member->maximum)
        return reader_fail(reader, place, "the text has %zu bytes; %u to %u are possible", length,
                           (unsigned)member->minimum, (unsigned)member->maximum);
    char *text = profile_keep(reader->profile, length + 1);
    if (!text)
        return no_memory();
    memcpy(text, json_string_value(place->value), length);
    *(const char **)target = text;
    return STATUS_SUCCESS;
}

NTSTATUS reader_hex_bytes(const struct reader *reader, const struct place *place,
                          const struct reader_member *member, void *target)
{
    const char *text = json_string_value(place->value);
    size_t size = json_string_length(place->value) / 2;
    struct reader_data data = {.given = true};

    if (!text || json_string_length(place->value) % 2)
        return reader_fail(reader, place, "pairs of hexadecimal digits are needed here");
    if (size < member->minimum || size > member->maximum)
        return reader_fail(reader, place, "%zu bytes; %u to %u are possible", size,
                           (unsigned)member->minimum, (unsigned)member->maximum);
    data.size = (uint32_t)size;
    data.bytes = profile_keep(reader->profile, size + 1);
    if (!data.bytes)
        return no_memory();
    for (size_t i = 0; i < size; i++) {
        int high = digit_value(text[2 * i]), low = digit_value(text[2 * i + 1]);

        if (high < 0 || low < 0)
            return reader_fail(reader, place, "byte %zu is not two hexadecimal digits", i);
        data.bytes[i] = (unsigned char)(high << 4 | low);
    }
    *(struct reader_data *)target = data;
    return STATUS_SUCCESS;
}
