/* SPDX-License-Identifier: MIT */
#include "blob.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The driver's messages end at 128 KiB; nothing recorded is longer than a few of those. */
enum { BLOB_MAX = 16 << 20 };

/* ---- shortened hexadecimal text */

struct bytes {
    unsigned char *data;
    size_t size, capacity;
};

static unsigned char *extend(struct bytes *bytes, size_t size)
{
    if (size > BLOB_MAX || bytes->size + size > BLOB_MAX)
        report_die("a recorded blob is larger than %d bytes", BLOB_MAX);
    if (bytes->size + size > bytes->capacity) {
        bytes->capacity = (bytes->size + size) * 2 + 64;
        bytes->data = realloc(bytes->data, bytes->capacity);
        if (!bytes->data)
            report_die("no memory");
    }
    unsigned char *place = bytes->data + bytes->size;
    bytes->size += size;
    return place;
}

static int digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return -1;
}

/* Plain pairs of digits up to the first other character. */
static const char *decode_pairs(const char *text, struct bytes *bytes)
{
    while (digit(text[0]) >= 0 && digit(text[1]) >= 0) {
        *extend(bytes, 1) = (unsigned char)(digit(text[0]) << 4 | digit(text[1]));
        text += 2;
    }
    return text;
}

static const char *decode_number(const char *text, uint64_t *number)
{
    char *end;

    *number = strtoull(text, &end, 0);
    if (end == text)
        report_die("bad hexadecimal text at: %.40s", text);
    return end;
}

static const char *expect(const char *text, char c)
{
    if (*text != c)
        report_die("bad hexadecimal text, '%c' is missing at: %.40s", c, text);
    return text + 1;
}

static const char *decode_words(const char *text, struct bytes *bytes)
{
    uint64_t first, count;

    text = expect(decode_number(text, &first), '*');
    text = decode_number(text, &count);
    if (count > BLOB_MAX / 4)
        report_die("a recorded run is too long");
    unsigned char *place = extend(bytes, count * 4);
    for (uint64_t i = 0; i < count; i++) {
        uint32_t word = (uint32_t)(first + i);

        memcpy(place + i * 4, &word, 4);
    }
    return expect(text, ')');
}

/* The pattern over and over: count times after '*', or up to count bytes after '~'. */
static const char *decode_run(const char *text, struct bytes *bytes, char operator, char close)
{
    struct bytes pattern = {0};
    uint64_t count;

    text = expect(decode_pairs(text, &pattern), operator);
    text = decode_number(text, &count);
    if (pattern.size == 0 || count > BLOB_MAX)
        report_die("a recorded run is empty or too long");
    size_t total = operator== '*' ? count * pattern.size : count;
    unsigned char *place = extend(bytes, total);
    for (size_t i = 0; i < total; i++)
        place[i] = pattern.data[i % pattern.size];
    free(pattern.data);
    return expect(text, close);
}

unsigned char *blob_decode_hex(const char *text, size_t *size)
{
    struct bytes bytes = {0};

    extend(&bytes, 0);
    while (*text) {
        text = decode_pairs(text, &bytes);
        if (strncmp(text, "(u32:", 5) == 0)
            text = decode_words(text + 5, &bytes);
        else if (*text == '(')
            text = decode_run(text + 1, &bytes, '*', ')');
        else if (*text == '[')
            text = decode_run(text + 1, &bytes, '~', ']');
        else if (*text)
            report_die("bad hexadecimal text at: %.40s", text);
    }
    *size = bytes.size;
    return bytes.data ? bytes.data : must_allocate(1);
}

/* ---- blobs */

char *blob_split_name(const char *text, uint64_t *addend)
{
    char *name = must_copy(text);
    char *plus = strchr(name, '+');

    *addend = 0;
    if (plus) {
        *addend = strtoull(plus + 1, NULL, 0);
        *plus = '\0';
    }
    return name;
}

static void parse_symbol(struct blob *blob, struct blob_symbol *symbol, const json_t *json)
{
    const char *name = json_string_value(json_array_get(json, 2));

    symbol->offset = (size_t)json_integer_value(json_array_get(json, 0));
    symbol->size = (size_t)json_integer_value(json_array_get(json, 1));
    if (!name || symbol->size > 8 || symbol->offset > blob->size ||
        symbol->size > blob->size - symbol->offset)
        report_die("a symbol lies outside of its blob");
    symbol->name = blob_split_name(name, &symbol->addend);
}

void blob_parse(struct blob *blob, const json_t *json)
{
    const char *hex = member_text(json, "hex");
    const json_t *symbols = json_object_get(json, "sym");

    if (!hex)
        report_die("a blob has no hexadecimal text");
    blob->bytes = blob_decode_hex(hex, &blob->size);
    blob->symbol_count = json_array_size(symbols);
    blob->symbols = must_allocate(blob->symbol_count * sizeof(*blob->symbols));
    for (size_t i = 0; i < blob->symbol_count; i++)
        parse_symbol(blob, &blob->symbols[i], json_array_get(symbols, i));
}

void blob_free(struct blob *blob)
{
    for (size_t i = 0; i < blob->symbol_count; i++)
        free(blob->symbols[i].name);
    free(blob->symbols);
    free(blob->bytes);
    *blob = (struct blob){0};
}

static uint64_t load(const unsigned char *bytes, size_t size)
{
    uint64_t value = 0;

    memcpy(&value, bytes, size);
    return value;
}

static uint64_t cut(uint64_t value, size_t size)
{
    return size < 8 ? value & ((UINT64_C(1) << size * 8) - 1) : value;
}

static void fill(const struct blob *blob, struct symbols *symbols, const char *scope,
                 unsigned char *to, bool bind)
{
    memcpy(to, blob->bytes, blob->size);
    for (size_t i = 0; i < blob->symbol_count; i++) {
        const struct blob_symbol *symbol = &blob->symbols[i];
        uint64_t recorded = load(blob->bytes + symbol->offset, symbol->size), value;

        if (symbols_get(symbols, scope, symbol->name, &value)) {
            value += symbol->addend;
            memcpy(to + symbol->offset, &value, symbol->size);
        } else if (bind) {
            symbols_set(symbols, scope, symbol->name, recorded - symbol->addend);
        }
    }
}

void blob_fill(const struct blob *blob, struct symbols *symbols, const char *scope, void *to)
{
    fill(blob, symbols, scope, to, false);
}

void blob_fill_reply(const struct blob *blob, struct symbols *symbols, void *to)
{
    fill(blob, symbols, NULL, to, true);
}

/* ---- comparing */

/* The blob as this run should have it; what is not bound yet is taken from the run's own bytes. */
static unsigned char *expectation(const struct blob *blob, struct symbols *symbols,
                                  const char *scope, const unsigned char *actual, size_t size)
{
    unsigned char *expected = must_allocate(blob->size);

    memcpy(expected, blob->bytes, blob->size);
    for (size_t i = 0; i < blob->symbol_count; i++) {
        const struct blob_symbol *symbol = &blob->symbols[i];
        uint64_t value;

        if (symbols_get(symbols, scope, symbol->name, &value)) {
            value = cut(value + symbol->addend, symbol->size);
        } else if (symbol->offset + symbol->size <= size) {
            value = load(actual + symbol->offset, symbol->size);
            symbols_set(symbols, scope, symbol->name, cut(value - symbol->addend, symbol->size));
        } else {
            continue;
        }
        memcpy(expected + symbol->offset, &value, symbol->size);
    }
    return expected;
}

static const struct blob_symbol *symbol_at(const struct blob *blob, size_t offset)
{
    for (size_t i = 0; i < blob->symbol_count; i++) {
        const struct blob_symbol *symbol = &blob->symbols[i];

        if (offset >= symbol->offset && offset < symbol->offset + symbol->size)
            return symbol;
    }
    return NULL;
}

static void print_bytes(char text[40], const unsigned char *bytes, size_t count)
{
    text[0] = '\0';
    for (size_t i = 0; i < count && i < 16; i++)
        snprintf(text + i * 2, 3, "%02x", bytes[i]);
}

static void explain(const struct blob *blob, const unsigned char *expected,
                    const unsigned char *actual, size_t offset, struct report *report,
                    const char *what)
{
    const struct blob_symbol *symbol = symbol_at(blob, offset);
    size_t start = symbol ? symbol->offset : offset & ~(size_t)3;
    size_t count = symbol ? symbol->size : blob->size - start;
    char was[40], is[40];

    print_bytes(was, expected + start, count);
    print_bytes(is, actual + start, count);
    report_difference(report, "%s, offset %zu (0x%zx)%s%s: recorded %s, now %s", what, start, start,
                      symbol ? ", " : "", symbol ? symbol->name : "", was, is);
}

bool blob_compare(const struct blob *blob, struct symbols *symbols, const char *scope,
                  const void *bytes, size_t size, size_t padding, struct report *report,
                  const char *what)
{
    const unsigned char *actual = bytes;

    bool same_size = size <= blob->size && size + padding >= blob->size;
    unsigned char *expected = expectation(blob, symbols, scope, actual, size);
    bool equal = true;
    for (size_t i = 0; i < blob->size && equal && (same_size || i < size); i++) {
        if (expected[i] == (i < size ? actual[i] : 0))
            continue;
        equal = false;
        if (i < size)
            explain(blob, expected, actual, i, report, what);
        else
            report_difference(report, "%s: bytes from offset %zu on are missing", what, i);
    }
    free(expected);
    if (equal && !same_size)
        report_difference(report, "%s: %zu bytes were recorded, now there are %zu", what,
                          blob->size, size);
    return equal && same_size;
}

char *blob_encode_hex(const unsigned char *bytes, size_t size)
{
    char *text = must_allocate(size * 2 + 1);

    for (size_t i = 0; i < size; i++)
        sprintf(text + i * 2, "%02x", bytes[i]);
    return text;
}
