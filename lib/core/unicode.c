/* SPDX-License-Identifier: MIT */
#include "core/unicode.h"

#include <stdbool.h>
#include <string.h>

enum { REPLACEMENT = 0xfffd };

static bool is_surrogate(uint32_t code)
{
    return code >= 0xd800 && code <= 0xdfff;
}

size_t unicode_narrow(const wchar_t *text, size_t text_units, uint16_t *utf16, size_t capacity)
{
    size_t used = 0;

    for (size_t i = 0; i < text_units && text[i] != 0; i++) {
        uint32_t code = (uint32_t)text[i];

        if (code > 0x10ffff || is_surrogate(code))
            code = REPLACEMENT;
        size_t units = code > 0xffff ? 2 : 1;
        if (used + units + 1 > capacity)
            break;
        if (units == 2) {
            utf16[used++] = (uint16_t)(0xd800 + ((code - 0x10000) >> 10));
            utf16[used++] = (uint16_t)(0xdc00 + ((code - 0x10000) & 0x3ff));
        } else {
            utf16[used++] = (uint16_t)code;
        }
    }
    if (capacity > used)
        memset(utf16 + used, 0, (capacity - used) * sizeof(*utf16));
    return used;
}

/* The character that begins at unit i; *units tells how many units it takes. */
static uint32_t decode(const uint16_t *utf16, size_t i, size_t count, size_t *units)
{
    uint32_t first = utf16[i];

    *units = 1;
    if (!is_surrogate(first))
        return first;
    if (first < 0xdc00 && i + 1 < count && utf16[i + 1] >= 0xdc00 && utf16[i + 1] <= 0xdfff) {
        *units = 2;
        return 0x10000 + ((first - 0xd800) << 10) + (utf16[i + 1] - 0xdc00u);
    }
    return REPLACEMENT;
}

size_t unicode_widen(const uint16_t *utf16, size_t utf16_units, wchar_t *text, size_t capacity)
{
    size_t used = 0, units = 0;

    for (size_t i = 0; i < utf16_units && utf16[i] != 0 && used + 1 < capacity; i += units)
        text[used++] = (wchar_t)decode(utf16, i, utf16_units, &units);
    if (capacity > used)
        memset(text + used, 0, (capacity - used) * sizeof(*text));
    return used;
}
