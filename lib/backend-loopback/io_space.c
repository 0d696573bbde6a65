/* SPDX-License-Identifier: MIT */
#include "backend-loopback/io_space.h"

#include <sys/mman.h>

NTSTATUS loopback_io_map(int io_space, uint64_t address, size_t size, bool writable, void **mapping)
{
    void *mapped = mmap(NULL, size, writable ? PROT_READ | PROT_WRITE : PROT_READ, MAP_SHARED,
                        io_space, (off_t)(address - LOOPBACK_IO_START));

    if (mapped == MAP_FAILED)
        return STATUS_NO_MEMORY;
    *mapping = mapped;
    return STATUS_SUCCESS;
}

void loopback_io_unmap(void *transport, void *mapping, size_t size)
{
    (void)transport;
    munmap(mapping, size);
}

void loopback_io_release(void *transport)
{
    (void)transport; /* only addresses were reserved */
}
