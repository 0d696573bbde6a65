/* SPDX-License-Identifier: MIT */
/* What waiting for synchronization objects and sync files share. */
#ifndef CORE_GUEST_WAIT_H
#define CORE_GUEST_WAIT_H

#include "core/guest/process.h"

/*
 * Queues a GPU wait on a context or hardware queue (its handle as the caller spelt it). handles and
 * values: the engine's copies. legacy: no monitored fences.
 */
NTSTATUS guest_wait_queue(struct guest_process *process, struct guest_adapter *adapter,
                          D3DKMT_HANDLE queue, const D3DKMT_HANDLE *handles, const uint64_t *values,
                          UINT count, bool legacy);

/*
 * Asks the host to signal an event when the objects of args have their values; the event is entered
 * before. Returns at once.
 */
NTSTATUS guest_wait_arm(struct guest_process *process, struct guest_device *device,
                        const D3DKMT_WAITFORSYNCHRONIZATIONOBJECTFROMCPU *args, uint64_t event);

#endif
