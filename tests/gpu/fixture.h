/* SPDX-License-Identifier: MIT */
/* A machine with one adapter, one process, one device, and short ways to memory, commands and
 * waits. */
#ifndef TESTS_GPU_FIXTURE_H
#define TESTS_GPU_FIXTURE_H

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <d3dkmt/softgpu.h>

#include "backend-loopback/gpu/gpu.h"
#include "backend-loopback/kmd/softgpu.h"

#define PAGE      ((uint64_t)GPU_PAGE_SIZE)
#define NODE_3D   0u
#define NODE_COPY 1u

struct rig {
    struct gpu_machine *machine;
    struct gpu_adapter *adapter;
    struct gpu_process *process;
    struct gpu_device *device;
    struct gpu_paging_queue *paging;
    struct gpu_wait_group *waits;
    _Atomic uint32_t error_calls;
    _Atomic uint32_t error_state;
};

/* NULL configurations: the defaults with 256 MiB of storage. */
void rig_open(struct rig *rig, const struct gpu_machine_config *machine,
              const struct gpu_adapter_config *adapter);
void rig_close(struct rig *rig);

/* For tests whose state is a rig; rig_set_up opens it with the defaults. */
int rig_set_up(void **state);
int rig_tear_down(void **state);

/* The adapter's default configuration with the software GPU. */
struct gpu_adapter_config rig_adapter_config(void);

struct gpu_device *rig_new_device(struct rig *rig);

/* A further process on the rig's adapter, with a device and a paging queue. */
void rig_open_process(struct rig *other, const struct rig *rig);
void rig_close_process(struct rig *other);

/* A memory that the CPU sees at `data` and the GPU at `address`, resident and writable. */
struct buffer {
    struct gpu_allocation *allocation;
    uint64_t address;
    uint64_t size;
    void *data;
};
struct gpu_allocation *rig_allocate(struct rig *rig, uint64_t size, uint32_t flags);
void rig_make_resident(struct rig *rig, struct gpu_allocation *allocation);
uint64_t rig_map(struct rig *rig, struct gpu_allocation *allocation, uint64_t protection);
struct buffer buffer_create(struct rig *rig, uint64_t size);
void buffer_destroy(struct rig *rig, struct buffer *buffer);

struct gpu_context *rig_new_context(struct rig *rig, uint32_t node);
struct gpu_fence *rig_new_fence(struct rig *rig, uint64_t value);

/* A command buffer under construction in a buffer of its own. */
struct commands {
    struct buffer buffer;
    struct softgpu_writer writer;
};
struct commands commands_create(struct rig *rig);
void commands_destroy(struct rig *rig, struct commands *commands);
/* Empties it; what was submitted must be finished. */
void commands_restart(struct commands *commands);
void commands_submit(struct commands *commands, struct gpu_queue *queue);

/* A command that keeps its engine busy until the gate is opened. One gate of an adapter at a time.
 */
struct gate {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool entered, open;
};
void gate_close(struct gate *gate, struct rig *rig, struct commands *commands);
void gate_until_entered(struct gate *gate);
void gate_open(struct gate *gate);

/* Blocks until the fence has reached the value; the result of the wait. */
enum gpu_wait_result rig_wait(struct rig *rig, struct gpu_fence *fence, uint64_t value);

/* Submits and blocks until the commands are finished or the device has failed; its state. */
enum gpu_device_state commands_run(struct rig *rig, struct commands *commands,
                                   struct gpu_queue *queue);

/* Blocks until the device's callback has been called. */
void rig_wait_for_error(struct rig *rig);

#endif
