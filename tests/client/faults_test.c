/* SPDX-License-Identifier: MIT */
/*
 * Every operation with each of its messages failing, late, with a short reply, with none, or taking
 * the adapter along; at its first use and at a later one. Which messages an operation sends is
 * found out: the n-th one is struck until there is no n-th.
 */
#include "client/bad_input.h"
#include "guest/held.h"

#include "backend-loopback/backend.h"
#include "backend-loopback/host/host.h"

#include <d3dkmt/loopback.h>

#include <pthread.h>
#include <stdio.h>

enum { MESSAGES_MAX = 64 };

/* A fault, and what the call must make of it. */
struct fault {
    const char *clause;
    NTSTATUS status;     /* of the call; STATUS_SUCCESS: as if nothing were */
    bool host_has_acted; /* the message reached the host */
    bool reply_may_do;   /* what is left of a reply may be all that is needed */
    bool removes_adapter;
};

static const struct fault faults[] = {
    {"status=STATUS_ACCESS_DENIED", STATUS_ACCESS_DENIED, false, false, false},
    {"status=STATUS_NO_MEMORY", STATUS_NO_MEMORY, false, false, false},
    {"delay=1", STATUS_SUCCESS, true, false, false},
    {"short=0", STATUS_BUFFER_TOO_SMALL, true, true, false},
    {"short=3", STATUS_BUFFER_TOO_SMALL, true, true, false},
    {"short=8", STATUS_BUFFER_TOO_SMALL, true, true, false},
    {"lost", STATUS_DEVICE_REMOVED, true, false, false},
    {"removed", STATUS_DEVICE_REMOVED, false, false, true},
};

/* One strike: which message of which call. */
struct occasion {
    const struct every_call *call;
    const struct fault *fault;
    unsigned message;
    bool later;
};

static struct world world;
static unsigned complaints, strikes;

static void complain(const struct occasion *occasion, const char *how)
{
    complaints++;
    print_error("%s, message %u%s, %s: %s. %s\n", occasion->call->name, occasion->message,
                occasion->later ? " of a later call" : "", occasion->fault->clause, how,
                d3dkmt_last_error());
}

/* What gives back works once, and gives back whatever the host says: as with dxgkrnl, the program
 * has it no more. */
static bool gives_back(const struct every_call *call)
{
    return call->flags & CALL_DESTROYS || call->op == D3DKMT_OP_Unlock2;
}

/* dxgkrnl fails a context alike for every wrong answer. */
static NTSTATUS status_of(const struct occasion *occasion)
{
    NTSTATUS status = occasion->fault->status;

    return status == STATUS_BUFFER_TOO_SMALL && occasion->call->op == D3DKMT_OP_CreateContextVirtual
               ? STATUS_INVALID_PARAMETER
               : status;
}

static NTSTATUS call_once(const struct every_call *call, void *args)
{
    every_call_fill(call, &world, args);
    NTSTATUS status = world_public_call(NULL, call->op, args);
    if (NT_SUCCESS(status))
        every_call_close(call, args);
    return status;
}

/* A success says that there is something: handles and addresses are not 0. */
static bool has_results(const struct every_call *call, const unsigned char *args)
{
    static const unsigned char zeros[64];

    for (unsigned f = 0; f < CALL_FIELDS && call->fields[f].kind; f++) {
        const struct call_field *field = &call->fields[f];

        if (field->kind == FIELD_RESULT && memcmp(args + field->offset, zeros, field->size) == 0)
            return false;
    }
    return true;
}

/* ---- one strike */

static void judge_success(const struct occasion *occasion, const unsigned char *args)
{
    const struct fault *fault = occasion->fault;
    unsigned flags = occasion->call->flags;

    if (gives_back(occasion->call))
        return;
    if (fault->status != STATUS_SUCCESS && !fault->reply_may_do)
        complain(occasion, "succeeds");
    else if (flags & CALL_CREATES && !has_results(occasion->call, args))
        complain(occasion, "succeeds without a result");
}

/* The fence that WaitSyncFile opens for its wait stays if the message fails that ends it. */
static bool destroys_last(const struct occasion *occasion)
{
    return occasion->call->op == D3DKMT_OP_WaitSyncFile && occasion->message == 2;
}

static void judge(const struct occasion *occasion, NTSTATUS status, const unsigned char *args,
                  const unsigned char *before, uint32_t objects)
{
    const struct every_call *call = occasion->call;
    const struct fault *fault = occasion->fault;

    if (NT_SUCCESS(status)) {
        judge_success(occasion, args);
        return;
    }
    if (status != status_of(occasion))
        complain(occasion, d3dkmt_status_name(status));
    else if (d3dkmt_last_error_status() != status || !strstr(d3dkmt_last_error(), call->name))
        complain(occasion, "the error does not name the call");
    else if (memcmp(before, args, call->args_size) != 0)
        complain(occasion, "the arguments were changed");
    else if (!fault->host_has_acted && !fault->removes_adapter && !destroys_last(occasion) &&
             host_object_count(loopback_host()) != objects)
        complain(occasion, "the host's objects are not what they were");
}

/* The same call with nothing in its way. */
static void call_again(const struct occasion *occasion)
{
    _Alignas(8) unsigned char args[CALL_ARGS_MAX];
    const struct every_call *call = occasion->call;

    if (gives_back(call))
        return;
    NTSTATUS status = call_once(call, args);
    if (occasion->fault->removes_adapter
            ? NT_SUCCESS(status) && call->fields[0].kind == FIELD_HANDLE
            : !NT_SUCCESS(status))
        complain(occasion,
                 occasion->fault->removes_adapter ? "succeeds after that" : "fails after that");
}

/* False when the call has no such message. */
static bool strike(const struct occasion *occasion)
{
    _Alignas(8) unsigned char args[CALL_ARGS_MAX], before[CALL_ARGS_MAX];
    const struct every_call *call = occasion->call;
    char plan[128];

    if (occasion->later && !NT_SUCCESS(call_once(call, args)))
        complain(occasion, "fails before");
    uint32_t objects = host_object_count(loopback_host());
    snprintf(plan, sizeof(plan), "message=*,after=%u,times=1,%s", occasion->message,
             occasion->fault->clause);
    every_call_fill(call, &world, args);
    memcpy(before, args, sizeof(before));
    assert_int_equal(d3dkmt_set_faults(plan), STATUS_SUCCESS);
    NTSTATUS status = world_public_call(NULL, call->op, args);
    if (!NT_SUCCESS(status))
        world_settle();
    bool struck = d3dkmt_faults_struck() > 0;
    assert_int_equal(d3dkmt_set_faults(NULL), STATUS_SUCCESS);
    if (!struck) {
        if (!NT_SUCCESS(status))
            complain(occasion, "fails without a fault");
        else
            every_call_close(call, args);
        return false;
    }
    strikes++;
    judge(occasion, status, args, before, objects);
    if (NT_SUCCESS(status))
        every_call_close(call, args);
    call_again(occasion);
    return true;
}

/* In a world of its own. */
static bool strike_in_a_world(const struct occasion *occasion)
{
    world_create(&world, world_public_call, NULL);
    assert_int_equal(world.failures, 0);
    bool struck = strike(occasion);
    world.failures = 0;
    world_destroy(&world);
    /* After an adapter has gone calls fail, and what was destroyed by the call is not there. */
    if (world.failures && !occasion->fault->removes_adapter &&
        !(occasion->call->flags & CALL_DESTROYS))
        complain(occasion, world.first_failure);
    return struck;
}

/* ---- all of them */

static const char *specification;

static void reopen(void)
{
    D3DKMTCloseDxCoreDevice();
    assert_int_equal(d3dkmt_open(specification), STATUS_SUCCESS);
}

static void strike_every_message(const struct every_call *call, const struct fault *fault,
                                 bool later)
{
    struct occasion occasion = {call, fault, 0, later};

    while (strike_in_a_world(&occasion)) {
        if (fault->removes_adapter || fault->host_has_acted)
            reopen();
        occasion.message++;
        assert_true(occasion.message < MESSAGES_MAX);
    }
}

static void every_message_fails(void **state)
{
    unsigned descriptors = held_descriptors(), mappings = held_mappings();

    specification = *state;
    complaints = strikes = 0;
    assert_int_equal(d3dkmt_open(specification), STATUS_SUCCESS);
    for (size_t i = 0; i < every_call_count; i++) {
        for (size_t f = 0; f < sizeof(faults) / sizeof(faults[0]); f++) {
            strike_every_message(&every_call[i], &faults[f], false);
            if (!gives_back(&every_call[i]))
                strike_every_message(&every_call[i], &faults[f], true);
        }
    }
    D3DKMTCloseDxCoreDevice();
    print_message("%u messages of %zu operations were struck\n", strikes, every_call_count);
    assert_int_equal(complaints, 0);
    assert_true(strikes > 500);
    assert_int_equal(held_descriptors(), descriptors);
    assert_int_equal(held_mappings(), mappings);
}

/* ---- what is remembered beside the host */

static D3DKMT_DEVICEEXECUTION_STATE execution_state(void)
{
    D3DKMT_GETDEVICESTATE get;

    memset(&get, 0, sizeof(get));
    get.hDevice = world.handles[WORLD_DEVICE];
    get.StateType = D3DKMT_DEVICESTATE_EXECUTION;
    assert_int_equal(D3DKMTGetDeviceState(&get), STATUS_SUCCESS);
    return get.ExecutionState;
}

static void a_device_that_was_not_marked_is_active(void **state)
{
    D3DKMT_MARKDEVICEASERROR mark;

    assert_int_equal(d3dkmt_open(*state), STATUS_SUCCESS);
    world_create(&world, world_public_call, NULL);
    memset(&mark, 0, sizeof(mark));
    mark.hDevice = world.handles[WORLD_DEVICE];
    assert_int_equal(d3dkmt_set_faults("message=MARKDEVICEASERROR,status=STATUS_ACCESS_DENIED"),
                     STATUS_SUCCESS);
    assert_int_equal(D3DKMTMarkDeviceAsError(&mark), STATUS_ACCESS_DENIED);
    assert_int_equal(execution_state(), D3DKMT_DEVICEEXECUTION_ACTIVE);
    assert_int_equal(d3dkmt_set_faults(NULL), STATUS_SUCCESS);
    assert_int_equal(D3DKMTMarkDeviceAsError(&mark), STATUS_SUCCESS);
    assert_int_not_equal(execution_state(), D3DKMT_DEVICEEXECUTION_ACTIVE);
    world_destroy(&world);
    D3DKMTCloseDxCoreDevice();
}

/* ---- who else is concerned */

static void *wait_for_ever(void *result)
{
    D3DKMT_WAITFORSYNCHRONIZATIONOBJECTFROMCPU wait;
    const UINT64 never = UINT64_MAX;

    memset(&wait, 0, sizeof(wait));
    wait.hDevice = world.handles[WORLD_DEVICE];
    wait.ObjectCount = 1;
    wait.ObjectHandleArray = &world.handles[WORLD_FENCE];
    wait.FenceValueArray = &never;
    *(NTSTATUS *)result = D3DKMTWaitForSynchronizationObjectFromCpu(&wait);
    return NULL;
}

/* Whether the wait has begun by then or not. */
static void a_removed_adapter_ends_the_waits_for_it(void **state)
{
    D3DKMT_INVALIDATECACHE invalidate;
    NTSTATUS status = STATUS_SUCCESS;
    pthread_t waiter;

    assert_int_equal(d3dkmt_open(*state), STATUS_SUCCESS);
    world_create(&world, world_public_call, NULL);
    assert_int_equal(pthread_create(&waiter, NULL, wait_for_ever, &status), 0);
    memset(&invalidate, 0, sizeof(invalidate));
    invalidate.hDevice = world.handles[WORLD_DEVICE];
    invalidate.hAllocation = world.handles[WORLD_ALLOCATION];
    assert_int_equal(d3dkmt_set_faults("message=INVALIDATECACHE,removed"), STATUS_SUCCESS);
    assert_int_equal(D3DKMTInvalidateCache(&invalidate), STATUS_DEVICE_REMOVED);
    assert_int_equal(pthread_join(waiter, NULL), 0);
    assert_int_equal(status, STATUS_DEVICE_REMOVED);
    assert_int_equal(d3dkmt_faults_struck(), 1);
    assert_int_equal(d3dkmt_set_faults(NULL), STATUS_SUCCESS);
    world_destroy(&world);
    D3DKMTCloseDxCoreDevice();
    /* Another opening finds it again. */
    assert_int_equal(d3dkmt_open(*state), STATUS_SUCCESS);
    world_create(&world, world_public_call, NULL);
    assert_int_equal(world.failures, 0);
    world_destroy(&world);
    D3DKMTCloseDxCoreDevice();
}

int main(void)
{
#define TEST(how)                                                                                  \
    {                                                                                              \
        "every message fails (" how ")", every_message_fails, NULL, NULL, (char *)(uintptr_t)how   \
    }
    const struct CMUnitTest tests[] = {
        TEST("loopback"),
        TEST("loopback:async"),
        TEST("loopback:version=39"),
        {"a device that was not marked is active", a_device_that_was_not_marked_is_active, NULL,
         NULL, (char *)(uintptr_t) "loopback"},
        {"a removed adapter ends the waits for it", a_removed_adapter_ends_the_waits_for_it, NULL,
         NULL, (char *)(uintptr_t) "loopback"},
    };
#undef TEST

    if (!NT_SUCCESS(d3dkmt_register_backend(&d3dkmt_loopback_backend)))
        return 1;
    return cmocka_run_group_tests_name("faults", tests, NULL, NULL);
}
