/* SPDX-License-Identifier: MIT */
/* The whole life of a device, in every mode: memory, queues, fences, waits, errors, and what goes
 * with what. */
#include "host/guest.h"

#include "backend-loopback/kmd/softgpu.h"

#include <stdlib.h>
#include <sys/mman.h>

struct rig {
    struct guest_vm vm;
    struct guest *guest;
    uint32_t device;
    uint32_t context;
    struct guest_queue paging;
    struct guest_memory commands;
    struct guest_memory data;
};

static const struct guest_mode *mode;

static int open_rig(void **state)
{
    struct rig *rig = calloc(1, sizeof(*rig));
    assert_non_null(rig);
    guest_vm_open(&rig->vm, mode, NULL);
    rig->guest = guest_open(&rig->vm, 0);
    rig->device = guest_create_device(rig->guest);
    rig->context = guest_create_context(rig->guest, rig->device);
    rig->paging = guest_create_paging_queue(rig->guest, rig->device);
    rig->commands = guest_create_memory(rig->guest, rig->device, rig->paging.handle, PAGE);
    rig->data = guest_create_memory(rig->guest, rig->device, rig->paging.handle, 16 * PAGE);
    *state = rig;
    return 0;
}

static int close_rig(void **state)
{
    struct rig *rig = *state;
    guest_close(rig->guest);
    assert_int_equal(host_object_count(rig->vm.host), 0);
    guest_vm_close(&rig->vm);
    free(rig);
    return 0;
}

/* Puts one FILL of the data into the command buffer and returns its size. */
static size_t write_fill(struct rig *rig, uint32_t pattern)
{
    struct softgpu_writer writer;
    softgpu_writer_init(&writer, rig->commands.cpu, rig->commands.size);
    softgpu_fill(&writer, rig->data.gpu, pattern, rig->data.size);
    return softgpu_writer_size(&writer);
}

static uint32_t first_word(const struct guest_memory *memory)
{
    return wire_load_u32(memory->cpu);
}

/* ---- running */

static void commands_run_and_the_fence_tells(void **state)
{
    struct rig *rig = *state;
    struct guest_fence fence = guest_create_fence(rig->guest, rig->device, 3, 0);
    assert_true(fence.gpu != 0);
    assert_int_equal(
        guest_submit(rig->guest, rig->context, rig->commands.gpu, write_fill(rig, 0xabcd)),
        STATUS_SUCCESS);
    assert_int_equal(guest_signal_from_gpu(rig->guest, rig->context, fence.handle, 4),
                     STATUS_SUCCESS);
    guest_wait(rig->guest, rig->device, fence.handle, 4);
    assert_true(__atomic_load_n(fence.value, __ATOMIC_ACQUIRE) == 4);
    assert_int_equal(first_word(&rig->data), 0xabcd);
    assert_int_equal(wire_load_u32(rig->data.cpu + rig->data.size - 4), 0xabcd);
    assert_int_equal(guest_device_state(rig->guest, rig->device), 1);
}

static void gpu_waits_hold_back_what_comes_later(void **state)
{
    struct rig *rig = *state;
    struct guest_fence gate = guest_create_fence(rig->guest, rig->device, 0, 0);
    struct guest_fence done = guest_create_fence(rig->guest, rig->device, 0, 0);
    wire_store_u32(rig->data.cpu, 1);
    assert_int_equal(guest_wait_from_gpu(rig->guest, rig->context, gate.handle, 7), STATUS_SUCCESS);
    assert_int_equal(guest_submit(rig->guest, rig->context, rig->commands.gpu, write_fill(rig, 2)),
                     STATUS_SUCCESS);
    assert_int_equal(guest_signal_from_gpu(rig->guest, rig->context, done.handle, 1),
                     STATUS_SUCCESS);
    assert_int_equal(guest_destroy(rig->guest, WIRE_VGPU, WIRE_VGPU_FLUSHDEVICE, rig->device),
                     STATUS_SUCCESS);
    assert_int_equal(first_word(&rig->data), 1);
    assert_int_equal(guest_signal_from_cpu(rig->guest, rig->device, gate.handle, 7),
                     STATUS_SUCCESS);
    guest_wait(rig->guest, rig->device, done.handle, 1);
    assert_int_equal(first_word(&rig->data), 2);
}

static void hardware_queues_advance_their_progress_fence(void **state)
{
    struct rig *rig = *state;
    struct guest_queue queue =
        guest_create_hw_queue(rig->guest, guest_create_hw_context(rig->guest, rig->device));
    struct wire_submitcommandtohwqueue *submit =
        guest_begin(rig->guest, WIRE_VGPU, WIRE_VGPU_SUBMITCOMMANDTOHWQUEUE);
    submit->args.hwqueue = queue.handle;
    submit->args.hwqueue_progress_fence_id = 11;
    submit->args.command_buffer = rig->commands.gpu;
    submit->args.command_length = (uint32_t)write_fill(rig, 0x77);
    assert_int_equal(guest_send_maybe_async(rig->guest), STATUS_SUCCESS);
    guest_wait(rig->guest, rig->device, queue.fence, 11);
    assert_int_equal(first_word(&rig->data), 0x77);
    assert_true(__atomic_load_n(queue.fence_value, __ATOMIC_ACQUIRE) == 11);
    /* The progress fence belongs to the queue. */
    assert_int_equal(
        guest_destroy(rig->guest, WIRE_GLOBAL, WIRE_GLOBAL_DESTROYSYNCOBJECT, queue.fence),
        STATUS_INVALID_PARAMETER);
    assert_int_equal(guest_destroy(rig->guest, WIRE_VGPU, WIRE_VGPU_DESTROYHWQUEUE, queue.handle),
                     STATUS_SUCCESS);
    assert_int_equal(guest_destroy(rig->guest, WIRE_VGPU, WIRE_VGPU_DESTROYHWQUEUE, queue.handle),
                     STATUS_INVALID_PARAMETER);
}

/* ---- waits */

static void cpu_waits_for_all_or_any(void **state)
{
    struct rig *rig = *state;
    struct guest_fence a = guest_create_fence(rig->guest, rig->device, 0, 0);
    struct guest_fence b = guest_create_fence(rig->guest, rig->device, 0, 0);
    const uint32_t fences[] = {a.handle, b.handle};
    const uint64_t values[] = {1, 1};
    uint64_t all = guest_register_wait(rig->guest, rig->device, 2, fences, values, false);
    uint64_t any = guest_register_wait(rig->guest, rig->device, 2, fences, values, true);
    guest_signal_from_cpu(rig->guest, rig->device, b.handle, 1);
    guest_expect_event(&rig->vm, any);
    assert_int_equal(guest_event_times(&rig->vm, all), 0);
    guest_signal_from_cpu(rig->guest, rig->device, a.handle, 5);
    guest_expect_event(&rig->vm, all);
    assert_int_equal(guest_event_times(&rig->vm, all), 1);
    assert_int_equal(guest_event_times(&rig->vm, any), 1);
}

static void signals_do_not_go_back_unless_allowed(void **state)
{
    struct rig *rig = *state;
    struct guest_fence fence = guest_create_fence(rig->guest, rig->device, 9, 0);
    guest_signal_from_cpu(rig->guest, rig->device, fence.handle, 4);
    assert_true(*fence.value == 9);
    const uint64_t value = 4;
    struct wire_signalsyncobject *signal =
        guest_begin(rig->guest, WIRE_VGPU, WIRE_VGPU_SIGNALSYNCOBJECT);
    signal->object_count = 1;
    signal->device = rig->device;
    signal->flags = WIRE_SIGNAL_ALLOW_FENCE_REWIND;
    guest_append(rig->guest, &fence.handle, sizeof(fence.handle));
    guest_append(rig->guest, &value, sizeof(value));
    assert_int_equal(guest_send_maybe_async(rig->guest), STATUS_SUCCESS);
    assert_true(*fence.value == 4);
}

/* Nobody is left waiting for what cannot come: the wait ends as if the value were reached. */
static void destroyed_fences_end_the_waits_for_them(void **state)
{
    struct rig *rig = *state;
    struct guest_fence fence = guest_create_fence(rig->guest, rig->device, 0, 0);
    const uint64_t value = 1;
    uint64_t event = guest_register_wait(rig->guest, rig->device, 1, &fence.handle, &value, false);
    assert_int_equal(guest_event_times(&rig->vm, event), 0);
    assert_int_equal(
        guest_destroy(rig->guest, WIRE_GLOBAL, WIRE_GLOBAL_DESTROYSYNCOBJECT, fence.handle),
        STATUS_SUCCESS);
    assert_int_equal(guest_event_times(&rig->vm, event), 1);
}

static void destroyed_fences_end_waits_even_where_queues_keep_them(void **state)
{
    struct rig *rig = *state;
    struct guest_fence fence = guest_create_fence(rig->guest, rig->device, 0, 0);
    const uint64_t value = 1;
    uint64_t event = guest_register_wait(rig->guest, rig->device, 1, &fence.handle, &value, false);
    assert_int_equal(guest_wait_from_gpu(rig->guest, rig->context, fence.handle, 1),
                     STATUS_SUCCESS);
    guest_destroy(rig->guest, WIRE_GLOBAL, WIRE_GLOBAL_DESTROYSYNCOBJECT, fence.handle);
    assert_int_equal(guest_event_times(&rig->vm, event), 1);
}

static void destroyed_devices_and_queues_end_the_waits_for_their_fences(void **state)
{
    struct rig *rig = *state;
    const uint64_t value = 1;
    struct guest_fence fence = guest_create_fence(rig->guest, rig->device, 0, 0);
    struct guest_queue queue =
        guest_create_hw_queue(rig->guest, guest_create_hw_context(rig->guest, rig->device));
    uint64_t of_queue =
        guest_register_wait(rig->guest, rig->device, 1, &queue.fence, &value, false);
    uint64_t of_device =
        guest_register_wait(rig->guest, rig->device, 1, &fence.handle, &value, false);
    guest_destroy(rig->guest, WIRE_VGPU, WIRE_VGPU_DESTROYHWQUEUE, queue.handle);
    assert_int_equal(guest_event_times(&rig->vm, of_queue), 1);
    assert_int_equal(guest_event_times(&rig->vm, of_device), 0);
    guest_destroy(rig->guest, WIRE_VGPU, WIRE_VGPU_DESTROYDEVICE, rig->device);
    assert_int_equal(guest_event_times(&rig->vm, of_device), 1);
}

static void processes_that_end_leave_waits_for_shared_fences_to_others(void **state)
{
    struct rig *rig = *state;
    struct guest *other = guest_open(&rig->vm, 0);
    uint32_t device = guest_create_device(other);
    const uint64_t value = 1;
    struct guest_fence own = guest_create_fence(other, device, 0, 0);
    struct guest_fence shared = guest_create_fence(
        rig->guest, rig->device, 0, WIRE_SYNC_SHARED | WIRE_SYNC_NT_SECURITY_SHARING);
    struct wire_opensyncobject *open = guest_begin(other, WIRE_GLOBAL, WIRE_GLOBAL_OPENSYNCOBJECT);
    open->device = device;
    open->global_sync_object = shared.global;
    assert_int_equal(guest_send(other), STATUS_SUCCESS);
    uint32_t opened = guest_reply(other, opensyncobject)->sync_object;
    uint64_t for_own = guest_register_wait(other, device, 1, &own.handle, &value, false);
    uint64_t for_shared = guest_register_wait(other, device, 1, &opened, &value, false);
    guest_close(other);
    assert_int_equal(guest_event_times(&rig->vm, for_own), 1);
    assert_int_equal(guest_event_times(&rig->vm, for_shared), 0);
    guest_signal_from_cpu(rig->guest, rig->device, shared.handle, 1);
    assert_int_equal(guest_event_times(&rig->vm, for_shared), 1);
}

static void queues_can_send_events(void **state)
{
    struct rig *rig = *state;
    struct guest_fence gate = guest_create_fence(rig->guest, rig->device, 0, 0);
    uint64_t event = guest_new_event(&rig->vm);
    guest_wait_from_gpu(rig->guest, rig->context, gate.handle, 1);
    struct wire_signalsyncobject *signal =
        guest_begin(rig->guest, WIRE_VGPU, WIRE_VGPU_SIGNALSYNCOBJECT);
    signal->flags = WIRE_SIGNAL_ENQUEUE_CPU_EVENT;
    signal->context_count = 1;
    signal->cpu_event_handle = event;
    guest_append(rig->guest, &rig->context, sizeof(rig->context));
    assert_int_equal(guest_send_maybe_async(rig->guest), STATUS_SUCCESS);
    assert_int_equal(guest_event_times(&rig->vm, event), 0);
    guest_signal_from_cpu(rig->guest, rig->device, gate.handle, 1);
    guest_expect_event(&rig->vm, event);
}

static void cpu_notifications_send_their_event_each_time(void **state)
{
    struct rig *rig = *state;
    uint64_t event = guest_new_event(&rig->vm);
    struct wire_createsyncobject *create =
        guest_begin(rig->guest, WIRE_VGPU, WIRE_VGPU_CREATESYNCOBJECT);
    create->args.info.type = 4;
    create->args.info.cpu_notification.event = event;
    assert_int_equal(guest_send(rig->guest), STATUS_SUCCESS);
    uint32_t handle = guest_reply(rig->guest, createsyncobject)->sync_object;
    assert_int_not_equal(handle, 0);
    guest_signal_from_cpu(rig->guest, rig->device, handle, 0);
    assert_int_equal(guest_event_times(&rig->vm, event), 1);
    guest_signal_from_gpu(rig->guest, rig->context, handle, 0);
    struct guest_fence after = guest_create_fence(rig->guest, rig->device, 0, 0);
    guest_signal_from_gpu(rig->guest, rig->context, after.handle, 1);
    guest_wait(rig->guest, rig->device, after.handle, 1);
    assert_int_equal(guest_event_times(&rig->vm, event), 2);
}

/* ---- sharing */

static void shared_fences_are_one_fence(void **state)
{
    struct rig *rig = *state;
    struct guest *other = guest_open(&rig->vm, 0);
    uint32_t device = guest_create_device(other);
    struct guest_fence fence = guest_create_fence(rig->guest, rig->device, 1,
                                                  WIRE_SYNC_SHARED | WIRE_SYNC_NT_SECURITY_SHARING);
    assert_int_not_equal(fence.global, 0);
    struct wire_opensyncobject *open = guest_begin(other, WIRE_GLOBAL, WIRE_GLOBAL_OPENSYNCOBJECT);
    open->device = device;
    open->global_sync_object = fence.global;
    assert_int_equal(guest_send(other), STATUS_SUCCESS);
    const struct wire_opensyncobject_reply *reply = guest_reply(other, opensyncobject);
    uint32_t opened = reply->sync_object;
    assert_ptr_equal(guest_io_pointer(&rig->vm, reply->guest_cpu_physical_address), fence.value);
    guest_signal_from_cpu(rig->guest, rig->device, fence.handle, 2);
    guest_wait(other, device, opened, 2);

    /* The global handle lives as long as somebody has the fence. */
    assert_int_equal(
        guest_destroy(rig->guest, WIRE_GLOBAL, WIRE_GLOBAL_DESTROYSYNCOBJECT, fence.handle),
        STATUS_SUCCESS);
    open = guest_begin(other, WIRE_GLOBAL, WIRE_GLOBAL_OPENSYNCOBJECT);
    open->device = device;
    open->global_sync_object = fence.global;
    assert_int_equal(guest_send(other), STATUS_SUCCESS);
    guest_close(other);
    open = guest_begin(rig->guest, WIRE_GLOBAL, WIRE_GLOBAL_OPENSYNCOBJECT);
    open->device = rig->device;
    open->global_sync_object = fence.global;
    assert_int_equal(guest_send(rig->guest), STATUS_INVALID_PARAMETER);
}

static uint32_t share(struct guest *guest, uint32_t object)
{
    struct wire_createntsharedobject *create =
        guest_begin(guest, WIRE_GLOBAL, WIRE_GLOBAL_CREATENTSHAREDOBJECT);
    create->object = object;
    assert_int_equal(guest_send(guest), STATUS_SUCCESS);
    return guest_reply(guest, createntsharedobject)->shared_handle;
}

static NTSTATUS open_resource(struct guest *guest, uint32_t device, uint32_t shared, uint32_t count)
{
    struct wire_openresource *open = guest_begin(guest, WIRE_VGPU, WIRE_VGPU_OPENRESOURCE);
    open->device = device;
    open->nt_security_sharing = 1;
    open->global_share = shared;
    open->allocation_count = count;
    return guest_send(guest);
}

/* Locks an allocation and returns the guest physical address. */
static uint64_t lock_address(struct guest *guest, uint32_t device, uint32_t allocation)
{
    struct wire_lock2 *lock = guest_begin(guest, WIRE_VGPU, WIRE_VGPU_LOCK2);
    lock->args.device = device;
    lock->args.allocation = allocation;
    assert_int_equal(guest_send(guest), STATUS_SUCCESS);
    return guest_reply(guest, lock2)->cpu_visible_buffer_offset;
}

/* The memory outlives its maker. */
static void shared_resources_are_one_memory(void **state)
{
    struct rig *rig = *state;
    struct guest *other = guest_open(&rig->vm, 0);
    uint32_t device = guest_create_device(other);
    const uint32_t flags = WIRE_CREATE_ALLOCATION_CREATE_RESOURCE |
                           WIRE_CREATE_ALLOCATION_CREATE_SHARED |
                           WIRE_CREATE_ALLOCATION_NT_SECURITY_SHARING;
    uint32_t allocation;
    assert_int_equal(guest_try_allocation(rig->guest, rig->device, PAGE, flags, &allocation),
                     STATUS_SUCCESS);
    uint32_t resource = guest_reply(rig->guest, createallocation)->resource;
    uint64_t address = lock_address(rig->guest, rig->device, allocation);
    uint32_t shared = share(rig->guest, resource);
    assert_int_not_equal(shared, 0);
    assert_int_equal(open_resource(other, device, shared, 2), STATUS_INVALID_PARAMETER);
    assert_int_equal(open_resource(other, device, resource, 1), STATUS_INVALID_PARAMETER);
    assert_int_equal(guest_destroy_allocation(rig->guest, rig->device, 0, &allocation, 1),
                     STATUS_INVALID_PARAMETER); /* only as a whole */
    wire_store_u32(guest_io_pointer(&rig->vm, address), 0x5eed);
    assert_int_equal(guest_destroy_allocation(rig->guest, rig->device, resource, NULL, 0),
                     STATUS_SUCCESS);
    assert_int_equal(open_resource(other, device, shared, 1), STATUS_SUCCESS);
    uint32_t opened = wire_span_u32(&other->reply.tails[0], 0);
    assert_true(lock_address(other, device, opened) == address);
    assert_int_equal(wire_load_u32(guest_io_pointer(&rig->vm, address)), 0x5eed);

    assert_int_equal(guest_destroy(other, WIRE_GLOBAL, WIRE_GLOBAL_DESTROYNTSHAREDOBJECT, shared),
                     STATUS_SUCCESS);
    assert_int_equal(open_resource(other, device, shared, 1), STATUS_INVALID_PARAMETER);
    guest_close(other);
}

static void shared_handles_keep_fences_alive(void **state)
{
    struct rig *rig = *state;
    struct guest_fence fence = guest_create_fence(rig->guest, rig->device, 8,
                                                  WIRE_SYNC_SHARED | WIRE_SYNC_NT_SECURITY_SHARING);
    struct guest_fence lone = guest_create_fence(rig->guest, rig->device, 0, 0);
    assert_int_equal(share(rig->guest, lone.handle), 0); /* was not made to be shared */
    assert_int_equal(share(rig->guest, rig->context), 0);
    uint32_t shared = share(rig->guest, fence.handle);
    assert_int_not_equal(shared, 0);
    guest_destroy(rig->guest, WIRE_GLOBAL, WIRE_GLOBAL_DESTROYSYNCOBJECT, fence.handle);
    struct wire_opensyncobject *open =
        guest_begin(rig->guest, WIRE_GLOBAL, WIRE_GLOBAL_OPENSYNCOBJECT);
    open->device = rig->device;
    open->global_sync_object = fence.global;
    assert_int_equal(guest_send(rig->guest), STATUS_SUCCESS);
    uint32_t opened = guest_reply(rig->guest, opensyncobject)->sync_object;
    guest_wait(rig->guest, rig->device, opened, 8);
    assert_int_equal(
        guest_destroy(rig->guest, WIRE_GLOBAL, WIRE_GLOBAL_DESTROYNTSHAREDOBJECT, shared),
        STATUS_SUCCESS);
}

/* ---- errors */

static void faults_reach_the_guest_as_device_state(void **state)
{
    struct rig *rig = *state;
    struct guest_fence fence = guest_create_fence(rig->guest, rig->device, 0, 0);
    struct softgpu_writer writer;
    softgpu_writer_init(&writer, rig->commands.cpu, rig->commands.size);
    softgpu_write32(&writer, 0x123456789000, 1);
    guest_submit(rig->guest, rig->context, rig->commands.gpu, softgpu_writer_size(&writer));
    guest_expect_data(&rig->vm, GUEST_COOKIE);
    assert_int_equal(guest_device_state(rig->guest, rig->device), 7);
    guest_wait(rig->guest, rig->device, fence.handle, UINT64_MAX); /* nobody waits for ever */

    struct wire_getdevicestate *get = guest_begin(rig->guest, WIRE_VGPU, WIRE_VGPU_GETDEVICESTATE);
    get->args.device = rig->device;
    get->args.state_type = 5;
    assert_int_equal(guest_send(rig->guest), STATUS_SUCCESS);
    assert_true(
        guest_reply(rig->guest, getdevicestate)->args.page_fault_state.faulted_virtual_address ==
        0x123456789000);
    /* Another device is none the worse for it. */
    assert_int_equal(guest_device_state(rig->guest, guest_create_device(rig->guest)), 1);
}

static void refused_asynchronous_work_becomes_device_state(void **state)
{
    struct rig *rig = *state;
    NTSTATUS status = guest_wait_from_gpu(rig->guest, rig->context, 0xdeadbec0, 1);
    if (!mode->async) {
        assert_int_equal(status, STATUS_INVALID_PARAMETER);
        assert_int_equal(guest_device_state(rig->guest, rig->device), 1);
        return;
    }
    guest_expect_data(&rig->vm, GUEST_COOKIE);
    assert_int_not_equal(guest_device_state(rig->guest, rig->device), 1);
}

static void devices_can_be_marked(void **state)
{
    struct rig *rig = *state;
    struct wire_markdeviceaserror *mark =
        guest_begin(rig->guest, WIRE_VGPU, WIRE_VGPU_MARKDEVICEASERROR);
    mark->args.device = rig->device;
    mark->args.reason = 0x80000006;
    assert_int_equal(guest_send(rig->guest), STATUS_SUCCESS);
    guest_expect_data(&rig->vm, GUEST_COOKIE);
    assert_int_equal(guest_device_state(rig->guest, rig->device), 2);
    struct wire_getdevicestate *get = guest_begin(rig->guest, WIRE_VGPU, WIRE_VGPU_GETDEVICESTATE);
    get->args.device = rig->device;
    get->args.state_type = 2; /* answered although there is no display */
    assert_int_equal(guest_send(rig->guest), STATUS_SUCCESS);
}

/* ---- lifetime */

static void devices_take_everything_along(void **state)
{
    struct rig *rig = *state;
    uint32_t before = host_object_count(rig->vm.host);
    uint32_t device = guest_create_device(rig->guest);
    uint32_t context = guest_create_hw_context(rig->guest, device);
    struct guest_queue queue = guest_create_hw_queue(rig->guest, context);
    struct guest_queue paging = guest_create_paging_queue(rig->guest, device);
    struct guest_fence fence = guest_create_fence(rig->guest, device, 0, 0);
    guest_create_memory(rig->guest, device, paging.handle, PAGE);
    guest_wait_from_gpu(rig->guest, context, fence.handle, 1);
    assert_int_equal(guest_destroy(rig->guest, WIRE_VGPU, WIRE_VGPU_DESTROYDEVICE, device),
                     STATUS_SUCCESS);
    assert_int_equal(host_object_count(rig->vm.host), before);
    assert_int_equal(guest_destroy(rig->guest, WIRE_VGPU, WIRE_VGPU_DESTROYHWQUEUE, queue.handle),
                     STATUS_INVALID_PARAMETER);
    assert_int_equal(guest_destroy(rig->guest, WIRE_VGPU, WIRE_VGPU_DESTROYDEVICE, device),
                     STATUS_INVALID_PARAMETER);
}

static void handles_are_dense_and_not_reused_at_once(void **state)
{
    struct rig *rig = *state;
    uint32_t first = guest_create_device(rig->guest);
    uint32_t second = guest_create_device(rig->guest);
    assert_int_equal(second - first, 64);
    guest_destroy(rig->guest, WIRE_VGPU, WIRE_VGPU_DESTROYDEVICE, second);
    for (unsigned i = 0; i < 100; i++) {
        uint32_t next = guest_create_device(rig->guest);
        assert_int_not_equal(next & WIRE_HANDLE_INDEX, second & WIRE_HANDLE_INDEX);
        guest_destroy(rig->guest, WIRE_VGPU, WIRE_VGPU_DESTROYDEVICE, next);
    }
}

static void resources_go_as_a_whole(void **state)
{
    struct rig *rig = *state;
    uint32_t before = host_object_count(rig->vm.host);
    uint32_t allocation;
    assert_int_equal(guest_try_allocation(rig->guest, rig->device, PAGE,
                                          WIRE_CREATE_ALLOCATION_CREATE_RESOURCE, &allocation),
                     STATUS_SUCCESS);
    uint32_t resource = guest_reply(rig->guest, createallocation)->resource;
    assert_int_not_equal(resource, 0);
    assert_int_equal(host_object_count(rig->vm.host), before + 2);
    assert_int_equal(guest_destroy_allocation(rig->guest, rig->device, resource, NULL, 0),
                     STATUS_SUCCESS);
    assert_int_equal(host_object_count(rig->vm.host), before);
    assert_int_equal(guest_destroy_allocation(rig->guest, rig->device, 0, &allocation, 1),
                     STATUS_INVALID_PARAMETER);
}

/* An engine reset takes the device whose commands hang, whoever waits behind them. */
static void a_hang_of_one_process_spares_the_others(void **state)
{
    static struct guest_vm vm;
    const struct host_config config = {
        .io_space_size = IO_SPACE_SIZE,
        .adapter_count = 1,
        .adapters = {{.miniport = &kmd_softgpu, .hang_timeout_ns = 20000000}},
    };
    struct guest *guests[2];
    uint32_t devices[2], contexts[2];
    struct guest_memory commands[2];
    struct guest_fence fences[2];
    struct softgpu_writer writer;
    (void)state;
    guest_vm_open(&vm, mode, &config);
    for (unsigned i = 0; i < 2; i++) {
        guests[i] = guest_open(&vm, 0);
        devices[i] = guest_create_device(guests[i]);
        contexts[i] = guest_create_context(guests[i], devices[i]);
        struct guest_queue paging = guest_create_paging_queue(guests[i], devices[i]);
        commands[i] = guest_create_memory(guests[i], devices[i], paging.handle, PAGE);
        fences[i] = guest_create_fence(guests[i], devices[i], 0, 0);
    }
    softgpu_writer_init(&writer, commands[0].cpu, PAGE);
    softgpu_hang(&writer);
    guest_submit(guests[0], contexts[0], commands[0].gpu, softgpu_writer_size(&writer));
    softgpu_writer_init(&writer, commands[1].cpu, PAGE);
    softgpu_write32(&writer, commands[1].gpu + 1024, 0xfeed);
    guest_submit(guests[1], contexts[1], commands[1].gpu, softgpu_writer_size(&writer));
    guest_signal_from_gpu(guests[1], contexts[1], fences[1].handle, 1);
    guest_wait(guests[1], devices[1], fences[1].handle, 1);
    assert_int_equal(wire_load_u32(commands[1].cpu + 1024), 0xfeed);
    assert_int_equal(guest_device_state(guests[1], devices[1]), 1);
    guest_wait(guests[0], devices[0], fences[0].handle, 1);
    assert_true(*fences[0].value == UINT64_MAX);
    assert_int_equal(guest_device_state(guests[0], devices[0]), 3);
    guest_close(guests[0]);
    guest_close(guests[1]);
    guest_vm_close(&vm);
}

static void evicted_memory_faults(void **state)
{
    struct rig *rig = *state;
    struct wire_evict *evict = guest_begin(rig->guest, WIRE_VGPU, WIRE_VGPU_EVICT);
    evict->device = rig->device;
    evict->alloc_count = 1;
    guest_append(rig->guest, &rig->data.allocation, sizeof(rig->data.allocation));
    assert_int_equal(guest_send(rig->guest), STATUS_SUCCESS);
    guest_submit(rig->guest, rig->context, rig->commands.gpu, write_fill(rig, 1));
    guest_expect_data(&rig->vm, GUEST_COOKIE);
    assert_int_equal(guest_device_state(rig->guest, rig->device), 7);
}

#define RIG_TEST(function) cmocka_unit_test_setup_teardown(function, open_rig, close_rig)

int main(void)
{
    const struct CMUnitTest tests[] = {
        RIG_TEST(commands_run_and_the_fence_tells),
        RIG_TEST(gpu_waits_hold_back_what_comes_later),
        RIG_TEST(hardware_queues_advance_their_progress_fence),
        RIG_TEST(cpu_waits_for_all_or_any),
        RIG_TEST(signals_do_not_go_back_unless_allowed),
        RIG_TEST(destroyed_fences_end_the_waits_for_them),
        RIG_TEST(destroyed_fences_end_waits_even_where_queues_keep_them),
        RIG_TEST(destroyed_devices_and_queues_end_the_waits_for_their_fences),
        RIG_TEST(processes_that_end_leave_waits_for_shared_fences_to_others),
        RIG_TEST(queues_can_send_events),
        RIG_TEST(cpu_notifications_send_their_event_each_time),
        RIG_TEST(shared_fences_are_one_fence),
        RIG_TEST(shared_resources_are_one_memory),
        RIG_TEST(shared_handles_keep_fences_alive),
        RIG_TEST(faults_reach_the_guest_as_device_state),
        RIG_TEST(refused_asynchronous_work_becomes_device_state),
        RIG_TEST(devices_can_be_marked),
        RIG_TEST(devices_take_everything_along),
        RIG_TEST(handles_are_dense_and_not_reused_at_once),
        RIG_TEST(resources_go_as_a_whole),
        RIG_TEST(evicted_memory_faults),
        cmocka_unit_test(a_hang_of_one_process_spares_the_others),
    };
    return guest_run_in_each_mode(&mode, tests, sizeof(tests) / sizeof(tests[0]));
}
