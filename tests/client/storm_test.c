/* SPDX-License-Identifier: MIT */
/*
 * Eight threads create, use and destroy objects of all kinds in random order, each without regard
 * for the others. STORM_SEED repeats the choices of a run, STORM_STEPS makes it longer.
 */
#include "client.h"
#include "gpu.h"
#include "guest/held.h"
#include "storm.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum { THREADS = 8, STEPS = 3000, PRIME = 1000003 };

static unsigned long seed = 1, step_count = STEPS;
static atomic_uint steps_done, threads_done, failures;

static void *storm(void *context)
{
    struct storm_chance chance = {(seed * THREADS + (uintptr_t)context + 1) * PRIME};

    for (unsigned long i = 0; i < step_count && atomic_load(&failures) == 0; i++) {
        if (!storm_step(&chance))
            atomic_fetch_add(&failures, 1);
        atomic_fetch_add(&steps_done, 1);
    }
    atomic_fetch_add(&threads_done, 1);
    return NULL;
}

/* Threads wait for fences that nobody will signal any more; then their devices go. */
static void help_on(void)
{
    unsigned before = 0;

    while (atomic_load(&threads_done) < THREADS) {
        usleep(10000);
        unsigned now = atomic_load(&steps_done);
        if (now == before)
            storm_destroy_devices();
        before = now;
    }
}

static void nothing_breaks_in_a_storm(void **state)
{
    unsigned descriptors = held_descriptors();
    int event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    pthread_t threads[THREADS];
    struct client_gpu gpu;

    assert_success(d3dkmt_open(*state));
    assert_success(client_gpu_open(&gpu));
    storm_begin(gpu.umd.luid, event);
    atomic_store(&steps_done, 0);
    atomic_store(&threads_done, 0);
    for (uintptr_t i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, storm, (void *)i), 0);
    help_on();
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    if (atomic_load(&failures))
        fail_msg("STORM_SEED=%lu", seed);
    if (step_count >= STEPS && storm_fruitless_step())
        fail_msg("\"%s\" never succeeds: the storm tests nothing there", storm_fruitless_step());
    D3DKMTCloseDxCoreDevice();
    close(event);
    assert_int_equal(held_descriptors(), descriptors);
    /* The library is as good as new. */
    assert_success(d3dkmt_open(*state));
    assert_success(client_gpu_open(&gpu));
    assert_success(client_gpu_run(&gpu, 0x600d));
    client_gpu_close(&gpu);
    D3DKMTCloseDxCoreDevice();
}

int main(void)
{
    static char sync[] = "loopback:hw-scheduling", async[] = "loopback:hw-scheduling,async",
                pending[] = "loopback:hw-scheduling,pending",
                all[] = "loopback:hw-scheduling,async,pending,page-lists,check-pointers";
    const char *given_seed = getenv("STORM_SEED"), *given_steps = getenv("STORM_STEPS");
#define MODE(mode)                                                                                 \
    {                                                                                              \
        mode, nothing_breaks_in_a_storm, NULL, NULL, mode                                          \
    }
    const struct CMUnitTest tests[] = {MODE(sync), MODE(async), MODE(pending), MODE(all)};
#undef MODE

    if (given_seed)
        seed = strtoul(given_seed, NULL, 0);
    if (given_steps)
        step_count = strtoul(given_steps, NULL, 0);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
