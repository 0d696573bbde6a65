/* SPDX-License-Identifier: MIT */
#include "core/sync_pair.h"

#include "core/last_error.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/* An abstract address, behind its zero byte: PREFIX id/timeline/name. */
#define PREFIX "d3dkmt-sync-file/"

enum { PREFIX_LENGTH = sizeof(PREFIX) - 1, ID_LENGTH = 16, BIND_TRIES = 4 };

/* Between processes, which may have different versions of the library: it never changes. */
struct packet {
    int32_t status;
    uint32_t reserved;
    uint64_t timestamp;
};

static_assert(sizeof(struct packet) == 16, "processes exchange it");

/* ---- making and signalling */

static bool bind_end(int end, const char *timeline, const char *name, uint64_t *id)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    size_t room = sizeof(address.sun_path) - 1;

    /* A collision of random numbers is an accident; somebody who makes them is not worth more. */
    for (int i = 0; i < BIND_TRIES; i++) {
        if (getrandom(id, sizeof(*id), 0) != (ssize_t)sizeof(*id))
            return false;
        int length =
            snprintf(address.sun_path + 1, room, PREFIX "%016llx/%s/%.*s", (unsigned long long)*id,
                     timeline, D3DKMT_SYNC_FILE_NAME_SIZE - 1, name);
        if (length < 0 || (size_t)length >= room)
            return false;
        size_t size = offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)length;
        if (bind(end, (const struct sockaddr *)&address, (socklen_t)size) == 0)
            return true;
        if (errno != EADDRINUSE)
            return false;
    }
    return false;
}

NTSTATUS sync_pair_create(const char *timeline, const char *name, int ends[2], uint64_t *id)
{
    uint64_t made;

    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0)
        return d3dkmti_fail(STATUS_UNSUCCESSFUL,
                            "no descriptor can be had for a sync file; look at RLIMIT_NOFILE");
    if (!bind_end(ends[0], timeline, name, &made)) {
        close(ends[0]);
        close(ends[1]);
        return d3dkmti_fail(STATUS_UNSUCCESSFUL, "a sync file's socket cannot be given an address");
    }
    if (id)
        *id = made;
    return STATUS_SUCCESS;
}

void sync_pair_signal(int own_end, NTSTATUS status, uint64_t timestamp)
{
    struct packet packet = {.status = status, .timestamp = timestamp};

    /* Should the packet be lost for want of memory, the end is readable even so. */
    (void)!send(own_end, &packet, sizeof(packet), MSG_DONTWAIT | MSG_NOSIGNAL);
    shutdown(own_end, SHUT_WR);
}

/* ---- looking */

/* Copies up to a slash, or to the end; what follows, or NULL when there is no slash. */
static const char *copy_part(char *to, size_t room, const char *from)
{
    size_t length = strcspn(from, "/");
    size_t copied = length < room ? length : room - 1;

    memcpy(to, from, copied);
    to[copied] = '\0';
    return from[length] ? from + length + 1 : NULL;
}

static bool read_address(int descriptor, struct sync_pair_state *state)
{
    struct sockaddr_un address = {0};
    char text[sizeof(address.sun_path) + 1] = {0}, *end;
    socklen_t size = sizeof(address);

    if (getsockname(descriptor, (struct sockaddr *)&address, &size) != 0 ||
        size > sizeof(address) || address.sun_family != AF_UNIX ||
        size <= offsetof(struct sockaddr_un, sun_path) + 1 + PREFIX_LENGTH)
        return false;
    memcpy(text, address.sun_path, size - offsetof(struct sockaddr_un, sun_path));
    if (text[0] != '\0' || strncmp(text + 1, PREFIX, PREFIX_LENGTH) != 0)
        return false;
    const char *id = text + 1 + PREFIX_LENGTH;
    state->id = strtoull(id, &end, 16);
    if (end != id + ID_LENGTH || *end != '/')
        return false;
    const char *name = copy_part(state->fence.timeline, sizeof(state->fence.timeline), end + 1);
    snprintf(state->name, sizeof(state->name), "%.*s", (int)sizeof(state->name) - 1,
             name ? name : "");
    snprintf(state->fence.driver, sizeof(state->fence.driver), SYNC_DRIVER);
    return true;
}

/* No packet, and none to come: somebody has read it, or the maker went without a signal. */
static NTSTATUS status_at_end(int descriptor)
{
    struct pollfd polled = {.fd = descriptor};

    return poll(&polled, 1, 0) == 1 && (polled.revents & (POLLHUP | POLLERR))
               ? STATUS_DEVICE_REMOVED
               : STATUS_SUCCESS;
}

bool sync_pair_look(int descriptor, struct sync_pair_state *state)
{
    struct packet packet;
    int type = 0;
    socklen_t type_size = sizeof(type);

    memset(state, 0, sizeof(*state));
    if (getsockopt(descriptor, SOL_SOCKET, SO_TYPE, &type, &type_size) != 0 ||
        type != SOCK_SEQPACKET || !read_address(descriptor, state))
        return false;
    ssize_t size = recv(descriptor, &packet, sizeof(packet), MSG_PEEK | MSG_DONTWAIT | MSG_TRUNC);
    if (size == (ssize_t)sizeof(packet)) {
        state->fence.status = NT_SUCCESS(packet.status) ? STATUS_SUCCESS : packet.status;
        state->fence.timestamp = packet.timestamp;
    } else if (size < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
        state->fence.status = STATUS_PENDING;
    } else {
        state->fence.status = size == 0 ? status_at_end(descriptor) : STATUS_UNSUCCESSFUL;
    }
    return true;
}
