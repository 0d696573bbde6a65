/* SPDX-License-Identifier: MIT */
/* The records of shared objects: data, the host's NT object, sealing. */
#include "core/guest/message.h"
#include "core/guest/sharing.h"
#include "core/last_error.h"
#include "core/memory.h"

#include <stdlib.h>
#include <string.h>

static void free_shared(struct reference *reference)
{
    struct guest_shared *shared = (struct guest_shared *)reference;

    free(shared->runtime_data);
    free(shared->resource_data);
    free(shared->allocations);
    free(shared->private_data);
    pthread_mutex_destroy(&shared->mutex);
    free(shared);
}

struct guest_shared *guest_shared_create(struct guest_vm *vm, enum guest_shared_kind kind)
{
    struct guest_shared *shared = d3dkmti_calloc(1, sizeof(*shared));

    if (!shared) {
        d3dkmti_fail(STATUS_NO_MEMORY, "no memory for the record of a shared object");
        return NULL;
    }
    reference_init(&shared->reference, free_shared);
    pthread_mutex_init(&shared->mutex, NULL);
    shared->vm = vm;
    shared->kind = kind;
    return shared;
}

/* ---- the host's NT object */

NTSTATUS guest_shared_make_nt(struct guest_shared *shared, struct guest_process *process,
                              D3DKMT_HANDLE object, uint32_t *nt_handle)
{
    struct guest_message message;

    if (shared->vm->global != GUEST_GLOBAL_OPEN)
        return d3dkmti_fail(STATUS_DEVICE_REMOVED, "the global channel to the host is gone");
    struct wire_createntsharedobject *command = guest_message_begin(
        &message, shared->vm, NULL, process->host_handle, WIRE_GLOBAL_CREATENTSHAREDOBJECT, 0);
    if (!command)
        return STATUS_NO_MEMORY;
    command->object = object;
    NTSTATUS status = guest_message_exchange(&message);
    if (NT_SUCCESS(status)) {
        *nt_handle =
            ((const struct wire_createntsharedobject_reply *)message.reply.bytes)->shared_handle;
        if (*nt_handle == 0)
            status =
                d3dkmti_fail(STATUS_UNSUCCESSFUL, "the host made no NT object for 0x%08x", object);
    }
    guest_message_end(&message);
    return status;
}

NTSTATUS guest_shared_get_nt(struct guest_shared *shared, struct guest_process *process,
                             D3DKMT_HANDLE object)
{
    NTSTATUS status = STATUS_SUCCESS;

    pthread_mutex_lock(&shared->mutex);
    if (shared->nt_count == 0)
        status = guest_shared_make_nt(shared, process, object, &shared->nt_handle);
    if (NT_SUCCESS(status))
        shared->nt_count++;
    pthread_mutex_unlock(&shared->mutex);
    return status;
}

void guest_shared_drop_nt(struct guest_vm *vm, uint32_t nt_handle)
{
    if (vm->global == GUEST_GLOBAL_OPEN)
        (void)guest_message_send_handle(vm, NULL, 0, WIRE_GLOBAL_DESTROYNTSHAREDOBJECT, nt_handle);
}

void guest_shared_put_nt(struct guest_shared *shared)
{
    pthread_mutex_lock(&shared->mutex);
    if (--shared->nt_count == 0) {
        guest_shared_drop_nt(shared->vm, shared->nt_handle);
        shared->nt_handle = 0;
    }
    pthread_mutex_unlock(&shared->mutex);
}

/* ---- sealing */

/* Fills in what was counted; under the mutexes of process and record. */
static void copy_allocations(struct guest_shared *shared, const struct guest_object_list *list)
{
    unsigned char *data = shared->private_data;
    uint32_t index = 0;

    for (struct guest_object *object = list->first; object; object = object->next) {
        struct guest_allocation *allocation = (struct guest_allocation *)object;

        shared->allocations[index++] = (struct guest_sealed_allocation){
            .private_size = allocation->kept_size,
            .page_count = allocation->page_count,
            .cached = allocation->cached,
        };
        if (allocation->kept_size > 0)
            memcpy(data, allocation->kept_data, allocation->kept_size);
        data += allocation->kept_size;
        free(allocation->kept_data);
        allocation->kept_data = NULL;
    }
}

static NTSTATUS seal(struct guest_shared *shared, const struct guest_object_list *list)
{
    uint32_t count = 0, size = 0;

    for (struct guest_object *object = list->first; object; object = object->next) {
        count++;
        if (__builtin_add_overflow(size, ((struct guest_allocation *)object)->kept_size, &size))
            return d3dkmti_fail(STATUS_INVALID_PARAMETER,
                                "the resource's private data exceed 4 GiB");
    }
    shared->allocations = d3dkmti_calloc(count + 1, sizeof(*shared->allocations));
    shared->private_data = d3dkmti_malloc((size_t)size + 1);
    if (!shared->allocations || !shared->private_data) {
        free(shared->allocations);
        free(shared->private_data);
        shared->allocations = NULL;
        shared->private_data = NULL;
        return d3dkmti_fail(STATUS_NO_MEMORY, "no memory to seal %u allocations", count);
    }
    shared->allocation_count = count;
    shared->private_size = size;
    shared->sealed = true;
    copy_allocations(shared, list);
    return STATUS_SUCCESS;
}

NTSTATUS guest_resource_seal(struct guest_resource *resource)
{
    struct guest_process *process = resource->object.process;
    struct guest_shared *shared = resource->shared;
    NTSTATUS status = STATUS_SUCCESS;

    pthread_mutex_lock(&process->mutex);
    pthread_mutex_lock(&shared->mutex);
    if (!shared->sealed)
        status = seal(shared, &resource->allocations);
    pthread_mutex_unlock(&shared->mutex);
    pthread_mutex_unlock(&process->mutex);
    return status;
}
