/* SPDX-License-Identifier: MIT */
#include "defects.h"

#include "defect_rules.h"
#include "recorded.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/*
 * Marked scenarios, and how they are played. Those that are not listed here are played up to the
 * first difference, which is printed.
 */
static const struct {
    const char *scenario; /* without its configuration */
    const char *how;
} known[] = {
    {"bad-handle/flushheaptransitions", "rewritten"},
    {"bad-pointer/flushheaptransitions", "rewritten"},
    {"bad-pointer/opensyncobjectfromsyncfile", "rewritten"},
    {"call/flushheaptransitions", "rewritten"},
    {"dispatch/ff-argument", "rewritten"},
    {"dispatch/zero-argument", "rewritten"},
    {"handles/keep-1100", "rewritten"},
    {"handles/keep-5", "rewritten"},
    {"handles/keep-893", "rewritten"},
    {"handles/keep-895", "rewritten"},
    {"handles/keep-896", "rewritten"},
    {"handles/keep-900", "rewritten"},
    {"handles/open-close", "rewritten"},
    {"handles/random-1", "rewritten"},
    {"handles/random-2", "rewritten"},
    {"handles/random-3", "rewritten"},
    {"handles/random-4", "rewritten"},
    {"host-fails/createdevice", "rewritten"},
    {"host-fails/flushheaptransitions", "rewritten"},
    {"host-fails/opensyncobjectfromsyncfile", "as recorded: references are not seen here"},
    {"host-fails/reclaimallocations2", "rewritten"},
    {"host-fails/waitsyncfile", "rewritten"},
    {"hotplug/exit-after-removal", "rewritten"},
    {"hotplug/one-of-two-removed", "rewritten"},
    {"hotplug/removed-during-wait", "rewritten"},
    {"hotplug/removed-in-use", "rewritten"},
    {"iospace/createpagingqueue", "rewritten"},
    {"iospace/lock2", "rewritten"},
    {"life/concurrent-lock", "rewritten"},
    {"life/fork-mapping", "rewritten"},
    {"life/fork-parent-exits", "as recorded: who keeps a file open is the replay's matter"},
    {"life/last-adapter-handle", "as recorded: programs rely on the cleanup"},
    {"limits/createsync-bad-event", "rewritten"},
    {"limits/lock-wrong-device", "rewritten"},
    {"limits/luid", "rewritten"},
    {"limits/standard-allocation", "as recorded: the status reaches callers as it is"},
    {"limits/submit-primaries", "rewritten"},
    {"reply/alloc-sizes", "rewritten"},
    {"reply/bytes-to-trim", "rewritten"},
    {"reply/waitsyncfile-fails", "as recorded: the handle that was waited for is destroyed"},
    {"status/makeresident", "rewritten"},
    {"status/reclaimallocations2", "rewritten"},
    {"success/positive-status", "rewritten"},
    {"success/reserve-through-paging-queue", "as recorded: adapters and queues differ in number"},
    {"wait/destroyed-device", "rewritten"},
    {"wait/interrupted", "rewritten"},
    {"wait/killed", "as recorded: the caller's death ends its wait"},
    {"zero/opensyncobjectfromnthandle2-sync_object", "rewritten"},
    {"wait/killed-in-host-call", "as recorded: the caller's death ends its wait"},
};

static bool names_scenario(const char *scenario, const char *base)
{
    size_t length = strlen(base);

    return strncmp(scenario, base, length) == 0 && (scenario[length] == '@' || !scenario[length]);
}

void defects_begin(struct defects *defects, const char *scenario, const char *mark)
{
    *defects = (struct defects){.scenario = scenario, .mark = mark, .unknown = mark != NULL};
    for (size_t i = 0; mark && i < sizeof(known) / sizeof(known[0]); i++) {
        if (!names_scenario(scenario, known[i].scenario))
            continue;
        defects->unknown = false;
        if (strcmp(known[i].how, "rewritten") != 0)
            printf("defect     %s, %s: %s\n", scenario, mark, known[i].how);
    }
}

void defects_end(struct defects *defects)
{
    free(defects->refused_data);
    json_decref(defects->late_outcome);
}

/* K-2 is in "kernel-defect: K-2, K-6", but not in "kernel-defect: K-28". */
static bool is_marked(const struct defects *defects, const char *number)
{
    size_t length = strlen(number);
    const char *at = defects->mark;

    while (at && (at = strstr(at, number)) != NULL) {
        if (at[length] == '\0' || at[length] == ',' || at[length] == ' ')
            return true;
        at += length;
    }
    return false;
}

json_t *defects_rewrite(struct defects *defects, const json_t *step)
{
    json_t *steps = json_array(), *now = json_deep_copy(step);

    if (!steps || !now)
        report_die("no memory");
    json_array_append_new(steps, now);
    for (const struct defect_rule *rule = defect_rules; rule->number; rule++) {
        if (!(rule->everywhere || is_marked(defects, rule->number)) ||
            (rule->request && rule->request != recorded_request(now)) ||
            (rule->kind && strcmp(rule->kind, member_text(now, "kind")) != 0) ||
            !rule->rewrite(defects, steps))
            continue;
        printf("defect     %s, step %d, %s: %s\n", defects->scenario,
               (int)member_number(step, "step", 0), rule->number, rule->reason);
        break; /* a step shows one defect */
    }
    defects_remember(defects, step);
    return steps;
}
