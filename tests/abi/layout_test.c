/* SPDX-License-Identifier: MIT */
/*
 * Runs the generated layout tests and says how many facts they compared. Compiled as C and, from a
 * copy, as C++: a layout that only one of the languages gets right is wrong.
 */
#include "layout_check.h"

#include <stdio.h>

#define BITS_PER_BYTE 8

static unsigned checked[LAYOUT_KINDS];
static unsigned failures;

void layout_count(enum layout_kind kind)
{
    checked[kind]++;
}

void layout_compare(const char *name, const char *property, uint64_t actual, uint64_t expected)
{
    if (actual == expected)
        return;
    print_error("%s: %s is %#llx, must be %#llx\n", name, property, (unsigned long long)actual,
                (unsigned long long)expected);
    failures++;
}

void layout_compare_bits(const char *name, const void *record, size_t size, size_t first,
                         size_t width)
{
    const unsigned char *bytes = (const unsigned char *)record;

    for (size_t bit = 0; bit < size * BITS_PER_BYTE; bit++) {
        unsigned is_set = (bytes[bit / BITS_PER_BYTE] >> (bit % BITS_PER_BYTE)) & 1;
        unsigned must_be_set = bit >= first && bit - first < width;

        if (is_set == must_be_set)
            continue;
        print_error("%s: bit %zu is %s\n", name, bit, is_set ? "set" : "not set");
        failures++;
        return;
    }
}

void layout_compare_status(const char *name, const char *expansion, const char *number)
{
    char expected[64];

    snprintf(expected, sizeof(expected), "((NTSTATUS)%sL)", number);
    if (strcmp(expansion, expected) == 0)
        return;
    print_error("%s: expands to %s, must be %s\n", name, expansion, expected);
    failures++;
}

void layout_finish(void)
{
    unsigned failed = failures;

    failures = 0;
    assert_int_equal(failed, 0);
}

/* The comparisons themselves: each must fail what it is there to fail. */
static void test_compare_finds_a_wrong_value(void **state)
{
    (void)state;
    layout_compare("(expected failure)", "value", 1, 2);
    assert_int_equal(failures, 1);
    failures = 0;
}

static void test_compare_bits_finds_a_shifted_field(void **state)
{
    const unsigned char bytes[4] = {0x06, 0, 0, 0};

    (void)state;
    layout_compare_bits("field", bytes, sizeof(bytes), 1, 2);
    assert_int_equal(failures, 0);
    layout_compare_bits("(expected failure)", bytes, sizeof(bytes), 2, 2);
    assert_int_equal(failures, 1);
    layout_compare_bits("(expected failure)", bytes, sizeof(bytes), 1, 3);
    assert_int_equal(failures, 2);
    failures = 0;
}

static void test_compare_status_finds_another_form(void **state)
{
    (void)state;
    layout_compare_status("form", "((NTSTATUS)0xC01E0100L)", "0xC01E0100");
    assert_int_equal(failures, 0);
    layout_compare_status("(expected failure)", "((NTSTATUS)(0xC01E0100L))", "0xC01E0100");
    assert_int_equal(failures, 1);
    failures = 0;
}

static int run_self_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_compare_finds_a_wrong_value),
        cmocka_unit_test(test_compare_bits_finds_a_shifted_field),
        cmocka_unit_test(test_compare_status_finds_another_form),
    };

    return cmocka_run_group_tests_name("layout_check", tests, NULL, NULL);
}

static void print_counts(void)
{
    static const char *const names[LAYOUT_KINDS] = {
        "scalar types", "structs and unions", "members",  "bit-fields", "enumerations",
        "enumerators",  "constants",          "statuses", "functions",
    };

    for (unsigned kind = 0; kind < LAYOUT_KINDS; kind++)
        printf("%6u %s\n", checked[kind], names[kind]);
}

int main(void)
{
    static int (*const groups[])(void) = {
        run_self_tests,
#define LAYOUT_GROUP(name) name,
#include "layout_generated_groups.h"
#undef LAYOUT_GROUP
    };
    int failed = 0;

    for (size_t i = 0; i < sizeof(groups) / sizeof(groups[0]); i++)
        failed += groups[i]();
    print_counts();
    return failed != 0;
}
