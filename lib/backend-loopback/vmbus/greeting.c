/* SPDX-License-Identifier: MIT */
#include "backend-loopback/vmbus/parts.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

enum { MOST_FILES = 2 };

/* As docs/vmbus-uio.md describes it. */
struct packet {
    uint32_t magic, kind, error, reserved;
    uint64_t base, size;
};

#define MAGIC UINT32_C(0x44334b55)

bool bus_greet(int socket, const struct bus_greeting *greeting)
{
    struct packet packet = {
        .magic = MAGIC,
        .kind = greeting->kind,
        .error = (uint32_t)greeting->error,
        .base = greeting->base,
        .size = greeting->size,
    };
    union {
        struct cmsghdr header;
        char bytes[CMSG_SPACE(sizeof(int) * MOST_FILES)];
    } control = {0};
    struct iovec piece = {&packet, sizeof(packet)};
    struct msghdr message = {.msg_iov = &piece, .msg_iovlen = 1};
    ssize_t sent;

    if (greeting->file_count > 0) {
        size_t size = sizeof(int) * greeting->file_count;

        message.msg_control = &control;
        message.msg_controllen = CMSG_SPACE(size);
        struct cmsghdr *part = CMSG_FIRSTHDR(&message);
        part->cmsg_level = SOL_SOCKET;
        part->cmsg_type = SCM_RIGHTS;
        part->cmsg_len = CMSG_LEN(size);
        memcpy(CMSG_DATA(part), greeting->files, size);
    }
    do
        sent = sendmsg(socket, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
    while (sent < 0 && errno == EINTR);
    return sent == (ssize_t)sizeof(packet);
}
