/* SPDX-License-Identifier: MIT */
/* Where guest and host share memory: locked allocations, and guest pages lent to allocations. */
#include <stdlib.h>

#include "backend-loopback/host/command.h"

/* ---- locks */

NTSTATUS host_lock2(struct host_call *call, const void *command, void *reply)
{
    const struct wire_lock2 *lock = command;
    struct wire_lock2_reply *result = reply;
    uint64_t offset;
    struct host_allocation *allocation = host_find_allocation(call, lock->args.allocation);
    if (!allocation)
        return STATUS_INVALID_PARAMETER;
    NTSTATUS status = STATUS_INVALID_PARAMETER;
    if (allocation->device->object.handle == lock->args.device)
        status = gpu_allocation_lock(allocation->gpu, &offset);
    if (NT_SUCCESS(status) &&
        !host_io_space_address(call->guest, offset, gpu_allocation_size(allocation->gpu),
                               &result->cpu_visible_buffer_offset)) {
        gpu_allocation_unlock(allocation->gpu, 1);
        status = STATUS_GRAPHICS_CANT_LOCK_MEMORY;
    }
    if (NT_SUCCESS(status))
        atomic_fetch_add(&allocation->locks, 1);
    host_object_release(&allocation->object);
    return status;
}

/* Guests unlock allocations of system memory that they never locked here, because those need no
 * lock. */
static NTSTATUS unlock(struct host_allocation *allocation)
{
    uint32_t locks = atomic_load(&allocation->locks);
    if (allocation->system_memory)
        return STATUS_SUCCESS;
    do {
        if (locks == 0)
            return STATUS_INVALID_PARAMETER;
    } while (!atomic_compare_exchange_weak(&allocation->locks, &locks, locks - 1));
    gpu_allocation_unlock(allocation->gpu, 1);
    return STATUS_SUCCESS;
}

void host_allocation_destroy(struct host_object *object)
{
    struct host_allocation *allocation = (struct host_allocation *)(void *)object;
    gpu_allocation_unlock(allocation->gpu, atomic_load(&allocation->locks));
    gpu_allocation_release(allocation->gpu);
}

NTSTATUS host_unlock2(struct host_call *call, const void *command, void *reply)
{
    const struct wire_unlock2 *request = command;
    (void)reply;
    struct host_allocation *allocation = host_find_allocation(call, request->args.allocation);
    if (!allocation)
        return STATUS_INVALID_PARAMETER;
    NTSTATUS status = unlock(allocation);
    host_object_release(&allocation->object);
    return status;
}

/* The simulated GPU is coherent with the CPU, so nothing is left to do for a valid range of memory
 * that CPUs cache. */
NTSTATUS host_invalidate_cache(struct host_call *call, const void *command, void *reply)
{
    const struct wire_invalidatecache *request = command;
    (void)reply;
    struct host_allocation *allocation = host_find_allocation(call, request->allocation);
    if (!allocation)
        return STATUS_INVALID_PARAMETER;
    uint64_t size = gpu_allocation_size(allocation->gpu);
    bool cached =
        allocation->system_memory || gpu_allocation_flags(allocation->gpu) & KMD_ALLOCATION_CACHED;
    bool valid = cached && allocation->device->object.handle == request->device &&
                 request->offset <= size && request->length <= size - request->offset;
    host_object_release(&allocation->object);
    return valid ? STATUS_SUCCESS : STATUS_INVALID_PARAMETER;
}

/* ---- GPADLs */

/* The link that points at id, or at the end of the list. With the guest's lock held. */
static struct host_gpadl **find_gpadl(struct host_guest *guest, uint32_t id)
{
    struct host_gpadl **link = &guest->gpadls;
    while (*link && (*link)->id != id)
        link = &(*link)->next;
    return link;
}

static struct host_gpadl *new_gpadl(const struct host_memory *ranges, size_t count,
                                    NTSTATUS *status)
{
    size_t pages = 0;
    *status = STATUS_INVALID_PARAMETER;
    for (size_t i = 0; i < count; i++) {
        if (!ranges[i].pointer || (uintptr_t)ranges[i].pointer % GPU_PAGE_SIZE ||
            ranges[i].size == 0 || ranges[i].size % GPU_PAGE_SIZE ||
            __builtin_add_overflow(pages, ranges[i].size / GPU_PAGE_SIZE, &pages))
            return NULL;
    }
    if (pages == 0 || pages > (SIZE_MAX - sizeof(struct host_gpadl)) / sizeof(void *))
        return NULL;
    *status = STATUS_NO_MEMORY;
    struct host_gpadl *gpadl = malloc(sizeof(*gpadl) + pages * sizeof(void *));
    if (!gpadl)
        return NULL;
    *gpadl = (struct host_gpadl){.page_count = pages};
    size_t page = 0;
    for (size_t i = 0; i < count; i++)
        for (size_t offset = 0; offset < ranges[i].size; offset += GPU_PAGE_SIZE)
            gpadl->pages[page++] = (unsigned char *)ranges[i].pointer + offset;
    *status = STATUS_SUCCESS;
    return gpadl;
}

NTSTATUS host_gpadl_create(struct host_guest *guest, uint32_t id, const struct host_memory *ranges,
                           size_t count, bool writable)
{
    NTSTATUS status;
    struct host_gpadl *gpadl = new_gpadl(ranges, count, &status);
    if (!gpadl)
        return status;
    gpadl->id = id;
    gpadl->writable = writable;
    pthread_mutex_lock(&guest->lock);
    struct host_gpadl **link = find_gpadl(guest, id);
    if (*link) {
        status = STATUS_OBJECT_NAME_COLLISION;
    } else {
        *link = gpadl;
        gpadl = NULL;
    }
    pthread_mutex_unlock(&guest->lock);
    free(gpadl);
    return status;
}

void host_gpadls_leave(struct host_guest *guest, const struct host_adapter *adapter)
{
    pthread_mutex_lock(&guest->lock);
    for (struct host_gpadl *gpadl = guest->gpadls; gpadl; gpadl = gpadl->next) {
        if (!gpadl->user || gpu_allocation_adapter(gpadl->user) != adapter->gpu)
            continue;
        gpu_allocation_revoke(gpadl->user);
        gpu_allocation_release(gpadl->user);
        gpadl->user = NULL;
    }
    pthread_mutex_unlock(&guest->lock);
}

void host_gpadl_teardown(struct host_guest *guest, uint32_t id)
{
    pthread_mutex_lock(&guest->lock);
    struct host_gpadl **link = find_gpadl(guest, id);
    struct host_gpadl *gpadl = *link;
    if (gpadl)
        *link = gpadl->next;
    pthread_mutex_unlock(&guest->lock);
    if (!gpadl)
        return;
    if (gpadl->user) {
        gpu_allocation_revoke(gpadl->user);
        gpu_allocation_release(gpadl->user);
    }
    free(gpadl);
}

/* With the guest's lock held, so that the GPADL cannot go before its pages are lent. One allocation
 * at a time has them. */
static NTSTATUS lend(struct host_gpadl *gpadl, struct host_allocation *allocation)
{
    if (!gpadl || gpadl->user || (!gpadl->writable && !allocation->read_only) ||
        gpadl->page_count != gpu_allocation_size(allocation->gpu) >> GPU_PAGE_SHIFT)
        return STATUS_INVALID_PARAMETER;
    NTSTATUS status = gpu_allocation_set_pages(allocation->gpu, 0, gpadl->page_count, gpadl->pages,
                                               allocation->read_only);
    if (NT_SUCCESS(status))
        gpadl->user = gpu_allocation_reference(allocation->gpu);
    return status;
}

/* ---- system memory */

static struct host_allocation *find_system_allocation(struct host_call *call, uint32_t device,
                                                      uint32_t handle)
{
    struct host_allocation *allocation = host_find_allocation(call, handle);
    if (!allocation || (allocation->system_memory && !allocation->opened &&
                        allocation->device->object.handle == device))
        return allocation;
    host_object_release(&allocation->object);
    return NULL;
}

NTSTATUS host_set_existing_store(struct host_call *call, const void *command, void *reply)
{
    const struct wire_setexistingsysmemstore *store = command;
    (void)reply;
    struct host_allocation *allocation =
        find_system_allocation(call, store->device, store->allocation);
    if (!allocation)
        return STATUS_INVALID_PARAMETER;
    pthread_mutex_lock(&call->guest->lock);
    NTSTATUS status = lend(*find_gpadl(call->guest, store->gpadl), allocation);
    pthread_mutex_unlock(&call->guest->lock);
    host_object_release(&allocation->object);
    return status;
}

/* The host's view of each page of the list. */
static NTSTATUS map_pages(const struct host_guest_link *link, const struct wire_span *numbers,
                          bool writable, void **pages)
{
    for (uint32_t i = 0; i < numbers->count; i++) {
        uint64_t number = wire_span_u64(numbers, i);
        if (number > UINT64_MAX >> GPU_PAGE_SHIFT)
            return STATUS_INVALID_PARAMETER;
        pages[i] =
            link->map_pages(link->context, number << GPU_PAGE_SHIFT, GPU_PAGE_SIZE, writable);
        if (!pages[i])
            return STATUS_INVALID_ADDRESS;
    }
    return STATUS_SUCCESS;
}

NTSTATUS host_set_existing_pages(struct host_call *call, const void *command, void *reply)
{
    const struct wire_setexistingsysmempages *set = command;
    const struct wire_span *numbers = &call->request->tails[WIRE_TAIL_SETEXISTINGSYSMEMPAGES_PFN];
    const struct host_guest_link *link = &call->guest->link;
    (void)reply;
    if (!(call->host->config.caps & HOST_CAPS_MAP_GUEST_MEMORY) || !link->map_pages)
        return STATUS_NOT_SUPPORTED;
    if (numbers->count < 1 || numbers->count > WIRE_EXISTING_PAGES_PER_MESSAGE)
        return STATUS_INVALID_PARAMETER;
    struct host_allocation *allocation = find_system_allocation(call, set->device, set->allocation);
    if (!allocation)
        return STATUS_INVALID_PARAMETER;
    void **pages = malloc(numbers->count * sizeof(void *));
    NTSTATUS status =
        pages ? map_pages(link, numbers, !allocation->read_only, pages) : STATUS_NO_MEMORY;
    if (NT_SUCCESS(status))
        status = gpu_allocation_set_pages(allocation->gpu, set->alloc_offset_in_pages,
                                          numbers->count, pages, allocation->read_only);
    free(pages);
    host_object_release(&allocation->object);
    return status;
}
