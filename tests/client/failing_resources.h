/* SPDX-License-Identifier: MIT */
/*
 * Lets one request for memory, a thread, a mapping or a descriptor fail, and counts the memory that
 * is held. The program is linked with the libraries' archives and wraps these functions
 * (CMakeLists.txt has the list).
 */
#ifndef TESTS_CLIENT_FAILING_RESOURCES_H
#define TESTS_CLIENT_FAILING_RESOURCES_H

#include <stdbool.h>

/* The request number (from 0) of this thread fails, of those that it makes while watched. */
void resources_fail_at(unsigned number);
void resources_watch(bool on);
/* Whether it has come to that, and what it was that failed. */
bool resources_have_failed(void);
const char *resources_failure(void);

/* Blocks of memory that are held, by all threads. */
long resources_blocks(void);

#endif
