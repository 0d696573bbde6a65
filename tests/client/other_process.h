/* SPDX-License-Identifier: MIT */
/* A second process for tests: a forked child with a channel to its parent. */
#ifndef TESTS_CLIENT_OTHER_PROCESS_H
#define TESTS_CLIENT_OTHER_PROCESS_H

#include <stdbool.h>
#include <sys/types.h>

struct other_process {
    pid_t pid;
    int channel;
};

/*
 * Forks; the child runs body, which gets its end of the channel, and ends with what that returns.
 * It is killed after two minutes. Bodies use CHILD_EXPECT of client/gpu.h.
 */
struct other_process other_process_start(int (*body)(int channel, void *context), void *context);

/* Waits for its end, which must be 0. */
void other_process_end(const struct other_process *process);
void other_process_kill(const struct other_process *process);

/* One word over the channel. False: the other side is gone. */
bool other_process_say(int channel);
bool other_process_hear(int channel);

bool other_process_send_descriptor(int channel, int descriptor);
/* -1: none came. */
int other_process_receive_descriptor(int channel);

#endif
