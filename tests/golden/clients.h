/* SPDX-License-Identifier: MIT */
/*
 * The client processes of a scenario, in this one process: each has descriptors, and an engine
 * process from its first open of the device to the last close of what it opened.
 */
#ifndef GOLDEN_CLIENTS_H
#define GOLDEN_CLIENTS_H

#include "host.h"

enum { CLIENT_NAME_MAX = 32 };

/* The device as one client opened it. Counted by open files. */
struct device_user {
    struct guest_process *process;
    struct client *owner;
    unsigned opens;
};

/* An open file of the device: counted by descriptors and by calls in progress. */
struct device_file {
    struct device_user *user;
    unsigned references;
};

struct descriptor {
    struct descriptor *next; /* the newest first */
    char *name;
    int number;               /* a real one, also for the device */
    struct device_file *file; /* NULL: of something else */
    bool shared;              /* the engine made it: of a shared object, or a sync file */
};

struct client {
    struct client *next;
    char name[CLIENT_NAME_MAX];
    uint64_t process_id;
    struct device_user *user; /* NULL before the first open and after the last close */
    struct descriptor *descriptors;
    long descriptor_limit; /* 0: the machine's */
};

struct clients {
    struct host *host;
    struct client *first;
    unsigned count;
    pthread_mutex_t mutex; /* guards the counts */
    int closed_number;     /* what closed descriptors are called from then on */
};

void clients_init(struct clients *clients, struct host *host);
/* Ends every client. */
void clients_destroy(struct clients *clients);

/* The client of this name, made when it is new. */
struct client *clients_get(struct clients *clients, const char *name);

/* Opens the device: 0 or the errno as a name ("EBADF"). */
const char *client_open(struct clients *clients, struct client *client, const char *descriptor);

/* Gives the client a descriptor of something else, or one that the engine made. */
void client_add(struct clients *clients, struct client *client, const char *name, int number);
void client_add_shared(struct clients *clients, struct client *client, const char *name,
                       int number);
struct descriptor *client_find(struct client *client, const char *name);
void client_close(struct clients *clients, struct client *client, const char *name);
void client_duplicate(struct clients *clients, struct client *from, const char *name,
                      struct client *to, const char *new_name);
void client_fork(struct clients *clients, struct client *parent, struct client *child);

/* Closes everything as the kernel does at exit: the newest descriptor first. */
void client_end(struct clients *clients, struct client *client);

/*
 * The open file of the device that a call of this client goes through, held until file_release;
 * NULL when it has none of its own.
 */
struct device_file *client_hold_file(struct clients *clients, struct client *client);
void file_release(struct clients *clients, struct device_file *file);

#endif
