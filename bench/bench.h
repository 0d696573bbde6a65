/* SPDX-License-Identifier: MIT */
/*
 * What the benchmarks share: measuring, and a table of figures beside their baselines.
 *
 * A figure and its baseline are measured in turns, so that a change of clock speed or a busy
 * neighbour meets both. What is printed is the median of the repetitions; what one is above the
 * other is judged by the median of their differences. A missed target is said and fails nothing;
 * what does not work at all ends the program with status 1.
 */
#ifndef BENCH_BENCH_H
#define BENCH_BENCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Does the work count times. */
typedef void bench_function(void *context, uint64_t count);

struct bench_subject {
    const char *name;
    bench_function *run;
    void *context;
    unsigned threads; /* that run it at once, each count times; 0 is 1 */
};

enum bench_target {
    BENCH_NO_TARGET,
    BENCH_AT_MOST,            /* the figure itself */
    BENCH_AT_MOST_MORE,       /* the figure less its baseline */
    BENCH_RATIO_AT_MOST,      /* the figure as a multiple of its baseline */
    BENCH_THROUGHPUT_AT_LEAST /* the baseline's time as a fraction of the figure's */
};

struct bench_row {
    struct bench_subject subject, baseline;
    enum bench_target target;
    double limit;
    /* Of one step of each; when set, throughput is printed instead of time. */
    uint64_t bytes;
};

/* Reads the command line (--quick, --json FILE, --help) and prints the table's head. */
void bench_begin(int argc, char **argv, const char *title);

/* Whether --quick was given: a run that only shows that everything works. */
bool bench_is_quick(void);

enum bench_placement { BENCH_ONE_PROCESSOR, BENCH_ANY_PROCESSOR };

/*
 * Where the calling thread, and threads that it starts from now on, may run. On one processor a
 * figure and its baseline meet the same caches and the same neighbours.
 */
void bench_place(enum bench_placement placement);

/* Measures and prints one row. */
void bench_measure(const struct bench_row *row);

/* Prints a row that is a count instead of a time, with the most that it may be. */
void bench_report_count(const char *name, double count, const char *unit, double limit);

/* Prints quantiles of so many latencies in nanoseconds, which are sorted thereby. */
void bench_report_latencies(const char *name, double *samples, size_t count);

/* Ends the output; returns main's result. */
int bench_end(void);

/* Ends the program with status 1 and a printf-like reason: a piece that the benchmark needs is
 * missing. */
_Noreturn void bench_fail(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Keeps the compiler from dropping the computation of a value. */
static inline void bench_use(uintptr_t value)
{
    __asm__ volatile("" : : "r"(value) : "memory");
}

#endif
