/* SPDX-License-Identifier: MIT */
/* d3dkmt-bind: what its parts share. */
#ifndef TOOLS_D3DKMT_BIND_BIND_H
#define TOOLS_D3DKMT_BIND_BIND_H

#include "backend-vmbus-uio/devices.h"
#include "backend-vmbus-uio/pci.h"

#define BIND_DRIVER_FOLDER "/sys/bus/vmbus/drivers/" VMBUS_UIO_DRIVER

struct bind_devices {
    size_t count;
    struct vmbus_device list[VMBUS_MOST_DEVICES];
};

/* The VM's devices; on failure says why on standard error. */
bool bind_list(const char *root, struct bind_devices *devices);

bool bind_is_bound(const struct vmbus_device *device);

/* One line on standard error, with the program's name in front. */
void bind_complain(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* ---- the commands: exit statuses */

int bind_status(const char *root);
int bind_explain(const char *root);
int bind_bind(const char *root, bool future);
int bind_unbind(const char *root, bool force);

#endif
