/* SPDX-License-Identifier: MIT */
#include "bench.h"

#include <pthread.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { REPETITIONS = 15, REPETITIONS_QUICK = 3, THREADS_MAX = 16 };

static struct {
    bool quick;
    FILE *json;
    unsigned rows;
} run;

_Noreturn void bench_fail(const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    fputs("bench: ", stderr);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
    va_end(arguments);
    exit(1);
}

bool bench_is_quick(void)
{
    return run.quick;
}

/* ---- measuring */

struct worker {
    const struct bench_subject *subject;
    pthread_barrier_t *barrier;
    uint64_t count;
};

static double now(void)
{
    struct timespec time;

    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec * 1e9 + (double)time.tv_nsec;
}

static void *work(void *argument)
{
    struct worker *worker = argument;

    pthread_barrier_wait(worker->barrier);
    worker->subject->run(worker->subject->context, worker->count);
    pthread_barrier_wait(worker->barrier);
    return NULL;
}

static double time_threads(const struct bench_subject *subject, uint64_t count)
{
    pthread_t threads[THREADS_MAX];
    pthread_barrier_t barrier;
    struct worker worker = {subject, &barrier, count};

    if (subject->threads > THREADS_MAX)
        bench_fail("%s asks for %u threads", subject->name, subject->threads);
    pthread_barrier_init(&barrier, NULL, subject->threads + 1);
    for (unsigned i = 0; i < subject->threads; i++) {
        if (pthread_create(&threads[i], NULL, work, &worker) != 0)
            bench_fail("no thread could be started");
    }
    pthread_barrier_wait(&barrier);
    double start = now();
    pthread_barrier_wait(&barrier);
    double elapsed = now() - start;
    for (unsigned i = 0; i < subject->threads; i++)
        pthread_join(threads[i], NULL);
    pthread_barrier_destroy(&barrier);
    return elapsed;
}

/* Nanoseconds that count steps take. */
static double time_steps(const struct bench_subject *subject, uint64_t count)
{
    if (subject->threads > 1)
        return time_threads(subject, count);
    double start = now();
    subject->run(subject->context, count);
    return now() - start;
}

/* Warms up, and finds how many steps fill a repetition. */
static uint64_t calibrate(const struct bench_subject *subject)
{
    const double wanted = run.quick ? 2e5 : 2e7;
    uint64_t count = 1;

    if (!subject->run)
        return 0;
    while (time_steps(subject, count) < wanted && count < (uint64_t)1 << 40)
        count *= 2;
    return count;
}

static int compare(const void *left, const void *right)
{
    double a = *(const double *)left, b = *(const double *)right;

    return (a > b) - (a < b);
}

static double median(double *values, size_t count)
{
    qsort(values, count, sizeof(*values), compare);
    return values[count / 2];
}

void bench_place(enum bench_placement placement)
{
    static cpu_set_t all;
    cpu_set_t chosen;
    int first = 0;

    if (CPU_COUNT(&all) == 0 && sched_getaffinity(0, sizeof(all), &all) != 0)
        bench_fail("the processors of this program are not known");
    chosen = all;
    if (placement == BENCH_ONE_PROCESSOR) {
        while (!CPU_ISSET(first, &all))
            first++;
        CPU_ZERO(&chosen);
        CPU_SET(first, &chosen);
    }
    if (sched_setaffinity(0, sizeof(chosen), &chosen) != 0)
        bench_fail("the program could not be moved to a processor");
}

/* ---- the table */

static void usage(const char *program, int status)
{
    printf("usage: %s [--quick] [--json FILE]\n", program);
    exit(status);
}

void bench_begin(int argc, char **argv, const char *title)
{
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--quick") == 0) {
            run.quick = true;
        } else if (strcmp(argv[i], "--json") == 0 && i + 1 < argc) {
            run.json = fopen(argv[++i], "w");
            if (!run.json)
                bench_fail("%s cannot be written", argv[i]);
        } else {
            usage(argv[0], strcmp(argv[i], "--help") == 0 ? 0 : 2);
        }
    }
    if (run.json)
        fputs("[", run.json);
    printf("\n%-44s %13s %13s  %-24s %7s  %s\n", title, "measured", "baseline", "(what it is)",
           "ratio", "target");
}

static void print_quantity(double nanoseconds, uint64_t bytes)
{
    if (bytes)
        printf(" %8.2f GB/s", (double)bytes / nanoseconds);
    else
        printf(" %10.1f ns", nanoseconds);
}

static bool is_met(const struct bench_row *row, double measured, double baseline)
{
    switch (row->target) {
    case BENCH_AT_MOST:
        return measured <= row->limit;
    case BENCH_AT_MOST_MORE:
        return measured - baseline <= row->limit;
    case BENCH_RATIO_AT_MOST:
        return measured / baseline <= row->limit;
    case BENCH_THROUGHPUT_AT_LEAST:
        return baseline / measured >= row->limit;
    default:
        return true;
    }
}

static void print_target(const struct bench_row *row, double measured, double baseline)
{
    static const char *const forms[] = {
        [BENCH_AT_MOST] = "<= %g ns",
        [BENCH_AT_MOST_MORE] = "<= baseline + %g ns",
        [BENCH_RATIO_AT_MOST] = "<= %g x",
        [BENCH_THROUGHPUT_AT_LEAST] = ">= %g x",
    };

    if (row->target == BENCH_NO_TARGET)
        return;
    printf(forms[row->target], row->limit);
    fputs(is_met(row, measured, baseline) ? ": met" : ": MISSED", stdout);
}

static void write_json(const char *name, double measured, const char *baseline_name,
                       double baseline, const char *unit, bool met)
{
    if (!run.json)
        return;
    fprintf(run.json, "%s\n  {\"name\": \"%s\", \"measured\": %.4f, \"unit\": \"%s\", ",
            run.rows++ ? "," : "", name, measured, unit);
    if (baseline_name)
        fprintf(run.json, "\"baseline\": %.4f, \"baseline_name\": \"%s\", ", baseline,
                baseline_name);
    fprintf(run.json, "\"met\": %s}", met ? "true" : "false");
}

void bench_measure(const struct bench_row *row)
{
    double measured[REPETITIONS], baseline[REPETITIONS] = {0};
    int repetitions = run.quick ? REPETITIONS_QUICK : REPETITIONS;
    uint64_t steps = calibrate(&row->subject), baseline_steps = calibrate(&row->baseline);

    for (int i = 0; i < repetitions; i++) {
        measured[i] = time_steps(&row->subject, steps) / (double)steps;
        if (baseline_steps)
            baseline[i] = time_steps(&row->baseline, baseline_steps) / (double)baseline_steps;
    }
    double ours = median(measured, (size_t)repetitions);
    double bare = median(baseline, (size_t)repetitions);
    double ratio = row->bytes ? bare / ours : ours / bare;

    printf("%-44s", row->subject.name);
    print_quantity(ours, row->bytes);
    print_quantity(bare, row->bytes);
    printf("  %-24s %6.2fx  ", row->baseline.name, ratio);
    print_target(row, ours, bare);
    putchar('\n');
    fflush(stdout);
    write_json(row->subject.name, ours, row->baseline.name, bare, "ns", is_met(row, ours, bare));
}

void bench_report_count(const char *name, double count, const char *unit, double limit)
{
    printf("%-44s %10.4f %-53s<= %g: %s\n", name, count, unit, limit,
           count <= limit ? "met" : "MISSED");
    write_json(name, count, NULL, 0, unit, count <= limit);
}

int bench_end(void)
{
    if (run.json) {
        fputs("\n]\n", run.json);
        if (fclose(run.json) != 0)
            bench_fail("the JSON file could not be written whole");
    }
    return 0;
}
