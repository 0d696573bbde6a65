/* SPDX-License-Identifier: MIT */
/*
 * Defects of the driver that recordings show, and what the engine does instead.
 *
 * A rule rewrites the recorded steps that it concerns into what is right, so that they are compared
 * as strictly as all others. Each rewriting is printed with its reason.
 */
#ifndef GOLDEN_DEFECTS_H
#define GOLDEN_DEFECTS_H

#include "report.h"

struct defects {
    const char *scenario;
    const char *mark; /* NULL: the recording shows none that was noticed */
    /* Marked, but not in the table of what such scenarios show: differences are no failure. */
    bool unknown;
    /* What went before in the scenario. */
    bool adapter_gone, fence_destroyed, woken;
    char *refused_data;      /* of a write to a fence page */
    json_t *late_outcome;    /* of a call that now waits for another one */
    const char *interrupted; /* the thread whose wait a signal ended */
};

void defects_begin(struct defects *defects, const char *scenario, const char *mark);
void defects_end(struct defects *defects);

/* The steps to run in place of this one, in an array: itself, more, or none. */
json_t *defects_rewrite(struct defects *defects, const json_t *step);

#endif
