/* SPDX-License-Identifier: MIT */
/* Arrival and departure: from devices in sysfs to units that the engine knows. */
#include "backend-vmbus-uio/unit.h"

#include "backend-vmbus-uio/files.h"
#include "core/last_error.h"
#include "core/memory.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* What a scan found. */
struct scan {
    NTSTATUS devices_status;
    size_t device_count, function_count;
    struct vmbus_device devices[VMBUS_MOST_DEVICES];
    struct vmbus_pci_function functions[VMBUS_MOST_DEVICES];
    NTSTATUS functions_status;
    NTSTATUS first_failure;
    char reason[VMBUS_PROBLEM_MAX + 80];
};

struct vmbus_unit *vmbus_unit_find(struct vmbus_transport *transport, uint32_t number)
{
    struct vmbus_unit *unit = &transport->units[number % VMBUS_UNITS];

    return atomic_load(&unit->number) == number ? unit : NULL;
}

/* ---- failures: the first one of a scan is what a caller of open hears */

static void note(struct scan *scan, NTSTATUS status, const char *who, const char *what)
{
    if (!NT_SUCCESS(scan->first_failure))
        return;
    scan->first_failure = status;
    snprintf(scan->reason, sizeof(scan->reason), "%.70s: %s", who, what);
}

/* ---- departure */

/* In the order of a host that takes a device away. */
static void depart(struct vmbus_transport *transport, struct vmbus_unit *unit)
{
    uint32_t number = atomic_load(&unit->number);

    if (!unit->present)
        return;
    unit->present = false;
    if (unit == &transport->units[0]) {
        d3dkmti_guest_vm_global_rescinded(transport->vm);
    } else {
        d3dkmti_guest_vm_channel_rescinded(transport->vm, number);
        d3dkmti_guest_vm_pci_removed(transport->vm, number);
    }
    /* The engine has closed it, unless it never opened it. */
    vmbus_channel_close(&unit->channel);
    atomic_store(&unit->number, 0);
}

/* vGPUs first: they need the global channel until they are closed. */
void vmbus_units_depart(struct vmbus_transport *transport)
{
    for (int i = VMBUS_UNITS - 1; i >= 0; i--)
        depart(transport, &transport->units[i]);
}

static const struct vmbus_device *find_device(const struct scan *scan,
                                              const struct vmbus_unit *unit)
{
    for (size_t i = 0; i < scan->device_count; i++) {
        const struct vmbus_device *device = &scan->devices[i];

        if (strcmp(device->name, unit->device.name) == 0)
            return device;
    }
    return NULL;
}

/* Looked at before it is tried, for what is tried in vain is told as a failure each time. */
static bool may_be_opened(const struct vmbus_transport *transport, const struct vmbus_unit *unit)
{
    char path[VMBUS_PATH_MAX];

    return vmbus_path(path, transport->options.root, "/dev/uio%u", unit->device.uio) &&
           faccessat(AT_FDCWD, path, R_OK | W_OK, AT_EACCESS) == 0;
}

static bool is_gone(const struct vmbus_transport *transport, const struct scan *scan,
                    const struct vmbus_unit *unit)
{
    if (atomic_load(&unit->channel.dead))
        return true;
    /* While sysfs cannot be read nothing is known of devices whose channels live. */
    if (!NT_SUCCESS(scan->devices_status))
        return false;
    const struct vmbus_device *device = find_device(scan, unit);
    return (unit->retry && may_be_opened(transport, unit)) || !device || device->problem[0] ||
           device->relid != unit->device.relid || device->uio != unit->device.uio;
}

/* Without the global device the others are of no use, and begin anew with the next one. */
static void let_depart(struct vmbus_transport *transport, const struct scan *scan)
{
    struct vmbus_unit *global = &transport->units[0];

    if (global->present && is_gone(transport, scan, global)) {
        vmbus_units_depart(transport);
        return;
    }
    for (int i = 1; i < VMBUS_UNITS; i++) {
        struct vmbus_unit *unit = &transport->units[i];

        if (unit->present && is_gone(transport, scan, unit))
            depart(transport, unit);
    }
}

/* ---- arrival */

static bool is_known(const struct vmbus_transport *transport, const struct vmbus_device *device)
{
    for (int i = 0; i < VMBUS_UNITS; i++)
        if (transport->units[i].present &&
            strcmp(transport->units[i].device.name, device->name) == 0)
            return true;
    return false;
}

/* What its channel came to the last time is forgotten. */
static void begin(struct vmbus_unit *unit, const struct vmbus_device *device)
{
    unit->device = *device;
    unit->present = true;
    unit->retry = false;
    atomic_store(&unit->channel.dead, false);
}

static void arrive_global(struct vmbus_transport *transport, struct scan *scan,
                          const struct vmbus_device *device)
{
    struct vmbus_unit *unit = &transport->units[0];

    if (unit->present) {
        note(scan, STATUS_INVALID_PARAMETER, device->name,
             "a second global device, where a VM has one");
        return;
    }
    begin(unit, device);
    (void)d3dkmti_guest_vm_global_offered(transport->vm); /* opened with the first adapter */
}

static const struct vmbus_pci_function *find_function(struct vmbus_transport *transport,
                                                      struct scan *scan,
                                                      const struct vmbus_device *device)
{
    if (scan->functions_status == STATUS_PENDING) {
        scan->functions_status =
            vmbus_pci_list(transport->options.root, scan->functions, &scan->function_count);
        if (!NT_SUCCESS(scan->functions_status))
            note(scan, scan->functions_status, device->name, d3dkmti_fail_reason());
    }
    for (size_t i = 0; i < scan->function_count; i++)
        if (!scan->functions[i].problem[0] &&
            memcmp(scan->functions[i].channel, device->instance, sizeof(device->instance)) == 0)
            return &scan->functions[i];
    for (size_t i = 0; i < scan->function_count; i++)
        if (scan->functions[i].problem[0])
            note(scan, STATUS_ACCESS_DENIED, scan->functions[i].name, scan->functions[i].problem);
    note(scan, STATUS_DEVICE_REMOVED, device->name,
         "no PCI function 1414:008e or 1414:008a belongs to it");
    return NULL;
}

static struct vmbus_unit *get_free(struct vmbus_transport *transport)
{
    for (int i = 1; i < VMBUS_UNITS; i++)
        if (!transport->units[i].present)
            return &transport->units[i];
    return NULL;
}

static void arrive_vgpu(struct vmbus_transport *transport, struct scan *scan,
                        const struct vmbus_device *device)
{
    const struct vmbus_pci_function *function = find_function(transport, scan, device);
    struct vmbus_unit *unit = get_free(transport);
    LUID luid;

    if (!function || !unit)
        return;
    uint32_t number = ++transport->generation * VMBUS_UNITS + (uint32_t)(unit - transport->units);
    begin(unit, device);
    unit->function = *function;
    atomic_store(&unit->number, number);
    memcpy(&luid, device->instance, sizeof(luid));
    NTSTATUS status = d3dkmti_guest_vm_channel_offered(transport->vm, number, luid);
    if (NT_SUCCESS(status))
        status = d3dkmti_guest_vm_pci_added(transport->vm, number, function->compute_only);
    if (NT_SUCCESS(status))
        return;
    note(scan, status, device->name, d3dkmti_fail_reason());
    /* A device that is about to go, whose owner may let go of it, or that udev still hands over. */
    unit->retry = status == STATUS_DEVICE_REMOVED || status == STATUS_UNSUCCESSFUL ||
                  status == STATUS_ACCESS_DENIED;
}

static void let_arrive(struct vmbus_transport *transport, struct scan *scan,
                       enum vmbus_class device_class)
{
    for (size_t i = 0; i < scan->device_count; i++) {
        const struct vmbus_device *device = &scan->devices[i];

        if (device->device_class != device_class || is_known(transport, device))
            continue;
        if (device->problem[0])
            note(scan, STATUS_DEVICE_REMOVED, device->name, device->problem);
        else if (device_class == VMBUS_CLASS_GLOBAL)
            arrive_global(transport, scan, device);
        else
            arrive_vgpu(transport, scan, device);
    }
}

static bool has_vgpu(const struct vmbus_transport *transport)
{
    for (int i = 1; i < VMBUS_UNITS; i++)
        if (transport->units[i].present)
            return true;
    return false;
}

static void let_all_arrive(struct vmbus_transport *transport, struct scan *scan)
{
    let_arrive(transport, scan, VMBUS_CLASS_GLOBAL);
    if (transport->units[0].present)
        let_arrive(transport, scan, VMBUS_CLASS_VGPU);
    if (!transport->units[0].present)
        note(scan, STATUS_DEVICE_REMOVED, "VMBus",
             "the host offers no GPU-PV channel to this VM: it has no GPU partition");
    else if (!has_vgpu(transport))
        note(scan, STATUS_DEVICE_REMOVED, "VMBus", "the host offers no vGPU to this VM");
}

/* What is dead departs whether sysfs can be read or not: calls wait for that. */
static NTSTATUS scan_with(struct vmbus_transport *transport, struct scan *scan)
{
    scan->functions_status = STATUS_PENDING;
    scan->devices_status =
        vmbus_devices_list(transport->options.root, scan->devices, &scan->device_count);
    if (!NT_SUCCESS(scan->devices_status))
        note(scan, scan->devices_status, "VMBus", d3dkmti_fail_reason());
    let_depart(transport, scan);
    if (NT_SUCCESS(scan->devices_status))
        let_all_arrive(transport, scan);
    if (!NT_SUCCESS(scan->first_failure))
        return d3dkmti_fail(scan->first_failure, "%s", scan->reason);
    return STATUS_SUCCESS;
}

NTSTATUS vmbus_units_scan(struct vmbus_transport *transport)
{
    struct scan *scan = d3dkmti_calloc(1, sizeof(*scan));

    if (!scan)
        return d3dkmti_fail(STATUS_NO_MEMORY, "no memory to look for devices");
    NTSTATUS status = scan_with(transport, scan);
    free(scan);
    return status;
}

NTSTATUS vmbus_transport_probe(const char *root)
{
    struct vmbus_device *devices = d3dkmti_calloc(VMBUS_MOST_DEVICES, sizeof(*devices));
    bool usable[VMBUS_CLASS_COUNT] = {false};
    size_t count = 0;

    if (!devices)
        return d3dkmti_fail(STATUS_NO_MEMORY, "no memory to look for devices");
    NTSTATUS status = vmbus_devices_list(root, devices, &count);
    for (size_t i = 0; i < count; i++)
        usable[devices[i].device_class] |= !devices[i].problem[0];
    if (NT_SUCCESS(status) && !(usable[VMBUS_CLASS_GLOBAL] && usable[VMBUS_CLASS_VGPU]))
        status = d3dkmti_fail(STATUS_DEVICE_REMOVED,
                              "no GPU-PV channels are bound to " VMBUS_UIO_DRIVER);
    free(devices);
    return status;
}
