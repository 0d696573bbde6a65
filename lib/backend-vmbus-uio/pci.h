/* SPDX-License-Identifier: MIT */
/* PCI functions of vGPUs and their configuration words. */
#ifndef BACKEND_VMBUS_UIO_PCI_H
#define BACKEND_VMBUS_UIO_PCI_H

#include "backend-vmbus-uio/devices.h"

struct vmbus_pci_function {
    char name[VMBUS_NAME_MAX]; /* as 0001:00:00.0 */
    bool compute_only;
    uint8_t channel[16];             /* instance GUID of its VMBus channel */
    char problem[VMBUS_PROBLEM_MAX]; /* "": it can be used; else why not, and what to do */
};

/* All functions of vGPUs. STATUS_DEVICE_REMOVED, explained, when sysfs shows no PCI bus. */
NTSTATUS vmbus_pci_list(const char *root, struct vmbus_pci_function functions[VMBUS_MOST_DEVICES],
                        size_t *count);

/* One aligned 32-bit access. STATUS_ACCESS_DENIED, STATUS_DEVICE_REMOVED, STATUS_UNSUCCESSFUL;
 * explained. */
NTSTATUS vmbus_pci_read(const char *root, const char *name, unsigned offset, uint32_t *value);
NTSTATUS vmbus_pci_write(const char *root, const char *name, unsigned offset, uint32_t value);

#endif
