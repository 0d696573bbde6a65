/* SPDX-License-Identifier: MIT */
#include "core/api/text_layout.h"

#include "core/unicode.h"

#include <d3dkmt/d3dkmthk.h>

#include <string.h>

/* Sizes and places are checked against both forms of the structs by a test. */
static const struct text_layout layouts[] = {
    {KMTQAITYPE_UMDRIVERNAME, true, {{4, 260}}},
    {KMTQAITYPE_UMOPENGLINFO, true, {{0, 260}, {8, 0}}},
    {KMTQAITYPE_ADAPTERREGISTRYINFO, false, {{0, 260}, {0, 260}, {0, 260}, {0, 260}}},
    {KMTQAITYPE_DLIST_DRIVER_NAME, true, {{0, 260}}},
    {KMTQAITYPE_NODEMETADATA, false, {{8, 32}, {6, 0}}},
    {KMTQAITYPE_CPDRIVERNAME, true, {{0, 260}}},
    {KMTQAITYPE_MIRACASTCOMPANIONDRIVERNAME, true, {{0, 260}}},
    {KMTQAITYPE_ADAPTERREGISTRYINFO_RENDER, false, {{0, 260}, {0, 260}, {0, 260}, {0, 260}}},
    {KMTQAITYPE_QUERY_ADAPTER_UNIQUE_GUID, false, {{0, 40}}},
    {KMTQUITYPE_GPUVERSION, false, {{4, 32}, {0, 32}}},
    {KMTQAITYPE_DRIVER_DESCRIPTION, false, {{0, 4096}}},
    {KMTQAITYPE_DRIVER_DESCRIPTION_RENDER, false, {{0, 4096}}},
    {KMTQAITYPE_DISPLAY_UMDRIVERNAME, true, {{4, 260}}},
};

const struct text_layout *text_layout_find(uint32_t type)
{
    for (size_t i = 0; i < sizeof(layouts) / sizeof(layouts[0]); i++) {
        if (layouts[i].type == type)
            return &layouts[i];
    }
    return NULL;
}

static size_t size_with(const struct text_layout *layout, size_t character_size)
{
    size_t size = 0;

    for (int i = 0; i < TEXT_LAYOUT_RUNS; i++)
        size += layout->runs[i].bytes + layout->runs[i].characters * character_size;
    return size;
}

size_t text_layout_narrow_size(const struct text_layout *layout)
{
    return size_with(layout, sizeof(uint16_t));
}

size_t text_layout_wide_size(const struct text_layout *layout)
{
    return size_with(layout, sizeof(wchar_t));
}

/* Texts in packed structs need not be aligned, so they are converted by way of aligned copies. */
enum { LONGEST_TEXT = 4096 };

void text_layout_narrow(const struct text_layout *layout, const void *wide, void *narrow)
{
    const unsigned char *from = wide;
    unsigned char *to = narrow;
    wchar_t text[LONGEST_TEXT];
    uint16_t utf16[LONGEST_TEXT];

    for (int i = 0; i < TEXT_LAYOUT_RUNS; i++) {
        size_t bytes = layout->runs[i].bytes, characters = layout->runs[i].characters;

        memcpy(to, from, bytes);
        memcpy(text, from + bytes, characters * sizeof(wchar_t));
        unicode_narrow(text, characters, utf16, characters);
        memcpy(to + bytes, utf16, characters * sizeof(uint16_t));
        from += bytes + characters * sizeof(wchar_t);
        to += bytes + characters * sizeof(uint16_t);
    }
}

void text_layout_widen(const struct text_layout *layout, const void *narrow, void *wide)
{
    const unsigned char *from = narrow;
    unsigned char *to = wide;
    wchar_t text[LONGEST_TEXT];
    uint16_t utf16[LONGEST_TEXT];

    for (int i = 0; i < TEXT_LAYOUT_RUNS; i++) {
        size_t bytes = layout->runs[i].bytes, characters = layout->runs[i].characters;

        memcpy(to, from, bytes);
        memcpy(utf16, from + bytes, characters * sizeof(uint16_t));
        unicode_widen(utf16, characters, text, characters);
        if (layout->has_path)
            text_path_to_linux(text, characters);
        memcpy(to + bytes, text, characters * sizeof(wchar_t));
        from += bytes + characters * sizeof(uint16_t);
        to += bytes + characters * sizeof(wchar_t);
    }
}

void text_path_to_linux(wchar_t *text, size_t units)
{
    static const wchar_t store[] = L"\\FileRepository\\";
    static const wchar_t linux_store[] = L"/usr/lib/wsl/drivers/";
    const size_t prefix = sizeof(linux_store) / sizeof(wchar_t) - 1;
    const wchar_t *rest = units && wmemchr(text, L'\0', units) ? wcsstr(text, store) : NULL;

    if (!rest)
        return;
    rest += sizeof(store) / sizeof(wchar_t) - 1;
    size_t length = wcslen(rest);
    if (prefix + 1 > units)
        return;
    if (length > units - 1 - prefix)
        length = units - 1 - prefix;
    wmemmove(text + prefix, rest, length);
    wmemcpy(text, linux_store, prefix);
    text[prefix + length] = L'\0';
    for (size_t i = prefix; i < prefix + length; i++) {
        if (text[i] == L'\\')
            text[i] = L'/';
    }
}
