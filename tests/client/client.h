/* SPDX-License-Identifier: MIT */
/* What tests of the public interface share: the simulated host, opened by name, and a small UMD. */
#ifndef TESTS_CLIENT_CLIENT_H
#define TESTS_CLIENT_CLIENT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <umd/umd.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* Fails the test with the library's own words. */
#define assert_success(call)                                                                       \
    do {                                                                                           \
        NTSTATUS status_ = (call);                                                                 \
        if (!NT_SUCCESS(status_))                                                                  \
            print_error("%s\n", d3dkmt_last_error());                                              \
        assert_true(NT_SUCCESS(status_));                                                          \
    } while (0)

/* A call fails with this status and says why. */
#define assert_fails(call, expected)                                                               \
    do {                                                                                           \
        NTSTATUS status_ = (call);                                                                 \
        if (status_ != (expected))                                                                 \
            print_error("%s instead of %s: %s\n", d3dkmt_status_name(status_),                     \
                        d3dkmt_status_name(expected), d3dkmt_last_error());                        \
        assert_int_equal(status_, (expected));                                                     \
        assert_int_equal(d3dkmt_last_error_status(), (expected));                                  \
        assert_string_not_equal(d3dkmt_last_error(), "");                                          \
    } while (0)

#endif
