/* SPDX-License-Identifier: MIT */
#include "core/options.h"

#include "core/last_error.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

NTSTATUS d3dkmti_options_visit(const char *text,
                               NTSTATUS (*visit)(void *context, const struct option *option),
                               void *context)
{
    char copy[OPTIONS_TEXT_MAX];
    char *rest = copy;
    size_t length = strlen(text);

    if (length >= sizeof(copy))
        return d3dkmti_fail(STATUS_INVALID_PARAMETER,
                            "the options have %zu characters, %zu at most", length,
                            sizeof(copy) - 1);
    memcpy(copy, text, length + 1);
    while (*rest) {
        char *end = rest + strcspn(rest, ",");
        char *next = *end ? end + 1 : end;
        struct option option = {.name = rest, .value = ""};

        *end = '\0';
        char *equals = strchr(rest, '=');
        if (equals) {
            *equals = '\0';
            option.value = equals + 1;
        }
        if (*option.name == '\0')
            return d3dkmti_fail(STATUS_INVALID_PARAMETER,
                                "an option without a name at character %zu of \"%s\"",
                                (size_t)(rest - copy) + 1, text);
        NTSTATUS status = visit(context, &option);
        if (!NT_SUCCESS(status))
            return status;
        rest = next;
    }
    return STATUS_SUCCESS;
}

/* The power of two that a suffix stands for, or -1. */
static int suffix_shift(const char *suffix)
{
    static const char letters[] = "KMG";

    if (*suffix == '\0')
        return 0;
    const char *letter = strchr(letters, toupper((unsigned char)*suffix));
    return letter && *letter && suffix[1] == '\0' ? 10 * (int)(letter - letters + 1) : -1;
}

NTSTATUS d3dkmti_option_number(const struct option *option, uint64_t minimum, uint64_t maximum,
                               uint64_t *number)
{
    char *end = NULL;
    uint64_t value = 0;
    int shift = -1;

    errno = 0;
    if (isdigit((unsigned char)option->value[0])) {
        value = strtoull(option->value, &end, 0);
        shift = suffix_shift(end);
    }
    if (shift < 0 || errno == ERANGE || value > UINT64_MAX >> shift)
        return d3dkmti_fail(STATUS_INVALID_PARAMETER,
                            "option %s=%s is not a number (digits or 0x..., then K, M or G)",
                            option->name, option->value);
    value <<= shift;
    if (value < minimum || value > maximum)
        return d3dkmti_fail(STATUS_INVALID_PARAMETER, "option %s=%s is outside of %llu to %llu",
                            option->name, option->value, (unsigned long long)minimum,
                            (unsigned long long)maximum);
    *number = value;
    return STATUS_SUCCESS;
}

NTSTATUS d3dkmti_option_switch(const struct option *option, bool *on)
{
    static const char *const yes[] = {"", "on", "yes", "1"};
    static const char *const no[] = {"off", "no", "0"};

    for (size_t i = 0; i < sizeof(yes) / sizeof(yes[0]); i++) {
        if (strcmp(option->value, yes[i]) == 0) {
            *on = true;
            return STATUS_SUCCESS;
        }
    }
    for (size_t i = 0; i < sizeof(no) / sizeof(no[0]); i++) {
        if (strcmp(option->value, no[i]) == 0) {
            *on = false;
            return STATUS_SUCCESS;
        }
    }
    return d3dkmti_fail(STATUS_INVALID_PARAMETER, "option %s=%s: say on or off", option->name,
                        option->value);
}
