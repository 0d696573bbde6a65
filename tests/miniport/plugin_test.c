/* SPDX-License-Identifier: MIT */
/* How a miniport is chosen and found, and what is said of those that cannot be used. */
#include <d3dkmt/d3dkmt.h>
#include <d3dkmt/loopback.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

struct choice {
    const char *specification;
    NTSTATUS status;
    const char *explanation;
};

static const struct choice refused[] = {
    {"loopback:miniport=", STATUS_INVALID_PARAMETER, "\"\" is not a miniport's name"},
    {"loopback:miniport=../x", STATUS_INVALID_PARAMETER, "\"../x\" is not a miniport's name"},
    {"loopback:miniport=a123456789b123456789c123456789d123456789e123456789",
     STATUS_INVALID_PARAMETER, "is not a miniport's name"},
    {"loopback:miniport=missing", STATUS_OBJECT_NAME_NOT_FOUND, "there is no miniport \"missing\""},
    {"loopback:miniport=no-symbol", STATUS_OBJECT_NAME_NOT_FOUND,
     "libd3dkmt-miniport-no-symbol.so does not define d3dkmt_miniport_plugin"},
    {"loopback:miniport=old-version", STATUS_NOT_SUPPORTED, "has miniport interface 1 of "},
    {"loopback:miniport=short", STATUS_NOT_SUPPORTED, "rebuild the plug-in"},
    {"loopback:miniport=incomplete", STATUS_INVALID_PARAMETER,
     "could not be started with the miniport \"incomplete\""},
    {"loopback:miniport=refusing", STATUS_ACCESS_DENIED,
     "could not be started with the miniport \"refusing\""},
    {"loopback:miniport=refusing:other", STATUS_ACCESS_DENIED, "\"refusing\""},
    {"loopback:miniport=softgpu:nonsense", STATUS_INVALID_PARAMETER, "\"softgpu\""},
    {"loopback:host=/nowhere,miniport=softgpu", STATUS_INVALID_PARAMETER, "option of the host"},
};

static void is_refused(void **state)
{
    const struct choice *choice = *state;

    assert_int_equal(d3dkmt_open(choice->specification), choice->status);
    if (!strstr(d3dkmt_last_error(), choice->explanation))
        fail_msg("\"%s\" does not say \"%s\"", d3dkmt_last_error(), choice->explanation);
}

static void starts(void **state)
{
    const struct choice *choice = *state;

    assert_int_equal(d3dkmt_open(choice->specification), STATUS_SUCCESS);
    D3DKMTCloseDxCoreDevice();
}

static void functions_are_the_built_in_ones_alone(void **state)
{
    (void)state;
    assert_int_equal(d3dkmt_open("loopback:miniport=refusing:start"), STATUS_SUCCESS);
    assert_int_equal(d3dkmt_loopback_set_function(0, 0, NULL, NULL), STATUS_NOT_SUPPORTED);
    D3DKMTCloseDxCoreDevice();
    assert_int_equal(d3dkmt_open("loopback:miniport=softgpu"), STATUS_SUCCESS);
    assert_int_equal(d3dkmt_loopback_set_function(0, 0, NULL, NULL), STATUS_SUCCESS);
    D3DKMTCloseDxCoreDevice();
}

/* The options are the host's copy: an adapter that comes later has them too. */
static void adapters_that_arrive_have_the_miniport(void **state)
{
    struct d3dkmt_loopback_adapter wanted = {.compute_only = false};
    uint32_t adapter;

    (void)state;
    assert_int_equal(d3dkmt_open("loopback:miniport=refusing:start"), STATUS_SUCCESS);
    assert_int_equal(d3dkmt_loopback_add_adapter(&wanted, &adapter), STATUS_SUCCESS);
    assert_int_equal(d3dkmt_loopback_remove_adapter(adapter), STATUS_SUCCESS);
    D3DKMTCloseDxCoreDevice();
}

int main(int count, char **arguments)
{
    enum { REFUSED = sizeof(refused) / sizeof(refused[0]) };
    static const struct choice good = {"loopback:miniport=refusing:start,adapters=2", 0, ""};
    struct CMUnitTest tests[REFUSED + 3];
    size_t used = 0;

    if (count != 2)
        return 2;
    setenv("D3DKMT_PLUGIN_PATH", arguments[1], 1);
    for (; used < REFUSED; used++)
        tests[used] = (struct CMUnitTest){.name = refused[used].specification,
                                          .test_func = is_refused,
                                          .initial_state = (void *)&refused[used]};
    tests[used++] = (struct CMUnitTest){
        .name = good.specification, .test_func = starts, .initial_state = (void *)&good};
    tests[used++] = (struct CMUnitTest)cmocka_unit_test(functions_are_the_built_in_ones_alone);
    tests[used++] = (struct CMUnitTest)cmocka_unit_test(adapters_that_arrive_have_the_miniport);
    return cmocka_run_group_tests_name("miniport-plugin", tests, NULL, NULL);
}
