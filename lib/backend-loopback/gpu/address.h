/* SPDX-License-Identifier: MIT */
/*
 * GPU virtual addresses of a process: 48 bits, 4 KiB pages, four levels of real page tables.
 *
 * A range of addresses belongs to the process after reserve or map and until free of exactly that
 * range. Map, unmap and protection change only what is behind addresses that the process has.
 * Memory that is mapped but not resident is there as a record; its page table entries become valid
 * with residency.
 */
#ifndef BACKEND_LOOPBACK_GPU_ADDRESS_H
#define BACKEND_LOOPBACK_GPU_ADDRESS_H

#include <stdbool.h>
#include <stdint.h>

#include <d3dkmt/d3dkmthk.h>

struct gpu_allocation;
struct gpu_fence;
struct gpu_process;

#define GPU_ADDRESS_BITS  48u
#define GPU_ADDRESS_LIMIT (UINT64_C(1) << GPU_ADDRESS_BITS)
/* Nothing is ever mapped below: address 0 means "none". */
#define GPU_ADDRESS_FIRST UINT64_C(0x10000)
/* Of addresses that the machine chooses, as WDDM. */
#define GPU_ADDRESS_ALIGNMENT UINT64_C(0x10000)

/* The bits of D3DDDIGPUVIRTUALADDRESS_PROTECTION_TYPE; Execute and reserved ones are ignored. */
#define GPU_PROTECTION_WRITE     UINT64_C(0x1)
#define GPU_PROTECTION_EXECUTE   UINT64_C(0x2)
#define GPU_PROTECTION_ZERO      UINT64_C(0x4) /* reads give zeros, writes vanish; no allocation */
#define GPU_PROTECTION_NO_ACCESS UINT64_C(0x8) /* faults; no allocation */

/* Where to put a range. A base that is not 0 is taken exactly; else the lowest free place in
 * [minimum, maximum), where maximum 0 means the end of the address space. */
struct gpu_placement {
    uint64_t base;
    uint64_t minimum;
    uint64_t maximum;
};

/* Reserves `size` bytes (a multiple of 4 KiB) of addresses; nothing is behind them.
 * STATUS_INVALID_PARAMETER (not aligned, outside the address space), STATUS_NO_MEMORY (taken, no
 * such gap, out of records). */
NTSTATUS gpu_address_reserve(struct gpu_process *process, const struct gpu_placement *placement,
                             uint64_t size, uint64_t *address);

/* Gives back a range that reserve or map made, whole, with all mappings inside.
 * STATUS_INVALID_PARAMETER when there is no such range. */
NTSTATUS gpu_address_free(struct gpu_process *process, uint64_t address, uint64_t size);

struct gpu_map {
    struct gpu_placement placement;
    struct gpu_allocation *allocation; /* NULL only with ZERO or NO_ACCESS */
    uint64_t offset_in_pages;          /* into the allocation */
    uint64_t size_in_pages;            /* 0: to the allocation's end */
    uint64_t protection;               /* GPU_PROTECTION_* */
};

/* Maps at once. A base inside a range that the process has replaces what was there; a base that
 * overlaps such a range only partly is STATUS_INVALID_PARAMETER; one in free addresses makes a
 * range. NO_ACCESS unmaps. Residency is left as it is. */
NTSTATUS gpu_address_map(struct gpu_process *process, const struct gpu_map *map, uint64_t *address);

/* The operations of D3DKMTUpdateGpuVirtualAddress, with its numbers. Offsets and sizes in bytes,
 * multiples of 4 KiB. */
enum gpu_update_type {
    GPU_UPDATE_MAP = 0, /* writable */
    GPU_UPDATE_UNMAP = 1,
    GPU_UPDATE_COPY = 2, /* the mappings of [source, source + size) to base; ranges may overlap */
    GPU_UPDATE_MAP_PROTECT = 3,
};

struct gpu_update {
    enum gpu_update_type type;
    uint64_t base;
    uint64_t size;
    struct gpu_allocation *allocation; /* the MAPs */
    uint64_t allocation_offset;        /* the MAPs */
    uint64_t
        allocation_size; /* the MAPs: when smaller than size, the piece repeats; 0: same as size */
    uint64_t protection; /* MAP_PROTECT */
    uint64_t source;     /* COPY */
};

/* In order; stops at the first that fails and leaves the earlier ones done. Every address must lie
 * in a range that the process has: else STATUS_INVALID_PARAMETER. STATUS_NO_MEMORY. */
NTSTATUS gpu_address_update(struct gpu_process *process, const struct gpu_update *updates,
                            uint32_t count);

/* A fence's page in the process's address space, 64 KiB away from anything else; unmapped with
 * gpu_address_free of one page. The mapping keeps the fence alive. */
NTSTATUS gpu_address_map_fence(struct gpu_process *process, struct gpu_fence *fence, bool writable,
                               uint64_t *address);

#endif
