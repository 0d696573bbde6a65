/* SPDX-License-Identifier: MIT */
/* Loading plug-ins from the folder that D3DKMT_PLUGIN_PATH names, and the log on the way. */
#include "test.h"

#include <d3dkmt/backend.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct {
    int lines;
    enum d3dkmt_log_level level;
    char text[256];
} heard;

static void listen(void *context, enum d3dkmt_log_level level, const char *module, const char *text)
{
    assert_ptr_equal(context, &heard);
    heard.lines++;
    heard.level = level;
    snprintf(heard.text, sizeof(heard.text), "%s: %s", module, text);
}

static int set_up(void **state)
{
    (void)state;
    memset(&heard, 0, sizeof(heard));
    d3dkmt_set_log(D3DKMT_LOG_WARNING, listen, &heard);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    D3DKMTCloseDxCoreDevice();
    d3dkmt_set_log(D3DKMT_LOG_WARNING, NULL, NULL);
    return 0;
}

static void a_plugin_is_loaded_by_name(void **state)
{
    struct d3dkmt_backend_info info;
    D3DKMT_CREATEDEVICE create;

    (void)state;
    assert_int_equal(d3dkmt_open("smallest"), STATUS_SUCCESS);
    assert_int_equal(d3dkmt_describe_backend(&info), STATUS_SUCCESS);
    assert_string_equal(info.description, "refuses everything");
    memset(&create, 0, sizeof(create));
    assert_int_equal(D3DKMTCreateDevice(&create), STATUS_NOT_SUPPORTED);
    assert_non_null(strstr(d3dkmt_last_error(), "D3DKMTCreateDevice (smallest): "));
}

static void a_plugin_that_refuses_says_why(void **state)
{
    (void)state;
    assert_int_equal(d3dkmt_open("smallest:x"), STATUS_INVALID_PARAMETER);
    assert_non_null(strstr(d3dkmt_last_error(), "there are no options"));
}

static void another_abi_is_refused(void **state)
{
    (void)state;
    assert_int_equal(d3dkmt_open("old-abi"), STATUS_NOT_SUPPORTED);
    assert_non_null(strstr(d3dkmt_last_error(), "rebuild the plug-in"));
}

static void a_library_without_the_symbol_is_no_plugin(void **state)
{
    (void)state;
    assert_int_equal(d3dkmt_open("no-symbol"), STATUS_OBJECT_NAME_NOT_FOUND);
    assert_non_null(strstr(d3dkmt_last_error(), D3DKMT_BACKEND_PLUGIN_SYMBOL));
}

static void the_log_passes_on_what_its_level_wants(void **state)
{
    (void)state;
    assert_int_equal(d3dkmt_open("smallest"), STATUS_SUCCESS);
    assert_int_equal(heard.lines, 0);
    D3DKMTCloseDxCoreDevice();
    d3dkmt_set_log(D3DKMT_LOG_INFO, listen, &heard);
    assert_int_equal(d3dkmt_open("smallest"), STATUS_SUCCESS);
    assert_int_equal(heard.lines, 2);
    assert_int_equal(heard.level, D3DKMT_LOG_INFO);
    assert_string_equal(heard.text, "core: backend smallest is open");
    d3dkmt_set_log(D3DKMT_LOG_NONE, listen, &heard);
    assert_int_not_equal(d3dkmt_open("old-abi"), STATUS_SUCCESS);
    assert_int_equal(heard.lines, 2);
    d3dkmt_set_log(D3DKMT_LOG_DEBUG, listen, &heard);
    assert_int_not_equal(d3dkmt_open("old-abi"), STATUS_SUCCESS);
    assert_int_equal(heard.lines, 3);
}

int main(int argument_count, char **arguments)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(a_plugin_is_loaded_by_name),
        TEST(a_plugin_that_refuses_says_why),
        TEST(another_abi_is_refused),
        TEST(a_library_without_the_symbol_is_no_plugin),
        TEST(the_log_passes_on_what_its_level_wants),
    };
#undef TEST

    if (argument_count != 2)
        return 2;
    setenv("D3DKMT_PLUGIN_PATH", arguments[1], 1);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
