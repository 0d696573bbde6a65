/* SPDX-License-Identifier: MIT */
/* What the host tells about itself and its adapters: bus, adapter info, queries, memory figures,
 * escapes. */
#include "host/guest.h"

#include <stdlib.h>

#include "backend-loopback/kmd/softgpu.h"

static const struct guest_mode *mode;

struct rig {
    struct guest_vm vm;
    struct guest *guest;
};

static int open_rig(void **state)
{
    struct rig *rig = calloc(1, sizeof(*rig));
    struct host_config config = {.adapter_count = 2};
    config.adapters[0].name = "Grafik \xc3\xbc\xf0\x9f\x98\x80";
    config.adapters[0].miniport = &kmd_softgpu;
    config.adapters[0].miniport_options = "driver-store=/opt/store";
    config.adapters[0].hw_scheduling = true;
    config.adapters[1].compute_only = true;
    assert_non_null(rig);
    guest_vm_open(&rig->vm, mode, &config);
    rig->guest = guest_open(&rig->vm, 0);
    *state = rig;
    return 0;
}

static int close_rig(void **state)
{
    struct rig *rig = *state;
    guest_close(rig->guest);
    guest_vm_close(&rig->vm);
    free(rig);
    return 0;
}

/* ---- bus */

static void config_words_name_the_adapter(void **state)
{
    struct rig *rig = *state;
    uint8_t guid[16];
    LUID luid = host_adapter_luid(rig->vm.host, 1);
    host_vgpu_instance(rig->vm.host, 1, guid);
    assert_memory_equal(guid, &luid, sizeof(luid));
    for (uint32_t i = 0; i < 4; i++)
        assert_int_equal(host_config_read(rig->vm.connection, 1, 0xc0 + 4 * i),
                         wire_load_u32(guid + 4 * i));
    assert_int_equal(host_config_read(rig->vm.connection, 1, 0xd0), mode->version);
    assert_int_not_equal(host_config_read(rig->vm.connection, 0, 0xd4),
                         host_config_read(rig->vm.connection, 1, 0xd4));
    host_config_write(rig->vm.connection, 1, 0xd4,
                      0x55); /* another register than the one that is read there */
    assert_int_not_equal(host_config_read(rig->vm.connection, 1, 0xd4), 0x55);
    assert_int_equal(host_config_read(rig->vm.connection, 2, 0xd0), 0);
    assert_int_equal(host_config_read(rig->vm.connection, 0, 0xd2), 0);
    assert_true(host_adapter_is_compute_only(rig->vm.host, 1));
    assert_false(host_adapter_is_compute_only(rig->vm.host, 0));
}

static void internal_adapter_info(void **state)
{
    struct rig *rig = *state;
    guest_begin(rig->guest, WIRE_VGPU, WIRE_VGPU_GETINTERNALADAPTERINFO);
    assert_int_equal(guest_send(rig->guest), STATUS_SUCCESS);
    assert_int_equal(rig->guest->reply.size, mode->version >= WIRE_VERSION ? 712 : 704);
    const struct wire_getinternaladapterinfo_reply_before_40 *info =
        (const void *)rig->guest->reply.bytes;
    static const uint16_t name[] = {'G', 'r', 'a', 'f', 'i', 'k', ' ', 0xfc, 0xd83d, 0xde00, 0};
    assert_memory_equal(info->device_description, name, sizeof(name));
    assert_int_equal(!!(info->bits & WIRE_ADAPTER_ASYNC_MSG_ENABLED), mode->async);
    assert_true(info->bits & WIRE_ADAPTER_HW_SCH_ENABLED);
    if (mode->version >= WIRE_VERSION)
        assert_int_equal(guest_reply(rig->guest, getinternaladapterinfo)->host_vgpu_luid.a,
                         host_config_read(rig->vm.connection, 0, 0xd4));
}

/* ---- queries */

/* Sends size bytes of data and copies the answer back. */
static NTSTATUS query(struct guest *guest, uint32_t type, void *data, uint32_t size)
{
    struct wire_queryadapterinfo *request =
        guest_begin(guest, WIRE_VGPU, WIRE_VGPU_QUERYADAPTERINFO);
    request->query_type = type;
    request->private_data_size = size;
    guest_append(guest, data, size);
    NTSTATUS status = guest_send(guest);
    if (NT_SUCCESS(status))
        memcpy(data, guest->reply.tails[0].data, size);
    return status;
}

static void figures(void **state)
{
    struct rig *rig = *state;
    uint32_t word = 0;
    D3DKMT_QUERY_DEVICE_IDS ids = {.PhysicalAdapterIndex = 0};
    D3DKMT_SEGMENTSIZEINFO segments;
    assert_int_equal(query(rig->guest, KMTQAITYPE_DRIVERVERSION, &word, 4), STATUS_SUCCESS);
    assert_true(word >= 2700);
    assert_int_equal(query(rig->guest, KMTQAITYPE_ADAPTERTYPE, &word, 4), STATUS_SUCCESS);
    assert_int_equal(word, WIRE_ADAPTER_TYPE_RENDER_SUPPORTED | WIRE_ADAPTER_TYPE_PARAVIRTUALIZED);
    assert_int_equal(query(rig->guest, KMTQAITYPE_ADAPTERTYPE_RENDER, &word, 4), STATUS_SUCCESS);
    assert_int_equal(query(rig->guest, KMTQAITYPE_PHYSICALADAPTERCOUNT, &word, 4), STATUS_SUCCESS);
    assert_int_equal(word, 1);
    assert_int_equal(query(rig->guest, KMTQAITYPE_WDDM_2_7_CAPS, &word, 4), STATUS_SUCCESS);
    assert_int_equal(word & 3, 3);
    assert_int_equal(query(rig->guest, KMTQAITYPE_PHYSICALADAPTERDEVICEIDS, &ids, sizeof(ids)),
                     STATUS_SUCCESS);
    assert_int_equal(ids.DeviceIds.VendorID, 0x1414);
    ids.PhysicalAdapterIndex = 1;
    assert_true(
        !NT_SUCCESS(query(rig->guest, KMTQAITYPE_PHYSICALADAPTERDEVICEIDS, &ids, sizeof(ids))));
    assert_int_equal(query(rig->guest, KMTQAITYPE_GETSEGMENTSIZE, &segments, sizeof(segments)),
                     STATUS_SUCCESS);
    assert_true(segments.DedicatedVideoMemorySize > 0);
}

static void nodes_until_failure(void **state)
{
    struct rig *rig = *state;
    unsigned char data[78];
    unsigned nodes = 0;
    for (;; nodes++) {
        memset(data, 0xee, sizeof(data));
        wire_store_u32(data, nodes);
        if (!NT_SUCCESS(query(rig->guest, KMTQAITYPE_NODEMETADATA, data, sizeof(data))))
            break;
        assert_int_not_equal(data[8], 0);
        if (nodes == 0)
            assert_int_equal(wire_load_u32(data + 4), KMD_ENGINE_3D);
    }
    assert_true(nodes >= 2);
}

static void descriptions_are_terminated_utf16(void **state)
{
    struct rig *rig = *state;
    static uint16_t text[4096];
    memset(text, 0xee, sizeof(text));
    assert_int_equal(query(rig->guest, KMTQAITYPE_DRIVER_DESCRIPTION, text, sizeof(text)),
                     STATUS_SUCCESS);
    assert_int_equal(text[0], 'G');
    assert_int_equal(text[10], 0);
    assert_int_equal(text[4095], 0);
    memset(text, 0xee, sizeof(text));
    assert_int_equal(query(rig->guest, KMTQAITYPE_ADAPTERREGISTRYINFO, text, 2080), STATUS_SUCCESS);
    assert_int_equal(text[0], 'G');
    memset(text, 0xee, sizeof(text));
    assert_int_equal(query(rig->guest, KMTQAITYPE_QUERY_ADAPTER_UNIQUE_GUID, text, 80),
                     STATUS_SUCCESS);
    assert_int_equal(text[0], '{');
    assert_int_equal(text[37], '}');
    assert_int_equal(text[38], 0);
}

static void registry_answers_in_two_steps(void **state)
{
    struct rig *rig = *state;
    static const uint16_t path[] = {'/', 'o', 'p', 't', '/', 's', 't', 'o', 'r', 'e', 0};
    unsigned char data[552 + sizeof(path)] = {0};
    wire_store_u32(data, D3DDDI_QUERYREGISTRY_DRIVERSTOREPATH);
    assert_int_equal(query(rig->guest, KMTQAITYPE_QUERYREGISTRY, data, 552), STATUS_SUCCESS);
    assert_int_equal(wire_load_u32(data + 540), D3DDDI_QUERYREGISTRY_STATUS_BUFFER_OVERFLOW);
    assert_int_equal(wire_load_u32(data + 536), sizeof(path));
    assert_int_equal(query(rig->guest, KMTQAITYPE_QUERYREGISTRY, data, sizeof(data)),
                     STATUS_SUCCESS);
    assert_int_equal(wire_load_u32(data + 540), D3DDDI_QUERYREGISTRY_STATUS_SUCCESS);
    assert_memory_equal(data + 544, path, sizeof(path));
    wire_store_u32(data, D3DDDI_QUERYREGISTRY_ADAPTERKEY);
    assert_int_equal(query(rig->guest, KMTQAITYPE_QUERYREGISTRY, data, sizeof(data)),
                     STATUS_SUCCESS);
    assert_int_equal(wire_load_u32(data + 540), D3DDDI_QUERYREGISTRY_STATUS_FAIL);
}

static void unknown_types_and_short_payloads_fail(void **state)
{
    struct rig *rig = *state;
    static unsigned char data[524];
    static const uint32_t unknown[] = {1, 12, 69, 76, 1000, UINT32_MAX};
    for (unsigned i = 0; i < sizeof(unknown) / sizeof(unknown[0]); i++)
        assert_false(NT_SUCCESS(query(rig->guest, unknown[i], data, sizeof(data))));
    assert_false(NT_SUCCESS(query(rig->guest, KMTQAITYPE_PHYSICALADAPTERDEVICEIDS, data, 27)));
    assert_false(NT_SUCCESS(query(rig->guest, KMTQAITYPE_QUERYREGISTRY, data, 500)));
}

static void drivers_private_data_come_from_the_miniport(void **state)
{
    struct rig *rig = *state;
    struct softgpu_adapter info = {0};
    assert_int_equal(query(rig->guest, KMTQAITYPE_UMDRIVERPRIVATE, &info, sizeof(info)),
                     STATUS_SUCCESS);
    assert_int_equal(info.magic, SOFTGPU_ADAPTER_MAGIC);
    assert_true(info.node_count >= 2);
}

/* ---- the rest */

static uint64_t memory_usage(struct rig *rig, uint32_t group)
{
    struct wire_queryvideomemoryinfo *request =
        guest_begin(rig->guest, WIRE_VGPU, WIRE_VGPU_QUERYVIDEOMEMORYINFO);
    request->adapter = rig->vm.adapter_handles[0];
    request->memory_segment_group = group;
    assert_int_equal(guest_send(rig->guest), STATUS_SUCCESS);
    const struct wire_queryvideomemoryinfo_reply *reply =
        guest_reply(rig->guest, queryvideomemoryinfo);
    assert_true(reply->current_usage <= reply->budget);
    return reply->current_usage;
}

static void residency_shows_in_the_memory_figures(void **state)
{
    struct rig *rig = *state;
    uint32_t device = guest_create_device(rig->guest);
    struct guest_queue paging = guest_create_paging_queue(rig->guest, device);
    uint64_t before = memory_usage(rig, 0) + memory_usage(rig, 1);
    guest_create_memory(rig->guest, device, paging.handle, 64 * PAGE);
    assert_true(memory_usage(rig, 0) + memory_usage(rig, 1) == before + 64 * PAGE);
}

static void wrong_memory_queries_fail(void **state)
{
    struct rig *rig = *state;
    struct wire_queryvideomemoryinfo *request =
        guest_begin(rig->guest, WIRE_VGPU, WIRE_VGPU_QUERYVIDEOMEMORYINFO);
    request->adapter = rig->vm.adapter_handles[1];
    assert_int_equal(guest_send(rig->guest), STATUS_BUFFER_TOO_SMALL);
    assert_int_equal(rig->guest->reply.short_status, STATUS_INVALID_PARAMETER);
    request = guest_begin(rig->guest, WIRE_VGPU, WIRE_VGPU_QUERYVIDEOMEMORYINFO);
    request->adapter = rig->vm.adapter_handles[0];
    request->memory_segment_group = 2;
    assert_int_equal(guest_send(rig->guest), STATUS_BUFFER_TOO_SMALL);
}

static void escapes_reach_the_miniport(void **state)
{
    struct rig *rig = *state;
    uint32_t devices[] = {0, guest_create_device(rig->guest)};
    for (unsigned i = 0; i < 2; i++) {
        struct softgpu_escape data = {
            .magic = SOFTGPU_ESCAPE_MAGIC,
            .operation = SOFTGPU_ESCAPE_ECHO,
            .argument = 0x1122334455667788,
        };
        assert_int_equal(guest_escape(rig->guest, devices[i], 0, &data, sizeof(data)),
                         STATUS_SUCCESS);
        assert_true(data.result == ~UINT64_C(0x1122334455667788));
    }
    unsigned char nonsense[24] = {1};
    assert_false(NT_SUCCESS(guest_escape(rig->guest, 0, 0, nonsense, sizeof(nonsense))));
    assert_false(NT_SUCCESS(guest_escape(rig->guest, 0xdeadbec0, 0, nonsense, sizeof(nonsense))));
    assert_false(NT_SUCCESS(guest_escape(
        rig->guest, 0, 0, nonsense, 4))); /* so small that 4 bytes of status would pass for data */
}

static void standard_allocations_in_two_steps(void **state)
{
    struct rig *rig = *state;
    uint32_t sizes[2] = {0, 0};
    for (unsigned step = 0; step < 2; step++) {
        struct wire_ddigetstandardallocationdriverdata *request =
            guest_begin(rig->guest, WIRE_VGPU, WIRE_VGPU_DDIGETSTANDARDALLOCATIONDRIVERDATA);
        request->alloc_type = KMD_STANDARD_ALLOCATION_GDI;
        request->priv_driver_data_size = sizes[0];
        request->priv_driver_resource_size = sizes[1];
        request->gdi_surface.width = 8 * PAGE;
        request->gdi_surface.height = 1;
        request->gdi_surface.type = 7;
        assert_int_equal(guest_send(rig->guest), STATUS_SUCCESS);
        const struct wire_ddigetstandardallocationdriverdata_reply *reply =
            guest_reply(rig->guest, ddigetstandardallocationdriverdata);
        sizes[0] = reply->priv_driver_data_size;
        sizes[1] = reply->priv_driver_resource_size;
    }
    assert_int_equal(sizes[0], sizeof(struct softgpu_allocation));
    struct softgpu_allocation data;
    memcpy(&data, rig->guest->reply.tails[0].data, sizeof(data));
    assert_int_equal(data.magic, SOFTGPU_ALLOCATION_MAGIC);
    assert_true(data.size == 8 * PAGE);
}

static void clocks_advance(void **state)
{
    struct rig *rig = *state;
    uint64_t last = 0;
    for (unsigned i = 0; i < 2; i++) {
        struct wire_queryclockcalibration *request =
            guest_begin(rig->guest, WIRE_VGPU, WIRE_VGPU_QUERYCLOCKCALIBRATION);
        request->args.adapter = rig->vm.adapter_handles[0];
        assert_int_equal(guest_send(rig->guest), STATUS_SUCCESS);
        const struct wire_queryclockcalibration_reply *reply =
            guest_reply(rig->guest, queryclockcalibration);
        assert_true(reply->clock_data.gpu_frequency > 0);
        assert_true(reply->clock_data.cpu_clock_counter > last);
        last = reply->clock_data.cpu_clock_counter;
    }
}

#define RIG_TEST(function) cmocka_unit_test_setup_teardown(function, open_rig, close_rig)

int main(void)
{
    const struct CMUnitTest tests[] = {
        RIG_TEST(config_words_name_the_adapter),
        RIG_TEST(internal_adapter_info),
        RIG_TEST(figures),
        RIG_TEST(nodes_until_failure),
        RIG_TEST(descriptions_are_terminated_utf16),
        RIG_TEST(registry_answers_in_two_steps),
        RIG_TEST(unknown_types_and_short_payloads_fail),
        RIG_TEST(drivers_private_data_come_from_the_miniport),
        RIG_TEST(residency_shows_in_the_memory_figures),
        RIG_TEST(wrong_memory_queries_fail),
        RIG_TEST(escapes_reach_the_miniport),
        RIG_TEST(standard_allocations_in_two_steps),
        RIG_TEST(clocks_advance),
    };
    return guest_run_in_each_mode(&mode, tests, sizeof(tests) / sizeof(tests[0]));
}
