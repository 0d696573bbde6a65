/* SPDX-License-Identifier: MIT */
/* Random operations on one range of addresses against a plain array of what must be behind each
 * page. */
#include "fixture.h"

#include <string.h>

#include "backend-loopback/gpu/objects.h"

#define BASE             UINT64_C(0x7fffffff0000) /* over boundaries of tables of every level */
#define WINDOW           64u
#define ALLOCATIONS      3u
#define ALLOCATION_PAGES 8u
#define ROUNDS           30000u

enum kind { NOTHING, ZERO_PAGE, MEMORY };

struct page {
    enum kind kind;
    unsigned allocation;
    unsigned page;
    bool writable;
};

struct model {
    struct rig rig;
    struct gpu_allocation *allocations[ALLOCATIONS];
    uint8_t *memory[ALLOCATIONS];
    bool resident[ALLOCATIONS];
    struct page pages[WINDOW];
    uint32_t random;
};

static unsigned pick(struct model *model, unsigned limit)
{
    model->random = model->random * 1664525u + 1013904223u;
    return (model->random >> 10) % limit;
}

static struct page memory_page(unsigned allocation, unsigned page, bool writable)
{
    struct page result = {MEMORY, allocation, page, writable};

    return result;
}

static void do_map(struct model *model)
{
    unsigned kind = pick(model, 4);
    unsigned start = pick(model, WINDOW);
    unsigned allocation = pick(model, ALLOCATIONS);
    unsigned offset = pick(model, ALLOCATION_PAGES);
    unsigned size = 1 + pick(model, kind < 2 ? WINDOW : ALLOCATION_PAGES - offset);
    bool writable = pick(model, 2);
    struct gpu_map map = {.placement.base = BASE + start * PAGE, .size_in_pages = size};
    uint64_t address;

    if (kind == NOTHING)
        map.protection = GPU_PROTECTION_NO_ACCESS;
    else if (kind == ZERO_PAGE)
        map.protection = GPU_PROTECTION_ZERO;
    else
        map.protection = writable ? GPU_PROTECTION_WRITE : 0;
    map.allocation = kind >= MEMORY ? model->allocations[allocation] : NULL;
    map.offset_in_pages = offset;
    if (start + size > WINDOW) {
        assert_int_equal(gpu_address_map(model->rig.process, &map, &address),
                         STATUS_INVALID_PARAMETER);
        return;
    }
    assert_int_equal(gpu_address_map(model->rig.process, &map, &address), STATUS_SUCCESS);
    for (unsigned i = 0; i < size; i++) {
        model->pages[start + i] = memory_page(allocation, offset + i, writable);
        if (kind < MEMORY)
            model->pages[start + i].kind = (enum kind)kind;
    }
}

static void do_update_map(struct model *model)
{
    unsigned start = pick(model, WINDOW);
    unsigned size = 1 + pick(model, WINDOW - start);
    unsigned allocation = pick(model, ALLOCATIONS);
    unsigned offset = pick(model, ALLOCATION_PAGES);
    unsigned piece = 1 + pick(model, ALLOCATION_PAGES - offset);
    struct gpu_update update = {.type = GPU_UPDATE_MAP,
                                .base = BASE + start * PAGE,
                                .size = size * PAGE,
                                .allocation = model->allocations[allocation],
                                .allocation_offset = offset * PAGE,
                                .allocation_size = piece * PAGE};

    assert_int_equal(gpu_address_update(model->rig.process, &update, 1), STATUS_SUCCESS);
    for (unsigned i = 0; i < size; i++)
        model->pages[start + i] = memory_page(allocation, offset + i % piece, true);
}

static void do_update_copy(struct model *model)
{
    unsigned from = pick(model, WINDOW);
    unsigned to = pick(model, WINDOW);
    unsigned size = 1 + pick(model, WINDOW - (from > to ? from : to));
    struct gpu_update update = {.type = GPU_UPDATE_COPY,
                                .base = BASE + to * PAGE,
                                .size = size * PAGE,
                                .source = BASE + from * PAGE};

    assert_int_equal(gpu_address_update(model->rig.process, &update, 1), STATUS_SUCCESS);
    memmove(&model->pages[to], &model->pages[from], size * sizeof(struct page));
}

static void do_residency(struct model *model)
{
    unsigned allocation = pick(model, ALLOCATIONS);
    uint64_t ignored;

    if (model->resident[allocation])
        gpu_device_evict(model->rig.device, 1, &model->allocations[allocation], &ignored);
    else
        rig_make_resident(&model->rig, model->allocations[allocation]);
    model->resident[allocation] = !model->resident[allocation];
}

static void check_page(const struct model *model, unsigned index)
{
    const struct page *page = &model->pages[index];
    bool present =
        page->kind == ZERO_PAGE || (page->kind == MEMORY && model->resident[page->allocation]);
    struct gpu_translation translation;

    assert_int_equal(gpu_page_table_translate(&model->rig.process->table, BASE + index * PAGE + 9,
                                              1, &translation),
                     present);
    if (!present)
        return;
    if (page->kind == ZERO_PAGE) {
        assert_null(translation.memory);
        return;
    }
    assert_ptr_equal(translation.memory, model->memory[page->allocation] + page->page * PAGE + 9);
    assert_int_equal(translation.writable, page->writable);
}

static void run(struct model *model, bool asynchronous)
{
    static void (*const operations[])(struct model *) = {do_map, do_update_map, do_update_copy,
                                                         do_residency};
    struct gpu_placement placement = {.base = BASE};
    struct gpu_translation translation;
    uint64_t address;

    rig_open(&model->rig, NULL, NULL);
    gpu_adapter_set_asynchronous_paging(model->rig.adapter, asynchronous);
    assert_int_equal(gpu_address_reserve(model->rig.process, &placement, WINDOW * PAGE, &address),
                     STATUS_SUCCESS);
    for (unsigned i = 0; i < ALLOCATIONS; i++) {
        uint64_t offset;

        model->allocations[i] =
            rig_allocate(&model->rig, ALLOCATION_PAGES * PAGE, SOFTGPU_ALLOCATION_CPU_VISIBLE);
        gpu_allocation_cpu_offset(model->allocations[i], &offset);
        model->memory[i] = gpu_machine_storage_pointer(model->rig.machine, offset);
    }
    for (unsigned round = 0; round < ROUNDS; round++) {
        operations[pick(model, 4)](model);
        for (unsigned i = 0; i < WINDOW; i++)
            check_page(model, i);
    }
    assert_false(gpu_page_table_translate(&model->rig.process->table, BASE - 1, 1, &translation));
    assert_false(gpu_page_table_translate(&model->rig.process->table, BASE + WINDOW * PAGE, 1,
                                          &translation));
    for (unsigned i = 0; i < ALLOCATIONS; i++)
        gpu_allocation_release(model->allocations[i]);
    assert_int_equal(gpu_address_free(model->rig.process, BASE, WINDOW * PAGE), STATUS_SUCCESS);
    /* Nothing is left: neither records nor page tables. */
    assert_int_equal(model->rig.process->records, 0);
    assert_int_equal(model->rig.process->table.tables, 1);
    rig_close(&model->rig);
}

static void random_operations_agree_with_the_model(void **state)
{
    struct model model = {.random = 1};

    (void)state;
    run(&model, false);
}

static void they_do_with_asynchronous_paging_as_well(void **state)
{
    struct model model = {.random = 2};

    (void)state;
    run(&model, true);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_operations_agree_with_the_model),
        cmocka_unit_test(they_do_with_asynchronous_paging_as_well),
    };

    return cmocka_run_group_tests_name("gpu-model", tests, NULL, NULL);
}
