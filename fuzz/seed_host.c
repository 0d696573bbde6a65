/* SPDX-License-Identifier: MIT */
/*
 * Writes the seeds of host_command: conversations of the test guest, recorded where they reach
 * host_command (linked with
 * --wrap=host_command). Usage: fuzz-seed-host CORPUS_FOLDER
 */
#include "host/guest.h"

#include <stdio.h>
#include <stdlib.h>

static FILE *seed;

size_t __real_host_command(struct host_guest *connection, int channel, const void *bytes,
                           size_t size, bool reply_wanted, void *reply, size_t capacity);
size_t __wrap_host_command(struct host_guest *connection, int channel, const void *bytes,
                           size_t size, bool reply_wanted, void *reply, size_t capacity);

size_t __wrap_host_command(struct host_guest *connection, int channel, const void *bytes,
                           size_t size, bool reply_wanted, void *reply, size_t capacity)
{
    unsigned char head[3] = {(unsigned char)(reply_wanted | (channel + 1) << 1),
                             (unsigned char)size, (unsigned char)(size >> 8)};
    if (seed && size < 0x10000) {
        fwrite(head, 1, sizeof(head), seed);
        fwrite(bytes, 1, size, seed);
    }
    return __real_host_command(connection, channel, bytes, size, reply_wanted, reply, capacity);
}

static void rendering(struct guest *guest)
{
    uint32_t device = guest_create_device(guest);
    uint32_t context = guest_create_context(guest, device);
    struct guest_queue paging = guest_create_paging_queue(guest, device);
    struct guest_fence fence = guest_create_fence(guest, device, 0, 0);
    struct guest_memory memory = guest_create_memory(guest, device, paging.handle, 4096);
    guest_submit(guest, context, memory.gpu, 64);
    guest_signal_from_gpu(guest, context, fence.handle, 1);
    guest_wait(guest, device, fence.handle, 1);
    guest_wait_from_gpu(guest, context, fence.handle, 1);
    guest_device_state(guest, device);
    guest_destroy_allocation(guest, device, 0, &memory.allocation, 1);
    guest_destroy(guest, WIRE_GLOBAL, WIRE_GLOBAL_DESTROYSYNCOBJECT, fence.handle);
    guest_destroy(guest, WIRE_VGPU, WIRE_VGPU_DESTROYPAGINGQUEUE, paging.handle);
    guest_destroy(guest, WIRE_VGPU, WIRE_VGPU_DESTROYCONTEXT, context);
    guest_destroy(guest, WIRE_VGPU, WIRE_VGPU_DESTROYDEVICE, device);
}

static void hardware_queue(struct guest *guest)
{
    uint32_t device = guest_create_device(guest);
    uint32_t context = guest_create_hw_context(guest, device);
    struct guest_queue queue = guest_create_hw_queue(guest, context);
    struct wire_submitcommandtohwqueue *submit =
        guest_begin(guest, WIRE_VGPU, WIRE_VGPU_SUBMITCOMMANDTOHWQUEUE);
    submit->args.hwqueue = queue.handle;
    submit->args.hwqueue_progress_fence_id = 1;
    submit->args.command_buffer = 0x10000;
    submit->args.command_length = 64;
    guest_send_maybe_async(guest);
    guest_destroy(guest, WIRE_VGPU, WIRE_VGPU_DESTROYHWQUEUE, queue.handle);
}

static void lent_memory(struct guest *guest)
{
    uint32_t device = guest_create_device(guest);
    uint32_t allocation;
    struct guest_queue paging = guest_create_paging_queue(guest, device);
    guest_try_allocation(guest, device, 16 * 4096, WIRE_CREATE_ALLOCATION_EXISTING_SYSMEM,
                         &allocation);
    struct wire_setexistingsysmemstore *store =
        guest_begin(guest, WIRE_VGPU, WIRE_VGPU_SETEXISTINGSYSMEMSTORE);
    store->device = device;
    store->allocation = allocation;
    store->gpadl = 1;
    guest_send(guest);
    guest_map(guest, paging.handle, allocation, 16);
    guest_signal_from_cpu(guest, device, paging.fence, 9);
}

static void shared_fence(struct guest *guest)
{
    uint32_t device = guest_create_device(guest);
    struct guest_fence fence =
        guest_create_fence(guest, device, 1, WIRE_SYNC_SHARED | WIRE_SYNC_NT_SECURITY_SHARING);
    struct wire_opensyncobject *open = guest_begin(guest, WIRE_GLOBAL, WIRE_GLOBAL_OPENSYNCOBJECT);
    open->device = device;
    open->global_sync_object = fence.global;
    guest_send(guest);
}

/* Every query type that the host knows, and one of each other kind of question. */
static void questions(struct guest *guest)
{
    static const uint32_t types[] = {0, 3, 6, 8, 13, 15, 18, 25, 30, 31, 42, 48, 60, 65, 70};
    static const unsigned char zeros[8192];
    for (unsigned i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
        uint32_t size = types[i] == 65 ? 8192 : types[i] == 8 ? 2080 : types[i] == 48 ? 600 : 80;
        struct wire_queryadapterinfo *query =
            guest_begin(guest, WIRE_VGPU, WIRE_VGPU_QUERYADAPTERINFO);
        query->query_type = types[i];
        query->private_data_size = size;
        guest_append(guest, zeros, size);
        guest_send(guest);
    }
    guest_begin(guest, WIRE_VGPU, WIRE_VGPU_GETINTERNALADAPTERINFO);
    guest_send(guest);
    guest_begin(guest, WIRE_VGPU, WIRE_VGPU_ISFEATUREENABLED);
    guest_send(guest);
    struct wire_reservegpuvirtualaddress *reserve =
        guest_begin(guest, WIRE_VGPU, WIRE_VGPU_RESERVEGPUVIRTUALADDRESS);
    reserve->args.adapter = guest->vm->adapter_handles[0];
    reserve->args.size = 1 << 20;
    guest_send(guest);
}

static void about_allocation(struct guest *guest, uint32_t command, uint32_t device,
                             uint32_t paging_queue, uint32_t allocation)
{
    uint32_t priority = 0x50000000;
    if (command == WIRE_VGPU_OFFERALLOCATIONS) {
        struct wire_offerallocations *offer = guest_begin(guest, WIRE_VGPU, command);
        offer->device = device;
        offer->allocation_count = 1;
        offer->priority = 1;
        offer->flags = WIRE_OFFER_ALLOW_DECOMMIT;
    } else if (command == WIRE_VGPU_RECLAIMALLOCATIONS) {
        struct wire_reclaimallocations *reclaim = guest_begin(guest, WIRE_VGPU, command);
        reclaim->device = device;
        reclaim->paging_queue = paging_queue;
        reclaim->allocation_count = 1;
        reclaim->write_results = 1;
    } else {
        struct wire_setallocationpriority *set = guest_begin(guest, WIRE_VGPU, command);
        set->device = device;
        set->allocation_count = 1;
    }
    guest_append(guest, &allocation, sizeof(allocation));
    if (command == WIRE_VGPU_SETALLOCATIONPRIORITY)
        guest_append(guest, &priority, sizeof(priority));
    guest_send(guest);
}

/* Allocations are offered and come back, and one moves to another segment. */
static void short_memory(struct guest *guest)
{
    uint32_t device = guest_create_device(guest);
    struct guest_queue paging = guest_create_paging_queue(guest, device);
    uint32_t allocations[3];
    for (unsigned i = 0; i < 3; i++) {
        guest_try_allocation(guest, device, 1 << 20, 0, &allocations[i]);
        about_allocation(guest, WIRE_VGPU_SETALLOCATIONPRIORITY, device, paging.handle,
                         allocations[i]);
        guest_make_resident(guest, &paging, allocations[i]);
        about_allocation(guest, WIRE_VGPU_OFFERALLOCATIONS, device, paging.handle, allocations[i]);
    }
    for (unsigned i = 0; i < 3; i++)
        about_allocation(guest, WIRE_VGPU_RECLAIMALLOCATIONS, device, paging.handle,
                         allocations[i]);
    struct wire_updateallocationproperty *update =
        guest_begin(guest, WIRE_VGPU, WIRE_VGPU_UPDATEALLOCATIONPROPERTY);
    update->args.paging_queue = paging.handle;
    update->args.allocation = allocations[0];
    update->args.property_mask = WIRE_PROPERTY_MASK_SET_PREFERRED_SEGMENT;
    update->args.preferred_segment = 2;
    guest_send(guest);
    guest_begin(guest, WIRE_VGPU, WIRE_VGPU_FLUSHHEAPTRANSITIONS);
    guest_send(guest);
}

static void statistics(struct guest *guest)
{
    struct wire_luid luid;
    guest_begin(guest, WIRE_VGPU, WIRE_VGPU_GETINTERNALADAPTERINFO);
    guest_send(guest);
    luid = ((const struct wire_getinternaladapterinfo_reply_before_40 *)(const void *)
                guest->reply.bytes)
               ->host_adapter_luid;
    guest_create_device(guest);
    for (uint32_t type = 0; type < 12; type++) {
        struct wire_querystatistics *query =
            guest_begin(guest, WIRE_VGPU, WIRE_VGPU_QUERYSTATISTICS);
        query->args.type = type;
        query->args.adapter_luid = luid;
        guest_send(guest);
    }
}

static const struct {
    const char *name;
    void (*talk)(struct guest *guest);
} conversations[] = {
    {"rendering", rendering},     {"hardware_queue", hardware_queue},
    {"lent_memory", lent_memory}, {"shared_fence", shared_fence},
    {"questions", questions},     {"short_memory", short_memory},
    {"statistics", statistics},
};

static void record(const char *folder, unsigned number, unsigned mode)
{
    static struct guest_vm vm;
    struct host_config config = {
        .adapter_count = 2, .caps = HOST_CAPS_MAP_GUEST_MEMORY, .io_space_size = 8 << 20};
    char path[4096];
    snprintf(path, sizeof(path), "%s/host_command/%s-%u", folder, conversations[number].name, mode);
    seed = fopen(path, "wb");
    if (!seed) {
        perror(path);
        exit(1);
    }
    fputc((guest_modes[mode].version >= WIRE_VERSION) | guest_modes[mode].async << 1, seed);
    guest_vm_open(&vm, &guest_modes[mode], &config);
    struct guest *guest = guest_open(&vm, 0);
    conversations[number].talk(guest);
    guest_close(guest);
    fclose(seed);
    seed = NULL;
    guest_vm_close(&vm);
}

int main(int argc, char **argv)
{
    if (argc != 2)
        return 2;
    for (unsigned mode = 0; mode < 3; mode++)
        for (unsigned i = 0; i < sizeof(conversations) / sizeof(conversations[0]); i++)
            record(argv[1], i, mode);
    return 0;
}
