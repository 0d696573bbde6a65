/* SPDX-License-Identifier: MIT */
/*
 * One command on its way through the host. To add a command, write a handler and name it in the
 * table of command.c; commands without a handler are answered STATUS_NOT_SUPPORTED in their reply
 * form.
 */
#ifndef BACKEND_LOOPBACK_HOST_COMMAND_H
#define BACKEND_LOOPBACK_HOST_COMMAND_H

#include "backend-loopback/host/objects.h"
#include "core/wire/reply.h"

struct host_call {
    struct host *host; /* the guest's */
    struct host_guest *guest;
    const struct wire_request *request;
    struct host_adapter *adapter; /* of vGPU commands */
    struct host_process *process; /* a reference; NULL for commands that have none */
    struct wire_builder out;      /* the reply, for tails */
};

/*
 * command: struct wire_<command> in a private copy; reply: the zeroed struct wire_<command>_reply,
 * the echo, or NULL where the reply has no fixed part. Any status but a failure (negative) goes
 * into the reply's status field, if it has one. A failure is told in the command's way: where there
 * is a status field what the handler wrote into reply goes along, otherwise it is discarded.
 */
typedef NTSTATUS host_handler(struct host_call *call, const void *command, void *reply);

/* process.c */
host_handler host_create_process, host_destroy_process, host_set_io_space_region;

/* adapter.c, adapter_info.c */
host_handler host_open_adapter, host_close_adapter, host_get_internal_adapter_info,
    host_query_adapter_info, host_query_video_memory_info, host_change_video_memory_reservation,
    host_query_clock_calibration, host_get_standard_allocation_driver_data, host_is_feature_enabled;

/* escape.c */
host_handler host_escape;

/* statistics.c */
host_handler host_query_statistics;

/* device.c */
host_handler host_create_device, host_destroy_device, host_flush_device, host_get_device_state,
    host_mark_device_as_error;

/* context.c */
host_handler host_create_context, host_destroy_context, host_create_hw_queue, host_destroy_hw_queue,
    host_set_context_priority, host_get_context_priority, host_submit_command,
    host_submit_command_to_hw_queue;

/* paging.c */
host_handler host_create_paging_queue, host_destroy_paging_queue, host_map_address,
    host_reserve_address, host_free_address, host_update_address;

/* residency.c, offer.c */
host_handler host_make_resident, host_evict, host_query_residency, host_update_allocation_property,
    host_flush_heap_transitions, host_offer_allocations, host_reclaim_allocations,
    host_set_allocation_priority, host_get_allocation_priority;

/* allocation.c, memory.c */
host_handler host_create_allocation, host_destroy_allocation, host_lock2, host_unlock2,
    host_invalidate_cache, host_set_existing_store, host_set_existing_pages;

/* shared.c */
host_handler host_create_shared_object, host_destroy_shared_object, host_open_resource,
    host_share_with_host;

/* sync.c */
host_handler host_create_sync, host_destroy_sync, host_open_sync, host_signal_sync,
    host_wait_from_cpu, host_wait_from_gpu;

/* ---- looking up what a message names: with a reference, NULL if it is not the process's or not
 * the adapter's */

struct host_device *host_find_device(const struct host_call *call, uint32_t handle);
struct host_context *host_find_context(const struct host_call *call, uint32_t handle);
struct host_paging_queue *host_find_paging_queue(const struct host_call *call, uint32_t handle);
struct host_allocation *host_find_allocation(const struct host_call *call, uint32_t handle);

/* For global commands, which name no adapter. */
struct host_device *host_find_any_device(const struct host_call *call, uint32_t handle);
struct host_hw_queue *host_find_hw_queue(const struct host_call *call, uint32_t handle);

/* The gpu queue behind a context or hardware queue handle; *holder receives the reference to
 * release. */
struct gpu_queue *host_find_queue(const struct host_call *call, uint32_t handle,
                                  struct host_object **holder, struct host_device **device);

/* The queues of several handles, with references; release with host_queues_drop in any case. */
enum { HOST_MAX_QUEUES = 64 };

struct host_queues {
    uint32_t count;
    struct host_device *device; /* of the first */
    struct gpu_queue *list[HOST_MAX_QUEUES];
    struct host_object *holders[HOST_MAX_QUEUES];
};

/* STATUS_INVALID_PARAMETER: none, too many, or one is missing (device is set if the first was
 * there). */
NTSTATUS host_queues_find(const struct host_call *call, const struct wire_span *handles,
                          struct host_queues *queues);
void host_queues_drop(struct host_queues *queues);

/* An asynchronous command has no reply: its failure becomes the error state of the device, if there
 * is one. */
void host_async_failure(const struct host_call *call, struct host_device *device, NTSTATUS status);

/* A copy of a span for code that may cast it: aligned for anything. NULL: empty, or no memory (then
 * *failed). */
void *host_copy_span(const struct wire_span *span, bool *failed);

/* True for the host handle of the call's adapter. */
bool host_is_adapter_handle(const struct host_call *call, uint32_t handle);

/* Inserts an object into the process's table and drops the creator's reference in any case; *handle
 * receives the handle. */
NTSTATUS host_publish(struct host_call *call, struct host_object *object, uint32_t *handle);

/* Room for count pointers: inside for few, else from the heap. */
enum { HOST_INLINE_OBJECTS = 64 };

struct host_objects {
    uint32_t count;
    struct host_object **list;
    struct host_object *inline_list[HOST_INLINE_OBJECTS];
};

/* Looks all handles of a tail up; release with host_objects_drop in any case.
 * STATUS_INVALID_PARAMETER, STATUS_NO_MEMORY. */
NTSTATUS host_objects_find(const struct host_call *call, const struct wire_span *handles,
                           enum host_kind kind, struct host_objects *objects);
void host_objects_drop(struct host_objects *objects);

#endif
