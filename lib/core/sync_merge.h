/* SPDX-License-Identifier: MIT */
/*
 * Merged sync files of the library's own kind: each is signalled when all of its fences are.
 *
 * A thread, started with the first merge, waits for all of them; it never polls in vain. A merged
 * file keeps duplicates of what it consists of, so that the originals may be closed.
 */
#ifndef CORE_SYNC_MERGE_H
#define CORE_SYNC_MERGE_H

#include "core/sync_pair.h"

/* A fence to merge, or of a merged file. */
struct sync_fence {
    int descriptor; /* a sync file of either kind, or -1 once the fence is signalled */
    uint64_t id;    /* of the own kind; else 0 */
    struct d3dkmt_sync_fence_info info;
};

struct sync_fence_list {
    size_t count, room;
    struct sync_fence *fences;
};

/* Appends a copy; the list then owns the fence's descriptor. False, closing it, without memory. */
bool sync_fence_list_add(struct sync_fence_list *list, const struct sync_fence *fence);

/* Closes all descriptors and frees. */
void sync_fence_list_clear(struct sync_fence_list *list);

/*
 * Makes a merged file of at least one fence. Takes the list over, also on failure, which is
 * explained.
 */
NTSTATUS sync_merge_create(const char *name, struct sync_fence_list *list, int *merged);

/*
 * Appends the fences of a merged file that this process made, with duplicated descriptors.
 * *found: whether the id is one of those; if not, nothing is appended.
 */
NTSTATUS sync_merge_get_fences(uint64_t id, struct sync_fence_list *list, bool *found);

/* The state of a sync file of either kind as one fence; false if it is none. (syncfile.c) */
bool sync_file_look(int descriptor, struct d3dkmt_sync_fence_info *info);

#endif
