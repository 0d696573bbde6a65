/* SPDX-License-Identifier: MIT */
/* Where a replay stands, and what it says when something differs. */
#ifndef GOLDEN_REPORT_H
#define GOLDEN_REPORT_H

#include <jansson.h>

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The exit code of report_die. */
enum { REPORT_DIED = 99 };

struct report {
    pthread_mutex_t mutex;
    const char *scenario;
    long step;      /* 0: while the configuration starts */
    char call[128]; /* what the step does, in words */
    bool failed;
    bool verbose;
    bool quiet; /* differences are remembered only: the scenario shows a defect without a rule */
    char first[1024];
};

void report_init(struct report *report, bool verbose);
void report_destroy(struct report *report);
void report_begin(struct report *report, const char *scenario, bool quiet);
void report_step(struct report *report, long step, const char *kind, const char *call);

/* Something differs: says where, once per scenario unless verbose. Any thread. */
void report_difference(struct report *report, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Thread-safe reading of failed. */
bool report_has_failed(struct report *report);

/* Ends the program: the recording itself cannot be understood, or the machine has no memory. */
_Noreturn void report_die(const char *format, ...) __attribute__((format(printf, 1, 2)));

void *must_allocate(size_t size);
char *must_copy(const char *text);

/* Members of a recorded object; a missing one is NULL, or the given number. */
const char *member_text(const json_t *object, const char *key);
int64_t member_number(const json_t *object, const char *key, int64_t missing);

#endif
