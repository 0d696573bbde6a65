/* SPDX-License-Identifier: MIT */
/*
 * A machine of two processors with store buffers, and an explorer of everything that it can do.
 *
 * Each processor runs a function. Its stores go to a buffer of its own and reach memory later, one
 * by one in their order; its loads look there first and then into memory. The explorer tries every
 * order of steps and of stores reaching memory; states that were seen before are not gone on from.
 */
#ifndef TESTS_VMBUS_UIO_INTERLEAVE_H
#define TESTS_VMBUS_UIO_INTERLEAVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { INTERLEAVE_PROCESSORS = 2 };

struct interleave {
    void (*reset)(void); /* puts everything back to the beginning */
    void (*run[INTERLEAVE_PROCESSORS])(void);
    const uint32_t *memory; /* the shared words */
    size_t words;
    bool without_fences; /* what the fences are for shows when they are missing */
};

struct interleave_result {
    unsigned long states;
    bool deadlock; /* both sleep, or one sleeps and the other is done */
    bool complete; /* everything was tried */
};

struct interleave_result interleave_explore(const struct interleave *machine);

/* For the functions that run: a system call that wakes the other, and one that sleeps until woken.
 */
void interleave_wake_other(void);
void interleave_sleep(void);

#endif
