/* SPDX-License-Identifier: MIT */
/* Opening the device node, and why that fails. */
#include "backend-dxg/node.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static NTSTATUS explain_open(const struct d3dkmt_backend_services *services, const char *path,
                             int error)
{
    switch (error) {
    case ENOENT:
    case ENODEV:
    case ENXIO:
        return services->fail_with(
            STATUS_DEVICE_REMOVED,
            "%s does not exist: this kernel has no dxgkrnl, or the VM no GPU partition; "
            "d3dkmt-run gives programs a simulated one",
            path);
    case EACCES:
    case EPERM:
        return services->fail_with(STATUS_ACCESS_DENIED,
                                   "%s may not be opened by user %d; look at its permissions, and "
                                   "try access=read-only",
                                   path, (int)geteuid());
    case EBADF:
        return services->fail_with(STATUS_DEVICE_REMOVED,
                                   "%s refuses to open: there is no GPU, or the host refused this "
                                   "process (look at dmesg)",
                                   path);
    default:
        return services->fail_with(STATUS_UNSUCCESSFUL, "%s cannot be opened: %s", path,
                                   strerror(error));
    }
}

int node_open(const struct d3dkmt_backend_services *services, const char *path, int flags,
              dev_t *device, NTSTATUS *status)
{
    struct stat node;
    int descriptor = open(path, flags);

    if (descriptor < 0) {
        *status = explain_open(services, path, errno);
        return -1;
    }
    if (fstat(descriptor, &node) != 0 || !S_ISCHR(node.st_mode)) {
        close(descriptor);
        *status = services->fail_with(STATUS_DEVICE_REMOVED, "%s is not a device node", path);
        return -1;
    }
    *device = node.st_rdev;
    return descriptor;
}

bool node_is(int descriptor, dev_t device)
{
    struct stat node;

    return fstat(descriptor, &node) == 0 && S_ISCHR(node.st_mode) && node.st_rdev == device;
}
