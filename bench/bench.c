/* SPDX-License-Identifier: MIT */
#include "bench.h"

#include <pthread.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { PAIRS_MOST = 2001, PAIRS_LEAST = 15, PAIRS_QUICK = 3, THREADS_MAX = 16 };

/*
 * Nanoseconds of a repetition, shorter than a scheduler's slice so that most are not interrupted,
 * but long beside the start of several threads; and of a row.
 */
static const double alone_ns = 2e5, together_ns = 2e7, row_ns = 8e8;

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
    const double wanted = run.quick || subject->threads <= 1 ? alone_ns : together_ns;
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

/* Medians of the repetitions. */
struct figures {
    double measured, baseline;
    double more; /* of the differences: a machine that changes its pace meets both of a pair */
};

static bool is_met(const struct bench_row *row, const struct figures *figures)
{
    switch (row->target) {
    case BENCH_AT_MOST:
        return figures->measured <= row->limit;
    case BENCH_AT_MOST_MORE:
        return figures->more <= row->limit;
    case BENCH_RATIO_AT_MOST:
        return 1 + figures->more / figures->baseline <= row->limit;
    case BENCH_THROUGHPUT_AT_LEAST:
        return figures->baseline / figures->measured >= row->limit;
    default:
        return true;
    }
}

static void print_target(const struct bench_row *row, const struct figures *figures)
{
    static const char *const forms[] = {
        [BENCH_AT_MOST] = "<= %g ns",
        [BENCH_AT_MOST_MORE] = "<= baseline + %g ns",
        [BENCH_RATIO_AT_MOST] = "<= %g x",
        [BENCH_THROUGHPUT_AT_LEAST] = ">= %g x",
    };

    if (row->target == BENCH_NO_TARGET)
        return;
    if (row->target == BENCH_AT_MOST_MORE)
        printf("%+.1f ns, ", figures->more);
    printf(forms[row->target], row->limit);
    fputs(is_met(row, figures) ? ": met" : ": MISSED", stdout);
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

/* One repetition of a row's subject and of its baseline, now one first and now the other. */
static void time_pair(const struct bench_row *row, const uint64_t steps[2], bool baseline_first,
                      double *measured, double *baseline)
{
    *baseline = 0;
    if (baseline_first && steps[1])
        *baseline = time_steps(&row->baseline, steps[1]) / (double)steps[1];
    *measured = time_steps(&row->subject, steps[0]) / (double)steps[0];
    if (!baseline_first && steps[1])
        *baseline = time_steps(&row->baseline, steps[1]) / (double)steps[1];
}

static struct figures time_row(const struct bench_row *row)
{
    static double measured[PAIRS_MOST], baseline[PAIRS_MOST], more[PAIRS_MOST];
    const uint64_t steps[] = {calibrate(&row->subject), calibrate(&row->baseline)};
    const double start = now();
    size_t pairs = 0;

    do {
        time_pair(row, steps, pairs % 2 == 1, &measured[pairs], &baseline[pairs]);
        more[pairs] = measured[pairs] - baseline[pairs];
        pairs++;
    } while (run.quick ? pairs < PAIRS_QUICK
                       : pairs < PAIRS_LEAST || (pairs < PAIRS_MOST && now() - start < row_ns));
    return (struct figures){median(measured, pairs), median(baseline, pairs), median(more, pairs)};
}

void bench_measure(const struct bench_row *row)
{
    const struct figures figures = time_row(row);
    double ratio =
        row->bytes ? figures.baseline / figures.measured : figures.measured / figures.baseline;

    printf("%-44s", row->subject.name);
    print_quantity(figures.measured, row->bytes);
    print_quantity(figures.baseline, row->bytes);
    printf("  %-24s %6.2fx  ", row->baseline.name, ratio);
    print_target(row, &figures);
    putchar('\n');
    fflush(stdout);
    write_json(row->subject.name, figures.measured, row->baseline.name, figures.baseline, "ns",
               is_met(row, &figures));
}

void bench_report_count(const char *name, double count, const char *unit, double limit)
{
    printf("%-44s %10.4f %-53s<= %g: %s\n", name, count, unit, limit,
           count <= limit ? "met" : "MISSED");
    write_json(name, count, NULL, 0, unit, count <= limit);
}

void bench_report_latencies(const char *name, double *samples, size_t count)
{
    static const struct {
        const char *name;
        double part;
    } quantiles[] = {{"p50", 0.5}, {"p90", 0.9}, {"p99", 0.99}, {"p99.9", 0.999}, {"most", 1}};
    char full_name[96];

    qsort(samples, count, sizeof(*samples), compare);
    printf("%-44s", name);
    for (size_t i = 0; i < sizeof(quantiles) / sizeof(quantiles[0]); i++) {
        double value = samples[(size_t)((double)(count - 1) * quantiles[i].part)];

        printf(" %s %.0f", quantiles[i].name, value);
        snprintf(full_name, sizeof(full_name), "%s, %s", name, quantiles[i].name);
        write_json(full_name, value, NULL, 0, "ns", true);
    }
    puts(" ns");
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
