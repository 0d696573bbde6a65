/* SPDX-License-Identifier: MIT */
/* The machine: what all adapters and processes of one simulated host share. */
#ifndef BACKEND_LOOPBACK_GPU_MACHINE_H
#define BACKEND_LOOPBACK_GPU_MACHINE_H

#include <stdbool.h>
#include <stdint.h>

#include <d3dkmt/d3dkmthk.h>

#define GPU_PAGE_SIZE  4096u
#define GPU_PAGE_SHIFT 12u

struct gpu_clock;
struct gpu_machine;

struct gpu_machine_config {
    uint64_t storage_size;         /* bytes of CPU-visible memory, rounded up to pages; 0: 4 GiB */
    void *storage;                 /* that memory, which outlives the machine; NULL: a memfd */
    const struct gpu_clock *clock; /* NULL: gpu_clock_monotonic; must outlive the machine */
    /* Nothing happens beside the callers, and what happens follows from their calls and the seed:
     * time is virtual, `clock` is not used, gpu_machine_after_call has to be called. */
    bool deterministic;
    uint64_t seed;
};

/* `config` may be NULL. STATUS_INVALID_PARAMETER (fewer than 4 pages, more than 1 TiB),
 * STATUS_NO_MEMORY. */
NTSTATUS gpu_machine_create(const struct gpu_machine_config *config, struct gpu_machine **machine);

/* Every adapter, fence and wait group must be gone. NULL is fine. */
void gpu_machine_destroy(struct gpu_machine *machine);

/*
 * The storage: one sparse memfd, to be mapped MAP_SHARED (or memory that was given, then -1);
 * allocations and fences say their offset in it. The machine owns the descriptor. Its size is
 * sealed, so that whoever gets it cannot shorten it under us. Page 0 and the last page are never
 * used.
 */
int gpu_machine_storage_fd(const struct gpu_machine *machine);
uint64_t gpu_machine_storage_size(const struct gpu_machine *machine);

/* The storage's bytes in this process; lives as long as the machine. */
void *gpu_machine_storage_pointer(const struct gpu_machine *machine, uint64_t offset);

const struct gpu_clock *gpu_machine_clock(const struct gpu_machine *machine);

/* After whatever a program did on the machine, when no lock is held: lets a deterministic machine's
 * engines work. Nothing on others. */
void gpu_machine_after_call(struct gpu_machine *machine);

/* Whether a deterministic machine's engines had to go on without a call, because none came for
 * 100 ms: from then on what happens depends on real time as well. */
bool gpu_machine_strayed(const struct gpu_machine *machine);

#endif
