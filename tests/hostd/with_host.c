/* SPDX-License-Identifier: MIT */
/* Runs a program with D3DKMT_BACKEND on a d3dkmt-hostd of its own. Usage: PROGRAM [ARGUMENT...] */
#include "hostd/host_process.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

int main(int argc, char **argv)
{
    struct host_process host;
    int status = 0;

    if (argc < 2)
        return 2;
    host_process_start(&host, NULL, NULL);
    setenv("D3DKMT_BACKEND", host.backend, 1);
    pid_t program = fork();
    if (program == 0) {
        execv(argv[1], argv + 1);
        _exit(127);
    }
    bool ran = program > 0 && waitpid(program, &status, 0) == program && status == 0;
    int ended = host_process_stop(&host);
    if (!ran || ended != 0)
        fprintf(stderr, "the program ended with 0x%x, the host with %d\n", (unsigned)status, ended);
    return ran && ended == 0 ? 0 : 1;
}
