/* SPDX-License-Identifier: MIT */
#ifndef BACKEND_LOOPBACK_IO_START_H
#define BACKEND_LOOPBACK_IO_START_H

/* Where the IO space seems to lie in the guest's physical memory. */
#define LOOPBACK_IO_START ((uint64_t)1 << 35)

#endif
