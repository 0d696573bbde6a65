/* SPDX-License-Identifier: MIT */
/* The VMBus devices of GPU-PV as sysfs shows them: which there are, who drives them, their maps. */
#ifndef BACKEND_VMBUS_UIO_DEVICES_H
#define BACKEND_VMBUS_UIO_DEVICES_H

#include <d3dkmt/d3dkmt.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The kernel's driver that hands a channel to user space. */
#define VMBUS_UIO_DRIVER "uio_hv_generic"

enum vmbus_class {
    VMBUS_CLASS_GLOBAL, /* one for each VM */
    VMBUS_CLASS_VGPU,   /* one for each adapter */
    VMBUS_CLASS_COUNT
};

/* Class GUIDs as new_id takes them: lower case, no braces. */
extern const char *const vmbus_class_guids[VMBUS_CLASS_COUNT];

enum {
    VMBUS_MOST_DEVICES = 64,
    VMBUS_NAME_MAX = 64,
    VMBUS_PROBLEM_MAX = 320,
    VMBUS_MAP_COUNT = 3, /* rings, interrupt page, monitor page; what follows is not needed */
};

#define VMBUS_NO_MONITOR UINT32_MAX
#define VMBUS_NO_UIO     UINT32_MAX
#define VMBUS_MONITORS   128u

struct vmbus_device {
    enum vmbus_class device_class;
    char name[VMBUS_NAME_MAX];   /* of its folder in sysfs */
    uint8_t instance[16];        /* its GUID as it lies in memory, and in PCI words */
    char instance_text[37];      /* the same as driver files take it */
    uint32_t relid;              /* the channel's number */
    uint32_t monitor;            /* its bit in the monitor page, or VMBUS_NO_MONITOR */
    char driver[VMBUS_NAME_MAX]; /* "": none */
    uint32_t uio;                /* of /dev/uioN, or VMBUS_NO_UIO */
    uint64_t map_size[VMBUS_MAP_COUNT];
    char problem[VMBUS_PROBLEM_MAX]; /* "": it can be used; else why not, and what to do */
};

/*
 * Looks at all devices of the two classes; those that cannot be used say why. Devices that vanish
 * meanwhile are left out. Explained: STATUS_DEVICE_REMOVED when there is no VMBus;
 * STATUS_NO_MEMORY when this process has no descriptors or memory left to look at all of it, and
 * what was found says nothing of the rest.
 */
NTSTATUS vmbus_devices_list(const char *root, struct vmbus_device devices[VMBUS_MOST_DEVICES],
                            size_t *count);

/* Bytes of each of the two rings, control page included. */
uint64_t vmbus_device_ring_size(const struct vmbus_device *device);

/* A GUID, with or without braces, in either case; as it lies in memory. False: it is none. */
bool vmbus_guid_parse(const char *text, uint8_t guid[16]);

#endif
