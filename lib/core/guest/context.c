/* SPDX-License-Identifier: MIT */
/* Contexts. */
#include "core/guest/call.h"
#include "core/guest/message.h"
#include "core/last_error.h"

#include <string.h>

static void free_context(struct reference *reference)
{
    struct guest_context *context = (struct guest_context *)reference;

    guest_object_free(&context->object, &context->object.process->context_pool);
}

/* handle: as the caller spelt it; the instance bits are the host's business. */
static NTSTATUS send_destroy(struct guest_context *context, D3DKMT_HANDLE handle)
{
    struct guest_process *process = context->object.process;

    return guest_message_send_handle(process->vm, guest_device_adapter(context->object.device),
                                     process->host_handle, WIRE_VGPU_DESTROYCONTEXT, handle);
}

static void undo_create(struct guest_context *context)
{
    d3dkmti_undo_begin();
    (void)send_destroy(context, context->object.handle);
    d3dkmti_undo_end();
}

/* ---- create */

/* The host answers with the command itself, context and private data filled in. */
static NTSTATUS send_create(struct guest_context *context, const D3DKMT_CREATECONTEXTVIRTUAL *args)
{
    struct guest_process *process = context->object.process;
    UINT size = args->PrivateDriverDataSize;
    struct guest_message message;
    struct wire_createcontextvirtual *command =
        guest_message_begin(&message, process->vm, guest_device_adapter(context->object.device),
                            process->host_handle, WIRE_VGPU_CREATECONTEXTVIRTUAL, size);

    if (!command)
        return STATUS_NO_MEMORY;
    command->device = args->hDevice;
    command->node_ordinal = args->NodeOrdinal;
    command->engine_affinity = args->EngineAffinity;
    command->flags = args->Flags.Value;
    command->client_hint = args->ClientHint;
    command->priv_drv_data_size = size;
    NTSTATUS status =
        guest_read_tail(process, &message, args->pPrivateDriverData, size, "pPrivateDriverData");
    if (NT_SUCCESS(status))
        status = guest_message_exchange(&message);
    if (NT_SUCCESS(status)) {
        const struct wire_createcontextvirtual *answer = (const void *)message.reply.bytes;

        context->object.handle = answer->context;
        if (answer->context == 0)
            status = d3dkmti_fail(STATUS_INVALID_PARAMETER,
                                  "the host made no context on node %u; look at NodeOrdinal, Flags "
                                  "and the private data",
                                  args->NodeOrdinal);
    }
    if (NT_SUCCESS(status)) {
        status = guest_write(process, args->pPrivateDriverData,
                             message.reply.tails[WIRE_TAIL_CREATECONTEXTVIRTUAL_PRIV_DRV_DATA].data,
                             size, "pPrivateDriverData");
        if (!NT_SUCCESS(status))
            undo_create(context);
    }
    guest_message_end(&message);
    /* As from the kernel, where pointers and the host's answers fail a context alike. */
    if (status == STATUS_UNSUCCESSFUL || status == STATUS_BUFFER_TOO_SMALL)
        return d3dkmti_fail_as(STATUS_INVALID_PARAMETER);
    return status;
}

/* Makes the context known, or undoes it on the host. */
static NTSTATUS publish(struct guest_context *context, D3DKMT_CREATECONTEXTVIRTUAL *caller)
{
    struct guest_process *process = context->object.process;
    struct handle_insertion insertion = {context->object.handle, HANDLE_TYPE_CONTEXT, context};
    NTSTATUS status = GUEST_WRITE(process, caller->hContext, context->object.handle);

    if (NT_SUCCESS(status))
        status = guest_child_publish(&context->object, &insertion, 1);
    if (!NT_SUCCESS(status))
        undo_create(context);
    return status;
}

NTSTATUS guest_create_context_virtual(struct guest_process *process,
                                      const D3DKMT_CREATECONTEXTVIRTUAL *args,
                                      D3DKMT_CREATECONTEXTVIRTUAL *caller)
{
    struct guest_device *device = guest_device_acquire(process, args->hDevice, "hDevice");

    if (!device)
        return STATUS_INVALID_PARAMETER;
    struct guest_context *context = NULL;
    NTSTATUS status = guest_device_check_active(device);
    if (!NT_SUCCESS(status))
        goto out;
    status = guest_check_count("PrivateDriverDataSize", args->PrivateDriverDataSize, 0,
                               GUEST_PRIVATE_DATA_MAX);
    if (!NT_SUCCESS(status))
        goto out;
    context = guest_object_create(process, &process->context_pool, HANDLE_TYPE_CONTEXT, device,
                                  free_context);
    status = context ? send_create(context, args) : STATUS_NO_MEMORY;
    if (NT_SUCCESS(status))
        status = publish(context, caller);
    if (!NT_SUCCESS(status))
        guest_object_release(context);
out:
    guest_object_release(device);
    return status;
}

/* ---- destroy */

/* The next hardware queue of the context, referenced; NULL when there is none left. */
static struct guest_hw_queue *take_hw_queue(struct guest_context *context)
{
    struct guest_process *process = context->object.process;
    struct guest_object *child;

    pthread_mutex_lock(&process->mutex);
    for (child = context->object.device->children.first; child; child = child->next) {
        if (child->type == HANDLE_TYPE_HW_QUEUE &&
            ((struct guest_hw_queue *)child)->context == context) {
            reference_acquire(&child->reference);
            break;
        }
    }
    pthread_mutex_unlock(&process->mutex);
    return (struct guest_hw_queue *)child;
}

/* The queues' handles go before the host hears of it: it may give their values to others at once.
 */
static void drop_hw_queues(struct guest_context *context)
{
    struct guest_hw_queue *queue;

    while ((queue = take_hw_queue(context)) != NULL) {
        guest_hw_queue_drop(queue);
        guest_object_release(queue);
    }
}

void guest_context_drop(struct guest_context *context)
{
    if (guest_child_withdraw(&context->object))
        guest_object_release(context);
}

NTSTATUS guest_destroy_context(struct guest_process *process, const D3DKMT_DESTROYCONTEXT *args,
                               D3DKMT_DESTROYCONTEXT *caller)
{
    (void)caller;
    struct guest_context *context =
        guest_child_acquire(process, args->hContext, HANDLE_TYPE_CONTEXT, "hContext");
    NTSTATUS status = STATUS_INVALID_PARAMETER;

    if (!context)
        return status;
    if (guest_child_withdraw(&context->object)) {
        drop_hw_queues(context);
        status = guest_adapter_check_active(guest_device_adapter(context->object.device));
        if (NT_SUCCESS(status))
            status = send_destroy(context, args->hContext);
        guest_object_release(context); /* the table's reference */
    }
    guest_object_release(context);
    return status;
}
