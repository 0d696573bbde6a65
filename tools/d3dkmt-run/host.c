/* SPDX-License-Identifier: MIT */
/* One simulated host for all processes of a run: a d3dkmt-hostd that lives as long as the program.
 */
#include "run.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

static volatile sig_atomic_t program; /* that signals are passed on to; 0: none yet */

static void execute_host(const struct run_files *files, const struct run_host *host,
                         const char *options, int output)
{
    /* Of the terminal's signals only the program gets to know; it may want to use the host still.
     */
    setpgid(0, 0);
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    dup2(output, STDOUT_FILENO);
    execl(files->hostd, "d3dkmt-hostd", "--max-clients", "10000", "--options", options,
          host->socket, (char *)NULL);
    fprintf(stderr, "d3dkmt-run: %s cannot be executed: %s\n", files->hostd, strerror(errno));
    _exit(RUN_FAILED);
}

/* The host says a line when it listens; before that it may say on standard error why not. */
static bool wait_until_ready(int output)
{
    FILE *stream = fdopen(output, "r");
    char line[PATH_MAX + 32];
    bool ready =
        stream && fgets(line, sizeof(line), stream) && strncmp(line, "listening on", 12) == 0;

    if (stream)
        fclose(stream);
    return ready;
}

bool run_host_start(const struct run_files *files, const char *options, struct run_host *host)
{
    const char *temporary = getenv("TMPDIR");
    int output[2];

    if (snprintf(host->folder, sizeof(host->folder), "%s/d3dkmt-run-XXXXXX",
                 temporary && *temporary ? temporary : "/tmp") >= (int)sizeof(host->folder) ||
        !mkdtemp(host->folder) || pipe(output) != 0) {
        fprintf(stderr, "d3dkmt-run: no folder for the host's socket can be made in %s: %s\n",
                temporary ? temporary : "/tmp", strerror(errno));
        return false;
    }
    snprintf(host->socket, sizeof(host->socket), "%s/host", host->folder);
    host->process = fork();
    if (host->process == 0)
        execute_host(files, host, options, output[1]);
    close(output[1]);
    if (host->process > 0 && wait_until_ready(output[0]))
        return true;
    run_host_stop(host);
    return false;
}

void run_host_stop(struct run_host *host)
{
    if (host->process > 0) {
        kill(host->process, SIGTERM);
        waitpid(host->process, NULL, 0);
    }
    unlink(host->socket);
    rmdir(host->folder);
}

/* ---- the program */

static void pass_on(int number)
{
    if (program > 0)
        kill((pid_t)program, number);
}

/* As a shell: the terminal's signals are the program's affair, and others are passed on. */
static void set_signals(void)
{
    struct sigaction passing = {.sa_handler = pass_on, .sa_flags = SA_RESTART};

    signal(SIGINT, SIG_IGN);
    signal(SIGQUIT, SIG_IGN);
    sigaction(SIGTERM, &passing, NULL);
    sigaction(SIGHUP, &passing, NULL);
}

static void execute(char *const *arguments)
{
    execvp(arguments[0], arguments);
    fprintf(stderr, "d3dkmt-run: %s cannot be executed: %s\n", arguments[0], strerror(errno));
    _exit(errno == ENOENT ? RUN_NOT_FOUND : RUN_NOT_COVERED);
}

int run_program(char *const *arguments)
{
    struct sigaction interrupt, quit;
    int status = 0;
    pid_t child;

    sigaction(SIGINT, NULL, &interrupt);
    sigaction(SIGQUIT, NULL, &quit);
    set_signals();
    child = fork();
    if (child == 0) {
        sigaction(SIGINT, &interrupt, NULL);
        sigaction(SIGQUIT, &quit, NULL);
        signal(SIGTERM, SIG_DFL);
        signal(SIGHUP, SIG_DFL);
        execute(arguments);
    }
    program = child;
    while (child > 0 && waitpid(child, &status, 0) < 0 && errno == EINTR)
        continue;
    return child > 0 ? status : RUN_FAILED << 8;
}

void run_exit(int status)
{
    const struct rlimit no_core = {0, 0};

    if (WIFEXITED(status))
        exit(WEXITSTATUS(status));
    /* The program's core is there already, and whoever waits for this process sees the signal. */
    setrlimit(RLIMIT_CORE, &no_core);
    signal(WTERMSIG(status), SIG_DFL);
    raise(WTERMSIG(status));
    exit(128 + WTERMSIG(status));
}
