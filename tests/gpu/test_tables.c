/* SPDX-License-Identifier: MIT */
/* Range trees against a plain array, page tables against a plain map. */
#include "fixture.h"

#include <stdlib.h>
#include <string.h>

#include "backend-loopback/gpu/page_table.h"
#include "backend-loopback/gpu/range_tree.h"

#define SLOTS 256u

static uint32_t next_random(uint32_t *random)
{
    *random = *random * 1664525u + 1013904223u;
    return *random >> 8;
}

/* The lowest gap by looking at every slot. */
static bool plain_gap(const bool *used, uint64_t minimum, uint64_t maximum, uint64_t size,
                      uint64_t alignment, uint64_t *start)
{
    for (uint64_t at = (minimum + alignment - 1) / alignment * alignment; at + size <= maximum;
         at += alignment) {
        uint64_t run = 0;

        while (run < size && !used[at + run])
            run++;
        if (run == size) {
            *start = at;
            return true;
        }
    }
    return false;
}

static void tree_agrees_with_an_array(void **state)
{
    struct gpu_range ranges[SLOTS];
    bool used[SLOTS] = {false};
    bool present[SLOTS] = {false};
    struct gpu_range_tree tree;
    uint32_t random = 1;

    (void)state;
    gpu_range_tree_init(&tree);
    for (unsigned round = 0; round < 20000; round++) {
        uint64_t size = 1 + next_random(&random) % 12;
        uint64_t minimum = next_random(&random) % SLOTS;
        uint64_t maximum = minimum + next_random(&random) % (SLOTS - minimum + 1);
        uint64_t alignment = UINT64_C(1) << next_random(&random) % 4;
        uint64_t expected = 0;
        uint64_t found = 0;
        bool exists = plain_gap(used, minimum, maximum, size, alignment, &expected);
        unsigned victim = next_random(&random) % SLOTS;

        assert_int_equal(gpu_range_find_gap(&tree, minimum, maximum, size, alignment, &found),
                         exists);
        if (exists) {
            assert_int_equal(found, expected);
            ranges[found].start = found;
            ranges[found].end = found + size;
            gpu_range_insert(&tree, &ranges[found]);
            present[found] = true;
            memset(used + found, true, size);
        }
        if (present[victim] && round % 2) {
            gpu_range_remove(&tree, &ranges[victim]);
            present[victim] = false;
            memset(used + victim, false, ranges[victim].end - ranges[victim].start);
        }
        victim = next_random(&random) % SLOTS;
        assert_int_equal(gpu_range_overlap(&tree, victim, victim + 1) != NULL, used[victim]);
    }
}

static void translation_needs_an_entry(void **state)
{
    struct gpu_translation translation;
    struct gpu_page_table table;

    (void)state;
    assert_int_equal(gpu_page_table_init(&table, 100), STATUS_SUCCESS);
    assert_false(gpu_page_table_translate(&table, 0, 1, &translation));
    assert_false(gpu_page_table_translate(&table, GPU_ADDRESS_LIMIT - 1, 1, &translation));
    assert_false(gpu_page_table_translate(&table, GPU_ADDRESS_LIMIT, 1, &translation));
    assert_false(gpu_page_table_translate(&table, UINT64_MAX, 1, &translation));
    gpu_page_table_destroy(&table);
}

static void single_frames_translate_one_by_one(void **state)
{
    static _Alignas(4096) uint8_t memory[4][4096];
    void *pages[] = {memory[2], memory[3], memory[0]};
    struct gpu_frames frames = {.pages = pages};
    struct gpu_translation translation;
    struct gpu_page_table table;
    uint64_t address = UINT64_C(0x7fffffe00000) - PAGE; /* over a boundary of leaf tables */

    (void)state;
    assert_int_equal(gpu_page_table_init(&table, 100), STATUS_SUCCESS);
    assert_int_equal(gpu_page_table_prepare(&table, address, 3), STATUS_SUCCESS);
    assert_false(gpu_page_table_translate(&table, address, 1, &translation));
    gpu_page_table_set(&table, address, 3, &frames, false);
    assert_true(gpu_page_table_translate(&table, address + 5, 100000, &translation));
    assert_ptr_equal(translation.memory, memory[2] + 5);
    assert_int_equal(translation.size, PAGE - 5); /* the next entry is in another table */
    assert_false(translation.writable);
    assert_true(gpu_page_table_translate(&table, address + PAGE, 100000, &translation));
    assert_ptr_equal(translation.memory, memory[3]);
    assert_int_equal(translation.size, PAGE); /* its neighbour's frame is elsewhere */
    assert_true(gpu_page_table_translate(&table, address + 2 * PAGE + 4095, 7, &translation));
    assert_ptr_equal(translation.memory, memory[0] + 4095);
    assert_int_equal(translation.size, 1);
    gpu_page_table_destroy(&table);
}

static void neighbouring_frames_are_one_piece(void **state)
{
    static _Alignas(4096) uint8_t memory[8 * 4096];
    struct gpu_frames frames = {.base = memory};
    struct gpu_translation translation;
    struct gpu_page_table table;

    (void)state;
    assert_int_equal(gpu_page_table_init(&table, 100), STATUS_SUCCESS);
    assert_int_equal(gpu_page_table_prepare(&table, 0x10000, 8), STATUS_SUCCESS);
    gpu_page_table_set(&table, 0x10000, 8, &frames, true);
    assert_true(gpu_page_table_translate(&table, 0x10010, UINT64_MAX, &translation));
    assert_int_equal(translation.size, 8 * PAGE - 0x10);
    assert_true(gpu_page_table_translate(&table, 0x10010, 5000, &translation));
    assert_int_equal(translation.size, 5000);
    gpu_page_table_destroy(&table);
}

static void tables_are_bounded_and_come_back(void **state)
{
    static _Alignas(4096) uint8_t memory[4096];
    struct gpu_frames frames = {.base = memory};
    struct gpu_page_table table;

    (void)state;
    assert_int_equal(gpu_page_table_init(&table, 5), STATUS_SUCCESS);
    assert_int_equal(gpu_page_table_prepare(&table, 0x10000, 1), STATUS_SUCCESS);
    gpu_page_table_set(&table, 0x10000, 1, &frames, true);
    assert_int_equal(table.tables, 4);
    assert_int_equal(gpu_page_table_prepare(&table, UINT64_C(1) << 46, 1), STATUS_NO_MEMORY);
    gpu_page_table_clear(&table, 0x10000, 1);
    gpu_page_table_clear(&table, 0, GPU_ADDRESS_LIMIT / PAGE);
    assert_int_equal(table.tables, 1);
    assert_int_equal(gpu_page_table_prepare(&table, UINT64_C(1) << 46, 1), STATUS_SUCCESS);
    gpu_page_table_destroy(&table);
}

static void huge_zero_ranges_cost_a_few_tables(void **state)
{
    struct gpu_translation translation;
    struct gpu_page_table table;
    uint64_t start = 0x10000;
    uint64_t pages = (UINT64_C(1) << 47) / PAGE;

    (void)state;
    assert_int_equal(gpu_page_table_init(&table, 100), STATUS_SUCCESS);
    assert_int_equal(gpu_page_table_set_zero(&table, start, pages), STATUS_SUCCESS);
    assert_in_range(table.tables, 1, 10);
    assert_true(gpu_page_table_translate(&table, UINT64_C(1) << 46, 8, &translation));
    assert_null(translation.memory);
    assert_true(translation.writable);
    assert_true(gpu_page_table_translate(&table, start + pages * PAGE - 1, 8, &translation));
    assert_int_equal(translation.size, 1);
    assert_false(gpu_page_table_translate(&table, start + pages * PAGE, 8, &translation));
    assert_false(gpu_page_table_translate(&table, start - 1, 1, &translation));
    gpu_page_table_destroy(&table);
}

static void holes_in_zero_ranges_leave_the_rest(void **state)
{
    struct gpu_translation translation;
    struct gpu_page_table table;
    uint64_t hole = (UINT64_C(1) << 40) + 7 * PAGE;

    (void)state;
    assert_int_equal(gpu_page_table_init(&table, 100), STATUS_SUCCESS);
    assert_int_equal(gpu_page_table_set_zero(&table, 0, (UINT64_C(1) << 47) / PAGE),
                     STATUS_SUCCESS);
    assert_int_equal(gpu_page_table_split(&table, hole, 2), STATUS_SUCCESS);
    gpu_page_table_clear(&table, hole, 2);
    assert_true(gpu_page_table_translate(&table, hole - 1, 1, &translation));
    assert_false(gpu_page_table_translate(&table, hole, 1, &translation));
    assert_false(gpu_page_table_translate(&table, hole + 2 * PAGE - 1, 1, &translation));
    assert_true(gpu_page_table_translate(&table, hole + 2 * PAGE, 1, &translation));
    gpu_page_table_destroy(&table);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tree_agrees_with_an_array),
        cmocka_unit_test(translation_needs_an_entry),
        cmocka_unit_test(single_frames_translate_one_by_one),
        cmocka_unit_test(neighbouring_frames_are_one_piece),
        cmocka_unit_test(tables_are_bounded_and_come_back),
        cmocka_unit_test(huge_zero_ranges_cost_a_few_tables),
        cmocka_unit_test(holes_in_zero_ranges_leave_the_rest),
    };

    return cmocka_run_group_tests_name("gpu-tables", tests, NULL, NULL);
}
