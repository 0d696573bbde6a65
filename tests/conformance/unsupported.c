/* SPDX-License-Identifier: MIT */
/*
 * Functions that are declared so that sources compile and that no Linux host offers: they say so,
 * whatever the arguments are, and touch nothing.
 */
#include "conformance/conformance.h"

static void refuses(void *args)
{
    const struct d3dkmt_op *op = conformance_current->op;

    assert_fails(world_public_call(NULL, (enum d3dkmt_op_id)op->id, args), STATUS_NOT_SUPPORTED);
    assert_non_null(strstr(d3dkmt_last_error(), op->name));
}

static void run_right(struct world *world)
{
    static const unsigned char fills[] = {0x00, 0xff, 0x5a};
    _Alignas(8) unsigned char args[CALL_ARGS_MAX], before[CALL_ARGS_MAX];

    (void)world;
    for (size_t i = 0; i < sizeof(fills); i++) {
        memset(args, fills[i], sizeof(args));
        memcpy(before, args, sizeof(args));
        refuses(args);
        assert_memory_equal(args, before, sizeof(args));
    }
}

static void run_told_beforehand(struct world *world)
{
    (void)world;
    assert_false(d3dkmt_op_supported((enum d3dkmt_op_id)conformance_current->op->id));
}

void conformance_register_unsupported(void)
{
    for (unsigned id = 0; id < D3DKMT_OP_COUNT; id++) {
        const struct d3dkmt_op *op = d3dkmt_find_op((enum d3dkmt_op_id)id);
        struct conformance_test test = {.function = op->name, .intact = true, .op = op};

        if (op->family != D3DKMT_FAMILY_NOT_SUPPORTED)
            continue;
        test.name = "refused_whatever_the_arguments";
        test.run = run_right;
        conformance_add(&test);
        test.name = "known_not_to_be_supported";
        test.run = run_told_beforehand;
        conformance_add(&test);
    }
}
