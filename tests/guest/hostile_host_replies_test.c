/* SPDX-License-Identifier: MIT */
/*
 * Lies in replies. Each command of the tour is answered once with each lie: in its length, in each
 * word of it, in all of it. The engine must survive, lose nothing and serve the next tour.
 */
#include "core/wire/host_message.h"
#include "guest/held.h"
#include "guest/tour.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { COMMANDS_MAX = 96, WORDS_MAX = 24, RANDOM_LIES = 4 };

static struct liar *liar;
/* The thread that follows descriptors talks to the host too. */
static pthread_mutex_t hook_mutex = PTHREAD_MUTEX_INITIALIZER;

/* ---- lies */

enum lie_kind {
    LIE_SHORTER, /* by value bytes */
    LIE_LONGER,
    LIE_EMPTY,
    LIE_FILL,     /* with the byte */
    LIE_RANDOM,   /* value is the seed */
    LIE_WORD,     /* the word at position becomes value */
    LIE_LONG,     /* 64 bits */
    LIE_REPEAT,   /* the word at position becomes that of the reply before */
    LIE_TRANSPORT /* the exchange fails with the status */
};

struct lie {
    enum lie_kind kind;
    const char *name;
    uint64_t value;
    unsigned position;
};

/* Where a lie is told, and what came of it. */
struct occasion {
    uint32_t channel, number; /* of the command */
    struct lie lie;
    bool told;
    uint32_t words_before[WORDS_MAX]; /* of the last reply that began with a handle */
};

static void fill_randomly(unsigned char *bytes, size_t size, uint64_t seed)
{
    for (size_t i = 0; i < size; i++) {
        seed = seed * 6364136223846793005u + 1442695040888963407u;
        bytes[i] = (unsigned char)(seed >> 56);
    }
}

static void tell(struct liar_exchange *exchange, const struct occasion *occasion)
{
    const struct lie *lie = &occasion->lie;
    size_t at = lie->position * sizeof(uint32_t);
    uint32_t word = (uint32_t)lie->value;

    switch (lie->kind) {
    case LIE_SHORTER:
        exchange->size -= lie->value < exchange->size ? lie->value : exchange->size;
        break;
    case LIE_LONGER:
        exchange->size = exchange->capacity;
        break;
    case LIE_EMPTY:
        exchange->size = 0;
        break;
    case LIE_FILL:
        memset(exchange->reply, (int)lie->value, exchange->size);
        break;
    case LIE_RANDOM:
        fill_randomly(exchange->reply, exchange->size, lie->value);
        break;
    case LIE_WORD:
        memcpy(exchange->reply + at, &word, sizeof(word));
        break;
    case LIE_LONG:
        memcpy(exchange->reply + at, &lie->value, sizeof(lie->value));
        break;
    case LIE_REPEAT:
        memcpy(exchange->reply + at, &occasion->words_before[0], sizeof(word));
        break;
    case LIE_TRANSPORT:
        exchange->status = (NTSTATUS)lie->value;
        break;
    }
}

/* Whoever waits on the CPU after a lie is woken: what it waits for may never come. */
static void wake(struct liar *host, const struct liar_exchange *exchange)
{
    const struct wire_waitforsyncobjectfromcpu *wait = (const void *)exchange->request->bytes;
    struct wire_signalguestevent signal;

    if (exchange->request->command != &wire_vgpu_commands[WIRE_VGPU_WAITFORSYNCOBJECTFROMCPU])
        return;
    wire_host_message_signal(&signal, wait->guest_event_pointer, false);
    liar_send(host, &signal, sizeof(signal));
}

static void lie_once(struct liar *host, struct liar_exchange *exchange, void *context)
{
    struct occasion *occasion = context;
    const struct wire_command *command = exchange->request->command;
    pthread_mutex_lock(&hook_mutex);
    bool due = !occasion->told && command->channel == occasion->channel &&
               command->number == occasion->number;

    if (due && occasion->lie.kind >= LIE_WORD && occasion->lie.kind <= LIE_REPEAT &&
        (occasion->lie.position + 2) * sizeof(uint32_t) > exchange->capacity)
        due = false;
    if (due) {
        occasion->told = true;
        tell(exchange, occasion);
    } else if (exchange->size >= 8) {
        memcpy(occasion->words_before, exchange->reply, sizeof(uint32_t));
    }
    if (occasion->told)
        wake(host, exchange);
    pthread_mutex_unlock(&hook_mutex);
}

/* ---- commands of the tour */

struct seen {
    const struct wire_command *command;
    size_t reply_size;
};

static struct seen seen[COMMANDS_MAX];
static size_t seen_count;

static void look(struct liar *host, struct liar_exchange *exchange, void *context)
{
    bool known = false;

    (void)host, (void)context;
    pthread_mutex_lock(&hook_mutex);
    for (size_t i = 0; i < seen_count; i++)
        known |= seen[i].command == exchange->request->command;
    if (!known && seen_count < COMMANDS_MAX)
        seen[seen_count++] = (struct seen){exchange->request->command, exchange->size};
    pthread_mutex_unlock(&hook_mutex);
}

static void assert_honest_tour(void)
{
    const char *failure = NULL;

    liar_listen(liar, NULL, NULL);
    unsigned failures = tour_run(liar, false, &failure);
    if (failures)
        print_error("after the lie %u honest calls fail, %s first: %s\n", failures, failure,
                    d3dkmt_last_error());
    assert_int_equal(failures, 0);
    assert_int_equal(host_object_count(liar->real.host), 0);
}

static void take_tour(const struct seen *command, const struct lie *lie)
{
    struct occasion occasion = {
        .channel = command->command->channel,
        .number = command->command->number,
        .lie = *lie,
    };

    liar_listen(liar, lie_once, &occasion);
    tour_run(liar, false, NULL);
    liar_settle(liar);
    liar_listen(liar, NULL, NULL);
    pthread_mutex_lock(&hook_mutex);
    bool told = occasion.told;
    pthread_mutex_unlock(&hook_mutex);
    if (!told)
        fail_msg("%s was not heard of", command->command->name);
    if (host_object_count(liar->real.host) != 0)
        print_error("%s answered with %s (%llx at word %u) leaves %u objects\n",
                    command->command->name, lie->name, (unsigned long long)lie->value,
                    lie->position, host_object_count(liar->real.host));
    assert_int_equal(host_object_count(liar->real.host), 0);
}

static void set_up(const char *how)
{
    struct host_config config;

    memset(&config, 0, sizeof(config));
    config.io_space_size = 64 << 20;
    if (strstr(how, "old"))
        config.interface_version = 27;
    if (strstr(how, "async"))
        config.async_messages = true;
    if (strstr(how, "pages"))
        config.caps = HOST_CAPS_MAP_GUEST_MEMORY;
    if (strstr(how, "pending"))
        config.adapters[0].asynchronous_paging = true;
    liar = liar_open(&config);
    seen_count = 0;
    liar_listen(liar, look, NULL);
    const char *failure = NULL;
    if (tour_run(liar, false, &failure) != 0)
        fail_msg("%s fails with an honest host: %s", failure, d3dkmt_last_error());
    assert_true(seen_count > 40);
    assert_true(seen_count < COMMANDS_MAX);
}

/* Every command with every one of these. */
static void take_all_tours(const struct lie *lies, size_t count)
{
    unsigned mappings = held_mappings(), descriptors = held_descriptors();

    for (size_t c = 0; c < seen_count; c++) {
        for (size_t i = 0; i < count; i++)
            take_tour(&seen[c], &lies[i]);
    }
    assert_honest_tour();
    assert_int_equal(held_mappings(), mappings);
    assert_int_equal(held_descriptors(), descriptors);
    liar_close(liar);
}

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static void lengths(void **state)
{
    static const struct lie lies[] = {
        {LIE_EMPTY, "nothing", 0, 0},          {LIE_SHORTER, "a byte less", 1, 0},
        {LIE_SHORTER, "2 bytes less", 2, 0},   {LIE_SHORTER, "3 bytes less", 3, 0},
        {LIE_SHORTER, "4 bytes less", 4, 0},   {LIE_SHORTER, "7 bytes less", 7, 0},
        {LIE_SHORTER, "8 bytes less", 8, 0},   {LIE_SHORTER, "9 bytes less", 9, 0},
        {LIE_SHORTER, "12 bytes less", 12, 0}, {LIE_SHORTER, "16 bytes less", 16, 0},
        {LIE_SHORTER, "24 bytes less", 24, 0}, {LIE_SHORTER, "32 bytes less", 32, 0},
        {LIE_LONGER, "all that fits", 0, 0},
    };

    set_up(*state);
    take_all_tours(lies, COUNT(lies));
}

static void contents(void **state)
{
    static const struct lie lies[] = {
        {LIE_FILL, "zeros", 0, 0},
        {LIE_FILL, "ones", 0xff, 0},
        {LIE_FILL, "0x41", 0x41, 0},
        {LIE_RANDOM, "random bytes", 1, 0},
        {LIE_RANDOM, "random bytes", 2, 0},
        {LIE_RANDOM, "random bytes", 3, 0},
        {LIE_RANDOM, "random bytes", 4, 0},
        {LIE_TRANSPORT, "no memory", (uint32_t)STATUS_NO_MEMORY, 0},
        {LIE_TRANSPORT, "a full channel", (uint32_t)STATUS_INSUFFICIENT_RESOURCES, 0},
        {LIE_TRANSPORT, "a removed channel", (uint32_t)STATUS_DEVICE_REMOVED, 0},
    };

    set_up(*state);
    take_all_tours(lies, COUNT(lies));
}

/* Each word of each reply: statuses, handles, counts, sizes. */
static void words(void **state)
{
    static const struct lie values[] = {
        {LIE_WORD, "0", 0, 0},
        {LIE_WORD, "STATUS_PENDING", 0x103, 0},
        {LIE_WORD, "STATUS_TIMEOUT", 0x102, 0},
        {LIE_WORD, "STATUS_UNSUCCESSFUL", 0xc0000001, 0},
        {LIE_WORD, "STATUS_NO_MEMORY", 0xc0000017, 0},
        {LIE_WORD, "all ones", 0xffffffff, 0},
        {LIE_WORD, "the largest index", 0x3fffffc0, 0},
        {LIE_WORD, "the smallest index", 0x40000000, 0},
        {LIE_REPEAT, "the handle before", 0, 0},
    };
    unsigned mappings, descriptors;

    set_up(*state);
    mappings = held_mappings();
    descriptors = held_descriptors();
    for (size_t c = 0; c < seen_count; c++) {
        for (unsigned word = 0; word < WORDS_MAX && word * 4 < seen[c].reply_size; word++) {
            for (size_t i = 0; i < COUNT(values); i++) {
                struct lie lie = values[i];

                lie.position = word;
                take_tour(&seen[c], &lie);
            }
        }
    }
    assert_honest_tour();
    assert_int_equal(held_mappings(), mappings);
    assert_int_equal(held_descriptors(), descriptors);
    liar_close(liar);
}

/* Addresses of fences and locked memory; the transport aborts on a mapping outside. */
static void addresses(void **state)
{
    static const struct wire_command *const commands[] = {
        &wire_vgpu_commands[WIRE_VGPU_LOCK2],
        &wire_vgpu_commands[WIRE_VGPU_CREATEPAGINGQUEUE],
        &wire_vgpu_commands[WIRE_VGPU_CREATEHWQUEUE],
        &wire_vgpu_commands[WIRE_VGPU_CREATESYNCOBJECT],
        &wire_vgpu_commands[WIRE_VGPU_CREATEALLOCATION],
        &wire_global_commands[WIRE_GLOBAL_OPENSYNCOBJECT - WIRE_GLOBAL_COMMAND_FIRST],
    };
    uint64_t start = LOOPBACK_IO_START, size;

    set_up(*state);
    size = host_io_space_size(liar->real.host);
    const uint64_t values[] = {
        0,
        1,
        start - 4096,
        start,
        start + 1,
        start + 4095,
        start + size - 65536,
        start + size - 4096,
        start + size - 1,
        start + size,
        start + size + 4096,
        UINT64_MAX,
        UINT64_MAX - 4095,
        UINT64_MAX - 65535,
        (uint64_t)1 << 63,
        4096,
        size,
        size - 1,
    };
    for (size_t c = 0; c < seen_count; c++) {
        bool has_address = false;

        for (size_t i = 0; i < COUNT(commands); i++)
            has_address |= seen[c].command == commands[i];
        for (unsigned word = 0;
             has_address && word < WORDS_MAX && word * 4 + 4 < seen[c].reply_size; word++) {
            for (size_t i = 0; i < COUNT(values); i++) {
                struct lie lie = {LIE_LONG, "an address", values[i], word};

                take_tour(&seen[c], &lie);
            }
        }
    }
    assert_honest_tour();
    liar_close(liar);
}

int main(void)
{
#define TEST(name, how)                                                                            \
    {                                                                                              \
#name " (" how ")", name, NULL, NULL, (char *)(uintptr_t)how                               \
    }
    const struct CMUnitTest tests[] = {
        TEST(lengths, "new"),           TEST(lengths, "old, pages"),
        TEST(lengths, "new, async"),    TEST(contents, "new"),
        TEST(contents, "old"),          TEST(contents, "new, async, pages"),
        TEST(contents, "new, pending"), TEST(words, "new"),
        TEST(addresses, "new"),
    };
#undef TEST

    return cmocka_run_group_tests(tests, NULL, NULL);
}
