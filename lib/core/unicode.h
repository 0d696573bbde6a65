/* SPDX-License-Identifier: MIT */
/* Between the API's wchar_t (UTF-32) and the UTF-16 of kernel and wire. */
#ifndef CORE_UNICODE_H
#define CORE_UNICODE_H

#include <stddef.h>
#include <stdint.h>
#include <wchar.h>

/*
 * Both directions convert up to and including the first terminator, never write behind capacity
 * units, terminate the output when capacity is not 0 and zero the rest of it. What is not a
 * character (a lone surrogate, a value above 0x10FFFF) becomes U+FFFD. A character that does not
 * fit whole is left out. They return the number of units before the terminator.
 */
size_t unicode_narrow(const wchar_t *text, size_t text_units, uint16_t *utf16, size_t capacity);
size_t unicode_widen(const uint16_t *utf16, size_t utf16_units, wchar_t *text, size_t capacity);

#endif
