/* SPDX-License-Identifier: MIT */
/* Treap by split and merge: no rotations, and aggregates are recomputed on the way up. */
#include "backend-loopback/gpu/range_tree.h"

#include <stddef.h>

void gpu_range_tree_init(struct gpu_range_tree *tree)
{
    tree->root = NULL;
    tree->random = 0x9e3779b9u;
}

static uint64_t larger(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

static void update(struct gpu_range *node)
{
    const struct gpu_range *left = node->left;
    const struct gpu_range *right = node->right;

    node->first = left ? left->first : node->start;
    node->last = right ? right->last : node->end;
    node->gap = 0;
    if (left)
        node->gap = larger(left->gap, node->start - left->last);
    if (right)
        node->gap = larger(node->gap, larger(right->gap, right->first - node->end));
}

/* Everything that starts below `start` to the left, the rest to the right. */
static void split(struct gpu_range *node, uint64_t start, struct gpu_range **left,
                  struct gpu_range **right)
{
    if (!node) {
        *left = NULL;
        *right = NULL;
    } else if (node->start < start) {
        split(node->right, start, &node->right, right);
        *left = node;
        update(node);
    } else {
        split(node->left, start, left, &node->left);
        *right = node;
        update(node);
    }
}

static struct gpu_range *merge(struct gpu_range *left, struct gpu_range *right)
{
    if (!left)
        return right;
    if (!right)
        return left;
    if (left->priority >= right->priority) {
        left->right = merge(left->right, right);
        update(left);
        return left;
    }
    right->left = merge(left, right->left);
    update(right);
    return right;
}

/* Addresses are chosen by guests, priorities must not follow from them: xorshift, deterministic for
 * a given history. */
static uint32_t next_random(struct gpu_range_tree *tree)
{
    tree->random ^= tree->random << 13;
    tree->random ^= tree->random >> 17;
    tree->random ^= tree->random << 5;
    return tree->random;
}

void gpu_range_insert(struct gpu_range_tree *tree, struct gpu_range *range)
{
    struct gpu_range *left;
    struct gpu_range *right;

    range->left = NULL;
    range->right = NULL;
    range->priority = next_random(tree);
    update(range);
    split(tree->root, range->start, &left, &right);
    tree->root = merge(merge(left, range), right);
}

void gpu_range_remove(struct gpu_range_tree *tree, struct gpu_range *range)
{
    struct gpu_range *left;
    struct gpu_range *middle;
    struct gpu_range *right;

    split(tree->root, range->start, &left, &middle);
    split(middle, range->start + 1, &middle, &right);
    tree->root = merge(left, right);
}

struct gpu_range *gpu_range_from(const struct gpu_range_tree *tree, uint64_t address)
{
    struct gpu_range *node = tree->root;
    struct gpu_range *best = NULL;

    while (node) {
        if (node->end > address) {
            best = node;
            node = node->left;
        } else {
            node = node->right;
        }
    }
    return best;
}

struct gpu_range *gpu_range_overlap(const struct gpu_range_tree *tree, uint64_t start, uint64_t end)
{
    struct gpu_range *range = gpu_range_from(tree, start);

    return range && range->start < end ? range : NULL;
}

struct gap_search {
    uint64_t minimum;
    uint64_t maximum;
    uint64_t size;
    uint64_t alignment;
};

static bool try_gap(const struct gap_search *search, uint64_t low, uint64_t high, uint64_t *start)
{
    uint64_t aligned;

    low = larger(low, search->minimum);
    if (high > search->maximum)
        high = search->maximum;
    aligned = (low + search->alignment - 1) & ~(search->alignment - 1);
    if (aligned < low || aligned >= high || high - aligned < search->size)
        return false;
    *start = aligned;
    return true;
}

/* Free addresses of [low, high), in which exactly the ranges of `node`'s subtree lie. */
static bool find_below(const struct gpu_range *node, const struct gap_search *search, uint64_t low,
                       uint64_t high, uint64_t *start)
{
    if (high <= search->minimum || low >= search->maximum)
        return false;
    if (!node)
        return try_gap(search, low, high, start);
    if (node->gap < search->size && node->first - low < search->size &&
        high - node->last < search->size)
        return false;
    return find_below(node->left, search, low, node->start, start) ||
           find_below(node->right, search, node->end, high, start);
}

bool gpu_range_find_gap(const struct gpu_range_tree *tree, uint64_t minimum, uint64_t maximum,
                        uint64_t size, uint64_t alignment, uint64_t *start)
{
    struct gap_search search = {minimum, maximum, size, alignment};

    return find_below(tree->root, &search, 0, UINT64_MAX, start);
}
