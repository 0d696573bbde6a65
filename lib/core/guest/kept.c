/* SPDX-License-Identifier: MIT */
/*
 * Shared objects and sync files that the host keeps for several processes: their records as bytes.
 * The bytes come back from other processes, so they are checked like a message of the host.
 */
#include "core/guest/sharing.h"
#include "core/last_error.h"
#include "core/memory.h"

#include <stdlib.h>
#include <string.h>

#define RECORD_MAGIC UINT32_C(0x4b443302)

/* Between processes, which may have different versions of the library: the magic changes with it.
 * Behind it: runtime data, resource data, allocations, their private data. */
struct record_head {
    uint32_t magic;
    uint32_t kind;      /* enum guest_shared_kind */
    uint32_t sync_type; /* of a synchronization object, as the next */
    uint32_t global_handle;
    uint32_t runtime_size, resource_size, private_size;
    uint32_t allocation_count;
    uint32_t adapter_luid_low; /* of a resource, as the next */
    int32_t adapter_luid_high;
};

struct record_allocation {
    uint64_t page_count;
    uint32_t private_size;
    uint32_t cached;
};

/* ---- encoding */

static unsigned char *put(unsigned char *to, const void *from, size_t size)
{
    if (size > 0)
        memcpy(to, from, size);
    return to + size;
}

void *guest_record_encode(const struct guest_shared *shared, size_t *size)
{
    struct record_head head = {
        .magic = RECORD_MAGIC,
        .kind = shared->kind,
        .sync_type = (uint32_t)shared->sync_type,
        .global_handle = shared->global_handle,
        .runtime_size = shared->runtime_size,
        .resource_size = shared->resource_size,
        .private_size = shared->private_size,
        .allocation_count = shared->allocation_count,
        .adapter_luid_low = (uint32_t)shared->adapter_luid.LowPart,
        .adapter_luid_high = (int32_t)shared->adapter_luid.HighPart,
    };

    *size = sizeof(head) + (size_t)head.runtime_size + head.resource_size + head.private_size +
            (size_t)head.allocation_count * sizeof(struct record_allocation);
    unsigned char *bytes = d3dkmti_malloc(*size);
    if (!bytes) {
        d3dkmti_fail(STATUS_NO_MEMORY, "no memory for a record of %zu bytes", *size);
        return NULL;
    }
    unsigned char *to = put(bytes, &head, sizeof(head));
    to = put(to, shared->runtime_data, head.runtime_size);
    to = put(to, shared->resource_data, head.resource_size);
    for (uint32_t i = 0; i < head.allocation_count; i++) {
        struct record_allocation allocation = {
            .page_count = shared->allocations[i].page_count,
            .private_size = shared->allocations[i].private_size,
            .cached = shared->allocations[i].cached,
        };
        to = put(to, &allocation, sizeof(allocation));
    }
    put(to, shared->private_data, head.private_size);
    return bytes;
}

/* ---- decoding */

/* The sizes add up, and to no more than there is. */
static bool check_head(const struct record_head *head, size_t size)
{
    uint64_t needed = sizeof(*head) + (uint64_t)head->runtime_size + head->resource_size +
                      head->private_size +
                      (uint64_t)head->allocation_count * sizeof(struct record_allocation);

    if (head->magic != RECORD_MAGIC || needed != size)
        return false;
    if (head->kind == GUEST_SHARED_SYNC_OBJECT)
        return size == sizeof(*head) && head->global_handle != 0;
    return head->kind == GUEST_SHARED_RESOURCE && head->global_handle == 0;
}

static void *copy(const unsigned char **from, size_t size, bool *failed)
{
    void *bytes = d3dkmti_malloc(size + 1);

    if (bytes && size > 0)
        memcpy(bytes, *from, size);
    *failed = *failed || !bytes;
    *from += size;
    return bytes;
}

/* The allocations' private data must be what there is of it. */
static bool take_allocations(struct guest_shared *shared, const unsigned char **from)
{
    uint64_t private_size = 0;
    bool valid = true;

    shared->allocations =
        d3dkmti_calloc((size_t)shared->allocation_count + 1, sizeof(*shared->allocations));
    if (!shared->allocations)
        return false;
    for (uint32_t i = 0; i < shared->allocation_count; i++) {
        struct record_allocation allocation;

        memcpy(&allocation, *from, sizeof(allocation));
        *from += sizeof(allocation);
        private_size += allocation.private_size;
        valid = valid && allocation.cached <= 1 && allocation.page_count <= UINT64_MAX >> 12;
        shared->allocations[i] = (struct guest_sealed_allocation){
            .private_size = allocation.private_size,
            .page_count = allocation.page_count,
            .cached = allocation.cached != 0,
        };
    }
    return valid && private_size == shared->private_size;
}

static bool take_resource(struct guest_shared *shared, const struct record_head *head,
                          const unsigned char *from)
{
    bool failed = false;

    shared->runtime_size = head->runtime_size;
    shared->resource_size = head->resource_size;
    shared->private_size = head->private_size;
    shared->allocation_count = head->allocation_count;
    shared->sealed = true;
    shared->runtime_data = copy(&from, head->runtime_size, &failed);
    shared->resource_data = copy(&from, head->resource_size, &failed);
    if (!take_allocations(shared, &from))
        return false;
    shared->private_data = copy(&from, head->private_size, &failed);
    return !failed;
}

struct guest_shared *guest_record_decode(struct guest_vm *vm, const void *bytes, size_t size)
{
    struct record_head head;

    if (size < sizeof(head))
        return NULL;
    memcpy(&head, bytes, sizeof(head));
    if (!check_head(&head, size))
        return NULL;
    struct guest_shared *shared = guest_shared_create(vm, (enum guest_shared_kind)head.kind);
    if (!shared)
        return NULL;
    shared->sync_type = (D3DDDI_SYNCHRONIZATIONOBJECT_TYPE)head.sync_type;
    shared->global_handle = head.global_handle;
    shared->adapter_luid =
        (LUID){.LowPart = head.adapter_luid_low, .HighPart = head.adapter_luid_high};
    if (head.kind == GUEST_SHARED_SYNC_OBJECT ||
        take_resource(shared, &head, (const unsigned char *)bytes + sizeof(head)))
        return shared;
    reference_release(&shared->reference);
    return NULL;
}

/* ---- the host's keeping */

/* The NT object is the host's if this succeeds. */
static NTSTATUS hand_over(struct guest_vm *vm, const struct guest_shared *shared,
                          struct guest_kept *object, int *descriptor)
{
    if (shared) {
        object->record = guest_record_encode(shared, &object->record_size);
        if (!object->record)
            return STATUS_NO_MEMORY;
    }
    NTSTATUS status = vm->ops->keep(vm->transport, object, descriptor);
    if (!NT_SUCCESS(status))
        d3dkmti_fail(status, "the host does not keep this %s with %zu bytes of data",
                     object->is_sync_file ? "sync file" : "shared object", object->record_size);
    free(object->record);
    return status;
}

NTSTATUS guest_kept_create(struct guest_process *process, struct guest_shared *shared,
                           D3DKMT_HANDLE handle, const struct guest_kept *sync_file,
                           int *descriptor)
{
    struct guest_kept object = sync_file ? *sync_file : (struct guest_kept){0};
    NTSTATUS status = STATUS_SUCCESS;

    if (shared)
        status = guest_shared_make_nt(shared, process, handle, &object.nt_handle);
    if (!NT_SUCCESS(status))
        return status;
    status = hand_over(process->vm, shared, &object, descriptor);
    if (!NT_SUCCESS(status) && shared) {
        d3dkmti_undo_begin();
        guest_shared_drop_nt(process->vm, object.nt_handle);
        d3dkmti_undo_end();
    }
    return status;
}

NTSTATUS guest_kept_find(struct guest_vm *vm, int descriptor, bool is_sync_file, bool *found,
                         struct guest_shared **result, uint64_t *value)
{
    struct guest_kept kept = {0};
    struct guest_shared *shared = NULL;
    NTSTATUS status = vm->ops->look_up(vm->transport, descriptor, &kept);

    *found = NT_SUCCESS(status) && kept.is_sync_file == is_sync_file;
    if (*found && kept.record_size > 0)
        shared = guest_record_decode(vm, kept.record, kept.record_size);
    if (shared)
        shared->nt_handle = kept.nt_handle;
    if (value)
        *value = kept.value;
    free(kept.record);
    *result = shared;
    if (status != STATUS_DEVICE_REMOVED)
        return STATUS_SUCCESS;
    return d3dkmti_fail(status, "the host that keeps shared objects and sync files is gone");
}
