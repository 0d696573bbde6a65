/* SPDX-License-Identifier: MIT */
#include "miniports/intel/batch.h"

#include "miniports/intel/adapter_info.h"

/* Indices of kmd_submission.state. */
enum { STATE_STARTED, STATE_NEXT, STATE_RETURN };

enum {
    UNIT = 4,
    COMMAND_MAX = 6,        /* units of the longest command that is looked into */
    COMMANDS_AT_A_TIME = 64 /* between two looks at who else wants the engine */
};

#define ADDRESS_LIMIT ((uint64_t)1 << 48)

struct batch {
    const struct kmd_services *services;
    struct kmd_execution *execution;
    struct registers *registers;
    uint64_t *state;
};

/* Results beside those of enum kmd_result: go on with the next command. */
enum { GO_ON = -1 };

typedef int command_function(struct batch *batch, const uint32_t *units, unsigned length);

/* ---- memory */

static uint64_t address_of(uint32_t low, uint32_t high)
{
    return ((uint64_t)high << 32 | low) & (ADDRESS_LIMIT - 1);
}

/* In one piece where the address allows it: the program polls these places. */
static int write_number(struct batch *batch, uint64_t address, uint64_t value, unsigned width)
{
    const struct kmd_services *services = batch->services;
    bool done = address % width == 0
                    ? services->AtomicMemory(batch->execution, address, width, KMD_ATOMIC_STORE,
                                             value, 0, NULL)
                    : services->WriteMemory(batch->execution, address, &value, width);

    return done ? GO_ON : (int)KMD_FAULT;
}

static uint64_t timestamp(struct batch *batch)
{
    return adapter_info_ticks(batch->services->Timestamp(batch->execution));
}

enum { POST_SYNC_NONE, POST_SYNC_IMMEDIATE, POST_SYNC_DEPTH_COUNT, POST_SYNC_TIMESTAMP };

static int post_sync(struct batch *batch, unsigned operation, uint64_t address, uint64_t immediate)
{
    switch (operation) {
    case POST_SYNC_NONE:
        return GO_ON;
    case POST_SYNC_IMMEDIATE:
        return write_number(batch, address, immediate, 8);
    case POST_SYNC_TIMESTAMP:
        return write_number(batch, address, timestamp(batch), 8);
    default:
        return KMD_INVALID_COMMAND; /* nothing is drawn that could be counted */
    }
}

/* ---- commands of the memory interface, by their number */

static int skip(struct batch *batch, const uint32_t *units, unsigned length)
{
    (void)batch;
    (void)units;
    (void)length;
    return GO_ON;
}

static int batch_buffer_end(struct batch *batch, const uint32_t *units, unsigned length)
{
    (void)units;
    (void)length;
    if (batch->state[STATE_RETURN] == 0)
        return KMD_DONE;
    batch->state[STATE_NEXT] = batch->state[STATE_RETURN];
    batch->state[STATE_RETURN] = 0;
    return GO_ON;
}

/* A jump; from the first level into the second one a call. */
static int batch_buffer_start(struct batch *batch, const uint32_t *units, unsigned length)
{
    bool second_level = units[0] >> 22 & 1;

    (void)length;
    if (second_level && batch->state[STATE_RETURN])
        return KMD_INVALID_COMMAND;
    if (second_level)
        batch->state[STATE_RETURN] = batch->state[STATE_NEXT];
    batch->state[STATE_NEXT] = address_of(units[1] & ~3u, units[2]);
    return GO_ON;
}

static int store_data_immediate(struct batch *batch, const uint32_t *units, unsigned length)
{
    uint64_t address = address_of(units[1] & ~3u, units[2]);

    if (length == 4)
        return write_number(batch, address, units[3], 4);
    return write_number(batch, address, (uint64_t)units[4] << 32 | units[3], 8);
}

static int flush(struct batch *batch, const uint32_t *units, unsigned length)
{
    (void)length;
    return post_sync(batch, units[0] >> 14 & 3, address_of(units[1] & ~7u, units[2]),
                     (uint64_t)units[4] << 32 | units[3]);
}

static bool compare(unsigned operation, uint32_t memory, uint32_t value)
{
    const bool results[] = {memory > value,  memory >= value, memory < value,
                            memory <= value, memory == value, memory != value};

    return operation < sizeof(results) / sizeof(results[0]) && results[operation];
}

static int semaphore_wait(struct batch *batch, const uint32_t *units, unsigned length)
{
    uint32_t memory;
    uint64_t address = address_of(units[2] & ~3u, units[3]);

    if (!batch->services->ReadMemory(batch->execution, address, &memory, sizeof(memory)))
        return KMD_FAULT;
    if (compare(units[0] >> 12 & 7, memory, units[1]))
        return GO_ON;
    batch->state[STATE_NEXT] -= (uint64_t)length * UNIT; /* the same again, later */
    return KMD_POLL;
}

static int copy_memory(struct batch *batch, const uint32_t *units, unsigned length)
{
    uint64_t to = address_of(units[1] & ~3u, units[2]), from = address_of(units[3] & ~3u, units[4]);

    (void)length;
    return batch->services->CopyMemory(batch->execution, to, from, UNIT) ? GO_ON : (int)KMD_FAULT;
}

/* ---- registers: those that nobody calculates with take what is loaded, and cannot be looked at */

static uint32_t register_name(uint32_t unit)
{
    return unit & 0x7ffffc;
}

/* Pairs of name and value. */
static int load_immediate(struct batch *batch, const uint32_t *units, unsigned length)
{
    uint64_t at = batch->state[STATE_NEXT] - (uint64_t)length * UNIT;
    uint32_t pair[2];

    (void)units;
    for (unsigned i = 1; i + 1 < length; i += 2) {
        if (!batch->services->ReadMemory(batch->execution, at + (uint64_t)i * UNIT, pair,
                                         sizeof(pair)))
            return KMD_FAULT;
        (void)registers_store(batch->registers, register_name(pair[0]), pair[1]);
    }
    return GO_ON;
}

static int load_memory(struct batch *batch, const uint32_t *units, unsigned length)
{
    uint64_t address = address_of(units[2] & ~3u, units[3]);
    uint32_t value;

    (void)length;
    if (!batch->services->ReadMemory(batch->execution, address, &value, sizeof(value)))
        return KMD_FAULT;
    (void)registers_store(batch->registers, register_name(units[1]), value);
    return GO_ON;
}

static int copy_register(struct batch *batch, const uint32_t *units, unsigned length)
{
    uint32_t value;

    (void)length;
    if (registers_load(batch->registers, register_name(units[1]), timestamp(batch), &value))
        (void)registers_store(batch->registers, register_name(units[2]), value);
    else if (registers_store(batch->registers, register_name(units[2]), 0))
        return KMD_INVALID_COMMAND; /* something would be calculated from what is not known */
    return GO_ON;
}

static int store_register(struct batch *batch, const uint32_t *units, unsigned length)
{
    uint64_t address = address_of(units[2] & ~3u, units[3]);
    uint32_t value;

    (void)length;
    if (!registers_load(batch->registers, register_name(units[1]), timestamp(batch), &value))
        return KMD_INVALID_COMMAND;
    return write_number(batch, address, value, sizeof(value));
}

static int calculate(struct batch *batch, const uint32_t *units, unsigned length)
{
    uint64_t at = batch->state[STATE_NEXT] - (uint64_t)length * UNIT;
    struct registers_unit unit = {0};
    uint32_t instruction;

    (void)units;
    for (unsigned i = 1; i < length; i++) {
        if (!batch->services->ReadMemory(batch->execution, at + (uint64_t)i * UNIT, &instruction,
                                         sizeof(instruction)))
            return KMD_FAULT;
        if (!registers_calculate(batch->registers, &unit, instruction))
            return KMD_INVALID_COMMAND;
    }
    return GO_ON;
}

enum { INTERFACE_COMMANDS = 64 };

/* The numbers below LONG_COMMANDS have one unit, the others say how many. */
enum { LONG_COMMANDS = 0x10 };

static const struct {
    command_function *execute;
    unsigned length; /* at least */
} interface_commands[INTERFACE_COMMANDS] = {
    [0x00] = {skip, 1},                 /* MI_NOOP */
    [0x02] = {skip, 1},                 /* MI_USER_INTERRUPT */
    [0x05] = {skip, 1},                 /* MI_ARB_CHECK */
    [0x08] = {skip, 1},                 /* MI_ARB_ON_OFF */
    [0x0a] = {batch_buffer_end, 1},     /* MI_BATCH_BUFFER_END */
    [0x1a] = {calculate, 1},            /* MI_MATH */
    [0x1c] = {semaphore_wait, 4},       /* MI_SEMAPHORE_WAIT */
    [0x20] = {store_data_immediate, 4}, /* MI_STORE_DATA_IMM */
    [0x22] = {load_immediate, 1},       /* MI_LOAD_REGISTER_IMM */
    [0x24] = {store_register, 4},       /* MI_STORE_REGISTER_MEM */
    [0x26] = {flush, 5},                /* MI_FLUSH_DW */
    [0x29] = {load_memory, 4},          /* MI_LOAD_REGISTER_MEM */
    [0x2a] = {copy_register, 3},        /* MI_LOAD_REGISTER_REG */
    [0x2e] = {copy_memory, 5},          /* MI_COPY_MEM_MEM */
    [0x31] = {batch_buffer_start, 3},   /* MI_BATCH_BUFFER_START */
};

static int pipe_control(struct batch *batch, const uint32_t *units, unsigned length)
{
    (void)length;
    return post_sync(batch, units[1] >> 14 & 3, address_of(units[2] & ~3u, units[3]),
                     (uint64_t)units[5] << 32 | units[4]);
}

/* ---- decoding */

struct command {
    command_function *execute; /* NULL: refused */
    unsigned length;           /* in units */
    unsigned needed;           /* how many of them execute looks at */
};

static struct command decode_interface(uint32_t header)
{
    unsigned number = header >> 23 & (INTERFACE_COMMANDS - 1);
    unsigned length = number < LONG_COMMANDS ? 1 : (header & 0xff) + 2;
    unsigned needed = interface_commands[number].length;
    struct command command = {interface_commands[number].execute, length, needed};

    if (command.execute == store_data_immediate && length > needed)
        command.needed = needed + 1;
    return command;
}

/* By subtype: one unit for the two oldest kinds of the second, else a number of 8 or 16 bits. */
static struct command decode_render(uint32_t header)
{
    unsigned subtype = header >> 27 & 3, kind = header >> 24 & 7;
    struct command command = {skip, (header & 0xff) + 2, 1};

    if ((header & 0xffff0000) == 0x7a000000)
        command = (struct command){pipe_control, command.length, 6};
    else if (subtype == 1 && kind < 2)
        command.length = 1;
    else if (subtype == 2)
        command.length = (header & 0xffff) + 2;
    return command;
}

/* Copy commands of the blitter would move memory: they are refused, as is what is no command. */
static struct command decode(uint32_t header)
{
    enum { INTERFACE = 0, RENDER = 3 };

    if (header >> 29 == INTERFACE)
        return decode_interface(header);
    if (header >> 29 == RENDER)
        return decode_render(header);
    return (struct command){0};
}

/* ---- execution */

static int step(struct batch *batch)
{
    uint32_t units[COMMAND_MAX];
    uint64_t at = batch->state[STATE_NEXT];

    if (!batch->services->ReadMemory(batch->execution, at, units, UNIT))
        return KMD_FAULT;
    struct command command = decode(units[0]);
    if (!command.execute || command.length < command.needed)
        return KMD_INVALID_COMMAND;
    uint64_t next = at + (uint64_t)command.length * UNIT;
    if (next > ADDRESS_LIMIT)
        return KMD_INVALID_COMMAND;
    if (command.needed > 1 && !batch->services->ReadMemory(batch->execution, at + UNIT, units + 1,
                                                           (command.needed - 1) * UNIT))
        return KMD_FAULT;
    batch->state[STATE_NEXT] = next;
    return command.execute(batch, units, command.length);
}

enum kmd_result batch_execute(const struct kmd_services *services, struct kmd_execution *execution,
                              struct kmd_submission *submission, struct registers *registers)
{
    struct batch batch = {services, execution, registers, submission->state};
    int result = GO_ON;

    if (!submission->state[STATE_STARTED]) {
        submission->state[STATE_STARTED] = 1;
        submission->state[STATE_NEXT] = submission->command_address;
    }
    registers->resumed = timestamp(&batch);
    while (result == GO_ON) {
        for (unsigned i = 0; i < COMMANDS_AT_A_TIME && result == GO_ON; i++)
            result = step(&batch);
        if (result == GO_ON && services->ShouldYield(execution))
            result = KMD_YIELD;
    }
    registers->run_time += timestamp(&batch) - registers->resumed;
    return (enum kmd_result)result;
}
