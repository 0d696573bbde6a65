/* SPDX-License-Identifier: MIT */
/*
 * What programs written for other copies of these headers do with them, in one translation unit:
 * the headers by both of their paths and twice, names redefined and forward-declared around them,
 * and every kind of initialiser. Compiled as C and, from a copy, as C++20 (designated
 * initialisers); most of it fails by not compiling.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif
#include <cmocka.h>
#ifdef __cplusplus
}
#endif

/* Programs that bring NTSTATUS along as a macro, and a status macro before the headers do. */
#define NTSTATUS                        int32_t
#define STATUS_GRAPHICS_NO_VIDEO_MEMORY ((NTSTATUS)0xC01E0100L)

/* A tag is enough for a pointer. */
#ifdef __cplusplus
extern "C" {
#endif
struct _D3DKMT_QUERYADAPTERINFO;
struct _D3DKMT_CREATEALLOCATION;
#ifdef __cplusplus
}
#endif

/* This turns the member of that name into a bit-field and a second member if nobody prevents it. */
#define ScanLineOrdering                                                                           \
    ScanLineOrdering:                                                                              \
    8;                                                                                             \
    int padding

#include <d3dkmthk.h>

#include <d3dkmdt.h>
#include <d3dkmt/d3dkmthk.h>
#include <d3dkmt/d3dukmdt.h>

#ifndef ScanLineOrdering
#error "the client's macro must still be there behind the headers"
#endif
#undef ScanLineOrdering

/* Redefinitions in the WDK's form are the same definitions. */
#define STATUS_DEVICE_REMOVED           ((NTSTATUS)0xC00002B6L)
#define STATUS_GRAPHICS_NO_VIDEO_MEMORY ((NTSTATUS)0xC01E0100L)

static void test_display_mode_keeps_its_layout(void **state)
{
    (void)state;
    assert_int_equal(sizeof(D3DKMT_DISPLAYMODE), 44);
    assert_int_equal(offsetof(D3DKMT_DISPLAYMODE, DisplayOrientation), 28);
}

static void test_tags_name_the_same_types(void **state)
{
    D3DKMT_QUERYADAPTERINFO query;
    struct _D3DKMT_QUERYADAPTERINFO *by_tag = &query;

    (void)state;
    query.PrivateDriverDataSize = 7;
    assert_int_equal(by_tag->PrivateDriverDataSize, 7);
}

static void test_braces_set_the_integer_beside_a_pointer(void **state)
{
    D3DKMT_HANDLE list[2] = {0x40000001, 0x40000041};
    D3DKMT_DESTROYALLOCATION2 destroy = {0x40000081, 0, D3DKMT_PTR_INIT(list), 2, {{{1, 0, 0, 0}}}};

    (void)state;
    assert_ptr_equal(destroy.phAllocationList, list);
    assert_int_equal(destroy.phAllocationList_Align, (uintptr_t)list);
    assert_int_equal(destroy.AllocationCount, 2);
    assert_int_equal(destroy.Flags.Value, 1);
}

static void test_designators_go_in_declaration_order(void **state)
{
    D3DKMT_CREATEPAGINGQUEUE queue = {
        .hDevice = 0x40000001,
        .Priority = D3DDDI_PAGINGQUEUE_PRIORITY_ABOVE_NORMAL,
        .PhysicalAdapterIndex = 3,
    };
    D3DKMT_OPENADAPTERFROMLUID open = {.AdapterLuid = {1, -2}, .hAdapter = 0};

    (void)state;
    assert_int_equal(queue.Priority, 1);
    assert_int_equal(queue.PhysicalAdapterIndex, 3);
    assert_null(queue.FenceValueCPUVirtualAddress);
    assert_int_equal(open.AdapterLuid.HighPart, -2);
}

static void test_members_of_anonymous_unions_have_addresses(void **state)
{
    D3DDDI_RESERVEGPUVIRTUALADDRESS reserve;
    D3DKMT_HANDLE *adapter = &reserve.hAdapter;
    D3DKMT_CREATEHWQUEUE queue;
    VOID **fence = &queue.HwQueueProgressFenceCPUVirtualAddress;
    int target;

    (void)state;
    *adapter = 0x40000001;
    *fence = &target;
    assert_int_equal(reserve.hPagingQueue, 0x40000001);
    assert_int_equal(queue.HwQueueProgressFenceCPUVirtualAddress_Align, (uintptr_t)&target);
}

static void test_success_is_a_matter_of_the_sign(void **state)
{
    (void)state;
    assert_true(NT_SUCCESS(STATUS_SUCCESS));
    assert_true(NT_SUCCESS(STATUS_PENDING));
    assert_true(NT_SUCCESS(STATUS_TIMEOUT));
    assert_false(NT_SUCCESS(STATUS_BUFFER_OVERFLOW));
    assert_false(NT_SUCCESS(STATUS_GRAPHICS_NO_VIDEO_MEMORY));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_display_mode_keeps_its_layout),
        cmocka_unit_test(test_tags_name_the_same_types),
        cmocka_unit_test(test_braces_set_the_integer_beside_a_pointer),
        cmocka_unit_test(test_designators_go_in_declaration_order),
        cmocka_unit_test(test_members_of_anonymous_unions_have_addresses),
        cmocka_unit_test(test_success_is_a_matter_of_the_sign),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
