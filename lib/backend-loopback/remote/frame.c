/* SPDX-License-Identifier: MIT */
/* Packets: their shapes, and the way over the socket. */
#include "backend-loopback/remote/frame.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* ---- shapes */

struct shape {
    bool from_guest;
    uint32_t body_size;
    uint32_t tail_limit;
    unsigned most_files;
    unsigned least_files;
};

static const struct shape shapes[] = {
    [REMOTE_HELLO] = {true, sizeof(struct remote_hello), 0, 0, 0},
    [REMOTE_CONFIG_READ] = {true, sizeof(struct remote_config), 0, 0, 0},
    [REMOTE_CONFIG_WRITE] = {true, sizeof(struct remote_config), 0, 0, 0},
    [REMOTE_OPEN_SLOT] = {true, sizeof(struct remote_open_slot), 0, 0, 0},
    [REMOTE_KEEP] = {true, sizeof(struct remote_keep), REMOTE_MESSAGE_LIMIT, 0, 0},
    [REMOTE_LOOK_UP] = {true, 0, 0, 1, 1},
    [REMOTE_COUNT] = {true, 0, 0, 0, 0},
    [REMOTE_ADD] = {true, sizeof(struct remote_add), 0, 0, 0},
    [REMOTE_REMOVE] = {true, sizeof(struct remote_number), 0, 0, 0},
    [REMOTE_QUIET] = {true, sizeof(struct remote_number), 0, 0, 0},
    [REMOTE_LEFT] = {true, sizeof(struct remote_number), 0, 0, 0},
    [REMOTE_WELCOME] = {false, sizeof(struct remote_welcome), 0, 2, 2},
    [REMOTE_ANSWER] = {false, sizeof(struct remote_answer),
                       REMOTE_MESSAGE_LIMIT + sizeof(struct remote_kept), 1, 0},
    [REMOTE_MESSAGE] = {false, 0, 4096, 0, 0},
    [REMOTE_ARRIVED] = {false, sizeof(struct remote_arrived), 0, 0, 0},
    [REMOTE_LEAVING] = {false, sizeof(struct remote_number), 0, 0, 0},
    [REMOTE_LOST] = {false, sizeof(struct remote_number), 0, 0, 0},
    [REMOTE_REMOVED] = {false, sizeof(struct remote_number), 0, 0, 0},
};

const char *remote_packet_decode(const void *bytes, size_t size, unsigned files, bool from_guest,
                                 struct remote_packet *packet)
{
    struct remote_header header;

    if (size < sizeof(header))
        return "the packet is shorter than its header";
    memcpy(&header, bytes, sizeof(header));
    if (header.type == 0 || header.type >= sizeof(shapes) / sizeof(shapes[0]))
        return "the packet's type is unknown";
    const struct shape *shape = &shapes[header.type];
    if (shape->from_guest != from_guest || (!from_guest && header.type < REMOTE_WELCOME))
        return "the packet's type is not one of the sender's";
    if (header.reserved != 0)
        return "the packet's reserved word is not 0";
    if (size - sizeof(header) < shape->body_size)
        return "the packet is too short for its type";
    if (size - sizeof(header) - shape->body_size > shape->tail_limit)
        return "the packet is too long for its type";
    if (files < shape->least_files || files > shape->most_files)
        return "the packet has too many or too few descriptors";
    packet->type = (enum remote_packet_type)header.type;
    packet->body = (const unsigned char *)bytes + sizeof(header);
    packet->tail = (const unsigned char *)packet->body + shape->body_size;
    packet->tail_size = size - sizeof(header) - shape->body_size;
    return NULL;
}

/* ---- receiving */

union control {
    struct cmsghdr header;
    char bytes[CMSG_SPACE(sizeof(int) * REMOTE_MAX_FILES)];
};

static void take_files(struct remote_received *received, struct msghdr *message)
{
    for (struct cmsghdr *part = CMSG_FIRSTHDR(message); part; part = CMSG_NXTHDR(message, part)) {
        if (part->cmsg_level != SOL_SOCKET || part->cmsg_type != SCM_RIGHTS)
            continue;
        size_t count = (part->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        for (size_t i = 0; i < count && received->file_count < REMOTE_MAX_FILES; i++)
            memcpy(&received->files[received->file_count++], CMSG_DATA(part) + i * sizeof(int),
                   sizeof(int));
    }
}

enum remote_result remote_receive(int socket, struct remote_received *received)
{
    union control control;
    struct iovec piece = {received->bytes, sizeof(received->bytes)};
    struct msghdr message = {
        .msg_iov = &piece,
        .msg_iovlen = 1,
        .msg_control = &control,
        .msg_controllen = sizeof(control),
    };
    ssize_t size;

    received->file_count = 0;
    do
        size = recvmsg(socket, &message, MSG_CMSG_CLOEXEC);
    while (size < 0 && errno == EINTR);
    if (size < 0)
        return REMOTE_GONE;
    take_files(received, &message);
    if (size == 0) { /* an empty packet cannot be told from the end; but it may have descriptors */
        remote_received_drop(received);
        return REMOTE_GONE;
    }
    bool cut = (message.msg_flags & MSG_CTRUNC) != 0;
    bool malformed = (message.msg_flags & MSG_TRUNC) || (cut && received->file_count > 0);
    if (malformed || cut)
        remote_received_drop(received);
    if (malformed)
        return REMOTE_MALFORMED;
    received->files_lost = cut;
    received->size = (size_t)size;
    return REMOTE_OK;
}

void remote_received_drop(struct remote_received *received)
{
    while (received->file_count > 0)
        close(received->files[--received->file_count]);
}

int remote_received_take(struct remote_received *received)
{
    if (received->file_count == 0)
        return -1;
    int file = received->files[0];
    received->file_count--;
    memmove(received->files, received->files + 1, received->file_count * sizeof(int));
    return file;
}

/* ---- sending */

enum remote_result remote_send(int socket, const struct remote_outgoing *packet, bool wait)
{
    struct remote_header header = {.type = packet->type};
    struct iovec pieces[] = {
        {&header, sizeof(header)},
        {(void *)packet->body, packet->body_size},
        {(void *)packet->tail, packet->tail_size},
    };
    union control control = {0};
    struct msghdr message = {.msg_iov = pieces, .msg_iovlen = 3};
    ssize_t sent;

    if (packet->file_count > 0) {
        message.msg_control = &control;
        message.msg_controllen = CMSG_SPACE(sizeof(int) * packet->file_count);
        struct cmsghdr *part = CMSG_FIRSTHDR(&message);
        part->cmsg_level = SOL_SOCKET;
        part->cmsg_type = SCM_RIGHTS;
        part->cmsg_len = CMSG_LEN(sizeof(int) * packet->file_count);
        memcpy(CMSG_DATA(part), packet->files, sizeof(int) * packet->file_count);
    }
    do
        sent = sendmsg(socket, &message, MSG_NOSIGNAL | (wait ? 0 : MSG_DONTWAIT));
    while (sent < 0 && errno == EINTR);
    if (sent >= 0)
        return REMOTE_OK;
    return errno == EAGAIN || errno == ENOBUFS ? REMOTE_FULL : REMOTE_GONE;
}
