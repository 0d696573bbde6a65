/* SPDX-License-Identifier: MIT */
/* One scenario from its configuration's start to its last process's end. */
#ifndef GOLDEN_SCENARIO_H
#define GOLDEN_SCENARIO_H

#include "report.h"

enum scenario_result {
    SCENARIO_GREEN,
    SCENARIO_NOT_BUILT, /* it needs operations that the engine does not have */
    SCENARIO_DEFECT,    /* it shows a defect of the driver for which the engine does better */
    SCENARIO_FAILED,
    SCENARIO_RESULTS
};

/* A header line with the lines of its steps. */
struct scenario {
    json_t *header;
    json_t *steps; /* an array */
};

/*
 * configuration: the line of boot.jsonl that the header names. To be called in a process of its
 * own, with one thread: a recording that cannot be understood ends it, and so may the engine.
 */
enum scenario_result scenario_replay(const struct scenario *scenario, const json_t *configuration,
                                     struct report *report);

#endif
