/* SPDX-License-Identifier: MIT */
/* Many threads at the same thing: the first call of all, and nested locks of one allocation. */
#include "client.h"
#include "gpu.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

/* ---- first calls ----------------------------------------------------------------------------- */

enum { FIRST_CALLERS = 64 };

struct caller {
    pthread_t thread;
    D3DKMT_ADAPTERINFO adapter;
    NTSTATUS status;
};

static pthread_barrier_t barrier;

static void *call_first(void *context)
{
    struct caller *caller = context;
    D3DKMT_ENUMADAPTERS2 list;

    memset(&list, 0, sizeof(list));
    list.NumAdapters = 1;
    list.pAdapters = &caller->adapter;
    pthread_barrier_wait(&barrier);
    caller->status = D3DKMTEnumAdapters2(&list);
    return NULL;
}

static NTSTATUS create_device(D3DKMT_HANDLE adapter, D3DKMT_HANDLE *device)
{
    D3DKMT_CREATEDEVICE create;

    memset(&create, 0, sizeof(create));
    create.hAdapter = adapter;
    NTSTATUS status = D3DKMTCreateDevice(&create);
    *device = create.hDevice;
    return status;
}

static void first_calls_at_once_open_one_backend(void **state)
{
    struct caller callers[FIRST_CALLERS];
    D3DKMT_HANDLE devices[FIRST_CALLERS];

    setenv("D3DKMT_BACKEND", *state ? *state : "loopback", 1);
    for (int round = 0; round < 10; round++) {
        pthread_barrier_init(&barrier, NULL, FIRST_CALLERS);
        memset(callers, 0, sizeof(callers));
        for (int i = 0; i < FIRST_CALLERS; i++)
            assert_int_equal(pthread_create(&callers[i].thread, NULL, call_first, &callers[i]), 0);
        for (int i = 0; i < FIRST_CALLERS; i++)
            pthread_join(callers[i].thread, NULL);
        pthread_barrier_destroy(&barrier);
        /* One process object: this thread uses the handles of all, and they are all different. */
        for (int i = 0; i < FIRST_CALLERS; i++) {
            assert_success(callers[i].status);
            assert_success(create_device(callers[i].adapter.hAdapter, &devices[i]));
            assert_success(client_ask(devices[i]));
            for (int other = 0; other < i; other++) {
                assert_int_not_equal(callers[i].adapter.hAdapter, callers[other].adapter.hAdapter);
                assert_int_not_equal(devices[i], devices[other]);
            }
        }
        D3DKMTCloseDxCoreDevice();
    }
}

/* ---- locks ----------------------------------------------------------------------------------- */

enum { LOCKERS = 16, LOCKS = 500 };

static struct client_gpu gpu;

static int set_up(void **state)
{
    if (!NT_SUCCESS(d3dkmt_open(*state ? *state : "loopback")))
        return -1;
    return NT_SUCCESS(client_gpu_open(&gpu)) ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    client_gpu_close(&gpu);
    D3DKMTCloseDxCoreDevice();
    return 0;
}

static NTSTATUS lock(void **data)
{
    D3DKMT_LOCK2 args;

    memset(&args, 0, sizeof(args));
    args.hDevice = gpu.umd.device;
    args.hAllocation = gpu.target.allocation;
    NTSTATUS status = D3DKMTLock2(&args);
    *data = args.pData;
    return status;
}

static NTSTATUS unlock(void)
{
    const D3DKMT_UNLOCK2 args = {gpu.umd.device, gpu.target.allocation};

    return D3DKMTUnlock2(&args);
}

/* Two deep, each thread on a word of its own. */
static void *lock_and_unlock(void *context)
{
    unsigned index = (unsigned)(uintptr_t)context;

    for (uint32_t i = 0; i < LOCKS; i++) {
        void *outer, *inner;

        if (!NT_SUCCESS(lock(&outer)) || !NT_SUCCESS(lock(&inner)))
            return "a lock failed";
        if (outer != gpu.target.cpu || inner != outer)
            return "a lock led elsewhere";
        ((uint32_t *)inner)[index] = i;
        if (!NT_SUCCESS(unlock()))
            return "an inner unlock failed";
        if (((uint32_t *)outer)[index] != i)
            return "a word was lost";
        if (!NT_SUCCESS(unlock()))
            return "an outer unlock failed";
    }
    return NULL;
}

/* All of them at once; the failure's reason or NULL. */
static const char *run_lockers(void *(*body)(void *))
{
    pthread_t threads[LOCKERS];
    const char *first = NULL;
    void *complaint;

    for (uintptr_t i = 0; i < LOCKERS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, body, (void *)i), 0);
    for (int i = 0; i < LOCKERS; i++) {
        pthread_join(threads[i], &complaint);
        if (complaint)
            first = complaint;
    }
    return first;
}

/* The set-up holds a lock as well. */
static void nested_locks_give_one_stable_pointer(void **state)
{
    const char *complaint = run_lockers(lock_and_unlock);

    (void)state;
    if (complaint)
        fail_msg("%s", complaint);
    ((uint32_t *)gpu.target.cpu)[0] = 1;
    assert_success(client_gpu_run(&gpu, 0x600d));
    assert_success(unlock());
    assert_fails(unlock(), STATUS_INVALID_PARAMETER);
}

/* Nothing else holds the allocation: the mapping comes and goes under the threads. */
static void *lock_from_nothing(void *context)
{
    unsigned index = (unsigned)(uintptr_t)context;

    for (uint32_t i = 0; i < LOCKS; i++) {
        void *data;

        if (!NT_SUCCESS(lock(&data)))
            return "a lock failed";
        ((uint32_t *)data)[index] = i;
        if (((uint32_t *)data)[index] != i)
            return "a word was lost";
        if (!NT_SUCCESS(unlock()))
            return "an unlock failed";
    }
    return NULL;
}

static void last_unlocks_race_with_first_locks(void **state)
{
    void *data;

    (void)state;
    assert_success(unlock());
    const char *complaint = run_lockers(lock_from_nothing);
    if (complaint)
        fail_msg("%s", complaint);
    assert_fails(unlock(), STATUS_INVALID_PARAMETER);
    assert_success(lock(&data));
    for (unsigned i = 0; i < LOCKERS; i++)
        assert_int_equal(((const uint32_t *)data)[i], LOCKS - 1);
}

int main(void)
{
    static char async[] = "loopback:async";
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
#define TEST_ASYNC(name)                                                                           \
    {                                                                                              \
#name " (async)", name, set_up, tear_down, async                                           \
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(first_calls_at_once_open_one_backend),
        cmocka_unit_test_prestate(first_calls_at_once_open_one_backend, async),
        TEST(nested_locks_give_one_stable_pointer),
        TEST(last_unlocks_race_with_first_locks),
        TEST_ASYNC(nested_locks_give_one_stable_pointer),
        TEST_ASYNC(last_unlocks_race_with_first_locks),
    };
#undef TEST

    return cmocka_run_group_tests(tests, NULL, NULL);
}
