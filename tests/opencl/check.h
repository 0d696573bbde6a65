/* SPDX-License-Identifier: MIT */
/* For the programs that use Intel's driver: what must succeed, and what must be so. */
#ifndef TESTS_OPENCL_CHECK_H
#define TESTS_OPENCL_CHECK_H

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

/* Of OpenCL and of Level Zero 0 is success. */
static inline void check(int result, const char *call)
{
    if (result == 0)
        return;
    fprintf(stderr, "%s: %d (0x%x)\n", call, result, (unsigned)result);
    exit(1);
}

static inline void check_that(bool condition, const char *what)
{
    if (condition)
        return;
    fprintf(stderr, "not so: %s\n", what);
    exit(1);
}

#define CALL(function, ...) check(function(__VA_ARGS__), #function)

#endif
