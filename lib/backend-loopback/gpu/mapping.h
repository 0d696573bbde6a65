/* SPDX-License-Identifier: MIT */
/* Records of what is behind addresses, and the page table entries that follow from them. Inside of
 * the folder. */
#ifndef BACKEND_LOOPBACK_GPU_MAPPING_H
#define BACKEND_LOOPBACK_GPU_MAPPING_H

#include "backend-loopback/gpu/objects.h"

/* What to put behind a range. With neither allocation nor fence: the zero page, or nothing when
 * `none` is set. */
struct gpu_backing {
    struct gpu_allocation *allocation;
    struct gpu_fence *fence;
    uint64_t page; /* first one of the allocation */
    bool writable;
    bool none;
};

/* Mappings that are out of every list and table, to be freed with no lock held: that may release
 * fences. */
void gpu_mapping_free_dead(struct gpu_mapping *dead);

/*
 * All of these are called with the adapter's memory_lock held.
 */

/* Replaces what is behind [start, end). With `deferred`, page table entries of an allocation stay
 * invalid until gpu_mapping_commit. STATUS_NO_MEMORY: nothing has changed, except that a range
 * meant for the zero page may be unmapped. */
NTSTATUS gpu_mapping_install(struct gpu_process *process, uint64_t start, uint64_t end,
                             const struct gpu_backing *backing, bool deferred,
                             struct gpu_mapping **dead);

/* Removes everything behind [start, end), which no mapping may reach over. Cannot fail. */
void gpu_mapping_remove(struct gpu_process *process, uint64_t start, uint64_t end,
                        struct gpu_mapping **dead);

/* Makes page table entries agree with records and residency: of a range, or of all that an
 * allocation has in a process. */
NTSTATUS gpu_mapping_commit(struct gpu_process *process, uint64_t start, uint64_t end);
NTSTATUS gpu_mapping_refresh(struct gpu_process *process, struct gpu_allocation *allocation);

/* Takes all mappings of an allocation out of all processes. */
void gpu_mapping_remove_allocation(struct gpu_allocation *allocation, struct gpu_mapping **dead);

/* One more record for the process; false when it has too many. */
bool gpu_process_charge_records(struct gpu_process *process, uint32_t count);

/* address.c: gpu_address_map with deferred page table entries, without locks held. */
struct gpu_map;
NTSTATUS gpu_address_map_deferred(struct gpu_process *process, const struct gpu_map *map,
                                  uint64_t *address, uint64_t *size);

/* residency.c */
bool gpu_allocation_resident_in(const struct gpu_allocation *allocation,
                                const struct gpu_process *process);

#endif
