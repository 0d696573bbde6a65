/* SPDX-License-Identifier: MIT */
/* GPU addresses as a process sees them; what is mapped is checked by letting the GPU go there. */
#include "fixture.h"

#include <stdlib.h>
#include <string.h>

#define TIB (UINT64_C(1) << 40)

struct setting {
    struct rig rig;
    struct gpu_context *context;
    struct commands commands;
};

static int set_up(void **state)
{
    static struct setting setting;

    rig_open(&setting.rig, NULL, NULL);
    setting.context = rig_new_context(&setting.rig, NODE_3D);
    setting.commands = commands_create(&setting.rig);
    *state = &setting;
    return 0;
}

static int tear_down(void **state)
{
    struct setting *setting = *state;

    commands_destroy(&setting->rig, &setting->commands);
    gpu_context_destroy(setting->context);
    rig_close(&setting->rig);
    return 0;
}

/* Lets the GPU write one word; true when it could. The device is used up when it could not. */
static bool gpu_can_write(struct setting *setting, uint64_t address, uint32_t value)
{
    commands_restart(&setting->commands);
    softgpu_write32(&setting->commands.writer, address, value);
    return commands_run(&setting->rig, &setting->commands, gpu_context_queue(setting->context)) ==
           GPU_DEVICE_ACTIVE;
}

static bool gpu_can_read(struct setting *setting, uint64_t address)
{
    commands_restart(&setting->commands);
    softgpu_copy(&setting->commands.writer, setting->commands.buffer.address + 32768, address, 4);
    return commands_run(&setting->rig, &setting->commands, gpu_context_queue(setting->context)) ==
           GPU_DEVICE_ACTIVE;
}

static NTSTATUS map_at(struct setting *setting, uint64_t base, struct gpu_allocation *allocation,
                       uint64_t offset, uint64_t pages, uint64_t protection)
{
    struct gpu_map map = {.placement.base = base,
                          .allocation = allocation,
                          .offset_in_pages = offset,
                          .size_in_pages = pages,
                          .protection = protection};
    uint64_t address = 0;
    NTSTATUS status = gpu_address_map(setting->rig.process, &map, &address);

    if (NT_SUCCESS(status))
        assert_int_equal(address, base);
    return status;
}

static NTSTATUS reserve(struct setting *setting, uint64_t base, uint64_t size, uint64_t *address)
{
    struct gpu_placement placement = {.base = base};

    return gpu_address_reserve(setting->rig.process, &placement, size, address);
}

static void huge_reservations_are_free_and_exact(void **state)
{
    struct setting *setting = *state;
    uint64_t address;
    uint64_t again;

    assert_int_equal(reserve(setting, TIB, 128 * TIB, &address), STATUS_SUCCESS);
    assert_int_equal(address, TIB);
    assert_int_equal(reserve(setting, 64 * TIB, PAGE, &again), STATUS_NO_MEMORY);
    assert_int_equal(gpu_address_free(setting->rig.process, TIB, 128 * TIB - PAGE),
                     STATUS_INVALID_PARAMETER);
    assert_int_equal(gpu_address_free(setting->rig.process, TIB + PAGE, 128 * TIB - PAGE),
                     STATUS_INVALID_PARAMETER);
    assert_int_equal(gpu_address_free(setting->rig.process, TIB, 128 * TIB), STATUS_SUCCESS);
    assert_int_equal(gpu_address_free(setting->rig.process, TIB, 128 * TIB),
                     STATUS_INVALID_PARAMETER);
    assert_int_equal(reserve(setting, 64 * TIB, PAGE, &again), STATUS_SUCCESS);
}

static void chosen_addresses_are_aligned_and_within_limits(void **state)
{
    struct setting *setting = *state;
    struct gpu_placement placement = {.minimum = TIB + 1, .maximum = TIB + 0x30000};
    uint64_t address;

    assert_int_equal(gpu_address_reserve(setting->rig.process, &placement, PAGE, &address),
                     STATUS_SUCCESS);
    assert_int_equal(address, TIB + 0x10000);
    assert_int_equal(gpu_address_reserve(setting->rig.process, &placement, 0x10000, &address),
                     STATUS_SUCCESS);
    assert_int_equal(address, TIB + 0x20000);
    assert_int_equal(gpu_address_reserve(setting->rig.process, &placement, PAGE, &address),
                     STATUS_NO_MEMORY);
    placement.maximum = TIB + 0x3ffff; /* the last byte rather than the end */
    assert_int_equal(gpu_address_reserve(setting->rig.process, &placement, 0x10000, &address),
                     STATUS_SUCCESS);
    assert_int_equal(address, TIB + 0x30000);
}

static void impossible_ranges_are_refused(void **state)
{
    struct setting *setting = *state;
    uint64_t address;

    assert_int_equal(reserve(setting, TIB, 0, &address), STATUS_INVALID_PARAMETER);
    assert_int_equal(reserve(setting, 0, 0, &address), STATUS_INVALID_PARAMETER);
    assert_int_equal(reserve(setting, TIB, PAGE + 1, &address), STATUS_INVALID_PARAMETER);
    assert_int_equal(reserve(setting, 0, PAGE + 1, &address), STATUS_INVALID_PARAMETER);
    assert_int_equal(reserve(setting, TIB + 1, PAGE, &address), STATUS_INVALID_PARAMETER);
    assert_int_equal(reserve(setting, PAGE, PAGE, &address), STATUS_INVALID_PARAMETER);
    assert_int_equal(reserve(setting, GPU_ADDRESS_LIMIT - PAGE, 2 * PAGE, &address),
                     STATUS_INVALID_PARAMETER);
    assert_int_equal(reserve(setting, GPU_ADDRESS_LIMIT, PAGE, &address), STATUS_INVALID_PARAMETER);
    assert_int_equal(reserve(setting, UINT64_MAX - PAGE + 1, PAGE, &address),
                     STATUS_INVALID_PARAMETER);
    assert_int_equal(reserve(setting, TIB, UINT64_MAX - PAGE + 1, &address),
                     STATUS_INVALID_PARAMETER);
    assert_int_equal(reserve(setting, 0, GPU_ADDRESS_LIMIT, &address), STATUS_NO_MEMORY);
    assert_int_equal(reserve(setting, GPU_ADDRESS_LIMIT - PAGE, PAGE, &address), STATUS_SUCCESS);
}

static void maps_inside_a_reservation_reach_the_right_pages(void **state)
{
    struct setting *setting = *state;
    struct buffer buffer = buffer_create(&setting->rig, 4 * PAGE);
    uint32_t *words = buffer.data;
    uint64_t address;

    assert_int_equal(reserve(setting, TIB, 128 * TIB, &address), STATUS_SUCCESS);
    assert_int_equal(map_at(setting, 7 * TIB + PAGE, buffer.allocation, 1, 2, GPU_PROTECTION_WRITE),
                     STATUS_SUCCESS);
    assert_true(gpu_can_write(setting, 7 * TIB + PAGE, 11));
    assert_true(gpu_can_write(setting, 7 * TIB + 2 * PAGE + 4, 12));
    assert_int_equal(words[1024], 11);
    assert_int_equal(words[2049], 12);
    assert_false(gpu_can_write(setting, 7 * TIB + 3 * PAGE, 13));
    buffer_destroy(&setting->rig, &buffer);
}

static void faults_tell_address_and_direction(void **state)
{
    struct setting *setting = *state;
    struct gpu_page_fault fault;

    assert_false(gpu_can_write(setting, 5 * TIB + 12, 1));
    assert_int_equal(setting->rig.error_calls, 1);
    assert_int_equal(setting->rig.error_state, GPU_DEVICE_DMA_PAGE_FAULT);
    gpu_device_get_page_fault(setting->rig.device, &fault);
    assert_true(fault.valid);
    assert_true(fault.write);
    assert_int_equal(fault.address, 5 * TIB + 12);
}

static void read_only_maps_can_be_read_not_written(void **state)
{
    struct setting *setting = *state;
    struct buffer buffer = buffer_create(&setting->rig, PAGE);
    uint64_t address = rig_map(&setting->rig, buffer.allocation, 0);
    struct gpu_page_fault fault;

    assert_true(gpu_can_read(setting, address));
    assert_false(gpu_can_write(setting, address, 1));
    gpu_device_get_page_fault(setting->rig.device, &fault);
    assert_true(fault.write);
    assert_int_equal(((uint32_t *)buffer.data)[0], 0);
    buffer_destroy(&setting->rig, &buffer);
}

static void zero_maps_read_zero_and_swallow_writes(void **state)
{
    struct setting *setting = *state;
    uint32_t *scratch = (uint32_t *)setting->commands.buffer.data + 32768 / 4;
    uint64_t pages = 64 * TIB / PAGE;

    assert_int_equal(map_at(setting, TIB, NULL, 0, pages, GPU_PROTECTION_ZERO), STATUS_SUCCESS);
    assert_true(gpu_can_write(setting, 40 * TIB, 5));
    *scratch = 77;
    assert_true(gpu_can_read(setting, 40 * TIB));
    assert_int_equal(*scratch, 0);
    assert_int_equal(gpu_address_free(setting->rig.process, TIB, 64 * TIB), STATUS_SUCCESS);
    assert_false(gpu_can_read(setting, 40 * TIB));
}

static void no_access_unmaps_and_keeps_the_addresses(void **state)
{
    struct setting *setting = *state;
    struct buffer buffer = buffer_create(&setting->rig, 4 * PAGE);
    uint64_t base = 0x300000000;
    uint64_t address;

    assert_int_equal(map_at(setting, base, buffer.allocation, 0, 4, GPU_PROTECTION_WRITE),
                     STATUS_SUCCESS);
    assert_int_equal(map_at(setting, base + PAGE, NULL, 0, 2, GPU_PROTECTION_NO_ACCESS),
                     STATUS_SUCCESS);
    assert_true(gpu_can_write(setting, base, 1));
    assert_true(gpu_can_write(setting, base + 3 * PAGE, 2));
    assert_int_equal(((uint32_t *)buffer.data)[3 * 1024], 2);
    assert_int_equal(reserve(setting, base + PAGE, PAGE, &address), STATUS_NO_MEMORY);
    assert_false(gpu_can_write(setting, base + PAGE, 3));
    assert_int_equal(gpu_address_free(setting->rig.process, base, 4 * PAGE), STATUS_SUCCESS);
    buffer_destroy(&setting->rig, &buffer);
}

static void mapping_again_replaces(void **state)
{
    struct setting *setting = *state;
    struct buffer first = buffer_create(&setting->rig, 4 * PAGE);
    struct buffer second = buffer_create(&setting->rig, 4 * PAGE);
    uint64_t base = 0x300000000;

    assert_int_equal(map_at(setting, base, first.allocation, 0, 4, GPU_PROTECTION_WRITE),
                     STATUS_SUCCESS);
    assert_int_equal(map_at(setting, base + PAGE, second.allocation, 3, 1, GPU_PROTECTION_WRITE),
                     STATUS_SUCCESS);
    for (uint32_t page = 0; page < 4; page++)
        assert_true(gpu_can_write(setting, base + page * PAGE, page + 1));
    assert_int_equal(((uint32_t *)first.data)[0], 1);
    assert_int_equal(((uint32_t *)first.data)[1024], 0);
    assert_int_equal(((uint32_t *)second.data)[3072], 2);
    assert_int_equal(((uint32_t *)first.data)[2048], 3);
    assert_int_equal(((uint32_t *)first.data)[3072], 4);
    buffer_destroy(&setting->rig, &first);
    buffer_destroy(&setting->rig, &second);
}

static void partial_overlap_with_a_range_is_refused(void **state)
{
    struct setting *setting = *state;
    struct buffer buffer = buffer_create(&setting->rig, 4 * PAGE);
    uint64_t base = 0x300000000;

    assert_int_equal(map_at(setting, base, buffer.allocation, 0, 2, GPU_PROTECTION_WRITE),
                     STATUS_SUCCESS);
    assert_int_equal(map_at(setting, base + PAGE, buffer.allocation, 0, 2, GPU_PROTECTION_WRITE),
                     STATUS_INVALID_PARAMETER);
    assert_int_equal(map_at(setting, base - PAGE, buffer.allocation, 0, 4, GPU_PROTECTION_WRITE),
                     STATUS_INVALID_PARAMETER);
    assert_true(gpu_can_write(setting, base + PAGE, 1));
    buffer_destroy(&setting->rig, &buffer);
}

static void maps_beyond_the_allocation_are_refused(void **state)
{
    struct setting *setting = *state;
    struct buffer buffer = buffer_create(&setting->rig, 4 * PAGE);
    uint64_t base = 0x300000000;

    assert_int_equal(map_at(setting, base, buffer.allocation, 0, 5, 0), STATUS_INVALID_PARAMETER);
    assert_int_equal(map_at(setting, base, buffer.allocation, 4, 0, 0), STATUS_INVALID_PARAMETER);
    assert_int_equal(map_at(setting, base, buffer.allocation, UINT64_MAX, 2, 0),
                     STATUS_INVALID_PARAMETER);
    assert_int_equal(map_at(setting, base, buffer.allocation, 3, UINT64_MAX, 0),
                     STATUS_INVALID_PARAMETER);
    assert_int_equal(map_at(setting, base, NULL, 0, 1, 0), STATUS_INVALID_PARAMETER);
    assert_int_equal(map_at(setting, base, NULL, 0, 0, GPU_PROTECTION_ZERO),
                     STATUS_INVALID_PARAMETER);
    buffer_destroy(&setting->rig, &buffer);
}

static void released_allocations_fault_and_their_range_stays(void **state)
{
    struct setting *setting = *state;
    struct buffer buffer = buffer_create(&setting->rig, PAGE);
    uint64_t address;

    assert_true(gpu_can_write(setting, buffer.address, 1));
    gpu_allocation_release(buffer.allocation);
    assert_int_equal(reserve(setting, buffer.address, PAGE, &address), STATUS_NO_MEMORY);
    assert_false(gpu_can_write(setting, buffer.address, 1));
    assert_int_equal(gpu_address_free(setting->rig.process, buffer.address, PAGE), STATUS_SUCCESS);
}

static NTSTATUS update(struct setting *setting, struct gpu_update operation)
{
    return gpu_address_update(setting->rig.process, &operation, 1);
}

static void updates_map_unmap_copy_and_protect(void **state)
{
    struct setting *setting = *state;
    struct buffer buffer = buffer_create(&setting->rig, 4 * PAGE);
    uint32_t *words = buffer.data;
    uint64_t base;
    uint64_t at;

    assert_int_equal(reserve(setting, 0, 16 * PAGE, &base), STATUS_SUCCESS);
    assert_int_equal(update(setting, (struct gpu_update){.type = GPU_UPDATE_MAP,
                                                         .base = base,
                                                         .size = 4 * PAGE,
                                                         .allocation = buffer.allocation}),
                     STATUS_SUCCESS);
    assert_int_equal(
        update(setting,
               (struct gpu_update){.type = GPU_UPDATE_UNMAP, .base = base + PAGE, .size = PAGE}),
        STATUS_SUCCESS);
    /* Pages 0, -, 2, 3 moved up by one page over themselves. */
    assert_int_equal(update(setting, (struct gpu_update){.type = GPU_UPDATE_COPY,
                                                         .base = base + PAGE,
                                                         .source = base,
                                                         .size = 4 * PAGE}),
                     STATUS_SUCCESS);
    for (uint32_t page = 0; page < 5; page++) {
        at = base + page * PAGE;
        if (page != 2)
            assert_true(gpu_can_write(setting, at + 4 * page, page + 1));
    }
    assert_int_equal(words[0], 1);
    assert_int_equal(words[1], 2);
    assert_int_equal(words[2 * 1024 + 3], 4);
    assert_int_equal(words[3 * 1024 + 4], 5);
    assert_int_equal(update(setting, (struct gpu_update){.type = GPU_UPDATE_MAP_PROTECT,
                                                         .base = base,
                                                         .size = PAGE,
                                                         .allocation = buffer.allocation,
                                                         .protection = 0}),
                     STATUS_SUCCESS);
    assert_true(gpu_can_read(setting, base));
    assert_false(gpu_can_write(setting, base, 1));
    buffer_destroy(&setting->rig, &buffer);
}

static void updates_repeat_a_small_piece(void **state)
{
    struct setting *setting = *state;
    struct buffer buffer = buffer_create(&setting->rig, 4 * PAGE);
    uint64_t base;

    assert_int_equal(reserve(setting, 0, 16 * PAGE, &base), STATUS_SUCCESS);
    assert_int_equal(update(setting, (struct gpu_update){.type = GPU_UPDATE_MAP,
                                                         .base = base,
                                                         .size = 5 * PAGE,
                                                         .allocation = buffer.allocation,
                                                         .allocation_offset = PAGE,
                                                         .allocation_size = 2 * PAGE}),
                     STATUS_SUCCESS);
    assert_true(gpu_can_write(setting, base + 4 * PAGE, 42));
    assert_int_equal(((uint32_t *)buffer.data)[1024], 42);
    assert_false(gpu_can_write(setting, base + 5 * PAGE, 42));
    buffer_destroy(&setting->rig, &buffer);
}

static void updates_outside_own_ranges_are_refused(void **state)
{
    struct setting *setting = *state;
    struct buffer buffer = buffer_create(&setting->rig, 4 * PAGE);
    struct gpu_update operation = {
        .type = GPU_UPDATE_MAP, .allocation = buffer.allocation, .size = PAGE};
    uint64_t base;

    assert_int_equal(reserve(setting, 0, 4 * PAGE, &base), STATUS_SUCCESS);
    operation.base = base + 4 * PAGE;
    assert_int_equal(update(setting, operation), STATUS_INVALID_PARAMETER);
    operation.base = base + 3 * PAGE;
    operation.size = 2 * PAGE;
    assert_int_equal(update(setting, operation), STATUS_INVALID_PARAMETER);
    operation.size = UINT64_MAX - PAGE + 1;
    assert_int_equal(update(setting, operation), STATUS_INVALID_PARAMETER);
    operation.size = PAGE;
    operation.allocation_offset = 4 * PAGE;
    assert_int_equal(update(setting, operation), STATUS_INVALID_PARAMETER);
    operation.allocation_offset = 0;
    operation.allocation_size = 5 * PAGE;
    assert_int_equal(update(setting, operation), STATUS_INVALID_PARAMETER);
    operation.type = (enum gpu_update_type)77;
    assert_int_equal(update(setting, operation), STATUS_INVALID_PARAMETER);
    operation =
        (struct gpu_update){.type = GPU_UPDATE_COPY, .base = base, .size = PAGE, .source = 9 * TIB};
    assert_int_equal(update(setting, operation), STATUS_INVALID_PARAMETER);
    buffer_destroy(&setting->rig, &buffer);
}

static void guest_pages_work_one_by_one(void **state)
{
    struct setting *setting = *state;
    struct softgpu_allocation data = softgpu_allocation_data(3 * PAGE, 0);
    struct gpu_allocation_config config = {
        .private_data = &data, .private_data_size = sizeof(data), .system_memory = true};
    uint32_t *memory = aligned_alloc(PAGE, 4 * PAGE);
    void *pages[] = {memory + 3072, memory, memory + 2048};
    struct gpu_allocation *allocation;
    uint64_t address;
    uint64_t value;
    uint64_t trim;

    memset(memory, 0, 4 * PAGE);
    assert_int_equal(gpu_allocation_create(setting->rig.adapter, &config, &allocation),
                     STATUS_SUCCESS);
    assert_int_equal(gpu_allocation_set_pages(allocation, 0, 2, pages, false), STATUS_SUCCESS);
    assert_int_equal(gpu_allocation_set_pages(allocation, 1, 1, pages, false),
                     STATUS_INVALID_PARAMETER);
    assert_int_equal(gpu_allocation_set_pages(allocation, 2, 2, pages, false),
                     STATUS_INVALID_PARAMETER);
    assert_int_equal(
        gpu_paging_queue_make_resident(setting->rig.paging, 1, &allocation, 0, &value, &trim),
        STATUS_INVALID_PARAMETER);
    assert_int_equal(gpu_allocation_set_pages(allocation, 2, 1, pages + 2, false), STATUS_SUCCESS);
    rig_make_resident(&setting->rig, allocation);
    address = rig_map(&setting->rig, allocation, GPU_PROTECTION_WRITE);
    assert_true(gpu_can_write(setting, address, 1));
    assert_true(gpu_can_write(setting, address + PAGE, 2));
    assert_true(gpu_can_write(setting, address + 2 * PAGE, 3));
    assert_int_equal(memory[3072], 1);
    assert_int_equal(memory[0], 2);
    assert_int_equal(memory[2048], 3);
    gpu_allocation_revoke(allocation);
    free(memory);
    assert_false(gpu_can_write(setting, address, 1));
    gpu_allocation_release(allocation);
}

static void read_only_guest_pages_are_not_written(void **state)
{
    struct setting *setting = *state;
    struct softgpu_allocation data = softgpu_allocation_data(PAGE, 0);
    struct gpu_allocation_config config = {
        .private_data = &data, .private_data_size = sizeof(data), .system_memory = true};
    static _Alignas(4096) const uint32_t memory[1024];
    void *pages[] = {(void *)(uintptr_t)memory};
    struct gpu_allocation *allocation;
    uint64_t address;

    assert_int_equal(gpu_allocation_create(setting->rig.adapter, &config, &allocation),
                     STATUS_SUCCESS);
    assert_int_equal(gpu_allocation_set_pages(allocation, 0, 1, pages, true), STATUS_SUCCESS);
    rig_make_resident(&setting->rig, allocation);
    address = rig_map(&setting->rig, allocation, GPU_PROTECTION_WRITE);
    assert_true(gpu_can_read(setting, address));
    assert_false(gpu_can_write(setting, address, 1)); /* a write would be a SIGSEGV here */
    gpu_allocation_release(allocation);
}

static void processes_do_not_see_each_other(void **state)
{
    struct setting *setting = *state;
    struct buffer buffer = buffer_create(&setting->rig, PAGE);
    struct rig other = setting->rig;
    struct gpu_context *context;
    struct commands commands;

    assert_int_equal(gpu_process_create(setting->rig.adapter, "test", &other.process),
                     STATUS_SUCCESS);
    other.device = rig_new_device(&other);
    assert_int_equal(gpu_paging_queue_create(other.device, &other.paging), STATUS_SUCCESS);
    context = rig_new_context(&other, NODE_3D);
    commands = commands_create(&other);
    softgpu_write32(&commands.writer, buffer.address + 0x1000000, 1);
    assert_int_equal(commands_run(&other, &commands, gpu_context_queue(context)),
                     GPU_DEVICE_DMA_PAGE_FAULT);
    assert_true(
        gpu_can_write(setting, buffer.address, 1)); /* the other device's failure is its own */
    commands_destroy(&other, &commands);
    gpu_context_destroy(context);
    gpu_paging_queue_destroy(other.paging);
    gpu_device_destroy(other.device);
    gpu_process_destroy(other.process);
    buffer_destroy(&setting->rig, &buffer);
}

static void page_tables_of_a_process_are_bounded(void **state)
{
    struct gpu_adapter_config config = rig_adapter_config();
    struct gpu_allocation *allocation;
    struct rig rig;
    uint64_t address;
    unsigned mapped = 0;
    NTSTATUS status;

    (void)state;
    config.max_page_tables = 64;
    rig_open(&rig, NULL, &config);
    allocation = rig_allocate(&rig, PAGE, 0);
    rig_make_resident(&rig, allocation);
    do {
        struct gpu_map map = {.allocation = allocation, .placement.base = (mapped + 1) * TIB};

        status = gpu_address_map(rig.process, &map, &address);
        mapped += NT_SUCCESS(status);
    } while (NT_SUCCESS(status) && mapped < 100);
    assert_int_equal(status, STATUS_NO_MEMORY);
    assert_in_range(mapped, 20, 40);
    assert_int_equal(gpu_address_free(rig.process, TIB, PAGE), STATUS_SUCCESS);
    rig_map(&rig, allocation, 0);
    gpu_allocation_release(allocation);
    rig_close(&rig);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(huge_reservations_are_free_and_exact),
        TEST(chosen_addresses_are_aligned_and_within_limits),
        TEST(impossible_ranges_are_refused),
        TEST(maps_inside_a_reservation_reach_the_right_pages),
        TEST(faults_tell_address_and_direction),
        TEST(read_only_maps_can_be_read_not_written),
        TEST(zero_maps_read_zero_and_swallow_writes),
        TEST(no_access_unmaps_and_keeps_the_addresses),
        TEST(mapping_again_replaces),
        TEST(partial_overlap_with_a_range_is_refused),
        TEST(maps_beyond_the_allocation_are_refused),
        TEST(released_allocations_fault_and_their_range_stays),
        TEST(updates_map_unmap_copy_and_protect),
        TEST(updates_repeat_a_small_piece),
        TEST(updates_outside_own_ranges_are_refused),
        TEST(guest_pages_work_one_by_one),
        TEST(read_only_guest_pages_are_not_written),
        TEST(processes_do_not_see_each_other),
        cmocka_unit_test(page_tables_of_a_process_are_bounded),
    };

    return cmocka_run_group_tests_name("gpu-address", tests, NULL, NULL);
}
