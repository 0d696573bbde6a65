/* SPDX-License-Identifier: MIT */
/*
 * Every pointer of every operation: NULL, and where the library looks at pointers also memory that
 * is not mapped, ends too early, or may not be written. Events that are no eventfds.
 */
#include "client/bad_input.h"

#include <stdio.h>
#include <sys/mman.h>

/* Two pages: one to be protected at will, one without any access. */
static unsigned char *pages;

static int set_up_pages(void **state)
{
    (void)state;
    pages = mmap(NULL, 2 * WORLD_PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return pages == MAP_FAILED ? -1 : mprotect(pages + WORLD_PAGE, WORLD_PAGE, PROT_NONE);
}

static bool is_pointer(const struct call_field *field)
{
    return field->kind == FIELD_LIST || field->kind == FIELD_LIST_FOR_HOST ||
           field->kind == FIELD_IN || field->kind == FIELD_OUT;
}

/* As the kernel: two calls spell a bad pointer as a bad argument. */
static NTSTATUS status_of(const struct every_call *call, bool writing)
{
    bool blurred =
        call->op == D3DKMT_OP_CreateContextVirtual || (call->op == D3DKMT_OP_Escape && writing);

    return blurred ? STATUS_INVALID_PARAMETER : STATUS_UNSUCCESSFUL;
}

static void try_pointer(const struct every_call *call, const struct call_field *field,
                        const void *pointer, const char *description, bool writing)
{
    void *args = bad_input_fill(call);
    char what[96];

    snprintf(what, sizeof(what), "%s = %s", field->name, description);
    struct bad_case expected = {call, field->name, what, status_of(call, writing), false, false};
    memcpy((unsigned char *)args + field->offset, &pointer, sizeof(pointer));
    /* Enumerating calls say how many there are before they write the array. */
    if (malform_may_be_null(call)) {
        if (NT_SUCCESS(world_public_call(NULL, call->op, args)))
            fail_msg("%s succeeds with %s", call->name, what);
        assert_int_equal(d3dkmt_last_error_status(), STATUS_UNSUCCESSFUL);
        assert_non_null(strstr(d3dkmt_last_error(), field->name));
        return;
    }
    bad_input_expect(&expected, args);
}

static void for_each_pointer(void (*try)(const struct every_call *, const struct call_field *))
{
    for (size_t i = 0; i < every_call_count; i++) {
        for (unsigned f = 0; f < CALL_FIELDS && every_call[i].fields[f].kind; f++) {
            if (is_pointer(&every_call[i].fields[f]))
                try(&every_call[i], &every_call[i].fields[f]);
        }
    }
}

static void null_pointers(void **state)
{
    (void)state;
    bad_input_try_all(MALFORM_NULL);
}

static void try_unmapped(const struct every_call *call, const struct call_field *field)
{
    try_pointer(call, field, pages + WORLD_PAGE, "memory without access", false);
    try_pointer(call, field, pages + 2 * WORLD_PAGE - 4, "the last word without access", false);
    try_pointer(call, field, (void *)(UINTPTR_MAX - 7), "the end of the address space", false);
    try_pointer(call, field, (void *)((uintptr_t)1 << 62), "no address", false);
}

static void unmapped_pointers(void **state)
{
    (void)state;
    for_each_pointer(try_unmapped);
    bad_input_assert_all();
}

/* What may be read but not written, with the right content. */
static void try_read_only(const struct every_call *call, const struct call_field *field)
{
    const void *content;

    /* CreateHwQueue has given its queue away by then: the driver forgets that failure. */
    if (field->kind != FIELD_OUT || call->op == D3DKMT_OP_CreateHwQueue)
        return;
    memcpy(&content, (unsigned char *)bad_input_fill(call) + field->offset, sizeof(content));
    memcpy(pages, content, 2048);
    mprotect(pages, WORLD_PAGE, PROT_READ);
    try_pointer(call, field, pages, "memory that may not be written", true);
    mprotect(pages, WORLD_PAGE, PROT_READ | PROT_WRITE);
}

static void read_only_memory(void **state)
{
    (void)state;
    for_each_pointer(try_read_only);
    bad_input_assert_all();
}

/* ---- the argument struct itself */

static void null_arguments(void **state)
{
    (void)state;
    for (size_t i = 0; i < every_call_count; i++) {
        assert_int_equal(world_public_call(NULL, every_call[i].op, NULL), STATUS_INVALID_PARAMETER);
        assert_non_null(strstr(d3dkmt_last_error(), every_call[i].name));
    }
}

/* The struct in memory that ends behind its first bytes. */
static void cut_arguments(void **state)
{
    (void)state;
    for (size_t i = 0; i < every_call_count; i++) {
        const struct every_call *call = &every_call[i];

        /* The text of these is converted before anybody could look. */
        if (call->op == D3DKMT_OP_QueryAdapterInfo || call->op == D3DKMT_OP_QueryStatistics)
            continue;
        unsigned char *args = pages + WORLD_PAGE - (call->args_size > 4 ? call->args_size - 4 : 0);
        if (world_public_call(NULL, call->op, args) != STATUS_UNSUCCESSFUL)
            fail_msg("%s with cut arguments: %s", call->name, d3dkmt_last_error());
        assert_non_null(strstr(d3dkmt_last_error(), "the arguments"));
    }
}

/* Results that cannot be written are undone: no object stays. */
static void read_only_arguments(void **state)
{
    (void)state;
    for (size_t i = 0; i < every_call_count; i++) {
        const struct every_call *call = &every_call[i];
        const struct call_field *result = call->fields;

        while (result->kind && result->kind != FIELD_RESULT)
            result++;
        if (!result->kind)
            continue;
        struct bad_case expected = {
            .call = call,
            .argument = "caller",
            .what = "arguments that may not be written",
            .status = STATUS_UNSUCCESSFUL,
            .fills = call->op == D3DKMT_OP_OpenResourceFromNtHandle,
        };
        memcpy(pages, bad_input_fill(call), call->args_size);
        mprotect(pages, WORLD_PAGE, PROT_READ);
        bad_input_expect(&expected, pages);
        mprotect(pages, WORLD_PAGE, PROT_READ | PROT_WRITE);
    }
    bad_input_assert_all();
}

/* ---- events */

static void wrong_events(void **state)
{
    (void)state;
    bad_input_try_all(MALFORM_NO_EVENTFD);
}

int main(void)
{
#define CHECKED_TESTS(name)                                                                        \
    BAD_INPUT_TEST(name, "loopback:check-pointers"),                                               \
        BAD_INPUT_TEST(name, "loopback:async,check-pointers")
    const struct CMUnitTest tests[] = {
        BAD_INPUT_TESTS(null_pointers),     BAD_INPUT_TESTS(null_arguments),
        BAD_INPUT_TESTS(wrong_events),      CHECKED_TESTS(unmapped_pointers),
        CHECKED_TESTS(read_only_memory),    CHECKED_TESTS(cut_arguments),
        CHECKED_TESTS(read_only_arguments),
    };

    return cmocka_run_group_tests(tests, set_up_pages, NULL);
}
