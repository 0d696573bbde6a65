/* SPDX-License-Identifier: MIT */
/* Offered memory: who may use it, when its content is lost and in which order, what reclaim tells.
 */
#include "fixture.h"

#include <string.h>
#include <sys/mman.h>

#define LOCAL_PAGES  64u
#define BUDGET_PAGES 48u
#define STORAGE      (UINT64_C(256) * PAGE)

static int set_up(void **state)
{
    static struct rig rig;
    struct gpu_machine_config machine = {.storage_size = STORAGE};
    struct gpu_adapter_config config = rig_adapter_config();

    config.segment_size[KMD_SEGMENT_LOCAL] = LOCAL_PAGES * PAGE;
    config.budget[KMD_SEGMENT_LOCAL] = BUDGET_PAGES * PAGE;
    rig_open(&rig, &machine, &config);
    *state = &rig;
    return 0;
}

static NTSTATUS try_offer(struct rig *rig, struct gpu_allocation *allocation,
                          enum gpu_offer_priority priority, bool may_decommit)
{
    return gpu_device_offer(rig->device, 1, &allocation, priority, may_decommit);
}

static void offer(struct rig *rig, struct gpu_allocation *allocation,
                  enum gpu_offer_priority priority)
{
    assert_int_equal(try_offer(rig, allocation, priority, false), STATUS_SUCCESS);
}

/* Waits for the fence value as well. */
static uint32_t reclaim(struct rig *rig, struct gpu_allocation *allocation)
{
    uint32_t result = 99;
    uint64_t value;

    assert_true(NT_SUCCESS(gpu_paging_queue_reclaim(rig->paging, 1, &allocation, &result, &value)));
    assert_true(value > 0);
    assert_int_equal(rig_wait(rig, gpu_paging_queue_fence(rig->paging), value), GPU_WAIT_SATISFIED);
    return result;
}

static uint64_t usage(struct rig *rig)
{
    struct gpu_memory_info info;

    gpu_process_memory_info(rig->process, KMD_SEGMENT_LOCAL, &info);
    return info.usage / PAGE;
}

static NTSTATUS make_resident(struct rig *rig, struct gpu_allocation *allocation)
{
    uint64_t value;
    uint64_t trim;

    return gpu_paging_queue_make_resident(rig->paging, 1, &allocation, 0, &value, &trim);
}

/* Without pressure nothing is lost, and the GPU may go on where it was. */
static void content_is_kept_without_pressure(void **state)
{
    struct rig *rig = *state;
    struct gpu_context *context = rig_new_context(rig, NODE_3D);
    struct commands commands = commands_create(rig);
    struct buffer buffer = buffer_create(rig, 8 * PAGE);
    uint32_t *words = buffer.data;
    uint64_t before = usage(rig);

    words[0] = 0x1234;
    offer(rig, buffer.allocation, GPU_OFFER_LOW);
    assert_int_equal(usage(rig), before - 8);
    assert_false(gpu_allocation_is_resident(buffer.allocation));
    assert_int_equal(reclaim(rig, buffer.allocation), GPU_RECLAIM_OK);
    assert_int_equal(usage(rig), before);
    assert_true(gpu_allocation_is_resident(buffer.allocation));
    softgpu_atomic(&commands.writer, 4, SOFTGPU_ATOMIC_ADD, buffer.address, 1, 0, 0);
    assert_int_equal(commands_run(rig, &commands, gpu_context_queue(context)), GPU_DEVICE_ACTIVE);
    assert_int_equal(words[0], 0x1235);
    gpu_context_destroy(context);
    commands_destroy(rig, &commands);
    buffer_destroy(rig, &buffer);
}

static void the_gpu_faults_on_what_is_offered(void **state)
{
    struct rig *rig = *state;
    struct gpu_context *context = rig_new_context(rig, NODE_3D);
    struct commands commands = commands_create(rig);
    struct buffer buffer = buffer_create(rig, PAGE);
    struct gpu_page_fault fault;

    offer(rig, buffer.allocation, GPU_OFFER_HIGH);
    softgpu_write32(&commands.writer, buffer.address + 16, 1);
    assert_int_equal(commands_run(rig, &commands, gpu_context_queue(context)),
                     GPU_DEVICE_DMA_PAGE_FAULT);
    gpu_device_get_page_fault(rig->device, &fault);
    assert_true(fault.valid && fault.address == buffer.address + 16);
    assert_int_equal(((uint32_t *)buffer.data)[4], 0);
    gpu_context_destroy(context);
    commands_destroy(rig, &commands);
    buffer_destroy(rig, &buffer);
}

static void offered_memory_is_not_made_resident_nor_locked(void **state)
{
    struct rig *rig = *state;
    struct gpu_allocation *allocation = rig_allocate(rig, PAGE, SOFTGPU_ALLOCATION_CPU_VISIBLE);
    uint64_t offset;

    assert_int_equal(gpu_allocation_lock(allocation, &offset), STATUS_SUCCESS);
    assert_int_equal(try_offer(rig, allocation, GPU_OFFER_LOW, false), STATUS_INVALID_PARAMETER);
    gpu_allocation_unlock(allocation, 1);
    offer(rig, allocation, GPU_OFFER_LOW);
    assert_int_equal(gpu_allocation_lock(allocation, &offset), STATUS_INVALID_PARAMETER);
    assert_int_equal(make_resident(rig, allocation), STATUS_INVALID_PARAMETER);
    assert_int_equal(reclaim(rig, allocation), GPU_RECLAIM_OK);
    assert_int_equal(gpu_allocation_lock(allocation, &offset), STATUS_SUCCESS);
    gpu_allocation_unlock(allocation, 1);
    assert_int_equal(make_resident(rig, allocation), STATUS_SUCCESS);
    gpu_allocation_release(allocation);
}

static void impossible_offers_change_nothing(void **state)
{
    struct rig *rig = *state;
    struct gpu_allocation_config config = {.system_memory = true, .standard_size = PAGE};
    struct gpu_allocation *list[2] = {rig_allocate(rig, PAGE, 0)};
    uint64_t value;

    assert_int_equal(gpu_allocation_create(rig->adapter, &config, &list[1]), STATUS_SUCCESS);
    assert_int_equal(gpu_device_offer(rig->device, 2, list, GPU_OFFER_LOW, false),
                     STATUS_INVALID_PARAMETER); /* the guest's own pages */
    assert_int_equal(gpu_device_offer(rig->device, 0, list, GPU_OFFER_LOW, false),
                     STATUS_INVALID_PARAMETER);
    assert_int_equal(try_offer(rig, list[0], (enum gpu_offer_priority)0, false),
                     STATUS_INVALID_PARAMETER);
    assert_int_equal(try_offer(rig, list[0], (enum gpu_offer_priority)5, false),
                     STATUS_INVALID_PARAMETER);
    assert_int_equal(gpu_paging_queue_reclaim(rig->paging, 0, list, NULL, &value),
                     STATUS_INVALID_PARAMETER);
    assert_int_equal(make_resident(rig, list[0]), STATUS_SUCCESS); /* it was never offered */
    gpu_allocation_release(list[0]);
    gpu_allocation_release(list[1]);
}

/* 16 pages of content of its own, resident. */
static struct buffer numbered_buffer(struct rig *rig, uint32_t number)
{
    struct buffer buffer = buffer_create(rig, 16 * PAGE);

    for (uint32_t page = 0; page < 16; page++)
        ((uint32_t *)buffer.data)[page * 1024] = number;
    return buffer;
}

static bool is_in_memory(const struct buffer *buffer)
{
    unsigned char present[16];

    assert_int_equal(mincore(buffer->data, buffer->size, present), 0);
    return present[0] & 1;
}

/* Three offers in a budget for three; each allocation that comes takes one, from the lowest on. */
static void a_full_budget_discards_the_lowest_offer_first(void **state)
{
    struct rig *rig = *state;
    struct buffer high = numbered_buffer(rig, 1);
    struct buffer low = numbered_buffer(rig, 2);
    struct buffer normal = numbered_buffer(rig, 3);
    struct gpu_allocation *more = rig_allocate(rig, 16 * PAGE, 0);
    struct gpu_allocation *last = rig_allocate(rig, 16 * PAGE, 0);

    offer(rig, high.allocation, GPU_OFFER_HIGH);
    offer(rig, low.allocation, GPU_OFFER_LOW);
    offer(rig, normal.allocation, GPU_OFFER_NORMAL);
    assert_int_equal(make_resident(rig, more), STATUS_SUCCESS);
    assert_int_equal(((uint32_t *)low.data)[15 * 1024], 0);
    assert_int_equal(((uint32_t *)normal.data)[0], 3);
    assert_int_equal(((uint32_t *)high.data)[0], 1);
    assert_int_equal(make_resident(rig, last), STATUS_SUCCESS);
    assert_int_equal(((uint32_t *)normal.data)[0], 0);
    assert_int_equal(reclaim(rig, low.allocation), GPU_RECLAIM_DISCARDED);
    assert_int_equal(((uint32_t *)high.data)[0], 0); /* it had to make room for the reclaimed one */
    assert_int_equal(reclaim(rig, normal.allocation), GPU_RECLAIM_DISCARDED);
    assert_int_equal(reclaim(rig, high.allocation), GPU_RECLAIM_NOT_COMMITTED); /* 80 of 64 pages */
    gpu_allocation_release(more);
    assert_int_equal(reclaim(rig, high.allocation), GPU_RECLAIM_DISCARDED);
    assert_int_equal(reclaim(rig, high.allocation), GPU_RECLAIM_OK);
    gpu_allocation_release(last);
    buffer_destroy(rig, &high);
    buffer_destroy(rig, &low);
    buffer_destroy(rig, &normal);
    assert_int_equal(gpu_adapter_segment_used(rig->adapter, KMD_SEGMENT_LOCAL), 0);
}

static void equals_go_in_the_order_of_their_offers(void **state)
{
    struct rig *rig = *state;
    struct buffer first = numbered_buffer(rig, 1);
    struct buffer second = numbered_buffer(rig, 2);
    struct gpu_allocation *more = rig_allocate(rig, 32 * PAGE, 0);

    gpu_allocation_set_priority(second.allocation, D3DDDI_ALLOCATIONPRIORITY_HIGH);
    gpu_allocation_set_priority(second.allocation, D3DDDI_ALLOCATIONPRIORITY_NORMAL);
    offer(rig, second.allocation, GPU_OFFER_AUTO);
    offer(rig, first.allocation, GPU_OFFER_NORMAL);
    assert_int_equal(make_resident(rig, more), STATUS_SUCCESS);
    assert_int_equal(((uint32_t *)first.data)[0], 1);
    assert_int_equal(((uint32_t *)second.data)[0], 0);
    gpu_allocation_release(more);
    buffer_destroy(rig, &first);
    buffer_destroy(rig, &second);
}

static void automatic_offers_follow_the_allocations_priority(void **state)
{
    struct rig *rig = *state;
    struct buffer high = numbered_buffer(rig, 1);
    struct buffer low = numbered_buffer(rig, 2);
    struct gpu_allocation *more = rig_allocate(rig, 32 * PAGE, 0);

    gpu_allocation_set_priority(high.allocation, D3DDDI_ALLOCATIONPRIORITY_MAXIMUM);
    gpu_allocation_set_priority(low.allocation, D3DDDI_ALLOCATIONPRIORITY_LOW);
    offer(rig, high.allocation, GPU_OFFER_AUTO);
    offer(rig, low.allocation, GPU_OFFER_AUTO);
    assert_int_equal(make_resident(rig, more), STATUS_SUCCESS);
    assert_int_equal(((uint32_t *)high.data)[0], 1);
    assert_int_equal(((uint32_t *)low.data)[0], 0);
    gpu_allocation_release(more);
    buffer_destroy(rig, &high);
    buffer_destroy(rig, &low);
}

/* The memory goes back to the operating system, not only its content. */
static void discarded_memory_is_returned(void **state)
{
    struct rig *rig = *state;
    struct buffer buffer = numbered_buffer(rig, 7);
    struct gpu_allocation *more = rig_allocate(rig, 40 * PAGE, 0);

    offer(rig, buffer.allocation, GPU_OFFER_LOW);
    assert_true(is_in_memory(&buffer));
    assert_int_equal(make_resident(rig, more), STATUS_SUCCESS);
    assert_false(is_in_memory(&buffer));
    gpu_allocation_release(more);
    buffer_destroy(rig, &buffer);
}

/* Storage is short: only who may be decommitted gives its own. */
static void decommitted_memory_serves_others(void **state)
{
    struct rig *rig = *state;
    struct gpu_context *context = rig_new_context(rig, NODE_3D);
    struct commands commands = commands_create(rig);
    struct buffer kept = buffer_create(rig, 8 * PAGE);
    struct buffer given = buffer_create(rig, 8 * PAGE);
    struct softgpu_allocation data =
        softgpu_allocation_data(228 * PAGE, SOFTGPU_ALLOCATION_NON_LOCAL);
    struct gpu_allocation_config config = {.private_data = &data,
                                           .private_data_size = sizeof(data)};
    struct gpu_allocation *large;
    uint64_t offset;

    offer(rig, kept.allocation, GPU_OFFER_LOW);
    assert_int_equal(gpu_allocation_create(rig->adapter, &config, &large),
                     STATUS_GRAPHICS_NO_VIDEO_MEMORY);
    assert_int_equal(try_offer(rig, given.allocation, GPU_OFFER_HIGH, true), STATUS_SUCCESS);
    assert_int_equal(gpu_allocation_create(rig->adapter, &config, &large), STATUS_SUCCESS);
    assert_int_equal(reclaim(rig, kept.allocation), GPU_RECLAIM_OK);
    assert_int_equal(reclaim(rig, given.allocation), GPU_RECLAIM_NOT_COMMITTED);
    assert_int_equal(gpu_allocation_lock(given.allocation, &offset), STATUS_INVALID_PARAMETER);
    gpu_allocation_release(large);
    assert_int_equal(reclaim(rig, given.allocation), GPU_RECLAIM_DISCARDED);
    /* Its place may be another one now: the GPU writes where the CPU reads. */
    softgpu_write32(&commands.writer, given.address, 77);
    assert_int_equal(commands_run(rig, &commands, gpu_context_queue(context)), GPU_DEVICE_ACTIVE);
    assert_int_equal(gpu_allocation_lock(given.allocation, &offset), STATUS_SUCCESS);
    assert_int_equal(*(uint32_t *)gpu_machine_storage_pointer(rig->machine, offset), 77);
    gpu_allocation_unlock(given.allocation, 1);
    gpu_context_destroy(context);
    commands_destroy(rig, &commands);
    buffer_destroy(rig, &kept);
    buffer_destroy(rig, &given);
}

static void asynchronous_reclaims_are_pending(void **state)
{
    struct rig *rig = *state;
    struct gpu_context *context = rig_new_context(rig, NODE_3D);
    struct commands commands = commands_create(rig);
    struct buffer buffer = buffer_create(rig, PAGE);
    struct gpu_fence *fence = gpu_paging_queue_fence(rig->paging);
    uint32_t result;
    uint64_t value;

    offer(rig, buffer.allocation, GPU_OFFER_LOW);
    gpu_adapter_set_asynchronous_paging(rig->adapter, true);
    assert_int_equal(gpu_paging_queue_reclaim(rig->paging, 1, &buffer.allocation, &result, &value),
                     STATUS_PENDING);
    assert_int_equal(gpu_queue_wait(gpu_context_queue(context), 1, &fence, &value), STATUS_SUCCESS);
    softgpu_write32(&commands.writer, buffer.address, 5);
    assert_int_equal(commands_run(rig, &commands, gpu_context_queue(context)), GPU_DEVICE_ACTIVE);
    assert_int_equal(*(uint32_t *)buffer.data, 5);
    gpu_context_destroy(context);
    commands_destroy(rig, &commands);
    buffer_destroy(rig, &buffer);
}

static void offers_may_be_evicted_and_released(void **state)
{
    struct rig *rig = *state;
    struct buffer evicted = numbered_buffer(rig, 9);
    struct buffer released = numbered_buffer(rig, 10);
    uint64_t trim;

    offer(rig, evicted.allocation, GPU_OFFER_LOW);
    offer(rig, released.allocation, GPU_OFFER_LOW);
    assert_int_equal(gpu_adapter_segment_used(rig->adapter, KMD_SEGMENT_LOCAL), 32 * PAGE);
    assert_int_equal(gpu_device_evict(rig->device, 1, &evicted.allocation, &trim), STATUS_SUCCESS);
    assert_int_equal(gpu_adapter_segment_used(rig->adapter, KMD_SEGMENT_LOCAL), 16 * PAGE);
    buffer_destroy(rig, &released);
    assert_int_equal(gpu_adapter_segment_used(rig->adapter, KMD_SEGMENT_LOCAL), 0);
    assert_int_equal(reclaim(rig, evicted.allocation), GPU_RECLAIM_OK);
    assert_false(gpu_allocation_is_resident(evicted.allocation));
    assert_int_equal(((uint32_t *)evicted.data)[0], 9);
    buffer_destroy(rig, &evicted);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, rig_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(content_is_kept_without_pressure),
        TEST(the_gpu_faults_on_what_is_offered),
        TEST(offered_memory_is_not_made_resident_nor_locked),
        TEST(impossible_offers_change_nothing),
        TEST(a_full_budget_discards_the_lowest_offer_first),
        TEST(equals_go_in_the_order_of_their_offers),
        TEST(automatic_offers_follow_the_allocations_priority),
        TEST(discarded_memory_is_returned),
        TEST(decommitted_memory_serves_others),
        TEST(asynchronous_reclaims_are_pending),
        TEST(offers_may_be_evicted_and_released),
    };

    return cmocka_run_group_tests_name("gpu-offer", tests, NULL, NULL);
}
