/* SPDX-License-Identifier: MIT */
/*
 * Lets operations and messages fail as a plan says. The plan is looked at under a mutex, which is a
 * leaf; what then happens to the call happens outside of it.
 */
#include "decorators/faults.h"

#include "core/decorator.h"
#include "core/environment.h"
#include "core/last_error.h"
#include "core/log.h"
#include "core/memory.h"
#include "decorators/fault_plan.h"

#include <errno.h>
#include <pthread.h>
#include <time.h>

static struct {
    pthread_mutex_t mutex;
    struct fault_plan plan;
    uint64_t generation; /* of the plan: counts what is set */
    uint64_t struck;
    bool was_set;    /* by the program or from the environment */
    bool is_removed; /* a rule about an operation has removed the adapter */
} faults = {.mutex = PTHREAD_MUTEX_INITIALIZER};

/* What this thread's operation still has to do about a channel that goes. */
static _Thread_local struct {
    unsigned operations; /* in progress */
    void (*depart)(void *vm, uint32_t channel, bool global);
    void *vm;
    uint32_t channel;
    bool global;
} departure;

/* A rule that has struck, and of which plan it is. */
struct strike {
    struct fault_rule rule;
    unsigned number;
    uint64_t generation;
};

static bool strikes(const struct d3dkmt_op *op, const struct decorated_message *message,
                    struct strike *strike)
{
    pthread_mutex_lock(&faults.mutex);
    bool found = fault_plan_use(&faults.plan, op, message ? message->command : NULL,
                                message && message->wants_reply, &strike->rule, &strike->number);
    if (found && strike->rule.kind != FAULT_ALLOCATION)
        faults.struck++;
    if (found && op && strike->rule.kind == FAULT_REMOVED)
        faults.is_removed = true;
    strike->generation = faults.generation;
    pthread_mutex_unlock(&faults.mutex);
    return found;
}

static void wait_for(uint32_t milliseconds)
{
    struct timespec rest = {milliseconds / 1000, (long)(milliseconds % 1000) * 1000000};

    while (milliseconds > 0 && nanosleep(&rest, &rest) != 0 && errno == EINTR)
        ;
}

/* ---- operations */

/* What gives something back works on a removed adapter too. */
static bool is_refused_when_removed(const struct d3dkmt_op *op)
{
    if (op->flags & D3DKMT_OP_DESTROYS)
        return false;
    pthread_mutex_lock(&faults.mutex);
    bool removed = faults.is_removed;
    pthread_mutex_unlock(&faults.mutex);
    return removed;
}

static void end_departure(void)
{
    if (!departure.depart)
        return;
    departure.depart(departure.vm, departure.channel, departure.global);
    departure.depart = NULL;
}

static void note_allocation(const struct strike *strike)
{
    pthread_mutex_lock(&faults.mutex);
    if (strike->generation == faults.generation) {
        fault_plan_note(&faults.plan, strike->number);
        faults.struck++;
    }
    pthread_mutex_unlock(&faults.mutex);
}

static NTSTATUS call(const struct d3dkmt_backend *backend, void *instance,
                     const struct d3dkmt_op *op, void *args)
{
    struct strike strike;
    bool struck = strikes(op, NULL, &strike);

    if (struck)
        wait_for(strike.rule.delay);
    if (is_refused_when_removed(op))
        return d3dkmti_fail(STATUS_DEVICE_REMOVED, "the fault plan has removed the adapter");
    if (struck && strike.rule.kind == FAULT_STATUS)
        return d3dkmti_fail(strike.rule.status, "the fault plan lets it fail");
    if (struck && strike.rule.kind == FAULT_ALLOCATION)
        memory_fail_at(strike.rule.allocation);
    departure.operations++;
    NTSTATUS status = backend->call(instance, op, args);
    departure.operations--;
    if (struck && strike.rule.kind == FAULT_ALLOCATION && memory_has_failed())
        note_allocation(&strike);
    end_departure();
    return status;
}

/* ---- messages */

static const char *name_of(const struct decorated_message *message)
{
    return ((const struct wire_command *)message->command)->name;
}

static NTSTATUS remove_channel(const struct decorated_message *message)
{
    if (departure.operations > 0) {
        departure.depart = message->depart;
        departure.vm = message->vm;
        departure.channel = message->channel;
        departure.global = message->global;
    }
    return d3dkmti_fail(STATUS_DEVICE_REMOVED, "the fault plan removes the adapter at %s",
                        name_of(message));
}

static NTSTATUS send(struct decorated_message *message)
{
    struct strike strike;

    if (!strikes(NULL, message, &strike))
        return message->send(message);
    wait_for(strike.rule.delay);
    if (strike.rule.kind == FAULT_STATUS)
        return d3dkmti_fail(strike.rule.status, "the fault plan lets %s fail", name_of(message));
    if (strike.rule.kind == FAULT_REMOVED)
        return remove_channel(message);
    NTSTATUS status = message->send(message);
    if (!NT_SUCCESS(status))
        return status;
    if (strike.rule.kind == FAULT_LOST)
        return d3dkmti_fail(STATUS_DEVICE_REMOVED, "the fault plan loses the host's reply to %s",
                            name_of(message));
    if (strike.rule.kind == FAULT_SHORT && message->reply_size > strike.rule.short_size)
        message->reply_size = strike.rule.short_size;
    return status;
}

static const struct decorator decorator = {.call = call, .message = send};

/* ---- the plan in use */

static void lock_for_fork(void)
{
    pthread_mutex_lock(&faults.mutex);
}

static void unlock_after_fork(void)
{
    pthread_mutex_unlock(&faults.mutex);
}

static void prepare_once(void)
{
    pthread_atfork(lock_for_fork, unlock_after_fork, unlock_after_fork);
}

/* Under the mutex. */
static void use(const struct fault_plan *plan)
{
    faults.plan = *plan;
    faults.generation++;
    faults.struck = 0;
    faults.is_removed = false;
    faults.was_set = true;
    atomic_store(&decorator_in_use, plan->rule_count ? &decorator : NULL);
}

static NTSTATUS set(const char *text, bool only_if_none)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    struct fault_plan plan;
    NTSTATUS status = fault_plan_parse(text, &plan);

    if (!NT_SUCCESS(status))
        return status;
    pthread_once(&once, prepare_once);
    pthread_mutex_lock(&faults.mutex);
    bool wanted = !only_if_none || !faults.was_set;
    if (wanted)
        use(&plan);
    pthread_mutex_unlock(&faults.mutex);
    if (wanted && plan.rule_count)
        d3dkmti_log(D3DKMT_LOG_INFO, "faults", "the fault plan is %s", text);
    return STATUS_SUCCESS;
}

NTSTATUS d3dkmt_set_faults(const char *plan)
{
    NTSTATUS status = set(plan ? plan : "", false);

    if (!NT_SUCCESS(status))
        last_error_report("d3dkmt_set_faults", NULL, status);
    return status;
}

NTSTATUS faults_read_environment(void)
{
    const char *plan = environment_get("D3DKMT_FAULTS");

    pthread_mutex_lock(&faults.mutex);
    bool was_set = faults.was_set;
    pthread_mutex_unlock(&faults.mutex);
    return plan && !was_set ? set(plan, true) : STATUS_SUCCESS;
}

uint64_t d3dkmt_faults_struck(void)
{
    pthread_mutex_lock(&faults.mutex);
    uint64_t struck = faults.struck;
    pthread_mutex_unlock(&faults.mutex);
    return struck;
}
