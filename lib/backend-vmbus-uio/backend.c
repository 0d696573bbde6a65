/* SPDX-License-Identifier: MIT */
#include "backend-vmbus-uio/backend.h"

#include "backend-vmbus-uio/devices.h"
#include "backend-vmbus-uio/files.h"
#include "backend-vmbus-uio/transport.h"
#include "core/last_error.h"
#include "core/memory.h"
#include "core/options.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { DEFAULT_SPIN_US = 50, MOST_SPIN_US = 1000000 };

struct vmbus_backend_instance {
    struct vmbus_transport *transport;
    struct guest_process *process;
};

/* ---- options */

static NTSTATUS read_root(struct vmbus_options *options, const char *path)
{
    size_t size = strlen(path) + 1;

    if (path[0] != '/' || size > sizeof(options->root))
        return d3dkmti_fail(STATUS_INVALID_PARAMETER,
                            "root=%.40s is not an absolute path of at most %d bytes", path,
                            VMBUS_ROOT_MAX - 1);
    memcpy(options->root, path, size);
    return STATUS_SUCCESS;
}

static NTSTATUS read_root_option(void *context, const struct option *option)
{
    return strcmp(option->name, "root") == 0 ? read_root(context, option->value) : STATUS_SUCCESS;
}

static NTSTATUS read_option(void *context, const struct option *option)
{
    struct vmbus_options *options = context;

    if (strcmp(option->name, "root") == 0)
        return STATUS_SUCCESS; /* read before all others */
    if (strcmp(option->name, "mmio") == 0)
        return vmbus_io_range_read(option->value, &options->mmio);
    if (strcmp(option->name, "spin-us") == 0)
        return d3dkmti_option_number(option, 0, MOST_SPIN_US, &options->spin_us);
    if (strcmp(option->name, "check-pointers") == 0)
        return d3dkmti_option_switch(option, &options->check_pointers);
    return d3dkmti_fail(STATUS_INVALID_PARAMETER,
                        "\"%s\" is not an option of vmbus-uio; there are root=FOLDER, "
                        "mmio=BASE+SIZE, spin-us=N and check-pointers",
                        option->name);
}

/* The machine's settings, which whoever set it up wrote; there need not be any. */
static NTSTATUS read_file(struct vmbus_options *options)
{
    char path[VMBUS_PATH_MAX], text[OPTIONS_TEXT_MAX];

    if (!vmbus_path(path, options->root, "/etc/d3dkmt/vmbus-uio.conf"))
        return d3dkmti_fail(STATUS_INVALID_PARAMETER, "root=%.40s...: the path is too long",
                            options->root);
    int error = vmbus_file_read(path, text, sizeof(text));
    if (error == ENOENT)
        return STATUS_SUCCESS;
    if (error == EMSGSIZE)
        return d3dkmti_fail(STATUS_INVALID_PARAMETER,
                            "%s is not one line of options, with commas between them, of at most "
                            "%zu bytes",
                            path, sizeof(text) - 2);
    if (error)
        return d3dkmti_fail(STATUS_INVALID_PARAMETER, "%s: %s", path, strerror(error));
    return d3dkmti_options_visit(text, read_option, options);
}

static NTSTATUS read_options(struct vmbus_options *options, const char *text)
{
    memset(options, 0, sizeof(*options));
    options->spin_us = DEFAULT_SPIN_US;
    NTSTATUS status = d3dkmti_options_visit(text, read_root_option, options);
    if (NT_SUCCESS(status))
        status = read_file(options);
    return NT_SUCCESS(status) ? d3dkmti_options_visit(text, read_option, options) : status;
}

/* ---- backend contract */

static NTSTATUS vmbus_open(const struct d3dkmt_backend_services *services, const char *text,
                           void **result)
{
    struct vmbus_backend_instance *instance = d3dkmti_calloc(1, sizeof(*instance));
    struct vmbus_options options;

    if (!instance)
        return services->fail_with(STATUS_NO_MEMORY, "no memory for the backend");
    NTSTATUS status = read_options(&options, text);
    if (NT_SUCCESS(status))
        status = vmbus_transport_open(&options, &instance->transport);
    if (!NT_SUCCESS(status))
        goto fail;
    const struct guest_process_options process = {
        .check_pointers = options.check_pointers,
    };
    status = d3dkmti_guest_process_open(vmbus_transport_vm(instance->transport), &process,
                                        &instance->process);
    if (!NT_SUCCESS(status)) {
        d3dkmti_undo_begin();
        vmbus_transport_close(instance->transport);
        d3dkmti_undo_end();
        goto fail;
    }
    *result = instance;
    return STATUS_SUCCESS;

fail:
    free(instance);
    return status;
}

static NTSTATUS vmbus_probe(const struct d3dkmt_backend_services *services)
{
    (void)services;
    return vmbus_transport_probe("");
}

static NTSTATUS vmbus_call(void *context, const struct d3dkmt_op *op, void *args)
{
    struct vmbus_backend_instance *instance = context;

    return d3dkmti_guest_call(instance->process, op, args);
}

/* What the host refuses is seen when it is asked. */
static bool vmbus_supports(void *context, const struct d3dkmt_op *op)
{
    (void)context;
    return d3dkmti_guest_supports(op);
}

static void vmbus_interrupt(void *context)
{
    struct vmbus_backend_instance *instance = context;

    d3dkmti_guest_process_interrupt(instance->process);
}

static void vmbus_close(void *context)
{
    struct vmbus_backend_instance *instance = context;

    d3dkmti_guest_process_close(instance->process);
    vmbus_transport_close(instance->transport);
    free(instance);
}

static void vmbus_after_fork(void *context)
{
    struct vmbus_backend_instance *instance = context;

    vmbus_transport_after_fork(instance->transport);
}

const struct d3dkmt_backend vmbus_backend = {
    .abi_version = D3DKMT_BACKEND_ABI_VERSION,
    .size = sizeof(struct d3dkmt_backend),
    .name = "vmbus-uio",
    .description = "VMBus channels from user space, through " VMBUS_UIO_DRIVER,
    .probe = vmbus_probe,
    .open = vmbus_open,
    .call = vmbus_call,
    .supports = vmbus_supports,
    .interrupt = vmbus_interrupt,
    .close = vmbus_close,
    .after_fork = vmbus_after_fork,
};
