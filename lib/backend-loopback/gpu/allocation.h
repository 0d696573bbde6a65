/* SPDX-License-Identifier: MIT */
/* Allocations: memory with one storage for life, either in the machine's storage or in pages that
 * the guest lent. */
#ifndef BACKEND_LOOPBACK_GPU_ALLOCATION_H
#define BACKEND_LOOPBACK_GPU_ALLOCATION_H

#include <stdbool.h>
#include <stdint.h>

#include <d3dkmt/kmd.h>

struct gpu_adapter;
struct gpu_allocation;
struct gpu_process;

/* Where an allocation may live, and where best: the first of the preferred that is supported. */
#define GPU_MAX_PREFERENCES 5u
struct gpu_segments {
    uint32_t supported;       /* bit n: enum kmd_segment_group n; 0 in a change: as before */
    uint32_t preferred_count; /* 0: none; in a change: as before */
    enum kmd_segment_group preferred[GPU_MAX_PREFERENCES];
};

struct gpu_allocation_config {
    void *private_data; /* the miniport may rewrite it in place */
    uint32_t private_data_size;
    const void *resource_data;
    uint32_t resource_data_size;
    bool system_memory;        /* the guest's pages follow with gpu_allocation_set_pages */
    uint64_t standard_size;    /* of a standard allocation, else 0 */
    struct gpu_process *owner; /* NULL: counts in no process's statistics */
};

/*
 * Storage is zeroed and contiguous. STATUS_GRAPHICS_NO_VIDEO_MEMORY (no run of pages of that size
 * is left), STATUS_NO_MEMORY, STATUS_INVALID_PARAMETER (size 0 or above the storage's), or the
 * miniport's own status.
 */
NTSTATUS gpu_allocation_create(struct gpu_adapter *adapter,
                               const struct gpu_allocation_config *config,
                               struct gpu_allocation **allocation);

/* For a second owner, such as another process that opened a shared resource. Residency is counted
 * per device. */
struct gpu_allocation *gpu_allocation_reference(struct gpu_allocation *allocation);

/* With the last reference it is unmapped everywhere, its residency uncharged and its storage
 * returned; when this returns no engine touches it any more. References that queued operations keep
 * may delay that. NULL is fine. */
void gpu_allocation_release(struct gpu_allocation *allocation);

/* Takes the allocation away at once in spite of other references: no engine touches it when this
 * returns, and all of it faults from then on. The host calls it before guest pages go away. */
void gpu_allocation_revoke(struct gpu_allocation *allocation);

struct gpu_adapter *gpu_allocation_adapter(const struct gpu_allocation *allocation);
uint64_t
gpu_allocation_size(const struct gpu_allocation *allocation); /* bytes, a multiple of 4 KiB */
uint32_t gpu_allocation_flags(const struct gpu_allocation *allocation); /* KMD_ALLOCATION_* */
bool gpu_allocation_is_system_memory(const struct gpu_allocation *allocation);
enum kmd_segment_group gpu_allocation_segment(struct gpu_allocation *allocation);

/* Offset in the machine's storage; STATUS_NOT_SUPPORTED for system memory, STATUS_ACCESS_DENIED
 * when not CPU-visible. */
NTSTATUS gpu_allocation_cpu_offset(const struct gpu_allocation *allocation, uint64_t *offset);

/* The same, and keeps the storage where it is until unlocked as often. STATUS_INVALID_PARAMETER as
 * well for what is offered. */
NTSTATUS gpu_allocation_lock(struct gpu_allocation *allocation, uint64_t *offset);
void gpu_allocation_unlock(struct gpu_allocation *allocation, uint32_t count);

/* D3DDDI_ALLOCATIONPRIORITY_*, or any number between: the higher, the later others get the room.
 * Normal in the beginning. */
void gpu_allocation_set_priority(struct gpu_allocation *allocation, uint32_t priority);
uint32_t gpu_allocation_get_priority(struct gpu_allocation *allocation);

/*
 * Lends pages to an allocation of system memory: `pages[i]` is the address in this process of page
 * first + i, 4 KiB aligned, readable and, unless `read_only`, writable until the allocation is
 * released or revoked. Each page once. Until the last page has come the allocation cannot be
 * resident. STATUS_INVALID_PARAMETER.
 */
NTSTATUS gpu_allocation_set_pages(struct gpu_allocation *allocation, uint64_t first, uint64_t count,
                                  void *const *pages, bool read_only);

/* Is any device keeping it resident, and is it neither moved out for others nor offered? */
bool gpu_allocation_is_resident(struct gpu_allocation *allocation);

#endif
