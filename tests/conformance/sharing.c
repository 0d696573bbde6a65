/* SPDX-License-Identifier: MIT */
/* Sharing by descriptors, between two devices: what one writes the other reads. */
#include "client/sharing.h"
#include "conformance/conformance.h"

#include <fcntl.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum { BUFFER_SIZE = 65536 };

static struct umd producer, consumer;

/* Each with an adapter handle of its own; what they leave goes with the backend. */
static void open_two(const struct world *world)
{
    (void)world;
    assert_success(umd_open(&producer, 0));
    assert_success(umd_open(&consumer, 0));
}

/* ---- fences */

static D3DKMT_HANDLE create_fence(bool shared)
{
    D3DKMT_HANDLE fence;

    assert_success(client_fence_create(producer.device, shared, &fence));
    return fence;
}

static int share(D3DKMT_HANDLE object)
{
    int descriptor;

    assert_success(client_share(object, &descriptor));
    return descriptor;
}

static NTSTATUS open_fence(int descriptor, struct umd_fence *fence)
{
    return client_fence_open(consumer.device, descriptor, fence);
}

CONFORMANCE_GPU(OpenSyncObjectFromNtHandle2, a_shared_fence_is_one_fence)
{
    struct umd_fence opened;

    open_two(world);
    D3DKMT_HANDLE created = create_fence(true);
    int descriptor = share(created);
    assert_success(open_fence(descriptor, &opened));
    assert_int_equal(close(descriptor), 0); /* what was opened stays open */
    assert_success(client_signal(producer.device, created, 7));
    assert_success(umd_wait_on_cpu(&consumer, &opened, 7));
    assert_int_equal(umd_fence_value(&opened), 7);
    assert_success(client_signal(consumer.device, opened.object, 9));
    D3DKMT_DESTROYSYNCHRONIZATIONOBJECT destroy = {created};
    assert_success(D3DKMTDestroySynchronizationObject(&destroy));
    assert_success(umd_wait_on_cpu(&consumer, &opened, 9));
}

CONFORMANCE_GPU(OpenSyncObjectFromNtHandle2, a_descriptor_keeps_the_fence_of_a_dead_creator)
{
    struct umd_fence opened;

    open_two(world);
    int descriptor = share(create_fence(true));
    int duplicate = dup(descriptor);
    close(descriptor);
    umd_close(&producer);
    assert_success(open_fence(duplicate, &opened));
    close(duplicate);
}

CONFORMANCE_GPU(ShareObjects, only_what_was_made_for_it_is_shared)
{
    HANDLE nt_handle = NULL;
    struct umd_fence opened;
    int pipe_ends[2];

    open_two(world);
    D3DKMT_HANDLE private_fence = create_fence(false);
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
    D3DKMT_HANDLE resource;

    assert_success(client_resource_create(producer.device, BUFFER_SIZE, runtime_data,
                                          sizeof(runtime_data), buffer, &resource));
    return resource;
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

CONFORMANCE_GPU(OpenResourceFromNtHandle, what_one_device_writes_the_other_reads)
{
    struct umd_buffer created, opened, commands, result;
    struct softgpu_writer writer;
    struct umd_fence done;
    D3DKMT_HANDLE context;
    int descriptor;

    open_two(world);
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

CONFORMANCE_GPU(ShareObjects, a_shared_resource_is_sealed)
{
    struct softgpu_allocation data = softgpu_allocation_data(4096, 0);
    D3DKMT_DESTROYALLOCATION2 destroy;
    D3DKMT_CREATEALLOCATION create;
    D3DDDI_ALLOCATIONINFO2 info;
    struct umd_buffer buffer;

    open_two(world);
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

CONFORMANCE_GPU(ShareObjects, every_call_gives_a_descriptor_of_its_own)
{
    struct umd_fence opened;

    open_two(world);
    D3DKMT_HANDLE fence = create_fence(true);
    int first = share(fence), second = share(fence);
    assert_int_not_equal(first, second);
    close(first);
    assert_success(open_fence(second, &opened));
    close(second);
}

CONFORMANCE_GPU(ShareObjects, descriptors_do_not_survive_exec)
{
    open_two(world);
    int descriptor = share(create_fence(true));
    assert_int_equal(fcntl(descriptor, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
    close(descriptor);
}

CONFORMANCE_GPU(ShareObjects, what_was_opened_can_be_shared_again)
{
    struct umd_fence opened, again;

    open_two(world);
    int descriptor = share(create_fence(true));
    assert_success(open_fence(descriptor, &opened));
    close(descriptor);
    int second = share(opened.object);
    assert_success(open_fence(second, &again));
    close(second);
    assert_success(client_signal(consumer.device, opened.object, 3));
    assert_success(umd_wait_on_cpu(&consumer, &again, 3));
}

/* The form that takes one struct. */
static NTSTATUS share_internal(const D3DKMT_HANDLE *objects, UINT count, HANDLE *nt_handle)
{
    ARGS(D3DKMT_SHAREOBJECTS, args);

    args.ObjectCount = count;
    args.ObjectHandleArray = objects;
    args.pSharedNtHandle = nt_handle;
    return D3DKMTShareObjectsInternal(&args);
}

CONFORMANCE_GPU(ShareObjectsInternal, does_the_same)
{
    HANDLE nt_handle = NULL;
    struct umd_fence opened;

    open_two(world);
    D3DKMT_HANDLE fence = create_fence(true);
    assert_success(share_internal(&fence, 1, &nt_handle));
    assert_success(open_fence((int)(intptr_t)nt_handle, &opened));
    close((int)(intptr_t)nt_handle);
}

CONFORMANCE(ShareObjectsInternal, one_object_at_a_time)
{
    D3DKMT_HANDLE objects[4] = {HANDLE_OF(world, FENCE)};
    HANDLE nt_handle = NULL;

    assert_fails(share_internal(objects, 0, &nt_handle), STATUS_INVALID_PARAMETER);
    assert_fails(share_internal(objects, 3, &nt_handle), STATUS_INVALID_PARAMETER);
    assert_fails(D3DKMTShareObjectsInternal(NULL), STATUS_INVALID_PARAMETER);
    assert_null(nt_handle);
}

/* ---- QueryResourceInfoFromNtHandle, OpenResourceFromNtHandle */

static NTSTATUS query(int descriptor, D3DKMT_QUERYRESOURCEINFOFROMNTHANDLE *args)
{
    memset(args, 0, sizeof(*args));
    args->hDevice = consumer.device;
    args->hNtHandle = (HANDLE)(intptr_t)descriptor;
    return D3DKMTQueryResourceInfoFromNtHandle(args);
}

CONFORMANCE_GPU(QueryResourceInfoFromNtHandle, tells_what_opening_needs)
{
    D3DKMT_QUERYRESOURCEINFOFROMNTHANDLE info;
    struct umd_buffer buffer;

    open_two(world);
    int descriptor = share(create_shared_resource(&buffer));
    assert_success(query(descriptor, &info));
    assert_int_equal(info.NumAllocations, 1);
    assert_int_equal(info.TotalPrivateDriverDataSize, sizeof(struct softgpu_allocation));
    assert_int_equal(info.PrivateRuntimeDataSize, sizeof("what the runtime wants to know"));
    assert_int_equal(info.ResourcePrivateDriverDataSize, 0);
    close(descriptor);
}

CONFORMANCE_GPU(QueryResourceInfoFromNtHandle, other_descriptors_are_refused)
{
    D3DKMT_QUERYRESOURCEINFOFROMNTHANDLE info;

    open_two(world);
    int fence = share(create_fence(true)), event = eventfd(0, EFD_CLOEXEC);
    assert_fails(query(fence, &info), STATUS_INVALID_PARAMETER);
    assert_fails(query(event, &info), STATUS_INVALID_PARAMETER);
    assert_fails(query(-1, &info), STATUS_INVALID_PARAMETER);
    assert_fails(query(100000, &info), STATUS_INVALID_PARAMETER);
    close(fence);
    close(event);
}

CONFORMANCE_GPU(QueryResourceInfoFromNtHandle, a_wrong_device_is_refused)
{
    struct umd_buffer buffer;
    ARGS(D3DKMT_QUERYRESOURCEINFOFROMNTHANDLE, info);

    open_two(world);
    int descriptor = share(create_shared_resource(&buffer));
    info.hDevice = HANDLE_OF(world, CONTEXT);
    info.hNtHandle = (HANDLE)(intptr_t)descriptor;
    assert_fails(D3DKMTQueryResourceInfoFromNtHandle(&info), STATUS_INVALID_PARAMETER);
    close(descriptor);
}

/* Everything right, for tests that spoil one thing. */
static D3DKMT_OPENRESOURCEFROMNTHANDLE *prepare_open(int descriptor,
                                                     D3DKMT_OPENRESOURCEFROMNTHANDLE *args)
{
    static D3DDDI_OPENALLOCATIONINFO2 infos[2];
    static struct softgpu_allocation data;
    static char runtime_data[64];

    memset(args, 0, sizeof(*args));
    args->hDevice = consumer.device;
    args->hNtHandle = (HANDLE)(intptr_t)descriptor;
    args->NumAllocations = 1;
    args->pOpenAllocationInfo2 = infos;
    args->pPrivateRuntimeData = runtime_data;
    args->PrivateRuntimeDataSize = sizeof(runtime_data);
    args->pTotalPrivateDriverDataBuffer = &data;
    args->TotalPrivateDriverDataBufferSize = sizeof(data);
    return args;
}

CONFORMANCE_GPU(OpenResourceFromNtHandle, counts_and_sizes_must_do)
{
    D3DKMT_OPENRESOURCEFROMNTHANDLE args;
    struct umd_buffer buffer;

    open_two(world);
    int descriptor = share(create_shared_resource(&buffer));
    prepare_open(descriptor, &args)->NumAllocations = 2;
    assert_fails(D3DKMTOpenResourceFromNtHandle(&args), STATUS_INVALID_PARAMETER);
    prepare_open(descriptor, &args)->NumAllocations = 0;
    assert_fails(D3DKMTOpenResourceFromNtHandle(&args), STATUS_INVALID_PARAMETER);
    prepare_open(descriptor, &args)->PrivateRuntimeDataSize = 1;
    assert_fails(D3DKMTOpenResourceFromNtHandle(&args), STATUS_INVALID_PARAMETER);
    prepare_open(descriptor, &args)->TotalPrivateDriverDataBufferSize -= 1;
    assert_fails(D3DKMTOpenResourceFromNtHandle(&args), STATUS_INVALID_PARAMETER);
    assert_success(D3DKMTOpenResourceFromNtHandle(prepare_open(descriptor, &args)));
    close(descriptor);
}

CONFORMANCE_GPU(OpenResourceFromNtHandle, destroying_it_ends_this_view_only)
{
    D3DKMT_OPENRESOURCEFROMNTHANDLE args;
    struct umd_buffer buffer;
    ARGS(D3DKMT_DESTROYALLOCATION2, destroy);

    open_two(world);
    int descriptor = share(create_shared_resource(&buffer));
    assert_success(D3DKMTOpenResourceFromNtHandle(prepare_open(descriptor, &args)));
    assert_int_not_equal(args.hResource, 0);
    destroy.hDevice = consumer.device;
    destroy.hResource = args.hResource;
    assert_success(D3DKMTDestroyAllocation2(&destroy));
    assert_success(umd_buffer_map(&producer, &buffer));
    assert_success(D3DKMTOpenResourceFromNtHandle(prepare_open(descriptor, &args)));
    close(descriptor);
}

CONFORMANCE_GPU(OpenResourceFromNtHandle, other_descriptors_are_refused)
{
    D3DKMT_OPENRESOURCEFROMNTHANDLE args;

    open_two(world);
    int fence = share(create_fence(true));
    assert_fails(D3DKMTOpenResourceFromNtHandle(prepare_open(fence, &args)),
                 STATUS_INVALID_PARAMETER);
    assert_fails(D3DKMTOpenResourceFromNtHandle(prepare_open(-1, &args)), STATUS_INVALID_PARAMETER);
    close(fence);
}

CONFORMANCE_GPU(OpenSyncObjectFromNtHandle2, no_device_is_refused)
{
    ARGS(D3DKMT_OPENSYNCOBJECTFROMNTHANDLE2, args);

    open_two(world);
    int descriptor = share(create_fence(true));
    args.hNtHandle = (HANDLE)(intptr_t)descriptor;
    assert_fails(D3DKMTOpenSyncObjectFromNtHandle2(&args), STATUS_INVALID_PARAMETER);
    close(descriptor);
}

CONFORMANCE_GPU(OpenSyncObjectFromNtHandle2, a_resource_is_refused)
{
    struct umd_buffer buffer;
    struct umd_fence opened;

    open_two(world);
    int descriptor = share(create_shared_resource(&buffer));
    assert_fails(open_fence(descriptor, &opened), STATUS_INVALID_PARAMETER);
    close(descriptor);
}

static D3DKMT_HANDLE open_narrowed(int descriptor, bool no_signal, bool no_wait)
{
    ARGS(D3DKMT_OPENSYNCOBJECTFROMNTHANDLE2, args);

    args.hNtHandle = (HANDLE)(intptr_t)descriptor;
    args.hDevice = consumer.device;
    args.Flags.NoSignal = no_signal;
    args.Flags.NoWait = no_wait;
    assert_success(D3DKMTOpenSyncObjectFromNtHandle2(&args));
    close(descriptor);
    return args.hSyncObject;
}

CONFORMANCE_GPU(OpenSyncObjectFromNtHandle2, opened_for_waiting_only_it_is_not_signalled)
{
    open_two(world);
    D3DKMT_HANDLE created = create_fence(true);
    D3DKMT_HANDLE opened = open_narrowed(share(created), true, false);
    assert_success(client_signal(producer.device, created, 1));
    assert_success(client_wait(consumer.device, opened, 1, 0));
    assert_verdict(client_signal(consumer.device, opened, 2), STATUS_ACCESS_DENIED);
}

CONFORMANCE_GPU(OpenSyncObjectFromNtHandle2, opened_for_signalling_only_it_is_not_waited_for)
{
    open_two(world);
    D3DKMT_HANDLE created = create_fence(true);
    D3DKMT_HANDLE opened = open_narrowed(share(created), false, true);
    assert_fails(client_wait(consumer.device, opened, 0, 0), STATUS_ACCESS_DENIED);
    assert_success(client_signal(consumer.device, opened, 2));
    assert_success(client_wait(producer.device, created, 2, 0));
}

/* ---- ShareObjectWithHost */

static NTSTATUS share_with_host(D3DKMT_HANDLE device, D3DKMT_HANDLE object, UINT64 *nt_handle)
{
    ARGS(D3DKMT_SHAREOBJECTWITHHOST, args);

    args.hDevice = device;
    args.hObject = object;
    NTSTATUS status = D3DKMTShareObjectWithHost(&args);
    *nt_handle = args.hVailProcessNtHandle;
    return status;
}

CONFORMANCE_GPU(ShareObjectWithHost, a_shared_resource_gets_a_handle_on_the_host)
{
    struct umd_buffer buffer;
    UINT64 nt_handle;

    open_two(world);
    assert_success(share_with_host(producer.device, create_shared_resource(&buffer), &nt_handle));
    assert_int_not_equal(nt_handle, 0);
}

CONFORMANCE_GPU(ShareObjectWithHost, every_call_gives_a_handle_of_its_own)
{
    UINT64 first, second;

    open_two(world);
    D3DKMT_HANDLE fence = create_fence(true);
    assert_success(share_with_host(producer.device, fence, &first));
    assert_success(share_with_host(producer.device, fence, &second));
    assert_int_not_equal(first, second);
}

CONFORMANCE_GPU(ShareObjectWithHost, what_is_not_shared_or_not_there_is_refused)
{
    UINT64 nt_handle;

    open_two(world);
    assert_false(NT_SUCCESS(share_with_host(producer.device, create_fence(false), &nt_handle)));
    assert_false(NT_SUCCESS(share_with_host(producer.device, 0x7fffffc0, &nt_handle)));
    assert_false(NT_SUCCESS(share_with_host(0x7fffffc0, create_fence(true), &nt_handle)));
    assert_int_equal(nt_handle, 0);
}

CONFORMANCE(ShareObjectWithHost, no_arguments)
{
    (void)world;
    assert_fails(D3DKMTShareObjectWithHost(NULL), STATUS_INVALID_PARAMETER);
}
