/* SPDX-License-Identifier: MIT */
#include "backend-vmbus-uio/guest_memory.h"

#include "backend-vmbus-uio/files.h"
#include "core/guest/memory.h"
#include "core/last_error.h"
#include "core/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/io_uring.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#define FRAME_SIZE      ((uint64_t)4096) /* of page numbers as hosts count them */
#define PAGEMAP_PRESENT (UINT64_C(1) << 63)
#define PAGEMAP_FRAME   ((UINT64_C(1) << 55) - 1)
#define MOST_BUFFER     ((size_t)1 << 30) /* of one fixed buffer */
#define MOST_BUFFERS    1024u
#define ENTRIES_AT_ONCE 512u

struct pinned {
    int ring;
    bool fork_spared;
};

static NTSTATUS no_page_numbers(const char *path, int error)
{
    return d3dkmti_fail(STATUS_NOT_SUPPORTED,
                        "pSystemMem: the host needs page numbers, which %s does not show (%s): "
                        "that takes CAP_SYS_ADMIN; leave pSystemMem NULL and lock the allocation",
                        path, error ? strerror(error) : "they read as 0");
}

/* ---- page numbers */

/* Kernels with larger pages number those. */
static NTSTATUS translate(const uint64_t *entries, size_t page_size, uint64_t first_frame,
                          uint32_t count, uint64_t *frames, const char *path)
{
    uint64_t per_page = page_size / FRAME_SIZE, first_page = first_frame / per_page;

    for (uint32_t i = 0; i < count; i++) {
        uint64_t frame = first_frame + i;
        uint64_t entry = entries[frame / per_page - first_page];

        if (!(entry & PAGEMAP_PRESENT) || !(entry & PAGEMAP_FRAME))
            return no_page_numbers(path, 0);
        frames[i] = (entry & PAGEMAP_FRAME) * per_page + frame % per_page;
    }
    return STATUS_SUCCESS;
}

/* Numbers of the 4096-byte pages from an address on. */
static NTSTATUS read_frames(const char *root, uintptr_t address, uint64_t count, uint64_t *frames)
{
    size_t page_size = (size_t)sysconf(_SC_PAGESIZE);
    uint64_t entries[ENTRIES_AT_ONCE], frame = address / FRAME_SIZE;
    char path[VMBUS_PATH_MAX];
    NTSTATUS status = STATUS_SUCCESS;

    if (!vmbus_path(path, root, "/proc/self/pagemap"))
        return no_page_numbers("pagemap", ENAMETOOLONG);
    int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0)
        return no_page_numbers(path, errno);
    while (count > 0 && NT_SUCCESS(status)) {
        uint64_t page = frame * FRAME_SIZE / page_size;
        uint32_t part = count < ENTRIES_AT_ONCE ? (uint32_t)count : ENTRIES_AT_ONCE;
        size_t size = ((frame + part - 1) * FRAME_SIZE / page_size - page + 1) * sizeof(entries[0]);
        ssize_t got = pread(file, entries, size, (off_t)(page * sizeof(entries[0])));

        status = got == (ssize_t)size ? translate(entries, page_size, frame, part, frames, path)
                                      : no_page_numbers(path, got < 0 ? errno : 0);
        frames += part;
        frame += part;
        count -= part;
    }
    close(file);
    return status;
}

NTSTATUS vmbus_guest_memory_frames(const char *root, const struct guest_pin *pin,
                                   uint64_t first_page, uint32_t count, uint64_t *frames)
{
    return read_frames(root, (uintptr_t)pin->address + first_page * FRAME_SIZE, count, frames);
}

/* ---- pins */

static NTSTATUS no_pin(int error)
{
    return d3dkmti_fail(
        STATUS_NOT_SUPPORTED,
        "pSystemMem: nothing keeps the pages in place for the host: io_uring refuses them (%s); "
        "kernel.io_uring_disabled, a container's seccomp filter, RLIMIT_MEMLOCK or memory that "
        "belongs to a file can be the reason",
        strerror(error));
}

static int open_ring(void)
{
    struct io_uring_params parameters;

    memset(&parameters, 0, sizeof(parameters));
    return (int)syscall(SYS_io_uring_setup, 1, &parameters); /* close-on-exec by itself */
}

static int register_buffers(int ring, const struct guest_pin *pin)
{
    size_t count = (pin->size + MOST_BUFFER - 1) / MOST_BUFFER;
    struct iovec *pieces = count <= MOST_BUFFERS ? d3dkmti_calloc(count, sizeof(*pieces)) : NULL;

    if (!pieces)
        return ENOMEM;
    for (size_t i = 0; i < count; i++) {
        size_t left = pin->size - i * MOST_BUFFER;

        pieces[i].iov_base = (char *)(uintptr_t)pin->address + i * MOST_BUFFER;
        pieces[i].iov_len = left < MOST_BUFFER ? left : MOST_BUFFER;
    }
    long result =
        syscall(SYS_io_uring_register, ring, IORING_REGISTER_BUFFERS, pieces, (unsigned)count);
    int error = result < 0 ? errno : 0;
    free(pieces);
    return error;
}

NTSTATUS vmbus_guest_memory_pin(const char *root, struct guest_pin *pin)
{
    struct pinned *pinned;
    uint64_t frame;

    if (!d3dkmti_guest_populate(pin->address, pin->size, pin->writable))
        return STATUS_INVALID_PARAMETER;
    pinned = d3dkmti_malloc(sizeof(*pinned));
    if (!pinned)
        return STATUS_NO_MEMORY;
    pinned->ring = open_ring();
    int error = pinned->ring < 0 ? errno : register_buffers(pinned->ring, pin);
    NTSTATUS status = error ? no_pin(error) : STATUS_SUCCESS;
    /* Only now: being pinned may have moved them. */
    if (NT_SUCCESS(status))
        status = read_frames(root, (uintptr_t)pin->address, 1, &frame);
    if (!NT_SUCCESS(status)) {
        if (pinned->ring >= 0)
            close(pinned->ring);
        free(pinned);
        return status;
    }
    /* A child's first write would give this process other pages than the host has. */
    pinned->fork_spared = madvise((void *)pin->address, pin->size, MADV_DONTFORK) == 0;
    pin->token = pinned;
    return STATUS_SUCCESS;
}

void vmbus_guest_memory_unpin(struct guest_pin *pin)
{
    struct pinned *pinned = pin->token;

    if (pinned->fork_spared)
        (void)madvise((void *)pin->address, pin->size, MADV_DOFORK);
    close(pinned->ring);
    free(pinned);
}
