/* SPDX-License-Identifier: MIT */
/* Shortcuts of the test guest: one function per command that many tests need. */
#include "host/guest.h"

uint32_t guest_create_device(struct guest *guest)
{
    struct wire_createdevice *create = guest_begin(guest, WIRE_VGPU, WIRE_VGPU_CREATEDEVICE);
    create->error_code = GUEST_COOKIE;
    assert_int_equal(guest_send(guest), STATUS_SUCCESS);
    uint32_t device = guest_reply(guest, createdevice)->device;
    assert_int_not_equal(device, 0);
    return device;
}

static uint32_t create_context(struct guest *guest, uint32_t device, uint32_t flags)
{
    struct wire_createcontextvirtual *create =
        guest_begin(guest, WIRE_VGPU, WIRE_VGPU_CREATECONTEXTVIRTUAL);
    create->device = device;
    create->engine_affinity = 1;
    create->flags = flags;
    assert_int_equal(guest_send(guest), STATUS_SUCCESS);
    uint32_t context =
        ((const struct wire_createcontextvirtual *)(const void *)guest->reply.bytes)->context;
    assert_int_not_equal(context, 0);
    return context;
}

uint32_t guest_create_context(struct guest *guest, uint32_t device)
{
    return create_context(guest, device, 0);
}

uint32_t guest_create_hw_context(struct guest *guest, uint32_t device)
{
    return create_context(guest, device, WIRE_CONTEXT_HW_QUEUE_SUPPORTED);
}

struct guest_queue guest_create_paging_queue(struct guest *guest, uint32_t device)
{
    struct wire_createpagingqueue *create =
        guest_begin(guest, WIRE_VGPU, WIRE_VGPU_CREATEPAGINGQUEUE);
    create->args.device = device;
    assert_int_equal(guest_send(guest), STATUS_SUCCESS);
    const struct wire_createpagingqueue_reply *reply = guest_reply(guest, createpagingqueue);
    assert_int_not_equal(reply->paging_queue, 0);
    return (struct guest_queue){
        .handle = reply->paging_queue,
        .fence = reply->sync_object,
        .fence_value = guest_io_pointer(guest->vm, reply->fence_storage_physical_address),
    };
}

struct guest_queue guest_create_hw_queue(struct guest *guest, uint32_t context)
{
    struct wire_createhwqueue *create = guest_begin(guest, WIRE_VGPU, WIRE_VGPU_CREATEHWQUEUE);
    create->context = context;
    assert_int_equal(guest_send(guest), STATUS_SUCCESS);
    const struct wire_createhwqueue *echo = (const void *)guest->reply.bytes;
    assert_int_not_equal(echo->hwqueue, 0);
    return (struct guest_queue){
        .handle = echo->hwqueue,
        .fence = echo->hwqueue_progress_fence,
        .fence_gpu = echo->hwqueue_progress_fence_gpuva,
        .fence_value = guest_io_pointer(guest->vm, echo->hwqueue_progress_fence_cpuva),
    };
}

struct guest_fence guest_create_fence(struct guest *guest, uint32_t device, uint64_t value,
                                      uint32_t flags)
{
    struct wire_createsyncobject *create =
        guest_begin(guest, WIRE_VGPU, WIRE_VGPU_CREATESYNCOBJECT);
    create->args.device = device;
    create->args.info.type = 5;
    create->args.info.flags = flags;
    create->args.info.monitored_fence.initial_fence_value = value;
    create->client_hint = 1;
    assert_int_equal(guest_send(guest), STATUS_SUCCESS);
    const struct wire_createsyncobject_reply *reply = guest_reply(guest, createsyncobject);
    assert_int_not_equal(reply->sync_object, 0);
    struct guest_fence fence = {
        .handle = reply->sync_object,
        .global = reply->global_sync_object,
        .gpu = reply->fence_gpu_va,
        .value = guest_io_pointer(guest->vm, reply->fence_storage_address),
    };
    assert_true(*fence.value == value);
    return fence;
}

NTSTATUS guest_try_allocation(struct guest *guest, uint32_t device, uint64_t size, uint32_t flags,
                              uint32_t *handle)
{
    struct softgpu_allocation data = {
        .magic = SOFTGPU_ALLOCATION_MAGIC,
        .version = SOFTGPU_VERSION,
        .size = size,
        .flags = SOFTGPU_ALLOCATION_CPU_VISIBLE | SOFTGPU_ALLOCATION_CACHED,
    };
    struct wire_allocation_info info = {.priv_drv_data_size = sizeof(data)};
    struct wire_createallocation *create =
        guest_begin(guest, WIRE_VGPU, WIRE_VGPU_CREATEALLOCATION);
    create->device = device;
    create->alloc_count = 1;
    create->flags = flags;
    guest_append(guest, &info, sizeof(info));
    guest_append(guest, &data, sizeof(data));
    NTSTATUS status = guest_send(guest);
    if (!NT_SUCCESS(status))
        return status;
    const struct wire_allocation_result *result =
        wire_span_at(&guest->reply.tails[WIRE_REPLY_TAIL_CREATEALLOCATION_ALLOCATION_INFO], 0);
    *handle = result->allocation;
    assert_int_not_equal(*handle, 0);
    assert_true(result->allocation_size == ((size + PAGE - 1) & ~(PAGE - 1)));
    return status;
}

uint64_t guest_map(struct guest *guest, uint32_t paging_queue, uint32_t allocation, uint64_t pages)
{
    struct wire_mapgpuvirtualaddress *map =
        guest_begin(guest, WIRE_VGPU, WIRE_VGPU_MAPGPUVIRTUALADDRESS);
    map->args.paging_queue = paging_queue;
    map->args.allocation = allocation;
    map->args.size_in_pages = pages;
    map->args.protection = WIRE_PROTECTION_WRITE;
    assert_true(NT_SUCCESS(guest_send(guest)));
    return guest_reply(guest, mapgpuvirtualaddress)->virtual_address;
}

void guest_make_resident(struct guest *guest, const struct guest_queue *paging, uint32_t allocation)
{
    struct wire_makeresident *make = guest_begin(guest, WIRE_VGPU, WIRE_VGPU_MAKERESIDENT);
    make->paging_queue = paging->handle;
    make->alloc_count = 1;
    guest_append(guest, &allocation, sizeof(allocation));
    assert_true(NT_SUCCESS(guest_send(guest)));
    uint64_t value = guest_reply(guest, makeresident)->paging_fence_value;
    guest_wait(guest, 0, paging->fence, value);
}

struct guest_memory guest_create_memory(struct guest *guest, uint32_t device, uint32_t paging_queue,
                                        uint64_t size)
{
    struct guest_memory memory = {.size = size};
    assert_int_equal(guest_try_allocation(guest, device, size, 0, &memory.allocation),
                     STATUS_SUCCESS);
    struct wire_lock2 *lock = guest_begin(guest, WIRE_VGPU, WIRE_VGPU_LOCK2);
    lock->args.device = device;
    lock->args.allocation = memory.allocation;
    assert_int_equal(guest_send(guest), STATUS_SUCCESS);
    memory.cpu = guest_io_pointer(guest->vm, guest_reply(guest, lock2)->cpu_visible_buffer_offset);
    memory.gpu = guest_map(guest, paging_queue, memory.allocation, (size + PAGE - 1) / PAGE);

    struct wire_makeresident *make = guest_begin(guest, WIRE_VGPU, WIRE_VGPU_MAKERESIDENT);
    make->paging_queue = paging_queue;
    make->alloc_count = 1;
    guest_append(guest, &memory.allocation, sizeof(memory.allocation));
    assert_true(NT_SUCCESS(guest_send(guest)));
    return memory;
}

NTSTATUS guest_submit(struct guest *guest, uint32_t context, uint64_t address, size_t size)
{
    struct wire_submitcommand *submit = guest_begin(guest, WIRE_VGPU, WIRE_VGPU_SUBMITCOMMAND);
    submit->args.command_buffer = address;
    submit->args.command_length = (uint32_t)size;
    submit->args.broadcast_context_count = 1;
    submit->args.broadcast_context[0] = context;
    return guest_send_maybe_async(guest);
}

NTSTATUS guest_signal_from_gpu(struct guest *guest, uint32_t queue, uint32_t fence, uint64_t value)
{
    struct wire_signalsyncobject *signal =
        guest_begin(guest, WIRE_VGPU, WIRE_VGPU_SIGNALSYNCOBJECT);
    signal->object_count = 1;
    signal->context_count = 1;
    guest_append(guest, &fence, sizeof(fence));
    guest_append(guest, &queue, sizeof(queue));
    guest_append(guest, &value, sizeof(value));
    return guest_send_maybe_async(guest);
}

NTSTATUS guest_signal_from_cpu(struct guest *guest, uint32_t device, uint32_t fence, uint64_t value)
{
    struct wire_signalsyncobject *signal =
        guest_begin(guest, WIRE_VGPU, WIRE_VGPU_SIGNALSYNCOBJECT);
    signal->object_count = 1;
    signal->device = device;
    guest_append(guest, &fence, sizeof(fence));
    guest_append(guest, &value, sizeof(value));
    return guest_send_maybe_async(guest);
}

NTSTATUS guest_wait_from_gpu(struct guest *guest, uint32_t queue, uint32_t fence, uint64_t value)
{
    struct wire_waitforsyncobjectfromgpu *wait =
        guest_begin(guest, WIRE_VGPU, WIRE_VGPU_WAITFORSYNCOBJECTFROMGPU);
    wait->context = queue;
    wait->object_count = 1;
    guest_append(guest, &value, sizeof(value));
    guest_append(guest, &fence, sizeof(fence));
    return guest_send_maybe_async(guest);
}

uint64_t guest_register_wait(struct guest *guest, uint32_t device, uint32_t count,
                             const uint32_t *fences, const uint64_t *values, bool any)
{
    uint64_t event = guest_new_event(guest->vm);
    struct wire_waitforsyncobjectfromcpu *wait =
        guest_begin(guest, WIRE_VGPU, WIRE_VGPU_WAITFORSYNCOBJECTFROMCPU);
    wait->device = device;
    wait->object_count = count;
    wait->flags = any ? WIRE_WAIT_WAIT_ANY : 0;
    wait->guest_event_pointer = event;
    guest_append(guest, fences, count * sizeof(*fences));
    guest_append(guest, values, count * sizeof(*values));
    assert_int_equal(guest_send(guest), STATUS_SUCCESS);
    return event;
}

void guest_wait(struct guest *guest, uint32_t device, uint32_t fence, uint64_t value)
{
    guest_expect_event(guest->vm, guest_register_wait(guest, device, 1, &fence, &value, false));
}

NTSTATUS guest_destroy(struct guest *guest, enum wire_channel channel, uint32_t number,
                       uint32_t handle)
{
    unsigned char *fixed = guest_begin(guest, channel, number);
    wire_store_u32(fixed + WIRE_HEADER_SIZE,
                   handle); /* the first member of every command that destroys */
    return guest_send(guest);
}

NTSTATUS guest_destroy_allocation(struct guest *guest, uint32_t device, uint32_t resource,
                                  const uint32_t *list, uint32_t count)
{
    struct wire_destroyallocation *destroy =
        guest_begin(guest, WIRE_VGPU, WIRE_VGPU_DESTROYALLOCATION);
    destroy->device = device;
    destroy->resource = resource;
    destroy->alloc_count = count;
    guest_append(guest, list, count * sizeof(*list));
    return guest_send(guest);
}

uint32_t guest_device_state(struct guest *guest, uint32_t device)
{
    struct wire_getdevicestate *get = guest_begin(guest, WIRE_VGPU, WIRE_VGPU_GETDEVICESTATE);
    get->args.device = device;
    get->args.state_type = 1;
    assert_int_equal(guest_send(guest), STATUS_SUCCESS);
    return guest_reply(guest, getdevicestate)->args.execution_state;
}

NTSTATUS guest_escape(struct guest *guest, uint32_t device, uint32_t flags, void *data,
                      uint32_t size)
{
    struct wire_escape *request = guest_begin(guest, WIRE_VGPU, WIRE_VGPU_ESCAPE);
    request->adapter = guest->vm->adapter_handles[0];
    request->device = device;
    request->flags = flags;
    request->priv_drv_data_size = size;
    guest_append(guest, data, size);
    NTSTATUS status = guest_send(guest);
    if (NT_SUCCESS(status))
        memcpy(data, guest->reply.tails[0].data, size);
    return status;
}
