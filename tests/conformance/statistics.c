/* SPDX-License-Identifier: MIT */
/* Counters that are true: what a known workload adds to them. */
#include "conformance/conformance.h"

#include <unistd.h>

static NTSTATUS query(const struct world *world, D3DKMT_QUERYSTATISTICS_TYPE type,
                      uintptr_t process, D3DKMT_QUERYSTATISTICS *args)
{
    memset(args, 0, sizeof(*args));
    args->Type = type;
    args->AdapterLuid = world->luid;
    args->hProcess = (HANDLE)process;
    return D3DKMTQueryStatistics(args);
}

static ULONG submitted(const struct world *world, uintptr_t process)
{
    static D3DKMT_QUERYSTATISTICS args;

    assert_success(query(world, D3DKMT_QUERYSTATISTICS_PROCESS_NODE, process, &args));
    return args.QueryResult.ProcessNodeInformation.PacketStatistics.QueuePacket[0].PacketSubmited;
}

CONFORMANCE(QueryStatistics, an_adapter_tells_its_nodes_and_segments)
{
    static D3DKMT_QUERYSTATISTICS args;

    assert_success(query(world, D3DKMT_QUERYSTATISTICS_ADAPTER, 0, &args));
    assert_true(args.QueryResult.AdapterInformation.NodeCount >= 1);
    assert_true(args.QueryResult.AdapterInformation.NbSegments >= 1);
}

CONFORMANCE_GPU(QueryStatistics, a_node_counts_what_was_submitted)
{
    struct client_gpu gpu;

    conformance_gpu(world, &gpu);
    ULONG before = submitted(world, 0);
    for (unsigned i = 0; i < 5; i++)
        assert_success(client_gpu_run(&gpu, i));
    assert_int_equal(submitted(world, 0), before + 5);
}

CONFORMANCE(QueryStatistics, this_process_can_be_named)
{
    assert_int_equal(submitted(world, 0), submitted(world, (uintptr_t)getpid()));
}

CONFORMANCE(QueryStatistics, an_unknown_process_is_refused)
{
    static D3DKMT_QUERYSTATISTICS args;

    assert_fails(query(world, D3DKMT_QUERYSTATISTICS_PROCESS_NODE, 0x7ffffff0, &args),
                 STATUS_INVALID_PARAMETER);
}

CONFORMANCE(QueryStatistics, an_unknown_adapter_is_refused)
{
    static D3DKMT_QUERYSTATISTICS args;

    memset(&args, 0, sizeof(args));
    args.AdapterLuid = world->luid;
    args.AdapterLuid.LowPart ^= 0x1234;
    assert_fails(D3DKMTQueryStatistics(&args), STATUS_INVALID_PARAMETER);
}

CONFORMANCE(QueryStatistics, a_node_or_segment_that_does_not_exist_is_refused)
{
    static const D3DKMT_QUERYSTATISTICS_TYPE types[] = {
        D3DKMT_QUERYSTATISTICS_NODE, D3DKMT_QUERYSTATISTICS_PROCESS_NODE,
        D3DKMT_QUERYSTATISTICS_SEGMENT, D3DKMT_QUERYSTATISTICS_PROCESS_SEGMENT};
    static D3DKMT_QUERYSTATISTICS args;

    for (unsigned i = 0; i < COUNT(types); i++) {
        memset(&args, 0, sizeof(args));
        args.Type = types[i];
        args.AdapterLuid = world->luid;
        args.QueryNode.NodeId = 1000;
        assert_false(NT_SUCCESS(D3DKMTQueryStatistics(&args)));
    }
}

CONFORMANCE(QueryStatistics, the_luid_stays_the_callers)
{
    static D3DKMT_QUERYSTATISTICS args;

    assert_success(query(world, D3DKMT_QUERYSTATISTICS_ADAPTER, 0, &args));
    assert_memory_equal(&args.AdapterLuid, &world->luid, sizeof(LUID));
}

CONFORMANCE(QueryStatistics, an_unknown_type_is_refused)
{
    static D3DKMT_QUERYSTATISTICS args;

    assert_false(NT_SUCCESS(query(world, (D3DKMT_QUERYSTATISTICS_TYPE)1000, 0, &args)));
}
