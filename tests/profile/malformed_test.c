/* SPDX-License-Identifier: MIT */
/* Profiles that are wrong, one wrong thing each: where and why. */
#include "backend-loopback/profile/profile.h"
#include "core/last_error.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

struct malformation {
    const char *name;
    const char *text;
    const char *explanation; /* a part of it; the file is called FILE */
};

/* One adapter with these members, on line 1 from column 42 on. */
#define ADAPTER(members) "{\"d3dkmt_adapter_profile\":1, \"adapters\":[{" members "}]}"
#define NODE(members)    ADAPTER("\"nodes\":[{" members "}]")
#define VALUE(members)   ADAPTER("\"registry\":[{" members "}]")

static const struct malformation malformations[] = {
    /* syntax: jansson's words */
    {"nothing", "", "FILE:1:1: "},
    {"no_object", "[]", "FILE:1:1: an object is needed here"},
    {"no_json", "{\n  \"d3dkmt_adapter_profile\": 1,\n  adapters\n}",
     "FILE:3:10: string or '}' expected"},
    {"cut_off", "{\"d3dkmt_adapter_profile\": 1,", "FILE:1:29: "},
    {"text_behind", "{\"d3dkmt_adapter_profile\": 1, \"adapters\": [{}]} x", "FILE:1:49: "},
    {"member_twice", "{\"d3dkmt_adapter_profile\": 1,\n\"d3dkmt_adapter_profile\": 1}",
     "FILE:2:24: duplicate object key"},
    {"no_utf8", ADAPTER("\"luid\":\"\xff\""), "FILE:1:50: unable to decode byte 0xff"},
    {"zero_in_text", ADAPTER("\"luid\":\"\\u0000\""), "\\u0000 is not allowed"},

    /* the whole */
    {"no_version", "{\"adapters\": [{}]}",
     "FILE:1:1: the member \"d3dkmt_adapter_profile\" is missing"},
    {"no_adapters", "\n {\"d3dkmt_adapter_profile\": 1}", "FILE:2:2: the member \"adapters\""},
    {"other_version", "{\n\"d3dkmt_adapter_profile\":\t2, \"adapters\": [{}]}",
     "FILE:2:27: d3dkmt_adapter_profile: 2 is outside of 1 to 1"},
    {"empty_list", "{\"d3dkmt_adapter_profile\": 1, \"adapters\": []}",
     "FILE:1:43: adapters: a host without adapters"},
    {"adapters_no_list", "{\"d3dkmt_adapter_profile\": 1, \"adapters\": {}}",
     "FILE:1:43: adapters: an array is needed here"},
    {"too_many_adapters",
     "{\"d3dkmt_adapter_profile\": 1, \"adapters\": [{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},"
     "{},{}]}",
     "FILE:1:43: adapters: 17 elements; there may be 16"},
    {"adapter_no_object", "{\"d3dkmt_adapter_profile\": 1, \"adapters\": [{},\n\n   7]}",
     "FILE:3:4: adapters[1]: an object is needed here"},
    {"unknown_member", ADAPTER("\"luids\":1"),
     "FILE:1:51: adapters[0].luids: a profile has no such member"},
    {"same_luid",
     "{\"d3dkmt_adapter_profile\": 1, \"adapters\": [\n{\"luid\": \"00000000:00000001\"},\n"
     "{\"luid\": \"00000000:00000001\"}]}",
     "FILE:3:10: adapters[1].luid: adapter 0 has the same"},
    {"escaped_name", ADAPTER("\"\\u006cuid\": 5"), "FILE:1:56: adapters[0].luid: a text like"},
    {"behind_strings_with_brackets", ADAPTER("\"driver\":{\"store\":\"a]}\\\"{[\"}, \"luid\":5"),
     "FILE:1:80: adapters[0].luid: a text like"},

    /* identity */
    {"luid_no_text", ADAPTER("\"luid\":17"), "adapters[0].luid: a text like"},
    {"luid_short", ADAPTER("\"luid\":\"0:1\""), "adapters[0].luid: a text like"},
    {"luid_zero", ADAPTER("\"luid\":\"00000000:00000000\""), "adapters[0].luid: a text like"},
    {"luid_with_rest", ADAPTER("\"luid\":\"00000000:00000001 \""), "adapters[0].luid: a text like"},
    {"type_no_object", ADAPTER("\"type\":true"), "type: an object is needed"},
    {"type_no_boolean", ADAPTER("\"type\":{\"render\":1}"), "type.render: true or false is needed"},
    {"not_paravirtual", ADAPTER("\"type\":{\"paravirtualized\":false}"),
     "FILE:1:69: adapters[0].type.paravirtualized: simulated adapters are always"},

    /* driver */
    {"miniport_no_text", ADAPTER("\"miniport\":{}"), "a text is needed here"},
    {"miniport_empty", ADAPTER("\"miniport\":\"\""), "has 0 bytes"},
    {"description_no_text", ADAPTER("\"driver\":{\"description\":null}"), "a text is needed here"},
    {"version_short", ADAPTER("\"driver\":{\"version\":\"1.2.3\"}"), "a text like \"31.0"},
    {"version_part_too_large", ADAPTER("\"driver\":{\"version\":\"1.2.3.65536\"}"), "a text like"},
    {"version_zero", ADAPTER("\"driver\":{\"kmd_version\":\"0.0.0.0\"}"), "a text like \"31.0"},
    {"wddm_word", ADAPTER("\"driver\":{\"wddm\":\"three\"}"), "a text like \"3.0\""},
    {"wddm_number", ADAPTER("\"driver\":{\"wddm\":3.0}"), "a text like \"3.0\""},
    {"wddm_two_digits", ADAPTER("\"driver\":{\"wddm\":\"10.0\"}"), "a text like \"3.0\""},
    {"store_empty", ADAPTER("\"driver\":{\"store\":\"\"}"), "0 bytes; 1 to 4096 are possible"},

    /* PCI */
    {"pci_without_device", ADAPTER("\"pci\":{\"vendor\":\"0x1\"}"), "\"device\" is missing"},
    {"hex_without_prefix", ADAPTER("\"pci\":{\"vendor\":\"8086\",\"device\":\"0x1\"}"),
     "vendor: a text like \"0x1414\""},
    {"hex_without_digits", ADAPTER("\"pci\":{\"vendor\":\"0x\",\"device\":\"0x1\"}"),
     "a text like"},
    {"hex_with_other_digit", ADAPTER("\"pci\":{\"vendor\":\"0x8g\",\"device\":\"0x1\"}"),
     "a text like"},
    {"hex_too_long", ADAPTER("\"pci\":{\"vendor\":\"0x10000000000000001\",\"device\":\"0x1\"}"),
     "a text like"},
    {"hex_too_large", ADAPTER("\"pci\":{\"vendor\":\"0x10000\",\"device\":\"0x1\"}"),
     "65536 is outside of 1 to 65535"},
    {"vendor_zero", ADAPTER("\"pci\":{\"vendor\":\"0x0\",\"device\":\"0x1\"}"),
     "0 is outside of 1 to 65535"},
    {"bus_type_negative",
     ADAPTER("\"pci\":{\"vendor\":\"0x1\",\"device\":\"0x1\",\"bus_type\":-1}"),
     "a whole number that is not negative"},
    {"bus_type_fraction",
     ADAPTER("\"pci\":{\"vendor\":\"0x1\",\"device\":\"0x1\",\"bus_type\":5.5}"),
     "a whole number that is not negative"},
    {"address_word",
     ADAPTER("\"pci\":{\"vendor\":\"0x1\",\"device\":\"0x1\",\"address\":\"first\"}"),
     "a text like \"00:02.0\""},
    {"support_state_too_large", ADAPTER("\"capabilities\":{\"hw_scheduling_support_state\":4}"),
     "4 is outside of 0 to 3"},

    /* nodes */
    {"no_nodes", ADAPTER("\"nodes\":[]"), "nodes: an adapter has at least one node"},
    {"nodes_no_list", ADAPTER("\"nodes\":1"), "nodes: an array is needed"},
    {"node_without_name", NODE("\"ordinal\":0,\"engine_type\":0"), "\"name\" is missing"},
    {"node_out_of_order", NODE("\"ordinal\":1,\"engine_type\":0,\"name\":\"\""),
     "nodes[0].ordinal: nodes are numbered from 0 on; this is 0"},
    {"unknown_engine", NODE("\"ordinal\":0,\"engine_type\":9,\"name\":\"\""),
     "9 is outside of 0 to 8"},
    {"engine_named_otherwise",
     NODE("\"ordinal\":0,\"engine\":\"copy\",\"engine_type\":1,\"name\":\"\""),
     "nodes[0].engine: engine_type 1 is \"3D\""},
    {"node_name_too_long",
     NODE("\"ordinal\":0,\"engine_type\":0,\"name\":\"01234567890123456789012345678901\""),
     "the text has 32 bytes; 0 to 31 are possible"},
    {"node_without_mmu", NODE("\"ordinal\":0,\"engine_type\":0,\"name\":\"\",\"gpu_mmu\":false"),
     "simulated engines always have a GPU MMU"},

    /* memory */
    {"size_negative", ADAPTER("\"memory\":{\"local\":{\"size\":-4096}}"),
     "memory.local.size: a whole number"},
    {"size_too_large", ADAPTER("\"memory\":{\"local\":{\"size\":1099511627777}}"),
     "1099511627777 is outside of 0 to 1099511627776"},
    {"size_beyond_integers", ADAPTER("\"memory\":{\"local\":{\"size\":9223372036854775808}}"),
     "too big integer"},
    {"no_memory_at_all", ADAPTER("\"memory\":{\"local\":{\"size\":0},\"non_local\":{\"size\":0}}"),
     "memory: an adapter without any memory cannot be simulated"},

    /* queries */
    {"unknown_query", ADAPTER("\"queries\":{\"ADAPTERTYPE\":\"00000000\"}"),
     "queries.ADAPTERTYPE: a profile has no such member"},
    {"query_too_short", ADAPTER("\"queries\":{\"WDDM_2_0_CAPS\":\"030000\"}"),
     "3 bytes; 4 to 4 are possible"},
    {"query_odd", ADAPTER("\"queries\":{\"WDDM_2_0_CAPS\":\"0300000\"}"), "pairs of hexadecimal"},
    {"query_no_digits", ADAPTER("\"queries\":{\"WDDM_2_0_CAPS\":\"0300 000\"}"),
     "byte 2 is not two hexadecimal digits"},
    {"query_no_text", ADAPTER("\"queries\":{\"UMDRIVERPRIVATE\":3}"), "pairs of hexadecimal"},
    {"private_empty", ADAPTER("\"queries\":{\"UMDRIVERPRIVATE\":\"\"}"),
     "0 bytes; 1 to 65536 are possible"},

    /* registry, features */
    {"value_of_unknown_key",
     VALUE("\"key\":\"user\",\"name\":\"N\",\"type\":\"REG_SZ\",\"value\":\"\""),
     "registry[0].key: one of \"service\" to \"adapter\""},
    {"value_of_unknown_type",
     VALUE("\"key\":\"adapter\",\"name\":\"N\",\"type\":\"REG_LINK\",\"value\":\"\""),
     "registry[0].type: one of \"REG_SZ\" to \"REG_QWORD\""},
    {"value_without_name", VALUE("\"key\":\"adapter\",\"type\":\"REG_SZ\",\"value\":\"\""),
     "the member \"name\" is missing"},
    {"value_without_value", VALUE("\"key\":\"adapter\",\"name\":\"N\",\"type\":\"REG_SZ\""),
     "the member \"value\" is missing"},
    {"dword_too_large",
     VALUE("\"key\":\"adapter\",\"name\":\"N\",\"type\":\"REG_DWORD\",\"value\":\"0x100000000\""),
     "registry[0].value: 4294967296 is outside of 0 to 4294967295"},
    {"text_no_text", VALUE("\"value\":1,\"key\":\"adapter\",\"name\":\"N\",\"type\":\"REG_SZ\""),
     "registry[0].value: a text is needed here"},
    {"bytes_no_bytes",
     VALUE("\"value\":\"x\",\"key\":\"adapter\",\"name\":\"N\",\"type\":\"REG_BINARY\""),
     "registry[0].value: pairs of hexadecimal"},
    {"feature_without_id", ADAPTER("\"features\":[{\"version\":1}]"), "\"id\" is missing"},
    {"feature_version_too_large", ADAPTER("\"features\":[{\"id\":1,\"version\":65536}]"),
     "features[0].version: 65536 is outside of 0 to 65535"},
};

static void refuse(const char *text, size_t size, const char *explanation)
{
    struct profile *profile = NULL;
    NTSTATUS status = profile_parse("FILE", text, size, &profile);

    assert_int_equal(status, STATUS_INVALID_PARAMETER);
    assert_null(profile);
    last_error_report("test", NULL, status);
    if (!strstr(d3dkmt_last_error(), explanation))
        fail_msg("\"%s\" does not say \"%s\"", d3dkmt_last_error(), explanation);
}

static void is_refused(void **state)
{
    const struct malformation *malformation = *state;
    size_t size = strlen(malformation->text);
    char *copy = malloc(size + 1); /* without a terminator: a sanitizer sees what reads on */

    assert_non_null(copy);
    memcpy(copy, malformation->text, size);
    refuse(copy, size, malformation->explanation);
    free(copy);
}

/* ---- what is too long for a table */

static void deep_nesting_is_refused(void **state)
{
    enum { DEPTH = 1000000 };
    char *text = malloc(DEPTH);

    (void)state;
    assert_non_null(text);
    memset(text, '[', DEPTH);
    refuse(text, DEPTH, "FILE:1:2049: maximum parsing depth reached");
    free(text);
}

/* Deep, but not too deep for jansson; the position is looked for without recursion. */
static void positions_behind_deep_nesting(void **state)
{
    enum { DEPTH = 2000 };
    static char text[2 * DEPTH + 200];
    size_t used = (size_t)sprintf(text, "{\"a\":");

    (void)state;
    memset(text + used, '[', DEPTH);
    memset(text + used + DEPTH, ']', DEPTH);
    strcpy(text + used + 2 * DEPTH, ",\n\"d3dkmt_adapter_profile\":1,\"adapters\":[{}]}");
    refuse(text, strlen(text), "FILE:1:6: a: a profile has no such member");
    memmove(text + 1, "\"adapters\":", 11);
    strcpy(text + 12, "[{}], \"b\":");
    used = strlen(text);
    memset(text + used, '[', DEPTH / 2);
    memset(text + used + DEPTH / 2, ']', DEPTH / 2);
    strcpy(text + used + DEPTH, ",\n\"c\":1}");
    refuse(text, strlen(text), "FILE:1:23: b: a profile has no such member");
}

static char *repeat(const char *before, const char *what, unsigned count, const char *behind)
{
    char *text = malloc(strlen(before) + strlen(what) * count + strlen(behind) + 1);
    size_t used = strlen(before);

    assert_non_null(text);
    strcpy(text, before);
    for (unsigned i = 0; i < count; i++, used += strlen(what))
        strcpy(text + used, what);
    strcpy(text + used, behind);
    return text;
}

#define BEFORE "{\"d3dkmt_adapter_profile\":1,\"adapters\":[{"

static void long_things_are_bounded(void **state)
{
    static const struct {
        const char *before, *what;
        unsigned count;
        const char *behind, *explanation;
    } cases[] = {
        {BEFORE "\"driver\":{\"description\":\"", "x", 4096, "\"}}]}", "more than 4095 UTF-16"},
        {BEFORE "\"driver\":{\"chip_type\":\"", "\\u00fc", 260, "\"}}]}", "more than 259 UTF-16"},
        {BEFORE "\"driver\":{\"chip_type\":\"", "x", 100000, "\"}}]}", "has 100000 bytes"},
        {BEFORE "\"miniport\":\"", "m", 257, "\"}]}", "has 257 bytes"},
        {BEFORE "\"driver\":{\"store\":\"", "/", 4097, "\"}}]}", "has 4097 bytes"},
        {BEFORE "\"queries\":{\"UMDRIVERPRIVATE\":\"", "00", 65537, "\"}}]}", "65537 bytes"},
        {BEFORE "\"nodes\":[0", ",0", 32, "]}]}", "33 elements; there may be 32"},
        {BEFORE "\"registry\":[0", ",0", 256, "]}]}", "257 elements; there may be 256"},
        {BEFORE "\"features\":[0", ",0", 256, "]}]}", "257 elements; there may be 256"},
        {BEFORE "\"", "m", 5000, "\":0}]}", "a profile has no such member"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char *text = repeat(cases[i].before, cases[i].what, cases[i].count, cases[i].behind);

        refuse(text, strlen(text), cases[i].explanation);
        free(text);
    }
}

/* ---- files */

static void missing_and_large_files(void **state)
{
    char path[] = "/tmp/d3dkmt-profile-XXXXXX";
    struct profile *profile = NULL;
    int descriptor = mkstemp(path);

    (void)state;
    assert_true(descriptor >= 0);
    assert_int_equal(ftruncate(descriptor, PROFILE_SIZE_MAX + 1), 0);
    close(descriptor);
    assert_int_equal(profile_load(path, &profile), STATUS_INVALID_PARAMETER);
    last_error_report("test", NULL, STATUS_INVALID_PARAMETER);
    assert_non_null(strstr(d3dkmt_last_error(), "4194304 bytes at most"));
    unlink(path);
    assert_int_equal(profile_load(path, &profile), STATUS_OBJECT_NAME_NOT_FOUND);
    assert_int_equal(profile_load("/tmp", &profile), STATUS_OBJECT_NAME_NOT_FOUND);
    assert_null(profile);
}

static void empty_adapters_are_the_built_in_one(void **state)
{
    static const char text[] = "{\"d3dkmt_adapter_profile\": 1, \"adapters\": [{}, {}]}";
    struct host_adapter_config config = {.hang_timeout_ns = 5};
    struct profile *profile;

    (void)state;
    assert_int_equal(profile_parse("FILE", text, sizeof(text) - 1, &profile), STATUS_SUCCESS);
    assert_int_equal(profile_adapter_count(profile), 2);
    profile_configure(profile, 1, &config);
    assert_null(config.name);
    assert_int_equal(config.node_count + config.answers->count + config.answers->registry_count, 0);
    assert_null(config.answers->features);
    assert_int_equal(config.segment_size[0], 0);
    assert_int_equal(config.hang_timeout_ns, 5);
    profile_free(profile);
}

int main(void)
{
    enum { COUNT = sizeof(malformations) / sizeof(malformations[0]) };
    static struct CMUnitTest rows[COUNT];
    const struct CMUnitTest others[] = {
        cmocka_unit_test(deep_nesting_is_refused),
        cmocka_unit_test(positions_behind_deep_nesting),
        cmocka_unit_test(long_things_are_bounded),
        cmocka_unit_test(missing_and_large_files),
        cmocka_unit_test(empty_adapters_are_the_built_in_one),
    };

    for (size_t i = 0; i < COUNT; i++)
        rows[i] = (struct CMUnitTest){.name = malformations[i].name,
                                      .test_func = is_refused,
                                      .initial_state = (void *)&malformations[i]};
    return cmocka_run_group_tests_name("malformed", rows, NULL, NULL) +
           cmocka_run_group_tests(others, NULL, NULL);
}
