/* SPDX-License-Identifier: MIT */
/*
 * A whole miniport to start from: the kernel-mode driver of the Zephyr GPU for libd3dkmt's
 * simulated host, as a plug-in. <d3dkmt/kmd.h> is the contract; the functions have the names of the
 * DxgkDdi functions that they stand for.
 *
 *   cc -shared -fPIC -o libd3dkmt-miniport-zephyr.so zephyr_miniport.c
 *   D3DKMT_PLUGIN_PATH=. D3DKMT_BACKEND=loopback:miniport=zephyr:STORE-FOLDER PROGRAM
 *
 * The host has done its part before a function here is called: handles are objects, sizes are
 * within the message's limits, addresses are translated by the services. What the private data say
 * comes from a program, though, and is checked here.
 */
#include <d3dkmt/kmd.h>

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "zephyr.h"

enum {
    ZEPHYR_GENERATION = 7,
    MAX_EDGE = 16384,
    ROW_BYTES = MAX_EDGE * 4,
    TIMESTAMP_HZ = 1000000000,
};

/* One per adapter: StartDevice makes it, every other function is handed it. */
struct adapter {
    const struct kmd_services *services;
    char *driver_store; /* or NULL */
    _Atomic uint64_t commands, pixels;
    _Atomic uint32_t contexts;
};

/* One per process of the VM. Things that processes must not share belong here. */
struct process {
    _Atomic uint32_t devices;
};

struct device {
    struct process *process;
};

static struct zephyr_header header(void)
{
    struct zephyr_header own = {ZEPHYR_MAGIC, ZEPHYR_VERSION};

    return own;
}

/* Copies private data out of a message that holds size bytes. False: too few, or another driver's.
 */
static bool read_private(const void *data, uint32_t size, void *to, uint32_t needed)
{
    struct zephyr_header own = header();

    if (size < needed)
        return false;
    memcpy(to, data, needed);
    return memcmp(to, &own, sizeof(own)) == 0;
}

/* ---- the adapter's life */

/* options: everything behind "miniport=zephyr:"; here the folder of the driver store. */
static NTSTATUS start_device(const struct kmd_start_info *start, struct kmd_adapter_info *info,
                             void **adapter)
{
    static const struct kmd_node nodes[] = {{KMD_ENGINE_3D, "Blender"},
                                            {KMD_ENGINE_COPY, "Loader"}};
    struct adapter *created = calloc(1, sizeof(*created));

    if (!created)
        return STATUS_NO_MEMORY;
    if (start->options && *start->options) {
        created->driver_store = strdup(start->options);
        if (!created->driver_store) {
            free(created);
            return STATUS_NO_MEMORY;
        }
    }
    created->services = start->services;
    info->node_count = sizeof(nodes) / sizeof(nodes[0]);
    memcpy(info->nodes, nodes, sizeof(nodes));
    info->segment_size[KMD_SEGMENT_LOCAL] = (uint64_t)256 << 20;
    info->segment_size[KMD_SEGMENT_NON_LOCAL] = (uint64_t)1 << 30;
    info->timestamp_frequency = TIMESTAMP_HZ;
    /* Without the first no VM gets the adapter. The second is a promise: see kmd.h. */
    info->capabilities = KMD_CAPABILITY_PARAVIRTUALIZATION | KMD_CAPABILITY_IOMMU_SECURE_MODE;
    *adapter = created;
    return STATUS_SUCCESS;
}

static void stop_device(void *context)
{
    struct adapter *adapter = context;

    free(adapter->driver_store);
    free(adapter);
}

/* The host answers what every adapter has; the driver's own bytes come from here. */
static NTSTATUS query_adapter_info(void *context, uint32_t type, void *data, uint32_t size)
{
    struct zephyr_adapter answer = {.header = header(),
                                    .generation = ZEPHYR_GENERATION,
                                    .max_width = MAX_EDGE,
                                    .max_height = MAX_EDGE};

    (void)context;
    if (type != KMTQAITYPE_UMDRIVERPRIVATE)
        return STATUS_NOT_SUPPORTED;
    if (size < sizeof(answer))
        return STATUS_BUFFER_TOO_SMALL;
    memcpy(data, &answer, sizeof(answer));
    return STATUS_SUCCESS;
}

/* Programs in the guest get this path from D3DKMTQueryAdapterInfo and load files from there. */
static const char *driver_store_path(void *context)
{
    return ((struct adapter *)context)->driver_store;
}

/* ---- processes, devices, contexts */

/* Comes for the VM's worker process first, then for each process that uses the adapter. */
static NTSTATUS create_process(void *context, const struct kmd_process_info *info, void **process)
{
    (void)context;
    (void)info;
    *process = calloc(1, sizeof(struct process));
    return *process ? STATUS_SUCCESS : STATUS_NO_MEMORY;
}

static void destroy_process(void *context, void *process)
{
    (void)context;
    free(process);
}

static NTSTATUS create_device(void *context, void *process, void **device)
{
    struct device *created = calloc(1, sizeof(*created));

    (void)context;
    if (!created)
        return STATUS_NO_MEMORY;
    created->process = process;
    atomic_fetch_add(&created->process->devices, 1);
    *device = created;
    return STATUS_SUCCESS;
}

static void destroy_device(void *context, void *device)
{
    (void)context;
    atomic_fetch_sub(&((struct device *)device)->process->devices, 1);
    free(device);
}

/* What is written into private_data comes back to the program. */
static NTSTATUS create_context(void *context, void *device, struct kmd_context_info *info,
                               void **driver_context)
{
    struct adapter *adapter = context;
    struct zephyr_context data;

    (void)device;
    if (!read_private(info->private_data, info->private_data_size, &data, sizeof(data)))
        return STATUS_INVALID_PARAMETER;
    data.number = atomic_fetch_add(&adapter->contexts, 1) + 1;
    memcpy(info->private_data, &data, sizeof(data));
    *driver_context = NULL; /* this driver keeps nothing for a context */
    return STATUS_SUCCESS;
}

static void destroy_context(void *context, void *driver_context)
{
    (void)context;
    (void)driver_context;
}

/* ---- allocations */

/* The host knows no pixels: the size comes from here, and the pitch goes back to the program. */
static NTSTATUS create_allocation(void *context, struct kmd_allocation *allocation)
{
    struct zephyr_surface surface;

    (void)context;
    if (!read_private(allocation->private_data, allocation->private_data_size, &surface,
                      sizeof(surface)) ||
        surface.width == 0 || surface.width > MAX_EDGE || surface.height == 0 ||
        surface.height > MAX_EDGE)
        return STATUS_INVALID_PARAMETER;
    surface.pitch = (surface.width * 4 + ZEPHYR_PITCH - 1) / ZEPHYR_PITCH * ZEPHYR_PITCH;
    memcpy(allocation->private_data, &surface, sizeof(surface));
    allocation->size = (uint64_t)surface.pitch * surface.height;
    allocation->segment = KMD_SEGMENT_LOCAL;
    allocation->flags = KMD_ALLOCATION_CPU_VISIBLE;
    return STATUS_SUCCESS;
}

/* ---- execution */

static void blend_row(uint8_t *row, const uint8_t *other, size_t size)
{
    for (size_t i = 0; i < size; i++)
        row[i] = (uint8_t)((row[i] + other[i]) / 2);
}

/* One row; the services translate addresses and say false for a fault, after which there is nothing
 * to do but return KMD_FAULT. */
static bool execute_row(const struct kmd_services *services, struct kmd_execution *execution,
                        const struct zephyr_command *command, uint32_t row)
{
    static _Thread_local uint8_t pixels[ROW_BYTES], others[ROW_BYTES];
    uint64_t offset = (uint64_t)row * command->pitch;
    size_t size = (size_t)command->width * 4;

    if (command->operation == ZEPHYR_CLEAR)
        return services->FillMemory(execution, command->destination + offset, command->color, size);
    if (!services->ReadMemory(execution, command->destination + offset, pixels, size) ||
        !services->ReadMemory(execution, command->source + offset, others, size))
        return false;
    blend_row(pixels, others, size);
    return services->WriteMemory(execution, command->destination + offset, pixels, size);
}

static bool is_valid(const struct zephyr_command *command)
{
    return (command->operation == ZEPHYR_CLEAR || command->operation == ZEPHYR_BLEND) &&
           command->width <= MAX_EDGE && command->height <= MAX_EDGE &&
           command->pitch % ZEPHYR_PITCH == 0 && (uint32_t)command->width * 4 <= command->pitch;
}

/*
 * Runs on the engine's thread. A command buffer that takes long gives way at a row's end when the
 * host asks for it, and goes on from submission->state: [0] the command, [1] the row.
 */
static enum kmd_result execute(struct adapter *adapter, struct kmd_execution *execution,
                               struct kmd_submission *submission)
{
    const struct kmd_services *services = adapter->services;
    uint64_t *at = &submission->state[0], *row = &submission->state[1];
    struct zephyr_command command;

    for (; *at + sizeof(command) <= submission->command_size; *at += sizeof(command), *row = 0) {
        /* Copy once, check the copy: the program may write its buffer meanwhile. */
        if (!services->ReadMemory(execution, submission->command_address + *at, &command,
                                  sizeof(command)))
            return KMD_FAULT;
        if (!is_valid(&command))
            return KMD_INVALID_COMMAND;
        for (; *row < command.height; ++*row) {
            if (services->ShouldYield(execution))
                return KMD_YIELD;
            if (!execute_row(services, execution, &command, (uint32_t)*row))
                return KMD_FAULT;
            atomic_fetch_add(&adapter->pixels, command.width);
        }
        atomic_fetch_add(&adapter->commands, 1);
    }
    return *at == submission->command_size ? KMD_DONE : KMD_INVALID_COMMAND;
}

/* The submit header names the fence: the hardware signals it by itself behind the last command. */
static enum kmd_result submit_command(void *context, struct kmd_execution *execution,
                                      struct kmd_submission *submission)
{
    struct adapter *adapter = context;
    struct zephyr_submit submit;

    if (!read_private(submission->private_data, submission->private_data_size, &submit,
                      sizeof(submit)))
        return KMD_INVALID_COMMAND;
    enum kmd_result result = execute(adapter, execution, submission);
    if (result == KMD_DONE && submit.fence_address &&
        !adapter->services->SignalFence(execution, submit.fence_address, submit.fence_value))
        return KMD_FAULT;
    return result;
}

/* ---- escapes */

static NTSTATUS escape(void *context, void *driver_device, void *data, uint32_t size)
{
    struct adapter *adapter = context;
    const struct device *device = driver_device;
    struct zephyr_statistics statistics;

    if (!read_private(data, size, &statistics, sizeof(statistics)))
        return STATUS_INVALID_PARAMETER;
    statistics.commands = atomic_load(&adapter->commands);
    statistics.pixels = atomic_load(&adapter->pixels);
    statistics.devices = device ? atomic_load(&device->process->devices) : 0;
    memcpy(data, &statistics, sizeof(statistics));
    return STATUS_SUCCESS;
}

/* What the host looks for in the plug-in. Functions that are left out are answered for: kmd.h. */
const struct kmd_interface d3dkmt_miniport_plugin = {
    .size = sizeof(struct kmd_interface),
    .version = KMD_INTERFACE_VERSION,
    .name = "zephyr",
    .StartDevice = start_device,
    .StopDevice = stop_device,
    .QueryAdapterInfo = query_adapter_info,
    .CreateProcess = create_process,
    .DestroyProcess = destroy_process,
    .CreateDevice = create_device,
    .DestroyDevice = destroy_device,
    .CreateContext = create_context,
    .DestroyContext = destroy_context,
    .CreateAllocation = create_allocation,
    .SubmitCommand = submit_command,
    .Escape = escape,
    .DriverStorePath = driver_store_path,
};
