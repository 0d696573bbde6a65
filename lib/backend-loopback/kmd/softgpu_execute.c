/* SPDX-License-Identifier: MIT */
/*
 * The interpreter. Command buffers are hostile: words are fetched once into private memory, checked
 * there and used from there. Where a buffer has got to, command and place within a long command, is
 * kept in the submission's state, so that a run can stop at any command boundary and inside long
 * transfers.
 */
#include <string.h>

#include "backend-loopback/kmd/softgpu_adapter.h"

#define WINDOW_WORDS   1024u
#define MAX_WORDS      (2u + SOFTGPU_MAX_CALL_ARGUMENTS) /* of any command that has operands */
#define PIECE_BYTES    (UINT64_C(4) << 20) /* of a transfer between two looks at the clock */
#define CHUNK_ELEMENTS 1024u
#define PIECE_ELEMENTS (64u * CHUNK_ELEMENTS)

/* Indices of kmd_submission.state. */
enum { AT_BYTE, AT_WITHIN };

struct run {
    struct kmd_softgpu_adapter *adapter;
    const struct kmd_services *services;
    struct kmd_execution *execution;
    struct kmd_submission *submission;
    uint64_t window_at; /* byte of the command buffer where the window starts */
    uint32_t window_bytes;
    uint32_t window[WINDOW_WORDS];
};

static enum kmd_result faulted(bool good)
{
    return good ? KMD_DONE : KMD_FAULT;
}

static enum kmd_result run_nop(struct run *run, const uint32_t *words, uint32_t count)
{
    (void)run;
    (void)words;
    (void)count;
    return KMD_DONE;
}

/* Long transfers go piece by piece; `done` survives a yield. */
static enum kmd_result run_pieces(struct run *run, uint64_t size, const uint32_t *words,
                                  bool (*move)(struct run *run, const uint32_t *words,
                                               uint64_t done, uint64_t piece))
{
    uint64_t *done = &run->submission->state[AT_WITHIN];

    while (*done < size) {
        uint64_t piece = size - *done < PIECE_BYTES ? size - *done : PIECE_BYTES;

        if (!move(run, words, *done, piece))
            return KMD_FAULT;
        *done += piece;
        if (*done < size && run->services->ShouldYield(run->execution))
            return KMD_YIELD;
    }
    *done = 0;
    return KMD_DONE;
}

static bool fill_piece(struct run *run, const uint32_t *words, uint64_t done, uint64_t piece)
{
    return run->services->FillMemory(run->execution, softgpu_get64(words + 2) + done, words[1],
                                     piece);
}

static enum kmd_result run_fill(struct run *run, const uint32_t *words, uint32_t count)
{
    uint64_t size = softgpu_get64(words + 4);

    (void)count;
    if (size % sizeof(uint32_t) != 0)
        return KMD_INVALID_COMMAND;
    return run_pieces(run, size, words, fill_piece);
}

static bool copy_piece(struct run *run, const uint32_t *words, uint64_t done, uint64_t piece)
{
    return run->services->CopyMemory(run->execution, softgpu_get64(words + 1) + done,
                                     softgpu_get64(words + 3) + done, piece);
}

static enum kmd_result run_copy(struct run *run, const uint32_t *words, uint32_t count)
{
    (void)count;
    return run_pieces(run, softgpu_get64(words + 5), words, copy_piece);
}

/* An aligned value appears at once, as polling readers expect; an unaligned one is just bytes. */
static enum kmd_result write_value(struct run *run, uint64_t address, uint32_t width,
                                   uint64_t value)
{
    if (address % width == 0)
        return faulted(run->services->AtomicMemory(run->execution, address, width, KMD_ATOMIC_STORE,
                                                   value, 0, NULL));
    return faulted(run->services->WriteMemory(run->execution, address, &value, width));
}

static enum kmd_result run_write32(struct run *run, const uint32_t *words, uint32_t count)
{
    (void)count;
    return write_value(run, softgpu_get64(words + 1), 4, words[3]);
}

static enum kmd_result run_write64(struct run *run, const uint32_t *words, uint32_t count)
{
    (void)count;
    return write_value(run, softgpu_get64(words + 1), 8, softgpu_get64(words + 3));
}

static enum kmd_result run_atomic(struct run *run, const uint32_t *words, uint32_t count)
{
    static const enum kmd_atomic operations[SOFTGPU_ATOMIC_OPERATION_COUNT] = {
        [SOFTGPU_ATOMIC_ADD] = KMD_ATOMIC_ADD,
        [SOFTGPU_ATOMIC_AND] = KMD_ATOMIC_AND,
        [SOFTGPU_ATOMIC_OR] = KMD_ATOMIC_OR,
        [SOFTGPU_ATOMIC_XOR] = KMD_ATOMIC_XOR,
        [SOFTGPU_ATOMIC_MIN] = KMD_ATOMIC_MIN,
        [SOFTGPU_ATOMIC_MAX] = KMD_ATOMIC_MAX,
        [SOFTGPU_ATOMIC_EXCHANGE] = KMD_ATOMIC_EXCHANGE,
        [SOFTGPU_ATOMIC_COMPARE_EXCHANGE] = KMD_ATOMIC_COMPARE_EXCHANGE,
    };
    uint32_t width = (words[0] & 0xffff) == SOFTGPU_ATOMIC64 ? 8 : 4;
    uint64_t destination = softgpu_get64(words + 2);
    uint64_t result = softgpu_get64(words + 8);
    uint64_t old;

    (void)count;
    if (words[1] >= SOFTGPU_ATOMIC_OPERATION_COUNT || destination % width != 0)
        return KMD_INVALID_COMMAND;
    if (!run->services->AtomicMemory(run->execution, destination, width, operations[words[1]],
                                     softgpu_get64(words + 4), softgpu_get64(words + 6), &old))
        return KMD_FAULT;
    return result ? write_value(run, result, width, old) : KMD_DONE;
}

static enum kmd_result run_wait(struct run *run, const uint32_t *words, uint32_t count)
{
    uint64_t address = softgpu_get64(words + 2);
    uint64_t value = softgpu_get64(words + 4);
    uint64_t memory;
    bool reached;

    (void)count;
    if (words[1] > SOFTGPU_NOT_EQUAL || address % sizeof(value) != 0)
        return KMD_INVALID_COMMAND;
    if (!run->services->AtomicMemory(run->execution, address, 8, KMD_ATOMIC_LOAD, 0, 0, &memory))
        return KMD_FAULT;
    if (words[1] == SOFTGPU_GREATER_EQUAL)
        reached = memory >= value;
    else
        reached = (memory == value) == (words[1] == SOFTGPU_EQUAL);
    return reached ? KMD_DONE : KMD_POLL;
}

static enum kmd_result run_signal(struct run *run, const uint32_t *words, uint32_t count)
{
    uint64_t address = softgpu_get64(words + 1);

    (void)count;
    if (address % sizeof(uint64_t) != 0)
        return KMD_INVALID_COMMAND;
    return faulted(run->services->SignalFence(run->execution, address, softgpu_get64(words + 3)));
}

static enum kmd_result run_timestamp(struct run *run, const uint32_t *words, uint32_t count)
{
    (void)count;
    return write_value(run, softgpu_get64(words + 1), 8, run->services->Timestamp(run->execution));
}

/* ---- Arithmetic */

typedef uint32_t (*element_operation)(uint32_t a, uint32_t b);

static uint32_t add_u32(uint32_t a, uint32_t b)
{
    return a + b;
}

static uint32_t mul_u32(uint32_t a, uint32_t b)
{
    return a * b;
}

static uint32_t xor_u32(uint32_t a, uint32_t b)
{
    return a ^ b;
}

static float as_float(uint32_t bits)
{
    float value;

    memcpy(&value, &bits, sizeof(value));
    return value;
}

static uint32_t as_bits(float value)
{
    uint32_t bits;

    memcpy(&bits, &value, sizeof(bits));
    return bits;
}

static uint32_t add_f32(uint32_t a, uint32_t b)
{
    return as_bits(as_float(a) + as_float(b));
}

static uint32_t mul_f32(uint32_t a, uint32_t b)
{
    return as_bits(as_float(a) * as_float(b));
}

static element_operation find_operation(uint32_t opcode, uint32_t type)
{
    static const element_operation operations[][2] = {
        {add_u32, add_f32}, /* SOFTGPU_ADD */
        {mul_u32, mul_f32}, /* SOFTGPU_MUL */
        {xor_u32, NULL},    /* SOFTGPU_XOR */
    };

    return type <= SOFTGPU_F32 ? operations[opcode - SOFTGPU_ADD][type] : NULL;
}

static bool compute_chunk(struct run *run, const uint32_t *words, element_operation operation,
                          uint64_t done, uint32_t count)
{
    const struct kmd_services *services = run->services;
    size_t size = count * sizeof(uint32_t);
    uint64_t at = done * sizeof(uint32_t);
    uint32_t a[CHUNK_ELEMENTS];
    uint32_t b[CHUNK_ELEMENTS];

    if (!services->ReadMemory(run->execution, softgpu_get64(words + 4) + at, a, size) ||
        !services->ReadMemory(run->execution, softgpu_get64(words + 6) + at, b, size))
        return false;
    for (uint32_t i = 0; i < count; i++)
        a[i] = operation(a[i], b[i]);
    return services->WriteMemory(run->execution, softgpu_get64(words + 2) + at, a, size);
}

static enum kmd_result run_arithmetic(struct run *run, const uint32_t *words, uint32_t count)
{
    element_operation operation = find_operation(words[0] & 0xffff, words[1]);
    uint64_t *done = &run->submission->state[AT_WITHIN];
    uint32_t total = words[8];

    (void)count;
    if (!operation)
        return KMD_INVALID_COMMAND;
    while (*done < total) {
        uint32_t left = total - (uint32_t)*done;
        uint32_t chunk = left < CHUNK_ELEMENTS ? left : CHUNK_ELEMENTS;

        if (!compute_chunk(run, words, operation, *done, chunk))
            return KMD_FAULT;
        *done += chunk;
        if (*done < total && *done % PIECE_ELEMENTS == 0 &&
            run->services->ShouldYield(run->execution))
            return KMD_YIELD;
    }
    *done = 0;
    return KMD_DONE;
}

/* ---- Hang, call */

static enum kmd_result run_hang(struct run *run, const uint32_t *words, uint32_t count)
{
    (void)run;
    (void)words;
    (void)count;
    return KMD_HANG;
}

static enum kmd_result run_call(struct run *run, const uint32_t *words, uint32_t count)
{
    struct softgpu_call call = {
        .function = words[1],
        .argument_count = count - 2,
        .arguments = words + 2,
        .services = run->services,
        .execution = run->execution,
    };
    struct kmd_softgpu_slot slot = {NULL, NULL};

    if (call.function >= SOFTGPU_MAX_FUNCTIONS)
        return KMD_INVALID_COMMAND;
    pthread_mutex_lock(&run->adapter->lock);
    slot = run->adapter->functions[call.function];
    pthread_mutex_unlock(&run->adapter->lock);
    if (!slot.function)
        return KMD_INVALID_COMMAND;
    return faulted(slot.function(slot.context, &call));
}

/* ---- The loop */

/* `words` of the command, header included, are in `words[0..count)` as far as the command has
 * operands at all. */
struct command {
    uint32_t minimum; /* words, with the header */
    uint32_t maximum;
    enum kmd_result (*run)(struct run *run, const uint32_t *words, uint32_t count);
};

static const struct command commands[SOFTGPU_OPCODE_COUNT] = {
    [SOFTGPU_NOP] = {1, SOFTGPU_MAX_COMMAND_WORDS, run_nop},
    [SOFTGPU_FILL] = {6, 6, run_fill},
    [SOFTGPU_COPY] = {7, 7, run_copy},
    [SOFTGPU_WRITE32] = {4, 4, run_write32},
    [SOFTGPU_WRITE64] = {5, 5, run_write64},
    [SOFTGPU_ATOMIC32] = {10, 10, run_atomic},
    [SOFTGPU_ATOMIC64] = {10, 10, run_atomic},
    [SOFTGPU_WAIT] = {6, 6, run_wait},
    [SOFTGPU_SIGNAL] = {5, 5, run_signal},
    [SOFTGPU_TIMESTAMP] = {3, 3, run_timestamp},
    [SOFTGPU_ADD] = {9, 9, run_arithmetic},
    [SOFTGPU_MUL] = {9, 9, run_arithmetic},
    [SOFTGPU_XOR] = {9, 9, run_arithmetic},
    [SOFTGPU_HANG] = {1, 1, run_hang},
    [SOFTGPU_CALL] = {2, MAX_WORDS, run_call},
};

/* `bytes` of the buffer from `at` on, in private memory; NULL after a fault. The caller has checked
 * that they exist. */
static const uint32_t *fetch(struct run *run, uint64_t at, uint32_t bytes)
{
    uint64_t end = run->submission->command_size;
    uint64_t ahead = end - at < sizeof(run->window) ? end - at : sizeof(run->window);

    if (at < run->window_at || at + bytes > run->window_at + run->window_bytes) {
        run->window_bytes = 0;
        if (!run->services->ReadMemory(run->execution, run->submission->command_address + at,
                                       run->window, ahead))
            return NULL;
        run->window_at = at;
        run->window_bytes = (uint32_t)ahead;
    }
    return run->window + (at - run->window_at) / sizeof(uint32_t);
}

/* One command; on KMD_DONE the state stands behind it. */
static enum kmd_result step(struct run *run)
{
    uint64_t at = run->submission->state[AT_BYTE];
    uint64_t left = run->submission->command_size - at;
    const uint32_t *words = fetch(run, at, sizeof(uint32_t));
    const struct command *command;
    enum kmd_result result;
    uint32_t opcode;
    uint32_t count;

    if (!words)
        return KMD_FAULT;
    opcode = words[0] & 0xffff;
    count = words[0] >> 16;
    if (opcode >= SOFTGPU_OPCODE_COUNT || count * sizeof(uint32_t) > left)
        return KMD_INVALID_COMMAND;
    command = &commands[opcode];
    if (count < command->minimum || count > command->maximum)
        return KMD_INVALID_COMMAND;
    if (opcode != SOFTGPU_NOP) {
        uint32_t header = words[0];

        words = fetch(run, at, count * (uint32_t)sizeof(uint32_t));
        if (!words)
            return KMD_FAULT;
        /* Fetched a second time from memory that others can write: the checks must still hold. */
        if (words[0] != header)
            return KMD_INVALID_COMMAND;
    }
    result = command->run(run, words, count);
    if (result == KMD_DONE)
        run->submission->state[AT_BYTE] = at + count * sizeof(uint32_t);
    return result;
}

/* The fence that the private data name, when the commands are done. Foreign private data are not
 * ours to judge. */
static enum kmd_result finish(struct run *run)
{
    struct softgpu_submit data;
    uint32_t magic = 0;

    if (run->submission->private_data_size >= sizeof(magic))
        memcpy(&magic, run->submission->private_data, sizeof(magic));
    if (magic != SOFTGPU_SUBMIT_MAGIC)
        return KMD_DONE;
    if (run->submission->private_data_size < sizeof(data))
        return KMD_INVALID_COMMAND;
    memcpy(&data, run->submission->private_data, sizeof(data));
    if (data.version != SOFTGPU_VERSION || data.fence_address % sizeof(uint64_t) != 0)
        return KMD_INVALID_COMMAND;
    if (!data.fence_address)
        return KMD_DONE;
    return faulted(
        run->services->SignalFence(run->execution, data.fence_address, data.fence_value));
}

enum kmd_result kmd_softgpu_execute(void *adapter, struct kmd_execution *execution,
                                    struct kmd_submission *submission)
{
    struct kmd_softgpu_adapter *softgpu = adapter;
    enum kmd_result result = KMD_DONE;
    struct run run;

    run.adapter = softgpu;
    run.services = softgpu->services;
    run.execution = execution;
    run.submission = submission;
    run.window_at = 0;
    run.window_bytes = 0;
    if (submission->command_size % sizeof(uint32_t) != 0)
        return KMD_INVALID_COMMAND;
    while (submission->state[AT_BYTE] < submission->command_size) {
        result = step(&run);
        if (result != KMD_DONE)
            return result;
        if (softgpu->services->ShouldYield(execution))
            return KMD_YIELD;
    }
    result = finish(&run);
    if (result == KMD_DONE)
        atomic_fetch_add(&softgpu->finished, 1);
    return result;
}
