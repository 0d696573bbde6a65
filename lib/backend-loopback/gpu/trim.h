/* SPDX-License-Identifier: MIT */
/*
 * Room in a segment: who loses what when it is full. Inside of the folder.
 *
 * A process runs with all that it holds in the segment, or not at all: half of its memory would be
 * a fault. So memory is moved out of processes that run nothing this moment, and comes back before
 * their next command buffer. Residency limits see to it that everything which one process holds
 * fits beside what the others have reserved.
 */
#ifndef BACKEND_LOOPBACK_GPU_TRIM_H
#define BACKEND_LOOPBACK_GPU_TRIM_H

#include "backend-loopback/gpu/objects.h"

/* ---- with the adapter's memory_lock held */

/*
 * Gives a resident allocation its room: offered memory is discarded, lowest priority first, then
 * memory of idle processes moved out, lowest priority and longest unused first. Page table entries
 * are left alone in the process that asks, which does not make room for itself.
 * STATUS_GRAPHICS_TRY_AGAIN_LATER: the rest is in use; STATUS_NO_MEMORY: no page tables. Then it
 * stays out.
 */
NTSTATUS gpu_trim_bring_in(struct gpu_allocation *allocation, const struct gpu_process *owner);

/* Room for as many bytes in a group, not at the cost of one process; false: the rest is in use. */
bool gpu_trim_make_room(const struct gpu_allocation *allocation, enum kmd_segment_group group,
                        const struct gpu_process *except);

/* Discards what the process has offered until the rest fits into its budget. */
void gpu_trim_offered_to_budget(struct gpu_process *process);

/* Takes the storage of an offered allocation whose owner allows that; false when there is none. */
bool gpu_trim_decommit_one(struct gpu_adapter *adapter);

/* ---- without locks: around each run of a command buffer */

/* Everything that the process holds is in its segment until the run is left.
 * STATUS_GRAPHICS_TRY_AGAIN_LATER: not yet; gpu_trim_withdraw when there will be no other try. */
NTSTATUS gpu_trim_enter_run(struct gpu_process *process);
void gpu_trim_leave_run(struct gpu_process *process);
void gpu_trim_withdraw(struct gpu_process *process);

#endif
