/* SPDX-License-Identifier: MIT */
/* Recorded bytes: with places that hold a named value which may differ in this run. */
#ifndef GOLDEN_BLOB_H
#define GOLDEN_BLOB_H

#include "report.h"
#include "symbols.h"

struct blob_symbol {
    size_t offset, size;
    uint64_t addend; /* of a name such as h:device1+0x5 */
    char *name;
};

struct blob {
    unsigned char *bytes;
    size_t size;
    struct blob_symbol *symbols;
    size_t symbol_count;
};

/* Makes a blob of {"hex": ..., "sym": ...}; a recording that cannot be understood is fatal. */
void blob_parse(struct blob *blob, const json_t *json);
void blob_free(struct blob *blob);

/* Writes the blob with the values of this run to memory of blob->size bytes. Unbound: as recorded.
 */
void blob_fill(const struct blob *blob, struct symbols *symbols, const char *scope, void *to);

/* As fill, for what the host says: names that are new are bound to the recorded values. */
void blob_fill_reply(const struct blob *blob, struct symbols *symbols, void *to);

/*
 * Compares bytes of this run with the blob and binds names that are new. Differences are reported
 * as those of what. size bytes must be the blob's size; up to padding zero bytes may be missing.
 */
bool blob_compare(const struct blob *blob, struct symbols *symbols, const char *scope,
                  const void *bytes, size_t size, size_t padding, struct report *report,
                  const char *what);

/* Decodes shortened hexadecimal text: (ab*300), [HEX~N], (u32:S*N). *size is set. */
unsigned char *blob_decode_hex(const char *text, size_t *size);

/* Plain hexadecimal text, to be freed. */
char *blob_encode_hex(const unsigned char *bytes, size_t size);

/* Splits a name such as h:device1+0x5; the name is the caller's to free. */
char *blob_split_name(const char *text, uint64_t *addend);

#endif
