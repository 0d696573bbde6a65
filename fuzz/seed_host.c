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
    uint32_t context = guest_create_context(guest, device);
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

static const struct {
    const char *name;
    void (*talk)(struct guest *guest);
} conversations[] = {
    {"rendering", rendering},     {"hardware_queue", hardware_queue},
    {"lent_memory", lent_memory}, {"shared_fence", shared_fence},
    {"questions", questions},
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
