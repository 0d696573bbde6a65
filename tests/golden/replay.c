/* SPDX-License-Identifier: MIT */
/*
 * Plays recordings of dxgkrnl against the guest engine.
 *
 *   replay-golden FILE... [--scenario NAME] [--verbose]
 *
 * The recordings were taken from the driver's state of April 2024 on kernel 6.1. Beside each file
 * stands boot.jsonl, with one line per host configuration.
 */
#include "scenario.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

struct options {
    const char *scenario; /* only those whose name contains it */
    bool verbose;
};

/* Ends a scenario in which everything stands still. */
enum { SCENARIO_SECONDS = 120 };

struct totals {
    unsigned counts[SCENARIO_RESULTS];
};

/* ---- files */

/* Every line of a file as JSON. */
static json_t *read_lines(const char *path)
{
    FILE *file = fopen(path, "r");
    json_t *lines = json_array();
    char *line = NULL;
    size_t capacity = 0;

    if (!file)
        report_die("%s cannot be read", path);
    while (getline(&line, &capacity, file) >= 0) {
        json_error_t error;
        json_t *value = json_loads(line, 0, &error);

        if (!value)
            report_die("%s, line %zu: %s", path, json_array_size(lines) + 1, error.text);
        json_array_append_new(lines, value);
    }
    free(line);
    fclose(file);
    return lines;
}

static json_t *read_configurations(const char *path)
{
    const char *slash = strrchr(path, '/');
    int folder = slash ? (int)(slash - path + 1) : 0;
    char *boot = must_allocate((size_t)folder + sizeof("boot.jsonl"));

    sprintf(boot, "%.*sboot.jsonl", folder, path);
    json_t *lines = read_lines(boot);
    free(boot);
    return lines;
}

static const json_t *find_configuration(const json_t *configurations, const char *name)
{
    const json_t *line;
    size_t i;

    json_array_foreach((json_t *)configurations, i, line)
    {
        const char *other = member_text(line, "boot");

        if (name && other && strcmp(other, name) == 0)
            return line;
    }
    report_die("there is no configuration %s", name ? name : "");
}

/* ---- scenarios */

/* In a child: neither a crash nor a hang nor descriptor 0 of one scenario touches the next. */
static enum scenario_result run_apart(const struct scenario *scenario, const json_t *configuration,
                                      struct report *report)
{
    int status;

    fflush(stdout);
    pid_t child = fork();
    if (child < 0)
        report_die("no process for a scenario");
    if (child == 0) {
        alarm(SCENARIO_SECONDS);
        enum scenario_result result = scenario_replay(scenario, configuration, report);
        exit(result); /* not _exit: memory that was not given back shall be noticed */
    }
    if (waitpid(child, &status, 0) != child)
        report_die("a scenario's process is lost");
    if (WIFEXITED(status) && WEXITSTATUS(status) < SCENARIO_RESULTS)
        return (enum scenario_result)WEXITSTATUS(status);
    printf("FAILED  %s: ended by %s %d\n", member_text(scenario->header, "scenario"),
           WIFEXITED(status) ? "exit code" : "signal",
           WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status));
    return SCENARIO_FAILED;
}

static void run(const struct scenario *scenario, const json_t *configurations,
                const struct options *options, struct report *report, struct totals *totals)
{
    const char *name = member_text(scenario->header, "scenario");

    if (!name || (options->scenario && !strstr(name, options->scenario)))
        return;
    const json_t *configuration =
        find_configuration(configurations, member_text(scenario->header, "config"));
    enum scenario_result result = run_apart(scenario, configuration, report);
    totals->counts[result]++;
    if (options->verbose && result == SCENARIO_GREEN)
        printf("green      %s\n", name);
    fflush(stdout);
}

static void run_file(const char *path, const struct options *options, struct totals *totals)
{
    json_t *lines = read_lines(path), *configurations = read_configurations(path), *line;
    struct scenario scenario = {.header = NULL, .steps = NULL};
    struct report report;
    size_t i;

    report_init(&report, options->verbose);
    json_array_foreach(lines, i, line)
    {
        if (json_object_get(line, "scenario")) {
            if (scenario.header)
                run(&scenario, configurations, options, &report, totals);
            json_decref(scenario.steps);
            scenario = (struct scenario){.header = line, .steps = json_array()};
        } else if (!scenario.header) {
            report_die("%s does not begin with a scenario", path);
        } else {
            json_array_append(scenario.steps, line);
        }
    }
    if (scenario.header)
        run(&scenario, configurations, options, &report, totals);
    json_decref(scenario.steps);
    json_decref(configurations);
    json_decref(lines);
    report_destroy(&report);
}

static void usage(void)
{
    fprintf(stderr, "usage: replay-golden FILE... [--scenario NAME] [--verbose]\n");
    exit(2);
}

static unsigned print_totals(const char *path, const struct totals *totals)
{
    printf("%s: %u green, %u not built, %u defects shown, %u failed\n", path,
           totals->counts[SCENARIO_GREEN], totals->counts[SCENARIO_NOT_BUILT],
           totals->counts[SCENARIO_DEFECT], totals->counts[SCENARIO_FAILED]);
    return totals->counts[SCENARIO_FAILED];
}

int main(int argc, char **argv)
{
    struct options options = {.scenario = NULL, .verbose = false};
    unsigned failed = 0, files = 0;

    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--verbose") == 0)
            options.verbose = true;
        else if (strcmp(argv[i], "--scenario") == 0 && i + 1 < argc)
            options.scenario = argv[++i];
        else if (argv[i][0] == '-')
            usage();
    }
    for (int i = 1; i < argc; i++) {
        struct totals totals = {{0}};

        if (strcmp(argv[i], "--scenario") == 0)
            i++;
        if (i >= argc || argv[i][0] == '-' || strcmp(argv[i - 1], "--scenario") == 0)
            continue;
        files++;
        run_file(argv[i], &options, &totals);
        failed += print_totals(argv[i], &totals);
    }
    if (!files)
        usage();
    return failed ? 1 : 0;
}
