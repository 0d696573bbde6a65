/* SPDX-License-Identifier: MIT */
/*
 * Input: a command buffer, which both engines of an adapter execute. It can reach, at 0x10000 each
 * 64 KiB, memory to write, memory to read, the zero page, and a fence. Nothing else may change, and
 * both engines must come back.
 */
#include <d3dkmt/softgpu.h>

#include "backend-loopback/gpu/gpu.h"
#include "backend-loopback/kmd/softgpu.h"
#include "fuzz_input.h"

#define STEP         UINT64_C(0x10000)
#define MEMORY_BYTES 0x10000u
#define GUARD        0xc3

static struct gpu_machine *machine;
static struct gpu_adapter *adapter;

static void check(bool good)
{
    if (!good)
        abort();
}

static void start(void)
{
    struct gpu_machine_config machine_config = {.storage_size = 8u << 20};
    struct gpu_adapter_config adapter_config = {.miniport = &kmd_softgpu,
                                                .hang_timeout_ns = 1000000};

    if (machine)
        return;
    check(NT_SUCCESS(gpu_machine_create(&machine_config, &machine)));
    check(NT_SUCCESS(gpu_adapter_create(machine, &adapter_config, &adapter)));
}

struct memory {
    struct gpu_allocation *allocation;
    uint8_t *data;
};

static struct memory allocate(struct gpu_paging_queue *paging)
{
    struct softgpu_allocation data =
        softgpu_allocation_data(MEMORY_BYTES, SOFTGPU_ALLOCATION_CPU_VISIBLE);
    struct gpu_allocation_config config = {.private_data = &data,
                                           .private_data_size = sizeof(data)};
    struct memory memory;
    uint64_t ignored;
    uint64_t offset;

    check(NT_SUCCESS(gpu_allocation_create(adapter, &config, &memory.allocation)));
    check(NT_SUCCESS(gpu_allocation_cpu_offset(memory.allocation, &offset)));
    memory.data = gpu_machine_storage_pointer(machine, offset);
    check(NT_SUCCESS(
        gpu_paging_queue_make_resident(paging, 1, &memory.allocation, 0, &ignored, &ignored)));
    return memory;
}

static void map(struct gpu_process *process, uint64_t base, struct gpu_allocation *allocation,
                uint64_t protection)
{
    struct gpu_map request = {.placement.base = base,
                              .allocation = allocation,
                              .size_in_pages = MEMORY_BYTES / GPU_PAGE_SIZE,
                              .protection = protection};
    uint64_t address;

    check(NT_SUCCESS(gpu_address_map(process, &request, &address)));
}

static bool is_guarded(const struct memory *memory, uint32_t from)
{
    for (uint32_t i = from; i < MEMORY_BYTES; i++) {
        if (memory->data[i] != GUARD)
            return false;
    }
    return true;
}

/* One engine after the other: two that write the same memory at once are a race of the input's own
 * making. Whatever still polls is done with when its context goes. */
static void execute(struct gpu_device *device, uint64_t address, uint32_t size)
{
    for (uint32_t node = 0; node < 2; node++) {
        struct gpu_context *context;

        if (!NT_SUCCESS(gpu_context_create(device, node, NULL, 0, &context)))
            return; /* the first one has failed */
        (void)gpu_queue_submit(gpu_context_queue(context), address, size, NULL, 0);
        gpu_device_flush(device);
        gpu_context_destroy(context);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct gpu_fence_config fence_config = {.type = GPU_FENCE_MONITORED};
    uint32_t bytes = size < MEMORY_BYTES ? (uint32_t)size : MEMORY_BYTES;
    struct memory writable;
    struct memory readable;
    struct memory unmapped;
    struct gpu_paging_queue *paging;
    struct gpu_process *process;
    struct gpu_device *device;
    struct gpu_fence *fence;
    uint64_t address;

    start();
    check(NT_SUCCESS(gpu_process_create(adapter, "test", &process)));
    check(NT_SUCCESS(gpu_device_create(process, NULL, NULL, &device)));
    check(NT_SUCCESS(gpu_paging_queue_create(device, &paging)));
    check(NT_SUCCESS(gpu_fence_create(machine, &fence_config, &fence)));
    writable = allocate(paging);
    readable = allocate(paging);
    unmapped = allocate(paging);
    map(process, STEP, writable.allocation, GPU_PROTECTION_WRITE);
    map(process, 2 * STEP, readable.allocation, 0);
    map(process, 3 * STEP, NULL, GPU_PROTECTION_ZERO);
    check(NT_SUCCESS(gpu_address_map_fence(process, fence, true, &address)) && address == 4 * STEP);
    memset(readable.data, GUARD, MEMORY_BYTES);
    memset(unmapped.data, GUARD, MEMORY_BYTES);
    if (bytes)
        memcpy(readable.data, data, bytes);

    execute(device, 2 * STEP, bytes);

    check(memcmp(readable.data, data, bytes) == 0);
    check(is_guarded(&readable, bytes) && is_guarded(&unmapped, 0));
    check(gpu_device_get_state(device) == GPU_DEVICE_ACTIVE ||
          gpu_device_get_state(device) >= GPU_DEVICE_HUNG);
    gpu_fence_release(fence);
    gpu_allocation_release(writable.allocation);
    gpu_allocation_release(readable.allocation);
    gpu_allocation_release(unmapped.allocation);
    gpu_paging_queue_destroy(paging);
    gpu_device_destroy(device);
    gpu_process_destroy(process);
    check(gpu_adapter_segment_used(adapter, KMD_SEGMENT_LOCAL) == 0);
    return 0;
}
