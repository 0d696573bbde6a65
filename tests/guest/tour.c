/* SPDX-License-Identifier: MIT */
#include "guest/tour.h"

#include "core/last_error.h"

#include <string.h>

NTSTATUS tour_call(void *context, enum d3dkmt_op_id op, void *args)
{
    const struct d3dkmt_op *row = d3dkmt_find_op(op);
    NTSTATUS status = d3dkmti_guest_call(context, row, args);

    if (!NT_SUCCESS(status))
        last_error_report(row->name, "liar", status);
    return status;
}

/* What destroys is left to the world, which knows the order. */
static void call_everything(struct world *world)
{
    _Alignas(8) unsigned char args[CALL_ARGS_MAX];

    for (size_t i = 0; i < every_call_count; i++) {
        const struct every_call *one = &every_call[i];

        if (one->flags & CALL_DESTROYS)
            continue;
        every_call_fill(one, world, args);
        NTSTATUS status = world->call(world->context, one->op, args);
        if (NT_SUCCESS(status)) {
            every_call_close(one, args);
        } else if (world->failures++ == 0) {
            world->first_failure = one->name;
            world->first_status = status;
        }
    }
}

unsigned tour_run(struct liar *liar, bool check_pointers, const char **failure)
{
    struct guest_process_options options = {4711, "tour", check_pointers, false};
    struct guest_process *process;
    struct world world;

    if (failure)
        *failure = "process";
    if (!NT_SUCCESS(d3dkmti_guest_process_open(liar->real.vm, &options, &process)))
        return 1;
    world_create(&world, tour_call, process);
    call_everything(&world);
    world_destroy(&world);
    d3dkmti_guest_process_close(process);
    if (failure)
        *failure = world.first_failure;
    return world.failures;
}
