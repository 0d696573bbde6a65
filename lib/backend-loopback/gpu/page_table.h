/* SPDX-License-Identifier: MIT */
/*
 * Page tables as the GPU's translation unit walks them: four levels of 512 entries over 48 bits, 4
 * KiB pages. The only large entries are those of the zero page, so that sparse ranges of any size
 * cost next to nothing. No locks here: address_space has the readers' and writers' lock.
 */
#ifndef BACKEND_LOOPBACK_GPU_PAGE_TABLE_H
#define BACKEND_LOOPBACK_GPU_PAGE_TABLE_H

#include <stdbool.h>
#include <stdint.h>

#include <d3dkmt/d3dkmthk.h>

struct gpu_page_table {
    uint64_t *root;
    uint32_t tables;     /* in use, with the root */
    uint32_t max_tables; /* what a guest can make us allocate */
};

NTSTATUS gpu_page_table_init(struct gpu_page_table *table, uint32_t max_tables);
void gpu_page_table_destroy(struct gpu_page_table *table);

/* Where the page frames of a mapping are: a contiguous run, or single pages. */
struct gpu_frames {
    uint8_t *base; /* NULL: use pages */
    void *const *pages;
};

/* Makes all tables that gpu_page_table_set needs for these pages; afterwards that cannot fail.
 * Changes no translation. */
NTSTATUS gpu_page_table_prepare(struct gpu_page_table *table, uint64_t address, uint64_t pages);
void gpu_page_table_set(struct gpu_page_table *table, uint64_t address, uint64_t pages,
                        const struct gpu_frames *frames, bool writable);

/* Breaks up large entries that reach over either end of the range, so that clear and set of the
 * range cannot fail and touch nothing outside. Changes no translation. */
NTSTATUS gpu_page_table_split(struct gpu_page_table *table, uint64_t address, uint64_t pages);
void gpu_page_table_clear(struct gpu_page_table *table, uint64_t address, uint64_t pages);

/* Maps the zero page. When this fails, part of the range may have it already. */
NTSTATUS gpu_page_table_set_zero(struct gpu_page_table *table, uint64_t address, uint64_t pages);

struct gpu_translation {
    uint8_t *memory; /* NULL: the zero page */
    uint64_t size;   /* contiguous bytes from there, at most what was asked for */
    bool writable;   /* always true for the zero page, which swallows writes */
};

/* False: nothing valid at `address`. */
bool gpu_page_table_translate(const struct gpu_page_table *table, uint64_t address, uint64_t size,
                              struct gpu_translation *translation);

#endif
