/* SPDX-License-Identifier: MIT */
/* d3dkmt-run: gives a program a /dev/dxg that the simulated host stands behind. */
#ifndef TOOLS_D3DKMT_RUN_RUN_H
#define TOOLS_D3DKMT_RUN_RUN_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>
#include <sys/un.h>

/* Exit statuses of d3dkmt-run itself, as those of env(1). */
enum { RUN_FAILED = 125, RUN_NOT_COVERED = 126, RUN_NOT_FOUND = 127 };

struct run_files {
    char preload[PATH_MAX];   /* d3dkmt-preload.so */
    char dxgkrnl[PATH_MAX];   /* what it loads beside it */
    char libraries[PATH_MAX]; /* the folder that stands for /usr/lib/wsl/lib */
    char profiles[PATH_MAX];  /* the folder of adapter profiles */
    char hostd[PATH_MAX];     /* d3dkmt-hostd */
};

/* Finds the files that belong to this program, in the build tree or installed; false: explained. */
bool run_files_find(struct run_files *files);

/*
 * Why the shim cannot reach the program that execvp() would start, in words for "PROGRAM ...", or
 * NULL. *status: RUN_NOT_COVERED or RUN_NOT_FOUND.
 */
const char *run_program_check(const char *program, int *status);

/*
 * Starts the simulated host of a process with these options, and ends it; false: explained. It is
 * better told now than by a program that finds no GPU.
 */
bool run_options_check(const struct run_files *files, const char *options);

/* What the address of a socket has room for. */
enum { RUN_SOCKET_MAX = sizeof(((struct sockaddr_un *)NULL)->sun_path) };

struct run_host {
    char folder[RUN_SOCKET_MAX - 5]; /* of the socket's own, with room for "/host" behind it */
    char socket[RUN_SOCKET_MAX];
    pid_t process;
};

/* Starts a host with these options; false: explained. */
bool run_host_start(const struct run_files *files, const char *options, struct run_host *host);
void run_host_stop(struct run_host *host);

/* Runs a program to its end, as wait() tells it. */
int run_program(char *const *arguments);

/* Ends this process as that program ended. */
void run_exit(int status);

#endif
