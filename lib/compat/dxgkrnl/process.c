/* SPDX-License-Identifier: MIT */
/* The process object: the loopback backend, opened with the promise to look at every pointer. */
#include "backend-loopback/backend.h"
#include "compat/dxgkrnl/dxgkrnl.h"
#include "compat/dxgkrnl/ioctl.h"
#include "core/last_error.h"
#include "core/log.h"
#include "core/options.h"
#include "core/registry.h"

#include <d3dkmt/loopback.h>

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

/* A bad pointer is EFAULT and no fault, as in the kernel, wherever the system lets us look. */
static bool pointers_can_be_checked(void)
{
    char from = 0, to;
    struct iovec local = {&to, 1}, remote = {&from, 1};

    return process_vm_readv(getpid(), &local, 1, &remote, 1, 0) == 1;
}

static pthread_once_t log_once = PTHREAD_ONCE_INIT;

/* Programs that find no device try again and again, for the same reason: that is told once in a
 * row. NULL: there is none. */
static void tell(const char *reason)
{
    static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
    static char told[OPTIONS_TEXT_MAX + 256];

    pthread_mutex_lock(&mutex);
    bool is_new = reason && strncmp(told, reason, sizeof(told) - 1) != 0;
    snprintf(told, sizeof(told), "%s", reason ? reason : "");
    pthread_mutex_unlock(&mutex);
    if (is_new)
        d3dkmti_log(D3DKMT_LOG_ERROR, "dxgkrnl", "%s", reason);
}

static int open_process(const char *options, void **process)
{
    char text[OPTIONS_TEXT_MAX];
    const char *check = pointers_can_be_checked() ? ",check-pointers" : "";

    pthread_once(&log_once, log_read_environment);
    NTSTATUS status;
    if ((size_t)snprintf(text, sizeof(text), "interruptible%s%s%s", check, *options ? "," : "",
                         options) >= sizeof(text))
        status = d3dkmti_fail(STATUS_INVALID_PARAMETER, "the options are too long");
    else
        status = d3dkmt_loopback_backend.open(&backend_services, text, process);
    if (NT_SUCCESS(status)) {
        tell(NULL);
        return 0;
    }
    last_error_report("open /dev/dxg", NULL, status);
    tell(d3dkmt_last_error());
    return -EBADF;
}

static void close_process(void *process)
{
    d3dkmt_loopback_backend.close(process);
}

static void forget_process(void *process)
{
    d3dkmt_loopback_backend.after_fork(process);
}

__attribute__((visibility("default"))) const struct dxgkrnl d3dkmti_dxgkrnl = {
    .open = open_process,
    .ioctl = ioctl_handle,
    .close = close_process,
    .after_fork = forget_process,
};
