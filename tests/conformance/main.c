/* SPDX-License-Identifier: MIT */
/* The conformance suite's program: runs the tests of one path, or lists what there is. */
#include "conformance/conformance.h"

#include <stdio.h>
#include <stdlib.h>

static struct conformance_test *first, **last = &first;
static size_t test_count;

void conformance_register(struct conformance_test *test)
{
    *last = test;
    last = &test->next;
    test_count++;
}

void conformance_add(const struct conformance_test *test)
{
    struct conformance_test *copy = malloc(sizeof(*copy));

    if (!copy)
        abort();
    *copy = *test;
    conformance_register(copy);
}

static bool belongs_to(const struct conformance_test *test, const struct conformance_path *path)
{
    return (test->needs & ~path->offers) == 0;
}

/* One line per path and test, for the table in the documentation. */
static int list(void)
{
    for (size_t i = 0; i < conformance_path_count; i++) {
        for (struct conformance_test *test = first; test; test = test->next) {
            if (belongs_to(test, &conformance_paths[i]))
                printf("%s\t%s\t%s\n", conformance_paths[i].name, test->function, test->name);
        }
    }
    return 0;
}

static bool exists(const struct conformance_difference *difference)
{
    for (struct conformance_test *test = first; test; test = test->next) {
        if (strcmp(test->function, difference->function) == 0 &&
            (!difference->name || strcmp(test->name, difference->name) == 0))
            return true;
    }
    fprintf(stderr, "there is no test of %s that could be different\n", difference->function);
    return false;
}

/* One line per difference, for the table in the documentation; last how many tests of arguments
 * find an errno where other paths name the argument. */
static int list_differences(void)
{
    unsigned arguments = 0;

    for (size_t i = 0; i < conformance_difference_count; i++) {
        const struct conformance_difference *difference = &conformance_differences[i];

        if (!exists(difference))
            return 1;
        printf("%s\t%s\t%s\t%s\n", difference->function,
               difference->name ? difference->name : "(all)", difference->instead,
               difference->reason);
    }
    for (struct conformance_test *test = first; test; test = test->next)
        arguments += test->malformation != NULL;
    printf("%u\n", arguments);
    return 0;
}

static const struct conformance_path *find_path(const char *name)
{
    for (size_t i = 0; i < conformance_path_count; i++) {
        if (strcmp(conformance_paths[i].name, name) == 0)
            return &conformance_paths[i];
    }
    return NULL;
}

/* Tests of the path whose function.name contains the text. */
static int run(const char *text)
{
    struct CMUnitTest *tests = calloc(test_count, sizeof(*tests));
    char(*names)[160] = calloc(test_count, sizeof(*names));
    size_t count = 0;

    if (!tests || !names)
        return 1;
    for (struct conformance_test *test = first; test; test = test->next) {
        snprintf(names[count], sizeof(names[count]), "%s.%s", test->function, test->name);
        if (!belongs_to(test, conformance_path) || !strstr(names[count], text))
            continue;
        tests[count] = (struct CMUnitTest){names[count], conformance_run, conformance_set_up,
                                           conformance_tear_down, test};
        count++;
    }
    if (count == 0) {
        fprintf(stderr, "no test of path %s contains \"%s\"\n", conformance_path->name, text);
        return 1;
    }
    int failed = _cmocka_run_group_tests(conformance_path->name, tests, count,
                                         conformance_open_path, conformance_close_path);
    free(tests);
    free(names);
    return failed != 0;
}

int main(int count, char **arguments)
{
    conformance_register_arguments();
    conformance_register_unsupported();
    if (count == 2 && strcmp(arguments[1], "--list") == 0)
        return list();
    if (count == 2 && strcmp(arguments[1], "--differences") == 0)
        return list_differences();
    if (count > 1)
        conformance_path = find_path(arguments[1]);
    if (!conformance_path || count > 3) {
        fprintf(stderr, "usage: %s [PATH [TEXT]] | --list | --differences\npaths:", arguments[0]);
        for (size_t i = 0; i < conformance_path_count; i++)
            fprintf(stderr, " %s", conformance_paths[i].name);
        fprintf(stderr, "\nTEXT: only tests whose FUNCTION.NAME contains it\n");
        return 2;
    }
    const char *absence = conformance_absence();
    if (absence) {
        printf("skipped: %s\n", absence);
        return 77;
    }
    return run(count > 2 ? arguments[2] : "");
}
