/* SPDX-License-Identifier: MIT */
/*
 * GPU-PV messages, common to both ends: numbers, limits, errors, spans and the command descriptors.
 *
 *   request.h       guest -> host: encoder (guest end) and decoder (host end)
 *   reply.h         host -> guest answers: encoder (host end) and decoder (guest end)
 *   host_message.h  host -> guest messages: encoder and decoder
 *
 * Layouts are struct wire_<command> and struct wire_<command>_reply in messages_generated.h, with
 * sizeof equal to the fixed part on the wire. Nothing here allocates, locks or searches; every
 * function may be called from any thread on buffers of its own.
 */
#ifndef D3DKMT_CORE_WIRE_WIRE_H
#define D3DKMT_CORE_WIRE_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "core/wire/messages_generated.h"
#include "core/wire/numbers_generated.h"

#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "GPU-PV messages are little endian and are used in place"
#endif

/* The three number spaces. The values are those of the header word. */
enum wire_channel {
    WIRE_VGPU = 0,
    WIRE_GLOBAL = 1,
    WIRE_HOST = 2,
};

enum {
    WIRE_VERSION_OLD = 27,             /* assumed when the host names none */
    WIRE_VERSION = 40,                 /* ext header, LUID routing, status of QUERYADAPTERINFO */
    WIRE_VERSION_LAST_COMPATIBLE = 16, /* what OPENADAPTER reports */

    WIRE_EXT_HEADER_SIZE = 16,
    WIRE_HEADER_SIZE = 24,
    WIRE_MESSAGE_LIMIT = 131072, /* a command with its ext header */
    /* A completion packet carries a 16-byte descriptor inside the same limit; a longer one makes a
     * guest read its ring out of step. */
    WIRE_REPLY_LIMIT = 131056,

    WIRE_EXISTING_PAGES_PER_MESSAGE = 15867,
    WIRE_EXISTING_PAGES_MESSAGE_SIZE = 126976,
    WIRE_VGPU_COMMAND_LIMIT = 69, /* first invalid vGPU number */
    WIRE_GLOBAL_COMMAND_FIRST = 1000,
    WIRE_GLOBAL_COMMAND_LIMIT = 1023,
    WIRE_HOST_MESSAGE_LIMIT = 5,

    WIRE_MAX_TAILS = 4,
    WIRE_MAX_REPLY_TAILS = 2,
    WIRE_NO_STATUS = 0xffff,
};

/* One value per kind of malformation. */
enum wire_error {
    WIRE_OK = 0,
    WIRE_ERROR_MISALIGNED,       /* the buffer is not aligned to 8 bytes */
    WIRE_ERROR_TOO_LARGE,        /* above the protocol's limit */
    WIRE_ERROR_SHORT_EXT_HEADER, /* ends inside the ext header */
    WIRE_ERROR_COMMAND_OFFSET,   /* ext header points into itself, off alignment, or behind the
                                    message */
    WIRE_ERROR_SHORT_HEADER,     /* ends inside the command header */
    WIRE_ERROR_CHANNEL_TYPE,     /* a channel type that this direction does not have */
    WIRE_ERROR_COMMAND_NUMBER,   /* a number outside of the channel type's space or unassigned */
    WIRE_ERROR_UNKNOWN_LAYOUT,   /* an assigned number whose layout nobody has published */
    WIRE_ERROR_NOT_ASYNC,        /* async bit on a command that is always synchronous */
    WIRE_ERROR_SHORT_FIXED_PART, /* ends inside the fixed part */
    WIRE_ERROR_SHORT_TAIL,       /* a count says more than the message holds */
    WIRE_ERROR_CAPACITY,         /* encoder: the buffer is too small */
    WIRE_ERROR_TAIL_MISMATCH,    /* encoder: appended bytes differ from what the counts say */
    WIRE_ERROR_SHORT_REPLY,      /* completion shorter than the command's reply */
    WIRE_ERROR_RESULT_SIZE,      /* reply: an element claims more private data than was asked for */
    WIRE_ERROR_COUNT,
};

/* A sentence for people; never NULL. */
const char *wire_error_text(enum wire_error error);

/* An array inside a message. Elements need not be aligned: read them with the functions below. */
struct wire_span {
    const unsigned char *data;
    uint32_t count;
    uint32_t element_size;
};

static inline uint32_t wire_load_u32(const void *from)
{
    uint32_t value;
    memcpy(&value, from, sizeof(value));
    return value;
}

static inline uint64_t wire_load_u64(const void *from)
{
    uint64_t value;
    memcpy(&value, from, sizeof(value));
    return value;
}

static inline void wire_store_u32(void *to, uint32_t value)
{
    memcpy(to, &value, sizeof(value));
}

static inline void wire_store_u64(void *to, uint64_t value)
{
    memcpy(to, &value, sizeof(value));
}

/* Element index of a span; index < count is the caller's duty. */
static inline const void *wire_span_at(const struct wire_span *span, uint32_t index)
{
    return span->data + (size_t)index * span->element_size;
}

static inline uint32_t wire_span_u32(const struct wire_span *span, uint32_t index)
{
    return wire_load_u32(wire_span_at(span, index));
}

static inline uint64_t wire_span_u64(const struct wire_span *span, uint32_t index)
{
    return wire_load_u64(wire_span_at(span, index));
}

static inline size_t wire_span_bytes(const struct wire_span *span)
{
    return (size_t)span->count * span->element_size;
}

/* ---- descriptors (commands_generated.c) */

/* Where a tail's element count stands; see messages.txt. */
enum wire_count_source {
    WIRE_COUNT_FIELD,        /* u32 at count_offset */
    WIRE_COUNT_ONE_IF,       /* 1 if the u32 at condition_offset is not 0, else the field */
    WIRE_COUNT_ONE_UNLESS,   /* the field if the byte at condition_offset is not 0, else 1 */
    WIRE_COUNT_AT_LEAST_ONE, /* the field, or 1 */
    WIRE_COUNT_IF_PRESENT, /* the field if the message reaches so far; flag word at condition_offset
                            */
    WIRE_COUNT_SUM, /* sum of the u32 at condition_offset of each element of tail count_offset */
    WIRE_COUNT_REQUEST_TAIL, /* replies: the count of the request's tail count_offset */
};

struct wire_tail {
    const char *name;
    uint16_t element_size;
    uint16_t count_offset; /* offsets count from the command header */
    uint16_t condition_offset;
    uint8_t source; /* enum wire_count_source */
};

enum wire_reply_kind {
    WIRE_REPLY_NTSTATUS,   /* 4 bytes */
    WIRE_REPLY_STRUCT,     /* a structure, perhaps with tails */
    WIRE_REPLY_ECHO,       /* the whole command, header included */
    WIRE_REPLY_RAW,        /* private data only */
    WIRE_REPLY_COMPLETION, /* anything, also nothing */
};

struct wire_reply_layout {
    uint8_t kind; /* enum wire_reply_kind */
    uint8_t tail_count;
    uint16_t fixed_size;
    uint16_t status_offset; /* WIRE_NO_STATUS: the reply has no status */
    struct wire_tail tails[WIRE_MAX_REPLY_TAILS];
};

struct wire_command {
    const char *name; /* as in DXGK_VMBCOMMAND_<name>; NULL for unassigned numbers */
    uint16_t number;
    uint8_t channel; /* enum wire_channel */
    bool layout_known;
    bool async_capable;   /* sent without a reply once the adapter allows it */
    bool sent_with_reply; /* the guest sends the zeroed reply behind the content */
    uint8_t sent_extra;   /* zero bytes that the guest sends behind the content */
    uint8_t tail_count;
    uint16_t fixed_size; /* command header included */
    uint32_t sent_minimum;
    struct wire_tail tails[WIRE_MAX_TAILS];
    struct wire_reply_layout reply[2]; /* [0] before version 40, [1] since */
};

extern const struct wire_command wire_vgpu_commands[WIRE_VGPU_COMMAND_LIMIT];
extern const struct wire_command
    wire_global_commands[WIRE_GLOBAL_COMMAND_LIMIT - WIRE_GLOBAL_COMMAND_FIRST];
/* Names of the host's messages; NULL for none. */
extern const char *const wire_host_message_names[WIRE_HOST_MESSAGE_LIMIT];

/* The descriptor of a number, NULL if the number is out of range or unassigned. */
static inline const struct wire_command *wire_command_find(uint32_t channel, uint32_t number)
{
    const struct wire_command *command = NULL;
    if (channel == WIRE_VGPU && number < WIRE_VGPU_COMMAND_LIMIT)
        command = &wire_vgpu_commands[number];
    else if (channel == WIRE_GLOBAL && number >= WIRE_GLOBAL_COMMAND_FIRST &&
             number < WIRE_GLOBAL_COMMAND_LIMIT)
        command = &wire_global_commands[number - WIRE_GLOBAL_COMMAND_FIRST];
    return command && command->name ? command : NULL;
}

/* Writes a message into a caller's buffer. The first error sticks; finish reports it. */
struct wire_builder {
    unsigned char *buffer;
    size_t capacity;
    size_t size;
    size_t needed; /* what size would be if everything had found room */
    enum wire_error error;
};

/*
 * Appends count bytes behind what is there and returns where they stand (NULL after an error). data
 * NULL reserves zeroed bytes that the caller fills in.
 */
void *wire_append(struct wire_builder *builder, const void *data, size_t count);

#endif
