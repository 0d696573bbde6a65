/* SPDX-License-Identifier: MIT */
/* What the files that make synchronization objects share. */
#ifndef CORE_GUEST_SYNC_OBJECT_H
#define CORE_GUEST_SYNC_OBJECT_H

#include "core/guest/process.h"

enum { GUEST_FENCE_PAGE_SIZE = 4096 };

/* An object without handle yet, attached to a record if it is shared; NULL, explained. */
struct guest_sync_object *guest_sync_object_make(struct guest_device *device,
                                                 D3DDDI_SYNCHRONIZATIONOBJECT_TYPE type,
                                                 struct guest_shared *shared);

/*
 * Ends what guest_sync_object_open began. After success so far (status): enters the handle and puts
 * the object into the list of whoever it dies with. After failure, or if that fails: destroys it,
 * here and on the host. Returns the status of the whole.
 */
NTSTATUS guest_sync_object_publish_or_undo(struct guest_sync_object *opened, NTSTATUS status);

/* handle: as the caller spelt it; the instance bits are its own. */
NTSTATUS guest_sync_object_send_destroy(struct guest_sync_object *sync_object,
                                        D3DKMT_HANDLE handle);

/*
 * Opens a shared synchronization object under a device (its handle as the caller spelt it): sends
 * OPENSYNCOBJECT, maps the fence page of a monitored one. fence_gpu_address NULL: no page is
 * wanted. The object has its handle but is not published; either
 * guest_sync_object_publish_or_undo follows, or guest_sync_object_send_destroy and
 * guest_object_release.
 */
NTSTATUS guest_sync_object_open(struct guest_device *device, D3DKMT_HANDLE device_handle,
                                struct guest_shared *shared, uint32_t flags,
                                uint32_t engine_affinity, struct guest_sync_object **opened,
                                uint64_t *fence_gpu_address);

#endif
