/* SPDX-License-Identifier: MIT */
#include "backend-vmbus-uio/node.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum { PAGE_SIZE = 4096, GREETING_SECONDS = 10 };

/* ---- sockets in place of nodes */

/* Paths that are too long for a socket's address go by way of a descriptor. */
static int connect_to(int connection, const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int place = open(path, O_PATH | O_CLOEXEC);

    if (place < 0)
        return errno;
    snprintf(address.sun_path, sizeof(address.sun_path), "/proc/self/fd/%d", place);
    int error = 0;
    do
        error = connect(connection, (const struct sockaddr *)&address, sizeof(address)) ? errno : 0;
    while (error == EINTR);
    close(place);
    return error == ECONNREFUSED ? ENODEV : error;
}

static void take_files(struct vmbus_node *node, struct msghdr *message, unsigned *count)
{
    for (struct cmsghdr *part = CMSG_FIRSTHDR(message); part; part = CMSG_NXTHDR(message, part)) {
        if (part->cmsg_level != SOL_SOCKET || part->cmsg_type != SCM_RIGHTS)
            continue;
        size_t files = (part->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        for (size_t i = 0; i < files && *count < VMBUS_NODE_MOST_FILES; i++)
            memcpy(&node->files[(*count)++], CMSG_DATA(part) + i * sizeof(int), sizeof(int));
    }
}

static int receive_greeting(struct vmbus_node *node, enum vmbus_node_kind kind)
{
    static const unsigned files_of[] = {
        [VMBUS_NODE_DEVICE] = 2, [VMBUS_NODE_CONFIG] = 0, [VMBUS_NODE_MEMORY] = 1};
    union {
        struct cmsghdr header;
        char bytes[CMSG_SPACE(sizeof(int) * VMBUS_NODE_MOST_FILES)];
    } control;
    struct vmbus_node_greeting greeting;
    struct iovec piece = {&greeting, sizeof(greeting)};
    struct msghdr message = {
        .msg_iov = &piece,
        .msg_iovlen = 1,
        .msg_control = &control,
        .msg_controllen = sizeof(control),
    };
    unsigned count = 0;
    ssize_t size;

    do
        size = recvmsg(node->file, &message, MSG_CMSG_CLOEXEC);
    while (size < 0 && errno == EINTR);
    if (size < 0)
        return errno == EAGAIN ? ETIMEDOUT : errno;
    take_files(node, &message, &count); /* which may come with a packet of no bytes */
    if (size == 0)
        return ENODEV;
    if (message.msg_flags & MSG_CTRUNC)
        return EMFILE;
    if (size != sizeof(greeting) || greeting.magic != VMBUS_NODE_MAGIC || greeting.kind != kind)
        return EPROTO;
    if (greeting.error)
        return greeting.error < 4096 ? (int)greeting.error : EPROTO;
    node->base = greeting.base;
    node->size = greeting.size;
    return count == files_of[kind] ? 0 : EPROTO;
}

/* A memory that its owner could make shorter would end this process. */
static bool is_sealed(int file)
{
    int seals = fcntl(file, F_GET_SEALS);

    return file < 0 || (seals >= 0 && (seals & F_SEAL_SHRINK));
}

/* Nor may it be smaller than what is mapped of it. */
static int check_sizes(struct vmbus_node *node, enum vmbus_node_kind kind)
{
    struct stat files[VMBUS_NODE_MOST_FILES] = {{0}};

    for (int i = 0; i < VMBUS_NODE_MOST_FILES; i++)
        if (node->files[i] >= 0 && fstat(node->files[i], &files[i]) != 0)
            return errno;
    if (kind == VMBUS_NODE_DEVICE)
        node->size = (uint64_t)files[0].st_size;
    return (kind == VMBUS_NODE_DEVICE && files[1].st_size < 2 * PAGE_SIZE) ||
                   (kind == VMBUS_NODE_MEMORY && (uint64_t)files[0].st_size < node->size)
               ? EPROTO
               : 0;
}

static int open_socket(const char *path, enum vmbus_node_kind kind, struct vmbus_node *node)
{
    const struct timeval patience = {.tv_sec = GREETING_SECONDS};

    node->simulated = true;
    node->file = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    if (node->file < 0)
        return errno;
    setsockopt(node->file, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    int error = connect_to(node->file, path);
    if (!error)
        error = receive_greeting(node, kind);
    if (!error && (!is_sealed(node->files[0]) || !is_sealed(node->files[1])))
        error = EPROTO;
    if (!error)
        error = check_sizes(node, kind);
    if (!error && kind == VMBUS_NODE_MEMORY) { /* which is all that there was to be said */
        close(node->file);
        node->file = node->files[0];
        node->files[0] = -1;
    }
    if (!error && kind == VMBUS_NODE_DEVICE && fcntl(node->file, F_SETFL, O_NONBLOCK) != 0)
        error = errno;
    return error;
}

/* ---- both */

static int open_kernels(const char *path, enum vmbus_node_kind kind, struct vmbus_node *node)
{
    int flags = O_RDWR | O_CLOEXEC | (kind == VMBUS_NODE_DEVICE ? O_NONBLOCK : 0);

    node->file = open(path, flags);
    if (node->file < 0)
        return errno;
    /* Opens are counted, not refused: two users of one ring would destroy it. */
    if (kind == VMBUS_NODE_DEVICE && flock(node->file, LOCK_EX | LOCK_NB) != 0)
        return errno == EWOULDBLOCK ? EBUSY : errno;
    return 0;
}

int vmbus_node_open(const char *path, enum vmbus_node_kind kind, struct vmbus_node *node)
{
    struct stat found;

    *node = (struct vmbus_node){.file = -1, .files = {-1, -1}};
    if (stat(path, &found) != 0)
        return errno;
    int error =
        S_ISSOCK(found.st_mode) ? open_socket(path, kind, node) : open_kernels(path, kind, node);
    if (error)
        vmbus_node_close(node);
    return error;
}

void vmbus_node_close(struct vmbus_node *node)
{
    for (int i = 0; i < VMBUS_NODE_MOST_FILES; i++)
        if (node->files[i] >= 0)
            close(node->files[i]);
    if (node->file >= 0)
        close(node->file);
    *node = (struct vmbus_node){.file = -1, .files = {-1, -1}};
}

static int map_shared(int file, uint64_t offset, size_t size, bool writable, void **mapping)
{
    void *mapped = mmap(NULL, size, writable ? PROT_READ | PROT_WRITE : PROT_READ, MAP_SHARED, file,
                        (off_t)offset);

    if (mapped == MAP_FAILED)
        return errno;
    *mapping = mapped;
    return 0;
}

/* ---- a UIO device */

/* The kernel's offset is no place in the map: its page number chooses the map. */
int vmbus_node_map(const struct vmbus_node *node, unsigned map, size_t size, void **mapping)
{
    if (!node->simulated)
        return map_shared(node->file, (uint64_t)map * PAGE_SIZE, size, true, mapping);
    return map == 0
               ? map_shared(node->files[0], 0, size, true, mapping)
               : map_shared(node->files[1], (uint64_t)(map - 1) * PAGE_SIZE, size, true, mapping);
}

bool vmbus_node_signal(const struct vmbus_node *node)
{
    const int32_t one = 1;
    ssize_t written;

    do
        written = node->simulated ? send(node->file, &one, sizeof(one), MSG_NOSIGNAL)
                                  : write(node->file, &one, sizeof(one));
    while (written < 0 && errno == EINTR);
    /* A socket that is full holds signals enough. */
    return written >= 0 || errno == EAGAIN;
}

/* A read gives the number of all interrupts so far. A socket may hold several, and says so again.
 */
bool vmbus_node_take_interrupt(const struct vmbus_node *node)
{
    int32_t count;
    ssize_t size = read(node->file, &count, sizeof(count));

    if (size < 0)
        return errno == EAGAIN || errno == EINTR;
    return size > 0; /* 0 is a socket's way to say EIO */
}

/* ---- a PCI function */

/* A socket with a time limit ends a call for any signal that the program handles. */
static int ask_socket(const struct vmbus_node *node, struct vmbus_node_config *request)
{
    ssize_t size;

    do
        size = send(node->file, request, sizeof(*request), MSG_NOSIGNAL);
    while (size < 0 && errno == EINTR);
    if (size != sizeof(*request))
        return EIO;
    do
        size = recv(node->file, request, sizeof(*request), 0);
    while (size < 0 && errno == EINTR);
    if (size != sizeof(*request))
        return EIO;
    return request->error < 4096 ? (int)request->error : EPROTO;
}

int vmbus_node_config_read(const struct vmbus_node *node, unsigned offset, uint32_t *value)
{
    struct vmbus_node_config request = {.offset = offset};

    if (node->simulated) {
        int error = ask_socket(node, &request);

        *value = request.value;
        return error;
    }
    ssize_t size = pread(node->file, value, sizeof(*value), (off_t)offset);
    if (size < 0)
        return errno;
    /* Behind the first 64 bytes the kernel gives an unprivileged reader nothing, and no error. */
    return size == sizeof(*value) ? 0 : ENODATA;
}

int vmbus_node_config_write(const struct vmbus_node *node, unsigned offset, uint32_t value)
{
    struct vmbus_node_config request = {.offset = offset, .write = 1, .value = value};

    if (node->simulated)
        return ask_socket(node, &request);
    ssize_t size = pwrite(node->file, &value, sizeof(value), (off_t)offset);
    if (size < 0)
        return errno;
    return size == sizeof(value) ? 0 : ENODATA;
}

/* ---- memory */

int vmbus_node_map_memory(const struct vmbus_node *node, uint64_t address, size_t size,
                          bool writable, void **mapping)
{
    if (!node->simulated)
        return map_shared(node->file, address, size, writable, mapping);
    if (address < node->base || address - node->base > node->size ||
        size > node->size - (address - node->base))
        return EPERM;
    return map_shared(node->file, address - node->base, size, writable, mapping);
}
