/* SPDX-License-Identifier: MIT */
/* What outlives its guest: adopted NT objects, and waits for fences that belong to nobody. */
#include <stdlib.h>

#include "backend-loopback/gpu/wait.h"
#include "backend-loopback/host/objects.h"

NTSTATUS host_shared_adopt(struct host_guest *guest, uint32_t nt_handle)
{
    struct host_table *globals = &guest->host->globals;
    struct host_object *shared = host_table_find(globals, nt_handle, HOST_KIND_SHARED_OBJECT);
    bool own = shared && host_table_disown(globals, shared, &guest->object);
    host_object_release(shared);
    return own ? STATUS_SUCCESS : STATUS_INVALID_PARAMETER;
}

void host_shared_drop(struct host *host, uint32_t nt_handle)
{
    struct host_object *shared =
        host_table_find(&host->globals, nt_handle, HOST_KIND_SHARED_OBJECT);
    if (!shared)
        return;
    host_objects_release(host_table_collect(&host->globals, shared));
    host_object_release(shared);
}

/* ---- waits */

struct host_fence_wait {
    struct gpu_wait_group *group; /* of this wait alone: it is what can be ended */
    void (*done)(void *context);
    void *context;
};

/* An object that goes ends the wait as a signal does: nobody is to wait on. */
static void call_done(void *context, enum gpu_wait_result result)
{
    struct host_fence_wait *wait = context;
    (void)result;
    wait->done(wait->context);
}

static struct host_sync *find_fence(struct host_guest *guest, uint32_t process, uint32_t fence)
{
    struct host_object *owner = host_table_find(&guest->host->globals, process, HOST_KIND_PROCESS);
    struct host_sync *sync = NULL;
    if (owner && owner->owner == &guest->object)
        sync = (void *)host_table_find(&((struct host_process *)(void *)owner)->table, fence,
                                       HOST_KIND_SYNC);
    host_object_release(owner);
    return sync;
}

NTSTATUS host_fence_wait_begin(struct host_guest *guest, uint32_t process, uint32_t fence,
                               uint64_t value, void (*done)(void *context), void *context,
                               struct host_fence_wait **result)
{
    struct host_sync *sync = find_fence(guest, process, fence);
    if (!sync)
        return STATUS_INVALID_PARAMETER;
    struct host_fence_wait *wait = malloc(sizeof(*wait));
    NTSTATUS status = wait ? STATUS_SUCCESS : STATUS_NO_MEMORY;
    if (NT_SUCCESS(status))
        status = gpu_wait_group_create(guest->host->machine, 1, &wait->group);
    if (NT_SUCCESS(status)) {
        wait->done = done;
        wait->context = context;
        status = sync->fence ? gpu_wait_register(wait->group, 1, &sync->fence, &value, false,
                                                 call_done, wait)
                             : STATUS_INVALID_PARAMETER;
        if (!NT_SUCCESS(status))
            gpu_wait_group_destroy(wait->group);
    }
    host_object_release(&sync->object);
    if (!NT_SUCCESS(status)) {
        free(wait);
        return status;
    }
    *result = wait;
    return STATUS_SUCCESS;
}

void host_fence_wait_end(struct host_fence_wait *wait)
{
    if (!wait)
        return;
    gpu_wait_group_destroy(wait->group);
    free(wait);
}
