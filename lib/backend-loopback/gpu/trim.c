/* SPDX-License-Identifier: MIT */
/* Choosing victims, and the agreement between those who move memory out and engines that run. */
#include "backend-loopback/gpu/trim.h"

#include "backend-loopback/gpu/mapping.h"
#include "backend-loopback/gpu/residency.h"

/* ---- Offered memory */

static bool goes_before(const struct gpu_allocation *one, const struct gpu_allocation *other)
{
    if (one->offer_priority != other->offer_priority)
        return one->offer_priority < other->offer_priority;
    return one->offer_order < other->offer_order;
}

/* Whether an offered allocation may be taken for a purpose. */
typedef bool (*offer_filter)(const struct gpu_allocation *allocation, const void *context);

static struct gpu_allocation *first_offered(const struct gpu_adapter *adapter, offer_filter filter,
                                            const void *context)
{
    struct gpu_allocation *best = NULL;

    for (struct gpu_allocation *one = adapter->allocations; one; one = one->next) {
        if (one->offered && filter(one, context) && (!best || goes_before(one, best)))
            best = one;
    }
    return best;
}

static void discard(struct gpu_allocation *allocation)
{
    struct gpu_storage *storage = &allocation->adapter->machine->storage;

    gpu_residency_count(allocation, false);
    allocation->discarded = true;
    gpu_residency_count(allocation, true);
    allocation->adapter->figures.bytes_discarded += allocation->pages * GPU_PAGE_SIZE;
    if (allocation->may_decommit) {
        allocation->decommitted = true;
        gpu_storage_free(storage, allocation->storage_offset, allocation->pages);
    } else {
        gpu_storage_discard(storage, allocation->storage_offset, allocation->pages);
    }
}

static bool lies_in_group(const struct gpu_allocation *allocation, const void *context)
{
    return gpu_residency_in_segment(allocation) &&
           allocation->segment == *(const enum kmd_segment_group *)context;
}

struct share {
    const struct gpu_process *process;
    enum kmd_segment_group group;
};

static bool lies_in_share(const struct gpu_allocation *allocation, const void *context)
{
    const struct share *share = context;

    return lies_in_group(allocation, &share->group) &&
           gpu_allocation_resident_in(allocation, share->process);
}

static bool has_storage_to_give(const struct gpu_allocation *allocation, const void *context)
{
    (void)context;
    return allocation->may_decommit && !allocation->decommitted;
}

void gpu_trim_offered_to_budget(struct gpu_process *process)
{
    for (unsigned group = 0; group < KMD_SEGMENT_GROUPS; group++) {
        struct share share = {process, (enum kmd_segment_group)group};
        uint64_t budget = gpu_residency_limit(process, group, false);

        while (process->held[group] + process->offered[group] > budget) {
            struct gpu_allocation *victim = first_offered(process->adapter, lies_in_share, &share);

            if (!victim)
                break;
            discard(victim);
        }
    }
}

bool gpu_trim_decommit_one(struct gpu_adapter *adapter)
{
    struct gpu_allocation *allocation = first_offered(adapter, has_storage_to_give, NULL);

    if (allocation)
        discard(allocation);
    return allocation;
}

/* ---- Moving out */

static bool somebody_runs(const struct gpu_allocation *allocation)
{
    const struct gpu_resident *resident = allocation->residents;

    while (resident && atomic_load(&resident->device->process->running) == 0)
        resident = resident->next;
    return resident;
}

/* Memory moves in whole allocations: a process loses some only while it has more than its
 * reservation in the segment. */
static bool may_move_out(const struct gpu_allocation *allocation, const struct gpu_process *except)
{
    unsigned group = allocation->segment;

    if (!gpu_residency_in_segment(allocation) || allocation->offered || somebody_runs(allocation))
        return false;
    for (const struct gpu_resident *resident = allocation->residents; resident;
         resident = resident->next) {
        const struct gpu_process *process = resident->device->process;

        if (process == except || process->usage[group] <= process->reservation[group])
            return false;
    }
    return true;
}

static uint64_t last_use(const struct gpu_allocation *allocation)
{
    uint64_t last = 0;

    for (const struct gpu_resident *resident = allocation->residents; resident;
         resident = resident->next) {
        uint64_t use = atomic_load(&resident->device->process->last_use);

        last = use > last ? use : last;
    }
    return last;
}

static bool is_needed_less(const struct gpu_allocation *one, const struct gpu_allocation *other)
{
    if (one->priority != other->priority)
        return one->priority < other->priority;
    return last_use(one) < last_use(other);
}

static struct gpu_allocation *least_needed(const struct gpu_adapter *adapter,
                                           enum kmd_segment_group group,
                                           const struct gpu_process *except)
{
    struct gpu_allocation *least = NULL;

    for (struct gpu_allocation *one = adapter->allocations; one; one = one->next) {
        if (one->segment == group && may_move_out(one, except) &&
            (!least || is_needed_less(one, least)))
            least = one;
    }
    return least;
}

static void set_out(struct gpu_allocation *allocation, bool out)
{
    gpu_residency_count(allocation, false);
    allocation->out = out;
    gpu_residency_count(allocation, true);
}

static void count_eviction(const struct gpu_allocation *allocation)
{
    struct gpu_adapter *adapter = allocation->adapter;
    unsigned class = gpu_statistics_priority_class(allocation->priority);
    uint64_t bytes = allocation->pages * GPU_PAGE_SIZE;

    gpu_statistics_count(&adapter->figures.evicted, bytes);
    adapter->evicted[allocation->segment][class] += bytes;
    for (struct gpu_process *process = adapter->processes; process; process = process->next) {
        if (gpu_allocation_resident_in(allocation, process))
            process->evicted[allocation->segment][class] += bytes;
    }
}

/* An engine that began a run before it could see the absence keeps the memory where it is. */
static void move_out(struct gpu_allocation *allocation)
{
    set_out(allocation, true);
    if (somebody_runs(allocation)) {
        set_out(allocation, false);
        return;
    }
    (void)gpu_residency_refresh(allocation, NULL); /* invalidating needs no memory */
    count_eviction(allocation);
}

bool gpu_trim_make_room(const struct gpu_allocation *allocation, enum kmd_segment_group group,
                        const struct gpu_process *except)
{
    struct gpu_adapter *adapter = allocation->adapter;
    uint64_t needed = allocation->pages * GPU_PAGE_SIZE;

    while (adapter->segment_used[group] + needed > adapter->info.segment_size[group]) {
        struct gpu_allocation *victim = first_offered(adapter, lies_in_group, &group);

        if (victim) {
            discard(victim);
            continue;
        }
        victim = least_needed(adapter, group, except);
        if (!victim)
            return false;
        move_out(victim);
    }
    return true;
}

static NTSTATUS bring_in(struct gpu_allocation *allocation, const struct gpu_process *owner,
                         const struct gpu_process *left_alone)
{
    NTSTATUS status;

    if (!allocation->out || allocation->offered)
        return STATUS_SUCCESS;
    if (!gpu_trim_make_room(allocation, allocation->segment, owner))
        return STATUS_GRAPHICS_TRY_AGAIN_LATER;
    set_out(allocation, false);
    status = gpu_residency_refresh(allocation, left_alone);
    if (!NT_SUCCESS(status)) {
        set_out(allocation, true);
        (void)gpu_residency_refresh(allocation, left_alone);
    }
    return status;
}

NTSTATUS gpu_trim_bring_in(struct gpu_allocation *allocation, const struct gpu_process *owner)
{
    return bring_in(allocation, owner, owner);
}

/* ---- Runs */

static void note_use(struct gpu_process *process)
{
    atomic_store(&process->last_use, atomic_fetch_add(&process->adapter->uses, 1) + 1);
}

static NTSTATUS bring_everything_in(struct gpu_process *process)
{
    struct gpu_allocation *allocation = process->adapter->allocations;
    NTSTATUS status = STATUS_SUCCESS;

    for (; allocation && NT_SUCCESS(status) && atomic_load(&process->absent) > 0;
         allocation = allocation->next) {
        if (gpu_allocation_resident_in(allocation, process))
            status = bring_in(allocation, process, NULL);
    }
    return status;
}

/* One process at a time may wait with a claim: nobody else begins a run until it has had its turn,
 * so those that run end and it is not overtaken for ever. */
static NTSTATUS enter_after_bringing_in(struct gpu_process *process)
{
    struct gpu_adapter *adapter = process->adapter;
    struct gpu_process *claimant;
    NTSTATUS status = STATUS_GRAPHICS_TRY_AGAIN_LATER;

    pthread_mutex_lock(&adapter->memory_lock);
    claimant = atomic_load(&adapter->claimant);
    if (!claimant || claimant == process)
        status = bring_everything_in(process);
    if (NT_SUCCESS(status)) {
        atomic_fetch_add(&process->running, 1);
        note_use(process);
    }
    if (status != STATUS_GRAPHICS_TRY_AGAIN_LATER && claimant == process)
        atomic_store(&adapter->claimant, NULL);
    else if (status == STATUS_GRAPHICS_TRY_AGAIN_LATER && !claimant)
        atomic_store(&adapter->claimant, process);
    pthread_mutex_unlock(&adapter->memory_lock);
    return status;
}

NTSTATUS gpu_trim_enter_run(struct gpu_process *process)
{
    atomic_fetch_add(&process->running, 1);
    if (atomic_load(&process->absent) == 0 && !atomic_load(&process->adapter->claimant)) {
        note_use(process);
        return STATUS_SUCCESS;
    }
    atomic_fetch_sub(&process->running, 1);
    return enter_after_bringing_in(process);
}

void gpu_trim_leave_run(struct gpu_process *process)
{
    atomic_fetch_sub(&process->running, 1);
}

void gpu_trim_withdraw(struct gpu_process *process)
{
    pthread_mutex_lock(&process->adapter->memory_lock);
    if (atomic_load(&process->adapter->claimant) == process)
        atomic_store(&process->adapter->claimant, NULL);
    pthread_mutex_unlock(&process->adapter->memory_lock);
}
