/* SPDX-License-Identifier: MIT */
/* The folder: files with the names and formats of a kernel's, sockets in place of nodes. */
#include "backend-loopback/vmbus/parts.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum { BACKLOG = 64 };

#define DEVICE_FOLDER   "sys/bus/vmbus/devices/%s"
#define FUNCTION_FOLDER "sys/bus/pci/devices/%04x:00:00.0"
#define CONTROL         "control"

static const char *class_of(const struct bus_device *device)
{
    return device->number == 0 ? "dde9cbc0-5060-4436-9448-ea1254a5d177"
                               : "6e382d18-3336-4f4b-acc4-2b7703d4df4a";
}

/* ---- paths */

__attribute__((format(printf, 3, 0))) static bool
path_of(char path[BUS_PATH_MAX], const struct bus *bus, const char *format, va_list arguments)
{
    size_t length = (size_t)snprintf(path, BUS_PATH_MAX, "%s/", bus->config.folder);

    if (length >= BUS_PATH_MAX)
        return false;
    int added = vsnprintf(path + length, BUS_PATH_MAX - length, format, arguments);
    return added >= 0 && (size_t)added < BUS_PATH_MAX - length;
}

static bool make_parents(char *path)
{
    for (char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        bool made = mkdir(path, 0755) == 0 || errno == EEXIST;
        *slash = '/';
        if (!made)
            return false;
    }
    return true;
}

__attribute__((format(printf, 2, 3))) static bool make_folder(struct bus *bus, const char *format,
                                                              ...)
{
    char path[BUS_PATH_MAX];
    va_list arguments;

    va_start(arguments, format);
    bool fits = path_of(path, bus, format, arguments);
    va_end(arguments);
    return fits && make_parents(path) && (mkdir(path, 0755) == 0 || errno == EEXIST);
}

/* One line; the folders above come with it. */
__attribute__((format(printf, 3, 4))) static bool make_file(struct bus *bus, const char *line,
                                                            const char *format, ...)
{
    char path[BUS_PATH_MAX];
    va_list arguments;

    va_start(arguments, format);
    bool fits = path_of(path, bus, format, arguments);
    va_end(arguments);
    FILE *file = fits && make_parents(path) ? fopen(path, "we") : NULL;
    if (!file)
        return false;
    bool written = fprintf(file, "%s\n", line) > 0;
    return fclose(file) == 0 && written;
}

static int remove_entry(const char *path, const struct stat *what, int type, struct FTW *level)
{
    (void)what, (void)type, (void)level;
    return remove(path);
}

__attribute__((format(printf, 2, 3))) static void remove_all(struct bus *bus, const char *format,
                                                             ...)
{
    char path[BUS_PATH_MAX];
    va_list arguments;

    va_start(arguments, format);
    if (path_of(path, bus, format, arguments))
        nftw(path, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
    va_end(arguments);
}

/* ---- sockets */

/* Longer paths than an address holds go by way of the folder's descriptor. */
static bool address_of(struct sockaddr_un *address, char path[BUS_PATH_MAX], int *folder)
{
    char *name = strrchr(path, '/');

    *address = (struct sockaddr_un){.sun_family = AF_UNIX};
    *name = '\0';
    *folder = open(path, O_PATH | O_CLOEXEC | O_DIRECTORY);
    *name = '/';
    if (*folder < 0)
        return false;
    int length =
        snprintf(address->sun_path, sizeof(address->sun_path), "/proc/self/fd/%d%s", *folder, name);
    return length > 0 && (size_t)length < sizeof(address->sun_path);
}

int bus_tree_listen(struct bus *bus, const char *name)
{
    char path[BUS_PATH_MAX];
    struct sockaddr_un address;
    int folder = -1, listener = -1;

    if (snprintf(path, sizeof(path), "%s/%s", bus->config.folder, name) >= (int)sizeof(path) ||
        !make_parents(path) || !address_of(&address, path, &folder))
        goto end;
    listener = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    if (listener >= 0 && (bind(listener, (const struct sockaddr *)&address, sizeof(address)) != 0 ||
                          listen(listener, BACKLOG) != 0)) {
        close(listener);
        listener = -1;
    }
end:
    if (folder >= 0)
        close(folder);
    return listener;
}

/* ---- devices */

static bool add_channel_files(struct bus *bus, const struct bus_device *device)
{
    const char *guid = device->guid;
    char text[80];

    snprintf(text, sizeof(text), "%u", device->relid);
    bool done = make_file(bus, text, DEVICE_FOLDER "/id", guid);
    snprintf(text, sizeof(text), "{%s}", class_of(device));
    done = done && make_file(bus, text, DEVICE_FOLDER "/class_id", guid);
    snprintf(text, sizeof(text), "{%s}", guid);
    done = done && make_file(bus, text, DEVICE_FOLDER "/device_id", guid);
    snprintf(text, sizeof(text), "%u", device->number);
    if (bus->config.kernel == BUS_KERNEL_A || bus->config.kernel == BUS_KERNEL_A2)
        done = done && make_file(bus, text, DEVICE_FOLDER "/monitor_id", guid);
    return done && make_file(bus, "0x1414", DEVICE_FOLDER "/vendor", guid) &&
           make_file(bus, "0x10", DEVICE_FOLDER "/device", guid) &&
           make_file(bus, "2", DEVICE_FOLDER "/state", guid) &&
           make_file(bus, "(null)", DEVICE_FOLDER "/driver_override", guid);
}

static bool add_driver(struct bus *bus, const struct bus_device *device)
{
    char path[BUS_PATH_MAX];

    if (snprintf(path, sizeof(path), "%s/" DEVICE_FOLDER "/driver", bus->config.folder,
                 device->guid) >= (int)sizeof(path))
        return false;
    return symlink("../../drivers/uio_hv_generic", path) == 0;
}

static bool add_maps(struct bus *bus, const struct bus_device *device)
{
    static const char *const names[] = {"txrx_rings", "int_page", "monitor_page"};
    const unsigned rings = 2 * (bus->config.ring_size + BUS_RING_HEAD);
    bool done = true;
    char text[40];

    for (unsigned i = 0; i < 3 && done; i++) {
        snprintf(text, sizeof(text), "0x%016x", i == 0 ? rings : 4096u);
        done = make_file(bus, names[i], DEVICE_FOLDER "/uio/uio%u/maps/map%u/name", device->guid,
                         device->number, i) &&
               make_file(bus, text, DEVICE_FOLDER "/uio/uio%u/maps/map%u/size", device->guid,
                         device->number, i);
    }
    return done && make_file(bus, "uio_hv_generic", DEVICE_FOLDER "/uio/uio%u/name", device->guid,
                             device->number);
}

static bool add_function(struct bus *bus, struct bus_device *device)
{
    bool compute_only = host_adapter_is_compute_only(bus->host, device->number - 1);
    char name[80];

    snprintf(name, sizeof(name), FUNCTION_FOLDER "/config", device->number);
    device->config = bus_tree_listen(bus, name);
    return device->config >= 0 &&
           make_file(bus, "0x1414", FUNCTION_FOLDER "/vendor", device->number) &&
           make_file(bus, compute_only ? "0x008a" : "0x008e", FUNCTION_FOLDER "/device",
                     device->number);
}

/* The channel's folder last, as with the kernel: who sees it sees all. */
bool bus_tree_add(struct bus *bus, struct bus_device *device)
{
    char node[40];

    snprintf(node, sizeof(node), "dev/uio%u", device->number);
    device->node = bus_tree_listen(bus, node);
    return device->node >= 0 && (device->number == 0 || add_function(bus, device)) &&
           add_channel_files(bus, device) && add_driver(bus, device) && add_maps(bus, device) &&
           make_folder(bus, DEVICE_FOLDER "/channels/%u", device->guid, device->relid);
}

void bus_tree_remove(struct bus *bus, struct bus_device *device)
{
    if (device->node >= 0)
        close(device->node);
    if (device->config >= 0)
        close(device->config);
    device->node = device->config = -1;
    remove_all(bus, DEVICE_FOLDER, device->guid);
    remove_all(bus, FUNCTION_FOLDER, device->number);
    remove_all(bus, "dev/uio%u", device->number);
}

/* ---- the folder */

static bool is_empty(const char *path)
{
    return rmdir(path) == 0 && mkdir(path, 0755) == 0;
}

/* What a host left that was killed: its socket is there, and nobody listens on it. */
static bool is_left_over(struct bus *bus)
{
    char path[BUS_PATH_MAX];
    struct sockaddr_un address;
    int folder = -1, probe = -1;
    bool dead = false;

    if (snprintf(path, sizeof(path), "%s/" CONTROL, bus->config.folder) < (int)sizeof(path) &&
        address_of(&address, path, &folder)) {
        probe = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
        dead = probe >= 0 &&
               connect(probe, (const struct sockaddr *)&address, sizeof(address)) != 0 &&
               errno == ECONNREFUSED;
    }
    if (probe >= 0)
        close(probe);
    if (folder >= 0)
        close(folder);
    return dead;
}

static void empty_folder(struct bus *bus)
{
    static const char *const entries[] = {"sys", "dev", "etc", CONTROL};

    for (size_t i = 0; i < sizeof(entries) / sizeof(entries[0]); i++)
        remove_all(bus, "%s", entries[i]);
}

bool bus_tree_begin(struct bus *bus)
{
    const char *folder = bus->config.folder;
    char text[80];

    bus->made_folder = mkdir(folder, 0755) == 0;
    if (!bus->made_folder && errno != EEXIST)
        return false;
    if (!bus->made_folder && !is_empty(folder)) {
        if (!is_left_over(bus)) {
            errno = ENOTEMPTY;
            return false;
        }
        empty_folder(bus);
    }
    snprintf(text, sizeof(text), "mmio=0x%llx+0x%llx", (unsigned long long)BUS_IO_START,
             (unsigned long long)host_io_space_size(bus->host));
    bus->control = bus_tree_listen(bus, CONTROL);
    bus->memory = bus->control >= 0 ? bus_tree_listen(bus, "dev/mem") : -1;
    return bus->memory >= 0 && make_file(bus, text, "etc/d3dkmt/vmbus-uio.conf") &&
           make_folder(bus, "sys/bus/vmbus/devices") && make_folder(bus, "sys/bus/pci/devices") &&
           make_folder(bus, "sys/bus/vmbus/drivers/uio_hv_generic");
}

void bus_tree_end(struct bus *bus)
{
    bool ours = bus->control >= 0;

    if (bus->memory >= 0)
        close(bus->memory);
    if (bus->control >= 0)
        close(bus->control);
    if (ours)
        empty_folder(bus);
    if (bus->made_folder)
        rmdir(bus->config.folder);
}
