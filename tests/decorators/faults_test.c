/* SPDX-License-Identifier: MIT */
/* Fault plans around a backend that is none of the library's own. */
#include "core/memory.h"

#include <d3dkmt/backend.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

static unsigned calls;

static NTSTATUS plain_open(const struct d3dkmt_backend_services *services, const char *options,
                           void **instance)
{
    (void)services, (void)options;
    *instance = NULL;
    return STATUS_SUCCESS;
}

/* Every operation allocates twice. */
static NTSTATUS plain_call(void *instance, const struct d3dkmt_op *op, void *args)
{
    void *first = d3dkmti_malloc(8), *second = d3dkmti_calloc(1, 8);
    NTSTATUS status = first && second ? STATUS_SUCCESS : STATUS_NO_MEMORY;

    (void)instance, (void)op, (void)args;
    calls++;
    free(first);
    free(second);
    return status;
}

static bool plain_supports(void *instance, const struct d3dkmt_op *op)
{
    (void)instance, (void)op;
    return true;
}

static void plain_close(void *instance)
{
    (void)instance;
}

static const struct d3dkmt_backend plain = {
    .abi_version = D3DKMT_BACKEND_ABI_VERSION,
    .size = sizeof(plain),
    .name = "plain",
    .open = plain_open,
    .call = plain_call,
    .supports = plain_supports,
    .close = plain_close,
};

static NTSTATUS create_device(void)
{
    D3DKMT_CREATEDEVICE create = {.hAdapter = 1};

    return D3DKMTCreateDevice(&create);
}

static NTSTATUS destroy_device(void)
{
    const D3DKMT_DESTROYDEVICE destroy = {1};

    return D3DKMTDestroyDevice(&destroy);
}

static void set(const char *text)
{
    assert_int_equal(d3dkmt_set_faults(text), STATUS_SUCCESS);
    calls = 0;
}

static int set_up(void **state)
{
    (void)state;
    return NT_SUCCESS(d3dkmt_open("plain")) ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    D3DKMTCloseDxCoreDevice();
    return NT_SUCCESS(d3dkmt_set_faults(NULL)) ? 0 : -1;
}

static void a_status_is_returned_and_nothing_done(void **state)
{
    (void)state;
    set("op=CreateDevice,after=1,times=1,status=STATUS_ACCESS_DENIED");
    assert_int_equal(create_device(), STATUS_SUCCESS);
    assert_int_equal(destroy_device(), STATUS_SUCCESS);
    assert_int_equal(d3dkmt_faults_struck(), 0);
    assert_int_equal(create_device(), STATUS_ACCESS_DENIED);
    assert_int_equal(calls, 2);
    assert_int_equal(d3dkmt_faults_struck(), 1);
    assert_non_null(strstr(d3dkmt_last_error(), "D3DKMTCreateDevice (plain): the fault plan"));
    assert_int_equal(create_device(), STATUS_SUCCESS);
}

static void without_a_plan_all_is_well(void **state)
{
    (void)state;
    set("op=*,status=STATUS_NO_MEMORY");
    assert_int_equal(create_device(), STATUS_NO_MEMORY);
    set(NULL);
    assert_int_equal(create_device(), STATUS_SUCCESS);
    assert_int_equal(d3dkmt_faults_struck(), 0);
}

static void a_wrong_plan_leaves_the_one_before(void **state)
{
    (void)state;
    set("op=*,status=STATUS_NO_MEMORY");
    assert_int_equal(d3dkmt_set_faults("op=*,statut=1"), STATUS_INVALID_PARAMETER);
    assert_non_null(strstr(d3dkmt_last_error(), "d3dkmt_set_faults: fault plan, character 6,"));
    assert_int_equal(create_device(), STATUS_NO_MEMORY);
}

static void a_delay_comes_before(void **state)
{
    struct timespec before, after;

    (void)state;
    set("op=CreateDevice,delay=30");
    clock_gettime(CLOCK_MONOTONIC, &before);
    assert_int_equal(create_device(), STATUS_SUCCESS);
    clock_gettime(CLOCK_MONOTONIC, &after);
    int64_t passed =
        (after.tv_sec - before.tv_sec) * 1000 + (after.tv_nsec - before.tv_nsec) / 1000000;
    assert_true(passed >= 29);
    assert_int_equal(d3dkmt_faults_struck(), 1);
}

static void a_removed_adapter_stays_away(void **state)
{
    (void)state;
    set("op=CreateDevice,after=1,times=1,removed");
    assert_int_equal(create_device(), STATUS_SUCCESS);
    assert_int_equal(create_device(), STATUS_DEVICE_REMOVED);
    assert_int_equal(create_device(), STATUS_DEVICE_REMOVED);
    assert_int_equal(calls, 1);
    /* What is given back is. */
    assert_int_equal(destroy_device(), STATUS_SUCCESS);
    assert_int_equal(calls, 2);
    set("op=Evict,removed");
    assert_int_equal(create_device(), STATUS_SUCCESS);
}

static void the_named_allocation_fails(void **state)
{
    (void)state;
    for (unsigned number = 1; number <= 3; number++) {
        char text[] = "op=CreateDevice,times=1,allocation=0";

        text[sizeof(text) - 2] = (char)('0' + number);
        set(text);
        bool is_there = number <= 2;
        assert_int_equal(create_device(), is_there ? STATUS_NO_MEMORY : STATUS_SUCCESS);
        assert_int_equal(d3dkmt_faults_struck(), is_there);
        assert_int_equal(create_device(), STATUS_SUCCESS);
    }
}

/* In a process that has no plan yet. */
static int run_with_environment(const char *text, int (*run)(void))
{
    int result;
    pid_t child = fork();

    if (child == 0) {
        setenv("D3DKMT_FAULTS", text, 1);
        _exit(run());
    }
    assert_true(child > 0);
    assert_int_equal(waitpid(child, &result, 0), child);
    assert_true(WIFEXITED(result));
    return WEXITSTATUS(result);
}

static int is_refused(void)
{
    for (int i = 0; i < 2; i++) {
        if (d3dkmt_open("plain") != STATUS_INVALID_PARAMETER ||
            !strstr(d3dkmt_last_error(), "character 1, \"nonsense\""))
            return 1;
        if (create_device() != STATUS_INVALID_PARAMETER)
            return 2;
    }
    return 0;
}

static int is_obeyed(void)
{
    if (d3dkmt_open("plain") != STATUS_SUCCESS || create_device() != STATUS_SUCCESS)
        return 1;
    /* It is read once: another opening goes on counting. */
    D3DKMTCloseDxCoreDevice();
    if (d3dkmt_open("plain") != STATUS_SUCCESS || create_device() != (NTSTATUS)0xC0000123)
        return 2;
    return 0;
}

static int is_overruled(void)
{
    if (d3dkmt_set_faults("op=*,status=STATUS_ACCESS_DENIED") != STATUS_SUCCESS)
        return 1;
    return d3dkmt_open("plain") == STATUS_SUCCESS && create_device() == STATUS_ACCESS_DENIED ? 0
                                                                                             : 2;
}

/* First of all, while no plan has been set in this process. */
static void the_environment_has_a_plan(void **state)
{
    (void)state;
    assert_int_equal(run_with_environment("nonsense", is_refused), 0);
    assert_int_equal(run_with_environment("op=CreateDevice,after=1,status=0xC0000123", is_obeyed),
                     0);
    assert_int_equal(run_with_environment("nonsense", is_overruled), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_environment_has_a_plan),
        cmocka_unit_test_setup_teardown(a_status_is_returned_and_nothing_done, set_up, tear_down),
        cmocka_unit_test_setup_teardown(without_a_plan_all_is_well, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_wrong_plan_leaves_the_one_before, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_delay_comes_before, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_removed_adapter_stays_away, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_named_allocation_fails, set_up, tear_down),
    };

    if (!NT_SUCCESS(d3dkmt_register_backend(&plain)))
        return 1;
    return cmocka_run_group_tests_name("faults", tests, NULL, NULL);
}
