/* SPDX-License-Identifier: MIT */
/*
 * What the tests with bad input share: a world behind the public interface, and a check that a call
 * fails as it must, says why, and leaves everything as it was.
 */
#ifndef TESTS_CLIENT_BAD_INPUT_H
#define TESTS_CLIENT_BAD_INPUT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "guest/malform.h"

extern struct world bad_world;
extern bool bad_async, bad_check_pointers;

/* The fixture: *state is the specification of the backend. Nothing may be left afterwards. */
int bad_input_set_up(void **state);
int bad_input_tear_down(void **state);

/* Every mode of the host, as pre-state of a test of its own. */
#define BAD_INPUT_TEST(name, specification)                                                        \
    {                                                                                              \
#name " (" specification ")", name, bad_input_set_up, bad_input_tear_down,                 \
            (char *)(uintptr_t)specification                                                       \
    }
#define BAD_INPUT_TESTS(name)                                                                      \
    BAD_INPUT_TEST(name, "loopback"), BAD_INPUT_TEST(name, "loopback:async"),                      \
        BAD_INPUT_TEST(name, "loopback:check-pointers"),                                           \
        BAD_INPUT_TEST(name, "loopback:async,check-pointers")

/*
 * Carries the call out with args, which hold the bad input, and counts a failure of the test unless
 * it fails as told, names the function and the argument, leaves args and the scratch memory as
 * they were and makes no object. Says which case it was.
 */
void bad_input_expect(const struct bad_case *expected, void *args);

/* Fails the test if any case did. */
void bad_input_assert_all(void);

/* The variants of a malformation on every argument that it applies to. */
void bad_input_try_all(enum malformation_id id);

/* Right arguments of a call. */
static inline void *bad_input_fill(const struct every_call *call)
{
    return malform_fill(call, &bad_world);
}

#endif
