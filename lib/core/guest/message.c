/* SPDX-License-Identifier: MIT */
#include "core/guest/message.h"

#include "core/decorator.h"
#include "core/last_error.h"
#include "core/log.h"
#include "core/memory.h"
#include "core/wire/tail.h"

#include <stdlib.h>
#include <string.h>

/* Room for the largest message or reply, and for what VMBus rounds up. */
enum { BUFFER_SIZE = WIRE_MESSAGE_LIMIT + 64 };

struct guest_buffer {
    struct guest_buffer *next;
    size_t size;
    _Alignas(8) unsigned char bytes[];
};

/* ---- buffers */

/* Ordinary large messages reuse a buffer; what exceeds the limit only lives to be refused. */
static struct guest_buffer *get_buffer(struct guest_vm *vm, size_t size)
{
    struct guest_buffer *buffer = NULL;

    if (size <= BUFFER_SIZE) {
        size = BUFFER_SIZE;
        pthread_mutex_lock(&vm->buffer_mutex);
        buffer = vm->buffers;
        if (buffer)
            vm->buffers = buffer->next;
        pthread_mutex_unlock(&vm->buffer_mutex);
    }
    if (!buffer) {
        buffer = d3dkmti_malloc(sizeof(*buffer) + size);
        if (buffer)
            buffer->size = size;
    }
    return buffer;
}

static void put_buffer(struct guest_vm *vm, struct guest_buffer *buffer)
{
    if (!buffer)
        return;
    if (buffer->size != BUFFER_SIZE) {
        free(buffer);
        return;
    }
    pthread_mutex_lock(&vm->buffer_mutex);
    buffer->next = vm->buffers;
    vm->buffers = buffer;
    pthread_mutex_unlock(&vm->buffer_mutex);
}

void guest_buffers_free(struct guest_vm *vm)
{
    while (vm->buffers) {
        struct guest_buffer *next = vm->buffers->next;

        free(vm->buffers);
        vm->buffers = next;
    }
}

/* ---- building */

void *guest_message_begin(struct guest_message *message, struct guest_vm *vm,
                          struct guest_adapter *adapter, uint32_t process, uint32_t number,
                          size_t tail_bytes)
{
    enum wire_channel kind = adapter ? WIRE_VGPU : WIRE_GLOBAL;
    const struct wire_command *command = wire_command_find(kind, number);
    bool async_messages = atomic_load_explicit(&vm->async_messages, memory_order_relaxed);
    struct wire_envelope envelope = {
        .interface_version = vm->interface_version,
        .process = process,
        .async = async_messages && command->async_capable,
    };
    /* Behind the content the driver sends up to sent_minimum or sent_extra zero bytes. */
    size_t size =
        WIRE_EXT_HEADER_SIZE + command->fixed_size + tail_bytes + command->sent_extra + 16;

    if (size < command->sent_minimum + WIRE_EXT_HEADER_SIZE)
        size = command->sent_minimum + WIRE_EXT_HEADER_SIZE;
    if (command->sent_with_reply)
        size += tail_bytes + 16;
    message->vm = vm;
    message->adapter = adapter;
    message->channel = adapter && !async_messages ? adapter->channel : GUEST_CHANNEL_GLOBAL;
    message->async = envelope.async;
    message->answered = false;
    message->was_active = adapter && adapter->state == GUEST_ADAPTER_ACTIVE;
    message->buffer = NULL;
    message->reply_buffer = NULL;
    message->excess = NULL;
    if (adapter)
        envelope.vgpu_luid = (struct wire_luid){adapter->host_vgpu_luid.LowPart,
                                                (uint32_t)adapter->host_vgpu_luid.HighPart};
    void *bytes = message->small;
    if (size > sizeof(message->small)) {
        message->buffer = get_buffer(vm, size);
        if (!message->buffer) {
            d3dkmti_fail(STATUS_NO_MEMORY, "no memory for a message of %zu bytes", size);
            return NULL;
        }
        bytes = message->buffer->bytes;
        size = message->buffer->size;
    } else {
        size = sizeof(message->small);
    }
    return wire_request_begin(&message->builder, kind, number, &envelope, bytes, size);
}

void guest_message_append(struct guest_message *message, const void *bytes, size_t size)
{
    wire_append(&message->builder.out, bytes, size);
}

void *guest_message_reserve(struct guest_message *message, size_t size)
{
    void *room = wire_append(&message->builder.out, NULL, size);

    if (room)
        return room;
    put_buffer(message->vm, message->excess);
    message->excess = get_buffer(message->vm, size);
    return message->excess ? message->excess->bytes : NULL;
}

/* ---- sending */

static const char *command_name(const struct guest_message *message)
{
    return message->builder.request.command->name;
}

/* Beside the protocol's own limit there may be one of the channel. */
static const char *limit_reason(size_t limit)
{
    return limit < WIRE_MESSAGE_LIMIT ? " through the ring that this kernel gives the channel" : "";
}

size_t guest_message_limit(const struct guest_vm *vm, guest_channel channel)
{
    size_t limit = vm->ops->message_limit ? vm->ops->message_limit(vm->transport, channel)
                                          : (size_t)WIRE_MESSAGE_LIMIT;

    return limit < WIRE_MESSAGE_LIMIT ? limit : (size_t)WIRE_MESSAGE_LIMIT;
}

/* Ends the message; 0 when it may not be sent, which is explained. */
static size_t finish(struct guest_message *message, size_t limit)
{
    /* The protocol's own limit counts the padding, as the driver does. */
    if (limit < WIRE_MESSAGE_LIMIT)
        message->builder.sent_limit = limit;
    size_t size = wire_request_finish(&message->builder);

    if (size == 0 || size > limit) {
        d3dkmti_fail(STATUS_INVALID_PARAMETER,
                     "the message to the host would have %zu bytes, %zu at most%s; pass less data",
                     size ? size : message->builder.out.needed, limit, limit_reason(limit));
        return 0;
    }
    return size;
}

static NTSTATUS explain_transport(const struct guest_message *message, NTSTATUS status)
{
    if (status == STATUS_DEVICE_REMOVED)
        return d3dkmti_fail(status, "the channel to the host is gone");
    if (status == STATUS_INSUFFICIENT_RESOURCES)
        return d3dkmti_fail(status, "the channel to the host stayed full: %s was not sent",
                            command_name(message));
    return d3dkmti_fail(status, "%s could not be sent to the host", command_name(message));
}

/* A reply that is too short says at best why: hosts then send a bare failure status. */
static NTSTATUS short_reply(const struct guest_message *message, size_t size, size_t expected)
{
    NTSTATUS status = message->reply.short_status;

    if (size > 0 && size <= 8 && ((uint32_t)status & 0xc0000000) == 0xc0000000)
        return d3dkmti_fail(status, "the host refused %s", command_name(message));
    if (size == 0 && wire_reply_layout(&message->builder.request)->status_offset == WIRE_NO_STATUS)
        return d3dkmti_fail(STATUS_BUFFER_TOO_SMALL,
                            "the host gave no answer to %s, which has no status: it refused the "
                            "arguments, or failed",
                            command_name(message));
    return d3dkmti_fail(STATUS_BUFFER_TOO_SMALL,
                        "the host answered %s with %zu bytes instead of %zu", command_name(message),
                        size, expected);
}

static NTSTATUS decode(struct guest_message *message, const void *bytes, size_t size,
                       size_t expected)
{
    enum wire_error error =
        wire_reply_decode(&message->builder.request, bytes, size, &message->reply);

    if (error == WIRE_ERROR_SHORT_REPLY)
        return short_reply(message, size, expected);
    if (error != WIRE_OK)
        return d3dkmti_fail(STATUS_BUFFER_TOO_SMALL, "the host's answer to %s is malformed: %s",
                            command_name(message), wire_error_text(error));
    message->answered = true;
    if (message->reply.has_status && !NT_SUCCESS(message->reply.status) && message->was_active) {
        /* Whatever the host says of an adapter that it took away while the message was under way,
         * that is the reason. */
        NTSTATUS gone = guest_adapter_check_active(message->adapter);
        if (!NT_SUCCESS(gone))
            return gone;
    }
    if (message->reply.has_status && !NT_SUCCESS(message->reply.status))
        return d3dkmti_fail(message->reply.status, "the host refused %s", command_name(message));
    return message->reply.has_status ? message->reply.status : STATUS_SUCCESS;
}

/* Through the transport; without reply where none is wanted. */
static NTSTATUS transmit(const struct guest_message *message, size_t size, void *reply,
                         size_t capacity, size_t *reply_size)
{
    const struct guest_vm *vm = message->vm;
    const void *bytes = message->builder.out.buffer;
    NTSTATUS status = reply ? vm->ops->exchange(vm->transport, message->channel, bytes, size, reply,
                                                capacity, reply_size)
                            : vm->ops->post(vm->transport, message->channel, bytes, size);

    return NT_SUCCESS(status) ? STATUS_SUCCESS : explain_transport(message, status);
}

/* A message that a decorator sees, and what sends it on. */
struct sending {
    struct decorated_message shown; /* first member */
    const struct guest_message *message;
    size_t size;
    void *reply;
    size_t capacity;
};

static NTSTATUS send_on(struct decorated_message *shown)
{
    const struct sending *sending = (const struct sending *)(const void *)shown;

    return transmit(sending->message, sending->size, sending->reply, sending->capacity,
                    &shown->reply_size);
}

static void depart(void *vm, uint32_t channel, bool global)
{
    if (global)
        d3dkmti_guest_vm_global_rescinded(vm);
    else
        d3dkmti_guest_vm_channel_rescinded(vm, channel);
}

/* reply NULL: none is wanted, and reply_size is not looked at. */
static NTSTATUS send(const struct guest_message *message, size_t size, void *reply, size_t capacity,
                     size_t *reply_size)
{
    const struct decorator *decorator = decorator_get();

    if (!decorator)
        return transmit(message, size, reply, capacity, reply_size);
    struct sending sending = {
        .shown = {.command = message->builder.request.command,
                  .wants_reply = reply != NULL,
                  .send = send_on,
                  .depart = depart,
                  .vm = message->vm,
                  .channel = message->adapter ? message->adapter->channel : GUEST_CHANNEL_GLOBAL,
                  .global = !message->adapter},
        .message = message,
        .size = size,
        .reply = reply,
        .capacity = capacity,
    };
    NTSTATUS status = decorator->message(&sending.shown);
    if (reply)
        *reply_size = sending.shown.reply_size;
    return status;
}

NTSTATUS guest_message_exchange(struct guest_message *message)
{
    struct guest_vm *vm = message->vm;
    size_t limit = guest_message_limit(vm, message->channel);
    size_t size = finish(message, limit);

    if (size == 0)
        return STATUS_INVALID_PARAMETER;
    size_t expected = wire_reply_expected(&message->builder.request);
    /* A longer one would not fit into a packet, and dxgkrnl's channel never gets past such one. */
    size_t most = limit < WIRE_REPLY_LIMIT ? limit : (size_t)WIRE_REPLY_LIMIT;
    if (expected > most)
        return d3dkmti_fail(STATUS_INVALID_PARAMETER,
                            "the host's answer would have %zu bytes, %zu at most%s; ask for less",
                            expected, most, limit_reason(limit));
    void *reply = message->small_reply;
    size_t capacity = sizeof(message->small_reply), reply_size = 0;
    if (expected > capacity) {
        message->reply_buffer = get_buffer(vm, expected);
        if (!message->reply_buffer)
            return d3dkmti_fail(STATUS_NO_MEMORY, "no memory for an answer of %zu bytes", expected);
        reply = message->reply_buffer->bytes;
        capacity = message->reply_buffer->size;
    }
    NTSTATUS status = send(message, size, reply, capacity, &reply_size);
    if (!NT_SUCCESS(status))
        return status;
    return decode(message, reply, reply_size < capacity ? reply_size : capacity, expected);
}

NTSTATUS guest_message_submit(struct guest_message *message)
{
    if (!message->async)
        return guest_message_exchange(message);
    size_t size = finish(message, guest_message_limit(message->vm, message->channel));
    if (size == 0)
        return STATUS_INVALID_PARAMETER;
    return send(message, size, NULL, 0, NULL);
}

void guest_message_end(struct guest_message *message)
{
    put_buffer(message->vm, message->buffer);
    put_buffer(message->vm, message->reply_buffer);
    put_buffer(message->vm, message->excess);
    message->excess = NULL;
    message->buffer = NULL;
    message->reply_buffer = NULL;
}

NTSTATUS guest_message_finish(struct guest_message *message)
{
    NTSTATUS status = guest_message_exchange(message);

    guest_message_end(message);
    return status;
}

NTSTATUS guest_message_send_handle(struct guest_vm *vm, struct guest_adapter *adapter,
                                   uint32_t process, uint32_t number, uint32_t handle)
{
    struct guest_message message;
    unsigned char *command = guest_message_begin(&message, vm, adapter, process, number, 0);

    if (!command)
        return STATUS_NO_MEMORY;
    wire_store_u32(command + WIRE_HEADER_SIZE, handle);
    return guest_message_finish(&message);
}
