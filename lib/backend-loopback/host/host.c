/* SPDX-License-Identifier: MIT */
/* The host as a whole, its guests, and what it says to them on its own account. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "backend-loopback/host/objects.h"
#include "core/wire/host_message.h"

enum {
    DEFAULT_PROCESSES = 1024,
    DEFAULT_OBJECTS = 1 << 20,
    OPEN_WAITS = 65536, /* of one guest */
    /* Guest-local adapter handles start at index 0 of a table of their own, but one message field
     * takes either kind: a distance keeps the two from being equal. */
    FIRST_INDEX = 512,
    /* Global handles carry instance bits that no process handle has, as share handles do on
       Windows. */
    GLOBAL_INSTANCE = 2,
};

void host_log(struct host_guest *guest, enum host_log_level level, const char *format, ...)
{
    char text[256];
    va_list arguments;
    if (!guest->link.log)
        return;
    va_start(arguments, format);
    vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    guest->link.log(guest->link.context, level, text);
}

void host_send_event(struct host_guest *guest, uint64_t event)
{
    struct wire_signalguestevent message;
    wire_host_message_signal(&message, event, false);
    guest->link.message(guest->link.context, &message, sizeof(message));
}

void host_send_device_state(struct host_guest *guest, uint64_t cookie)
{
    struct wire_setguestdata message;
    wire_host_message_set_data(&message, cookie, 1);
    guest->link.message(guest->link.context, &message, sizeof(message));
}

/* ---- start */

static LUID luid_or(LUID given, uint32_t low, int32_t high)
{
    if (given.LowPart || given.HighPart)
        return given;
    return (LUID){.LowPart = low, .HighPart = high};
}

/* The configuration with every default filled in. */
static NTSTATUS adapter_defaults(struct host_adapter_config *config, uint32_t index,
                                 uint32_t number)
{
    char name[64];
    snprintf(name, sizeof(name), "Software GPU %u", index);
    config->name = strdup(config->name ? config->name : name);
    config->miniport_options = config->miniport_options ? strdup(config->miniport_options) : NULL;
    if (!config->name)
        return STATUS_NO_MEMORY;
    config->luid = luid_or(config->luid, 0x10000 + number, 1);
    config->vgpu_luid = luid_or(config->vgpu_luid, 0x20000 + number, 2);
    config->host_luid = luid_or(config->host_luid, 0x30000 + number, 3);
    if (!config->device_ids.VendorID)
        config->device_ids =
            (D3DKMT_DEVICE_IDS){.VendorID = 0x1414, .DeviceID = 0x5347, .BusType = 5};
    if (!config->umd_version)
        config->umd_version = UINT64_C(1) << 48;
    return STATUS_SUCCESS;
}

NTSTATUS host_adapter_start(struct host *host, uint32_t index,
                            const struct host_adapter_config *config)
{
    struct host_adapter *adapter = &host->adapters[index];
    adapter->host = host;
    adapter->index = index;
    adapter->config = *config;
    NTSTATUS status = adapter_defaults(&adapter->config, index, host->adapters_started++);
    struct gpu_adapter_config gpu = {
        .miniport = adapter->config.miniport,
        .miniport_options = adapter->config.miniport_options,
        .compute_only = adapter->config.compute_only,
        .asynchronous_paging = adapter->config.asynchronous_paging,
        .hang_timeout_ns = adapter->config.hang_timeout_ns,
        .node_count = adapter->config.node_count,
        .nodes = adapter->config.nodes,
        .secure_virtual_machine = host->config.secure,
    };
    memcpy(gpu.virtual_machine, host->config.virtual_machine, sizeof(gpu.virtual_machine));
    memcpy(gpu.segment_size, adapter->config.segment_size, sizeof(gpu.segment_size));
    memcpy(gpu.budget, adapter->config.budget, sizeof(gpu.budget));
    if (NT_SUCCESS(status))
        status = gpu_adapter_create(host->machine, &gpu, &adapter->gpu);
    if (!NT_SUCCESS(status)) {
        adapter->gpu = NULL;
        host_adapter_stop(adapter);
        return status;
    }
    if (index >= host->adapter_count)
        host->adapter_count = index + 1;
    adapter->removed = false;
    atomic_store(&adapter->present, true);
    return STATUS_SUCCESS;
}

/* A stream of commands must not keep an adapter from coming or going. */
static void init_presence(pthread_rwlock_t *lock)
{
    pthread_rwlockattr_t attributes;
    pthread_rwlockattr_init(&attributes);
    pthread_rwlockattr_setkind_np(&attributes, PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP);
    pthread_rwlock_init(lock, &attributes);
    pthread_rwlockattr_destroy(&attributes);
}

static bool is_valid(const struct host_config *config)
{
    if (!config || config->adapter_count < 1 || config->adapter_count > HOST_MAX_ADAPTERS)
        return false;
    for (uint32_t i = 0; i < config->adapter_count; i++)
        if (!config->adapters[i].miniport)
            return false;
    return true;
}

static NTSTATUS start(struct host *host)
{
    struct gpu_machine_config machine = {
        .storage_size = host->config.io_space_size,
        .storage = host->config.io_space,
        .clock = host->config.clock,
        .deterministic = host->config.deterministic,
        .seed = host->config.seed,
    };
    NTSTATUS status = gpu_machine_create(&machine, &host->machine);
    if (!NT_SUCCESS(status))
        host->machine = NULL;
    for (uint32_t i = 0; i < host->config.adapter_count && NT_SUCCESS(status); i++)
        status = host_adapter_start(host, i, &host->config.adapters[i]);
    return status;
}

NTSTATUS host_create(const struct host_config *config, struct host **result)
{
    if (!is_valid(config))
        return STATUS_INVALID_PARAMETER;
    struct host *host = calloc(1, sizeof(*host));
    if (!host)
        return STATUS_NO_MEMORY;
    host->config = *config;
    static const uint8_t no_guid[16];
    if (memcmp(host->config.virtual_machine, no_guid, sizeof(no_guid)) == 0)
        memcpy(host->config.virtual_machine, "libd3dkmt's VM 1", sizeof(no_guid));
    if (!host->config.interface_version)
        host->config.interface_version = WIRE_VERSION;
    if (!host->config.max_processes)
        host->config.max_processes = DEFAULT_PROCESSES;
    if (!host->config.max_objects)
        host->config.max_objects = DEFAULT_OBJECTS;
    pthread_mutex_init(&host->waits_lock, NULL);
    init_presence(&host->presence);
    NTSTATUS status =
        host_table_init(&host->globals, FIRST_INDEX, host->config.max_objects, GLOBAL_INSTANCE);
    if (!NT_SUCCESS(status)) {
        free(host);
        return status;
    }
    status = host_table_init(&host->worker, FIRST_INDEX, host->config.max_objects, 0);
    if (!NT_SUCCESS(status)) {
        host_table_destroy(&host->globals);
        free(host);
        return status;
    }
    status = start(host);
    if (!NT_SUCCESS(status)) {
        host_destroy(host);
        return status;
    }
    *result = host;
    return STATUS_SUCCESS;
}

/* ---- end */

void host_adapter_stop(struct host_adapter *adapter)
{
    gpu_adapter_destroy(adapter->gpu);
    adapter->gpu = NULL;
    free((char *)adapter->config.name);
    free((char *)adapter->config.miniport_options);
    adapter->config.name = NULL;
    adapter->config.miniport_options = NULL;
}

void host_destroy(struct host *host)
{
    if (!host)
        return;
    host_objects_release(host_table_collect(&host->worker, NULL));
    host_objects_release(host_table_collect(&host->globals, NULL));
    for (uint32_t i = 0; i < host->adapter_count; i++)
        host_adapter_stop(&host->adapters[i]);
    gpu_machine_destroy(host->machine);
    while (host->free_waits) {
        struct host_wait *wait = host->free_waits;
        host->free_waits = wait->next;
        free(wait);
    }
    host_table_destroy(&host->worker);
    host_table_destroy(&host->globals);
    pthread_rwlock_destroy(&host->presence);
    pthread_mutex_destroy(&host->waits_lock);
    free(host);
}

/* ---- guests */

static void destroy_guest(struct host_object *object)
{
    struct host_guest *guest = (struct host_guest *)(void *)object;
    pthread_mutex_destroy(&guest->lock);
}

NTSTATUS host_guest_connect(struct host *host, const struct host_guest_link *link,
                            struct host_guest **result)
{
    if (!link || !link->message)
        return STATUS_INVALID_PARAMETER;
    struct host_guest *guest =
        host_object_create(sizeof(*guest), HOST_KIND_GUEST, NULL, destroy_guest);
    if (!guest)
        return STATUS_NO_MEMORY;
    guest->host = host;
    guest->link = *link;
    pthread_mutex_init(&guest->lock, NULL);
    NTSTATUS status = gpu_wait_group_create(host->machine, OPEN_WAITS, &guest->waits);
    if (!NT_SUCCESS(status)) {
        guest->waits = NULL;
        host_object_release(&guest->object);
        return status;
    }
    *result = guest;
    return STATUS_SUCCESS;
}

void host_guest_disconnect(struct host_guest *guest)
{
    if (!guest)
        return;
    pthread_rwlock_t *presence = &guest->host->presence;
    pthread_rwlock_rdlock(presence); /* an adapter that is removed lets go of the same objects */
    host_objects_release(host_table_collect(&guest->host->globals, &guest->object));
    for (uint32_t i = 0; i < HOST_MAX_ADAPTERS; i++)
        host_object_release(guest->opened[i].object);
    while (guest->gpadls)
        host_gpadl_teardown(guest, guest->gpadls->id);
    pthread_rwlock_unlock(presence);
    gpu_wait_group_destroy(guest->waits);
    host_object_release(&guest->object);
}

/* ---- steering */

struct gpu_machine *host_machine(const struct host *host)
{
    return host->machine;
}

struct gpu_adapter *host_gpu_adapter(const struct host *host, uint32_t adapter)
{
    return adapter < host->adapter_count ? host->adapters[adapter].gpu : NULL;
}

uint32_t host_object_count(struct host *host)
{
    uint32_t count = 0;
    pthread_rwlock_rdlock(&host->globals.lock);
    for (uint32_t slot = 0; slot < host->globals.size; slot++) {
        struct host_object *object = host->globals.entries[slot].object;
        if (!object || object->kind != HOST_KIND_PROCESS)
            continue;
        struct host_table *table = &((struct host_process *)(void *)object)->table;
        pthread_rwlock_rdlock(&table->lock);
        count += table->live;
        pthread_rwlock_unlock(&table->lock);
    }
    pthread_rwlock_unlock(&host->globals.lock);
    return count;
}

/* ---- text */

static size_t put_utf8(char *to, size_t room, uint32_t character)
{
    unsigned follow = character < 0x80 ? 0 : character < 0x800 ? 1 : character < 0x10000 ? 2 : 3;
    static const uint8_t marks[] = {0, 0xc0, 0xe0, 0xf0};
    if (room < follow + 1)
        return 0;
    to[0] = (char)(marks[follow] | character >> 6 * follow);
    for (unsigned i = 1; i <= follow; i++)
        to[i] = (char)(0x80 | (character >> 6 * (follow - i) & 0x3f));
    return follow + 1;
}

void host_utf8(char *to, size_t size, const uint16_t *text, size_t units)
{
    size_t used = 0;
    for (size_t i = 0; i < units && text[i]; i++) {
        uint32_t character = text[i];
        if (character >= 0xd800 && character < 0xdc00 && i + 1 < units &&
            (text[i + 1] & 0xfc00) == 0xdc00)
            character = 0x10000 + ((character - 0xd800) << 10) + (text[++i] - 0xdc00u);
        else if (character >= 0xd800 && character < 0xe000)
            character = 0xfffd;
        size_t length = put_utf8(to + used, size - 1 - used, character);
        if (length == 0)
            break;
        used += length;
    }
    to[used] = '\0';
}

/* Decodes one character; malformed bytes become U+FFFD one by one. */
static uint32_t next_character(const unsigned char **text)
{
    const unsigned char *at = *text;
    unsigned follow = at[0] >= 0xf0 && at[0] < 0xf5 ? 3 : at[0] >= 0xe0 ? 2 : at[0] >= 0xc2 ? 1 : 0;
    uint32_t character = at[0];
    *text = at + 1;
    if (at[0] < 0x80)
        return character;
    if (follow == 0 || at[0] >= 0xf5)
        return 0xfffd;
    character &= 0x3fu >> follow;
    for (unsigned i = 1; i <= follow; i++) {
        if ((at[i] & 0xc0) != 0x80)
            return 0xfffd;
        character = character << 6 | (at[i] & 0x3f);
    }
    *text = at + follow + 1;
    return character;
}

size_t host_utf16(uint16_t *to, size_t units, const char *text)
{
    const unsigned char *at = (const unsigned char *)text;
    size_t needed = 0;
    while (*at) {
        uint32_t character = next_character(&at);
        unsigned length = character > 0xffff ? 2 : 1;
        if (needed + length < units) {
            if (length == 2) {
                to[needed] = (uint16_t)(0xd800 + ((character - 0x10000) >> 10));
                to[needed + 1] = (uint16_t)(0xdc00 + ((character - 0x10000) & 0x3ff));
            } else {
                to[needed] = (uint16_t)character;
            }
        }
        needed += length;
    }
    if (units > 0)
        to[needed < units ? needed : units - 1] = 0;
    return needed + 1;
}
