/* SPDX-License-Identifier: MIT */
/* The steps of a scenario, one function per kind. */
#ifndef GOLDEN_STEPS_H
#define GOLDEN_STEPS_H

#include "calls.h"

struct replay {
    struct host host;
    struct clients clients;
    struct memories memories;
    struct symbols symbols;
    struct report *report;
    const char *scenario;
    struct call *calls; /* in threads, not joined yet */
    json_t *steps;      /* as they were run; calls refer to them */
};

/* Carries out one step and compares. */
void step_run(struct replay *replay, const json_t *step);

/* What a step needs that does not exist here: an operation's name, a kind; NULL if it can be run.
 */
const char *step_missing(const json_t *step);

/* Whether later steps can do without a step that cannot be run: it makes nothing that has a name.
 */
bool step_is_expendable(struct replay *replay, const json_t *step);

/* Ends calls in threads: none may be left when the engine goes. */
void steps_end_calls(struct replay *replay, struct client *client);

/* A long series of steps on adapter handles (sequence.c). */
void step_adapter_sequence(struct replay *replay, const json_t *step);

#endif
