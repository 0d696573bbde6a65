/* SPDX-License-Identifier: MIT */
/* What there is, what is missing, and what to do about it. */
#include "bind.h"

#include "backend-vmbus-uio/files.h"
#include "core/last_error.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const char *kind_of(const struct vmbus_device *device)
{
    return device->device_class == VMBUS_CLASS_GLOBAL ? "global" : "vGPU";
}

/* ---- status */

static void print_device(const struct vmbus_device *device)
{
    printf("%s  %s, channel %u, driver %s\n", device->name, kind_of(device), device->relid,
           device->driver[0] ? device->driver : "none");
    if (device->problem[0]) {
        printf("    not usable: %s\n", device->problem);
        return;
    }
    printf("    /dev/uio%u, rings of %llu KiB of data, signalled %s\n", device->uio,
           (unsigned long long)(vmbus_device_ring_size(device) - 4096) / 1024,
           device->monitor == VMBUS_NO_MONITOR ? "by a write" : "through the monitor page");
}

static void print_functions(const char *root, bool *usable)
{
    static struct vmbus_pci_function functions[VMBUS_MOST_DEVICES];
    size_t count;

    if (!NT_SUCCESS(vmbus_pci_list(root, functions, &count))) {
        printf("PCI: %s\n", d3dkmti_fail_reason());
        return;
    }
    for (size_t i = 0; i < count; i++) {
        printf("%s  PCI function of a%s adapter\n", functions[i].name,
               functions[i].compute_only ? " compute-only" : " graphics");
        if (functions[i].problem[0])
            printf("    not usable: %s\n", functions[i].problem);
        *usable = *usable || !functions[i].problem[0];
    }
}

int bind_status(const char *root)
{
    static struct bind_devices devices;
    bool usable[VMBUS_CLASS_COUNT] = {false}, function_usable = false;

    if (!bind_list(root, &devices))
        return 1;
    for (size_t i = 0; i < devices.count; i++) {
        print_device(&devices.list[i]);
        usable[devices.list[i].device_class] |= !devices.list[i].problem[0];
    }
    if (devices.count == 0)
        printf("the host offers no GPU-PV channel to this VM\n");
    print_functions(root, &function_usable);
    return usable[VMBUS_CLASS_GLOBAL] && usable[VMBUS_CLASS_VGPU] && function_usable ? 0 : 1;
}

/* ---- explain */

static void print_point(bool good, const char *what, const char *reason)
{
    printf("[%s] %s\n", good ? "ok" : "--", what);
    if (!good)
        printf("     %s\n", reason);
}

/* Whether a file can be opened, without doing anything to it; reason gets what errno says. */
static bool can_open(const char *root, const char *name, int flags, char reason[80])
{
    char path[VMBUS_PATH_MAX];

    if (!vmbus_path(path, root, "%s", name))
        return false;
    if (faccessat(AT_FDCWD, path, (flags & O_RDWR) ? R_OK | W_OK : R_OK, AT_EACCESS) == 0)
        return true;
    snprintf(reason, 80, "%s", strerror(errno));
    return false;
}

static bool explain_driver(const char *root)
{
    char path[VMBUS_PATH_MAX];
    bool there = vmbus_path(path, root, BIND_DRIVER_FOLDER) && access(path, F_OK) == 0;

    print_point(there, "the kernel's driver " VMBUS_UIO_DRIVER,
                "load it: modprobe " VMBUS_UIO_DRIVER "; the kernel needs CONFIG_UIO_HV_GENERIC");
    return there;
}

static bool explain_devices(const char *root, const struct bind_devices *devices)
{
    bool good[VMBUS_CLASS_COUNT] = {false};

    for (size_t i = 0; i < devices->count; i++) {
        const struct vmbus_device *device = &devices->list[i];
        char what[160], node[40], reason[80] = "";

        snprintf(what, sizeof(what), "%s channel %s", kind_of(device), device->name);
        print_point(!device->problem[0], what, device->problem);
        if (device->problem[0])
            continue;
        snprintf(node, sizeof(node), "/dev/uio%u", device->uio);
        bool open = can_open(root, node, O_RDWR, reason);
        snprintf(what, sizeof(what), "%s can be opened%s%s", node, reason[0] ? ": " : "", reason);
        print_point(open, what,
                    "join the group d3dkmt (the udev rule gives it the node), or run as root");
        good[device->device_class] |= open;
    }
    if (devices->count == 0)
        print_point(false, "channels of a GPU partition",
                    "the host offers none: add a GPU partition to this VM on the host");
    return good[VMBUS_CLASS_GLOBAL] && good[VMBUS_CLASS_VGPU];
}

static bool explain_functions(const char *root)
{
    static struct vmbus_pci_function functions[VMBUS_MOST_DEVICES];
    bool good = false;
    size_t count;

    if (!NT_SUCCESS(vmbus_pci_list(root, functions, &count)) || count == 0) {
        print_point(false, "the vGPU's PCI function",
                    "none is there: modprobe pci_hyperv; the host shows one for each partition");
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        char what[160];

        snprintf(what, sizeof(what), "PCI function %s, configuration words", functions[i].name);
        print_point(!functions[i].problem[0], what, functions[i].problem);
        good = good || !functions[i].problem[0];
    }
    return good;
}

static bool explain_io_space(const char *root)
{
    char path[VMBUS_PATH_MAX], text[1024] = "", reason[80] = "", what[160];
    bool named = vmbus_path(path, root, "/etc/d3dkmt/vmbus-uio.conf") &&
                 vmbus_file_read(path, text, sizeof(text)) == 0 && strstr(text, "mmio=");
    bool open = can_open(root, "/dev/mem", O_RDWR, reason);

    print_point(named, "the IO space is named in /etc/d3dkmt/vmbus-uio.conf",
                "write there: mmio=BASE+SIZE. SIZE is what the host asks for: boot with\n"
                "     trace_event=hyperv:vmbus_onoffer and look for mmio_mb of the global channel\n"
                "     in /sys/kernel/tracing/trace. BASE is the place of as much free room in one\n"
                "     of the windows of VMBus: dmesg | grep hv_mmio, or _CRS in the ACPI tables;\n"
                "     take it from the window's upper end, at a multiple of 64 KiB");
    snprintf(what, sizeof(what), "/dev/mem can be opened%s%s", reason[0] ? ": " : "", reason);
    print_point(
        open, what,
        "fences and locked memory are mapped through it: run as root (CAP_SYS_RAWIO), on a\n"
        "     kernel with CONFIG_DEVMEM that Secure Boot has not locked down");
    return named && open;
}

static void explain_pages(const char *root)
{
    char reason[80] = "";
    bool numbers =
        can_open(root, "/proc/self/pagemap", O_RDONLY, reason) && (root[0] || geteuid() == 0);

    print_point(numbers, "page numbers of the program's memory (pSystemMem alone needs them)",
                "run with CAP_SYS_ADMIN; without it pSystemMem is refused and all else works");
}

int bind_explain(const char *root)
{
    static struct bind_devices devices;
    bool good = true;

    if (!bind_list(root, &devices))
        return 1;
    good = explain_driver(root) && good;
    good = explain_devices(root, &devices) && good;
    good = explain_functions(root) && good;
    good = explain_io_space(root) && good;
    explain_pages(root);
    return good ? 0 : 1;
}
