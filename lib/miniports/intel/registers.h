/* SPDX-License-Identifier: MIT */
/*
 * Registers of a command streamer, as far as batches calculate with them: the 16 general ones of 64
 * bits and the run time, which are a context's own, and the clock. Names are the offsets that
 * commands hold.
 */
#ifndef MINIPORTS_INTEL_REGISTERS_H
#define MINIPORTS_INTEL_REGISTERS_H

#include <stdbool.h>
#include <stdint.h>

enum { REGISTERS_GENERAL = 16 };

struct registers {
    uint64_t general[REGISTERS_GENERAL];
    uint64_t run_time; /* ticks of the clock that the context was executed, up to the last stop */
    uint64_t resumed;  /* what the clock showed when it went on */
};

/* Half a register. False: it is none of these; `clock` is what the clock shows. */
bool registers_load(const struct registers *registers, uint32_t name, uint64_t clock,
                    uint32_t *value);

/* False: it is no general one. */
bool registers_store(struct registers *registers, uint32_t name, uint32_t value);

/* The arithmetic unit, within one MI_MATH. */
struct registers_unit {
    uint64_t a, b, result;
    bool zero, carry;
};

/* One of its instructions. False: there is none like this. */
bool registers_calculate(struct registers *registers, struct registers_unit *unit,
                         uint32_t instruction);

#endif
