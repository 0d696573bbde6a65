/* SPDX-License-Identifier: MIT */
/* A whole life with each of its memory allocations failing in turn: a clean status every time, and
 * nothing left behind. */
#include "fixture.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_aligned_alloc(size_t alignment, size_t size);
int __real_posix_memalign(void **memory, size_t alignment, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_aligned_alloc(size_t alignment, size_t size);
int __wrap_posix_memalign(void **memory, size_t alignment, size_t size);

/* Allocations until the one that fails; below zero: none does any more. */
static _Atomic int64_t countdown = INT64_MIN;

static bool fails(void)
{
    return atomic_fetch_sub(&countdown, 1) == 0;
}

void *__wrap_malloc(size_t size)
{
    return fails() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
    return fails() ? NULL : __real_calloc(count, size);
}

void *__wrap_aligned_alloc(size_t alignment, size_t size)
{
    return fails() ? NULL : __real_aligned_alloc(alignment, size);
}

int __wrap_posix_memalign(void **memory, size_t alignment, size_t size)
{
    return fails() ? ENOMEM : __real_posix_memalign(memory, alignment, size);
}

static void ignore(void *context, enum gpu_wait_result result)
{
    (void)context;
    (void)result;
}

struct life {
    struct gpu_machine *machine;
    struct gpu_adapter *adapter;
    struct gpu_process *process;
    struct gpu_device *device;
    struct gpu_paging_queue *paging;
    struct gpu_context *context;
    struct gpu_hw_queue *queue;
    struct gpu_fence *fence;
    struct gpu_allocation *allocation;
    struct gpu_wait_group *waits;
};

static NTSTATUS be_born(struct life *life, bool asynchronous)
{
    struct gpu_machine_config machine = {.storage_size = 1u << 20};
    struct gpu_adapter_config adapter = rig_adapter_config();
    struct gpu_fence_config fence = {.type = GPU_FENCE_MONITORED};
    NTSTATUS status = gpu_machine_create(&machine, &life->machine);

    adapter.asynchronous_paging = asynchronous;
    adapter.miniport_options = "driver-store=/nowhere";
    if (NT_SUCCESS(status))
        status = gpu_adapter_create(life->machine, &adapter, &life->adapter);
    if (NT_SUCCESS(status))
        status = gpu_process_create(life->adapter, "test", &life->process);
    if (NT_SUCCESS(status))
        status = gpu_device_create(life->process, NULL, NULL, &life->device);
    fence.device = life->device;
    if (NT_SUCCESS(status))
        status = gpu_paging_queue_create(life->device, &life->paging);
    if (NT_SUCCESS(status))
        status = gpu_context_create(life->device, 0, NULL, 0, &life->context);
    if (NT_SUCCESS(status))
        status = gpu_hw_queue_create(life->context, NULL, 0, &life->queue);
    if (NT_SUCCESS(status))
        status = gpu_fence_create(life->machine, &fence, &life->fence);
    if (NT_SUCCESS(status))
        status = gpu_wait_group_create(life->machine, 0, &life->waits);
    return status;
}

static NTSTATUS have_memory(struct life *life)
{
    struct softgpu_allocation data = softgpu_allocation_data(8 * PAGE, 0);
    struct gpu_allocation_config config = {.private_data = &data,
                                           .private_data_size = sizeof(data)};
    struct gpu_map map = {.protection = GPU_PROTECTION_WRITE};
    struct gpu_placement anywhere = {0};
    struct gpu_update copy = {.type = GPU_UPDATE_COPY, .size = 2 * PAGE};
    uint64_t address = 0;
    uint64_t ignored;
    NTSTATUS status = gpu_allocation_create(life->adapter, &config, &life->allocation);

    if (NT_SUCCESS(status))
        status = gpu_paging_queue_make_resident(life->paging, 1, &life->allocation, 0, &ignored,
                                                &ignored);
    map.allocation = life->allocation;
    if (NT_SUCCESS(status))
        status = gpu_paging_queue_map(life->paging, &map, &address, &ignored);
    if (NT_SUCCESS(status)) {
        copy.source = address;
        status = gpu_address_reserve(life->process, &anywhere, 16 * PAGE, &copy.base);
    }
    if (NT_SUCCESS(status))
        status = gpu_address_update(life->process, &copy, 1);
    map.placement.base = address + 2 * PAGE;
    map.size_in_pages = 3;
    map.protection = GPU_PROTECTION_ZERO;
    if (NT_SUCCESS(status))
        status = gpu_address_map(life->process, &map, &address);
    return status;
}

static NTSTATUS work(struct life *life)
{
    uint64_t one = 1;
    NTSTATUS status = gpu_queue_submit(gpu_context_queue(life->context), 0x10000, 0, NULL, 0);

    if (NT_SUCCESS(status))
        status = gpu_queue_submit_progress(gpu_hw_queue_queue(life->queue), 0x10000, 0, NULL, 0, 1);
    if (NT_SUCCESS(status))
        status = gpu_queue_signal(gpu_context_queue(life->context), 1, &life->fence, &one);
    if (NT_SUCCESS(status))
        status = gpu_wait_register(life->waits, 1, &life->fence, &one, false, ignore, NULL);
    return status;
}

static void die(struct life *life)
{
    gpu_wait_group_destroy(life->waits);
    gpu_allocation_release(life->allocation);
    gpu_fence_release(life->fence);
    gpu_hw_queue_destroy(life->queue);
    gpu_context_destroy(life->context);
    gpu_paging_queue_destroy(life->paging);
    gpu_device_destroy(life->device);
    gpu_process_destroy(life->process);
    gpu_adapter_destroy(life->adapter);
    gpu_machine_destroy(life->machine);
}

static NTSTATUS live(int64_t failing, bool asynchronous)
{
    struct life life;
    NTSTATUS status;

    memset(&life, 0, sizeof(life));
    atomic_store(&countdown, failing);
    status = be_born(&life, asynchronous);
    if (NT_SUCCESS(status))
        status = have_memory(&life);
    if (NT_SUCCESS(status))
        status = work(&life);
    /* What happens on other threads may use up the failure after we have finished: then it was
     * theirs to survive. */
    die(&life);
    return status;
}

/* Until no allocation is left to fail. Each failure shows as a failure of a call, or not at all. */
static void fail_one_by_one(bool asynchronous)
{
    unsigned failures = 0;

    for (int64_t failing = 0; failing < 1000; failing++) {
        NTSTATUS status = live(failing, asynchronous);

        failures += !NT_SUCCESS(status);
        if (!NT_SUCCESS(status))
            assert_true(status == STATUS_NO_MEMORY ||
                        (asynchronous && status == STATUS_DEVICE_REMOVED));
        if (atomic_load(&countdown) >= 0)
            break; /* not reached any more */
    }
    atomic_store(&countdown, INT64_MIN);
    assert_in_range(failures, 20, 999);
}

static void every_allocation_may_fail(void **state)
{
    (void)state;
    fail_one_by_one(false);
}

static void every_allocation_may_fail_with_asynchronous_paging(void **state)
{
    (void)state;
    fail_one_by_one(true);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_allocation_may_fail),
        cmocka_unit_test(every_allocation_may_fail_with_asynchronous_paging),
    };

    return cmocka_run_group_tests_name("gpu-memory_failure", tests, NULL, NULL);
}
