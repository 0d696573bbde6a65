/* SPDX-License-Identifier: MIT */
/* What the host keeps for descriptors: shared objects and sync files. */
#include "backend-loopback/remote_parts.h"

#include "core/memory.h"

#include <fcntl.h>
#include <string.h>

NTSTATUS remote_keep(void *context, const struct guest_kept *object, int *descriptor)
{
    struct remote_transport *transport = context;
    struct remote_keep body = {
        .kind = object->is_sync_file ? REMOTE_KEPT_SYNC_FILE : REMOTE_KEPT_OBJECT,
        .nt_handle = object->nt_handle,
        .process = object->process,
        .fence = object->fence,
        .value = object->value,
    };
    struct remote_outgoing out = {.type = REMOTE_KEEP,
                                  .body = &body,
                                  .body_size = sizeof(body),
                                  .tail = object->record,
                                  .tail_size = object->record_size};
    struct remote_packet packet;
    NTSTATUS status = STATUS_DEVICE_REMOVED;

    if (object->record_size > REMOTE_MESSAGE_LIMIT)
        return STATUS_INSUFFICIENT_RESOURCES;
    if (object->name)
        strncpy(body.name, object->name, sizeof(body.name) - 1);
    pthread_mutex_lock(&transport->request_mutex);
    if (remote_ask(transport, &out, &packet)) {
        status = ((const struct remote_answer *)packet.body)->status;
        *descriptor = NT_SUCCESS(status) ? remote_received_take(transport->answer) : -1;
        if (NT_SUCCESS(status) && *descriptor < 0)
            status = STATUS_INSUFFICIENT_RESOURCES; /* this process may open no more */
        remote_received_drop(transport->answer);
    }
    pthread_mutex_unlock(&transport->request_mutex);
    return status;
}

/* Copies what an answer says of a kept object. */
static NTSTATUS take_kept(const struct remote_packet *packet, struct guest_kept *kept)
{
    struct remote_kept what;

    if (packet->tail_size < sizeof(what))
        return STATUS_INVALID_PARAMETER;
    memcpy(&what, packet->tail, sizeof(what));
    kept->is_sync_file = what.kind == REMOTE_KEPT_SYNC_FILE;
    kept->nt_handle = what.nt_handle;
    kept->value = what.value;
    kept->record_size = packet->tail_size - sizeof(what);
    kept->record = d3dkmti_malloc(kept->record_size + 1);
    if (!kept->record)
        return STATUS_NO_MEMORY;
    memcpy(kept->record, packet->tail + sizeof(what), kept->record_size);
    return STATUS_SUCCESS;
}

NTSTATUS remote_look_up(void *context, int descriptor, struct guest_kept *kept)
{
    struct remote_transport *transport = context;
    struct remote_outgoing out = {.type = REMOTE_LOOK_UP, .files = &descriptor, .file_count = 1};
    struct remote_packet packet;
    NTSTATUS status = STATUS_DEVICE_REMOVED;

    if (fcntl(descriptor, F_GETFD) < 0) /* it could not be sent */
        return STATUS_INVALID_PARAMETER;
    pthread_mutex_lock(&transport->request_mutex);
    if (remote_ask(transport, &out, &packet)) {
        status = ((const struct remote_answer *)packet.body)->status;
        if (NT_SUCCESS(status))
            status = take_kept(&packet, kept);
        remote_received_drop(transport->answer);
    }
    pthread_mutex_unlock(&transport->request_mutex);
    return status;
}
