/* SPDX-License-Identifier: MIT */
/* Set-up and tear-down of the tests of the simulated GPU. */
#include "fixture.h"

#include <sched.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <string.h>

#define STORAGE_BYTES (UINT64_C(256) << 20)
#define COMMAND_BYTES (64u * 1024u)

struct gpu_adapter_config rig_adapter_config(void)
{
    struct gpu_adapter_config config = {.miniport = &kmd_softgpu};

    return config;
}

static void on_state(void *context, enum gpu_device_state state)
{
    struct rig *rig = context;

    atomic_store(&rig->error_state, (uint32_t)state);
    atomic_fetch_add(&rig->error_calls, 1);
}

struct gpu_device *rig_new_device(struct rig *rig)
{
    struct gpu_device *device;

    assert_int_equal(gpu_device_create(rig->process, on_state, rig, &device), STATUS_SUCCESS);
    return device;
}

void rig_open_process(struct rig *other, const struct rig *rig)
{
    memset(other, 0, sizeof(*other));
    other->machine = rig->machine;
    other->adapter = rig->adapter;
    other->waits = rig->waits;
    assert_int_equal(gpu_process_create(other->adapter, "test", &other->process), STATUS_SUCCESS);
    other->device = rig_new_device(other);
    assert_int_equal(gpu_paging_queue_create(other->device, &other->paging), STATUS_SUCCESS);
}

void rig_close_process(struct rig *other)
{
    gpu_paging_queue_destroy(other->paging);
    gpu_device_destroy(other->device);
    gpu_process_destroy(other->process);
}

void rig_open(struct rig *rig, const struct gpu_machine_config *machine,
              const struct gpu_adapter_config *adapter)
{
    struct gpu_machine_config default_machine = {.storage_size = STORAGE_BYTES};
    struct gpu_adapter_config default_adapter = rig_adapter_config();

    memset(rig, 0, sizeof(*rig));
    assert_int_equal(gpu_machine_create(machine ? machine : &default_machine, &rig->machine),
                     STATUS_SUCCESS);
    assert_int_equal(
        gpu_adapter_create(rig->machine, adapter ? adapter : &default_adapter, &rig->adapter),
        STATUS_SUCCESS);
    assert_int_equal(gpu_process_create(rig->adapter, "test", &rig->process), STATUS_SUCCESS);
    rig->device = rig_new_device(rig);
    assert_int_equal(gpu_paging_queue_create(rig->device, &rig->paging), STATUS_SUCCESS);
    assert_int_equal(gpu_wait_group_create(rig->machine, 0, &rig->waits), STATUS_SUCCESS);
}

void rig_close(struct rig *rig)
{
    gpu_wait_group_destroy(rig->waits);
    gpu_paging_queue_destroy(rig->paging);
    gpu_device_destroy(rig->device);
    gpu_process_destroy(rig->process);
    gpu_adapter_destroy(rig->adapter);
    gpu_machine_destroy(rig->machine);
}

int rig_set_up(void **state)
{
    static struct rig rig;

    rig_open(&rig, NULL, NULL);
    *state = &rig;
    return 0;
}

int rig_tear_down(void **state)
{
    rig_close(*state);
    return 0;
}

struct gpu_allocation *rig_allocate(struct rig *rig, uint64_t size, uint32_t flags)
{
    struct softgpu_allocation data = softgpu_allocation_data(size, flags);
    struct gpu_allocation_config config = {.private_data = &data,
                                           .private_data_size = sizeof(data)};
    struct gpu_allocation *allocation;

    assert_int_equal(gpu_allocation_create(rig->adapter, &config, &allocation), STATUS_SUCCESS);
    return allocation;
}

void rig_make_resident(struct rig *rig, struct gpu_allocation *allocation)
{
    uint64_t value;
    uint64_t trim;

    assert_true(
        NT_SUCCESS(gpu_paging_queue_make_resident(rig->paging, 1, &allocation, 0, &value, &trim)));
    assert_int_equal(rig_wait(rig, gpu_paging_queue_fence(rig->paging), value), GPU_WAIT_SATISFIED);
}

uint64_t rig_map(struct rig *rig, struct gpu_allocation *allocation, uint64_t protection)
{
    struct gpu_map map = {.allocation = allocation, .protection = protection};
    uint64_t address;

    assert_int_equal(gpu_address_map(rig->process, &map, &address), STATUS_SUCCESS);
    return address;
}

struct buffer buffer_create(struct rig *rig, uint64_t size)
{
    struct buffer buffer = {.size = size};
    uint64_t offset;

    buffer.allocation = rig_allocate(rig, size, SOFTGPU_ALLOCATION_CPU_VISIBLE);
    assert_int_equal(gpu_allocation_cpu_offset(buffer.allocation, &offset), STATUS_SUCCESS);
    buffer.data = gpu_machine_storage_pointer(rig->machine, offset);
    rig_make_resident(rig, buffer.allocation);
    buffer.address = rig_map(rig, buffer.allocation, GPU_PROTECTION_WRITE);
    return buffer;
}

void buffer_destroy(struct rig *rig, struct buffer *buffer)
{
    uint64_t size = (buffer->size + PAGE - 1) / PAGE * PAGE;

    assert_int_equal(gpu_address_free(rig->process, buffer->address, size), STATUS_SUCCESS);
    gpu_allocation_release(buffer->allocation);
}

struct gpu_context *rig_new_context(struct rig *rig, uint32_t node)
{
    struct gpu_context *context;

    assert_int_equal(gpu_context_create(rig->device, node, NULL, 0, &context), STATUS_SUCCESS);
    return context;
}

struct gpu_fence *rig_new_fence(struct rig *rig, uint64_t value)
{
    struct gpu_fence_config config = {
        .type = GPU_FENCE_MONITORED, .initial_value = value, .device = rig->device};
    struct gpu_fence *fence;

    assert_int_equal(gpu_fence_create(rig->machine, &config, &fence), STATUS_SUCCESS);
    return fence;
}

struct commands commands_create(struct rig *rig)
{
    struct commands commands;

    commands.buffer = buffer_create(rig, COMMAND_BYTES);
    softgpu_writer_init(&commands.writer, commands.buffer.data, COMMAND_BYTES);
    return commands;
}

void commands_restart(struct commands *commands)
{
    softgpu_writer_init(&commands->writer, commands->buffer.data, COMMAND_BYTES);
}

void commands_destroy(struct rig *rig, struct commands *commands)
{
    buffer_destroy(rig, &commands->buffer);
}

void commands_submit(struct commands *commands, struct gpu_queue *queue)
{
    assert_false(commands->writer.overflow);
    assert_int_equal(gpu_queue_submit(queue, commands->buffer.address,
                                      (uint32_t)softgpu_writer_size(&commands->writer), NULL, 0),
                     STATUS_SUCCESS);
}

static bool wait_at_gate(void *context, const struct softgpu_call *call)
{
    struct gate *gate = context;

    (void)call;
    pthread_mutex_lock(&gate->lock);
    gate->entered = true;
    pthread_cond_broadcast(&gate->changed);
    while (!gate->open)
        pthread_cond_wait(&gate->changed, &gate->lock);
    pthread_mutex_unlock(&gate->lock);
    return true;
}

void gate_close(struct gate *gate, struct rig *rig, struct commands *commands)
{
    *gate = (struct gate){PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, false, false};
    assert_int_equal(
        kmd_softgpu_set_function(gpu_adapter_miniport_adapter(rig->adapter), 3, wait_at_gate, gate),
        STATUS_SUCCESS);
    softgpu_call_function(&commands->writer, 3, NULL, 0);
}

void gate_until_entered(struct gate *gate)
{
    pthread_mutex_lock(&gate->lock);
    while (!gate->entered)
        pthread_cond_wait(&gate->changed, &gate->lock);
    pthread_mutex_unlock(&gate->lock);
}

void gate_open(struct gate *gate)
{
    pthread_mutex_lock(&gate->lock);
    gate->open = true;
    pthread_cond_broadcast(&gate->changed);
    pthread_mutex_unlock(&gate->lock);
}

struct waited {
    sem_t semaphore;
    enum gpu_wait_result result;
};

static void on_wait(void *context, enum gpu_wait_result result)
{
    struct waited *waited = context;

    waited->result = result;
    sem_post(&waited->semaphore);
}

enum gpu_wait_result rig_wait(struct rig *rig, struct gpu_fence *fence, uint64_t value)
{
    struct waited waited;

    sem_init(&waited.semaphore, 0, 0);
    assert_int_equal(gpu_wait_register(rig->waits, 1, &fence, &value, false, on_wait, &waited),
                     STATUS_SUCCESS);
    while (sem_wait(&waited.semaphore) != 0)
        ;
    sem_destroy(&waited.semaphore);
    return waited.result;
}

enum gpu_device_state commands_run(struct rig *rig, struct commands *commands,
                                   struct gpu_queue *queue)
{
    struct gpu_fence *fence = rig_new_fence(rig, 0);
    uint64_t one = 1;
    NTSTATUS status;

    commands_submit(commands, queue);
    status = gpu_queue_signal(queue, 1, &fence, &one);
    assert_true(status == STATUS_SUCCESS || status == STATUS_DEVICE_REMOVED);
    /* A device that fails sets its fences to all ones: this returns either way, unless the fence
     * came too late. */
    if (status == STATUS_SUCCESS)
        assert_int_equal(rig_wait(rig, fence, 1), GPU_WAIT_SATISFIED);
    gpu_fence_release(fence);
    return gpu_device_get_state(rig->device);
}

void rig_wait_for_error(struct rig *rig)
{
    while (atomic_load(&rig->error_calls) == 0)
        sched_yield();
}
