/* SPDX-License-Identifier: MIT */
/* Dispatch on a backend of the test's own: opening, closing, forking, failing. */
#include "test.h"

#include "core/last_error.h"

#include <d3dkmt/backend.h>

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static struct {
    atomic_int opens, closes, calls, forks;
    atomic_bool in_wait, interrupted;
    const struct d3dkmt_op *op;
    char options[64];
    const struct d3dkmt_backend_services *services;
} fake;

static NTSTATUS fake_open(const struct d3dkmt_backend_services *services, const char *options,
                          void **instance)
{
    fake.services = services;
    if (strcmp(options, "refuse") == 0)
        return services->fail_with(STATUS_ACCESS_DENIED, "asked to refuse");
    strncpy(fake.options, options, sizeof(fake.options) - 1);
    atomic_fetch_add(&fake.opens, 1);
    atomic_store(&fake.interrupted, false);
    *instance = &fake;
    return STATUS_SUCCESS;
}

static NTSTATUS fake_call(void *instance, const struct d3dkmt_op *op, void *args)
{
    assert_ptr_equal(instance, &fake);
    atomic_fetch_add(&fake.calls, 1);
    if (op->id == D3DKMT_OP_CreateDevice) {
        ((D3DKMT_CREATEDEVICE *)args)->hDevice = 77;
        return STATUS_SUCCESS;
    }
    if (op->id == D3DKMT_OP_Evict)
        return fake.services->fail_with(STATUS_INVALID_PARAMETER, "hDevice %u is unknown",
                                        ((D3DKMT_EVICT *)args)->hDevice);
    if (op->id == D3DKMT_OP_WaitForSynchronizationObjectFromCpu) {
        atomic_store(&fake.in_wait, true);
        while (!atomic_load(&fake.interrupted))
            usleep(100);
        return STATUS_DEVICE_REMOVED;
    }
    if (op->id == D3DKMT_OP_CreateSynchronizationObject2)
        fake.op = op;
    return STATUS_NOT_SUPPORTED;
}

static bool fake_supports(void *instance, const struct d3dkmt_op *op)
{
    (void)instance;
    return op->id == D3DKMT_OP_CreateDevice;
}

static void fake_interrupt(void *instance)
{
    (void)instance;
    atomic_store(&fake.interrupted, true);
}

static void fake_close(void *instance)
{
    (void)instance;
    atomic_fetch_add(&fake.closes, 1);
}

static void fake_after_fork(void *instance)
{
    (void)instance;
    atomic_fetch_add(&fake.forks, 1);
}

static const struct d3dkmt_backend fake_backend = {
    .abi_version = D3DKMT_BACKEND_ABI_VERSION,
    .size = sizeof(fake_backend),
    .name = "fake",
    .description = "a test's backend",
    .open = fake_open,
    .call = fake_call,
    .supports = fake_supports,
    .interrupt = fake_interrupt,
    .close = fake_close,
    .after_fork = fake_after_fork,
};

static int set_up(void **state)
{
    (void)state;
    return d3dkmt_open("fake:x=1,y") == STATUS_SUCCESS ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    D3DKMTCloseDxCoreDevice();
    return 0;
}

static void calls_reach_the_backend(void **state)
{
    D3DKMT_CREATEDEVICE create;

    (void)state;
    memset(&create, 0, sizeof(create));
    assert_int_equal(D3DKMTCreateDevice(&create), STATUS_SUCCESS);
    assert_int_equal(create.hDevice, 77);
    assert_string_equal(fake.options, "x=1,y");
}

static void failures_are_told_in_words(void **state)
{
    D3DKMT_EVICT evict;

    (void)state;
    memset(&evict, 0, sizeof(evict));
    evict.hDevice = 5;
    assert_int_equal(D3DKMTEvict(&evict), STATUS_INVALID_PARAMETER);
    assert_string_equal(d3dkmt_last_error(), "D3DKMTEvict (fake): hDevice 5 is unknown; "
                                             "STATUS_INVALID_PARAMETER (0xC000000D)");
}

static void null_arguments_do_not_reach_the_backend(void **state)
{
    int calls = atomic_load(&fake.calls);

    (void)state;
#define CALL_WITH_NULL_DIRECT(name)                                                                \
    assert_int_equal(D3DKMT##name(NULL), STATUS_INVALID_PARAMETER);                                \
    assert_non_null(strstr(d3dkmt_last_error(), "D3DKMT" #name));
#define CALL_WITH_NULL_ADAPTED(name)
#define CALL_WITH_NULL(name, type, qualifier, number, family, form, flags)                         \
    CALL_WITH_NULL_##form(name)
    D3DKMT_OPS(CALL_WITH_NULL)
    assert_int_equal(D3DKMTQueryAdapterInfo(NULL), STATUS_INVALID_PARAMETER);
    assert_int_equal(D3DKMTOpenResource(NULL), STATUS_INVALID_PARAMETER);
    assert_int_equal(D3DKMTQueryStatistics(NULL), STATUS_INVALID_PARAMETER);
    assert_int_equal(D3DKMTDestroyAllocation(NULL), STATUS_INVALID_PARAMETER);
    assert_int_equal(D3DKMTCreateSynchronizationObject(NULL), STATUS_INVALID_PARAMETER);
    assert_int_equal(D3DKMTSignalSynchronizationObject(NULL), STATUS_INVALID_PARAMETER);
    assert_int_equal(D3DKMTWaitForSynchronizationObject(NULL), STATUS_INVALID_PARAMETER);
    assert_int_equal(D3DKMTShareObjectsInternal(NULL), STATUS_INVALID_PARAMETER);
    assert_int_equal(atomic_load(&fake.calls), calls);
}

static void first_versions_make_mutexes_and_semaphores_only(void **state)
{
    D3DKMT_CREATESYNCHRONIZATIONOBJECT create;

    (void)state;
    memset(&create, 0, sizeof(create));
    create.Info.Type = D3DDDI_SEMAPHORE;
    fake.op = NULL;
    assert_int_equal(D3DKMTCreateSynchronizationObject(&create), STATUS_NOT_SUPPORTED);
    assert_ptr_equal(fake.op, d3dkmt_find_op(D3DKMT_OP_CreateSynchronizationObject2));
    fake.op = NULL;
    create.Info.Type = D3DDDI_MONITORED_FENCE;
    assert_int_equal(D3DKMTCreateSynchronizationObject(&create), STATUS_INVALID_PARAMETER);
    assert_null(fake.op);
}

static void support_is_the_backends_word(void **state)
{
    (void)state;
    assert_true(d3dkmt_op_supported(D3DKMT_OP_CreateDevice));
    assert_false(d3dkmt_op_supported(D3DKMT_OP_Evict));
    assert_false(d3dkmt_op_supported(D3DKMT_OP_COUNT));
}

static void a_second_open_is_refused(void **state)
{
    struct d3dkmt_backend_info info;

    (void)state;
    assert_int_equal(d3dkmt_open("fake"), STATUS_OBJECT_NAME_COLLISION);
    assert_int_equal(d3dkmt_describe_backend(&info), STATUS_SUCCESS);
    assert_string_equal(info.name, "fake");
    assert_string_equal(info.specification, "fake:x=1,y");
}

static void bad_specifications_open_nothing(void **state)
{
    char longest[2000];

    (void)state;
    D3DKMTCloseDxCoreDevice();
    memset(longest, 'a', sizeof(longest));
    longest[sizeof(longest) - 1] = '\0';
    assert_int_equal(d3dkmt_open("fake:refuse"), STATUS_ACCESS_DENIED);
    assert_non_null(strstr(d3dkmt_last_error(), "asked to refuse"));
    assert_int_equal(d3dkmt_open(""), STATUS_INVALID_PARAMETER);
    assert_int_equal(d3dkmt_open("../../x"), STATUS_INVALID_PARAMETER);
    assert_int_equal(d3dkmt_open(longest), STATUS_INVALID_PARAMETER);
    assert_int_equal(d3dkmt_open("no-such-backend"), STATUS_OBJECT_NAME_NOT_FOUND);
    assert_int_equal(d3dkmt_open("fake"), STATUS_SUCCESS);
}

static void *wait_on_cpu(void *argument)
{
    D3DKMT_WAITFORSYNCHRONIZATIONOBJECTFROMCPU wait;

    memset(&wait, 0, sizeof(wait));
    *(NTSTATUS *)argument = D3DKMTWaitForSynchronizationObjectFromCpu(&wait);
    return NULL;
}

static void closing_ends_blocked_calls_first(void **state)
{
    NTSTATUS result = STATUS_SUCCESS;
    int closes = atomic_load(&fake.closes);
    pthread_t thread;

    (void)state;
    atomic_store(&fake.in_wait, false);
    pthread_create(&thread, NULL, wait_on_cpu, &result);
    while (!atomic_load(&fake.in_wait))
        usleep(100);
    D3DKMTCloseDxCoreDevice();
    assert_int_equal(atomic_load(&fake.closes), closes + 1);
    pthread_join(thread, NULL);
    assert_int_equal(result, STATUS_DEVICE_REMOVED);
    D3DKMTCloseDxCoreDevice(); /* nothing is open: nothing happens */
    assert_int_equal(atomic_load(&fake.closes), closes + 1);
}

static void a_forked_child_starts_afresh(void **state)
{
    D3DKMT_CREATEDEVICE create;
    int status;

    (void)state;
    memset(&create, 0, sizeof(create));
    setenv("D3DKMT_BACKEND", "fake:child", 1);
    pid_t child = fork();
    if (child == 0) {
        bool fresh = atomic_load(&fake.forks) == 1 &&
                     D3DKMTCreateDevice(&create) == STATUS_SUCCESS &&
                     strcmp(fake.options, "child") == 0;

        _exit(fresh ? 0 : 1);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    unsetenv("D3DKMT_BACKEND");
    assert_string_equal(fake.options, "x=1,y");
    assert_int_equal(D3DKMTCreateDevice(&create), STATUS_SUCCESS);
}

/* ---- open and close under load */

static atomic_bool stop;

static void *call_in_a_loop(void *argument)
{
    D3DKMT_CREATEDEVICE create;

    (void)argument;
    memset(&create, 0, sizeof(create));
    while (!atomic_load(&stop)) {
        NTSTATUS status = D3DKMTCreateDevice(&create);

        if (status != STATUS_SUCCESS && status != STATUS_DEVICE_REMOVED)
            return "a call failed with another status";
    }
    return NULL;
}

static void closing_is_safe_under_load(void **state)
{
    pthread_t threads[4];
    void *complaint;

    (void)state;
    setenv("D3DKMT_BACKEND", "fake", 1);
    atomic_store(&stop, false);
    for (size_t i = 0; i < COUNT(threads); i++)
        pthread_create(&threads[i], NULL, call_in_a_loop, NULL);
    for (int i = 0; i < 200; i++) {
        usleep(200);
        D3DKMTCloseDxCoreDevice();
    }
    atomic_store(&stop, true);
    for (size_t i = 0; i < COUNT(threads); i++) {
        pthread_join(threads[i], &complaint);
        assert_null(complaint);
    }
    D3DKMTCloseDxCoreDevice();
    assert_int_equal(atomic_load(&fake.opens), atomic_load(&fake.closes));
    unsetenv("D3DKMT_BACKEND");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(calls_reach_the_backend),
        TEST(failures_are_told_in_words),
        TEST(null_arguments_do_not_reach_the_backend),
        TEST(first_versions_make_mutexes_and_semaphores_only),
        TEST(support_is_the_backends_word),
        TEST(a_second_open_is_refused),
        TEST(bad_specifications_open_nothing),
        TEST(closing_ends_blocked_calls_first),
        TEST(a_forked_child_starts_afresh),
        TEST(closing_is_safe_under_load),
    };
#undef TEST

    unsetenv("D3DKMT_BACKEND");
    d3dkmt_register_backend(&fake_backend);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
