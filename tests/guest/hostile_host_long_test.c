/* SPDX-License-Identifier: MIT */
/*
 * The longest answers. A channel takes packets of 131072 bytes with their descriptor of 16; the
 * driver's reader never gets past a longer one. Here the host refuses what it could not answer, the
 * engine survives answers of any length, and both go on.
 */
#include "guest/tour.h"

#include <d3dkmt/softgpu.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { DATA_MAX = 131072, NEAR_THE_LIMIT = 130800 };

static struct liar *liar;
static struct guest_process *process;
static struct world world;
static unsigned char data[DATA_MAX];

static int set_up(void **state)
{
    struct host_config config;

    memset(&config, 0, sizeof(config));
    config.io_space_size = 64 << 20;
    config.interface_version = *state ? 27 : 40;
    liar = liar_open(&config);
    process = liar_process(liar, false);
    world_create(&world, tour_call, process);
    return world.failures ? -1 : 0;
}

static int tear_down(void **state)
{
    (void)state;
    liar_listen(liar, NULL, NULL);
    world_destroy(&world);
    d3dkmti_guest_process_close(process);
    assert_int_equal(world.failures, 0);
    assert_int_equal(host_object_count(liar->real.host), 0);
    liar_close(liar);
    return 0;
}

/* One allocation, described by so many bytes, which come back with the answer. */
static NTSTATUS allocate(UINT size, D3DKMT_HANDLE *handle)
{
    const struct softgpu_allocation wanted = softgpu_allocation_data(4096, 0);
    D3DDDI_ALLOCATIONINFO2 info = {.pPrivateDriverData = data, .PrivateDriverDataSize = size};
    D3DKMT_CREATEALLOCATION create = {
        .hDevice = world.handles[WORLD_DEVICE], .NumAllocations = 1, .pAllocationInfo2 = &info};

    memset(data, 0x5c, sizeof(data));
    memcpy(data, &wanted, sizeof(wanted));
    NTSTATUS status = tour_call(process, D3DKMT_OP_CreateAllocation2, &create);
    *handle = info.hAllocation;
    if (NT_SUCCESS(status)) {
        for (UINT i = sizeof(wanted); i < size; i++)
            assert_int_equal(data[i], 0x5c);
    }
    return status;
}

static void free_allocation(D3DKMT_HANDLE handle)
{
    D3DKMT_DESTROYALLOCATION2 destroy = {
        .hDevice = world.handles[WORLD_DEVICE], .phAllocationList = &handle, .AllocationCount = 1};

    assert_int_equal(tour_call(process, D3DKMT_OP_DestroyAllocation2, &destroy), STATUS_SUCCESS);
}

static void what_could_not_be_answered_is_refused(void **state)
{
    unsigned objects = host_object_count(liar->real.host);
    UINT longest = 0, shortest_refused = 0;
    D3DKMT_HANDLE handle;

    (void)state;
    for (UINT size = NEAR_THE_LIMIT; size < DATA_MAX; size++) {
        NTSTATUS status = allocate(size, &handle);

        if (NT_SUCCESS(status)) {
            longest = size;
            free_allocation(handle);
        } else {
            /* Too long to be sent, or to be answered. */
            assert_true(status == STATUS_BUFFER_TOO_SMALL || status == STATUS_INVALID_PARAMETER);
            assert_non_null(strstr(d3dkmt_last_error(), "bytes"));
            assert_int_equal(handle, 0);
            shortest_refused = shortest_refused ? shortest_refused : size;
        }
        assert_int_equal(host_object_count(liar->real.host), objects);
    }
    assert_int_equal(shortest_refused, longest + 1);
    assert_true(longest > NEAR_THE_LIMIT);
    assert_int_equal(allocate(NEAR_THE_LIMIT, &handle), STATUS_SUCCESS);
    free_allocation(handle);
}

static void lengthen(struct liar *host, struct liar_exchange *exchange, void *context)
{
    const size_t *size = context;

    (void)host;
    if (exchange->request->command == &wire_vgpu_commands[WIRE_VGPU_CREATEALLOCATION])
        exchange->size = *size;
}

/* What is behind the answer is not looked at. */
static void longer_answers_are_survived(void **state)
{
    static size_t sizes[] = {131056, 131057, 131072};
    D3DKMT_HANDLE handle;

    (void)state;
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        liar_listen(liar, lengthen, &sizes[i]);
        assert_int_equal(allocate(NEAR_THE_LIMIT, &handle), STATUS_SUCCESS);
        liar_listen(liar, NULL, NULL);
        free_allocation(handle);
        assert_int_equal(allocate(NEAR_THE_LIMIT, &handle), STATUS_SUCCESS);
        free_allocation(handle);
    }
}

int main(void)
{
    static char old[] = "old";
#define TESTS(name)                                                                                \
    cmocka_unit_test_setup_teardown(name, set_up, tear_down),                                      \
    {                                                                                              \
#name " (old)", name, set_up, tear_down, old                                               \
    }
    const struct CMUnitTest tests[] = {TESTS(what_could_not_be_answered_is_refused),
                                       TESTS(longer_answers_are_survived)};
#undef TESTS

    return cmocka_run_group_tests(tests, NULL, NULL);
}
