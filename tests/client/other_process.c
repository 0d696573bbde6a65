/* SPDX-License-Identifier: MIT */
#include "client/other_process.h"

#include "client/client.h"
#include "client/gpu.h"

#include <signal.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

/* ThreadSanitizer refuses threads in a child of a process with threads unless it is told. */
const char *__tsan_default_options(void);
const char *__tsan_default_options(void)
{
    return "die_after_fork=0";
}

struct other_process other_process_start(int (*body)(int channel, void *context), void *context)
{
    struct other_process process;
    int ends[2];

    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends), 0);
    fflush(NULL);
#ifdef CLIENT_ADDRESS_SANITIZER
    /* Its locks are not made for fork. */
    client_until_all_asleep();
#endif
    process.pid = fork();
    assert_true(process.pid >= 0);
    if (process.pid == 0) {
        alarm(120);
        close(ends[0]);
        _exit(body(ends[1], context));
    }
    close(ends[1]);
    process.channel = ends[0];
    return process;
}

void other_process_end(const struct other_process *process)
{
    int status;

    assert_int_equal(waitpid(process->pid, &status, 0), process->pid);
    close(process->channel);
    assert_int_equal(status, 0);
}

void other_process_kill(const struct other_process *process)
{
    int status;

    kill(process->pid, SIGKILL);
    assert_int_equal(waitpid(process->pid, &status, 0), process->pid);
    close(process->channel);
    assert_true(WIFSIGNALED(status));
}

bool other_process_say(int channel)
{
    return send(channel, "!", 1, MSG_NOSIGNAL) == 1;
}

bool other_process_hear(int channel)
{
    char byte;

    return recv(channel, &byte, 1, 0) == 1;
}

/* ---- descriptors */

union control {
    struct cmsghdr header;
    char bytes[CMSG_SPACE(sizeof(int))];
};

bool other_process_send_descriptor(int channel, int descriptor)
{
    char byte = '!';
    struct iovec data = {&byte, 1};
    union control control = {.header = {.cmsg_len = CMSG_LEN(sizeof(int)),
                                        .cmsg_level = SOL_SOCKET,
                                        .cmsg_type = SCM_RIGHTS}};
    struct msghdr message = {.msg_iov = &data,
                             .msg_iovlen = 1,
                             .msg_control = &control,
                             .msg_controllen = sizeof(control.bytes)};

    memcpy(CMSG_DATA(&control.header), &descriptor, sizeof(descriptor));
    return sendmsg(channel, &message, MSG_NOSIGNAL) == 1;
}

int other_process_receive_descriptor(int channel)
{
    char byte;
    struct iovec data = {&byte, 1};
    union control control;
    struct msghdr message = {.msg_iov = &data,
                             .msg_iovlen = 1,
                             .msg_control = &control,
                             .msg_controllen = sizeof(control.bytes)};
    int descriptor = -1;

    if (recvmsg(channel, &message, MSG_CMSG_CLOEXEC) == 1 &&
        message.msg_controllen >= CMSG_LEN(sizeof(int)))
        memcpy(&descriptor, CMSG_DATA(&control.header), sizeof(descriptor));
    return descriptor;
}
