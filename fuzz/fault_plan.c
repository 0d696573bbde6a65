/* SPDX-License-Identifier: MIT */
/* Fault plans, as they come from the environment: what is accepted can be used, within limits. */
#include "decorators/fault_plan.h"
#include "fuzz_input.h"

static void check(const struct fault_rule *rule)
{
    if (rule->chances == 0 || rule->chances > rule->chances_of || rule->times == 0 ||
        rule->delay > FAULT_DELAY_MAX || rule->kind > FAULT_ALLOCATION)
        abort();
    if (rule->kind == FAULT_STATUS && rule->status >= 0)
        abort();
    if (rule->of_message ? rule->op || rule->kind == FAULT_ALLOCATION
                         : rule->command || rule->kind == FAULT_SHORT || rule->kind == FAULT_LOST)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct fault_plan plan;
    char *text = malloc(size + 1);
    struct fault_rule struck;
    unsigned number = 0;

    if (!text)
        abort();
    if (size)
        memcpy(text, data, size);
    text[size] = '\0';
    if (NT_SUCCESS(fault_plan_parse(text, &plan))) {
        if (plan.rule_count > FAULT_PLAN_RULES)
            abort();
        for (unsigned i = 0; i < plan.rule_count; i++)
            check(&plan.rules[i]);
        for (unsigned i = 0; i < 4; i++) {
            fault_plan_use(&plan, d3dkmt_find_op(D3DKMT_OP_CreateDevice), NULL, false, &struck,
                           &number);
            if (fault_plan_use(&plan, NULL, &wire_vgpu_commands[WIRE_VGPU_LOCK2], i & 1, &struck,
                               &number) &&
                !struck.of_message)
                abort();
        }
    }
    free(text);
    return 0;
}
