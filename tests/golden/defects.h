/* SPDX-License-Identifier: MIT */
/*
 * Scenarios that show a defect of the driver: what the engine does instead.
 *
 * A rule rewrites the recorded steps that it concerns into what is right, so that they are compared
 * as strictly as all others.
 */
#ifndef GOLDEN_DEFECTS_H
#define GOLDEN_DEFECTS_H

#include "report.h"

struct defects {
    const char *scenario;
    const char *mark;    /* NULL: no step is touched */
    unsigned rule_count; /* rules for the defects of this mark */
};

void defects_begin(struct defects *defects, const char *scenario, const char *mark);

/* Rewrites a step, and prints what was rewritten and why. False: the step is to be left out. */
bool defects_rewrite(const struct defects *defects, json_t *step);

#endif
