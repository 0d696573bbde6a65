/* SPDX-License-Identifier: MIT */
/*
 * Counts and sizes: below the least, at the largest, one above it, and far above; and what really
 * fits into a message to the host.
 */
#include "client/bad_input.h"

/* All arrays begin at the scratch memory, which has room for the largest. */
static void point_to_scratch(const struct every_call *call, void *args)
{
    for (unsigned f = 0; f < CALL_FIELDS && call->fields[f].kind; f++) {
        enum field_kind kind = call->fields[f].kind;

        if (kind == FIELD_IN || kind == FIELD_OUT || kind == FIELD_LIST ||
            kind == FIELD_LIST_FOR_HOST)
            memcpy((unsigned char *)args + call->fields[f].offset, &bad_world.scratch,
                   sizeof(bad_world.scratch));
    }
}

static void *with_count(const struct every_call *call, const struct call_field *field,
                        uint32_t count)
{
    unsigned char *args = bad_input_fill(call);

    memcpy(args + field->offset, &count, sizeof(count));
    return args;
}

static void outside(void **state)
{
    (void)state;
    bad_input_try_all(MALFORM_BELOW);
    bad_input_try_all(MALFORM_ABOVE);
}

/* At its largest a count is not what is wrong, whatever else is. */
static void at_the_largest(void **state)
{
    (void)state;
    for (size_t i = 0; i < every_call_count; i++) {
        const struct every_call *call = &every_call[i];

        for (unsigned f = 0; f < CALL_FIELDS && call->fields[f].kind; f++) {
            const struct call_field *field = &call->fields[f];

            if (field->kind != FIELD_COUNT)
                continue;
            void *args = with_count(call, field, field->maximum);
            point_to_scratch(call, args);
            memset(bad_world.scratch, 0, WORLD_SCRATCH);
            if (!NT_SUCCESS(world_public_call(NULL, call->op, args)) &&
                strstr(d3dkmt_last_error(), "outside of"))
                fail_msg("%s = %u: %s", field->name, field->maximum, d3dkmt_last_error());
        }
    }
}

/* ---- one message */

/* The largest value that fits a message; arrays lie in the scratch memory. */
static const struct fit {
    enum d3dkmt_op_id op;
    const char *name; /* of the count */
    uint16_t count, pointer, second_pointer;
    uint32_t largest;
} fits[] = {
#define FIT(op, type, count, pointer, largest)                                                     \
    {                                                                                              \
        D3DKMT_OP_##op, #count, offsetof(type, count), offsetof(type, pointer), 0, largest         \
    }
#define FIT2(op, type, count, pointer, second, largest)                                            \
    {                                                                                              \
        D3DKMT_OP_##op, #count, offsetof(type, count), offsetof(type, pointer),                    \
            offsetof(type, second), largest                                                        \
    }
    FIT(QueryAdapterInfo, D3DKMT_QUERYADAPTERINFO, PrivateDriverDataSize, pPrivateDriverData,
        131017),
    FIT(Escape, D3DKMT_ESCAPE, PrivateDriverDataSize, pPrivateDriverData, 131001),
    FIT(CreateContextVirtual, D3DKMT_CREATECONTEXTVIRTUAL, PrivateDriverDataSize,
        pPrivateDriverData, 131001),
    FIT(CreateHwQueue, D3DKMT_CREATEHWQUEUE, PrivateDriverDataSize, pPrivateDriverData, 130985),
    FIT(SubmitCommand, D3DKMT_SUBMITCOMMAND, PrivateDriverDataSize, pPrivateDriverData, 130648),
    FIT(SubmitCommandToHwQueue, D3DKMT_SUBMITCOMMANDTOHWQUEUE, PrivateDriverDataSize,
        pPrivateDriverData, 130976),
    FIT2(WaitForSynchronizationObjectFromCpu, D3DKMT_WAITFORSYNCHRONIZATIONOBJECTFROMCPU,
         ObjectCount, ObjectHandleArray, FenceValueArray, 10916),
    FIT(UpdateGpuVirtualAddress, D3DKMT_UPDATEGPUVIRTUALADDRESS, NumOperations, Operations, 2046),
    FIT2(SetAllocationPriority, D3DKMT_SETALLOCATIONPRIORITY, AllocationCount, phAllocationList,
         pPriorities, 16377),
    FIT2(QueryAllocationResidency, D3DKMT_QUERYALLOCATIONRESIDENCY, AllocationCount,
         phAllocationList, pResidencyStatus, 32750),
    FIT(MakeResident, D3DDDI_MAKERESIDENT, NumAllocations, AllocationList, 10240),
    FIT(Evict, D3DKMT_EVICT, NumAllocations, AllocationList, 10240),
#undef FIT
#undef FIT2
};

/* Whether the call is refused because its message is too large. */
static bool is_too_large(const struct fit *fit, uint32_t count)
{
    const struct every_call *call = every_call;
    unsigned char *scratch = bad_world.scratch;

    while (call->op != fit->op)
        call++;
    unsigned char *args = bad_input_fill(call);
    memset(scratch, 0, WORLD_SCRATCH);
    memcpy(args + fit->count, &count, sizeof(count));
    memcpy(args + fit->pointer, &scratch, sizeof(scratch));
    if (fit->second_pointer)
        memcpy(args + fit->second_pointer, &scratch, sizeof(scratch));
    NTSTATUS status = world_public_call(NULL, fit->op, args);
    bool told = !NT_SUCCESS(status) && (strstr(d3dkmt_last_error(), "the message to the host") ||
                                        strstr(d3dkmt_last_error(), "the host's answer would"));
    if (told)
        assert_int_equal(status, STATUS_INVALID_PARAMETER);
    return told;
}

static void what_fits(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(fits) / sizeof(fits[0]); i++) {
        const struct fit *fit = &fits[i];

        if (is_too_large(fit, fit->largest))
            fail_msg("%s = %u: %s", fit->name, fit->largest, d3dkmt_last_error());
        if (fit->largest == 10240)
            continue; /* all that are allowed fit */
        if (!is_too_large(fit, fit->largest + 1))
            fail_msg("operation %d: %s = %u still fits", (int)fit->op, fit->name, fit->largest + 1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        BAD_INPUT_TESTS(outside),
        BAD_INPUT_TESTS(at_the_largest),
        BAD_INPUT_TESTS(what_fits),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
