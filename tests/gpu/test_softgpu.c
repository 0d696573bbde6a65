/* SPDX-License-Identifier: MIT */
/* What the built-in miniport answers the machine. */
#include "fixture.h"

#include <string.h>

static NTSTATUS allocate(struct rig *rig, const struct softgpu_allocation *data, uint32_t size)
{
    struct softgpu_allocation copy = *data;
    struct gpu_allocation_config config = {.private_data = &copy, .private_data_size = size};
    struct gpu_allocation *allocation;
    NTSTATUS status = gpu_allocation_create(rig->adapter, &config, &allocation);

    if (NT_SUCCESS(status))
        gpu_allocation_release(allocation);
    return status;
}

static void bad_allocation_data_are_refused(void **state)
{
    const struct softgpu_allocation good = softgpu_allocation_data(PAGE, 0);
    struct softgpu_allocation bad;

    assert_int_equal(allocate(*state, &good, sizeof(good)), STATUS_SUCCESS);
    assert_int_equal(allocate(*state, &good, sizeof(good) - 1), STATUS_INVALID_PARAMETER);
    assert_int_equal(allocate(*state, &good, 0), STATUS_INVALID_PARAMETER);
    bad = good;
    bad.magic++;
    assert_int_equal(allocate(*state, &bad, sizeof(bad)), STATUS_INVALID_PARAMETER);
    bad = good;
    bad.version++;
    assert_int_equal(allocate(*state, &bad, sizeof(bad)), STATUS_INVALID_PARAMETER);
    bad = good;
    bad.size = 0;
    assert_int_equal(allocate(*state, &bad, sizeof(bad)), STATUS_INVALID_PARAMETER);
    bad = good;
    bad.flags = 8;
    assert_int_equal(allocate(*state, &bad, sizeof(bad)), STATUS_INVALID_PARAMETER);
    bad = good;
    bad.reserved = 1;
    assert_int_equal(allocate(*state, &bad, sizeof(bad)), STATUS_INVALID_PARAMETER);
    for (uint64_t size = UINT64_MAX; size > UINT64_MAX - 5000; size -= 1000) {
        bad = good;
        bad.size = size;
        assert_int_equal(allocate(*state, &bad, sizeof(bad)), STATUS_INVALID_PARAMETER);
    }
}

static void sizes_come_back_rounded(void **state)
{
    struct rig *rig = *state;
    struct softgpu_allocation data =
        softgpu_allocation_data(PAGE + 1, SOFTGPU_ALLOCATION_CPU_VISIBLE);
    struct gpu_allocation_config config = {.private_data = &data,
                                           .private_data_size = sizeof(data)};
    struct gpu_allocation *allocation;

    assert_int_equal(gpu_allocation_create(rig->adapter, &config, &allocation), STATUS_SUCCESS);
    assert_int_equal(data.size, 2 * PAGE);
    assert_int_equal(gpu_allocation_size(allocation), 2 * PAGE);
    assert_int_equal(gpu_allocation_flags(allocation), KMD_ALLOCATION_CPU_VISIBLE);
    assert_int_equal(gpu_allocation_segment(allocation), KMD_SEGMENT_LOCAL);
    gpu_allocation_release(allocation);
}

static void exhausted_storage_is_no_video_memory(void **state)
{
    struct rig *rig = *state;
    struct softgpu_allocation data = softgpu_allocation_data(UINT64_C(200) << 20, 0);
    struct gpu_allocation *first = rig_allocate(rig, UINT64_C(200) << 20, 0);

    assert_int_equal(allocate(rig, &data, sizeof(data)), STATUS_GRAPHICS_NO_VIDEO_MEMORY);
    gpu_allocation_release(first);
    assert_int_equal(allocate(rig, &data, sizeof(data)), STATUS_SUCCESS);
}

static void invisible_memory_has_no_cpu_offset(void **state)
{
    struct gpu_allocation *allocation = rig_allocate(*state, PAGE, 0);
    uint64_t offset;

    assert_int_equal(gpu_allocation_cpu_offset(allocation, &offset), STATUS_ACCESS_DENIED);
    gpu_allocation_release(allocation);
}

static void standard_allocations_need_no_private_data(void **state)
{
    struct rig *rig = *state;
    struct gpu_allocation_config config = {.standard_size = 3 * PAGE};
    struct kmd_standard_allocation request = {.type = KMD_STANDARD_ALLOCATION_VIRTUAL_GPU,
                                              .standard_size = PAGE};
    struct softgpu_allocation data;
    struct softgpu_resource resource;
    struct gpu_allocation *allocation;

    assert_int_equal(gpu_allocation_create(rig->adapter, &config, &allocation), STATUS_SUCCESS);
    assert_int_equal(gpu_allocation_size(allocation), 3 * PAGE);
    assert_int_equal(gpu_allocation_segment(allocation), KMD_SEGMENT_NON_LOCAL);
    gpu_allocation_release(allocation);

    assert_int_equal(gpu_adapter_standard_allocation(rig->adapter, &request), STATUS_SUCCESS);
    assert_int_equal(request.allocation_data_size, sizeof(data));
    assert_int_equal(request.resource_data_size, sizeof(resource));
    request.allocation_data = &data;
    request.resource_data = &resource;
    assert_int_equal(gpu_adapter_standard_allocation(rig->adapter, &request), STATUS_SUCCESS);
    assert_int_equal(allocate(rig, &data, sizeof(data)), STATUS_SUCCESS);
    assert_int_equal(resource.magic, SOFTGPU_RESOURCE_MAGIC);
    request.resource_data_size = sizeof(resource) - 1;
    assert_int_equal(gpu_adapter_standard_allocation(rig->adapter, &request),
                     STATUS_BUFFER_TOO_SMALL);
    request.type = (enum kmd_standard_allocation_type)9;
    assert_int_equal(gpu_adapter_standard_allocation(rig->adapter, &request),
                     STATUS_INVALID_PARAMETER);
}

static void private_query_describes_the_adapter(void **state)
{
    struct rig *rig = *state;
    struct softgpu_adapter answer;

    assert_int_equal(gpu_adapter_query_info(rig->adapter, 0, &answer, sizeof(answer)),
                     STATUS_SUCCESS);
    assert_int_equal(answer.magic, SOFTGPU_ADAPTER_MAGIC);
    assert_int_equal(answer.node_count, gpu_adapter_info(rig->adapter)->node_count);
    assert_int_equal(gpu_adapter_query_info(rig->adapter, 0, &answer, sizeof(answer) - 1),
                     STATUS_BUFFER_TOO_SMALL);
    assert_int_equal(gpu_adapter_query_info(rig->adapter, 1, &answer, sizeof(answer)),
                     STATUS_NOT_SUPPORTED);
    assert_int_equal(gpu_adapter_info(rig->adapter)->nodes[0].type, KMD_ENGINE_3D);
}

static void escapes_answer_in_place(void **state)
{
    struct rig *rig = *state;
    struct softgpu_escape escape = {SOFTGPU_ESCAPE_MAGIC, SOFTGPU_ESCAPE_ECHO, 0x1234, 0};

    assert_int_equal(gpu_device_escape(rig->device, &escape, sizeof(escape)), STATUS_SUCCESS);
    assert_int_equal(escape.result, ~UINT64_C(0x1234));
    escape.operation = SOFTGPU_ESCAPE_COMMANDS;
    assert_int_equal(gpu_device_escape(rig->device, &escape, sizeof(escape)), STATUS_SUCCESS);
    assert_int_equal(escape.result, 0);
    assert_int_equal(gpu_device_escape(rig->device, &escape, sizeof(escape) - 1),
                     STATUS_BUFFER_TOO_SMALL);
    escape.operation = 3;
    assert_int_equal(gpu_device_escape(rig->device, &escape, sizeof(escape)), STATUS_NOT_SUPPORTED);
    escape.magic = 0;
    assert_int_equal(gpu_device_escape(rig->device, &escape, sizeof(escape)),
                     STATUS_INVALID_PARAMETER);
}

static void options_name_the_driver_store(void **state)
{
    struct gpu_adapter_config config = rig_adapter_config();
    struct gpu_adapter *adapter;
    struct rig *rig = *state;

    assert_null(gpu_adapter_driver_store_path(rig->adapter));
    config.compute_only = true;
    config.miniport_options = "driver-store=/usr/lib/wsl/drivers/soft";
    assert_int_equal(gpu_adapter_create(rig->machine, &config, &adapter), STATUS_SUCCESS);
    assert_string_equal(gpu_adapter_driver_store_path(adapter), "/usr/lib/wsl/drivers/soft");
    assert_int_not_equal(gpu_adapter_info(adapter)->nodes[0].type, KMD_ENGINE_3D);
    gpu_adapter_destroy(adapter);
    config.miniport_options = "drivers=/x";
    assert_int_equal(gpu_adapter_create(rig->machine, &config, &adapter), STATUS_INVALID_PARAMETER);
    config.miniport_options = "driver-store=";
    assert_int_equal(gpu_adapter_create(rig->machine, &config, &adapter), STATUS_INVALID_PARAMETER);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, rig_set_up, rig_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(bad_allocation_data_are_refused),
        TEST(sizes_come_back_rounded),
        TEST(exhausted_storage_is_no_video_memory),
        TEST(invisible_memory_has_no_cpu_offset),
        TEST(standard_allocations_need_no_private_data),
        TEST(private_query_describes_the_adapter),
        TEST(escapes_answer_in_place),
        TEST(options_name_the_driver_store),
    };

    return cmocka_run_group_tests_name("gpu-softgpu", tests, NULL, NULL);
}
