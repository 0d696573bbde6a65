/* SPDX-License-Identifier: MIT */
/*
 * Replaces malloc() and its family by the C library's own behind a counter. The program must export
 * its symbols (ENABLE_EXPORTS), or libraries do not find the replacements.
 */
#ifndef TESTS_CLIENT_COUNT_ALLOCATIONS_H
#define TESTS_CLIENT_COUNT_ALLOCATIONS_H

/* Allocations of the whole process so far, on all threads; wraps around. */
unsigned allocations_counted(void);

#endif
