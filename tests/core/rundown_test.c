/* SPDX-License-Identifier: MIT */
/* Rundown protection: who is inside keeps the closer waiting, and who comes later stays out. */
#include "core/rundown.h"
#include "test.h"

#include <pthread.h>
#include <unistd.h>

enum { THREADS = 4, ROUNDS = 300 };

static struct rundown rundown;

static void a_closed_rundown_refuses(void **state)
{
    const unsigned stripe = rundown_stripe();

    (void)state;
    assert_in_range(stripe, 0, RUNDOWN_STRIPES - 1);
    assert_true(rundown_enter(&rundown, stripe));
    assert_true(rundown_enter(&rundown, stripe)); /* calls may be nested */
    rundown_close(&rundown);
    for (unsigned i = 0; i < RUNDOWN_STRIPES; i++)
        assert_false(rundown_enter(&rundown, i));
    rundown_leave(&rundown, stripe);
    rundown_leave(&rundown, stripe);
    rundown_wait(&rundown);
    assert_false(rundown_enter(&rundown, stripe));
    rundown_reopen(&rundown);
    for (unsigned i = 0; i < RUNDOWN_STRIPES; i++) {
        assert_true(rundown_enter(&rundown, i));
        rundown_leave(&rundown, i);
    }
}

/* ---- with threads */

static atomic_bool inside, left;

static void *stay_inside(void *unused)
{
    const unsigned stripe = rundown_stripe();

    if (!rundown_enter(&rundown, stripe))
        return NULL;
    atomic_store(&inside, true);
    usleep(50000);
    atomic_store(&left, true);
    rundown_leave(&rundown, stripe);
    return unused;
}

static void the_closer_waits_for_who_is_inside(void **state)
{
    pthread_t thread;

    (void)state;
    assert_int_equal(pthread_create(&thread, NULL, stay_inside, NULL), 0);
    while (!atomic_load(&inside))
        usleep(100);
    rundown_close(&rundown);
    rundown_wait(&rundown);
    assert_true(atomic_load(&left));
    pthread_join(thread, NULL);
    rundown_reopen(&rundown);
}

/* Plain memory: only the rundown stands between its reading and its writing. */
static unsigned long guarded[64];
static atomic_ulong entered, torn;
static atomic_bool ending;

static void *use(void *unused)
{
    while (!atomic_load(&ending)) {
        const unsigned stripe = rundown_stripe();

        if (!rundown_enter(&rundown, stripe))
            continue;
        unsigned long first = guarded[0];
        for (unsigned i = 1; i < 64; i++)
            if (guarded[i] != first)
                atomic_fetch_add(&torn, 1);
        atomic_fetch_add(&entered, 1);
        rundown_leave(&rundown, stripe);
    }
    return unused;
}

static void nobody_is_inside_after_the_wait(void **state)
{
    pthread_t threads[THREADS];

    (void)state;
    for (unsigned i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, use, NULL), 0);
    for (unsigned long round = 1; round <= ROUNDS; round++) {
        unsigned long before = atomic_load(&entered);

        rundown_close(&rundown);
        rundown_wait(&rundown);
        for (unsigned i = 0; i < 64; i++)
            guarded[i] = round;
        rundown_reopen(&rundown);
        while (atomic_load(&entered) == before) /* each round lets somebody in */
            usleep(10);
    }
    atomic_store(&ending, true);
    for (unsigned i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(atomic_load(&torn), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_closed_rundown_refuses),
        cmocka_unit_test(the_closer_waits_for_who_is_inside),
        cmocka_unit_test(nobody_is_inside_after_the_wait),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
