/* SPDX-License-Identifier: MIT */
/* A fault plan: what fails when, as docs/faults.md describes its language. */
#ifndef DECORATORS_FAULT_PLAN_H
#define DECORATORS_FAULT_PLAN_H

#include "core/wire/wire.h"

#include <d3dkmt/d3dkmt.h>

#include <stdbool.h>
#include <stdint.h>

enum {
    FAULT_PLAN_RULES = 32,
    FAULT_PLAN_TEXT = 4096,        /* characters at most */
    FAULT_DELAY_MAX = 60000,       /* milliseconds */
    FAULT_ALLOCATION_MAX = 100000, /* per operation */
};

enum fault_kind {
    FAULT_DELAY_ONLY, /* no more than the delay */
    FAULT_STATUS,     /* it does not happen, and ends with status */
    FAULT_SHORT,      /* only short_size bytes of the reply arrive */
    FAULT_LOST,       /* it happens, but no reply arrives */
    FAULT_REMOVED,    /* the adapter goes */
    FAULT_ALLOCATION  /* the operation's allocation of that number fails */
};

struct fault_rule {
    bool of_message;
    const struct d3dkmt_op *op;         /* NULL: every operation */
    const struct wire_command *command; /* NULL: every message */
    uint64_t after, times;              /* uses that pass before, and strikes at most */
    uint64_t chances, chances_of;       /* it strikes in so many of so many uses */
    uint64_t seed;
    enum fault_kind kind;
    NTSTATUS status;
    uint32_t delay; /* milliseconds before it happens */
    uint32_t short_size;
    uint32_t allocation;
    uint64_t uses, strikes, random; /* so far; random is the generator's state */
};

struct fault_plan {
    unsigned rule_count;
    struct fault_rule rules[FAULT_PLAN_RULES];
};

/*
 * Reads a plan. STATUS_INVALID_PARAMETER, explained with the character and what is wrong there; the
 * plan is then not to be used.
 */
NTSTATUS fault_plan_parse(const char *text, struct fault_plan *plan);

/*
 * Counts a use of an operation (op) or of a message (command) in every rule that is about it. The
 * first that strikes is copied to *struck; false when none does. wants_reply: whether the message
 * has a reply that may be cut or lost. A rule about an allocation strikes when the caller says
 * so with fault_plan_note.
 */
bool fault_plan_use(struct fault_plan *plan, const struct d3dkmt_op *op,
                    const struct wire_command *command, bool wants_reply, struct fault_rule *struck,
                    unsigned *number);

/* The allocation of that rule has failed. */
void fault_plan_note(struct fault_plan *plan, unsigned number);

#endif
