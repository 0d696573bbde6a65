/* SPDX-License-Identifier: MIT */
/* CMocka with what it wants included before it. */
#ifndef TESTS_CORE_TEST_H
#define TESTS_CORE_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

#endif
