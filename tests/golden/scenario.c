/* SPDX-License-Identifier: MIT */
#include "scenario.h"

#include "defects.h"
#include "steps.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void start(struct replay *replay, const json_t *configuration)
{
    const json_t *adapters = json_object_get(configuration, "adapters");
    struct guest_vm *vm;
    size_t i;

    symbols_init(&replay->symbols);
    host_start(&replay->host, configuration, replay->report, &replay->symbols);
    if (!NT_SUCCESS(d3dkmti_guest_vm_create(&host_transport, &replay->host, &vm)))
        report_die("no engine");
    host_connect(&replay->host, vm);
    clients_init(&replay->clients, &replay->host);
    host_begin(&replay->host, json_object_get(configuration, "msgs"));
    d3dkmti_guest_vm_global_offered(vm);
    for (i = 0; i < json_array_size(adapters) && i < HOST_ADAPTERS_MAX; i++) {
        const char *kind = json_string_value(json_array_get(adapters, i));

        if (kind && strncmp(kind, "not there", 9) != 0)
            host_arrive(&replay->host, (unsigned)i, replay->host.compute_only[i]);
    }
    host_finish(&replay->host);
}

static void stop(struct replay *replay)
{

    /* Of a scenario that ends early the rest is refused; the engine must survive it. */
    host_drain(&replay->host);
    steps_end_calls(replay, NULL);
    clients_destroy(&replay->clients);
    d3dkmti_guest_vm_stop(replay->host.vm);
    host_stop(&replay->host);
    d3dkmti_guest_vm_destroy(replay->host.vm);
    memories_free(&replay->memories);
    symbols_clear(&replay->symbols);
}

/* Operations that are missing, each once. */
struct missing {
    char names[512];
    unsigned steps; /* skipped */
    long stopped_at;
};

static void note_missing(struct missing *missing, const char *name)
{
    size_t used = strlen(missing->names);

    missing->steps++;
    if (!strstr(missing->names, name))
        snprintf(missing->names + used, sizeof(missing->names) - used, "%s%s", used ? ", " : "",
                 name);
}

/* Runs what stands for a recorded step. Calls in threads refer to it: it stays to the end. */
static void run_rewritten(struct replay *replay, struct defects *defects, const json_t *step)
{
    json_t *steps = defects_rewrite(defects, step), *now;
    size_t i;

    json_array_extend(replay->steps, steps);
    json_array_foreach(steps, i, now)
    {
        if (!report_has_failed(replay->report))
            step_run(replay, now);
    }
    json_decref(steps);
}

static void run_steps(struct replay *replay, const struct scenario *scenario,
                      struct defects *defects, struct missing *missing)
{
    const json_t *step;
    size_t i;

    json_array_foreach(scenario->steps, i, step)
    {
        const char *name = step_missing(step);

        if (name)
            note_missing(missing, name);
        if (name && !step_is_expendable(replay, step))
            missing->stopped_at = (long)member_number(step, "step", 0);
        else if (!name)
            run_rewritten(replay, defects, step);
        if (missing->stopped_at || report_has_failed(replay->report))
            return;
    }
}

enum scenario_result scenario_replay(const struct scenario *scenario, const json_t *configuration,
                                     struct report *report)
{
    const char *name = member_text(scenario->header, "scenario");
    const char *mark = member_text(scenario->header, "mark");
    struct defects defects;
    struct missing missing = {.stopped_at = 0};
    struct replay replay = {.report = report, .scenario = name, .steps = json_array()};

    defects_begin(&defects, name, mark);
    report_begin(report, name, defects.unknown);
    start(&replay, configuration);
    if (!report_has_failed(report))
        run_steps(&replay, scenario, &defects, &missing);
    stop(&replay);
    json_decref(replay.steps);
    defects_end(&defects);
    if (report_has_failed(report) && !report->quiet)
        return SCENARIO_FAILED;
    if (missing.steps) {
        printf("not built  %s: %s", name, missing.names);
        if (missing.stopped_at)
            printf(" (green up to step %ld)", missing.stopped_at - 1);
        printf("\n");
        return SCENARIO_NOT_BUILT;
    }
    if (!mark)
        return SCENARIO_GREEN;
    if (report_has_failed(report))
        printf("defect     %s (%s): differs from %s\n", name, mark, report->first);
    return SCENARIO_DEFECT;
}
