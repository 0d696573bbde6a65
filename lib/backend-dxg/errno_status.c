/* SPDX-License-Identifier: MIT */
#include "backend-dxg/errno_status.h"

#include <errno.h>
#include <stddef.h>

/* The driver maps the host's statuses to these on the way out, and folds all others into EINVAL. */
static const struct {
    int error;
    NTSTATUS status;
    const char *meaning;
} statuses[] = {
    {EINVAL, STATUS_INVALID_PARAMETER,
     "an argument or handle is not valid, or the host failed for a reason that the kernel does not "
     "tell"},
    {ENOMEM, STATUS_NO_MEMORY, "there is not enough memory"},
    {EFAULT, STATUS_UNSUCCESSFUL, "a pointer does not lead to memory"},
    {ENODEV, STATUS_DEVICE_REMOVED, "the adapter was removed or stopped"},
    {EOVERFLOW, STATUS_BUFFER_TOO_SMALL,
     "a buffer is too small, or the host answered with less than was expected"},
    {EACCES, STATUS_ACCESS_DENIED, "the host denies access"},
    {EPERM, STATUS_NOT_SUPPORTED, "the host does not support this"},
    {ENOTTY, STATUS_NOT_SUPPORTED, "this kernel's dxgkrnl does not have the operation"},
    {EAGAIN, STATUS_INSUFFICIENT_RESOURCES,
     "the channel to the host stayed full; nothing was sent, try again"},
    {ENOENT, STATUS_OBJECT_NAME_INVALID, "a name is not valid or not known"},
    {EEXIST, STATUS_OBJECT_NAME_COLLISION, "it exists already"},
    {EBADF, STATUS_INVALID_HANDLE, "the host does not know a handle"},
    {EPROTOTYPE, STATUS_OBJECT_TYPE_MISMATCH, "an object is of another type"},
    {EOPNOTSUPP, STATUS_ILLEGAL_INSTRUCTION, "the request is not legal in this state"},
    {EINPROGRESS, STATUS_GRAPHICS_ALLOCATION_BUSY, "the allocation is in use"},
    {ENOSYS, STATUS_NOT_SUPPORTED, "the kernel does not support this"},
    {ENOTRECOVERABLE, STATUS_UNSUCCESSFUL,
     "no descriptor was to be had, or the host made no shared object"},
    {EMFILE, STATUS_UNSUCCESSFUL, "the process has too many descriptors (RLIMIT_NOFILE)"},
    {ENFILE, STATUS_UNSUCCESSFUL, "the system has too many open files"},
};

NTSTATUS dxg_errno_status(int error, const char **meaning)
{
    for (size_t i = 0; i < sizeof(statuses) / sizeof(statuses[0]); i++) {
        if (statuses[i].error == error) {
            *meaning = statuses[i].meaning;
            return statuses[i].status;
        }
    }
    *meaning = "the kernel failed for a reason that dxgkrnl is not known to give";
    return STATUS_UNSUCCESSFUL;
}
