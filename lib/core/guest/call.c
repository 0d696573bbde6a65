/* SPDX-License-Identifier: MIT */
#include "core/guest/call.h"

#include "core/last_error.h"
#include "core/op_table.h"

#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

typedef NTSTATUS guest_handler(struct guest_process *process, const void *args, void *caller);

/* The argument struct of the largest operation. */
enum { ARGS_MAX = sizeof(D3DKMT_QUERYSTATISTICS) };

/* One forwarder per handler, so that the table's type is honest. */
#define FORWARD(op, name, type)                                                                    \
    static NTSTATUS forward_##name(struct guest_process *process, const void *args, void *caller)  \
    {                                                                                              \
        return guest_##name(process, (const type *)args, (type *)caller);                          \
    }
#define ENTRY(op, name, type) [D3DKMT_OP_##op] = forward_##name,

GUEST_HANDLERS(FORWARD)

static guest_handler *const handlers[D3DKMT_OP_COUNT] = {GUEST_HANDLERS(ENTRY)};

bool d3dkmti_guest_supports(const struct d3dkmt_op *op)
{
    return handlers[op->id] != NULL;
}

static NTSTATUS refuse(const struct d3dkmt_op *op)
{
    const char *successor = d3dkmti_op_successor(op);

    return d3dkmti_fail(STATUS_NOT_SUPPORTED, "%s",
                        successor ? successor : "the guest engine does not have this operation");
}

NTSTATUS d3dkmti_guest_call(struct guest_process *process, const struct d3dkmt_op *op, void *args)
{
    _Alignas(8) unsigned char copy[ARGS_MAX];
    guest_handler *handler = handlers[op->id];

    if (!handler)
        return refuse(op);
    NTSTATUS status = guest_read(process, copy, args, op->args_size, "the arguments");
    if (!NT_SUCCESS(status))
        return status;
    return handler(process, copy, args);
}

/* ---- the caller's memory */

/* No mapping is ever made below this address (vm.mmap_min_addr), so NULL and its like end here. */
enum { LOWEST_ADDRESS = 4096 };

static NTSTATUS bad_pointer(const void *pointer, size_t size, const char *what, const char *access)
{
    return d3dkmti_fail(STATUS_UNSUCCESSFUL, "%s at %p: %zu bytes cannot be %s", what, pointer,
                        size, access);
}

NTSTATUS guest_read(struct guest_process *process, void *to, const void *from, size_t size,
                    const char *what)
{
    if (size == 0)
        return STATUS_SUCCESS;
    if (!to)
        return d3dkmti_fail(STATUS_NO_MEMORY, "no memory for %zu bytes of %s", size, what);
    if ((uintptr_t)from < LOWEST_ADDRESS)
        return bad_pointer(from, size, what, "read");
    if (process->check_pointers) {
        struct iovec local = {to, size}, remote = {(void *)from, size};

        if (process_vm_readv(getpid(), &local, 1, &remote, 1, 0) != (ssize_t)size)
            return bad_pointer(from, size, what, "read");
        return STATUS_SUCCESS;
    }
    memcpy(to, from, size);
    return STATUS_SUCCESS;
}

NTSTATUS guest_write(struct guest_process *process, void *to, const void *from, size_t size,
                     const char *what)
{
    if (size == 0)
        return STATUS_SUCCESS;
    if ((uintptr_t)to < LOWEST_ADDRESS)
        return bad_pointer(to, size, what, "written");
    if (process->check_pointers) {
        struct iovec local = {(void *)from, size}, remote = {to, size};

        if (process_vm_writev(getpid(), &local, 1, &remote, 1, 0) != (ssize_t)size)
            return bad_pointer(to, size, what, "written");
        /* Once more, for tools that watch the program's memory and not the system call's. */
    }
    memcpy(to, from, size);
    return STATUS_SUCCESS;
}

NTSTATUS guest_read_tail(struct guest_process *process, struct guest_message *message,
                         const void *from, size_t size, const char *what)
{
    return guest_read(process, guest_message_reserve(message, size), from, size, what);
}

NTSTATUS guest_write_tail(struct guest_process *process, const struct wire_span *tail, void *to,
                          const char *what)
{
    return guest_write(process, to, tail->data, wire_span_bytes(tail), what);
}

NTSTATUS guest_check_count(const char *name, uint64_t count, uint64_t minimum, uint64_t maximum)
{
    if (count >= minimum && count <= maximum)
        return STATUS_SUCCESS;
    return d3dkmti_fail(STATUS_INVALID_PARAMETER, "%s is %llu, outside of %llu to %llu", name,
                        (unsigned long long)count, (unsigned long long)minimum,
                        (unsigned long long)maximum);
}

NTSTATUS guest_check_resource_or_list(D3DKMT_HANDLE resource, UINT count)
{
    if ((count == 0) != (resource == 0))
        return STATUS_SUCCESS;
    return d3dkmti_fail(
        STATUS_INVALID_PARAMETER,
        "give either hResource (0x%08x) or a list of allocations (AllocationCount %u)", resource,
        count);
}
