/* SPDX-License-Identifier: MIT */
#include "backend-vmbus-uio/pci.h"

#include "backend-vmbus-uio/files.h"
#include "backend-vmbus-uio/node.h"
#include "core/last_error.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#define PCI_FOLDER "/sys/bus/pci/devices"

enum {
    VENDOR_MICROSOFT = 0x1414,
    DEVICE_VIRTUAL_RENDER = 0x008e,
    DEVICE_COMPUTE_ACCELERATOR = 0x008a,
    CONFIG_CHANNEL_GUID = 0xc0,
};

/* What an errno of a config file means to whoever has to mend it. */
static NTSTATUS explain(int error, const char *path, bool write)
{
    switch (error) {
    case EACCES:
        return d3dkmti_fail(STATUS_ACCESS_DENIED,
                            "%s may not be opened for writing: root, or a helper of root's, has to "
                            "open it",
                            path);
    case ENODATA:
        return d3dkmti_fail(STATUS_ACCESS_DENIED,
                            "%s shows its first 64 bytes only: reading more needs CAP_SYS_ADMIN",
                            path);
    case EPERM:
        return d3dkmti_fail(STATUS_ACCESS_DENIED,
                            "%s refuses to be %s: needs CAP_SYS_ADMIN, and a kernel that is not "
                            "locked down (Secure Boot locks it)",
                            path, write ? "written" : "read");
    case ENOENT:
    case ENODEV:
    case ENXIO:
        return d3dkmti_fail(STATUS_DEVICE_REMOVED, "%s is gone", path);
    default:
        return d3dkmti_fail(STATUS_UNSUCCESSFUL, "%s cannot be %s: %s", path,
                            write ? "written" : "read", strerror(error));
    }
}

/* Reads or writes one word. */
static NTSTATUS access_config(const char *root, const char *name, unsigned offset, uint32_t *value,
                              bool write)
{
    char path[VMBUS_PATH_MAX];
    struct vmbus_node node;

    if (!vmbus_path(path, root, PCI_FOLDER "/%s/config", name))
        return d3dkmti_fail(STATUS_INVALID_PARAMETER, "root=%.40s...: the path is too long", root);
    int error = vmbus_node_open(path, VMBUS_NODE_CONFIG, &node);
    if (error)
        return explain(error, path, true);
    error = write ? vmbus_node_config_write(&node, offset, *value)
                  : vmbus_node_config_read(&node, offset, value);
    vmbus_node_close(&node);
    return error ? explain(error, path, write) : STATUS_SUCCESS;
}

NTSTATUS vmbus_pci_read(const char *root, const char *name, unsigned offset, uint32_t *value)
{
    return access_config(root, name, offset, value, false);
}

NTSTATUS vmbus_pci_write(const char *root, const char *name, unsigned offset, uint32_t value)
{
    return access_config(root, name, offset, &value, true);
}

/* ---- which there are */

static bool read_id(const char *root, const char *name, const char *file, uint64_t *id)
{
    char path[VMBUS_PATH_MAX];

    return vmbus_path(path, root, PCI_FOLDER "/%s/%s", name, file) &&
           vmbus_file_number(path, id) == 0;
}

static NTSTATUS read_channel(const char *root, struct vmbus_pci_function *function)
{
    NTSTATUS status = STATUS_SUCCESS;

    for (unsigned i = 0; i < sizeof(function->channel) && NT_SUCCESS(status); i += 4) {
        uint32_t word = 0;

        status = vmbus_pci_read(root, function->name, CONFIG_CHANNEL_GUID + i, &word);
        memcpy(function->channel + i, &word, sizeof(word));
    }
    return status;
}

/* False: no vGPU, or it has vanished. */
static bool examine(const char *root, const char *name, struct vmbus_pci_function *function)
{
    uint64_t vendor, device;

    memset(function, 0, sizeof(*function));
    if (strlen(name) >= sizeof(function->name) || !read_id(root, name, "vendor", &vendor) ||
        !read_id(root, name, "device", &device) || vendor != VENDOR_MICROSOFT ||
        (device != DEVICE_VIRTUAL_RENDER && device != DEVICE_COMPUTE_ACCELERATOR))
        return false;
    memcpy(function->name, name, strlen(name) + 1);
    function->compute_only = device == DEVICE_COMPUTE_ACCELERATOR;
    NTSTATUS status = read_channel(root, function);
    if (!NT_SUCCESS(status))
        snprintf(function->problem, sizeof(function->problem), "%s", d3dkmti_fail_reason());
    return status != STATUS_DEVICE_REMOVED;
}

NTSTATUS vmbus_pci_list(const char *root, struct vmbus_pci_function functions[VMBUS_MOST_DEVICES],
                        size_t *count)
{
    char path[VMBUS_PATH_MAX];

    *count = 0;
    if (!vmbus_path(path, root, PCI_FOLDER))
        return d3dkmti_fail(STATUS_INVALID_PARAMETER, "root=%.40s...: the path is too long", root);
    DIR *entries = opendir(path);
    if (!entries)
        return d3dkmti_fail(STATUS_DEVICE_REMOVED,
                            "%s: %s; vGPUs need a PCI bus (module pci_hyperv)", path,
                            strerror(errno));
    for (struct dirent *entry = readdir(entries); entry && *count < VMBUS_MOST_DEVICES;
         entry = readdir(entries))
        if (entry->d_name[0] != '.' && examine(root, entry->d_name, &functions[*count]))
            ++*count;
    closedir(entries);
    return STATUS_SUCCESS;
}
