/* SPDX-License-Identifier: MIT */
/* The machine is little more than its storage, its clock and the lock of its waits. */
#include "backend-loopback/gpu/machine.h"

#include <stdlib.h>

#include "backend-loopback/gpu/clock.h"
#include "backend-loopback/gpu/objects.h"

#define DEFAULT_STORAGE (UINT64_C(4) << 30)

NTSTATUS gpu_machine_create(const struct gpu_machine_config *config, struct gpu_machine **machine)
{
    static const struct gpu_machine_config defaults;
    struct gpu_machine *created = calloc(1, sizeof(*created));
    NTSTATUS status;

    if (!created)
        return STATUS_NO_MEMORY;
    if (!config)
        config = &defaults;
    status = gpu_storage_init(&created->storage,
                              config->storage_size ? config->storage_size : DEFAULT_STORAGE);
    if (!NT_SUCCESS(status)) {
        free(created);
        return status;
    }
    created->clock = config->clock ? config->clock : &gpu_clock_monotonic;
    pthread_mutex_init(&created->wait_lock, NULL);
    gpu_display_init(&created->display);
    *machine = created;
    return STATUS_SUCCESS;
}

void gpu_machine_destroy(struct gpu_machine *machine)
{
    if (!machine)
        return;
    gpu_display_destroy(&machine->display);
    pthread_mutex_destroy(&machine->wait_lock);
    gpu_storage_destroy(&machine->storage);
    free(machine);
}

int gpu_machine_storage_fd(const struct gpu_machine *machine)
{
    return machine->storage.descriptor;
}

uint64_t gpu_machine_storage_size(const struct gpu_machine *machine)
{
    return machine->storage.pages * GPU_PAGE_SIZE;
}

void *gpu_machine_storage_pointer(const struct gpu_machine *machine, uint64_t offset)
{
    return machine->storage.base + offset;
}

const struct gpu_clock *gpu_machine_clock(const struct gpu_machine *machine)
{
    return machine->clock;
}
