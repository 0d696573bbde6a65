/* SPDX-License-Identifier: MIT */
/*
 * Arguments that change while a call is under way: another thread flips a count or a handle between
 * right and wrong. What is checked must be what is used. Wrong counts lead into memory that has
 * room for the largest arrays and no more.
 */
#include "client/bad_input.h"
#include "guest/held.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>

enum { ROUNDS = 150, VALUES = 4 };

static struct {
    pthread_t thread;
    pthread_mutex_t mutex; /* held while the target is written to */
    _Atomic uint32_t *target;
    uint32_t values[VALUES];
    atomic_bool stop;
    unsigned writes;
} flipper = {.mutex = PTHREAD_MUTEX_INITIALIZER};

static void *flip(void *unused)
{
    (void)unused;
    for (unsigned i = 0; !atomic_load(&flipper.stop); i++) {
        pthread_mutex_lock(&flipper.mutex);
        for (unsigned j = 0; flipper.target && j < 64; j++)
            atomic_store_explicit(flipper.target, flipper.values[(i + j) % VALUES],
                                  memory_order_relaxed);
        flipper.writes += flipper.target ? 1 : 0;
        pthread_mutex_unlock(&flipper.mutex);
        sched_yield();
    }
    return NULL;
}

static void aim(void *target)
{
    pthread_mutex_lock(&flipper.mutex);
    flipper.target = target;
    flipper.writes = 0;
    pthread_mutex_unlock(&flipper.mutex);
}

static unsigned writes(void)
{
    pthread_mutex_lock(&flipper.mutex);
    unsigned count = flipper.writes;
    pthread_mutex_unlock(&flipper.mutex);
    return count;
}

/* Arrays are at the scratch memory, which has room for every count that is allowed. */
static void *fill(const struct every_call *call, bool counts)
{
    unsigned char *args = bad_input_fill(call);

    for (unsigned f = 0; counts && f < CALL_FIELDS && call->fields[f].kind; f++) {
        enum field_kind kind = call->fields[f].kind;

        if (kind == FIELD_IN || kind == FIELD_OUT || kind == FIELD_LIST ||
            kind == FIELD_LIST_FOR_HOST)
            memcpy(args + call->fields[f].offset, &bad_world.scratch, sizeof(bad_world.scratch));
    }
    return args;
}

static void try_field(const struct every_call *call, const struct call_field *field,
                      unsigned *outcomes)
{
    unsigned rounds = 0;

    do {
        unsigned char *args = fill(call, field->kind == FIELD_COUNT);
        void *target =
            field->kind == FIELD_COUNT ? args + field->offset : (void *)malform_handle(field, args);
        uint32_t right;

        memcpy(&right, target, sizeof(right));
        flipper.values[0] = right;
        flipper.values[1] = field->kind == FIELD_COUNT ? field->maximum + 1 : 0x41414141;
        flipper.values[2] = right;
        flipper.values[3] = UINT32_MAX;
        aim(target);
        for (unsigned i = 0; i < 4; i++, rounds++) {
            NTSTATUS status = world_public_call(NULL, call->op, args);

            outcomes[NT_SUCCESS(status)]++;
            if (NT_SUCCESS(status))
                every_call_close(call, args);
        }
        rounds += writes() ? 0 : 1; /* with one processor nothing may have been flipped yet */
        aim(NULL);
    } while (rounds < ROUNDS);
}

static void what_is_checked_is_what_is_used(void **state)
{
    unsigned outcomes[2] = {0, 0};

    (void)state;
    atomic_store(&flipper.stop, false);
    assert_int_equal(pthread_create(&flipper.thread, NULL, flip, NULL), 0);
    for (size_t i = 0; i < every_call_count; i++) {
        const struct every_call *call = &every_call[i];

        for (unsigned f = 0; f < CALL_FIELDS && call->fields[f].kind; f++) {
            const struct call_field *field = &call->fields[f];

            if (call->flags & CALL_DESTROYS)
                continue;
            if (field->kind == FIELD_COUNT || field->kind == FIELD_HANDLE)
                try_field(call, field, outcomes);
        }
    }
    atomic_store(&flipper.stop, true);
    pthread_join(flipper.thread, NULL);
    /* Both happened, or nothing was tried. */
    assert_true(outcomes[false] > 0);
    assert_true(outcomes[true] > 0);
}

/* What the calls have made is left to the library's end; the world of before works as it did. */
static unsigned descriptors, mappings;

static int set_up(void **state)
{
    descriptors = held_descriptors();
    mappings = held_mappings();
    return bad_input_set_up(state);
}

static int tear_down(void **state)
{
    (void)state;
    world_destroy(&bad_world);
    if (bad_world.failures)
        print_error("afterwards %s fails\n", bad_world.first_failure);
    D3DKMTCloseDxCoreDevice();
    return bad_world.failures == 0 && held_descriptors() == descriptors &&
                   held_mappings() == mappings
               ? 0
               : -1;
}

int main(void)
{
#define TEST(specification)                                                                        \
    {                                                                                              \
        specification, what_is_checked_is_what_is_used, set_up, tear_down,                         \
            (char *)(uintptr_t)specification                                                       \
    }
    const struct CMUnitTest tests[] = {TEST("loopback"), TEST("loopback:async"),
                                       TEST("loopback:check-pointers"),
                                       TEST("loopback:version=27")};
#undef TEST

    return cmocka_run_group_tests_name("flipping", tests, NULL, NULL);
}
