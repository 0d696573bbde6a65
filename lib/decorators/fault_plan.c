/* SPDX-License-Identifier: MIT */
#include "decorators/fault_plan.h"

#include "core/last_error.h"
#include "core/status.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

/* A piece of the plan's text. */
struct piece {
    const char *start;
    size_t length;
};

struct parser {
    const char *text; /* all of it, for positions */
    struct fault_rule *rule;
    unsigned given; /* clauses of the rule so far, by their place in the table */
};

static NTSTATUS refuse(const struct parser *parser, struct piece at, const char *reason)
{
    return d3dkmti_fail(STATUS_INVALID_PARAMETER, "fault plan, character %zu, \"%.*s\": %s",
                        (size_t)(at.start - parser->text) + 1,
                        (int)(at.length < 60 ? at.length : 60), at.start, reason);
}

/* ---- pieces */

static bool is_space(char character)
{
    return character == ' ' || character == '\t' || character == '\n' || character == '\r';
}

static struct piece trim(struct piece piece)
{
    while (piece.length > 0 && is_space(piece.start[0])) {
        piece.start++;
        piece.length--;
    }
    while (piece.length > 0 && is_space(piece.start[piece.length - 1]))
        piece.length--;
    return piece;
}

/* What stands before the separator; *rest becomes what stands behind it, or starts with NULL. */
static struct piece split(struct piece *rest, char separator)
{
    struct piece first = *rest;
    const char *found = memchr(rest->start, separator, rest->length);

    if (!found) {
        rest->start = NULL;
        return trim(first);
    }
    first.length = (size_t)(found - first.start);
    rest->length -= first.length + 1;
    rest->start = found + 1;
    return trim(first);
}

static bool is(struct piece piece, const char *text)
{
    return strlen(text) == piece.length && memcmp(piece.start, text, piece.length) == 0;
}

static NTSTATUS read_number(const struct parser *parser, struct piece piece, uint64_t minimum,
                            uint64_t maximum, uint64_t *number)
{
    uint64_t value = 0;

    if (piece.length == 0)
        return refuse(parser, piece, "a number is missing");
    for (size_t i = 0; i < piece.length; i++) {
        unsigned digit = (unsigned)(piece.start[i] - '0');

        if (digit > 9)
            return refuse(parser, piece, "this is not a number (decimal digits)");
        if (value > (UINT64_MAX - digit) / 10)
            return refuse(parser, piece, "this number is too large");
        value = value * 10 + digit;
    }
    if (value < minimum)
        return refuse(parser, piece, "this number is too small");
    if (value > maximum)
        return refuse(parser, piece, "this number is too large");
    *number = value;
    return STATUS_SUCCESS;
}

/* ---- clauses */

static NTSTATUS read_op(struct parser *parser, struct piece value)
{
    static const char prefix[] = "D3DKMT";

    if (is(value, "*"))
        return STATUS_SUCCESS;
    for (int id = 0; id < D3DKMT_OP_COUNT; id++) {
        const struct d3dkmt_op *op = d3dkmt_find_op((enum d3dkmt_op_id)id);

        if (is(value, op->name) || is(value, op->name + sizeof(prefix) - 1)) {
            parser->rule->op = op;
            return STATUS_SUCCESS;
        }
    }
    return refuse(parser, value, "there is no operation of this name");
}

static NTSTATUS read_message(struct parser *parser, struct piece value)
{
    static const struct {
        uint32_t channel, first, limit;
    } spaces[] = {
        {WIRE_VGPU, 0, WIRE_VGPU_COMMAND_LIMIT},
        {WIRE_GLOBAL, WIRE_GLOBAL_COMMAND_FIRST, WIRE_GLOBAL_COMMAND_LIMIT},
    };

    parser->rule->of_message = true;
    if (is(value, "*"))
        return STATUS_SUCCESS;
    for (size_t i = 0; i < sizeof(spaces) / sizeof(spaces[0]); i++) {
        for (uint32_t number = spaces[i].first; number < spaces[i].limit; number++) {
            const struct wire_command *command = wire_command_find(spaces[i].channel, number);

            if (command && is(value, command->name)) {
                parser->rule->command = command;
                return STATUS_SUCCESS;
            }
        }
    }
    return refuse(parser, value, "there is no message of this name");
}

static NTSTATUS read_after(struct parser *parser, struct piece value)
{
    return read_number(parser, value, 0, UINT64_MAX, &parser->rule->after);
}

static NTSTATUS read_times(struct parser *parser, struct piece value)
{
    return read_number(parser, value, 1, UINT64_MAX, &parser->rule->times);
}

static NTSTATUS read_seed(struct parser *parser, struct piece value)
{
    return read_number(parser, value, 0, UINT64_MAX, &parser->rule->seed);
}

static NTSTATUS read_probability(struct parser *parser, struct piece value)
{
    struct piece rest = value;
    struct piece chances = split(&rest, '/');

    if (!rest.start)
        return refuse(parser, value, "a probability is written as in 1/100");
    NTSTATUS status = read_number(parser, trim(rest), 1, UINT32_MAX, &parser->rule->chances_of);
    if (!NT_SUCCESS(status))
        return status;
    return read_number(parser, chances, 1, parser->rule->chances_of, &parser->rule->chances);
}

static NTSTATUS read_small(struct parser *parser, struct piece value, uint32_t minimum,
                           uint32_t maximum, uint32_t *small)
{
    uint64_t number = 0;
    NTSTATUS status = read_number(parser, value, minimum, maximum, &number);

    *small = (uint32_t)number;
    return status;
}

static NTSTATUS read_delay(struct parser *parser, struct piece value)
{
    return read_small(parser, value, 1, FAULT_DELAY_MAX, &parser->rule->delay);
}

/* A status that is a success would claim what has not happened. */
static NTSTATUS read_status(struct parser *parser, struct piece value)
{
    struct fault_rule *rule = parser->rule;
    char digits[] = "0x00000000";

    rule->kind = FAULT_STATUS;
    if (!status_of_name(value.start, value.length, &rule->status)) {
        char *end;

        if (value.length != sizeof(digits) - 1 || memcmp(value.start, "0x", 2) != 0)
            return refuse(parser, value, "this is no status (STATUS_... or 0x and 8 digits)");
        memcpy(digits, value.start, value.length);
        rule->status = (NTSTATUS)strtoul(digits, &end, 16);
        if (*end)
            return refuse(parser, value, "this is no status (STATUS_... or 0x and 8 digits)");
    }
    if (((uint32_t)rule->status & 0xc0000000) != 0xc0000000)
        return refuse(parser, value, "this status is not a failure");
    return STATUS_SUCCESS;
}

static NTSTATUS read_short(struct parser *parser, struct piece value)
{
    parser->rule->kind = FAULT_SHORT;
    return read_small(parser, value, 0, WIRE_MESSAGE_LIMIT, &parser->rule->short_size);
}

static NTSTATUS read_lost(struct parser *parser, struct piece value)
{
    (void)value;
    parser->rule->kind = FAULT_LOST;
    return STATUS_SUCCESS;
}

static NTSTATUS read_removed(struct parser *parser, struct piece value)
{
    (void)value;
    parser->rule->kind = FAULT_REMOVED;
    return STATUS_SUCCESS;
}

static NTSTATUS read_allocation(struct parser *parser, struct piece value)
{
    parser->rule->kind = FAULT_ALLOCATION;
    return read_small(parser, value, 1, FAULT_ALLOCATION_MAX, &parser->rule->allocation);
}

enum clause_class {
    CLAUSE_WHERE = 1,
    CLAUSE_WHEN = 2,
    CLAUSE_DELAY = 4,
    CLAUSE_WHAT = 8,
    CLAUSE_FOR_OPS = 16,
    CLAUSE_FOR_MESSAGES = 32,
    CLAUSE_BARE = 64 /* has no value */
};

static const struct clause {
    const char *name;
    unsigned class;
    NTSTATUS (*read)(struct parser *parser, struct piece value);
} clauses[] = {
    {"op", CLAUSE_WHERE, read_op},
    {"message", CLAUSE_WHERE, read_message},
    {"after", CLAUSE_WHEN, read_after},
    {"times", CLAUSE_WHEN, read_times},
    {"probability", CLAUSE_WHEN, read_probability},
    {"seed", CLAUSE_WHEN, read_seed},
    {"delay", CLAUSE_DELAY, read_delay},
    {"status", CLAUSE_WHAT, read_status},
    {"short", CLAUSE_WHAT | CLAUSE_FOR_MESSAGES, read_short},
    {"lost", CLAUSE_WHAT | CLAUSE_FOR_MESSAGES | CLAUSE_BARE, read_lost},
    {"removed", CLAUSE_WHAT | CLAUSE_BARE, read_removed},
    {"allocation", CLAUSE_WHAT | CLAUSE_FOR_OPS, read_allocation},
};
enum { CLAUSES = sizeof(clauses) / sizeof(clauses[0]) };

static const struct clause *find_clause(struct piece name)
{
    for (size_t i = 0; i < CLAUSES; i++) {
        if (is(name, clauses[i].name))
            return &clauses[i];
    }
    return NULL;
}

/* Classes of which a rule has one clause at most, and all that it has. */
static unsigned classes_given(const struct parser *parser)
{
    unsigned classes = 0;

    for (size_t i = 0; i < CLAUSES; i++)
        classes |= parser->given & 1u << i ? clauses[i].class : 0;
    return classes;
}

static NTSTATUS read_clause(struct parser *parser, struct piece whole)
{
    struct piece rest = whole;
    struct piece name = split(&rest, '=');
    const struct clause *clause = find_clause(name);

    if (whole.length == 0)
        return refuse(parser, whole, "a clause is missing here");
    if (!clause)
        return refuse(parser, name,
                      "this is no clause; there are op, message, after, times, probability, seed, "
                      "delay, status, short, lost, removed and allocation");
    if (parser->given & 1u << (clause - clauses))
        return refuse(parser, whole, "this clause is there already");
    if (clause->class & CLAUSE_WHERE && classes_given(parser) & CLAUSE_WHERE)
        return refuse(parser, whole, "a rule is about one operation or one message");
    if (clause->class & CLAUSE_WHAT && classes_given(parser) & CLAUSE_WHAT)
        return refuse(parser, whole, "a rule has one fault, and perhaps a delay");
    if (clause->class & CLAUSE_BARE && rest.start)
        return refuse(parser, whole, "this clause has no value");
    if (!(clause->class & CLAUSE_BARE) && !rest.start)
        return refuse(parser, whole, "this clause needs a value, behind =");
    parser->given |= 1u << (clause - clauses);
    return clause->read(parser, rest.start ? trim(rest) : rest);
}

static NTSTATUS check_rule(const struct parser *parser, struct piece whole)
{
    unsigned classes = classes_given(parser);
    const struct fault_rule *rule = parser->rule;

    if (!(classes & CLAUSE_WHERE))
        return refuse(parser, whole, "the rule does not say where: op=... or message=...");
    if (!(classes & (CLAUSE_WHAT | CLAUSE_DELAY)))
        return refuse(parser, whole, "the rule does not say what happens");
    if (classes & CLAUSE_FOR_MESSAGES && !rule->of_message)
        return refuse(parser, whole, "only the replies of messages are short or lost");
    if (classes & CLAUSE_FOR_OPS && rule->of_message)
        return refuse(parser, whole, "allocations are those of an operation");
    if (parser->given & 1u << (find_clause((struct piece){"seed", 4}) - clauses) &&
        rule->chances_of == 1)
        return refuse(parser, whole, "a seed is of no use without a probability");
    return STATUS_SUCCESS;
}

static NTSTATUS read_rule(const char *text, struct piece whole, struct fault_rule *rule)
{
    struct parser parser = {.text = text, .rule = rule};
    struct piece rest = whole;

    *rule = (struct fault_rule){.times = UINT64_MAX, .chances = 1, .chances_of = 1, .seed = 1};
    do {
        NTSTATUS status = read_clause(&parser, split(&rest, ','));

        if (!NT_SUCCESS(status))
            return status;
    } while (rest.start);
    rule->random = rule->seed;
    return check_rule(&parser, whole);
}

NTSTATUS fault_plan_parse(const char *text, struct fault_plan *plan)
{
    struct piece rest = {text, strnlen(text, FAULT_PLAN_TEXT + 1)};

    if (rest.length > FAULT_PLAN_TEXT)
        return d3dkmti_fail(STATUS_INVALID_PARAMETER, "the fault plan has more than %d characters",
                            FAULT_PLAN_TEXT);
    plan->rule_count = 0;
    do {
        struct piece whole = split(&rest, ';');

        /* Nothing at all is a plan without rules, and a semicolon may end the last rule. */
        if (whole.length == 0 && !rest.start)
            break;
        if (plan->rule_count == FAULT_PLAN_RULES)
            return d3dkmti_fail(STATUS_INVALID_PARAMETER, "the fault plan has more than %d rules",
                                FAULT_PLAN_RULES);
        NTSTATUS status = read_rule(text, whole, &plan->rules[plan->rule_count]);
        if (!NT_SUCCESS(status))
            return status;
        plan->rule_count++;
    } while (rest.start);
    return STATUS_SUCCESS;
}

/* ---- uses */

/* SplitMix64 (Steele, Lea, Flood 2014): any seed will do, also 0. */
static uint64_t next_random(uint64_t *state)
{
    uint64_t value = *state += 0x9e3779b97f4a7c15u;

    value = (value ^ value >> 30) * 0xbf58476d1ce4e5b9u;
    value = (value ^ value >> 27) * 0x94d049bb133111ebu;
    return value ^ value >> 31;
}

static bool is_about(const struct fault_rule *rule, const struct d3dkmt_op *op,
                     const struct wire_command *command, bool wants_reply)
{
    if (!rule->of_message)
        return op && (!rule->op || rule->op == op);
    if (!wants_reply && (rule->kind == FAULT_SHORT || rule->kind == FAULT_LOST))
        return false;
    return command && (!rule->command || rule->command == command);
}

bool fault_plan_use(struct fault_plan *plan, const struct d3dkmt_op *op,
                    const struct wire_command *command, bool wants_reply, struct fault_rule *struck,
                    unsigned *number)
{
    bool found = false;

    for (unsigned i = 0; i < plan->rule_count; i++) {
        struct fault_rule *rule = &plan->rules[i];

        if (!is_about(rule, op, command, wants_reply) || rule->uses++ < rule->after)
            continue;
        /* The dice are thrown for every use, so that no other rule changes what they show. */
        bool strikes = next_random(&rule->random) % rule->chances_of < rule->chances;
        if (!strikes || found || rule->strikes >= rule->times)
            continue;
        if (rule->kind != FAULT_ALLOCATION)
            rule->strikes++;
        *struck = *rule;
        *number = i;
        found = true;
    }
    return found;
}

void fault_plan_note(struct fault_plan *plan, unsigned number)
{
    if (number < plan->rule_count)
        plan->rules[number].strikes++;
}
