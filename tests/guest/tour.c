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

static bool count_failure(struct world *world, const struct every_call *one, void *args)
{
    NTSTATUS status = world->call(world->context, one->op, args);

    if (!NT_SUCCESS(status) && world->failures++ == 0) {
        world->first_failure = one->name;
        world->first_status = status;
    }
    return NT_SUCCESS(status);
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
    every_call_visit(&world, count_failure); /* what destroys is left to the world */
    world_destroy(&world);
    d3dkmti_guest_process_close(process);
    if (failure)
        *failure = world.first_failure;
    return world.failures;
}
