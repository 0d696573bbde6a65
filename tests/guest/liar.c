/* SPDX-License-Identifier: MIT */
#include "guest/liar.h"

#include "backend-loopback/kmd/softgpu.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PADDING = 0xa5 };

static void must(bool condition, const char *what)
{
    if (!condition) {
        fprintf(stderr, "the test cannot go on: %s\n", what);
        abort();
    }
}

/* ---- transport */

static const struct transport_ops *const honest = &loopback_transport_ops;

static struct loopback_transport *real(void *context)
{
    return &((struct liar *)context)->real;
}

static uint32_t version_of(struct liar *liar)
{
    uint32_t version = liar->offered_version            ? liar->offered_version
                       : liar->config.interface_version ? liar->config.interface_version
                                                        : WIRE_VERSION;

    return version >= WIRE_VERSION ? WIRE_VERSION : version;
}

static NTSTATUS open_channel(void *context, guest_channel channel)
{
    struct liar *liar = context;

    return liar->refuse_open ? liar->refuse_open : honest->open_channel(&liar->real, channel);
}

static void close_channel(void *context, guest_channel channel)
{
    struct liar *liar = context;

    honest->close_channel(&liar->real, channel);
    pthread_mutex_lock(&liar->mutex);
    liar->closings++;
    pthread_cond_broadcast(&liar->condition);
    pthread_mutex_unlock(&liar->mutex);
}

/* A program on the host has no use for what it is given: without this the objects would add up. */
static void close_what_is_the_hosts(struct liar *liar, const struct wire_request *request,
                                    const void *reply, size_t size)
{
    struct wire_shareobjectwithhost_reply answer;

    if (request->command !=
            &wire_global_commands[WIRE_GLOBAL_SHAREOBJECTWITHHOST - WIRE_GLOBAL_COMMAND_FIRST] ||
        size < sizeof(answer))
        return;
    memcpy(&answer, reply, sizeof(answer));
    (void)host_worker_close(liar->real.host, answer.vail_nt_handle);
}

static NTSTATUS exchange(void *context, guest_channel channel, const void *message, size_t size,
                         void *reply, size_t capacity, size_t *reply_size)
{
    struct liar *liar = context;
    struct wire_request request;

    memset(reply, PADDING, capacity);
    pthread_mutex_lock(&liar->mutex);
    liar_hook *hook = liar->hook;
    void *hook_context = liar->hook_context;
    unsigned number = liar->exchanges++;
    pthread_mutex_unlock(&liar->mutex);
    NTSTATUS status =
        honest->exchange(&liar->real, channel, message, size, reply, capacity, reply_size);
    /* A message that a host cannot read is a defect of the engine. */
    must(wire_request_decode(message, size, version_of(liar), &request) == WIRE_OK,
         "the engine sent a malformed message");
    if (NT_SUCCESS(status))
        close_what_is_the_hosts(liar, &request, reply, *reply_size);
    if (!hook || !NT_SUCCESS(status))
        return status;
    struct liar_exchange shown = {
        .request = &request,
        .channel = channel,
        .number = number,
        .reply = reply,
        .capacity = capacity,
        .size = *reply_size,
        .status = status,
    };
    hook(liar, &shown, hook_context);
    *reply_size = shown.size;
    return shown.status;
}

static NTSTATUS post(void *context, guest_channel channel, const void *message, size_t size)
{
    struct wire_request request;

    must(wire_request_decode(message, size, version_of(context), &request) == WIRE_OK,
         "the engine posted a malformed message");
    return honest->post(real(context), channel, message, size);
}

static NTSTATUS config_read(void *context, guest_pci_function function, unsigned offset,
                            uint32_t *value)
{
    struct liar *liar = context;

    if (offset == HOST_CONFIG_VERSION && liar->offered_version) {
        *value = liar->offered_version;
        return STATUS_SUCCESS;
    }
    if (offset == HOST_CONFIG_HOST_CAPS && liar->host_caps) {
        *value = liar->host_caps;
        return STATUS_SUCCESS;
    }
    return honest->config_read(&liar->real, function, offset, value);
}

static NTSTATUS config_write(void *context, guest_pci_function function, unsigned offset,
                             uint32_t value)
{
    return honest->config_write(real(context), function, offset, value);
}

static NTSTATUS reserve_io_space(void *context, uint64_t *start, uint64_t *size)
{
    struct liar *liar = context;

    return liar->refuse_io_space ? liar->refuse_io_space
                                 : honest->reserve_io_space(&liar->real, start, size);
}

static void release_io_space(void *context)
{
    honest->release_io_space(real(context));
}

static NTSTATUS map_io(void *context, uint64_t address, size_t size, bool writable, bool cached,
                       void **mapping)
{
    struct liar *liar = context;
    uint64_t end = LOOPBACK_IO_START + host_io_space_size(liar->real.host);

    must(address >= LOOPBACK_IO_START && address < end && size <= end - address && size > 0 &&
             address % 4096 == 0,
         "the engine maps outside of the IO space");
    if (liar->refuse_map)
        return liar->refuse_map;
    return honest->map_io(&liar->real, address, size, writable, cached, mapping);
}

static void unmap_io(void *context, void *mapping, size_t size)
{
    honest->unmap_io(real(context), mapping, size);
}

static NTSTATUS pin(void *context, struct guest_pin *wanted)
{
    struct liar *liar = context;

    return liar->refuse_pin ? liar->refuse_pin : honest->pin(&liar->real, wanted);
}

static void unpin(void *context, struct guest_pin *wanted)
{
    honest->unpin(real(context), wanted);
}

static NTSTATUS page_frames(void *context, const struct guest_pin *wanted, uint64_t first_page,
                            uint32_t count, uint64_t *frames)
{
    return honest->page_frames(real(context), wanted, first_page, count, frames);
}

static NTSTATUS gpadl_create(void *context, struct guest_pin *wanted, uint32_t *gpadl)
{
    struct liar *liar = context;

    return liar->refuse_gpadl ? liar->refuse_gpadl
                              : honest->gpadl_create(&liar->real, wanted, gpadl);
}

static void gpadl_teardown(void *context, uint32_t gpadl)
{
    honest->gpadl_teardown(real(context), gpadl);
}

static const struct transport_ops liar_ops = {
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

/* ---- the liar's thread */

static void *work(void *context)
{
    struct liar *liar = context;

    pthread_mutex_lock(&liar->mutex);
    while (!liar->quit || liar->job_count > 0) {
        if (liar->job_count == 0) {
            pthread_cond_wait(&liar->condition, &liar->mutex);
            continue;
        }
        struct liar_job job = liar->jobs[liar->first_job];
        pthread_mutex_unlock(&liar->mutex);
        if (job.run) {
            job.run(liar);
        } else {
            /* Exactly as long as the message, for the sanitizers. */
            unsigned char *exact = malloc(job.size ? job.size : 1);
            must(exact, "no memory");
            memcpy(exact, job.bytes, job.size);
            d3dkmti_guest_vm_host_message(liar->real.vm, exact, job.size);
            free(exact);
        }
        pthread_mutex_lock(&liar->mutex);
        liar->first_job = (liar->first_job + 1) % LIAR_QUEUE;
        liar->job_count--;
        pthread_cond_broadcast(&liar->condition);
    }
    pthread_mutex_unlock(&liar->mutex);
    return NULL;
}

static bool add_job(struct liar *liar, const struct liar_job *job)
{
    pthread_mutex_lock(&liar->mutex);
    bool fits = liar->job_count < LIAR_QUEUE;
    if (fits) {
        liar->jobs[(liar->first_job + liar->job_count) % LIAR_QUEUE] = *job;
        liar->job_count++;
        pthread_cond_broadcast(&liar->condition);
    }
    pthread_mutex_unlock(&liar->mutex);
    return fits;
}

bool liar_send(struct liar *liar, const void *bytes, size_t size)
{
    struct liar_job job = {.size = size};

    must(size <= LIAR_MESSAGE_MAX, "the message is too long");
    memcpy(job.bytes, bytes, size);
    return add_job(liar, &job);
}

bool liar_run(struct liar *liar, void (*run)(struct liar *liar))
{
    struct liar_job job = {.run = run};

    return add_job(liar, &job);
}

void liar_settle(struct liar *liar)
{
    pthread_mutex_lock(&liar->mutex);
    while (liar->job_count > 0)
        pthread_cond_wait(&liar->condition, &liar->mutex);
    pthread_mutex_unlock(&liar->mutex);
}

void liar_await_closing(struct liar *liar, unsigned closings)
{
    pthread_mutex_lock(&liar->mutex);
    while (liar->closings == closings)
        pthread_cond_wait(&liar->condition, &liar->mutex);
    pthread_mutex_unlock(&liar->mutex);
}

/* ---- open and close */

static NTSTATUS fail_with(NTSTATUS status, const char *format, ...)
{
    (void)format;
    return status;
}

static void ignore_log(enum d3dkmt_log_level level, const char *module, const char *format, ...)
{
    (void)level, (void)module, (void)format;
}

static const struct d3dkmt_backend_services services = {fail_with, ignore_log};

void liar_arrive(struct liar *liar)
{
    uint8_t instance[16];
    LUID luid;

    host_vgpu_instance(liar->real.host, 0, instance);
    memcpy(&luid, instance, sizeof(luid));
    d3dkmti_guest_vm_global_offered(liar->real.vm);
    d3dkmti_guest_vm_channel_offered(liar->real.vm, 1, luid);
    d3dkmti_guest_vm_pci_added(liar->real.vm, 0, false);
}

void liar_remove(struct liar *liar)
{
    d3dkmti_guest_vm_pci_removed(liar->real.vm, 0);
}

/*
 * The loopback transport opens with a VM of its own, which is exchanged for one that talks to the
 * liar: the host's messages follow.
 */
struct liar *liar_open_empty(const struct host_config *config)
{
    struct liar *liar = calloc(1, sizeof(*liar));

    must(liar, "no memory");
    /* It is the hosts that are wrong here, and they are so all the time. */
    d3dkmt_set_log(D3DKMT_LOG_NONE, NULL, NULL);
    if (config)
        liar->config = *config;
    liar->config.adapter_count = 1;
    liar->config.adapters[0].miniport = &kmd_softgpu;
    pthread_mutex_init(&liar->mutex, NULL);
    pthread_cond_init(&liar->condition, NULL);
    must(NT_SUCCESS(loopback_transport_open(&liar->real, &liar->config, &services)), "no host");
    d3dkmti_guest_vm_stop(liar->real.vm);
    d3dkmti_guest_vm_destroy(liar->real.vm);
    must(NT_SUCCESS(d3dkmti_guest_vm_create(&liar_ops, liar, &liar->real.vm)), "no VM");
    must(pthread_create(&liar->thread, NULL, work, liar) == 0, "no thread");
    return liar;
}

struct liar *liar_open(const struct host_config *config)
{
    struct liar *liar = liar_open_empty(config);

    liar_arrive(liar);
    return liar;
}

void liar_close(struct liar *liar)
{
    pthread_mutex_lock(&liar->mutex);
    liar->quit = true;
    pthread_cond_broadcast(&liar->condition);
    pthread_mutex_unlock(&liar->mutex);
    pthread_join(liar->thread, NULL);
    loopback_transport_close(&liar->real);
    pthread_cond_destroy(&liar->condition);
    pthread_mutex_destroy(&liar->mutex);
    free(liar);
}

void liar_listen(struct liar *liar, liar_hook *hook, void *context)
{
    pthread_mutex_lock(&liar->mutex);
    liar->hook = hook;
    liar->hook_context = context;
    liar->exchanges = 0;
    pthread_mutex_unlock(&liar->mutex);
}

struct guest_process *liar_process(struct liar *liar, bool check_pointers)
{
    struct guest_process_options options = {1234, "hostile", check_pointers, false};
    struct guest_process *process = NULL;

    must(NT_SUCCESS(d3dkmti_guest_process_open(liar->real.vm, &options, &process)), "no process");
    return process;
}
