/* SPDX-License-Identifier: MIT */
/* One message to the host and its reply: buffers, routing, and what went wrong in words. */
#ifndef CORE_GUEST_MESSAGE_H
#define CORE_GUEST_MESSAGE_H

#include "core/guest/vm.h"
#include "core/wire/reply.h"
#include "core/wire/request.h"

enum { GUEST_MESSAGE_SMALL = 768, GUEST_REPLY_SMALL = 256 };

/*
 * Lives on the stack of the call. After guest_message_begin, guest_message_end must follow on every
 * path; both ends of a message of ordinary size stand in this struct, larger ones in a
 * buffer that the VM keeps for reuse.
 */
struct guest_message {
    struct guest_vm *vm;
    struct guest_adapter *adapter; /* NULL: a global command */
    guest_channel channel;
    bool async;      /* goes without reply */
    bool answered;   /* reply is valid, whatever its status */
    bool was_active; /* its adapter, in the beginning */
    struct wire_request_builder builder;
    struct wire_reply reply;
    struct guest_buffer *buffer; /* NULL while small is enough */
    struct guest_buffer *reply_buffer;
    struct guest_buffer *excess; /* what does not fit into any message: read, checked, refused */
    _Alignas(8) unsigned char small[GUEST_MESSAGE_SMALL];
    _Alignas(8) unsigned char small_reply[GUEST_REPLY_SMALL];
};

/*
 * Starts a vGPU command (adapter given) or a global one (adapter NULL), with room for tail_bytes
 * behind the fixed part. process: host handle or 0. Returns the zeroed fixed part, or NULL when
 * there is no memory (explained; guest_message_end is then optional).
 */
void *guest_message_begin(struct guest_message *message, struct guest_vm *vm,
                          struct guest_adapter *adapter, uint32_t process, uint32_t number,
                          size_t tail_bytes);

/* Appends bytes of the engine's own; the room was asked for. */
void guest_message_append(struct guest_message *message, const void *bytes, size_t size);

/*
 * Reserves room for bytes that the caller fills in. What exceeds the largest message gets room,
 * too: a bad pointer is found before the message is refused for its size. NULL without memory.
 */
void *guest_message_reserve(struct guest_message *message, size_t size);

/*
 * Sends and waits for the reply, which stays valid until guest_message_end. Returns the reply's
 * status (STATUS_SUCCESS if it has none), or why there is no reply: STATUS_INVALID_PARAMETER
 * for a message above the protocol's limit, STATUS_BUFFER_TOO_SMALL for a reply that is too short
 * (unless it carries a failure status itself), or the transport's failure. Failures are explained.
 */
NTSTATUS guest_message_exchange(struct guest_message *message);

/*
 * Sends without reply when the host takes such messages, else as guest_message_exchange: for the
 * commands of submission and synchronization.
 */
NTSTATUS guest_message_submit(struct guest_message *message);

void guest_message_end(struct guest_message *message);

/* Exchange and end, for commands whose reply is a status. */
NTSTATUS guest_message_finish(struct guest_message *message);

/* A command that is only a fixed part with one handle behind the header, answered by a status. */
NTSTATUS guest_message_send_handle(struct guest_vm *vm, struct guest_adapter *adapter,
                                   uint32_t process, uint32_t number, uint32_t handle);

/* Bytes of the largest message that goes through the channel. */
size_t guest_message_limit(const struct guest_vm *vm, guest_channel channel);

/* Frees the buffers that the VM keeps. */
void guest_buffers_free(struct guest_vm *vm);

#endif
