/* SPDX-License-Identifier: MIT */
/* Handles that exist and are of the right kind, but not for this use; and contexts' priorities. */
#include "backend-loopback/gpu/address.h"
#include "host/guest.h"

static const struct guest_mode *mode;

struct rig {
    struct guest_vm vm;
    struct guest *guest;
    uint32_t device, other_device, context, hw_context;
    struct guest_queue paging, hw_queue;
    struct guest_memory commands;
};

static int open_rig(void **state)
{
    static struct rig rig;

    guest_vm_open(&rig.vm, mode, NULL);
    rig.guest = guest_open(&rig.vm, 0);
    rig.device = guest_create_device(rig.guest);
    rig.other_device = guest_create_device(rig.guest);
    rig.context = guest_create_context(rig.guest, rig.device);
    rig.hw_context = guest_create_hw_context(rig.guest, rig.device);
    rig.paging = guest_create_paging_queue(rig.guest, rig.device);
    rig.hw_queue = guest_create_hw_queue(rig.guest, rig.hw_context);
    rig.commands = guest_create_memory(rig.guest, rig.device, rig.paging.handle, PAGE);
    *state = &rig;
    return 0;
}

static int close_rig(void **state)
{
    struct rig *rig = *state;

    guest_close(rig->guest);
    assert_int_equal(host_object_count(rig->vm.host), 0);
    guest_vm_close(&rig->vm);
    return 0;
}

/* An asynchronous command cannot be refused in a reply: the device fails instead. */
static void assert_refused(struct rig *rig, NTSTATUS status)
{
    if (mode->async) {
        assert_int_equal(status, STATUS_SUCCESS);
        assert_int_not_equal(guest_device_state(rig->guest, rig->device), 1);
    } else {
        assert_int_equal(status, STATUS_INVALID_PARAMETER);
        assert_int_equal(guest_device_state(rig->guest, rig->device), 1);
    }
}

static uint64_t value_of(const struct guest_queue *queue)
{
    return __atomic_load_n(queue->fence_value, __ATOMIC_ACQUIRE);
}

/* ---- fences that are the host's to signal. A device that fails raises them to all ones. */

static void paging_fences_are_not_signalled_from_the_cpu(void **state)
{
    struct rig *rig = *state;
    uint64_t before = value_of(&rig->paging);

    assert_refused(rig, guest_signal_from_cpu(rig->guest, rig->device, rig->paging.fence, 999));
    assert_true(value_of(&rig->paging) == (mode->async ? UINT64_MAX : before));
}

static void paging_fences_are_not_signalled_from_the_gpu(void **state)
{
    struct rig *rig = *state;
    uint64_t before = value_of(&rig->paging);

    assert_refused(rig, guest_signal_from_gpu(rig->guest, rig->context, rig->paging.fence, 999));
    assert_true(value_of(&rig->paging) == (mode->async ? UINT64_MAX : before));
}

static void progress_fences_are_not_signalled_from_the_cpu(void **state)
{
    struct rig *rig = *state;

    assert_refused(rig, guest_signal_from_cpu(rig->guest, rig->device, rig->hw_queue.fence, 999));
    assert_true(value_of(&rig->hw_queue) == (mode->async ? UINT64_MAX : 0));
}

static void progress_fences_are_not_signalled_from_the_gpu(void **state)
{
    struct rig *rig = *state;

    assert_refused(rig,
                   guest_signal_from_gpu(rig->guest, rig->hw_queue.handle, rig->hw_queue.fence, 9));
    assert_true(value_of(&rig->hw_queue) == (mode->async ? UINT64_MAX : 0));
}

/* They may be waited for all the same. */
static void implicit_fences_are_waited_for(void **state)
{
    struct rig *rig = *state;
    struct guest_fence fence = guest_create_fence(rig->guest, rig->device, 0, 0);

    assert_int_equal(guest_wait_from_gpu(rig->guest, rig->context, rig->paging.fence, 1),
                     STATUS_SUCCESS);
    assert_int_equal(guest_signal_from_gpu(rig->guest, rig->context, fence.handle, 1),
                     STATUS_SUCCESS);
    guest_wait(rig->guest, rig->device, fence.handle, 1);
    assert_int_equal(guest_device_state(rig->guest, rig->device), 1);
}

/* ---- submissions */

static void contexts_for_hardware_queues_take_no_commands(void **state)
{
    struct rig *rig = *state;

    assert_refused(rig, guest_submit(rig->guest, rig->hw_context, rig->commands.gpu, 4));
}

static void hardware_queues_take_no_commands_of_contexts(void **state)
{
    struct rig *rig = *state;

    assert_refused(rig, guest_submit(rig->guest, rig->hw_queue.handle, rig->commands.gpu, 4));
    if (!mode->async)
        assert_true(value_of(&rig->hw_queue) == 0);
}

/* ---- queued address changes */

static NTSTATUS update(struct rig *rig, uint32_t device, uint32_t fence, uint32_t allocation)
{
    struct wire_gpuva_operation operation = {.operation = GPU_UPDATE_MAP};
    struct wire_updategpuvirtualaddress *update =
        guest_begin(rig->guest, WIRE_VGPU, WIRE_VGPU_UPDATEGPUVIRTUALADDRESS);

    operation.map.base_address = rig->commands.gpu;
    operation.map.size = PAGE;
    operation.map.allocation = allocation;
    operation.map.allocation_size = PAGE;
    update->device = device;
    update->context = rig->context;
    update->fence_object = fence;
    update->num_operations = 1;
    update->flags = WIRE_UPDATE_GPUVA_DO_NOT_WAIT;
    guest_append(rig->guest, &operation, sizeof(operation));
    return guest_send(rig->guest);
}

static void address_changes_stay_within_the_device(void **state)
{
    struct rig *rig = *state;
    struct guest_fence fence = guest_create_fence(rig->guest, rig->device, 0, 0);
    uint32_t foreign;

    assert_int_equal(guest_try_allocation(rig->guest, rig->other_device, PAGE, 0, &foreign),
                     STATUS_SUCCESS);
    assert_int_equal(update(rig, rig->other_device, fence.handle, foreign),
                     STATUS_INVALID_PARAMETER); /* the context is not the device's */
    assert_int_equal(update(rig, rig->device, fence.handle, foreign), STATUS_INVALID_PARAMETER);
    assert_int_equal(update(rig, rig->device, rig->paging.fence, rig->commands.allocation),
                     STATUS_INVALID_PARAMETER); /* it would be signalled */
    assert_true(*fence.value == 0);
    assert_int_equal(update(rig, rig->device, fence.handle, rig->commands.allocation),
                     STATUS_SUCCESS);
    guest_wait(rig->guest, rig->device, fence.handle, 1);
    assert_int_equal(guest_device_state(rig->guest, rig->device), 1);
}

/* ---- priorities of contexts */

static NTSTATUS set_priority(struct rig *rig, bool in_process, int32_t priority)
{
    struct wire_setcontextschedulingpriority *set =
        guest_begin(rig->guest, WIRE_VGPU, WIRE_VGPU_SETCONTEXTSCHEDULINGPRIORITY);

    set->context = rig->context;
    set->in_process = in_process;
    set->priority = priority;
    return guest_send(rig->guest);
}

static int32_t get_priority(struct rig *rig, bool in_process)
{
    struct wire_getcontextschedulingpriority *get =
        guest_begin(rig->guest, WIRE_VGPU, WIRE_VGPU_GETCONTEXTSCHEDULINGPRIORITY);

    get->context = rig->context;
    get->in_process = in_process;
    assert_int_equal(guest_send(rig->guest), STATUS_SUCCESS);
    return guest_reply(rig->guest, getcontextschedulingpriority)->priority;
}

static void contexts_have_two_priorities(void **state)
{
    struct rig *rig = *state;

    assert_int_equal(get_priority(rig, true), 0);
    assert_int_equal(set_priority(rig, true, -7), STATUS_SUCCESS);
    assert_int_equal(set_priority(rig, false, 7), STATUS_SUCCESS);
    assert_int_equal(set_priority(rig, true, 8), STATUS_INVALID_PARAMETER);
    assert_int_equal(set_priority(rig, false, -8), STATUS_INVALID_PARAMETER);
    assert_int_equal(get_priority(rig, true), -7);
    assert_int_equal(get_priority(rig, false), 7);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_rig, close_rig)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(paging_fences_are_not_signalled_from_the_cpu),
        TEST(paging_fences_are_not_signalled_from_the_gpu),
        TEST(progress_fences_are_not_signalled_from_the_cpu),
        TEST(progress_fences_are_not_signalled_from_the_gpu),
        TEST(implicit_fences_are_waited_for),
        TEST(contexts_for_hardware_queues_take_no_commands),
        TEST(hardware_queues_take_no_commands_of_contexts),
        TEST(address_changes_stay_within_the_device),
        TEST(contexts_have_two_priorities),
    };
    return guest_run_in_each_mode(&mode, tests, sizeof(tests) / sizeof(tests[0]));
}
