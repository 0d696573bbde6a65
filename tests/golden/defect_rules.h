/* SPDX-License-Identifier: MIT */
/* The rules behind defects.h. */
#ifndef GOLDEN_DEFECT_RULES_H
#define GOLDEN_DEFECT_RULES_H

#include "defects.h"

struct defect_rule {
    const char *number; /* of the defect; NULL ends the table */
    bool everywhere;    /* also in scenarios without the mark */
    uint32_t request;   /* ioctl word, or 0: any */
    const char *kind;   /* of step, or NULL: any */
    /* Changes the array of steps that begins with the recorded one. False: does not apply. */
    bool (*rewrite)(struct defects *defects, json_t *steps);
    const char *reason;
};

extern const struct defect_rule defect_rules[];

/* Notes what later steps depend on. */
void defects_remember(struct defects *defects, const json_t *step);

#endif
