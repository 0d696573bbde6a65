/* SPDX-License-Identifier: MIT */
/* Questions to an adapter. */
#include "conformance/conformance.h"

#include <sched.h>
#include <wchar.h>

/* ---- QueryAdapterInfo */

CONFORMANCE(QueryAdapterInfo, a_vgpu_is_paravirtualized_and_drives_no_display)
{
    static const KMTQUERYADAPTERINFOTYPE types[] = {KMTQAITYPE_ADAPTERTYPE,
                                                    KMTQAITYPE_ADAPTERTYPE_RENDER};

    for (unsigned i = 0; i < COUNT(types); i++) {
        D3DKMT_ADAPTERTYPE type = {.Value = 0xffffffff};

        assert_success(conformance_ask_adapter(world, types[i], &type, sizeof(type)));
        assert_int_equal(type.Paravirtualized, 1);
        assert_int_equal(type.RenderSupported, 1);
        assert_int_equal(type.DisplaySupported, 0);
        assert_int_equal(type.PostDevice, 0);
        assert_int_equal(type.IndirectDisplayDevice, 0);
        assert_int_equal(type.ACGSupported, 0);
        assert_int_equal(type.SupportSetTimingsFromVidPn, 0);
    }
}

CONFORMANCE(QueryAdapterInfo, there_is_memory)
{
    D3DKMT_SEGMENTSIZEINFO segments;

    memset(&segments, 0, sizeof(segments));
    assert_success(
        conformance_ask_adapter(world, KMTQAITYPE_GETSEGMENTSIZE, &segments, sizeof(segments)));
    assert_true(segments.DedicatedVideoMemorySize + segments.SharedSystemMemorySize > 0);
}

CONFORMANCE(QueryAdapterInfo, names_are_wide_and_end)
{
    static D3DKMT_DRIVER_DESCRIPTION description;
    static D3DKMT_ADAPTERREGISTRYINFO registry;
    size_t length;

    memset(&description, 0xff, sizeof(description));
    assert_success(conformance_ask_adapter(world, KMTQAITYPE_DRIVER_DESCRIPTION, &description,
                                           sizeof(description)));
    length = wcsnlen(description.DriverDescription, COUNT(description.DriverDescription));
    assert_in_range(length, 1, COUNT(description.DriverDescription) - 1);
    memset(&registry, 0xff, sizeof(registry));
    assert_success(conformance_ask_adapter(world, KMTQAITYPE_ADAPTERREGISTRYINFO, &registry,
                                           sizeof(registry)));
    length = wcsnlen(registry.AdapterString, COUNT(registry.AdapterString));
    assert_in_range(length, 1, COUNT(registry.AdapterString) - 1);
}

CONFORMANCE(QueryAdapterInfo, text_needs_a_buffer_of_its_exact_size)
{
    static const KMTQUERYADAPTERINFOTYPE types[] = {
        KMTQAITYPE_UMDRIVERNAME, KMTQAITYPE_ADAPTERREGISTRYINFO, KMTQAITYPE_DRIVER_DESCRIPTION};
    static unsigned char data[20000];

    for (unsigned i = 0; i < COUNT(types); i++) {
        memset(data, 0x5a, sizeof(data));
        assert_fails(conformance_ask_adapter(world, types[i], data, 6), STATUS_INVALID_PARAMETER);
        assert_fails(conformance_ask_adapter(world, types[i], data, sizeof(data)),
                     STATUS_INVALID_PARAMETER);
        for (unsigned byte = 0; byte < sizeof(data); byte++)
            assert_int_equal(data[byte], 0x5a);
    }
}

CONFORMANCE(QueryAdapterInfo, a_registry_value_that_is_not_there_has_its_own_status)
{
    D3DDDI_QUERYREGISTRY_INFO info;

    memset(&info, 0, sizeof(info));
    info.QueryType = D3DDDI_QUERYREGISTRY_ADAPTERKEY;
    wcscpy(info.ValueName, L"there is no such value");
    info.ValueType = 4; /* a number */
    assert_success(conformance_ask_adapter(world, KMTQAITYPE_QUERYREGISTRY, &info, sizeof(info)));
    assert_int_equal(info.Status, D3DDDI_QUERYREGISTRY_STATUS_FAIL);
}

CONFORMANCE(QueryAdapterInfo, a_registry_query_needs_its_struct)
{
    D3DDDI_QUERYREGISTRY_INFO info;

    memset(&info, 0, sizeof(info));
    assert_fails(conformance_ask_adapter(world, KMTQAITYPE_QUERYREGISTRY, &info, sizeof(info) - 1),
                 STATUS_INVALID_PARAMETER);
}

CONFORMANCE(QueryAdapterInfo, a_block_list_needs_its_struct)
{
    D3DKMT_BLOCKLIST_INFO info;

    memset(&info, 0, sizeof(info));
    assert_fails(
        conformance_ask_adapter(world, KMTQAITYPE_BLOCKLIST_KERNEL, &info, sizeof(info) - 1),
        STATUS_INVALID_PARAMETER);
}

CONFORMANCE(QueryAdapterInfo, there_is_one_physical_adapter)
{
    UINT count = 0;

    assert_success(
        conformance_ask_adapter(world, KMTQAITYPE_PHYSICALADAPTERCOUNT, &count, sizeof(count)));
    assert_true(count >= 1);
}

CONFORMANCE(QueryAdapterInfo, the_driver_model_is_of_wddm_2_or_later)
{
    UINT model = 0;

    assert_success(conformance_ask_adapter(world, KMTQAITYPE_DRIVERVERSION, &model, sizeof(model)));
    assert_true(model >= 2000);
}

CONFORMANCE(QueryAdapterInfo, a_buffer_of_another_size_is_refused)
{
    unsigned char data[64];

    memset(data, 0, sizeof(data));
    assert_false(
        NT_SUCCESS(conformance_ask_adapter(world, KMTQAITYPE_PHYSICALADAPTERCOUNT, data, 1)));
}

CONFORMANCE(QueryAdapterInfo, an_unknown_type_is_refused_and_nothing_written)
{
    unsigned char data[16], before[16];

    memset(data, 0x5a, sizeof(data));
    memcpy(before, data, sizeof(data));
    assert_false(NT_SUCCESS(
        conformance_ask_adapter(world, (KMTQUERYADAPTERINFOTYPE)9999, data, sizeof(data))));
    assert_memory_equal(data, before, sizeof(data));
}

CONFORMANCE_GPU(QueryAdapterInfo, the_driver_answers_private_questions)
{
    struct softgpu_adapter answer;

    memset(&answer, 0, sizeof(answer));
    assert_success(
        conformance_ask_adapter(world, KMTQAITYPE_UMDRIVERPRIVATE, &answer, sizeof(answer)));
    assert_int_equal(answer.magic, SOFTGPU_ADAPTER_MAGIC);
    assert_true(answer.node_count >= 1);
}

CONFORMANCE_GPU(QueryAdapterInfo, every_node_tells_its_kind)
{
    struct softgpu_adapter adapter;

    memset(&adapter, 0, sizeof(adapter));
    assert_success(
        conformance_ask_adapter(world, KMTQAITYPE_UMDRIVERPRIVATE, &adapter, sizeof(adapter)));
    for (UINT node = 0; node <= adapter.node_count; node++) {
        D3DKMT_NODEMETADATA data;

        memset(&data, 0, sizeof(data));
        data.NodeOrdinalAndAdapterIndex = node;
        NTSTATUS status =
            conformance_ask_adapter(world, KMTQAITYPE_NODEMETADATA, &data, sizeof(data));
        assert_int_equal(NT_SUCCESS(status), node < adapter.node_count);
    }
}

/* ---- QueryVideoMemoryInfo, ChangeVideoMemoryReservation */

static D3DKMT_QUERYVIDEOMEMORYINFO memory_of(const struct world *world,
                                             D3DKMT_MEMORY_SEGMENT_GROUP group)
{
    ARGS(D3DKMT_QUERYVIDEOMEMORYINFO, query);

    query.hAdapter = HANDLE_OF(world, ADAPTER);
    query.MemorySegmentGroup = group;
    assert_success(D3DKMTQueryVideoMemoryInfo(&query));
    return query;
}

static NTSTATUS reserve(const struct world *world, UINT64 bytes)
{
    ARGS(D3DKMT_CHANGEVIDEOMEMORYRESERVATION, change);

    change.hAdapter = HANDLE_OF(world, ADAPTER);
    change.MemorySegmentGroup = D3DKMT_MEMORY_SEGMENT_GROUP_LOCAL;
    change.Reservation = bytes;
    return D3DKMTChangeVideoMemoryReservation(&change);
}

CONFORMANCE(QueryVideoMemoryInfo, there_is_a_budget_in_each_group)
{
    for (unsigned group = 0; group < 2; group++) {
        D3DKMT_QUERYVIDEOMEMORYINFO info = memory_of(world, (D3DKMT_MEMORY_SEGMENT_GROUP)group);

        assert_true(info.Budget > 0);
        assert_true(info.CurrentUsage <= info.Budget);
        assert_int_equal(info.CurrentReservation, 0);
    }
}

CONFORMANCE_GPU(QueryVideoMemoryInfo, what_becomes_resident_counts)
{
    enum { SIZE = 1 << 20 };
    struct umd umd = conformance_umd(world);
    struct umd_buffer buffer;
    UINT64 before = memory_of(world, D3DKMT_MEMORY_SEGMENT_GROUP_LOCAL).CurrentUsage;

    assert_success(umd_buffer_create(&umd, SIZE, 0, &buffer));
    assert_int_equal(memory_of(world, D3DKMT_MEMORY_SEGMENT_GROUP_LOCAL).CurrentUsage,
                     before + SIZE);
    assert_success(umd_buffer_destroy(&umd, &buffer));
    /* As soon as paging that was under way no longer uses it. */
    while (memory_of(world, D3DKMT_MEMORY_SEGMENT_GROUP_LOCAL).CurrentUsage != before)
        sched_yield();
}

CONFORMANCE(QueryVideoMemoryInfo, other_processes_cannot_be_asked_about)
{
    ARGS(D3DKMT_QUERYVIDEOMEMORYINFO, query);

    query.hAdapter = HANDLE_OF(world, ADAPTER);
    query.hProcess = (HANDLE)(uintptr_t)1;
    assert_fails(D3DKMTQueryVideoMemoryInfo(&query), STATUS_INVALID_PARAMETER);
}

CONFORMANCE(ChangeVideoMemoryReservation, the_reservation_is_seen)
{
    const UINT64 bytes = 1 << 20;

    assert_success(reserve(world, bytes));
    D3DKMT_QUERYVIDEOMEMORYINFO info = memory_of(world, D3DKMT_MEMORY_SEGMENT_GROUP_LOCAL);
    assert_int_equal(info.CurrentReservation, bytes);
    assert_true(info.Budget >= bytes);
    assert_success(reserve(world, 0));
    assert_int_equal(memory_of(world, D3DKMT_MEMORY_SEGMENT_GROUP_LOCAL).CurrentReservation, 0);
}

CONFORMANCE(ChangeVideoMemoryReservation, more_than_available_is_refused)
{
    UINT64 available = memory_of(world, D3DKMT_MEMORY_SEGMENT_GROUP_LOCAL).AvailableForReservation;

    assert_false(NT_SUCCESS(reserve(world, available + 1)));
    assert_int_equal(memory_of(world, D3DKMT_MEMORY_SEGMENT_GROUP_LOCAL).CurrentReservation, 0);
}

CONFORMANCE(ChangeVideoMemoryReservation, other_processes_are_refused)
{
    ARGS(D3DKMT_CHANGEVIDEOMEMORYRESERVATION, change);

    change.hAdapter = HANDLE_OF(world, ADAPTER);
    change.hProcess = (HANDLE)(uintptr_t)1;
    assert_fails(D3DKMTChangeVideoMemoryReservation(&change), STATUS_INVALID_PARAMETER);
}

/* ---- QueryClockCalibration */

CONFORMANCE(QueryClockCalibration, both_clocks_run)
{
    D3DKMT_QUERYCLOCKCALIBRATION first, second;

    memset(&first, 0, sizeof(first));
    first.hAdapter = HANDLE_OF(world, ADAPTER);
    second = first;
    assert_success(D3DKMTQueryClockCalibration(&first));
    assert_true(first.ClockData.GpuFrequency > 0);
    do /* clocks may be coarse */
        assert_success(D3DKMTQueryClockCalibration(&second));
    while (second.ClockData.GpuClockCounter == first.ClockData.GpuClockCounter ||
           second.ClockData.CpuClockCounter == first.ClockData.CpuClockCounter);
    assert_true(second.ClockData.GpuClockCounter > first.ClockData.GpuClockCounter);
    assert_true(second.ClockData.CpuClockCounter > first.ClockData.CpuClockCounter);
}

CONFORMANCE_GPU(QueryClockCalibration, timestamps_of_the_gpu_lie_between)
{
    D3DKMT_QUERYCLOCKCALIBRATION before, after;
    struct client_gpu gpu;
    struct softgpu_writer writer;

    conformance_gpu(world, &gpu);
    memset(&before, 0, sizeof(before));
    before.hAdapter = HANDLE_OF(world, ADAPTER);
    after = before;
    assert_success(D3DKMTQueryClockCalibration(&before));
    softgpu_writer_init(&writer, gpu.commands.cpu, gpu.commands.size);
    softgpu_timestamp(&writer, gpu.target.address);
    assert_success(conformance_submit(&gpu, &writer));
    conformance_finish(&gpu);
    assert_success(D3DKMTQueryClockCalibration(&after));
    uint64_t stamp = *(const uint64_t *)gpu.target.cpu;
    assert_true(before.ClockData.GpuClockCounter <= stamp);
    assert_true(stamp <= after.ClockData.GpuClockCounter);
}

CONFORMANCE(QueryClockCalibration, a_node_that_does_not_exist_is_refused)
{
    ARGS(D3DKMT_QUERYCLOCKCALIBRATION, query);

    query.hAdapter = HANDLE_OF(world, ADAPTER);
    query.NodeOrdinal = 1000;
    assert_false(NT_SUCCESS(D3DKMTQueryClockCalibration(&query)));
}

/* ---- IsFeatureEnabled */

CONFORMANCE(IsFeatureEnabled, hardware_scheduling_is_a_known_feature)
{
    ARGS(D3DKMT_ISFEATUREENABLED, query);

    query.hAdapter = HANDLE_OF(world, ADAPTER);
    query.FeatureId = DXGK_FEATURE_HWSCH;
    assert_success(D3DKMTIsFeatureEnabled(&query));
    assert_int_equal(query.Result.KnownFeature, 1);
}

CONFORMANCE(IsFeatureEnabled, an_unknown_feature_is_not_enabled)
{
    ARGS(D3DKMT_ISFEATUREENABLED, query);

    query.hAdapter = HANDLE_OF(world, ADAPTER);
    query.FeatureId = (DXGK_FEATURE_ID)0x0fffffff;
    if (NT_SUCCESS(D3DKMTIsFeatureEnabled(&query)))
        assert_int_equal(query.Result.Value & 1, 0);
}

/* ---- Escape */

static NTSTATUS escape(const struct world *world, void *data, UINT size)
{
    ARGS(D3DKMT_ESCAPE, args);

    args.hAdapter = HANDLE_OF(world, ADAPTER);
    args.Type = D3DKMT_ESCAPE_DRIVERPRIVATE;
    args.pPrivateDriverData = data;
    args.PrivateDriverDataSize = size;
    return D3DKMTEscape(&args);
}

CONFORMANCE_GPU(Escape, goes_to_the_driver_and_back)
{
    struct softgpu_escape data = {SOFTGPU_ESCAPE_MAGIC, SOFTGPU_ESCAPE_ECHO, 0x1234, 0};

    assert_success(escape(world, &data, sizeof(data)));
    assert_int_equal(data.result, ~(uint64_t)0x1234);
}

CONFORMANCE_GPU(Escape, tells_what_the_gpu_has_done)
{
    struct softgpu_escape before = {SOFTGPU_ESCAPE_MAGIC, SOFTGPU_ESCAPE_COMMANDS, 0, 0};
    struct softgpu_escape after = before;
    struct client_gpu gpu;

    conformance_gpu(world, &gpu);
    assert_success(escape(world, &before, sizeof(before)));
    assert_success(client_gpu_run(&gpu, 1));
    assert_success(escape(world, &after, sizeof(after)));
    assert_int_equal(after.result, before.result + 1);
}

CONFORMANCE(Escape, larger_than_a_message_is_refused)
{
    assert_fails(escape(world, world->scratch, 131072), STATUS_INVALID_PARAMETER);
}

CONFORMANCE(Escape, of_the_known_kinds_handles_stay_what_they_are)
{
    ARGS(D3DKMT_ESCAPE, args);
    UINT data[4] = {0, HANDLE_OF(world, ALLOCATION), 7, 8};
    const UINT before[4] = {0, HANDLE_OF(world, ALLOCATION), 7, 8};

    args.hAdapter = HANDLE_OF(world, ADAPTER);
    args.Type = D3DKMT_ESCAPE_DRIVERPRIVATE;
    args.Flags.DriverKnownEscape = 1;
    args.pPrivateDriverData = data;
    args.PrivateDriverDataSize = sizeof(data);
    assert_success(D3DKMTEscape(&args)); /* translate an allocation's handle */
    assert_memory_equal(data, before, sizeof(data));
    data[0] = 1; /* a resource's */
    assert_success(D3DKMTEscape(&args));
    assert_int_equal(data[1], before[1]);
}

CONFORMANCE(Escape, a_known_kind_needs_its_number)
{
    ARGS(D3DKMT_ESCAPE, args);
    UINT data = 0;

    args.hAdapter = HANDLE_OF(world, ADAPTER);
    args.Type = D3DKMT_ESCAPE_DRIVERPRIVATE;
    args.Flags.DriverKnownEscape = 1;
    args.pPrivateDriverData = &data;
    args.PrivateDriverDataSize = 3;
    assert_fails(D3DKMTEscape(&args), STATUS_INVALID_PARAMETER);
}
