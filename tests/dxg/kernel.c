/* SPDX-License-Identifier: MIT */
#include "kernel.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

struct kernel kernel;

void kernel_reset(void)
{
    memset(&kernel, 0, sizeof(kernel));
    sem_init(&kernel.waiting, 0, 0);
}

void kernel_answer(int result, int error)
{
    kernel.answers[kernel.answer_count].result = result;
    kernel.answers[kernel.answer_count++].error = error;
}

int open(const char *path, int flags, ...)
{
    bool is_device = strncmp(path, "/dev/", 5) == 0;

    if (is_device && kernel.open_error) {
        errno = kernel.open_error;
        return -1;
    }
    int descriptor = (int)syscall(SYS_openat, AT_FDCWD, path, flags, 0600);
    if (is_device && descriptor >= 0) {
        kernel.opens++;
        kernel.last_opened = descriptor;
        kernel.last_flags = flags;
    }
    return descriptor;
}

int ioctl(int descriptor, unsigned long request, ...)
{
    va_list arguments;

    if (kernel.waits) { /* by several threads at once: they only wait */
        sem_post(&kernel.waiting);
        pause();
        errno = EINTR;
        return -1;
    }
    va_start(arguments, request);
    kernel.last_argument = va_arg(arguments, void *);
    va_end(arguments);
    kernel.ioctls++;
    kernel.last_descriptor = descriptor;
    kernel.last_request = request;
    if (kernel.first_answer == kernel.answer_count)
        return 0;
    int answer = kernel.first_answer++;
    if (kernel.first_answer == kernel.answer_count)
        kernel.first_answer = kernel.answer_count = 0;
    errno = kernel.answers[answer].error;
    return kernel.answers[answer].result;
}
