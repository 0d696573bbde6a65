/* SPDX-License-Identifier: MIT */
/* The IO space in this process: the host's memory behind a descriptor, wherever the host runs. */
#ifndef BACKEND_LOOPBACK_IO_SPACE_H
#define BACKEND_LOOPBACK_IO_SPACE_H

#include <d3dkmt/d3dkmthk.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Where the IO space seems to lie in the guest's physical memory. */
#define LOOPBACK_IO_START ((uint64_t)1 << 35)

/* Maps a part, which the engine has checked. STATUS_NO_MEMORY. */
NTSTATUS loopback_io_map(int io_space, uint64_t address, size_t size, bool writable,
                         void **mapping);

/* Members of struct transport_ops, the same for every transport. */
void loopback_io_unmap(void *transport, void *mapping, size_t size);
void loopback_io_release(void *transport);

#endif
