/* SPDX-License-Identifier: MIT */
/*
 * Every handle argument of every operation with 0, garbage, handles of every other type, destroyed
 * ones, another life of the right one, and those of the parent process.
 */
#include "client/bad_input.h"
#include "client/gpu.h"

#include <sys/wait.h>
#include <unistd.h>

static void wrong_types(void **state)
{
    (void)state;
    bad_input_try_all(MALFORM_WRONG_TYPE);
}

static void garbage(void **state)
{
    (void)state;
    bad_input_try_all(MALFORM_GARBAGE);
}

static void destroyed(void **state)
{
    (void)state;
    bad_input_try_all(MALFORM_DESTROYED);
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
            if (*malform_handle(field, args) == 0)
                continue;
            if (NT_SUCCESS(world_public_call(NULL, call->op, args))) {
                print_error("%s takes the parent's %s\n", call->name, field->name);
                return 1;
            }
        }
    }
    world_create(&own, world_public_call, NULL);
    world_destroy(&own);
    D3DKMTCloseDxCoreDevice();
    return own.failures ? 3 : 0;
}

static void wrong_descriptors(void **state)
{
    (void)state;
    bad_input_try_all(MALFORM_NO_DESCRIPTOR);
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
        BAD_INPUT_TESTS(wrong_types),   BAD_INPUT_TESTS(garbage),
        BAD_INPUT_TESTS(destroyed),     BAD_INPUT_TESTS(wrong_descriptors),
        BAD_INPUT_TESTS(of_the_parent),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
