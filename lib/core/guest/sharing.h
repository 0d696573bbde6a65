/* SPDX-License-Identifier: MIT */
/*
 * Shared objects: what outlives the handle of the process that made them.
 *
 * A record is held by every object that is attached to it (the creator's and every opened one), by
 * the set of its NT handles, which are descriptors, and by its sync files. The host's NT object
 * exists while a descriptor or a sync file does.
 */
#ifndef CORE_GUEST_SHARING_H
#define CORE_GUEST_SHARING_H

#include "core/guest/process.h"

enum guest_shared_kind { GUEST_SHARED_RESOURCE, GUEST_SHARED_SYNC_OBJECT };

/* One allocation of a sealed resource, as those who open it get to know it. */
struct guest_sealed_allocation {
    uint32_t private_size;
    uint64_t page_count;
    bool cached;
};

struct guest_shared {
    struct reference reference;
    struct guest_vm *vm;
    enum guest_shared_kind kind;
    pthread_mutex_t mutex; /* guards the rest, and orders messages about the NT object */
    uint32_t nt_handle;    /* the host's NT object, while nt_count > 0 */
    unsigned nt_count;     /* descriptors and sync files */

    /* Of a synchronization object: */
    D3DDDI_SYNCHRONIZATIONOBJECT_TYPE sync_type;
    uint32_t global_handle;

    /* Of a resource: its adapter, what was given at its creation, and once sealed its allocations.
     */
    LUID adapter_luid;
    void *runtime_data, *resource_data;
    uint32_t runtime_size, resource_size;
    bool sealed;
    uint32_t allocation_count;
    struct guest_sealed_allocation *allocations;
    void *private_data; /* of all allocations, one behind the other */
    uint32_t private_size;
};

/* A record with one reference; NULL, explained, without memory. */
struct guest_shared *guest_shared_create(struct guest_vm *vm, enum guest_shared_kind kind);

/*
 * Counts a user of the host's NT object, which is made for the first. object: the handle of the
 * calling process. STATUS_UNSUCCESSFUL when the host makes none. Explained.
 */
NTSTATUS guest_shared_get_nt(struct guest_shared *shared, struct guest_process *process,
                             D3DKMT_HANDLE object);

/* Ends a guest_shared_get_nt; the last one destroys the host's NT object. */
void guest_shared_put_nt(struct guest_shared *shared);

/* Freezes a resource's allocations in its record, if that has not been done yet. */
NTSTATUS guest_resource_seal(struct guest_resource *resource);

/* Makes an NT object for a handle of the calling process, which nobody counts. Explained. */
NTSTATUS guest_shared_make_nt(struct guest_shared *shared, struct guest_process *process,
                              D3DKMT_HANDLE object, uint32_t *nt_handle);
void guest_shared_drop_nt(struct guest_vm *vm, uint32_t nt_handle);

/* ---- what the host keeps (transport_ops.keep); kept.c */

/* The record as bytes from malloc, and back. NULL, explained, without memory. */
void *guest_record_encode(const struct guest_shared *shared, size_t *size);
/* Other processes write these bytes. NULL: malformed, or no memory. vm may be NULL in tests. */
struct guest_shared *guest_record_decode(struct guest_vm *vm, const void *bytes, size_t size);

/*
 * A descriptor that the host keeps. shared: the record of the object with this handle, sealed if it
 * is a resource; NULL for a sync file of a fence that is not shared. sync_file: the rest of a sync
 * file, or NULL for the object itself. Explained.
 */
NTSTATUS guest_kept_create(struct guest_process *process, struct guest_shared *shared,
                           D3DKMT_HANDLE handle, const struct guest_kept *sync_file,
                           int *descriptor);

/*
 * The record behind a descriptor that the host keeps, which is the caller's alone, or NULL. *found:
 * whether the descriptor is of that kind at all; a sync file may be without a record. value: of a
 * sync file, else NULL. STATUS_DEVICE_REMOVED, explained, when nobody is there to tell.
 */
NTSTATUS guest_kept_find(struct guest_vm *vm, int descriptor, bool is_sync_file, bool *found,
                         struct guest_shared **result, uint64_t *value);

/* ---- descriptors */

struct guest_descriptors;

/*
 * A new descriptor that stands for the record, close-on-exec. STATUS_UNSUCCESSFUL, explained, when
 * there is none to be had.
 */
NTSTATUS guest_descriptor_create(struct guest_vm *vm, struct guest_shared *shared, int *descriptor);

/*
 * Hands a guest_shared_get_nt over to a descriptor: it ends when the last duplicate of the
 * descriptor, in any process, is closed.
 */
void guest_descriptor_count(struct guest_vm *vm, int descriptor);

/*
 * The record behind a descriptor, referenced. STATUS_INVALID_PARAMETER if there is none, explained
 * with the argument's name, STATUS_DEVICE_REMOVED when the host that keeps it is gone; *result is
 * then NULL.
 */
NTSTATUS guest_descriptor_find(struct guest_vm *vm, int descriptor, enum guest_shared_kind kind,
                               const char *argument, struct guest_shared **result);

/*
 * Takes a pair of sync_pair_create over as a sync file: from now on closing its program's end,
 * ends[0], ends all of it, as guest_descriptor_count completes it. *event: what the host is to
 * signal. process, adapter: those whose end (guest_events_cancel) signals the file with an error.
 * shared: the fence's record, or NULL. On failure, which is explained, both ends are still the
 * caller's.
 */
NTSTATUS guest_descriptor_enter_sync_file(struct guest_vm *vm, const int ends[2],
                                          struct guest_shared *shared, uint64_t value,
                                          const void *process, const void *adapter,
                                          uint64_t *event);

/*
 * The shared record of a sync file's fence, referenced, and the value that it stands for. As
 * guest_descriptor_find for anything else, and if the fence is not shared.
 */
NTSTATUS guest_descriptor_find_sync_file(struct guest_vm *vm, int descriptor,
                                         struct guest_shared **result, uint64_t *value);

/* Ends the watch over descriptors, which from now on stand for nothing. */
void guest_descriptors_stop(struct guest_vm *vm);

#endif
