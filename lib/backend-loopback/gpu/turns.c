/* SPDX-License-Identifier: MIT */
#include "backend-loopback/gpu/turns.h"

#include <stdlib.h>

#include "backend-loopback/gpu/clock.h"
#include "backend-loopback/gpu/objects.h"
#include "backend-loopback/gpu/thread.h"
#include "backend-loopback/gpu/worker.h"

#define CALL_NS       UINT64_C(1000) /* what a call takes that leaves nothing to do */
#define TICK_NS       UINT64_C(10000000)
#define QUIET_TICKS   10u
#define FRUITLESS_MAX 100000u /* steps in a row without progress: buffers that poll by writing */

struct gpu_turns {
    struct gpu_clock clock; /* first member */
    struct gpu_machine *machine;
    _Atomic uint64_t time;
    _Atomic uint64_t changes;
    _Atomic uint64_t progress;
    _Atomic uint64_t calls;
    _Atomic bool strayed;

    /* Held by the thread that does steps, through all of them. */
    pthread_mutex_t lock;
    _Atomic(const void *) owner; /* its mark, so that it is known when a step calls back in here */
    struct gpu_worker *workers;
    uint32_t worker_count;
    uint64_t random;

    pthread_mutex_t tick_lock;
    pthread_cond_t tick;
    pthread_t ticker;
    bool stop;
};

/* Its address is the thread's mark. */
static _Thread_local char thread_mark;

/* SplitMix64 (Steele, Lea, Flood 2014). */
static uint64_t draw(struct gpu_turns *turns, uint64_t below)
{
    uint64_t z = turns->random += UINT64_C(0x9e3779b97f4a7c15);

    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return (z ^ (z >> 31)) % below;
}

/* ---- Steps, with the lock */

static void take(struct gpu_turns *turns)
{
    pthread_mutex_lock(&turns->lock);
    atomic_store(&turns->owner, &thread_mark);
}

static void give_back(struct gpu_turns *turns)
{
    atomic_store(&turns->owner, NULL);
    pthread_mutex_unlock(&turns->lock);
}

static bool has_turn(struct gpu_turns *turns)
{
    return atomic_load(&turns->owner) == &thread_mark;
}

static bool step_of(struct gpu_worker *worker, uint64_t *next)
{
    uint64_t own = UINT64_MAX;

    pthread_mutex_lock(worker->lock);
    bool done = !worker->stop && worker->step(worker, &own);
    pthread_mutex_unlock(worker->lock);
    if (own < *next)
        *next = own;
    return done;
}

/* One step of one worker, or false and when there will be something to do. */
static bool step(struct gpu_turns *turns, uint64_t *next)
{
    *next = UINT64_MAX;
    if (turns->worker_count == 0)
        return false;
    uint64_t first = draw(turns, turns->worker_count);
    struct gpu_worker *worker = turns->workers;

    for (uint64_t i = 0; i < first; i++)
        worker = worker->next;
    for (uint32_t i = 0; i < turns->worker_count; i++) {
        if (step_of(worker, next))
            return true;
        worker = worker->next ? worker->next : turns->workers;
    }
    return false;
}

static bool jump(struct gpu_turns *turns, uint64_t next)
{
    if (next == UINT64_MAX)
        return false;
    if (next > atomic_load(&turns->time))
        atomic_store(&turns->time, next);
    return true;
}

static bool cpu_waits(const struct gpu_turns *turns)
{
    struct gpu_machine *machine = turns->machine;

    pthread_mutex_lock(&machine->wait_lock);
    bool waits = machine->open_waits > 0;
    pthread_mutex_unlock(&machine->wait_lock);
    return waits;
}

/* `late`: nobody calls, so nothing can be left for later. */
static void run(struct gpu_turns *turns, bool late)
{
    uint64_t progress = 0;
    uint32_t fruitless = 0;
    uint64_t next;

    while (fruitless < FRUITLESS_MAX) {
        bool waits = late || cpu_waits(turns);

        if (!waits && draw(turns, 2) == 0)
            return;
        if (step(turns, &next)) {
            fruitless = atomic_load(&turns->progress) == progress ? fruitless + 1 : 0;
            progress = atomic_load(&turns->progress);
        } else if (!waits) {
            atomic_fetch_add(&turns->time, CALL_NS);
            return;
        } else if (!jump(turns, next)) {
            return;
        }
    }
}

/* ---- Callers */

/* Somebody who holds the lock looks for calls before he is through; so no call is forgotten when
 * the lock is not to be had. */
static void serve_calls(struct gpu_turns *turns, uint64_t served)
{
    while (atomic_load(&turns->calls) != served && pthread_mutex_trylock(&turns->lock) == 0) {
        atomic_store(&turns->owner, &thread_mark);
        served = atomic_load(&turns->calls);
        gpu_turns_note_change(turns); /* the caller may have written to memory, too */
        run(turns, false);
        give_back(turns);
    }
}

void gpu_turns_after_call(struct gpu_turns *turns)
{
    uint64_t before = atomic_fetch_add(&turns->calls, 1);

    if (!has_turn(turns))
        serve_calls(turns, before);
}

void gpu_turns_wait(struct gpu_turns *turns, struct gpu_worker *worker, pthread_cond_t *changed)
{
    const struct gpu_clock *real = &gpu_clock_monotonic;
    uint64_t served = atomic_load(&turns->calls);
    uint64_t next;
    bool done;

    pthread_mutex_unlock(worker->lock);
    take(turns);
    done = step(turns, &next) || jump(turns, next);
    give_back(turns);
    serve_calls(turns, served);
    pthread_mutex_lock(worker->lock);
    /* Then it is another caller, in the middle of something, that is waited for. */
    if (!done)
        (void)real->wait_until(real, changed, worker->lock, real->now(real) + TICK_NS);
}

void gpu_turns_note_change(struct gpu_turns *turns)
{
    atomic_fetch_add(&turns->changes, 1);
}

void gpu_turns_note_progress(struct gpu_turns *turns)
{
    atomic_fetch_add(&turns->progress, 1);
    atomic_fetch_add(&turns->changes, 1);
}

uint64_t gpu_turns_changes(struct gpu_turns *turns)
{
    return atomic_load(&turns->changes);
}

bool gpu_turns_yield(struct gpu_turns *turns)
{
    return draw(turns, 4) == 0;
}

bool gpu_turns_strayed(struct gpu_turns *turns)
{
    return atomic_load(&turns->strayed);
}

/* ---- Programs that do not call */

/*
 * A program that looks at a fence's memory without calling, or sleeps, would wait for ever. After
 * some ticks without a call the work goes on without it. Ticks, because a program that a debugger
 * stops does not tick.
 */
static void *ticker_main(void *argument)
{
    struct gpu_turns *turns = argument;
    const struct gpu_clock *real = &gpu_clock_monotonic;
    uint64_t calls = 0;
    uint32_t quiet = 0;

    pthread_mutex_lock(&turns->tick_lock);
    while (!turns->stop) {
        (void)real->wait_until(real, &turns->tick, &turns->tick_lock, real->now(real) + TICK_NS);
        quiet = atomic_load(&turns->calls) == calls ? quiet + 1 : 0;
        calls = atomic_load(&turns->calls);
        if (turns->stop || quiet < QUIET_TICKS)
            continue;
        quiet = 0;
        pthread_mutex_unlock(&turns->tick_lock);
        take(turns);
        gpu_turns_note_change(turns);
        uint64_t before = atomic_load(&turns->progress);
        run(turns, true);
        if (atomic_load(&turns->progress) != before)
            atomic_store(&turns->strayed, true);
        give_back(turns);
        serve_calls(turns, calls);
        pthread_mutex_lock(&turns->tick_lock);
    }
    pthread_mutex_unlock(&turns->tick_lock);
    return NULL;
}

/* ---- Life */

static uint64_t virtual_now(const struct gpu_clock *clock)
{
    const struct gpu_turns *turns = (const void *)clock;

    return atomic_load(&turns->time);
}

struct gpu_turns *gpu_turns_create(struct gpu_machine *machine, uint64_t seed)
{
    struct gpu_turns *turns = calloc(1, sizeof(*turns));

    if (!turns)
        return NULL;
    turns->clock.now = virtual_now; /* nobody sleeps by it */
    turns->machine = machine;
    turns->random = seed;
    pthread_mutex_init(&turns->lock, NULL);
    pthread_mutex_init(&turns->tick_lock, NULL);
    if (gpu_clock_condition_init(&turns->tick) != 0)
        goto fail_condition;
    if (gpu_thread_start(&turns->ticker, "gpu-turns", ticker_main, turns) != 0)
        goto fail_thread;
    return turns;

fail_thread:
    pthread_cond_destroy(&turns->tick);
fail_condition:
    pthread_mutex_destroy(&turns->tick_lock);
    pthread_mutex_destroy(&turns->lock);
    free(turns);
    return NULL;
}

void gpu_turns_destroy(struct gpu_turns *turns)
{
    if (!turns)
        return;
    pthread_mutex_lock(&turns->tick_lock);
    turns->stop = true;
    pthread_cond_signal(&turns->tick);
    pthread_mutex_unlock(&turns->tick_lock);
    pthread_join(turns->ticker, NULL);
    pthread_cond_destroy(&turns->tick);
    pthread_mutex_destroy(&turns->tick_lock);
    pthread_mutex_destroy(&turns->lock);
    free(turns);
}

const struct gpu_clock *gpu_turns_clock(struct gpu_turns *turns)
{
    return &turns->clock;
}

/* At the end, so that the same machine has the same order of workers. */
void gpu_turns_join(struct gpu_turns *turns, struct gpu_worker *worker)
{
    struct gpu_worker **link = &turns->workers;

    take(turns);
    while (*link)
        link = &(*link)->next;
    worker->next = NULL;
    worker->link = link;
    *link = worker;
    turns->worker_count++;
    give_back(turns);
}

void gpu_turns_leave(struct gpu_turns *turns, struct gpu_worker *worker)
{
    take(turns);
    *worker->link = worker->next;
    if (worker->next)
        worker->next->link = worker->link;
    turns->worker_count--;
    give_back(turns);
}
