/* SPDX-License-Identifier: MIT */
/*
 * Intel's tagged streams, in which user-mode driver and kernel-mode driver exchange structures on
 * Linux. Little endian, 4-byte units. An entry is a header (16-bit id, 8-bit number of units of the
 * value, 8-bit flags) and the value; one of variable length holds index in an array, length in
 * bytes and length in units instead, and then entries. A bool is bit 0 of the flags. Unknown
 * entries are skipped, unless they say that they are mandatory.
 */
#ifndef MINIPORTS_INTEL_TOKENS_H
#define MINIPORTS_INTEL_TOKENS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum token {
    TOKEN_ADAPTER_INFO = 1,
    TOKEN_SURFACE = 7,
    TOKEN_SUBMIT_HEADER = 48,

    TOKEN_SUBSLICE_ENABLED = 195,
    TOKEN_SUBSLICE_EU_COUNT = 196,
    TOKEN_DUAL_SUBSLICE_ENABLED = 198,
    TOKEN_DUAL_SUBSLICE_SUBSLICES = 199,
    TOKEN_SLICE_ENABLED = 200,
    TOKEN_SLICE_DUAL_SUBSLICES = 202,

    TOKEN_TOPOLOGY_EU_COUNT = 299,
    TOKEN_TOPOLOGY_THREAD_COUNT = 300,
    TOKEN_TOPOLOGY_SLICE_COUNT = 301,
    TOKEN_TOPOLOGY_SUBSLICE_COUNT = 302,
    TOKEN_TOPOLOGY_DUAL_SUBSLICE_COUNT = 303,
    TOKEN_TOPOLOGY_L3_KIB = 304,
    TOKEN_TOPOLOGY_L3_BANKS = 308,
    TOKEN_TOPOLOGY_MAX_EU_PER_SUBSLICE = 319,
    TOKEN_TOPOLOGY_MAX_SLICES = 320,
    TOKEN_TOPOLOGY_MAX_SUBSLICES = 321,
    TOKEN_TOPOLOGY_MAX_DUAL_SUBSLICES = 322,
    TOKEN_TOPOLOGY_SLICES = 324,
    TOKEN_TOPOLOGY_THREADS_PER_EU = 336,

    TOKEN_FEATURE_PPGTT = 598,
    TOKEN_FEATURE_64BIT_PAGE_TABLES = 599,
    TOKEN_FEATURE_SVM = 603,
    TOKEN_FEATURE_L3_COHERENT = 609,

    TOKEN_PLATFORM_PRODUCT = 3475,
    TOKEN_PLATFORM_RENDER_CORE = 3478,
    TOKEN_PLATFORM_DEVICE_ID = 3480,

    TOKEN_HEAP_BASE = 3532,
    TOKEN_HEAP_LIMIT = 3533,
    TOKEN_HEAPS_STANDARD = 3534,
    TOKEN_HEAPS_STANDARD_64K = 3535,
    TOKEN_HEAPS_SVM = 3538,
    TOKEN_HEAPS_32BIT = 3540,

    TOKEN_ADAPTER_PLATFORM = 3551,
    TOKEN_ADAPTER_FEATURES = 3552,
    TOKEN_ADAPTER_TIMESTAMP_HZ = 3555,
    TOKEN_ADAPTER_MAX_MHZ = 3559,
    TOKEN_ADAPTER_DEDICATED_MEMORY = 3577,
    TOKEN_ADAPTER_SHARED_MEMORY = 3578,
    TOKEN_ADAPTER_TOPOLOGY = 3585,
    TOKEN_ADAPTER_HEAPS = 3588,

    TOKEN_SUBMIT_FENCE_ADDRESS = 3730,
    TOKEN_SUBMIT_FENCE_VALUE = 3731,

    TOKEN_TEXTURE_SIZE = 3919,
    TOKEN_RESOURCE_TEXTURE = 3951,
    TOKEN_SURFACE_RESOURCE = 3962,
};

/* ---- writing: into a buffer of the caller's; what does not fit sets overflow */

struct token_writer {
    unsigned char *data;
    size_t size, used;
    bool overflow;
};

void tokens_bool(struct token_writer *writer, enum token id, bool value);
void tokens_u32(struct token_writer *writer, enum token id, uint32_t value);
void tokens_u64(struct token_writer *writer, enum token id, uint64_t value);

/* Entries between the two belong to the structure; begin returns what end needs. */
size_t tokens_begin(struct token_writer *writer, enum token id, uint32_t index);
void tokens_end(struct token_writer *writer, size_t begin);

/* ---- reading: the bytes are a program's and may be anything */

struct token_span {
    const unsigned char *data;
    size_t size;
};

/*
 * The entries of the first structure of this id in a stream. False: there is none, or the stream is
 * broken before it.
 */
bool tokens_structure(struct token_span stream, enum token id, struct token_span *entries);

/* A value of 1 or 2 units, as tokens_structure. */
bool tokens_number(struct token_span stream, enum token id, uint64_t *value);

#endif
