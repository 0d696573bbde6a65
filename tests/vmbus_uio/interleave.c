/* SPDX-License-Identifier: MIT */
#include "interleave.h"

#include "interleave_access.h"

#include <setjmp.h>
#include <stdlib.h>
#include <ucontext.h>

enum {
    STACK_SIZE = 65536,
    BUFFER_MAX = 8,  /* stores on their way */
    STEPS_MAX = 512, /* of one run */
    TABLE_BITS = 22, /* states that are remembered */
    QUEUE_MAX = 1 << 22,
    ACTIONS = 2 * INTERLEAVE_PROCESSORS, /* a step, or a store that reaches memory, of each */
};

struct store {
    uint32_t *word;
    uint32_t value;
};

enum state { RUNNABLE, NEEDS_EMPTY_BUFFER, SLEEPING, DONE };

static struct processor {
    ucontext_t context; /* where it begins */
    jmp_buf place;      /* where it goes on: without a system call, unlike a context */
    bool begun;
    unsigned char *stack;
    enum state state;
    bool woken;
    struct store buffer[BUFFER_MAX];
    unsigned stores;
    uint64_t history; /* of all that it has seen: with its code, all that it is */
} processors[INTERLEAVE_PROCESSORS];

static jmp_buf explorer;
static unsigned current;
static const struct interleave *machine;

static uint64_t mix(uint64_t hash, uint64_t value)
{
    hash ^= value + 0x9e3779b97f4a7c15u + (hash << 6) + (hash >> 2);
    hash *= 0xff51afd7ed558ccdu;
    return hash ^ hash >> 33;
}

/* ---- what processors do */

static void yield(void)
{
    if (_setjmp(processors[current].place) == 0)
        _longjmp(explorer, 1);
}

/* Every access is a step: the explorer decides when it happens. */
uint32_t interleave_load(const uint32_t *word)
{
    yield();
    struct processor *self = &processors[current];
    uint32_t value = *word;
    for (unsigned i = 0; i < self->stores; i++)
        if (self->buffer[i].word == word)
            value = self->buffer[i].value;
    self->history = mix(self->history, value);
    return value;
}

void interleave_store(uint32_t *word, uint32_t value)
{
    yield();
    struct processor *self = &processors[current];
    if (self->stores == BUFFER_MAX)
        abort();
    self->buffer[self->stores++] = (struct store){word, value};
    self->history = mix(self->history, 1);
}

static void empty_buffer(void)
{
    processors[current].state = NEEDS_EMPTY_BUFFER;
    yield();
    processors[current].state = RUNNABLE;
    processors[current].history = mix(processors[current].history, 2);
}

void interleave_fence(void)
{
    if (!machine->without_fences)
        empty_buffer();
}

/* System calls are fences too. */
void interleave_wake_other(void)
{
    empty_buffer();
    processors[1 - current].woken = true;
}

void interleave_sleep(void)
{
    empty_buffer();
    processors[current].state = SLEEPING;
    yield();
    processors[current].state = RUNNABLE;
    processors[current].woken = false;
    processors[current].history = mix(processors[current].history, 3);
}

static void body(int number)
{
    machine->run[number]();
    processors[number].state = DONE;
    for (;;)
        yield();
}

/* ---- actions */

static bool is_enabled(unsigned action)
{
    const struct processor *processor = &processors[action / 2];

    if (action % 2)
        return processor->stores > 0;
    switch (processor->state) {
    case RUNNABLE:
        return processor->stores < BUFFER_MAX;
    case NEEDS_EMPTY_BUFFER:
        return processor->stores == 0;
    case SLEEPING:
        return processor->woken;
    default:
        return false;
    }
}

static void act(unsigned action)
{
    struct processor *processor = &processors[action / 2];

    if (action % 2) {
        *processor->buffer[0].word = processor->buffer[0].value;
        processor->stores--;
        for (unsigned i = 0; i < processor->stores; i++)
            processor->buffer[i] = processor->buffer[i + 1];
        return;
    }
    current = action / 2;
    if (_setjmp(explorer) != 0)
        return;
    if (processor->begun)
        _longjmp(processor->place, 1);
    processor->begun = true;
    setcontext(&processor->context);
}

static void start(void)
{
    machine->reset();
    for (unsigned i = 0; i < INTERLEAVE_PROCESSORS; i++) {
        struct processor *processor = &processors[i];

        if (!processor->stack && !(processor->stack = malloc(STACK_SIZE)))
            abort();
        processor->state = RUNNABLE;
        processor->begun = processor->woken = false;
        processor->stores = 0;
        processor->history = i + 1;
        getcontext(&processor->context);
        processor->context.uc_stack.ss_sp = processor->stack;
        processor->context.uc_stack.ss_size = STACK_SIZE;
        processor->context.uc_link = NULL;
        makecontext(&processor->context, (void (*)(void))(uintptr_t)body, 1, (int)i);
        act(2 * i); /* up to its first access */
    }
}

static uint64_t state_now(void)
{
    uint64_t hash = 0;

    for (size_t i = 0; i < machine->words; i++)
        hash = mix(hash, machine->memory[i]);
    for (unsigned p = 0; p < INTERLEAVE_PROCESSORS; p++) {
        hash = mix(hash, processors[p].history);
        hash = mix(hash, processors[p].state * 2 + processors[p].woken);
        for (unsigned i = 0; i < processors[p].stores; i++)
            hash = mix(hash, processors[p].buffer[i].value ^ (uintptr_t)processors[p].buffer[i].word
                                                                 << 32);
        hash = mix(hash, processors[p].stores);
    }
    return hash ? hash : 1;
}

/* ---- exploring: paths that lead to states to go on from, replayed from the start */

struct path {
    uint16_t length;
    uint8_t actions[STEPS_MAX / 4]; /* two bits each */
};

static uint64_t *seen;
static struct path *paths;

static bool is_new(uint64_t state)
{
    size_t slot = state >> (64 - TABLE_BITS);

    while (seen[slot] && seen[slot] != state)
        slot = (slot + 1) & (((size_t)1 << TABLE_BITS) - 1);
    if (seen[slot])
        return false;
    seen[slot] = state;
    return true;
}

static unsigned action_at(const struct path *path, unsigned index)
{
    return path->actions[index / 4] >> index % 4 * 2 & 3;
}

static void replay(const struct path *path)
{
    start();
    for (unsigned i = 0; i < path->length; i++)
        act(action_at(path, i));
}

static bool is_over(void)
{
    for (unsigned p = 0; p < INTERLEAVE_PROCESSORS; p++)
        if (processors[p].state != DONE)
            return false;
    return true;
}

/* Goes one action further in each way that is possible; returns how many states were new. */
static size_t extend(const struct path *from, struct path *to, struct interleave_result *result)
{
    bool enabled[ACTIONS], any = false, fresh = true;
    size_t added = 0;

    replay(from);
    for (unsigned action = 0; action < ACTIONS; action++)
        any |= enabled[action] = is_enabled(action);
    if (!any && !is_over())
        result->deadlock = true;
    for (unsigned action = 0; action < ACTIONS; action++) {
        if (!enabled[action])
            continue;
        if (!fresh)
            replay(from);
        fresh = false;
        act(action);
        if (!is_new(state_now()))
            continue;
        to[added] = *from;
        if (from->length == STEPS_MAX)
            abort();
        to[added].actions[from->length / 4] &= (uint8_t) ~(3 << from->length % 4 * 2);
        to[added].actions[from->length / 4] |= (uint8_t)(action << from->length % 4 * 2);
        to[added++].length = (uint16_t)(from->length + 1);
    }
    return added;
}

struct interleave_result interleave_explore(const struct interleave *what)
{
    struct interleave_result result = {0, false, false};
    size_t depth = 1;

    machine = what;
    seen = calloc((size_t)1 << TABLE_BITS, sizeof(*seen));
    paths = malloc(QUEUE_MAX / 64 * sizeof(*paths));
    if (!seen || !paths)
        abort();
    memset(&paths[0], 0, sizeof(paths[0]));
    while (depth > 0 && !result.deadlock && result.states < (unsigned long)1 << (TABLE_BITS - 1) &&
           depth + ACTIONS < QUEUE_MAX / 64) {
        struct path path = paths[--depth];

        result.states++;
        depth += extend(&path, &paths[depth], &result);
    }
    result.complete = depth == 0;
    free(seen);
    free(paths);
    for (unsigned i = 0; i < INTERLEAVE_PROCESSORS; i++) {
        free(processors[i].stack);
        processors[i].stack = NULL;
    }
    return result;
}
