/* SPDX-License-Identifier: MIT */
/*
 * The checks that the generated layout tests are made of; they mean the same in C and in C++.
 * Sizes, offsets and values are compared at run time, so that one run names everything that is
 * wrong; identities of types are compared by the compiler.
 */
#ifndef D3DKMT_TESTS_ABI_LAYOUT_CHECK_H
#define D3DKMT_TESTS_ABI_LAYOUT_CHECK_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#ifdef __cplusplus
#include <type_traits>
extern "C" {
#endif
#include <cmocka.h>
#ifdef __cplusplus
}
#endif

#ifdef __cplusplus
#define LAYOUT_BEGIN_C       extern "C" {
#define LAYOUT_END_C         }
#define LAYOUT_ALIGNOF(type) alignof(type)
#define LAYOUT_ASSERT_SAME(type, expected)                                                         \
    static_assert(std::is_same<type, expected>::value, #type " is not " #expected)
#define LAYOUT_ASSERT_UNDERLYING(enumeration, expected)                                            \
    static_assert(std::is_same<std::underlying_type<enumeration>::type, expected>::value,          \
                  #enumeration " is not based on " #expected)
#define LAYOUT_ASSERT_ADDRESS(type, path, pointer)                                                 \
    static_assert(std::is_same<decltype(&((type *)0)->path), pointer>::value,                      \
                  #type "." #path " has another type")
#define LAYOUT_ASSERT_POINTER(pointer, result, arguments)                                          \
    static_assert(std::is_same<pointer, result(*) arguments>::value, #pointer " is another type")
#define LAYOUT_ASSERT_FUNCTION(name, result, arguments)                                            \
    static_assert(std::is_same<decltype(&name), result(*) arguments>::value,                       \
                  #name " has another type")
#else
#define LAYOUT_BEGIN_C
#define LAYOUT_END_C
#define LAYOUT_ALIGNOF(type) _Alignof(type)
#define LAYOUT_ASSERT_SAME(type, expected)                                                         \
    _Static_assert(_Generic((type *)0, expected * : 1, default : 0), #type " is not " #expected)
#define LAYOUT_ASSERT_UNDERLYING(enumeration, expected)                                            \
    _Static_assert(_Generic((enumeration)0, expected : 1, default : 0),                            \
                   #enumeration " is not based on " #expected)
#define LAYOUT_ASSERT_ADDRESS(type, path, pointer)                                                 \
    _Static_assert(_Generic(&((type *)0)->path, pointer : 1, default : 0),                         \
                   #type "." #path " has another type")
#define LAYOUT_ASSERT_POINTER(pointer, result, arguments)                                          \
    _Static_assert(_Generic((pointer)0, result(*) arguments : 1, default : 0),                     \
                   #pointer " is another type")
#define LAYOUT_ASSERT_FUNCTION(name, result, arguments)                                            \
    _Static_assert(_Generic(&name, result(*) arguments : 1, default : 0), #name " has another "    \
                                                                                "type")
#endif

enum layout_kind {
    LAYOUT_SCALAR,
    LAYOUT_RECORD,
    LAYOUT_MEMBER,
    LAYOUT_BITS,
    LAYOUT_ENUM,
    LAYOUT_VALUE,
    LAYOUT_CONSTANT,
    LAYOUT_STATUS,
    LAYOUT_FUNCTION,
    LAYOUT_KINDS
};

#ifdef __cplusplus
extern "C" {
#endif

/* Counts one fact of the kind that has been checked. */
void layout_count(enum layout_kind kind);

/* Remembers a failure, and says it, if the actual value of NAME's property is another one. */
void layout_compare(const char *name, const char *property, uint64_t actual, uint64_t expected);

/* The bits from FIRST on, WIDTH of them, must be set in the record's SIZE bytes, and no others. */
void layout_compare_bits(const char *name, const void *record, size_t size, size_t first,
                         size_t width);

/* The text of a macro's expansion, blanks included, must be ((NTSTATUS)NUMBERL). */
void layout_compare_status(const char *name, const char *expansion, const char *number);

/* Ends a test: fails it if one of its comparisons failed. */
void layout_finish(void);

#ifdef __cplusplus
}
#endif

#define CHECK_SCALAR(type, expected)                                                               \
    do {                                                                                           \
        LAYOUT_ASSERT_SAME(type, expected);                                                        \
        layout_count(LAYOUT_SCALAR);                                                               \
    } while (0)

#define CHECK_RECORD(type, size, alignment)                                                        \
    do {                                                                                           \
        layout_compare(#type, "size", sizeof(type), size);                                         \
        layout_compare(#type, "alignment", LAYOUT_ALIGNOF(type), alignment);                       \
        layout_count(LAYOUT_RECORD);                                                               \
    } while (0)

#define CHECK_TAG(tagged, type) LAYOUT_ASSERT_SAME(tagged, type)

#define CHECK_MEMBER(type, path, offset, size)                                                     \
    do {                                                                                           \
        layout_compare(#type "." #path, "offset", offsetof(type, path), offset);                   \
        layout_compare(#type "." #path, "size", sizeof(((type *)0)->path), size);                  \
        layout_count(LAYOUT_MEMBER);                                                               \
    } while (0)

/* The address, not the value: values of arrays decay and lose their qualifiers. */
#define CHECK_TYPE(type, path, pointer) LAYOUT_ASSERT_ADDRESS(type, path, pointer)

/* All ones of the field's width; the cast serves fields of an enumeration type in C++. */
#define CHECK_BITS(type, field_type, path, offset, bit, width)                                     \
    do {                                                                                           \
        type record;                                                                               \
        memset(&record, 0, sizeof(record));                                                        \
        record.path = (field_type)(UINT64_MAX >> (64 - (width)));                                  \
        layout_compare_bits(#type "." #path, &record, sizeof(record), (size_t)(offset)*8 + (bit),  \
                            width);                                                                \
        layout_count(LAYOUT_BITS);                                                                 \
    } while (0)

#define CHECK_ENUM(type, underlying)                                                               \
    do {                                                                                           \
        LAYOUT_ASSERT_UNDERLYING(type, underlying);                                                \
        layout_compare(#type, "size", sizeof(type), sizeof(underlying));                           \
        layout_count(LAYOUT_ENUM);                                                                 \
    } while (0)

#define CHECK_VALUE(enumerator, number)                                                            \
    do {                                                                                           \
        layout_compare(#enumerator, "value", (uint64_t)(int64_t)(enumerator),                      \
                       (uint64_t)(int64_t)(number));                                               \
        layout_count(LAYOUT_VALUE);                                                                \
    } while (0)

#define CHECK_CONSTANT(name, number)                                                               \
    do {                                                                                           \
        layout_compare(#name, "value", (uint64_t)(name), number);                                  \
        layout_count(LAYOUT_CONSTANT);                                                             \
    } while (0)

#define LAYOUT_TEXT(expansion)  LAYOUT_TEXT_(expansion)
#define LAYOUT_TEXT_(expansion) #expansion

#define CHECK_STATUS(name, number)                                                                 \
    do {                                                                                           \
        layout_compare(#name, "value", (uint32_t)(name), number);                                  \
        layout_compare(#name, "size", sizeof(name), sizeof(NTSTATUS));                             \
        layout_compare_status(#name, LAYOUT_TEXT(name), #number);                                  \
        layout_count(LAYOUT_STATUS);                                                               \
    } while (0)

#define CHECK_FUNCTION(name, result, arguments)                                                    \
    do {                                                                                           \
        LAYOUT_ASSERT_FUNCTION(name, result, arguments);                                           \
        layout_count(LAYOUT_FUNCTION);                                                             \
    } while (0)

#define CHECK_POINTER(pointer, result, arguments) LAYOUT_ASSERT_POINTER(pointer, result, arguments)

/* The groups of tests, one of each generated file; each returns how many of its tests failed. */
#ifdef __cplusplus
extern "C" {
#endif
#define LAYOUT_GROUP(name) int name(void);
#include "layout_generated_groups.h"
#undef LAYOUT_GROUP
#ifdef __cplusplus
}
#endif

#endif
