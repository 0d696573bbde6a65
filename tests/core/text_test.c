/* SPDX-License-Identifier: MIT */
/* Options, unicode, statuses, layouts with text. */
#include "test.h"

#include "core/api/text_layout.h"
#include "core/last_error.h"
#include "core/options.h"
#include "core/unicode.h"
#include "core/utf16_layouts.h"

#include <d3dkmt/d3dkmt.h>

#include <stdlib.h>
#include <string.h>

/* ---- options */

struct seen {
    char text[256];
};

static NTSTATUS note(void *context, const struct option *option)
{
    struct seen *seen = context;

    strcat(seen->text, option->name);
    strcat(seen->text, "=");
    strcat(seen->text, option->value);
    strcat(seen->text, ";");
    return strcmp(option->name, "stop") == 0 ? STATUS_ACCESS_DENIED : STATUS_SUCCESS;
}

static void options_come_in_order(void **state)
{
    struct seen seen = {""};

    (void)state;
    assert_int_equal(d3dkmti_options_visit("a=1,b,c=x=y", note, &seen), STATUS_SUCCESS);
    assert_string_equal(seen.text, "a=1;b=;c=x=y;");
}

static void a_refused_option_ends_the_visit(void **state)
{
    struct seen seen = {""};

    (void)state;
    assert_int_equal(d3dkmti_options_visit("a,stop,b", note, &seen), STATUS_ACCESS_DENIED);
    assert_string_equal(seen.text, "a=;stop=;");
}

static void malformed_option_texts_are_refused(void **state)
{
    struct seen seen = {""};
    char longest[OPTIONS_TEXT_MAX + 1];

    (void)state;
    assert_int_equal(d3dkmti_options_visit(",a", note, &seen), STATUS_INVALID_PARAMETER);
    assert_int_equal(d3dkmti_options_visit("=1", note, &seen), STATUS_INVALID_PARAMETER);
    memset(longest, 'x', sizeof(longest));
    longest[OPTIONS_TEXT_MAX] = '\0';
    assert_int_equal(d3dkmti_options_visit(longest, note, &seen), STATUS_INVALID_PARAMETER);
    assert_string_equal(seen.text, "");
}

static void numbers_have_suffixes_and_limits(void **state)
{
    static const struct {
        const char *text;
        uint64_t number;
        NTSTATUS status;
    } cases[] = {
        {"0", 0, STATUS_INVALID_PARAMETER},
        {"1", 1, STATUS_SUCCESS},
        {"0x10", 16, STATUS_SUCCESS},
        {"4K", 4096, STATUS_SUCCESS},
        {"2m", 2 << 20, STATUS_SUCCESS},
        {"1G", 1 << 30, STATUS_SUCCESS},
        {"2G", 0, STATUS_INVALID_PARAMETER},
        {"", 0, STATUS_INVALID_PARAMETER},
        {"-1", 0, STATUS_INVALID_PARAMETER},
        {"1KK", 0, STATUS_INVALID_PARAMETER},
        {"1T", 0, STATUS_INVALID_PARAMETER},
        {"99999999999999999999", 0, STATUS_INVALID_PARAMETER},
        {"18446744073709551615K", 0, STATUS_INVALID_PARAMETER},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct option option = {"size", cases[i].text};
        uint64_t number = 0;

        assert_int_equal(d3dkmti_option_number(&option, 1, 1 << 30, &number), cases[i].status);
        assert_int_equal(number, cases[i].number);
    }
}

static void switches_are_on_or_off(void **state)
{
    bool on = false;

    (void)state;
    assert_int_equal(d3dkmti_option_switch(&(struct option){"x", ""}, &on), STATUS_SUCCESS);
    assert_true(on);
    assert_int_equal(d3dkmti_option_switch(&(struct option){"x", "off"}, &on), STATUS_SUCCESS);
    assert_false(on);
    assert_int_equal(d3dkmti_option_switch(&(struct option){"x", "maybe"}, &on),
                     STATUS_INVALID_PARAMETER);
}

/* ---- unicode */

static void text_survives_both_directions(void **state)
{
    static const wchar_t text[] = L"GPU \u00e9\u20ac\U0001f600!";
    uint16_t narrow[32];
    wchar_t wide[32];

    (void)state;
    assert_int_equal(unicode_narrow(text, COUNT(text), narrow, COUNT(narrow)), 9);
    assert_int_equal(narrow[6], 0xd83d);
    assert_int_equal(narrow[7], 0xde00);
    assert_int_equal(unicode_widen(narrow, COUNT(narrow), wide, COUNT(wide)), 8);
    assert_memory_equal(wide, text, sizeof(text));
    for (size_t i = COUNT(text); i < COUNT(wide); i++)
        assert_int_equal(wide[i], 0);
}

static void what_does_not_fit_is_cut_whole(void **state)
{
    static const wchar_t text[] = L"ab\U0001f600";
    uint16_t narrow[4];
    uint16_t utf16[] = {'a', 'b', 'c', 0};
    wchar_t wide[3];

    (void)state;
    assert_int_equal(unicode_narrow(text, COUNT(text), narrow, COUNT(narrow)), 2);
    assert_int_equal(narrow[2], 0);
    assert_int_equal(unicode_widen(utf16, COUNT(utf16), wide, COUNT(wide)), 2);
    assert_int_equal(wide[2], 0);
    assert_int_equal(unicode_narrow(text, COUNT(text), narrow, 0), 0);
}

static void what_is_no_character_is_replaced(void **state)
{
    const uint16_t lone[] = {0xd800, 'x', 0xdc00, 0xd800};
    const wchar_t bad[] = {0x110000, 0xd800, 'y', 0};
    uint16_t narrow[8];
    wchar_t wide[8];

    (void)state;
    assert_int_equal(unicode_widen(lone, COUNT(lone), wide, COUNT(wide)), 4);
    assert_int_equal(wide[0], 0xfffd);
    assert_int_equal(wide[1], 'x');
    assert_int_equal(wide[2], 0xfffd);
    assert_int_equal(wide[3], 0xfffd);
    assert_int_equal(unicode_narrow(bad, COUNT(bad), narrow, COUNT(narrow)), 3);
    assert_int_equal(narrow[0], 0xfffd);
    assert_int_equal(narrow[1], 0xfffd);
}

/* ---- layouts with text */

static void layouts_have_the_size_of_the_structs(void **state)
{
    static const struct {
        uint32_t type;
        size_t wide, narrow;
    } cases[] = {
#define CASE(type, name) {type, sizeof(name), sizeof(name##_UTF16)}
        CASE(KMTQAITYPE_UMDRIVERNAME, D3DKMT_UMDFILENAMEINFO),
        CASE(KMTQAITYPE_UMOPENGLINFO, D3DKMT_OPENGLINFO),
        CASE(KMTQAITYPE_ADAPTERREGISTRYINFO, D3DKMT_ADAPTERREGISTRYINFO),
        CASE(KMTQAITYPE_DLIST_DRIVER_NAME, D3DKMT_DLIST_DRIVER_NAME),
        CASE(KMTQAITYPE_NODEMETADATA, D3DKMT_NODEMETADATA),
        CASE(KMTQAITYPE_CPDRIVERNAME, D3DKMT_CPDRIVERNAME),
        CASE(KMTQAITYPE_MIRACASTCOMPANIONDRIVERNAME, D3DKMT_MIRACASTCOMPANIONDRIVERNAME),
        CASE(KMTQAITYPE_ADAPTERREGISTRYINFO_RENDER, D3DKMT_ADAPTERREGISTRYINFO),
        CASE(KMTQAITYPE_QUERY_ADAPTER_UNIQUE_GUID, D3DKMT_QUERY_ADAPTER_UNIQUE_GUID),
        CASE(KMTQUITYPE_GPUVERSION, D3DKMT_GPUVERSION),
        CASE(KMTQAITYPE_DRIVER_DESCRIPTION, D3DKMT_DRIVER_DESCRIPTION),
        CASE(KMTQAITYPE_DRIVER_DESCRIPTION_RENDER, D3DKMT_DRIVER_DESCRIPTION),
        CASE(KMTQAITYPE_DISPLAY_UMDRIVERNAME, D3DKMT_DISPLAY_UMD_FILENAMEINFO),
#undef CASE
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        const struct text_layout *layout = text_layout_find(cases[i].type);

        assert_non_null(layout);
        assert_int_equal(text_layout_wide_size(layout), cases[i].wide);
        assert_int_equal(text_layout_narrow_size(layout), cases[i].narrow);
    }
    assert_null(text_layout_find(KMTQAITYPE_ADAPTERTYPE));
}

static void node_metadata_keeps_every_member(void **state)
{
    const struct text_layout *layout = text_layout_find(KMTQAITYPE_NODEMETADATA);
    D3DKMT_NODEMETADATA wide, back;
    D3DKMT_NODEMETADATA_UTF16 narrow;

    (void)state;
    memset(&wide, 0, sizeof(wide));
    wide.NodeOrdinalAndAdapterIndex = 0x10002;
    wide.NodeData.EngineType = DXGK_ENGINE_TYPE_COPY;
    wcscpy(wide.NodeData.FriendlyName, L"Copy \u00e9");
    wide.NodeData.Flags.Value = 0x55;
    wide.NodeData.GpuMmuSupported = 1;
    text_layout_narrow(layout, &wide, &narrow);
    assert_int_equal(narrow.NodeOrdinalAndAdapterIndex, 0x10002);
    assert_int_equal(narrow.NodeData.EngineType, DXGK_ENGINE_TYPE_COPY);
    assert_int_equal(narrow.NodeData.FriendlyName[5], 0xe9);
    assert_int_equal(narrow.NodeData.Flags.Value, 0x55);
    assert_int_equal(narrow.NodeData.GpuMmuSupported, 1);
    memset(&back, 0xff, sizeof(back));
    text_layout_widen(layout, &narrow, &back);
    assert_memory_equal(&back, &wide, sizeof(wide));
}

static void driver_store_paths_become_linux_paths(void **state)
{
    wchar_t windows[64] = L"C:\\Windows\\System32\\DriverStore\\FileRepository\\iigd.inf_1\\a";
    wchar_t linux_path[64] = L"/opt/driver";
    wchar_t tight[17] = L"\\FileRepository\\";

    (void)state;
    text_path_to_linux(windows, COUNT(windows));
    assert_int_equal(wcscmp(windows, L"/usr/lib/wsl/drivers/iigd.inf_1/a"), 0);
    text_path_to_linux(linux_path, COUNT(linux_path));
    assert_int_equal(wcscmp(linux_path, L"/opt/driver"), 0);
    text_path_to_linux(tight, COUNT(tight));
    assert_int_equal(wcscmp(tight, L"\\FileRepository\\"), 0);
}

/* ---- errors */

static void statuses_have_names(void **state)
{
    (void)state;
    assert_string_equal(d3dkmt_status_name(STATUS_DEVICE_REMOVED), "STATUS_DEVICE_REMOVED");
    assert_string_equal(d3dkmt_status_name((NTSTATUS)0xc0dec0de), "NTSTATUS 0xC0DEC0DE");
    assert_string_not_equal(d3dkmt_status_description(STATUS_PENDING), "");
    assert_string_equal(d3dkmt_status_description((NTSTATUS)0xc0dec0de), "");
}

static void the_reason_of_another_failure_is_not_reported(void **state)
{
    (void)state;
    d3dkmti_fail(STATUS_NO_MEMORY, "recovered from");
    last_error_report("D3DKMTEvict", "test", STATUS_INVALID_HANDLE);
    assert_null(strstr(d3dkmt_last_error(), "recovered from"));
    assert_non_null(strstr(d3dkmt_last_error(), "D3DKMTEvict (test)"));
    assert_int_equal(d3dkmt_last_error_status(), STATUS_INVALID_HANDLE);
}

static void undoing_keeps_the_first_reason(void **state)
{
    (void)state;
    d3dkmti_fail(STATUS_NO_MEMORY, "the first reason");
    d3dkmti_undo_begin();
    d3dkmti_fail(STATUS_NO_MEMORY, "a failing undo");
    d3dkmti_undo_end();
    last_error_report("D3DKMTLock2", NULL, STATUS_NO_MEMORY);
    assert_non_null(strstr(d3dkmt_last_error(), "the first reason"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(options_come_in_order),
        cmocka_unit_test(a_refused_option_ends_the_visit),
        cmocka_unit_test(malformed_option_texts_are_refused),
        cmocka_unit_test(numbers_have_suffixes_and_limits),
        cmocka_unit_test(switches_are_on_or_off),
        cmocka_unit_test(text_survives_both_directions),
        cmocka_unit_test(what_does_not_fit_is_cut_whole),
        cmocka_unit_test(what_is_no_character_is_replaced),
        cmocka_unit_test(layouts_have_the_size_of_the_structs),
        cmocka_unit_test(node_metadata_keeps_every_member),
        cmocka_unit_test(driver_store_paths_become_linux_paths),
        cmocka_unit_test(statuses_have_names),
        cmocka_unit_test(the_reason_of_another_failure_is_not_reported),
        cmocka_unit_test(undoing_keeps_the_first_reason),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
