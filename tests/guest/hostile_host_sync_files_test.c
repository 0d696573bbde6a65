/* SPDX-License-Identifier: MIT */
/* Sync files that the host will never signal: the engine does, with an error. */
#include "guest/held.h"
#include "guest/tour.h"

#include <d3dkmt/syncfile.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static struct liar *liar;
static struct guest_process *process;
static struct world world;

static int set_up(void **state)
{
    (void)state;
    liar = liar_open(NULL);
    process = liar_process(liar, false);
    world_create(&world, tour_call, process);
    return world.failures ? -1 : 0;
}

/* What is left of the world goes with the host. */
static int tear_down(void **state)
{
    (void)state;
    liar_listen(liar, NULL, NULL);
    world_destroy(&world);
    d3dkmti_guest_process_close(process);
    liar_close(liar);
    return 0;
}

static NTSTATUS create(int *file)
{
    D3DKMT_CREATESYNCFILE args = {world.handles[WORLD_DEVICE], world.handles[WORLD_FENCE],
                                  UINT64_MAX - 1, 0};
    NTSTATUS status = tour_call(process, D3DKMT_OP_CreateSyncFile, &args);

    *file = NT_SUCCESS(status) ? (int)args.hSyncFile : -1;
    return status;
}

static NTSTATUS status_of(int file)
{
    struct d3dkmt_sync_file_info *info;
    NTSTATUS status = d3dkmt_sync_file_info(file, &info);

    assert_int_equal(status, STATUS_SUCCESS);
    status = info->status;
    d3dkmt_sync_file_info_free(info);
    return status;
}

static void rescind_channel(struct liar *host)
{
    d3dkmti_guest_vm_channel_rescinded(host->real.vm, 1);
}

static void rescind_global(struct liar *host)
{
    d3dkmti_guest_vm_global_rescinded(host->real.vm);
}

static void departure_signals(void (*depart)(struct liar *host))
{
    int file, late;

    assert_int_equal(create(&file), STATUS_SUCCESS);
    assert_int_equal(d3dkmt_sync_file_wait(file, 0), STATUS_TIMEOUT);
    assert_true(liar_run(liar, depart));
    assert_int_equal(d3dkmt_sync_file_wait(file, -1), STATUS_SUCCESS);
    assert_int_equal(status_of(file), STATUS_DEVICE_REMOVED);
    liar_settle(liar);
    unsigned before = held_descriptors();
    assert_int_equal(create(&late), STATUS_DEVICE_REMOVED);
    world_settle();
    assert_int_equal(held_descriptors(), before);
    close(file);
}

static void the_adapters_end_signals(void **state)
{
    (void)state;
    departure_signals(rescind_channel);
}

static void the_adapters_removal_signals(void **state)
{
    (void)state;
    departure_signals(liar_remove);
}

static void the_global_channels_end_signals(void **state)
{
    (void)state;
    departure_signals(rescind_global);
}

/* The host may signal what is closed, and a refused wait leaves no descriptor. */
static void refuse(struct liar *host, struct liar_exchange *exchange, void *context)
{
    (void)host, (void)context;
    if (exchange->request->command == &wire_vgpu_commands[WIRE_VGPU_WAITFORSYNCOBJECTFROMCPU])
        exchange->status = STATUS_NO_MEMORY;
}

static void a_refused_wait_leaves_nothing(void **state)
{
    int file;

    (void)state;
    assert_int_equal(create(&file), STATUS_SUCCESS);
    unsigned before = held_descriptors();
    liar_listen(liar, refuse, NULL);
    for (int i = 0; i < 10; i++) {
        int other;

        assert_int_not_equal(create(&other), STATUS_SUCCESS);
    }
    liar_listen(liar, NULL, NULL);
    world_settle();
    assert_int_equal(held_descriptors(), before);
    assert_int_equal(d3dkmt_sync_file_wait(file, 0), STATUS_TIMEOUT);
    close(file);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(the_adapters_end_signals),
        TEST(the_adapters_removal_signals),
        TEST(the_global_channels_end_signals),
        TEST(a_refused_wait_leaves_nothing),
    };
#undef TEST

    return cmocka_run_group_tests(tests, NULL, NULL);
}
