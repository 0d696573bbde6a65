/* SPDX-License-Identifier: MIT */
/*
 * One backend is open at a time. Calls find it through one atomic pointer and are counted in its
 * rundown, so that closing can wait until none is in progress. The slots live for ever: a call
 * that was overtaken by a close finds a slot that refuses it, and never freed memory.
 */
#include "core/dispatch.h"

#include "core/decorator.h"
#include "core/environment.h"
#include "core/last_error.h"
#include "core/log.h"
#include "core/op_table.h"
#include "core/options.h"
#include "core/registry.h"
#include "core/rundown.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

struct open_backend {
    const struct d3dkmt_backend *backend;
    void *instance;
    struct rundown rundown;
    char specification[OPTIONS_TEXT_MAX + BACKEND_NAME_MAX];
};

/* Two slots: while the old backend runs down in one, the next one is opened in the other. */
static struct open_backend slots[2];
static _Atomic(struct open_backend *) current;
static pthread_mutex_t open_mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_once_t once = PTHREAD_ONCE_INIT;

/*
 * What wants to read its settings before a backend is opened, NULL at the end. Whoever puts a
 * library together defines it; the core alone has none.
 */
extern NTSTATUS (*const builtin_decorators[])(void) __attribute__((weak));

/* ---- fork */

/*
 * The child starts afresh: handles of the parent mean nothing to it, and threads that a backend had
 * do not exist. Only what the child must not keep open is given back.
 */
static void forget_in_child(void)
{
    struct open_backend *open = atomic_load(&current);

    pthread_mutex_init(&open_mutex, NULL);
    if (open && open->backend->after_fork)
        open->backend->after_fork(open->instance);
    atomic_store(&current, NULL);
    memset(slots, 0, sizeof(slots));
}

static void prepare_once(void)
{
    log_read_environment();
    pthread_atfork(NULL, NULL, forget_in_child);
}

/* ---- opening and closing */

static NTSTATUS choose(const char *specification, const struct d3dkmt_backend **backend,
                       const char **options)
{
    char name[BACKEND_NAME_MAX];
    size_t length = strcspn(specification, ":");

    if (strlen(specification) >= sizeof(slots[0].specification) || length >= sizeof(name))
        return d3dkmti_fail(STATUS_INVALID_PARAMETER,
                            "the backend specification \"%.40s...\" is too long", specification);
    memcpy(name, specification, length);
    name[length] = '\0';
    *options = specification[length] ? specification + length + 1 : "";
    return registry_find(name, backend);
}

static NTSTATUS prepare_decorators(void)
{
    NTSTATUS status = STATUS_SUCCESS;

    for (size_t i = 0; builtin_decorators && builtin_decorators[i] && NT_SUCCESS(status); i++)
        status = builtin_decorators[i]();
    return status;
}

/* Opens into a slot that nobody uses; under open_mutex. */
static NTSTATUS open_into(struct open_backend *slot, const char *specification)
{
    const char *options = "";
    NTSTATUS status = prepare_decorators();

    if (!NT_SUCCESS(status))
        return status;
    if (!specification)
        specification = environment_get("D3DKMT_BACKEND");
    if (specification)
        status = choose(specification, &slot->backend, &options);
    else
        status = registry_probe(&slot->backend);
    if (NT_SUCCESS(status))
        status = slot->backend->open(&backend_services, options, &slot->instance);
    if (!NT_SUCCESS(status))
        return status;
    snprintf(slot->specification, sizeof(slot->specification), "%s",
             specification ? specification : "");
    rundown_reopen(&slot->rundown);
    d3dkmti_log(D3DKMT_LOG_INFO, "core", "backend %s is open", slot->backend->name);
    return STATUS_SUCCESS;
}

static struct open_backend *unused_slot(void)
{
    return atomic_load(&current) == &slots[0] ? &slots[1] : &slots[0];
}

/* The backend in use; opens one when there is none. NULL with *status on failure. */
static struct open_backend *get_or_open(NTSTATUS *status)
{
    pthread_once(&once, prepare_once);
    pthread_mutex_lock(&open_mutex);
    struct open_backend *open = atomic_load(&current);
    *status = STATUS_SUCCESS;
    if (!open) {
        struct open_backend *slot = unused_slot();

        *status = open_into(slot, NULL);
        if (NT_SUCCESS(*status)) {
            open = slot;
            atomic_store(&current, open);
        }
    }
    pthread_mutex_unlock(&open_mutex);
    return open;
}

NTSTATUS d3dkmt_open(const char *specification)
{
    NTSTATUS status;

    pthread_once(&once, prepare_once);
    pthread_mutex_lock(&open_mutex);
    struct open_backend *open = atomic_load(&current);
    if (open) {
        status = d3dkmti_fail(STATUS_OBJECT_NAME_COLLISION,
                              "backend %s is open already; D3DKMTCloseDxCoreDevice closes it",
                              open->backend->name);
    } else {
        struct open_backend *slot = unused_slot();

        status = open_into(slot, specification);
        if (NT_SUCCESS(status))
            atomic_store(&current, slot);
    }
    pthread_mutex_unlock(&open_mutex);
    if (!NT_SUCCESS(status))
        last_error_report("d3dkmt_open", NULL, status);
    return status;
}

void dispatch_close(void)
{
    pthread_mutex_lock(&open_mutex);
    struct open_backend *open = atomic_exchange(&current, NULL);
    if (open) {
        rundown_close(&open->rundown);
        if (open->backend->interrupt)
            open->backend->interrupt(open->instance);
        rundown_wait(&open->rundown);
        open->backend->close(open->instance);
    }
    pthread_mutex_unlock(&open_mutex);
}

NTSTATUS d3dkmt_describe_backend(struct d3dkmt_backend_info *info)
{
    NTSTATUS status;
    struct open_backend *open = get_or_open(&status);

    if (!info) {
        status = d3dkmti_fail(STATUS_INVALID_PARAMETER, "info is NULL");
        last_error_report("d3dkmt_describe_backend", NULL, status);
        return status;
    }
    memset(info, 0, sizeof(*info));
    if (!open) {
        last_error_report("d3dkmt_describe_backend", NULL, status);
        return status;
    }
    info->name = open->backend->name;
    info->description = open->backend->description;
    info->specification = open->specification;
    return STATUS_SUCCESS;
}

/* ---- calls */

/* Where there is no backend yet, or the one in use is being closed. */
static struct open_backend *enter_next(unsigned stripe, NTSTATUS *status)
{
    for (;;) {
        struct open_backend *open = get_or_open(status);

        if (!open || rundown_enter(&open->rundown, stripe))
            return open;
        /* It is being closed; get_or_open waits until that is over. */
        if (atomic_load(&current) == open) {
            *status = d3dkmti_fail(STATUS_DEVICE_REMOVED, "the backend is being closed");
            return NULL;
        }
    }
}

/* Enters the backend in use; the stripe goes to rundown_leave. NULL with *status on failure. */
static inline struct open_backend *enter(unsigned stripe, NTSTATUS *status)
{
    struct open_backend *open = atomic_load_explicit(&current, memory_order_acquire);

    if (__builtin_expect(open && rundown_enter(&open->rundown, stripe), 1))
        return open;
    return enter_next(stripe, status);
}

static NTSTATUS refuse_null(enum d3dkmt_op_id id)
{
    d3dkmti_fail(STATUS_INVALID_PARAMETER, "the pointer to the arguments is NULL");
    return dispatch_refuse(id, STATUS_INVALID_PARAMETER);
}

/*
 * On every operation's path: what it adds to the backend's own work is a branch, a count and a call
 * through a pointer, and nothing that has to be looked up by a function of another page.
 */
NTSTATUS dispatch(enum d3dkmt_op_id id, void *args)
{
    const struct d3dkmt_op *op = &op_table[id];
    const unsigned stripe = rundown_stripe();
    NTSTATUS status = STATUS_SUCCESS;

    if (!args)
        return refuse_null(id);
    struct open_backend *open = enter(stripe, &status);
    if (!open)
        return dispatch_refuse(id, status);
    const struct decorator *decorator = decorator_get();
    status = decorator ? decorator->call(open->backend, open->instance, op, args)
                       : open->backend->call(open->instance, op, args);
    /* Before leaving: the slot may be another backend's afterwards. */
    if (!NT_SUCCESS(status))
        last_error_report(op->name, open->backend->name, status);
    rundown_leave(&open->rundown, stripe);
    return status;
}

NTSTATUS dispatch_refuse(enum d3dkmt_op_id id, NTSTATUS status)
{
    last_error_report(op_table[id].name, NULL, status);
    return status;
}

bool d3dkmt_op_supported(enum d3dkmt_op_id id)
{
    const struct d3dkmt_op *op = d3dkmt_find_op(id);
    const unsigned stripe = rundown_stripe();
    NTSTATUS status;
    struct open_backend *open = op ? enter(stripe, &status) : NULL;

    if (!open)
        return false;
    bool supported = open->backend->supports(open->instance, op);
    rundown_leave(&open->rundown, stripe);
    return supported;
}

const char *d3dkmt_version(void)
{
    return D3DKMT_VERSION_TEXT;
}
