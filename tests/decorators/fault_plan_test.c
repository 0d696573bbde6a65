/* SPDX-License-Identifier: MIT */
/* The language of fault plans: what it says, what is refused and where, and when a rule strikes. */
#include "decorators/fault_plan.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "core/last_error.h"

static struct fault_plan plan;

static void parse(const char *text)
{
    assert_int_equal(fault_plan_parse(text, &plan), STATUS_SUCCESS);
}

static const char *reason(void)
{
    last_error_report("test", NULL, STATUS_INVALID_PARAMETER);
    return d3dkmt_last_error();
}

/* ---- reading */

static void everything_is_read(void **state)
{
    (void)state;
    parse("op=CreateDevice,after=2,status=STATUS_NO_MEMORY; message = LOCK2 , short = 8;\n"
          "message=*,probability=1/100,seed=7,lost,times=3; op=D3DKMTLock2,allocation=9,delay=20;"
          "op=*,removed; message=CREATEPROCESS,delay=60000; op=Evict,status=0xC01E0102;");
    const struct fault_rule *rules = plan.rules;
    assert_int_equal(plan.rule_count, 7);
    assert_ptr_equal(rules[0].op, d3dkmt_find_op(D3DKMT_OP_CreateDevice));
    assert_int_equal(rules[0].after, 2);
    assert_int_equal(rules[0].kind, FAULT_STATUS);
    assert_int_equal(rules[0].status, STATUS_NO_MEMORY);
    assert_ptr_equal(rules[1].command, &wire_vgpu_commands[WIRE_VGPU_LOCK2]);
    assert_int_equal(rules[1].kind, FAULT_SHORT);
    assert_int_equal(rules[1].short_size, 8);
    assert_true(rules[2].of_message && !rules[2].command);
    assert_int_equal(rules[2].chances, 1);
    assert_int_equal(rules[2].chances_of, 100);
    assert_int_equal(rules[2].seed, 7);
    assert_int_equal(rules[2].times, 3);
    assert_int_equal(rules[2].kind, FAULT_LOST);
    assert_ptr_equal(rules[3].op, d3dkmt_find_op(D3DKMT_OP_Lock2));
    assert_int_equal(rules[3].kind, FAULT_ALLOCATION);
    assert_int_equal(rules[3].allocation, 9);
    assert_int_equal(rules[3].delay, 20);
    assert_true(!rules[4].of_message && !rules[4].op);
    assert_int_equal(rules[4].kind, FAULT_REMOVED);
    assert_int_equal(rules[5].kind, FAULT_DELAY_ONLY);
    assert_true(rules[5].of_message && rules[5].command);
    assert_int_equal((uint32_t)rules[6].status, 0xc01e0102);
}

static void nothing_is_a_plan(void **state)
{
    (void)state;
    parse("");
    assert_int_equal(plan.rule_count, 0);
    parse(" \n\t");
    assert_int_equal(plan.rule_count, 0);
}

static void wrong_plans_are_refused_with_place_and_reason(void **state)
{
    static const struct {
        const char *text, *place, *reason;
    } wrong[] = {
        {"removed", "character 1,", "does not say where"},
        {"op=Lock2", "character 1,", "does not say what happens"},
        {"op=Lock2,after=1,times=1", "character 1,", "does not say what happens"},
        {"op=Lock3,removed", "character 4,", "no operation"},
        {"op=,removed", "character 4,", "no operation"},
        {"op=lock2,removed", "character 4,", "no operation"},
        {"message=LOCK3,lost", "character 9,", "no message"},
        {"message=Lock2,lost", "character 9,", "no message"},
        {"op=Lock2,remove", "character 10,", "no clause"},
        {"op=Lock2, after = 1 , wen=2", "character 23,", "no clause"},
        {"op=Lock2,,removed", "character 10,", "missing"},
        {"op=Lock2,removed,", "character 18,", "missing"},
        {";op=Lock2,removed", "character 1,", "missing"},
        {"op=Lock2,removed;;op=Evict,removed", "character 18,", "missing"},
        {"op=Lock2,op=Evict,removed", "character 10,", "there already"},
        {"op=Lock2,after=1,after=1,removed", "character 18,", "there already"},
        {"op=Lock2,message=LOCK2,removed", "character 10,", "one operation or one message"},
        {"message=*,lost,short=1", "character 16,", "one fault"},
        {"message=*,lost,lost", "character 16,", "there already"},
        {"op=*,removed=1", "character 6,", "no value"},
        {"message=*,lost=", "character 11,", "no value"},
        {"op=*,status", "character 6,", "needs a value"},
        {"op,removed", "character 1,", "needs a value"},
        {"op=*,after=,removed", "character 12,", "number is missing"},
        {"op=*,after=-1,removed", "character 12,", "not a number"},
        {"op=*,after=0x1,removed", "character 12,", "not a number"},
        {"op=*,after=1 1,removed", "character 12,", "not a number"},
        {"op=*,after=18446744073709551616,removed", "character 12,", "too large"},
        {"op=*,times=0,removed", "character 12,", "too small"},
        {"op=*,delay=0", "character 12,", "too small"},
        {"op=*,delay=60001", "character 12,", "too large"},
        {"op=*,allocation=0", "character 17,", "too small"},
        {"op=*,allocation=100001", "character 17,", "too large"},
        {"message=*,short=131073", "character 17,", "too large"},
        {"op=*,probability=1,removed", "character 18,", "1/100"},
        {"op=*,probability=1/,removed", "character 20,", "number is missing"},
        {"op=*,probability=/1,removed", "character 18,", "number is missing"},
        {"op=*,probability=0/1,removed", "character 18,", "too small"},
        {"op=*,probability=2/1,removed", "character 18,", "too large"},
        {"op=*,probability=1/0,removed", "character 20,", "too small"},
        {"op=*,probability=1/2/3,removed", "character 20,", "not a number"},
        {"op=*,seed=7,removed", "character 1,", "without a probability"},
        {"op=*,status=STATUS_SUCCESS", "character 13,", "not a failure"},
        {"op=*,status=STATUS_PENDING", "character 13,", "not a failure"},
        {"op=*,status=0x80000005", "character 13,", "not a failure"},
        {"op=*,status=NO_MEMORY", "character 13,", "no status"},
        {"op=*,status=0xC000001", "character 13,", "no status"},
        {"op=*,status=0xC000000g", "character 13,", "no status"},
        {"op=*,status=", "character 13,", "no status"},
        {"op=*,lost", "character 1,", "only the replies"},
        {"op=Evict,removed; op=*,short=1", "character 19,", "only the replies"},
        {"message=*,allocation=1", "character 1,", "those of an operation"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        NTSTATUS status = fault_plan_parse(wrong[i].text, &plan);
        const char *said = reason();

        if (status != STATUS_INVALID_PARAMETER || !strstr(said, wrong[i].place) ||
            !strstr(said, wrong[i].reason))
            fail_msg("\"%s\" gets 0x%08x: %s", wrong[i].text, (unsigned)status, said);
    }
}

static void a_plan_has_limits(void **state)
{
    char text[FAULT_PLAN_TEXT + 2];

    (void)state;
    memset(text, ' ', sizeof(text));
    text[FAULT_PLAN_TEXT + 1] = '\0';
    assert_int_equal(fault_plan_parse(text, &plan), STATUS_INVALID_PARAMETER);
    assert_non_null(strstr(reason(), "4096 characters"));
    text[FAULT_PLAN_TEXT] = '\0';
    parse(text);
    text[0] = '\0';
    for (unsigned i = 0; i < FAULT_PLAN_RULES; i++)
        strcat(text, "op=*,removed;");
    parse(text);
    assert_int_equal(plan.rule_count, FAULT_PLAN_RULES);
    strcat(text, "op=*,removed");
    assert_int_equal(fault_plan_parse(text, &plan), STATUS_INVALID_PARAMETER);
    assert_non_null(strstr(reason(), "32 rules"));
}

/* ---- striking */

static bool use_op(enum d3dkmt_op_id id, unsigned *number)
{
    struct fault_rule struck;

    return fault_plan_use(&plan, d3dkmt_find_op(id), NULL, false, &struck, number);
}

/* The uses that struck, as characters. */
static const char *pattern(unsigned uses)
{
    static char text[1001];
    unsigned number;

    assert_true(uses < sizeof(text));
    for (unsigned i = 0; i < uses; i++)
        text[i] = use_op(D3DKMT_OP_Evict, &number) ? 'x' : '.';
    text[uses] = '\0';
    return text;
}

static void uses_are_counted(void **state)
{
    (void)state;
    parse("op=Evict,removed");
    assert_string_equal(pattern(4), "xxxx");
    parse("op=Evict,removed,after=2");
    assert_string_equal(pattern(5), "..xxx");
    parse("op=Evict,removed,after=1,times=2");
    assert_string_equal(pattern(6), ".xx...");
}

static void rules_are_about_what_they_name(void **state)
{
    const struct wire_command *lock = &wire_vgpu_commands[WIRE_VGPU_LOCK2];
    const struct wire_command *unlock = &wire_vgpu_commands[WIRE_VGPU_UNLOCK2];
    struct fault_rule struck;
    unsigned number;

    (void)state;
    parse("op=Evict,removed;message=LOCK2,lost;op=*,times=1,delay=1;message=*,removed");
    assert_true(use_op(D3DKMT_OP_Evict, &number));
    assert_int_equal(number, 0);
    assert_true(use_op(D3DKMT_OP_Lock2, &number));
    assert_int_equal(number, 2);
    assert_false(use_op(D3DKMT_OP_Lock2, &number));
    assert_true(fault_plan_use(&plan, NULL, lock, true, &struck, &number));
    assert_int_equal(number, 1);
    /* Without a reply there is none to lose. */
    assert_true(fault_plan_use(&plan, NULL, lock, false, &struck, &number));
    assert_int_equal(number, 3);
    assert_true(fault_plan_use(&plan, NULL, unlock, true, &struck, &number));
    assert_int_equal(number, 3);
}

static void dice_are_the_seeds(void **state)
{
    char first[1001];
    unsigned struck = 0;

    (void)state;
    parse("op=Evict,removed,probability=1/4,seed=7");
    strcpy(first, pattern(1000));
    parse("op=Evict,removed,probability=1/4,seed=7");
    assert_string_equal(pattern(1000), first);
    parse("op=Evict,removed,probability=1/4,seed=8");
    assert_string_not_equal(pattern(1000), first);
    for (const char *at = first; *at; at++)
        struck += *at == 'x';
    assert_in_range(struck, 150, 350);
    parse("op=Evict,removed,probability=3/3,seed=8");
    assert_null(strchr(pattern(100), '.'));
}

static void allocations_strike_when_they_are_made(void **state)
{
    unsigned number = 9;

    (void)state;
    parse("op=Evict,allocation=1,times=1");
    assert_true(use_op(D3DKMT_OP_Evict, &number));
    assert_true(use_op(D3DKMT_OP_Evict, &number));
    fault_plan_note(&plan, number);
    assert_false(use_op(D3DKMT_OP_Evict, &number));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(everything_is_read),
        cmocka_unit_test(nothing_is_a_plan),
        cmocka_unit_test(wrong_plans_are_refused_with_place_and_reason),
        cmocka_unit_test(a_plan_has_limits),
        cmocka_unit_test(uses_are_counted),
        cmocka_unit_test(rules_are_about_what_they_name),
        cmocka_unit_test(dice_are_the_seeds),
        cmocka_unit_test(allocations_strike_when_they_are_made),
    };

    return cmocka_run_group_tests_name("fault plan", tests, NULL, NULL);
}
