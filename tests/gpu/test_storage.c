/* SPDX-License-Identifier: MIT */
/* The storage: zeroed contiguous runs, its two reserved pages, fragmentation, what a descriptor's
 * holder can do. */
#include "fixture.h"

#include <string.h>
#include <unistd.h>

#include "backend-loopback/gpu/storage.h"

#define SMALL_PAGES 16u

static int set_up(void **state)
{
    static struct gpu_storage storage;

    assert_int_equal(gpu_storage_init(&storage, SMALL_PAGES * PAGE, NULL), STATUS_SUCCESS);
    *state = &storage;
    return 0;
}

static int tear_down(void **state)
{
    gpu_storage_destroy(*state);
    return 0;
}

static void first_and_last_page_are_never_handed_out(void **state)
{
    struct gpu_storage *storage = *state;
    uint64_t offset;

    for (unsigned i = 0; i < SMALL_PAGES - 2; i++) {
        assert_int_equal(gpu_storage_allocate(storage, 1, &offset), STATUS_SUCCESS);
        assert_in_range(offset, PAGE, (SMALL_PAGES - 2) * PAGE);
        assert_int_equal(offset % PAGE, 0);
    }
    assert_int_equal(gpu_storage_allocate(storage, 1, &offset), STATUS_GRAPHICS_NO_VIDEO_MEMORY);
}

static void pages_do_not_overlap(void **state)
{
    struct gpu_storage *storage = *state;
    uint64_t a;
    uint64_t b;

    assert_int_equal(gpu_storage_allocate(storage, 3, &a), STATUS_SUCCESS);
    assert_int_equal(gpu_storage_allocate(storage, 4, &b), STATUS_SUCCESS);
    assert_true(b >= a + 3 * PAGE || a >= b + 4 * PAGE);
}

static void fragments_do_not_make_a_run(void **state)
{
    struct gpu_storage *storage = *state;
    uint64_t offsets[SMALL_PAGES - 2];
    uint64_t offset;

    for (unsigned i = 0; i < SMALL_PAGES - 2; i++)
        assert_int_equal(gpu_storage_allocate(storage, 1, &offsets[i]), STATUS_SUCCESS);
    for (unsigned i = 0; i < SMALL_PAGES - 2; i += 2)
        gpu_storage_free(storage, offsets[i], 1);
    assert_int_equal(gpu_storage_allocate(storage, 2, &offset), STATUS_GRAPHICS_NO_VIDEO_MEMORY);
    gpu_storage_free(storage, offsets[3], 1);
    assert_int_equal(gpu_storage_allocate(storage, 3, &offset), STATUS_SUCCESS);
    assert_int_equal(offset, offsets[2]);
}

static void impossible_sizes_are_refused(void **state)
{
    struct gpu_storage *storage = *state;
    uint64_t offset;

    assert_int_equal(gpu_storage_allocate(storage, 0, &offset), STATUS_GRAPHICS_NO_VIDEO_MEMORY);
    assert_int_equal(gpu_storage_allocate(storage, SMALL_PAGES - 1, &offset),
                     STATUS_GRAPHICS_NO_VIDEO_MEMORY);
    assert_int_equal(gpu_storage_allocate(storage, UINT64_MAX, &offset),
                     STATUS_GRAPHICS_NO_VIDEO_MEMORY);
}

static void memory_comes_zeroed_even_if_written_after_free(void **state)
{
    static const uint8_t zeros[4096];
    struct gpu_storage *storage = *state;
    uint64_t first;
    uint64_t second;

    assert_int_equal(gpu_storage_allocate(storage, 2, &first), STATUS_SUCCESS);
    memset(storage->base + first, 0xa5, 2 * PAGE);
    gpu_storage_free(storage, first, 2);
    memset(storage->base + first, 0x5a, PAGE); /* a guest that kept its mapping */
    assert_int_equal(gpu_storage_allocate(storage, 2, &second), STATUS_SUCCESS);
    assert_int_equal(second, first);
    assert_memory_equal(storage->base + second, zeros, PAGE);
    assert_memory_equal(storage->base + second + PAGE, zeros, PAGE);
}

static void descriptor_cannot_be_truncated(void **state)
{
    struct gpu_storage *storage = *state;

    assert_int_not_equal(ftruncate(storage->descriptor, 0), 0);
    assert_int_not_equal(ftruncate(storage->descriptor, (off_t)(64 * PAGE)), 0);
}

static void runs_longer_than_a_bitmap_word_are_found(void **state)
{
    struct gpu_storage storage;
    uint64_t first;
    uint64_t offset;

    (void)state;
    assert_int_equal(gpu_storage_init(&storage, 1000 * PAGE, NULL), STATUS_SUCCESS);
    assert_int_equal(gpu_storage_allocate(&storage, 70, &first), STATUS_SUCCESS);
    assert_int_equal(gpu_storage_allocate(&storage, 1, &offset), STATUS_SUCCESS);
    gpu_storage_free(&storage, first, 70);
    assert_int_equal(gpu_storage_allocate(&storage, 700, &offset), STATUS_SUCCESS);
    assert_int_equal(offset, 72 * PAGE);
    assert_int_equal(gpu_storage_allocate(&storage, 70, &offset), STATUS_SUCCESS);
    assert_int_equal(offset, first);
    gpu_storage_destroy(&storage);
}

static void impossible_machines_are_refused(void **state)
{
    struct gpu_machine_config config = {.storage_size = PAGE};
    struct gpu_machine *machine;

    (void)state;
    assert_int_equal(gpu_machine_create(&config, &machine), STATUS_INVALID_PARAMETER);
    config.storage_size = UINT64_MAX;
    assert_int_equal(gpu_machine_create(&config, &machine), STATUS_INVALID_PARAMETER);
}

static void default_machine_is_sparse_and_4_gib(void **state)
{
    struct gpu_machine *machine;

    (void)state;
    assert_int_equal(gpu_machine_create(NULL, &machine), STATUS_SUCCESS);
    assert_int_equal(gpu_machine_storage_size(machine), UINT64_C(4) << 30);
    assert_true(gpu_machine_storage_fd(machine) >= 0);
    gpu_machine_destroy(machine);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(first_and_last_page_are_never_handed_out, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(pages_do_not_overlap, set_up, tear_down),
        cmocka_unit_test_setup_teardown(fragments_do_not_make_a_run, set_up, tear_down),
        cmocka_unit_test_setup_teardown(impossible_sizes_are_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(memory_comes_zeroed_even_if_written_after_free, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(descriptor_cannot_be_truncated, set_up, tear_down),
        cmocka_unit_test(runs_longer_than_a_bitmap_word_are_found),
        cmocka_unit_test(impossible_machines_are_refused),
        cmocka_unit_test(default_machine_is_sparse_and_4_gib),
    };

    return cmocka_run_group_tests_name("gpu-storage", tests, NULL, NULL);
}
