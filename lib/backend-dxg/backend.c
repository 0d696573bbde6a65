/* SPDX-License-Identifier: MIT */
/*
 * An operation is its ioctl. Everything else here is about what an ioctl's result means, and about
 * descriptors that do not belong to this process or this device any more.
 */
#include "backend-dxg/backend.h"

#include "backend-dxg/errno_status.h"
#include "backend-dxg/handles.h"
#include "backend-dxg/node.h"
#include "backend-dxg/waiters.h"
#include "core/memory.h"
#include "core/op_table.h"
#include "core/options.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define DEVICE "/dev/dxg"

enum { PATH_LENGTH_MAX = 256 };

/* What is known of an operation on this kernel. */
enum presence { PRESENCE_UNKNOWN, PRESENCE_YES, PRESENCE_NO };

struct dxg {
    /* What each call looks at comes first, in one cache line. */
    const struct d3dkmt_backend_services *services;
    struct handles *handles; /* of the validating mode, else NULL */
    atomic_int descriptor;
    pid_t owner;  /* the process that opened the descriptor */
    dev_t device; /* the node's device number, to know the descriptor again */
    pthread_mutex_t reopen_mutex;
    char path[PATH_LENGTH_MAX];
    int open_flags;
    bool validate;
    struct waiters waiters;
    _Atomic unsigned char presence[D3DKMT_OP_COUNT];
};

/* ---- opening */

static NTSTATUS read_device(struct dxg *dxg, const struct option *option)
{
    size_t size = strlen(option->value) + 1;

    if (size > sizeof(dxg->path) || option->value[0] != '/')
        return dxg->services->fail_with(STATUS_INVALID_PARAMETER,
                                        "device=%.40s is not an absolute path of at most %d bytes",
                                        option->value, PATH_LENGTH_MAX - 1);
    memcpy(dxg->path, option->value, size);
    return STATUS_SUCCESS;
}

static NTSTATUS read_access(struct dxg *dxg, const struct option *option)
{
    bool read_only = strcmp(option->value, "read-only") == 0;

    if (!read_only && strcmp(option->value, "read-write") != 0)
        return dxg->services->fail_with(STATUS_INVALID_PARAMETER,
                                        "access=%.40s is neither read-only nor read-write",
                                        option->value);
    dxg->open_flags = (dxg->open_flags & ~O_ACCMODE) | (read_only ? O_RDONLY : O_RDWR);
    return STATUS_SUCCESS;
}

static NTSTATUS read_close_on_exec(struct dxg *dxg, const struct option *option)
{
    bool on;
    NTSTATUS status = d3dkmti_option_switch(option, &on);

    if (NT_SUCCESS(status))
        dxg->open_flags = on ? dxg->open_flags | O_CLOEXEC : dxg->open_flags & ~O_CLOEXEC;
    return status;
}

static NTSTATUS read_validate(struct dxg *dxg, const struct option *option)
{
    return d3dkmti_option_switch(option, &dxg->validate);
}

static const struct {
    const char *name;
    NTSTATUS (*read)(struct dxg *dxg, const struct option *option);
} options_known[] = {
    {"device", read_device},
    {"access", read_access},
    {"close-on-exec", read_close_on_exec},
    {"validate", read_validate},
};

static NTSTATUS read_option(void *context, const struct option *option)
{
    struct dxg *dxg = context;

    for (size_t i = 0; i < sizeof(options_known) / sizeof(options_known[0]); i++) {
        if (strcmp(option->name, options_known[i].name) == 0)
            return options_known[i].read(dxg, option);
    }
    return dxg->services->fail_with(
        STATUS_INVALID_PARAMETER,
        "\"%s\" is not an option of dxg; there are device=PATH, access=read-only, close-on-exec "
        "and validate",
        option->name);
}

static NTSTATUS dxg_open(const struct d3dkmt_backend_services *services, const char *options,
                         void **instance)
{
    struct dxg *dxg = d3dkmti_calloc(1, sizeof(*dxg));

    if (!dxg)
        return services->fail_with(STATUS_NO_MEMORY, "no memory for the backend");
    dxg->services = services;
    strcpy(dxg->path, DEVICE);
    dxg->open_flags = O_RDWR | O_CLOEXEC;
    NTSTATUS status = d3dkmti_options_visit(options, read_option, dxg);
    if (NT_SUCCESS(status)) {
        int descriptor = node_open(services, dxg->path, dxg->open_flags, &dxg->device, &status);

        atomic_store(&dxg->descriptor, descriptor);
    }
    if (NT_SUCCESS(status) && dxg->validate && !(dxg->handles = handles_create())) {
        close(atomic_load(&dxg->descriptor));
        status = services->fail_with(STATUS_NO_MEMORY, "no memory for the table of handles");
    }
    if (!NT_SUCCESS(status)) {
        free(dxg);
        return status;
    }
    dxg->owner = getpid();
    pthread_mutex_init(&dxg->reopen_mutex, NULL);
    *instance = dxg;
    return STATUS_SUCCESS;
}

static NTSTATUS dxg_probe(const struct d3dkmt_backend_services *services)
{
    NTSTATUS status = STATUS_SUCCESS;
    dev_t device;
    int descriptor = node_open(services, DEVICE, O_RDWR | O_CLOEXEC, &device, &status);

    if (descriptor >= 0)
        close(descriptor);
    return status;
}

/* ---- descriptors that went astray */

/*
 * Replaces a descriptor that another process opened (a clone that no fork handler saw) or whose
 * number is something else by now. False when the descriptor is good or the node cannot be opened.
 */
static bool replace_descriptor(struct dxg *dxg, int seen)
{
    bool replaced = false;

    pthread_mutex_lock(&dxg->reopen_mutex);
    int descriptor = atomic_load(&dxg->descriptor);
    bool ours = node_is(descriptor, dxg->device);
    if (descriptor != seen) {
        replaced = true; /* by another thread */
    } else if (!ours || dxg->owner != getpid()) {
        NTSTATUS status;
        int opened = node_open(dxg->services, dxg->path, dxg->open_flags, &dxg->device, &status);

        if (opened >= 0) {
            if (ours)
                close(descriptor); /* never what has become somebody else's */
            atomic_store(&dxg->descriptor, opened);
            dxg->owner = getpid();
            replaced = true;
        }
    }
    pthread_mutex_unlock(&dxg->reopen_mutex);
    return replaced;
}

/* ---- calls */

/* An operation that the kernel lacks, or a descriptor that is not ours and could not be replaced.
 */
static NTSTATUS explain_unknown(struct dxg *dxg, const struct d3dkmt_op *op)
{
    const char *successor = d3dkmti_op_successor(op), *meaning;

    if (dxg->owner != getpid())
        return dxg->services->fail_with(
            STATUS_NOT_SUPPORTED,
            "the descriptor of %s belongs to process %d, and this one may open none (%s)",
            dxg->path, (int)dxg->owner, strerror(ENOTTY));
    atomic_store(&dxg->presence[op->id], PRESENCE_NO);
    NTSTATUS status = dxg_errno_status(ENOTTY, &meaning);
    if (successor)
        return dxg->services->fail_with(status, "%s", successor);
    return dxg->services->fail_with(status, "%s (%s)", meaning, strerror(ENOTTY));
}

static NTSTATUS explain(struct dxg *dxg, const struct d3dkmt_op *op, const void *args, int result,
                        int error)
{
    const char *meaning;
    char text[160];

    if (result != -1) /* the driver returned a status instead of an errno */
        return dxg->services->fail_with((NTSTATUS)result,
                                        "the kernel refused the description of the allocation");
    if (error == ENOTTY)
        return explain_unknown(dxg, op);
    if (error == EINTR)
        return dxg->services->fail_with(STATUS_DEVICE_REMOVED, "the library is being closed");
    NTSTATUS status = dxg_errno_status(error, &meaning);
    if (dxg->handles && handles_explain(dxg->handles, op, args, text, sizeof(text)))
        meaning = text;
    return dxg->services->fail_with(status, "%s (%s)", meaning, strerror(error));
}

/* After a first result of -1: sends the request again as long as that may help. */
static int send_again(struct dxg *dxg, const struct d3dkmt_op *op, void *args, int descriptor)
{
    bool replaced = false;
    int result = -1;

    while (result == -1) {
        /* Only a wait can be interrupted, and it has no time limit that would have to be kept. */
        if (errno == EINTR) {
            if (atomic_load(&dxg->waiters.closing))
                break;
        } else {
            int error = errno;
            bool astray = error == ENOTTY || error == EBADF;

            if (!astray || replaced || !replace_descriptor(dxg, descriptor)) {
                errno = error;
                break;
            }
            replaced = true;
            descriptor = atomic_load(&dxg->descriptor);
        }
        result = ioctl(descriptor, op->ioctl_request, args);
    }
    return result;
}

static inline int send_request(struct dxg *dxg, const struct d3dkmt_op *op, void *args)
{
    int descriptor = atomic_load_explicit(&dxg->descriptor, memory_order_relaxed);
    int result = ioctl(descriptor, op->ioctl_request, args);

    return result == -1 ? send_again(dxg, op, args, descriptor) : result;
}

static int send_blocking(struct dxg *dxg, const struct d3dkmt_op *op, void *args)
{
    int place = waiters_enter(&dxg->waiters);
    /* Looked at after the thread is entered: whoever closes afterwards finds it. */
    bool closing = atomic_load(&dxg->waiters.closing);
    int result = closing ? -1 : send_request(dxg, op, args);
    int error = closing ? EINTR : errno;

    waiters_leave(&dxg->waiters, place);
    errno = error;
    return result;
}

static NTSTATUS dxg_call(void *instance, const struct d3dkmt_op *op, void *args)
{
    struct dxg *dxg = instance;

    if (op->ioctl_request == 0)
        return dxg->services->fail_with(STATUS_NOT_SUPPORTED, "dxgkrnl has no such operation");
    int result = __builtin_expect(op->flags & D3DKMT_OP_BLOCKING, 0) ? send_blocking(dxg, op, args)
                                                                     : send_request(dxg, op, args);
    if (result < 0)
        return explain(dxg, op, args, result, errno);
    if (__builtin_expect(dxg->handles != NULL, 0))
        handles_learn(dxg->handles, op, args);
    return (NTSTATUS)result;
}

/* Asks the kernel once: a NULL argument is EFAULT for what it has and ENOTTY for what it lacks. */
static bool dxg_supports(void *instance, const struct d3dkmt_op *op)
{
    struct dxg *dxg = instance;
    unsigned char known = atomic_load(&dxg->presence[op->id]);

    if (known == PRESENCE_UNKNOWN) {
        int result = op->ioctl_request ? send_request(dxg, op, NULL) : -1;
        bool lacks = op->ioctl_request == 0 || (result == -1 && errno == ENOTTY);

        known = lacks ? PRESENCE_NO : PRESENCE_YES;
        /* A descriptor of another process says nothing of the kernel. */
        if (!lacks || dxg->owner == getpid())
            atomic_store(&dxg->presence[op->id], known);
    }
    return known == PRESENCE_YES;
}

static void dxg_interrupt(void *instance)
{
    struct dxg *dxg = instance;

    waiters_interrupt(&dxg->waiters);
}

static void dxg_close(void *instance)
{
    struct dxg *dxg = instance;
    int descriptor = atomic_load(&dxg->descriptor);

    if (node_is(descriptor, dxg->device))
        close(descriptor);
    pthread_mutex_destroy(&dxg->reopen_mutex);
    handles_destroy(dxg->handles);
    free(dxg);
}

/* The parent's device state hangs on its descriptor: a child that kept it would keep that alive. */
static void dxg_after_fork(void *instance)
{
    struct dxg *dxg = instance;
    int descriptor = atomic_load(&dxg->descriptor);

    if (node_is(descriptor, dxg->device))
        close(descriptor);
}

const struct d3dkmt_backend dxg_backend = {
    .abi_version = D3DKMT_BACKEND_ABI_VERSION,
    .size = sizeof(struct d3dkmt_backend),
    .name = "dxg",
    .description = "the kernel's dxgkrnl through /dev/dxg",
    .probe = dxg_probe,
    .open = dxg_open,
    .call = dxg_call,
    .supports = dxg_supports,
    .interrupt = dxg_interrupt,
    .close = dxg_close,
    .after_fork = dxg_after_fork,
};
