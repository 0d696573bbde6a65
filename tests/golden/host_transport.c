/* SPDX-License-Identifier: MIT */
/* The machine of the recordings: channels, PCI words, IO space, the caller's memory. */
#include "host.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <unistd.h>

enum { PAGE = 4096 };

struct host_mapping {
    struct host_mapping *next;
    void *address;
    size_t size;
    bool writable;
};

void host_note(struct host_notes *notes, const char *format, ...)
{
    va_list arguments;

    if (notes->count == HOST_NOTES_MAX)
        report_die("a step has more than %d events beside its messages", HOST_NOTES_MAX);
    va_start(arguments, format);
    vsnprintf(notes->text[notes->count++], HOST_NOTE_SIZE, format, arguments);
    va_end(arguments);
}

/* ---- channels */

static void note_channel(struct host *host, guest_channel channel, const char *what)
{
    if (channel == GUEST_CHANNEL_GLOBAL)
        host_note(&host->notes, "channel global %s", what);
    else
        host_note(&host->notes, "channel vgpu%u %s", channel - 1, what);
}

static NTSTATUS open_channel(void *transport, guest_channel channel)
{
    struct host *host = transport;

    pthread_mutex_lock(&host->mutex);
    note_channel(host, channel, "open");
    pthread_mutex_unlock(&host->mutex);
    return STATUS_SUCCESS;
}

static void close_channel(void *transport, guest_channel channel)
{
    struct host *host = transport;

    pthread_mutex_lock(&host->mutex);
    /* A rescinded channel is given back by the bus itself; the guest's close is not seen. */
    if (channel == GUEST_CHANNEL_GLOBAL || !host->rescinded[channel - 1])
        note_channel(host, channel, "close");
    pthread_mutex_unlock(&host->mutex);
}

static void enqueue(struct host *host, struct host_message *message)
{
    message->next = NULL;
    *host->arrived_end = message;
    host->arrived_end = &message->next;
    pthread_cond_broadcast(&host->changed);
}

static NTSTATUS exchange(void *transport, guest_channel channel, const void *bytes, size_t size,
                         void *reply, size_t capacity, size_t *reply_size)
{
    struct host *host = transport;
    struct host_message message = {
        .channel = channel, .bytes = bytes, .size = size, .reply = reply, .capacity = capacity};

    pthread_mutex_lock(&host->mutex);
    enqueue(host, &message);
    while (!message.done)
        pthread_cond_wait(&host->changed, &host->mutex);
    pthread_mutex_unlock(&host->mutex);
    free(message.id);
    *reply_size = message.reply_size;
    return message.status;
}

static NTSTATUS post(void *transport, guest_channel channel, const void *bytes, size_t size)
{
    struct host *host = transport;
    struct host_message *message = must_allocate(sizeof(*message) + size);
    unsigned char *copy = (unsigned char *)(message + 1);

    memcpy(copy, bytes, size);
    message->channel = channel;
    message->bytes = copy;
    message->size = size;
    message->posted = true;
    pthread_mutex_lock(&host->mutex);
    enqueue(host, message);
    pthread_mutex_unlock(&host->mutex);
    return STATUS_SUCCESS;
}

/* ---- PCI words */

/* The adapters of the recordings count up from these. */
enum { FIRST_LUID = 0x100, FIRST_VGPU_LUID = 0x5678 };

static NTSTATUS config_read(void *transport, guest_pci_function function, unsigned offset,
                            uint32_t *value)
{
    const struct host *host = transport;

    switch (offset) {
    case 0xc0:
        *value = FIRST_LUID + function;
        break;
    case 0xd0:
        *value = host->version_register;
        break;
    case 0xd4:
        *value = FIRST_VGPU_LUID + function;
        break;
    case 0xdc:
        *value = host->host_caps;
        break;
    default:
        *value = 0;
        break;
    }
    return STATUS_SUCCESS;
}

static NTSTATUS config_write(void *transport, guest_pci_function function, unsigned offset,
                             uint32_t value)
{
    struct host *host = transport;

    (void)function;
    pthread_mutex_lock(&host->mutex);
    host_note(&host->notes, "pci_write %u %u", offset, value);
    pthread_mutex_unlock(&host->mutex);
    return STATUS_SUCCESS;
}

static LUID luid_of(unsigned number)
{
    return (LUID){.LowPart = FIRST_LUID + number};
}

void host_arrive(struct host *host, unsigned number, bool compute_only)
{
    if (number >= HOST_ADAPTERS_MAX)
        report_die("adapter %u: there are %d at most", number, HOST_ADAPTERS_MAX);
    pthread_mutex_lock(&host->mutex);
    host->rescinded[number] = false;
    pthread_mutex_unlock(&host->mutex);
    d3dkmti_guest_vm_pci_added(host->vm, number, compute_only);
    d3dkmti_guest_vm_channel_offered(host->vm, number + 1, luid_of(number));
}

void host_remove(struct host *host, unsigned number)
{
    d3dkmti_guest_vm_pci_removed(host->vm, number);
}

void host_rescind(struct host *host, unsigned number)
{
    if (number >= HOST_ADAPTERS_MAX)
        report_die("adapter %u: there are %d at most", number, HOST_ADAPTERS_MAX);
    pthread_mutex_lock(&host->mutex);
    host->rescinded[number] = true;
    pthread_mutex_unlock(&host->mutex);
    d3dkmti_guest_vm_channel_rescinded(host->vm, number + 1);
}

/* ---- IO space */

static NTSTATUS reserve_io_space(void *transport, uint64_t *start, uint64_t *size)
{
    (void)transport;
    *start = HOST_IO_START;
    *size = HOST_IO_SIZE;
    return STATUS_SUCCESS;
}

static void release_io_space(void *transport)
{
    (void)transport;
}

static NTSTATUS map_io(void *transport, uint64_t address, size_t size, bool writable, bool cached,
                       void **mapping)
{
    struct host *host = transport;
    struct host_mapping *made = must_allocate(sizeof(*made));

    (void)cached;
    made->size = (size + PAGE - 1) & ~(size_t)(PAGE - 1);
    made->writable = writable;
    made->address = mmap(NULL, made->size, PROT_READ | (writable ? PROT_WRITE : 0), MAP_SHARED,
                         host->io_memory, (off_t)(address - HOST_IO_START));
    if (made->address == MAP_FAILED) {
        free(made);
        return STATUS_NO_MEMORY;
    }
    pthread_mutex_lock(&host->mutex);
    made->next = host->mappings;
    host->mappings = made;
    pthread_mutex_unlock(&host->mutex);
    *mapping = made->address;
    return STATUS_SUCCESS;
}

static void unmap_io(void *transport, void *mapping, size_t size)
{
    struct host *host = transport;

    pthread_mutex_lock(&host->mutex);
    struct host_mapping **link = &host->mappings;
    while (*link && (*link)->address != mapping)
        link = &(*link)->next;
    struct host_mapping *found = *link;
    if (found)
        *link = found->next;
    pthread_mutex_unlock(&host->mutex);
    if (!found || found->size != ((size + PAGE - 1) & ~(size_t)(PAGE - 1)))
        report_difference(host->report, "the engine unmaps %zu bytes that it did not map", size);
    if (found)
        munmap(found->address, found->size);
    free(found);
}

bool host_find_mapping(struct host *host, uint64_t address, size_t *size, bool *writable)
{
    pthread_mutex_lock(&host->mutex);
    const struct host_mapping *mapping = host->mappings;
    while (mapping && (uintptr_t)mapping->address != address)
        mapping = mapping->next;
    if (mapping) {
        *size = mapping->size;
        *writable = mapping->writable;
    }
    pthread_mutex_unlock(&host->mutex);
    return mapping != NULL;
}

/* ---- the caller's memory */

/* Whether a page can be read, and written with its own contents if that is asked. */
static bool page_is_there(const void *address, bool writable)
{
    unsigned char byte;
    struct iovec here = {&byte, 1}, there = {(void *)address, 1};

    return process_vm_readv(getpid(), &here, 1, &there, 1, 0) == 1 &&
           (!writable || process_vm_writev(getpid(), &here, 1, &there, 1, 0) == 1);
}

static NTSTATUS pin(void *transport, struct guest_pin *pin_range)
{
    (void)transport;
    for (size_t offset = 0; offset < pin_range->size; offset += PAGE) {
        if (!page_is_there((const char *)pin_range->address + offset, pin_range->writable))
            return STATUS_INVALID_PARAMETER;
    }
    return STATUS_SUCCESS;
}

static void unpin(void *transport, struct guest_pin *pin_range)
{
    (void)transport, (void)pin_range;
}

static NTSTATUS page_frames(void *transport, const struct guest_pin *pin_range, uint64_t first_page,
                            uint32_t count, uint64_t *frames)
{
    (void)transport;
    /* Any numbers do, as long as a page keeps its own. */
    for (uint32_t i = 0; i < count; i++)
        frames[i] = (uintptr_t)pin_range->address / PAGE + first_page + i;
    return STATUS_SUCCESS;
}

static NTSTATUS gpadl_create(void *transport, struct guest_pin *pin_range, uint32_t *gpadl)
{
    struct host *host = transport;

    pthread_mutex_lock(&host->mutex);
    *gpadl = ++host->last_gpadl;
    host_note(&host->notes, "gpadl create %zu", pin_range->size);
    pthread_mutex_unlock(&host->mutex);
    return STATUS_SUCCESS;
}

static void gpadl_teardown(void *transport, uint32_t gpadl)
{
    struct host *host = transport;

    (void)gpadl;
    pthread_mutex_lock(&host->mutex);
    host_note(&host->notes, "gpadl down");
    pthread_mutex_unlock(&host->mutex);
}

const struct transport_ops host_transport = {
    .open_channel = open_channel,
    .close_channel = close_channel,
    .exchange = exchange,
    .post = post,
    .config_read = config_read,
    .config_write = config_write,
    .reserve_io_space = reserve_io_space,
    .release_io_space = release_io_space,
    .map_io = map_io,
    .unmap_io = unmap_io,
    .pin = pin,
    .unpin = unpin,
    .page_frames = page_frames,
    .gpadl_create = gpadl_create,
    .gpadl_teardown = gpadl_teardown,
};

/* ---- start and stop */

void host_start(struct host *host, const json_t *configuration, struct report *report,
                struct symbols *symbols)
{
    const json_t *adapters = json_object_get(configuration, "adapters");
    int64_t version = member_number(configuration, "interface_version", 0);

    memset(host, 0, sizeof(*host));
    host->report = report;
    host->symbols = symbols;
    host->arrived_end = &host->arrived;
    pthread_mutex_init(&host->mutex, NULL);
    pthread_cond_init(&host->changed, NULL);
    /* A host of version 27 names none. */
    host->version_register = version == 27 ? 0 : (uint32_t)version;
    host->host_caps = (uint32_t)member_number(configuration, "host_caps", 0);
    for (size_t i = 0; i < json_array_size(adapters) && i < HOST_ADAPTERS_MAX; i++) {
        const char *kind = json_string_value(json_array_get(adapters, i));

        host->compute_only[i] = kind && strncmp(kind, "compute", 7) == 0;
    }
    host->io_memory = memfd_create("io-space", MFD_CLOEXEC);
    if (host->io_memory < 0 || ftruncate(host->io_memory, (off_t)HOST_IO_SIZE) != 0)
        report_die("no memory for the IO space");
}

void host_connect(struct host *host, struct guest_vm *vm)
{
    host->vm = vm;
    if (pthread_create(&host->thread, NULL, host_play, host) != 0)
        report_die("no thread for the host");
}

void host_stop(struct host *host)
{
    pthread_mutex_lock(&host->mutex);
    host->quitting = true;
    pthread_cond_broadcast(&host->changed);
    pthread_mutex_unlock(&host->mutex);
    pthread_join(host->thread, NULL);
    if (host->mappings && !host->drained)
        report_difference(host->report, "the engine left %zu bytes of the IO space mapped",
                          host->mappings->size);
    while (host->mappings) {
        struct host_mapping *next = host->mappings->next;

        munmap(host->mappings->address, host->mappings->size);
        free(host->mappings);
        host->mappings = next;
    }
    close(host->io_memory);
    pthread_cond_destroy(&host->changed);
    pthread_mutex_destroy(&host->mutex);
}
