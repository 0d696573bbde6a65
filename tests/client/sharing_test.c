/* SPDX-License-Identifier: MIT */
/* Sharing by descriptors, between two devices of one process: what one writes the other reads. */
#include "client.h"

#include <poll.h>
#include <stdlib.h>
#include <unistd.h>

enum { BUFFER_SIZE = 65536 };

static struct umd producer, consumer;

static int set_up(void **state)
{
    return NT_SUCCESS(d3dkmt_open(*state ? *state : "loopback")) &&
                   NT_SUCCESS(umd_open(&producer, 0)) && NT_SUCCESS(umd_open(&consumer, 0))
               ? 0
               : -1;
}

static int tear_down(void **state)
{
    (void)state;
    umd_close(&producer);
    umd_close(&consumer);
    D3DKMTCloseDxCoreDevice();
    return 0;
}

/* ---- fences */

static D3DKMT_HANDLE create_fence(bool shared)
{
    D3DKMT_CREATESYNCHRONIZATIONOBJECT2 create;

    memset(&create, 0, sizeof(create));
    create.hDevice = producer.device;
    create.Info.Type = D3DDDI_MONITORED_FENCE;
    create.Info.Flags.Shared = shared;
    create.Info.Flags.NtSecuritySharing = shared;
    assert_success(D3DKMTCreateSynchronizationObject2(&create));
    return create.hSyncObject;
}

static int share(D3DKMT_HANDLE object)
{
    HANDLE nt_handle = NULL;

    assert_success(D3DKMTShareObjects(1, &object, NULL, 0, &nt_handle));
    return (int)(intptr_t)nt_handle;
}

static NTSTATUS open_fence(int descriptor, struct umd_fence *fence)
{
    D3DKMT_OPENSYNCOBJECTFROMNTHANDLE2 open;

    memset(&open, 0, sizeof(open));
    open.hNtHandle = (HANDLE)(intptr_t)descriptor;
    open.hDevice = consumer.device;
    NTSTATUS status = D3DKMTOpenSyncObjectFromNtHandle2(&open);
    fence->object = open.hSyncObject;
    fence->cpu = open.MonitoredFence.FenceValueCPUVirtualAddress;
    fence->address = open.MonitoredFence.FenceValueGPUVirtualAddress;
    return status;
}

static void signal_from_cpu(const struct umd *umd, D3DKMT_HANDLE object, UINT64 value)
{
    D3DKMT_SIGNALSYNCHRONIZATIONOBJECTFROMCPU signal;

    memset(&signal, 0, sizeof(signal));
    signal.hDevice = umd->device;
    signal.ObjectCount = 1;
    signal.ObjectHandleArray = &object;
    signal.FenceValueArray = &value;
    assert_success(D3DKMTSignalSynchronizationObjectFromCpu(&signal));
}

static void a_shared_fence_is_one_fence(void **state)
{
    D3DKMT_HANDLE created = create_fence(true);
    int descriptor = share(created);
    struct umd_fence opened;

    (void)state;
    assert_success(open_fence(descriptor, &opened));
    assert_int_equal(close(descriptor), 0); /* what was opened stays open */
    signal_from_cpu(&producer, created, 7);
    assert_success(umd_wait_on_cpu(&consumer, &opened, 7));
    assert_int_equal(umd_fence_value(&opened), 7);
    signal_from_cpu(&consumer, opened.object, 9);
    D3DKMT_DESTROYSYNCHRONIZATIONOBJECT destroy = {created};
    assert_success(D3DKMTDestroySynchronizationObject(&destroy));
    assert_success(umd_wait_on_cpu(&consumer, &opened, 9));
}

static void a_descriptor_keeps_the_fence_of_a_dead_creator(void **state)
{
    int descriptor = share(create_fence(true));
    int duplicate = dup(descriptor);
    struct umd_fence opened;

    (void)state;
    close(descriptor);
    umd_close(&producer);
    assert_success(open_fence(duplicate, &opened));
    close(duplicate);
}

static void only_what_was_made_for_it_is_shared(void **state)
{
    D3DKMT_HANDLE private_fence = create_fence(false);
    HANDLE nt_handle = NULL;
    struct umd_fence opened;
    int pipe_ends[2];

    (void)state;
    assert_fails(D3DKMTShareObjects(1, &private_fence, NULL, 0, &nt_handle),
                 STATUS_INVALID_PARAMETER);
    assert_fails(D3DKMTShareObjects(1, &producer.device, NULL, 0, &nt_handle),
                 STATUS_INVALID_PARAMETER);
    assert_fails(D3DKMTShareObjects(2, &private_fence, NULL, 0, &nt_handle),
                 STATUS_INVALID_PARAMETER);
    assert_int_equal(pipe(pipe_ends), 0);
    assert_fails(open_fence(pipe_ends[0], &opened), STATUS_INVALID_PARAMETER);
    assert_fails(open_fence(-1, &opened), STATUS_INVALID_PARAMETER);
    close(pipe_ends[0]);
    close(pipe_ends[1]);
}

/* ---- resources */

static D3DKMT_HANDLE create_shared_resource(struct umd_buffer *buffer)
{
    static const char runtime_data[] = "what the runtime wants to know";
    struct softgpu_allocation data = softgpu_allocation_data(BUFFER_SIZE, 0);
    D3DDDI_ALLOCATIONINFO2 info;
    D3DKMT_CREATEALLOCATION create;

    memset(&info, 0, sizeof(info));
    info.pPrivateDriverData = &data;
    info.PrivateDriverDataSize = sizeof(data);
    memset(&create, 0, sizeof(create));
    create.hDevice = producer.device;
    create.NumAllocations = 1;
    create.pAllocationInfo2 = &info;
    create.pPrivateRuntimeData = runtime_data;
    create.PrivateRuntimeDataSize = sizeof(runtime_data);
    create.Flags.CreateResource = 1;
    create.Flags.CreateShared = 1;
    create.Flags.NtSecuritySharing = 1;
    assert_success(D3DKMTCreateAllocation2(&create));
    memset(buffer, 0, sizeof(*buffer));
    buffer->allocation = info.hAllocation;
    buffer->size = BUFFER_SIZE;
    return create.hResource;
}

/* Opens the one allocation of a shared resource, as a program would that knows the descriptor only.
 */
static void open_resource(int descriptor, struct umd_buffer *buffer)
{
    D3DKMT_QUERYRESOURCEINFOFROMNTHANDLE query;
    D3DKMT_OPENRESOURCEFROMNTHANDLE open;
    D3DDDI_OPENALLOCATIONINFO2 info;
    char runtime_data[64], resource_data[64];
    struct softgpu_allocation data;

    memset(&query, 0, sizeof(query));
    query.hDevice = consumer.device;
    query.hNtHandle = (HANDLE)(intptr_t)descriptor;
    assert_success(D3DKMTQueryResourceInfoFromNtHandle(&query));
    assert_int_equal(query.NumAllocations, 1);
    assert_int_equal(query.TotalPrivateDriverDataSize, sizeof(data));
    assert_int_equal(query.PrivateRuntimeDataSize, sizeof("what the runtime wants to know"));
    memset(&open, 0, sizeof(open));
    open.hDevice = consumer.device;
    open.hNtHandle = (HANDLE)(intptr_t)descriptor;
    open.NumAllocations = 1;
    open.pOpenAllocationInfo2 = &info;
    open.pPrivateRuntimeData = runtime_data;
    open.PrivateRuntimeDataSize = sizeof(runtime_data);
    open.pResourcePrivateDriverData = resource_data;
    open.ResourcePrivateDriverDataSize = sizeof(resource_data);
    open.pTotalPrivateDriverDataBuffer = &data;
    open.TotalPrivateDriverDataBufferSize = sizeof(data);
    assert_success(D3DKMTOpenResourceFromNtHandle(&open));
    assert_string_equal(runtime_data, "what the runtime wants to know");
    assert_int_equal(data.magic, SOFTGPU_ALLOCATION_MAGIC);
    assert_int_equal(data.size, BUFFER_SIZE);
    assert_int_equal(info.PrivateDriverDataSize, sizeof(data));
    memset(buffer, 0, sizeof(*buffer));
    buffer->allocation = info.hAllocation;
    buffer->size = BUFFER_SIZE;
}

static void what_one_device_writes_the_other_reads(void **state)
{
    struct umd_buffer created, opened, commands, result;
    struct softgpu_writer writer;
    struct umd_fence done;
    D3DKMT_HANDLE context;
    int descriptor;

    (void)state;
    D3DKMT_HANDLE resource = create_shared_resource(&created);
    descriptor = share(resource);
    open_resource(descriptor, &opened);
    close(descriptor);

    /* The producer fills its view, the consumer copies from its own. */
    assert_success(umd_buffer_map(&producer, &created));
    assert_success(umd_buffer_create(&producer, 4096, SOFTGPU_ALLOCATION_CPU_VISIBLE, &commands));
    assert_success(umd_context_create(&producer, 0, &context));
    assert_success(umd_fence_create(&producer, 0, &done));
    softgpu_writer_init(&writer, commands.cpu, commands.size);
    softgpu_fill(&writer, created.address, 0xfeedbeef, BUFFER_SIZE);
    assert_success(umd_submit(context, commands.address, softgpu_writer_size(&writer)));
    assert_success(umd_signal(context, &done, 1));
    assert_success(umd_wait_on_cpu(&producer, &done, 1));

    assert_success(umd_buffer_map(&consumer, &opened));
    assert_success(umd_buffer_create(&consumer, 4096, SOFTGPU_ALLOCATION_CPU_VISIBLE, &commands));
    assert_success(
        umd_buffer_create(&consumer, BUFFER_SIZE, SOFTGPU_ALLOCATION_CPU_VISIBLE, &result));
    assert_success(umd_context_create(&consumer, 1, &context));
    assert_success(umd_fence_create(&consumer, 0, &done));
    softgpu_writer_init(&writer, commands.cpu, commands.size);
    softgpu_copy(&writer, result.address, opened.address, BUFFER_SIZE);
    assert_success(umd_submit(context, commands.address, softgpu_writer_size(&writer)));
    assert_success(umd_signal(context, &done, 1));
    assert_success(umd_wait_on_cpu(&consumer, &done, 1));
    for (size_t i = 0; i < BUFFER_SIZE / sizeof(uint32_t); i++)
        assert_int_equal(((const uint32_t *)result.cpu)[i], 0xfeedbeef);
}

static void a_shared_resource_is_sealed(void **state)
{
    struct softgpu_allocation data = softgpu_allocation_data(4096, 0);
    D3DKMT_DESTROYALLOCATION2 destroy;
    D3DKMT_CREATEALLOCATION create;
    D3DDDI_ALLOCATIONINFO2 info;
    struct umd_buffer buffer;

    (void)state;
    D3DKMT_HANDLE resource = create_shared_resource(&buffer);
    int descriptor = share(resource);
    memset(&info, 0, sizeof(info));
    info.pPrivateDriverData = &data;
    info.PrivateDriverDataSize = sizeof(data);
    memset(&create, 0, sizeof(create));
    create.hDevice = producer.device;
    create.hResource = resource;
    create.NumAllocations = 1;
    create.pAllocationInfo2 = &info;
    assert_fails(D3DKMTCreateAllocation2(&create), STATUS_INVALID_PARAMETER);
    memset(&destroy, 0, sizeof(destroy));
    destroy.hDevice = producer.device;
    destroy.phAllocationList = &buffer.allocation;
    destroy.AllocationCount = 1;
    assert_fails(D3DKMTDestroyAllocation2(&destroy), STATUS_INVALID_PARAMETER);
    close(descriptor);
}

int main(void)
{
    static char async[] = "loopback:async";
#define TEST(name)                                                                                 \
    cmocka_unit_test_setup_teardown(name, set_up, tear_down),                                      \
    {                                                                                              \
#name " (async)", name, set_up, tear_down, async                                           \
    }
    const struct CMUnitTest tests[] = {
        TEST(a_shared_fence_is_one_fence),
        TEST(a_descriptor_keeps_the_fence_of_a_dead_creator),
        TEST(only_what_was_made_for_it_is_shared),
        TEST(what_one_device_writes_the_other_reads),
        TEST(a_shared_resource_is_sealed),
    };
#undef TEST

    return cmocka_run_group_tests(tests, NULL, NULL);
}
