/* SPDX-License-Identifier: MIT */
/*
 * The language of the simulated GPU: private driver data and the commands that its engines execute.
 *
 * A command buffer is a sequence of little-endian u32 words. Each command is a header word, opcode
 * in bits 0-15 and length in words with the header in bits 16-31, and its operands. Operands of 64
 * bits take two words, the low one first, and need no alignment. Addresses are GPU virtual
 * addresses of the process that submits. A word sequence that is no command stops the buffer and
 * puts the device into the error state (DMA fault); an access to memory that is not mapped, not
 * resident or read-only does the same (DMA page fault). Commands of one buffer take effect in
 * order.
 */
#ifndef D3DKMT_SOFTGPU_H
#define D3DKMT_SOFTGPU_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#ifdef __cplusplus
extern "C" {
#endif

#define SOFTGPU_VERSION 1u

/* ---- Private driver data */

#define SOFTGPU_ALLOCATION_MAGIC 0x41475353u /* "SSGA" */
#define SOFTGPU_RESOURCE_MAGIC   0x52475353u /* "SSGR" */
#define SOFTGPU_SUBMIT_MAGIC     0x53475353u /* "SSGS" */
#define SOFTGPU_ADAPTER_MAGIC    0x50475353u /* "SSGP" */
#define SOFTGPU_ESCAPE_MAGIC     0x45475353u /* "SSGE" */

#define SOFTGPU_ALLOCATION_CPU_VISIBLE 0x1u
#define SOFTGPU_ALLOCATION_CACHED      0x2u
#define SOFTGPU_ALLOCATION_NON_LOCAL   0x4u /* prefers system memory; without it video memory */
#define SOFTGPU_ALLOCATION_FLAGS       0x7u

/* An allocation's private data. The size comes back rounded up to 4 KiB. */
struct softgpu_allocation {
    uint32_t magic;   /* SOFTGPU_ALLOCATION_MAGIC */
    uint32_t version; /* SOFTGPU_VERSION */
    uint64_t size;    /* bytes, not zero */
    uint32_t flags;   /* SOFTGPU_ALLOCATION_*; unknown bits are refused */
    uint32_t reserved;
};

/* A standard allocation's resource data, as the host hands it out. */
struct softgpu_resource {
    uint32_t magic;   /* SOFTGPU_RESOURCE_MAGIC */
    uint32_t version; /* SOFTGPU_VERSION */
    uint32_t type;    /* WDDM's D3DKMDT_STANDARDALLOCATION_TYPE */
    uint32_t reserved;
};

/* Optional private data of a submission: a fence to signal when the buffer has been executed. */
struct softgpu_submit {
    uint32_t magic;         /* SOFTGPU_SUBMIT_MAGIC */
    uint32_t version;       /* SOFTGPU_VERSION */
    uint64_t fence_address; /* GPU virtual address of a monitored fence, 0 for none */
    uint64_t fence_value;
};

/* Answer to KMTQAITYPE_UMDRIVERPRIVATE. */
struct softgpu_adapter {
    uint32_t magic;   /* SOFTGPU_ADAPTER_MAGIC */
    uint32_t version; /* SOFTGPU_VERSION */
    uint32_t node_count;
    uint32_t compute_only;
    uint64_t local_memory;        /* bytes */
    uint64_t non_local_memory;    /* bytes */
    uint64_t timestamp_frequency; /* Hz */
};

enum softgpu_escape_operation {
    SOFTGPU_ESCAPE_ECHO = 1,    /* result = ~argument */
    SOFTGPU_ESCAPE_COMMANDS = 2 /* result = command buffers finished on this adapter */
};

struct softgpu_escape {
    uint32_t magic;     /* SOFTGPU_ESCAPE_MAGIC */
    uint32_t operation; /* enum softgpu_escape_operation */
    uint64_t argument;
    uint64_t result;
};

/* ---- Commands */

#define SOFTGPU_MAX_COMMAND_WORDS 65535u

enum softgpu_opcode {
    SOFTGPU_NOP = 0,      /* any number of words that are ignored */
    SOFTGPU_FILL = 1,     /* pattern u32, destination u64, size u64: size is a multiple of 4 */
    SOFTGPU_COPY = 2,     /* destination u64, source u64, size u64 */
    SOFTGPU_WRITE32 = 3,  /* destination u64, value u32 */
    SOFTGPU_WRITE64 = 4,  /* destination u64, value u64 */
    SOFTGPU_ATOMIC32 = 5, /* operation u32, destination u64, operand u64, compare u64, result u64 */
    SOFTGPU_ATOMIC64 =
        6, /* the same on 64 bits; the old value goes to address `result` unless that is 0 */
    SOFTGPU_WAIT =
        7, /* comparison u32, address u64, value u64: until the u64 at address compares */
    SOFTGPU_SIGNAL = 8,    /* fence address u64, value u64: writes a fence and wakes its waiters */
    SOFTGPU_TIMESTAMP = 9, /* destination u64: writes a u64 */
    SOFTGPU_ADD = 10,  /* type u32, destination u64, a u64, b u64, count u32: element by element */
    SOFTGPU_MUL = 11,  /* the same */
    SOFTGPU_XOR = 12,  /* the same, not for SOFTGPU_F32 */
    SOFTGPU_HANG = 13, /* no operand: the engine stays busy until it is reset */
    SOFTGPU_CALL = 14, /* function u32, up to SOFTGPU_MAX_CALL_ARGUMENTS words: a function of the
                          host's owner */
    SOFTGPU_OPCODE_COUNT
};

enum softgpu_comparison {
    SOFTGPU_GREATER_EQUAL = 0, /* memory >= value, unsigned */
    SOFTGPU_EQUAL = 1,
    SOFTGPU_NOT_EQUAL = 2
};

/* Atomic operations; min and max are unsigned. Destinations must be naturally aligned. */
enum softgpu_atomic {
    SOFTGPU_ATOMIC_ADD = 0,
    SOFTGPU_ATOMIC_AND = 1,
    SOFTGPU_ATOMIC_OR = 2,
    SOFTGPU_ATOMIC_XOR = 3,
    SOFTGPU_ATOMIC_MIN = 4,
    SOFTGPU_ATOMIC_MAX = 5,
    SOFTGPU_ATOMIC_EXCHANGE = 6,
    SOFTGPU_ATOMIC_COMPARE_EXCHANGE = 7,
    SOFTGPU_ATOMIC_OPERATION_COUNT
};

enum softgpu_element { SOFTGPU_U32 = 0, SOFTGPU_F32 = 1 };

#define SOFTGPU_MAX_FUNCTIONS      64u /* numbers of CALL are below this */
#define SOFTGPU_MAX_CALL_ARGUMENTS 64u

struct kmd_services;
struct kmd_execution;

/* What a CALL hands to its function; kmd.h says how to use services and execution. */
struct softgpu_call {
    uint32_t function;
    uint32_t argument_count;
    const uint32_t *arguments;
    const struct kmd_services *services;
    struct kmd_execution *execution;
};

/* Runs on the engine's thread. False: a memory service failed, the device faults. */
typedef bool (*softgpu_function)(void *context, const struct softgpu_call *call);

/* ---- Building command buffers */

/* Writes commands into the caller's words. A command that does not fit is left out whole and sets
 * `overflow`. */
struct softgpu_writer {
    uint32_t *words;
    size_t capacity; /* words */
    size_t used;     /* words */
    bool overflow;
};

static inline void softgpu_writer_init(struct softgpu_writer *writer, void *memory, size_t size)
{
    writer->words = (uint32_t *)memory;
    writer->capacity = size / sizeof(uint32_t);
    writer->used = 0;
    writer->overflow = false;
}

/* Length of the command buffer in bytes, 0 if any command did not fit. */
static inline size_t softgpu_writer_size(const struct softgpu_writer *writer)
{
    return writer->overflow ? 0 : writer->used * sizeof(uint32_t);
}

static inline uint32_t softgpu_header(enum softgpu_opcode opcode, uint32_t words)
{
    return (uint32_t)opcode | words << 16;
}

/* Room for one command of `words` words with its header in place, or NULL. */
static inline uint32_t *softgpu_begin(struct softgpu_writer *writer, enum softgpu_opcode opcode,
                                      uint32_t words)
{
    uint32_t *command;

    if (words == 0 || words > SOFTGPU_MAX_COMMAND_WORDS || writer->overflow ||
        writer->capacity - writer->used < words) {
        writer->overflow = true;
        return NULL;
    }
    command = writer->words + writer->used;
    writer->used += words;
    command[0] = softgpu_header(opcode, words);
    return command;
}

static inline void softgpu_put64(uint32_t *words, uint64_t value)
{
    words[0] = (uint32_t)value;
    words[1] = (uint32_t)(value >> 32);
}

static inline uint64_t softgpu_get64(const uint32_t *words)
{
    return words[0] | (uint64_t)words[1] << 32;
}

static inline void softgpu_nop(struct softgpu_writer *writer, uint32_t words)
{
    uint32_t *command = softgpu_begin(writer, SOFTGPU_NOP, words);

    if (command)
        memset(command + 1, 0, (words - 1) * sizeof(*command));
}

static inline void softgpu_fill(struct softgpu_writer *writer, uint64_t destination,
                                uint32_t pattern, uint64_t size)
{
    uint32_t *command = softgpu_begin(writer, SOFTGPU_FILL, 6);

    if (command) {
        command[1] = pattern;
        softgpu_put64(command + 2, destination);
        softgpu_put64(command + 4, size);
    }
}

static inline void softgpu_copy(struct softgpu_writer *writer, uint64_t destination,
                                uint64_t source, uint64_t size)
{
    uint32_t *command = softgpu_begin(writer, SOFTGPU_COPY, 7);

    if (command) {
        softgpu_put64(command + 1, destination);
        softgpu_put64(command + 3, source);
        softgpu_put64(command + 5, size);
    }
}

static inline void softgpu_write32(struct softgpu_writer *writer, uint64_t destination,
                                   uint32_t value)
{
    uint32_t *command = softgpu_begin(writer, SOFTGPU_WRITE32, 4);

    if (command) {
        softgpu_put64(command + 1, destination);
        command[3] = value;
    }
}

static inline void softgpu_write64(struct softgpu_writer *writer, uint64_t destination,
                                   uint64_t value)
{
    uint32_t *command = softgpu_begin(writer, SOFTGPU_WRITE64, 5);

    if (command) {
        softgpu_put64(command + 1, destination);
        softgpu_put64(command + 3, value);
    }
}

/* `width` is 4 or 8; `compare` only counts for compare-exchange; `result` is an address or 0. */
static inline void softgpu_atomic(struct softgpu_writer *writer, uint32_t width,
                                  enum softgpu_atomic operation, uint64_t destination,
                                  uint64_t operand, uint64_t compare, uint64_t result)
{
    uint32_t *command = softgpu_begin(writer, width == 8 ? SOFTGPU_ATOMIC64 : SOFTGPU_ATOMIC32, 10);

    if (command) {
        command[1] = (uint32_t)operation;
        softgpu_put64(command + 2, destination);
        softgpu_put64(command + 4, operand);
        softgpu_put64(command + 6, compare);
        softgpu_put64(command + 8, result);
    }
}

static inline void softgpu_wait(struct softgpu_writer *writer, enum softgpu_comparison comparison,
                                uint64_t address, uint64_t value)
{
    uint32_t *command = softgpu_begin(writer, SOFTGPU_WAIT, 6);

    if (command) {
        command[1] = (uint32_t)comparison;
        softgpu_put64(command + 2, address);
        softgpu_put64(command + 4, value);
    }
}

static inline void softgpu_signal(struct softgpu_writer *writer, uint64_t fence, uint64_t value)
{
    uint32_t *command = softgpu_begin(writer, SOFTGPU_SIGNAL, 5);

    if (command) {
        softgpu_put64(command + 1, fence);
        softgpu_put64(command + 3, value);
    }
}

static inline void softgpu_timestamp(struct softgpu_writer *writer, uint64_t destination)
{
    uint32_t *command = softgpu_begin(writer, SOFTGPU_TIMESTAMP, 3);

    if (command)
        softgpu_put64(command + 1, destination);
}

/* `opcode` is SOFTGPU_ADD, SOFTGPU_MUL or SOFTGPU_XOR. */
static inline void softgpu_arithmetic(struct softgpu_writer *writer, enum softgpu_opcode opcode,
                                      enum softgpu_element type, uint64_t destination, uint64_t a,
                                      uint64_t b, uint32_t count)
{
    uint32_t *command = softgpu_begin(writer, opcode, 9);

    if (command) {
        command[1] = (uint32_t)type;
        softgpu_put64(command + 2, destination);
        softgpu_put64(command + 4, a);
        softgpu_put64(command + 6, b);
        command[8] = count;
    }
}

static inline void softgpu_hang(struct softgpu_writer *writer)
{
    (void)softgpu_begin(writer, SOFTGPU_HANG, 1);
}

static inline void softgpu_call_function(struct softgpu_writer *writer, uint32_t function,
                                         const uint32_t *arguments, uint32_t argument_count)
{
    uint32_t *command = NULL;

    if (argument_count <= SOFTGPU_MAX_CALL_ARGUMENTS)
        command = softgpu_begin(writer, SOFTGPU_CALL, 2 + argument_count);
    else
        writer->overflow = true;
    if (command) {
        command[1] = function;
        if (argument_count)
            memcpy(command + 2, arguments, argument_count * sizeof(*arguments));
    }
}

static inline struct softgpu_allocation softgpu_allocation_data(uint64_t size, uint32_t flags)
{
    struct softgpu_allocation data = {SOFTGPU_ALLOCATION_MAGIC, SOFTGPU_VERSION, size, flags, 0};

    return data;
}

static inline struct softgpu_submit softgpu_submit_data(uint64_t fence_address,
                                                        uint64_t fence_value)
{
    struct softgpu_submit data = {SOFTGPU_SUBMIT_MAGIC, SOFTGPU_VERSION, fence_address,
                                  fence_value};

    return data;
}

#ifdef __cplusplus
}
#endif

#endif
