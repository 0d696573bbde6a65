/* SPDX-License-Identifier: MIT */
/* A fixed tour through the engine: every operation once, on a process of its own. */
#ifndef TESTS_GUEST_TOUR_H
#define TESTS_GUEST_TOUR_H

#include "guest/liar.h"
#include "guest/world.h"

/* Makes one call on a guest process, as a world_call; a failure has its whole sentence. */
NTSTATUS tour_call(void *process, enum d3dkmt_op_id op, void *args);

/*
 * Opens a process, makes a world, calls everything, destroys everything, closes the process. With
 * an honest host nothing fails but what the simulated host lacks. Returns the number of failures;
 * *failure, if given, names the first call that failed.
 */
unsigned tour_run(struct liar *liar, bool check_pointers, const char **failure);

#endif
