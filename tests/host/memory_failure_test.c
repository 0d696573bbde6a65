/* SPDX-License-Identifier: MIT */
/*
 * Every allocation of the host and the hardware behind it fails in turn, in the thread that runs
 * the commands (the linker wraps the allocator). The guest must see a failure or a success, never
 * half of one, and nothing may leak.
 */
#include "host/guest.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include "backend-loopback/kmd/softgpu.h"

static _Thread_local bool armed;
static _Thread_local unsigned countdown; /* allocations that still succeed */
static _Thread_local bool has_failed;

static bool fails_now(void)
{
    if (!armed || has_failed)
        return false;
    has_failed = countdown == 0;
    countdown--;
    return has_failed;
}

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *memory, size_t size);
void *__real_aligned_alloc(size_t alignment, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *memory, size_t size);
void *__wrap_aligned_alloc(size_t alignment, size_t size);

void *__wrap_malloc(size_t size)
{
    return fails_now() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
    return fails_now() ? NULL : __real_calloc(count, size);
}

void *__wrap_realloc(void *memory, size_t size)
{
    return fails_now() ? NULL : __real_realloc(memory, size);
}

void *__wrap_aligned_alloc(size_t alignment, size_t size)
{
    return fails_now() ? NULL : __real_aligned_alloc(alignment, size);
}

/* ---- a conversation that goes on whatever is answered */

static NTSTATUS create_device(struct guest *guest, uint32_t *device)
{
    guest_begin(guest, WIRE_VGPU, WIRE_VGPU_CREATEDEVICE);
    NTSTATUS status = guest_send(guest);
    *device = guest_reply(guest, createdevice)->device;
    return status;
}

static uint32_t create_context(struct guest *guest, uint32_t device)
{
    struct wire_createcontextvirtual *create =
        guest_begin(guest, WIRE_VGPU, WIRE_VGPU_CREATECONTEXTVIRTUAL);
    create->device = device;
    create->priv_drv_data_size = 300; /* larger than what fits the host's scratch memory */
    guest_append(guest, NULL, 300);
    guest_send(guest);
    return ((const struct wire_createcontextvirtual *)(const void *)guest->reply.bytes)->context;
}

static uint32_t create_hw_queue(struct guest *guest, uint32_t context)
{
    struct wire_createhwqueue *create = guest_begin(guest, WIRE_VGPU, WIRE_VGPU_CREATEHWQUEUE);
    create->context = context;
    NTSTATUS status = guest_send(guest);
    const struct wire_createhwqueue *echo = (const void *)guest->reply.bytes;
    assert_int_equal(NT_SUCCESS(status), echo->hwqueue != 0);
    return echo->hwqueue;
}

static uint32_t create_paging_queue(struct guest *guest, uint32_t device)
{
    struct wire_createpagingqueue *create =
        guest_begin(guest, WIRE_VGPU, WIRE_VGPU_CREATEPAGINGQUEUE);
    create->args.device = device;
    return NT_SUCCESS(guest_send(guest)) ? guest_reply(guest, createpagingqueue)->paging_queue : 0;
}

static uint32_t create_fence(struct guest *guest, uint32_t device)
{
    struct wire_createsyncobject *create =
        guest_begin(guest, WIRE_VGPU, WIRE_VGPU_CREATESYNCOBJECT);
    create->args.device = device;
    create->args.info.type = 5;
    create->args.info.flags = WIRE_SYNC_SHARED | WIRE_SYNC_NT_SECURITY_SHARING;
    return NT_SUCCESS(guest_send(guest)) ? guest_reply(guest, createsyncobject)->sync_object : 0;
}

static uint32_t create_resource(struct guest *guest, uint32_t device, uint32_t *allocation)
{
    const uint32_t flags = WIRE_CREATE_ALLOCATION_CREATE_RESOURCE |
                           WIRE_CREATE_ALLOCATION_CREATE_SHARED |
                           WIRE_CREATE_ALLOCATION_NT_SECURITY_SHARING;
    *allocation = 0;
    NTSTATUS status = guest_try_allocation(guest, device, PAGE, flags, allocation);
    return NT_SUCCESS(status) ? guest_reply(guest, createallocation)->resource : 0;
}

static uint32_t share(struct guest *guest, uint32_t object)
{
    struct wire_createntsharedobject *create =
        guest_begin(guest, WIRE_GLOBAL, WIRE_GLOBAL_CREATENTSHAREDOBJECT);
    create->object = object;
    guest_send(guest);
    return guest_reply(guest, createntsharedobject)->shared_handle;
}

static void open_shared(struct guest *guest, uint32_t device, uint32_t shared)
{
    struct wire_openresource *open = guest_begin(guest, WIRE_VGPU, WIRE_VGPU_OPENRESOURCE);
    open->device = device;
    open->nt_security_sharing = 1;
    open->global_share = shared;
    open->allocation_count = 1;
    guest_send(guest);
}

static void update_addresses(struct guest *guest, uint32_t context, uint32_t fence,
                             uint32_t allocation)
{
    struct wire_gpuva_operation operations[3] = {0};
    struct wire_updategpuvirtualaddress *update =
        guest_begin(guest, WIRE_VGPU, WIRE_VGPU_UPDATEGPUVIRTUALADDRESS);
    update->context = context;
    update->fence_object = fence;
    update->flags = WIRE_UPDATE_GPUVA_DO_NOT_WAIT;
    update->num_operations = 3;
    for (unsigned i = 0; i < 3; i++) {
        operations[i].map.base_address = 0x100000000 + i * PAGE;
        operations[i].map.size = PAGE;
        operations[i].map.allocation = allocation;
    }
    guest_append(guest, operations, sizeof(operations));
    guest_send(guest);
}

static void register_wait(struct guest *guest, uint32_t fence, uint64_t value)
{
    struct wire_waitforsyncobjectfromcpu *wait =
        guest_begin(guest, WIRE_VGPU, WIRE_VGPU_WAITFORSYNCOBJECTFROMCPU);
    wait->object_count = 1;
    wait->guest_event_pointer = 77;
    guest_append(guest, &fence, sizeof(fence));
    guest_append(guest, &value, sizeof(value));
    guest_send(guest);
}

static void make_resident(struct guest *guest, uint32_t paging_queue, uint32_t allocation)
{
    uint32_t list[70]; /* more than the host keeps room for without allocating */
    struct wire_makeresident *make = guest_begin(guest, WIRE_VGPU, WIRE_VGPU_MAKERESIDENT);
    make->paging_queue = paging_queue;
    make->alloc_count = 70;
    for (unsigned i = 0; i < 70; i++)
        list[i] = allocation;
    guest_append(guest, list, sizeof(list));
    guest_send(guest);
}

static void converse(struct guest *guest)
{
    uint32_t device, allocation;
    create_device(guest, &device);
    uint32_t context = create_context(guest, device);
    create_hw_queue(guest, context);
    uint32_t paging = create_paging_queue(guest, device);
    uint32_t fence = create_fence(guest, device);
    uint32_t resource = create_resource(guest, device, &allocation);
    uint32_t shared = share(guest, resource);
    open_shared(guest, device, shared);
    make_resident(guest, paging, allocation);
    update_addresses(guest, context, fence, allocation);
    guest_submit(guest, context, 0x100000000, 4);
    guest_signal_from_gpu(guest, context, fence, 9);
    register_wait(guest, fence, 100);
    guest_destroy(guest, WIRE_GLOBAL, WIRE_GLOBAL_DESTROYNTSHAREDOBJECT, shared);
}

static void every_allocation_fails_once(void **state)
{
    static struct guest_vm vm;
    unsigned position = 0;
    (void)state;
    guest_vm_open(&vm, &guest_modes[1], NULL);
    do {
        struct guest *guest = guest_open(&vm, 0);
        has_failed = false;
        countdown = position++;
        armed = true;
        converse(guest);
        armed = false;
        guest_close(guest);
        assert_int_equal(host_object_count(vm.host), 0);
    } while (has_failed);
    printf("%u allocations failed, one at a time\n", position - 1);
    assert_true(position > 20);
    guest_vm_close(&vm);
}

/* The host itself starts whole or not at all. */
static void ignore_message(void *context, const void *bytes, size_t size)
{
    (void)context;
    (void)bytes;
    (void)size;
}

static void starting_fails_cleanly(void **state)
{
    struct host_config config = {.adapter_count = 2, .io_space_size = 1 << 20};
    struct host_guest_link link = {.message = ignore_message};
    unsigned position = 0;
    struct host *host;
    struct host_guest *guest;
    NTSTATUS status;
    (void)state;
    config.adapters[0].miniport = config.adapters[1].miniport = &kmd_softgpu;
    do {
        has_failed = false;
        countdown = position++;
        armed = true;
        guest = NULL;
        host = NULL;
        status = host_create(&config, &host);
        if (NT_SUCCESS(status))
            status = host_guest_connect(host, &link, &guest);
        armed = false;
        host_guest_disconnect(guest);
        if (host)
            host_destroy(host);
        assert_int_equal(NT_SUCCESS(status), !has_failed);
    } while (has_failed);
    assert_true(position > 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_allocation_fails_once),
        cmocka_unit_test(starting_fails_cleanly),
    };
    return cmocka_run_group_tests_name("host without memory", tests, NULL, NULL);
}
