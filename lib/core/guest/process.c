/* SPDX-License-Identifier: MIT */
/* The process object: open, close, lookups, and what all objects have in common. */
#include "core/guest/process.h"

#include "core/guest/message.h"
#include "core/last_error.h"
#include "core/memory.h"

#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

/* ---- open and close */

/* A Linux task name, which is what the host is told, has 15 characters. */
enum { TASK_NAME_MAX = 15 };

static NTSTATUS send_create_process(struct guest_process *process, const char *name)
{
    struct guest_message message;
    struct wire_createprocess *command =
        guest_message_begin(&message, process->vm, NULL, 0, WIRE_GLOBAL_CREATEPROCESS, 0);

    if (!command)
        return STATUS_NO_MEMORY;
    command->process = atomic_fetch_add(&process->vm->next_cookie, 1);
    command->process_id = process->process_id;
    command->bits = WIRE_PROCESS_LINUX_PROCESS;
    for (int i = 0; i < TASK_NAME_MAX && name[i]; i++)
        command->process_name[i] = (unsigned char)name[i];
    NTSTATUS status = guest_message_exchange(&message);
    if (NT_SUCCESS(status)) {
        process->host_handle =
            ((const struct wire_createprocess_reply *)message.reply.bytes)->hprocess;
        if (process->host_handle == 0)
            status = d3dkmti_fail(STATUS_INVALID_HANDLE, "the host made no process");
    }
    guest_message_end(&message);
    return status;
}

static void init_pools(struct guest_process *process)
{
    pool_init(&process->open_adapter_pool, sizeof(struct guest_open_adapter));
    pool_init(&process->device_pool, sizeof(struct guest_device));
    pool_init(&process->context_pool, sizeof(struct guest_context));
    pool_init(&process->hw_queue_pool, sizeof(struct guest_hw_queue));
    pool_init(&process->paging_queue_pool, sizeof(struct guest_paging_queue));
    pool_init(&process->resource_pool, sizeof(struct guest_resource));
    pool_init(&process->allocation_pool, sizeof(struct guest_allocation));
    pool_init(&process->sync_object_pool, sizeof(struct guest_sync_object));
}

static void free_process(struct guest_process *process)
{
    pool_destroy(&process->open_adapter_pool);
    pool_destroy(&process->device_pool);
    pool_destroy(&process->context_pool);
    pool_destroy(&process->hw_queue_pool);
    pool_destroy(&process->paging_queue_pool);
    pool_destroy(&process->resource_pool);
    pool_destroy(&process->allocation_pool);
    pool_destroy(&process->sync_object_pool);
    handle_table_destroy(&process->handles);
    handle_table_destroy(&process->adapter_handles);
    pthread_mutex_destroy(&process->lock_mutex);
    pthread_mutex_destroy(&process->mutex);
    pthread_mutex_destroy(&process->adapter_mutex);
    free(process);
}

static struct guest_process *make_process(struct guest_vm *vm,
                                          const struct guest_process_options *options)
{
    struct guest_process *process = d3dkmti_calloc(1, sizeof(*process));

    if (!process)
        return NULL;
    process->vm = vm;
    process->process_id = options->process_id;
    process->check_pointers = options->check_pointers;
    process->interruptible = options->interruptible;
    pthread_mutex_init(&process->adapter_mutex, NULL);
    pthread_mutex_init(&process->mutex, NULL);
    pthread_mutex_init(&process->lock_mutex, NULL);
    init_pools(process);
    if (NT_SUCCESS(handle_table_init(&process->adapter_handles)) &&
        NT_SUCCESS(handle_table_init(&process->handles)))
        return process;
    free_process(process);
    return NULL;
}

NTSTATUS d3dkmti_guest_process_open(struct guest_vm *vm,
                                    const struct guest_process_options *options,
                                    struct guest_process **process)
{
    struct guest_process_options known = *options;
    char task_name[TASK_NAME_MAX + 1] = "";

    if (vm->global != GUEST_GLOBAL_OPEN)
        return d3dkmti_fail(STATUS_DEVICE_REMOVED, "the host offers no adapter");
    if (!known.name) {
        prctl(PR_GET_NAME, task_name);
        known.name = task_name;
        known.process_id = (uint64_t)getpid();
    }
    struct guest_process *made = make_process(vm, &known);
    if (!made)
        return d3dkmti_fail(STATUS_NO_MEMORY, "no memory for the process object");
    NTSTATUS status = send_create_process(made, known.name);
    if (!NT_SUCCESS(status)) {
        free_process(made);
        return status;
    }
    pthread_mutex_lock(&vm->mutex);
    /* In order of opening, which EnumProcesses shows. */
    struct guest_process **link = &vm->processes;
    while (*link)
        link = &(*link)->next;
    *link = made;
    pthread_mutex_unlock(&vm->mutex);
    *process = made;
    return STATUS_SUCCESS;
}

void d3dkmti_guest_process_interrupt(struct guest_process *process)
{
    atomic_store(&process->interrupted, true);
    guest_events_cancel(&process->vm->events, process, STATUS_DEVICE_REMOVED, false);
}

static void unlink_process(struct guest_process *process)
{
    struct guest_vm *vm = process->vm;

    pthread_mutex_lock(&vm->mutex);
    struct guest_process **link = &vm->processes;
    while (*link != process)
        link = &(*link)->next;
    *link = process->next;
    pthread_mutex_unlock(&vm->mutex);
}

static void release_adapter_handle(void *context, D3DKMT_HANDLE handle, enum handle_type type,
                                   void *object)
{
    (void)context, (void)handle, (void)type;
    guest_object_release(object);
}

void d3dkmti_guest_process_close(struct guest_process *process)
{
    struct guest_vm *vm = process->vm;

    unlink_process(process);
    while (process->open_adapters)
        guest_open_adapter_close_all(process->open_adapters);
    handle_table_visit(&process->adapter_handles, release_adapter_handle, NULL);
    /* The host drops what belongs to no device with the process: no messages. */
    while (process->sync_objects.first)
        guest_sync_object_drop((struct guest_sync_object *)process->sync_objects.first);
    guest_events_cancel(&vm->events, process, STATUS_DEVICE_REMOVED, true);
    if (vm->global == GUEST_GLOBAL_OPEN) {
        struct guest_message message;

        if (guest_message_begin(&message, vm, NULL, process->host_handle,
                                WIRE_GLOBAL_DESTROYPROCESS, 0)) {
            (void)guest_message_exchange(&message);
            guest_message_end(&message);
        }
    }
    free_process(process);
}

/* ---- lookups */

static void explain_handle(struct guest_process *process, D3DKMT_HANDLE handle,
                           enum handle_type wanted, const char *argument)
{
    const char *found = handle_type_name(handle_table_type(&process->handles, handle));

    if (handle == 0)
        found = "no handle";
    else if (!found)
        found = "nothing that exists in this process";
    d3dkmti_fail(STATUS_INVALID_PARAMETER, "%s 0x%08x is %s, not %s", argument, handle, found,
                 handle_type_name(wanted));
}

struct guest_device *guest_device_acquire(struct guest_process *process, D3DKMT_HANDLE handle,
                                          const char *argument)
{
    struct guest_device *device =
        handle_table_acquire(&process->handles, handle, HANDLE_TYPE_DEVICE);

    if (!device)
        explain_handle(process, handle, HANDLE_TYPE_DEVICE, argument);
    return device;
}

void *guest_child_acquire(struct guest_process *process, D3DKMT_HANDLE handle,
                          enum handle_type type, const char *argument)
{
    struct guest_object *object = handle_table_acquire(&process->handles, handle, type);

    if (!object) {
        explain_handle(process, handle, type, argument);
    } else if (object->device && object->device->destroyed) {
        d3dkmti_fail(STATUS_INVALID_PARAMETER, "the device of %s 0x%08x is destroyed", argument,
                     handle);
        guest_object_release(object);
        object = NULL;
    }
    return object;
}

NTSTATUS guest_device_check_active(const struct guest_device *device)
{
    if (device->destroyed)
        return d3dkmti_fail(STATUS_DEVICE_REMOVED, "hDevice 0x%08x is being destroyed",
                            device->object.handle);
    return guest_adapter_check_active(guest_device_adapter(device));
}

/* ---- objects */

void *guest_object_create(struct guest_process *process, struct pool *pool, enum handle_type type,
                          struct guest_device *device, void (*destroy)(struct reference *))
{
    struct guest_object *object = pool_get(pool);

    if (!object) {
        d3dkmti_fail(STATUS_NO_MEMORY, "no memory for %s", handle_type_name(type));
        return NULL;
    }
    if (device)
        reference_acquire(&device->object.reference);
    object->process = process;
    object->device = device;
    object->type = type;
    reference_init(&object->reference, destroy);
    return object;
}

void guest_object_free(struct guest_object *object, struct pool *pool)
{
    struct guest_device *device = object->device;

    pool_put(pool, object);
    guest_object_release(device);
}

void guest_list_append(struct guest_object_list *list, struct guest_object *object)
{
    object->list = list;
    object->previous = list->last;
    object->next = NULL;
    if (list->last)
        list->last->next = object;
    else
        list->first = object;
    list->last = object;
}

void guest_list_remove(struct guest_object *object)
{
    struct guest_object_list *list = object->list;

    if (!list)
        return;
    if (object->previous)
        object->previous->next = object->next;
    else
        list->first = object->next;
    if (object->next)
        object->next->previous = object->previous;
    else
        list->last = object->previous;
    object->list = NULL;
}

NTSTATUS guest_handles_insert(struct guest_process *process,
                              const struct handle_insertion *insertions, size_t count)
{
    NTSTATUS status = handle_table_insert(&process->handles, insertions, count);

    if (status == STATUS_NO_MEMORY)
        return d3dkmti_fail(status, "no memory for the handle table");
    if (!NT_SUCCESS(status))
        return d3dkmti_fail(status, "the host chose a handle that is 0, out of range or in use");
    return status;
}

NTSTATUS guest_child_publish(struct guest_object *child, const struct handle_insertion *insertions,
                             size_t count)
{
    struct guest_process *process = child->process;
    NTSTATUS status;

    pthread_mutex_lock(&process->mutex);
    if (child->device->destroyed)
        status = d3dkmti_fail(STATUS_INVALID_PARAMETER, "the device was destroyed meanwhile");
    else
        /* What an adapter that stops leaves to its devices is gone through under this mutex. */
        status = guest_adapter_check_active(guest_device_adapter(child->device));
    if (NT_SUCCESS(status))
        status = guest_handles_insert(process, insertions, count);
    if (NT_SUCCESS(status))
        guest_list_append(&child->device->children, child);
    pthread_mutex_unlock(&process->mutex);
    return status;
}

bool guest_child_withdraw(struct guest_object *child)
{
    struct guest_process *process = child->process;

    pthread_mutex_lock(&process->mutex);
    bool won = handle_table_remove(&process->handles, child->handle, child->type, NULL);
    if (won)
        guest_list_remove(child);
    pthread_mutex_unlock(&process->mutex);
    if (!won)
        d3dkmti_fail(STATUS_INVALID_PARAMETER, "0x%08x was destroyed meanwhile", child->handle);
    return won;
}
