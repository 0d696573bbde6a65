/* SPDX-License-Identifier: MIT */
#include "backend-vmbus-uio/devices.h"

#include "backend-vmbus-uio/files.h"
#include "backend-vmbus-uio/ring.h"
#include "core/last_error.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <uuid/uuid.h>

const char *const vmbus_class_guids[VMBUS_CLASS_COUNT] = {
    [VMBUS_CLASS_GLOBAL] = "dde9cbc0-5060-4436-9448-ea1254a5d177",
    [VMBUS_CLASS_VGPU] = "6e382d18-3336-4f4b-acc4-2b7703d4df4a",
};

#define DEVICES_FOLDER "/sys/bus/vmbus/devices"

#define MOST_RINGS ((uint64_t)64 << 20) /* bytes; kernels give 136 KiB or 4 MiB */

enum { PAGE_SIZE = 4096 };

/* ---- GUIDs */

/* libuuid keeps the order of the text; in memory the first three fields are little endian. */
static void swap_fields(const uint8_t text_order[16], uint8_t guid[16])
{
    static const uint8_t order[16] = {3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15};

    for (int i = 0; i < 16; i++)
        guid[i] = text_order[order[i]];
}

bool vmbus_guid_parse(const char *text, uint8_t guid[16])
{
    char bare[UUID_STR_LEN];
    uuid_t parsed;
    bool braces = text[0] == '{';

    if (strlen(text) != UUID_STR_LEN - 1 + (braces ? 2 : 0) ||
        (braces && text[UUID_STR_LEN] != '}'))
        return false;
    memcpy(bare, text + braces, UUID_STR_LEN - 1);
    bare[UUID_STR_LEN - 1] = '\0';
    if (uuid_parse(bare, parsed) != 0)
        return false;
    swap_fields(parsed, guid);
    return true;
}

static bool find_class(const uint8_t guid[16], enum vmbus_class *found)
{
    uint8_t known[16];

    for (int i = 0; i < VMBUS_CLASS_COUNT; i++) {
        if (vmbus_guid_parse(vmbus_class_guids[i], known) && memcmp(known, guid, 16) == 0) {
            *found = (enum vmbus_class)i;
            return true;
        }
    }
    return false;
}

/* ---- one device */

/* What stands in the way of a device's use; the first thing counts. */
__attribute__((format(printf, 2, 3))) static void note(struct vmbus_device *device,
                                                       const char *format, ...)
{
    va_list arguments;

    if (device->problem[0])
        return;
    va_start(arguments, format);
    vsnprintf(device->problem, sizeof(device->problem), format, arguments);
    va_end(arguments);
}

/* What a device's folder holds. errno, or 0. */
struct folder {
    const char *root;
    const struct vmbus_device *device;
    int *shortage; /* errno of what could not be looked at, which says nothing of the device */
};

static bool is_shortage(int error)
{
    return error == EMFILE || error == ENFILE || error == ENOMEM;
}

static int note_shortage(const struct folder *folder, int error)
{
    if (is_shortage(error))
        *folder->shortage = error;
    return error;
}

static int read_text(const struct folder *folder, const char *name, char *text, size_t size)
{
    char path[VMBUS_PATH_MAX];

    if (!vmbus_path(path, folder->root, DEVICES_FOLDER "/%s/%s", folder->device->name, name))
        return ENAMETOOLONG;
    return note_shortage(folder, vmbus_file_read(path, text, size));
}

static int read_number(const struct folder *folder, const char *name, uint64_t *number)
{
    char path[VMBUS_PATH_MAX];

    if (!vmbus_path(path, folder->root, DEVICES_FOLDER "/%s/%s", folder->device->name, name))
        return ENAMETOOLONG;
    return note_shortage(folder, vmbus_file_number(path, number));
}

static int read_guid(const struct folder *folder, const char *name, uint8_t guid[16])
{
    char text[80];
    int error = read_text(folder, name, text, sizeof(text));

    if (error)
        return error;
    return vmbus_guid_parse(text, guid) ? 0 : EINVAL;
}

static void format_instance(struct vmbus_device *device)
{
    uint8_t text_order[16];

    /* The exchange of the fields is its own inverse. */
    swap_fields(device->instance, text_order);
    uuid_unparse_lower(text_order, device->instance_text);
}

/* Without a file the channel has no monitor: newer kernels then signal by a write. */
static void read_monitor(const struct folder *folder, struct vmbus_device *device)
{
    uint64_t monitor;
    int error = read_number(folder, "monitor_id", &monitor);

    device->monitor = VMBUS_NO_MONITOR;
    if (error == ENOENT)
        return;
    if (error)
        note(device, "its monitor_id cannot be read: %s", strerror(error));
    else if (monitor >= VMBUS_MONITORS)
        note(device, "its monitor_id is %llu, and there are only %u", (unsigned long long)monitor,
             VMBUS_MONITORS);
    else
        device->monitor = (uint32_t)monitor;
}

static void read_driver(const struct folder *folder, struct vmbus_device *device)
{
    char path[VMBUS_PATH_MAX], target[VMBUS_PATH_MAX];

    if (!vmbus_path(path, folder->root, DEVICES_FOLDER "/%s/driver", device->name))
        return;
    ssize_t length = readlink(path, target, sizeof(target) - 1);
    if (length <= 0)
        return;
    target[length] = '\0';
    const char *slash = strrchr(target, '/');
    snprintf(device->driver, sizeof(device->driver), "%.63s", slash ? slash + 1 : target);
}

/* "uioN" and nothing else. */
static bool is_uio_name(const char *name, uint32_t *number)
{
    unsigned long value = 0;

    if (strncmp(name, "uio", 3) != 0 || !name[3] || strlen(name) > 3 + 7)
        return false;
    for (const char *digit = name + 3; *digit; digit++) {
        if (!isdigit((unsigned char)*digit))
            return false;
        value = value * 10 + (unsigned long)(*digit - '0');
    }
    *number = (uint32_t)value;
    return true;
}

static void find_uio(const struct folder *folder, struct vmbus_device *device)
{
    char path[VMBUS_PATH_MAX];
    unsigned found = 0;
    uint32_t number;

    device->uio = VMBUS_NO_UIO;
    if (!vmbus_path(path, folder->root, DEVICES_FOLDER "/%s/uio", device->name))
        return;
    DIR *entries = opendir(path);
    if (!entries) {
        (void)note_shortage(folder, errno);
        return;
    }
    for (struct dirent *entry = readdir(entries); entry; entry = readdir(entries)) {
        if (is_uio_name(entry->d_name, &number)) {
            device->uio = number;
            found++;
        }
    }
    closedir(entries);
    if (found > 1) {
        note(device, "it has %u UIO devices, where one was expected", found);
        device->uio = VMBUS_NO_UIO;
    }
}

static void read_map(const struct folder *folder, struct vmbus_device *device, unsigned map)
{
    static const char *const names[VMBUS_MAP_COUNT] = {"txrx_rings", "int_page", "monitor_page"};
    char file[80], name[40];
    uint64_t size = 0;

    snprintf(file, sizeof(file), "uio/uio%u/maps/map%u/name", device->uio, map);
    int error = read_text(folder, file, name, sizeof(name));
    if (error) {
        note(device, "uio%u has no map %u: %s", device->uio, map, strerror(error));
        return;
    }
    if (strcmp(name, names[map]) != 0) {
        note(device, "map %u of uio%u is named \"%s\" instead of \"%s\"", map, device->uio, name,
             names[map]);
        return;
    }
    snprintf(file, sizeof(file), "uio/uio%u/maps/map%u/size", device->uio, map);
    error = read_number(folder, file, &size);
    if (error)
        note(device, "the size of map %u of uio%u cannot be read: %s", map, device->uio,
             strerror(error));
    else if (size == 0 || size % PAGE_SIZE || size > MOST_RINGS)
        note(device, "map %u of uio%u has %llu bytes: pages up to 64 MiB were expected", map,
             device->uio, (unsigned long long)size);
    device->map_size[map] = size;
}

uint64_t vmbus_device_ring_size(const struct vmbus_device *device)
{
    return device->map_size[0] / 2;
}

static void check_rings(struct vmbus_device *device)
{
    uint64_t ring = vmbus_device_ring_size(device);

    if (ring % PAGE_SIZE || ring < VMBUS_RING_CONTROL_SIZE + VMBUS_RING_MINIMUM)
        note(device, "the rings of uio%u have %llu bytes together, which is not twice some pages",
             device->uio, (unsigned long long)device->map_size[0]);
}

/* The channel's folder comes last of all: a kernel uses what is not ready yet when it is opened
 * before. */
static void check_channel_folder(const struct folder *folder, struct vmbus_device *device)
{
    char path[VMBUS_PATH_MAX];

    if (vmbus_path(path, folder->root, DEVICES_FOLDER "/%s/channels/%u", device->name,
                   device->relid) &&
        access(path, F_OK) != 0)
        note(device, "its folder channels/%u is missing: the driver is still binding, look again",
             device->relid);
}

static void check_binding(const struct folder *folder, struct vmbus_device *device)
{
    bool ours = strcmp(device->driver, VMBUS_UIO_DRIVER) == 0;

    if (!device->driver[0])
        note(device, "no driver is bound to it; as root: d3dkmt-bind bind");
    else if (!ours)
        note(
            device,
            "the driver %s has it; as root: d3dkmt-bind bind takes it over, and no program may use "
            "that driver then",
            device->driver);
    else if (device->uio == VMBUS_NO_UIO)
        note(device, VMBUS_UIO_DRIVER " has it, but made no UIO device: look at dmesg (-524: this "
                                      "kernel needs a monitor, take 6.10 or later)");
    if (!ours || device->uio == VMBUS_NO_UIO)
        return;
    for (unsigned map = 0; map < VMBUS_MAP_COUNT; map++)
        read_map(folder, device, map);
    check_rings(device);
    check_channel_folder(folder, device);
}

/* False: none of ours, or it has vanished. */
static bool examine(const char *root, const char *name, struct vmbus_device *device, int *shortage)
{
    const struct folder folder = {root, device, shortage};
    uint8_t class_guid[16];
    uint64_t relid = 0;

    memset(device, 0, sizeof(*device));
    if (strlen(name) >= sizeof(device->name))
        return false;
    memcpy(device->name, name, strlen(name) + 1);
    if (read_guid(&folder, "class_id", class_guid) ||
        !find_class(class_guid, &device->device_class))
        return false;
    int error = read_guid(&folder, "device_id", device->instance);
    if (error == ENOENT || error == ENODEV)
        return false;
    if (error)
        note(device, "its device_id %s", error == EINVAL ? "is no GUID" : strerror(error));
    format_instance(device);
    error = read_number(&folder, "id", &relid);
    if (error == ENOENT || error == ENODEV)
        return false;
    if (error || relid > UINT32_MAX)
        note(device, "its channel number (id) %s",
             error == EINVAL || !error ? "is no number" : strerror(error));
    device->relid = (uint32_t)relid;
    read_driver(&folder, device);
    read_monitor(&folder, device);
    find_uio(&folder, device);
    check_binding(&folder, device);
    return true;
}

static NTSTATUS cannot_look(const char *path, int error)
{
    return d3dkmti_fail(STATUS_NO_MEMORY, "%s cannot be looked at: %s", path, strerror(error));
}

NTSTATUS vmbus_devices_list(const char *root, struct vmbus_device devices[VMBUS_MOST_DEVICES],
                            size_t *count)
{
    char path[VMBUS_PATH_MAX];
    int shortage = 0;

    *count = 0;
    if (!vmbus_path(path, root, DEVICES_FOLDER))
        return d3dkmti_fail(STATUS_INVALID_PARAMETER, "root=%.40s...: the path is too long", root);
    DIR *entries = opendir(path);
    if (!entries)
        return is_shortage(errno)
                   ? cannot_look(path, errno)
                   : d3dkmti_fail(STATUS_DEVICE_REMOVED,
                                  "%s: %s; this is no guest of Hyper-V, or hv_vmbus is not loaded",
                                  path, strerror(errno));
    for (struct dirent *entry = readdir(entries); entry && *count < VMBUS_MOST_DEVICES;
         entry = readdir(entries))
        if (entry->d_name[0] != '.' && examine(root, entry->d_name, &devices[*count], &shortage))
            ++*count;
    closedir(entries);
    return shortage ? cannot_look(path, shortage) : STATUS_SUCCESS;
}
