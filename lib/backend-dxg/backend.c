/* SPDX-License-Identifier: MIT */
/*
 * An operation is its ioctl. Everything else here is about what an ioctl's result means, and about
 * descriptors that do not belong to this process or this device any more.
 */
#include "backend-dxg/backend.h"

#include "backend-dxg/errno_status.h"
#include "core/memory.h"
#include "core/options.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PATH_LENGTH_MAX = 256 };

/* What is known of an operation on this kernel. */
enum presence { PRESENCE_UNKNOWN, PRESENCE_YES, PRESENCE_NO };

struct dxg {
    const struct d3dkmt_backend_services *services;
    atomic_int descriptor;
    pid_t owner;  /* the process that opened the descriptor */
    dev_t device; /* the node's device number, to know the descriptor again */
    pthread_mutex_t reopen_mutex;
    char path[PATH_LENGTH_MAX];
    _Atomic unsigned char presence[D3DKMT_OP_COUNT];
};

/* ---- opening */

static NTSTATUS explain_open(const struct d3dkmt_backend_services *services, const char *path,
                             int error)
{
    switch (error) {
    case ENOENT:
    case ENODEV:
    case ENXIO:
        return services->fail_with(
            STATUS_DEVICE_REMOVED,
            "%s does not exist: this kernel has no dxgkrnl, or the VM no GPU "
            "partition",
            path);
    case EACCES:
    case EPERM:
        return services->fail_with(STATUS_ACCESS_DENIED,
                                   "%s may not be opened by user %d; look at its permissions", path,
                                   (int)geteuid());
    case EBADF:
        return services->fail_with(STATUS_DEVICE_REMOVED,
                                   "%s refuses to open: there is no GPU, or the host refused this "
                                   "process (look at dmesg)",
                                   path);
    default:
        return services->fail_with(STATUS_UNSUCCESSFUL, "%s cannot be opened: %s", path,
                                   strerror(error));
    }
}

/* Opens the node and checks that it is a device; -1 with *status explained. */
static int open_node(const struct d3dkmt_backend_services *services, const char *path,
                     dev_t *device, NTSTATUS *status)
{
    struct stat node;
    int descriptor = open(path, O_RDWR | O_CLOEXEC);

    if (descriptor < 0) {
        *status = explain_open(services, path, errno);
        return -1;
    }
    if (fstat(descriptor, &node) != 0 || !S_ISCHR(node.st_mode)) {
        close(descriptor);
        *status = services->fail_with(STATUS_DEVICE_REMOVED, "%s is not a device node", path);
        return -1;
    }
    *device = node.st_rdev;
    return descriptor;
}

static NTSTATUS read_option(void *context, const struct option *option)
{
    struct dxg *dxg = context;
    size_t size = strlen(option->value) + 1;

    if (strcmp(option->name, "device") != 0)
        return dxg->services->fail_with(STATUS_INVALID_PARAMETER,
                                        "\"%s\" is not an option of dxg; there is device=PATH",
                                        option->name);
    if (size > sizeof(dxg->path) || option->value[0] != '/')
        return dxg->services->fail_with(STATUS_INVALID_PARAMETER,
                                        "device=%.40s is not an absolute path of at most %d bytes",
                                        option->value, PATH_LENGTH_MAX - 1);
    memcpy(dxg->path, option->value, size);
    return STATUS_SUCCESS;
}

static NTSTATUS dxg_open(const struct d3dkmt_backend_services *services, const char *options,
                         void **instance)
{
    struct dxg *dxg = d3dkmti_calloc(1, sizeof(*dxg));

    if (!dxg)
        return services->fail_with(STATUS_NO_MEMORY, "no memory for the backend");
    dxg->services = services;
    strcpy(dxg->path, "/dev/dxg");
    NTSTATUS status = d3dkmti_options_visit(options, read_option, dxg);
    if (NT_SUCCESS(status)) {
        int descriptor = open_node(services, dxg->path, &dxg->device, &status);

        atomic_store(&dxg->descriptor, descriptor);
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
    int descriptor = open_node(services, "/dev/dxg", &device, &status);

    if (descriptor >= 0)
        close(descriptor);
    return status;
}

/* ---- descriptors that went astray */

/* Whether the number still stands for the device: a daemon may have closed all it found. */
static bool is_ours(const struct dxg *dxg, int descriptor)
{
    struct stat node;

    return fstat(descriptor, &node) == 0 && S_ISCHR(node.st_mode) && node.st_rdev == dxg->device;
}

/*
 * Replaces a descriptor that another process opened (a clone that no fork handler saw) or whose
 * number is something else by now. False when the descriptor is good or the node cannot be opened.
 */
static bool replace_descriptor(struct dxg *dxg, int seen)
{
    bool replaced = false;

    pthread_mutex_lock(&dxg->reopen_mutex);
    int descriptor = atomic_load(&dxg->descriptor);
    bool ours = is_ours(dxg, descriptor);
    if (descriptor != seen) {
        replaced = true; /* by another thread */
    } else if (!ours || dxg->owner != getpid()) {
        NTSTATUS status;
        int opened = open_node(dxg->services, dxg->path, &dxg->device, &status);

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

static NTSTATUS explain(struct dxg *dxg, const struct d3dkmt_op *op, int result, int error)
{
    const char *meaning;

    if (result != -1) /* the driver returned a status instead of an errno */
        return dxg->services->fail_with((NTSTATUS)result,
                                        "the kernel refused the description of the allocation");
    NTSTATUS status = dxg_errno_status(error, &meaning);
    if (error == ENOTTY)
        atomic_store(&dxg->presence[op->id], PRESENCE_NO);
    return dxg->services->fail_with(status, "%s (%s)", meaning, strerror(error));
}

static NTSTATUS call_again(struct dxg *dxg, const struct d3dkmt_op *op, void *args, int descriptor,
                           int result)
{
    bool replaced = false;

    while (result == -1) {
        /* Only a wait can be interrupted, and it has no time limit that would have to be kept. */
        if (errno != EINTR) {
            bool astray = errno == ENOTTY || errno == EBADF;

            if (!astray || replaced || !replace_descriptor(dxg, descriptor))
                break;
            replaced = true;
            descriptor = atomic_load(&dxg->descriptor);
        }
        result = ioctl(descriptor, op->ioctl_request, args);
    }
    return result >= 0 ? (NTSTATUS)result : explain(dxg, op, result, errno);
}

static NTSTATUS dxg_call(void *instance, const struct d3dkmt_op *op, void *args)
{
    struct dxg *dxg = instance;
    int descriptor = atomic_load_explicit(&dxg->descriptor, memory_order_relaxed);

    if (op->ioctl_request == 0)
        return dxg->services->fail_with(STATUS_NOT_SUPPORTED, "dxgkrnl has no such operation");
    int result = ioctl(descriptor, op->ioctl_request, args);
    return result >= 0 ? (NTSTATUS)result : call_again(dxg, op, args, descriptor, result);
}

/* Asks the kernel once: a NULL argument is EFAULT for what it has and ENOTTY for what it lacks. */
static bool dxg_supports(void *instance, const struct d3dkmt_op *op)
{
    struct dxg *dxg = instance;
    unsigned char known = atomic_load(&dxg->presence[op->id]);

    if (known == PRESENCE_UNKNOWN) {
        int result =
            op->ioctl_request ? ioctl(atomic_load(&dxg->descriptor), op->ioctl_request, NULL) : -1;
        bool lacks = op->ioctl_request == 0 || (result == -1 && errno == ENOTTY);

        known = lacks ? PRESENCE_NO : PRESENCE_YES;
        atomic_store(&dxg->presence[op->id], known);
    }
    return known == PRESENCE_YES;
}

static void dxg_close(void *instance)
{
    struct dxg *dxg = instance;
    int descriptor = atomic_load(&dxg->descriptor);

    if (is_ours(dxg, descriptor))
        close(descriptor);
    pthread_mutex_destroy(&dxg->reopen_mutex);
    free(dxg);
}

/* The parent's device state hangs on its descriptor: a child that kept it would keep that alive. */
static void dxg_after_fork(void *instance)
{
    struct dxg *dxg = instance;
    int descriptor = atomic_load(&dxg->descriptor);

    if (is_ours(dxg, descriptor))
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
    .close = dxg_close,
    .after_fork = dxg_after_fork,
};
