/* SPDX-License-Identifier: MIT */
/* Memory that guest and host share: lent guest pages, locks, addresses, queued address changes. */
#include "host/guest.h"

#include <stdlib.h>
#include <sys/mman.h>

static const struct guest_mode *mode;

struct rig {
    struct guest_vm vm;
    struct guest *guest;
    uint32_t device;
    uint32_t context;
    struct guest_queue paging;
    struct guest_memory commands;
    unsigned char *pages; /* of the guest */
    uint32_t lent;        /* allocation around pages */
};

enum { LENT_PAGES = 8 };

static int open_rig(void **state)
{
    struct rig *rig = calloc(1, sizeof(*rig));
    struct host_config config = {.adapter_count = 1, .caps = HOST_CAPS_MAP_GUEST_MEMORY};
    assert_non_null(rig);
    guest_vm_open(&rig->vm, mode, &config);
    rig->guest = guest_open(&rig->vm, 0);
    rig->device = guest_create_device(rig->guest);
    rig->context = guest_create_context(rig->guest, rig->device);
    rig->paging = guest_create_paging_queue(rig->guest, rig->device);
    rig->commands = guest_create_memory(rig->guest, rig->device, rig->paging.handle, PAGE);
    rig->pages =
        mmap(NULL, LENT_PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_ptr_not_equal(rig->pages, MAP_FAILED);
    assert_int_equal(guest_try_allocation(rig->guest, rig->device, LENT_PAGES * PAGE,
                                          WIRE_CREATE_ALLOCATION_EXISTING_SYSMEM, &rig->lent),
                     STATUS_SUCCESS);
    *state = rig;
    return 0;
}

static int close_rig(void **state)
{
    struct rig *rig = *state;
    guest_close(rig->guest);
    assert_int_equal(host_object_count(rig->vm.host), 0);
    guest_vm_close(&rig->vm);
    munmap(rig->pages, LENT_PAGES * PAGE);
    free(rig);
    return 0;
}

/* Fills size bytes at address on the GPU and waits for it. */
static void gpu_fill(struct rig *rig, uint64_t address, uint32_t pattern, uint64_t size)
{
    struct guest_fence fence = guest_create_fence(rig->guest, rig->device, 0, 0);
    struct softgpu_writer writer;
    softgpu_writer_init(&writer, rig->commands.cpu, rig->commands.size);
    softgpu_fill(&writer, address, pattern, size);
    guest_submit(rig->guest, rig->context, rig->commands.gpu, softgpu_writer_size(&writer));
    guest_signal_from_gpu(rig->guest, rig->context, fence.handle, 1);
    guest_wait(rig->guest, rig->device, fence.handle, 1);
}

static NTSTATUS lend_store(struct rig *rig, uint32_t gpadl)
{
    struct wire_setexistingsysmemstore *store =
        guest_begin(rig->guest, WIRE_VGPU, WIRE_VGPU_SETEXISTINGSYSMEMSTORE);
    store->device = rig->device;
    store->allocation = rig->lent;
    store->gpadl = gpadl;
    return guest_send(rig->guest);
}

static NTSTATUS lend_pages(struct rig *rig, uint32_t first, uint32_t count, uint64_t add)
{
    struct wire_setexistingsysmempages *set =
        guest_begin(rig->guest, WIRE_VGPU, WIRE_VGPU_SETEXISTINGSYSMEMPAGES);
    set->device = rig->device;
    set->allocation = rig->lent;
    set->num_pages = count;
    set->alloc_offset_in_pages = first;
    for (uint32_t i = 0; i < count; i++) {
        uint64_t number = ((uintptr_t)rig->pages >> 12) + first + i + add;
        guest_append(rig->guest, &number, sizeof(number));
    }
    return guest_send(rig->guest);
}

static void gpadl_lends_memory(void **state)
{
    struct rig *rig = *state;
    struct host_memory ranges[] = {{rig->pages, 3 * PAGE}, {rig->pages + 3 * PAGE, 5 * PAGE}};
    assert_int_equal(host_gpadl_create(rig->vm.connection, 0xe1e10, ranges, 2, true),
                     STATUS_SUCCESS);
    assert_int_equal(host_gpadl_create(rig->vm.connection, 0xe1e10, ranges, 2, true),
                     STATUS_OBJECT_NAME_COLLISION);
    assert_int_equal(lend_store(rig, 0x777), STATUS_INVALID_PARAMETER);
    assert_int_equal(lend_store(rig, 0xe1e10), STATUS_SUCCESS);
    assert_int_equal(lend_store(rig, 0xe1e10), STATUS_INVALID_PARAMETER);
    uint64_t address = guest_map(rig->guest, rig->paging.handle, rig->lent, LENT_PAGES);
    guest_make_resident(rig->guest, &rig->paging, rig->lent);
    gpu_fill(rig, address + PAGE, 0x5a5a5a5a, 6 * PAGE);
    assert_int_equal(rig->pages[0], 0);
    assert_int_equal(rig->pages[PAGE], 0x5a);
    assert_int_equal(rig->pages[7 * PAGE - 1], 0x5a);
    assert_int_equal(rig->pages[7 * PAGE], 0);
    assert_int_equal(guest_destroy_allocation(rig->guest, rig->device, 0, &rig->lent, 1),
                     STATUS_SUCCESS);
    host_gpadl_teardown(rig->vm.connection, 0xe1e10);
}

static void torn_down_gpadls_are_taken_from_their_allocation(void **state)
{
    struct rig *rig = *state;
    struct host_memory range = {rig->pages, LENT_PAGES * PAGE};
    assert_int_equal(host_gpadl_create(rig->vm.connection, 1, &range, 1, true), STATUS_SUCCESS);
    assert_int_equal(lend_store(rig, 1), STATUS_SUCCESS);
    uint64_t address = guest_map(rig->guest, rig->paging.handle, rig->lent, LENT_PAGES);
    guest_make_resident(rig->guest, &rig->paging, rig->lent);
    host_gpadl_teardown(rig->vm.connection, 1);
    host_gpadl_teardown(rig->vm.connection, 1);
    gpu_fill(rig, address, 0x11111111, PAGE); /* the wait ends because the device is in error */
    assert_int_equal(guest_device_state(rig->guest, rig->device), 7);
    assert_int_equal(rig->pages[0], 0);
}

static void gpadls_must_fit(void **state)
{
    struct rig *rig = *state;
    struct host_memory range = {rig->pages, (LENT_PAGES - 1) * PAGE};
    assert_int_equal(host_gpadl_create(rig->vm.connection, 1, &range, 1, true), STATUS_SUCCESS);
    assert_int_equal(lend_store(rig, 1), STATUS_INVALID_PARAMETER);
    range.size = LENT_PAGES * PAGE;
    assert_int_equal(host_gpadl_create(rig->vm.connection, 2, &range, 1, false), STATUS_SUCCESS);
    assert_int_equal(lend_store(rig, 2),
                     STATUS_INVALID_PARAMETER); /* read-only, but the allocation is not */
    range.size = 1;
    assert_int_equal(host_gpadl_create(rig->vm.connection, 3, &range, 1, true),
                     STATUS_INVALID_PARAMETER);
    assert_int_equal(host_gpadl_create(rig->vm.connection, 3, &range, 0, true),
                     STATUS_INVALID_PARAMETER);
}

static void page_lists_lend_memory(void **state)
{
    struct rig *rig = *state;
    assert_int_equal(lend_pages(rig, 0, 5, 0), STATUS_SUCCESS);
    assert_int_equal(lend_pages(rig, 5, 3, 0), STATUS_SUCCESS);
    assert_false(NT_SUCCESS(lend_pages(rig, 5, 3, 0)));
    uint64_t address = guest_map(rig->guest, rig->paging.handle, rig->lent, LENT_PAGES);
    guest_make_resident(rig->guest, &rig->paging, rig->lent);
    gpu_fill(rig, address, 0x33333333, LENT_PAGES * PAGE);
    assert_int_equal(rig->pages[LENT_PAGES * PAGE - 1], 0x33);
}

static void impossible_page_lists_are_refused(void **state)
{
    struct rig *rig = *state;
    assert_int_equal(lend_pages(rig, 0, 0, 0), STATUS_INVALID_PARAMETER);
    assert_int_equal(lend_pages(rig, 0, 1, UINT64_C(1) << 60), STATUS_INVALID_PARAMETER);
    assert_false(NT_SUCCESS(lend_pages(rig, UINT32_MAX, 1, 0)));
    assert_false(NT_SUCCESS(lend_pages(rig, 4, 5, 0)));
}

static void memory_without_all_pages_cannot_be_resident(void **state)
{
    struct rig *rig = *state;
    assert_int_equal(lend_pages(rig, 0, 7, 0), STATUS_SUCCESS);
    struct wire_makeresident *make = guest_begin(rig->guest, WIRE_VGPU, WIRE_VGPU_MAKERESIDENT);
    make->paging_queue = rig->paging.handle;
    make->alloc_count = 1;
    guest_append(rig->guest, &rig->lent, sizeof(rig->lent));
    assert_false(NT_SUCCESS(guest_send(rig->guest)));
}

/* The guest must learn how much to give up, although the call fails. */
static void a_full_budget_says_how_much_to_trim(void **state)
{
    struct guest_vm vm;
    struct host_config config = {.adapter_count = 1};
    (void)state;
    config.adapters[0].budget[KMD_SEGMENT_LOCAL] = 64 * PAGE;
    config.adapters[0].budget[KMD_SEGMENT_NON_LOCAL] = 64 * PAGE;
    guest_vm_open(&vm, mode, &config);
    struct guest *guest = guest_open(&vm, 0);
    uint32_t device = guest_create_device(guest);
    struct guest_queue paging = guest_create_paging_queue(guest, device);
    guest_create_memory(guest, device, paging.handle, 60 * PAGE);
    uint32_t allocation;
    assert_int_equal(guest_try_allocation(guest, device, 10 * PAGE, 0, &allocation),
                     STATUS_SUCCESS);
    struct wire_makeresident *make = guest_begin(guest, WIRE_VGPU, WIRE_VGPU_MAKERESIDENT);
    make->paging_queue = paging.handle;
    make->alloc_count = 1;
    guest_append(guest, &allocation, sizeof(allocation));
    assert_int_equal(guest_send(guest), STATUS_NO_MEMORY);
    assert_true(guest_reply(guest, makeresident)->num_bytes_to_trim == 6 * PAGE);
    guest_close(guest);
    guest_vm_close(&vm);
}

static void locks_are_counted(void **state)
{
    struct rig *rig = *state;
    for (unsigned i = 0; i < 2; i++) {
        struct wire_unlock2 *unlock = guest_begin(rig->guest, WIRE_VGPU, WIRE_VGPU_UNLOCK2);
        unlock->args.device = rig->device;
        unlock->args.allocation = rig->commands.allocation;
        assert_int_equal(guest_send(rig->guest),
                         i == 0 ? STATUS_SUCCESS : STATUS_INVALID_PARAMETER);
    }
    struct wire_lock2 *lock = guest_begin(rig->guest, WIRE_VGPU, WIRE_VGPU_LOCK2);
    lock->args.device = rig->device;
    lock->args.allocation = rig->lent; /* has no place in the IO space */
    assert_false(NT_SUCCESS(guest_send(rig->guest)));
    struct wire_unlock2 *unlock = guest_begin(rig->guest, WIRE_VGPU, WIRE_VGPU_UNLOCK2);
    unlock->args.allocation = rig->lent; /* guests unlock such memory without having locked it */
    assert_int_equal(guest_send(rig->guest), STATUS_SUCCESS);
}

static uint64_t reserve(struct rig *rig, uint32_t adapter_or_queue, uint64_t base, uint64_t size)
{
    struct wire_reservegpuvirtualaddress *reserve =
        guest_begin(rig->guest, WIRE_VGPU, WIRE_VGPU_RESERVEGPUVIRTUALADDRESS);
    reserve->args.adapter = adapter_or_queue;
    reserve->args.base_address = base;
    reserve->args.size = size;
    return NT_SUCCESS(guest_send(rig->guest))
               ? guest_reply(rig->guest, reservegpuvirtualaddress)->virtual_address
               : 0;
}

static NTSTATUS free_address(struct rig *rig, uint64_t base, uint64_t size)
{
    struct wire_freegpuvirtualaddress *request =
        guest_begin(rig->guest, WIRE_VGPU, WIRE_VGPU_FREEGPUVIRTUALADDRESS);
    request->args.adapter = rig->vm.adapter_handles[0];
    request->args.base_address = base;
    request->args.size = size;
    return guest_send(rig->guest);
}

static void addresses_are_reserved_by_adapter_or_queue(void **state)
{
    struct rig *rig = *state;
    uint64_t base = UINT64_C(0x100000000000);
    assert_true(reserve(rig, rig->vm.adapter_handles[0], base, UINT64_C(1) << 40) == base);
    assert_int_equal(reserve(rig, rig->vm.adapter_handles[0], base, PAGE), 0);
    assert_true(reserve(rig, rig->paging.handle, 0, 16 * PAGE) != 0);
    assert_int_equal(reserve(rig, rig->context, 0, PAGE), 0);
    assert_int_equal(free_address(rig, base, UINT64_C(1) << 40), STATUS_SUCCESS);
    assert_false(NT_SUCCESS(free_address(rig, base, UINT64_C(1) << 40)));
}

static void queued_updates_wait_and_signal(void **state)
{
    struct rig *rig = *state;
    struct guest_memory data =
        guest_create_memory(rig->guest, rig->device, rig->paging.handle, PAGE);
    struct guest_fence fence = guest_create_fence(rig->guest, rig->device, 0, 0);
    uint64_t base = UINT64_C(0x200000000000);
    assert_true(reserve(rig, rig->vm.adapter_handles[0], base, 16 * PAGE) == base);
    struct wire_gpuva_operation operation = {.operation = 0};
    operation.map.base_address = base + PAGE;
    operation.map.size = PAGE;
    operation.map.allocation = data.allocation;
    struct wire_updategpuvirtualaddress *update =
        guest_begin(rig->guest, WIRE_VGPU, WIRE_VGPU_UPDATEGPUVIRTUALADDRESS);
    update->device = rig->device;
    update->context = rig->context;
    update->fence_object = fence.handle;
    update->fence_value = 5;
    update->num_operations = 1;
    guest_append(rig->guest, &operation, sizeof(operation));
    assert_int_equal(guest_send(rig->guest), STATUS_SUCCESS);
    assert_true(*fence.value == 0);
    guest_signal_from_cpu(rig->guest, rig->device, fence.handle, 5);
    guest_wait(rig->guest, rig->device, fence.handle, 6);
    gpu_fill(rig, base + PAGE, 0x44444444, PAGE);
    assert_int_equal(data.cpu[0], 0x44);
}

static void standard_allocations_have_the_described_size(void **state)
{
    struct rig *rig = *state;
    struct wire_standard_allocation standard = {.type = 2};
    standard.existing_heap_data.size = 4 * PAGE;
    struct wire_allocation_info info = {0};
    for (unsigned i = 0; i < 2; i++) {
        struct wire_createallocation *create =
            guest_begin(rig->guest, WIRE_VGPU, WIRE_VGPU_CREATEALLOCATION);
        create->device = rig->device;
        create->alloc_count = 1;
        create->flags = WIRE_CREATE_ALLOCATION_STANDARD_ALLOCATION;
        create->priv_drv_data_size = sizeof(standard);
        guest_append(rig->guest, &info, sizeof(info));
        guest_append(rig->guest, &standard, sizeof(standard));
        NTSTATUS status = guest_send(rig->guest);
        if (i == 1) {
            assert_int_equal(status, STATUS_BUFFER_TOO_SMALL);
            assert_int_equal(rig->guest->reply.short_status, STATUS_INVALID_PARAMETER);
            break;
        }
        assert_int_equal(status, STATUS_SUCCESS);
        const struct wire_allocation_result *result = wire_span_at(&rig->guest->reply.tails[0], 0);
        assert_true(result->allocation_size == 4 * PAGE);
        standard.existing_heap_data.size = 4 * PAGE + 1;
    }
}

#define RIG_TEST(function) cmocka_unit_test_setup_teardown(function, open_rig, close_rig)

int main(void)
{
    const struct CMUnitTest tests[] = {
        RIG_TEST(gpadl_lends_memory),
        RIG_TEST(torn_down_gpadls_are_taken_from_their_allocation),
        RIG_TEST(gpadls_must_fit),
        RIG_TEST(page_lists_lend_memory),
        RIG_TEST(impossible_page_lists_are_refused),
        RIG_TEST(memory_without_all_pages_cannot_be_resident),
        RIG_TEST(a_full_budget_says_how_much_to_trim),
        RIG_TEST(locks_are_counted),
        RIG_TEST(addresses_are_reserved_by_adapter_or_queue),
        RIG_TEST(queued_updates_wait_and_signal),
        RIG_TEST(standard_allocations_have_the_described_size),
    };
    return guest_run_in_each_mode(&mode, tests, sizeof(tests) / sizeof(tests[0]));
}
