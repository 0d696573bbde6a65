/* SPDX-License-Identifier: MIT */
/* Several guests of one host: what they share, what they do not, and what goes with one of them. */
#include "host/guest.h"

#include <stdlib.h>

/* A second connection to the host of an open VM, as a VM of the tests' own: same IO space. */
static void connect_second(struct guest_vm *second, const struct guest_vm *first)
{
    *second = *first;
    pthread_mutex_init(&second->lock, NULL);
    pthread_cond_init(&second->changed, NULL);
    second->event_count = 0;
    guest_vm_connect(second);
}

static void disconnect_second(struct guest_vm *second)
{
    host_guest_disconnect(second->connection);
    pthread_cond_destroy(&second->changed);
    pthread_mutex_destroy(&second->lock);
}

struct rig {
    struct guest_vm first, second;
    struct guest *a, *b;
    uint32_t device_a, device_b;
};

static struct rig current;

static int open_rig(void **state)
{
    guest_vm_open(&current.first, &guest_modes[1], NULL);
    connect_second(&current.second, &current.first);
    current.a = guest_open(&current.first, 0);
    current.b = guest_open(&current.second, 0);
    current.device_a = guest_create_device(current.a);
    current.device_b = guest_create_device(current.b);
    *state = &current;
    return 0;
}

static int close_rig(void **state)
{
    struct rig *rig = *state;

    free(rig->a);
    free(rig->b);
    disconnect_second(&rig->second);
    host_guest_disconnect(rig->first.connection);
    rig->first.connection = NULL;
    assert_int_equal(host_object_count(rig->first.host), 0);
    guest_vm_close(&rig->first);
    return 0;
}

/* Ends the first guest and begins it anew, so that close_rig finds one. */
static void restart_first(struct rig *rig)
{
    host_guest_disconnect(rig->first.connection);
    guest_vm_connect(&rig->first);
}

static uint32_t share(struct guest *guest, uint32_t object)
{
    struct wire_createntsharedobject *create =
        guest_begin(guest, WIRE_GLOBAL, WIRE_GLOBAL_CREATENTSHAREDOBJECT);
    create->object = object;
    assert_int_equal(guest_send(guest), STATUS_SUCCESS);
    return guest_reply(guest, createntsharedobject)->shared_handle;
}

static NTSTATUS open_fence(struct guest *guest, uint32_t device, uint32_t global)
{
    struct wire_opensyncobject *open = guest_begin(guest, WIRE_GLOBAL, WIRE_GLOBAL_OPENSYNCOBJECT);
    open->device = device;
    open->global_sync_object = global;
    return guest_send(guest);
}

static NTSTATUS end_sharing(struct guest *guest, uint32_t shared)
{
    struct wire_destroyntsharedobject *destroy =
        guest_begin(guest, WIRE_GLOBAL, WIRE_GLOBAL_DESTROYNTSHAREDOBJECT);
    destroy->shared_handle = shared;
    return guest_send(guest);
}

static void a_process_belongs_to_its_guest(void **state)
{
    struct rig *rig = *state;
    uint32_t own = rig->b->process;

    rig->b->process = rig->a->process;
    struct wire_destroydevice *destroy = guest_begin(rig->b, WIRE_VGPU, WIRE_VGPU_DESTROYDEVICE);
    destroy->device = rig->device_a;
    assert_int_equal(guest_send(rig->b), STATUS_INVALID_PARAMETER);
    guest_begin(rig->b, WIRE_GLOBAL, WIRE_GLOBAL_DESTROYPROCESS);
    assert_int_equal(guest_send(rig->b), STATUS_INVALID_PARAMETER);
    rig->b->process = own;
    assert_int_equal(guest_device_state(rig->a, rig->device_a), 1);
}

static void a_guest_that_goes_takes_its_objects_along(void **state)
{
    struct rig *rig = *state;
    uint32_t before = host_object_count(rig->first.host);
    struct guest_queue paging = guest_create_paging_queue(rig->a, rig->device_a);
    guest_create_memory(rig->a, rig->device_a, paging.handle, 16 * PAGE);
    guest_create_fence(rig->a, rig->device_a, 0, WIRE_SYNC_SHARED | WIRE_SYNC_NT_SECURITY_SHARING);
    assert_true(host_object_count(rig->first.host) > before);

    restart_first(rig);
    /* Of the other's device nothing is gone. */
    assert_int_equal(host_object_count(rig->first.host), 1);
    assert_int_equal(guest_device_state(rig->b, rig->device_b), 1);
}

static void a_guest_opens_what_another_shares(void **state)
{
    struct rig *rig = *state;
    struct guest_fence fence = guest_create_fence(rig->a, rig->device_a, 5,
                                                  WIRE_SYNC_SHARED | WIRE_SYNC_NT_SECURITY_SHARING);

    assert_int_equal(open_fence(rig->b, rig->device_b, fence.global), STATUS_SUCCESS);
    uint32_t opened = guest_reply(rig->b, opensyncobject)->sync_object;
    assert_int_equal(guest_signal_from_cpu(rig->b, rig->device_b, opened, 9), STATUS_SUCCESS);
    assert_int_equal(*fence.value, 9);

    /* It stays while somebody has it open, and is the same fence for a third. */
    restart_first(rig);
    assert_int_equal(open_fence(rig->b, rig->device_b, fence.global), STATUS_SUCCESS);
    uint32_t again = guest_reply(rig->b, opensyncobject)->sync_object;
    assert_int_equal(guest_signal_from_cpu(rig->b, rig->device_b, opened, 10), STATUS_SUCCESS);
    guest_wait(rig->b, rig->device_b, again, 10);
}

static void an_nt_object_goes_with_its_guest_alone(void **state)
{
    struct rig *rig = *state;
    struct guest_fence fence = guest_create_fence(rig->a, rig->device_a, 0,
                                                  WIRE_SYNC_SHARED | WIRE_SYNC_NT_SECURITY_SHARING);
    uint32_t shared = share(rig->a, fence.handle);

    assert_int_equal(end_sharing(rig->b, shared), STATUS_INVALID_PARAMETER);
    restart_first(rig);
    assert_int_equal(open_fence(rig->b, rig->device_b, fence.global), STATUS_INVALID_PARAMETER);
}

static void events_go_to_the_guest_that_waits(void **state)
{
    struct rig *rig = *state;
    struct guest_fence fence = guest_create_fence(rig->a, rig->device_a, 0,
                                                  WIRE_SYNC_SHARED | WIRE_SYNC_NT_SECURITY_SHARING);
    uint64_t value = 1;

    assert_int_equal(open_fence(rig->b, rig->device_b, fence.global), STATUS_SUCCESS);
    uint32_t opened = guest_reply(rig->b, opensyncobject)->sync_object;
    uint64_t event = guest_register_wait(rig->b, rig->device_b, 1, &opened, &value, false);
    assert_int_equal(guest_signal_from_cpu(rig->a, rig->device_a, fence.handle, 1), STATUS_SUCCESS);
    guest_expect_event(&rig->second, event);
    assert_int_equal(rig->first.event_count, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_process_belongs_to_its_guest, open_rig, close_rig),
        cmocka_unit_test_setup_teardown(a_guest_that_goes_takes_its_objects_along, open_rig,
                                        close_rig),
        cmocka_unit_test_setup_teardown(a_guest_opens_what_another_shares, open_rig, close_rig),
        cmocka_unit_test_setup_teardown(an_nt_object_goes_with_its_guest_alone, open_rig,
                                        close_rig),
        cmocka_unit_test_setup_teardown(events_go_to_the_guest_that_waits, open_rig, close_rig),
    };
    return cmocka_run_group_tests_name("several guests of one host", tests, NULL, NULL);
}
