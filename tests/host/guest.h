/* SPDX-License-Identifier: MIT */
/*
 * A guest for tests of the host: nothing but encoders, a mapped IO space and a list of what the
 * host said. It makes no checks of its own beyond the wire's, so tests can send nonsense as easily
 * as sense.
 */
#ifndef TESTS_HOST_GUEST_H
#define TESTS_HOST_GUEST_H

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <d3dkmt/softgpu.h>

#include "backend-loopback/host/host.h"
#include "core/wire/reply.h"

#define PAGE            UINT64_C(4096)
#define IO_SPACE_START  UINT64_C(0x800000000)
#define IO_SPACE_SIZE   (UINT64_C(64) << 20)
#define GUEST_COOKIE    UINT64_C(0xffff888012345678)
#define GUEST_MAX_NOTED 4096

/* How guest and host talk; the tests run in each mode. */
struct guest_mode {
    const char *name;
    uint32_t version;
    bool async;
};

extern const struct guest_mode guest_modes[3];

/* Runs the tests three times; *mode is how they run. What main returns. */
int guest_run_in_each_mode(const struct guest_mode **mode, const struct CMUnitTest *tests,
                           size_t count);

/* What the VM has in common; several guests (processes) may use one. */
struct guest_vm {
    struct guest_mode mode;
    struct host *host;
    struct host_guest *connection;
    unsigned char *io_space;
    uint32_t adapter_handles[HOST_MAX_ADAPTERS];
    pthread_mutex_t lock;
    pthread_cond_t changed;
    unsigned event_count;
    uint64_t events[GUEST_MAX_NOTED];
    unsigned data_count;
    uint64_t cookies[GUEST_MAX_NOTED];
    uint64_t last_event; /* ids given out */
};

/* One process of the VM on one adapter. */
struct guest {
    struct guest_vm *vm;
    uint32_t adapter;
    uint32_t process;
    struct wire_request_builder builder;
    struct wire_reply reply;
    enum wire_error error;
    _Alignas(8) unsigned char request_bytes[WIRE_MESSAGE_LIMIT];
    _Alignas(8) unsigned char reply_bytes[WIRE_MESSAGE_LIMIT];
};

/* A host with default adapters (software GPUs) in this mode, opened like a driver does. config may
 * be NULL. */
void guest_vm_open(struct guest_vm *vm, const struct guest_mode *mode,
                   const struct host_config *config);
void guest_vm_close(struct guest_vm *vm);

/* Connects to vm->host and opens its adapters like a driver does; vm->connection is new. */
void guest_vm_connect(struct guest_vm *vm);

struct guest *guest_open(struct guest_vm *vm, uint32_t adapter);
void guest_close(struct guest *guest); /* destroys the process */

/* One command: begin, fill in, wire_append(&guest->builder.out, ...), send. Send returns the
 * reply's status, 0 where it has none, or STATUS_BUFFER_TOO_SMALL when the reply was too short; the
 * reply is in guest->reply. */
void *guest_begin(struct guest *guest, enum wire_channel channel, uint32_t number);
void guest_append(struct guest *guest, const void *data, size_t size);
NTSTATUS guest_send(struct guest *guest);
/* Of the four commands that may be asynchronous: sent so where the mode is. Asynchronous is
 * STATUS_SUCCESS. */
NTSTATUS guest_send_maybe_async(struct guest *guest);
#define guest_reply(guest, type)                                                                   \
    ((const struct wire_##type##_reply *)(const void *)(guest)->reply.bytes)

/* Shortcuts; they fail the test when the host refuses. */
uint32_t guest_create_device(struct guest *guest);
uint32_t guest_create_context(struct guest *guest, uint32_t device);
uint32_t guest_create_hw_context(struct guest *guest, uint32_t device); /* for hardware queues */

struct guest_queue {
    uint32_t handle;
    uint32_t fence;
    uint64_t fence_gpu;          /* hardware queues */
    const uint64_t *fence_value; /* in the IO space */
};
struct guest_queue guest_create_paging_queue(struct guest *guest, uint32_t device);
struct guest_queue guest_create_hw_queue(struct guest *guest, uint32_t context);

struct guest_fence {
    uint32_t handle;
    uint32_t global;
    uint64_t gpu;
    const uint64_t *value;
};
struct guest_fence guest_create_fence(struct guest *guest, uint32_t device, uint64_t value,
                                      uint32_t flags);

/* The reply's status; *handle is the allocation. flags: WIRE_CREATE_ALLOCATION_*. */
NTSTATUS guest_try_allocation(struct guest *guest, uint32_t device, uint64_t size, uint32_t flags,
                              uint32_t *handle);

struct guest_memory {
    uint32_t allocation;
    uint64_t gpu;
    unsigned char *cpu;
    uint64_t size;
};
/* Allocated, locked, mapped and resident. */
struct guest_memory guest_create_memory(struct guest *guest, uint32_t device, uint32_t paging_queue,
                                        uint64_t size);
uint64_t guest_map(struct guest *guest, uint32_t paging_queue, uint32_t allocation, uint64_t pages);
void guest_make_resident(struct guest *guest, const struct guest_queue *paging,
                         uint32_t allocation);

/* Private data to the miniport and back; device may be 0. flags: WIRE_ESCAPE_*. */
NTSTATUS guest_escape(struct guest *guest, uint32_t device, uint32_t flags, void *data,
                      uint32_t size);
NTSTATUS guest_submit(struct guest *guest, uint32_t context, uint64_t address, size_t size);
NTSTATUS guest_signal_from_gpu(struct guest *guest, uint32_t queue, uint32_t fence, uint64_t value);
NTSTATUS guest_signal_from_cpu(struct guest *guest, uint32_t device, uint32_t fence,
                               uint64_t value);
NTSTATUS guest_wait_from_gpu(struct guest *guest, uint32_t queue, uint32_t fence, uint64_t value);
/* Registers a wait and returns the event's id. */
uint64_t guest_register_wait(struct guest *guest, uint32_t device, uint32_t count,
                             const uint32_t *fences, const uint64_t *values, bool any);
void guest_wait(struct guest *guest, uint32_t device, uint32_t fence,
                uint64_t value); /* until it is so */
NTSTATUS guest_destroy(struct guest *guest, enum wire_channel channel, uint32_t number,
                       uint32_t handle);
NTSTATUS guest_destroy_allocation(struct guest *guest, uint32_t device, uint32_t resource,
                                  const uint32_t *list, uint32_t count);
uint32_t guest_device_state(struct guest *guest, uint32_t device);

/* The host's messages. Waiting gives up, and fails the test, after a time that means a hang. */
uint64_t guest_new_event(struct guest_vm *vm);
void guest_expect_event(struct guest_vm *vm, uint64_t event);
unsigned guest_event_times(struct guest_vm *vm, uint64_t event);
void guest_expect_data(struct guest_vm *vm, uint64_t cookie);

/* Where a guest physical address of the IO space is in this process. */
void *guest_io_pointer(struct guest_vm *vm, uint64_t address);

/* The host's view of "guest memory": physical addresses are this process's addresses here. */
void *guest_map_pages(void *context, uint64_t guest_physical, size_t size, bool writable);

#endif
