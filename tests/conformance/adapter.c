/* SPDX-License-Identifier: MIT */
/* Finding, opening and closing adapters. */
#include "conformance/conformance.h"

#include <unistd.h>

static NTSTATUS close_adapter(D3DKMT_HANDLE adapter)
{
    D3DKMT_CLOSEADAPTER close = {adapter};

    return D3DKMTCloseAdapter(&close);
}

static D3DKMT_HANDLE open_by_luid(LUID luid)
{
    ARGS(D3DKMT_OPENADAPTERFROMLUID, open);

    open.AdapterLuid = luid;
    assert_success(D3DKMTOpenAdapterFromLuid(&open));
    return open.hAdapter;
}

/* Whether an adapter handle is good for anything. */
static NTSTATUS use_adapter(D3DKMT_HANDLE adapter)
{
    ARGS(D3DKMT_QUERYVIDEOMEMORYINFO, query);

    query.hAdapter = adapter;
    return D3DKMTQueryVideoMemoryInfo(&query);
}

/* ---- OpenAdapterFromLuid */

CONFORMANCE(OpenAdapterFromLuid, gives_a_handle_that_works)
{
    D3DKMT_HANDLE adapter = open_by_luid(world->luid);

    assert_int_not_equal(adapter, 0);
    assert_success(use_adapter(adapter));
}

CONFORMANCE(OpenAdapterFromLuid, every_call_gives_a_new_handle)
{
    D3DKMT_HANDLE first = open_by_luid(world->luid), second = open_by_luid(world->luid);

    assert_int_not_equal(first, second);
    assert_int_not_equal(first, HANDLE_OF(world, ADAPTER));
    assert_success(close_adapter(first));
    assert_success(use_adapter(second));
}

CONFORMANCE(OpenAdapterFromLuid, an_unknown_luid_is_refused)
{
    ARGS(D3DKMT_OPENADAPTERFROMLUID, open);

    open.AdapterLuid = world->luid;
    open.AdapterLuid.HighPart ^= 0x40000000;
    assert_fails(D3DKMTOpenAdapterFromLuid(&open), STATUS_INVALID_PARAMETER);
    assert_int_equal(open.hAdapter, 0);
}

CONFORMANCE(OpenAdapterFromLuid, an_unknown_luid_is_refused_with_a_stale_handle_in_the_field)
{
    ARGS(D3DKMT_OPENADAPTERFROMLUID, open);

    open.AdapterLuid = world->luid;
    open.AdapterLuid.LowPart ^= 0x55;
    open.hAdapter = 0x40000080;
    assert_fails(D3DKMTOpenAdapterFromLuid(&open), STATUS_INVALID_PARAMETER);
    assert_int_equal(open.hAdapter, 0);
}

CONFORMANCE(OpenAdapterFromLuid, a_stale_handle_in_the_field_does_not_matter)
{
    ARGS(D3DKMT_OPENADAPTERFROMLUID, open);

    open.AdapterLuid = world->luid;
    open.hAdapter = 0xffffffff;
    assert_success(D3DKMTOpenAdapterFromLuid(&open));
    assert_success(use_adapter(open.hAdapter));
}

/* ---- EnumAdapters2 */

CONFORMANCE(EnumAdapters2, null_asks_for_the_number)
{
    ARGS(D3DKMT_ENUMADAPTERS2, list);

    (void)world;
    assert_success(D3DKMTEnumAdapters2(&list));
    assert_in_range(list.NumAdapters, 1, 64);
    assert_null(list.pAdapters);
}

CONFORMANCE(EnumAdapters2, gives_handles_and_luids)
{
    D3DKMT_ADAPTERINFO infos[64];
    ARGS(D3DKMT_ENUMADAPTERS2, list);
    bool found = false;

    memset(infos, 0xaa, sizeof(infos));
    list.NumAdapters = COUNT(infos);
    list.pAdapters = infos;
    assert_success(D3DKMTEnumAdapters2(&list));
    for (unsigned i = 0; i < list.NumAdapters; i++) {
        assert_success(use_adapter(infos[i].hAdapter));
        assert_int_equal(infos[i].NumOfSources, 0);
        found |= memcmp(&infos[i].AdapterLuid, &world->luid, sizeof(LUID)) == 0;
        assert_success(close_adapter(infos[i].hAdapter));
    }
    assert_true(found);
    /* Behind the last entry nothing is written. */
    assert_int_equal(infos[list.NumAdapters].hAdapter, 0xaaaaaaaa);
}

CONFORMANCE(EnumAdapters2, every_call_gives_new_handles)
{
    D3DKMT_ADAPTERINFO infos[2][64];

    (void)world;
    for (unsigned i = 0; i < 2; i++) {
        ARGS(D3DKMT_ENUMADAPTERS2, list);
        list.NumAdapters = COUNT(infos[i]);
        list.pAdapters = infos[i];
        assert_success(D3DKMTEnumAdapters2(&list));
    }
    assert_int_not_equal(infos[0][0].hAdapter, infos[1][0].hAdapter);
    assert_success(close_adapter(infos[0][0].hAdapter));
    assert_success(use_adapter(infos[1][0].hAdapter));
}

CONFORMANCE(EnumAdapters2, too_small_an_array_is_told_and_not_written)
{
    D3DKMT_ADAPTERINFO info;
    ARGS(D3DKMT_ENUMADAPTERS2, list);

    (void)world;
    memset(&info, 0xaa, sizeof(info));
    list.pAdapters = &info;
    assert_fails(D3DKMTEnumAdapters2(&list), STATUS_BUFFER_TOO_SMALL);
    assert_int_equal(list.NumAdapters, 0);
    assert_int_equal(info.hAdapter, 0xaaaaaaaa);
}

/* ---- EnumAdapters3 */

CONFORMANCE(EnumAdapters3, null_asks_for_the_number)
{
    ARGS(D3DKMT_ENUMADAPTERS3, list);

    (void)world;
    list.NumAdapters = 77;
    assert_success(D3DKMTEnumAdapters3(&list));
    assert_in_range(list.NumAdapters, 1, 64);
}

CONFORMANCE(EnumAdapters3, count_0_asks_for_the_number)
{
    D3DKMT_ADAPTERINFO info;
    ARGS(D3DKMT_ENUMADAPTERS3, list);

    (void)world;
    memset(&info, 0xaa, sizeof(info));
    list.pAdapters = &info;
    assert_success(D3DKMTEnumAdapters3(&list));
    assert_in_range(list.NumAdapters, 1, 64);
    assert_int_equal(info.hAdapter, 0xaaaaaaaa);
}

CONFORMANCE(EnumAdapters3, the_filter_adds_compute_only_adapters)
{
    D3DKMT_ADAPTERINFO infos[64];
    unsigned counts[2];

    (void)world;
    for (unsigned filter = 0; filter < 2; filter++) {
        ARGS(D3DKMT_ENUMADAPTERS3, list);
        list.Filter.IncludeComputeOnly = filter;
        list.NumAdapters = COUNT(infos);
        list.pAdapters = infos;
        assert_success(D3DKMTEnumAdapters3(&list));
        counts[filter] = list.NumAdapters;
        for (unsigned i = 0; i < list.NumAdapters; i++) {
            D3DKMT_ADAPTERTYPE type = {.Value = 0};
            ARGS(D3DKMT_QUERYADAPTERINFO, query);

            query.hAdapter = infos[i].hAdapter;
            query.Type = KMTQAITYPE_ADAPTERTYPE;
            query.pPrivateDriverData = &type;
            query.PrivateDriverDataSize = sizeof(type);
            assert_success(D3DKMTQueryAdapterInfo(&query));
            assert_true(filter || !type.ComputeOnly);
        }
    }
    assert_true(counts[1] >= counts[0]);
}

CONFORMANCE(EnumAdapters3, reserved_filter_bits_do_not_matter)
{
    D3DKMT_ADAPTERINFO infos[64];
    ARGS(D3DKMT_ENUMADAPTERS3, list);

    (void)world;
    list.Filter.Value = ~(UINT64)0;
    list.NumAdapters = COUNT(infos);
    list.pAdapters = infos;
    assert_success(D3DKMTEnumAdapters3(&list));
    assert_true(list.NumAdapters >= 1);
}

/* ---- CloseAdapter */

CONFORMANCE(CloseAdapter, handle_0_is_fine)
{
    assert_success(close_adapter(0));
    assert_success(use_adapter(HANDLE_OF(world, ADAPTER)));
}

CONFORMANCE(CloseAdapter, ends_the_handle)
{
    D3DKMT_HANDLE adapter = open_by_luid(world->luid);

    assert_success(close_adapter(adapter));
    assert_fails(use_adapter(adapter), STATUS_INVALID_PARAMETER);
    assert_fails(close_adapter(adapter), STATUS_INVALID_PARAMETER);
}

CONFORMANCE(CloseAdapter, devices_live_on_with_another_handle)
{
    D3DKMT_HANDLE other = open_by_luid(world->luid);

    assert_success(close_adapter(HANDLE_OF(world, ADAPTER)));
    assert_success(client_ask(HANDLE_OF(world, DEVICE)));
    assert_success(use_adapter(other));
}

CONFORMANCE(CloseAdapter, the_last_handle_takes_the_devices_along)
{
    D3DKMT_HANDLE device = HANDLE_OF(world, DEVICE);

    assert_success(close_adapter(HANDLE_OF(world, ADAPTER)));
    assert_fails(client_ask(device), STATUS_INVALID_PARAMETER);
    assert_fails(umd_submit(HANDLE_OF(world, CONTEXT), world->address, world->command_size),
                 STATUS_INVALID_PARAMETER);
    /* Another start is possible. */
    assert_success(use_adapter(open_by_luid(world->luid)));
}

/* ---- CloseDxCoreDevice */

CONFORMANCE(CloseDxCoreDevice, ends_every_handle)
{
    D3DKMTCloseDxCoreDevice();
    assert_fails(use_adapter(HANDLE_OF(world, ADAPTER)), STATUS_INVALID_PARAMETER);
}

CONFORMANCE(CloseDxCoreDevice, the_next_call_opens_again)
{
    ARGS(D3DKMT_ENUMADAPTERS2, list);

    (void)world;
    D3DKMTCloseDxCoreDevice();
    assert_success(D3DKMTEnumAdapters2(&list));
    assert_true(list.NumAdapters >= 1);
}

CONFORMANCE(CloseDxCoreDevice, twice_is_fine)
{
    (void)world;
    D3DKMTCloseDxCoreDevice();
    D3DKMTCloseDxCoreDevice();
}

/* ---- SetStablePowerState */

CONFORMANCE(SetStablePowerState, succeeds_and_does_nothing)
{
    ARGS(D3DKMT_SETSTABLEPOWERSTATE, power);

    power.hAdapter = HANDLE_OF(world, ADAPTER);
    power.Enabled = 1;
    assert_success(D3DKMTSetStablePowerState(&power));
    assert_int_equal(power.hAdapter, HANDLE_OF(world, ADAPTER));
    assert_success(use_adapter(HANDLE_OF(world, ADAPTER)));
}

/* ---- EnumProcesses */

static NTSTATUS list_processes(const struct world *world, UINT *ids, UINT64 *count)
{
    ARGS(D3DKMT_ENUMPROCESSES, list);

    list.AdapterLuid = world->luid;
    list.Buffer = (ULONG *)ids;
    list.BufferCount = *count;
    NTSTATUS status = D3DKMTEnumProcesses(&list);
    *count = list.BufferCount;
    return status;
}

CONFORMANCE(EnumProcesses, this_process_is_listed)
{
    UINT ids[256];
    UINT64 count = COUNT(ids);
    bool found = false;

    assert_success(list_processes(world, ids, &count));
    for (UINT64 i = 0; i < count; i++)
        found |= ids[i] == (UINT)getpid();
    assert_true(found);
}

CONFORMANCE(EnumProcesses, null_asks_for_the_number)
{
    UINT64 count = 5;

    assert_fails(list_processes(world, NULL, &count), STATUS_BUFFER_TOO_SMALL);
    assert_true(count >= 1);
}

CONFORMANCE(EnumProcesses, too_small_a_buffer_tells_the_number)
{
    UINT id = 0xaaaaaaaa;
    UINT64 count = 0;

    assert_fails(list_processes(world, &id, &count), STATUS_BUFFER_TOO_SMALL);
    assert_true(count >= 1);
    assert_int_equal(id, 0xaaaaaaaa);
}

CONFORMANCE(EnumProcesses, an_unknown_luid_is_refused)
{
    UINT ids[4];
    ARGS(D3DKMT_ENUMPROCESSES, list);

    list.AdapterLuid = world->luid;
    list.AdapterLuid.HighPart ^= 0x1000;
    list.Buffer = (ULONG *)ids;
    list.BufferCount = COUNT(ids);
    assert_fails(D3DKMTEnumProcesses(&list), STATUS_INVALID_PARAMETER);
    assert_int_equal(list.BufferCount, 0);
}

CONFORMANCE(EnumProcesses, who_has_closed_the_adapter_is_not_listed)
{
    UINT ids[256];
    UINT64 count = COUNT(ids);

    assert_success(close_adapter(HANDLE_OF(world, ADAPTER)));
    assert_success(list_processes(world, ids, &count));
    for (UINT64 i = 0; i < count; i++)
        assert_int_not_equal(ids[i], getpid());
}
