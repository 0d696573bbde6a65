/* SPDX-License-Identifier: MIT */
/* Listening and accepting. */
#include "backend-loopback/hostd/hostd.h"
#include "backend-loopback/hostd/keeper.h"

#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum { DEFAULT_GUESTS = 64, WHY_SIZE = 256, BACKLOG = 64, LOOK_AGAIN_MS = 100 };

void hostd_log(struct hostd *hostd, enum host_log_level level, const char *format, ...)
{
    char text[256];
    va_list arguments;

    if (!hostd->config.log)
        return;
    va_start(arguments, format);
    vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    hostd->config.log(hostd->config.log_context, level, text);
}

/* ---- listening */

/* A socket that nobody listens on is left over from a host that was killed. */
static void remove_dead(const struct sockaddr_un *address)
{
    int probe = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

    if (probe < 0)
        return;
    if (connect(probe, (const struct sockaddr *)address, sizeof(*address)) != 0 &&
        errno == ECONNREFUSED)
        unlink(address->sun_path);
    close(probe);
}

static NTSTATUS start_listening(struct hostd *hostd, char *why)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    const char *path = hostd->config.path;
    struct stat made;

    if (!path || !*path || strlen(path) >= sizeof(address.sun_path)) {
        snprintf(why, WHY_SIZE, "the socket's path must have 1 to %zu characters",
                 sizeof(address.sun_path) - 1);
        return STATUS_INVALID_PARAMETER;
    }
    memcpy(address.sun_path, path, strlen(path) + 1);
    remove_dead(&address);
    hostd->listener = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    if (hostd->listener < 0 ||
        bind(hostd->listener, (const struct sockaddr *)&address, sizeof(address)) != 0) {
        snprintf(why, WHY_SIZE, "%.200s: %s", path, strerror(errno));
        return STATUS_UNSUCCESSFUL;
    }
    if (stat(path, &made) == 0) {
        hostd->socket_device = made.st_dev;
        hostd->socket_inode = made.st_ino;
    }
    if (chmod(path, hostd->config.any_user ? 0666 : 0600) != 0 ||
        listen(hostd->listener, BACKLOG) != 0) {
        snprintf(why, WHY_SIZE, "%.200s: %s", path, strerror(errno));
        return STATUS_UNSUCCESSFUL;
    }
    return STATUS_SUCCESS;
}

NTSTATUS hostd_create(const struct hostd_config *config, struct hostd **result, char *why)
{
    struct hostd *hostd = calloc(1, sizeof(*hostd));

    snprintf(why, WHY_SIZE, "no memory");
    if (!hostd)
        return STATUS_NO_MEMORY;
    hostd->config = *config;
    hostd->listener = -1;
    hostd->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (!hostd->config.max_guests)
        hostd->config.max_guests = DEFAULT_GUESTS;
    pthread_mutex_init(&hostd->mutex, NULL);
    pthread_cond_init(&hostd->changed, NULL);
    NTSTATUS status = host_create(&config->host, &hostd->host);
    for (uint32_t i = 0; NT_SUCCESS(status) && i < config->host.adapter_count; i++)
        hostd->departures[i].phase = HOSTD_STAYS;
    if (!NT_SUCCESS(status))
        snprintf(why, WHY_SIZE, "the simulated host could not be started (0x%08x)",
                 (unsigned)status);
    else if (hostd->wake < 0 || !(hostd->keeper = keeper_create(hostd->host)))
        status = STATUS_NO_MEMORY;
    else
        status = start_listening(hostd, why);
    if (!NT_SUCCESS(status)) {
        hostd_destroy(hostd);
        return status;
    }
    *result = hostd;
    return STATUS_SUCCESS;
}

/* ---- accepting */

static const char *refuse(struct hostd *hostd, const struct ucred *peer)
{
    pthread_mutex_lock(&hostd->mutex);
    bool full = hostd->guest_count >= hostd->config.max_guests;
    pthread_mutex_unlock(&hostd->mutex);
    if (!hostd->config.any_user && peer->uid != geteuid())
        return "it is another user's";
    return full ? "there are too many guests" : NULL;
}

/* False when there is nothing to accept it with. */
static bool accept_one(struct hostd *hostd)
{
    struct ucred peer;
    socklen_t size = sizeof(peer);
    int accepted = accept4(hostd->listener, NULL, NULL, SOCK_CLOEXEC);

    if (accepted < 0)
        return errno == EINTR;
    if (getsockopt(accepted, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0) {
        close(accepted);
        return true;
    }
    const char *reason = refuse(hostd, &peer);
    if (reason) {
        hostd_log(hostd, HOST_LOG_WARNING, "process %ld refused: %s", (long)peer.pid, reason);
        close(accepted);
    } else if (!hostd_guest_start(hostd, accepted, peer.pid)) {
        hostd_log(hostd, HOST_LOG_ERROR, "process %ld refused: no resources", (long)peer.pid);
    }
    return true;
}

void hostd_run(struct hostd *hostd, int stop)
{
    struct pollfd polled[] = {{.fd = stop, .events = POLLIN},
                              {.fd = hostd->listener, .events = POLLIN},
                              {.fd = hostd->wake, .events = POLLIN}};
    bool full = false; /* who waits to be accepted would keep poll from sleeping */
    uint64_t count;

    for (;;) {
        bool hurry = hostd_adapters_hurry(hostd);

        polled[1].events = full ? 0 : POLLIN;
        if (poll(polled, 3, hurry || full ? LOOK_AGAIN_MS : -1) < 0)
            continue;
        if (polled[0].revents)
            return;
        if (polled[2].revents & POLLIN)
            (void)!read(hostd->wake, &count, sizeof(count));
        full = (polled[1].revents & POLLIN) && !accept_one(hostd);
    }
}

/* ---- end */

static void remove_socket(struct hostd *hostd)
{
    struct stat found;

    if (hostd->socket_inode && stat(hostd->config.path, &found) == 0 &&
        found.st_dev == hostd->socket_device && found.st_ino == hostd->socket_inode)
        unlink(hostd->config.path);
}

void hostd_destroy(struct hostd *hostd)
{
    remove_socket(hostd);
    if (hostd->listener >= 0)
        close(hostd->listener);
    pthread_mutex_lock(&hostd->mutex);
    for (struct hostd_guest *guest = hostd->guests; guest; guest = guest->next)
        hostd_guest_interrupt(guest);
    while (hostd->guests)
        pthread_cond_wait(&hostd->changed, &hostd->mutex);
    pthread_mutex_unlock(&hostd->mutex);
    if (hostd->wake >= 0)
        close(hostd->wake);
    keeper_destroy(hostd->keeper);
    host_destroy(hostd->host);
    pthread_cond_destroy(&hostd->changed);
    pthread_mutex_destroy(&hostd->mutex);
    free(hostd);
}
