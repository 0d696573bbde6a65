/* SPDX-License-Identifier: MIT */
/* Long series of opening and closing one adapter: which handles come out. */
#include "steps.h"

#include <stdlib.h>
#include <string.h>

enum { ADAPTER_LUID = 0x100, INDEX_SHIFT = 6, INDEX_MASK = 0xffffff, GENERATION_SHIFT = 30 };

struct sequence {
    struct guest_process *process;
    D3DKMT_HANDLE *values; /* of every open, in order */
    size_t count;
    D3DKMT_HANDLE *open; /* the open ones, the oldest first */
    size_t open_count;
    size_t failed;
    size_t stale; /* closed handles that still worked */
};

static void open_one(struct sequence *sequence)
{
    D3DKMT_OPENADAPTERFROMLUID open = {.AdapterLuid = {.LowPart = ADAPTER_LUID}};

    if (!NT_SUCCESS(d3dkmti_guest_call(sequence->process,
                                       d3dkmt_find_op(D3DKMT_OP_OpenAdapterFromLuid), &open))) {
        sequence->failed++;
        return;
    }
    sequence->values[sequence->count++] = open.hAdapter;
    sequence->open[sequence->open_count++] = open.hAdapter;
}

static bool close_handle(struct sequence *sequence, D3DKMT_HANDLE handle)
{
    D3DKMT_CLOSEADAPTER close = {.hAdapter = handle};

    return NT_SUCCESS(
        d3dkmti_guest_call(sequence->process, d3dkmt_find_op(D3DKMT_OP_CloseAdapter), &close));
}

static void close_number(struct sequence *sequence, size_t number)
{
    D3DKMT_HANDLE handle = sequence->open[number];

    if (!close_handle(sequence, handle))
        sequence->failed++;
    sequence->stale += close_handle(sequence, handle);
    sequence->open_count--;
}

static void close_oldest(struct sequence *sequence)
{
    close_number(sequence, 0);
    memmove(sequence->open, sequence->open + 1, sequence->open_count * sizeof(*sequence->open));
}

static void run_random(struct sequence *sequence, uint32_t seed, int64_t steps)
{
    uint32_t s = seed;

    for (int64_t i = 0; i < steps; i++) {
        s = s * 1103515245u + 12345u;
        if ((s >> 16) % 3 != 0 || sequence->open_count == 0) {
            open_one(sequence);
            continue;
        }
        s = s * 1103515245u + 12345u;
        size_t number = (s >> 16) % sequence->open_count;
        close_number(sequence, number);
        sequence->open[number] = sequence->open[sequence->open_count];
    }
}

/* The recorded value of every open, from its runs of first, step and count. */
static D3DKMT_HANDLE *recorded_values(const json_t *runs, size_t *count)
{
    const json_t *run;
    size_t i, total = 0;

    json_array_foreach((json_t *)runs, i, run) total +=
        (size_t)json_integer_value(json_array_get(run, 2));
    D3DKMT_HANDLE *values = must_allocate(total * sizeof(*values));
    *count = 0;
    json_array_foreach((json_t *)runs, i, run)
    {
        const char *first = json_string_value(json_array_get(run, 0));
        int64_t step = json_integer_value(json_array_get(run, 1));
        int64_t length = json_integer_value(json_array_get(run, 2));

        for (int64_t k = 0; k < length; k++)
            values[(*count)++] = (D3DKMT_HANDLE)(strtoll(first ? first : "0", NULL, 0) + k * step);
    }
    return values;
}

static unsigned index_of(D3DKMT_HANDLE handle)
{
    return handle >> INDEX_SHIFT & INDEX_MASK;
}

/* The driver reuses generation 2 for ever; this must have each entry's lives tell apart. */
static void check_generations(struct replay *replay, const struct sequence *sequence,
                              const D3DKMT_HANDLE *recorded)
{
    unsigned char *last = must_allocate(INDEX_MASK + 1);

    for (size_t i = 0; i < sequence->count; i++) {
        D3DKMT_HANDLE value = sequence->values[i];
        unsigned generation = value >> GENERATION_SHIFT;

        if (index_of(value) != index_of(recorded[i])) {
            report_difference(replay->report, "open %zu: entry %u was recorded, now %u", i,
                              index_of(recorded[i]), index_of(value));
            break;
        }
        if (generation == 0 || generation == last[index_of(value)]) {
            report_difference(replay->report, "open %zu: handle 0x%08x comes back at once", i,
                              value);
            break;
        }
        last[index_of(value)] = (unsigned char)generation;
    }
    free(last);
}

static void check_sequence(struct replay *replay, const json_t *step,
                           const struct sequence *sequence)
{
    size_t count;
    D3DKMT_HANDLE *recorded = recorded_values(json_object_get(step, "values"), &count);
    size_t i = 0;

    if (sequence->failed != (size_t)member_number(step, "failed", 0) || count != sequence->count)
        report_difference(replay->report, "%zu opens were recorded, now %zu and %zu failures",
                          count, sequence->count, sequence->failed);
    else if (sequence->stale)
        report_difference(replay->report, "%zu closed handles still work", sequence->stale);
    else if (member_number(step, "true_generations", 0))
        check_generations(replay, sequence, recorded);
    else
        while (i < count && recorded[i] == sequence->values[i])
            i++;
    if (!report_has_failed(replay->report) && i < count &&
        !member_number(step, "true_generations", 0))
        report_difference(replay->report, "open %zu: recorded 0x%08x, now 0x%08x", i, recorded[i],
                          sequence->values[i]);
    free(recorded);
}

void step_adapter_sequence(struct replay *replay, const json_t *step)
{
    const char *mode = member_text(step, "mode");
    int64_t steps = member_number(step, "n", 0), argument = member_number(step, "arg", 0);
    struct client *client = clients_get(&replay->clients, member_text(step, "proc"));
    struct device_file *file = client_hold_file(&replay->clients, client);
    struct sequence sequence = {0};

    if (!file || !mode || steps < 0 || steps > 1000000)
        report_die("a series on adapter handles cannot be understood");
    sequence.process = file->user->process;
    sequence.values = must_allocate((size_t)steps * sizeof(*sequence.values));
    sequence.open = must_allocate(((size_t)steps + 1) * sizeof(*sequence.open));
    if (strcmp(mode, "random") == 0)
        run_random(&sequence, (uint32_t)argument, steps);
    for (int64_t i = 0; strcmp(mode, "random") != 0 && i < steps; i++) {
        open_one(&sequence);
        if (strcmp(mode, "open only") != 0 && (int64_t)sequence.open_count > argument)
            close_oldest(&sequence);
    }
    check_sequence(replay, step, &sequence);
    free(sequence.open);
    free(sequence.values);
    file_release(&replay->clients, file);
}
