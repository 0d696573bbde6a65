/* SPDX-License-Identifier: MIT */
#include "clients.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The task name of the recorded clients. */
#define TASK_NAME "puppet-client"

/* Numbers that this program never gets: a closed descriptor must not name another file of ours. */
enum { FIRST_PROCESS_ID = 1000, FIRST_CLOSED_NUMBER = 100000 };

void clients_init(struct clients *clients, struct host *host)
{
    memset(clients, 0, sizeof(*clients));
    clients->host = host;
    clients->closed_number = FIRST_CLOSED_NUMBER;
    pthread_mutex_init(&clients->mutex, NULL);
}

void clients_destroy(struct clients *clients)
{
    for (struct client *client = clients->first; client; client = client->next)
        client_end(clients, client);
    while (clients->first) {
        struct client *next = clients->first->next;

        free(clients->first);
        clients->first = next;
    }
    pthread_mutex_destroy(&clients->mutex);
}

struct client *clients_get(struct clients *clients, const char *name)
{
    char symbol[CLIENT_NAME_MAX + 8];
    struct client **link = &clients->first;

    if (!name || strlen(name) >= CLIENT_NAME_MAX)
        report_die("a step has no process, or one with a long name");
    while (*link && strcmp((*link)->name, name) != 0)
        link = &(*link)->next;
    if (*link)
        return *link;
    struct client *client = must_allocate(sizeof(*client));
    snprintf(client->name, sizeof(client->name), "%s", name);
    client->process_id = FIRST_PROCESS_ID + clients->count++;
    snprintf(symbol, sizeof(symbol), "pid:%s", name);
    symbols_set(clients->host->symbols, NULL, symbol, client->process_id);
    *link = client;
    return client;
}

/* ---- open files of the device */

struct device_file *client_hold_file(struct clients *clients, struct client *client)
{
    struct device_file *file = NULL;

    pthread_mutex_lock(&clients->mutex);
    for (struct descriptor *d = client->descriptors; d && !file; d = d->next) {
        if (d->file && d->file->user->owner == client)
            file = d->file;
    }
    if (file)
        file->references++;
    pthread_mutex_unlock(&clients->mutex);
    return file;
}

void file_release(struct clients *clients, struct device_file *file)
{
    pthread_mutex_lock(&clients->mutex);
    bool last = --file->references == 0;
    struct device_user *user = file->user;
    bool last_open = last && --user->opens == 0;
    if (last_open && user->owner->user == user)
        user->owner->user = NULL;
    pthread_mutex_unlock(&clients->mutex);
    if (last)
        free(file);
    if (last_open) {
        d3dkmti_guest_process_close(user->process);
        free(user);
    }
}

static struct device_user *make_user(struct clients *clients, struct client *client)
{
    struct guest_process_options options = {
        .process_id = client->process_id, .name = TASK_NAME, .check_pointers = true};
    struct device_user *user = must_allocate(sizeof(*user));

    user->owner = client;
    if (NT_SUCCESS(d3dkmti_guest_process_open(clients->host->vm, &options, &user->process)))
        return user;
    free(user);
    return NULL;
}

const char *client_open(struct clients *clients, struct client *client, const char *name)
{
    if (!client->user)
        client->user = make_user(clients, client);
    if (!client->user)
        return "EBADF";
    struct device_file *file = must_allocate(sizeof(*file));
    file->references = 1;
    file->user = client->user;
    file->user->opens++;
    /* Something that is no eventfd stands for the device where a number is passed on. */
    client_add(clients, client, name, open("/dev/null", O_RDWR | O_CLOEXEC));
    client->descriptors->file = file;
    return NULL;
}

/* ---- descriptors */

void client_add(struct clients *clients, struct client *client, const char *name, int number)
{
    struct descriptor *descriptor = must_allocate(sizeof(*descriptor));

    if (number < 0)
        report_die("no descriptor for %s", name);
    descriptor->name = must_copy(name);
    descriptor->number = number;
    descriptor->next = client->descriptors;
    client->descriptors = descriptor;
    symbols_set(clients->host->symbols, client->name, name, (uint64_t)number);
}

void client_add_shared(struct clients *clients, struct client *client, const char *name, int number)
{
    client_add(clients, client, name, number);
    client->descriptors->shared = true;
}

/* "fd:dxg1" is sometimes called "dxg1". */
static const char *bare_name(const char *name)
{
    return strncmp(name, "fd:", 3) == 0 ? name + 3 : name;
}

struct descriptor *client_find(struct client *client, const char *name)
{
    struct descriptor *descriptor = client->descriptors;

    while (descriptor && strcmp(bare_name(descriptor->name), bare_name(name)) != 0)
        descriptor = descriptor->next;
    return descriptor;
}

static void close_descriptor(struct clients *clients, struct client *client,
                             struct descriptor *descriptor, bool at_exit)
{
    struct descriptor **link = &client->descriptors;

    pthread_mutex_lock(&clients->mutex);
    while (*link != descriptor)
        link = &(*link)->next;
    *link = descriptor->next;
    pthread_mutex_unlock(&clients->mutex);
    symbols_set(clients->host->symbols, client->name, descriptor->name,
                (uint64_t)clients->closed_number++);
    close(descriptor->number);
    if (descriptor->file)
        file_release(clients, descriptor->file);
    /*
     * The last one of an object ends it on the host, too. Of several in a row it may be any, or one
     * that a merged sync file keeps: they are closed first.
     */
    if (descriptor->shared && !(at_exit && client->descriptors && client->descriptors->shared))
        host_await(clients->host, "DESTROYNTSHAREDOBJECT");
    free(descriptor->name);
    free(descriptor);
}

void client_close(struct clients *clients, struct client *client, const char *name)
{
    struct descriptor *descriptor = client_find(client, name);
    uint64_t number;

    if (!descriptor && symbols_get(clients->host->symbols, client->name, name, &number)) {
        /* The engine made this one: it is known by its number alone. */
        client_add_shared(clients, client, name, (int)number);
        descriptor = client->descriptors;
    }
    if (!descriptor)
        report_die("%s closes %s, which it does not have", client->name, name);
    close_descriptor(clients, client, descriptor, false);
}

void client_duplicate(struct clients *clients, struct client *from, const char *name,
                      struct client *to, const char *new_name)
{
    const struct descriptor *descriptor = client_find(from, name);
    uint64_t number;

    if (descriptor)
        number = (uint64_t)descriptor->number;
    else if (!symbols_get(clients->host->symbols, from->name, name, &number))
        report_die("%s passes %s on, which it does not have", from->name, name);
    client_add(clients, to, new_name, fcntl((int)number, F_DUPFD_CLOEXEC, 0));
    to->descriptors->shared = !descriptor || descriptor->shared;
    if (descriptor && descriptor->file) {
        pthread_mutex_lock(&clients->mutex);
        to->descriptors->file = descriptor->file;
        descriptor->file->references++;
        pthread_mutex_unlock(&clients->mutex);
    }
}

static void inherit(struct clients *clients, struct client *parent, struct client *child,
                    const struct descriptor *descriptor)
{
    if (!descriptor)
        return;
    /* The oldest first, so that the child closes in the parent's order. */
    inherit(clients, parent, child, descriptor->next);
    client_duplicate(clients, parent, descriptor->name, child, descriptor->name);
}

void client_fork(struct clients *clients, struct client *parent, struct client *child)
{
    inherit(clients, parent, child, parent->descriptors);
}

void client_end(struct clients *clients, struct client *client)
{
    while (client->descriptors)
        close_descriptor(clients, client, client->descriptors, true);
    client->descriptor_limit = 0;
}
