/* SPDX-License-Identifier: MIT */
/*
 * Disjoint half-open ranges of addresses, sorted, with a fast search for gaps: a treap whose nodes
 * know the widest gap below them. Nodes live inside the caller's records. No locks here.
 */
#ifndef BACKEND_LOOPBACK_GPU_RANGE_TREE_H
#define BACKEND_LOOPBACK_GPU_RANGE_TREE_H

#include <stdbool.h>
#include <stdint.h>

struct gpu_range {
    uint64_t start; /* set by the caller, unchanged while in the tree */
    uint64_t end;
    struct gpu_range *left;
    struct gpu_range *right;
    uint32_t priority;
    uint64_t first; /* of this subtree: lowest start, highest end, widest gap between neighbours */
    uint64_t last;
    uint64_t gap;
};

struct gpu_range_tree {
    struct gpu_range *root;
    uint32_t random;
};

void gpu_range_tree_init(struct gpu_range_tree *tree);

/* The range must not overlap any in the tree. */
void gpu_range_insert(struct gpu_range_tree *tree, struct gpu_range *range);
void gpu_range_remove(struct gpu_range_tree *tree, struct gpu_range *range);

/* The lowest range that ends above `address`, or NULL. */
struct gpu_range *gpu_range_from(const struct gpu_range_tree *tree, uint64_t address);

/* The same, NULL unless it overlaps [start, end). */
struct gpu_range *gpu_range_overlap(const struct gpu_range_tree *tree, uint64_t start,
                                    uint64_t end);

/* The lowest multiple of `alignment` (a power of two) at which `size` bytes are free inside
 * [minimum, maximum). */
bool gpu_range_find_gap(const struct gpu_range_tree *tree, uint64_t minimum, uint64_t maximum,
                        uint64_t size, uint64_t alignment, uint64_t *start);

#endif
