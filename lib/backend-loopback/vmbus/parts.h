/* SPDX-License-Identifier: MIT */
/* Inside the simulated VMBus: devices, their open channels, the folder. */
#ifndef BACKEND_LOOPBACK_VMBUS_PARTS_H
#define BACKEND_LOOPBACK_VMBUS_PARTS_H

#include "backend-loopback/vmbus/bus.h"
#include "backend-loopback/vmbus/ring.h"

#include <pthread.h>
#include <stdatomic.h>

enum { BUS_DEVICES = HOST_MAX_ADAPTERS + 1, BUS_CONNECTIONS = 64, BUS_PATH_MAX = 512 };

/* Where the IO space seems to lie in the guest's physical memory. */
#define BUS_IO_START ((uint64_t)1 << 35)

struct bus_channel;

/* Number 0 is the global device, others belong to the adapter of the number before. */
struct bus_device {
    struct bus *bus;
    unsigned number;
    bool offered;
    bool leaving; /* rescinded, and not let go yet */
    uint32_t relid;
    char guid[37];
    int node, config;            /* listening sockets, or -1 */
    struct bus_channel *channel; /* open, or NULL */
};

/* A connection that asks something: a PCI function's words (device set), or to steer. */
struct bus_connection {
    int socket; /* -1: unused */
    struct bus_device *device;
};

struct bus {
    struct bus_config config;
    struct host *host;
    struct host_guest *guest; /* from the first question of a guest on, until all is closed */
    uint32_t last_relid;
    int control, memory; /* listening sockets */
    int wake;            /* an eventfd: a channel has ended */
    struct bus_device devices[BUS_DEVICES];
    struct bus_connection connections[BUS_CONNECTIONS];
    pthread_mutex_t mutex; /* guards what follows */
    bool losing;           /* what a loss signals goes nowhere: guests learn of it by the rescind */
    struct bus_channel *global; /* where the host's messages go */
    bool made_folder;
};

/* ---- tree.c: files and sockets. False: errno says why. */

bool bus_tree_begin(struct bus *bus);
bool bus_tree_add(struct bus *bus, struct bus_device *device);
void bus_tree_remove(struct bus *bus, struct bus_device *device);
void bus_tree_end(struct bus *bus);

/* A listening socket at a path below the folder, or -1. */
int bus_tree_listen(struct bus *bus, const char *name);

/* ---- channel.c */

/* Takes a connection to a device's node over; NULL: no resources, it is closed. */
struct bus_channel *bus_channel_open(struct bus_device *device, int socket);

/* The guest has closed its end, or is about to find out that the device is gone. */
bool bus_channel_has_ended(const struct bus_channel *channel);

/* As a rescind: the guest's next read fails. Its end of the connection stays until it closes it. */
void bus_channel_rescind(struct bus_channel *channel);

/* Stops or goes on reading, as a host that hangs. */
void bus_channel_pause(struct bus_channel *channel, bool paused);

/* Ends it at once, waits for its thread, frees it. */
void bus_channel_close(struct bus_channel *channel);

/* A message of the host; any thread, never waits for the guest. */
void bus_channel_message(struct bus_channel *channel, const void *bytes, size_t size);

/* ---- greeting.c: what a guest is told when it opens a node */

enum bus_node_kind { BUS_NODE_DEVICE = 1, BUS_NODE_CONFIG = 2, BUS_NODE_MEMORY = 3 };

struct bus_greeting {
    enum bus_node_kind kind;
    int error; /* with which opening fails */
    uint64_t base, size;
    const int *files;
    unsigned file_count;
};

bool bus_greet(int socket, const struct bus_greeting *greeting);

void bus_log(struct bus *bus, enum host_log_level level, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
