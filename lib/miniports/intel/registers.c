/* SPDX-License-Identifier: MIT */
#include "miniports/intel/registers.h"

enum {
    GENERAL_FIRST = 0x2600,
    GENERAL_END = GENERAL_FIRST + REGISTERS_GENERAL * 8,
    CLOCK_LOW = 0x2358,
    CLOCK_HIGH = 0x235c,
    RUN_TIME = 0x23a8,
    HALF = 4,
};

/* How far a half's bits are from the lowest of its register. */
static unsigned shift_of(uint32_t name)
{
    return name & HALF ? 32 : 0;
}

static bool is_general(uint32_t name)
{
    return name >= GENERAL_FIRST && name < GENERAL_END && name % HALF == 0;
}

bool registers_load(const struct registers *registers, uint32_t name, uint64_t clock,
                    uint32_t *value)
{
    if (name == CLOCK_LOW || name == CLOCK_HIGH)
        *value = (uint32_t)(clock >> (name == CLOCK_HIGH ? 32 : 0));
    else if (name == RUN_TIME)
        *value = (uint32_t)(registers->run_time + clock - registers->resumed);
    else if (is_general(name))
        *value = (uint32_t)(registers->general[(name - GENERAL_FIRST) / 8] >> shift_of(name));
    else
        return false;
    return true;
}

bool registers_store(struct registers *registers, uint32_t name, uint32_t value)
{
    if (!is_general(name))
        return false;
    uint64_t *whole = &registers->general[(name - GENERAL_FIRST) / 8];
    *whole &= ~((uint64_t)UINT32_MAX << shift_of(name));
    *whole |= (uint64_t)value << shift_of(name);
    return true;
}

/* ---- arithmetic */

enum operation {
    OPERATION_NOOP = 0x000,
    OPERATION_LOAD = 0x080,
    OPERATION_LOAD_INVERTED = 0x480,
    OPERATION_LOAD_0 = 0x081,
    OPERATION_LOAD_1 = 0x481, /* all bits */
    OPERATION_ADD = 0x100,
    OPERATION_SUBTRACT = 0x101,
    OPERATION_AND = 0x102,
    OPERATION_OR = 0x103,
    OPERATION_XOR = 0x104,
    OPERATION_STORE = 0x180,
    OPERATION_STORE_INVERTED = 0x580,
};

enum { OPERAND_A = 0x20, OPERAND_B = 0x21, OPERAND_RESULT = 0x31, OPERAND_ZERO, OPERAND_CARRY };

/* Into one of the unit's two inputs. */
static bool load(struct registers_unit *unit, unsigned operand, uint64_t value)
{
    if (operand != OPERAND_A && operand != OPERAND_B)
        return false;
    *(operand == OPERAND_A ? &unit->a : &unit->b) = value;
    return true;
}

static bool store(struct registers *registers, const struct registers_unit *unit,
                  unsigned destination, unsigned source, bool inverted)
{
    uint64_t value = unit->result;

    if (destination >= REGISTERS_GENERAL || source < OPERAND_RESULT || source > OPERAND_CARRY)
        return false;
    if (source != OPERAND_RESULT) /* flags fill the register */
        value = (source == OPERAND_ZERO ? unit->zero : unit->carry) ? UINT64_MAX : 0;
    registers->general[destination] = inverted ? ~value : value;
    return true;
}

static bool combine(struct registers_unit *unit, enum operation operation)
{
    unit->carry = false;
    switch (operation) {
    case OPERATION_ADD:
        unit->carry = __builtin_add_overflow(unit->a, unit->b, &unit->result);
        break;
    case OPERATION_SUBTRACT:
        unit->carry = __builtin_sub_overflow(unit->a, unit->b, &unit->result);
        break;
    case OPERATION_AND:
        unit->result = unit->a & unit->b;
        break;
    case OPERATION_OR:
        unit->result = unit->a | unit->b;
        break;
    case OPERATION_XOR:
        unit->result = unit->a ^ unit->b;
        break;
    default:
        return false;
    }
    unit->zero = unit->result == 0;
    return true;
}

bool registers_calculate(struct registers *registers, struct registers_unit *unit,
                         uint32_t instruction)
{
    enum operation operation = instruction >> 20;
    unsigned first = instruction >> 10 & 0x3ff, second = instruction & 0x3ff;
    bool inverted = operation == OPERATION_LOAD_INVERTED || operation == OPERATION_STORE_INVERTED;

    switch (operation) {
    case OPERATION_NOOP:
        return true;
    case OPERATION_LOAD:
    case OPERATION_LOAD_INVERTED:
        return second < REGISTERS_GENERAL &&
               load(unit, first,
                    inverted ? ~registers->general[second] : registers->general[second]);
    case OPERATION_LOAD_0:
        return load(unit, first, 0);
    case OPERATION_LOAD_1:
        return load(unit, first, UINT64_MAX);
    case OPERATION_STORE:
    case OPERATION_STORE_INVERTED:
        return store(registers, unit, first, second, inverted);
    default:
        return combine(unit, operation);
    }
}
