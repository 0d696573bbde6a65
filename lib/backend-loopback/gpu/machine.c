/* SPDX-License-Identifier: MIT */
/* The machine is little more than its storage, its clock and the lock of its waits. */
#include "backend-loopback/gpu/machine.h"

#include <stdlib.h>

#include "backend-loopback/gpu/clock.h"
#include "backend-loopback/gpu/objects.h"
#include "backend-loopback/gpu/turns.h"

#define DEFAULT_STORAGE (UINT64_C(4) << 30)

/* Who works on it, and by what clock. */
static NTSTATUS init_time(struct gpu_machine *machine, const struct gpu_machine_config *config)
{
    NTSTATUS status;

    machine->clock = config->clock ? config->clock : &gpu_clock_monotonic;
    if (config->deterministic) {
        machine->turns = gpu_turns_create(machine, config->seed);
        if (!machine->turns)
            return STATUS_NO_MEMORY;
        machine->clock = gpu_turns_clock(machine->turns);
    }
    status = gpu_display_init(machine);
    if (!NT_SUCCESS(status))
        gpu_turns_destroy(machine->turns);
    return status;
}

NTSTATUS gpu_machine_create(const struct gpu_machine_config *config, struct gpu_machine **machine)
{
    static const struct gpu_machine_config defaults;
    struct gpu_machine *created = calloc(1, sizeof(*created));
    NTSTATUS status;

    if (!created)
        return STATUS_NO_MEMORY;
    if (!config)
        config = &defaults;
    pthread_mutex_init(&created->wait_lock, NULL);
    status = gpu_storage_init(&created->storage,
                              config->storage_size ? config->storage_size : DEFAULT_STORAGE,
                              config->storage);
    if (!NT_SUCCESS(status))
        goto fail_storage;
    status = init_time(created, config);
    if (!NT_SUCCESS(status))
        goto fail_time;
    *machine = created;
    return STATUS_SUCCESS;

fail_time:
    gpu_storage_destroy(&created->storage);
fail_storage:
    pthread_mutex_destroy(&created->wait_lock);
    free(created);
    return status;
}

void gpu_machine_destroy(struct gpu_machine *machine)
{
    if (!machine)
        return;
    gpu_display_destroy(&machine->display);
    gpu_turns_destroy(machine->turns);
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

void gpu_machine_after_call(struct gpu_machine *machine)
{
    if (machine->turns)
        gpu_turns_after_call(machine->turns);
}

bool gpu_machine_strayed(const struct gpu_machine *machine)
{
    return machine->turns && gpu_turns_strayed(machine->turns);
}

void gpu_machine_note_progress(struct gpu_machine *machine)
{
    if (machine->turns)
        gpu_turns_note_progress(machine->turns);
}

void gpu_machine_note_change(struct gpu_machine *machine)
{
    if (machine->turns)
        gpu_turns_note_change(machine->turns);
}
