/* SPDX-License-Identifier: MIT */
/* The compiler's layouts, the descriptors and the encoder's sizes against the facts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "wire/builders.h"
#include "wire/layout_facts.h"

static unsigned facts;
static unsigned wrong;

void wire_fact(const char *what, size_t actual, size_t expected)
{
    facts++;
    if (actual == expected)
        return;
    wrong++;
    printf("%s is %zu, must be %zu\n", what, actual, expected);
}

void wire_fact_bits(const char *what, uint64_t mask, unsigned first, unsigned width)
{
    uint64_t expected = (width == 64 ? 0 : (uint64_t)1 << width) - 1;
    facts++;
    if (mask == expected << first)
        return;
    wrong++;
    printf("%s is %#llx\n", what, (unsigned long long)mask);
}

static void report(const char *what)
{
    printf("%u %s facts checked\n", facts, what);
    assert_true(facts > 0);
    assert_int_equal(wrong, 0);
}

static int reset(void **state)
{
    (void)state;
    facts = wrong = 0;
    return 0;
}

static void sizes_and_offsets(void **state)
{
    (void)state;
    wire_check_layouts();
    report("size and offset");
}

static void bit_positions(void **state)
{
    (void)state;
    wire_check_bits();
    report("bit-field");
}

/* All 87 numbers: the enumerators, and the descriptor that each number finds. */
static void command_numbers(void **state)
{
    (void)state;
    for (unsigned i = 0; i < wire_number_fact_count; i++) {
        const struct wire_number_fact *fact = &wire_number_facts[i];
        wire_fact(fact->name, fact->value, fact->number);
        if (fact->channel == WIRE_HOST) {
            assert_string_equal(wire_host_message_names[fact->number], fact->name);
            continue;
        }
        const struct wire_command *command = wire_command_find(fact->channel, fact->number);
        assert_non_null(command);
        assert_string_equal(command->name, fact->name);
        wire_fact(fact->name, command->number, fact->number);
        wire_fact(fact->name, command->channel, fact->channel);
        wire_fact(fact->name, command->fixed_size, fact->fixed_size);
        wire_fact(fact->name, command->layout_known, fact->fixed_size != 0);
    }
    assert_int_equal(wire_number_fact_count, 87);
    report("number");
}

static void unassigned_numbers_find_nothing(void **state)
{
    (void)state;
    static const uint32_t global[] = {0, 999, 1012, 1020, 1023, UINT32_MAX};
    static const uint32_t vgpu[] = {63, 69, 1000, UINT32_MAX};
    for (unsigned i = 0; i < sizeof(global) / sizeof(global[0]); i++)
        assert_null(wire_command_find(WIRE_GLOBAL, global[i]));
    for (unsigned i = 0; i < sizeof(vgpu) / sizeof(vgpu[0]); i++)
        assert_null(wire_command_find(WIRE_VGPU, vgpu[i]));
    assert_null(wire_command_find(WIRE_HOST, WIRE_HOST_SIGNALGUESTEVENT));
}

static void replies(void **state)
{
    (void)state;
    for (unsigned i = 0; i < wire_reply_fact_count; i++) {
        const struct wire_reply_fact *fact = &wire_reply_facts[i];
        const struct wire_command *command = wire_command_find(fact->channel, fact->number);
        const struct wire_reply_layout *layout = &command->reply[fact->version >= WIRE_VERSION];
        wire_fact(command->name, layout->kind, fact->kind);
        wire_fact(command->name, layout->fixed_size, fact->fixed_size);
        wire_fact(command->name, layout->status_offset, fact->status_offset);
    }
    report("reply");
}

/* The encoder sends what the Linux driver sends, byte count for byte count. */
static void sent_sizes(void **state)
{
    (void)state;
    static struct test_buffer buffer;
    for (unsigned i = 0; i < wire_size_fact_count; i++) {
        const struct wire_size_fact *fact = &wire_size_facts[i];
        const struct wire_command *command = wire_command_find(fact->channel, fact->number);
        struct wire_request_builder builder;
        size_t old =
            test_request_build(&builder, command, WIRE_VERSION_OLD, false, fact->counts, &buffer);
        wire_fact(command->name, old, fact->sent_size);
        size_t new =
            test_request_build(&builder, command, WIRE_VERSION, false, fact->counts, &buffer);
        wire_fact(command->name, new, fact->with_ext_header);
        wire_fact(command->name, builder.request.size, fact->sent_size);
    }
    report("sent size");
}

static void only_four_commands_are_asynchronous(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < WIRE_VGPU_COMMAND_LIMIT; i++) {
        bool expected = i == WIRE_VGPU_SUBMITCOMMAND || i == WIRE_VGPU_SUBMITCOMMANDTOHWQUEUE ||
                        i == WIRE_VGPU_SIGNALSYNCOBJECT || i == WIRE_VGPU_WAITFORSYNCOBJECTFROMGPU;
        assert_int_equal(wire_vgpu_commands[i].async_capable, expected);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(sizes_and_offsets, reset),
        cmocka_unit_test_setup(bit_positions, reset),
        cmocka_unit_test_setup(command_numbers, reset),
        cmocka_unit_test_setup(replies, reset),
        cmocka_unit_test_setup(sent_sizes, reset),
        cmocka_unit_test(unassigned_numbers_find_nothing),
        cmocka_unit_test(only_four_commands_are_asynchronous),
    };
    return cmocka_run_group_tests_name("wire layout", tests, NULL, NULL);
}
