/* SPDX-License-Identifier: MIT */
/* The device and other processes: fork, vfork, exec, descriptors that are passed on. */
#include "raw.h"

#include <dlfcn.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/syscall.h>

extern char **environ;

static const char *self;

/* ---- fork */

static void check_child_of_fork(const struct raw *raw, uint32_t fence)
{
    uint32_t device = raw->device;
    struct raw own;

    /* The open file is the parent's; so are its handles. */
    CHECK_ERROR(ioctl(raw->device_node, RAW_DESTROY_DEVICE, &device), ENOTTY);
    CHECK_ERROR(raw_signal(raw, fence, 99), ENOTTY);
    raw_begin(&own);
    CHECK_ERROR(ioctl(own.device_node, RAW_DESTROY_SYNC_OBJECT, &fence), EINVAL);
    CHECK_ERROR(ioctl(raw->device_node, RAW_DESTROY_DEVICE, &device), ENOTTY);
    CHECK(close(raw->device_node) == 0);
    CHECK(raw_wait(&own, raw_create_fence(&own, 0, NULL), 0) == 0);
    CHECK(close(own.device_node) == 0);
}

static void a_forked_child_begins_anew(void)
{
    const volatile uint64_t *value;
    struct raw raw;

    raw_begin(&raw);
    uint32_t fence = raw_create_fence(&raw, 0, &value);
    raw_settle();
    pid_t child = fork();
    if (child == 0) {
        check_child_of_fork(&raw, fence);
        _exit(0);
    }
    raw_join(child);
    CHECK(raw_signal(&raw, fence, 1) == 0 && *value == 1);
    close(raw.device_node);
}

/* No fork handler runs. */
static void a_bare_clone_begins_anew(void)
{
    struct raw raw;

    raw_begin(&raw);
    uint32_t fence = raw_create_fence(&raw, 0, NULL);
    raw_settle();
    pid_t child = (pid_t)syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
    if (child == 0) {
        check_child_of_fork(&raw, fence);
        _exit(0);
    }
    raw_join(child);
    CHECK(raw_signal(&raw, fence, 1) == 0);
    close(raw.device_node);
}

/* Fence pages are inherited, and live. */
static void a_child_sees_the_parents_fence(void)
{
    const volatile uint64_t *value;
    int ready[2];
    struct raw raw;

    raw_begin(&raw);
    CHECK(pipe(ready) == 0);
    uint32_t fence = raw_create_fence(&raw, 0, &value);
    raw_settle();
    pid_t child = fork();
    if (child == 0) {
        char byte;

        CHECK(read(ready[0], &byte, 1) == 1);
        _exit(*value == 5 ? 0 : 1);
    }
    CHECK(raw_signal(&raw, fence, 5) == 0);
    CHECK(write(ready[1], "x", 1) == 1);
    raw_join(child);
    close(ready[0]);
    close(ready[1]);
    close(raw.device_node);
}

/* What a child that borrows this memory closes is closed for itself alone. */
static void a_vfork_child_changes_nothing(void)
{
    struct raw raw;

    raw_begin(&raw);
    pid_t child = vfork();
    if (child == 0) {
        int other = dup(raw.device_node);
        uint32_t device = raw.device;
        int result = ioctl(raw.device_node, RAW_DESTROY_DEVICE, &device);

        close(raw.device_node);
        close(other);
        _exit(result == -1 && errno == ENOTTY ? 0 : 1);
    }
    raw_join(child);
    CHECK(raw_signal(&raw, raw_create_fence(&raw, 0, NULL), 1) == 0);
    CHECK(ioctl(raw.device_node, RAW_DESTROY_DEVICE, &raw.device) == 0);
    close(raw.device_node);
}

/* ---- exec */

static void spawn(char *const arguments[], char *const environment[])
{
    pid_t child;

    CHECK(posix_spawn(&child, self, NULL, NULL, arguments, environment) == 0);
    raw_join(child);
}

static void executed_programs_have_a_device(void)
{
    char mode[] = "opens";
    char *arguments[] = {(char *)(uintptr_t)self, mode, NULL}, *nothing[] = {NULL};

    spawn(arguments, environ);
    spawn(arguments, nothing); /* without LD_PRELOAD in the environment that they are given */
    pid_t child = fork();
    if (child == 0) {
        execle(self, self, mode, (char *)NULL, nothing);
        _exit(9);
    }
    raw_join(child);
    child = fork();
    if (child == 0) {
        clearenv();
        execl(self, self, mode, (char *)NULL);
        _exit(9);
    }
    raw_join(child);
    child = vfork();
    if (child == 0) {
        execve(self, arguments, nothing);
        _exit(9);
    }
    raw_join(child);
}

/* Whatever of it the environment that they are given has. */
static void executed_programs_have_all_of_it(void)
{
    static const char *const names[] = {"LD_PRELOAD", "LD_LIBRARY_PATH", "D3DKMT_RUN_OPTIONS",
                                        "D3DKMT_RUN_LIBRARIES"};
    enum { NAMES = sizeof(names) / sizeof(names[0]) };
    char mode[] = "has-all", path[] = "LD_LIBRARY_PATH=/nowhere", given[NAMES][4096];
    const char *options = getenv("D3DKMT_RUN_OPTIONS");
    char *arguments[] = {(char *)(uintptr_t)self, mode, (char *)(uintptr_t)options, NULL};
    char *other[] = {path, NULL};

    CHECK(options);
    spawn(arguments, other);
    for (int i = 0; i < NAMES; i++) {
        char *one[] = {given[i], NULL};

        CHECK(getenv(names[i]));
        snprintf(given[i], sizeof(given[i]), "%s=%s", names[i], getenv(names[i]));
        spawn(arguments, one);
    }
}

/* A descriptor that is not closed on exec is still the process's own. */
static void descriptors_survive_exec(void)
{
    pid_t child = fork();

    if (child == 0) {
        char number[16];
        int node = open("/dev/dxg", O_RDWR);

        CHECK(node >= 0 && raw_open_adapter(node, NULL) != 0);
        snprintf(number, sizeof(number), "%d", node);
        execl(self, self, "kept", number, (char *)NULL);
        _exit(9);
    }
    raw_join(child);
}

/* What a vfork child opens is of use to the program that it executes. */
static void a_vfork_child_opens_for_another_program(void)
{
    pid_t child = vfork();

    if (child == 0) {
        if (dup2(open("/dev/dxg", O_RDWR), 90) == 90)
            execl(self, self, "kept", "90", (char *)NULL);
        _exit(9);
    }
    raw_join(child);
}

/* ---- passing on */

static void send_descriptor(int socket, int descriptor)
{
    union {
        struct cmsghdr header;
        char room[CMSG_SPACE(sizeof(int))];
    } control = {0};
    struct iovec data = {.iov_base = &control, .iov_len = 1};
    struct msghdr message = {.msg_iov = &data,
                             .msg_iovlen = 1,
                             .msg_control = &control,
                             .msg_controllen = sizeof(control.room)};
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);

    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof(int));
    memcpy(CMSG_DATA(header), &descriptor, sizeof(descriptor));
    CHECK(sendmsg(socket, &message, 0) == 1);
}

static int receive_descriptor(int socket)
{
    union {
        struct cmsghdr header;
        char room[CMSG_SPACE(sizeof(int))];
    } control = {0};
    char byte;
    struct iovec data = {.iov_base = &byte, .iov_len = 1};
    struct msghdr message = {.msg_iov = &data,
                             .msg_iovlen = 1,
                             .msg_control = &control,
                             .msg_controllen = sizeof(control.room)};
    int descriptor;

    CHECK(recvmsg(socket, &message, 0) == 1 && CMSG_FIRSTHDR(&message));
    memcpy(&descriptor, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof(descriptor));
    return descriptor;
}

/* Whoever receives a descriptor has a device that refuses everything; back home it is good. */
static void a_passed_descriptor_is_the_senders(void)
{
    int pair[2];
    struct raw raw;

    CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0);
    pid_t child = fork(); /* before anything is open, so that it has the descriptor by mail alone */
    if (child == 0) {
        int received = receive_descriptor(pair[1]);
        uint32_t adapter = 0;

        CHECK_ERROR(ioctl(received, RAW_CLOSE_ADAPTER, &adapter), ENOTTY);
        int own = raw_open();
        CHECK(raw_open_adapter(own, NULL) != 0);
        CHECK_ERROR(ioctl(received, RAW_CLOSE_ADAPTER, &adapter), ENOTTY);
        send_descriptor(pair[1], received);
        _exit(0);
    }
    raw_begin(&raw);
    uint32_t fence = raw_create_fence(&raw, 0, NULL);
    send_descriptor(pair[0], raw.device_node);
    raw_join(child);
    raw.device_node = receive_descriptor(pair[0]);
    CHECK(raw_signal(&raw, fence, 1) == 0);
    close(pair[0]);
    close(pair[1]);
}

/* ---- this program as another */

static int as_program_that_opens(void)
{
    struct raw raw;

    raw_begin(&raw);
    return raw_wait(&raw, raw_create_fence(&raw, 0, NULL), 0);
}

/* The same host, and the libraries by name. */
static int as_program_that_has_all(const char *options)
{
    const char *own_options = getenv("D3DKMT_RUN_OPTIONS"), *path = getenv("LD_LIBRARY_PATH");

    CHECK(own_options && strcmp(own_options, options) == 0 && path);
    CHECK(access("/usr/lib/wsl/lib/libdxcore.so", R_OK) == 0);
    CHECK(dlopen("libdxg.so.1", RTLD_NOW));
    return as_program_that_opens();
}

static int as_program_that_keeps(int node)
{
    uint32_t adapter = raw_open_adapter(node, NULL);

    return ioctl(node, RAW_CLOSE_ADAPTER, &adapter);
}

int main(int count, char **arguments)
{
    self = "/proc/self/exe";
    if (count == 2 && strcmp(arguments[1], "opens") == 0)
        return as_program_that_opens();
    if (count == 3 && strcmp(arguments[1], "has-all") == 0)
        return as_program_that_has_all(arguments[2]);
    if (count == 3 && strcmp(arguments[1], "kept") == 0)
        return as_program_that_keeps(atoi(arguments[2]));
    a_forked_child_begins_anew();
    a_bare_clone_begins_anew();
    a_child_sees_the_parents_fence();
    a_vfork_child_changes_nothing();
    executed_programs_have_a_device();
    executed_programs_have_all_of_it();
    descriptors_survive_exec();
    a_vfork_child_opens_for_another_program();
    a_passed_descriptor_is_the_senders();
    return 0;
}
