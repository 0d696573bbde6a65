/* SPDX-License-Identifier: MIT */
/*
 * Replies that come late: while one call waits for its answer, another thread destroys the device,
 * closes the adapter and does a whole tour on a process of its own.
 */
#include "guest/held.h"
#include "guest/tour.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static struct liar *liar;
static struct guest_process *process;
static struct world world;

/* One call whose first reply is held back. */
static struct {
    const struct every_call *call;
    _Alignas(8) unsigned char args[CALL_ARGS_MAX];
    pthread_t thread;
    NTSTATUS status;
    char explanation[256];
    pthread_mutex_t mutex; /* guards the rest */
    pthread_cond_t condition;
    bool started, held, done, released;
} late = {.mutex = PTHREAD_MUTEX_INITIALIZER, .condition = PTHREAD_COND_INITIALIZER};

static void tell(bool *what)
{
    pthread_mutex_lock(&late.mutex);
    *what = true;
    pthread_cond_broadcast(&late.condition);
    pthread_mutex_unlock(&late.mutex);
}

static void hold(struct liar *host, struct liar_exchange *exchange, void *context)
{
    (void)host, (void)exchange, (void)context;
    pthread_mutex_lock(&late.mutex);
    if (late.started && !late.held && pthread_equal(pthread_self(), late.thread)) {
        late.held = true;
        pthread_cond_broadcast(&late.condition);
        while (!late.released)
            pthread_cond_wait(&late.condition, &late.mutex);
    }
    pthread_mutex_unlock(&late.mutex);
}

static void *caller(void *unused)
{
    (void)unused;
    pthread_mutex_lock(&late.mutex);
    late.thread = pthread_self();
    late.started = true;
    pthread_mutex_unlock(&late.mutex);
    late.status = tour_call(process, late.call->op, late.args);
    if (!NT_SUCCESS(late.status))
        strncpy(late.explanation, d3dkmt_last_error(), sizeof(late.explanation) - 1);
    tell(&late.done);
    return NULL;
}

/* Returns the failures of the tour. */
static void *breaker(void *unused)
{
    D3DKMT_DESTROYDEVICE destroy = {world.handles[WORLD_DEVICE]};
    D3DKMT_CLOSEADAPTER close_adapter = {world.handles[WORLD_ADAPTER]};

    (void)unused;
    /* Whichever wins: the late call may be the one that closes the adapter. */
    (void)tour_call(process, D3DKMT_OP_DestroyDevice, &destroy);
    (void)tour_call(process, D3DKMT_OP_CloseAdapter, &close_adapter);
    return (void *)(uintptr_t)tour_run(liar, false, NULL);
}

static bool hold_one(const struct every_call *one)
{
    pthread_t caller_thread, breaker_thread;
    void *failures;
    bool held;

    process = liar_process(liar, false);
    world_create(&world, tour_call, process);
    assert_int_equal(world.failures, 0);
    late.call = one;
    late.started = late.held = late.done = late.released = false;
    memset(late.explanation, 0, sizeof(late.explanation));
    every_call_fill(one, &world, late.args);
    assert_int_equal(pthread_create(&caller_thread, NULL, caller, NULL), 0);
    pthread_mutex_lock(&late.mutex);
    while (!late.held && !late.done)
        pthread_cond_wait(&late.condition, &late.mutex);
    held = late.held;
    pthread_mutex_unlock(&late.mutex);
    assert_int_equal(pthread_create(&breaker_thread, NULL, breaker, NULL), 0);
    /* Time for the breaker to get as far as it can; right without it, but less is tried. */
    usleep(2000);
    tell(&late.released);
    pthread_join(caller_thread, NULL);
    pthread_join(breaker_thread, &failures);
    if (NT_SUCCESS(late.status))
        every_call_close(one, late.args);
    if (failures)
        fail_msg("%s late: %u calls of another process fail", one->name,
                 (unsigned)(uintptr_t)failures);
    if (!NT_SUCCESS(late.status) && !late.explanation[0])
        fail_msg("%s late: 0x%x without a word", one->name, (unsigned)late.status);
    world_destroy(&world);
    d3dkmti_guest_process_close(process);
    if (host_object_count(liar->real.host) != 0)
        fail_msg("%s late: %u objects are left on the host", one->name,
                 host_object_count(liar->real.host));
    return held;
}

static void every_reply_late(void **state)
{
    struct host_config config;
    const char *failure = NULL;
    unsigned held = 0, mappings, descriptors;

    memset(&config, 0, sizeof(config));
    config.async_messages = *state != NULL;
    liar = liar_open(&config);
    assert_int_equal(tour_run(liar, false, &failure), 0);
    mappings = held_mappings();
    descriptors = held_descriptors();
    liar_listen(liar, hold, NULL);
    for (size_t i = 0; i < every_call_count; i++)
        held += hold_one(&every_call[i]);
    liar_listen(liar, NULL, NULL);
    print_message("%u of %zu calls held\n", held, every_call_count);
    assert_true(held > every_call_count / 3);
    assert_int_equal(tour_run(liar, false, &failure), 0);
    assert_int_equal(held_mappings(), mappings);
    assert_int_equal(held_descriptors(), descriptors);
    liar_close(liar);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        {"every_reply_late, sync", every_reply_late, NULL, NULL, NULL},
        {"every_reply_late, async", every_reply_late, NULL, NULL, (void *)"async"},
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
