/* SPDX-License-Identifier: MIT */
/*
 * A host that answers a fixed tour of calls with anything. Input: one byte for the host's modes,
 * then one record per exchange, which begins with its kind in a byte:
 *
 * - 0: honest;
 * - 1: offset u8, count u8 (0 to 15), bytes that stand in the reply from there on;
 * - 2: length u8 (of 8 bytes) to which the reply is cut or lengthened;
 * - 3: the channel fails;
 * - 4: count u8 (0 to 63), bytes of a message that the host sends as well.
 *
 * Behind the input everything is honest. The tour after it must be as with any honest host.
 */
#include <pthread.h>
#include <stdio.h>

#include "core/wire/host_message.h"
#include "fuzz_input.h"
#include "guest/tour.h"

struct input {
    const uint8_t *data;
    size_t size;
    bool lied;
    pthread_t tour; /* whose exchanges the input is for */
};

static uint8_t next_byte(struct input *input)
{
    if (input->size == 0)
        return 0;
    input->size--;
    return *input->data++;
}

static size_t next_bytes(struct input *input, unsigned char *to, size_t count)
{
    if (count > input->size)
        count = input->size;
    memcpy(to, input->data, count);
    input->data += count;
    input->size -= count;
    return count;
}

static void replace(struct input *input, struct liar_exchange *exchange)
{
    size_t offset = next_byte(input), count = next_byte(input) % 16;
    unsigned char bytes[16];

    count = next_bytes(input, bytes, count);
    if (offset + count <= exchange->capacity)
        memcpy(exchange->reply + offset, bytes, count);
}

static void change_length(struct input *input, struct liar_exchange *exchange)
{
    size_t size = (size_t)next_byte(input) * 8;

    exchange->size = size < exchange->capacity ? size : exchange->capacity;
}

static void speak(struct input *input, struct liar *liar)
{
    unsigned char bytes[LIAR_MESSAGE_MAX];
    size_t count = next_bytes(input, bytes, next_byte(input) % LIAR_MESSAGE_MAX);

    liar_send(liar, bytes, count);
}

/* Whoever waits after a lie may wait for what never comes. */
static void wake(struct liar *liar, const struct liar_exchange *exchange)
{
    const struct wire_waitforsyncobjectfromcpu *wait = (const void *)exchange->request->bytes;
    struct wire_signalguestevent signal;

    if (exchange->request->command != &wire_vgpu_commands[WIRE_VGPU_WAITFORSYNCOBJECTFROMCPU])
        return;
    wire_host_message_signal(&signal, wait->guest_event_pointer, false);
    /* A full queue must not lose it. */
    while (!liar_send(liar, &signal, sizeof(signal)))
        liar_settle(liar);
}

static void answer(struct liar *liar, struct liar_exchange *exchange, void *context)
{
    struct input *input = context;

    /* What threads of the library say comes at any time: the input would mean another thing then.
     */
    if (!pthread_equal(pthread_self(), input->tour))
        return;
    uint8_t kind = next_byte(input) % 5;

    input->lied |= kind != 0;
    if (kind == 1)
        replace(input, exchange);
    if (kind == 2)
        change_length(input, exchange);
    if (kind == 3)
        exchange->status = STATUS_INSUFFICIENT_RESOURCES;
    if (kind == 4)
        speak(input, liar);
    if (input->lied)
        wake(liar, exchange);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1)
        return 0;
    struct host_config config;
    memset(&config, 0, sizeof(config));
    config.interface_version = data[0] & 1 ? WIRE_VERSION : WIRE_VERSION_OLD;
    config.async_messages = (data[0] & 2) != 0;
    config.caps = data[0] & 4 ? HOST_CAPS_MAP_GUEST_MEMORY : 0;
    config.adapters[0].asynchronous_paging = (data[0] & 8) != 0;
    config.io_space_size = 16 << 20;
    struct liar *liar = liar_open_empty(&config);
    struct input input = {data + 1, size - 1, false, pthread_self()};
    /* The tour alone, or the adapter's arrival as well. */
    if (data[0] & 16)
        liar_listen(liar, answer, &input);
    liar_arrive(liar);
    liar_listen(liar, answer, &input);
    tour_run(liar, (data[0] & 32) != 0, NULL);
    liar_settle(liar);
    liar_listen(liar, NULL, NULL);
    liar_remove(liar);
    liar_arrive(liar);
    const char *failure = NULL;
    if (tour_run(liar, false, &failure) != 0) {
        fprintf(stderr, "after the lies %s fails: %s\n", failure, d3dkmt_last_error());
        abort();
    }
    liar_close(liar);
    return 0;
}
