/* SPDX-License-Identifier: MIT */
/*
 * Processes that end with everything left open, and calls after the library's own end: no crash, no
 * hang. Each way to end is a run of exit_program.
 */
#include "client.h"

#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>

extern char **environ;

enum { WORKS = 42 };

static char *program;

/* How the program ended: its exit status, or 256 and the signal. */
static int run(const char *backend, const char *way)
{
    char *argv[] = {program, (char *)way, NULL};
    pid_t child;
    int status;

    setenv("D3DKMT_BACKEND", backend, 1);
    if (posix_spawn(&child, program, NULL, NULL, argv, environ) != 0)
        return -1;
    while (waitpid(child, &status, 0) < 0)
        ;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 256 + WTERMSIG(status);
}

static void process_ends_well(void **state)
{
    /* With and without replies to what the threads left behind. */
    assert_int_equal(run("loopback:hw-scheduling", *state), WORKS);
    assert_int_equal(run("loopback:hw-scheduling,async,pending", *state), WORKS);
}

int main(int argc, char **argv)
{
#define WAY(name)                                                                                  \
    {                                                                                              \
        name, process_ends_well, NULL, NULL, (void *)name                                          \
    }
    const struct CMUnitTest tests[] = {
        WAY("exit"),
        WAY("quick_exit"),
        WAY("_exit"),
        WAY("exit-of-a-thread"),
        WAY("exit-without-main-thread"),
        WAY("exec"),
        WAY("call-at-exit"),
        WAY("call-in-destructor"),
        WAY("call-in-destructor-after-close"),
        WAY("call-at-thread-end"),
    };
#undef WAY

    if (argc != 2)
        return 2;
    program = argv[1];
    return cmocka_run_group_tests(tests, NULL, NULL);
}
