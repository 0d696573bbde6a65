/* SPDX-License-Identifier: MIT */
/* What the kernel makes of a status on its way to the program. */
#include "compat/dxgkrnl/ioctl.h"

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/uio.h>
#include <unistd.h>

/*
 * All other failures of the host are EINVAL. Interrupted waits are the engine's own; the host does
 * not say so.
 */
static const struct {
    NTSTATUS status;
    int error;
} errors[] = {
    {STATUS_OBJECT_NAME_COLLISION, EEXIST},
    {STATUS_NO_MEMORY, ENOMEM},
    {STATUS_CANCELLED, EINTR},
    {STATUS_INVALID_PARAMETER, EINVAL},
    {STATUS_OBJECT_NAME_INVALID, ENOENT},
    {STATUS_OBJECT_NAME_NOT_FOUND, ENOENT},
    {STATUS_BUFFER_TOO_SMALL, EOVERFLOW},
    {STATUS_DEVICE_REMOVED, ENODEV},
    {STATUS_ACCESS_DENIED, EACCES},
    {STATUS_NOT_SUPPORTED, EPERM},
    {STATUS_NOT_IMPLEMENTED, EPERM},
    {STATUS_ILLEGAL_INSTRUCTION, EOPNOTSUPP},
    {STATUS_INVALID_HANDLE, EBADF},
    {STATUS_GRAPHICS_ALLOCATION_BUSY, EINPROGRESS},
    {STATUS_OBJECT_TYPE_MISMATCH, EPROTOTYPE},
};

/* 0, or why no descriptor can be had. */
static int descriptor_error(void)
{
    int descriptor = eventfd(0, EFD_CLOEXEC);

    if (descriptor < 0)
        return errno;
    close(descriptor);
    return 0;
}

/* The engine says STATUS_UNSUCCESSFUL where the kernel itself, and no host, finds a fault. */
static int unsuccessful(const struct d3dkmt_op *op)
{
    int error = op->id == D3DKMT_OP_ShareObjects || op->id == D3DKMT_OP_CreateSyncFile
                    ? descriptor_error()
                    : 0;

    if (error == 0)
        return EFAULT;
    return op->id == D3DKMT_OP_ShareObjects ? ENOTRECOVERABLE : error;
}

/* ---- the one status that goes through as it is */

enum { PAGE_SIZE = 4096, ALLOCATIONS_MAX = 1024, CROSS_ADAPTER = 2 };

/* The caller's memory, which may have gone since the engine looked at it. */
static bool copy(void *to, const void *from, size_t size)
{
    struct iovec local = {to, size}, remote = {(void *)(uintptr_t)from, size};

    if (process_vm_readv(getpid(), &local, 1, &remote, 1, 0) == (ssize_t)size)
        return true;
    if (errno == EFAULT)
        return false;
    memcpy(to, from, size); /* the system lets nobody look */
    return true;
}

/* What the call is judged by. */
struct standard_call {
    D3DKMT_CREATEALLOCATION args;
    D3DKMT_CREATESTANDARDALLOCATION description;
    D3DDDI_ALLOCATIONINFO2 first;
};

/* Copies it; false too when a check that comes before that of the standard allocation refuses. */
static bool reaches_standard_check(const void *argument, struct standard_call *call)
{
    const D3DKMT_CREATEALLOCATION *args = &call->args;
    D3DDDI_ALLOCATIONINFO2 info;

    if (!copy(&call->args, argument, sizeof(call->args)) || !args->Flags.StandardAllocation ||
        !args->pStandardAllocation || args->NumAllocations == 0 ||
        args->NumAllocations > ALLOCATIONS_MAX || args->Flags.ExistingSection ||
        args->Flags.CreateProtected)
        return false;
    for (UINT i = 0; i < args->NumAllocations; i++) {
        if (!copy(&info, args->pAllocationInfo2 + i, sizeof(info)) ||
            info.PrivateDriverDataSize != 0)
            return false;
        if (i == 0)
            call->first = info;
    }
    return copy(&call->description, args->pStandardAllocation, sizeof(call->description));
}

/*
 * A standard allocation whose type and memory do not go together is answered with the NTSTATUS
 * itself, which is outside of the range of errno.
 */
static bool is_raw(const void *argument)
{
    struct standard_call call;

    if (!reaches_standard_check(argument, &call))
        return false;
    uintptr_t memory = (uintptr_t)call.first.pSystemMem;
    bool existing = call.args.Flags.ExistingSysMem;

    switch ((unsigned)call.description.Type) {
    case D3DKMT_STANDARDALLOCATIONTYPE_EXISTINGHEAP:
        return !memory || memory % PAGE_SIZE != 0 || !existing;
    case CROSS_ADAPTER:
        return memory || existing;
    default:
        return true;
    }
}

int ioctl_result(const struct d3dkmt_op *op, NTSTATUS status, const void *argument)
{
    if (NT_SUCCESS(status))
        return status;
    if (status == STATUS_UNSUCCESSFUL)
        return -unsuccessful(op);
    if (status == STATUS_INVALID_PARAMETER && op->id == D3DKMT_OP_CreateAllocation2 &&
        is_raw(argument))
        return status;
    for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++) {
        if (errors[i].status == status)
            return -errors[i].error;
    }
    return -EINVAL;
}
