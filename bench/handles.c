/* SPDX-License-Identifier: MIT */
/* Handle lookups with check of type and generation, beside the plain array load that they replace.
 */
#include "bench.h"

#include "core/handle_table.h"

#include <stdlib.h>

enum { HANDLES = 1024 };

struct object {
    struct reference reference;
};

static struct handle_table table;
static D3DKMT_HANDLE handles[HANDLES];
static void *plain[HANDLES];
static struct object objects[HANDLES];

static void keep(struct reference *reference)
{
    (void)reference; /* the objects are static */
}

static void fill_tables(void)
{
    if (!NT_SUCCESS(handle_table_init(&table)))
        bench_fail("no memory for the handle table");
    for (unsigned i = 0; i < HANDLES; i++) {
        reference_init(&objects[i].reference, keep);
        handles[i] = handle_table_allocate(&table, HANDLE_TYPE_ALLOCATION, &objects[i]);
        plain[i] = &objects[i];
        if (handle_table_lookup(&table, handles[i], HANDLE_TYPE_ALLOCATION) != &objects[i])
            bench_fail("handle 0x%x does not lead to its object", handles[i]);
        if (handle_table_lookup(&table, handles[i], HANDLE_TYPE_CONTEXT))
            bench_fail("handle 0x%x leads to an object of another type", handles[i]);
    }
    /* Handles in no order, as programs use them. */
    srand(1);
    for (unsigned i = HANDLES - 1; i > 0; i--) {
        unsigned other = (unsigned)rand() % (i + 1);
        D3DKMT_HANDLE handle = handles[i];

        handles[i] = handles[other];
        handles[other] = handle;
    }
}

/* Found by the same index as the table's entry, without a question. */
static void load(void *context, uint64_t count)
{
    (void)context;
    for (uint64_t i = 0; i < count; i++) {
        D3DKMT_HANDLE handle = handles[i % HANDLES];

        bench_use((uintptr_t)plain[(handle >> HANDLE_INDEX_SHIFT) % HANDLES]);
    }
}

static void look_up(void *context, uint64_t count)
{
    (void)context;
    for (uint64_t i = 0; i < count; i++)
        bench_use(
            (uintptr_t)handle_table_lookup(&table, handles[i % HANDLES], HANDLE_TYPE_ALLOCATION));
}

static void acquire_and_release(void *context, uint64_t count)
{
    (void)context;
    for (uint64_t i = 0; i < count; i++) {
        struct reference *object =
            handle_table_acquire(&table, handles[i % HANDLES], HANDLE_TYPE_ALLOCATION);

        bench_use((uintptr_t)object);
        reference_release(object);
    }
}

/* The two locked additions that a reference costs at least. */
static void count_up_and_down(void *context, uint64_t count)
{
    (void)context;
    for (uint64_t i = 0; i < count; i++) {
        D3DKMT_HANDLE handle = handles[i % HANDLES];
        struct object *object = plain[(handle >> HANDLE_INDEX_SHIFT) % HANDLES];

        atomic_fetch_add_explicit(&object->reference.count, 1, memory_order_relaxed);
        atomic_fetch_sub_explicit(&object->reference.count, 1, memory_order_acq_rel);
    }
}

int main(int argc, char **argv)
{
    static const struct bench_row rows[] = {
        {{"handle lookup", look_up, NULL, 1}, {"array load", load, NULL, 1}, BENCH_AT_MOST, 5, 0},
        {{"handle lookup, 2 threads at once", look_up, NULL, 2},
         {"handle lookup, 1 thread", look_up, NULL, 1},
         BENCH_AT_MOST,
         5,
         0},
        {{"handle acquire and release", acquire_and_release, NULL, 1},
         {"two atomic additions", count_up_and_down, NULL, 1},
         BENCH_NO_TARGET,
         0,
         0},
        {{"handle acquire and release, 2 threads", acquire_and_release, NULL, 2},
         {"the same without checks", count_up_and_down, NULL, 2},
         BENCH_NO_TARGET,
         0,
         0},
    };

    fill_tables();
    bench_begin(argc, argv, "handle table");
    for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        bench_measure(&rows[i]);
    return bench_end();
}
