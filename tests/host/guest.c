/* SPDX-License-Identifier: MIT */
/* The guest's end of the tests: VM, processes, sending, and what the host says. */
#include "host/guest.h"

#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>

#include "backend-loopback/kmd/softgpu.h"
#include "core/wire/host_message.h"

const struct guest_mode guest_modes[3] = {
    {"version 27", WIRE_VERSION_OLD, false},
    {"version 40", WIRE_VERSION, false},
    {"version 40 asynchronous", WIRE_VERSION, true},
};

int guest_run_in_each_mode(const struct guest_mode **mode, const struct CMUnitTest *tests,
                           size_t count)
{
    int failed = 0;

    for (unsigned i = 0; i < sizeof(guest_modes) / sizeof(guest_modes[0]); i++) {
        *mode = &guest_modes[i];
        failed += _cmocka_run_group_tests((*mode)->name, tests, count, NULL, NULL);
    }
    return failed;
}

/* ---- host's messages */

static void take_message(void *context, const void *bytes, size_t size)
{
    struct guest_vm *vm = context;
    struct wire_host_message message;
    assert_int_equal(wire_host_message_decode(bytes, size, &message), WIRE_OK);
    pthread_mutex_lock(&vm->lock);
    if (message.number == WIRE_HOST_SETGUESTDATA) {
        assert_int_equal(message.data->data32, 1);
        vm->cookies[vm->data_count++ % GUEST_MAX_NOTED] = message.data->guest_pointer;
    } else {
        vm->events[vm->event_count++ % GUEST_MAX_NOTED] = message.signal->event;
    }
    pthread_cond_broadcast(&vm->changed);
    pthread_mutex_unlock(&vm->lock);
}

void *guest_map_pages(void *context, uint64_t guest_physical, size_t size, bool writable)
{
    (void)context;
    (void)size;
    (void)writable;
    return (void *)(uintptr_t)guest_physical;
}

static unsigned count_of(const uint64_t *list, unsigned count, uint64_t wanted)
{
    unsigned times = 0;
    for (unsigned i = 0; i < count && i < GUEST_MAX_NOTED; i++)
        times += list[i] == wanted;
    return times;
}

static void expect(struct guest_vm *vm, const uint64_t *list, const unsigned *count,
                   uint64_t wanted)
{
    struct timespec deadline;
    int error = 0;
    clock_gettime(CLOCK_REALTIME, &deadline);
    deadline.tv_sec += 60;
    pthread_mutex_lock(&vm->lock);
    while (!count_of(list, *count, wanted) && !error)
        error = pthread_cond_timedwait(&vm->changed, &vm->lock, &deadline);
    pthread_mutex_unlock(&vm->lock);
    assert_int_equal(error, 0);
}

uint64_t guest_new_event(struct guest_vm *vm)
{
    pthread_mutex_lock(&vm->lock);
    uint64_t event = ++vm->last_event;
    pthread_mutex_unlock(&vm->lock);
    return event;
}

void guest_expect_event(struct guest_vm *vm, uint64_t event)
{
    expect(vm, vm->events, &vm->event_count, event);
}

unsigned guest_event_times(struct guest_vm *vm, uint64_t event)
{
    pthread_mutex_lock(&vm->lock);
    unsigned times = count_of(vm->events, vm->event_count, event);
    pthread_mutex_unlock(&vm->lock);
    return times;
}

void guest_expect_data(struct guest_vm *vm, uint64_t cookie)
{
    expect(vm, vm->cookies, &vm->data_count, cookie);
}

/* ---- sending */

void *guest_begin(struct guest *guest, enum wire_channel channel, uint32_t number)
{
    static const struct wire_luid none;
    uint32_t words[2];
    words[0] = host_config_read(guest->vm->connection, guest->adapter, HOST_CONFIG_VGPU_LUID);
    words[1] = host_config_read(guest->vm->connection, guest->adapter, HOST_CONFIG_VGPU_LUID + 4);
    struct wire_envelope envelope = {
        .interface_version = guest->vm->mode.version,
        .vgpu_luid = channel == WIRE_VGPU ? (struct wire_luid){words[0], words[1]} : none,
        .process = guest->process,
    };
    void *fixed = wire_request_begin(&guest->builder, channel, number, &envelope,
                                     guest->request_bytes, sizeof(guest->request_bytes));
    assert_non_null(fixed);
    return fixed;
}

void guest_append(struct guest *guest, const void *data, size_t size)
{
    assert_true(wire_append(&guest->builder.out, data, size) || size == 0);
}

static NTSTATUS exchange(struct guest *guest, bool async)
{
    struct wire_header *header = (struct wire_header *)(uintptr_t)guest->builder.request.bytes;
    if (async)
        header->channel |= WIRE_CHANNEL_ASYNC_MSG;
    size_t size = wire_request_finish(&guest->builder);
    assert_true(size > 0);
    bool global = guest->vm->mode.async || guest->builder.request.command->channel == WIRE_GLOBAL;
    int channel = global ? HOST_GLOBAL_CHANNEL : (int)guest->adapter;
    size_t answer = host_command(guest->vm->connection, channel, guest->request_bytes, size, !async,
                                 guest->reply_bytes, sizeof(guest->reply_bytes));
    if (async) {
        assert_int_equal(answer, 0);
        return STATUS_SUCCESS;
    }
    guest->error =
        wire_reply_decode(&guest->builder.request, guest->reply_bytes, answer, &guest->reply);
    if (guest->error == WIRE_ERROR_SHORT_REPLY)
        return STATUS_BUFFER_TOO_SMALL;
    assert_int_equal(guest->error, WIRE_OK);
    return guest->reply.status;
}

NTSTATUS guest_send(struct guest *guest)
{
    return exchange(guest, false);
}

NTSTATUS guest_send_maybe_async(struct guest *guest)
{
    return exchange(guest, guest->vm->mode.async);
}

/* ---- start and end */

static void negotiate(struct guest_vm *vm)
{
    host_config_write(vm->connection, 0, HOST_CONFIG_GUEST_CAPS, 1);
    uint32_t version = host_config_read(vm->connection, 0, HOST_CONFIG_VERSION);
    assert_int_equal(version, vm->mode.version);
    if (version >= WIRE_VERSION)
        host_config_write(vm->connection, 0, HOST_CONFIG_VERSION, WIRE_VERSION);
}

static void open_adapters(struct guest_vm *vm)
{
    static struct guest driver;
    for (uint32_t i = 0; i < host_adapter_count(vm->host); i++) {
        driver = (struct guest){.vm = vm, .adapter = i};
        struct wire_openadapter *open = guest_begin(&driver, WIRE_VGPU, WIRE_VGPU_OPENADAPTER);
        open->vmbus_interface_version = vm->mode.version;
        open->vmbus_last_compatible_interface_version = WIRE_VERSION_LAST_COMPATIBLE;
        assert_int_equal(guest_send(&driver), STATUS_SUCCESS);
        vm->adapter_handles[i] = guest_reply(&driver, openadapter)->host_adapter_handle;
        assert_int_not_equal(vm->adapter_handles[i], 0);
    }
}

void guest_vm_connect(struct guest_vm *vm)
{
    static struct guest driver;
    struct host_guest_link link = {
        .context = vm, .message = take_message, .map_pages = guest_map_pages};
    assert_int_equal(host_guest_connect(vm->host, &link, &vm->connection), STATUS_SUCCESS);
    negotiate(vm);
    driver = (struct guest){.vm = vm};
    struct wire_setiospaceregion *region =
        guest_begin(&driver, WIRE_GLOBAL, WIRE_GLOBAL_SETIOSPACEREGION);
    region->start = IO_SPACE_START;
    region->length = host_io_space_size(vm->host);
    assert_int_equal(guest_send(&driver), STATUS_SUCCESS);
    open_adapters(vm);
}

void guest_vm_open(struct guest_vm *vm, const struct guest_mode *mode,
                   const struct host_config *given)
{
    struct host_config config = {.adapter_count = 2};
    if (given)
        config = *given;
    config.interface_version = mode->version;
    config.async_messages = mode->async;
    if (!config.io_space_size)
        config.io_space_size = IO_SPACE_SIZE;
    for (uint32_t i = 0; i < config.adapter_count; i++)
        if (!config.adapters[i].miniport)
            config.adapters[i].miniport = &kmd_softgpu;
    memset(vm, 0, sizeof(*vm));
    vm->mode = *mode;
    vm->last_event = 1;
    pthread_mutex_init(&vm->lock, NULL);
    pthread_cond_init(&vm->changed, NULL);
    assert_int_equal(host_create(&config, &vm->host), STATUS_SUCCESS);
    vm->io_space = mmap(NULL, host_io_space_size(vm->host), PROT_READ | PROT_WRITE, MAP_SHARED,
                        host_io_space_fd(vm->host), 0);
    assert_ptr_not_equal(vm->io_space, MAP_FAILED);
    guest_vm_connect(vm);
}

void guest_vm_close(struct guest_vm *vm)
{
    munmap(vm->io_space, host_io_space_size(vm->host));
    host_guest_disconnect(vm->connection);
    host_destroy(vm->host);
    pthread_cond_destroy(&vm->changed);
    pthread_mutex_destroy(&vm->lock);
}

struct guest *guest_open(struct guest_vm *vm, uint32_t adapter)
{
    struct guest *guest = calloc(1, sizeof(*guest));
    assert_non_null(guest);
    guest->vm = vm;
    guest->adapter = adapter;
    struct wire_createprocess *create = guest_begin(guest, WIRE_GLOBAL, WIRE_GLOBAL_CREATEPROCESS);
    create->process_id = 4711;
    create->bits = WIRE_PROCESS_LINUX_PROCESS;
    assert_int_equal(guest_send(guest), STATUS_SUCCESS);
    guest->process = guest_reply(guest, createprocess)->hprocess;
    assert_int_not_equal(guest->process, 0);
    return guest;
}

void guest_close(struct guest *guest)
{
    guest_begin(guest, WIRE_GLOBAL, WIRE_GLOBAL_DESTROYPROCESS);
    assert_int_equal(guest_send(guest), STATUS_SUCCESS);
    free(guest);
}

void *guest_io_pointer(struct guest_vm *vm, uint64_t address)
{
    assert_true(address >= IO_SPACE_START &&
                address < IO_SPACE_START + host_io_space_size(vm->host) - PAGE);
    assert_int_equal(address % PAGE, 0);
    return vm->io_space + (address - IO_SPACE_START);
}
