/* SPDX-License-Identifier: MIT */
#include "report.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void report_init(struct report *report, bool verbose)
{
    memset(report, 0, sizeof(*report));
    pthread_mutex_init(&report->mutex, NULL);
    report->verbose = verbose;
}

void report_destroy(struct report *report)
{
    pthread_mutex_destroy(&report->mutex);
}

void report_begin(struct report *report, const char *scenario, bool quiet)
{
    report->scenario = scenario;
    report->failed = false;
    report->quiet = quiet;
    report->first[0] = '\0';
    report_step(report, 0, "boot", NULL);
}

void report_step(struct report *report, long step, const char *kind, const char *call)
{
    pthread_mutex_lock(&report->mutex);
    report->step = step;
    snprintf(report->call, sizeof(report->call), "%s", call ? call : kind);
    pthread_mutex_unlock(&report->mutex);
}

void report_difference(struct report *report, const char *format, ...)
{
    char text[768];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    pthread_mutex_lock(&report->mutex);
    if (!report->failed)
        snprintf(report->first, sizeof(report->first), "step %ld, %s: %s", report->step,
                 report->call, text);
    if (!report->quiet && (!report->failed || report->verbose))
        printf("FAILED  %s, step %ld, %s:\n        %s\n", report->scenario, report->step,
               report->call, text);
    report->failed = true;
    pthread_mutex_unlock(&report->mutex);
}

bool report_has_failed(struct report *report)
{
    pthread_mutex_lock(&report->mutex);
    bool failed = report->failed;
    pthread_mutex_unlock(&report->mutex);
    return failed;
}

void report_die(const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    fflush(stdout);
    fputs("replay-golden: ", stderr);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
    fflush(stderr);
    va_end(arguments);
    _exit(REPORT_DIED);
}

void *must_allocate(size_t size)
{
    void *memory = calloc(1, size ? size : 1);

    if (!memory)
        report_die("no memory");
    return memory;
}

char *must_copy(const char *text)
{
    char *copy = strdup(text);

    if (!copy)
        report_die("no memory");
    return copy;
}

const char *member_text(const json_t *object, const char *key)
{
    return json_string_value(json_object_get(object, key));
}

int64_t member_number(const json_t *object, const char *key, int64_t missing)
{
    const json_t *value = json_object_get(object, key);

    if (json_is_boolean(value))
        return json_is_true(value);
    return json_is_integer(value) ? json_integer_value(value) : missing;
}
