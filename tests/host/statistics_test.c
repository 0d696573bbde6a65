/* SPDX-License-Identifier: MIT */
/* Statistics before and after a known workload, of one process and of all. */
#include "host/guest.h"

#include <string.h>

static const struct guest_mode *mode;

enum { SEGMENT_PAGES = 64, RENDER = 0, WAIT = 4, SIGNAL = 5 };

struct rig {
    struct guest_vm vm;
    struct guest *guest, *other;
    struct wire_luid luid;
    uint32_t device, context;
    struct guest_queue paging;
    struct guest_memory commands;
};

static struct wire_luid host_luid(struct guest *guest)
{
    guest_begin(guest, WIRE_VGPU, WIRE_VGPU_GETINTERNALADAPTERINFO);
    assert_int_equal(guest_send(guest), STATUS_SUCCESS);
    return ((const struct wire_getinternaladapterinfo_reply_before_40 *)(const void *)
                guest->reply.bytes)
        ->host_adapter_luid;
}

static int open_rig(void **state)
{
    static struct rig rig;
    struct host_config config = {.adapter_count = 1};

    config.adapters[0].segment_size[KMD_SEGMENT_LOCAL] = SEGMENT_PAGES * PAGE;
    guest_vm_open(&rig.vm, mode, &config);
    rig.guest = guest_open(&rig.vm, 0);
    rig.other = guest_open(&rig.vm, 0);
    rig.luid = host_luid(rig.guest);
    rig.device = guest_create_device(rig.guest);
    rig.context = guest_create_context(rig.guest, rig.device);
    rig.paging = guest_create_paging_queue(rig.guest, rig.device);
    rig.commands = guest_create_memory(rig.guest, rig.device, rig.paging.handle, PAGE);
    *state = &rig;
    return 0;
}

static int close_rig(void **state)
{
    struct rig *rig = *state;

    guest_close(rig->other);
    guest_close(rig->guest);
    assert_int_equal(host_object_count(rig->vm.host), 0);
    guest_vm_close(&rig->vm);
    return 0;
}

static NTSTATUS try_query(struct rig *rig, struct guest *subject, uint32_t type, uint32_t selector,
                          D3DKMT_QUERYSTATISTICS_RESULT *result)
{
    struct wire_querystatistics *query = guest_begin(subject, WIRE_VGPU, WIRE_VGPU_QUERYSTATISTICS);

    query->args.type = type;
    query->args.adapter_luid = rig->luid;
    memcpy(query->args.reserved, &selector, sizeof(selector));
    NTSTATUS status = guest_send(subject);
    memcpy(result, guest_reply(subject, querystatistics)->result, sizeof(*result));
    return status;
}

static D3DKMT_QUERYSTATISTICS_RESULT query(struct rig *rig, struct guest *subject, uint32_t type,
                                           uint32_t selector)
{
    D3DKMT_QUERYSTATISTICS_RESULT result;

    assert_int_equal(try_query(rig, subject, type, selector, &result), STATUS_SUCCESS);
    return result;
}

static D3DKMT_QUERYSTATISTICS_PROCESS_NODE_INFORMATION
process_node(struct rig *rig, struct guest *subject, uint32_t node)
{
    return query(rig, subject, D3DKMT_QUERYSTATISTICS_PROCESS_NODE, node).ProcessNodeInformation;
}

static D3DKMT_QUERYSTATISTICS_PROCESS_NODE_INFORMATION global_node(struct rig *rig, uint32_t node)
{
    return query(rig, rig->guest, D3DKMT_QUERYSTATISTICS_NODE, node)
        .NodeInformation.GlobalInformation;
}

/* ---- nodes */

/* Runs `count` command buffers and waits for the last. */
static void work(struct rig *rig, unsigned count)
{
    struct guest_fence fence = guest_create_fence(rig->guest, rig->device, 0, 0);
    struct softgpu_writer writer;

    softgpu_writer_init(&writer, rig->commands.cpu, rig->commands.size);
    softgpu_fill(&writer, rig->commands.gpu + 1024, 7, 1024);
    for (unsigned i = 0; i < count; i++)
        assert_int_equal(
            guest_submit(rig->guest, rig->context, rig->commands.gpu, softgpu_writer_size(&writer)),
            STATUS_SUCCESS);
    assert_int_equal(guest_signal_from_gpu(rig->guest, rig->context, fence.handle, 1),
                     STATUS_SUCCESS);
    guest_wait(rig->guest, rig->device, fence.handle, 1);
}

static void nodes_count_the_work(void **state)
{
    struct rig *rig = *state;
    D3DKMT_QUERYSTATISTICS_PROCESS_NODE_INFORMATION before = process_node(rig, rig->guest, 0);

    assert_int_equal(before.PacketStatistics.QueuePacket[RENDER].PacketSubmited, 0);
    assert_int_equal(before.ContextSwitch, 0);
    work(rig, 5);
    D3DKMT_QUERYSTATISTICS_PROCESS_NODE_INFORMATION after = process_node(rig, rig->guest, 0);
    assert_int_equal(after.PacketStatistics.QueuePacket[RENDER].PacketSubmited, 5);
    assert_int_equal(after.PacketStatistics.QueuePacket[RENDER].PacketCompleted, 5);
    assert_int_equal(after.PacketStatistics.QueuePacket[SIGNAL].PacketSubmited, 1);
    assert_int_equal(after.PacketStatistics.QueuePacket[WAIT].PacketSubmited, 0);
    assert_int_equal(after.PacketStatistics.DmaPacket[0].PacketSubmited, 5);
    assert_int_equal(after.PacketStatistics.DmaPacket[0].PacketCompleted, 5);
    assert_int_equal(after.PacketStatistics.DmaPacket[0].PacketFaulted, 0);
    assert_int_equal(after.ContextSwitch, 1);
    assert_true(after.RunningTime.QuadPart >= before.RunningTime.QuadPart);
    D3DKMT_QUERYSTATISTICS_PROCESS_NODE_INFORMATION all = global_node(rig, 0);
    assert_int_equal(all.PacketStatistics.DmaPacket[0].PacketCompleted, 5);
    assert_true(all.RunningTime.QuadPart == after.RunningTime.QuadPart);
    /* Neither the other process nor the other node has done anything. */
    assert_int_equal(
        process_node(rig, rig->other, 0).PacketStatistics.QueuePacket[RENDER].PacketSubmited, 0);
    assert_int_equal(global_node(rig, 1).PacketStatistics.QueuePacket[RENDER].PacketSubmited, 0);
    assert_int_equal(global_node(rig, 1).RunningTime.QuadPart, 0);
}

static void faults_are_counted(void **state)
{
    struct rig *rig = *state;
    struct guest_fence fence = guest_create_fence(rig->guest, rig->device, 0, 0);

    assert_int_equal(guest_submit(rig->guest, rig->context, 0x1000, 64), STATUS_SUCCESS);
    guest_wait(rig->guest, rig->device, fence.handle, 1); /* failed devices raise their fences */
    assert_int_equal(global_node(rig, 0).PacketStatistics.DmaPacket[0].PacketFaulted, 1);
    assert_int_equal(global_node(rig, 0).PacketStatistics.DmaPacket[0].PacketCompleted, 0);
}

/* ---- memory */

static D3DKMT_QUERYSTATISTICS_SEGMENT_INFORMATION segment(struct rig *rig, uint32_t id)
{
    return query(rig, rig->guest, D3DKMT_QUERYSTATISTICS_SEGMENT, id).SegmentInformation;
}

static D3DKMT_QUERYSTATISTICS_PROCESS_SEGMENT_INFORMATION
process_segment(struct rig *rig, struct guest *subject, uint32_t id)
{
    return query(rig, subject, D3DKMT_QUERYSTATISTICS_PROCESS_SEGMENT, id)
        .ProcessSegmentInformation;
}

static void segments_count_commitment_and_residency(void **state)
{
    struct rig *rig = *state;
    D3DKMT_QUERYSTATISTICS_SEGMENT_INFORMATION before = segment(rig, 0);
    uint32_t allocation;

    assert_true(before.CommitLimit == SEGMENT_PAGES * PAGE);
    assert_int_equal(before.Aperture, 0);
    assert_int_equal(guest_try_allocation(rig->guest, rig->device, 10 * PAGE, 0, &allocation),
                     STATUS_SUCCESS);
    D3DKMT_QUERYSTATISTICS_SEGMENT_INFORMATION after = segment(rig, 0);
    assert_true(after.BytesCommitted == before.BytesCommitted + 10 * PAGE);
    assert_int_equal(after.Memory.AllocsCommitted, before.Memory.AllocsCommitted + 1);
    assert_true(after.BytesResident == before.BytesResident);
    guest_make_resident(rig->guest, &rig->paging, allocation);
    after = segment(rig, 0);
    assert_true(after.BytesResident == before.BytesResident + 10 * PAGE);
    assert_int_equal(after.Memory.AllocsResident, before.Memory.AllocsResident + 1);
    D3DKMT_QUERYSTATISTICS_PROCESS_SEGMENT_INFORMATION own = process_segment(rig, rig->guest, 0);
    assert_true(own.BytesCommitted == after.BytesCommitted);
    assert_true(own.VideoMemory.AllocsResidentInP[0].Bytes == after.BytesResident);
    assert_int_equal(own.VideoMemory.AllocsCommitted, after.Memory.AllocsCommitted);
    assert_true(own.MaximumWorkingSet == SEGMENT_PAGES * PAGE);
    assert_int_equal(process_segment(rig, rig->other, 0).BytesCommitted, 0);
    assert_int_equal(segment(rig, 1).BytesCommitted, 0);
    assert_int_equal(segment(rig, 1).Aperture, 1);
    assert_int_equal(guest_destroy_allocation(rig->guest, rig->device, 0, &allocation, 1),
                     STATUS_SUCCESS);
    after = segment(rig, 0);
    assert_true(after.BytesCommitted == before.BytesCommitted);
    assert_true(after.BytesResident == before.BytesResident);
}

/* The other process needs the whole segment: what the first one has moves out, and is counted. */
static void evictions_are_counted_by_priority(void **state)
{
    struct rig *rig = *state;
    uint32_t device = guest_create_device(rig->other);
    struct guest_queue paging = guest_create_paging_queue(rig->other, device);
    uint64_t usage = query(rig, rig->guest, D3DKMT_QUERYSTATISTICS_PROCESS_SEGMENT_GROUP, 0)
                         .ProcessSegmentGroupInformation.Usage;
    uint32_t allocation;

    assert_true(usage == PAGE);
    assert_int_equal(guest_try_allocation(rig->other, device, SEGMENT_PAGES * PAGE, 0, &allocation),
                     STATUS_SUCCESS);
    guest_make_resident(rig->other, &paging, allocation);
    D3DKMT_QUERYSTATISTICS_PROCESS_SEGMENT_GROUP_INFORMATION group =
        query(rig, rig->guest, D3DKMT_QUERYSTATISTICS_PROCESS_SEGMENT_GROUP, 0)
            .ProcessSegmentGroupInformation;
    assert_int_equal(group.Usage, 0);
    assert_true(group.Requested == PAGE);
    assert_true(group.Demoted[2] == PAGE); /* of normal priority */
    assert_true(segment(rig, 0).Memory.TotalBytesEvicted == PAGE);
    assert_true(segment(rig, 0).TotalBytesEvictedByPriority[2] == PAGE);
    D3DKMT_QUERYSTATISTICS_ADAPTER_INFORMATION adapter =
        query(rig, rig->guest, D3DKMT_QUERYSTATISTICS_ADAPTER, 0).AdapterInformation;
    assert_int_equal(adapter.PagingFault.Evictions.Count, 1);
    assert_true(adapter.PagingFault.Evictions.Bytes == PAGE);
    assert_true(query(rig, rig->guest, D3DKMT_QUERYSTATISTICS_PROCESS_ADAPTER, 0)
                    .ProcessAdapterInformation.CommitmentData.TotalBytesEvictedFromProcess == PAGE);
    assert_int_equal(query(rig, rig->other, D3DKMT_QUERYSTATISTICS_PROCESS_ADAPTER, 0)
                         .ProcessAdapterInformation.CommitmentData.TotalBytesEvictedFromProcess,
                     0);
    work(rig, 1); /* it is back for that, and the other one's is out */
    group = query(rig, rig->guest, D3DKMT_QUERYSTATISTICS_PROCESS_SEGMENT_GROUP, 0)
                .ProcessSegmentGroupInformation;
    assert_true(group.Usage == PAGE && group.Demoted[2] == 0);
    assert_true(segment(rig, 0).Memory.TotalBytesEvicted == (1 + SEGMENT_PAGES) * PAGE);
}

static void adapters_and_processes_are_described(void **state)
{
    struct rig *rig = *state;
    D3DKMT_QUERYSTATISTICS_ADAPTER_INFORMATION before =
        query(rig, rig->guest, D3DKMT_QUERYSTATISTICS_ADAPTER, 0).AdapterInformation;
    uint32_t allocation;

    assert_int_equal(before.NbSegments, 2);
    assert_int_equal(before.NodeCount, 2);
    assert_int_equal(before.Flags.NumberOfMemoryGroups, 2);
    assert_int_equal(guest_try_allocation(rig->guest, rig->device, 3 * PAGE,
                                          WIRE_CREATE_ALLOCATION_EXISTING_SYSMEM, &allocation),
                     STATUS_SUCCESS);
    assert_true(query(rig, rig->guest, D3DKMT_QUERYSTATISTICS_PROCESS, 0)
                    .ProcessInformation.SystemMemory.BytesAllocated == 3 * PAGE);
    assert_int_equal(query(rig, rig->other, D3DKMT_QUERYSTATISTICS_PROCESS, 0)
                         .ProcessInformation.SystemMemory.BytesAllocated,
                     0);
    D3DKMT_QUERYSTATISTICS_ADAPTER_INFORMATION after =
        query(rig, rig->guest, D3DKMT_QUERYSTATISTICS_ADAPTER, 0).AdapterInformation;
    assert_int_equal(after.Allocations.Created.Count, before.Allocations.Created.Count + 1);
    assert_true(after.Allocations.Created.Bytes == before.Allocations.Created.Bytes + 3 * PAGE);
    assert_int_equal(guest_destroy_allocation(rig->guest, rig->device, 0, &allocation, 1),
                     STATUS_SUCCESS);
    after = query(rig, rig->guest, D3DKMT_QUERYSTATISTICS_ADAPTER, 0).AdapterInformation;
    assert_true(after.Allocations.Destroyed.Bytes == 3 * PAGE);
    assert_int_equal(after.Locks.NbLocks, 1);
}

/* ---- refusals */

static void what_is_not_simulated_is_refused(void **state)
{
    struct rig *rig = *state;
    D3DKMT_QUERYSTATISTICS_RESULT result;
    static const uint32_t types[] = {D3DKMT_QUERYSTATISTICS_VIDPNSOURCE,
                                     D3DKMT_QUERYSTATISTICS_PROCESS_VIDPNSOURCE,
                                     D3DKMT_QUERYSTATISTICS_PHYSICAL_ADAPTER, 11, 0xffffffff};

    for (unsigned i = 0; i < sizeof(types) / sizeof(types[0]); i++)
        assert_int_equal(try_query(rig, rig->guest, types[i], 0, &result), STATUS_NOT_SUPPORTED);
}

static void what_does_not_exist_is_refused(void **state)
{
    struct rig *rig = *state;
    D3DKMT_QUERYSTATISTICS_RESULT result;
    static const uint32_t types[] = {
        D3DKMT_QUERYSTATISTICS_SEGMENT, D3DKMT_QUERYSTATISTICS_PROCESS_SEGMENT,
        D3DKMT_QUERYSTATISTICS_NODE, D3DKMT_QUERYSTATISTICS_PROCESS_NODE,
        D3DKMT_QUERYSTATISTICS_PROCESS_SEGMENT_GROUP};

    for (unsigned i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
        assert_int_equal(try_query(rig, rig->guest, types[i], 2, &result),
                         STATUS_INVALID_PARAMETER);
        assert_int_equal(try_query(rig, rig->guest, types[i], UINT32_MAX, &result),
                         STATUS_INVALID_PARAMETER);
    }
    rig->luid.a++;
    assert_int_equal(try_query(rig, rig->guest, D3DKMT_QUERYSTATISTICS_ADAPTER, 0, &result),
                     STATUS_INVALID_PARAMETER);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_rig, close_rig)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(nodes_count_the_work),
        TEST(faults_are_counted),
        TEST(segments_count_commitment_and_residency),
        TEST(evictions_are_counted_by_priority),
        TEST(adapters_and_processes_are_described),
        TEST(what_is_not_simulated_is_refused),
        TEST(what_does_not_exist_is_refused),
    };
    return guest_run_in_each_mode(&mode, tests, sizeof(tests) / sizeof(tests[0]));
}
