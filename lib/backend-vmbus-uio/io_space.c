/* SPDX-License-Identifier: MIT */
#include "backend-vmbus-uio/io_space.h"

#include "backend-vmbus-uio/files.h"
#include "core/last_error.h"
#include "core/options.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/mman.h>

#define MIB ((uint64_t)1 << 20)
#define TIB ((uint64_t)1 << 40)

enum { ALIGNMENT = 65536 };

NTSTATUS vmbus_io_range_read(const char *text, struct vmbus_io_range *range)
{
    char start[40];
    size_t length = strcspn(text, "+");
    const struct option parts[] = {{"mmio", start},
                                   {"mmio=BASE+SIZE", text[length] ? text + length + 1 : ""}};

    if (length >= sizeof(start))
        return d3dkmti_fail(STATUS_INVALID_PARAMETER, "mmio=%.40s...: BASE+SIZE is needed", text);
    memcpy(start, text, length);
    start[length] = '\0';
    NTSTATUS status = d3dkmti_option_number(&parts[0], ALIGNMENT, (uint64_t)1 << 52, &range->start);
    if (NT_SUCCESS(status))
        status = d3dkmti_option_number(&parts[1], MIB, TIB, &range->size);
    if (NT_SUCCESS(status) && (range->start % ALIGNMENT || range->size % MIB))
        status =
            d3dkmti_fail(STATUS_INVALID_PARAMETER,
                         "mmio=%s: BASE must be a multiple of 64 KiB, and SIZE of 1 MiB", text);
    return status;
}

/* ---- what else lies there */

/* Windows that hold others' ranges, and what the firmware keeps from being memory. */
static bool is_container(const char *name)
{
    static const char *const prefixes[] = {"Reserved", "PCI Bus",
                                           "ACPI0004:", "VMBUS:", "MSFT1000:"};

    for (size_t i = 0; i < sizeof(prefixes) / sizeof(prefixes[0]); i++)
        if (strncasecmp(name, prefixes[i], strlen(prefixes[i])) == 0)
            return true;
    return false;
}

/* One line, "START-END : NAME". Lines that show zeros only are those of an unprivileged reader. */
static NTSTATUS check_line(const char *line, const struct vmbus_io_range *range)
{
    unsigned long long first, last;
    int name = 0;

    if (sscanf(line, " %llx-%llx : %n", &first, &last, &name) != 2 || name == 0 || last == 0 ||
        last < range->start || first >= range->start + range->size || is_container(line + name))
        return STATUS_SUCCESS;
    return d3dkmti_fail(STATUS_INVALID_PARAMETER,
                        "mmio=0x%llx+0x%llx overlaps with \"%.60s\" at 0x%llx-0x%llx in "
                        "/proc/iomem; choose another range of the VM's MMIO windows",
                        (unsigned long long)range->start, (unsigned long long)range->size,
                        line + name, first, last);
}

static NTSTATUS check_iomem(const char *root, const struct vmbus_io_range *range)
{
    char path[VMBUS_PATH_MAX], line[256];
    NTSTATUS status = STATUS_SUCCESS;
    FILE *lines = vmbus_path(path, root, "/proc/iomem") ? fopen(path, "re") : NULL;

    while (lines && NT_SUCCESS(status) && fgets(line, sizeof(line), lines)) {
        line[strcspn(line, "\n")] = '\0';
        status = check_line(line, range);
    }
    if (lines)
        fclose(lines);
    return status;
}

/* ---- mapping */

static NTSTATUS explain(int error, const char *path)
{
    switch (error) {
    case ENOENT:
        return d3dkmti_fail(STATUS_NOT_FOUND,
                            "%s does not exist: fences and locked memory need it; use a kernel "
                            "with CONFIG_DEVMEM",
                            path);
    case EACCES:
        return d3dkmti_fail(STATUS_ACCESS_DENIED,
                            "%s may not be opened: fences and locked memory need it; run as root, "
                            "or with CAP_SYS_RAWIO and read and write permission on the node",
                            path);
    case EPERM:
        return d3dkmti_fail(STATUS_ACCESS_DENIED,
                            "%s refuses: needs CAP_SYS_RAWIO, a kernel that is not locked down "
                            "(Secure Boot locks it), and with STRICT_DEVMEM a range that is "
                            "neither memory nor a driver's",
                            path);
    case EAGAIN:
        return d3dkmti_fail(STATUS_UNSUCCESSFUL,
                            "%s: somebody has mapped the range with another kind of caching", path);
    case ENOMEM:
        return d3dkmti_fail(STATUS_NO_MEMORY, "%s: no memory to map it", path);
    default:
        return d3dkmti_fail(STATUS_UNSUCCESSFUL, "%s: %s", path, strerror(error));
    }
}

/* Whether the range can be mapped at all is seen now, and not at the first fence. */
static NTSTATUS try_mapping(const struct vmbus_io_space *space)
{
    void *mapping;
    NTSTATUS status = vmbus_io_space_map(space, space->range.start, ALIGNMENT, true, &mapping);

    if (NT_SUCCESS(status))
        munmap(mapping, ALIGNMENT);
    return status;
}

NTSTATUS vmbus_io_space_open(struct vmbus_io_space *space, const char *root,
                             const struct vmbus_io_range *range)
{
    char path[VMBUS_PATH_MAX];

    if (range->size == 0)
        return d3dkmti_fail(STATUS_NOT_FOUND,
                            "the IO space is not known: say mmio=BASE+SIZE in D3DKMT_BACKEND or in "
                            "/etc/d3dkmt/vmbus-uio.conf (d3dkmt-bind explain says how to find it)");
    NTSTATUS status = check_iomem(root, range);
    if (!NT_SUCCESS(status))
        return status;
    if (!vmbus_path(path, root, "/dev/mem"))
        return d3dkmti_fail(STATUS_INVALID_PARAMETER, "root=%.40s...: the path is too long", root);
    int error = vmbus_node_open(path, VMBUS_NODE_MEMORY, &space->memory);
    if (error)
        return explain(error, path);
    space->range = *range;
    status = try_mapping(space);
    if (!NT_SUCCESS(status))
        vmbus_io_space_close(space);
    return status;
}

void vmbus_io_space_close(struct vmbus_io_space *space)
{
    vmbus_node_close(&space->memory);
}

NTSTATUS vmbus_io_space_map(const struct vmbus_io_space *space, uint64_t address, size_t size,
                            bool writable, void **mapping)
{
    int error = vmbus_node_map_memory(&space->memory, address, size, writable, mapping);

    return error ? explain(error, "/dev/mem") : STATUS_SUCCESS;
}
