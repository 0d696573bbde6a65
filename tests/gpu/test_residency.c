/* SPDX-License-Identifier: MIT */
/* Budgets, reference counts, eviction, and paging operations that are done later. */
#include "fixture.h"

#include <string.h>

#define LOCAL_PAGES  64u
#define BUDGET_PAGES 32u

static struct gpu_adapter_config small_config(void)
{
    struct gpu_adapter_config config = rig_adapter_config();

    config.segment_size[KMD_SEGMENT_LOCAL] = LOCAL_PAGES * PAGE;
    config.budget[KMD_SEGMENT_LOCAL] = BUDGET_PAGES * PAGE;
    return config;
}

static int set_up(void **state)
{
    static struct rig rig;
    struct gpu_adapter_config config = small_config();

    rig_open(&rig, NULL, &config);
    *state = &rig;
    return 0;
}

static NTSTATUS make_resident(struct rig *rig, struct gpu_allocation *allocation, uint32_t flags,
                              uint64_t *trim)
{
    uint64_t value;

    return gpu_paging_queue_make_resident(rig->paging, 1, &allocation, flags, &value, trim);
}

static uint64_t used_pages(struct rig *rig)
{
    return gpu_adapter_segment_used(rig->adapter, KMD_SEGMENT_LOCAL) / PAGE;
}

static uint64_t evict(struct rig *rig, struct gpu_allocation *allocation)
{
    uint64_t trim;

    assert_int_equal(gpu_device_evict(rig->device, 1, &allocation, &trim), STATUS_SUCCESS);
    return trim;
}

static void residency_is_counted(void **state)
{
    struct rig *rig = *state;
    struct gpu_allocation *allocation = rig_allocate(rig, 3 * PAGE, 0);
    uint64_t trim;

    assert_false(gpu_allocation_is_resident(allocation));
    assert_int_equal(make_resident(rig, allocation, 0, &trim), STATUS_SUCCESS);
    assert_int_equal(make_resident(rig, allocation, 0, &trim), STATUS_SUCCESS);
    assert_int_equal(used_pages(rig), 3);
    evict(rig, allocation);
    assert_true(gpu_allocation_is_resident(allocation));
    evict(rig, allocation);
    assert_false(gpu_allocation_is_resident(allocation));
    evict(rig, allocation); /* one too many does nothing */
    assert_int_equal(used_pages(rig), 0);
    gpu_allocation_release(allocation);
}

static void over_budget_says_how_much_to_trim(void **state)
{
    struct rig *rig = *state;
    struct gpu_allocation *first = rig_allocate(rig, 20 * PAGE, 0);
    struct gpu_allocation *second = rig_allocate(rig, 20 * PAGE, 0);
    struct gpu_memory_info info;
    uint64_t trim;

    assert_int_equal(make_resident(rig, first, 0, &trim), STATUS_SUCCESS);
    assert_int_equal(make_resident(rig, second, 0, &trim), STATUS_NO_MEMORY);
    assert_int_equal(trim, 8 * PAGE);
    assert_false(gpu_allocation_is_resident(second));
    gpu_process_memory_info(rig->process, KMD_SEGMENT_LOCAL, &info);
    assert_int_equal(info.budget, BUDGET_PAGES * PAGE);
    assert_int_equal(info.usage, 20 * PAGE);
    evict(rig, first);
    assert_int_equal(make_resident(rig, second, 0, &trim), STATUS_SUCCESS);
    gpu_allocation_release(first);
    gpu_allocation_release(second);
}

static void a_list_is_resident_as_a_whole_or_not_at_all(void **state)
{
    struct rig *rig = *state;
    struct gpu_allocation *list[3];
    uint64_t value;
    uint64_t trim;

    for (unsigned i = 0; i < 3; i++)
        list[i] = rig_allocate(rig, 15 * PAGE, 0);
    assert_int_equal(gpu_paging_queue_make_resident(rig->paging, 3, list, 0, &value, &trim),
                     STATUS_NO_MEMORY);
    assert_int_equal(trim, 13 * PAGE);
    assert_int_equal(used_pages(rig), 0);
    assert_int_equal(gpu_paging_queue_make_resident(rig->paging, 2, list, 0, &value, &trim),
                     STATUS_SUCCESS);
    assert_int_equal(gpu_paging_queue_make_resident(rig->paging, 0, list, 0, &value, &trim),
                     STATUS_INVALID_PARAMETER);
    for (unsigned i = 0; i < 3; i++)
        gpu_allocation_release(list[i]);
    assert_int_equal(used_pages(rig), 0);
}

static void cant_trim_exceeds_the_budget_not_the_segment(void **state)
{
    struct rig *rig = *state;
    struct gpu_allocation *first = rig_allocate(rig, 40 * PAGE, 0);
    struct gpu_allocation *second = rig_allocate(rig, 40 * PAGE, 0);
    uint64_t trim;

    assert_int_equal(make_resident(rig, first, GPU_RESIDENT_CANT_TRIM_FURTHER, &trim),
                     STATUS_SUCCESS);
    assert_int_equal(make_resident(rig, first, 0, &trim),
                     STATUS_SUCCESS); /* one more count costs nothing */
    assert_int_equal(make_resident(rig, second, GPU_RESIDENT_CANT_TRIM_FURTHER, &trim),
                     STATUS_NO_MEMORY);
    assert_int_equal(trim, 16 * PAGE);
    assert_int_equal(gpu_device_get_state(rig->device), GPU_DEVICE_ACTIVE);
    assert_int_equal(evict(rig, first), 8 * PAGE);
    assert_int_equal(make_resident(rig, second, GPU_RESIDENT_MUST_SUCCEED, &trim),
                     STATUS_NO_MEMORY);
    assert_int_equal(gpu_device_get_state(rig->device), GPU_DEVICE_OUT_OF_MEMORY);
    gpu_allocation_release(first);
    gpu_allocation_release(second);
}

static void segments_are_charged_apart(void **state)
{
    struct rig *rig = *state;
    struct gpu_allocation *allocation = rig_allocate(rig, 100 * PAGE, SOFTGPU_ALLOCATION_NON_LOCAL);
    uint64_t trim;

    assert_int_equal(make_resident(rig, allocation, 0, &trim), STATUS_SUCCESS);
    assert_int_equal(used_pages(rig), 0);
    assert_int_equal(gpu_adapter_segment_used(rig->adapter, KMD_SEGMENT_NON_LOCAL), 100 * PAGE);
    gpu_allocation_release(allocation);
    assert_int_equal(gpu_adapter_segment_used(rig->adapter, KMD_SEGMENT_NON_LOCAL), 0);
}

static void devices_count_apart(void **state)
{
    struct rig *rig = *state;
    struct rig other = *rig;
    struct gpu_allocation *allocation = rig_allocate(rig, PAGE, 0);
    uint64_t trim;

    other.device = rig_new_device(&other);
    assert_int_equal(gpu_paging_queue_create(other.device, &other.paging), STATUS_SUCCESS);
    assert_int_equal(make_resident(rig, allocation, 0, &trim), STATUS_SUCCESS);
    assert_int_equal(make_resident(&other, allocation, 0, &trim), STATUS_SUCCESS);
    assert_int_equal(used_pages(rig), 1);
    evict(rig, allocation);
    assert_true(gpu_allocation_is_resident(allocation));
    gpu_device_destroy(other.device);
    assert_false(gpu_allocation_is_resident(allocation));
    assert_int_equal(make_resident(&other, allocation, 0, &trim), STATUS_DEVICE_REMOVED);
    assert_int_equal(used_pages(rig), 0);
    gpu_paging_queue_destroy(other.paging);
    gpu_allocation_release(allocation);
}

static void evicted_memory_faults_and_keeps_its_content(void **state)
{
    struct rig *rig = *state;
    struct gpu_context *context = rig_new_context(rig, NODE_3D);
    struct commands commands = commands_create(rig);
    struct buffer buffer = buffer_create(rig, PAGE);
    uint32_t *words = buffer.data;

    softgpu_write32(&commands.writer, buffer.address, 1);
    assert_int_equal(commands_run(rig, &commands, gpu_context_queue(context)), GPU_DEVICE_ACTIVE);
    evict(rig, buffer.allocation);
    assert_int_equal(words[0], 1);
    rig_make_resident(rig, buffer.allocation);
    commands_restart(&commands);
    softgpu_write32(&commands.writer, buffer.address + 4, 2);
    assert_int_equal(commands_run(rig, &commands, gpu_context_queue(context)), GPU_DEVICE_ACTIVE);
    assert_int_equal(words[1], 2);
    evict(rig, buffer.allocation);
    commands_restart(&commands);
    softgpu_write32(&commands.writer, buffer.address + 8, 3);
    assert_int_equal(commands_run(rig, &commands, gpu_context_queue(context)),
                     GPU_DEVICE_DMA_PAGE_FAULT);
    assert_int_equal(words[2], 0);
    gpu_context_destroy(context);
    commands_destroy(rig, &commands);
    buffer_destroy(rig, &buffer);
}

static void fence_values_of_finished_operations_are_reached(void **state)
{
    struct rig *rig = *state;
    struct gpu_allocation *allocation = rig_allocate(rig, PAGE, 0);
    struct gpu_map map = {.allocation = allocation};
    uint64_t address;
    uint64_t first;
    uint64_t second;
    uint64_t trim;

    assert_int_equal(gpu_paging_queue_map(rig->paging, &map, &address, &first), STATUS_SUCCESS);
    assert_int_equal(gpu_fence_value(gpu_paging_queue_fence(rig->paging)), first);
    assert_int_equal(gpu_paging_queue_make_resident(rig->paging, 1, &allocation, 0, &second, &trim),
                     STATUS_SUCCESS);
    assert_true(second > first);
    assert_int_equal(gpu_fence_value(gpu_paging_queue_fence(rig->paging)), second);
    gpu_allocation_release(allocation);
}

static void asynchronous_operations_are_pending_and_complete_in_order(void **state)
{
    struct rig *rig = *state;
    struct gpu_context *context = rig_new_context(rig, NODE_3D);
    struct commands commands = commands_create(rig);
    struct gpu_allocation *allocation = rig_allocate(rig, PAGE, SOFTGPU_ALLOCATION_CPU_VISIBLE);
    struct gpu_fence *fence = gpu_paging_queue_fence(rig->paging);
    struct gpu_map map = {.allocation = allocation, .protection = GPU_PROTECTION_WRITE};
    uint64_t last = gpu_fence_value(fence);
    uint64_t address;
    uint64_t value;
    uint64_t trim;

    gpu_adapter_set_asynchronous_paging(rig->adapter, true);
    assert_int_equal(gpu_paging_queue_map(rig->paging, &map, &address, &value), STATUS_PENDING);
    assert_true(value > last);
    last = value;
    assert_int_equal(gpu_paging_queue_make_resident(rig->paging, 1, &allocation, 0, &value, &trim),
                     STATUS_PENDING);
    assert_true(value > last);
    /* A GPU wait for the paging fence makes the access good. */
    assert_int_equal(gpu_queue_wait(gpu_context_queue(context), 1, &fence, &value), STATUS_SUCCESS);
    softgpu_write32(&commands.writer, address, 5);
    assert_int_equal(commands_run(rig, &commands, gpu_context_queue(context)), GPU_DEVICE_ACTIVE);
    assert_true(gpu_fence_value(fence) >= value);
    gpu_context_destroy(context);
    commands_destroy(rig, &commands);
    gpu_allocation_release(allocation);
}

static void queued_operations_outlive_what_they_are_about(void **state)
{
    struct rig *rig = *state;
    uint64_t address;
    uint64_t value;
    uint64_t trim;

    gpu_adapter_set_asynchronous_paging(rig->adapter, true);
    for (unsigned i = 0; i < 200; i++) {
        struct gpu_allocation *allocation = rig_allocate(rig, PAGE, 0);
        struct gpu_map map = {.allocation = allocation};

        assert_int_equal(
            gpu_paging_queue_make_resident(rig->paging, 1, &allocation, 0, &value, &trim),
            STATUS_PENDING);
        assert_int_equal(gpu_paging_queue_map(rig->paging, &map, &address, &value), STATUS_PENDING);
        gpu_allocation_revoke(allocation);
        gpu_allocation_release(allocation);
        assert_int_equal(gpu_address_free(rig->process, address, PAGE), STATUS_SUCCESS);
    }
    assert_int_equal(rig_wait(rig, gpu_paging_queue_fence(rig->paging), value), GPU_WAIT_SATISFIED);
    assert_int_equal(used_pages(rig), 0);
}

static NTSTATUS prefer(struct rig *rig, struct gpu_allocation *allocation,
                       enum kmd_segment_group group)
{
    struct gpu_segments segments = {.preferred_count = 1, .preferred = {group}};
    uint64_t value;
    NTSTATUS status = gpu_paging_queue_place(rig->paging, allocation, &segments, &value);

    if (NT_SUCCESS(status)) {
        assert_true(value > 0);
        assert_int_equal(rig_wait(rig, gpu_paging_queue_fence(rig->paging), value),
                         GPU_WAIT_SATISFIED);
    } else {
        assert_int_equal(value, 0);
    }
    return status;
}

static uint64_t usage_in(struct rig *rig, enum kmd_segment_group group)
{
    struct gpu_memory_info info;

    gpu_process_memory_info(rig->process, group, &info);
    return info.usage / PAGE;
}

static void what_is_resident_moves_to_the_preferred_segment(void **state)
{
    struct rig *rig = *state;
    struct gpu_context *context = rig_new_context(rig, NODE_3D);
    struct commands commands = commands_create(rig);
    struct buffer buffer = buffer_create(rig, 10 * PAGE);
    uint64_t before = usage_in(rig, KMD_SEGMENT_LOCAL);

    for (unsigned round = 0; round < 2; round++) {
        gpu_adapter_set_asynchronous_paging(rig->adapter, round);
        assert_true(NT_SUCCESS(prefer(rig, buffer.allocation, KMD_SEGMENT_NON_LOCAL)));
        assert_int_equal(gpu_allocation_segment(buffer.allocation), KMD_SEGMENT_NON_LOCAL);
        assert_int_equal(usage_in(rig, KMD_SEGMENT_LOCAL), before - 10);
        assert_int_equal(usage_in(rig, KMD_SEGMENT_NON_LOCAL), 10);
        commands_restart(&commands);
        softgpu_atomic(&commands.writer, 4, SOFTGPU_ATOMIC_ADD, buffer.address, 1, 0, 0);
        assert_int_equal(commands_run(rig, &commands, gpu_context_queue(context)),
                         GPU_DEVICE_ACTIVE);
        assert_true(NT_SUCCESS(prefer(rig, buffer.allocation, KMD_SEGMENT_LOCAL)));
        assert_int_equal(usage_in(rig, KMD_SEGMENT_LOCAL), before);
        assert_int_equal(usage_in(rig, KMD_SEGMENT_NON_LOCAL), 0);
    }
    assert_int_equal(*(uint32_t *)buffer.data, 2);
    gpu_context_destroy(context);
    commands_destroy(rig, &commands);
    buffer_destroy(rig, &buffer);
}

static void segments_must_be_supported_and_have_room(void **state)
{
    struct rig *rig = *state;
    struct gpu_allocation *local = rig_allocate(rig, 30 * PAGE, 0);
    struct gpu_allocation *other = rig_allocate(rig, 3 * PAGE, SOFTGPU_ALLOCATION_NON_LOCAL);
    struct gpu_allocation_config config = {.system_memory = true, .standard_size = PAGE};
    struct gpu_segments only_local = {.supported = 1u << KMD_SEGMENT_LOCAL};
    struct gpu_segments none = {.supported = 4};
    struct gpu_allocation *lent;
    uint64_t value;
    uint64_t trim;

    assert_int_equal(make_resident(rig, local, 0, &trim), STATUS_SUCCESS);
    assert_int_equal(make_resident(rig, other, 0, &trim), STATUS_SUCCESS);
    assert_int_equal(prefer(rig, other, KMD_SEGMENT_LOCAL), STATUS_NO_MEMORY); /* 33 of 32 pages */
    assert_int_equal(gpu_allocation_segment(other), KMD_SEGMENT_NON_LOCAL);
    assert_int_equal(usage_in(rig, KMD_SEGMENT_NON_LOCAL), 3);
    evict(rig, local);
    /* What does not support its segment moves without a preference. */
    assert_int_equal(gpu_paging_queue_place(rig->paging, other, &only_local, &value),
                     STATUS_SUCCESS);
    assert_int_equal(usage_in(rig, KMD_SEGMENT_LOCAL), 3);
    assert_int_equal(prefer(rig, other, KMD_SEGMENT_NON_LOCAL), STATUS_INVALID_PARAMETER);
    assert_int_equal(gpu_paging_queue_place(rig->paging, other, &none, &value),
                     STATUS_INVALID_PARAMETER);
    assert_int_equal(gpu_device_offer(rig->device, 1, &other, GPU_OFFER_LOW, false),
                     STATUS_SUCCESS);
    assert_int_equal(prefer(rig, other, KMD_SEGMENT_LOCAL), STATUS_INVALID_PARAMETER);
    assert_int_equal(gpu_allocation_create(rig->adapter, &config, &lent), STATUS_SUCCESS);
    assert_int_equal(prefer(rig, lent, KMD_SEGMENT_LOCAL), STATUS_INVALID_PARAMETER);
    assert_int_equal(prefer(rig, lent, KMD_SEGMENT_NON_LOCAL), STATUS_SUCCESS);
    gpu_allocation_release(local);
    gpu_allocation_release(other);
    gpu_allocation_release(lent);
}

static void flushed_paging_operations_are_done(void **state)
{
    struct rig *rig = *state;
    struct gpu_allocation *allocation = rig_allocate(rig, PAGE, 0);
    uint64_t value;
    uint64_t trim;

    gpu_adapter_flush_paging(rig->adapter); /* nothing is queued */
    gpu_adapter_set_asynchronous_paging(rig->adapter, true);
    for (unsigned round = 0; round < 50; round++) {
        for (unsigned i = 0; i < 20; i++)
            assert_int_equal(
                gpu_paging_queue_make_resident(rig->paging, 1, &allocation, 0, &value, &trim),
                STATUS_PENDING);
        gpu_adapter_flush_paging(rig->adapter);
        assert_int_equal(gpu_fence_value(gpu_paging_queue_fence(rig->paging)), value);
    }
    gpu_allocation_release(allocation);
}

static void reservations_have_a_limit(void **state)
{
    struct rig *rig = *state;
    struct gpu_memory_info info;

    gpu_process_memory_info(rig->process, KMD_SEGMENT_LOCAL, &info);
    assert_int_equal(gpu_process_set_reservation(rig->process, KMD_SEGMENT_LOCAL,
                                                 info.available_for_reservation + 1),
                     STATUS_INVALID_PARAMETER);
    assert_int_equal(gpu_process_set_reservation(rig->process, KMD_SEGMENT_LOCAL,
                                                 info.available_for_reservation),
                     STATUS_SUCCESS);
    gpu_process_memory_info(rig->process, KMD_SEGMENT_LOCAL, &info);
    assert_int_equal(info.reservation, BUDGET_PAGES / 2 * PAGE);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, rig_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(residency_is_counted),
        TEST(over_budget_says_how_much_to_trim),
        TEST(a_list_is_resident_as_a_whole_or_not_at_all),
        TEST(cant_trim_exceeds_the_budget_not_the_segment),
        TEST(segments_are_charged_apart),
        TEST(devices_count_apart),
        TEST(evicted_memory_faults_and_keeps_its_content),
        TEST(fence_values_of_finished_operations_are_reached),
        TEST(asynchronous_operations_are_pending_and_complete_in_order),
        TEST(queued_operations_outlive_what_they_are_about),
        TEST(what_is_resident_moves_to_the_preferred_segment),
        TEST(segments_must_be_supported_and_have_room),
        TEST(flushed_paging_operations_are_done),
        TEST(reservations_have_a_limit),
    };

    return cmocka_run_group_tests_name("gpu-residency", tests, NULL, NULL);
}
