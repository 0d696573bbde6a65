/* SPDX-License-Identifier: MIT */
/*
 * What descriptors stand for. The keeper makes a pair of sockets for each shared object and each
 * sync file, keeps one end and what the object is, and gives the other end away. It learns from its
 * end when the last duplicate of the other is closed, in whatever process, and lets go; the guest
 * that shared the object may be gone by then. A descriptor that a guest sends back is recognised by
 * its inode, which nobody can choose.
 */
#ifndef BACKEND_LOOPBACK_HOSTD_KEEPER_H
#define BACKEND_LOOPBACK_HOSTD_KEEPER_H

#include "backend-loopback/host/host.h"
#include "backend-loopback/remote/frame.h"

struct keeper;

/* NULL: no resources. */
struct keeper *keeper_create(struct host *host);
void keeper_destroy(struct keeper *keeper);

/*
 * Keeps an object for a guest; the record is copied. *descriptor is the caller's to close, after
 * it has been sent. STATUS_INVALID_PARAMETER, STATUS_INSUFFICIENT_RESOURCES, STATUS_NO_MEMORY.
 */
NTSTATUS keeper_keep(struct keeper *keeper, struct host_guest *guest,
                     const struct remote_keep *wanted, const void *record, size_t record_size,
                     int *descriptor);

/*
 * What a descriptor stands for: a struct remote_kept and the record, from malloc.
 * STATUS_INVALID_PARAMETER when it is none of the keeper's, STATUS_NO_MEMORY.
 */
NTSTATUS keeper_look_up(struct keeper *keeper, int descriptor, void **kept, size_t *size);

uint32_t keeper_count(struct keeper *keeper);

#endif
