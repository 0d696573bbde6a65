/* SPDX-License-Identifier: MIT */
/* What fuzz targets need: the entry point, aligned copies, a way to touch what a decoder described,
 * and inputs that are read as numbers. */
#ifndef D3DKMT_FUZZ_INPUT_H
#define D3DKMT_FUZZ_INPUT_H

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A copy of exactly size bytes, so that a sanitizer sees the first byte read behind it. Free it. */
static inline unsigned char *fuzz_copy(const uint8_t *data, size_t size)
{
    unsigned char *copy = calloc(1, size ? size : 1);
    if (!copy)
        abort();
    if (size)
        memcpy(copy, data, size);
    return copy;
}

/* Reads all bytes; the volatile sum keeps the compiler from dropping the reads. */
static inline void fuzz_touch(const unsigned char *bytes, size_t size)
{
    volatile unsigned char sum = 0;
    for (size_t i = 0; i < size; i++)
        sum = (unsigned char)(sum + bytes[i]);
}

/* An input that is read piece by piece. */
struct fuzz_input {
    const uint8_t *bytes;
    size_t left;
};

/* The next bytes as a number, the first of them the highest; fewer where the input ends. */
static inline uint32_t fuzz_next(struct fuzz_input *input, size_t bytes)
{
    uint32_t value = 0;

    for (size_t i = 0; i < bytes && input->left; i++, input->left--)
        value = value << 8 | *input->bytes++;
    return value;
}

#endif
