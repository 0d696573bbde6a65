/* SPDX-License-Identifier: MIT */
/* The table of every operation is complete: what it lacks no test of wrong arguments would reach.
 */
#include "core/guest/call.h"
#include "guest/world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static const struct {
    enum d3dkmt_op_id op;
    const char *name;
    size_t args_size;
} handlers[] = {
#define HANDLER(op, name, type) {D3DKMT_OP_##op, #op, sizeof(type)},
    GUEST_HANDLERS(HANDLER)
#undef HANDLER
};
enum { HANDLER_COUNT = sizeof(handlers) / sizeof(handlers[0]) };

static const struct every_call *row_of(enum d3dkmt_op_id op, unsigned *rows)
{
    const struct every_call *found = NULL;

    *rows = 0;
    for (size_t i = 0; i < every_call_count; i++) {
        if (every_call[i].op == op) {
            found = &every_call[i];
            ++*rows;
        }
    }
    return found;
}

static void every_handler_has_one_row(void **state)
{
    (void)state;
    for (size_t i = 0; i < HANDLER_COUNT; i++) {
        unsigned rows;
        const struct every_call *row = row_of(handlers[i].op, &rows);

        if (rows != 1)
            fail_msg("%s has %u rows in every_call.c", handlers[i].name, rows);
        assert_string_equal(row->name, handlers[i].name);
        assert_int_equal(row->args_size, handlers[i].args_size);
        assert_true(row->args_size <= CALL_ARGS_MAX);
    }
    assert_int_equal(every_call_count, HANDLER_COUNT);
}

/* Fields lie in the struct, and the kinds that are pointers are pointers. */
static void fields_are_where_they_say(void **state)
{
    static const uint16_t sizes[] = {
        [FIELD_HANDLE] = sizeof(D3DKMT_HANDLE),
        [FIELD_HANDLE_FOR_HOST] = sizeof(D3DKMT_HANDLE),
        [FIELD_LIST] = sizeof(void *),
        [FIELD_LIST_FOR_HOST] = sizeof(void *),
        [FIELD_IN] = sizeof(void *),
        [FIELD_OUT] = sizeof(void *),
        [FIELD_COUNT] = sizeof(uint32_t),
        [FIELD_EVENT] = sizeof(uint64_t),
        [FIELD_DESCRIPTOR] = sizeof(uint64_t),
    };

    (void)state;
    for (size_t i = 0; i < every_call_count; i++) {
        const struct call_field *field = every_call[i].fields;

        for (unsigned f = 0; f < CALL_FIELDS && field[f].kind; f++) {
            if (field[f].kind != FIELD_RESULT && field[f].size != sizes[field[f].kind])
                fail_msg("%s.%s has %u bytes", every_call[i].name, field[f].name, field[f].size);
            assert_true(field[f].offset + field[f].size <= every_call[i].args_size);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_handler_has_one_row),
        cmocka_unit_test(fields_are_where_they_say),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
