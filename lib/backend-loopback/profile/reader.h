/* SPDX-License-Identifier: MIT */
/* Reading JSON member by member, with explanations that name the place. Inside of the folder. */
#ifndef BACKEND_LOOPBACK_PROFILE_READER_H
#define BACKEND_LOOPBACK_PROFILE_READER_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <d3dkmt/d3dkmthk.h>

struct reader {
    const char *name; /* of the file */
    const char *text;
    size_t size;
    struct profile *profile; /* owns what profile_keep hands out */
};

/* A value and the way to it. */
struct place {
    const struct place *outer; /* NULL: the whole */
    const char *member;        /* in an object, else NULL */
    size_t index;              /* in an array */
    json_t *value;
};

/* Zeroed memory that lives as long as the profile; NULL: no memory. */
void *profile_keep(struct profile *profile, size_t size);

/* Notes what is wrong with the value, with its line and column, and returns
 * STATUS_INVALID_PARAMETER. */
NTSTATUS reader_fail(const struct reader *reader, const struct place *place, const char *format,
                     ...) __attribute__((format(printf, 3, 4)));

struct reader_member;

/* Reads a value into target, a struct of the caller's choice. */
typedef NTSTATUS reader_function(const struct reader *reader, const struct place *place,
                                 const struct reader_member *member, void *target);

struct reader_member {
    const char *name;
    reader_function *read;
    size_t offset;             /* of the result in the object's struct */
    uint64_t minimum, maximum; /* of numbers; bytes of texts and of data */
    bool required;
};

/* Every member of the object must be in the table, and every required one there. */
NTSTATUS reader_object(const struct reader *reader, const struct place *place,
                       const struct reader_member *members, size_t count, void *object);

/* An array of up to maximum objects, each read by read into a struct of size bytes: *elements
 * (profile_keep) and *count. */
NTSTATUS reader_array(const struct reader *reader, const struct place *place, size_t maximum,
                      size_t size, reader_function *read, void **elements, uint32_t *count);

/* struct reader_data: bytes from hexadecimal digits */
struct reader_data {
    uint32_t size;
    bool given;
    unsigned char *bytes;
};

/* What the results are. */
reader_function reader_boolean;   /* bool */
reader_function reader_number;    /* uint64_t: a number of JSON */
reader_function reader_hex;       /* uint64_t: "0x..." */
reader_function reader_text;      /* const char *: valid UTF-8 without zeros */
reader_function reader_hex_bytes; /* struct reader_data */

#endif
