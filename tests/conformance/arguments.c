/* SPDX-License-Identifier: MIT */
/*
 * Wrong arguments of every operation, a test for each argument and way of being wrong: the call
 * fails with the documented status, says which argument it was, changes nothing, and afterwards
 * everything still works. And the same call with right arguments, without which that would say
 * little.
 */
#include "conformance/conformance.h"

#include <stdio.h>
#include <stdlib.h>

/* ---- wrong ones */

static unsigned failed_cases;

static void complain(const struct bad_case *expected, const char *how)
{
    failed_cases++;
    print_error("%s: %s. %s\n", expected->what, how, d3dkmt_last_error());
}

/* A kernel tells an errno; the backend may know handles. */
static bool names_argument(void)
{
    unsigned id = (unsigned)(conformance_current->malformation - malformations);
    bool is_handle = id == MALFORM_WRONG_TYPE || id == MALFORM_GARBAGE || id == MALFORM_DESTROYED;

    return is_handle ? conformance_names_handles() : !conformance_has_kernel();
}

static void expect(const struct bad_case *expected, void *args)
{
    unsigned char before[CALL_ARGS_MAX];
    size_t size = expected->call->args_size;

    memcpy(before, args, size);
    NTSTATUS status = world_public_call(NULL, expected->call->op, args);
    if (NT_SUCCESS(status)) {
        every_call_close(expected->call, args);
        if (!expected->may_succeed)
            complain(expected, "succeeds");
        return;
    }
    if (expected->status != STATUS_SUCCESS && status != expected->status)
        complain(expected, d3dkmt_status_name(status));
    else if (!strstr(d3dkmt_last_error(), expected->call->name))
        complain(expected, "the error does not name the call");
    else if (expected->argument && names_argument() &&
             !strstr(d3dkmt_last_error(), expected->argument))
        complain(expected, "the error does not name the argument");
    else if (memcmp(before, args, size) != 0)
        complain(expected, "the arguments were changed");
}

static void run_malformation(struct world *world)
{
    const struct conformance_test *test = conformance_current;
    const struct malform malform = {world, conformance_path->async, expect};

    failed_cases = 0;
    test->malformation->each(&malform, test->call, test->field);
    assert_int_equal(failed_cases, 0);
}

/* ---- right ones, and none */

static void run_right(struct world *world)
{
    const struct every_call *call = conformance_current->call;
    void *args = malform_fill(call, world);
    NTSTATUS status = world_public_call(NULL, call->op, args);

    if (!NT_SUCCESS(status))
        fail_msg("%s", d3dkmt_last_error());
    every_call_close(call, args);
}

static void run_null(struct world *world)
{
    const struct every_call *call = conformance_current->call;

    (void)world;
    assert_fails(world_public_call(NULL, call->op, NULL), STATUS_INVALID_PARAMETER);
    assert_non_null(strstr(d3dkmt_last_error(), call->name));
}

/* ---- registration */

static void add(const struct every_call *call, const char *name, void (*run)(struct world *world),
                const struct call_field *field, const struct malformation *malformation)
{
    const struct conformance_test test = {
        .function = d3dkmt_find_op(call->op)->name,
        .name = name,
        .run = run,
        .intact = !(call->flags & CALL_DESTROYS) || malformation || run == run_null,
        .call = call,
        .field = field,
        .malformation = malformation,
    };
    conformance_add(&test);
}

static void add_malformations(const struct every_call *call, const struct call_field *field)
{
    for (unsigned id = 0; id < MALFORMATIONS; id++) {
        char name[96];

        if (!malformations[id].applies(call, field))
            continue;
        snprintf(name, sizeof(name), "%s_%s", field->name, malformations[id].name);
        char *kept = strdup(name);
        if (!kept)
            abort();
        add(call, kept, run_malformation, field, &malformations[id]);
    }
}

void conformance_register_arguments(void)
{
    for (size_t i = 0; i < every_call_count; i++) {
        const struct every_call *call = &every_call[i];

        add(call, "right_arguments", run_right, NULL, NULL);
        add(call, "no_arguments", run_null, NULL, NULL);
        for (unsigned f = 0; f < CALL_FIELDS && call->fields[f].kind; f++)
            add_malformations(call, &call->fields[f]);
    }
}
