/* SPDX-License-Identifier: MIT */
/*
 * Every handle argument of every operation with 0, garbage, handles of every other type, destroyed
 * ones, another life of the right one, and those of the parent process.
 */
#include "client/bad_input.h"
#include "client/gpu.h"

#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

enum { UNIQUE_BIT = 1 << 30, INDEX_BIT = 1 << 16 };

static D3DKMT_HANDLE *target_of(const struct call_field *field, void *args)
{
    unsigned char *place = (unsigned char *)args + field->offset;
    D3DKMT_HANDLE *list;

    if (field->kind == FIELD_HANDLE || field->kind == FIELD_HANDLE_FOR_HOST)
        return (D3DKMT_HANDLE *)(void *)place;
    if (field->kind != FIELD_LIST && field->kind != FIELD_LIST_FOR_HOST)
        return NULL;
    memcpy(&list, place, sizeof(list));
    return list;
}

/* Adapter handles are numbers of a table of their own: they may coincide with others. */
static bool is_right(const struct call_field *field, D3DKMT_HANDLE value)
{
    for (unsigned object = 0; object < WORLD_OBJECTS; object++) {
        if (field->accepts >> object & 1 && bad_world.handles[object] == value)
            return true;
    }
    return false;
}

static void try_handle(const struct every_call *call, const struct call_field *field,
                       D3DKMT_HANDLE value, const char *description)
{
    bool local = field->kind == FIELD_HANDLE || field->kind == FIELD_LIST;
    void *args = bad_input_fill(call);
    char what[96];

    if (is_right(field, value))
        return;
    snprintf(what, sizeof(what), "%s = %s (0x%08x)", field->name, description, value);
    struct bad_case expected = {
        .call = call,
        .argument = local ? field->name : NULL,
        .what = what,
        .status = local ? STATUS_INVALID_PARAMETER : STATUS_SUCCESS,
        .may_succeed = !local && call->flags & CALL_UNANSWERED && bad_async,
    };
    *target_of(field, args) = value;
    bad_input_expect(&expected, args);
}

/* Calls try for every handle argument. */
static void for_each_handle(void (*try)(const struct every_call *, const struct call_field *))
{
    for (size_t i = 0; i < every_call_count; i++) {
        const struct every_call *call = &every_call[i];

        for (unsigned f = 0; f < CALL_FIELDS && call->fields[f].kind; f++) {
            if (target_of(&call->fields[f], bad_input_fill(call)))
                try(call, &call->fields[f]);
        }
    }
}

static void try_wrong_types(const struct every_call *call, const struct call_field *field)
{
    for (unsigned object = 0; object < WORLD_OBJECTS; object++)
        try_handle(call, field, bad_world.handles[object], world_names[object]);
}

static void wrong_types(void **state)
{
    (void)state;
    for_each_handle(try_wrong_types);
    bad_input_assert_all();
}

static void try_garbage(const struct every_call *call, const struct call_field *field)
{
    static const D3DKMT_HANDLE garbage[] = {1,          0x3f,       0x40,       0xdeadbeef,
                                            0x80000000, 0x3fffffc0, 0xffffffff, 0x7fffffff};
    D3DKMT_HANDLE right = *target_of(field, bad_input_fill(call));

    for (size_t i = 0; i < sizeof(garbage) / sizeof(garbage[0]); i++)
        try_handle(call, field, garbage[i], "garbage");
    if (right) {
        try_handle(call, field, right ^ (D3DKMT_HANDLE)UNIQUE_BIT, "another life of the right one");
        try_handle(call, field, right ^ (D3DKMT_HANDLE)INDEX_BIT, "another index");
    }
}

static void garbage(void **state)
{
    (void)state;
    for_each_handle(try_garbage);
    bad_input_assert_all();
}

/* Handles of a second world that is gone. */
static struct world gone;

static void try_destroyed(const struct every_call *call, const struct call_field *field)
{
    for (unsigned object = 1; object < WORLD_OBJECTS; object++)
        try_handle(call, field, gone.handles[object], world_names[object]);
}

static void destroyed(void **state)
{
    (void)state;
    world_create(&gone, bad_input_call, NULL);
    struct world copy = gone;
    world_destroy(&gone);
    gone = copy;
    assert_int_equal(gone.failures, 0);
    for_each_handle(try_destroyed);
    bad_input_assert_all();
}

/* The child has its own backend, in which nothing of the parent's means anything. */
static int in_child(const char *specification)
{
    struct world own;

    if (!NT_SUCCESS(d3dkmt_open(specification)))
        return 2;
    for (size_t i = 0; i < every_call_count; i++) {
        const struct every_call *call = &every_call[i];

        for (unsigned f = 0; f < CALL_FIELDS && call->fields[f].kind; f++) {
            const struct call_field *field = &call->fields[f];

            if (field->kind != FIELD_HANDLE && field->kind != FIELD_LIST)
                continue;
            void *args = bad_input_fill(call);
            if (*target_of(field, args) == 0)
                continue;
            if (NT_SUCCESS(bad_input_call(NULL, call->op, args))) {
                print_error("%s takes the parent's %s\n", call->name, field->name);
                return 1;
            }
        }
    }
    world_create(&own, bad_input_call, NULL);
    world_destroy(&own);
    D3DKMTCloseDxCoreDevice();
    return own.failures ? 3 : 0;
}

static void of_the_parent(void **state)
{
#ifdef CLIENT_THREAD_SANITIZER
    skip(); /* it does not let a forked child make threads */
#endif
    pid_t child = fork();
    int result = -1;

    if (child == 0)
        _exit(in_child(*state));
    assert_true(child > 0);
    assert_int_equal(waitpid(child, &result, 0), child);
    assert_true(WIFEXITED(result));
    assert_int_equal(WEXITSTATUS(result), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        BAD_INPUT_TESTS(wrong_types),
        BAD_INPUT_TESTS(garbage),
        BAD_INPUT_TESTS(destroyed),
        BAD_INPUT_TESTS(of_the_parent),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
