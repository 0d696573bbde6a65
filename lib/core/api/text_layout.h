/* SPDX-License-Identifier: MIT */
/*
 * Query results with text: the API has 4-byte wchar_t where kernel and wire have 2-byte characters,
 * so their structs differ in size. A layout is a sequence of bytes that are the same and of texts.
 */
#ifndef CORE_API_TEXT_LAYOUT_H
#define CORE_API_TEXT_LAYOUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { TEXT_LAYOUT_RUNS = 4 };

struct text_layout {
    uint32_t type; /* KMTQUERYADAPTERINFOTYPE */
    bool has_path; /* its text may be a path into the driver store of Windows */
    struct {
        uint16_t bytes;      /* that come first and are the same */
        uint16_t characters; /* that follow */
    } runs[TEXT_LAYOUT_RUNS];
};

/* The layout of a query type, NULL when its result has no text of fixed size. */
const struct text_layout *text_layout_find(uint32_t type);

/* Sizes of the whole result with 2-byte and with 4-byte characters. */
size_t text_layout_narrow_size(const struct text_layout *layout);
size_t text_layout_wide_size(const struct text_layout *layout);

void text_layout_narrow(const struct text_layout *layout, const void *wide, void *narrow);
void text_layout_widen(const struct text_layout *layout, const void *narrow, void *wide);

/*
 * Replaces a path below the driver store's FileRepository by the one under which Linux guests see
 * the same folder, /usr/lib/wsl/drivers. units: of the array.
 */
void text_path_to_linux(wchar_t *text, size_t units);

#endif
