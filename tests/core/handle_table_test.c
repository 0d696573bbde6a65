/* SPDX-License-Identifier: MIT */
#include "test.h"

#include "core/pool.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

struct object {
    struct reference reference;
    int value;
};

static struct handle_table table;

static int set_up(void **state)
{
    (void)state;
    return handle_table_init(&table) == STATUS_SUCCESS ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    handle_table_destroy(&table);
    return 0;
}

static D3DKMT_HANDLE handle_of(unsigned unique, unsigned index, unsigned instance)
{
    return unique << HANDLE_UNIQUE_SHIFT | index << HANDLE_INDEX_SHIFT | instance;
}

static NTSTATUS insert(D3DKMT_HANDLE handle, enum handle_type type, void *object)
{
    struct handle_insertion insertion = {handle, type, object};

    return handle_table_insert(&table, &insertion, 1);
}

static void first_handles_have_the_drivers_values(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 2000; i++)
        assert_int_equal(handle_table_allocate(&table, HANDLE_TYPE_ADAPTER, &table),
                         0x40000000 + 64 * i);
}

static void a_freed_index_comes_back_after_all_others(void **state)
{
    D3DKMT_HANDLE first = 0;

    (void)state;
    for (unsigned i = 0; i < 100; i++)
        handle_table_allocate(&table, HANDLE_TYPE_ADAPTER, &table);
    first = 0x40000000;
    assert_true(handle_table_remove(&table, first, HANDLE_TYPE_ADAPTER, NULL));
    /* 924 indices of the first 1024 were free before it; growth adds more in front of nothing. */
    unsigned allocations = 0;
    D3DKMT_HANDLE handle;
    do {
        handle = handle_table_allocate(&table, HANDLE_TYPE_ADAPTER, &table);
        allocations++;
    } while ((handle >> HANDLE_INDEX_SHIFT & 0xffffff) != 0 && allocations < 5000);
    assert_int_equal(allocations, 925);
    assert_int_equal(handle, 0x80000000);
}

static void a_stale_handle_stays_dead_for_three_lives(void **state)
{
    (void)state;
    D3DKMT_HANDLE lives[4];
    unsigned seen = 0;

    /* One index, over and over: 1024 indices are in the round. */
    for (unsigned i = 0; seen < 4; i++) {
        D3DKMT_HANDLE handle = handle_table_allocate(&table, HANDLE_TYPE_ADAPTER, &table);

        if ((handle >> HANDLE_INDEX_SHIFT & 0xffffff) == 7) {
            for (unsigned j = seen > 2 ? seen - 2 : 0; j < seen; j++)
                assert_null(handle_table_lookup(&table, lives[j], HANDLE_TYPE_ADAPTER));
            lives[seen++] = handle;
        }
        assert_true(handle_table_remove(&table, handle, HANDLE_TYPE_ADAPTER, NULL));
        assert_null(handle_table_lookup(&table, handle, HANDLE_TYPE_ADAPTER));
    }
    assert_int_not_equal(lives[0], lives[1]);
    assert_int_not_equal(lives[1], lives[2]);
    assert_int_equal(lives[0], lives[3]);
}

static void lookup_ignores_instance_bits_only(void **state)
{
    int object;

    (void)state;
    assert_int_equal(insert(handle_of(2, 9, 0), HANDLE_TYPE_DEVICE, &object), STATUS_SUCCESS);
    for (unsigned instance = 0; instance < 64; instance++)
        assert_ptr_equal(handle_table_lookup(&table, handle_of(2, 9, instance), HANDLE_TYPE_DEVICE),
                         &object);
    for (unsigned unique = 0; unique < 4; unique++) {
        if (unique != 2)
            assert_null(handle_table_lookup(&table, handle_of(unique, 9, 0), HANDLE_TYPE_DEVICE));
    }
    assert_null(handle_table_lookup(&table, handle_of(2, 8, 0), HANDLE_TYPE_DEVICE));
    assert_null(handle_table_lookup(&table, handle_of(2, 0xffffff, 0), HANDLE_TYPE_DEVICE));
}

static void lookup_tells_every_pair_of_types_apart(void **state)
{
    static const enum handle_type types[] = {
        HANDLE_TYPE_ADAPTER,      HANDLE_TYPE_DEVICE,   HANDLE_TYPE_RESOURCE,
        HANDLE_TYPE_ALLOCATION,   HANDLE_TYPE_CONTEXT,  HANDLE_TYPE_SYNC_OBJECT,
        HANDLE_TYPE_PAGING_QUEUE, HANDLE_TYPE_HW_QUEUE, HANDLE_TYPE_QUEUE_FENCE,
    };

    (void)state;
    for (unsigned i = 0; i < COUNT(types); i++)
        assert_int_equal(insert(handle_of(1, i + 1, 0), types[i], &table), STATUS_SUCCESS);
    for (unsigned i = 0; i < COUNT(types); i++) {
        assert_int_equal(handle_table_type(&table, handle_of(1, i + 1, 0)), types[i]);
        for (unsigned j = 0; j < COUNT(types); j++) {
            void *found = handle_table_lookup(&table, handle_of(1, i + 1, 0), types[j]);

            assert_int_equal(found != NULL, i == j);
        }
    }
}

static void insertion_refuses_what_cannot_be(void **state)
{
    (void)state;
    assert_int_equal(insert(0, HANDLE_TYPE_DEVICE, &table), STATUS_INVALID_PARAMETER);
    assert_int_equal(insert(handle_of(1, HANDLE_INDEX_LIMIT, 0), HANDLE_TYPE_DEVICE, &table),
                     STATUS_INVALID_PARAMETER);
    assert_int_equal(insert(handle_of(1, HANDLE_INDEX_LIMIT - 1, 0), HANDLE_TYPE_DEVICE, &table),
                     STATUS_SUCCESS);
    assert_int_equal(insert(handle_of(2, HANDLE_INDEX_LIMIT - 1, 0), HANDLE_TYPE_CONTEXT, &table),
                     STATUS_INVALID_PARAMETER);
}

static void insertion_of_many_is_all_or_nothing(void **state)
{
    struct handle_insertion insertions[16];

    (void)state;
    for (unsigned i = 0; i < COUNT(insertions); i++)
        insertions[i] =
            (struct handle_insertion){handle_of(1, 100 + i, 0), HANDLE_TYPE_ALLOCATION, &table};
    assert_int_equal(insert(handle_of(3, 110, 0), HANDLE_TYPE_DEVICE, &table), STATUS_SUCCESS);
    assert_int_equal(handle_table_insert(&table, insertions, COUNT(insertions)),
                     STATUS_INVALID_PARAMETER);
    for (unsigned i = 0; i < COUNT(insertions); i++)
        assert_null(handle_table_lookup(&table, insertions[i].handle, HANDLE_TYPE_ALLOCATION));
    assert_non_null(handle_table_lookup(&table, handle_of(3, 110, 0), HANDLE_TYPE_DEVICE));
}

static void a_table_that_is_full_can_be_freed_and_filled(void **state)
{
    (void)state;
    for (unsigned i = 1; i <= 1024; i++)
        assert_int_equal(insert(handle_of(1, i, 0), HANDLE_TYPE_DEVICE, &table), STATUS_SUCCESS);
    assert_true(handle_table_remove(&table, handle_of(1, 512, 0), HANDLE_TYPE_DEVICE, NULL));
    assert_int_equal(insert(handle_of(2, 512, 0), HANDLE_TYPE_DEVICE, &table), STATUS_SUCCESS);
    for (unsigned i = 0; i < 1024; i++) {
        unsigned index = (i * 389) % 1024 + 1; /* each once, in no order */

        assert_true(handle_table_remove(&table, handle_of(index == 512 ? 2 : 1, index, 0),
                                        HANDLE_TYPE_DEVICE, NULL));
        assert_false(handle_table_remove(&table, handle_of(index == 512 ? 2 : 1, index, 0),
                                         HANDLE_TYPE_DEVICE, NULL));
    }
}

static void removal_needs_the_right_type(void **state)
{
    int object;
    void *found = NULL;

    (void)state;
    insert(handle_of(1, 3, 0), HANDLE_TYPE_DEVICE, &object);
    assert_false(handle_table_remove(&table, handle_of(1, 3, 0), HANDLE_TYPE_CONTEXT, &found));
    assert_true(handle_table_remove(&table, handle_of(1, 3, 0), HANDLE_TYPE_DEVICE, &found));
    assert_ptr_equal(found, &object);
}

/* ---- threads */

static struct pool pool;
static atomic_int live_objects;
static atomic_bool stop;

static void destroy_object(struct reference *reference)
{
    struct object *object = (struct object *)reference;

    assert_int_equal(object->value, 42);
    object->value = 0;
    atomic_fetch_sub(&live_objects, 1);
    pool_put(&pool, object);
}

static void *replace_objects(void *argument)
{
    D3DKMT_HANDLE handle = handle_of(1, 5, 0);

    (void)argument;
    for (int i = 0; i < 20000; i++) {
        struct object *object = pool_get(&pool);
        void *removed = NULL;

        atomic_fetch_add(&live_objects, 1);
        object->value = 42;
        reference_init(&object->reference, destroy_object);
        struct handle_insertion insertion = {handle, HANDLE_TYPE_DEVICE, object};
        handle_table_insert(&table, &insertion, 1);
        handle_table_remove(&table, handle, HANDLE_TYPE_DEVICE, &removed);
        reference_release(removed);
    }
    atomic_store(&stop, true);
    return NULL;
}

static void *use_objects(void *argument)
{
    unsigned *uses = argument;

    while (!atomic_load(&stop)) {
        struct object *object =
            handle_table_acquire(&table, handle_of(1, 5, 0), HANDLE_TYPE_DEVICE);

        if (object) {
            assert_int_equal(object->value, 42);
            reference_release(&object->reference);
            ++*uses;
        }
    }
    return NULL;
}

static void acquired_objects_outlive_their_handle(void **state)
{
    pthread_t writer, readers[3];
    unsigned uses[3] = {0};

    (void)state;
    atomic_store(&stop, false);
    pool_init(&pool, sizeof(struct object));
    for (int i = 0; i < 3; i++)
        pthread_create(&readers[i], NULL, use_objects, &uses[i]);
    pthread_create(&writer, NULL, replace_objects, NULL);
    pthread_join(writer, NULL);
    for (int i = 0; i < 3; i++)
        pthread_join(readers[i], NULL);
    assert_int_equal(atomic_load(&live_objects), 0);
    pool_destroy(&pool);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(first_handles_have_the_drivers_values),
        TEST(a_freed_index_comes_back_after_all_others),
        TEST(a_stale_handle_stays_dead_for_three_lives),
        TEST(lookup_ignores_instance_bits_only),
        TEST(lookup_tells_every_pair_of_types_apart),
        TEST(insertion_refuses_what_cannot_be),
        TEST(insertion_of_many_is_all_or_nothing),
        TEST(a_table_that_is_full_can_be_freed_and_filled),
        TEST(removal_needs_the_right_type),
        TEST(acquired_objects_outlive_their_handle),
    };
#undef TEST

    return cmocka_run_group_tests(tests, NULL, NULL);
}
