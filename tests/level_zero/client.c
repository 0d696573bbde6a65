/* SPDX-License-Identifier: MIT */
/*
 * A Level Zero program: shared memory, a command list with timestamps and an event, a fence. Usage:
 * client clean|live. With "live" it ends without destroying anything, as many do; the driver then
 * calls the library behind its destructors.
 */
#include "opencl/check.h"

#include <level_zero/ze_api.h>

#include <stdio.h>
#include <string.h>

enum { SIZE = 65536, ROUNDS = 4 };

struct program {
    ze_driver_handle_t driver;
    ze_device_handle_t device;
    ze_context_handle_t context;
    ze_command_queue_handle_t queue;
    ze_command_list_handle_t list;
    ze_event_pool_handle_t pool;
    ze_event_handle_t event;
    ze_fence_handle_t fence;
    volatile uint64_t *memory; /* shared by CPU and GPU */
};

static void open_device(struct program *program)
{
    ze_device_properties_t properties;
    uint32_t count = 1;

    CALL(zeInit, 0);
    CALL(zeDriverGet, &count, &program->driver);
    check_that(count == 1, "there is a driver");
    CALL(zeDeviceGet, program->driver, &count, &program->device);
    memset(&properties, 0, sizeof(properties));
    properties.stype = ZE_STRUCTURE_TYPE_DEVICE_PROPERTIES;
    CALL(zeDeviceGetProperties, program->device, &properties);
    check_that(properties.vendorId == 0x8086 && properties.deviceId == 0x9a49,
               "the device is the one of the profile");
    printf("%s\n", properties.name);
}

static void create_queue(struct program *program)
{
    const ze_context_desc_t context = {.stype = ZE_STRUCTURE_TYPE_CONTEXT_DESC};
    const ze_command_queue_desc_t queue = {.stype = ZE_STRUCTURE_TYPE_COMMAND_QUEUE_DESC};
    const ze_command_list_desc_t list = {.stype = ZE_STRUCTURE_TYPE_COMMAND_LIST_DESC};
    const ze_fence_desc_t fence = {.stype = ZE_STRUCTURE_TYPE_FENCE_DESC};

    CALL(zeContextCreate, program->driver, &context, &program->context);
    CALL(zeCommandQueueCreate, program->context, program->device, &queue, &program->queue);
    CALL(zeCommandListCreate, program->context, program->device, &list, &program->list);
    CALL(zeFenceCreate, program->queue, &fence, &program->fence);
}

static void create_memory(struct program *program)
{
    const ze_device_mem_alloc_desc_t device = {.stype = ZE_STRUCTURE_TYPE_DEVICE_MEM_ALLOC_DESC};
    const ze_host_mem_alloc_desc_t host = {.stype = ZE_STRUCTURE_TYPE_HOST_MEM_ALLOC_DESC};
    const ze_event_pool_desc_t pool = {
        .stype = ZE_STRUCTURE_TYPE_EVENT_POOL_DESC,
        .flags = ZE_EVENT_POOL_FLAG_HOST_VISIBLE | ZE_EVENT_POOL_FLAG_KERNEL_TIMESTAMP,
        .count = 1,
    };
    const ze_event_desc_t event = {.stype = ZE_STRUCTURE_TYPE_EVENT_DESC,
                                   .signal = ZE_EVENT_SCOPE_FLAG_HOST};
    void *memory = NULL;

    CALL(zeMemAllocShared, program->context, &device, &host, SIZE, 64, program->device, &memory);
    program->memory = memory;
    CALL(zeEventPoolCreate, program->context, &pool, 1, &program->device, &program->pool);
    CALL(zeEventCreate, program->pool, &event, &program->event);
}

/* The GPU writes its clock twice; the event says when the first was done. */
static void record(struct program *program)
{
    uint64_t *memory = (uint64_t *)program->memory;

    CALL(zeCommandListAppendWriteGlobalTimestamp, program->list, memory, program->event, 0, NULL);
    CALL(zeCommandListAppendBarrier, program->list, NULL, 0, NULL);
    CALL(zeCommandListAppendWriteGlobalTimestamp, program->list, memory + 1, NULL, 0, NULL);
    CALL(zeCommandListClose, program->list);
}

static void run(struct program *program)
{
    uint64_t before = program->memory[1];
    ze_kernel_timestamp_result_t times;

    CALL(zeEventHostReset, program->event);
    CALL(zeFenceReset, program->fence);
    CALL(zeCommandQueueExecuteCommandLists, program->queue, 1, &program->list, program->fence);
    CALL(zeFenceHostSynchronize, program->fence, UINT64_MAX);
    CALL(zeCommandQueueSynchronize, program->queue, UINT64_MAX);
    CALL(zeEventHostSynchronize, program->event, UINT64_MAX);
    CALL(zeEventQueryKernelTimestamp, program->event, &times);
    check_that(program->memory[0] > before, "the GPU has written its clock, which went on");
    check_that(program->memory[1] >= program->memory[0], "the second look at it is no earlier");
    check_that(times.global.kernelEnd >= times.global.kernelStart, "the event has two times");
}

static void destroy(struct program *program)
{
    CALL(zeFenceDestroy, program->fence);
    CALL(zeEventDestroy, program->event);
    CALL(zeEventPoolDestroy, program->pool);
    CALL(zeCommandListDestroy, program->list);
    CALL(zeMemFree, program->context, (void *)program->memory);
    CALL(zeCommandQueueDestroy, program->queue);
    CALL(zeContextDestroy, program->context);
}

int main(int argc, char **argv)
{
    static struct program program;

    if (argc != 2)
        return 2;
    open_device(&program);
    create_queue(&program);
    create_memory(&program);
    record(&program);
    for (int i = 0; i < ROUNDS; i++)
        run(&program);
    if (strcmp(argv[1], "clean") == 0)
        destroy(&program);
    puts("every call succeeded");
    return 0;
}
