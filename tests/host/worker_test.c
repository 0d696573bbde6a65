/* SPDX-License-Identifier: MIT */
/* Objects that a guest shares with the host: what a program there can do with them, and how long.
 */
#include "host/guest.h"

#include <stdlib.h>

enum { SHARED_FENCE = WIRE_SYNC_SHARED | WIRE_SYNC_NT_SECURITY_SHARING };

struct rig {
    struct guest_vm vm;
    struct guest *guest;
    uint32_t device;
};

static int open_rig(void **state)
{
    struct rig *rig = calloc(1, sizeof(*rig));
    assert_non_null(rig);
    guest_vm_open(&rig->vm, &guest_modes[0], NULL);
    rig->guest = guest_open(&rig->vm, 0);
    rig->device = guest_create_device(rig->guest);
    *state = rig;
    return 0;
}

static int close_rig(void **state)
{
    struct rig *rig = *state;
    if (rig->guest)
        guest_close(rig->guest);
    guest_vm_close(&rig->vm);
    free(rig);
    return 0;
}

static NTSTATUS share(struct rig *rig, uint32_t device, uint32_t object, uint64_t *handle)
{
    struct wire_shareobjectwithhost *command =
        guest_begin(rig->guest, WIRE_GLOBAL, WIRE_GLOBAL_SHAREOBJECTWITHHOST);
    command->device_handle = device;
    command->object_handle = object;
    NTSTATUS status = guest_send(rig->guest);
    *handle = NT_SUCCESS(status) ? guest_reply(rig->guest, shareobjectwithhost)->vail_nt_handle : 0;
    return status;
}

static void programs_on_the_host_signal_a_shared_fence(void **state)
{
    struct rig *rig = *state;
    struct guest_fence fence = guest_create_fence(rig->guest, rig->device, 3, SHARED_FENCE);
    uint64_t handle, again, value;
    assert_int_equal(share(rig, rig->device, fence.handle, &handle), STATUS_SUCCESS);
    assert_true(handle != 0);
    assert_int_equal(host_worker_fence_value(rig->vm.host, handle, &value), STATUS_SUCCESS);
    assert_int_equal(value, 3);
    const uint64_t wanted = 9;
    uint64_t event = guest_register_wait(rig->guest, rig->device, 1, &fence.handle, &wanted, false);
    assert_int_equal(host_worker_signal(rig->vm.host, handle, 9), STATUS_SUCCESS);
    guest_expect_event(&rig->vm, event);
    assert_true(*fence.value == 9);
    /* Each call gives a handle of its own. */
    assert_int_equal(share(rig, rig->device, fence.handle, &again), STATUS_SUCCESS);
    assert_true(again != handle);
    assert_int_equal(host_worker_handle_count(rig->vm.host), 2);
    assert_int_equal(host_worker_close(rig->vm.host, handle), STATUS_SUCCESS);
    assert_int_equal(host_worker_close(rig->vm.host, handle), STATUS_INVALID_PARAMETER);
    assert_int_equal(host_worker_signal(rig->vm.host, handle, 10), STATUS_INVALID_PARAMETER);
    assert_int_equal(host_worker_signal(rig->vm.host, again, 10), STATUS_SUCCESS);
    assert_true(*fence.value == 10);
}

/* Nor do waits end that a program on the host can still fulfil. */
static void the_hosts_handle_outlives_the_guests_object(void **state)
{
    struct rig *rig = *state;
    struct guest *other = guest_open(&rig->vm, 0);
    uint32_t device = guest_create_device(other);
    struct guest_fence fence = guest_create_fence(rig->guest, rig->device, 0, SHARED_FENCE);
    uint64_t handle, value = 1;
    assert_int_equal(share(rig, rig->device, fence.handle, &handle), STATUS_SUCCESS);
    uint64_t event = guest_register_wait(rig->guest, rig->device, 1, &fence.handle, &value, false);
    guest_close(rig->guest);
    rig->guest = NULL;
    assert_int_equal(guest_event_times(&rig->vm, event), 0);
    assert_int_equal(host_worker_signal(rig->vm.host, handle, 1), STATUS_SUCCESS);
    assert_int_equal(guest_event_times(&rig->vm, event), 1);
    /* The global handle goes with the last of its objects, which is the host's. */
    struct wire_opensyncobject *open = guest_begin(other, WIRE_GLOBAL, WIRE_GLOBAL_OPENSYNCOBJECT);
    open->device = device;
    open->global_sync_object = fence.global;
    assert_int_equal(guest_send(other), STATUS_SUCCESS);
    assert_int_equal(guest_destroy(other, WIRE_GLOBAL, WIRE_GLOBAL_DESTROYSYNCOBJECT,
                                   guest_reply(other, opensyncobject)->sync_object),
                     STATUS_SUCCESS);
    assert_int_equal(host_worker_close(rig->vm.host, handle), STATUS_SUCCESS);
    open = guest_begin(other, WIRE_GLOBAL, WIRE_GLOBAL_OPENSYNCOBJECT);
    open->device = device;
    open->global_sync_object = fence.global;
    assert_int_equal(guest_send(other), STATUS_INVALID_PARAMETER);
    guest_close(other);
}

static void programs_on_the_host_see_a_shared_resource(void **state)
{
    struct rig *rig = *state;
    const uint32_t flags = WIRE_CREATE_ALLOCATION_CREATE_RESOURCE |
                           WIRE_CREATE_ALLOCATION_CREATE_SHARED |
                           WIRE_CREATE_ALLOCATION_NT_SECURITY_SHARING;
    uint32_t allocation;
    uint64_t handle, value;
    struct host_memory memory = {0};
    assert_int_equal(guest_try_allocation(rig->guest, rig->device, 4 * PAGE, flags, &allocation),
                     STATUS_SUCCESS);
    uint32_t resource = guest_reply(rig->guest, createallocation)->resource;
    struct wire_lock2 *lock = guest_begin(rig->guest, WIRE_VGPU, WIRE_VGPU_LOCK2);
    lock->args.device = rig->device;
    lock->args.allocation = allocation;
    assert_int_equal(guest_send(rig->guest), STATUS_SUCCESS);
    unsigned char *bytes =
        guest_io_pointer(&rig->vm, guest_reply(rig->guest, lock2)->cpu_visible_buffer_offset);
    assert_int_equal(share(rig, rig->device, resource, &handle), STATUS_SUCCESS);
    assert_int_equal(host_worker_memory(rig->vm.host, handle, 0, &memory), STATUS_SUCCESS);
    assert_int_equal(memory.size, 4 * PAGE);
    bytes[PAGE] = 0x5a;
    assert_int_equal(((unsigned char *)memory.pointer)[PAGE], 0x5a);
    assert_int_equal(host_worker_memory(rig->vm.host, handle, 1, &memory),
                     STATUS_INVALID_PARAMETER);
    assert_int_equal(host_worker_fence_value(rig->vm.host, handle, &value),
                     STATUS_INVALID_PARAMETER);
    assert_int_equal(host_worker_signal(rig->vm.host, handle, 1), STATUS_INVALID_PARAMETER);
    guest_close(rig->guest);
    rig->guest = NULL;
    assert_int_equal(((unsigned char *)memory.pointer)[PAGE], 0x5a);
}

static void what_cannot_be_shared_is_refused(void **state)
{
    struct rig *rig = *state;
    struct guest_fence lone = guest_create_fence(rig->guest, rig->device, 0, 0);
    struct guest_fence fence = guest_create_fence(rig->guest, rig->device, 0, SHARED_FENCE);
    uint64_t handle, value;
    assert_int_equal(share(rig, rig->device, lone.handle, &handle), STATUS_INVALID_PARAMETER);
    assert_int_equal(share(rig, rig->device, rig->device, &handle), STATUS_INVALID_PARAMETER);
    assert_int_equal(share(rig, rig->device, 0, &handle), STATUS_INVALID_PARAMETER);
    assert_int_equal(share(rig, fence.handle, fence.handle, &handle), STATUS_INVALID_PARAMETER);
    assert_int_equal(host_worker_handle_count(rig->vm.host), 0);
    assert_int_equal(host_worker_fence_value(rig->vm.host, fence.handle, &value),
                     STATUS_INVALID_PARAMETER);
    assert_int_equal(host_worker_close(rig->vm.host, UINT64_MAX), STATUS_INVALID_PARAMETER);
}

#define RIG_TEST(function) cmocka_unit_test_setup_teardown(function, open_rig, close_rig)

int main(void)
{
    const struct CMUnitTest tests[] = {
        RIG_TEST(programs_on_the_host_signal_a_shared_fence),
        RIG_TEST(the_hosts_handle_outlives_the_guests_object),
        RIG_TEST(programs_on_the_host_see_a_shared_resource),
        RIG_TEST(what_cannot_be_shared_is_refused),
    };
    return cmocka_run_group_tests_name("host-worker", tests, NULL, NULL);
}
